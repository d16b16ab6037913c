/* rooms: core/net core/base */
/* Which rules the table `inet adit` gets. That the kernel takes them, and that packets obey
 * them, is tested in namespaces (tests/netns/firewall.sh). */
#include "core/net/fwplan.h"
#include "tests/unit/t.h"

static struct prefix nets[32];
static size_t n_nets;
static struct view view;
static struct firewall_peer peers[200];
static struct firewall_want want;
static struct sbuf text;

static const struct prefix *net(const char *t)
{
	struct prefix *p = &nets[n_nets++];

	if (prefix_parse(t, p, NULL))
		abort();
	return p;
}

static struct ip_addr ip(const char *t)
{
	struct ip_addr a;

	if (addr_parse(t, &a, NULL))
		abort();
	return a;
}

static void own_addr(const char *addr, const char *netw, bool lan)
{
	view.addrs[view.n_addrs++] = (struct view_addr){ .addr = ip(addr), .net = *net(netw),
							 .lan = lan, .wan = !lan };
}

static void start(void)
{
	n_nets = 0;
	memset(&view, 0, sizeof(view));
	memset(peers, 0, sizeof(peers));
	strcpy(view.wan, "eth0");
	view.n_lan = 1;
	strcpy(view.lan[0], "br-lan");
	own_addr("10.1.0.1", "10.1.0.0/24", true);
	own_addr("203.0.113.1", "203.0.113.0/24", false);
	peers[0] = (struct firewall_peer){
		.name = "branch", .interface = "adit-branch", .gateways = net("198.51.100.2/32"), .n_gateways = 1,
		.local = net("10.1.0.0/24"), .n_local = 1,
		.remote = net("10.2.0.0/24"), .n_remote = 1,
		.forward_lan = true, .only_encrypted = true, .mtu = 1400,
	};
	want = (struct firewall_want){ .view = &view, .peers = peers, .n_peers = 1 };
}

static const char *rules(bool keep_source)
{
	struct fw_plan *p = fwplan_new(&want, keep_source);

	if (!p)
		return "no plan";
	sbuf_reset(&text);
	fwtext_plan(p, &text);
	fwplan_free(p);
	return sbuf_str(&text);
}

#define HAS(part) CHECK_HAS(rules(true), part)
#define LACKS(part) CHECK(strstr(rules(true), part) == NULL)

static void ike_from_the_peer_alone(void)
{
	start();
	HAS("set gateways4");
	HAS("198.51.100.2");
	HAS("udp dport 500 ip saddr @gateways4 accept");
	HAS("udp dport 4500 ip saddr @gateways4 accept");
	HAS("meta l4proto esp ip saddr @gateways4 accept");
	HAS("udp dport 500 counter drop");
	/* One that may come from anywhere opens it for all. */
	peers[1] = peers[0];
	peers[1].anywhere = true;
	peers[1].interface = "adit-any";
	want.n_peers = 2;
	LACKS("saddr @gateways4");
	LACKS("udp dport 500 counter drop");
}

static void forwarding_follows_the_settings(void)
{
	start();
	HAS("iifname @lan_tunnels oifname @inside accept");
	HAS("iifname @inside oifname @lan_tunnels accept");
	LACKS("wan_tunnels");
	LACKS("masquerade");
	peers[0].forward_lan = false;
	LACKS("lan_tunnels");
	LACKS("@inside");
	peers[0].forward_wan = true;
	HAS("iifname @wan_tunnels oifname \"eth0\" accept");
	HAS("iifname \"eth0\" oifname @wan_tunnels ct state established,related accept");
	HAS("oifname \"eth0\" ip saddr @exit4 masquerade");
}

static void public_networks_keep_their_addresses(void)
{
	start();
	peers[0].forward_wan = true;
	peers[0].remote = net("192.0.2.0/24");
	HAS("iifname @wan_tunnels oifname \"eth0\" accept");
	LACKS("masquerade");
	peers[0].remote = net("0.0.0.0/0");
	LACKS("masquerade");
}

