/* id: what a peer is called, compared and shown. Names come from strangers: nothing that does
 * not print gets through id_str(). */
#include "ike/wire/id.h"

#include "core/base/rd.h"
#include "core/base/sbuf.h"
#include "core/crypto/x509.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

bool id_equal(const struct ike_id *a, const struct ike_id *b)
{
	if (a->type != b->type || a->type == ID_NONE)
		return false;
	if (a->type == ID_DER_ASN1_DN)
		return x509_dn_equal((struct slice){ a->data, a->len },
				     (struct slice){ b->data, b->len });
	if (a->len != b->len)
		return false;
	if (a->type == ID_FQDN || a->type == ID_RFC822_ADDR) {
		for (uint8_t i = 0; i < a->len; i++) {
			uint8_t x = a->data[i], y = b->data[i];

			x = x >= 'A' && x <= 'Z' ? x + 32 : x;
			y = y >= 'A' && y <= 'Z' ? y + 32 : y;
			if (x != y)
				return false;
		}
		return true;
	}
	return memcmp(a->data, b->data, a->len) == 0;
}

struct ike_id id_from_addr(const struct ip_addr *a)
{
	struct ike_id id = { 0 };

	if (!addr_is_set(a))
		return id;
	id.type = a->family == AF_INET ? ID_IPV4_ADDR : ID_IPV6_ADDR;
	id.len = (uint8_t)addr_len(a);
	memcpy(id.data, a->b, id.len);
	return id;
}

void id_write(struct wr *w, const struct ike_id *id)
{
	wr_u8(w, id->type);
	wr_zero(w, 3);
	wr_bytes(w, id->data, id->len);
}

static bool prints(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] < 0x20 || p[i] > 0x7e)
			return false;
	return len > 0;
}

static void add_text(struct sbuf *b, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] < 0x20 || p[i] > 0x7e || p[i] == '\\')
			sbuf_addf(b, "\\x%02x", p[i]);
		else
			sbuf_addn(b, (const char *)p + i, 1);
	}
}

static void add_hex(struct sbuf *b, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sbuf_addf(b, "%02x", p[i]);
}

/* One DER element with this tag; lengths up to 65535. */
static struct rd der(struct rd *r, uint8_t *tag)
{
	size_t len;

	*tag = rd_u8(r);
	len = rd_u8(r);
	if (len == 0x81)
		len = rd_u8(r);
	else if (len == 0x82)
		len = rd_u16(r);
	else if (len >= 0x80)
		rd_fail(r);
	return rd_child(r, len);
}

/* Attribute types of X.520 (2.5.4.x) and the two others seen in practice. */
static void add_attribute_type(struct sbuf *b, struct slice oid)
{
	static const struct {
		const char *oid;
		uint8_t len;
		const char *name;
	} names[] = {
		{ "\x55\x04\x03", 3, "CN" }, { "\x55\x04\x04", 3, "SN" },
		{ "\x55\x04\x05", 3, "serialNumber" }, { "\x55\x04\x06", 3, "C" },
		{ "\x55\x04\x07", 3, "L" }, { "\x55\x04\x08", 3, "ST" },
		{ "\x55\x04\x09", 3, "street" }, { "\x55\x04\x0a", 3, "O" },
		{ "\x55\x04\x0b", 3, "OU" }, { "\x55\x04\x0c", 3, "T" },
		{ "\x55\x04\x2a", 3, "G" },
		{ "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", 9, "E" },
		{ "\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", 10, "DC" },
		{ "\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", 10, "UID" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (oid.len == names[i].len && !memcmp(oid.p, names[i].oid, oid.len)) {
			sbuf_add(b, names[i].name);
			return;
		}
	}
	sbuf_add(b, "oid-");
	add_hex(b, oid.p, oid.len);
}

/* Name ::= SEQUENCE OF SET OF SEQUENCE { type, value }. False when it is none. */
static bool add_dn(struct sbuf *b, struct slice dn)
{
	struct rd r = rd_slice(dn);
	const char *sep = "";
	uint8_t tag;
	struct rd name = der(&r, &tag);

	if (tag != 0x30 || !rd_done(&r) || !name.left)
		return false;
	while (name.left) {
		struct rd set = der(&name, &tag);

		if (tag != 0x31 || !rd_ok(&set))
			return false;
		while (set.left) {
			struct rd pair = der(&set, &tag), type, value;
			struct slice v;

			if (tag != 0x30 || !rd_ok(&pair))
				return false;
			type = der(&pair, &tag);
			if (tag != 6 || !rd_ok(&type))
				return false;
			value = der(&pair, &tag);
			v = rd_rest(&value);
			if (!rd_ok(&value) || !rd_done(&pair))
				return false;
			sbuf_add(b, sep);
			add_attribute_type(b, rd_rest(&type));
			sbuf_add(b, "=");
			add_text(b, v.p, v.len);
			sep = ", ";
		}
	}
	return rd_ok(&name) && *sep;
}

static void add_addr(struct sbuf *b, int family, const uint8_t *p)
{
	struct ip_addr a = addr_from_bytes(family, p);
	char text[ADDR_TEXT_MAX];

	sbuf_add(b, addr_str(&a, text));
}

static void add_id(struct sbuf *b, const struct ike_id *id)
{
	struct slice d = { .p = id->data, .len = id->len };

	switch (id->type) {
	case ID_NONE:
		return;
	case ID_IPV4_ADDR:
	case ID_IPV6_ADDR:
		if (id->len == (id->type == ID_IPV4_ADDR ? 4 : 16)) {
			add_addr(b, id->type == ID_IPV4_ADDR ? AF_INET : AF_INET6, d.p);
			return;
		}
		break;
	case ID_FQDN:
	case ID_RFC822_ADDR:
		add_text(b, d.p, d.len);
		return;
	case ID_DER_ASN1_DN:
		if (add_dn(b, d))
			return;
		sbuf_reset(b);
		sbuf_add(b, "DN:");
		add_hex(b, d.p, d.len);
		return;
	case ID_KEY_ID:
		sbuf_add(b, "keyid:");
		if (prints(d.p, d.len)) {
			add_text(b, d.p, d.len);
		} else {
			sbuf_add(b, "0x");
			add_hex(b, d.p, d.len);
		}
		return;
	}
	sbuf_addf(b, "type %u:", id->type);
	add_hex(b, d.p, d.len);
}

const char *id_str(const struct ike_id *id, char *buf, size_t cap)
{
	struct sbuf b = { 0 };

	add_id(&b, id);
	snprintf(buf, cap, "%s", sbuf_str(&b));
	sbuf_fini(&b);
	return buf;
}
