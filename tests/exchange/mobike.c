/* rooms: ike/engine ike/v2 ike/v1 ike/auth ike/wire core/crypto core/base */
/* The ends of a tunnel move (RFC 4555), and gateways with more than one address: which is
 * called, when the next one is, when it moves. */
#include "tests/exchange/pair.h"

static struct sim s;
static struct sim_conf a, b;

static void both(void)
{
	sim_conf(&s, 0, &a);
	sim_conf(&s, 1, &b);
	a.peer.mobike = b.peer.mobike = true;
	b.peer.n_gateways = 1;		/* it may come from anywhere */
	b.peer.gateways[0].kind = GATEWAY_ANY;
	b.peer.remote_any = true;
	memset(&b.peer.remote_gateway, 0, sizeof(b.peer.remote_gateway));
	b.peer.peer_id = (struct ike_id){ .type = ID_FQDN, .len = 1, .data = "a" };
	a.peer.local_id = b.peer.peer_id;
}

static void set(void)
{
	sim_set(&s, 1, &b);
	sim_set(&s, 0, &a);
}

static void up(uint64_t seed)
{
	sim_init(&s, seed);
	for (int i = 0; i < 2; i++)
		engine_dataplane(s.side[i].e, &udp_can);
	both();
	set();
	sim_run(&s, 2000);
	CHECK_UP(&s, 1);
}

/* Side n has another address now, and aditd says so. */
static void readdress(int n, const char *to)
{
	s.side[n].addr = sim_addr(to);
	sim_paths(&s.side[n]);
	engine_local_addr(s.side[n].e, n ? "a" : "b", &s.side[n].addr);
}

static bool at(int n, const char *remote)
{
	struct ip_addr want = sim_addr(remote);

	return addr_equal(&sim_status(&s, n)->st.remote.addr, &want);
}

/* Both dataplanes send to where the other side is. */
static void dataplanes_follow(void)
{
	for (int n = 0; n < 2; n++)
		for (int i = 0; i < SIM_SAS; i++) {
			const struct sim_sa *x = &s.side[n].sas[i];

			if (!x->used || x->gone_ms)
				continue;
			CHECK(addr_equal(&x->sa.local.addr, &s.side[n].addr));
			CHECK(addr_equal(&x->sa.remote.addr, &s.side[1 - n].addr));
			CHECK_INT(x->sa.remote.port, 4500);
		}
}

static void the_caller_moves(void)
{
	uint64_t spi;

	up(1);
	spi = sim_status(&s, 0)->st.spi_i;
	readdress(0, "203.0.113.77");
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	CHECK_INT(sim_status(&s, 0)->st.spi_i, spi);	/* the same IKE SA */
	CHECK(at(1, "203.0.113.77"));
	CHECK(sim_logged(&s, "the peer moved from 203.0.113.1:4500 to 203.0.113.77:4500"));
	dataplanes_follow();
	/* Back, and through a rekey of both kinds, and once more. */
	readdress(0, "203.0.113.1");
	sim_run(&s, 5ull * 3600 * 1000);
	CHECK_UP(&s, 1);
	CHECK(sim_status(&s, 0)->st.spi_i != spi);
	CHECK(at(1, "203.0.113.1"));
	readdress(0, "192.0.2.44");
	sim_run(&s, 1000);
	CHECK(at(1, "192.0.2.44"));
	CHECK_UP(&s, 1);
	dataplanes_follow();
	CHECK_INT(sim_status(&s, 0)->st.tries, 0);
	sim_end(&s);
}

/* Also when the network loses much, and while something is under way. */
static void moves_in_bad_weather(void)
{
	for (uint64_t seed = 1; seed <= 40; seed++) {
		char to[32];

		up(seed);
		s.loss = 25;
		s.dup = 10;
		s.reorder = 20;
		for (int k = 0; k < 6; k++) {
			snprintf(to, sizeof(to), "203.0.113.%d", 100 + k);
			readdress(0, to);
			sim_run(&s, sim_dice(3000));
		}
		sim_run(&s, 60000);
		s.loss = s.dup = s.reorder = 0;
		sim_run(&s, 120000);
		CHECK(at(1, "203.0.113.105"));
		CHECK_UP(&s, 1);
		dataplanes_follow();
		sim_end(&s);
	}
}

