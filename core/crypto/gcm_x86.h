/* gcm_x86: AES-GCM by the instructions of x86-64 processors, eight blocks at a time. mbedTLS
 * 2.28 uses the same instructions, but a block at a time, which is a tenth of the speed. Part of
 * aead; nobody else includes this.
 */
#ifndef ADIT_CRYPTO_GCM_X86_H
#define ADIT_CRYPTO_GCM_X86_H

#include "core/crypto/crypto.h"

#include <stdalign.h>
#include <stdbool.h>

#define GCM_X86_WIDE 8

struct gcm_x86 {
	alignas(16) uint8_t round[15][16];	/* the AES key schedule, FIPS 197 §5.2 */
	alignas(16) uint8_t power[GCM_X86_WIDE][16];	/* of the hash key: H^8 first, H last */
	unsigned rounds;			/* 10, 12, 14 */
};

/* False on other processors. */
bool gcm_x86_has(void);
/* key: key_len 16, 24 or 32 bytes. */
void gcm_x86_key(struct gcm_x86 *g, const uint8_t *key, size_t key_len);
void gcm_x86_seal(const struct gcm_x86 *g, const struct aead_job *j, const uint8_t nonce[12]);
/* -1: not authentic; the data is garbage then. */
int gcm_x86_open(const struct gcm_x86 *g, const struct aead_job *j, const uint8_t nonce[12])
	MUST_USE;

#endif
