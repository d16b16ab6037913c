/* x25519: two providers of one function. */
#include "core/crypto/x25519.h"

#include "core/base/secret.h"
#include "core/crypto/mbed.h"

#include <string.h>

#ifdef ADIT_SODIUM
#include <sodium/core.h>
#include <sodium/crypto_scalarmult_curve25519.h>

/* sodium_init() picks the code for this processor; more than once is fine. Without it the
 * portable code runs: slower, and right. */
static void ready(void)
{
	static int done;

	if (!done)
		done = sodium_init() >= 0;
}

int x25519_public(const uint8_t scalar[X25519_LEN], uint8_t out[X25519_LEN])
{
	ready();
	return crypto_scalarmult_curve25519_base(out, scalar);
}

int x25519_shared(const uint8_t scalar[X25519_LEN], const uint8_t peer[X25519_LEN],
		  uint8_t out[X25519_LEN])
{
	ready();
	return crypto_scalarmult_curve25519(out, scalar, peer);
}

const char *x25519_by(void)
{
	return "libsodium";
}

#else
#include <mbedtls/ecp.h>

static int mul(const uint8_t scalar[X25519_LEN], const uint8_t *peer, uint8_t out[X25519_LEN])
{
	static mbedtls_ecp_group grp;	/* loaded once; only read after that */
	uint8_t b[X25519_LEN];
	mbedtls_ecp_point q;
	mbedtls_mpi k;
	static const uint8_t zero[X25519_LEN];
	size_t len;
	int rc = 0;

	mbedtls_mpi_init(&k);
	mbedtls_ecp_point_init(&q);
	if (grp.id == MBEDTLS_ECP_DP_NONE) {
		mbedtls_ecp_group_init(&grp);
		rc = mbedtls_ecp_group_load(&grp, MBEDTLS_ECP_DP_CURVE25519);
	}
	memcpy(b, scalar, sizeof(b));
	b[0] &= 248;
	b[31] = (uint8_t)((b[31] & 127) | 64);
	if (rc || (rc = mbedtls_mpi_read_binary_le(&k, b, sizeof(b))) ||
	    (peer && (rc = mbedtls_ecp_point_read_binary(&grp, &q, peer, X25519_LEN))) ||
	    (rc = mbedtls_ecp_mul(&grp, &q, &k, peer ? &q : &grp.G, mbed_rng, NULL)) ||
	    (rc = mbedtls_ecp_point_write_binary(&grp, &q, MBEDTLS_ECP_PF_UNCOMPRESSED, &len, out,
						 X25519_LEN)) ||
	    secret_equal(out, zero, X25519_LEN))
		rc = -1;
	mbedtls_mpi_free(&k);
	mbedtls_ecp_point_free(&q);
	secret_wipe(b, sizeof(b));
	return rc;
}

int x25519_public(const uint8_t scalar[X25519_LEN], uint8_t out[X25519_LEN])
{
	return mul(scalar, NULL, out);
}

int x25519_shared(const uint8_t scalar[X25519_LEN], const uint8_t peer[X25519_LEN],
		  uint8_t out[X25519_LEN])
{
	return mul(scalar, peer, out);
}

const char *x25519_by(void)
{
	return "mbedTLS";
}
#endif
