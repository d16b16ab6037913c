/* backend_xfrm: the table of functions; interfaces, traps and what the kernel tells. */
#include "dataplane/xfrm/backend_xfrm.h"

#include "core/base/log.h"
#include "core/net/link.h"
#include "core/net/route.h"
#include "dataplane/xfrm/kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEST_LINK "adit~probe"
#define TEST_SPI 0x0ad17e57u
#define TEST_IF_ID 0x0adfffffu
#define CHECK_MS 50
/* The kernel asks for an SA once and then waits 30 s (xfrm_acq_expires); iked may have given
 * up long before. */
#define TRAP_AGAIN_MS 5000
#define OWNER 0x80000000u

/* ---- what this kernel can ---- */

static int test_state(struct xfrm *x, int family, uint8_t proto, struct err *e)
{
	static const uint8_t key[20] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
	struct xfrm_sa sa = {
		.id = { .spi = proto == IPPROTO_COMP ? TEST_SPI & 0xffff : TEST_SPI,
			.proto = proto },
		.tunnel = true, .inbound = true, .reqid = XFRM_REQID,
	};

	sa.id.src.family = sa.id.dst.family = (uint8_t)family;
	/* 127.0.0.1, ::1: nobody sends there. */
	sa.id.dst.b[addr_len(&sa.id.dst) - 1] = 1;
	if (family == AF_INET)
		sa.id.dst.b[0] = 127;
	sa.id.src = sa.id.dst;
	if (proto != IPPROTO_COMP)
		sa.auth = (struct xfrm_alg){ "hmac(sha1)", key, sizeof(key), 96 };
	if (proto == IPPROTO_ESP)
		sa.encr = (struct xfrm_alg){ "cbc(aes)", key, 16, 0 };
	if (proto == IPPROTO_COMP)
		sa.comp.name = "deflate";
	if (xfrm_sa_add(x, &sa, e) < 0 && errno != EEXIST)
		return -1;
	return xfrm_sa_del(x, &sa.id, e);
}

static int probe(struct err *e)
{
	struct xfrm *x = xfrm_open(e);
	int ret;

	if (!x && (errno == EPROTONOSUPPORT || errno == EAFNOSUPPORT))
		return err_set(e, "this kernel has no XFRM (modprobe xfrm_user; on OpenWrt: opkg "
				  "install kmod-ipsec)");
	if (!x)
		return err_wrap(e, "XFRM");
	ret = test_state(x, AF_INET, IPPROTO_ESP, e);
	if (ret < 0 && errno == EPROTONOSUPPORT)
		err_set(e, "this kernel has no ESP (modprobe esp4; on OpenWrt: opkg install "
			   "kmod-ipsec4)");
	else if (ret < 0 && errno == ENOSYS)
		err_set(e, "this kernel has no AES-CBC and HMAC-SHA1 for ESP (modprobe cbc hmac "
			   "sha1 authenc)");
	else if (ret < 0)
		err_wrap(e, "a test SA is refused");
	xfrm_close(x);
	return ret;
}

/* True where only plain policies are left. */
static int find_interfaces(bool *plain, struct err *e)
{
	struct err why = { 0 };

	*plain = false;
	if (link_xfrm_add(TEST_LINK, TEST_IF_ID, &why) == 0)
		return link_del(TEST_LINK, e);
	if (errno == EEXIST)
		return 0;
	*plain = true;
	if (link_dummy_add(TEST_LINK, e) == 0)
		return link_del(TEST_LINK, e);
	return err_wrap(e, "neither xfrm nor dummy interfaces (modprobe xfrm_interface; on "
			   "OpenWrt: opkg install kmod-xfrm-interface)");
}

/* ---- numbers ---- */

static uint32_t hash(const char *a, const char *b)
{
	uint32_t h = 2166136261u;	/* FNV-1a */

	for (; *a; a++)
		h = (h ^ (uint8_t)*a) * 16777619u;
	h = (h ^ '/') * 16777619u;
	for (; *b; b++)
		h = (h ^ (uint8_t)*b) * 16777619u;
	return (h ^ h >> 20) & XFRM_REQID_MASK;
}

const struct kchild *kernel_child(const struct kernel *k, uint32_t reqid)
{
	const struct kchild *c = k->children;

	while (c && c->reqid != reqid)
		c = c->next;
	return c;
}

