/* tui: the screen of adit: a stack of views over one picture of the router.
 *
 * A view is a table of functions (struct view_ops, one of the house's two). The loop in tui.c
 * draws the topmost ones, hands it keys, and keeps the picture fresh; a view says HANDLED or
 * IGNORED, and what it ignores the loop tries as a key that works everywhere.
 */
#ifndef ADIT_TUI_TUI_H
#define ADIT_TUI_TUI_H

#include "core/base/front.h"
#include "core/control/client.h"
#include "core/control/status.h"
#include "core/front/actions.h"
#include "tui/term.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum handled { IGNORED, HANDLED };

/* One key for the bottom line and for help: shown in this order, as long as there is room. */
struct key_help {
	const char *key;	/* "Enter", "a", "F2" */
	const char *word;	/* bottom line: "add" */
	const char *text;	/* help: "add a peer"; NULL: not in help */
};

struct tui;
struct view;

struct view_ops {
	const char *title;
	const struct key_help *keys;	/* ends with a NULL key */
	/* Draw into the rows [top, top + rows); a popup draws its own box over what is there. */
	void (*draw)(struct view *v, int top, int rows);
	enum handled (*key)(struct view *v, int key);
	void (*tick)(struct view *v);			/* new data; may be NULL */
	int (*fd)(const struct view *v);		/* also tick when it can be read; may be
							 * NULL, and -1 */
	bool (*dirty)(const struct view *v);		/* unsaved work; may be NULL */
	/* Esc, q, or the end of the program asks first: true when it may close now. May be NULL. */
	bool (*leave)(struct view *v);
	void (*free)(struct view *v);			/* may be NULL: free(v) */
	bool popup;					/* drawn over the view below */
	bool typing;					/* letters are text here: F1 helps, Esc
							 * leaves */
};

/* A view's struct starts with this. */
struct view {
	const struct view_ops *ops;
	struct tui *tui;
	struct view *below;
};

#define GRAPH_N 12		/* samples kept for each peer's graph */

struct traffic {
	char peer[PEER_NAME_MAX + 1];
	uint64_t bytes;		/* at the last sample */
	uint64_t at_ms;
	unsigned rate[GRAPH_N];	/* bytes a second, newest last */
	bool seen;
};

struct tui {
	struct front front;
	const struct screen_args *args;
	bool readonly;
	const char *readonly_why;
	char host[64];

	struct client *client;		/* NULL while the daemon is not there */
	uint32_t status_id;		/* a status that was asked for; 0 none */
	uint64_t status_at_ms;
	uint64_t retry_at_ms;
	struct status *status;		/* never NULL once started */
	const char *away;		/* AWAY_*: why there is no daemon; NULL while there is */
	bool was_here;			/* and whether there was one before */
	struct traffic *traffic;
	size_t n_traffic;
	bool paused;

	uint32_t action_id;		/* an up, down, restart under way; 0 none */
	char action_peer[PEER_NAME_MAX + 1];
	char action_word[16];

	uint32_t ask_id;		/* data_ask() under way; 0 none */
	void (*ask_fn)(void *arg, struct json_object *data, const struct err *why);
	void *ask_arg;

	struct view *top;
	char message[400];		/* one line above the keys */
	enum element message_el;
	uint64_t message_until_ms;	/* 0: until the next key */
	struct theme theme;
	bool quit, redraw;
	uint64_t pasting_ms;		/* the last key of a paste under way; 0 none */
	int exit_code;
};

/* --- tui.c --- */

/* Takes v. */
void tui_push(struct tui *t, struct view *v);
/* Close the topmost view. */
void tui_pop(struct tui *t);
void tui_say(struct tui *t, enum element el, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* True when settings and daemon may be changed; says why not otherwise. */
bool tui_may_change(struct tui *t);

/* --- data.c: the picture of the router --- */

extern const char AWAY_DOWN[], AWAY_FORBIDDEN[];

void data_start(struct tui *t);
void data_stop(struct tui *t);
/* Milliseconds until data_tick() wants to be called. */
int data_wait(const struct tui *t);
void data_tick(struct tui *t);
/* What came on the client's descriptor. */
void data_ready(struct tui *t);
/* Ask anew at once. */
void data_refresh(struct tui *t);
/* Start a request; its outcome is said on the message line. cmd: "up", "down", "test", "restart". */
void data_command(struct tui *t, const char *cmd, const char *peer);
/* Ask for more, without waiting: fn gets the answer's data, or NULL and why there is none
 * (EXIT_NOT_RUNNING at once when there is no daemon). One at a time: a new one takes the place
 * of the last, which is never answered. */
void data_ask(struct tui *t, const char *cmd, const char *peer,
	      void (*fn)(void *arg, struct json_object *data, const struct err *why), void *arg);
/* arg goes away: what was asked for it is not handed over any more. */
void data_forget(struct tui *t, const void *arg);
const struct traffic *data_traffic(const struct tui *t, const char *peer);
/* After a commit: tell the daemon, say how it went behind what. */
void data_apply(struct tui *t, const char *what);

/* --- peers.c, form.c, text.c, explain.c, hw.c, log.c, menu.c: the views --- */

struct view *peers_view(struct tui *t) MUST_USE;
/* name NULL: a new peer. NULL when it cannot be opened (and says why). */
struct view *form_view(struct tui *t, const char *name) MUST_USE;
/* The router's own settings. */
struct view *form_router_view(struct tui *t) MUST_USE;
/* Text to scroll and search; takes text. */
struct view *text_view(struct tui *t, const char *title, char *text) MUST_USE;
/* What `adit ARGS…` prints; r runs it again. args ends with NULL, at most 5, copied. */
struct view *text_command_view(struct tui *t, const char *const *args) MUST_USE;
/* Certificates, keys, requests. */
struct view *certs_view(struct tui *t) MUST_USE;
/* Why a peer is not up. */
struct view *explain_view(struct tui *t, const char *peer) MUST_USE;
/* By what, and how fast, this router does its cryptography. */
struct view *hw_view(struct tui *t) MUST_USE;
/* peer NULL: all. */
struct view *log_view(struct tui *t, const char *peer) MUST_USE;
/* Offer the quick actions; peer may be "". */
void menu_open(struct tui *t, const char *peer);
/* The keys of the view below it. */
struct view *help_view(struct tui *t, const struct view *of) MUST_USE;
/* Do one quick action, asking first where it says so. */
void menu_do(struct tui *t, enum front_action_id id, const char *peer);

/* --- pop.c: questions --- */

/* keys: lower-case letters that answer, the first is also Enter's: done(arg, letter). Esc is
 * done(arg, 0). text may have several lines. */
void pop_ask(struct tui *t, const char *title, const char *text, const char *keys,
	     void (*done)(void *arg, int letter), void *arg);
/* One line of input; text NULL when it was left with Esc. live: done also comes at each change
 * of the text, and the box stands at the bottom, so that what it does is seen. */
void pop_input(struct tui *t, const char *title, const char *prompt, const char *initial,
	       bool live, void (*done)(void *arg, const char *text), void *arg);
/* A choice out of n lines; about (may be NULL) stands beside each. -1 when left. */
struct pop_choice {
	char *value, *about;	/* malloc'd; the popup's from now on */
	bool weak;
};
void pop_choose(struct tui *t, const char *title, struct pop_choice *list, size_t n,
		size_t selected, void (*done)(void *arg, const char *value), void *arg);

#endif
