/* phase1: what Main and Aggressive mode share: vendor IDs, NAT detection (RFC 3947 §3),
 * identities, keys and hashes, refusals and silence. */
#include "ike/v1/v1.h"

#include "ike/v1/sign.h"

#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/base/secret.h"
#include "core/crypto/pk.h"
#include "ike/wire/id.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REFUSED_GRACE_MS 3000

void p1_free(struct phase1 *p)
{
	struct blob *blobs[] = { &p->peer_nonce, &p->peer_public, &p->sa_body, &p->my_id,
				 &p->peer_id, &p->peer_hash, &p->shared };

	for (size_t i = 0; i < sizeof(blobs) / sizeof(blobs[0]); i++)
		blob_free(blobs[i]);
	ke_free(p->ke);
	free(p->refused);
	free(p);
}

int p1_new(struct ike_sa *sa)
{
	struct phase1 *p = calloc(1, sizeof(*p));

	if (!p) {
		sa_why(sa, false, "out of memory");
		return -1;
	}
	rng_bytes(p->nonce, V1_NONCE_LEN);
	v1(sa)->p1 = p;
	return 0;
}

struct offer_want p1_want(const struct ike_sa *sa)
{
	return (struct offer_want){ .auth = sign_wanted(sa->peer) ? V1_AUTH_RSA : V1_AUTH_PSK,
				    .life_s = sa->peer->conf.ike_life_s,
				    .check = sa->peer->conf.proposal_check };
}

/* Also where there is no NAT. */
static bool encapsulates(const struct ike_sa *sa)
{
	return peer_encap(sa->peer) != CAN_ENCAP_ANY;
}

const char *p1_refused(const struct ike_sa *sa)
{
	return sa_encap_refused(sa, v1(sa)->natt);
}

bool p1_refuse_without_natt(struct ike_sa *sa, const struct v1_in *in)
{
	if (!p1_refused(sa))
		return false;
	sa_why(sa, true, "%s", p1_refused(sa));
	log_warning(sa->peer->conf.name, "refused: %s", sa->why);
	peer_fail(sa->peer, sa->why);
	v1_stranger(sa->e, in, V1_NO_PROPOSAL_CHOSEN);
	return true;
}

/* ---- vendor IDs ---- */

enum vendor { VID_RFC3947, VID_DRAFT03, VID_DRAFT02N, VID_DRAFT02, VID_DPD, VID_FRAGMENTS,
	      VID_UNITY, VID_N };

/* MD5 of the names of the documents; RFC 3706 §5.1; as Cisco's boxes have it. The first
 * bytes count: what follows in some are versions and abilities. */
static const struct { uint8_t len; uint8_t id[16]; } vendors[VID_N] = {
	[VID_RFC3947] = { 16, { 0x4a, 0x13, 0x1c, 0x81, 0x07, 0x03, 0x58, 0x45, 0x5c, 0x57,
				0x28, 0xf2, 0x0e, 0x95, 0x45, 0x2f } },
	[VID_DRAFT03] = { 16, { 0x7d, 0x94, 0x19, 0xa6, 0x53, 0x10, 0xca, 0x6f, 0x2c, 0x17,
				0x9d, 0x92, 0x15, 0x52, 0x9d, 0x56 } },
	[VID_DRAFT02N] = { 16, { 0x90, 0xcb, 0x80, 0x91, 0x3e, 0xbb, 0x69, 0x6e, 0x08, 0x63,
				 0x81, 0xb5, 0xec, 0x42, 0x7b, 0x1f } },
	[VID_DRAFT02] = { 16, { 0xcd, 0x60, 0x46, 0x43, 0x35, 0xdf, 0x21, 0xf8, 0x7c, 0xfd,
				0xb2, 0xfc, 0x68, 0xb6, 0xa4, 0x48 } },
	[VID_DPD] = { 14, { 0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1, 0xf1, 0xc9, 0x6b, 0x86, 0x96,
			    0xfc, 0x77, 0x57, 0x01, 0x00 } },
	[VID_FRAGMENTS] = { 16, { 0x40, 0x48, 0xb7, 0xd5, 0x6e, 0xbc, 0xe8, 0x85, 0x25, 0xe7,
				  0xde, 0x7f, 0x00, 0xd6, 0xc2, 0xd3 } },
	[VID_UNITY] = { 14, { 0x12, 0xf5, 0xf2, 0x8c, 0x45, 0x71, 0x68, 0xa9, 0x70, 0x2d, 0x9f,
			      0xe2, 0x74, 0xcc, 0x01, 0x00 } },
};

