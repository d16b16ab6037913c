/* status: what the engine tells about itself, in plain structs. */
#include "ike/engine/parts.h"

#include "core/base/clock.h"
#include "ike/wire/id.h"

#include <stdio.h>
#include <string.h>

const char *peer_state_name(enum peer_state s)
{
	switch (s) {
	case PEER_DISABLED: return "disabled";
	case PEER_DOWN: return "down";
	case PEER_CONNECTING: return "connecting";
	case PEER_UP: return "up";
	}
	return "?";
}

const char *child_state_name(enum child_state s)
{
	switch (s) {
	case CHILD_DOWN: return "down";
	case CHILD_CONNECTING: return "connecting";
	case CHILD_UP: return "up";
	}
	return "?";
}

static uint64_t seconds_to(uint64_t at, uint64_t now)
{
	return at > now ? (at - now + 999) / 1000 : 0;
}

static unsigned weak_of(enum alg_type type, uint16_t id, uint16_t bits)
{
	const struct alg *a = alg_get(type, id, bits);

	return a ? a->weak : 0;
}

static unsigned chosen_weak(const struct chosen *c)
{
	return weak_of(ALG_ENCR, c->encr, c->encr_bits) |
	       weak_of(ALG_INTEG, c->integ, 0) | weak_of(ALG_PRF, c->prf, 0) |
	       weak_of(ALG_KE, c->ke, 0);
}

static uint8_t join(struct selector *to, uint8_t n, const struct selector *from, uint8_t m)
{
	for (uint8_t i = 0; i < m; i++) {
		uint8_t k;

		for (k = 0; k < n && !selector_covers(&to[k], &from[i]); k++)
			;
		if (k == n && n < SA_SELECTORS_MAX)
			to[n++] = from[i];
	}
	return n;
}

/* Of all that serve the slot: there may be one for each pair of networks. */
static void agreed_selectors(const struct peer *p, uint8_t slot, struct child_status *out)
{
	for (const struct child *c = p->children; c; c = c->next) {
		if (c->slot != slot || c->state != CH_LIVE || c->stale)
			continue;
		out->n_local = join(out->local, out->n_local, c->ts, c->n_local);
		out->n_remote = join(out->remote, out->n_remote, c->ts + c->n_local,
				     c->n_remote);
	}
}

static void configured_selectors(const struct child_conf *cc, struct child_status *out)
{
	struct ts_list ts, remote;

	slot_selectors(cc, PAIR_ALL, &ts, &remote);
	out->n_local = ts.n;
	memcpy(out->local, ts.s, ts.n * sizeof(ts.s[0]));
	out->n_remote = remote.n;
	memcpy(out->remote, remote.s, remote.n * sizeof(remote.s[0]));
}

static bool is_narrowed(const struct child_status *st, const struct child_conf *cc)
{
	struct ts_list local, remote, got = { .n = st->n_local };

	slot_selectors(cc, PAIR_ALL, &local, &remote);
	memcpy(got.s, st->local, st->n_local * sizeof(got.s[0]));
	if (!ts_same(&local, &got))
		return true;
	got.n = st->n_remote;
	memcpy(got.s, st->remote, st->n_remote * sizeof(got.s[0]));
	return !ts_same(&remote, &got);
}

