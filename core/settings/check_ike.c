/* check_ike: what contradicts in who the peer is, where it is, and how it is spoken to. */
#include "core/settings/check_priv.h"

#include "core/settings/id.h"
#include "core/settings/kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_set(const struct check *c, const char *key)
{
	return draft_is_set(c->d, key);
}

/* --- where --- */

/* Nobody there can be called. */
static bool only_waits(const struct peer_conf *p)
{
	for (int i = 0; i < p->n_gateways; i++)
		if (!kind_gateway_waits(&p->gateways[i]))
			return false;
	return p->n_gateways > 0;
}

static bool one_waits(const struct peer_conf *p)
{
	for (int i = 0; i < p->n_gateways; i++)
		if (kind_gateway_waits(&p->gateways[i]))
			return true;
	return false;
}

static void check_local_ip(const struct check *c)
{
	const struct peer_conf *p = c->p;

	for (int i = 0; addr_is_set(&p->local_ip) && i < p->n_gateways; i++) {
		const struct gateway *g = &p->gateways[i];
		int family = g->net.addr.family;

		if (g->kind != GATEWAY_ADDR && g->kind != GATEWAY_NET)
			continue;
		if (p->local_ip.family != family)
			check_say(
				c, FINDING_ERROR, "local_ip",
				"is %s and the remote gateway %s: both must be the same",
				p->local_ip.family == AF_INET ? "IPv4" : "IPv6",
				family == AF_INET ? "IPv4" : "IPv6");
		else if (g->kind == GATEWAY_ADDR &&
			 addr_equal(&p->local_ip, &g->net.addr))
			check_say(c, FINDING_ERROR, "local_ip",
				  "is the address of the remote gateway");
		else
			continue;
		return;
	}
}

void check_gateway(const struct check *c, bool bad_gateway)
{
	const struct setting *gw = setting_find(SCOPE_PEER, "remote_gateway");
	const struct peer_conf *p = c->p;

	if (!is_set(c, gw->key))
		check_say(c, FINDING_ERROR, gw->key, "is missing: %s (like %s)", gw->help,
			  gw->example);
	if (bad_gateway)
		return;
	if (only_waits(p) && p->start != START_RESPONDER)
		check_say(
			c, FINDING_ERROR, "start",
			"this router cannot connect to a peer whose address it does not "
			"know (remote_gateway is %s): set start = responder",
			p->gateways[0].kind == GATEWAY_ANY ? "any" : "a network");
	if (one_waits(p) && p->peer_id.type == ID_NONE && !p->peer_cert[0])
		check_say(c, FINDING_WARNING, "peer_id",
			  p->peer_auth == AUTH_BY_PSK ?
				  "is not set and remote_gateway is %s: whoever knows "
				  "the pre-shared key is taken for this peer" :
				  "is not set and remote_gateway is %s: whoever has a "
				  "certificate of a trusted CA is taken for this peer",
			  only_waits(p) && p->gateways[0].kind == GATEWAY_ANY ?
				  "any" :
				  "not one address");
	for (int i = 0; i + 1 < p->n_gateways; i++)
		if (p->gateways[i].kind == GATEWAY_ANY) {
			check_say(c, FINDING_ERROR, gw->key,
				  "any stands last, if at all: what follows it is part "
				  "of it");
			break;
		}
	check_local_ip(c);
	if (p->local_id.type != ID_NONE && ike_id_equal(&p->local_id, &p->peer_id))
		check_say(c, FINDING_WARNING, "peer_id",
			  "is the same as local_id: each side should have "
			  "a name of its own");
}

/* --- how each side proves who it is --- */

static void check_ppk(const struct check *c)
{
	const struct peer_conf *p = c->p;

	if (p->ppk_required && !p->ppk_id[0])
		check_say(c, FINDING_ERROR, "ppk_id",
			  "is missing, and ppk_required says there must be one");
	if (p->ppk_id[0] && p->version == IKE_V1)
		check_say(c, FINDING_ERROR, "ppk_id",
			  "IKEv1 knows no post-quantum keys: set version = 2");
	else if (p->ppk_required && p->version == IKE_AUTO)
		check_say(c, FINDING_ERROR, "ppk_required",
			  "IKEv1, which version = auto allows, knows no post-quantum "
			  "keys: set version = 2");
	if (c->d->ppk && !p->ppk_id[0])
		check_say(c, FINDING_WARNING, "ppk_id",
			  "is not set: the post-quantum key is not used");
	if (c->d->ppk && strlen(c->d->ppk) < 32)
		check_say(c, FINDING_WARNING, "ppk",
			  "the post-quantum key is under 32 characters; adit genpsk "
			  "makes a good one");
}

