/* ksa: why: iked thinks in pairs of SAs, the kernel in single states and policies that point
 * to them. Which state is sent with is said by the outbound policy, which names its SPI: so a
 * state may be in long before it is used, and to change over is one message.
 *
 * Limits: a sa_child's count both ways together, the kernel's each state alone. So each half
 * gets what it has used plus half of what is left; a soft limit that is reached is first
 * answered by looking at both and dealing out what is left anew, until little is: traffic in
 * one direction alone may use it all, and never do both together pass the hard limit. */
#include "dataplane/xfrm/kernel.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/secret.h"
#include "core/net/route.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELD_POLL_MS 100
#define LITTLE 16	/* the part of a soft limit that is little */
/* Without ESN: 2^32 packets are all there are (RFC 4303 §3.3.3); time to rekey before. */
#define NUMBERS_SOFT 0xf0000000u


struct ksa *ksa_find(struct kernel *k, uint32_t id)
{
	for (struct ksa *s = k->sas; s; s = s->next)
		if (s->id == id && !s->going)
			return s;
	return NULL;
}

struct ksa *ksa_by_ref(struct kernel *k, const struct xfrm_ref *id, bool *inbound)
{
	for (struct ksa *s = k->sas; s; s = s->next)
		for (int i = 0; i < 2; i++) {
			const struct khalf *h = i ? &s->rx : &s->tx;

			if (h->in && h->id.spi == id->spi && h->id.proto == id->proto &&
			    addr_equal(&h->id.dst, &id->dst)) {
				*inbound = i;
				return s;
			}
		}
	return NULL;
}

/* ---- limits ---- */

/* Half of what is left of a limit for both, on top of what this half has used. */
static uint64_t share(uint64_t all, uint64_t used, uint64_t own)
{
	uint64_t left = all > used ? all - used : 0;

	if (!all)
		return XFRM_NO_LIMIT;
	return own + (left / 2 ? left / 2 : 1);
}

/* When to look again: for the soft limit, or to deal out a hard one. */
static uint64_t trigger(uint64_t soft, uint64_t hard, bool told, uint64_t used, uint64_t own)
{
	if (soft && !told)
		return share(soft, used, own);
	/* Before the kernel ends this half for what the other has not used. */
	if (hard && hard > used && hard - used > hard / LITTLE)
		return own + (hard - used) / 4 + 1;
	return XFRM_NO_LIMIT;
}

static struct xfrm_limits limits_of(const struct ksa *s, bool inbound)
{
	const struct khalf *h = inbound ? &s->rx : &s->tx;
	const struct sa_child *c = s->conf;
	uint64_t bytes = s->rx.bytes + s->tx.bytes, packets = s->rx.packets + s->tx.packets;
	struct xfrm_limits l = {
		.soft_bytes = trigger(c->soft_bytes, c->hard_bytes, s->soft_told, bytes, h->bytes),
		.hard_bytes = share(c->hard_bytes, bytes, h->bytes),
		.soft_packets = trigger(c->soft_packets, c->hard_packets, s->soft_told, packets,
					h->packets),
		.hard_packets = share(c->hard_packets, packets, h->packets),
		.hard_s = c->hard_life_s,
	};

	if (!c->esn && !inbound && !s->soft_told && l.soft_packets > NUMBERS_SOFT)
		l.soft_packets = NUMBERS_SOFT;
	/* The first packet ends the waiting; the kernel looks when the second comes, and
	 * held_poll() sooner. */
	if (s->held && inbound)
		l.soft_packets = 1;
	return l;
}

static void set_limits(struct ksa *s, bool inbound)
{
	struct khalf *h = inbound ? &s->rx : &s->tx;
	struct xfrm_limits l = limits_of(s, inbound);
	struct err e = { 0 };

	/* What those were who knows; they stand. */
	if (s->adopted)
		return;
	if (h->in && xfrm_sa_limit(s->k->x, &h->id, &l, &e) < 0)
		log_debug(s->conf->peer, "SA %08x: limits: %s", h->id.spi, e.msg);
}

