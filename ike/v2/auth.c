/* auth: IKE_AUTH (RFC 7296 §1.2, §2.15), both sides: who is it, is it really, and the
 * first child. The secret is in the vault, so both the making and the checking of AUTH
 * are questions whose answers come as EV_VAULT_*; what the message brought is kept until
 * then.
 *
 * Who may a peer be? With peer_id set: exactly that. Without: the address of
 * remote_gateway; or, where a NAT was detected in front of it (userspace dataplanes
 * report one always), any address, for the one it has behind the NAT cannot be known
 * here; or, with remote_gateway "any", anyone; or, where it proves itself by a
 * certificate, whoever that is made out to. In each case the PSK of that very peer, or a
 * certificate that this very peer may have, must have made AUTH, so a looser ID never lets
 * a stranger in.
 *
 * Of the vault several things are asked one after the other, in one state of the table:
 * what is under way is in handshake.asked, and an action that has to ask more stays.
 */
#include "ike/v2/v2.h"

#include "ike/engine/negotiation.h"

#include "core/base/clock.h"
#include "core/base/secret.h"
#include "core/ipc/msg.h"
#include "ike/v2/cert.h"
#include "ike/v2/ppk.h"
#include "ike/v2/who.h"
#include "ike/wire/id.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum asked { ASKED_NOTHING, ASKED_PPK, ASKED_AUTH, ASKED_NO_PPK_AUTH, ASKED_VERIFY };

static int read_id(const struct blob *body, struct ike_id *id)
{
	struct err err = { 0 };

	*id = (struct ike_id){ 0 };
	return body->p ? payload_id(blob_slice(body), id, &err) : 0;
}

/* ---- the vault ---- */

/* with_ppk: AUTH by SK_pi or SK_pr as the PPK makes it, where it does not count yet. */
static size_t make_octets(struct ike_sa *sa, bool initiator_signs, bool with_ppk,
			  struct slice id_body, uint8_t buf[AUTH_OCTETS_MAX])
{
	struct handshake *hs = v2(sa)->hs;
	bool ours = initiator_signs == sa->initiator;
	struct slice message = blob_slice(ours ? &hs->mine : &hs->theirs);
	struct slice own_nonce = { hs->nonce, NONCE_LEN };
	struct slice nonce = ours ? blob_slice(&hs->peer_nonce) : own_nonce;
	struct slice sk_p = { initiator_signs ? v2(sa)->keys->pi : v2(sa)->keys->pr,
			      v2(sa)->keys->prf_len };
	struct wr w = wr_init(buf, AUTH_OCTETS_MAX);
	struct err err = { 0 };

	if (with_ppk && hs->ppk_keys)
		sk_p = ppk_sk_p(sa, initiator_signs);
	if (keymat_auth_octets(&w, message, nonce, sa->ike.prf, sk_p, id_body, &err) <
	    0) {
		log_error(sa->peer->conf.name, "AUTH: %s", err.msg);
		return 0;
	}
	return w.len;
}

/* what: ASKED_AUTH or ASKED_NO_PPK_AUTH. */
static void ask_sign(struct ike_sa *sa, enum asked what)
{
	struct handshake *hs = v2(sa)->hs;
	uint8_t octets[AUTH_OCTETS_MAX], body[4 + ID_MAX];
	struct wr w = wr_init(body, sizeof(body));
	size_t len;

	id_write(&w, &hs->my_id);
	len = make_octets(sa, sa->initiator, what == ASKED_AUTH,
			  (struct slice){ body, w.len }, octets);
	hs->asked = what;
	vault_sign(sa, &(struct vault_query){
			       .kind = hs->scheme ? VAULT_SIGNATURE : VAULT_PSK,
			       .scheme = hs->scheme, .prf = sa->ike.prf,
			       .octets = { octets, len } });
}

/* The scheme is chosen when we are about to sign: the peer is known then. */
static int begin_sign(struct ike_sa *sa)
{
	struct handshake *hs = v2(sa)->hs;
	struct err err = { 0 };

	hs->scheme = 0;
	if (sa->peer->conf.auth == AUTH_BY_CERT) {
		hs->scheme = cert_scheme(sa->peer, hs->peer_hashes, &err);
		if (!hs->scheme) {
			sa_why(sa, true, "we cannot sign: %s", err.msg);
			return -1;
		}
	}
	ask_sign(sa, ASKED_AUTH);
	return 0;
}

