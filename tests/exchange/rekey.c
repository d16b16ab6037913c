/* rooms: ike/engine ike/v1 ike/v2 ike/auth ike/wire core/crypto core/base */
/* Rekeying of children and of the IKE SA, from either side, from both at once, and while
 * messages are lost; Deletes; a peer that dies, comes back, or loses its dataplane. At
 * every step of the flow tests a packet sent by either side would have been understood.
 */
#include "ike/v2/v2.h"
#include "tests/exchange/pair.h"

static struct sim s;

static void short_lives(uint32_t esp_a, uint32_t esp_b, uint32_t ike_a, uint32_t ike_b)
{
	struct sim_conf a, b;

	sim_conf(&s, 0, &a);
	sim_conf(&s, 1, &b);
	a.children[0].esp_life_s = esp_a;
	b.children[0].esp_life_s = esp_b;
	a.peer.ike_life_s = ike_a;
	b.peer.ike_life_s = ike_b;
	a.peer.rekey_margin_s = b.peer.rekey_margin_s = 60;
	sim_set(&s, 1, &b);
	sim_set(&s, 0, &a);
}

static struct ike_sa *ike(int n)
{
	return s.side[n].e->peers->main;
}

static void start_watching(void)
{
	sim_run(&s, 500);
	CHECK_UP(&s, 1);
	s.watch = true;
}

static void child_from_a(void)
{
	sim_init(&s, 1);
	short_lives(300, 3600, 40000, 40000);
	start_watching();
	sim_run(&s, 3600 * 1000);
	CHECK_UP(&s, 1);
	CHECK(sim_status(&s, 0)->child[0].rekeys >= 12);
	CHECK_STR(sim_status(&s, 0)->child[0].esp, "AES-128-GCM, Curve25519, ESN");
	CHECK_INT(s.side[0].ups, 1);
	CHECK_INT(s.side[1].ups, 1);
	CHECK_INT(s.side[0].events[ENGINE_ESTABLISHED], 1);
	sim_end(&s);
}

static void child_from_b(void)
{
	sim_init(&s, 2);
	short_lives(3600, 300, 40000, 40000);
	start_watching();
	sim_run(&s, 3600 * 1000);
	CHECK_UP(&s, 1);
	CHECK(sim_status(&s, 1)->child[0].rekeys >= 12);
	CHECK_INT(s.side[0].ups + s.side[1].ups, 2);
	sim_end(&s);
}

static void ike_from_a(void)
{
	uint64_t spi;

	sim_init(&s, 3);
	short_lives(40000, 40000, 600, 40000);
	start_watching();
	spi = sim_status(&s, 0)->st.spi_i;
	sim_run(&s, 3600 * 1000);
	CHECK_UP(&s, 1);
	CHECK(sim_status(&s, 0)->st.rekeys >= 6);
	CHECK(sim_status(&s, 0)->st.spi_i != spi);
	CHECK(sim_status(&s, 0)->st.spi_i == sim_status(&s, 1)->st.spi_i);
	CHECK(sim_status(&s, 0)->st.uptime_s > 3000);
	CHECK_INT(s.side[0].adds, 1);		/* the children stayed */
	sim_end(&s);
}

static void ike_from_b(void)
{
	sim_init(&s, 4);
	short_lives(40000, 40000, 40000, 600);
	start_watching();
	sim_run(&s, 3600 * 1000);
	CHECK_UP(&s, 1);
	CHECK(sim_status(&s, 1)->st.rekeys >= 6);
	CHECK_INT(s.side[0].adds, 1);
	CHECK_INT(s.side[0].events[ENGINE_ESTABLISHED], 1);
	sim_end(&s);
}

static void all_at_once(void)
{
	for (uint64_t seed = 0; seed < 20; seed++) {
		sim_init(&s, 100 + seed);
		short_lives(200, 200, 300, 300);
		start_watching();
		sim_run(&s, 3600 * 1000);
		CHECK_UP(&s, 1);
		CHECK_INT(s.side[0].ups, 1);
		CHECK_INT(s.side[0].events[ENGINE_ESTABLISHED], 1);
		sim_end(&s);
	}
}

