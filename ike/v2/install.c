/* install: what follows when the dataplane has taken a pair in: which pair of several is
 * the one to stay, and who deletes the others (RFC 7296 §2.8, §2.8.1, §2.25.1). */
#include "ike/v2/v2.h"

#include "core/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOGETHER_MS 10000	/* two made within this time by the two sides collided */

static bool covered(const struct selector *ts, uint8_t n, const struct selector *by,
		    uint8_t m)
{
	for (uint8_t i = 0; i < n; i++) {
		uint8_t j;

		for (j = 0; j < m && !selector_covers(&by[j], &ts[i]); j++)
			;
		if (j == m)
			return false;
	}
	return true;
}

/* Everything that old carries, c carries too. */
static bool supersedes(const struct child *c, const struct child *old)
{
	return covered(old->ts, old->n_local, c->ts, c->n_local) &&
	       covered(old->ts + old->n_local, old->n_remote, c->ts + c->n_local,
		       c->n_remote);
}

/* The peer is to delete it; if it forgets, we do. */
static void wait_for_delete(struct child *c)
{
	c->state = CH_REKEYED;
	c->give_up_at = clock_ms() + REKEYED_MS;
}

static void delete_it(struct child *c)
{
	c->state = CH_REKEYED;
	c->del_want = true;
}

/* Our rekey is through. When the peer rekeyed the same one meanwhile, the pair made with
 * the lowest of the four nonces goes, and the side that made it deletes it; the other
 * one's maker deletes the old pair (§2.8.1). */
static void rekey_through(struct child *c)
{
	struct child *old = engine_child(c->peer->e, c->replaces);
	struct child *theirs;

	if (!old)
		return;
	old->rekeying = false;
	theirs = old->replaced_by ? engine_child(c->peer->e, old->replaced_by) : NULL;
	if (!theirs || theirs == c) {
		old->replaced_by = c->id;
		delete_it(old);
		return;
	}
	log_debug(c->peer->conf.name, "both sides rekeyed at once");
	if (memcmp(c->nonce_min, theirs->nonce_min, NONCE_CMP) < 0) {
		delete_it(c);
		wait_for_delete(old);
	} else {
		old->replaced_by = c->id;
		delete_it(old);
		wait_for_delete(theirs);
	}
}

/* The peer's rekey is in: it will delete the old one, unless ours is under way too. */
static void rekeyed_by_peer(struct child *c)
{
	struct child *old = engine_child(c->peer->e, c->replaces);

	if (old && !old->rekeying && old->state == CH_LIVE)
		wait_for_delete(old);
}

/* A new one where there is one already: the newest stays; but when each side made one at
 * the same moment, both must throw away the same. */
static void drop_duplicates(struct child *c)
{
	for (struct child *o = c->peer->children; o; o = o->next) {
		struct child *loser = o;
		uint64_t apart;

		if (o == c || o->slot != c->slot || o->sa != c->sa ||
		    o->state != CH_LIVE || o->rekeying || !supersedes(c, o))
			continue;
		apart = c->created_ms > o->created_ms ? c->created_ms - o->created_ms : 0;
		if (o->initiator != c->initiator && apart < TOGETHER_MS &&
		    memcmp(c->nonce_min, o->nonce_min, NONCE_CMP) < 0)
			loser = c;
		delete_it(loser);
		if (loser == c)
			return;
	}
}

static void words(const struct child *c, char *buf, size_t cap)
{
	struct ts_list ts = { 0 };
	char alg[STATUS_ALG_MAX], local[160], remote[160];

	ts.n = c->n_local;
	memcpy(ts.s, c->ts, c->n_local * sizeof(ts.s[0]));
	ts_str(&ts, local, sizeof(local));
	ts.n = c->n_remote;
	memcpy(ts.s, c->ts + c->n_local, c->n_remote * sizeof(ts.s[0]));
	ts_str(&ts, remote, sizeof(remote));
	snprintf(buf, cap, "%s, %s ↔ %s", chosen_str(&c->esp, alg, sizeof(alg)), local,
		 remote);
}

