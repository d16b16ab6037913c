/* mainmode: Main mode (RFC 2409 §5.4), both sides, by pre-shared key or by RSA signature.
 *
 * With a pre-shared key Main mode encrypts the identities with a key that the PSK is part of:
 * whose PSK it is must be known by the address before. A wrong PSK shows as a fifth message
 * that decrypts to nonsense, and nothing that we could say is readable to the other side.
 */
#include "ike/v1/v1.h"

#include "ike/v1/sign.h"

#include <stdio.h>

/* ---- Main mode, the initiator ---- */

static void begin(struct ike_sa *sa, struct v1_out *o)
{
	isakmp_begin(&o->b, o->buf, sizeof(o->buf), sa->spi_i, sa->spi_r, X_MAIN, 0);
}

V1_ACTION(p1_start)
{
	struct offer_want want = p1_want(sa);
	struct err err = { 0 };
	struct offer offer;
	struct v1_out o;

	(void)in;
	if (p1_new(sa) < 0)
		return FAILED;
	if (sign_wanted(sa->peer) && sign_ready(sa->peer, &err) < 0) {
		negotiation_fail(sa, NEG_LOCAL);
		sa_why(sa, true, "we cannot sign: %s", err.msg);
		return FAILED;
	}
	offer_make(&sa->peer->conf.ike, &want, &offer);
	if (!offer.n) {
		negotiation_fail(sa, NEG_LOCAL);
		sa_why(sa, true, "IKEv1 can use none of the ike setting's suites: it needs "
		       "one with a CBC cipher and a hash, like aes256-sha256-modp2048");
		return FAILED;
	}
	begin(sa, &o);
	isakmp_open(&o.b, P_SA);
	offer_write(&o.b.w, &offer, 0);
	isakmp_close(&o.b);
	if (!wr_ok(&o.b.w) ||
	    blob_set(&v1(sa)->p1->sa_body, (struct slice){ o.buf + ISAKMP_HDR_LEN + 4,
				       o.b.w.len - ISAKMP_HDR_LEN - 4 }) < 0) {
		sa_why(sa, true, "the proposals do not fit in a message");
		return FAILED;
	}
	p1_write_vendors(sa, &o.b);
	p1_send(sa, &o, false, true);
	return DONE;
}

/* The second message. */
V1_ACTION(p1_choice)
{
	struct err err = { 0 };
	char words[ERR_MSG_MAX + 64];
	struct v1_out o;

	if (p1_take_answer(sa, in->m, &err) < 0)
		goto refused;
	if (p1_refused(sa)) {
		err_set(&err, "%s", p1_refused(sa));
		goto refused;
	}
	if (p1_make_ke(sa, sa->ike.ke) < 0)
		return FAILED;
	begin(sa, &o);
	isakmp_add(&o.b, P_KE, ke_public(v1(sa)->p1->ke));
	isakmp_add(&o.b, P_NONCE, p1_nonce(v1(sa)->p1));
	p1_write_nat(sa, &o.b);
	p1_send(sa, &o, false, true);
	return DONE;

refused:
	sa->spi_r = 0;
	snprintf(words, sizeof(words), "the peer's answer to our proposals is wrong: %s",
		 err.msg);
	p1_refuse_later(sa, words);
	return STAY;
}

/* The fourth. */
V1_ACTION(p1_keys_answered)
{
	struct err err = { 0 };

	p1_read_nat(sa, in);
	if (p1_shared(sa, in->m, &err) < 0) {
		p1_refuse_later(sa, err.msg);
		return STAY;
	}
	p1_answered(sa);
	if (p1_refused(sa)) {
		sa_why(sa, true, "%s", p1_refused(sa));
		return FAILED;
	}
	p1_ask_skeyid(sa);
	return DONE;
}

static void add_initial_contact(const struct ike_sa *sa, struct v1_out *o)
{
	uint8_t spi[16];
	struct wr w = wr_init(spi, sizeof(spi));

	wr_u64(&w, sa->spi_i);
	wr_u64(&w, sa->spi_r);
	isakmp_add_note(&o->b, ISAKMP_PROTO_ISAKMP, (struct slice){ spi, 16 },
			V1_INITIAL_CONTACT, (struct slice){ 0 });
}

