/* ctl: the monitor's messages become calls on the sad and the worker; what happens there
 * becomes messages. */
#include "dataplane/esp/ctl.h"

#include "core/base/log.h"
#include "core/ipc/msg.h"
#include "dataplane/esp/sad.h"
#include "dataplane/esp/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ctl {
	struct ipc *link;
	struct sad sad;
	struct worker *worker;
};

static void on_event(void *arg, uint32_t id, enum sa_event ev)
{
	struct ctl *c = arg;
	struct msg_sa_event m = { .sa_id = id, .event = ev };

	/* When the link is down the process is about to end. */
	(void)ipc_send(c->link, MSG_ESPD_SA_EVENT, 0, &m, sizeof(m), NULL, 0);
	if (ev == SA_EVENT_ACTIVE)
		worker_release(c->worker, sad_by_id(&c->sad, id)->iface);
}

static void on_waits(void *arg, struct esp_iface *i, bool tell)
{
	struct ctl *c = arg;
	struct msg_tun m = { .mtu = i->mtu };

	if (!timer_running(&i->trap_timer))
		timer_set(c->sad.timers, &i->trap_timer, TRAP_WAIT_MS);
	if (!tell)
		return;
	memcpy(m.name, i->name, sizeof(m.name));
	(void)ipc_send(c->link, MSG_ESPD_WANTED, 0, &m, sizeof(m), NULL, 0);
}

struct ctl *ctl_new(struct loop *l, struct ipc *link, struct err *e)
{
	struct ctl *c = calloc(1, sizeof(*c));

	if (!c) {
		err_errno(e, "out of memory");
		return NULL;
	}
	c->link = link;
	sad_init(&c->sad, &engine_auto, loop_timers(l), on_event, c);
	c->sad.waits = on_waits;
	c->worker = worker_new(l, &c->sad, e);
	if (!c->worker) {
		free(c);
		return NULL;
	}
	return c;
}

void ctl_free(struct ctl *c)
{
	if (!c)
		return;
	for (struct esp_iface *i = c->sad.ifaces; i; i = i->next)
		worker_iface_del(c->worker, i);
	sad_fini(&c->sad);
	worker_free(c->worker);
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
	size_t at = 0;

	for (int k = 0; k < WORKER_SOCKETS && at < m->n_fds; k++)
		if (there[k] && worker_socket(c->worker, (enum worker_socket)k, take_fd(m, at++),
					      &e) < 0)
			log_error(NULL, "espd: %s", e.msg);
}

/* The first message. */
static void start(const struct msg_espd_start *s)
{
	struct err e = { 0 };

	if (engine_auto_setup(s->engine, &s->profile, &e) < 0)
		log_warning(NULL, "%s", e.msg);
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
	struct err e = { 0 };
	struct esp_iface *i;
	char name[IFNAME_MAX];

	i = sad_iface(&c->sad, name_of(t->name, name));
	if (i)
		worker_iface_del(c->worker, i);
	i = sad_iface_add(&c->sad, name, take_fd(m, 0), t->mtu, &e);
	if (i)
		i->trapping = t->trap;
	worker_uso(c->worker, t->uso);
	if (!i || worker_iface_add(c->worker, i, &e) < 0)
		log_error(NULL, "%s: %s", name, e.msg);
}

static void tun_del(struct ctl *c, const struct msg_tun *t)
{
	char name[IFNAME_MAX];
	struct esp_iface *i = sad_iface(&c->sad, name_of(t->name, name));

	if (!i)
		return;
	worker_iface_del(c->worker, i);
	sad_iface_del(&c->sad, i);
	worker_wipe(c->worker);
}

static void sa_add(struct ctl *c, const struct ipc_msg *msg)
{
	const struct msg_espd_sa *m = msg->body;
	struct msg_result r = { .code = EXIT_DONE };
	struct err e = { 0 };
	char name[IFNAME_MAX];

	if (sad_add_more(&c->sad, &m->sa, name_of(m->interface, name), NULL, msg->fds,
			 msg->n_fds, &e) < 0) {
		r.code = e.code ? e.code : EXIT_FAILED;
		snprintf(r.text, sizeof(r.text), "%s", e.msg);
	} else {
		worker_release(c->worker, sad_iface(&c->sad, name));
	}
	(void)ipc_send(c->link, MSG_ESPD_SA_ADDED, msg->id, &r, sizeof(r), NULL, 0);
}

static void send_stats(struct ctl *c, uint32_t id, const struct esp_sa *sa)
{
	struct sa_stats st;

	sad_stats(sa, &st);
	(void)ipc_send(c->link, MSG_ESPD_SA_STATS, id, &st, sizeof(st), NULL, 0);
}

static void sa_query(struct ctl *c, uint32_t msg_id, uint32_t id)
{
	for (struct esp_iface *i = c->sad.ifaces; i; i = i->next)
		for (struct esp_sa *sa = i->sas; sa; sa = sa->next_iface)
			if (!id || sa->id == id)
				send_stats(c, msg_id, sa);
}

/* Those that nothing here adds to are not kept. */
static void counters(struct ctl *c)
{
	struct msg_counters m;

	memset(&m, 0, sizeof(m));
	sad_counters_add(m.v, &c->sad);
	(void)ipc_send(c->link, MSG_ESPD_COUNTERS, 0, &m, sizeof(m), NULL, 0);
}

/* Requests about an SA that is gone already are no error: they crossed its end. */
static void sa_request(struct ctl *c, const struct ipc_msg *m)
{
	const struct msg_sa_update *u = m->body;
	const struct msg_sa_ref *ref = m->body;
	struct esp_sa *sa = sad_by_id(&c->sad, m->type == MSG_ESPD_SA_UPDATE ? u->sa_id
									    : ref->sa_id);

	if (!sa)
		return;
	switch (m->type) {
	case MSG_ESPD_SA_ACTIVATE:
		sad_activate(sa);
		worker_release(c->worker, sa->iface);
		break;
	case MSG_ESPD_SA_UPDATE:
		sad_update(sa, &u->local, &u->remote);
		break;
	case MSG_ESPD_SA_DEL:
		sad_del(sa, ref->linger_ms);
		worker_wipe(c->worker);
		break;
	}
}

void ctl_msg(struct ctl *c, struct ipc_msg *m)
{
	switch (m->type) {
	case MSG_ESPD_START:
		start(m->body);
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
