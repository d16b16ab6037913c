/* pk: public keys, and signatures by them (RFC 7296 §3.8, RFC 7427, RFC 2409 §5.1).
 *
 * A private key is in the vault's process alone; iked verifies. Like all of core/crypto it
 * hides mbedTLS.
 */
#ifndef ADIT_CRYPTO_PK_H
#define ADIT_CRYPTO_PK_H

#include "core/base/err.h"
#include "core/base/rd.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PK_SIGNATURE_MAX 1024	/* bytes: RSA 8192 */

enum pk_type { PK_RSA, PK_ECDSA };

/* How octets become a signature. */
enum pk_scheme {
	PK_RSA_PKCS1_SHA1 = 1,	/* IKEv2 method 1, and RFC 7427 sha1WithRSAEncryption */
	PK_RSA_PKCS1_SHA256, PK_RSA_PKCS1_SHA384, PK_RSA_PKCS1_SHA512,
	PK_RSA_PSS_SHA256, PK_RSA_PSS_SHA384, PK_RSA_PSS_SHA512, /* salt as long as the hash */
	PK_ECDSA_SHA256, PK_ECDSA_SHA384, PK_ECDSA_SHA512, /* DER pair; RFC 7427 */
	PK_ECDSA_P256, PK_ECDSA_P384, PK_ECDSA_P521, /* methods 9 to 11: r | s (RFC 4754) */
	PK_RSA_RAW,		/* octets are IKEv1's HASH_I or HASH_R: padded as PKCS#1 type 1
				 * without a DigestInfo (RFC 2409 §5.1) */
	PK_SCHEME_N
};
const char *pk_scheme_name(enum pk_scheme s);	/* "RSA-PSS with SHA2-256" */
/* The AlgorithmIdentifier that RFC 7427 puts before the signature; empty when it has none. */
struct slice pk_scheme_der(enum pk_scheme s);
/* The other way; 0 when unknown. A PSS with parameters of another salt length is unknown. */
enum pk_scheme pk_scheme_of_der(struct slice algorithm_identifier);
bool pk_scheme_fits(enum pk_scheme s, enum pk_type t, unsigned bits);

struct pk;
/* A private key, PEM or DER, PKCS#1, SEC1 or PKCS#8; RSA 2048 to 8192, P-256/384/521. Memory
 * is core/base/secret's where the library allows it. */
struct pk *pk_private(struct slice pem_or_der, struct err *e) MUST_USE;
/* A SubjectPublicKeyInfo in DER. */
struct pk *pk_public(struct slice der, struct err *e) MUST_USE;
void pk_free(struct pk *k);
enum pk_type pk_type(const struct pk *k);
unsigned pk_bits(const struct pk *k);
/* out holds PK_SIGNATURE_MAX. -1 when the scheme does not fit the key. */
int pk_sign(struct pk *k, enum pk_scheme s, struct slice octets, uint8_t *out, size_t *len,
	    struct err *e) MUST_USE;
/* 0 when sig is k's over octets. */
int pk_verify(struct pk *k, enum pk_scheme s, struct slice octets, struct slice sig,
	      struct err *e) MUST_USE;

#endif
