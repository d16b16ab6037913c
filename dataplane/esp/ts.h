/* ts: does a packet belong to an SA? The traffic selectors both ends agreed on, checked on
 * every packet in both directions (RFC 4301 §5.1, §5.2). */
#ifndef ADIT_ESP_TS_H
#define ADIT_ESP_TS_H

#include "dataplane/esp/inner.h"

#include <stddef.h>

/* One side: addr (with port, where the packet shows one) is in one of the n selectors.
 * Fragments without ports belong only where the ports are any (or OPAQUE: from 65535 to 0,
 * RFC 4301 §4.4.1.1); ICMP's type and code are compared as RFC 7296 §3.13.1 packs them. */
bool ts_match(const struct selector *ts, size_t n, const struct inner *in,
	      const struct ip_addr *addr, uint16_t port);

/* The packets whose first fragment, the only one with ports, passed lately: their other
 * fragments pass, too (RFC 4301 §7.3). Zeroed is empty. */
#define TS_FRAGS 16
#define TS_FRAG_MS 15000
struct ts_frags {
	unsigned next;
	struct {
		struct ip_addr src, dst;
		uint32_t id;
		uint64_t until_ms;
	} v[TS_FRAGS];
};

/* Both sides: from the selectors of the source to those of the destination. *frags is made
 * when one is needed; the caller frees it. */
bool ts_pass(const struct selector *src, size_t n_src, const struct selector *dst, size_t n_dst,
	     const struct inner *in, struct ts_frags **frags, uint64_t now_ms);

#endif
