/* pbe: the KDFs are our own, for mbedTLS' limit the password to 31 characters. */
#include "core/crypto/pbe.h"

#include "core/base/rng.h"
#include "core/base/secret.h"
#include "core/crypto/mbed.h"
#include "core/crypto/rc2.h"

#include <mbedtls/aes.h>
#include <mbedtls/des.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 10000		/* of what we write */
#define ROUNDS_LEGACY 2048
#define SALT_LEN 16
#define SALT_MAX 256
#define KEY_MAX 32
#define HASH_MAX 64

enum cipher { CIPHER_NONE, CIPHER_AES, CIPHER_3DES, CIPHER_RC2 };

static const struct slice oid_pbes2 = SLICE_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d");
static const struct slice oid_pbkdf2 = SLICE_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c");
static const struct slice oid_aes256_cbc = SLICE_LIT(
	"\x60\x86\x48\x01\x65\x03\x04\x01\x2a");
static const struct slice oid_hmac_sha256 = SLICE_LIT("\x2a\x86\x48\x86\xf7\x0d\x02\x09");
static const struct slice oid_sha1_3des = SLICE_LIT(
	"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x03");

mbedtls_md_type_t pbe_hmac_of(struct slice oid)
{
	/* 1.2.840.113549.2.N */
	if (oid.len != 8 || memcmp(oid.p, oid_hmac_sha256.p, 7) != 0)
		return MBEDTLS_MD_NONE;
	switch (oid.p[7]) {
	case 7: return MBEDTLS_MD_SHA1;
	case 9: return MBEDTLS_MD_SHA256;
	case 10: return MBEDTLS_MD_SHA384;
	case 11: return MBEDTLS_MD_SHA512;
	}
	return MBEDTLS_MD_NONE;
}

mbedtls_md_type_t pbe_hash_of(struct slice oid)
{
	static const struct slice sha1 = SLICE_LIT("\x2b\x0e\x03\x02\x1a");
	static const uint8_t sha2[] = { 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2 };

	if (slice_is(oid, sha1))
		return MBEDTLS_MD_SHA1;
	if (oid.len != 9 || memcmp(oid.p, sha2, sizeof(sha2)) != 0)
		return MBEDTLS_MD_NONE;
	switch (oid.p[8]) {
	case 1: return MBEDTLS_MD_SHA256;
	case 2: return MBEDTLS_MD_SHA384;
	case 3: return MBEDTLS_MD_SHA512;
	}
	return MBEDTLS_MD_NONE;
}

/* ---- keys from passwords ---- */

int pbe_pbkdf2(mbedtls_md_type_t md, struct slice password, struct slice salt,
	       uint32_t rounds, uint8_t *out, size_t len)
{
	const mbedtls_md_info_t *info = mbedtls_md_info_from_type(md);
	size_t h = info ? mbedtls_md_get_size(info) : 0;
	uint8_t u[HASH_MAX], t[HASH_MAX];
	mbedtls_md_context_t ctx;
	int rc;

	mbedtls_md_init(&ctx);
	rc = !info || mbedtls_md_setup(&ctx, info, 1) ||
	     mbedtls_md_hmac_starts(&ctx, password.p, password.len);
	for (uint32_t i = 1; !rc && len; i++) {
		uint8_t count[4] = { (uint8_t)(i >> 24), (uint8_t)(i >> 16),
				     (uint8_t)(i >> 8), (uint8_t)i };
		size_t n = len < h ? len : h;

		rc = mbedtls_md_hmac_reset(&ctx) ||
		     mbedtls_md_hmac_update(&ctx, salt.p, salt.len) ||
		     mbedtls_md_hmac_update(&ctx, count, 4) ||
		     mbedtls_md_hmac_finish(&ctx, u);
		memcpy(t, u, h);
		for (uint32_t r = 1; !rc && r < rounds; r++) {
			rc = mbedtls_md_hmac_reset(&ctx) ||
			     mbedtls_md_hmac_update(&ctx, u, h) ||
			     mbedtls_md_hmac_finish(&ctx, u);
			for (size_t b = 0; b < h; b++)
				t[b] ^= u[b];
		}
		memcpy(out, t, n);
		out += n;
		len -= n;
	}
	mbedtls_md_free(&ctx);
	secret_wipe(u, sizeof(u));
	secret_wipe(t, sizeof(t));
	return rc ? -1 : 0;
}