static bool look(struct ksa *s, bool inbound, struct xfrm_seen *out)
{
	struct khalf *h = inbound ? &s->rx : &s->tx;

	if (!h->in || xfrm_sa_get(s->k->x, &h->id, out, NULL) < 0)
		return false;
	h->bytes = out->bytes;
	h->packets = out->packets;
	return true;
}

static bool nearly(uint64_t used, uint64_t soft)
{
	return soft && (used >= soft || soft - used <= soft / LITTLE);
}

static void soft_reached(struct ksa *s)
{
	const struct sa_child *c = s->conf;
	struct xfrm_seen seen;
	uint32_t id = s->id;

	(void)look(s, true, &seen);
	(void)look(s, false, &seen);
	if (!s->soft_told && (nearly(s->rx.bytes + s->tx.bytes, c->soft_bytes) ||
			      nearly(s->rx.packets + s->tx.packets, c->soft_packets) ||
			      (!c->esn && s->tx.packets >= NUMBERS_SOFT))) {
		s->soft_told = true;
		set_limits(s, true);
		set_limits(s, false);
		s->k->env->sa_event(s->k->env->arg, id, SA_EVENT_SOFT);
		return;
	}
	set_limits(s, true);
	set_limits(s, false);
}

/* ---- policies ---- */

struct put {
	struct ksa *s;
	struct xfrm_pol p;
	enum kpol_rank rank;
	struct err *e;
};

static bool put_one(void *arg, const struct xfrm_sel *sel)
{
	struct put *w = arg;

	w->p.sel = *sel;
	w->p.priority = kpol_priority(sel, w->rank == KPOL_SHUNT);
	return kpol_use(&w->s->k->pols, w->s->id, w->rank, &w->p, w->e) == 0;
}

/* With IPComp the inner of two: it has the tunnel, and ESP around it goes from host to host
 * (RFC 3173 §3, RFC 4301 §3.2). Received packets that were too short for it come without. */
static void templates(const struct ksa *s, enum xfrm_dir dir, struct xfrm_pol *p)
{
	const struct sa_child *c = s->conf;
	bool out = dir == XFRM_DIR_OUT, tunnel = c->mode == MODE_TUNNEL;
	struct xfrm_tmpl t = { .family = c->remote.addr.family, .reqid = s->reqid,
			       .tunnel = tunnel };

	/* Inbound any ends will do: they are the state's, and may move. */
	if (out) {
		t.src = c->local.addr;
		t.dst = c->remote.addr;
	}
	p->n_tmpl = 0;
	if (c->cpi_in && c->cpi_out) {
		p->tmpl[p->n_tmpl] = t;
		p->tmpl[p->n_tmpl].proto = IPPROTO_COMP;
		p->tmpl[p->n_tmpl].optional = !out;
		p->tmpl[p->n_tmpl++].spi = out ? c->cpi_out : 0;
		t.tunnel = false;
	}
	t.proto = c->proto;
	t.spi = out ? c->spi_out : 0;
	p->tmpl[p->n_tmpl++] = t;
}

static int put_all(struct ksa *s, struct put *w, enum xfrm_dir dir)
{
	const struct sa_child *c = s->conf;

	w->p.dir = (uint8_t)dir;
	for (size_t i = 0; i < c->n_local; i++)
		for (size_t j = 0; j < c->n_remote; j++) {
			const struct selector *l = &c->local_ts[i], *r = &c->remote_ts[j];

			if (!kpol_selectors(dir == XFRM_DIR_OUT ? l : r,
					    dir == XFRM_DIR_OUT ? r : l, put_one, w))
				return -1;
		}
	return 0;
}

static int put_dir(struct ksa *s, enum xfrm_dir dir, struct err *e)
{
	const struct kiface *i = kernel_iface(s->k, s->iface);
	struct put w = { .s = s, .rank = KPOL_SA, .e = e };

	w.p.if_id = s->if_id;
	templates(s, dir, &w.p);
	if (put_all(s, &w, dir) < 0)
		return -1;
	if (dir != XFRM_DIR_OUT || !s->if_id || !i || !i->trap)
		return 0;
	/* In place of the trap in front of the interface: what waited in it goes on its way. */
	w.p.if_id = 0;
	w.p.n_tmpl = 0;
	return put_all(s, &w, dir);
}

