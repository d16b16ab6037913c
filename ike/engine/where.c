/* where: the addresses a peer may have. Its settings name up to four gateways: an address, a
 * name (whose addresses come from outside, and change), a network, or anything. Those that can
 * be called are its targets, in that order: after a try that failed the next has its turn, and
 * after a connection that stood, the first again. */
#include "ike/engine/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct where *where_get(struct peer *p)
{
	if (!p->where)
		p->where = calloc(1, sizeof(*p->where));
	return p->where;
}

void where_free(struct where *w)
{
	for (size_t i = 0; w && i < GATEWAYS_MAX; i++)
		free(w->name[i].why);
	free(w);
}

/* ---- what is known ---- */

/* Of the family of local_ip, where that is set. */
static bool fits_local(const struct peer *p, const struct ip_addr *a)
{
	return !addr_is_set(&p->conf.local_ip) || p->conf.local_ip.family == a->family;
}

size_t where_targets(const struct peer *p, struct ip_addr out[TARGETS_MAX])
{
	size_t n = 0;

	if (!p->conf.n_gateways && !p->conf.remote_any)
		return addr_add(out, 0, TARGETS_MAX, &p->conf.remote_gateway);
	for (size_t i = 0; i < p->conf.n_gateways; i++) {
		const struct gateway *g = &p->conf.gateways[i];
		const struct where_name *name = p->where ? &p->where->name[i] : NULL;

		if (g->kind == GATEWAY_ADDR)
			n = addr_add(out, n, TARGETS_MAX, &g->net.addr);
		for (size_t k = 0; g->kind == GATEWAY_NAME && name && k < name->n; k++)
			if (fits_local(p, &name->addr[k]))
				n = addr_add(out, n, TARGETS_MAX, &name->addr[k]);
	}
	return n;
}

bool where_is_target(const struct peer *p, const struct ip_addr *a)
{
	struct ip_addr v[TARGETS_MAX];
	size_t n = where_targets(p, v);

	for (size_t i = 0; i < n; i++)
		if (addr_equal(&v[i], a))
			return true;
	return false;
}

bool where_is_open(const struct peer *p)
{
	for (size_t i = 0; i < p->conf.n_gateways; i++)
		if (p->conf.gateways[i].kind == GATEWAY_ANY ||
		    p->conf.gateways[i].kind == GATEWAY_NET)
			return true;
	return p->conf.remote_any;
}

struct ip_addr where_local(const struct peer *p, const struct ip_addr *remote)
{
	const struct msg_peer_paths *m = p->where ? &p->where->paths : NULL;

	for (size_t i = 0; m && i < m->n; i++)
		if (addr_equal(&m->path[i].remote, remote))
			return m->path[i].local;
	/* The one address that aditd knows of by itself. */
	if (addr_equal(remote, &p->conf.remote_gateway) &&
	    p->local_addr.family == remote->family)
		return p->local_addr;
	return (struct ip_addr){ 0 };
}

bool where_next(const struct peer *p, struct endpoint *local, struct endpoint *remote)
{
	struct ip_addr v[TARGETS_MAX];
	size_t n = where_targets(p, v);

	for (size_t i = 0; i < n; i++) {
		const struct ip_addr *to = &v[(p->turn + i) % n];
		struct ip_addr from = where_local(p, to);

		if (!addr_is_set(&from))
			continue;
		*local = (struct endpoint){ from, p->e->ike_port };
		*remote = (struct endpoint){ *to, IKE_PORT };
		if (p->conf.remote_port) {
			local->port = p->e->natt_port;
			remote->port = p->conf.remote_port;
		}
		return true;
	}
	return false;
}

bool where_turn(struct peer *p)
{
	struct ip_addr v[TARGETS_MAX];
	size_t n = where_targets(p, v);

	p->turn = n ? (uint8_t)((p->turn + 1) % n) : 0;
	return p->turn == 0;
}

void where_doubt(struct peer *p)
{
	for (size_t i = 0; p->e->env.resolve && i < p->conf.n_gateways; i++)
		if (p->conf.gateways[i].kind == GATEWAY_NAME)
			p->e->env.resolve(p->e->env.arg, p->conf.gateways[i].name);
}

