/* auth: IKE_AUTH (RFC 7296 §1.2, §2.15), both sides: who is it, is it really, and the
 * first child. The secret is in the vault, so both the making and the checking of AUTH
 * are questions whose answers come as EV_VAULT_*; what the message brought is kept until
 * then.
 *
 * Who may a peer be? With peer_id set: exactly that. Without: the address of
 * remote_gateway; or, where a NAT was detected in front of it (userspace dataplanes
 * report one always), any address, for the one it has behind the NAT cannot be known
 * here; or, with remote_gateway "any", anyone. In each case the PSK of that very peer
 * must have made AUTH, so a looser ID never lets a stranger in.
 */
#include "ike/v2/v2.h"

#include "ike/engine/negotiation.h"

#include "core/base/clock.h"
#include "core/base/secret.h"
#include "core/ipc/msg.h"
#include "ike/wire/id.h"

#include <stdlib.h>
#include <string.h>

static struct ike_id our_id(const struct ike_sa *sa)
{
	return sa->peer->conf.local_id.type ? sa->peer->conf.local_id
					    : id_from_addr(&sa->local.addr);
}

static bool is_address_id(const struct ike_id *id)
{
	return id->type == ID_IPV4_ADDR || id->type == ID_IPV6_ADDR;
}

static int read_id(const struct blob *body, struct ike_id *id)
{
	struct err err = { 0 };

	*id = (struct ike_id){ 0 };
	return body->p ? payload_id(blob_slice(body), id, &err) : 0;
}

/* How well the ID that came fits a peer; 0: not. See the top. */
static int id_fit(const struct peer *p, const struct ike_sa *sa, const struct ike_id *id)
{
	struct ike_id gateway;

	if (p->conf.peer_id.type)
		return id_equal(&p->conf.peer_id, id) ? 4 : 0;
	if (p->conf.remote_any)
		return 1;
	gateway = id_from_addr(&p->conf.remote_gateway);
	if (id_equal(&gateway, id))
		return 3;
	return sa->nat_remote && is_address_id(id) ? 2 : 0;
}

/* How well the IDr that the initiator asked for fits what we are for this peer. Behind a
 * NAT we do not know what address we have outside; the initiator does. */
static int asked_fit(const struct peer *p, const struct ike_sa *sa,
		     const struct ike_id *asked)
{
	struct ike_id address;

	if (!asked->type)
		return 1;
	if (p->conf.local_id.type)
		return id_equal(&p->conf.local_id, asked) ? 2 : 0;
	address = id_from_addr(&sa->local.addr);
	if (id_equal(&address, asked))
		return 2;
	return sa->nat_local && is_address_id(asked) ? 1 : 0;
}

static void expected_id(const struct peer *p, char *buf, size_t cap)
{
	struct ike_id gateway = id_from_addr(&p->conf.remote_gateway);

	if (p->conf.peer_id.type)
		id_str(&p->conf.peer_id, buf, cap);
	else if (p->conf.remote_any)
		strcpy(buf, "anyone");
	else
		id_str(&gateway, buf, cap);
}

/* ---- the vault ---- */

static size_t make_octets(struct ike_sa *sa, bool initiator_signs, struct slice id_body,
			  uint8_t buf[AUTH_OCTETS_MAX])
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

	if (keymat_auth_octets(&w, message, nonce, sa->ike.prf, sk_p, id_body, &err) <
	    0) {
		log_error(sa->peer->conf.name, "AUTH: %s", err.msg);
		return 0;
	}
	return w.len;
}

void auth_ask_sign(struct ike_sa *sa)
{
	uint8_t octets[AUTH_OCTETS_MAX], body[4 + ID_MAX];
	struct wr w = wr_init(body, sizeof(body));
	size_t len;

	if (!v2(sa)->hs->my_id.type)
		v2(sa)->hs->my_id = our_id(sa);
	id_write(&w, &v2(sa)->hs->my_id);
	len = make_octets(sa, sa->initiator, (struct slice){ body, w.len }, octets);
	vault_sign(sa, &(struct vault_query){ .kind = VAULT_PSK, .prf = sa->ike.prf,
					      .octets = { octets, len } });
}

