/* backend_esp: the monitor's half. It runs as root, so it only makes descriptors, passes
 * them on and keeps count; no byte from the network and no cipher comes near it. */
#include "dataplane/esp/backend_esp.h"

#include "core/base/log.h"
#include "core/base/secret.h"
#include "core/ipc/msg.h"
#include "core/net/link.h"
#include "dataplane/engine/afalg_open.h"
#include "dataplane/esp/outer.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define QUEUE 1000	/* packets, as in front of an Ethernet card */

struct iface {
	struct iface *next;
	char name[IFNAME_MAX];
	uint16_t mtu;
	bool trap, uso;
	int fd[SOCK_WORKERS_MAX];	/* a queue per worker */
};

/* What espd was given, to know what is lost with it. */
struct known {
	uint32_t id;
	bool pending;		/* not answered yet */
};

struct esp_backend {
	const struct backend_env *env;
	const struct sock_set *socks;
	struct msg_espd_start start;
	int raw[SOCK_FAMILIES][SOCK_WORKERS_MAX];	/* -1: none */
	bool up;
	struct iface *ifaces;
	struct known *sas;
	size_t n_sas, cap_sas;
};

static int probe(struct err *e)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return err_set(e, "/dev/net/tun is missing (modprobe tun; on OpenWrt: opkg "
				  "install kmod-tun)");
	if (fd < 0 && (errno == ENODEV || errno == ENXIO))
		return err_set(e, "the kernel has no TUN driver (modprobe tun; on OpenWrt: opkg "
				  "install kmod-tun)");
	if (fd < 0)
		return err_errno(e, "/dev/net/tun");
	close(fd);
	return 0;
}

static void set(int fd, int level, int option, int value)
{
	/* None of these is needed for packets to flow; old kernels lack some. */
	if (setsockopt(fd, level, option, &value, sizeof(value)) < 0)
		log_debug(NULL, "espd: socket option %d of level %d: %s", option, level,
			  strerror(errno));
}

/* What the outer packets need: DF with the kernel's path MTU discovery and its errors, ECN
 * both ways, and datagrams that come together read together. UDP checksums stay on: UDP_SEGMENT
 * wants them, and then the device fills them in (dataplane/esp/wire.c). */
