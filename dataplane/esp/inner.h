/* inner: what an IPv4 or IPv6 packet says about itself, as far as IPsec wants to know: the
 * selectors of RFC 4301 §4.4.1.1, its true length, and whether it is a fragment. */
#ifndef ADIT_ESP_INNER_H
#define ADIT_ESP_INNER_H

#include "core/base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inner {
	uint8_t version;	/* 4 or 6 */
	uint8_t tos;		/* TOS or traffic class */
	uint8_t proto;		/* upper layer, behind all extension headers */
	bool proto_known;	/* false: hidden in the first fragment, or too many headers */
	bool ports_known;	/* TCP, UDP, SCTP, …: both ports; ICMP: type and code in both */
	bool df;		/* IPv4: may not be fragmented; IPv6: always true */
	bool fragment;		/* a part of a packet … */
	bool first;		/* … with offset 0; true for whole packets too */
	uint32_t frag_id;	/* the same in all parts of a packet; 0 in a whole IPv6 one */
	uint16_t port_src, port_dst;
	uint16_t header_len;	/* IPv4 header, or the fixed 40 bytes of IPv6 */
	uint16_t upper_off;	/* where the upper layer begins; 0 when not known */
	size_t total_len;	/* header and payload; <= the length given */
	struct ip_addr src, dst;
};

/* -1 when it is no IP packet, shorter than it says, or inconsistent in its headers. The
 * IPv4 header checksum is left to the kernel, which looks at every packet once more. */
int inner_parse(const uint8_t *p, size_t len, struct inner *out) MUST_USE;

/* The same, for a packet that is probably of the flow of another: true when it is, with the same
 * ports, addresses and header (no options), and then *out is what inner_parse() would say. */
bool inner_again(const uint8_t *p, size_t len, const struct inner *was, struct inner *out);

/* Set the ECN bits of a parsed packet, correcting the IPv4 checksum (RFC 1624). */
void inner_set_ecn(uint8_t *p, struct inner *in, uint8_t ecn);

#endif
