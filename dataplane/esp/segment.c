/* segment: what a network card with segmentation offload would do. The kernel's word about
 * the packet (header length, where the checksum goes) is not needed and not believed: the
 * headers are read here, and only the segment size is taken from it. */
#include "dataplane/esp/segment.h"

#include "core/base/rd.h"
#include "core/base/be.h"
#include "dataplane/esp/csum.h"

#include <netinet/in.h>
#include <string.h>

#define V4_HEADER 20
#define V6_HEADER 40
#define UDP_HEADER 8
#define TCP_HEADER 20
#define TCP_FIN 0x01
#define TCP_PSH 0x08
#define TCP_CWR 0x80

/* As much of the packet as a header may have. */
static size_t gather(uint8_t *head, const struct iovec *iov, size_t n_iov, size_t len)
{
	size_t want = len < SEGMENT_HEADER_MAX ? len : SEGMENT_HEADER_MAX, got = 0;

	for (size_t i = 0; i < n_iov && got < want; i++) {
		size_t n = iov[i].iov_len < want - got ? iov[i].iov_len : want - got;

		memcpy(head + got, iov[i].iov_base, n);
		got += n;
	}
	return got;
}

/* One packet; the checksum covers all from csum_start on. */
static int whole(struct segment *s, const struct virtio_net_hdr *v, size_t len)
{
	s->kind = SEGMENT_WHOLE;
	s->count = 1;
	s->payload_len = s->size = len;
	if (!(v->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return 0;
	if (v->csum_start < V4_HEADER || v->csum_start + v->csum_offset + 2u > len)
		return -1;
	s->csum_start = v->csum_start;
	s->csum_offset = v->csum_offset;
	return 0;
}

static int find_upper_v4(struct segment *s, size_t got, size_t len, uint8_t *proto)
{
	struct rd r = rd_init(s->head, got);
	unsigned first = rd_u8(&r), total, frag;

	rd_skip(&r, 1);
	total = rd_u16(&r);
	s->ip_id = rd_u16(&r);
	frag = rd_u16(&r);
	rd_skip(&r, 1);
	*proto = rd_u8(&r);
	s->upper_off = (uint16_t)((first & 15) * 4);
	if (!rd_ok(&r) || s->upper_off < V4_HEADER || total != len || (frag & 0x3fff))
		return -1;
	return 0;
}

/* Extension headers are the same in every piece (RFC 8200 §4), unless one is about this
 * packet alone: a fragment's, or one that authenticates it. routed: the last address is not
 * the one the pseudo-header has (§8.1). */
static int find_upper_v6(struct segment *s, size_t got, size_t len, uint8_t *proto, bool *routed)
{
	struct rd r = rd_init(s->head, got);
	uint8_t next;
	unsigned words, left;

	rd_skip(&r, 4);
	if (V6_HEADER + (size_t)rd_u16(&r) != len)
		return -1;
	next = rd_u8(&r);
	rd_skip(&r, 33);
	while (rd_ok(&r)) {
		uint8_t type = next;

		if (type == IPPROTO_TCP || type == IPPROTO_UDP) {
			*proto = type;
			s->upper_off = (uint16_t)(got - r.left);
			return 0;
		}
		if (type != IPPROTO_HOPOPTS && type != IPPROTO_DSTOPTS && type != IPPROTO_ROUTING)
			return -1;
		next = rd_u8(&r);
		words = rd_u8(&r);
		rd_skip(&r, 1);
		left = rd_u8(&r);
		if (type == IPPROTO_ROUTING && left)
			*routed = true;
		rd_skip(&r, 4 + words * 8u);
	}
	return -1;
}

/* The sum over what no piece changes: pseudo-header without length, and the upper header
 * without length, sequence number, flags and checksum. */
static int base_upper(struct segment *s, const struct virtio_net_hdr *v, uint8_t proto, bool routed)
{
	uint8_t *up = s->head + s->upper_off;
	size_t len = s->header_len - s->upper_off;
	size_t check = proto == IPPROTO_TCP ? 16 : 6;
	uint32_t sum = csum_pseudo(s->head, proto, 0);

	/* Only the sender knows the last address: its unfinished checksum has it, and the
	 * length of the whole. */
	if (routed) {
		if (!(v->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
			return -1;
		sum = (uint32_t)be_get16(up + check) + (uint16_t)~csum_fold((uint32_t)(len + s->payload_len));
	}
	if (proto == IPPROTO_TCP) {
		s->seq = be_get32(up + 4);
		sum = csum_add(sum, up, 4);
		sum = csum_add(sum, up + 8, 4);
		sum = csum_add(sum, up + 14, 2);
		s->base_upper = csum_add(sum, up + 18, len - 18);
	} else {
		s->base_upper = csum_add(sum, up, 4);
	}
	return 0;
}

int segment_begin(struct segment *s, const struct virtio_net_hdr *v, const struct iovec *iov,
		  size_t n_iov, size_t len)
{
	uint8_t type = v->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN, proto = 0;
	size_t got, upper;
	bool routed = false;

	memset(s, 0, offsetof(struct segment, head));
	if (type == VIRTIO_NET_HDR_GSO_NONE)
		return whole(s, v, len);
	got = gather(s->head, iov, n_iov, len);
	if (!got || !v->gso_size)
		return -1;
	s->version = s->head[0] >> 4;
	if (s->version == 4 && type != VIRTIO_NET_HDR_GSO_TCPV6) {
		if (find_upper_v4(s, got, len, &proto) < 0)
			return -1;
	} else if (s->version == 6 && type != VIRTIO_NET_HDR_GSO_TCPV4) {
		if (find_upper_v6(s, got, len, &proto, &routed) < 0)
			return -1;
	} else {
		return -1;
	}
	if (type == VIRTIO_NET_HDR_GSO_UDP_L4 && proto == IPPROTO_UDP) {
		s->kind = SEGMENT_UDP;
		upper = UDP_HEADER;
	} else if ((type == VIRTIO_NET_HDR_GSO_TCPV4 || type == VIRTIO_NET_HDR_GSO_TCPV6) &&
		   proto == IPPROTO_TCP && (size_t)s->upper_off + TCP_HEADER <= got) {
		s->kind = SEGMENT_TCP;
		upper = (s->head[s->upper_off + 12] >> 4) * 4u;
		if (upper < TCP_HEADER)
			return -1;
	} else {
		return -1;
	}
	if (s->upper_off + upper > got || s->upper_off + upper >= len)
		return -1;
	s->header_len = (uint16_t)(s->upper_off + upper);
	s->payload_len = len - s->header_len;
	s->size = v->gso_size;
	s->count = (unsigned)((s->payload_len + s->size - 1) / s->size);
	if (base_upper(s, v, proto, routed) < 0)
		return -1;
	if (s->version == 4) {	/* all but length, identification and the sum itself */
		s->base_ip = csum_add(be_get16(s->head), s->head + 6, 4);
		s->base_ip = csum_add(s->base_ip, s->head + 12, s->upper_off - 12u);
	}
	return 0;
}

static void ip_header(const struct segment *s, unsigned i, uint8_t *at, size_t len)
{
	uint16_t id = (uint16_t)(s->ip_id + i);

	if (s->version == 6) {
		be_put16(at + 4, (uint16_t)(len - V6_HEADER));
		return;
	}
	be_put16(at + 2, (uint16_t)len);
	be_put16(at + 4, id);
	be_put16(at + 10, csum_done(s->base_ip + (uint32_t)len + id));
}

void segment_header(const struct segment *s, unsigned i, uint8_t *at, const uint8_t *payload)
{
	size_t len = segment_len(s, i);
	uint8_t *up = at + s->upper_off;
	uint32_t upper_len = (uint32_t)(s->header_len - s->upper_off + len);
	uint32_t sum = csum_add(s->base_upper + upper_len, payload, len);
	uint16_t check;

	memcpy(at, s->head, s->header_len);
	ip_header(s, i, at, s->header_len + len);
	if (s->kind == SEGMENT_UDP) {
		be_put16(up + 4, (uint16_t)upper_len);
		check = csum_done(sum + upper_len);
		be_put16(up + 6, check ? check : 0xffff);	/* RFC 768: 0 says there is none */
		return;
	}
	be_put32(up + 4, s->seq + (uint32_t)segment_at(s, i));
	if (i)
		up[13] &= (uint8_t)~TCP_CWR;
	if (i + 1 < s->count)
		up[13] &= (uint8_t)~(TCP_FIN | TCP_PSH);
	be_put16(up + 16, csum_done(csum_add(sum, up + 4, 4) + be_get16(up + 12)));
}

void segment_finish(const struct segment *s, uint8_t *pkt, size_t len)
{
	uint8_t *at = pkt + s->csum_start + s->csum_offset;
	uint16_t check;

	if (!s->csum_start)
		return;
	/* The field holds the sum of the pseudo-header and is part of what is summed. */
	check = csum_done(csum_add(0, pkt + s->csum_start, len - s->csum_start));
	be_put16(at, check ? check : 0xffff);
}
