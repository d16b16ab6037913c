/* explain: why a peer is not up, in plain words: which side has to change which setting, and
 * the shortest edit that makes both meet. Made of the last failed negotiation
 * (core/ipc/negotiation.h), the settings and the state; without a daemon of the settings
 * alone, and says so.
 *
 * The outcome is an array of lines. They are whole sentences or rows, not wrapped: the command
 * line and the screen wrap what is no row (fmt_wrap()) to their width.
 */
#ifndef ADIT_FRONT_EXPLAIN_H
#define ADIT_FRONT_EXPLAIN_H

#include "core/base/err.h"
#include "core/control/json.h"
#include "core/front/actions.h"
#include "core/front/fmt.h"
#include "core/ipc/negotiation.h"
#include "core/settings/settings.h"

#include <stdbool.h>
#include <stddef.h>

enum explain_kind {
	EXPLAIN_HEAD,		/* a heading: "branch is down" */
	EXPLAIN_TEXT,		/* a sentence or several: wrap it */
	EXPLAIN_ROW,		/* what | ours | theirs: three cells, see below */
	EXPLAIN_COMMAND,	/* to be typed here: "adit peer set branch ike+=…" */
	EXPLAIN_BLANK,
};

struct explain_line {
	uint8_t kind;		/* enum explain_kind */
	uint8_t tone;		/* enum fmt_tone */
	char *text;		/* "" never NULL; ROW: the name of the row, "" continues */
	char *ours, *theirs;	/* ROW only, else NULL */
};

struct explain {
	size_t n;
	struct explain_line *line;
	bool bad;		/* out of memory: what is there is not all */
};

/* What is known. Borrowed for the call. */
struct explain_input {
	const struct front *front;	/* for commands; NULL: plain "adit …" */
	const char *peer;
	const struct settings *settings;	/* all peers'; NULL: cannot be read */
	const struct peer_conf *conf;	/* this peer's; NULL: cannot be read */
	const struct negotiation *neg;	/* NULL: none is kept */
	const struct status_peer *status;	/* NULL: the daemon is down */
	const struct neg_stranger *strangers;	/* callers that no peer is set for: one of them
						 * may be this peer */
	size_t n_strangers;
	bool running;
	bool utf8;
	int64_t now_s;		/* wall clock; 0: ages are left out */
};

/* Append the explanation of one peer to *out. */
void explain_peer(const struct explain_input *in, struct explain *out);
/* Append what there is to say about callers that match no peer: which peer each was perhaps
 * meant for, and the edit that lets it in. settings may be NULL. */
void explain_strangers(const struct front *f, const struct neg_stranger *s, size_t n,
		       const struct settings *settings, int64_t now_s, struct explain *out);
void explain_fini(struct explain *x);

/* Ask the daemon (or, when it is down, the settings) and explain: one peer, or with peer NULL
 * every enabled peer that is not up, and the strangers. raw, where not NULL, gets an object
 * for --json, the caller's to json_object_put(). EXIT_NO_PEER with the nearest name. */
int explain_ask(const struct front *f, const char *peer, bool utf8, struct explain *out,
		struct json_object **raw, struct err *e) MUST_USE;
/* The same for the screen, which asks by client_start("explain", {"peer": …}) and gets data in
 * CLIENT_REPLY; data NULL: the daemon is not running. */
int explain_reply(const struct front *f, const char *peer, bool utf8, struct json_object *data,
		  struct explain *out, struct err *e) MUST_USE;

/* Append a ROW as text in three columns, of at most width columns (>= 48), cells wrapped into
 * several lines with newlines between: for those who have no table of their own. */
void explain_row(const struct explain_line *l, size_t width, struct sbuf *out);

#endif
