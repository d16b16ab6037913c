/* make: keys, CAs, certificates and requests. */
#include "core/base/sbuf.h"
#include "core/base/secret.h"
#include "core/crypto/pem.h"
#include "core/crypto/pkmake.h"
#include "core/pki/dir.h"
#include "core/pki/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int new_key(const struct pki_want *w, struct pk **out, struct err *e)
{
	enum pk_type t;
	unsigned bits;

	*out = NULL;
	if (pk_kind_parse(w->type[0] ? w->type : "ecdsa256", &t, &bits, e) < 0)
		return -1;
	*out = pk_generate(t, bits, e);
	return *out ? 0 : -1;
}

static int store_key(const struct dir *d, const char *name, struct pk *k, struct err *e)
{
	uint8_t *der = secret_new(PK_DER_MAX);
	size_t len;
	int r = der ? pk_write_private(k, der, &len, e) : err_set(e, "out of memory");

	if (r == 0)
		r = dir_write_key(d, name, (struct slice){ der, len }, e);
	secret_free(der);
	return r;
}

/* The key that the name has, or a new one; *made says which. */
static struct pk *key_of(const struct dir *d, const struct pki_want *w, bool *made,
			 struct err *e)
{
	struct pk *k;

	*made = !dir_has(d, w->name, DIR_KEY);
	if (*made)
		return new_key(w, &k, e) < 0 ? NULL : k;
	if (w->type[0]) {
		err_set(e,
			"\"%s\" has a key already: leave type out to use it, or take another "
			"name",
			w->name);
		return NULL;
	}
	return dir_key(d, w->name, e);
}

static int taken(const struct dir *d, const char *name, struct err *e)
{
	for (enum dir_kind k = DIR_CRT; k < DIR_KINDS; k++)
		if (dir_has(d, name, k))
			return err_set(
				e,
				"there is a \"%s\" in pki/ already; take another name, or "
				"adit pki delete %s first",
				name, name);
	return 0;
}

/* What a change needs first. */
static int begin(struct dir *d, const char *dir, const struct pki_want *w,
		 const char *verb, struct err *e)
{
	char what[80];

	if (pki_check_name(w->name, e) < 0)
		return -1;
	snprintf(what, sizeof(what), "adit pki %s %s", verb, w->name);
	return dir_change(d, dir, what, e);
}

int pki_make_key(const char *dir, const struct pki_want *w, struct err *e)
{
	struct pk *k = NULL;
	struct dir d;
	int r;

	if (begin(&d, dir, w, "key", e) < 0)
		return -1;
	r = taken(&d, w->name, e);
	if (r == 0)
		r = new_key(w, &k, e);
	if (r == 0)
		r = store_key(&d, w->name, k, e);
	pk_free(k);
	dir_close(&d);
	return r;
}

/* A CA of ours: its certificates (the first is it) and its key. */
struct issuer {
	struct x509 *certs[DIR_CERTS_MAX];
	size_t n;
	struct pk *key;
};

static void issuer_fini(struct issuer *i)
{
	dir_certs_free(i->certs, i->n);
	pk_free(i->key);
}

static int issuer_open(const struct dir *d, const char *name, struct issuer *i,
		       struct err *e)
{
	struct pk *pub;
	bool fits;

	*i = (struct issuer){ .n = 0 };
	if (!name[0])
		return err_code(e, EXIT_USAGE,
				"which CA signs it? ca=NAME (adit pki ca NAME makes "
				"one)");
	if (!dir_has(d, name, DIR_CRT))
		return dir_no_such(d, name, e);
	if (dir_certs(d, name, i->certs, &i->n, e) < 0)
		return -1;
	if (!i->certs[0]->ca) {
		err_set(e, "\"%s\" is not a CA", name);
		goto fail;
	}
	if (!dir_has(d, name, DIR_KEY)) {
		err_set(e,
			"the key of the CA \"%s\" is not here: its owner has to sign (adit pki "
			"csr makes a request)",
			name);
		goto fail;
	}
	i->key = dir_key(d, name, e);
	pub = x509_key(i->certs[0], NULL);
	fits = i->key && pub && pk_same(i->key, pub);
	pk_free(pub);
	if (fits)
		return 0;
	if (i->key)
		err_set(e, "the key of \"%s\" is not its certificate's", name);
fail:
	issuer_fini(i);
	*i = (struct issuer){ .n = 0 };
	return -1;
}

