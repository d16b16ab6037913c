/* peer: one configured peer: when it is called, how often, what its end means, and which
 * of several IKE SAs with it is the one. */
#include "ike/engine/parts.h"

#include "ike/engine/negotiation.h"

#include "core/base/clock.h"
#include "core/base/rng.h"
#include "ike/wire/id.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHORT_MS 10000		/* an IKE SA that lived less counts as a failed try */
#define BACKOFF_MAX_MS 60000

void peer_event(struct peer *p, enum engine_event ev, const char *text)
{
	p->e->env.event(p->e->env.arg, p->conf.name, ev, text ? text : "");
}

void peer_fail(struct peer *p, const char *why)
{
	free(p->failure);
	p->failure = strdup(why && *why ? why : "unknown");
	p->failure_wall_s = clock_wall_s();
	negotiation_words(p, p->failure ? p->failure : "");
}

void peer_free(struct peer *p)
{
	timer_stop(p->e->ts, &p->timer);
	for (uint8_t i = 0; i < p->conf.n_children; i++)
		free(p->slots[i].reason);
	free(p->slots);
	free(p->conf.children);
	negotiation_free(p);
	free(p->failure);
	where_free(p->where);
	free(p);
}

/* ---- whether ---- */

bool peer_answers(const struct peer *p)
{
	return !p->gone && p->conf.enabled && !p->admin_down && !p->e->stopping;
}

bool peer_speaks(const struct peer *p, uint8_t version)
{
	return peer_answers(p) && (p->conf.version & version);
}

const struct ike_id *peer_id_to_hold(const struct peer *p, const struct ike_id *id)
{
	if (p->conf.peer_cert[0])
		return NULL;
	if (!p->conf.peer_id.type && (id->type == ID_IPV4_ADDR || id->type == ID_IPV6_ADDR))
		return NULL;
	return id;
}

bool peer_wants(const struct peer *p)
{
	struct endpoint local, remote;

	return peer_answers(p) && !p->gave_up && !p->on_hold && p->e->dataplane &&
	       (p->conf.start == START_START || p->asked_up) && !peer_hindrance(p) &&
	       where_next(p, &local, &remote);
}

int peer_match_addr(const struct peer *p, const struct endpoint *local,
		    const struct endpoint *remote)
{
	int best = 0;

	if (addr_is_set(&p->conf.local_ip) &&
	    !addr_equal(&p->conf.local_ip, &local->addr))
		return 0;
	if (where_is_target(p, &remote->addr))
		return MATCH_HOST;
	for (size_t i = 0; i < p->conf.n_gateways; i++) {
		const struct gateway *g = &p->conf.gateways[i];

		if (g->kind == GATEWAY_NET && prefix_contains(&g->net, &remote->addr) &&
		    best < 2 + g->net.len)
			best = 2 + g->net.len;
		else if (g->kind == GATEWAY_ANY && !best)
			best = 1;
	}
	return best || !p->conf.remote_any || p->conf.n_gateways ? best : 1;
}

static bool under_way(const struct peer *p)
{
	for (const struct ike_sa *sa = p->sas; sa; sa = sa->peer_next)
		if (sa_is_attempt(sa))
			return true;
	return false;
}

/* ---- tries ---- */

#define CROWDED_MS 100

static void start_try(struct peer *p)
{
	struct ip_addr targets[TARGETS_MAX];
	char to[ADDR_TEXT_MAX], text[64 + ADDR_TEXT_MAX];
	struct ike_sa *sa;

	/* Thousands that call at once would only make each other run into their timeouts. */
	if (engine_calls_enough(p->e)) {
		timer_set(p->e->ts, &p->timer, CROWDED_MS + rng_below(2 * CROWDED_MS));
		return;
	}
	sa = sa_new(p, engine_ops(p), true);
	if (sa)
		index_call(sa);
	p->tries++;
	if (sa) {
		sa->hurry = where_targets(p, targets) > 1;
		/* The children follow one by one, and only then the old one goes. */
		sa->again = p->main != NULL;
	}
	snprintf(text, sizeof(text), "try %u, to %s", p->tries,
		 sa ? addr_str(&sa->remote.addr, to) : "nobody");
	peer_event(p, ENGINE_TRYING, text);
	if (!sa) {
		timer_set(p->e->ts, &p->timer, BACKOFF_MAX_MS);
		return;
	}
	sa->ops->start(sa);
}

void peer_kick(struct peer *p)
{
	if (peer_wants(p) && (!p->main || p->moving) && !under_way(p) &&
	    !timer_running(&p->timer))
		start_try(p);
}

/* Quickly at first, then less and less often; slower still where only a change of
 * settings helps. */
