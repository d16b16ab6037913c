/* sa: the IKE SA as an object, of whatever version: made, found, moved, ended. */
#include "ike/engine/parts.h"

#include "core/base/clock.h"
#include "ike/engine/tap.h"
#include "core/base/rng.h"
#include "core/base/secret.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int blob_set(struct blob *b, struct slice from)
{
	uint8_t *p = malloc(from.len ? from.len : 1);

	if (!p)
		return -1;
	if (from.len)
		memcpy(p, from.p, from.len);
	blob_free(b);
	*b = (struct blob){ p, from.len };
	return 0;
}

void blob_free(struct blob *b)
{
	if (b->p)
		secret_wipe(b->p, b->len);
	free(b->p);
	*b = (struct blob){ 0 };
}

/* ---- timers ---- */

static void on_timer(void *arg)
{
	struct ike_sa *sa = arg;
	struct engine *e = sa->e;

	sa->ops->timer(sa);
	engine_reap(e);
}

static void on_keepalive(void *arg)
{
	struct ike_sa *sa = arg;

	if (sa->stage != STAGE_UP || !sa->nat_local)
		return;
	sa->e->env.keepalive(sa->e->env.arg, &sa->local, &sa->remote);
	timer_set(sa->e->ts, &sa->alive, KEEPALIVE_MS);
}

void sa_keepalive_start(struct ike_sa *sa)
{
	if (sa->nat_local && sa->local.port == sa->e->natt_port)
		timer_set(sa->e->ts, &sa->alive, KEEPALIVE_MS);
}

/* ---- made, found, ended ---- */

static uint64_t new_spi(const struct engine *e)
{
	uint64_t spi;

	do
		spi = rng_u64();
	while (spi == 0 || engine_sa(e, spi));
	return spi;
}

struct ike_sa *sa_new(struct peer *p, const struct ike_ops *ops, bool initiator)
{
	struct engine *e = p->e;
	struct ike_sa *sa = calloc(1, ops->sa_size);
	struct ike_sa **bucket;
	uint64_t spi;

	if (!sa)
		return NULL;
	spi = new_spi(e);
	sa->ops = ops;
	sa->e = e;
	sa->peer = p;
	sa->initiator = initiator;
	*(initiator ? &sa->spi_i : &sa->spi_r) = spi;
	if (!where_next(p, &sa->local, &sa->remote)) {
		sa->local = (struct endpoint){ p->local_addr, e->ike_port };
		sa->remote = (struct endpoint){ p->conf.remote_gateway, IKE_PORT };
	}
	sa->created_ms = sa->last_rx_ms = clock_ms();
	timer_init(&sa->timer, on_timer, sa);
	timer_init(&sa->alive, on_keepalive, sa);
	ops->init(sa);
	bucket = &e->by_spi[spi % SPI_BUCKETS];
	sa->hash_next = *bucket;
	*bucket = sa;
	sa->peer_next = p->sas;
	p->sas = sa;
	return sa;
}

static void unlink_peer(struct ike_sa *sa)
{
	struct ike_sa **at = &sa->peer->sas;

	while (*at != sa)
		at = &(*at)->peer_next;
	*at = sa->peer_next;
}

void sa_move(struct ike_sa *sa, struct peer *to)
{
	if (sa->peer == to)
		return;
	unlink_peer(sa);
	sa->peer = to;
	sa->peer_next = to->sas;
	to->sas = sa;
	tap_keys(sa);
}

static void remove_children(struct ike_sa *sa)
{
	struct child *c, *next;

	for (c = sa->peer->children; c; c = next) {
		next = c->next;
		if (c->sa == sa)
			child_remove(c, 0);
	}
}

void sa_over(struct ike_sa *sa)
{
	struct peer *p = sa->peer;

	if (sa->over)
		return;
	sa->over = true;
	timer_stop(sa->e->ts, &sa->alive);
	sa->ops->over(sa);
	remove_children(sa);
	if (p->main == sa)
		p->main = NULL;
	peer_sa_gone(p, sa);
}

void sa_bury(struct ike_sa *sa)
{
	struct engine *e = sa->e;
	struct ike_sa **at = &e->by_spi[sa_local_spi(sa) % SPI_BUCKETS];

	sa_over(sa);
	timer_stop(e->ts, &sa->rtx);
	timer_stop(e->ts, &sa->timer);
	timer_stop(e->ts, &sa->alive);
	while (*at != sa)
		at = &(*at)->hash_next;
	*at = sa->hash_next;
	index_sa_drop(sa);
	unlink_peer(sa);
	sa->reap_next = e->reap;
	e->reap = sa;
	sa->peer = NULL;
}

void sa_free(struct ike_sa *sa)
{
	size_t size = sa->ops->sa_size;

	sa->ops->fini(sa);
	free(sa->why);
	secret_wipe(sa, size);
	free(sa);
}

void sa_why(struct ike_sa *sa, bool hard, const char *fmt, ...)
{
	va_list ap;
	char *text = NULL;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	free(sa->why);
	sa->why = text;
	sa->hard = hard;
}