/* Both begin to rekey the child in the same millisecond, and b a little later. */
static void child_collision(void)
{
	for (unsigned apart = 0; apart < 90; apart += 3) {
		sim_init(&s, 200 + apart);
		sim_usual(&s);
		start_watching();
		engine_sa_event(s.side[0].e, sim_status(&s, 0)->child[0].sa_id,
				SA_EVENT_SOFT);
		sim_run(&s, apart);
		engine_sa_event(s.side[1].e, sim_status(&s, 1)->child[0].sa_id,
				SA_EVENT_SOFT);
		sim_run(&s, 15000);
		CHECK_UP(&s, 1);
		/* No third pair was made to clean up after the two. */
		CHECK(s.side[0].adds <= 3);
		sim_end(&s);
	}
}

static void ike_collision(void)
{
	for (unsigned apart = 0; apart < 90; apart += 3) {
		sim_init(&s, 300 + apart);
		sim_usual(&s);
		start_watching();
		ike(0)->rekey_at = s.now;
		task_next(ike(0));
		sim_run(&s, apart);
		ike(1)->rekey_at = s.now;
		task_next(ike(1));
		sim_run(&s, 15000);
		CHECK_UP(&s, 1);
		CHECK(sim_status(&s, 0)->st.spi_i == sim_status(&s, 1)->st.spi_i);
		CHECK_INT(s.side[0].adds, 1);
		sim_end(&s);
	}
}

/* One rekeys the child, the other the IKE SA. */
static void mixed_collision(void)
{
	for (unsigned apart = 0; apart < 90; apart += 3) {
		sim_init(&s, 400 + apart);
		sim_usual(&s);
		start_watching();
		ike(1)->rekey_at = s.now;
		task_next(ike(1));
		sim_run(&s, apart);
		engine_sa_event(s.side[0].e, sim_status(&s, 0)->child[0].sa_id,
				SA_EVENT_SOFT);
		sim_run(&s, 20000);
		CHECK_UP(&s, 1);
		CHECK(sim_status(&s, 0)->child[0].rekeys >= 1);
		CHECK(sim_status(&s, 1)->st.rekeys >= 1);
		sim_end(&s);
	}
}

/* The first negotiation has no PFS to disagree about (§1.2): the first rekey has. */
static void a_first_rekey_is_tried(void)
{
	static const char *const esp_b[] = { "aes128gcm16-x25519", "aes128gcm16-ecp256",
					     "aes128gcm16" };

	for (int i = 0; i < 3; i++) {
		struct sim_conf a, b;

		sim_init(&s, 700 + (uint64_t)i);
		sim_conf(&s, 0, &a);
		sim_conf(&s, 1, &b);
		a.peer.test_rekey = b.peer.test_rekey = true;
		sim_suites(SUITE_ESP, esp_b[i], &b.children[0].esp);
		sim_set(&s, 1, &b);
		sim_set(&s, 0, &a);
		start_watching();
		sim_run(&s, 30000);
		CHECK_UP(&s, 1);
		CHECK_INT(sim_status(&s, 0)->child[0].rekeys, i == 0);
		CHECK_INT(s.side[1].adds, 1 + (i == 0));
		CHECK_INT(s.side[0].events[ENGINE_FAILED], i != 0);
		if (i) {
			CHECK_HAS(sim_status(&s, 0)->failure, "a first rekey was tried");
			CHECK_HAS(sim_status(&s, 0)->failure, "would break in 59 min");
		}
		/* Once, and again when the settings changed. */
		sim_run(&s, 600000);
		CHECK_INT(s.side[0].events[ENGINE_FAILED], i != 0);
		CHECK_INT(s.side[1].adds, 1 + (i == 0));
		sim_suites(SUITE_ESP, "aes256gcm16-x25519", &a.children[0].esp);
		sim_suites(SUITE_ESP, "aes256gcm16-x25519", &b.children[0].esp);
		s.watch = false;
		sim_set(&s, 1, &b);
		sim_set(&s, 0, &a);
		sim_run(&s, 30000);
		CHECK_UP(&s, 1);
		CHECK_INT(s.side[1].adds, 3 + (i == 0));
		sim_end(&s);
	}
}

static void both_call_at_once(void)
{
	for (unsigned apart = 0; apart < 150; apart += 3) {
		struct sim_conf a, b;

		sim_init(&s, 500 + apart);
		sim_conf(&s, 0, &a);
		sim_conf(&s, 1, &b);
		b.peer.start = START_START;
		sim_set(&s, 1, &b);
		sim_run(&s, apart);
		sim_set(&s, 0, &a);
		sim_run(&s, 20000);
		CHECK_UP(&s, 1);
		CHECK_INT(s.side[0].ups, 1);
		CHECK_INT(s.side[1].downs, 0);
		sim_end(&s);
	}
}

