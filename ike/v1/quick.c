/* quick: Quick mode (RFC 2409 §5.5), both sides.
 *
 * Who answers has the pair in its dataplane before it does, and sends on it when the third
 * message came, or a packet; who begins has it in before the third goes out. So the commit
 * bit, with which a peer may ask to be waited for (RFC 2408 §3.1), changes nothing here: the
 * other side is ready when it hears of ours. A rekey is a Quick mode like the first.
 */
#include "ike/v1/v1.h"

#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/base/secret.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_MS 30000		/* after a rekey that failed */

static void on_timer(void *arg)
{
	struct quick *q = arg;
	struct engine *e = q->sa->e;

	if (quick_state_ms(q->state))
		quick_step(q, ON_TIMEOUT, NULL);
	else
		quick_repeat(q);
	engine_reap(e);
}

static struct quick *quick_new(struct ike_sa *sa, uint32_t msg_id, bool initiator)
{
	struct quick *q = calloc(1, sizeof(*q));
	struct v1_sa *v = v1(sa);

	if (!q)
		return NULL;
	q->sa = sa;
	q->msg_id = msg_id;
	q->initiator = initiator;
	q->begun_ms = clock_ms();
	q->slot = SLOT_NONE;
	q->pair = PAIR_ALL;
	q->spi = child_new_spi(sa->peer);
	rng_bytes(q->nonce, V1_NONCE_LEN);
	timer_init(&q->timer, on_timer, q);
	if (v1_iv_next(v->keys, v->iv, alg_get(ALG_ENCR, sa->ike.encr,
					       sa->ike.encr_bits)->block, msg_id, q->iv) < 0) {
		free(q);
		return NULL;
	}
	q->next = v->quicks;
	v->quicks = q;
	return q;
}

void quick_free(struct quick *q)
{
	struct quick **at = &v1(q->sa)->quicks;
	struct child *old = q->old_id ? engine_child(q->sa->e, q->old_id) : NULL;

	if (old)
		old->rekeying = false;
	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	timer_stop(q->sa->e->ts, &q->timer);
	blob_free(&q->peer_nonce);
	blob_free(&q->out);
	blob_free(&q->answer);
	ke_free(q->ke);
	secret_wipe(q, sizeof(*q));
	free(q);
}

struct quick *quick_by_id(const struct ike_sa *sa, uint32_t msg_id)
{
	struct quick *q = v1(sa)->quicks;

	while (q && q->msg_id != msg_id)
		q = q->next;
	return q;
}

struct quick *quick_of_child(const struct peer *p, uint32_t child_id)
{
	for (struct ike_sa *sa = p->sas; sa; sa = sa->peer_next)
		for (struct quick *q = sa->ops == &v1_ops ? v1(sa)->quicks : NULL; q;
		     q = q->next)
			if (q->child_id == child_id && child_id)
				return q;
	return NULL;
}

unsigned quick_count(const struct ike_sa *sa, bool ours_alone)
{
	unsigned n = 0;

	for (const struct quick *q = v1(sa)->quicks; q; q = q->next)
		n += !ours_alone || (q->initiator && q->state <= QI_ADDING);
	return n;
}

/* ---- what both sides do ---- */

struct offer_want quick_want(const struct ike_sa *sa, const struct child_conf *cc)
{
	uint64_t kb = cc->esp_life_bytes / 1024;

	return (struct offer_want){
		.phase2 = true, .ah = cc->ah != 0, .life_s = cc->esp_life_s,
		.life_kb = kb > UINT32_MAX ? UINT32_MAX : (uint32_t)kb,
		.check = sa->peer->conf.proposal_check,
		.mode = (uint16_t)((!sa->encap ? V1_TUNNEL : v1(sa)->natt == NATT_RFC ?
				    V1_UDP_TUNNEL : V1_UDP_TUNNEL_DRAFT) +
				   (cc->mode == MODE_TRANSPORT)),
	};
}

