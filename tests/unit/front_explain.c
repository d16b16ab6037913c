/* rooms: core/front core/control core/ipc core/net core/settings core/crypto core/base */
/* front_explain: for every way to fail the words that name side, setting and edit. */
#include "core/control/negotiation_json.h"
#include "core/front/explain.h"
#include "core/ipc/msg.h"
#include "tests/unit/t.h"

static struct peer_conf conf;
static struct child_conf children[2];
static struct negotiation neg;
static struct status_peer status;
static struct sbuf text;

static struct ip_addr ip(const char *s)
{
	struct ip_addr a = { 0 };

	if (addr_parse(s, &a, NULL) < 0)
		abort();
	return a;
}

static void selectors(struct neg_selectors *ts, const char *net)
{
	struct prefix p;

	if (prefix_parse(net, &p, NULL) < 0)
		abort();
	ts->s[ts->n++] = selector_of(&p);
}

static void transform(struct neg_offer *of, uint8_t proposal, uint8_t type, uint16_t id,
		      uint16_t bits)
{
	of->t[of->n++] = (struct neg_transform){ proposal, type, id, bits };
}

static void offer_suites(struct neg_offer *of, enum suite_use use, const char *words)
{
	struct suite_list l;
	struct err e = { 0 };

	memset(of, 0, sizeof(*of));
	if (suite_parse(use, words, &l, &e) < 0)
		abort();
	for (uint8_t i = 0; i < l.n; i++) {
		const struct suite *s = &l.s[i];

		for (int k = 0; k < s->n_encr; k++)
			transform(of, i + 1, ALG_ENCR, s->encr[k].id, s->encr[k].key_bits);
		for (int k = 0; k < s->n_integ; k++)
			transform(of, i + 1, ALG_INTEG, s->integ[k], 0);
		for (int k = 0; k < s->n_prf; k++)
			transform(of, i + 1, ALG_PRF, s->prf[k], 0);
		for (int k = 0; k < s->n_ke; k++)
			transform(of, i + 1, ALG_KE, s->ke[k], 0);
	}
}

static void start(enum neg_step step, enum neg_end end, bool initiator)
{
	struct err e = { 0 };

	memset(&neg, 0, sizeof(neg));
	memset(&conf, 0, sizeof(conf));
	memset(children, 0, sizeof(children));
	strcpy(conf.name, "branch");
	conf.version = 2;
	conf.enabled = true;
	conf.remote_gateway = ip("198.51.100.2");
	conf.n_children = 2;
	conf.children = children;
	strcpy(children[0].name, "branch");
	strcpy(children[1].name, "voice");
	if (suite_parse(SUITE_IKE, "aes256gcm16-sha384-ecp384", &conf.ike, &e) < 0 ||
	    suite_parse(SUITE_ESP, "aes256gcm16-ecp384", &children[0].esp, &e) < 0)
		abort();
	neg.wall_s = 1000000;
	neg.count = 3;
	neg.version = 2;
	neg.step = step;
	neg.end = end;
	neg.initiator = initiator;
	neg.local = (struct endpoint){ ip("203.0.113.1"), 500 };
	neg.remote = (struct endpoint){ ip("198.51.100.2"), 500 };
	neg.sent = 4;
	strcpy(neg.id_ours, "203.0.113.1");
	strcpy(neg.id_wanted, "198.51.100.2");
	offer_suites(&neg.ike_ours, SUITE_IKE, "aes256gcm16-sha384-ecp384");
	offer_suites(&neg.esp_ours, SUITE_ESP, "aes256gcm16-ecp384");
	selectors(&neg.ts_ours_local, "10.1.0.0/24");
	selectors(&neg.ts_ours_remote, "10.2.0.0/24");
	if (step == NEG_STEP_CHILD)
		strcpy(neg.child, "branch");
	memset(&status, 0, sizeof(status));
	strcpy(status.name, "branch");
	status.state = STATUS_CONNECTING;
}

/* Everything as one text: sentences, "> command", "| name | ours | theirs". It went over the
 * control protocol, as it does in life. */
