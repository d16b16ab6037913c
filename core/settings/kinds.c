/* kinds: parsers and printers of the values that are neither words nor numbers. */
#include "core/settings/kinds.h"

#include <ctype.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* --- gateways --- */

static const char *const any_words[] = { "any",	      "%any", "*",    "0.0.0.0",
					 "0.0.0.0/0", "::",   "::/0", "%any6" };

static bool is_any(const char *t)
{
	for (size_t i = 0; i < sizeof(any_words) / sizeof(any_words[0]); i++)
		if (strcasecmp(t, any_words[i]) == 0)
			return true;
	return false;
}

static int bad_name(const char *t, const char *why, struct err *e)
{
	return err_set(e, "\"%.60s\" is no host name: %s", t, why);
}

/* One label of a name: 1 to 63 letters, digits and hyphens, no hyphen at an end. */
static const char *label_wrong(const char *p, size_t n)
{
	if (n == 0)
		return "two dots, or one at the start";
	if (n > 63)
		return "a part of it is longer than 63 letters";
	if (p[0] == '-' || p[n - 1] == '-')
		return "a part of it begins or ends with a hyphen";
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)p[i]) && p[i] != '-' && p[i] != '_')
			return "letters, digits, hyphens and dots only";
	return NULL;
}

static int parse_name(const char *t, struct gateway *g, struct err *e)
{
	size_t n = strlen(t), at = 0;
	bool letter = false;
	const char *wrong;

	for (const char *p = t; *p; p++) {
		if ((unsigned char)*p > 127)
			return err_set(
				e,
				"\"%.60s\" has letters beyond ASCII: write the name "
				"as DNS has it, beginning with xn-- (idn2 NAME "
				"prints that)",
				t);
		letter |= isalpha((unsigned char)*p) != 0;
	}
	if (n && t[n - 1] == '.')
		n--;
	if (n > HOST_NAME_LEN)
		return err_set(e, "the host name is longer than %d letters",
			       HOST_NAME_LEN);
	do {
		size_t len = strcspn(t + at, ".");

		if (at + len > n)
			len = n - at;
		wrong = label_wrong(t + at, len);
		if (wrong)
			return bad_name(t, wrong, e);
		at += len + 1;
	} while (at < n);
	if (!letter)
		return err_set(e, "\"%.60s\" is not a complete IP address", t);
	if (strncasecmp(t, "localhost", n) == 0 && n == 9)
		return err_set(e, "localhost is this router itself");
	g->kind = GATEWAY_NAME;
	for (size_t i = 0; i < n; i++)
		g->name[i] = (char)tolower((unsigned char)t[i]);
	g->name[n] = '\0';
	return 0;
}

static bool not_a_router(const struct ip_addr *a)
{
	return addr_is_any(a) || addr_is_multicast(a) || addr_is_loopback(a);
}

int kind_gateway_parse(const char *text, struct gateway *g, struct err *e)
{
	struct ip_addr a;

	memset(g, 0, sizeof(*g));
	if (is_any(text)) {
		g->kind = GATEWAY_ANY;
		return 0;
	}
	if (addr_parse(text, &a, NULL) == 0) {
		g->kind = GATEWAY_ADDR;
		g->net = (struct prefix){ .addr = a, .len = addr_bits(&a) };
		return not_a_router(&a) ?
			       err_set(e, "%.60s is not the address of a router", text) :
			       0;
	}
	if (strchr(text, '/')) {
		if (prefix_parse(text, &g->net, e) < 0)
			return -1;
		if (not_a_router(&g->net.addr))
			return err_set(e, "%.60s holds no addresses of routers", text);
		g->kind = g->net.len == addr_bits(&g->net.addr) ? GATEWAY_ADDR :
								  GATEWAY_NET;
		return 0;
	}
	/* Two colons are nothing but an address; one is a port. */
	if (strchr(text, ':') && addr_parse(text, &a, e) < 0)
		return strchr(text, ':') == strrchr(text, ':') ?
			       err_set(e,
				       "\"%.60s\": a port stands in remote_port, not here",
				       text) :
			       -1;
	return parse_name(text, g, e);
}

