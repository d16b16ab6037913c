/* rooms: dataplane/xfrm core/net core/ipc core/crypto core/settings core/base */
/* xfrm_tool: the kernel dataplane by hand, without IKE, for tests/kernel/xfrm_states.sh. It
 * reads commands, a line each, and prints what comes back:
 *
 *	start OFFLOAD			no, auto, crypto or packet
 *	iface REMOTE [trap]
 *	add ID LOCAL REMOTE [hold] [noesn] [udp] [soft=PACKETS] [hard=PACKETS]
 *	activate ID, query ID, del ID LINGER_MS, update ID LOCAL REMOTE
 *	wait MS, sh COMMAND, stop
 */
#include "core/base/clock.h"
#include "core/net/sock.h"
#include "dataplane/xfrm/backend_xfrm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IFACE "adit-tool"

static const struct backend *const be = &backend_xfrm;
static struct backend_env env;
static struct sock_set socks;
static void *ctx;

static void added(void *arg, uint32_t id, const char *error)
{
	(void)arg;
	printf("added %u: %s\n", id, error[0] ? error : "ok");
}

static void stats(void *arg, const struct sa_stats *st)
{
	(void)arg;
	printf("stats %u: tx=%llu rx=%llu offload=%u engine=%s\n", st->id,
	       (unsigned long long)st->tx_packets, (unsigned long long)st->rx_packets, st->offload,
	       st->engine);
}

static void event(void *arg, uint32_t id, enum sa_event ev)
{
	static const char *const names[] = { "hard", "soft", "active", "gone" };

	(void)arg;
	printf("event %u: %s\n", id, names[ev]);
}

static void counted(void *arg, const uint64_t v[COUNTERS_N])
{
	(void)arg;
	(void)v;
}

static void moved(void *arg, uint32_t id, const struct endpoint *remote)
{
	char text[ENDPOINT_TEXT_MAX];

	(void)arg;
	printf("moved %u: %s\n", id, endpoint_str(remote, text));
}

static void wanted(void *arg, const char *iface)
{
	(void)arg;
	printf("wanted %s\n", iface);
}

static void lost(void *arg)
{
	(void)arg;
	printf("lost\n");
}

static struct endpoint ep(const char *t)
{
	struct endpoint e = { 0 };

	if (!t || addr_parse(t, &e.addr, NULL)) {
		printf("no address: %s\n", t ? t : "");
		exit(1);
	}
	return e;
}

static struct prefix net(const char *t)
{
	struct prefix p;

	if (prefix_parse(t, &p, NULL))
		exit(1);
	return p;
}

static void begin(const char *offload)
{
	static const char *const words[] = { "auto", "no", "crypto", "packet" };
	static struct profile profile;
	struct router_conf conf = { 0 };
	struct err e = { 0 };

	for (uint8_t i = 0; i < 4; i++)
		if (offload && strcmp(words[i], offload) == 0)
			conf.offload = i;
	sock_init(&socks);
	socks.natt_port = SOCK_NATT_PORT;
	if (be->probe(&e) < 0 || be->start(&ctx, &env, &socks, &conf, &profile, &e) < 0) {
		printf("no start: %s\n", e.msg);
		exit(1);
	}
}

static void iface(const char *remote, const char *trap)
{
	static struct child_conf child;
	static struct peer_conf peer = { .children = &child, .n_children = 1 };
	struct backend_iface i = { .mtu = 1400, .trap = trap != NULL, .conf = &peer };
	struct err e = { 0 };

	child = (struct child_conf){ .name = "tool", .n_local = 1, .n_remote = 1,
				     .local_port_hi = 65535, .remote_port_hi = 65535 };
	child.local_network[0] = net("10.1.0.0/24");
	child.remote_network[0] = net("10.2.0.0/24");
	snprintf(i.name, sizeof(i.name), IFACE);
	snprintf(i.peer, sizeof(i.peer), "tool");
	i.remote = ep(remote).addr;
	printf("iface: %s\n", be->iface_add(ctx, &i, &e) < 0 ? e.msg : "ok");
}