static const char *told_with(struct explain_input *in)
{
	struct explain x = { 0 };
	struct negotiation back;
	struct json_object *o = negotiation_to_json(&neg);

	negotiation_from_json(o, &back);
	json_object_put(o);
	if (memcmp(&back, &neg, sizeof(neg)) != 0)
		return "the JSON lost something";
	if (in->neg)
		in->neg = &back;
	explain_peer(in, &x);
	sbuf_reset(&text);
	for (size_t i = 0; i < x.n; i++) {
		const struct explain_line *l = &x.line[i];

		if (l->kind == EXPLAIN_ROW)
			sbuf_addf(&text, "| %s | %s | %s%s\n", l->text, l->ours, l->theirs,
				  l->tone == TONE_BAD ? " !" : "");
		else
			sbuf_addf(&text, "%s%s\n", l->kind == EXPLAIN_COMMAND ? "> " : "", l->text);
	}
	explain_fini(&x);
	return sbuf_str(&text);
}

static const char *told(void)
{
	struct explain_input in = { .peer = "branch", .conf = &conf, .neg = &neg,
				    .status = &status, .running = true, .now_s = 1000060 };

	return told_with(&in);
}

static void ike_proposal(void)
{
	start(NEG_STEP_INIT, NEG_PROPOSAL, false);
	offer_suites(&neg.ike_theirs, SUITE_IKE, "aes256-sha256-modp2048");
	CHECK_STR(told(),
		  "branch is connecting\n"
		  "60 s ago, 198.51.100.2 called this router with IKEv2, and it failed while the "
		  "algorithms of IKE were agreed on, the same 3 times in a row.\n"
		  "\n"
		  "The peer offers AES-256-CBC with HMAC-SHA2-256 and MODP 2048; here ike= has only "
		  "AES-256-GCM with PRF-HMAC-SHA2-384 and ECP 384.\n"
		  "There is no encryption, no PRF and no key exchange group in common.\n"
		  "To meet it, here:\n"
		  "> adit peer set branch ike+=aes256-sha256-modp2048\n"
		  "Or on the other side: set its phase 1 (IKE) to AES-256-GCM with "
		  "PRF-HMAC-SHA2-384 and ECP 384.\n"
		  "\n"
		  "|  | this router | the peer\n"
		  "| Address | 203.0.113.1 | 198.51.100.2\n"
		  "| IKE encryption | AES-256-GCM | AES-256-CBC !\n"
		  "| IKE integrity | none | HMAC-SHA2-256 !\n"
		  "| IKE PRF | PRF-HMAC-SHA2-384 | PRF-HMAC-SHA2-256 !\n"
		  "| IKE group | ECP 384 | MODP 2048 !\n");
}

static void ike_weak(void)
{
	start(NEG_STEP_INIT, NEG_PROPOSAL, false);
	offer_suites(&neg.ike_theirs, SUITE_IKE, "3des-sha1-modp1024");
	CHECK_HAS(told(), "> adit peer set branch ike+=3des-sha1-modp1024 "
			  "allow_weak+=3des,sha1,modp1024\nThat is weak");
	/* Of two the one that is not weak. */
	offer_suites(&neg.ike_theirs, SUITE_IKE, "3des-sha1-modp1024,aes128-sha256-ecp256");
	CHECK_HAS(told(), "> adit peer set branch ike+=aes128-sha256-ecp256\n");
	/* Of one with alternatives what we have already. */
	offer_suites(&neg.ike_theirs, SUITE_IKE, "aes128-aes256-sha256-modp2048");
	offer_suites(&neg.ike_ours, SUITE_IKE, "aes128-sha384-ecp384");
	CHECK_HAS(told(), "ike+=aes128-sha256-modp2048");
}

static void ike_unknown(void)
{
	start(NEG_STEP_INIT, NEG_PROPOSAL, false);
	transform(&neg.ike_theirs, 1, ALG_ENCR, ENCR_AES_CBC, 256);
	transform(&neg.ike_theirs, 1, ALG_INTEG, INTEG_HMAC_SHA2_256_128, 0);
	transform(&neg.ike_theirs, 1, ALG_PRF, PRF_HMAC_SHA2_256, 0);
	transform(&neg.ike_theirs, 1, ALG_KE, 24, 0);
	CHECK_HAS(told(), "Nothing that the peer offers is known here as a whole.");
	CHECK(!strstr(told(), "> adit peer set"));
	CHECK_HAS(told(), "| IKE group | ECP 384 | group 24 !");
}

