/* fwplan: why: what the rules are is decided here, where it can be tested without a kernel.
 * Sets keep the number of rules the same for one peer and for a hundred. */
#include "core/net/fwplan.h"

#include "core/net/route.h"
#include "core/net/sock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRIO_MANGLE (-150)
#define PRIO_BEFORE_FILTER (-10)
#define PRIO_AFTER_SRCNAT 110

static int by_range(const void *pa, const void *pb)
{
	const struct fw_range *a = pa, *b = pb;
	int d = addr_cmp(&a->from, &b->from);

	return d ? d : addr_cmp(&a->to, &b->to);
}

/* The address after a; false at the last of the family. */
static bool next_addr(const struct ip_addr *a, struct ip_addr *out)
{
	*out = *a;
	for (size_t i = addr_len(a); i-- > 0;)
		if (++out->b[i])
			return true;
	return false;
}

/* Sort, and join what overlaps or touches: the kernel takes no overlapping ranges. */
static void merge(struct fw_set *s)
{
	size_t n = 0;

	if (!s->n || s->kind == FW_IFNAMES)
		return;
	qsort(s->ranges, s->n, sizeof(*s->ranges), by_range);
	for (size_t i = 1; i < s->n; i++) {
		struct ip_addr after;

		if (!next_addr(&s->ranges[n].to, &after) ||
		    addr_cmp(&s->ranges[i].from, &after) <= 0) {
			if (addr_cmp(&s->ranges[i].to, &s->ranges[n].to) > 0)
				s->ranges[n].to = s->ranges[i].to;
		} else {
			s->ranges[++n] = s->ranges[i];
		}
	}
	s->n = n + 1;
}

static struct fw_set *new_set(struct fw_plan *p, const char *name, enum fw_set_kind kind)
{
	struct fw_set *s;

	if (p->n_sets == FW_SETS_MAX) {
		p->bad = true;
		return &p->sets[0];
	}
	s = &p->sets[p->n_sets++];
	memset(s, 0, sizeof(*s));
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->kind = (uint8_t)kind;
	return s;
}

/* One that is not in the set: each peer has an interface of its own. */
static void add_new_name(struct fw_plan *p, struct fw_set *s, const char *name)
{
	char (*v)[IFNAME_MAX] = realloc(s->names, (s->n + 1) * sizeof(*v));

	if (!v) {
		p->bad = true;
		return;
	}
	s->names = v;
	memset(v[s->n], 0, IFNAME_MAX);	/* the kernel compares all 16 bytes */
	snprintf(v[s->n++], IFNAME_MAX, "%s", name);
}

static void add_name(struct fw_plan *p, struct fw_set *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->names[i], name))
			return;
	add_new_name(p, s, name);
}

/* To the set of its family. */
static void add_net(struct fw_plan *p, struct fw_set *v4, struct fw_set *v6,
		    const struct prefix *net)
{
	struct selector all = selector_of(net);
	struct fw_set *s = net->addr.family == AF_INET ? v4 : v6;
	struct fw_range *v = realloc(s->ranges, (s->n + 1) * sizeof(*v));

	if (!v) {
		p->bad = true;
		return;
	}
	s->ranges = v;
	v[s->n++] = (struct fw_range){ .from = all.from, .to = all.to };
}

/* A match, for the lists below. */
#define M(k, ...) ((struct fw_match){ .kind = (k), __VA_ARGS__ })
#define NAMED(k, text) named((k), (text))

static struct fw_match named(enum fw_match_kind k, const char *name)
{
	struct fw_match m = { .kind = (uint8_t)k };

	snprintf(m.name, sizeof(m.name), "%s", name);
	return m;
}

static size_t chain(struct fw_plan *p, const char *name, const char *type, uint8_t hook, int prio)
{
	p->chains[p->n_chains] = (struct fw_chain){ .name = name, .type = type, .hook = hook,
						    .prio = prio };
	return p->n_chains++;
}

