/* lists: what ip(8) and nft(8) would show, with the tunnels named; the kernel is asked,
 * so the daemon need not run. */
#include "cli/cli.h"

#include "cli/out.h"
#include "core/net/firewall.h"
#include "core/net/link.h"
#include "core/net/route.h"
#include "core/net/view.h"
#include "core/settings/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the settings know about interfaces. Settings that cannot be read are no reason to
 * show nothing. */
struct marks {
	struct settings settings;
	bool loaded;
	struct view view;
};

static struct marks *marks_new(struct cli *c, const struct link_list *links)
{
	struct marks *m = calloc(1, sizeof(*m));
	struct route_list routes = { 0 };
	struct findings fs = { 0 };
	struct err ignored;

	if (!m)
		return NULL;
	m->loaded = settings_load(c->front.config_dir, NULL, 0, &m->settings, &fs,
				  &ignored) == 0;
	findings_fini(&fs);
	if (route_list(&routes, &ignored) == 0)
		view_make(&m->settings.router, links, &routes, &m->view);
	route_list_fini(&routes);
	return m;
}

static void marks_free(struct marks *m)
{
	if (m && m->loaded)
		settings_fini(&m->settings);
	free(m);
}

/* The peer whose interface it is; "" for others'. One that is ours and no peer's is left
 * from a peer that is gone. */
static const char *peer_of(const struct marks *m, const char *name)
{
	for (size_t i = 0; m && m->loaded && i < m->settings.n_peers; i++)
		if (strcmp(m->settings.peers[i].interface, name) == 0)
			return m->settings.peers[i].name;
	return "";
}

static const char *role_of(const struct marks *m, const char *name)
{
	if (*peer_of(m, name) || link_name_is_ours(name))
		return "tunnel";
	if (m && strcmp(m->view.wan, name) == 0)
		return "wan";
	return m && view_is_lan(&m->view, name) ? "lan" : "";
}

/* --- interfaces --- */

static const struct table_col iface_cols[] = {
	{ "INTERFACE", false, 0, 0 },
	{ "STATE", false, 0, 0 },
	{ "ROLE", false, 12, 0 },
	{ "ADDRESSES", false, 14, 0 },
	{ "MTU", true, 0, 4 },
	{ "IN", true, 0, 2 },
	{ "OUT", true, 0, 2 },
	{ "KIND", false, 0, 5 },
};

static const char *link_word(const struct link *l)
{
	return !l->up ? "disabled" : l->carrier ? "up" : "down";
}

static const char *addr_text(const struct link_addr *a, char *buf, size_t cap)
{
	char text[ADDR_TEXT_MAX];

	snprintf(buf, cap, "%s/%u", addr_str(&a->addr, text), a->len);
	return buf;
}

static void link_row(struct cli *c, struct table *t, const struct link *l,
		     const struct marks *m)
{
	const struct fmt_state *st = fmt_state(link_word(l));
	const char *peer = peer_of(m, l->name), *role = role_of(m, l->name);
	char text[ADDR_TEXT_MAX + 8];
	struct sbuf addrs = { 0 };
	bool plain = cli_has(c, OPT_PLAIN);

	for (size_t i = 0; i < l->n_addrs; i++) {
		/* fe80:: of a LAN port is noise, unless it is all there is. */
		if (l->addrs[i].link_local && l->n_addrs > 1 && !plain)
			continue;
		sbuf_addf(&addrs, "%s%s", addrs.len ? ", " : "",
			  addr_text(&l->addrs[i], text, sizeof(text)));
	}
	table_add(t, TONE_PLAIN, l->name);
	if (plain)
		table_add(t, st->tone, l->up ? l->carrier ? "up" : "no carrier" : "off");
	else
		table_addf(t, st->tone, "%c %s", st->symbol,
			   l->up ? l->carrier ? "up" : "no carrier" : "off");
	table_addf(t, *role == 't' ? TONE_GOOD : TONE_PLAIN, "%s%s%s", role,
		   *peer ? " " : "", peer);
	table_add(t, TONE_PLAIN, sbuf_str(&addrs));
	table_addf(t, TONE_PLAIN, "%u", l->mtu);
	if (plain) {
		table_addf(t, TONE_PLAIN, "%llu", (unsigned long long)l->rx_bytes);
		table_addf(t, TONE_PLAIN, "%llu", (unsigned long long)l->tx_bytes);
	} else {
		table_add(t, TONE_PLAIN, fmt_bytes(l->rx_bytes, text, sizeof(text)));
		table_add(t, TONE_PLAIN, fmt_bytes(l->tx_bytes, text, sizeof(text)));
	}
	table_add(t, TONE_DIM, l->kind);
	sbuf_fini(&addrs);
}