static void in_use(struct child *c)
{
	struct peer *p = c->peer;
	struct slot *s = &p->slots[c->slot];
	bool first = !s->up_since;
	char text[LOG_TEXT_MAX];

	words(c, text, sizeof(text));
	if (first) {
		*s = (struct slot){ .up_since = clock_ms(), .reason = s->reason };
		if (p->conf.n_children > 1)
			log_info(p->conf.name, "child %s up, %s",
				 p->conf.children[c->slot].name, text);
		else
			log_info(p->conf.name, "child up, %s", text);
	} else {
		s->rekeys += c->replaces != 0;
		log_at(c->replaces ? LL_DEBUG : LL_INFO, p->conf.name, "child %s, %s",
		       c->replaces ? "rekeyed" : "replaced", text);
	}
	s->failed = false;
	s->fails = 0;
	free(s->reason);
	s->reason = NULL;
	for (struct child *o = p->children; o; o = o->next)
		if (o != c && o->slot == c->slot && o->stale)
			o->del_want = true;
	peer_children_changed(p, NULL);
	if (first)
		peer_event(p, ENGINE_CHILD_UP, text);
	else
		peer_event(p, ENGINE_REKEYED, text);
}

static void refused(struct child *c, const char *why)
{
	struct ike_sa *sa = c->sa;
	struct child *old = engine_child(c->peer->e, c->replaces);

	if (old) {
		old->rekeying = false;
		old->replaced_by = 0;
	}
	sa->orphan_spi = c->spi_in;
	slot_fail(c->peer, c->slot, "the dataplane refuses the SA: %s",
		  why && *why ? why : "no reason given");
	if (sa->held_for == c->id)
		out_release(sa);
	child_remove(c, 0);
	task_next(sa);
}

void engine_sa_added(struct engine *e, uint32_t sa_id, bool ok, const char *why)
{
	struct child *c = engine_child(e, sa_id);
	struct ike_sa *sa;

	if (!c || c->state != CH_ADDING)
		return;
	sa = c->sa;
	if (!ok) {
		refused(c, why);
		engine_reap(e);
		return;
	}
	c->state = CH_LIVE;
	if (c->replaces && c->initiator)
		rekey_through(c);
	else if (c->replaces)
		rekeyed_by_peer(c);
	else
		drop_duplicates(c);
	if (sa->held_for == c->id)
		out_release(sa);
	if (c->slot == SLOT_NONE)
		c->del_want = true;
	else
		in_use(c);
	task_next(sa);
	engine_reap(e);
}

/* The dataplane does not use it any more. */
static void ended(struct child *c, const char *why)
{
	c->state = CH_DELETING;
	c->del_want = true;
	peer_children_changed(c->peer, why);
}

/* Nothing was wrong with it: it is made again at once, unless that happens all the time. */
#define GONE_PATIENCE_MS 1000
static void gone(struct child *c)
{
	struct slot *s = c->slot == SLOT_NONE ? NULL : &c->peer->slots[c->slot];
	bool lived = s && s->up_since && clock_ms() - s->up_since > GONE_PATIENCE_MS;

	ended(c, "its interface was deleted");
	if (lived)
		s->next_ms = clock_ms();
}

void engine_sa_event(struct engine *e, uint32_t sa_id, enum sa_event ev)
{
	struct child *c = engine_child(e, sa_id);

	if (!c)
		return;
	switch (ev) {
	case SA_EVENT_HARD:
		if (c->state == CH_DELETING)
			break;
		ended(c, "the child's lifetime ended before it was rekeyed");
		task_next(c->sa);
		break;
	case SA_EVENT_GONE:
		if (c->state == CH_DELETING)
			break;
		gone(c);
		task_next(c->sa);
		break;
	case SA_EVENT_SEQ_SOON:
		if (c->state == CH_LIVE)
			c->rekey_at = clock_ms();
		task_next(c->sa);
		break;
	case SA_EVENT_ACTIVE:
		c->held = false;
		break;
	}
	engine_reap(e);
}

void engine_sa_stats(struct engine *e, const struct sa_stats *st)
{
	struct child *c = engine_child(e, st->id);
	uint64_t now = clock_ms();

	if (!c)
		return;
	if (!c->stats)
		c->stats = malloc(sizeof(*c->stats));
	if (c->stats)
		*c->stats = *st;
	/* §2.4: whatever arrives over a child is a sign of life too. */
	if (st->last_rx_ms < now && now - st->last_rx_ms > c->sa->last_rx_ms)
		c->sa->last_rx_ms = now - st->last_rx_ms;
}
