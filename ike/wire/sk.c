/* sk: where plaintext and wire meet. Layout of the payload (RFC 7296 §3.14):
 *
 *	next, flags, length | IV | inner payloads, padding, pad length | ICV
 *	-- authenticated -->       ------------- encrypted ----------
 */
#include "ike/wire/sk.h"

#include "core/base/rng.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define GENERIC_LEN 4

struct sk {
	struct aead *aead;
	bool counts;		/* AEAD: IVs are counted; CBC: drawn */
	uint64_t iv;
};

struct sk *sk_new(const struct alg *encr, struct slice encr_key, const struct alg *integ,
		  struct slice integ_key, struct err *e)
{
	struct sk *s = calloc(1, sizeof(*s));

	if (!s) {
		err_errno(e, "keys of the IKE SA");
		return NULL;
	}
	s->aead = aead_new(encr, encr_key, integ, integ_key, e);
	if (!s->aead) {
		free(s);
		return NULL;
	}
	s->counts = encr->aead;
	s->iv = rng_u64();
	return s;
}

void sk_free(struct sk *s)
{
	if (!s)
		return;
	aead_free(s->aead);
	free(s);
}

size_t sk_overhead(const struct sk *s)
{
	return GENERIC_LEN + aead_iv_len(s->aead) + aead_block(s->aead) + aead_icv_len(s->aead);
}

void sk_begin(struct sk *s, struct build *b)
{
	struct wr *w = build_payload(b, PAYLOAD_SK);

	/* The generic header stays where it is; its length comes in sk_end(), and its next
	 * payload is the first one inside. */
	b->sk_at = b->open_at;
	b->open_at = 0;
	wr_zero(w, aead_iv_len(s->aead));
}

static void iv_next(struct sk *s, uint8_t *iv)
{
	if (!s->counts) {
		rng_bytes(iv, aead_iv_len(s->aead));
		return;
	}
	s->iv++;
	for (int i = 0; i < 8; i++)
		iv[i] = (uint8_t)(s->iv >> (56 - 8 * i));
}

size_t sk_iv_len(const struct sk *s)
{
	return aead_iv_len(s->aead);
}

size_t sk_icv_len(const struct sk *s)
{
	return aead_icv_len(s->aead);
}

size_t sk_block(const struct sk *s)
{
	return aead_block(s->aead);
}

size_t sk_whole_len(const struct sk *s, const struct build *b)
{
	size_t data_at = b->sk_at + GENERIC_LEN + aead_iv_len(s->aead);
	size_t block = aead_block(s->aead);
	size_t data = (b->w.len - data_at + 1 + block - 1) / block * block;

	return data_at + data + aead_icv_len(s->aead);
}

struct slice sk_inner(const struct sk *s, struct build *b, uint8_t *first)
{
	size_t data_at = b->sk_at + GENERIC_LEN + aead_iv_len(s->aead);

	build_close(b);
	*first = b->w.buf[b->sk_at];
	return (struct slice){ .p = b->w.buf + data_at, .len = b->w.len - data_at };
}

int sk_seal(struct sk *s, struct build *b, size_t iv_at, size_t *len, struct err *e)
{
	size_t data_at = iv_at + aead_iv_len(s->aead);
	size_t block = aead_block(s->aead), pad, data_len;
	struct aead_job j;

	build_close(b);
	if (!wr_ok(&b->w))
		return build_end(b, len, e);
	assert(b->sk_at);
	pad = block - 1 - (b->w.len - data_at) % block;
	wr_zero(&b->w, pad);	/* of any content, §3.14 */
	wr_u8(&b->w, (uint8_t)pad);
	data_len = b->w.len - data_at;
	wr_zero(&b->w, aead_icv_len(s->aead));
	if (b->w.len - b->sk_at > 65535)
		b->w.bad = true;
	wr_patch_u16(&b->w, b->sk_at + 2, (uint16_t)(b->w.len - b->sk_at));
	if (build_end(b, len, e) < 0)
		return -1;
	j = (struct aead_job){
		.aad = b->w.buf,
		.aad_len = iv_at,
		.iv = b->w.buf + iv_at,
		.data = b->w.buf + data_at,
		.len = data_len,
		.icv = b->w.buf + data_at + data_len,
	};
	iv_next(s, j.iv);
	if (aead_seal(s->aead, &j) < 0)
		return err_set(e, "the IKE message could not be encrypted");
	return 0;
}

int sk_end(struct sk *s, struct build *b, size_t *len, struct err *e)
{
	return sk_seal(s, b, b->sk_at + GENERIC_LEN, len, e);
}

int sk_decrypt(struct sk *s, struct ike_msg *m, struct slice *plain, struct err *e)
{
	size_t iv_len = aead_iv_len(s->aead), icv_len = aead_icv_len(s->aead);
	size_t at, len, pad;
	struct aead_job j;

	m->error = 0;
	m->error_len = 0;
	if (!m->sk.p || m->opened)
		return err_set(e, "the message is not encrypted");
	if (m->sk.len < iv_len + icv_len + 1)
		return err_set(e, "the SK payload is too short");
	at = (size_t)(m->sk.p - m->buf);
	len = m->sk.len - iv_len - icv_len;
	if (len % aead_block(s->aead))
		return err_set(e, "the SK payload is not a whole number of blocks");
	j = (struct aead_job){
		.aad = m->buf,
		.aad_len = at,
		.iv = m->buf + at,
		.data = m->buf + at + iv_len,
		.len = len,
		.icv = m->buf + at + iv_len + len,
	};
	if (aead_open(s->aead, &j) < 0)
		return err_set(e, "the integrity check of the SK payload failed");
	m->opened = true;
	pad = j.data[len - 1];
	if (pad + 1 > len) {
		m->error = N_INVALID_SYNTAX;
		return err_set(e, "more padding than the SK payload has bytes");
	}
	*plain = (struct slice){ .p = j.data, .len = len - pad - 1 };
	return 0;
}

int sk_open(struct sk *s, struct ike_msg *m, struct err *e)
{
	struct slice plain;

	if (m->frags) {
		m->error = 0;
		return err_set(e, "a fragment is no message");
	}
	if (sk_decrypt(s, m, &plain, e) < 0)
		return -1;
	return ike_msg_inner(m, m->sk_next, plain, e);
}
