/* permit: one table, and the checks of the one request that carries keys. */
#include "core/daemon/permit.h"

#include <stdio.h>
#include <string.h>

#define I (1u << ROLE_IKED)
#define V (1u << ROLE_VAULTD)
#define E (1u << ROLE_ESPD)
#define STARTING (1u << PHASE_STARTING)
#define RUNNING (1u << PHASE_RUNNING)
#define STOPPING (1u << PHASE_STOPPING)

static const struct {
	uint16_t type;
	uint8_t from, phases;
} rows[] = {
	{ MSG_READY, I | V | E, STARTING },
	{ MSG_LOG, I | V | E, STARTING | RUNNING | STOPPING },

	{ MSG_SA_ADD, I, RUNNING },
	{ MSG_SA_ACTIVATE, I, RUNNING },
	{ MSG_SA_UPDATE, I, RUNNING },
	{ MSG_SA_DEL, I, RUNNING | STOPPING },
	{ MSG_SA_QUERY, I, RUNNING | STOPPING },
	{ MSG_COUNTERS_QUERY, I, RUNNING },
	{ MSG_PEER_UP, I, RUNNING },
	{ MSG_PEER_DOWN, I, RUNNING | STOPPING },
	{ MSG_RELOAD, I, RUNNING },
	{ MSG_RESTART, I, RUNNING },
	{ MSG_LOG_LEVEL, I, RUNNING },
	{ MSG_STOPPED, I, STOPPING },
	{ MSG_PEER_ADDRS, I, RUNNING | STOPPING },
	{ MSG_DNS_WANT, I, RUNNING },

	{ MSG_ESPD_SA_ADDED, E, RUNNING },
	{ MSG_ESPD_SA_STATS, E, RUNNING },
	{ MSG_ESPD_SA_EVENT, E, RUNNING },
	{ MSG_ESPD_WANTED, E, RUNNING },
	{ MSG_ESPD_COUNTERS, E, RUNNING },
	{ MSG_ESPD_IKE, E, RUNNING },
};

bool permit_message(enum ipc_role from, enum permit_phase phase, uint16_t type)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].type == type)
			return (rows[i].from >> from & 1) && (rows[i].phases >> phase & 1);
	return false;
}

bool permit_name(const char *name, size_t cap)
{
	return name[0] && memchr(name, '\0', cap);
}

static bool unicast(const struct ip_addr *a)
{
	return (a->family == AF_INET || a->family == AF_INET6) && !addr_is_any(a) &&
	       !addr_is_multicast(a);
}

int permit_address(const struct ip_addr *a)
{
	return unicast(a) && !addr_is_loopback(a) ? 0 : -1;
}

int permit_endpoints(const struct endpoint *local, const struct endpoint *remote, bool udp_encap,
		     struct err *e)
{
	char text[ENDPOINT_TEXT_MAX];

	if (!unicast(&local->addr))
		return err_set(e, "its local end %s cannot be one", endpoint_str(local, text));
	if (!unicast(&remote->addr) || (udp_encap && !remote->port))
		return err_set(e, "its remote end %s cannot be one",
			       endpoint_str(remote, text));
	if (local->addr.family != remote->addr.family)
		return err_set(e, "its ends are of different families");
	if (addr_equal(&local->addr, &remote->addr) && local->port == remote->port)
		return err_set(e, "its ends are the same");
	return 0;
}

static bool within(const struct selector *s, const struct prefix *nets, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct selector net = selector_of(&nets[i]);

		if (selector_covers(&net, s))
			return true;
	}
	return false;
}

static int check_selectors(const struct selector *s, size_t n, const struct prefix *nets,
			   size_t n_nets, const char *side, struct err *e)
{
	char text[SELECTOR_TEXT_MAX];

	if (!n || n > SA_SELECTORS_MAX)
		return err_set(e, "it has %zu %s selectors", n, side);
	for (size_t i = 0; i < n; i++) {
		if (s[i].from.family != s[i].to.family || addr_cmp(&s[i].from, &s[i].to) > 0 ||
		    (s[i].from.family != AF_INET && s[i].from.family != AF_INET6))
			return err_set(e, "its %s selector %zu is none", side, i + 1);
		if (!within(&s[i], nets, n_nets))
			return err_set(e, "its %s selector %s is outside the configured networks",
				       side, selector_str(&s[i], text));
	}
	return 0;
}