const char *kind_gateway_str(const struct gateway *g, char *buf)
{
	switch ((enum gateway_kind)g->kind) {
	case GATEWAY_ADDR:
		return addr_str(&g->net.addr, buf);
	case GATEWAY_NAME:
		memcpy(buf, g->name, sizeof(g->name));
		return buf;
	case GATEWAY_NET:
		return prefix_str(&g->net, buf);
	case GATEWAY_ANY:
		break;
	}
	return strcpy(buf, "any");
}

const char *kind_gateways_str(const struct gateway *g, size_t n, char *buf, size_t cap)
{
	char one[KIND_GATEWAY_TEXT];
	size_t at = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < n && at < cap; i++)
		at += (size_t)snprintf(buf + at, cap - at, "%s%s", i ? "," : "",
				       kind_gateway_str(&g[i], one));
	return buf;
}

bool kind_gateway_equal(const struct gateway *a, const struct gateway *b)
{
	if (a->kind != b->kind)
		return false;
	switch ((enum gateway_kind)a->kind) {
	case GATEWAY_ADDR:
	case GATEWAY_NET:
		return prefix_equal(&a->net, &b->net);
	case GATEWAY_NAME:
		return strcmp(a->name, b->name) == 0;
	case GATEWAY_ANY:
		break;
	}
	return true;
}

bool kind_gateway_waits(const struct gateway *g)
{
	return g->kind == GATEWAY_NET || g->kind == GATEWAY_ANY;
}

/* --- protocols --- */

static const struct {
	const char *name;
	uint8_t number;
	bool ports;
} protocols[] = {
	{ "any", 0, false },
	{ "tcp", IPPROTO_TCP, true },
	{ "udp", IPPROTO_UDP, true },
	{ "icmp", IPPROTO_ICMP, false },
	{ "icmpv6", IPPROTO_ICMPV6, false },
	{ "gre", IPPROTO_GRE, false },
	{ "ipip", IPPROTO_IPIP, false },
	{ "ipv6", IPPROTO_IPV6, false },
	{ "esp", IPPROTO_ESP, false },
	{ "ah", IPPROTO_AH, false },
	{ "ospf", 89, false },
	{ "vrrp", 112, false },
	{ "l2tp", 115, false },
	{ "sctp", IPPROTO_SCTP, true },
	{ "dccp", 33, true },
	{ "udplite", IPPROTO_UDPLITE, true },
};
#define PROTOCOLS_N (sizeof(protocols) / sizeof(protocols[0]))

const char *kind_proto_name(size_t i)
{
	return i < PROTOCOLS_N ? protocols[i].name : NULL;
}

/* A plain number up to max, all of the text. */
static bool number(const char *t, size_t n, unsigned max, unsigned *out)
{
	unsigned v = 0;

	if (!n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!isdigit((unsigned char)t[i]))
			return false;
		v = v * 10 + (unsigned)(t[i] - '0');
		if (v > max)
			return false;
	}
	*out = v;
	return true;
}

int kind_proto_parse(const char *text, uint8_t *protocol, struct err *e)
{
	unsigned v;

	for (size_t i = 0; i < PROTOCOLS_N; i++)
		if (strcasecmp(text, protocols[i].name) == 0) {
			*protocol = protocols[i].number;
			return 0;
		}
	if (strcmp(text, "*") == 0 || strcasecmp(text, "all") == 0) {
		*protocol = 0;
		return 0;
	}
	if (!number(text, strlen(text), 255, &v))
		return err_set(e,
			       "\"%.60s\" is no protocol: tcp, udp, icmp, gre, … or a "
			       "number to 255",
			       text);
	*protocol = (uint8_t)v;
	return 0;
}

const char *kind_proto_str(uint8_t protocol, char *buf)
{
	for (size_t i = 0; i < PROTOCOLS_N; i++)
		if (protocols[i].number == protocol)
			return protocols[i].name;
	snprintf(buf, KIND_PROTO_TEXT, "%u", protocol);
	return buf;
}

bool kind_proto_has_ports(uint8_t protocol)
{
	for (size_t i = 0; i < PROTOCOLS_N; i++)
		if (protocols[i].number == protocol)
			return protocols[i].ports;
	return false;
}

/* --- ports --- */

