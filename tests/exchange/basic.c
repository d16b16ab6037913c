/* rooms: ike/engine ike/v1 ike/v2 ike/auth ike/wire core/crypto core/base */
/* Tunnels come up, in both roles, with every kind of identity and selector; and when they
 * cannot, both sides say why. */
#include "tests/exchange/pair.h"
#include "ike/wire/id.h"

static struct sim s;

static struct ike_id id_of(enum id_type type, const char *text)
{
	struct ike_id id = { .type = type, .len = (uint8_t)strlen(text) };

	memcpy(id.data, text, id.len);
	return id;
}

static void both(struct sim_conf *a, struct sim_conf *b)
{
	sim_conf(&s, 0, a);
	sim_conf(&s, 1, b);
}

static void set_both(struct sim_conf *a, struct sim_conf *b)
{
	sim_set(&s, 1, b);
	sim_set(&s, 0, a);
}

static void comes_up(void)
{
	struct sim_peer *p;

	sim_init(&s, 1);
	sim_usual(&s);
	sim_run(&s, 300);
	CHECK_UP(&s, 1);
	p = sim_status(&s, 0);
	CHECK_STR(p->st.ike, "AES-128-GCM, PRF-HMAC-SHA2-256, Curve25519");
	CHECK_STR(p->child[0].esp, "AES-128-GCM, ESN");
	CHECK_STR(p->st.local_id, "203.0.113.1");
	CHECK_STR(p->st.remote_id, "198.51.100.2");
	CHECK(p->st.initiator && !p->st.udp_encap && p->child[0].esn);
	CHECK_STR(p->reason, "");
	CHECK(!sim_status(&s, 1)->st.initiator);
	CHECK_INT(s.side[0].ups, 1);
	CHECK_INT(s.side[1].events[ENGINE_UP], 1);
	CHECK(sim_logged(&s,
			 "b: established, AES-128-GCM, PRF-HMAC-SHA2-256, Curve25519, "
			 "203.0.113.1 ↔ 198.51.100.2"));
	CHECK(sim_logged(&s, "b: child up, AES-128-GCM, ESN, 10.1.0.0/24 ↔ 10.2.0.0/24"));
	sim_end(&s);
}

static void other_way_round(void)
{
	struct sim_conf a, b;

	sim_init(&s, 2);
	both(&a, &b);
	a.peer.start = START_RESPONDER;
	b.peer.start = START_START;
	set_both(&a, &b);
	sim_run(&s, 300);
	CHECK_UP(&s, 1);
	CHECK(!sim_status(&s, 0)->st.initiator);
	sim_end(&s);
}

static void quiet_afterwards(void)
{
	unsigned sent;

	sim_init(&s, 3);
	sim_usual(&s);
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	sent = s.side[0].sent + s.side[1].sent;
	sim_run(&s, 25000);
	CHECK_INT(s.side[0].sent + s.side[1].sent, sent);
	sim_run(&s, 10 * 60 * 1000);
	CHECK_UP(&s, 1);
	/* Liveness from both sides, but nothing above two exchanges each 30 s. */
	CHECK(s.side[0].sent < 60);
	sim_end(&s);
}

static void identities(void)
{
	static const struct { enum id_type type; const char *a, *b;
	} ids[] = {
		{ ID_FQDN, "a.example", "B.Example" },
		{ ID_RFC822_ADDR, "a@example.org", "b@example.org" },
		{ ID_KEY_ID, "branch \x01\xff", "head" },
		{ ID_DER_ASN1_DN,
		  "\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01"
		  "a",
		  "\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01"
		  "b" },
		{ ID_IPV4_ADDR, "\x0a\x01\x02\x03", "\x0a\x01\x02\x04" },
	};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct sim_conf a, b;

		sim_init(&s, 10 + i);
		both(&a, &b);
		a.peer.local_id = b.peer.peer_id = id_of(ids[i].type, ids[i].a);
		a.peer.peer_id = b.peer.local_id = id_of(ids[i].type, ids[i].b);
		if (ids[i].type == ID_FQDN)	/* case does not matter */
			b.peer.local_id = id_of(ID_FQDN, "b.example");
		set_both(&a, &b);
		sim_run(&s, 500);
		CHECK_UP(&s, 1);
		sim_end(&s);
	}
}

