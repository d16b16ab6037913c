/* client: a connection to the daemon. Blocking calls are loops of poll(2) over the same
 * non-blocking machinery that the screen drives from its own poll. */
#include "core/control/client.h"

#include "core/base/clock.h"
#include "core/control/proto.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define READ_ROUND 65536
#define UP_TIMEOUT_S 60

struct client {
	int fd;			/* -1: dead */
	uint32_t last_id;
	int limit_ms;		/* client_limit(); 0: none */
	bool gone_told;
	struct err why;		/* dead because */
	void (*fn)(void *arg, const struct client_event *ev);
	void *arg;
	char *in;
	size_t in_len, in_cap;
	/* the request that is being waited for */
	uint32_t wait_id;
	bool wait_done;
	struct err wait_err;
	struct json_object *wait_data;
};

static void deliver(struct client *c, const struct client_event *ev)
{
	if (c->fn)
		c->fn(c->arg, ev);
}

static int lost(struct client *c, struct err *e)
{
	if (!c->why.code)
		err_code(&c->why, EXIT_NOT_RUNNING, "the daemon closed the connection");
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	if (!c->gone_told) {
		struct client_event ev = { .kind = CLIENT_GONE, .err = &c->why };

		c->gone_told = true;
		deliver(c, &ev);
	}
	if (e)
		*e = c->why;
	return -1;
}

struct client *client_open(const char *run_dir, struct err *e)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct client *c;
	int n;

	n = snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/%s", run_dir, PROTO_SOCKET);
	if (n < 0 || (size_t)n >= sizeof(sa.sun_path)) {
		err_code(e, EXIT_USAGE, "the run directory's path is too long for a socket: %s",
			 run_dir);
		return NULL;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		err_set(e, "out of memory");
		return NULL;
	}
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0) {
		err_errno(e, "cannot make a socket");
		goto fail;
	}
	if (connect(c->fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return c;
	if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR)
		err_code(e, EXIT_NOT_RUNNING, "adit is not running (nobody listens at %s)",
			 sa.sun_path);
	else if (errno == EAGAIN)
		err_code(e, EXIT_TIMEOUT, "the daemon is too busy to take a connection");
	else if (errno == EACCES || errno == EPERM)
		err_code(e, EXIT_NOT_PERMITTED, "this user may not talk to adit (%s): try as "
			 "root", sa.sun_path);
	else
		err_errno(e, "cannot connect to %s", sa.sun_path);
fail:
	client_close(c);
	return NULL;
}

void client_close(struct client *c)
{
	if (!c)
		return;
	if (c->fd >= 0)
		close(c->fd);
	json_object_put(c->wait_data);
	free(c->in);
	free(c);
}

void client_limit(struct client *c, int timeout_ms)
{
	c->limit_ms = timeout_ms;
}

int client_fd(const struct client *c)
{
	return c->fd;
}

void client_on_event(struct client *c, void (*fn)(void *arg, const struct client_event *ev),
		     void *arg)
{
	c->fn = fn;
	c->arg = arg;
}

/* ---- what comes ---- */

static void take_answer(struct client *c, struct json_object *o, uint32_t id)
{
	struct json_object *data = NULL;
	struct err e = { 0 };

	if (!json_get_bool(o, "ok", false))
		err_code(&e, (enum exit_code)json_get_u64(o, "code", 255, EXIT_FAILED), "%s",
			 json_get_str(o, "error", "the daemon refused, without saying why"));
	json_object_object_get_ex(o, "data", &data);
	if (id && id == c->wait_id) {
		c->wait_done = true;
		c->wait_err = e;
		c->wait_data = json_object_get(data);
	} else if (id) {
		struct client_event ev = { .kind = CLIENT_REPLY, .id = id, .err = &e,
					   .raw = data };

		deliver(c, &ev);
	} else if (e.code) {
		/* About the connection itself: too many clients, a line too long. */
		c->why = e;
	}
}

