/* rooms: core/daemon core/settings core/net core/ipc core/crypto core/base */
/* The parts of the monitor that only think: permissions, MTU, differences, the log ring, the
 * table of SAs, the keyed hash. */
#include "core/base/rng.h"
#include "core/daemon/diff.h"
#include "core/daemon/loghub.h"
#include "core/daemon/monitor.h"
#include "core/daemon/mtu.h"
#include "core/daemon/permit.h"
#include "core/daemon/siphash.h"

#include "tests/unit/t.h"

#include <unistd.h>

/* ---- who may say what, when ---- */

static void every_request_has_its_phase(void)
{
	static const struct {
		uint16_t type;
		const char *from;	/* i, v, e */
		const char *phases;	/* s(tarting), r(unning), t (stopping) */
	} want[] = {
		{ MSG_READY, "ive", "s" }, { MSG_LOG, "ive", "srt" },
		{ MSG_SA_ADD, "i", "r" }, { MSG_SA_ACTIVATE, "i", "r" },
		{ MSG_SA_UPDATE, "i", "r" }, { MSG_SA_DEL, "i", "rt" },
		{ MSG_SA_QUERY, "i", "rt" }, { MSG_PEER_UP, "i", "r" },
		{ MSG_PEER_DOWN, "i", "rt" }, { MSG_RELOAD, "i", "r" },
		{ MSG_RESTART, "i", "r" }, { MSG_LOG_LEVEL, "i", "r" },
		{ MSG_STOPPED, "i", "t" },
		{ MSG_ESPD_SA_ADDED, "e", "r" }, { MSG_ESPD_SA_STATS, "e", "r" },
		{ MSG_ESPD_SA_EVENT, "e", "r" }, { MSG_ESPD_WANTED, "e", "r" },
		{ MSG_PEER_ADDRS, "i", "rt" }, { MSG_DNS_WANT, "i", "r" },
		{ MSG_COUNTERS_QUERY, "i", "r" }, { MSG_ESPD_COUNTERS, "e", "r" },
		{ MSG_ESPD_IKE, "e", "r" },
	};
	const enum ipc_role roles[] = { ROLE_IKED, ROLE_VAULTD, ROLE_ESPD };

	/* Every type, role and phase: what is not in the list is refused. */
	for (uint16_t type = 0; type < 300; type++) {
		const char *from = "", *phases = "";

		for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
			if (want[i].type == type) {
				from = want[i].from;
				phases = want[i].phases;
			}
		}
		for (int r = 0; r < 3; r++)
			for (int ph = 0; ph < 3; ph++)
				CHECK_INT(permit_message(roles[r], (enum permit_phase)ph, type),
					  strchr(from, "ive"[r]) && strchr(phases, "srt"[ph]));
	}
}

/* ---- what an SA must look like ---- */

static struct child_conf kid;
static struct peer_conf peer;
static struct settings settings;

static struct prefix net(const char *text)
{
	struct prefix p = { 0 };
	struct err e;

	CHECK_INT(prefix_parse(text, &p, &e), 0);
	return p;
}

static struct endpoint at(const char *text, uint16_t port)
{
	struct endpoint ep = { .port = port };
	struct err e;

	CHECK_INT(addr_parse(text, &ep.addr, &e), 0);
	return ep;
}

static struct sa_child good_sa(void)
{
	struct sa_child sa = { .id = 1, .spi_in = 0x1000, .spi_out = 0x2000, .encr_bits = 256,
			       .encr = ENCR_AES_GCM_16, .n_local = 1, .n_remote = 1,
			       .udp_encap = 1, .proto = SA_ESP, .peer = "branch", .child = "branch" };
	struct prefix l = net("10.1.0.0/24"), r = net("10.2.0.0/25");

	memset(&kid, 0, sizeof(kid));
	memset(&peer, 0, sizeof(peer));
	strcpy(kid.name, "branch");
	strcpy(peer.name, "branch");
	strcpy(peer.interface, "adit-branch");
	peer.enabled = true;
	peer.n_children = 1;
	peer.children = &kid;
	kid.n_local = kid.n_remote = 1;
	kid.local_network[0] = l;
	kid.remote_network[0] = net("10.2.0.0/24");
	settings = (struct settings){ .n_peers = 1, .peers = &peer };
	sa.local = at("203.0.113.1", 4500);
	sa.remote = at("198.51.100.2", 4500);
	sa.local_ts[0] = selector_of(&l);
	sa.remote_ts[0] = selector_of(&r);
	sa.in.encr_len = sa.out.encr_len = 36;
	return sa;
}

