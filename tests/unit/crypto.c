/* rooms: core/crypto core/base */
/* crypto: algorithm words, suites, PRFs, key exchange, seal and open. */
#include "core/crypto/crypto.h"
#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/crypto/cbc.h"
#include "core/crypto/ke_pool.h"
#include "core/crypto/modp.h"
#include "tests/unit/t.h"

#include <mbedtls/dhm.h>

static const char *roundtrip(enum suite_use use, const char *text)
{
	static char buf[300];
	struct suite_list l;
	struct err e = { 0 };

	if (suite_parse(use, text, &l, &e) < 0) {
		snprintf(buf, sizeof(buf), "%s", e.msg);
		return buf;
	}
	return suite_list_str(use, &l, buf, sizeof(buf));
}

static void suites_ike(void)
{
	CHECK_STR(roundtrip(SUITE_IKE, "aes256-sha256-modp2048"), "aes256-sha256-modp2048");
	CHECK_STR(roundtrip(SUITE_IKE, "aes256gcm16-sha384-ecp384"), "aes256gcm16-sha384-ecp384");
	CHECK_STR(roundtrip(SUITE_IKE, "AES256GCM-prfsha384-DH20"), "aes256gcm16-sha384-ecp384");
	CHECK_STR(roundtrip(SUITE_IKE, "aes256-aes128-sha256-sha512-ecp256-x25519"),
		  "aes256-aes128-sha256-sha512-ecp256-x25519");
	CHECK_STR(roundtrip(SUITE_IKE, "aes256-sha256-prfsha512-modp2048, aes128-sha1-modp1024"),
		  "aes256-sha256-prfsha512-modp2048,aes128-sha1-modp1024");
	CHECK_HAS(roundtrip(SUITE_IKE, "aes256-modp2048"), "without a hash");
	CHECK_HAS(roundtrip(SUITE_IKE, "aes256gcm16-modp2048"), "PRF");
	CHECK_HAS(roundtrip(SUITE_IKE, "aes256-sha256"), "no group");
	CHECK_HAS(roundtrip(SUITE_IKE, "aes256-aes256gcm16-sha256-modp2048"), "mixes");
	CHECK_HAS(roundtrip(SUITE_IKE, "aes265-sha256-modp2048"), "aes256?");
	CHECK_HAS(roundtrip(SUITE_IKE, "aes256-sha256-modp2084"), "modp2048?");
	CHECK_HAS(roundtrip(SUITE_IKE, ""), "missing");
	CHECK_HAS(roundtrip(SUITE_IKE, "aes256--sha256"), "not an IKE proposal");
	CHECK_HAS(roundtrip(SUITE_IKE, "aes256-"), "dash");
}

static void suites_esp(void)
{
	CHECK_STR(roundtrip(SUITE_ESP, "aes256gcm16-ecp384"), "aes256gcm16-ecp384");
	CHECK_STR(roundtrip(SUITE_ESP, "aes256gcm16"), "aes256gcm16");
	CHECK_STR(roundtrip(SUITE_ESP, "aes128-sha2_256"), "aes128-sha256");
	CHECK_STR(roundtrip(SUITE_ESP, "chacha20poly1305-curve25519"), "chacha20poly1305-x25519");
	CHECK_HAS(roundtrip(SUITE_ESP, "aes256"), "CBC encryption without a hash");
	CHECK_STR(roundtrip(SUITE_ESP, "aes128ctr-sha256-ecp384"), "aes128ctr-sha256-ecp384");
	CHECK_STR(roundtrip(SUITE_ESP, "AES_CTR_256-sha1"), "aes256ctr-sha1");
	CHECK_STR(roundtrip(SUITE_ESP, "null-sha256"), "null-sha256");
	CHECK_HAS(roundtrip(SUITE_ESP, "aes256ctr"), "CTR encryption without a hash");
	CHECK_HAS(roundtrip(SUITE_ESP, "null"), "NULL encryption without a hash");
	CHECK_HAS(roundtrip(SUITE_ESP, "null-aes256gcm16"), "needs a hash");
	CHECK_HAS(roundtrip(SUITE_IKE, "aes256ctr-sha256-ecp384"), "for ESP alone");
	CHECK_HAS(roundtrip(SUITE_IKE, "null-sha256-ecp384"), "for ESP alone");
	CHECK_HAS(roundtrip(SUITE_ESP, "aes256gcm16-sha256"), "leave the hash out");
	CHECK_HAS(roundtrip(SUITE_ESP, "aes256-prfsha256"), "no PRF");
}

