/* afalg_help: suites, and batches of random packets that are sealed by one engine and opened by
 * another; for the tests of the afalg engine with a made-up kernel and with a real one. */
#ifndef ADIT_TESTS_AFALG_HELP_H
#define ADIT_TESTS_AFALG_HELP_H

#include "core/base/rng.h"
#include "core/crypto/alg.h"
#include "dataplane/engine/afalg_open.h"
#include "dataplane/engine/engine.h"
#include "tests/unit/t.h"

#define PKT_MAX 9216

static const struct afalg_ids suites[] = {
	{ ENCR_AES_GCM_16, 128, INTEG_NONE, false }, { ENCR_AES_GCM_16, 192, INTEG_NONE, false },
	{ ENCR_AES_GCM_16, 256, INTEG_NONE, false },
	{ ENCR_CHACHA20_POLY1305, 0, INTEG_NONE, false },
	{ ENCR_AES_CBC, 128, INTEG_HMAC_SHA1_96, false },
	{ ENCR_AES_CBC, 128, INTEG_HMAC_MD5_96, false },
	{ ENCR_AES_CBC, 192, INTEG_HMAC_SHA2_256_128, false },
	{ ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_256_128, false },
	{ ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_384_192, false },
	{ ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_512_256, false },
	{ ENCR_AES_CTR, 128, INTEG_HMAC_SHA1_96, false },
	{ ENCR_AES_CTR, 192, INTEG_HMAC_SHA2_256_128, false },
	{ ENCR_AES_CTR, 256, INTEG_HMAC_SHA2_512_256, false },
	{ ENCR_CAMELLIA_CBC, 128, INTEG_HMAC_SHA2_256_128, false },
	{ ENCR_CAMELLIA_CBC, 192, INTEG_HMAC_SHA1_96, false },
	{ ENCR_CAMELLIA_CBC, 256, INTEG_HMAC_SHA2_384_192, false },
	{ ENCR_3DES, 0, INTEG_HMAC_SHA1_96, false },
	{ ENCR_DES, 0, INTEG_HMAC_MD5_96, false },
	{ ENCR_BLOWFISH, 128, INTEG_HMAC_SHA1_96, false },
	{ ENCR_BLOWFISH, 448, INTEG_HMAC_SHA2_256_128, false },
};
#define N_SUITES (sizeof(suites) / sizeof(suites[0]))

static inline const struct alg *encr_of(const struct afalg_ids *ids)
{
	const struct alg *a = alg_get(ALG_ENCR, ids->encr, ids->encr_bits);

	return a && alg_built(a) ? a : NULL;
}

static inline const char *suite_name(const struct afalg_ids *ids)
{
	static char buf[128];
	const struct alg *i = alg_get(ALG_INTEG, ids->integ, 0);

	snprintf(buf, sizeof(buf), "%s%s%s%s", alg_get(ALG_ENCR, ids->encr, ids->encr_bits)->label,
		 i ? " + " : "", i ? i->label : "", ids->esn ? ", ESN" : "");
	return buf;
}

/* Random keys for a suite; they stay until the next call. */
static inline struct engine_suite keys_for(const struct afalg_ids *ids)
{
	static uint8_t encr[64], integ[64];
	const struct alg *a = alg_get(ALG_ENCR, ids->encr, ids->encr_bits);
	const struct alg *i = alg_get(ALG_INTEG, ids->integ, 0);

	rng_bytes(encr, sizeof(encr));
	rng_bytes(integ, sizeof(integ));
	return (struct engine_suite){
		.encr = ids->encr, .encr_bits = ids->encr_bits, .integ = ids->integ,
		.esn = ids->esn,
		.encr_key = { encr, a->key_len },
		.integ_key = { integ, i ? i->key_len : 0 },
	};
}

/* A batch: plain as it was made, pkt as the engine has it. */
struct bunch {
	size_t n;
	struct engine_sizes sizes;
	bool counts;			/* its IVs count, so that any engine makes the same */
	struct engine_op op[ENGINE_BATCH];
	uint8_t pkt[ENGINE_BATCH][PKT_MAX], plain[ENGINE_BATCH][PKT_MAX];
};

