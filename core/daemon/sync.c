/* sync: routes, firewall and kernel switches, made to fit settings and live tunnels. Each of
 * core/net's functions compares first, so this may be called whenever in doubt. */
#include "core/daemon/monitor.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/sbuf.h"
#include "core/net/conntrack.h"
#include "core/net/link.h"
#include "core/net/route.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALM_MS 100	/* since the last one: the next is done at once */
#define GATHER_MS 20
#define FLUSH_MS 30
/* With thousands of peers one takes long, and nothing else is done meanwhile: so much longer is
 * the pause after it, that most of the time is for what iked asks. */
#define PAUSES 4
#define PAUSE_MOST_MS 3000

static uint64_t pause_ms(uint64_t cost_ms)
{
	return cost_ms * PAUSES < PAUSE_MOST_MS ? cost_ms * PAUSES : PAUSE_MOST_MS;
}

static void due(void *arg)
{
	struct monitor *m = arg;

	sync_now(m, m->sync_what);
}

/* ---- connections from before ---- */

static void flush_some(struct monitor *m, const struct prefix *local, size_t n_local,
		       const struct prefix *remote, size_t n_remote)
{
	struct err e = { 0 };
	unsigned n = 0;

	if (!n_remote)
		return;
	if (conntrack_flush(local, n_local, remote, n_remote, &m->view, &n, &e) < 0)
		log_debug(NULL, "connections from before were not flushed: %s", e.msg);
	else if (n)
		log_debug(NULL, "%u connections from before the tunnel were forgotten", n);
}

/* To list the kernel's connections takes it milliseconds, however few there are: so once for
 * all peers that came up, after iked had its answer. Wide networks depend on their local
 * ones, so they are done child by child. */
static void flush(void *arg)
{
	struct monitor *m = arg;
	uint64_t began = clock_ms();
	struct prefix *ordinary;
	size_t n = 0, most = 1;

	for (size_t i = 0; i < m->settings.n_peers; i++)
		for (size_t k = 0; k < m->settings.peers[i].n_children; k++)
			most += m->settings.peers[i].children[k].n_remote;
	ordinary = calloc(most, sizeof(*ordinary));
	for (size_t i = 0; ordinary && i < m->n_tunnels; i++) {
		struct tunnel *t = &m->tunnels[i];
		const struct peer_conf *p = settings_peer(&m->settings, t->peer);

		for (size_t k = 0; p && t->flush && k < p->n_children; k++) {
			const struct child_conf *c = &p->children[k];

			for (size_t j = 0; j < c->n_remote; j++) {
				if (route_is_exit(&c->remote_network[j]))
					flush_some(m, c->local_network, c->n_local,
						   &c->remote_network[j], 1);
				else
					ordinary[n++] = c->remote_network[j];
			}
		}
		t->flush = false;
	}
	flush_some(m, NULL, 0, ordinary, n);
	free(ordinary);
	m->flush_cost_ms = clock_ms() - began;
#ifdef __GLIBC__
	/* What all the listing took goes back to the kernel. */
	malloc_trim(0);
#endif
}

void sync_init(struct monitor *m)
{
	timer_init(&m->sync, due, m);
	timer_init(&m->flush, flush, m);
	m->firewall_log = (struct log_limit)LOG_LIMIT_INIT(5, 60000);
	m->wan_log = (struct log_limit)LOG_LIMIT_INIT(6, 60000);
}

void sync_want(struct monitor *m, unsigned what)
{
	uint64_t since = clock_ms() - m->synced_ms;

	m->sync_what |= what;
	if (since > CALM_MS && since >= pause_ms(m->sync_cost_ms))
		sync_now(m, m->sync_what);
	else
		sync_later(m, 0);
}

void sync_later(struct monitor *m, unsigned what)
{
	uint64_t since = clock_ms() - m->synced_ms, pause = pause_ms(m->sync_cost_ms);

	m->sync_what |= what;
	if (!timer_running(&m->sync))
		timer_set(loop_timers(m->loop), &m->sync,
			  since + GATHER_MS < pause ? pause - since : GATHER_MS);
}

/* ---- routes ---- */