static void refused(const struct sa_child *sa, const char *why)
{
	struct err e = { 0 };

	CHECK_INT(permit_sa(&settings, sa, NULL, &e), -1);
	CHECK_HAS(e.msg, why);
}

static void good_sa_passes(void)
{
	const struct peer_conf *p = NULL;
	struct sa_child sa = good_sa();
	struct err e = { 0 };

	CHECK_INT(permit_sa(&settings, &sa, &p, &e), 0);
	CHECK(p == &peer);
	sa.encr = ENCR_AES_CBC;
	sa.integ = INTEG_HMAC_SHA2_256_128;
	sa.in.encr_len = sa.out.encr_len = 32;
	sa.in.integ_len = sa.out.integ_len = 32;
	CHECK_INT(permit_sa(&settings, &sa, &p, &e), 0);
}

/* What the settings say of AH and of modes, iked cannot say otherwise. */
static void protocol_and_mode_are_the_settings(void)
{
	struct sa_child sa = good_sa();
	struct err e = { 0 };

	sa.proto = 0;
	refused(&sa, "its protocol 0 is none");
	sa = good_sa();
	sa.mode = MODE_TRANSPORT;
	refused(&sa, "its mode or protocol");
	sa = good_sa();
	kid.mode = sa.mode = MODE_BYPASS;
	refused(&sa, "its mode or protocol");
	sa = good_sa();
	sa.proto = SA_AH;
	refused(&sa, "its mode or protocol");
	sa = good_sa();
	sa.cpi_in = 300;
	refused(&sa, "compression");
	kid.ipcomp = true;
	CHECK_INT(permit_sa(&settings, &sa, NULL, &e), 0);
	sa = good_sa();
	sa.proto = SA_AH;
	kid.ah = INTEG_HMAC_SHA2_256_128;
	sa.integ = INTEG_HMAC_SHA2_256_128;
	refused(&sa, "neither encrypts nor goes in UDP");
	sa.encr = sa.encr_bits = 0;
	refused(&sa, "neither encrypts nor goes in UDP");
	sa.udp_encap = 0;
	sa.local.port = sa.remote.port = 0;
	refused(&sa, "keys do not fit");
	sa.in.encr_len = sa.out.encr_len = 0;
	sa.in.integ_len = sa.out.integ_len = 32;
	CHECK_INT(permit_sa(&settings, &sa, NULL, &e), 0);
	sa.integ = 99;
	refused(&sa, "integrity algorithm 99 is unknown");
	sa.proto = SA_ESP;
	refused(&sa, "its mode or protocol");
}

static void wrong_peers_are_refused(void)
{
	struct sa_child sa = good_sa();

	peer.enabled = false;
	refused(&sa, "disabled");
	sa = good_sa();
	strcpy(sa.peer, "branc");
	refused(&sa, "not configured");
	sa = good_sa();
	strcpy(sa.child, "voice");
	refused(&sa, "no child voice");
	sa = good_sa();
	memset(sa.peer, 'x', sizeof(sa.peer));
	refused(&sa, "no name");
	sa = good_sa();
	sa.child[0] = '\0';
	refused(&sa, "no name");
}

static void wrong_selectors_are_refused(void)
{
	struct sa_child sa = good_sa();
	struct prefix wide = net("10.2.0.0/23"), other = net("10.3.0.0/24"),
		      all = net("0.0.0.0/0");

	sa.remote_ts[0] = selector_of(&wide);
	refused(&sa, "remote selector 10.2.0.0/23 is outside");
	sa.remote_ts[0] = selector_of(&other);
	refused(&sa, "is outside");
	sa.remote_ts[0] = selector_of(&all);
	refused(&sa, "is outside");
	sa = good_sa();
	sa.local_ts[0] = selector_of(&wide);
	refused(&sa, "local selector");
	/* The second one counts as well. */
	sa = good_sa();
	sa.n_remote = 2;
	sa.remote_ts[1] = selector_of(&other);
	refused(&sa, "10.3.0.0/24");
	sa = good_sa();
	sa.n_local = 0;
	refused(&sa, "0 local selectors");
	sa = good_sa();
	sa.n_remote = SA_SELECTORS_MAX + 1;
	refused(&sa, "remote selectors");
	sa = good_sa();
	sa.remote_ts[0].to.family = AF_INET6;
	refused(&sa, "is none");
	sa = good_sa();
	sa.remote_ts[0].from = sa.remote_ts[0].to;
	sa.remote_ts[0].from.b[3]++;
	refused(&sa, "is none");
}

