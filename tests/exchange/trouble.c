/* rooms: ike/engine ike/v1 ike/v2 ike/auth ike/wire core/crypto core/base */
/* What comes between: cookies, another group, NATs, forged and broken messages, floods,
 * messages lost one by one; and what a changed setting costs. */
#include "ike/v2/v2.h"
#include "tests/exchange/pair.h"

static struct sim s;
static uint8_t caught[MSG_CAP];
static size_t caught_len;

static uint8_t exchange_of(const uint8_t *msg)
{
	return msg[18];
}

static bool is_response(const uint8_t *msg)
{
	return msg[19] & IKE_FLAG_RESPONSE;
}

/* ---- IKE_SA_INIT ---- */

static bool catch_init(struct sim *sim, int from, const uint8_t *msg, size_t len)
{
	(void)sim;
	if (from == 0 && exchange_of(msg) == IKE_SA_INIT) {
		memcpy(caught, msg, len);
		caught_len = len;
	}
	return true;
}

/* Half-open IKE SAs at side 1, from side 0's address. */
static void flood(unsigned n)
{
	struct endpoint from = { s.side[0].addr, 500 }, to = { s.side[1].addr, 500 };
	bool dead = s.side[0].dead;

	s.side[0].dead = true;		/* the answers go nowhere */
	for (unsigned i = 0; i < n; i++) {
		caught[6] = (uint8_t)(i >> 8);
		caught[7] = (uint8_t)i;
		engine_receive(s.side[1].e, &to, &from, caught, caught_len);
	}
	s.side[0].dead = dead;
}

static void prepare_flood(uint64_t seed, struct sim_conf *a)
{
	struct sim_conf b;

	sim_init(&s, seed);
	s.filter = catch_init;
	sim_conf(&s, 1, &b);
	sim_set(&s, 1, &b);
	s.side[1].dead = true;
	sim_conf(&s, 0, a);
	sim_set(&s, 0, a);
	engine_peer_remove(s.side[0].e, "b");
	s.side[1].dead = false;
	CHECK(caught_len > 100);
}

static void cookie(void)
{
	struct sim_conf a;

	prepare_flood(1, &a);
	flood(30);
	CHECK(sim_counts(&s, 1).half_open >= 8 && sim_counts(&s, 1).half_open < 20);
	CHECK(sim_counts(&s, 1).cookies_sent >= 10);
	sim_set(&s, 0, &a);
	sim_run(&s, 500);
	CHECK_UP(&s, 1);
	CHECK(sim_counts(&s, 1).cookies_sent >= 11);
	/* What was half open goes by itself. */
	sim_run(&s, 40000);
	CHECK_INT(sim_counts(&s, 1).half_open, 0);
	CHECK_UP(&s, 1);
	sim_end(&s);
}

static void flood_is_bounded(void)
{
	struct sim_conf a;

	prepare_flood(2, &a);
	flood(5000);
	CHECK(sim_counts(&s, 1).half_open < 20);
	sim_set(&s, 0, &a);
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	sim_end(&s);
}

static void other_group(void)
{
	struct sim_conf a, b;

	sim_init(&s, 3);
	sim_conf(&s, 0, &a);
	sim_conf(&s, 1, &b);
	sim_suites(SUITE_IKE, "aes128gcm16-sha256-ecp256-x25519", &a.peer.ike);
	sim_set(&s, 1, &b);
	sim_set(&s, 0, &a);
	sim_run(&s, 500);
	CHECK_UP(&s, 1);
	CHECK_HAS(sim_status(&s, 0)->st.ike, "Curve25519");
	/* INIT twice, AUTH once: it cost one round. */
	CHECK_INT(s.side[0].sent, 3);
	/* The next time it begins with the right one. */
	CHECK_INT(engine_peer_down(s.side[0].e, "b", NULL), 0);
	sim_run(&s, 1000);
	s.side[0].sent = 0;
	CHECK_INT(engine_peer_up(s.side[0].e, "b", NULL), 0);
	sim_run(&s, 500);
	CHECK_INT(s.side[0].sent, 2);
	CHECK_UP(&s, 1);
	sim_end(&s);
}

