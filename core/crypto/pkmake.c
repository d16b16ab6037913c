/* pkmake: keys are made and written with core/crypto/der, as they are read. */
#include "core/crypto/pkmake.h"

#include "core/base/secret.h"
#include "core/crypto/mbed.h"
#include "core/crypto/pkpriv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *word;
	enum pk_type type;
	unsigned bits;
} kinds[] = {
	{ "rsa3072", PK_RSA, 3072 },
	{ "rsa2048", PK_RSA, 2048 },
	{ "rsa4096", PK_RSA, 4096 },
	{ "ecdsa256", PK_ECDSA, 256 },
	{ "ecdsa384", PK_ECDSA, 384 },
	{ "ecdsa521", PK_ECDSA, 521 },
	/* as others write them */
	{ "rsa", PK_RSA, 3072 },
	{ "ecdsa", PK_ECDSA, 256 },
	{ "ec", PK_ECDSA, 256 },
	{ "p256", PK_ECDSA, 256 },
	{ "p384", PK_ECDSA, 384 },
	{ "p521", PK_ECDSA, 521 },
	{ "ecp256", PK_ECDSA, 256 },
	{ "ecp384", PK_ECDSA, 384 },
	{ "ecp521", PK_ECDSA, 521 },
	{ "prime256v1", PK_ECDSA, 256 },
	{ "secp384r1", PK_ECDSA, 384 },
	{ "secp521r1", PK_ECDSA, 521 },
};

int pk_kind_parse(const char *word, enum pk_type *t, unsigned *bits, struct err *e)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcasecmp(kinds[i].word, word) == 0) {
			*t = kinds[i].type;
			*bits = kinds[i].bits;
			return 0;
		}
	return err_code(e, EXIT_USAGE,
			"\"%.40s\" is no kind of key: rsa2048, rsa3072, rsa4096, "
			"ecdsa256, ecdsa384 or ecdsa521",
			word);
}

const char *pk_kind_str(enum pk_type t, unsigned bits, char *buf, size_t cap)
{
	snprintf(buf, cap, "%s%u", t == PK_RSA ? "rsa" : "ecdsa", bits);
	return buf;
}

struct pk *pk_generate(enum pk_type t, unsigned bits, struct err *e)
{
	const struct pk_curve *c = t == PK_ECDSA ? pk_curve_by_bits(bits) : NULL;
	struct pk *k;
	int rc;

	if (t == PK_RSA ? bits < 2048 || bits > PK_RSA_MAX || bits % 256 : !c) {
		err_set(e, "a key of %u bits cannot be made", bits);
		return NULL;
	}
	k = pk_empty(t);
	if (!k) {
		err_set(e, "out of memory");
		return NULL;
	}
	if (t == PK_RSA)
		rc = mbedtls_rsa_gen_key(&k->rsa, mbed_rng, NULL, bits, 65537);
	else if ((rc = mbedtls_ecp_group_load(&k->grp, c->id)) == 0)
		rc = mbedtls_ecp_gen_keypair(&k->grp, &k->d, &k->q, mbed_rng, NULL);
	if (rc) {
		err_set(e, "the key could not be made: mbedTLS says -0x%04x",
			(unsigned)-rc);
		pk_free(k);
		return NULL;
	}
	k->bits = bits;
	k->is_private = true;
	return k;
}

static void put_mpi(struct der_out *o, const mbedtls_mpi *m)
{
	uint8_t *buf = secret_new(PK_RSA_MAX / 8);
	size_t n = mbedtls_mpi_size(m);

	if (!buf || n > PK_RSA_MAX / 8 || mbedtls_mpi_write_binary(m, buf, n))
		o->bad = true;
	else
		der_put_uint(o, (struct slice){ buf, n });
	secret_free(buf);
}

static void put_rsa_public(struct der_out *o, const struct pk *k)
{
	size_t mark = der_mark(o);
	mbedtls_mpi n, exp;

	mbedtls_mpi_init(&n);
	mbedtls_mpi_init(&exp);
	if (mbedtls_rsa_export(&k->rsa, &n, NULL, NULL, NULL, &exp))
		o->bad = true;
	put_mpi(o, &exp);
	put_mpi(o, &n);
	der_head(o, DER_SEQUENCE, mark);
	mbedtls_mpi_free(&n);
	mbedtls_mpi_free(&exp);
}

static void put_point(struct der_out *o, const struct pk *k)
{
	uint8_t point[1 + 2 * 66];
	size_t n;

	if (mbedtls_ecp_point_write_binary(&k->grp, &k->q, MBEDTLS_ECP_PF_UNCOMPRESSED,
					   &n, point, sizeof(point)))
		o->bad = true;
	else
		der_put(o, point, n);
}