static struct json_object *link_json(const struct link *l, const struct marks *m)
{
	struct json_object *o = json_object_new_object(), *a;
	char text[ADDR_TEXT_MAX + 8];

	json_put_str(o, "name", l->name);
	json_put_bool(o, "up", l->up);
	json_put_bool(o, "carrier", l->carrier);
	json_put_str(o, "role", role_of(m, l->name));
	json_put_str(o, "peer", peer_of(m, l->name));
	json_put_str(o, "kind", l->kind);
	a = json_put_array(o, "addresses");
	for (size_t i = 0; i < l->n_addrs; i++)
		json_add_str(a, addr_text(&l->addrs[i], text, sizeof(text)));
	json_put_u64(o, "mtu", l->mtu);
	json_put_u64(o, "rx_bytes", l->rx_bytes);
	json_put_u64(o, "tx_bytes", l->tx_bytes);
	json_put_u64(o, "rx_packets", l->rx_packets);
	json_put_u64(o, "tx_packets", l->tx_packets);
	json_put_u64(o, "rx_dropped", l->rx_dropped);
	json_put_u64(o, "tx_dropped", l->tx_dropped);
	return o;
}

int lists_interfaces(struct cli *c, struct err *e)
{
	struct json_object *o = NULL, *a = NULL;
	struct link_list links;
	struct marks *m;
	struct table t;
	int rc;

	rc = link_list(&links, e);
	if (rc) {
		link_list_fini(&links);
		return -1;
	}
	m = marks_new(c, &links);
	if (cli_has(c, OPT_JSON)) {
		o = json_object_new_object();
		a = json_put_array(o, "interfaces");
	}
	table_init(&t, iface_cols, sizeof(iface_cols) / sizeof(iface_cols[0]));
	for (size_t i = 0; i < links.n; i++) {
		if (a)
			json_object_array_add(a, link_json(&links.v[i], m));
		else
			link_row(c, &t, &links.v[i], m);
	}
	if (o)
		out_json(c, o);
	else
		table_print(c, &t);
	table_fini(&t);
	marks_free(m);
	link_list_fini(&links);
	return 0;
}

/* --- routes --- */

static const struct table_col route_cols[] = {
	{ "NETWORK", false, 14, 0 },
	{ "VIA", false, 10, 0 },
	{ "INTERFACE", false, 0, 0 },
	{ "TUNNEL", false, 8, 0 },
	{ "SOURCE", false, 10, 2 },
	{ "METRIC", true, 0, 3 },
	{ "BY", false, 0, 4 },
	{ "TABLE", false, 0, 1 },
};

static const char *type_word(const struct route *r)
{
	switch ((enum route_type)r->type) {
	case ROUTE_UNICAST:
		return "";
	case ROUTE_UNREACHABLE:
		return "unreachable";
	case ROUTE_BLACKHOLE:
		return "blackhole";
	case ROUTE_PROHIBIT:
		return "prohibit";
	case ROUTE_THROW:
		return "throw";
	case ROUTE_OTHER:
		break;
	}
	return "other";
}

static const char *table_name(const struct route *r, char *buf, size_t cap)
{
	if (r->table == 254)
		return "";
	snprintf(buf, cap, "%#x", r->table);
	return buf;
}

