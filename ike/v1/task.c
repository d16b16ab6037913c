/* task: what an ISAKMP SA that stands does next: Deletes, rekeys of both kinds, children that
 * are missing, whether the peer is there. Each wish is a flag or a time on the thing it is
 * about. */
#include "ike/v1/v1.h"

#include "core/base/clock.h"
#include "core/base/rng.h"

#define NOT_OURS_MS 10000	/* who did not begin leaves children to the other side */
#define STATS_MS 300		/* the dataplane's answer is waited for */
#define DPD_REPEAT_MS 5000	/* RFC 3706 §5.5 leaves it to us */
#define DPD_REPEATS 5
#define REKEY_RETRY_MS 60000
#define OUT_KEPT_MS 120000	/* longer than anybody repeats */
#define SLEEP_MAX_MS (24 * 3600 * 1000u)

/* From when on a missing pair is our business; 0: not. */
static uint64_t slot_from(const struct ike_sa *sa, uint8_t slot)
{
	const struct peer *p = sa->peer;
	const struct slot *s = &p->slots[slot];
	uint64_t from = sa->established_ms;

	if (sa != p->main || sa->kill_at || p->e->stopping || p->gone)
		return 0;
	if (!sa->owner) {
		if (p->conf.start != START_START)
			return 0;
		from += NOT_OURS_MS;
	}
	return s->next_ms > from ? s->next_ms : from;
}

static bool under_way(const struct ike_sa *sa, uint8_t slot, uint16_t pair)
{
	for (const struct quick *q = v1(sa)->quicks; q; q = q->next)
		if (q->slot == slot && q->pair == pair && q->state != QI_DONE &&
		    q->state != QR_DONE)
			return true;
	return false;
}

static bool missing(const struct ike_sa *sa, uint8_t slot, unsigned k)
{
	const struct child_conf *cc = &sa->peer->conf.children[slot];
	uint16_t pair = pair_id(cc, k);
	const struct child *c = pair_child(sa->peer, slot, pair);
	struct selector local, remote;

	return slot_served(sa->peer, slot) && (!c || c->stale) && pair_selectors(cc, pair, &local, &remote) &&
	       !under_way(sa, slot, pair);
}

static bool any_missing(const struct ike_sa *sa, uint8_t slot)
{
	for (unsigned k = 0; k < pair_count(&sa->peer->conf.children[slot]); k++)
		if (missing(sa, slot, k))
			return true;
	return false;
}

static void start_missing(struct ike_sa *sa, uint64_t now)
{
	struct peer *p = sa->peer;

	for (uint8_t i = 0; i < p->conf.n_children; i++) {
		unsigned n = pair_count(&p->conf.children[i]);

		for (unsigned k = 0; k < n; k++) {
			uint64_t from = slot_from(sa, i);

			if (!from || now < from || quick_count(sa, true) >= QUICKS_OURS)
				break;
			if (missing(sa, i, k))
				quick_start(sa, i, pair_id(&p->conf.children[i], k), NULL);
		}
	}
}

static bool child_rekey_due(const struct child *c, uint64_t now)
{
	return c->state == CH_LIVE && !c->rekeying && !c->del_want && !c->stale &&
	       c->slot != SLOT_NONE && now >= c->rekey_at;
}

static void forget_late_deletes(struct ike_sa *sa, uint64_t now)
{
	for (struct child *c = sa->peer->children; c; c = c->next)
		if (c->sa == sa && c->state == CH_REKEYED && c->give_up_at &&
		    now >= c->give_up_at) {
			c->give_up_at = 0;
			c->del_want = true;
		}
}

/* A new ISAKMP SA before this one's time is over; the children go over to it. */
static void rekey(struct ike_sa *sa, uint64_t now)
{
	struct ike_sa *n;

	sa->rekey_at = now + rng_jitter(REKEY_RETRY_MS, 20);
	for (struct ike_sa *o = sa->peer->sas; o; o = o->peer_next)
		if (o->ops == &v1_ops && o->by_rekey && o->state < V1_UP)
			return;
	n = sa_new(sa->peer, &v1_ops, true);
	if (!n)
		return;
	n->by_rekey = true;
	n->local = sa->local;
	n->remote = sa->remote;
	n->ops->start(n);
}

