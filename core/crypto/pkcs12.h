/* pkcs12: a private key with its certificates in one file under a password (RFC 7292), as
 * Windows, macOS, openssl, strongSwan's pki and RouterOS write and read them. Old encryption
 * (RC2, 3DES, SHA-1) is read; written is AES-256 with SHA2-256, or 3DES with SHA-1 for systems
 * that know no better. Also encrypted PKCS#8 keys.
 */
#ifndef ADIT_CRYPTO_PKCS12_H
#define ADIT_CRYPTO_PKCS12_H

#include "core/base/err.h"
#include "core/base/rd.h"
#include "core/crypto/x509.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PKCS12_MAX (512u * 1024)
#define PKCS12_CERTS_MAX 16
#define PKCS12_NAME_MAX 64

struct pkcs12 {
	size_t n_certs;
	struct x509 *certs[PKCS12_CERTS_MAX];	/* with a key: its own first, then upwards */
	uint8_t *key;			/* PKCS#8 DER in secret memory; NULL: none */
	size_t key_len;
	char name[PKCS12_NAME_MAX + 1];	/* friendlyName, of the key if it has one; may be "" */
};

/* Is it a PKCS#12 file, by its beginning? */
bool pkcs12_is(struct slice file);
/* *wrong_password: ask for it again. More than one key is an error. pkcs12_fini() on success. */
int pkcs12_read(struct slice file, const char *password, struct pkcs12 *out,
		bool *wrong_password, struct err *e) MUST_USE;
void pkcs12_fini(struct pkcs12 *p);
/* key: PKCS#8 DER, empty for certificates alone. *out is the caller's to free(). */
int pkcs12_write(struct slice key, const struct x509 *const *certs, size_t n, const char *name,
		 const char *password, bool legacy, uint8_t **out, size_t *len,
		 struct err *e) MUST_USE;

/* EncryptedPrivateKeyInfo (RFC 5958 §3) in DER; *out is PKCS#8 in secret memory. */
int pkcs8_decrypt(struct slice der, const char *password, uint8_t **out, size_t *len,
		  bool *wrong_password, struct err *e) MUST_USE;

/* BER into DER as far as lengths and pieced strings go; *out is the caller's to free(). For
 * files that NSS wrote. */
int ber_to_der(struct slice in, uint8_t **out, size_t *len);

#endif
