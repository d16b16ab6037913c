/* child: pairs of ESP SAs: agreed on (RFC 7296 §1.3, §2.9, §2.17), put into the
 * dataplane, replaced, taken out. Which exchange carries the negotiation does not matter
 * here.
 *
 * Make before break (§2.8): the responder of a rekey installs the new pair but sends on
 * it only when the old one is deleted, or something was received on the new; its answer
 * leaves when the dataplane has the pair. The initiator installs, then deletes the old
 * one. Old inbound halves linger for what is still under way.
 */
#include "ike/v2/v2.h"

#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/base/secret.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLAY_WINDOW 256
#define RELEASE_MS 5000
#define SPI_MIN 256		/* RFC 4303 §2.1 */

uint32_t child_new_spi(const struct engine *e)
{
	for (;;) {
		uint32_t spi = rng_u32();
		bool taken = spi < SPI_MIN;

		for (size_t i = 0; !taken && i < CHILD_BUCKETS; i++)
			for (struct child *c = e->by_id[i]; c; c = c->hash_next)
				taken |= c->spi_in == spi;
		if (!taken)
			return spi;
	}
}

struct proposal_want child_want(const struct engine *e, bool pfs_round, uint32_t spi)
{
	return (struct proposal_want){
		.protocol = PROTO_ESP, .spi_len = 4, .spi = spi, .ke = pfs_round,
		.esn = WANT_ESN_NO | (e->esn ? WANT_ESN_YES : 0),
	};
}

static const struct child_conf *slot_conf(const struct peer *p, uint8_t slot)
{
	return slot < p->conf.n_children ? &p->conf.children[slot] : NULL;
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
	life = (uint64_t)cc->esp_life_s * 1000;
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
}

static void install(const struct child *c, struct sa_child *sc)
{
	const struct ike_sa *sa = c->sa;
	const struct child_conf *cc = slot_conf(c->peer, c->slot);

	sc->id = c->id;
	sc->spi_in = c->spi_in;
	sc->spi_out = c->spi_out;
	memcpy(sc->peer, c->peer->conf.name, sizeof(sc->peer));
	/* Nobody installs a child without settings. NOLINTNEXTLINE: cc is not NULL */
	memcpy(sc->child, cc->name, sizeof(sc->child));
	sc->local = sa->local;
	sc->remote = sa->remote;
	sc->udp_encap = sa->encap;
	if (!sa->encap)
		sc->local.port = sc->remote.port = 0;
	sc->esn = c->esp.esn;
	sc->hold_out = c->held;
	sc->encr = c->esp.encr;
	sc->encr_bits = c->esp.encr_bits;
	sc->integ = c->esp.integ;
	sc->replay_window = REPLAY_WINDOW;
	sc->hard_life_s = cc->esp_life_s;
	sa->e->env.sa_add(sa->e->env.arg, sc);
}

struct made {
	const struct chosen *esp;
	const struct ts_list *local, *remote;
	struct slice shared;
	uint8_t slot;
	uint32_t spi_in;
	bool initiator, hold;
	struct child *old;
};

static struct child *child_make(struct ike_sa *sa, const struct child_offer *of,
				const struct made *m, struct err *e)
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
	if (keymat_child(sa->keys, m->esp, of->ni, of->nr, m->shared, m->initiator,
			 &sc.in, &sc.out, e) < 0) {
		free(c->ts);
		free(c);
		return NULL;
	}
	c->peer = sa->peer;
	c->sa = sa;
	c->state = CH_ADDING;
	c->slot = m->slot;
	c->initiator = m->initiator;
	c->held = m->hold;
	c->udp_encap = sa->encap;
	do
		c->id = ++sa->e->last_child_id;
	while (c->id == 0 || engine_child(sa->e, c->id));
	c->spi_in = m->spi_in;
	c->spi_out = (uint32_t)m->esp->spi;
	c->esp = *m->esp;
	c->n_local = m->local->n;
	c->n_remote = m->remote->n;
	memcpy(c->ts, m->local->s, m->local->n * sizeof(*c->ts));
	memcpy(c->ts + m->local->n, m->remote->s, m->remote->n * sizeof(*c->ts));
	c->created_ms = clock_ms();
	c->replaces = m->old ? m->old->id : 0;
	nonce_min(of->ni, of->nr, c->nonce_min);
	child_lifetimes(c);
	link_child(c, sa->peer);
	fill_selectors(&sc, m->local, m->remote);
	install(c, &sc);
	secret_wipe(&sc, sizeof(sc));
	return c;
}

/* ---- found, ended ---- */

struct child *child_by_out(const struct peer *p, uint32_t spi_out)
{
	for (struct child *c = p->children; c; c = c->next)
		if (c->spi_out == spi_out)
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

