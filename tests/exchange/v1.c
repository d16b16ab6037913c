/* rooms: ike/engine ike/v1 ike/v2 ike/auth ike/wire core/crypto core/base */
/* IKEv1 between two engines: Main and Aggressive mode, Quick modes, rekeys of both kinds,
 * Deletes, DPD, NATs, a network that loses and repeats, and what goes wrong, in words. At
 * every step of the flow tests a packet sent by either side would have been understood.
 */
#include "ike/v1/v1.h"
#include "tests/exchange/pair.h"

static struct sim s;

static void both(struct sim_conf *a, struct sim_conf *b)
{
	struct sim_conf *c[2] = { a, b };

	for (int n = 0; n < 2; n++) {
		sim_conf(&s, n, c[n]);
		c[n]->peer.version = IKE_V1;
		sim_suites(SUITE_IKE, "aes128-sha256-x25519", &c[n]->peer.ike);
	}
}

static void set_both(struct sim_conf *a, struct sim_conf *b)
{
	sim_set(&s, 1, b);
	sim_set(&s, 0, a);
}

static void usual(void)
{
	struct sim_conf a, b;

	both(&a, &b);
	set_both(&a, &b);
}

static void aggressive(struct sim_conf *a, struct sim_conf *b)
{
	both(a, b);
	a->peer.exchange = b->peer.exchange = EXCHANGE_AGGRESSIVE;
}

/* ---- set-up ---- */

static void comes_up(void)
{
	struct sim_peer *p;

	sim_init(&s, 1);
	usual();
	sim_run(&s, 500);
	CHECK_UP(&s, 1);
	p = sim_status(&s, 0);
	CHECK_INT(p->st.version, IKE_V1);
	CHECK_STR(p->st.ike, "AES-128-CBC, PRF-HMAC-SHA2-256, Curve25519");
	CHECK_STR(p->child[0].esp, "AES-128-GCM, Curve25519");
	CHECK(p->st.initiator && !p->st.udp_encap);
	CHECK_STR(p->st.remote_id, "198.51.100.2");
	CHECK_INT(s.side[0].ups, 1);
	CHECK_INT(s.side[1].ups, 1);
	/* six of Main mode, three of Quick mode */
	CHECK_INT(s.side[0].sent + s.side[1].sent, 9);
	sim_end(&s);
}

static void aggressive_comes_up(void)
{
	struct sim_conf a, b;

	sim_init(&s, 2);
	aggressive(&a, &b);
	set_both(&a, &b);
	sim_run(&s, 2000);
	CHECK_UP(&s, 1);
	/* three and three; the first of Quick mode may have overtaken the last of these */
	CHECK(s.side[0].sent + s.side[1].sent <= 10);
	sim_end(&s);
}

static void algorithms(void)
{
	static const struct { const char *ike, *esp, *says; } list[] = {
		{ "3des-md5-modp1024", "3des-md5", "3DES-CBC, HMAC-MD5" },
		{ "des-sha1-modp768", "des-sha1-modp768", "DES-CBC, HMAC-SHA1, MODP 768" },
		{ "aes256-sha512-ecp384", "aes256-sha512-ecp384", NULL },
		{ "aes192-sha384-ecp521", "aes192-sha384", NULL },
		{ "camellia256-sha256-ecp256", "camellia128-sha256-ecp256", NULL },
		{ "blowfish128-sha1-modp1536", "blowfish128-sha1-modp1536", NULL },
		{ "aes256-sha1-modp2048", "aes256gcm16", "AES-256-GCM" },
		{ "aes128-sha256-modp1024,aes256-sha256-x25519", "aes128-sha1,aes256gcm16-x25519",
		  "AES-128-CBC, HMAC-SHA1" },
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct sim_conf a, b;

		sim_init(&s, 10 + i);
		both(&a, &b);
		sim_suites(SUITE_IKE, list[i].ike, &a.peer.ike);
		sim_suites(SUITE_ESP, list[i].esp, &a.children[0].esp);
		b.peer.ike = a.peer.ike;
		b.children[0].esp = a.children[0].esp;
		set_both(&a, &b);
		sim_run(&s, 800);
		CHECK_UP(&s, 1);
		if (list[i].says)
			CHECK_STR(sim_status(&s, 1)->child[0].esp, list[i].says);
		sim_end(&s);
	}
}