static void ask_ppk(struct ike_sa *sa)
{
	v2(sa)->hs->asked = ASKED_PPK;
	ppk_ask(sa);
}

int auth_begin(struct ike_sa *sa)
{
	struct handshake *hs = v2(sa)->hs;

	hs->my_id = who_we_are(sa);
	if (!hs->ppk)
		return begin_sign(sa);
	ask_ppk(sa);
	return 0;
}

/* A signature is checked here, and not by the vault; but its result comes the same way, and
 * not from inside of the message's handling. */
static void on_check(void *arg)
{
	struct ike_sa *sa = arg;
	struct engine *e = sa->e;
	struct handshake *hs = v2(sa)->hs;
	struct vault_answer a = { 0 };
	uint8_t octets[AUTH_OCTETS_MAX];
	struct err err = { 0 };
	struct ike_id id;
	size_t len = make_octets(sa, !sa->initiator, false, blob_slice(&hs->in.id), octets);

	a.ok = read_id(&hs->in.id, &id) == 0 &&
	       cert_check(sa, &id, (struct slice){ octets, len }, &err) == 0;
	if (!a.ok)
		hs->wrong = strdup(err.msg);
	sa->ops->vault_done(sa, &a);
	engine_reap(e);
}

static void ask_verify(struct ike_sa *sa)
{
	struct handshake *hs = v2(sa)->hs;
	uint8_t octets[AUTH_OCTETS_MAX];
	size_t len;

	hs->asked = ASKED_VERIFY;
	if (sa->peer->conf.peer_auth == AUTH_BY_CERT) {
		timer_init(&hs->check, on_check, sa);
		timer_set(sa->e->ts, &hs->check, 0);
		return;
	}
	len = make_octets(sa, !sa->initiator, false, blob_slice(&hs->in.id), octets);
	vault_verify(sa, &(struct vault_query){ .kind = VAULT_PSK, .prf = sa->ike.prf,
						.octets = { octets, len },
						.auth = blob_slice(&hs->in.auth) });
}

void auth_ask_again(struct ike_sa *sa)
{
	if (!v2(sa)->hs)
		return;
	switch ((enum asked)v2(sa)->hs->asked) {
	case ASKED_PPK:
		ppk_ask(sa);
		break;
	case ASKED_AUTH: case ASKED_NO_PPK_AUTH:
		ask_sign(sa, v2(sa)->hs->asked);
		break;
	case ASKED_VERIFY:
		ask_verify(sa);
		break;
	case ASKED_NOTHING:
		break;
	}
}

static void auth_silence(struct ike_sa *sa)
{
	struct negotiation *n = negotiation_fail(sa, NEG_NO_ANSWER);

	n->sent = v2(sa)->req_sent;
	n->answered = true;
}

ACTION(auth_timeout)
{
	char remote[ENDPOINT_TEXT_MAX];

	(void)in;
	if (sa->state == SA_AUTH_SENT) {
		auth_silence(sa);
		sa_why(sa, false, "no answer to IKE_AUTH from %s%s",
		       endpoint_str(&sa->remote, remote),
		       sa->remote.port == IKE_NATT_PORT ?
		       " (is UDP port 4500 open on both sides?)" : "");
	} else {
		sa_why(sa, false, "the process that keeps the secrets does not answer");
	}
	return V_DONE;
}

/* ---- what came ---- */

static int keep(struct blob *b, const struct ike_msg *m, uint8_t type)
{
	const struct payload *p = ike_msg_get(m, type);

	return p ? blob_set(b, p->body) : 0;
}

static int keep_data(struct blob *b, const struct ike_msg *m, uint16_t type)
{
	struct notify n;

	return ike_msg_notify(m, type, &n) ? blob_set(b, n.data) : 0;
}

static int keep_all(struct auth_kept *k, const struct ike_msg *m, bool request,
		    struct err *e)
{
	struct auth_payload auth;
	struct notify n;

