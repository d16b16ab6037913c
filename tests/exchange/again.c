/* rooms: ike/engine ike/v1 ike/v2 ike/auth ike/wire core/crypto core/base */
/* Proving anew who is who without losing a packet (RFC 4478, the setting reauth); trying
 * credentials without a child (RFC 6023); what `unique` says about a second call. */
#include "tests/exchange/pair.h"

#include "ike/v2/v2.h"

static struct sim_conf ca, cb;

static void three_children(struct sim *s)
{
	sim_conf(s, 0, &ca);
	sim_conf(s, 1, &cb);
	for (int i = 1; i < 3; i++) {
		char name[8], here[20], there[20];

		snprintf(name, sizeof(name), "c%d", i);
		snprintf(here, sizeof(here), "10.1.%d.0/24", i);
		snprintf(there, sizeof(there), "10.2.%d.0/24", i);
		sim_child(&ca, name, here, there, "aes128gcm16-x25519");
		sim_child(&cb, name, there, here, "aes128gcm16-x25519");
	}
}

static void go(struct sim *s, uint64_t ms)
{
	sim_set(s, 1, &cb);
	sim_set(s, 0, &ca);
	sim_run(s, ms);
}

static uint64_t spi_of(struct sim *s)
{
	return sim_status(s, 0)->st.spi_i;
}

/* Whichever side is told to, the side that called calls again, and no packet is lost. */
static void reauthentication(void)
{
	for (int who = 0; who < 2; who++) {
		struct sim s;
		uint64_t first;

		sim_init(&s, 3);
		three_children(&s);
		(who ? &cb : &ca)->peer.reauth_s = 600;
		ca.peer.unique = who ? UNIQUE_KEEP : UNIQUE_NEVER;
		cb.peer.unique = who ? UNIQUE_NEVER : UNIQUE_KEEP;
		s.watch = true;
		go(&s, 5000);
		CHECK_UP(&s, 3);
		first = spi_of(&s);
		sim_run(&s, 500000);
		CHECK(spi_of(&s) == first);
		sim_run(&s, 110000);
		CHECK_UP(&s, 3);
		CHECK(spi_of(&s) != first);
		/* Never down, seen from outside, on either side. */
		for (int i = 0; i < 2; i++) {
			CHECK_INT(s.side[i].downs, 0);
			CHECK_INT(s.side[i].ups, 1);
			CHECK_INT(sim_status(&s, i)->st.last_failure[0], 0);
		}
		CHECK(sim_status(&s, 0)->st.initiator);
		first = spi_of(&s);
		sim_run(&s, 620000);
		CHECK_UP(&s, 3);
		CHECK(spi_of(&s) != first);
		CHECK_INT(s.side[0].downs + s.side[1].downs, 0);
		sim_end(&s);
	}
}

/* A rekey of the IKE SA by either side does not make the proof younger. */
static void rekey_keeps_the_time(void)
{
	struct sim s;

	sim_init(&s, 4);
	three_children(&s);
	ca.peer.reauth_s = 900;
	ca.peer.ike_life_s = cb.peer.ike_life_s = 300;
	ca.peer.rekey_margin_s = cb.peer.rekey_margin_s = 60;
	s.watch = true;
	go(&s, 5000);
	sim_run(&s, 700000);
	CHECK(sim_status(&s, 0)->st.rekeys >= 2);
	CHECK_INT(s.side[0].events[ENGINE_ESTABLISHED], 1);
	sim_run(&s, 220000);
	CHECK_INT(s.side[0].events[ENGINE_ESTABLISHED], 2);
	CHECK_UP(&s, 3);
	CHECK_INT(s.side[0].downs + s.side[1].downs, 0);
	sim_end(&s);
}

/* RFC 4478 §3: the responder may say so at any time. */
static void told_later(void)
{
	struct out *o = malloc(sizeof(*o));
	struct sim s;

	sim_init(&s, 11);
	three_children(&s);
	s.watch = true;
	go(&s, 5000);
	CHECK_UP(&s, 3);
	out_request(s.side[1].e->peers->main, o, INFORMATIONAL);
	build_notify_u32(&o->b, N_AUTH_LIFETIME, 120);
	out_send_request(s.side[1].e->peers->main, o, TASK_LIVENESS);
	free(o);
	sim_run(&s, 90000);
	CHECK_INT(s.side[0].events[ENGINE_ESTABLISHED], 1);
	sim_run(&s, 40000);
	CHECK_INT(s.side[0].events[ENGINE_ESTABLISHED], 2);
	CHECK_UP(&s, 3);
	CHECK_INT(s.side[0].downs + s.side[1].downs, 0);
	sim_end(&s);
}

