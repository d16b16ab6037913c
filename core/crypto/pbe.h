/* pbe: encryption by password as keys and PKCS#12 files have it: PBES2 (RFC 8018) with AES or
 * 3DES, and the old ways of RFC 7292 appendix C with 3DES and RC2, for reading what Windows,
 * macOS and older OpenSSL write.
 */
#ifndef ADIT_CRYPTO_PBE_H
#define ADIT_CRYPTO_PBE_H

#include "core/base/err.h"
#include "core/base/rd.h"
#include "core/crypto/der.h"

#include <mbedtls/md.h>
#include <stddef.h>
#include <stdint.h>

#define PBE_PASSWORD_MAX 256	/* bytes of UTF-8 */
#define PBE_ROUNDS_MAX 2000000	/* more would hang a router; NSS writes 600,000 */
#define PBE_BLOCK_MAX 16

/* Decrypt what an AlgorithmIdentifier says, padding taken off; out holds data.len. empty_nul:
 * how an empty password is written in the old ways, for both are met. -1 when the algorithm is
 * not known; a wrong password most often shows by its padding: *wrong. */
int pbe_decrypt(struct slice alg, struct slice password, bool empty_nul, struct slice data,
		uint8_t *out, size_t *len, bool *wrong, struct err *e) MUST_USE;
/* Encrypt: PBES2 with AES-256-CBC and HMAC-SHA2-256, or, legacy, SHA-1 and 3DES. The
 * AlgorithmIdentifier goes into alg. out holds data.len + PBE_BLOCK_MAX. */
int pbe_encrypt(bool legacy, struct slice password, struct slice data, uint8_t *out, size_t *len,
		uint8_t alg[160], size_t *alg_len, struct err *e) MUST_USE;

/* RFC 7292 appendix B: id 1 a key, 2 an IV, 3 a MAC key. */
int pbe_pkcs12_kdf(mbedtls_md_type_t md, uint8_t id, struct slice password, bool empty_nul,
		   struct slice salt, uint32_t rounds, uint8_t *out, size_t len,
		   struct err *e) MUST_USE;
int pbe_pbkdf2(mbedtls_md_type_t md, struct slice password, struct slice salt, uint32_t rounds,
	       uint8_t *out, size_t len) MUST_USE;
/* The same by the AlgorithmIdentifier of id-PBKDF2 with its parameters. */
int pbe_pbkdf2_by(struct slice alg, struct slice password, uint8_t *out, size_t len,
		  struct err *e) MUST_USE;
/* hmacWithSHA1 … of an OID, MD_NONE when unknown. */
mbedtls_md_type_t pbe_hmac_of(struct slice oid);
/* id-sha1 … */
mbedtls_md_type_t pbe_hash_of(struct slice oid);

#endif