/* UTF-8 as BMPString with a NUL behind (RFC 7292 §B.1); characters beyond the BMP as two
 * halves, as everybody does. -1: not UTF-8. */
static int to_bmp(struct slice password, bool empty_nul, uint8_t *out, size_t *len)
{
	size_t n = 0;

	for (size_t i = 0; i < password.len;) {
		uint8_t c = password.p[i++];
		unsigned more = c < 0x80 ? 0 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
		uint32_t v = more ? c & (0x3f >> more) : c;

		if (c >= 0xf8 || (c >= 0x80 && c < 0xc0) || i + more > password.len)
			return -1;
		for (; more; more--, i++) {
			if ((password.p[i] & 0xc0) != 0x80)
				return -1;
			v = v << 6 | (password.p[i] & 0x3f);
		}
		if (v >= 0x10000) {
			uint32_t high = 0xd800 + ((v - 0x10000) >> 10);

			out[n++] = (uint8_t)(high >> 8);
			out[n++] = (uint8_t)high;
			v = 0xdc00 + ((v - 0x10000) & 0x3ff);
		}
		out[n++] = (uint8_t)(v >> 8);
		out[n++] = (uint8_t)v;
	}
	if (n || empty_nul) {
		out[n++] = 0;
		out[n++] = 0;
	}
	*len = n;
	return 0;
}

/* Bytes of s over and over, up to a multiple of v. */
static size_t repeat(struct slice s, size_t v, uint8_t *out)
{
	size_t n = s.len ? (s.len + v - 1) / v * v : 0;

	for (size_t i = 0; i < n; i++)
		out[i] = s.p[i % s.len];
	return n;
}

/* One block of B.2: A = H^rounds(D | I). */
static int kdf_block(const mbedtls_md_info_t *info, uint8_t id, size_t v,
		     const uint8_t *in, size_t in_len, uint32_t rounds, uint8_t *a)
{
	uint8_t d[128];
	mbedtls_md_context_t ctx;
	int rc;

	memset(d, id, v);
	mbedtls_md_init(&ctx);
	rc = mbedtls_md_setup(&ctx, info, 0) || mbedtls_md_starts(&ctx) ||
	     mbedtls_md_update(&ctx, d, v) || mbedtls_md_update(&ctx, in, in_len) ||
	     mbedtls_md_finish(&ctx, a);
	mbedtls_md_free(&ctx);
	for (uint32_t r = 1; !rc && r < rounds; r++)
		rc = mbedtls_md(info, a, mbedtls_md_get_size(info), a);
	return rc;
}

/* I_j = I_j + B + 1 modulo 2^(8v). */
static void add_one(uint8_t *i, const uint8_t *b, size_t v)
{
	unsigned carry = 1;

	for (size_t at = v; at-- > 0;) {
		carry += i[at] + b[at];
		i[at] = (uint8_t)carry;
		carry >>= 8;
	}
}

#define BMP_MAX (2 * PBE_PASSWORD_MAX + 2)
#define KDF_INPUT_MAX (SALT_MAX + 128 + BMP_MAX + 128)

int pbe_pkcs12_kdf(mbedtls_md_type_t md, uint8_t id, struct slice password,
		   bool empty_nul, struct slice salt, uint32_t rounds, uint8_t *out,
		   size_t len, struct err *e)
{
	const mbedtls_md_info_t *info = mbedtls_md_info_from_type(md);
	size_t v = md == MBEDTLS_MD_SHA384 || md == MBEDTLS_MD_SHA512 ? 128 : 64;
	uint8_t bmp[BMP_MAX], in[KDF_INPUT_MAX], a[HASH_MAX], b[128];
	size_t n, bmp_len, h;
	int rc = 0;

	if (!info || salt.len > SALT_MAX || password.len > PBE_PASSWORD_MAX)
		return err_set(e, "the file's salt or the password is too long");
	if (to_bmp(password, empty_nul, bmp, &bmp_len) < 0)
		return err_set(e, "the password is not UTF-8");
	h = mbedtls_md_get_size(info);
	n = repeat(salt, v, in);
	n += repeat((struct slice){ bmp, bmp_len }, v, in + n);
	while (len && !rc) {
		size_t take = len < h ? len : h;

		rc = kdf_block(info, id, v, in, n, rounds, a);
		memcpy(out, a, take);
		out += take;
		len -= take;
		repeat((struct slice){ a, h }, v, b);
		for (size_t j = 0; j < n; j += v)
			add_one(in + j, b, v);
	}
	secret_wipe(bmp, sizeof(bmp));
	secret_wipe(in, sizeof(in));
	secret_wipe(a, sizeof(a));
	secret_wipe(b, sizeof(b));
	return rc ? err_set(e, "the key could not be derived") : 0;
}