/* Certificates and signature, or the hash that the PSK is in. */
static int write_proof(struct ike_sa *sa, struct isakmp_build *b, struct slice signature)
{
	struct err err = { 0 };

	if (!sign_wanted(sa->peer)) {
		p1_write_hash(sa, b);
		return 0;
	}
	if (sign_write_chain(sa->peer, b, &err) < 0) {
		sa_why(sa, true, "we cannot show our certificate: %s", err.msg);
		return -1;
	}
	if (sa->initiator)
		sign_write_request(sa->peer, b);
	isakmp_add(b, P_SIG, signature);
	return 0;
}

/* The fifth. With a certificate the vault is asked twice: for its signature, too. */
V1_ACTION(p1_prove)
{
	struct v1_out o;

	if (!v1(sa)->keys) {
		if (p1_make_keys(sa, in->vault->auth) < 0)
			return FAILED;
		p1_float(sa);
		if (sign_wanted(sa->peer)) {
			p1_ask_signature(sa);
			return STAY;
		}
	}
	begin(sa, &o);
	p1_write_id(sa, &o.b);
	if (write_proof(sa, &o.b, in->vault->auth) < 0)
		return FAILED;
	if (!p1_others_up(sa) && sa->peer->conf.unique != UNIQUE_NEVER)
		add_initial_contact(sa, &o);
	p1_send(sa, &o, true, true);
	return DONE;
}

/* With signatures the keys are not the PSK's: among several peers at one address the ID and
 * the certificate say which it is. */
static void find_peer(struct ike_sa *sa, const struct isakmp_msg *m)
{
	struct err err = { 0 };
	struct ike_id id;

	if (sa->initiator || isakmp_id(isakmp_get(m, P_ID)->body, &id, &err) < 0 ||
	    p1_id_fit(sa->peer, sa, &id) > 1 ||
	    (p1_id_fit(sa->peer, sa, &id) && sign_belongs(sa->peer, m, &id, &err) == 0))
		return;
	for (struct peer *p = engine_caller(sa->e, &sa->remote.addr, NULL); p;
	     p = engine_caller(sa->e, &sa->remote.addr, p))
		if (p != sa->peer && peer_speaks(p, IKE_V1) && sign_wanted(p) &&
		    peer_match_addr(p, &sa->local, &sa->remote) && p1_id_fit(p, sa, &id) &&
		    sign_belongs(p, m, &id, &err) == 0) {
			sa_move(sa, p);
			return;
		}
}

static bool is_signed(struct ike_sa *sa, const struct isakmp_msg *m)
{
	uint8_t h[PRF_MAX];
	struct err err = { 0 };

	if (!isakmp_get(m, P_SIG)) {
		negotiation_fail(sa, NEG_METHOD)->auth_theirs = NEG_AUTH_PSK;
		sa_why(sa, true, "the peer signs nothing, this side expects a certificate");
		return false;
	}
	find_peer(sa, m);
	if (p1_check_id(sa, isakmp_get(m, P_ID)->body) < 0)
		return false;
	if (p1_hash(sa, false, h) < 0 ||
	    sign_check(sa->peer, m, &sa->peer_id,
		       (struct slice){ h, v1(sa)->keys->prf_len }, &err) < 0) {
		struct negotiation *n = negotiation_fail(sa, NEG_CERT);

		snprintf(n->cert, sizeof(n->cert), "%s", err.msg);
		sa_why(sa, true, "the peer's certificate is refused: %s", err.msg);
		return false;
	}
	return true;
}

static bool is_proven(struct ike_sa *sa, const struct isakmp_msg *m)
{
	if (blob_set(&v1(sa)->p1->peer_id, isakmp_get(m, P_ID)->body) < 0)
		return false;
	if (sign_wanted(sa->peer))
		return is_signed(sa, m);
	if (!isakmp_get(m, P_HASH) || !p1_hash_fits(sa, isakmp_get(m, P_HASH)->body)) {
		negotiation_fail(sa, NEG_PSK);
		sa_why(sa, true, "the peer does not have our PSK: its hash does not verify");
		return false;
	}
	return p1_check_id(sa, isakmp_get(m, P_ID)->body) == 0;
}

/* The sixth. */
V1_ACTION(p1_proof_last)
{
	if (!is_proven(sa, in->m)) {
		note_delete_ike(sa);
		return FAILED;
	}
	p1_answered(sa);
	blob_free(&v1(sa)->out);	/* the last word was theirs: nothing to repeat */
	sa->owner = true;
	v1_established(sa, p1_initial_contact(in->m));
	return DONE;
}

/* ---- Main mode, the responder ---- */

