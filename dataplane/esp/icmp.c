/* icmp: build the errors, and know when to keep silent. */
#include "dataplane/esp/icmp.h"

#include "core/base/wr.h"
#include "dataplane/esp/csum.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>

#define TTL 64
#define V4_HEADER 20
#define V6_HEADER 40
#define ICMP_HEADER 8

static bool single_host_v4(const struct ip_addr *a)
{
	/* 0/8, 127/8, multicast, class E and limited broadcast are nobody to write to. */
	return a->b[0] != 0 && a->b[0] != 127 && a->b[0] < 224;
}

static bool single_host_v6(const struct ip_addr *a)
{
	return !addr_is_any(a) && !addr_is_multicast(a) && !addr_is_loopback(a);
}

/* Is the packet itself an ICMP error? Types we do not know count as errors. */
static bool is_error(const struct inner *in)
{
	unsigned type = in->port_src >> 8;

	if (in->version == 4 && in->proto == IPPROTO_ICMP)
		return !in->ports_known || !(type == 0 || type == 8 || type == 9 || type == 10 ||
					     (type >= 13 && type <= 18));
	if (in->version == 6 && in->proto == IPPROTO_ICMPV6)
		return !in->ports_known || type < 128 || type == ND_REDIRECT;
	return in->version == 6 && !in->proto_known;
}

static bool allowed(const struct inner *in)
{
	if (!in->first || is_error(in))
		return false;
	if (in->version == 4)
		return single_host_v4(&in->src) && single_host_v4(&in->dst);
	return single_host_v6(&in->src) && single_host_v6(&in->dst);
}

static void put_sum(uint8_t *at, uint16_t sum)
{
	at[0] = (uint8_t)(sum >> 8);
	at[1] = (uint8_t)sum;
}

static size_t build_v4(enum icmp_why why, uint32_t mtu, const struct inner *in,
		       const uint8_t *pkt, size_t len, uint8_t *out)
{
	static const uint8_t codes[] = {
		[ICMP_TOO_BIG] = 4, [ICMP_NO_TUNNEL] = 0, [ICMP_PROHIBITED] = 13,
	};
	struct wr w = wr_init(out, ICMP_V4_MAX);

	if (len > ICMP_V4_MAX - V4_HEADER - ICMP_HEADER)
		len = ICMP_V4_MAX - V4_HEADER - ICMP_HEADER;
	wr_u16(&w, 0x45c0);	/* precedence 6, RFC 1812 §4.3.2.5 */
	wr_u16(&w, (uint16_t)(V4_HEADER + ICMP_HEADER + len));
	wr_u32(&w, 0);		/* identification, flags */
	wr_u8(&w, TTL);
	wr_u8(&w, IPPROTO_ICMP);
	wr_u16(&w, 0);
	wr_bytes(&w, in->dst.b, 4);
	wr_bytes(&w, in->src.b, 4);
	wr_u8(&w, 3);		/* destination unreachable */
	wr_u8(&w, codes[why]);
	wr_u16(&w, 0);
	wr_u16(&w, 0);
	wr_u16(&w, why == ICMP_TOO_BIG ? (uint16_t)(mtu > UINT16_MAX ? UINT16_MAX : mtu) : 0);
	wr_bytes(&w, pkt, len);
	if (!wr_ok(&w))
		return 0;
	put_sum(out + 10, csum_done(csum_add(0, out, V4_HEADER)));
	put_sum(out + V4_HEADER + 2,
		csum_done(csum_add(0, out + V4_HEADER, w.len - V4_HEADER)));
	return w.len;
}

static size_t build_v6(enum icmp_why why, uint32_t mtu, const struct inner *in,
		       const uint8_t *pkt, size_t len, uint8_t *out)
{
	struct wr w = wr_init(out, ICMP_V6_MAX);
	uint8_t pseudo[8] = { 0 };
	uint32_t sum;

	if (len > ICMP_V6_MAX - V6_HEADER - ICMP_HEADER)
		len = ICMP_V6_MAX - V6_HEADER - ICMP_HEADER;
	wr_u32(&w, 0x60000000);
	wr_u16(&w, (uint16_t)(ICMP_HEADER + len));
	wr_u8(&w, IPPROTO_ICMPV6);
	wr_u8(&w, TTL);
	wr_bytes(&w, in->dst.b, 16);
	wr_bytes(&w, in->src.b, 16);
	wr_u8(&w, why == ICMP_TOO_BIG ? ICMP6_PACKET_TOO_BIG : ICMP6_DST_UNREACH);
	wr_u8(&w, why == ICMP_PROHIBITED ? ICMP6_DST_UNREACH_ADMIN : 0);
	wr_u16(&w, 0);
	wr_u32(&w, why == ICMP_TOO_BIG ? mtu : 0);
	wr_bytes(&w, pkt, len);
	if (!wr_ok(&w))
		return 0;
	/* The pseudo-header, RFC 8200 §8.1: both addresses, length, next header. */
	put_sum(pseudo + 2, (uint16_t)(ICMP_HEADER + len));
	pseudo[7] = IPPROTO_ICMPV6;
	sum = csum_add(0, out + 8, 32);
	sum = csum_add(sum, pseudo, sizeof(pseudo));
	sum = csum_add(sum, out + V6_HEADER, ICMP_HEADER + len);
	put_sum(out + V6_HEADER + 2, csum_done(sum));
	return w.len;
}

size_t icmp_build(enum icmp_why why, uint32_t mtu, const struct inner *in, const uint8_t *pkt,
		  size_t pkt_len, uint8_t *out)
{
	if (!allowed(in))
		return 0;
	if (pkt_len > in->total_len)
		pkt_len = in->total_len;
	if (in->version == 4)
		return build_v4(why, mtu, in, pkt, pkt_len, out);
	return build_v6(why, mtu, in, pkt, pkt_len, out);
}
