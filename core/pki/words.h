/* words: what an admin writes, as X.509 wants it. For core/pki alone. */
#ifndef ADIT_PKI_WORDS_H
#define ADIT_PKI_WORDS_H

#include "core/crypto/x509make.h"
#include "core/pki/pki.h"

/* A struct x509_want with what it points to. */
struct words {
	struct x509_want want;
	struct ike_id subject;
	size_t n_sans;
	struct x509_san sans[X509_SANS_MAX];
	uint8_t bytes[PKI_TEXT_MAX + 16 * X509_SANS_MAX];
	size_t used;
};

/* Subject, names, usage, CRL point and days; ca: of a CA's own certificate. Without a subject
 * CN=NAME, but not where subject_needed is false. */
int words_parse(const struct pki_want *w, bool ca, bool subject_needed, struct words *out,
		struct err *e) MUST_USE;

#endif
