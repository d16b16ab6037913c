/* rooms: ike/engine ike/v1 ike/v2 ike/auth ike/wire core/crypto core/base */
/* The table of transitions, walked: every state, exchange and role. What has a row is
 * what the map below says, and what has none is dropped and counted, and moves nothing.
 */
#include "ike/v2/v2.h"
#include "tests/exchange/pair.h"

/* '.' nothing; r requests, a answers, b both. In the order of SA_INIT, AUTH, CREATE,
 * INFO. */
static const char *const map[SA_STATES] = {
	[SA_IDLE] =        "r...",
	[SA_INIT_SENT] =   "a...",
	[SA_SIGNING] =     "....",
	[SA_AUTH_SENT] =   ".a..",
	[SA_VERIFYING] =   "....",
	[SA_HALF_OPEN] =   "rr..",
	[SA_R_VERIFYING] = ".r..",
	[SA_R_SIGNING] =   ".r..",
	[SA_ESTABLISHED] = "..bb",
	[SA_REKEYED] =     "..rb",
	[SA_DELETING] =    "..rb",
	[SA_CLOSED] =      "....",
	[SA_DEAD] =        "....",
};

static const enum shape shapes[] = {
	SHAPE_ANY, SHAPE_FULL, SHAPE_COOKIE, SHAPE_OTHER_KE, SHAPE_ERROR, SHAPE_NO_AUTH,
	SHAPE_NEW_CHILD, SHAPE_REKEY_IKE, SHAPE_REKEY_CHILD, SHAPE_DELETE_IKE,
};
#define N_SHAPES (sizeof(shapes) / sizeof(shapes[0]))

static bool any_row(enum sa_state st, uint8_t exchange, enum role role)
{
	for (size_t i = 0; i < N_SHAPES; i++)
		if (transition_find(st, exchange, role, shapes[i]))
			return true;
	return false;
}

static bool expected(enum sa_state st, unsigned exchange, enum role role)
{
	char c = exchange >= IKE_SA_INIT && exchange <= INFORMATIONAL ?
		 map[st][exchange - IKE_SA_INIT] : '.';

	return c == 'b' || c == (role == ROLE_REQUEST ? 'r' : 'a');
}

static void as_the_map_says(void)
{
	for (unsigned st = 0; st < SA_STATES; st++)
		for (unsigned x = EV_END; x < 256; x++)
			for (int role = ROLE_REQUEST; role <= ROLE_RESPONSE; role++) {
				bool want = expected(st, x, role);

				if (any_row(st, (uint8_t)x, role) == want)
					continue;
				printf("    %s, exchange %u, %s\n", sa_state_name(st), x,
				       role == ROLE_REQUEST ? "request" : "response");
				CHECK(!"the map and the table differ");
			}
}

static void rows_are_sound(void)
{
	size_t n;
	const struct transition *t = transition_table(&n);
	bool reached[SA_STATES] = { [SA_IDLE] = true };

	for (size_t i = 0; i < n; i++, t++) {
		CHECK(t->act && t->story && t->section && t->section[0]);
		CHECK(t->from < SA_STATES && t->done < SA_STATES &&
		      t->failed < SA_STATES);
		CHECK(t->from != SA_DEAD);
		CHECK((t->role == ROLE_EVENT) == (t->on < EV_END));
		CHECK((t->role == ROLE_EVENT) == !t->payloads);
		reached[t->done] = reached[t->failed] = true;
		/* An earlier row must not hide it. */
		CHECK(transition_find(t->from, t->on, t->role, t->shape) == t);
		for (const struct payload_rule *r = t->payloads; r && r->type; r++)
			CHECK(r->min <= r->max && r->type >= PAYLOAD_SA);
	}
	for (unsigned st = 0; st < SA_STATES; st++)
		CHECK(reached[st]);
}

/* Whatever state it is in, an IKE SA can be ended, and every state but the one that is
 * meant to last, and those that retransmit, ends by time. */
static void every_state_ends(void)
{
	for (unsigned st = 0; st < SA_DEAD; st++) {
		CHECK(transition_find(st, EV_DROP, ROLE_EVENT, SHAPE_ANY));
		if (sa_state_ms(st))
			CHECK(transition_find(st, EV_TIMEOUT, ROLE_EVENT, SHAPE_ANY));
		else
			CHECK(st == SA_IDLE || st == SA_ESTABLISHED ||
			      transition_find(st, EV_NO_ANSWER, ROLE_EVENT, SHAPE_ANY));
	}
}

