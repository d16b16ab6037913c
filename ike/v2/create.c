/* create: CREATE_CHILD_SA for children (RFC 7296 §1.3.1, §1.3.3), both sides: new ones
 * and successors. When both sides want something at once, §2.25 says who waits. */
#include "ike/v2/v2.h"

#include "ike/engine/negotiation.h"

#include "core/base/clock.h"
#include "core/base/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOON_MS (1000 + rng_below(2000))	/* after TEMPORARY_FAILURE */
#define LATER_MS rng_jitter(30000, 30)		/* after a rekey was refused */

void exch_free(struct ike_sa *sa)
{
	struct exch *x = v2(sa)->x;
	struct child *old;

	if (!x)
		return;
	v2(sa)->x = NULL;
	old = x->old_id ? engine_child(sa->e, x->old_id) : NULL;
	if (old)
		old->rekeying = false;
	ke_free(x->ke);
	if (x->sa)
		sa_drop(x->sa);
	free(x);
}

/* ---- begun by us ---- */

static int send_create(struct ike_sa *sa)
{
	struct exch *x = v2(sa)->x;
	struct child *old = x->old_id ? engine_child(sa->e, x->old_id) : NULL;
	struct out o;

	out_request(sa, &o, CREATE_CHILD_SA);
	if (old)
		build_notify(&o.b, old->esp.protocol, 4, old->spi_in, N_REKEY_SA,
			     (struct slice){ 0 });
	child_write_offer(sa, &o.b, &(struct child_asked){ .slot = x->slot, .pair = x->pair,
			  .spi = x->spi, .cpi = x->cpi }, x);
	out_send_request(sa, &o, old ? TASK_REKEY_CHILD : TASK_NEW_CHILD);
	return req_out(sa) ? 0 : -1;
}

static int set_group(struct exch *x, uint16_t group)
{
	struct err err = { 0 };

	ke_free(x->ke);
	x->ke = NULL;
	x->group = group;
	if (group != KE_NONE)
		x->ke = ke_new(group, &err);
	return group == KE_NONE || x->ke ? 0 : -1;
}

void create_child(struct ike_sa *sa, uint8_t slot, struct child *old)
{
	struct exch *x = calloc(1, sizeof(*x));
	struct sa_payload offer;
	uint16_t group;

	if (slot_blocked(sa, slot)) {
		if (old)
			child_not_rekeyed(old, slot_blocked(sa, slot));
		else
			slot_fail(sa->peer, slot, "%s", slot_blocked(sa, slot));
		free(x);
		return;
	}
	if (!x)
		return;
	v2(sa)->x = x;
	x->slot = slot;
	x->pair = old ? old->pair : PAIR_ALL;
	if (!old)
		slot_missing(sa->peer, slot, slot_by_pair(sa->peer, slot), &x->pair);
	x->spi = child_new_spi(sa->peer);
	x->protocol = child_want(sa, slot, true, 0).protocol;
	x->cpi = child_cpi(sa, slot);
	rng_bytes(x->nonce, NONCE_LEN);
	child_offer_of(sa, slot, true, 0, &offer);
	group = proposal_first_ke(&offer);
	/* What it took last time saves a round. */
	if (old && old->esp.ke && proposal_offers_ke(&offer, old->esp.ke))
		group = old->esp.ke;
	if (old) {
		x->old_id = old->id;
		old->rekeying = true;
	}
	if (set_group(x, group) < 0 || send_create(sa) < 0) {
		exch_free(sa);
		slot_fail(sa->peer, slot, "CREATE_CHILD_SA cannot be made");
	}
}

static int read_offer(const struct ike_msg *m, struct child_offer *of,
		      struct slice *nonce, struct err *e)
{
	const struct payload *ke = ike_msg_get(m, PAYLOAD_KE);
	struct notify n;

	of->sa = ike_msg_get(m, PAYLOAD_SA)->body;
	of->tsi = ike_msg_get(m, PAYLOAD_TSI)->body;
	of->tsr = ike_msg_get(m, PAYLOAD_TSR)->body;
	of->pfs_round = true;
	of->transport = ike_msg_notify(m, N_USE_TRANSPORT_MODE, &n);
	of->cpi = child_cpi_said(m);
	if (ke && payload_ke(ke->body, &of->ke, e) < 0)
		return -1;
	return payload_nonce(ike_msg_get(m, PAYLOAD_NONCE)->body, nonce, e);
}