int kind_ports_parse(const char *text, uint16_t *lo, uint16_t *hi, struct err *e)
{
	size_t n = strcspn(text, "-:");
	unsigned a, b;

	if (strcasecmp(text, "any") == 0 || strcmp(text, "*") == 0 ||
	    strcmp(text, "0") == 0) {
		*lo = 0;
		*hi = UINT16_MAX;
		return 0;
	}
	if (strchr(text, ','))
		return err_set(e, "one port or one range, not a list: further ones are "
				  "children of their own");
	if (!number(text, n, UINT16_MAX, &a) ||
	    (text[n] && !number(text + n + 1, strlen(text + n + 1), UINT16_MAX, &b)))
		return err_set(e,
			       "\"%.60s\" is neither a port nor a range like 1000-2000",
			       text);
	if (!text[n])
		b = a;
	if (b < a)
		return err_set(e, "%.60s: the range ends before it begins", text);
	*lo = (uint16_t)a;
	*hi = (uint16_t)b;
	return 0;
}

const char *kind_ports_str(uint16_t lo, uint16_t hi, char *buf)
{
	if (lo == 0 && hi == UINT16_MAX)
		return strcpy(buf, "any");
	if (lo == hi && lo)
		snprintf(buf, KIND_PORTS_TEXT, "%u", lo);
	else
		snprintf(buf, KIND_PORTS_TEXT, "%u-%u", lo, hi);
	return buf;
}

/* --- amounts --- */

static const char units[] = "KMGTP";

/* Digits and a unit of this base; *end is what follows: text where it is none, NULL where it
 * is too large. */
static uint64_t amount(const char *text, uint64_t base, const char **end)
{
	const char *p = text, *unit;
	uint64_t v = 0;

	for (; isdigit((unsigned char)*p) && v <= UINT64_MAX / 100; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	*end = text;
	if (p == text || isdigit((unsigned char)*p))
		return 0;
	p += strspn(p, " ");
	if (*p && (unit = strchr(units, toupper((unsigned char)*p)))) {
		for (p++; unit >= units && p; unit--) {
			if (v > (uint64_t)INT64_MAX / base)
				p = NULL;
			v *= base;
		}
	}
	*end = v > (uint64_t)INT64_MAX ? NULL : p;
	return v;
}

static bool is_never(const char *text)
{
	return strcasecmp(text, "never") == 0 || strcasecmp(text, "off") == 0 ||
	       strcasecmp(text, "none") == 0;
}

int kind_bytes_parse(const char *text, uint64_t *bytes, struct err *e)
{
	const char *p;
	uint64_t v;

	if (is_never(text))
		text = "0";
	v = amount(text, 1024, &p);
	if (!p)
		return err_set(e, "%.60s is more than can be counted", text);
	/* "GiB", "GB" and "G" are the same here. */
	if (p > text && isalpha((unsigned char)p[-1]))
		p += *p == 'i' || *p == 'I';
	if (p > text)
		p += *p == 'B' || *p == 'b';
	if (p == text || *p)
		return err_set(e, "\"%.60s\" is no amount: write 500M, 10G or 1T", text);
	if (v && v < KIND_BYTES_MIN)
		return err_set(e, "%.60s is too little: 1M and more, or 0 for no limit",
			       text);
	*bytes = v;
	return 0;
}

int kind_packets_parse(const char *text, uint64_t *packets, struct err *e)
{
	const char *p;
	uint64_t v;

	if (is_never(text))
		text = "0";
	v = amount(text, 1000, &p);
	if (!p)
		return err_set(e, "%.60s is more than can be counted", text);
	if (p == text || *p)
		return err_set(e, "\"%.60s\" is no number of packets: write 500K, 10M or 2G",
			       text);
	if (v && v < KIND_PACKETS_MIN)
		return err_set(e, "%.60s is too little: 1K and more, or 0 for no limit",
			       text);
	*packets = v;
	return 0;
}

static const char *amount_str(uint64_t v, uint64_t base, char *buf)
{
	int unit = -1;

	while (v && v % base == 0 && unit + 1 < (int)sizeof(units) - 1) {
		v /= base;
		unit++;
	}
	if (unit < 0)
		snprintf(buf, KIND_BYTES_TEXT, "%" PRIu64, v);
	else
		snprintf(buf, KIND_BYTES_TEXT, "%" PRIu64 "%c", v, units[unit]);
	return buf;
}

const char *kind_bytes_str(uint64_t bytes, char *buf)
{
	return amount_str(bytes, 1024, buf);
}

const char *kind_packets_str(uint64_t packets, char *buf)
{
	return amount_str(packets, 1000, buf);
}