uint32_t kernel_reqid(struct kernel *k, const char *peer, const char *child)
{
	uint32_t n = hash(peer, child);
	struct kchild *c;

	for (c = k->children; c; c = c->next)
		if (strcmp(c->peer, peer) == 0 && strcmp(c->child, child) == 0)
			return c->reqid;
	c = calloc(1, sizeof(*c));
	if (!c)
		return 0;
	/* 0 is the test state's. */
	while (!n || kernel_child(k, XFRM_REQID | n))
		n = (n + 1) & XFRM_REQID_MASK;
	c->reqid = XFRM_REQID | n;
	snprintf(c->peer, sizeof(c->peer), "%s", peer);
	snprintf(c->child, sizeof(c->child), "%s", child);
	c->next = k->children;
	k->children = c;
	return c->reqid;
}

uint32_t kernel_owner(struct kernel *k)
{
	return OWNER | ++k->last_owner;
}

struct kiface *kernel_iface(struct kernel *k, const char *name)
{
	struct kiface *i = k->ifaces;

	while (i && strcmp(i->name, name) != 0)
		i = i->next;
	return i;
}

/* ---- traps, and children that need no SA ---- */

struct put {
	struct kernel *k;
	uint32_t owner;
	enum kpol_rank rank;
	struct xfrm_pol p;
	struct err *e;
};

static bool put_one(void *arg, const struct xfrm_sel *sel)
{
	struct put *w = arg;

	w->p.sel = *sel;
	w->p.priority = kpol_priority(sel, w->rank == KPOL_SHUNT);
	return kpol_use(&w->k->pols, w->owner, w->rank, &w->p, w->e) == 0;
}

static struct selector side(const struct child_conf *c, const struct prefix *net, bool local)
{
	struct selector s = selector_of(net);

	s.proto = c->protocol;
	s.port_from = local ? c->local_port_lo : c->remote_port_lo;
	s.port_to = local ? c->local_port_hi : c->remote_port_hi;
	return s;
}

static int put_child(struct put *w, const struct child_conf *c, enum xfrm_dir dir)
{
	w->p.dir = (uint8_t)dir;
	for (size_t i = 0; i < c->n_local; i++)
		for (size_t j = 0; j < c->n_remote; j++) {
			struct selector l = side(c, &c->local_network[i], true);
			struct selector r = side(c, &c->remote_network[j], false);

			if (!kpol_selectors(dir == XFRM_DIR_OUT ? &l : &r,
					    dir == XFRM_DIR_OUT ? &r : &l, put_one, w))
				return -1;
		}
	return 0;
}

/* A policy whose template fits no state: the kernel tells of the first packet and keeps it and
 * some more (with xfrm_larval_drop off). It does so for packets that it routes, not for those
 * that are in an xfrm interface already: so the policy is of no interface, and in front of
 * it. The remote end must be known; nobody could be called otherwise. */
static int put_trap(struct kernel *k, const struct kiface *i, const struct child_conf *c,
		    struct err *e)
{
	struct put w = { .k = k, .owner = i->owner, .rank = KPOL_TRAP, .e = e };

	if (!i->trap || !addr_is_set(&i->want.remote))
		return 0;
	w.p.n_tmpl = 1;
	w.p.tmpl[0] = (struct xfrm_tmpl){
		.family = i->want.remote.family, .proto = c->ah ? IPPROTO_AH : IPPROTO_ESP,
		.tunnel = c->mode == MODE_TUNNEL, .reqid = i->trap_reqid,
	};
	if (w.p.tmpl[0].tunnel) {
		w.p.tmpl[0].src = i->want.local;
		w.p.tmpl[0].dst = i->want.remote;
	}
	return put_child(&w, c, XFRM_DIR_OUT);
}

static int put_shunt(struct kernel *k, const struct kiface *i, const struct child_conf *c,
		     struct err *e)
{
	struct put w = { .k = k, .owner = i->owner, .rank = KPOL_SHUNT, .e = e };

	w.p.block = c->mode == MODE_DISCARD;
	for (int d = XFRM_DIR_IN; d <= XFRM_DIR_FWD; d++)
		if (put_child(&w, c, (enum xfrm_dir)d) < 0)
			return -1;
	return 0;
}

