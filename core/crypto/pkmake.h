/* pkmake: new keys, and keys written out. What `adit pki` needs and the daemons never call. */
#ifndef ADIT_CRYPTO_PKMAKE_H
#define ADIT_CRYPTO_PKMAKE_H

#include "core/base/sbuf.h"
#include "core/crypto/pk.h"

#define PK_DER_MAX 8192		/* a private key of RSA 8192 in PKCS#8 takes 4.8 KB */

/* "rsa3072", "rsa2048", "rsa4096", "ecdsa256", "ecdsa384", "ecdsa521"; also "p256" and
 * "ecp256", "rsa" (3072) and "ecdsa" (256). */
int pk_kind_parse(const char *word, enum pk_type *t, unsigned *bits, struct err *e) MUST_USE;
/* "rsa3072" */
const char *pk_kind_str(enum pk_type t, unsigned bits, char *buf, size_t cap);
/* A new key; RSA of 4096 bits takes some seconds, on a small router a minute. */
struct pk *pk_generate(enum pk_type t, unsigned bits, struct err *e) MUST_USE;
/* SubjectPublicKeyInfo, DER; out PK_DER_MAX. Deterministic: equal keys, equal bytes. */
int pk_write_public(const struct pk *k, uint8_t *out, size_t *len, struct err *e) MUST_USE;
/* PKCS#8 in DER, for secret memory of PK_DER_MAX that the caller wipes. */
int pk_write_private(struct pk *k, uint8_t *out, size_t *len, struct err *e) MUST_USE;
/* Have both the same public half? */
bool pk_same(const struct pk *a, const struct pk *b);
bool pk_has_private(const struct pk *k);

#endif