/* When the proof cannot be made anew, the old one ends, not before. */
static void too_late(void)
{
	struct sim s;

	sim_init(&s, 5);
	three_children(&s);
	ca.peer.reauth_s = 300;
	go(&s, 5000);
	CHECK_UP(&s, 3);
	strcpy(s.side[1].psk, "another");
	sim_run(&s, 340000);
	CHECK_STR(peer_state_name(sim_state(&s, 0)), "up");
	CHECK(sim_logged(&s, "not reauthenticated"));
	CHECK_INT(s.side[0].downs, 0);
	sim_run(&s, 30000);
	CHECK_INT(s.side[0].downs, 1);
	CHECK(strcmp(peer_state_name(sim_state(&s, 0)), "up") != 0);
	strcpy(s.side[1].psk, s.side[0].psk);
	sim_run(&s, 120000);
	CHECK_UP(&s, 3);
	sim_end(&s);
}

static void bad_network(void)
{
	for (unsigned seed = 1; seed <= 20; seed++) {
		struct sim s;

		sim_init(&s, seed);
		three_children(&s);
		ca.peer.reauth_s = 300;
		cb.peer.reauth_s = seed % 2 ? 300 : 0;
		s.loss = 15;
		s.dup = 10;
		s.reorder = 30;
		go(&s, 2000000);
		s.loss = s.dup = s.reorder = 0;
		sim_run(&s, 150000);
		CHECK_SIM(&s);
		CHECK_UP(&s, 3);
		sim_end(&s);
	}
}

/* ---- trying the credentials ---- */

static void test_now(struct sim *s)
{
	struct err e = { 0 };

	CHECK(engine_peer_test(s->side[0].e, "b", &e) == 0);
	/* Not twice at once. */
	CHECK(engine_peer_test(s->side[0].e, "b", &e) < 0);
}

static void usual(struct sim *s, uint64_t seed)
{
	sim_init(s, seed);
	sim_conf(s, 0, &ca);
	sim_conf(s, 1, &cb);
	ca.peer.start = START_RESPONDER;
}

static void tried_while_down(void)
{
	struct sim s;

	usual(&s, 6);
	go(&s, 1000);
	test_now(&s);
	sim_run(&s, 3000);
	CHECK_INT(s.side[0].events[ENGINE_TEST_PASSED], 1);
	CHECK_HAS(s.side[0].last[ENGINE_TEST_PASSED], "both sides accept each other");
	CHECK_HAS(s.side[0].last[ENGINE_TEST_PASSED], "198.51.100.2 by pre-shared key");
	CHECK_INT(s.side[0].adds + s.side[1].adds, 0);
	CHECK_INT(s.side[0].events[ENGINE_FAILED] + s.side[1].events[ENGINE_FAILED], 0);
	CHECK_STR(sim_status(&s, 0)->failure, "");
	CHECK_STR(sim_status(&s, 1)->failure, "");
	sim_run(&s, 20000);
	CHECK_INT(sim_counts(&s, 0).ike_sas, 0);
	CHECK_INT(sim_counts(&s, 1).ike_sas, 0);
	sim_end(&s);
}

static void tried_while_up(void)
{
	struct sim s;
	uint64_t spi;

	usual(&s, 7);
	ca.peer.start = START_START;
	s.watch = true;
	go(&s, 5000);
	CHECK_UP(&s, 1);
	spi = spi_of(&s);
	test_now(&s);
	sim_run(&s, 60000);
	CHECK_INT(s.side[0].events[ENGINE_TEST_PASSED], 1);
	CHECK_UP(&s, 1);
	CHECK(spi_of(&s) == spi);
	CHECK_INT(s.side[0].downs + s.side[1].downs, 0);
	/* And the PSK that was changed since is found out, the tunnel stays. */
	strcpy(s.side[1].psk, "another");
	test_now(&s);
	sim_run(&s, 30000);
	CHECK_INT(s.side[0].events[ENGINE_TEST_FAILED], 1);
	CHECK_HAS(s.side[0].last[ENGINE_TEST_FAILED], "AUTHENTICATION_FAILED");
	CHECK_UP(&s, 1);
	sim_end(&s);
}

