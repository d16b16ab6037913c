/* addr: byte-wise arithmetic that serves both families. */
#include "core/base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t addr_len(const struct ip_addr *a)
{
	return a->family == AF_INET ? 4 : a->family == AF_INET6 ? 16 : 0;
}

unsigned addr_bits(const struct ip_addr *a)
{
	return (unsigned)addr_len(a) * 8;
}

const char *addr_str(const struct ip_addr *a, char *buf)
{
	if (!a->family || !inet_ntop(a->family, a->b, buf, ADDR_TEXT_MAX))
		buf[0] = '\0';
	return buf;
}

const char *prefix_str(const struct prefix *p, char *buf)
{
	addr_str(&p->addr, buf);
	if (buf[0])
		snprintf(buf + strlen(buf), 5, "/%u", p->len);
	return buf;
}

const char *endpoint_str(const struct endpoint *ep, char *buf)
{
	char a[ADDR_TEXT_MAX];

	addr_str(&ep->addr, a);
	if (ep->addr.family == AF_INET6)
		snprintf(buf, ENDPOINT_TEXT_MAX, "[%s]:%u", a, ep->port);
	else if (ep->addr.family)
		snprintf(buf, ENDPOINT_TEXT_MAX, "%s:%u", a, ep->port);
	else
		buf[0] = '\0';
	return buf;
}

static const char *proto_str(uint8_t proto, char *buf, size_t cap)
{
	switch (proto) {
	case 1: return "icmp";
	case 6: return "tcp";
	case 17: return "udp";
	case 58: return "ipv6-icmp";
	case 47: return "gre";
	}
	snprintf(buf, cap, "%u", proto);
	return buf;
}

const char *selector_str(const struct selector *s, char *buf)
{
	char a[ADDR_TEXT_MAX], b[ADDR_TEXT_MAX], p[8];
	struct prefix one;
	size_t n;

	if (selector_prefixes(s, &one, 1) == 1)
		prefix_str(&one, buf);
	else
		snprintf(buf, SELECTOR_TEXT_MAX, "%s-%s", addr_str(&s->from, a),
			 addr_str(&s->to, b));
	n = strlen(buf);
	if (s->proto == 0 && s->port_from == 0 && s->port_to == 65535)
		return buf;
	if (s->port_from == 0 && s->port_to == 65535)
		snprintf(buf + n, SELECTOR_TEXT_MAX - n, "[%s]",
			 proto_str(s->proto, p, sizeof(p)));
	else if (s->port_from == s->port_to)
		snprintf(buf + n, SELECTOR_TEXT_MAX - n, "[%s/%u]",
			 proto_str(s->proto, p, sizeof(p)), s->port_from);
	else
		snprintf(buf + n, SELECTOR_TEXT_MAX - n, "[%s/%u-%u]",
			 proto_str(s->proto, p, sizeof(p)), s->port_from, s->port_to);
	return buf;
}

int addr_parse(const char *text, struct ip_addr *out, struct err *e)
{
	struct ip_addr a = { 0 };

	if (!*text)
		return err_set(e, "an IP address is missing");
	if (strchr(text, '/'))
		return err_set(e, "\"%.60s\" is a network, here belongs one address: %.*s?", text,
			       (int)(strchr(text, '/') - text) % 60, text);
	a.family = AF_INET;
	if (inet_pton(AF_INET, text, a.b) == 1) {
		*out = a;
		return 0;
	}
	memset(a.b, 0, sizeof(a.b));
	a.family = AF_INET6;
	if (inet_pton(AF_INET6, text, a.b) == 1) {
		*out = a;
		return 0;
	}
	return err_set(e, "\"%.60s\" is not an IP address (like 203.0.113.1 or 2001:db8::1)", text);
}

