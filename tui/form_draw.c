/* form_draw: a form on the screen: tabs, fields, the error under its field, the help of the
 * focused one below. */
#include "tui/form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_MAX 24

static void draw_tabs(const struct form *f, int row)
{
	int x = 1;

	term_put(row, 0, term_cols(), EL_TEXT, "");
	/* Where not all fit: the name of this one, and how many there are. */
	if (term_cols() < 76 && f->n_pages > 2) {
		term_putf(row, 1, 0, EL_HEAD, "%s", form_page_name(f, f->page));
		term_putf(row, term_cols() - 18, 0, EL_DIM, "page %d of %d PgDn", f->page + 1,
			  f->n_pages);
		return;
	}
	for (int p = 0; p < f->n_pages; p++) {
		const char *name = form_page_name(f, p);

		term_putf(row, x, 0, p == f->page ? EL_SELECT : EL_TEXT, " %s ", name);
		x += (int)fmt_width(name) + 2;
	}
}

static void draw_choice(const struct form *f, const struct field *fl, int row, int x, int w,
			bool focus, bool idle)
{
	const char *value = form_value(f, fl);
	enum element el = focus ? EL_FOCUS : idle ? EL_DIM : EL_TEXT;

	if (fl->s->type == ST_BOOL)
		term_putf(row, x, 0, el, "[%c] %s", strcmp(value, "yes") == 0 ? 'x' : ' ', value);
	else
		term_putf(row, x, w < 30 ? w : 0, el, "< %s >", value);
	if (focus)
		term_cursor(row, x + 1);
}

static const char *placeholder(const struct form *f, const struct field *fl)
{
	if (fl->s->type != ST_SECRET)
		return fl->s->empty;
	return f->stored == 1 ? "(stored; type to replace it, F3 shows it)"
	     : f->stored == 0 ? "(none yet: type one, or F4 makes one)" : "";
}

static void draw_text(struct form *f, const struct field *fl, int row, int x, int w, bool focus,
		      bool idle)
{
	bool mask = fl->s->sensitive && !f->reveal;
	const char *value = form_value(f, fl);
	struct edit shown;

	if (focus && (f->edit.len || fl->s->type != ST_SECRET)) {
		edit_draw(&f->edit, row, x, w, EL_FOCUS, mask, true);
		return;
	}
	if (!*value) {
		term_put(row, x, w, focus ? EL_FOCUS : EL_DIM, placeholder(f, fl));
		if (focus)
			term_cursor(row, x);
		return;
	}
	if (!mask) {
		bool def = !fl->typed && !draft_is_set(f->draft, fl->key);

		term_put(row, x, w, def || idle ? EL_DIM : EL_FIELD, value);
		return;
	}
	edit_set(&shown, value);
	edit_draw(&shown, row, x, w, EL_FIELD, true, false);
	edit_fini(&shown);
}

static int label_width(void)
{
	int w = term_cols() / 3;

	return w < LABEL_MAX ? w : LABEL_MAX;
}

/* Rows that a field takes. */
static int height(const struct field *fl)
{
	return fl->error[0] ? 2 : 1;
}

static int draw_field(struct form *f, size_t i, int row, int end)
{
	const struct field *fl = &f->fields[i];
	int lw = label_width(), x = lw + 3, w = term_cols() - x - 1;
	bool focus = i == f->at, idle;

	if (!fl->s) {
		term_put(row, 1, 0, EL_HEAD, fl->heading);
		return row + 1;
	}
	idle = draft_idle(f->draft, fl->key) != NULL;
	term_putf(row, 1, lw + 1, focus ? EL_KEY : idle ? EL_DIM : EL_TEXT, "%s%s", fl->s->label,
		  fl->s->required ? " *" : "");
	if (form_is_text(fl->s))
		draw_text(f, fl, row, x, w, focus, idle);
	else
		draw_choice(f, fl, row, x, w, focus, idle);
	if (fl->error[0] && row + 1 < end)
		term_put(row + 1, x, w, fl->warning ? EL_WAIT : EL_ERROR, fl->error);
	return row + height(fl);
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
		used += height(&f->fields[i]);
		if (used > rows) {
			f->first = i + 1;
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

static void draw_help(const struct form *f, int row, int end)
{
	const struct field *fl = &f->fields[f->at];
	char range[200], line[400];
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
	setting_range(fl->s, range, sizeof(range));
	snprintf(line, sizeof(line), "%s%s%s%s%s%s", range, fl->s->def[0] ? "  Default: " : "",
		 fl->s->def, fl->s->example[0] ? "  Example: " : "", fl->s->example,
		 fl->s->cost == COST_RESTART ? "  Changing it restarts the peer." : "");
	row = wrap_at(row, end, EL_DIM, line);
	row = wrap_at(row, end, EL_TEXT, fl->s->more);
	if (fl->s->aka[0]) {
		snprintf(line, sizeof(line), "Elsewhere: %s", fl->s->aka);
		wrap_at(row, end, EL_DIM, line);
	}
}

void form_draw(struct view *v, int top, int rows)
{
	struct form *f = (struct form *)v;
	int help = rows >= 24 ? 8 : rows >= 18 ? 6 : rows >= 12 ? 4 : 3;
	int row = top + 2, end = top + rows - help;

	draw_tabs(f, top);
	scroll_to(f, end - row);
	for (size_t i = f->first; i < f->n && row < end; i++)
		row = draw_field(f, i, row, end);
	if (f->first)
		term_put(top + 1, term_cols() - 8, 0, EL_DIM, "more up");
	if (row >= end && f->n > f->first)
		term_put(end - 1, term_cols() - 6, 0, EL_DIM, "more");
	draw_help(f, end, top + rows);
}
