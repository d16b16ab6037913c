/* route: why: all that rtnetlink says about routes and rules, and the one function that makes
 * ours what they should be. */
#include "core/net/route.h"

#include "core/net/nl.h"
#include "core/net/plan.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_MAIN RT_TABLE_MAIN
#define TABLE_MASK 0xfff00000u

static const uint8_t kernel_type[] = {
	[ROUTE_UNICAST] = RTN_UNICAST, [ROUTE_UNREACHABLE] = RTN_UNREACHABLE,
	[ROUTE_BLACKHOLE] = RTN_BLACKHOLE, [ROUTE_PROHIBIT] = RTN_PROHIBIT,
	[ROUTE_THROW] = RTN_THROW, [ROUTE_OTHER] = RTN_UNSPEC,
};

static uint8_t our_type(uint8_t rtn)
{
	for (uint8_t i = 0; i < ROUTE_OTHER; i++)
		if (kernel_type[i] == rtn)
			return i;
	return ROUTE_OTHER;
}

const char *route_proto_name(uint8_t proto, char buf[8])
{
	switch (proto) {
	case ROUTE_PROTO: return "adit";
	case RTPROT_REDIRECT: return "redirect";
	case RTPROT_KERNEL: return "kernel";
	case RTPROT_BOOT: return "boot";
	case RTPROT_STATIC: return "static";
	case RTPROT_RA: return "ra";
	case RTPROT_ZEBRA: return "zebra";
	case RTPROT_BIRD: return "bird";
	case RTPROT_DHCP: return "dhcp";
	case RTPROT_BABEL: return "babel";
	case RTPROT_BGP: return "bgp";
	case RTPROT_ISIS: return "isis";
	case RTPROT_OSPF: return "ospf";
	case RTPROT_RIP: return "rip";
	}
	snprintf(buf, 8, "%u", proto);
	return buf;
}

struct gather {
	struct route_list *l;
	size_t keep;		/* entries of families read before */
	size_t cap;
	int family;
};

static bool attr_addr(const struct nlattr *a, int family, struct ip_addr *out)
{
	if (!a || mnl_attr_get_payload_len(a) != (family == AF_INET ? 4 : 16))
		return false;
	*out = addr_from_bytes(family, mnl_attr_get_payload(a));
	return true;
}

static uint32_t attr_u32(const struct nlattr *a)
{
	uint32_t v = 0;

	if (a && mnl_attr_get_payload_len(a) >= sizeof(v))
		memcpy(&v, mnl_attr_get_payload(a), sizeof(v));
	return v;
}

/* RTA_GATEWAY, or RTA_VIA: an IPv6 gateway of an IPv4 route (RFC 8950). */
static void read_gateway(const struct nlattr *gw, const struct nlattr *via, int family,
			 struct ip_addr *out)
{
	const struct rtvia *v;
	size_t len;

	memset(out, 0, sizeof(*out));
	if (attr_addr(gw, family, out) || !via)
		return;
	v = mnl_attr_get_payload(via);
	len = mnl_attr_get_payload_len(via);
	if (len == sizeof(*v) + 16 && v->rtvia_family == AF_INET6)
		*out = addr_from_bytes(AF_INET6, v->rtvia_addr);
	else if (len == sizeof(*v) + 4 && v->rtvia_family == AF_INET)
		*out = addr_from_bytes(AF_INET, v->rtvia_addr);
}

static int keep_route(struct gather *g, const struct route *r)
{
	if (g->l->n == g->cap) {
		size_t cap = g->cap ? g->cap * 2 : 32;
		struct route *v = realloc(g->l->v, cap * sizeof(*v));

		if (!v)
			return MNL_CB_ERROR;
		g->l->v = v;
		g->cap = cap;
	}
	g->l->v[g->l->n] = *r;
	if (r->oif)
		if_indextoname((unsigned)r->oif, g->l->v[g->l->n].interface);
	g->l->n++;
	return MNL_CB_OK;
}

