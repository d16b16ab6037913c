/* isakmp: IKEv1's messages (RFC 2408 §3, RFC 2407 §4.6): header, payloads, identities,
 * notifies and Deletes, both ways. Strict about bounds, blind to meaning. What it hands out
 * are slices of the message. Proposals are in offer.h.
 */
#ifndef ADIT_IKE_V1_ISAKMP_H
#define ADIT_IKE_V1_ISAKMP_H

#include "core/base/err.h"
#include "core/base/rd.h"
#include "core/base/wr.h"
#include "core/settings/conf.h"

#include <stdbool.h>
#include <stdint.h>

#define ISAKMP_HDR_LEN 28
#define ISAKMP_PAYLOADS_MAX 48	/* more in one message are refused */
#define ISAKMP_NONCE_MIN 8	/* bytes, RFC 2409 §5 */
#define ISAKMP_NONCE_MAX 256

enum { ISAKMP_ENCRYPTED = 1, ISAKMP_COMMIT = 2, ISAKMP_AUTH_ONLY = 4 };	/* flags */
enum isakmp_exchange {
	X_MAIN = 2, X_AGGRESSIVE = 4, X_INFO = 5, X_TRANSACTION = 6, X_QUICK = 32,
	X_NEW_GROUP = 33,
};
enum isakmp_payload {
	P_NONE = 0, P_SA = 1, P_PROPOSAL = 2, P_TRANSFORM = 3, P_KE = 4, P_ID = 5, P_CERT = 6,
	P_CR = 7, P_HASH = 8, P_SIG = 9, P_NONCE = 10, P_NOTIFY = 11, P_DELETE = 12,
	P_VENDOR = 13, P_ATTRIBUTES = 14,
	P_NATD = 20, P_NATOA = 21,		/* RFC 3947 §3.2, §5.2 */
	P_NATD_DRAFT = 130, P_NATOA_DRAFT = 131, /* draft-ietf-ipsec-nat-t-ike-02, -03 */
	P_FRAGMENT = 132,			/* as Cisco's boxes do it */
};
enum { ISAKMP_DOI_IPSEC = 1, ISAKMP_PROTO_ISAKMP = 1, ISAKMP_PROTO_AH = 2,
       ISAKMP_PROTO_ESP = 3 };

/* Notify types, RFC 2408 §3.14.1, RFC 2407 §4.6.3, RFC 3706 §5.3. */
enum isakmp_notify {
	V1_INVALID_PAYLOAD_TYPE = 1, V1_INVALID_COOKIE = 4, V1_INVALID_EXCHANGE_TYPE = 7,
	V1_INVALID_MESSAGE_ID = 9, V1_INVALID_SPI = 11, V1_NO_PROPOSAL_CHOSEN = 14,
	V1_PAYLOAD_MALFORMED = 16, V1_INVALID_ID_INFORMATION = 18, V1_INVALID_HASH = 23,
	V1_AUTHENTICATION_FAILED = 24, V1_INVALID_SIGNATURE = 25,
	V1_STATUS = 16384,	/* from here on nothing went wrong */
	V1_CONNECTED = 16384, V1_RESPONDER_LIFETIME = 24576, V1_REPLAY_STATUS = 24577,
	V1_INITIAL_CONTACT = 24578, V1_R_U_THERE = 36136, V1_R_U_THERE_ACK = 36137,
};
const char *isakmp_notify_name(uint16_t type);	/* "NO_PROPOSAL_CHOSEN", "notify 4711" */
const char *isakmp_exchange_name(uint8_t exchange);
const char *isakmp_payload_name(uint8_t type);

struct isakmp_hdr {
	uint64_t ci, cr;		/* the cookies */
	uint8_t next, version, exchange, flags;
	uint32_t msg_id, len;
};

struct isakmp_payload_at {
	uint8_t type;
	struct slice body;
	struct slice whole;		/* with its generic header */
};

struct isakmp_msg {
	struct isakmp_hdr hdr;
	uint8_t *buf;			/* the datagram; decrypted in place */
	size_t len;
	uint8_t n;
	struct isakmp_payload_at p[ISAKMP_PAYLOADS_MAX];
};

