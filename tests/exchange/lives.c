/* rooms: ike/engine ike/v1 ike/v2 ike/auth ike/wire core/crypto core/base */
/* Lives: by a seed, two routers go through hours of short lifetimes, rekeys, verbs,
 * reloads, crashes and lost dataplanes over a network that loses, doubles, delays,
 * reorders and corrupts. When it calms down both sides must hold the same SAs, no more
 * and no fewer,
 * and nothing may be left when they stop. SEED=n begins there and runs one, LIVES=n so
 * many, SOAK=n goes on for n seconds; VERSION=1 or 2 that IKE alone. */
#include "tests/exchange/fast_ke.h"

#include "ike/v2/v2.h"
#include "tests/exchange/pair.h"

#include <time.h>

static struct sim s;
static struct sim_conf conf[2];
static enum ike_version version;

static unsigned roll(unsigned below)
{
	return rng_below(below);
}

static void settings_of_life(void)
{
	unsigned kids = roll(3);
	bool aggressive = version == IKE_V1 && roll(3) == 0;

	for (int n = 0; n < 2; n++) {
		sim_conf(&s, n, &conf[n]);
		conf[n].peer.version = (uint8_t)version;
		if (version == IKE_V1)
			sim_suites(SUITE_IKE, "aes128-sha256-x25519", &conf[n].peer.ike);
		conf[n].peer.exchange = aggressive ? EXCHANGE_AGGRESSIVE : EXCHANGE_MAIN;
		conf[n].peer.ike_life_s = 200 + roll(1000);
		conf[n].peer.rekey_margin_s = 20 + roll(100);
		conf[n].children[0].esp_life_s = 120 + roll(600);
		conf[n].peer.dpd_delay_s = 5 + roll(30);
		for (unsigned k = 0; k < kids; k++) {
			char name[8], left[24], right[24];

			snprintf(name, sizeof(name), "k%u", k);
			snprintf(left, sizeof(left), "10.1.%u.0/24", k + 1);
			snprintf(right, sizeof(right), "10.2.%u.0/24", k + 1);
			sim_child(&conf[n], name, n ? right : left, n ? left : right,
				  "aes128gcm16-x25519");
			conf[n].children[k + 1].esp_life_s = 120 + roll(600);
		}
	}
	if (roll(3) == 0)
		conf[1].peer.start = START_START;
	if (roll(4) == 0)
		conf[0].peer.encap = ENCAP_FORCE;
}

static void weather(void)
{
	s.loss = roll(3) ? roll(25) : 0;
	s.dup = roll(20);
	s.reorder = roll(30);
	s.corrupt = roll(3) ? 0 : roll(10);
	s.delay_ms = 1 + roll(120);
}

static void rekey_something(int n)
{
	struct peer *p = s.side[n].e->peers;

	if (!p)
		return;
	if (p->main && roll(2)) {
		p->main->rekey_at = s.now;
		sa_next(p->main);
	} else if (p->children) {
		engine_sa_event(s.side[n].e, p->children->id, SA_EVENT_SOFT);
	}
}

static void lose_dataplane(int n)
{
	memset(s.side[n].sas, 0, sizeof(s.side[n].sas));
	for (size_t i = 0; i < s.n_q; )
		if (s.q[i].kind == 2 && s.q[i].side == n)
			s.q[i] = s.q[--s.n_q];
		else
			i++;
	engine_dataplane_lost(s.side[n].e);
}

static void happen(void)
{
	int n = (int)roll(2);
	const char *peer = n ? "a" : "b";
	struct engine *e = s.side[n].e;

	switch (roll(14)) {
	case 0: case 1: case 2:
		rekey_something(n);
		break;
	case 3:
		rekey_something(0);
		rekey_something(1);
		break;
	case 4:
		if (engine_peer_down(e, peer, NULL) < 0)
			sim_trouble(&s, "down");
		break;
	case 5: case 6:
		if (engine_peer_up(e, peer, NULL) < 0)
			sim_trouble(&s, "up");
		break;
	case 7:
		sim_crash(&s, n);
		sim_set(&s, n, &conf[n]);
		break;
	case 8:
		lose_dataplane(n);
		break;
	case 9:
		engine_secret_changed(e, peer);
		break;
	case 10:
		sim_set(&s, n, &conf[n]);
		break;
	case 11:
		weather();
		break;
	case 12:
		if (e->peers && e->peers->children)
			engine_sa_event(e, e->peers->children->id, SA_EVENT_HARD);
		break;
	case 13:
		s.side[n].dead = true;
		sim_run(&s, roll(100000));
		s.side[n].dead = false;
		break;
	}
}

