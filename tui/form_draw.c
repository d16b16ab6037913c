/* form_draw: a form on the screen: tabs, fields, the error under its field, the help of the
 * focused one below. */
#include "tui/form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_MAX 24

/* Tabs from `first` to the focused page or the last, as many as fit. Returns the last drawn. */
static int tabs_from(struct form *f, int first, int row, int width, bool draw)
{
	int x = 1, p;

	for (p = first; p < f->n_pages; p++) {
		const char *name = form_page_name(f, p);
		int w = (int)fmt_width(name) + 2;

		if (x + w > width)
			break;
		if (draw) {
			term_putf(row, x, 0, p == f->page ? EL_SELECT : EL_TEXT, " %s ", name);
			f->tab_end[p] = x + w;
		}
		x += w;
	}
	return p - 1;
}

static void draw_tabs(struct form *f, int row)
{
	int first = 0, last, width = term_cols();

	f->tab_row = row;
	memset(f->tab_end, 0, sizeof(f->tab_end));
	/* Where not all fit: those around this one, and how many there are. */
	if (tabs_from(f, 0, row, width, false) < f->n_pages - 1)
		width -= 6;
	while (first < f->page && tabs_from(f, first, row, width, false) < f->page)
		first++;
	last = tabs_from(f, first, row, width, true);
	if (first > 0 || last < f->n_pages - 1)
		term_putf(row, term_cols() - 5, 0, EL_DIM, "%d/%d", f->page + 1, f->n_pages);
}

static void draw_choice(const struct form *f, const struct field *fl, int row, int x, int w,
			bool focus, bool idle)
{
	const char *value = form_value(f, fl);
	enum element el = focus ? EL_FOCUS : idle ? EL_DIM : EL_TEXT;

	if (fl->s->type == ST_BOOL)
		term_putf(row, x, 0, el, "[%c] %s", strcmp(value, "yes") == 0 ? 'x' : ' ', value);
	else if (!*value)
		term_putf(row, x, w < 30 ? w : 0, focus ? el : EL_DIM, "< %s >", fl->s->empty);
	else
		term_putf(row, x, w < 30 ? w : 0, el, "< %s >", value);
	if (focus)
		term_cursor(row, x + 1);
}

static const char *placeholder(const struct form *f, const struct field *fl)
{
	int stored = strcmp(fl->key, "ppk") == 0 ? f->stored_ppk : f->stored;

	if (fl->s->type != ST_SECRET)
		return fl->s->empty;
	return stored == 1 ? "stored; type to replace it, F3 shows it"
	     : stored == 0 ? "none yet: type one, or F4 makes one" : "";
}

static int label_width(void)
{
	int w = term_cols() * 2 / 5;

	return w < LABEL_MAX ? w : LABEL_MAX;
}

static int value_width(void)
{
	return term_cols() - label_width() - 4;
}

/* What is on the screen for a field, typed just now or before. */
static const char *shown_text(const struct form *f, size_t i)
{
	return i == f->at && form_is_text(f->fields[i].s) ? f->edit.text
							   : form_value(f, &f->fields[i]);
}

/* Algorithms stand one proposal a line, and so does any list that one line cannot hold. */
static bool is_tall(const struct form *f, size_t i)
{
	const struct setting *s = f->fields[i].s;

	return setting_is_list(s) && (form_is_suites(s) ||
				      (int)fmt_width(shown_text(f, i)) >= value_width());
}

static int value_rows(const struct form *f, size_t i)
{
	int n = 1;

	if (f->fields[i].s && is_tall(f, i))
		for (const char *c = shown_text(f, i); (c = strchr(c, ',')); c++)
			n++;
	return n;
}

