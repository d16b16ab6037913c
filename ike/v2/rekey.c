/* rekey: a new IKE SA for an old one by CREATE_CHILD_SA (RFC 7296 §1.3.2, §2.18), both
 * sides, and what happens when both do it at once (§2.8.2, §2.25.2): the one made with
 * the lowest of the four nonces is thrown away by the side that began it, the other
 * inherits the children. */
#include "ike/v2/v2.h"

#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/base/secret.h"

#include <stdlib.h>
#include <string.h>

static struct proposal_want want_for(uint64_t spi)
{
	return (struct proposal_want){ .protocol = PROTO_IKE, .spi_len = 8, .spi = spi,
				       .ke = true };
}

static struct ike_sa *successor(struct ike_sa *sa, bool initiator)
{
	struct ike_sa *n = sa_new(sa->peer, &v2_ops, initiator);

	if (!n)
		return NULL;
	n->by_rekey = true;
	n->local = sa->local;
	n->remote = sa->remote;
	n->nat_local = sa->nat_local;
	n->nat_remote = sa->nat_remote;
	n->encap = sa->encap;
	v2(n)->peer_natt = v2(sa)->peer_natt;
	mobike_inherit(sa, n);
	v2(n)->fragments = v2(sa)->fragments;
	v2(n)->path_small = v2(sa)->path_small;
	return n;
}

ACTION(rekey_start)
{
	(void)in;
	sa->established_ms = sa->last_rx_ms = clock_ms();
	sa_lifetimes(sa);
	sa_keepalive_start(sa);
	return V_DONE;
}

void rekey_adopt(struct ike_sa *from, struct ike_sa *to)
{
	v2(to)->orphan_spi = v2(from)->orphan_spi;
	sa_adopt(from, to);
}

/* ---- begun by us ---- */

void rekey_ike(struct ike_sa *sa)
{
	struct exch *x = calloc(1, sizeof(*x));
	struct proposal_want want;
	struct sa_payload offer;
	struct err err = { 0 };
	struct out o;

	if (!x)
		return;
	v2(sa)->x = x;
	x->slot = SLOT_NONE;
	rng_bytes(x->nonce, NONCE_LEN);
	x->sa = successor(sa, true);
	if (!x->sa)
		goto failed;
	want = want_for(x->sa->spi_i);
	proposal_offer(&sa->peer->conf.ike, &want, &offer);
	x->group = proposal_offers_ke(&offer, sa->ike.ke) ? sa->ike.ke
							   : proposal_first_ke(&offer);
	x->ke = ke_new(x->group, &err);
	if (!x->ke)
		goto failed;
	out_request(sa, &o, CREATE_CHILD_SA);
	build_sa(&o.b, &offer);
	build_nonce(&o.b, (struct slice){ x->nonce, NONCE_LEN });
	build_ke(&o.b, x->group, ke_public(x->ke));
	out_send_request(sa, &o, TASK_REKEY_IKE);
	if (req_out(sa))
		return;
failed:
	exch_free(sa);
	log_error(sa->peer->conf.name, "cannot rekey the IKE SA: %s",
		  err.msg[0] ? err.msg : "out of memory");
	sa->rekey_at = clock_ms() + 30000;
}

/* The new keys come from the old SK_d (§2.18). */
static int new_keys(struct ike_sa *old, struct ike_sa *n, const struct chosen *c,
		    struct slice ni, struct slice nr, struct ke *ke,
		    struct slice peer_public, struct err *e)
{
	uint8_t shared[KE_SHARED_MAX];
	struct ike_keys *keys = NULL;
	size_t len;

	if (ke_shared(ke, peer_public, shared, &len, e) == 0)
		keys = keymat_ike(c, ni, nr, n->spi_i, n->spi_r,
				  (struct slice){ shared, len }, v2(old)->keys, e);
	secret_wipe(shared, sizeof(shared));
	if (!keys)
		return -1;
	n->ike = *c;
	nonce_min(ni, nr, v2(n)->nonce_min);
	return sa_keys_set(n, keys, e);
}

static int read_answer(struct ike_sa *sa, const struct ike_msg *m, struct err *e)
{
	struct exch *x = v2(sa)->x;
	struct proposal_want want = want_for(x->sa->spi_i);
	struct slice mine = { x->nonce, NONCE_LEN }, theirs;
	struct sa_payload answer, offer;
	struct ke_payload ke;
	struct chosen c;

	if (payload_sa(ike_msg_get(m, PAYLOAD_SA)->body, &answer, e) < 0 ||
	    payload_ke(ike_msg_get(m, PAYLOAD_KE)->body, &ke, e) < 0 ||
	    payload_nonce(ike_msg_get(m, PAYLOAD_NONCE)->body, &theirs, e) < 0)
		return -1;
	proposal_offer(&sa->peer->conf.ike, &want, &offer);
	if (proposal_verify(&answer, &offer, &want, &c, e) < 0)
		return -1;
	if (c.ke != x->group || ke.group != x->group)
		return err_set(e, "its KE payload is of another group");
	x->sa->spi_r = c.spi;
	return new_keys(sa, x->sa, &c, mine, theirs, x->ke, ke.data, e);
}

