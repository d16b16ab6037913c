/* rooms: ike/engine ike/v2 ike/v1 ike/auth ike/wire core/settings core/ipc core/crypto core/base */
/* engines: the engine of iked with many peers: two of them in one process, real crypto and real
 * time, with a vault, a dataplane and a network that are memory. What one of them costs is
 * told apart by the processor time around every call into it.
 *
 *   engines PEERS GROUP [WINDOW]     e.g. 10000 x25519; WINDOW handshakes at a time, 64
 *
 * Prints one line: peers, group, handshakes a second (both ends on one core), microseconds of
 * processor per handshake of who begins and of who answers, kB a tunnel in each, ms that
 * the status of all takes, microseconds a minute of a tunnel that only stays up. */
#include "core/base/clock.h"
#include "core/base/secret.h"
#include "core/base/log.h"
#include "core/crypto/crypto.h"
#include "core/ipc/msg.h"
#include "ike/engine/engine.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum kind { MESSAGE, VAULT, INSTALLED };

struct item {
	struct item *next;
	enum kind kind;
	int side;
	uint32_t id;
	bool ok;
	struct endpoint src, dst;
	size_t len;
	uint8_t bytes[];
};

struct side {
	int n;
	struct engine *e;
	struct timers ts;
	double cpu_us;
	unsigned up;
};

static struct side side[2];
static struct item *head, **tail = &head;
static unsigned peers, failed;
static const char psk[] = "a-long-enough-key-for-both";

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static struct item *put(enum kind k, int to, uint32_t id, const uint8_t *bytes, size_t len)
{
	struct item *i = calloc(1, sizeof(*i) + len);

	if (!i)
		abort();
	i->kind = k;
	i->side = to;
	i->id = id;
	i->len = len;
	if (len)
		memcpy(i->bytes, bytes, len);
	*tail = i;
	tail = &i->next;
	return i;
}

/* ---- what the engines ask for ---- */

static void on_send(void *arg, const struct endpoint *local, const struct endpoint *remote,
		    const uint8_t *msg, size_t len)
{
	struct side *s = arg;
	struct item *i = put(MESSAGE, 1 - s->n, 0, msg, len);

	i->src = *local;
	i->dst = *remote;
}

static void on_keepalive(void *arg, const struct endpoint *local, const struct endpoint *remote)
{
	(void)arg;
	(void)local;
	(void)remote;
}

static void on_sa_add(void *arg, const struct sa_child *sa)
{
	put(INSTALLED, ((struct side *)arg)->n, sa->id, NULL, 0);
}

static void on_sa(void *arg, uint32_t id)
{
	(void)arg;
	(void)id;
}

static void on_sa_update(void *arg, uint32_t id, const struct endpoint *local,
			 const struct endpoint *remote)
{
	(void)arg;
	(void)id;
	(void)local;
	(void)remote;
}

static void on_sa_del(void *arg, uint32_t id, uint32_t linger_ms)
{
	(void)arg;
	(void)id;
	(void)linger_ms;
}

static void auth(const struct vault_query *q, uint8_t out[PRF_MAX])
{
	struct slice pad = { (const uint8_t *)"Key Pad for IKEv2", 17 };
	struct slice key = { (const uint8_t *)psk, sizeof(psk) - 1 };
	uint8_t k[PRF_MAX];

	if (prf(q->prf, key, &pad, 1, k) < 0)
		abort();
	key = (struct slice){ k, alg_get(ALG_PRF, q->prf, 0)->out_len };
	if (prf(q->prf, key, &q->octets, 1, out) < 0)
		abort();
}

static void on_sign(void *arg, uint32_t id, const struct vault_query *q)
{
	uint8_t out[PRF_MAX];

	auth(q, out);
	put(VAULT, ((struct side *)arg)->n, id, out, alg_get(ALG_PRF, q->prf, 0)->out_len)->ok = true;
}

static void on_verify(void *arg, uint32_t id, const struct vault_query *q)
{
	uint8_t out[PRF_MAX];

	auth(q, out);
	put(VAULT, ((struct side *)arg)->n, id, NULL, 0)->ok =
		q->auth.len == alg_get(ALG_PRF, q->prf, 0)->out_len &&
		memcmp(out, q->auth.p, q->auth.len) == 0;
}

