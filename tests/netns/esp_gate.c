/* rooms: dataplane/esp dataplane/engine core/daemon core/net core/ipc core/settings core/crypto core/base */
/* esp_gate: plays the monitor for one end of a tunnel without IKE: the sockets, the real
 * backend, the real espd, and keys both ends make from the same number.
 *
 *	esp_gate SIDE ESPD IFACE MTU LOCAL REMOTE LOCAL-NETS REMOTE-NETS SUITE
 *
 * SIDE is a or b; nets are separated by commas; SUITE as in settings (aes256gcm16). Then it
 * obeys lines on its input and answers on its output:
 *
 *	sa N		add SA pair number N		-> "added N" or "refused N: why"
 *	hold N		the same, outbound held
 *	activate N
 *	del N LINGER-MS
 *	stats		-> "stats N key=value …" for each
 *	mtu N		give the interface another MTU
 *	pid		-> "pid N", espd's
 *	quit
 *
 * Unasked: "ready" when espd runs, "event N KIND", "lost". An espd that ends is started again.
 *
 *	esp_gate replay IFACE COUNT
 *
 * waits on IFACE for COUNT datagrams that leave to port 4500 and sends each a second time.
 *
 * GATE_WORKERS=N: espd has N workers. GATE_UDP=0: ESP as IP protocol 50.
 */
#include "core/base/log.h"
#include "core/base/loop.h"
#include "core/base/rng.h"
#include "core/base/secret.h"
#include "core/crypto/alg.h"
#include "core/ipc/ipc.h"
#include "core/ipc/msg.h"
#include "core/net/sock.h"
#include "dataplane/esp/backend_esp.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

static struct gate {
	bool is_b, quit;
	const char *espd;
	struct backend_iface iface;
	struct sa_child sa;	/* what all SAs have in common */
	struct sock_set socks;
	struct loop *loop;
	struct ipc *link;
	pid_t pid;
	void *ctx;
	char line[256];
	size_t line_len;
} g;

static void die(const char *what, const struct err *e)
{
	fprintf(stderr, "esp_gate: %s: %s\n", what, e ? e->msg : "");
	exit(1);
}

/* ---- what the backend tells ---- */

static void on_added(void *arg, uint32_t id, const char *error)
{
	(void)arg;
	if (error[0])
		printf("refused %u: %s\n", id, error);
	else
		printf("added %u\n", id);
}

static void on_stats(void *arg, const struct sa_stats *s)
{
	(void)arg;
	printf("stats %u rx_packets=%llu rx_bytes=%llu tx_packets=%llu tx_bytes=%llu "
	       "replay=%llu auth=%llu selector_in=%llu selector_out=%llu malformed=%llu "
	       "expired=%llu mtu=%llu socket=%llu\n", s->id,
	       (unsigned long long)s->rx_packets, (unsigned long long)s->rx_bytes,
	       (unsigned long long)s->tx_packets, (unsigned long long)s->tx_bytes,
	       (unsigned long long)s->drop_replay, (unsigned long long)s->drop_auth,
	       (unsigned long long)s->drop_selector_in, (unsigned long long)s->drop_selector_out,
	       (unsigned long long)s->drop_malformed, (unsigned long long)s->drop_expired,
	       (unsigned long long)s->drop_mtu, (unsigned long long)s->drop_socket);
}

static void on_event(void *arg, uint32_t id, enum sa_event ev)
{
	static const char *const names[] = {
		[SA_EVENT_HARD] = "hard", [SA_EVENT_SOFT] = "seq", [SA_EVENT_ACTIVE] = "active",
	};

	(void)arg;
	printf("event %u %s\n", id, names[ev]);
}

static void on_lost(void *arg)
{
	(void)arg;
	printf("lost\n");
}

static int send_child(void *arg, uint16_t type, uint32_t id, const void *body, size_t len,
		      const int *fds, size_t n_fds)
{
	(void)arg;
	return ipc_send(g.link, type, id, body, len, fds, n_fds);
}

static const struct backend_env env_template = {
	.sa_added = on_added, .sa_stats = on_stats, .sa_event = on_event, .lost = on_lost,
	.child_send = send_child,
};

/* ---- espd ---- */

static void spawn(void);

static void on_msg(void *arg, struct ipc_msg *m)
{
	(void)arg;
	if (m->type == MSG_LOG) {
		fprintf(stderr, "espd: %s\n", ((const struct log_line *)m->body)->text);
	} else if (m->type == MSG_READY) {
		backend_esp.child_up(g.ctx);
		printf("ready\n");
	} else {
		backend_esp.child_msg(g.ctx, m);
	}
}

