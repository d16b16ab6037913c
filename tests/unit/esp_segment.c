/* rooms: dataplane/esp core/base */
/* esp_segment: what TUN gives whole, cut up; judged by an implementation of its own. */
#include "core/base/rng.h"
#include "dataplane/esp/segment.h"
#include "tests/unit/esp_slow.h"
#include "tests/unit/t.h"

#include <netinet/in.h>

static uint8_t big[66000], piece[66000], bytes[66000];
static struct slow s;
static struct virtio_net_hdr vnet;
static struct segment seg;
static size_t len;

/* A packet of `payload` bytes in s; its other fields by chance. */
static void invent(uint8_t version, uint8_t proto, size_t payload)
{
	memset(&s, 0, sizeof(s));
	s.version = version;
	s.proto = proto;
	s.tos = (uint8_t)rng_below(256);
	s.ttl = (uint8_t)(1 + rng_below(255));
	rng_bytes(s.addrs, sizeof(s.addrs));
	if (version == 4) {
		memset(s.addrs + 8, 0, 24);
		s.df = rng_below(2);
		s.id = (uint16_t)rng_below(65536);
	} else {
		s.flow_label = rng_below(1 << 20);
	}
	rng_bytes(s.ports, 4);
	s.payload = bytes;
	s.len = payload;
	if (proto != IPPROTO_TCP)
		return;
	s.seq = rng_below(4) ? rng_u32() : 0xffffffff - rng_below(50000);
	s.ack = rng_u32();
	s.flags = (uint8_t)(SLOW_ACK | (rng_below(256) & (SLOW_FIN | SLOW_PSH | SLOW_ECE | SLOW_CWR)));
	s.reserved = (uint8_t)rng_below(2);
	s.window = (uint16_t)rng_below(65536);
	s.options_len = 4 * rng_below(11);
	rng_bytes(s.options, s.options_len);
}

/* s as the kernel gives it: the checksum is the pseudo-header's, the rest is up to the card. */
static void give(uint16_t size)
{
	size_t at = slow_upper(&s) + (s.proto == IPPROTO_TCP ? 16 : 6);

	len = slow_build(&s, big);
	slow_put(big + at, 2, slow_pseudo(big, s.proto, slow_upper(&s), len));
	vnet = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .hdr_len = (uint16_t)slow_header(&s),
		.gso_size = size, .csum_start = (uint16_t)slow_upper(&s),
		.csum_offset = s.proto == IPPROTO_TCP ? 16 : 6,
		.gso_type = s.proto == IPPROTO_UDP ? VIRTIO_NET_HDR_GSO_UDP_L4 :
			    s.version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6,
	};
	if (s.flags & SLOW_CWR)
		vnet.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
}

static int begin(void)
{
	struct iovec iov = { big, len };

	return segment_begin(&seg, &vnet, &iov, 1, len);
}

static bool same_fields(const struct slow *a, const struct slow *b)
{
	struct slow x = *a, y = *b;

	x.payload = y.payload = NULL;
	return memcmp(&x, &y, sizeof(x)) == 0;
}

/* What begin() made of s are the pieces of it, checked one by one. */
static void check_pieces(uint16_t size)
{
	struct slow want, got;
	unsigned i;

	CHECK_INT(seg.kind, s.proto == IPPROTO_TCP ? SEGMENT_TCP : SEGMENT_UDP);
	CHECK_INT(seg.header_len, slow_header(&s));
	CHECK_INT(seg.payload_len, s.len);
	CHECK_INT(seg.size, size);
	for (i = 0; slow_piece(&s, size, i, &want); i++) {
		uint8_t *payload = piece + 300;
		uint8_t *at = payload - seg.header_len;

		CHECK(i < seg.count);
		CHECK_INT(segment_len(&seg, i), want.len);
		memset(piece, 0xee, 300);
		memcpy(payload, want.payload, want.len);
		segment_header(&seg, i, at, payload);
		CHECK_INT(at[-1], 0xee);
		CHECK(slow_parse(at, seg.header_len + want.len, s.proto, slow_upper(&s), false, &got));
		CHECK_MEM(got.payload, want.payload, want.len);
		CHECK(same_fields(&got, &want));
	}
	CHECK_INT(i, seg.count);
}

