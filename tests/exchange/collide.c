/* rooms: ike/engine ike/v1 ike/v2 ike/auth ike/wire core/crypto core/base */
/* Collisions (RFC 7296 §2.8.1, §2.8.2, §2.25): each thing that one side may begin against
 * each that the other may, some milliseconds apart, on a network that treats one message
 * of the meeting badly: loses it, holds it back past its repetition, or doubles it.
 * Whatever happened, both sides end with the same SAs, one pair for each child; and where
 * nobody deleted anything and nothing was lost no packet was lost either. */
#include "tests/exchange/fast_ke.h"

#include "ike/v2/v2.h"
#include "tests/exchange/pair.h"

#define MESSAGES 12		/* the first so many of a meeting are treated badly in turn */

enum thing { NOTHING, REKEY_CHILD, REKEY_IKE, DELETE_CHILD, NEW_CHILD, LIVENESS, RESTART,
	     THINGS };
static const char *const thing_names[THINGS] = {
	"nothing", "rekey the child", "rekey the IKE SA", "delete the child", "a new child",
	"liveness", "restart",
};

enum fate { FINE, LOST, LATE, TWICE, FATES };
static const char *const fate_names[FATES] = { "fine", "lost", "late", "twice" };

static struct sim s;
static struct sim_conf conf[2];
static enum fate fate;
static int victim;

static bool treat(struct sim *sim, int from, const uint8_t *msg, size_t len)
{
	bool it = sim->counter++ == victim;

	(void)from;
	(void)msg;
	(void)len;
	sim->delay_ms = it && fate == LATE ? 2600 : 20;
	sim->dup = it && fate == TWICE ? 100 : 0;
	return !(it && fate == LOST);
}

static struct ike_sa *ike(int n)
{
	return s.side[n].e->peers->main;
}

static void with_voice(int n)
{
	sim_child(&conf[n], "voice", n ? "10.2.9.0/24" : "10.1.9.0/24",
		  n ? "10.1.9.0/24" : "10.2.9.0/24", "aes128gcm16-x25519");
	sim_set(&s, n, &conf[n]);
}

static void begin(int n, enum thing what)
{
	struct engine *e = s.side[n].e;
	struct ike_sa *sa = ike(n);
	struct child *c = e->peers->children;

	switch (what) {
	case REKEY_CHILD:
		if (c)
			engine_sa_event(e, c->id, SA_EVENT_SOFT);
		break;
	case REKEY_IKE:
		if (!sa)
			break;
		sa->rekey_at = s.now;
		task_next(sa);
		engine_reap(e);
		break;
	case DELETE_CHILD:
		if (c)
			engine_sa_event(e, c->id, SA_EVENT_HARD);
		break;
	case NEW_CHILD:
		with_voice(n);
		break;
	case LIVENESS:
		if (!sa)
			break;
		sa->last_rx_ms = s.now - 60000;
		task_next(sa);
		engine_reap(e);
		break;
	case RESTART:
		engine_secret_changed(e, n ? "a" : "b");
		break;
	case NOTHING:
	case THINGS:
		break;
	}
}

static bool breaks(enum thing t)
{
	return t == DELETE_CHILD || t == RESTART;
}

static unsigned wanted(void)
{
	unsigned a = conf[0].peer.n_children, b = conf[1].peer.n_children;

	return a < b ? a : b;
}

static bool settled(void)
{
	unsigned n = wanted();

	return sim_matched(&s) && sim_count(&s.side[0]) == n && sim_count(&s.side[1]) == n &&
	       sim_counts(&s, 0).ike_sas == 1 && sim_counts(&s, 1).ike_sas == 1 &&
	       sim_counts(&s, 0).child_sas == n && sim_counts(&s, 1).child_sas == n &&
	       sim_flows(&s, 0) && sim_flows(&s, 1) && !s.trouble[0];
}

static void meeting(enum thing a, enum thing b, unsigned apart)
{
	unsigned most;

	sim_init(&s, 1000 + apart);
	for (int n = 1; n >= 0; n--) {
		sim_conf(&s, n, &conf[n]);
		/* Who does not begin it knows of the new child already. */
		if ((n == 1 && a == NEW_CHILD && b != NEW_CHILD) ||
		    (n == 0 && b == NEW_CHILD && a != NEW_CHILD))
			with_voice(n);
		else
			sim_set(&s, n, &conf[n]);
	}
	sim_run(&s, 3000);
	s.filter = treat;
	s.counter = 0;
	s.watch = !breaks(a) && !breaks(b) && fate != LOST;
	begin(0, a);
	sim_run(&s, apart);
	begin(1, b);
	/* A lost answer may cost a dead peer's patience; then there are a minute's tries. */
	for (int i = 0; i < 60; i++) {
		sim_run(&s, 5000);
		if (i > 1 && settled())
			break;
	}
	most = s.side[0].adds;
	if (!settled() || most > 8) {
		printf("    %s against %s, %u ms apart, message %d %s: %s\n", thing_names[a],
		       thing_names[b], apart, victim, fate_names[fate],
		       s.trouble[0] ? s.trouble : "not settled");
		printf("    SAs %u %u, IKE %zu %zu, want %u, %u were made\n",
		       sim_count(&s.side[0]), sim_count(&s.side[1]), sim_counts(&s, 0).ike_sas,
		       sim_counts(&s, 1).ike_sas, wanted(), most);
		CHECK(!"a collision went wrong");
	}
	s.watch = false;
	s.filter = NULL;
	s.delay_ms = 20;
	s.dup = 0;
	sim_end(&s);
}

static void all_meetings(void)
{
	static const unsigned apart[] = { 0, 2, 7, 13, 19, 20, 21, 23, 31, 40, 41, 43, 65, 90 };

	for (int a = NOTHING; a < THINGS; a++)
		for (int b = NOTHING; b < THINGS; b++)
			for (size_t i = 0; i < sizeof(apart) / sizeof(apart[0]); i++)
				meeting((enum thing)a, (enum thing)b, apart[i]);
}

static void nothing_is_lost(void)
{
	fate = FINE;
	victim = -1;
	all_meetings();
}

static void each_message(enum fate how)
{
	fate = how;
	for (victim = 0; victim < MESSAGES; victim++)
		all_meetings();
}

static void one_is_lost(void)
{
	each_message(LOST);
}

static void one_is_late(void)
{
	each_message(LATE);
}

static void one_comes_twice(void)
{
	each_message(TWICE);
}

int main(void)
{
	T_RUN(nothing_is_lost);
	T_RUN(one_comes_twice);
	T_RUN(one_is_late);
	T_RUN(one_is_lost);
	return t_done();
}
