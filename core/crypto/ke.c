/* ke: Diffie-Hellman over MODP groups and curves, one object for both. What a group has of its
 * own (prime, Montgomery constant, the base point's table) is made once a process: that is a
 * third of the work of a key pair on the NIST curves. */
#include "core/crypto/crypto.h"

#include "core/base/secret.h"
#include "core/crypto/ke_priv.h"
#include "core/crypto/mbed.h"
#include "core/crypto/modp.h"
#include "core/crypto/x25519.h"

#include <mbedtls/bignum.h>
#include <mbedtls/ecdh.h>
#include <mbedtls/ecp.h>
#include <string.h>

enum kind { MODP, ECP, X25519 };

/* Loaded by the first pair of the group; only read after that. */
struct group {
	uint16_t id;
	enum kind kind;
	mbedtls_ecp_group_id curve;
	bool loaded;
	size_t exponent_bits;
	mbedtls_mpi p, top, rr;		/* MODP: p, p-1, R² mod p */
	mbedtls_ecp_group grp;		/* ECP */
};

static struct group groups[] = {
	{ .id = KE_CURVE25519, .kind = X25519, .loaded = true },
	{ .id = KE_ECP_256, .kind = ECP, .curve = MBEDTLS_ECP_DP_SECP256R1 },
	{ .id = KE_ECP_384, .kind = ECP, .curve = MBEDTLS_ECP_DP_SECP384R1 },
	{ .id = KE_ECP_521, .kind = ECP, .curve = MBEDTLS_ECP_DP_SECP521R1 },
	{ .id = KE_MODP_2048, .kind = MODP }, { .id = KE_MODP_3072, .kind = MODP },
	{ .id = KE_MODP_4096, .kind = MODP }, { .id = KE_MODP_6144, .kind = MODP },
	{ .id = KE_MODP_8192, .kind = MODP }, { .id = KE_MODP_1536, .kind = MODP },
	{ .id = KE_MODP_1024, .kind = MODP }, { .id = KE_MODP_768, .kind = MODP },
};

struct ke {
	struct group *g;
	uint16_t pub_len;
	mbedtls_mpi x;			/* the private exponent or scalar; wiped by its free */
	uint8_t scalar[X25519_LEN];	/* X25519 */
	uint8_t pub[];
};

static int group_load(struct group *g)
{
	int rc;

	if (g->loaded)
		return 0;
	if (g->kind == ECP) {
		mbedtls_ecp_group_init(&g->grp);
		rc = mbedtls_ecp_group_load(&g->grp, g->curve);
	} else {
		mbedtls_mpi_init(&g->p);
		mbedtls_mpi_init(&g->top);
		mbedtls_mpi_init(&g->rr);
		rc = modp_prime(g->id, &g->p, &g->exponent_bits);
		if (!rc)
			rc = mbedtls_mpi_sub_int(&g->top, &g->p, 1);
	}
	if (rc) {
		mbedtls_ecp_group_free(&g->grp);
		mbedtls_mpi_free(&g->p);
		mbedtls_mpi_free(&g->top);
		return rc;
	}
	g->loaded = true;
	return 0;
}

static int modp_private(struct ke *k, struct slice given)
{
	size_t bits = k->g->exponent_bits;
	int rc;

	if (given.len)
		return mbedtls_mpi_read_binary(&k->x, given.p, given.len);
	rc = mbedtls_mpi_fill_random(&k->x, (bits + 7) / 8, mbed_rng, NULL);
	if (!rc && bits % 8)
		rc = mbedtls_mpi_shift_r(&k->x, 8 - bits % 8);
	return rc ? rc : mbedtls_mpi_set_bit(&k->x, bits - 1, 1);
}

static int modp_make(struct ke *k, struct slice given)
{
	mbedtls_mpi g, y;
	int rc;

	mbedtls_mpi_init(&g);
	mbedtls_mpi_init(&y);
	if ((rc = modp_private(k, given)) || (rc = mbedtls_mpi_lset(&g, 2)) ||
	    (rc = mbedtls_mpi_exp_mod(&y, &g, &k->x, &k->g->p, &k->g->rr)))
		goto out;
	rc = mbedtls_mpi_write_binary(&y, k->pub, k->pub_len);
out:
	mbedtls_mpi_free(&g);
	mbedtls_mpi_free(&y);
	return rc;
}

/* The IKE encoding leaves out the leading 4 of an uncompressed point (RFC 5903 §7). */
static int ecp_make(struct ke *k, struct slice given)
{
	mbedtls_ecp_group *grp = &k->g->grp;
	uint8_t point[1 + 2 * 66];
	mbedtls_ecp_point q;
	size_t len;
	int rc;

	mbedtls_ecp_point_init(&q);
	rc = given.len ? mbedtls_mpi_read_binary(&k->x, given.p, given.len)
		       : mbedtls_ecp_gen_privkey(grp, &k->x, mbed_rng, NULL);
	if (rc || (rc = mbedtls_ecp_mul(grp, &q, &k->x, &grp->G, mbed_rng, NULL)) ||
	    (rc = mbedtls_ecp_point_write_binary(grp, &q, MBEDTLS_ECP_PF_UNCOMPRESSED, &len,
						 point, sizeof(point))))
		goto out;
	if (len != k->pub_len + 1u)
		rc = MBEDTLS_ERR_ECP_BAD_INPUT_DATA;
	else
		memcpy(k->pub, point + 1, k->pub_len);
out:
	mbedtls_ecp_point_free(&q);
	return rc;
}

