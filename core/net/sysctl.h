/* sysctl: the few kernel switches a VPN router needs, and what stands in its way.
 *
 * What is changed outside our own interfaces is remembered in a file in the run dir before
 * it is changed, and put back by sysctl_restore(), also by the next start after a crash:
 *	- net.ipv4.ip_forward and net.ipv6.conf.all.forwarding on, when a peer forwards to LAN
 *	  or WAN and has networks of that family. IPv6 forwarding makes the kernel ignore
 *	  router advertisements, so interfaces with accept_ra 1 get 2 (RFC 4861 hosts that
 *	  forward keep their default route).
 *	- net.core.xfrm_larval_drop off, with the kernel dataplane and a tunnel on demand: the
 *	  first packets wait for its SA then, instead of being dropped.
 *	- net.ipv4.conf.WAN.src_valid_mark on, with a wide remote network: strict reverse path
 *	  checks then honour the mark that keeps forwarded ports working.
 * A value that somebody else changed after us is left as it is.
 */
#ifndef ADIT_NET_SYSCTL_H
#define ADIT_NET_SYSCTL_H

#include "core/base/err.h"
#include "core/base/sbuf.h"
#include "core/net/view.h"

#include <stdbool.h>

struct sysctl;

/* state_path: where changes are remembered; read when it is there. */
struct sysctl *sysctl_new(const char *state_path, struct err *e) MUST_USE;
/* Leaves the kernel's values as they are. NULL is fine. */
void sysctl_free(struct sysctl *s);

struct sysctl_want {
	bool forward_v4, forward_v6;
	bool wan_mark;			/* a wide remote network */
	bool hold;			/* packets wait in the kernel for an SA */
};
/* Switch on what is wanted; what is wanted no longer goes back to what it was. */
int sysctl_apply(struct sysctl *s, const struct sysctl_want *w, const struct view *v,
		 struct err *e) MUST_USE;
/* Everything back to what it was, and the file away. */
int sysctl_restore(struct sysctl *s, struct err *e) MUST_USE;

/* On our own interface (it must exist): reverse path filter loose, since a remote network's
 * route may be in another table; no redirects sent or taken; no router advertisements. */
int sysctl_interface(const char *name, struct err *e) MUST_USE;

/* What stands in the way, a sentence each, "; " between: forwarding off, all.rp_filter
 * strict with WAN …; nothing is added when all is well. */
void sysctl_findings(const struct sysctl_want *w, const struct view *v, struct sbuf *out);

/* One value, path below /proc/sys ("net/ipv4/ip_forward"). */
int sysctl_read(const char *path, int *value, struct err *e) MUST_USE;
int sysctl_write(const char *path, int value, struct err *e) MUST_USE;

#endif
