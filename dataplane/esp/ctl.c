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

static void on_wanted(void *arg, const struct esp_iface *i)
{
	struct ctl *c = arg;
	struct msg_tun m = { .mtu = i->mtu };

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
	sad_init(&c->sad, &engine_mbedtls, loop_timers(l), on_event, c);
	c->sad.wanted = on_wanted;
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
	struct err e = { 0 };
	size_t at = 0;

	if (s->udp4 && at < m->n_fds &&
	    worker_socket(c->worker, AF_INET, take_fd(m, at++), &e) < 0)
		log_error(NULL, "espd: %s", e.msg);
	if (s->udp6 && at < m->n_fds &&
	    worker_socket(c->worker, AF_INET6, take_fd(m, at++), &e) < 0)
		log_error(NULL, "espd: %s", e.msg);
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

static void sa_add(struct ctl *c, uint32_t id, const struct msg_espd_sa *m)
{
	struct msg_result r = { .code = EXIT_DONE };
	struct err e = { 0 };
	char name[IFNAME_MAX];

	if (sad_add(&c->sad, &m->sa, name_of(m->interface, name), &e) < 0) {
		r.code = e.code ? e.code : EXIT_FAILED;
		snprintf(r.text, sizeof(r.text), "%s", e.msg);
	} else {
		worker_release(c->worker, sad_iface(&c->sad, name));
	}
	(void)ipc_send(c->link, MSG_ESPD_SA_ADDED, id, &r, sizeof(r), NULL, 0);
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
		sa_add(c, m->id, m->body);
		break;
	case MSG_ESPD_SA_ACTIVATE:
	case MSG_ESPD_SA_UPDATE:
	case MSG_ESPD_SA_DEL:
		sa_request(c, m);
		break;
	case MSG_ESPD_SA_QUERY:
		sa_query(c, m->id, ((const struct msg_sa_ref *)m->body)->sa_id);
		break;
	}
}
