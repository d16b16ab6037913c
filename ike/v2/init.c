/* init: IKE_SA_INIT (RFC 7296 §1.2), both sides, with what may come between: COOKIE
 * (§2.6), INVALID_KE_PAYLOAD (§1.2), both in either order (§2.6.1), and NAT detection
 * (§2.23).
 *
 * Nothing here is authenticated yet. So no answer that fails ends an attempt at once: it
 * is remembered, a good one may still come, and the attempt ends by time (§2.21.1). And
 * for a request nothing is kept before it is known to come from someone who is
 * configured, offers what we can do, and, when many are half open, proved its address.
 */
#include "ike/v2/v2.h"

#include "ike/engine/negotiation.h"

#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/base/secret.h"
#include "core/crypto/crypto.h"
#include "ike/v2/cert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REFUSED_GRACE_MS 3000
#define HALF_OPEN_FREE 32	/* cookies are asked for above this and one per peer */
#define HALF_OPEN_MAX 256	/* beyond this and four per peer all else is dropped */
#define PER_SOURCE_FREE 8	/* the same for one pair of addresses, two per peer */

/* Also where there is no NAT. */
static bool encapsulates(const struct ike_sa *sa)
{
	return peer_encap(sa->peer) != CAN_ENCAP_ANY;
}

static struct proposal_want ike_want(void)
{
	return (struct proposal_want){ .protocol = PROTO_IKE, .ke = true };
}

/* ---- NAT detection, §2.23 ---- */

static void write_nat_detection(struct ike_sa *sa, struct build *b, uint64_t spi_r)
{
	uint8_t hash[20];

	keymat_nat_hash(sa->spi_i, spi_r, &sa->local, hash);
	/* A hash that fits no address makes both sides believe in a NAT: UDP. */
	if (encapsulates(sa))
		rng_bytes(hash, sizeof(hash));
	build_notify(b, PROTO_NONE, 0, 0, N_NAT_DETECTION_SOURCE_IP,
		     (struct slice){ hash, sizeof(hash) });
	keymat_nat_hash(sa->spi_i, spi_r, &sa->remote, hash);
	build_notify(b, PROTO_NONE, 0, 0, N_NAT_DETECTION_DESTINATION_IP,
		     (struct slice){ hash, sizeof(hash) });
}

/* 0: none of that type came; 1: one fits; -1: some came, none fits. */
static int nat_hash_seen(const struct ike_msg *m, uint16_t type, const uint8_t hash[20])
{
	const struct payload *p = NULL;
	struct notify n;
	int seen = 0;

	while ((p = ike_msg_next(m, PAYLOAD_NOTIFY, p))) {
		if (payload_notify(p->body, &n, NULL) < 0 || n.type != type)
			continue;
		if (n.data.len == 20 && memcmp(n.data.p, hash, 20) == 0)
			return 1;
		seen = -1;
	}
	return seen;
}

static void detect_nat(struct ike_sa *sa, const struct input *in)
{
	const struct ike_hdr *h = &in->m->hdr;
	uint8_t hash[20];
	int src, dst;

	keymat_nat_hash(h->spi_i, h->spi_r, in->remote, hash);
	src = nat_hash_seen(in->m, N_NAT_DETECTION_SOURCE_IP, hash);
	keymat_nat_hash(h->spi_i, h->spi_r, in->local, hash);
	dst = nat_hash_seen(in->m, N_NAT_DETECTION_DESTINATION_IP, hash);
	v2(sa)->peer_natt = src && dst;
	sa->nat_remote = src < 0;
	sa->nat_local = dst < 0;
	sa->encap = v2(sa)->peer_natt &&
		    (sa->nat_remote || sa->nat_local || encapsulates(sa));
}

/* ---- what else both sides can do ---- */

static void write_abilities(struct ike_sa *sa, struct build *b)
{
	if (sa->peer->conf.fragmentation != FRAGMENT_NO)
		build_notify_plain(b, N_FRAGMENTATION_SUPPORTED);
	if (cert_in_use(sa->peer))
		build_notify_hashes(b, CERT_HASHES);
	if (sa->peer->conf.ppk_id[0])
		build_notify_plain(b, N_USE_PPK);
}

static bool anyone_has_ppk(const struct ike_sa *sa)
{
	for (const struct peer *p = engine_caller(sa->e, &sa->remote.addr, NULL); p;
	     p = engine_caller(sa->e, &sa->remote.addr, p))
		if (p->conf.ppk_id[0] && peer_speaks(p, IKE_V2) &&
		    peer_match_addr(p, &sa->local, &sa->remote))
			return true;
	return false;
}

