/* x25519: the function X25519 of RFC 7748 §5, by libsodium where the build has it (SODIUM=1),
 * else by mbedTLS, which takes some ten times as long. For ke.c alone. */
#ifndef ADIT_CRYPTO_X25519_H
#define ADIT_CRYPTO_X25519_H

#include <stdint.h>

#define X25519_LEN 32

/* The scalar is clamped here. */
int x25519_public(const uint8_t scalar[X25519_LEN], uint8_t out[X25519_LEN]);
/* -1 when the result is all zero (RFC 7748 §6.1: a point of small order). */
int x25519_shared(const uint8_t scalar[X25519_LEN], const uint8_t peer[X25519_LEN],
		  uint8_t out[X25519_LEN]);
/* "libsodium" or "mbedTLS", for `adit version` and benches. */
const char *x25519_by(void);

#endif