static void child_status(const struct peer *p, uint8_t i, struct child_status *out)
{
	const struct child_conf *cc = &p->conf.children[i];
	const struct slot *s = &p->slots[i];
	const struct child *c = slot_child(p, i);
	uint64_t now = clock_ms();

	memset(out, 0, sizeof(*out));
	out->name = cc->name;
	out->state = s->up_since && c ? CHILD_UP
		     : p->main        ? CHILD_CONNECTING
				      : CHILD_DOWN;
	out->reason = out->state == CHILD_UP ? "" : slot_hindrance(p, i) ? slot_hindrance(p, i) :
		      s->reason ? s->reason : "";
	/* What needs no SA is in force as long as the peer is enabled. */
	if (child_is_plain(cc)) {
		out->state = p->conf.enabled ? CHILD_UP : CHILD_DOWN;
		out->reason = "";
	}
	if (p->main && out->state == CHILD_CONNECTING && s->failed && !p->main->owner &&
	    p->conf.start != START_START)
		out->state = CHILD_DOWN;
	if (!c || out->state != CHILD_UP || child_is_plain(cc)) {
		configured_selectors(cc, out);
		return;
	}
	agreed_selectors(p, i, out);
	out->sa_id = c->id;
	out->spi_in = c->spi_in;
	out->spi_out = c->spi_out;
	out->narrowed = is_narrowed(out, cc);
	chosen_str(&c->esp, out->esp, sizeof(out->esp));
	out->weak = chosen_weak(&c->esp);
	out->esn = c->esp.esn;
	out->udp_encap = c->udp_encap;
	out->ipcomp = c->cpi_out != 0;
	out->uptime_s = (now - s->up_since) / 1000;
	out->rekey_in_s = seconds_to(c->rekey_at, now);
	out->expires_in_s = seconds_to(c->expire_at, now);
	out->rekeys = s->rekeys;
	out->rx_bytes = s->rx_bytes;
	out->rx_packets = s->rx_packets;
	out->tx_bytes = s->tx_bytes;
	out->tx_packets = s->tx_packets;
	out->stats = c->stats;
	for (c = p->children; c; c = c->next)
		if (c->slot == i && c->stats) {
			out->rx_bytes += c->stats->rx_bytes;
			out->rx_packets += c->stats->rx_packets;
			out->tx_bytes += c->stats->tx_bytes;
			out->tx_packets += c->stats->tx_packets;
		}
}

static const struct ike_sa *attempt(const struct peer *p)
{
	for (const struct ike_sa *sa = p->sas; sa; sa = sa->peer_next)
		if (sa_is_attempt(sa))
			return sa;
	return NULL;
}

static enum peer_state state_of(const struct peer *p)
{
	if (!p->conf.enabled)
		return PEER_DISABLED;
	if (p->told_up)
		return PEER_UP;
	if (p->main || attempt(p) || timer_running(&p->timer))
		return PEER_CONNECTING;
	return PEER_DOWN;
}

static const char *child_reason(const struct peer *p)
{
	for (uint8_t i = 0; i < p->conf.n_children; i++)
		if (p->slots[i].reason)
			return p->slots[i].reason;
	return NULL;
}

static bool has_target(const struct peer *p)
{
	struct ip_addr v[TARGETS_MAX];

	return where_targets(p, v) > 0;
}

static void reason_of(const struct peer *p, enum peer_state state, char *buf, size_t cap)
{
	char to[ADDR_TEXT_MAX], no[STATUS_REASON_MAX];
	struct endpoint local, remote;
	const char *why = p->failure;

	buf[0] = '\0';
	if (state == PEER_UP)
		return;
	if (state == PEER_DISABLED)
		snprintf(buf, cap, "disabled in the settings");
	else if (p->admin_down)
		snprintf(buf, cap, "taken down by the admin (adit up %s)", p->conf.name);
	else if (p->main)
		snprintf(buf, cap, "the IKE SA stands, no child yet%s%s",
			 child_reason(p) ? ": " : "",
			 child_reason(p) ? child_reason(p) : "");
	else if (p->gave_up)
		snprintf(buf, cap, "given up: %s", why ? why : "");
	else if (!p->e->dataplane)
		snprintf(buf, cap, "the dataplane is not ready");
	else if (peer_hindrance(p))
		snprintf(buf, cap, "%s", peer_hindrance(p));
	else if (why)
		snprintf(buf, cap, "%s", why);
	else if (p->conf.start == START_RESPONDER && !p->asked_up)
		snprintf(buf, cap, "waiting for the peer to call");
	else if (p->conf.start == START_ON_DEMAND && !p->asked_up)
		snprintf(buf, cap, "waiting for a packet to send");
	else if (where_why(p, no, sizeof(no))[0])
		snprintf(buf, cap, "%s", has_target(p) || !where_is_open(p) ? no :
			 "waiting for the peer to call");
	else if (where_next(p, &local, &remote))
		snprintf(buf, cap, "calling %s", addr_str(&remote.addr, to));
}