/* One entry for each next hop. */
static int keep_hops(struct gather *g, struct route *r, const struct nlattr *multi)
{
	const uint8_t *p = mnl_attr_get_payload(multi);
	size_t left = mnl_attr_get_payload_len(multi);

	while (left >= sizeof(struct rtnexthop)) {
		const struct rtnexthop *hop = (const void *)p;
		const struct nlattr *gw = NULL, *via = NULL, *attr;
		size_t step = RTNH_ALIGN(hop->rtnh_len);

		if (hop->rtnh_len < sizeof(*hop) || hop->rtnh_len > left)
			return MNL_CB_ERROR;
		mnl_attr_for_each_payload((const struct nlattr *)(p + sizeof(*hop)),
					  hop->rtnh_len - sizeof(*hop)) {
			if (mnl_attr_get_type(attr) == RTA_GATEWAY)
				gw = attr;
			if (mnl_attr_get_type(attr) == RTA_VIA)
				via = attr;
		}
		r->oif = hop->rtnh_ifindex;
		read_gateway(gw, via, r->dst.addr.family, &r->gateway);
		if (keep_route(g, r) == MNL_CB_ERROR)
			return MNL_CB_ERROR;
		if (step >= left)
			break;
		p += step;
		left -= step;
	}
	return MNL_CB_OK;
}

static void route_attrs(const struct nlmsghdr *h, const struct nlattr **tb, size_t max)
{
	const struct nlattr *a;

	memset(tb, 0, sizeof(*tb) * (max + 1));
	mnl_attr_for_each(a, h, sizeof(struct rtmsg))
		if (mnl_attr_get_type(a) <= max)
			tb[mnl_attr_get_type(a)] = a;
}

static int on_route(const struct nlmsghdr *h, void *arg)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(h);
	const struct nlattr *tb[RTA_VIA + 1];
	struct gather *g = arg;
	struct route r = { 0 };

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*m))
		return MNL_CB_ERROR;
	/* A kernel without IPv6 answers with IPv4's. */
	if (m->rtm_family != g->family || (m->rtm_flags & RTM_F_CLONED))
		return MNL_CB_OK;
	route_attrs(h, tb, RTA_VIA);
	r.table = tb[RTA_TABLE] ? attr_u32(tb[RTA_TABLE]) : m->rtm_table;
	if (r.table != TABLE_MAIN && (r.table & TABLE_MASK) != ROUTE_TABLE)
		return MNL_CB_OK;
	if (!attr_addr(tb[RTA_DST], g->family, &r.dst.addr))
		r.dst.addr.family = (uint8_t)g->family;
	r.dst.len = m->rtm_dst_len;
	if (r.dst.len > addr_bits(&r.dst.addr))
		return MNL_CB_ERROR;
	r.type = our_type(m->rtm_type);
	r.proto = m->rtm_protocol;
	r.scope = m->rtm_scope;
	r.ours = r.proto == ROUTE_PROTO;
	r.metric = attr_u32(tb[RTA_PRIORITY]);
	r.oif = (int)attr_u32(tb[RTA_OIF]);
	attr_addr(tb[RTA_PREFSRC], g->family, &r.src);
	if (tb[RTA_MULTIPATH])
		return keep_hops(g, &r, tb[RTA_MULTIPATH]);
	read_gateway(tb[RTA_GATEWAY], tb[RTA_VIA], g->family, &r.gateway);
	return keep_route(g, &r);
}

static void gather_reset(void *arg)
{
	struct gather *g = arg;

	g->l->n = g->keep;
}

static int by_place(const void *pa, const void *pb)
{
	const struct route *a = pa, *b = pb;
	int d;

	if (a->dst.addr.family != b->dst.addr.family)
		return a->dst.addr.family == AF_INET ? -1 : 1;
	if (a->table != b->table)
		return a->table == TABLE_MAIN ? -1 : b->table == TABLE_MAIN ? 1 :
		       a->table < b->table ? -1 : 1;
	d = addr_cmp(&a->dst.addr, &b->dst.addr);
	if (d)
		return d;
	if (a->dst.len != b->dst.len)
		return a->dst.len < b->dst.len ? -1 : 1;
	if (a->metric != b->metric)
		return a->metric < b->metric ? -1 : 1;
	return a->oif - b->oif;
}

