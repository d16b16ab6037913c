/* list: what is in pki/, in words. */
#include "core/base/clock.h"
#include "core/base/sbuf.h"
#include "core/crypto/crypto.h"
#include "core/crypto/pkmake.h"
#include "core/crypto/x509make.h"
#include "core/pki/dir.h"
#include "core/settings/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY_S 86400

/* All CRLs of the folder, read once for a listing. */
struct crls {
	struct x509_crl **v;
	size_t n;
};

const char *pki_role_name(enum pki_role r)
{
	switch (r) {
	case PKI_ROLE_CA: return "CA";
	case PKI_ROLE_OWN: return "own";
	case PKI_ROLE_PEER: return "peer";
	case PKI_ROLE_REQUEST: return "request";
	case PKI_ROLE_KEY: return "key";
	case PKI_ROLE_CRL: return "CRL";
	}
	return "";
}

static void problem(struct pki_entry *p, const char *fmt, const char *what)
{
	if (!p->problem[0])
		snprintf(p->problem, sizeof(p->problem), fmt, what);
}

static void list_sans(struct pki_entry *p, const struct x509 *c)
{
	char text[X509_SAN_TEXT_MAX];
	size_t n = 0;

	for (size_t i = 0; i < c->n_sans && n < sizeof(p->sans); i++)
		n += (size_t)snprintf(p->sans + n, sizeof(p->sans) - n, "%s%s",
				      n ? ", " : "",
				      x509_san_str(&c->sans[i], text, sizeof(text)));
}

static void revocation(struct pki_entry *p, const struct x509 *c, const struct crls *crls)
{
	struct x509_revoked r;

	for (size_t i = 0; i < crls->n; i++)
		if (x509_dn_equal(x509_crl_issuer(crls->v[i]), c->issuer) &&
		    x509_crl_find(crls->v[i], c->serial, &r)) {
			p->revoked = true;
			p->revoked_at = r.when;
		}
}

/* Begun days count whole, before and after. */
static long days_until(int64_t s)
{
	return (long)(s >= 0 ? (s + DAY_S - 1) / DAY_S : -((-s + DAY_S - 1) / DAY_S));
}

static void of_cert(struct pki_entry *p, const struct x509 *c, const struct crls *crls)
{
	struct slice der = c->der, hash;
	uint8_t sum[32];
	struct pk *k = x509_key(c, NULL);

	x509_dn_str(c->subject, p->subject, sizeof(p->subject));
	x509_dn_short(c->subject, p->short_subject, sizeof(p->short_subject));
	x509_dn_str(c->issuer, p->issuer, sizeof(p->issuer));
	p->self_signed = x509_dn_equal(c->issuer, c->subject);
	x509_serial_str(c->serial, p->serial, sizeof(p->serial));
	x509_eku_str(c->eku, p->eku, sizeof(p->eku));
	list_sans(p, c);
	snprintf(p->crl_url, sizeof(p->crl_url), "%.*s", (int)c->crl_url.len,
		 c->crl_url.len ? (const char *)c->crl_url.p : "");
	if (k)
		pk_kind_str(pk_type(k), pk_bits(k), p->key_type, sizeof(p->key_type));
	pk_free(k);
	hash_sha256(&der, 1, sum);
	hash = (struct slice){ sum, sizeof(sum) };
	x509_serial_str(hash, p->sha256, sizeof(p->sha256));
	p->not_before = c->not_before;
	p->not_after = c->not_after;
	p->days_left = days_until(c->not_after - clock_wall_s());
	revocation(p, c, crls);
}

/* Whether key and certificate belong together, where this user may look. */
static void of_key(struct pki_entry *p, const struct dir *d, const struct x509 *c)
{
	struct err e = { 0 };
	struct pk *k = dir_key(d, p->name, &e), *pub;

	if (!k) {
		if (e.code != EXIT_NOT_PERMITTED || strstr(e.msg, "chmod"))
			problem(p, "%.190s", e.msg);
		return;
	}
	if (!p->key_type[0])
		pk_kind_str(pk_type(k), pk_bits(k), p->key_type, sizeof(p->key_type));
	pub = c ? x509_key(c, NULL) : NULL;
	if (pub && !pk_same(k, pub))
		problem(p, "the key is not the certificate's%s", "");
	pk_free(pub);
	pk_free(k);
}

