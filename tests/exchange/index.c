/* rooms: ike/engine ike/v1 ike/v2 ike/v1 ike/auth ike/wire core/settings core/ipc core/crypto core/base */
/* What ike/engine/index.c finds, among many peers that come, move and go; and that the count of
 * half-open IKE SAs is that of those there are. */
#include "ike/engine/parts.h"
#include "tests/exchange/pair.h"

#define MANY 500

static struct sim s;

static struct ip_addr at(unsigned i)
{
	char text[20];

	snprintf(text, sizeof(text), "192.0.%u.%u", i >> 8, i & 255);
	return sim_addr(text);
}

static void set(unsigned i, const struct ip_addr *gateway)
{
	struct sim_conf c;
	struct err e;

	sim_conf(&s, 1, &c);
	snprintf(c.peer.name, sizeof(c.peer.name), "p%u", i);
	c.peer.n_gateways = 1;
	if (gateway) {
		c.peer.remote_gateway = *gateway;
		c.peer.gateways[0] = (struct gateway){ .kind = GATEWAY_ADDR, .net = { *gateway, 32 } };
	} else {
		c.peer.remote_gateway = (struct ip_addr){ 0 };
		c.peer.remote_any = true;
		c.peer.gateways[0].kind = GATEWAY_ANY;
	}
	CHECK(engine_peer_set(s.side[1].e, &c.peer, &s.side[1].addr, &e) == 0);
}

/* How many of those that engine_caller() names match, and whether p is among them. */
static unsigned met(const struct ip_addr *a, const struct peer *want, bool *there)
{
	struct engine *e = s.side[1].e;
	struct endpoint local = { s.side[1].addr, IKE_PORT }, remote = { *a, IKE_PORT };
	unsigned n = 0, rounds = 0;

	*there = false;
	for (struct peer *p = engine_caller(e, a, NULL); p; p = engine_caller(e, a, p)) {
		CHECK(rounds++ <= MANY);
		if (!peer_match_addr(p, &local, &remote))
			continue;
		n++;
		*there |= p == want;
	}
	return n;
}

/* The same by a walk over all. */
static unsigned met_slowly(const struct ip_addr *a)
{
	struct endpoint local = { s.side[1].addr, IKE_PORT }, remote = { *a, IKE_PORT };
	unsigned n = 0;

	for (struct peer *p = s.side[1].e->peers; p; p = p->next)
		n += peer_match_addr(p, &local, &remote) > 0;
	return n;
}

static void peers_come_move_and_go(void)
{
	struct engine *e;
	bool there;

	sim_init(&s, 1);
	e = s.side[1].e;
	for (unsigned i = 0; i < MANY; i++) {
		struct ip_addr a = at(i);

		set(i, i % 7 ? &a : NULL);
	}
	for (unsigned round = 0; round < 3000; round++) {
		unsigned i = rng_below(MANY);
		struct ip_addr a = at(rng_below(MANY / 2));	/* two at an address */
		char name[20];
		struct peer *p;

		snprintf(name, sizeof(name), "p%u", i);
		if (round % 5 == 0)
			engine_peer_remove(e, name);
		set(i, round % 11 ? &a : NULL);
		p = engine_peer(e, name);
		CHECK(p && strcmp(p->conf.name, name) == 0);
		CHECK_INT(met(&a, p, &there), met_slowly(&a));
		CHECK(there);
		CHECK_INT(e->n_peers, MANY);
	}
	for (unsigned i = 0; i < MANY; i++) {
		struct ip_addr a = at(i);

		CHECK_INT(met(&a, NULL, &there), met_slowly(&a));
	}
	for (unsigned i = 0; i < MANY; i++) {
		char name[20];

		snprintf(name, sizeof(name), "p%u", i);
		engine_peer_remove(e, name);
		CHECK(!engine_peer(e, name));
	}
	CHECK_INT(e->n_peers, 0);
	CHECK(!e->elsewhere && e->peers_end == &e->peers);
	for (size_t i = 0; i < INDEX_BUCKETS; i++)
		CHECK(!e->by_addr[i] && !e->by_name[i]);
	engine_free(s.side[0].e);
	engine_free(e);
	timers_fini(&s.ts);
}

