/* pkpad: RSA's paddings (RFC 8017 §9), made and checked here rather than by mbedTLS, whose
 * functions for them differ from version to version. PKCS#1 v1.5 is never parsed: what should
 * be there is made and compared, so there is nothing to be lenient about. */
#include "core/crypto/pkpriv.h"

#include "core/base/rng.h"
#include "core/base/secret.h"

#include <string.h>

/* DigestInfo up to the hash, RFC 8017 §9.2 note 1. */
static struct slice digest_info(mbedtls_md_type_t md)
{
	static const char sha1[] =
		"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14";
	static const char sha256[] =
		"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01"
		"\x05\x00\x04\x20";
	static const char sha384[] =
		"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02"
		"\x05\x00\x04\x30";
	static const char sha512[] =
		"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03"
		"\x05\x00\x04\x40";

	switch ((int)md) {
	case MBEDTLS_MD_SHA1: return SLICE_LIT(sha1);
	case MBEDTLS_MD_SHA256: return SLICE_LIT(sha256);
	case MBEDTLS_MD_SHA384: return SLICE_LIT(sha384);
	case MBEDTLS_MD_SHA512: return SLICE_LIT(sha512);
	}
	return (struct slice){ 0 };
}

int pk_pad_pkcs1(mbedtls_md_type_t md, struct slice hash, uint8_t *em, size_t em_len)
{
	struct slice info = digest_info(md);
	size_t t = info.len + hash.len;

	if (em_len < t + 11 || hash.len > PK_HASH_MAX)
		return -1;
	em[0] = 0;
	em[1] = 1;
	memset(em + 2, 0xff, em_len - t - 3);
	em[em_len - t - 1] = 0;
	if (info.len)
		memcpy(em + em_len - t, info.p, info.len);
	if (hash.len)
		memcpy(em + em_len - hash.len, hash.p, hash.len);
	return 0;
}

/* MGF1 of seed, put over out with XOR. */
static int mgf1(mbedtls_md_type_t md, const uint8_t *seed, size_t seed_len, uint8_t *out,
		size_t len)
{
	const mbedtls_md_info_t *info = mbedtls_md_info_from_type(md);
	size_t h = mbedtls_md_get_size(info), done = 0;
	uint8_t in[PK_HASH_MAX + 4], block[PK_HASH_MAX];

	memcpy(in, seed, seed_len);
	for (uint32_t count = 0; done < len; count++) {
		size_t n = len - done < h ? len - done : h;

		in[seed_len] = (uint8_t)(count >> 24);
		in[seed_len + 1] = (uint8_t)(count >> 16);
		in[seed_len + 2] = (uint8_t)(count >> 8);
		in[seed_len + 3] = (uint8_t)count;
		if (mbedtls_md(info, in, seed_len + 4, block))
			return -1;
		for (size_t i = 0; i < n; i++)
			out[done + i] ^= block[i];
		done += n;
	}
	return 0;
}

/* H = hash(eight zeros | hash | salt) */
static int pss_hash(mbedtls_md_type_t md, struct slice hash, const uint8_t *salt,
		    uint8_t *out)
{
	uint8_t m[8 + 2 * PK_HASH_MAX] = { 0 };

	memcpy(m + 8, hash.p, hash.len);
	memcpy(m + 8 + hash.len, salt, hash.len);
	return mbedtls_md(mbedtls_md_info_from_type(md), m, 8 + 2 * hash.len, out);
}

/* emBits is one less than the modulus' bits; when that is a multiple of 8 the first byte of
 * em is zero and no part of the encoding. */
static size_t pss_skip(unsigned mod_bits)
{
	return (mod_bits - 1) % 8 == 0 ? 1 : 0;
}

static uint8_t pss_mask(unsigned mod_bits)
{
	unsigned used = (mod_bits - 1) % 8;

	return used ? (uint8_t)(0xff >> (8 - used)) : 0xff;
}

int pk_pad_pss(mbedtls_md_type_t md, struct slice hash, unsigned mod_bits, uint8_t *em,
	       size_t em_len)
{
	size_t skip = pss_skip(mod_bits), n = em_len - skip, h = hash.len, db = n - h - 1;
	uint8_t salt[PK_HASH_MAX];
	int rc;

	if (n < 2 * h + 2 || h > PK_HASH_MAX)
		return -1;
	rng_bytes(salt, h);
	memset(em, 0, em_len);
	em += skip;
	em[db - h - 1] = 1;
	memcpy(em + db - h, salt, h);
	rc = pss_hash(md, hash, salt, em + db);
	if (rc == 0)
		rc = mgf1(md, em + db, h, em, db);
	em[0] &= pss_mask(mod_bits);
	em[n - 1] = 0xbc;
	secret_wipe(salt, sizeof(salt));
	return rc ? -1 : 0;
}

int pk_check_pss(mbedtls_md_type_t md, struct slice hash, unsigned mod_bits,
		 const uint8_t *in, size_t em_len)
{
	size_t skip = pss_skip(mod_bits), n = em_len - skip, h = hash.len, db = n - h - 1;
	uint8_t em[PK_SIGNATURE_MAX], want[PK_HASH_MAX];

	if (n < 2 * h + 2 || h > PK_HASH_MAX || em_len > sizeof(em))
		return -1;
	memcpy(em, in + skip, n);
	if ((skip && in[0]) || em[n - 1] != 0xbc ||
	    em[0] & (uint8_t)~pss_mask(mod_bits) || mgf1(md, em + db, h, em, db) < 0)
		return -1;
	em[0] &= pss_mask(mod_bits);
	for (size_t i = 0; i < db - h - 1; i++)
		if (em[i])
			return -1;
	if (em[db - h - 1] != 1 || pss_hash(md, hash, em + db - h, want))
		return -1;
	return memcmp(want, em + db, h) == 0 ? 0 : -1;
}
