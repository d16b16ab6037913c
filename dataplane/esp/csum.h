/* csum: the Internet checksum (RFC 1071), fast enough to run over every byte of the fast
 * path. A sum is of 16-bit words in network order, as a plain number, so that lengths and
 * protocol numbers of a pseudo-header are simply added to it. */
#ifndef ADIT_ESP_CSUM_H
#define ADIT_ESP_CSUM_H

#include <stddef.h>
#include <stdint.h>

/* The sum over len bytes on top of a sum so far (0 to begin), folded to 16 bits. p may lie
 * anywhere; with several calls for one checksum, all but the last need an even len. */
uint32_t csum_add(uint32_t sum, const void *p, size_t len);

static inline uint16_t csum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum + (sum >> 16));
}

/* What goes into the header: the complement. 0 over data that contain their checksum. */
static inline uint16_t csum_done(uint32_t sum)
{
	return (uint16_t)~csum_fold(sum);
}

/* The checksum field after one of the words it covers changed: RFC 1624, HC' = ~(~HC + ~m + m'). */
static inline uint16_t csum_fix(uint16_t check, uint16_t was, uint16_t is)
{
	return csum_done((uint32_t)(uint16_t)~check + (uint16_t)~was + is);
}

/* The sum of a pseudo-header (RFC 9293 §3.1, RFC 8200 §8.1) of an IPv4 or IPv6 packet that
 * begins at ip: its addresses, the protocol, and len, that of upper layer header and data. */
uint32_t csum_pseudo(const uint8_t *ip, uint8_t proto, uint32_t len);

#endif