	if (payload_auth(ike_msg_get(m, PAYLOAD_AUTH)->body, &auth, e) < 0 ||
	    cert_keep(m, &k->certs.p, &k->certs.len, e) < 0)
		return -1;
	k->method = auth.method;
	if (keep(&k->id, m, request ? PAYLOAD_IDI : PAYLOAD_IDR) < 0 ||
	    (request && keep(&k->id_asked, m, PAYLOAD_IDR) < 0) ||
	    blob_set(&k->auth, auth.data) < 0 || keep(&k->sa, m, PAYLOAD_SA) < 0 ||
	    keep(&k->tsi, m, PAYLOAD_TSI) < 0 || keep(&k->tsr, m, PAYLOAD_TSR) < 0 ||
	    keep_data(&k->ppk_id, m, N_PPK_IDENTITY) < 0 ||
	    keep_data(&k->no_ppk_auth, m, N_NO_PPK_AUTH) < 0)
		return err_set(e, "out of memory");
	k->initial_contact = ike_msg_notify(m, N_INITIAL_CONTACT, &n);
	k->transport = ike_msg_notify(m, N_USE_TRANSPORT_MODE, &n);
	k->cpi = child_cpi_said(m);
	if (ike_msg_notify(m, N_AUTH_LIFETIME, &n))
		k->auth_lifetime_s = notify_u32(&n);
	k->ppk_answered = ike_msg_notify(m, N_PPK_IDENTITY, &n);
	if (ike_msg_error(m, &n))
		k->child_error = n.type;
	return 0;
}

static void why_method(struct ike_sa *sa)
{
	uint8_t method = v2(sa)->hs->in.method;

	negotiation_fail(sa, NEG_METHOD)->auth_theirs =
		method == AUTH_PSK ? NEG_AUTH_PSK :
		cert_method(method) ? NEG_AUTH_CERT : NEG_AUTH_OTHER;
	sa_why(sa, true, "the peer authenticates by %s, this side expects %s (%s)",
	       who_method(v2(sa)->hs->in.method),
	       sa->peer->conf.peer_auth == AUTH_BY_CERT ? "a certificate"
							: "a pre-shared key",
	       sa->peer->conf.auth == sa->peer->conf.peer_auth ? "auth" : "peer_auth");
}

static void write_auth(struct ike_sa *sa, struct build *b)
{
	struct handshake *hs = v2(sa)->hs;
	struct slice auth = blob_slice(&hs->auth);

	if (hs->scheme)
		cert_write_auth(b, hs->scheme, auth);
	else
		build_auth(b, AUTH_PSK, auth);
}

static int write_chain(struct ike_sa *sa, struct build *b)
{
	struct err err = { 0 };

	if (!v2(sa)->hs->scheme || cert_write_chain(b, sa->peer, &err) == 0)
		return 0;
	sa_why(sa, true, "we cannot show our certificate: %s", err.msg);
	return -1;
}

/* ---- initiator ---- */

static bool has_other(const struct ike_sa *sa)
{
	for (const struct ike_sa *o = sa->peer->sas; o; o = o->peer_next)
		if (o != sa && sa_is_up(o))
			return true;
	return false;
}

static enum verdict send_auth(struct ike_sa *sa)
{
	struct handshake *hs = v2(sa)->hs;
	struct out o;

	hs->child_slot = slot_first(sa);
	if (hs->child_slot == SLOT_NONE && !sa->test) {
		negotiation_fail(sa, NEG_LOCAL);
		sa_why(sa, true, "%s", slot_blocked(sa, 0) ? slot_blocked(sa, 0) :
		       "none of its children can be carried");
		return V_FAILED;
	}
	out_request(sa, &o, IKE_AUTH);
	build_id(&o.b, PAYLOAD_IDI, &hs->my_id);
	if (write_chain(sa, &o.b) < 0)
		return V_FAILED;
	cert_write_request(&o.b, sa->peer);
	if (sa->peer->conf.peer_id.type)
		build_id(&o.b, PAYLOAD_IDR, &sa->peer->conf.peer_id);
	write_auth(sa, &o.b);
	ppk_write(sa, &o.b);
	if (!has_other(sa) && !sa->test && sa->peer->conf.unique != UNIQUE_NEVER)
		build_notify_plain(&o.b, N_INITIAL_CONTACT);
	if (!sa->test)
		mobike_offer(sa, &o.b);
	hs->child_spi = child_new_spi(sa->peer);
	slot_missing(sa->peer, hs->child_slot, slot_by_pair(sa->peer, hs->child_slot),
		     &hs->child_pair);
	if (!sa->test)
		first_child_ask(sa, &o.b);
	else if (!hs->childless)
		child_write_nothing(sa, &o.b, hs->child_spi);
	out_send_request(sa, &o, TASK_AUTH);
	if (req_out(sa))
		return V_DONE;
	sa_why(sa, true, "IKE_AUTH does not fit in a message");
	return V_FAILED;
}

