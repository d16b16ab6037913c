/* ctl: the monitor's messages become calls on each lane's sad and worker; what happens there
 * becomes messages. All of it in the main thread. */
#include "dataplane/esp/ctl.h"

#include "core/base/log.h"
#include "core/ipc/msg.h"
#include "dataplane/esp/lane.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ctl {
	struct loop *loop;
	struct ipc *link;
	struct lanes lanes;
};

/* When the link is down the process is about to end: that a message did not go is no matter. */
static void send_msg(struct ctl *c, uint16_t type, uint32_t id, const void *body, size_t len)
{
	(void)ipc_send(c->link, type, id, body, len, NULL, 0);
}

#define EACH_LANE(c, l) \
	for (struct lane *l = (c)->lanes.v; l < (c)->lanes.v + (c)->lanes.n; l++)

/* ---- what the lanes tell ---- */

/* What waits there for an SA is looked at again. */
static void release(struct ctl *c, const char *iface)
{
	EACH_LANE(c, l) {
		struct esp_iface *i;

		lane_lock(l);
		i = sad_iface(&l->sad, iface);
		if (i)
			worker_release(l->worker, i);
		lane_unlock(l);
	}
}

static void delete_sa(struct ctl *c, uint32_t id, uint32_t linger_ms)
{
	EACH_LANE(c, l) {
		struct esp_sa *sa;

		lane_lock(l);
		sa = sad_by_id(&l->sad, id);
		if (sa)
			sad_del(sa, linger_ms);
		worker_wipe(l->worker);
		lane_unlock(l);
	}
}

/* The list of SAs changes in this thread alone: it may be read here. */
static struct esp_sa *find(struct ctl *c, uint32_t id)
{
	return c->lanes.n ? sad_by_id(&c->lanes.v[0].sad, id) : NULL;
}

static void on_event(struct ctl *c, uint32_t id, enum sa_event ev)
{
	struct msg_sa_event m = { .sa_id = id, .event = ev };
	const struct esp_sa *sa = find(c, id);

	if (!sa)
		return;		/* deleted meanwhile */
	send_msg(c, MSG_ESPD_SA_EVENT, 0, &m, sizeof(m));
	if (ev == SA_EVENT_ACTIVE)
		release(c, sa->iface->name);
}

static void on_waits(struct ctl *c, const struct note *n)
{
	struct esp_iface *i = sad_iface(&c->lanes.v[n->lane].sad, n->iface);
	struct msg_tun m;

	if (!i)
		return;
	if (!timer_running(&i->trap_timer))
		timer_set(loop_timers(c->loop), &i->trap_timer, TRAP_WAIT_MS);
	if (!n->tell)
		return;
	memset(&m, 0, sizeof(m));
	memcpy(m.name, i->name, sizeof(m.name));
	m.mtu = i->mtu;
	send_msg(c, MSG_ESPD_WANTED, 0, &m, sizeof(m));
}

static void update(struct ctl *c, uint32_t id, const struct endpoint *local,
		   const struct endpoint *remote, unsigned but)
{
	EACH_LANE(c, l) {
		struct esp_sa *sa;

		if (l->n == but)
			continue;
		lane_lock(l);
		sa = sad_by_id(&l->sad, id);
		if (sa)
			sad_update(sa, local, remote);
		lane_unlock(l);
	}
}

/* Where it sends to now: what the monitor said since it moved is newer. */
static void on_moved(struct ctl *c, const struct note *n)
{
	struct lane *l = &c->lanes.v[n->lane];
	struct endpoint local, remote;
	const struct esp_sa *sa;

	lane_lock(l);
	sa = sad_by_id(&l->sad, n->id);
	if (sa) {
		local = sa->local;
		remote = sa->remote;
	}
	lane_unlock(l);
	if (sa)
		update(c, n->id, &local, &remote, n->lane);
}

static void on_ike(struct ctl *c, const struct note *n)
{
	struct msg_ike_datagram m;

	if (n->len > sizeof(m.bytes))
		return;
	memset(&m, 0, offsetof(struct msg_ike_datagram, bytes));
	m.local = n->local;
	m.remote = n->remote;
	m.len = (uint16_t)n->len;
	memcpy(m.bytes, n->bytes, n->len);
	send_msg(c, MSG_ESPD_IKE, 0, &m, offsetof(struct msg_ike_datagram, bytes) + n->len);
}

static void on_note(void *arg, const struct note *n)
{
	struct ctl *c = arg;

	switch (n->kind) {
	case NOTE_EVENT:
		on_event(c, n->id, n->event);
		break;
	case NOTE_OVER:
		delete_sa(c, n->id, 0);
		break;
	case NOTE_WAITS:
		on_waits(c, n);
		break;
	case NOTE_MOVED:
		on_moved(c, n);
		break;
	case NOTE_IKE:
		on_ike(c, n);
		break;
	case NOTE_LOG:
		send_msg(c, MSG_LOG, 0, &n->line, sizeof(n->line));
		break;
	}
}

