/* firewall: adit's rules in nftables: one table of our own, and a few tagged rules at the
 * head of other tables' chains where those would drop what we need.
 *
 * The table `inet adit` is replaced in one transaction. Its chains:
 *	input	 IKE (UDP 500, 4500, or the ports set) and ESP only from the peers' addresses,
 *		 when all are known (else from anywhere); while a peer roams, 4500 from
 *		 anywhere. From a tunnel to the router: all, where the peer has
 *		 forward_lan (so its LAN address answers); else replies and ping only.
 *	forward	 tunnel <-> LAN and tunnel <-> tunnel where forward_lan; tunnel -> WAN where
 *		 forward_wan, and the replies; every other packet from or to a tunnel is
 *		 dropped.
 *	mss	 TCP's maximum segment size is lowered to what the tunnel carries, both ways.
 *	guard_*	 "only encrypted": a packet to a remote network leaves by a tunnel, a LAN or
 *		 loopback, or not at all; one from it comes in that way, or not at all, also
 *		 while the tunnel is down. Networks this router is itself connected to are
 *		 left alone, and wide ones (route_is_exit) are not guarded: that would lock
 *		 the admin out.
 *	shunt_*	 what is set to go nowhere is dropped, what is set to go past the tunnels is
 *		 spared by guard_*.
 *	nat_*	 what goes into a tunnel, and from a remote network to a LAN, keeps its source,
 *		 whatever masquerade rule without an interface another table has: we bind it to
 *		 its own address first. Hub: private remote networks of forward_wan peers are
 *		 masqueraded by the WAN.
 *	mark_*	 with a wide remote network: replies to connections that came in by the WAN
 *		 leave by the WAN (ROUTE_MARK; see route.h).
 *
 * An accept of ours does not undo a drop in another table. Every base chain of another table
 * (families ip, ip6, inet; type filter; hooks input, forward, output) whose policy is drop or
 * from which a drop or reject can be reached gets our accept rules at its head; so do
 * prerouting and postrouting chains whose policy is drop. Each carries a comment that starts
 * with FIREWALL_TAG, by which it is found again, also after a crash. A chain that leads to
 * somebody's own rule about an adit- interface has the admin's word on tunnel traffic: there
 * only IKE and ESP are accepted; likewise a NAT rule of his about one ends our keeping of
 * sources (nat_keep). Rules of legacy ip_tables cannot be seen; firewall_notes() says when
 * that module holds any.
 */
#ifndef ADIT_NET_FIREWALL_H
#define ADIT_NET_FIREWALL_H

#include "core/base/addr.h"
#include "core/base/sbuf.h"
#include "core/net/view.h"
#include "core/settings/conf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIREWALL_TABLE "adit"
#define FIREWALL_TAG "adit:auto"

/* An enabled peer, up or down: the rules are the same, so that nothing leaks or flaps when
 * it goes down. Arrays are borrowed; networks of all its children together. */
struct firewall_peer {
	const char *name;
	const char *interface;		/* adit-NAME */
	const struct prefix *gateways;	/* where it may come from; none is fine … */
	size_t n_gateways;
	bool anywhere;			/* … and so is this */
	bool roams;			/* to the NAT-T port from anywhere (RFC 4555) */
	const struct prefix *local;
	size_t n_local;
	const struct prefix *remote;
	size_t n_remote;
	bool forward_wan, forward_lan;
	bool only_encrypted;
	uint16_t mtu;			/* of the tunnel; 0: no clamp */
};

/* What needs no tunnel though it lies in one's networks (RFC 4301 §4.4.1), both ways. */
struct firewall_shunt {
	bool drop;			/* else it passes as it is */
	uint8_t proto;			/* 0: any */
	uint16_t local_lo, local_hi, remote_lo, remote_hi;	/* ports; 0, 65535: any */
	const struct prefix *local, *remote;
	size_t n_local, n_remote;
};

/* Who does ESP, and so how tunnel traffic is told from other. */
enum firewall_esp {
	FIREWALL_USERSPACE,	/* by its interface */
	FIREWALL_KERNEL,	/* likewise; but what goes in passes the WAN's rules, too */
	FIREWALL_PLAIN,		/* no interface: by its having been decrypted, or by what
				 * policy waits for it */
};

struct firewall_want {
	const struct view *view;
	const struct firewall_peer *peers;
	size_t n_peers;
	uint16_t ike_port, natt_port;	/* 0: 500, 4500 */
	uint8_t esp;			/* enum firewall_esp */
	const struct firewall_shunt *shunts;
	size_t n_shunts;
};

/* Holds a copy of what is wanted, to compare with and to put back. */
struct firewall;

struct firewall *firewall_new(void) MUST_USE;
/* Leaves the kernel's rules in place; see firewall_clean(). NULL is fine. */
void firewall_free(struct firewall *f);

/* Want this from now on, and put it in: our table in one transaction (untouched when nothing
 * in it changes), then the other tables. No peers: the same as firewall_clean(). On failure
 * what is wanted is kept, and firewall_check() tries again. */
int firewall_apply(struct firewall *f, const struct firewall_want *w, struct err *e) MUST_USE;
/* Put back what is missing; on WATCH_FIREWALL. *changed (may be NULL): rules or tables put
 * in or taken out. Reads only when all is as it should be. */
int firewall_check(struct firewall *f, unsigned *changed, struct err *e) MUST_USE;
/* Remove our table and every tagged rule of ours from all tables. For stop, and for start
 * after a crash. Nothing there is fine; a kernel without nftables too. */
int firewall_clean(struct err *e) MUST_USE;

/* One sentence for `adit status`: "" or "accept rules in ip filter INPUT, inet fw4 input". */
const char *firewall_notes(const struct firewall *f);

/* What is wanted, as nft would read it: our table. No system call. */
void firewall_text(const struct firewall_want *w, struct sbuf *out);
/* What is in the kernel now: whether our table is there, and every rule of ours in other
 * tables, one a line. Needs CAP_NET_ADMIN. */
int firewall_installed(struct sbuf *out, struct err *e) MUST_USE;

#endif