static enum verdict out_of_memory(struct ike_sa *sa)
{
	sa_why(sa, false, "out of memory");
	return V_FAILED;
}

ACTION(auth_send)
{
	struct handshake *hs = v2(sa)->hs;
	struct err err = { 0 };

	switch ((enum asked)hs->asked) {
	case ASKED_PPK:
		if (ppk_store(sa, in->vault->auth, &err) < 0) {
			sa_why(sa, false, "%s", err.msg);
			return V_FAILED;
		}
		return begin_sign(sa) < 0 ? V_FAILED : V_STAY;
	case ASKED_AUTH:
		if (blob_set(&hs->auth, in->vault->auth) < 0)
			return out_of_memory(sa);
		if (!hs->ppk_keys || sa->peer->conf.ppk_required)
			return send_auth(sa);
		ask_sign(sa, ASKED_NO_PPK_AUTH);
		return V_STAY;
	case ASKED_NO_PPK_AUTH:
		if (blob_set(&hs->auth_no_ppk, in->vault->auth) < 0)
			return out_of_memory(sa);
		return send_auth(sa);
	case ASKED_NOTHING: case ASKED_VERIFY:
		break;
	}
	return V_STAY;
}

/* Something of ours is missing, or does not work. */
static void no_secret(struct ike_sa *sa, const struct input *in)
{
	const struct handshake *hs = v2(sa)->hs;
	bool none = in->vault->no_secret;

	negotiation_fail(sa, none && hs->asked != ASKED_PPK ? NEG_NO_SECRET : NEG_LOCAL);
	if (hs->asked == ASKED_PPK)
		sa_why(sa, true, none ? "no post-quantum key is stored for this peer (ppk)"
				      : "the post-quantum key could not be used");
	else if (hs->scheme)
		sa_why(sa, true, none ? "the private key of our certificate is not here (cert)"
				      : "our private key could not sign (cert)");
	else
		sa_why(sa, true, none ? "no pre-shared key is stored for this peer (set psk)"
				      : "AUTH could not be made");
}

ACTION(auth_unsigned)
{
	no_secret(sa, in);
	return V_DONE;
}

ACTION(auth_answered)
{
	struct err err = { 0 };
	struct ike_id id;
	char theirs[ID_TEXT_MAX], expected[ID_TEXT_MAX];

	if (keep_all(&v2(sa)->hs->in, in->m, false, &err) < 0 ||
	    read_id(&v2(sa)->hs->in.id, &id) < 0) {
		sa_why(sa, true, "IKE_AUTH answer refused: %s",
		       err.msg[0] ? err.msg : "its identity is malformed");
		goto refuse;
	}
	mobike_note(sa, in->m);
	if (!who_fits(sa->peer, sa, &id)) {
		who_expected(sa->peer, expected, sizeof(expected));
		negotiation_ids(negotiation_fail(sa, NEG_ID_PEER), &v2(sa)->hs->my_id, &id,
				NULL, NULL);
		sa_why(sa, true, "the peer says it is %s, expected %s (peer_id)",
		       id_str(&id, theirs, sizeof(theirs)), expected);
		goto refuse;
	}
	if (!who_proves_by(sa->peer, v2(sa)->hs->in.method)) {
		why_method(sa);
		goto refuse;
	}
	if (ppk_settle(sa) < 0)
		goto refuse;
	ask_verify(sa);
	return V_DONE;

refuse:
	info_delete_ike(sa, N_AUTHENTICATION_FAILED);
	return V_FAILED;
}

