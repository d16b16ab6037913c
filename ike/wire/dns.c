/* dns: what comes here may be anyone's, so it is copied out of the message name by name, with
 * bounds on everything that could go round in circles. */
#include "ike/wire/dns.h"

#include "core/base/rd.h"
#include "core/base/wr.h"

#include <stdio.h>
#include <string.h>

#define HEADER 12
#define NAME_WIRE_MAX 255	/* RFC 1035 §2.3.4 */
#define LABEL_MAX 63
#define JUMPS_MAX 32		/* compression pointers in one name */
#define RECORDS_MAX 64		/* of one answer; more are passed over */
#define TYPE_CNAME 5
#define CLASS_IN 1
#define FLAG_QR 0x8000
#define FLAG_TC 0x0200
#define FLAG_RD 0x0100
#define OPCODE 0x7800

/* A name as its labels are on the wire, in lower case. */
struct dns_name {
	uint8_t len;
	uint8_t b[NAME_WIRE_MAX];
};

struct record {
	struct dns_name owner;
	uint16_t type;
	uint32_t ttl_s;
	size_t data_at, data_len;
};

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool name_equal(const struct dns_name *a, const struct dns_name *b)
{
	return a->len == b->len && memcmp(a->b, b->b, a->len) == 0;
}

static int put_label(struct dns_name *n, const uint8_t *p, size_t len)
{
	if (len > LABEL_MAX || n->len + 1 + len > NAME_WIRE_MAX)
		return -1;
	n->b[n->len++] = (uint8_t)len;
	for (size_t i = 0; i < len; i++)
		n->b[n->len++] = lower(p[i]);
	return 0;
}

static int name_from_text(const char *text, struct dns_name *n, struct err *e)
{
	n->len = 0;
	while (*text) {
		size_t len = strcspn(text, ".");

		if (!len || put_label(n, (const uint8_t *)text, len) < 0)
			return err_set(e, "\"%s\" is no name of a host: its parts have 1 to 63 "
				       "bytes each", text);
		text += len;
		text += *text == '.';
	}
	if (!n->len || put_label(n, NULL, 0) < 0)
		return err_set(e, "the name of a host is empty or too long");
	return 0;
}

/* The name at *at of a whole message; *at moves behind it. Pointers lead only backwards
 * (RFC 1035 §4.1.4: to a prior occurrence), so this ends. */
static int name_read(const uint8_t *msg, size_t len, size_t *at, struct dns_name *n)
{
	size_t p = *at, lowest = *at;
	bool jumped = false;

	n->len = 0;
	for (unsigned jumps = 0; ; ) {
		uint8_t c;

		if (p >= len)
			return -1;
		c = msg[p];
		if ((c & 0xc0) == 0xc0) {
			size_t to;

			if (p + 1 >= len || ++jumps > JUMPS_MAX)
				return -1;
			to = (size_t)(c & 0x3f) << 8 | msg[p + 1];
			if (!jumped)
				*at = p + 2;
			jumped = true;
			if (to >= lowest || to < HEADER)
				return -1;
			p = lowest = to;
			continue;
		}
		if (c & 0xc0 || p + 1 + c > len || put_label(n, msg + p + 1, c) < 0)
			return -1;
		p += 1u + c;
		if (c)
			continue;
		if (!jumped)
			*at = p;
		return 0;
	}
}

int dns_query(const char *name, uint16_t type, uint16_t id, uint8_t buf[DNS_QUERY_MAX],
	      size_t *len, struct err *e)
{
	struct wr w = wr_init(buf, DNS_QUERY_MAX);
	struct dns_name n;

	if (name_from_text(name, &n, e) < 0)
		return -1;
	wr_u16(&w, id);
	wr_u16(&w, FLAG_RD);
	wr_u16(&w, 1);
	wr_zero(&w, 6);
	wr_bytes(&w, n.b, n.len);
	wr_u16(&w, type);
	wr_u16(&w, CLASS_IN);
	if (!wr_ok(&w))
		return err_set(e, "the name of a host is too long");
	*len = w.len;
	return 0;
}

/* The record at *at, which moves behind it. */
static int record_read(const uint8_t *msg, size_t len, size_t *at, struct record *r,
		       uint16_t *class)
{
	struct rd d;

	if (name_read(msg, len, at, &r->owner) < 0)
		return -1;
	d = rd_init(msg + *at, len - *at);
	r->type = rd_u16(&d);
	*class = rd_u16(&d);
	r->ttl_s = rd_u32(&d);
	/* RFC 2181 §8 */
	if (r->ttl_s & 0x80000000u)
		r->ttl_s = 0;
	r->data_len = rd_u16(&d);
	r->data_at = *at + 10;
	rd_skip(&d, r->data_len);
	if (!rd_ok(&d))
		return -1;
	*at = r->data_at + r->data_len;
	return 0;
}

