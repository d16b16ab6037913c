/* rooms: ike/wire core/crypto core/base */
/* Traffic selectors: narrowing as responder, checking as initiator, words for both sides. */
#include "tests/unit/t.h"

#include "ike/wire/ts.h"
#include "tests/unit/wire_help.h"

static struct ts_list tsi, tsr, oi, or;
static struct prefix local[NETWORKS_MAX], remote[NETWORKS_MAX];
static struct err e;

/* "10.1.0.0/24 10.2.0.0/24" */
static size_t nets(const char *text, struct prefix *out)
{
	char buf[512], *at = buf, *word;
	size_t n = 0;

	snprintf(buf, sizeof(buf), "%s", text);
	while ((word = strsep(&at, " ")))
		out[n++] = net(word);
	return n;
}

static struct ts_list list(const char *text)
{
	struct prefix p[TS_MAX];
	struct ts_list l;

	ts_from_prefixes(p, nets(text, p), &l);
	return l;
}

/* The peer asks i === r; we have local and remote; says how it fits, answers in oi, or. */
static enum ts_fit ask(const char *i, const char *r, const char *have_local,
		       const char *have_remote)
{
	tsi = list(i);
	tsr = list(r);
	return ts_narrow(&tsi, &tsr, local, nets(have_local, local), remote,
			 nets(have_remote, remote), &oi, &or);
}

static const char *show(const struct ts_list *l)
{
	static char text[4][1024];
	static int at;

	at = (at + 1) % 4;
	return ts_str(l, text[at], sizeof(text[at]));
}

static void fits(void)
{
	CHECK_INT(ask("10.2.0.0/24", "10.1.0.0/24", "10.1.0.0/24", "10.2.0.0/24"), TS_EXACT);
	CHECK_STR(show(&oi), "10.2.0.0/24");
	CHECK_STR(show(&or), "10.1.0.0/24");
	CHECK_INT(ask("10.2.0.5/32", "10.1.0.0/24", "10.1.0.0/24", "10.2.0.0/24"), TS_WITHIN);
	CHECK_STR(show(&oi), "10.2.0.5/32");
	CHECK_INT(ask("0.0.0.0/0", "0.0.0.0/0", "10.1.0.0/24", "10.2.0.0/24"), TS_PART);
	CHECK_STR(show(&oi), "10.2.0.0/24");
	CHECK_STR(show(&or), "10.1.0.0/24");
	CHECK_INT(ask("10.3.0.0/24", "10.1.0.0/24", "10.1.0.0/24", "10.2.0.0/24"), TS_NONE);
	CHECK_INT(ask("10.2.0.0/24", "10.9.0.0/24", "10.1.0.0/24", "10.2.0.0/24"), TS_NONE);
	CHECK_INT(ask("2001:db8::/32", "::/0", "10.1.0.0/24", "10.2.0.0/24"), TS_NONE);
	CHECK_INT(ask("2001:db8:2::/48", "::/0", "2001:db8:1::/48", "2001:db8:2::/48"), TS_PART);
	CHECK_STR(show(&or), "2001:db8:1::/48");
}

static void several_networks(void)
{
	CHECK_INT(ask("10.2.0.0/24 10.3.0.0/24", "10.1.0.0/24", "10.1.0.0/24",
		      "10.3.0.0/24 10.2.0.0/24"), TS_EXACT);
	CHECK_STR(show(&oi), "10.2.0.0/24, 10.3.0.0/24");
	CHECK_INT(ask("10.2.0.0/24 10.3.0.0/24", "10.1.0.0/24", "10.1.0.0/24", "10.2.0.0/24"),
		  TS_PART);
	CHECK_STR(show(&oi), "10.2.0.0/24");
	/* Each asked for within one of ours, and the other way round. */
	CHECK_INT(ask("10.0.0.0/8", "0.0.0.0/0", "192.168.0.0/24 10.1.0.0/24",
		      "10.2.0.0/24 10.3.0.0/24"), TS_PART);
	CHECK_STR(show(&oi), "10.2.0.0/24, 10.3.0.0/24");
	CHECK_STR(show(&or), "192.168.0.0/24, 10.1.0.0/24");
	/* Twice the same. */
	CHECK_INT(ask("10.2.0.0/24 10.2.0.0/24 10.2.0.0/25", "10.1.0.0/24", "10.1.0.0/24",
		      "10.2.0.0/24"), TS_EXACT);
	CHECK_INT(oi.n, 1);
	/* Mixed families: the one that fits is kept. */
	CHECK_INT(ask("10.2.0.0/24 2001:db8:2::/48", "10.1.0.0/24 2001:db8:1::/48",
		      "10.1.0.0/24 2001:db8:1::/48", "10.2.0.0/24 2001:db8:2::/48"), TS_EXACT);
	CHECK_INT(oi.n, 2);
}

