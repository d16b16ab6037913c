/* out: messages out. Phase 1 runs in lockstep, its initiator alone repeats by itself; who
 * answers repeats when the peer's message comes again, and not without end (RFC 2408 §5.1).
 * A Quick mode's answer may be repeated by itself, for there the peer has proven itself.
 * Fragments as Cisco's boxes send them to those who say that they can.
 */
#include "ike/v1/v1.h"

#include "core/base/rng.h"
#include "ike/engine/tap.h"

#include <stdlib.h>
#include <string.h>

/* Milliseconds to wait after the n-th sending; the sum is when we give up. */
static const uint16_t p1_ms[] = { 500, 1000, 2000, 4000, 8000, 14500 };		/* 30 s */
static const uint16_t quick_ms[] = { 500, 1000, 2000, 4000, 8000, 14500 };	/* 30 s */

void v1_digest(const uint8_t *msg, size_t len, uint8_t out[16])
{
	struct slice whole = { msg, len };
	uint8_t h[32];

	hash_sha256(&whole, 1, h);
	memcpy(out, h, 16);
}

/* ---- encryption ---- */

static struct cbc *cipher(const struct ike_sa *sa, struct err *e)
{
	const struct v1_keys *k = v1(sa)->keys;

	if (!k) {
		err_set(e, "no keys yet");
		return NULL;
	}
	return cbc_new(alg_get(ALG_ENCR, k->encr, k->encr_bits),
		       (struct slice){ k->key, k->key_len }, e);
}

int v1_decrypt(struct ike_sa *sa, struct isakmp_msg *m, uint8_t *iv)
{
	struct err e = { 0 };
	struct cbc *c = cipher(sa, &e);
	int how = -1;

	if (c && m->len > ISAKMP_HDR_LEN)
		how = cbc_decrypt(c, iv, m->buf + ISAKMP_HDR_LEN, m->len - ISAKMP_HDR_LEN);
	cbc_free(c);
	if (how == 0 && tap_wanted(sa))
		tap_padded(sa, false, m->buf, m->len);
	return how;
}

/* Pad with zeros, patch the length, encrypt (RFC 2409 Appendix B). */
static int seal(struct ike_sa *sa, struct v1_out *o, uint8_t *iv, size_t *len)
{
	struct err e = { 0 };
	struct cbc *c = cipher(sa, &e);
	size_t block = c ? cbc_block(c) : 1;
	int how = -1;

	while ((o->b.w.len - ISAKMP_HDR_LEN) % block && wr_ok(&o->b.w))
		wr_u8(&o->b.w, 0);
	if (c && isakmp_end(&o->b, len) == 0) {
		if (tap_wanted(sa))
			tap_padded(sa, true, o->buf, *len);
		o->buf[19] |= ISAKMP_ENCRYPTED;
		how = cbc_encrypt(c, iv, o->buf + ISAKMP_HDR_LEN, *len - ISAKMP_HDR_LEN);
	}
	cbc_free(c);
	if (how < 0)
		log_error(sa->peer->conf.name, "a message cannot be encrypted: %s",
			  e.msg[0] ? e.msg : "too long");
	return how;
}

void sealed_begin(struct ike_sa *sa, struct v1_out *o, uint8_t exchange, uint32_t msg_id)
{
	isakmp_begin(&o->b, o->buf, sizeof(o->buf), sa->spi_i, sa->spi_r, exchange, msg_id);
	isakmp_open(&o->b, P_HASH);
	wr_zero(&o->b.w, v1(sa)->keys->prf_len);
	isakmp_close(&o->b);
}

int sealed_end(struct ike_sa *sa, struct v1_out *o, struct slice before, uint8_t *iv,
	       size_t *len)
{
	const struct v1_keys *k = v1(sa)->keys;
	size_t head = ISAKMP_HDR_LEN + 4u + k->prf_len;
	uint32_t id = 0;

	for (int i = 0; i < 4; i++)
		id = id << 8 | o->buf[20 + i];
	if (!wr_ok(&o->b.w) || o->b.w.len < head ||
	    v1_hash_rest(k, id, before, (struct slice){ o->buf + head, o->b.w.len - head },
			 o->buf + ISAKMP_HDR_LEN + 4) < 0) {
		log_error(sa->peer->conf.name, "a message does not fit");
		return -1;
	}
	return seal(sa, o, iv, len);
}

