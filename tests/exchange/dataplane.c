/* rooms: ike/engine ike/v1 ike/v2 ike/auth ike/wire core/crypto core/base */
/* What a dataplane can, and what settings ask of it: UDP encapsulation with peers that know NAT
 * traversal and such that do not, children that have no place, exceptions that need none.
 */
#include "ike/v2/v2.h"
#include "tests/exchange/pair.h"

static struct sim s;

static void both(struct sim_conf *a, struct sim_conf *b, uint8_t version)
{
	sim_conf(&s, 0, a);
	sim_conf(&s, 1, b);
	a->peer.version = b->peer.version = version;
	if (version == IKE_V1) {
		sim_suites(SUITE_IKE, "aes128-sha256-x25519", &a->peer.ike);
		b->peer.ike = a->peer.ike;
	}
}

static void set_both(struct sim_conf *a, struct sim_conf *b)
{
	sim_set(&s, 1, b);
	sim_set(&s, 0, a);
}

static struct sim_sa *first_sa(int n)
{
	for (int i = 0; i < SIM_SAS; i++)
		if (s.side[n].sas[i].used && !s.side[n].sas[i].gone_ms)
			return &s.side[n].sas[i];
	CHECK(!"an SA");
	return NULL;
}

/* ---- a peer that does not know NAT traversal ---- */

static void spoil(uint8_t *p, size_t len, const uint8_t *what, size_t n, uint8_t flip)
{
	for (size_t i = 0; p && i + n <= len; i++)
		if (memcmp(p + i, what, n) == 0)
			p[i] ^= flip;
}

/* Of what the initiator says in clear, the signs that it knows NAT traversal: turned into
 * something nobody knows, in its own copy too, which both sides sign. */
static bool without_natt(struct sim *sim, int from, const uint8_t *msg, size_t len)
{
	static const uint8_t source[] = { 0x40, 0x04 }, destination[] = { 0x40, 0x05 };
	static const uint8_t vendors[][4] = {
		{ 0x4a, 0x13, 0x1c, 0x81 }, { 0x7d, 0x94, 0x19, 0xa6 },
		{ 0x90, 0xcb, 0x80, 0x91 }, { 0xcd, 0x60, 0x46, 0x43 },
	};
	struct ike_sa *sa = sim->side[0].e->peers->sas;
	struct blob *mine = msg[18] == IKE_SA_INIT && from == 0 ? &v2(sa)->hs->mine : NULL;

	for (size_t i = 0; msg[17] == 0x10 && i < 4; i++)
		spoil((uint8_t *)msg, len, vendors[i], 4, 0xff);
	if (!mine || mine->len != len)
		return true;
	spoil((uint8_t *)msg, len, source, 2, 0x20);
	spoil((uint8_t *)msg, len, destination, 2, 0x20);
	memcpy(mine->p, msg, len);
	return true;
}

static void rather_in_udp(void)
{
	for (uint8_t v = IKE_V1; v <= IKE_V2; v++)
		for (int who = 0; who < 2; who++) {
			struct sim_conf a, b;

			sim_init(&s, 1 + (uint64_t)v * 2 + (uint64_t)who);
			engine_dataplane(s.side[who].e, &raw_can);
			both(&a, &b, v);
			set_both(&a, &b);
			sim_run(&s, 1000);
			CHECK_UP(&s, 1);
			CHECK(sim_status(&s, 0)->st.udp_encap && sim_status(&s, 1)->st.udp_encap);
			CHECK_INT(first_sa(0)->sa.remote.port, 4500);
			sim_end(&s);
		}
}

/* Where the peer cannot, the same dataplane sends protocol 50. */
static void rather_but_the_peer_cannot(void)
{
	for (uint8_t v = IKE_V1; v <= IKE_V2; v++)
		for (int who = 0; who < 2; who++) {
			struct sim_conf a, b;

			sim_init(&s, 10 + (uint64_t)v * 2 + (uint64_t)who);
			engine_dataplane(s.side[who].e, &raw_can);
			s.filter = without_natt;
			both(&a, &b, v);
			set_both(&a, &b);
			sim_run(&s, 1000);
			CHECK_UP(&s, 1);
			CHECK(!sim_status(&s, 0)->st.udp_encap && !sim_status(&s, 1)->st.udp_encap);
			CHECK_INT(first_sa(0)->sa.udp_encap, 0);
			CHECK_INT(first_sa(0)->sa.remote.port, 0);
			CHECK_INT(first_sa(1)->sa.proto, SA_ESP);
			sim_end(&s);
		}
}

