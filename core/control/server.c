/* server: control.sock, from accept to the last byte. A client is dropped by marking it dead
 * and closing its socket at once; its memory goes a moment later, from a timer, so that no
 * handler up the stack is left with a dangling pointer. */
#include "core/control/server.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAUSE_BYTES (64u << 10)	/* queued output at which no further request is read */
#define ACCEPT_ROUND 8
#define ACCEPT_AGAIN_MS 1000	/* when descriptors ran out */

struct chunk {
	struct chunk *next;
	size_t len;
	char text[];
};

struct server_client {
	struct server_client *next;
	struct server *s;
	int fd;			/* -1: dead, waiting to be freed */
	uid_t uid;
	bool eof;		/* it will send no more */
	unsigned topics;
	char log_peer[PEER_NAME_MAX + 1];
	unsigned n_reqs;
	struct server_req *reqs;
	struct timer idle, stall, resume;
	struct chunk *out, **out_end;
	size_t out_bytes, out_sent;	/* out_sent: of the first chunk */
	size_t in_len;
	char in[PROTO_REQUEST_MAX];
};

struct server_req {
	struct server_req *next;
	struct server_client *client;	/* NULL: gone */
	struct proto_request req;
};

struct server {
	struct loop *loop;
	int fd;
	const struct server_cmd *cmds;
	void *arg;
	struct server_client *clients;
	unsigned n_plain;		/* clients that are not root */
	struct timer reap, accept_again;
	struct server_counts counts;
};

/* ---- output ---- */

static void kill_client(struct server_client *c)
{
	struct timers *ts = loop_timers(c->s->loop);
	struct server_req *r;

	if (c->fd < 0)
		return;
	loop_del(c->s->loop, c->fd);
	close(c->fd);
	c->fd = -1;
	c->s->counts.clients--;
	if (c->uid != 0)
		c->s->n_plain--;
	for (r = c->reqs; r; r = r->next)
		r->client = NULL;
	c->reqs = NULL;
	timer_stop(ts, &c->idle);
	timer_stop(ts, &c->stall);
	timer_stop(ts, &c->resume);
	timer_set(ts, &c->s->reap, 0);
}

static bool paused(const struct server_client *c)
{
	return c->n_reqs >= SERVER_REQUESTS_MAX || c->out_bytes > PAUSE_BYTES;
}

static void watch(struct server_client *c)
{
	uint32_t events = 0;

	if (c->fd < 0)
		return;
	if (!c->eof && !paused(c) && c->in_len < sizeof(c->in))
		events |= EPOLLIN;
	if (c->out)
		events |= EPOLLOUT;
	loop_mod(c->s->loop, c->fd, events);
}

/* Nothing more can come from it and nothing is owed to it. */
static void close_if_done(struct server_client *c)
{
	if (c->fd >= 0 && c->eof && !c->out && !c->n_reqs && !c->in_len && !c->topics)
		kill_client(c);
}

static void flush(struct server_client *c)
{
	struct timers *ts = loop_timers(c->s->loop);
	bool moved = false;

	while (c->out) {
		struct chunk *k = c->out;
		ssize_t n = send(c->fd, k->text + c->out_sent, k->len - c->out_sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n < 0) {
			kill_client(c);
			return;
		}
		moved = true;
		c->out_sent += (size_t)n;
		c->out_bytes -= (size_t)n;
		if (c->out_sent < k->len)
			continue;
		c->out_sent = 0;
		c->out = k->next;
		if (!c->out)
			c->out_end = &c->out;
		free(k);
	}
	if (c->out) {
		if (moved || !timer_running(&c->stall))
			timer_set(ts, &c->stall, SERVER_STALL_MS);
	} else {
		timer_stop(ts, &c->stall);
		if (!c->topics && !timer_running(&c->idle))
			timer_set(ts, &c->idle, SERVER_IDLE_MS);
	}
	/* Requests that waited for room are taken up from the loop, not from here: whoever
	 * answered may be deep inside the handler of something else. */
	if (c->in_len && !paused(c))
		timer_set(ts, &c->resume, 0);
	watch(c);
}