ACTION(auth_refused)
{
	char mine[ID_TEXT_MAX], theirs[ID_TEXT_MAX];
	struct notify n = { 0 };

	ike_msg_error(in->m, &n);
	negotiation_ids(negotiation_refused(sa, n.type), &v2(sa)->hs->my_id, NULL, NULL, NULL);
	if (n.type == N_AUTHENTICATION_FAILED) {
		who_expected(sa->peer, theirs, sizeof(theirs));
		sa_why(sa, true,
		       "the peer refuses us (AUTHENTICATION_FAILED): %s, or it "
		       "does not know us as %s (local_id) asking for %s (peer_id)",
		       v2(sa)->hs->scheme ? "it does not accept our certificate (cert)"
					  : "wrong PSK",
		       id_str(&v2(sa)->hs->my_id, mine, sizeof(mine)), theirs);
	} else {
		sa_why(sa, true, "the peer refuses IKE_AUTH: %s (%s)",
		       ike_notify_words(n.type), ike_notify_name(n.type));
	}
	return V_DONE;
}

ACTION(auth_eap_offered)
{
	(void)in;
	negotiation_fail(sa, NEG_METHOD)->auth_theirs = NEG_AUTH_EAP;
	sa_why(sa, true,
	       "the peer sends no AUTH: it wants EAP, which is not spoken here");
	info_delete_ike(sa, N_AUTHENTICATION_FAILED);
	return V_DONE;
}

/* Their AUTH does not verify; who: "the peer", or its name and place. */
static void why_wrong(struct ike_sa *sa, const struct input *in, const char *who)
{
	const struct handshake *hs = v2(sa)->hs;

	const char *hint = neg_hint_words(in->vault->hint);
	struct negotiation *n;
	struct ike_id id;

	if (hs->asked == ASKED_PPK || in->vault->no_secret) {
		no_secret(sa, in);
		return;
	}
	n = negotiation_fail(sa, hs->bad_signature ? NEG_SIGNATURE :
				 hs->wrong ? NEG_CERT : NEG_PSK);
	read_id(&hs->in.id, &id);
	negotiation_ids(n, &hs->my_id, &id, NULL, NULL);
	n->psk_hint = in->vault->hint;
	if (hs->wrong) {
		snprintf(n->cert, sizeof(n->cert), "%s", hs->wrong);
		sa_why(sa, true, "%s is refused: %s", who, hs->wrong);
		return;
	}
	sa_why(sa, true, "%s does not have our PSK%s: its AUTH does not verify%s%s", who,
	       hs->ppk_used ? " or our post-quantum key (ppk)" : "",
	       hint ? "; its key is ours but for " : "", hint ? hint : "");
}

ACTION(auth_wrong)
{
	why_wrong(sa, in, "the peer");
	info_delete_ike(sa, N_AUTHENTICATION_FAILED);
	return V_DONE;
}

static void established(struct ike_sa *sa)
{
	sa->established_ms = clock_ms();
	read_id(&v2(sa)->hs->in.id, &sa->peer_id);
	sa_lifetimes(sa);
	again_plan(sa, v2(sa)->hs->in.auth_lifetime_s);
	sa_keepalive_start(sa);
	mobike_begin(sa);
}

/* Both sides took each other's credentials: that was all. */
static enum verdict passed(struct ike_sa *sa)
{
	const struct handshake *hs = v2(sa)->hs;
	char alg[STATUS_ALG_MAX], id[ID_TEXT_MAX], mine[ID_TEXT_MAX];
	struct ike_id theirs;

	read_id(&hs->in.id, &theirs);
	sa_why(sa, false, "both sides accept each other: %s, the peer is %s by %s, we are %s by "
	       "%s%s%s", chosen_str(&sa->ike, alg, sizeof(alg)),
	       id_str(&theirs, id, sizeof(id)), who_method(hs->in.method),
	       id_str(&hs->my_id, mine, sizeof(mine)),
	       hs->scheme ? "certificate" : "pre-shared key",
	       hs->ppk_used ? ", with the post-quantum key" : "",
	       hs->childless ? "" : "; the peer cannot do without a child (RFC 6023), so one for "
				    "networks that nobody has was offered");
	sa->passed = true;
	sa->admin = true;
	info_delete_ike(sa, 0);
	return V_FAILED;
}

