/* aead_sodium: one of two providers of the same function. */
#include "core/crypto/aead_sodium.h"

#include <string.h>

#ifdef ADIT_SODIUM
#include <sodium/core.h>
#include <sodium/crypto_aead_aes256gcm.h>
#include <sodium/crypto_aead_chacha20poly1305.h>

_Static_assert(sizeof(crypto_aead_aes256gcm_state) <= AEAD_SODIUM_STATE, "the state has room");

static bool is_chacha(const struct alg *encr)
{
	return encr->id == ENCR_CHACHA20_POLY1305;
}

static const crypto_aead_aes256gcm_state *gcm(const uint8_t *state)
{
	return (const crypto_aead_aes256gcm_state *)(const void *)state;
}

bool aead_sodium_has(const struct alg *encr)
{
	static int state;	/* 1: it is ready, -1: it is not */

	if (!state)
		state = sodium_init() >= 0 ? 1 : -1;
	if (state < 0)
		return false;
	return is_chacha(encr) || (encr->id == ENCR_AES_GCM_16 && encr->key_bits == 256 &&
				   crypto_aead_aes256gcm_is_available());
}

void aead_sodium_key(const struct alg *encr, uint8_t *state, const uint8_t *key)
{
	if (is_chacha(encr))
		memcpy(state, key, crypto_aead_chacha20poly1305_ietf_KEYBYTES);
	else
		(void)crypto_aead_aes256gcm_beforenm((crypto_aead_aes256gcm_state *)(void *)state,
						     key);
}

void aead_sodium_seal(const struct alg *encr, const uint8_t *state, const struct aead_job *j,
		      const uint8_t nonce[12])
{
	if (is_chacha(encr))
		(void)crypto_aead_chacha20poly1305_ietf_encrypt_detached(
			j->data, j->icv, NULL, j->data, j->len, j->aad, j->aad_len, NULL, nonce,
			state);
	else
		(void)crypto_aead_aes256gcm_encrypt_detached_afternm(
			j->data, j->icv, NULL, j->data, j->len, j->aad, j->aad_len, NULL, nonce,
			gcm(state));
}

int aead_sodium_open(const struct alg *encr, const uint8_t *state, const struct aead_job *j,
		     const uint8_t nonce[12])
{
	if (is_chacha(encr))
		return crypto_aead_chacha20poly1305_ietf_decrypt_detached(
			j->data, NULL, j->data, j->len, j->icv, j->aad, j->aad_len, nonce, state);
	return crypto_aead_aes256gcm_decrypt_detached_afternm(
		j->data, NULL, j->data, j->len, j->icv, j->aad, j->aad_len, nonce, gcm(state));
}

#else

bool aead_sodium_has(const struct alg *encr)
{
	(void)encr;
	return false;
}

void aead_sodium_key(const struct alg *encr, uint8_t *state, const uint8_t *key)
{
	(void)encr;
	(void)state;
	(void)key;
}

void aead_sodium_seal(const struct alg *encr, const uint8_t *state, const struct aead_job *j,
		      const uint8_t nonce[12])
{
	(void)encr;
	(void)state;
	(void)j;
	(void)nonce;
}

int aead_sodium_open(const struct alg *encr, const uint8_t *state, const struct aead_job *j,
		     const uint8_t nonce[12])
{
	(void)encr;
	(void)state;
	(void)j;
	(void)nonce;
	return -1;
}
#endif
