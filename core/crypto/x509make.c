/* x509make: written from the end to the front, as core/crypto/der does. */
#include "core/crypto/x509make.h"

#include "core/base/rng.h"
#include "core/crypto/crypto.h"
#include "core/crypto/der.h"
#include "core/crypto/pem.h"
#include "core/crypto/pkmake.h"
#include "core/crypto/x509priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SERIAL_LEN 16
#define CRL_ENTRY_MAX 96

static enum pk_scheme scheme_of(const struct pk *k)
{
	if (pk_type(k) == PK_RSA)
		return PK_RSA_PKCS1_SHA256;
	return pk_bits(k) == 256 ? PK_ECDSA_SHA256 : pk_bits(k) == 384 ? PK_ECDSA_SHA384 :
							       PK_ECDSA_SHA512;
}

/* ---- extensions ---- */

/* 2.5.29.id around what was written since mark. */
static void extension(struct der_out *o, uint8_t id, bool critical, size_t mark)
{
	uint8_t oid[3] = { 0x55, 0x1d, id };
	uint8_t yes = 0xff;

	der_head(o, DER_OCTET_STRING, mark);
	if (critical)
		der_put_tlv(o, DER_BOOLEAN, (struct slice){ &yes, 1 });
	der_put_tlv(o, DER_OID, (struct slice){ oid, 3 });
	der_head(o, DER_SEQUENCE, mark);
}

/* SHA-1 of the key's bits, RFC 5280 §4.2.1.2 (1). */
static void key_id_of(struct slice spki, uint8_t out[X509_HASH_LEN])
{
	struct rd r = rd_slice(spki), seq = der_take(&r, DER_SEQUENCE);
	struct slice bits;

	der_whole(&seq, DER_SEQUENCE);
	bits = der_bits(&seq);
	hash_sha1(&bits, 1, out);
}

static void put_key_id(struct der_out *o, struct slice spki)
{
	uint8_t id[X509_HASH_LEN];
	size_t mark = der_mark(o);

	key_id_of(spki, id);
	der_put_tlv(o, DER_OCTET_STRING, (struct slice){ id, sizeof(id) });
	extension(o, 14, false, mark);
}

static void put_authority(struct der_out *o, const struct x509 *ca)
{
	uint8_t id[X509_HASH_LEN];
	struct slice s = ca->key_id;
	size_t mark = der_mark(o);

	if (!s.len) {
		key_id_of(ca->spki, id);
		s = (struct slice){ id, sizeof(id) };
	}
	der_put_tlv(o, DER_CONTEXT | 0, s);
	der_head(o, DER_SEQUENCE, mark);
	extension(o, 35, false, mark);
}

static void put_constraints(struct der_out *o, const struct x509_want *w)
{
	size_t mark = der_mark(o);
	uint8_t yes = 0xff;

	if (w->ca && w->path_len >= 0)
		der_put_small(o, (uint32_t)w->path_len);
	if (w->ca)
		der_put_tlv(o, DER_BOOLEAN, (struct slice){ &yes, 1 });
	der_head(o, DER_SEQUENCE, mark);
	extension(o, 19, true, mark);
}

static void put_usage(struct der_out *o, bool ca)
{
	/* unused bits, then keyCertSign and cRLSign, or digitalSignature */
	static const uint8_t of_ca[] = { 1, 0x06 }, of_peer[] = { 7, 0x80 };
	size_t mark = der_mark(o);

	der_put_tlv(o, DER_BIT_STRING, (struct slice){ ca ? of_ca : of_peer, 2 });
	extension(o, 15, true, mark);
}

static const struct {
	unsigned bit;
	const char *names[4];	/* the first is what is printed */
	struct slice oid;
} ekus[] = {
	{ X509_EKU_SERVER,
	  { "serverAuth", "server" },
	  SLICE_LIT("\x2b\x06\x01\x05\x05\x07\x03\x01") },
	{ X509_EKU_CLIENT,
	  { "clientAuth", "client" },
	  SLICE_LIT("\x2b\x06\x01\x05\x05\x07\x03\x02") },
	{ X509_EKU_IKE,
	  { "ipsecIKE", "ike" },
	  SLICE_LIT("\x2b\x06\x01\x05\x05\x07\x03\x11") },
	{ X509_EKU_IKE_OLD,
	  { "ikeIntermediate", "1.3.6.1.5.5.8.2.2" },
	  SLICE_LIT("\x2b\x06\x01\x05\x05\x08\x02\x02") },
	{ X509_EKU_ANY, { "any", "anyExtendedKeyUsage" }, SLICE_LIT("\x55\x1d\x25\x00") },
};

#define EKUS_N (sizeof(ekus) / sizeof(ekus[0]))

