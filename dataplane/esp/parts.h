/* parts: what the files of a worker share, and nobody else sees:
 *
 *	tx.c	interface --readv--> pieces where they will be sealed, one batch in the arena
 *	wire.c	seals the batch and sends it: sendmmsg, UDP_SEGMENT
 *	rx.c	recvmmsg, UDP_GRO --> opens in batches --coalesce--writev--> interface
 *	worker.c  descriptors and the loop
 *
 * Buffers belong to the worker, not to interfaces or SAs, and are fresh pages: what is never
 * written takes no memory.
 */
#ifndef ADIT_ESP_PARTS_H
#define ADIT_ESP_PARTS_H

#include "core/base/loop.h"
#include "dataplane/esp/coalesce.h"
#include "dataplane/esp/esp.h"
#include "dataplane/esp/segment.h"
#include "dataplane/esp/worker.h"

#define BATCH ENGINE_BATCH
#define VNET_LEN sizeof(struct virtio_net_hdr)
/* A segment of 64 KB with the most that its pieces can need around them, twice. */
#define TX_ARENA (192 * 1024)
#define RX_MSGS 16

/* A packet in the arena: ops[] of the same index says where. */
struct tx_pkt {
	struct esp_sa *sa;	/* NULL: it was deleted */
	uint32_t len;		/* of the ESP packet; 0: could not be sealed */
	uint32_t inner_len;
	uint8_t tos;
	bool may_frag;		/* goes out without DF: the sender cannot go lower */
	bool alone;		/* not as a part of a UDP_SEGMENT run */
	bool retried;
};

struct scratch {
	size_t used;		/* bytes that hold something to wipe one day */
	uint8_t b[ESP_PKT_CAP];
};

struct wire {
	int fd;
	bool gso;		/* takes UDP_SEGMENT, as far as we know */
	int doubt;		/* errno of a UDP_SEGMENT run that is now sent one by one */
	struct worker *worker;	/* for the loop */
};

struct rx_msg {
	struct sockaddr_storage from;
	_Alignas(struct cmsghdr) char ctl[128];
	const struct esp_sa *known;	/* from is where this one sends to */
	uint8_t ecn;
	bool udp;
	size_t used;
};

/* A packet that is being opened. */
struct rx_pkt {
	struct esp_sa *sa;
	struct rx_msg *msg;
};

struct worker {
	struct loop *loop;
	struct sad *sad;
	struct wire wire[WORKER_SOCKETS];
	void (*enter)(void *arg);	/* NULL without threads */
	void (*leave)(void *arg);
	void *guard_arg;
	bool blocked;		/* a socket is full: tx[sent..n_tx) waits for it … */
	enum worker_socket full;	/* … this one */
	unsigned turn;		/* packets put into the arena in this turn of the loop */

	unsigned n_tx, sealed, sent;
	size_t pos;		/* the arena is in use up to here … */
	size_t used;		/* … and holds something to wipe one day up to here */
	struct engine_op ops[BATCH];
	struct tx_pkt tx[BATCH];
	struct segment segment;
	unsigned end[BATCH];	/* of each message: the packet behind its last */
	struct mmsghdr out[BATCH];
	struct iovec out_iov[BATCH];
	_Alignas(struct cmsghdr) char out_ctl[BATCH][OUTER_CTL];

	unsigned n_rx;
	struct engine_op rx_ops[BATCH];
	struct rx_pkt rx[BATCH];
	struct esp_sa *through_sa;	/* what it received and was not counted yet */
	unsigned through_packets;
	size_t through_bytes;
	struct mmsghdr in[RX_MSGS];
	struct iovec in_iov[RX_MSGS];
	struct rx_msg in_msg[RX_MSGS];
	struct coalesce coalesce;

	uint8_t arena[TX_ARENA];
	struct scratch spill;	/* the end of what readv() found no place for */
	struct scratch whole;	/* a packet put together again */
	struct scratch cut;	/* one that is being fragmented */
	struct scratch again;	/* one that is sent a second time, smaller */
	uint8_t rx_buf[RX_MSGS][ESP_PKT_CAP];
};

/* ---- wire.c ---- */

/* Seal and send all in the arena; what the socket does not take stays, and we are blocked. */
void wire_flush(struct worker *w);
/* Which of the worker's sockets an SA's packets use. */
enum worker_socket wire_of(const struct esp_sa *sa);
/* Forget what waits for a full socket and belongs to this SA. */
void wire_forget(struct worker *w, const struct esp_sa *sa);
/* What the loop should watch now. */
uint32_t wire_events(const struct worker *w, enum worker_socket kind);
uint32_t tx_events(const struct esp_iface *i);

/* ---- tx.c ---- */

enum tx_fit {
	TX_FITS,
	TX_CUT,		/* the inner packet is fragmented */
	TX_UNCUT,	/* the outer one is: the sender may not be asked for less */
	TX_TOO_BIG,
};
enum tx_fit tx_fit(const struct inner *in, unsigned mtu);
/* Tell the sender what does fit, and count. */
void tx_too_big(struct esp_iface *i, struct esp_sa *sa, unsigned mtu, const struct inner *in,
		const uint8_t *pkt);
/* The loop's: an interface has packets. */
void tx_ready(void *iface, uint32_t events);
/* Packets wait for an SA, or waited too long. */
void tx_trap_due(struct esp_iface *i);

/* ---- rx.c ---- */

void rx_init(struct worker *w);
/* Take in what a socket has, as far as one turn of the loop goes. */
void rx_ready(struct worker *w, enum worker_socket kind);
/* This SA is about to be freed. */
void rx_forget(struct worker *w, const struct esp_sa *sa);

#endif