static void retry_later(struct peer *p, bool hard)
{
	uint64_t ms = (hard ? 5000ull : 1000ull) << (p->fails < 6 ? p->fails : 6);

	/* Another address waits to be tried: at once. */
	if (!where_turn(p)) {
		timer_set(p->e->ts, &p->timer, rng_jitter(100, 50));
		return;
	}
	where_doubt(p);

	p->fails++;
	if (ms > BACKOFF_MAX_MS)
		ms = BACKOFF_MAX_MS;
	/* On demand the next packet tries again, but not before. */
	if (p->conf.start == START_ON_DEMAND)
		p->asked_up = false;
	if (peer_wants(p) || p->conf.start == START_ON_DEMAND)
		timer_set(p->e->ts, &p->timer, rng_jitter(ms, 25));
}

static void give_up(struct peer *p, const char *why)
{
	p->gave_up = true;
	timer_stop(p->e->ts, &p->timer);
	log_warning(p->conf.name, "given up after %u %s", p->tries,
		    p->tries == 1 ? "try" : "tries");
	peer_event(p, ENGINE_GAVE_UP, why);
}

static void try_failed(struct peer *p, const struct ike_sa *sa)
{
	const char *why = sa->why ? sa->why : "the attempt ended";

	if (sa->admin)
		return;
	peer_fail(p, why);
	log_warning(p->conf.name, "not connected: %s", why);
	if (p->conf.keying_tries && p->tries >= p->conf.keying_tries) {
		give_up(p, why);
		return;
	}
	peer_event(p, ENGINE_FAILED, why);
	if (!p->main || p->moving)
		retry_later(p, sa->hard);
}

/* ---- ends ---- */

static struct ike_sa *another_up(const struct peer *p)
{
	struct ike_sa *best = NULL;

	for (struct ike_sa *sa = p->sas; sa; sa = sa->peer_next)
		if (sa_is_up(sa) && (!best || sa->established_ms > best->established_ms))
			best = sa;
	return best;
}

static void lost(struct peer *p, const struct ike_sa *sa)
{
	const char *why = sa->why ? sa->why : "ended";
	uint64_t lived = clock_ms() - sa->established_ms;

	/* Whoever calls without a child and goes only tried the credentials. */
	if (!sa->admin && (p->told_up || !sa->childless)) {
		peer_fail(p, why);
		log_warning(p->conf.name, "down: %s", why);
	}
	peer_children_changed(p, why);
	p->tries = 0;
	p->turn = 0;
	p->moving = false;
	if (sa->dead_peer) {
		where_doubt(p);
		p->on_hold = p->conf.dpd_action == DPD_HOLD;
	}
	/* Back to the trap, unless it is to stand now that it stood. */
	if (p->conf.start == START_ON_DEMAND && !sa->admin &&
	    !(sa->dead_peer && p->conf.dpd_action == DPD_RESTART))
		p->asked_up = false;
	where_tell(p);
	if (!peer_wants(p) || under_way(p))
		return;
	if (sa->dead_peer && p->conf.dpd_action == DPD_CLEAR) {
		p->gave_up = true;
		peer_event(p, ENGINE_GAVE_UP, why);
		return;
	}
	if (sa->admin || sa->dead_peer)
		timer_set(p->e->ts, &p->timer, 0);
	else if (lived < SHORT_MS)
		retry_later(p, sa->hard);
	else
		timer_set(p->e->ts, &p->timer, rng_jitter(1000, 50));
}

void peer_sa_gone(struct peer *p, struct ike_sa *sa)
{
	if (p->gone || p->e->stopping) {
		peer_children_changed(p, p->gone ? "removed" : "stopping");
		return;
	}
	if (sa->test) {
		again_tested(p, sa);
		return;
	}
	if (!sa->established_ms) {
		/* Without the one beside it, it was a try like others. */
		if (sa->again && !p->moving && p->main)
			again_failed(p, sa);
		else if (sa->initiator && !sa->by_rekey)
			try_failed(p, sa);
		return;
	}
	if (!p->main)
		p->main = another_up(p);
	if (!p->main) {
		lost(p, sa);
		return;
	}
	peer_children_changed(p, sa->why);
	where_tell(p);
	sa_next(p->main);
}

/* ---- which one ---- */

/* Both sides called at once when each side's call came while the other was under way.
 * Then both must keep the same one, whatever the order they see them finish in: the SPIs
 * decide. Otherwise the newest is the one, for the peer would not call if it still had
 * the other. */
bool sa_crossed(const struct ike_sa *a, const struct ike_sa *b)
{
	return a->initiator != b->initiator && !a->by_rekey && !b->by_rekey &&
	       a->created_ms <= b->established_ms && b->created_ms <= a->established_ms;
}

static struct ike_sa *settle(struct peer *p, struct ike_sa *sa, struct ike_sa *o,
			     bool initial_contact)
{
	struct ike_sa *loser = o;

	if (sa_crossed(sa, o)) {
		if (sa->spi_i < o->spi_i)
			loser = sa;
		log_debug(p->conf.name, "both sides called at once");
	} else if (p->conf.unique == UNIQUE_NEVER && !sa->again) {
		return sa;
	} else if (!initial_contact && (sa->again || !sa->initiator)) {
		log_debug(p->conf.name, "a new IKE SA takes over");
		again_hand_over(o, sa);
		return sa;
	} else {
		/* §2.4: a peer that says so knows nothing of older ones. */
		o->kill_silent = initial_contact;
		log_debug(p->conf.name, "an older IKE SA is replaced");
	}
	loser->kill_at = clock_ms() + REPLACED_MS;
	if (loser != sa)
		timer_set(p->e->ts, &loser->timer, REPLACED_MS);
	return loser == sa ? o : sa;
}

