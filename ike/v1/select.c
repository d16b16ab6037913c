/* select: IKEv1 has one pair of networks in a Quick mode, so a configured child of several
 * becomes several pairs of ESP SAs: each local network with each remote one of its family. How
 * pairs are counted is ike/engine's (slots.c); a child of one network each is PAIR_ALL. */
#include "ike/v1/v1.h"

unsigned pair_count(const struct child_conf *cc)
{
	return (unsigned)cc->n_local * cc->n_remote;
}

uint16_t pair_id(const struct child_conf *cc, unsigned k)
{
	return pair_count(cc) > 1 ? (uint16_t)k : PAIR_ALL;
}

bool pair_selectors(const struct child_conf *cc, uint16_t pair, struct selector *local,
		    struct selector *remote)
{
	struct ts_list l, r;

	slot_selectors(cc, pair, &l, &r);
	*local = l.s[0];
	*remote = r.s[0];
	return local->from.family == remote->from.family;
}

bool pair_find(const struct peer *p, const struct selector *local,
	       const struct selector *remote, uint8_t *slot, uint16_t *pair)
{
	int most = 0;

	for (uint8_t i = 0; i < p->conf.n_children; i++) {
		const struct child_conf *cc = &p->conf.children[i];

		for (unsigned k = 0; k < pair_count(cc) && !child_is_plain(cc); k++) {
			struct selector l, r;
			int how;

			if (!pair_selectors(cc, pair_id(cc, k), &l, &r) ||
			    !selector_covers(&l, local) || !selector_covers(&r, remote))
				continue;
			how = 2 + 2 * (selector_equal(&l, local) && selector_equal(&r, remote)) -
			      (pair_child(p, i, pair_id(cc, k)) != NULL);
			if (how <= most)
				continue;
			most = how;
			*slot = i;
			*pair = pair_id(cc, k);
		}
	}
	return most > 0;
}

struct child *pair_child(const struct peer *p, uint8_t slot, uint16_t pair)
{
	struct child *best = NULL;

	for (struct child *c = p->children; c; c = c->next) {
		if (c->slot != slot || (c->pair != pair && c->pair != PAIR_ALL) ||
		    c->state == CH_DELETING || c->state == CH_REKEYED || c->del_want)
			continue;
		if (!best || c->id > best->id)
			best = c;
	}
	return best;
}
