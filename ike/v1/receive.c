/* receive: what comes by IKEv1 finds its ISAKMP SA and its exchange. */
#include "ike/v1/v1.h"

#include "core/base/clock.h"

#include <string.h>

/* Which of the cookies is ours depends on who began. A first answer brings the other. */
static struct ike_sa *find(const struct engine *e, const struct isakmp_hdr *h)
{
	struct ike_sa *sa = engine_sa(e, h->ci);

	if (sa && sa->ops == &v1_ops && sa->initiator &&
	    (sa->spi_r == h->cr || (!sa->spi_r && sa->state < V1_UP)))
		return sa;
	sa = h->cr ? engine_sa(e, h->cr) : NULL;
	return sa && sa->ops == &v1_ops && !sa->initiator && sa->spi_i == h->ci ? sa : NULL;
}

static void malformed(struct ike_sa *sa, const struct v1_in *in, const struct err *why)
{
	char from[ENDPOINT_TEXT_MAX];
	unsigned held;

	DROPPED(sa, malformed);
	if (log_limit_pass(&sa->e->stranger_log, &held))
		log_debug(sa->peer->conf.name, "message from %s dropped: %s",
			  endpoint_str(in->remote, from), why->msg);
}

/* Of an Informational in clear nothing is believed but that an attempt may be over. */
static void told_in_clear(struct ike_sa *sa, struct v1_in *in)
{
	const struct isakmp_payload_at *p;
	struct err err = { 0 };
	struct isakmp_note n;

	if (isakmp_payloads(in->m, false, &err) < 0) {
		malformed(sa, in, &err);
		return;
	}
	p = isakmp_get(in->m, P_NOTIFY);
	if (p && isakmp_note(p->body, &n, &err) == 0 && v1(sa)->p1 &&
	    addr_equal(&sa->remote.addr, &in->remote->addr))
		p1_told(sa, n.type);
	else
		DROPPED(sa, unexpected);
}

/* Before the ISAKMP SA stands an encrypted Informational is most likely a complaint that
 * we cannot read: for the peer could not read us. */
static void informational(struct ike_sa *sa, struct v1_in *in)
{
	if (!(in->m->hdr.flags & ISAKMP_ENCRYPTED))
		told_in_clear(sa, in);
	else if (v1(sa)->keys)
		note_message(sa, in);
	else
		DROPPED(sa, unexpected);
}

static void sa_message(struct ike_sa *sa, struct v1_in *in)
{
	const struct isakmp_hdr *h = &in->m->hdr;

	switch (h->exchange) {
	case X_MAIN: case X_AGGRESSIVE:
		if (h->msg_id)
			DROPPED(sa, bad_id);
		else if (sa->initiator && sa->spi_r == 0 &&
			 !addr_equal(&sa->remote.addr, &in->remote->addr))
			sa->e->drops.unknown_spi++;
		else
			v1_step(sa, h->exchange, in);
		return;
	case X_INFO:
		informational(sa, in);
		return;
	case X_QUICK:
		if (!h->msg_id || !(h->flags & ISAKMP_ENCRYPTED) || !v1(sa)->keys)
			DROPPED(sa, unexpected);
		else
			quick_message(sa, in);
		return;
	}
	/* Transaction (mode config, XAUTH) and New Group are not spoken here. */
	DROPPED(sa, unexpected);
}

static void dispatch(struct engine *e, struct v1_in *in)
{
	const struct isakmp_hdr *h = &in->m->hdr;
	struct ike_sa *sa = find(e, h);

	if (sa) {
		sa_message(sa, in);
		return;
	}
	if (!h->cr && !h->msg_id && !(h->flags & ISAKMP_ENCRYPTED) &&
	    (h->exchange == X_MAIN || h->exchange == X_AGGRESSIVE))
		p1_request(e, in);
	else
		e->drops.unknown_spi++;
}

/* A fragment stands alone in its message (as Cisco's boxes do it). */
static bool is_fragment(const struct isakmp_msg *m, struct slice *payload)
{
	struct rd r = rd_init(m->buf, m->len), body;
	uint16_t len;

	if (m->hdr.next != P_FRAGMENT)
		return false;
	rd_skip(&r, ISAKMP_HDR_LEN);
	rd_u8(&r);
	rd_u8(&r);
	len = rd_u16(&r);
	body = rd_child(&r, len >= 4 ? len - 4u : 0xffff);
	*payload = (struct slice){ body.p, rd_done(&r) ? body.left : 0 };
	return true;
}

void v1_receive(struct engine *e, const struct endpoint *local,
		const struct endpoint *remote, uint8_t *buf, size_t len)
{
	struct isakmp_msg m;
	struct v1_in in = { .local = local, .remote = remote, .m = &m };
	uint8_t joined[MSG_CAP];
	struct err err = { 0 };
	struct slice part;
	struct ike_sa *sa;

	if (isakmp_header(buf, len, &m, &err) < 0) {
		e->drops.malformed++;
		return;
	}
	if (!is_fragment(&m, &part)) {
		dispatch(e, &in);
		return;
	}
	sa = find(e, &m.hdr);
	if (!sa || !addr_equal(&sa->remote.addr, &remote->addr)) {
		e->drops.unknown_spi++;
		return;
	}
	if (!fragment_take(sa, part, joined, &len))
		return;
	if (isakmp_header(joined, len, &m, &err) < 0 || m.hdr.next == P_FRAGMENT ||
	    find(e, &m.hdr) != sa) {
		DROPPED(sa, malformed);
		return;
	}
	dispatch(e, &in);
}
