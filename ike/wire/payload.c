/* payload: one walk over the chain, then decoders that read each body to its last byte. The
 * SA payload, which nests, has sa.c to itself. */
#include "ike/wire/payload.h"

#include "core/base/sbuf.h"

#include <stdio.h>
#include <string.h>

#define GENERIC_LEN 4
#define CRITICAL 0x80

static bool known(uint8_t type)
{
	return (type >= PAYLOAD_SA && type <= PAYLOAD_EAP) || type == PAYLOAD_SKF;
}

static int broken(struct ike_msg *m, uint16_t error)
{
	m->error = error;
	return -1;
}

/* SK and SKF end the outer chain: the next-payload field speaks of what is inside (§3.14,
 * RFC 7383 §2.5). */
static int take_sk(struct ike_msg *m, bool inner, uint8_t next, struct slice body, bool last,
		   bool fragment, struct err *e)
{
	struct rd r = rd_slice(body);

	if (inner) {
		err_set(e, "an SK payload inside of SK");
		return broken(m, N_INVALID_SYNTAX);
	}
	if (!last) {
		err_set(e, "the SK payload is not the last");
		return broken(m, N_INVALID_SYNTAX);
	}
	m->sk_next = next;
	if (!fragment) {
		m->sk = body;
		return 0;
	}
	m->frag = rd_u16(&r);
	m->frags = rd_u16(&r);
	m->sk = rd_rest(&r);
	if (rd_ok(&r) && m->frag && m->frag <= m->frags)
		return 0;
	err_set(e, "fragment %u of %u", m->frag, m->frags);
	m->frag = m->frags = 0;
	return broken(m, 0);
}

static int unknown_payload(struct ike_msg *m, uint8_t type, bool critical, struct err *e)
{
	if (critical) {
		err_set(e, "payload type %u is unknown and critical", type);
		m->error_data[0] = type;
		m->error_len = 1;
		return broken(m, N_UNSUPPORTED_CRITICAL_PAYLOAD);
	}
	if (m->skipped < MSG_PAYLOADS_MAX) {
		m->skipped++;
		return 0;
	}
	err_set(e, "more than %d unknown payloads", MSG_PAYLOADS_MAX);
	return broken(m, N_INVALID_SYNTAX);
}

/* Each round takes at least the 4 bytes of a generic header, so it ends. */
static int chain(struct ike_msg *m, bool inner, uint8_t type, struct rd r, struct err *e)
{
	while (type != PAYLOAD_NONE) {
		uint8_t next = rd_u8(&r);
		bool critical = rd_u8(&r) & CRITICAL;
		uint16_t len = rd_u16(&r);
		struct slice body;
		struct rd child;

		if (len < GENERIC_LEN)
			rd_fail(&r);
		child = rd_child(&r, len - (rd_ok(&r) ? GENERIC_LEN : 0));
		if (!rd_ok(&r)) {
			err_set(e, "payload %s: its length field does not fit the message",
				ike_payload_name(type));
			return broken(m, N_INVALID_SYNTAX);
		}
		body = (struct slice){ .p = child.p, .len = child.left };
		if (type == PAYLOAD_SK || type == PAYLOAD_SKF)
			return take_sk(m, inner, next, body, r.left == 0,
				       type == PAYLOAD_SKF, e);
		if (!known(type)) {
			if (unknown_payload(m, type, critical, e) < 0)
				return -1;
		} else if (m->n == MSG_PAYLOADS_MAX) {
			err_set(e, "more than %d payloads", MSG_PAYLOADS_MAX);
			return broken(m, N_INVALID_SYNTAX);
		} else {
			m->p[m->n++] = (struct payload){ .type = type, .critical = critical,
							 .body = body };
		}
		type = next;
	}
	if (!rd_done(&r)) {
		err_set(e, "%zu bytes after the last payload", r.left);
		return broken(m, N_INVALID_SYNTAX);
	}
	return 0;
}

