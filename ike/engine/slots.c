/* slots: a configured child: which selectors it stands for, as a whole or one pair of networks
 * at a time (some peers take no more than a pair), what of it no pair of SAs serves yet, and
 * which of several the peer means.
 *
 * Pair k of a child is local network k / n_remote with remote network k % n_remote; pairs of
 * two families do not exist.
 */
#include "ike/engine/parts.h"

#include "core/base/clock.h"
#include "ike/engine/negotiation.h"

#include <string.h>

static struct selector selector_for(const struct child_conf *cc, const struct prefix *net,
				    bool local)
{
	struct selector s = selector_of(net);
	uint16_t lo = local ? cc->local_port_lo : cc->remote_port_lo;
	uint16_t hi = local ? cc->local_port_hi : cc->remote_port_hi;

	s.proto = cc->protocol;
	/* Unset is any, too. */
	s.port_from = lo;
	s.port_to = hi || lo ? hi : 65535;
	return s;
}

static void add_networks(const struct child_conf *cc, const struct prefix *v, uint8_t n,
			 bool local, struct ts_list *out)
{
	out->n = 0;
	out->unknown = out->more = false;
	for (uint8_t i = 0; i < n && out->n < TS_MAX; i++)
		out->s[out->n++] = selector_for(cc, &v[i], local);
}

void slot_selectors(const struct child_conf *cc, uint16_t pair, struct ts_list *local,
		    struct ts_list *remote)
{
	if (pair == PAIR_ALL || !cc->n_remote || pair / cc->n_remote >= cc->n_local) {
		add_networks(cc, cc->local_network, cc->n_local, true, local);
		add_networks(cc, cc->remote_network, cc->n_remote, false, remote);
		return;
	}
	add_networks(cc, &cc->local_network[pair / cc->n_remote], 1, true, local);
	add_networks(cc, &cc->remote_network[pair % cc->n_remote], 1, false, remote);
}

static bool is_pair(const struct child_conf *cc, uint16_t pair)
{
	return cc->local_network[pair / cc->n_remote].addr.family ==
	       cc->remote_network[pair % cc->n_remote].addr.family;
}

static uint16_t indices(const struct child_conf *cc)
{
	return (uint16_t)(cc->n_local * cc->n_remote);
}

bool slot_by_pair(const struct peer *p, uint8_t slot)
{
	if (slot >= p->conf.n_children || indices(&p->conf.children[slot]) < 2)
		return false;
	switch ((enum per_pair)p->conf.child_per_pair) {
	case PER_PAIR_YES:
		return true;
	case PER_PAIR_AUTO:
		return p->slots[slot].by_pair;
	case PER_PAIR_NO:
		break;
	}
	return false;
}

static bool meet(const struct selector *a, uint8_t n, const struct selector *b, uint8_t m)
{
	struct selector both;

	for (uint8_t i = 0; i < n; i++)
		for (uint8_t k = 0; k < m; k++)
			if (selector_intersect(&a[i], &b[k], &both))
				return true;
	return false;
}

static bool carries(const struct child *c, const struct ts_list *local,
		    const struct ts_list *remote)
{
	return meet(c->ts, c->n_local, local->s, local->n) &&
	       meet(c->ts + c->n_local, c->n_remote, remote->s, remote->n);
}

bool child_overlaps(const struct child *a, const struct child *b)
{
	return meet(a->ts, a->n_local, b->ts, b->n_local) &&
	       meet(a->ts + a->n_local, a->n_remote, b->ts + b->n_local, b->n_remote);
}

struct child *slot_overlap(const struct peer *p, uint8_t slot, const struct ts_list *local,
			   const struct ts_list *remote)
{
	for (struct child *c = p->children; c; c = c->next)
		if (c->slot == slot && c->state != CH_DELETING && carries(c, local, remote))
			return c;
	return NULL;
}

static bool serves(const struct child *c, uint8_t slot)
{
	return c->slot == slot && !c->stale && !c->del_want && c->state != CH_DELETING;
}

static bool pair_served(const struct peer *p, uint8_t slot, uint16_t pair)
{
	struct ts_list local, remote;

	slot_selectors(&p->conf.children[slot], pair, &local, &remote);
	for (const struct child *c = p->children; c; c = c->next)
		if (serves(c, slot) && (c->pair == pair || carries(c, &local, &remote)))
			return true;
	return false;
}

