/* rooms: ike/engine ike/v1 ike/v2 ike/auth ike/wire core/crypto core/base */
/* Who has no PSK, or has one and means harm: our own messages thrown back, an IKE SA that is
 * not proven yet, public values that are none, floods of what is broken inside, and a peer
 * that rekeys without end. */
#include "ike/v2/v2.h"
#include "tests/exchange/pair.h"

static struct sim s;

/* ---- thrown back ---- */

/* All that side 0 says comes back to it, as if side 1 had said it. */
static bool throw_back(struct sim *sim, int from, const uint8_t *msg, size_t len)
{
	struct ike_sa *sa = sim->side[0].e->peers->sas;
	struct sim_packet *p;

	if (from != 0 || !sa)
		return true;
	p = sim_put(sim, 20);
	p->to = 0;
	p->src = sa->remote;
	p->dst = sa->local;
	p->bytes = malloc(len);
	p->len = len;
	memcpy(p->bytes, msg, len);
	return false;
}

/* The PSK is the same on both sides, so what we sign we would also accept: with an ID that may
 * be any address, as behind a NAT, nothing else tells the peer from ourselves. */
static void reflected(void)
{
	struct sim_conf a;

	for (int any = 0; any < 2; any++) {
		sim_init(&s, 1);
		engine_dataplane(s.side[0].e, &udp_can);
		s.filter = throw_back;
		sim_conf(&s, 0, &a);
		if (any) {
			a.peer.local_id.type = ID_FQDN;
			a.peer.local_id.len = 1;
			a.peer.local_id.data[0] = 'x';
			a.peer.peer_id = a.peer.local_id;
		}
		a.peer.n_children = 0;
		sim_child(&a, "b", "0.0.0.0/0", "0.0.0.0/0", "aes128gcm16");
		sim_set(&s, 0, &a);
		sim_run(&s, 20000);
		CHECK_INT(s.side[0].events[ENGINE_ESTABLISHED], 0);
		CHECK_INT(sim_count(&s.side[0]), 0);
		CHECK_INT(sim_counts(&s, 0).half_open, 0);
		CHECK_INT(s.side[0].ups, 0);
		/* The real peer is heard as soon as it is let. */
		s.filter = NULL;
		s.side[0].dead = s.side[1].dead = false;
		sim_end(&s);
	}
}

/* ---- not proven yet ---- */

static size_t delete_child(struct ike_sa *sa, uint32_t spi, uint32_t id, struct out *o)
{
	struct ike_hdr h = {
		.spi_i = sa->spi_i, .spi_r = sa->spi_r, .exchange = INFORMATIONAL,
		.msg_id = id, .flags = sa->initiator ? IKE_FLAG_INITIATOR : 0,
	};
	struct err e;
	size_t len = 0;

	build_begin(&o->b, o->buf, sizeof(o->buf), &h);
	sk_begin(v2(sa)->seal, &o->b);
	build_delete_spis(&o->b, PROTO_ESP, &spi, 1);
	if (sk_end(v2(sa)->seal, &o->b, &len, &e) < 0)
		abort();
	return len;
}

/* An IKE SA whose other end could not prove itself is told so by our Delete, and answers may
 * still come on it: they take nothing away from the one that is proven. */
static void unproven_deletes_nothing(void)
{
	struct ike_sa *from, *to;
	struct endpoint src, dst;
	uint64_t since;
	struct out o;
	size_t len;

	sim_init(&s, 2);
	sim_usual(&s);
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	from = s.side[0].e->peers->main;
	to = s.side[1].e->peers->main;
	src = to->remote;
	dst = to->local;
	since = to->established_ms;
	to->established_ms = 0;
	to->state = SA_DELETING;
	to->over = true;	/* the child stands for one of another IKE SA */
	len = delete_child(from, s.side[1].e->peers->children->spi_out, v2(to)->next_in, &o);
	engine_receive(s.side[1].e, &dst, &src, o.buf, len);
	CHECK_INT(sim_counts(&s, 1).child_sas, 1);
	to->established_ms = since;
	to->state = SA_ESTABLISHED;
	to->over = false;
	v2(from)->next_out++;
	sim_run(&s, 100000);
	CHECK_UP(&s, 1);
	sim_end(&s);
}

