/* skf: pieces. What is kept of a fragment is its decrypted piece, so nothing that did not
 * prove authentic ever takes memory. */
#include "ike/wire/skf.h"

#include "core/base/secret.h"

#include <stdlib.h>
#include <string.h>

#define HEAD_LEN 8		/* generic header, number, total */

struct piece {
	uint8_t *p;			/* NULL: missing */
	size_t len;
};

struct skf {
	uint32_t msg_id;
	size_t max, bytes;
	uint16_t total, have;
	uint8_t first;			/* payload type, of fragment 1 */
	struct piece *piece;		/* total of them */
	uint8_t *whole;
};

/* ---- out ---- */

static int fragment(struct sk *s, const struct ike_hdr *h, uint8_t first, uint16_t number,
		    uint16_t total, struct slice piece, uint8_t *buf, size_t cap, size_t *len,
		    struct err *e)
{
	struct build b;
	struct wr *w;
	size_t iv_at;

	build_begin(&b, buf, cap, h);
	w = build_payload(&b, PAYLOAD_SKF);
	b.sk_at = b.open_at;
	b.open_at = 0;
	/* Zero in all but the first, §2.5. */
	wr_patch_u8(w, b.sk_at, number == 1 ? first : PAYLOAD_NONE);
	wr_u16(w, number);
	wr_u16(w, total);
	iv_at = w->len;
	wr_zero(w, sk_iv_len(s));
	wr_bytes(w, piece.p, piece.len);
	return sk_seal(s, &b, iv_at, len, e);
}

int skf_end(struct sk *s, struct build *b, size_t max, uint8_t **out, size_t *len,
	    struct err *e)
{
	size_t around = IKE_HDR_LEN + HEAD_LEN + sk_iv_len(s) + sk_icv_len(s), room, total, cap;
	struct ike_hdr h;
	struct slice in;
	uint8_t first;

	*out = NULL;
	*len = 0;
	in = sk_inner(s, b, &first);
	if (!wr_ok(&b->w) || b->w.len > IKE_MSG_MAX)
		return err_set(e, "the IKE message does not fit in %zu bytes", b->w.cap);
	room = max > around ? (max - around) / sk_block(s) * sk_block(s) : 0;
	if (room < 2)
		return err_set(e, "fragments of %zu bytes hold nothing", max);
	room--;			/* the pad length */
	total = (in.len + room - 1) / room;
	if (!total)
		total = 1;
	if (total > SKF_FRAGMENTS_MAX)
		return err_set(e, "the IKE message makes %zu fragments; at most %d can be",
			       total, SKF_FRAGMENTS_MAX);
	wr_patch_u32(&b->w, 24, (uint32_t)b->w.len);
	if (ike_hdr_parse(b->w.buf, b->w.len, &h, e) < 0)
		return -1;
	cap = total * max;
	*out = malloc(cap);
	if (!*out)
		return err_set(e, "out of memory");
	for (size_t i = 0; i < total; i++) {
		struct slice piece = { in.p + i * room, in.len - i * room };
		size_t n;

		if (piece.len > room)
			piece.len = room;
		if (fragment(s, &h, first, (uint16_t)(i + 1), (uint16_t)total, piece,
			     *out + *len, cap - *len, &n, e) < 0) {
			free(*out);
			*out = NULL;
			return -1;
		}
		*len += n;
	}
	return 0;
}

struct slice skf_next(struct slice *left)
{
	struct rd r = rd_slice(*left);
	struct slice one = { left->p, 0 };

	rd_skip(&r, 24);
	one.len = rd_u32(&r);
	if (!rd_ok(&r) || one.len < IKE_HDR_LEN || one.len > left->len) {
		left->len = 0;
		return (struct slice){ 0 };
	}
	left->p += one.len;
	left->len -= one.len;
	return one;
}

/* ---- in ---- */

