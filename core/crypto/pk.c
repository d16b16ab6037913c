/* pk: RSA and ECDSA keys, read by core/crypto/der, worked with by mbedTLS' arithmetic. */
#include "core/crypto/pk.h"

#include "core/base/secret.h"
#include "core/crypto/mbed.h"
#include "core/crypto/pem.h"
#include "core/crypto/pkpriv.h"

#include <mbedtls/ecdsa.h>
#include <mbedtls/version.h>
#include <stdlib.h>
#include <string.h>

const struct slice pk_oid_rsa = SLICE_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01");
const struct slice pk_oid_ec = SLICE_LIT("\x2a\x86\x48\xce\x3d\x02\x01");

static const struct pk_curve curves[] = {
	{ MBEDTLS_ECP_DP_SECP256R1, 256, "P-256", 8,
	  { 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 } },
	{ MBEDTLS_ECP_DP_SECP384R1, 384, "P-384", 5, { 0x2b, 0x81, 4, 0, 0x22 } },
	{ MBEDTLS_ECP_DP_SECP521R1, 521, "P-521", 5, { 0x2b, 0x81, 4, 0, 0x23 } },
};

#define CURVES_N (sizeof(curves) / sizeof(curves[0]))

const struct pk_curve *pk_curve_by_oid(struct slice oid)
{
	for (size_t i = 0; i < CURVES_N; i++)
		if (slice_is(oid, (struct slice){ curves[i].oid, curves[i].oid_len }))
			return &curves[i];
	return NULL;
}

const struct pk_curve *pk_curve_by_bits(unsigned bits)
{
	for (size_t i = 0; i < CURVES_N; i++)
		if (curves[i].bits == bits)
			return &curves[i];
	return NULL;
}

struct pk *pk_empty(enum pk_type t)
{
	struct pk *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->type = t;
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	mbedtls_rsa_init(&k->rsa);
#else
	mbedtls_rsa_init(&k->rsa, MBEDTLS_RSA_PKCS_V15, 0);
#endif
	mbedtls_ecp_group_init(&k->grp);
	mbedtls_ecp_point_init(&k->q);
	mbedtls_mpi_init(&k->d);
	return k;
}

void pk_free(struct pk *k)
{
	if (!k)
		return;
	mbedtls_rsa_free(&k->rsa);	/* both wipe */
	mbedtls_mpi_free(&k->d);
	mbedtls_ecp_point_free(&k->q);
	mbedtls_ecp_group_free(&k->grp);
	free(k);
}

enum pk_type pk_type(const struct pk *k)
{
	return k->type;
}

unsigned pk_bits(const struct pk *k)
{
	return k->bits;
}

/* ---- reading public keys ---- */

static unsigned uint_bits(struct slice n)
{
	unsigned bits = (unsigned)(n.len - 1) * 8;

	for (uint8_t top = n.len ? n.p[0] : 0; top; top >>= 1)
		bits++;
	return n.len ? bits : 0;
}

/* A stranger's modulus and exponent: bounded, because a large exponent costs as much work as
 * thousands of usual ones. */
static int check_rsa(struct slice n, struct slice exp, unsigned *bits, struct err *e)
{
	*bits = uint_bits(n);
	if (*bits < PK_RSA_MIN || *bits > PK_RSA_MAX)
		return err_set(e, "an RSA key of %u bits: %d to %d can be", *bits,
			       PK_RSA_MIN, PK_RSA_MAX);
	if (!(n.p[n.len - 1] & 1) || uint_bits(exp) > 64 || uint_bits(exp) < 2 ||
	    !(exp.p[exp.len - 1] & 1))
		return err_set(e, "not an RSA key: its numbers cannot be");
	return 0;
}

static struct pk *rsa_public(struct slice bits_of_key, struct err *e)
{
	struct rd r = rd_slice(bits_of_key), seq = der_take(&r, DER_SEQUENCE);
	struct slice n = der_uint(&seq), exp = der_uint(&seq);
	struct pk *k;
	unsigned bits;