int route_list(struct route_list *out, struct err *e)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct gather g = { .l = out };
	char buf[NL_BUF];
	struct nl n;
	int ret = 0;

	memset(out, 0, sizeof(*out));
	if (nl_open(&n, NETLINK_ROUTE, e))
		return -1;
	for (size_t i = 0; i < 2 && ret == 0; i++) {
		struct nlmsghdr *h = nl_start(buf, RTM_GETROUTE, 0);
		struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

		g.family = families[i];
		g.keep = out->n;
		m->rtm_family = (uint8_t)families[i];
		ret = nl_dump(&n, h, on_route, gather_reset, &g, e);
		if (ret && g.family == AF_INET6 && (errno == EAFNOSUPPORT || errno == EOPNOTSUPP))
			ret = 0;
	}
	nl_close(&n);
	if (ret) {
		route_list_fini(out);
		return err_wrap(e, "list the routes");
	}
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_place);
	return 0;
}

void route_list_fini(struct route_list *l)
{
	free(l->v);
	memset(l, 0, sizeof(*l));
}

static int on_lookup(const struct nlmsghdr *h, void *arg)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(h);
	const struct nlattr *tb[RTA_VIA + 1], *a;
	struct route_answer *out = arg;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*m))
		return MNL_CB_ERROR;
	route_attrs(h, tb, RTA_VIA);
	if (m->rtm_type != RTN_UNICAST && m->rtm_type != RTN_LOCAL)
		return MNL_CB_OK;	/* unreachable: interface stays "" */
	attr_addr(tb[RTA_PREFSRC], m->rtm_family, &out->src);
	read_gateway(tb[RTA_GATEWAY], tb[RTA_VIA], m->rtm_family, &out->gateway);
	if (attr_u32(tb[RTA_OIF]))
		if_indextoname(attr_u32(tb[RTA_OIF]), out->interface);
	if (tb[RTA_METRICS])
		mnl_attr_for_each_nested(a, tb[RTA_METRICS])
			if (mnl_attr_get_type(a) == RTAX_MTU)
				out->mtu = attr_u32(a);
	return MNL_CB_OK;
}

int route_lookup(const struct ip_addr *dst, const struct ip_addr *from, uint32_t mark,
		 const char *oif, struct route_answer *out, struct err *e)
{
	char buf[NL_BUF], text[ADDR_TEXT_MAX];
	struct nlmsghdr *h = nl_start(buf, RTM_GETROUTE, 0);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	struct nl n;
	int ret;

	memset(out, 0, sizeof(*out));
	if (!addr_is_set(dst))
		return err_set(e, "no address to look up");
	m->rtm_family = dst->family;
	m->rtm_dst_len = (uint8_t)addr_bits(dst);
	m->rtm_flags = RTM_F_LOOKUP_TABLE;
	mnl_attr_put(h, RTA_DST, addr_len(dst), dst->b);
	if (from && from->family == dst->family) {
		m->rtm_src_len = (uint8_t)addr_bits(from);
		mnl_attr_put(h, RTA_SRC, addr_len(from), from->b);
	}
	if (mark)
		mnl_attr_put_u32(h, RTA_MARK, mark);
	if (oif) {
		unsigned index = if_nametoindex(oif);

		if (!index)
			return err_set(e, "there is no interface %s", oif);
		mnl_attr_put_u32(h, RTA_OIF, index);
	}
	if (nl_open(&n, NETLINK_ROUTE, e))
		return -1;
	ret = nl_ask(&n, h, on_lookup, out, e);
	nl_close(&n);
	if (ret && (errno == ENETUNREACH || errno == EHOSTUNREACH || errno == EACCES ||
		    errno == EINVAL))
		return err_set(e, "no route to %s", addr_str(dst, text));
	if (ret)
		return err_wrap(e, "look up the route to %s", addr_str(dst, text));
	if (!out->interface[0])
		return err_set(e, "no route to %s", addr_str(dst, text));
	if (from && !addr_is_set(&out->src))
		out->src = *from;
	return 0;
}

