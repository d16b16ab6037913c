/* child: pairs of ESP SAs, put into the dataplane, found again, taken out; and the
 * configured children they serve. How a pair is agreed on is its version's business.
 */
#include "ike/engine/parts.h"

#include "ike/engine/negotiation.h"

#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/base/secret.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLAY_WINDOW 256
#define SPI_MIN 256		/* RFC 4303 §2.1 */

uint32_t child_new_spi(const struct peer *p)
{
	for (;;) {
		/* One first byte for all of a peer's: see core/net/sock.h. */
		uint32_t spi = (rng_u32() & 0xffffff) | (uint32_t)p->spi_byte << 24;

		if (spi >= SPI_MIN && !index_spi_taken(p->e, spi))
			return spi;
	}
}

#define CPI_MIN 256
#define CPI_MAX 61439

static bool cpi_taken(const struct engine *e, uint16_t cpi)
{
	for (size_t i = 0; i < CHILD_BUCKETS; i++)
		for (const struct child *c = e->by_id[i]; c; c = c->hash_next)
			if (c->cpi_in == cpi)
				return true;
	return false;
}

uint16_t child_new_cpi(const struct engine *e)
{
	for (;;) {
		uint16_t cpi = (uint16_t)(CPI_MIN + rng_below(CPI_MAX - CPI_MIN + 1));

		if (!cpi_taken(e, cpi))
			return cpi;
	}
}

void slot_fail(struct peer *p, uint8_t slot, const char *fmt, ...)
{
	char text[LOG_TEXT_MAX];
	struct slot *s;
	va_list ap;

	if (slot >= p->conf.n_children)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s = &p->slots[slot];
	log_warning(p->conf.name, "child %s: %s", p->conf.children[slot].name, text);
	free(s->reason);
	s->reason = strdup(text);
	s->failed = true;
	if (s->fails < 16)
		s->fails++;
	/* 5, 10, 20 … 160 s: most often settings have to change for it to work. */
	s->next_ms =
		clock_ms() + rng_jitter(5000ull << (s->fails < 6 ? s->fails - 1 : 5), 20);
	if (!p->neg_fresh && p->main)
		negotiation_child(p->main, slot, p->main->owner, false, NEG_LOCAL);
	peer_fail(p, text);
	/* What was kept only until its successor stands must not stay now. */
	for (struct child *c = p->children; c; c = c->next)
		if (c->slot == slot && c->stale)
			c->del_want = true;
	peer_event(p, ENGINE_FAILED, text);
}

/* ---- made ---- */

void child_lifetimes(struct child *c)
{
	const struct child_conf *cc = slot_conf(c->peer, c->slot);
	uint64_t margin = (uint64_t)c->peer->conf.rekey_margin_s * 1000;
	uint64_t life, end;

	if (!cc)
		return;
	life = (uint64_t)(c->life_s ? c->life_s : cc->esp_life_s) * 1000;
	if (margin > life / 2)
		margin = life / 2;
	margin = rng_jitter(margin, 25);
	if (!c->initiator)
		margin = margin * 3 / 5;
	end = c->created_ms + life;
	/* Once installed its end cannot be put off. */
	if (!c->expire_at)
		c->expire_at = end;
	if (end > c->expire_at)
		end = c->expire_at;
	c->rekey_at = end > c->created_ms + margin ? end - margin : c->created_ms;
}

static void fill_selectors(struct sa_child *sc, const struct ts_list *local,
			   const struct ts_list *remote)
{
	sc->n_local = local->n;
	sc->n_remote = remote->n;
	memcpy(sc->local_ts, local->s, local->n * sizeof(local->s[0]));
	memcpy(sc->remote_ts, remote->s, remote->n * sizeof(remote->s[0]));
}

static void link_child(struct child *c, struct peer *p)
{
	struct child **bucket = &p->e->by_id[c->id % CHILD_BUCKETS];

	c->hash_next = *bucket;
	*bucket = c;
	c->next = p->children;
	p->children = c;
	index_child(c);
}

/* As with time: some before the end a successor is made, not by both at once. */
static void byte_limits(const struct child *c, uint64_t bytes, struct sa_child *sc)
{
	uint64_t margin = bytes / 8;

	if (!bytes)
		return;
	margin = margin / 100 * (c->initiator ? 75 + rng_below(50) : 45 + rng_below(30));
	sc->hard_bytes = bytes;
	sc->soft_bytes = bytes - margin;
}

/* Likewise of packets. */
static void packet_limits(const struct child *c, uint64_t packets, struct sa_child *sc)
{
	uint64_t margin = packets / 8;

	if (!packets)
		return;
	margin = margin / 100 * (c->initiator ? 75 + rng_below(50) : 45 + rng_below(30));
	sc->hard_packets = packets;
	sc->soft_packets = packets - margin;
}