ACTION(rekey_answered)
{
	struct ike_sa *theirs = v2(sa)->rekeyed_by, *mine;
	struct err err = { 0 };

	if (!v2(sa)->x || sa->want_delete || !v2(sa)->x->sa) {
		exch_free(sa);
		return V_STAY;
	}
	if (read_answer(sa, in->m, &err) < 0) {
		log_warning(sa->peer->conf.name, "rekeying the IKE SA failed: %s",
			    err.msg);
		exch_free(sa);
		sa->rekey_at = clock_ms() + rng_jitter(30000, 30);
		if (!theirs)
			return V_STAY;
		v2(sa)->rekeyed_by = NULL;
		rekey_adopt(sa, theirs);
		return V_DONE;
	}
	mine = v2(sa)->x->sa;
	v2(sa)->x->sa = NULL;
	exch_free(sa);
	v2(sa)->rekeyed_by = NULL;
	sa_step(mine, EV_REKEYED, ROLE_EVENT, NULL);
	if (theirs && memcmp(v2(mine)->nonce_min, v2(theirs)->nonce_min, NONCE_CMP) < 0) {
		log_debug(sa->peer->conf.name,
			  "both sides rekeyed the IKE SA: theirs stays");
		rekey_adopt(sa, theirs);
		sa_close(mine);
		return V_DONE;
	}
	rekey_adopt(sa, mine);
	sa->want_delete = true;
	if (theirs)
		sa_step(theirs, EV_REPLACED, ROLE_EVENT, NULL);
	return V_DONE;
}

/* ---- begun by the peer ---- */

/* §2.25.2 */
static bool must_wait(const struct ike_sa *sa)
{
	if (sa->want_delete || v2(sa)->rekeyed_by || sa->kill_at)
		return true;
	return req_out(sa) &&
	       (v2(sa)->task == TASK_NEW_CHILD || v2(sa)->task == TASK_REKEY_CHILD ||
		v2(sa)->task == TASK_DELETE_CHILD);
}

/* The new IKE SA, answered for on the old one; NULL when it was refused. */
static struct ike_sa *take_over(struct ike_sa *sa, const struct ike_msg *m)
{
	struct proposal_want want = want_for(0);
	struct sa_payload offer, answer;
	uint8_t nonce[NONCE_LEN];
	struct slice ni, nr = { nonce, NONCE_LEN };
	struct ke_payload peer_ke;
	struct err err = { 0 };
	struct ike_sa *n = NULL;
	struct ke *ke = NULL;
	struct chosen c;
	struct out o;

	if (payload_sa(ike_msg_get(m, PAYLOAD_SA)->body, &offer, &err) < 0 ||
	    payload_ke(ike_msg_get(m, PAYLOAD_KE)->body, &peer_ke, &err) < 0 ||
	    payload_nonce(ike_msg_get(m, PAYLOAD_NONCE)->body, &ni, &err) < 0)
		goto syntax;
	want.ke_sent = peer_ke.group;
	if (proposal_choose(&offer, &sa->peer->conf.ike, &want, &c, &err) < 0) {
		log_warning(sa->peer->conf.name, "IKE SA not rekeyed: %s", err.msg);
		out_answer_notify(sa, CREATE_CHILD_SA, N_NO_PROPOSAL_CHOSEN,
				  (struct slice){ 0 });
		return NULL;
	}
	if (!proposal_ke_fits(&c, peer_ke.group)) {
		out_response(sa, &o, CREATE_CHILD_SA);
		build_notify_ke(&o.b, c.ke);
		out_send_response(sa, &o, 0);
		return NULL;
	}
	n = successor(sa, false);
	ke = n ? ke_new(c.ke, &err) : NULL;
	if (!ke)
		goto syntax;
	n->spi_i = c.spi;
	rng_bytes(nonce, NONCE_LEN);
	if (new_keys(sa, n, &c, ni, nr, ke, peer_ke.data, &err) < 0)
		goto syntax;
	out_response(sa, &o, CREATE_CHILD_SA);
	proposal_answer(&c, n->spi_r, &answer);
	build_sa(&o.b, &answer);
	build_nonce(&o.b, nr);
	build_ke(&o.b, ke_id(ke), ke_public(ke));
	out_send_response(sa, &o, 0);
	ke_free(ke);
	return n;

syntax:
	log_warning(sa->peer->conf.name, "IKE SA not rekeyed: %s", err.msg);
	ke_free(ke);
	if (n)
		sa_drop(n);
	out_answer_notify(sa, CREATE_CHILD_SA, N_INVALID_SYNTAX, (struct slice){ 0 });
	return NULL;
}

ACTION(rekey_request)
{
	struct ike_sa *n;

	if (must_wait(sa))
		return create_busy(sa, in);
	n = take_over(sa, in->m);
	if (!n)
		return V_STAY;
	sa_step(n, EV_REKEYED, ROLE_EVENT, NULL);
	if (req_out(sa) && v2(sa)->task == TASK_REKEY_IKE) {
		v2(sa)->rekeyed_by = n;
		return V_STAY;
	}
	rekey_adopt(sa, n);
	peer_trim(sa->peer);
	return V_DONE;
}