int prefix_parse(const char *text, struct prefix *out, struct err *e)
{
	const char *slash = strchr(text, '/');
	char host[ADDR_TEXT_MAX], want[PREFIX_TEXT_MAX];
	struct ip_addr a;
	unsigned long len;
	char *end;

	if (slash && (size_t)(slash - text) >= sizeof(host))
		return err_set(e, "\"%.60s\" is not a network (like 10.1.0.0/24)", text);
	snprintf(host, sizeof(host), "%.*s", slash ? (int)(slash - text) : (int)sizeof(host) - 1,
		 text);
	if (addr_parse(host, &a, NULL) < 0)
		return err_set(e, "\"%.60s\" is not a network (like 10.1.0.0/24 or 2001:db8:1::/48)",
			       text);
	len = addr_bits(&a);
	if (slash) {
		len = strtoul(slash + 1, &end, 10);
		if (slash[1] < '0' || slash[1] > '9' || *end)
			return err_set(e, "\"%.60s\": behind the / belongs a length from 0 to %u",
				       text, addr_bits(&a));
	}
	if (len > addr_bits(&a))
		return err_set(e, "\"%.60s\": the length behind the / is at most %u", text,
			       addr_bits(&a));
	*out = prefix_of(&a, (unsigned)len);
	if (!addr_equal(&out->addr, &a))
		return err_set(e, "%.60s has host bits set: %s?", text, prefix_str(out, want));
	return 0;
}

bool addr_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	return addr_cmp(a, b) == 0;
}

size_t addr_add(struct ip_addr *v, size_t n, size_t max, const struct ip_addr *a)
{
	if (!addr_is_set(a) || n == max)
		return n;
	for (size_t i = 0; i < n; i++)
		if (addr_equal(&v[i], a))
			return n;
	v[n] = *a;
	return n + 1;
}

int addr_cmp(const struct ip_addr *a, const struct ip_addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->b, b->b, sizeof(a->b));
}

bool addr_is_any(const struct ip_addr *a)
{
	static const uint8_t zero[16];

	return a->family && memcmp(a->b, zero, sizeof(zero)) == 0;
}

bool addr_is_loopback(const struct ip_addr *a)
{
	static const uint8_t v6[16] = { [15] = 1 };

	return a->family == AF_INET ? a->b[0] == 127
				    : a->family == AF_INET6 && memcmp(a->b, v6, 16) == 0;
}

bool addr_is_link_local(const struct ip_addr *a)
{
	if (a->family == AF_INET)
		return a->b[0] == 169 && a->b[1] == 254;
	return a->family == AF_INET6 && a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

bool addr_is_multicast(const struct ip_addr *a)
{
	return a->family == AF_INET ? (a->b[0] & 0xf0) == 0xe0
				    : a->family == AF_INET6 && a->b[0] == 0xff;
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && addr_equal(&a->addr, &b->addr);
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return a->len == b->len && addr_equal(&a->addr, &b->addr);
}

struct prefix prefix_of(const struct ip_addr *a, unsigned len)
{
	struct prefix p = { .addr = *a, .len = (uint8_t)len };

	for (unsigned i = 0; i < 16; i++) {
		if (len >= 8 * (i + 1))
			continue;
		p.addr.b[i] &= len <= 8 * i ? 0 : (uint8_t)(0xff << (8 - (len - 8 * i)));
	}
	return p;
}

struct prefix prefix_host(const struct ip_addr *a)
{
	return prefix_of(a, addr_bits(a));
}

bool prefix_contains(const struct prefix *p, const struct ip_addr *a)
{
	struct prefix q;

	if (p->addr.family != a->family)
		return false;
	q = prefix_of(a, p->len);
	return addr_equal(&q.addr, &p->addr);
}

bool prefix_covers(const struct prefix *outer, const struct prefix *inner)
{
	return outer->len <= inner->len && prefix_contains(outer, &inner->addr);
}

bool prefix_overlaps(const struct prefix *a, const struct prefix *b)
{
	return prefix_covers(a, b) || prefix_covers(b, a);
}

struct ip_addr addr_v4(uint32_t v)
{
	struct ip_addr a = { .family = AF_INET };

	for (int i = 0; i < 4; i++)
		a.b[i] = (uint8_t)(v >> (24 - 8 * i));
	return a;
}

struct ip_addr addr_from_bytes(int family, const uint8_t *b)
{
	struct ip_addr a = { .family = (uint8_t)family };

	memcpy(a.b, b, addr_len(&a));
	return a;
}

socklen_t endpoint_to_sockaddr(const struct endpoint *ep, struct sockaddr_storage *ss)
{
	memset(ss, 0, sizeof(*ss));
	if (ep->addr.family == AF_INET6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;

		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(ep->port);
		memcpy(&in6->sin6_addr, ep->addr.b, 16);
		return sizeof(*in6);
	} else {
		struct sockaddr_in *in = (struct sockaddr_in *)ss;

		in->sin_family = AF_INET;
		in->sin_port = htons(ep->port);
		memcpy(&in->sin_addr, ep->addr.b, 4);
		return sizeof(*in);
	}
}

int endpoint_from_sockaddr(const struct sockaddr_storage *ss, struct endpoint *ep)
{
	memset(ep, 0, sizeof(*ep));
	if (ss->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)ss;

		ep->addr = addr_from_bytes(AF_INET, (const uint8_t *)&in->sin_addr);
		ep->port = ntohs(in->sin_port);
		return 0;
	}
	if (ss->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ss;

		ep->addr = addr_from_bytes(AF_INET6, (const uint8_t *)&in6->sin6_addr);
		ep->port = ntohs(in6->sin6_port);
		return 0;
	}
	return -1;
}