static void several_networks(void)
{
	struct sim_conf a, b;
	struct sim_peer *p;

	sim_init(&s, 20);
	both(&a, &b);
	a.peer.n_children = b.peer.n_children = 0;
	sim_child(&a, "b", "10.1.0.0/24,10.11.0.0/24", "10.2.0.0/24,10.22.0.0/24", "aes128-sha256");
	sim_child(&b, "a", "10.2.0.0/24,10.22.0.0/24", "10.1.0.0/24,10.11.0.0/24", "aes128-sha256");
	sim_child(&a, "more", "fd01::/64", "fd02::/64", "aes256-sha256");
	sim_child(&b, "more", "fd02::/64", "fd01::/64", "aes256-sha256");
	set_both(&a, &b);
	sim_run(&s, 2000);
	CHECK_UP(&s, 5);
	p = sim_status(&s, 1);
	CHECK_INT(p->child[0].n_local, 2);
	CHECK_INT(p->child[0].n_remote, 2);
	CHECK(!p->child[0].narrowed);
	CHECK_INT(p->child[1].state, CHILD_UP);
	sim_run(&s, 4 * 3600 * 1000);
	CHECK_UP(&s, 5);
	sim_end(&s);
}

/* Behind a NAT, in UDP; when the NAT forgets, the answerer follows. */
static void behind_nat(int how)
{
	struct sim_conf a, b;

	sim_init(&s, 30);
	s.nat = true;
	s.nat_shift = 20000;
	if (how)
		aggressive(&a, &b);
	else
		both(&a, &b);
	set_both(&a, &b);
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	CHECK(sim_status(&s, 0)->st.nat_local && sim_status(&s, 0)->st.udp_encap);
	CHECK(sim_status(&s, 1)->st.nat_remote && sim_status(&s, 1)->child[0].udp_encap);
	CHECK_INT(s.side[1].sas[0].sa.remote.port, 24500);
	s.nat_shift = 30000;
	sim_run(&s, 60000);
	CHECK_INT(s.side[1].sas[0].sa.remote.port, 34500);
	CHECK(s.side[0].keepalives > 1);
	/* phase 1 anew, on the port that is open */
	sim_run(&s, 5 * 3600 * 1000);
	CHECK_UP(&s, 1);
	sim_end(&s);
}

static void nat_main(void)
{
	behind_nat(0);
}

static void nat_aggressive(void)
{
	behind_nat(1);
}

/* Vendor IDs are signed by nobody, so the network can take RFC 3947's out: then it is a draft
 * that both know, with other numbers for the same. */
static bool no_rfc3947(struct sim *x, int from, const uint8_t *msg, size_t len)
{
	static const uint8_t id[] = { 0x4a, 0x13, 0x1c, 0x81, 0x07, 0x03, 0x58, 0x45 };
	uint8_t *at = memmem(msg, len, id, sizeof(id));

	if (from == 0 && at) {
		at[0] ^= 1;
		x->counter++;
	}
	return true;
}

static void nat_by_a_draft(void)
{
	struct sim_conf a, b;

	sim_init(&s, 33);
	s.nat = true;
	s.nat_shift = 20000;
	s.filter = no_rfc3947;
	both(&a, &b);
	set_both(&a, &b);
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	CHECK(s.counter > 0);
	CHECK_INT(v1(s.side[0].e->peers->main)->natt, NATT_DRAFT);
	CHECK_INT(v1(s.side[1].e->peers->main)->natt, NATT_DRAFT);
	CHECK(sim_status(&s, 1)->st.nat_remote && sim_status(&s, 0)->child[0].udp_encap);
	sim_end(&s);
}

/* Who sets the commit bit wants to be waited for (RFC 2408 §3.1): it is ready when it says so. */
static bool with_commit_bit(struct sim *x, int from, const uint8_t *msg, size_t len)
{
	(void)len;
	if (msg[18] == X_QUICK) {
		((uint8_t *)(uintptr_t)msg)[19] |= ISAKMP_COMMIT;
		x->counter += from + 1;
	}
	return true;
}

static void commit_bit(void)
{
	sim_init(&s, 34);
	s.filter = with_commit_bit;
	usual();
	sim_run(&s, 2 * 3600 * 1000);
	CHECK_UP(&s, 1);
	CHECK(s.counter >= 8);
	CHECK_INT(s.side[0].ups + s.side[1].ups, 2);
	sim_end(&s);
}

