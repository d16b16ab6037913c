/* revoke: the lists of our CAs. A list is the CA's only memory of what it revoked, so the next
 * is made from the last. */
#include "core/base/clock.h"
#include "core/base/sbuf.h"
#include "core/crypto/pem.h"
#include "core/crypto/pkmake.h"
#include "core/crypto/x509make.h"
#include "core/pki/dir.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CRL_DAYS 30
#define REVOKED_MAX 20000
#define DAY_S 86400

static const char *const reasons[] = {
	"unspecified", "keyCompromise",	       "caCompromise",	  "affiliationChanged",
	"superseded",  "cessationOfOperation", "certificateHold",
};

static int reason_of(const char *text, int *out, struct err *e)
{
	*out = -1;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strcasecmp(text, reasons[i]) == 0)
			*out = (int)i;
	if (*out < 0 && text[0])
		return err_code(e, EXIT_USAGE, "reason: unspecified, keyCompromise, "
				"affiliationChanged, superseded, cessationOfOperation or "
				"certificateHold, not \"%.40s\"", text);
	return 0;
}

/* A list being made: what the last one had, and perhaps one more. */
struct list {
	struct x509 *ca[DIR_CERTS_MAX];
	size_t n_ca;
	struct pk *key;
	struct x509_crl *last;		/* NULL: none yet */
	struct x509_revoked *v;
	size_t n;
};

static void list_fini(struct list *l)
{
	dir_certs_free(l->ca, l->n_ca);
	pk_free(l->key);
	x509_crl_free(l->last);
	free(l->v);
}

static int list_open(const struct dir *d, const char *ca, struct list *l, struct err *e)
{
	struct x509_revoked one;
	struct rd r;

	*l = (struct list){ .n_ca = 0 };
	if (!dir_has(d, ca, DIR_CRT))
		return dir_no_such(d, ca, e);
	if (dir_certs(d, ca, l->ca, &l->n_ca, e) < 0)
		return -1;
	if (!l->ca[0]->ca)
		return err_set(e, "\"%s\" is not a CA", ca);
	if (!dir_has(d, ca, DIR_KEY))
		return err_set(
			e,
			"the key of the CA \"%s\" is not here: its owner has to revoke, and "
			"to send the CRL (adit pki import)",
			ca);
	l->key = dir_key(d, ca, e);
	if (!l->key)
		return -1;
	if (dir_has(d, ca, DIR_CRL)) {
		l->last = dir_crl(d, ca, e);
		/* Going on without it would forget what was revoked. */
		if (!l->last || x509_crl_verify(l->last, l->ca[0], e) < 0)
			return err_wrap(
				e, "the CRL of \"%s\" that is here cannot be continued",
				ca);
	}
	l->v = calloc((l->last ? x509_crl_count(l->last) : 0) + 1, sizeof(*l->v));
	if (!l->v)
		return err_set(e, "out of memory");
	if (l->last) {
		r = x509_crl_entries(l->last);
		while (x509_crl_next(&r, &one))
			l->v[l->n++] = one;
	}
	return 0;
}

static int list_write(const struct dir *d, const char *ca, struct list *l, unsigned days,
		      uint8_t **der, size_t *len, struct err *e)
{
	uint32_t number = l->last ? x509_crl_number(l->last) + 1 : 1;
	int64_t now = clock_wall_s();
	struct sbuf b = { 0 };
	uint8_t *out;
	size_t n;
	int r;

	if (l->n > REVOKED_MAX)
		return err_set(e, "more than %d revoked certificates: make a new CA",
			       REVOKED_MAX);
	if (x509_make_crl(l->ca[0], l->key, l->v, l->n, number, now - 60,
			  now + (int64_t)(days ? days : CRL_DAYS) * DAY_S, &out, &n,
			  e) < 0)
		return -1;
	pem_write(&b, "X509 CRL", (struct slice){ out, n });
	r = sbuf_ok(&b) ? dir_write(d, ca, DIR_CRL, sbuf_str(&b), b.len, e) :
			  err_set(e, "out of memory");
	sbuf_fini(&b);
	if (r == 0 && der) {
		*der = out;
		*len = n;
	} else {
		free(out);
	}
	return r;
}

/* "4f:03:a1", "4F03A1" */
static int serial_of(const char *text, uint8_t *out, size_t *len)
{
	size_t digits = 0;

	*len = 0;
	memset(out, 0, X509_SERIAL_MAX);
	for (; *text; text++) {
		unsigned v;

		if (*text == ':')
			continue;
		if (!isxdigit((unsigned char)*text) || digits / 2 + 1 >= X509_SERIAL_MAX)
			return -1;
		v = (unsigned)(isdigit((unsigned char)*text) ?
				       *text - '0' :
				       tolower((unsigned char)*text) - 'a' + 10);
		out[1 + digits / 2] |= (uint8_t)(digits % 2 ? v : v << 4);
		digits++;
	}
	if (digits == 0 || digits % 2)
		return -1;
	*len = digits / 2;
	/* as an INTEGER's bytes: a sign byte where the top bit is set */
	if (out[1] & 0x80)
		++*len;
	else
		memmove(out, out + 1, *len);
	return 0;
}