static void write_vendor(struct isakmp_build *b, enum vendor v)
{
	isakmp_add(b, P_VENDOR, (struct slice){ vendors[v].id, 16 });
}

/* The initiator says all, who answers says the one that is taken, and Unity where the peer
 * does: to boxes that want to hear it, and to nobody else. */
void p1_write_vendors(struct ike_sa *sa, struct isakmp_build *b)
{
	const struct v1_sa *v = v1(sa);

	if (sa->initiator)
		for (int i = VID_RFC3947; i <= VID_DRAFT02; i++)
			write_vendor(b, (enum vendor)i);
	else if (v->natt)
		write_vendor(b, v->natt == NATT_RFC ? VID_RFC3947 : VID_DRAFT02N);
	write_vendor(b, VID_DPD);
	if (sa->peer->conf.fragmentation != FRAGMENT_NO &&
	    (sa->initiator || v->fragments))
		write_vendor(b, VID_FRAGMENTS);
	if (v->unity)
		write_vendor(b, VID_UNITY);
}

void p1_read_vendors(struct ike_sa *sa, const struct isakmp_msg *m)
{
	const struct isakmp_payload_at *p = NULL;
	struct v1_sa *v = v1(sa);

	while ((p = isakmp_next(m, P_VENDOR, p)))
		for (int i = 0; i < VID_N; i++) {
			if (p->body.len < vendors[i].len ||
			    memcmp(p->body.p, vendors[i].id, vendors[i].len) != 0)
				continue;
			if (i == VID_RFC3947)
				v->natt = NATT_RFC;
			else if (i <= VID_DRAFT02)
				v->natt = v->natt ? v->natt : NATT_DRAFT;
			v->dpd |= i == VID_DPD;
			v->fragments |= i == VID_FRAGMENTS;
			v->unity |= i == VID_UNITY;
		}
}

/* ---- NAT detection, RFC 3947 §3.2 ---- */

static uint8_t natd(const struct ike_sa *sa)
{
	return v1(sa)->natt == NATT_RFC ? P_NATD : P_NATD_DRAFT;
}

/* First the hash of the peer's address as we see it, then of our own. */
void p1_write_nat(struct ike_sa *sa, struct isakmp_build *b)
{
	uint8_t h[PRF_MAX];
	size_t len;

	if (!v1(sa)->natt ||
	    v1_nat_hash(sa->ike.prf, sa->spi_i, sa->spi_r, &sa->remote, h, &len) < 0)
		return;
	isakmp_add(b, natd(sa), (struct slice){ h, len });
	if (v1_nat_hash(sa->ike.prf, sa->spi_i, sa->spi_r, &sa->local, h, &len) < 0)
		return;
	/* A hash that fits no address makes both sides believe in a NAT: UDP. */
	if (encapsulates(sa))
		rng_bytes(h, len);
	isakmp_add(b, natd(sa), (struct slice){ h, len });
}

void p1_read_nat(struct ike_sa *sa, const struct v1_in *in)
{
	uint8_t here[PRF_MAX], there[PRF_MAX];
	const struct isakmp_payload_at *p = NULL;
	bool local_fits = false, remote_fits = false;
	unsigned n = 0;
	size_t len;

	if (!v1(sa)->natt ||
	    v1_nat_hash(sa->ike.prf, sa->spi_i, sa->spi_r, in->local, here, &len) < 0 ||
	    v1_nat_hash(sa->ike.prf, sa->spi_i, sa->spi_r, in->remote, there, &len) < 0)
		return;
	while ((p = isakmp_next(in->m, natd(sa), p))) {
		if (n++ == 0)
			local_fits = p->body.len == len && !memcmp(p->body.p, here, len);
		else
			remote_fits |= p->body.len == len && !memcmp(p->body.p, there, len);
	}
	if (n < 2) {
		v1(sa)->natt = NATT_NONE;
		return;
	}
	sa->nat_local = !local_fits;
	sa->nat_remote = !remote_fits;
	sa->encap = sa->nat_local || sa->nat_remote || encapsulates(sa);
}