static void ike_refused(void)
{
	start(NEG_STEP_INIT, NEG_REFUSED, true);
	neg.notify = 14;
	strcpy(neg.notify_name, "NO_PROPOSAL_CHOSEN");
	CHECK_HAS(told(), "this router called 198.51.100.2");
	CHECK_HAS(told(), "> adit probe 198.51.100.2\n");
	CHECK_HAS(told(), "| IKE group | ECP 384 | ?\n");
	/* What it offered when it called itself is remembered. */
	offer_suites(&neg.ike_theirs, SUITE_IKE, "aes256-sha256-modp2048");
	neg.theirs_wall_s = 999000;
	CHECK_HAS(told(), "offered, when it called, AES-256-CBC");
	CHECK_HAS(told(), "its own call 17 min ago");
}

static void esp_pfs(void)
{
	start(NEG_STEP_CHILD, NEG_PROPOSAL, false);
	offer_suites(&neg.esp_theirs, SUITE_ESP, "aes256gcm16");
	CHECK_HAS(told(), "The peer offers no PFS for ESP, this router asks for it");
	CHECK_HAS(told(), "> adit peer set branch esp+=aes256gcm16\n");
	CHECK_HAS(told(), "| PFS group | ECP 384 | none !\n");
	strcpy(neg.child, "voice");
	CHECK_HAS(told(), "> adit peer set branch child.voice.esp+=aes256gcm16\n");
}

static void esp_cipher(void)
{
	start(NEG_STEP_CHILD, NEG_PROPOSAL, false);
	offer_suites(&neg.esp_theirs, SUITE_ESP, "aes128-sha256");
	offer_suites(&neg.esp_ours, SUITE_ESP, "aes256-sha256");
	CHECK_HAS(told(), "The peer offers AES-128-CBC with HMAC-SHA2-256 without PFS; here esp= has "
			  "only AES-256-CBC with HMAC-SHA2-256 without PFS.");
	CHECK_HAS(told(), "There is no encryption in common.");
	CHECK_HAS(told(), "| ESP integrity | HMAC-SHA2-256 | HMAC-SHA2-256\n");
}

static void ah_offer(struct neg_offer *of, uint16_t integ, uint16_t ke)
{
	memset(of, 0, sizeof(*of));
	transform(of, 1, ALG_INTEG, integ, 0);
	if (ke)
		transform(of, 1, ALG_KE, ke, 0);
}

static void ah(void)
{
	start(NEG_STEP_CHILD, NEG_PROPOSAL, false);
	offer_suites(&neg.esp_theirs, SUITE_ESP, "aes128-sha256");
	ah_offer(&neg.esp_ours, INTEG_HMAC_SHA2_256_128, KE_ECP_256);
	CHECK_HAS(told(), "This router asks for AH (ah), which signs packets and does not encrypt "
			  "them; the peer wants ESP.");
	CHECK_HAS(told(), "> adit peer set branch ah=no\n");
	CHECK_HAS(told(), "| AH integrity | HMAC-SHA2-256 | HMAC-SHA2-256\n");
	/* Of another child, and the other way round. */
	strcpy(neg.child, "voice");
	ah_offer(&neg.esp_theirs, INTEG_HMAC_SHA1_96, 0);
	offer_suites(&neg.esp_ours, SUITE_ESP, "aes128-sha256");
	CHECK_HAS(told(), "The peer offers AH, which signs packets and does not encrypt them; this "
			  "router wants ESP. Better change the other side.");
	CHECK_HAS(told(), "> adit peer set branch child.voice.ah=sha1 allow_weak+=sha1\n");
	ah_offer(&neg.esp_theirs, INTEG_HMAC_SHA2_512_256, 0);
	ah_offer(&neg.esp_ours, INTEG_HMAC_SHA2_256_128, 0);
	CHECK_HAS(told(), "Both want AH; the peer by HMAC-SHA2-512, this router by HMAC-SHA2-256.");
	CHECK_HAS(told(), "> adit peer set branch child.voice.ah=sha512\n");
	ah_offer(&neg.esp_theirs, INTEG_HMAC_SHA2_256_128, KE_ECP_256);
	ah_offer(&neg.esp_ours, INTEG_HMAC_SHA2_256_128, KE_ECP_384);
	CHECK_HAS(told(), "differ in the group for fresh keys: on this side it is that of esp.");
	start(NEG_STEP_CHILD, NEG_REFUSED, true);
	neg.notify = 14;
	strcpy(neg.notify_name, "NO_PROPOSAL_CHOSEN");
	ah_offer(&neg.esp_ours, INTEG_HMAC_SHA2_256_128, 0);
	CHECK_HAS(told(), "This router asks for AH by HMAC-SHA2-256 (ah), and the peer refuses");
}