int pbe_pbkdf2_by(struct slice alg, struct slice password, uint8_t *out, size_t len,
		  struct err *e)
{
	struct rd r = rd_slice(alg), seq = der_take(&r, DER_SEQUENCE), p, in;
	struct slice oid = der_bytes(&seq, DER_OID), salt;
	mbedtls_md_type_t md = MBEDTLS_MD_SHA1;
	uint32_t rounds;

	p = der_take(&seq, DER_SEQUENCE);
	salt = der_bytes(&p, DER_OCTET_STRING);
	rounds = der_small(&p);
	if (der_next_is(&p, DER_INTEGER))
		der_small(&p);		/* keyLength: the cipher says it already */
	if (der_next_is(&p, DER_SEQUENCE)) {
		in = der_take(&p, DER_SEQUENCE);
		md = pbe_hmac_of(der_bytes(&in, DER_OID));
	}
	if (!rd_done(&p) || !rd_done(&seq) || !slice_is(oid, oid_pbkdf2) ||
	    md == MBEDTLS_MD_NONE)
		return err_set(e, "the password is used in a way that is not known");
	if (rounds < 1 || rounds > PBE_ROUNDS_MAX || salt.len > SALT_MAX)
		return err_set(e, "%u rounds for the password are more than %d", rounds,
			       PBE_ROUNDS_MAX);
	return pbe_pbkdf2(md, password, salt, rounds, out, len) < 0 ?
		       err_set(e, "the key could not be derived") : 0;
}

/* ---- ciphers ---- */

struct scheme {
	enum cipher cipher;
	size_t key_len, block;
	uint8_t key[KEY_MAX], iv[PBE_BLOCK_MAX];
};

/* PBES2's encryptionScheme. */
static int pbes2_cipher(struct rd *seq, struct scheme *s)
{
	static const struct slice des3 = SLICE_LIT("\x2a\x86\x48\x86\xf7\x0d\x03\x07");
	struct rd enc = der_take(seq, DER_SEQUENCE);
	struct slice oid = der_bytes(&enc, DER_OID),
		     iv = der_bytes(&enc, DER_OCTET_STRING);

	if (!rd_done(&enc))
		return -1;
	if (slice_is(oid, des3)) {
		s->cipher = CIPHER_3DES;
		s->key_len = 24;
		s->block = 8;
	} else if (oid.len == 9 && memcmp(oid.p, oid_aes256_cbc.p, 8) == 0) {
		s->cipher = CIPHER_AES;
		s->key_len = oid.p[8] == 2  ? 16 :
			     oid.p[8] == 22 ? 24 :
			     oid.p[8] == 42 ? 32 :
					      0;
		s->block = 16;
	}
	if (!s->key_len || iv.len != s->block)
		return -1;
	memcpy(s->iv, iv.p, iv.len);
	return 0;
}

static int pbes2(struct rd *params, struct slice password, struct scheme *s,
		 struct err *e)
{
	struct rd seq = der_take(params, DER_SEQUENCE);
	struct slice kdf = der_whole(&seq, DER_SEQUENCE);

	if (pbes2_cipher(&seq, s) < 0 || !rd_done(&seq))
		return err_set(e, "it is encrypted with a cipher that is not known");
	return pbe_pbkdf2_by(kdf, password, s->key, s->key_len, e);
}

