/* sheet: fields below each other, the help of the focused one at the bottom. */
#include "tui/sheet.h"

#include "core/base/secret.h"
#include "tui/edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct line {
	struct sheet_field f;
	char **choices;
	size_t n_choices, chosen;
	char *text;		/* SHEET_TEXT_MAX */
	int row;		/* as last drawn */
};

struct sheet {
	struct view v;
	char *title, *about;
	struct line line[SHEET_FIELDS_MAX];
	size_t n, at;
	struct edit edit;	/* the focused text */
	char error[ERR_MSG_MAX];
	bool touched;
	sheet_fn *fn;
	void *arg;
};

/* ---- fields ---- */

static const char *value(const struct line *l)
{
	return l->n_choices ? l->choices[l->chosen] : l->text;
}

/* What is typed becomes the value. */
static void take(struct sheet *s)
{
	struct line *l = &s->line[s->at];

	if (!l->n_choices)
		snprintf(l->text, SHEET_TEXT_MAX, "%s", s->edit.text);
}

static void focus(struct sheet *s, size_t i)
{
	s->at = i;
	edit_set(&s->edit, value(&s->line[i]));
}

static void go(struct sheet *s, int by)
{
	take(s);
	focus(s, (s->at + s->n + (size_t)(by + (int)s->n)) % s->n);
}

static void cycle(struct sheet *s, int by)
{
	struct line *l = &s->line[s->at];

	if (!l->n_choices)
		return;
	l->chosen = (l->chosen + l->n_choices + (size_t)(by + (int)l->n_choices)) % l->n_choices;
	s->touched = true;
}

/* ---- drawing ---- */

static int wrapped(int row, int end, enum element el, const char *text)
{
	size_t width = (size_t)term_cols() - 2;

	while (text && *text && row < end) {
		const char *next;
		size_t len = fmt_wrap(text, width, &next);

		term_putf(row++, 1, 0, el, "%.*s", (int)len, text);
		text = next;
	}
	return row;
}

static void sheet_draw(struct view *v, int top, int rows)
{
	struct sheet *s = (struct sheet *)v;
	int row = top + 1, end = top + rows, lw = term_cols() * 2 / 5 < 22 ? term_cols() * 2 / 5 : 22;
	size_t first = 0, room;

	term_rule(top, 0, term_cols(), s->title);
	row = wrapped(row, end, EL_DIM, s->about) + 1;
	/* The focused field stays in sight above its help. */
	room = end - row > 7 ? (size_t)(end - row - 5) : 2;
	if (s->at >= room)
		first = s->at - room + 1;
	for (size_t i = 0; i < s->n; i++)
		s->line[i].row = -1;
	for (size_t i = first; i < s->n && i < first + room; i++, row++) {
		struct line *l = &s->line[i];
		bool on = i == s->at;
		int x = lw + 3, w = term_cols() - x - 1;

		l->row = row;
		term_put(row, 1, lw + 1, on ? EL_KEY : EL_TEXT, l->f.label);
		if (l->n_choices)
			term_putf(row, x, w < 30 ? w : 0, on ? EL_FOCUS : EL_TEXT, "< %s >", value(l));
		else if (on)
			edit_draw(&s->edit, row, x, w, EL_FOCUS, l->f.secret, true);
		else if (l->f.secret)
			term_putf(row, x, w, EL_FIELD, "%s", *l->text ? "********" : "");
		else
			term_put(row, x, w, EL_FIELD, l->text);
		if (on && l->n_choices)
			term_cursor(row, x + 1);
	}
	row = wrapped(row + 1, end, EL_ERROR, s->error);
	if (row < end)
		term_rule(row++, 0, term_cols(), s->line[s->at].f.label);
	wrapped(row, end, EL_TEXT, s->line[s->at].f.help);
}

/* ---- keys ---- */

static void run(struct sheet *s)
{
	const char *values[SHEET_FIELDS_MAX];
	struct sheet_done out = { .text = NULL };
	struct tui *t = s->v.tui;
	struct err e = { 0 };
	size_t at = s->at;

	if (!tui_may_change(t))
		return;
	take(s);
	for (size_t i = 0; i < s->n; i++)
		values[i] = value(&s->line[i]);
	if (s->fn(s->arg, t, values, &out, &at, &e) < 0) {
		snprintf(s->error, sizeof(s->error), "%s", e.msg);
		focus(s, at < s->n ? at : s->at);
		free(out.text);
		return;
	}
	tui_pop(t);
	if (out.text)
		tui_push(t, text_view(t, out.title, out.text));
	data_apply(t, out.say);
}

static void left(void *arg, int letter)
{
	struct sheet *s = arg;

	if (letter == 'd')
		tui_pop(s->v.tui);
}

static bool sheet_leave(struct view *v)
{
	struct sheet *s = (struct sheet *)v;

	if (!s->touched)
		return true;
	pop_ask(v->tui, s->title, "Nothing was done yet with what was filled in here.", "d", left, s);
	return false;
}

