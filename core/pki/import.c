/* import: a file that somebody sent, whatever is in it. First everything is taken apart into
 * certificates, a key and a CRL; then it is decided what it is to be called and whether it
 * goes with what is there; only then something is written. */
#include "core/base/sbuf.h"
#include "core/base/secret.h"
#include "core/crypto/pem.h"
#include "core/crypto/pkcs12.h"
#include "core/crypto/pkmake.h"
#include "core/crypto/x509make.h"
#include "core/pki/dir.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parts {
	struct x509 *certs[DIR_CERTS_MAX];
	size_t n;
	uint8_t *key;		/* PKCS#8, secret memory */
	size_t key_len;
	struct pk *pk;		/* the same, read */
	struct x509_crl *crl;
	char friendly[PKCS12_NAME_MAX + 1];
};

static void parts_fini(struct parts *p)
{
	dir_certs_free(p->certs, p->n);
	secret_free(p->key);
	pk_free(p->pk);
	x509_crl_free(p->crl);
}

/* ---- taking apart ---- */

static int password_missing(struct pki_imported *out, const char *what, struct err *e)
{
	out->need_password = true;
	return err_set(e, "%s is encrypted: its password is needed", what);
}

/* Whatever form the key has, it is kept as PKCS#8. */
static int take_key(struct parts *p, struct slice der, struct err *e)
{
	if (p->pk)
		return err_set(e, "there is more than one private key in it");
	p->pk = pk_private(der, e);
	p->key = p->pk ? secret_new(PK_DER_MAX) : NULL;
	if (!p->key)
		return p->pk ? err_set(e, "out of memory") : -1;
	return pk_write_private(p->pk, p->key, &p->key_len, e);
}

static int take_encrypted(struct parts *p, struct slice der, const char *password,
			  struct pki_imported *out, struct err *e)
{
	uint8_t *plain;
	size_t len;
	int r;

	if (!password)
		return password_missing(out, "the key", e);
	if (pkcs8_decrypt(der, password, &plain, &len, &out->wrong_password, e) < 0)
		return -1;
	r = take_key(p, (struct slice){ plain, len }, e);
	secret_free(plain);
	return r;
}

static int take_p12(struct parts *p, struct slice file, const char *password,
		    struct pki_imported *out, struct err *e)
{
	struct pkcs12 pfx;
	struct err first = { 0 };
	bool wrong;

	/* Some have no password, or an empty one: that is tried before anybody is asked. */
	if (pkcs12_read(file, password ? password : "", &pfx, &wrong,
			password ? e : &first) < 0) {
		if (!password && wrong)
			return password_missing(out, "the PKCS#12 file", e);
		if (!password)
			*e = first;
		out->wrong_password = wrong;
		return -1;
	}
	if (pfx.key && take_key(p, (struct slice){ pfx.key, pfx.key_len }, e) < 0) {
		pkcs12_fini(&pfx);
		return -1;
	}
	p->n = pfx.n_certs;
	memcpy(p->certs, pfx.certs, pfx.n_certs * sizeof(p->certs[0]));
	pfx.n_certs = 0;
	memcpy(p->friendly, pfx.name, sizeof(p->friendly));
	pkcs12_fini(&pfx);
	return 0;
}