static void routes(struct monitor *m)
{
	struct ip_addr (*hosts)[PATHS_NETS_MAX] = calloc(m->n_tunnels + 1, sizeof(*hosts));
	struct route_want *wants;
	struct err e = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < m->settings.n_peers; i++)
		n += m->settings.peers[i].n_children;
	wants = calloc(n + 1, sizeof(*wants));
	if (!wants || !hosts) {
		log_error(NULL, "no memory for the routes");
		goto out;
	}
	n = 0;
	for (size_t i = 0; i < m->n_tunnels; i++) {
		const struct tunnel *t = &m->tunnels[i];
		const struct peer_conf *p = settings_peer(&m->settings, t->peer);
		size_t n_hosts = p ? paths_hosts(p, t, hosts[i]) : 0;

		for (size_t k = 0; p && t->made && k < p->n_children; k++) {
			const struct child_conf *c = &p->children[k];

			if (c->mode == MODE_DISCARD)
				continue;
			wants[n++] = (struct route_want){
				.interface = t->interface,
				.gateway = addr_is_set(&t->remote.addr) ? t->remote.addr :
					p->remote_gateway,
				.others = hosts[i], .n_others = n_hosts,
				.local = c->local_network, .n_local = c->n_local,
				.remote = c->remote_network, .n_remote = c->n_remote,
				.up = t->up || t->trap, .only_encrypted = true,
				.bypass = c->mode == MODE_BYPASS,
			};
		}
	}
	if (route_sync(wants, n, &m->view, NULL, &e) < 0)
		log_warning(NULL, "routes: %s", e.msg);
out:
	free(wants);
	free(hosts);
}

/* ---- firewall ---- */

static size_t gather(const struct peer_conf *p, struct prefix *local, struct prefix *remote,
		     size_t *n_remote)
{
	size_t n = 0;

	*n_remote = 0;
	for (size_t i = 0; i < p->n_children; i++) {
		const struct child_conf *c = &p->children[i];

		if (child_is_plain(c))
			continue;
		memcpy(local + n, c->local_network, c->n_local * sizeof(*local));
		memcpy(remote + *n_remote, c->remote_network, c->n_remote * sizeof(*remote));
		n += c->n_local;
		*n_remote += c->n_remote;
	}
	return n;
}

/* Children that need no tunnel; how many. */
static size_t shunts(const struct monitor *m, struct firewall_shunt *out)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_tunnels; i++) {
		const struct peer_conf *p = settings_peer(&m->settings, m->tunnels[i].peer);

		for (size_t k = 0; p && k < p->n_children; k++) {
			const struct child_conf *c = &p->children[k];

			if (!child_is_plain(c))
				continue;
			if (out)
				out[n] = (struct firewall_shunt){
					.drop = c->mode == MODE_DISCARD, .proto = c->protocol,
					.local_lo = c->local_port_lo, .local_hi = c->local_port_hi,
					.remote_lo = c->remote_port_lo,
					.remote_hi = c->remote_port_hi,
					.local = c->local_network, .n_local = c->n_local,
					.remote = c->remote_network, .n_remote = c->n_remote,
				};
			n++;
		}
	}
	return n;
}

static void firewall(struct monitor *m)
{
	struct firewall_want want = { .view = &m->view, .ike_port = m->sockets.ike_port,
				      .natt_port = m->sockets.natt_port, .esp = m->esp };
	struct firewall_peer *peers = calloc(m->n_tunnels + 1, sizeof(*peers));
	struct firewall_shunt *plain = calloc(shunts(m, NULL) + 1, sizeof(*plain));
	struct prefix *nets, *next;
	struct err e = { 0 };
	size_t n = 1 + m->n_tunnels * PATHS_NETS_MAX;

	for (size_t i = 0; i < m->settings.n_peers; i++)
		for (size_t k = 0; k < m->settings.peers[i].n_children; k++)
			n += m->settings.peers[i].children[k].n_local +
				m->settings.peers[i].children[k].n_remote;
	nets = next = calloc(n, sizeof(*nets));
	for (size_t i = 0; peers && nets && i < m->n_tunnels; i++) {
		const struct tunnel *t = &m->tunnels[i];
		const struct peer_conf *p = settings_peer(&m->settings, t->peer);
		struct firewall_peer *f = &peers[want.n_peers];
		size_t most = 0;

		if (!p)
			continue;
		for (size_t k = 0; k < p->n_children; k++)
			most += p->children[k].n_local;
		*f = (struct firewall_peer){
			.name = t->peer, .interface = t->interface, .gateways = next,
			.roams = t->roams, .forward_wan = p->forward_wan,
			.forward_lan = p->forward_lan, .only_encrypted = true, .mtu = t->mtu,
		};
		f->n_gateways = paths_nets(p, t, next, &f->anywhere);
		next += f->n_gateways;
		f->local = next;
		f->remote = next + most;
		f->n_local = gather(p, next, next + most, &f->n_remote);
		next += f->n_local + f->n_remote;
		want.n_peers++;
	}
	want.peers = peers;
	if (plain)
		want.n_shunts = shunts(m, plain);
	want.shunts = plain;
	if (!peers || !nets || !plain)
		log_error(NULL, "no memory for the firewall's rules");
	else if (firewall_apply(m->firewall, &want, &e) < 0)
		log_error(NULL, "firewall: %s", e.msg);
	free(peers);
	free(nets);
	free(plain);
}