/* RFC 3947 §4: the initiator changes to port 4500 with its next message. */
void p1_float(struct ike_sa *sa)
{
	if (!sa->encap || sa->local.port == sa->e->natt_port)
		return;
	sa->local.port = sa->e->natt_port;
	if (sa->remote.port == IKE_PORT)
		sa->remote.port = IKE_NATT_PORT;
}

/* ---- who ---- */

static struct ike_id our_id(const struct ike_sa *sa)
{
	struct ike_id id = sa->peer->conf.local_id;

	if (!id.type)
		id = sign_own_id(sa->peer);
	return id.type ? id : id_from_addr(&sa->local.addr);
}

/* How well the ID that came fits a peer; 0: not. Without peer_id it is the peer's address,
 * or behind a NAT any address; its PSK must fit all the same. */
int p1_id_fit(const struct peer *p, const struct ike_sa *sa, const struct ike_id *id)
{
	struct ike_id gateway;

	if (p->conf.peer_id.type)
		return id_equal(&p->conf.peer_id, id) ? 4 : 0;
	gateway = id_from_addr(&sa->remote.addr);
	if (id_equal(&gateway, id))
		return 3;
	if (where_is_target(p, &sa->remote.addr) && sa->nat_remote &&
	    (id->type == ID_IPV4_ADDR || id->type == ID_IPV6_ADDR))
		return 2;
	/* The certificate says who may call here; the ID has to be in it. */
	return where_is_open(p) || sign_wanted(p);
}

int p1_check_id(struct ike_sa *sa, struct slice body)
{
	struct ike_id id, wanted = sa->peer->conf.peer_id, mine = our_id(sa);
	char theirs[ID_TEXT_MAX], expected[ID_TEXT_MAX];
	struct err err = { 0 };

	if (isakmp_id(body, &id, &err) < 0) {
		negotiation_fail(sa, NEG_MALFORMED);
		sa_why(sa, true, "the peer's identity is none: %s", err.msg);
		return -1;
	}
	if (p1_id_fit(sa->peer, sa, &id)) {
		sa->peer_id = id;
		return 0;
	}
	if (!wanted.type)
		wanted = id_from_addr(&sa->remote.addr);
	negotiation_ids(negotiation_fail(sa, NEG_ID_PEER), &mine, &id, &wanted, NULL);
	sa_why(sa, true, "the peer says it is %s, expected %s (peer_id)",
	       id_str(&id, theirs, sizeof(theirs)),
	       id_str(&wanted, expected, sizeof(expected)));
	return -1;
}

static int set_id(struct ike_sa *sa)
{
	struct ike_id id = our_id(sa);
	uint8_t buf[4 + ID_MAX];
	struct wr w = wr_init(buf, sizeof(buf));

	isakmp_id_write(&w, &id);
	return blob_set(&v1(sa)->p1->my_id, (struct slice){ buf, w.len });
}

void p1_write_id(struct ike_sa *sa, struct isakmp_build *b)
{
	if (set_id(sa) < 0)
		b->w.bad = true;
	isakmp_add(b, P_ID, blob_slice(&v1(sa)->p1->my_id));
}

bool p1_others_up(const struct ike_sa *sa)
{
	for (const struct ike_sa *o = sa->peer->sas; o; o = o->peer_next)
		if (o != sa && sa_is_up(o))
			return true;
	return false;
}

bool p1_begins_anew(const struct ike_sa *sa, const struct isakmp_msg *m)
{
	return !sa->peer->children && !p1_others_up(sa) && !p1_initial_contact(m);
}

bool p1_initial_contact(const struct isakmp_msg *m)
{
	const struct isakmp_payload_at *p = NULL;
	struct isakmp_note n;

	while ((p = isakmp_next(m, P_NOTIFY, p)))
		if (isakmp_note(p->body, &n, NULL) == 0 && n.type == V1_INITIAL_CONTACT)
			return true;
	return false;
}