static void weak(void)
{
	struct suite_list l;
	char buf[64];
	unsigned w;

	CHECK(suite_parse(SUITE_IKE, "3des-md5-sha1-modp1024", &l, NULL) == 0);
	CHECK_INT(suite_weak(&l), WEAK_3DES | WEAK_MD5 | WEAK_SHA1 | WEAK_MODP1024);
	CHECK_STR(weak_str(suite_weak(&l), buf, sizeof(buf)), "3des,md5,sha1,modp1024");
	CHECK(weak_parse("3des, sha1", &w, NULL) == 0);
	CHECK_INT(w, WEAK_3DES | WEAK_SHA1);
	CHECK(weak_parse("rot13", &w, NULL) == -1);
	CHECK(suite_parse(SUITE_IKE, "aes256-sha256-modp2048", &l, NULL) == 0);
	CHECK_INT(suite_weak(&l), 0);
	CHECK(suite_parse(SUITE_ESP, "des-camellia256-sha256", &l, NULL) == 0);
	CHECK_INT(suite_weak(&l), WEAK_DES | WEAK_CAMELLIA);
	CHECK_STR(roundtrip(SUITE_ESP, "camellia-des_cbc-sha1"), "camellia128-des-sha1");
	if (alg_built(alg_by_name(ALG_ENCR, "blowfish"))) {
		CHECK(suite_parse(SUITE_IKE, "blowfish-md5-modp768", &l, NULL) == 0);
		CHECK_INT(suite_weak(&l), WEAK_BLOWFISH | WEAK_MD5 | WEAK_MODP768);
		CHECK_STR(roundtrip(SUITE_ESP, "blowfish448-sha1"), "blowfish448-sha1");
	} else {
		CHECK_HAS(roundtrip(SUITE_ESP, "blowfish-sha1"), "has no Blowfish-128-CBC");
	}
	CHECK(weak_parse("des blowfish,camellia aggressive null", &w, NULL) == 0);
	CHECK_INT(w, WEAK_DES | WEAK_BLOWFISH | WEAK_CAMELLIA | WEAK_AGGRESSIVE | WEAK_NULL);
	CHECK(suite_parse(SUITE_ESP, "null-sha256", &l, NULL) == 0);
	CHECK_INT(suite_weak(&l), WEAK_NULL);
}

/* RFC 4231 §4.3: test case 2. */
static void prf_sha256(void)
{
	static const uint8_t want[] = {
		0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95,
		0x75, 0xc7, 0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9,
		0x64, 0xec, 0x38, 0x43 };
	struct slice key = { (const uint8_t *)"Jefe", 4 };
	struct slice parts[] = { { (const uint8_t *)"what do ya want ", 16 },
				 { (const uint8_t *)"for nothing?", 12 } };
	uint8_t out[PRF_MAX];

	CHECK(prf(PRF_HMAC_SHA2_256, key, parts, 2, out) == 0);
	CHECK_MEM(out, want, 32);
	CHECK(prf(99, key, parts, 2, out) == -1);
}

/* prf+ by its definition, RFC 7296 §2.13. */
static void prf_plus_chains(void)
{
	struct slice key = { (const uint8_t *)"0123456789abcdef", 16 };
	struct slice seed[] = { { (const uint8_t *)"Ni", 2 }, { (const uint8_t *)"Nr", 2 } };
	uint8_t out[70], t1[32], t2[32];
	struct slice p1[] = { { (const uint8_t *)"NiNr\1", 5 } };
	struct slice p2[] = { { t1, 32 }, { (const uint8_t *)"NiNr\2", 5 } };

	CHECK(prf_plus(PRF_HMAC_SHA2_256, key, seed, 2, out, sizeof(out)) == 0);
	CHECK(prf(PRF_HMAC_SHA2_256, key, p1, 1, t1) == 0);
	CHECK(prf(PRF_HMAC_SHA2_256, key, p2, 2, t2) == 0);
	CHECK_MEM(out, t1, 32);
	CHECK_MEM(out + 32, t2, 32);
	CHECK(prf_plus(PRF_HMAC_SHA2_256, key, seed, 2, out, 255 * 32 + 1) == -1);
}

