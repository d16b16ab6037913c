/* log: what happened, as the daemon's ring keeps it, followed live. It has a connection of its
 * own: asking over the screen's one would wait within its events. */
#include "tui/tui.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 2000
#define ASK_MS 1000

struct log {
	struct view v;
	char peer[PEER_NAME_MAX + 1];
	struct client *client;
	struct log_line *lines;		/* oldest first */
	size_t n, cap;
	size_t back;			/* lines scrolled back from the end */
	int rows;
	char why[200];			/* why there is nothing to show */
};

static void log_free(struct view *v)
{
	struct log *l = (struct log *)v;

	client_close(l->client);
	free(l->lines);
	free(l);
}

static void add_line(void *arg, const struct client_event *ev)
{
	struct log *l = arg;

	if (ev->kind != CLIENT_LOG || (l->peer[0] && strcmp(ev->log->peer, l->peer) != 0))
		return;
	if (l->n == LINES_MAX) {
		memmove(l->lines, l->lines + 1, (LINES_MAX - 1) * sizeof(*l->lines));
		l->n--;
	}
	if (l->n >= l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		struct log_line *grown = realloc(l->lines, cap * sizeof(*grown));

		if (!grown)
			return;
		l->lines = grown;
		l->cap = cap;
	}
	l->lines[l->n++] = *ev->log;
	/* Who has scrolled back stays where they read. */
	l->back += l->back > 0;
	l->v.tui->redraw = true;
}

static void dial(struct log *l)
{
	struct log_line *lines;
	struct err e = { 0 };
	size_t n;

	l->client = client_open(l->v.tui->front.run_dir, &e);
	if (!l->client) {
		snprintf(l->why, sizeof(l->why), e.code == EXIT_NOT_RUNNING
			 ? "adit is not running, so there is no log; the journal may know more: "
			   "journalctl -u adit" : "%s", e.msg);
		return;
	}
	client_limit(l->client, ASK_MS);
	client_on_event(l->client, add_line, l);
	if (client_log(l->client, LINES_MAX, l->peer[0] ? l->peer : NULL, true, &lines, &n, &e) < 0) {
		snprintf(l->why, sizeof(l->why), "%s", e.msg);
		client_close(l->client);
		l->client = NULL;
		return;
	}
	free(l->lines);
	l->lines = lines;
	l->n = l->cap = n;
	l->back = 0;
	snprintf(l->why, sizeof(l->why), "Nothing has happened yet.");
}

static void log_tick(struct view *v)
{
	struct log *l = (struct log *)v;
	struct err e = { 0 };

	if (!l->client) {
		dial(l);
	} else if (client_dispatch(l->client, &e) < 0) {
		/* What was read stays to be read; the next tick dials again. */
		client_close(l->client);
		l->client = NULL;
	}
}

static int log_fd(const struct view *v)
{
	const struct log *l = (const struct log *)v;

	return l->client ? client_fd(l->client) : -1;
}

static enum element level_el(enum log_level level)
{
	switch (level) {
	case LL_ERROR: return EL_BAD;
	case LL_WARNING: return EL_WAIT;
	case LL_INFO: return EL_TEXT;
	case LL_DEBUG: return EL_DIM;
	}
	return EL_TEXT;
}

static void log_draw(struct view *v, int top, int rows)
{
	struct log *l = (struct log *)v;
	size_t room = (size_t)(rows > 1 ? rows - 1 : 1), end;
	char title[80];

	l->rows = rows - 1;
	snprintf(title, sizeof(title), "log%s%s%s", l->peer[0] ? " of " : "", l->peer,
		 l->back ? " (scrolled back; End follows)" : l->client ? "" : " (adit is not running)");
	term_rule(top, 0, term_cols(), title);
	if (l->back + room > l->n)
		l->back = l->n > room ? l->n - room : 0;
	end = l->n - l->back;
	for (const char *p = l->n ? NULL : l->why, *next; p && *p; p = next) {
		size_t len = fmt_wrap(p, (size_t)term_cols(), &next);

		term_putf(++top, 0, term_cols(), EL_DIM, "%.*s", (int)len, p);
	}
	for (size_t r = 0; r < room; r++) {
		size_t i = end >= room ? end - room + r : r;
		char when[FMT_MAX], line[LOG_TEXT_MAX + 80];

		if (i >= end)
			break;
		fmt_time(l->lines[i].wall_s, when, sizeof(when));
		/* In the log of one peer its name says nothing. */
		snprintf(line, sizeof(line), "%s %s%s%s", strlen(when) > 11 ? when + 11 : when,
			 l->peer[0] ? "" : l->lines[i].peer,
			 l->peer[0] || !l->lines[i].peer[0] ? "" : ": ", l->lines[i].text);
		term_clip(top + 1 + (int)r, 0, term_cols(),
			  i + 1 == end && l->back ? EL_SELECT : level_el(l->lines[i].level), line);
	}
}

static enum handled log_key(struct view *v, int key)
{
	struct log *l = (struct log *)v;
	size_t page = l->rows > 1 ? (size_t)l->rows - 1 : 1;

	switch (key) {
	case K_UP:
	case 'k':
	case K_WHEEL_UP:
		l->back++;
		return HANDLED;
	case K_DOWN:
	case 'j':
	case K_WHEEL_DOWN:
		l->back -= l->back > 0;
		return HANDLED;
	case K_PGUP:
		l->back += page;
		return HANDLED;
	case K_PGDN:
	case ' ':
		l->back -= l->back < page ? l->back : page;
		return HANDLED;
	case K_HOME:
		l->back = l->n;
		return HANDLED;
	case K_END:
	case 'f':
		l->back = 0;
		return HANDLED;
	case K_ENTER:
		/* The whole line, where the screen cuts it. */
		if (l->n) {
			const struct log_line *line = &l->lines[l->n - 1 - (l->back < l->n ? l->back : 0)];

			tui_say(v->tui, EL_TEXT, "%s", line->text);
		}
		return HANDLED;
	}
	return IGNORED;
}

static const struct key_help log_keys[] = {
	{ "Arrows", "scroll", "scroll; PgUp and PgDn by pages" },
	{ "Enter", "whole line", "the whole line: the marked one, or the newest" },
	{ "End", "follow", "back to the newest lines" },
	{ NULL, NULL, NULL },
};

static const struct view_ops log_ops = {
	.title = "log", .keys = log_keys, .draw = log_draw, .key = log_key, .tick = log_tick, .fd = log_fd,
	.free = log_free,
};

struct view *log_view(struct tui *t, const char *peer)
{
	struct log *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->v = (struct view){ .ops = &log_ops, .tui = t };
	snprintf(l->peer, sizeof(l->peer), "%s", peer ? peer : "");
	dial(l);
	return &l->v;
}