static void ask_verify(struct ike_sa *sa)
{
	uint8_t octets[AUTH_OCTETS_MAX];
	size_t len = make_octets(sa, !sa->initiator, blob_slice(&v2(sa)->hs->in.id), octets);

	vault_verify(sa, &(struct vault_query){ .kind = VAULT_PSK, .prf = sa->ike.prf,
						.octets = { octets, len },
						.auth = blob_slice(&v2(sa)->hs->in.auth) });
}

void auth_ask_again(struct ike_sa *sa)
{
	if (sa->state == SA_SIGNING || sa->state == SA_R_SIGNING)
		auth_ask_sign(sa);
	else if (sa->state == SA_VERIFYING || sa->state == SA_R_VERIFYING)
		ask_verify(sa);
}

ACTION(auth_timeout)
{
	char remote[ENDPOINT_TEXT_MAX];

	(void)in;
	if (sa->state == SA_AUTH_SENT)
		sa_why(sa, false, "no answer to IKE_AUTH from %s%s",
		       endpoint_str(&sa->remote, remote),
		       sa->remote.port == IKE_NATT_PORT ?
		       " (is UDP port 4500 open on both sides?)" : "");
	else
		sa_why(sa, false, "the process that keeps the secrets does not answer");
	return V_DONE;
}

/* ---- what came ---- */

static int keep(struct blob *b, const struct ike_msg *m, uint8_t type)
{
	const struct payload *p = ike_msg_get(m, type);

	return p ? blob_set(b, p->body) : 0;
}

static int keep_all(struct auth_kept *k, const struct ike_msg *m, bool request,
		    struct err *e)
{
	struct auth_payload auth;
	struct notify n;

	if (payload_auth(ike_msg_get(m, PAYLOAD_AUTH)->body, &auth, e) < 0)
		return -1;
	if (auth.method != AUTH_PSK)
		return err_set(
			e, "the peer authenticates by %s, this side by pre-shared key",
			auth.method == AUTH_RSA || auth.method == AUTH_DIGITAL
				? "certificate"
				: "another method");
	if (keep(&k->id, m, request ? PAYLOAD_IDI : PAYLOAD_IDR) < 0 ||
	    (request && keep(&k->id_asked, m, PAYLOAD_IDR) < 0) ||
	    blob_set(&k->auth, auth.data) < 0 || keep(&k->sa, m, PAYLOAD_SA) < 0 ||
	    keep(&k->tsi, m, PAYLOAD_TSI) < 0 || keep(&k->tsr, m, PAYLOAD_TSR) < 0)
		return err_set(e, "out of memory");
	k->initial_contact = ike_msg_notify(m, N_INITIAL_CONTACT, &n);
	if (ike_msg_error(m, &n))
		k->child_error = n.type;
	return 0;
}

/* ---- initiator ---- */

static bool has_other(const struct ike_sa *sa)
{
	for (const struct ike_sa *o = sa->peer->sas; o; o = o->peer_next)
		if (o != sa && sa_is_up(o))
			return true;
	return false;
}

ACTION(auth_send)
{
	struct handshake *hs = v2(sa)->hs;
	struct out o;

	out_request(sa, &o, IKE_AUTH);
	build_id(&o.b, PAYLOAD_IDI, &hs->my_id);
	if (sa->peer->conf.peer_id.type)
		build_id(&o.b, PAYLOAD_IDR, &sa->peer->conf.peer_id);
	build_auth(&o.b, AUTH_PSK, in->vault->auth);
	if (!has_other(sa))
		build_notify_plain(&o.b, N_INITIAL_CONTACT);
	hs->child_spi = child_new_spi(sa->e);
	child_write_offer(sa, &o.b, 0, hs->child_spi, NULL);
	out_send_request(sa, &o, TASK_AUTH);
	if (req_out(sa))
		return V_DONE;
	sa_why(sa, true, "IKE_AUTH does not fit in a message");
	return V_FAILED;
}