static void modp_primes(void)
{
	static const uint8_t p2048[] = MBEDTLS_DHM_RFC3526_MODP_2048_P_BIN;
	static const uint8_t p4096[] = MBEDTLS_DHM_RFC3526_MODP_4096_P_BIN;
	static const uint16_t ids[] = { KE_MODP_768, KE_MODP_1024, KE_MODP_1536, KE_MODP_3072 };
	uint8_t got[512];
	mbedtls_mpi p;
	size_t bits;

	mbedtls_mpi_init(&p);
	CHECK(modp_prime(KE_MODP_2048, &p, &bits) == 0);
	CHECK(mbedtls_mpi_write_binary(&p, got, 256) == 0);
	CHECK_MEM(got, p2048, 256);
	CHECK(modp_prime(KE_MODP_4096, &p, &bits) == 0);
	CHECK(mbedtls_mpi_write_binary(&p, got, 512) == 0);
	CHECK_MEM(got, p4096, 512);
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		CHECK(modp_prime(ids[i], &p, &bits) == 0);
		CHECK_INT(mbedtls_mpi_bitlen(&p), alg_get(ALG_KE, ids[i], 0)->pub_len * 8);
	}
	CHECK(modp_prime(99, &p, &bits) != 0);
	mbedtls_mpi_free(&p);
}

static void ke_agrees(void)
{
	size_t n;
	const struct alg *all = alg_table(&n);

	for (size_t i = 0; i < n; i++) {
		uint8_t s1[KE_SHARED_MAX], s2[KE_SHARED_MAX], bad[KE_PUBLIC_MAX] = { 0 };
		size_t l1, l2;
		struct ke *a, *b;
		struct err e = { 0 };

		if (all[i].type != ALG_KE)
			continue;
		a = ke_new(all[i].id, &e);
		b = ke_new(all[i].id, &e);
		CHECK(a && b);
		CHECK_INT(ke_public(a).len, all[i].pub_len);
		CHECK(ke_shared(a, ke_public(b), s1, &l1, &e) == 0);
		CHECK(ke_shared(b, ke_public(a), s2, &l2, &e) == 0);
		CHECK_INT(l1, l2);
		CHECK_MEM(s1, s2, l1);
		/* wrong length, zero, one */
		CHECK(ke_shared(a, (struct slice){ bad, all[i].pub_len - 1u }, s1, &l1, &e) == -1);
		CHECK_HAS(e.msg, "bytes instead of");
		CHECK(ke_shared(a, (struct slice){ bad, all[i].pub_len }, s1, &l1, &e) == -1);
		CHECK_HAS(e.msg, "not a valid one");
		bad[all[i].id == KE_CURVE25519 ? 0 : all[i].pub_len - 1] = 1;
		CHECK(ke_shared(a, (struct slice){ bad, all[i].pub_len }, s1, &l1, &e) == -1);
		ke_free(a);
		ke_free(b);
	}
}

/* Pairs come from the pool once it had time, each once, and of the group that was asked for. */
static void ke_pool(void)
{
	struct ke *got[KE_POOL_DEPTH + 2];
	uint8_t s1[KE_SHARED_MAX], s2[KE_SHARED_MAX];
	size_t l1, l2;
	struct ke *x;

	CHECK(!ke_pool_hungry());
	x = ke_new(KE_CURVE25519, NULL);	/* off: nothing is learnt */
	ke_free(x);
	CHECK(!ke_pool_hungry() && !ke_pool_work());
	clock_virtual_set(1000);
	ke_pool_enable(true);
	ke_free(ke_new(KE_CURVE25519, NULL));
	ke_free(ke_new(KE_MODP_768, NULL));
	CHECK(ke_pool_hungry());
	CHECK_INT(ke_pool_ready(KE_CURVE25519), 0);
	for (int i = 0; i < 2 * KE_POOL_DEPTH - 1; i++)
		CHECK(ke_pool_work());
	CHECK(!ke_pool_work());		/* the last of them */
	CHECK_INT(ke_pool_ready(KE_CURVE25519), KE_POOL_DEPTH);
	CHECK_INT(ke_pool_ready(KE_MODP_768), KE_POOL_DEPTH);
	CHECK_INT(ke_pool_ready(KE_ECP_256), 0);
	for (size_t i = 0; i < KE_POOL_DEPTH + 2; i++) {
		got[i] = ke_new(KE_CURVE25519, NULL);
		CHECK(got[i] && ke_id(got[i]) == KE_CURVE25519);
		for (size_t k = 0; k < i; k++)
			CHECK(memcmp(ke_public(got[i]).p, ke_public(got[k]).p, 32) != 0);
	}
	CHECK_INT(ke_pool_ready(KE_CURVE25519), 0);
	CHECK(ke_shared(got[0], ke_public(got[9]), s1, &l1, NULL) == 0);
	CHECK(ke_shared(got[9], ke_public(got[0]), s2, &l2, NULL) == 0);
	CHECK_MEM(s1, s2, 32);
	for (size_t i = 0; i < KE_POOL_DEPTH + 2; i++)
		ke_free(got[i]);
	/* MODP 768 is not asked for any more */
	clock_virtual_set(1000 + KE_POOL_FORGET_MS / 2);
	ke_free(ke_new(KE_CURVE25519, NULL));
	clock_virtual_set(1002 + KE_POOL_FORGET_MS);
	CHECK(ke_pool_hungry());
	while (ke_pool_work())
		;
	CHECK_INT(ke_pool_ready(KE_CURVE25519), KE_POOL_DEPTH);
	CHECK_INT(ke_pool_ready(KE_MODP_768), 0);
	ke_pool_enable(false);
	CHECK_INT(ke_pool_ready(KE_CURVE25519), 0);
	CHECK(!ke_pool_hungry());
	clock_virtual_off();
}

