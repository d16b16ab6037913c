/* tunnel: every enabled peer has an interface, from settings to settings, whether it is up or
 * not: addresses, routes and captures on it survive a reconnect. */
#include "core/daemon/monitor.h"

#include "core/base/log.h"
#include "core/daemon/mtu.h"
#include "core/net/link.h"
#include "core/net/route.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUTER_MTU 1500

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct tunnel *)a)->peer, ((const struct tunnel *)b)->peer);
}

static int is_named(const void *name, const void *tunnel)
{
	return strcmp(name, ((const struct tunnel *)tunnel)->peer);
}

static struct tunnel *among(struct monitor *m, size_t n, const char *peer)
{
	return n ? bsearch(peer, m->tunnels, n, sizeof(*m->tunnels), is_named) : NULL;
}

struct tunnel *tunnel_get(struct monitor *m, const char *peer)
{
	return among(m, m->n_tunnels, peer);
}

/* ---- where it goes: local address and MTU ---- */

static uint32_t link_mtu(const struct monitor *m, const struct ip_addr *local)
{
	for (size_t i = 0; i < m->view.n_addrs; i++)
		if (addr_equal(&m->view.addrs[i].addr, local) ||
		    (!addr_is_set(local) && m->view.addrs[i].wan))
			return m->view.addrs[i].mtu;
	return OUTER_MTU;
}

/* What the kernel would use to reach the peer. Without a route both stay as they are: a link
 * that flaps is no reason to drop a tunnel. */
static uint32_t look(const struct monitor *m, const struct peer_conf *p, struct tunnel *t)
{
	const struct ip_addr *to = addr_is_set(&t->remote.addr) ? &t->remote.addr :
		addr_is_set(&p->remote_gateway) ? &p->remote_gateway : &t->addrs[0];
	struct route_answer ans;

	const struct ip_addr *from = addr_is_set(&p->local_ip) ? &p->local_ip : NULL;

	if (from)
		t->local = p->local_ip;
	/* What iked hears is about the address that is set; how the others are reached, and
	 * where the peer is now, paths.c tells. */
	else if (addr_is_set(&p->remote_gateway) && !addr_equal(to, &p->remote_gateway) &&
		 route_lookup(&p->remote_gateway, NULL, ROUTE_MARK, NULL, &ans, NULL) == 0)
		t->local = ans.src;
	if (!addr_is_set(to))
		return link_mtu(m, &t->local);
	if (route_lookup(to, from, ROUTE_MARK, NULL, &ans, NULL) < 0)
		return link_mtu(m, &t->local);
	if (!from && (addr_equal(to, &p->remote_gateway) || !addr_is_set(&p->remote_gateway)))
		t->local = ans.src;
	return ans.mtu ? ans.mtu : link_mtu(m, &ans.src);
}

static bool inner_has_v6(const struct peer_conf *p)
{
	for (size_t i = 0; i < p->n_children; i++)
		for (size_t k = 0; k < p->children[i].n_remote; k++)
			if (p->children[i].remote_network[k].addr.family == AF_INET6)
				return true;
	return false;
}

static unsigned smaller(unsigned a, unsigned b)
{
	return !a || b < a ? b : a;
}

static uint16_t mtu_for(const struct monitor *m, const struct peer_conf *p,
			const struct tunnel *t, uint32_t outer)
{
	int family = addr_is_set(&t->remote.addr) ? t->remote.addr.family :
		addr_is_set(&p->remote_gateway) ? p->remote_gateway.family : AF_INET6;
	unsigned mtu = 0;

	if (p->mtu)
		return p->mtu;
	for (const struct sa *s = satab_of(&m->sas, p->name, NULL); s;
	     s = satab_of(&m->sas, p->name, s)) {
		const struct alg *encr = alg_get(ALG_ENCR, s->encr, s->encr_bits);

		if (s->live && (encr || !s->encr))
			mtu = smaller(mtu, mtu_inner(outer, s->remote.addr.family, s->udp_encap,
						     encr, alg_get(ALG_INTEG, s->integ, 0)));
	}
	/* Not negotiated yet: the worst that can come, so that it never has to shrink. */
	for (size_t i = 0; !satab_live(&m->sas, p->name) && i < p->n_children; i++)
		mtu = smaller(mtu, mtu_of_suites(outer, family, true, &p->children[i].esp));
	return mtu_clamp(mtu, inner_has_v6(p));
}

static void tell_local(struct monitor *m, const struct tunnel *t)
{
	struct msg_local_addr msg = { 0 };

	snprintf(msg.peer, sizeof(msg.peer), "%s", t->peer);
	msg.addr = t->local;
	(void)procs_send(m, PROC_IKED, MSG_LOCAL_ADDR, 0, &msg, sizeof(msg));
}

