/* engine: the front door: what comes is handed to the version of IKE that its header names;
 * the life of it all. */
#include "ike/engine/parts.h"

#include "ike/wire/ike.h"

#include <stdlib.h>
#include <string.h>

#define STOP_MS 2000

const char *engine_event_name(enum engine_event ev)
{
	switch (ev) {
	case ENGINE_TRYING: return "trying";
	case ENGINE_ESTABLISHED: return "established";
	case ENGINE_UP: return "up";
	case ENGINE_CHILD_UP: return "child_up";
	case ENGINE_REKEYED: return "rekeyed";
	case ENGINE_FAILED: return "failed";
	case ENGINE_GAVE_UP: return "gave_up";
	case ENGINE_DOWN: return "down";
	case ENGINE_DISABLED: return "disabled";
	case ENGINE_TEST_PASSED: return "test_passed";
	case ENGINE_TEST_FAILED: return "test_failed";
	}
	return "?";
}

/* ---- life ---- */

static void on_stop(void *arg)
{
	struct engine *e = arg;
	void (*done)(void *) = e->stopped;

	e->stopped = NULL;
	if (done)
		done(e->stopped_arg);
}

struct engine *engine_new(const struct engine_env *env, struct timers *ts)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->env = *env;
	e->ts = ts;
	e->peers_end = &e->peers;
	engine_ports(e, 0, 0);
	e->stranger_log = (struct log_limit)LOG_LIMIT_INIT(10, 3000);
	e->stranger_reply = (struct log_limit)LOG_LIMIT_INIT(50, 100);
	timer_init(&e->stop_timer, on_stop, e);
	return e;
}

static void no_del(void *arg, uint32_t id, uint32_t linger_ms)
{
	(void)arg;
	(void)id;
	(void)linger_ms;
}

static void no_peer(void *arg, const char *peer, const struct endpoint *remote)
{
	(void)arg;
	(void)peer;
	(void)remote;
}

static void no_event(void *arg, const char *peer, enum engine_event ev, const char *text)
{
	(void)arg;
	(void)peer;
	(void)ev;
	(void)text;
}

void engine_free(struct engine *e)
{
	struct peer *p;

	if (!e)
		return;
	e->env.sa_del = no_del;
	e->env.peer_down = no_peer;
	e->env.event = no_event;
	e->stopping = true;
	for (size_t i = 0; i < SPI_BUCKETS; i++)
		while (e->by_spi[i])
			sa_bury(e->by_spi[i]);
	while ((p = e->peers)) {
		e->peers = p->next;
		peer_free(p);
	}
	e->stopped = NULL;
	engine_reap(e);
	timer_stop(e->ts, &e->stop_timer);
	cookie_fini(&e->cookies);
	free(e);
}

/* Nothing left but answers to be repeated. */
static bool all_ended(const struct engine *e)
{
	for (size_t i = 0; i < SPI_BUCKETS; i++)
		for (const struct ike_sa *sa = e->by_spi[i]; sa; sa = sa->hash_next)
			if (sa->stage != STAGE_CLOSED)
				return false;
	return true;
}

void engine_reap(struct engine *e)
{
	struct ike_sa *sa;
	struct peer **at = &e->zombies, *p;

	while ((sa = e->reap)) {
		e->reap = sa->reap_next;
		sa_free(sa);
	}
	while ((p = *at)) {
		if (p->sas) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		peer_free(p);
	}
	if (e->stopping && e->stopped && all_ended(e))
		timer_set(e->ts, &e->stop_timer, 0);
}

void engine_stop(struct engine *e, void (*done)(void *arg), void *arg)
{
	bool again;

	e->stopping = true;
	e->stopped = done;
	e->stopped_arg = arg;
	timer_set(e->ts, &e->stop_timer, STOP_MS);
	for (struct peer *p = e->peers; p; p = p->next)
		timer_stop(e->ts, &p->timer);
	do {
		again = false;
		for (size_t i = 0; i < SPI_BUCKETS && !again; i++)
			for (struct ike_sa *sa = e->by_spi[i]; sa; sa = sa->hash_next) {
				if (sa->over)
					continue;
				sa->admin = true;
				sa_close(sa);
				again = true;
				break;
			}
	} while (again);
	engine_reap(e);
}

