/* kadopt: why: the kernel moves packets on when aditd is killed. The next one finds what flows
 * by the marks that all of ours carries (reqid and priority ranges), takes it over as it is,
 * and removes the rest of it; what others made is not looked at twice.
 *
 * The halves of a pair know each other by a number the kernel keeps for us: on both it is the
 * inbound SPI. Peer and child are told by the reqid, which hangs on their names alone. */
#include "dataplane/xfrm/kernel.h"

#include "core/base/log.h"
#include "core/base/secret.h"
#include "core/net/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINGER_MS 5000

struct all {
	struct xfrm_seen *sas;
	size_t n_sas;
	struct xfrm_pol *pols;
	size_t n_pols;
	bool bad;
};

static void *one_more(struct all *a, void *v, size_t n, size_t size)
{
	void *p = realloc(v, (n + 1) * size);

	a->bad = a->bad || !p;
	return p;
}

static void keep_sa(void *arg, const struct xfrm_seen *s)
{
	struct all *a = arg;
	struct xfrm_seen *v;

	if (s->larval || !xfrm_reqid_is_ours(s->reqid) || s->mark != ROUTE_MARK)
		return;
	v = one_more(a, a->sas, a->n_sas, sizeof(*v));
	if (!v)
		return;
	a->sas = v;
	a->sas[a->n_sas++] = *s;
}

static bool pol_is_ours(const struct xfrm_pol *p)
{
	return (p->priority & ~0xfffffu) == XFRM_PRIORITY &&
	       (!p->n_tmpl || xfrm_reqid_is_ours(p->tmpl[0].reqid));
}

static void keep_pol(void *arg, const struct xfrm_pol *p)
{
	struct all *a = arg;
	struct xfrm_pol *v;

	if (!pol_is_ours(p))
		return;
	v = one_more(a, a->pols, a->n_pols, sizeof(*v));
	if (!v)
		return;
	a->pols = v;
	a->pols[a->n_pols++] = *p;
}

static bool is_inbound(const struct xfrm_seen *s)
{
	return s->pair == s->id.spi;
}

/* The other half, or IPComp's part in the same direction as like. */
static const struct xfrm_seen *find(const struct all *a, const struct xfrm_seen *of, bool comp,
				    const struct xfrm_seen *like)
{
	for (size_t i = 0; i < a->n_sas; i++) {
		const struct xfrm_seen *s = &a->sas[i];

		if (s == of || s->pair != of->pair || s->reqid != of->reqid ||
		    (s->id.proto == IPPROTO_COMP) != comp || (!comp && is_inbound(s)))
			continue;
		if (!like || (addr_equal(&s->id.dst, &like->id.dst) &&
			      addr_equal(&s->id.src, &like->id.src)))
			return s;
	}
	return NULL;
}

static void add_selector(struct selector *v, uint8_t *n, const struct prefix *net, uint8_t proto,
			 uint16_t port, uint16_t mask)
{
	struct selector s = selector_of(net);

	s.proto = proto;
	if (proto) {
		s.port_from = port & mask;
		s.port_to = port | (uint16_t)~mask;
	}
	for (size_t i = 0; i < *n; i++)
		if (selector_equal(&v[i], &s))
			return;
	if (*n < SA_SELECTORS_MAX)
		v[(*n)++] = s;
}

/* Of what the inbound policies let through. */
static void read_selectors(const struct all *a, uint32_t reqid, struct sa_child *c)
{
	for (size_t i = 0; i < a->n_pols; i++) {
		const struct xfrm_pol *p = &a->pols[i];

		if (p->dir != XFRM_DIR_IN || !p->n_tmpl || p->tmpl[0].reqid != reqid)
			continue;
		add_selector(c->remote_ts, &c->n_remote, &p->sel.src, p->sel.proto, p->sel.sport,
			     p->sel.sport_mask);
		add_selector(c->local_ts, &c->n_local, &p->sel.dst, p->sel.proto, p->sel.dport,
			     p->sel.dport_mask);
	}
}

/* Is it the one that packets are sent with? */
static bool is_used(const struct all *a, const struct xfrm_seen *tx)
{
	for (size_t i = 0; i < a->n_pols; i++) {
		const struct xfrm_pol *p = &a->pols[i];
		const struct xfrm_tmpl *t = p->n_tmpl ? &p->tmpl[p->n_tmpl - 1] : NULL;

		if (p->dir == XFRM_DIR_OUT && t && t->spi == tx->id.spi &&
		    addr_equal(&t->dst, &tx->id.dst))
			return true;
		/* From host to host the template has no addresses. */
		if (p->dir == XFRM_DIR_OUT && t && t->spi == tx->id.spi && !t->tunnel)
			return true;
	}
	return false;
}