static void psk(void)
{
	start(NEG_STEP_AUTH, NEG_PSK, false);
	strcpy(neg.id_theirs, "198.51.100.2");
	CHECK_HAS(told(), "The pre-shared keys differ. Its identity 198.51.100.2 is right");
	CHECK_HAS(told(), "> adit peer set branch --ask-psk\n");
	neg.psk_hint = PSK_HINT_BLANK_END;
	CHECK_HAS(told(), "the peer's key is ours but for a blank at its end");
	neg.psk_hint = PSK_HINT_CASE;
	CHECK_HAS(told(), "Caps Lock");
	start(NEG_STEP_AUTH, NEG_NO_SECRET, true);
	CHECK_HAS(told(), "No pre-shared key is stored");
}

static void ids(void)
{
	start(NEG_STEP_AUTH, NEG_ID_PEER, false);
	strcpy(neg.id_theirs, "berlin.example");
	CHECK_HAS(told(), "The peer says it is berlin.example; here it is expected to be "
			  "198.51.100.2 (peer_id is not set: its gateway's address).");
	CHECK_HAS(told(), "> adit peer set branch peer_id=berlin.example\n");
	CHECK_HAS(told(), "Or on the other side: set its local (own) ID to 198.51.100.2.");
	start(NEG_STEP_AUTH, NEG_ID_OWN, false);
	strcpy(neg.id_theirs, "198.51.100.2");
	strcpy(neg.id_asked, "hq.example");
	CHECK_HAS(told(), "asks for hq.example; this router is 203.0.113.1");
	CHECK_HAS(told(), "> adit peer set branch local_id=hq.example\n");
	CHECK_HAS(told(), "| Expects | 198.51.100.2 | hq.example !\n");
}

static void auth_failed(void)
{
	start(NEG_STEP_AUTH, NEG_REFUSED, true);
	neg.notify = 24;
	CHECK_HAS(told(), "1. The pre-shared keys differ.");
	CHECK_HAS(told(), "here local_id is 203.0.113.1, which must be its remote (peer) ID");
	CHECK_HAS(told(), "3. It is not who it is asked to be: here peer_id is 198.51.100.2");
	neg.auth_ours = NEG_AUTH_CERT;
	CHECK_HAS(told(), "1. It does not trust this router's certificate");
}

static void networks(void)
{
	start(NEG_STEP_CHILD, NEG_SELECTORS, false);
	selectors(&neg.ts_theirs_local, "10.1.0.0/24");
	selectors(&neg.ts_theirs_remote, "10.2.0.0/16");
	CHECK_HAS(told(), "The peer has 10.2.0.0/16 behind itself, which is wider; here "
			  "remote_network is 10.2.0.0/24.\nHere:\n"
			  "> adit peer set branch remote_network=10.2.0.0/16\n"
			  "Or on the other side, set its local network to 10.2.0.0/24.\n");
	CHECK(!strstr(told(), "behind this router"));
	CHECK_HAS(told(), "| Networks there | 10.2.0.0/24 | 10.2.0.0/16 !\n");
	start(NEG_STEP_CHILD, NEG_SELECTORS, false);
	selectors(&neg.ts_theirs_local, "10.9.0.0/24");
	selectors(&neg.ts_theirs_remote, "10.2.0.0/24");
	CHECK_HAS(told(), "The peer has 10.9.0.0/24 behind this router, which is another network");
	CHECK_HAS(told(), "On the other side, set its remote network to 10.1.0.0/24.");
	start(NEG_STEP_CHILD, NEG_SELECTORS, false);
	selectors(&neg.ts_theirs_local, "10.2.0.0/24");
	selectors(&neg.ts_theirs_remote, "10.1.0.0/24");
	CHECK_HAS(told(), "The two sides are swapped");
	CHECK_HAS(told(), "local_network=10.2.0.0/24 remote_network=10.1.0.0/24");
}

static void networks_refused(void)
{
	start(NEG_STEP_CHILD, NEG_REFUSED, true);
	neg.notify = 38;
	CHECK_HAS(told(), "its local network must be 10.2.0.0/24 and its remote network 10.1.0.0/24");
	CHECK_HAS(told(), "| Networks here | 10.1.0.0/24 | ?\n");
}

