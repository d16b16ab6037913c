/* x509: certificates, parsed by core/crypto/der rather than by mbedTLS' x509 library: that one
 * would be another library to install, and shows neither all names nor what is wrong. */
#include "core/crypto/x509.h"

#include "core/crypto/crypto.h"
#include "core/crypto/der.h"
#include "core/crypto/pem.h"
#include "core/crypto/x509priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXTENSIONS_MAX 64
#define EKU_OIDS_MAX 64

/* ---- extensions ---- */

static int refuse(struct x509 *c, const char *fmt, const char *what)
{
	if (!c->refuse)
		snprintf(c->refuse_text, sizeof(c->refuse_text), fmt, what);
	c->refuse = c->refuse_text;
	return 0;
}

static int basic_constraints(struct x509 *c, struct rd *r)
{
	struct rd seq = der_take(r, DER_SEQUENCE);

	if (der_next_is(&seq, DER_BOOLEAN))
		c->ca = der_bool(&seq);
	if (der_next_is(&seq, DER_INTEGER))
		c->path_len = (int)der_small(&seq);
	return rd_done(&seq) ? 0 : -1;
}

/* A BIT STRING whose first bit is the highest of the first byte. */
static int key_usage(struct x509 *c, struct rd *r)
{
	struct rd in = der_take(r, DER_BIT_STRING);
	uint8_t unused = rd_u8(&in), bits = rd_u8(&in);

	if (!rd_ok(&in) || unused > 7 || in.left > 1)
		return -1;
	for (unsigned i = 0; i < 8; i++)
		if (bits & 0x80 >> i)
			c->key_usage |= 1u << i;
	/* A limit to nothing, or to decipherOnly, is a limit too. */
	if (!c->key_usage)
		c->key_usage = 1u << 31;
	return 0;
}

static unsigned eku_of(struct slice oid)
{
	static const uint8_t pkix[] = { 0x2b, 6, 1, 5, 5, 7, 3 };
	static const struct slice any = SLICE_LIT("\x55\x1d\x25\x00");
	static const struct slice old = SLICE_LIT("\x2b\x06\x01\x05\x05\x08\x02\x02");

	if (slice_is(oid, any))
		return X509_EKU_ANY;
	if (slice_is(oid, old))
		return X509_EKU_IKE_OLD;
	if (oid.len != sizeof(pkix) + 1 || memcmp(oid.p, pkix, sizeof(pkix)) != 0)
		return X509_EKU_OTHER;
	switch (oid.p[sizeof(pkix)]) {
	case 1: return X509_EKU_SERVER;
	case 2: return X509_EKU_CLIENT;
	case 5:
	case 6:
	case 7: return X509_EKU_IPSEC_OLD;
	case 17: return X509_EKU_IKE;
	}
	return X509_EKU_OTHER;
}

static int extended_key_usage(struct x509 *c, struct rd *r)
{
	struct rd seq = der_take(r, DER_SEQUENCE);

	for (size_t n = 0; seq.left; n++) {
		if (n == EKU_OIDS_MAX)
			return -1;
		c->eku |= eku_of(der_bytes(&seq, DER_OID));
	}
	return rd_done(&seq) && c->eku ? 0 : -1;
}

static int alt_names(struct x509 *c, struct rd *r)
{
	struct rd seq = der_take(r, DER_SEQUENCE), count = seq;
	size_t n = 0;
	uint8_t tag;

	for (; count.left; n++)
		der_any(&count, &tag);
	if (!rd_done(&count) || n == 0 || n > X509_SANS_MAX)
		return -1;
	c->sans = calloc(n, sizeof(*c->sans));
	if (!c->sans)
		return -1;
	while (seq.left) {
		struct x509_san *s = &c->sans[c->n_sans++];
		struct rd in = der_any(&seq, &tag);

		s->type = tag & 0x1f;
		/* directoryName is explicit: a whole Name inside. */
		s->value = rd_rest(&in);
		if ((tag & 0xc0) != 0x80 ||
		    (s->type == X509_SAN_IP && s->value.len != 4 && s->value.len != 16))
			return -1;
	}
	return 0;
}

/* The first URI of the first distribution point that has one. */
static int crl_points(struct x509 *c, struct rd *r)
{
	struct rd seq = der_take(r, DER_SEQUENCE);

	while (seq.left && !c->crl_url.len) {
		struct rd point = der_take(&seq, DER_SEQUENCE), name, full;
		uint8_t tag;

		if (!der_next_is(&point, DER_CONTEXT_CONS | 0))
			continue;
		name = der_take(&point, DER_CONTEXT_CONS | 0);
		if (!der_next_is(&name, DER_CONTEXT_CONS | 0))
			continue;
		full = der_take(&name, DER_CONTEXT_CONS | 0);
		while (full.left && !c->crl_url.len) {
			struct rd one = der_any(&full, &tag);

			if (tag == (DER_CONTEXT | X509_SAN_URI))
				c->crl_url = rd_rest(&one);
		}
	}
	return rd_ok(&seq) ? 0 : -1;
}