static void udp_forced(void)
{
	struct sim_conf a, b;

	for (int n = 0; n < 2; n++) {
		sim_init(&s, 35);
		both(&a, &b);
		engine_dataplane(s.side[n].e, &udp_can_no_esn);
		set_both(&a, &b);
		sim_run(&s, 1000);
		CHECK_UP(&s, 1);
		CHECK(sim_status(&s, 0)->st.udp_encap && sim_status(&s, 1)->st.udp_encap);
		sim_end(&s);
	}
}

/* version = auto answers either and begins with IKEv2. */
static void auto_answers_both(void)
{
	for (int v = IKE_V1; v <= IKE_V2; v++) {
		struct sim_conf a, b;

		sim_init(&s, 36 + v);
		both(&a, &b);
		a.peer.version = v;
		b.peer.version = IKE_AUTO;
		set_both(&a, &b);
		sim_run(&s, 1000);
		CHECK_UP(&s, 1);
		CHECK_INT(sim_status(&s, 1)->st.version, v);
		sim_end(&s);
		sim_init(&s, 38 + v);
		both(&a, &b);
		a.peer.version = IKE_AUTO;
		b.peer.version = IKE_V2;
		set_both(&a, &b);
		sim_run(&s, 1000);
		CHECK_UP(&s, 1);
		sim_end(&s);
	}
}

/* ---- rekeys ---- */

static void lives(int side, uint32_t esp_s, uint32_t ike_s, uint64_t seed, int check)
{
	struct sim_conf c[2];

	sim_init(&s, seed);
	both(&c[0], &c[1]);
	for (int n = 0; n < 2; n++) {
		c[n].children[0].esp_life_s = n == side ? esp_s : 3600;
		c[n].peer.ike_life_s = n == side ? ike_s : 40000;
		c[n].peer.rekey_margin_s = 60;
		c[n].peer.proposal_check = (uint8_t)check;
	}
	set_both(&c[0], &c[1]);
	sim_run(&s, 500);
	CHECK_UP(&s, 1);
	s.watch = true;
	sim_run(&s, 3600 * 1000);
	CHECK_UP(&s, 1);
	CHECK_INT(s.side[0].ups + s.side[1].ups, 2);
}

static void child_from_a(void)
{
	lives(0, 300, 40000, 40, CHECK_OBEY);
	/* the answerer lives by what was proposed; a rekey says "rekeyed" */
	CHECK(sim_status(&s, 0)->child[0].rekeys >= 12);
	CHECK(sim_status(&s, 1)->child[0].rekeys >= 12);
	CHECK(s.side[0].events[ENGINE_REKEYED] >= 12);
	sim_end(&s);
}

/* claim: the answerer's shorter life is told, and kept by both. */
static void child_life_claimed(void)
{
	lives(1, 300, 40000, 41, CHECK_CLAIM);
	CHECK(sim_status(&s, 0)->child[0].rekeys >= 12);
	CHECK(sim_status(&s, 0)->child[0].expires_in_s <= 300);
	sim_end(&s);
}

static void phase1_from_a(void)
{
	uint64_t spi;

	lives(0, 40000, 600, 42, CHECK_OBEY);
	spi = sim_status(&s, 0)->st.spi_i;
	CHECK(sim_status(&s, 0)->st.rekeys >= 6);
	CHECK_INT(s.side[0].adds, 1);		/* the children stayed */
	sim_run(&s, 700 * 1000);
	CHECK(sim_status(&s, 0)->st.spi_i != spi);
	CHECK(sim_status(&s, 1)->st.spi_i == sim_status(&s, 0)->st.spi_i);
	CHECK_INT(s.side[0].events[ENGINE_ESTABLISHED], 1);
	sim_end(&s);
}

/* The setting reauth: phase 1 is made anew by it as by its lifetime. */
static void reauth(void)
{
	struct sim_conf a, b;

	sim_init(&s, 43);
	both(&a, &b);
	a.peer.reauth_s = b.peer.reauth_s = 600;
	set_both(&a, &b);
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	s.watch = true;
	sim_run(&s, 3600 * 1000);
	CHECK_UP(&s, 1);
	CHECK(sim_status(&s, 0)->st.rekeys >= 5);
	CHECK_INT(s.side[0].ups + s.side[1].ups, 2);
	sim_end(&s);
}