bool slot_missing(const struct peer *p, uint8_t slot, bool by_pair, uint16_t *pair)
{
	const struct child_conf *cc = &p->conf.children[slot];
	uint16_t n = indices(cc);

	*pair = PAIR_ALL;
	if (!slot_served(p, slot))
		return false;
	if (!by_pair || n < 2) {
		for (const struct child *c = p->children; c; c = c->next)
			if (serves(c, slot))
				return false;
		return true;
	}
	for (uint16_t i = 0; i < n; i++) {
		*pair = (uint16_t)((p->slots[slot].turn + i) % n);
		if (is_pair(cc, *pair) && !pair_served(p, slot, *pair))
			return true;
	}
	return false;
}

uint16_t slot_pair_of(const struct child_conf *cc, const struct ts_list *local,
		      const struct ts_list *remote)
{
	uint16_t n = indices(cc);

	for (uint16_t i = 0; n > 1 && i < n; i++) {
		struct ts_list l, r;

		slot_selectors(cc, i, &l, &r);
		if (is_pair(cc, i) && local->n == 1 && remote->n == 1 &&
		    selector_covers(&l.s[0], &local->s[0]) &&
		    selector_covers(&r.s[0], &remote->s[0]))
			return i;
	}
	return PAIR_ALL;
}

bool slot_try_pairs(struct peer *p, uint8_t slot, uint16_t pair)
{
	struct slot *s = &p->slots[slot];

	if (pair != PAIR_ALL) {
		s->turn = (uint16_t)(pair + 1);
		return false;
	}
	if (p->conf.child_per_pair != PER_PAIR_AUTO || s->by_pair ||
	    indices(&p->conf.children[slot]) < 2)
		return false;
	s->by_pair = true;
	s->next_ms = clock_ms();
	log_info(p->conf.name, "child %s: the peer refuses the networks together: one child "
		 "for each pair is tried", p->conf.children[slot].name);
	return true;
}

/* ---- which configured child is meant ---- */

struct slot_fit slot_choose(const struct peer *p, const struct ts_list *tsi,
			    const struct ts_list *tsr, const struct child *old)
{
	struct slot_fit best = { .slot = SLOT_NONE };
	int most = 0;

	for (uint8_t i = 0; i < p->conf.n_children; i++) {
		const struct child_conf *cc = &p->conf.children[i];
		struct slot_fit f = { .slot = i };
		struct ts_list local, remote;
		int score;

		if (child_is_plain(cc))
			continue;
		/* A peer that rekeys one of several pairs and offers all of them gets that pair:
		 * what it asks for besides has children of its own. */
		slot_selectors(cc, old && old->slot == i && slot_by_pair(p, i) ? old->pair :
			       PAIR_ALL, &local, &remote);
		f.fit = ts_narrow_to(tsi, tsr, &local, &remote, &f.tsi, &f.tsr);
		if (f.fit == TS_NONE)
			continue;
		score = (old && old->slot == i ? 100 : 0) + (int)f.fit * 2 +
			(slot_overlap(p, i, &f.tsr, &f.tsi) ? 0 : 1);
		if (score <= most)
			continue;
		most = score;
		best = f;
	}
	return best;
}

void slot_no_selectors(struct peer *p, const struct child *old,
		       const struct ts_list *tsi, const struct ts_list *tsr)
{
	uint8_t slot = old && old->slot != SLOT_NONE ? old->slot : 0;
	const struct child_conf *cc = slot_conf(p, slot);
	struct ts_list local, remote;
	char words[400];

	slot_selectors(cc, PAIR_ALL, &local, &remote);
	if (p->main) {
		struct negotiation *n = negotiation_child(p->main, slot, false, old != NULL,
							  NEG_SELECTORS);

		negotiation_selectors(&n->ts_theirs_local, tsr);
		negotiation_selectors(&n->ts_theirs_remote, tsi);
	}
	slot_fail(p, slot, "networks do not match: %s",
		  ts_compare(&local, &remote, tsr, tsi, words, sizeof(words)));
}