static void no_secret(struct ike_sa *sa)
{
	sa_why(sa, true, "no pre-shared key is stored for this peer (set psk)");
}

ACTION(auth_unsigned)
{
	if (in->vault->no_secret)
		no_secret(sa);
	else
		sa_why(sa, true, "AUTH could not be made");
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
	if (!id_fit(sa->peer, sa, &id)) {
		expected_id(sa->peer, expected, sizeof(expected));
		sa_why(sa, true, "the peer says it is %s, expected %s (peer_id)",
		       id_str(&id, theirs, sizeof(theirs)), expected);
		goto refuse;
	}
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
	if (n.type == N_AUTHENTICATION_FAILED) {
		expected_id(sa->peer, theirs, sizeof(theirs));
		sa_why(sa, true,
		       "the peer refuses us (AUTHENTICATION_FAILED): wrong PSK, or it "
		       "does not know us as %s (local_id) asking for %s (peer_id)",
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
	sa_why(sa, true,
	       "the peer sends no AUTH: it wants EAP, this side a pre-shared key");
	info_delete_ike(sa, N_AUTHENTICATION_FAILED);
	return V_DONE;
}

ACTION(auth_wrong)
{
	if (in->vault->no_secret)
		no_secret(sa);
	else
		sa_why(sa, true,
		       "the peer does not have our PSK: its AUTH does not verify");
	info_delete_ike(sa, N_AUTHENTICATION_FAILED);
	return V_DONE;
}

static struct child_offer kept_offer(const struct ike_sa *sa)
{
	const struct handshake *hs = v2(sa)->hs;
	struct slice mine = { hs->nonce, NONCE_LEN },
		     theirs = blob_slice(&hs->peer_nonce);

	return (struct child_offer){
		.sa = blob_slice(&hs->in.sa), .tsi = blob_slice(&hs->in.tsi),
		.tsr = blob_slice(&hs->in.tsr), .ni = sa->initiator ? mine : theirs,
		.nr = sa->initiator ? theirs : mine,
	};
}

/* §2.21.2: a child that fails leaves the IKE SA standing; it is tried again later. */
static void first_child(struct ike_sa *sa)
{
	struct auth_kept *k = &v2(sa)->hs->in;
	struct child_offer of = kept_offer(sa);
	struct err err = { 0 };

	if (!k->sa.p || !k->tsi.p || !k->tsr.p) {
		uint16_t type = k->child_error ? k->child_error : N_NO_PROPOSAL_CHOSEN;

		slot_fail(sa->peer, 0, "the peer refuses the child: %s (%s)",
			  ike_notify_words(type), ike_notify_name(type));
		return;
	}
	if (!child_complete(sa, &of, 0, v2(sa)->hs->child_spi, NULL, &err)) {
		slot_fail(sa->peer, 0, "%s", err.msg);
		v2(sa)->orphan_spi = v2(sa)->hs->child_spi;
	}
}

static void established(struct ike_sa *sa)
{
	sa->established_ms = clock_ms();
	read_id(&v2(sa)->hs->in.id, &sa->peer_id);
	sa_lifetimes(sa);
	sa_keepalive_start(sa);
}

ACTION(auth_verified)
{
	(void)in;
	established(sa);
	sa->owner = true;
	peer_sa_up(sa->peer, sa, false);
	first_child(sa);
	handshake_free(v2(sa)->hs);
	v2(sa)->hs = NULL;
	return V_DONE;
}

/* ---- responder ---- */

static bool suite_allows(const struct suite_list *l, const struct chosen *c)
{
	struct proposal_want want = { .protocol = PROTO_IKE,
				      .ke = true,
				      .ke_sent = c->ke };
	struct sa_payload offer;
	struct chosen again;
	struct err err = { 0 };

	proposal_answer(c, 0, &offer);
	return proposal_choose(&offer, l, &want, &again, &err) == 0 && again.ke == c->ke;
}

/* Which of the peers at that address is it? Its ID weighs most, then the address. */
static struct peer *who_is_it(struct ike_sa *sa, const struct ike_id *id,
			      const struct ike_id *asked)
{
	struct peer *best = NULL;
	int most = 0;

	for (struct peer *p = sa->e->peers; p; p = p->next) {
		int where = peer_match_addr(p, &sa->local, &sa->remote);
		int fit, named;

		if (!where || !peer_speaks(p, IKE_V2))
			continue;
		fit = id_fit(p, sa, id);
		named = asked_fit(p, sa, asked);
		if (!fit || !named || fit * 100 + where * 10 + named <= most ||
		    !suite_allows(&p->conf.ike, &sa->ike))
			continue;
		most = fit * 100 + where * 10 + named;
		best = p;
	}
	return best;
}

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
	struct ike_id own = our_id(sa);

	endpoint_str(&sa->remote, from);
	expected_id(sa->peer, expected, sizeof(expected));
	id_str(id, theirs, sizeof(theirs));
	if (!id_fit(sa->peer, sa, id))
		sa_why(sa, true, "the peer at %s says it is %s, expected %s (peer_id)",
		       from, theirs, expected);
	else
		sa_why(sa, true,
		       "the peer at %s, %s, asks for %s, this side is %s (local_id)",
		       from, theirs, id_str(asked, wanted, sizeof(wanted)),
		       id_str(&own, mine, sizeof(mine)));
}

ACTION(auth_request)
{
	struct err err = { 0 };
	struct ike_id id, asked;
	struct peer *p;

	if (keep_all(&v2(sa)->hs->in, in->m, true, &err) < 0 ||
	    read_id(&v2(sa)->hs->in.id, &id) < 0 ||
	    read_id(&v2(sa)->hs->in.id_asked, &asked) < 0) {
		sa_why(sa, true, "%s",
		       err.msg[0] ? err.msg : "its identity is malformed");
		return refuse(sa);
	}
	p = who_is_it(sa, &id, &asked);
	if (!p) {
		why_unknown(sa, &id, &asked);
		return refuse(sa);
	}
	sa_move(sa, p);
	v2(sa)->hs->my_id = our_id(sa);
	if (!p->conf.local_id.type && asked.type)
		v2(sa)->hs->my_id = asked;
	ask_verify(sa);
	return V_DONE;
}

ACTION(auth_eap_asked)
{
	(void)in;
	sa_why(sa, true,
	       "the peer wants EAP or a certificate, this side a pre-shared key");
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
	(void)in;
	auth_ask_sign(sa);
	return V_DONE;
}

ACTION(auth_r_wrong)
{
	struct ike_id id;
	char theirs[ID_TEXT_MAX], from[ENDPOINT_TEXT_MAX];

	read_id(&v2(sa)->hs->in.id, &id);
	if (in->vault->no_secret)
		no_secret(sa);
	else
		sa_why(sa, true,
		       "%s at %s does not have our PSK: its AUTH does not verify",
		       id_str(&id, theirs, sizeof(theirs)),
		       endpoint_str(&sa->remote, from));
	refuse(sa);
	return V_DONE;
}

ACTION(auth_r_unsigned)
{
	if (in->vault->no_secret)
		no_secret(sa);
	else
		sa_why(sa, true, "AUTH could not be made");
	refuse(sa);
	return V_DONE;
}

ACTION(auth_r_signed)
{
	struct auth_kept *k = &v2(sa)->hs->in;
	struct child_offer of = kept_offer(sa);
	struct child_answer an = { 0 };
	struct out o;

	established(sa);
	peer_sa_up(sa->peer, sa, k->initial_contact);
	child_accept(sa, &of, &an);
	out_response(sa, &o, IKE_AUTH);
	build_id(&o.b, PAYLOAD_IDR, &v2(sa)->hs->my_id);
	build_auth(&o.b, AUTH_PSK, in->vault->auth);
	child_write_answer(&o.b, &of, &an);
	out_send_response(sa, &o, an.child ? an.child->id : 0);
	handshake_free(v2(sa)->hs);
	v2(sa)->hs = NULL;
	return V_DONE;
}