static unsigned count_half_open(const struct engine *e)
{
	unsigned n = 0;

	for (size_t i = 0; i < SPI_BUCKETS; i++)
		for (const struct ike_sa *sa = e->by_spi[i]; sa; sa = sa->hash_next)
			n += sa_is_half_open(sa);
	return n;
}

/* On a bad network, with restarts: at every step the count is right. */
static void half_open_is_counted(void)
{
	unsigned most = 0;

	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct engine *e;

		sim_init(&s, seed);
		s.loss = 30;
		s.dup = 20;
		s.reorder = 20;
		sim_usual(&s);
		e = s.side[1].e;
		for (int i = 0; i < 400; i++) {
			struct err err;
			unsigned n;

			sim_run(&s, 500);
			n = count_half_open(e);
			CHECK_INT(e->n_half_open, n);
			CHECK_INT(engine_half_open(e, &s.side[1].addr, &s.side[0].addr), n);
			most = n > most ? n : most;
			if (i % 40 == 39) {
				CHECK(engine_peer_down(s.side[0].e, "b", &err) == 0);
				CHECK(engine_peer_up(s.side[0].e, "b", &err) == 0);
			}
		}
		s.loss = s.dup = s.reorder = 0;
		sim_run(&s, 200 * 1000);
		CHECK_INT(e->n_half_open, 0);
		for (size_t i = 0; i < INDEX_BUCKETS; i++)
			CHECK(!e->half_open[i]);
		engine_free(s.side[0].e);
		engine_free(e);
		for (size_t i = 0; i < s.n_q; i++)
			free(s.q[i].bytes);
		timers_fini(&s.ts);
	}
	CHECK(most > 0);
}

/* A thousand that nobody answers for are called in turns, and keep nobody waiting for long. */
static void callers_take_turns(void)
{
	struct sim_conf c;
	struct engine *e;
	struct err err;
	size_t most = 0;

	sim_init(&s, 1);
	e = s.side[0].e;
	for (unsigned i = 0; i < 1000; i++) {
		sim_conf(&s, 0, &c);
		snprintf(c.peer.name, sizeof(c.peer.name), "p%u", i);
		c.peer.remote_gateway = at(i);
		CHECK(engine_peer_set(e, &c.peer, &s.side[0].addr, &err) == 0);
		CHECK(e->n_calls <= 256);
	}
	CHECK_INT(e->n_calls, 256);
	CHECK_INT(s.side[0].events[ENGINE_TRYING], 256);
	sim_usual(&s);
	for (int i = 0; i < 100; i++) {
		sim_run(&s, 100);
		most = e->n_calls > most ? e->n_calls : most;
	}
	CHECK_INT(most, 256);
	CHECK(s.side[0].events[ENGINE_TRYING] >= 1001);
	CHECK_INT(s.side[0].events[ENGINE_UP], 1);
	CHECK_INT(s.side[1].events[ENGINE_UP], 1);
	sim_run(&s, 600 * 1000);
	for (unsigned i = 0; i < 1000; i++) {
		char name[20];

		snprintf(name, sizeof(name), "p%u", i);
		engine_peer_remove(e, name);
	}
	sim_run(&s, 5000);
	CHECK(!e->n_calls && !e->calls && !e->calls_end);
	engine_free(s.side[0].e);
	engine_free(s.side[1].e);
	for (size_t i = 0; i < s.n_q; i++)
		free(s.q[i].bytes);
	timers_fini(&s.ts);
}

int main(void)
{
	T_RUN(peers_come_move_and_go);
	T_RUN(half_open_is_counted);
	T_RUN(callers_take_turns);
	return t_done();
}
