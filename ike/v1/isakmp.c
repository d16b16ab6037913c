/* isakmp: cursors over RFC 2408's payloads. */
#include "ike/v1/isakmp.h"

#include <stdio.h>
#include <string.h>

const char *isakmp_exchange_name(uint8_t exchange)
{
	switch (exchange) {
	case X_MAIN: return "Main mode";
	case X_AGGRESSIVE: return "Aggressive mode";
	case X_INFO: return "Informational";
	case X_TRANSACTION: return "Transaction";
	case X_QUICK: return "Quick mode";
	case X_NEW_GROUP: return "New Group mode";
	}
	return "an unknown exchange";
}

const char *isakmp_payload_name(uint8_t type)
{
	static const char *const names[] = {
		"no payload", "SA", "proposal", "transform", "KE", "ID", "CERT", "CR", "HASH",
		"SIG", "NONCE", "notify", "Delete", "vendor ID", "attributes",
	};

	if (type < sizeof(names) / sizeof(names[0]))
		return names[type];
	switch (type) {
	case P_NATD: case P_NATD_DRAFT: return "NAT-D";
	case P_NATOA: case P_NATOA_DRAFT: return "NAT-OA";
	case P_FRAGMENT: return "fragment";
	}
	return "unknown";
}

const char *isakmp_notify_name(uint16_t type)
{
	static const char *const errors[] = {
		[1] = "INVALID_PAYLOAD_TYPE", "DOI_NOT_SUPPORTED", "SITUATION_NOT_SUPPORTED",
		"INVALID_COOKIE", "INVALID_MAJOR_VERSION", "INVALID_MINOR_VERSION",
		"INVALID_EXCHANGE_TYPE", "INVALID_FLAGS", "INVALID_MESSAGE_ID",
		"INVALID_PROTOCOL_ID", "INVALID_SPI", "INVALID_TRANSFORM_ID",
		"ATTRIBUTES_NOT_SUPPORTED", "NO_PROPOSAL_CHOSEN", "BAD_PROPOSAL_SYNTAX",
		"PAYLOAD_MALFORMED", "INVALID_KEY_INFORMATION", "INVALID_ID_INFORMATION",
		"INVALID_CERT_ENCODING", "INVALID_CERTIFICATE", "CERT_TYPE_UNSUPPORTED",
		"INVALID_CERT_AUTHORITY", "INVALID_HASH_INFORMATION", "AUTHENTICATION_FAILED",
		"INVALID_SIGNATURE", "ADDRESS_NOTIFICATION", "NOTIFY_SA_LIFETIME",
		"CERTIFICATE_UNAVAILABLE", "UNSUPPORTED_EXCHANGE_TYPE",
		"UNEQUAL_PAYLOAD_LENGTHS",
	};
	static char other[24];

	if (type < sizeof(errors) / sizeof(errors[0]) && errors[type])
		return errors[type];
	switch (type) {
	case V1_RESPONDER_LIFETIME: return "RESPONDER_LIFETIME";
	case V1_REPLAY_STATUS: return "REPLAY_STATUS";
	case V1_INITIAL_CONTACT: return "INITIAL_CONTACT";
	case V1_R_U_THERE: return "R_U_THERE";
	case V1_R_U_THERE_ACK: return "R_U_THERE_ACK";
	}
	snprintf(other, sizeof(other), "notify %u", type);
	return other;
}

/* ---- reading ---- */

int isakmp_header(uint8_t *buf, size_t len, struct isakmp_msg *m, struct err *e)
{
	struct rd r = rd_init(buf, len);
	struct isakmp_hdr *h = &m->hdr;

	m->buf = buf;
	m->len = len;
	m->n = 0;
	h->ci = rd_u64(&r);
	h->cr = rd_u64(&r);
	h->next = rd_u8(&r);
	h->version = rd_u8(&r);
	h->exchange = rd_u8(&r);
	h->flags = rd_u8(&r);
	h->msg_id = rd_u32(&r);
	h->len = rd_u32(&r);
	if (!rd_ok(&r))
		return err_set(e, "shorter than its header");
	if (h->version >> 4 != 1)
		return err_set(e, "not IKEv1");
	if (h->len != len)
		return err_set(e, "its length is %u, the datagram's %zu", h->len, len);
	if (h->flags & ~(ISAKMP_ENCRYPTED | ISAKMP_COMMIT | ISAKMP_AUTH_ONLY))
		return err_set(e, "reserved flags");
	if (!h->ci)
		return err_set(e, "no initiator cookie");
	return 0;
}