static void wrong_ends_are_refused(void)
{
	struct sa_child sa = good_sa();

	sa.spi_in = 255;
	refused(&sa, "SPIs");
	sa = good_sa();
	sa.spi_out = 0;
	refused(&sa, "SPIs");
	sa = good_sa();
	sa.remote.addr = (struct ip_addr){ 0 };
	refused(&sa, "remote end");
	sa = good_sa();
	sa.remote = at("224.0.0.1", 4500);
	refused(&sa, "remote end");
	sa.remote = at("0.0.0.0", 4500);
	refused(&sa, "remote end");
	sa.remote = at("2001:db8::1", 4500);
	refused(&sa, "different families");
	sa = good_sa();
	sa.remote.port = 0;
	refused(&sa, "remote end");
	sa.udp_encap = false;		/* ESP as a protocol of its own has no ports */
	sa.local.port = 0;
	CHECK(permit_sa(&settings, &sa, NULL, NULL) == 0);
	sa = good_sa();
	sa.local = sa.remote;
	refused(&sa, "are the same");
	sa = good_sa();
	sa.local = at("0.0.0.0", 4500);
	refused(&sa, "local end");
}

static void wrong_keys_are_refused(void)
{
	struct sa_child sa = good_sa();

	sa.in.encr_len = 32;
	refused(&sa, "inbound key does not fit");
	sa = good_sa();
	sa.out.encr_len = 0;
	refused(&sa, "outbound key does not fit");
	sa = good_sa();
	sa.integ = INTEG_HMAC_SHA2_256_128;
	refused(&sa, "brings its own integrity");
	sa = good_sa();
	sa.encr = ENCR_AES_CBC;
	refused(&sa, "needs an integrity");
	sa = good_sa();
	sa.encr = 4711;
	refused(&sa, "cipher 4711");
	sa = good_sa();
	sa.encr = ENCR_AES_CBC;
	sa.integ = 4711;
	refused(&sa, "4711");
	sa = good_sa();
	sa.in.integ_len = 1;
	refused(&sa, "integrity key");
}

/* ---- MTU ---- */

static void mtu_fits_exactly(void)
{
	/* Built up again from the inside: header, IV, payload padded, trailer, ICV. */
	static const struct { uint16_t encr, bits, integ; } algs[] = {
		{ ENCR_AES_GCM_16, 256, 0 }, { ENCR_CHACHA20_POLY1305, 0, 0 },
		{ ENCR_AES_CBC, 128, INTEG_HMAC_SHA2_256_128 },
		{ ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_512_256 },
		{ ENCR_AES_CBC, 256, INTEG_HMAC_SHA1_96 },
		{ ENCR_3DES, 0, INTEG_HMAC_SHA1_96 },
	};

	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		const struct alg *encr = alg_get(ALG_ENCR, algs[i].encr, algs[i].bits);
		const struct alg *integ = alg_get(ALG_INTEG, algs[i].integ, 0);

		CHECK(encr);
		for (unsigned outer = 600; outer < 1600; outer++) {
			for (int udp = 0; udp < 2; udp++) {
				unsigned m = mtu_inner(outer, AF_INET, udp, encr, integ);
				unsigned align = encr->block > 4 ? encr->block : 4;
				unsigned icv = encr->aead ? encr->icv_len : integ->icv_len;
				unsigned head = 20 + (udp ? 8u : 0u) + 8 + encr->iv_len + icv;
				unsigned whole = head + (m + 2 + align - 1) / align * align;
				unsigned more = head + (m + 3 + align - 1) / align * align;

				CHECK(whole <= outer);
				CHECK(more > outer);
			}
		}
	}
}

