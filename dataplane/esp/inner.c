/* inner: parse what comes out of a tunnel, or is about to go in. Both are untrusted: one was
 * written by whoever sits behind the peer, the other by any host of the LAN. */
#include "dataplane/esp/inner.h"

#include "core/base/rd.h"
#include "core/base/be.h"
#include "dataplane/esp/csum.h"

#include <netinet/in.h>
#include <string.h>

#define IPV6_HEADER 40
#define IPV6_EXT_MAX 16		/* extension headers looked through before giving up */
#define PROTO_DCCP 33
#define PROTO_MH 135		/* Mobility Header, RFC 6275 */
#define PROTO_UDPLITE 136

/* r stands at the upper layer of a first fragment or a whole packet. Too short a payload
 * only means that no ports are known. */
static void ports(struct inner *in, struct rd r)
{
	uint16_t a, b;

	switch (in->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
	case PROTO_DCCP:
	case PROTO_UDPLITE:
		a = rd_u16(&r);
		b = rd_u16(&r);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		a = b = rd_u16(&r);	/* type and code, as RFC 7296 §3.13.1 packs them */
		break;
	case PROTO_MH:
		rd_skip(&r, 2);
		a = b = (uint16_t)(rd_u8(&r) << 8);
		break;
	default:
		return;
	}
	if (!rd_ok(&r))
		return;
	in->ports_known = true;
	in->port_src = a;
	in->port_dst = b;
}

static int parse_v4(const uint8_t *p, size_t len, struct inner *in)
{
	struct rd r = rd_init(p, len);
	unsigned first = rd_u8(&r), frag;
	size_t header = (first & 15) * 4u;

	in->tos = rd_u8(&r);
	in->total_len = rd_u16(&r);
	in->frag_id = rd_u16(&r);
	frag = rd_u16(&r);
	rd_skip(&r, 1);
	in->proto = rd_u8(&r);
	rd_skip(&r, 2);
	in->src = addr_from_bytes(AF_INET, rd_bytes(&r, 4) ?: (const uint8_t[4]){ 0 });
	in->dst = addr_from_bytes(AF_INET, rd_bytes(&r, 4) ?: (const uint8_t[4]){ 0 });
	if (!rd_ok(&r) || header < 20 || in->total_len < header || in->total_len > len)
		return -1;
	in->header_len = (uint16_t)header;
	in->upper_off = (uint16_t)header;
	in->df = frag & 0x4000;
	in->first = (frag & 0x1fff) == 0;
	in->fragment = (frag & 0x3fff) != 0;
	/* Fragments end where no packet may (RFC 791: 65535 bytes). */
	if ((frag & 0x1fff) * 8u + in->total_len - header > 65535)
		return -1;
	in->proto_known = true;
	if (in->first)
		ports(in, rd_init(p + header, in->total_len - header));
	return 0;
}

/* Walk the extension headers, RFC 8200 §4. */
static int upper_v6(struct inner *in, struct rd r, uint8_t next)
{
	size_t all = r.left;

	for (unsigned n = 0; n < IPV6_EXT_MAX; n++) {
		uint8_t type = next;
		unsigned off, words;

		switch (type) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
			next = rd_u8(&r);
			words = rd_u8(&r);
			rd_skip(&r, 6 + words * 8u);
			break;
		case IPPROTO_AH:
			next = rd_u8(&r);
			words = rd_u8(&r);
			rd_skip(&r, 2 + words * 4u);
			break;
		case IPPROTO_FRAGMENT:
			next = rd_u8(&r);
			rd_skip(&r, 1);
			off = rd_u16(&r);
			in->frag_id = rd_u32(&r);
			in->fragment = (off & 0xfff9) != 0;	/* atomic ones are none */
			in->first = (off & 0xfff8) == 0;
			break;
		default:
			in->proto = type;
			in->proto_known = true;
			in->upper_off = (uint16_t)(IPV6_HEADER + (all - r.left));
			if (in->first)
				ports(in, r);
			return 0;
		}
		if (!rd_ok(&r))
			return -1;
		if (!in->first) {
			/* What follows is the middle of something. Only an upper layer that
			 * comes right after the fragment header is known by its number. */
			in->proto = next;
			in->proto_known = next != IPPROTO_DSTOPTS && next != IPPROTO_ROUTING &&
					  next != IPPROTO_HOPOPTS && next != IPPROTO_AH &&
					  next != IPPROTO_FRAGMENT;
			return 0;
		}
	}
	return 0;	/* proto_known stays false: only a selector for any protocol fits */
}

