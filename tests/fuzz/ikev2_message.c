/* rooms: ike/wire core/crypto core/base */
/* ikev2_message: a raw datagram, as it comes from a stranger: header, chain, every decoder, an
 * attempt to open its SK payload with keys it cannot have. */
#include "ike/wire/sk.h"
#include "tests/unit/wire_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct sk *key(const struct alg *encr, const struct alg *integ)
{
	static const uint8_t zero[64];
	struct slice k = { zero, encr->key_len }, a = { zero, integ ? integ->key_len : 0 };
	struct sk *s = sk_new(encr, k, integ, a, NULL);

	DECODE_CHECK(s);
	return s;
}

/* A copy for each key, for a failed attempt may spoil the bytes. */
static void open_with(const struct ike_msg *m)
{
	struct sk *keys[2] = {
		key(alg_get(ALG_ENCR, ENCR_AES_GCM_16, 256), NULL),
		key(alg_get(ALG_ENCR, ENCR_AES_CBC, 128),
		    alg_get(ALG_INTEG, INTEG_HMAC_SHA1_96, 0)),
	};

	for (int i = 0; i < 2; i++) {
		uint8_t *copy = malloc(m->len);
		struct ike_msg mine;

		DECODE_CHECK(copy);
		memcpy(copy, m->buf, m->len);
		DECODE_CHECK(ike_msg_parse(copy, m->len, &mine, NULL) == 0);
		if (sk_open(keys[i], &mine, NULL) == 0)
			decode_all(&mine);
		free(copy);
		sk_free(keys[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct ike_msg m;
	uint8_t *copy;
	int rc;

	copy = malloc(len ? len : 1);
	DECODE_CHECK(copy);
	memcpy(copy, data, len);
	rc = ike_msg_parse(copy, len, &m, NULL);
	DECODE_CHECK(m.n <= MSG_PAYLOADS_MAX);
	if (rc == 0) {
		DECODE_CHECK(m.hdr.len == len && m.n_outer == m.n && !m.error);
		decode_all(&m);
		if (m.sk.p)
			open_with(&m);
	} else if (m.error) {
		DECODE_CHECK(m.hdr.spi_i && m.hdr.len == len);
		ike_msg_str(&m, (char[200]){ 0 }, 200);
	}
	free(copy);
	return 0;
}
