/* rooms: core/net core/base */
/* firewall_tool: core/net by hand, for the tests in namespaces beside this file.
 *
 *	firewall_tool hold SETTING...	apply, watch and repair until SIGTERM, then clean up
 *	firewall_tool clean		remove everything of ours
 *	firewall_tool text SETTING...	our table as text
 *	firewall_tool installed		what is in the kernel
 *	firewall_tool flush SETTING...	forget the peers' old connections
 *	firewall_tool lookup DST [FROM]	"interface source"
 *	firewall_tool view [SETTING...]	WAN, LANs and own networks
 *	firewall_tool routes		every route of table main and ours
 *	firewall_tool tun NAME		make a TUN and hold it until SIGTERM
 *
 * A SETTING is wan=NAME, lan=NAME, state=FILE (sysctls), or peer=NAME followed by gw=ADDR
 * local=NET remote=NET mtu=N up=0|1 forward_lan=0|1 forward_wan=0|1 only_encrypted=0|1 of that
 * peer. Its interface is adit-NAME. hold prints "ready", then "fixed N" for every repair.
 */
#include "core/base/loop.h"
#include "core/net/conntrack.h"
#include "core/net/firewall.h"
#include "core/net/route.h"
#include "core/net/sysctl.h"
#include "core/net/view.h"
#include "core/net/watch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PEERS 8
#define NETS 8

struct peer {
	char interface[IFNAME_MAX];
	struct prefix local[NETS], remote[NETS];
	struct ip_addr gateway;
	struct prefix gateway_net;
	bool up;
};

static struct router_conf conf;
static struct peer peer[PEERS];
static struct firewall_peer fw[PEERS];
static size_t n_peers;
static char state_default[64];
static const char *state_path = state_default;
static struct err e;
static struct view view;

static void die(const char *what)
{
	fprintf(stderr, "firewall_tool: %s: %s\n", what, e.msg);
	exit(1);
}

static void take_peer(const char *key, const char *value)
{
	struct firewall_peer *f = &fw[n_peers - 1];
	struct peer *p = &peer[n_peers - 1];

	if (!n_peers)
		die("a peer=NAME must come first");
	if (!strcmp(key, "gw")) {
		if (addr_parse(value, &p->gateway, &e))
			die("gw");
		p->gateway_net = prefix_host(&p->gateway);
		f->gateways = &p->gateway_net;
		f->n_gateways = 1;
		f->anywhere = false;
	} else if (!strcmp(key, "local") && f->n_local < NETS) {
		if (prefix_parse(value, &p->local[f->n_local++], &e))
			die("local");
	} else if (!strcmp(key, "remote") && f->n_remote < NETS) {
		if (prefix_parse(value, &p->remote[f->n_remote++], &e))
			die("remote");
	} else if (!strcmp(key, "mtu")) {
		f->mtu = (uint16_t)atoi(value);
	} else if (!strcmp(key, "up")) {
		p->up = atoi(value);
	} else if (!strcmp(key, "forward_lan")) {
		f->forward_lan = atoi(value);
	} else if (!strcmp(key, "forward_wan")) {
		f->forward_wan = atoi(value);
	} else if (!strcmp(key, "only_encrypted")) {
		f->only_encrypted = atoi(value);
	} else {
		die(key);
	}
}

static void take(char *arg)
{
	char *value = strchr(arg, '=');

	if (!value)
		die(arg);
	*value++ = '\0';
	if (!strcmp(arg, "wan")) {
		snprintf(conf.wan, sizeof(conf.wan), "%s", value);
	} else if (!strcmp(arg, "lan") && conf.n_lan < LAN_MAX) {
		snprintf(conf.lan[conf.n_lan++], IFNAME_MAX, "%s", value);
	} else if (!strcmp(arg, "state")) {
		state_path = value;
	} else if (!strcmp(arg, "peer") && n_peers < PEERS) {
		struct peer *p = &peer[n_peers];

		snprintf(p->interface, sizeof(p->interface), "adit-%.10s", value);
		p->up = true;
		fw[n_peers++] = (struct firewall_peer){
			.name = value, .interface = p->interface, .local = p->local,
			.remote = p->remote, .forward_lan = true, .only_encrypted = true,
			.anywhere = true,
		};
	} else {
		take_peer(arg, value);
	}
}

static struct firewall_want want(void)
{
	return (struct firewall_want){ .view = &view, .peers = fw, .n_peers = n_peers };
}

static void look(void)
{
	if (view_take(&conf, &view, &e))
		die("view");
}

struct hold {
	struct loop *loop;
	struct firewall *firewall;
	struct sysctl *sysctl;
};

static void sync_routes(void)
{
	struct route_want w[PEERS];

	for (size_t i = 0; i < n_peers; i++)
		w[i] = (struct route_want){
			.interface = peer[i].interface, .gateway = peer[i].gateway,
			.local = fw[i].local, .n_local = fw[i].n_local,
			.remote = fw[i].remote, .n_remote = fw[i].n_remote,
			.up = peer[i].up, .only_encrypted = fw[i].only_encrypted,
		};
	if (route_sync(w, n_peers, &view, NULL, &e)) {
		printf("routes: %s\n", e.msg);
		memset(&e, 0, sizeof(e));
	}
}

