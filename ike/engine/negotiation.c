/* negotiation: made at the moment of failure, of what the objects still know then. */
#include "ike/engine/negotiation.h"

#include "core/base/clock.h"
#include "ike/wire/id.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SILENT_MS 2500

/* Where facts go when memory is short. */
static struct negotiation nowhere;

/* ---- pieces ---- */

static void add(struct neg_offer *to, uint8_t proposal, uint8_t type, uint16_t id, uint16_t bits)
{
	for (size_t i = 0; i < to->n; i++)
		if (to->t[i].proposal == proposal && to->t[i].type == type &&
		    to->t[i].id == id && to->t[i].key_bits == bits)
			return;
	if (to->n >= NEG_TRANSFORMS_MAX) {
		to->more = true;
		return;
	}
	to->t[to->n++] = (struct neg_transform){ proposal, type, id, bits };
}

void negotiation_offer(struct neg_offer *to, const struct sa_payload *from)
{
	memset(to, 0, sizeof(*to));
	for (size_t i = 0; i < from->n; i++)
		for (size_t k = 0; k < from->p[i].n; k++) {
			const struct sa_transform *t = &from->p[i].t[k];

			if (t->type != ALG_ESN)
				add(to, (uint8_t)(i + 1), t->type, t->id, t->key_bits);
		}
}

static void drop_ke(struct neg_offer *of)
{
	size_t n = 0;

	for (size_t i = 0; i < of->n; i++)
		if (of->t[i].type != ALG_KE)
			of->t[n++] = of->t[i];
	of->n = (uint8_t)n;
}

void negotiation_without_ke(struct negotiation *n)
{
	drop_ke(&n->esp_ours);
	drop_ke(&n->esp_theirs);
}

void negotiation_suites(struct neg_offer *to, enum suite_use use, const struct suite_list *from)
{
	memset(to, 0, sizeof(*to));
	for (uint8_t i = 0; i < from->n; i++) {
		const struct suite *s = &from->s[i];
		uint8_t p = (uint8_t)(i + 1);

		for (size_t k = 0; k < s->n_encr; k++)
			add(to, p, ALG_ENCR, s->encr[k].id, s->encr[k].key_bits);
		for (size_t k = 0; k < s->n_integ; k++)
			add(to, p, ALG_INTEG, s->integ[k], 0);
		for (size_t k = 0; use == SUITE_IKE && k < s->n_prf; k++)
			add(to, p, ALG_PRF, s->prf[k], 0);
		for (size_t k = 0; k < s->n_ke; k++)
			add(to, p, ALG_KE, s->ke[k], 0);
	}
}

void negotiation_selectors(struct neg_selectors *to, const struct ts_list *from)
{
	memset(to, 0, sizeof(*to));
	for (size_t i = 0; i < from->n && i < NEG_SELECTORS_MAX; i++)
		to->s[to->n++] = from->s[i];
	to->more = from->n > NEG_SELECTORS_MAX || from->more;
}

static void networks(struct neg_selectors *to, const struct prefix *nets, size_t n)
{
	struct ts_list ts;

	ts_from_prefixes(nets, n, &ts);
	negotiation_selectors(to, &ts);
}

static void id_text(char to[NEG_ID_TEXT_MAX], const struct ike_id *id)
{
	char text[ID_TEXT_MAX];

	to[0] = '\0';
	if (id && id->type)
		snprintf(to, NEG_ID_TEXT_MAX, "%s", id_str(id, text, sizeof(text)));
}

void negotiation_ids(struct negotiation *n, const struct ike_id *ours,
		     const struct ike_id *theirs, const struct ike_id *wanted,
		     const struct ike_id *asked)
{
	if (ours)
		id_text(n->id_ours, ours);
	if (theirs)
		id_text(n->id_theirs, theirs);
	if (wanted)
		id_text(n->id_wanted, wanted);
	if (asked)
		id_text(n->id_asked, asked);
}

/* ---- the record ---- */

static enum neg_step step_of(const struct ike_sa *sa)
{
	switch ((enum ike_stage)sa->stage) {
	case STAGE_NEW:
	case STAGE_CALLING:
		return NEG_STEP_INIT;
	case STAGE_PROVING:
	case STAGE_HALF_OPEN:
		return NEG_STEP_AUTH;
	case STAGE_UP:
	case STAGE_REPLACED:
	case STAGE_ENDING:
	case STAGE_CLOSED:
	case STAGE_DEAD:
		break;
	}
	return sa->established_ms ? NEG_STEP_LIVE : NEG_STEP_AUTH;
}

