/* ike: the numbers of IKEv2 (RFC 7296, IANA "IKEv2 Parameters"), their names, and the 28-byte
 * header that every message begins with.
 *
 * The non-ESP marker of UDP port 4500 (RFC 3948 §2.2) is the caller's: it strips four zero
 * bytes before parsing and puts them before sending.
 */
#ifndef ADIT_WIRE_IKE_H
#define ADIT_WIRE_IKE_H

#include "core/base/err.h"
#include "core/base/rd.h"
#include "core/base/wr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IKE_HDR_LEN 28
#define IKE_PORT 500
#define IKE_NATT_PORT 4500
#define IKE_VERSION_2 0x20	/* major 2, minor 0, as the version byte */
#define IKE_MSG_MAX 65535	/* what one UDP datagram could carry at most */

/* Exchange types, §3.1. */
enum ike_exchange {
	IKE_SA_INIT = 34,
	IKE_AUTH = 35,
	CREATE_CHILD_SA = 36,
	INFORMATIONAL = 37,
};

/* Header flags, §3.1. */
enum {
	IKE_FLAG_INITIATOR = 0x08,	/* sent by the original initiator of this IKE SA */
	IKE_FLAG_VERSION = 0x10,	/* could speak a higher major version */
	IKE_FLAG_RESPONSE = 0x20,
};

/* Payload types, §3.2. */
enum ike_payload {
	PAYLOAD_NONE = 0,
	PAYLOAD_SA = 33,
	PAYLOAD_KE = 34,
	PAYLOAD_IDI = 35,
	PAYLOAD_IDR = 36,
	PAYLOAD_CERT = 37,
	PAYLOAD_CERTREQ = 38,
	PAYLOAD_AUTH = 39,
	PAYLOAD_NONCE = 40,
	PAYLOAD_NOTIFY = 41,
	PAYLOAD_DELETE = 42,
	PAYLOAD_VENDOR = 43,
	PAYLOAD_TSI = 44,
	PAYLOAD_TSR = 45,
	PAYLOAD_SK = 46,
	PAYLOAD_CP = 47,
	PAYLOAD_EAP = 48,
	PAYLOAD_SKF = 53,		/* RFC 7383 */
};

/* Security protocol identifiers, §3.3.1. */
enum ike_protocol { PROTO_NONE = 0, PROTO_IKE = 1, PROTO_AH = 2, PROTO_ESP = 3 };

/* Authentication methods, §3.8. */
enum ike_auth_method {
	AUTH_RSA = 1,
	AUTH_PSK = 2,
	AUTH_DSS = 3,
	AUTH_ECDSA_256 = 9,
	AUTH_ECDSA_384 = 10,
	AUTH_ECDSA_521 = 11,
	AUTH_NULL = 13,
	AUTH_DIGITAL = 14,		/* RFC 7427 */
};

/* Notify message types, §3.10.1; below NOTIFY_STATUS_FIRST they are errors. */
enum ike_notify {
	N_UNSUPPORTED_CRITICAL_PAYLOAD = 1,
	N_INVALID_IKE_SPI = 4,
	N_INVALID_MAJOR_VERSION = 5,
	N_INVALID_SYNTAX = 7,
	N_INVALID_MESSAGE_ID = 9,
	N_INVALID_SPI = 11,
	N_NO_PROPOSAL_CHOSEN = 14,
	N_INVALID_KE_PAYLOAD = 17,
	N_AUTHENTICATION_FAILED = 24,
	N_SINGLE_PAIR_REQUIRED = 34,
	N_NO_ADDITIONAL_SAS = 35,
	N_INTERNAL_ADDRESS_FAILURE = 36,
	N_FAILED_CP_REQUIRED = 37,
	N_TS_UNACCEPTABLE = 38,
	N_INVALID_SELECTORS = 39,
	N_UNACCEPTABLE_ADDRESSES = 40,
	N_UNEXPECTED_NAT_DETECTED = 41,
	N_USE_ASSIGNED_HOA = 42,
	N_TEMPORARY_FAILURE = 43,
	N_CHILD_SA_NOT_FOUND = 44,

