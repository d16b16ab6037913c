/* watch: tells when links, addresses, routes, rules or the firewall of this router change,
 * through the loop. Bursts are gathered: the call comes 100 ms after the last change, at the
 * latest 400 ms after the first. Changes that cannot be ours to care for (other families'
 * neighbours, route caches) and our own additions are left out. A lost notification (full
 * socket) is reported as a change of everything.
 */
#ifndef ADIT_NET_WATCH_H
#define ADIT_NET_WATCH_H

#include "core/base/err.h"
#include "core/base/loop.h"

enum {
	WATCH_LINK = 1 << 0,		/* interfaces came, went, up, down, MTU */
	WATCH_ADDR = 1 << 1,
	WATCH_ROUTE = 1 << 2,		/* routes and policy rules */
	WATCH_FIREWALL = 1 << 3,	/* nftables tables, chains, rules */
	WATCH_ALL = 15,
};

struct watch;

/* fn gets the WATCH_* bits that changed. A kernel without nftables is fine: no
 * WATCH_FIREWALL then. l must outlive it. */
struct watch *watch_new(struct loop *l, void (*fn)(void *arg, unsigned what), void *arg,
			struct err *e) MUST_USE;
void watch_free(struct watch *w);

#endif
