/* x509dn: distinguished names, walked, compared and written. Written they come from strangers
 * and go to terminals: nothing passes that is not printable UTF-8. */
#include "core/base/addr.h"
#include "core/crypto/x509priv.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

const struct slice x509_oid_cn = SLICE_LIT("\x55\x04\x03");
const struct slice x509_oid_email = SLICE_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01");

bool x509_attr_next(struct rd *name, struct rd *set, struct x509_attr *out)
{
	struct rd seq;
	struct rd in;

	if (!set->left) {
		if (!name->left)
			return false;
		*set = der_take(name, DER_SET);
	}
	seq = der_take(set, DER_SEQUENCE);
	out->oid = der_bytes(&seq, DER_OID);
	in = der_any(&seq, &out->tag);
	out->value = rd_rest(&in);
	if (!rd_done(&seq) || !rd_ok(set)) {
		rd_fail(name);
		rd_fail(set);
		return false;
	}
	return true;
}

int x509_dn_check(struct slice dn)
{
	struct rd r = rd_slice(dn), name = der_take(&r, DER_SEQUENCE), set = { 0 };
	struct x509_attr a;
	size_t n = 0;

	while (x509_attr_next(&name, &set, &a))
		if (++n > X509_RDNS_MAX || a.oid.len == 0 ||
		    a.value.len > X509_VALUE_MAX / 3)
			return -1;
	return rd_done(&name) && rd_done(&r) ? 0 : -1;
}

static size_t put_utf8(char *out, size_t at, size_t cap, uint32_t c)
{
	char s[4];
	size_t n = 0;

	if (c < 0x80) {
		s[n++] = (char)c;
	} else if (c < 0x800) {
		s[n++] = (char)(0xc0 | c >> 6);
		s[n++] = (char)(0x80 | (c & 63));
	} else {
		s[n++] = (char)(0xe0 | c >> 12);
		s[n++] = (char)(0x80 | (c >> 6 & 63));
		s[n++] = (char)(0x80 | (c & 63));
	}
	if (at + n > cap)
		return at;
	memcpy(out + at, s, n);
	return at + n;
}

size_t x509_attr_utf8(const struct x509_attr *a, char *out, size_t cap)
{
	size_t n = 0;

	if (a->tag == DER_BMP_STRING) {
		for (size_t i = 0; i + 1 < a->value.len; i += 2)
			n = put_utf8(out, n, cap,
				     (uint32_t)a->value.p[i] << 8 | a->value.p[i + 1]);
		return n;
	}
	if (a->tag == DER_T61_STRING) {		/* in practice Latin 1 */
		for (size_t i = 0; i < a->value.len; i++)
			n = put_utf8(out, n, cap, a->value.p[i]);
		return n;
	}
	n = a->value.len < cap ? a->value.len : cap;
	if (n)
		memcpy(out, a->value.p, n);
	return n;
}

/* ---- comparing ---- */

/* RFC 5280 §7.1 by way of RFC 4518, as far as it goes without tables: ASCII case, blanks at the
 * ends, runs of blanks. */
static size_t fold(char *s, size_t n)
{
	size_t to = 0;

	for (size_t i = 0; i < n; i++) {
		bool blank = s[i] == ' ';

		if (blank && (to == 0 || s[to - 1] == ' '))
			continue;
		s[to++] = (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] + 32 : s[i]);
	}
	if (to && s[to - 1] == ' ')
		to--;
	return to;
}

static bool attr_equal(const struct x509_attr *a, const struct x509_attr *b)
{
	char one[X509_VALUE_MAX], two[X509_VALUE_MAX];
	size_t n1, n2;

	if (!slice_is(a->oid, b->oid))
		return false;
	if (a->tag == b->tag && slice_is(a->value, b->value))
		return true;
	n1 = fold(one, x509_attr_utf8(a, one, sizeof(one)));
	n2 = fold(two, x509_attr_utf8(b, two, sizeof(two)));
	return n1 == n2 && memcmp(one, two, n1) == 0;
}

