/* ops: IKEv2 as ike/engine sees it, and which pair of several is the one to stay, and who
 * deletes the others (RFC 7296 §2.8, §2.8.1, §2.25.1). */
#include "ike/v2/v2.h"

#include "core/base/clock.h"
#include "ike/v2/fragment.h"

#include <stdlib.h>
#include <string.h>

#define TOGETHER_MS 10000	/* two made within this time by the two sides collided */

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
		child_delete(old);
		return;
	}
	log_debug(c->peer->conf.name, "both sides rekeyed at once");
	if (memcmp(c->nonce_min, theirs->nonce_min, NONCE_CMP) < 0) {
		child_delete(c);
		child_wait_for_delete(old);
	} else {
		old->replaced_by = c->id;
		child_delete(old);
		child_wait_for_delete(theirs);
	}
}

/* The peer's rekey is in: it will delete the old one, unless ours is under way too. */
static void rekeyed_by_peer(struct child *c)
{
	struct child *old = engine_child(c->peer->e, c->replaces);

	if (old && !old->rekeying && old->state == CH_LIVE)
		child_wait_for_delete(old);
}

/* A new one where there is one already: the newest stays; but when each side made one at
 * the same moment, both must throw away the same. */
static void drop_duplicates(struct child *c)
{
	for (struct child *o = c->peer->children; o; o = o->next) {
		struct child *loser = o;
		uint64_t apart;

		if (o == c || o->slot != c->slot || o->sa != c->sa ||
		    o->state != CH_LIVE || o->rekeying || !child_supersedes(c, o))
			continue;
		apart = c->created_ms > o->created_ms ? c->created_ms - o->created_ms : 0;
		if (o->initiator != c->initiator && apart < TOGETHER_MS &&
		    memcmp(c->nonce_min, o->nonce_min, NONCE_CMP) < 0)
			loser = c;
		child_delete(loser);
		if (loser == c)
			return;
	}
}

static void child_in(struct child *c)
{
	if (c->replaces && c->initiator)
		rekey_through(c);
	else if (c->replaces)
		rekeyed_by_peer(c);
	/* Also after a rekey: the one before it was left alone while it was rekeyed. */
	if (c->state == CH_LIVE)
		drop_duplicates(c);
	if (v2(c->sa)->held_for == c->id)
		out_release(c->sa);
}

static void child_gone(struct child *c)
{
	if (v2(c->sa)->held_for == c->id)
		out_release(c->sa);
}

static void child_refused(struct child *c)
{
	v2(c->sa)->orphan_spi = c->spi_in;
	child_gone(c);
}

static bool show_keys(const struct ike_sa *sa, struct tap_keys *out)
{
	const struct ike_keys *k = v2(sa)->keys;

	if (!k)
		return false;
	out->version = IKE_V2;
	out->spi_i = sa->spi_i;
	out->spi_r = sa->spi_r;
	out->encr = sa->ike.encr;
	out->encr_bits = sa->ike.encr_bits;
	out->integ = sa->ike.integ;
	out->ei = (struct slice){ k->ei, k->encr_len };
	out->er = (struct slice){ k->er, k->encr_len };
	out->ai = (struct slice){ k->ai, k->integ_len };
	out->ar = (struct slice){ k->ar, k->integ_len };
	return true;
}

static void start(struct ike_sa *sa)
{
	sa_step(sa, EV_START, ROLE_EVENT, NULL);
}

static void vault_done(struct ike_sa *sa, const struct vault_answer *a)
{
	struct input in = { .vault = a };

	sa_step(sa, a->ok ? EV_VAULT_OK : EV_VAULT_NO, ROLE_EVENT, &in);
}

static void close_it(struct ike_sa *sa)
{
	/* Window of one: the Delete waits for the answer under way (§2.3). */
	if ((sa->state == SA_ESTABLISHED || sa->state == SA_REKEYED) && req_out(sa))
		sa_over(sa);
	else
		sa_step(sa, EV_CLOSE, ROLE_EVENT, NULL);
}

static void drop(struct ike_sa *sa)
{
	sa_step(sa, EV_DROP, ROLE_EVENT, NULL);
}

/* In ESTABLISHED and REKEYED the timer also says "look what is next"; task_next() tells
 * the two apart by what is due. */
static void on_timer(struct ike_sa *sa)
{
	if (sa->state == SA_ESTABLISHED)
		task_next(sa);
	else
		sa_step(sa, EV_TIMEOUT, ROLE_EVENT, NULL);
}

static void over(struct ike_sa *sa)
{
	fragment_forget(sa);
	exch_free(sa);
	/* §2.25.2: deleted while we were rekeying it, too: the peer's successor is the
	 * one. */
	if (v2(sa)->rekeyed_by) {
		rekey_adopt(sa, v2(sa)->rekeyed_by);
		v2(sa)->rekeyed_by = NULL;
	}
	for (struct ike_sa *o = sa->peer->sas; o; o = o->peer_next) {
		if (o->ops != &v2_ops)
			continue;
		if (v2(o)->rekeyed_by == sa)
			v2(o)->rekeyed_by = NULL;
		if (v2(o)->x && v2(o)->x->sa == sa)
			v2(o)->x->sa = NULL;
	}
}

static void fini(struct ike_sa *sa)
{
	handshake_free(sa);
	free(v2(sa)->x);
	keymat_free(v2(sa)->keys);
	sk_free(v2(sa)->seal);
	blob_free(&v2(sa)->req);
	blob_free(&v2(sa)->resp);
	mobike_free(sa);
	fragment_forget(sa);
}

static void slots_moved(struct ike_sa *sa, const uint8_t *to, uint8_t n)
{
	if (v2(sa)->hs && v2(sa)->hs->child_slot < n)
		v2(sa)->hs->child_slot = to[v2(sa)->hs->child_slot];
	if (v2(sa)->x && v2(sa)->x->slot < n)
		v2(sa)->x->slot = to[v2(sa)->x->slot];
}

const struct ike_ops v2_ops = {
	.version = IKE_V2,
	.sa_size = sizeof(struct v2_sa),
	.init = rtx_init,
	.start = start,
	.receive = receive,
	.vault_done = vault_done,
	.vault_again = auth_ask_again,
	.close = close_it,
	.drop = drop,
	.timer = on_timer,
	.next = task_next,
	.over = over,
	.fini = fini,
	.child_in = child_in,
	.child_refused = child_refused,
	.child_gone = child_gone,
	.keys = show_keys,
	.paths_changed = mobike_paths,
	.slots_moved = slots_moved,
};