static int check_key(const struct sa_key *k, const struct alg *encr, const struct alg *integ,
		     const char *side, struct err *e)
{
	if (k->encr_len != encr->key_len || k->encr_len > sizeof(k->encr))
		return err_set(e, "its %s key does not fit %s", side, encr->label);
	if (k->integ_len != (integ ? integ->key_len : 0) || k->integ_len > sizeof(k->integ))
		return err_set(e, "its %s integrity key does not fit", side);
	return 0;
}

/* RFC 4302: integrity alone. It cannot go in UDP. */
static int check_ah(const struct sa_child *sa, struct err *e)
{
	const struct alg *integ = alg_get(ALG_INTEG, sa->integ, 0);

	if (!integ || sa->integ == INTEG_NONE)
		return err_set(e, "its integrity algorithm %u is unknown", sa->integ);
	if (sa->encr || sa->udp_encap)
		return err_set(e, "AH neither encrypts nor goes in UDP");
	if (sa->in.encr_len || sa->out.encr_len || sa->in.integ_len != integ->key_len ||
	    sa->out.integ_len != integ->key_len)
		return err_set(e, "its keys do not fit %s", integ->label);
	return 0;
}

static int check_algorithms(const struct sa_child *sa, struct err *e)
{
	const struct alg *encr = alg_get(ALG_ENCR, sa->encr, sa->encr_bits);
	const struct alg *integ = NULL;

	if (sa->proto != SA_ESP && sa->proto != SA_AH)
		return err_set(e, "its protocol %u is none", sa->proto);
	if (sa->proto == SA_AH)
		return check_ah(sa, e);
	if (!encr)
		return err_set(e, "its cipher %u with %u bits is unknown", sa->encr,
			       sa->encr_bits);
	if (sa->integ != INTEG_NONE) {
		integ = alg_get(ALG_INTEG, sa->integ, 0);
		if (!integ)
			return err_set(e, "its integrity algorithm %u is unknown", sa->integ);
	}
	/* ESP without integrity is no protection (RFC 8221 §4). */
	if (encr->aead == (integ != NULL))
		return err_set(e, "%s %s", encr->label,
			       integ ? "brings its own integrity" : "needs an integrity algorithm");
	return check_key(&sa->in, encr, integ, "inbound", e) < 0 ? -1 :
		check_key(&sa->out, encr, integ, "outbound", e);
}

static const struct peer_conf *find_peer(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->n_peers; i++)
		if (strcmp(s->peers[i].name, name) == 0)
			return &s->peers[i];
	return NULL;
}

static const struct child_conf *find_child(const struct peer_conf *p, const char *name)
{
	for (size_t i = 0; i < p->n_children; i++)
		if (strcmp(p->children[i].name, name) == 0)
			return &p->children[i];
	return NULL;
}

int permit_sa(const struct settings *s, const struct sa_child *sa,
	      const struct peer_conf **peer, struct err *e)
{
	const struct peer_conf *p;
	const struct child_conf *c;

	if (!permit_name(sa->peer, sizeof(sa->peer)) ||
	    !permit_name(sa->child, sizeof(sa->child)))
		return err_set(e, "it has no name");
	p = find_peer(s, sa->peer);
	if (!p || !p->enabled)
		return err_set(e, "the peer %s is %s", sa->peer,
			       p ? "disabled" : "not configured");
	c = find_child(p, sa->child);
	if (!c)
		return err_set(e, "the peer has no child %s", sa->child);
	/* Else a subverted iked could have in clear what is to be encrypted. */
	if (child_is_plain(c) || sa->mode != c->mode || (sa->proto == SA_AH) != (c->ah != 0))
		return err_set(e, "its mode or protocol is not the child's");
	if ((sa->cpi_in || sa->cpi_out) && !c->ipcomp)
		return err_set(e, "compression is not the child's");
	if (sa->spi_in <= 255 || sa->spi_out <= 255)
		return err_set(e, "its SPIs are reserved ones");
	if (permit_endpoints(&sa->local, &sa->remote, sa->udp_encap, e) < 0 ||
	    check_selectors(sa->local_ts, sa->n_local, c->local_network, c->n_local, "local",
			    e) < 0 ||
	    check_selectors(sa->remote_ts, sa->n_remote, c->remote_network, c->n_remote,
			    "remote", e) < 0 ||
	    check_algorithms(sa, e) < 0)
		return -1;
	if (peer)
		*peer = p;
	return 0;
}