static void wrong_psk(void)
{
	struct sim_peer *p;

	sim_init(&s, 20);
	strcpy(s.side[1].psk, "another one");
	sim_usual(&s);
	sim_run(&s, 2000);
	CHECK_SIM(&s);
	p = sim_status(&s, 0);
	CHECK_STR(peer_state_name(p->st.state), "connecting");
	CHECK_HAS(p->reason, "AUTHENTICATION_FAILED");
	CHECK_HAS(p->reason, "PSK");
	CHECK_HAS(sim_status(&s, 1)->failure, "does not have our PSK");
	CHECK_INT(sim_count(&s.side[0]) + sim_count(&s.side[1]), 0);
	/* It goes on trying, slowly; put right, it comes up by itself. */
	sim_run(&s, 5 * 60000);
	CHECK(s.side[0].events[ENGINE_TRYING] >= 4 &&
	      s.side[0].events[ENGINE_TRYING] <= 12);
	strcpy(s.side[1].psk, s.side[0].psk);
	engine_secret_changed(s.side[1].e, "a");
	sim_run(&s, 80000);
	CHECK_UP(&s, 1);
	sim_end(&s);
}

static void no_psk(void)
{
	sim_init(&s, 21);
	s.side[0].psk[0] = '\0';
	sim_usual(&s);
	sim_run(&s, 2000);
	CHECK_HAS(sim_status(&s, 0)->reason, "no pre-shared key");
	strcpy(s.side[0].psk, s.side[1].psk);
	s.side[1].psk[0] = '\0';
	engine_secret_changed(s.side[0].e, "b");
	sim_run(&s, 2000);
	CHECK_HAS(sim_status(&s, 1)->failure, "no pre-shared key");
	CHECK_HAS(sim_status(&s, 0)->reason, "AUTHENTICATION_FAILED");
	sim_end(&s);
}

static void wrong_ids(void)
{
	struct sim_conf a, b;

	/* The responder does not know the initiator's ID. */
	sim_init(&s, 22);
	both(&a, &b);
	a.peer.local_id = id_of(ID_FQDN, "a.example");
	b.peer.peer_id = id_of(ID_FQDN, "c.example");
	set_both(&a, &b);
	sim_run(&s, 1000);
	CHECK_HAS(sim_status(&s, 1)->failure, "says it is a.example, expected c.example");
	CHECK_HAS(sim_status(&s, 0)->reason, "AUTHENTICATION_FAILED");
	sim_end(&s);

	/* The initiator asks for someone else. */
	sim_init(&s, 23);
	both(&a, &b);
	a.peer.peer_id = id_of(ID_FQDN, "c.example");
	b.peer.local_id = id_of(ID_FQDN, "b.example");
	set_both(&a, &b);
	sim_run(&s, 1000);
	CHECK_HAS(sim_status(&s, 1)->failure,
		  "asks for c.example, this side is b.example");
	sim_end(&s);

	/* The initiator expects the address and gets a name: it tells the responder. */
	sim_init(&s, 24);
	both(&a, &b);
	b.peer.local_id = id_of(ID_FQDN, "b.example");
	set_both(&a, &b);
	sim_run(&s, 1500);
	CHECK_HAS(sim_status(&s, 0)->reason,
		  "says it is b.example, expected 198.51.100.2");
	CHECK_HAS(sim_status(&s, 1)->failure, "refuses us after all");
	CHECK_INT(sim_count(&s.side[0]), 0);
	sim_run(&s, 6000);
	CHECK_INT(sim_count(&s.side[1]), 0);
	sim_end(&s);
}

static void no_common_ike(void)
{
	struct sim_conf a, b;

	sim_init(&s, 25);
	both(&a, &b);
	sim_suites(SUITE_IKE, "aes256gcm16-sha384-ecp384", &b.peer.ike);
	set_both(&a, &b);
	sim_run(&s, 4500);
	CHECK_HAS(sim_status(&s, 0)->reason, "NO_PROPOSAL_CHOSEN");
	CHECK_HAS(sim_status(&s, 1)->failure, "ours: AES-256-GCM");
	CHECK_HAS(sim_status(&s, 1)->failure, "theirs: AES-128-GCM");
	CHECK_INT(sim_counts(&s, 1).half_open, 0);
	/* Another suite, put in on one side, is enough. */
	sim_suites(SUITE_IKE, "aes256gcm16-sha384-ecp384,aes128gcm16-sha256-x25519",
		   &b.peer.ike);
	sim_set(&s, 1, &b);
	sim_run(&s, 30000);
	CHECK_UP(&s, 1);
	sim_end(&s);
}