/* flags: of the netlink message. */
static int put_route(struct nl *n, const struct route *r, uint16_t type, uint16_t flags,
		     struct err *e)
{
	char buf[NL_BUF], text[PREFIX_TEXT_MAX];
	struct nlmsghdr *h = nl_start(buf, type, flags);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

	m->rtm_family = r->dst.addr.family;
	m->rtm_dst_len = r->dst.len;
	m->rtm_table = RT_TABLE_UNSPEC;
	m->rtm_protocol = ROUTE_PROTO;
	m->rtm_type = kernel_type[r->type];
	m->rtm_scope = r->type == ROUTE_UNICAST && !addr_is_set(&r->gateway) ?
		RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	if (type == RTM_DELROUTE)
		m->rtm_scope = RT_SCOPE_NOWHERE;	/* any */
	mnl_attr_put_u32(h, RTA_TABLE, r->table ? r->table : TABLE_MAIN);
	mnl_attr_put_u32(h, RTA_PRIORITY, r->metric);
	if (r->dst.len)
		mnl_attr_put(h, RTA_DST, addr_len(&r->dst.addr), r->dst.addr.b);
	if (r->oif && r->type == ROUTE_UNICAST)
		mnl_attr_put_u32(h, RTA_OIF, (uint32_t)r->oif);
	if (addr_is_set(&r->gateway) && r->gateway.family == r->dst.addr.family)
		mnl_attr_put(h, RTA_GATEWAY, addr_len(&r->gateway), r->gateway.b);
	if (addr_is_set(&r->src) && type == RTM_NEWROUTE)
		mnl_attr_put(h, RTA_PREFSRC, addr_len(&r->src), r->src.b);
	if (nl_talk(n, h, e)) {
		int keep = errno;

		err_wrap(e, "%s the route to %s", type == RTM_NEWROUTE ? "add" : "delete",
			 prefix_str(&r->dst, text));
		errno = keep;
		return -1;
	}
	return 0;
}

/* old: ours in the same place, or NULL. */
static int add_one(struct nl *n, const struct route *r, bool over_ours, struct err *e)
{
	char text[PREFIX_TEXT_MAX];

	if (put_route(n, r, RTM_NEWROUTE, NLM_F_CREATE | (over_ours ? NLM_F_REPLACE : NLM_F_EXCL),
		      e) == 0)
		return 0;
	if (errno == EEXIST)
		return err_set(e, "there is another route to %s with metric %u already, not made "
			       "by adit", prefix_str(&r->dst, text), r->metric);
	return -1;
}

int route_add(const struct route *r, struct err *e)
{
	struct route_list have = { 0 };
	struct route want = *r;
	bool over = false;
	struct nl n;
	int ret;

	want.table = r->table ? r->table : TABLE_MAIN;
	if (r->type == ROUTE_OTHER || (r->type == ROUTE_UNICAST && !r->oif))
		return err_set(e, "a route needs an interface");
	if (route_list(&have, e))
		return -1;
	for (size_t i = 0; i < have.n; i++)
		if (have.v[i].ours && plan_same_key(&have.v[i], &want))
			over = true;
	route_list_fini(&have);
	if (nl_open(&n, NETLINK_ROUTE, e))
		return -1;
	ret = add_one(&n, &want, over, e);
	nl_close(&n);
	return ret;
}

int route_del(const struct route *r, struct err *e)
{
	struct nl n;
	int ret;

	if (nl_open(&n, NETLINK_ROUTE, e))
		return -1;
	ret = put_route(&n, r, RTM_DELROUTE, 0, e);
	nl_close(&n);
	return ret && errno != ESRCH && errno != ENOENT ? -1 : 0;
}

