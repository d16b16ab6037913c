/* view: the router as firewall and routes see it: which interface is the WAN, which are the
 * LANs, which networks and addresses are its own. Taken anew after every change of links,
 * addresses or default routes; a plain value.
 */
#ifndef ADIT_NET_VIEW_H
#define ADIT_NET_VIEW_H

#include "core/base/addr.h"
#include "core/net/link.h"
#include "core/settings/conf.h"

#include <stdbool.h>
#include <stddef.h>

#define VIEW_LAN_MAX 64
#define VIEW_ADDR_MAX 256

struct view_addr {
	struct ip_addr addr;
	struct prefix net;		/* the connected network */
	uint32_t mtu;
	bool wan, lan;
	bool usable;			/* as a source: not tentative, not deprecated */
};

struct view {
	char wan[IFNAME_MAX];		/* "" when there is none */
	size_t n_lan;
	char lan[VIEW_LAN_MAX][IFNAME_MAX];
	/* All addresses but loopback's, link-local ones and those of our own interfaces; LANs
	 * first, then the WAN's, then the others'. */
	size_t n_addrs;
	struct view_addr addrs[VIEW_ADDR_MAX];
};

struct route_list;

/* wan and lan come from the settings; where they are unset ("" and 0) the WAN is the
 * interface of the default route (the lowest metric; IPv4 before IPv6), the LANs every other
 * interface that has an address, without loopback, ours, and ports of a bridge. */
int view_take(const struct router_conf *conf, struct view *out, struct err *e) MUST_USE;
/* The same from lists already at hand; no system call. */
void view_make(const struct router_conf *conf, const struct link_list *links,
	       const struct route_list *routes, struct view *out);

bool view_is_lan(const struct view *v, const char *name);
/* The router's own address in one of these networks, of this family: a LAN's before the
 * WAN's. False when it has none there. */
bool view_source(const struct view *v, int family, const struct prefix *nets, size_t n,
		 struct ip_addr *out);
/* True when a is one of the router's addresses. */
bool view_has_addr(const struct view *v, const struct ip_addr *a);

#endif
