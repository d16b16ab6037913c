/* frag: cut an IPv4 packet to a smaller MTU before it is encapsulated (RFC 791 §3.2), where
 * its sender allowed that. */
#ifndef ADIT_ESP_FRAG_H
#define ADIT_ESP_FRAG_H

#include "dataplane/esp/inner.h"

/* An unfinished walk over one packet; borrowed bytes. */
struct frag {
	const uint8_t *pkt;
	size_t header_len, total_len;
	size_t mtu;
	size_t at;		/* payload bytes given out so far */
};

/* pkt was parsed into in and is IPv4. -1 when mtu leaves no room for 8 bytes of payload. A
 * packet that is a fragment itself is cut further, keeping its place. */
int frag_init(struct frag *f, const uint8_t *pkt, const struct inner *in, size_t mtu) MUST_USE;
/* Write the next fragment to out, which has room for mtu bytes; its length, 0 when done. */
size_t frag_next(struct frag *f, uint8_t *out);

#endif
