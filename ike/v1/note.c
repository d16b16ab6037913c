/* note: Informational exchanges (RFC 2409 §5.7, RFC 2408 §5.15, RFC 3706): notifies and
 * Deletes under hash, sent once, never answered, so never repeated but by asking again. */
#include "ike/v1/v1.h"

#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/base/secret.h"

#include <string.h>

/* ---- out ---- */

/* A message ID that no exchange has, and the IV that goes with it. -1: no keys. */
static int begin(struct ike_sa *sa, struct v1_out *o, uint8_t *iv)
{
	struct v1_sa *v = v1(sa);
	uint32_t id;

	if (!v->keys)
		return -1;
	do
		id = rng_u32();
	while (!id || quick_by_id(sa, id));
	/* Thrown back, it would look like the peer's: both sides have the same keys. */
	v->info_seen[v->info_at++ % SEEN_MAX] = id;
	sealed_begin(sa, o, X_INFO, id);
	return v1_iv_next(v->keys, v->iv, alg_get(ALG_ENCR, sa->ike.encr,
						  sa->ike.encr_bits)->block, id, iv);
}

static void end(struct ike_sa *sa, struct v1_out *o, uint8_t *iv)
{
	size_t len;

	if (sealed_end(sa, o, (struct slice){ 0 }, iv, &len) == 0)
		v1_send(sa, o->buf, len);
}

void note_send(struct ike_sa *sa, uint8_t protocol, struct slice spi, uint16_t type,
	       struct slice data)
{
	uint8_t iv[CBC_BLOCK_MAX];
	struct v1_out o;

	if (begin(sa, &o, iv) < 0)
		return;
	isakmp_add_note(&o.b, protocol, spi, type, data);
	end(sa, &o, iv);
}

static struct slice cookies(const struct ike_sa *sa, uint8_t buf[16])
{
	struct wr w = wr_init(buf, 16);

	wr_u64(&w, sa->spi_i);
	wr_u64(&w, sa->spi_r);
	return (struct slice){ buf, 16 };
}

void note_initial_contact(struct ike_sa *sa)
{
	uint8_t spi[16];

	note_send(sa, ISAKMP_PROTO_ISAKMP, cookies(sa, spi), V1_INITIAL_CONTACT,
		  (struct slice){ 0 });
}

static void add_delete(struct isakmp_build *b, uint8_t protocol, uint8_t spi_len, uint16_t n)
{
	isakmp_open(b, P_DELETE);
	wr_u32(&b->w, ISAKMP_DOI_IPSEC);
	wr_u8(&b->w, protocol);
	wr_u8(&b->w, spi_len);
	wr_u16(&b->w, n);
}

void note_delete_ike(struct ike_sa *sa)
{
	uint8_t iv[CBC_BLOCK_MAX], spi[16];
	struct v1_out o;

	if (begin(sa, &o, iv) < 0)
		return;
	add_delete(&o.b, ISAKMP_PROTO_ISAKMP, 16, 1);
	wr_bytes(&o.b.w, cookies(sa, spi).p, 16);
	isakmp_close(&o.b);
	end(sa, &o, iv);
}

/* IKEv1's protocols have IKEv2's numbers. */
static void add_spis(const struct ike_sa *sa, struct isakmp_build *b, bool all,
		     uint8_t protocol)
{
	uint16_t n = 0;

	for (const struct child *c = sa->peer->children; c; c = c->next)
		n += c->sa == sa && (all || c->del_want) && c->esp.protocol == protocol;
	if (!n)
		return;
	add_delete(b, protocol, 4, n);
	for (const struct child *c = sa->peer->children; c; c = c->next)
		if (c->sa == sa && (all || c->del_want) && c->esp.protocol == protocol)
			wr_u32(&b->w, c->spi_in);
	isakmp_close(b);
}

void note_delete_children(struct ike_sa *sa, bool all)
{
	uint8_t iv[CBC_BLOCK_MAX];
	struct child *c, *next;
	struct v1_out o;
	bool any = false;

	for (c = sa->peer->children; c; c = c->next)
		any |= c->sa == sa && (all || c->del_want);
	if (!any)
		return;
	if (begin(sa, &o, iv) == 0) {
		add_spis(sa, &o.b, all, PROTO_ESP);
		add_spis(sa, &o.b, all, PROTO_AH);
		end(sa, &o, iv);
	}
	for (c = sa->peer->children; c; c = next) {
		next = c->next;
		if (c->sa == sa && (all || c->del_want))
			child_remove(c, all ? 0 : ENGINE_LINGER_MS);
	}
	if (!all)
		peer_children_changed(sa->peer, "deleted");
}