/* Of the responder: who it is will be known in IKE_AUTH, so what any of them may use is
 * said. */
static void answer_abilities(struct ike_sa *sa, struct build *b, const struct input *in)
{
	struct handshake *hs = v2(sa)->hs;

	if (v2(sa)->fragments)
		build_notify_plain(b, N_FRAGMENTATION_SUPPORTED);
	if (hs->peer_hashes)
		build_notify_hashes(b, CERT_HASHES);
	if (hs->ppk)
		build_notify_plain(b, N_USE_PPK);
	build_notify_plain(b, N_CHILDLESS_IKEV2_SUPPORTED);
	cert_write_requests(b, sa->e, in);
}

static void note_abilities(struct ike_sa *sa, const struct input *in)
{
	struct handshake *hs = v2(sa)->hs;
	struct notify n;

	v2(sa)->fragments = sa->peer->conf.fragmentation != FRAGMENT_NO &&
			    ike_msg_notify(in->m, N_FRAGMENTATION_SUPPORTED, &n);
	hs->peer_hashes = ike_msg_notify(in->m, N_SIGNATURE_HASH_ALGORITHMS, &n) ?
		notify_hashes(&n) : 0;
	hs->childless = ike_msg_notify(in->m, N_CHILDLESS_IKEV2_SUPPORTED, &n);
	hs->ppk = ike_msg_notify(in->m, N_USE_PPK, &n) &&
		  (sa->initiator ? sa->peer->conf.ppk_id[0] : anyone_has_ppk(sa));
}

/* ---- initiator ---- */

/* Not authenticated: kept for the status, and the attempt ends a little later unless
 * something better comes. */
static void refuse_later(struct ike_sa *sa, uint16_t type, const char *words)
{
	struct handshake *hs = v2(sa)->hs;

	if (!hs->refused_words)
		timer_set(sa->e->ts, &sa->timer, REFUSED_GRACE_MS);
	free(hs->refused_words);
	hs->refused_words = strdup(words);
	hs->refused = type;
}

static int send_init(struct ike_sa *sa)
{
	struct handshake *hs = v2(sa)->hs;
	struct proposal_want want = ike_want();
	struct sa_payload offer;
	struct err err = { 0 };
	struct out o;
	size_t len;

	proposal_offer(&sa->peer->conf.ike, &want, &offer);
	out_request(sa, &o, IKE_SA_INIT);
	if (hs->cookie.p)
		build_notify(&o.b, PROTO_NONE, 0, 0, N_COOKIE, blob_slice(&hs->cookie));
	build_sa(&o.b, &offer);
	build_ke(&o.b, ke_id(hs->ke), ke_public(hs->ke));
	build_nonce(&o.b, (struct slice){ hs->nonce, NONCE_LEN });
	write_nat_detection(sa, &o.b, 0);
	write_abilities(sa, &o.b);
	if (build_end(&o.b, &len, &err) < 0 || len > INIT_CAP ||
	    blob_set(&hs->mine, (struct slice){ o.buf, len }) < 0) {
		sa_why(sa, true, "cannot make IKE_SA_INIT: %s",
		       err.msg[0] ? err.msg : "too many proposals");
		return -1;
	}
	timer_stop(sa->e->ts, &sa->rtx);
	blob_free(&v2(sa)->req);
	out_send_plain(sa, o.buf, len, TASK_INIT);
	return 0;
}

static int make_ke(struct ike_sa *sa, uint16_t group)
{
	struct err err = { 0 };
	struct ke *ke = ke_new(group, &err);

	if (!ke) {
		sa_why(sa, true, "no key for the exchange: %s", err.msg);
		return -1;
	}
	ke_free(v2(sa)->hs->ke);
	v2(sa)->hs->ke = ke;
	return 0;
}

ACTION(init_start)
{
	struct proposal_want want = ike_want();
	struct sa_payload offer;
	uint16_t group;

	(void)in;
	v2(sa)->hs = calloc(1, sizeof(*v2(sa)->hs));
	if (!v2(sa)->hs) {
		sa_why(sa, false, "out of memory");
		return V_FAILED;
	}
	rng_bytes(v2(sa)->hs->nonce, NONCE_LEN);
	proposal_offer(&sa->peer->conf.ike, &want, &offer);
	group = sa->peer->ke_hint;
	if (!group || !proposal_offers_ke(&offer, group))
		group = proposal_first_ke(&offer);
	return make_ke(sa, group) < 0 || send_init(sa) < 0 ? V_FAILED : V_DONE;
}

