/* id: IKE identities. Distinguished names are the only hard part: a little DER (X.690),
 * the strings chosen as RFC 4514 and RFC 5280 §4.1.2.4 have them, in the order written.
 */
#include "core/settings/id.h"

#include "core/base/rd.h"
#include "core/base/wr.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { DER_OID = 0x06, DER_UTF8 = 0x0c, DER_PRINTABLE = 0x13, DER_IA5 = 0x16,
       DER_SEQUENCE = 0x30, DER_SET = 0x31 };

#define OID_MAX 10
#define RDN_MAX 16

static const struct attr {
	const char *name;
	uint8_t oid_len;
	uint8_t oid[OID_MAX];
	bool ia5;
} attrs[] = {	/* X.520 and RFC 4519; the first of each OID is the one printed */
	{ "CN", 3, { 0x55, 4, 3 }, false },
	{ "C", 3, { 0x55, 4, 6 }, false },
	{ "O", 3, { 0x55, 4, 10 }, false },
	{ "OU", 3, { 0x55, 4, 11 }, false },
	{ "L", 3, { 0x55, 4, 7 }, false },
	{ "ST", 3, { 0x55, 4, 8 }, false },
	{ "S", 3, { 0x55, 4, 4 }, false },
	{ "SN", 3, { 0x55, 4, 5 }, false },
	{ "serialNumber", 3, { 0x55, 4, 5 }, false },
	{ "T", 3, { 0x55, 4, 12 }, false },
	{ "D", 3, { 0x55, 4, 13 }, false },
	{ "N", 3, { 0x55, 4, 41 }, false },
	{ "G", 3, { 0x55, 4, 42 }, false },
	{ "I", 3, { 0x55, 4, 43 }, false },
	{ "dnQualifier", 3, { 0x55, 4, 46 }, false },
	{ "STREET", 3, { 0x55, 4, 9 }, false },
	{ "E", 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1 }, true },
	{ "emailAddress", 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1 }, true },
	{ "Email", 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1 }, true },
	{ "UID", 10, { 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1 }, false },
	{ "DC", 10, { 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25 }, true },
};

#define ATTRS_N (sizeof(attrs) / sizeof(attrs[0]))

/* --- text to DER --- */

static uint8_t string_tag(const struct attr *a, const char *s)
{
	if (a->ia5)
		return DER_IA5;
	for (; *s; s++)
		if ((unsigned char)*s > 127 ||
		    (!isalnum((unsigned char)*s) && !strchr(" '()+,-./:=?", *s)))
			return DER_UTF8;
	return DER_PRINTABLE;
}

/* The short form and the first long one, X.690 §8.1.3: what needs more does not fit into
 * ID_MAX bytes, and w fails. */
static void der_head(struct wr *w, uint8_t tag, size_t len)
{
	wr_u8(w, tag);
	if (len > 127)
		wr_u8(w, 0x81);
	wr_u8(w, (uint8_t)len);
}

static void write_rdn(struct wr *w, const struct attr *a, const char *value)
{
	size_t v = strlen(value), seq = 2u + a->oid_len + (v > 127 ? 3u : 2u) + v;

	der_head(w, DER_SET, seq + (seq > 127 ? 3 : 2));
	der_head(w, DER_SEQUENCE, seq);
	der_head(w, DER_OID, a->oid_len);
	wr_bytes(w, a->oid, a->oid_len);
	der_head(w, string_tag(a, value), v);
	wr_bytes(w, value, v);
}

static const struct attr *attr_find(const char *name, struct err *e)
{
	for (size_t i = 0; i < ATTRS_N; i++)
		if (strcasecmp(attrs[i].name, name) == 0)
			return &attrs[i];
	err_set(e,
		"\"%.40s\" is no part of a distinguished name (C, ST, L, O, OU, CN, E, "
		"DC, "
		"UID, serialNumber)",
		name);
	return NULL;
}