static void cookie_and_other_group(void)
{
	struct sim_conf a;

	prepare_flood(4, &a);
	flood(30);
	sim_suites(SUITE_IKE, "aes128gcm16-sha256-ecp256-x25519", &a.peer.ike);
	sim_set(&s, 0, &a);
	sim_run(&s, 500);
	CHECK_UP(&s, 1);
	CHECK_HAS(sim_status(&s, 0)->st.ike, "Curve25519");
	sim_end(&s);
}

/* The group first, then suddenly a cookie: the flood comes between the two answers. */
static void other_group_then_cookie(void)
{
	struct sim_conf a;

	prepare_flood(5, &a);
	s.filter = NULL;
	sim_suites(SUITE_IKE, "aes128gcm16-sha256-ecp256-x25519", &a.peer.ike);
	sim_set(&s, 0, &a);
	while (s.side[1].sent == 0)
		CHECK(sim_one(&s, s.now + 1000));
	CHECK_INT(sim_counts(&s, 1).half_open, 0);
	flood(30);
	CHECK(sim_counts(&s, 1).cookies_sent > 0);
	s.side[0].sent = 0;
	sim_run(&s, 1000);
	CHECK_INT(s.side[0].sent, 3);	/* with the group, with the cookie, IKE_AUTH */
	CHECK_UP(&s, 1);
	sim_end(&s);
}

static void pfs_group_differs(void)
{
	struct sim_conf a, b;

	sim_init(&s, 6);
	sim_conf(&s, 0, &a);
	sim_conf(&s, 1, &b);
	sim_suites(SUITE_ESP, "aes128gcm16-ecp256-x25519", &a.children[0].esp);
	a.children[0].esp_life_s = 300;
	a.peer.rekey_margin_s = 60;
	sim_set(&s, 1, &b);
	sim_set(&s, 0, &a);
	sim_run(&s, 500);
	CHECK_UP(&s, 1);
	s.watch = true;
	sim_run(&s, 1000000);
	CHECK_UP(&s, 1);
	CHECK_HAS(sim_status(&s, 0)->child[0].esp, "Curve25519");
	sim_end(&s);
}

/* ---- forged and broken ---- */

/* A stranger answers each IKE_SA_INIT faster than the peer: no proposal chosen. */
static bool forge_refusal(struct sim *sim, int from, const uint8_t *msg, size_t len)
{
	struct endpoint src = { sim->side[1].addr, 500 },
			dst = { sim->side[0].addr, 500 };
	struct sim_packet *p;
	uint8_t forged[36];

	(void)len;
	if (from != 0 || exchange_of(msg) != IKE_SA_INIT || is_response(msg))
		return true;
	memcpy(forged, msg, 28);
	memset(forged + 8, 0, 8);
	forged[16] = PAYLOAD_NOTIFY;
	forged[19] = IKE_FLAG_RESPONSE;
	memcpy(forged + 24, "\0\0\0\x24" "\0\0\0\x08" "\0\0\0\x0e", 12);
	p = sim_put(sim, 2);
	p->to = 0;
	p->src = src;
	p->dst = dst;
	p->len = sizeof(forged);
	p->bytes = malloc(p->len);
	memcpy(p->bytes, forged, p->len);
	return true;
}

static void forged_refusal(void)
{
	sim_init(&s, 10);
	s.filter = forge_refusal;
	sim_usual(&s);
	sim_run(&s, 500);
	CHECK_UP(&s, 1);
	CHECK_INT(s.side[0].events[ENGINE_FAILED], 0);
	sim_end(&s);
}

