/* ctl: commands in, answers when they are there. Nothing here blocks: a request that has to
 * wait (for counters, for a tunnel, for aditd) is kept in a list with its own timer. */
#include "ike/main/ctl_priv.h"

#include "core/base/clock.h"
#include "core/control/negotiation_json.h"
#include "core/control/status.h"
#include "ike/main/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UP_WAIT_MAX_S 86400

/* ---- waiting ---- */

static struct wait *wait_new(struct ctl *c, enum wait_for what, struct server_req *r,
			     void (*expired)(void *arg), uint64_t ms)
{
	struct wait *w = calloc(1, sizeof(*w));

	if (!w) {
		server_fail(r, EXIT_FAILED, "out of memory");
		return NULL;
	}
	w->ctl = c;
	w->what = what;
	w->req = r;
	timer_init(&w->timer, expired, w);
	timer_set(ctl_timers(c), &w->timer, ms);
	w->next = c->waits;
	c->waits = w;
	return w;
}

/* Unlink it; the request is the caller's to answer. */
static struct server_req *wait_end(struct wait *w)
{
	struct wait **at = &w->ctl->waits;
	struct server_req *r = w->req;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	timer_stop(ctl_timers(w->ctl), &w->timer);
	free(w);
	return r;
}

static bool waiting(const struct ctl *c, const struct wait *w)
{
	for (const struct wait *at = c->waits; at; at = at->next)
		if (at == w)
			return true;
	return false;
}

/* ---- status ---- */

struct gather {
	struct status *s;
	size_t n;
	bool failed;
};

static void gather_one(void *arg, const struct peer_status *st)
{
	struct gather *g = arg;

	if (g->n >= g->s->n_peers)
		return;
	status_peer_fini(&g->s->peers[g->n]);
	if (report_peer(&g->s->peers[g->n], st) < 0)
		g->failed = true;
	g->n++;
}

static void count_one(void *arg, const struct peer_status *st)
{
	(void)st;
	(*(size_t *)arg)++;
}

static int by_name(const void *a, const void *b)
{
	const struct status_peer *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void answer_status(struct ctl *c, struct server_req *r)
{
	const struct proto_request *req = server_request(r);
	const char *name = req->peer[0] ? req->peer : NULL;
	struct iked *k = c->k;
	struct engine_counts counts;
	struct gather g = { 0 };
	struct json_object *data;
	size_t n = 0;
	int64_t up_s = clock_wall_s() - (int64_t)k->start.started_wall_s;

	engine_status(k->engine, name, count_one, &n);
	if (name && !n) {
		server_fail(r, EXIT_NO_PEER, "there is no peer \"%s\"", name);
		return;
	}
	g.s = status_new(n);
	if (!g.s) {
		server_fail(r, EXIT_FAILED, "out of memory");
		return;
	}
	engine_status(k->engine, name, gather_one, &g);
	if (g.s->n_peers)
		qsort(g.s->peers, g.s->n_peers, sizeof(*g.s->peers), by_name);
	g.s->running = true;
	snprintf(g.s->version, sizeof(g.s->version), "%s", k->start.version);
	g.s->uptime_s = up_s > 0 ? (uint64_t)up_s : 0;
	snprintf(g.s->dataplane, sizeof(g.s->dataplane), "%s", k->dataplane.name);
	status_set(&g.s->dataplane_why, k->dataplane.why);
	status_set(&g.s->dataplane_note, k->dataplane.note);
	status_set(&g.s->firewall, k->system.firewall);
	report_warning(g.s, k->system.warning, k->trust);
	engine_counts(k->engine, &counts);
	report_strangers(&g.s->drops, &counts.drops);
	data = g.failed ? NULL : status_to_json(g.s);
	status_free(g.s);
	if (data)
		server_done(r, data);
	else
		server_fail(r, EXIT_FAILED, "out of memory");
}

static void stats_expired(void *arg)
{
	struct wait *w = arg;
	struct ctl *c = w->ctl;

	answer_status(c, wait_end(w));
}

static void cmd_status(void *arg, struct server_req *r)
{
	struct ctl *c = arg;
	struct engine_counts counts;
	struct msg_sa_ref all = { 0 };
	bool asked = false;

	engine_counts(c->k->engine, &counts);
	for (struct wait *w = c->waits; w; w = w->next)
		asked |= w->what == WAIT_STATS;
	if (!counts.child_sas ||
	    (!asked && child_send(c->k->child, MSG_SA_QUERY, 0, &all, sizeof(all)) < 0)) {
		answer_status(c, r);
		return;
	}
	if (wait_new(c, WAIT_STATS, r, stats_expired, CTL_STATS_WAIT_MS) && !asked)
		c->stats_owed = counts.child_sas;
}

void ctl_on_stats(struct ctl *c)
{
	struct wait *w, *next;

	if (!c->stats_owed || --c->stats_owed)
		return;
	for (w = c->waits; w; w = next) {
		next = w->next;
		if (w->what == WAIT_STATS)
			answer_status(c, wait_end(w));
	}
}

/* ---- explain ---- */

struct failures {
	struct ctl *ctl;
	struct json_object *failures, *status;	/* lists */
};

static void add_status(void *arg, const struct peer_status *st)
{
	struct failures *f = arg;
	struct status_peer p;

	memset(&p, 0, sizeof(p));
	if (report_peer(&p, st) == 0)
		json_object_array_add(f->status, status_peer_to_json(&p));
	status_peer_fini(&p);
}

static void add_failure(void *arg, const char *peer, const struct negotiation *failed)
{
	struct failures *f = arg;
	struct json_object *o = json_object_new_object();

	json_put_str(o, "peer", peer);
	if (failed)
		json_put(o, "failed", negotiation_to_json(failed));
	if (o && json_object_array_add(f->failures, o) != 0)
		json_object_put(o);
	engine_status(f->ctl->k->engine, peer, add_status, f);
}

static void cmd_explain(void *arg, struct server_req *r)
{
	struct ctl *c = arg;
	const struct proto_request *req = server_request(r);
	const char *name = req->peer[0] ? req->peer : NULL;
	struct neg_stranger strangers[NEG_STRANGERS_MAX];
	struct json_object *data = json_object_new_object(), *list;
	struct failures f = { .ctl = c, .failures = json_put_array(data, "peers"),
			      .status = json_put_array(data, "status") };
	size_t n;

	list = json_put_array(data, "strangers");
	if (!f.failures || !f.status || !list) {
		json_object_put(data);
		server_fail(r, EXIT_FAILED, "out of memory");
		return;
	}
	if (!engine_failures(c->k->engine, name, add_failure, &f) && name) {
		json_object_put(data);
		server_fail(r, EXIT_NO_PEER, "there is no peer \"%s\"", name);
		return;
	}
	n = engine_strangers(c->k->engine, strangers);
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = stranger_to_json(&strangers[i]);

		if (o && json_object_array_add(list, o) != 0)
			json_object_put(o);
	}
	server_done(r, data);
}

