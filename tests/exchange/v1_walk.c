/* rooms: ike/engine ike/v1 ike/v2 ike/auth ike/wire core/crypto core/base */
/* IKEv1's tables, walked: every state, exchange and role. What has a row is what the map below
 * says; what has none is dropped and counted, and moves nothing. */
#include "ike/v1/v1.h"
#include "tests/exchange/pair.h"

/* Which exchange a state takes a message of: m Main, a Aggressive. */
static const char map[V1_STATES + 1] = {
	[V1_IDLE] = 'b', [MI_SA_SENT] = 'm', [MI_KE_SENT] = 'm', [MI_KEYING] = '.',
	[MI_ID_SENT] = 'm', [MR_SA_SENT] = 'm', [MR_KEYING] = '.', [MR_KE_SENT] = 'm', [MR_PROVING] = '.',
	[AI_SENT] = 'a', [AI_KEYING] = '.', [AR_KEYING] = '.', [AR_SENT] = 'a',
	[V1_UP] = '.', [V1_REPLACED] = '.', [V1_DEAD] = '.',
};
/* Quick mode: b either role, i who begins, r who answers. */
static const char quick_map[QUICK_STATES + 1] = {
	[Q_IDLE] = 'q', [QI_SENT] = 'q', [QI_ADDING] = '.', [QI_DONE] = '.',
	[QR_ADDING] = '.', [QR_SENT] = 'q', [QR_DONE] = '.', [Q_DEAD] = '.',
};

static void as_the_maps_say(void)
{
	for (unsigned st = 0; st < V1_STATES; st++)
		for (unsigned x = 0; x < ON_START; x++) {
			bool want = (x == X_MAIN && (map[st] == 'm' || map[st] == 'b')) ||
				    (x == X_AGGRESSIVE && (map[st] == 'a' || map[st] == 'b'));

			if ((v1_row(st, (uint8_t)x) != NULL) != want) {
				printf("    %s, exchange %u\n", v1_state_name(st), x);
				CHECK(!"the map and the table differ");
			}
		}
	for (unsigned st = 0; st < QUICK_STATES; st++)
		for (unsigned x = 0; x < ON_START; x++) {
			bool want = x == X_QUICK && quick_map[st] == 'q';

			if ((quick_row(st, (uint8_t)x) != NULL) != want) {
				printf("    %s, exchange %u\n", quick_state_name(st), x);
				CHECK(!"the map and the table of Quick mode differ");
			}
		}
}

static void rows_are_sound(void)
{
	bool reached[V1_STATES] = { [V1_IDLE] = true };
	bool quick_reached[QUICK_STATES] = { [Q_IDLE] = true };
	const struct v1_row *t;
	const struct quick_row *q;
	size_t n;

	t = v1_rows(&n);
	for (size_t i = 0; i < n; i++, t++) {
		CHECK(t->act && t->story && t->section && t->section[0]);
		CHECK(t->from < V1_DEAD && t->done < V1_STATES && t->failed < V1_STATES);
		CHECK((t->on >= ON_START) == !t->payloads);
		CHECK(v1_row(t->from, t->on) == t);	/* no earlier row hides it */
		reached[t->done] = reached[t->failed] = true;
	}
	for (unsigned st = 0; st < V1_STATES; st++)
		CHECK(reached[st]);
	q = quick_rows(&n);
	for (size_t i = 0; i < n; i++, q++) {
		CHECK(q->act && q->story && q->section && q->section[0]);
		CHECK(q->from < Q_DEAD && q->done < QUICK_STATES && q->failed < QUICK_STATES);
		CHECK((q->on >= ON_START) == !q->payloads);
		CHECK(quick_row(q->from, q->on) == q);
		quick_reached[q->done] = quick_reached[q->failed] = true;
	}
	for (unsigned st = 0; st < QUICK_STATES; st++)
		CHECK(quick_reached[st]);
}

/* Whatever state it is in it can be ended, and all but the one that is meant to last end by
 * time or by silence; no answerer of phase 1 repeats by itself. */
static void every_state_ends(void)
{
	for (unsigned st = 0; st < V1_DEAD; st++) {
		CHECK(v1_row(st, ON_DROP) && v1_row(st, ON_CLOSE));
		if (v1_state_ms(st))
			CHECK(v1_row(st, ON_TIMEOUT));
		else
			CHECK(st == V1_IDLE || v1_row(st, ON_NO_ANSWER));
	}
	for (unsigned st = MR_SA_SENT; st <= MR_KE_SENT; st++)
		CHECK(!v1_row(st, ON_NO_ANSWER) && v1_state_ms(st));
	CHECK(!v1_row(AR_KEYING, ON_NO_ANSWER) && !v1_row(AR_SENT, ON_NO_ANSWER));
	for (unsigned st = 0; st < Q_DEAD; st++) {
		CHECK(quick_row(st, ON_DROP));
		if (quick_state_ms(st))
			CHECK(quick_row(st, ON_TIMEOUT));
		else
			CHECK(st == Q_IDLE || quick_row(st, ON_NO_ANSWER));
	}
}