/* Both sides rekey the child, or the ISAKMP SA, at the same moment. */
static void at_once(bool phase1)
{
	for (uint64_t seed = 50; seed < 70; seed++) {
		sim_init(&s, seed);
		usual();
		sim_run(&s, 20000);
		CHECK_UP(&s, 1);
		s.watch = true;
		for (int n = 0; n < 2; n++) {
			struct peer *p = s.side[n].e->peers;

			if (phase1)
				p->main->rekey_at = s.now;
			else
				p->children->rekey_at = s.now;
			v1_next(p->main);
		}
		sim_run(&s, 100000);
		CHECK_UP(&s, 1);
		CHECK_INT(s.side[0].ups + s.side[1].ups, 2);
		sim_end(&s);
	}
}

static void children_at_once(void)
{
	at_once(false);
}

static void phase1_at_once(void)
{
	at_once(true);
}

static void calls_at_once(void)
{
	for (uint64_t seed = 70; seed < 90; seed++) {
		struct sim_conf a, b;

		sim_init(&s, seed);
		both(&a, &b);
		b.peer.start = START_START;
		set_both(&a, &b);
		sim_run(&s, 40000);
		CHECK_UP(&s, 1);
		sim_end(&s);
	}
}

static void bad_network(void)
{
	for (uint64_t seed = 100; seed < 130; seed++) {
		struct sim_conf a, b;

		sim_init(&s, seed);
		if (seed & 1)
			aggressive(&a, &b);
		else
			both(&a, &b);
		a.children[0].esp_life_s = b.children[0].esp_life_s = 600;
		a.peer.ike_life_s = b.peer.ike_life_s = 1500;
		set_both(&a, &b);
		/* No bits flipped: IKEv1 signs neither NAT detection nor vendor IDs, so who
		 * changes those is found out by nobody. */
		s.loss = s.dup = s.reorder = 20;
		sim_run(&s, 3600 * 1000);
		s.loss = s.dup = s.reorder = 0;
		sim_run(&s, 1500 * 1000);
		/* perhaps in the two seconds after a rekey, when the old pair is there still */
		for (int i = 0; i < 3 && sim_count(&s.side[0]) + sim_count(&s.side[1]) != 2; i++)
			sim_run(&s, 10000);
		CHECK_UP(&s, 1);
		sim_end(&s);
	}
}

/* ---- ends ---- */

static void down_and_up(void)
{
	struct err e = { 0 };

	sim_init(&s, 130);
	usual();
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	CHECK_INT(engine_peer_down(s.side[0].e, "b", &e), 0);
	sim_run(&s, 1000);
	CHECK_INT(sim_count(&s.side[0]), 0);
	CHECK_INT(sim_count(&s.side[1]), 0);
	CHECK_STR(peer_state_name(sim_state(&s, 1)), "down");
	CHECK_INT(engine_peer_up(s.side[0].e, "b", &e), 0);
	sim_run(&s, 4000);
	CHECK_UP(&s, 1);
	/* settings: another network */
	{
		struct sim_conf a, b;

		both(&a, &b);
		sim_nets(a.children[0].remote_network, &a.children[0].n_remote, "10.5.0.0/24");
		sim_nets(b.children[0].local_network, &b.children[0].n_local, "10.5.0.0/24");
		set_both(&a, &b);
	}
	sim_run(&s, 20000);
	CHECK_UP(&s, 1);
	CHECK_INT(sim_status(&s, 1)->child[0].local[0].from.b[1], 5);
	sim_end(&s);
}

static void dead_peer(void)
{
	sim_init(&s, 131);
	usual();
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	/* quiet: only liveness, from both sides */
	sim_run(&s, 600000);
	CHECK_UP(&s, 1);
	CHECK(s.side[0].sent < 9 + 50);
	s.side[1].dead = true;
	sim_run(&s, 70000);
	CHECK(s.side[0].events[ENGINE_DOWN] == 1);
	CHECK(sim_logged(&s, "down: the peer does not answer any more"));
	s.side[1].dead = false;
	sim_run(&s, 120000);
	CHECK_UP(&s, 1);
	sim_end(&s);
}