/* Who was called cannot say where to go on, but that its address is gone it can. */
static void the_called_side_moves(void)
{
	uint64_t spi;

	up(3);
	spi = sim_status(&s, 0)->st.spi_i;
	readdress(1, "198.51.100.99");
	sim_run(&s, 2000);
	CHECK_INT(sim_status(&s, 0)->st.spi_i, spi);
	CHECK(at(0, "198.51.100.99"));
	CHECK_UP(&s, 1);
	dataplanes_follow();
	sim_end(&s);
}

/* It has two addresses, one dies: the caller finds out by itself. */
static void a_path_dies(void)
{
	uint64_t spi;

	sim_init(&s, 4);
	for (int i = 0; i < 2; i++)
		engine_dataplane(s.side[i].e, &udp_can);
	s.side[1].also[0] = sim_addr("192.0.2.80");
	both();
	set();
	sim_run(&s, 3000);
	CHECK_UP(&s, 1);
	spi = sim_status(&s, 0)->st.spi_i;
	/* It was told of the other one, and told its aditd. */
	CHECK_INT(s.side[0].addrs.n, 2);
	s.side[1].addr = sim_addr("192.0.2.80");
	memset(s.side[1].also, 0, sizeof(s.side[1].also));
	/* Nobody tells side b of it: only the dead peer detection of side a does. */
	sim_run(&s, 60000);
	CHECK(at(0, "192.0.2.80"));
	CHECK_INT(sim_status(&s, 0)->st.spi_i, spi);
	CHECK_UP(&s, 1);
	dataplanes_follow();
	sim_end(&s);
}

/* A packet of the peer's from elsewhere is no order to go there (§3.8). */
static void nothing_moves_by_itself(void)
{
	up(5);
	s.nat = true;		/* from now on a NAT is in the way: another source */
	sim_run(&s, 20);
	CHECK(at(1, "203.0.113.1"));
	s.nat = false;
	sim_run(&s, 40000);
	CHECK_UP(&s, 1);
	sim_end(&s);
}

/* A NAT gives the caller another port: its next sign of life takes the peer along. */
static void a_nat_that_forgets(void)
{
	sim_init(&s, 8);
	s.nat = true;
	s.nat_shift = 1000;
	both();
	set();
	sim_run(&s, 2000);
	CHECK_UP(&s, 1);
	CHECK(sim_status(&s, 0)->st.nat_local);
	CHECK_INT(sim_status(&s, 1)->st.remote.port, 5500);
	s.nat_shift = 2000;
	sim_run(&s, 32000);
	CHECK_INT(sim_status(&s, 1)->st.remote.port, 6500);
	CHECK_UP(&s, 1);
	sim_end(&s);
}

/* Plain ESP, its ends move with the peer; then behind a NAT: new SAs, in UDP. */
static void from_plain_into_a_nat(void)
{
	sim_init(&s, 9);
	both();
	set();
	sim_run(&s, 2000);
	CHECK_UP(&s, 1);
	CHECK(!sim_status(&s, 0)->child[0].udp_encap);
	readdress(0, "203.0.113.77");
	sim_run(&s, 2000);
	CHECK_UP(&s, 1);
	for (int i = 0; i < SIM_SAS; i++)
		if (s.side[1].sas[i].used) {
			CHECK(addr_equal(&s.side[1].sas[i].sa.remote.addr, &s.side[0].addr));
			CHECK_INT(s.side[1].sas[i].sa.remote.port, 0);
		}
	s.nat = true;
	s.nat_shift = 1000;
	readdress(0, "10.99.0.5");
	sim_run(&s, 10000);
	CHECK_UP(&s, 1);
	CHECK(sim_status(&s, 0)->child[0].udp_encap && sim_status(&s, 1)->child[0].udp_encap);
	CHECK(sim_status(&s, 0)->st.nat_local);
	CHECK_INT(sim_status(&s, 1)->st.remote.port, 5500);
	CHECK_INT(s.side[0].downs + s.side[1].downs, 0);
	sim_end(&s);
}

static void one_side_alone_does_not(void)
{
	sim_init(&s, 6);
	for (int i = 0; i < 2; i++)
		engine_dataplane(s.side[i].e, &udp_can);
	both();
	b.peer.mobike = false;
	set();
	sim_run(&s, 2000);
	CHECK_UP(&s, 1);
	/* Then it is called anew from the new address. */
	readdress(0, "203.0.113.77");
	sim_run(&s, 10000);
	CHECK_UP(&s, 1);
	CHECK(at(1, "203.0.113.77"));
	sim_end(&s);
}

