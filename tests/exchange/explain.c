/* rooms: ike/engine ike/v1 ike/v2 ike/auth ike/wire core/crypto core/base */
/* What is kept of a failure, on both sides of it: the step, what it failed of, both sides'
 * proposals and networks; and that nothing is kept once it works. */
#include "tests/exchange/pair.h"

#include "core/ipc/negotiation.h"

static struct sim s;
static struct sim_conf a, b;
static struct negotiation neg[2];
static bool kept[2];

static void keep(void *arg, const char *peer, const struct negotiation *failed)
{
	int n = *(int *)arg;

	(void)peer;
	kept[n] = failed != NULL;
	if (failed)
		neg[n] = *failed;
}

static void look(void)
{
	for (int n = 0; n < 2; n++) {
		kept[n] = false;
		memset(&neg[n], 0, sizeof(neg[n]));
		engine_failures(s.side[n].e, NULL, keep, &n);
	}
}

/* a calls b; both as usual until a test changes them. */
static void begin(uint64_t seed)
{
	sim_init(&s, seed);
	sim_conf(&s, 0, &a);
	sim_conf(&s, 1, &b);
	b.peer.start = START_RESPONDER;
	b.peer.test_rekey = a.peer.test_rekey = false;
}

static void go(void)
{
	sim_set(&s, 1, &b);
	sim_set(&s, 0, &a);
	sim_run(&s, 8000);
	look();
}

#define CHECK_NEG(n, step_, end_) do { \
	CHECK(kept[n]); \
	CHECK_INT(neg[n].step, step_); \
	CHECK_INT(neg[n].end, end_); \
	CHECK_INT(neg[n].initiator, (n) == 0); \
	CHECK(neg[n].words[0]); \
	} while (0)

static bool has(const struct neg_offer *of, uint8_t type, uint16_t id)
{
	for (size_t i = 0; i < of->n; i++)
		if (of->t[i].type == type && of->t[i].id == id)
			return true;
	return false;
}

static void nothing_when_well(void)
{
	begin(1);
	go();
	CHECK_UP(&s, 1);
	CHECK(!kept[0] && !kept[1]);
	sim_end(&s);
}

static void ike_proposals(void)
{
	begin(2);
	sim_suites(SUITE_IKE, "aes256-sha256-modp2048", &a.peer.ike);
	go();
	CHECK_NEG(0, NEG_STEP_INIT, NEG_REFUSED);
	CHECK_INT(neg[0].notify, 14);
	CHECK_STR(neg[0].notify_name, "NO_PROPOSAL_CHOSEN");
	CHECK(has(&neg[0].ike_ours, ALG_KE, KE_MODP_2048));
	CHECK_INT(neg[0].ike_theirs.n, 0);
	CHECK_NEG(1, NEG_STEP_INIT, NEG_PROPOSAL);
	CHECK(has(&neg[1].ike_theirs, ALG_KE, KE_MODP_2048));
	CHECK(has(&neg[1].ike_theirs, ALG_ENCR, ENCR_AES_CBC));
	CHECK(!has(&neg[1].ike_ours, ALG_KE, KE_MODP_2048));
	/* Again and again it is the same; then it is put right, and nothing is left of it. */
	sim_run(&s, 60000);
	look();
	CHECK(neg[0].count > 1 && neg[1].count > 1);
	sim_suites(SUITE_IKE, "aes256-sha256-modp2048", &b.peer.ike);
	go();
	sim_run(&s, 60000);
	CHECK_UP(&s, 1);
	look();
	CHECK(!kept[0] && !kept[1]);
	sim_end(&s);
}

static void esp_proposals(void)
{
	begin(3);
	sim_suites(SUITE_ESP, "aes256-sha512", &a.children[0].esp);
	go();
	CHECK_NEG(0, NEG_STEP_CHILD, NEG_REFUSED);
	CHECK_INT(neg[0].notify, 14);
	CHECK_NEG(1, NEG_STEP_CHILD, NEG_PROPOSAL);
	CHECK(has(&neg[1].esp_theirs, ALG_INTEG, INTEG_HMAC_SHA2_512_256));
	CHECK(!has(&neg[1].esp_ours, ALG_INTEG, INTEG_HMAC_SHA2_512_256));
	CHECK(neg[1].child[0]);
	sim_end(&s);
}

static void networks(void)
{
	char text[SELECTOR_TEXT_MAX];

	begin(4);
	sim_nets(a.children[0].remote_network, &a.children[0].n_remote, "10.77.0.0/24");
	go();
	CHECK_NEG(0, NEG_STEP_CHILD, NEG_REFUSED);
	CHECK_INT(neg[0].notify, 38);
	CHECK_NEG(1, NEG_STEP_CHILD, NEG_SELECTORS);
	CHECK_INT(neg[1].ts_theirs_local.n, 1);
	CHECK_STR(selector_str(&neg[1].ts_theirs_local.s[0], text), "10.77.0.0/24");
	CHECK_STR(selector_str(&neg[1].ts_ours_local.s[0], text), "10.2.0.0/24");
	CHECK_STR(selector_str(&neg[1].ts_theirs_remote.s[0], text), "10.1.0.0/24");
	sim_end(&s);
}