ACTION(auth_verified)
{
	(void)in;
	if (sa->test)
		return passed(sa);
	established(sa);
	sa->owner = true;
	peer_sa_up(sa->peer, sa, false);
	first_child_answered(sa);
	handshake_free(sa);
	return V_DONE;
}

/* ---- responder ---- */

static enum verdict refuse(struct ike_sa *sa)
{
	out_answer_notify(sa, IKE_AUTH, N_AUTHENTICATION_FAILED, (struct slice){ 0 });
	log_warning(sa->peer->conf.name, "refused: %s", sa->why ? sa->why : "?");
	peer_fail(sa->peer, sa->why);
	return V_FAILED;
}

static void why_unknown(struct ike_sa *sa, const struct ike_id *id,
			const struct ike_id *asked)
{
	char theirs[ID_TEXT_MAX], expected[ID_TEXT_MAX], from[ENDPOINT_TEXT_MAX];
	char mine[ID_TEXT_MAX], wanted[ID_TEXT_MAX];
	struct ike_id own = who_we_are(sa);

	endpoint_str(&sa->remote, from);
	who_expected(sa->peer, expected, sizeof(expected));
	id_str(id, theirs, sizeof(theirs));
	negotiation_ids(negotiation_fail(sa, who_fits(sa->peer, sa, id) ? NEG_ID_OWN :
					     NEG_ID_PEER), &own, id, NULL, asked);
	if (!who_fits(sa->peer, sa, id))
		sa_why(sa, true, "the peer at %s says it is %s, expected %s (peer_id)",
		       from, theirs, expected);
	else
		sa_why(sa, true,
		       "the peer at %s, %s, asks for %s, this side is %s (local_id)",
		       from, theirs, id_str(asked, wanted, sizeof(wanted)),
		       id_str(&own, mine, sizeof(mine)));
}

/* Without the PPK, where the peer allows that too (RFC 8784 §3). */
static int check_without_ppk(struct ike_sa *sa)
{
	struct auth_kept *k = &v2(sa)->hs->in;

	if (sa->peer->conf.ppk_required) {
		sa_why(sa, true, "the peer does not use our post-quantum key, and this side "
				 "requires it (ppk, ppk_required)");
		return -1;
	}
	if (k->ppk_id.p) {
		if (!k->no_ppk_auth.p) {
			sa_why(sa, true, "the peer requires a post-quantum key by a name "
					 "that is not known here (ppk_id)");
			return -1;
		}
		blob_free(&k->auth);
		k->auth = k->no_ppk_auth;
		k->no_ppk_auth = (struct blob){ 0 };
	}
	ask_verify(sa);
	return 0;
}

static int begin_check(struct ike_sa *sa)
{
	struct handshake *hs = v2(sa)->hs;

	if (!hs->ppk || !ppk_is(sa->peer, blob_slice(&hs->in.ppk_id)))
		return check_without_ppk(sa);
	ask_ppk(sa);
	return 0;
}

/* SA, TSi and TSr: all three, or none (RFC 6023 §3). */
static bool broken_child(const struct ike_msg *m)
{
	bool sa = ike_msg_get(m, PAYLOAD_SA);

	return sa != (bool)ike_msg_get(m, PAYLOAD_TSI) ||
	       sa != (bool)ike_msg_get(m, PAYLOAD_TSR);
}

ACTION(auth_request)
{
	struct err err = { 0 };
	struct ike_id id, asked;
	struct peer *p;

	if (broken_child(in->m)) {
		sa_why(sa, true, "its IKE_AUTH asks for half a child");
		out_answer_notify(sa, IKE_AUTH, N_INVALID_SYNTAX, (struct slice){ 0 });
		return V_FAILED;
	}
	if (keep_all(&v2(sa)->hs->in, in->m, true, &err) < 0 ||
	    read_id(&v2(sa)->hs->in.id, &id) < 0 ||
	    read_id(&v2(sa)->hs->in.id_asked, &asked) < 0) {
		sa_why(sa, true, "%s",
		       err.msg[0] ? err.msg : "its identity is malformed");
		return refuse(sa);
	}
	mobike_note(sa, in->m);
	p = who_is_it(sa, &id, &asked);
	if (!p && !who_proves_by(sa->peer, v2(sa)->hs->in.method)) {
		why_method(sa);
		return refuse(sa);
	}
	if (!p) {
		why_unknown(sa, &id, &asked);
		return refuse(sa);
	}
	sa_move(sa, p);
	v2(sa)->hs->my_id = who_we_are(sa);
	if (!p->conf.local_id.type && asked.type)
		v2(sa)->hs->my_id = asked;
	if (!who_proves_by(p, v2(sa)->hs->in.method)) {
		why_method(sa);
		return refuse(sa);
	}
	return begin_check(sa) < 0 ? refuse(sa) : V_DONE;
}