uint8_t quick_protocol(const struct quick *q)
{
	const struct child_conf *cc = slot_conf(q->sa->peer, q->slot);

	return cc && cc->ah ? ISAKMP_PROTO_AH : ISAKMP_PROTO_ESP;
}

static void add_selector(struct isakmp_build *b, const struct selector *s)
{
	isakmp_open(b, P_ID);
	if (isakmp_selector_write(&b->w, s) < 0)
		b->w.bad = true;
	isakmp_close(b);
}

/* Two nonces of an exchange, shortened, to say which of two exchanges goes when both sides
 * began one at once: as RFC 7296 §2.8.1 does it, for IKEv1 says nothing. */
static void lowest(const struct quick *q, uint8_t out[NONCE_CMP])
{
	uint8_t theirs[NONCE_CMP] = { 0 };
	size_t n = q->peer_nonce.len < NONCE_CMP ? q->peer_nonce.len : NONCE_CMP;

	memcpy(theirs, q->peer_nonce.p, n);
	memcpy(out, memcmp(q->nonce, theirs, NONCE_CMP) < 0 ? q->nonce : theirs, NONCE_CMP);
}

/* The keys, and into the dataplane. NULL with *e. */
struct child *quick_install(struct quick *q, const struct chosen *c, struct slice shared,
			    const struct offer_transform *t, struct err *e)
{
	struct slice mine = { q->nonce, V1_NONCE_LEN }, theirs = blob_slice(&q->peer_nonce);
	struct slice ni = q->initiator ? mine : theirs, nr = q->initiator ? theirs : mine;
	const struct v1_keys *k = v1(q->sa)->keys;
	struct ts_list local = { .n = 1, .s = { q->local } },
		       remote = { .n = 1, .s = { q->remote } };
	struct sa_key in = { 0 }, out = { 0 };
	uint8_t nonce[NONCE_CMP];
	struct child_made m = {
		.esp = c, .local = &local, .remote = &remote, .in = &in, .out = &out,
		.nonce_min = nonce, .old = pair_child(q->sa->peer, q->slot, q->pair),
		.spi_in = q->spi, .life_s = t->life_s,
		.life_bytes = (uint64_t)t->life_kb * 1024, .pair = q->pair, .slot = q->slot,
		.initiator = q->initiator, .hold = !q->initiator,
		.mode = slot_conf(q->sa->peer, q->slot)->mode,
	};
	struct ike_sa *main = q->sa->peer->main;
	struct child *child = NULL;

	lowest(q, nonce);
	if (v1_keymat(k, c, shared, q->spi, ni, nr, &in, e) == 0 &&
	    v1_keymat(k, c, shared, (uint32_t)c->spi, ni, nr, &out, e) == 0)
		child = child_make(main && main->ops == &v1_ops ? main : q->sa, &m, e);
	secret_wipe(&in, sizeof(in));
	secret_wipe(&out, sizeof(out));
	if (child)
		q->child_id = child->id;
	return child;
}

/* g(qm)^xy, where there is PFS. */
int quick_exchange(struct quick *q, const struct isakmp_msg *m, uint8_t *shared, size_t *len,
		   struct err *e)
{
	*len = 0;
	if (!q->ke)
		return 0;
	return ke_shared(q->ke, isakmp_get(m, P_KE)->body, shared, len, e);
}

int quick_selectors(const struct ike_sa *sa, const struct isakmp_msg *m,
			  struct selector *of_initiator, struct selector *of_responder,
			  bool we_began, struct err *e)
{
	const struct isakmp_payload_at *i = isakmp_get(m, P_ID), *r;
	struct prefix host;

	if (!i) {		/* §5.5: then it is about the two addresses themselves */
		host = prefix_host(we_began ? &sa->local.addr : &sa->remote.addr);
		*of_initiator = selector_of(&host);
		host = prefix_host(we_began ? &sa->remote.addr : &sa->local.addr);
		*of_responder = selector_of(&host);
		return 0;
	}
	r = isakmp_next(m, P_ID, i);
	if (!r)
		return err_set(e, "one identity instead of two");
	return isakmp_selector(i->body, of_initiator, e) < 0 ||
	       isakmp_selector(r->body, of_responder, e) < 0 ? -1 : 0;
}

