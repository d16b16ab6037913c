/* ops: IKEv1 as ike/engine sees it; which ISAKMP SA carries the children, and which pair of
 * ESP SAs of several stays. */
#include "ike/v1/v1.h"

#include "core/base/clock.h"

#include <stdlib.h>
#include <string.h>

#define DELETE_MS 2000		/* what our rekey replaced is deleted after so long */

/* ---- which pair stays ---- */

static void retire(struct child *loser, bool we_delete)
{
	child_wait_for_delete(loser);
	loser->replaced_by = loser->id;
	if (we_delete)
		loser->give_up_at = clock_ms() + DELETE_MS;
}

/* The newest stays, and who began it deletes the others; when each side began one before it
 * knew of the other's, both keep the one with the higher nonces, and who began the other deletes
 * that. */
void v1_child_stands(struct child *c)
{
	const struct quick *q = quick_of_child(c->peer, c->id);

	for (struct child *o = c->peer->children; o; o = o->next) {
		bool crossed = o->initiator != c->initiator && q &&
			       q->begun_ms <= o->created_ms;

		if (o == c || o->slot != c->slot || o->state != CH_LIVE ||
		    !child_supersedes(c, o))
			continue;
		/* The third messages came in another order: o will do the same to c. */
		if (!crossed && o->created_ms > c->created_ms)
			continue;
		if (crossed && memcmp(c->nonce_min, o->nonce_min, NONCE_CMP) < 0) {
			retire(c, c->initiator);
			return;
		}
		retire(o, crossed ? o->initiator : c->initiator);
	}
}

static void child_in(struct child *c)
{
	struct quick *q = quick_of_child(c->peer, c->id);

	/* Who answers knows only with the third message that it was no recording. */
	if (c->initiator)
		v1_child_stands(c);
	if (q)
		quick_step(q, ON_CHILD_IN, NULL);
}

static void child_refused(struct child *c)
{
	struct quick *q = quick_of_child(c->peer, c->id);

	if (q)
		quick_step(q, ON_CHILD_NO, NULL);
}

static void child_gone(struct child *c)
{
	struct quick *q = quick_of_child(c->peer, c->id);

	if (q)
		q->child_id = 0;
}

/* ---- which SA ---- */

/* Both sides rekeyed at once: the two must throw away the same one. */
static bool loses(const struct ike_sa *sa, const struct ike_sa *old)
{
	return sa->initiator != old->initiator && (sa->by_rekey || old->by_rekey) &&
	       sa->created_ms <= old->established_ms && old->created_ms <= sa->established_ms &&
	       sa->spi_i < old->spi_i;
}

/* Children do not end with the ISAKMP SA that they were made under (RFC 2408 §4.2): here
 * the peer may have put them under another one already. */
static void hand_over(const struct ike_sa *from, struct ike_sa *to)
{
	for (struct child *c = to ? to->peer->children : NULL; c; c = c->next)
		if (c->sa == from)
			c->sa = to;
}

void v1_established(struct ike_sa *sa, bool initial_contact)
{
	struct peer *p = sa->peer;
	struct ike_sa *old = p->main;
	struct ike_id id;
	bool crossed;

	sa->established_ms = sa->last_rx_ms = clock_ms();
	sa_lifetimes(sa);
	again_plan(sa, 0);
	sa_keepalive_start(sa);
	p1_free(v1(sa)->p1);
	v1(sa)->p1 = NULL;
	/* A new one beside the old is how IKEv1 rekeys; but when both sides called each other
	 * at once the engine says which goes. */
	if (!old || old->ops != &v1_ops || !sa_is_up(old) || initial_contact ||
	    sa_crossed(sa, old) ||
	    (p->conf.unique == UNIQUE_NEVER && !addr_equal(&old->remote.addr, &sa->remote.addr))) {
		crossed = old && old->ops == &v1_ops && !initial_contact && sa_crossed(sa, old);
		peer_sa_up(p, sa, initial_contact);
		if (crossed)
			hand_over(p->main == sa ? old : sa, p->main);
		return;
	}
	if (loses(sa, old)) {
		log_debug(p->conf.name, "both sides rekeyed at once");
		sa->kill_at = clock_ms() + REPLACED_MS;
		return;
	}
	id = sa->peer_id;
	sa->owner |= old->owner;
	sa_adopt(old, sa);
	sa->owner |= sa->initiator;
	/* It was proven anew, unlike where IKEv2 rekeys. */
	again_plan(sa, 0);
	sa->peer_id = id;
	v1_step(old, ON_REPLACED, NULL);
	peer_trim(p);
}

/* ---- the rest ---- */

static void start(struct ike_sa *sa)
{
	v1_step(sa, sa->peer->conf.exchange == EXCHANGE_AGGRESSIVE ? ON_START_AGGRESSIVE
								   : ON_START, NULL);
}

static void vault_done(struct ike_sa *sa, const struct vault_answer *a)
{
	struct v1_in in = { .vault = a };

	v1_step(sa, a->ok ? ON_VAULT_OK : ON_VAULT_NO, &in);
}

static void close_it(struct ike_sa *sa)
{
	v1_step(sa, ON_CLOSE, NULL);
}

static void drop(struct ike_sa *sa)
{
	v1_step(sa, ON_DROP, NULL);
}

static void on_timer(struct ike_sa *sa)
{
	if (sa->state == V1_UP)
		v1_next(sa);
	else
		v1_step(sa, ON_TIMEOUT, NULL);
}

/* In IKEv1 children outlive the ISAKMP SA that made them, where there is another. */
static void over(struct ike_sa *sa)
{
	struct ike_sa *other = sa->peer->main;

	if (v1(sa)->p1)
		timer_stop(sa->e->ts, &v1(sa)->p1->later);
	while (v1(sa)->quicks) {
		struct quick *q = v1(sa)->quicks;

		if (!quick_step(q, ON_DROP, NULL) && v1(sa)->quicks == q)
			quick_free(q);
	}
	for (struct ike_sa *o = sa->peer->sas; o && (!other || other == sa); o = o->peer_next)
		if (o != sa && o->ops == &v1_ops && sa_is_up(o))
			other = o;
	if (!other || other == sa || other->ops != &v1_ops || sa->kill_silent ||
	    !sa_is_up(other))
		return;
	for (struct child *c = sa->peer->children; c; c = c->next)
		if (c->sa == sa)
			c->sa = other;
}

static void fini(struct ike_sa *sa)
{
	struct v1_sa *v = v1(sa);

	if (v->p1)
		p1_free(v->p1);
	v1_keys_free(v->keys);
	free(v->ids);
	blob_free(&v->out);
	fragments_free(v->in);
}

static void slots_moved(struct ike_sa *sa, const uint8_t *to, uint8_t n)
{
	for (struct quick *q = v1(sa)->quicks; q; q = q->next)
		if (q->slot < n)
			q->slot = to[q->slot];
}

const struct ike_ops v1_ops = {
	.version = IKE_V1,
	.sa_size = sizeof(struct v1_sa),
	.init = v1_out_init,
	.start = start,
	.receive = v1_receive,
	.vault_done = vault_done,
	.vault_again = p1_ask_again,
	.close = close_it,
	.drop = drop,
	.timer = on_timer,
	.next = v1_next,
	.over = over,
	.fini = fini,
	.child_in = child_in,
	.child_refused = child_refused,
	.child_gone = child_gone,
	.slots_moved = slots_moved,
};