int x509_eku_parse(const char *text, unsigned *eku, struct err *e)
{
	char list[200], *save = NULL;

	*eku = 0;
	if (strcasecmp(text, "none") == 0)
		return 0;
	snprintf(list, sizeof(list), "%s", text);
	for (char *w = strtok_r(list, ", ", &save); w; w = strtok_r(NULL, ", ", &save)) {
		unsigned bit = 0;

		for (size_t i = 0; i < EKUS_N; i++)
			for (size_t n = 0; n < 4 && ekus[i].names[n]; n++)
				if (strcasecmp(ekus[i].names[n], w) == 0)
					bit = ekus[i].bit;
		if (!bit)
			return err_code(
				e, EXIT_USAGE,
				"\"%.40s\" is no extended key usage: "
				"serverAuth, clientAuth, ipsecIKE, ikeIntermediate, any or "
				"none",
				w);
		*eku |= bit;
	}
	return 0;
}

const char *x509_eku_str(unsigned eku, char *buf, size_t cap)
{
	size_t n = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < EKUS_N && n < cap; i++)
		if (eku & ekus[i].bit)
			n += (size_t)snprintf(buf + n, cap - n, "%s%s", n ? "," : "",
					      ekus[i].names[0]);
	if (eku & X509_EKU_IPSEC_OLD && n < cap)
		n += (size_t)snprintf(buf + n, cap - n, "%sipsecEndSystem", n ? "," : "");
	if (eku & X509_EKU_OTHER && n < cap)
		snprintf(buf + n, cap - n, "%sothers", n ? "," : "");
	return buf;
}

static void put_eku(struct der_out *o, unsigned eku)
{
	size_t mark = der_mark(o);

	for (size_t i = EKUS_N; i-- > 0;)
		if (eku & ekus[i].bit)
			der_put_tlv(o, DER_OID, ekus[i].oid);
	der_head(o, DER_SEQUENCE, mark);
	extension(o, 37, false, mark);
}

static void put_sans(struct der_out *o, const struct x509_want *w)
{
	size_t mark = der_mark(o);

	for (size_t i = w->n_sans; i-- > 0;) {
		/* directoryName is a choice, so its tag is explicit */
		uint8_t tag = w->sans[i].type == X509_SAN_DIRECTORY ? DER_CONTEXT_CONS :
								      DER_CONTEXT;

		der_put_tlv(o, tag | w->sans[i].type, w->sans[i].value);
	}
	der_head(o, DER_SEQUENCE, mark);
	extension(o, 17, w->subject.len <= 2, mark);
}

static void put_crl_point(struct der_out *o, const char *url)
{
	size_t mark = der_mark(o);

	der_put_tlv(o, DER_CONTEXT | X509_SAN_URI,
		    (struct slice){ (const uint8_t *)url, strlen(url) });
	der_head(o, DER_CONTEXT_CONS | 0, mark);	/* fullName */
	der_head(o, DER_CONTEXT_CONS | 0, mark);	/* distributionPoint */
	der_head(o, DER_SEQUENCE, mark);
	der_head(o, DER_SEQUENCE, mark);
	extension(o, 31, false, mark);
}

/* The SEQUENCE of them; in a request without what the CA decides. */
static void put_extensions(struct der_out *o, const struct x509_want *w,
			   struct slice spki, const struct x509 *ca, bool request)
{
	size_t mark = der_mark(o);

	if (w->crl_url && !request)
		put_crl_point(o, w->crl_url);
	if (ca)
		put_authority(o, ca);
	if (!request)
		put_key_id(o, spki);
	if (w->n_sans)
		put_sans(o, w);
	if (w->eku)
		put_eku(o, w->eku);
	if (!request || w->ca) {
		put_usage(o, w->ca);
		put_constraints(o, w);
	}
	der_head(o, DER_SEQUENCE, mark);
}

static void put_name(struct der_out *o, struct slice name)
{
	if (name.len)
		der_put(o, name.p, name.len);
	else
		der_put_tlv(o, DER_SEQUENCE, (struct slice){ 0 });
}

/* SEQUENCE { tbs, algorithm, signature } into out. */
static int seal(struct slice tbs, struct pk *key, uint8_t *out, size_t cap, size_t *len,
		struct err *e)
{
	struct der_out o = der_out(out, cap);
	uint8_t sig[PK_SIGNATURE_MAX];
	size_t n, mark = der_mark(&o);
	struct slice alg = pk_scheme_der(scheme_of(key)), all;