/* Policies of no interface see every packet: what stays within the local network is none of
 * theirs, also where the remote one is everything. */
static int spare_local(struct ksa *s, struct err *e)
{
	const struct sa_child *c = s->conf;
	struct put w = { .s = s, .rank = KPOL_SHUNT, .e = e };

	for (size_t i = 0; i < c->n_local; i++)
		for (size_t j = 0; j < c->n_remote; j++) {
			if (!selector_covers(&c->remote_ts[j], &c->local_ts[i]))
				continue;
			for (int d = XFRM_DIR_IN; d <= XFRM_DIR_FWD; d++) {
				w.p.dir = (uint8_t)d;
				if (!kpol_selectors(&c->local_ts[i], &c->local_ts[i], put_one, &w))
					return -1;
			}
			break;
		}
	return 0;
}

int ksa_policies(struct ksa *s, struct err *e)
{
	if (put_dir(s, XFRM_DIR_IN, e) < 0)
		return -1;
	if (s->conf->mode == MODE_TUNNEL && put_dir(s, XFRM_DIR_FWD, e) < 0)
		return -1;
	if (!s->if_id && s->conf->mode == MODE_TUNNEL && spare_local(s, e) < 0)
		return -1;
	return s->held ? 0 : put_dir(s, XFRM_DIR_OUT, e);
}

/* ---- in ---- */

static void ends(const struct sa_child *c, bool inbound, struct xfrm_ref *id, uint16_t ports[2])
{
	const struct endpoint *from = inbound ? &c->remote : &c->local;
	const struct endpoint *to = inbound ? &c->local : &c->remote;

	id->src = from->addr;
	id->dst = to->addr;
	ports[0] = from->port;
	ports[1] = to->port;
}

static int add_comp(struct ksa *s, bool inbound, struct err *e)
{
	const struct sa_child *c = s->conf;
	uint16_t ports[2];
	struct xfrm_sa sa = {
		.id = { .spi = inbound ? c->cpi_in : c->cpi_out, .proto = IPPROTO_COMP },
		.tunnel = c->mode == MODE_TUNNEL, .inbound = inbound, .reqid = s->reqid,
		.if_id = s->if_id, .mark = ROUTE_MARK, .pair = c->spi_in,
		.comp = { .name = "deflate" },
		.limits = { .hard_s = c->hard_life_s },
	};

	if (!c->cpi_in || !c->cpi_out)
		return 0;
	ends(c, inbound, &sa.id, ports);
	return xfrm_sa_add(s->k->x, &sa, e);
}

static void del_comp(struct ksa *s, bool inbound)
{
	const struct sa_child *c = s->conf;
	struct xfrm_ref id = { .spi = inbound ? c->cpi_in : c->cpi_out, .proto = IPPROTO_COMP };
	struct err e = { 0 };
	uint16_t ports[2];

	if (!c->cpi_in || !c->cpi_out)
		return;
	ends(c, inbound, &id, ports);
	if (xfrm_sa_del(s->k->x, &id, &e) < 0)
		log_debug(c->peer, "IPComp: %s", e.msg);
}

/* The device that leads to the peer. */
static int device_to(const struct sa_child *c)
{
	struct route_answer ans;

	if (route_lookup(&c->remote.addr, &c->local.addr, ROUTE_MARK, NULL, &ans, NULL) < 0)
		return 0;
	return (int)if_nametoindex(ans.interface);
}

/* As the setting says, and by itself without where device or kernel refuse. */
static int add_offloaded(struct ksa *s, struct xfrm_sa *sa, struct err *e)
{
	struct err why = { 0 };

	sa->offload = XFRM_OFF_NONE;
	if (s->k->offload != OFFLOAD_NO)
		sa->offload_if = device_to(s->conf);
	if (sa->offload_if && s->k->offload == OFFLOAD_PACKET) {
		sa->offload = XFRM_OFF_WHOLE;
		if (xfrm_sa_add(s->k->x, sa, &why) == 0)
			return 0;
		log_info(s->conf->peer, "no packet offload: %s", why.msg);
	}
	if (sa->offload_if) {
		sa->offload = XFRM_OFF_CRYPTO;
		if (xfrm_sa_add(s->k->x, sa, &why) == 0)
			return 0;
		log_debug(s->conf->peer, "no offload: %s", why.msg);
	}
	sa->offload = XFRM_OFF_NONE;
	sa->offload_if = 0;
	return xfrm_sa_add(s->k->x, sa, e);
}

