/* again: calls beside an IKE SA that stands, or without one: to prove anew who both are,
 * before the old proof is too old (RFC 4478; the setting reauth), and to try the credentials
 * without a child (RFC 6023). */
#include "ike/engine/parts.h"

#include "core/base/clock.h"
#include "core/base/rng.h"

#include <stdio.h>
#include <string.h>

#define RETRY_MS 30000
#define PKI_PATIENCE_S 60
#define LATE_MS 60000		/* so long, or a tenth, after its time the old proof still counts */

/* ---- reauthentication ---- */

static uint64_t tenth(uint64_t ms, uint64_t least)
{
	return ms / 10 > least ? ms / 10 : least;
}

void again_plan(struct ike_sa *sa, uint32_t lifetime_s)
{
	uint64_t own = (uint64_t)sa->peer->conf.reauth_s * 1000;
	uint64_t theirs = (uint64_t)lifetime_s * 1000;
	struct endpoint local, remote;
	uint64_t at = 0;

	sa->reauth_at = sa->auth_end_at = 0;
	if (own) {
		sa->auth_end_at = sa->established_ms + own + tenth(own, LATE_MS);
		/* The side that called calls again; the other one only when that forgets. */
		at = sa->initiator ? own : own + tenth(own, LATE_MS) / 2;
		if (!sa->initiator && !where_next(sa->peer, &local, &remote))
			at = 0;
	}
	if (theirs && sa->initiator) {
		uint64_t margin = tenth(theirs, 10000);
		uint64_t by = theirs > 2 * margin ? theirs - margin : theirs / 2;

		if (!at || by < at)
			at = by;
		if (!sa->auth_end_at || sa->established_ms + theirs < sa->auth_end_at)
			sa->auth_end_at = sa->established_ms + theirs;
	}
	if (at)
		sa->reauth_at = sa->established_ms + at - rng_below((uint32_t)(at / 20) + 1);
}

void again_sooner(struct ike_sa *sa, uint32_t lifetime_s)
{
	uint64_t now = clock_ms(), left = (uint64_t)lifetime_s * 1000;
	uint64_t at = now + (left > 20000 ? left - tenth(left, 10000) : left / 2);

	if (!sa->auth_end_at || now + left < sa->auth_end_at)
		sa->auth_end_at = now + left;
	if (!sa->reauth_at || at < sa->reauth_at)
		sa->reauth_at = at;
}

static bool concerned(const struct peer_conf *c, const char *name, enum pki_kind kind, bool gone)
{
	if (c->peer_auth != AUTH_BY_CERT)
		return false;
	if (kind == PKI_CRL)
		return c->crl != CRL_OFF;
	for (uint8_t i = 0; i < c->n_ca; i++)
		if (strcmp(c->ca[i], name) == 0)
			return true;
	if (c->peer_cert[0])
		return strcmp(c->peer_cert, name) == 0;
	/* One more CA takes nothing from anybody. */
	return !c->n_ca && gone;
}

void engine_pki_changed(struct engine *e, const char *name, enum pki_kind kind, bool gone)
{
	for (struct peer *p = e->peers; p; p = p->next) {
		struct ike_sa *sa = p->main;

		if (!sa || !sa_is_up(sa) ||
		    !concerned(&p->conf, name, kind, gone))
			continue;
		/* Called where it is now; who cannot be has to call by then. */
		again_sooner(sa, PKI_PATIENCE_S);
		sa->reauth_at = clock_ms() + rng_jitter(2000, 100);
		timer_set(e->ts, &sa->timer, 0);
	}
}

/* A call to where main is, or, without one, to where the peer is to be. */
static struct ike_sa *call(struct peer *p, bool test)
{
	const struct ike_sa *main = p->main;
	struct ike_sa *sa = sa_new(p, main ? main->ops : engine_ops(p), true);

	if (!sa)
		return NULL;
	if (main) {
		sa->local.addr = main->local.addr;
		sa->remote.addr = main->remote.addr;
	}
	sa->test = test;
	sa->again = !test;
	return sa;
}

static bool calling_again(const struct peer *p)
{
	for (const struct ike_sa *sa = p->sas; sa; sa = sa->peer_next)
		if (sa->again && sa_is_attempt(sa))
			return true;
	return false;
}

bool again_next(struct ike_sa *sa, uint64_t now)
{
	struct peer *p = sa->peer;
	struct ike_sa *n;

	if (sa->auth_end_at && now >= sa->auth_end_at && !sa->kill_at) {
		sa_why(sa, false, "the time to prove anew who is who went by (reauth)");
		sa_close(sa);
		return true;
	}
	if (!sa->reauth_at || now < sa->reauth_at || sa != p->main || sa->kill_at ||
	    p->e->stopping || !peer_answers(p))
		return false;
	sa->reauth_at = now + rng_jitter(RETRY_MS, 25);
	if (calling_again(p))
		return false;
	log_debug(p->conf.name, "time to prove anew who is who");
	n = call(p, false);
	if (n)
		n->ops->start(n);
	return false;
}

void again_failed(struct peer *p, const struct ike_sa *sa)
{
	if (sa->admin)
		return;
	peer_fail(p, sa->why);
	log_warning(p->conf.name, "not reauthenticated: %s",
		    sa->why ? sa->why : "the attempt ended");
}

/* The old IKE SA's children stay until their successors stand; then it goes. */
void again_hand_over(struct ike_sa *old, struct ike_sa *sa)
{
	old->kill_at = clock_ms() + HAND_OVER_MS;
	if (sa->again) {
		old->handing = true;
		for (struct child *c = old->peer->children; c; c = c->next)
			if (c->sa == old)
				c->stale = true;
	}
	timer_set(old->e->ts, &old->timer, 0);
}

bool again_handed_over(const struct ike_sa *sa)
{
	if (!sa->handing)
		return false;
	for (const struct child *c = sa->peer->children; c; c = c->next)
		if (c->sa == sa)
			return false;
	return true;
}

/* ---- trying the credentials ---- */

int engine_peer_test(struct engine *e, const char *name, struct err *err)
{
	struct peer *p = engine_peer(e, name);
	struct endpoint local, remote;
	char why[200];
	struct ike_sa *sa;

	if (!p)
		return err_code(err, EXIT_NO_PEER, "no peer is called %s", name);
	if (!p->conf.enabled)
		return err_set(err, "%s is disabled", name);
	if (!e->dataplane || e->stopping)
		return err_set(err, "adit is not ready");
	if (engine_ops(p)->version != IKE_V2 || (p->main && p->main->ops->version != IKE_V2))
		return err_set(err, "%s speaks IKEv1, where credentials cannot be tried without "
			       "a tunnel: use up", name);
	if (!p->main && !where_next(p, &local, &remote))
		return err_set(err, "%s cannot be called: %s", name,
			       where_why(p, why, sizeof(why)));
	for (sa = p->sas; sa; sa = sa->peer_next)
		if (sa->test && sa->stage < STAGE_ENDING)
			return err_set(err, "%s is being tested already", name);
	sa = call(p, true);
	if (!sa)
		return err_set(err, "out of memory");
	sa->ops->start(sa);
	engine_reap(e);
	return 0;
}

void again_tested(struct peer *p, const struct ike_sa *sa)
{
	const char *why = sa->why ? sa->why : "the attempt ended";

	if (sa->passed)
		log_info(p->conf.name, "test: %s", why);
	else
		log_warning(p->conf.name, "test: %s", why);
	peer_event(p, sa->passed ? ENGINE_TEST_PASSED : ENGINE_TEST_FAILED, why);
}