/* Drafts 04 to 07 of NAT traversal, from before it had its numbers, and private ones. */
bool isakmp_is_extra(uint8_t type)
{
	return type == 15 || type == 16 || type >= 128;
}

static bool known(uint8_t type)
{
	return (type >= P_SA && type <= P_ATTRIBUTES && type != P_PROPOSAL &&
		type != P_TRANSFORM) || isakmp_is_extra(type) || type == P_NATD ||
	       type == P_NATOA;
}

/* libreswan fills messages in clear up to a multiple of four bytes, too. */
static bool fills_up(const struct rd *r)
{
	for (size_t i = 0; i < r->left; i++)
		if (r->p[i])
			return false;
	return r->left < 4;
}

int isakmp_payloads(struct isakmp_msg *m, bool encrypted, struct err *e)
{
	struct rd r = rd_init(m->buf, m->len);
	uint8_t type = m->hdr.next;

	rd_skip(&r, ISAKMP_HDR_LEN);
	m->n = 0;
	while (type != P_NONE) {
		const uint8_t *at = r.p;
		uint8_t next = rd_u8(&r), reserved = rd_u8(&r);
		uint16_t len = rd_u16(&r);
		struct rd body;

		if (!rd_ok(&r) || len < 4)
			return err_set(e, "a payload is cut off");
		if (!known(type) || reserved)
			return err_set(e, "payload type %u makes no sense", type);
		if (m->n == ISAKMP_PAYLOADS_MAX)
			return err_set(e, "more than %d payloads", ISAKMP_PAYLOADS_MAX);
		body = rd_child(&r, len - 4u);
		if (!rd_ok(&body))
			return err_set(e, "the %s payload is longer than the message",
				       isakmp_payload_name(type));
		m->p[m->n++] = (struct isakmp_payload_at){
			.type = type, .body = { body.p, body.left }, .whole = { at, len },
		};
		type = next;
	}
	if (!m->n)
		return err_set(e, "no payload");
	if (!encrypted && !fills_up(&r))
		return err_set(e, "bytes after the last payload");
	return 0;
}

const struct isakmp_payload_at *isakmp_next(const struct isakmp_msg *m, uint8_t type,
					    const struct isakmp_payload_at *p)
{
	for (p = p ? p + 1 : m->p; p < m->p + m->n; p++)
		if (p->type == type)
			return p;
	return NULL;
}

const struct isakmp_payload_at *isakmp_get(const struct isakmp_msg *m, uint8_t type)
{
	return isakmp_next(m, type, NULL);
}

unsigned isakmp_count(const struct isakmp_msg *m, uint8_t type)
{
	unsigned n = 0;

	for (uint8_t i = 0; i < m->n; i++)
		n += m->p[i].type == type;
	return n;
}

struct slice isakmp_after(const struct isakmp_msg *m, const struct isakmp_payload_at *p)
{
	const struct isakmp_payload_at *last = &m->p[m->n - 1];
	const uint8_t *from = p->whole.p + p->whole.len;

	return (struct slice){ from, (size_t)(last->whole.p + last->whole.len - from) };
}

int isakmp_nonce(struct slice body, struct slice *out, struct err *e)
{
	if (body.len < ISAKMP_NONCE_MIN || body.len > ISAKMP_NONCE_MAX)
		return err_set(e, "a nonce of %zu bytes", body.len);
	*out = body;
	return 0;
}

int isakmp_id(struct slice body, struct ike_id *out, struct err *e)
{
	struct rd r = rd_slice(body);
	struct slice data;
	uint16_t port;

	memset(out, 0, sizeof(*out));
	out->type = rd_u8(&r);
	rd_u8(&r);
	port = rd_u16(&r);
	data = rd_rest(&r);
	/* RFC 2407 §4.6.2 wants 0/0 or UDP/500; with NAT-T old boxes say 4500. Others say what
	 * they like with port 0. */
	if (!rd_ok(&r) || (port && port != 500 && port != 4500))
		return err_set(e, "an identity that is none");
	if (data.len > sizeof(out->data))
		return err_set(e, "an identity of %zu bytes", data.len);
	switch (out->type) {
	case ID_IPV4_ADDR:
		if (data.len != 4)
			return err_set(e, "an IPv4 identity of %zu bytes", data.len);
		break;
	case ID_IPV6_ADDR:
		if (data.len != 16)
			return err_set(e, "an IPv6 identity of %zu bytes", data.len);
		break;
	case ID_FQDN: case ID_RFC822_ADDR: case ID_DER_ASN1_DN: case ID_KEY_ID:
		if (!data.len)
			return err_set(e, "an empty identity");
		break;
	default:
		return err_set(e, "an identity of type %u", out->type);
	}
	out->len = (uint8_t)data.len;
	memcpy(out->data, data.p, data.len);
	return 0;
}