static void no_wan_no_rule_about_it(void)
{
	start();
	view.wan[0] = '\0';
	peers[0].forward_wan = true;
	LACKS("wan_tunnels");
	LACKS("\"\"");
	LACKS("masquerade");
}

static void mss_follows_the_mtu(void)
{
	start();
	HAS("oifname @mtu_1400 meta nfproto ipv4 tcp flags & (syn | rst) == syn "
	    "tcp option maxseg size set 1360");
	HAS("iifname @mtu_1400 meta nfproto ipv6 tcp flags & (syn | rst) == syn "
	    "tcp option maxseg size set 1340");
	peers[1] = peers[0];
	peers[1].interface = "adit-two";
	peers[2] = peers[0];
	peers[2].interface = "adit-three";
	peers[2].mtu = 1280;
	want.n_peers = 3;
	HAS("elements = { \"adit-branch\",\n\t\t\t     \"adit-two\" }");
	HAS("oifname @mtu_1280 meta nfproto ipv4");
	peers[0].mtu = 0;
	want.n_peers = 1;
	LACKS("chain mss");
}

static void only_encrypted_guards_both_ways(void)
{
	start();
	HAS("ip daddr @guarded4 counter drop");
	HAS("ip daddr @gateways4 udp sport 4500 accept");
	HAS("ip saddr @guarded4 counter drop");
	HAS("meta mark & 0x08000000 == 0x08000000 accept");
	LACKS("own4");
	peers[0].only_encrypted = false;
	LACKS("guard");
}

static void own_networks_are_never_guarded(void)
{
	start();
	/* The remote side says 10.0.0.0/8; our LAN is within. */
	peers[0].remote = net("10.0.0.0/8");
	HAS("set own4 {\n\t\ttype ipv4_addr\n\t\tflags interval\n\t\telements = { 10.1.0.0/24 }");
	HAS("ip daddr @own4 accept\n\t\tip daddr @guarded4 counter drop");
	HAS("ip saddr @own4 accept\n\t\tip saddr @guarded4 counter drop");
}

static void an_exit_is_not_guarded(void)
{
	start();
	peers[0].remote = net("0.0.0.0/0");
	LACKS("guard");
	HAS("iifname \"eth0\" ct state new ct mark set ct mark | 0x08000000");
	HAS("type route hook output");
	peers[0].remote = net("10.2.0.0/24");
	LACKS("ct mark");
}

static void sources_are_kept_unless_the_admin_translates(void)
{
	start();
	HAS("oifname \"adit-*\" meta nfproto ipv4 snat ip to ip saddr");
	CHECK(strstr(rules(false), "snat") == NULL);
}

static void overlapping_networks_are_joined(void)
{
	static struct prefix r[6];

	start();
	r[0] = *net("10.2.0.0/24");
	r[1] = *net("10.2.0.0/16");
	r[2] = *net("10.3.0.0/16");
	r[3] = *net("10.9.0.0/24");
	r[4] = *net("255.0.0.0/8");
	r[5] = *net("10.9.0.7/32");
	peers[0].remote = r;
	peers[0].n_remote = 6;
	HAS("elements = { 10.2.0.0/15,\n\t\t\t     10.9.0.0/24,\n\t\t\t     255.0.0.0/8 }");
}

static void both_families(void)
{
	static struct prefix r[2];

	start();
	r[0] = *net("10.2.0.0/24");
	r[1] = *net("fd02::/64");
	peers[0].remote = r;
	peers[0].n_remote = 2;
	peers[0].forward_wan = true;
	HAS("ip6 daddr @guarded6 counter drop");
	HAS("oifname \"eth0\" ip6 saddr @exit6 masquerade");
	peers[0].gateways = net("2001:db8::2/128");
	HAS("udp dport 500 ip6 saddr @gateways6 accept");
}