/* ---- with real messages ---- */

static struct sim s;

/* A message of side 0, sealed or not, as its exchange has it: empty. */
static size_t message(struct ike_sa *sa, uint8_t exchange, bool response, uint32_t id,
		      struct out *o)
{
	struct ike_hdr h = {
		.spi_i = sa->spi_i,
		.spi_r = exchange == IKE_SA_INIT && !response ? 0 : sa->spi_r,
		.exchange = exchange,
		.msg_id = exchange == IKE_SA_INIT ? 0 : id,
		.flags = (response ? IKE_FLAG_RESPONSE : 0) |
			 (sa->initiator ? IKE_FLAG_INITIATOR : 0),
	};
	struct err e;
	size_t len = 0;

	build_begin(&o->b, o->buf, sizeof(o->buf), &h);
	if (exchange == IKE_SA_INIT) {
		build_notify_plain(&o->b, N_NO_PROPOSAL_CHOSEN);
		if (build_end(&o->b, &len, &e) < 0)
			abort();
		return len;
	}
	sk_begin(v2(sa)->seal, &o->b);
	if (sk_end(v2(sa)->seal, &o->b, &len, &e) < 0)
		abort();
	return len;
}

static uint32_t dropped(void)
{
	struct engine_counts c = sim_counts(&s, 1);
	struct drop_counts p = sim_status(&s, 1)->st.drops;

	return c.drops.unexpected + c.drops.malformed + c.drops.unknown_spi +
	       c.drops.bad_id + p.unexpected + p.malformed + p.bad_id;
}

/* Put side 1's IKE SA in a state, let an authentic message of that exchange come. */
static void try_one(enum sa_state st, uint8_t exchange, bool response)
{
	struct ike_sa *from = s.side[0].e->peers->main, *to = s.side[1].e->peers->main;
	struct endpoint src = to->remote, dst = to->local;
	struct handshake hs = { 0 };
	uint32_t before, in = v2(to)->next_in, outs = v2(to)->next_out;
	uint8_t req[IKE_HDR_LEN] = { 0 };
	unsigned sent = s.side[1].sent;
	enum sa_state was = to->state;
	struct out o;
	size_t len;

	req[18] = exchange;
	if (response && blob_set(&v2(to)->req, (struct slice){ req, sizeof(req) }) < 0)
		abort();
	to->state = st;
	v2(to)->hs = &hs;
	before = dropped();
	len = message(from, exchange, response, response ? outs : in, &o);
	engine_receive(s.side[1].e, &dst, &src, o.buf, len);
	v2(to)->hs = NULL;
	if (to->state != st)
		printf("    %s moved by %s\n", sa_state_name(st),
		       ike_exchange_name(exchange));
	CHECK(to->state == st);
	CHECK(dropped() == before + 1);
	CHECK_INT(s.side[1].sent, sent);
	CHECK(v2(to)->next_in == in && v2(to)->next_out == outs);
	to->state = was;
	blob_free(&v2(to)->req);
	timer_stop(&s.ts, &to->rtx);
}

static void unlisted_is_dropped(void)
{
	static const uint8_t exchanges[] = { IKE_SA_INIT, IKE_AUTH, CREATE_CHILD_SA,
					     INFORMATIONAL, 33, 38, 43, 255, 0 };
	unsigned n = 0;

	sim_init(&s, 1);
	sim_usual(&s);
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	for (unsigned st = 0; st < SA_DEAD; st++)
		for (size_t i = 0; i < sizeof(exchanges); i++)
			for (int response = 0; response < 2; response++) {
				if (any_row(st, exchanges[i],
					    response ? ROLE_RESPONSE : ROLE_REQUEST))
					continue;
				try_one(st, exchanges[i], response);
				n++;
			}
	CHECK(n > 150);
	/* And the tunnel never noticed. */
	sim_run(&s, 100000);
	CHECK_UP(&s, 1);
	sim_end(&s);
}

int main(void)
{
	T_RUN(as_the_map_says);
	T_RUN(rows_are_sound);
	T_RUN(every_state_ends);
	T_RUN(unlisted_is_dropped);
	return t_done();
}