static void only_udp_and_the_peer_cannot(void)
{
	for (uint8_t v = IKE_V1; v <= IKE_V2; v++)
		for (int who = 0; who < 2; who++) {
			struct sim_conf a, b;

			sim_init(&s, 20 + (uint64_t)v * 2 + (uint64_t)who);
			engine_dataplane(s.side[who].e, &udp_can);
			s.filter = without_natt;
			both(&a, &b, v);
			set_both(&a, &b);
			sim_run(&s, 8000);
			CHECK_INT(sim_count(&s.side[0]) + sim_count(&s.side[1]), 0);
			if (who == 0)
				CHECK_HAS(sim_status(&s, 0)->failure,
					  "does not know NAT traversal, and this side must wrap");
			else
				CHECK(sim_logged(&s, "does not know NAT traversal") ||
				      sim_logged(&s, "NO_PROPOSAL_CHOSEN"));
			s.filter = NULL;
			sim_end(&s);
		}
}

/* ---- encap = never ---- */

static void never_unless_nat(void)
{
	for (int nat = 0; nat < 2; nat++) {
		struct sim_conf a, b;

		sim_init(&s, 30 + (uint64_t)nat);
		s.nat = nat;
		s.nat_shift = 20000;
		engine_dataplane(s.side[0].e, &raw_can);
		both(&a, &b, IKE_V2);
		a.peer.encap = ENCAP_NEVER;
		set_both(&a, &b);
		sim_run(&s, 1000);
		CHECK_UP(&s, 1);
		CHECK_INT(first_sa(0)->sa.udp_encap, nat);
		sim_end(&s);
	}
}

static void never_where_it_must(void)
{
	struct sim_conf a, b;
	struct err e = { 0 };

	sim_init(&s, 32);
	engine_dataplane(s.side[0].e, &udp_can);
	both(&a, &b, IKE_V2);
	a.peer.encap = ENCAP_NEVER;
	set_both(&a, &b);
	sim_run(&s, 5000);
	CHECK_INT(s.side[0].sent, 0);
	CHECK_HAS(sim_status(&s, 0)->reason, "encap is never, and the dataplane");
	CHECK_INT(engine_peer_up(s.side[0].e, "b", &e), -1);
	CHECK_HAS(e.msg, "b: encap is never");
	/* Neither does it answer one that calls. */
	b.peer.start = START_START;
	sim_set(&s, 1, &b);
	sim_run(&s, 5000);
	CHECK_INT(sim_count(&s.side[1]), 0);
	/* Another dataplane, and it goes at once. */
	b.peer.start = START_RESPONDER;
	sim_set(&s, 1, &b);
	engine_dataplane(s.side[0].e, &raw_can);
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	CHECK(!sim_status(&s, 0)->st.udp_encap);
	sim_end(&s);
}

/* ---- a NAT that moves, as the dataplane sees it ---- */

static void seen_elsewhere(void)
{
	for (uint8_t v = IKE_V1; v <= IKE_V2; v++) {
		struct endpoint to;
		struct sim_conf a, b;

		sim_init(&s, 40 + v);
		s.nat = true;
		s.nat_shift = 20000;
		both(&a, &b, v);
		set_both(&a, &b);
		sim_run(&s, 1000);
		CHECK_UP(&s, 1);
		to = first_sa(1)->sa.remote;
		CHECK_INT(to.port, 24500);
		s.nat_shift = 30000;
		to.port = 34500;
		engine_sa_moved(s.side[1].e, first_sa(1)->sa.id, &to);
		CHECK_INT(first_sa(1)->sa.remote.port, 34500);
		CHECK_INT(sim_status(&s, 1)->st.remote.port, 34500);
		CHECK(sim_logged(&s, "the peer moved from"));
		/* Its answer finds the way: no try was lost on the old one. */
		sim_run(&s, 40000);
		CHECK_UP(&s, 1);
		/* Who is behind the NAT itself follows nobody; nor is a made-up number minded. */
		to.port = 31000;
		engine_sa_moved(s.side[0].e, first_sa(0)->sa.id, &to);
		CHECK_INT(first_sa(0)->sa.remote.port, 4500);
		engine_sa_moved(s.side[1].e, 4711, &to);
		to.port = 0;
		engine_sa_moved(s.side[1].e, first_sa(1)->sa.id, &to);
		CHECK_INT(first_sa(1)->sa.remote.port, 34500);
		sim_end(&s);
	}
}