/* What is under way comes in copies with bits turned, or cut: nothing comes of them. */
static void flip_queue(void)
{
	size_t n = s.n_q;

	for (size_t i = 0; i < n; i++) {
		const struct sim_packet p = s.q[i];
		uint8_t copy[MSG_CAP];

		if (p.kind)
			continue;
		memcpy(copy, p.bytes, p.len);
		for (unsigned k = 0; k < 8; k++) {
			size_t cut = k == 7 ? rng_below((uint32_t)p.len) : p.len;

			copy[rng_below((uint32_t)p.len)] ^= (uint8_t)(1u << rng_below(8));
			engine_receive(s.side[p.to].e, &p.dst, &p.src, copy, cut);
		}
	}
}

static void flipped_bits(void)
{
	for (uint64_t seed = 0; seed < 30; seed++) {
		uint64_t until;

		sim_init(&s, 1000 + seed);
		sim_usual(&s);
		until = s.now + 3000;
		while (sim_one(&s, until))
			if (rng_below(3) == 0)
				flip_queue();
		sim_run(&s, 60000);
		CHECK_SIM(&s);
		/* Unprotected IKE_SA_INIT may have gone wrong once, but not for good. */
		sim_run(&s, 120000);
		CHECK_UP(&s, 1);
		sim_end(&s);
	}
}

static void major_version(void)
{
	struct endpoint from = { s.side[0].addr, 500 }, to = { s.side[1].addr, 500 };
	struct sim_conf a;

	prepare_flood(11, &a);
	caught[17] = 0x30;
	s.side[1].sent = 0;
	engine_receive(s.side[1].e, &to, &from, caught, caught_len);
	CHECK_INT(s.side[1].sent, 1);
	CHECK_INT(sim_counts(&s, 1).drops.bad_version, 1);
	CHECK_INT(sim_counts(&s, 1).half_open, 0);
	sim_end(&s);
}

/* An unknown critical payload inside SK is refused by name; the IKE SA stays. */
static void critical_payload(void)
{
	struct ike_sa *sa;
	struct out o;
	struct wr *w;
	size_t len;
	struct err e;
	struct endpoint from, to;

	sim_init(&s, 12);
	sim_usual(&s);
	sim_run(&s, 1000);
	sa = s.side[0].e->peers->main;
	from = sa->local;
	to = sa->remote;
	out_request(sa, &o, INFORMATIONAL);
	w = build_payload(&o.b, 100);
	wr_u32(w, 0);
	/* the critical bit: second byte of the generic header that was just written */
	o.buf[w->len - 4 - 3] = 0x80;
	CHECK_INT(sk_end(v2(sa)->seal, &o.b, &len, &e), 0);
	v2(sa)->next_out++;
	s.side[1].sent = 0;
	engine_receive(s.side[1].e, &to, &from, o.buf, len);
	CHECK_INT(s.side[1].sent, 1);
	CHECK_INT(sim_status(&s, 1)->st.drops.malformed, 1);
	sim_run(&s, 120000);
	CHECK_UP(&s, 1);
	sim_end(&s);
}

static void unknown_spi(void)
{
	struct endpoint from = { s.side[0].addr, 500 }, to = { s.side[1].addr, 500 };
	uint8_t msg[32] = { 1,
			    2,
			    3,
			    4,
			    5,
			    6,
			    7,
			    8,
			    9,
			    10,
			    11,
			    12,
			    13,
			    14,
			    15,
			    16,
			    0,
			    0x20,
			    INFORMATIONAL,
			    IKE_FLAG_INITIATOR,
			    0,
			    0,
			    0,
			    1,
			    0,
			    0,
			    0,
			    28 };

	sim_init(&s, 13);
	sim_usual(&s);
	sim_run(&s, 1000);
	s.side[1].sent = 0;
	engine_receive(s.side[1].e, &to, &from, msg, 28);
	CHECK_INT(s.side[1].sent, 1);
	CHECK_INT(sim_counts(&s, 1).drops.unknown_spi, 1);
	/* Never an answer to a response. */
	msg[19] |= IKE_FLAG_RESPONSE;
	engine_receive(s.side[1].e, &to, &from, msg, 28);
	CHECK_INT(s.side[1].sent, 1);
	CHECK_UP(&s, 1);
	/* And rationed. */
	msg[19] = IKE_FLAG_INITIATOR;
	for (int i = 0; i < 1000; i++)
		engine_receive(s.side[1].e, &to, &from, msg, 28);
	CHECK(s.side[1].sent <= 60);
	sim_end(&s);
}

