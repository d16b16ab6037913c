/* rooms: ike/engine ike/v1 ike/v2 ike/auth ike/wire core/crypto core/base */
/* abuse: what those who mean harm cost the engine, message by message, in processor time and
 * in memory: strangers, and a peer that has the keys. Real crypto, virtual time.
 *
 *   abuse [MESSAGES]		of each kind; 2000
 *
 * Prints lines: kind, messages, microseconds each, kB that are held afterwards. The first is
 * an honest handshake, to compare with. */
#include "ike/v2/v2.h"
#include "tests/exchange/pair.h"

#include <malloc.h>
#include <time.h>

static struct sim s;
static double us;
static unsigned n;

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void timed(const struct endpoint *local, const struct endpoint *remote,
		  const uint8_t *msg, size_t len)
{
	static uint8_t copy[MSG_CAP];
	double t;

	memcpy(copy, msg, len);
	t = cpu_us();
	engine_receive(s.side[0].e, local, remote, copy, len);
	us += cpu_us() - t;
	n++;
}

/* What side 1 says is heard at once, and timed; what side 0 says goes the usual way. */
static bool at_once(struct sim *sim, int from, const uint8_t *msg, size_t len)
{
	struct endpoint local = { sim->side[0].addr, IKE_PORT };
	struct endpoint remote = { sim->side[1].addr, IKE_PORT };
	struct ike_sa *sa = sim->side[0].e->peers->main;

	if (from == 0)
		return true;
	if (sa) {
		local = sa->local;
		remote = sa->remote;
	}
	timed(&local, &remote, msg, len);
	return false;
}

static size_t held(void)
{
	return mallinfo2().uordblks;
}

static size_t before;

static void begin(uint64_t seed)
{
	sim_init(&s, seed);
	sim_usual(&s);
	sim_run(&s, 1000);
	if (sim_state(&s, 0) != PEER_UP)
		abort();
	before = held();
	us = 0;
	n = 0;
}

static void end(const char *kind)
{
	double kb = ((double)held() - (double)before) / 1024;

	printf("%s\t%u\t%.1f\t%.0f\n", kind, n, n ? us / n : 0, kb > 0 ? kb : 0);
	s.filter = NULL;
	s.trouble[0] = 0;
	sim_run(&s, 100000);
	sim_free(&s);
}

static void handshakes(unsigned many)
{
	begin(1);
	s.filter = at_once;
	for (unsigned i = 0; i < many / 20; i++) {
		engine_secret_changed(s.side[1].e, "a");
		if (engine_peer_up(s.side[1].e, "a", NULL) < 0)
			abort();
		sim_run(&s, 20000);
	}
	n = many / 20;		/* per handshake, not per message */
	end("honest");
}

static void garbage(unsigned many)
{
	struct endpoint l = { s.side[0].addr, IKE_PORT }, r = { sim_addr("192.0.2.7"), IKE_PORT };
	uint8_t msg[300];

	begin(2);
	l.addr = s.side[0].addr;
	for (unsigned i = 0; i < many; i++) {
		rng_bytes(msg, sizeof(msg));
		msg[17] = 0x20;
		msg[26] = 1;
		msg[27] = 44;
		msg[24] = msg[25] = 0;
		timed(&l, &r, msg, sizeof(msg));
	}
	end("garbage");
}

static uint8_t init[1000];
static size_t init_len;

static bool catch_init(struct sim *sim, int from, const uint8_t *msg, size_t len)
{
	(void)sim;
	if (from == 0 && msg[18] == IKE_SA_INIT && !init_len && len < sizeof(init)) {
		memcpy(init, msg, len);
		init_len = len;
	}
	return true;
}

static void strangers(unsigned many, bool any)
{
	struct sim_conf c;
	struct endpoint l, r = { sim_addr("192.0.2.7"), IKE_PORT };

	sim_init(&s, 3);
	s.filter = catch_init;
	sim_usual(&s);
	sim_run(&s, 1000);
	sim_free(&s);
	begin(4);
	if (any) {
		sim_conf(&s, 0, &c);
		strcpy(c.peer.name, "road");
		strcpy(c.children[0].name, "road");
		c.peer.remote_any = true;
		c.peer.start = START_RESPONDER;
		memset(&c.peer.remote_gateway, 0, sizeof(c.peer.remote_gateway));
		c.peer.n_gateways = 1;
		c.peer.gateways[0] = (struct gateway){ .kind = GATEWAY_ANY };
		sim_set(&s, 0, &c);
	}
	l = (struct endpoint){ s.side[0].addr, IKE_PORT };
	for (unsigned i = 0; i < many; i++) {
		rng_bytes(init, 8);
		rng_bytes(r.addr.b, 4);
		timed(&l, &r, init, init_len);
		if (i % 100 == 99)
			sim_run(&s, 10);
	}
	end(any ? "calls" : "calls of nobody");
}

static void liveness(unsigned many)
{
	begin(5);
	s.filter = at_once;
	for (unsigned i = 0; i < many; i++) {
		info_liveness(s.side[1].e->peers->main);
		sim_run(&s, 100);
	}
	end("are you there");
}

static void rekeys(unsigned many)
{
	begin(6);
	s.filter = at_once;
	for (unsigned i = 0; i < many / 10; i++) {
		if (s.side[1].e->peers->children)
			engine_sa_event(s.side[1].e, s.side[1].e->peers->children->id,
					SA_EVENT_SOFT);
		sim_run(&s, 100);
	}
	end("rekeys of a child");
}

/* Many children of one address each: none stands in for another. */
static void children(unsigned many)
{
	begin(7);
	s.filter = at_once;
	for (unsigned i = 0; i < many / 10; i++) {
		struct peer *p = s.side[1].e->peers;
		struct prefix *net = &p->conf.children[0].local_network[0];

		if (!p->main || req_out(p->main))
			continue;
		net->addr.b[3] = (uint8_t)(1 + i % 250);
		net->len = 32;
		create_child(p->main, 0, NULL);
		sim_run(&s, 100);
	}
	end("more and more children");
}

static void forged(unsigned many)
{
	struct ike_sa *sa;
	uint8_t msg[200];

	begin(8);
	sa = s.side[0].e->peers->main;
	for (unsigned i = 0; i < many; i++) {
		struct ike_hdr h = { .spi_i = sa->spi_i, .spi_r = sa->spi_r,
				     .exchange = INFORMATIONAL, .msg_id = v2(sa)->next_in };
		struct build b;
		size_t len = 0;

		build_begin(&b, msg, sizeof(msg), &h);
		wr_zero(&b.w, 100);
		rng_bytes(msg + 28, 100);
		len = 128;
		memcpy(msg + 16, "\x2e\x20\x25\x00", 4);
		msg[24] = msg[25] = msg[26] = 0;
		msg[27] = (uint8_t)len;
		memcpy(msg + 28, "\0\0\0\x64", 4);
		timed(&sa->local, &sa->remote, msg, len);
	}
	end("forged, sealed with other keys");
}

int main(int argc, char **argv)
{
	unsigned many = argc > 1 ? (unsigned)atoi(argv[1]) : 2000;

	if (many < 20 || many > 1000000) {
		fprintf(stderr, "abuse: 20 to 1000000 messages\n");
		return 2;
	}
	handshakes(many);
	garbage(many);
	strangers(many, false);
	strangers(many, true);
	forged(many);
	liveness(many);
	rekeys(many);
	children(many);
	return 0;
}
