/* payload: a received IKEv2 message as a list of payloads, and what each payload holds
 * (RFC 7296 §3.2 to §3.16).
 *
 * Slices borrow from the datagram's buffer and die with it. Decoders take the payload's body
 * (without its 4-byte generic header) and read it to the last byte: leftovers are errors.
 * When one returns -1 the message deserves INVALID_SYNTAX (§2.21), and *e says what is wrong
 * with it in words. Reserved fields are ignored (§2.5).
 */
#ifndef ADIT_WIRE_PAYLOAD_H
#define ADIT_WIRE_PAYLOAD_H

#include "core/base/addr.h"
#include "core/base/err.h"
#include "core/base/rd.h"
#include "core/crypto/alg.h"
#include "core/settings/conf.h"
#include "ike/wire/ike.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MSG_PAYLOADS_MAX 64	/* per message, those inside SK included */
#define PROPOSALS_MAX 32	/* per SA payload */
#define TRANSFORMS_MAX 64	/* per proposal */
#define NONCE_MIN 16		/* §3.9 */
#define NONCE_MAX 256
#define DELETE_SPIS_MAX 256	/* per Delete payload */
#define TS_MAX 64		/* selectors kept per TS payload */
#define COOKIE_MAX 64		/* §2.6 */

struct payload {
	uint8_t type;		/* enum ike_payload; only types known here get into a list */
	bool critical;
	struct slice body;
};

/* A message. Roughly 1.7 kB on 64 bit: fine on the stack. */
struct ike_msg {
	struct ike_hdr hdr;
	uint8_t *buf;			/* the datagram: writable, for SK is opened in place */
	size_t len;
	uint8_t n;			/* payloads in p[] */
	uint8_t n_outer;		/* the first of them, which came outside of SK */
	uint8_t skipped;		/* unknown payloads without the critical bit, ignored */
	bool opened;			/* sk_open() did its work: p[n_outer..] were encrypted */
	struct payload p[MSG_PAYLOADS_MAX];
	/* The SK payload, always the last of the outer chain; body.p is NULL without one. It is
	 * not in p[]. */
	struct slice sk;		/* IV, ciphertext, ICV */
	uint8_t sk_next;		/* type of the first payload inside */
	/* It came in an SKF payload instead (RFC 7383 §2.5): the frag-th of frags, from 1; sk
	 * begins behind those two numbers. frags is 0 otherwise. */
	uint16_t frag, frags;

	/* After a failed parse: the notify this deserves in answer, or 0 for silence (a message
	 * that cannot even be attributed is dropped). error_data goes with it:
	 * the payload type for UNSUPPORTED_CRITICAL_PAYLOAD (§2.5). */
	uint16_t error;
	uint8_t error_len;
	uint8_t error_data[1];
};

/* Parse header and outer chain of one datagram (no non-ESP marker). m borrows buf, which may
 * be written to by sk_open(). On -1: m->hdr is valid whenever m->error != 0, and m->error is
 *	INVALID_MAJOR_VERSION	the major version is above 2 (below 2: 0, IKEv1 is not ours)
 *	INVALID_SYNTAX		the chain is broken, too long, or has trailing bytes
 *	UNSUPPORTED_CRITICAL_PAYLOAD
 *	0			the header is unusable
 * Whether an answer is sent at all is the caller's decision (§2.21: never to a response, and
 * unencrypted only for IKE_SA_INIT). */
int ike_msg_parse(void *buf, size_t len, struct ike_msg *m, struct err *e) MUST_USE;

/* Append the chain in body, first of type first, to m->p[]: what sk_open() does with the
 * decrypted bytes; for tests and fuzzing too. SK inside SK is a syntax error. Sets m->error
 * like ike_msg_parse(). */
int ike_msg_inner(struct ike_msg *m, uint8_t first, struct slice body, struct err *e) MUST_USE;

/* The first payload of a type, or NULL. */
const struct payload *ike_msg_get(const struct ike_msg *m, uint8_t type);
/* The one after prev (prev NULL: the first), or NULL. */
const struct payload *ike_msg_next(const struct ike_msg *m, uint8_t type,
				   const struct payload *prev);
unsigned ike_msg_count(const struct ike_msg *m, uint8_t type);
/* "IKE_SA_INIT request 0 [SA KE Nonce N(COOKIE) …]" for debug logs; cap >= 64, cut to fit. */
const char *ike_msg_str(const struct ike_msg *m, char *buf, size_t cap);

/* --- SA, §3.3 --- */

struct sa_transform {
	uint8_t type;		/* enum alg_type, or one unknown here */
	uint16_t id;
	uint16_t key_bits;	/* 0: no Key Length attribute */
	bool unusable;		/* has an attribute unknown here: never chosen, but its
				 * fellows may be (§3.3.6) */
};