static void take_event(struct client *c, struct json_object *o)
{
	const char *name = json_get_str(o, "event", "");
	struct client_event ev = { .raw = o };
	struct status_peer peer;
	struct log_line line;

	ev.id = (uint32_t)json_get_u64(o, "id", UINT32_MAX, 0);
	ev.name = json_get_str(o, "peer", "");
	ev.text = json_get_str(o, "text", "");
	if (strcmp(name, "log") == 0) {
		struct json_object *l = json_get_object(o, "line");

		if (proto_log_from_json(l, &line) < 0)
			return;
		ev.kind = CLIENT_LOG;
		ev.log = &line;
		ev.name = line.peer;
		deliver(c, &ev);
	} else if (strcmp(name, "peer") == 0) {
		struct json_object *p = json_get_object(o, "status");

		if (status_peer_from_json(p, &peer, NULL) < 0)
			return;
		ev.kind = CLIENT_PEER;
		ev.peer = &peer;
		ev.name = peer.name;
		deliver(c, &ev);
		status_peer_fini(&peer);
	} else if (strcmp(name, "peer_gone") == 0) {
		ev.kind = CLIENT_PEER_GONE;
		deliver(c, &ev);
	} else if (strcmp(name, "progress") == 0) {
		ev.kind = CLIENT_PROGRESS;
		deliver(c, &ev);
	} else if (strcmp(name, "packet") == 0 || strcmp(name, "keys") == 0) {
		ev.kind = CLIENT_PACKET;
		deliver(c, &ev);
	}
	/* Others are from a newer daemon: not ours to know. */
}

static void take_line(struct client *c, const char *line, size_t len)
{
	struct json_object *o;

	if (json_parse_line(line, len, &o, NULL) < 0)
		return;
	if (json_object_object_get_ex(o, "event", NULL))
		take_event(c, o);
	else
		take_answer(c, o, (uint32_t)json_get_u64(o, "id", UINT32_MAX, 0));
	json_object_put(o);
}

static void take_lines(struct client *c, size_t searched)
{
	size_t at = 0;
	char *nl;

	while ((nl = memchr(c->in + searched, '\n', c->in_len - searched))) {
		take_line(c, c->in + at, (size_t)(nl - (c->in + at)));
		at = searched = (size_t)(nl - c->in) + 1;
	}
	memmove(c->in, c->in + at, c->in_len - at);
	c->in_len -= at;
}

/* 1 something came, 0 nothing there, -1 dead. */
static int read_some(struct client *c, struct err *e)
{
	size_t had = c->in_len;
	ssize_t n;

	if (c->fd < 0)
		return lost(c, e);
	if (c->in_cap - c->in_len < READ_ROUND) {
		char *grown;

		if (c->in_cap >= PROTO_ANSWER_MAX + READ_ROUND) {
			err_code(&c->why, EXIT_NOT_RUNNING, "the daemon's answer is too long");
			return lost(c, e);
		}
		grown = realloc(c->in, c->in_cap ? c->in_cap * 2 : 2 * READ_ROUND);
		if (!grown) {
			err_code(&c->why, EXIT_NOT_RUNNING, "out of memory");
			return lost(c, e);
		}
		c->in = grown;
		c->in_cap = c->in_cap ? c->in_cap * 2 : 2 * READ_ROUND;
	}
	n = recv(c->fd, c->in + c->in_len, READ_ROUND, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return 0;
	if (n <= 0)
		return lost(c, e);
	c->in_len += (size_t)n;
	take_lines(c, had);
	return 1;
}

int client_dispatch(struct client *c, struct err *e)
{
	int n;

	/* Bounded: a daemon that talks without end must not hold the caller here. */
	for (int i = 0; i < 16; i++) {
		n = read_some(c, e);
		if (n <= 0)
			return n;
	}
	return 0;
}

/* ---- what goes ---- */

/* Wait for events until the deadline; false when it passed. */
static bool wait_fd(struct client *c, short events, uint64_t deadline_ms)
{
	struct pollfd p = { .fd = c->fd, .events = events };
	uint64_t now = clock_ms();
	int n;

	if (now >= deadline_ms)
		return false;
	n = poll(&p, 1, (int)(deadline_ms - now > 600000 ? 600000 : deadline_ms - now));
	return n != 0;	/* a signal: the caller looks again */
}

static int send_all(struct client *c, const char *line, size_t len, struct err *e)
{
	uint64_t deadline_ms = clock_ms() + CLIENT_TIMEOUT_MS;

	while (len) {
		ssize_t n;

		if (c->fd < 0)
			return lost(c, e);
		n = send(c->fd, line, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0) {
			line += n;
			len -= (size_t)n;
			continue;
		}
		if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
			/* The daemon may have said why before it closed. */
			while (read_some(c, NULL) > 0)
				;
			return lost(c, e);
		}
		if (!wait_fd(c, POLLOUT, deadline_ms))
			return err_code(e, EXIT_TIMEOUT, "the daemon does not take requests");
	}
	return 0;
}