/* One "NAME=value" from *t on; \ takes the next character as it is. */
static int take_rdn(const char **t, char *name, size_t name_cap, char *value,
		    size_t value_cap, struct err *e)
{
	const char *p = *t + strspn(*t, " ");
	size_t n = strcspn(p, "=,"), v = 0, keep = 0;

	if (p[n] != '=')
		return err_set(e, "\"%.60s\" in a distinguished name is not NAME=value",
			       p);
	snprintf(name, name_cap, "%.*s", (int)n, p);
	while (*name && name[strlen(name) - 1] == ' ')
		name[strlen(name) - 1] = '\0';
	p += n + 1;
	p += strspn(p, " ");
	for (; *p && *p != ','; p++) {
		bool escaped = *p == '\\' && p[1];

		p += escaped;
		if (v + 1 >= value_cap)
			return err_set(e,
				       "the distinguished name is longer than %d bytes",
				       ID_MAX);
		value[v++] = *p;
		if (escaped || *p != ' ')
			keep = v;
	}
	v = keep;
	value[v] = '\0';
	if (!v)
		return err_set(e, "%s in the distinguished name has no value", name);
	*t = *p ? p + 1 : p;
	return 0;
}

static int parse_dn(const char *text, struct ike_id *out, struct err *e)
{
	uint8_t rdns[ID_MAX];
	struct wr w = wr_init(rdns, sizeof(rdns)),
		  all = wr_init(out->data, sizeof(out->data));

	while (*text) {
		char name[32], value[ID_MAX];
		const struct attr *a;

		if (take_rdn(&text, name, sizeof(name), value, sizeof(value), e) < 0 ||
		    !(a = attr_find(name, e)))
			return -1;
		write_rdn(&w, a, value);
	}
	der_head(&all, DER_SEQUENCE, w.len);
	wr_bytes(&all, rdns, w.len);
	if (!wr_ok(&w) || !wr_ok(&all))
		return err_set(e, "the distinguished name takes more than %d bytes",
			       ID_MAX);
	out->type = ID_DER_ASN1_DN;
	out->len = (uint8_t)all.len;
	return 0;
}

/* --- the other kinds --- */

static unsigned hex_digit(char c)
{
	return (unsigned)(isdigit((unsigned char)c) ? c - '0' :
						      tolower((unsigned char)c) - 'a' + 10);
}

static int set_bytes(struct ike_id *out, enum id_type type, const char *s, struct err *e)
{
	size_t n = strlen(s);

	if (!n)
		return err_set(e, "the ID is empty");
	if (n > ID_MAX)
		return err_set(e, "an ID is at most %d bytes", ID_MAX);
	out->type = (uint8_t)type;
	out->len = (uint8_t)n;
	memcpy(out->data, s, n);
	return 0;
}

static int parse_key_id(const char *s, struct ike_id *out, struct err *e)
{
	size_t n;

	if (strncasecmp(s, "0x", 2) != 0)
		return set_bytes(out, ID_KEY_ID, s, e);
	s += 2;
	n = strlen(s);
	if (!n || n % 2 || strspn(s, "0123456789abcdefABCDEF") != n)
		return err_set(e, "behind keyid:0x belong pairs of hex digits");
	if (n / 2 > ID_MAX)
		return err_set(e, "an ID is at most %d bytes", ID_MAX);
	for (size_t i = 0; i < n / 2; i++)
		out->data[i] =
			(uint8_t)(hex_digit(s[2 * i]) << 4 | hex_digit(s[2 * i + 1]));
	out->type = ID_KEY_ID;
	out->len = (uint8_t)(n / 2);
	return 0;
}

static int check_host(const char *s, struct err *e)
{
	bool letter = false;

	for (const char *p = s; *p; p++) {
		if ((unsigned char)*p > 127 ||
		    (!isalnum((unsigned char)*p) && !strchr(".-_*", *p)))
			return err_set(e,
				       "\"%.60s\" is neither an IP address, a host name, "
				       "user@host, keyid:… nor a distinguished name",
				       s);
		letter |= !isdigit((unsigned char)*p) && *p != '.';
	}
	if (!letter)
		return err_set(e, "\"%.60s\" is not a complete IP address", s);
	return 0;
}