/* ---- strangers ---- */

static uint8_t caught[MSG_CAP];
static size_t caught_len;

static bool catch_init(struct sim *sim, int from, const uint8_t *msg, size_t len)
{
	(void)sim;
	if (from == 0 && msg[18] == IKE_SA_INIT && !(msg[19] & IKE_FLAG_RESPONSE)) {
		memcpy(caught, msg, len);
		caught_len = len;
	}
	return true;
}

static void spoil_ke(void)
{
	struct ike_msg m;
	struct err e;

	if (ike_msg_parse(caught, caught_len, &m, &e) < 0)
		abort();
	memset((uint8_t *)(uintptr_t)ike_msg_get(&m, PAYLOAD_KE)->body.p + 4, 0, 32);
}

/* A public value that is none costs us a key pair before we know: such a caller is counted
 * like one that never comes back. */
static void bad_public_values_are_counted(void)
{
	struct endpoint from = { sim_addr("203.0.113.1"), 500 };
	struct endpoint to = { sim_addr("198.51.100.2"), 500 };
	struct sim_conf a;

	sim_init(&s, 3);
	s.filter = catch_init;
	s.side[1].dead = true;
	sim_conf(&s, 1, &a);
	sim_set(&s, 1, &a);
	sim_conf(&s, 0, &a);
	sim_set(&s, 0, &a);
	engine_peer_remove(s.side[0].e, "b");
	spoil_ke();
	for (unsigned i = 0; i < 1000; i++) {
		caught[6] = (uint8_t)(i >> 8);
		caught[7] = (uint8_t)i;
		engine_receive(s.side[1].e, &to, &from, caught, caught_len);
	}
	CHECK(sim_counts(&s, 1).cookies_sent > 900);
	CHECK(sim_counts(&s, 1).half_open < 20);
	s.side[1].dead = false;
	sim_set(&s, 0, &a);
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	sim_run(&s, 20000);
	CHECK_INT(sim_counts(&s, 1).half_open, 0);
	CHECK_UP(&s, 1);
	sim_end(&s);
}

static size_t with_critical(struct ike_sa *sa, struct out *o)
{
	struct err e;
	struct wr *w;
	size_t len = 0;

	out_request(sa, o, IKE_AUTH);
	w = build_payload(&o->b, 100);
	wr_u32(w, 0);
	o->buf[w->len - 4 - 3] = 0x80;
	if (sk_end(v2(sa)->seal, &o->b, &len, &e) < 0)
		abort();
	v2(sa)->next_out++;
	return len;
}

/* Anyone at the right address can agree on keys; the log is not theirs to fill. */
static void broken_inside_is_logged_rarely(void)
{
	struct ike_sa *sa;
	struct endpoint src, dst;
	size_t before;
	struct out o;

	sim_init(&s, 4);
	s.side[0].vault_mute = true;
	sim_usual(&s);
	sim_run(&s, 1000);
	sa = s.side[0].e->peers->sas;
	CHECK_INT(sa->state, SA_SIGNING);
	src = sa->local;
	dst = sa->remote;
	before = s.n_log;
	for (unsigned i = 0; i < 500; i++) {
		size_t len = with_critical(sa, &o);

		engine_receive(s.side[1].e, &dst, &src, o.buf, len);
		sim_run(&s, 1);
	}
	CHECK(s.n_log - before < 20);
	CHECK_INT(s.side[1].events[ENGINE_ESTABLISHED], 0);
	s.side[0].vault_mute = false;
	sim_end(&s);
}

/* ---- a peer without manners ---- */

static bool no_deletes(struct sim *sim, int from, const uint8_t *msg, size_t len)
{
	(void)sim;
	(void)len;
	return from != 0 || msg[18] != INFORMATIONAL;
}

