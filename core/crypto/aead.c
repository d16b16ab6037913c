/* aead: AEAD ciphers, and CBC, CTR or no cipher with an HMAC, behind one face. Nothing is allocated per message. */
#include "core/crypto/crypto.h"

#include "core/base/secret.h"
#include "core/crypto/aead_sodium.h"
#include "core/crypto/cbc.h"
#include "core/crypto/mbed.h"

#include <mbedtls/aes.h>
#include <mbedtls/chachapoly.h>
#include <mbedtls/gcm.h>
#include <mbedtls/md.h>
#include <stdalign.h>
#include <string.h>

/* Who does the cipher. */
enum how { HOW_GCM, HOW_CHACHA, HOW_SODIUM, HOW_CBC, HOW_CTR, HOW_NULL };

struct aead {
	const struct alg *encr, *integ;
	enum how how;
	uint8_t full_len;		/* of the hash, before it is cut to the ICV */
	uint8_t salt[4];
	union {
		mbedtls_gcm_context gcm;
		mbedtls_chachapoly_context chacha;
		alignas(16) uint8_t sodium[AEAD_SODIUM_STATE];
		struct cbc *cbc;
		mbedtls_aes_context ctr;
	} c;
	/* HMAC: the hash after either padded key (RFC 2104 §4), and a copy to go on with. */
	mbedtls_md_context_t inner, outer, mac;
};

static enum aead_from from;

void aead_take(enum aead_from f)
{
	from = f;
}

static enum how how_of(const struct alg *encr)
{
	bool sodium = from != AEAD_FROM_MBEDTLS && aead_sodium_has(encr);

	switch (encr->id) {
	case ENCR_AES_GCM_16:
		return sodium ? HOW_SODIUM : HOW_GCM;
	case ENCR_CHACHA20_POLY1305:
		return sodium ? HOW_SODIUM : HOW_CHACHA;
	case ENCR_AES_CTR:
		return HOW_CTR;
	case ENCR_NULL:
		return HOW_NULL;
	}
	return HOW_CBC;
}

static int set_key(struct aead *a, struct slice key, struct err *e)
{
	unsigned bits = 8u * (a->encr->key_len - a->encr->salt_len);
	int rc = 0;

	switch (a->how) {
	case HOW_GCM:
		mbedtls_gcm_init(&a->c.gcm);
		rc = mbedtls_gcm_setkey(&a->c.gcm, MBEDTLS_CIPHER_ID_AES, key.p, bits);
		break;
	case HOW_CHACHA:
		mbedtls_chachapoly_init(&a->c.chacha);
		rc = mbedtls_chachapoly_setkey(&a->c.chacha, key.p);
		break;
	case HOW_SODIUM:
		aead_sodium_key(a->encr, a->c.sodium, key.p);
		break;
	case HOW_CBC:
		a->c.cbc = cbc_new(a->encr, key, e);
		return a->c.cbc ? 0 : -1;
	case HOW_CTR:
		mbedtls_aes_init(&a->c.ctr);
		rc = mbedtls_aes_setkey_enc(&a->c.ctr, key.p, bits);
		break;
	case HOW_NULL:
		break;
	}
	return rc ? err_set(e, "%s: mbedTLS says -0x%04x", a->encr->label, (unsigned)-rc) : 0;
}

/* The keys of our table are no longer than a block of their hash. */
static int padded_key(mbedtls_md_context_t *ctx, const mbedtls_md_info_t *md, struct slice key,
		      uint8_t pad)
{
	uint8_t block[128];
	size_t len = mbedtls_md_get_size(md) > 32 ? 128 : 64;
	int rc = mbedtls_md_setup(ctx, md, 0);

	memset(block, pad, sizeof(block));
	for (size_t i = 0; i < key.len; i++)
		block[i] ^= key.p[i];
	if (!rc)
		rc = mbedtls_md_starts(ctx);
	if (!rc)
		rc = mbedtls_md_update(ctx, block, len);
	secret_wipe(block, sizeof(block));
	return rc;
}

static int set_mac(struct aead *a, struct slice key, struct err *e)
{
	const mbedtls_md_info_t *md = mbed_md(ALG_INTEG, a->integ->id);
	int rc = padded_key(&a->inner, md, key, 0x36);

	if (!rc)
		rc = padded_key(&a->outer, md, key, 0x5c);
	if (!rc)
		rc = mbedtls_md_setup(&a->mac, md, 0);
	a->full_len = mbedtls_md_get_size(md);
	return rc ? err_set(e, "%s: mbedTLS says -0x%04x", a->integ->label, (unsigned)-rc) : 0;
}

struct aead *aead_new(const struct alg *encr, struct slice key, const struct alg *integ,
		      struct slice integ_key, struct err *e)
{
	struct aead *a;

	if (key.len != encr->key_len || encr->aead != !integ ||
	    (integ && integ_key.len != integ->key_len)) {
		err_set(e, "%s: wrong key length", encr->label);
		return NULL;
	}
	a = secret_new(sizeof(*a));
	if (!a) {
		err_errno(e, "out of memory");
		return NULL;
	}
	a->encr = encr;
	a->integ = integ;
	a->how = how_of(encr);
	mbedtls_md_init(&a->inner);
	mbedtls_md_init(&a->outer);
	mbedtls_md_init(&a->mac);
	if (encr->salt_len)
		memcpy(a->salt, key.p + key.len - encr->salt_len, encr->salt_len);
	if (set_key(a, key, e) < 0 || (integ && set_mac(a, integ_key, e) < 0)) {
		aead_free(a);
		return NULL;
	}
	return a;
}