static void changed(void *arg, unsigned what)
{
	struct hold *h = arg;
	unsigned count = 0;

	if (what & (WATCH_LINK | WATCH_ADDR | WATCH_ROUTE)) {
		struct firewall_want w = want();

		look();
		if (firewall_apply(h->firewall, &w, &e))
			die("apply");
		sync_routes();
	}
	if (firewall_check(h->firewall, &count, &e)) {
		printf("check: %s\n", e.msg);
		memset(&e, 0, sizeof(e));
	}
	if (count)
		printf("fixed %u\n", count);
	fflush(stdout);
}

static void stop(void *arg, int signo)
{
	(void)signo;
	loop_stop(((struct hold *)arg)->loop);
}

static int hold(void)
{
	struct hold h = { .firewall = firewall_new() };
	struct sysctl_want sw = { .forward_v4 = true };
	struct firewall_want w = want();
	struct watch *watch;

	h.loop = loop_new(&e);
	if (!h.loop || !h.firewall)
		die("loop");
	h.sysctl = sysctl_new(state_path, &e);
	if (!h.sysctl)
		die("sysctl");
	look();
	for (size_t i = 0; i < n_peers; i++)
		for (size_t j = 0; j < fw[i].n_remote; j++)
			sw.wan_mark |= route_is_exit(&fw[i].remote[j]);
	watch = watch_new(h.loop, changed, &h, &e);
	if (!watch)
		die("watch");
	if (sysctl_apply(h.sysctl, &sw, &view, &e))
		die("sysctl");
	if (firewall_apply(h.firewall, &w, &e))
		die("apply");
	sync_routes();
	if (loop_signal(h.loop, SIGTERM, stop, &h, &e))
		die("signal");
	printf("notes: %s\nready\n", firewall_notes(h.firewall));
	fflush(stdout);
	loop_run(h.loop);
	watch_free(watch);
	if (firewall_clean(&e) || route_sync(NULL, 0, &view, NULL, &e) ||
	    sysctl_restore(h.sysctl, &e))
		die("clean");
	firewall_free(h.firewall);
	sysctl_free(h.sysctl);
	loop_free(h.loop);
	return 0;
}

static int clean(void)
{
	struct sysctl *s = sysctl_new(state_path, &e);

	if (!s || sysctl_restore(s, &e) || firewall_clean(&e) ||
	    route_sync(NULL, 0, &view, NULL, &e))
		die("clean");
	sysctl_free(s);
	return 0;
}

static int show_view(void)
{
	char a[ADDR_TEXT_MAX], p[PREFIX_TEXT_MAX];

	look();
	printf("wan %s\n", view.wan);
	for (size_t i = 0; i < view.n_lan; i++)
		printf("lan %s\n", view.lan[i]);
	for (size_t i = 0; i < view.n_addrs; i++)
		printf("own %s %s\n", addr_str(&view.addrs[i].addr, a),
		       prefix_str(&view.addrs[i].net, p));
	return 0;
}

static int lookup(const char *to, const char *from)
{
	struct ip_addr dst, src;
	struct route_answer r;
	char text[ADDR_TEXT_MAX];

	if (addr_parse(to, &dst, &e) || (from && addr_parse(from, &src, &e)) ||
	    route_lookup(&dst, from ? &src : NULL, 0, NULL, &r, &e))
		die("lookup");
	printf("%s %s\n", r.interface, addr_str(&r.src, text));
	return 0;
}

static int show_routes(void)
{
	struct route_list l;
	char dst[PREFIX_TEXT_MAX], via[ADDR_TEXT_MAX], proto[8];

	if (route_list(&l, &e))
		die("routes");
	for (size_t i = 0; i < l.n; i++)
		printf("%s %s %s type %u table %u metric %u %s\n", prefix_str(&l.v[i].dst, dst),
		       l.v[i].interface, addr_str(&l.v[i].gateway, via), l.v[i].type,
		       l.v[i].table, l.v[i].metric, route_proto_name(l.v[i].proto, proto));
	route_list_fini(&l);
	return 0;
}

static int flush(void)
{
	unsigned count, all = 0;

	look();
	for (size_t i = 0; i < n_peers; i++) {
		if (conntrack_flush(fw[i].local, fw[i].n_local, fw[i].remote, fw[i].n_remote,
				    &view, &count, &e))
			die("flush");
		all += count;
	}
	printf("%u\n", all);
	return 0;
}

static int tun(const char *name)
{
	int fd;

	if (link_tun_open(name, 0, &fd, &e) || link_set_up(name, true, &e))
		die("tun");
	printf("ready\n");
	fflush(stdout);
	pause();
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	struct sbuf out = { 0 };

	snprintf(state_default, sizeof(state_default), "/tmp/firewall_tool.%d", (int)getpid());
	if (!strcmp(what, "lookup") && argc > 2)
		return lookup(argv[2], argc > 3 ? argv[3] : NULL);
	if (!strcmp(what, "tun") && argc > 2)
		return tun(argv[2]);
	for (int i = 2; i < argc; i++)
		take(argv[i]);
	for (size_t i = 0; i < n_peers; i++)
		if (!fw[i].mtu)
			fw[i].mtu = 1400;
	if (!strcmp(what, "hold"))
		return hold();
	if (!strcmp(what, "clean"))
		return clean();
	if (!strcmp(what, "view"))
		return show_view();
	if (!strcmp(what, "routes"))
		return show_routes();
	if (!strcmp(what, "flush"))
		return flush();
	if (!strcmp(what, "text")) {
		struct firewall_want w = want();

		look();
		firewall_text(&w, &out);
	} else if (strcmp(what, "installed") || firewall_installed(&out, &e)) {
		die("usage, or the kernel");
	}
	fputs(sbuf_str(&out), stdout);
	sbuf_fini(&out);
	return 0;
}