static void on_peer(void *arg, const char *peer, const struct endpoint *remote)
{
	(void)arg;
	(void)peer;
	(void)remote;
}

static void on_event(void *arg, const char *peer, enum engine_event ev, const char *text)
{
	struct side *s = arg;

	if (ev == ENGINE_UP)
		s->up++;
	if (ev != ENGINE_FAILED && ev != ENGINE_DOWN)
		return;
	if (failed++ < 5)
		fprintf(stderr, "engines: %s: %s\n", peer, text);
}

/* ---- running ---- */

static void deliver(struct item *i)
{
	struct side *s = &side[i->side];
	double t = cpu_us();

	switch (i->kind) {
	case MESSAGE:
		engine_receive(s->e, &i->dst, &i->src, i->bytes, i->len);
		break;
	case VAULT:
		engine_vault_done(s->e, i->id, i->ok, false, 0, (struct slice){ i->bytes, i->len });
		break;
	case INSTALLED:
		engine_sa_added(s->e, i->id, true, NULL);
		break;
	}
	s->cpu_us += cpu_us() - t;
}

/* All that is due; false when there was nothing. */
static bool turn(void)
{
	bool any = false;
	struct item *i;

	while ((i = head)) {
		head = i->next;
		if (!head)
			tail = &head;
		deliver(i);
		free(i);
		any = true;
	}
	for (int n = 0; n < 2; n++) {
		double t = cpu_us();

		if (timers_wait(&side[n].ts) == 0)
			any = timers_run(&side[n].ts) > 0 || any;
		side[n].cpu_us += cpu_us() - t;
	}
	return any;
}

/* ---- making ---- */

static void suites(enum suite_use use, const char *text, struct suite_list *l)
{
	struct err e = { 0 };

	if (suite_parse(use, text, l, &e) < 0) {
		fprintf(stderr, "engines: %s\n", e.msg);
		exit(2);
	}
}

static struct ip_addr addr4(unsigned a, unsigned b, unsigned c, unsigned d)
{
	struct ip_addr x = { 0 };
	struct err e;
	char text[20];

	snprintf(text, sizeof(text), "%u.%u.%u.%u", a, b, c, d);
	if (addr_parse(text, &x, &e) < 0)
		abort();
	return x;
}

static void make_peer(struct side *s, unsigned i, const char *group)
{
	struct ip_addr hub = addr4(203, 0, 113, 1), far = addr4(198, 18 + (i >> 16), i >> 8 & 255, i & 255);
	struct child_conf child = { .n_local = 1, .n_remote = 1, .esp_life_s = 3600 };
	struct peer_conf p = {
		.enabled = true, .version = IKE_V2, .start = START_RESPONDER, .ike_life_s = 4 * 3600,
		.rekey_margin_s = 540, .dpd_delay_s = 30, .dpd_action = DPD_RESTART,
		.n_children = 1, .children = &child, .n_gateways = 1,
	};
	struct ip_addr inside = addr4(10, i >> 8 & 255, i & 255, 0), outside = addr4(172, 16, 0, 0);
	char text[80];
	struct err e = { 0 };

	snprintf(p.name, sizeof(p.name), "p%u", i);
	snprintf(child.name, sizeof(child.name), "p%u", i);
	child.local_network[0] = (struct prefix){ s->n ? outside : inside, 24 };
	child.remote_network[0] = (struct prefix){ s->n ? inside : outside, 24 };
	p.local_ip = s->n ? hub : far;
	p.remote_gateway = s->n ? far : hub;
	p.gateways[0].kind = GATEWAY_ADDR;
	p.gateways[0].net = (struct prefix){ p.remote_gateway, 32 };
	snprintf(text, sizeof(text), "aes256gcm16-sha256-%s", group);
	suites(SUITE_IKE, text, &p.ike);
	suites(SUITE_ESP, "aes256gcm16", &child.esp);
	if (engine_peer_set(s->e, &p, &p.local_ip, &e) < 0) {
		fprintf(stderr, "engines: %s\n", e.msg);
		exit(1);
	}
}

static void make_engine(struct side *s)
{
	struct engine_env env = {
		.arg = s, .send = on_send, .keepalive = on_keepalive, .sa_add = on_sa_add,
		.sa_activate = on_sa, .sa_update = on_sa_update, .sa_del = on_sa_del,
		.sa_query = on_sa, .vault_sign = on_sign, .vault_verify = on_verify,
		.peer_up = on_peer, .peer_down = on_peer, .event = on_event,
	};

	s->e = engine_new(&env, &s->ts);
	engine_dataplane(s->e, &(struct engine_can){ .esn = true });
}