static void sides(const struct selector *local, const struct selector *remote, char *buf,
		  size_t cap)
{
	char l[SELECTOR_TEXT_MAX], r[SELECTOR_TEXT_MAX];

	snprintf(buf, cap, "%s === %s", selector_str(local, l), selector_str(remote, r));
}

/* A message ID is used once (RFC 2408 §3.1): a recording of a Quick mode's first message would
 * begin another one, with the peer knowing nothing of it; our own, thrown back, would look
 * like the peer's, for both sides have the same keys. When many were used it is time for
 * another ISAKMP SA. False: seen, or too many. */
static bool first_seen(struct ike_sa *sa, uint32_t msg_id)
{
	struct v1_sa *v = v1(sa);
	uint32_t *more;

	for (unsigned i = 0; i < v->n_ids; i++)
		if (v->ids[i] == msg_id)
			return false;
	if (v->n_ids >= IDS_MAX)
		return false;
	if (v->n_ids % 8 == 0) {
		more = realloc(v->ids, (v->n_ids + 8u) * sizeof(*more));
		if (!more)
			return false;
		v->ids = more;
	}
	v->ids[v->n_ids++] = msg_id;
	if (v->n_ids == IDS_MAX / 2 && sa->rekey_at > clock_ms())
		sa->rekey_at = clock_ms();
	return true;
}

/* ---- who begins ---- */

/* A rekey that failed leaves the old pair, and its time; a first one of a new peer says why in
 * words of its own. */
static void PRINTF_LIKE(2, 3) failed(struct quick *q, const char *fmt, ...)
{
	struct child *old = q->old_id ? engine_child(q->sa->e, q->old_id) : NULL;
	char text[LOG_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!old) {
		slot_fail(q->sa->peer, q->slot, "%s", text);
		return;
	}
	old->rekeying = false;
	child_not_rekeyed(old, text);
}

void quick_start(struct ike_sa *sa, uint8_t slot, uint16_t pair, struct child *old)
{
	uint32_t msg_id;
	struct quick *q;

	do
		msg_id = rng_u32();
	while (!msg_id || quick_by_id(sa, msg_id));
	q = first_seen(sa, msg_id) ? quick_new(sa, msg_id, true) : NULL;
	if (!q)
		return;
	q->slot = slot;
	q->pair = pair;
	if (old) {
		q->old_id = old->id;
		old->rekeying = true;
		old->rekey_at = clock_ms() + RETRY_MS;
	}
	quick_step(q, ON_START, NULL);
}

QUICK_ACTION(quick_begin)
{
	struct ike_sa *sa = q->sa;
	const struct child_conf *cc = slot_conf(sa->peer, q->slot);
	struct offer_want want = quick_want(sa, cc);
	struct err err = { 0 };
	struct suite_list room;
	struct offer offer;
	struct v1_out o;
	size_t len;

	(void)in;
	if (slot_blocked(sa, q->slot)) {
		failed(q, "%s", slot_blocked(sa, q->slot));
		return FAILED;
	}
	offer_make(slot_suites(cc, &room), &want, &offer);
	pair_selectors(cc, q->pair, &q->local, &q->remote);
	if (!offer.n) {
		failed(q, "%s", cc->ah ? "IKEv1 has no number for the hash that ah names" :
			  "IKEv1 can use none of the esp setting's suites (ChaCha20 it has "
			  "not)");
		return FAILED;
	}
	if (offer_group(&offer) != KE_NONE && !(q->ke = ke_new(offer_group(&offer), &err))) {
		failed(q, "no key for the exchange: %s", err.msg);
		return FAILED;
	}
	sealed_begin(sa, &o, X_QUICK, q->msg_id);
	isakmp_open(&o.b, P_SA);
	offer_write(&o.b.w, &offer, q->spi);
	isakmp_close(&o.b);
	isakmp_add(&o.b, P_NONCE, (struct slice){ q->nonce, V1_NONCE_LEN });
	if (q->ke)
		isakmp_add(&o.b, P_KE, ke_public(q->ke));
	add_selector(&o.b, &q->local);
	add_selector(&o.b, &q->remote);
	if (sealed_end(sa, &o, (struct slice){ 0 }, q->iv, &len) < 0) {
		failed(q, "Quick mode cannot be begun: ports that are "
			  "neither one nor all cannot be said in IKEv1");
		return FAILED;
	}
	quick_send(q, o.buf, len, true);
	return DONE;
}