static bool sheet_dirty(const struct view *v)
{
	return ((const struct sheet *)v)->touched;
}

static void chosen(void *arg, const char *text)
{
	struct sheet *s = arg;
	struct line *l = &s->line[s->at];

	for (size_t i = 0; text && i < l->n_choices; i++)
		if (strcmp(l->choices[i], text) == 0) {
			l->chosen = i;
			s->touched = true;
		}
}

/* Enter: the choices of a choice, else the next field. */
static void enter(struct sheet *s)
{
	struct line *l = &s->line[s->at];
	struct pop_choice *list = calloc(l->n_choices + 1, sizeof(*list));

	if (!l->n_choices || !list) {
		free(list);
		go(s, 1);
		return;
	}
	for (size_t i = 0; i < l->n_choices; i++)
		list[i] = (struct pop_choice){ strdup(l->choices[i]), strdup(""), false };
	pop_choose(s->v.tui, l->f.label, list, l->n_choices, l->chosen, chosen, s);
}

static void click(struct sheet *s)
{
	int row, col;

	term_mouse(&row, &col);
	for (size_t i = 0; i < s->n; i++)
		if (s->line[i].row == row) {
			take(s);
			focus(s, i);
			return;
		}
}

static enum handled sheet_key(struct view *v, int key)
{
	struct sheet *s = (struct sheet *)v;
	bool changed = false;
	enum handled h;

	switch (key) {
	case K_CTRL('s'):
	case K_F0 + 2:
		run(s);
		return HANDLED;
	case K_TAB:
	case K_DOWN:
	case K_WHEEL_DOWN:
		go(s, 1);
		return HANDLED;
	case K_UP:
	case K_BACKTAB:
	case K_WHEEL_UP:
		go(s, -1);
		return HANDLED;
	case K_ENTER:
		enter(s);
		return HANDLED;
	case K_CLICK:
	case K_DOUBLE:
		click(s);
		return HANDLED;
	}
	if (s->line[s->at].n_choices) {
		if (key != ' ' && key != K_RIGHT && key != K_LEFT)
			return IGNORED;
		cycle(s, key == K_LEFT ? -1 : 1);
		return HANDLED;
	}
	h = edit_key(&s->edit, key, &changed);
	s->touched |= changed;
	return h;
}

static void sheet_free(struct view *v)
{
	struct sheet *s = (struct sheet *)v;

	for (size_t i = 0; i < s->n; i++) {
		struct line *l = &s->line[i];

		for (size_t k = 0; k < l->n_choices; k++)
			free(l->choices[k]);
		free(l->choices);
		secret_free(l->text);
	}
	edit_fini(&s->edit);
	free(s->title);
	free(s->about);
	free(s);
}

static const struct key_help sheet_keys[] = {
	{ "F2", "do it", "do it (also Ctrl-S)" },
	{ "Tab", "next", "the next field; Up and Down, Shift-Tab" },
	{ "Enter", "choose", "the choices of a field, or the next field" },
	{ "Space", NULL, "switch a choice; Left and Right too" },
	{ "F1", NULL, "this page, from within a field too" },
	{ NULL, NULL, NULL },
};

static const struct view_ops sheet_ops = {
	.title = "the form", .keys = sheet_keys, .draw = sheet_draw, .key = sheet_key,
	.dirty = sheet_dirty, .leave = sheet_leave, .free = sheet_free, .typing = true,
};

/* ---- making one ---- */

static bool fill(struct line *l, const struct sheet_field *f)
{
	l->f = *f;
	l->f.choices = NULL;
	/* Passwords are typed here: all of it is memory that is wiped. */
	l->text = secret_new(SHEET_TEXT_MAX);
	if (!l->text)
		return false;
	snprintf(l->text, SHEET_TEXT_MAX, "%s", f->initial ? f->initial : "");
	for (size_t n = 0; f->choices && f->choices[n]; n++) {
		char **more = realloc(l->choices, (n + 1) * sizeof(*more));

		if (!more)
			return false;
		l->choices = more;
		more[n] = strdup(f->choices[n]);
		if (!more[n])
			return false;
		if (f->initial && strcmp(f->initial, more[n]) == 0)
			l->chosen = n;
		l->n_choices = n + 1;
	}
	return true;
}

struct view *sheet_view(struct tui *t, const char *title, const char *about,
			const struct sheet_field *fields, size_t n, sheet_fn *fn, void *arg)
{
	struct sheet *s = calloc(1, sizeof(*s));
	bool ok;

	if (!s)
		return NULL;
	s->v = (struct view){ .ops = &sheet_ops, .tui = t };
	s->title = strdup(title);
	s->about = strdup(about);
	s->fn = fn;
	s->arg = arg;
	ok = s->title && s->about;
	for (; ok && s->n < n && s->n < SHEET_FIELDS_MAX; s->n++)
		ok = fill(&s->line[s->n], &fields[s->n]);
	if (!ok) {
		sheet_free(&s->v);
		return NULL;
	}
	focus(s, 0);
	return &s->v;
}
