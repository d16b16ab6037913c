/* x509crl: revocation lists (RFC 5280 §5). The entries stay as they came and are walked: a
 * list of 100,000 takes a millisecond, and an index would take as much memory again. */
#include "core/crypto/pem.h"
#include "core/crypto/x509priv.h"

#include <stdlib.h>
#include <string.h>

struct x509_crl {
	struct slice der, tbs, sig_alg, sig, issuer;
	struct slice entries;		/* contents of revokedCertificates */
	size_t count;
	int64_t this_update, next_update;
	uint32_t number;
	bool verified;
	uint8_t verified_by[X509_HASH_LEN];
};

/* crlEntryExtensions: the reason; a critical one that is not known spoils the list. */
static int entry_extensions(struct rd *entry, int *reason)
{
	struct rd list = der_take(entry, DER_SEQUENCE);

	while (list.left) {
		struct rd ext = der_take(&list, DER_SEQUENCE);
		struct slice oid = der_bytes(&ext, DER_OID), value;
		bool critical = der_next_is(&ext, DER_BOOLEAN) && der_bool(&ext);
		struct rd in;

		value = der_bytes(&ext, DER_OCTET_STRING);
		if (!rd_done(&ext))
			return -1;
		if (oid.len == 3 && memcmp(oid.p, "\x55\x1d\x15", 3) == 0) {
			struct slice code;

			in = rd_slice(value);
			code = der_bytes(&in, DER_ENUMERATED);
			if (!rd_done(&in) || code.len != 1)
				return -1;
			*reason = code.p[0];
		} else if (critical) {
			return -1;
		}
	}
	return rd_done(&list) ? 0 : -1;
}

bool x509_crl_next(struct rd *r, struct x509_revoked *out)
{
	struct rd entry;

	if (!r->left)
		return false;
	entry = der_take(r, DER_SEQUENCE);
	out->serial = der_bytes(&entry, DER_INTEGER);
	out->when = der_time(&entry);
	out->reason = -1;
	if ((entry.left && entry_extensions(&entry, &out->reason) < 0) ||
	    !rd_done(&entry) || out->serial.len == 0 ||
	    out->serial.len > X509_SERIAL_MAX) {
		rd_fail(r);
		return false;
	}
	return true;
}

/* issuingDistributionPoint: a list that holds others' certificates, or only attributes', is
 * none that we could read rightly. */
static int issuing_point(struct slice value)
{
	struct rd r = rd_slice(value), seq = der_take(&r, DER_SEQUENCE);

	while (seq.left) {
		uint8_t tag;
		struct rd in = der_any(&seq, &tag);
		struct slice v = rd_rest(&in);

		if ((tag == (DER_CONTEXT | 4) || tag == (DER_CONTEXT | 5) ||
		     tag == (DER_CONTEXT | 3)) && v.len == 1 && v.p[0])
			return -1;
	}
	return rd_done(&seq) && rd_done(&r) ? 0 : -1;
}

static int crl_extensions(struct x509_crl *l, struct rd *t, struct err *e)
{
	struct rd outer = der_take(t, DER_CONTEXT_CONS | 0);
	struct rd list = der_take(&outer, DER_SEQUENCE);

	while (list.left) {
		struct rd ext = der_take(&list, DER_SEQUENCE);
		struct slice oid = der_bytes(&ext, DER_OID), value;
		bool critical = der_next_is(&ext, DER_BOOLEAN) && der_bool(&ext);
		uint8_t id;

		value = der_bytes(&ext, DER_OCTET_STRING);
		if (!rd_done(&ext))
			return err_set(e, "the CRL is malformed");
		id = oid.len == 3 && oid.p[0] == 0x55 && oid.p[1] == 0x1d ? oid.p[2] : 0;
		if (id == 20) {
			struct rd in = rd_slice(value);

			l->number = der_small(&in);	/* 0 for a very large one */
		}
		if (id == 27)
			return err_set(e, "it is a delta CRL; the whole one is needed");
		if (id == 28 && issuing_point(value) < 0)
			return err_set(
				e, "it is an indirect or partial CRL; the CA's own whole "
				   "one is needed");
		if (critical && id != 28)
			return err_set(
				e, "the CRL has a critical extension that is not known");
	}
	return rd_done(&list) && rd_done(&outer) ? 0 : err_set(e, "the CRL is malformed");
}

