/* aggressive: Aggressive mode (RFC 2409 §5.4): three messages, the identities and the
 * responder's hash in clear, so that whoever calls may guess the PSK at leisure. For peers
 * that know nothing else, when allow_weak names it. */
#include "ike/v1/v1.h"

#include <stdio.h>
#include <string.h>

static void begin(struct ike_sa *sa, struct v1_out *o)
{
	isakmp_begin(&o->b, o->buf, sizeof(o->buf), sa->spi_i, sa->spi_r, X_AGGRESSIVE, 0);
}

/* The group cannot be chosen by who answers: the public value is sent along. */
static void one_group(struct offer *o)
{
	uint8_t n = 0;

	for (uint8_t i = 0; i < o->n; i++)
		if (o->t[i].ke == o->t[0].ke) {
			o->t[n] = o->t[i];
			o->t[n].number = (uint8_t)(n + 1);
			n++;
		}
	o->n = n;
}

V1_ACTION(ag_start)
{
	struct offer_want want = p1_want(sa);
	struct phase1 *p;
	struct offer offer;
	struct v1_out o;

	(void)in;
	if (p1_new(sa) < 0)
		return FAILED;
	p = v1(sa)->p1;
	offer_make(&sa->peer->conf.ike, &want, &offer);
	if (!offer.n) {
		negotiation_fail(sa, NEG_LOCAL);
		sa_why(sa, true, "IKEv1 can use none of the ike setting's suites: it needs "
		       "one with a CBC cipher and a hash, like aes256-sha256-modp2048");
		return FAILED;
	}
	one_group(&offer);
	if (p1_make_ke(sa, offer.t[0].ke) < 0)
		return FAILED;
	begin(sa, &o);
	isakmp_open(&o.b, P_SA);
	offer_write(&o.b.w, &offer, 0);
	isakmp_close(&o.b);
	if (!wr_ok(&o.b.w) || blob_set(&p->sa_body, (struct slice){
			o.buf + ISAKMP_HDR_LEN + 4, o.b.w.len - ISAKMP_HDR_LEN - 4 }) < 0) {
		sa_why(sa, true, "the proposals do not fit in a message");
		return FAILED;
	}
	isakmp_add(&o.b, P_KE, ke_public(p->ke));
	isakmp_add(&o.b, P_NONCE, (struct slice){ p->nonce, V1_NONCE_LEN });
	p1_write_id(sa, &o.b);
	p1_write_vendors(sa, &o.b);
	p1_send(sa, &o, false, true);
	return DONE;
}

/* The second message: its hash is looked at when the vault has made SKEYID. */
V1_ACTION(ag_answered)
{
	struct phase1 *p = v1(sa)->p1;
	struct err err = { 0 };
	char words[ERR_MSG_MAX + 64];

	if (p1_take_answer(sa, in->m, &err) < 0)
		goto bad;
	if (sa->ike.ke != ke_id(p->ke)) {
		err_set(&err, "it chose another key exchange group than was sent");
		goto bad;
	}
	p1_read_nat(sa, in);
	if (p1_refused(sa)) {
		err_set(&err, "%s", p1_refused(sa));
		goto bad;
	}
	if (p1_shared(sa, in->m, &err) < 0)
		goto bad;
	if (blob_set(&p->peer_id, isakmp_get(in->m, P_ID)->body) < 0 ||
	    blob_set(&p->peer_hash, isakmp_get(in->m, P_HASH)->body) < 0)
		goto bad;
	p1_answered(sa);
	p1_ask_skeyid(sa);
	return DONE;

bad:
	/* In clear: a better one may come. */
	sa->spi_r = 0;
	snprintf(words, sizeof(words), "the peer's answer is wrong: %s",
		 err.msg[0] ? err.msg : "out of memory");
	p1_refuse_later(sa, words);
	return STAY;
}

/* The third, with the NAT detection of our side. */
V1_ACTION(ag_prove)
{
	struct phase1 *p = v1(sa)->p1;
	struct v1_out o;

	if (p1_make_keys(sa, in->vault->auth) < 0)
		return FAILED;
	if (!p1_hash_fits(sa, blob_slice(&p->peer_hash))) {
		negotiation_fail(sa, NEG_PSK);
		sa_why(sa, true, "the peer does not have our PSK: its hash does not verify");
		return FAILED;
	}
	if (p1_check_id(sa, blob_slice(&p->peer_id)) < 0)
		return FAILED;
	p1_float(sa);
	begin(sa, &o);
	p1_write_hash(sa, &o.b);
	p1_write_nat(sa, &o.b);
	if (!p1_others_up(sa) && sa->peer->conf.unique != UNIQUE_NEVER)
		isakmp_add_note(&o.b, ISAKMP_PROTO_ISAKMP, (struct slice){ 0 },
				V1_INITIAL_CONTACT, (struct slice){ 0 });
	p1_send(sa, &o, true, false);
	sa->owner = true;
	v1(sa)->unheard = true;
	v1_established(sa, false);
	return DONE;
}

