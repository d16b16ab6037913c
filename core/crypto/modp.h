/* modp: the MODP groups' primes. */
#ifndef ADIT_CRYPTO_MODP_H
#define ADIT_CRYPTO_MODP_H

#include <mbedtls/bignum.h>
#include <stddef.h>
#include <stdint.h>

/* p of group ke_id (RFC 2409 §6, RFC 3526); *exponent_bits gets how long a private exponent
 * has to be for the group's strength: twice that strength, as RFC 7919 §5.2 and its Appendix A
 * say for safe primes of the same sizes and base 2 (225 bits for 2048, 400 for 8192); the older
 * groups by the 90 bits of RFC 3526 §8, rounded up.
 * An mbedTLS error code, or 0. */
int modp_prime(uint16_t ke_id, mbedtls_mpi *p, size_t *exponent_bits);

#endif