/* Private exponents are as long as the group's strength asks for, not as the prime. */
static void modp_exponents(void)
{
	static const struct {
		uint16_t id;
		size_t bits;
	} want[] = { { KE_MODP_2048, 225 }, { KE_MODP_3072, 275 }, { KE_MODP_4096, 325 },
		     { KE_MODP_6144, 375 }, { KE_MODP_8192, 400 } };
	mbedtls_mpi p;
	size_t bits;

	mbedtls_mpi_init(&p);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		CHECK(modp_prime(want[i].id, &p, &bits) == 0);
		CHECK_INT(bits, want[i].bits);
	}
	mbedtls_mpi_free(&p);
}

static void seal_open_one(const struct alg *encr, const struct alg *integ)
{
	uint8_t key[64], ikey[64], aad[12], iv[16], tail[4], msg[160], icv[32];
	struct aead_job j = { .aad = aad, .aad_len = sizeof(aad), .len = 144, .icv = icv };
	struct aead *a;
	uint8_t buf[16 + 160];
	struct err e = { 0 };

	rng_bytes(key, sizeof(key));
	rng_bytes(ikey, sizeof(ikey));
	rng_bytes(aad, sizeof(aad));
	rng_bytes(iv, sizeof(iv));
	rng_bytes(msg, sizeof(msg));
	rng_bytes(tail, sizeof(tail));
	a = aead_new(encr, (struct slice){ key, encr->key_len }, integ,
		     (struct slice){ ikey, integ ? integ->key_len : 0u }, &e);
	CHECK(a);
	memcpy(buf, iv, aead_iv_len(a));
	memcpy(buf + aead_iv_len(a), msg, j.len);
	j.iv = buf;
	j.data = buf + aead_iv_len(a);
	j.tail = tail;
	j.tail_len = integ ? 4 : 0;
	CHECK(aead_seal(a, &j) == 0);
	CHECK((memcmp(j.data, msg, j.len) != 0) == (encr->id != ENCR_NULL));
	CHECK(aead_open(a, &j) == 0);
	CHECK_MEM(j.data, msg, j.len);
	/* any change shows */
	for (int where = 0; where < 5; where++) {
		uint8_t *at = where == 0 ? aad : where == 1 ? j.iv : where == 2 ? j.data
			    : where == 3 ? icv : tail;

		if ((where == 4 && !integ) || (where == 1 && !aead_iv_len(a)))
			continue;
		memcpy(j.data, msg, j.len);
		CHECK(aead_seal(a, &j) == 0);
		at[0] ^= 1;
		CHECK(aead_open(a, &j) == -1);
		at[0] ^= 1;
	}
	aead_free(a);
	CHECK(!aead_new(encr, (struct slice){ key, encr->key_len - 1u }, integ,
			(struct slice){ ikey, integ ? integ->key_len : 0u }, &e));
}

/* AEADs whose code differs between processors and libraries: all lengths up to a few dozen
 * blocks, additional data of any, sealed by one and opened by another. */
