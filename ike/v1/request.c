/* request: someone calls by IKEv1. Nothing is kept before it is known to come from where a
 * peer is configured, and offers what we can do. There are no cookies to ask for here (those
 * of RFC 2408 are SPIs by another name), so beyond its limits this side is silent; in Main
 * mode the costly part comes only after the caller has shown that it gets our answers.
 */
#include "ike/v1/v1.h"

#include "core/base/clock.h"
#include "ike/wire/id.h"

#include <stdio.h>
#include <string.h>

#define HALF_OPEN_MAX 256	/* beyond this and four per peer all else is dropped */
#define PER_SOURCE_MAX 16	/* the same for one pair of addresses, four per peer */

struct census {
	size_t total, from_source, peers, peers_there;
	struct ike_sa *same;
};

static struct census take_census(struct engine *e, const struct v1_in *in)
{
	struct census c = {
		.total = e->n_half_open, .peers = e->n_peers,
		.from_source = engine_half_open(e, &in->local->addr, &in->remote->addr),
		.same = engine_called(e, &v1_ops, in->m->hdr.ci, &in->remote->addr),
	};

	for (struct peer *p = engine_caller(e, &in->remote->addr, NULL); p;
	     p = engine_caller(e, &in->remote->addr, p))
		c.peers_there += peer_speaks(p, IKE_V1) &&
				 peer_match_addr(p, in->local, in->remote) > 0;
	return c;
}

static void unknown_caller(struct engine *e, const struct v1_in *in)
{
	char from[ENDPOINT_TEXT_MAX], to[ENDPOINT_TEXT_MAX];
	unsigned held;
	bool other = false;

	e->drops.no_peer++;
	for (struct peer *p = engine_caller(e, &in->remote->addr, NULL); p;
	     p = engine_caller(e, &in->remote->addr, p))
		other |= peer_answers(p) && peer_match_addr(p, in->local, in->remote);
	negotiation_stranger(e, 1, in->local, in->remote, NULL);
	if (!log_limit_pass(&e->stranger_log, &held))
		return;
	if (other)
		log_warning(NULL, "%s calls %s by IKEv1, which no peer there is set to "
			    "(version)", endpoint_str(in->remote, from),
			    endpoint_str(in->local, to));
	else
		log_warning(NULL, "%s calls %s by IKEv1, but no enabled peer is configured "
			    "there", endpoint_str(in->remote, from),
			    endpoint_str(in->local, to));
}

/* How well a peer fits; 0: not. Aggressive mode tells who it is, Main mode does not. */
static int fit(const struct peer *p, const struct v1_in *in, const struct ike_id *id)
{
	int where = peer_match_addr(p, in->local, in->remote);
	struct ike_sa like = { .local = *in->local, .remote = *in->remote,
			       .nat_remote = true };
	int who;

	if (!peer_speaks(p, IKE_V1) || !where || (id && p->conf.auth == AUTH_BY_CERT))
		return 0;
	if (!id)
		return where;
	who = p1_id_fit(p, &like, id);
	return who && p->conf.exchange == EXCHANGE_AGGRESSIVE ? who * 10 + where : 0;
}

static void refuse(struct peer *p, const struct v1_in *in, enum neg_end end,
		   const struct offer *offer, const char *words)
{
	struct negotiation *n = negotiation_call(p, &v1_ops, in->local, in->remote, end);
	struct sa_payload as;
	unsigned held;

	offer_as_proposals(offer, false, &as);
	negotiation_offer(&n->ike_theirs, &as);
	peer_fail(p, words);
	if (log_limit_pass(&p->e->stranger_log, &held))
		log_warning(p->conf.name, "%s", words);
	v1_stranger(p->e, in, V1_NO_PROPOSAL_CHOSEN);
}

