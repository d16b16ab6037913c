/* ike: names for numbers, and the header. */
#include "ike/wire/ike.h"

#include <stdio.h>

struct name {
	uint16_t id;
	const char *name;
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct name exchanges[] = {
	{ IKE_SA_INIT, "IKE_SA_INIT" },
	{ IKE_AUTH, "IKE_AUTH" },
	{ CREATE_CHILD_SA, "CREATE_CHILD_SA" },
	{ INFORMATIONAL, "INFORMATIONAL" },
};

static const struct name payloads[] = {
	{ PAYLOAD_SA, "SA" },
	{ PAYLOAD_KE, "KE" },
	{ PAYLOAD_IDI, "IDi" },
	{ PAYLOAD_IDR, "IDr" },
	{ PAYLOAD_CERT, "CERT" },
	{ PAYLOAD_CERTREQ, "CERTREQ" },
	{ PAYLOAD_AUTH, "AUTH" },
	{ PAYLOAD_NONCE, "Nonce" },
	{ PAYLOAD_NOTIFY, "N" },
	{ PAYLOAD_DELETE, "D" },
	{ PAYLOAD_VENDOR, "V" },
	{ PAYLOAD_TSI, "TSi" },
	{ PAYLOAD_TSR, "TSr" },
	{ PAYLOAD_SK, "SK" },
	{ PAYLOAD_CP, "CP" },
	{ PAYLOAD_EAP, "EAP" },
	{ PAYLOAD_SKF, "SKF" },
};

static const struct name protocols[] = {
	{ PROTO_IKE, "IKE" },
	{ PROTO_AH, "AH" },
	{ PROTO_ESP, "ESP" },
};

/* words: NULL where the name says it all. */
static const struct notify_name {
	uint16_t id;
	const char *name, *words;
} notifies[] = {
	{ N_UNSUPPORTED_CRITICAL_PAYLOAD, "UNSUPPORTED_CRITICAL_PAYLOAD",
	  "the peer does not know a payload that was marked critical" },
	{ N_INVALID_IKE_SPI, "INVALID_IKE_SPI",
	  "the peer does not know this IKE SA (any more); it may have been restarted" },
	{ N_INVALID_MAJOR_VERSION, "INVALID_MAJOR_VERSION",
	  "the peer does not speak this version of IKE" },
	{ N_INVALID_SYNTAX, "INVALID_SYNTAX", "the peer found our message malformed" },
	{ N_INVALID_MESSAGE_ID, "INVALID_MESSAGE_ID",
	  "the peer got a message with a number outside of its window" },
	{ N_INVALID_SPI, "INVALID_SPI", "the peer got an ESP packet of an SA it does not know" },
	{ N_NO_PROPOSAL_CHOSEN, "NO_PROPOSAL_CHOSEN",
	  "the peer accepts none of our algorithms" },
	{ N_INVALID_KE_PAYLOAD, "INVALID_KE_PAYLOAD",
	  "the peer wants another key exchange group" },
	{ N_AUTHENTICATION_FAILED, "AUTHENTICATION_FAILED",
	  "the peer refused our authentication: the pre-shared key or an ID differs" },
	{ N_SINGLE_PAIR_REQUIRED, "SINGLE_PAIR_REQUIRED",
	  "the peer wants one pair of addresses per child SA" },
	{ N_NO_ADDITIONAL_SAS, "NO_ADDITIONAL_SAS",
	  "the peer takes no more child SAs on this IKE SA" },
	{ N_INTERNAL_ADDRESS_FAILURE, "INTERNAL_ADDRESS_FAILURE",
	  "the peer has no internal address to give" },
	{ N_FAILED_CP_REQUIRED, "FAILED_CP_REQUIRED",
	  "the peer wants to be asked for an internal address" },
	{ N_TS_UNACCEPTABLE, "TS_UNACCEPTABLE",
	  "the peer accepts none of our networks: local and remote networks do not match" },
	{ N_INVALID_SELECTORS, "INVALID_SELECTORS",
	  "the peer got a packet that the tunnel's networks do not allow" },
	{ N_UNACCEPTABLE_ADDRESSES, "UNACCEPTABLE_ADDRESSES",
	  "the peer does not accept the new addresses" },
	{ N_UNEXPECTED_NAT_DETECTED, "UNEXPECTED_NAT_DETECTED",
	  "the peer sees a NAT where it allows none" },
	{ N_USE_ASSIGNED_HOA, "USE_ASSIGNED_HoA",
	  "the peer wants its assigned home address used" },
	{ N_TEMPORARY_FAILURE, "TEMPORARY_FAILURE",
	  "the peer cannot do it at this moment and asks to try again" },
	{ N_CHILD_SA_NOT_FOUND, "CHILD_SA_NOT_FOUND",
	  "the peer does not know this child SA (any more)" },
	{ N_INITIAL_CONTACT, "INITIAL_CONTACT", NULL },
	{ N_SET_WINDOW_SIZE, "SET_WINDOW_SIZE", NULL },
	{ N_ADDITIONAL_TS_POSSIBLE, "ADDITIONAL_TS_POSSIBLE", NULL },
	{ N_IPCOMP_SUPPORTED, "IPCOMP_SUPPORTED", NULL },
	{ N_NAT_DETECTION_SOURCE_IP, "NAT_DETECTION_SOURCE_IP", NULL },
	{ N_NAT_DETECTION_DESTINATION_IP, "NAT_DETECTION_DESTINATION_IP", NULL },
	{ N_COOKIE, "COOKIE", NULL },
	{ N_USE_TRANSPORT_MODE, "USE_TRANSPORT_MODE", NULL },
	{ N_HTTP_CERT_LOOKUP_SUPPORTED, "HTTP_CERT_LOOKUP_SUPPORTED", NULL },
	{ N_REKEY_SA, "REKEY_SA", NULL },
	{ N_ESP_TFC_PADDING_NOT_SUPPORTED, "ESP_TFC_PADDING_NOT_SUPPORTED", NULL },
	{ N_NON_FIRST_FRAGMENTS_ALSO, "NON_FIRST_FRAGMENTS_ALSO", NULL },
	{ N_MOBIKE_SUPPORTED, "MOBIKE_SUPPORTED", NULL },
	{ N_ADDITIONAL_IP4_ADDRESS, "ADDITIONAL_IP4_ADDRESS", NULL },
	{ N_ADDITIONAL_IP6_ADDRESS, "ADDITIONAL_IP6_ADDRESS", NULL },
	{ N_NO_ADDITIONAL_ADDRESSES, "NO_ADDITIONAL_ADDRESSES", NULL },
	{ N_UPDATE_SA_ADDRESSES, "UPDATE_SA_ADDRESSES", NULL },
	{ N_COOKIE2, "COOKIE2", NULL },
	{ N_NO_NATS_ALLOWED, "NO_NATS_ALLOWED", NULL },
	{ N_MULTIPLE_AUTH_SUPPORTED, "MULTIPLE_AUTH_SUPPORTED", NULL },
	{ N_REDIRECT_SUPPORTED, "REDIRECT_SUPPORTED", NULL },
	{ N_EAP_ONLY_AUTHENTICATION, "EAP_ONLY_AUTHENTICATION", NULL },
	{ N_CHILDLESS_IKEV2_SUPPORTED, "CHILDLESS_IKEV2_SUPPORTED", NULL },
	{ N_FRAGMENTATION_SUPPORTED, "FRAGMENTATION_SUPPORTED", NULL },
	{ N_AUTH_LIFETIME, "AUTH_LIFETIME", NULL },
	{ N_USE_PPK, "USE_PPK", NULL },
	{ N_PPK_IDENTITY, "PPK_IDENTITY", NULL },
	{ N_NO_PPK_AUTH, "NO_PPK_AUTH", NULL },
	{ N_SIGNATURE_HASH_ALGORITHMS, "SIGNATURE_HASH_ALGORITHMS", NULL },
};

static const char *find(const struct name *t, size_t n, uint16_t id)
{
	for (size_t i = 0; i < n; i++)
		if (t[i].id == id)
			return t[i].name;
	return NULL;
}

const char *ike_exchange_name(uint8_t exchange)
{
	static char buf[24];
	const char *s = find(exchanges, COUNT(exchanges), exchange);

	if (s)
		return s;
	snprintf(buf, sizeof(buf), "exchange %u", exchange);
	return buf;
}

const char *ike_payload_name(uint8_t type)
{
	static char buf[24];
	const char *s = find(payloads, COUNT(payloads), type);

	if (s)
		return s;
	snprintf(buf, sizeof(buf), "payload %u", type);
	return buf;
}

const char *ike_protocol_name(uint8_t protocol)
{
	static char buf[24];
	const char *s = find(protocols, COUNT(protocols), protocol);

	if (s)
		return s;
	snprintf(buf, sizeof(buf), "protocol %u", protocol);
	return buf;
}

static const struct notify_name *notify_find(uint16_t type)
{
	for (size_t i = 0; i < COUNT(notifies); i++)
		if (notifies[i].id == type)
			return &notifies[i];
	return NULL;
}

const char *ike_notify_name(uint16_t type)
{
	static char buf[24];
	const struct notify_name *t = notify_find(type);

	if (t)
		return t->name;
	snprintf(buf, sizeof(buf), "notify %u", type);
	return buf;
}

const char *ike_notify_words(uint16_t type)
{
	static char buf[48];
	const struct notify_name *t = notify_find(type);

	if (t)
		return t->words ? t->words : t->name;
	if (!ike_notify_is_error(type))
		return ike_notify_name(type);
	snprintf(buf, sizeof(buf), "the peer reports error %u", type);
	return buf;
}

int ike_hdr_parse(const void *buf, size_t len, struct ike_hdr *out, struct err *e)
{
	struct rd r = rd_init(buf, len);

	out->spi_i = rd_u64(&r);
	out->spi_r = rd_u64(&r);
	out->next = rd_u8(&r);
	out->version = rd_u8(&r);
	out->exchange = rd_u8(&r);
	out->flags = rd_u8(&r);
	out->msg_id = rd_u32(&r);
	out->len = rd_u32(&r);
	if (!rd_ok(&r))
		return err_set(e, "%zu bytes are too few for an IKE header", len);
	if (!out->spi_i)
		return err_set(e, "the initiator's SPI is zero");
	if (out->len != len)
		return err_set(e, "the header says %u bytes, %zu came", out->len, len);
	return 0;
}

void ike_hdr_write(struct wr *w, const struct ike_hdr *h)
{
	wr_u64(w, h->spi_i);
	wr_u64(w, h->spi_r);
	wr_u8(w, h->next);
	wr_u8(w, h->version);
	wr_u8(w, h->exchange);
	wr_u8(w, h->flags);
	wr_u32(w, h->msg_id);
	wr_u32(w, h->len);
}