uint32_t client_start(struct client *c, const char *cmd, struct json_object *args,
		      struct err *e)
{
	uint32_t id = ++c->last_id ? c->last_id : ++c->last_id;
	struct json_object *o = args ? args : json_object_new_object();
	char *line;
	size_t len;
	int how;

	json_put_u64(o, "v", PROTO_V);
	json_put_u64(o, "id", id);
	json_put_str(o, "cmd", cmd);
	line = o ? json_line(o, &len) : NULL;
	json_object_put(o);
	if (!line) {
		err_set(e, "out of memory");
		return 0;
	}
	how = len > PROTO_REQUEST_MAX ? err_code(e, EXIT_USAGE, "the request is too long") :
		send_all(c, line, len, e);
	free(line);
	return how < 0 ? 0 : id;
}

int client_request(struct client *c, const char *cmd, struct json_object *args, int timeout_ms,
		   struct json_object **data, struct err *e)
{
	uint64_t deadline_ms;
	int how = 0;

	if (timeout_ms <= 0)
		timeout_ms = CLIENT_TIMEOUT_MS;
	if (c->limit_ms > 0 && timeout_ms > c->limit_ms)
		timeout_ms = c->limit_ms;
	deadline_ms = clock_ms() + (uint64_t)timeout_ms;

	if (data)
		*data = NULL;
	c->wait_done = false;
	c->wait_id = client_start(c, cmd, args, e);
	if (!c->wait_id)
		return -1;
	while (!c->wait_done) {
		how = read_some(c, e);
		if (how < 0)
			break;
		if (how == 0 && !wait_fd(c, POLLIN, deadline_ms)) {
			how = err_code(e, EXIT_TIMEOUT, "no answer from the daemon within %d s",
				       timeout_ms / 1000);
			break;
		}
	}
	c->wait_id = 0;
	/* The answer counts, even if the connection ended right behind it. */
	if (c->wait_done && c->wait_err.code) {
		how = -1;
		if (e)
			*e = c->wait_err;
	} else if (c->wait_done) {
		how = 0;
		if (data) {
			*data = c->wait_data;
			c->wait_data = NULL;
		}
	}
	json_object_put(c->wait_data);
	c->wait_data = NULL;
	return how < 0 ? -1 : 0;
}

/* ---- the verbs ---- */

static struct json_object *with_peer(const char *peer)
{
	struct json_object *o;

	if (!peer)
		return NULL;
	o = json_object_new_object();
	json_put_str(o, "peer", peer);
	return o;
}

int client_status(struct client *c, const char *peer, struct status **out,
		  struct json_object **raw, struct err *e)
{
	struct json_object *data;
	int how;

	*out = NULL;
	if (raw)
		*raw = NULL;
	if (client_request(c, "status", with_peer(peer), 0, &data, e) < 0)
		return -1;
	how = status_from_json(data, out, e);
	if (how == 0 && raw)
		*raw = json_object_get(data);
	json_object_put(data);
	return how;
}

int client_up(struct client *c, const char *peer, unsigned timeout_s, struct err *e)
{
	struct json_object *o = with_peer(peer);
	int limit_ms = c->limit_ms, how;

	if (!timeout_s)
		timeout_s = UP_TIMEOUT_S;
	if (timeout_s > 86400)
		timeout_s = 86400;
	json_put_u64(o, "timeout_s", timeout_s);
	/* The daemon keeps the time, and knows more to say when it is over. */
	c->limit_ms = 0;
	how = client_request(c, "up", o, (int)timeout_s * 1000 + 5000, NULL, e);
	c->limit_ms = limit_ms;
	return how;
}

int client_test(struct client *c, const char *peer, char *text, size_t cap, struct err *e)
{
	struct json_object *data;
	int limit_ms = c->limit_ms, how;

	c->limit_ms = 0;
	how = client_request(c, "test", with_peer(peer), 95000, &data, e);
	c->limit_ms = limit_ms;
	if (how < 0)
		return -1;
	snprintf(text, cap, "%s", json_get_str(data, "text", ""));
	json_object_put(data);
	return 0;
}