int ike_msg_parse(void *buf, size_t len, struct ike_msg *m, struct err *e)
{
	memset(m, 0, offsetof(struct ike_msg, p));
	m->sk = (struct slice){ 0 };
	m->sk_next = PAYLOAD_NONE;
	m->frag = m->frags = 0;
	m->error = 0;
	m->error_len = 0;
	m->buf = buf;
	m->len = len;
	if (ike_hdr_parse(buf, len, &m->hdr, e) < 0)
		return -1;
	if (ike_hdr_major(&m->hdr) != 2) {
		err_set(e, "IKE version %u.%u", ike_hdr_major(&m->hdr), m->hdr.version & 15);
		return broken(m, ike_hdr_major(&m->hdr) > 2 ? N_INVALID_MAJOR_VERSION : 0);
	}
	if (chain(m, false, m->hdr.next,
		  rd_init((uint8_t *)buf + IKE_HDR_LEN, len - IKE_HDR_LEN), e) < 0)
		return -1;
	m->n_outer = m->n;
	return 0;
}

int ike_msg_inner(struct ike_msg *m, uint8_t first, struct slice body, struct err *e)
{
	return chain(m, true, first, rd_slice(body), e);
}

const struct payload *ike_msg_next(const struct ike_msg *m, uint8_t type,
				   const struct payload *prev)
{
	for (const struct payload *p = prev ? prev + 1 : m->p; p < m->p + m->n; p++)
		if (p->type == type)
			return p;
	return NULL;
}

const struct payload *ike_msg_get(const struct ike_msg *m, uint8_t type)
{
	return ike_msg_next(m, type, NULL);
}

unsigned ike_msg_count(const struct ike_msg *m, uint8_t type)
{
	unsigned n = 0;

	for (uint8_t i = 0; i < m->n; i++)
		n += m->p[i].type == type;
	return n;
}

bool ike_msg_notify(const struct ike_msg *m, uint16_t type, struct notify *out)
{
	const struct payload *p = NULL;

	while ((p = ike_msg_next(m, PAYLOAD_NOTIFY, p)))
		if (payload_notify(p->body, out, NULL) == 0 && out->type == type)
			return true;
	return false;
}

bool ike_msg_error(const struct ike_msg *m, struct notify *out)
{
	const struct payload *p = NULL;

	while ((p = ike_msg_next(m, PAYLOAD_NOTIFY, p)))
		if (payload_notify(p->body, out, NULL) == 0 && ike_notify_is_error(out->type))
			return true;
	return false;
}

const char *ike_msg_str(const struct ike_msg *m, char *buf, size_t cap)
{
	struct sbuf b = { 0 };

	sbuf_addf(&b, "%s %s %u [", ike_exchange_name(m->hdr.exchange),
		  ike_hdr_is_response(&m->hdr) ? "response" : "request", m->hdr.msg_id);
	for (uint8_t i = 0; i < m->n; i++) {
		struct notify n;

		sbuf_addf(&b, "%s%s", i ? " " : "", ike_payload_name(m->p[i].type));
		if (m->p[i].type == PAYLOAD_NOTIFY &&
		    payload_notify(m->p[i].body, &n, NULL) == 0)
			sbuf_addf(&b, "(%s)", ike_notify_name(n.type));
	}
	if (m->sk.p && !m->opened)
		sbuf_addf(&b, "%sSK", m->n ? " " : "");
	if (m->frags)
		sbuf_addf(&b, " fragment %u of %u", m->frag, m->frags);
	sbuf_add(&b, "]");
	snprintf(buf, cap, "%s", sbuf_str(&b));
	sbuf_fini(&b);
	return buf;
}

int payload_ke(struct slice body, struct ke_payload *out, struct err *e)
{
	struct rd r = rd_slice(body);

	out->group = rd_u16(&r);
	rd_skip(&r, 2);
	out->data = rd_rest(&r);
	if (!rd_ok(&r) || !out->data.len)
		return err_set(e, "the KE payload is too short");
	return 0;
}

