/* ke: Diffie-Hellman over MODP groups and curves, one object for both. */
#include "core/crypto/crypto.h"

#include "core/base/secret.h"
#include "core/crypto/mbed.h"
#include "core/crypto/modp.h"

#include <mbedtls/bignum.h>
#include <mbedtls/ecdh.h>
#include <mbedtls/ecp.h>
#include <stdlib.h>
#include <string.h>

struct ke {
	uint16_t id;
	uint16_t pub_len;
	mbedtls_mpi x;			/* the private exponent or scalar */
	mbedtls_mpi p;			/* MODP */
	mbedtls_ecp_group grp;		/* curves */
	uint8_t *pub;			/* pub_len bytes behind the struct */
};

static mbedtls_ecp_group_id curve(uint16_t id)
{
	switch (id) {
	case KE_ECP_256: return MBEDTLS_ECP_DP_SECP256R1;
	case KE_ECP_384: return MBEDTLS_ECP_DP_SECP384R1;
	case KE_ECP_521: return MBEDTLS_ECP_DP_SECP521R1;
	case KE_CURVE25519: return MBEDTLS_ECP_DP_CURVE25519;
	}
	return MBEDTLS_ECP_DP_NONE;
}

static int modp_private(struct ke *k, size_t bits, struct slice given)
{
	int rc;

	if (given.len)
		return mbedtls_mpi_read_binary(&k->x, given.p, given.len);
	rc = mbedtls_mpi_fill_random(&k->x, (bits + 7) / 8, mbed_rng, NULL);
	return rc ? rc : mbedtls_mpi_set_bit(&k->x, bits - 1, 1);
}

static int modp_make(struct ke *k, struct slice given)
{
	mbedtls_mpi g, y;
	size_t bits;
	int rc;

	mbedtls_mpi_init(&g);
	mbedtls_mpi_init(&y);
	if ((rc = modp_prime(k->id, &k->p, &bits)) || (rc = modp_private(k, bits, given)) ||
	    (rc = mbedtls_mpi_lset(&g, 2)) ||
	    (rc = mbedtls_mpi_exp_mod(&y, &g, &k->x, &k->p, NULL)))
		goto out;
	rc = mbedtls_mpi_write_binary(&y, k->pub, k->pub_len);
out:
	mbedtls_mpi_free(&g);
	mbedtls_mpi_free(&y);
	return rc;
}

/* RFC 7748 §5 clamps a Curve25519 scalar. */
static int curve_private(struct ke *k, struct slice given)
{
	uint8_t b[32];

	if (!given.len)
		return mbedtls_ecp_gen_privkey(&k->grp, &k->x, mbed_rng, NULL);
	if (k->id != KE_CURVE25519)
		return mbedtls_mpi_read_binary(&k->x, given.p, given.len);
	if (given.len != sizeof(b))
		return MBEDTLS_ERR_ECP_BAD_INPUT_DATA;
	memcpy(b, given.p, sizeof(b));
	b[0] &= 248;
	b[31] = (uint8_t)((b[31] & 127) | 64);
	return mbedtls_mpi_read_binary_le(&k->x, b, sizeof(b));
}

/* The IKE encoding leaves out the leading 4 of an uncompressed point (RFC 5903 §7). */
static int curve_make(struct ke *k, struct slice given)
{
	uint8_t point[1 + 2 * 66];
	size_t skip = k->id == KE_CURVE25519 ? 0 : 1;
	mbedtls_ecp_point q;
	size_t len;
	int rc;

	mbedtls_ecp_point_init(&q);
	if ((rc = mbedtls_ecp_group_load(&k->grp, curve(k->id))) ||
	    (rc = curve_private(k, given)) ||
	    (rc = mbedtls_ecp_mul(&k->grp, &q, &k->x, &k->grp.G, mbed_rng, NULL)) ||
	    (rc = mbedtls_ecp_point_write_binary(&k->grp, &q, MBEDTLS_ECP_PF_UNCOMPRESSED, &len,
						 point, sizeof(point))))
		goto out;
	if (len != k->pub_len + skip)
		rc = MBEDTLS_ERR_ECP_BAD_INPUT_DATA;
	else
		memcpy(k->pub, point + skip, k->pub_len);
out:
	mbedtls_ecp_point_free(&q);
	return rc;
}

struct ke *ke_from_private(uint16_t id, struct slice given, struct err *e)
{
	const struct alg *a = alg_get(ALG_KE, id, 0);
	struct ke *k;
	int rc;