void isakmp_id_write(struct wr *w, const struct ike_id *id)
{
	wr_u8(w, id->type);
	wr_zero(w, 3);
	wr_bytes(w, id->data, id->len);
}

enum { V1_ID_IPV4 = 1, V1_ID_IPV4_NET = 4, V1_ID_IPV6 = 5, V1_ID_IPV6_NET = 6,
       V1_ID_IPV4_RANGE = 7, V1_ID_IPV6_RANGE = 8 };

static struct ip_addr read_addr(struct rd *r, bool v4)
{
	const uint8_t *p = rd_bytes(r, v4 ? 4 : 16);

	return p ? addr_from_bytes(v4 ? AF_INET : AF_INET6, p) : (struct ip_addr){ 0 };
}

/* The bits of a mask, which must be ones, then zeros; -1 otherwise. */
static int mask_bits(const struct ip_addr *mask)
{
	unsigned bits = 0, all = addr_bits(mask);

	while (bits < all && mask->b[bits / 8] & 0x80 >> bits % 8)
		bits++;
	for (unsigned i = bits; i < all; i++)
		if (mask->b[i / 8] & 0x80 >> i % 8)
			return -1;
	return (int)bits;
}

int isakmp_selector(struct slice body, struct selector *out, struct err *e)
{
	struct rd r = rd_slice(body);
	uint8_t type = rd_u8(&r), proto = rd_u8(&r);
	uint16_t port = rd_u16(&r);
	bool v4 = type == V1_ID_IPV4 || type == V1_ID_IPV4_NET || type == V1_ID_IPV4_RANGE;
	struct ip_addr a, b = { 0 };
	struct prefix net;
	int bits;

	if (type < V1_ID_IPV4 || type > V1_ID_IPV6_RANGE || type == 2 || type == 3)
		return err_set(e, "an identity of type %u where a network is wanted", type);
	a = read_addr(&r, v4);
	if (type != V1_ID_IPV4 && type != V1_ID_IPV6)
		b = read_addr(&r, v4);
	if (!rd_done(&r))
		return err_set(e, "a network of the wrong length");
	net = prefix_host(&a);
	if (type == V1_ID_IPV4_NET || type == V1_ID_IPV6_NET) {
		bits = mask_bits(&b);
		if (bits < 0)
			return err_set(e, "a network mask with holes");
		net = prefix_of(&a, (unsigned)bits);
	}
	*out = selector_of(&net);
	if (type == V1_ID_IPV4_RANGE || type == V1_ID_IPV6_RANGE) {
		if (addr_cmp(&a, &b) > 0)
			return err_set(e, "a range that ends before it begins");
		out->from = a;
		out->to = b;
	}
	out->proto = proto;
	if (port)
		out->port_from = out->port_to = port;
	return 0;
}

int isakmp_selector_write(struct wr *w, const struct selector *s)
{
	bool v4 = s->from.family == AF_INET;
	size_t len = addr_len(&s->from);
	struct ip_addr mask = { .family = s->from.family };
	struct prefix net[2];
	struct selector whole = *s;
	bool one_net;

	if (s->port_from != s->port_to && (s->port_from || s->port_to != 0xffff))
		return -1;
	whole.proto = 0;
	whole.port_from = 0;
	whole.port_to = 0xffff;
	one_net = selector_prefixes(&whole, net, 2) == 1;
	if (addr_equal(&s->from, &s->to))
		wr_u8(w, v4 ? V1_ID_IPV4 : V1_ID_IPV6);
	else if (one_net)
		wr_u8(w, v4 ? V1_ID_IPV4_NET : V1_ID_IPV6_NET);
	else
		wr_u8(w, v4 ? V1_ID_IPV4_RANGE : V1_ID_IPV6_RANGE);
	wr_u8(w, s->proto);
	wr_u16(w, s->port_from == s->port_to ? s->port_from : 0);
	wr_bytes(w, s->from.b, len);
	if (addr_equal(&s->from, &s->to))
		return 0;
	if (!one_net) {
		wr_bytes(w, s->to.b, len);
		return 0;
	}
	for (unsigned i = 0; i < net[0].len; i++)
		mask.b[i / 8] |= (uint8_t)(0x80 >> i % 8);
	wr_bytes(w, mask.b, len);
	return 0;
}

