/* segment: a packet of up to 64 KB, as the kernel hands it to a TUN device that takes
 * segmentation and checksums upon itself (virtio-net header, linux/virtio_net.h in the byte
 * order of this machine), becomes the packets that go on the wire.
 *
 * The payload is not moved. A reader that guesses header length and segment size (from the
 * packet before) lets readv() put the payload of each piece where it will be encrypted, and
 * the header of each is then written in front of it:
 *
 *	segment_begin(&s, &vnet, iov, n, len)
 *	for i in 0 .. s.count - 1:
 *		segment_header(&s, i, payload_of_i - s.header_len, payload_of_i)
 *
 * Nothing here reads or writes past the lengths given, whatever the header claims.
 */
#ifndef ADIT_ESP_SEGMENT_H
#define ADIT_ESP_SEGMENT_H

#include "core/base/err.h"

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

#define SEGMENT_HEADER_MAX 256	/* IP with options or extension headers, TCP with options */

enum segment_kind {
	SEGMENT_WHOLE,		/* one packet; its checksum may be unfinished */
	SEGMENT_TCP,
	SEGMENT_UDP,
};

/* One packet from TUN. The first part is for the caller, the rest is ours. */
struct segment {
	enum segment_kind kind;
	unsigned count;		/* pieces, >= 1; 1 for SEGMENT_WHOLE */
	size_t size;		/* payload bytes of each piece but the last */
	size_t payload_len;	/* of all pieces; what follows the header */
	uint16_t header_len;	/* of every piece; 0 for SEGMENT_WHOLE */

	uint8_t version;
	uint16_t ip_id, upper_off;
	uint16_t csum_start, csum_offset;	/* SEGMENT_WHOLE; both 0: nothing to finish */
	uint32_t seq;
	uint32_t base_ip, base_upper;	/* sums over what no piece changes */
	uint8_t head[SEGMENT_HEADER_MAX];
};

/* Look at a packet that was read: len bytes in n_iov pieces of memory, without the vnet
 * header. Copies the header out, so that the memory under it may be written afterwards.
 * -1 when the two do not fit each other: unknown kind, a size of 0, lengths that lie, a
 * header longer than SEGMENT_HEADER_MAX or len, a fragment. */
int segment_begin(struct segment *s, const struct virtio_net_hdr *vnet, const struct iovec *iov,
		  size_t n_iov, size_t len) MUST_USE;

/* Where in the packet's payload piece i begins, and its length. i < count. */
static inline size_t segment_at(const struct segment *s, unsigned i)
{
	return i * s->size;
}

static inline size_t segment_len(const struct segment *s, unsigned i)
{
	return i + 1 < s->count ? s->size : s->payload_len - i * s->size;
}

/* Write the header of piece i, header_len bytes, to `at`; payload is that piece's, of
 * segment_len() bytes, and only read. Both checksums are complete. IPv4 identification rises
 * by one a piece; FIN and PSH are on the last piece alone, CWR on the first (RFC 3168
 * §6.1.2). Not for SEGMENT_WHOLE. Pieces may be done in any order. */
void segment_header(const struct segment *s, unsigned i, uint8_t *at, const uint8_t *payload);

/* SEGMENT_WHOLE: finish the checksum of the packet, which lies at pkt in one piece of the
 * len given to segment_begin(). Nothing happens where there is nothing to finish. */
void segment_finish(const struct segment *s, uint8_t *pkt, size_t len);

#endif