/* ---- */

struct ctl *ctl_new(struct loop *l, struct ipc *link, struct err *e)
{
	struct ctl *c = calloc(1, sizeof(*c));

	if (!c) {
		err_errno(e, "out of memory");
		return NULL;
	}
	c->loop = l;
	c->link = link;
	return c;
}

void ctl_free(struct ctl *c)
{
	if (!c)
		return;
	lanes_fini(&c->lanes);
	free(c);
}

static int take_fd(struct ipc_msg *m, size_t i)
{
	int fd = m->fds[i];

	m->fds[i] = -1;
	return fd;
}

static void sockets(struct ctl *c, struct ipc_msg *m)
{
	const struct msg_espd_sockets *s = m->body;
	const uint8_t there[WORKER_SOCKETS] = {
		[WORKER_UDP4] = s->udp4, [WORKER_UDP6] = s->udp6,
		[WORKER_RAW4] = s->raw4, [WORKER_RAW6] = s->raw6,
	};
	struct err e = { 0 };
	struct lane *l;
	size_t at = 0;

	if (s->worker >= c->lanes.n)
		return;
	l = &c->lanes.v[s->worker];
	lane_lock(l);
	for (int k = 0; k < WORKER_SOCKETS && at < m->n_fds; k++)
		if (there[k] && worker_socket(l->worker, (enum worker_socket)k,
					      take_fd(m, at++), &e) < 0)
			log_error(NULL, "espd: %s", e.msg);
	lane_unlock(l);
}

/* The first message. */
static void start(struct ctl *c, const struct msg_espd_start *s)
{
	unsigned n = s->workers < 1 ? 1 : s->workers > WORKERS_MAX ? WORKERS_MAX : s->workers;
	struct err e = { 0 };

	if (c->lanes.n)
		return;
	if (engine_auto_setup(s->engine, &s->profile, &e) < 0)
		log_warning(NULL, "%s", e.msg);
	if (lanes_init(&c->lanes, c->loop, n, &engine_auto, on_note, c, &e) < 0) {
		/* Without them there is nothing to do here. */
		log_error(NULL, "espd: %s", e.msg);
		loop_stop(c->loop);
	}
}

/* A name from a message, ended whatever it holds. */
static const char *name_of(const char raw[IFNAME_MAX], char out[IFNAME_MAX])
{
	snprintf(out, IFNAME_MAX, "%.*s", IFNAME_MAX - 1, raw);
	return out;
}

static void tun_add(struct ctl *c, struct ipc_msg *m)
{
	const struct msg_tun *t = m->body;
	char name[IFNAME_MAX];

	name_of(t->name, name);
	EACH_LANE(c, l) {
		struct err e = { 0 };
		struct esp_iface *i;

		if (l->n >= m->n_fds)
			break;
		lane_lock(l);
		i = sad_iface(&l->sad, name);
		if (i)
			worker_iface_del(l->worker, i);
		i = sad_iface_add(&l->sad, name, take_fd(m, l->n), t->mtu, &e);
		if (i)
			i->trapping = t->trap;
		worker_uso(l->worker, t->uso);
		if (!i || worker_iface_add(l->worker, i, &e) < 0)
			log_error(NULL, "%s: %s", name, e.msg);
		lane_unlock(l);
	}
}

static void tun_del(struct ctl *c, const struct msg_tun *t)
{
	char name[IFNAME_MAX];

	name_of(t->name, name);
	EACH_LANE(c, l) {
		struct esp_iface *i;

		lane_lock(l);
		i = sad_iface(&l->sad, name);
		if (i) {
			worker_iface_del(l->worker, i);
			sad_iface_del(&l->sad, i);
			worker_wipe(l->worker);
		}
		lane_unlock(l);
	}
}

static int add_to_lanes(struct ctl *c, const struct ipc_msg *msg, const char *iface,
			struct err *e)
{
	const struct msg_espd_sa *m = msg->body;
	int r = c->lanes.n ? 0 : err_set(e, "espd has not begun");

	EACH_LANE(c, l) {
		lane_lock(l);
		r = sad_add_more(&l->sad, &m->sa, iface, l->n ? find(c, m->sa.id) : NULL,
				 msg->fds, msg->n_fds, e);
		lane_unlock(l);
		if (r == 0)
			continue;
		/* Not where it was refused because it was there before: lane 0 says that. */
		if (l->n)
			delete_sa(c, m->sa.id, 0);
		break;
	}
	return r;
}