static void silence(void)
{
	char taken[] = "taken down by the admin (adit up branch)";
	struct neg_stranger s = { .count = 2, .version = 2 };
	struct explain_input in = { .peer = "branch", .conf = &conf, .neg = &neg,
				    .status = &status, .running = true, .strangers = &s,
				    .n_strangers = 1 };

	start(NEG_STEP_INIT, NEG_NO_ANSWER, true);
	s.remote = (struct endpoint){ ip("198.51.100.77"), 500 };
	CHECK_HAS(told(), "Nothing came back from 198.51.100.2, port 500, to 4 messages");
	CHECK_HAS(told(), "must know 203.0.113.1 as its remote gateway");
	CHECK_HAS(told_with(&in), "Meanwhile 198.51.100.77 calls here");
	CHECK_HAS(told_with(&in), "> adit peer set branch remote_gateway=198.51.100.77\n");
	neg.unreachable = NEG_UNREACH_PORT;
	CHECK_HAS(told(), "nothing listens on its UDP port 500");
	neg.unreachable = NEG_UNREACH_HOST;
	CHECK_HAS(told(), "cannot be reached");
	start(NEG_STEP_AUTH, NEG_NO_ANSWER, true);
	neg.answered = neg.natt = true;
	CHECK_HAS(told(), "port 4500 is closed");
	neg.version = 1;
	CHECK_HAS(told(), "With IKEv1 this is most often a pre-shared key that differs");
	CHECK_HAS(told(), "or perhaps port 4500 is closed");
	neg.auth_ours = NEG_AUTH_CERT;
	CHECK(!strstr(told(), "pre-shared"));
	start(NEG_STEP_INIT, NEG_LOCAL, true);
	neg.remote = (struct endpoint){ 0 };
	snprintf(neg.words, sizeof(neg.words), "hq.exmple does not resolve: NXDOMAIN");
	CHECK_HAS(told(), "So there was nobody to call.");
	CHECK(!strstr(told(), "IKE encryption"));
	status.reason = taken;
	CHECK_HAS(told(), "It was taken down by the admin; adit up branch brings it up.");
	status.reason = NULL;
	start(NEG_STEP_LIVE, NEG_NO_ANSWER, true);
	CHECK_HAS(told(), "The tunnel stood, then 198.51.100.2 answered no more");
}

static void set_cert(const char *why)
{
	memset(neg.cert, 0, sizeof(neg.cert));
	strcpy(neg.cert, why);
}

static void others(void)
{
	start(NEG_STEP_INIT, NEG_VERSION, true);
	neg.peer_version = 1;
	CHECK_HAS(told(), "> adit peer set branch version=1\n");
	start(NEG_STEP_INIT, NEG_GROUP, true);
	neg.group = KE_MODP_2048;
	CHECK_HAS(told(), "The peer wants the key exchange group MODP 2048");
	CHECK_HAS(told(), "ike+=aes256gcm16-sha384-modp2048");
	start(NEG_STEP_AUTH, NEG_METHOD, false);
	neg.auth_theirs = NEG_AUTH_CERT;
	neg.auth_wanted = NEG_AUTH_PSK;
	CHECK_HAS(told(), "authenticates itself by a certificate; here a pre-shared key is expected");
	CHECK_HAS(told(), "peer_auth=cert");
	start(NEG_STEP_AUTH, NEG_CERT, false);
	set_cert("it expired 3 days ago");
	CHECK_HAS(told(), "The peer's certificate will not do: it expired 3 days ago.");
	CHECK_HAS(told(), "compare the clocks");
	set_cert("unknown issuer \"CN=ca\": its certificate is not among the CAs");
	CHECK_HAS(told(), "adit pki import");
	strcpy(neg.id_theirs, "b.example");
	set_cert("its certificate is made out to DNS:c.example");
	CHECK_HAS(told(), "carry the ID that the peer names, b.example");
	/* Of a pinned one it is the signature that shows it. */
	neg.end = NEG_SIGNATURE;
	set_cert("its signature is not by the certificate it is known by (peer_cert = y)");
	CHECK_HAS(told(), "import it and pin that one");
	neg.end = NEG_CERT;
	set_cert("it sent another certificate (CN=x) than the one it is known by (peer_cert = y)");
	CHECK_HAS(told(), "import it and pin that one");
	start(NEG_STEP_INIT, NEG_EXCHANGE, false);
	CHECK_HAS(told(), "exchange=aggressive allow_weak+=aggressive");
	/* Whatever it is, something is said. */
	for (int end = 0; end < NEG_END_N; end++)
		for (int step = 0; step < NEG_STEP_N; step++) {
			start((enum neg_step)step, (enum neg_end)end, end & 1);
			CHECK(strlen(told()) > 150);
			conf.children = NULL;
			CHECK(strlen(told()) > 150);
		}
}