static void install(const struct child *c, struct sa_child *sc)
{
	const struct ike_sa *sa = c->sa;
	const struct child_conf *cc = slot_conf(c->peer, c->slot);

	sc->id = c->id;
	sc->spi_in = c->spi_in;
	sc->spi_out = c->spi_out;
	sc->cpi_in = c->cpi_in;
	sc->cpi_out = c->cpi_out;
	memcpy(sc->peer, c->peer->conf.name, sizeof(sc->peer));
	/* Nobody installs a child without settings. NOLINTNEXTLINE: cc is not NULL */
	memcpy(sc->child, cc->name, sizeof(sc->child));
	sc->local = sa->local;
	sc->remote = sa->remote;
	sc->udp_encap = sa->encap;
	if (!sa->encap)
		sc->local.port = sc->remote.port = 0;
	sc->esn = c->esp.esn;
	sc->mode = c->mode;
	sc->follow = sa->encap && sa->nat_remote && !sa->nat_local;
	sc->hold_out = c->held;
	sc->encr = c->esp.encr;
	sc->encr_bits = c->esp.encr_bits;
	sc->integ = c->esp.integ;
	sc->replay_window = REPLAY_WINDOW;
	sc->hard_life_s = c->life_s ? c->life_s : cc->esp_life_s;
	byte_limits(c, c->life_bytes ? c->life_bytes : cc->esp_life_bytes, sc);
	packet_limits(c, cc->esp_life_packets, sc);
	sc->proto = c->esp.protocol == PROTO_AH ? SA_AH : SA_ESP;
	sa->e->env.sa_add(sa->e->env.arg, sc);
}

struct child *child_make(struct ike_sa *sa, const struct child_made *m, struct err *e)
{
	struct child *c = calloc(1, sizeof(*c));
	size_t n = m->local->n + m->remote->n;
	struct sa_child sc = { 0 };

	if (c)
		c->ts = calloc(n, sizeof(*c->ts));
	if (!c || !c->ts) {
		free(c);
		err_set(e, "out of memory");
		return NULL;
	}
	c->peer = sa->peer;
	c->sa = sa;
	c->state = CH_ADDING;
	c->slot = m->slot;
	c->pair = m->pair;
	c->initiator = m->initiator;
	c->held = m->hold;
	c->udp_encap = sa->encap;
	c->mode = m->mode;
	do
		c->id = ++sa->e->last_child_id;
	while (c->id == 0 || engine_child(sa->e, c->id));
	c->spi_in = m->spi_in;
	c->spi_out = (uint32_t)m->esp->spi;
	c->cpi_in = m->cpi_in;
	c->cpi_out = m->cpi_out;
	c->life_s = m->life_s;
	c->life_bytes = m->life_bytes;
	c->esp = *m->esp;
	c->n_local = m->local->n;
	c->n_remote = m->remote->n;
	memcpy(c->ts, m->local->s, m->local->n * sizeof(*c->ts));
	memcpy(c->ts + m->local->n, m->remote->s, m->remote->n * sizeof(*c->ts));
	c->created_ms = clock_ms();
	c->replaces = m->old ? m->old->id : 0;
	if (m->nonce_min)
		memcpy(c->nonce_min, m->nonce_min, NONCE_CMP);
	child_lifetimes(c);
	link_child(c, sa->peer);
	sc.in = *m->in;
	sc.out = *m->out;
	fill_selectors(&sc, m->local, m->remote);
	install(c, &sc);
	secret_wipe(&sc, sizeof(sc));
	return c;
}

/* ---- found, ended ---- */

struct child *child_by_out(const struct peer *p, uint8_t protocol, uint32_t spi_out)
{
	for (struct child *c = p->children; c; c = c->next)
		if (c->spi_out == spi_out && c->esp.protocol == protocol)
			return c;
	return NULL;
}

struct child *slot_child(const struct peer *p, uint8_t slot)
{
	struct child *best = NULL;

	for (struct child *c = p->children; c; c = c->next) {
		if (c->slot != slot || c->state == CH_DELETING)
			continue;
		if (!best || (c->state == CH_LIVE) > (best->state == CH_LIVE) ||
		    ((c->state == CH_LIVE) == (best->state == CH_LIVE) &&
		     c->id > best->id))
			best = c;
	}
	return best;
}

void child_activate(struct child *c)
{
	if (!c->held)
		return;
	c->held = false;
	c->release_at = 0;
	c->peer->e->env.sa_activate(c->peer->e->env.arg, c->id);
}

void child_remove(struct child *c, uint32_t linger_ms)
{
	struct engine *e = c->peer->e;
	struct child **at = &c->peer->children;

	c->sa->ops->child_gone(c);
	if (c->replaces && c->initiator && c->state == CH_ADDING) {
		struct child *old = engine_child(e, c->replaces);

		if (old)
			old->rekeying = false;
	}
	if (c->stats && c->slot < c->peer->conf.n_children) {
		struct slot *s = &c->peer->slots[c->slot];

		s->rx_bytes += c->stats->rx_bytes;
		s->rx_packets += c->stats->rx_packets;
		s->tx_bytes += c->stats->tx_bytes;
		s->tx_packets += c->stats->tx_packets;
	}
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	index_child_drop(c);
	at = &e->by_id[c->id % CHILD_BUCKETS];
	while (*at != c)
		at = &(*at)->hash_next;
	*at = c->hash_next;
	e->env.sa_del(e->env.arg, c->id, linger_ms);
	free(c->stats);
	free(c->ts);
	free(c);
}

bool child_too_many(const struct peer *p)
{
	unsigned n = 0;

	for (const struct child *c = p->children; c; c = c->next)
		n++;
	return n >= CHILDREN_PER_PEER;
}