/* A list with its elements below each other; the cursor's row is always in sight. */
static void draw_tall(struct form *f, size_t i, int row, int rows, int x, int w, enum element el)
{
	const char *text = shown_text(f, i);
	bool focus = i == f->at;
	int n = 0, skip = 0;

	if (focus)
		for (const char *c = text; c < text + f->edit.at; c++)
			skip += *c == ',';
	skip = skip >= rows ? skip - rows + 1 : 0;
	for (const char *c = text; ; n++) {
		size_t len = strcspn(c, ","), from = (size_t)(c - text);
		bool last = !c[len];
		struct edit part;

		len += !last;
		if (n >= skip && n < skip + rows) {
			char buf[EDIT_MAX];
			bool here;

			snprintf(buf, sizeof(buf), "%.*s", (int)len, c);
			edit_set(&part, buf);
			here = focus && f->edit.at >= from &&
			       (f->edit.at < from + len || (last && f->edit.at == from + len));
			part.at = here ? f->edit.at - from : 0;
			edit_draw(&part, row + n - skip, x, w, el, false, here);
		}
		c += len;
		if (last)
			break;
	}
}

static void draw_empty(const struct form *f, const struct field *fl, int row, int x, int w,
		       bool focus)
{
	const char *text = placeholder(f, fl);

	term_put(row, x, w, focus ? EL_FOCUS : EL_TEXT, "");
	term_putf(row, x, w, focus ? EL_FOCUS : EL_DIM, "%s%s%s", *text ? "(" : "", text,
		  *text ? ")" : "");
	if (focus)
		term_cursor(row, x);
}

static void draw_text(struct form *f, size_t i, int row, int rows, int x, int w, bool idle)
{
	const struct field *fl = &f->fields[i];
	bool mask = fl->s->sensitive && !f->reveal, focus = i == f->at;
	bool def = !fl->typed && !draft_is_set(f->draft, fl->key);
	enum element el = focus ? EL_FOCUS : def || idle ? EL_DIM : EL_FIELD;
	struct edit shown;

	if (!*shown_text(f, i)) {
		draw_empty(f, fl, row, x, w, focus);
	} else if (is_tall(f, i)) {
		draw_tall(f, i, row, rows, x, w, el);
	} else if (focus) {
		edit_draw(&f->edit, row, x, w, el, mask, true);
	} else if (mask) {
		edit_set(&shown, form_value(f, fl));
		edit_draw(&shown, row, x, w, el, true, false);
		edit_fini(&shown);
	} else {
		term_put(row, x, w, el, form_value(f, fl));
	}
}

/* Rows that the error under a field takes. */
static int error_rows(const struct field *fl)
{
	size_t width = (size_t)value_width();
	int n = 0;

	for (const char *p = fl->error; p && *p; n++)
		fmt_wrap(p, width, &p);
	return n < 3 ? n : 3;
}

/* Rows that a field takes. */
static int height(const struct form *f, size_t i)
{
	return value_rows(f, i) + error_rows(&f->fields[i]);
}

static void draw_error(const struct field *fl, int row, int end, int x)
{
	const char *p = fl->error;

	for (int n = error_rows(fl); n-- && row < end; row++) {
		const char *next;
		size_t len = fmt_wrap(p, (size_t)value_width(), &next);

		term_putf(row, x, 0, fl->warning ? EL_WAIT : EL_ERROR, "%.*s", (int)len, p);
		p = next;
	}
}

static int draw_field(struct form *f, size_t i, int row, int end)
{
	struct field *fl = &f->fields[i];
	int lw = label_width(), x = lw + 3, w = value_width(), rows = value_rows(f, i);
	bool focus = i == f->at, idle;

	if (!fl->s) {
		term_put(row, 1, 0, EL_HEAD, fl->heading);
		return row + 1;
	}
	rows = row + rows > end ? end - row : rows;
	fl->row = row;
	fl->rows = rows;
	idle = draft_idle(f->draft, fl->key) != NULL;
	term_putf(row, 1, lw + 1, focus ? EL_KEY : idle ? EL_DIM : EL_TEXT, "%s%s", fl->s->label,
		  fl->s->required ? " *" : "");
	if (form_is_text(fl->s))
		draw_text(f, i, row, rows, x, w, idle);
	else
		draw_choice(f, fl, row, x, w, focus, idle);
	draw_error(fl, row + rows, end, x);
	return row + rows + error_rows(fl);
}

