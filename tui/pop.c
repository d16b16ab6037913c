/* pop: small boxes over a view: a question, a line of input, a choice. */
#include "tui/edit.h"
#include "tui/tui.h"

#include "core/base/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct box {
	int row, col, height, width;
};

/* In the middle of the screen, within it. */
static struct box centred(int height, int width)
{
	struct box b = { .height = height, .width = width };

	if (b.width > term_cols() - 2)
		b.width = term_cols() - 2;
	if (b.height > term_rows() - 2)
		b.height = term_rows() - 2;
	b.row = (term_rows() - b.height) / 2;
	b.col = (term_cols() - b.width) / 2;
	return b;
}

/* ---- a question ---- */

struct ask {
	struct view v;
	char *title, *text;
	char keys[8];
	int first;		/* line of text at the top */
	int lines, shown;
	void (*done)(void *arg, int letter);
	void *arg;
};

static void ask_free(struct view *v)
{
	struct ask *a = (struct ask *)v;

	free(a->title);
	secret_wipe(a->text, strlen(a->text));	/* it may be a key */
	free(a->text);
	free(a);
}

static const char *letter_word(int letter)
{
	static const struct {
		char letter;
		const char *word;
	} words[] = {
		{ 'y', "yes" }, { 's', "save" }, { 'd', "discard" }, { 'o', "ok" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].letter == letter)
			return words[i].word;
	return "";
}

static int wrapped(const char *text, size_t width, int from, int rows, const struct box *b)
{
	int n = 0;

	while (text && *text) {
		const char *end = strchrnul(text, '\n');
		char *part = strndup(text, (size_t)(end - text));

		for (const char *p = part; p;) {
			const char *next;
			size_t len = fmt_wrap(p, width, &next);

			if (b && n >= from && n < from + rows)
				term_putf(b->row + 1 + n - from, b->col + 2, (int)width, EL_TEXT, "%.*s",
					  (int)len, p);
			n++;
			p = next;
		}
		if (part)
			secret_wipe(part, strlen(part));	/* it may be a key */
		free(part);
		text = *end ? end + 1 : NULL;
	}
	return n;
}

static void ask_draw(struct view *v, int top, int rows)
{
	struct ask *a = (struct ask *)v;
	int width = term_cols() - 4 < 72 ? term_cols() - 4 : 72;
	char keys[80] = "";
	struct box b;

	(void)top;
	(void)rows;
	a->lines = wrapped(a->text, (size_t)width - 4, 0, 0, NULL);
	b = centred(a->lines + 4, width);
	a->shown = b.height - 4;
	if (a->first > a->lines - a->shown)
		a->first = a->lines > a->shown ? a->lines - a->shown : 0;
	term_box(b.row, b.col, b.height, b.width, a->title);
	wrapped(a->text, (size_t)b.width - 4, a->first, a->shown, &b);
	for (const char *k = a->keys; *k && *k != 'o'; k++) {
		size_t n = strlen(keys);

		snprintf(keys + n, sizeof(keys) - n, "[%c] %s   ", *k, letter_word(*k));
	}
	snprintf(keys + strlen(keys), sizeof(keys) - strlen(keys), "[Esc] %s",
		 strchr(a->keys, 'y') ? "no" : "back");
	term_put(b.row + b.height - 2, b.col + 2, b.width - 4, EL_KEY, keys);
	if (a->lines > a->shown)
		term_put(b.row + b.height - 3, b.col + b.width - 12, 10, EL_DIM, "Up, Down");
}

static enum handled ask_key(struct view *v, int key)
{
	struct ask *a = (struct ask *)v;
	void (*done)(void *arg, int letter) = a->done;
	void *arg = a->arg;
	int letter = -1;

	if (key == K_UP && a->first > 0)
		a->first--;
	else if (key == K_DOWN && a->first < a->lines - a->shown)
		a->first++;
	if (key == K_ESC || key == 'n' || key == 'q' || key == K_CTRL('c'))
		letter = 0;
	else if (key == K_ENTER)
		letter = a->keys[0];
	else if (key > ' ' && key < 0x80 && strchr(a->keys, key | 0x20))
		letter = key | 0x20;
	if (letter < 0)
		return HANDLED;
	tui_pop(v->tui);
	done(arg, letter);
	return HANDLED;
}