	if (!tbs.len)
		return err_set(e, "it would be larger than %zu bytes", cap);
	if (pk_sign(key, scheme_of(key), tbs, sig, &n, e) < 0)
		return -1;
	der_put(&o, sig, n);
	der_put_byte(&o, 0);
	der_head(&o, DER_BIT_STRING, mark);
	der_put(&o, alg.p, alg.len);
	der_put(&o, tbs.p, tbs.len);
	der_head(&o, DER_SEQUENCE, mark);
	all = der_done(&o);
	if (!all.len)
		return err_set(e, "it would be larger than %zu bytes", cap);
	memmove(out, all.p, all.len);
	*len = all.len;
	return 0;
}

/* ---- certificates ---- */

int x509_make(const struct x509_want *w, struct slice spki, const struct x509 *ca,
	      struct pk *key, uint8_t *out, size_t *len, struct err *e)
{
	uint8_t *buf = malloc(X509_DER_MAX), serial[SERIAL_LEN];
	struct der_out o = der_out(buf, X509_DER_MAX);
	int64_t until = ca && ca->not_after < w->not_after ? ca->not_after : w->not_after;
	struct slice alg = pk_scheme_der(scheme_of(key));
	size_t all = der_mark(&o), mark;
	int r;

	if (!buf)
		return err_set(e, "out of memory");
	put_extensions(&o, w, spki, ca, false);
	der_head(&o, DER_CONTEXT_CONS | 3, all);
	der_put(&o, spki.p, spki.len);
	put_name(&o, w->subject);
	mark = der_mark(&o);
	der_put_time(&o, until);
	der_put_time(&o, w->not_before);
	der_head(&o, DER_SEQUENCE, mark);
	put_name(&o, ca ? ca->subject : w->subject);
	der_put(&o, alg.p, alg.len);
	rng_bytes(serial, sizeof(serial));
	serial[0] = (serial[0] & 0x7f) | 0x40;	/* positive, and as long as all others */
	der_put_uint(&o, (struct slice){ serial, sizeof(serial) });
	mark = der_mark(&o);
	der_put_small(&o, 2);
	der_head(&o, DER_CONTEXT_CONS | 0, mark);
	der_head(&o, DER_SEQUENCE, all);
	r = seal(der_done(&o), key, out, X509_DER_MAX, len, e);
	free(buf);
	return r;
}

/* ---- requests ---- */

static const struct slice oid_ext_request = SLICE_LIT(
	"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e");
/* Microsoft's older number for the same. */
static const struct slice oid_ext_request_ms = SLICE_LIT(
	"\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x0e");

int x509_make_csr(const struct x509_want *w, struct pk *key, uint8_t *out, size_t *len,
		  struct err *e)
{
	uint8_t *buf = malloc(X509_DER_MAX), spki[PK_DER_MAX];
	struct der_out o = der_out(buf, X509_DER_MAX);
	size_t n, all = der_mark(&o);
	int r = -1;

	if (!buf)
		return err_set(e, "out of memory");
	if (pk_write_public(key, spki, &n, e) < 0)
		goto out;
	if (w->n_sans || w->eku || w->ca) {
		put_extensions(&o, w, (struct slice){ spki, n }, NULL, true);
		der_head(&o, DER_SET, all);
		der_put_tlv(&o, DER_OID, oid_ext_request);
		der_head(&o, DER_SEQUENCE, all);
	}
	der_head(&o, DER_CONTEXT_CONS | 0, all);
	der_put(&o, spki, n);
	put_name(&o, w->subject);
	der_put_small(&o, 0);
	der_head(&o, DER_SEQUENCE, all);
	r = seal(der_done(&o), key, out, X509_DER_MAX, len, e);
out:
	free(buf);
	return r;
}

/* The extensions of a request are read as those of a certificate are. */
static int request_extensions(struct x509_csr *c, struct rd *attributes)
{
	while (attributes->left) {
		struct rd one = der_take(attributes, DER_SEQUENCE);
		struct slice oid = der_bytes(&one, DER_OID);
		struct rd set = der_take(&one, DER_SET);
		struct x509 ext = { .path_len = -1 };

		if (!rd_done(&one))
			return -1;
		if (!slice_is(oid, oid_ext_request) && !slice_is(oid, oid_ext_request_ms))
			continue;
		if (c->sans || x509_extensions(&ext, &set) < 0) {
			free(ext.sans);
			return -1;
		}
		c->sans = ext.sans;
		c->n_sans = ext.n_sans;
		c->eku = ext.eku;
		c->wants_ca = ext.ca;
	}
	return rd_done(attributes) ? 0 : -1;
}

