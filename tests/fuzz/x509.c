/* rooms: core/settings core/crypto core/base */
/* x509: what a stranger sends as a certificate, a CRL, or a file of them: parsed, shown,
 * compared with IDs, verified against itself, its entries walked. */
#include "core/crypto/x509.h"
#include "core/settings/id.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define CERTS 8

static void show(const struct x509 *c)
{
	char dn[X509_DN_TEXT_MAX], san[X509_SAN_TEXT_MAX], serial[X509_SERIAL_TEXT_MAX];
	uint8_t hash[X509_HASH_LEN];
	struct ike_id own = x509_own_id(c);
	struct err e = { 0 };
	struct pk *k;

	if (strlen(x509_dn_str(c->subject, dn, sizeof(dn))) >= sizeof(dn) ||
	    strlen(x509_dn_short(c->issuer, dn, sizeof(dn))) >= sizeof(dn))
		abort();
	if (!x509_dn_equal(c->subject, c->subject))
		abort();
	for (size_t i = 0; i < c->n_sans; i++)
		x509_san_str(&c->sans[i], san, sizeof(san));
	x509_serial_str(c->serial, serial, sizeof(serial));
	x509_spki_hash(c, hash);
	x509_self_signed(c);
	/* What it calls itself it may be. */
	if (own.type != ID_NONE && x509_check_id(c, &own, &e) < 0)
		abort();
	k = x509_key(c, &e);
	pk_free(k);
}

static void ids(const struct x509 *c)
{
	static const char *const text[] = { "gw.example", "192.0.2.1", "2001:db8::1",
					    "a@b.example", "C=CH, O=Acme, CN=gw", "keyid:x" };
	struct ike_id id;
	struct err e;

	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		if (ike_id_parse(text[i], &id, &e) == 0)
			(void)!x509_check_id(c, &id, &e);
}

static void verify(struct x509 **c, size_t n, struct x509_crl *crl)
{
	const struct x509 *chain[CERTS];
	struct x509_trust t = { .anchors = chain, .n_anchors = n, .sha1 = true,
				.crl = crl ? CRL_STRICT : CRL_OFF, .crls = &crl,
				.n_crls = crl != NULL, .now_s = 1700000000 };
	struct err e;

	for (size_t i = 0; i < n; i++)
		chain[i] = c[i];
	(void)!x509_verify(chain, n, &t, NULL, &e);
	/* Not trusted by being there: by the last one only. */
	t.anchors = &chain[n - 1];
	t.n_anchors = 1;
	(void)!x509_verify(chain, n, &t, NULL, &e);
}

static struct x509_crl *list(struct slice s)
{
	struct x509_revoked r;
	struct err e = { 0 };
	struct x509_crl *l = x509_crl_parse(s, &e);
	struct rd at;
	size_t n = 0;

	if (!l) {
		if (!e.msg[0])
			abort();
		return NULL;
	}
	at = x509_crl_entries(l);
	while (x509_crl_next(&at, &r)) {
		n++;
		if (!x509_crl_find(l, r.serial, NULL))
			abort();
		if (n > 64)
			break;
	}
	return l;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct x509 *c[CERTS] = { NULL };
	struct slice s = { data, len };
	struct err e = { 0 };
	struct x509_crl *l;
	size_t n = 0;

	l = list(s);
	if (x509_parse_file(s, c, CERTS, &n, &e) < 0 && !e.msg[0])
		abort();
	if (!n && (c[0] = x509_parse(s, &e)))
		n = 1;
	for (size_t i = 0; i < n; i++) {
		show(c[i]);
		ids(c[i]);
	}
	if (n)
		verify(c, n, l);
	for (size_t i = 0; i < n; i++)
		x509_free(c[i]);
	x509_crl_free(l);
	return 0;
}