	if (!a) {
		err_set(e, "key exchange group %u is not known here", id);
		return NULL;
	}
	k = calloc(1, sizeof(*k) + a->pub_len);
	if (!k) {
		err_errno(e, "out of memory");
		return NULL;
	}
	k->id = id;
	k->pub_len = a->pub_len;
	k->pub = (uint8_t *)(k + 1);
	mbedtls_mpi_init(&k->x);
	mbedtls_mpi_init(&k->p);
	mbedtls_ecp_group_init(&k->grp);
	rc = curve(id) == MBEDTLS_ECP_DP_NONE ? modp_make(k, given) : curve_make(k, given);
	if (rc) {
		err_set(e, "no key pair of %s: mbedTLS says -0x%04x", a->label, (unsigned)-rc);
		ke_free(k);
		return NULL;
	}
	return k;
}

struct ke *ke_new(uint16_t id, struct err *e)
{
	return ke_from_private(id, (struct slice){ 0 }, e);
}

void ke_free(struct ke *k)
{
	if (!k)
		return;
	mbedtls_mpi_free(&k->x);	/* wipes */
	mbedtls_mpi_free(&k->p);
	mbedtls_ecp_group_free(&k->grp);
	free(k);
}

uint16_t ke_id(const struct ke *k)
{
	return k->id;
}

struct slice ke_public(const struct ke *k)
{
	return (struct slice){ k->pub, k->pub_len };
}

/* 1 < y < p-1, RFC 6989 §2.1. */
static int modp_shared(struct ke *k, struct slice peer, uint8_t *out)
{
	mbedtls_mpi y, z;
	int rc;

	mbedtls_mpi_init(&y);
	mbedtls_mpi_init(&z);
	if ((rc = mbedtls_mpi_read_binary(&y, peer.p, peer.len)) ||
	    (rc = mbedtls_mpi_sub_int(&z, &k->p, 1)))
		goto out;
	if (mbedtls_mpi_cmp_int(&y, 1) <= 0 || mbedtls_mpi_cmp_mpi(&y, &z) >= 0) {
		rc = MBEDTLS_ERR_MPI_BAD_INPUT_DATA;
		goto out;
	}
	if ((rc = mbedtls_mpi_exp_mod(&z, &y, &k->x, &k->p, NULL)))
		goto out;
	rc = mbedtls_mpi_write_binary(&z, out, k->pub_len);
out:
	mbedtls_mpi_free(&y);
	mbedtls_mpi_free(&z);
	return rc;
}

/* The x coordinate alone (RFC 5903 §7), little-endian for Curve25519 (RFC 8031 §2). */
static int curve_shared(struct ke *k, struct slice peer, uint8_t *out, size_t *out_len)
{
	bool mont = k->id == KE_CURVE25519;
	uint8_t point[1 + 2 * 66] = { 4 };
	mbedtls_ecp_point q;
	mbedtls_mpi z;
	int rc;

	*out_len = mont ? 32 : k->pub_len / 2;
	memcpy(point + !mont, peer.p, peer.len);
	mbedtls_ecp_point_init(&q);
	mbedtls_mpi_init(&z);
	if ((rc = mbedtls_ecp_point_read_binary(&k->grp, &q, point, peer.len + !mont)) ||
	    (rc = mbedtls_ecp_check_pubkey(&k->grp, &q)) ||
	    (rc = mbedtls_ecdh_compute_shared(&k->grp, &z, &q, &k->x, mbed_rng, NULL)))
		goto out;
	/* RFC 7748 §6.1: an all-zero result came from a small-order point. */
	if (mont && mbedtls_mpi_cmp_int(&z, 0) == 0)
		rc = MBEDTLS_ERR_ECP_INVALID_KEY;
	else if (mont)
		rc = mbedtls_mpi_write_binary_le(&z, out, *out_len);
	else
		rc = mbedtls_mpi_write_binary(&z, out, *out_len);
out:
	mbedtls_mpi_free(&z);
	mbedtls_ecp_point_free(&q);
	return rc;
}

int ke_shared(struct ke *k, struct slice peer, uint8_t *out, size_t *out_len, struct err *e)
{
	const char *label = alg_get(ALG_KE, k->id, 0)->label;
	int rc;

	if (peer.len != k->pub_len)
		return err_set(e, "the peer's %s value has %zu bytes instead of %u", label, peer.len,
			       k->pub_len);
	*out_len = k->pub_len;
	rc = curve(k->id) == MBEDTLS_ECP_DP_NONE ? modp_shared(k, peer, out)
						 : curve_shared(k, peer, out, out_len);
	if (rc) {
		secret_wipe(out, k->pub_len);
		return err_set(e, "the peer's %s value is not a valid one", label);
	}
	return 0;
}
