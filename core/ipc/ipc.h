/* ipc: how adit's processes talk: SOCK_SEQPACKET pairs, one message a packet, a header and a
 * body of a size fixed per type (core/ipc/msg.h; few may be shorter), descriptors beside it by
 * SCM_RIGHTS.
 *
 * The table in ipc.c says for every type its body's size, how many descriptors, and which
 * role may send it to which; whatever differs is refused on both ends and counted.
 */
#ifndef ADIT_IPC_IPC_H
#define ADIT_IPC_IPC_H

#include "core/base/err.h"

#include <stddef.h>
#include <stdint.h>

#define IPC_VERSION 1
#define IPC_BODY_MAX 12288
#define IPC_FDS_MAX 16

enum ipc_role { ROLE_MONITOR, ROLE_IKED, ROLE_VAULTD, ROLE_ESPD };

struct ipc_hdr {
	uint16_t version;
	uint16_t type;		/* enum msg_type */
	uint32_t id;		/* pairs an answer with its request; 0 otherwise */
	uint32_t len;		/* of the body */
};

/* A received message. body is borrowed until the next receive on the same link and is
 * aligned for any type; the descriptors are the receiver's to close. */
struct ipc_msg {
	uint16_t type;
	uint32_t id;
	size_t len;
	const void *body;
	size_t n_fds;
	int fds[IPC_FDS_MAX];
};

/* One end. Sends are queued when the socket is full (the queue is bounded; a peer that does
 * not read is broken, and the link fails). */
struct ipc;

/* Both ends of a pair, CLOEXEC and non-blocking. */
int ipc_pair(int fds[2], struct err *e) MUST_USE;
/* Takes fd. self and peer choose the rows of the table that are permitted here. */
struct ipc *ipc_new(int fd, enum ipc_role self, enum ipc_role peer, struct err *e) MUST_USE;
/* Closes the fd. */
void ipc_free(struct ipc *c);
int ipc_fd(const struct ipc *c);

struct loop;
/* Let the loop run it: on_msg for each message; on_closed once when the other end is gone or
 * broke the rules (err says which); on_closed may ipc_free() it. Descriptors that on_msg does
 * not take (set to -1 in m->fds) are closed after it. */
int ipc_attach(struct ipc *c, struct loop *l, void (*on_msg)(void *arg, struct ipc_msg *m),
	       void (*on_closed)(void *arg, const struct err *why), void *arg, struct err *e)
	MUST_USE;

/* Descriptors that this process has no room for are cut off by the kernel. Such a message is
 * refused and counted, those that did arrive are closed. With on_cut the link stays up: it is
 * told of the message (which has none), and sees that nobody waits for it. Without, the link
 * goes down: who needs these descriptors begins anew. */
void ipc_on_cut(struct ipc *c, void (*on_cut)(void *arg, const struct ipc_msg *m));

/* Copies body; wipes its copy after sending. fds stay the caller's. -1 when the link is
 * down or its queue is full. */
int ipc_send(struct ipc *c, uint16_t type, uint32_t id, const void *body, size_t len,
	     const int *fds, size_t n_fds);

/* So many bytes may come at once, beside what always may (8 MB): a burst that is known of, like
 * the settings of thousands of peers. Counts until the next call. NULL is fine. */
void ipc_expect(struct ipc *c, size_t bytes);
/* How many messages this end refused, its own and the other's. */
unsigned ipc_refused(const struct ipc *c);
/* "iked"; "MSG_SA_ADD" (or "unknown message"): for log lines. */
const char *ipc_role_name(enum ipc_role role);
const char *ipc_type_name(uint16_t type);

/* Blocking variant for start-up and tools: waits up to timeout_ms for one message. 1 got one,
 * 0 timed out, -1 closed or refused. */
int ipc_recv_wait(struct ipc *c, struct ipc_msg *m, int timeout_ms, struct err *e) MUST_USE;

#endif
