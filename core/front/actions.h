/* actions: what the command line and the screen both do, so that what one can do the
 * other can: ask for the status, tell the daemon after a change, the quick actions, the
 * command that does the same as a form, and what to do about a peer that is not up.
 */
#ifndef ADIT_FRONT_ACTIONS_H
#define ADIT_FRONT_ACTIONS_H

#include "core/base/err.h"
#include "core/base/sbuf.h"
#include "core/control/client.h"
#include "core/control/status.h"

#include <stdbool.h>
#include <stddef.h>

/* Where settings and daemon are, and how to treat them. Borrowed strings. */
struct front {
	const char *config_dir, *run_dir;	/* never NULL */
	int timeout_ms;			/* for each request; 0: CLIENT_TIMEOUT_MS */
	bool no_apply;			/* only write; tell the daemon nothing */
};

/* --- status --- */

/* The daemon's, with the peers of the settings that it has not got (front_merge()); or, when
 * it is not running, what the settings alone say ((*out)->running is false then). peer NULL: all; a peer that does not exist is EXIT_NO_PEER with the
 * nearest name. *out is the caller's to status_free(); raw, where not NULL, gets the
 * object for
 * --json, the caller's to json_object_put(). */
int front_status(const struct front *f, const char *peer, struct status **out,
		 struct json_object **raw, struct err *e) MUST_USE;

/* What to try when p is not up, as one or two sentences with the command to type; "" when
 * it is up. Returns buf (cap >= 256). */
const char *front_advice(const struct status_peer *p, bool running, char *buf,
			 size_t cap);

/* What to type to start the daemon, as this system does it: "systemctl start adit",
 * "/etc/init.d/adit start", or "aditd". */
const char *front_start_command(void);

/* The router's own LAN networks, to check settings against (settings_load(), struct
 * commit): into out, at most max; returns how many. 0 too when the kernel or the settings
 * cannot be read: the checks are then fewer. */
#define FRONT_LAN_MAX 64
size_t front_lan(const struct front *f, struct prefix *out, size_t max);

/* --- after a change of the settings --- */

enum front_applied {
	FRONT_APPLIED,		/* the daemon took it over */
	FRONT_NOT_RUNNING,	/* saved; used when the daemon starts */
	FRONT_NOT_ASKED,	/* no_apply */
};

/* Tell the daemon to read the settings again. text gets one sentence about how it went,
 * "" never ("Applied: branch restarts.", "Saved. aditd is not running: it is used at the
 * next start."). -1 when the daemon refused or did not answer: what was saved stays
 * saved, and *e says so. text holds FRONT_TEXT_MAX. */
#define FRONT_TEXT_MAX 320
int front_apply(const struct front *f, enum front_applied *how, char *text, struct err *e)
	MUST_USE;

/* --- quick actions: Difuse's four and those for one peer --- */

enum front_action_id {
	ACTION_RESTART, ACTION_STATUS, ACTION_INTERFACES, ACTION_ROUTES, ACTION_FIREWALL,
	ACTION_RELOAD, ACTION_LOG, ACTION_CHECK,
	ACTION_CERTS, ACTION_HW, ACTION_COUNTERS, ACTION_EXPLAIN, ACTION_TEST,
	ACTION_UP, ACTION_DOWN, ACTION_ENABLE, ACTION_DISABLE, ACTION_DELETE,
	ACTION_N,
};

struct front_action {
	enum front_action_id id;
	const char *label;	/* "Restart" */
	const char *command; /* after "adit ": "restart", "peer enable"; PEER follows if
				peer */
	const char *help;	/* one line */
	const char *ask; /* the question to confirm with ("%s": the peer); NULL: none */
	bool peer;		/* is about one peer */
	bool daemon;		/* needs the daemon to run */
	bool changes;		/* needs root, not for --readonly */
};

/* By id: front_actions[ACTION_RESTART]. */
extern const struct front_action front_actions[ACTION_N];

/* --- the same as a command --- */

struct front_pair {
	const char *key, *value;	/* value NULL: taken away, written "key=" */
};

/* Append word, quoted for a POSIX shell where it must be. */
void front_quote(struct sbuf *b, const char *word);
/* Append "adit [--config-dir D] [--run-dir D] VERB [NAME] key=value …" (dirs only where
 * they are not the built-in ones); name may be NULL. For `y` on the screen and hints. */
void front_command(struct sbuf *b, const struct front *f, const char *verb,
		   const char *name, const struct front_pair *pairs, size_t n);

/* --- pre-shared keys --- */

/* A new random key as text without blanks or quotes, 43 characters of 62 (256 bits), NUL
 * included in cap >= FRONT_PSK_TEXT. The caller wipes buf. */
#define FRONT_PSK_TEXT 44
void front_psk_generate(char buf[FRONT_PSK_TEXT]);
/* A key as read from a file, stdin or a prompt: the newline at its end (CRLF too) is not
 * part of it. Returns the new length. */
size_t front_psk_trim(char *text, size_t len);

#endif