int isakmp_note(struct slice body, struct isakmp_note *out, struct err *e)
{
	struct rd r = rd_slice(body), spi;
	uint32_t doi = rd_u32(&r);
	uint8_t len;

	out->protocol = rd_u8(&r);
	len = rd_u8(&r);
	out->type = rd_u16(&r);
	spi = rd_child(&r, len);
	out->spi = rd_rest(&spi);
	out->data = rd_rest(&r);
	if (!rd_ok(&r) || !rd_ok(&spi))
		return err_set(e, "a notify is cut off");
	/* The DOI may be ISAKMP's own, 0. */
	return doi <= ISAKMP_DOI_IPSEC ? 0 : err_set(e, "a notify of another DOI");
}

int isakmp_delete(struct slice body, struct isakmp_delete *out, struct err *e)
{
	struct rd r = rd_slice(body);
	uint32_t doi = rd_u32(&r);

	out->protocol = rd_u8(&r);
	out->spi_len = rd_u8(&r);
	out->n = rd_u16(&r);
	out->spis = r;
	if (!rd_ok(&r) || doi > ISAKMP_DOI_IPSEC || !out->spi_len ||
	    r.left != (size_t)out->n * out->spi_len)
		return err_set(e, "a Delete whose lengths do not fit");
	return 0;
}

bool isakmp_attr(struct rd *r, struct isakmp_attr *a)
{
	uint16_t type;
	struct rd v;

	if (!r->left || !rd_ok(r))
		return false;
	type = rd_u16(r);
	*a = (struct isakmp_attr){ .type = type & 0x7fff };
	if (type & 0x8000) {
		a->value = rd_u16(r);
		return rd_ok(r);
	}
	v = rd_child(r, rd_u16(r));
	a->big = v.left > 8;
	while (v.left && !a->big)
		a->value = a->value << 8 | rd_u8(&v);
	return rd_ok(r);
}

/* ---- writing ---- */

void isakmp_attr_write(struct wr *w, uint16_t type, uint32_t value)
{
	if (value <= 0xffff) {
		wr_u16(w, type | 0x8000);
		wr_u16(w, (uint16_t)value);
		return;
	}
	wr_u16(w, type);
	wr_u16(w, 4);
	wr_u32(w, value);
}

void isakmp_begin(struct isakmp_build *b, uint8_t *buf, size_t cap, uint64_t ci, uint64_t cr,
		  uint8_t exchange, uint32_t msg_id)
{
	b->w = wr_init(buf, cap);
	wr_u64(&b->w, ci);
	wr_u64(&b->w, cr);
	b->next_at = wr_mark(&b->w);
	wr_u8(&b->w, P_NONE);
	wr_u8(&b->w, 0x10);
	wr_u8(&b->w, exchange);
	wr_u8(&b->w, 0);
	wr_u32(&b->w, msg_id);
	wr_u32(&b->w, 0);
}

void isakmp_open(struct isakmp_build *b, uint8_t type)
{
	wr_patch_u8(&b->w, b->next_at, type);
	b->next_at = wr_mark(&b->w);
	wr_u8(&b->w, P_NONE);
	wr_u8(&b->w, 0);
	wr_u16(&b->w, 0);
	b->body_at = wr_mark(&b->w);
}

void isakmp_close(struct isakmp_build *b)
{
	wr_patch_u16(&b->w, b->next_at + 2, (uint16_t)(b->w.len - b->next_at));
}

void isakmp_add(struct isakmp_build *b, uint8_t type, struct slice body)
{
	isakmp_open(b, type);
	wr_bytes(&b->w, body.p, body.len);
	isakmp_close(b);
}

void isakmp_add_note(struct isakmp_build *b, uint8_t protocol, struct slice spi,
		     uint16_t type, struct slice data)
{
	isakmp_open(b, P_NOTIFY);
	wr_u32(&b->w, ISAKMP_DOI_IPSEC);
	wr_u8(&b->w, protocol);
	wr_u8(&b->w, (uint8_t)spi.len);
	wr_u16(&b->w, type);
	wr_bytes(&b->w, spi.p, spi.len);
	wr_bytes(&b->w, data.p, data.len);
	isakmp_close(b);
}

int isakmp_end(struct isakmp_build *b, size_t *len)
{
	wr_patch_u32(&b->w, 24, (uint32_t)b->w.len);
	*len = b->w.len;
	return wr_ok(&b->w) ? 0 : -1;
}