const char *where_why(const struct peer *p, char *buf, size_t cap)
{
	struct endpoint local, remote;
	struct ip_addr v[TARGETS_MAX];
	char to[ADDR_TEXT_MAX];

	buf[0] = '\0';
	if (where_next(p, &local, &remote))
		return buf;
	if (where_targets(p, v)) {
		snprintf(buf, cap, "no route to %s", addr_str(&v[0], to));
		return buf;
	}
	for (size_t i = 0; i < p->conf.n_gateways; i++) {
		const struct gateway *g = &p->conf.gateways[i];
		const struct where_name *name = p->where ? &p->where->name[i] : NULL;

		if (g->kind != GATEWAY_NAME)
			continue;
		if (name && name->n)
			snprintf(buf, cap, "%s has no address of local_ip's family", g->name);
		else if (!name || !name->looked)
			snprintf(buf, cap, "%s is being looked up", g->name);
		else
			snprintf(buf, cap, "%s does not resolve: %s", g->name,
				 name->why ? name->why : "no address");
		return buf;
	}
	snprintf(buf, cap, "it has no remote_gateway to call: it waits for the peer");
	return buf;
}

/* ---- telling aditd ---- */

void where_tell(struct peer *p)
{
	struct msg_peer_addrs m;
	struct ip_addr v[TARGETS_MAX];
	struct where *w = p->where;
	size_t n, k = 0;

	if (!w || !p->e->env.addrs || p->gone)
		return;
	memset(&m, 0, sizeof(m));
	snprintf(m.peer, sizeof(m.peer), "%s", p->conf.name);
	n = where_targets(p, v);
	for (struct ike_sa *sa = p->sas; sa; sa = sa->peer_next)
		if (sa->established_ms && !sa->over)
			k = addr_add(m.addr, k, PEER_ADDRS_MAX, &sa->remote.addr);
	for (size_t i = 0; i < n; i++)
		k = addr_add(m.addr, k, PEER_ADDRS_MAX, &v[i]);
	for (size_t i = 0; p->main && i < w->n_announced; i++)
		k = addr_add(m.addr, k, PEER_ADDRS_MAX, &w->announced[i]);
	m.n = (uint8_t)k;
	m.roams = p->main && p->main->roams;
	if (memcmp(&m, &w->told, sizeof(m)) == 0)
		return;
	w->told = m;
	p->e->env.addrs(p->e->env.arg, &m);
}

/* ---- what changes ---- */

void where_settings(struct peer *p, const struct peer_conf *old)
{
	struct where *was = p->where, *w;
	bool needed = p->conf.n_gateways > 1;

	for (size_t i = 0; i < p->conf.n_gateways; i++)
		needed |= p->conf.gateways[i].kind == GATEWAY_NAME;
	p->turn = 0;
	if (!needed && !was)
		return;
	p->where = NULL;
	w = where_get(p);
	if (!w) {
		p->where = was;
		return;
	}
	for (size_t i = 0; was && old && i < p->conf.n_gateways; i++)
		for (size_t k = 0; k < old->n_gateways; k++) {
			if (p->conf.gateways[i].kind != GATEWAY_NAME ||
			    strcmp(p->conf.gateways[i].name, old->gateways[k].name) != 0)
				continue;
			free(w->name[i].why);
			w->name[i] = was->name[k];
			was->name[k].why = NULL;
			break;
		}
	if (was) {
		w->n_announced = was->n_announced;
		memcpy(w->announced, was->announced, sizeof(w->announced));
		w->paths = was->paths;
		w->told = was->told;
	}
	where_free(was);
	where_tell(p);
}

static bool same_set(const struct where_name *name, const struct ip_addr *v, size_t n)
{
	size_t same = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < name->n; k++)
			same += addr_equal(&v[i], &name->addr[k]);
	return n == name->n && same == n;
}