/* The answer names what it took: what we offered, or a part of it. */
static int take_answer(struct quick *q, const struct isakmp_msg *m, struct chosen *c,
		       struct offer_transform *t, struct err *e)
{
	const struct child_conf *cc = slot_conf(q->sa->peer, q->slot);
	struct offer_want want;
	struct suite_list room;
	struct offer ours, answer;
	struct selector local, remote;
	struct slice nonce;
	char a[300], b[300];

	if (!cc)
		return err_set(e, "its settings are gone");
	want = quick_want(q->sa, cc);
	offer_make(slot_suites(cc, &room), &want, &ours);
	if (offer_read(isakmp_get(m, P_SA)->body, true, &answer, e) < 0 ||
	    offer_verify(&answer, &ours, &want, c, t, e) < 0 ||
	    isakmp_nonce(isakmp_get(m, P_NONCE)->body, &nonce, e) < 0 ||
	    quick_selectors(q->sa, m, &local, &remote, true, e) < 0)
		return err_wrap(e, "the answer is wrong");
	if (isakmp_get(m, P_ID) && (!selector_covers(&q->local, &local) ||
				    !selector_covers(&q->remote, &remote))) {
		sides(&q->local, &q->remote, a, sizeof(a));
		sides(&local, &remote, b, sizeof(b));
		return err_set(e, "networks do not match: ours %s, the peer answers %s", a, b);
	}
	if (isakmp_get(m, P_ID)) {
		q->local = local;
		q->remote = remote;
	}
	if (q->ke ? c->ke != ke_id(q->ke) || !isakmp_get(m, P_KE) : isakmp_get(m, P_KE) != NULL)
		return err_set(e, "the peer's key exchange does not fit what it chose (PFS)");
	return blob_set(&q->peer_nonce, nonce) < 0 ? err_set(e, "out of memory") : 0;
}

/* RESPONDER_LIFETIME (RFC 2407 §4.6.3.1): shorter than what was agreed. */
static void lifetimes_told(const struct isakmp_msg *m, struct offer_transform *t)
{
	const struct isakmp_payload_at *p = NULL;
	struct isakmp_note n;

	while ((p = isakmp_next(m, P_NOTIFY, p))) {
		struct isakmp_attr a;
		uint64_t type = 0;
		struct rd r;

		if (isakmp_note(p->body, &n, NULL) < 0 || n.type != V1_RESPONDER_LIFETIME)
			continue;
		r = rd_slice(n.data);
		while (isakmp_attr(&r, &a)) {
			if (a.type == 1)
				type = a.value;
			else if (a.type == 2 && !a.big && a.value && type == 1 &&
				 a.value < t->life_s)
				t->life_s = (uint32_t)a.value;
			else if (a.type == 2 && !a.big && a.value && type == 2 &&
				 (!t->life_kb || a.value < t->life_kb))
				t->life_kb = a.value > UINT32_MAX ? UINT32_MAX
								  : (uint32_t)a.value;
		}
	}
}