void aead_free(struct aead *a)
{
	if (!a)
		return;
	switch (a->how) {
	case HOW_GCM:
		mbedtls_gcm_free(&a->c.gcm);
		break;
	case HOW_CHACHA:
		mbedtls_chachapoly_free(&a->c.chacha);
		break;
	case HOW_CBC:
		cbc_free(a->c.cbc);
		break;
	case HOW_CTR:
		mbedtls_aes_free(&a->c.ctr);
		break;
	case HOW_SODIUM: case HOW_NULL:
		break;
	}
	mbedtls_md_free(&a->inner);
	mbedtls_md_free(&a->outer);
	mbedtls_md_free(&a->mac);
	secret_free(a);
}

size_t aead_iv_len(const struct aead *a)
{
	return a->encr->iv_len;
}

size_t aead_icv_len(const struct aead *a)
{
	return a->integ ? a->integ->icv_len : a->encr->icv_len;
}

size_t aead_block(const struct aead *a)
{
	return a->encr->block;
}

const char *aead_by(const struct aead *a)
{
	switch (a->how) {
	case HOW_SODIUM:
		return "libsodium";
	case HOW_GCM: case HOW_CHACHA: case HOW_CBC: case HOW_CTR: case HOW_NULL:
		break;
	}
	return "mbedTLS";
}

static int mac(struct aead *a, const struct aead_job *j, uint8_t *out)
{
	size_t head = a->encr->iv_len;
	int rc = mbedtls_md_clone(&a->mac, &a->inner);

	/* Header, IV and data lie in one piece where the caller has them so. */
	if (!rc && j->aad + j->aad_len == j->iv)
		head += j->aad_len;
	else if (!rc)
		rc = mbedtls_md_update(&a->mac, j->aad, j->aad_len);
	if (!rc)
		rc = mbedtls_md_update(&a->mac, j->data - head, head + j->len);
	if (!rc && j->tail_len)
		rc = mbedtls_md_update(&a->mac, j->tail, j->tail_len);
	if (!rc)
		rc = mbedtls_md_finish(&a->mac, out);
	if (!rc)
		rc = mbedtls_md_clone(&a->mac, &a->outer);
	if (!rc)
		rc = mbedtls_md_update(&a->mac, out, a->full_len);
	return rc ? rc : mbedtls_md_finish(&a->mac, out);
}

/* The counter block: nonce, IV, and a block counter that begins with one (RFC 3686 §4). */
static int ctr(struct aead *a, const struct aead_job *j)
{
	uint8_t block[16] = { [15] = 1 }, stream[16];
	size_t used = 0;
	int rc;

	memcpy(block, a->salt, 4);
	memcpy(block + 4, j->iv, 8);
	rc = mbedtls_aes_crypt_ctr(&a->c.ctr, j->len, &used, block, stream, j->data, j->data);
	secret_wipe(stream, sizeof(stream));
	return rc;
}

/* The ciphers that bring no integrity. */
static int cipher(struct aead *a, bool enc, const struct aead_job *j)
{
	uint8_t iv[AEAD_IV_MAX];

	if (a->how == HOW_NULL)
		return 0;
	if (a->how == HOW_CTR)
		return ctr(a, j);
	memcpy(iv, j->iv, a->encr->iv_len);	/* the next one is written into it */
	return enc ? cbc_encrypt(a->c.cbc, iv, j->data, j->len)
		   : cbc_decrypt(a->c.cbc, iv, j->data, j->len);
}

static void nonce(const struct aead *a, const struct aead_job *j, uint8_t out[12])
{
	memcpy(out, a->salt, 4);
	memcpy(out + 4, j->iv, 8);
}

int aead_seal(struct aead *a, const struct aead_job *j)
{
	uint8_t n[12], full[PRF_MAX];
	int rc;

	if (a->integ) {
		if (cipher(a, true, j) || mac(a, j, full))
			return -1;
		memcpy(j->icv, full, a->integ->icv_len);
		return 0;
	}
	nonce(a, j, n);
	if (a->how == HOW_SODIUM) {
		aead_sodium_seal(a->encr, a->c.sodium, j, n);
		return 0;
	}
	if (a->how == HOW_GCM)
		rc = mbedtls_gcm_crypt_and_tag(&a->c.gcm, MBEDTLS_GCM_ENCRYPT, j->len, n, sizeof(n),
					       j->aad, j->aad_len, j->data, j->data, 16, j->icv);
	else
		rc = mbedtls_chachapoly_encrypt_and_tag(&a->c.chacha, j->len, n, j->aad, j->aad_len,
							j->data, j->data, j->icv);
	return rc ? -1 : 0;
}

int aead_open(struct aead *a, const struct aead_job *j)
{
	uint8_t n[12], full[PRF_MAX];
	int rc;

	if (a->integ) {
		if (j->len % a->encr->block || mac(a, j, full) ||
		    !secret_equal(full, j->icv, a->integ->icv_len))
			return -1;
		return cipher(a, false, j);
	}
	nonce(a, j, n);
	if (a->how == HOW_SODIUM)
		return aead_sodium_open(a->encr, a->c.sodium, j, n);
	if (a->how == HOW_GCM)
		rc = mbedtls_gcm_auth_decrypt(&a->c.gcm, j->len, n, sizeof(n), j->aad, j->aad_len,
					      j->icv, 16, j->data, j->data);
	else
		rc = mbedtls_chachapoly_auth_decrypt(&a->c.chacha, j->len, n, j->aad, j->aad_len,
						     j->icv, j->data, j->data);
	return rc ? -1 : 0;
}