void check_proof(const struct check *c)
{
	const struct peer_conf *p = c->p;

	if (p->auth == AUTH_BY_CERT && !is_set(c, "cert"))
		check_say(c, FINDING_ERROR, "cert",
			  "is missing: auth = cert needs this router's certificate "
			  "(adit pki list shows what there is)");
	if (p->peer_cert[0] && p->peer_auth == AUTH_BY_CERT && p->n_ca)
		check_say(c, FINDING_WARNING, "ca",
			  "is not asked: peer_cert names the one certificate that is "
			  "taken");
	if (p->peer_cert[0] && strcmp(p->peer_cert, p->cert) == 0)
		check_say(c, FINDING_ERROR, "peer_cert",
			  "is this router's own certificate");
	if (p->auth != p->peer_auth && p->version != IKE_V2)
		check_say(c, p->version == IKE_V1 ? FINDING_ERROR : FINDING_WARNING,
			  "peer_auth",
			  "IKEv1 has one way for both sides: %s cannot differ from auth",
			  p->version == IKE_V1 ? "it" : "when the peer uses it, it");
	check_ppk(c);
}

/* --- what only one version can do --- */

static void check_v1_suites(const struct check *c, const char *key, enum suite_use use)
{
	const struct draft *d = c->d;
	struct suite_list all, l;
	char full[80];
	bool complete;

	snprintf(full, sizeof(full), "%s%s", c->prefix, key);
	/* The defaults hold proposals for both. */
	if (!draft_is_set(d, full) ||
	    suite_parse(use, draft_get(d, full), &all, NULL) < 0)
		return;
	complete = v1_suites(use, &all, &l);
	if (complete || (l.n && c->p->version == IKE_AUTO))
		return;
	check_say(c, FINDING_ERROR, key,
		  use == SUITE_IKE ?
			  "IKEv1 knows no %s: write aes256-sha256-modp2048, or another "
			  "without an AEAD cipher and x25519" :
			  "IKEv1 knows no %s: write aes256gcm16-modp2048 or "
			  "aes256-sha256-modp2048",
		  use == SUITE_IKE ? "AES-GCM or ChaCha20 of its own, no x25519, and one "
				     "hash for PRF and integrity" :
				     "ChaCha20 and no x25519");
}

static void check_aggressive(const struct check *c)
{
	const struct peer_conf *p = c->p;
	char all[120];

	if (p->exchange != EXCHANGE_AGGRESSIVE)
		return;
	if (p->version == IKE_V2) {
		check_say(c, FINDING_ERROR, "exchange",
			  "aggressive is of IKEv1, and version is 2: set version = 1, or "
			  "leave exchange out");
		return;
	}
	if (!(p->allow_weak & WEAK_AGGRESSIVE))
		check_say(c, FINDING_ERROR, "exchange",
			  "aggressive is weak: who calls can guess the pre-shared key "
			  "offline; for an old peer that has nothing better set "
			  "allow_weak = %s",
			  weak_str(p->allow_weak | WEAK_AGGRESSIVE, all, sizeof(all)));
}

static void check_v1_pairs(const struct check *c)
{
	const struct peer_conf *p = c->p;

	if (p->child_per_pair != PER_PAIR_NO)
		return;
	for (int i = 0; i < p->n_children; i++)
		if (p->children[i].n_local > 1 || p->children[i].n_remote > 1) {
			check_say(c, FINDING_ERROR, "child_per_pair",
				  "IKEv1 takes one network of each side at a time: leave "
				  "it at auto, or set yes");
			return;
		}
}

