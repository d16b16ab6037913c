/* prf: HMAC as a PRF, prf+, and the plain hashes. */
#include "core/crypto/crypto.h"

#include "core/base/rng.h"
#include "core/base/secret.h"
#include "core/crypto/mbed.h"

#include <string.h>

int mbed_rng(void *arg, unsigned char *out, size_t len)
{
	(void)arg;
	rng_bytes(out, len);
	return 0;
}

const mbedtls_md_info_t *mbed_md(int alg_type, uint16_t id)
{
	static const struct {
		uint8_t type;
		uint8_t id;
		mbedtls_md_type_t md;
	} map[] = {
		{ ALG_PRF, PRF_HMAC_MD5, MBEDTLS_MD_MD5 },
		{ ALG_PRF, PRF_HMAC_SHA1, MBEDTLS_MD_SHA1 },
		{ ALG_PRF, PRF_HMAC_SHA2_256, MBEDTLS_MD_SHA256 },
		{ ALG_PRF, PRF_HMAC_SHA2_384, MBEDTLS_MD_SHA384 },
		{ ALG_PRF, PRF_HMAC_SHA2_512, MBEDTLS_MD_SHA512 },
		{ ALG_INTEG, INTEG_HMAC_MD5_96, MBEDTLS_MD_MD5 },
		{ ALG_INTEG, INTEG_HMAC_SHA1_96, MBEDTLS_MD_SHA1 },
		{ ALG_INTEG, INTEG_HMAC_SHA2_256_128, MBEDTLS_MD_SHA256 },
		{ ALG_INTEG, INTEG_HMAC_SHA2_384_192, MBEDTLS_MD_SHA384 },
		{ ALG_INTEG, INTEG_HMAC_SHA2_512_256, MBEDTLS_MD_SHA512 },
	};

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (map[i].type == alg_type && map[i].id == id)
			return mbedtls_md_info_from_type(map[i].md);
	return NULL;
}

static void digest(mbedtls_md_type_t md, const struct slice *parts, size_t n, uint8_t *out)
{
	mbedtls_md_context_t ctx;

	mbedtls_md_init(&ctx);
	if (mbedtls_md_setup(&ctx, mbedtls_md_info_from_type(md), 0) == 0) {
		mbedtls_md_starts(&ctx);
		for (size_t i = 0; i < n; i++)
			mbedtls_md_update(&ctx, parts[i].p, parts[i].len);
		mbedtls_md_finish(&ctx, out);
	}
	mbedtls_md_free(&ctx);
}

void hash_sha1(const struct slice *parts, size_t n, uint8_t out[20])
{
	memset(out, 0, 20);
	digest(MBEDTLS_MD_SHA1, parts, n, out);
}

void hash_sha256(const struct slice *parts, size_t n, uint8_t out[32])
{
	memset(out, 0, 32);
	digest(MBEDTLS_MD_SHA256, parts, n, out);
}

int hash(uint16_t prf_id, const struct slice *parts, size_t n, uint8_t *out)
{
	const mbedtls_md_info_t *md = mbed_md(ALG_PRF, prf_id);

	if (!md)
		return -1;
	digest(mbedtls_md_get_type(md), parts, n, out);
	return 0;
}

int prf(uint16_t prf_id, struct slice key, const struct slice *parts, size_t n, uint8_t *out)
{
	const mbedtls_md_info_t *md = mbed_md(ALG_PRF, prf_id);
	mbedtls_md_context_t ctx;
	int rc;

	if (!md)
		return -1;
	mbedtls_md_init(&ctx);
	rc = mbedtls_md_setup(&ctx, md, 1);
	if (!rc)
		rc = mbedtls_md_hmac_starts(&ctx, key.p, key.len);
	for (size_t i = 0; !rc && i < n; i++)
		rc = mbedtls_md_hmac_update(&ctx, parts[i].p, parts[i].len);
	if (!rc)
		rc = mbedtls_md_hmac_finish(&ctx, out);
	mbedtls_md_free(&ctx);
	return rc ? -1 : 0;
}

#define SEED_PARTS_MAX 8

int prf_plus(uint16_t prf_id, struct slice key, const struct slice *seed, size_t n,
	     uint8_t *out, size_t out_len)
{
	const struct alg *a = alg_get(ALG_PRF, prf_id, 0);
	struct slice parts[SEED_PARTS_MAX + 2];
	uint8_t block[PRF_MAX];
	uint8_t count = 0;
	size_t done = 0;
	int rc = 0;

	if (!a || n > SEED_PARTS_MAX || out_len > 255u * a->out_len)
		return -1;
	/* T1 = prf(K, S | 0x01), Tn = prf(K, Tn-1 | S | n), RFC 7296 §2.13. */
	while (!rc && done < out_len) {
		size_t take = out_len - done < a->out_len ? out_len - done : a->out_len;

		parts[0] = (struct slice){ block, count ? a->out_len : 0 };
		for (size_t i = 0; i < n; i++)
			parts[1 + i] = seed[i];
		count++;
		parts[1 + n] = (struct slice){ &count, 1 };
		rc = prf(prf_id, key, parts, n + 2, block);
		memcpy(out + done, block, take);
		done += take;
	}
	secret_wipe(block, sizeof(block));
	return rc;
}