static void no_common_esp(void)
{
	struct sim_conf a, b;

	sim_init(&s, 26);
	both(&a, &b);
	sim_suites(SUITE_ESP, "aes256-sha256-x25519", &b.children[0].esp);
	set_both(&a, &b);
	sim_run(&s, 3000);
	CHECK_SIM(&s);
	/* The IKE SA stands, the child is tried again. */
	CHECK_INT(sim_counts(&s, 0).ike_sas, 1);
	CHECK_STR(peer_state_name(sim_state(&s, 0)), "connecting");
	CHECK_HAS(sim_status(&s, 0)->child_reason[0], "NO_PROPOSAL_CHOSEN");
	CHECK_HAS(sim_status(&s, 1)->child_reason[0], "theirs: AES-128-GCM");
	sim_suites(SUITE_ESP, "aes256-sha256-x25519,aes128gcm16", &b.children[0].esp);
	sim_set(&s, 1, &b);
	sim_run(&s, 20000);
	CHECK_SIM(&s);
	/* a insists on PFS in CREATE_CHILD_SA, b's GCM suite has none. */
	CHECK_STR(peer_state_name(sim_state(&s, 0)), "connecting");
	sim_suites(SUITE_ESP, "aes128gcm16-x25519", &b.children[0].esp);
	sim_set(&s, 1, &b);
	sim_run(&s, 200000);
	CHECK_UP(&s, 1);
	CHECK_STR(sim_status(&s, 0)->child[0].esp, "AES-128-GCM, Curve25519, ESN");
	sim_end(&s);
}

static void narrowing(void)
{
	struct sim_conf a, b;
	struct sim_peer *p;

	sim_init(&s, 27);
	both(&a, &b);
	sim_nets(a.children[0].remote_network, &a.children[0].n_remote, "10.2.0.0/16");
	set_both(&a, &b);
	sim_run(&s, 500);
	CHECK_UP(&s, 1);
	p = sim_status(&s, 0);
	CHECK(p->child[0].narrowed);
	CHECK_INT(p->child[0].n_remote, 1);
	CHECK_INT(p->child[0].remote[0].to.b[2], 0);
	CHECK(!sim_status(&s, 1)->child[0].narrowed);
	sim_end(&s);

	sim_init(&s, 28);
	both(&a, &b);
	sim_nets(a.children[0].local_network, &a.children[0].n_local,
		 "10.1.0.0/24,10.9.0.0/24");
	sim_nets(b.children[0].remote_network, &b.children[0].n_remote,
		 "10.1.0.0/24,10.9.0.0/24,10.8.0.0/24");
	set_both(&a, &b);
	sim_run(&s, 500);
	CHECK_UP(&s, 1);
	CHECK_INT(sim_status(&s, 1)->child[0].n_remote, 2);
	sim_end(&s);
}

static void networks_differ(void)
{
	struct sim_conf a, b;

	sim_init(&s, 29);
	both(&a, &b);
	sim_nets(a.children[0].remote_network, &a.children[0].n_remote, "10.7.0.0/24");
	set_both(&a, &b);
	sim_run(&s, 3000);
	CHECK_SIM(&s);
	CHECK_INT(sim_counts(&s, 1).ike_sas, 1);
	CHECK_HAS(sim_status(&s, 0)->child_reason[0], "TS_UNACCEPTABLE");
	CHECK_HAS(sim_status(&s, 1)->child_reason[0], "10.7.0.0/24");
	CHECK_HAS(sim_status(&s, 1)->child_reason[0], "10.2.0.0/24");
	/* Put right on the wrong side, it comes up within the running IKE SA. */
	sim_conf(&s, 0, &a);
	sim_set(&s, 0, &a);
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	CHECK_INT(s.side[0].events[ENGINE_ESTABLISHED], 1);
	sim_end(&s);
}

static void several_children(void)
{
	struct sim_conf a, b;

	sim_init(&s, 30);
	both(&a, &b);
	sim_child(&a, "voice", "10.1.1.0/24", "10.2.1.0/24", "aes128gcm16-x25519");
	sim_child(&a, "v6", "fd00:1::/64", "fd00:2::/64", "chacha20poly1305-x25519");
	sim_child(&b, "v6", "fd00:2::/64", "fd00:1::/64", "chacha20poly1305-x25519");
	sim_child(&b, "voice", "10.2.1.0/24", "10.1.1.0/24", "aes128gcm16-x25519");
	set_both(&a, &b);
	sim_run(&s, 1000);
	CHECK_UP(&s, 3);
	CHECK_STR(sim_status(&s, 1)->child[1].name, "v6");
	CHECK_HAS(sim_status(&s, 1)->child[1].esp, "ChaCha20");
	sim_run(&s, 2 * 3600 * 1000);
	CHECK_UP(&s, 3);
	CHECK(sim_status(&s, 0)->child[2].rekeys >= 1);
	sim_end(&s);
}