static bool settled(void)
{
	unsigned want = conf[0].peer.n_children;

	return sim_matched(&s) && sim_count(&s.side[0]) == want &&
	       sim_count(&s.side[1]) == want && sim_counts(&s, 0).ike_sas == 1 &&
	       sim_counts(&s, 1).ike_sas == 1 && sim_counts(&s, 0).child_sas == want &&
	       sim_counts(&s, 1).child_sas == want && sim_state(&s, 0) == PEER_UP &&
	       sim_state(&s, 1) == PEER_UP && sim_flows(&s, 0) && sim_flows(&s, 1);
}

static const char *one_life(uint64_t seed)
{
	unsigned patience = version == IKE_V1 ? 1000 : 400;

	sim_init(&s, seed);
	settings_of_life();
	weather();
	sim_set(&s, 1, &conf[1]);
	sim_run(&s, roll(200));
	sim_set(&s, 0, &conf[0]);
	for (unsigned i = 0, n = 5 + roll(25); i < n && !s.trouble[0]; i++) {
		sim_run(&s, roll(4) ? roll(3000) : roll(200000));
		happen();
	}
	/* It calms down. Long lives, so that no rekey is under way when we look. */
	s.loss = s.dup = s.reorder = s.corrupt = 0;
	s.delay_ms = 20;
	for (int n = 0; n < 2; n++) {
		if (engine_peer_up(s.side[n].e, n ? "a" : "b", NULL) < 0)
			sim_trouble(&s, "up");
	}
	/* IKEv1's Deletes are not answered: what one missed is put right by a rekey. The dead
	 * are found out after dpd and a minute of silence; then tries come at
	 * most a minute apart, and a child's at most 160 s. */
	for (unsigned i = 0; i < patience && !s.trouble[0]; i++) {
		sim_run(&s, 1000);
		if (i > 60 && settled())
			break;
	}
	if (!s.trouble[0] && !settled())
		return "does not settle";
	return s.trouble[0] ? s.trouble : NULL;
}

static void lives(void)
{
	const char *one = getenv("SEED"), *many = getenv("LIVES"), *soak = getenv("SOAK");
	uint64_t first = one ? strtoull(one, NULL, 10) : 1;
	uint64_t n = many ? strtoull(many, NULL, 10) : one ? 1 : 5000;
	time_t until = soak ? time(NULL) + atol(soak) : 0;
	uint64_t seed;

	for (seed = first; until ? time(NULL) < until : seed < first + n; seed++) {
		const char *wrong = one_life(seed);

		if (wrong) {
			printf("    SEED=%llu: %s\n", (unsigned long long)seed, wrong);
			printf("    SAs %u %u, engine %zu %zu, IKE %zu %zu, want %u, %s "
			       "%s\n",
			       sim_count(&s.side[0]), sim_count(&s.side[1]),
			       sim_counts(&s, 0).child_sas, sim_counts(&s, 1).child_sas,
			       sim_counts(&s, 0).ike_sas, sim_counts(&s, 1).ike_sas,
			       conf[0].peer.n_children, peer_state_name(sim_state(&s, 0)),
			       peer_state_name(sim_state(&s, 1)));
			for (int d = 0; d < 2; d++)
				for (int i = 0; i < SIM_SAS; i++)
					if (s.side[d].sas[i].used)
						printf("    %c %u %s %08x %08x%s%s%s\n", 'a' + d,
						       s.side[d].sas[i].sa.id,
						       s.side[d].sas[i].sa.child,
						       s.side[d].sas[i].sa.spi_in,
						       s.side[d].sas[i].sa.spi_out,
						       s.side[d].sas[i].held ? " held" : "",
						       s.side[d].sas[i].added ? "" : " new",
						       s.side[d].sas[i].gone_ms ? " gone" : "");
			CHECK(!"a life went wrong");
		}
		sim_end(&s);
	}
	printf("    %llu lives\n", (unsigned long long)(seed - first));
}

static void of_ikev2(void)
{
	version = IKE_V2;
	lives();
}

static void of_ikev1(void)
{
	version = IKE_V1;
	lives();
}

int main(void)
{
	const char *v = getenv("VERSION");

	if (!v || *v == '2')
		T_RUN(of_ikev2);
	if (!v || *v == '1')
		T_RUN(of_ikev1);
	return t_done();
}