static void pieces_of_everything(void)
{
	for (int i = 0; i < 3000; i++) {
		uint8_t version = rng_below(2) ? 4 : 6;
		uint16_t size = (uint16_t)(1 + (rng_below(4) ? 500 + rng_below(1400) : rng_below(65535)));
		size_t most = 65535 - 120, payload = 1 + rng_below((uint32_t)most);

		if (size < 400 && payload > 20000)
			payload = 20000;
		invent(version, rng_below(3) ? IPPROTO_TCP : IPPROTO_UDP, payload);
		give(size);
		CHECK(begin() == 0);
		check_pieces(size);
	}
}

static void headers_with_more_in_them(void)
{
	invent(4, IPPROTO_TCP, 5000);
	s.between_len = 40;		/* options: kept in each piece, and part of the sum */
	memset(s.between, 1, 40);
	give(1000);
	CHECK(begin() == 0);
	check_pieces(1000);

	invent(6, IPPROTO_TCP, 5000);
	s.between_len = 24;		/* hop by hop (8), destination options (16) */
	s.between_next = IPPROTO_HOPOPTS;
	memcpy(s.between, (uint8_t[24]){ IPPROTO_DSTOPTS, 0, 1, 4, 0, 0, 0, 0,
					 IPPROTO_TCP, 1, 1, 12 }, 24);
	give(1440);
	CHECK(begin() == 0);
	check_pieces(1440);

	/* Longer than is looked at: an error, no overrun. */
	s.between[1] = 40;
	give(1440);
	CHECK(begin() < 0);
}

/* The pseudo-header has the last address, which only the sender knows (RFC 8200 §8.1). */
static void routed_by_a_header(void)
{
	uint8_t final[16], *up;
	size_t at, l;

	invent(6, IPPROTO_TCP, 3000);
	s.between_len = 24;
	s.between_next = IPPROTO_ROUTING;
	rng_bytes(final, 16);
	memcpy(s.between, (uint8_t[8]){ IPPROTO_TCP, 2, 2, 1 }, 8);
	memcpy(s.between + 8, final, 16);
	give(1000);
	memcpy(big + 24, final, 16);
	slow_put(big + 64 + 16, 2, slow_pseudo(big, 6, 64, len));
	memcpy(big + 24, s.addrs + 16, 16);
	CHECK(begin() == 0);
	CHECK_INT(seg.count, 3);
	for (unsigned i = 0; i < 3; i++) {
		l = seg.header_len + 1000;
		memcpy(piece + seg.header_len, bytes + 1000 * i, 1000);
		segment_header(&seg, i, piece, piece + seg.header_len);
		CHECK_MEM(piece + 24, s.addrs + 16, 16);
		memcpy(piece + 24, final, 16);
		up = piece + 64;
		CHECK_INT(slow_sum(up, l - 64, slow_pseudo(piece, 6, 64, l)), 0xffff);
	}
	vnet.flags = 0;
	CHECK(begin() < 0);
	at = 40 + 3;
	big[at] = 0;		/* no segments left: the header's address is the last */
	CHECK(begin() == 0);
}

static void in_scattered_memory(void)
{
	static uint8_t far_away[16][4096];

	for (int n = 0; n < 300; n++) {
		struct iovec iov[16];
		size_t at = 0, l;

		invent(rng_below(2) ? 4 : 6, IPPROTO_TCP, 4000);
		give(1000);
		for (int i = 0; i < 16; i++) {
			l = i < 15 ? rng_below(rng_below(2) ? 20 : 300) : 4096;
			if (l > len - at)
				l = len - at;
			memcpy(far_away[i], big + at, l);
			iov[i] = (struct iovec){ far_away[i], l };
			at += l;
		}
		if (at < len)
			continue;
		CHECK(segment_begin(&seg, &vnet, iov, 16, len) == 0);
		memset(far_away, 0, sizeof(far_away));	/* its memory may be written now */
		check_pieces(1000);
	}
}

/* What the vnet header claims of the header's length and of the checksum is not needed. */
static void claims_are_not_believed(void)
{
	invent(4, IPPROTO_TCP, 5000);
	give(1000);
	vnet.hdr_len = 65535;
	vnet.csum_start = 65535;
	vnet.csum_offset = 65535;
	vnet.flags = 0;
	big[36] ^= 0x55;	/* nor the unfinished checksum */
	CHECK(begin() == 0);
	check_pieces(1000);
}