QUICK_ACTION(quick_answered)
{
	uint8_t shared[KE_SHARED_MAX];
	struct offer_transform t;
	struct err err = { 0 };
	struct chosen c;
	struct child *child = NULL;
	size_t len;

	timer_stop(q->sa->e->ts, &q->timer);
	if (take_answer(q, in->m, &c, &t, &err) == 0 &&
	    quick_exchange(q, in->m, shared, &len, &err) == 0) {
		lifetimes_told(in->m, &t);
		child = quick_install(q, &c, (struct slice){ shared, len }, &t, &err);
		secret_wipe(shared, sizeof(shared));
	}
	ke_free(q->ke);
	q->ke = NULL;
	if (child)
		return DONE;
	negotiation_child(q->sa, q->slot, true, q->old_id, NEG_MALFORMED);
	failed(q, "%s", err.msg);
	return FAILED;
}

QUICK_ACTION(quick_third)
{
	struct ike_sa *sa = q->sa;
	const struct v1_keys *k = v1(sa)->keys;
	struct v1_out o;
	uint8_t h[PRF_MAX];
	size_t len;

	(void)in;
	q->old_id = 0;
	if (v1_hash_3(k, q->msg_id, (struct slice){ q->nonce, V1_NONCE_LEN },
		      blob_slice(&q->peer_nonce), h) < 0)
		return FAILED;
	if (v1_seal_hash(sa, &o, q->msg_id, (struct slice){ h, k->prf_len }, q->iv, &len) < 0)
		return FAILED;
	quick_send(q, o.buf, len, false);
	return DONE;
}

/* ---- ends ---- */

QUICK_ACTION(quick_silence)
{
	struct child *c = engine_child(q->sa->e, q->child_id);
	struct ike_sa *sa = q->sa;

	(void)in;
	if (q->initiator) {
		negotiation_child(sa, q->slot, true, q->old_id, NEG_NO_ANSWER)->sent = q->sent;
		failed(q, "the peer does not answer Quick mode: it may "
			  "not have our networks, or another PFS group, and not say so");
		return DONE;
	}
	/* A packet on it is as good as the third message. Without either, the peer may have
	 * it, for its third may be lost, or never have heard our answer: so it stays until
	 * there is a newer one, and is sent on when nothing else is there. It was no
	 * recording: message IDs are used once. */
	if (!c || !c->held)
		return DONE;
	log_info(sa->peer->conf.name, "the peer did not finish its Quick mode, as far as this "
		 "side heard");
	for (const struct child *o = c->peer->children; o; o = o->next) {
		if (o == c || o->slot != c->slot || o->state != CH_LIVE || !child_supersedes(o, c))
			continue;
		if (o->id < c->id)
			return DONE;
		child_remove(c, 0);
		return DONE;
	}
	child_activate(c);
	return DONE;
}

QUICK_ACTION(quick_refused)
{
	struct child *c = engine_child(q->sa->e, q->child_id);
	const char *why = in->notify == V1_NO_PROPOSAL_CHOSEN ?
		"it accepts none of our ESP proposals, or another PFS group" :
		in->notify == V1_INVALID_ID_INFORMATION ?
		"it does not have these networks" : "it says no more";
	struct ike_sa *sa = q->sa;
	struct negotiation *n;
	char what[300];

	if (c && c->held) {
		child_remove(c, 0);
		peer_children_changed(sa->peer, "the peer refuses our answer");
	}
	if (!q->initiator) {
		log_warning(sa->peer->conf.name, "the peer refuses our answer: %s",
			    isakmp_notify_name(in->notify));
		return DONE;
	}
	sides(&q->local, &q->remote, what, sizeof(what));
	n = negotiation_child(sa, q->slot, true, q->old_id, NEG_REFUSED);
	n->notify = in->notify;
	snprintf(n->notify_name, sizeof(n->notify_name), "%s", isakmp_notify_name(in->notify));
	failed(q, "the peer refuses %s%s: %s (%s)",
		  q->old_id ? "to rekey " : "", what, why, isakmp_notify_name(in->notify));
	return DONE;
}

QUICK_ACTION(quick_not_in)
{
	(void)in;
	q->child_id = 0;
	if (!q->initiator)
		quick_refuse(q, 0, V1_NO_PROPOSAL_CHOSEN);
	return DONE;
}

