/* coalesce: decrypted packets, one by one, become few writes to a TUN device: TCP segments
 * (and UDP datagrams, where the kernel takes them) of one flow that follow each other are
 * given to it as one packet of up to 64 KB with a virtio-net header, as the kernel's own
 * receive offload would make of them.
 *
 *	coalesce_init(&c, uso, write_fn, arg)
 *	for each packet of a batch:  coalesce_add(&c, iface, pkt, &in)
 *	coalesce_flush(&c)
 *
 * What is joined has the same addresses, ports, TOS with ECN, TTL, DF, flow label, TCP flags,
 * acknowledgement, window and options, correct checksums, and sequence numbers that follow;
 * so cutting it up again gives the packets that came (but for the IPv4 identification of those
 * with DF, which says nothing: RFC 6864 §4.1). FIN and PSH end a join, CWR is never
 * joined. All else passes as it came, right or wrong: the receiver's kernel judges. Packets
 * of one flow are never reordered; different flows may overtake each other within a batch.
 *
 * No allocation, no timers, no copies: a packet's memory is used (and its header rewritten)
 * until it was written or coalesce_flush() returned.
 */
#ifndef ADIT_ESP_COALESCE_H
#define ADIT_ESP_COALESCE_H

#include "dataplane/esp/inner.h"

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define COALESCE_FLOWS 16	/* at once; one more writes the oldest */
#define COALESCE_PACKETS 64	/* most in one join */
#define COALESCE_IOV (1 + COALESCE_PACKETS)

/* One write. iov[0] is the virtio-net header, iov[1] the first packet whole, with the header
 * that now speaks for all, the rest are the payloads of the others. Borrowed for the call. */
struct coalesce_out {
	void *to;		/* as given to coalesce_add() */
	const struct iovec *iov;
	unsigned n_iov;
	unsigned packets;	/* that went into it */
	size_t bytes;		/* of inner packets, as they came, headers of each counted */
};

struct coalesce_flow {
	void *to;
	uint32_t key;		/* a hash, to pass by others quickly */
	uint8_t *pkt;		/* the first one */
	unsigned packets;
	size_t bytes, total;	/* as they came; of the write without its vnet header */
	uint32_t next_seq;
	uint16_t size;		/* payload bytes of the first */
	uint16_t upper_off, header_len;
	uint8_t version, proto;
	uint8_t flags;		/* TCP flags of the last one */
	bool verified;		/* the first one's checksums were looked at */
	struct virtio_net_hdr vnet;
	struct iovec iov[COALESCE_IOV];
};

struct coalesce {
	bool uso;
	void (*write)(void *arg, const struct coalesce_out *out);
	void *arg;
	unsigned n;		/* flows in use: flow[order[0 .. n-1]], oldest first; */
	uint8_t order[COALESCE_FLOWS];	/* behind them those that are free */
	struct coalesce_flow flow[COALESCE_FLOWS];
};

/* uso: the interface takes VIRTIO_NET_HDR_GSO_UDP_L4. write() is called from coalesce_add()
 * and coalesce_flush(), and must not call back. */
void coalesce_init(struct coalesce *c, bool uso,
		   void (*write)(void *arg, const struct coalesce_out *out), void *arg);
/* pkt: in->total_len bytes, writable, parsed into in. `to` says where it is to be written (an
 * interface); packets with different ones are not joined. */
void coalesce_add(struct coalesce *c, void *to, uint8_t *pkt, const struct inner *in);
/* Write all that waits. After each batch, and before any of its memory is used again. */
void coalesce_flush(struct coalesce *c);

#endif