/* The firewall is told while the peer may come from elsewhere, and no longer. */
static void aditd_hears_that_it_roams(void)
{
	up(7);
	CHECK(s.side[1].addrs.roams);
	CHECK(s.side[0].addrs.roams);
	readdress(0, "203.0.113.77");
	sim_run(&s, 500);
	CHECK_INT(s.side[1].addrs.n, 1);
	CHECK_INT(engine_peer_down(s.side[0].e, "b", &(struct err){ 0 }), 0);
	sim_run(&s, 1000);
	CHECK(!s.side[1].addrs.roams);
	CHECK(!s.side[0].addrs.roams);
	sim_end(&s);
}

/* ---- gateways ---- */

static void list(const char *first, const char *second)
{
	const char *text[2] = { first, second };

	sim_conf(&s, 0, &a);
	sim_conf(&s, 1, &b);
	a.peer.n_gateways = second ? 2 : 1;
	for (int i = 0; i < a.peer.n_gateways; i++) {
		struct gateway *g = &a.peer.gateways[i];

		if (strchr(text[i], '.') && text[i][0] <= '9') {
			g->kind = GATEWAY_ADDR;
			g->net.addr = sim_addr(text[i]);
			g->net.len = 32;
		} else {
			g->kind = GATEWAY_NAME;
			snprintf(g->name, sizeof(g->name), "%s", text[i]);
		}
	}
	a.peer.remote_gateway = a.peer.gateways[0].net.addr;
	a.peer.peer_id = (struct ike_id){ .type = ID_FQDN, .len = 1, .data = "b" };
	b.peer.local_id = a.peer.peer_id;
}

static void the_second_when_the_first_is_silent(void)
{
	sim_init(&s, 10);
	list("198.51.100.77", "198.51.100.2");
	set();
	sim_run(&s, 15000);
	CHECK_UP(&s, 1);
	CHECK(at(0, "198.51.100.2"));
	CHECK_INT(sim_status(&s, 0)->st.tries, 0);
	/* Dead: the first has its turn again, then the second. */
	s.side[1].addr = sim_addr("198.51.100.77");
	sim_run(&s, 150000);
	CHECK(at(0, "198.51.100.77"));
	CHECK_UP(&s, 1);
	sim_end(&s);
}

static void found(const char *addr, const char *why)
{
	struct ip_addr v = addr ? sim_addr(addr) : (struct ip_addr){ 0 };

	engine_resolved(s.side[0].e, "vpn.example", &v, addr != NULL, why);
}

static void by_name(void)
{
	sim_init(&s, 11);
	list("vpn.example", NULL);
	set();
	sim_run(&s, 1000);
	CHECK_INT(s.side[0].sent, 0);
	CHECK_HAS(sim_status(&s, 0)->reason, "vpn.example is being looked up");
	found(NULL, "NXDOMAIN from 192.0.2.53");
	CHECK_HAS(sim_status(&s, 0)->reason,
		  "vpn.example does not resolve: NXDOMAIN from 192.0.2.53");
	found("198.51.100.2", "");
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	/* A failure to look it up changes nothing. */
	found(NULL, "no answer from 192.0.2.53");
	sim_run(&s, 60000);
	CHECK_UP(&s, 1);
	sim_end(&s);
}

static void a_name_that_moves(void)
{
	uint64_t spi;

	sim_init(&s, 12);
	list("vpn.example", NULL);
	s.side[1].also[0] = sim_addr("198.51.100.3");
	set();
	found("198.51.100.2", "");
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	spi = sim_status(&s, 0)->st.spi_i;
	/* To where nobody answers: what stands stays. */
	s.watch = true;
	found("198.51.100.77", "");
	sim_run(&s, 40000);
	CHECK_SIM(&s);
	CHECK_INT(sim_status(&s, 0)->st.spi_i, spi);
	CHECK_INT(sim_state(&s, 0), PEER_UP);
	CHECK(s.side[0].looked_up > 0);
	/* To where it answers: without a gap. */
	found("198.51.100.3", "");
	sim_run(&s, 70000);
	CHECK_SIM(&s);
	CHECK(at(0, "198.51.100.3"));
	CHECK_UP(&s, 1);
	/* Two answers, the one in use among them: no reason to move. */
	spi = sim_status(&s, 0)->st.spi_i;
	engine_resolved(s.side[0].e, "vpn.example", (struct ip_addr[]){
			sim_addr("198.51.100.2"), sim_addr("198.51.100.3") }, 2, "");
	sim_run(&s, 60000);
	CHECK_INT(sim_status(&s, 0)->st.spi_i, spi);
	CHECK_INT(s.side[0].addrs.n, 2);
	sim_end(&s);
}