static void mtu_known_figures(void)
{
	const struct alg *gcm = alg_get(ALG_ENCR, ENCR_AES_GCM_16, 256);
	const struct alg *sha256 = alg_get(ALG_INTEG, INTEG_HMAC_SHA2_256_128, 0);
	struct suite_list esp;
	struct err e;

	/* USERS.md pain 11: 1500 - 20 - 8 - 8 - 8 - 16 = 1440, less two of trailer. */
	CHECK_INT(mtu_inner(1500, AF_INET, true, gcm, NULL), 1438);
	CHECK_INT(mtu_inner(1500, AF_INET, false, gcm, NULL), 1446);
	CHECK_INT(mtu_inner(1500, AF_INET6, true, gcm, NULL), 1418);
	CHECK_INT(mtu_inner(60, AF_INET, true, gcm, NULL), 0);
	/* AH: 12 and 16, over IPv6 to 32. */
	CHECK_INT(mtu_inner(1500, AF_INET, false, NULL, sha256), 1452);
	CHECK_INT(mtu_inner(1500, AF_INET6, false, NULL, sha256), 1428);
	CHECK_INT(mtu_inner(40, AF_INET, false, NULL, sha256), 0);
	CHECK_INT(suite_parse(SUITE_ESP, "aes256gcm16,aes256-sha256", &esp, &e), 0);
	/* CBC: 1500 - 20 - 8 - 8 - 16 - 16 = 1432, to blocks 1424, less two. */
	CHECK_INT(mtu_of_suites(1500, AF_INET, true, &esp), 1422);
	CHECK_INT(mtu_clamp(300, false), MTU_MIN_V4);
	CHECK_INT(mtu_clamp(1200, true), MTU_MIN_V6);
	CHECK_INT(mtu_clamp(1422, true), 1422);
	CHECK_INT(mtu_clamp(100000, false), 65535);
}

/* ---- differences ---- */

static struct peer_conf *make_peers(const char *names, size_t *n)
{
	struct peer_conf *v = calloc(26, sizeof(*v));

	for (*n = 0; names[*n]; (*n)++) {
		struct peer_conf *p = &v[*n];

		p->name[0] = names[*n];
		snprintf(p->interface, sizeof(p->interface), "adit-%c", names[*n]);
		p->enabled = true;
		p->n_children = 1;
		p->children = calloc(1, sizeof(*p->children));
		strcpy(p->children[0].name, p->name);
	}
	return v;
}

static void drop_peers(struct settings *s)
{
	for (size_t i = 0; i < s->n_peers; i++)
		free(s->peers[i].children);
	free(s->peers);
}

static char seen[200];

static void note(void *arg, const struct peer_conf *before, const struct peer_conf *after)
{
	size_t len = strlen(seen);

	(void)arg;
	snprintf(seen + len, sizeof(seen) - len, "%s%s ", before && after ? "~" : after ? "+" : "-",
		 after ? after->name : before->name);
}

static void only_changes_are_told(void)
{
	struct settings a, b;
	struct diff_count c;
	char text[100];

	a.peers = make_peers("abdeg", &a.n_peers);
	b.peers = make_peers("bcdeh", &b.n_peers);
	b.peers[2].dpd_delay_s = 30;			/* d */
	b.peers[3].children[0].esp_life_s = 1;		/* e, in its child */
	seen[0] = '\0';
	c = diff_walk(&a, &b, note, NULL);
	CHECK_STR(seen, "-a +c ~d ~e -g +h ");
	CHECK_INT(c.same, 1);
	CHECK_STR(diff_text(&c, text, sizeof(text)), "2 peers changed, 2 added, 2 removed");
	seen[0] = '\0';
	c = diff_walk(&b, &b, note, NULL);
	CHECK_STR(seen, "");
	CHECK_STR(diff_text(&c, text, sizeof(text)), "no change");
	c = (struct diff_count){ .added = 1 };
	CHECK_STR(diff_text(&c, text, sizeof(text)), "1 peer added");
	drop_peers(&a);
	drop_peers(&b);
}