static int authority_key(struct x509 *c, struct rd *r)
{
	struct rd seq = der_take(r, DER_SEQUENCE);

	if (der_next_is(&seq, DER_CONTEXT | 0))
		c->authority_key_id = der_bytes(&seq, DER_CONTEXT | 0);
	return rd_ok(&seq) ? 0 : -1;
}

/* One extension whose value is r; id: the last byte of its OID under 2.5.29. */
static int extension(struct x509 *c, uint8_t id, bool critical, struct rd r)
{
	char word[24];
	int how = 0;

	switch (id) {
	case 14:
		c->key_id = der_bytes(&r, DER_OCTET_STRING);
		break;
	case 15:
		how = key_usage(c, &r);
		break;
	case 17:
		how = alt_names(c, &r);
		break;
	case 19:
		how = basic_constraints(c, &r);
		break;
	case 30:	/* to pass over them would be to trust more than was meant */
		return refuse(c, "has %s, which are not supported", "name constraints");
	case 31:
		how = crl_points(c, &r);
		break;
	case 32: case 33: case 54:
		return 0;	/* policies: any is taken, so they forbid nothing */
	case 35:
		how = authority_key(c, &r);
		break;
	case 37:
		how = extended_key_usage(c, &r);
		break;
	default:
		snprintf(word, sizeof(word), "2.5.29.%u", id);
		return critical ?
			       refuse(c,
				      "has the critical extension %s, which is not known",
				      word) :
			       0;
	}
	return how == 0 && rd_done(&r) ? 0 : -1;
}

int x509_extensions(struct x509 *c, struct rd *outer)
{
	struct rd list = der_take(outer, DER_SEQUENCE);
	uint64_t seen = 0;

	for (size_t n = 0; list.left; n++) {
		struct rd ext = der_take(&list, DER_SEQUENCE);
		struct slice oid = der_bytes(&ext, DER_OID), value;
		bool critical = der_next_is(&ext, DER_BOOLEAN) && der_bool(&ext);

		value = der_bytes(&ext, DER_OCTET_STRING);
		if (!rd_done(&ext) || n == EXTENSIONS_MAX)
			return -1;
		if (oid.len != 3 || oid.p[0] != 0x55 || oid.p[1] != 0x1d) {
			if (critical)
				refuse(c, "has a critical extension that is not known%s",
				       "");
			continue;
		}
		/* RFC 5280 §4.2: not the same one twice. */
		if (oid.p[2] < 64 && seen >> oid.p[2] & 1)
			return -1;
		if (oid.p[2] < 64)
			seen |= 1ull << oid.p[2];
		if (extension(c, oid.p[2], critical, rd_slice(value)) < 0)
			return -1;
	}
	return rd_done(&list) && rd_done(outer) ? 0 : -1;
}

static int extensions(struct x509 *c, struct rd *tbs)
{
	struct rd outer = der_take(tbs, DER_CONTEXT_CONS | 3);

	return x509_extensions(c, &outer);
}

/* ---- the certificate ---- */

static int tbs_parse(struct x509 *c)
{
	struct rd whole = rd_slice(c->tbs), t = der_take(&whole, DER_SEQUENCE), in;
	struct slice inner_alg;
	uint32_t version = 0;

	c->path_len = -1;
	if (der_next_is(&t, DER_CONTEXT_CONS | 0)) {
		in = der_take(&t, DER_CONTEXT_CONS | 0);
		version = der_small(&in);
		if (!rd_done(&in) || version > 2)
			return -1;
	}
	c->serial = der_bytes(&t, DER_INTEGER);
	inner_alg = der_whole(&t, DER_SEQUENCE);
	c->issuer = der_whole(&t, DER_SEQUENCE);
	in = der_take(&t, DER_SEQUENCE);
	c->not_before = der_time(&in);
	c->not_after = der_time(&in);
	if (!rd_done(&in))
		return -1;
	c->subject = der_whole(&t, DER_SEQUENCE);
	c->spki = der_whole(&t, DER_SEQUENCE);
	if (!rd_ok(&t) || !slice_is(inner_alg, c->sig_alg) || c->serial.len < 1 ||
	    c->serial.len > X509_SERIAL_MAX || x509_dn_check(c->issuer) < 0 ||
	    x509_dn_check(c->subject) < 0)
		return -1;
	if (der_next_is(&t, DER_CONTEXT | 1))
		der_bytes(&t, DER_CONTEXT | 1);
	if (der_next_is(&t, DER_CONTEXT | 2))
		der_bytes(&t, DER_CONTEXT | 2);
	if (t.left && (version != 2 || extensions(c, &t) < 0))
		return -1;
	if (version == 0)
		c->ca = slice_is(c->issuer, c->subject);
	return rd_done(&t) ? 0 : -1;
}