/* The interface as it should be now; true when what the firewall needs to know changed.
 * settings: they may be others than before. */
static bool shape(struct monitor *m, const struct peer_conf *p, struct tunnel *t, bool settings)
{
	struct backend_iface want = { 0 };
	struct err e = { 0 };
	uint32_t outer = look(m, p, t);
	bool changed;

	want.mtu = mtu_for(m, p, t, outer);
	want.trap = p->start == START_ON_DEMAND || p->dpd_action == DPD_HOLD;
	want.local = t->local;
	want.remote = addr_is_set(&t->remote.addr) ? t->remote.addr : p->remote_gateway;
	want.conf = p;
	if (t->made && !settings && want.mtu == t->mtu && want.trap == t->trap &&
	    addr_equal(&want.local, &t->shown_local) && addr_equal(&want.remote, &t->shown_remote))
		return false;
	snprintf(want.name, sizeof(want.name), "%s", t->interface);
	snprintf(want.peer, sizeof(want.peer), "%s", t->peer);
	if (m->backend->iface_add(m->backend_ctx, &want, &e) < 0) {
		log_error(t->peer, "no interface: %s", e.msg);
		return false;
	}
	if (!t->made && sysctl_interface(t->interface, &e) < 0)
		log_debug(t->peer, "%s: %s", t->interface, e.msg);
	changed = !t->made || t->mtu != want.mtu || t->trap != want.trap;
	t->made = true;
	t->trap = want.trap;
	t->mtu = want.mtu;
	t->shown_local = want.local;
	t->shown_remote = want.remote;
	return changed;
}

/* ---- settings ---- */

static void take_down(struct monitor *m, struct tunnel *t)
{
	dataplane_drop_peer(m, t->peer);
	if (t->made)
		m->backend->iface_del(m->backend_ctx, t->interface);
	t->made = t->up = false;
}

static const struct peer_conf *enabled_peer(const struct monitor *m, const char *name)
{
	const struct peer_conf *p = settings_peer(&m->settings, name);

	return p && p->enabled ? p : NULL;
}

/* Tunnels whose peer is gone, disabled or has another interface now; before new ones are
 * made, which may want the same name. */
static void drop_old(struct monitor *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->n_tunnels; i++) {
		struct tunnel *t = &m->tunnels[i];
		const struct peer_conf *p = enabled_peer(m, t->peer);

		if (p && strcmp(p->interface, t->interface) == 0)
			m->tunnels[kept++] = *t;
		else
			take_down(m, t);
	}
	m->n_tunnels = kept;
}

static void add_new(struct monitor *m)
{
	size_t had = m->n_tunnels;

	for (size_t i = 0; i < m->settings.n_peers; i++) {
		const struct peer_conf *p = &m->settings.peers[i];
		struct tunnel *t = &m->tunnels[m->n_tunnels];

		if (!p->enabled || among(m, had, p->name))
			continue;
		*t = (struct tunnel){ 0 };
		snprintf(t->peer, sizeof(t->peer), "%s", p->name);
		snprintf(t->interface, sizeof(t->interface), "%s", p->interface);
		m->n_tunnels++;
	}
	if (m->n_tunnels > had)
		qsort(m->tunnels, m->n_tunnels, sizeof(*m->tunnels), by_name);
}

/* With the settings as they are now. */
static bool may_be_at(const struct peer_conf *p, const struct tunnel *t,
		      const struct ip_addr *a)
{
	struct prefix nets[PATHS_NETS_MAX];
	struct tunnel elsewhere = { .n_addrs = t->n_addrs };
	bool anywhere;
	size_t n;

	memcpy(elsewhere.addrs, t->addrs, sizeof(t->addrs));
	n = paths_nets(p, &elsewhere, nets, &anywhere);
	if (anywhere && addr_is_set(a))
		return true;
	for (size_t i = 0; i < n; i++)
		if (prefix_contains(&nets[i], a))
			return true;
	return false;
}

void tunnel_settings(struct monitor *m)
{
	struct tunnel *grown;

	drop_old(m);
	grown = realloc(m->tunnels, (m->settings.n_peers + 1) * sizeof(*grown));
	if (!grown) {
		log_error(NULL, "no memory for the interfaces");
		return;
	}
	m->tunnels = grown;
	add_new(m);
	for (size_t i = 0; i < m->settings.n_peers; i++) {
		const struct peer_conf *p = &m->settings.peers[i];
		struct tunnel *t = p->enabled ? tunnel_get(m, p->name) : NULL;

		if (!t)
			continue;
		/* Where it was last seen counts only as long as it may be anywhere. */
		if (!may_be_at(p, t, &t->remote.addr))
			t->remote = (struct endpoint){ .addr = p->remote_gateway };
		(void)shape(m, p, t, true);
		paths_tell(m, t, false);
	}
	/* Before their routes are taken for those of tunnels that are down. */
	dataplane_adopt(m);
	sync_now(m, SYNC_ROUTES | SYNC_FIREWALL);
}