static void tried_and_nobody_there(void)
{
	struct sim s;
	struct err e = { 0 };

	usual(&s, 8);
	go(&s, 1000);
	s.side[1].dead = true;
	test_now(&s);
	sim_run(&s, 60000);
	CHECK_INT(s.side[0].events[ENGINE_TEST_FAILED], 1);
	CHECK_HAS(s.side[0].last[ENGINE_TEST_FAILED], "no answer");
	CHECK_INT(sim_counts(&s, 0).ike_sas, 0);
	CHECK(engine_peer_test(s.side[0].e, "nobody", &e) < 0);
	CHECK_INT(e.code, EXIT_NO_PEER);
	ca.peer.enabled = false;
	sim_set(&s, 0, &ca);
	CHECK(engine_peer_test(s.side[0].e, "b", &e) < 0);
	CHECK_INT(e.code, EXIT_FAILED);
	sim_end(&s);
}

/* The responder's CHILDLESS_IKEV2_SUPPORTED made into something unknown. */
static bool no_childless(struct sim *s, int from, const uint8_t *msg, size_t len)
{
	uint8_t *m = (uint8_t *)(uintptr_t)msg;

	for (size_t i = 30; from == 1 && msg[18] == IKE_SA_INIT && i + 1 < len; i++)
		if (m[i] == N_CHILDLESS_IKEV2_SUPPORTED >> 8 && m[i - 1] == 0 &&
		    m[i - 2] == 0 && m[i + 1] == (N_CHILDLESS_IKEV2_SUPPORTED & 0xff)) {
			m[i + 1] ^= 0x80;
			s->counter++;
		}
	return true;
}

static void peer_cannot_do_without(void)
{
	struct sim s;

	usual(&s, 9);
	s.filter = no_childless;
	go(&s, 1000);
	test_now(&s);
	sim_run(&s, 3000);
	CHECK(s.counter > 0);
	CHECK_INT(s.side[0].events[ENGINE_TEST_PASSED], 1);
	CHECK_HAS(s.side[0].last[ENGINE_TEST_PASSED], "networks that nobody has");
	CHECK_INT(s.side[0].adds + s.side[1].adds, 0);
	sim_run(&s, 20000);
	CHECK_INT(sim_counts(&s, 1).ike_sas, 0);
	sim_end(&s);
}

/* ---- unique ---- */

/* Side a calls from another address while the old call stands. */
static void second_call(enum unique how, bool joins, unsigned ike_sas)
{
	struct sim s;

	usual(&s, 10);
	ca.peer.start = START_START;
	cb.peer.remote_any = true;
	memset(&cb.peer.remote_gateway, 0, sizeof(cb.peer.remote_gateway));
	cb.peer.dpd_delay_s = 0;
	cb.peer.unique = how;
	ca.peer.local_id = (struct ike_id){ .type = ID_FQDN, .len = 1, .data = { 'a' } };
	go(&s, 5000);
	CHECK_UP(&s, 1);
	/* a has lost its memory and its address. */
	sim_crash(&s, 0);
	s.side[0].addr = sim_addr("203.0.113.77");
	sim_set(&s, 0, &ca);
	sim_run(&s, 8000);
	CHECK_SIM(&s);
	CHECK_STR(peer_state_name(sim_state(&s, 0)), joins ? "up" : "connecting");
	CHECK_STR(peer_state_name(sim_state(&s, 1)), "up");
	CHECK_INT(sim_counts(&s, 1).ike_sas, ike_sas);
	if (!joins)
		CHECK(sim_logged(&s, "connected from 203.0.113.1 already"));
	sim_end(&s);
}

static void second_calls(void)
{
	second_call(UNIQUE_REPLACE, true, 1);
	second_call(UNIQUE_KEEP, false, 1);
	second_call(UNIQUE_NEVER, true, 2);
}

int main(void)
{
	T_RUN(reauthentication);
	T_RUN(rekey_keeps_the_time);
	T_RUN(told_later);
	T_RUN(too_late);
	T_RUN(bad_network);
	T_RUN(tried_while_down);
	T_RUN(tried_while_up);
	T_RUN(tried_and_nobody_there);
	T_RUN(peer_cannot_do_without);
	T_RUN(second_calls);
	return t_done();
}
