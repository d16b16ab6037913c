/* ts: selectors are ranges of addresses and ports; the lists are short. */
#include "dataplane/esp/ts.h"

#include <stdlib.h>
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

static bool by_port(const struct selector *ts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ts[i].port_from != 0 || ts[i].port_to != UINT16_MAX)
			return true;
	return false;
}

static void remember(struct ts_frags **frags, const struct inner *in, uint64_t now_ms)
{
	struct ts_frags *f = *frags;

	if (!f)
		*frags = f = calloc(1, sizeof(*f));
	if (!f)
		return;
	f->v[f->next % TS_FRAGS].src = in->src;
	f->v[f->next % TS_FRAGS].dst = in->dst;
	f->v[f->next % TS_FRAGS].id = in->frag_id;
	f->v[f->next % TS_FRAGS].until_ms = now_ms + TS_FRAG_MS;
	f->next++;
}

static bool remembered(const struct ts_frags *f, const struct inner *in, uint64_t now_ms)
{
	for (unsigned i = 0; f && i < TS_FRAGS; i++)
		if (f->v[i].id == in->frag_id && now_ms < f->v[i].until_ms &&
		    addr_equal(&f->v[i].src, &in->src) && addr_equal(&f->v[i].dst, &in->dst))
			return true;
	return false;
}

bool ts_pass(const struct selector *src, size_t n_src, const struct selector *dst, size_t n_dst,
	     const struct inner *in, struct ts_frags **frags, uint64_t now_ms)
{
	if (ts_match(src, n_src, in, &in->src, in->port_src) &&
	    ts_match(dst, n_dst, in, &in->dst, in->port_dst)) {
		if (in->fragment && in->first && (by_port(src, n_src) || by_port(dst, n_dst)))
			remember(frags, in, now_ms);
		return true;
	}
	return in->fragment && !in->first && remembered(*frags, in, now_ms);
}