static void route_row(struct table *t, const struct route *r, const struct marks *m)
{
	char net[PREFIX_TEXT_MAX], addr[ADDR_TEXT_MAX], by[8], table[16];
	const char *peer = peer_of(m, r->interface), *type = type_word(r);
	enum fmt_tone tone = r->ours ? TONE_GOOD : TONE_PLAIN;

	table_add(t, TONE_PLAIN, r->dst.len ? prefix_str(&r->dst, net) :
		  r->dst.addr.family == AF_INET6 ? "default (IPv6)" : "default");
	table_add(t, *type ? TONE_BAD : TONE_PLAIN,
		  *type ? type : addr_str(&r->gateway, addr));
	table_add(t, TONE_PLAIN, r->interface);
	table_add(t, tone, *peer ? peer : r->ours ? "(adit)" : "");
	table_add(t, TONE_PLAIN, addr_str(&r->src, addr));
	if (r->metric)
		table_addf(t, TONE_PLAIN, "%u", r->metric);
	else
		table_add(t, TONE_PLAIN, "");
	table_add(t, tone, route_proto_name(r->proto, by));
	table_add(t, TONE_PLAIN, table_name(r, table, sizeof(table)));
}

static struct json_object *route_json(const struct route *r, const struct marks *m)
{
	char net[PREFIX_TEXT_MAX], addr[ADDR_TEXT_MAX], by[8];
	struct json_object *o = json_object_new_object();
	const char *type = type_word(r);

	json_put_str(o, "network", prefix_str(&r->dst, net));
	json_put_str(o, "type", *type ? type : "unicast");
	json_put_str(o, "gateway", addr_str(&r->gateway, addr));
	json_put_str(o, "interface", r->interface);
	json_put_str(o, "peer", peer_of(m, r->interface));
	json_put_bool(o, "ours", r->ours);
	json_put_str(o, "source", addr_str(&r->src, addr));
	json_put_u64(o, "metric", r->metric);
	json_put_str(o, "protocol", route_proto_name(r->proto, by));
	json_put_u64(o, "table", r->table);
	return o;
}

int lists_routes(struct cli *c, struct err *e)
{
	struct json_object *o = NULL, *a = NULL;
	struct link_list links;
	struct route_list routes;
	struct marks *m = NULL;
	struct table t;
	int rc = -1;

	table_init(&t, route_cols, sizeof(route_cols) / sizeof(route_cols[0]));
	if (route_list(&routes, e))
		goto out_routes;
	if (link_list(&links, e))
		goto out;
	m = marks_new(c, &links);
	if (cli_has(c, OPT_JSON)) {
		o = json_object_new_object();
		a = json_put_array(o, "routes");
	}
	for (size_t i = 0; i < routes.n; i++) {
		if (a)
			json_object_array_add(a, route_json(&routes.v[i], m));
		else
			route_row(&t, &routes.v[i], m);
	}
	if (o)
		out_json(c, o);
	else
		table_print(c, &t);
	rc = 0;
out:
	marks_free(m);
	link_list_fini(&links);
out_routes:
	route_list_fini(&routes);
	table_fini(&t);
	return rc;
}

/* --- firewall --- */

#define NFT_TEXT_MAX (1u << 20)