/* The answer section's CNAMEs and addresses. -1: it does not parse. */
static int records_read(const uint8_t *msg, size_t len, size_t at, unsigned count, uint16_t type,
			struct record *v, size_t *n)
{
	*n = 0;
	for (unsigned i = 0; i < count; i++) {
		struct record r;
		uint16_t class;

		if (record_read(msg, len, &at, &r, &class) < 0)
			return -1;
		if (class == CLASS_IN && (r.type == type || r.type == TYPE_CNAME) &&
		    *n < RECORDS_MAX)
			v[(*n)++] = r;
	}
	return 0;
}

static bool usable(const struct ip_addr *a)
{
	static const uint8_t ones[4] = { 255, 255, 255, 255 };

	return !addr_is_any(a) && !addr_is_loopback(a) && !addr_is_multicast(a) &&
	       !(a->family == AF_INET && memcmp(a->b, ones, 4) == 0);
}

static void add_addr(struct dns_answer *out, const struct ip_addr *a)
{
	for (uint8_t i = 0; i < out->n; i++)
		if (addr_equal(&out->addr[i], a))
			return;
	if (out->n < DNS_ADDRS_MAX && usable(a))
		out->addr[out->n++] = *a;
}

static void ttl_least(struct dns_answer *out, uint32_t ttl_s, bool *any)
{
	if (!*any || ttl_s < out->ttl_s)
		out->ttl_s = ttl_s;
	*any = true;
}

/* From alias to alias until there are addresses (RFC 1034 §3.6.2). */
static enum dns_verdict follow(const uint8_t *msg, size_t len, const struct record *v, size_t n,
			       struct dns_name name, uint16_t type, struct dns_answer *out)
{
	size_t want = type == DNS_TYPE_A ? 4 : 16;
	bool any = false;

	for (unsigned step = 0; step <= DNS_CNAMES_MAX; step++) {
		const struct record *alias = NULL;
		bool here = false;
		size_t at;

		for (size_t i = 0; i < n; i++) {
			struct ip_addr a;

			if (!name_equal(&v[i].owner, &name))
				continue;
			if (v[i].type == TYPE_CNAME) {
				alias = &v[i];
				continue;
			}
			if (v[i].data_len != want)
				return DNS_BROKEN;
			a = addr_from_bytes(want == 4 ? AF_INET : AF_INET6, msg + v[i].data_at);
			add_addr(out, &a);
			ttl_least(out, v[i].ttl_s, &any);
			here = true;
		}
		if (here || !alias)
			return out->n ? DNS_FOUND : DNS_EMPTY;
		ttl_least(out, alias->ttl_s, &any);
		at = alias->data_at;
		if (name_read(msg, len, &at, &name) < 0 ||
		    at > alias->data_at + alias->data_len)
			return DNS_BROKEN;
	}
	return DNS_BROKEN;
}

enum dns_verdict dns_answer(const uint8_t *msg, size_t len, const char *name, uint16_t type,
			    uint16_t id, struct dns_answer *out)
{
	struct rd r = rd_init(msg, len);
	uint16_t got_id = rd_u16(&r), flags = rd_u16(&r), questions = rd_u16(&r);
	uint16_t answers = rd_u16(&r), qtype, qclass;
	struct record v[RECORDS_MAX];
	struct dns_name asked, theirs;
	size_t at = HEADER, n = 0;

	memset(out, 0, sizeof(*out));
	if (len < HEADER || len > DNS_ANSWER_MAX || !rd_ok(&r) || got_id != id ||
	    !(flags & FLAG_QR) || flags & OPCODE || questions != 1 ||
	    name_from_text(name, &asked, NULL) < 0)
		return DNS_NOT_OURS;
	if (name_read(msg, len, &at, &theirs) < 0 || !name_equal(&asked, &theirs))
		return DNS_NOT_OURS;
	r = rd_init(msg + at, len - at);
	qtype = rd_u16(&r);
	qclass = rd_u16(&r);
	if (!rd_ok(&r) || qtype != type || qclass != CLASS_IN)
		return DNS_NOT_OURS;
	at += 4;
	out->rcode = flags & 15;
	if (flags & FLAG_TC)
		return DNS_TRUNCATED;
	if (out->rcode == 3)
		return DNS_NO_NAME;
	if (out->rcode)
		return DNS_FAILED;
	if (records_read(msg, len, at, answers, type, v, &n) < 0)
		return DNS_BROKEN;
	return follow(msg, len, v, n, asked, type, out);
}

const char *dns_rcode_name(uint8_t rcode, char buf[16])
{
	static const char *const names[] = {
		"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
	};

	if (rcode < sizeof(names) / sizeof(names[0]))
		return names[rcode];
	snprintf(buf, 16, "error %u", rcode);
	return buf;
}