struct proposal {
	uint8_t number;
	uint8_t protocol;	/* enum ike_protocol, or one unknown here */
	uint8_t spi_len;	/* 0, 4 or 8 make sense; others leave spi 0 */
	uint64_t spi;		/* big-endian bytes as a number; ESP: fits 32 bits */
	bool unknown_type;	/* has a transform type unknown here: the proposal is not to be
				 * chosen (§3.3.6) */
	uint8_t n;
	struct sa_transform t[TRANSFORMS_MAX];
};

/* About 13 kB: fine on the stack of a handler, but not to be nested. */
struct sa_payload {
	uint8_t n;
	struct proposal p[PROPOSALS_MAX];
};

/* Fails on counts that do not match, "last" marks that lie, lengths that do not fit, more than
 * the caps, no proposal, a Key Length attribute not in TV form or given twice, and proposal
 * numbers that do not grow. Numbers need not begin at 1, for answers. */
int payload_sa(struct slice body, struct sa_payload *out, struct err *e) MUST_USE;

/* --- the others --- */

struct ke_payload {		/* §3.4 */
	uint16_t group;		/* KE_* */
	struct slice data;	/* at least 1 byte; ke_shared() checks the length */
};
int payload_ke(struct slice body, struct ke_payload *out, struct err *e) MUST_USE;

/* §3.5. IDs above ID_MAX bytes are refused; addresses must have 4 or 16 bytes; FQDN, RFC822,
 * DN and KEY_ID at least one; unknown types are kept as they are. For AUTH the body itself is
 * RestOfID. */
int payload_id(struct slice body, struct ike_id *out, struct err *e) MUST_USE;

struct auth_payload {		/* §3.8 */
	uint8_t method;		/* enum ike_auth_method */
	struct slice data;	/* at least 1 byte */
};
int payload_auth(struct slice body, struct auth_payload *out, struct err *e) MUST_USE;

/* §3.9: *out is the nonce, NONCE_MIN..NONCE_MAX bytes. */
int payload_nonce(struct slice body, struct slice *out, struct err *e) MUST_USE;

struct notify {			/* §3.10 */
	uint8_t protocol;	/* enum ike_protocol; 0 when it is about no SA */
	uint16_t type;		/* enum ike_notify or unknown */
	uint8_t spi_len;
	uint64_t spi;		/* as in struct proposal */
	struct slice data;
};
int payload_notify(struct slice body, struct notify *out, struct err *e) MUST_USE;
/* The first well-formed notify of that type in m. False when none. */
bool ike_msg_notify(const struct ike_msg *m, uint16_t type, struct notify *out);
/* The first well-formed error notify. False when none. */
bool ike_msg_error(const struct ike_msg *m, struct notify *out);
/* Its data as one number of 4 bytes, as AUTH_LIFETIME has it (RFC 4478 §3); 0 when it is not
 * that. */
uint32_t notify_u32(const struct notify *n);
/* The group in an INVALID_KE_PAYLOAD's data (§1.3); 0 when it has none. */
uint16_t notify_ke_group(const struct notify *n);

struct delete_payload {		/* §3.11 */
	uint8_t protocol;	/* PROTO_IKE: n is 0 and this IKE SA is meant */
	uint16_t n;
	uint32_t spi[DELETE_SPIS_MAX];	/* the sender's inbound SPIs */
};
int payload_delete(struct slice body, struct delete_payload *out, struct err *e) MUST_USE;

struct ts_list {		/* §3.13; about 2.6 kB */
	uint8_t n;
	bool unknown;		/* selectors of unknown type, or OPAQUE ports, were left out */
	bool more;		/* selectors beyond TS_MAX were left out */
	struct selector s[TS_MAX];
};
/* Both TSi and TSr. Ranges that end before they begin are errors. n may be 0 when all were
 * left out; the number in the payload may not. */
int payload_ts(struct slice body, struct ts_list *out, struct err *e) MUST_USE;

struct cert_payload {		/* §3.6, §3.7: CERT and CERTREQ */
	uint8_t encoding;
	struct slice data;
};
int payload_cert(struct slice body, struct cert_payload *out, struct err *e) MUST_USE;

#define CERT_X509 4		/* X.509 Certificate - Signature */

/* The hash algorithms of a SIGNATURE_HASH_ALGORITHMS notify (RFC 7427 §4) as bits
 * 1 << number; those above 15 are left out. A length that is odd yields 0. */
enum { SIGHASH_SHA1 = 1, SIGHASH_SHA256 = 2, SIGHASH_SHA384 = 3, SIGHASH_SHA512 = 4 };
unsigned notify_hashes(const struct notify *n);
/* AUTH by method 14 (RFC 7427 §3): the AlgorithmIdentifier in DER, and the signature. */
int payload_auth_digital(struct slice data, struct slice *algorithm, struct slice *signature,
			 struct err *e) MUST_USE;

/* VENDOR, CP and EAP are used as their bodies. */

#endif
