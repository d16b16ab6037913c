/* table: columns as wide as their cells; on a terminal that is too narrow the least
 * needed columns go first, then the widest are cut in the middle. */
#include "cli/out.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GAP 2
#define NOTE_INDENT 4

void table_init(struct table *t, const struct table_col *cols, size_t n_cols)
{
	*t = (struct table){ .cols = cols, .n_cols = n_cols };
}

void table_add(struct table *t, enum fmt_tone tone, const char *text)
{
	struct table_cell *grown;
	char *copy;

	if (t->n_cells == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 64;

		grown = realloc(t->cells, cap * sizeof(*grown));
		if (!grown) {
			t->bad = true;
			return;
		}
		t->cells = grown;
		t->cap = cap;
	}
	copy = strdup(text ? text : "");
	t->bad |= !copy;
	t->cells[t->n_cells].text = copy;
	t->cells[t->n_cells++].tone = tone;
}

void table_addf(struct table *t, enum fmt_tone tone, const char *fmt, ...)
{
	struct sbuf b = { 0 };
	va_list ap;

	va_start(ap, fmt);
	sbuf_vaddf(&b, fmt, ap);
	va_end(ap);
	table_add(t, tone, sbuf_str(&b));
	sbuf_fini(&b);
}

void table_note(struct table *t, enum fmt_tone tone, const char *text)
{
	struct table_note *grown;
	char *copy;

	if (t->n_notes == t->notes_cap) {
		size_t cap = t->notes_cap ? t->notes_cap * 2 : 16;

		grown = realloc(t->notes, cap * sizeof(*grown));
		if (!grown) {
			t->bad = true;
			return;
		}
		t->notes = grown;
		t->notes_cap = cap;
	}
	copy = strdup(text);
	t->bad |= !copy;
	t->notes[t->n_notes].row = t->n_cells / t->n_cols;
	t->notes[t->n_notes].cell.text = copy;
	t->notes[t->n_notes++].cell.tone = tone;
}

static const char *cell_text(const struct table *t, size_t row, size_t col)
{
	size_t at = row * t->n_cols + col;

	return at < t->n_cells && t->cells[at].text ? t->cells[at].text : "";
}

/* A column of which every cell is empty says nothing. */
static void measure(const struct table *t, size_t rows, size_t *width)
{
	for (size_t col = 0; col < t->n_cols; col++) {
		width[col] = 0;
		for (size_t row = 0; row < rows; row++) {
			size_t w = fmt_width(cell_text(t, row, col));

			if (w > width[col])
				width[col] = w;
		}
		if (width[col] && width[col] < strlen(t->cols[col].title))
			width[col] = strlen(t->cols[col].title);
	}
}

static size_t total(const size_t *width, size_t n)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		if (width[i])
			sum += width[i] + (sum ? GAP : 0);
	return sum;
}

/* The widest column that may still shrink; n when there is none. */
static size_t widest(const struct table *t, const size_t *width)
{
	size_t best = t->n_cols;

	for (size_t i = 0; i < t->n_cols; i++)
		if (t->cols[i].min && width[i] > t->cols[i].min &&
		    (best == t->n_cols || width[i] > width[best]))
			best = i;
	return best;
}

static size_t droppable(const struct table *t, const size_t *width)
{
	size_t best = t->n_cols;

	for (size_t i = 0; i < t->n_cols; i++)
		if (t->cols[i].drop && width[i] &&
		    (best == t->n_cols || t->cols[i].drop > t->cols[best].drop))
			best = i;
	return best;
}

/* How wide it would be with every column cut as far as it may. */
static size_t least(const struct table *t, const size_t *width)
{
	size_t cut[TABLE_COLS_MAX];

	for (size_t i = 0; i < t->n_cols; i++)
		cut[i] = t->cols[i].min && width[i] > t->cols[i].min ? t->cols[i].min :
								       width[i];
	return total(cut, t->n_cols);
}