static void rule_v(struct fw_plan *p, enum fw_action action, uint32_t v,
		   const struct fw_match *m, size_t n)
{
	struct fw_rule *r;

	/* A match on an empty set is never true, so neither is the rule. */
	for (size_t i = 0; i < n; i++)
		if (m[i].set && !m[i].set->n)
			return;
	if (p->n_rules == FW_RULES_MAX || n > FW_MATCH_MAX) {
		p->bad = true;
		return;
	}
	r = &p->rules[p->n_rules++];
	memset(r, 0, sizeof(*r));
	r->chain = p->n_chains - 1;
	r->action = (uint8_t)action;
	r->v = v;
	r->n = (uint8_t)n;
	for (size_t i = 0; i < n; i++) {
		r->m[i] = m[i];
		if (m[i].set)
			m[i].set->used = true;
	}
}

#define RULE_V(p, action, v, ...) do { \
	const struct fw_match rule_m[] = { __VA_ARGS__ }; \
	rule_v(p, action, v, rule_m, sizeof(rule_m) / sizeof(*rule_m)); \
	} while (0)
#define RULE(p, action, ...) RULE_V(p, action, 0, __VA_ARGS__)

struct sets {
	struct fw_set *lans, *inside, *lan_tunnels, *wan_tunnels;
	struct fw_set *gateways[2], *remote[2], *guard[2], *own[2], *masq[2];
	struct fw_set *to_lan[2], *to_wan[2];	/* remote networks by forward_lan, _wan */
};

/* What leaves by the WAN with the WAN's address: networks that nobody out there could answer.
 * Public ones are somebody's routed addresses and keep them. */
static bool is_private(const struct prefix *p)
{
	static const char *const nets[] = {
		"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7",
	};

	for (size_t i = 0; i < sizeof(nets) / sizeof(*nets); i++) {
		struct prefix n;

		if (prefix_parse(nets[i], &n, NULL) == 0 && prefix_covers(&n, p))
			return true;
	}
	return false;
}

static bool all_gateways_known(const struct firewall_want *w)
{
	for (size_t i = 0; i < w->n_peers; i++)
		if (w->peers[i].anywhere)
			return false;
	return w->n_peers > 0;
}

static bool any_roams(const struct firewall_want *w)
{
	for (size_t i = 0; i < w->n_peers; i++)
		if (w->peers[i].roams)
			return true;
	return false;
}

uint16_t fwplan_ike_port(const struct firewall_want *w)
{
	return w->ike_port ? w->ike_port : SOCK_IKE_PORT;
}

uint16_t fwplan_natt_port(const struct firewall_want *w)
{
	return w->natt_port ? w->natt_port : SOCK_NATT_PORT;
}

static bool any_exit(const struct firewall_want *w)
{
	for (size_t i = 0; i < w->n_peers; i++)
		for (size_t j = 0; j < w->peers[i].n_remote; j++)
			if (route_is_exit(&w->peers[i].remote[j]))
				return true;
	return false;
}

static bool is_guarded(const struct firewall_want *w, const struct prefix *net)
{
	for (size_t i = 0; i < w->n_peers; i++) {
		const struct firewall_peer *q = &w->peers[i];

		for (size_t j = 0; q->only_encrypted && j < q->n_remote; j++)
			if (!route_is_exit(&q->remote[j]) && prefix_covers(&q->remote[j], net))
				return true;
	}
	return false;
}

