/* pair: two engines in one process (tests/exchange/sim.h), made, given their settings, looked
 * at, and ended.
 */
#ifndef ADIT_TESTS_EXCHANGE_PAIR_H
#define ADIT_TESTS_EXCHANGE_PAIR_H

#include "tests/exchange/sim.h"

/* ---- making ---- */

static inline struct engine *sim_engine(struct sim *s, int n)
{
	struct engine_env env = {
		.arg = &s->side[n],
		.trust = sim_trust[n],
		.send = sim_send,
		.keepalive = sim_alive,
		.sa_add = sim_sa_add,
		.sa_activate = sim_sa_activate,
		.sa_update = sim_sa_update,
		.sa_del = sim_sa_del,
		.sa_query = sim_sa_query,
		.vault_sign = sim_vault_sign,
		.vault_verify = sim_vault_verify,
		.peer_up = sim_peer_up,
		.peer_down = sim_peer_down,
		.addrs = sim_addrs,
		.resolve = sim_resolve,
		.event = sim_event,
	};

	return engine_new(&env, &s->ts);
}

static inline struct ip_addr sim_addr(const char *text)
{
	struct ip_addr a;
	struct err e;

	if (addr_parse(text, &a, &e) < 0)
		abort();
	return a;
}

static inline void sim_init(struct sim *s, uint64_t seed)
{
	memset(s, 0, sizeof(*s));
	s->now = 1000000;
	s->delay_ms = 20;
	sim_now = s;
	log_sink_set(sim_log, NULL);
	if (getenv("SIM_LOG"))
		log_level_set(LL_DEBUG);
	clock_virtual_set(s->now);
	rng_virtual_seed(seed);
	for (int i = 0; i < 2; i++) {
		s->side[i].s = s;
		s->side[i].n = i;
		strcpy(s->side[i].psk, "the same on both sides");
		s->side[i].addr = sim_addr(i ? "198.51.100.2" : "203.0.113.1");
		s->side[i].e = sim_engine(s, i);
		engine_dataplane(s->side[i].e, &kernel_can);
	}
	s->nat_addr = sim_addr("192.0.2.9");
}

struct sim_conf {
	struct peer_conf peer;
	struct child_conf children[4];
};

static inline void sim_suites(enum suite_use use, const char *text, struct suite_list *l)
{
	struct err e = { 0 };

	memset(l, 0, sizeof(*l));
	if (suite_parse(use, text, l, &e) < 0) {
		printf("    %s: %s\n", text, e.msg);
		abort();
	}
}

static inline void sim_nets(struct prefix *to, uint8_t *n, const char *list)
{
	char buf[400], *save, *w;
	struct err e;

	snprintf(buf, sizeof(buf), "%s", list);
	*n = 0;
	for (w = strtok_r(buf, ",", &save); w; w = strtok_r(NULL, ",", &save))
		if (prefix_parse(w, &to[(*n)++], &e) < 0)
			abort();
}

static inline void sim_child(struct sim_conf *c, const char *name, const char *local,
			     const char *remote, const char *esp)
{
	struct child_conf *cc = &c->children[c->peer.n_children++];

	memset(cc, 0, sizeof(*cc));
	strcpy(cc->name, name);
	sim_nets(cc->local_network, &cc->n_local, local);
	sim_nets(cc->remote_network, &cc->n_remote, remote);
	sim_suites(SUITE_ESP, esp, &cc->esp);
	cc->esp_life_s = 3600;
}

/* The settings of side n for the other: side 0 starts, side 1 waits. */
static inline void sim_conf(struct sim *s, int n, struct sim_conf *c)
{
	struct peer_conf *p = &c->peer;

	memset(c, 0, sizeof(*c));
	strcpy(p->name, n ? "a" : "b");
	strcpy(p->interface, n ? "adit-a" : "adit-b");
	p->enabled = true;
	p->version = 2;
	p->start = n ? START_RESPONDER : START_START;
	p->remote_gateway = s->nat && n ? s->nat_addr : s->side[1 - n].addr;
	sim_suites(SUITE_IKE, "aes128gcm16-sha256-x25519", &p->ike);
	p->ike_life_s = 4 * 3600;
	p->rekey_margin_s = 540;
	p->dpd_delay_s = 30;
	p->dpd_action = DPD_RESTART;
	p->children = c->children;
	sim_child(c, p->name, n ? "10.2.0.0/24" : "10.1.0.0/24",
		  n ? "10.1.0.0/24" : "10.2.0.0/24", "aes128gcm16-x25519");
}

static inline void sim_set(struct sim *s, int n, struct sim_conf *c)
{
	struct err e = { 0 };

	c->peer.children = c->children;
	if (engine_peer_set(s->side[n].e, &c->peer, &s->side[n].addr, &e) < 0)
		sim_trouble(s, "peer_set: %s", e.msg);
}

/* Both sides with the usual settings; responder first, so that it is ready. */
static inline void sim_usual(struct sim *s)
{
	struct sim_conf c;

	sim_conf(s, 1, &c);
	sim_set(s, 1, &c);
	sim_conf(s, 0, &c);
	sim_set(s, 0, &c);
}

