/* build: chaining and lengths in one place, so that no caller counts bytes. */
#include "ike/wire/build.h"

#include "ike/wire/id.h"

#include <assert.h>

#define GENERIC_LEN 4		/* next payload, critical, length */
#define PAYLOAD_LEN_MAX 65535

void build_begin(struct build *b, void *buf, size_t cap, const struct ike_hdr *h)
{
	struct ike_hdr hdr = *h;

	*b = (struct build){ .w = wr_init(buf, cap) };
	hdr.next = PAYLOAD_NONE;
	hdr.len = 0;
	hdr.version = IKE_VERSION_2;
	ike_hdr_write(&b->w, &hdr);
	b->next_at = 16;
}

void build_chain_begin(struct build *b, void *buf, size_t cap)
{
	*b = (struct build){ .w = wr_init(buf, cap) };
	wr_u8(&b->w, PAYLOAD_NONE);
}

void build_close(struct build *b)
{
	size_t len;

	if (!b->open_at)
		return;
	len = b->w.len - b->open_at;
	if (len > PAYLOAD_LEN_MAX)
		b->w.bad = true;
	wr_patch_u16(&b->w, b->open_at + 2, (uint16_t)len);
	b->open_at = 0;
}

int build_chain_end(struct build *b, size_t *len, struct err *e)
{
	build_close(b);
	if (!wr_ok(&b->w))
		return err_set(e, "the payloads do not fit in %zu bytes", b->w.cap);
	*len = b->w.len - 1;
	return 0;
}

struct wr *build_payload(struct build *b, uint8_t type)
{
	build_close(b);
	wr_patch_u8(&b->w, b->next_at, type);
	b->open_at = b->w.len;
	b->next_at = b->w.len;
	wr_u32(&b->w, 0);	/* last one, not critical (§3.2: 0 for all of RFC 7296) */
	return &b->w;
}

int build_end(struct build *b, size_t *len, struct err *e)
{
	build_close(b);
	if (!wr_ok(&b->w) || b->w.len > IKE_MSG_MAX)
		return err_set(e, "the IKE message does not fit in %zu bytes", b->w.cap);
	wr_patch_u32(&b->w, 24, (uint32_t)b->w.len);
	*len = b->w.len;
	return 0;
}

static void spi_write(struct wr *w, uint8_t len, uint64_t spi)
{
	assert(len == 0 || len == 4 || len == 8);
	if (len == 4)
		wr_u32(w, (uint32_t)spi);
	if (len == 8)
		wr_u64(w, spi);
}

/* §3.3.2, with the one attribute there is (§3.3.5). */
static void transform_write(struct wr *w, const struct sa_transform *t, bool last)
{
	wr_u8(w, last ? 0 : 3);
	wr_u8(w, 0);
	wr_u16(w, t->key_bits ? 12 : 8);
	wr_u8(w, t->type);
	wr_u8(w, 0);
	wr_u16(w, t->id);
	if (t->key_bits) {
		wr_u16(w, 0x8000 | 14);
		wr_u16(w, t->key_bits);
	}
}

void build_sa(struct build *b, const struct sa_payload *sa)
{
	struct wr *w = build_payload(b, PAYLOAD_SA);

	for (uint8_t i = 0; i < sa->n; i++) {
		const struct proposal *p = &sa->p[i];
		size_t at = wr_mark(w);

		wr_u8(w, i + 1 == sa->n ? 0 : 2);
		wr_u8(w, 0);
		wr_u16(w, 0);
		wr_u8(w, p->number);
		wr_u8(w, p->protocol);
		wr_u8(w, p->spi_len);
		wr_u8(w, p->n);
		spi_write(w, p->spi_len, p->spi);
		for (uint8_t k = 0; k < p->n; k++)
			transform_write(w, &p->t[k], k + 1 == p->n);
		wr_patch_u16(w, at + 2, (uint16_t)(wr_mark(w) - at));
	}
}

void build_ke(struct build *b, uint16_t group, struct slice pub)
{
	struct wr *w = build_payload(b, PAYLOAD_KE);

	wr_u16(w, group);
	wr_u16(w, 0);
	wr_bytes(w, pub.p, pub.len);
}

void build_id(struct build *b, uint8_t type, const struct ike_id *id)
{
	id_write(build_payload(b, type), id);
}

void build_auth(struct build *b, uint8_t method, struct slice data)
{
	struct wr *w = build_payload(b, PAYLOAD_AUTH);

	wr_u8(w, method);
	wr_zero(w, 3);
	wr_bytes(w, data.p, data.len);
}

