/* rooms: ike/wire core/crypto core/base */
/* ikev2_payloads: what a peer with the right keys can send: byte 0 is the exchange type, byte 1
 * the type of the first payload, the rest the chain inside of SK. It is sealed as it is, and
 * opened and decoded as if it had come. */
#include "core/base/rng.h"
#include "ike/wire/sk.h"
#include "tests/unit/wire_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct sk *key(bool aead)
{
	static const uint8_t zero[64];
	const struct alg *encr = aead ? alg_get(ALG_ENCR, ENCR_AES_GCM_16, 256)
				      : alg_get(ALG_ENCR, ENCR_AES_CBC, 128);
	const struct alg *integ = aead ? NULL : alg_get(ALG_INTEG, INTEG_HMAC_SHA1_96, 0);
	struct slice k = { zero, encr->key_len }, a = { zero, integ ? integ->key_len : 0 };
	struct sk *s = sk_new(encr, k, integ, a, NULL);

	DECODE_CHECK(s);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t buf[IKE_MSG_MAX + 1];
	struct ike_hdr h = { .spi_i = 1, .spi_r = 2 };
	struct build b;
	struct ike_msg m;
	uint8_t *copy;
	struct sk *s;
	size_t out;

	if (len < 2)
		return 0;
	rng_virtual_seed(1);
	s = key(len & 1);
	h.exchange = data[0];
	build_begin(&b, buf, sizeof(buf), &h);
	sk_begin(s, &b);
	wr_patch_u8(&b.w, b.sk_at, data[1]);
	wr_bytes(&b.w, data + 2, len - 2);
	if (sk_end(s, &b, &out, NULL) < 0) {
		DECODE_CHECK(len > 60000);
		sk_free(s);
		return 0;
	}
	copy = malloc(out);
	DECODE_CHECK(copy);
	memcpy(copy, buf, out);
	DECODE_CHECK(ike_msg_parse(copy, out, &m, NULL) == 0);
	DECODE_CHECK(m.sk.p && m.sk_next == data[1]);
	if (sk_open(s, &m, NULL) == 0)
		decode_all(&m);
	else
		DECODE_CHECK(m.error);	/* authentic it is */
	DECODE_CHECK(m.opened && m.n_outer == 0 && m.n <= MSG_PAYLOADS_MAX);
	free(copy);
	sk_free(s);
	return 0;
}
