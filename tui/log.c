/* log: what happened, as the daemon's ring keeps it, followed live. */
#include "tui/tui.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 2000

struct log {
	struct view v;
	char peer[PEER_NAME_MAX + 1];
	struct log_line *lines;		/* oldest first */
	size_t n;
	uint64_t seq;
	size_t back;			/* lines scrolled back from the end */
	int rows;
	char why[200];			/* why there is nothing to show */
};

static void log_free(struct view *v)
{
	struct log *l = (struct log *)v;

	free(l->lines);
	free(l);
}

/* The whole ring is small and asked for once a second: simpler than keeping a second
 * connection in step, and what was missed meanwhile is there too. */
static void log_tick(struct view *v)
{
	struct log *l = (struct log *)v;
	struct log_line *lines;
	struct err e = { 0 };
	size_t n;

	if (!v->tui->client) {
		snprintf(l->why, sizeof(l->why), "adit is not running, so there is no log; "
			 "the journal may know more: journalctl -u adit");
		return;
	}
	if (client_log(v->tui->client, LINES_MAX, l->peer[0] ? l->peer : NULL, false, &lines, &n,
		       &e) < 0) {
		snprintf(l->why, sizeof(l->why), "%s", e.msg);
		return;
	}
	/* Who has scrolled back stays where they read. */
	for (size_t i = 0; l->back && i < n; i++)
		if (lines[i].seq > l->seq)
			l->back++;
	free(l->lines);
	l->lines = lines;
	l->n = n;
	l->seq = n ? lines[n - 1].seq : l->seq;
	l->why[0] = '\0';
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
		 l->back ? " (scrolled back; End follows)" : "");
	term_rule(top, 0, term_cols(), title);
	if (l->back + room > l->n)
		l->back = l->n > room ? l->n - room : 0;
	end = l->n - l->back;
	for (size_t r = 0; r < room; r++) {
		size_t i = end >= room ? end - room + r : r;
		char when[FMT_MAX], line[LOG_TEXT_MAX + 80];

		if (i >= end) {
			term_put(top + 1 + (int)r, 0, term_cols(), EL_DIM, r == 0 ? l->why : "");
			continue;
		}
		fmt_time(l->lines[i].wall_s, when, sizeof(when));
		snprintf(line, sizeof(line), "%s %s%s%s", strlen(when) > 11 ? when + 11 : when,
			 l->lines[i].peer, l->lines[i].peer[0] ? ": " : "", l->lines[i].text);
		term_put(top + 1 + (int)r, 0, term_cols(), level_el(l->lines[i].level), line);
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
	{ "End", "follow", "back to the newest lines" },
	{ NULL, NULL, NULL },
};

static const struct view_ops log_ops = {
	.title = "log", .keys = log_keys, .draw = log_draw, .key = log_key, .tick = log_tick,
	.free = log_free,
};

struct view *log_view(struct tui *t, const char *peer)
{
	struct log *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->v = (struct view){ .ops = &log_ops, .tui = t };
	snprintf(l->peer, sizeof(l->peer), "%s", peer ? peer : "");
	log_tick(&l->v);
	return &l->v;
}