static bool is_graph(const char *s)
{
	for (; *s; s++)
		if (*s < 0x21 || *s > 0x7e || *s == '\\')
			return false;
	return true;
}

int ike_id_parse(const char *text, struct ike_id *out, struct err *e)
{
	struct ike_id id = { 0 };
	struct ip_addr a;
	const char *at;
	int r;

	if (!*text || strcmp(text, "%any") == 0)
		r = 0;
	else if (addr_parse(text, &a, NULL) == 0) {
		id = ike_id_of_addr(&a);
		r = 0;
	} else if (strncasecmp(text, "keyid:", 6) == 0)
		r = parse_key_id(text + 6, &id, e);
	else if (strchr(text, '='))
		r = parse_dn(text, &id, e);
	else if (strchr(text, '/'))
		r = err_set(e, "\"%.60s\" is a network; an ID is one address or a name",
			    text);
	else if ((at = strchr(text, '@')) && at > text) {
		r = strchr(at + 1, '@') || !at[1] || !is_graph(text) ?
			err_set(e, "\"%.60s\" is not user@host", text) :
			set_bytes(&id, ID_RFC822_ADDR, text, e);
	} else {
		text += *text == '@';
		r = check_host(text, e) < 0 ? -1 : set_bytes(&id, ID_FQDN, text, e);
	}
	if (r == 0)
		*out = id;
	return r;
}

/* --- to text --- */

struct text {
	char *buf;
	size_t cap, len;
};

static void put(struct text *t, const char *s)
{
	if (t->len < t->cap)
		t->len += (size_t)snprintf(t->buf + t->len, t->cap - t->len, "%s", s);
	if (t->len >= t->cap)
		t->len = t->cap - 1;
}

static void put_byte(struct text *t, uint8_t b, const char *special)
{
	char s[8];

	if (b < 0x20 || b > 0x7e)
		snprintf(s, sizeof(s), "\\x%02x", b);
	else if (*special && strchr(special, b))
		snprintf(s, sizeof(s), "\\%c", b);
	else
		snprintf(s, sizeof(s), "%c", b);
	put(t, s);
}

static void put_hex(struct text *t, const uint8_t *p, size_t n)
{
	char s[4];

	put(t, "0x");
	for (size_t i = 0; i < n; i++) {
		snprintf(s, sizeof(s), "%02x", p[i]);
		put(t, s);
	}
}

/* A child cursor over the contents of one TLV; its tag in *tag. */
static struct rd der_take(struct rd *r, uint8_t *tag)
{
	size_t len;

	*tag = rd_u8(r);
	len = rd_u8(r);
	if (len == 0x81)
		len = rd_u8(r);
	else if (len > 127)
		rd_fail(r);
	return rd_child(r, len);
}

/* UTF-8 goes through as it is; put_dn() looks at the whole afterwards. */
static bool put_rdn(struct text *t, struct rd *set)
{
	const struct attr *a = NULL;
	uint8_t tag, oid_tag, value_tag;
	struct rd seq = der_take(set, &tag), oid, value;
	struct slice o, v;

	oid = der_take(&seq, &oid_tag);
	value = der_take(&seq, &value_tag);
	o = rd_rest(&oid);
	v = rd_rest(&value);
	if (tag != DER_SEQUENCE || oid_tag != DER_OID || !rd_done(&seq) || !rd_done(set))
		return false;
	for (size_t i = 0; i < ATTRS_N && !a; i++)
		if (attrs[i].oid_len == o.len && memcmp(attrs[i].oid, o.p, o.len) == 0)
			a = &attrs[i];
	if (!a || v.len == 0)
		return false;
	if (t->len)
		put(t, ", ");
	put(t, a->name);
	put(t, "=");
	for (size_t i = 0; i < v.len; i++) {
		bool edge = v.p[i] == ' ' && (i == 0 || i + 1 == v.len);

		if (value_tag == DER_UTF8 && v.p[i] > 127 && t->len + 1 < t->cap) {
			t->buf[t->len++] = (char)v.p[i];
			t->buf[t->len] = '\0';
		} else
			put_byte(t, v.p[i], edge ? ",\\ " : ",\\");
	}
	return true;
}