/* ---- limits ---- */

static void packets_are_limited(void)
{
	struct sim_conf a, b;

	sim_init(&s, 50);
	both(&a, &b, IKE_V2);
	a.children[0].esp_life_packets = 100000;
	set_both(&a, &b);
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	CHECK_INT(first_sa(0)->sa.hard_packets, 100000);
	CHECK(first_sa(0)->sa.soft_packets > 80000 && first_sa(0)->sa.soft_packets < 95000);
	CHECK_INT(first_sa(1)->sa.hard_packets, 0);
	CHECK_INT(first_sa(1)->sa.soft_packets, 0);
	engine_sa_event(s.side[0].e, first_sa(0)->sa.id, SA_EVENT_SOFT);
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	CHECK_INT(s.side[0].events[ENGINE_REKEYED], 1);
	sim_end(&s);
}

/* ---- what has no place, and what needs none ---- */

static void no_transport_here(void)
{
	struct sim_conf a, b;

	for (uint8_t v = IKE_V1; v <= IKE_V2; v++) {
		sim_init(&s, 60 + v);
		engine_dataplane(s.side[0].e, &raw_can);
		both(&a, &b, v);
		a.children[0].mode = b.children[0].mode = MODE_TRANSPORT;
		set_both(&a, &b);
		sim_run(&s, 5000);
		CHECK_INT(s.side[0].sent, 0);
		CHECK_HAS(sim_status(&s, 0)->reason, "has no transport mode");
		/* Beside one that can be carried it is left out, and says why. */
		sim_child(&a, "more", "10.1.1.0/24", "10.2.1.0/24", "aes128gcm16-x25519");
		sim_child(&b, "more", "10.2.1.0/24", "10.1.1.0/24", "aes128gcm16-x25519");
		set_both(&a, &b);
		sim_run(&s, 5000);
		CHECK_SIM(&s);
		CHECK_INT(sim_count(&s.side[0]), 1);
		CHECK_STR(first_sa(0)->sa.child, "more");
		CHECK_HAS(sim_status(&s, 0)->child_reason[0], "has no transport mode");
		CHECK_STR(sim_status(&s, 0)->child_reason[1], "");
		CHECK_STR(peer_state_name(sim_state(&s, 0)), "up");
		sim_end(&s);
	}
}

/* Asked for it, who cannot says no, and why. */
static void asked_for_transport(void)
{
	struct sim_conf a, b;

	for (uint8_t v = IKE_V1; v <= IKE_V2; v++) {
		sim_init(&s, 63 + v);
		engine_dataplane(s.side[1].e, &raw_can);
		both(&a, &b, v);
		b.children[0].mode = MODE_TRANSPORT;
		sim_child(&b, "more", "10.2.1.0/24", "10.1.1.0/24", "aes128gcm16-x25519");
		a.children[0].mode = MODE_TRANSPORT;
		set_both(&a, &b);
		sim_run(&s, 3000);
		CHECK_INT(sim_count(&s.side[0]) + sim_count(&s.side[1]), 0);
		CHECK(sim_logged(&s, "has no transport mode"));
		CHECK_HAS(sim_status(&s, 1)->child_reason[0], "has no transport mode");
		CHECK_HAS(sim_status(&s, 0)->child_reason[0], "NO_PROPOSAL_CHOSEN");
		sim_end(&s);
	}
}

/* ---- transport mode ---- */

static void ends_as_networks(struct sim_conf *c, const char *local, const char *remote)
{
	c->children[0].mode = MODE_TRANSPORT;
	sim_nets(c->children[0].local_network, &c->children[0].n_local, local);
	sim_nets(c->children[0].remote_network, &c->children[0].n_remote, remote);
}

static void transport(void)
{
	struct sim_conf a, b;

	for (uint8_t v = IKE_V1; v <= IKE_V2; v++)
		for (int udp = 0; udp < 2; udp++) {
			sim_init(&s, 70 + (uint64_t)v * 2 + (uint64_t)udp);
			both(&a, &b, v);
			ends_as_networks(&a, "203.0.113.1/32", "198.51.100.2/32");
			ends_as_networks(&b, "198.51.100.2/32", "203.0.113.1/32");
			if (udp)
				b.peer.encap = ENCAP_FORCE;
			a.children[0].protocol = b.children[0].protocol = 47;
			set_both(&a, &b);
			sim_run(&s, 1000);
			CHECK_UP(&s, 1);
			CHECK_INT(first_sa(0)->sa.mode, MODE_TRANSPORT);
			CHECK_INT(first_sa(0)->sa.udp_encap, udp);
			CHECK_INT(first_sa(1)->sa.local_ts[0].proto, 47);
			sim_end(&s);
		}
}

