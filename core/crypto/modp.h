/* modp: the MODP groups' primes. */
#ifndef ADIT_CRYPTO_MODP_H
#define ADIT_CRYPTO_MODP_H

#include <mbedtls/bignum.h>
#include <stddef.h>
#include <stdint.h>

/* p of group ke_id (RFC 2409 §6, RFC 3526); *exponent_bits gets how long a private exponent
 * should be for the group's strength (RFC 3526 §8, the larger estimate, rounded up).
 * An mbedTLS error code, or 0. */
int modp_prime(uint16_t ke_id, mbedtls_mpi *p, size_t *exponent_bits);

#endif
