/* explain: why a peer is not up, as lines that fit this screen: what core/front/explain.h
 * says of the daemon's answer, asked for anew with r. */
#include "core/front/explain.h"

#include "tui/tui.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
	char *text;
	enum element el;
};

struct explain_pane {
	struct view v;
	char peer[PEER_NAME_MAX + 1];
	struct explain x;
	bool waiting;
	struct row *rows;	/* x for a screen of `cols` columns */
	size_t n, cap, first;
	int cols, shown;
};

/* ---- rows ---- */

static void drop_rows(struct explain_pane *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->rows[i].text);
	p->n = 0;
	p->cols = 0;
}

static void add_row(struct explain_pane *p, enum element el, int indent, const char *text,
		    size_t len)
{
	struct sbuf b = { 0 };

	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 64;
		struct row *grown = realloc(p->rows, cap * sizeof(*grown));

		if (!grown)
			return;
		p->rows = grown;
		p->cap = cap;
	}
	sbuf_addf(&b, "%*s", indent, "");
	sbuf_addn(&b, text, len);
	if (sbuf_ok(&b))
		p->rows[p->n++] = (struct row){ sbuf_take(&b), el };
	else
		sbuf_fini(&b);
}

static void wrap(struct explain_pane *p, enum element el, int indent, const char *text)
{
	size_t width = (size_t)(p->cols - indent - 2);

	while (text && *text) {
		const char *next;
		size_t len = fmt_wrap(text, width, &next);

		add_row(p, el, indent, text, len);
		text = next;
	}
}

/* Both sides beside each other; below each other where there is no room for that. */
static void both(struct explain_pane *p, const struct explain_line *l)
{
	enum element el = (enum element)l->tone;
	struct sbuf b = { 0 };

	if (p->cols < 52) {
		wrap(p, el, 2, l->text);
		wrap(p, el, 4, l->ours);
		wrap(p, el, 4, l->theirs);
		return;
	}
	explain_row(l, (size_t)(p->cols < 120 ? p->cols : 120) - 4, &b);
	for (const char *s = sbuf_str(&b); *s;) {
		size_t n = strcspn(s, "\n");

		add_row(p, el, 2, s, n);
		s += n + (s[n] == '\n');
	}
	sbuf_fini(&b);
}

static void lay_out(struct explain_pane *p)
{
	drop_rows(p);
	p->cols = term_cols();
	for (size_t i = 0; i < p->x.n; i++) {
		const struct explain_line *l = &p->x.line[i];

		switch ((enum explain_kind)l->kind) {
		case EXPLAIN_HEAD:
			wrap(p, (enum element)l->tone, 0, l->text);
			break;
		case EXPLAIN_TEXT:
			wrap(p, (enum element)l->tone, 2, l->text);
			break;
		case EXPLAIN_COMMAND:
			wrap(p, EL_KEY, 6, l->text);
			break;
		case EXPLAIN_BLANK:
			add_row(p, EL_TEXT, 0, "", 0);
			break;
		case EXPLAIN_ROW:
			both(p, l);
			break;
		}
	}
}

/* ---- the answer ---- */

static void answered(void *arg, struct json_object *data, const struct err *why)
{
	struct explain_pane *p = arg;
	struct json_object *none;
	struct explain x = { 0 };
	struct err e = { 0 };
	int rc;

	p->waiting = false;
	p->v.tui->redraw = true;
	if (why && why->code != EXIT_NO_PEER && why->code != EXIT_NOT_RUNNING) {
		tui_say(p->v.tui, EL_ERROR, "%s", why->msg);
		return;
	}
	/* A peer that the daemon has not got may be in the settings. */
	none = why && why->code == EXIT_NO_PEER ? json_object_new_object() : NULL;
	rc = explain_reply(&p->v.tui->front, p->peer, term_utf8(), none ? none : data, &x, &e);
	json_object_put(none);
	if (rc < 0) {
		tui_say(p->v.tui, EL_ERROR, "%s", e.msg);
		explain_fini(&x);
		return;
	}
	explain_fini(&p->x);
	p->x = x;
	drop_rows(p);
}

static void ask(struct explain_pane *p)
{
	p->waiting = true;
	data_ask(p->v.tui, "explain", p->peer, answered, p);
}

/* ---- the view ---- */

static void explain_draw(struct view *v, int top, int rows)
{
	struct explain_pane *p = (struct explain_pane *)v;
	char title[PEER_NAME_MAX + 16];

	if (p->cols != term_cols())
		lay_out(p);
	p->shown = rows - 1;
	if (p->first + (size_t)p->shown > p->n)
		p->first = p->n > (size_t)p->shown ? p->n - (size_t)p->shown : 0;
	snprintf(title, sizeof(title), "adit explain %s", p->peer);
	term_rule(top, 0, term_cols(), title);
	if (p->n > (size_t)p->shown)
		term_putf(top, term_cols() - 16, 0, EL_DIM, " %zu-%zu of %zu ", p->first + 1,
			  p->first + (size_t)p->shown, p->n);
	if (!p->n && p->waiting)
		term_put(top + 1, 1, 0, EL_DIM, "asking the daemon");
	for (int r = 0; r < p->shown && p->first + (size_t)r < p->n; r++) {
		const struct row *row = &p->rows[p->first + (size_t)r];

		term_clip(top + 1 + r, 1, term_cols() - 1, row->el, row->text);
	}
}

static enum handled explain_key(struct view *v, int key)
{
	struct explain_pane *p = (struct explain_pane *)v;
	size_t page = p->shown > 1 ? (size_t)p->shown - 1 : 1;

	switch (key) {
	case K_UP:
	case 'k':
	case K_WHEEL_UP:
		p->first -= p->first > 0;
		return HANDLED;
	case K_DOWN:
	case 'j':
	case K_WHEEL_DOWN:
		p->first++;
		return HANDLED;
	case K_PGUP:
		p->first -= p->first < page ? p->first : page;
		return HANDLED;
	case K_PGDN:
	case ' ':
		p->first += page;
		return HANDLED;
	case K_HOME:
	case 'g':
		p->first = 0;
		return HANDLED;
	case K_END:
	case 'G':
		p->first = p->n;
		return HANDLED;
	case 'e':
	case K_F0 + 4:
		tui_push(v->tui, form_view(v->tui, p->peer));
		return HANDLED;
	case 'l':
		tui_push(v->tui, log_view(v->tui, p->peer));
		return HANDLED;
	case 'r':
	case K_F0 + 5:
		ask(p);
		return HANDLED;
	}
	return IGNORED;
}

static void explain_free(struct view *v)
{
	struct explain_pane *p = (struct explain_pane *)v;

	data_forget(v->tui, p);
	drop_rows(p);
	free(p->rows);
	explain_fini(&p->x);
	free(p);
}

static const struct key_help explain_keys[] = {
	{ "e", "edit", "edit the peer" },
	{ "l", "log", "its log" },
	{ "r", "again", "ask anew" },
	{ "PgUp/PgDn", NULL, "a page up, down; Home and End" },
	{ NULL, NULL, NULL },
};

static const struct view_ops explain_ops = {
	.title = "why a peer is not up", .keys = explain_keys, .draw = explain_draw,
	.key = explain_key, .free = explain_free,
};

struct view *explain_view(struct tui *t, const char *peer)
{
	struct explain_pane *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->v = (struct view){ .ops = &explain_ops, .tui = t };
	snprintf(p->peer, sizeof(p->peer), "%s", peer);
	ask(p);
	return &p->v;
}