/* §2.9: the packet that began it all comes first, and what is answered must hold it. */
static void specific_packet(void)
{
	local[0] = net("10.1.0.0/24");
	remote[0] = net("10.2.0.0/25");
	remote[1] = net("10.2.0.128/25");
	tsi = list("10.2.0.200/32 10.2.0.0/24");
	tsr = list("10.1.0.7/32 10.1.0.0/24");
	tsi.s[0].proto = tsr.s[0].proto = 17;
	tsi.s[0].port_from = tsi.s[0].port_to = 5353;
	CHECK_INT(ts_narrow(&tsi, &tsr, local, 1, remote, 2, &oi, &or), TS_PART);
	CHECK_STR(show(&oi), "10.2.0.128/25, 10.2.0.0/25");
	CHECK_STR(show(&or), "10.1.0.0/24");
	remote[0] = net("10.2.0.0/24");
	CHECK_INT(ts_narrow(&tsi, &tsr, local, 1, remote, 1, &oi, &or), TS_EXACT);
	CHECK_STR(show(&oi), "10.2.0.0/24");
}

static void protocols_and_ports_stay(void)
{
	tsi = list("10.2.0.0/24");
	tsr = list("10.1.0.0/24");
	tsi.s[0].proto = 6;
	tsr.s[0].proto = 6;
	tsr.s[0].port_from = tsr.s[0].port_to = 443;
	local[0] = net("10.1.0.0/16");
	remote[0] = net("10.2.0.0/24");
	CHECK_INT(ts_narrow(&tsi, &tsr, local, 1, remote, 1, &oi, &or), TS_WITHIN);
	CHECK_STR(show(&oi), "10.2.0.0/24[tcp]");
	CHECK_STR(show(&or), "10.1.0.0/24[tcp/443]");
}

static void answers_are_bounded(void)
{
	struct ts_list big = { 0 };

	/* 64 hosts asked for, 16 answered. */
	for (unsigned i = 0; i < TS_MAX; i++) {
		struct ip_addr a = addr_v4(0x0a020000u + 2 * i);
		struct prefix p = prefix_host(&a);

		big.s[big.n++] = selector_of(&p);
	}
	tsr = list("10.1.0.0/24");
	local[0] = net("10.1.0.0/24");
	remote[0] = net("10.2.0.0/16");
	CHECK_INT(ts_narrow(&big, &tsr, local, 1, remote, 1, &oi, &or), TS_PART);
	CHECK_INT(oi.n, SA_SELECTORS_MAX);
	CHECK(selector_equal(&oi.s[0], &big.s[0]));
	/* The whole network after them takes their place. */
	big.s[TS_MAX - 1] = selector_of(&remote[0]);
	CHECK_INT(ts_narrow(&big, &tsr, local, 1, remote, 1, &oi, &or), TS_PART);
	CHECK_INT(oi.n, 1);
	CHECK_STR(show(&oi), "10.2.0.0/16");
	/* Left-out selectors mean that it is not all that was asked for. */
	tsi = list("10.2.0.0/16");
	CHECK_INT(ts_narrow(&tsi, &tsr, local, 1, remote, 1, &oi, &or), TS_EXACT);
	tsi.unknown = true;
	CHECK_INT(ts_narrow(&tsi, &tsr, local, 1, remote, 1, &oi, &or), TS_PART);
	tsi.n = 0;
	CHECK_INT(ts_narrow(&tsi, &tsr, local, 1, remote, 1, &oi, &or), TS_NONE);
}