ACTION(auth_eap_asked)
{
	(void)in;
	negotiation_fail(sa, NEG_METHOD)->auth_theirs = NEG_AUTH_EAP;
	sa_why(sa, true,
	       "the peer sends no AUTH: it wants EAP, which is not spoken here");
	refuse(sa);
	return V_DONE;
}

ACTION(auth_pending)
{
	(void)sa;
	(void)in;
	return V_STAY;
}

ACTION(auth_r_verified)
{
	char now[ADDR_TEXT_MAX], old[ADDR_TEXT_MAX];
	struct err err = { 0 };

	if (v2(sa)->hs->asked == ASKED_PPK) {
		if (ppk_store(sa, in->vault->auth, &err) < 0) {
			sa_why(sa, false, "%s", err.msg);
			return refuse(sa);
		}
		ppk_apply(sa);
		ask_verify(sa);
		return V_STAY;
	}
	if (!peer_may_join(sa->peer, sa)) {
		sa_why(sa, false, "it calls from %s, and is connected from %s already (unique)",
		       addr_str(&sa->remote.addr, now), addr_str(&sa->peer->main->remote.addr,
								 old));
		return refuse(sa);
	}
	return begin_sign(sa) < 0 ? refuse(sa) : V_DONE;
}

ACTION(auth_r_wrong)
{
	struct ike_id id;
	char theirs[ID_TEXT_MAX], from[ENDPOINT_TEXT_MAX];
	char who[ID_TEXT_MAX + ENDPOINT_TEXT_MAX + 8];

	/* Our PPK is not here: as if we had none by that name. */
	if (v2(sa)->hs->asked == ASKED_PPK && in->vault->no_secret &&
	    v2(sa)->hs->in.no_ppk_auth.p && check_without_ppk(sa) == 0)
		return V_STAY;
	read_id(&v2(sa)->hs->in.id, &id);
	snprintf(who, sizeof(who), "%s at %s", id_str(&id, theirs, sizeof(theirs)),
		 endpoint_str(&sa->remote, from));
	why_wrong(sa, in, who);
	refuse(sa);
	return V_DONE;
}

ACTION(auth_r_unsigned)
{
	no_secret(sa, in);
	refuse(sa);
	return V_DONE;
}

ACTION(auth_r_signed)
{
	struct auth_kept *k = &v2(sa)->hs->in;
	struct child_offer of = first_child_offer(sa);
	struct child_answer an = { 0 };
	struct out o;

	out_response(sa, &o, IKE_AUTH);
	build_id(&o.b, PAYLOAD_IDR, &v2(sa)->hs->my_id);
	if (blob_set(&v2(sa)->hs->auth, in->vault->auth) < 0 || write_chain(sa, &o.b) < 0)
		return refuse(sa);
	sa->childless = !k->sa.p;
	established(sa);
	peer_sa_up(sa->peer, sa, k->initial_contact);
	if (!sa->childless)
		child_accept(sa, &of, &an);
	write_auth(sa, &o.b);
	if (v2(sa)->hs->ppk_used)
		build_notify_plain(&o.b, N_PPK_IDENTITY);
	if (sa->peer->conf.reauth_s)
		build_notify_u32(&o.b, N_AUTH_LIFETIME, sa->peer->conf.reauth_s);
	mobike_offer(sa, &o.b);
	if (!sa->childless)
		child_write_answer(&o.b, &of, &an);
	out_send_response(sa, &o, an.child ? an.child->id : 0);
	handshake_free(sa);
	return V_DONE;
}