static int add_half(struct ksa *s, bool inbound, struct err *e)
{
	const struct sa_child *c = s->conf;
	struct khalf *h = inbound ? &s->rx : &s->tx;
	uint16_t ports[2];
	struct xfrm_sa sa = {
		.id = { .spi = inbound ? c->spi_in : c->spi_out, .proto = c->proto },
		.tunnel = c->mode == MODE_TUNNEL && !(c->cpi_in && c->cpi_out),
		.inbound = inbound, .reqid = s->reqid, .if_id = s->if_id, .mark = ROUTE_MARK,
		.pair = c->spi_in, .encap = c->udp_encap, .esn = c->esn, .window = c->replay_window,
		.limits = limits_of(s, inbound),
	};

	ends(c, inbound, &sa.id, ports);
	if (c->udp_encap) {
		uint16_t ours = s->k->socks->natt_port;

		sa.encap_sport = ports[0] ? ports[0] : ours;
		sa.encap_dport = ports[1] ? ports[1] : ours;
	}
	if (kalg_fill(&sa, c, inbound ? &c->in : &c->out, e) < 0 ||
	    add_offloaded(s, &sa, e) < 0)
		return -1;
	h->id = sa.id;
	h->in = true;
	return add_comp(s, inbound, e);
}

static void del_half(struct ksa *s, bool inbound)
{
	struct khalf *h = inbound ? &s->rx : &s->tx;
	struct err e = { 0 };

	if (!h->in)
		return;
	h->in = false;
	if (xfrm_sa_del(s->k->x, &h->id, &e) < 0)
		log_error(s->conf->peer, "SA %08x cannot be removed: %s", h->id.spi, e.msg);
	del_comp(s, inbound);
}

/* Out of the list, with all that it has in the kernel. */
static void ksa_free(struct ksa *s)
{
	struct ksa **at = &s->k->sas;

	while (*at && *at != s)
		at = &(*at)->next;
	if (*at)
		*at = s->next;
	timer_stop(loop_timers(s->k->env->loop), &s->linger);
	kpol_drop(&s->k->pols, s->id);
	del_half(s, false);
	del_half(s, true);
	secret_free(s->conf);
	free(s);
}

/* While it is held: has a packet come? Once it is used or going, the timer is linger's. */
static void on_timer(void *arg)
{
	struct ksa *s = arg;
	struct xfrm_seen seen;

	if (s->going) {
		ksa_free(s);
		return;
	}
	if (!s->held)
		return;
	if (look(s, true, &seen) && seen.packets)
		ksa_expired(s, true, false);
	else
		timer_set(loop_timers(s->k->env->loop), &s->linger, HELD_POLL_MS);
}

/* In the list, not in the kernel; takes conf. */
static struct ksa *ksa_new(struct kernel *k, struct sa_child *conf, const char *iface)
{
	const struct kiface *i = kernel_iface(k, iface);
	struct ksa *s = calloc(1, sizeof(*s));

	if (!s || !conf || !(s->reqid = kernel_reqid(k, conf->peer, conf->child))) {
		secret_free(conf);
		free(s);
		return NULL;
	}
	s->k = k;
	s->id = conf->id;
	s->conf = conf;
	s->held = conf->hold_out;
	snprintf(s->iface, sizeof(s->iface), "%s", iface);
	timer_init(&s->linger, on_timer, s);
	/* From host to host no route leads to an interface of ours. */
	s->if_id = i && conf->mode == MODE_TUNNEL ? i->if_id : 0;
	s->next = k->sas;
	k->sas = s;
	return s;
}

struct ksa *ksa_take(struct kernel *k, struct sa_child *conf, const char *iface,
		     const struct xfrm_seen *rx, const struct xfrm_seen *tx)
{
	struct ksa *s = ksa_new(k, conf, iface);

	if (!s)
		return NULL;
	s->adopted = true;
	s->rx = (struct khalf){ .id = rx->id, .in = true };
	s->tx = (struct khalf){ .id = tx->id, .in = true };
	s->hardware = kalg_driver(tx, s->engine, sizeof(s->engine));
	return s;
}