	if (!rd_done(&seq) || !rd_done(&r)) {
		err_set(e, "the RSA public key is malformed");
		return NULL;
	}
	if (check_rsa(n, exp, &bits, e) < 0)
		return NULL;
	k = pk_empty(PK_RSA);
	if (!k ||
	    mbedtls_rsa_import_raw(&k->rsa, n.p, n.len, NULL, 0, NULL, 0, NULL, 0, exp.p,
				   exp.len) ||
	    mbedtls_rsa_complete(&k->rsa) || mbedtls_rsa_check_pubkey(&k->rsa)) {
		err_set(e, "not an RSA key: its numbers cannot be");
		pk_free(k);
		return NULL;
	}
	k->bits = bits;
	return k;
}

static int ec_point(struct pk *k, struct slice point)
{
	/* Uncompressed, as RFC 5480 §2.2 requires to be supported; mbedTLS reads no other. */
	return point.len < 1 || point.p[0] != 4 ||
	       mbedtls_ecp_point_read_binary(&k->grp, &k->q, point.p, point.len) ||
	       mbedtls_ecp_check_pubkey(&k->grp, &k->q);
}

static struct pk *ec_empty(struct slice curve_oid, struct err *e)
{
	const struct pk_curve *c = pk_curve_by_oid(curve_oid);
	struct pk *k;

	if (!c) {
		err_set(e, "an elliptic curve other than P-256, P-384 and P-521");
		return NULL;
	}
	k = pk_empty(PK_ECDSA);
	if (!k || mbedtls_ecp_group_load(&k->grp, c->id)) {
		err_set(e, "out of memory");
		pk_free(k);
		return NULL;
	}
	k->bits = c->bits;
	return k;
}

struct pk *pk_public(struct slice der, struct err *e)
{
	struct rd r = rd_slice(der), spki = der_take(&r, DER_SEQUENCE);
	struct rd alg = der_take(&spki, DER_SEQUENCE);
	struct slice oid = der_bytes(&alg, DER_OID), key = der_bits(&spki), curve;
	struct pk *k;

	if (!rd_done(&spki) || !rd_done(&r) || !rd_ok(&alg)) {
		err_set(e, "the public key is malformed");
		return NULL;
	}
	if (slice_is(oid, pk_oid_rsa))
		return rsa_public(key, e);
	if (!slice_is(oid, pk_oid_ec)) {
		err_set(e, "a public key that is neither RSA nor ECDSA");
		return NULL;
	}
	curve = der_bytes(&alg, DER_OID);
	if (!rd_done(&alg)) {
		err_set(e, "an elliptic curve that is not a named one");
		return NULL;
	}
	k = ec_empty(curve, e);
	if (k && ec_point(k, key)) {
		err_set(e, "the public key is not a point of its curve");
		pk_free(k);
		return NULL;
	}
	return k;
}

/* ---- reading private keys ---- */

/* RSAPrivateKey, RFC 8017 §A.1.2. */
static struct pk *rsa_private(struct slice der, struct err *e)
{
	struct rd r = rd_slice(der), seq = der_take(&r, DER_SEQUENCE);
	uint32_t version = der_small(&seq);
	struct slice n = der_uint(&seq), exp = der_uint(&seq), d = der_uint(&seq);
	struct slice p = der_uint(&seq), q = der_uint(&seq);
	struct pk *k;
	unsigned bits;

	der_uint(&seq);		/* the CRT numbers follow from the others */
	der_uint(&seq);
	der_uint(&seq);
	if (!rd_done(&seq) || !rd_done(&r) || version != 0) {
		err_set(e, "the RSA key is malformed");
		return NULL;
	}
	if (check_rsa(n, exp, &bits, e) < 0)
		return NULL;
	if (bits < 2048) {
		err_set(e, "an RSA key of %u bits is too weak: 2048 is the least", bits);
		return NULL;
	}
	k = pk_empty(PK_RSA);
	if (!k ||
	    mbedtls_rsa_import_raw(&k->rsa, n.p, n.len, p.p, p.len, q.p, q.len, d.p,
				   d.len, exp.p, exp.len) ||
	    mbedtls_rsa_complete(&k->rsa) || mbedtls_rsa_check_privkey(&k->rsa)) {
		err_set(e, "the numbers of the RSA key do not belong together");
		pk_free(k);
		return NULL;
	}
	k->bits = bits;
	k->is_private = true;
	return k;
}