void check_version(const struct check *c)
{
	static const char *const v2_only[] = { "mobike", "reauth" };
	struct check child = *c;

	check_aggressive(c);
	if (c->p->version == IKE_V2)
		return;
	check_v1_suites(c, "ike", SUITE_IKE);
	check_v1_suites(c, "esp", SUITE_ESP);
	for (size_t i = 0; i < c->d->n_child; i++) {
		snprintf(child.prefix, sizeof(child.prefix), "child.%s.",
			 c->d->child[i].name);
		check_v1_suites(&child, "esp", SUITE_ESP);
	}
	check_v1_pairs(c);
	if (c->p->version != IKE_V1)
		return;
	for (size_t i = 0; i < sizeof(v2_only) / sizeof(v2_only[0]); i++)
		if (is_set(c, v2_only[i]) &&
		    strcmp(draft_get(c->d, v2_only[i]), "no") != 0 &&
		    strcmp(draft_get(c->d, v2_only[i]), "0") != 0)
			check_say(c, FINDING_WARNING, v2_only[i],
				  "has no effect: IKEv1 does not know it");
}

/* --- the traffic of one child --- */

static bool any_port(uint16_t lo, uint16_t hi)
{
	return lo == 0 && hi == UINT16_MAX;
}

static void check_ports(const struct check *c, const struct child_conf *ch)
{
	bool local = !any_port(ch->local_port_lo, ch->local_port_hi);
	const char *key = local ? "local_ports" : "remote_ports";
	char name[KIND_PROTO_TEXT];

	if (!local && any_port(ch->remote_port_lo, ch->remote_port_hi))
		return;
	if (!ch->protocol)
		check_say(c, FINDING_ERROR, key,
			  "ports are of a protocol: set protocol = tcp, or udp");
	else if (!kind_proto_has_ports(ch->protocol))
		check_say(c, FINDING_ERROR, key, "%s has no ports",
			  kind_proto_str(ch->protocol, name));
}

static bool is_host(const struct prefix *n)
{
	return n->len == addr_bits(&n->addr);
}

/* RFC 4301 §4.1: between the two routers, so the selectors are their own addresses. */
static void check_transport(const struct check *c, const struct child_conf *ch)
{
	const struct peer_conf *p = c->p;
	bool gateway = false, known = false;
	char at[ADDR_TEXT_MAX];

	if (ch->n_local > 1 || (ch->n_local && !is_host(&ch->local_network[0])))
		check_say(c, FINDING_ERROR, "local_network",
			  "transport mode is between the two routers: name this router's "
			  "own address only%s",
			  addr_is_set(&p->local_ip) ? ", or nothing" : "");
	else if (ch->n_local && addr_is_set(&p->local_ip) &&
		 !addr_equal(&ch->local_network[0].addr, &p->local_ip))
		check_say(c, FINDING_ERROR, "local_network",
			  "transport mode is between the two routers: it must be "
			  "local_ip, %s",
			  addr_str(&p->local_ip, at));
	if (ch->n_remote > 1 || (ch->n_remote && !is_host(&ch->remote_network[0]))) {
		check_say(c, FINDING_ERROR, "remote_network",
			  "transport mode is between the two routers: name the peer's "
			  "address only");
		return;
	}
	for (int i = 0; ch->n_remote && i < p->n_gateways; i++) {
		known |= p->gateways[i].kind == GATEWAY_ADDR;
		gateway |= p->gateways[i].kind == GATEWAY_ADDR ?
				   addr_equal(&p->gateways[i].net.addr,
					      &ch->remote_network[0].addr) :
				   true;
	}
	if (known && !gateway)
		check_say(c, FINDING_ERROR, "remote_network",
			  "transport mode is between the two routers: it must be the "
			  "remote gateway, %s",
			  addr_is_set(&p->remote_gateway) ?
				  addr_str(&p->remote_gateway, at) :
				  "one of its addresses");
}

/* RFC 4302, RFC 3173. */
static void check_ah(const struct check *c, const struct child_conf *ch)
{
	if (ch->ah && c->p->encap == ENCAP_FORCE)
		check_say(c, FINDING_ERROR, "ah",
			  "AH cannot travel in UDP, which encap = force demands: leave "
			  "encap at auto, or take ESP (ah = no)");
	if (ch->ipcomp && c->p->version == IKE_V1)
		check_say(c, FINDING_WARNING, "ipcomp",
			  "has no effect: compression is agreed on with IKEv2 only");
}

void check_traffic(const struct check *c, const struct child_conf *ch)
{
	check_ports(c, ch);
	if (!child_is_plain(ch))
		check_ah(c, ch);
	if (ch->mode == MODE_TRANSPORT)
		check_transport(c, ch);
}

/* --- between peers --- */

/* A peer as callers are told apart by, and one of the places it may call from. Thousands of
 * peers are compared only where they share a place. */
