/* rooms: dataplane/esp core/base */
/* The replay window and the recovery of extended sequence numbers. */
#include "dataplane/esp/replay.h"
#include "tests/unit/t.h"

static struct replay r;

static void with(uint32_t window, bool esn)
{
	struct err e = { 0 };

	replay_fini(&r);
	CHECK(replay_init(&r, window, esn, &e) == 0);
}

/* What an arriving packet does: 1 taken, 0 refused. */
static int comes(uint32_t low)
{
	uint64_t seq;

	if (!replay_whole(&r, low, &seq) || !replay_fresh(&r, seq))
		return 0;
	replay_mark(&r, seq);
	return 1;
}

static void numbered(void)
{
	static const struct {
		uint32_t seq;
		int taken;
	} steps[] = {
		/* 1 */ { 0, 0 },		/* the first number is 1 */
		/* 2 */ { 1, 1 },
		/* 3 */ { 1, 0 },
		/* 4 */ { 9, 1 },
		/* 5 */ { 8, 1 },
		/* 6 */ { 7, 1 },
		/* 7 */ { 7, 0 },
		/* 8 */ { 9, 0 },
		/* 9 */ { 64, 1 },		/* 1 is the left edge now */
		/* 10 */ { 1, 0 },		/* seen */
		/* 11 */ { 2, 1 },
		/* 12 */ { 65, 1 },
		/* 13 */ { 1, 0 },		/* left of the window */
		/* 14 */ { 3, 1 },
		/* 15 */ { 65 + 63, 1 },
		/* 16 */ { 64, 0 },		/* just left */
		/* 17 */ { 66, 1 },
		/* 18 */ { 1000, 1 },		/* far jump: everything old is cleared */
		/* 19 */ { 999, 1 },
		/* 20 */ { 937, 1 },		/* the edge: 1000 - 63 */
		/* 21 */ { 936, 0 },
		/* 22 */ { 937, 0 },
		/* 23 */ { 1000 + 64 * 7, 1 },	/* a jump by many words of the ring */
		/* 24 */ { 1000 + 64 * 7 - 1, 1 },
		/* 25 */ { 1000 + 64 * 6, 0 },
		/* 26 */ { UINT32_MAX, 1 },
		/* 27 */ { UINT32_MAX - 1, 1 },
		/* 28 */ { UINT32_MAX, 0 },
		/* 29 */ { 1, 0 },		/* never wraps */
	};

	with(64, false);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (comes(steps[i].seq) != steps[i].taken)
			printf("    case %zu\n", i + 1);
		CHECK_INT(replay_fresh(&r, steps[i].seq), 0);
	}
}

/* Every window size: in order, each once, backwards, and twice. */
static void sizes(void)
{
	static const uint32_t all[] = { 32, 33, 63, 64, 65, 100, 128, 1000, 1024, 4095, 4096 };

	for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++) {
		uint32_t w = all[k], top = 10000 + k;

		with(w, false);
		CHECK_INT(r.window, w);
		CHECK(comes(top));
		for (uint32_t i = 1; i < w; i++)
			CHECK(comes(top - i));
		for (uint32_t i = 0; i < w; i++)
			CHECK(!comes(top - i));
		CHECK(!comes(top - w));
		for (uint32_t i = 1; i <= 3 * w; i += 3)
			CHECK(comes(top + i) && !comes(top + i));
	}
	with(5, false);
	CHECK_INT(r.window, REPLAY_WINDOW_MIN);
	with(100000, false);
	CHECK_INT(r.window, REPLAY_WINDOW_MAX);
}

/* Against a plain list of what was seen. */
static void against_a_list(void)
{
	static uint8_t seen[20000];
	uint32_t top = 0, x = 12345;

	memset(seen, 0, sizeof(seen));
	with(128, false);
	for (int i = 0; i < 60000; i++) {
		uint32_t seq;
		int want;

		x = x * 1103515245 + 12345;
		seq = top + 200 > 400 ? top + 200 - (x >> 16) % 400 : 1 + (x >> 16) % 300;
		if (seq >= sizeof(seen))
			break;
		want = seq && (seq > top || (top - seq < 128 && !seen[seq]));
		CHECK_INT(comes(seq), want);
		if (want) {
			seen[seq] = 1;
			top = seq > top ? seq : top;
		}
	}
	CHECK(top > 10000);
}