ACTION(create_answered)
{
	struct exch *x = v2(sa)->x;
	struct child_offer of = { 0 };
	struct err err = { 0 };
	struct child *c = NULL;
	uint8_t slot;

	if (!x || sa->want_delete) {
		exch_free(sa);
		return V_STAY;
	}
	slot = x->slot;
	of.ni = (struct slice){ x->nonce, NONCE_LEN };
	of.old = x->old_id ? engine_child(sa->e, x->old_id) : NULL;
	if (read_offer(in->m, &of, &of.nr, &err) == 0)
		c = child_complete(sa, &of, &(struct child_asked){ .slot = slot, .pair = x->pair,
				   .spi = x->spi, .cpi = x->cpi, .ke = x->ke }, &err);
	if (c && c->spi_out == x->deleted_spi) {
		exch_free(sa);
		child_remove(c, 0);
		sa->peer->slots[slot].next_ms = clock_ms() + SOON_MS;
		return V_DONE;
	}
	if (c) {
		/* The old one stays "being rekeyed" until the new one is in. */
		x->old_id = 0;
		exch_free(sa);
		return V_DONE;
	}
	v2(sa)->orphan_spi = x->spi;
	v2(sa)->orphan_protocol = x->protocol;
	exch_free(sa);
	if (of.old)
		child_not_rekeyed(of.old, err.msg);
	else
		slot_fail(sa->peer, slot, "%s", err.msg);
	return V_DONE;
}

/* §1.3: INVALID_KE_PAYLOAD: once more, with the group that the peer wants, if we offered
 * it. */
static bool other_group(struct ike_sa *sa, const struct notify *n)
{
	struct exch *x = v2(sa)->x;
	uint16_t group = notify_ke_group(n);
	struct sa_payload offer;

	if (x->slot >= sa->peer->conf.n_children || group == x->group ||
	    ++x->ke_tries > 2)
		return false;
	child_offer_of(sa, x->slot, true, 0, &offer);
	if (!proposal_offers_ke(&offer, group) || set_group(x, group) < 0)
		return false;
	rng_bytes(x->nonce, NONCE_LEN);
	return send_create(sa) == 0;
}

static void child_refused(struct ike_sa *sa, const struct notify *n)
{
	struct peer *p = sa->peer;
	struct exch *x = v2(sa)->x;
	struct child *old = x->old_id ? engine_child(sa->e, x->old_id) : NULL;
	uint8_t slot = x->slot;
	uint16_t pair = x->pair;
	char why[200];

	exch_free(sa);
	if ((n->type == N_TS_UNACCEPTABLE || n->type == N_SINGLE_PAIR_REQUIRED) && !old &&
	    slot < p->conf.n_children && slot_try_pairs(p, slot, pair))
		return;
	/* The child that it was about may have ended meanwhile. */
	if (n->type == N_TEMPORARY_FAILURE || (n->type == N_CHILD_SA_NOT_FOUND && !old)) {
		if (old)
			old->rekey_at = clock_ms() + SOON_MS;
		else if (slot < p->conf.n_children)
			p->slots[slot].next_ms = clock_ms() + SOON_MS;
		return;
	}
	if (n->type == N_CHILD_SA_NOT_FOUND && old) {
		/* §2.25: the peer has no such child: nor have we. */
		child_remove(old, ENGINE_LINGER_MS);
		peer_children_changed(p, "the peer does not know the child any more");
		return;
	}
	if (n->type == N_NO_ADDITIONAL_SAS && old && !old->test) {
		/* §1.3: a peer that never rekeys: all is made anew. */
		log_info(p->conf.name,
			 "the peer does not rekey: the tunnel is set up anew");
		sa->admin = true;
		sa_close(sa);
		return;
	}
	snprintf(why, sizeof(why), "the peer refuses %s: %s (%s)",
		 old ? "to rekey it" : "the child", ike_notify_words(n->type),
		 ike_notify_name(n->type));
	negotiation_child_refused(sa, slot, old != NULL, n->type);
	if (old)
		child_not_rekeyed(old, why);
	else
		slot_fail(p, slot, "%s", why);
}