/* ---- up and down ---- */

struct glance {
	enum peer_state state;
	char reason[STATUS_REASON_MAX];
};

static void glance_one(void *arg, const struct peer_status *st)
{
	struct glance *g = arg;

	char to[ADDR_TEXT_MAX];

	g->state = st->state;
	/* Whoever waits would have been told of a failure: this one is older, and what keeps
	 * us now is silence. */
	if (st->reason[0] && strcmp(st->reason, st->last_failure) == 0 &&
	    addr_is_set(&st->conf->remote_gateway))
		snprintf(g->reason, sizeof(g->reason), "%s does not answer yet",
			 addr_str(&st->conf->remote_gateway, to));
	else
		snprintf(g->reason, sizeof(g->reason), "%s", st->reason);
}

static void answer_up(struct server_req *r, const char *peer)
{
	struct json_object *data = json_object_new_object();

	json_put_str(data, "peer", peer);
	json_put_str(data, "state", "up");
	server_done(r, data);
}

static void up_expired(void *arg)
{
	struct wait *w = arg;
	struct ctl *c = w->ctl;
	unsigned seconds = w->seconds;
	struct server_req *r = wait_end(w);
	const char *peer = server_request(r)->peer;
	struct glance g = { 0 };

	engine_status(c->k->engine, peer, glance_one, &g);
	if (g.state == PEER_UP)
		answer_up(r, peer);
	else
		server_fail(r, EXIT_TIMEOUT, "%s: not up after %u s%s%s (adit goes on trying)",
			    peer, seconds, g.reason[0] ? ": " : "", g.reason);
}