static bool ends(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

static int take_pem(struct parts *p, const struct pem *one, struct slice whole,
		    const char *password, struct pki_imported *out, struct err *e)
{
	uint8_t *der;
	size_t len;
	int r = 0;

	if (one->encrypted)
		return err_set(
			e,
			"the key is encrypted in OpenSSL's old way; write it anew with "
			"openssl pkcs8 -topk8 -in FILE -out NEW");
	/* Certificates are larger than keys, and no secrets. */
	if (pem_bound(one) > SECRET_MAX && !ends(one->label, "CERTIFICATE") &&
	    strcmp(one->label, "X509 CRL") != 0)
		return 0;
	if (strcmp(one->label, "X509 CRL") == 0) {
		if (!p->crl)
			p->crl = x509_crl_parse(whole, e);
		return p->crl ? 0 : -1;
	}
	der = ends(one->label, "PRIVATE KEY") ? secret_new(pem_bound(one)) :
						malloc(pem_bound(one));
	if (!der)
		return err_set(e, "out of memory");
	if (pem_decode(one, der, &len) < 0)
		r = err_set(e, "the base64 of %s is damaged", one->label);
	else if (strcmp(one->label, "ENCRYPTED PRIVATE KEY") == 0)
		r = take_encrypted(p, (struct slice){ der, len }, password, out, e);
	else if (ends(one->label, "PRIVATE KEY"))
		r = take_key(p, (struct slice){ der, len }, e);
	else if (strcmp(one->label, "CERTIFICATE") == 0 ||
		 strcmp(one->label, "X509 CERTIFICATE") == 0) {
		if (p->n == DIR_CERTS_MAX)
			r = err_set(e, "more than %d certificates in one file",
				    DIR_CERTS_MAX);
		else if ((p->certs[p->n] = x509_parse((struct slice){ der, len }, e)))
			p->n++;
		else
			r = -1;
	}
	if (ends(one->label, "PRIVATE KEY"))
		secret_free(der);
	else
		free(der);
	return r;
}

static int take_apart(struct parts *p, struct slice file, const char *password,
		      struct pki_imported *out, struct err *e)
{
	struct slice text = file;
	struct pem one;
	struct err why = { 0 };

	if (file.len == 0)
		return err_set(e, "the file is empty");
	if (file.len > PKI_FILE_MAX)
		return err_set(e, "the file is larger than %u KB", PKI_FILE_MAX / 1024);
	if (pem_is(file)) {
		while (pem_next(&text, &one))
			if (take_pem(p, &one, file, password, out, e) < 0)
				return -1;
		if (!p->n && !p->pk && !p->crl)
			return err_set(e, "there is no certificate, key or CRL in it");
		return 0;
	}
	if (pkcs12_is(file))
		return take_p12(p, file, password, out, e);
	p->certs[0] = x509_parse(file, &why);
	if (p->certs[0]) {
		p->n = 1;
		return 0;
	}
	p->crl = x509_crl_parse(file, NULL);
	if (p->crl || take_key(p, file, NULL) == 0)
		return 0;
	return err_set(
		e, "it is no certificate, key, CRL or PKCS#12 file, or a damaged one");
}

/* ---- names ---- */

static bool key_is(const struct dir *d, const char *name, const struct pk *k)
{
	struct pk *own = dir_has(d, name, DIR_KEY) ? dir_key(d, name, NULL) : NULL;
	bool is = own && pk_same(own, k);

	pk_free(own);
	return is;
}

static bool cert_is(const struct dir *d, const char *name, const struct pk *k)
{
	struct x509 *certs[DIR_CERTS_MAX];
	struct pk *own = NULL;
	bool is;
	size_t n;

	if (!dir_has(d, name, DIR_CRT) || dir_certs(d, name, certs, &n, NULL) < 0)
		return false;
	own = x509_key(certs[0], NULL);
	is = own && pk_same(own, k);
	pk_free(own);
	dir_certs_free(certs, n);
	return is;
}

/* Letters and digits of a text, others as -, or "". */
static void clean(const char *text, char out[PKI_NAME_MAX + 1])
{
	size_t n = 0;

	for (; *text && n < PKI_NAME_MAX; text++) {
		unsigned char c = (unsigned char)*text;

		if (isalnum(c) || (n && (c == '.' || c == '_')))
			out[n++] = (char)c;
		else if (n && out[n - 1] != '-')
			out[n++] = '-';
	}
	while (n && (out[n - 1] == '-' || out[n - 1] == '.'))
		n--;
	out[n] = '\0';
}

static void from_file_name(const char *file, char out[PKI_NAME_MAX + 1])
{
	static const char *const endings[] = { ".p12", ".pfx", ".pem", ".crt", ".cer",
					       ".der", ".key", ".crl", ".cert" };
	const char *slash = strrchr(file, '/');
	char base[100];

	snprintf(base, sizeof(base), "%s", slash ? slash + 1 : file);
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (ends(base, endings[i]))
			base[strlen(base) - strlen(endings[i])] = '\0';
	clean(base, out);
}

/* The name whose key fits: a request that is answered, a certificate that is renewed. */
static bool by_key(const struct dir *d, const struct pk *k, char out[PKI_NAME_MAX + 1])
{
	char (*names)[PKI_NAME_MAX + 1];
	bool found = false;
	size_t n;

	if (!k || dir_names(d, &names, &n, NULL) < 0)
		return false;
	for (size_t i = 0; i < n && !found; i++)
		if (key_is(d, names[i], k) || cert_is(d, names[i], k)) {
			snprintf(out, PKI_NAME_MAX + 1, "%s", names[i]);
			found = true;
		}
	free(names);
	return found;
}

/* The CA here that signed it. */
static bool by_issuer(const struct dir *d, struct x509_crl *l, char out[PKI_NAME_MAX + 1],
		      struct err *e)
{
	char (*names)[PKI_NAME_MAX + 1], text[X509_DN_TEXT_MAX];
	bool found = false;
	size_t n;

	if (dir_names(d, &names, &n, e) < 0)
		return false;
	for (size_t i = 0; i < n && !found; i++) {
		struct x509 *certs[DIR_CERTS_MAX];
		size_t k;

		if (!dir_has(d, names[i], DIR_CRT) ||
		    dir_certs(d, names[i], certs, &k, NULL) < 0)
			continue;
		if (certs[0]->ca && x509_crl_verify(l, certs[0], NULL) == 0) {
			snprintf(out, PKI_NAME_MAX + 1, "%s", names[i]);
			found = true;
		}
		dir_certs_free(certs, k);
	}
	free(names);
	if (!found)
		err_set(e,
			"its CA, %.300s, is not here: import that one's certificate first",
			x509_dn_str(x509_crl_issuer(l), text, sizeof(text)));
	return found;
}

static int choose_name(const struct dir *d, const struct parts *p, const struct pk *pub,
		       const char *file_name, const char *name,
		       char out[PKI_NAME_MAX + 1], struct err *e)
{
	char text[X509_DN_TEXT_MAX];

	out[0] = '\0';
	if (name[0]) {
		if (pki_check_name(name, e) < 0)
			return -1;
		snprintf(out, PKI_NAME_MAX + 1, "%s", name);
		return 0;
	}
	if (by_key(d, pub, out))
		return 0;
	if (p->friendly[0])
		clean(p->friendly, out);
	if (!out[0] && file_name && file_name[0] && strcmp(file_name, "-") != 0)
		from_file_name(file_name, out);
	if (!out[0] && p->n) {
		x509_dn_short(p->certs[0]->subject, text, sizeof(text));
		clean(strncmp(text, "CN=", 3) == 0 ? text + 3 : text, out);
	}
	if (!out[0])
		return err_code(e, EXIT_USAGE, "how is it to be called? Give a NAME");
	return 0;
}

/* ---- storing ---- */

/* What is there under that name must have the same key. */
static int check_place(const struct dir *d, const char *name, const struct pk *pub,
		       struct pki_imported *out, struct err *e)
{
	bool key = dir_has(d, name, DIR_KEY), cert = dir_has(d, name, DIR_CRT);

	if ((key && !key_is(d, name, pub)) || (cert && !key && !cert_is(d, name, pub)))
		return err_set(
			e,
			"there is a \"%s\" with another key in pki/; give another NAME, or "
			"adit pki delete %s first",
			name, name);
	out->renewed = key || cert;
	return 0;
}

/* A root that came along becomes an entry of its own, unless it is here. */
static int store_root(const struct dir *d, const struct x509 *root, const char *base,
		      struct pki_imported *out, struct err *e)
{
	char (*names)[PKI_NAME_MAX + 1], name[PKI_NAME_MAX + 8];
	size_t n, used = strlen(out->also);
	bool here = false;

	if (dir_names(d, &names, &n, e) < 0)
		return -1;
	for (size_t i = 0; i < n && !here; i++) {
		struct x509 *certs[DIR_CERTS_MAX];
		size_t k;

		if (!dir_has(d, names[i], DIR_CRT) ||
		    dir_certs(d, names[i], certs, &k, NULL) < 0)
			continue;
		here = certs[0]->der.len == root->der.len &&
		       memcmp(certs[0]->der.p, root->der.p, root->der.len) == 0;
		dir_certs_free(certs, k);
	}
	free(names);
	if (here)
		return 0;
	snprintf(name, sizeof(name), "%.*s-ca", PKI_NAME_MAX - 5, base);
	for (int i = 2; i < 10 && dir_has(d, name, DIR_CRT); i++)
		snprintf(name, sizeof(name), "%.*s-ca%d", PKI_NAME_MAX - 5, base, i);
	if (dir_has(d, name, DIR_CRT))
		return 0;
	snprintf(out->also + used, sizeof(out->also) - used, "%s%s", used ? ", " : "",
		 name);
	return dir_write_certs(d, name, &root->der, 1, e);
}

static int store_certs(const struct dir *d, const struct parts *p, const char *name,
		       struct pki_imported *out, struct err *e)
{
	struct slice chain[DIR_CERTS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		bool root = x509_dn_equal(p->certs[i]->issuer, p->certs[i]->subject);

		/* A bundle of roots stays one; beside somebody's certificate they part. */
		if (i > 0 && root && !p->certs[0]->ca) {
			if (store_root(d, p->certs[i], name, out, e) < 0)
				return -1;
			continue;
		}
		chain[n++] = p->certs[i]->der;
	}
	out->n_certs = (unsigned)n;
	return n ? dir_write_certs(d, name, chain, n, e) : 0;
}

static int store_crl(const struct dir *d, struct parts *p, const char *name,
		     struct pki_imported *out, struct err *e)
{
	struct slice der = x509_crl_der(p->crl);
	struct x509_crl *old;
	struct sbuf b = { 0 };
	char ca[PKI_NAME_MAX + 1];
	bool older;
	int r;

	if (!by_issuer(d, p->crl, ca, e))
		return -1;
	if (name[0] && strcmp(name, ca) != 0)
		return err_set(e, "the CRL is of the CA \"%s\", not of \"%s\"", ca, name);
	old = dir_crl(d, ca, NULL);
	older = old && x509_crl_this_update(old) > x509_crl_this_update(p->crl);
	x509_crl_free(old);
	if (older)
		return err_set(e, "a newer CRL of \"%s\" is here already", ca);
	pem_write(&b, "X509 CRL", der);
	r = sbuf_ok(&b) ? dir_write(d, ca, DIR_CRL, sbuf_str(&b), b.len, e) :
			  err_set(e, "out of memory");
	sbuf_fini(&b);
	snprintf(out->name, sizeof(out->name), "%s", ca);
	out->role = PKI_ROLE_CRL;
	return r;
}

static int store(const struct dir *d, struct parts *p, const char *file_name,
		 const char *name, struct pki_imported *out, struct err *e)
{
	struct pk *pub = p->n ? x509_key(p->certs[0], e) : NULL;
	const struct pk *mine = pub ? pub : p->pk;
	int r = -1;

	if (p->n && !pub)
		goto out;
	if (pub && p->pk && !pk_same(pub, p->pk)) {
		err_set(e, "the private key in it is not that of its first certificate");
		goto out;
	}
	if (choose_name(d, p, mine, file_name, name, out->name, e) < 0 ||
	    check_place(d, out->name, mine, out, e) < 0)
		goto out;
	if (p->pk &&
	    dir_write_key(d, out->name, (struct slice){ p->key, p->key_len }, e) < 0)
		goto out;
	r = p->n ? store_certs(d, p, out->name, out, e) : 0;
	/* Its certificate is here: the request is done. */
	if (r == 0 && p->n)
		r = dir_remove(d, out->name, DIR_CSR, e);
	out->key = p->pk != NULL;
	out->role = p->n && p->certs[0]->ca ? PKI_ROLE_CA :
		    p->n && dir_has(d, out->name, DIR_KEY) ? PKI_ROLE_OWN :
		    p->n ? PKI_ROLE_PEER : PKI_ROLE_KEY;
out:
	pk_free(pub);
	return r;
}

int pki_import(const char *dir, struct slice file, const char *file_name,
	       const char *name, const char *password, struct pki_imported *out,
	       struct err *e)
{
	struct parts p = { .n = 0 };
	struct dir d = { .fd = -1 };
	char what[80];
	int r;

	memset(out, 0, sizeof(*out));
	snprintf(what, sizeof(what), "adit pki import %.40s", name);
	r = take_apart(&p, file, password, out, e);
	if (r == 0)
		r = dir_change(&d, dir, what, e);
	if (r == 0)
		r = p.n || p.pk ? store(&d, &p, file_name, name, out, e) :
				  store_crl(&d, &p, name, out, e);
	if (r == 0 && p.crl && (p.n || p.pk)) {
		struct pki_imported ignored = { .n_certs = 0 };

		/* A bundle with its CA's list in it. */
		r = store_crl(&d, &p, "", &ignored, e);
	}
	parts_fini(&p);
	dir_close(&d);
	return r;
}