/* ECPrivateKey, RFC 5915 §3; curve_oid: PKCS#8 has it outside. */
static struct pk *ec_private(struct slice der, struct slice curve_oid, struct err *e)
{
	struct rd r = rd_slice(der), seq = der_take(&r, DER_SEQUENCE), in;
	uint32_t version = der_small(&seq);
	struct slice d = der_bytes(&seq, DER_OCTET_STRING), point = { 0 };
	struct pk *k;

	if (der_next_is(&seq, DER_CONTEXT_CONS | 0)) {
		in = der_take(&seq, DER_CONTEXT_CONS | 0);
		curve_oid = der_bytes(&in, DER_OID);
		if (!rd_done(&in))
			rd_fail(&seq);
	}
	if (der_next_is(&seq, DER_CONTEXT_CONS | 1)) {
		in = der_take(&seq, DER_CONTEXT_CONS | 1);
		point = der_bits(&in);
		if (!rd_done(&in))
			rd_fail(&seq);
	}
	if (!rd_done(&seq) || !rd_done(&r) || version != 1) {
		err_set(e, "the elliptic curve key is malformed");
		return NULL;
	}
	k = ec_empty(curve_oid, e);
	if (!k)
		return NULL;
	if (mbedtls_mpi_read_binary(&k->d, d.p, d.len) ||
	    mbedtls_ecp_check_privkey(&k->grp, &k->d) ||
	    mbedtls_ecp_mul(&k->grp, &k->q, &k->d, &k->grp.G, mbed_rng, NULL)) {
		err_set(e, "the number of the elliptic curve key cannot be");
		pk_free(k);
		return NULL;
	}
	if (point.len) {
		uint8_t own[1 + 2 * 66];
		size_t n;

		if (mbedtls_ecp_point_write_binary(&k->grp, &k->q,
						   MBEDTLS_ECP_PF_UNCOMPRESSED, &n, own,
						   sizeof(own)) ||
		    !slice_is(point, (struct slice){ own, n })) {
			err_set(e,
				"the two halves of the elliptic curve key do not match");
			pk_free(k);
			return NULL;
		}
	}
	k->is_private = true;
	return k;
}

/* PKCS#8, RFC 5958; the other two lack its inner SEQUENCE after the version. */
static struct pk *private_der(struct slice der, struct err *e)
{
	struct rd r = rd_slice(der), seq = der_take(&r, DER_SEQUENCE), alg;
	struct slice oid, curve = { 0 }, key;

	if (rd_ok(&seq) && der_next_is(&seq, DER_SEQUENCE)) {
		err_set(e, "the key is encrypted");
		return NULL;
	}
	der_small(&seq);
	if (!rd_ok(&seq)) {
		err_set(e, "not a private key");
		return NULL;
	}
	if (der_next_is(&seq, DER_INTEGER))
		return rsa_private(der, e);
	if (der_next_is(&seq, DER_OCTET_STRING))
		return ec_private(der, curve, e);
	alg = der_take(&seq, DER_SEQUENCE);
	oid = der_bytes(&alg, DER_OID);
	key = der_bytes(&seq, DER_OCTET_STRING);
	if (!rd_ok(&seq) || !rd_ok(&alg)) {
		err_set(e, "not a private key");
		return NULL;
	}
	if (slice_is(oid, pk_oid_rsa))
		return rsa_private(key, e);
	if (slice_is(oid, pk_oid_ec)) {
		curve = der_bytes(&alg, DER_OID);
		return ec_private(key, curve, e);
	}
	err_set(e, "a private key that is neither RSA nor ECDSA");
	return NULL;
}

struct pk *pk_private(struct slice file, struct err *e)
{
	struct slice text = file;
	struct pk *k = NULL;
	struct pem p;
	uint8_t *der;
	size_t len;

	if (!pem_is(file))
		return private_der(file, e);
	while (pem_next(&text, &p)) {
		size_t at = strlen(p.label) < 11 ? 0 : strlen(p.label) - 11;

		if (strcmp(p.label + at, "PRIVATE KEY") != 0)
			continue;
		if (p.encrypted || strcmp(p.label, "ENCRYPTED PRIVATE KEY") == 0) {
			err_set(e, "the key is encrypted");
			return NULL;
		}
		der = pem_bound(&p) <= SECRET_MAX ? secret_new(pem_bound(&p)) : NULL;
		if (!der) {
			err_set(e,
				"the key is larger than any can be, or memory is short");
			return NULL;
		}
		if (pem_decode(&p, der, &len) < 0)
			err_set(e, "the key's base64 is damaged");
		else
			k = private_der((struct slice){ der, len }, e);
		secret_free(der);
		return k;
	}
	err_set(e, "there is no private key in it");
	return NULL;
}