struct end {
	const struct peer_conf *p;
	struct ike_id local, peer;	/* with the addresses that stand for those left out */
	const struct end *same, *near;	/* nobody could tell apart; by the key alone */
};
struct place {
	const struct gateway *g;
	struct end *end;
};

static struct ike_id effective_id(const struct ike_id *id, const struct ip_addr *addr)
{
	if (id->type != ID_NONE || !addr_is_set(addr))
		return *id;
	return ike_id_of_addr(addr);
}

static int gateway_cmp(const struct gateway *a, const struct gateway *b)
{
	int d = (int)a->kind - (int)b->kind;

	if (d)
		return d;
	switch ((enum gateway_kind)a->kind) {
	case GATEWAY_ADDR:
	case GATEWAY_NET:
		d = addr_cmp(&a->net.addr, &b->net.addr);
		return d ? d : (int)a->net.len - (int)b->net.len;
	case GATEWAY_NAME:
		return strcmp(a->name, b->name);
	case GATEWAY_ANY:
		break;
	}
	return 0;
}

static int place_cmp(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int d = gateway_cmp(x->g, y->g);

	return d ? d : x->end < y->end ? -1 : x->end > y->end;
}

/* IKEv1 and IKEv2 to one address are two callers. */
static bool same_end(const struct end *a, const struct end *b)
{
	return a->p->version & b->p->version && ike_id_equal(&a->peer, &b->peer) &&
	       ike_id_equal(&a->local, &b->local);
}

/* Main Mode with a PSK needs the key before it hears a name (RFC 2409 §5.4): the address
 * alone says whose it is. */
static bool same_psk_needed(const struct peer_conf *a, const struct peer_conf *b)
{
	return a->version & b->version & IKE_V1 && a->auth == AUTH_BY_PSK &&
	       b->auth == AUTH_BY_PSK && a->exchange == EXCHANGE_MAIN &&
	       b->exchange == EXCHANGE_MAIN;
}

/* at: one of the places, behind those of the same gateway and of peers before it. */
static void compare(const struct place *first, const struct place *at)
{
	struct end *a = at->end;

	for (const struct place *b = first; b < at && !a->same; b++) {
		if (b->end == a)
			continue;
		if (same_end(a, b->end))
			a->same = b->end;
		else if (!a->near && same_psk_needed(a->p, b->end->p))
			a->near = b->end;
	}
}

static void say_same(const struct end *a, struct findings *fs)
{
	const struct end *other = a->same ? a->same : a->near;
	struct finding *f;

	if (!other)
		return;
	if (a->same)
		f = findings_add(fs, FINDING_ERROR, a->p->name, "remote_gateway",
				 "the gateway and the IDs are the same as those of %s: "
				 "nobody could tell the two apart; give them different IDs, "
				 "or make one a child of the other",
				 other->p->name);
	else
		f = findings_add(fs, FINDING_WARNING, a->p->name, "psk",
				 "%s calls from the same place, and IKEv1's main mode tells "
				 "callers apart by address alone: both need the same "
				 "pre-shared key, certificates, or version = 2",
				 other->p->name);
	if (f)
		memcpy(f->other, other->p->name, sizeof(f->other));
}

void check_same_end(const struct settings *s, struct findings *fs)
{
	struct end *ends = calloc(s->n_peers + 1, sizeof(*ends));
	struct place *places = calloc(s->n_peers * GATEWAYS_MAX + 1, sizeof(*places));
	size_t n = 0, m = 0, first = 0;

	for (size_t i = 0; ends && places && i < s->n_peers; i++) {
		const struct peer_conf *p = &s->peers[i];
		struct end *e = &ends[n];

		if (!p->enabled)
			continue;
		n++;
		e->p = p;
		e->local = effective_id(&p->local_id, &p->local_ip);
		e->peer = effective_id(&p->peer_id, &p->remote_gateway);
		for (int k = 0; k < p->n_gateways; k++)
			places[m++] = (struct place){ &p->gateways[k], e };
	}
	if (m)
		qsort(places, m, sizeof(*places), place_cmp);
	for (size_t i = 0; i < m; i++) {
		if (gateway_cmp(places[first].g, places[i].g) != 0)
			first = i;
		compare(&places[first], &places[i]);
	}
	for (size_t i = 0; i < n; i++)
		say_same(&ends[i], fs);
	free(places);
	free(ends);
}