ACTION(init_cookie)
{
	struct handshake *hs = v2(sa)->hs;
	struct notify n;

	if (!ike_msg_notify(in->m, N_COOKIE, &n) || n.data.len < 1 ||
	    n.data.len > COOKIE_MAX || ++hs->rounds > ROUNDS_MAX) {
		DROP(sa->e, sa, malformed);
		return V_STAY;
	}
	log_debug(sa->peer->conf.name, "the peer wants a cookie first");
	if (blob_set(&hs->cookie, n.data) < 0)
		return V_STAY;
	return send_init(sa) < 0 ? V_FAILED : V_DONE;
}

/* §1.2: a group that we did not offer is not followed: that would be a downgrade. */
ACTION(init_other_ke)
{
	struct handshake *hs = v2(sa)->hs;
	struct proposal_want want = ike_want();
	struct sa_payload offer;
	struct notify n;
	uint16_t group = 0;
	char label[48];

	if (ike_msg_notify(in->m, N_INVALID_KE_PAYLOAD, &n))
		group = notify_ke_group(&n);
	proposal_offer(&sa->peer->conf.ike, &want, &offer);
	if (!group || !proposal_offers_ke(&offer, group)) {
		negotiation_fail(sa, NEG_GROUP)->group = group;
		refuse_later(sa, N_INVALID_KE_PAYLOAD,
			     "the peer wants a key exchange group that is not in our ike "
			     "setting");
		return V_STAY;
	}
	if (group == ke_id(hs->ke) || ++hs->rounds > ROUNDS_MAX) {
		DROP(sa->e, sa, unexpected);
		return V_STAY;
	}
	log_debug(sa->peer->conf.name, "the peer wants %s",
		  alg_label(ALG_KE, group, 0, label, sizeof(label)));
	return make_ke(sa, group) < 0 || send_init(sa) < 0 ? V_FAILED : V_DONE;
}

ACTION(init_refused)
{
	char ours[200], words[400];
	struct notify n;

	if (!ike_msg_error(in->m, &n)) {
		/* Unknown status alone (§3.10.1). NOLINTNEXTLINE: sa is never NULL here */
		DROP(sa->e, sa, unexpected);
		return V_STAY;
	}
	if (n.type == N_NO_PROPOSAL_CHOSEN)
		snprintf(words, sizeof(words),
			 "the peer accepts none of our IKE proposals "
			 "(NO_PROPOSAL_CHOSEN); ours: %s",
			 suite_list_str(SUITE_IKE, &sa->peer->conf.ike, ours,
					sizeof(ours)));
	else
		snprintf(words, sizeof(words), "the peer refuses IKE_SA_INIT: %s (%s)",
			 ike_notify_words(n.type), ike_notify_name(n.type));
	negotiation_refused(sa, n.type);
	refuse_later(sa, n.type, words);
	return V_STAY;
}

static void init_silence(struct ike_sa *sa)
{
	struct negotiation *n = negotiation_fail(sa, NEG_NO_ANSWER);
	char remote[ENDPOINT_TEXT_MAX];

	n->sent = v2(sa)->req_sent;
	n->answered = v2(sa)->hs->rounds > 0;
	sa_why(sa, false, "no answer from %s", endpoint_str(&sa->remote, remote));
}

ACTION(init_timeout)
{
	(void)in;
	if (v2(sa)->hs->refused_words)
		sa_why(sa, true, "%s", v2(sa)->hs->refused_words);
	else
		init_silence(sa);
	return V_DONE;
}

/* The keys from both halves; shared secrets never outlive this. */
static int make_keys(struct ike_sa *sa, const struct chosen *c, struct slice peer_public,
		     struct err *e)
{
	struct handshake *hs = v2(sa)->hs;
	struct slice mine = { hs->nonce, NONCE_LEN },
		     theirs = blob_slice(&hs->peer_nonce);
	uint8_t shared[KE_SHARED_MAX];
	struct ike_keys *keys = NULL;
	size_t len;

	if (ke_shared(hs->ke, peer_public, shared, &len, e) == 0)
		keys = keymat_ike(c, sa->initiator ? mine : theirs,
				  sa->initiator ? theirs : mine, sa->spi_i, sa->spi_r,
				  (struct slice){ shared, len }, NULL, e);
	secret_wipe(shared, sizeof(shared));
	if (!keys)
		return -1;
	sa->ike = *c;
	nonce_min(mine, theirs, v2(sa)->nonce_min);
	return sa_keys_set(sa, keys, e);
}