	NOTIFY_STATUS_FIRST = 16384,
	N_INITIAL_CONTACT = 16384,
	N_SET_WINDOW_SIZE = 16385,
	N_ADDITIONAL_TS_POSSIBLE = 16386,
	N_IPCOMP_SUPPORTED = 16387,
	N_NAT_DETECTION_SOURCE_IP = 16388,
	N_NAT_DETECTION_DESTINATION_IP = 16389,
	N_COOKIE = 16390,
	N_USE_TRANSPORT_MODE = 16391,
	N_HTTP_CERT_LOOKUP_SUPPORTED = 16392,
	N_REKEY_SA = 16393,
	N_ESP_TFC_PADDING_NOT_SUPPORTED = 16394,
	N_NON_FIRST_FRAGMENTS_ALSO = 16395,
	N_MOBIKE_SUPPORTED = 16396,	/* RFC 4555, and the six that follow */
	N_ADDITIONAL_IP4_ADDRESS = 16397,
	N_ADDITIONAL_IP6_ADDRESS = 16398,
	N_NO_ADDITIONAL_ADDRESSES = 16399,
	N_UPDATE_SA_ADDRESSES = 16400,
	N_COOKIE2 = 16401,
	N_NO_NATS_ALLOWED = 16402,
	N_AUTH_LIFETIME = 16403,	/* RFC 4478 */
	N_MULTIPLE_AUTH_SUPPORTED = 16404,
	N_REDIRECT_SUPPORTED = 16406,
	N_EAP_ONLY_AUTHENTICATION = 16417,
	N_FRAGMENTATION_SUPPORTED = 16430,	/* RFC 7383 */
	N_SIGNATURE_HASH_ALGORITHMS = 16431,	/* RFC 7427 */
	N_CHILDLESS_IKEV2_SUPPORTED = 16418,	/* RFC 6023 */
	N_USE_PPK = 16435,		/* RFC 8784 */
	N_PPK_IDENTITY = 16436,
	N_NO_PPK_AUTH = 16437,
};

/* "IKE_SA_INIT", …; for a number of no name "exchange 99", written to a buffer of the
 * function's own that the next call of the same function overwrites. */
const char *ike_exchange_name(uint8_t exchange);
const char *ike_payload_name(uint8_t type);	/* "SA", "KE", "IDi", … */
const char *ike_notify_name(uint16_t type);	/* "NO_PROPOSAL_CHOSEN", … */
const char *ike_protocol_name(uint8_t protocol);	/* "IKE", "AH", "ESP" */
/* What an error notify means for the person who reads the log: "the peer accepts none of our
 * algorithms". For others the name. Borrowed likewise. */
const char *ike_notify_words(uint16_t type);
static inline bool ike_notify_is_error(uint16_t type)
{
	return type < NOTIFY_STATUS_FIRST;
}

/* The header, §3.1. SPIs are the eight bytes read as one big-endian number. */
struct ike_hdr {
	uint64_t spi_i, spi_r;
	uint8_t next;		/* type of the first payload */
	uint8_t version;	/* major << 4 | minor */
	uint8_t exchange;
	uint8_t flags;
	uint32_t msg_id;
	uint32_t len;		/* of the whole message, header included */
};

static inline uint8_t ike_hdr_major(const struct ike_hdr *h)
{
	return h->version >> 4;
}
static inline bool ike_hdr_is_response(const struct ike_hdr *h)
{
	return h->flags & IKE_FLAG_RESPONSE;
}
/* Sent by the side that began the IKE SA. */
static inline bool ike_hdr_from_initiator(const struct ike_hdr *h)
{
	return h->flags & IKE_FLAG_INITIATOR;
}

/* Read a header of any major version (so that a dispatcher can tell IKEv1 from IKEv2, and
 * answer INVALID_MAJOR_VERSION). Fails when fewer than 28 bytes are there, the initiator's SPI
 * is zero, or the length field is not len exactly (§3.1: such messages are dropped). */
int ike_hdr_parse(const void *buf, size_t len, struct ike_hdr *out, struct err *e) MUST_USE;
/* Write h as it is, 28 bytes; next and len are usually patched by build_*. */
void ike_hdr_write(struct wr *w, const struct ike_hdr *h);

#endif