static void add(uint32_t id, const char *local, const char *remote)
{
	struct prefix l = net("10.1.0.0/24"), r = net("10.2.0.0/24");
	struct sa_child c = {
		.id = id, .spi_in = 0x1000 + id, .spi_out = 0x2000 + id, .proto = SA_ESP,
		.encr = ENCR_AES_GCM_16, .encr_bits = 128, .esn = 1, .replay_window = 64,
		.local = ep(local), .remote = ep(remote), .n_local = 1, .n_remote = 1,
		.hard_life_s = 600, .in = { .encr_len = 20 }, .out = { .encr_len = 20 },
	};

	snprintf(c.peer, sizeof(c.peer), "tool");
	snprintf(c.child, sizeof(c.child), "tool");
	c.local_ts[0] = selector_of(&l);
	c.remote_ts[0] = selector_of(&r);
	memset(c.in.encr, 7, sizeof(c.in.encr));
	memset(c.out.encr, 8, sizeof(c.out.encr));
	for (const char *w; (w = strtok(NULL, " \n")); ) {
		if (strcmp(w, "hold") == 0)
			c.hold_out = 1;
		else if (strcmp(w, "noesn") == 0)
			c.esn = 0;
		else if (strcmp(w, "udp") == 0)
			c.udp_encap = 1, c.local.port = c.remote.port = 4500;
		else if (strncmp(w, "soft=", 5) == 0)
			c.soft_packets = strtoull(w + 5, NULL, 10);
		else if (strncmp(w, "hard=", 5) == 0)
			c.hard_packets = strtoull(w + 5, NULL, 10);
	}
	be->sa_add(ctx, &c, IFACE);
}

static void wait_ms(uint64_t ms)
{
	uint64_t until = clock_ms() + ms;

	for (uint64_t now; (now = clock_ms()) < until; )
		loop_once(env.loop, (int)(until - now));
}

int main(void)
{
	struct err e = { 0 };
	char line[512];

	setvbuf(stdout, NULL, _IOLBF, 0);
	env = (struct backend_env){
		.loop = loop_new(&e), .sa_added = added, .sa_stats = stats, .sa_event = event,
		.counters = counted, .moved = moved, .wanted = wanted, .lost = lost,
	};
	while (env.loop && fgets(line, sizeof(line), stdin)) {
		char *rest = strchr(line, ' '), *word;
		char *command = rest ? rest + 1 : line;

		if (strncmp(line, "sh ", 3) == 0) {
			printf("sh: %d\n", system(command) != 0);
			continue;
		}
		word = strtok(line, " \n");
		if (!word)
			continue;
		if (strcmp(word, "start") == 0) {
			begin(strtok(NULL, " \n"));
		} else if (strcmp(word, "iface") == 0) {
			const char *remote = strtok(NULL, " \n");

			iface(remote, strtok(NULL, " \n"));
		} else if (strcmp(word, "wait") == 0) {
			wait_ms(strtoull(strtok(NULL, " \n"), NULL, 10));
		} else if (strcmp(word, "stop") == 0) {
			be->stop(ctx);
			ctx = NULL;
		} else {
			uint32_t id = (uint32_t)strtoul(strtok(NULL, " \n"), NULL, 10);
			const char *a = strtok(NULL, " \n");

			if (strcmp(word, "activate") == 0) {
				be->sa_activate(ctx, id);
			} else if (strcmp(word, "query") == 0) {
				be->sa_query(ctx, id);
			} else if (strcmp(word, "del") == 0) {
				be->sa_del(ctx, id, (uint32_t)strtoul(a, NULL, 10));
			} else {
				const char *b = strtok(NULL, " \n");
				struct endpoint l = ep(a), r = ep(b);

				if (strcmp(word, "add") == 0)
					add(id, a, b);
				else
					be->sa_update(ctx, id, &l, &r);
			}
		}
		wait_ms(20);
	}
	if (ctx)
		be->stop(ctx);
	loop_free(env.loop);
	return 0;
}