/* nft's own listing of our table; nothing when nft is not installed. No shell. */
static void nft_table(struct sbuf *b)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return;
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
		execlp("nft", "nft", "list", "table", "inet", FIREWALL_TABLE,
		       (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	while (pid > 0 && b->len < NFT_TEXT_MAX) {
		char chunk[4096];
		ssize_t n = read(fds[0], chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		sbuf_addn(b, chunk, (size_t)n);
	}
	close(fds[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* One enabled peer as the daemon tells the firewall of it; *next is where its networks
 * go. */
static void peer_rules(const struct peer_conf *p, const struct link_list *links,
		       struct prefix **next, struct firewall_peer *out)
{
	const struct link *l = link_find(links, p->interface);

	*out = (struct firewall_peer){ .name = p->name, .interface = p->interface,
		.forward_wan = p->forward_wan,
		.forward_lan = p->forward_lan, .only_encrypted = true,
		.mtu = l ? (uint16_t)l->mtu : 0 };
	out->gateways = *next;
	for (int i = 0; i < p->n_gateways; i++) {
		const struct gateway *g = &p->gateways[i];

		if (g->kind == GATEWAY_ADDR || g->kind == GATEWAY_NET)
			(*next)[out->n_gateways++] = g->net;
		else
			out->anywhere = true;	/* names are the daemon's to resolve */
	}
	*next += out->n_gateways;
	out->local = *next;
	for (int i = 0; i < p->n_children; i++)
		for (int k = 0; k < p->children[i].n_local; k++, out->n_local++)
			*(*next)++ = p->children[i].local_network[k];
	out->remote = *next;
	for (int i = 0; i < p->n_children; i++)
		for (int k = 0; k < p->children[i].n_remote; k++, out->n_remote++)
			*(*next)++ = p->children[i].remote_network[k];
}

/* Without nft(8): what the settings make of our table. Settings that changed and were not
 * applied yet are ahead of the kernel. */
static void rendered_table(struct cli *c, struct sbuf *b)
{
	struct firewall_peer *peers = NULL;
	struct firewall_want want = { 0 };
	struct prefix *nets = NULL, *next;
	struct link_list links;
	struct marks *m = NULL;
	struct err ignored;
	size_t n = 1;

	if (link_list(&links, &ignored) == 0)
		m = marks_new(c, &links);
	if (!m || !m->loaded)
		goto out;
	for (size_t i = 0; i < m->settings.n_peers; i++) {
		n += m->settings.peers[i].n_gateways;
		for (int k = 0; k < m->settings.peers[i].n_children; k++)
			n += m->settings.peers[i].children[k].n_local +
			     m->settings.peers[i].children[k].n_remote;
	}
	nets = next = calloc(n, sizeof(*nets));
	peers = calloc(m->settings.n_peers + 1, sizeof(*peers));
	if (!nets || !peers)
		goto out;
	for (size_t i = 0; i < m->settings.n_peers; i++)
		if (m->settings.peers[i].enabled)
			peer_rules(&m->settings.peers[i], &links, &next,
				   &peers[want.n_peers++]);
	want.view = &m->view;
	want.peers = peers;
	want.ike_port = m->settings.router.ike_port;
	want.natt_port = m->settings.router.natt_port;
	if (want.n_peers)
		firewall_text(&want, b);
out:
	free(peers);
	free(nets);
	marks_free(m);
	link_list_fini(&links);
}

int lists_firewall(struct cli *c, struct err *e)
{
	struct sbuf rules = { 0 }, table = { 0 };
	int rc = firewall_installed(&rules, e);
	bool rendered = false;

	if (rc == 0)
		nft_table(&table);
	if (rc == 0 && rules.len && !table.len) {
		rendered_table(c, &table);
		rendered = table.len > 0;
	}
	if (rc == 0 && cli_has(c, OPT_JSON)) {
		struct json_object *o = json_object_new_object();

		json_put_str(o, "rules", sbuf_str(&rules));
		json_put_str(o, "table", sbuf_str(&table));
		json_put_str(o, "table_from", rendered ? "settings" :
			     table.len ? "kernel" : "");
		out_json(c, o);
	} else if (rc == 0) {
		sbuf_add(&c->out, rules.len ? sbuf_str(&rules) :
					      "adit has no rules in the firewall: the "
					      "daemon is not running, or there "
					      "is no enabled peer.\n");
		if (table.len)
			sbuf_addf(&c->out, "\n%s", sbuf_str(&table));
		if (rendered)
			out_note(c, "adit: nft(8) is not installed: table inet "
				    FIREWALL_TABLE " is shown as the settings make it");
	}
	sbuf_fini(&rules);
	sbuf_fini(&table);
	return rc;
}
