/* pem: the armour of keys and certificates (RFC 7468). */
#ifndef ADIT_CRYPTO_PEM_H
#define ADIT_CRYPTO_PEM_H

#include "core/base/rd.h"
#include "core/base/sbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEM_LABEL_MAX 40

/* One armoured piece of a text. */
struct pem {
	char label[PEM_LABEL_MAX + 1];	/* "CERTIFICATE" */
	struct slice body;		/* the base64 lines, borrowed */
	bool encrypted;			/* OpenSSL's old way: "Proc-Type: 4,ENCRYPTED" */
};

/* The next piece from *text on, which moves behind it; text before it is passed over. False
 * when there is none, or its end is missing. */
bool pem_next(struct slice *text, struct pem *out);
/* Does it look like PEM rather than DER? */
bool pem_is(struct slice file);
/* Bytes that the body becomes at most. */
static inline size_t pem_bound(const struct pem *p)
{
	return p->body.len / 4 * 3 + 3;
}
/* The body as bytes; out holds pem_bound(). -1 for what is not base64. */
int pem_decode(const struct pem *p, uint8_t *out, size_t *len);
/* Lines of 64, with BEGIN and END. */
void pem_write(struct sbuf *b, const char *label, struct slice der);

#endif