void ksa_add(struct kernel *k, const struct sa_child *c, const char *iface)
{
	struct sa_child *conf = secret_new(sizeof(*c));
	struct err e = { 0 };
	struct xfrm_seen seen;
	struct ksa *s;

	if (conf)
		*conf = *c;
	if (conf && !conf->proto)
		conf->proto = SA_ESP;
	s = ksa_new(k, conf, iface);
	if (!s) {
		k->env->sa_added(k->env->arg, c->id, "out of memory");
		return;
	}
	if (add_half(s, true, &e) < 0 || add_half(s, false, &e) < 0 || ksa_policies(s, &e) < 0) {
		ksa_free(s);
		k->env->sa_added(k->env->arg, c->id, e.msg);
		return;
	}
	secret_wipe(&s->conf->in, sizeof(s->conf->in));
	secret_wipe(&s->conf->out, sizeof(s->conf->out));
	if (look(s, false, &seen))
		s->hardware = kalg_driver(&seen, s->engine, sizeof(s->engine));
	if (s->held)
		timer_set(loop_timers(k->env->loop), &s->linger, HELD_POLL_MS);
	k->env->sa_added(k->env->arg, s->id, "");
}

/* ---- used, changed, out ---- */

void ksa_activate(struct ksa *s)
{
	struct err e = { 0 };

	if (!s->held)
		return;
	s->held = false;
	timer_stop(loop_timers(s->k->env->loop), &s->linger);
	set_limits(s, true);
	if (put_dir(s, XFRM_DIR_OUT, &e) < 0)
		log_error(s->conf->peer, "the new SA cannot be used: %s", e.msg);
}

void ksa_expired(struct ksa *s, bool inbound, bool hard)
{
	const struct backend_env *env = s->k->env;
	struct xfrm_seen seen;

	if (hard) {
		(inbound ? &s->rx : &s->tx)->in = false;
		/* Or the kernel would ask for a state of that very SPI, packet by packet. */
		kpol_drop_dir(&s->k->pols, s->id, XFRM_DIR_OUT);
		if (!s->going)
			env->sa_event(env->arg, s->id, SA_EVENT_HARD);
	} else if (s->held && inbound) {
		/* Forged packets are counted neither. */
		if (!look(s, true, &seen) || !seen.packets)
			return;
		ksa_activate(s);
		env->sa_event(env->arg, s->id, SA_EVENT_ACTIVE);
	} else if (!s->going) {
		soft_reached(s);
	}
}

static int move_half(struct ksa *s, bool inbound, struct err *e)
{
	struct khalf *h = inbound ? &s->rx : &s->tx;
	struct xfrm_ref to = h->id;
	uint16_t ports[2];

	if (!h->in)
		return 0;
	ends(s->conf, inbound, &to, ports);
	if (xfrm_sa_move(s->k->x, &h->id, &to, ports[0], ports[1], e) < 0) {
		h->in = xfrm_sa_get(s->k->x, &h->id, &(struct xfrm_seen){ 0 }, NULL) == 0;
		return -1;
	}
	h->id = to;
	return 0;
}

void ksa_update(struct ksa *s, const struct endpoint *local, const struct endpoint *remote)
{
	struct err e = { 0 };

	/* IPComp has no numbers that could be used twice. */
	del_comp(s, true);
	del_comp(s, false);
	s->conf->local = *local;
	s->conf->remote = *remote;
	if (!s->conf->local.port)
		s->conf->local.port = s->k->socks->natt_port;
	if (add_comp(s, true, &e) < 0 || add_comp(s, false, &e) < 0 ||
	    move_half(s, true, &e) < 0 || move_half(s, false, &e) < 0 ||
	    ksa_policies(s, &e) < 0) {
		log_error(s->conf->peer, "the SAs cannot follow the peer: %s", e.msg);
		s->k->env->sa_event(s->k->env->arg, s->id, SA_EVENT_HARD);
	}
}

