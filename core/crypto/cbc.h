/* cbc: CBC encryption alone, for IKEv1's messages (RFC 2409 Appendix B): no MAC, and an IV
 * that runs on from message to message. ESP and IKEv2 take aead (crypto.h) instead, which
 * never decrypts what it has not authenticated.
 */
#ifndef ADIT_CRYPTO_CBC_H
#define ADIT_CRYPTO_CBC_H

#include "core/base/err.h"
#include "core/base/rd.h"
#include "core/crypto/alg.h"

#include <stddef.h>
#include <stdint.h>

#define CBC_BLOCK_MAX 16
#define CBC_KEY_MAX 56		/* bytes: Blowfish 448 */

struct cbc;

/* encr: a CBC row of the table (DES, 3DES, Blowfish, AES, Camellia), not AEAD, not NULL.
 * key: encr->key_len bytes, copied. NULL with e when the lengths differ, when encr is no CBC
 * cipher or this build's library has it not. */
struct cbc *cbc_new(const struct alg *encr, struct slice key, struct err *e) MUST_USE;
void cbc_free(struct cbc *c);
size_t cbc_block(const struct cbc *c);	/* bytes: 8 or 16; the IV is as long */

/* In place. iv: cbc_block bytes, replaced by the last block of ciphertext, which is the next
 * message's IV in IKEv1 (the caller keeps it, one per message ID). 0, or -1 when len is 0 or
 * not a multiple of the block; then nothing was touched. Padding is the caller's. */
int cbc_encrypt(struct cbc *c, uint8_t *iv, uint8_t *data, size_t len) MUST_USE;
int cbc_decrypt(struct cbc *c, uint8_t *iv, uint8_t *data, size_t len) MUST_USE;

#endif
