/* x509make: certificates, requests (PKCS#10) and revocation lists written: what `adit pki`
 * needs and the daemons never call. RFC 5280 §4 and §5, RFC 2986.
 */
#ifndef ADIT_CRYPTO_X509MAKE_H
#define ADIT_CRYPTO_X509MAKE_H

#include "core/crypto/pk.h"
#include "core/crypto/x509.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a certificate or a request is to say. */
struct x509_want {
	struct slice subject;		/* a Name in DER; empty: an empty one, with names below */
	const struct x509_san *sans;	/* EMAIL, DNS, URI, IP */
	size_t n_sans;
	bool ca;
	int path_len;			/* of a CA; -1: no limit */
	unsigned eku;			/* X509_EKU_* but OTHER; 0: none */
	const char *crl_url;		/* NULL: none */
	int64_t not_before, not_after;	/* not in a request */
};

/* A certificate for the key in spki, signed by ca's key; ca NULL: self-signed, key being its
 * own. The serial number is random. A certificate never outlives its CA: not_after is cut to
 * the CA's. out holds X509_DER_MAX. */
int x509_make(const struct x509_want *w, struct slice spki, const struct x509 *ca, struct pk *key,
	      uint8_t *out, size_t *len, struct err *e) MUST_USE;

/* A request for this key. */
int x509_make_csr(const struct x509_want *w, struct pk *key, uint8_t *out, size_t *len,
		  struct err *e) MUST_USE;

/* A request as it came from the other side: who it wants to be, and that it has the key. */
struct x509_csr {
	struct slice der;		/* whole; owned */
	struct slice subject, spki;
	size_t n_sans;
	struct x509_san *sans;
	unsigned eku;
	bool wants_ca;
};
/* PEM or DER; the signature is checked. */
struct x509_csr *x509_csr_parse(struct slice file, struct err *e) MUST_USE;
void x509_csr_free(struct x509_csr *r);

/* A CRL, DER, the caller's to free(). revoked: serial, when and reason of each. number grows
 * with each list of a CA (RFC 5280 §5.2.3). */
int x509_make_crl(const struct x509 *ca, struct pk *key, const struct x509_revoked *revoked,
		  size_t n, uint32_t number, int64_t this_update, int64_t next_update,
		  uint8_t **out, size_t *len, struct err *e) MUST_USE;
/* "serverAuth,clientAuth", "ipsecIKE", "ikeIntermediate", "any", "none"; what openssl and
 * strongSwan call them. */
int x509_eku_parse(const char *text, unsigned *eku, struct err *e) MUST_USE;
const char *x509_eku_str(unsigned eku, char *buf, size_t cap);

#endif