	if (c->sa->held_for == c->id)
		out_release(c->sa);
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
	at = &e->by_id[c->id % CHILD_BUCKETS];
	while (*at != c)
		at = &(*at)->hash_next;
	*at = c->hash_next;
	e->env.sa_del(e->env.arg, c->id, linger_ms);
	free(c->stats);
	free(c->ts);
	free(c);
}

/* ---- the responder's part ---- */

struct fit {
	enum ts_fit fit;
	uint8_t slot;
	struct ts_list tsi, tsr;
};

/* The configured child that the selectors mean: the best fit, of equal ones the first
 * that is not up. A rekey means the one that is rekeyed, as long as that fits at all. */
static struct fit choose_slot(const struct peer *p, const struct ts_list *tsi,
			      const struct ts_list *tsr, const struct child *old)
{
	struct fit best = { .slot = SLOT_NONE };
	int most = 0;

	for (uint8_t i = 0; i < p->conf.n_children; i++) {
		const struct child_conf *cc = &p->conf.children[i];
		struct fit f = { .slot = i };
		int score;

		f.fit = ts_narrow(tsi, tsr, cc->local_network, cc->n_local,
				  cc->remote_network, cc->n_remote, &f.tsi, &f.tsr);
		if (f.fit == TS_NONE)
			continue;
		score = (old && old->slot == i ? 100 : 0) + (int)f.fit * 2 +
			(slot_child(p, i) ? 0 : 1);
		if (score <= most)
			continue;
		most = score;
		best = f;
	}
	return best;
}

static void no_selectors(struct peer *p, const struct child *old,
			 const struct ts_list *tsi, const struct ts_list *tsr)
{
	uint8_t slot = old && old->slot != SLOT_NONE ? old->slot : 0;
	const struct child_conf *cc = slot_conf(p, slot);
	struct ts_list local, remote;
	char words[400];

	ts_from_prefixes(cc->local_network, cc->n_local, &local);
	ts_from_prefixes(cc->remote_network, cc->n_remote, &remote);
	slot_fail(p, slot, "networks do not match: %s",
		  ts_compare(&local, &remote, tsr, tsi, words, sizeof(words)));
}

/* Algorithms and, with PFS, our half of the key exchange. -1: an->error is set. */
static int choose_esp(struct ike_sa *sa, const struct child_offer *of, uint8_t slot,
		      struct child_answer *an, uint8_t shared[KE_SHARED_MAX], size_t *len)
{
	struct proposal_want want = child_want(sa->e, of->pfs_round, 0);
	struct sa_payload offer;
	struct err err = { 0 };

	*len = 0;
	want.ke_sent = of->ke.group;
	if (payload_sa(of->sa, &offer, &err) < 0) {
		an->error = N_INVALID_SYNTAX;
		return -1;
	}
	if (proposal_choose(&offer, &slot_conf(sa->peer, slot)->esp, &want, &an->esp,
			    &err) < 0) {
		an->error = N_NO_PROPOSAL_CHOSEN;
		slot_fail(sa->peer, slot, "no common ESP proposal: %s", err.msg);
		return -1;
	}
	if (an->esp.ke == KE_NONE)
		return 0;
	if (!proposal_ke_fits(&an->esp, of->ke.group)) {
		an->error = N_INVALID_KE_PAYLOAD;
		an->ke_group = an->esp.ke;
		return -1;
	}
	an->ke = ke_new(an->esp.ke, &err);
	if (!an->ke || ke_shared(an->ke, of->ke.data, shared, len, &err) < 0) {
		an->error = N_INVALID_SYNTAX;
		log_warning(sa->peer->conf.name, "key exchange refused: %s", err.msg);
		return -1;
	}
	return 0;
}

static bool too_many(const struct peer *p)
{
	unsigned n = 0;

	for (const struct child *c = p->children; c; c = c->next)
		n++;
	return n >= CHILDREN_PER_PEER;
}

void child_accept(struct ike_sa *sa, const struct child_offer *of,
		  struct child_answer *an)
{
	struct ts_list tsi, tsr;
	struct err err = { 0 };
	uint8_t shared[KE_SHARED_MAX];
	size_t shared_len = 0;
	struct fit f;
	struct made m;

	if (too_many(sa->peer)) {
		an->error = N_NO_ADDITIONAL_SAS;
		return;
	}
	if (payload_ts(of->tsi, &tsi, &err) < 0 || payload_ts(of->tsr, &tsr, &err) < 0) {
		an->error = N_INVALID_SYNTAX;
		return;
	}
	f = choose_slot(sa->peer, &tsi, &tsr, of->old);
	if (f.fit == TS_NONE) {
		an->error = N_TS_UNACCEPTABLE;
		no_selectors(sa->peer, of->old, &tsi, &tsr);
		return;
	}
	an->tsi = f.tsi;
	an->tsr = f.tsr;
	if (choose_esp(sa, of, f.slot, an, shared, &shared_len) < 0)
		return;
	m = (struct made){
		.esp = &an->esp, .local = &an->tsr, .remote = &an->tsi, .slot = f.slot,
		.shared = { shared, shared_len }, .spi_in = child_new_spi(sa->e),
		.hold = of->old || slot_child(sa->peer, f.slot), .old = of->old,
	};
	an->child = child_make(sa, of, &m, &err);
	secret_wipe(shared, sizeof(shared));
	/* One that comes beside another may never see that one's Delete. */
	if (an->child && m.hold && !of->old)
		an->child->release_at = clock_ms() + RELEASE_MS;
	if (!an->child) {
		an->error = N_TEMPORARY_FAILURE;
		slot_fail(sa->peer, f.slot, "%s", err.msg);
	}
}

