/* rooms: ike/wire core/crypto core/base */
/* ikev2_fragments: fragments (RFC 7383) of a peer that has the keys: any number, total and piece,
 * in any order, and what is split by ourselves put together again. Each step: number, total and
 * first payload's type, a byte each; a length; a piece. What is held stays within bounds, and what
 * is whole is what was sent. */
#include "core/base/rng.h"
#include "ike/wire/skf.h"

#include <stdlib.h>
#include <string.h>

#define HELD_MAX 4000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct slice sl(const void *p, size_t len)
{
	return (struct slice){ .p = p, .len = len };
}

static const struct ike_hdr hdr = { .spi_i = 1, .spi_r = 2, .exchange = 35, .msg_id = 1 };

static size_t seal(struct sk *s, uint8_t number, uint8_t total, uint8_t first,
		   struct slice piece, uint8_t buf[4096])
{
	struct build b;
	struct wr *w;
	size_t at, len;

	build_begin(&b, buf, 4096, &hdr);
	w = build_payload(&b, PAYLOAD_SKF);
	b.sk_at = b.open_at;
	b.open_at = 0;
	wr_patch_u8(w, b.sk_at, first);
	wr_u16(w, number);
	wr_u16(w, total);
	at = w->len;
	wr_zero(w, sk_iv_len(s));
	wr_bytes(w, piece.p, piece.len);
	return sk_seal(s, &b, at, &len, NULL) < 0 ? 0 : len;
}

/* Whatever is split comes back as it was. */
static void there_and_back(struct sk *s, struct slice all, size_t max)
{
	static uint8_t buf[8192], back[2048];
	struct skf *f = skf_new(1, 8000);
	enum skf_got got = SKF_MORE;
	struct slice left, one, in;
	struct ike_msg m;
	struct build b;
	uint8_t *out, first;
	size_t len;

	build_begin(&b, buf, sizeof(buf), &hdr);
	sk_begin(s, &b);
	wr_patch_u8(&b.w, b.sk_at, PAYLOAD_VENDOR);
	wr_bytes(&b.w, all.p, all.len);
	if (skf_end(s, &b, max, &out, &len, NULL) < 0) {
		skf_free(f);
		return;
	}
	left = sl(out, len);
	while ((one = skf_next(&left)).len) {
		if (one.len > max || one.len > sizeof(back))
			abort();
		memcpy(back, one.p, one.len);
		if (ike_msg_parse(back, one.len, &m, NULL) < 0)
			abort();
		if (skf_add(f, s, &m, &got, NULL) < 0 && !m.error)
			abort();
	}
	in = skf_inner(f, &first);
	if (got != SKF_WHOLE || first != PAYLOAD_VENDOR || in.len != all.len ||
	    (all.len && memcmp(in.p, all.p, all.len) != 0))
		abort();
	free(out);
	skf_free(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t key[36];
	static uint8_t buf[4096];
	struct rd r = rd_init(data, len);
	uint8_t how = rd_u8(&r);
	bool cbc = how & 1;
	struct sk *s = sk_new(alg_get(ALG_ENCR, cbc ? ENCR_AES_CBC : ENCR_AES_GCM_16, 256),
			      sl(key, cbc ? 32 : 36),
			      cbc ? alg_get(ALG_INTEG, INTEG_HMAC_SHA2_256_128, 0) : NULL,
			      sl(key, cbc ? 32 : 0), NULL);
	struct skf *f = skf_new(1, HELD_MAX);

	there_and_back(s, sl(data, len > 6000 ? 6000 : len), 60 + how * 5u);
	while (r.left >= 5) {
		uint8_t number = rd_u8(&r), total = rd_u8(&r), first = rd_u8(&r);
		uint16_t n = rd_u16(&r) % 1500;
		struct ike_msg m;
		enum skf_got got;
		size_t made;

		if (n > r.left)
			n = (uint16_t)r.left;
		made = seal(s, number, total, first, sl(rd_bytes(&r, n), n), buf);
		if (!made || ike_msg_parse(buf, made, &m, NULL) < 0)
			continue;
		if (!m.frags)
			abort();
		if (skf_add(f, s, &m, &got, NULL) == 0 && got == SKF_WHOLE) {
			if (!m.opened)
				abort();
			skf_free(f);
			f = skf_new(1, HELD_MAX);
		}
		if (skf_bytes(f) > HELD_MAX)
			abort();
	}
	skf_free(f);
	sk_free(s);
	return 0;
}