static void cmd_up(void *arg, struct server_req *r)
{
	struct ctl *c = arg;
	const struct proto_request *req = server_request(r);
	unsigned seconds = (unsigned)json_get_u64(req->args, "timeout_s", UP_WAIT_MAX_S,
						  CTL_UP_WAIT_S);
	struct wait *w = wait_new(c, WAIT_UP, r, up_expired, (uint64_t)seconds * 1000);
	struct glance g = { 0 };
	struct err e = { 0 };

	if (!w)
		return;
	w->seconds = seconds;
	if (engine_peer_up(c->k->engine, req->peer, &e) < 0) {
		if (waiting(c, w))
			server_fail(wait_end(w), e.code, "%s", e.msg);
		return;
	}
	if (!waiting(c, w))
		return;		/* the first try told it all */
	engine_status(c->k->engine, req->peer, glance_one, &g);
	if (g.state == PEER_UP)
		answer_up(wait_end(w), req->peer);
	else if (!c->k->dataplane.name[0])
		server_progress(r, req->peer, "waiting for the dataplane");
}

static void cmd_down(void *arg, struct server_req *r)
{
	struct ctl *c = arg;
	struct err e = { 0 };

	if (engine_peer_down(c->k->engine, server_request(r)->peer, &e) < 0)
		server_fail(r, e.code, "%s", e.msg);
	else
		server_done(r, NULL);
}

/* What an event means to someone who waits for the peer to come up. */
static void tell_waiting(struct wait *w, const char *peer, enum engine_event ev,
			 const char *text)
{
	switch (ev) {
	case ENGINE_TRYING:
	case ENGINE_ESTABLISHED:
		server_progress(w->req, peer, text);
		return;
	case ENGINE_UP:
	case ENGINE_CHILD_UP:
		answer_up(wait_end(w), peer);
		return;
	case ENGINE_FAILED:
		server_fail(wait_end(w), EXIT_FAILED, "%s: %s (adit goes on trying)", peer,
			    text);
		return;
	case ENGINE_GAVE_UP:
	case ENGINE_DISABLED:
		server_fail(wait_end(w), EXIT_FAILED, "%s: %s", peer, text);
		return;
	case ENGINE_REKEYED:
	case ENGINE_DOWN:
	case ENGINE_TEST_PASSED:
	case ENGINE_TEST_FAILED:
		return;
	}
}

/* ---- trying the credentials ---- */

#define TEST_WAIT_MS 90000	/* the engine gives up long before */

static void test_expired(void *arg)
{
	struct wait *w = arg;

	server_fail(wait_end(w), EXIT_TIMEOUT, "the test did not end");
}

static void cmd_test(void *arg, struct server_req *r)
{
	struct ctl *c = arg;
	struct wait *w = wait_new(c, WAIT_TEST, r, test_expired, TEST_WAIT_MS);
	struct err e = { 0 };

	if (!w)
		return;
	if (engine_peer_test(c->k->engine, server_request(r)->peer, &e) < 0 && waiting(c, w))
		server_fail(wait_end(w), e.code, "%s", e.msg);
}

static void tell_tester(struct wait *w, const char *peer, enum engine_event ev,
			const char *text)
{
	struct json_object *data;

	if (ev == ENGINE_TEST_PASSED) {
		data = json_object_new_object();
		json_put_str(data, "peer", peer);
		json_put_str(data, "text", text);
		server_done(wait_end(w), data);
	} else if (ev == ENGINE_TEST_FAILED) {
		server_fail(wait_end(w), EXIT_FAILED, "%s", text);
	}
}

void ctl_on_event(struct ctl *c, const char *peer, enum engine_event ev, const char *text)
{
	struct wait *w, *next;

	for (w = c->waits; w; w = next) {
		next = w->next;
		if (w->what == WAIT_UP && strcmp(server_request(w->req)->peer, peer) == 0)
			tell_waiting(w, peer, ev, text ? text : "");
		else if (w->what == WAIT_TEST &&
			 strcmp(server_request(w->req)->peer, peer) == 0)
			tell_tester(w, peer, ev, text ? text : "");
	}
	ctl_on_peer(c, peer);
}

/* ---- events for subscribers ---- */

static void tell_one(void *arg, const struct peer_status *st)
{
	struct ctl *c = arg;
	struct json_object *o;
	struct status_peer p;

	memset(&p, 0, sizeof(p));
	if (report_peer(&p, st) == 0) {
		o = proto_event("peer");
		json_put_str(o, "peer", p.name);
		json_put(o, "status", status_peer_to_json(&p));
		server_event(c->server, SERVER_TOPIC_PEER, p.name, o);
	}
	status_peer_fini(&p);
}

static void tell_dirty(void *arg)
{
	struct ctl *c = arg;

	while (c->dirty) {
		struct dirty *d = c->dirty;

		c->dirty = d->next;
		if (engine_status(c->k->engine, d->peer, tell_one, c) == 0) {
			struct json_object *o = proto_event("peer_gone");

			json_put_str(o, "peer", d->peer);
			server_event(c->server, SERVER_TOPIC_PEER, d->peer, o);
		}
		free(d);
	}
}