/* Anew, without a gap: the old owner's go when the new one's are in. */
static int put_iface(struct kernel *k, struct kiface *i, struct err *e)
{
	uint32_t before = i->owner;
	int ret = 0;

	i->owner = kernel_owner(k);
	for (size_t n = 0; n < i->n_children && ret == 0; n++) {
		const struct child_conf *c = &i->children[n];

		switch ((enum mode)c->mode) {
		case MODE_TUNNEL: case MODE_TRANSPORT:
			ret = put_trap(k, i, c, e);
			break;
		case MODE_BYPASS: case MODE_DISCARD:
			ret = put_shunt(k, i, c, e);
			break;
		}
	}
	if (before)
		kpol_drop(&k->pols, before);
	return ret;
}

/* A number that no waiting state of the kernel has: it asks again. */
static void trap_again(void *arg)
{
	struct kiface *i = arg;
	static const char *const names[] = { "\1", "\2" };
	struct kernel *k = i->k;
	struct err e = { 0 };
	uint32_t one = kernel_reqid(k, i->peer, names[0]);
	uint32_t two = kernel_reqid(k, i->peer, names[1]);

	i->trap_reqid = i->trap_reqid == one ? two : one;
	if (put_iface(k, i, &e) < 0)
		log_error(i->peer, "packets cannot wait for the tunnel: %s", e.msg);
}

/* ---- what the kernel tells ---- */

static void check(void *arg)
{
	struct kernel *k = arg;

	kpol_again(&k->pols);
	ksa_check_all(k);
}

static void check_soon(struct kernel *k)
{
	if (!timer_running(&k->check))
		timer_set(loop_timers(k->env->loop), &k->check, CHECK_MS);
}

static void acquire(struct kernel *k, const struct xfrm_event *ev)
{
	struct kiface *i = k->ifaces;

	while (i && i->trap_reqid != ev->reqid)
		i = i->next;
	if (!i || !i->trap)
		return;
	timer_set(loop_timers(k->env->loop), &i->again, TRAP_AGAIN_MS);
	k->env->wanted(k->env->arg, i->name);
}

static void on_event(void *arg, const struct xfrm_event *ev)
{
	struct kernel *k = arg;
	bool inbound;
	struct ksa *s;

	switch (ev->kind) {
	case XFRM_EV_EXPIRED:
		s = ksa_by_ref(k, &ev->id, &inbound);
		if (s)
			ksa_expired(s, inbound, ev->hard);
		break;
	case XFRM_EV_MAPPING:
		s = ksa_by_ref(k, &ev->id, &inbound);
		if (s && inbound)
			ksa_moved(s, &ev->moved_to);
		break;
	case XFRM_EV_ACQUIRE:
		acquire(k, ev);
		break;
	case XFRM_EV_DELETED:
		if (ksa_by_ref(k, &ev->id, &inbound))
			check_soon(k);
		break;
	case XFRM_EV_CHANGED: case XFRM_EV_LOST:
		check_soon(k);
		break;
	}
}

/* ---- start and stop ---- */

static void prepare_sockets(const struct sock_set *s)
{
	static const int families[SOCK_FAMILIES] = { [SOCK_V4] = AF_INET, [SOCK_V6] = AF_INET6 };
	struct err e = { 0 };

	for (int f = 0; f < SOCK_FAMILIES; f++) {
		const int ike[] = { s->ike500[f], s->ike4500[f] };

		for (size_t i = 0; i < 2; i++)
			if (ike[i] >= 0 && xfrm_socket_bypass(ike[i], families[f], &e) < 0)
				log_warning(NULL, "%s", e.msg);
		for (size_t w = 0; w < SOCK_WORKERS_MAX; w++)
			if (s->esp4500[f][w] >= 0 && xfrm_socket_encap(s->esp4500[f][w], &e) < 0)
				log_warning(NULL, "%s: %s", f == SOCK_V4 ? "IPv4" : "IPv6", e.msg);
	}
}