/* RFC 7292 appendix C: the last byte of the OID says which. */
static int pkcs12_pbe(uint8_t which, struct rd *params, struct slice password,
		      bool empty_nul, struct scheme *s, struct err *e)
{
	struct rd seq = der_take(params, DER_SEQUENCE);
	struct slice salt = der_bytes(&seq, DER_OCTET_STRING);
	uint32_t rounds = der_small(&seq);
	size_t n = which == 3 ? 24 : which == 4 || which == 5 ? 16 : which == 6 ? 5 : 0;

	if (!rd_done(&seq) || !n)
		return err_set(e, "it is encrypted with a cipher that is not known");
	if (rounds < 1 || rounds > PBE_ROUNDS_MAX)
		return err_set(e, "%u rounds for the password are more than %d", rounds,
			       PBE_ROUNDS_MAX);
	s->cipher = which <= 4 ? CIPHER_3DES : CIPHER_RC2;
	s->block = 8;
	if (pbe_pkcs12_kdf(MBEDTLS_MD_SHA1, 1, password, empty_nul, salt, rounds, s->key,
			   n, e) < 0 ||
	    pbe_pkcs12_kdf(MBEDTLS_MD_SHA1, 2, password, empty_nul, salt, rounds, s->iv,
			   8, e) < 0)
		return -1;
	s->key_len = n;
	if (which == 4) {	/* two keys, the first comes again */
		memcpy(s->key + 16, s->key, 8);
		s->key_len = 24;
	}
	return 0;
}

static int scheme_of(struct slice alg, struct slice password, bool empty_nul,
		     struct scheme *s, struct err *e)
{
	struct rd r = rd_slice(alg), seq = der_take(&r, DER_SEQUENCE);
	struct slice oid = der_bytes(&seq, DER_OID);

	if (slice_is(oid, oid_pbes2))
		return pbes2(&seq, password, s, e);
	if (oid.len == 10 && memcmp(oid.p, oid_sha1_3des.p, 9) == 0)
		return pkcs12_pbe(oid.p[9], &seq, password, empty_nul, s, e);
	return err_set(e, "it is encrypted in a way that is not known");
}

static int aes(const struct scheme *s, bool encrypt, const uint8_t *in, uint8_t *out,
	       size_t len)
{
	mbedtls_aes_context ctx;
	uint8_t iv[16];
	int rc;

	memcpy(iv, s->iv, 16);
	mbedtls_aes_init(&ctx);
	rc = encrypt ? mbedtls_aes_setkey_enc(&ctx, s->key, (unsigned)s->key_len * 8) :
		       mbedtls_aes_setkey_dec(&ctx, s->key, (unsigned)s->key_len * 8);
	if (!rc)
		rc = mbedtls_aes_crypt_cbc(
			&ctx, encrypt ? MBEDTLS_AES_ENCRYPT : MBEDTLS_AES_DECRYPT, len,
			iv, in, out);
	mbedtls_aes_free(&ctx);
	return rc;
}

static int des3(const struct scheme *s, bool encrypt, const uint8_t *in, uint8_t *out,
		size_t len)
{
	mbedtls_des3_context ctx;
	uint8_t iv[8];
	int rc;

	memcpy(iv, s->iv, 8);
	mbedtls_des3_init(&ctx);
	rc = encrypt ? mbedtls_des3_set3key_enc(&ctx, s->key) :
		       mbedtls_des3_set3key_dec(&ctx, s->key);
	if (!rc)
		rc = mbedtls_des3_crypt_cbc(&ctx, encrypt ? MBEDTLS_DES_ENCRYPT :
					    MBEDTLS_DES_DECRYPT, len, iv, in, out);
	mbedtls_des3_free(&ctx);
	return rc;
}

static int decrypt(const struct scheme *s, struct slice data, uint8_t *out)
{
	switch (s->cipher) {
	case CIPHER_AES:
		return aes(s, false, data.p, out, data.len);
	case CIPHER_3DES:
		return des3(s, false, data.p, out, data.len);
	case CIPHER_RC2:
		rc2_cbc_decrypt(s->key, s->key_len, s->iv, data.p, out, data.len);
		return 0;
	case CIPHER_NONE:
		break;
	}
	return -1;
}

/* Takes off the padding; false when it is none. */
static bool unpad(const uint8_t *p, size_t block, size_t *len)
{
	uint8_t n = p[*len - 1];

	if (n < 1 || n > block)
		return false;
	for (size_t i = 0; i < n; i++)
		if (p[*len - 1 - i] != n)
			return false;
	*len -= n;
	return true;
}

int pbe_decrypt(struct slice alg, struct slice password, bool empty_nul,
		struct slice data, uint8_t *out, size_t *len, bool *wrong, struct err *e)
{
	struct scheme s = { 0 };
	int rc;