void sa_close(struct ike_sa *sa)
{
	if (sa->stage >= STAGE_ENDING)
		return;
	sa->want_delete = true;
	sa->ops->close(sa);
}

bool sa_is_up(const struct ike_sa *sa)
{
	return sa->stage == STAGE_UP && !sa->want_delete && !sa->kill_at && !sa->test;
}

bool sa_is_attempt(const struct ike_sa *sa)
{
	return sa->initiator && !sa->by_rekey && !sa->test &&
	       (sa->stage == STAGE_CALLING || sa->stage == STAGE_PROVING);
}

bool sa_is_half_open(const struct ike_sa *sa)
{
	return !sa->initiator && !sa->by_rekey &&
	       (sa->stage == STAGE_HALF_OPEN ||
		(sa->stage == STAGE_CLOSED && !sa->established_ms));
}

/* ---- time ---- */

/* life less the margin; the side that did not begin the exchange waits for part of the
 * margin more, so that the two rarely start a rekey at the same moment. */
void sa_lifetimes(struct ike_sa *sa)
{
	const struct peer_conf *c = &sa->peer->conf;
	uint64_t life = (uint64_t)(sa->life_s ? sa->life_s : c->ike_life_s) * 1000;
	uint64_t margin = (uint64_t)c->rekey_margin_s * 1000;

	if (margin > life / 2)
		margin = life / 2;
	sa->expire_at = sa->established_ms + life;
	margin = rng_jitter(margin, 25);
	if (!sa->initiator)
		margin = margin * 3 / 5;
	sa->rekey_at = sa->expire_at - margin;
}

/* ---- where the peer is ---- */

void sa_moved(struct ike_sa *sa)
{
	struct engine *e = sa->e;

	for (struct child *c = sa->peer->children; c; c = c->next) {
		struct endpoint local = sa->local, remote = sa->remote;

		if (c->sa != sa)
			continue;
		if (!c->udp_encap)
			local.port = remote.port = 0;
		e->env.sa_update(e->env.arg, c->id, &local, &remote);
	}
	if (sa->peer->told_up && sa->peer->main == sa &&
	    !endpoint_equal(&sa->peer->told_remote, &sa->remote)) {
		sa->peer->told_remote = sa->remote;
		e->env.peer_up(e->env.arg, sa->peer->conf.name, &sa->remote);
	}
	where_tell(sa->peer);
}

/* What v2's sa_endpoints() and v1_follow() do for a message, for a packet. */
void engine_sa_moved(struct engine *e, uint32_t sa_id, const struct endpoint *remote)
{
	struct child *c = engine_child(e, sa_id);
	char was[ENDPOINT_TEXT_MAX], is[ENDPOINT_TEXT_MAX];
	struct ike_sa *sa = c ? c->sa : NULL;

	/* RFC 4555 §3.8: with MOBIKE the peer says when it moves. */
	if (!sa || sa->stage != STAGE_UP || sa->roams || !sa->nat_remote || sa->nat_local ||
	    !c->udp_encap || remote->addr.family != sa->remote.addr.family || !remote->port ||
	    endpoint_equal(&sa->remote, remote))
		return;
	log_info(sa->peer->conf.name, "the peer moved from %s to %s",
		 endpoint_str(&sa->remote, was), endpoint_str(remote, is));
	sa->remote = *remote;
	sa_moved(sa);
	engine_reap(e);
}

void sa_adopt(struct ike_sa *from, struct ike_sa *to)
{
	struct peer *p = from->peer;
	char alg[STATUS_ALG_MAX];

	for (struct child *c = p->children; c; c = c->next)
		if (c->sa == from)
			c->sa = to;
	to->owner = from->owner;
	to->peer_id = from->peer_id;
	to->kill_at = from->kill_at;
	to->kill_silent = from->kill_silent;
	to->reauth_at = from->reauth_at;
	to->auth_end_at = from->auth_end_at;
	to->handing = from->handing;
	from->kill_at = 0;
	if (p->main == from)
		p->main = to;
	p->rekeys++;
	chosen_str(&to->ike, alg, sizeof(alg));
	log_debug(p->conf.name, "IKE SA rekeyed, %s", alg);
	peer_event(p, ENGINE_REKEYED, alg);
	sa_next(to);
}

const char *sa_pair_str(const struct ike_sa *sa, char *buf, size_t cap)
{
	char a[ENDPOINT_TEXT_MAX], b[ENDPOINT_TEXT_MAX];

	if (sa->remote.port == IKE_PORT || sa->remote.port == IKE_NATT_PORT)
		snprintf(buf, cap, "%s ↔ %s", addr_str(&sa->local.addr, a),
			 addr_str(&sa->remote.addr, b));
	else
		snprintf(buf, cap, "%s ↔ %s", addr_str(&sa->local.addr, a),
			 endpoint_str(&sa->remote, b));
	return buf;
}
