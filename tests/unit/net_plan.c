/* rooms: core/net core/base */
/* What routes and rules a set of networks gets, and which interface is WAN and which LAN. */
#include "core/net/plan.h"
#include "tests/unit/t.h"

static struct link links_v[8];
static struct link_list links = { .v = links_v };
static struct link_addr addrs[8][2];
static struct view view;
static struct plan plan;

static struct prefix net(const char *text)
{
	struct prefix p;
	struct err e = { 0 };

	if (prefix_parse(text, &p, &e)) {
		printf("    %s\n", e.msg);
		abort();
	}
	return p;
}

static struct ip_addr ip(const char *text)
{
	struct ip_addr a;

	if (addr_parse(text, &a, NULL))
		abort();
	return a;
}

static struct link *add_link(int index, const char *name, const char *addr, unsigned len)
{
	struct link *k = &links_v[links.n];

	memset(k, 0, sizeof(*k));
	k->index = index;
	snprintf(k->name, sizeof(k->name), "%s", name);
	k->ours = link_name_is_ours(name);
	k->loopback = !strcmp(name, "lo");
	k->mtu = 1500;
	if (addr) {
		addrs[links.n][0] = (struct link_addr){ .addr = ip(addr), .len = (uint8_t)len,
							.usable = true };
		k->addrs = addrs[links.n];
		k->n_addrs = 1;
	}
	links.n++;
	return k;
}

static void router(void)
{
	static struct route def;
	struct route_list routes = { .n = 1, .v = &def };
	struct router_conf conf = { 0 };

	links.n = 0;
	add_link(1, "lo", "127.0.0.1", 8);
	add_link(2, "eth0", "203.0.113.1", 24);
	add_link(3, "br-lan", "10.1.0.1", 24);
	add_link(4, "eth1", NULL, 0)->master = 3;
	add_link(5, "guest", "10.9.0.1", 24);
	add_link(7, "adit-branch", NULL, 0);
	def = (struct route){ .dst = net("0.0.0.0/0"), .table = 254, .oif = 2 };
	view_make(&conf, &links, &routes, &view);
}

static const struct route *find(const char *dst)
{
	struct prefix p = net(dst);

	for (size_t i = 0; i < plan.n_routes; i++)
		if (prefix_equal(&plan.routes[i].dst, &p))
			return &plan.routes[i];
	return NULL;
}

static const struct plan_rule *find_rule(uint32_t pref, const char *from)
{
	struct prefix p = net(from);

	for (size_t i = 0; i < plan.n_rules; i++)
		if (plan.rules[i].pref == pref && plan.rules[i].from.len == p.len &&
		    (p.len == 0 || prefix_equal(&plan.rules[i].from, &p)))
			return &plan.rules[i];
	return NULL;
}

static struct route_want want_of(const struct prefix *local, const struct prefix *remote)
{
	return (struct route_want){
		.interface = "adit-branch", .gateway = ip("198.51.100.2"),
		.local = local, .n_local = 1, .remote = remote, .n_remote = 1,
		.up = true, .only_encrypted = true,
	};
}

static struct route have_v[4];
static struct route_list have = { .v = have_v };

static void make(const struct route_want *w, size_t n)
{
	plan_fini(&plan);
	CHECK(plan_make(w, n, &view, &links, &have, &plan));
}

static void wan_is_the_default_route(void)
{
	router();
	CHECK_STR(view.wan, "eth0");
	CHECK_INT(view.n_lan, 2);
	CHECK_STR(view.lan[0], "br-lan");
	CHECK_STR(view.lan[1], "guest");
	CHECK(view_is_lan(&view, "guest"));
	CHECK(!view_is_lan(&view, "eth0"));
	CHECK(!view_is_lan(&view, "eth1"));
	/* LANs first, then the WAN. */
	CHECK_INT(view.n_addrs, 3);
	CHECK(view.addrs[0].lan && view.addrs[1].lan && view.addrs[2].wan);
}

static void wan_by_metric_and_family(void)
{
	struct route r[3] = {
		{ .dst = net("::/0"), .table = 254, .oif = 5, .metric = 1 },
		{ .dst = net("0.0.0.0/0"), .table = 254, .oif = 3, .metric = 200 },
		{ .dst = net("0.0.0.0/0"), .table = 254, .oif = 2, .metric = 100 },
	};
	struct route_list routes = { .n = 3, .v = r };
	struct router_conf conf = { 0 };

	router();
	view_make(&conf, &links, &routes, &view);
	CHECK_STR(view.wan, "eth0");
	routes.n = 1;
	view_make(&conf, &links, &routes, &view);
	CHECK_STR(view.wan, "guest");
	/* A default route into a tunnel of ours is not the WAN. */
	r[0].oif = 7;
	view_make(&conf, &links, &routes, &view);
	CHECK_STR(view.wan, "");
}

static void settings_choose_the_interfaces(void)
{
	struct route_list routes = { 0 };
	struct router_conf conf = { .wan = "guest", .n_lan = 1, .lan = { "eth0" } };

	router();
	view_make(&conf, &links, &routes, &view);
	CHECK_STR(view.wan, "guest");
	CHECK_INT(view.n_lan, 1);
	CHECK_STR(view.lan[0], "eth0");
}

