/* crypto: the only door to mbedTLS. Hashes, PRFs, key exchange, and one interface for
 * "encrypt and authenticate" that serves IKE's SK payload and ESP alike.
 *
 * Keys handed in are copied; objects keep them in core/base/secret memory and wipe them when
 * freed. Nothing here logs.
 */
#ifndef ADIT_CRYPTO_CRYPTO_H
#define ADIT_CRYPTO_CRYPTO_H

#include "core/base/err.h"
#include "core/base/rd.h"
#include "core/crypto/alg.h"

#include <stddef.h>
#include <stdint.h>

#define PRF_MAX 64		/* longest PRF output */
#define KE_SHARED_MAX 1024	/* MODP 8192 */
#define KE_PUBLIC_MAX 1024
#define AEAD_ICV_MAX 32
#define AEAD_IV_MAX 16

/* SHA-1 over the parts, for NAT_DETECTION_*_IP (RFC 7296 §2.23) and nothing else. */
void hash_sha1(const struct slice *parts, size_t n, uint8_t out[20]);
void hash_sha256(const struct slice *parts, size_t n, uint8_t out[32]);

/* The bare hash under a PRF_HMAC_* transform (IKEv1's negotiated hash: NAT-D, RFC 3947 §3.2;
 * IVs, RFC 2409 Appendix B); out gets the row's out_len, at most PRF_MAX. Fails only for an
 * unknown id. */
int hash(uint16_t prf_id, const struct slice *parts, size_t n, uint8_t *out) MUST_USE;

/* prf(key, parts…) with a PRF_* transform; out gets alg out_len bytes. Fails only for an
 * unknown id. RFC 7296 §2.13. */
int prf(uint16_t prf_id, struct slice key, const struct slice *parts, size_t n, uint8_t *out)
	MUST_USE;
/* prf+(key, seed parts) to out_len bytes, at most 255 blocks. RFC 7296 §2.13. */
int prf_plus(uint16_t prf_id, struct slice key, const struct slice *seed, size_t n,
	     uint8_t *out, size_t out_len) MUST_USE;

/* Key exchange (RFC 2409/3526 MODP, RFC 5903 ECP, RFC 8031 Curve25519). */
struct ke;
/* A new key pair of group ke_id. */
struct ke *ke_new(uint16_t ke_id, struct err *e) MUST_USE;
/* Tests only: a key pair from a published private value, big-endian (Curve25519: as its RFC
 * writes it). */
struct ke *ke_from_private(uint16_t ke_id, struct slice private_value, struct err *e) MUST_USE;
void ke_free(struct ke *k);
uint16_t ke_id(const struct ke *k);
/* The public value as it goes into the KE payload; borrowed. */
struct slice ke_public(const struct ke *k);
/* The shared secret; out holds KE_SHARED_MAX, *out_len gets the group's fixed length (MODP:
 * leading zeros kept). Refuses values of the wrong length, 0, 1, p-1, points off the curve,
 * and an all-zero X25519 result. The caller wipes out. */
int ke_shared(struct ke *k, struct slice peer_public, uint8_t *out, size_t *out_len,
	      struct err *e) MUST_USE;

/* Encrypt-and-authenticate with one key: AEAD (AES-GCM-16, ChaCha20-Poly1305), or a CBC
 * cipher, AES-CTR or none (NULL) with an HMAC. One object serves one direction of one SA. */
struct aead;

/* encr: ENCR transform. key: its keying material, salt at the end for AEAD (RFC 4106 §8.1,
 * RFC 7634 §2) and CTR (RFC 3686 §5.1). integ/integ_key: for CBC, CTR and NULL; NULL and empty
 * for AEAD. */
struct aead *aead_new(const struct alg *encr, struct slice key, const struct alg *integ,
		      struct slice integ_key, struct err *e) MUST_USE;
void aead_free(struct aead *a);
/* 8 for AEAD and CTR, the block size for CBC, 0 for NULL. */
size_t aead_iv_len(const struct aead *a);
size_t aead_icv_len(const struct aead *a);
/* Plaintext must be a multiple; 1 for AEAD, CTR and NULL. */
size_t aead_block(const struct aead *a);
/* Whose code does it: "mbedTLS", "libsodium". */
const char *aead_by(const struct aead *a);
/* Tests only: what keys that are made from now on may take. */
enum aead_from { AEAD_FROM_BEST, AEAD_FROM_MBEDTLS };
void aead_take(enum aead_from f);

/* One message, worked on in place. An HMAC covers aad, iv, data and tail in this
 * order (tail: ESP's high sequence number half, RFC 4303 §2.2.1); AEAD takes aad alone and
 * ignores tail. iv and data need not be adjacent for AEAD; with an HMAC they are. AEAD and CTR
 * never take an IV twice with one key. */
struct aead_job {
	const uint8_t *aad;
	size_t aad_len;
	uint8_t *iv;		/* aead_iv_len bytes, chosen by the caller */
	uint8_t *data;
	size_t len;
	const uint8_t *tail;
	size_t tail_len;
	uint8_t *icv;		/* aead_icv_len bytes: written by seal, checked by open */
};
int aead_seal(struct aead *a, const struct aead_job *j) MUST_USE;
/* -1 when the ICV does not match (in constant time; data is left undefined, never used). */
int aead_open(struct aead *a, const struct aead_job *j) MUST_USE;

#endif