void build_nonce(struct build *b, struct slice nonce)
{
	struct wr *w = build_payload(b, PAYLOAD_NONCE);

	wr_bytes(w, nonce.p, nonce.len);
}

void build_notify(struct build *b, uint8_t protocol, uint8_t spi_len, uint64_t spi,
		  uint16_t type, struct slice data)
{
	struct wr *w = build_payload(b, PAYLOAD_NOTIFY);

	wr_u8(w, protocol);
	wr_u8(w, spi_len);
	wr_u16(w, type);
	spi_write(w, spi_len, spi);
	wr_bytes(w, data.p, data.len);
}

void build_notify_plain(struct build *b, uint16_t type)
{
	build_notify(b, PROTO_NONE, 0, 0, type, (struct slice){ 0 });
}

void build_notify_u32(struct build *b, uint16_t type, uint32_t value)
{
	uint8_t data[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16),
			    (uint8_t)(value >> 8), (uint8_t)value };

	build_notify(b, PROTO_NONE, 0, 0, type, (struct slice){ .p = data, .len = 4 });
}

void build_notify_ke(struct build *b, uint16_t group)
{
	uint8_t data[2] = { (uint8_t)(group >> 8), (uint8_t)group };

	build_notify(b, PROTO_NONE, 0, 0, N_INVALID_KE_PAYLOAD,
		     (struct slice){ .p = data, .len = sizeof(data) });
}

void build_delete_ike(struct build *b)
{
	struct wr *w = build_payload(b, PAYLOAD_DELETE);

	wr_u8(w, PROTO_IKE);
	wr_u8(w, 0);
	wr_u16(w, 0);
}

void build_delete_spis(struct build *b, uint8_t protocol, const uint32_t *spi, uint16_t n)
{
	struct wr *w = build_payload(b, PAYLOAD_DELETE);

	wr_u8(w, protocol);
	wr_u8(w, 4);
	wr_u16(w, n);
	for (uint16_t i = 0; i < n; i++)
		wr_u32(w, spi[i]);
}

void build_ts(struct build *b, uint8_t type, const struct ts_list *ts)
{
	struct wr *w = build_payload(b, type);

	wr_u8(w, ts->n);
	wr_zero(w, 3);
	for (uint8_t i = 0; i < ts->n; i++) {
		const struct selector *s = &ts->s[i];
		size_t len = addr_len(&s->from);

		wr_u8(w, len == 4 ? 7 : 8);	/* TS_IPV4_ADDR_RANGE, TS_IPV6_ADDR_RANGE */
		wr_u8(w, s->proto);
		wr_u16(w, (uint16_t)(8 + 2 * len));
		wr_u16(w, s->port_from);
		wr_u16(w, s->port_to);
		wr_bytes(w, s->from.b, len);
		wr_bytes(w, s->to.b, len);
	}
}

void build_cert(struct build *b, struct slice der)
{
	struct wr *w = build_payload(b, PAYLOAD_CERT);

	wr_u8(w, CERT_X509);
	wr_bytes(w, der.p, der.len);
}

void build_certreq(struct build *b, struct slice hashes)
{
	struct wr *w = build_payload(b, PAYLOAD_CERTREQ);

	wr_u8(w, CERT_X509);
	wr_bytes(w, hashes.p, hashes.len);
}

void build_notify_hashes(struct build *b, unsigned bits)
{
	struct wr *w = build_payload(b, PAYLOAD_NOTIFY);

	wr_u8(w, PROTO_NONE);
	wr_u8(w, 0);
	wr_u16(w, N_SIGNATURE_HASH_ALGORITHMS);
	for (uint16_t id = 1; id < 16; id++)
		if (bits & 1u << id)
			wr_u16(w, id);
}

void build_auth_digital(struct build *b, struct slice algorithm, struct slice signature)
{
	struct wr *w = build_payload(b, PAYLOAD_AUTH);

	wr_u8(w, AUTH_DIGITAL);
	wr_zero(w, 3);
	wr_u8(w, (uint8_t)algorithm.len);
	wr_bytes(w, algorithm.p, algorithm.len);
	wr_bytes(w, signature.p, signature.len);
}

void build_vendor(struct build *b, struct slice id)
{
	struct wr *w = build_payload(b, PAYLOAD_VENDOR);

	wr_bytes(w, id.p, id.len);
}
