/* rc2: RC2 in CBC, decrypting alone (RFC 2268): the certificates of PKCS#12 files that Windows
 * and OpenSSL 1 wrote. Nothing is ever encrypted with it. */
#ifndef ADIT_CRYPTO_RC2_H
#define ADIT_CRYPTO_RC2_H

#include <stddef.h>
#include <stdint.h>

/* len is a multiple of 8; key_len 5 or 16, its effective bits are all of it. */
void rc2_cbc_decrypt(const uint8_t *key, size_t key_len, const uint8_t iv[8], const uint8_t *in,
		     uint8_t *out, size_t len);

#endif