static void begin(unsigned i)
{
	double t = cpu_us();
	struct err e = { 0 };
	char name[32];

	snprintf(name, sizeof(name), "p%u", i);
	if (engine_peer_up(side[0].e, name, &e) < 0) {
		fprintf(stderr, "engines: %s: %s\n", name, e.msg);
		exit(1);
	}
	side[0].cpu_us += cpu_us() - t;
}

static double resident_kb(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%*u %lu", &pages) != 1)
		abort();
	fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1024;
}

static void one_status(void *arg, const struct peer_status *st)
{
	*(unsigned *)arg += st->state == PEER_UP;
}

/* Nobody reads a log of ten thousand tunnels here. */
static void no_log(void *arg, const struct log_line *l)
{
	(void)arg;
	(void)l;
}

/* A minute in which nothing comes but liveness checks; microseconds of the answering side. */
static double quiet_minute(void)
{
	uint64_t now = clock_ms();
	double was = side[1].cpu_us;

	for (int ms = 0; ms < 60000; ms += 100) {
		clock_virtual_set(now + (uint64_t)ms);
		while (turn())
			;
	}
	clock_virtual_off();
	return side[1].cpu_us - was;
}

int main(int argc, char **argv)
{
	unsigned window = argc > 3 ? (unsigned)atoi(argv[3]) : 64, begun = 0, seen = 0;
	double base, with_peers, all_up, t, took, cpu[2], status, quiet;
	struct timespec t0, t1;

	peers = argc > 2 ? (unsigned)atoi(argv[1]) : 0;
	if (!peers || peers > 65536 || !window) {
		fprintf(stderr, "usage: engines PEERS GROUP [WINDOW]\n");
		return 2;
	}
	log_sink_set(no_log, NULL);
	side[1].n = 1;
	make_engine(&side[0]);
	make_engine(&side[1]);
	ke_free(ke_new(alg_by_name(ALG_KE, argv[2]) ? alg_by_name(ALG_KE, argv[2])->id : 0, NULL));
	base = resident_kb();
	t = cpu_us();
	for (unsigned i = 0; i < peers; i++) {
		make_peer(&side[0], i, argv[2]);
		make_peer(&side[1], i, argv[2]);
	}
	with_peers = resident_kb();
	fprintf(stderr, "engines: %u peers set in %.0f ms, %.1f kB each\n", peers,
		(cpu_us() - t) / 2000, (with_peers - base) / 2 / peers);
	side[0].cpu_us = side[1].cpu_us = 0;
	clock_gettime(CLOCK_MONOTONIC, &t0);
	while (side[1].up < peers || side[0].up < peers) {
		while (begun < peers && begun - side[1].up < window)
			begin(begun++);
		if (!turn() && begun - side[1].up >= window && begun < peers)
			usleep(1000);
		clock_gettime(CLOCK_MONOTONIC, &t1);
		if (t1.tv_sec - t0.tv_sec > 300) {
			fprintf(stderr, "engines: %u and %u are up after 300 s\n", side[0].up, side[1].up);
			return 1;
		}
	}
	clock_gettime(CLOCK_MONOTONIC, &t1);
	took = (double)(t1.tv_sec - t0.tv_sec) + (double)(t1.tv_nsec - t0.tv_nsec) / 1e9;
	cpu[0] = side[0].cpu_us / peers;
	cpu[1] = side[1].cpu_us / peers;
	malloc_trim(0);
	all_up = resident_kb();
	t = cpu_us();
	engine_status(side[1].e, NULL, one_status, &seen);
	status = (cpu_us() - t) / 1000;
	if (seen != peers) {
		fprintf(stderr, "engines: %u of %u are up\n", seen, peers);
		return 1;
	}
	quiet = quiet_minute();
	printf("%u %s %.0f %.0f %.0f %.1f %.2f %.2f\n", peers, argv[2], peers / took, cpu[0], cpu[1],
	       (all_up - base) / 2 / peers, status, quiet / peers);
	engine_free(side[0].e);
	engine_free(side[1].e);
	return failed != 0;
}
