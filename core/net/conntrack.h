/* conntrack: forget connections that began before the tunnel. The kernel decides NAT once per
 * connection, so one that was masqueraded in clear would go on being so inside the tunnel.
 */
#ifndef ADIT_NET_CONNTRACK_H
#define ADIT_NET_CONNTRACK_H

#include "core/base/addr.h"
#include "core/net/view.h"

#include <stddef.h>

/* Delete the connections between these networks: to or from a remote network; for a wide one
 * (route_is_exit) only those that a local network began, to none of the router's own
 * networks. *deleted (may be NULL) counts them. A kernel without connection tracking has
 * none. */
int conntrack_flush(const struct prefix *local, size_t n_local,
		    const struct prefix *remote, size_t n_remote, const struct view *v,
		    unsigned *deleted, struct err *e) MUST_USE;

#endif