static void keys(void)
{
	begin(5);
	strcpy(s.side[0].psk, "another");
	go();
	CHECK_NEG(0, NEG_STEP_AUTH, NEG_REFUSED);
	CHECK_INT(neg[0].notify, 24);
	CHECK_STR(neg[0].id_ours, "203.0.113.1");
	CHECK_NEG(1, NEG_STEP_AUTH, NEG_PSK);
	CHECK_STR(neg[1].id_theirs, "203.0.113.1");
	sim_end(&s);
	begin(6);
	s.side[0].psk[0] = '\0';
	go();
	CHECK(kept[0]);
	CHECK_INT(neg[0].end, NEG_NO_SECRET);
	sim_end(&s);
}

static void identities(void)
{
	begin(7);
	a.peer.local_id = (struct ike_id){ .type = ID_FQDN, .len = 9, .data = "a.example" };
	go();
	CHECK_NEG(0, NEG_STEP_AUTH, NEG_REFUSED);
	CHECK_NEG(1, NEG_STEP_AUTH, NEG_ID_PEER);
	CHECK_STR(neg[1].id_theirs, "a.example");
	CHECK_STR(neg[1].id_wanted, "203.0.113.1");
	sim_end(&s);
	begin(8);
	a.peer.peer_id = (struct ike_id){ .type = ID_FQDN, .len = 9, .data = "b.example" };
	go();
	CHECK_NEG(1, NEG_STEP_AUTH, NEG_ID_OWN);
	CHECK_STR(neg[1].id_asked, "b.example");
	CHECK_STR(neg[1].id_ours, "198.51.100.2");
	sim_end(&s);
}

static void silence(void)
{
	begin(9);
	s.side[1].dead = true;
	sim_set(&s, 0, &a);
	sim_run(&s, 4000);
	look();
	/* It is still trying, and this is known already. */
	CHECK(kept[0]);
	CHECK_INT(neg[0].end, NEG_NO_ANSWER);
	CHECK_INT(neg[0].step, NEG_STEP_INIT);
	CHECK(!neg[0].answered);
	engine_unreachable(s.side[0].e, &neg[0].remote, NEG_UNREACH_PORT);
	sim_run(&s, 40000);
	look();
	CHECK_NEG(0, NEG_STEP_INIT, NEG_NO_ANSWER);
	CHECK(neg[0].sent > 3);
	sim_end(&s);
}

static void a_stranger(void)
{
	struct neg_stranger out[NEG_STRANGERS_MAX];
	char text[ADDR_TEXT_MAX];

	begin(10);
	b.peer.remote_gateway = sim_addr("192.0.2.9");
	b.peer.gateways[0].net = prefix_host(&b.peer.remote_gateway);
	go();
	CHECK_INT(engine_strangers(s.side[1].e, out), 1);
	CHECK_STR(addr_str(&out[0].remote.addr, text), "203.0.113.1");
	CHECK_INT(out[0].version, 2);
	CHECK(out[0].count >= 3);
	CHECK(!kept[1]);
	sim_end(&s);
}

/* The one that goes: what failed belongs to it, and goes with it. */
static void rekey_of_pfs(void)
{
	begin(11);
	sim_suites(SUITE_ESP, "aes128gcm16-modp2048", &a.children[0].esp);
	sim_suites(SUITE_ESP, "aes128gcm16-ecp256", &b.children[0].esp);
	a.children[0].esp_life_s = 300;
	a.peer.rekey_margin_s = 200;
	go();
	CHECK_UP(&s, 1);
	CHECK(!kept[0] && !kept[1]);
	sim_run(&s, 200000);
	look();
	CHECK_NEG(0, NEG_STEP_REKEY_CHILD, NEG_REFUSED);
	CHECK_NEG(1, NEG_STEP_REKEY_CHILD, NEG_PROPOSAL);
	CHECK(has(&neg[1].esp_theirs, ALG_KE, KE_MODP_2048));
	CHECK(has(&neg[1].esp_ours, ALG_KE, KE_ECP_256));
	sim_end(&s);
}

int main(void)
{
	T_RUN(nothing_when_well);
	T_RUN(ike_proposals);
	T_RUN(esp_proposals);
	T_RUN(networks);
	T_RUN(keys);
	T_RUN(identities);
	T_RUN(silence);
	T_RUN(a_stranger);
	T_RUN(rekey_of_pfs);
	return t_done();
}