bool p1_may_join(struct ike_sa *sa)
{
	char now[ADDR_TEXT_MAX], old[ADDR_TEXT_MAX];

	if (peer_may_join(sa->peer, sa))
		return true;
	sa_why(sa, false, "it calls from %s, and is connected from %s already (unique)",
	       addr_str(&sa->remote.addr, now), addr_str(&sa->peer->main->remote.addr, old));
	return false;
}

/* ---- keys and hashes ---- */

struct slice p1_nonce(const struct phase1 *p)
{
	return (struct slice){ p->nonce, V1_NONCE_LEN };
}

/* What needs no vault comes the same way, and not from inside of a message's handling. */
static void on_later(void *arg)
{
	struct ike_sa *sa = arg;
	struct engine *e = sa->e;
	struct phase1 *p = v1(sa)->p1;
	struct slice mine = p1_nonce(p), theirs = blob_slice(&p->peer_nonce);
	struct vault_answer a = { .ok = true };
	uint8_t skeyid[PRF_MAX];

	if (!v1(sa)->keys) {
		a.ok = v1_skeyid_sig(sa->ike.prf, sa->initiator ? mine : theirs,
				     sa->initiator ? theirs : mine, blob_slice(&p->shared),
				     skeyid) == 0;
		a.auth = (struct slice){ skeyid, alg_get(ALG_PRF, sa->ike.prf, 0)->out_len };
	}
	sa->ops->vault_done(sa, &a);
	secret_wipe(skeyid, sizeof(skeyid));
	engine_reap(e);
}

void p1_later(struct ike_sa *sa)
{
	timer_init(&v1(sa)->p1->later, on_later, sa);
	timer_set(sa->e->ts, &v1(sa)->p1->later, 0);
}

void p1_ask_skeyid(struct ike_sa *sa)
{
	const struct phase1 *p = v1(sa)->p1;
	struct slice mine = p1_nonce(p), theirs = blob_slice(&p->peer_nonce);
	uint8_t octets[2 * ISAKMP_NONCE_MAX];
	struct wr w = wr_init(octets, sizeof(octets));

	if (sign_wanted(sa->peer)) {
		p1_later(sa);
		return;
	}

	wr_bytes(&w, sa->initiator ? mine.p : theirs.p, sa->initiator ? mine.len : theirs.len);
	wr_bytes(&w, sa->initiator ? theirs.p : mine.p, sa->initiator ? theirs.len : mine.len);
	vault_sign(sa, &(struct vault_query){ .kind = VAULT_SKEYID, .prf = sa->ike.prf,
					      .octets = { octets, w.len } });
}

/* Our half, if there is none yet, and the shared secret from theirs. */
int p1_make_ke(struct ike_sa *sa, uint16_t group)
{
	struct err err = { 0 };

	ke_free(v1(sa)->p1->ke);
	v1(sa)->p1->ke = ke_new(group, &err);
	if (v1(sa)->p1->ke)
		return 0;
	sa_why(sa, true, "no key for the exchange: %s", err.msg);
	return -1;
}

int p1_shared(struct ike_sa *sa, const struct isakmp_msg *m, struct err *e)
{
	struct phase1 *p = v1(sa)->p1;
	struct slice public = isakmp_get(m, P_KE)->body, nonce;
	uint8_t shared[KE_SHARED_MAX];
	size_t len;
	int how;

	if (isakmp_nonce(isakmp_get(m, P_NONCE)->body, &nonce, e) < 0 ||
	    ke_shared(p->ke, public, shared, &len, e) < 0)
		return -1;
	how = blob_set(&p->shared, (struct slice){ shared, len });
	secret_wipe(shared, sizeof(shared));
	if (how < 0 || blob_set(&p->peer_nonce, nonce) < 0 ||
	    blob_set(&p->peer_public, public) < 0)
		return err_set(e, "out of memory");
	return 0;
}

