/* tap: what was encrypted is shown as a message without encryption: the same header, then the
 * payloads themselves. Any dissector reads that. */
#include "ike/engine/tap.h"

#include "core/base/wr.h"

#include <stdlib.h>
#include <string.h>

void tap_inner(struct ike_sa *sa, bool out, const struct ike_hdr *h, uint8_t first,
	       struct slice inner)
{
	struct engine *e = sa->e;
	struct tap_packet p = { .peer = sa->peer->conf.name, .out = out,
				.local = &sa->local, .remote = &sa->remote };
	struct ike_hdr plain = *h;
	size_t len = IKE_HDR_LEN + inner.len;
	uint8_t *buf;
	struct wr w;

	if (!tap_wanted(sa) || !e->env.tap || !(buf = malloc(len)))
		return;
	w = wr_init(buf, len);
	plain.next = first;
	plain.len = (uint32_t)len;
	ike_hdr_write(&w, &plain);
	wr_bytes(&w, inner.p, inner.len);
	p.msg = (struct slice){ buf, len };
	e->env.tap(e->env.arg, &p);
	free(buf);
}

void tap_padded(struct ike_sa *sa, bool out, const uint8_t *msg, size_t len)
{
	struct rd r = rd_init(msg, len);
	struct ike_hdr h = { .spi_i = rd_u64(&r), .spi_r = rd_u64(&r) };
	size_t end = IKE_HDR_LEN;
	uint8_t next;

	h.next = next = rd_u8(&r);
	h.version = rd_u8(&r);
	h.exchange = rd_u8(&r);
	h.flags = rd_u8(&r) & 0xfe;	/* not encrypted any more (RFC 2408 §3.1) */
	h.msg_id = rd_u32(&r);
	rd_skip(&r, 4);
	while (next && rd_ok(&r) && r.left >= 4) {
		uint16_t n;

		next = rd_u8(&r);
		rd_skip(&r, 1);
		n = rd_u16(&r);
		if (n < 4 || n - 4u > r.left)
			return;		/* the wrong key: nothing that can be shown */
		rd_skip(&r, n - 4u);
		end += n;
	}
	if (rd_ok(&r))
		tap_inner(sa, out, &h, h.next, (struct slice){ msg + IKE_HDR_LEN,
							       end - IKE_HDR_LEN });
}

void tap_keys(struct ike_sa *sa)
{
	struct tap_keys k = { .peer = sa->peer->conf.name };

	if (!sa->peer->tap_keys || !sa->e->env.tap_keys || !sa->ops->keys ||
	    !sa->ops->keys(sa, &k))
		return;
	sa->e->env.tap_keys(sa->e->env.arg, &k);
}

int engine_tap(struct engine *e, const char *name, bool packets, bool keys, struct err *err)
{
	bool found = !name;

	e->taps = 0;
	for (struct peer *p = e->peers; p; p = p->next) {
		if (!name || strcmp(p->conf.name, name) == 0) {
			found = true;
			p->tap = packets;
			p->tap_keys = packets && keys;
			for (struct ike_sa *sa = p->sas; sa; sa = sa->peer_next)
				tap_keys(sa);
		}
		e->taps += p->tap;
	}
	return found ? 0 : err_code(err, EXIT_NO_PEER, "there is no peer \"%s\"", name);
}

bool engine_tapped(const struct engine *e, const struct endpoint *local,
		   const struct endpoint *remote, const char **name)
{
	for (const struct peer *p = e->taps ? e->peers : NULL; p; p = p->next)
		if (p->tap && peer_match_addr(p, local, remote)) {
			*name = p->conf.name;
			return true;
		}
	return false;
}