static void ids_of(const struct peer *p, struct peer_status *st)
{
	struct ike_id id = p->conf.local_id;

	if (!id.type)
		id = id_from_addr(&st->local.addr);
	id_str(&id, st->local_id, sizeof(st->local_id));
	id = p->conf.peer_id;
	if (p->main && p->main->peer_id.type)
		id = p->main->peer_id;
	else if (!id.type && addr_is_set(&st->remote.addr) && !where_is_open(p))
		id = id_from_addr(&st->remote.addr);
	id_str(&id, st->remote_id, sizeof(st->remote_id));
}

static void ike_status(const struct peer *p, struct peer_status *st)
{
	const struct ike_sa *sa = p->main ? p->main : attempt(p);

	st->local = (struct endpoint){ p->local_addr, p->e->ike_port };
	st->remote = (struct endpoint){ p->conf.remote_gateway, IKE_PORT };
	where_next(p, &st->local, &st->remote);
	if (sa) {
		st->local = sa->local;
		st->remote = sa->remote;
		st->initiator = sa->initiator;
	}
	ids_of(p, st);
	sa = p->main;
	if (!sa)
		return;
	chosen_str(&sa->ike, st->ike, sizeof(st->ike));
	st->weak = chosen_weak(&sa->ike);
	st->nat_local = sa->nat_local;
	st->nat_remote = sa->nat_remote;
	st->udp_encap = sa->encap;
	st->version = sa->ops->version;
	st->spi_i = sa->spi_i;
	st->spi_r = sa->spi_r;
	st->rekey_in_s = seconds_to(sa->rekey_at, clock_ms());
	st->uptime_s = (clock_ms() - p->up_since) / 1000;
}

static void visit(const struct peer *p,
		  void (*fn)(void *arg, const struct peer_status *st), void *arg)
{
	struct child_status children[CHILDREN_MAX];
	char reason[STATUS_REASON_MAX];
	struct peer_status st = { .conf = &p->conf };
	uint64_t left = timer_left(&p->timer);

	st.state = state_of(p);
	reason_of(p, st.state, reason, sizeof(reason));
	st.reason = reason;
	st.last_failure = p->failure ? p->failure : "";
	st.last_failure_wall_s = p->failure_wall_s;
	ike_status(p, &st);
	st.tries = p->tries;
	st.next_try_s = left == UINT64_MAX ? 0 : (left + 999) / 1000;
	st.rekeys = p->rekeys;
	st.retransmits = p->retransmits;
	st.drops = p->drops;
	st.n_children = p->conf.n_children;
	st.children = children;
	for (uint8_t i = 0; i < p->conf.n_children; i++)
		child_status(p, i, &children[i]);
	fn(arg, &st);
}

size_t engine_status(struct engine *e, const char *name,
		     void (*fn)(void *arg, const struct peer_status *st), void *arg)
{
	size_t n = 0;

	for (struct peer *p = e->peers; p; p = p->next) {
		if (name && strcmp(name, p->conf.name) != 0)
			continue;
		visit(p, fn, arg);
		n++;
	}
	return n;
}

void engine_counts(const struct engine *e, struct engine_counts *out)
{
	*out = (struct engine_counts){ .cookies_sent = e->cookies_sent,
				       .drops = e->drops };
	for (const struct peer *p = e->peers; p; p = p->next) {
		out->peers++;
		out->peers_up += p->told_up;
	}
	for (size_t i = 0; i < SPI_BUCKETS; i++)
		for (const struct ike_sa *sa = e->by_spi[i]; sa; sa = sa->hash_next) {
			out->half_open += sa_is_half_open(sa);
			out->ike_sas += sa->stage == STAGE_UP;
		}
	for (size_t i = 0; i < CHILD_BUCKETS; i++)
		for (const struct child *c = e->by_id[i]; c; c = c->hash_next)
			out->child_sas++;
}