/* All of them, those on their way out too. */
static unsigned ike_sas(int n)
{
	unsigned k = 0;

	for (size_t i = 0; i < SPI_BUCKETS; i++)
		for (struct ike_sa *sa = s.side[n].e->by_spi[i]; sa; sa = sa->hash_next)
			k++;
	return k;
}

static void rekeying_without_end(void)
{
	sim_init(&s, 5);
	sim_usual(&s);
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	s.filter = no_deletes;
	for (int i = 0; i < 200; i++) {
		struct ike_sa *sa = s.side[0].e->peers->main;

		sa->rekey_at = s.now;
		task_next(sa);
		sim_run(&s, 60);
		CHECK(ike_sas(1) <= 20);
	}
	s.filter = NULL;
	sim_run(&s, 60000);
	CHECK_UP(&s, 1);
	CHECK(sim_status(&s, 1)->st.rekeys >= 150);
	sim_end(&s);
}

/* ---- recordings ---- */

static bool catch_request(struct sim *sim, int from, const uint8_t *msg, size_t len)
{
	(void)sim;
	if (from == 0 && msg[18] == INFORMATIONAL && !(msg[19] & IKE_FLAG_RESPONSE)) {
		memcpy(caught, msg, len);
		caught_len = len;
	}
	return true;
}

/* A dead peer's last request, played again and again, is answered, and hides nothing. */
static void a_recording_is_no_life(void)
{
	struct endpoint src, dst;
	struct sim_conf a, b;
	unsigned sent;

	sim_init(&s, 7);
	sim_conf(&s, 1, &b);
	sim_set(&s, 1, &b);
	sim_conf(&s, 0, &a);
	a.peer.dpd_delay_s = 5;		/* so that side 0 asks first */
	sim_set(&s, 0, &a);
	s.filter = catch_request;
	caught_len = 0;
	sim_run(&s, 12000);
	CHECK_UP(&s, 1);
	CHECK(caught_len > 28);
	src = s.side[1].e->peers->main->remote;
	dst = s.side[1].e->peers->main->local;
	s.side[0].dead = true;
	sent = s.side[1].sent;
	engine_receive(s.side[1].e, &dst, &src, caught, caught_len);
	CHECK_INT(s.side[1].sent, sent + 1);
	for (int i = 0; i < 120 && s.side[1].e->peers->main; i++) {
		engine_receive(s.side[1].e, &dst, &src, caught, caught_len);
		sim_run(&s, 1000);
	}
	CHECK(!s.side[1].e->peers->main);
	CHECK_STR(peer_state_name(sim_state(&s, 1)), "down");
	s.side[0].dead = false;
	s.filter = NULL;
	sim_end(&s);
}

/* ---- two things at one moment ---- */

/* The dataplane ends while two pairs wait for it, and the IKE SA is due to go. */
static void lost_and_due(void)
{
	struct sim_conf a, b;

	sim_init(&s, 6);
	sim_conf(&s, 0, &a);
	sim_conf(&s, 1, &b);
	sim_child(&a, "second", "10.1.1.0/24", "10.2.1.0/24", "aes128gcm16");
	sim_child(&b, "second", "10.2.1.0/24", "10.1.1.0/24", "aes128gcm16");
	s.side[0].dp_mute = true;
	sim_set(&s, 1, &b);
	sim_set(&s, 0, &a);
	sim_run(&s, 1000);
	CHECK_INT(sim_counts(&s, 0).child_sas, 2);
	s.side[0].e->peers->main->kill_at = s.now;
	s.side[0].e->peers->main->kill_silent = true;
	engine_dataplane_lost(s.side[0].e);
	CHECK_INT(sim_counts(&s, 0).child_sas, 0);
	s.side[0].dp_mute = false;
	sim_run(&s, 200000);
	CHECK_UP(&s, 2);
	sim_end(&s);
}

int main(void)
{
	T_RUN(reflected);
	T_RUN(unproven_deletes_nothing);
	T_RUN(bad_public_values_are_counted);
	T_RUN(broken_inside_is_logged_rarely);
	T_RUN(rekeying_without_end);
	T_RUN(a_recording_is_no_life);
	T_RUN(lost_and_due);
	return t_done();
}
