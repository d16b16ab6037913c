/* sa: the IKE SA as an object: made, found, moved, ended. What it says and hears is in
 * the other files. */
#include "ike/v2/v2.h"

#include "core/base/clock.h"
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

void nonce_min(struct slice a, struct slice b, uint8_t out[NONCE_CMP])
{
	/* Nonces have at least NONCE_MIN = NONCE_CMP bytes (ike/wire). */
	memcpy(out, memcmp(a.p, b.p, NONCE_CMP) < 0 ? a.p : b.p, NONCE_CMP);
}

void handshake_free(struct handshake *hs)
{
	struct blob *blobs[] = { &hs->mine, &hs->theirs, &hs->cookie, &hs->peer_nonce,
				 &hs->in.id, &hs->in.id_asked, &hs->in.auth, &hs->in.sa,
				 &hs->in.tsi, &hs->in.tsr };

	for (size_t i = 0; i < sizeof(blobs) / sizeof(blobs[0]); i++)
		blob_free(blobs[i]);
	ke_free(hs->ke);
	free(hs->refused_words);
	free(hs);
}

/* ---- timers ---- */

/* In ESTABLISHED and REKEYED the timer also says "look what is next"; task_next() tells
 * the two apart by what is due. */
static void on_timer(void *arg)
{
	struct ike_sa *sa = arg;
	struct engine *e = sa->e;

	if (sa->state == SA_ESTABLISHED)
		task_next(sa);
	else
		sa_step(sa, EV_TIMEOUT, ROLE_EVENT, NULL);
	engine_reap(e);
}

static void on_keepalive(void *arg)
{
	struct ike_sa *sa = arg;

	if (sa->state != SA_ESTABLISHED || !sa->nat_local)
		return;
	sa->e->env.keepalive(sa->e->env.arg, &sa->local, &sa->remote);
	timer_set(sa->e->ts, &sa->alive, KEEPALIVE_MS);
}