static void crash_of(int n, uint64_t seed)
{
	struct sim_conf c;

	sim_init(&s, seed);
	sim_usual(&s);
	sim_run(&s, 60000);
	CHECK_UP(&s, 1);
	sim_crash(&s, n);
	sim_conf(&s, n, &c);
	sim_set(&s, n, &c);
}

static void restart_of_a(void)
{
	crash_of(0, 600);
	/* It calls at once and says INITIAL_CONTACT; b throws the old ones away in
	 * silence. */
	sim_run(&s, 8000);
	CHECK_UP(&s, 1);
	CHECK(s.side[1].downs == 0);
	sim_end(&s);
}

static void restart_of_b(void)
{
	crash_of(1, 601);
	/* A responder: a finds out by liveness, helped by INVALID_IKE_SPI. */
	sim_run(&s, 60000);
	CHECK_UP(&s, 1);
	CHECK_INT(s.side[0].events[ENGINE_ESTABLISHED], 2);
	sim_end(&s);
}

static void dead_peer_restart(void)
{
	sim_init(&s, 610);
	sim_usual(&s);
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	s.side[1].dead = true;
	sim_run(&s, 30000 + 66000);
	CHECK_SIM(&s);
	CHECK_INT(sim_count(&s.side[0]), 0);
	CHECK_HAS(sim_status(&s, 0)->failure, "does not answer");
	CHECK_STR(peer_state_name(sim_state(&s, 0)), "connecting");
	CHECK_INT(s.side[0].downs, 1);
	s.side[1].dead = false;
	sim_run(&s, 80000);
	CHECK_UP(&s, 1);
	sim_end(&s);
}

static void dead_peer_clear(void)
{
	struct sim_conf a, b;

	sim_init(&s, 611);
	sim_conf(&s, 0, &a);
	sim_conf(&s, 1, &b);
	a.peer.dpd_action = DPD_CLEAR;
	sim_set(&s, 1, &b);
	sim_set(&s, 0, &a);
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	s.side[1].dead = true;
	sim_run(&s, 200000);
	CHECK_STR(peer_state_name(sim_state(&s, 0)), "down");
	CHECK_INT(s.side[0].events[ENGINE_TRYING], 1);
	CHECK_INT(sim_count(&s.side[0]), 0);
	sim_end(&s);
}

static void esp_is_a_sign_of_life(void)
{
	struct sa_stats st = { .last_rx_ms = 100 };
	unsigned sent;

	sim_init(&s, 612);
	sim_usual(&s);
	sim_run(&s, 1000);
	sent = s.side[0].sent;
	for (int i = 0; i < 20; i++) {
		sim_run(&s, 10000);
		st.id = sim_status(&s, 0)->child[0].sa_id;
		engine_sa_stats(s.side[0].e, &st);
		st.id = sim_status(&s, 1)->child[0].sa_id;
		engine_sa_stats(s.side[1].e, &st);
	}
	CHECK_INT(s.side[0].sent, sent);
	sim_end(&s);
}

static void child_deleted_by_b(void)
{
	sim_init(&s, 620);
	sim_usual(&s);
	sim_run(&s, 30000);
	CHECK_UP(&s, 1);
	s.side[1].e->peers->children->del_want = true;
	task_next(ike(1));
	sim_run(&s, 300);
	CHECK_INT(sim_count(&s.side[0]) + sim_count(&s.side[1]), 0);
	CHECK_INT(s.side[0].downs, 1);
	/* a sees to it that it stands again, in the same IKE SA. */
	sim_run(&s, 5000);
	CHECK_UP(&s, 1);
	CHECK_INT(s.side[0].events[ENGINE_ESTABLISHED], 1);
	sim_end(&s);
}

static void hard_expiry(void)
{
	sim_init(&s, 621);
	sim_usual(&s);
	sim_run(&s, 30000);
	engine_sa_event(s.side[0].e, sim_status(&s, 0)->child[0].sa_id, SA_EVENT_HARD);
	sim_run(&s, 10000);
	CHECK_UP(&s, 1);
	CHECK_INT(s.side[0].events[ENGINE_ESTABLISHED], 1);
	sim_end(&s);
}

/* Somebody deletes the interface, on the side that began and on the other: the child is
 * made again at once, and not for ever so when he goes on. */