/* The header alone. Fails on less than 28 bytes, a major version other than 1, a length
 * that is not the datagram's, a reserved flag, or a zero initiator cookie. */
int isakmp_header(uint8_t *buf, size_t len, struct isakmp_msg *m, struct err *e) MUST_USE;
/* The payloads after it; encrypted: padding may follow the last; in clear, three zero bytes at
 * most. Known payloads and those for private use (from 128 on) are taken in, others refused
 * (RFC 2408 §5.3), and so are reserved bytes that are not zero. */
int isakmp_payloads(struct isakmp_msg *m, bool encrypted, struct err *e) MUST_USE;
/* Of a type that is passed over where nobody asks for it. */
bool isakmp_is_extra(uint8_t type);
/* The first payload of a type, or NULL; the next of its type after p (NULL: the first). */
const struct isakmp_payload_at *isakmp_get(const struct isakmp_msg *m, uint8_t type);
const struct isakmp_payload_at *isakmp_next(const struct isakmp_msg *m, uint8_t type,
					    const struct isakmp_payload_at *p);
unsigned isakmp_count(const struct isakmp_msg *m, uint8_t type);
/* From behind payload p to the end of the last payload: what a hash covers. */
struct slice isakmp_after(const struct isakmp_msg *m, const struct isakmp_payload_at *p);

/* Nonce: its length is checked. */
int isakmp_nonce(struct slice body, struct slice *out, struct err *e) MUST_USE;

/* Phase 1 identity, RFC 2407 §4.6.2: as IKEv2's types, whose numbers are the same. *port and
 * *proto must be 0, or 17 with 500, or anything with 4500 (NAT-T): else refused. */
int isakmp_id(struct slice body, struct ike_id *out, struct err *e) MUST_USE;
void isakmp_id_write(struct wr *w, const struct ike_id *id);	/* the body */
/* Phase 2 identity: an address, a subnet or a range, with protocol and port. */
int isakmp_selector(struct slice body, struct selector *out, struct err *e) MUST_USE;
/* 0 when it can be said: one network or range, one port or all. */
int isakmp_selector_write(struct wr *w, const struct selector *s) MUST_USE;

struct isakmp_note {		/* Notify, RFC 2408 §3.14 */
	uint8_t protocol;
	uint16_t type;
	struct slice spi, data;
};
int isakmp_note(struct slice body, struct isakmp_note *out, struct err *e) MUST_USE;
struct isakmp_delete {		/* Delete, RFC 2408 §3.15 */
	uint8_t protocol, spi_len;
	uint16_t n;
	struct rd spis;		/* n times spi_len bytes */
};
int isakmp_delete(struct slice body, struct isakmp_delete *out, struct err *e) MUST_USE;

/* An attribute, RFC 2408 §3.3: false at the end or when it is broken (rd_ok() tells). Long
 * values up to 8 bytes are numbers too; longer ones have .big set. */
struct isakmp_attr {
	uint16_t type;
	uint64_t value;
	bool big;
};
bool isakmp_attr(struct rd *r, struct isakmp_attr *a);
/* Two bytes where they hold it, else four. */
void isakmp_attr_write(struct wr *w, uint16_t type, uint32_t value);

/* Writing: begin, payloads, end. The chain of "next payload" is kept. */
struct isakmp_build {
	struct wr w;
	size_t next_at, body_at;
};
void isakmp_begin(struct isakmp_build *b, uint8_t *buf, size_t cap, uint64_t ci, uint64_t cr,
		  uint8_t exchange, uint32_t msg_id);
/* Open a payload, write its body to b->w, close it. */
void isakmp_open(struct isakmp_build *b, uint8_t type);
void isakmp_close(struct isakmp_build *b);
void isakmp_add(struct isakmp_build *b, uint8_t type, struct slice body);
void isakmp_add_note(struct isakmp_build *b, uint8_t protocol, struct slice spi,
		     uint16_t type, struct slice data);
/* Patch the length. -1 when it did not fit. */
int isakmp_end(struct isakmp_build *b, size_t *len) MUST_USE;

#endif
