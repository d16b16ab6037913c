/* keys: every key, hash and IV that IKEv1 derives (RFC 2409 §5, §5.5, Appendix B). */
#ifndef ADIT_IKE_V1_KEYS_H
#define ADIT_IKE_V1_KEYS_H

#include "core/base/addr.h"
#include "core/base/err.h"
#include "core/base/rd.h"
#include "core/crypto/cbc.h"
#include "core/crypto/crypto.h"
#include "core/ipc/sa.h"
#include "ike/wire/proposal.h"

/* Of an ISAKMP SA, in core/base/secret memory. */
struct v1_keys {
	uint16_t prf;
	uint8_t prf_len;		/* bytes of the four */
	uint8_t skeyid[PRF_MAX], d[PRF_MAX], a[PRF_MAX];
	uint16_t encr, encr_bits;
	uint8_t key_len;
	uint8_t key[CBC_KEY_MAX];	/* SKEYID_e, as long as the cipher wants it */
};

/* SKEYID of RSA signatures: prf(Ni_b | Nr_b, g^xy). out holds PRF_MAX. */
int v1_skeyid_sig(uint16_t prf_id, struct slice ni, struct slice nr, struct slice shared,
		  uint8_t *out) MUST_USE;
/* SKEYID_d, _a, _e, and the cipher's key (Appendix B: stretched where SKEYID_e is short).
 * skeyid: what the vault made of the PSK, or v1_skeyid_sig()'s. NULL with *e. */
struct v1_keys *v1_keys_new(const struct chosen *c, struct slice skeyid, struct slice shared,
			    uint64_t ci, uint64_t cr, struct err *e) MUST_USE;
void v1_keys_free(struct v1_keys *k);	/* wipes; NULL is fine */

/* HASH_I or HASH_R, §5: of the side whose public value and identity are named first. sa_body
 * is the initiator's SA payload's, id_body the ID payload's. out gets prf_len bytes. */
int v1_hash(const struct v1_keys *k, struct slice own_public, struct slice other_public,
	    uint64_t own_cookie, uint64_t other_cookie, struct slice sa_body,
	    struct slice id_body, uint8_t *out) MUST_USE;
/* HASH(1), of a Quick mode or an Informational: before is empty; HASH(2): before is Ni_b.
 * prf(SKEYID_a, M-ID | before | rest). */
int v1_hash_rest(const struct v1_keys *k, uint32_t msg_id, struct slice before,
		 struct slice rest, uint8_t *out) MUST_USE;
/* HASH(3) = prf(SKEYID_a, 0 | M-ID | Ni_b | Nr_b) */
int v1_hash_3(const struct v1_keys *k, uint32_t msg_id, struct slice ni, struct slice nr,
	      uint8_t *out) MUST_USE;

/* The first IV of phase 1: hash(g^xi | g^xr); of an exchange under it: hash(last | M-ID).
 * iv holds CBC_BLOCK_MAX. */
int v1_iv_first(uint16_t prf_id, struct slice gi, struct slice gr, uint8_t *iv) MUST_USE;
int v1_iv_next(const struct v1_keys *k, const uint8_t *last, size_t block, uint32_t msg_id,
	       uint8_t *iv) MUST_USE;

/* Keys of one SA of a child, §5.5: KEYMAT = prf(SKEYID_d, [g(qm)^xy |] protocol | SPI | Ni_b |
 * Nr_b), stretched. spi is the receiver's. shared is empty without PFS. */
int v1_keymat(const struct v1_keys *k, const struct chosen *c, struct slice shared,
	      uint32_t spi, struct slice ni, struct slice nr, struct sa_key *out,
	      struct err *e) MUST_USE;

/* NAT-D, RFC 3947 §3.2: hash(CKY-I | CKY-R | address | port); out gets the hash, *len its
 * length. */
int v1_nat_hash(uint16_t prf_id, uint64_t ci, uint64_t cr, const struct endpoint *ep,
		uint8_t *out, size_t *len) MUST_USE;

#endif