/* ---- events ---- */

void tunnel_sa(struct monitor *m, const char *peer, const struct sa *newest)
{
	const struct peer_conf *p = enabled_peer(m, peer);
	struct tunnel *t = tunnel_get(m, peer);
	unsigned what = 0;
	bool up;

	if (!p || !t)
		return;
	up = satab_live(&m->sas, peer) > 0;
	if (newest && !addr_equal(&t->remote.addr, &newest->remote.addr)) {
		t->remote = newest->remote;
		what |= SYNC_ROUTES | SYNC_FIREWALL;
	}
	if (up && shape(m, p, t, false))
		what |= SYNC_FIREWALL;
	if (up != t->up) {
		t->up = up;
		t->flush = up;
		what |= SYNC_ROUTES;
	}
	if (what)
		sync_want(m, what);
}

void tunnel_remote(struct monitor *m, const char *peer, const struct endpoint *remote)
{
	struct tunnel *t = tunnel_get(m, peer);

	if (!t || addr_equal(&t->remote.addr, &remote->addr))
		return;
	t->remote = *remote;
	sync_want(m, SYNC_ROUTES | SYNC_FIREWALL);
}

void tunnel_wanted(struct monitor *m, const char *interface)
{
	struct msg_name name = { 0 };

	for (size_t i = 0; i < m->n_tunnels; i++)
		if (strcmp(m->tunnels[i].interface, interface) == 0) {
			snprintf(name.name, sizeof(name.name), "%s", m->tunnels[i].peer);
			(void)procs_send(m, PROC_IKED, MSG_PEER_WANTED, 0, &name, sizeof(name));
		}
}

/* Somebody deleted our interface: its SAs went with it, so iked makes new ones. */
static void remake(struct monitor *m, struct tunnel *t)
{
	struct msg_sa_event ev = { .event = SA_EVENT_GONE };

	log_warning(t->peer, "the interface %s was deleted, it is made again", t->interface);
	for (size_t i = 0; i < m->sas.n; i++) {
		const struct sa *s = &m->sas.v[i];

		if (strcmp(s->peer, t->peer) != 0 ||
		    s->generation != m->procs[PROC_IKED].starts)
			continue;
		ev.sa_id = s->iked_id;
		(void)procs_send(m, PROC_IKED, MSG_SA_EVENT, 0, &ev, sizeof(ev));
	}
	take_down(m, t);
}

void tunnel_outside(void *arg, unsigned what)
{
	struct monitor *m = arg;
	struct err e = { 0 };

	if (what & (WATCH_LINK | WATCH_ADDR | WATCH_ROUTE)) {
		if (view_take(&m->settings.router, &m->view, &e) < 0)
			log_warning(NULL, "the interfaces cannot be listed: %s", e.msg);
		for (size_t i = 0; i < m->n_tunnels; i++) {
			struct tunnel *t = &m->tunnels[i];
			const struct peer_conf *p = enabled_peer(m, t->peer);
			struct ip_addr was = t->local;

			if (!p)
				continue;
			if (t->made && !if_nametoindex(t->interface))
				remake(m, t);
			(void)shape(m, p, t, false);
			if (!addr_equal(&was, &t->local))
				tell_local(m, t);
			paths_tell(m, t, false);
		}
		sync_now(m, SYNC_ROUTES | SYNC_FIREWALL);
	}
	if (what & WATCH_FIREWALL)
		sync_check_firewall(m);
}

/* What the backend would do one by one. */
static void delete_all(struct monitor *m)
{
	const char **names = calloc(m->n_tunnels + 1, sizeof(*names));
	struct err e = { 0 };
	size_t n = 0;

	for (size_t i = 0; names && i < m->n_tunnels; i++)
		if (m->tunnels[i].made)
			names[n++] = m->tunnels[i].interface;
	if (n && link_del_all(names, n, &e) < 0)
		log_debug(NULL, "%s", e.msg);
	free(names);
}

void tunnel_fini(struct monitor *m)
{
	delete_all(m);
	for (size_t i = 0; i < m->n_tunnels; i++)
		take_down(m, &m->tunnels[i]);
	free(m->tunnels);
	m->tunnels = NULL;
	m->n_tunnels = 0;
}