struct rules {
	size_t n, keep;
	struct plan_rule *v;
};

static void rules_reset(void *arg)
{
	struct rules *rs = arg;

	rs->n = rs->keep;
}

/* Keeps ours only. */
static int on_rule(const struct nlmsghdr *h, void *arg)
{
	const struct fib_rule_hdr *m = mnl_nlmsg_get_payload(h);
	const struct nlattr *tb[FRA_PROTOCOL + 1] = { 0 }, *a;
	struct rules *rs = arg;
	struct plan_rule r = { 0 }, *v;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*m))
		return MNL_CB_ERROR;
	mnl_attr_for_each(a, h, sizeof(*m))
		if (mnl_attr_get_type(a) <= FRA_PROTOCOL)
			tb[mnl_attr_get_type(a)] = a;
	if (!tb[FRA_PROTOCOL] || mnl_attr_get_payload_len(tb[FRA_PROTOCOL]) < 1 ||
	    mnl_attr_get_u8(tb[FRA_PROTOCOL]) != ROUTE_PROTO)
		return MNL_CB_OK;
	if (m->family != AF_INET && m->family != AF_INET6)
		return MNL_CB_OK;
	r.family = m->family;
	r.pref = attr_u32(tb[FRA_PRIORITY]);
	r.table = tb[FRA_TABLE] ? attr_u32(tb[FRA_TABLE]) : m->table;
	r.from.addr.family = m->family;
	if (attr_addr(tb[FRA_SRC], m->family, &r.from.addr))
		r.from.len = m->src_len;
	r.to.addr.family = m->family;
	if (attr_addr(tb[FRA_DST], m->family, &r.to.addr))
		r.to.len = m->dst_len;
	r.by_mark = tb[FRA_FWMASK] && attr_u32(tb[FRA_FWMASK]) == ROUTE_MARK;
	r.suppress_default = tb[FRA_SUPPRESS_PREFIXLEN] &&
			     attr_u32(tb[FRA_SUPPRESS_PREFIXLEN]) == 0;
	v = realloc(rs->v, (rs->n + 1) * sizeof(*v));
	if (!v)
		return MNL_CB_ERROR;
	rs->v = v;
	rs->v[rs->n++] = r;
	return MNL_CB_OK;
}

static int list_rules(struct nl *n, struct rules *rs, struct err *e)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	char buf[NL_BUF];

	for (size_t i = 0; i < 2; i++) {
		struct nlmsghdr *h = nl_start(buf, RTM_GETRULE, 0);
		struct fib_rule_hdr *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

		m->family = families[i];
		rs->keep = rs->n;
		if (nl_dump(n, h, on_rule, rules_reset, rs, e) && errno != EAFNOSUPPORT &&
		    errno != EOPNOTSUPP)
			return err_wrap(e, "list the routing rules");
	}
	return 0;
}

static int put_rule(struct nl *n, const struct plan_rule *r, bool add, struct err *e)
{
	char buf[NL_BUF];
	struct nlmsghdr *h = nl_start(buf, add ? RTM_NEWRULE : RTM_DELRULE,
				      add ? NLM_F_CREATE | NLM_F_EXCL : 0);
	struct fib_rule_hdr *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

	m->family = r->family;
	m->action = FR_ACT_TO_TBL;
	m->table = RT_TABLE_UNSPEC;
	m->src_len = r->from.len;
	m->dst_len = r->to.len;
	mnl_attr_put_u32(h, FRA_PRIORITY, r->pref);
	mnl_attr_put_u32(h, FRA_TABLE, r->table);
	mnl_attr_put_u8(h, FRA_PROTOCOL, ROUTE_PROTO);
	if (r->from.len)
		mnl_attr_put(h, FRA_SRC, addr_len(&r->from.addr), r->from.addr.b);
	if (r->to.len)
		mnl_attr_put(h, FRA_DST, addr_len(&r->to.addr), r->to.addr.b);
	if (r->by_mark) {
		mnl_attr_put_u32(h, FRA_FWMARK, 0);
		mnl_attr_put_u32(h, FRA_FWMASK, ROUTE_MARK);
	}
	if (r->suppress_default)
		mnl_attr_put_u32(h, FRA_SUPPRESS_PREFIXLEN, 0);
	if (nl_talk(n, h, e) == 0)
		return 0;
	if (add && errno == EEXIST)
		return 0;
	if (!add && (errno == ENOENT || errno == ESRCH))
		return 0;
	if (errno == EOPNOTSUPP || errno == EAFNOSUPPORT)
		return err_set(e, "this kernel has no policy routing "
			       "(CONFIG_IP_MULTIPLE_TABLES), which 0.0.0.0/0 needs");
	return err_wrap(e, "%s a routing rule", add ? "add" : "delete");
}