struct skf *skf_new(uint32_t msg_id, size_t max)
{
	struct skf *f = calloc(1, sizeof(*f));

	if (f) {
		f->msg_id = msg_id;
		f->max = max;
	}
	return f;
}

static void wipe(uint8_t *p, size_t len)
{
	if (p)
		secret_wipe(p, len);
	free(p);
}

static void forget(struct skf *f)
{
	for (uint16_t i = 0; i < f->total; i++)
		wipe(f->piece[i].p, f->piece[i].len);
	free(f->piece);
	wipe(f->whole, f->bytes);
	f->piece = NULL;
	f->whole = NULL;
	f->total = f->have = 0;
	f->bytes = 0;
}

void skf_free(struct skf *f)
{
	if (!f)
		return;
	forget(f);
	free(f);
}

uint32_t skf_msg_id(const struct skf *f)
{
	return f->msg_id;
}

size_t skf_bytes(const struct skf *f)
{
	return f->bytes;
}

static int begin(struct skf *f, uint16_t total)
{
	forget(f);
	f->piece = calloc(total, sizeof(*f->piece));
	if (!f->piece)
		return -1;
	f->total = total;
	return 0;
}

static int keep(struct skf *f, const struct ike_msg *m, struct slice plain, struct err *e)
{
	uint8_t *copy;

	if (m->frags != f->total && begin(f, m->frags) < 0)
		return err_set(e, "out of memory");
	if (f->bytes + plain.len > f->max)
		return err_set(e, "the fragments hold more than %zu bytes", f->max);
	copy = malloc(plain.len ? plain.len : 1);
	if (!copy)
		return err_set(e, "out of memory");
	if (plain.len)
		memcpy(copy, plain.p, plain.len);
	f->piece[m->frag - 1].p = copy;
	f->piece[m->frag - 1].len = plain.len;
	f->bytes += plain.len;
	f->have++;
	if (m->frag == 1)
		f->first = m->sk_next;
	return 0;
}

static int join(struct skf *f, struct ike_msg *m, struct err *e)
{
	size_t at = 0;

	f->whole = malloc(f->bytes ? f->bytes : 1);
	if (!f->whole) {
		forget(f);
		return err_set(e, "out of memory");
	}
	for (uint16_t i = 0; i < f->total; i++) {
		if (f->piece[i].len)
			memcpy(f->whole + at, f->piece[i].p, f->piece[i].len);
		at += f->piece[i].len;
		wipe(f->piece[i].p, f->piece[i].len);
		f->piece[i] = (struct piece){ 0 };
	}
	/* What stood unencrypted beside a fragment belongs to no message. */
	m->n = m->n_outer = 0;
	m->sk_next = f->first;
	return ike_msg_inner(m, f->first, (struct slice){ f->whole, f->bytes }, e);
}

int skf_add(struct skf *f, struct sk *s, struct ike_msg *m, enum skf_got *got, struct err *e)
{
	struct slice plain;

	m->error = 0;
	m->error_len = 0;
	*got = SKF_AGAIN;
	if (!m->frags || m->frags > SKF_FRAGMENTS_MAX)
		return err_set(e, "%u fragments; at most %d can be", m->frags,
			       SKF_FRAGMENTS_MAX);
	if (f->whole || m->frags < f->total ||
	    (m->frags == f->total && f->piece[m->frag - 1].p))
		return 0;
	if (sk_decrypt(s, m, &plain, e) < 0) {
		/* Broken padding of one fragment: no message, so nothing to be answered. */
		m->error = 0;
		return -1;
	}
	if (keep(f, m, plain, e) < 0)
		return -1;
	*got = SKF_MORE;
	if (f->have < f->total)
		return 0;
	*got = SKF_WHOLE;
	return join(f, m, e);
}

struct slice skf_inner(const struct skf *f, uint8_t *first)
{
	*first = f->first;
	return (struct slice){ f->whole, f->bytes };
}