static void log_addrs(const struct peer *p, const char *host, const struct where_name *name)
{
	char text[NAME_ADDRS_MAX * (ADDR_TEXT_MAX + 2)] = "", one[ADDR_TEXT_MAX];
	size_t len = 0;

	for (size_t i = 0; i < name->n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? ", " : "",
					addr_str(&name->addr[i], one));
	log_info(p->conf.name, "%s is %s", host, text);
}

static void no_answer(struct peer *p, const char *host, struct where_name *name, const char *why)
{
	char words[STATUS_REASON_MAX];
	bool stays = name->n > 0;

	if (name->why && strcmp(name->why, why) == 0)
		return;
	free(name->why);
	name->why = strdup(why);
	if (!p->conf.enabled)
		return;
	snprintf(words, sizeof(words), "%s does not resolve: %s", host, why);
	log_warning(p->conf.name, "%s%s", words, stays ? "; its last address stays" : "");
	if (stays || p->main)
		return;
	peer_fail(p, words);
	peer_event(p, ENGINE_FAILED, words);
}

static bool has_addr(const struct where_name *name, const struct ip_addr *a)
{
	for (size_t i = 0; i < name->n; i++)
		if (addr_equal(&name->addr[i], a))
			return true;
	return false;
}

/* An answer for one gateway of one peer. Where it stands at an address that was in the last
 * answer and is in none now, a call to a new one goes on beside it. */
static void name_is(struct peer *p, size_t i, const struct ip_addr *v, size_t n, const char *why)
{
	const char *host = p->conf.gateways[i].name;
	struct where *w = where_get(p);
	const struct ip_addr *at = p->main ? &p->main->remote.addr : NULL;
	struct where_name *name;
	char was[ADDR_TEXT_MAX];
	bool here;

	if (!w)
		return;
	name = &w->name[i];
	name->looked = true;
	if (!n) {
		no_answer(p, host, name, why);
		return;
	}
	free(name->why);
	name->why = NULL;
	if (n > NAME_ADDRS_MAX)
		n = NAME_ADDRS_MAX;
	if (same_set(name, v, n))
		return;
	here = at && has_addr(name, at);
	name->n = (uint8_t)n;
	memcpy(name->addr, v, n * sizeof(*v));
	p->turn = 0;
	if (p->conf.enabled)
		log_addrs(p, host, name);
	if (here && !where_is_target(p, at) && p->conf.start != START_RESPONDER) {
		log_info(p->conf.name, "%s is not its address any more: it is called at the "
			 "new one", addr_str(at, was));
		p->moving = true;
	}
	where_tell(p);
}

void engine_resolved(struct engine *e, const char *host, const struct ip_addr *v, size_t n,
		     const char *why)
{
	for (struct peer *p = e->peers; p; p = p->next)
		for (size_t i = 0; i < p->conf.n_gateways; i++) {
			if (p->conf.gateways[i].kind != GATEWAY_NAME ||
			    strcmp(p->conf.gateways[i].name, host) != 0)
				continue;
			name_is(p, i, v, n, why);
			peer_kick(p);
		}
	engine_reap(e);
}

void engine_paths(struct engine *e, const struct msg_peer_paths *m)
{
	struct peer *p = engine_peer(e, m->peer);
	struct where *w = p ? where_get(p) : NULL;
	struct endpoint local, remote;
	bool reachable;

	if (!w || m->n > PEER_ADDRS_MAX || m->n_own > OWN_ADDRS_MAX || m->n_public > m->n_own)
		return;
	reachable = where_next(p, &local, &remote);
	w->paths = *m;
	for (struct ike_sa *sa = p->sas, *next; sa; sa = next) {
		next = sa->peer_next;
		if (sa->ops->paths_changed && sa->stage == STAGE_UP)
			sa->ops->paths_changed(sa);
	}
	/* Was this what was missing? Else a pause goes on. */
	if (!p->main && !reachable && where_next(p, &local, &remote))
		timer_stop(e->ts, &p->timer);
	peer_kick(p);
	engine_reap(e);
}

void engine_ports(struct engine *e, uint16_t ike_port, uint16_t natt_port)
{
	e->ike_port = ike_port ? ike_port : IKE_PORT;
	e->natt_port = natt_port ? natt_port : IKE_NATT_PORT;
}
