/* x509priv: shared by the files of core/crypto that know X.509. */
#ifndef ADIT_CRYPTO_X509PRIV_H
#define ADIT_CRYPTO_X509PRIV_H

#include "core/crypto/der.h"
#include "core/crypto/x509.h"

#define X509_RDNS_MAX 32	/* of one Name */
#define X509_VALUE_MAX 1024	/* bytes of one attribute, as UTF-8 */

/* One attribute of a Name. */
struct x509_attr {
	struct slice oid;
	uint8_t tag;		/* of the string */
	struct slice value;
};
/* The next attribute of the cursor over a Name's contents; *set is the SET it is in, a cursor
 * that begins empty. */
bool x509_attr_next(struct rd *name, struct rd *set, struct x509_attr *out);
/* Is it a Name that x509_attr_next() walks to its end? */
int x509_dn_check(struct slice dn);
/* The string as UTF-8, without NUL; returns its length, cut to cap. */
size_t x509_attr_utf8(const struct x509_attr *a, char *out, size_t cap);
/* Extensions, all that is in r, into c, whose sans the caller frees, also on failure. */
int x509_extensions(struct x509 *c, struct rd *r);
extern const struct slice x509_oid_cn, x509_oid_email;

#endif
