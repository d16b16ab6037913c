/* harm: two engines, of which one is ours and the other's keys are in the hands of somebody who
 * means harm: he says what he likes, sealed as it must be. */
#ifndef ADIT_TESTS_EXCHANGE_HARM_H
#define ADIT_TESTS_EXCHANGE_HARM_H

#include "ike/v2/v2.h"
#include "tests/exchange/pair.h"

/* How far the two are. */
enum harm_stand {
	HARM_ESTABLISHED,
	HARM_AWAITS_AUTH,	/* we answered IKE_SA_INIT */
	HARM_AWAITS_ANSWER,	/* our IKE_AUTH is out */
	HARM_STANDS
};

static bool harm_no_auth(struct sim *s, int from, const uint8_t *msg, size_t len)
{
	(void)s;
	(void)from;
	(void)len;
	return msg[18] != IKE_AUTH;
}

/* From then on nobody hears anything but what is delivered by harm_…(). */
static bool harm_silence(struct sim *s, int from, const uint8_t *msg, size_t len)
{
	(void)s;
	(void)from;
	(void)msg;
	(void)len;
	return false;
}

static inline void harm_begin(struct sim *s, enum harm_stand how)
{
	struct sim_conf a, b;
	bool they_call = how == HARM_AWAITS_AUTH;

	sim_init(s, 1);
	sim_conf(s, 0, &a);
	sim_conf(s, 1, &b);
	if (they_call) {
		a.peer.start = START_RESPONDER;
		b.peer.start = START_START;
	}
	sim_child(&a, "more", "10.1.1.0/24,10.1.2.0/24", "10.2.1.0/24", "aes128-sha256-ecp256");
	sim_child(&b, "more", "10.2.1.0/24", "10.1.1.0/24,10.1.2.0/24", "aes128-sha256-ecp256");
	s->filter = how == HARM_ESTABLISHED ? NULL : harm_no_auth;
	sim_set(s, !they_call, they_call ? &a : &b);
	sim_set(s, they_call, they_call ? &b : &a);
	sim_run(s, how == HARM_ESTABLISHED ? 1000 : 100);
	s->filter = harm_silence;
}

/* The IKE SA of side n that its messages are sealed with; NULL: none. */
static inline struct ike_sa *harm_sa(struct sim *s, int n)
{
	for (struct ike_sa *sa = s->side[n].e->peers->sas; sa; sa = sa->peer_next)
		if (v2(sa)->seal)
			return sa;
	return NULL;
}

static inline void harm_raw(struct sim *s, const uint8_t *p, size_t len)
{
	const struct ike_sa *sa = harm_sa(s, 0);
	struct endpoint local = { s->side[0].addr, IKE_PORT };
	struct endpoint remote = { s->side[1].addr, IKE_PORT };
	uint8_t *copy = malloc(len ? len : 1);	/* so that a sanitizer sees its end */

	if (!copy)
		abort();
	if (len)
		memcpy(copy, p, len);
	if (sa) {
		local = sa->local;
		remote = sa->remote;
	}
	engine_receive(s->side[0].e, &local, &remote, copy, len);
	free(copy);
}

/* A chain of payloads, the first of that type, as request or as answer to what is out. */
static inline void harm_sealed(struct sim *s, bool response, uint8_t exchange, uint8_t first,
			       struct slice chain)
{
	static uint8_t buf[IKE_MSG_MAX + 64];
	struct ike_sa *mine = harm_sa(s, 1), *at = harm_sa(s, 0);
	struct ike_hdr h = { .exchange = exchange };
	struct build b;
	size_t len;

	if (!mine || !at)
		return;
	h.spi_i = mine->spi_i;
	h.spi_r = mine->spi_r;
	h.flags = (mine->initiator ? IKE_FLAG_INITIATOR : 0) |
		  (response ? IKE_FLAG_RESPONSE : 0);
	h.msg_id = response ? v2(at)->next_out - 1 : v2(at)->next_in;
	build_begin(&b, buf, sizeof(buf), &h);
	sk_begin(v2(mine)->seal, &b);
	wr_patch_u8(&b.w, b.sk_at, first);
	if (chain.len)
		wr_bytes(&b.w, chain.p, chain.len);
	if (sk_end(v2(mine)->seal, &b, &len, NULL) == 0)
		harm_raw(s, buf, len);
}

/* What the admin, time or the dataplane does to side 0. */
static inline void harm_act(struct sim *s, uint8_t what)
{
	struct engine *e = s->side[0].e;
	struct peer *p = e->peers;

	switch (what % 6) {
	case 0:
		if (p->children)
			engine_sa_event(e, p->children->id, SA_EVENT_SOFT);
		break;
	case 1:
		if (!p->main)
			break;
		p->main->rekey_at = s->now;
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

#endif