static int read_answer(struct ike_sa *sa, const struct ike_msg *m, struct chosen *c,
		       struct ke_payload *ke, struct err *e)
{
	struct proposal_want want = ike_want();
	struct sa_payload answer, offer;
	struct slice nonce;

	if (m->hdr.spi_r == 0)
		return err_set(e, "the responder's SPI is zero");
	if (payload_sa(ike_msg_get(m, PAYLOAD_SA)->body, &answer, e) < 0 ||
	    payload_ke(ike_msg_get(m, PAYLOAD_KE)->body, ke, e) < 0 ||
	    payload_nonce(ike_msg_get(m, PAYLOAD_NONCE)->body, &nonce, e) < 0)
		return -1;
	proposal_offer(&sa->peer->conf.ike, &want, &offer);
	if (proposal_verify(&answer, &offer, &want, c, e) < 0)
		return -1;
	if (!proposal_ke_fits(c, ke->group) || ke->group != ke_id(v2(sa)->hs->ke))
		return err_set(e, "its KE payload is of another group than it chose");
	if (m->len > INIT_CAP)
		return err_set(e, "its IKE_SA_INIT is too long");
	if (blob_set(&v2(sa)->hs->peer_nonce, nonce) < 0 ||
	    blob_set(&v2(sa)->hs->theirs, (struct slice){ m->buf, m->len }) < 0)
		return err_set(e, "out of memory");
	return 0;
}

ACTION(init_answered)
{
	struct ke_payload ke;
	struct err err = { 0 };
	struct chosen c;
	char words[ERR_MSG_MAX + 64];

	if (read_answer(sa, in->m, &c, &ke, &err) < 0)
		goto refused;
	detect_nat(sa, in);
	if (sa_encap_refused(sa, v2(sa)->peer_natt)) {
		err_set(&err, "%s", sa_encap_refused(sa, v2(sa)->peer_natt));
		goto refused;
	}
	note_abilities(sa, in);
	if (sa->peer->conf.ppk_required && !v2(sa)->hs->ppk) {
		err_set(&err, "it does not use a post-quantum key, and this side requires it "
			      "(ppk_required)");
		goto refused;
	}
	sa->spi_r = in->m->hdr.spi_r;
	if (make_keys(sa, &c, ke.data, &err) < 0) {
		sa->spi_r = 0;
		goto refused;
	}
	req_done(sa);
	sa->peer->ke_hint = c.ke;
	if (sa->encap || mobike_wanted(sa)) {
		/* §2.23: from now on both sides use 4500; RFC 4555 §3.3. */
		sa->local.port = sa->e->natt_port;
		if (sa->remote.port == IKE_PORT)
			sa->remote.port = IKE_NATT_PORT;
	}
	if (auth_begin(sa) < 0)
		return V_FAILED;
	return V_DONE;

refused:
	snprintf(words, sizeof(words), "the peer's IKE_SA_INIT answer is wrong: %s",
		 err.msg);
	negotiation_fail(sa, NEG_MALFORMED);
	refuse_later(sa, N_INVALID_SYNTAX, words);
	return V_STAY;
}

/* ---- responder: before anything is kept ---- */

struct census {
	size_t total, from_source, peers, peers_there;
	struct ike_sa *same;
};

static struct census take_census(struct engine *e, const struct input *in)
{
	struct census c = {
		.total = e->n_half_open,
		.peers = e->n_peers,
		/* Weighed against the peers of this pair of addresses, so of this pair. */
		.from_source = engine_half_open(e, &in->local->addr, &in->remote->addr),
		.same = engine_called(e, &v2_ops, in->m->hdr.spi_i, &in->remote->addr),
	};

	for (struct peer *p = engine_caller(e, &in->remote->addr, NULL); p;
	     p = engine_caller(e, &in->remote->addr, p))
		c.peers_there += peer_speaks(p, IKE_V2) &&
				 peer_match_addr(p, in->local, in->remote) > 0;
	return c;
}