void sa_keepalive_start(struct ike_sa *sa)
{
	if (sa->nat_local && sa->local.port == IKE_NATT_PORT)
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

struct ike_sa *sa_new(struct peer *p, bool initiator)
{
	struct engine *e = p->e;
	struct ike_sa *sa = calloc(1, sizeof(*sa));
	struct ike_sa **bucket;
	uint64_t spi;

	if (!sa)
		return NULL;
	spi = new_spi(e);
	sa->e = e;
	sa->peer = p;
	sa->initiator = initiator;
	*(initiator ? &sa->spi_i : &sa->spi_r) = spi;
	sa->local = (struct endpoint){ p->local_addr, IKE_PORT };
	sa->remote = (struct endpoint){ p->conf.remote_gateway, IKE_PORT };
	sa->created_ms = sa->last_rx_ms = clock_ms();
	rtx_init(sa);
	timer_init(&sa->timer, on_timer, sa);
	timer_init(&sa->alive, on_keepalive, sa);
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
	exch_free(sa);
	/* §2.25.2: deleted while we were rekeying it, too: the peer's successor is the
	 * one. */
	if (sa->rekeyed_by) {
		rekey_adopt(sa, sa->rekeyed_by);
		sa->rekeyed_by = NULL;
	}
	remove_children(sa);
	if (p->main == sa)
		p->main = NULL;
	for (struct ike_sa *o = p->sas; o; o = o->peer_next) {
		if (o->rekeyed_by == sa)
			o->rekeyed_by = NULL;
		if (o->x && o->x->sa == sa)
			o->x->sa = NULL;
	}
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
	unlink_peer(sa);
	sa->reap_next = e->reap;
	e->reap = sa;
	sa->peer = NULL;
}

void sa_free(struct ike_sa *sa)
{
	if (sa->hs)
		handshake_free(sa->hs);
	free(sa->x);
	keymat_free(sa->keys);
	sk_free(sa->seal);
	blob_free(&sa->req);
	blob_free(&sa->resp);
	free(sa->why);
	secret_wipe(sa, sizeof(*sa));
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
	if (sa->state == SA_DELETING || sa->state == SA_CLOSED || sa->state == SA_DEAD)
		return;
	sa->want_delete = true;
	/* Window of one: the Delete waits for the answer under way (§2.3). */
	if ((sa->state == SA_ESTABLISHED || sa->state == SA_REKEYED) && req_out(sa)) {
		sa_over(sa);
		return;
	}
	sa_step(sa, EV_CLOSE, ROLE_EVENT, NULL);
}

void sa_drop(struct ike_sa *sa)
{
	sa_step(sa, EV_DROP, ROLE_EVENT, NULL);
}

bool sa_is_up(const struct ike_sa *sa)
{
	return sa->state == SA_ESTABLISHED && !sa->want_delete && !sa->kill_at;
}

bool sa_is_attempt(const struct ike_sa *sa)
{
	return sa->initiator && !sa->by_rekey && sa->state >= SA_INIT_SENT &&
	       sa->state <= SA_VERIFYING;
}

bool sa_is_half_open(const struct ike_sa *sa)
{
	return !sa->initiator && !sa->by_rekey &&
	       ((sa->state >= SA_HALF_OPEN && sa->state <= SA_R_SIGNING) ||
		(sa->state == SA_CLOSED && !sa->established_ms));
}

/* ---- keys ---- */

static const struct alg *sa_encr(const struct ike_sa *sa)
{
	return alg_get(ALG_ENCR, sa->ike.encr, sa->ike.encr_bits);
}

static const struct alg *sa_integ(const struct ike_sa *sa)
{
	return sa->ike.integ ? alg_get(ALG_INTEG, sa->ike.integ, 0) : NULL;
}

/* One direction: what the initiator seals, or what the responder does. */
static struct sk *sk_make(const struct ike_sa *sa, const struct ike_keys *k,
			  bool of_initiator, struct err *e)
{
	struct slice encr = { of_initiator ? k->ei : k->er, k->encr_len };
	struct slice integ = { of_initiator ? k->ai : k->ar, k->integ_len };

	return sk_new(sa_encr(sa), encr, sa_integ(sa), integ, e);
}

int sa_keys_set(struct ike_sa *sa, struct ike_keys *keys, struct err *e)
{
	struct sk *seal = sk_make(sa, keys, sa->initiator, e);

	/* Both or none: with keys there is a half that seals. */
	if (!seal) {
		keymat_free(keys);
		return -1;
	}
	sa->keys = keys;
	sa->seal = seal;
	return 0;
}

/* The opening half is made for each message: an idle tunnel is kept small, and IKE
 * messages are rare. The sealing half must last, for its IVs count (RFC 5282 §3.1). */
int sa_open(struct ike_sa *sa, struct ike_msg *m, struct err *e)
{
	struct sk *s = sk_make(sa, sa->keys, !sa->initiator, e);
	int rc;

	if (!s) {
		m->error = 0;
		return -1;
	}
	rc = sk_open(s, m, e);
	sk_free(s);
	return rc;
}

/* ---- time ---- */

/* life less the margin; the side that did not begin the exchange waits for part of the
 * margin more, so that the two rarely start a rekey at the same moment. */
void sa_lifetimes(struct ike_sa *sa)
{
	const struct peer_conf *c = &sa->peer->conf;
	uint64_t life = (uint64_t)c->ike_life_s * 1000;
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

static void tell_endpoints(struct ike_sa *sa)
{
	struct engine *e = sa->e;

	for (struct child *c = sa->peer->children; c; c = c->next)
		if (c->sa == sa && c->udp_encap)
			e->env.sa_update(e->env.arg, c->id, &sa->local, &sa->remote);
	if (sa->peer->told_up && sa->peer->main == sa &&
	    !endpoint_equal(&sa->peer->told_remote, &sa->remote)) {
		sa->peer->told_remote = sa->remote;
		e->env.peer_up(e->env.arg, sa->peer->conf.name, &sa->remote);
	}
}

/* §2.23: a host that is not behind a NAT itself follows its peer to wherever its last
 * authentic, new packet came from. Before IKE_AUTH is done the float to 4500 is followed.
 */
void sa_endpoints(struct ike_sa *sa, const struct input *in)
{
	char was[ENDPOINT_TEXT_MAX], is[ENDPOINT_TEXT_MAX];

	if (endpoint_equal(&sa->remote, in->remote) &&
	    endpoint_equal(&sa->local, in->local))
		return;
	if (sa->state == SA_HALF_OPEN) {
		sa->local = *in->local;
		sa->remote = *in->remote;
		return;
	}
	if (sa->state != SA_ESTABLISHED || !sa->nat_remote || sa->nat_local ||
	    !sa->encap || in->local->port != sa->local.port ||
	    endpoint_equal(&sa->remote, in->remote))
		return;
	log_info(sa->peer->conf.name, "the peer moved from %s to %s",
		 endpoint_str(&sa->remote, was), endpoint_str(in->remote, is));
	sa->remote = *in->remote;
	tell_endpoints(sa);
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