static void peer_restarts(void)
{
	for (int n = 0; n < 2; n++) {
		struct sim_conf a, b;

		sim_init(&s, 132);
		both(&a, &b);
		set_both(&a, &b);
		sim_run(&s, 1000);
		CHECK_UP(&s, 1);
		sim_crash(&s, n);
		sim_set(&s, n, n ? &b : &a);
		sim_run(&s, 120000);
		CHECK_UP(&s, 1);
		sim_end(&s);
	}
}

static void dataplane_refuses(void)
{
	for (int n = 0; n < 2; n++) {
		sim_init(&s, 134);
		s.side[n].dp_refuses = true;
		usual();
		sim_run(&s, 60000);
		CHECK_INT(sim_count(&s.side[0]), 0);
		CHECK_INT(sim_counts(&s, n).child_sas, 0);
		s.side[n].dp_refuses = false;
		sim_run(&s, 300000);
		CHECK_UP(&s, 1);
		sim_end(&s);
	}
}

/* Every SA of a dataplane is gone: each is made anew, over the ISAKMP SA that stands. */
static void dataplane_lost(void)
{
	for (int n = 0; n < 2; n++) {
		struct sim_conf a, b;

		sim_init(&s, 136);
		both(&a, &b);
		a.peer.n_children = b.peer.n_children = 0;
		sim_child(&a, "b", "10.1.0.0/24,10.11.0.0/24", "10.2.0.0/24", "aes128-sha256");
		sim_child(&b, "a", "10.2.0.0/24", "10.1.0.0/24,10.11.0.0/24", "aes128-sha256");
		set_both(&a, &b);
		sim_run(&s, 30000);
		CHECK_UP(&s, 2);
		memset(s.side[n].sas, 0, sizeof(s.side[n].sas));
		engine_dataplane_lost(s.side[n].e);
		sim_run(&s, 40000);
		CHECK_UP(&s, 2);
		CHECK_INT(s.side[0].events[ENGINE_ESTABLISHED], 1);
		sim_end(&s);
	}
}

/* ---- what goes wrong, in words ---- */

static void wrong_psk(void)
{
	struct sim_conf a, b;

	sim_init(&s, 140);
	strcpy(s.side[1].psk, "another one");
	usual();
	sim_run(&s, 40000);
	CHECK_HAS(sim_status(&s, 0)->reason, "probably the pre-shared key differs");
	CHECK_HAS(sim_status(&s, 1)->failure, "probably the pre-shared key differs");
	strcpy(s.side[1].psk, s.side[0].psk);
	sim_run(&s, 100000);
	CHECK_UP(&s, 1);
	sim_end(&s);

	sim_init(&s, 141);
	strcpy(s.side[1].psk, "another one");
	aggressive(&a, &b);
	set_both(&a, &b);
	sim_run(&s, 2000);
	CHECK_HAS(sim_status(&s, 0)->reason, "does not have our PSK");
	sim_end(&s);

	sim_init(&s, 142);
	s.side[0].psk[0] = '\0';
	usual();
	sim_run(&s, 2000);
	CHECK_HAS(sim_status(&s, 0)->reason, "no pre-shared key is stored");
	sim_end(&s);
}

static void no_common_ike(void)
{
	struct sim_conf a, b;

	sim_init(&s, 143);
	both(&a, &b);
	sim_suites(SUITE_IKE, "aes256-sha256-modp2048", &a.peer.ike);
	set_both(&a, &b);
	sim_run(&s, 5000);
	CHECK_HAS(sim_status(&s, 0)->reason, "NO_PROPOSAL_CHOSEN");
	CHECK_HAS(sim_status(&s, 0)->reason, "ours: aes256-sha256-modp2048");
	CHECK_HAS(sim_status(&s, 1)->failure, "ours: AES-128-CBC");
	CHECK_HAS(sim_status(&s, 1)->failure, "theirs: AES-256-CBC");
	CHECK_HAS(sim_status(&s, 1)->failure, "no common encryption, key exchange group");
	sim_end(&s);

	sim_init(&s, 144);
	both(&a, &b);
	sim_suites(SUITE_IKE, "aes256gcm16-sha256-modp2048", &a.peer.ike);
	set_both(&a, &b);
	sim_run(&s, 5000);
	CHECK_HAS(sim_status(&s, 0)->reason, "CBC");
	sim_end(&s);
}

