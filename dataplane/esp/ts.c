/* ts: selectors are ranges of addresses and ports; the lists are short. */
#include "dataplane/esp/ts.h"

#include <string.h>

static bool port_match(const struct selector *s, const struct inner *in, uint16_t port)
{
	if (s->port_from == 0 && s->port_to == UINT16_MAX)
		return true;
	if (s->port_from > s->port_to)		/* OPAQUE: for what shows no port */
		return !in->ports_known;
	return in->ports_known && port >= s->port_from && port <= s->port_to;
}

bool ts_match(const struct selector *ts, size_t n, const struct inner *in,
	      const struct ip_addr *addr, uint16_t port)
{
	size_t len = addr->family == AF_INET ? 4 : 16;

	for (size_t i = 0; i < n; i++) {
		const struct selector *s = &ts[i];

		if (s->from.family != addr->family || memcmp(addr->b, s->from.b, len) < 0 ||
		    memcmp(addr->b, s->to.b, len) > 0)
			continue;
		if (s->proto && (!in->proto_known || s->proto != in->proto))
			continue;
		if (port_match(s, in, port))
			return true;
	}
	return false;
}
