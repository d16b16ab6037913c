/* answer: Quick mode as who answers it (RFC 2409 §5.5): whether and what is chosen, and what is
 * said to it. */
#include "ike/v1/v1.h"

#include "core/base/secret.h"

enum v1_verdict quick_refuse(struct quick *q, uint32_t their_spi, uint16_t type)
{
	uint8_t spi[4];
	struct wr w = wr_init(spi, sizeof(spi));

	wr_u32(&w, their_spi);
	note_send(q->sa, quick_protocol(q), (struct slice){ spi, 4 }, type,
		  (struct slice){ 0 });
	return FAILED;
}

static uint32_t first_spi(const struct offer *o)
{
	return o->n ? o->t[0].spi : 0;
}

static enum v1_verdict no_networks(struct quick *q, const struct offer *offer)
{
	struct peer *p = q->sa->peer;
	const struct child_conf *cc = &p->conf.children[0];
	struct ts_list local, remote, l = { .n = 1, .s = { q->local } },
		       r = { .n = 1, .s = { q->remote } };
	struct negotiation *n = negotiation_child(q->sa, 0, false, false, NEG_SELECTORS);
	char words[400];

	negotiation_selectors(&n->ts_theirs_local, &l);
	negotiation_selectors(&n->ts_theirs_remote, &r);
	slot_selectors(cc, PAIR_ALL, &local, &remote);
	slot_fail(p, 0, "networks do not match: %s",
		  ts_compare(&local, &remote, &l, &r, words, sizeof(words)));
	return quick_refuse(q, first_spi(offer), V1_INVALID_ID_INFORMATION);
}

/* The group that the peer's key exchange is for: all its transforms name the same one
 * (§5.5). */
static int take_group(struct quick *q, const struct isakmp_msg *m, const struct offer *offer,
		      struct offer_want *want, struct err *e)
{
	const struct isakmp_payload_at *ke = isakmp_get(m, P_KE);

	want->ke = ke ? offer_group(offer) : KE_NONE;
	if (!ke || want->ke == KE_NONE)
		return 0;
	q->ke = ke_new(want->ke, e);
	return q->ke ? 0 : -1;
}

static void no_proposal(struct quick *q, const struct offer *offer, const struct err *why)
{
	struct negotiation *n = negotiation_child(q->sa, q->slot, false,
						  pair_child(q->sa->peer, q->slot, q->pair),
						  NEG_PROPOSAL);
	struct sa_payload as;

	offer_as_proposals(offer, true, &as);
	negotiation_offer(&n->esp_theirs, &as);
	slot_fail(q->sa->peer, q->slot, "no common %s proposal: %s",
		  quick_protocol(q) == ISAKMP_PROTO_AH ? "AH" : "ESP", why->msg);
}

/* What is needed for the answer, which leaves when the dataplane has the pair. */
static int keep_answer(struct quick *q, const struct isakmp_msg *m,
		       const struct offer_transform *t)
{
	const struct isakmp_payload_at *i = isakmp_get(m, P_ID), *r;
	uint8_t buf[MSG_CAP];
	struct isakmp_build b = { .w = wr_init(buf, sizeof(buf)) };

	wr_u8(&b.w, P_NONE);	/* where the chain begins */
	isakmp_open(&b, P_SA);
	offer_answer(&b.w, t, q->spi);
	isakmp_close(&b);
	isakmp_add(&b, P_NONCE, (struct slice){ q->nonce, V1_NONCE_LEN });
	if (q->ke)
		isakmp_add(&b, P_KE, ke_public(q->ke));
	if (i && (r = isakmp_next(m, P_ID, i))) {
		isakmp_add(&b, P_ID, i->body);
		isakmp_add(&b, P_ID, r->body);
	}
	return wr_ok(&b.w) ? blob_set(&q->answer, (struct slice){ buf, b.w.len }) : -1;
}

/* RFC 3947 §5.2: of transport mode the addresses are those of the two ends, and behind a NAT the
 * peer has others for them than we see. */
static bool find_pair(struct quick *q)
{
	const struct ike_sa *sa = q->sa;
	struct selector local = q->local, remote = q->remote;

	if (pair_find(sa->peer, &q->local, &q->remote, &q->slot, &q->pair))
		return true;
	if (sa->nat_remote && addr_equal(&remote.from, &remote.to))
		remote.from = remote.to = sa->remote.addr;
	if (sa->nat_local && addr_equal(&local.from, &local.to))
		local.from = local.to = sa->local.addr;
	if (!pair_find(sa->peer, &local, &remote, &q->slot, &q->pair) ||
	    slot_conf(sa->peer, q->slot)->mode != MODE_TRANSPORT)
		return false;
	q->local = local;
	q->remote = remote;
	return true;
}