/* The certificate with those of its CA behind it, but for a root: peers have that. */
static int store_chain(const struct dir *d, const char *name, struct slice cert,
		       const struct issuer *by, struct err *e)
{
	struct slice chain[DIR_CERTS_MAX + 1];
	size_t n = 0;

	chain[n++] = cert;
	for (size_t i = 0; by && i < by->n && n < DIR_CERTS_MAX; i++)
		if (!x509_dn_equal(by->certs[i]->issuer, by->certs[i]->subject))
			chain[n++] = by->certs[i]->der;
	return dir_write_certs(d, name, chain, n, e);
}

static int sign_for(const struct dir *d, const struct pki_want *w,
		    const struct words *words, struct slice spki, const struct issuer *by,
		    struct pk *self, char **pem, struct err *e)
{
	uint8_t *der = malloc(X509_DER_MAX);
	struct sbuf b = { 0 };
	size_t len;
	int r;

	if (!der)
		return err_set(e, "out of memory");
	r = x509_make(&words->want, spki, by ? by->certs[0] : NULL, by ? by->key : self,
		      der, &len, e);
	if (r == 0)
		r = store_chain(d, w->name, (struct slice){ der, len }, by, e);
	if (r == 0 && pem) {
		pem_write(&b, "CERTIFICATE", (struct slice){ der, len });
		*pem = sbuf_take(&b);
	}
	free(der);
	return r;
}

static int make_with_key(const char *dir, const struct pki_want *w, bool ca,
			 struct err *e)
{
	struct issuer by = { .n = 0 };
	uint8_t spki[PK_DER_MAX];
	struct pk *k = NULL;
	struct words words;
	struct dir d;
	bool made, self = ca ? !w->ca[0] : strcmp(w->ca, w->name) == 0;
	size_t n;
	int r = -1;

	if (words_parse(w, ca, true, &words, e) < 0 ||
	    begin(&d, dir, w, ca ? "ca" : "issue", e) < 0)
		return -1;
	if (dir_has(&d, w->name, DIR_CRT)) {
		err_set(e,
			"there is a certificate \"%s\" already; take another name, or adit pki "
			"delete %s first",
			w->name, w->name);
		goto out;
	}
	if (!self && issuer_open(&d, w->ca, &by, e) < 0)
		goto out;
	k = key_of(&d, w, &made, e);
	if (!k || pk_write_public(k, spki, &n, e) < 0 ||
	    (made && store_key(&d, w->name, k, e) < 0))
		goto out;
	r = sign_for(&d, w, &words, (struct slice){ spki, n }, by.n ? &by : NULL, k, NULL,
		     e);
	if (r == 0)
		r = dir_remove(&d, w->name, DIR_CSR, e);
out:
	pk_free(k);
	issuer_fini(&by);
	dir_close(&d);
	return r;
}

int pki_make_ca(const char *dir, const struct pki_want *w, struct err *e)
{
	if (w->eku[0])
		return err_code(e, EXIT_USAGE, "eku: a CA's certificate has none");
	return make_with_key(dir, w, true, e);
}

int pki_issue(const char *dir, const struct pki_want *w, struct err *e)
{
	return make_with_key(dir, w, false, e);
}

/* ---- requests ---- */

