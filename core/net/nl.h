/* nl: one netlink conversation at a time, for core/net only. Requests get an answer or an
 * error in words (the kernel's own, where it gives one); dumps that were interrupted by a
 * change are taken again.
 */
#ifndef ADIT_NET_NL_H
#define ADIT_NET_NL_H

#include "core/base/err.h"

#include <libmnl/libmnl.h>
#include <stddef.h>
#include <stdint.h>

#define NL_BUF 8192		/* enough for every single request here */

struct nl {
	struct mnl_socket *s;
	int bus;
	unsigned portid;
	uint32_t seq;
};

/* bus: NETLINK_ROUTE or NETLINK_NETFILTER. nl_close of a failed one is fine. */
int nl_open(struct nl *n, int bus, struct err *e) MUST_USE;
void nl_close(struct nl *n);

/* Start a request in buf (of NL_BUF bytes). NLM_F_REQUEST is added. */
struct nlmsghdr *nl_start(void *buf, uint16_t type, uint16_t flags);
/* Send it with NLM_F_ACK and wait. The kernel's errno is in errno when it fails. */
int nl_talk(struct nl *n, struct nlmsghdr *h, struct err *e) MUST_USE;
/* Send a request (not a dump) and hand the answer to fn. */
int nl_ask(struct nl *n, struct nlmsghdr *h, mnl_cb_t fn, void *arg, struct err *e) MUST_USE;
/* Send a dump request; fn is called for every message and returns MNL_CB_OK, or
 * MNL_CB_ERROR to fail. reset (may be NULL) is called before each new try. */
int nl_dump(struct nl *n, struct nlmsghdr *h, mnl_cb_t fn, void (*reset)(void *arg),
	    void *arg, struct err *e) MUST_USE;
/* Send a batch (len bytes at buf) that is one transaction, its last message with NLM_F_ACK.
 * All or nothing; the first error is returned, with the sequence number of the message at
 * fault in *failed (0: none in particular). failed may be NULL. */
int nl_batch(struct nl *n, const void *buf, size_t len, uint32_t *failed, struct err *e)
	MUST_USE;

#endif