static void fill_sets(struct fw_plan *p, const struct firewall_want *w, struct sets *s)
{
	s->lans = new_set(p, "lans", FW_IFNAMES);
	s->inside = new_set(p, "inside", FW_IFNAMES);
	s->lan_tunnels = new_set(p, "lan_tunnels", FW_IFNAMES);
	s->wan_tunnels = new_set(p, "wan_tunnels", FW_IFNAMES);
	for (int i = 0; i < 2; i++) {
		enum fw_set_kind kind = i ? FW_V6 : FW_V4;

		s->gateways[i] = new_set(p, i ? "gateways6" : "gateways4", kind);
		s->remote[i] = new_set(p, i ? "remote6" : "remote4", kind);
		s->guard[i] = new_set(p, i ? "guarded6" : "guarded4", kind);
		s->own[i] = new_set(p, i ? "own6" : "own4", kind);
		s->masq[i] = new_set(p, i ? "exit6" : "exit4", kind);
		s->to_lan[i] = new_set(p, i ? "to_lan6" : "to_lan4", kind);
		s->to_wan[i] = new_set(p, i ? "to_wan6" : "to_wan4", kind);
	}
	for (size_t i = 0; i < w->view->n_lan; i++) {
		add_name(p, s->lans, w->view->lan[i]);
		add_name(p, s->inside, w->view->lan[i]);
	}
	for (size_t i = 0; i < w->n_peers; i++) {
		const struct firewall_peer *q = &w->peers[i];

		if (q->forward_lan) {
			add_new_name(p, s->inside, q->interface);
			add_new_name(p, s->lan_tunnels, q->interface);
		}
		if (q->forward_wan)
			add_new_name(p, s->wan_tunnels, q->interface);
		for (size_t j = 0; j < q->n_gateways; j++)
			add_net(p, s->gateways[0], s->gateways[1], &q->gateways[j]);
		for (size_t j = 0; j < q->n_remote; j++) {
			if (q->forward_lan)
				add_net(p, s->to_lan[0], s->to_lan[1], &q->remote[j]);
			if (q->forward_wan)
				add_net(p, s->to_wan[0], s->to_wan[1], &q->remote[j]);
			if (route_is_exit(&q->remote[j]))
				continue;
			add_net(p, s->remote[0], s->remote[1], &q->remote[j]);
			if (q->only_encrypted)
				add_net(p, s->guard[0], s->guard[1], &q->remote[j]);
			if (q->forward_wan && is_private(&q->remote[j]))
				add_net(p, s->masq[0], s->masq[1], &q->remote[j]);
		}
	}
	for (size_t i = 0; i < w->view->n_addrs; i++)
		if (is_guarded(w, &w->view->addrs[i].net))
			add_net(p, s->own[0], s->own[1], &w->view->addrs[i].net);
	for (size_t i = 0; i < p->n_sets; i++)
		merge(&p->sets[i]);
}

/* Without interfaces of the peers' own: the same by addresses, of packets that IPsec brought
 * or is to take. Those of no peer's network are another's. */
static void plain_input(struct fw_plan *p, const struct sets *s)
{
	struct fw_match in = M(FW_IN_ESP);

	for (int i = 0; i < 2; i++) {
		struct fw_match from = M(FW_SADDR_SET, .set = s->remote[i]);

		RULE(p, FW_ACCEPT, in, M(FW_SADDR_SET, .set = s->to_lan[i]));
		RULE(p, FW_ACCEPT, in, from,
		     M(FW_CT_STATE, .v = FW_CT_ESTABLISHED | FW_CT_RELATED));
		RULE(p, FW_ACCEPT, in, from, i ? M(FW_ECHO_V6) : M(FW_ECHO_V4));
		RULE(p, FW_DROP, in, from);
	}
}

static void plain_forward(struct fw_plan *p, const struct firewall_want *w,
			  const struct sets *s)
{
	struct fw_match replies = M(FW_CT_STATE, .v = FW_CT_ESTABLISHED | FW_CT_RELATED);
	struct fw_match in = M(FW_IN_ESP), out = M(FW_OUT_ESP);

	for (int i = 0; i < 2; i++) {
		struct fw_match from = M(FW_SADDR_SET, .set = s->to_lan[i]);
		struct fw_match to = M(FW_DADDR_SET, .set = s->to_lan[i]);

		RULE(p, FW_ACCEPT, in, from, M(FW_OIF_SET, .set = s->lans));
		RULE(p, FW_ACCEPT, M(FW_IIF_SET, .set = s->lans), out, to);
		RULE(p, FW_ACCEPT, in, from, out, to);
		if (w->view->wan[0]) {
			RULE(p, FW_ACCEPT, in, M(FW_SADDR_SET, .set = s->to_wan[i]),
			     NAMED(FW_OIF, w->view->wan), M(FW_OUT_ESP, .not = true));
			RULE(p, FW_ACCEPT, out, M(FW_DADDR_SET, .set = s->to_wan[i]), replies);
			RULE(p, FW_ACCEPT, out, M(FW_DADDR_SET, .set = s->to_wan[i]),
			     M(FW_CT_DNAT));
		}
		RULE(p, FW_DROP, in, M(FW_SADDR_SET, .set = s->remote[i]));
		RULE(p, FW_DROP, out, M(FW_DADDR_SET, .set = s->remote[i]));
	}
}