static enum verdict ike_refused(struct ike_sa *sa, const struct notify *n)
{
	struct ike_sa *theirs = v2(sa)->rekeyed_by;

	exch_free(sa);
	if (theirs) {
		/* Ours is off, so theirs is the successor. */
		v2(sa)->rekeyed_by = NULL;
		rekey_adopt(sa, theirs);
		return V_FAILED;
	}
	if (n->type == N_TEMPORARY_FAILURE) {
		sa->rekey_at = clock_ms() + SOON_MS;
		return V_DONE;
	}
	log_warning(sa->peer->conf.name, "the peer refuses to rekey the IKE SA: %s (%s)",
		    ike_notify_words(n->type), ike_notify_name(n->type));
	sa->rekey_at = clock_ms() + 2 * LATER_MS;
	if (n->type == N_NO_ADDITIONAL_SAS) {
		sa->admin = true;
		sa_close(sa);
	}
	return V_DONE;
}

ACTION(create_refused)
{
	struct notify n;

	if (!v2(sa)->x)
		return V_STAY;
	if (!ike_msg_error(in->m, &n))
		n = (struct notify){ .type = N_INVALID_SYNTAX };
	if (v2(sa)->task == TASK_REKEY_IKE)
		return ike_refused(sa, &n);
	if (sa->want_delete) {
		exch_free(sa);
		return V_STAY;
	}
	if (n.type != N_INVALID_KE_PAYLOAD || !other_group(sa, &n))
		child_refused(sa, &n);
	return V_DONE;
}

/* ---- begun by the peer ---- */

ACTION(create_busy)
{
	(void)in;
	out_answer_notify(sa, CREATE_CHILD_SA, N_TEMPORARY_FAILURE, (struct slice){ 0 });
	return V_STAY;
}

/* §2.25.1, §2.25.2: 0: go on, with *old; else the notify to answer. */
static uint16_t who_waits(struct ike_sa *sa, struct input *in, struct child **old,
			  struct notify *n)
{
	*old = NULL;
	if (sa->want_delete || sa->kill_at || v2(sa)->rekeyed_by ||
	    (req_out(sa) && v2(sa)->task == TASK_REKEY_IKE))
		return N_TEMPORARY_FAILURE;
	if (in->shape != SHAPE_REKEY_CHILD)
		return 0;
	if (!ike_msg_notify(in->m, N_REKEY_SA, n) || n->spi_len != 4 ||
	    (n->protocol != PROTO_ESP && n->protocol != PROTO_AH))
		return N_INVALID_SYNTAX;
	*old = child_by_out(sa->peer, n->protocol, (uint32_t)n->spi);
	/* It may be the one whose making is not answered yet. */
	if (!*old)
		return v2(sa)->x ? N_TEMPORARY_FAILURE : N_CHILD_SA_NOT_FOUND;
	if ((*old)->state == CH_DELETING || (*old)->state == CH_ADDING ||
	    (*old)->del_want)
		return N_TEMPORARY_FAILURE;
	return 0;
}

ACTION(create_request)
{
	struct child_answer an = { 0 };
	struct child_offer of = { 0 };
	uint8_t nonce[NONCE_LEN];
	struct err err = { 0 };
	struct notify n;
	struct out o;

	an.error = who_waits(sa, in, &of.old, &n);
	if (!an.error && read_offer(in->m, &of, &of.ni, &err) < 0) {
		log_warning(sa->peer->conf.name, "CREATE_CHILD_SA refused: %s", err.msg);
		an.error = N_INVALID_SYNTAX;
	}
	out_response(sa, &o, CREATE_CHILD_SA);
	if (an.error == N_CHILD_SA_NOT_FOUND) {
		build_notify(&o.b, n.protocol, 4, n.spi, an.error, (struct slice){ 0 });
	} else {
		rng_bytes(nonce, NONCE_LEN);
		of.nr = (struct slice){ nonce, NONCE_LEN };
		if (!an.error)
			child_accept(sa, &of, &an);
		child_write_answer(&o.b, &of, &an);
	}
	if (an.child && of.old)
		of.old->replaced_by = an.child->id;
	out_send_response(sa, &o, an.child ? an.child->id : 0);
	ke_free(an.ke);
	return V_DONE;
}