/* The name in pki/ of the CA that issued c. */
static int find_ca(const struct dir *d, const struct x509 *c, char ca[PKI_NAME_MAX + 1],
		   struct err *e)
{
	char (*names)[PKI_NAME_MAX + 1], text[X509_DN_TEXT_MAX];
	size_t n;

	ca[0] = '\0';
	if (dir_names(d, &names, &n, e) < 0)
		return -1;
	for (size_t i = 0; i < n && !ca[0]; i++) {
		struct x509 *certs[DIR_CERTS_MAX];
		size_t k;

		if (!dir_has(d, names[i], DIR_KEY) ||
		    dir_certs(d, names[i], certs, &k, NULL) < 0)
			continue;
		if (certs[0]->ca && x509_dn_equal(certs[0]->subject, c->issuer) &&
		    x509_check_signature(c->tbs, c->sig_alg, c->sig, certs[0], NULL) == 0)
			snprintf(ca, PKI_NAME_MAX + 1, "%s", names[i]);
		dir_certs_free(certs, k);
	}
	free(names);
	if (ca[0])
		return 0;
	return err_set(e,
		       "its CA, %.300s, is not one of ours: its owner has to revoke it",
		       x509_dn_str(c->issuer, text, sizeof(text)));
}

int pki_revoke(const char *dir, const char *what, const char *ca, const char *reason,
	       struct err *e)
{
	uint8_t serial[X509_SERIAL_MAX + 1];
	struct x509 *certs[DIR_CERTS_MAX];
	char found[PKI_NAME_MAX + 1], doing[80];
	struct slice s = { serial, 0 };
	struct list l = { .n_ca = 0 };
	struct dir d;
	size_t n = 0;
	int why, r = -1;

	if (reason_of(reason, &why, e) < 0)
		return -1;
	snprintf(doing, sizeof(doing), "adit pki revoke %.40s", what);
	if (dir_change(&d, dir, doing, e) < 0)
		return -1;
	if (pki_check_name(what, NULL) == 0 && dir_has(&d, what, DIR_CRT)) {
		if (dir_certs(&d, what, certs, &n, e) < 0)
			goto out;
		if (x509_dn_equal(certs[0]->issuer, certs[0]->subject)) {
			err_set(e,
				"\"%s\" signed itself: delete it wherever it is trusted",
				what);
			goto out;
		}
		s = certs[0]->serial;
		if (!ca[0] && find_ca(&d, certs[0], found, e) < 0)
			goto out;
		ca = ca[0] ? ca : found;
	} else if (serial_of(what, serial, &s.len) < 0) {
		dir_no_such(&d, what, e);
		goto out;
	} else if (!ca[0]) {
		err_code(e, EXIT_USAGE,
			 "a serial number alone does not say whose: give ca=NAME");
		goto out;
	}
	if (list_open(&d, ca, &l, e) < 0)
		goto out;
	if (n && !x509_dn_equal(certs[0]->issuer, l.ca[0]->subject)) {
		err_set(e, "\"%s\" was not issued by \"%s\"", what, ca);
		goto out;
	}
	if (l.last && x509_crl_find(l.last, s, NULL)) {
		err_set(e, "\"%.100s\" is revoked already", what);
		goto out;
	}
	l.v[l.n++] = (struct x509_revoked){ .serial = s,
					    .when = clock_wall_s(),
					    .reason = why };
	r = list_write(&d, ca, &l, 0, NULL, NULL, e);
out:
	list_fini(&l);
	dir_certs_free(certs, n);
	dir_close(&d);
	return r;
}

int pki_crl(const char *dir, const char *ca, unsigned days, uint8_t **der, size_t *len,
	    struct err *e)
{
	struct list l = { .n_ca = 0 };
	char doing[80];
	struct dir d;
	int r;

	if (pki_check_name(ca, e) < 0)
		return -1;
	if (days > PKI_DAYS_MAX)
		return err_code(e, EXIT_USAGE, "days: 1 to %d", PKI_DAYS_MAX);
	snprintf(doing, sizeof(doing), "adit pki crl %s", ca);
	if (dir_change(&d, dir, doing, e) < 0)
		return -1;
	if (!dir_has(&d, ca, DIR_KEY) && dir_has(&d, ca, DIR_CRL)) {
		l.last = dir_crl(&d, ca, e);
		r = l.last ? 0 : -1;
		if (r == 0 && der) {
			struct slice s = x509_crl_der(l.last);

			*der = malloc(s.len);
			*len = s.len;
			r = *der ? 0 : err_set(e, "out of memory");
			if (*der)
				memcpy(*der, s.p, s.len);
		}
	} else {
		r = list_open(&d, ca, &l, e);
		if (r == 0)
			r = list_write(&d, ca, &l, days, der, len, e);
	}
	list_fini(&l);
	dir_close(&d);
	return r;
}

void pki_crl_pem(struct sbuf *out, const uint8_t *der, size_t len)
{
	pem_write(out, "X509 CRL", (struct slice){ der, len });
}