/* Whether to go on. §2.6 */
static bool within_limits(struct engine *e, const struct input *in, struct slice ni,
			  const struct census *c)
{
	bool busy = c->total >= HALF_OPEN_FREE + c->peers ||
		    c->from_source >= PER_SOURCE_FREE + 2 * c->peers_there;
	uint8_t cookie[COOKIE_LEN];
	struct notify n;

	if (!busy)
		return true;
	if (ike_msg_notify(in->m, N_COOKIE, &n) &&
	    cookie_check(&e->cookies, n.data, ni, &in->remote->addr, in->m->hdr.spi_i)) {
		if (c->total < HALF_OPEN_MAX + 4 * c->peers &&
		    c->from_source < 2 * PER_SOURCE_FREE + 4 * c->peers_there)
			return true;
		e->drops.half_open++;
		return false;
	}
	cookie_make(&e->cookies, ni, &in->remote->addr, in->m->hdr.spi_i, cookie);
	e->cookies_sent++;
	out_stranger(e, in, N_COOKIE, (struct slice){ cookie, sizeof(cookie) });
	return false;
}

/* The peer there whose settings fit the offer: the most specific by its address, of equal
 * ones the first. */
static struct peer *choose_peer(struct engine *e, const struct input *in,
				const struct sa_payload *offer, uint16_t group,
				struct chosen *c)
{
	struct proposal_want want = ike_want();
	struct peer *best = NULL, *nearest = NULL;
	struct err err = { 0 }, first = { 0 };
	struct negotiation *n;
	int most = 0, most_near = 0;
	struct chosen fit;
	unsigned held;

	want.ke_sent = group;
	for (struct peer *p = engine_caller(e, &in->remote->addr, NULL); p;
	     p = engine_caller(e, &in->remote->addr, p)) {
		int how = peer_speaks(p, IKE_V2) ?
			peer_match_addr(p, in->local, in->remote) : 0;

		if (how > most &&
		    proposal_choose(offer, &p->conf.ike, &want, &fit, &err) == 0) {
			most = how;
			best = p;
			*c = fit;
		} else if (how > most && how > most_near) {
			most_near = how;
			nearest = p;
			first = err;
		}
	}
	if (best)
		return best;
	if (!nearest)
		return NULL;
	if (log_limit_pass(&e->stranger_log, &held)) {
		char from[ENDPOINT_TEXT_MAX], words[ERR_MSG_MAX + 128];

		snprintf(words, sizeof(words), "no common IKE proposal with %s: %s",
			 endpoint_str(in->remote, from), first.msg);
		log_warning(nearest->conf.name, "%s", words);
		n = negotiation_call(nearest, &v2_ops, in->local, in->remote, NEG_PROPOSAL);
		negotiation_offer(&n->ike_theirs, offer);
		peer_fail(nearest, words);
	}
	out_stranger(e, in, N_NO_PROPOSAL_CHOSEN, (struct slice){ 0 });
	return NULL;
}

static void unknown_caller(struct engine *e, const struct input *in)
{
	char from[ENDPOINT_TEXT_MAX], to[ENDPOINT_TEXT_MAX];
	unsigned held;

	e->drops.no_peer++;
	negotiation_stranger(e, 2, in->local, in->remote, NULL);
	if (log_limit_pass(&e->stranger_log, &held))
		log_warning(NULL,
			    "%s calls %s, but no enabled peer is configured there%s",
			    endpoint_str(in->remote, from), endpoint_str(in->local, to),
			    held ? " (and others)" : "");
}

static int read_request(const struct ike_msg *m, struct sa_payload *offer,
			struct ke_payload *ke, struct slice *nonce)
{
	struct err err = { 0 };

	if (ike_msg_count(m, PAYLOAD_SA) != 1 || ike_msg_count(m, PAYLOAD_KE) != 1 ||
	    ike_msg_count(m, PAYLOAD_NONCE) != 1 || m->len > INIT_CAP)
		return -1;
	if (payload_sa(ike_msg_get(m, PAYLOAD_SA)->body, offer, &err) < 0 ||
	    payload_ke(ike_msg_get(m, PAYLOAD_KE)->body, ke, &err) < 0 ||
	    payload_nonce(ike_msg_get(m, PAYLOAD_NONCE)->body, nonce, &err) < 0)
		return -1;
	return 0;
}