static void ordinary_network_is_one_route(void)
{
	struct prefix local = net("10.1.0.0/24"), remote = net("10.2.0.0/24");
	struct route_want w = want_of(&local, &remote);
	const struct route *r;

	router();
	make(&w, 1);
	CHECK_INT(plan.n_routes, 1);
	CHECK_INT(plan.n_rules, 0);
	r = find("10.2.0.0/24");
	CHECK(r != NULL);
	CHECK_INT(r->table, 254);
	CHECK_INT(r->metric, ROUTE_METRIC_V4);
	CHECK_INT(r->oif, 7);
	CHECK_INT(r->type, ROUTE_UNICAST);
	CHECK(r->src.family == AF_INET && r->src.b[0] == 10 && r->src.b[3] == 1);
}

static void down_is_unreachable_or_nothing(void)
{
	struct prefix local = net("10.1.0.0/24"), remote = net("10.2.0.0/24");
	struct prefix all = net("0.0.0.0/0");
	struct route_want w = want_of(&local, &remote);

	router();
	w.up = false;
	make(&w, 1);
	CHECK_INT(plan.n_routes, 1);
	CHECK_INT(find("10.2.0.0/24")->type, ROUTE_UNREACHABLE);
	w.only_encrypted = false;
	make(&w, 1);
	CHECK_INT(plan.n_routes, 0);
	w.only_encrypted = true;
	w.remote = &all;
	make(&w, 1);
	CHECK_INT(plan.n_routes, 0);
	CHECK_INT(plan.n_rules, 0);
}

static void everything_gets_a_table_of_its_own(void)
{
	struct prefix local = net("10.1.0.0/24"), remote = net("0.0.0.0/0");
	struct route_want w = want_of(&local, &remote);
	const struct plan_rule *m, *t;
	const char *thrown[] = { "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4",
				 "255.255.255.255/32", "198.51.100.2/32" };

	router();
	make(&w, 1);
	CHECK(find("0.0.0.0/0") != NULL);
	CHECK_INT(find("0.0.0.0/0")->table, ROUTE_TABLE | 7 << 4);
	for (size_t i = 0; i < 5; i++) {
		CHECK(find(thrown[i]) != NULL);
		CHECK_INT(find(thrown[i])->type, ROUTE_THROW);
		CHECK_INT(find(thrown[i])->table, ROUTE_TABLE | 7 << 4);
	}
	CHECK_INT(plan.n_routes, 6);
	/* From the local network alone, and not with the mark; main's routes first. */
	CHECK_INT(plan.n_rules, 2);
	m = find_rule(ROUTE_PREF_MAIN, "10.1.0.0/24");
	t = find_rule(ROUTE_PREF_TUNNEL, "10.1.0.0/24");
	CHECK(m && m->suppress_default && m->table == 254 && !m->by_mark);
	CHECK(t && t->by_mark && t->table == (ROUTE_TABLE | 7 << 4));
}

static void own_wan_address_is_left_out(void)
{
	struct prefix local = net("0.0.0.0/0"), remote = net("0.0.0.0/0");
	struct route_want w = want_of(&local, &remote);

	router();
	make(&w, 1);
	CHECK_INT(plan.n_rules, 3);
	CHECK(find_rule(ROUTE_PREF_WAN, "203.0.113.1/32") != NULL);
	CHECK_INT(find_rule(ROUTE_PREF_WAN, "203.0.113.1/32")->table, 254);
}

static void gateway_inside_makes_it_wide(void)
{
	struct prefix local = net("10.1.0.0/24"), remote = net("198.51.100.0/24");
	struct route_want w = want_of(&local, &remote);

	router();
	make(&w, 1);
	CHECK_INT(find("198.51.100.0/24")->table, ROUTE_TABLE | 7 << 4);
	CHECK_INT(find("198.51.100.2/32")->type, ROUTE_THROW);
	CHECK(find("127.0.0.0/8") == NULL);
	/* While it is down nobody gets past: it is no exit to the internet. */
	w.up = false;
	make(&w, 1);
	CHECK_INT(find("198.51.100.0/24")->type, ROUTE_UNREACHABLE);
	CHECK_INT(plan.n_rules, 2);
}

static void two_children_two_tables(void)
{
	struct prefix a = net("10.1.0.0/24"), b = net("10.9.0.0/24"), all = net("0.0.0.0/0");
	struct route_want w[2] = { want_of(&a, &all), want_of(&b, &all) };

	router();
	make(w, 2);
	CHECK_INT(find_rule(ROUTE_PREF_TUNNEL, "10.1.0.0/24")->table, ROUTE_TABLE | 7 << 4);
	CHECK_INT(find_rule(ROUTE_PREF_TUNNEL, "10.9.0.0/24")->table, ROUTE_TABLE | 7 << 4 | 1);
}

