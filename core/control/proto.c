/* proto: requests in, answers and events out, as lines. */
#include "core/control/proto.h"

#include <stdio.h>
#include <string.h>

bool proto_peer_ok(const char *name)
{
	size_t n = strlen(name);

	return n >= 1 && n <= PEER_NAME_MAX && name[0] != '.' && name[0] != '-' &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			    "0123456789._-") == n;
}

static int check(struct proto_request *r, struct err *e)
{
	const char *cmd, *peer;
	struct json_object *v;

	if (json_get_u64(r->args, "v", UINT32_MAX, 0) != PROTO_V)
		return err_code(e, EXIT_USAGE, "this daemon speaks version %d of the control "
				"protocol: send \"v\":%d", PROTO_V, PROTO_V);
	if (!r->id)
		return err_code(e, EXIT_USAGE, "\"id\" must be a number from 1 to 4294967295");
	cmd = json_get_str(r->args, "cmd", "");
	if (!*cmd)
		return err_code(e, EXIT_USAGE, "no \"cmd\" in the request");
	if (strlen(cmd) >= sizeof(r->cmd) ||
	    strspn(cmd, "abcdefghijklmnopqrstuvwxyz_") != strlen(cmd))
		return err_code(e, EXIT_USAGE, "unknown command");
	snprintf(r->cmd, sizeof(r->cmd), "%s", cmd);
	if (!json_object_object_get_ex(r->args, "peer", &v) || !v)
		return 0;
	peer = json_get_str(r->args, "peer", "");
	if (!proto_peer_ok(peer))
		return err_code(e, EXIT_NO_PEER, "\"peer\" is no name of a peer: 1 to %d letters, "
				"digits, . _ and -", PEER_NAME_MAX);
	snprintf(r->peer, sizeof(r->peer), "%s", peer);
	return 0;
}

int proto_parse(const char *line, size_t len, struct proto_request *r, struct err *e)
{
	memset(r, 0, sizeof(*r));
	if (json_parse_line(line, len, &r->args, e) < 0)
		return -1;
	r->id = (uint32_t)json_get_u64(r->args, "id", UINT32_MAX, 0);
	return check(r, e);
}

void proto_request_fini(struct proto_request *r)
{
	json_object_put(r->args);
	memset(r, 0, sizeof(*r));
}

static struct json_object *answer(uint32_t id, bool ok)
{
	struct json_object *o = json_object_new_object();

	json_put_u64(o, "v", PROTO_V);
	json_put_u64(o, "id", id);
	json_put_bool(o, "ok", ok);
	return o;
}

static char *to_line(struct json_object *o, size_t *len)
{
	char *line = o ? json_line(o, len) : NULL;

	json_object_put(o);
	return line;
}

char *proto_ok(uint32_t id, struct json_object *data, size_t *len)
{
	struct json_object *o = answer(id, true);

	if (data)
		json_put(o, "data", data);
	return to_line(o, len);
}

char *proto_error(uint32_t id, const struct err *e, size_t *len)
{
	struct json_object *o = answer(id, false);

	json_put_u64(o, "code", e->code == EXIT_DONE ? EXIT_FAILED : e->code);
	json_put_str(o, "error", e->msg);
	return to_line(o, len);
}

struct json_object *proto_event(const char *name)
{
	struct json_object *o = json_object_new_object();

	json_put_u64(o, "v", PROTO_V);
	json_put_str(o, "event", name);
	return o;
}

struct json_object *proto_log_to_json(const struct log_line *l)
{
	struct json_object *o = json_object_new_object();

	json_put_u64(o, "seq", l->seq);
	json_put_u64(o, "time", l->wall_s > 0 ? (uint64_t)l->wall_s : 0);
	json_put_str(o, "level", log_level_name(l->level));
	json_put_str(o, "peer", l->peer);
	json_put_str(o, "text", l->text);
	return o;
}

int proto_log_from_json(struct json_object *o, struct log_line *l)
{
	memset(l, 0, sizeof(*l));
	l->seq = json_get_u64(o, "seq", UINT64_MAX, 0);
	l->wall_s = (int64_t)json_get_u64(o, "time", INT64_MAX, 0);
	if (log_level_parse(json_get_str(o, "level", ""), &l->level) < 0)
		return -1;
	snprintf(l->peer, sizeof(l->peer), "%s", json_get_str(o, "peer", ""));
	snprintf(l->text, sizeof(l->text), "%s", json_get_str(o, "text", ""));
	return 0;
}
