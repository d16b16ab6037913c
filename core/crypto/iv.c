/* iv: a counter under AES-128. */
#include "core/crypto/iv.h"

#include "core/base/rng.h"
#include "core/base/secret.h"

#include <mbedtls/aes.h>
#include <string.h>

struct iv {
	mbedtls_aes_context aes;
	uint64_t count;
};

struct iv *iv_new(struct err *e)
{
	struct iv *v = secret_new(sizeof(*v));
	uint8_t key[16];
	int rc;

	if (!v) {
		err_errno(e, "out of memory");
		return NULL;
	}
	mbedtls_aes_init(&v->aes);
	rng_bytes(key, sizeof(key));
	rc = mbedtls_aes_setkey_enc(&v->aes, key, 128);
	secret_wipe(key, sizeof(key));
	if (rc) {
		err_set(e, "mbedTLS says -0x%04x", (unsigned)-rc);
		iv_free(v);
		return NULL;
	}
	return v;
}

void iv_free(struct iv *v)
{
	if (v)
		mbedtls_aes_free(&v->aes);
	secret_free(v);
}

void iv_next(struct iv *v, uint8_t out[IV_LEN])
{
	uint8_t in[IV_LEN] = { 0 };

	memcpy(in, &v->count, sizeof(v->count));
	v->count++;
	/* It fails for a bad mode alone. */
	(void)mbedtls_aes_crypt_ecb(&v->aes, MBEDTLS_AES_ENCRYPT, in, out);
}