/* ---- what stands ---- */

static inline unsigned sim_count(const struct sim_side *d)
{
	unsigned n = 0;

	for (int i = 0; i < SIM_SAS; i++)
		n += d->sas[i].used && !d->sas[i].gone_ms;
	return n;
}

/* Each SA of either side has its mate. */
static inline bool sim_matched(struct sim *s)
{
	for (int d = 0; d < 2; d++)
		for (int i = 0; i < SIM_SAS; i++) {
			struct sim_sa *x = &s->side[d].sas[i], *m;

			if (!x->used || x->gone_ms)
				continue;
			m = sim_mate(s, d, &x->sa);
			if (!m || m->gone_ms || sim_differs(&x->sa, &m->sa))
				return false;
		}
	return true;
}

struct sim_peer {
	struct peer_status st;
	struct child_status child[4];
	char reason[STATUS_REASON_MAX], failure[STATUS_REASON_MAX], child_reason[4][400];
};

static void sim_copy_status(void *arg, const struct peer_status *st)
{
	struct sim_peer *p = arg;

	p->st = *st;
	snprintf(p->reason, sizeof(p->reason), "%s", st->reason);
	snprintf(p->failure, sizeof(p->failure), "%s", st->last_failure);
	for (size_t i = 0; i < st->n_children && i < 4; i++) {
		p->child[i] = st->children[i];
		snprintf(p->child_reason[i], sizeof(p->child_reason[i]), "%s",
			 st->children[i].reason);
	}
}

static inline struct sim_peer *sim_status(struct sim *s, int n)
{
	static struct sim_peer p[2];

	memset(&p[n], 0, sizeof(p[n]));
	engine_status(s->side[n].e, n ? "a" : "b", sim_copy_status, &p[n]);
	return &p[n];
}

static inline enum peer_state sim_state(struct sim *s, int n)
{
	return sim_status(s, n)->st.state;
}

static inline struct engine_counts sim_counts(struct sim *s, int n)
{
	struct engine_counts c;

	engine_counts(s->side[n].e, &c);
	return c;
}

/* Up on both sides, with n SAs each that fit, one IKE SA each. */
#define CHECK_UP(s, n) do { \
	CHECK_SIM(s); \
	CHECK_STR(peer_state_name(sim_state(s, 0)), "up"); \
	CHECK_STR(peer_state_name(sim_state(s, 1)), "up"); \
	CHECK_INT(sim_count(&(s)->side[0]), n); \
	CHECK_INT(sim_count(&(s)->side[1]), n); \
	CHECK(sim_matched(s)); \
	CHECK_INT(sim_counts(s, 0).ike_sas, 1); \
	CHECK_INT(sim_counts(s, 1).ike_sas, 1); \
	CHECK_INT(sim_counts(s, 0).child_sas, n); \
	CHECK_INT(sim_counts(s, 1).child_sas, n); \
	CHECK(sim_flows(s, 0) && sim_flows(s, 1)); \
	} while (0)

static void sim_stopped(void *arg)
{
	struct sim_side *d = arg;

	if (d->stopped)
		sim_trouble(d->s, "stopped twice");
	d->stopped = true;
}

static inline void sim_free(struct sim *s)
{
	for (int i = 0; i < 2; i++) {
		engine_free(s->side[i].e);
		s->side[i].e = NULL;
	}
	for (size_t i = 0; i < s->n_q; i++)
		free(s->q[i].bytes);
	s->n_q = 0;
	if (s->ts.n)
		sim_trouble(s, "%zu timers are left", s->ts.n);
	timers_fini(&s->ts);
}

/* Stop both; nothing may be left in either dataplane. */
static inline void sim_end(struct sim *s)
{
	CHECK_SIM(s);
	s->watch = false;
	for (int i = 0; i < 2; i++)
		if (s->side[i].e)
			engine_stop(s->side[i].e, sim_stopped, &s->side[i]);
	sim_run(s, 10000);
	for (int i = 0; i < 2; i++) {
		if (!s->side[i].e)
			continue;
		CHECK(s->side[i].stopped);
		for (int j = 0; j < SIM_SAS; j++)
			if (s->side[i].sas[j].used)
				sim_trouble(s, "side %c: an SA is left", 'a' + i);
	}
	sim_free(s);
	CHECK_SIM(s);
}

/* The machine of side n dies and comes back without memory: a new engine, no SAs. */
static inline void sim_crash(struct sim *s, int n)
{
	engine_free(s->side[n].e);
	memset(s->side[n].sas, 0, sizeof(s->side[n].sas));
	s->side[n].peer_up = false;
	for (size_t i = 0; i < s->n_q; )
		if (s->q[i].kind && s->q[i].side == n) {
			free(s->q[i].bytes);
			s->q[i] = s->q[--s->n_q];
		} else {
			i++;
		}
	s->flowing[0] = s->flowing[1] = false;
	s->side[n].e = sim_engine(s, n);
	engine_dataplane(s->side[n].e, &kernel_can);
}

#endif