void sync_check_firewall(struct monitor *m)
{
	struct err e = { 0 };
	unsigned changed = 0;

	if (firewall_check(m->firewall, &changed, &e) < 0)
		log_error(NULL, "firewall: %s", e.msg);
	else if (changed && log_limit_pass(&m->firewall_log, NULL))
		log_info(NULL, "firewall: changed by another program; ours was put back");
	sync_tell(m, false);
}

/* ---- kernel switches ---- */

static bool wide(const struct monitor *m, const struct peer_conf *p, const struct prefix *r)
{
	if (route_is_exit(r))
		return true;
	if (addr_is_set(&p->remote_gateway) && prefix_contains(r, &p->remote_gateway))
		return true;
	for (size_t i = 0; i < m->view.n_addrs; i++)
		if (m->view.addrs[i].wan && prefix_contains(r, &m->view.addrs[i].addr))
			return true;
	return false;
}

static struct sysctl_want switches(const struct monitor *m)
{
	struct sysctl_want w = { 0 };

	for (size_t i = 0; m->esp != FIREWALL_USERSPACE && i < m->n_tunnels; i++)
		w.hold = w.hold || m->tunnels[i].trap;
	for (size_t i = 0; i < m->settings.n_peers; i++) {
		const struct peer_conf *p = &m->settings.peers[i];

		for (size_t k = 0; p->enabled && k < p->n_children; k++) {
			const struct child_conf *c = &p->children[k];

			for (size_t j = 0; j < c->n_remote; j++) {
				bool v6 = c->remote_network[j].addr.family == AF_INET6;

				w.wan_mark = w.wan_mark || wide(m, p, &c->remote_network[j]);
				if (!p->forward_lan && !p->forward_wan)
					continue;
				w.forward_v4 = w.forward_v4 || !v6;
				w.forward_v6 = w.forward_v6 || v6;
			}
		}
	}
	return w;
}

/* Where the way out leads now, when it is another; a link that flaps fills no log. True
 * when there was something to say. */
static bool tell_wan(struct monitor *m)
{
	const char *now = m->view.wan;
	char before[IFNAME_MAX];
	bool first = !m->wan_told;

	if (!m->n_tunnels || (!first && strcmp(now, m->wan) == 0))
		return false;
	memcpy(before, m->wan, sizeof(before));
	snprintf(m->wan, sizeof(m->wan), "%s", now);
	m->wan_told = true;
	if (first || !now[0] || !log_limit_pass(&m->wan_log, NULL))
		return !first;
	if (before[0])
		log_info(NULL, "the WAN is %s now, before it was %s", now, before);
	else
		log_info(NULL, "the WAN is there: %s", now);
	return true;
}

static void tell_warning(struct monitor *m, const char *now, bool wan)
{
	if (strcmp(now, m->told.warning) == 0)
		return;
	if (now[0] && log_limit_pass(&m->wan_log, NULL))
		log_warning(NULL, "%s", now);
	else if (!now[0] && !wan)
		log_info(NULL, "put right: %s", m->told.warning);
}

