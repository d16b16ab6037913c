/* plan: which routes and policy rules a set of wants needs (route.h says why these). Pure:
 * no system call; for core/net and its tests.
 */
#ifndef ADIT_NET_PLAN_H
#define ADIT_NET_PLAN_H

#include "core/net/route.h"

struct plan_rule {
	uint8_t family;
	uint32_t pref;
	struct prefix from, to;		/* len 0: all */
	bool by_mark;			/* fwmark 0/ROUTE_MARK: only packets without the mark */
	bool suppress_default;		/* suppress_prefixlength 0 */
	uint32_t table;
};

struct plan {
	size_t n_routes, n_rules;
	struct route *routes;
	struct plan_rule *rules;
};

/* have: the kernel's routes, for wants that bypass the tunnels; may be NULL where there is none.
 * False when out of memory (the plan is empty then). Where two wants have the same remote
 * network in table main, the first that is up gets it. */
bool plan_make(const struct route_want *wants, size_t n, const struct view *v,
	       const struct link_list *links, const struct route_list *have, struct plan *out);
void plan_fini(struct plan *p);

/* The same place in the kernel's tables: prefix, table, metric. */
bool plan_same_key(const struct route *a, const struct route *b);
/* The same in every respect that we set. */
bool plan_same_route(const struct route *a, const struct route *b);
bool plan_same_rule(const struct plan_rule *a, const struct plan_rule *b);

#endif