static void no_common_child(void)
{
	struct sim_conf a, b;

	sim_init(&s, 145);
	both(&a, &b);
	sim_suites(SUITE_ESP, "aes256-sha256-modp2048", &a.children[0].esp);
	set_both(&a, &b);
	sim_run(&s, 4000);
	CHECK_HAS(sim_status(&s, 0)->child_reason[0], "NO_PROPOSAL_CHOSEN");
	CHECK_HAS(sim_status(&s, 1)->failure, "theirs: AES-256-CBC");
	sim_end(&s);

	/* PFS on one side alone */
	for (int n = 0; n < 2; n++) {
		sim_init(&s, 146);
		both(&a, &b);
		sim_suites(SUITE_ESP, n ? "aes256-sha256" : "aes256-sha256-modp2048",
			   &a.children[0].esp);
		sim_suites(SUITE_ESP, n ? "aes256-sha256-modp2048" : "aes256-sha256",
			   &b.children[0].esp);
		set_both(&a, &b);
		sim_run(&s, 4000);
		CHECK_HAS(sim_status(&s, 0)->child_reason[0], "PFS");
		CHECK_HAS(sim_status(&s, 1)->failure, "key exchange group");
		sim_end(&s);
	}

	sim_init(&s, 147);
	both(&a, &b);
	sim_nets(a.children[0].remote_network, &a.children[0].n_remote, "10.3.0.0/24");
	set_both(&a, &b);
	sim_run(&s, 4000);
	CHECK_HAS(sim_status(&s, 0)->child_reason[0], "INVALID_ID_INFORMATION");
	CHECK_HAS(sim_status(&s, 1)->failure, "networks do not match");
	CHECK_HAS(sim_status(&s, 1)->failure, "10.3.0.0/24");
	sim_end(&s);
}

static void wrong_id(void)
{
	struct sim_conf a, b;
	struct ike_id id = { .type = ID_FQDN, .len = 9, .data = "a.example" };

	sim_init(&s, 148);
	both(&a, &b);
	b.peer.peer_id = id;
	set_both(&a, &b);
	sim_run(&s, 5000);
	CHECK_HAS(sim_status(&s, 1)->failure, "expected a.example (peer_id)");
	CHECK_HAS(sim_status(&s, 0)->reason, "AUTHENTICATION_FAILED");
	sim_end(&s);

	sim_init(&s, 149);
	both(&a, &b);
	a.peer.peer_id = id;
	set_both(&a, &b);
	sim_run(&s, 5000);
	CHECK_HAS(sim_status(&s, 0)->reason, "expected a.example (peer_id)");
	sim_end(&s);
}

static void nobody_there(void)
{
	struct sim_conf a, b;

	sim_init(&s, 150);
	both(&a, &b);
	sim_set(&s, 0, &a);
	sim_run(&s, 36000);
	CHECK_HAS(sim_status(&s, 0)->reason, "no answer from 198.51.100.2");
	/* six of a try, and no more than two tries by now; nothing came back */
	CHECK(s.side[0].sent >= 6 && s.side[0].sent <= 12);
	CHECK_INT(s.side[1].sent, 0);
	CHECK(sim_counts(&s, 1).drops.no_peer >= 6);
	sim_end(&s);

	/* set to the other version */
	sim_init(&s, 151);
	both(&a, &b);
	b.peer.version = IKE_V2;
	set_both(&a, &b);
	sim_run(&s, 5000);
	CHECK(sim_logged(&s, "by IKEv1"));
	CHECK_INT(s.side[1].sent, 0);
	sim_end(&s);

	/* Aggressive mode is not for whom it is not set for */
	sim_init(&s, 152);
	both(&a, &b);
	a.peer.exchange = EXCHANGE_AGGRESSIVE;
	set_both(&a, &b);
	sim_run(&s, 5000);
	CHECK_HAS(sim_status(&s, 1)->failure, "Aggressive mode");
	CHECK_INT(sim_counts(&s, 1).half_open, 0);
	sim_end(&s);
}