static void by_any_address(void)
{
	struct sim_conf a, b, c;

	/* Two configured at "any"; the ID tells which is meant. */
	sim_init(&s, 31);
	both(&a, &b);
	a.peer.local_id = id_of(ID_FQDN, "a.example");
	c = b;
	strcpy(c.peer.name, "c");
	c.peer.peer_id = id_of(ID_FQDN, "c.example");
	c.peer.remote_any = b.peer.remote_any = true;
	c.peer.remote_gateway = b.peer.remote_gateway = (struct ip_addr){ 0 };
	b.peer.peer_id = id_of(ID_FQDN, "a.example");
	sim_set(&s, 1, &c);
	set_both(&a, &b);
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	CHECK_STR(sim_status(&s, 1)->st.remote_id, "a.example");
	sim_end(&s);
}

static void stranger(void)
{
	struct sim_conf a, b;

	sim_init(&s, 32);
	both(&a, &b);
	b.peer.remote_gateway = sim_addr("192.0.2.77");
	set_both(&a, &b);
	sim_run(&s, 35000);
	CHECK_SIM(&s);
	CHECK_INT(s.side[1].sent, 0);
	CHECK(sim_counts(&s, 1).drops.no_peer > 0);
	CHECK_HAS(sim_status(&s, 0)->reason, "no answer from 198.51.100.2");
	sim_end(&s);
}

static void tries_are_counted(void)
{
	struct sim_conf a, b;
	struct err e;

	sim_init(&s, 33);
	both(&a, &b);
	a.peer.keying_tries = 2;
	s.side[1].dead = true;
	set_both(&a, &b);
	sim_run(&s, 120000);
	CHECK_SIM(&s);
	CHECK_INT(s.side[0].events[ENGINE_TRYING], 2);
	CHECK_INT(s.side[0].events[ENGINE_GAVE_UP], 1);
	CHECK_STR(peer_state_name(sim_state(&s, 0)), "down");
	CHECK_HAS(sim_status(&s, 0)->reason, "given up: no answer");
	s.side[1].dead = false;
	sim_run(&s, 60000);
	CHECK_INT(s.side[0].events[ENGINE_TRYING], 2);
	CHECK_INT(engine_peer_up(s.side[0].e, "b", &e), 0);
	sim_run(&s, 500);
	CHECK_UP(&s, 1);
	sim_end(&s);

	/* 0: for ever, ever slower. */
	sim_init(&s, 34);
	both(&a, &b);
	s.side[1].dead = true;
	set_both(&a, &b);
	sim_run(&s, 3600 * 1000);
	CHECK(s.side[0].events[ENGINE_TRYING] > 30 &&
	      s.side[0].events[ENGINE_TRYING] < 60);
	s.side[1].dead = false;
	sim_run(&s, 80000);
	CHECK_UP(&s, 1);
	sim_end(&s);
}

static void up_and_down(void)
{
	struct err e = { 0 };

	sim_init(&s, 35);
	sim_usual(&s);
	sim_run(&s, 500);
	CHECK_UP(&s, 1);
	CHECK_INT(engine_peer_down(s.side[1].e, "nobody", &e), -1);
	CHECK_INT(e.code, EXIT_NO_PEER);
	CHECK_INT(engine_peer_down(s.side[1].e, "a", &e), 0);
	sim_run(&s, 7000);
	CHECK_SIM(&s);
	CHECK_INT(sim_count(&s.side[0]) + sim_count(&s.side[1]), 0);
	CHECK_HAS(sim_status(&s, 1)->reason, "taken down by the admin");
	CHECK_STR(peer_state_name(sim_state(&s, 1)), "down");
	CHECK_STR(peer_state_name(sim_state(&s, 0)), "connecting");
	/* b may call although it is a responder by its settings. */
	CHECK_INT(engine_peer_up(s.side[1].e, "a", &e), 0);
	sim_run(&s, 70000);
	CHECK_UP(&s, 1);
	CHECK_INT(engine_peer_down(s.side[0].e, "b", &e), 0);
	sim_run(&s, 60000);
	CHECK_STR(peer_state_name(sim_state(&s, 0)), "down");
	CHECK_INT(engine_peer_up(s.side[0].e, "b", &e), 0);
	sim_run(&s, 70000);
	CHECK_UP(&s, 1);
	sim_end(&s);
}