/* The first message, chosen from already (p1_request). */
V1_ACTION(p1_asked)
{
	struct offer_want want = p1_want(sa);
	struct offer offer;
	struct offer_transform t;
	struct err err = { 0 };
	struct v1_out o;
	bool tell;

	if (p1_new(sa) < 0)
		return FAILED;
	if (sign_wanted(sa->peer) && sign_ready(sa->peer, &err) < 0) {
		negotiation_fail(sa, NEG_LOCAL);
		sa_why(sa, true, "we cannot sign: %s", err.msg);
		log_warning(sa->peer->conf.name, "refused: %s", sa->why);
		peer_fail(sa->peer, sa->why);
		v1_stranger(sa->e, in, V1_NO_PROPOSAL_CHOSEN);
		return FAILED;
	}
	if (blob_set(&v1(sa)->p1->sa_body, isakmp_get(in->m, P_SA)->body) < 0 ||
	    offer_read(isakmp_get(in->m, P_SA)->body, false, &offer, &err) < 0 ||
	    offer_choose(&offer, &sa->peer->conf.ike, &want, &sa->ike, &t, &tell, &err) < 0)
		return FAILED;
	sa->life_s = t.life_s;
	p1_read_vendors(sa, in->m);
	if (p1_refuse_without_natt(sa, in))
		return FAILED;
	begin(sa, &o);
	isakmp_open(&o.b, P_SA);
	offer_answer(&o.b.w, &t, 0);
	isakmp_close(&o.b);
	p1_write_vendors(sa, &o.b);
	p1_send(sa, &o, false, false);
	return DONE;
}

/* The third; whoever sent it has seen our cookie, so it may cost something. */
V1_ACTION(p1_keys_asked)
{
	struct err err = { 0 };
	unsigned held;

	p1_read_nat(sa, in);
	p1_read_vendors(sa, in->m);
	if (p1_make_ke(sa, sa->ike.ke) < 0)
		return FAILED;
	if (p1_shared(sa, in->m, &err) < 0) {
		if (log_limit_pass(&sa->e->stranger_log, &held))
			log_warning(sa->peer->conf.name, "phase 1 refused: %s", err.msg);
		sa_why(sa, true, "%s", err.msg);
		return FAILED;
	}
	p1_ask_skeyid(sa);
	return DONE;
}

V1_ACTION(p1_keys_answer)
{
	struct v1_out o;

	if (p1_make_keys(sa, in->vault->auth) < 0)
		return FAILED;
	begin(sa, &o);
	isakmp_add(&o.b, P_KE, ke_public(v1(sa)->p1->ke));
	isakmp_add(&o.b, P_NONCE, p1_nonce(v1(sa)->p1));
	if (sign_wanted(sa->peer))
		sign_write_request(sa->peer, &o.b);
	p1_write_nat(sa, &o.b);
	p1_send(sa, &o, false, false);
	return DONE;
}

/* The fifth; the answer goes to where it came from: port 4500 perhaps. */
V1_ACTION(p1_proof)
{
	sa->local = *in->local;
	sa->remote = *in->remote;
	if (!is_proven(sa, in->m) || !p1_may_join(sa)) {
		log_warning(sa->peer->conf.name, "refused: %s", sa->why ? sa->why : "?");
		peer_fail(sa->peer, sa->why);
		note_send(sa, ISAKMP_PROTO_ISAKMP, (struct slice){ 0 },
			  V1_AUTHENTICATION_FAILED, (struct slice){ 0 });
		return FAILED;
	}
	blob_free(&v1(sa)->out);
	v1(sa)->p1->initial_contact = p1_initial_contact(in->m);
	v1(sa)->p1->begins_anew = p1_begins_anew(sa, in->m);
	if (sign_wanted(sa->peer))
		p1_ask_signature(sa);
	else
		p1_later(sa);
	return DONE;
}

/* The sixth. */
V1_ACTION(p1_proof_answer)
{
	struct v1_out o;

	begin(sa, &o);
	p1_write_id(sa, &o.b);
	if (write_proof(sa, &o.b, in->vault->auth) < 0) {
		log_warning(sa->peer->conf.name, "refused: %s", sa->why);
		peer_fail(sa->peer, sa->why);
		return FAILED;
	}
	if (v1(sa)->p1->begins_anew)
		add_initial_contact(sa, &o);
	p1_send(sa, &o, true, false);
	v1_established(sa, v1(sa)->p1->initial_contact);
	return DONE;
}