/* First ask the dataplane whether something came over the children. */
static bool liveness_due(struct ike_sa *sa, uint64_t now)
{
	struct v1_sa *v = v1(sa);
	struct engine *e = sa->e;
	uint64_t delay = (uint64_t)sa->peer->conf.dpd_delay_s * 1000;

	if (!delay || !v->dpd || now < sa->last_rx_ms + delay) {
		v->dpd_asked = false;
		v->dpd_sent = 0;
		return false;
	}
	if (v->dpd_asked)
		return now >= v->dpd_at;
	v->dpd_asked = true;
	v->dpd_at = now + STATS_MS;
	for (struct child *c = sa->peer->children; c; c = c->next)
		if (c->sa == sa && c->state == CH_LIVE)
			e->env.sa_query(e->env.arg, c->id);
	return false;
}

/* False: it is dead, and so is this SA. */
static bool liveness(struct ike_sa *sa, uint64_t now)
{
	struct v1_sa *v = v1(sa);

	if (!liveness_due(sa, now))
		return true;
	if (v->dpd_sent >= DPD_REPEATS) {
		negotiation_fail(sa, NEG_NO_ANSWER)->sent = v->dpd_sent;
		sa_why(sa, false, "the peer does not answer any more");
		sa->dead_peer = true;
		v1_step(sa, ON_NO_ANSWER, NULL);
		return false;
	}
	v->dpd_at = now + DPD_REPEAT_MS;
	note_are_you_there(sa);
	return true;
}

static void sooner(uint64_t *at, uint64_t t)
{
	if (t && t < *at)
		*at = t;
}

static void arm(struct ike_sa *sa, uint64_t now)
{
	const struct peer *p = sa->peer;
	const struct v1_sa *v = v1(sa);
	uint64_t at = now + SLEEP_MAX_MS;

	sooner(&at, sa->kill_at);
	sooner(&at, sa->expire_at);
	sooner(&at, sa->rekey_at);
	sooner(&at, sa->reauth_at);
	sooner(&at, sa->auth_end_at);
	if (p->conf.dpd_delay_s && v->dpd)
		sooner(&at, v->dpd_asked ? v->dpd_at :
		       sa->last_rx_ms + (uint64_t)p->conf.dpd_delay_s * 1000);
	for (const struct child *c = p->children; c; c = c->next) {
		if (c->sa != sa)
			continue;
		if (c->state == CH_LIVE && !c->rekeying)
			sooner(&at, c->rekey_at);
		sooner(&at, c->give_up_at);
	}
	for (uint8_t i = 0; i < p->conf.n_children; i++)
		if (slot_from(sa, i) && any_missing(sa, i))
			sooner(&at, slot_from(sa, i));
	/* What is due and cannot go on now is looked at again a little later. */
	timer_set(sa->e->ts, &sa->timer, at > now + 100 ? at - now : 100);
}

void v1_next(struct ike_sa *sa)
{
	struct peer *p = sa->peer;
	uint64_t now = clock_ms();

	if (sa->state != V1_UP)
		return;
	if (sa->kill_at && now >= sa->kill_at) {
		sa->kill_at = 0;
		sa->admin = true;
		if (sa->kill_silent)
			sa_drop(sa);
		else
			sa_close(sa);
		return;
	}
	if (now >= sa->expire_at) {
		sa_why(sa, false, "the IKE SA's lifetime ended before it was rekeyed");
		sa_close(sa);
		return;
	}
	if (again_next(sa, now))
		return;
	/* Nobody will want phase 1's last message again. */
	if (v1(sa)->out.p && now >= sa->established_ms + OUT_KEPT_MS)
		blob_free(&v1(sa)->out);
	forget_late_deletes(sa, now);
	note_delete_children(sa, false);
	if (!p->e->stopping && !p->gone && !sa->kill_at) {
		if (now >= sa->rekey_at)
			rekey(sa, now);
		for (struct child *c = p->children; c; c = c->next)
			if (c->sa == sa && child_rekey_due(c, now) &&
			    quick_count(sa, true) < QUICKS_OURS)
				quick_start(sa, c->slot, c->pair, c);
		start_missing(sa, now);
		if (!liveness(sa, now))
			return;
	}
	if (sa->state == V1_UP)
		arm(sa, now);
}