static void nothing_failed(void)
{
	struct explain_input in = { .peer = "branch", .conf = &conf, .status = &status,
				    .running = true };

	start(NEG_STEP_INIT, NEG_NO_ANSWER, true);
	status.state = STATUS_UP;
	status.uptime_s = 7200;
	status.ike = "AES-256-GCM";
	status.peer_id = "198.51.100.2";
	CHECK_HAS(told_with(&in), "branch is up for 2 h");
	in.running = false;
	in.status = NULL;
	CHECK_HAS(told_with(&in), "branch: adit is not running");
}

static void strangers(void)
{
	struct settings all = { .n_peers = 1, .peers = &conf };
	struct neg_stranger s = { .count = 12, .version = 2, .wall_s = 1000000 };
	struct explain x = { 0 };

	start(NEG_STEP_INIT, NEG_NO_ANSWER, true);
	s.local = (struct endpoint){ ip("203.0.113.1"), 500 };
	s.remote = (struct endpoint){ ip("198.51.100.7"), 500 };
	explain_strangers(NULL, &s, 1, &all, 1000060, &x);
	CHECK_HAS(x.line[1].text, "198.51.100.7 calls 203.0.113.1 with IKEv2 (12 times, last 60 s "
				  "ago), but no enabled peer is set");
	CHECK_HAS(x.line[2].text, "The nearest is branch, whose remote_gateway is 198.51.100.2.");
	CHECK_STR(x.line[3].text, "adit peer set branch remote_gateway=198.51.100.7");
	explain_fini(&x);
	/* It called before the peer was set: what is right now is not to be changed. */
	s.remote = (struct endpoint){ ip("198.51.100.2"), 500 };
	explain_strangers(NULL, &s, 1, &all, 0, &x);
	CHECK_HAS(x.line[2].text, "branch, whose settings allow it by now");
	CHECK_INT(x.n, 3);
	explain_fini(&x);
	s.local.addr = ip("203.0.113.9");
	conf.local_ip = ip("203.0.113.1");
	explain_strangers(NULL, &s, 1, &all, 0, &x);
	CHECK_STR(x.line[3].text, "adit peer set branch local_ip=203.0.113.9");
	explain_fini(&x);
	conf.enabled = false;
	explain_strangers(NULL, &s, 1, &all, 0, &x);
	CHECK_STR(x.line[3].text, "adit peer enable branch");
	explain_fini(&x);
}

static void rows(void)
{
	struct explain_line l = { .kind = EXPLAIN_ROW, .text = "IKE group",
				  .ours = "ECP 384, MODP 2048, Curve25519, ECP 256",
				  .theirs = "MODP 1024" };
	struct sbuf b = { 0 };

	explain_row(&l, 60, &b);
	CHECK_STR(sbuf_str(&b), "IKE group         ECP 384, MODP 2048,   MODP 1024\n"
				"                  Curve25519, ECP 256");
	sbuf_fini(&b);
}

static void bad_json(void)
{
	struct negotiation n;
	struct json_object *o = json_tokener_parse(
		"{\"step\":7,\"end\":\"nonsense\",\"ike_ours\":[1,{\"type\":300}],"
		"\"local_ours\":[{\"from\":\"x\"},3],\"id_ours\":null}");

	negotiation_from_json(o, &n);
	CHECK_INT(n.ike_ours.n, 2);
	CHECK_INT(n.ts_ours_local.n, 0);
	json_object_put(o);
	negotiation_from_json(NULL, &n);
	CHECK_INT(n.end, NEG_LOCAL);
}

int main(void)
{
	T_RUN(ike_proposal);
	T_RUN(ike_weak);
	T_RUN(ike_unknown);
	T_RUN(ike_refused);
	T_RUN(esp_pfs);
	T_RUN(esp_cipher);
	T_RUN(ah);
	T_RUN(psk);
	T_RUN(ids);
	T_RUN(auth_failed);
	T_RUN(networks);
	T_RUN(networks_refused);
	T_RUN(silence);
	T_RUN(others);
	T_RUN(nothing_failed);
	T_RUN(strangers);
	T_RUN(rows);
	T_RUN(bad_json);
	sbuf_fini(&text);
	return t_done();
}