static void sa_add(struct ctl *c, const struct ipc_msg *msg)
{
	const struct msg_espd_sa *m = msg->body;
	struct msg_result r = { .code = EXIT_DONE };
	struct err e = { 0 };
	char name[IFNAME_MAX];

	if (add_to_lanes(c, msg, name_of(m->interface, name), &e) < 0) {
		r.code = e.code ? e.code : EXIT_FAILED;
		snprintf(r.text, sizeof(r.text), "%s", e.msg);
	} else {
		release(c, name);
	}
	send_msg(c, MSG_ESPD_SA_ADDED, msg->id, &r, sizeof(r));
}

static void send_stats(struct ctl *c, uint32_t msg_id, uint32_t id)
{
	struct sa_stats st;

	EACH_LANE(c, l) {
		lane_lock(l);
		if (l->n == 0)
			sad_stats(sad_by_id(&l->sad, id), &st);
		else
			sad_stats_add(&st, sad_by_id(&l->sad, id));
		lane_unlock(l);
	}
	send_msg(c, MSG_ESPD_SA_STATS, msg_id, &st, sizeof(st));
}

static void sa_query(struct ctl *c, uint32_t msg_id, uint32_t id)
{
	if (!c->lanes.n)
		return;
	for (struct esp_iface *i = c->lanes.v[0].sad.ifaces; i; i = i->next)
		for (struct esp_sa *sa = i->sas; sa; sa = sa->next_iface)
			if (!id || sa->id == id)
				send_stats(c, msg_id, sa->id);
}

/* Those that nothing here adds to are not kept. */
static void counters(struct ctl *c)
{
	struct msg_counters m;

	memset(&m, 0, sizeof(m));
	EACH_LANE(c, l) {
		lane_lock(l);
		sad_counters_add(m.v, &l->sad);
		lane_unlock(l);
	}
	send_msg(c, MSG_ESPD_COUNTERS, 0, &m, sizeof(m));
}

static void activate(struct ctl *c, struct esp_sa *sa)
{
	sad_activate(sa);
	release(c, sa->iface->name);
}

/* Requests about an SA that is gone already are no error: they crossed its end. */
static void sa_request(struct ctl *c, const struct ipc_msg *m)
{
	const struct msg_sa_update *u = m->body;
	const struct msg_sa_ref *ref = m->body;
	struct esp_sa *sa = find(c, m->type == MSG_ESPD_SA_UPDATE ? u->sa_id : ref->sa_id);

	if (!sa)
		return;
	switch (m->type) {
	case MSG_ESPD_SA_ACTIVATE:
		activate(c, sa);
		break;
	case MSG_ESPD_SA_UPDATE:
		update(c, sa->id, &u->local, &u->remote, WORKERS_MAX);
		break;
	case MSG_ESPD_SA_DEL:
		delete_sa(c, sa->id, ref->linger_ms);
		break;
	}
}

void ctl_msg(struct ctl *c, struct ipc_msg *m)
{
	switch (m->type) {
	case MSG_ESPD_START:
		start(c, m->body);
		break;
	case MSG_ESPD_SOCKETS:
		sockets(c, m);
		break;
	case MSG_TUN_ADD:
		tun_add(c, m);
		break;
	case MSG_TUN_DEL:
		tun_del(c, m->body);
		break;
	case MSG_ESPD_SA_ADD:
		sa_add(c, m);
		break;
	case MSG_ESPD_SA_ACTIVATE:
	case MSG_ESPD_SA_UPDATE:
	case MSG_ESPD_SA_DEL:
		sa_request(c, m);
		break;
	case MSG_ESPD_SA_QUERY:
		sa_query(c, m->id, ((const struct msg_sa_ref *)m->body)->sa_id);
		break;
	case MSG_ESPD_COUNTERS_QUERY:
		counters(c);
		break;
	}
}

void ctl_cut(struct ctl *c, const struct ipc_msg *m)
{
	static const char why[] = "espd is out of descriptors";
	struct msg_result r = { .code = EXIT_FAILED };
	const struct msg_tun *t = m->body;
	char name[IFNAME_MAX];

	if (m->type == MSG_ESPD_SA_ADD) {
		snprintf(r.text, sizeof(r.text), "SA not added: %s", why);
		send_msg(c, MSG_ESPD_SA_ADDED, m->id, &r, sizeof(r));
	} else if (m->type == MSG_TUN_ADD) {
		/* SAs for an interface that is not there are refused, each with an answer. */
		log_error(NULL, "%s: %s: the interface stays as it was", name_of(t->name, name),
			  why);
	} else {
		log_error(NULL, "%s: what came with %s is lost", why, ipc_type_name(m->type));
	}
}
