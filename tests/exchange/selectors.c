/* rooms: ike/engine ike/v2 ike/v1 ike/auth ike/wire core/crypto core/base */
/* What a child covers: several networks in one child or a child for each pair, protocols and
 * ports, tunnel or transport mode. */
#include "tests/exchange/pair.h"

static struct sim s;
static struct sim_conf a, b;

/* Side a: two local networks, side b: the same two as remote ones. */
static void networks(const char *of_a, const char *of_b)
{
	sim_conf(&s, 0, &a);
	sim_conf(&s, 1, &b);
	a.peer.n_children = b.peer.n_children = 0;
	sim_child(&a, "b", of_a, of_b, "aes128gcm16-x25519");
	sim_child(&b, "a", of_b, of_a, "aes128gcm16-x25519");
}

static void set(void)
{
	sim_set(&s, 1, &b);
	sim_set(&s, 0, &a);
}

/* The SA of side a with these networks, each one alone; NULL when there is none. */
static struct sim_sa *pair(const char *local, const char *remote)
{
	char l[SELECTOR_TEXT_MAX], r[SELECTOR_TEXT_MAX];

	for (int i = 0; i < SIM_SAS; i++) {
		struct sim_sa *x = &s.side[0].sas[i];

		if (x->used && !x->gone_ms && x->sa.n_local == 1 && x->sa.n_remote == 1 &&
		    strcmp(selector_str(&x->sa.local_ts[0], l), local) == 0 &&
		    strcmp(selector_str(&x->sa.remote_ts[0], r), remote) == 0)
			return x;
	}
	return NULL;
}

static void all_four(void)
{
	CHECK(pair("10.1.0.0/24", "10.2.0.0/24"));
	CHECK(pair("10.1.0.0/24", "10.4.0.0/24"));
	CHECK(pair("10.3.0.0/24", "10.2.0.0/24"));
	CHECK(pair("10.3.0.0/24", "10.4.0.0/24"));
}

static void together_by_default(void)
{
	sim_init(&s, 1);
	networks("10.1.0.0/24,10.3.0.0/24", "10.2.0.0/24,10.4.0.0/24");
	set();
	sim_run(&s, 2000);
	CHECK_UP(&s, 1);
	CHECK_INT(sim_status(&s, 0)->child[0].n_local, 2);
	CHECK(!sim_status(&s, 0)->child[0].narrowed);
	sim_end(&s);
}

static void a_child_for_each_pair(void)
{
	struct sim_peer *p;

	sim_init(&s, 2);
	networks("10.1.0.0/24,10.3.0.0/24", "10.2.0.0/24,10.4.0.0/24");
	a.peer.child_per_pair = PER_PAIR_YES;
	set();
	sim_run(&s, 3000);
	CHECK_UP(&s, 4);
	all_four();
	/* None waits for another: they carry other traffic. */
	for (int i = 0; i < SIM_SAS; i++)
		CHECK(!s.side[1].sas[i].used || !s.side[1].sas[i].held);
	p = sim_status(&s, 0);
	CHECK_INT(p->child[0].n_local, 2);
	CHECK_INT(p->child[0].n_remote, 2);
	CHECK(!p->child[0].narrowed);
	/* A day of rekeys: always these four. */
	sim_run(&s, 24ull * 3600 * 1000);
	CHECK_UP(&s, 4);
	all_four();
	CHECK(sim_status(&s, 0)->child[0].rekeys > 50);
	sim_end(&s);
}

/* IPv4 with IPv6 is no pair. */
static void families_make_no_pairs(void)
{
	sim_init(&s, 3);
	networks("10.1.0.0/24,fd01::/64", "10.2.0.0/24,fd02::/64");
	a.peer.child_per_pair = PER_PAIR_YES;
	set();
	sim_run(&s, 3000);
	CHECK_UP(&s, 2);
	CHECK(pair("10.1.0.0/24", "10.2.0.0/24"));
	CHECK(pair("fd01::/64", "fd02::/64"));
	sim_end(&s);
}

/* auto: what is refused together is tried pair by pair; what then fits comes up. */
static void pairs_after_a_refusal(void)
{
	sim_init(&s, 4);
	networks("10.1.0.0/24,10.3.0.0/24", "10.2.0.0/24");
	sim_nets(b.children[0].local_network, &b.children[0].n_local, "10.99.0.0/24");
	set();
	sim_run(&s, 1000);
	CHECK(sim_logged(&s, "one child for each pair is tried"));
	CHECK_INT(sim_count(&s.side[0]), 0);
	sim_nets(b.children[0].local_network, &b.children[0].n_local, "10.2.0.0/24");
	sim_nets(b.children[0].remote_network, &b.children[0].n_remote, "10.3.0.0/24");
	sim_set(&s, 1, &b);
	sim_run(&s, 200000);
	CHECK_SIM(&s);
	CHECK(pair("10.3.0.0/24", "10.2.0.0/24"));
	CHECK(!pair("10.1.0.0/24", "10.2.0.0/24"));
	CHECK_INT(sim_count(&s.side[0]), 1);
	CHECK(sim_status(&s, 0)->child[0].narrowed);
	sim_end(&s);
}