static void stop(void *ctx)
{
	struct kernel *k = ctx;

	if (!k)
		return;
	xfrm_watch_free(k->watch);
	timer_stop(loop_timers(k->env->loop), &k->check);
	if (k->x)
		ksa_fini(k);
	while (k->ifaces) {
		struct kiface *i = k->ifaces;
		struct err e = { 0 };

		k->ifaces = i->next;
		timer_stop(loop_timers(k->env->loop), &i->again);
		if (link_del(i->name, &e) < 0)
			log_debug(NULL, "%s: %s", i->name, e.msg);
		free(i->children);
		free(i);
	}
	if (k->x)
		kpol_fini(&k->pols);
	while (k->children) {
		struct kchild *c = k->children;

		k->children = c->next;
		free(c);
	}
	xfrm_close(k->x);
	free(k);
}

static int start(void **ctx, const struct backend_env *env, const struct sock_set *socks,
		 const struct router_conf *conf, const struct profile *profile, struct err *e)
{
	struct kernel *k = calloc(1, sizeof(*k));

	(void)profile;
	if (!k)
		return err_errno(e, "out of memory");
	k->env = env;
	k->socks = socks;
	k->offload = conf->offload;
	timer_init(&k->check, check, k);
	k->x = xfrm_open(e);
	k->pols.x = k->x;
	if (!k->x || find_interfaces(&k->plain, e) < 0)
		goto fail;
	k->esp6 = test_state(k->x, AF_INET6, IPPROTO_ESP, NULL) == 0;
	k->ah = test_state(k->x, AF_INET, IPPROTO_AH, NULL) == 0;
	k->ipcomp = test_state(k->x, AF_INET, IPPROTO_COMP, NULL) == 0;
	k->watch = xfrm_watch_new(env->loop, k->x, on_event, k, e);
	if (!k->watch)
		goto fail;
	prepare_sockets(socks);
	*ctx = k;
	return 0;
fail:
	stop(k);
	return -1;
}

static void can(void *ctx, struct backend_can *out)
{
	const struct kernel *k = ctx;

	*out = (struct backend_can){ .encap = BACKEND_ENCAP_ANY, .esn = true, .transport = true,
				     .ah = k->ah, .ipcomp = k->ipcomp, .plain = k->plain };
	snprintf(out->note, sizeof(out->note), "%s%s%s",
		 k->plain ? "this kernel has no xfrm interfaces: plain policies" : "",
		 k->plain && !k->esp6 ? "; " : "",
		 k->esp6 ? "" : "no ESP over IPv6 (modprobe esp6)");
}

static void adopt(void *ctx,
		  void (*found)(void *arg, const struct sa_child *sa, const char *iface), void *arg)
{
	kadopt(ctx, found, arg);
}

/* ---- interfaces ---- */

/* Of an earlier instance; true when it serves. Another kind of device goes. */
static bool take_over(struct kernel *k, struct kiface *i)
{
	struct link_list links = { 0 };
	const struct link *l;
	struct err e = { 0 };
	bool mine = false;

	if (link_list(&links, NULL) == 0 && (l = link_find(&links, i->name))) {
		mine = strcmp(l->kind, k->plain ? "dummy" : "xfrm") == 0;
		i->if_id = l->if_id;
		if (!mine && link_del(i->name, &e) < 0)
			log_debug(i->peer, "%s", e.msg);
	}
	link_list_fini(&links);
	return mine;
}

/* The if_id hangs on the name, but for two of the same hash. */
static int make_link(struct kernel *k, struct kiface *i, struct err *e)
{
	uint32_t n = hash(i->name, "");

	if (take_over(k, i))
		return 0;
	if (k->plain)
		return link_dummy_add(i->name, e);
	for (int try = 0; try < 64; try++) {
		i->if_id = XFRM_REQID | ((n + (uint32_t)try) & XFRM_REQID_MASK);
		if (i->if_id == XFRM_REQID)
			continue;
		if (link_xfrm_add(i->name, i->if_id, e) == 0)
			return 0;
		if (errno != EEXIST)
			return -1;
	}
	return -1;
}

static int keep_children(struct kiface *i, const struct peer_conf *conf, struct err *e)
{
	size_t n = conf ? conf->n_children : 0;
	struct child_conf *v = calloc(n + 1, sizeof(*v));

	if (!v)
		return err_set(e, "out of memory");
	if (n)
		memcpy(v, conf->children, n * sizeof(*v));
	free(i->children);
	i->children = v;
	i->n_children = n;
	return 0;
}