static void fit(const struct table *t, size_t *width, size_t room)
{
	size_t col;

	while (least(t, width) > room && (col = droppable(t, width)) < t->n_cols)
		width[col] = 0;
	while (total(width, t->n_cols) > room && (col = widest(t, width)) < t->n_cols)
		width[col]--;
}

static size_t last_column(const struct table *t, const size_t *width)
{
	size_t last = 0;

	for (size_t i = 0; i < t->n_cols; i++)
		if (width[i])
			last = i;
	return last;
}

static void put_cell(struct cli *c, const struct table_col *col, enum fmt_tone tone,
		     const char *text, size_t width, bool last)
{
	char buf[2048];
	size_t pad;

	if (fmt_width(text) > width)
		text = fmt_fit(text, width, c->utf8, buf, sizeof(buf));
	pad = width - fmt_width(text);
	if (col->right)
		sbuf_addf(&c->out, "%*s", (int)pad, "");
	out_tone(c, tone, text);
	if (!col->right && !last)
		sbuf_addf(&c->out, "%*s", (int)pad, "");
}

static void put_note(struct cli *c, const struct table_cell *cell)
{
	size_t room = c->width ? c->width - NOTE_INDENT - 1 : 0;
	const char *next = cell->text ? cell->text : "";

	while (next) {
		const char *line = next;
		size_t n = strlen(line);
		char *part;

		next = NULL;
		if (room)
			n = fmt_wrap(line, room, &next);
		part = strndup(line, n);
		sbuf_addf(&c->out, "%*s", NOTE_INDENT, "");
		out_tone(c, cell->tone, part ? part : "");
		sbuf_add(&c->out, "\n");
		free(part);
	}
}

/* No blanks at the end of a line whose last cells are empty. */
static void end_line(struct sbuf *b)
{
	while (b->len && b->s[b->len - 1] == ' ')
		b->s[--b->len] = '\0';
	sbuf_add(b, "\n");
}

static void print_fitted(struct cli *c, const struct table *t, size_t rows)
{
	size_t width[TABLE_COLS_MAX], last, note = 0;

	measure(t, rows, width);
	if (c->width)
		fit(t, width, c->width);
	last = last_column(t, width);
	for (size_t row = 0; row <= rows; row++) {
		bool first = true;

		for (size_t col = 0; col < t->n_cols; col++) {
			if (!width[col])
				continue;
			if (!first)
				sbuf_addf(&c->out, "%*s", GAP, "");
			first = false;
			if (row == 0)
				put_cell(c, &t->cols[col], TONE_HEAD, t->cols[col].title,
					 width[col], col == last);
			else
				put_cell(c, &t->cols[col],
					 t->cells[(row - 1) * t->n_cols + col].tone,
					 cell_text(t, row - 1, col), width[col],
					 col == last);
		}
		end_line(&c->out);
		for (; note < t->n_notes && t->notes[note].row == row; note++)
			put_note(c, &t->notes[note].cell);
	}
}

void table_print(struct cli *c, const struct table *t)
{
	size_t rows = t->n_cells / t->n_cols;

	if (t->bad)
		c->out.bad = true;
	if (!cli_has(c, OPT_PLAIN)) {
		if (rows)
			print_fitted(c, t, rows);
		return;
	}
	for (size_t row = 0; row < rows; row++) {
		for (size_t col = 0; col < t->n_cols; col++) {
			if (col)
				sbuf_add(&c->out, "\t");
			out_tone(c, TONE_PLAIN, cell_text(t, row, col));
		}
		sbuf_add(&c->out, "\n");
	}
}

void table_fini(struct table *t)
{
	for (size_t i = 0; i < t->n_cells; i++)
		free(t->cells[i].text);
	for (size_t i = 0; i < t->n_notes; i++)
		free(t->notes[i].cell.text);
	free(t->cells);
	free(t->notes);
	*t = (struct table){ 0 };
}