int v1_seal_hash(struct ike_sa *sa, struct v1_out *o, uint32_t msg_id, struct slice h,
		 uint8_t *iv, size_t *len)
{
	isakmp_begin(&o->b, o->buf, sizeof(o->buf), sa->spi_i, sa->spi_r, X_QUICK, msg_id);
	isakmp_add(&o->b, P_HASH, h);
	return seal(sa, o, iv, len);
}

/* ---- the wire ---- */

void v1_follow(struct ike_sa *sa, const struct v1_in *in)
{
	char was[ENDPOINT_TEXT_MAX], is[ENDPOINT_TEXT_MAX];

	if (sa->state != V1_UP || !sa->nat_remote || sa->nat_local || !sa->encap ||
	    in->local->port != sa->local.port || endpoint_equal(&sa->remote, in->remote))
		return;
	log_info(sa->peer->conf.name, "the peer moved from %s to %s",
		 endpoint_str(&sa->remote, was), endpoint_str(in->remote, is));
	sa->remote = *in->remote;
	sa_moved(sa);
}

/* Of an IP packet, what is left for a fragment's data. */
static size_t fragment_data(const struct ike_sa *sa)
{
	size_t packet = sa->peer->conf.fragment_size ? sa->peer->conf.fragment_size : 1280;
	size_t around = (sa->remote.addr.family == AF_INET6 ? 40u : 20u) + 8 + 4 +
			ISAKMP_HDR_LEN + 8;

	return packet > around + 64 ? packet - around : 64;
}

static void send_fragments(struct ike_sa *sa, const uint8_t *msg, size_t len, size_t data)
{
	struct engine *e = sa->e;
	size_t n = (len + data - 1) / data;
	struct v1_out o;

	v1(sa)->fragment_id++;
	for (size_t i = 0; i < n; i++) {
		size_t part = i + 1 < n ? data : len - i * data, total;

		isakmp_begin(&o.b, o.buf, sizeof(o.buf), sa->spi_i, sa->spi_r, msg[18], 0);
		isakmp_open(&o.b, P_FRAGMENT);
		wr_u16(&o.b.w, v1(sa)->fragment_id);
		wr_u8(&o.b.w, (uint8_t)(i + 1));
		wr_u8(&o.b.w, i + 1 == n);
		wr_bytes(&o.b.w, msg + i * data, part);
		isakmp_close(&o.b);
		if (isakmp_end(&o.b, &total) == 0)
			e->env.send(e->env.arg, &sa->local, &sa->remote, o.buf, total);
	}
}

void v1_send(struct ike_sa *sa, const uint8_t *msg, size_t len)
{
	const struct peer_conf *c = &sa->peer->conf;
	size_t data = fragment_data(sa);

	if (v1(sa)->fragments && c->fragmentation != FRAGMENT_NO &&
	    (len > data + ISAKMP_HDR_LEN || (c->fragmentation == FRAGMENT_FORCE && len > data)) &&
	    (len + data - 1) / data <= V1_FRAGMENTS_MAX)
		send_fragments(sa, msg, len, data);
	else
		sa->e->env.send(sa->e->env.arg, &sa->local, &sa->remote, msg, len);
}

void v1_stranger(struct engine *e, const struct v1_in *in, uint16_t type)
{
	const struct isakmp_hdr *h = &in->m->hdr;
	struct isakmp_build b;
	uint8_t buf[128];
	unsigned held;
	size_t len;

	if (!log_limit_pass(&e->stranger_reply, &held))
		return;
	isakmp_begin(&b, buf, sizeof(buf), h->ci, h->cr, X_INFO, rng_u32() | 1);
	isakmp_add_note(&b, ISAKMP_PROTO_ISAKMP, (struct slice){ 0 }, type,
			(struct slice){ 0 });
	if (isakmp_end(&b, &len) == 0)
		e->env.send(e->env.arg, in->local, in->remote, buf, len);
}

/* ---- phase 1 ---- */

static void on_rtx(void *arg)
{
	struct ike_sa *sa = arg;
	struct v1_sa *v = v1(sa);
	struct engine *e = sa->e;

	if (v->sent >= sizeof(p1_ms) / sizeof(p1_ms[0])) {
		v1_step(sa, ON_NO_ANSWER, NULL);
		engine_reap(e);
		return;
	}
	timer_set(e->ts, &sa->rtx, rng_jitter(p1_ms[v->sent++], 10));
	sa->peer->retransmits++;
	v1_send(sa, v->out.p, v->out.len);
}

void v1_out_init(struct ike_sa *sa)
{
	timer_init(&sa->rtx, on_rtx, sa);
}