static void input_chain(struct fw_plan *p, const struct firewall_want *w, const struct sets *s)
{
	const uint16_t ports[] = { fwplan_ike_port(w), fwplan_natt_port(w) };

	chain(p, "input", "filter", NF_INET_LOCAL_IN, PRIO_BEFORE_FILTER);
	if (all_gateways_known(w)) {
		for (size_t i = 0; i < 3; i++) {
			struct fw_match what = i < 2 ? M(FW_UDP_DPORT, .v = ports[i]) :
						       M(FW_L4PROTO, .v = IPPROTO_ESP);

			if (i == 1 && any_roams(w)) {
				RULE(p, FW_ACCEPT, what);
				continue;
			}
			for (int f = 0; f < 2; f++)
				RULE(p, FW_ACCEPT, what, M(FW_SADDR_SET, .set = s->gateways[f]));
			RULE(p, FW_ACCEPT, what,
			     M(FW_CT_STATE, .v = FW_CT_ESTABLISHED | FW_CT_RELATED));
			RULE(p, FW_DROP, what);
		}
	}
	if (w->esp == FIREWALL_PLAIN)
		plain_input(p, s);
	RULE(p, FW_ACCEPT, M(FW_IIF_OURS, .not = true));
	RULE(p, FW_ACCEPT, M(FW_IIF_SET, .set = s->lan_tunnels));
	RULE(p, FW_ACCEPT, M(FW_CT_STATE, .v = FW_CT_ESTABLISHED | FW_CT_RELATED));
	RULE(p, FW_ACCEPT, M(FW_ECHO_V4));
	RULE(p, FW_ACCEPT, M(FW_ECHO_V6));
	rule_v(p, FW_DROP, 0, NULL, 0);
}

static void forward_chain(struct fw_plan *p, const struct firewall_want *w, const struct sets *s)
{
	struct fw_match replies = M(FW_CT_STATE, .v = FW_CT_ESTABLISHED | FW_CT_RELATED);

	chain(p, "forward", "filter", NF_INET_FORWARD, PRIO_BEFORE_FILTER);
	if (w->esp == FIREWALL_PLAIN)
		plain_forward(p, w, s);
	RULE(p, FW_ACCEPT, M(FW_IIF_OURS, .not = true), M(FW_OIF_OURS, .not = true));
	RULE(p, FW_ACCEPT, M(FW_IIF_SET, .set = s->lan_tunnels), M(FW_OIF_SET, .set = s->inside));
	RULE(p, FW_ACCEPT, M(FW_IIF_SET, .set = s->inside), M(FW_OIF_SET, .set = s->lan_tunnels));
	if (w->view->wan[0]) {
		RULE(p, FW_ACCEPT, M(FW_IIF_SET, .set = s->wan_tunnels),
		     NAMED(FW_OIF, w->view->wan));
		RULE(p, FW_ACCEPT, NAMED(FW_IIF, w->view->wan),
		     M(FW_OIF_SET, .set = s->wan_tunnels), replies);
		RULE(p, FW_ACCEPT, NAMED(FW_IIF, w->view->wan),
		     M(FW_OIF_SET, .set = s->wan_tunnels), M(FW_CT_DNAT));
	}
	rule_v(p, FW_DROP, 0, NULL, 0);
}

/* RFC 4459 §3.2; 20 (40) bytes of IP header and 20 of TCP. The kernel never raises it. */
static void mss_rules(struct fw_plan *p, uint16_t mtu, struct fw_match by)
{
	RULE_V(p, FW_MSS, mtu - 40u, by, M(FW_NFPROTO, .v = NFPROTO_IPV4), M(FW_TCP_SYN));
	RULE_V(p, FW_MSS, mtu - 60u, by, M(FW_NFPROTO, .v = NFPROTO_IPV6), M(FW_TCP_SYN));
}

