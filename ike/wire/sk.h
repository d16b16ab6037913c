/* sk: the Encrypted payload (RFC 7296 §3.14; AEAD: RFC 5282), sealed and opened.
 *
 * One object per direction: an IKE SA has one made of SK_e/SK_a of the sender for each. What
 * is authenticated runs from the first byte of the IKE header to the end of the SK payload's
 * generic header (AEAD: as associated data) and, with CBC + HMAC, on through IV and ciphertext.
 *
 * IVs: for AEAD an 8-byte counter that starts at random and never repeats under one key
 * (RFC 5282 §3.1); it runs over after 2^64 messages. For CBC 16 (3DES: 8) random bytes.
 */
#ifndef ADIT_WIRE_SK_H
#define ADIT_WIRE_SK_H

#include "core/base/err.h"
#include "core/base/rd.h"
#include "core/crypto/crypto.h"
#include "ike/wire/build.h"
#include "ike/wire/payload.h"

struct sk;

/* encr_key: SK_ei or SK_er, salt included for AEAD. integ NULL and integ_key empty for AEAD.
 * The keys are copied. */
struct sk *sk_new(const struct alg *encr, struct slice encr_key, const struct alg *integ,
		  struct slice integ_key, struct err *e) MUST_USE;
void sk_free(struct sk *s);
/* Bytes that SK adds to the inner payloads at most: generic header, IV, padding, pad length,
 * ICV. */
size_t sk_overhead(const struct sk *s);

/* Open the SK payload as the last payload of b; what follows is built inside it. */
void sk_begin(struct sk *s, struct build *b);
/* Pad, encrypt in place, set the lengths. *len: of the whole message. An empty SK payload (a
 * liveness check) is fine. -1 when it did not fit, or the cipher failed. */
int sk_end(struct sk *s, struct build *b, size_t *len, struct err *e) MUST_USE;

/* Check and decrypt m's SK payload in place and append what is inside to m->p[]. On -1:
 * m->error 0		no SK payload, too short, or the ICV does not match: nothing in it is
 *			to be believed, drop it (§2.21.2: no answer)
 * m->error != 0	authentic but broken or with an unknown critical payload; answer with
 *			this notify, encrypted (§2.21.2, §2.5). m->opened is true. */
int sk_open(struct sk *s, struct ike_msg *m, struct err *e) MUST_USE;

/* ---- what sk_end(), sk_open() and ike/wire/skf.c are made of ---- */

size_t sk_iv_len(const struct sk *s);
size_t sk_icv_len(const struct sk *s);
size_t sk_block(const struct sk *s);
/* The length that the message would have after sk_end() now. */
size_t sk_whole_len(const struct sk *s, const struct build *b);
/* The inner payloads written so far (valid until the next build_*), and the type of the first. */
struct slice sk_inner(const struct sk *s, struct build *b, uint8_t *first);
/* Pad, encrypt and close the payload whose IV lies at iv_at and whose generic header lies at
 * b->sk_at. */
int sk_seal(struct sk *s, struct build *b, size_t iv_at, size_t *len, struct err *e) MUST_USE;
/* Check and decrypt m->sk in place; *plain: without the padding. Sets m->opened and m->error as
 * sk_open() does. */
int sk_decrypt(struct sk *s, struct ike_msg *m, struct slice *plain, struct err *e) MUST_USE;

#endif