int pki_make_csr(const char *dir, const struct pki_want *w, char **pem, struct err *e)
{
	uint8_t *der = malloc(X509_DER_MAX);
	struct sbuf b = { 0 };
	struct pk *k = NULL;
	struct words words;
	struct dir d = { .fd = -1 };
	bool made;
	size_t len;
	int r = -1;

	if (!der)
		return err_set(e, "out of memory");
	if (w->ca[0] || w->days || w->crl_url[0])
		err_code(e, EXIT_USAGE,
			 "ca, days and crl_url are the CA's to say, not a request's");
	else if (words_parse(w, false, true, &words, e) == 0)
		r = begin(&d, dir, w, "csr", e);
	if (r < 0)
		goto out;
	r = -1;
	if (dir_has(&d, w->name, DIR_CRT) && !dir_has(&d, w->name, DIR_KEY)) {
		err_set(e,
			"\"%s\" is somebody's certificate, without a key here; take another name",
			w->name);
		goto out;
	}
	k = key_of(&d, w, &made, e);
	if (!k || x509_make_csr(&words.want, k, der, &len, e) < 0 ||
	    (made && store_key(&d, w->name, k, e) < 0))
		goto out;
	pem_write(&b, "CERTIFICATE REQUEST", (struct slice){ der, len });
	r = dir_write(&d, w->name, DIR_CSR, sbuf_str(&b), b.len, e);
	if (r == 0 && pem)
		*pem = sbuf_take(&b);
out:
	sbuf_fini(&b);
	pk_free(k);
	free(der);
	dir_close(&d);
	return r;
}

int pki_sign(const char *dir, struct slice file, const struct pki_want *w, char **pem,
	     struct err *e)
{
	struct x509_csr *csr = x509_csr_parse(file, e);
	struct issuer by = { .n = 0 };
	struct words words;
	struct dir d = { .fd = -1 };
	int r = -1;

	if (!csr)
		return -1;
	if (w->type[0]) {
		err_code(e, EXIT_USAGE, "type: the key is the request's");
		goto out;
	}
	if (words_parse(w, false, false, &words, e) < 0 ||
	    begin(&d, dir, w, "sign", e) < 0)
		goto out;
	/* What is not said here is as they asked; but never a CA, that would sign others. */
	if (!w->subject[0])
		words.want.subject = csr->subject;
	if (!w->san[0]) {
		words.want.sans = csr->sans;
		words.want.n_sans = csr->n_sans;
	}
	if (!w->eku[0] && csr->eku & ~(unsigned)(X509_EKU_OTHER | X509_EKU_IPSEC_OLD))
		words.want.eku = csr->eku &
				 ~(unsigned)(X509_EKU_OTHER | X509_EKU_IPSEC_OLD);
	if (taken(&d, w->name, e) < 0 || issuer_open(&d, w->ca, &by, e) < 0)
		goto out;
	if (words.want.subject.len <= 2 && !words.want.n_sans) {
		err_set(e, "the request has no name in it: give subject= or san=");
		goto out;
	}
	r = sign_for(&d, w, &words, csr->spki, &by, NULL, pem, e);
out:
	issuer_fini(&by);
	x509_csr_free(csr);
	dir_close(&d);
	return r;
}

/* ---- deleting ---- */

int pki_delete(const char *dir, const char *name, struct err *e)
{
	static const enum dir_kind order[DIR_KINDS] = { DIR_CRL, DIR_CSR, DIR_CRT,
							DIR_KEY };
	struct pki_entry p;
	struct dir d;
	char what[80];
	int r = 0;

	if (pki_get(dir, name, &p, e) < 0)
		return -1;
	if (p.used_by[0])
		return err_set(
			e,
			"\"%s\" is used by %s: change cert, peer_cert or ca there first",
			name, p.used_by);
	snprintf(what, sizeof(what), "adit pki delete %s", name);
	if (dir_change(&d, dir, what, e) < 0)
		return -1;
	/* The key last: what is left of it can still be told apart. */
	for (size_t i = 0; r == 0 && i < DIR_KINDS; i++)
		r = dir_remove(&d, name, order[i], e);
	dir_close(&d);
	return r;
}