	*wrong = false;
	if (scheme_of(alg, password, empty_nul, &s, e) < 0)
		return -1;
	if (data.len == 0 || data.len % s.block)
		return err_set(e, "what is encrypted is damaged");
	rc = decrypt(&s, data, out);
	secret_wipe(&s.key, sizeof(s.key));
	*len = data.len;
	if (rc)
		return err_set(e, "it could not be decrypted");
	if (unpad(out, s.block, len))
		return 0;
	*wrong = true;
	secret_wipe(out, data.len);
	return err_set(e, "the password is wrong");
}

/* ---- encrypting ---- */

static int write_pbes2(struct scheme *s, struct slice password, struct der_out *o)
{
	uint8_t salt[SALT_LEN];
	size_t all = der_mark(o), mark;

	rng_bytes(salt, sizeof(salt));
	rng_bytes(s->iv, 16);
	s->cipher = CIPHER_AES;
	s->key_len = 32;
	s->block = 16;
	der_put_tlv(o, DER_OCTET_STRING, (struct slice){ s->iv, 16 });
	der_put_tlv(o, DER_OID, oid_aes256_cbc);
	der_head(o, DER_SEQUENCE, all);
	mark = der_mark(o);
	der_put_tlv(o, DER_NULL, (struct slice){ 0 });
	der_put_tlv(o, DER_OID, oid_hmac_sha256);
	der_head(o, DER_SEQUENCE, mark);
	der_put_small(o, ROUNDS);
	der_put_tlv(o, DER_OCTET_STRING, (struct slice){ salt, sizeof(salt) });
	der_head(o, DER_SEQUENCE, mark);
	der_put_tlv(o, DER_OID, oid_pbkdf2);
	der_head(o, DER_SEQUENCE, mark);
	der_head(o, DER_SEQUENCE, all);
	der_put_tlv(o, DER_OID, oid_pbes2);
	der_head(o, DER_SEQUENCE, all);
	return pbe_pbkdf2(MBEDTLS_MD_SHA256, password,
			  (struct slice){ salt, sizeof(salt) }, ROUNDS, s->key, 32);
}

static int write_legacy(struct scheme *s, struct slice password, struct der_out *o,
			struct err *e)
{
	uint8_t salt[8];
	struct slice salt_s = { salt, sizeof(salt) };
	size_t all = der_mark(o);

	rng_bytes(salt, sizeof(salt));
	s->cipher = CIPHER_3DES;
	s->key_len = 24;
	s->block = 8;
	der_put_small(o, ROUNDS_LEGACY);
	der_put_tlv(o, DER_OCTET_STRING, salt_s);
	der_head(o, DER_SEQUENCE, all);
	der_put_tlv(o, DER_OID, oid_sha1_3des);
	der_head(o, DER_SEQUENCE, all);
	if (pbe_pkcs12_kdf(MBEDTLS_MD_SHA1, 1, password, true, salt_s, ROUNDS_LEGACY,
			   s->key, 24, e) < 0)
		return -1;
	return pbe_pkcs12_kdf(MBEDTLS_MD_SHA1, 2, password, true, salt_s, ROUNDS_LEGACY,
			      s->iv, 8, e);
}

int pbe_encrypt(bool legacy, struct slice password, struct slice data, uint8_t *out,
		size_t *len, uint8_t alg[160], size_t *alg_len, struct err *e)
{
	struct scheme s = { 0 };
	struct der_out o = der_out(alg, 160);
	struct slice a;
	size_t pad;
	int rc;

	if ((legacy ? write_legacy(&s, password, &o, e) : write_pbes2(&s, password, &o)) <
	    0)
		return err_set(e, "it could not be encrypted");
	a = der_done(&o);
	memmove(alg, a.p, a.len);
	*alg_len = a.len;
	pad = s.block - data.len % s.block;
	memmove(out, data.p, data.len);
	memset(out + data.len, (int)pad, pad);
	*len = data.len + pad;
	rc = s.cipher == CIPHER_AES ? aes(&s, true, out, out, *len) :
				      des3(&s, true, out, out, *len);
	secret_wipe(&s.key, sizeof(s.key));
	return rc ? err_set(e, "it could not be encrypted") : 0;
}