int client_down(struct client *c, const char *peer, struct err *e)
{
	return client_request(c, "down", with_peer(peer), 0, NULL, e);
}

int client_reload(struct client *c, char *text, size_t cap, struct err *e)
{
	struct json_object *data;

	if (client_request(c, "reload", NULL, 30000, &data, e) < 0)
		return -1;
	if (text)
		snprintf(text, cap, "%s", json_get_str(data, "text", ""));
	json_object_put(data);
	return 0;
}

int client_restart(struct client *c, struct err *e)
{
	return client_request(c, "restart", NULL, 0, NULL, e);
}

int client_wait_running(const char *run_dir, int timeout_ms, struct err *e)
{
	uint64_t deadline_ms = clock_ms() + (uint64_t)timeout_ms;

	for (;;) {
		struct err why = { 0 };
		struct client *c = client_open(run_dir, &why);
		int how = c ? client_ping(c, NULL, &why) : -1;

		client_close(c);
		if (how == 0)
			return 0;
		if (why.code == EXIT_NOT_PERMITTED || clock_ms() >= deadline_ms) {
			if (e)
				*e = why;
			return -1;
		}
		poll(NULL, 0, 20);
	}
}

int client_log(struct client *c, unsigned n, const char *peer, bool follow,
	       struct log_line **lines, size_t *n_lines, struct err *e)
{
	struct json_object *o = peer ? with_peer(peer) : json_object_new_object();
	struct json_object *data, *a;
	size_t have;

	*lines = NULL;
	*n_lines = 0;
	json_put_u64(o, "n", n);
	json_put_bool(o, "follow", follow);
	if (client_request(c, "log", o, 0, &data, e) < 0)
		return -1;
	a = json_get_array(data, "lines", &have);
	*lines = calloc(have ? have : 1, sizeof(**lines));
	if (!*lines) {
		json_object_put(data);
		return err_set(e, "out of memory");
	}
	for (size_t i = 0; i < have; i++)
		if (proto_log_from_json(json_object_array_get_idx(a, i),
					&(*lines)[*n_lines]) == 0)
			(*n_lines)++;
	json_object_put(data);
	return 0;
}

int client_counters(struct client *c, char *dataplane, struct client_counter **out, size_t *n,
		    struct json_object **raw, struct err *e)
{
	struct json_object *data, *a;
	size_t have;

	*out = NULL;
	*n = 0;
	if (raw)
		*raw = NULL;
	if (client_request(c, "counters", NULL, 0, &data, e) < 0)
		return -1;
	a = json_get_array(data, "counters", &have);
	*out = calloc(have ? have : 1, sizeof(**out));
	if (!*out) {
		json_object_put(data);
		return err_set(e, "out of memory");
	}
	snprintf(dataplane, 16, "%s", json_get_str(data, "dataplane", ""));
	for (size_t i = 0; i < have; i++) {
		struct json_object *o = json_object_array_get_idx(a, i);
		struct client_counter *k = &(*out)[*n];

		snprintf(k->name, sizeof(k->name), "%s", json_get_str(o, "name", ""));
		if (!k->name[0])
			continue;
		k->value = json_get_u64(o, "value", UINT64_MAX, 0);
		snprintf(k->meaning, sizeof(k->meaning), "%s", json_get_str(o, "meaning", ""));
		snprintf(k->look, sizeof(k->look), "%s", json_get_str(o, "look", ""));
		(*n)++;
	}
	if (raw)
		*raw = json_object_get(data);
	json_object_put(data);
	return 0;
}

int client_log_level(struct client *c, enum log_level level, struct err *e)
{
	struct json_object *o = json_object_new_object();

	json_put_str(o, "level", log_level_name(level));
	return client_request(c, "log_level", o, 0, NULL, e);
}

int client_subscribe(struct client *c, struct err *e)
{
	return client_request(c, "subscribe", NULL, 0, NULL, e);
}

int client_ping(struct client *c, char *version, struct err *e)
{
	struct json_object *data;

	if (client_request(c, "ping", NULL, 0, &data, e) < 0)
		return -1;
	if (version)
		snprintf(version, 32, "%s", json_get_str(data, "version", ""));
	json_object_put(data);
	return 0;
}