QUICK_ACTION(quick_asked)
{
	struct ike_sa *sa = q->sa;
	uint8_t shared[KE_SHARED_MAX];
	struct offer_transform t;
	struct offer_want want;
	struct suite_list room;
	struct offer offer;
	struct err err = { 0 };
	struct slice nonce;
	struct chosen c;
	struct child *child;
	size_t len;

	if (offer_read(isakmp_get(in->m, P_SA)->body, true, &offer, &err) < 0 ||
	    isakmp_nonce(isakmp_get(in->m, P_NONCE)->body, &nonce, &err) < 0 ||
	    quick_selectors(sa, in->m, &q->remote, &q->local, false, &err) < 0) {
		log_warning(sa->peer->conf.name, "Quick mode refused: %s", err.msg);
		return quick_refuse(q, 0, V1_PAYLOAD_MALFORMED);
	}
	if (child_too_many(sa->peer))
		return quick_refuse(q, first_spi(&offer), V1_NO_PROPOSAL_CHOSEN);
	if (!find_pair(q))
		return no_networks(q, &offer);
	if (slot_blocked(sa, q->slot)) {
		negotiation_child(sa, q->slot, false, false, NEG_LOCAL);
		slot_fail(sa->peer, q->slot, "%s", slot_blocked(sa, q->slot));
		return quick_refuse(q, first_spi(&offer), V1_NO_PROPOSAL_CHOSEN);
	}
	want = quick_want(sa, slot_conf(sa->peer, q->slot));
	if (blob_set(&q->peer_nonce, nonce) < 0 ||
	    take_group(q, in->m, &offer, &want, &err) < 0 ||
	    offer_choose(&offer, slot_suites(slot_conf(sa->peer, q->slot), &room), &want, &c,
			 &t, &q->tell_life, &err) < 0) {
		no_proposal(q, &offer, &err);
		return quick_refuse(q, first_spi(&offer), V1_NO_PROPOSAL_CHOSEN);
	}
	if (quick_exchange(q, in->m, shared, &len, &err) < 0 || keep_answer(q, in->m, &t) < 0) {
		log_warning(sa->peer->conf.name, "Quick mode refused: %s", err.msg);
		return quick_refuse(q, t.spi, V1_PAYLOAD_MALFORMED);
	}
	child = quick_install(q, &c, (struct slice){ shared, len }, &t, &err);
	secret_wipe(shared, sizeof(shared));
	if (child)
		return DONE;
	slot_fail(sa->peer, q->slot, "%s", err.msg);
	return quick_refuse(q, t.spi, V1_NO_PROPOSAL_CHOSEN);
}

/* Where ours live shorter than proposed, and proposal_check is claim. */
static void add_lifetime(struct quick *q, struct isakmp_build *b)
{
	const struct child *c = engine_child(q->sa->e, q->child_id);
	uint8_t data[32], spi[4];
	struct wr w = wr_init(data, sizeof(data)), s = wr_init(spi, sizeof(spi));

	if (!q->tell_life || !c)
		return;
	wr_u32(&s, q->spi);
	isakmp_attr_write(&w, 1, 1);
	isakmp_attr_write(&w, 2, c->life_s);
	if (c->life_bytes) {
		isakmp_attr_write(&w, 1, 2);
		isakmp_attr_write(&w, 2, (uint32_t)(c->life_bytes / 1024));
	}
	isakmp_add_note(b, quick_protocol(q), (struct slice){ spi, 4 }, V1_RESPONDER_LIFETIME,
			(struct slice){ data, w.len });
}

QUICK_ACTION(quick_answer)
{
	struct isakmp_build *b;
	struct v1_out o;
	size_t len, chain;

	(void)in;
	sealed_begin(q->sa, &o, X_QUICK, q->msg_id);
	b = &o.b;
	/* What was kept is a chain of its own: hang it behind the HASH. */
	wr_patch_u8(&b->w, b->next_at, q->answer.p[0]);
	chain = b->w.len;
	wr_bytes(&b->w, q->answer.p + 1, q->answer.len - 1);
	for (size_t at = chain; wr_ok(&b->w); ) {
		b->next_at = at;
		if (o.buf[at] == P_NONE)
			break;
		at += (size_t)o.buf[at + 2] << 8 | o.buf[at + 3];
	}
	add_lifetime(q, b);
	if (sealed_end(q->sa, &o, blob_slice(&q->peer_nonce), q->iv, &len) < 0)
		return FAILED;
	blob_free(&q->answer);
	ke_free(q->ke);
	q->ke = NULL;
	quick_send(q, o.buf, len, true);
	return DONE;
}

QUICK_ACTION(quick_confirmed)
{
	struct child *c = engine_child(q->sa->e, q->child_id);

	(void)in;
	timer_stop(q->sa->e->ts, &q->timer);
	blob_free(&q->out);
	if (c && c->state == CH_LIVE) {
		child_activate(c);
		v1_child_stands(c);
	}
	return DONE;
}