static void off(void)
{
	with(0, false);
	CHECK(comes(5));
	CHECK(comes(5));
	CHECK(comes(1));
	CHECK(comes(0));
}

static uint64_t whole(uint64_t top, uint32_t low)
{
	uint64_t seq;

	r.top = top;
	return replay_whole(&r, low, &seq) ? seq : UINT64_MAX;
}

/* RFC 4303 Appendix A2.2: case A (the window in one subspace), case B (it spans two). */
static void esn_high_half(void)
{
	const uint64_t G = UINT64_C(1) << 32;

	with(64, true);
	/* A: inside and right of the window, the same subspace */
	CHECK_INT(whole(1000, 937), 937);
	CHECK_INT(whole(1000, 1000), 1000);
	CHECK_INT(whole(1000, 5000), 5000);
	CHECK_INT(whole(1000, UINT32_MAX), UINT32_MAX);
	/* A: left of the window can only be the next subspace */
	CHECK_INT(whole(1000, 936), G + 936);
	CHECK_INT(whole(5 * G + 1000, 936), 6 * G + 936);
	CHECK_INT(whole(5 * G + 1000, 1001), 5 * G + 1001);
	/* A at its edge: Tl = W - 1 */
	CHECK_INT(whole(5 * G + 63, 0), 5 * G);
	CHECK_INT(whole(5 * G + 63, UINT32_MAX), 5 * G + UINT32_MAX);
	/* B: the window reaches into the earlier subspace */
	CHECK_INT(whole(5 * G + 62, UINT32_MAX), 4 * G + UINT32_MAX);
	CHECK_INT(whole(5 * G + 10, UINT32_MAX - 52), 4 * G + (UINT32_MAX - 52));
	CHECK_INT(whole(5 * G + 10, UINT32_MAX - 53), 5 * G + (UINT32_MAX - 53));
	CHECK_INT(whole(5 * G + 10, 11), 5 * G + 11);
	CHECK_INT(whole(5 * G + 10, 9), 5 * G + 9);
	/* B with nothing before: cannot be */
	CHECK_INT(whole(10, UINT32_MAX), UINT64_MAX);
	CHECK_INT(whole(0, 1), 1);
	/* without ESN the low half is all */
	with(64, false);
	CHECK_INT(whole(5 * G, 7), 7);
}

static void esn_crosses(void)
{
	with(64, true);
	for (uint32_t i = 0; i < 200; i++) {
		/* as in esn_high_half: step over 2^32, each number once, neighbours swapped */
		uint64_t seq = (UINT64_C(7) << 32) - 100 + (i ^ 1);
		uint64_t got;

		if (i == 0)
			r.top = (UINT64_C(7) << 32) - 101;
		CHECK(replay_whole(&r, (uint32_t)seq, &got));
		CHECK_INT(got, seq);
		CHECK(replay_fresh(&r, got));
		replay_mark(&r, got);
		CHECK(!replay_fresh(&r, got));
	}
	CHECK_INT(r.top >> 32, 7);
}

static void esn_without_window(void)
{
	const uint64_t G = UINT64_C(1) << 32;

	with(0, true);
	CHECK_INT(whole(3 * G + 5, UINT32_MAX), 2 * G + UINT32_MAX);
	CHECK_INT(whole(3 * G + 5, 100), 3 * G + 100);
	CHECK_INT(whole(4 * G - 5, 3), 4 * G + 3);
	CHECK_INT(whole(4 * G - 5, UINT32_MAX), 3 * G + UINT32_MAX);
}

int main(void)
{
	T_RUN(numbered);
	T_RUN(sizes);
	T_RUN(against_a_list);
	T_RUN(off);
	T_RUN(esn_high_half);
	T_RUN(esn_crosses);
	T_RUN(esn_without_window);
	replay_fini(&r);
	return t_done();
}