void child_write_answer(struct build *b, const struct child_offer *of,
			const struct child_answer *an)
{
	struct sa_payload sa;

	if (an->error == N_INVALID_KE_PAYLOAD) {
		build_notify_ke(b, an->ke_group);
		return;
	}
	if (an->error) {
		build_notify_plain(b, an->error);
		return;
	}
	proposal_answer(&an->esp, an->child->spi_in, &sa);
	build_sa(b, &sa);
	if (of->pfs_round)
		build_nonce(b, of->nr);
	if (an->ke)
		build_ke(b, ke_id(an->ke), ke_public(an->ke));
	build_ts(b, PAYLOAD_TSI, &an->tsi);
	build_ts(b, PAYLOAD_TSR, &an->tsr);
}

/* ---- the initiator's part ---- */

void child_write_offer(struct ike_sa *sa, struct build *b, uint8_t slot, uint32_t spi,
		       const struct exch *x)
{
	const struct child_conf *cc = slot_conf(sa->peer, slot);
	struct proposal_want want = child_want(sa->e, x != NULL, spi);
	struct sa_payload offer;
	struct ts_list ts;

	proposal_offer(&cc->esp, &want, &offer);
	build_sa(b, &offer);
	if (x) {
		build_nonce(b, (struct slice){ x->nonce, NONCE_LEN });
		if (x->ke)
			build_ke(b, x->group, ke_public(x->ke));
	}
	ts_from_prefixes(cc->local_network, cc->n_local, &ts);
	build_ts(b, PAYLOAD_TSI, &ts);
	ts_from_prefixes(cc->remote_network, cc->n_remote, &ts);
	build_ts(b, PAYLOAD_TSR, &ts);
}

static int check_answer(struct ike_sa *sa, const struct child_offer *of,
			const struct child_conf *cc, uint32_t spi, struct chosen *c,
			struct ts_list *tsi, struct ts_list *tsr, struct err *e)
{
	struct proposal_want want = child_want(sa->e, of->pfs_round, spi);
	struct ts_list local, remote;
	struct sa_payload answer, offer;

	if (payload_sa(of->sa, &answer, e) < 0 || payload_ts(of->tsi, tsi, e) < 0 ||
	    payload_ts(of->tsr, tsr, e) < 0)
		return err_wrap(e, "the answer is malformed");
	proposal_offer(&cc->esp, &want, &offer);
	if (proposal_verify(&answer, &offer, &want, c, e) < 0)
		return err_wrap(e, "the answer is wrong");
	ts_from_prefixes(cc->local_network, cc->n_local, &local);
	ts_from_prefixes(cc->remote_network, cc->n_remote, &remote);
	if (ts_check(&local, tsi, e) < 0 || ts_check(&remote, tsr, e) < 0)
		return err_wrap(e, "the peer's traffic selectors are wrong");
	return 0;
}

struct child *child_complete(struct ike_sa *sa, const struct child_offer *of,
			     uint8_t slot, uint32_t spi, struct ke *ke, struct err *e)
{
	const struct child_conf *cc = slot_conf(sa->peer, slot);
	uint8_t shared[KE_SHARED_MAX];
	size_t shared_len = 0;
	struct ts_list tsi, tsr;
	struct chosen c;
	struct child *child;
	struct made m;

	if (!cc) {
		err_set(e, "its settings are gone");
		return NULL;
	}
	if (check_answer(sa, of, cc, spi, &c, &tsi, &tsr, e) < 0)
		return NULL;
	if (c.ke != KE_NONE) {
		if (!ke || ke_id(ke) != c.ke || of->ke.group != c.ke) {
			err_set(e, "the peer's key exchange does not fit what it chose");
			return NULL;
		}
		if (ke_shared(ke, of->ke.data, shared, &shared_len, e) < 0)
			return NULL;
	}
	m = (struct made){
		.esp = &c,
		.local = &tsi,
		.remote = &tsr,
		.shared = { shared, shared_len },
		.slot = slot,
		.spi_in = spi,
		.initiator = true,
		.old = of->old,
	};
	child = child_make(sa, of, &m, e);
	secret_wipe(shared, sizeof(shared));
	return child;
}
