/* aead: AEAD ciphers and CBC-with-HMAC behind one face. Nothing is allocated per message. */
#include "core/crypto/crypto.h"

#include "core/base/secret.h"
#include "core/crypto/cbc.h"
#include "core/crypto/mbed.h"

#include <mbedtls/chachapoly.h>
#include <mbedtls/gcm.h>
#include <mbedtls/md.h>
#include <string.h>

struct aead {
	const struct alg *encr, *integ;
	uint8_t salt[4];
	union {
		mbedtls_gcm_context gcm;
		mbedtls_chachapoly_context chacha;
		struct cbc *cbc;
	} c;
	mbedtls_md_context_t mac;
};

static int set_key(struct aead *a, const uint8_t *key, unsigned bits)
{
	switch (a->encr->id) {
	case ENCR_AES_GCM_16:
		mbedtls_gcm_init(&a->c.gcm);
		return mbedtls_gcm_setkey(&a->c.gcm, MBEDTLS_CIPHER_ID_AES, key, bits);
	case ENCR_CHACHA20_POLY1305:
		mbedtls_chachapoly_init(&a->c.chacha);
		return mbedtls_chachapoly_setkey(&a->c.chacha, key);
	}
	return -1;
}

static int set_mac(struct aead *a, struct slice key)
{
	int rc = mbedtls_md_setup(&a->mac, mbed_md(ALG_INTEG, a->integ->id), 1);

	return rc ? rc : mbedtls_md_hmac_starts(&a->mac, key.p, key.len);
}

struct aead *aead_new(const struct alg *encr, struct slice key, const struct alg *integ,
		      struct slice integ_key, struct err *e)
{
	struct aead *a;
	int rc;

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
	mbedtls_md_init(&a->mac);
	memcpy(a->salt, key.p + key.len - encr->salt_len, encr->salt_len);
	if (integ) {
		a->c.cbc = cbc_new(encr, key, e);
		if (!a->c.cbc) {
			aead_free(a);
			return NULL;
		}
		rc = set_mac(a, integ_key);
	} else {
		rc = set_key(a, key.p, 8u * (encr->key_len - encr->salt_len));
	}
	if (rc) {
		err_set(e, "%s: mbedTLS says -0x%04x", encr->label, (unsigned)-rc);
		aead_free(a);
		return NULL;
	}
	return a;
}

void aead_free(struct aead *a)
{
	if (!a)
		return;
	if (a->integ)
		cbc_free(a->c.cbc);
	else if (a->encr->id == ENCR_AES_GCM_16)
		mbedtls_gcm_free(&a->c.gcm);
	else
		mbedtls_chachapoly_free(&a->c.chacha);
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

static int mac(struct aead *a, const struct aead_job *j, uint8_t *out)
{
	/* Contiguous iv and data let one update cover both. */
	if (mbedtls_md_hmac_reset(&a->mac) || mbedtls_md_hmac_update(&a->mac, j->aad, j->aad_len) ||
	    mbedtls_md_hmac_update(&a->mac, j->iv, a->encr->iv_len) ||
	    mbedtls_md_hmac_update(&a->mac, j->data, j->len) ||
	    (j->tail_len && mbedtls_md_hmac_update(&a->mac, j->tail, j->tail_len)) ||
	    mbedtls_md_hmac_finish(&a->mac, out))
		return -1;
	return 0;
}

static int cbc(struct aead *a, bool enc, const struct aead_job *j)
{
	uint8_t iv[AEAD_IV_MAX];

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
		if (cbc(a, true, j) || mac(a, j, full))
			return -1;
		memcpy(j->icv, full, a->integ->icv_len);
		return 0;
	}
	nonce(a, j, n);
	if (a->encr->id == ENCR_AES_GCM_16)
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
		return cbc(a, false, j);
	}
	nonce(a, j, n);
	if (a->encr->id == ENCR_AES_GCM_16)
		rc = mbedtls_gcm_auth_decrypt(&a->c.gcm, j->len, n, sizeof(n), j->aad, j->aad_len,
					      j->icv, 16, j->data, j->data);
	else
		rc = mbedtls_chachapoly_auth_decrypt(&a->c.chacha, j->len, n, j->aad, j->aad_len,
						     j->icv, j->data, j->data);
	return rc ? -1 : 0;
}