/* Well-formed UTF-8 without control characters; a peer's bytes go to a terminal. */
static bool printable_utf8(const char *s)
{
	for (const unsigned char *p = (const unsigned char *)s; *p;) {
		size_t n = *p < 0x80 ? 1 : *p >= 0xc2 && *p < 0xe0 ? 2 :
			   (*p & 0xf0) == 0xe0 ? 3 : *p >= 0xf0 && *p < 0xf5 ? 4 : 0;

		if (!n || *p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0))
			return false;
		if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xf0 && p[1] < 0x90) ||
		    (*p == 0xf4 && p[1] > 0x8f) || (*p == 0xed && p[1] > 0x9f))
			return false;
		for (size_t i = 1; i < n; i++)
			if ((p[i] & 0xc0) != 0x80)
				return false;
		p += n;
	}
	return true;
}

static bool put_dn(struct text *t, const struct ike_id *id)
{
	struct rd r = rd_init(id->data, id->len);
	uint8_t tag;
	struct rd name = der_take(&r, &tag);
	int n = 0;

	if (tag != DER_SEQUENCE || !rd_done(&r))
		return false;
	while (name.left && rd_ok(&name)) {
		struct rd set = der_take(&name, &tag);

		if (tag != DER_SET || !rd_ok(&name) || ++n > RDN_MAX || !put_rdn(t, &set))
			return false;
	}
	return n > 0 && rd_ok(&name) && printable_utf8(t->buf);
}

static bool is_plain(const struct ike_id *id)
{
	for (int i = 0; i < id->len; i++)
		if (id->data[i] < 0x21 || id->data[i] > 0x7e || id->data[i] == '\\')
			return false;
	return id->len > 0 && strncasecmp((const char *)id->data, "0x",
					  id->len < 2 ? id->len : 2u) != 0;
}

static void put_escaped(struct text *t, const struct ike_id *id)
{
	for (int i = 0; i < id->len; i++)
		put_byte(t, id->data[i], "\\");
}

const char *ike_id_str(const struct ike_id *id, char *buf, size_t cap)
{
	struct text t = { buf, cap, 0 };
	char a[ADDR_TEXT_MAX];
	struct ip_addr addr;

	buf[0] = '\0';
	if (id->type == ID_NONE)
		return buf;
	if ((id->type == ID_IPV4_ADDR && id->len == 4) ||
	    (id->type == ID_IPV6_ADDR && id->len == 16)) {
		addr = addr_from_bytes(id->len == 4 ? AF_INET : AF_INET6, id->data);
		put(&t, addr_str(&addr, a));
	} else if (id->type == ID_FQDN || id->type == ID_RFC822_ADDR) {
		put_escaped(&t, id);
	} else if (id->type == ID_KEY_ID) {
		put(&t, "keyid:");
		if (is_plain(id))
			put_escaped(&t, id);
		else
			put_hex(&t, id->data, id->len);
	} else if (id->type != ID_DER_ASN1_DN || !put_dn(&t, id)) {
		t.len = 0;
		snprintf(a, sizeof(a),
			 id->type == ID_DER_ASN1_DN ? "DN:" : "type %u:", id->type);
		put(&t, a);
		put_hex(&t, id->data, id->len);
	}
	return buf;
}

bool ike_id_equal(const struct ike_id *a, const struct ike_id *b)
{
	return a->type == b->type && a->len == b->len &&
	       memcmp(a->data, b->data, a->len) == 0;
}

struct ike_id ike_id_of_addr(const struct ip_addr *a)
{
	struct ike_id id = { .type = a->family == AF_INET ? ID_IPV4_ADDR : ID_IPV6_ADDR,
			     .len = (uint8_t)addr_len(a) };

	memcpy(id.data, a->b, id.len);
	return id;
}