static void one_more_child_is_a_change(void)
{
	struct settings a, b;

	a.peers = make_peers("a", &a.n_peers);
	b.peers = make_peers("a", &b.n_peers);
	CHECK(diff_same(&a.peers[0], &b.peers[0]));
	b.peers[0].children = realloc(b.peers[0].children, 2 * sizeof(struct child_conf));
	memset(&b.peers[0].children[1], 0, sizeof(struct child_conf));
	b.peers[0].n_children = 2;
	CHECK(!diff_same(&a.peers[0], &b.peers[0]));
	CHECK(!diff_same(&b.peers[0], &a.peers[0]));
	drop_peers(&a);
	drop_peers(&b);
}

static bool bad(void *arg, const char *name)
{
	return strchr(arg, name[0]) != NULL;
}

static void peers_gone_bad_are_kept(void)
{
	struct settings old, fresh;
	char bads[] = "bdx";

	old.peers = make_peers("abcd", &old.n_peers);
	fresh.peers = make_peers("ac", &fresh.n_peers);
	old.peers[1].dpd_delay_s = 77;
	CHECK_INT(diff_keep_bad(&old, &fresh, bad, bads), 2);
	CHECK_INT(fresh.n_peers, 4);
	CHECK_STR(fresh.peers[1].name, "b");
	CHECK_INT(fresh.peers[1].dpd_delay_s, 77);
	CHECK_STR(fresh.peers[3].name, "d");
	CHECK(fresh.peers[1].children != old.peers[1].children);
	drop_peers(&fresh);

	/* Removed is not bad; and an interface has one peer. */
	fresh.peers = make_peers("c", &fresh.n_peers);
	strcpy(fresh.peers[0].interface, "adit-b");
	CHECK_INT(diff_keep_bad(&old, &fresh, bad, bads), 1);
	CHECK_INT(fresh.n_peers, 2);
	CHECK_STR(fresh.peers[1].name, "d");
	drop_peers(&fresh);
	drop_peers(&old);
}

/* ---- log ---- */

static uint64_t first_seq, last_seq, lines;
static struct log_line last_line;

static void look(void *arg, const struct log_line *l)
{
	(void)arg;
	if (!lines++)
		first_seq = l->seq;
	else
		CHECK_INT(l->seq, last_seq + 1);
	last_seq = l->seq;
	last_line = *l;
}

static void ring_keeps_the_last(void)
{
	struct log_line l = { .level = LL_INFO, .wall_s = 1700000000 };
	int null = dup(2);

	/* What goes to stderr is not what is looked at here. */
	CHECK(freopen("/dev/null", "w", stderr));
	loghub_start(true);
	for (int i = 0; i < 5000; i++) {
		snprintf(l.peer, sizeof(l.peer), "peer%d", i % 7);
		snprintf(l.text, sizeof(l.text), "line %d %.*s", i, i % 300,
			 "........................................................................"
			 "........................................................................");
		loghub_line(&l);
	}
	memset(l.text, 'x', sizeof(l.text));	/* no NUL, and a control character */
	l.text[3] = '\n';
	memset(l.peer, 'p', sizeof(l.peer));
	loghub_line(&l);
	l.level = (enum log_level)77;
	loghub_line(&l);
	fflush(stderr);
	dup2(null, 2);
	close(null);
	lines = 0;
	loghub_replay(look, NULL);
	CHECK(lines > 200 && lines < 2000);
	CHECK_INT(last_seq, 5001);
	CHECK_INT(first_seq, 5002 - lines);
	CHECK_INT(strlen(last_line.text), LOG_TEXT_MAX - 1);
	CHECK_INT(last_line.text[3], '?');
	CHECK_INT(strlen(last_line.peer), LOG_PEER_MAX - 1);
	CHECK_INT(last_line.wall_s, 1700000000);
}

/* ---- SAs by generation ---- */