static uint64_t next_seq = 0xfffffff0;	/* its high half changes on the way */

static inline size_t packet_len(const struct bunch *b, size_t i)
{
	return ENGINE_ESP_HEADER + b->sizes.iv_len + b->op[i].data_len + b->sizes.icv_len;
}

/* n packets of up to max bytes of data for key. */
static inline void bunch_make(struct bunch *b, const struct afalg_ids *ids,
			      struct engine_key *key, size_t n, size_t max)
{
	struct err e = { 0 };

	b->n = n;
	b->counts = ids->integ == INTEG_NONE || ids->encr == ENCR_AES_CTR;
	CHECK(engine_sizes(ids->encr, ids->encr_bits, ids->integ, &b->sizes, &e) == 0);
	for (size_t i = 0; i < n; i++) {
		uint64_t seq = next_seq++;
		uint8_t *p = b->plain[i];
		size_t len = 1 + rng_below((uint32_t)(max / b->sizes.block));

		rng_bytes(p, PKT_MAX);
		memcpy(p, "\x12\x34\x56\x78", 4);
		for (int j = 0; j < 4; j++)
			p[4 + j] = (uint8_t)(seq >> (24 - 8 * j));
		memcpy(b->pkt[i], p, PKT_MAX);
		b->op[i] = (struct engine_op){
			.key = key, .esp = b->pkt[i], .data_len = len * b->sizes.block, .seq = seq,
		};
	}
}

static inline void bunch_key(struct bunch *b, struct engine_key *key)
{
	for (size_t i = 0; i < b->n; i++)
		b->op[i].key = key;
}

/* All are sealed: by the reference they open to what they were, and where IVs count the
 * reference makes the same bytes. Nothing behind a packet was touched. */
static inline void bunch_check_sealed(struct bunch *b, struct engine_key *ref)
{
	static struct bunch c, again;
	size_t at = ENGINE_ESP_HEADER + b->sizes.iv_len;

	c = *b;
	again = *b;
	for (size_t i = 0; i < c.n; i++) {
		CHECK(b->op[i].ok);
		c.op[i].esp = c.pkt[i];
		c.op[i].key = ref;
		again.op[i].esp = again.pkt[i];
		again.op[i].key = ref;
		memcpy(again.pkt[i], b->plain[i], PKT_MAX);
		CHECK_MEM(b->pkt[i] + packet_len(b, i), b->plain[i] + packet_len(b, i),
			  PKT_MAX - packet_len(b, i));
	}
	engine_mbedtls.open(c.op, c.n);
	engine_mbedtls.seal(again.op, again.n);
	for (size_t i = 0; i < c.n; i++) {
		CHECK(c.op[i].ok);
		CHECK_MEM(c.pkt[i] + at, b->plain[i] + at, b->op[i].data_len);
		if (b->counts)
			CHECK_MEM(again.pkt[i], b->pkt[i], packet_len(b, i));
	}
}

/* Seal by the reference, so that the engine under test has something to open. */
static inline void bunch_seal_by(struct bunch *b, struct engine_key *ref, struct engine_key *key)
{
	bunch_key(b, ref);
	engine_mbedtls.seal(b->op, b->n);
	for (size_t i = 0; i < b->n; i++)
		CHECK(b->op[i].ok);
	bunch_key(b, key);
}

static inline void bunch_check_opened(const struct bunch *b)
{
	size_t at = ENGINE_ESP_HEADER + b->sizes.iv_len;

	for (size_t i = 0; i < b->n; i++) {
		CHECK(b->op[i].ok);
		CHECK_MEM(b->pkt[i] + at, b->plain[i] + at, b->op[i].data_len);
		CHECK_MEM(b->pkt[i] + packet_len(b, i), b->plain[i] + packet_len(b, i),
			  PKT_MAX - packet_len(b, i));
	}
}

static inline uint64_t fallbacks(const struct engine_key *k)
{
	struct engine_info i;

	engine_afalg.info(k, &i);
	return i.fallbacks;
}

#endif