void ksa_moved(struct ksa *s, const struct endpoint *remote)
{
	const struct backend_env *env = s->k->env;
	struct endpoint local = s->conf->local;
	uint32_t id = s->id;

	if (!s->conf->follow || s->going || endpoint_equal(remote, &s->conf->remote))
		return;
	ksa_update(s, &local, remote);
	env->moved(env->arg, id, remote);
}

/* The last that the child sends with goes: what was held for it is used from now on (RFC 7296
 * §2.8), before and not after, or packets in between would find no policy. */
static void hand_over(struct ksa *s)
{
	struct ksa *held = NULL;

	for (struct ksa *o = s->k->sas; o; o = o->next) {
		if (o == s || o->going || o->reqid != s->reqid)
			continue;
		if (!o->held)
			return;
		held = o;
	}
	if (held)
		ksa_activate(held);
}

void ksa_del(struct ksa *s, uint32_t linger_ms)
{
	if (!s->held)
		hand_over(s);
	kpol_drop_dir(&s->k->pols, s->id, XFRM_DIR_OUT);
	del_half(s, false);
	if (!linger_ms || !s->rx.in) {
		ksa_free(s);
		return;
	}
	s->going = true;
	timer_set(loop_timers(s->k->env->loop), &s->linger, linger_ms);
}

static uint64_t ago_ms(uint64_t last_s)
{
	int64_t now = clock_wall_s();

	if (!last_s)
		return UINT64_MAX;
	return now > (int64_t)last_s ? (uint64_t)(now - (int64_t)last_s) * 1000 : 0;
}

void ksa_query(struct ksa *s)
{
	struct sa_stats st = { .id = s->id, .last_rx_ms = UINT64_MAX, .last_tx_ms = UINT64_MAX };
	const struct backend_env *env = s->k->env;
	struct xfrm_seen seen;

	if (look(s, true, &seen)) {
		st.rx_bytes = seen.bytes;
		st.rx_packets = seen.packets;
		st.last_rx_ms = seen.packets ? ago_ms(seen.last_s) : UINT64_MAX;
		st.drop_replay = seen.drop_replay;
		st.drop_auth = seen.drop_auth;
		st.offload = seen.offload;
	}
	if (look(s, false, &seen)) {
		st.tx_bytes = seen.bytes;
		st.tx_packets = seen.packets;
		st.last_tx_ms = seen.packets ? ago_ms(seen.last_s) : UINT64_MAX;
		st.offload = seen.offload;
	}
	snprintf(st.engine, sizeof(st.engine), "%s", s->engine);
	st.hardware = s->hardware;
	env->sa_stats(env->arg, &st);
	/* The other half may have used what this one still hoped for. */
	if (!s->held && (s->conf->hard_bytes || s->conf->hard_packets)) {
		set_limits(s, true);
		set_limits(s, false);
	}
}

/* ---- lost ones ---- */

static bool there(struct ksa *s, struct khalf *h)
{
	struct xfrm_seen seen;

	return h->in && xfrm_sa_get(s->k->x, &h->id, &seen, NULL) == 0;
}

void ksa_check_all(struct kernel *k)
{
	const struct backend_env *env = k->env;
	size_t n = 0, gone = 0;
	struct ksa *s;

	for (s = k->sas; s; s = s->next) {
		bool was = s->rx.in && s->tx.in;

		if (s->going)
			continue;
		s->rx.in = there(s, &s->rx);
		s->tx.in = there(s, &s->tx);
		n++;
		gone += was && (!s->rx.in || !s->tx.in);
	}
	if (!gone)
		return;
	if (gone == n) {
		log_warning(NULL, "the kernel's SAs were flushed by somebody, they are made anew");
		while (k->sas)
			ksa_free(k->sas);
		env->lost(env->arg);
		return;
	}
	/* The callback may take any of them out. */
	do {
		for (s = k->sas; s && (s->going || (s->rx.in && s->tx.in)); s = s->next)
			;
		if (s) {
			uint32_t id = s->id;

			log_warning(s->conf->peer, "an SA was deleted by somebody");
			s->rx.in = s->tx.in = true;	/* told once; what is left goes later */
			env->sa_event(env->arg, id, SA_EVENT_HARD);
		}
	} while (s);
}

void ksa_fini(struct kernel *k)
{
	while (k->sas)
		ksa_free(k->sas);
}