/* What the peer offered when it called tells more than its refusals. */
static void keep_theirs(struct negotiation *to, const struct negotiation *was)
{
	if (!was->ike_theirs.n && !was->esp_theirs.n && !was->ts_theirs_remote.n)
		return;
	to->ike_theirs = was->ike_theirs;
	to->esp_theirs = was->esp_theirs;
	to->ts_theirs_local = was->ts_theirs_local;
	to->ts_theirs_remote = was->ts_theirs_remote;
	to->theirs_wall_s = was->theirs_wall_s ? was->theirs_wall_s : was->wall_s;
}

static void ids_of_settings(struct negotiation *n, const struct peer *p)
{
	struct ike_id own = p->conf.local_id, other = p->conf.peer_id;

	if (!own.type && addr_is_set(&n->local.addr))
		own = id_from_addr(&n->local.addr);
	if (!other.type && !p->conf.remote_any && addr_is_set(&p->conf.remote_gateway))
		other = id_from_addr(&p->conf.remote_gateway);
	negotiation_ids(n, &own, NULL, &other, NULL);
}

static uint8_t method_of(uint8_t auth)
{
	return auth == AUTH_BY_CERT ? NEG_AUTH_CERT : NEG_AUTH_PSK;
}

static void fill(struct negotiation *n, const struct peer *p, uint8_t version, bool initiator,
		 const struct endpoint *local, const struct endpoint *remote)
{
	memset(n, 0, sizeof(*n));
	n->wall_s = clock_wall_s();
	n->count = 1;
	n->version = version;
	n->initiator = initiator;
	n->local = *local;
	n->remote = *remote;
	n->auth_ours = method_of(p->conf.auth);
	n->auth_wanted = method_of(p->conf.peer_auth);
	ids_of_settings(n, p);
	negotiation_suites(&n->ike_ours, SUITE_IKE, &p->conf.ike);
}

static struct negotiation *record(struct peer *p, uint8_t version, bool initiator,
				  const struct endpoint *local, const struct endpoint *remote,
				  enum neg_step step, enum neg_end end)
{
	struct negotiation was = { 0 }, *n = p->neg;
	bool again = n && n->step == step && n->end == end && n->initiator == initiator;

	if (n)
		was = *n;
	else
		n = p->neg = malloc(sizeof(*n));
	if (!n)
		n = &nowhere;
	fill(n, p, version, initiator, local, remote);
	if (again) {
		n->count = was.count + !p->neg_fresh;
		memcpy(n->words, was.words, sizeof(n->words));
	}
	n->step = step;
	n->end = end;
	if (end == NEG_REFUSED || end == NEG_NO_ANSWER)
		keep_theirs(n, &was);
	p->neg_fresh = true;
	return n;
}

struct negotiation *negotiation_fail(struct ike_sa *sa, enum neg_end end)
{
	struct negotiation *n = record(sa->peer, sa->ops->version, sa->initiator, &sa->local,
				       &sa->remote, step_of(sa), end);

	n->nat_local = sa->nat_local;
	n->nat_remote = sa->nat_remote;
	n->natt = sa->local.port != sa->e->ike_port;
	n->unreachable = sa->unreachable;
	negotiation_ids(n, NULL, &sa->peer_id, NULL, NULL);
	return n;
}

struct negotiation *negotiation_call(struct peer *p, const struct ike_ops *ops,
				     const struct endpoint *local,
				     const struct endpoint *remote, enum neg_end end)
{
	return record(p, ops->version, false, local, remote, NEG_STEP_INIT, end);
}

struct negotiation *negotiation_child(struct ike_sa *sa, uint8_t slot, bool initiator, bool old,
				      enum neg_end end)
{
	struct peer *p = sa->peer;
	uint8_t at = slot < p->conf.n_children ? slot : 0;
	const struct child_conf *cc = slot_conf(p, at);
	enum neg_step step = old ? NEG_STEP_REKEY_CHILD : NEG_STEP_CHILD;
	struct suite_list room;
	struct negotiation *n = record(p, sa->ops->version, initiator, &sa->local, &sa->remote,
				       step, end);

	n->nat_local = sa->nat_local;
	n->nat_remote = sa->nat_remote;
	n->natt = sa->local.port != sa->e->ike_port;
	n->answered = true;
	negotiation_ids(n, NULL, &sa->peer_id, NULL, NULL);
	if (!cc)
		return n;
	snprintf(n->child, sizeof(n->child), "%s", cc->name);
	negotiation_suites(&n->esp_ours, SUITE_ESP, slot_suites(cc, &room));
	networks(&n->ts_ours_local, cc->local_network, cc->n_local);
	networks(&n->ts_ours_remote, cc->remote_network, cc->n_remote);
	return n;
}