void engine_dataplane(struct engine *e, const struct engine_can *can)
{
	e->can = *can;
	e->dataplane = true;
	/* Also those that it had no place for before. */
	for (struct peer *p = e->peers; p; p = p->next)
		peer_kick(p);
	engine_reap(e);
}

/* ---- found ---- */

struct ike_sa *engine_sa(const struct engine *e, uint64_t local_spi)
{
	for (struct ike_sa *sa = e->by_spi[local_spi % SPI_BUCKETS]; sa;
	     sa = sa->hash_next)
		if (sa_local_spi(sa) == local_spi)
			return sa;
	return NULL;
}

struct child *engine_child(const struct engine *e, uint32_t id)
{
	for (struct child *c = e->by_id[id % CHILD_BUCKETS]; c; c = c->hash_next)
		if (c->id == id)
			return c;
	return NULL;
}

/* ---- versions ---- */

/* Which of several a peer may be called with comes first. */
static const struct ike_ops *const spoken[] = { &v2_ops, &v1_ops };
#define N_SPOKEN (sizeof(spoken) / sizeof(spoken[0]))

const struct ike_ops *engine_ops(const struct peer *p)
{
	for (size_t i = 0; i < N_SPOKEN; i++)
		if (p->conf.version & spoken[i]->version)
			return spoken[i];
	return spoken[0];
}

/* Of the header, RFC 7296 §3.1, RFC 2408 §3.1: the major version stands in the same place
 * in both. What nobody speaks, the first refuses. */
static const struct ike_ops *ops_of(const uint8_t *msg, size_t len)
{
	for (size_t i = 0; i < N_SPOKEN && len >= IKE_HDR_LEN; i++)
		if (spoken[i]->version == msg[17] >> 4)
			return spoken[i];
	return spoken[0];
}

void engine_receive(struct engine *e, const struct endpoint *local,
		    const struct endpoint *remote, const uint8_t *msg, size_t len)
{
	uint8_t buf[MSG_CAP];

	if (len > sizeof(buf)) {
		e->drops.malformed++;
		return;
	}
	memcpy(buf, msg, len);
	ops_of(buf, len)->receive(e, local, remote, buf, len);
	engine_reap(e);
}

/* ---- the vault ---- */

/* The low bits of a question's id tell the bucket of who asked. */
static void new_vault_id(struct ike_sa *sa, struct vault_query *q)
{
	do
		sa->e->last_vault_id += SPI_BUCKETS;
	while (!sa->e->last_vault_id);
	sa->vault_id = sa->e->last_vault_id | sa_local_spi(sa) % SPI_BUCKETS;
	q->peer = sa->peer->conf.name;
}

void vault_sign(struct ike_sa *sa, struct vault_query *q)
{
	new_vault_id(sa, q);
	sa->e->env.vault_sign(sa->e->env.arg, sa->vault_id, q);
}

void vault_verify(struct ike_sa *sa, struct vault_query *q)
{
	new_vault_id(sa, q);
	sa->e->env.vault_verify(sa->e->env.arg, sa->vault_id, q);
}

void engine_vault_done(struct engine *e, uint32_t id, bool ok, bool no_secret,
		       uint8_t hint, struct slice auth)
{
	struct vault_answer a = { .ok = ok, .no_secret = no_secret, .hint = hint,
				  .auth = auth };

	for (struct ike_sa *sa = e->by_spi[id % SPI_BUCKETS]; sa && id; sa = sa->hash_next)
		if (sa->vault_id == id) {
			sa->vault_id = 0;
			sa->ops->vault_done(sa, &a);
			engine_reap(e);
			return;
		}
}

void engine_vault_back(struct engine *e)
{
	for (size_t i = 0; i < SPI_BUCKETS; i++)
		for (struct ike_sa *sa = e->by_spi[i]; sa; sa = sa->hash_next)
			if (sa->vault_id)
				sa->ops->vault_again(sa);
}