/* ---- with real messages ---- */

static struct sim s;

static uint32_t dropped(void)
{
	struct engine_counts c = sim_counts(&s, 1);
	struct drop_counts p = sim_status(&s, 1)->st.drops;

	return c.drops.unexpected + c.drops.malformed + c.drops.unknown_spi + c.drops.bad_id +
	       c.drops.bad_icv + p.unexpected + p.malformed + p.bad_id + p.bad_icv + p.half_open;
}

static void up(void)
{
	struct sim_conf c;

	sim_init(&s, 1);
	for (int n = 1; n >= 0; n--) {
		sim_conf(&s, n, &c);
		c.peer.version = IKE_V1;
		sim_suites(SUITE_IKE, "aes128-sha256-x25519", &c.peer.ike);
		sim_set(&s, n, &c);
	}
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
}

/* Put side 1's SA in a state; let a message of that exchange come, in clear or encrypted. */
static void try_one(enum v1_state st, uint8_t exchange, uint32_t msg_id, bool sealed)
{
	struct ike_sa *from = s.side[0].e->peers->main, *to = s.side[1].e->peers->main;
	struct endpoint src = to->remote, dst = to->local;
	struct phase1 p1 = { 0 };
	uint8_t iv[CBC_BLOCK_MAX];
	enum v1_state was = to->state;
	uint32_t before = dropped();
	unsigned sent = s.side[1].sent;
	struct v1_out o;
	struct err e;
	size_t len = 0;

	to->state = st;
	p1.ke = ke_new(KE_CURVE25519, &e);
	v1(to)->p1 = &p1;
	if (sealed) {
		sealed_begin(from, &o, exchange, msg_id);
		memset(iv, 0x55, sizeof(iv));	/* not the IV that there is */
		if (sealed_end(from, &o, (struct slice){ 0 }, iv, &len) < 0)
			abort();
	} else {
		isakmp_begin(&o.b, o.buf, sizeof(o.buf), to->spi_i, to->spi_r, exchange, msg_id);
		isakmp_add(&o.b, P_HASH, (struct slice){ (const uint8_t *)"nonsense", 8 });
		if (isakmp_end(&o.b, &len) < 0)
			abort();
	}
	engine_receive(s.side[1].e, &dst, &src, o.buf, len);
	v1(to)->p1 = NULL;
	if (to->state != st || dropped() == before)
		printf("    %s, exchange %u, %s\n", v1_state_name(st), exchange,
		       sealed ? "encrypted" : "in clear");
	CHECK(to->state == st);
	CHECK(dropped() > before);
	CHECK_INT(s.side[1].sent, sent);
	ke_free(p1.ke);
	free(p1.refused);
	to->state = was;
}

static void nonsense_moves_nothing(void)
{
	static const uint8_t exchanges[] = { 0, 1, X_MAIN, 3, X_AGGRESSIVE, X_INFO, X_TRANSACTION,
					     X_QUICK, X_NEW_GROUP, 34, 37, 240, 255 };
	unsigned n = 0;

	up();
	for (unsigned st = 0; st < V1_DEAD; st++)
		for (size_t i = 0; i < sizeof(exchanges); i++)
			for (int sealed = 0; sealed < 2; sealed++) {
				uint8_t x = exchanges[i];
				bool p1 = x == X_MAIN || x == X_AGGRESSIVE;

				try_one(st, x, p1 ? 0 : 4711, sealed);
				try_one(st, x, p1 ? 4711 : 0, sealed);
				n += 2;
			}
	CHECK(n > 500);
	/* And the tunnel never noticed. */
	sim_run(&s, 100000);
	CHECK_UP(&s, 1);
	sim_end(&s);
}

/* A recording played again does nothing; turned back on its sender neither. */
static uint8_t kept[64][2048];
static size_t kept_len[64];
static int kept_from[64], n_kept;

static bool keep(struct sim *x, int from, const uint8_t *msg, size_t len)
{
	(void)x;
	if (n_kept < 64 && len <= sizeof(kept[0])) {
		memcpy(kept[n_kept], msg, len);
		kept_len[n_kept] = len;
		kept_from[n_kept++] = from;
	}
	return true;
}

