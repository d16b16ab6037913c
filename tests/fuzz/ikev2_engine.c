/* rooms: ike/engine ike/v1 ike/v2 ike/auth ike/wire core/settings core/crypto core/base */
/* ikev2_engine: a peer that has the keys and means harm, against a whole engine. Byte 0 says
 * how far the two are: established, or one waits for the other's IKE_AUTH. Then steps, a byte
 * each that says what, and what it needs: messages sealed as they are with any payload chain,
 * as request or as answer, raw datagrams, time, the admin's doings. Nothing may crash, leak,
 * go on for ever, or leave an SA behind.
 */
#include "tests/exchange/fast_ke.h"

#include "ike/v2/v2.h"
#include "tests/exchange/pair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum stand { ESTABLISHED, AWAITS_AUTH, AWAITS_ANSWER, STANDS };

static struct sim s;

static bool no_auth(struct sim *sim, int from, const uint8_t *msg, size_t len)
{
	(void)sim;
	(void)from;
	(void)len;
	return msg[18] != IKE_AUTH;
}

static bool nothing(struct sim *sim, int from, const uint8_t *msg, size_t len)
{
	(void)sim;
	(void)from;
	(void)msg;
	(void)len;
	return false;
}

static void stand(enum stand how)
{
	struct sim_conf a, b;

	sim_init(&s, 1);
	sim_conf(&s, 0, &a);
	sim_conf(&s, 1, &b);
	if (how == AWAITS_AUTH) {
		a.peer.start = START_RESPONDER;
		b.peer.start = START_START;
	}
	sim_child(&a, "more", "10.1.1.0/24,10.1.2.0/24", "10.2.1.0/24", "aes128-sha256-ecp256");
	sim_child(&b, "more", "10.2.1.0/24", "10.1.1.0/24,10.1.2.0/24", "aes128-sha256-ecp256");
	s.filter = how == ESTABLISHED ? NULL : no_auth;
	sim_set(&s, how != AWAITS_AUTH, how != AWAITS_AUTH ? &b : &a);
	sim_set(&s, how == AWAITS_AUTH, how != AWAITS_AUTH ? &a : &b);
	sim_run(&s, how == ESTABLISHED ? 1000 : 100);
	s.filter = nothing;
}

/* The IKE SA of side n that its messages are sealed with. */
static struct ike_sa *sealer(int n)
{
	for (struct ike_sa *sa = s.side[n].e->peers->sas; sa; sa = sa->peer_next)
		if (v2(sa)->seal)
			return sa;
	return NULL;
}

static void deliver(const uint8_t *p, size_t len, const struct ike_sa *sa)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct endpoint local = { s.side[0].addr, IKE_PORT };
	struct endpoint remote = { s.side[1].addr, IKE_PORT };

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

static void sealed(bool response, struct rd *r)
{
	static uint8_t buf[4096];
	struct ike_sa *mine = sealer(1), *at = sealer(0);
	uint8_t exchange = rd_u8(r), first = rd_u8(r);
	size_t n = rd_u16(r) % 2048;
	const uint8_t *chain;
	struct ike_hdr h = { .exchange = exchange };
	struct build b;
	size_t len;

	if (n > r->left)
		n = r->left;
	chain = rd_bytes(r, n);
	if (!mine || !at || !rd_ok(r))
		return;
	h.spi_i = mine->spi_i;
	h.spi_r = mine->spi_r;
	h.flags = (mine->initiator ? IKE_FLAG_INITIATOR : 0) |
		  (response ? IKE_FLAG_RESPONSE : 0);
	h.msg_id = response ? v2(at)->next_out - 1 : v2(at)->next_in;
	build_begin(&b, buf, sizeof(buf), &h);
	sk_begin(v2(mine)->seal, &b);
	wr_patch_u8(&b.w, b.sk_at, first);
	if (n)
		wr_bytes(&b.w, chain, n);
	if (sk_end(v2(mine)->seal, &b, &len, NULL) == 0)
		deliver(buf, len, at);
}

static void raw(struct rd *r)
{
	size_t n = rd_u16(r) % 2048;

	if (n > r->left)
		n = r->left;
	deliver(rd_bytes(r, n), n, NULL);
}

static void act(uint8_t what)
{
	struct engine *e = s.side[0].e;
	struct peer *p = e->peers;

	switch (what % 6) {
	case 0:
		if (p->children)
			engine_sa_event(e, p->children->id, SA_EVENT_SOFT);
		break;
	case 1:
		if (!p->main)
			break;
		p->main->rekey_at = s.now;
		sa_next(p->main);
		engine_reap(e);
		break;
	case 2:
		if (p->children)
			engine_sa_event(e, p->children->id, SA_EVENT_HARD);
		break;
	case 3:
		engine_dataplane_lost(e);
		break;
	case 4:
		engine_secret_changed(e, "b");
		break;
	case 5:
		if (engine_peer_up(e, "b", NULL) < 0)
			abort();
		break;
	}
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
			act(step >> 3);
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