static struct ip_addr last_of(const struct prefix *p)
{
	struct ip_addr a = p->addr;

	for (unsigned bit = p->len; bit < addr_bits(&a); bit++)
		a.b[bit / 8] |= (uint8_t)(0x80 >> (bit % 8));
	return a;
}

struct selector selector_of(const struct prefix *p)
{
	return (struct selector){ .from = p->addr, .to = last_of(p), .port_to = 65535 };
}

bool selector_equal(const struct selector *a, const struct selector *b)
{
	return addr_equal(&a->from, &b->from) && addr_equal(&a->to, &b->to) &&
	       a->proto == b->proto && a->port_from == b->port_from && a->port_to == b->port_to;
}

bool selector_intersect(const struct selector *a, const struct selector *b,
			struct selector *out)
{
	struct selector s;

	if (a->from.family != b->from.family)
		return false;
	if (a->proto && b->proto && a->proto != b->proto)
		return false;
	s.from = addr_cmp(&a->from, &b->from) > 0 ? a->from : b->from;
	s.to = addr_cmp(&a->to, &b->to) < 0 ? a->to : b->to;
	s.proto = a->proto ? a->proto : b->proto;
	s.port_from = a->port_from > b->port_from ? a->port_from : b->port_from;
	s.port_to = a->port_to < b->port_to ? a->port_to : b->port_to;
	if (addr_cmp(&s.from, &s.to) > 0 || s.port_from > s.port_to)
		return false;
	*out = s;
	return true;
}

bool selector_covers(const struct selector *outer, const struct selector *inner)
{
	struct selector both;

	return selector_intersect(outer, inner, &both) && selector_equal(&both, inner);
}

/* The address after a; false when a was the last. */
static bool addr_next(struct ip_addr *a)
{
	for (size_t i = addr_len(a); i-- > 0;)
		if (++a->b[i])
			return true;
	return false;
}

size_t selector_prefixes(const struct selector *s, struct prefix *out, size_t max)
{
	struct ip_addr at = s->from;
	size_t n = 0;

	while (addr_cmp(&at, &s->to) <= 0) {
		struct prefix best = prefix_host(&at);
		struct ip_addr last;

		while (best.len > 0) {
			struct prefix wider = prefix_of(&at, best.len - 1u);

			last = last_of(&wider);
			if (!addr_equal(&wider.addr, &at) || addr_cmp(&last, &s->to) > 0)
				break;
			best = wider;
		}
		if (n < max)
			out[n] = best;
		n++;
		at = last_of(&best);
		if (!addr_next(&at))
			break;
	}
	return n;
}