static void of_crl(struct pki_entry *p, const struct dir *d)
{
	struct err e = { 0 };
	struct x509_crl *l = dir_crl(d, p->name, &e);

	if (!l) {
		problem(p, "%.190s", e.msg);
		return;
	}
	p->n_revoked = (unsigned)x509_crl_count(l);
	p->crl_until = x509_crl_next_update(l);
	if (!p->issuer[0])
		x509_dn_str(x509_crl_issuer(l), p->issuer, sizeof(p->issuer));
	x509_crl_free(l);
}

static void of_csr(struct pki_entry *p, const struct dir *d)
{
	struct err e = { 0 };
	struct x509_csr *r;
	uint8_t *file;
	size_t len;

	if (dir_read(d, p->name, DIR_CSR, &file, &len, &e) < 0) {
		problem(p, "%.190s", e.msg);
		return;
	}
	r = x509_csr_parse((struct slice){ file, len }, &e);
	free(file);
	if (!r) {
		problem(p, "%.190s", e.msg);
		return;
	}
	if (!p->subject[0]) {
		struct x509 names = { .n_sans = r->n_sans, .sans = r->sans };

		x509_dn_str(r->subject, p->subject, sizeof(p->subject));
		x509_dn_short(r->subject, p->short_subject, sizeof(p->short_subject));
		list_sans(p, &names);
	}
	x509_csr_free(r);
}

static void used_by(struct pki_entry *p, const struct settings *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_peers && n < sizeof(p->used_by); i++) {
		const struct peer_conf *c = &s->peers[i];
		bool is = strcmp(c->cert, p->name) == 0 ||
			  strcmp(c->peer_cert, p->name) == 0;

		for (size_t k = 0; k < c->n_ca; k++)
			is = is || strcmp(c->ca[k], p->name) == 0;
		if (is)
			n += (size_t)snprintf(p->used_by + n, sizeof(p->used_by) - n,
					      "%s%s", n ? ", " : "", c->name);
	}
}

static void look(const struct dir *d, const char *name, const struct crls *crls,
		 const struct settings *s, struct pki_entry *p)
{
	struct x509 *certs[DIR_CERTS_MAX];
	struct err e = { 0 };
	bool has_cert = dir_has(d, name, DIR_CRT);
	size_t n = 0;

	memset(p, 0, sizeof(*p));
	snprintf(p->name, sizeof(p->name), "%s", name);
	p->has_key = dir_has(d, name, DIR_KEY);
	p->has_csr = dir_has(d, name, DIR_CSR);
	p->has_crl = dir_has(d, name, DIR_CRL);
	if (has_cert && dir_certs(d, name, certs, &n, &e) < 0)
		problem(p, "%.190s", e.msg);
	if (n) {
		of_cert(p, certs[0], crls);
		p->n_chain = (unsigned)n - 1;
	}
	if (p->has_key)
		of_key(p, d, n ? certs[0] : NULL);
	if (p->has_crl)
		of_crl(p, d);
	if (p->has_csr)
		of_csr(p, d);
	p->role = n && certs[0]->ca	 ? PKI_ROLE_CA :
		  has_cert && p->has_key ? PKI_ROLE_OWN :
		  has_cert		 ? PKI_ROLE_PEER :
		  p->has_csr		 ? PKI_ROLE_REQUEST :
		  p->has_key		 ? PKI_ROLE_KEY :
					   PKI_ROLE_CRL;
	used_by(p, s);
	dir_certs_free(certs, n);
}

/* ---- */