static void prepare_socket(int fd, int family)
{
	if (fd < 0)
		return;
	if (family == AF_INET) {
		set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
		set(fd, IPPROTO_IP, IP_RECVERR, 1);
		set(fd, IPPROTO_IP, IP_RECVTOS, 1);
	} else {
		set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO);
		set(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
		set(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
	}
}

static void prepare_sockets(struct esp_backend *b)
{
	static const int families[SOCK_FAMILIES] = { [SOCK_V4] = AF_INET, [SOCK_V6] = AF_INET6 };
	struct err e = { 0 };

	for (int f = 0; f < SOCK_FAMILIES; f++) {
		for (unsigned w = 0; w < b->socks->workers; w++) {
			int *raw = &b->raw[f][w], udp = b->socks->esp4500[f][w];

			*raw = udp < 0 ? -1 : sock_open_esp(families[f], w, b->socks->workers, &e);
			if (udp >= 0 && *raw < 0)
				log_warning(NULL, "ESP without UDP is not possible: %s", e.msg);
			prepare_socket(udp, families[f]);
			prepare_socket(*raw, families[f]);
			if (udp >= 0)
				set(udp, IPPROTO_UDP, UDP_GRO, 1);
		}
		/* Any socket of the group may be asked whether it is on. */
		if (b->socks->ike4500[f] >= 0)
			set(b->socks->ike4500[f], IPPROTO_UDP, UDP_GRO, 1);
	}
}

static int start(void **ctx, const struct backend_env *env, const struct sock_set *socks,
		 const struct router_conf *conf, const struct profile *profile, struct err *e)
{
	struct esp_backend *b = calloc(1, sizeof(*b));

	if (!b)
		return err_errno(e, "out of memory");
	b->env = env;
	b->socks = socks;
	b->start.workers = (uint8_t)socks->workers;
	b->start.engine = conf->engine;
	b->start.profile = *profile;
	prepare_sockets(b);
	*ctx = b;
	return 0;
}

static void close_queues(struct iface *i)
{
	for (unsigned w = 0; w < SOCK_WORKERS_MAX; w++)
		if (i->fd[w] >= 0)
			close(i->fd[w]);
}

/* espd holds a descriptor of its own until it reads the message or ends: the device is
 * deleted outright, for its name may be wanted again at once. */
static void iface_free(struct iface *i)
{
	struct err e = { 0 };

	if (link_del(i->name, &e) < 0)
		log_debug(NULL, "%s: %s", i->name, e.msg);
	close_queues(i);
	free(i);
}

static void stop(void *ctx)
{
	struct esp_backend *b = ctx;

	if (!b)
		return;
	while (b->ifaces) {
		struct iface *i = b->ifaces;

		b->ifaces = i->next;
		iface_free(i);
	}
	for (unsigned w = 0; w < b->socks->workers; w++)
		for (int f = 0; f < SOCK_FAMILIES; f++)
			if (b->raw[f][w] >= 0)
				close(b->raw[f][w]);
	free(b->sas);
	free(b);
}

/* An espd that runs goes on with what it began with. */
static void again(void *ctx, const struct router_conf *conf, const struct profile *profile)
{
	struct esp_backend *b = ctx;

	b->start.engine = conf->engine;
	b->start.profile = *profile;
}

/* ---- what espd knows ---- */

static struct known *find(struct esp_backend *b, uint32_t id)
{
	for (size_t i = 0; i < b->n_sas; i++)
		if (b->sas[i].id == id)
			return &b->sas[i];
	return NULL;
}

static void forget(struct esp_backend *b, uint32_t id)
{
	struct known *k = find(b, id);

	if (k)
		*k = b->sas[--b->n_sas];
}

static int remember(struct esp_backend *b, uint32_t id)
{
	if (b->n_sas == b->cap_sas) {
		size_t cap = b->cap_sas ? b->cap_sas * 2 : 16;
		struct known *k = realloc(b->sas, cap * sizeof(*k));

		if (!k)
			return -1;
		b->sas = k;
		b->cap_sas = cap;
	}
	b->sas[b->n_sas++] = (struct known){ .id = id, .pending = true };
	return 0;
}

static int send_child(struct esp_backend *b, uint16_t type, uint32_t id, const void *body,
		      size_t len, const int *fds, size_t n_fds)
{
	if (!b->up)
		return -1;
	return b->env->child_send(b->env->arg, type, id, body, len, fds, n_fds);
}

static int send_tun(struct esp_backend *b, const struct iface *i)
{
	struct msg_tun m;

	memset(&m, 0, sizeof(m));
	snprintf(m.name, sizeof(m.name), "%s", i->name);
	m.mtu = i->mtu;
	m.trap = i->trap;
	m.uso = i->uso;
	return send_child(b, MSG_TUN_ADD, 0, &m, sizeof(m), i->fd, b->start.workers);
}

static void send_sockets(struct esp_backend *b, unsigned worker)
{
	struct msg_espd_sockets m = { .worker = (uint8_t)worker };
	const struct {
		int fd;
		uint8_t *there;
	} all[] = {
		{ b->socks->esp4500[SOCK_V4][worker], &m.udp4 },
		{ b->socks->esp4500[SOCK_V6][worker], &m.udp6 },
		{ b->raw[SOCK_V4][worker], &m.raw4 },
		{ b->raw[SOCK_V6][worker], &m.raw6 },
	};
	int fds[4];
	size_t n = 0;

	for (size_t k = 0; k < 4; k++) {
		if (all[k].fd < 0)
			continue;
		*all[k].there = 1;
		fds[n++] = all[k].fd;
	}
	(void)send_child(b, MSG_ESPD_SOCKETS, 0, &m, sizeof(m), fds, n);
}

static void child_up(void *ctx)
{
	struct esp_backend *b = ctx;

	b->up = true;
	/* A failed send means that the link broke: child_down() follows. */
	(void)send_child(b, MSG_ESPD_START, 0, &b->start, sizeof(b->start), NULL, 0);
	for (unsigned w = 0; w < b->start.workers; w++)
		send_sockets(b, w);
	for (struct iface *i = b->ifaces; i; i = i->next)
		(void)send_tun(b, i);
}

static void child_down(void *ctx)
{
	struct esp_backend *b = ctx;
	struct known *sas = b->sas;
	size_t n = b->n_sas;

	b->up = false;
	/* The callbacks may add anew: they find an empty list. */
	b->sas = NULL;
	b->n_sas = b->cap_sas = 0;
	for (size_t i = 0; i < n; i++)
		if (sas[i].pending)
			b->env->sa_added(b->env->arg, sas[i].id,
					 "espd ended before it took the SA");
	free(sas);
	if (n)
		b->env->lost(b->env->arg);
}

static void child_msg(void *ctx, const struct ipc_msg *m)
{
	struct esp_backend *b = ctx;
	const struct backend_env *env = b->env;
	const struct msg_ike_datagram *ike;
	const struct msg_sa_event *ev;
	const struct msg_result *r;
	const struct msg_tun *tun;
	char name[IFNAME_MAX];
	struct known *k;

	switch (m->type) {
	case MSG_ESPD_SA_ADDED:
		r = m->body;
		k = find(b, m->id);
		if (!k || !k->pending)
			break;		/* deleted before the answer came */
		k->pending = false;
		if (r->code != EXIT_DONE) {
			char text[ERR_MSG_MAX];

			snprintf(text, sizeof(text), "%.*s", ERR_MSG_MAX - 1,
				 r->text[0] ? r->text : "espd refused the SA");
			forget(b, m->id);
			env->sa_added(env->arg, m->id, text);
			break;
		}
		env->sa_added(env->arg, m->id, "");
		break;
	case MSG_ESPD_SA_STATS:
		env->sa_stats(env->arg, m->body);
		break;
	case MSG_ESPD_SA_EVENT:
		ev = m->body;
		if (ev->event <= SA_EVENT_ACTIVE && find(b, ev->sa_id))
			env->sa_event(env->arg, ev->sa_id, (enum sa_event)ev->event);
		break;
	case MSG_ESPD_COUNTERS:
		if (env->counters)
			env->counters(env->arg, ((const struct msg_counters *)m->body)->v);
		break;
	case MSG_ESPD_IKE:
		ike = m->body;
		if (env->ike && m->len == offsetof(struct msg_ike_datagram, bytes) + ike->len)
			env->ike(env->arg, &ike->local, &ike->remote, ike->bytes, ike->len);
		break;
	case MSG_ESPD_WANTED:
		tun = m->body;
		snprintf(name, sizeof(name), "%.*s", IFNAME_MAX - 1, tun->name);
		if (env->wanted)
			env->wanted(env->arg, name);
		break;
	}
}

/* ---- interfaces ---- */

static struct iface **find_iface(struct esp_backend *b, const char *name)
{
	struct iface **p = &b->ifaces;

	while (*p && strcmp((*p)->name, name) != 0)
		p = &(*p)->next;
	return p;
}

static int open_queues(struct iface *i, unsigned n, struct err *e)
{
	unsigned flags = LINK_TUN_VNET_HDR | (n > 1 ? LINK_TUN_MULTI_QUEUE : 0);

	for (unsigned w = 0; w < SOCK_WORKERS_MAX; w++)
		i->fd[w] = -1;
	for (unsigned w = 0; w < n; w++) {
		if (link_tun_open(i->name, flags, &i->fd[w], e) < 0)
			return -1;
		link_tun_offload(i->fd[w], &i->uso);
	}
	return 0;
}

static int iface_add(void *ctx, const struct backend_iface *bi, struct err *e)
{
	struct esp_backend *b = ctx;
	struct iface *i = *find_iface(b, bi->name);
	struct err queue = { 0 };

	if (i && i->mtu == bi->mtu && i->trap == bi->trap)
		return 0;
	if (i) {
		if (link_set_mtu(i->name, bi->mtu, e) < 0)
			return -1;
		i->mtu = bi->mtu;
		i->trap = bi->trap;
		(void)send_tun(b, i);
		return 0;
	}
	i = calloc(1, sizeof(*i));
	if (!i)
		return err_errno(e, "out of memory");
	snprintf(i->name, sizeof(i->name), "%s", bi->name);
	i->mtu = bi->mtu;
	i->trap = bi->trap;
	if (open_queues(i, b->start.workers, e) < 0) {
		close_queues(i);
		free(i);
		return err_wrap(e, "interface %s", bi->name);
	}
	if (link_set_mtu(i->name, i->mtu, e) < 0 || link_set_up(i->name, true, e) < 0) {
		close_queues(i);
		free(i);
		return err_wrap(e, "interface %s", bi->name);
	}
	/* A TUN of 500 loses small packets whenever its reader waits for a core. */
	if (link_set_queue(i->name, QUEUE, &queue) < 0)
		log_debug(NULL, "%s", queue.msg);
	i->next = b->ifaces;
	b->ifaces = i;
	(void)send_tun(b, i);
	return 0;
}

static void iface_del(void *ctx, const char *name)
{
	struct esp_backend *b = ctx;
	struct iface **p = find_iface(b, name), *i = *p;
	struct msg_tun m;

	if (!i)
		return;
	memset(&m, 0, sizeof(m));
	snprintf(m.name, sizeof(m.name), "%s", name);
	(void)send_child(b, MSG_TUN_DEL, 0, &m, sizeof(m), NULL, 0);
	*p = i->next;
	iface_free(i);
}

/* ---- SAs ---- */

/* Sockets of the kernel's crypto API, where the engine that was chosen wants them. Without
 * them espd's software does the work. */
static size_t open_afalg(const struct esp_backend *b, const struct sa_child *sa,
			 int fds[ENGINE_FDS_MAX])
{
	const struct afalg_ids ids = { sa->encr, sa->encr_bits, sa->integ, sa->esn };
	struct err e = { 0 };
	size_t n = 0;

	if (afalg_wanted(b->start.engine, &b->start.profile, sa->encr, sa->encr_bits, sa->integ) &&
	    afalg_open_pair(&ids, fds, &n, &e) < 0)
		log_warning(sa->peer, "no AF_ALG for %s: %s", sa->child, e.msg);
	return n;
}

static void sa_add(void *ctx, const struct sa_child *sa, const char *iface)
{
	struct esp_backend *b = ctx;
	const char *why = NULL;
	struct msg_espd_sa m;
	int fds[ENGINE_FDS_MAX];
	size_t n_fds;

	if (!b->up)
		why = "espd is not running";
	else if (find(b, sa->id))
		why = "an SA of this number is there already";
	else if (remember(b, sa->id) < 0)
		why = "out of memory";
	if (why) {
		b->env->sa_added(b->env->arg, sa->id, why);
		return;
	}
	memset(&m, 0, sizeof(m));
	snprintf(m.interface, sizeof(m.interface), "%s", iface);
	m.sa = *sa;
	n_fds = open_afalg(b, sa, fds);
	if (send_child(b, MSG_ESPD_SA_ADD, sa->id, &m, sizeof(m), fds, n_fds) < 0) {
		forget(b, sa->id);
		b->env->sa_added(b->env->arg, sa->id, "espd does not take messages");
	}
	afalg_close(fds, n_fds);
	secret_wipe(&m, sizeof(m));
}

static void send_ref(struct esp_backend *b, uint16_t type, uint32_t id, uint32_t linger_ms)
{
	struct msg_sa_ref m = { .sa_id = id, .linger_ms = linger_ms };

	(void)send_child(b, type, 0, &m, sizeof(m), NULL, 0);
}

static void sa_activate(void *ctx, uint32_t id)
{
	send_ref(ctx, MSG_ESPD_SA_ACTIVATE, id, 0);
}

static void sa_update(void *ctx, uint32_t id, const struct endpoint *local,
		      const struct endpoint *remote)
{
	struct msg_sa_update m;

	memset(&m, 0, sizeof(m));
	m.sa_id = id;
	m.local = *local;
	m.remote = *remote;
	(void)send_child(ctx, MSG_ESPD_SA_UPDATE, 0, &m, sizeof(m), NULL, 0);
}

static void sa_del(void *ctx, uint32_t id, uint32_t linger_ms)
{
	send_ref(ctx, MSG_ESPD_SA_DEL, id, linger_ms);
	forget(ctx, id);
}

static void sa_query(void *ctx, uint32_t id)
{
	send_ref(ctx, MSG_ESPD_SA_QUERY, id, 0);
}

static void can(void *ctx, struct backend_can *out)
{
	const struct esp_backend *b = ctx;
	bool raw = b->raw[SOCK_V4][0] >= 0 || b->raw[SOCK_V6][0] >= 0;

	*out = (struct backend_can){
		.encap = raw ? BACKEND_ENCAP_RATHER : BACKEND_ENCAP_ONLY, .esn = true,
	};
}

static void counters(void *ctx)
{
	(void)send_child(ctx, MSG_ESPD_COUNTERS_QUERY, 0, NULL, 0, NULL, 0);
}

const struct backend backend_esp = {
	.name = "userspace",
	.child = "espd",
	.probe = probe,
	.start = start,
	.can = can, .again = again,
	.stop = stop,
	.child_up = child_up,
	.child_down = child_down,
	.child_msg = child_msg,
	.iface_add = iface_add,
	.iface_del = iface_del,
	.sa_add = sa_add,
	.sa_activate = sa_activate,
	.sa_update = sa_update,
	.sa_del = sa_del,
	.sa_query = sa_query,
	.counters = counters,
};