static void refused(void)
{
	static const uint8_t types[] = { 2, 3, 6, 0x7f, 0x83, 0xff };

	invent(4, IPPROTO_TCP, 5000);
	give(0);
	CHECK(begin() < 0);
	give(1000);
	for (size_t i = 0; i < sizeof(types); i++) {
		vnet.gso_type = types[i];
		CHECK(begin() < 0);
	}
	vnet.gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
	CHECK(begin() < 0);
	vnet.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
	CHECK(begin() < 0);
	give(1000);
	len--;			/* not as long as it says */
	CHECK(begin() < 0);
	len += 2;
	CHECK(begin() < 0);
	give(1000);
	big[32] = 0x40;		/* TCP header of 16 bytes */
	CHECK(begin() < 0);
	give(1000);
	big[0] = 0x44;
	CHECK(begin() < 0);
	give(1000);
	big[6] |= 0x20;		/* a fragment */
	CHECK(begin() < 0);
	invent(4, IPPROTO_TCP, 0);
	give(1000);
	CHECK(begin() < 0);
	invent(6, IPPROTO_UDP, 3000);
	give(1000);
	CHECK(begin() == 0);
	big[6] = 44;		/* fragment header */
	CHECK(begin() < 0);
}

static void cut_short_anywhere(void)
{
	for (int v = 4; v <= 6; v += 2) {
		invent((uint8_t)v, IPPROTO_TCP, 300);
		give(100);
		for (size_t l = 0; l < slow_header(&s) + 1; l++) {
			struct iovec iov = { malloc(l ? l : 1), l };	/* for the sanitizer */

			memcpy(iov.iov_base, big, l);
			if (v == 4 && l >= 4)
				slow_put((uint8_t *)iov.iov_base + 2, 2, (uint32_t)l);
			if (v == 6 && l >= 40)
				slow_put((uint8_t *)iov.iov_base + 4, 2, (uint32_t)(l - 40));
			CHECK((segment_begin(&seg, &vnet, &iov, 1, l) == 0) ==
			      (l == slow_header(&s) + 1));
			free(iov.iov_base);
		}
	}
}

static void whole_ones(void)
{
	struct slow got;

	for (int i = 0; i < 2000; i++) {
		invent(rng_below(2) ? 4 : 6, rng_below(2) ? IPPROTO_TCP : IPPROTO_UDP,
		       rng_below(1500));
		if (i % 4 == 0)
			memset(s.ports, 0, 4);
		give(0);
		vnet.gso_type = VIRTIO_NET_HDR_GSO_NONE;
		CHECK(begin() == 0);
		CHECK_INT(seg.kind, SEGMENT_WHOLE);
		CHECK_INT(seg.count, 1);
		segment_finish(&seg, big, len);
		CHECK(slow_parse(big, len, s.proto, slow_upper(&s), false, &got));
		CHECK_MEM(got.payload, bytes, s.len);
		got.payload = s.payload;
		CHECK(same_fields(&got, &s));
	}
	/* UDP's 0 would say that there is no checksum (RFC 768). */
	invent(4, IPPROTO_UDP, 2);
	for (uint32_t x = 0; x < 65536; x++) {
		slow_put(bytes, 2, x);
		give(0);
		vnet.gso_type = VIRTIO_NET_HDR_GSO_NONE;
		CHECK(begin() == 0);
		segment_finish(&seg, big, len);
		CHECK(slow_parse(big, len, IPPROTO_UDP, 20, false, &got));
	}
}

static void whole_ones_left_alone(void)
{
	invent(4, IPPROTO_TCP, 100);
	len = slow_build(&s, big);
	memcpy(piece, big, len);
	memset(&vnet, 0, sizeof(vnet));
	vnet.flags = VIRTIO_NET_HDR_F_DATA_VALID;
	CHECK(begin() == 0);
	segment_finish(&seg, big, len);
	CHECK_MEM(big, piece, len);
	/* A checksum outside the packet, or in its first bytes. */
	vnet.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	vnet.csum_start = (uint16_t)(len - 17);
	vnet.csum_offset = 16;
	CHECK(begin() < 0);
	vnet.csum_start = (uint16_t)(len - 18);
	CHECK(begin() == 0);
	vnet.csum_start = 65535;
	vnet.csum_offset = 65535;
	CHECK(begin() < 0);
	vnet.csum_start = 0;
	vnet.csum_offset = 0;
	CHECK(begin() < 0);
}

int main(void)
{
	rng_virtual_seed(11);
	rng_bytes(bytes, sizeof(bytes));
	T_RUN(pieces_of_everything);
	T_RUN(headers_with_more_in_them);
	T_RUN(routed_by_a_header);
	T_RUN(in_scattered_memory);
	T_RUN(claims_are_not_believed);
	T_RUN(refused);
	T_RUN(cut_short_anywhere);
	T_RUN(whole_ones);
	T_RUN(whole_ones_left_alone);
	return t_done();
}
