/* paths: where a peer may be: its addresses from the settings, those iked found out (names,
 * what the peer announced), and the one it is at; and which of our own addresses each is
 * reached from. The firewall, the routes and iked all follow from this one list. */
#include "core/daemon/monitor.h"

#include "core/base/log.h"
#include "core/net/route.h"

#include <stdio.h>
#include <string.h>

size_t paths_hosts(const struct peer_conf *p, const struct tunnel *t, struct ip_addr *out)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_gateways; i++)
		if (p->gateways[i].kind == GATEWAY_ADDR)
			n = addr_add(out, n, PATHS_NETS_MAX, &p->gateways[i].net.addr);
	for (size_t i = 0; i < t->n_addrs; i++)
		n = addr_add(out, n, PATHS_NETS_MAX, &t->addrs[i]);
	return addr_add(out, n, PATHS_NETS_MAX, &t->remote.addr);
}

size_t paths_nets(const struct peer_conf *p, const struct tunnel *t, struct prefix *out,
		  bool *anywhere)
{
	struct ip_addr hosts[PATHS_NETS_MAX];
	size_t n = paths_hosts(p, t, hosts), nets = 0;

	*anywhere = p->remote_any && !p->n_gateways;
	for (size_t i = 0; i < p->n_gateways; i++) {
		const struct gateway *g = &p->gateways[i];

		switch ((enum gateway_kind)g->kind) {
		case GATEWAY_ADDR:
			break;
		case GATEWAY_NAME:
			/* Not known where: nobody may be locked out. */
			*anywhere = *anywhere || !t->n_addrs;
			break;
		case GATEWAY_NET:
			out[nets++] = g->net;
			break;
		case GATEWAY_ANY:
			*anywhere = true;
			break;
		}
	}
	for (size_t i = 0; i < n; i++)
		out[nets++] = prefix_host(&hosts[i]);
	return nets;
}

/* First those outside of the LANs: what a peer may be told of. */
static void own_addrs(const struct monitor *m, struct msg_peer_paths *out)
{
	for (int lan = 0; lan < 2; lan++) {
		for (size_t i = 0; i < m->view.n_addrs && out->n_own < OWN_ADDRS_MAX; i++)
			if (m->view.addrs[i].lan == (lan == 1) && m->view.addrs[i].usable)
				out->own[out->n_own++] = m->view.addrs[i].addr;
		if (!lan)
			out->n_public = out->n_own;
	}
}

void paths_tell(struct monitor *m, struct tunnel *t, bool always)
{
	const struct peer_conf *p = settings_peer(&m->settings, t->peer);
	const struct ip_addr *from = p && addr_is_set(&p->local_ip) ? &p->local_ip : NULL;
	struct msg_peer_paths out = { .n = t->n_addrs };

	/* Who never asked has one gateway, and MSG_LOCAL_ADDR for it. */
	if (!t->n_addrs && !always)
		return;
	snprintf(out.peer, sizeof(out.peer), "%s", t->peer);
	for (size_t i = 0; i < t->n_addrs; i++) {
		struct route_answer ans;

		out.path[i].remote = t->addrs[i];
		if (from && from->family != t->addrs[i].family)
			continue;
		if (route_lookup(&t->addrs[i], from, ROUTE_MARK, NULL, &ans, NULL) < 0)
			continue;
		out.path[i].local = from ? *from : ans.src;
	}
	own_addrs(m, &out);
	if (!always && memcmp(&out, &t->told, sizeof(out)) == 0)
		return;
	t->told = out;
	(void)procs_send(m, PROC_IKED, MSG_PEER_PATHS, 0, &out, sizeof(out));
}

void tunnel_addrs(struct monitor *m, const struct msg_peer_addrs *a)
{
	struct tunnel *t = tunnel_get(m, a->peer);
	bool same;

	if (!t)
		return;		/* removed while the message was on its way */
	same = t->n_addrs == a->n && t->roams == (a->roams != 0) &&
	       memcmp(t->addrs, a->addr, a->n * sizeof(*t->addrs)) == 0;
	t->roams = a->roams != 0;
	t->n_addrs = a->n;
	memset(t->addrs, 0, sizeof(t->addrs));
	memcpy(t->addrs, a->addr, a->n * sizeof(*t->addrs));
	if (!same)
		sync_later(m, SYNC_ROUTES | SYNC_FIREWALL);
	paths_tell(m, t, true);
}
