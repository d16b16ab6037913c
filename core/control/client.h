/* client: the way of `adit` and its screen to the running daemon: one connection to
 * control.sock, requests that wait for their answer, and events as they come.
 *
 * All failures are one plain sentence in *e with an exit code:
 *	EXIT_NOT_RUNNING	nobody listens, or the daemon went away meanwhile
 *	EXIT_NOT_PERMITTED	the socket, or the daemon, refuses this user
 *	EXIT_TIMEOUT		no answer in time
 *	EXIT_NO_PEER, …		what the daemon answered
 *
 * A connection that failed with EXIT_NOT_RUNNING stays dead: close it and open another.
 * The wire format is adit-control(7).
 */
#ifndef ADIT_CONTROL_CLIENT_H
#define ADIT_CONTROL_CLIENT_H

#include "core/base/err.h"
#include "core/base/log.h"
#include "core/control/json.h"
#include "core/control/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLIENT_TIMEOUT_MS 10000	/* the default where a timeout_ms of 0 is given */

struct client;

/* Why packets were lost, adit-control(7) "counters": what the dataplane counts, since it began,
 * also where that is 0. */
struct client_counter {
	char name[40];			/* "XfrmInNoStates" */
	uint64_t value;
	char meaning[240];		/* one sentence: what happened to the packet */
	char look[240];			/* one sentence: what to look at */
};

enum client_event_kind {
	CLIENT_LOG,		/* .log: a line, after client_log(follow) */
	CLIENT_PEER,		/* .peer: a peer changed state or was added, after subscribe */
	CLIENT_PEER_GONE,	/* .name: a peer was removed, after subscribe */
	CLIENT_PROGRESS,	/* .name, .text: a step of an `up` that is under way */
	CLIENT_REPLY,		/* .id, .err, .raw: answer to client_start() */
	CLIENT_PACKET,		/* .raw: a message or keys, after "capture" */
	CLIENT_GONE,		/* .err: the daemon closed the connection; said once */
};

/* Everything in it is borrowed for the call. */
struct client_event {
	enum client_event_kind kind;
	uint32_t id;			/* REPLY, PROGRESS: the request's */
	const struct log_line *log;
	const struct status_peer *peer;
	const char *name;
	const char *text;
	const struct err *err;		/* REPLY: code EXIT_DONE when it went well */
	struct json_object *raw;	/* REPLY: its data (may be NULL); else the whole event */
};

/* Connect to run_dir/control.sock. */
struct client *client_open(const char *run_dir, struct err *e) MUST_USE;
/* NULL is fine. */
void client_close(struct client *c);
/* No call that waits, but for client_up(), waits longer than this from now on; 0: their own
 * bounds again. For --timeout. */
void client_limit(struct client *c, int timeout_ms);
/* To poll for POLLIN; -1 once the connection is dead. */
int client_fd(const struct client *c);

/* Events go to fn, from within client_dispatch() and from within any call that waits for an
 * answer. fn must not call client_close(). */
void client_on_event(struct client *c, void (*fn)(void *arg, const struct client_event *ev),
		     void *arg);
/* Read what is there, without waiting, and hand it to the event function. -1 when the
 * connection is dead (CLIENT_GONE was given first). */
int client_dispatch(struct client *c, struct err *e) MUST_USE;

/* Send cmd with args (taken; may be NULL: an object whose keys are added to the request) and
 * wait for the answer. *data, where wanted, gets its data object, the caller's to
 * json_object_put(), NULL if it had none. */
int client_request(struct client *c, const char *cmd, struct json_object *args, int timeout_ms,
		   struct json_object **data, struct err *e) MUST_USE;
/* The same without waiting: the answer comes as CLIENT_REPLY with the id returned (> 0); 0
 * when it could not be sent. For the screen, which must not stand still during an `up`. */
uint32_t client_start(struct client *c, const char *cmd, struct json_object *args,
		      struct err *e);

/* peer NULL: all. *out is the caller's to status_free(). raw, where not NULL, gets the data
 * object for --json, the caller's to put. */
int client_status(struct client *c, const char *peer, struct status **out,
		  struct json_object **raw, struct err *e) MUST_USE;
/* Brings it up, and waits until it is or failed: *e then says why in words (EXIT_FAILED, or
 * EXIT_TIMEOUT after timeout_s; 0: 60). Steps come as CLIENT_PROGRESS. */
int client_up(struct client *c, const char *peer, unsigned timeout_s, struct err *e) MUST_USE;
/* Does the peer take our credentials, and we its? Ends within 90 s; text gets the sentence of
 * success. */
int client_test(struct client *c, const char *peer, char *text, size_t cap, struct err *e)
	MUST_USE;
int client_down(struct client *c, const char *peer, struct err *e) MUST_USE;
/* Read the settings again and apply what changed; EXIT_SETTINGS when they are invalid. text,
 * where not NULL, gets what the daemon says to it (cap bytes; may be ""). */
int client_reload(struct client *c, char *text, size_t cap, struct err *e) MUST_USE;
/* All children are started anew; the connection ends with it. Use client_wait_running(). */
int client_restart(struct client *c, struct err *e) MUST_USE;
/* Wait until a daemon answers in run_dir, for at most timeout_ms. */
int client_wait_running(const char *run_dir, int timeout_ms, struct err *e) MUST_USE;
/* The last n lines (0: all that are kept) about peer (NULL: all) into *lines (the caller's to
 * free()); follow: later ones come as CLIENT_LOG. */
int client_log(struct client *c, unsigned n, const char *peer, bool follow,
	       struct log_line **lines, size_t *n_lines, struct err *e) MUST_USE;
/* What the dataplane counted, in the kernel's order: *out is the caller's to free(), *n may be 0.
 * dataplane[16] gets whose counters these are ("kernel"); raw, where not NULL, the data object
 * for --json, the caller's to put. EXIT_TIMEOUT when the dataplane does not answer. */
int client_counters(struct client *c, char *dataplane, struct client_counter **out, size_t *n,
		    struct json_object **raw, struct err *e) MUST_USE;
int client_log_level(struct client *c, enum log_level level, struct err *e) MUST_USE;
/* From now on CLIENT_PEER and CLIENT_PEER_GONE come. */
int client_subscribe(struct client *c, struct err *e) MUST_USE;
/* The daemon's version into version[32] (NULL: just whether it answers). */
int client_ping(struct client *c, char *version, struct err *e) MUST_USE;

#endif