static void dpd(struct ike_sa *sa, uint16_t type, uint32_t seq)
{
	uint8_t data[4], spi[16];
	struct wr w = wr_init(data, sizeof(data));

	wr_u32(&w, seq);
	note_send(sa, ISAKMP_PROTO_ISAKMP, cookies(sa, spi), type,
		  (struct slice){ data, sizeof(data) });
}

/* RFC 3706 §5.4: the number begins at random and is the same again when it is repeated. */
void note_are_you_there(struct ike_sa *sa)
{
	struct v1_sa *v = v1(sa);

	if (!v->dpd_seq)
		v->dpd_seq = rng_u32() >> 1;
	if (!v->dpd_sent)
		v->dpd_seq++;
	else
		sa->peer->retransmits++;
	v->dpd_sent++;
	dpd(sa, V1_R_U_THERE, v->dpd_seq);
}

/* ---- in ---- */

static void are_you_there(struct ike_sa *sa, const struct isakmp_note *n)
{
	struct v1_sa *v = v1(sa);
	struct rd r = rd_slice(n->data);
	uint32_t seq = rd_u32(&r);

	/* RFC 3706 §7: an older number is a recording. */
	if (!rd_done(&r) || (v->dpd_peer_seq && (int32_t)(seq - v->dpd_peer_seq) < 0)) {
		DROPPED(sa, unexpected);
		return;
	}
	v->dpd_peer_seq = seq;
	dpd(sa, V1_R_U_THERE_ACK, seq);
}

static void i_am_here(struct ike_sa *sa, const struct isakmp_note *n)
{
	struct v1_sa *v = v1(sa);
	struct rd r = rd_slice(n->data);

	if (rd_u32(&r) == v->dpd_seq && rd_done(&r))
		v->dpd_sent = 0;
	else
		DROPPED(sa, unexpected);
}

/* Who says so knows nothing of what was before. */
static void initial_contact(struct ike_sa *sa)
{
	struct peer *p = sa->peer;
	struct child *c, *next;

	for (struct ike_sa *o = p->sas, *after; o; o = after) {
		after = o->peer_next;
		if (o == sa || !sa_is_up(o))
			continue;
		o->kill_silent = true;
		o->kill_at = clock_ms();
		sa_next(o);
		after = p->sas;
	}
	for (c = p->children; c; c = next) {
		next = c->next;
		if (c->created_ms < sa->established_ms)
			child_remove(c, 0);
	}
	peer_children_changed(p, "the peer began anew");
}

static void notify(struct ike_sa *sa, const struct isakmp_note *n)
{
	struct rd r = rd_slice(n->spi);
	uint32_t spi = n->spi.len == 4 ? rd_u32(&r) : 0;

	switch (n->type) {
	case V1_R_U_THERE:
		are_you_there(sa, n);
		return;
	case V1_R_U_THERE_ACK:
		i_am_here(sa, n);
		return;
	case V1_INITIAL_CONTACT:
		if (sa->state == V1_UP && !v1(sa)->contact_seen)
			initial_contact(sa);
		v1(sa)->contact_seen = true;
		return;
	}
	if (n->type >= V1_STATUS)
		return;		/* CONNECTED, REPLAY_STATUS …: nothing to be done */
	log_debug(sa->peer->conf.name, "the peer says %s", isakmp_notify_name(n->type));
	if (sa->state == V1_UP || sa->state == V1_REPLACED)
		quick_told(sa, spi, n->type);
	else
		p1_told(sa, n->type);
}

static void delete_children(struct ike_sa *sa, struct isakmp_delete *d)
{
	bool some = false;

	for (uint16_t i = 0; i < d->n; i++) {
		struct child *c = child_by_out(sa->peer, d->protocol, rd_u32(&d->spis));

		if (!c)
			continue;
		some = true;
		child_remove(c, ENGINE_LINGER_MS);
	}
	if (!some)
		return;
	/* The old ones are gone, so the peer has the new ones: send on them. */
	for (struct child *c = sa->peer->children; c; c = c->next)
		if (c->state == CH_LIVE)
			child_activate(c);
	peer_children_changed(sa->peer, "the peer deleted the child");
}