static void the_peer_that_is_up_gets_it(void)
{
	struct prefix local = net("10.1.0.0/24"), remote = net("10.2.0.0/24");
	struct route_want w[2] = { want_of(&local, &remote), want_of(&local, &remote) };

	router();
	add_link(9, "adit-b", NULL, 0);
	w[0].up = false;
	w[1].interface = "adit-b";
	make(w, 2);
	CHECK_INT(plan.n_routes, 1);
	CHECK_INT(find("10.2.0.0/24")->oif, 9);
	links.n--;
}

static void other_family_has_no_route(void)
{
	struct prefix local = net("10.1.0.0/24"), remote = net("2001:db8:2::/48");
	struct route_want w = want_of(&local, &remote);

	router();
	make(&w, 1);
	CHECK_INT(plan.n_routes, 0);
	/* No interface, no route. */
	w.interface = "adit-none";
	make(&w, 1);
	CHECK_INT(plan.n_routes, 0);
}

static void ipv6_exit(void)
{
	struct prefix local = net("fd01::/64"), remote = net("::/0");
	struct route_want w = want_of(&local, &remote);

	router();
	w.gateway = ip("2001:db8::9");
	make(&w, 1);
	CHECK_INT(find("::/0")->metric, ROUTE_METRIC_V6);
	CHECK_INT(find("fe80::/10")->type, ROUTE_THROW);
	CHECK_INT(find("ff00::/8")->type, ROUTE_THROW);
	CHECK_INT(find("2001:db8::9/128")->type, ROUTE_THROW);
	CHECK_INT(find_rule(ROUTE_PREF_TUNNEL, "fd01::/64")->family, AF_INET6);
}

static void what_is_an_exit(void)
{
	struct prefix p = net("0.0.0.0/0");

	CHECK(route_is_exit(&p));
	p = net("128.0.0.0/1");
	CHECK(route_is_exit(&p));
	p = net("10.0.0.0/8");
	CHECK(!route_is_exit(&p));
	p = net("2000::/3");
	CHECK(route_is_exit(&p));
	p = net("2001:db8::/32");
	CHECK(!route_is_exit(&p));
}

static void names(void)
{
	CHECK(link_name_ok("adit-branch"));
	CHECK(!link_name_ok(""));
	CHECK(!link_name_ok("a/b"));
	CHECK(!link_name_ok("a b"));
	CHECK(!link_name_ok(".."));
	CHECK(!link_name_ok("a234567890123456"));
	CHECK(link_name_ok("a23456789012345"));
	CHECK(link_name_is_ours("adit-x"));
	CHECK(!link_name_is_ours("aditx"));
}

static void bypass_goes_the_way_it_had(void)
{
	struct prefix local = net("10.1.0.0/24"), wide = net("10.0.0.0/8"), in = net("10.5.0.0/16");
	struct route_want w[2];

	router();
	have_v[0] = (struct route){ .dst = net("0.0.0.0/0"), .type = ROUTE_UNICAST, .table = 254,
				    .oif = 2, .gateway = ip("203.0.113.254") };
	have_v[1] = (struct route){ .dst = wide, .type = ROUTE_UNICAST, .table = 254, .oif = 7,
				    .ours = true, .metric = 20 };
	have.n = 2;
	w[0] = want_of(&local, &wide);
	w[1] = want_of(&local, &in);
	w[1].bypass = true;
	make(w, 2);
	CHECK_INT(find("10.0.0.0/8")->oif, 7);
	CHECK_INT(find("10.5.0.0/16")->oif, 2);
	CHECK(addr_equal(&find("10.5.0.0/16")->gateway, &have_v[0].gateway));
	CHECK(find("10.5.0.0/16")->ours);
	CHECK(find("10.5.0.0/16")->table != 254);
	CHECK_INT(find_rule(ROUTE_PREF_BYPASS, "10.1.0.0/24")->table, find("10.5.0.0/16")->table);
	CHECK(prefix_equal(&find_rule(ROUTE_PREF_BYPASS, "10.1.0.0/24")->to, &in));
	/* Another's route that is more exact is the way then. */
	have_v[1] = (struct route){ .dst = in, .type = ROUTE_UNICAST, .table = 254, .oif = 3 };
	make(w, 2);
	CHECK_INT(find("10.5.0.0/16")->oif, 3);
	/* No way out: nothing to copy. */
	have.n = 0;
	make(w, 2);
	CHECK(find("10.5.0.0/16") == NULL);
}

int main(void)
{
	T_RUN(wan_is_the_default_route);
	T_RUN(wan_by_metric_and_family);
	T_RUN(settings_choose_the_interfaces);
	T_RUN(ordinary_network_is_one_route);
	T_RUN(down_is_unreachable_or_nothing);
	T_RUN(everything_gets_a_table_of_its_own);
	T_RUN(own_wan_address_is_left_out);
	T_RUN(gateway_inside_makes_it_wide);
	T_RUN(two_children_two_tables);
	T_RUN(the_peer_that_is_up_gets_it);
	T_RUN(other_family_has_no_route);
	T_RUN(ipv6_exit);
	T_RUN(what_is_an_exit);
	T_RUN(bypass_goes_the_way_it_had);
	T_RUN(names);
	plan_fini(&plan);
	return t_done();
}