int p1_make_keys(struct ike_sa *sa, struct slice skeyid)
{
	struct v1_sa *v = v1(sa);
	struct phase1 *p = v->p1;
	struct slice mine = ke_public(p->ke), theirs = blob_slice(&p->peer_public);
	struct err err = { 0 };

	v->keys = v1_keys_new(&sa->ike, skeyid, blob_slice(&p->shared), sa->spi_i, sa->spi_r,
			      &err);
	blob_free(&p->shared);
	if (!v->keys || v1_iv_first(sa->ike.prf, sa->initiator ? mine : theirs,
				    sa->initiator ? theirs : mine, v->iv) < 0) {
		negotiation_fail(sa, NEG_LOCAL);
		sa_why(sa, true, "no keys: %s", err.msg);
		return -1;
	}
	return 0;
}

/* HASH_I or HASH_R: ours, or the one that theirs must be. */
int p1_hash(struct ike_sa *sa, bool ours, uint8_t *out)
{
	const struct phase1 *p = v1(sa)->p1;
	struct slice mine = ke_public(p->ke), theirs = blob_slice(&p->peer_public);
	bool of_initiator = ours == sa->initiator;

	return v1_hash(v1(sa)->keys, ours ? mine : theirs, ours ? theirs : mine,
		       of_initiator ? sa->spi_i : sa->spi_r,
		       of_initiator ? sa->spi_r : sa->spi_i, blob_slice(&p->sa_body),
		       blob_slice(ours ? &p->my_id : &p->peer_id), out);
}

void p1_write_hash(struct ike_sa *sa, struct isakmp_build *b)
{
	uint8_t h[PRF_MAX];

	if (p1_hash(sa, true, h) < 0)
		b->w.bad = true;
	isakmp_add(b, P_HASH, (struct slice){ h, v1(sa)->keys->prf_len });
}

bool p1_hash_fits(struct ike_sa *sa, struct slice theirs)
{
	uint8_t h[PRF_MAX];

	return p1_hash(sa, false, h) == 0 && theirs.len == v1(sa)->keys->prf_len &&
	       secret_equal(h, theirs.p, theirs.len);
}

void p1_ask_signature(struct ike_sa *sa)
{
	uint8_t h[PRF_MAX];

	if (set_id(sa) < 0 || p1_hash(sa, true, h) < 0)
		return;
	vault_sign(sa, &(struct vault_query){ .kind = VAULT_SIGNATURE, .scheme = PK_RSA_RAW,
					      .octets = { h, v1(sa)->keys->prf_len } });
}

void p1_ask_again(struct ike_sa *sa)
{
	if (v1(sa)->p1 && v1(sa)->keys)
		p1_ask_signature(sa);
	else if (v1(sa)->p1)
		p1_ask_skeyid(sa);
}

/* ---- refusals, and silence ---- */

void p1_refuse_later(struct ike_sa *sa, const char *words)
{
	struct phase1 *p = v1(sa)->p1;

	if (!p->refused)
		timer_set(sa->e->ts, &sa->timer, REFUSED_GRACE_MS);
	free(p->refused);
	p->refused = strdup(words);
}

/* Nobody signs it, so the attempt goes on for a moment: a good answer may still come. */
void p1_told(struct ike_sa *sa, uint16_t type)
{
	struct negotiation *n;
	char words[400], list[200];

	if (!v1(sa)->p1 || !sa->initiator || type >= V1_STATUS || type == V1_INVALID_COOKIE)
		return;
	n = negotiation_refused(sa, type);
	snprintf(n->notify_name, sizeof(n->notify_name), "%s", isakmp_notify_name(type));
	if (type == V1_NO_PROPOSAL_CHOSEN)
		snprintf(words, sizeof(words),
			 "the peer accepts none of our IKE proposals "
			 "(NO_PROPOSAL_CHOSEN); ours: %s, by %s",
			 suite_list_str(SUITE_IKE, &sa->peer->conf.ike, list, sizeof(list)),
			 sign_wanted(sa->peer) ? "RSA signature" : "pre-shared key");
	else if (sa->state == MI_ID_SENT || type == V1_AUTHENTICATION_FAILED ||
		 type == V1_INVALID_ID_INFORMATION)
		snprintf(words, sizeof(words),
			 "the peer refuses who we say we are (%s): %s, or it does not know our "
			 "local_id", isakmp_notify_name(type), sign_wanted(sa->peer) ?
			 "it does not trust our certificate" : "the pre-shared key differs");
	else
		snprintf(words, sizeof(words), "the peer refuses phase 1: %s",
			 isakmp_notify_name(type));
	p1_refuse_later(sa, words);
}