void init_request(struct engine *e, struct input *in)
{
	struct sa_payload offer;
	struct ke_payload ke;
	struct slice ni;
	struct census census;
	struct chosen c;
	struct peer *p;
	struct ike_sa *sa;

	if (!e->dataplane || e->stopping)
		return;
	/* Our own request, thrown back: with a PSK the AUTH that we make is one that we accept,
	 * so we could be made to believe that we are the peer. The SPI goes into the keys and
	 * into AUTH: whoever changes it gains nothing. */
	if (engine_sa(e, in->m->hdr.spi_i)) {
		e->drops.unexpected++;
		return;
	}
	census = take_census(e, in);
	if (census.same) {
		sa_step(census.same, IKE_SA_INIT, ROLE_REQUEST, in);
		return;
	}
	if (!census.peers_there) {
		unknown_caller(e, in);
		return;
	}
	if (read_request(in->m, &offer, &ke, &ni) < 0) {
		e->drops.malformed++;
		out_stranger(e, in, N_INVALID_SYNTAX, (struct slice){ 0 });
		return;
	}
	if (!within_limits(e, in, ni, &census))
		return;
	p = choose_peer(e, in, &offer, ke.group, &c);
	if (!p)
		return;
	if (!proposal_ke_fits(&c, ke.group)) {
		uint8_t group[2] = { c.ke >> 8, c.ke & 0xff };

		out_stranger(e, in, N_INVALID_KE_PAYLOAD, (struct slice){ group, 2 });
		return;
	}
	sa = sa_new(p, &v2_ops, false);
	if (!sa)
		return;
	sa->spi_i = in->m->hdr.spi_i;
	sa->local = *in->local;
	sa->remote = *in->remote;
	index_called(sa);
	sa->ike = c;
	if (!sa_step(sa, IKE_SA_INIT, ROLE_REQUEST, in))
		sa_drop(sa);
}

/* ---- responder: the IKE SA begins ---- */

ACTION(init_respond)
{
	struct sa_payload answer;
	struct ke_payload ke;
	struct slice nonce;
	struct err err = { 0 };
	struct chosen c = sa->ike;
	struct out o;

	v2(sa)->hs = calloc(1, sizeof(*v2(sa)->hs));
	if (!v2(sa)->hs)
		return V_FAILED;
	rng_bytes(v2(sa)->hs->nonce, NONCE_LEN);
	detect_nat(sa, in);
	if (sa_encap_refused(sa, v2(sa)->peer_natt)) {
		sa_why(sa, true, "%s", sa_encap_refused(sa, v2(sa)->peer_natt));
		out_stranger(sa->e, in, N_NO_PROPOSAL_CHOSEN, (struct slice){ 0 });
		return V_FAILED;
	}
	if (payload_ke(ike_msg_get(in->m, PAYLOAD_KE)->body, &ke, &err) < 0 ||
	    payload_nonce(ike_msg_get(in->m, PAYLOAD_NONCE)->body, &nonce, &err) < 0 ||
	    blob_set(&v2(sa)->hs->peer_nonce, nonce) < 0 ||
	    blob_set(&v2(sa)->hs->theirs, (struct slice){ in->m->buf, in->m->len }) < 0 ||
	    make_ke(sa, c.ke) < 0 || make_keys(sa, &c, ke.data, &err) < 0) {
		sa_why(sa, true, "IKE_SA_INIT refused: %s", err.msg);
		out_stranger(sa->e, in, N_INVALID_SYNTAX, (struct slice){ 0 });
		return V_FAILED;
	}
	note_abilities(sa, in);
	out_response(sa, &o, IKE_SA_INIT);
	proposal_answer(&c, 0, &answer);
	build_sa(&o.b, &answer);
	build_ke(&o.b, ke_id(v2(sa)->hs->ke), ke_public(v2(sa)->hs->ke));
	build_nonce(&o.b, (struct slice){ v2(sa)->hs->nonce, NONCE_LEN });
	if (v2(sa)->peer_natt)
		write_nat_detection(sa, &o.b, sa->spi_r);
	answer_abilities(sa, &o.b, in);
	out_send_response(sa, &o, 0);
	ke_free(v2(sa)->hs->ke);
	v2(sa)->hs->ke = NULL;
	if (!v2(sa)->resp.p || blob_set(&v2(sa)->hs->mine, blob_slice(&v2(sa)->resp)) < 0)
		return V_FAILED;
	return V_DONE;
}

/* §2.1: the very same message gets the same answer; another with this SPI is forged. */
ACTION(init_again)
{
	const struct blob *was = &v2(sa)->hs->theirs;

	if (was->len == in->m->len && memcmp(was->p, in->m->buf, was->len) == 0)
		out_repeat(sa, in);
	else
		DROP(sa->e, sa, unexpected);
	return V_STAY;
}
