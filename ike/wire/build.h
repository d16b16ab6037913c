/* build: a message under construction: header, then payloads, each chained to the one before
 * (RFC 7296 §3.1, §3.2). "Next payload" fields and lengths are filled in on the way.
 *
 *	build_begin(&b, buf, sizeof(buf), &hdr);
 *	build_nonce(&b, ni);
 *	build_notify(&b, PROTO_NONE, 0, 0, N_COOKIE, cookie);
 *	if (build_end(&b, &len, e) < 0) …
 *
 * and encrypted, with ike/wire/sk.h:
 *
 *	build_begin(&b, buf, sizeof(buf), &hdr);
 *	sk_begin(sk, &b);
 *	build_id(&b, PAYLOAD_IDI, &id); …
 *	if (sk_end(sk, &b, &len, e) < 0) …
 *
 * A buffer that is too small is a sticky failure, told once by build_end()/sk_end().
 */
#ifndef ADIT_WIRE_BUILD_H
#define ADIT_WIRE_BUILD_H

#include "core/base/wr.h"
#include "ike/wire/ike.h"
#include "ike/wire/payload.h"

struct build {
	struct wr w;
	size_t next_at;		/* where the type of the next payload is to be put */
	size_t open_at;		/* the open payload's generic header; 0 when none is open */
	size_t sk_at;		/* the SK payload's generic header; 0 when not in SK */
};

/* The header from h; its next and len are ignored, version is set to 2.0. */
void build_begin(struct build *b, void *buf, size_t cap, const struct ike_hdr *h);
/* An inner chain without header, for tests: the type of its first payload lands in buf[0],
 * the chain follows; build_chain_end() gives its length (without that byte). */
void build_chain_begin(struct build *b, void *buf, size_t cap);
int build_chain_end(struct build *b, size_t *len, struct err *e) MUST_USE;
/* Open a payload of any type; its body is written through the returned cursor until the next
 * build_*. For what has no function of its own. */
struct wr *build_payload(struct build *b, uint8_t type);
/* Close the message and set its length. -1 when it did not fit. */
int build_end(struct build *b, size_t *len, struct err *e) MUST_USE;

/* Close the open payload; used by sk_end(). */
void build_close(struct build *b);

void build_sa(struct build *b, const struct sa_payload *sa);
void build_ke(struct build *b, uint16_t group, struct slice pub);
void build_id(struct build *b, uint8_t type, const struct ike_id *id);	/* PAYLOAD_IDI/IDR */
void build_auth(struct build *b, uint8_t method, struct slice data);
void build_nonce(struct build *b, struct slice nonce);
/* spi_len 0, 4 or 8. Notifies about the IKE SA itself or none: protocol 0 and spi_len 0;
 * REKEY_SA and CHILD_SA_NOT_FOUND: PROTO_ESP, 4, spi. data may be empty. */
void build_notify(struct build *b, uint8_t protocol, uint8_t spi_len, uint64_t spi,
		  uint16_t type, struct slice data);
/* Notify with no SPI and no data. */
void build_notify_plain(struct build *b, uint16_t type);
/* Notify with one number of 4 bytes: AUTH_LIFETIME. */
void build_notify_u32(struct build *b, uint16_t type, uint32_t value);
/* INVALID_KE_PAYLOAD with the group wanted (§1.3). */
void build_notify_ke(struct build *b, uint16_t group);
/* Delete this IKE SA, or the SAs of ESP or AH with these (our inbound) SPIs. */
void build_delete_ike(struct build *b);
void build_delete_spis(struct build *b, uint8_t protocol, const uint32_t *spi, uint16_t n);
void build_ts(struct build *b, uint8_t type, const struct ts_list *ts);	/* PAYLOAD_TSI/TSR */
/* One certificate in DER, X.509 (§3.6). */
void build_cert(struct build *b, struct slice der);
/* The CAs asked for: SHA-1 hashes of their SubjectPublicKeyInfo, 20 bytes each (§3.7). */
void build_certreq(struct build *b, struct slice hashes);
/* SIGNATURE_HASH_ALGORITHMS: bits 1 << SIGHASH_* (RFC 7427 §4). */
void build_notify_hashes(struct build *b, unsigned bits);
/* AUTH by method 14: the AlgorithmIdentifier, then the signature (RFC 7427 §3). */
void build_auth_digital(struct build *b, struct slice algorithm, struct slice signature);
void build_vendor(struct build *b, struct slice id);

#endif
