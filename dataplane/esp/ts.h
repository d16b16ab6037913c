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

#endif
