/* cbc: the block ciphers in CBC mode. A key's schedule is kept for both directions where the
 * cipher has two; each cipher takes the room it needs, for Blowfish's tables are 4 kB. */
#include "core/crypto/cbc.h"

#include "core/base/secret.h"

#include <mbedtls/aes.h>
#include <mbedtls/version.h>	/* which of the others this library has */
#ifdef MBEDTLS_BLOWFISH_C
#include <mbedtls/blowfish.h>
#endif
#ifdef MBEDTLS_CAMELLIA_C
#include <mbedtls/camellia.h>
#endif
#ifdef MBEDTLS_DES_C
#include <mbedtls/des.h>
#endif
#include <stdalign.h>
#include <string.h>

/* A cipher of the library: how large a context is, and what is done with it. */
struct cipher {
	uint16_t id;
	uint16_t size;		/* of one context */
	uint8_t n;		/* contexts: 2 when decryption has a schedule of its own */
	void (*init)(void *ctx);
	void (*fini)(void *ctx);
	int (*set_key)(void *enc, void *dec, const uint8_t *key, unsigned bits);
	int (*crypt)(void *ctx, int encrypt, size_t len, uint8_t *iv, uint8_t *data);
};

struct cbc {
	const struct alg *encr;
	const struct cipher *cipher;
	alignas(16) uint8_t ctx[];
};

/* What every cipher of mbedTLS names alike. */
#define FACE(x) \
static void x##_init(void *ctx) \
{ \
	mbedtls_##x##_init(ctx); \
} \
static void x##_fini(void *ctx) \
{ \
	mbedtls_##x##_free(ctx); \
} \
static int x##_crypt(void *ctx, int encrypt, size_t len, uint8_t *iv, uint8_t *data) \
{ \
	return mbedtls_##x##_crypt_cbc(ctx, encrypt, len, iv, data, data); \
}
#define CIPHER(ident, x, contexts) { ident, sizeof(mbedtls_##x##_context), contexts, x##_init, \
	x##_fini, x##_set_key, x##_crypt }

FACE(aes)
static int aes_set_key(void *enc, void *dec, const uint8_t *key, unsigned bits)
{
	int rc = mbedtls_aes_setkey_enc(enc, key, bits);

	return rc ? rc : mbedtls_aes_setkey_dec(dec, key, bits);
}

#ifdef MBEDTLS_DES_C
FACE(des)
/* The parity bits are not looked at: no peer sets them (RFC 2405 §2.3 leaves them be). */
static int des_set_key(void *enc, void *dec, const uint8_t *key, unsigned bits)
{
	int rc = mbedtls_des_setkey_enc(enc, key);

	(void)bits;
	return rc ? rc : mbedtls_des_setkey_dec(dec, key);
}

FACE(des3)
static int des3_set_key(void *enc, void *dec, const uint8_t *key, unsigned bits)
{
	int rc = mbedtls_des3_set3key_enc(enc, key);

	(void)bits;
	return rc ? rc : mbedtls_des3_set3key_dec(dec, key);
}
#endif

#ifdef MBEDTLS_BLOWFISH_C
FACE(blowfish)
static int blowfish_set_key(void *enc, void *dec, const uint8_t *key, unsigned bits)
{
	(void)dec;
	return mbedtls_blowfish_setkey(enc, key, bits);
}
#endif

#ifdef MBEDTLS_CAMELLIA_C
FACE(camellia)
static int camellia_set_key(void *enc, void *dec, const uint8_t *key, unsigned bits)
{
	int rc = mbedtls_camellia_setkey_enc(enc, key, bits);

	return rc ? rc : mbedtls_camellia_setkey_dec(dec, key, bits);
}
#endif

static const struct cipher ciphers[] = {
	CIPHER(ENCR_AES_CBC, aes, 2),
#ifdef MBEDTLS_DES_C
	CIPHER(ENCR_DES, des, 2),
	CIPHER(ENCR_3DES, des3, 2),
#endif
#ifdef MBEDTLS_BLOWFISH_C
	CIPHER(ENCR_BLOWFISH, blowfish, 1),
#endif
#ifdef MBEDTLS_CAMELLIA_C
	CIPHER(ENCR_CAMELLIA_CBC, camellia, 2),
#endif
};

static const struct cipher *cipher_of(const struct alg *encr)
{
	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++)
		if (ciphers[i].id == encr->id)
			return &ciphers[i];
	return NULL;
}

bool alg_built(const struct alg *a)
{
	return a->type != ALG_ENCR || a->aead || a->id == ENCR_AES_CTR || a->id == ENCR_NULL ||
	       cipher_of(a);
}

static void *dec_ctx(struct cbc *c)
{
	return c->ctx + (size_t)(c->cipher->n - 1) * c->cipher->size;
}

struct cbc *cbc_new(const struct alg *encr, struct slice key, struct err *e)
{
	const struct cipher *cipher = cipher_of(encr);
	struct cbc *c;
	int rc;

	if (encr->type != ALG_ENCR || encr->aead || !cipher) {
		err_set(e, "%s: this build's crypto library has no such CBC cipher", encr->label);
		return NULL;
	}
	if (key.len != encr->key_len) {
		err_set(e, "%s: wrong key length", encr->label);
		return NULL;
	}
	c = secret_new(sizeof(*c) + (size_t)cipher->n * cipher->size);
	if (!c) {
		err_errno(e, "out of memory");
		return NULL;
	}
	c->encr = encr;
	c->cipher = cipher;
	for (int i = 0; i < cipher->n; i++)
		cipher->init(c->ctx + (size_t)i * cipher->size);
	rc = cipher->set_key(c->ctx, dec_ctx(c), key.p, 8u * encr->key_len);
	if (rc) {
		err_set(e, "%s: mbedTLS says -0x%04x", encr->label, (unsigned)-rc);
		cbc_free(c);
		return NULL;
	}
	return c;
}

void cbc_free(struct cbc *c)
{
	if (!c)
		return;
	for (int i = 0; i < c->cipher->n; i++)
		c->cipher->fini(c->ctx + (size_t)i * c->cipher->size);
	secret_free(c);
}

size_t cbc_block(const struct cbc *c)
{
	return c->encr->block;
}

int cbc_encrypt(struct cbc *c, uint8_t *iv, uint8_t *data, size_t len)
{
	if (!len || len % c->encr->block)
		return -1;
	return c->cipher->crypt(c->ctx, 1, len, iv, data) ? -1 : 0;
}

int cbc_decrypt(struct cbc *c, uint8_t *iv, uint8_t *data, size_t len)
{
	if (!len || len % c->encr->block)
		return -1;
	return c->cipher->crypt(dec_ctx(c), 0, len, iv, data) ? -1 : 0;
}