/* strict and exact refuse other lifetimes; the words say whose they are. */
static void lifetimes(void)
{
	static const struct { int check; uint32_t theirs; bool up; } list[] = {
		{ CHECK_STRICT, 3000, true }, { CHECK_STRICT, 4000, false },
		{ CHECK_EXACT, 3600, true }, { CHECK_EXACT, 3000, false },
		{ CHECK_OBEY, 90000, true }, { CHECK_CLAIM, 90000, true },
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct sim_conf a, b;

		sim_init(&s, 160 + i);
		both(&a, &b);
		a.children[0].esp_life_s = list[i].theirs;
		b.peer.proposal_check = (uint8_t)list[i].check;
		set_both(&a, &b);
		sim_run(&s, 3000);
		if (list[i].up) {
			CHECK_UP(&s, 1);
		} else {
			CHECK_HAS(sim_status(&s, 1)->failure, "lifetimes differ");
			CHECK_INT(sim_count(&s.side[1]), 0);
		}
		sim_end(&s);
	}
}

static void kilobytes(void)
{
	struct sim_conf a, b;

	sim_init(&s, 170);
	both(&a, &b);
	a.children[0].esp_life_bytes = 10 * 1024 * 1024;
	set_both(&a, &b);
	sim_run(&s, 3000);
	CHECK_UP(&s, 1);
	CHECK_INT(s.side[1].e->peers->children->life_bytes, 10 * 1024 * 1024);
	sim_end(&s);
}

static bool no_second_quick(struct sim *x, int from, const uint8_t *msg, size_t len)
{
	(void)len;
	return from != 0 || msg[18] != X_QUICK || !x->counter;
}

/* A first rekey is tried soon where a peer is new; what it finds is said, and the tunnel stays. */
static void rekey_tried_first(void)
{
	struct sim_conf a, b;

	sim_init(&s, 172);
	both(&a, &b);
	a.peer.test_rekey = true;
	set_both(&a, &b);
	sim_run(&s, 3000);
	CHECK_UP(&s, 1);
	s.counter = 1;
	s.filter = no_second_quick;
	sim_run(&s, 60000);
	CHECK_HAS(sim_status(&s, 0)->failure, "a first rekey was tried");
	CHECK_UP(&s, 1);
	s.counter = 0;
	sim_run(&s, 3600 * 1000);
	CHECK_UP(&s, 1);
	CHECK(sim_status(&s, 0)->child[0].rekeys >= 1);
	CHECK_INT(s.side[0].ups + s.side[1].ups, 2);
	sim_end(&s);
}

static void fragments(void)
{
	struct sim_conf a, b;

	sim_init(&s, 171);
	both(&a, &b);
	a.peer.fragmentation = b.peer.fragmentation = FRAGMENT_FORCE;
	a.peer.fragment_size = b.peer.fragment_size = 200;
	sim_suites(SUITE_IKE, "aes128-sha256-modp4096", &a.peer.ike);
	b.peer.ike = a.peer.ike;
	s.dup = s.reorder = 20;
	set_both(&a, &b);
	sim_run(&s, 20000);
	CHECK_UP(&s, 1);
	/* five would do otherwise */
	CHECK(s.side[0].sent >= 10);
	sim_end(&s);
}

int main(void)
{
	T_RUN(comes_up);
	T_RUN(aggressive_comes_up);
	T_RUN(algorithms);
	T_RUN(several_networks);
	T_RUN(nat_main);
	T_RUN(nat_aggressive);
	T_RUN(nat_by_a_draft);
	T_RUN(commit_bit);
	T_RUN(udp_forced);
	T_RUN(auto_answers_both);
	T_RUN(child_from_a);
	T_RUN(child_life_claimed);
	T_RUN(phase1_from_a);
	T_RUN(reauth);
	T_RUN(children_at_once);
	T_RUN(phase1_at_once);
	T_RUN(calls_at_once);
	T_RUN(bad_network);
	T_RUN(down_and_up);
	T_RUN(dead_peer);
	T_RUN(peer_restarts);
	T_RUN(dataplane_refuses);
	T_RUN(dataplane_lost);
	T_RUN(wrong_psk);
	T_RUN(no_common_ike);
	T_RUN(no_common_child);
	T_RUN(wrong_id);
	T_RUN(nobody_there);
	T_RUN(lifetimes);
	T_RUN(kilobytes);
	T_RUN(rekey_tried_first);
	T_RUN(fragments);
	return t_done();
}
