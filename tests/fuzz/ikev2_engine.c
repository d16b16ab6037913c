/* rooms: ike/engine ike/v2 ike/v1 ike/auth ike/wire core/settings core/crypto core/base */
/* ikev2_engine: a peer that has the keys and means harm, against a whole engine. Byte 0 says
 * how far the two are: established, or one waits for the other's IKE_AUTH. Then steps, a byte
 * each that says what, and what it needs: messages sealed as they are with any payload chain,
 * as request or as answer, raw datagrams, time, the admin's doings. Nothing may crash, leak,
 * go on for ever, or leave an SA behind.
 */
#include "tests/exchange/fast_ke.h"

#include "tests/exchange/harm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct sim s;

static void sealed(bool response, struct rd *r)
{
	uint8_t exchange = rd_u8(r), first = rd_u8(r);
	size_t n = rd_u16(r) % 2048;
	struct slice chain;

	if (n > r->left)
		n = r->left;
	chain = (struct slice){ rd_bytes(r, n), n };
	if (rd_ok(r))
		harm_sealed(&s, response, exchange, first, chain);
}

static void raw(struct rd *r)
{
	size_t n = rd_u16(r) % 2048;

	if (n > r->left)
		n = r->left;
	harm_raw(&s, rd_bytes(r, n), n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rd r = rd_init(data, len);
	uint8_t how = rd_u8(&r);

	if (!rd_ok(&r))
		return 0;
	harm_begin(&s, (enum harm_stand)(how % HARM_STANDS));
	for (int i = 0; i < 24 && r.left; i++) {
		uint8_t step = rd_u8(&r);

		switch (step % 8) {
		case 0: case 1: case 2:
			sealed(false, &r);
			break;
		case 3: case 4:
			sealed(true, &r);
			break;
		case 5:
			raw(&r);
			break;
		case 6:
			sim_run(&s, (step >> 3) * 100u);
			break;
		case 7:
			harm_act(&s, step >> 3);
			break;
		}
		sim_run(&s, 5);
	}
	/* What the other end holds cannot fit any more: that is no trouble here. */
	s.trouble[0] = 0;
	sim_run(&s, 400000);
	if (sim_counts(&s, 0).half_open > 1 || sim_counts(&s, 0).child_sas > 64)
		abort();
	s.trouble[0] = 0;
	for (int i = 0; i < 2; i++)
		engine_stop(s.side[i].e, sim_stopped, &s.side[i]);
	sim_run(&s, 10000);
	for (int i = 0; i < SIM_SAS; i++)
		if (s.side[0].sas[i].used)
			abort();
	sim_free(&s);
	if (s.trouble[0])
		abort();
	return 0;
}