static bool id_len_fits(uint8_t type, size_t len)
{
	if (type == ID_IPV4_ADDR)
		return len == 4;
	if (type == ID_IPV6_ADDR)
		return len == 16;
	return len >= 1;
}

int payload_id(struct slice body, struct ike_id *out, struct err *e)
{
	struct rd r = rd_slice(body);
	struct slice data;

	memset(out, 0, sizeof(*out));
	out->type = rd_u8(&r);
	rd_skip(&r, 3);
	data = rd_rest(&r);
	if (!rd_ok(&r))
		return err_set(e, "the ID payload is too short");
	if (data.len > ID_MAX)
		return err_set(e, "an ID of %zu bytes; at most %d are taken", data.len, ID_MAX);
	if (out->type == ID_NONE || !id_len_fits(out->type, data.len))
		return err_set(e, "an ID of type %u with %zu bytes", out->type, data.len);
	out->len = (uint8_t)data.len;
	memcpy(out->data, data.p, data.len);
	return 0;
}

int payload_auth(struct slice body, struct auth_payload *out, struct err *e)
{
	struct rd r = rd_slice(body);

	out->method = rd_u8(&r);
	rd_skip(&r, 3);
	out->data = rd_rest(&r);
	if (!rd_ok(&r) || !out->data.len)
		return err_set(e, "the AUTH payload is too short");
	return 0;
}

int payload_nonce(struct slice body, struct slice *out, struct err *e)
{
	if (body.len < NONCE_MIN || body.len > NONCE_MAX)
		return err_set(e, "a nonce of %zu bytes; it must have %d to %d", body.len,
			       NONCE_MIN, NONCE_MAX);
	*out = body;
	return 0;
}

static uint64_t spi_read(struct rd *r, uint8_t len)
{
	if (len == 4)
		return rd_u32(r);
	if (len == 8)
		return rd_u64(r);
	rd_skip(r, len);
	return 0;
}

int payload_notify(struct slice body, struct notify *out, struct err *e)
{
	struct rd r = rd_slice(body);

	out->protocol = rd_u8(&r);
	out->spi_len = rd_u8(&r);
	out->type = rd_u16(&r);
	out->spi = spi_read(&r, out->spi_len);
	out->data = rd_rest(&r);
	if (!rd_ok(&r))
		return err_set(e, "a Notify payload is too short");
	return 0;
}

uint32_t notify_u32(const struct notify *n)
{
	struct rd r = rd_slice(n->data);
	uint32_t v = rd_u32(&r);

	return rd_done(&r) ? v : 0;
}

uint16_t notify_ke_group(const struct notify *n)
{
	struct rd r = rd_slice(n->data);
	uint16_t group = rd_u16(&r);

	return rd_done(&r) ? group : 0;
}

int payload_delete(struct slice body, struct delete_payload *out, struct err *e)
{
	struct rd r = rd_slice(body);
	uint8_t spi_len;
	uint16_t n;

	memset(out, 0, sizeof(*out));
	out->protocol = rd_u8(&r);
	spi_len = rd_u8(&r);
	n = rd_u16(&r);
	if (!rd_ok(&r))
		return err_set(e, "a Delete payload is too short");
	if (out->protocol == PROTO_IKE) {
		if (spi_len || n || !rd_done(&r))
			return err_set(e, "a Delete payload for IKE that holds SPIs");
		return 0;
	}
	if (out->protocol != PROTO_ESP && out->protocol != PROTO_AH)
		return err_set(e, "a Delete payload for protocol %u", out->protocol);
	if (spi_len != 4 && n)
		return err_set(e, "a Delete payload with SPIs of %u bytes", spi_len);
	if (n > DELETE_SPIS_MAX)
		return err_set(e, "a Delete payload with %u SPIs; at most %d are taken", n,
			       DELETE_SPIS_MAX);
	for (uint16_t i = 0; i < n; i++)
		out->spi[i] = rd_u32(&r);
	out->n = n;
	if (!rd_done(&r))
		return err_set(e, "a Delete payload whose number of SPIs does not fit its length");
	return 0;
}