/* What came or goes by IPsec, whichever peer's: the least of all. */
static void plain_mss(struct fw_plan *p, const struct firewall_want *w)
{
	uint16_t least = 0;

	for (size_t i = 0; i < w->n_peers; i++)
		if (w->peers[i].mtu >= 256 && (!least || w->peers[i].mtu < least))
			least = w->peers[i].mtu;
	if (!least)
		return;
	mss_rules(p, least, M(FW_IN_ESP));
	mss_rules(p, least, M(FW_OUT_ESP));
}

static void mss_chain(struct fw_plan *p, const struct firewall_want *w)
{
	bool first = true;

	for (size_t i = 0; i < w->n_peers; i++) {
		uint16_t mtu = w->peers[i].mtu;
		struct fw_set *same;
		char name[32];
		bool done = mtu < 256;

		for (size_t j = 0; j < i && !done; j++)
			done = w->peers[j].mtu == mtu;
		if (done)
			continue;
		if (first) {
			chain(p, "mss", "filter", NF_INET_FORWARD, PRIO_MANGLE);
			RULE(p, FW_ACCEPT, M(FW_L4PROTO, .v = IPPROTO_TCP, .not = true));
			RULE(p, FW_ACCEPT, M(FW_TCP_SYN, .not = true));
			first = false;
		}
		snprintf(name, sizeof(name), "mtu_%u", mtu);
		same = new_set(p, name, FW_IFNAMES);
		for (size_t j = i; j < w->n_peers; j++)
			if (w->peers[j].mtu == mtu)
				add_new_name(p, same, w->peers[j].interface);
		for (int out = 0; out < 2; out++)
			mss_rules(p, mtu, M(out ? FW_OIF_SET : FW_IIF_SET, .set = same));
	}
	if (!first && w->esp == FIREWALL_PLAIN)
		plain_mss(p, w);
}

/* One way of a shunt: its packets by addresses, protocol and ports. */
static void shunt_rules(struct fw_plan *p, const struct firewall_shunt *h, enum fw_action action,
			struct fw_set *const from[2], struct fw_set *const to[2], bool out)
{
	uint16_t lo[2] = { h->local_lo, h->remote_lo }, hi[2] = { h->local_hi, h->remote_hi };

	for (int f = 0; f < 2; f++) {
		struct fw_match m[FW_MATCH_MAX];
		size_t n = 0;

		if (!from[f] || !to[f])
			continue;
		m[n++] = M(FW_SADDR_SET, .set = from[f]);
		m[n++] = M(FW_DADDR_SET, .set = to[f]);
		if (h->proto)
			m[n++] = M(FW_L4PROTO, .v = h->proto);
		for (int side = 0; h->proto && side < 2; side++) {
			int i = out ? side : !side;

			if (lo[i] || (hi[i] && hi[i] != 65535))
				m[n++] = M(side ? FW_DPORT_RANGE : FW_SPORT_RANGE,
					   .v = (uint32_t)lo[i] << 16 | hi[i]);
		}
		rule_v(p, action, 0, m, n);
	}
}

/* NULL when none of the networks is of this family. */
static struct fw_set *shunt_set(struct fw_plan *p, const char *name, const struct prefix *nets,
				size_t n, enum fw_set_kind kind)
{
	int family = kind == FW_V4 ? AF_INET : AF_INET6;
	struct fw_set *s = NULL;

	for (size_t i = 0; i < n; i++) {
		if (nets[i].addr.family != family)
			continue;
		if (!s)
			s = new_set(p, name, kind);
		add_net(p, s, s, &nets[i]);
	}
	if (s)
		merge(s);
	return s;
}

