/* rooms: ike/engine ike/v1 ike/v2 ike/auth ike/wire core/settings core/crypto core/base */
/* ikev1_engine: an IKEv1 peer that has the keys and means harm, and strangers, against a whole
 * engine. Byte 0 says how far the two are. Then steps, a byte each that says what, and what it
 * needs: Quick modes and Informationals under a right hash with any payloads, answers to our
 * Quick modes, raw datagrams, time, the admin's doings. Nothing may crash, leak, go on for
 * ever, or leave an SA behind.
 */
#include "tests/exchange/fast_ke.h"

#include "ike/v1/v1.h"
#include "tests/exchange/harm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum stand { ESTABLISHED, AGGRESSIVE, CALLED, CALLING, ALONE, STANDS };

static struct sim s;
static int heard;

static bool silence(struct sim *sim, int from, const uint8_t *msg, size_t len)
{
	(void)sim;
	(void)from;
	(void)msg;
	(void)len;
	return false;
}

/* The first three of phase 1 alone get through. */
static bool three(struct sim *sim, int from, const uint8_t *msg, size_t len)
{
	(void)sim;
	(void)from;
	(void)msg;
	(void)len;
	return heard++ < 3;
}

static void stand(enum stand how)
{
	struct sim_conf c[2];
	int caller = how == CALLED || how == ALONE;

	sim_init(&s, 1);
	for (int n = 0; n < 2; n++) {
		sim_conf(&s, n, &c[n]);
		c[n].peer.version = how == ALONE ? IKE_AUTO : IKE_V1;
		c[n].peer.exchange = how == AGGRESSIVE ? EXCHANGE_AGGRESSIVE : EXCHANGE_MAIN;
		sim_suites(SUITE_IKE, "aes128-sha256-x25519", &c[n].peer.ike);
		c[n].peer.start = n == caller ? START_START : START_RESPONDER;
		c[n].peer.test_rekey = true;
	}
	heard = 0;
	s.filter = how == CALLED || how == CALLING ? three : how == ALONE ? silence : NULL;
	sim_set(&s, !caller, &c[!caller]);
	sim_set(&s, caller, &c[caller]);
	sim_run(&s, how == CALLED || how == CALLING ? 100 : 1000);
	s.filter = silence;
}

static struct ike_sa *keyed(int n)
{
	for (struct ike_sa *sa = s.side[n].e->peers->sas; sa; sa = sa->peer_next)
		if (sa->ops == &v1_ops && v1(sa)->keys)
			return sa;
	return NULL;
}

static void deliver(const uint8_t *p, size_t len)
{
	const struct ike_sa *sa = keyed(0);
	struct endpoint local = { s.side[0].addr, IKE_PORT };
	struct endpoint remote = { s.side[1].addr, IKE_PORT };
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	if (len)
		memcpy(copy, p, len);
	if (sa) {
		local = sa->local;
		remote = sa->remote;
	}
	engine_receive(s.side[0].e, &local, &remote, copy, len);
	free(copy);
}

/* Under the keys that both have. answer: to the first Quick mode of side 0 that waits. */
static void sealed(bool answer, struct rd *r)
{
	static const uint8_t exchanges[] = { 32, 5, 6, 2, 4, 33 };
	uint8_t x = exchanges[rd_u8(r) % sizeof(exchanges)], first = rd_u8(r);
	size_t n = rd_u16(r) % 1024, len;
	struct ike_sa *sa = keyed(0);
	uint32_t id = x == 32 ? 0x1000u + first : (uint32_t)(s.now & 0xffffff);
	uint8_t iv[CBC_BLOCK_MAX];
	struct slice before = { 0 };
	struct v1_out o;
	struct quick *q;

	if (n > r->left)
		n = r->left;
	if (!sa || sa->state != V1_UP) {
		rd_skip(r, n);
		return;
	}
	q = v1(sa)->quicks;
	if (answer && q) {
		id = q->msg_id;
		x = 32;
		memcpy(iv, q->iv, sizeof(iv));
		before = (struct slice){ q->nonce, V1_NONCE_LEN };
	} else if (v1_iv_next(v1(sa)->keys, v1(sa)->iv, alg_get(ALG_ENCR, sa->ike.encr,
				sa->ike.encr_bits)->block, id, iv) < 0) {
		abort();
	}
	sealed_begin(sa, &o, x, id);
	if (n) {
		/* What comes next stands in the hash payload's header. */
		o.buf[ISAKMP_HDR_LEN] = first;
		wr_bytes(&o.b.w, rd_bytes(r, n), n);
	}
	if (sealed_end(sa, &o, before, iv, &len) == 0)
		deliver(o.buf, len);
}

static void raw(struct rd *r)
{
	size_t n = rd_u16(r) % 2048;

	if (n > r->left)
		n = r->left;
	deliver(rd_bytes(r, n), n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rd r = rd_init(data, len);
	uint8_t how = rd_u8(&r);

	if (!rd_ok(&r))
		return 0;
	stand((enum stand)(how % STANDS));
	for (int i = 0; i < 24 && r.left; i++) {
		uint8_t step = rd_u8(&r);

		switch (step % 8) {
		case 0: case 1: case 2:
			sealed(false, &r);
			break;
		case 3:
			sealed(true, &r);
			break;
		case 4: case 5:
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
	s.trouble[0] = 0;
	sim_free(&s);
	return 0;
}
