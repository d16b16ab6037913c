/* proto: the lines of the control protocol, adit-control(7): what a request holds, how an
 * answer and an event are made. Pure text and JSON, no sockets: server and client share it. */
#ifndef ADIT_CONTROL_PROTO_H
#define ADIT_CONTROL_PROTO_H

#include "core/base/err.h"
#include "core/base/log.h"
#include "core/control/json.h"
#include "core/settings/conf.h"

#include <stddef.h>
#include <stdint.h>

#define PROTO_V 1
#define PROTO_REQUEST_MAX 4096		/* bytes of a request line, newline included */
#define PROTO_ANSWER_MAX (16u << 20)	/* bytes of a line to a client */
#define PROTO_CMD_MAX 32
#define PROTO_SOCKET "control.sock"

struct proto_request {
	uint32_t id;			/* echoed in the answer */
	char cmd[PROTO_CMD_MAX];
	char peer[PEER_NAME_MAX + 1];	/* "" when none was given */
	struct json_object *args;	/* the whole request, for the command's own keys */
};

/* Parse one line (its newline not included). On failure r->id is still the request's where
 * it could be read, so that the answer finds its way. proto_request_fini() afterwards,
 * either way. */
int proto_parse(const char *line, size_t len, struct proto_request *r, struct err *e) MUST_USE;
void proto_request_fini(struct proto_request *r);
/* A name that can be a peer's: 1..PEER_NAME_MAX letters, digits and . _ - */
bool proto_peer_ok(const char *name);

/* New lines, the caller's to free(); NULL when out of memory. data is taken, may be NULL. */
char *proto_ok(uint32_t id, struct json_object *data, size_t *len);
char *proto_error(uint32_t id, const struct err *e, size_t *len);
/* The head of an event, {"v":1,"event":name}: add keys, then json_line(). */
struct json_object *proto_event(const char *name);

/* A log line as the object that the log answer and the log event carry. */
struct json_object *proto_log_to_json(const struct log_line *l);
int proto_log_from_json(struct json_object *o, struct log_line *l) MUST_USE;

#endif