/* Those of one kind; in the current chain. */
static void shunts(struct fw_plan *p, const struct firewall_want *w, bool drop, bool out)
{
	for (size_t i = 0; i < w->n_shunts; i++) {
		const struct firewall_shunt *h = &w->shunts[i];
		struct fw_set *local[2], *remote[2];
		char name[32];

		if (h->drop != drop)
			continue;
		for (int f = 0; f < 2; f++) {
			snprintf(name, sizeof(name), "%s_l%zu_v%d", out ? "out" : "in", i, f ? 6 : 4);
			local[f] = shunt_set(p, name, h->local, h->n_local, f ? FW_V6 : FW_V4);
			snprintf(name, sizeof(name), "%s_r%zu_v%d", out ? "out" : "in", i, f ? 6 : 4);
			remote[f] = shunt_set(p, name, h->remote, h->n_remote, f ? FW_V6 : FW_V4);
		}
		shunt_rules(p, h, drop ? FW_DROP : FW_ACCEPT, out ? local : remote,
			    out ? remote : local, out);
	}
}

static void shunt_chains(struct fw_plan *p, const struct firewall_want *w)
{
	bool any = false;

	for (size_t i = 0; i < w->n_shunts; i++)
		any = any || w->shunts[i].drop;
	if (!any)
		return;
	chain(p, "shunt_out", "filter", NF_INET_POST_ROUTING, PRIO_BEFORE_FILTER);
	RULE(p, FW_ACCEPT, M(FW_MARKED));	/* our outer packets */
	shunts(p, w, true, true);
	chain(p, "shunt_in", "filter", NF_INET_PRE_ROUTING, PRIO_MANGLE);
	shunts(p, w, true, false);
}

static void guard_chains(struct fw_plan *p, const struct firewall_want *w, const struct sets *s)
{
	struct fw_match esp = M(FW_L4PROTO, .v = IPPROTO_ESP);

	if (!s->guard[0]->n && !s->guard[1]->n)
		return;
	/* After routing, before source NAT: forwarded and the router's own in one place. */
	chain(p, "guard_out", "filter", NF_INET_POST_ROUTING, PRIO_BEFORE_FILTER);
	RULE(p, FW_ACCEPT, M(FW_MARKED));	/* our outer packets: route.h */
	RULE(p, FW_ACCEPT, M(FW_OIF_OURS));
	/* The kernel's ESP: before it is sealed a packet passes here with the WAN as its way. */
	if (w->esp != FIREWALL_USERSPACE)
		RULE(p, FW_ACCEPT, M(FW_OUT_ESP));
	RULE(p, FW_ACCEPT, NAMED(FW_OIF, "lo"));
	RULE(p, FW_ACCEPT, M(FW_OIF_SET, .set = s->lans));
	RULE(p, FW_ACCEPT, esp);
	shunts(p, w, false, true);
	for (int i = 0; i < 2; i++) {
		/* Should somebody's rules have taken the mark away. */
		RULE(p, FW_ACCEPT, M(FW_DADDR_SET, .set = s->gateways[i]),
		     M(FW_UDP_SPORT, .v = fwplan_ike_port(w)));
		RULE(p, FW_ACCEPT, M(FW_DADDR_SET, .set = s->gateways[i]),
		     M(FW_UDP_SPORT, .v = fwplan_natt_port(w)));
		RULE(p, FW_ACCEPT, M(FW_DADDR_SET, .set = s->own[i]));
		RULE(p, FW_DROP, M(FW_DADDR_SET, .set = s->guard[i]));
	}
	/* Before routing and destination NAT: for us or for others. */
	chain(p, "guard_in", "filter", NF_INET_PRE_ROUTING, PRIO_MANGLE);
	RULE(p, FW_ACCEPT, M(FW_IIF_OURS));
	if (w->esp == FIREWALL_PLAIN)
		RULE(p, FW_ACCEPT, M(FW_IN_ESP));
	RULE(p, FW_ACCEPT, NAMED(FW_IIF, "lo"));
	RULE(p, FW_ACCEPT, M(FW_IIF_SET, .set = s->lans));
	RULE(p, FW_ACCEPT, esp);
	RULE(p, FW_ACCEPT, M(FW_UDP_DPORT, .v = fwplan_ike_port(w)));
	RULE(p, FW_ACCEPT, M(FW_UDP_DPORT, .v = fwplan_natt_port(w)));
	shunts(p, w, false, false);
	for (int i = 0; i < 2; i++) {
		RULE(p, FW_ACCEPT, M(FW_SADDR_SET, .set = s->own[i]));
		RULE(p, FW_DROP, M(FW_SADDR_SET, .set = s->guard[i]));
	}
}