static int x25519_make(struct ke *k, struct slice given)
{
	if (given.len && given.len != X25519_LEN)
		return MBEDTLS_ERR_ECP_BAD_INPUT_DATA;
	if (given.len)
		memcpy(k->scalar, given.p, X25519_LEN);
	else
		mbed_rng(NULL, k->scalar, X25519_LEN);
	return x25519_public(k->scalar, k->pub);
}

static int make(struct ke *k, struct slice given)
{
	int rc = group_load(k->g);

	if (rc)
		return rc;
	switch (k->g->kind) {
	case MODP:
		return modp_make(k, given);
	case ECP:
		return ecp_make(k, given);
	case X25519:
		return x25519_make(k, given);
	}
	return -1;
}

struct ke *ke_from_private(uint16_t id, struct slice given, struct err *e)
{
	const struct alg *a = alg_get(ALG_KE, id, 0);
	struct ke *k;
	size_t i = 0;
	int rc;

	while (i < sizeof(groups) / sizeof(groups[0]) && groups[i].id != id)
		i++;
	if (!a || i == sizeof(groups) / sizeof(groups[0])) {
		err_set(e, "key exchange group %u is not known here", id);
		return NULL;
	}
	k = secret_new(sizeof(*k) + a->pub_len);
	if (!k) {
		err_errno(e, "out of memory");
		return NULL;
	}
	k->g = &groups[i];
	k->pub_len = a->pub_len;
	mbedtls_mpi_init(&k->x);
	rc = make(k, given);
	if (rc) {
		err_set(e, "no key pair of %s: mbedTLS says -0x%04x", a->label, (unsigned)-rc);
		ke_free(k);
		return NULL;
	}
	return k;
}

struct ke *ke_make(uint16_t id, struct err *e)
{
	return ke_from_private(id, (struct slice){ 0 }, e);
}

struct ke *ke_new(uint16_t id, struct err *e)
{
	struct ke *k = ke_pool_take(id);

	return k ? k : ke_make(id, e);
}

void ke_free(struct ke *k)
{
	if (!k)
		return;
	mbedtls_mpi_free(&k->x);
	secret_free(k);
}

uint16_t ke_id(const struct ke *k)
{
	return k->g->id;
}

struct slice ke_public(const struct ke *k)
{
	return (struct slice){ k->pub, k->pub_len };
}

/* 1 < y < p-1, RFC 6989 §2.1. */
static int modp_shared(struct ke *k, struct slice peer, uint8_t *out)
{
	struct group *g = k->g;
	mbedtls_mpi y, z;
	int rc;

	mbedtls_mpi_init(&y);
	mbedtls_mpi_init(&z);
	if ((rc = mbedtls_mpi_read_binary(&y, peer.p, peer.len)))
		goto out;
	if (mbedtls_mpi_cmp_int(&y, 1) <= 0 || mbedtls_mpi_cmp_mpi(&y, &g->top) >= 0) {
		rc = MBEDTLS_ERR_MPI_BAD_INPUT_DATA;
		goto out;
	}
	if ((rc = mbedtls_mpi_exp_mod(&z, &y, &k->x, &g->p, &g->rr)))
		goto out;
	rc = mbedtls_mpi_write_binary(&z, out, k->pub_len);
out:
	mbedtls_mpi_free(&y);
	mbedtls_mpi_free(&z);
	return rc;
}

/* The x coordinate alone (RFC 5903 §7). */
static int ecp_shared(struct ke *k, struct slice peer, uint8_t *out, size_t *out_len)
{
	mbedtls_ecp_group *grp = &k->g->grp;
	uint8_t point[1 + 2 * 66] = { 4 };
	mbedtls_ecp_point q;
	mbedtls_mpi z;
	int rc;

	*out_len = k->pub_len / 2;
	memcpy(point + 1, peer.p, peer.len);
	mbedtls_ecp_point_init(&q);
	mbedtls_mpi_init(&z);
	if ((rc = mbedtls_ecp_point_read_binary(grp, &q, point, peer.len + 1)) ||
	    (rc = mbedtls_ecp_check_pubkey(grp, &q)) ||
	    (rc = mbedtls_ecdh_compute_shared(grp, &z, &q, &k->x, mbed_rng, NULL)))
		goto out;
	rc = mbedtls_mpi_write_binary(&z, out, *out_len);
out:
	mbedtls_mpi_free(&z);
	mbedtls_ecp_point_free(&q);
	return rc;
}

static int shared(struct ke *k, struct slice peer, uint8_t *out, size_t *out_len)
{
	*out_len = k->pub_len;
	switch (k->g->kind) {
	case MODP:
		return modp_shared(k, peer, out);
	case ECP:
		return ecp_shared(k, peer, out, out_len);
	case X25519:
		return x25519_shared(k->scalar, peer.p, out);
	}
	return -1;
}

int ke_shared(struct ke *k, struct slice peer, uint8_t *out, size_t *out_len, struct err *e)
{
	const char *label = alg_get(ALG_KE, k->g->id, 0)->label;

	if (peer.len != k->pub_len)
		return err_set(e, "the peer's %s value has %zu bytes instead of %u", label, peer.len,
			       k->pub_len);
	if (shared(k, peer, out, out_len)) {
		secret_wipe(out, k->pub_len);
		return err_set(e, "the peer's %s value is not a valid one", label);
	}
	return 0;
}