static void on_closed(void *arg, const struct err *why)
{
	int status;

	(void)arg;
	(void)why;
	ipc_free(g.link);
	g.link = NULL;
	waitpid(g.pid, &status, 0);
	if (WIFSIGNALED(status))
		fprintf(stderr, "espd ended by signal %d\n", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		fprintf(stderr, "espd ended with %d\n", WEXITSTATUS(status));
	backend_esp.child_down(g.ctx);
	if (!g.quit)
		spawn();
}

static void spawn(void)
{
	struct msg_child_start start = { .uid = NOBODY, .gid = NOBODY, .log_level = LL_INFO,
					 .version = ADIT_VERSION };
	struct err e = { 0 };
	int fds[2];

	if (ipc_pair(fds, &e) < 0)
		die("pair", &e);
	g.pid = fork();
	if (g.pid < 0)
		die("fork", NULL);
	if (!g.pid) {
		dup2(fds[1], 3);	/* clears CLOEXEC unless it was 3 already */
		fcntl(3, F_SETFD, 0);
		execl(g.espd, g.espd, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	g.link = ipc_new(fds[0], ROLE_MONITOR, ROLE_ESPD, &e);
	if (!g.link || ipc_attach(g.link, g.loop, on_msg, on_closed, NULL, &e) < 0 ||
	    ipc_send(g.link, MSG_CHILD_START, 0, &start, sizeof(start), NULL, 0) < 0)
		die(g.espd, &e);
}

/* ---- SAs ---- */

static void key(struct sa_key *k, const struct alg *encr, const struct alg *integ)
{
	rng_bytes(k->encr, encr->key_len);
	k->encr_len = encr->key_len;
	if (integ)
		rng_bytes(k->integ, integ->key_len);
	k->integ_len = integ ? integ->key_len : 0;
}

static void add_sa(uint32_t n, bool hold)
{
	const struct alg *encr = alg_get(ALG_ENCR, g.sa.encr, g.sa.encr_bits);
	const struct alg *integ = g.sa.integ ? alg_get(ALG_INTEG, g.sa.integ, 0) : NULL;
	struct sa_child c = g.sa;
	struct sa_key a_to_b = { 0 }, b_to_a = { 0 };

	rng_virtual_seed(1000 + n);
	key(&a_to_b, encr, integ);
	key(&b_to_a, encr, integ);
	rng_virtual_seed(0);
	c.id = n;
	c.hold_out = hold;
	c.in = g.is_b ? a_to_b : b_to_a;
	c.out = g.is_b ? b_to_a : a_to_b;
	/* Workers are told apart by the first byte. */
	c.spi_in = (2 * n + (g.is_b ? 1 : 0)) << 24 | 0x10000;
	c.spi_out = (2 * n + (g.is_b ? 0 : 1)) << 24 | 0x10000;
	backend_esp.sa_add(g.ctx, &c, g.iface.name);
}

static void obey(const char *line)
{
	unsigned n = 0, ms = 0;
	struct err e = { 0 };
	struct backend_iface i = g.iface;

	if (sscanf(line, "sa %u", &n) == 1) {
		add_sa(n, false);
	} else if (sscanf(line, "hold %u", &n) == 1) {
		add_sa(n, true);
	} else if (sscanf(line, "activate %u", &n) == 1) {
		backend_esp.sa_activate(g.ctx, n);
	} else if (sscanf(line, "del %u %u", &n, &ms) == 2) {
		backend_esp.sa_del(g.ctx, n, ms);
	} else if (strcmp(line, "stats") == 0) {
		backend_esp.sa_query(g.ctx, 0);
	} else if (sscanf(line, "mtu %u", &n) == 1) {
		i.mtu = (uint16_t)n;
		if (backend_esp.iface_add(g.ctx, &i, &e) < 0)
			die("mtu", &e);
	} else if (strcmp(line, "pid") == 0) {
		printf("pid %d\n", (int)g.pid);
	} else if (strcmp(line, "quit") == 0) {
		loop_stop(g.loop);
	} else {
		fprintf(stderr, "esp_gate: what is \"%s\"?\n", line);
	}
}

static void on_input(void *arg, uint32_t events)
{
	ssize_t n = read(0, g.line + g.line_len, sizeof(g.line) - 1 - g.line_len);
	char *nl;

	(void)arg;
	(void)events;
	if (n <= 0) {
		loop_stop(g.loop);
		return;
	}
	g.line_len += (size_t)n;
	g.line[g.line_len] = '\0';
	while ((nl = strchr(g.line, '\n'))) {
		*nl = '\0';
		obey(g.line);
		g.line_len -= (size_t)(nl + 1 - g.line);
		memmove(g.line, nl + 1, g.line_len + 1);
	}
}

static uint8_t nets(char *list, struct selector *out)
{
	struct err e = { 0 };
	uint8_t n = 0;

	for (char *s = strtok(list, ","); s && n < SA_SELECTORS_MAX; s = strtok(NULL, ",")) {
		struct prefix p;

		if (prefix_parse(s, &p, &e) < 0)
			die(s, &e);
		out[n++] = selector_of(&p);
	}
	return n;
}

static int number(const char *name, int otherwise)
{
	return getenv(name) ? atoi(getenv(name)) : otherwise;
}

static void configure(char **argv)
{
	struct suite_list list;
	struct err e = { 0 };

	g.is_b = argv[1][0] == 'b';
	g.espd = argv[2];
	snprintf(g.iface.name, sizeof(g.iface.name), "%s", argv[3]);
	g.iface.mtu = (uint16_t)atoi(argv[4]);
	snprintf(g.sa.peer, sizeof(g.sa.peer), "gate");
	if (addr_parse(argv[5], &g.sa.local.addr, &e) < 0 ||
	    addr_parse(argv[6], &g.sa.remote.addr, &e) < 0 ||
	    suite_parse(SUITE_ESP, argv[9], &list, &e) < 0)
		die("arguments", &e);
	g.sa.local.port = g.sa.remote.port = 4500;
	g.sa.n_local = nets(argv[7], g.sa.local_ts);
	g.sa.n_remote = nets(argv[8], g.sa.remote_ts);
	g.sa.encr = list.s[0].encr[0].id;
	g.sa.encr_bits = list.s[0].encr[0].key_bits;
	g.sa.integ = list.s[0].n_integ ? list.s[0].integ[0] : INTEG_NONE;
	g.sa.udp_encap = (uint8_t)number("GATE_UDP", 1);
	g.sa.esn = 1;
	g.sa.replay_window = 1024;
}

static int gate(char **argv)
{
	struct backend_env env = env_template;
	struct router_conf router = { .workers = (uint8_t)number("GATE_WORKERS", 1) };
	static struct profile profile;
	struct err e = { 0 };

	configure(argv);
	g.loop = loop_new(&e);
	if (!g.loop || sock_open(&g.socks, 0, 0, router.workers, &e) < 0)
		die("sockets", &e);
	env.loop = g.loop;
	if (backend_esp.probe(&e) < 0 ||
	    backend_esp.start(&g.ctx, &env, &g.socks, &router, &profile, &e) < 0 ||
	    backend_esp.iface_add(g.ctx, &g.iface, &e) < 0 ||
	    loop_add(g.loop, 0, EPOLLIN, on_input, NULL, &e) < 0)
		die("start", &e);
	spawn();
	loop_run(g.loop);
	g.quit = true;
	backend_esp.stop(g.ctx);
	ipc_free(g.link);
	waitpid(g.pid, NULL, 0);
	sock_close(&g.socks);
	loop_free(g.loop);
	return 0;
}

/* ---- replay ---- */

static bool is_esp_in_udp(const uint8_t *f, size_t n)
{
	/* Ethernet, IPv4 without options, UDP to 4500, no non-ESP marker */
	return n > 46 && f[12] == 0x08 && f[13] == 0 && f[14] == 0x45 && f[23] == IPPROTO_UDP &&
	       f[36] == 4500 >> 8 && f[37] == (4500 & 255) && (f[42] | f[43] | f[44] | f[45]);
}

static int replay(const char *iface, unsigned count)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = (int)if_nametoindex(iface) };
	static uint8_t frames[64][2048];
	size_t len[64];
	unsigned n = 0;

	if (fd < 0 || !ll.sll_ifindex || bind(fd, (void *)&ll, sizeof(ll)) < 0 || count > 64)
		die("replay", NULL);
	printf("listening\n");
	while (n < count) {
		struct sockaddr_ll from;
		socklen_t fl = sizeof(from);
		ssize_t got = recvfrom(fd, frames[n], sizeof(frames[n]), 0, (void *)&from, &fl);

		if (got > 0 && from.sll_pkttype == PACKET_OUTGOING &&
		    is_esp_in_udp(frames[n], (size_t)got))
			len[n++] = (size_t)got;
	}
	for (unsigned i = 0; i < n; i++) {
		/* Its UDP checksum is the device's to fill in, and nobody does it twice. */
		frames[i][40] = frames[i][41] = 0;
		if (send(fd, frames[i], len[i], 0) < 0)
			die("send", NULL);
	}
	printf("replayed %u\n", n);
	return 0;
}

int main(int argc, char **argv)
{
	setlinebuf(stdout);
	if (argc == 4 && strcmp(argv[1], "replay") == 0)
		return replay(argv[2], (unsigned)atoi(argv[3]));
	if (argc == 10)
		return gate(argv);
	fprintf(stderr, "usage: see the top of tests/netns/esp_gate.c\n");
	return 2;
}