static void many_peers_few_rules(void)
{
	static char names[200][IFNAME_MAX];
	struct fw_plan *p;
	size_t one;

	start();
	p = fwplan_new(&want, true);
	CHECK(p != NULL);
	one = p->n_rules;
	fwplan_free(p);
	for (int i = 0; i < 200; i++) {
		snprintf(names[i], IFNAME_MAX, "adit-p%d", i);
		peers[i] = peers[0];
		peers[i].interface = names[i];
	}
	want.n_peers = 200;
	p = fwplan_new(&want, true);
	CHECK(p != NULL);
	CHECK_INT(p->n_rules, one);
	fwplan_free(p);
}

static void nothing_wanted_nothing_written(void)
{
	start();
	want.n_peers = 0;
	sbuf_reset(&text);
	firewall_text(&want, &text);
	CHECK_INT(text.len, 0);
}

static void the_kernel_s_packets_pass_twice(void)
{
	start();
	LACKS("rt ipsec");
	LACKS("secpath");
	want.esp = FIREWALL_KERNEL;
	HAS("rt ipsec exists accept");
	LACKS("secpath");
}

static void without_interfaces_by_ipsec_itself(void)
{
	start();
	want.esp = FIREWALL_PLAIN;
	HAS("meta secpath exists ip saddr @to_lan4 accept");
	HAS("meta secpath exists ip saddr @to_lan4 oifname @lans accept");
	HAS("iifname @lans rt ipsec exists ip daddr @to_lan4 accept");
	HAS("meta secpath exists ip saddr @remote4 counter drop");
	HAS("rt ipsec exists ip daddr @remote4 counter drop");
	HAS("meta secpath exists meta nfproto ipv4 tcp flags & (syn | rst) == syn tcp option maxseg size set 1360");
	HAS("rt ipsec exists meta nfproto ipv4 snat ip to ip saddr");
	peers[0].forward_lan = false;
	LACKS("@to_lan4");
	HAS("meta secpath exists ip saddr @remote4 icmp type echo-request accept");
	peers[0].forward_wan = true;
	HAS("meta secpath exists ip saddr @to_wan4 oifname \"eth0\" rt ipsec missing accept");
}

static void exceptions_pass_or_go_nowhere(void)
{
	struct firewall_shunt v[2] = {
		{ .local = net("10.1.0.0/24"), .n_local = 1, .remote_hi = 65535, .local_hi = 65535 },
	};

	start();
	v[0].local = net("10.1.0.0/24");
	v[0].remote = net("10.2.0.128/25");
	v[0].n_remote = 1;
	v[1] = v[0];
	v[1].drop = true;
	v[1].proto = IPPROTO_TCP;
	v[1].remote_lo = 25;
	v[1].remote_hi = 26;
	want.shunts = v;
	want.n_shunts = 2;
	HAS("ip saddr @out_l0_v4 ip daddr @out_r0_v4 accept");
	HAS("ip saddr @in_r0_v4 ip daddr @in_l0_v4 accept");
	HAS("ip saddr @out_l1_v4 ip daddr @out_r1_v4 meta l4proto tcp th dport 25-26 counter drop");
	HAS("ip saddr @in_r1_v4 ip daddr @in_l1_v4 meta l4proto tcp th sport 25-26 counter drop");
	LACKS("_v6");
}

int main(void)
{
	T_RUN(ike_from_the_peer_alone);
	T_RUN(forwarding_follows_the_settings);
	T_RUN(public_networks_keep_their_addresses);
	T_RUN(no_wan_no_rule_about_it);
	T_RUN(mss_follows_the_mtu);
	T_RUN(only_encrypted_guards_both_ways);
	T_RUN(own_networks_are_never_guarded);
	T_RUN(an_exit_is_not_guarded);
	T_RUN(sources_are_kept_unless_the_admin_translates);
	T_RUN(overlapping_networks_are_joined);
	T_RUN(both_families);
	T_RUN(many_peers_few_rules);
	T_RUN(the_kernel_s_packets_pass_twice);
	T_RUN(without_interfaces_by_ipsec_itself);
	T_RUN(exceptions_pass_or_go_nowhere);
	T_RUN(nothing_wanted_nothing_written);
	sbuf_fini(&text);
	return t_done();
}