static void providers_agree(void)
{
	static const struct { uint16_t id, bits; } ciphers[] = {
		{ ENCR_AES_GCM_16, 128 }, { ENCR_AES_GCM_16, 192 }, { ENCR_AES_GCM_16, 256 },
		{ ENCR_CHACHA20_POLY1305, 0 },
	};
	uint8_t key[36], iv[8], aad[80], icv[16], msg[1200], buf[1200], tags[2][16];

	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++) {
		const struct alg *a = alg_get(ALG_ENCR, ciphers[i].id, ciphers[i].bits);
		struct aead *by[2];

		rng_bytes(key, sizeof(key));
		for (enum aead_from f = AEAD_FROM_BEST; f <= AEAD_FROM_MBEDTLS; f++) {
			aead_take(f);
			by[f] = aead_new(a, (struct slice){ key, a->key_len }, NULL,
					 (struct slice){ 0 }, NULL);
			CHECK(by[f]);
		}
		aead_take(AEAD_FROM_BEST);
		CHECK_STR(aead_by(by[AEAD_FROM_MBEDTLS]), "mbedTLS");
		for (size_t len = 0; len < sizeof(msg); len = len < 300 ? len + 1 : len * 9 / 8) {
			struct aead_job j = { .aad = aad, .aad_len = rng_below(sizeof(aad) + 1),
					      .iv = iv, .data = buf, .len = len, .icv = icv };

			rng_bytes(iv, sizeof(iv));
			rng_bytes(aad, sizeof(aad));
			rng_bytes(msg, sizeof(msg));
			for (int f = 0; f < 2; f++) {
				memcpy(buf, msg, sizeof(buf));
				CHECK(aead_seal(by[f], &j) == 0);
				memcpy(tags[f], icv, sizeof(icv));
				CHECK_MEM(tags[f], tags[0], sizeof(icv));
				CHECK_MEM(buf + len, msg + len, sizeof(buf) - len);
				CHECK(aead_open(by[1 - f], &j) == 0);
				CHECK_MEM(buf, msg, sizeof(buf));
			}
		}
		for (int f = 0; f < 2; f++)
			aead_free(by[f]);
	}
}

static void seal_open(void)
{
	size_t n;
	const struct alg *all = alg_table(&n);

	for (size_t i = 0; i < n; i++) {
		if (all[i].type != ALG_ENCR || !alg_built(&all[i]))
			continue;
		if (all[i].aead) {
			seal_open_one(&all[i], NULL);
			continue;
		}
		for (size_t k = 0; k < n; k++)
			if (all[k].type == ALG_INTEG)
				seal_open_one(&all[i], &all[k]);
	}
}

/* A message in pieces, the IV running on, is the message in one piece; and back. */
static void cbc_runs_on(void)
{
	size_t n;
	const struct alg *all = alg_table(&n);

	for (size_t i = 0; i < n; i++) {
		uint8_t key[CBC_KEY_MAX], iv0[16], iv[16], msg[96], one[96], two[96];
		size_t b = all[i].block;
		struct err e = { 0 };
		struct cbc *c;

		if (all[i].type != ALG_ENCR || !alg_built(&all[i]))
			continue;
		rng_bytes(key, sizeof(key));
		rng_bytes(iv0, sizeof(iv0));
		rng_bytes(msg, sizeof(msg));
		c = cbc_new(&all[i], (struct slice){ key, all[i].key_len }, &e);
		if (all[i].aead || all[i].id == ENCR_AES_CTR || all[i].id == ENCR_NULL) {
			CHECK(!c);
			CHECK_HAS(e.msg, "no such CBC cipher");
			continue;
		}
		CHECK(c);
		CHECK_INT(cbc_block(c), b);
		memcpy(one, msg, sizeof(msg));
		memcpy(iv, iv0, b);
		CHECK(cbc_encrypt(c, iv, one, 96) == 0);
		CHECK_MEM(iv, one + 96 - b, b);
		memcpy(two, msg, sizeof(msg));
		memcpy(iv, iv0, b);
		CHECK(cbc_encrypt(c, iv, two, b) == 0);
		CHECK(cbc_encrypt(c, iv, two + b, 96 - b) == 0);
		CHECK_MEM(one, two, 96);
		memcpy(iv, iv0, b);
		CHECK(cbc_decrypt(c, iv, two, b) == 0);
		CHECK_MEM(iv, one, b);
		CHECK(cbc_decrypt(c, iv, two + b, 96 - b) == 0);
		CHECK_MEM(two, msg, 96);
		CHECK(cbc_encrypt(c, iv, two, 0) == -1);
		CHECK(cbc_encrypt(c, iv, two, b + 1) == -1);
		CHECK(cbc_decrypt(c, iv, two, b - 1) == -1);
		CHECK_MEM(two, msg, 96);
		cbc_free(c);
		CHECK(!cbc_new(&all[i], (struct slice){ key, all[i].key_len - 1u }, &e));
		CHECK_HAS(e.msg, "wrong key length");
	}
}

int main(void)
{
	T_RUN(suites_ike);
	T_RUN(suites_esp);
	T_RUN(weak);
	T_RUN(prf_sha256);
	T_RUN(prf_plus_chains);
	T_RUN(modp_primes);
	T_RUN(modp_exponents);
	T_RUN(ke_agrees);
	T_RUN(ke_pool);
	T_RUN(seal_open);
	T_RUN(providers_agree);
	T_RUN(cbc_runs_on);
	return t_done();
}