/* RFC 7296 §2.23.1, RFC 3947 §5.2: each side has the addresses that it sees itself, and goes on
 * so when it is rekeyed, by either side. */
static void transport_through_a_nat(void)
{
	struct prefix host = { .len = 32 };
	struct selector outside, inside, server;
	struct sim_conf a, b;

	host.addr = sim_addr("192.0.2.9");
	outside = selector_of(&host);
	host.addr = sim_addr("203.0.113.1");
	inside = selector_of(&host);
	host.addr = sim_addr("198.51.100.2");
	server = selector_of(&host);
	for (uint8_t v = IKE_V1; v <= IKE_V2; v++) {
		sim_init(&s, 75 + v);
		s.nat = true;
		s.nat_shift = 20000;
		both(&a, &b, v);
		ends_as_networks(&a, "203.0.113.1/32", "198.51.100.2/32");
		ends_as_networks(&b, "198.51.100.2/32", "192.0.2.9/32");
		if (v == IKE_V2)
			b.children[0].esp_life_s = 1800;
		set_both(&a, &b);
		sim_run(&s, 1000);
		for (int round = 0; round < 2; round++) {
			CHECK_UP(&s, 1);
			CHECK_INT(first_sa(0)->sa.udp_encap, 1);
			CHECK_INT(first_sa(1)->sa.mode, MODE_TRANSPORT);
			CHECK(selector_equal(&first_sa(0)->sa.local_ts[0], &inside));
			CHECK(selector_equal(&first_sa(0)->sa.remote_ts[0], &server));
			CHECK(selector_equal(&first_sa(1)->sa.local_ts[0], &server));
			CHECK(selector_equal(&first_sa(1)->sa.remote_ts[0], &outside));
			sim_run(&s, 5 * 3600 * 1000);
		}
		CHECK_INT(s.side[0].downs + s.side[1].downs, 0);
		sim_end(&s);
	}
}

/* RFC 4301 §4.4.1: nobody is asked, nothing is made, and the peer's own wish for it is refused. */
static void exceptions(void)
{
	struct sim_conf a, b;

	for (uint8_t v = IKE_V1; v <= IKE_V2; v++) {
		sim_init(&s, 66 + v);
		both(&a, &b, v);
		sim_child(&a, "guests", "10.1.0.128/25", "10.2.0.0/24", "aes128gcm16-x25519");
		a.children[1].mode = MODE_BYPASS;
		sim_child(&b, "guests", "10.2.0.0/24", "10.1.0.128/25", "aes128gcm16-x25519");
		b.children[1].mode = MODE_DISCARD;
		set_both(&a, &b);
		sim_run(&s, 60000);
		CHECK_UP(&s, 1);
		CHECK_STR(first_sa(0)->sa.child, "b");
		CHECK_STR(child_state_name(sim_status(&s, 0)->child[1].state), "up");
		CHECK_INT(sim_status(&s, 0)->child[1].spi_in, 0);
		CHECK_INT(sim_status(&s, 0)->child[1].n_local, 1);
		/* A tunnel of before goes when it becomes an exception, and comes again. */
		a.children[1].mode = b.children[1].mode = MODE_TUNNEL;
		a.children[1].local_network[0].addr = sim_addr("10.9.0.0");
		b.children[1].remote_network[0].addr = sim_addr("10.9.0.0");
		set_both(&a, &b);
		sim_run(&s, 10000);
		CHECK_UP(&s, 2);
		a.children[1].mode = b.children[1].mode = MODE_BYPASS;
		set_both(&a, &b);
		sim_run(&s, 10000);
		CHECK_UP(&s, 1);
		sim_end(&s);
	}
}

int main(void)
{
	T_RUN(rather_in_udp);
	T_RUN(rather_but_the_peer_cannot);
	T_RUN(only_udp_and_the_peer_cannot);
	T_RUN(never_unless_nat);
	T_RUN(never_where_it_must);
	T_RUN(seen_elsewhere);
	T_RUN(packets_are_limited);
	T_RUN(no_transport_here);
	T_RUN(asked_for_transport);
	T_RUN(transport);
	T_RUN(transport_through_a_nat);
	T_RUN(exceptions);
	return t_done();
}