QUICK_ACTION(quick_end)
{
	struct child *c = q->state == QI_ADDING || q->state == QR_ADDING ?
			  engine_child(q->sa->e, q->child_id) : NULL;

	(void)in;
	if (c && c->state == CH_ADDING)
		child_remove(c, 0);
	return DONE;
}

void quick_told(struct ike_sa *sa, uint32_t spi, uint16_t type)
{
	struct quick *of = NULL;

	for (struct quick *q = v1(sa)->quicks; q; q = q->next) {
		if (q->state != QI_SENT && q->state != QR_SENT)
			continue;
		/* The last in the list began first; the SPI says more. */
		of = q;
		if (spi && q->spi == spi)
			break;
	}
	if (of)
		quick_step(of, ON_REFUSED, &(struct v1_in){ .notify = type });
}

/* ---- what came ---- */

static bool hash_fits(const struct quick *q, const struct isakmp_msg *m)
{
	const struct v1_keys *k = v1(q->sa)->keys;
	const struct isakmp_payload_at *h = isakmp_get(m, P_HASH);
	struct slice mine = { q->nonce, V1_NONCE_LEN };
	uint8_t want[PRF_MAX];
	int how;

	/* It must be the first: what it covers is what follows. */
	if (!h || h != &m->p[0])
		return false;
	if (q->state == QR_SENT)
		how = v1_hash_3(k, q->msg_id, blob_slice(&q->peer_nonce), mine, want);
	else
		how = v1_hash_rest(k, q->msg_id, q->initiator ? mine : (struct slice){ 0 },
				   isakmp_after(m, h), want);
	return how == 0 && h->body.len == k->prf_len &&
	       secret_equal(want, h->body.p, k->prf_len);
}

static bool again(struct quick *q, const uint8_t digest[16], const struct v1_in *in)
{
	if (memcmp(digest, q->seen, 16) != 0)
		return false;
	if (q->out.p && q->repeats < REPEATS_MAX &&
	    addr_equal(&q->sa->remote.addr, &in->remote->addr)) {
		q->repeats++;
		q->sa->peer->retransmits++;
		v1_send(q->sa, q->out.p, q->out.len);
	}
	return true;
}

void quick_message(struct ike_sa *sa, struct v1_in *in)
{
	struct quick *q = quick_by_id(sa, in->m->hdr.msg_id);
	uint8_t digest[16], iv[CBC_BLOCK_MAX];
	struct err err = { 0 };
	bool fresh = !q;

	if (sa->state != V1_UP && sa->state != V1_REPLACED) {
		DROPPED(sa, unexpected);
		return;
	}
	v1_digest(in->m->buf, in->m->len, digest);
	if (q && again(q, digest, in))
		return;
	if (fresh) {
		if (quick_count(sa, false) >= QUICKS_MAX || sa->want_delete ||
		    !(q = quick_new(sa, in->m->hdr.msg_id, false))) {
			DROPPED(sa, half_open);
			return;
		}
	}
	memcpy(iv, q->iv, sizeof(iv));
	if (v1_decrypt(sa, in->m, iv) < 0 || isakmp_payloads(in->m, true, &err) < 0 ||
	    !hash_fits(q, in->m)) {
		DROPPED(sa, bad_icv);
		if (fresh)
			quick_free(q);
		return;
	}
	if (fresh && !first_seen(sa, in->m->hdr.msg_id)) {
		DROPPED(sa, bad_id);
		quick_free(q);
		return;
	}
	memcpy(q->iv, iv, sizeof(iv));
	memcpy(q->seen, digest, sizeof(digest));
	sa->last_rx_ms = clock_ms();
	v1(sa)->unheard = false;
	v1_follow(sa, in);
	if (!quick_step(q, X_QUICK, in) && fresh)
		quick_free(q);
	else if (sa->state == V1_UP)
		v1_next(sa);
}