static void generations_do_not_mix(void)
{
	struct sa_child c = good_sa();
	struct satab t = { 0 };
	struct sa *s, *old;
	size_t pos = 0;

	for (uint32_t i = 1; i <= 40; i++) {
		c.id = i;
		s = satab_add(&t, &c, 1);
		CHECK(s);
		s->live = i % 2;
	}
	CHECK_INT(satab_live(&t, "branch"), 20);
	CHECK_INT(satab_live(&t, "other"), 0);
	c.id = 5;
	s = satab_add(&t, &c, 2);
	CHECK_INT(s->id, 41);
	CHECK(satab_by_iked(&t, 5, 2) == s);
	CHECK(satab_by_iked(&t, 5, 1) != s);
	CHECK(!satab_by_iked(&t, 6, 2));
	while ((old = satab_older(&t, "branch", "branch", 2, &pos)))
		satab_drop(&t, old);
	CHECK_INT(t.n, 1);
	CHECK_INT(t.v[0].id, 41);
	pos = 0;
	CHECK(!satab_older(&t, "branch", NULL, 2, &pos));
	/* Numbers are not used twice, not even when they wrap. */
	t.last_id = UINT32_MAX;
	s = satab_add(&t, &c, 3);
	CHECK_INT(s->id, 1);
	t.last_id = 40;
	s = satab_add(&t, &c, 4);
	CHECK_INT(s->id, 42);
	satab_fini(&t);
}

/* Against a list kept by hand: added, dropped, found each way. */
static void many_sas_are_found(void)
{
	enum { MOST = 300, PEERS = 7 };
	static struct { uint32_t id, iked; int peer; } want[MOST];
	struct sa_child c = good_sa();
	struct satab t = { 0 };
	size_t n = 0;

	rng_virtual_seed(3);
	for (uint32_t round = 1; round <= 20000; round++) {
		unsigned of[PEERS] = { 0 };

		if (n < MOST && rng_below(100) < (round / 1000 % 2 ? 30 : 70)) {
			int who = (int)rng_below(PEERS);
			struct sa *s;

			c.id = round;
			snprintf(c.peer, sizeof(c.peer), "peer%d", who);
			s = satab_add(&t, &c, round % 3);
			CHECK(s);
			want[n].id = s->id;
			want[n].iked = round;
			want[n++].peer = who;
		} else if (n) {
			size_t k = rng_below((uint32_t)n);

			satab_drop(&t, satab_by_id(&t, want[k].id));
			CHECK(!satab_by_id(&t, want[k].id));
			want[k] = want[--n];
		}
		CHECK_INT(t.n, n);
		for (size_t k = 0; k < n; k++)
			of[want[k].peer]++;
		for (size_t k = round % 16; k < n; k += 16) {
			struct sa *s = satab_by_id(&t, want[k].id);

			CHECK(s && s->iked_id == want[k].iked);
			CHECK(satab_by_iked(&t, want[k].iked, want[k].iked % 3) == s);
			CHECK(!satab_by_iked(&t, want[k].iked, want[k].iked % 3 + 1));
		}
		snprintf(c.peer, sizeof(c.peer), "peer%u", round % PEERS);
		CHECK_INT(satab_count(&t, c.peer), of[round % PEERS]);
	}
	satab_clear(&t);
	CHECK(!satab_of(&t, "peer1", NULL) && !satab_by_id(&t, 1));
	satab_fini(&t);
	rng_virtual_seed(0);
}

/* ---- SipHash: the paper's vectors, key 00..0f, data 00..len-1 ---- */

static void siphash_vectors(void)
{
	const uint64_t key[2] = { 0x0706050403020100u, 0x0f0e0d0c0b0a0908u };
	uint8_t data[64];

	for (int i = 0; i < 64; i++)
		data[i] = (uint8_t)i;
	CHECK(siphash(key, data, 0) == 0x726fdb47dd0e0e31u);
	CHECK(siphash(key, data, 15) == 0xa129ca6149be45e5u);
	CHECK(siphash(key, data, 63) == 0x958a324ceb064572u);
}

int main(void)
{
	T_RUN(every_request_has_its_phase);
	T_RUN(good_sa_passes);
	T_RUN(protocol_and_mode_are_the_settings);
	T_RUN(wrong_peers_are_refused);
	T_RUN(wrong_selectors_are_refused);
	T_RUN(wrong_ends_are_refused);
	T_RUN(wrong_keys_are_refused);
	T_RUN(mtu_fits_exactly);
	T_RUN(mtu_known_figures);
	T_RUN(only_changes_are_told);
	T_RUN(one_more_child_is_a_change);
	T_RUN(peers_gone_bad_are_kept);
	T_RUN(ring_keeps_the_last);
	T_RUN(generations_do_not_mix);
	T_RUN(many_sas_are_found);
	T_RUN(siphash_vectors);
	return t_done();
}
