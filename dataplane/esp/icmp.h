/* icmp: tell the sender of an inner packet why it did not go through the tunnel (RFC 792,
 * RFC 1191, RFC 4443). The message is written back into the peer's interface.
 *
 * Its source is the address the packet was for: a router's own address would come in from
 * outside, and the kernel drops such a packet as a martian.
 */
#ifndef ADIT_ESP_ICMP_H
#define ADIT_ESP_ICMP_H

#include "dataplane/esp/inner.h"

enum icmp_why {
	ICMP_TOO_BIG,		/* fragmentation needed / packet too big */
	ICMP_NO_TUNNEL,		/* net unreachable / no route */
	ICMP_PROHIBITED,	/* administratively prohibited: no selector covers it */
};

#define ICMP_V4_MAX 576		/* RFC 1812 §4.3.2.3 */
#define ICMP_V6_MAX 1280	/* RFC 4443 §2.4 (c) */
#define ICMP_MAX ICMP_V6_MAX

/* Writes the whole IP packet to out (ICMP_MAX bytes) and returns its length; 0 where none may
 * be sent: about ICMP errors, multicast, broadcast, non-first fragments, or sources that are
 * no single host (RFC 1812 §4.3.2.7, RFC 4443 §2.4 (e)). pkt_len may be less than the packet
 * had: then less is quoted. mtu is used with ICMP_TOO_BIG. */
size_t icmp_build(enum icmp_why why, uint32_t mtu, const struct inner *in, const uint8_t *pkt,
		  size_t pkt_len, uint8_t *out);

#endif