static const struct key_help no_keys[] = { { NULL, NULL, NULL } };

static const struct view_ops ask_ops = {
	.title = "question", .keys = no_keys, .draw = ask_draw, .key = ask_key, .free = ask_free,
	.popup = true,
};

void pop_ask(struct tui *t, const char *title, const char *text, const char *keys,
	     void (*done)(void *arg, int letter), void *arg)
{
	struct ask *a = calloc(1, sizeof(*a));

	if (!a)
		return;
	a->v = (struct view){ .ops = &ask_ops, .tui = t };
	a->title = strdup(title);
	a->text = strdup(text);
	if (!a->title || !a->text) {
		free(a->title);
		free(a->text);
		free(a);
		return;
	}
	snprintf(a->keys, sizeof(a->keys), "%s", keys);
	a->done = done;
	a->arg = arg;
	tui_push(t, &a->v);
}

/* ---- a line of input ---- */

struct input {
	struct view v;
	char *title, *prompt;
	struct edit edit;
	bool live;
	void (*done)(void *arg, const char *text);
	void *arg;
};

static void input_free(struct view *v)
{
	struct input *in = (struct input *)v;

	free(in->title);
	free(in->prompt);
	edit_fini(&in->edit);
	free(in);
}

static void input_draw(struct view *v, int top, int rows)
{
	struct input *in = (struct input *)v;
	struct box b = centred(6, 60);

	if (in->live)
		b.row = term_rows() - b.height - 1;
	(void)top;
	(void)rows;
	term_box(b.row, b.col, b.height, b.width, in->title);
	term_put(b.row + 1, b.col + 2, b.width - 4, EL_TEXT, in->prompt);
	edit_draw(&in->edit, b.row + 2, b.col + 2, b.width - 4, EL_FOCUS, false, true);
	term_put(b.row + 4, b.col + 2, b.width - 4, EL_KEY, "[Enter] ok   [Esc] back");
}

static enum handled input_key(struct view *v, int key)
{
	struct input *in = (struct input *)v;
	void (*done)(void *arg, const char *text) = in->done;
	void *arg = in->arg;
	char *text = NULL;

	if (key == K_ENTER) {
		text = strdup(in->edit.text);
	} else if (key != K_ESC && key != K_CTRL('c')) {
		bool changed = false;

		edit_key(&in->edit, key, &changed);
		if (changed && in->live)
			done(arg, in->edit.text);
		return HANDLED;
	}
	tui_pop(v->tui);
	done(arg, text);
	free(text);
	return HANDLED;
}

static const struct view_ops input_ops = {
	.title = "input", .keys = no_keys, .draw = input_draw, .key = input_key,
	.free = input_free, .popup = true, .typing = true,
};

void pop_input(struct tui *t, const char *title, const char *prompt, const char *initial,
	       bool live, void (*done)(void *arg, const char *text), void *arg)
{
	struct input *in = calloc(1, sizeof(*in));

	if (!in)
		return;
	in->v = (struct view){ .ops = &input_ops, .tui = t };
	in->title = strdup(title);
	in->prompt = strdup(prompt);
	edit_set(&in->edit, initial);
	in->live = live;
	in->done = done;
	in->arg = arg;
	tui_push(t, &in->v);
}

/* ---- a choice ---- */

struct choose {
	struct view v;
	char *title;
	struct pop_choice *list;
	size_t n, at, first;
	int list_row, shown;		/* as last drawn */
	void (*done)(void *arg, const char *value);
	void *arg;
};

static void choose_free(struct view *v)
{
	struct choose *c = (struct choose *)v;

	for (size_t i = 0; i < c->n; i++) {
		free(c->list[i].value);
		free(c->list[i].about);
	}
	free(c->list);
	free(c->title);
	free(c);
}