static void dataplane_refuses(void)
{
	sim_init(&s, 36);
	s.side[1].dp_refuses = true;
	sim_usual(&s);
	sim_run(&s, 3000);
	CHECK_SIM(&s);
	CHECK_INT(sim_counts(&s, 1).child_sas, 0);
	CHECK_HAS(sim_status(&s, 1)->child_reason[0], "it says no");
	CHECK_STR(peer_state_name(sim_state(&s, 1)), "connecting");
	s.side[1].dp_refuses = false;
	sim_run(&s, 60000);
	CHECK_UP(&s, 1);
	s.side[0].dp_refuses = true;
	sim_end(&s);
}

static void vault_silent(void)
{
	sim_init(&s, 37);
	s.side[0].vault_mute = true;
	sim_usual(&s);
	sim_run(&s, 2000);
	CHECK_INT(sim_counts(&s, 0).ike_sas, 0);
	s.side[0].vault_mute = false;
	engine_vault_back(s.side[0].e);
	sim_run(&s, 500);
	CHECK_UP(&s, 1);
	sim_end(&s);
}

static void not_before_the_dataplane(void)
{
	sim_init(&s, 38);
	engine_free(s.side[0].e);
	s.side[0].e = sim_engine(&s, 0);
	sim_usual(&s);
	sim_run(&s, 2000);
	CHECK_INT(s.side[0].sent, 0);
	CHECK_HAS(sim_status(&s, 0)->reason, "dataplane");
	engine_dataplane(s.side[0].e, &udp_can_no_esn);
	sim_run(&s, 500);
	CHECK_UP(&s, 1);
	/* It can do UDP only, and no ESN. */
	CHECK(sim_status(&s, 1)->st.udp_encap && !sim_status(&s, 1)->child[0].esn);
	CHECK_INT(sim_status(&s, 1)->st.remote.port, IKE_NATT_PORT);
	sim_end(&s);
}

static void disabled(void)
{
	struct sim_conf a, b;

	sim_init(&s, 39);
	both(&a, &b);
	b.peer.enabled = false;
	set_both(&a, &b);
	sim_run(&s, 3000);
	CHECK_STR(peer_state_name(sim_state(&s, 1)), "disabled");
	CHECK_INT(s.side[1].sent, 0);
	b.peer.enabled = true;
	sim_set(&s, 1, &b);
	sim_run(&s, 10000);
	CHECK_UP(&s, 1);
	b.peer.enabled = false;
	sim_set(&s, 1, &b);
	sim_run(&s, 7000);
	CHECK_INT(sim_count(&s.side[0]) + sim_count(&s.side[1]), 0);
	sim_end(&s);
}

static void removed(void)
{
	sim_init(&s, 40);
	sim_usual(&s);
	sim_run(&s, 500);
	CHECK_UP(&s, 1);
	engine_peer_remove(s.side[0].e, "b");
	CHECK_INT(sim_counts(&s, 0).peers, 0);
	CHECK_INT(sim_count(&s.side[0]), 0);
	sim_run(&s, 7000);
	CHECK_INT(sim_count(&s.side[1]), 0);
	CHECK_STR(peer_state_name(sim_state(&s, 1)), "down");
	sim_end(&s);
}

int main(void)
{
	T_RUN(comes_up);
	T_RUN(other_way_round);
	T_RUN(quiet_afterwards);
	T_RUN(identities);
	T_RUN(wrong_psk);
	T_RUN(no_psk);
	T_RUN(wrong_ids);
	T_RUN(no_common_ike);
	T_RUN(no_common_esp);
	T_RUN(narrowing);
	T_RUN(networks_differ);
	T_RUN(several_children);
	T_RUN(by_any_address);
	T_RUN(stranger);
	T_RUN(tries_are_counted);
	T_RUN(up_and_down);
	T_RUN(dataplane_refuses);
	T_RUN(vault_silent);
	T_RUN(not_before_the_dataplane);
	T_RUN(disabled);
	T_RUN(removed);
	return t_done();
}