/* ---- NAT ---- */

static void nat(void)
{
	sim_init(&s, 20);
	s.nat = true;
	s.nat_shift = 20000;
	sim_usual(&s);
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	CHECK(sim_status(&s, 0)->st.nat_local && !sim_status(&s, 0)->st.nat_remote);
	CHECK(sim_status(&s, 1)->st.nat_remote && !sim_status(&s, 1)->st.nat_local);
	CHECK(sim_status(&s, 0)->child[0].udp_encap);
	CHECK_INT(sim_status(&s, 0)->st.local.port, 4500);
	CHECK_INT(sim_status(&s, 1)->st.remote.port, 24500);
	CHECK_INT(s.side[1].sas[0].sa.remote.port, 24500);
	sim_run(&s, 100000);
	CHECK_INT(s.side[0].keepalives, 5);
	CHECK_INT(s.side[1].keepalives, 0);
	/* The NAT forgets, and maps to another port: b follows the first packet from
	 * there. */
	s.nat_shift = 30000;
	sim_run(&s, 40000);
	CHECK_UP(&s, 1);
	CHECK_INT(sim_status(&s, 1)->st.remote.port, 34500);
	for (int i = 0; i < SIM_SAS; i++)
		if (s.side[1].sas[i].used)
			CHECK_INT(s.side[1].sas[i].sa.remote.port, 34500);
	sim_run(&s, 5 * 3600 * 1000);
	CHECK_UP(&s, 1);
	CHECK_INT(s.side[0].ups, 1);
	sim_end(&s);
}

static void encap_forced(void)
{
	for (int who = 0; who < 2; who++) {
		struct sim_conf a, b;

		sim_init(&s, 21 + (uint64_t)who);
		sim_conf(&s, 0, &a);
		sim_conf(&s, 1, &b);
		(who ? &b : &a)->peer.encap = ENCAP_FORCE;
		sim_set(&s, 1, &b);
		sim_set(&s, 0, &a);
		sim_run(&s, 1000);
		CHECK_UP(&s, 1);
		CHECK(sim_status(&s, 0)->st.udp_encap && sim_status(&s, 1)->st.udp_encap);
		CHECK_INT(sim_status(&s, 1)->st.local.port, 4500);
		sim_end(&s);
	}
}

/* ---- one message lost ---- */

static int drop_number;

static bool drop_nth(struct sim *sim, int from, const uint8_t *msg, size_t len)
{
	(void)from;
	(void)msg;
	(void)len;
	return sim->counter++ != drop_number;
}

/* Every single message of set-up, rekeying and end lost, one at a time. */
static void each_lost_once(void)
{
	for (drop_number = 0; drop_number < 24; drop_number++) {
		sim_init(&s, 30);
		s.filter = drop_nth;
		sim_usual(&s);
		sim_run(&s, 3000);
		CHECK_UP(&s, 1);
		engine_sa_event(s.side[0].e, sim_status(&s, 0)->child[0].sa_id,
				SA_EVENT_SOFT);
		sim_run(&s, 5000);
		CHECK_UP(&s, 1);
		s.side[1].e->peers->main->rekey_at = s.now;
		task_next(s.side[1].e->peers->main);
		sim_run(&s, 5000);
		CHECK_UP(&s, 1);
		CHECK_INT(s.side[0].adds, 2);
		CHECK_INT(s.side[0].ups + s.side[1].ups, 2);
		sim_end(&s);
	}
}

/* ---- what a change costs ---- */