V1_ACTION(p1_silence)
{
	char remote[ENDPOINT_TEXT_MAX];
	struct phase1 *p = v1(sa)->p1;

	(void)in;
	endpoint_str(&sa->remote, remote);
	if (p->refused) {
		sa_why(sa, true, "%s", p->refused);
	} else if (p->garbled) {
		negotiation_fail(sa, NEG_PSK);
		sa_why(sa, true, "what %s answers does not decrypt: probably the pre-shared "
		       "key differs", remote);
	} else if (sa->state == MI_ID_SENT) {
		negotiation_fail(sa, sign_wanted(sa->peer) ? NEG_CERT : NEG_PSK);
		sa_why(sa, true, "%s does not answer since it was told who we are: probably "
		       "%s, or it expects another local_id%s", remote, sign_wanted(sa->peer) ?
		       "it does not trust our certificate" : "the pre-shared key differs",
		       sa->remote.port == IKE_NATT_PORT ?
		       " (or UDP port 4500 is not open on both sides)" : "");
	} else if (!sa->initiator && sa->state == MR_KE_SENT) {
		sa_why(sa, false, "%s did not go on after the exchange of keys%s", remote,
		       sa->encap ? " (is UDP port 4500 open on both sides?)" : "");
	} else {
		negotiation_fail(sa, NEG_NO_ANSWER)->sent = v1(sa)->sent;
		sa_why(sa, false, "no answer from %s", remote);
	}
	return DONE;
}

V1_ACTION(p1_garbled)
{
	struct phase1 *p = v1(sa)->p1;
	char from[ENDPOINT_TEXT_MAX];
	unsigned held;

	if (p->garbled)
		return STAY;
	p->garbled = true;
	if (sa->initiator)
		return STAY;
	negotiation_fail(sa, NEG_PSK);
	sa_why(sa, true, "what %s sends does not decrypt: probably the pre-shared key differs",
	       endpoint_str(in->remote, from));
	peer_fail(sa->peer, sa->why);
	if (log_limit_pass(&sa->e->stranger_log, &held))
		log_warning(sa->peer->conf.name, "not connected: %s", sa->why);
	return STAY;
}

V1_ACTION(p1_no_secret)
{
	negotiation_fail(sa, NEG_NO_SECRET);
	if (in->vault && in->vault->no_secret)
		sa_why(sa, true, "no %s is stored for this peer",
		       sign_wanted(sa->peer) ? "private key" : "pre-shared key");
	else
		sa_why(sa, true, "the vault made no keys");
	if (!sa->initiator) {
		log_warning(sa->peer->conf.name, "refused: %s", sa->why);
		peer_fail(sa->peer, sa->why);
	}
	return DONE;
}

V1_ACTION(p1_vault_silent)
{
	(void)in;
	negotiation_fail(sa, NEG_LOCAL);
	sa_why(sa, false, "the process that keeps the secrets does not answer");
	return DONE;
}

V1_ACTION(p1_end)
{
	(void)sa;
	(void)in;
	return DONE;
}

V1_ACTION(p1_close)
{
	(void)in;
	note_delete_children(sa, true);
	note_delete_ike(sa);
	return DONE;
}

int p1_take_answer(struct ike_sa *sa, const struct isakmp_msg *m, struct err *e)
{
	struct offer_want want = p1_want(sa);
	struct offer ours, answer;
	struct offer_transform t;

	offer_make(&sa->peer->conf.ike, &want, &ours);
	if (offer_read(isakmp_get(m, P_SA)->body, false, &answer, e) < 0 ||
	    offer_verify(&answer, &ours, &want, &sa->ike, &t, e) < 0)
		return -1;
	if (!m->hdr.cr)
		return err_set(e, "the responder's cookie is zero");
	sa->life_s = t.life_s;
	sa->spi_r = m->hdr.cr;
	p1_read_vendors(sa, m);
	return 0;
}