void p1_send(struct ike_sa *sa, struct v1_out *o, bool sealed, bool wait)
{
	struct v1_sa *v = v1(sa);
	size_t len;
	int how = sealed ? seal(sa, o, v->iv, &len) : isakmp_end(&o->b, &len);

	timer_stop(sa->e->ts, &sa->rtx);
	if (how < 0 || blob_set(&v->out, (struct slice){ o->buf, len }) < 0) {
		log_error(sa->peer->conf.name, "a message of phase 1 cannot be made");
		return;
	}
	v->repeats = 0;
	v->sent = 1;
	if (wait)
		timer_set(sa->e->ts, &sa->rtx, rng_jitter(p1_ms[0], 10));
	v1_send(sa, v->out.p, v->out.len);
}

void p1_answered(struct ike_sa *sa)
{
	timer_stop(sa->e->ts, &sa->rtx);
}

/* Only where the peer's copy came from the address that we talk to: no amplifier. */
void p1_repeat(struct ike_sa *sa, const struct v1_in *in)
{
	struct v1_sa *v = v1(sa);

	if (!v->out.p || v->repeats >= REPEATS_MAX ||
	    !addr_equal(&sa->remote.addr, &in->remote->addr))
		return;
	v->repeats++;
	sa->peer->retransmits++;
	v1_send(sa, v->out.p, v->out.len);
}

/* ---- Quick mode ---- */

void quick_send(struct quick *q, const uint8_t *msg, size_t len, bool wait)
{
	struct ike_sa *sa = q->sa;

	timer_stop(sa->e->ts, &q->timer);
	if (blob_set(&q->out, (struct slice){ msg, len }) < 0) {
		log_error(sa->peer->conf.name, "out of memory");
		return;
	}
	q->repeats = 0;
	q->sent = 1;
	if (wait)
		timer_set(sa->e->ts, &q->timer, rng_jitter(quick_ms[0], 10));
	v1_send(sa, msg, len);
}

/* The timer of a state that waits for the peer: once more, or no more. */
void quick_repeat(struct quick *q)
{
	struct ike_sa *sa = q->sa;

	if (q->sent >= sizeof(quick_ms) / sizeof(quick_ms[0])) {
		quick_step(q, ON_NO_ANSWER, NULL);
		return;
	}
	timer_set(sa->e->ts, &q->timer, rng_jitter(quick_ms[q->sent++], 10));
	sa->peer->retransmits++;
	/* Nobody repeats Aggressive mode's third message: without it the peer drops this. */
	if (v1(sa)->unheard && v1(sa)->out.p)
		v1_send(sa, v1(sa)->out.p, v1(sa)->out.len);
	v1_send(sa, q->out.p, q->out.len);
}

/* ---- fragments in ---- */

void fragments_free(struct fragments *f)
{
	for (unsigned i = 0; f && i < V1_FRAGMENTS_MAX; i++)
		blob_free(&f->part[i]);
	free(f);
}

static bool whole(struct fragments *f, uint8_t *buf, size_t *len)
{
	*len = 0;
	if (!f->last || f->n != f->last)
		return false;
	for (unsigned i = 0; i < f->last; i++) {
		memcpy(buf + *len, f->part[i].p, f->part[i].len);
		*len += f->part[i].len;
	}
	return true;
}

/* One message at a time; a new number takes the place of an unfinished one. Anyone who
 * sees the cookies can spoil that, as anyone could spoil the datagrams. */
bool fragment_take(struct ike_sa *sa, struct slice payload, uint8_t *buf, size_t *len)
{
	struct v1_sa *v = v1(sa);
	struct rd r = rd_slice(payload);
	uint16_t id = rd_u16(&r);
	uint8_t number = rd_u8(&r), last = rd_u8(&r);
	struct slice data = rd_rest(&r);
	struct fragments *f = v->in;
	bool done;

	if (!rd_ok(&r) || !number || number > V1_FRAGMENTS_MAX || !data.len ||
	    sa->peer->conf.fragmentation == FRAGMENT_NO)
		return false;
	if (f && f->id != id) {
		fragments_free(f);
		f = NULL;
	}
	if (!f)
		f = calloc(1, sizeof(*f));
	v->in = f;
	if (!f)
		return false;
	f->id = id;
	if (f->part[number - 1].p || f->bytes + data.len > MSG_CAP ||
	    (f->last && number > f->last) ||
	    blob_set(&f->part[number - 1], data) < 0)
		return false;
	f->n++;
	f->bytes += data.len;
	if (last)
		f->last = number;
	done = whole(f, buf, len);
	if (done || f->n > V1_FRAGMENTS_MAX) {
		fragments_free(f);
		v->in = NULL;
	}
	return done;
}