static void reload_nothing(void)
{
	struct sim_conf a;
	unsigned sent;

	sim_init(&s, 40);
	sim_usual(&s);
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	s.watch = true;
	sent = s.side[0].sent;
	sim_conf(&s, 0, &a);
	sim_set(&s, 0, &a);
	strcpy(a.peer.description, "other words");
	a.peer.keying_tries = 7;
	a.peer.forward_wan = true;
	sim_set(&s, 0, &a);
	engine_local_addr(s.side[0].e, "b", &s.side[0].addr);
	sim_run(&s, 5000);
	CHECK_UP(&s, 1);
	CHECK_INT(s.side[0].sent, sent);
	/* Lifetimes apply to what runs: */
	a.children[0].esp_life_s = 600;
	sim_set(&s, 0, &a);
	CHECK(sim_status(&s, 0)->child[0].rekey_in_s < 600);
	sim_run(&s, 600000);
	CHECK_UP(&s, 1);
	CHECK(sim_status(&s, 0)->child[0].rekeys >= 1);
	sim_end(&s);
}

static void reload_networks(void)
{
	struct sim_conf a, b;

	sim_init(&s, 41);
	sim_usual(&s);
	sim_run(&s, 1000);
	sim_conf(&s, 0, &a);
	sim_conf(&s, 1, &b);
	sim_nets(a.children[0].local_network, &a.children[0].n_local,
		 "10.1.0.0/24,10.5.0.0/24");
	sim_nets(b.children[0].remote_network, &b.children[0].n_remote,
		 "10.1.0.0/24,10.5.0.0/24");
	/* The responder first: it renegotiates nothing, but does not keep the old. */
	sim_set(&s, 1, &b);
	sim_run(&s, 3000);
	sim_set(&s, 0, &a);
	sim_run(&s, 8000);
	CHECK_UP(&s, 1);
	CHECK_INT(sim_status(&s, 0)->child[0].n_local, 2);
	CHECK_INT(s.side[0].events[ENGINE_ESTABLISHED], 1);
	/* Back, the initiator first: the narrower is what both share. */
	s.watch = true;
	sim_conf(&s, 0, &a);
	sim_set(&s, 0, &a);
	sim_run(&s, 8000);
	CHECK_UP(&s, 1);
	CHECK_INT(sim_status(&s, 1)->child[0].n_remote, 1);
	/* Something quite else: what is against the settings must not stay. */
	s.watch = false;
	sim_nets(a.children[0].remote_network, &a.children[0].n_remote, "10.99.0.0/24");
	sim_set(&s, 0, &a);
	sim_run(&s, 8000);
	CHECK_SIM(&s);
	CHECK_INT(sim_count(&s.side[0]) + sim_count(&s.side[1]), 0);
	CHECK_HAS(sim_status(&s, 0)->child_reason[0], "TS_UNACCEPTABLE");
	sim_end(&s);
}

static void reload_children(void)
{
	struct sim_conf a, b;

	sim_init(&s, 42);
	sim_usual(&s);
	sim_run(&s, 1000);
	s.watch = true;
	sim_conf(&s, 0, &a);
	sim_conf(&s, 1, &b);
	sim_child(&a, "voice", "10.1.1.0/24", "10.2.1.0/24", "aes128gcm16-x25519");
	sim_child(&b, "voice", "10.2.1.0/24", "10.1.1.0/24", "aes128gcm16-x25519");
	sim_set(&s, 1, &b);
	sim_set(&s, 0, &a);
	sim_run(&s, 8000);
	CHECK_UP(&s, 2);
	s.watch = false;
	sim_conf(&s, 0, &a);
	sim_set(&s, 0, &a);
	sim_run(&s, 8000);
	CHECK_UP(&s, 1);
	CHECK_INT(s.side[0].ups, 1);
	sim_end(&s);
}