bool x509_dn_equal(struct slice a, struct slice b)
{
	struct rd ra = rd_slice(a), rb = rd_slice(b);
	struct rd na, nb, sa = { 0 }, sb = { 0 };

	if (slice_is(a, b))
		return true;
	if (x509_dn_check(a) < 0 || x509_dn_check(b) < 0)
		return false;
	na = der_take(&ra, DER_SEQUENCE);
	nb = der_take(&rb, DER_SEQUENCE);
	for (;;) {
		struct x509_attr x, y;
		bool more = x509_attr_next(&na, &sa, &x);

		if (more != x509_attr_next(&nb, &sb, &y))
			return false;
		if (!more)
			return true;
		/* the same attributes in the same sets */
		if (!attr_equal(&x, &y) || (sa.left == 0) != (sb.left == 0))
			return false;
	}
}

/* ---- text ---- */

struct text {
	char *buf;
	size_t cap, len;
};

static void put(struct text *t, const char *s, size_t n)
{
	if (t->len + n + 1 > t->cap)
		n = t->cap - t->len - 1;
	memcpy(t->buf + t->len, s, n);
	t->len += n;
	t->buf[t->len] = '\0';
}

static void put_str(struct text *t, const char *s)
{
	put(t, s, strlen(s));
}

/* The length of a printable UTF-8 character at s, 0 when it is none. */
static size_t utf8_len(const uint8_t *s, size_t left)
{
	size_t n = s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 :
		   s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : 0;

	if (n == 0 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90))
		return 0;
	/* C1 controls, and the marks that turn the direction of writing */
	if ((s[0] == 0xc2 && s[1] < 0xa0) ||
	    (s[0] == 0xe2 && s[1] == 0x80 && s[2] >= 0x8b) ||
	    (s[0] == 0xe2 && s[1] == 0x81 && s[2] >= 0xa0 && s[2] <= 0xaf))
		return 0;
	return n;
}

static void put_value(struct text *t, const uint8_t *s, size_t n, const char *special)
{
	for (size_t i = 0; i < n;) {
		size_t u = s[i] >= 0x80 ? utf8_len(s + i, n - i) : 0;
		char esc[8];

		if (u) {
			put(t, (const char *)s + i, t->len + u + 1 <= t->cap ? u : 0);
			i += u;
			continue;
		}
		if (s[i] < 0x20 || s[i] > 0x7e)
			snprintf(esc, sizeof(esc), "\\x%02x", s[i]);
		else if (*special && strchr(special, s[i]))
			snprintf(esc, sizeof(esc), "\\%c", s[i]);
		else
			snprintf(esc, sizeof(esc), "%c", s[i]);
		put_str(t, esc);
		i++;
	}
}

static void put_oid(struct text *t, struct slice oid)
{
	uint32_t v = 0;
	char s[24];

	for (size_t i = 0; i < oid.len && i < 32; i++) {
		if (i == 0) {
			snprintf(s, sizeof(s), "%d.%d", oid.p[0] / 40, oid.p[0] % 40);
			put_str(t, s);
			continue;
		}
		v = v << 7 | (oid.p[i] & 0x7f);
		if (oid.p[i] & 0x80)
			continue;
		snprintf(s, sizeof(s), ".%u", v);
		put_str(t, s);
		v = 0;
	}
}