static void send_line(struct server_client *c, const char *line, size_t len)
{
	struct chunk *k;

	if (c->fd < 0)
		return;
	k = line ? malloc(sizeof(*k) + len) : NULL;
	if (!k) {
		kill_client(c);
		return;
	}
	k->next = NULL;
	k->len = len;
	memcpy(k->text, line, len);
	*c->out_end = k;
	c->out_end = &k->next;
	c->out_bytes += len;
	flush(c);
}

static void send_error(struct server_client *c, uint32_t id, const struct err *e)
{
	size_t len = 0;
	char *line = proto_error(id, e, &len);

	send_line(c, line, len);
	free(line);
}

/* ---- requests ---- */

const struct proto_request *server_request(const struct server_req *r)
{
	return &r->req;
}

bool server_alive(const struct server_req *r)
{
	return r->client != NULL;
}

static void end_request(struct server_req *r)
{
	struct server_client *c = r->client;

	if (c) {
		struct server_req **at = &c->reqs;

		while (*at != r)
			at = &(*at)->next;
		*at = r->next;
		c->n_reqs--;
		if (c->in_len)
			timer_set(loop_timers(c->s->loop), &c->resume, 0);
		if (!c->topics)
			timer_set(loop_timers(c->s->loop), &c->idle, SERVER_IDLE_MS);
		watch(c);
		if (c->eof)
			timer_set(loop_timers(c->s->loop), &c->resume, 0);
	}
	proto_request_fini(&r->req);
	free(r);
}

void server_done(struct server_req *r, struct json_object *data)
{
	size_t len = 0;
	char *line;

	if (!r->client) {
		json_object_put(data);
	} else {
		line = proto_ok(r->req.id, data, &len);
		send_line(r->client, line, len);
		free(line);
	}
	end_request(r);
}

void server_fail(struct server_req *r, enum exit_code code, const char *fmt, ...)
{
	struct err e = { .code = code };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e.msg, sizeof(e.msg), fmt, ap);
	va_end(ap);
	if (r->client)
		send_error(r->client, r->req.id, &e);
	end_request(r);
}