static void reload_restart(void)
{
	struct sim_conf a, b;

	sim_init(&s, 43);
	sim_usual(&s);
	sim_run(&s, 1000);
	sim_conf(&s, 0, &a);
	sim_conf(&s, 1, &b);
	sim_suites(SUITE_IKE, "aes256gcm16-sha384-x25519", &a.peer.ike);
	sim_suites(SUITE_IKE, "aes256gcm16-sha384-x25519", &b.peer.ike);
	sim_set(&s, 1, &b);
	sim_set(&s, 0, &a);
	sim_run(&s, 30000);
	CHECK_UP(&s, 1);
	CHECK_HAS(sim_status(&s, 1)->st.ike, "AES-256-GCM");
	sim_end(&s);
}

static void address_changes(void)
{
	struct ip_addr none = { 0 };

	sim_init(&s, 44);
	sim_usual(&s);
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	engine_local_addr(s.side[0].e, "b", &none);
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	s.side[0].addr = sim_addr("203.0.113.55");
	engine_local_addr(s.side[0].e, "b", &s.side[0].addr);
	sim_run(&s, 3000);
	CHECK_SIM(&s);
	/* b does not know that address. */
	CHECK_STR(peer_state_name(sim_state(&s, 0)), "connecting");
	CHECK(sim_counts(&s, 1).drops.no_peer > 0);
	s.side[0].addr = sim_addr("203.0.113.1");
	engine_local_addr(s.side[0].e, "b", &s.side[0].addr);
	sim_run(&s, 20000);
	CHECK_UP(&s, 1);
	sim_end(&s);
}

static void another_peer_is_left_alone(void)
{
	struct sim_conf a, c;

	sim_init(&s, 45);
	sim_usual(&s);
	sim_run(&s, 1000);
	s.watch = true;
	sim_conf(&s, 0, &c);
	strcpy(c.peer.name, "c");
	c.peer.remote_gateway = sim_addr("192.0.2.200");
	sim_set(&s, 0, &c);
	sim_run(&s, 100000);
	engine_secret_changed(s.side[0].e, "c");
	sim_run(&s, 100);
	engine_peer_remove(s.side[0].e, "c");
	engine_peer_remove(s.side[0].e, "c");
	sim_run(&s, 100);
	sim_conf(&s, 0, &a);
	sim_set(&s, 0, &a);
	sim_run(&s, 5000);
	CHECK_UP(&s, 1);
	CHECK_INT(s.side[0].ups, 1);
	sim_end(&s);
}

/* ---- how big ---- */

static void small_when_idle(void)
{
	struct ike_sa *sa;

	sim_init(&s, 50);
	sim_usual(&s);
	sim_run(&s, 60000);
	CHECK_UP(&s, 1);
	for (int n = 0; n < 2; n++) {
		sa = s.side[n].e->peers->main;
		CHECK(!v2(sa)->hs && !v2(sa)->x && !v2(sa)->req.p);
		CHECK(v2(sa)->resp.len < 400);
		CHECK(sizeof(*sa) + sizeof(struct peer) + sizeof(struct child) +
			      sizeof(struct child_conf) + sizeof(struct slot) +
			      sizeof(struct ike_keys) + sizeof(struct sa_stats) +
			      v2(sa)->resp.len <
		      5000);
	}
	sim_end(&s);
}

int main(void)
{
	T_RUN(cookie);
	T_RUN(flood_is_bounded);
	T_RUN(other_group);
	T_RUN(cookie_and_other_group);
	T_RUN(other_group_then_cookie);
	T_RUN(pfs_group_differs);
	T_RUN(forged_refusal);
	T_RUN(flipped_bits);
	T_RUN(major_version);
	T_RUN(critical_payload);
	T_RUN(unknown_spi);
	T_RUN(nat);
	T_RUN(encap_forced);
	T_RUN(each_lost_once);
	T_RUN(reload_nothing);
	T_RUN(reload_networks);
	T_RUN(reload_children);
	T_RUN(reload_restart);
	T_RUN(address_changes);
	T_RUN(another_peer_is_left_alone);
	T_RUN(small_when_idle);
	return t_done();
}