void ctl_on_peer(struct ctl *c, const char *peer)
{
	struct dirty *d;

	if (!c->server || !server_wanted(c->server, SERVER_TOPIC_PEER))
		return;
	for (d = c->dirty; d; d = d->next)
		if (strcmp(d->peer, peer) == 0)
			return;
	d = calloc(1, sizeof(*d));
	if (!d)
		return;
	snprintf(d->peer, sizeof(d->peer), "%s", peer);
	d->next = c->dirty;
	c->dirty = d;
	/* From the loop, for the engine may be in the middle of something now. */
	timer_set(ctl_timers(c), &c->tell, 0);
}

static void cmd_subscribe(void *arg, struct server_req *r)
{
	(void)arg;
	server_subscribe(r, SERVER_TOPIC_PEER, "");
	server_done(r, NULL);
}

/* ---- aditd's part ---- */

static void reload_expired(void *arg)
{
	server_fail(wait_end(arg), EXIT_TIMEOUT, "aditd did not say within %d s whether the "
		    "settings are applied", CTL_RELOAD_WAIT_MS / 1000);
}

static void cmd_reload(void *arg, struct server_req *r)
{
	struct ctl *c = arg;
	struct wait *w = wait_new(c, WAIT_RELOAD, r, reload_expired, CTL_RELOAD_WAIT_MS);

	if (!w)
		return;
	w->id = ++c->last_id ? c->last_id : ++c->last_id;
	if (child_send(c->k->child, MSG_RELOAD, w->id, NULL, 0) < 0)
		server_fail(wait_end(w), EXIT_FAILED, "aditd cannot be reached");
}

void ctl_on_settings_done(struct ctl *c, uint32_t id, const struct msg_result *res)
{
	struct wait *w;
	struct server_req *r;
	struct json_object *data;

	for (w = c->waits; w; w = w->next)
		if (w->what == WAIT_RELOAD && w->id == id)
			break;
	if (!w)
		return;		/* SIGHUP, or the first set after a start */
	r = wait_end(w);
	if (res->code != EXIT_DONE) {
		server_fail(r, (enum exit_code)res->code, "%.*s", (int)sizeof(res->text),
			    res->text);
		return;
	}
	data = json_object_new_object();
	json_put_str(data, "text", res->text);
	server_done(r, data);
}

/* ---- what the dataplane lost ---- */

static void counters_expired(void *arg)
{
	server_fail(wait_end(arg), EXIT_TIMEOUT, "the dataplane did not say within %d s what "
		    "it counted", CTL_COUNTERS_WAIT_MS / 1000);
}

static void cmd_counters(void *arg, struct server_req *r)
{
	struct ctl *c = arg;
	bool asked = false;

	for (const struct wait *w = c->waits; w; w = w->next)
		asked |= w->what == WAIT_COUNTERS;
	if (!asked && child_send(c->k->child, MSG_COUNTERS_QUERY, 0, NULL, 0) < 0)
		server_fail(r, EXIT_FAILED, "aditd cannot be reached");
	else
		(void)wait_new(c, WAIT_COUNTERS, r, counters_expired, CTL_COUNTERS_WAIT_MS);
}

static void answer_counters(struct ctl *c, struct server_req *r, const struct msg_counters *m)
{
	struct json_object *data = json_object_new_object();
	struct json_object *list = json_put_array(data, "counters");

	if (!list) {
		json_object_put(data);
		server_fail(r, EXIT_FAILED, "out of memory");
		return;
	}
	json_put_str(data, "dataplane", c->k->dataplane.name);
	for (int i = 0; i < COUNTERS_N; i++) {
		struct json_object *o;

		if (m->v[i] == COUNTER_ABSENT)
			continue;
		o = json_object_new_object();
		json_put_str(o, "name", counter_infos[i].name);
		json_put_u64(o, "value", m->v[i]);
		json_put_str(o, "meaning", counter_infos[i].meaning);
		json_put_str(o, "look", counter_infos[i].look);
		if (o && json_object_array_add(list, o) != 0)
			json_object_put(o);
	}
	server_done(r, data);
}

void ctl_on_counters(struct ctl *c, const struct msg_counters *m)
{
	struct wait *w, *next;

	for (w = c->waits; w; w = next) {
		next = w->next;
		if (w->what == WAIT_COUNTERS)
			answer_counters(c, wait_end(w), m);
	}
}