/* AlgorithmIdentifier of the key. */
static void put_alg(struct der_out *o, const struct pk *k)
{
	size_t mark = der_mark(o);

	if (k->type == PK_RSA) {
		der_put_tlv(o, DER_NULL, (struct slice){ 0 });
		der_put_tlv(o, DER_OID, pk_oid_rsa);
	} else {
		const struct pk_curve *c = pk_curve_by_bits(k->bits);

		der_put_tlv(o, DER_OID, (struct slice){ c->oid, c->oid_len });
		der_put_tlv(o, DER_OID, pk_oid_ec);
	}
	der_head(o, DER_SEQUENCE, mark);
}

static int out_front(struct der_out *o, size_t *len, struct err *e)
{
	struct slice s = der_done(o);

	if (!s.len)
		return err_set(
			e, "the key could not be written: it is too large, or memory is "
			   "short");
	memmove(o->buf, s.p, s.len);
	*len = s.len;
	return 0;
}

int pk_write_public(const struct pk *k, uint8_t *out, size_t *len, struct err *e)
{
	struct der_out o = der_out(out, PK_DER_MAX);
	size_t all = der_mark(&o);

	if (k->type == PK_RSA)
		put_rsa_public(&o, k);
	else
		put_point(&o, k);
	der_put_byte(&o, 0);
	der_head(&o, DER_BIT_STRING, all);
	put_alg(&o, k);
	der_head(&o, DER_SEQUENCE, all);
	return out_front(&o, len, e);
}

/* RSAPrivateKey, RFC 8017 §A.1.2, written from its end. */
static void put_rsa_private(struct der_out *o, struct pk *k)
{
	size_t mark = der_mark(o);
	mbedtls_mpi m[8];

	for (int i = 0; i < 8; i++)
		mbedtls_mpi_init(&m[i]);
	if (mbedtls_rsa_export(&k->rsa, &m[0], &m[3], &m[4], &m[2], &m[1]) ||
	    mbedtls_rsa_export_crt(&k->rsa, &m[5], &m[6], &m[7]))
		o->bad = true;
	for (int i = 7; i >= 0; i--)
		put_mpi(o, &m[i]);
	der_put_small(o, 0);
	der_head(o, DER_SEQUENCE, mark);
	for (int i = 0; i < 8; i++)
		mbedtls_mpi_free(&m[i]);
}

/* ECPrivateKey, RFC 5915 §3, with the public point, without the curve: PKCS#8 says it. */
static void put_ec_private(struct der_out *o, struct pk *k)
{
	size_t n = (k->bits + 7) / 8, mark = der_mark(o);
	uint8_t *d = secret_new(n);

	put_point(o, k);
	der_put_byte(o, 0);
	der_head(o, DER_BIT_STRING, mark);
	der_head(o, DER_CONTEXT_CONS | 1, mark);
	if (!d || mbedtls_mpi_write_binary(&k->d, d, n))
		o->bad = true;
	else
		der_put_tlv(o, DER_OCTET_STRING, (struct slice){ d, n });
	secret_free(d);
	der_put_small(o, 1);
	der_head(o, DER_SEQUENCE, mark);
}

int pk_write_private(struct pk *k, uint8_t *out, size_t *len, struct err *e)
{
	struct der_out o = der_out(out, PK_DER_MAX);
	size_t all = der_mark(&o);
	int r;

	if (!k->is_private)
		return err_set(e, "only the public half of this key is here");
	if (k->type == PK_RSA)
		put_rsa_private(&o, k);
	else
		put_ec_private(&o, k);
	der_head(&o, DER_OCTET_STRING, all);
	put_alg(&o, k);
	der_put_small(&o, 0);
	der_head(&o, DER_SEQUENCE, all);
	r = out_front(&o, len, e);
	if (r == 0)
		secret_wipe(out + *len, PK_DER_MAX - *len);
	else
		secret_wipe(out, PK_DER_MAX);
	return r;
}

bool pk_same(const struct pk *a, const struct pk *b)
{
	uint8_t one[PK_DER_MAX], two[PK_DER_MAX];
	size_t n1, n2;

	return pk_write_public(a, one, &n1, NULL) == 0 &&
	       pk_write_public(b, two, &n2, NULL) == 0 && n1 == n2 &&
	       memcmp(one, two, n1) == 0;
}

bool pk_has_private(const struct pk *k)
{
	return k->is_private;
}