/* All its children go along before the old ones end. */
static void a_name_that_moves_with_children(void)
{
	sim_init(&s, 18);
	list("vpn.example", NULL);
	sim_child(&a, "second", "10.3.0.0/24", "10.4.0.0/24", "aes128gcm16-x25519");
	sim_child(&b, "second", "10.4.0.0/24", "10.3.0.0/24", "aes128gcm16-x25519");
	s.side[1].also[0] = sim_addr("198.51.100.3");
	set();
	found("198.51.100.2", "");
	sim_run(&s, 3000);
	CHECK_UP(&s, 2);
	s.watch = true;
	found("198.51.100.3", "");
	for (int i = 0; i < 200; i++) {
		unsigned second = 0;

		sim_run(&s, 50);
		CHECK_SIM(&s);
		for (int k = 0; k < SIM_SAS; k++)
			second += s.side[0].sas[k].used && !s.side[0].sas[k].gone_ms &&
				  strcmp(s.side[0].sas[k].sa.child, "second") == 0;
		CHECK(second > 0);
	}
	CHECK(at(0, "198.51.100.3"));
	CHECK_UP(&s, 2);
	sim_end(&s);
}

/* The old one dies while the call beside it is under way, in vain: it is called on. */
static void a_move_overtaken_by_death(void)
{
	sim_init(&s, 19);
	list("vpn.example", NULL);
	set();
	found("198.51.100.2", "");
	sim_run(&s, 2000);
	CHECK_UP(&s, 1);
	found("198.51.100.77", "");
	sim_run(&s, 2000);
	CHECK_INT(engine_peer_down(s.side[1].e, "a", &(struct err){ 0 }), 0);
	sim_run(&s, 60000);
	CHECK_INT(sim_count(&s.side[0]), 0);
	CHECK_INT(engine_peer_up(s.side[1].e, "a", &(struct err){ 0 }), 0);
	s.side[1].also[0] = sim_addr("198.51.100.77");
	sim_run(&s, 120000);
	CHECK(at(0, "198.51.100.77"));
	CHECK_UP(&s, 1);
	sim_end(&s);
}

static void on_demand(void)
{
	sim_init(&s, 13);
	list("198.51.100.2", NULL);
	a.peer.start = START_ON_DEMAND;
	set();
	sim_run(&s, 60000);
	CHECK_INT(s.side[0].sent, 0);
	CHECK_HAS(sim_status(&s, 0)->reason, "waiting for a packet");
	engine_peer_wanted(s.side[0].e, "b");
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	/* The peer ends it: nothing until the next packet. */
	CHECK_INT(engine_peer_down(s.side[1].e, "a", &(struct err){ 0 }), 0);
	sim_run(&s, 60000);
	CHECK_INT(sim_count(&s.side[0]), 0);
	CHECK_HAS(sim_status(&s, 0)->reason, "ended");
	CHECK_INT(engine_peer_up(s.side[1].e, "a", &(struct err){ 0 }), 0);
	sim_run(&s, 1000);
	engine_peer_wanted(s.side[0].e, "b");
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	/* Taken down by the admin: packets do not bring it up. */
	CHECK_INT(engine_peer_down(s.side[0].e, "b", &(struct err){ 0 }), 0);
	sim_run(&s, 10000);
	engine_peer_wanted(s.side[0].e, "b");
	sim_run(&s, 10000);
	CHECK_INT(sim_count(&s.side[0]), 0);
	sim_end(&s);
}