struct x509 *x509_parse(struct slice der, struct err *e)
{
	struct x509 *c;
	struct rd r, cert;
	uint8_t *own;

	if (der.len == 0 || der.len > X509_DER_MAX) {
		err_set(e, "a certificate of %zu bytes: 1 to %d can be", der.len,
			X509_DER_MAX);
		return NULL;
	}
	c = calloc(1, sizeof(*c));
	own = malloc(der.len);
	if (!c || !own) {
		free(c);
		free(own);
		err_set(e, "out of memory");
		return NULL;
	}
	memcpy(own, der.p, der.len);
	c->der = (struct slice){ own, der.len };
	r = rd_slice(c->der);
	cert = der_take(&r, DER_SEQUENCE);
	c->tbs = der_whole(&cert, DER_SEQUENCE);
	c->sig_alg = der_whole(&cert, DER_SEQUENCE);
	c->sig = der_bits(&cert);
	if (!rd_done(&cert) || !rd_done(&r) || tbs_parse(c) < 0) {
		err_set(e, "the certificate is malformed");
		x509_free(c);
		/* cppcheck-suppress memleak ; x509_free() has it */
		return NULL;
	}
	/* cppcheck-suppress memleak ; it is c's */
	return c;
}

void x509_free(struct x509 *c)
{
	if (!c)
		return;
	free(c->sans);
	free((uint8_t *)c->der.p);
	free(c);
}

static int take_pem(const struct pem *p, struct x509 **out, struct err *e)
{
	uint8_t *der;
	size_t len;

	*out = NULL;
	if (pem_bound(p) > X509_DER_MAX + 3)
		return err_set(e, "a certificate of more than %d bytes", X509_DER_MAX);
	der = malloc(pem_bound(p));
	if (!der)
		return err_set(e, "out of memory");
	if (pem_decode(p, der, &len) < 0)
		err_set(e, "the certificate's base64 is damaged");
	else
		*out = x509_parse((struct slice){ der, len }, e);
	free(der);
	return *out ? 0 : -1;
}

int x509_parse_file(struct slice file, struct x509 **out, size_t max, size_t *n,
		    struct err *e)
{
	struct slice text = file;
	struct pem p;

	*n = 0;
	if (!pem_is(file)) {
		out[0] = x509_parse(file, e);
		*n = out[0] != NULL;
		return out[0] ? 0 : -1;
	}
	while (pem_next(&text, &p)) {
		if (strcmp(p.label, "CERTIFICATE") != 0 &&
		    strcmp(p.label, "X509 CERTIFICATE") != 0)
			continue;
		if (*n == max) {
			err_set(e, "more than %zu certificates in one file", max);
			goto fail;
		}
		if (take_pem(&p, &out[*n], e) < 0) {
			if (*n)
				err_wrap(e, "certificate %zu of the file", *n + 1);
			goto fail;
		}
		++*n;
	}
	if (*n)
		return 0;
	return err_set(e, "there is no certificate in it");
fail:
	while (*n)
		x509_free(out[--*n]);
	return -1;
}

struct pk *x509_key(const struct x509 *c, struct err *e)
{
	return pk_public(c->spki, e);
}

void x509_spki_hash(const struct x509 *c, uint8_t out[X509_HASH_LEN])
{
	hash_sha1(&c->spki, 1, out);
}

int x509_check_signature(struct slice octets, struct slice sig_alg, struct slice sig,
			 const struct x509 *ca, struct err *e)
{
	enum pk_scheme s = pk_scheme_of_der(sig_alg);
	struct pk *k;
	int how;

	if (!s)
		return err_set(
			e, "its signature is of a kind that is not known or too weak");
	k = pk_public(ca->spki, e);
	if (!k)
		return -1;
	how = pk_verify(k, s, octets, sig, e);
	pk_free(k);
	return how;
}

bool x509_self_signed(const struct x509 *c)
{
	return x509_dn_equal(c->issuer, c->subject) &&
	       x509_check_signature(c->tbs, c->sig_alg, c->sig, c, NULL) == 0;
}
