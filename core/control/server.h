/* server: the daemon's end of the control protocol, run by iked in its loop.
 *
 * Whoever can connect (the socket's mode says who) may read; commands that change something
 * are for uid 0 (SO_PEERCRED, taken when the client connects). Strangers to the protocol cost
 * little: lines, depth, clients, requests under way and queued output are all capped, and a
 * client that says nothing or does not read is let go.
 */
#ifndef ADIT_CONTROL_SERVER_H
#define ADIT_CONTROL_SERVER_H

#include "core/base/err.h"
#include "core/base/loop.h"
#include "core/control/proto.h"

#include <stdbool.h>

#define SERVER_CLIENTS_MAX 32
#define SERVER_CLIENTS_ROOT 8		/* of these, kept free for uid 0 */
#define SERVER_REQUESTS_MAX 8		/* under way per client; more wait in the socket */
#define SERVER_EVENT_QUEUE_MAX (256u << 10)	/* bytes unread before an event drops it */
#define SERVER_IDLE_MS 60000		/* without a request, a subscription or a `log -f` */
#define SERVER_STALL_MS 20000		/* with output that is not being read */

/* PACKET, KEYS: of the peer subscribed to; only commands that change something may subscribe. */
enum { SERVER_TOPIC_LOG = 1 << 0, SERVER_TOPIC_PEER = 1 << 1, SERVER_TOPIC_PACKET = 1 << 2,
	SERVER_TOPIC_KEYS = 1 << 3 };

struct server;

/* A request under way. The handler, or whoever it gave the pointer to, ends it exactly once
 * with server_done() or server_fail(), in the loop, at once or much later; the client may be
 * gone by then, that is fine. */
struct server_req;

struct server_cmd {
	const char *name;
	bool changes;		/* uid 0 only */
	bool wants_peer;	/* refused without "peer" */
	void (*fn)(void *arg, struct server_req *r);
};

/* fd: the listening socket; taken, closed by server_free(). cmds: ended by a NULL name;
 * borrowed. */
struct server *server_new(struct loop *l, int fd, const struct server_cmd *cmds, void *arg,
			  struct err *e) MUST_USE;
/* Sends what is queued as far as it goes without waiting, closes all. Requests under way must
 * still be ended by their holders, before or after. NULL is fine. */
void server_free(struct server *s);

/* What was asked; borrowed until the request is ended. */
const struct proto_request *server_request(const struct server_req *r);
/* Is the client still there? */
bool server_alive(const struct server_req *r);
/* data is taken; may be NULL. */
void server_done(struct server_req *r, struct json_object *data);
void server_fail(struct server_req *r, enum exit_code code, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
/* A step of this request, to its client alone: {"event":"progress","id":…}. */
void server_progress(struct server_req *r, const char *peer, const char *text);
/* From now on the request's client gets events of these topics; peer, where not "", only
 * those of that peer. */
void server_subscribe(struct server_req *r, unsigned topics, const char *peer);
/* Does anybody listen? Saves making an event nobody reads. */
bool server_wanted(const struct server *s, unsigned topic);
/* To all subscribers of the topic. event is taken. peer as in server_subscribe(). */
void server_event(struct server *s, unsigned topic, const char *peer,
		  struct json_object *event);

struct server_counts {
	unsigned clients;
	uint64_t accepted, refused_clients, bad_lines, refused_cmds, dropped_slow, dropped_idle;
};
const struct server_counts *server_counts(const struct server *s);

#endif