/* Replaced IKE SAs wait some seconds for their end. A peer that makes new ones faster than
 * that, by rekeying or by calling again, is not waited for. */
void peer_trim(struct peer *p)
{
	for (;;) {
		struct ike_sa *oldest = NULL;
		unsigned n = 0;

		for (struct ike_sa *sa = p->sas; sa; sa = sa->peer_next) {
			if (!sa->established_ms || sa == p->main ||
			    (sa->stage == STAGE_UP && !sa->kill_at) ||
			    sa->stage < STAGE_UP)
				continue;
			/* The newest are in front. */
			oldest = sa;
			n++;
		}
		if (n <= LEAVING_PER_PEER)
			return;
		oldest->admin = true;
		sa_drop(oldest);
	}
}

/* The same address again is a new call of the one that we have. */
bool peer_may_join(const struct peer *p, const struct ike_sa *sa)
{
	return p->conf.unique != UNIQUE_KEEP || !p->main || !sa_is_up(p->main) ||
	       addr_equal(&p->main->remote.addr, &sa->remote.addr);
}

void peer_sa_up(struct peer *p, struct ike_sa *sa, bool initial_contact)
{
	char alg[STATUS_ALG_MAX], pair[128], id[ID_TEXT_MAX], text[LOG_TEXT_MAX];
	struct ike_sa *winner = sa, *next;

	if (sa->childless && !initial_contact && p->main && sa_is_up(p->main)) {
		log_info(p->conf.name, "the peer tries the credentials, and asks for no child");
		return;
	}
	for (struct ike_sa *o = p->sas; o; o = next) {
		next = o->peer_next;
		if (o == sa)
			continue;
		if (sa_is_attempt(o) && o->stage == STAGE_CALLING && !sa->initiator) {
			/* The peer does not know of it yet: not needed any more. */
			o->admin = true;
			sa_drop(o);
		} else if (sa_is_up(o)) {
			winner = settle(p, sa, o, initial_contact);
		}
	}
	p->main = winner;
	negotiation_sa_up(p);
	p->tries = p->fails = 0;
	p->turn = 0;
	p->gave_up = p->on_hold = p->moving = false;
	where_tell(p);
	timer_stop(p->e->ts, &p->timer);
	if (!p->up_since)
		p->up_since = clock_ms();
	snprintf(text, sizeof(text), "%s, %s%s%s%s",
		 chosen_str(&sa->ike, alg, sizeof(alg)),
		 sa_pair_str(sa, pair, sizeof(pair)),
		 sa->peer_id.type ? ", peer is " : "",
		 id_str(&sa->peer_id, id, sizeof(id)), sa->encap ? ", ESP in UDP" : "");
	log_info(p->conf.name, "established, %s", text);
	peer_event(p, ENGINE_ESTABLISHED, text);
	peer_trim(p);
}

/* ---- children, as the rest of the router sees them ---- */

static bool slot_stands(const struct peer *p, uint8_t slot)
{
	for (const struct child *c = p->children; c; c = c->next)
		if (c->slot == slot && (c->state == CH_LIVE || c->state == CH_REKEYED))
			return true;
	return false;
}

static void slot_down(struct peer *p, uint8_t i, const char *why)
{
	struct slot *s = &p->slots[i];
	uint64_t now = clock_ms(), lived = now - s->up_since;

	s->up_since = 0;
	if (!s->reason && why)
		s->reason = strdup(why);
	/* One that never lasts is made again less and less often. */
	if (lived < SHORT_MS && s->fails < 6)
		s->fails++;
	s->next_ms = now + rng_jitter(lived < SHORT_MS ? 1000ull << s->fails : 500, 25);
	if (p->main && why)
		log_info(p->conf.name, "child %s down: %s", p->conf.children[i].name,
			 why);
}

void peer_children_changed(struct peer *p, const char *why)
{
	struct engine *e = p->e;
	bool up = false;

	for (uint8_t i = 0; i < p->conf.n_children; i++) {
		bool stands = slot_stands(p, i);

		if (!stands && p->slots[i].up_since)
			slot_down(p, i, why);
		up |= stands && p->slots[i].up_since;
	}
	if (up && !p->told_up) {
		const struct ike_sa *sa = p->main ? p->main : p->children->sa;

		p->told_up = true;
		p->told_remote = sa->remote;
		e->env.peer_up(e->env.arg, p->conf.name, &p->told_remote);
		peer_event(p, ENGINE_UP, "");
	} else if (!up && p->told_up) {
		p->told_up = false;
		e->env.peer_down(e->env.arg, p->conf.name, &p->told_remote);
		peer_event(p, ENGINE_DOWN, why);
	}
	if (!p->main && !up)
		p->up_since = 0;
}