static void cmd_restart(void *arg, struct server_req *r)
{
	struct ctl *c = arg;

	/* The answer first: this process is among those that end. */
	server_done(r, NULL);
	if (child_send(c->k->child, MSG_RESTART, 0, NULL, 0) < 0)
		log_error(NULL, "restart: aditd cannot be reached");
}

/* ---- log ---- */

static void add_line(void *arg, const struct log_line *line)
{
	struct json_object *o = proto_log_to_json(line);

	if (o && json_object_array_add(arg, o) != 0)
		json_object_put(o);
}

static void cmd_log(void *arg, struct server_req *r)
{
	struct ctl *c = arg;
	const struct proto_request *req = server_request(r);
	size_t n = (size_t)json_get_u64(req->args, "n", 1000000, 0);
	struct json_object *data = json_object_new_object();
	struct json_object *lines = json_put_array(data, "lines");

	if (!lines) {
		json_object_put(data);
		server_fail(r, EXIT_FAILED, "out of memory");
		return;
	}
	ring_last(c->k->ring, n, req->peer, add_line, lines);
	if (json_get_bool(req->args, "follow", false))
		server_subscribe(r, SERVER_TOPIC_LOG, req->peer);
	server_done(r, data);
}

void ctl_on_log(struct ctl *c, const struct log_line *line)
{
	struct json_object *o;

	if (!c->server || !server_wanted(c->server, SERVER_TOPIC_LOG))
		return;
	o = proto_event("log");
	json_put(o, "line", proto_log_to_json(line));
	server_event(c->server, SERVER_TOPIC_LOG, line->peer, o);
}

static void cmd_log_level(void *arg, struct server_req *r)
{
	struct ctl *c = arg;
	const char *name = json_get_str(server_request(r)->args, "level", "");
	struct msg_number m = { 0 };
	enum log_level level;

	if (log_level_parse(name, &level) < 0) {
		server_fail(r, EXIT_USAGE, "\"level\" is one of error, warning, info, debug");
		return;
	}
	m.value = level;
	if (child_send(c->k->child, MSG_LOG_LEVEL, 0, &m, sizeof(m)) < 0) {
		server_fail(r, EXIT_FAILED, "aditd cannot be reached");
		return;
	}
	log_level_set(level);
	server_done(r, NULL);
}

static void cmd_ping(void *arg, struct server_req *r)
{
	struct ctl *c = arg;
	struct json_object *data = json_object_new_object();

	json_put_str(data, "version", c->k->start.version);
	server_done(r, data);
}

static const struct server_cmd cmds[] = {
	{ .name = "status", .fn = cmd_status },
	{ .name = "explain", .fn = cmd_explain },
	{ .name = "counters", .fn = cmd_counters },
	{ .name = "capture", .changes = true, .wants_peer = true, .fn = ctl_cmd_capture },
	{ .name = "up", .changes = true, .wants_peer = true, .fn = cmd_up },
	{ .name = "down", .changes = true, .wants_peer = true, .fn = cmd_down },
	{ .name = "test", .changes = true, .wants_peer = true, .fn = cmd_test },
	{ .name = "reload", .changes = true, .fn = cmd_reload },
	{ .name = "restart", .changes = true, .fn = cmd_restart },
	{ .name = "log", .fn = cmd_log },
	{ .name = "log_level", .changes = true, .fn = cmd_log_level },
	{ .name = "subscribe", .fn = cmd_subscribe },
	{ .name = "ping", .fn = cmd_ping },
	{ 0 },
};

/* ---- */

struct ctl *ctl_new(struct iked *k)
{
	struct ctl *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->k = k;
	timer_init(&c->tell, tell_dirty, c);
	timer_init(&c->untap, ctl_untap, c);
	return c;
}

void ctl_free(struct ctl *c)
{
	if (!c)
		return;
	while (c->waits)
		server_fail(wait_end(c->waits), EXIT_NOT_RUNNING, "adit is stopping");
	while (c->dirty) {
		struct dirty *d = c->dirty;

		c->dirty = d->next;
		free(d);
	}
	timer_stop(ctl_timers(c), &c->tell);
	timer_stop(ctl_timers(c), &c->untap);
	server_free(c->server);
	free(c);
}

int ctl_listen(struct ctl *c, int fd, struct err *e)
{
	server_free(c->server);
	c->server = server_new(c->k->child->loop, fd, cmds, c, e);
	if (!c->server) {
		close(fd);
		return -1;
	}
	return 0;
}
