/* who: the answers about identities that IKE_AUTH needs; what they rest on is said at the top of
 * auth.c. */
#include "ike/v2/who.h"

#include "ike/v2/cert.h"
#include "ike/v2/v2.h"
#include "ike/wire/id.h"

#include <stdio.h>
#include <string.h>

struct ike_id who_we_are(const struct ike_sa *sa)
{
	struct ike_id id = cert_own_id(sa->peer);

	return id.type ? id : id_from_addr(&sa->local.addr);
}

static bool is_address_id(const struct ike_id *id)
{
	return id->type == ID_IPV4_ADDR || id->type == ID_IPV6_ADDR;
}

static bool is_gateway_name(const struct peer *p, const struct ike_id *id)
{
	for (size_t i = 0; id->type == ID_FQDN && i < p->conf.n_gateways; i++)
		if (p->conf.gateways[i].kind == GATEWAY_NAME &&
		    strlen(p->conf.gateways[i].name) == id->len &&
		    memcmp(p->conf.gateways[i].name, id->data, id->len) == 0)
			return true;
	return false;
}

int who_fits(const struct peer *p, const struct ike_sa *sa, const struct ike_id *id)
{
	struct ike_id gateway;

	if (p->conf.peer_id.type)
		return id_equal(&p->conf.peer_id, id) ? 4 : 0;
	gateway = id_from_addr(&sa->remote.addr);
	if (where_is_target(p, &sa->remote.addr)) {
		if (id_equal(&gateway, id) || is_gateway_name(p, id))
			return 3;
		if (sa->nat_remote && is_address_id(id))
			return 2;
	}
	/* The certificate says who may call here; the ID has to be in it. */
	return where_is_open(p) || p->conf.peer_auth == AUTH_BY_CERT;
}

int who_asked(const struct peer *p, const struct ike_sa *sa, const struct ike_id *asked)
{
	struct ike_id address;

	if (!asked->type)
		return 1;
	if (p->conf.local_id.type)
		return id_equal(&p->conf.local_id, asked) ? 2 : 0;
	if (cert_may_be(p, asked))
		return 2;
	address = id_from_addr(&sa->local.addr);
	if (id_equal(&address, asked))
		return 2;
	return sa->nat_local && is_address_id(asked) ? 1 : 0;
}

void who_expected(const struct peer *p, char *buf, size_t cap)
{
	struct ip_addr v[TARGETS_MAX];
	size_t n = where_targets(p, v);
	struct ike_id gateway = n ? id_from_addr(&v[0]) : (struct ike_id){ 0 };

	if (p->conf.peer_id.type)
		id_str(&p->conf.peer_id, buf, cap);
	else if (p->conf.peer_auth == AUTH_BY_CERT)
		snprintf(buf, cap, "%s", p->conf.peer_cert[0] ?
			 "whoever has the certificate of peer_cert" :
			 "anyone with a certificate by its CA");
	else if (where_is_open(p) || !n)
		strcpy(buf, "anyone");
	else
		id_str(&gateway, buf, cap);
}

bool who_proves_by(const struct peer *p, uint8_t method)
{
	return p->conf.peer_auth == AUTH_BY_CERT ? cert_method(method) : method == AUTH_PSK;
}

const char *who_method(uint8_t method)
{
	return method == AUTH_PSK ? "pre-shared key" :
	       cert_method(method) ? "certificate" : "another method";
}

static bool suite_allows(const struct suite_list *l, const struct chosen *c)
{
	struct proposal_want want = { .protocol = PROTO_IKE,
				      .ke = true,
				      .ke_sent = c->ke };
	struct sa_payload offer;
	struct chosen again;
	struct err err = { 0 };

	proposal_answer(c, 0, &offer);
	return proposal_choose(&offer, l, &want, &again, &err) == 0 && again.ke == c->ke;
}

#define FITTING_MAX 8		/* peers whose certificates are looked at to tell them apart */

struct fitting {
	struct peer *p;
	int weight;
};

/* The heaviest first; of equal ones the first that came. */
static size_t add_fitting(struct fitting *f, size_t n, struct peer *p, int weight)
{
	size_t i;

	for (i = 0; i < n && f[i].weight >= weight; i++)
		;
	if (i == FITTING_MAX)
		return n;
	if (n == FITTING_MAX)
		n--;
	memmove(&f[i + 1], &f[i], (n - i) * sizeof(f[0]));
	f[i] = (struct fitting){ p, weight };
	return n + 1;
}

struct peer *who_is_it(struct ike_sa *sa, const struct ike_id *id,
			      const struct ike_id *asked)
{
	uint8_t method = v2(sa)->hs->in.method;
	struct fitting f[FITTING_MAX + 1];
	size_t n = 0;

	for (struct peer *p = engine_caller(sa->e, &sa->remote.addr, NULL); p;
	     p = engine_caller(sa->e, &sa->remote.addr, p)) {
		int where = peer_match_addr(p, &sa->local, &sa->remote);
		int fit, named;

		if (!where || !peer_speaks(p, IKE_V2))
			continue;
		fit = who_fits(p, sa, id);
		named = who_asked(p, sa, asked);
		if (fit && named && suite_allows(&p->conf.ike, &sa->ike))
			n = add_fitting(f, n, p, who_proves_by(p, method) * 50000 +
					fit * 10000 + where * 10 + named);
	}
	for (size_t i = 0; n > 1 && i < n && !f[0].p->conf.peer_id.type; i++)
		if (cert_method(method) && who_proves_by(f[i].p, method) &&
		    cert_belongs(sa, f[i].p, id))
			return f[i].p;
	return n ? f[0].p : NULL;
}