/* Carry on after a failure, keep the first. */
static void note(int ret, struct err *got, int *first, struct err *e, unsigned *changed)
{
	if (ret == 0) {
		(*changed)++;
	} else if (*first == 0) {
		*first = -1;
		if (e)
			*e = *got;
	}
	memset(got, 0, sizeof(*got));
}

static const struct route *find_key(const struct route *v, size_t n, const struct route *r)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].ours && plan_same_key(&v[i], r))
			return &v[i];
	return NULL;
}

static const struct plan_rule *find_rule(const struct plan_rule *v, size_t n,
					 const struct plan_rule *r)
{
	for (size_t i = 0; i < n; i++)
		if (plan_same_rule(&v[i], r))
			return &v[i];
	return NULL;
}

/* The order keeps packets where they belong: a table is filled before a rule leads to it,
 * and the rule goes before its table is emptied. */
static int make_so(struct nl *n, const struct plan *p, const struct route_list *have,
		   const struct rules *rs, unsigned *changed, struct err *e)
{
	struct err got = { 0 };
	int ret = 0;

	for (size_t i = 0; i < rs->n; i++)
		if (!find_rule(p->rules, p->n_rules, &rs->v[i]))
			note(put_rule(n, &rs->v[i], false, &got), &got, &ret, e, changed);
	for (size_t i = 0; i < p->n_routes; i++) {
		const struct route *old = find_key(have->v, have->n, &p->routes[i]);

		if (!old || !plan_same_route(old, &p->routes[i]))
			note(add_one(n, &p->routes[i], old != NULL, &got), &got, &ret, e, changed);
	}
	for (size_t i = 0; i < p->n_rules; i++)
		if (!find_rule(rs->v, rs->n, &p->rules[i]))
			note(put_rule(n, &p->rules[i], true, &got), &got, &ret, e, changed);
	for (size_t i = 0; i < have->n; i++) {
		int gone;

		if (!have->v[i].ours || find_key(p->routes, p->n_routes, &have->v[i]))
			continue;
		gone = put_route(n, &have->v[i], RTM_DELROUTE, 0, &got);
		if (gone && (errno == ESRCH || errno == ENOENT))
			gone = 0;
		note(gone, &got, &ret, e, changed);
	}
	return ret;
}

int route_sync(const struct route_want *wants, size_t n_wants, const struct view *v,
	       unsigned *changed, struct err *e)
{
	struct link_list links = { 0 };
	struct route_list have = { 0 };
	struct rules rs = { 0 };
	struct plan p = { 0 };
	unsigned count = 0;
	struct nl n;
	int ret = -1;

	if (changed)
		*changed = 0;
	if (nl_open(&n, NETLINK_ROUTE, e))
		return -1;
	if (link_list(&links, e) || route_list(&have, e) || list_rules(&n, &rs, e))
		goto out;
	if (!plan_make(wants, n_wants, v, &links, &have, &p)) {
		err_set(e, "out of memory");
		goto out;
	}
	ret = make_so(&n, &p, &have, &rs, &count, e);
	if (changed)
		*changed = count;
out:
	plan_fini(&p);
	free(rs.v);
	route_list_fini(&have);
	link_list_fini(&links);
	nl_close(&n);
	return ret;
}