/* ---- signatures ---- */

static mbedtls_md_type_t scheme_md(enum pk_scheme s)
{
	switch (s) {
	case PK_RSA_PKCS1_SHA1:
		return MBEDTLS_MD_SHA1;
	case PK_RSA_PKCS1_SHA256:
	case PK_RSA_PSS_SHA256:
	case PK_ECDSA_SHA256:
	case PK_ECDSA_P256:
		return MBEDTLS_MD_SHA256;
	case PK_RSA_PKCS1_SHA384:
	case PK_RSA_PSS_SHA384:
	case PK_ECDSA_SHA384:
	case PK_ECDSA_P384:
		return MBEDTLS_MD_SHA384;
	case PK_RSA_PKCS1_SHA512:
	case PK_RSA_PSS_SHA512:
	case PK_ECDSA_SHA512:
	case PK_ECDSA_P521:
		return MBEDTLS_MD_SHA512;
	case PK_RSA_RAW:
	case PK_SCHEME_N:
		break;
	}
	return MBEDTLS_MD_NONE;
}

static bool scheme_pss(enum pk_scheme s)
{
	return s >= PK_RSA_PSS_SHA256 && s <= PK_RSA_PSS_SHA512;
}

/* r | s instead of a DER pair. */
static bool scheme_plain(enum pk_scheme s)
{
	return s >= PK_ECDSA_P256 && s <= PK_ECDSA_P521;
}

/* What is signed: the hash of the octets, or themselves. */
static int hash_of(enum pk_scheme s, struct slice octets, uint8_t out[PK_HASH_MAX],
		   struct slice *hash)
{
	mbedtls_md_type_t md = scheme_md(s);
	const mbedtls_md_info_t *info = mbedtls_md_info_from_type(md);

	if (md == MBEDTLS_MD_NONE) {
		*hash = octets;
		return octets.len >= 1 && octets.len <= PK_HASH_MAX ? 0 : -1;
	}
	*hash = (struct slice){ out, info ? mbedtls_md_get_size(info) : 0 };
	return !info || mbedtls_md(info, octets.p, octets.len, out) ? -1 : 0;
}

static int fits(const struct pk *k, enum pk_scheme s, struct err *e)
{
	if (pk_scheme_fits(s, k->type, k->bits))
		return 0;
	return err_set(e, "%s does not go with %s of %u bits", pk_scheme_name(s),
		       k->type == PK_RSA ? "an RSA key" : "an ECDSA key", k->bits);
}

static int rsa_sign(struct pk *k, enum pk_scheme s, struct slice hash, uint8_t *out,
		    size_t *len)
{
	uint8_t em[PK_SIGNATURE_MAX];
	size_t n = mbedtls_rsa_get_len(&k->rsa);
	int rc;

	rc = scheme_pss(s) ? pk_pad_pss(scheme_md(s), hash, k->bits, em, n)
			   : pk_pad_pkcs1(scheme_md(s), hash, em, n);
	if (rc == 0)
		rc = mbedtls_rsa_private(&k->rsa, mbed_rng, NULL, em, out);
	*len = n;
	secret_wipe(em, sizeof(em));
	return rc;
}

