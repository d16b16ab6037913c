/* rooms: core/crypto core/base */
/* pkcs12: what an admin was sent and imports: PKCS#12, BER, encrypted keys, keys, requests, PEM.
 * What was read is written again, and reads the same. */
#include "core/base/secret.h"
#include "core/crypto/pem.h"
#include "core/crypto/pkcs12.h"
#include "core/crypto/pkmake.h"
#include "core/crypto/x509make.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void ber(struct slice in)
{
	uint8_t *once, *twice;
	size_t n, m;

	if (ber_to_der(in, &once, &n) < 0)
		return;
	/* What is DER stays as it is. */
	if (ber_to_der((struct slice){ once, n }, &twice, &m) < 0 || m != n ||
	    memcmp(once, twice, n) != 0)
		abort();
	free(once);
	free(twice);
}

static void key(struct slice in)
{
	uint8_t *der = secret_new(PK_DER_MAX);
	struct err e = { 0 };
	struct pk *k = pk_private(in, &e), *again;
	size_t n;

	if (!k && !e.msg[0])
		abort();
	if (k && pk_write_private(k, der, &n, &e) == 0) {
		again = pk_private((struct slice){ der, n }, &e);
		if (!again || !pk_same(k, again))
			abort();
		pk_free(again);
	}
	pk_free(k);
	secret_free(der);
}

static void pfx(struct slice in)
{
	struct err e = { 0 };
	struct pkcs12 p;
	uint8_t *out;
	size_t n;
	bool wrong;

	if (pkcs12_read(in, "x", &p, &wrong, &e) < 0) {
		if (!e.msg[0])
			abort();
	} else {
		pkcs12_fini(&p);
	}
	if (pkcs8_decrypt(in, "x", &out, &n, &wrong, &e) == 0) {
		key((struct slice){ out, n });
		secret_free(out);
	}
}

static void request(struct slice in)
{
	struct err e = { 0 };
	struct x509_csr *r = x509_csr_parse(in, &e);

	if (!r && !e.msg[0])
		abort();
	x509_csr_free(r);
}

/* An INTEGER of 65,536 to two million is, if anything, rounds for the password, that would only
 * take time; more is refused at once. */
static bool slow(struct slice in)
{
	for (size_t i = 0; i + 2 < in.len; i++)
		if (in.p[i] == 2 && in.p[i + 1] == 3 && in.p[i + 2] && in.p[i + 2] < 0x1f)
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct slice in = { data, len };

	if (len > 16384)
		return 0;
	ber(in);
	if (!slow(in))
		pfx(in);
	key(in);
	request(in);
	return 0;
}
