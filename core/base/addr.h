/* addr: IP addresses, networks, endpoints and ranges; parsing with errors that say what
 * would be right. Plain values, compared and copied freely. */
#ifndef ADIT_BASE_ADDR_H
#define ADIT_BASE_ADDR_H

#include "core/base/err.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* family is AF_INET, AF_INET6, or 0 for "none". IPv4 uses b[0..3], the rest is zero. */
struct ip_addr {
	uint8_t family;
	uint8_t b[16];
};

/* A network: host bits are zero. len is 0..32 or 0..128. */
struct prefix {
	struct ip_addr addr;
	uint8_t len;
};

struct endpoint {
	struct ip_addr addr;
	uint16_t port;		/* host byte order */
};

/* A traffic selector (RFC 7296 §3.13.1): inclusive address and port ranges of one family.
 * proto 0 is any; ports 0..65535 is any. For ICMP the ports hold type and code. */
struct selector {
	struct ip_addr from, to;
	uint8_t proto;
	uint16_t port_from, port_to;
};

#define ADDR_TEXT_MAX 46	/* INET6_ADDRSTRLEN */
#define PREFIX_TEXT_MAX 50
#define ENDPOINT_TEXT_MAX 54	/* "[v6]:65535" */
#define SELECTOR_TEXT_MAX 128

/* "none" is written "" by the formatters; all return buf, which holds at least *_TEXT_MAX. */
const char *addr_str(const struct ip_addr *a, char *buf);
const char *prefix_str(const struct prefix *p, char *buf);
const char *endpoint_str(const struct endpoint *ep, char *buf);
/* A selector that is a whole network is written as one; else "from-to"; then "[proto/port]". */
const char *selector_str(const struct selector *s, char *buf);

/* The text must be exactly one address: "203.0.113.1", "2001:db8::1". */
int addr_parse(const char *text, struct ip_addr *out, struct err *e) MUST_USE;
/* "10.1.0.0/24"; an address without a length is a host. Host bits set are an error that
 * names the network that was perhaps meant. */
int prefix_parse(const char *text, struct prefix *out, struct err *e) MUST_USE;

static inline bool addr_is_set(const struct ip_addr *a)
{
	return a->family != 0;
}
/* 4 or 16; 0 for "none". */
size_t addr_len(const struct ip_addr *a);
unsigned addr_bits(const struct ip_addr *a);
bool addr_equal(const struct ip_addr *a, const struct ip_addr *b);
/* To the n of v, unless it is among them, is none, or there are max. Returns how many then. */
size_t addr_add(struct ip_addr *v, size_t n, size_t max, const struct ip_addr *a);
/* <0, 0, >0; families sort before values. */
int addr_cmp(const struct ip_addr *a, const struct ip_addr *b);
bool addr_is_any(const struct ip_addr *a);		/* 0.0.0.0 or :: */
bool addr_is_loopback(const struct ip_addr *a);
bool addr_is_link_local(const struct ip_addr *a);
bool addr_is_multicast(const struct ip_addr *a);
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);
bool prefix_equal(const struct prefix *a, const struct prefix *b);
bool prefix_contains(const struct prefix *p, const struct ip_addr *a);
bool prefix_covers(const struct prefix *outer, const struct prefix *inner);
bool prefix_overlaps(const struct prefix *a, const struct prefix *b);
/* Keep the first len bits of a. */
struct prefix prefix_of(const struct ip_addr *a, unsigned len);
struct prefix prefix_host(const struct ip_addr *a);

struct ip_addr addr_v4(uint32_t host_order);
struct ip_addr addr_from_bytes(int family, const uint8_t *b);
/* For the socket calls; returns the length used. */
socklen_t endpoint_to_sockaddr(const struct endpoint *ep, struct sockaddr_storage *ss);
int endpoint_from_sockaddr(const struct sockaddr_storage *ss, struct endpoint *ep) MUST_USE;

/* A whole network, any protocol, any port. */
struct selector selector_of(const struct prefix *p);
bool selector_equal(const struct selector *a, const struct selector *b);
/* What both allow; false when nothing (families differ, ranges apart). RFC 7296 §2.9. */
bool selector_intersect(const struct selector *a, const struct selector *b,
			struct selector *out);
bool selector_covers(const struct selector *outer, const struct selector *inner);
/* The selector as networks, at most max; returns how many there would be. */
size_t selector_prefixes(const struct selector *s, struct prefix *out, size_t max);

#endif
