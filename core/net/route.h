/* route: the kernel's routes and policy rules, and ours among them.
 *
 * How the remote networks get into the tunnel
 * -------------------------------------------
 * Every route and rule of ours carries protocol 173 (ROUTE_PROTO; `ip route show proto 173`),
 * so that it is recognised, repaired and removed whoever made the others. None of another
 * protocol is ever changed or replaced.
 *
 * An ordinary remote network is one route in table main:
 *
 *	10.2.0.0/24 dev adit-branch src 10.1.0.1 proto 173 metric 20
 *
 * The metric (20; IPv6 512) is behind the kernel's own routes to connected networks, so that
 * a LAN is never captured, and ahead of DHCP's and the routing daemons'. src is the
 * router's own address in the local network, so that its own packets fit the selector.
 * While the tunnel is down and plaintext is not allowed the same route is `unreachable`:
 * programs get an error at once.
 *
 * A wide one (0.0.0.0/0, or anything so large that it is an internet exit, or one that
 * contains the peer's gateway or the WAN's own addresses) must not be in table main, where
 * it would capture the outer packets, the router's own traffic and the admin's session. It
 * goes in a table of its own, asked only for packets that come *from* the child's local
 * network:
 *
 *	172: from WANADDR lookup main			(only if the local network has it)
 *	173: from 10.1.0.0/24 lookup main suppress_prefixlength 0
 *	174: from 10.1.0.0/24 fwmark 0/0x8000000 lookup T
 *
 * and T = { default dev adit-branch, throw GATEWAY, throw 127.0.0.0/8, throw
 * 169.254.0.0/16, throw 224.0.0.0/4, throw 255.255.255.255, … }. So:
 *	- the outer packets (IKE, UDP-encapsulated and plain ESP) come from the WAN address,
 *	  carry ROUTE_MARK (sock.h sets it on every socket; the kernel dataplane by
 *	  XFRMA_SET_MARK) and go to GATEWAY: any one of the three keeps them out;
 *	- LANs, static routes, WireGuard and the like: line 173 finds them first;
 *	- a session to the router's WAN address: its replies come from that address; a
 *	  forwarded port's replies carry ROUTE_MARK by the connection mark (firewall.h);
 *	- loopback, link-local, multicast, broadcast: thrown back;
 *	- another LAN that is not the local network: no rule matches it.
 *
 * A child that bypasses the tunnels has a table too, with the way its networks have without
 * our routes, and before all these
 *
 *	171: from 10.1.0.0/24 to 10.2.5.0/24 lookup T
 */
#ifndef ADIT_NET_ROUTE_H
#define ADIT_NET_ROUTE_H

#include "core/base/addr.h"
#include "core/net/view.h"
#include "core/settings/conf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROUTE_PROTO 173		/* rtm_protocol and FRA_PROTOCOL of all that is ours */
#define ROUTE_METRIC_V4 20
#define ROUTE_METRIC_V6 512
/* One bit of the packet mark: "not into a tunnel". */
#define ROUTE_MARK 0x08000000u
/* Our tables: ROUTE_TABLE | (interface index mod 65536) << 4 | number of the child. */
#define ROUTE_TABLE 0x0ad00000u
#define ROUTE_PREF_BYPASS 171	/* from a bypassing child's local network to its remote one */
#define ROUTE_PREF_WAN 172
#define ROUTE_PREF_MAIN 173
#define ROUTE_PREF_TUNNEL 174

enum route_type {
	ROUTE_UNICAST, ROUTE_UNREACHABLE, ROUTE_BLACKHOLE, ROUTE_PROHIBIT, ROUTE_THROW,
	ROUTE_OTHER,
};

struct route {
	struct prefix dst;
	uint8_t type;			/* enum route_type */
	uint8_t proto;			/* RTPROT_*; ROUTE_PROTO is ours */
	uint8_t scope;			/* RT_SCOPE_* */
	bool ours;
	uint32_t table;			/* 254 is main */
	uint32_t metric;
	int oif;			/* interface index, 0 none */
	char interface[IFNAME_MAX];	/* "" none */
	struct ip_addr gateway;		/* none: on the link */
	struct ip_addr src;		/* preferred source, or none */
};

struct route_list {
	size_t n;
	struct route *v;	/* by family, table (main first), prefix, metric */
};

/* The routes of table main and of our tables, both families; one entry per next hop. On
 * failure *out is empty. */
int route_list(struct route_list *out, struct err *e) MUST_USE;
void route_list_fini(struct route_list *l);
/* "kernel", "static", "dhcp", "ra", "adit", …, or the number. */
const char *route_proto_name(uint8_t proto, char buf[8]);

/* What the kernel would use for a packet to dst. mark: as the packet would carry (ROUTE_MARK
 * for outer packets); from: its source address, or NULL; oif: by this interface only, or
 * NULL. Fails when there is no route, and says so. */
struct route_answer {
	struct ip_addr src;
	struct ip_addr gateway;		/* none: on the link */
	char interface[IFNAME_MAX];
	uint32_t mtu;			/* path MTU where the kernel knows one; else 0 */
};
int route_lookup(const struct ip_addr *dst, const struct ip_addr *from, uint32_t mark,
		 const char *oif, struct route_answer *out, struct err *e) MUST_USE;

/* One route by hand; table 0 is main; proto and ours are set here. Fails when one with the
 * same prefix, table and metric exists that is not ours, replaces it when it is. A unicast
 * route needs oif. */
int route_add(const struct route *r, struct err *e) MUST_USE;
/* One that is gone already is fine. */
int route_del(const struct route *r, struct err *e) MUST_USE;

/* One child's networks. Several may share an interface. Arrays are borrowed. */
struct route_want {
	const char *interface;		/* adit-NAME */
	struct ip_addr gateway;		/* the peer's outer address now, or none */
	const struct ip_addr *others;	/* more that it may have */
	size_t n_others;
	const struct prefix *local;
	size_t n_local;
	const struct prefix *remote;
	size_t n_remote;
	bool up;			/* the tunnel carries traffic */
	bool only_encrypted;		/* down: unreachable instead of nothing (not for
					 * wide networks) */
	bool bypass;			/* past all tunnels: the way that packets between these
					 * networks have without our routes, in a table of its
					 * own, so that a wider tunnel does not take them */
};

/* Make the kernel's routes and rules of ours exactly what these wants need: add what is
 * missing, remove what is not wanted, leave the rest untouched, so a tunnel that did not
 * change does not notice. n 0 removes all of ours, also after a crash. Call it when a peer
 * goes up or down and when watch.h reports links, addresses, routes or rules.
 * *changed (may be NULL) counts what was added or removed. All that can be done is done;
 * the first failure is returned. A want whose interface does not exist is left out. */
int route_sync(const struct route_want *wants, size_t n, const struct view *v,
	       unsigned *changed, struct err *e) MUST_USE;

/* True for a network so wide that it is an internet exit: shorter than /8, IPv6 /16. It gets
 * the policy rules above and no "only encrypted". */
bool route_is_exit(const struct prefix *p);

#endif