static void recordings(void)
{
	unsigned adds[2], sent;

	n_kept = 0;
	sim_init(&s, 3);
	s.filter = keep;
	{
		struct sim_conf c;

		for (int n = 1; n >= 0; n--) {
			sim_conf(&s, n, &c);
			c.peer.version = IKE_V1;
			sim_suites(SUITE_IKE, "aes128-sha256-x25519", &c.peer.ike);
			sim_set(&s, n, &c);
		}
	}
	sim_run(&s, 100000);
	CHECK_UP(&s, 1);
	s.filter = NULL;
	CHECK(n_kept >= 9);
	for (int n = 0; n < 2; n++)
		adds[n] = s.side[n].adds;
	sent = s.side[0].sent + s.side[1].sent;
	for (int i = 0; i < n_kept; i++)
		for (int to = 0; to < 2; to++) {
			struct endpoint src = { s.side[1 - to].addr, 500 };
			struct endpoint dst = { s.side[to].addr, 500 };

			engine_receive(s.side[to].e, &dst, &src, kept[i], kept_len[i]);
		}
	/* Some get the last answer once more; none gets more than it sent. */
	CHECK(s.side[0].sent + s.side[1].sent <= sent + 2 * (unsigned)n_kept);
	sim_run(&s, 100000);
	CHECK_INT(s.side[0].adds, adds[0]);
	CHECK_INT(s.side[1].adds, adds[1]);
	CHECK_UP(&s, 1);
	CHECK_INT(sim_counts(&s, 0).half_open + sim_counts(&s, 1).half_open, 0);
	sim_end(&s);
}

/* A thousand callers: few are kept, and they go. */
static void half_open_limits(void)
{
	struct sim_conf c;
	struct endpoint src = { s.side[0].addr, 500 }, dst = { s.side[1].addr, 500 };
	struct offer_want want = { .auth = V1_AUTH_PSK, .life_s = 3600 };
	struct offer o;
	struct v1_out out;
	size_t len;

	sim_init(&s, 4);
	sim_conf(&s, 1, &c);
	c.peer.version = IKE_V1;
	c.peer.remote_any = true;
	c.peer.n_gateways = 1;
	c.peer.gateways[0] = (struct gateway){ .kind = GATEWAY_ANY };
	sim_suites(SUITE_IKE, "aes128-sha256-x25519", &c.peer.ike);
	sim_set(&s, 1, &c);
	dst.addr = s.side[1].addr;
	offer_make(&c.peer.ike, &want, &o);
	for (unsigned i = 0; i < 1000; i++) {
		src.addr = addr_v4(0xc6336400 + (i & 1 ? 7 : i));
		isakmp_begin(&out.b, out.buf, sizeof(out.buf), 1000 + i, 0, X_MAIN, 0);
		isakmp_open(&out.b, P_SA);
		offer_write(&out.b.w, &o, 0);
		isakmp_close(&out.b);
		CHECK_INT(isakmp_end(&out.b, &len), 0);
		engine_receive(s.side[1].e, &dst, &src, out.buf, len);
	}
	CHECK(sim_counts(&s, 1).half_open <= 300);
	CHECK(sim_counts(&s, 1).half_open >= 100);
	CHECK(sim_counts(&s, 1).drops.half_open >= 480);
	sim_run(&s, 60000);
	CHECK_INT(sim_counts(&s, 1).half_open, 0);
	sim_end(&s);
}

/* Unity's vendor ID is for who sends it, and for nobody else. */
static void unity(void)
{
	static const uint8_t id[16] = { 0x12, 0xf5, 0xf2, 0x8c, 0x45, 0x71, 0x68, 0xa9, 0x70,
					0x2d, 0x9f, 0xe2, 0x74, 0xcc, 0x01, 0x00 };

	for (int with = 0; with < 2; with++) {
		struct endpoint src = { .port = 500 }, dst = { .port = 500 };
		struct offer_want want = { .auth = V1_AUTH_PSK, .life_s = 3600 };
		struct sim_conf c;
		struct v1_out out;
		struct offer o;
		size_t len;

		n_kept = 0;
		sim_init(&s, 5);
		s.filter = keep;
		sim_conf(&s, 1, &c);
		c.peer.version = IKE_V1;
		sim_suites(SUITE_IKE, "aes128-sha256-x25519", &c.peer.ike);
		sim_set(&s, 1, &c);
		src.addr = s.side[0].addr;
		dst.addr = s.side[1].addr;
		offer_make(&c.peer.ike, &want, &o);
		isakmp_begin(&out.b, out.buf, sizeof(out.buf), 77, 0, X_MAIN, 0);
		isakmp_open(&out.b, P_SA);
		offer_write(&out.b.w, &o, 0);
		isakmp_close(&out.b);
		if (with)
			isakmp_add(&out.b, P_VENDOR, (struct slice){ id, 16 });
		CHECK_INT(isakmp_end(&out.b, &len), 0);
		engine_receive(s.side[1].e, &dst, &src, out.buf, len);
		CHECK_INT(n_kept, 1);
		CHECK_INT(memmem(kept[0], kept_len[0], id, 14) != NULL, with);
		sim_end(&s);
	}
}

int main(void)
{
	T_RUN(as_the_maps_say);
	T_RUN(rows_are_sound);
	T_RUN(every_state_ends);
	T_RUN(nonsense_moves_nothing);
	T_RUN(recordings);
	T_RUN(half_open_limits);
	T_RUN(unity);
	return t_done();
}