/* A try on demand that fails is not repeated by itself, and not with every packet. */
static void on_demand_in_vain(void)
{
	unsigned sent;

	sim_init(&s, 14);
	list("198.51.100.77", NULL);
	a.peer.start = START_ON_DEMAND;
	set();
	engine_peer_wanted(s.side[0].e, "b");
	sim_run(&s, 10000);
	sent = s.side[0].sent;
	engine_peer_wanted(s.side[0].e, "b");	/* one is under way */
	CHECK_INT(s.side[0].sent, sent);
	sim_run(&s, 30000);
	sent = s.side[0].sent;
	CHECK(sent > 0);
	CHECK_HAS(sim_status(&s, 0)->failure, "no answer");
	sim_run(&s, 300000);
	CHECK_INT(s.side[0].sent, sent);
	engine_peer_wanted(s.side[0].e, "b");
	sim_run(&s, 1000);
	CHECK(s.side[0].sent > sent);
	sim_end(&s);
}

static void held_until_a_packet(void)
{
	unsigned sent;

	sim_init(&s, 15);
	list("198.51.100.2", NULL);
	a.peer.dpd_action = DPD_HOLD;
	set();
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	s.side[1].dead = true;
	sim_run(&s, 120000);
	CHECK_INT(sim_count(&s.side[0]), 0);
	sent = s.side[0].sent;
	s.side[1].dead = false;
	sim_run(&s, 300000);
	CHECK_INT(s.side[0].sent, sent);
	engine_peer_wanted(s.side[0].e, "b");
	sim_run(&s, 2000);
	CHECK_INT(sim_state(&s, 0), PEER_UP);
	sim_end(&s);
}

/* By settings with a port: always there, and with the marker. */
static uint16_t to_port, from_port;

static bool see_ports(struct sim *sim, int from, const uint8_t *msg, size_t len)
{
	(void)msg;
	(void)len;
	if (from == 0)
		sim->counter++;
	return true;
}

static void another_port(void)
{
	struct peer_status *st;

	sim_init(&s, 16);
	list("198.51.100.2", NULL);
	s.filter = see_ports;
	a.peer.remote_port = 7777;
	engine_ports(s.side[0].e, 5500, 5501);
	set();
	sim_run(&s, 100);
	st = &sim_status(&s, 0)->st;
	to_port = st->remote.port;
	from_port = st->local.port;
	CHECK_INT(to_port, 7777);
	CHECK_INT(from_port, 5501);
	sim_end(&s);
}

/* Most specific first: an address, a network, anything. */
static void the_most_specific_answers(void)
{
	struct sim_conf c[3];

	sim_init(&s, 17);
	sim_conf(&s, 0, &a);
	sim_set(&s, 0, &a);
	for (int i = 0; i < 3; i++) {
		sim_conf(&s, 1, &c[i]);
		snprintf(c[i].peer.name, sizeof(c[i].peer.name), "%c", "xya"[i]);
		snprintf(c[i].children[0].name, sizeof(c[i].children[0].name), "%s",
			 c[i].peer.name);
		c[i].peer.n_gateways = 1;
		c[i].peer.gateways[0].kind = i == 0 ? GATEWAY_ANY : GATEWAY_NET;
		c[i].peer.remote_any = true;
		memset(&c[i].peer.remote_gateway, 0, sizeof(c[i].peer.remote_gateway));
		CHECK_INT(prefix_parse(i == 1 ? "203.0.0.0/16" : "203.0.113.0/24",
				       &c[i].peer.gateways[0].net, NULL), 0);
		sim_set(&s, 1, &c[i]);
	}
	sim_run(&s, 3000);
	CHECK_INT(sim_state(&s, 1), PEER_UP);	/* "a", the /24 */
	engine_peer_remove(s.side[1].e, "a");
	engine_peer_remove(s.side[1].e, "y");
	sim_run(&s, 100);
	sim_end(&s);
}

int main(void)
{
	T_RUN(the_caller_moves);
	T_RUN(moves_in_bad_weather);
	T_RUN(the_called_side_moves);
	T_RUN(a_path_dies);
	T_RUN(nothing_moves_by_itself);
	T_RUN(a_nat_that_forgets);
	T_RUN(from_plain_into_a_nat);
	T_RUN(one_side_alone_does_not);
	T_RUN(aditd_hears_that_it_roams);
	T_RUN(the_second_when_the_first_is_silent);
	T_RUN(by_name);
	T_RUN(a_name_that_moves);
	T_RUN(a_name_that_moves_with_children);
	T_RUN(a_move_overtaken_by_death);
	T_RUN(on_demand);
	T_RUN(on_demand_in_vain);
	T_RUN(held_until_a_packet);
	T_RUN(another_port);
	T_RUN(the_most_specific_answers);
	return t_done();
}