void sync_tell(struct monitor *m, bool always)
{
	struct sysctl_want w = switches(m);
	struct msg_system s = { 0 };
	struct sbuf b = { 0 };
	bool wan;

	/* Without a tunnel nothing stands in its way. */
	if (m->n_tunnels)
		sysctl_findings(&w, &m->view, &b);
	snprintf(s.warning, sizeof(s.warning), "%s", sbuf_str(&b));
	sbuf_fini(&b);
	snprintf(s.firewall, sizeof(s.firewall), "%s", firewall_notes(m->firewall));
	wan = tell_wan(m);
	if (!always && memcmp(&s, &m->told, sizeof(s)) == 0)
		return;
	tell_warning(m, s.warning, wan);
	m->told = s;
	(void)procs_send(m, PROC_IKED, MSG_SYSTEM, 0, &s, sizeof(s));
}

/* ---- */

void sync_now(struct monitor *m, unsigned what)
{
	struct sysctl_want w = switches(m);
	uint64_t began = clock_ms();
	struct err e = { 0 };

	timer_stop(loop_timers(m->loop), &m->sync);
	m->sync_what = 0;
	/* All is taken out, and iked may still say something. */
	if (m->state == MONITOR_STOP_END)
		return;
	/* Rules before routes: no packet takes the new way unguarded. */
	if (what & SYNC_FIREWALL) {
		if (sysctl_apply(m->sysctl, &w, &m->view, &e) < 0)
			log_warning(NULL, "kernel switches: %s", e.msg);
		firewall(m);
	}
	if (what & SYNC_ROUTES) {
		routes(m);
		if (!timer_running(&m->flush))
			timer_set(loop_timers(m->loop), &m->flush,
				  FLUSH_MS + pause_ms(m->flush_cost_ms));
	}
	m->synced_ms = clock_ms();
	m->sync_cost_ms = m->synced_ms - began;
	if (what & SYNC_FIREWALL)
		sync_tell(m, false);
}

static bool is_wanted(const struct monitor *m, const char *interface)
{
	for (size_t i = 0; m->backend->adopt && i < m->settings.n_peers; i++)
		if (m->settings.peers[i].enabled &&
		    strcmp(m->settings.peers[i].interface, interface) == 0)
			return true;
	return false;
}

/* Interfaces of ours that outlived their daemon (the kernel's do, TUN ones do not), but for
 * those that are taken over with what flows through them. */
static void delete_interfaces(const struct monitor *m)
{
	struct link_list links;
	const char **names;
	struct err e = { 0 };
	size_t n = 0;

	if (link_list(&links, &e) < 0)
		log_warning(NULL, "the interfaces cannot be listed: %s", e.msg);
	names = calloc(links.n + 1, sizeof(*names));
	for (size_t i = 0; names && i < links.n; i++)
		if (links.v[i].ours && !is_wanted(m, links.v[i].name))
			names[n++] = links.v[i].name;
	if (n && link_del_all(names, n, &e) < 0)
		log_warning(NULL, "%s", e.msg);
	free(names);
	link_list_fini(&links);
}

void sync_clean(struct monitor *m)
{
	struct err e = { 0 };

	delete_interfaces(m);
	/* Where tunnels flow on routes and rules stay till they are compared. */
	if (m->backend->adopt)
		return;
	if (route_sync(NULL, 0, &m->view, NULL, &e) < 0)
		log_warning(NULL, "old routes: %s", e.msg);
	if (firewall_clean(&e) < 0)
		log_warning(NULL, "old firewall rules: %s", e.msg);
}

void sync_stop(struct monitor *m)
{
	struct err e = { 0 };

	/* Or it would put back what goes now. */
	watch_free(m->watch);
	m->watch = NULL;
	timer_stop(loop_timers(m->loop), &m->sync);
	timer_stop(loop_timers(m->loop), &m->flush);
	if (route_sync(NULL, 0, &m->view, NULL, &e) < 0)
		log_warning(NULL, "routes: %s", e.msg);
	tunnel_fini(m);
	if (firewall_clean(&e) < 0)
		log_warning(NULL, "firewall: %s", e.msg);
	if (m->sysctl && sysctl_restore(m->sysctl, &e) < 0)
		log_warning(NULL, "kernel switches: %s", e.msg);
}