static void crls_read(const struct dir *d, char (*names)[PKI_NAME_MAX + 1], size_t n,
		      struct crls *out)
{
	out->n = 0;
	out->v = calloc(n + 1, sizeof(struct x509_crl *));
	for (size_t i = 0; out->v && i < n; i++)
		if (dir_has(d, names[i], DIR_CRL)) {
			struct x509_crl *l = dir_crl(d, names[i], NULL);

			if (l)
				out->v[out->n++] = l;
		}
}

static void crls_fini(struct crls *c)
{
	while (c->n)
		x509_crl_free(c->v[--c->n]);
	free(c->v);
}

static int order(const void *a, const void *b)
{
	const struct pki_entry *x = a, *y = b;
	bool cx = x->role == PKI_ROLE_CA, cy = y->role == PKI_ROLE_CA;

	return cx != cy ? cy - cx : strcmp(x->name, y->name);
}

/* only NULL: all. */
static int collect(const char *config_dir, const char *only, struct pki_entry **out,
		   size_t *n, struct err *e)
{
	char (*names)[PKI_NAME_MAX + 1] = NULL;
	struct settings s = { 0 };
	struct findings fs = { 0 };
	struct crls crls = { 0 };
	struct dir d;
	size_t all;
	int r = -1;

	*out = NULL;
	*n = 0;
	if (dir_open(&d, config_dir, e) < 0)
		return -1;
	if (dir_names(&d, &names, &all, e) < 0)
		goto out;
	/* Settings that cannot be read are no reason to show nothing. */
	if (settings_load(config_dir, NULL, 0, &s, &fs, NULL) < 0)
		s = (struct settings){ 0 };
	crls_read(&d, names, all, &crls);
	*out = calloc(all + 1, sizeof(**out));
	if (!*out) {
		err_set(e, "out of memory");
		goto out;
	}
	for (size_t i = 0; i < all; i++)
		if (!only || strcmp(only, names[i]) == 0)
			look(&d, names[i], &crls, &s, &(*out)[(*n)++]);
	qsort(*out, *n, sizeof(**out), order);
	r = 0;
	if (only && !*n) {
		free(*out);
		*out = NULL;
		r = dir_no_such(&d, only, e);
	}
out:
	crls_fini(&crls);
	settings_fini(&s);
	findings_fini(&fs);
	free(names);
	dir_close(&d);
	return r;
}

int pki_list(const char *dir, struct pki_entry **out, size_t *n, struct err *e)
{
	return collect(dir, NULL, out, n, e);
}

int pki_get(const char *dir, const char *name, struct pki_entry *out, struct err *e)
{
	struct pki_entry *one;
	size_t n;

	if (pki_check_name(name, e) < 0 || collect(dir, name, &one, &n, e) < 0)
		return -1;
	*out = one[0];
	free(one);
	return 0;
}

size_t pki_warnings(const char *dir, struct sbuf *out)
{
	struct pki_entry *all;
	size_t n, lines = 0;

	if (pki_list(dir, &all, &n, NULL) < 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		const struct pki_entry *p = &all[i];
		char when[32] = "";
		time_t t = (time_t)p->not_after;
		struct tm tm;

		if (!p->not_after || p->days_left > PKI_WARN_DAYS ||
		    (p->role != PKI_ROLE_CA && p->role != PKI_ROLE_OWN && !p->used_by[0]))
			continue;
		if (gmtime_r(&t, &tm))
			strftime(when, sizeof(when), "%Y-%m-%d", &tm);
		if (p->days_left < 0)
			sbuf_addf(out, "%s %s expired on %s\n",
				  p->role == PKI_ROLE_CA ? "CA" : "certificate", p->name,
				  when);
		else
			sbuf_addf(out, "%s %s: %ld day%s left (%s)\n",
				  p->role == PKI_ROLE_CA ? "CA" : "certificate", p->name,
				  p->days_left, p->days_left == 1 ? "" : "s", when);
		lines++;
	}
	free(all);
	return lines;
}
