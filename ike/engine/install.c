/* install: what follows when the dataplane has taken a pair in, or tells about one. */
#include "ike/engine/parts.h"

#include "ike/engine/negotiation.h"

#include "core/base/clock.h"
#include "core/base/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

bool child_supersedes(const struct child *c, const struct child *old)
{
	return covered(old->ts, old->n_local, c->ts, c->n_local) &&
	       covered(old->ts + old->n_local, old->n_remote, c->ts + c->n_local,
		       c->n_remote);
}

void child_wait_for_delete(struct child *c)
{
	c->state = CH_REKEYED;
	c->give_up_at = clock_ms() + REKEYED_MS;
}

void child_delete(struct child *c)
{
	c->state = CH_REKEYED;
	c->del_want = true;
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
	snprintf(buf, cap, "%s%s, %s ↔ %s", chosen_str(&c->esp, alg, sizeof(alg)),
		 c->cpi_out ? ", IPComp" : "", local, remote);
}

/* A rekey may need what the first negotiation does not, fresh keys of a group (PFS) above
 * all: where the two sides' settings differ there, that is better seen while the admin is
 * still at it than at the first rekey. Who keeps the tunnel up tries once. */
#define TEST_MS 8000
static void test_soon(struct child *c)
{
	struct peer *p = c->peer;
	uint64_t at = clock_ms() + rng_jitter(TEST_MS, 40);

	if (!p->conf.test_rekey || p->tested || !c->sa->owner)
		return;
	p->tested = true;
	if (c->rekey_at <= at)
		return;
	c->test = true;
	c->rekey_at = at;
}

void child_not_rekeyed(struct child *c, const char *why)
{
	if (!c->test) {
		c->rekey_at = clock_ms() + rng_jitter(30000, 30);
		slot_fail(c->peer, c->slot, "%s", why);
		return;
	}
	c->test = false;
	child_lifetimes(c);
	slot_fail(c->peer, c->slot, "a first rekey was tried: %s. The tunnel works now, and "
		  "would break in %u min, when its keys are used up", why,
		  (unsigned)((c->expire_at - clock_ms()) / 60000));
}

/* On another IKE SA, when that one is replaced: it has to be told. */
static void delete_stale(struct child *o, const struct child *c)
{
	o->del_want = true;
	if (o->sa != c->sa)
		timer_set(o->sa->e->ts, &o->sa->timer, 0);
}

static void in_use(struct child *c)
{
	struct peer *p = c->peer;
	struct slot *s = &p->slots[c->slot];
	bool first = !s->up_since;
	char text[LOG_TEXT_MAX];

	words(c, text, sizeof(text));
	if (first) {
		*s = (struct slot){ .up_since = clock_ms(), .reason = s->reason,
				    .by_pair = s->by_pair, .turn = s->turn };
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
	negotiation_child_up(p, c->slot);
	for (struct child *o = p->children; o; o = o->next)
		if (o != c && o->slot == c->slot && o->stale &&
		    (o->pair == c->pair || c->pair == PAIR_ALL || o->pair == PAIR_ALL))
			delete_stale(o, c);
	if (!c->replaces)
		test_soon(c);
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
	slot_fail(c->peer, c->slot, "the dataplane refuses the SA: %s",
		  why && *why ? why : "no reason given");
	sa->ops->child_refused(c);
	child_remove(c, 0);
	sa_next(sa);
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
	sa->ops->child_in(c);
	if (c->slot == SLOT_NONE)
		c->del_want = true;
	else
		in_use(c);
	sa_next(sa);
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
		sa_next(c->sa);
		break;
	case SA_EVENT_GONE:
		if (c->state == CH_DELETING)
			break;
		gone(c);
		sa_next(c->sa);
		break;
	case SA_EVENT_SOFT:
		if (c->state == CH_LIVE)
			c->rekey_at = clock_ms();
		sa_next(c->sa);
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