static int tbs_parse(struct x509_crl *l, struct err *e)
{
	struct rd whole = rd_slice(l->tbs), t = der_take(&whole, DER_SEQUENCE);
	struct x509_revoked one;
	struct slice alg;
	struct rd walk;

	if (der_next_is(&t, DER_INTEGER) && der_small(&t) > 1)
		rd_fail(&t);
	alg = der_whole(&t, DER_SEQUENCE);
	l->issuer = der_whole(&t, DER_SEQUENCE);
	l->this_update = der_time(&t);
	if (der_next_is(&t, DER_UTC_TIME) || der_next_is(&t, DER_GENERALIZED_TIME))
		l->next_update = der_time(&t);
	if (der_next_is(&t, DER_SEQUENCE))
		l->entries = der_bytes(&t, DER_SEQUENCE);
	if (!rd_ok(&t) || !slice_is(alg, l->sig_alg) || x509_dn_check(l->issuer) < 0)
		return err_set(e, "the CRL is malformed");
	if (t.left && crl_extensions(l, &t, e) < 0)
		return -1;
	walk = x509_crl_entries(l);
	while (x509_crl_next(&walk, &one))
		l->count++;
	if (!rd_done(&walk) || !rd_done(&t))
		return err_set(e, "the CRL is malformed");
	return 0;
}

static struct x509_crl *parse_der(uint8_t *own, size_t len, struct err *e)
{
	struct x509_crl *l = calloc(1, sizeof(*l));
	struct rd r = rd_init(own, len), crl = der_take(&r, DER_SEQUENCE);

	if (!l) {
		free(own);
		err_set(e, "out of memory");
		return NULL;
	}
	l->der = (struct slice){ own, len };
	l->tbs = der_whole(&crl, DER_SEQUENCE);
	l->sig_alg = der_whole(&crl, DER_SEQUENCE);
	l->sig = der_bits(&crl);
	if (!rd_done(&crl) || !rd_done(&r))
		err_set(e, "the CRL is malformed");
	else if (tbs_parse(l, e) == 0)
		return l;
	x509_crl_free(l);
	return NULL;
}

struct x509_crl *x509_crl_parse(struct slice file, struct err *e)
{
	struct slice text = file;
	size_t len = file.len;
	uint8_t *own = NULL;
	struct pem p;

	if (file.len > X509_CRL_MAX || file.len == 0) {
		err_set(e, "a CRL of %zu bytes: at most %u can be", file.len,
			X509_CRL_MAX);
		return NULL;
	}
	if (pem_is(file)) {
		while (pem_next(&text, &p) && strcmp(p.label, "X509 CRL") != 0)
			;
		if (strcmp(p.label, "X509 CRL") != 0) {
			err_set(e, "there is no CRL in it");
			return NULL;
		}
		own = malloc(pem_bound(&p));
		if (own && pem_decode(&p, own, &len) < 0) {
			free(own);
			err_set(e, "the CRL's base64 is damaged");
			return NULL;
		}
	} else {
		own = malloc(file.len);
		if (own)
			memcpy(own, file.p, file.len);
	}
	if (!own) {
		err_set(e, "out of memory");
		return NULL;
	}
	return parse_der(own, len, e);
}

void x509_crl_free(struct x509_crl *l)
{
	if (!l)
		return;
	free((uint8_t *)l->der.p);
	free(l);
}

struct slice x509_crl_der(const struct x509_crl *l)
{
	return l->der;
}

struct slice x509_crl_issuer(const struct x509_crl *l)
{
	return l->issuer;
}

uint32_t x509_crl_number(const struct x509_crl *l)
{
	return l->number;
}

int64_t x509_crl_this_update(const struct x509_crl *l)
{
	return l->this_update;
}

int64_t x509_crl_next_update(const struct x509_crl *l)
{
	return l->next_update;
}

struct rd x509_crl_entries(const struct x509_crl *l)
{
	return rd_slice(l->entries);
}

size_t x509_crl_count(const struct x509_crl *l)
{
	return l->count;
}

bool x509_crl_find(const struct x509_crl *l, struct slice serial,
		   struct x509_revoked *out)
{
	struct rd r = x509_crl_entries(l);
	struct x509_revoked one;

	while (x509_crl_next(&r, &one)) {
		/* removeFromCRL belongs into delta CRLs; it means the certificate is good */
		if (!slice_is(one.serial, serial) || one.reason == 8)
			continue;
		if (out)
			*out = one;
		return true;
	}
	return false;
}

int x509_crl_verify(struct x509_crl *l, const struct x509 *ca, struct err *e)
{
	uint8_t by[X509_HASH_LEN];

	if (!x509_dn_equal(l->issuer, ca->subject))
		return err_set(e, "the CRL is another CA's");
	if (!ca->ca || (ca->key_usage && !(ca->key_usage & X509_USE_CRL_SIGN)))
		return err_set(e, "its certificate does not allow to sign CRLs");
	x509_spki_hash(ca, by);
	if (l->verified && memcmp(by, l->verified_by, sizeof(by)) == 0)
		return 0;
	if (x509_check_signature(l->tbs, l->sig_alg, l->sig, ca, e) < 0)
		return err_wrap(e, "the CRL");
	l->verified = true;
	memcpy(l->verified_by, by, sizeof(by));
	return 0;
}
