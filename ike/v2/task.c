/* task: what an established IKE SA does next. Nothing is queued: each wish is a flag or a
 * time on the thing it is about, and whenever the window is free the most urgent is done.
 */
#include "ike/v2/v2.h"

#include "core/base/clock.h"

#define NOT_OURS_MS \
	10000 /* who did not begin the IKE SA leaves children to the other \
	       * side for so long */
#define STATS_MS 300		/* the dataplane's answer is waited for */
#define SLEEP_MAX_MS (24 * 3600 * 1000u)

/* Do we see to it that a slot's child stands, and from when on? 0: no. */
static uint64_t slot_due(const struct ike_sa *sa, uint8_t slot)
{
	const struct peer *p = sa->peer;
	const struct slot *s = &p->slots[slot];
	uint64_t from = sa->established_ms;
	uint16_t pair;

	if (sa != p->main || sa->kill_at || p->e->stopping || p->gone)
		return 0;
	if (!slot_missing(p, slot, slot_by_pair(p, slot), &pair))
		return 0;
	if (!sa->owner) {
		if (p->conf.start != START_START)
			return 0;
		from += NOT_OURS_MS;
	}
	return s->next_ms > from ? s->next_ms : from;
}

static bool child_rekey_due(const struct child *c, uint64_t now)
{
	return c->state == CH_LIVE && !c->rekeying && !c->replaced_by && !c->del_want &&
	       !c->stale && c->slot != SLOT_NONE && now >= c->rekey_at;
}

/* Is there another that carries this one's traffic meanwhile? */
static bool relieved(const struct child *c)
{
	for (const struct child *o = c->peer->children; o; o = o->next)
		if (o != c && o->slot == c->slot && !o->held && child_overlaps(o, c) &&
		    (o->state == CH_LIVE || o->state == CH_REKEYED))
			return true;
	return false;
}

/* A child waits for traffic on it, or for the end of the one before it (§2.8); where that
 * is gone already, however it went, there is nothing to wait for. */
static void release_held(struct ike_sa *sa, uint64_t now)
{
	for (struct child *c = sa->peer->children; c; c = c->next)
		if (c->sa == sa && c->held && c->state == CH_LIVE &&
		    ((c->release_at && now >= c->release_at) || !relieved(c)))
			child_activate(c);
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

static bool delete_due(const struct ike_sa *sa)
{
	if (v2(sa)->orphan_spi)
		return true;
	for (const struct child *c = sa->peer->children; c; c = c->next)
		if (c->sa == sa && c->del_want)
			return true;
	return false;
}

/* Liveness, §2.4: first ask the dataplane whether something came over the children. */
static bool liveness_due(struct ike_sa *sa, uint64_t now)
{
	struct engine *e = sa->e;
	uint64_t delay = (uint64_t)sa->peer->conf.dpd_delay_s * 1000;

	if (!delay || now < sa->last_rx_ms + delay) {
		v2(sa)->dpd_asked = false;
		return false;
	}
	if (v2(sa)->dpd_asked)
		return now >= v2(sa)->dpd_at;
	v2(sa)->dpd_asked = true;
	v2(sa)->dpd_at = now + STATS_MS;
	for (struct child *c = sa->peer->children; c; c = c->next)
		if (c->sa == sa && c->state == CH_LIVE)
			e->env.sa_query(e->env.arg, c->id);
	return false;
}

/* The most urgent; window is free. */
static void start_task(struct ike_sa *sa, uint64_t now)
{
	struct peer *p = sa->peer;

	forget_late_deletes(sa, now);
	if (delete_due(sa)) {
		info_delete_children(sa);
		return;
	}
	if (p->e->stopping || p->gone || sa->kill_at || v2(sa)->rekeyed_by)
		return;
	if (mobike_due(sa)) {
		mobike_send(sa);
		return;
	}
	if (now >= sa->rekey_at && !v2(sa)->held_for) {
		rekey_ike(sa);
		return;
	}
	for (struct child *c = p->children; c; c = c->next)
		if (c->sa == sa && child_rekey_due(c, now)) {
			create_child(sa, c->slot, c);
			return;
		}
	for (uint8_t i = 0; i < p->conf.n_children; i++) {
		uint64_t due = slot_due(sa, i);

		if (due && now >= due) {
			create_child(sa, i, NULL);
			return;
		}
	}
	if (liveness_due(sa, now)) {
		v2(sa)->dpd_asked = false;
		info_liveness(sa);
	}
}

static void sooner(uint64_t *at, uint64_t t)
{
	if (t && t < *at)
		*at = t;
}

static void arm(struct ike_sa *sa, uint64_t now)
{
	const struct peer *p = sa->peer;
	uint64_t at = now + SLEEP_MAX_MS;

	sooner(&at, sa->kill_at);
	sooner(&at, sa->expire_at);
	sooner(&at, sa->reauth_at);
	sooner(&at, sa->auth_end_at);
	for (const struct child *c = p->children; c; c = c->next)
		if (c->sa == sa && c->held)
			sooner(&at, c->release_at);
	if (!req_out(sa)) {
		sooner(&at, sa->rekey_at);
		if (p->conf.dpd_delay_s)
			sooner(&at, v2(sa)->dpd_asked ? v2(sa)->dpd_at : sa->last_rx_ms +
			       (uint64_t)p->conf.dpd_delay_s * 1000);
		for (const struct child *c = p->children; c; c = c->next) {
			if (c->sa != sa)
				continue;
			if (c->state == CH_LIVE && !c->replaced_by && !c->rekeying)
				sooner(&at, c->rekey_at);
			sooner(&at, c->give_up_at);
		}
		for (uint8_t i = 0; i < p->conf.n_children; i++)
			sooner(&at, slot_due(sa, i));
	}
	/* What is due and cannot go on now is looked at again a little later. */
	timer_set(sa->e->ts, &sa->timer, at > now + 100 ? at - now : 100);
}

static void kill_it(struct ike_sa *sa)
{
	sa->admin = true;
	if (sa->kill_silent)
		sa_drop(sa);
	else
		sa_close(sa);
}

void task_next(struct ike_sa *sa)
{
	uint64_t now = clock_ms();

	if (sa->state == SA_REKEYED) {
		if (sa->want_delete && !req_out(sa))
			sa_step(sa, EV_CLOSE, ROLE_EVENT, NULL);
		return;
	}
	if (sa->state != SA_ESTABLISHED)
		return;
	if (sa->kill_at && (now >= sa->kill_at || again_handed_over(sa))) {
		sa->kill_at = 0;
		kill_it(sa);
		return;
	}
	if (sa->want_delete) {
		if (!req_out(sa))
			sa_step(sa, EV_CLOSE, ROLE_EVENT, NULL);
		return;
	}
	if (now >= sa->expire_at) {
		sa_why(sa, false, "the IKE SA's lifetime ended before it was rekeyed");
		sa_close(sa);
		return;
	}
	if (again_next(sa, now))
		return;
	release_held(sa, now);
	if (!req_out(sa))
		start_task(sa, now);
	if (sa->state == SA_ESTABLISHED)
		arm(sa, now);
}
