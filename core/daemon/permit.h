/* permit: which request the monitor takes from which child in which phase, and what a child
 * SA must look like before it goes to the dataplane. A subverted iked cannot ask for more than
 * this page allows. Pure: no state, no system call. */
#ifndef ADIT_DAEMON_PERMIT_H
#define ADIT_DAEMON_PERMIT_H

#include "core/ipc/ipc.h"
#include "core/ipc/msg.h"

#include <stdbool.h>

/* A child's life as the monitor sees it. */
enum permit_phase {
	PHASE_STARTING,		/* runs, but has not said MSG_READY */
	PHASE_RUNNING,
	PHASE_STOPPING,		/* iked only: was sent MSG_STOP */
};

bool permit_message(enum ipc_role from, enum permit_phase phase, uint16_t type);

/* What of sa is wrong, in words: its peer must be configured and enabled, the child exist,
 * the selectors lie within the child's networks, the endpoints and SPIs be possible, and the
 * keys fit the algorithms. *peer (may be NULL) gets the peer's settings. */
int permit_sa(const struct settings *s, const struct sa_child *sa,
	      const struct peer_conf **peer, struct err *e) MUST_USE;
/* Could these be the two ends of a tunnel? Without udp_encap they have no ports. */
int permit_endpoints(const struct endpoint *local, const struct endpoint *remote, bool udp_encap,
		     struct err *e) MUST_USE;
/* 0 when a peer may have this address: unicast, not loopback. */
int permit_address(const struct ip_addr *a) MUST_USE;
/* A name that is one: NUL-terminated, not empty. */
bool permit_name(const char *name, size_t cap);

#endif