static const struct kiface *iface_of(const struct kernel *k, const char *peer)
{
	const struct kiface *i = k->ifaces;

	while (i && strcmp(i->peer, peer) != 0)
		i = i->next;
	return i;
}

static struct sa_child *child_of(const struct all *a, const struct kchild *kc,
				 const struct xfrm_seen *rx, const struct xfrm_seen *tx)
{
	struct sa_child *c = secret_new(sizeof(*c));
	const struct xfrm_seen *comp_rx = find(a, rx, true, rx), *comp_tx = find(a, rx, true, tx);

	if (!c)
		return NULL;
	snprintf(c->peer, sizeof(c->peer), "%s", kc->peer);
	snprintf(c->child, sizeof(c->child), "%s", kc->child);
	c->proto = rx->id.proto;
	c->spi_in = rx->id.spi;
	c->spi_out = tx->id.spi;
	c->local.addr = rx->id.dst;
	c->remote.addr = rx->id.src;
	c->udp_encap = tx->encap;
	c->local.port = tx->encap_sport;
	c->remote.port = tx->encap_dport;
	c->esn = tx->esn;
	c->follow = tx->encap;
	c->mode = rx->tunnel || (comp_rx && comp_rx->tunnel) ? MODE_TUNNEL : MODE_TRANSPORT;
	if (comp_rx && comp_tx) {
		c->cpi_in = (uint16_t)comp_rx->id.spi;
		c->cpi_out = (uint16_t)comp_tx->id.spi;
	}
	c->hard_life_s = (uint32_t)rx->limits.hard_s;
	kalg_read(tx, c);
	read_selectors(a, rx->reqid, c);
	return c;
}

/* True when the pair is this instance's now. */
static bool take(struct kernel *k, const struct all *a, const struct xfrm_seen *rx,
		 const struct xfrm_seen *tx,
		 void (*found)(void *arg, const struct sa_child *sa, const char *iface), void *arg)
{
	const struct kchild *kc = kernel_child(k, rx->reqid);
	const struct kiface *i = kc ? iface_of(k, kc->peer) : NULL;
	struct err e = { 0 };
	struct sa_child *c;
	struct ksa *s;

	/* Of an interface that was made anew no route leads to it any more. */
	if (!i || (rx->tunnel && rx->if_id != i->if_id))
		return false;
	c = child_of(a, kc, rx, tx);
	if (!c || !c->n_local || !c->n_remote) {
		secret_free(c);
		return false;
	}
	c->id = ++k->last_adopted;
	s = ksa_take(k, c, i->name, rx, tx);
	if (!s)
		return false;
	s->held = !is_used(a, tx);
	if (ksa_policies(s, &e) < 0) {
		log_warning(s->conf->peer, "an SA from before: %s", e.msg);
		ksa_del(s, 0);
		return true;
	}
	if (s->held)
		ksa_del(s, LINGER_MS);	/* what a rekey left: it may still receive */
	else
		found(arg, s->conf, i->name);
	return true;
}

static bool is_taken(struct kernel *k, const struct xfrm_seen *s)
{
	bool inbound;

	for (const struct ksa *t = k->sas; t; t = t->next)
		if (t->reqid == s->reqid && t->conf->spi_in == s->pair &&
		    (s->id.proto == IPPROTO_COMP || ksa_by_ref(k, &s->id, &inbound)))
			return true;
	return false;
}

void kadopt(struct kernel *k,
	    void (*found)(void *arg, const struct sa_child *sa, const char *iface), void *arg)
{
	struct all a = { 0 };
	struct err e = { 0 };
	unsigned gone = 0;

	if (xfrm_sa_list(k->x, keep_sa, &a, &e) < 0 || xfrm_pol_list(k->x, keep_pol, &a, &e) < 0 ||
	    a.bad) {
		log_warning(NULL, "what an earlier instance left in the kernel cannot be read: %s",
			    a.bad ? "out of memory" : e.msg);
		goto out;
	}
	for (size_t i = 0; i < a.n_sas; i++) {
		const struct xfrm_seen *rx = &a.sas[i], *tx;

		if (rx->id.proto == IPPROTO_COMP || !is_inbound(rx))
			continue;
		tx = find(&a, rx, false, NULL);
		if (tx)
			(void)take(k, &a, rx, tx, found, arg);
	}
	for (size_t i = 0; i < a.n_sas; i++)
		if (!is_taken(k, &a.sas[i]) && xfrm_sa_del(k->x, &a.sas[i].id, &e) == 0)
			gone++;
	for (size_t i = 0; i < a.n_pols; i++)
		if (!kpol_has(&k->pols, &a.pols[i]) && xfrm_pol_del(k->x, &a.pols[i], &e) == 0)
			gone++;
	if (gone)
		log_info(NULL, "%u states and policies of an earlier instance were removed", gone);
out:
	free(a.sas);
	free(a.pols);
}
