/* plan: why: what routes are wanted is decided without asking the kernel, so that it can be
 * tested, and compared with what is there. */
#include "core/net/plan.h"

#include <stdlib.h>
#include <string.h>

#define TABLE_MAIN 254

bool route_is_exit(const struct prefix *p)
{
	return p->len < (p->addr.family == AF_INET ? 8 : 16);
}

bool plan_same_key(const struct route *a, const struct route *b)
{
	return a->table == b->table && a->metric == b->metric && prefix_equal(&a->dst, &b->dst);
}

bool plan_same_route(const struct route *a, const struct route *b)
{
	if (!plan_same_key(a, b) || a->type != b->type)
		return false;
	/* The kernel names "lo" for an IPv6 unreachable one. */
	return a->type != ROUTE_UNICAST ||
	       (a->oif == b->oif && addr_equal(&a->src, &b->src) &&
		addr_equal(&a->gateway, &b->gateway));
}

bool plan_same_rule(const struct plan_rule *a, const struct plan_rule *b)
{
	return a->family == b->family && a->pref == b->pref && a->table == b->table &&
	       a->by_mark == b->by_mark && a->suppress_default == b->suppress_default &&
	       a->from.len == b->from.len &&
	       (a->from.len == 0 || prefix_equal(&a->from, &b->from)) &&
	       a->to.len == b->to.len && (a->to.len == 0 || prefix_equal(&a->to, &b->to));
}

/* Append *one to an array that grows; the array or NULL. */
static void *grown(void *v, size_t n, size_t size)
{
	/* A power of two is full. */
	if (n & (n - 1) || (n == 0 && v))
		return v;
	return realloc(v, (n ? n * 2 : 1) * size);
}

static bool add_route(struct plan *p, const struct route *r)
{
	struct route *v;

	for (size_t i = 0; i < p->n_routes; i++) {
		if (!plan_same_key(&p->routes[i], r))
			continue;
		/* The first that is up has it. */
		if (p->routes[i].type == ROUTE_UNREACHABLE && r->type == ROUTE_UNICAST)
			p->routes[i] = *r;
		return true;
	}
	v = grown(p->routes, p->n_routes, sizeof(*v));
	if (!v)
		return false;
	p->routes = v;
	p->routes[p->n_routes++] = *r;
	return true;
}

static bool add_rule(struct plan *p, const struct plan_rule *r)
{
	struct plan_rule *v;

	for (size_t i = 0; i < p->n_rules; i++)
		if (plan_same_rule(&p->rules[i], r))
			return true;
	v = grown(p->rules, p->n_rules, sizeof(*v));
	if (!v)
		return false;
	p->rules = v;
	p->rules[p->n_rules++] = *r;
	return true;
}

/* Must not go in table main; see route.h. */
static bool is_wide(const struct prefix *r, const struct route_want *w, const struct view *v)
{
	if (route_is_exit(r))
		return true;
	if (addr_is_set(&w->gateway) && prefix_contains(r, &w->gateway))
		return true;
	for (size_t i = 0; i < w->n_others; i++)
		if (prefix_contains(r, &w->others[i]))
			return true;
	for (size_t i = 0; i < v->n_addrs; i++)
		if (v->addrs[i].wan && prefix_contains(r, &v->addrs[i].addr))
			return true;
	return false;
}

/* What is never captured: loopback, link-local, multicast, broadcast, the gateway. */
static bool add_throws(struct plan *p, const struct prefix *dst, uint32_t table,
		       const struct route_want *w)
{
	static const char *const nets[] = {
		"127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255/32",
		"::1/128", "fe80::/10", "ff00::/8",
	};
	struct route r = { .type = ROUTE_THROW, .table = table, .proto = ROUTE_PROTO,
			   .ours = true };

	r.metric = dst->addr.family == AF_INET ? ROUTE_METRIC_V4 : ROUTE_METRIC_V6;
	for (size_t i = 0; i < sizeof(nets) / sizeof(*nets); i++)
		if (prefix_parse(nets[i], &r.dst, NULL) == 0 && prefix_covers(dst, &r.dst) &&
		    !add_route(p, &r))
			return false;
	for (size_t i = 0; i <= w->n_others; i++) {
		const struct ip_addr *a = i ? &w->others[i - 1] : &w->gateway;

		if (!addr_is_set(a))
			continue;
		r.dst = prefix_host(a);
		if (prefix_covers(dst, &r.dst) && !add_route(p, &r))
			return false;
	}
	return true;
}