/* X.520 and RFC 4519, as core/settings/id.c reads them. */
static const char *attr_name(struct slice oid)
{
	static const struct {
		uint8_t last;
		const char *name;
	} x520[] = {
		{ 3, "CN" },  { 4, "S" },  { 5, "SN" },		  { 6, "C" },
		{ 7, "L" },   { 8, "ST" }, { 9, "STREET" },	  { 10, "O" },
		{ 11, "OU" }, { 12, "T" }, { 13, "D" },		  { 41, "N" },
		{ 42, "G" },  { 43, "I" }, { 46, "dnQualifier" },
	};
	static const struct slice uid = SLICE_LIT(
		"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01");
	static const struct slice dc = SLICE_LIT(
		"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19");

	if (slice_is(oid, x509_oid_email))
		return "E";
	if (slice_is(oid, uid))
		return "UID";
	if (slice_is(oid, dc))
		return "DC";
	if (oid.len != 3 || oid.p[0] != 0x55 || oid.p[1] != 4)
		return NULL;
	for (size_t i = 0; i < sizeof(x520) / sizeof(x520[0]); i++)
		if (x520[i].last == oid.p[2])
			return x520[i].name;
	return NULL;
}

static void put_attr(struct text *t, const struct x509_attr *a)
{
	char value[X509_VALUE_MAX];
	size_t n = x509_attr_utf8(a, value, sizeof(value));

	if (t->len)
		put_str(t, ", ");
	if (attr_name(a->oid))
		put_str(t, attr_name(a->oid));
	else
		put_oid(t, a->oid);
	put_str(t, "=");
	put_value(t, (const uint8_t *)value, n, ",\\");
}

const char *x509_dn_str(struct slice dn, char *buf, size_t cap)
{
	struct rd r = rd_slice(dn), name = der_take(&r, DER_SEQUENCE), set = { 0 };
	struct text t = { buf, cap, 0 };
	struct x509_attr a;

	buf[0] = '\0';
	if (x509_dn_check(dn) < 0)
		return buf;
	while (x509_attr_next(&name, &set, &a))
		put_attr(&t, &a);
	if (!t.len)
		put_str(&t, "(no name)");
	return buf;
}

const char *x509_dn_short(struct slice dn, char *buf, size_t cap)
{
	struct rd r = rd_slice(dn), name = der_take(&r, DER_SEQUENCE), set = { 0 };
	struct text t = { buf, cap, 0 };
	struct x509_attr a;

	buf[0] = '\0';
	if (x509_dn_check(dn) == 0)
		while (x509_attr_next(&name, &set, &a))
			if (slice_is(a.oid, x509_oid_cn)) {
				t.len = 0;	/* the last one is the most specific */
				put_attr(&t, &a);
			}
	return t.len ? buf : x509_dn_str(dn, buf, cap);
}

const char *x509_san_str(const struct x509_san *s, char *buf, size_t cap)
{
	struct text t = { buf, cap, 0 };
	char inner[X509_DN_TEXT_MAX];

	buf[0] = '\0';
	switch (s->type) {
	case X509_SAN_EMAIL:
		put_str(&t, "email:");
		put_value(&t, s->value.p, s->value.len, "");
		break;
	case X509_SAN_DNS:
		put_str(&t, "DNS:");
		put_value(&t, s->value.p, s->value.len, "");
		break;
	case X509_SAN_URI:
		put_str(&t, "URI:");
		put_value(&t, s->value.p, s->value.len, "");
		break;
	case X509_SAN_DIRECTORY:
		put_str(&t, "DN:");
		put_str(&t, x509_dn_str(s->value, inner, sizeof(inner)));
		break;
	case X509_SAN_IP:
		put_str(&t, "IP:");
		if (inet_ntop(s->value.len == 4 ? AF_INET : AF_INET6, s->value.p, inner,
			      sizeof(inner)))
			put_str(&t, inner);
		break;
	default:
		snprintf(buf, cap, "other name, type %u", s->type);
	}
	return buf;
}

const char *x509_serial_str(struct slice serial, char *buf, size_t cap)
{
	size_t at = 0;

	buf[0] = '\0';
	if (serial.len > 1 && serial.p[0] == 0) {
		serial.p++;
		serial.len--;
	}
	for (size_t i = 0; i < serial.len && at + 4 <= cap; i++)
		at += (size_t)snprintf(buf + at, cap - at, "%s%02x", i ? ":" : "",
				       serial.p[i]);
	return buf;
}