static int ec_sign(struct pk *k, enum pk_scheme s, struct slice hash, uint8_t *out,
		   size_t *len)
{
	size_t n = (k->bits + 7) / 8, mark;
	uint8_t num[66], buf[2 * 66 + 16];
	struct der_out o = der_out(buf, sizeof(buf));
	mbedtls_mpi r, sv;
	struct slice der;
	int rc;

	mbedtls_mpi_init(&r);
	mbedtls_mpi_init(&sv);
	if ((rc = mbedtls_ecdsa_sign(&k->grp, &r, &sv, &k->d, hash.p, hash.len, mbed_rng,
				     NULL)))
		goto out;
	if (scheme_plain(s)) {
		*len = 2 * n;
		if ((rc = mbedtls_mpi_write_binary(&r, out, n)) == 0)
			rc = mbedtls_mpi_write_binary(&sv, out + n, n);
		goto out;
	}
	mark = der_mark(&o);
	if ((rc = mbedtls_mpi_write_binary(&sv, num, n)))
		goto out;
	der_put_uint(&o, (struct slice){ num, n });
	if ((rc = mbedtls_mpi_write_binary(&r, num, n)))
		goto out;
	der_put_uint(&o, (struct slice){ num, n });
	der_head(&o, DER_SEQUENCE, mark);
	der = der_done(&o);
	memcpy(out, der.p, der.len);
	*len = der.len;
out:
	mbedtls_mpi_free(&r);
	mbedtls_mpi_free(&sv);
	return rc;
}

int pk_sign(struct pk *k, enum pk_scheme s, struct slice octets, uint8_t *out,
	    size_t *len, struct err *e)
{
	uint8_t buf[PK_HASH_MAX];
	struct slice hash;
	int rc;

	if (fits(k, s, e) < 0)
		return -1;
	if (!k->is_private)
		return err_set(e, "only the public half of this key is here");
	if (hash_of(s, octets, buf, &hash) < 0)
		return err_set(e, "%zu bytes cannot be signed as a hash", octets.len);
	rc = k->type == PK_RSA ? rsa_sign(k, s, hash, out, len) :
				 ec_sign(k, s, hash, out, len);
	if (rc)
		return err_set(e, "the signature could not be made: mbedTLS says -0x%04x",
			       (unsigned)-rc);
	return 0;
}

static int rsa_verify(struct pk *k, enum pk_scheme s, struct slice hash, struct slice sig)
{
	uint8_t got[PK_SIGNATURE_MAX], want[PK_SIGNATURE_MAX];
	size_t n = mbedtls_rsa_get_len(&k->rsa);

	/* As long as the modulus and smaller: RFC 8017 §8.2.2; mbedTLS checks the second. */
	if (sig.len != n || mbedtls_rsa_public(&k->rsa, sig.p, got))
		return -1;
	if (scheme_pss(s))
		return pk_check_pss(scheme_md(s), hash, k->bits, got, n);
	if (pk_pad_pkcs1(scheme_md(s), hash, want, n) < 0)
		return -1;
	return memcmp(got, want, n) == 0 ? 0 : -1;
}

static int ec_verify(struct pk *k, enum pk_scheme s, struct slice hash, struct slice sig)
{
	size_t n = (k->bits + 7) / 8;
	struct slice rs, ss;
	mbedtls_mpi r, sv;
	int rc;

	if (scheme_plain(s)) {
		if (sig.len != 2 * n)
			return -1;
		rs = (struct slice){ sig.p, n };
		ss = (struct slice){ sig.p + n, n };
	} else {
		struct rd in = rd_slice(sig), seq = der_take(&in, DER_SEQUENCE);

		rs = der_uint(&seq);
		ss = der_uint(&seq);
		if (!rd_done(&seq) || !rd_done(&in) || rs.len > n || ss.len > n)
			return -1;
	}
	mbedtls_mpi_init(&r);
	mbedtls_mpi_init(&sv);
	rc = mbedtls_mpi_read_binary(&r, rs.p, rs.len) ||
	     mbedtls_mpi_read_binary(&sv, ss.p, ss.len) ||
	     mbedtls_ecdsa_verify(&k->grp, hash.p, hash.len, &k->q, &r, &sv);
	mbedtls_mpi_free(&r);
	mbedtls_mpi_free(&sv);
	return rc ? -1 : 0;
}

int pk_verify(struct pk *k, enum pk_scheme s, struct slice octets, struct slice sig,
	      struct err *e)
{
	uint8_t buf[PK_HASH_MAX];
	struct slice hash;

	if (fits(k, s, e) < 0)
		return -1;
	if (hash_of(s, octets, buf, &hash) < 0)
		return err_set(e, "%zu bytes cannot be signed as a hash", octets.len);
	if ((k->type == PK_RSA ? rsa_verify(k, s, hash, sig) :
				 ec_verify(k, s, hash, sig)) < 0)
		return err_set(e, "the signature (%s) is not this key's",
			       pk_scheme_name(s));
	return 0;
}