/* Another ISAKMP SA of the same peer may be ended by this one. */
static void delete_isakmp(struct ike_sa *sa, struct isakmp_delete *d)
{
	for (uint16_t i = 0; i < d->n; i++) {
		uint64_t ci = rd_u64(&d->spis), cr = rd_u64(&d->spis);

		for (struct ike_sa *o = sa->peer->sas, *next; o; o = next) {
			next = o->peer_next;
			if (o->ops != &v1_ops || o->spi_i != ci || o->spi_r != cr)
				continue;
			if (!o->why)
				sa_why(o, false, "the peer ended it");
			sa_drop(o);
			break;
		}
		if (sa->state == V1_DEAD)
			return;
	}
}

/* Children are no business of who has not proven himself. */
static void delete_payload(struct ike_sa *sa, const struct isakmp_payload_at *p)
{
	struct isakmp_delete d;
	struct err err = { 0 };

	if (isakmp_delete(p->body, &d, &err) < 0)
		DROPPED(sa, malformed);
	else if (d.protocol == ISAKMP_PROTO_ISAKMP && d.spi_len == 16)
		delete_isakmp(sa, &d);
	else if ((d.protocol == ISAKMP_PROTO_ESP || d.protocol == ISAKMP_PROTO_AH) &&
		 d.spi_len == 4 && sa->established_ms)
		delete_children(sa, &d);
	else
		DROPPED(sa, unexpected);
}

/* HASH(1) over what follows; false: not the peer's. */
static bool opened(struct ike_sa *sa, struct v1_in *in)
{
	struct v1_sa *v = v1(sa);
	uint32_t id = in->m->hdr.msg_id;
	const struct isakmp_payload_at *h;
	uint8_t iv[CBC_BLOCK_MAX], want[PRF_MAX];
	struct err err = { 0 };

	if (!id || v1_iv_next(v->keys, v->iv, alg_get(ALG_ENCR, sa->ike.encr,
			      sa->ike.encr_bits)->block, id, iv) < 0 ||
	    v1_decrypt(sa, in->m, iv) < 0 || isakmp_payloads(in->m, true, &err) < 0)
		return false;
	h = isakmp_get(in->m, P_HASH);
	return h && h == &in->m->p[0] &&
	       v1_hash_rest(v->keys, id, (struct slice){ 0 }, isakmp_after(in->m, h),
			    want) == 0 &&
	       h->body.len == v->keys->prf_len &&
	       secret_equal(want, h->body.p, v->keys->prf_len);
}

/* A message ID is used once (RFC 2408 §3.1): again it is a copy. */
static bool seen(struct v1_sa *v, uint32_t id)
{
	for (int i = 0; i < SEEN_MAX; i++)
		if (v->info_seen[i] == id)
			return true;
	v->info_seen[v->info_at++ % SEEN_MAX] = id;
	return false;
}

void note_message(struct ike_sa *sa, struct v1_in *in)
{
	static const struct v1_rule rules[] = {
		{ P_HASH, 1, 1 }, { P_NOTIFY, 0, 16 }, { P_DELETE, 0, 16 }, { 0 }
	};
	const struct isakmp_payload_at *p = NULL;
	struct isakmp_note n;

	if (!opened(sa, in)) {
		DROPPED(sa, bad_icv);
		v1_step(sa, ON_GARBLED, in);
		return;
	}
	if (v1_broken(rules, in->m)) {
		DROPPED(sa, malformed);
		return;
	}
	if (seen(v1(sa), in->m->hdr.msg_id))
		return;
	if (sa->established_ms) {
		sa->last_rx_ms = clock_ms();
		v1(sa)->unheard = false;
		v1_follow(sa, in);
	}
	while ((p = isakmp_next(in->m, P_NOTIFY, p)) && sa->state != V1_DEAD)
		if (isakmp_note(p->body, &n, NULL) == 0)
			notify(sa, &n);
	while ((p = isakmp_next(in->m, P_DELETE, p)) && sa->state != V1_DEAD)
		delete_payload(sa, p);
	if (sa->state == V1_UP)
		v1_next(sa);
}