static void interface_deleted(void)
{
	for (int n = 0; n < 2; n++) {
		unsigned from;

		sim_init(&s, 622);
		sim_usual(&s);
		sim_run(&s, 30000);
		CHECK_UP(&s, 1);
		engine_sa_event(s.side[n].e, sim_status(&s, n)->child[0].sa_id,
				SA_EVENT_GONE);
		CHECK_INT(sim_status(&s, n)->child[0].state != CHILD_UP, 1);
		/* A responder leaves it to the other, who waits half a second. */
		sim_run(&s, n ? 1000 : 400);
		CHECK_UP(&s, 1);
		CHECK_INT(s.side[0].events[ENGINE_ESTABLISHED], 1);
		for (int i = 0; i < 20; i++) {
			if (sim_count(&s.side[n]))
				engine_sa_event(s.side[n].e,
						sim_status(&s, n)->child[0].sa_id,
						SA_EVENT_GONE);
			sim_run(&s, 200);
		}
		from = s.side[n].adds;
		for (int i = 0; i < 20; i++) {
			if (sim_count(&s.side[n]))
				engine_sa_event(s.side[n].e,
						sim_status(&s, n)->child[0].sa_id,
						SA_EVENT_GONE);
			sim_run(&s, 200);
		}
		CHECK(s.side[n].adds - from < 5);
		sim_run(&s, 200000);
		CHECK_UP(&s, 1);
		sim_end(&s);
	}
}

static void dataplane_lost(void)
{
	struct sim_conf a, b;

	sim_init(&s, 630);
	sim_conf(&s, 0, &a);
	sim_conf(&s, 1, &b);
	sim_child(&a, "voice", "10.1.1.0/24", "10.2.1.0/24", "aes128gcm16-x25519");
	sim_child(&b, "voice", "10.2.1.0/24", "10.1.1.0/24", "aes128gcm16-x25519");
	sim_set(&s, 1, &b);
	sim_set(&s, 0, &a);
	sim_run(&s, 20000);
	CHECK_UP(&s, 2);
	for (int n = 0; n < 2; n++) {
		memset(s.side[n].sas, 0, sizeof(s.side[n].sas));
		engine_dataplane_lost(s.side[n].e);
		sim_run(&s, 1000);
		CHECK_UP(&s, 2);
		CHECK_INT(s.side[0].events[ENGINE_ESTABLISHED], 1);
	}
	/* Both together. */
	for (int n = 0; n < 2; n++) {
		memset(s.side[n].sas, 0, sizeof(s.side[n].sas));
		engine_dataplane_lost(s.side[n].e);
	}
	sim_run(&s, 60000);
	CHECK_UP(&s, 2);
	sim_end(&s);
}

static void rekey_refused(void)
{
	struct sim_conf b;

	/* PFS differs: found out at the first rekey only, an hour later. */
	sim_init(&s, 640);
	sim_usual(&s);
	sim_run(&s, 1000);
	sim_conf(&s, 1, &b);
	sim_suites(SUITE_ESP, "aes128gcm16-ecp256", &b.children[0].esp);
	sim_set(&s, 1, &b);
	sim_run(&s, 2 * 3600 * 1000);
	CHECK_SIM(&s);
	CHECK(sim_matched(&s));
	CHECK_HAS(sim_status(&s, 0)->failure, "NO_PROPOSAL_CHOSEN");
	sim_conf(&s, 1, &b);
	sim_set(&s, 1, &b);
	sim_run(&s, 400000);
	CHECK_UP(&s, 1);
	sim_end(&s);
}

int main(void)
{
	T_RUN(child_from_a);
	T_RUN(child_from_b);
	T_RUN(ike_from_a);
	T_RUN(ike_from_b);
	T_RUN(all_at_once);
	T_RUN(child_collision);
	T_RUN(ike_collision);
	T_RUN(mixed_collision);
	T_RUN(a_first_rekey_is_tried);
	T_RUN(both_call_at_once);
	T_RUN(restart_of_a);
	T_RUN(restart_of_b);
	T_RUN(dead_peer_restart);
	T_RUN(dead_peer_clear);
	T_RUN(esp_is_a_sign_of_life);
	T_RUN(child_deleted_by_b);
	T_RUN(hard_expiry);
	T_RUN(interface_deleted);
	T_RUN(dataplane_lost);
	T_RUN(rekey_refused);
	return t_done();
}
