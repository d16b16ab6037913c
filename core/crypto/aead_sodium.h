/* aead_sodium: AEAD ciphers by libsodium, several times as fast as by mbedTLS where it has code
 * for the processor: ChaCha20-Poly1305 anywhere, AES-256-GCM with AES instructions.
 * Part of aead; nobody else includes this.
 */
#ifndef ADIT_CRYPTO_AEAD_SODIUM_H
#define ADIT_CRYPTO_AEAD_SODIUM_H

#include "core/crypto/crypto.h"

#include <stdbool.h>

#define AEAD_SODIUM_STATE 512	/* bytes, aligned to 16: of one key */

/* False where this build or this processor has it not; then mbedTLS does it. */
bool aead_sodium_has(const struct alg *encr);
/* state gets what the key comes to; key: without the salt. */
void aead_sodium_key(const struct alg *encr, uint8_t *state, const uint8_t *key);
void aead_sodium_seal(const struct alg *encr, const uint8_t *state, const struct aead_job *j,
		      const uint8_t nonce[12]);
/* -1: not authentic, nothing was decrypted. */
int aead_sodium_open(const struct alg *encr, const uint8_t *state, const struct aead_job *j,
		     const uint8_t nonce[12]) MUST_USE;

#endif