static const struct server_cmd *find_cmd(const struct server *s, const char *name)
{
	for (const struct server_cmd *c = s->cmds; c->name; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

static void run_request(struct server_client *c, const struct server_cmd *cmd,
			const struct proto_request *req)
{
	struct server_req *r = calloc(1, sizeof(*r));

	if (!r) {
		kill_client(c);
		return;
	}
	r->req = *req;
	json_object_get(r->req.args);
	r->client = c;
	r->next = c->reqs;
	c->reqs = r;
	c->n_reqs++;
	cmd->fn(c->s->arg, r);
}

static void take_line(struct server_client *c, const char *line, size_t len)
{
	const struct server_cmd *cmd = NULL;
	struct proto_request req;
	struct err e = { 0 };

	if (!len)
		return;
	if (proto_parse(line, len, &req, &e) < 0) {
		c->s->counts.bad_lines++;
		goto out;
	}
	cmd = find_cmd(c->s, req.cmd);
	if (!cmd) {
		err_code(&e, EXIT_USAGE, "unknown command \"%s\"", req.cmd);
	} else if (cmd->wants_peer && !req.peer[0]) {
		err_code(&e, EXIT_USAGE, "\"%s\" wants a \"peer\"", req.cmd);
	} else if (cmd->changes && c->uid != 0) {
		c->s->counts.refused_cmds++;
		err_code(&e, EXIT_NOT_PERMITTED, "only root may do that (%s)", req.cmd);
	}
out:
	if (e.code || !cmd)
		send_error(c, req.id, &e);
	else
		run_request(c, cmd, &req);
	proto_request_fini(&req);
}

/* Hand on the complete lines in the buffer, as many as may be under way. */
static void take_lines(struct server_client *c)
{
	size_t at = 0;

	while (c->fd >= 0 && !paused(c)) {
		char *nl = memchr(c->in + at, '\n', c->in_len - at);

		if (!nl)
			break;
		take_line(c, c->in + at, (size_t)(nl - (c->in + at)));
		at = (size_t)(nl - c->in) + 1;
	}
	if (c->fd < 0)
		return;
	memmove(c->in, c->in + at, c->in_len - at);
	c->in_len -= at;
	if (c->in_len == sizeof(c->in) && !memchr(c->in, '\n', c->in_len)) {
		struct err e = { 0 };

		c->s->counts.bad_lines++;
		err_code(&e, EXIT_USAGE, "a request is at most %d bytes long", PROTO_REQUEST_MAX);
		send_error(c, 0, &e);
		kill_client(c);
		return;
	}
	/* An unfinished line before the end of file is none. */
	if (c->eof && !memchr(c->in, '\n', c->in_len))
		c->in_len = 0;
	if (at && !c->topics && c->fd >= 0)
		timer_set(loop_timers(c->s->loop), &c->idle, SERVER_IDLE_MS);
	watch(c);
	close_if_done(c);
}

/* ---- clients ---- */

static void on_resume(void *arg)
{
	take_lines(arg);
}

static void on_idle(void *arg)
{
	struct server_client *c = arg;

	if (c->topics || c->n_reqs || c->out)
		return;	/* set again when the last of these ends */
	c->s->counts.dropped_idle++;
	kill_client(c);
}

static void on_stall(void *arg)
{
	struct server_client *c = arg;

	c->s->counts.dropped_slow++;
	kill_client(c);
}

static void on_client(void *arg, uint32_t events)
{
	struct server_client *c = arg;

	if (events & EPOLLOUT)
		flush(c);
	if (c->fd >= 0 && (events & (EPOLLIN | EPOLLHUP)) && c->in_len < sizeof(c->in) &&
	    !c->eof) {
		ssize_t n = recv(c->fd, c->in + c->in_len, sizeof(c->in) - c->in_len,
				 MSG_DONTWAIT);

		if (n > 0)
			c->in_len += (size_t)n;
		else if (n == 0)
			c->eof = true;
		else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
			kill_client(c);
		if (c->fd >= 0)
			take_lines(c);
	}
	/* Both directions are closed: what it asked was done, the answers have no reader. */
	if (c->fd >= 0 && (events & (EPOLLHUP | EPOLLERR)) && (c->eof || paused(c)))
		kill_client(c);
}

static void on_reap(void *arg)
{
	struct server *s = arg;
	struct server_client **at = &s->clients;

	while (*at) {
		struct server_client *c = *at;

		if (c->fd >= 0) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		while (c->out) {
			struct chunk *k = c->out;

			c->out = k->next;
			free(k);
		}
		free(c);
	}
}

static void refuse(struct server *s, int fd, const char *why)
{
	struct err e = { 0 };
	size_t len = 0;
	char *line;

	s->counts.refused_clients++;
	err_set(&e, "%s", why);
	line = proto_error(0, &e, &len);
	if (line && send(fd, line, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		s->counts.dropped_slow++;
	free(line);
	close(fd);
}

static void add_client(struct server *s, int fd)
{
	struct ucred cred = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(cred);
	struct server_client *c;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		cred.uid = (uid_t)-1;
	if (s->counts.clients >= SERVER_CLIENTS_MAX ||
	    (cred.uid != 0 && s->n_plain >= SERVER_CLIENTS_MAX - SERVER_CLIENTS_ROOT)) {
		refuse(s, fd, "too many are connected to the daemon: try again later");
		return;
	}
	c = calloc(1, sizeof(*c));
	if (!c || loop_add(s->loop, fd, EPOLLIN, on_client, c, NULL) < 0) {
		free(c);
		refuse(s, fd, "out of memory");
		return;
	}
	c->s = s;
	c->fd = fd;
	c->uid = cred.uid;
	c->out_end = &c->out;
	timer_init(&c->idle, on_idle, c);
	timer_init(&c->stall, on_stall, c);
	timer_init(&c->resume, on_resume, c);
	timer_set(loop_timers(s->loop), &c->idle, SERVER_IDLE_MS);
	c->next = s->clients;
	s->clients = c;
	s->counts.clients++;
	s->counts.accepted++;
	if (c->uid != 0)
		s->n_plain++;
}

static void on_accept(void *arg, uint32_t events)
{
	struct server *s = arg;

	(void)events;
	for (int i = 0; i < ACCEPT_ROUND; i++) {
		int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			add_client(s, fd);
			continue;
		}
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		/* Out of descriptors or memory: the connection stays in the backlog, and
		 * asking again at once would only burn the processor. */
		if (errno != EAGAIN && errno != EWOULDBLOCK) {
			loop_mod(s->loop, s->fd, 0);
			timer_set(loop_timers(s->loop), &s->accept_again, ACCEPT_AGAIN_MS);
		}
		return;
	}
}

static void on_accept_again(void *arg)
{
	struct server *s = arg;

	loop_mod(s->loop, s->fd, EPOLLIN);
}

/* ---- events ---- */

void server_progress(struct server_req *r, const char *peer, const char *text)
{
	struct json_object *o;
	char *line;
	size_t len = 0;

	if (!r->client)
		return;
	o = proto_event("progress");
	json_put_u64(o, "id", r->req.id);
	json_put_str(o, "peer", peer);
	json_put_str(o, "text", text);
	line = o ? json_line(o, &len) : NULL;
	json_object_put(o);
	send_line(r->client, line, len);
	free(line);
}

void server_subscribe(struct server_req *r, unsigned topics, const char *peer)
{
	struct server_client *c = r->client;

	if (!c)
		return;
	c->topics |= topics;
	if (topics & ~(unsigned)SERVER_TOPIC_PEER)
		snprintf(c->log_peer, sizeof(c->log_peer), "%s", peer);
	timer_stop(loop_timers(c->s->loop), &c->idle);
}

static bool wants(const struct server_client *c, unsigned topic, const char *peer)
{
	if (c->fd < 0 || !(c->topics & topic))
		return false;
	return topic == SERVER_TOPIC_PEER || !c->log_peer[0] || strcmp(c->log_peer, peer) == 0;
}

bool server_wanted(const struct server *s, unsigned topic)
{
	for (const struct server_client *c = s->clients; c; c = c->next)
		if (c->fd >= 0 && (c->topics & topic))
			return true;
	return false;
}

void server_event(struct server *s, unsigned topic, const char *peer,
		  struct json_object *event)
{
	char *line = NULL;
	size_t len = 0;

	for (struct server_client *c = s->clients; c; c = c->next) {
		if (!wants(c, topic, peer))
			continue;
		if (!line && event)
			line = json_line(event, &len);
		if (c->out_bytes + len > SERVER_EVENT_QUEUE_MAX) {
			s->counts.dropped_slow++;
			kill_client(c);
			continue;
		}
		send_line(c, line, len);
	}
	free(line);
	json_object_put(event);
}

const struct server_counts *server_counts(const struct server *s)
{
	return &s->counts;
}

struct server *server_new(struct loop *l, int fd, const struct server_cmd *cmds, void *arg,
			  struct err *e)
{
	struct server *s = calloc(1, sizeof(*s));

	if (!s) {
		err_set(e, "out of memory");
		return NULL;
	}
	s->loop = l;
	s->fd = fd;
	s->cmds = cmds;
	s->arg = arg;
	timer_init(&s->reap, on_reap, s);
	timer_init(&s->accept_again, on_accept_again, s);
	if (loop_add(l, fd, EPOLLIN, on_accept, s, e) < 0) {
		free(s);
		return NULL;
	}
	return s;
}

void server_free(struct server *s)
{
	struct timers *ts;

	if (!s)
		return;
	ts = loop_timers(s->loop);
	loop_del(s->loop, s->fd);
	close(s->fd);
	for (struct server_client *c = s->clients; c; c = c->next)
		kill_client(c);
	on_reap(s);
	timer_stop(ts, &s->reap);
	timer_stop(ts, &s->accept_again);
	free(s);
}