static int change(struct kernel *k, struct kiface *i, const struct backend_iface *b,
		  struct err *e)
{
	if (i->mtu != b->mtu && link_set_mtu(i->name, b->mtu, e) < 0)
		return -1;
	i->mtu = b->mtu;
	i->trap = b->trap;
	i->want = *b;
	i->want.conf = NULL;
	if (!i->trap_reqid)
		i->trap_reqid = kernel_reqid(k, i->peer, "\1");
	if (keep_children(i, b->conf, e) < 0)
		return -1;
	/* What flows must not be caught. */
	for (struct ksa *s = k->sas; i->trap && s; s = s->next)
		if (!s->going && strcmp(s->iface, i->name) == 0 && ksa_policies(s, e) < 0)
			return -1;
	for (size_t n = 0; n < i->n_children; n++)
		(void)kernel_reqid(k, i->peer, i->children[n].name);
	return put_iface(k, i, e);
}

static void iface_free(struct kernel *k, struct kiface *i)
{
	struct err e = { 0 };

	timer_stop(loop_timers(k->env->loop), &i->again);
	if (i->owner)
		kpol_drop(&k->pols, i->owner);
	if (link_del(i->name, &e) < 0)
		log_debug(NULL, "%s: %s", i->name, e.msg);
	free(i->children);
	free(i);
}

static int iface_add(void *ctx, const struct backend_iface *b, struct err *e)
{
	struct kernel *k = ctx;
	struct kiface *i = kernel_iface(k, b->name);

	if (i)
		return change(k, i, b, e);
	i = calloc(1, sizeof(*i));
	if (!i)
		return err_errno(e, "out of memory");
	i->k = k;
	snprintf(i->name, sizeof(i->name), "%s", b->name);
	snprintf(i->peer, sizeof(i->peer), "%s", b->peer);
	timer_init(&i->again, trap_again, i);
	if (make_link(k, i, e) < 0 || change(k, i, b, e) < 0 ||
	    link_set_up(i->name, true, e) < 0) {
		iface_free(k, i);
		return err_wrap(e, "interface %s", b->name);
	}
	i->next = k->ifaces;
	k->ifaces = i;
	return 0;
}

static void iface_del(void *ctx, const char *name)
{
	struct kernel *k = ctx;

	for (struct kiface **at = &k->ifaces; *at; at = &(*at)->next) {
		struct kiface *i = *at;

		if (strcmp(i->name, name) != 0)
			continue;
		*at = i->next;
		iface_free(k, i);
		return;
	}
}

/* ---- SAs ---- */

static void sa_add(void *ctx, const struct sa_child *sa, const char *iface)
{
	struct kernel *k = ctx;

	if (ksa_find(k, sa->id))
		k->env->sa_added(k->env->arg, sa->id, "an SA of this number is there already");
	else
		ksa_add(k, sa, iface);
}

static void sa_activate(void *ctx, uint32_t id)
{
	struct ksa *s = ksa_find(ctx, id);

	if (s)
		ksa_activate(s);
}

static void sa_update(void *ctx, uint32_t id, const struct endpoint *local,
		      const struct endpoint *remote)
{
	struct ksa *s = ksa_find(ctx, id);

	if (s)
		ksa_update(s, local, remote);
}

static void sa_del(void *ctx, uint32_t id, uint32_t linger_ms)
{
	struct ksa *s = ksa_find(ctx, id);

	if (s)
		ksa_del(s, linger_ms);
}

static void sa_query(void *ctx, uint32_t id)
{
	struct kernel *k = ctx;

	for (struct ksa *s = k->sas; s; s = s->next)
		if (!s->going && (!id || s->id == id))
			ksa_query(s);
}

static void counters(void *ctx)
{
	struct kernel *k = ctx;
	uint64_t v[COUNTERS_N];

	kstat_read(v);
	k->env->counters(k->env->arg, v);
}

/* It has no child: these are never called. */
static void child_up_down(void *ctx)
{
	(void)ctx;
}

static void child_msg(void *ctx, const struct ipc_msg *m)
{
	(void)ctx;
	(void)m;
}

const struct backend backend_xfrm = {
	.name = "kernel",
	.probe = probe,
	.start = start,
	.can = can,
	.adopt = adopt,
	.stop = stop,
	.child_up = child_up_down,
	.child_down = child_up_down,
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