static void never_where_it_is_not_wanted(void)
{
	sim_init(&s, 5);
	networks("10.1.0.0/24,10.3.0.0/24", "10.2.0.0/24");
	a.peer.child_per_pair = PER_PAIR_NO;
	sim_nets(b.children[0].local_network, &b.children[0].n_local, "10.99.0.0/24");
	set();
	sim_run(&s, 60000);
	CHECK(!sim_logged(&s, "one child for each pair"));
	CHECK_HAS(sim_status(&s, 0)->failure, "TS_UNACCEPTABLE");
	sim_end(&s);
}

static void protocols_and_ports(void)
{
	const struct selector *l, *r;

	sim_init(&s, 6);
	networks("10.1.0.0/24", "10.2.0.0/24");
	a.children[0].protocol = b.children[0].protocol = 17;
	a.children[0].remote_port_lo = a.children[0].remote_port_hi = 1701;
	b.children[0].local_port_lo = b.children[0].local_port_hi = 1701;
	set();
	sim_run(&s, 2000);
	CHECK_UP(&s, 1);
	l = &s.side[0].sas[0].sa.local_ts[0];
	r = &s.side[0].sas[0].sa.remote_ts[0];
	CHECK(l->proto == 17 && l->port_from == 0 && l->port_to == 65535);
	CHECK(r->proto == 17 && r->port_from == 1701 && r->port_to == 1701);
	CHECK(!sim_status(&s, 0)->child[0].narrowed);
	sim_end(&s);
}

/* One side asks for all, the other has a port range: the lesser of both. */
static void narrowed_to_ports(void)
{
	const struct selector *r;

	sim_init(&s, 7);
	networks("10.1.0.0/24", "10.2.0.0/24");
	b.children[0].protocol = 6;
	b.children[0].local_port_lo = 8000;
	b.children[0].local_port_hi = 8080;
	set();
	sim_run(&s, 2000);
	CHECK_UP(&s, 1);
	r = &s.side[0].sas[0].sa.remote_ts[0];
	CHECK(r->proto == 6 && r->port_from == 8000 && r->port_to == 8080);
	CHECK(sim_status(&s, 0)->child[0].narrowed);
	/* Another protocol has nothing in common. */
	a.children[0].protocol = 17;
	set();
	sim_run(&s, 5000);
	CHECK_HAS(sim_status(&s, 0)->failure, "TS_UNACCEPTABLE");
	CHECK_HAS(sim_status(&s, 1)->failure, "networks do not match");
	sim_end(&s);
}

static void transport_mode(void)
{
	sim_init(&s, 8);
	networks("203.0.113.1/32", "198.51.100.2/32");
	a.children[0].mode = b.children[0].mode = MODE_TRANSPORT;
	set();
	sim_run(&s, 2000);
	CHECK_UP(&s, 1);
	CHECK_INT(s.side[0].sas[0].sa.mode, MODE_TRANSPORT);
	CHECK_INT(s.side[1].sas[0].sa.mode, MODE_TRANSPORT);
	sim_run(&s, 8ull * 3600 * 1000);	/* through rekeys */
	CHECK_UP(&s, 1);
	for (int i = 0; i < SIM_SAS; i++)
		CHECK(!s.side[0].sas[i].used ||
		      s.side[0].sas[i].sa.mode == MODE_TRANSPORT);
	sim_end(&s);
}

static void modes_that_differ(void)
{
	/* The peer knows no transport mode here: it declines, and what it made goes. */
	sim_init(&s, 9);
	networks("203.0.113.1/32", "198.51.100.2/32");
	a.children[0].mode = MODE_TRANSPORT;
	set();
	sim_run(&s, 3000);
	CHECK_SIM(&s);
	CHECK_INT(sim_count(&s.side[0]), 0);
	CHECK_INT(sim_count(&s.side[1]), 0);
	CHECK_HAS(sim_status(&s, 0)->failure, "the peer wants tunnel mode");
	sim_end(&s);

	sim_init(&s, 10);
	networks("203.0.113.1/32", "198.51.100.2/32");
	b.children[0].mode = MODE_TRANSPORT;
	set();
	sim_run(&s, 3000);
	CHECK_INT(sim_count(&s.side[0]), 0);
	CHECK_HAS(sim_status(&s, 1)->failure, "the peer asks for tunnel mode");
	sim_end(&s);
}

int main(void)
{
	T_RUN(together_by_default);
	T_RUN(a_child_for_each_pair);
	T_RUN(families_make_no_pairs);
	T_RUN(pairs_after_a_refusal);
	T_RUN(never_where_it_is_not_wanted);
	T_RUN(protocols_and_ports);
	T_RUN(narrowed_to_ports);
	T_RUN(transport_mode);
	T_RUN(modes_that_differ);
	return t_done();
}