static void scroll_to(struct form *f, int rows)
{
	int used = 0;

	if (f->at < f->first)
		f->first = f->at;
	/* A heading right above the focused field stays in sight. */
	if (f->first == f->at && f->at && !f->fields[f->at - 1].s)
		f->first--;
	for (size_t i = f->at + 1; i-- > f->first;) {
		used += height(f, i);
		if (used > rows) {
			f->first = i < f->at ? i + 1 : i;
			return;
		}
	}
}

static int wrap_at(int row, int end, enum element el, const char *text)
{
	size_t width = (size_t)(term_cols() - 2);

	while (text && *text && row < end) {
		const char *next;
		size_t len = fmt_wrap(text, width, &next);

		term_putf(row++, 1, (int)width, el, "%.*s", (int)len, text);
		text = next;
	}
	return row;
}

/* Blanks behind the commas of a value, so that it can be broken there. */
static void spaced(const char *text, char *buf, size_t cap)
{
	size_t n = 0;

	for (; *text && n + 2 < cap; text++) {
		buf[n++] = *text;
		if (*text == ',' && text[1] != ' ')
			buf[n++] = ' ';
	}
	buf[n] = '\0';
}

static void draw_help(const struct form *f, int row, int end)
{
	const struct field *fl = &f->fields[f->at];
	char range[200], line[600], def[300];
	const char *idle;

	if (f->at >= f->n || !fl->s)
		return;
	term_rule(row++, 0, term_cols(), fl->key);
	row = wrap_at(row, end, EL_TEXT, fl->s->help);
	idle = draft_idle(f->draft, fl->key);
	if (idle) {
		snprintf(line, sizeof(line), "Has no effect %s.", idle);
		row = wrap_at(row, end, EL_WAIT, line);
	}
	if (form_is_suites(fl->s))
		row = wrap_at(row, end, EL_KEY, "Enter puts them together by choosing.");
	setting_range(fl->s, range, sizeof(range));
	/* A long default stands in the field already. */
	spaced(strlen(fl->s->def) < 40 ? fl->s->def : "", def, sizeof(def));
	snprintf(line, sizeof(line), "%s%s%s%s%s%s", range, def[0] ? "  Default: " : "", def,
		 fl->s->example[0] ? "  Example: " : "", fl->s->example,
		 fl->s->cost == COST_RESTART && f->base && !f->router
		 ? "  Changing it restarts the peer." : "");
	row = wrap_at(row, end, EL_DIM, line);
	row = wrap_at(row, end, EL_TEXT, fl->s->more);
	if (fl->s->aka[0]) {
		snprintf(line, sizeof(line), "Elsewhere: %s", fl->s->aka);
		wrap_at(row, end, EL_DIM, line);
	}
}

/* What the fields leave goes to the help, which wants nine rows and takes no less than four. */
static int help_rows(const struct form *f, int rows)
{
	int used = 3, least = rows >= 18 ? 6 : 4;

	for (size_t i = 0; i < f->n; i++)
		used += height(f, i);
	if (rows - used > 9)
		return 9;
	return rows - used > least ? rows - used : least;
}

void form_draw(struct view *v, int top, int rows)
{
	struct form *f = (struct form *)v;
	int row = top + 2, end = top + rows - help_rows(f, rows);
	size_t i;

	draw_tabs(f, top);
	scroll_to(f, end - row);
	for (i = 0; i < f->n; i++)
		f->fields[i].rows = 0;
	for (i = f->first; i < f->n && row < end; i++)
		row = draw_field(f, i, row, end);
	if (f->first)
		term_put(top + 1, term_cols() - 8, 0, EL_DIM, "more up");
	draw_help(f, end, top + rows);
	if (i < f->n)
		term_put(end, term_cols() - 8, 0, EL_DIM, " more ");
}
