/* view: why: firewall and routes must agree on what is WAN and what is LAN, so it is decided
 * in one place, from one look at the kernel. */
#include "core/net/view.h"

#include "core/net/route.h"

#include <string.h>

#define TABLE_MAIN 254

/* The interface of the default route: IPv4 before IPv6, then the lowest metric. */
static void find_wan(const struct link_list *links, const struct route_list *routes,
		     char out[IFNAME_MAX])
{
	const struct route *best = NULL;

	for (size_t i = 0; i < routes->n; i++) {
		const struct route *r = &routes->v[i];
		const struct link *k = link_find_index(links, r->oif);

		if (r->ours || r->table != TABLE_MAIN || r->dst.len != 0 ||
		    r->type != ROUTE_UNICAST || !k || k->ours || k->loopback)
			continue;
		if (!best || (r->dst.addr.family == AF_INET) > (best->dst.addr.family == AF_INET) ||
		    (r->dst.addr.family == best->dst.addr.family && r->metric < best->metric))
			best = r;
	}
	out[0] = '\0';
	if (best)
		memcpy(out, link_find_index(links, best->oif)->name, IFNAME_MAX);
}

/* Has an address that somebody on that network would speak to. */
static bool has_address(const struct link *k)
{
	for (size_t i = 0; i < k->n_addrs; i++)
		if (!k->addrs[i].link_local)
			return true;
	return false;
}

static void find_lans(const struct link_list *links, struct view *out)
{
	for (size_t i = 0; i < links->n && out->n_lan < VIEW_LAN_MAX; i++) {
		const struct link *k = &links->v[i];

		if (k->loopback || k->ours || k->master || !has_address(k) ||
		    !strcmp(k->name, out->wan))
			continue;
		memcpy(out->lan[out->n_lan++], k->name, IFNAME_MAX);
	}
}

static void add_addrs(const struct link *k, bool wan, bool lan, struct view *out)
{
	for (size_t i = 0; i < k->n_addrs && out->n_addrs < VIEW_ADDR_MAX; i++) {
		const struct link_addr *a = &k->addrs[i];

		if (a->link_local || addr_is_loopback(&a->addr))
			continue;
		out->addrs[out->n_addrs++] = (struct view_addr){
			.addr = a->addr, .net = link_addr_net(a), .mtu = k->mtu,
			.wan = wan, .lan = lan, .usable = a->usable,
		};
	}
}

void view_make(const struct router_conf *conf, const struct link_list *links,
	       const struct route_list *routes, struct view *out)
{
	memset(out, 0, sizeof(*out));
	if (conf->wan[0])
		memcpy(out->wan, conf->wan, IFNAME_MAX);
	else
		find_wan(links, routes, out->wan);
	for (size_t i = 0; i < conf->n_lan; i++)
		memcpy(out->lan[out->n_lan++], conf->lan[i], IFNAME_MAX);
	if (!conf->n_lan)
		find_lans(links, out);
	/* LANs, then WAN, then the rest. */
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < links->n; i++) {
			const struct link *k = &links->v[i];
			bool wan = !strcmp(k->name, out->wan);
			bool lan = !wan && view_is_lan(out, k->name);

			if (k->loopback || k->ours)
				continue;
			if (round == (lan ? 0 : wan ? 1 : 2))
				add_addrs(k, wan, lan, out);
		}
	}
}

int view_take(const struct router_conf *conf, struct view *out, struct err *e)
{
	struct link_list links = { 0 };
	struct route_list routes = { 0 };
	int ret = -1;

	memset(out, 0, sizeof(*out));
	if (link_list(&links, e) == 0 && route_list(&routes, e) == 0) {
		view_make(conf, &links, &routes, out);
		ret = 0;
	}
	link_list_fini(&links);
	route_list_fini(&routes);
	return ret;
}

bool view_is_lan(const struct view *v, const char *name)
{
	for (size_t i = 0; i < v->n_lan; i++)
		if (!strcmp(v->lan[i], name))
			return true;
	return false;
}

bool view_source(const struct view *v, int family, const struct prefix *nets, size_t n,
		 struct ip_addr *out)
{
	for (size_t i = 0; i < v->n_addrs; i++) {
		const struct ip_addr *a = &v->addrs[i].addr;

		if (a->family != family || !v->addrs[i].usable)
			continue;
		for (size_t j = 0; j < n; j++) {
			if (prefix_contains(&nets[j], a)) {
				*out = *a;
				return true;
			}
		}
	}
	return false;
}

bool view_has_addr(const struct view *v, const struct ip_addr *a)
{
	for (size_t i = 0; i < v->n_addrs; i++)
		if (addr_equal(&v->addrs[i].addr, a))
			return true;
	return false;
}