static struct negotiation *notified(struct negotiation *n, uint16_t notify)
{
	n->notify = notify;
	snprintf(n->notify_name, sizeof(n->notify_name), "%s", ike_notify_name(notify));
	return n;
}

struct negotiation *negotiation_refused(struct ike_sa *sa, uint16_t notify)
{
	return notified(negotiation_fail(sa, NEG_REFUSED), notify);
}

void negotiation_child_refused(struct ike_sa *sa, uint8_t slot, bool old, uint16_t notify)
{
	notified(negotiation_child(sa, slot, true, old, NEG_REFUSED), notify);
}

/* ---- strangers ---- */

void negotiation_stranger(struct engine *e, uint8_t version, const struct endpoint *local,
			  const struct endpoint *remote, const struct ike_id *id)
{
	struct neg_stranger *s = NULL;

	for (size_t i = 0; i < NEG_STRANGERS_MAX; i++) {
		struct neg_stranger *at = &e->strangers[i];

		if (at->count && at->version == version &&
		    addr_equal(&at->remote.addr, &remote->addr)) {
			s = at;
			break;
		}
		/* Else a free place, else the one not heard of for longest. */
		if (!s || at->wall_s < s->wall_s)
			s = at;
	}
	if (!addr_equal(&s->remote.addr, &remote->addr) || s->version != version)
		*s = (struct neg_stranger){ .version = version };
	s->wall_s = clock_wall_s();
	s->count++;
	s->local = *local;
	s->remote = *remote;
	if (id)
		id_text(s->id, id);
}

/* ---- the engine's part ---- */

void negotiation_words(struct peer *p, const char *why)
{
	struct endpoint local = { p->local_addr, IKE_PORT };
	struct endpoint remote = { p->conf.remote_gateway, IKE_PORT };

	if (!p->neg_fresh)
		record(p, engine_ops(p)->version, true, &local, &remote,
		       p->main ? NEG_STEP_LIVE : NEG_STEP_INIT, NEG_LOCAL);
	p->neg_fresh = false;
	if (p->neg)
		snprintf(p->neg->words, sizeof(p->neg->words), "%s", why);
}

void negotiation_free(struct peer *p)
{
	free(p->neg);
	p->neg = NULL;
	p->neg_fresh = false;
}

void negotiation_sa_up(struct peer *p)
{
	if (p->neg && !p->neg->child[0])
		negotiation_free(p);
}

void negotiation_child_up(struct peer *p, uint8_t slot)
{
	const struct child_conf *cc = slot_conf(p, slot);

	if (p->neg && cc && (!p->neg->child[0] || strcmp(p->neg->child, cc->name) == 0))
		negotiation_free(p);
}

/* A first attempt that nothing has come back to: nobody wants to wait a minute for that. */
static bool silent(const struct peer *p, struct negotiation *n)
{
	for (const struct ike_sa *sa = p->sas; sa; sa = sa->peer_next) {
		if (!sa_is_attempt(sa) || clock_ms() - sa->last_rx_ms < SILENT_MS)
			continue;
		fill(n, p, sa->ops->version, true, &sa->local, &sa->remote);
		n->step = step_of(sa);
		n->end = NEG_NO_ANSWER;
		n->natt = sa->local.port != sa->e->ike_port;
		n->answered = sa->last_rx_ms > sa->created_ms;
		n->unreachable = sa->unreachable;
		return true;
	}
	return false;
}

void engine_unreachable(struct engine *e, const struct endpoint *remote, uint8_t how)
{
	for (struct peer *p = e->peers; p; p = p->next)
		for (struct ike_sa *sa = p->sas; sa; sa = sa->peer_next)
			if (sa_is_attempt(sa) && endpoint_equal(&sa->remote, remote))
				sa->unreachable = how;
}

size_t engine_failures(const struct engine *e, const char *name,
		       void (*fn)(void *arg, const char *peer, const struct negotiation *failed),
		       void *arg)
{
	struct negotiation now;
	size_t n = 0;

	for (const struct peer *p = e->peers; p; p = p->next) {
		if (name && strcmp(name, p->conf.name) != 0)
			continue;
		fn(arg, p->conf.name, p->neg ? p->neg : silent(p, &now) ? &now : NULL);
		n++;
	}
	return n;
}

size_t engine_strangers(const struct engine *e, struct neg_stranger out[NEG_STRANGERS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < NEG_STRANGERS_MAX; i++)
		if (e->strangers[i].count)
			out[n++] = e->strangers[i];
	return n;
}