static int parse_v6(const uint8_t *p, size_t len, struct inner *in)
{
	struct rd r = rd_init(p, len);
	uint32_t first = rd_u32(&r);
	size_t payload = rd_u16(&r);
	uint8_t next = rd_u8(&r);

	rd_skip(&r, 1);
	in->src = addr_from_bytes(AF_INET6, rd_bytes(&r, 16) ?: (const uint8_t[16]){ 0 });
	in->dst = addr_from_bytes(AF_INET6, rd_bytes(&r, 16) ?: (const uint8_t[16]){ 0 });
	if (!rd_ok(&r) || payload > r.left)
		return -1;
	in->tos = (uint8_t)(first >> 20);
	in->header_len = IPV6_HEADER;
	in->total_len = IPV6_HEADER + payload;
	in->df = true;
	in->first = true;
	return upper_v6(in, rd_init(p + IPV6_HEADER, payload), next);
}

int inner_parse(const uint8_t *p, size_t len, struct inner *out)
{
	memset(out, 0, sizeof(*out));
	if (!len)
		return -1;
	out->version = p[0] >> 4;
	if (out->version == 4)
		return parse_v4(p, len, out);
	if (out->version == 6)
		return parse_v6(p, len, out);
	return -1;
}

static bool same_flow(const uint8_t *p, const struct inner *was, size_t addrs, size_t n,
		      size_t upper, uint8_t proto)
{
	return proto == was->proto && memcmp(p + addrs, was->src.b, n) == 0 &&
	       memcmp(p + addrs + n, was->dst.b, n) == 0 &&
	       be_get16(p + upper) == was->port_src && be_get16(p + upper + 2) == was->port_dst;
}

bool inner_again(const uint8_t *p, size_t len, const struct inner *was, struct inner *out)
{
	uint16_t total, frag;

	if (!was->ports_known || was->fragment || len < IPV6_HEADER ||
	    (was->proto != IPPROTO_TCP && was->proto != IPPROTO_UDP))
		return false;
	if (was->version == 4) {
		total = be_get16(p + 2);
		frag = be_get16(p + 6);
		if (p[0] != 0x45 || was->header_len != 20 || total < 24 || total > len ||
		    (frag & 0x3fff) || !same_flow(p, was, 12, 4, 20, p[9]))
			return false;
		*out = *was;
		out->tos = p[1];
		out->frag_id = be_get16(p + 4);
		out->df = frag & 0x4000;
		out->total_len = total;
		return true;
	}
	total = be_get16(p + 4);
	if (was->version != 6 || p[0] >> 4 != 6 || was->upper_off != IPV6_HEADER || total < 4 ||
	    total > len - IPV6_HEADER || !same_flow(p, was, 8, 16, IPV6_HEADER, p[6]))
		return false;
	*out = *was;
	out->tos = (uint8_t)(p[0] << 4 | p[1] >> 4);
	out->total_len = IPV6_HEADER + (size_t)total;
	return true;
}

void inner_set_ecn(uint8_t *p, struct inner *in, uint8_t ecn)
{
	uint8_t tos = (uint8_t)((in->tos & ~3) | (ecn & 3));
	uint16_t was;

	if (tos == in->tos)
		return;
	if (in->version == 6) {
		p[0] = (uint8_t)(0x60 | tos >> 4);
		p[1] = (uint8_t)((p[1] & 0x0f) | (tos & 0x0f) << 4);
		in->tos = tos;
		return;
	}
	was = be_get16(p);
	p[1] = tos;
	be_put16(p + 10, csum_fix(be_get16(p + 10), was, be_get16(p)));
	in->tos = tos;
}