/* The first message, chosen from already (p1_request). */
V1_ACTION(ag_asked)
{
	struct offer_want want = p1_want(sa);
	struct offer offer;
	struct offer_transform t;
	struct err err = { 0 };
	bool tell;

	if (p1_new(sa) < 0)
		return FAILED;
	if (blob_set(&v1(sa)->p1->sa_body, isakmp_get(in->m, P_SA)->body) < 0 ||
	    blob_set(&v1(sa)->p1->peer_id, isakmp_get(in->m, P_ID)->body) < 0 ||
	    offer_read(isakmp_get(in->m, P_SA)->body, false, &offer, &err) < 0 ||
	    offer_choose(&offer, &sa->peer->conf.ike, &want, &sa->ike, &t, &tell, &err) < 0)
		return FAILED;
	sa->life_s = t.life_s;
	p1_read_vendors(sa, in->m);
	if (p1_refuse_without_natt(sa, in))
		return FAILED;
	if (p1_make_ke(sa, sa->ike.ke) < 0 || p1_shared(sa, in->m, &err) < 0) {
		v1_stranger(sa->e, in, V1_NO_PROPOSAL_CHOSEN);
		return FAILED;
	}
	/* The answer repeats the transform, whose bytes end with this message. */
	if (blob_set(&v1(sa)->p1->peer_hash, t.raw) < 0)
		return FAILED;
	p1_ask_skeyid(sa);
	return DONE;
}

V1_ACTION(ag_answer)
{
	struct phase1 *p = v1(sa)->p1;
	struct offer_transform t = { .proposal = sa->ike.number,
				     .protocol = ISAKMP_PROTO_ISAKMP,
				     .raw = blob_slice(&p->peer_hash) };
	struct v1_out o;

	if (p1_make_keys(sa, in->vault->auth) < 0)
		return FAILED;
	begin(sa, &o);
	isakmp_open(&o.b, P_SA);
	offer_answer(&o.b.w, &t, 0);
	isakmp_close(&o.b);
	isakmp_add(&o.b, P_KE, ke_public(p->ke));
	isakmp_add(&o.b, P_NONCE, (struct slice){ p->nonce, V1_NONCE_LEN });
	p1_write_id(sa, &o.b);
	p1_write_hash(sa, &o.b);
	p1_write_nat(sa, &o.b);
	p1_write_vendors(sa, &o.b);
	p1_send(sa, &o, false, false);
	return DONE;
}

/* In clear, perhaps: whoever sees the cookies can send this, so what does not fit ends
 * nothing. */
V1_ACTION(ag_proof)
{
	unsigned held;
	bool anew;

	if (!p1_hash_fits(sa, isakmp_get(in->m, P_HASH)->body)) {
		DROPPED(sa, bad_icv);
		negotiation_fail(sa, NEG_PSK);
		sa_why(sa, true, "the peer does not have our PSK: its hash does not verify");
		peer_fail(sa->peer, sa->why);
		if (log_limit_pass(&sa->e->stranger_log, &held))
			log_warning(sa->peer->conf.name, "refused: %s", sa->why);
		return STAY;
	}
	sa->local = *in->local;
	sa->remote = *in->remote;
	if (v1(sa)->natt)
		p1_read_nat(sa, in);
	if (p1_refused(sa)) {
		sa_why(sa, true, "%s", p1_refused(sa));
		return FAILED;
	}
	if (p1_check_id(sa, blob_slice(&v1(sa)->p1->peer_id)) < 0 || !p1_may_join(sa)) {
		log_warning(sa->peer->conf.name, "refused: %s", sa->why);
		peer_fail(sa->peer, sa->why);
		return FAILED;
	}
	blob_free(&v1(sa)->out);	/* the last word was theirs: nothing to repeat */
	anew = p1_begins_anew(sa, in->m);
	v1_established(sa, p1_initial_contact(in->m));
	if (anew)
		note_initial_contact(sa);
	return DONE;
}