int payload_cert(struct slice body, struct cert_payload *out, struct err *e)
{
	struct rd r = rd_slice(body);

	out->encoding = rd_u8(&r);
	out->data = rd_rest(&r);
	if (!rd_ok(&r))
		return err_set(e, "a CERT or CERTREQ payload is empty");
	return 0;
}

unsigned notify_hashes(const struct notify *n)
{
	struct rd r = rd_slice(n->data);
	unsigned bits = 0;

	while (r.left >= 2) {
		uint16_t id = rd_u16(&r);

		if (id && id < 16)
			bits |= 1u << id;
	}
	return rd_done(&r) ? bits : 0;
}

int payload_auth_digital(struct slice data, struct slice *algorithm, struct slice *signature,
			 struct err *e)
{
	struct rd r = rd_slice(data);
	struct rd alg = rd_child(&r, rd_u8(&r));

	*algorithm = rd_rest(&alg);
	*signature = rd_rest(&r);
	if (!rd_ok(&r) || !algorithm->len || !signature->len)
		return err_set(e, "the AUTH payload's signature does not fit in it");
	return 0;
}

/* One selector, §3.13.1. 1: taken, 0: of no use here, -1: malformed. */
static int selector_read(struct rd *r, struct selector *out, struct err *e)
{
	uint8_t type = rd_u8(r), proto = rd_u8(r);
	uint16_t len = rd_u16(r);
	int family = type == 7 ? AF_INET : type == 8 ? AF_INET6 : 0;
	size_t alen = family == AF_INET ? 4 : 16;
	struct rd c;
	uint8_t from[16], to[16];

	if (len < 4 || !rd_ok(r))
		return err_set(e, "a traffic selector is too short");
	c = rd_child(r, len - 4u);
	if (!rd_ok(r))
		return err_set(e, "a traffic selector is longer than its payload");
	if (!family)
		return 0;
	memset(out, 0, sizeof(*out));
	out->proto = proto;
	out->port_from = rd_u16(&c);
	out->port_to = rd_u16(&c);
	rd_copy(&c, from, alen);
	rd_copy(&c, to, alen);
	if (!rd_done(&c))
		return err_set(e, "a traffic selector of type %u with %u bytes", type, len);
	out->from = addr_from_bytes(family, from);
	out->to = addr_from_bytes(family, to);
	if (addr_cmp(&out->from, &out->to) > 0)
		return err_set(e, "a traffic selector that ends before it begins");
	if (out->port_from == 65535 && out->port_to == 0)
		return 0;	/* OPAQUE: ports that cannot be seen; of no use for a subnet */
	if (out->port_from > out->port_to)
		return err_set(e, "a traffic selector whose ports end before they begin");
	return 1;
}

int payload_ts(struct slice body, struct ts_list *out, struct err *e)
{
	struct rd r = rd_slice(body);
	uint8_t n = rd_u8(&r);

	out->n = 0;
	out->unknown = out->more = false;
	rd_skip(&r, 3);
	if (!rd_ok(&r) || !n)
		return err_set(e, "a traffic selector payload without selectors");
	for (uint8_t i = 0; i < n; i++) {
		struct selector s;
		int got = selector_read(&r, &s, e);

		if (got < 0)
			return -1;
		if (!got)
			out->unknown = true;
		else if (out->n == TS_MAX)
			out->more = true;
		else
			out->s[out->n++] = s;
	}
	if (!rd_done(&r))
		return err_set(e, "%zu bytes after the last traffic selector", r.left);
	return 0;
}