static bool add_rules(struct plan *p, int family, uint32_t table, const struct route_want *w,
		      const struct view *v)
{
	for (size_t i = 0; i < w->n_local; i++) {
		struct plan_rule r = { .family = (uint8_t)family, .from = w->local[i] };

		if (r.from.addr.family != family)
			continue;
		for (size_t j = 0; j < v->n_addrs; j++) {
			struct plan_rule own = { .family = (uint8_t)family,
				.pref = ROUTE_PREF_WAN, .table = TABLE_MAIN,
				.from = prefix_host(&v->addrs[j].addr) };

			if (v->addrs[j].wan && prefix_contains(&r.from, &v->addrs[j].addr) &&
			    !add_rule(p, &own))
				return false;
		}
		r.pref = ROUTE_PREF_MAIN;
		r.table = TABLE_MAIN;
		r.suppress_default = true;
		if (!add_rule(p, &r))
			return false;
		r.pref = ROUTE_PREF_TUNNEL;
		r.table = table;
		r.suppress_default = false;
		r.by_mark = true;
		if (!add_rule(p, &r))
			return false;
	}
	return true;
}

static bool has_family(const struct prefix *v, size_t n, int family)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].addr.family == family)
			return true;
	return false;
}

static bool add_want(struct plan *p, const struct route_want *w, int oif, uint32_t table,
		     const struct view *v)
{
	for (size_t i = 0; i < w->n_remote; i++) {
		const struct prefix *dst = &w->remote[i];
		int family = dst->addr.family;
		bool wide = is_wide(dst, w, v);
		struct route r = { .dst = *dst, .oif = oif, .proto = ROUTE_PROTO, .ours = true,
				   .table = wide ? table : TABLE_MAIN };

		/* No selector would take it. */
		if (!has_family(w->local, w->n_local, family))
			continue;
		if (!w->up && (!w->only_encrypted || route_is_exit(dst)))
			continue;
		r.metric = family == AF_INET ? ROUTE_METRIC_V4 : ROUTE_METRIC_V6;
		if (w->up) {
			r.type = ROUTE_UNICAST;
			view_source(v, family, w->local, w->n_local, &r.src);
		} else {
			r.type = ROUTE_UNREACHABLE;
			r.oif = 0;
		}
		if (!add_route(p, &r))
			return false;
		if (wide && (!add_throws(p, dst, table, w) ||
			     !add_rules(p, family, table, w, v)))
			return false;
	}
	return true;
}

/* The way to a network that others' routes in table main give; the most exact, of those the
 * one with the least metric. */
static const struct route *way_without_us(const struct route_list *have, const struct prefix *dst)
{
	const struct route *best = NULL;

	for (size_t i = 0; have && i < have->n; i++) {
		const struct route *r = &have->v[i];

		if (r->ours || r->table != TABLE_MAIN || r->type != ROUTE_UNICAST ||
		    !prefix_covers(&r->dst, dst))
			continue;
		if (!best || r->dst.len > best->dst.len ||
		    (r->dst.len == best->dst.len && r->metric < best->metric))
			best = r;
	}
	return best;
}

static bool add_bypass(struct plan *p, const struct route_want *w, uint32_t table,
		       const struct route_list *have)
{
	for (size_t i = 0; i < w->n_remote; i++) {
		const struct prefix *dst = &w->remote[i];
		const struct route *way = way_without_us(have, dst);
		struct route r;

		if (!way)
			continue;
		r = *way;
		r.dst = *dst;
		r.table = table;
		r.proto = ROUTE_PROTO;
		r.ours = true;
		r.metric = dst->addr.family == AF_INET ? ROUTE_METRIC_V4 : ROUTE_METRIC_V6;
		if (!add_route(p, &r))
			return false;
		for (size_t j = 0; j < w->n_local; j++) {
			struct plan_rule rule = { .family = dst->addr.family, .from = w->local[j],
						  .to = *dst, .pref = ROUTE_PREF_BYPASS,
						  .table = table };

			if (w->local[j].addr.family == dst->addr.family && !add_rule(p, &rule))
				return false;
		}
	}
	return true;
}

bool plan_make(const struct route_want *wants, size_t n, const struct view *v,
	       const struct link_list *links, const struct route_list *have, struct plan *out)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < n; i++) {
		const struct link *k = link_find(links, wants[i].interface);
		uint32_t nth = 0, table;

		if (!k)
			continue;
		for (size_t j = 0; j < i; j++)
			nth += !strcmp(wants[j].interface, wants[i].interface);
		table = ROUTE_TABLE | ((uint32_t)k->index & 0xffff) << 4 | (nth & 15);
		if (!(wants[i].bypass ? add_bypass(out, &wants[i], table, have) :
					add_want(out, &wants[i], k->index, table, v))) {
			plan_fini(out);
			return false;
		}
	}
	return true;
}

void plan_fini(struct plan *p)
{
	free(p->routes);
	free(p->rules);
	memset(p, 0, sizeof(*p));
}