static struct peer *choose(struct engine *e, const struct v1_in *in,
			   const struct offer *offer, const struct ike_id *id)
{
	struct peer *best = NULL, *nearest = NULL;
	struct err err = { 0 }, first = { 0 };
	char from[ENDPOINT_TEXT_MAX], words[ERR_MSG_MAX + 128];
	int most = 0;

	for (struct peer *p = engine_caller(e, &in->remote->addr, NULL); p;
	     p = engine_caller(e, &in->remote->addr, p)) {
		struct ike_sa like = { .peer = p };
		struct offer_want want = p1_want(&like);
		struct offer_transform t;
		struct chosen c;
		int how = fit(p, in, id);
		bool tell;

		if (how <= most)
			continue;
		if (offer_choose(offer, &p->conf.ike, &want, &c, &t, &tell, &err) == 0) {
			best = p;
			most = how;
		} else if (!nearest) {
			nearest = p;
			first = err;
		}
	}
	if (best || !nearest)
		return best;
	snprintf(words, sizeof(words), "no common IKE proposal with %s: %s",
		 endpoint_str(in->remote, from), first.msg);
	refuse(nearest, in, NEG_PROPOSAL, offer, words);
	return NULL;
}

/* Aggressive mode from whom it is not set for. */
static void not_aggressive(struct engine *e, const struct v1_in *in,
			   const struct offer *offer, const struct ike_id *id)
{
	char words[300], who[ID_TEXT_MAX];

	for (struct peer *p = engine_caller(e, &in->remote->addr, NULL); p;
	     p = engine_caller(e, &in->remote->addr, p)) {
		if (!peer_speaks(p, IKE_V1) || !peer_match_addr(p, in->local, in->remote))
			continue;
		if (p->conf.exchange != EXCHANGE_AGGRESSIVE) {
			refuse(p, in, NEG_EXCHANGE, offer,
			       "the peer calls by Aggressive mode, this side is set to Main "
			       "mode (exchange)");
			return;
		}
		snprintf(words, sizeof(words), "the peer says it is %s, which is not "
			 "expected (peer_id)", id_str(id, who, sizeof(who)));
		refuse(p, in, NEG_ID_PEER, offer, words);
		return;
	}
}

static int read_request(const struct isakmp_msg *m, struct offer *offer, struct ike_id *id,
			struct err *e)
{
	if (isakmp_count(m, P_SA) != 1)
		return err_set(e, "no SA payload, or several");
	if (offer_read(isakmp_get(m, P_SA)->body, false, offer, e) < 0)
		return -1;
	if (m->hdr.exchange == X_MAIN)
		return 0;
	if (isakmp_count(m, P_ID) != 1)
		return err_set(e, "no identity, or several");
	return isakmp_id(isakmp_get(m, P_ID)->body, id, e);
}

void p1_request(struct engine *e, struct v1_in *in)
{
	bool aggressive = in->m->hdr.exchange == X_AGGRESSIVE;
	struct census census;
	struct offer offer;
	struct ike_id id;
	struct err err = { 0 };
	struct ike_sa *sa;
	struct peer *p;

	if (!e->dataplane || e->stopping)
		return;
	/* Our own message, thrown back. */
	if (engine_sa(e, in->m->hdr.ci)) {
		e->drops.unexpected++;
		return;
	}
	census = take_census(e, in);
	if (census.same) {
		v1_step(census.same, in->m->hdr.exchange, in);
		return;
	}
	if (!census.peers_there) {
		unknown_caller(e, in);
		return;
	}
	if (isakmp_payloads(in->m, false, &err) < 0 ||
	    read_request(in->m, &offer, &id, &err) < 0) {
		e->drops.malformed++;
		return;
	}
	if (census.total >= HALF_OPEN_MAX + 4 * census.peers ||
	    census.from_source >= PER_SOURCE_MAX + 4 * census.peers_there) {
		e->drops.half_open++;
		return;
	}
	p = choose(e, in, &offer, aggressive ? &id : NULL);
	if (!p) {
		if (aggressive)
			not_aggressive(e, in, &offer, &id);
		return;
	}
	sa = sa_new(p, &v1_ops, false);
	if (!sa)
		return;
	sa->spi_i = in->m->hdr.ci;
	sa->local = *in->local;
	sa->remote = *in->remote;
	index_called(sa);
	if (!v1_step(sa, in->m->hdr.exchange, in) && sa->state != V1_DEAD)
		sa_drop(sa);
}