static void nat_chains(struct fw_plan *p, const struct firewall_want *w, const struct sets *s,
		       bool keep_source)
{
	if (keep_source) {
		/* A connection bound once, even to what it had, is not bound again by a
		 * later chain. */
		chain(p, "nat_keep", "nat", NF_INET_POST_ROUTING, PRIO_MANGLE);
		RULE(p, FW_KEEP_SOURCE_V4, M(FW_OIF_OURS), M(FW_NFPROTO, .v = NFPROTO_IPV4));
		RULE(p, FW_KEEP_SOURCE_V6, M(FW_OIF_OURS), M(FW_NFPROTO, .v = NFPROTO_IPV6));
		if (w->esp == FIREWALL_PLAIN) {
			RULE(p, FW_KEEP_SOURCE_V4, M(FW_OUT_ESP), M(FW_NFPROTO, .v = NFPROTO_IPV4));
			RULE(p, FW_KEEP_SOURCE_V6, M(FW_OUT_ESP), M(FW_NFPROTO, .v = NFPROTO_IPV6));
		}
		/* From the tunnel to the LAN; by its source, since kernels before 5.7 know no
		 * input interface here. */
		RULE(p, FW_KEEP_SOURCE_V4, M(FW_OIF_SET, .set = s->lans),
		     M(FW_SADDR_SET, .set = s->remote[0]));
		RULE(p, FW_KEEP_SOURCE_V6, M(FW_OIF_SET, .set = s->lans),
		     M(FW_SADDR_SET, .set = s->remote[1]));
	}
	if (w->view->wan[0] && (s->masq[0]->n || s->masq[1]->n)) {
		/* After everybody else's, who may have a better address for them. */
		chain(p, "nat_exit", "nat", NF_INET_POST_ROUTING, PRIO_AFTER_SRCNAT);
		for (int i = 0; i < 2; i++)
			RULE(p, FW_MASQUERADE, NAMED(FW_OIF, w->view->wan),
			     M(FW_SADDR_SET, .set = s->masq[i]));
	}
}

static void mark_chains(struct fw_plan *p, const struct firewall_want *w)
{
	if (!w->view->wan[0] || !any_exit(w))
		return;
	chain(p, "mark_in", "filter", NF_INET_PRE_ROUTING, PRIO_MANGLE);
	if (w->esp == FIREWALL_PLAIN)
		RULE(p, FW_SET_CT_MARK, NAMED(FW_IIF, w->view->wan), M(FW_IN_ESP, .not = true),
		     M(FW_CT_STATE, .v = FW_CT_NEW));
	else
		RULE(p, FW_SET_CT_MARK, NAMED(FW_IIF, w->view->wan),
		     M(FW_CT_STATE, .v = FW_CT_NEW));
	RULE(p, FW_SET_MARK, M(FW_CT_MARKED));
	chain(p, "mark_out", "route", NF_INET_LOCAL_OUT, PRIO_MANGLE);
	RULE(p, FW_SET_MARK, M(FW_CT_MARKED));
}

struct fw_plan *fwplan_new(const struct firewall_want *w, bool keep_source)
{
	struct fw_plan *p = calloc(1, sizeof(*p));
	struct sets s;

	if (!p)
		return NULL;
	fill_sets(p, w, &s);
	input_chain(p, w, &s);
	forward_chain(p, w, &s);
	mss_chain(p, w);
	shunt_chains(p, w);
	guard_chains(p, w, &s);
	nat_chains(p, w, &s, keep_source);
	mark_chains(p, w);
	if (p->bad) {
		fwplan_free(p);
		return NULL;
	}
	return p;
}

void fwplan_free(struct fw_plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_sets; i++) {
		free(p->sets[i].names);
		free(p->sets[i].ranges);
	}
	free(p);
}