static int check(const char *asked, const char *answer)
{
	tsi = list(asked);
	tsr = list(answer);
	return ts_check(&tsi, &tsr, &e);
}

static void answers_are_checked(void)
{
	CHECK(check("10.1.0.0/24", "10.1.0.0/24") == 0);
	CHECK(check("10.1.0.0/24", "10.1.0.0/25 10.1.0.200/32") == 0);
	CHECK(check("10.1.0.0/24 10.2.0.0/24", "10.2.0.0/24") == 0);
	CHECK(check("10.1.0.0/24", "10.1.0.0/23") < 0);
	CHECK_HAS(e.msg, "10.1.0.0/23, which is more than was asked for");
	CHECK(check("10.1.0.0/24", "10.1.0.0/24 10.2.0.0/24") < 0);
	CHECK(check("10.1.0.0/24", "2001:db8::/32") < 0);
	tsi = list("10.1.0.0/24");
	tsi.s[0].proto = 6;
	tsr = list("10.1.0.0/24");
	CHECK(ts_check(&tsi, &tsr, &e) < 0);
	CHECK(ts_check(&tsr, &tsi, &e) == 0);
	tsr.n = 0;
	CHECK(ts_check(&tsi, &tsr, &e) < 0);
	tsr = list("10.1.0.0/24");
	tsi = tsr;
	tsr.unknown = true;
	CHECK(ts_check(&tsi, &tsr, &e) < 0);
	tsr.unknown = false;
	tsr.n = SA_SELECTORS_MAX + 1;
	for (uint8_t i = 0; i < tsr.n; i++)
		tsr.s[i] = tsr.s[0];
	CHECK(ts_check(&tsi, &tsr, &e) < 0);
	tsr.n--;
	CHECK(ts_check(&tsi, &tsr, &e) == 0);
}

static void sameness(void)
{
	struct ts_list a = list("10.1.0.0/24 10.2.0.0/24"), b = list("10.2.0.0/24 10.1.0.0/24");

	CHECK(ts_same(&a, &b));
	b = list("10.2.0.0/24");
	CHECK(!ts_same(&a, &b) && !ts_same(&b, &a));
}

static void words(void)
{
	struct ts_list l = list("10.1.0.0/24"), r = list("10.2.0.0/24"), tl = l,
		       tr = list("10.3.0.0/24");
	char text[600];

	CHECK_STR(ts_compare(&l, &r, &tl, &tr, text, sizeof(text)),
		  "ours 10.1.0.0/24 === 10.2.0.0/24; theirs 10.1.0.0/24 === 10.3.0.0/24: "
		  "the peer's local network is not our remote_network");
	CHECK_HAS(ts_compare(&l, &r, &tr, &r, text, sizeof(text)),
		  "the peer's remote network is not our local_network");
	CHECK_HAS(ts_compare(&l, &r, &r, &l, text, sizeof(text)), "the wrong way round");
	CHECK_HAS(ts_compare(&l, &r, &tr, &tr, text, sizeof(text)), "neither");
	CHECK_HAS(ts_compare(&l, &r, &l, &r, text, sizeof(text)), "they agree");
	tl = list("10.1.0.0/16");
	CHECK_HAS(ts_compare(&l, &r, &tl, &r, text, sizeof(text)), "they agree in part");
	for (uint8_t i = 1; i < TS_MAX; i++)
		tr.s[tr.n++] = tr.s[0];
	CHECK_HAS(ts_compare(&l, &tr, &tr, &tr, text, 200),
		  "...: the peer's remote network is not our local_network");
	CHECK(strlen(text) < 200);
	tr.n = 0;
	CHECK_STR(show(&tr), "nothing");
	tr.unknown = true;
	CHECK_STR(show(&tr), "nothing known here");
}

int main(void)
{
	T_RUN(fits);
	T_RUN(several_networks);
	T_RUN(specific_packet);
	T_RUN(protocols_and_ports_stay);
	T_RUN(answers_are_bounded);
	T_RUN(answers_are_checked);
	T_RUN(sameness);
	T_RUN(words);
	return t_done();
}