static void choose_draw(struct view *v, int top, int rows)
{
	struct choose *c = (struct choose *)v;
	size_t wide = 12, about = 0;
	struct box b;

	(void)top;
	(void)rows;
	for (size_t i = 0; i < c->n; i++) {
		size_t w = fmt_width(c->list[i].value);
		size_t a = c->list[i].about ? fmt_width(c->list[i].about) : 0;

		wide = w > wide ? w : wide;
		about = a > about ? a : about;
	}
	b = centred((int)c->n + 4, (int)(wide + about) + 10);
	if (c->at < c->first)
		c->first = c->at;
	if (c->at >= c->first + (size_t)(b.height - 4))
		c->first = c->at - (size_t)(b.height - 4) + 1;
	c->list_row = b.row + 1;
	c->shown = b.height - 4;
	term_box(b.row, b.col, b.height, b.width, c->title);
	for (int r = 0; r < b.height - 4 && c->first + (size_t)r < c->n; r++) {
		const struct pop_choice *p = &c->list[c->first + (size_t)r];
		bool sel = c->first + (size_t)r == c->at;
		int left = (int)wide + 2;

		if (left > b.width - 4)
			left = b.width - 4;
		term_put(b.row + 1 + r, b.col + 2, left, sel ? EL_SELECT : EL_TEXT, p->value);
		if (b.width - 4 - left > 0)
			term_clip(b.row + 1 + r, b.col + 2 + left, b.width - 4 - left,
				  sel ? EL_SELECT : p->weak ? EL_WEAK : EL_DIM, p->about ? p->about : "");
	}
	term_put(b.row + b.height - 2, b.col + 2, b.width - 4, EL_KEY, "[Enter] take   [Esc] back");
}

static void choose_move(struct choose *c, int by)
{
	long at = (long)c->at + by;

	c->at = at < 0 ? 0 : at >= (long)c->n ? c->n - 1 : (size_t)at;
}

/* True when the click was on a line; it is selected then. */
static bool clicked(struct choose *c)
{
	int row, col;

	term_mouse(&row, &col);
	row -= c->list_row;
	if (row < 0 || row >= c->shown || c->first + (size_t)row >= c->n)
		return false;
	c->at = c->first + (size_t)row;
	return true;
}

static enum handled choose_key(struct view *v, int key)
{
	struct choose *c = (struct choose *)v;
	void (*done)(void *arg, const char *value) = c->done;
	void *arg = c->arg;
	char *value = NULL;

	switch (key) {
	case K_UP:
	case K_WHEEL_UP:
		choose_move(c, -1);
		return HANDLED;
	case K_DOWN:
	case K_WHEEL_DOWN:
		choose_move(c, 1);
		return HANDLED;
	case K_PGUP:
		choose_move(c, -8);
		return HANDLED;
	case K_PGDN:
		choose_move(c, 8);
		return HANDLED;
	case K_HOME:
		c->at = 0;
		return HANDLED;
	case K_END:
		c->at = c->n - 1;
		return HANDLED;
	case K_CLICK:
	case K_DOUBLE:
		if (!clicked(c))
			return HANDLED;
		/* fall through */
	case K_ENTER:
	case ' ':
		value = strdup(c->list[c->at].value);
		break;
	case K_ESC:
	case 'q':
	case K_CTRL('c'):
		break;
	default:
		/* A letter jumps to the next line that starts with it. */
		for (size_t i = 1; key > ' ' && key < 0x80 && i <= c->n; i++) {
			size_t k = (c->at + i) % c->n;

			if ((c->list[k].value[0] | 0x20) == (key | 0x20)) {
				c->at = k;
				break;
			}
		}
		return HANDLED;
	}
	tui_pop(v->tui);
	done(arg, value);
	free(value);
	return HANDLED;
}

static const struct view_ops choose_ops = {
	.title = "choice", .keys = no_keys, .draw = choose_draw, .key = choose_key,
	.free = choose_free, .popup = true,
};

void pop_choose(struct tui *t, const char *title, struct pop_choice *list, size_t n,
		size_t selected, void (*done)(void *arg, const char *value), void *arg)
{
	struct choose *c = calloc(1, sizeof(*c));

	if (!c || !n) {
		for (size_t i = 0; i < n; i++) {
			free(list[i].value);
			free(list[i].about);
		}
		free(c);
		free(list);
		return;
	}
	c->v = (struct view){ .ops = &choose_ops, .tui = t };
	c->title = strdup(title);
	c->list = list;
	c->n = n;
	c->at = selected < n ? selected : 0;
	c->done = done;
	c->arg = arg;
	tui_push(t, &c->v);
}