static int csr_parse(struct x509_csr *c, struct err *e)
{
	struct rd r = rd_slice(c->der), csr = der_take(&r, DER_SEQUENCE), whole, info,
		  attributes;
	struct slice tbs = der_whole(&csr, DER_SEQUENCE);
	struct slice alg = der_whole(&csr, DER_SEQUENCE), sig = der_bits(&csr);
	struct x509 self = { 0 };

	whole = rd_slice(tbs);
	info = der_take(&whole, DER_SEQUENCE);
	if (der_small(&info) > 2 || !rd_done(&csr) || !rd_done(&r))
		return err_set(e, "the request is malformed");
	c->subject = der_whole(&info, DER_SEQUENCE);
	c->spki = der_whole(&info, DER_SEQUENCE);
	if (der_next_is(&info, DER_CONTEXT_CONS | 0)) {
		attributes = der_take(&info, DER_CONTEXT_CONS | 0);
		if (request_extensions(c, &attributes) < 0)
			rd_fail(&info);
	}
	if (!rd_done(&info) || x509_dn_check(c->subject) < 0)
		return err_set(e, "the request is malformed");
	self.spki = c->spki;
	if (x509_check_signature(tbs, alg, sig, &self, e) < 0)
		return err_wrap(e, "the request is not signed by its own key");
	return 0;
}

struct x509_csr *x509_csr_parse(struct slice file, struct err *e)
{
	struct x509_csr *c = calloc(1, sizeof(*c));
	struct slice text = file;
	uint8_t *own = NULL;
	size_t len = file.len;
	struct pem p = { 0 };

	if (file.len > 4 * X509_DER_MAX || file.len == 0) {
		err_set(e, "%zu bytes are no request", file.len);
		goto fail;
	}
	if (pem_is(file)) {
		while (pem_next(&text, &p) && !strstr(p.label, "CERTIFICATE REQUEST"))
			;
		if (!strstr(p.label, "CERTIFICATE REQUEST")) {
			err_set(e, "there is no certificate request in it");
			goto fail;
		}
	}
	own = malloc(file.len);
	if (!c || !own) {
		err_set(e, "out of memory");
		goto fail;
	}
	if (!p.label[0])
		memcpy(own, file.p, file.len);
	else if (pem_decode(&p, own, &len) < 0) {
		err_set(e, "the request's base64 is damaged");
		goto fail;
	}
	c->der = (struct slice){ own, len };
	own = NULL;
	if (csr_parse(c, e) == 0)
		return c;
fail:
	free(own);
	x509_csr_free(c);
	return NULL;
}

void x509_csr_free(struct x509_csr *c)
{
	if (!c)
		return;
	free(c->sans);
	free((uint8_t *)c->der.p);
	free(c);
}

/* ---- CRLs ---- */

static void put_revoked(struct der_out *o, const struct x509_revoked *r)
{
	size_t all = der_mark(o), mark = all;
	uint8_t reason = (uint8_t)r->reason;

	if (r->reason > 0 && r->reason <= 10) {
		der_put_tlv(o, DER_ENUMERATED, (struct slice){ &reason, 1 });
		extension(o, 21, false, mark);
		der_head(o, DER_SEQUENCE, mark);
	}
	der_put_time(o, r->when);
	der_put_tlv(o, DER_INTEGER, r->serial);
	der_head(o, DER_SEQUENCE, all);
}

int x509_make_crl(const struct x509 *ca, struct pk *key,
		  const struct x509_revoked *revoked, size_t n, uint32_t number,
		  int64_t this_update, int64_t next_update, uint8_t **out, size_t *len,
		  struct err *e)
{
	size_t cap = 4096 + ca->subject.len + n * CRL_ENTRY_MAX;
	uint8_t *buf = malloc(cap);
	struct der_out o = der_out(buf, cap);
	struct slice alg = pk_scheme_der(scheme_of(key));
	size_t all = der_mark(&o), mark;
	int r;

	*out = malloc(cap);
	if (!buf || !*out) {
		free(buf);
		free(*out);
		*out = NULL;
		return err_set(e, "out of memory");
	}
	der_put_small(&o, number);
	extension(&o, 20, false, all);
	put_authority(&o, ca);
	der_head(&o, DER_SEQUENCE, all);
	der_head(&o, DER_CONTEXT_CONS | 0, all);
	mark = der_mark(&o);
	for (size_t i = n; i-- > 0;)
		put_revoked(&o, &revoked[i]);
	if (n)
		der_head(&o, DER_SEQUENCE, mark);
	der_put_time(&o, next_update);
	der_put_time(&o, this_update);
	der_put(&o, ca->subject.p, ca->subject.len);
	der_put(&o, alg.p, alg.len);
	der_put_small(&o, 1);
	der_head(&o, DER_SEQUENCE, all);
	r = seal(der_done(&o), key, *out, cap, len, e);
	free(buf);
	if (r < 0) {
		free(*out);
		*out = NULL;
	}
	return r;
}
