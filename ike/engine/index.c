/* index: what is looked for with every message is found without a walk over all of it, so that
 * the ten-thousandth peer costs what the first does. Peers by name and by the one address they
 * have; IKE SAs that peers began by the SPI (IKEv1: the cookie) they began with; those of them
 * that are half open by where they come from; children by their inbound SPI. */
#include "ike/engine/parts.h"

#include "core/base/clock.h"

#include <string.h>

static size_t mix(const uint8_t *p, size_t n)
{
	uint32_t h = 2166136261u;	/* FNV-1a */

	while (n--)
		h = (h ^ *p++) * 16777619u;
	return (h ^ h >> 15) % INDEX_BUCKETS;
}

static size_t addr_bucket(const struct ip_addr *a)
{
	return mix(a->b, a->family == AF_INET ? 4 : 16);
}

static size_t name_bucket(const char *name)
{
	return mix((const uint8_t *)name, strlen(name));
}

/* ---- peers ---- */

struct peer *engine_peer(const struct engine *e, const char *name)
{
	for (struct peer *p = e->by_name[name_bucket(name)]; p; p = p->name_next)
		if (strcmp(p->conf.name, name) == 0)
			return p;
	return NULL;
}

/* The one address where it can be met; NULL when there may be others. */
static const struct ip_addr *only_addr(const struct peer *p)
{
	const struct peer_conf *c = &p->conf;

	if (c->remote_any)
		return NULL;
	if (!c->n_gateways)
		return addr_is_set(&c->remote_gateway) ? &c->remote_gateway : NULL;
	return c->n_gateways == 1 && c->gateways[0].kind == GATEWAY_ADDR ?
		&c->gateways[0].net.addr : NULL;
}

static void unlink_addr(struct peer *p)
{
	if (!p->at)
		return;
	*p->at = p->at_next;
	if (p->at_next)
		p->at_next->at = p->at;
	p->at = NULL;
}

/* At the end: of peers that fit the same the first wins. */
static void link_addr(struct peer *p)
{
	const struct ip_addr *a = only_addr(p);
	struct peer **at = a ? &p->e->by_addr[addr_bucket(a)] : &p->e->elsewhere;

	while (*at)
		at = &(*at)->at_next;
	*at = p;
	p->at = at;
	p->at_next = NULL;
}

void index_peer(struct peer *p)
{
	struct peer **bucket = &p->e->by_name[name_bucket(p->conf.name)];

	if (engine_peer(p->e, p->conf.name) != p) {
		p->name_next = *bucket;
		*bucket = p;
	}
	unlink_addr(p);
	link_addr(p);
}

void index_peer_drop(struct peer *p)
{
	struct peer **at = &p->e->by_name[name_bucket(p->conf.name)];

	while (*at && *at != p)
		at = &(*at)->name_next;
	if (*at)
		*at = p->name_next;
	unlink_addr(p);
}

struct peer *engine_caller(const struct engine *e, const struct ip_addr *remote,
			   const struct peer *after)
{
	struct peer *first = e->by_addr[addr_bucket(remote)];

	if (!after)
		return first ? first : e->elsewhere;
	if (after->at_next)
		return after->at_next;
	return only_addr(after) ? e->elsewhere : NULL;
}

/* ---- IKE SAs that a peer began ---- */

static size_t spi_bucket(uint64_t spi)
{
	return mix((const uint8_t *)&spi, sizeof(spi));
}

void index_called(struct ike_sa *sa)
{
	struct engine *e = sa->e;
	struct ike_sa **at = &e->by_caller[spi_bucket(sa->spi_i)];

	sa->caller_next = *at;
	*at = sa;
	at = &e->half_open[addr_bucket(&sa->remote.addr)];
	sa->half_next = *at;
	sa->half_at = at;
	if (*at)
		(*at)->half_at = &sa->half_next;
	*at = sa;
	e->n_half_open++;
}

/* ---- IKE SAs that we begin ---- */

#define CALLS_MAX 256
#define CALL_FRESH_MS 1000	/* who does not answer by then keeps nobody waiting */

static void call_drop(struct ike_sa *sa)
{
	struct engine *e = sa->e;

	if (!sa->call_counts)
		return;
	*(sa->call_prev ? &sa->call_prev->call_next : &e->calls) = sa->call_next;
	*(sa->call_next ? &sa->call_next->call_prev : &e->calls_end) = sa->call_prev;
	sa->call_next = sa->call_prev = NULL;
	sa->call_counts = false;
	e->n_calls--;
}

void index_call(struct ike_sa *sa)
{
	struct engine *e = sa->e;

	sa->call_prev = e->calls_end;
	*(e->calls_end ? &e->calls_end->call_next : &e->calls) = sa;
	e->calls_end = sa;
	sa->call_counts = true;
	e->n_calls++;
}

bool engine_calls_enough(struct engine *e)
{
	while (e->calls && clock_ms() - e->calls->created_ms >= CALL_FRESH_MS)
		call_drop(e->calls);
	return e->n_calls >= CALLS_MAX;
}

/* ---- both ---- */

void index_settled(struct ike_sa *sa)
{
	if (sa->call_counts && sa->stage != STAGE_NEW && !sa_is_attempt(sa))
		call_drop(sa);
	if (!sa->half_at || sa_is_half_open(sa))
		return;
	*sa->half_at = sa->half_next;
	if (sa->half_next)
		sa->half_next->half_at = sa->half_at;
	sa->half_at = NULL;
	sa->e->n_half_open--;
}

void index_sa_drop(struct ike_sa *sa)
{
	struct ike_sa **at = &sa->e->by_caller[spi_bucket(sa->spi_i)];

	call_drop(sa);
	while (*at && *at != sa)
		at = &(*at)->caller_next;
	if (*at)
		*at = sa->caller_next;
	if (!sa->half_at)
		return;
	*sa->half_at = sa->half_next;
	if (sa->half_next)
		sa->half_next->half_at = sa->half_at;
	sa->half_at = NULL;
	sa->e->n_half_open--;
}

struct ike_sa *engine_called(const struct engine *e, const struct ike_ops *ops, uint64_t spi_i,
			     const struct ip_addr *remote)
{
	for (struct ike_sa *sa = e->by_caller[spi_bucket(spi_i)]; sa; sa = sa->caller_next)
		if (sa->ops == ops && sa->spi_i == spi_i && addr_equal(&sa->remote.addr, remote))
			return sa;
	return NULL;
}

size_t engine_half_open(struct engine *e, const struct ip_addr *local,
			const struct ip_addr *remote)
{
	size_t n = 0;

	for (struct ike_sa *sa = e->half_open[addr_bucket(remote)]; sa; sa = sa->half_next)
		n += addr_equal(&sa->remote.addr, remote) && addr_equal(&sa->local.addr, local);
	return n;
}

/* ---- children ---- */

void index_child(struct child *c)
{
	struct child **at = &c->peer->e->by_in[c->spi_in % INDEX_BUCKETS];

	c->in_next = *at;
	*at = c;
}

void index_child_drop(struct child *c)
{
	struct child **at = &c->peer->e->by_in[c->spi_in % INDEX_BUCKETS];

	while (*at != c)
		at = &(*at)->in_next;
	*at = c->in_next;
}

bool index_spi_taken(const struct engine *e, uint32_t spi_in)
{
	for (const struct child *c = e->by_in[spi_in % INDEX_BUCKETS]; c; c = c->in_next)
		if (c->spi_in == spi_in)
			return true;
	return false;
}
