/* export: certificates and keys in the forms that others take. */
#include "core/base/sbuf.h"
#include "core/base/secret.h"
#include "core/crypto/pem.h"
#include "core/crypto/pkcs12.h"
#include "core/crypto/pkmake.h"
#include "core/pki/dir.h"

#include <stdlib.h>
#include <string.h>

void pki_export_free(uint8_t *bytes, size_t len)
{
	if (bytes)
		secret_wipe(bytes, len);
	free(bytes);
}

static int copy(const void *p, size_t len, uint8_t **out, size_t *out_len, struct err *e)
{
	*out = malloc(len + 1);
	if (!*out)
		return err_set(e, "out of memory");
	memcpy(*out, p, len);
	(*out)[len] = '\0';
	*out_len = len;
	return 0;
}

static int export_certs(const struct dir *d, const char *name, uint8_t **out, size_t *len,
			struct err *e)
{
	struct x509 *certs[DIR_CERTS_MAX];
	struct sbuf b = { 0 };
	size_t n;
	int r;

	if (!dir_has(d, name, DIR_CRT) && dir_has(d, name, DIR_CSR)) {
		uint8_t *csr;
		size_t csr_len;

		if (dir_read(d, name, DIR_CSR, &csr, &csr_len, e) < 0)
			return -1;
		r = copy(csr, csr_len, out, len, e);
		free(csr);
		return r;
	}
	if (dir_certs(d, name, certs, &n, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		pem_write(&b, "CERTIFICATE", certs[i]->der);
	r = sbuf_ok(&b) ? copy(sbuf_str(&b), b.len, out, len, e) :
			  err_set(e, "out of memory");
	sbuf_fini(&b);
	dir_certs_free(certs, n);
	return r;
}

static int export_key(const struct dir *d, const char *name, uint8_t **out, size_t *len,
		      struct err *e)
{
	uint8_t *file;
	size_t n;
	int r;

	if (dir_read(d, name, DIR_KEY, &file, &n, e) < 0)
		return -1;
	r = copy(file, n, out, len, e);
	dir_free(file, DIR_KEY);
	return r;
}

/* The root above the last of the chain, when it is here: the other side wants it too. */
static struct x509 *root_of(const struct dir *d, const struct x509 *last)
{
	char (*names)[PKI_NAME_MAX + 1];
	struct x509 *found = NULL;
	size_t n;

	if (x509_dn_equal(last->issuer, last->subject) ||
	    dir_names(d, &names, &n, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < n && !found; i++) {
		struct x509 *certs[DIR_CERTS_MAX];
		size_t k;

		if (!dir_has(d, names[i], DIR_CRT) ||
		    dir_certs(d, names[i], certs, &k, NULL) < 0)
			continue;
		if (certs[0]->ca && x509_dn_equal(certs[0]->subject, last->issuer) &&
		    x509_check_signature(last->tbs, last->sig_alg, last->sig, certs[0],
					 NULL) == 0)
			found = x509_parse(certs[0]->der, NULL);
		dir_certs_free(certs, k);
	}
	free(names);
	return found;
}

static int export_p12(const struct dir *d, const char *name, const char *password,
		      bool legacy, uint8_t **out, size_t *len, struct err *e)
{
	struct x509 *certs[DIR_CERTS_MAX + 1];
	struct slice key = { 0 };
	struct pk *k = NULL;
	uint8_t *der = NULL;
	size_t n, der_len;
	int r = -1;

	if (dir_certs(d, name, certs, &n, e) < 0)
		return -1;
	certs[n] = root_of(d, certs[n - 1]);
	n += certs[n] != NULL;
	if (dir_has(d, name, DIR_KEY)) {
		k = dir_key(d, name, e);
		der = secret_new(PK_DER_MAX);
		if (!k || !der || pk_write_private(k, der, &der_len, e) < 0)
			goto out;
		key = (struct slice){ der, der_len };
	}
	r = pkcs12_write(key, (const struct x509 *const *)certs, n, name, password,
			 legacy, out, len, e);
out:
	pk_free(k);
	secret_free(der);
	dir_certs_free(certs, n);
	return r;
}

int pki_export(const char *dir, const char *name, enum pki_format f, const char *password,
	       uint8_t **out, size_t *len, struct err *e)
{
	struct dir d;
	int r = -1;

	*out = NULL;
	if (pki_check_name(name, e) < 0 || dir_open(&d, dir, e) < 0)
		return -1;
	if (!dir_has(&d, name, DIR_CRT) && !dir_has(&d, name, DIR_KEY) &&
	    !dir_has(&d, name, DIR_CSR)) {
		dir_no_such(&d, name, e);
		dir_close(&d);
		return -1;
	}
	switch (f) {
	case PKI_PEM:
		r = export_certs(&d, name, out, len, e);
		break;
	case PKI_PEM_KEY:
		r = export_key(&d, name, out, len, e);
		break;
	case PKI_P12:
	case PKI_P12_LEGACY:
		r = export_p12(&d, name, password, f == PKI_P12_LEGACY, out, len, e);
		break;
	}
	dir_close(&d);
	return r;
}
