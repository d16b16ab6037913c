/* rooms: dataplane/xfrm core/net core/ipc core/crypto core/settings core/base */
/* The kernel dataplane without a kernel: messages as the kernel reads them and as it writes
 * them, selectors as networks and masks, drivers in /proc/crypto, counters. That a kernel
 * does with them what is meant is tested in guests (tests/kernel/xfrm_*.sh). */
#include "dataplane/xfrm/kernel.h"
#include "tests/unit/t.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/udp.h>
#include <linux/xfrm.h>

static char buf[XFRM_BUF];

static struct ip_addr ip(const char *t)
{
	struct ip_addr a;

	if (addr_parse(t, &a, NULL))
		abort();
	return a;
}

static struct prefix net(const char *t)
{
	struct prefix p;

	if (prefix_parse(t, &p, NULL))
		abort();
	return p;
}

/* An attribute of a message; *len gets its payload's length. */
static const void *attr(const struct nlmsghdr *h, size_t fixed, uint16_t type, size_t *len)
{
	const char *at = (const char *)h + NLMSG_HDRLEN + NLMSG_ALIGN(fixed);
	const char *end = (const char *)h + h->nlmsg_len;

	while (at + NLA_HDRLEN <= end) {
		const struct nlattr *a = (const void *)at;

		if (a->nla_len < NLA_HDRLEN || at + a->nla_len > end)
			return NULL;
		if ((a->nla_type & NLA_TYPE_MASK) == type) {
			*len = a->nla_len - NLA_HDRLEN;
			return at + NLA_HDRLEN;
		}
		at += NLA_ALIGN(a->nla_len);
	}
	return NULL;
}

static struct sa_child child_of(uint16_t encr, uint16_t bits, uint16_t integ)
{
	struct sa_child c = { .proto = SA_ESP, .encr = encr, .encr_bits = bits, .integ = integ };
	const struct alg *e = alg_get(ALG_ENCR, encr, bits), *i = alg_get(ALG_INTEG, integ, 0);

	c.in.encr_len = e ? e->key_len : 0;
	c.in.integ_len = i ? i->key_len : 0;
	for (size_t k = 0; k < sizeof(c.in.encr); k++)
		c.in.encr[k] = (uint8_t)(k + 1);
	for (size_t k = 0; k < sizeof(c.in.integ); k++)
		c.in.integ[k] = (uint8_t)(0x80 + k);
	return c;
}

static struct xfrm_sa sa_of(const struct sa_child *c)
{
	struct xfrm_sa sa = {
		.id = { .src = ip("198.51.100.2"), .dst = ip("203.0.113.1"), .spi = 0x12345678,
			.proto = c->proto },
		.tunnel = true, .inbound = true, .reqid = XFRM_REQID | 7, .if_id = 9,
		.pair = 0x12345678, .mark = 0x08000000, .window = 256,
		.limits = { .hard_bytes = 1000, .hard_s = 60 },
	};

	CHECK(kalg_fill(&sa, c, &c->in, NULL) == 0);
	return sa;
}

static void a_state_as_the_kernel_reads_it(void)
{
	struct sa_child c = child_of(ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_256_128);
	struct xfrm_sa sa = sa_of(&c);
	const struct xfrm_usersa_info *p;
	const struct xfrm_algo_auth *auth;
	const struct xfrm_encap_tmpl *t;
	const struct xfrm_algo *crypt;
	struct nlmsghdr *h;
	size_t len;

	sa.encap = true;
	sa.encap_sport = 4501;
	sa.encap_dport = 4500;
	h = xfrm_sa_message(buf, &sa);
	CHECK(h != NULL);
	CHECK_INT(h->nlmsg_type, XFRM_MSG_NEWSA);
	CHECK(h->nlmsg_flags & NLM_F_EXCL);
	p = NLMSG_DATA(h);
	CHECK_INT(p->id.daddr.a4, inet_addr("203.0.113.1"));
	CHECK_INT(p->saddr.a4, inet_addr("198.51.100.2"));
	CHECK_INT(p->id.spi, htonl(0x12345678));
	CHECK_INT(p->id.proto, IPPROTO_ESP);
	CHECK_INT(p->mode, XFRM_MODE_TUNNEL);
	CHECK(p->flags & XFRM_STATE_AF_UNSPEC);
	CHECK(p->lft.soft_byte_limit == XFRM_INF);
	CHECK_INT(p->lft.hard_byte_limit, 1000);
	CHECK_INT(p->lft.hard_add_expires_seconds, 60);
	/* SHA-256 cut to 128 bits, not to the kernel's own 96. */
	auth = attr(h, sizeof(*p), XFRMA_ALG_AUTH_TRUNC, &len);
	CHECK(auth != NULL);
	CHECK_STR(auth->alg_name, "hmac(sha256)");
	CHECK_INT(auth->alg_trunc_len, 128);
	CHECK_INT(auth->alg_key_len, 256);
	CHECK_INT(len, sizeof(*auth) + 32);
	CHECK_MEM(auth->alg_key, c.in.integ, 32);
	crypt = attr(h, sizeof(*p), XFRMA_ALG_CRYPT, &len);
	CHECK_STR(crypt->alg_name, "cbc(aes)");
	CHECK_MEM(crypt->alg_key, c.in.encr, 32);
	t = attr(h, sizeof(*p), XFRMA_ENCAP, &len);
	CHECK_INT(t->encap_type, UDP_ENCAP_ESPINUDP);
	CHECK_INT(ntohs(t->encap_sport), 4501);
	CHECK_INT(ntohs(t->encap_dport), 4500);
	CHECK_INT(*(const uint32_t *)attr(h, sizeof(*p), XFRMA_IF_ID, &len), 9);
	CHECK_INT(*(const uint32_t *)attr(h, sizeof(*p), XFRMA_SET_MARK, &len), 0x08000000);
	CHECK(attr(h, sizeof(*p), XFRMA_OFFLOAD_DEV, &len) == NULL);
}

static void salt_goes_with_the_key(void)
{
	struct sa_child c = child_of(ENCR_AES_GCM_16, 256, INTEG_NONE);
	struct xfrm_sa sa = sa_of(&c);
	const struct xfrm_replay_state_esn *r;
	const struct xfrm_algo_aead *a;
	struct nlmsghdr *h;
	size_t len;

	sa.esn = true;
	h = xfrm_sa_message(buf, &sa);
	a = attr(h, sizeof(struct xfrm_usersa_info), XFRMA_ALG_AEAD, &len);
	CHECK_STR(a->alg_name, "rfc4106(gcm(aes))");
	CHECK_INT(a->alg_key_len, 288);
	CHECK_INT(a->alg_icv_len, 128);
	CHECK_MEM(a->alg_key, c.in.encr, 36);
	CHECK(((const struct xfrm_usersa_info *)NLMSG_DATA(h))->flags & XFRM_STATE_ESN);
	r = attr(h, sizeof(struct xfrm_usersa_info), XFRMA_REPLAY_ESN_VAL, &len);
	CHECK_INT(r->replay_window, 256);
	CHECK_INT(r->bmp_len, 8);
	CHECK_INT(len, sizeof(*r) + 32);
}

static void every_cipher_has_a_name(void)
{
	static const struct { uint16_t encr, bits, integ; const char *name; } v[] = {
		{ ENCR_DES, 0, INTEG_HMAC_MD5_96, "cbc(des)" },
		{ ENCR_3DES, 0, INTEG_HMAC_SHA1_96, "cbc(des3_ede)" },
		{ ENCR_BLOWFISH, 128, INTEG_HMAC_SHA1_96, "cbc(blowfish)" },
		{ ENCR_NULL, 0, INTEG_HMAC_SHA2_512_256, "ecb(cipher_null)" },
		{ ENCR_AES_CBC, 128, INTEG_HMAC_SHA2_384_192, "cbc(aes)" },
		{ ENCR_AES_CTR, 256, INTEG_HMAC_SHA2_256_128, "rfc3686(ctr(aes))" },
		{ ENCR_CAMELLIA_CBC, 256, INTEG_HMAC_SHA2_256_128, "cbc(camellia)" },
		{ ENCR_AES_GCM_16, 128, INTEG_NONE, "rfc4106(gcm(aes))" },
		{ ENCR_CHACHA20_POLY1305, 0, INTEG_NONE, "rfc7539esp(chacha20,poly1305)" },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct sa_child c = child_of(v[i].encr, v[i].bits, v[i].integ), back = { 0 };
		struct xfrm_sa sa = sa_of(&c);
		struct xfrm_seen seen;
		struct nlmsghdr *h = xfrm_sa_message(buf, &sa);

		CHECK(h != NULL);
		CHECK_STR(sa.aead.name ? sa.aead.name : sa.encr.name, v[i].name);
		/* What the kernel would say of it names the same transforms. */
		CHECK(xfrm_sa_read(h, &seen) == 0);
		kalg_read(&seen, &back);
		CHECK_INT(back.encr, v[i].encr);
		CHECK_INT(back.encr_bits, v[i].bits);
		CHECK_INT(back.integ, v[i].integ);
	}
}

static void a_state_read_back(void)
{
	struct sa_child c = child_of(ENCR_AES_GCM_16, 128, INTEG_NONE);
	struct xfrm_sa sa = sa_of(&c);
	struct xfrm_seen seen;
	struct nlmsghdr *h = xfrm_sa_message(buf, &sa);

	CHECK(xfrm_sa_read(h, &seen) == 0);
	CHECK(addr_equal(&seen.id.src, &sa.id.src) && addr_equal(&seen.id.dst, &sa.id.dst));
	CHECK_INT(seen.id.spi, sa.id.spi);
	CHECK_INT(seen.pair, sa.pair);
	CHECK_INT(seen.reqid, sa.reqid);
	CHECK_INT(seen.if_id, 9);
	CHECK_INT(seen.mark, 0x08000000);
	CHECK(seen.tunnel && !seen.larval);
	CHECK(xfrm_reqid_is_ours(seen.reqid));
	CHECK(!xfrm_reqid_is_ours(7) && !xfrm_reqid_is_ours(XFRM_REQID_LAST + 1));
	/* Cut off. */
	h->nlmsg_len = NLMSG_HDRLEN + 20;
	CHECK(xfrm_sa_read(h, &seen) < 0);
}

static void too_long_a_key_is_refused(void)
{
	uint8_t key[200] = { 0 };
	struct xfrm_sa sa = { .auth = { .name = "hmac(sha512)", .key = key, .key_len = 200 } };

	CHECK(xfrm_sa_message(buf, &sa) == NULL);
}

static void a_policy_there_and_back(void)
{
	struct xfrm_pol p = {
		.sel = { .src = net("10.1.0.0/24"), .dst = net("10.2.0.0/24"), .proto = 17,
			 .dport = 53, .dport_mask = 0xffff },
		.dir = XFRM_DIR_FWD, .if_id = 5, .priority = 77, .n_tmpl = 2,
		.tmpl = {
			{ .family = AF_INET, .proto = IPPROTO_COMP, .tunnel = true, .optional = true,
			  .reqid = XFRM_REQID | 3 },
			{ .src = ip("203.0.113.1"), .dst = ip("198.51.100.2"), .family = AF_INET,
			  .proto = IPPROTO_ESP, .reqid = XFRM_REQID | 3, .spi = 0x1234 },
		},
	}, q;
	struct nlmsghdr *h = xfrm_pol_message(buf, &p);

	CHECK_INT(h->nlmsg_type, XFRM_MSG_UPDPOLICY);
	CHECK(xfrm_pol_read(h, &q) == 0);
	CHECK(xfrm_sel_equal(&p.sel, &q.sel));
	CHECK_INT(q.dir, XFRM_DIR_FWD);
	CHECK_INT(q.if_id, 5);
	CHECK_INT(q.priority, 77);
	CHECK(!q.block);
	CHECK_INT(q.n_tmpl, 2);
	CHECK(q.tmpl[0].optional && q.tmpl[0].tunnel && !q.tmpl[1].tunnel);
	CHECK(!addr_is_set(&q.tmpl[0].dst));
	CHECK(addr_equal(&q.tmpl[1].dst, &p.tmpl[1].dst));
	CHECK_INT(q.tmpl[1].spi, 0x1234);
	h->nlmsg_len = NLMSG_HDRLEN + 8;
	CHECK(xfrm_pol_read(h, &q) < 0);
}

static void events(void)
{
	struct {
		struct nlmsghdr h;
		union {
			struct xfrm_user_expire x;
			struct xfrm_user_mapping m;
			struct xfrm_usersa_id id;
		} u;
	} msg;
	struct xfrm_event ev;

	memset(&msg, 0, sizeof(msg));
	msg.h.nlmsg_len = NLMSG_LENGTH(sizeof(msg.u.x));
	msg.h.nlmsg_type = XFRM_MSG_EXPIRE;
	msg.u.x.state.family = AF_INET;
	msg.u.x.state.id.spi = htonl(0x1001);
	msg.u.x.state.id.daddr.a4 = inet_addr("203.0.113.1");
	msg.u.x.hard = 1;
	CHECK_INT(xfrm_event_read(&msg.h, 0, &ev), 1);
	CHECK_INT(ev.kind, XFRM_EV_EXPIRED);
	CHECK_INT(ev.id.spi, 0x1001);
	CHECK(ev.hard);
	msg.h.nlmsg_len = NLMSG_LENGTH(8);
	CHECK_INT(xfrm_event_read(&msg.h, 0, &ev), -1);

	memset(&msg, 0, sizeof(msg));
	msg.h.nlmsg_len = NLMSG_LENGTH(sizeof(msg.u.m));
	msg.h.nlmsg_type = XFRM_MSG_MAPPING;
	msg.u.m.id.family = AF_INET;
	msg.u.m.new_saddr.a4 = inet_addr("192.0.2.7");
	msg.u.m.new_sport = htons(1234);
	CHECK_INT(xfrm_event_read(&msg.h, 0, &ev), 1);
	CHECK_INT(ev.kind, XFRM_EV_MAPPING);
	CHECK_INT(ev.moved_to.port, 1234);

	/* What we deleted ourselves is no news, what another did is. */
	memset(&msg, 0, sizeof(msg));
	msg.h.nlmsg_len = NLMSG_LENGTH(sizeof(msg.u.id));
	msg.h.nlmsg_type = XFRM_MSG_DELSA;
	msg.h.nlmsg_pid = 4711;
	msg.u.id.family = AF_INET;
	CHECK_INT(xfrm_event_read(&msg.h, 4711, &ev), 0);
	CHECK_INT(xfrm_event_read(&msg.h, 4712, &ev), 1);
	CHECK_INT(ev.kind, XFRM_EV_DELETED);
	msg.h.nlmsg_type = XFRM_MSG_FLUSHPOLICY;
	CHECK_INT(xfrm_event_read(&msg.h, 4712, &ev), 1);
	CHECK_INT(ev.kind, XFRM_EV_CHANGED);
}

/* ---- selectors ---- */

static struct xfrm_sel got[600];
static size_t n_got;

static bool keep(void *arg, const struct xfrm_sel *s)
{
	(void)arg;
	got[n_got++] = *s;
	return n_got < sizeof(got) / sizeof(*got);
}

static struct selector sel(const char *t, uint8_t proto, uint16_t lo, uint16_t hi)
{
	struct prefix p = net(t);
	struct selector s = selector_of(&p);

	s.proto = proto;
	s.port_from = lo;
	s.port_to = hi;
	return s;
}

/* Does any of what was made match? */
static bool matches(uint16_t sport, uint16_t dport)
{
	for (size_t i = 0; i < n_got; i++)
		if ((sport & got[i].sport_mask) == got[i].sport &&
		    (dport & got[i].dport_mask) == got[i].dport)
			return true;
	return false;
}

static void ports_become_masks(void)
{
	static const uint16_t ranges[][2] = {
		{ 0, 65535 }, { 53, 53 }, { 1024, 65535 }, { 1, 65534 }, { 5000, 5999 }, { 0, 0 },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		struct selector src = sel("10.1.0.0/24", 6, 0, 65535);
		struct selector dst = sel("10.2.0.0/24", 6, ranges[i][0], ranges[i][1]);

		n_got = 0;
		CHECK(kpol_selectors(&src, &dst, keep, NULL));
		for (unsigned port = 0; port < 65536; port++)
			CHECK(matches(99, (uint16_t)port) ==
			      (port >= ranges[i][0] && port <= ranges[i][1]));
	}
}

static void ranges_become_networks(void)
{
	struct selector src = sel("10.1.0.0/24", 0, 0, 65535);
	struct selector dst = sel("10.2.0.0/24", 0, 0, 65535);

	dst.from = ip("10.2.0.1");
	dst.to = ip("10.2.0.6");
	n_got = 0;
	CHECK(kpol_selectors(&src, &dst, keep, NULL));
	CHECK_INT(n_got, 4);		/* .1, .2/31, .4/31, .6 */
	/* Families do not mix. */
	src = sel("fd01::/64", 0, 0, 65535);
	n_got = 0;
	CHECK(kpol_selectors(&src, &dst, keep, NULL));
	CHECK_INT(n_got, 0);
}

static void icmp_has_type_and_code(void)
{
	struct selector src = sel("10.1.0.0/24", IPPROTO_ICMP, 8 << 8, (8 << 8) | 255);
	struct selector dst = src;

	n_got = 0;
	CHECK(kpol_selectors(&src, &dst, keep, NULL));
	CHECK(matches(8, 0) && matches(8, 255));
	CHECK(!matches(0, 0) && !matches(9, 0));
}

static void the_exact_one_wins(void)
{
	struct xfrm_sel wide = { .src = net("0.0.0.0/0"), .dst = net("0.0.0.0/0") };
	struct xfrm_sel lan = { .src = net("10.1.0.0/24"), .dst = net("10.2.0.0/24") }, tcp = lan;
	struct xfrm_sel host = { .src = net("fd01::1/128"), .dst = net("fd02::1/128") };

	tcp.proto = 6;
	CHECK(kpol_priority(&lan, false) < kpol_priority(&wide, false));
	CHECK(kpol_priority(&tcp, false) < kpol_priority(&lan, false));
	CHECK(kpol_priority(&wide, true) < kpol_priority(&host, false));
	/* All of them say whose they are. */
	CHECK_INT(kpol_priority(&host, true) & ~0xfffffu, XFRM_PRIORITY);
	CHECK_INT(kpol_priority(&wide, false) & ~0xfffffu, XFRM_PRIORITY);
}

/* ---- drivers, counters ---- */

static const char proc_crypto[] =
	"name         : authenc(hmac(sha256),cbc(aes))\n"
	"driver       : authenc(hmac(sha256-generic),cbc-aes-aesni)\n"
	"module       : authenc\npriority     : 4100\nasync        : no\ntype         : aead\n"
	"\n"
	"name         : rfc4106(gcm(aes))\n"
	"driver       : rfc4106-gcm-aesni\n"
	"module       : aesni_intel\npriority     : 400\nasync        : yes\ntype         : aead\n"
	"\n"
	"name         : rfc4106(gcm(aes))\n"
	"driver       : rfc4106(gcm_base(ctr(aes-generic),ghash-generic))\n"
	"module       : gcm\npriority     : 100\nasync        : no\n"
	"\n"
	"name         : cbc(aes)\n"
	"driver       : cbc-aes-aesni\n"
	"priority     : 400\nasync        : yes\n"
	"\n"
	"name         : authenc(hmac(sha1),cbc(aes))\n"
	"driver       : authenc-hmac-sha1-cbc-aes-eip93\n"
	"priority     : 3000\nasync        : yes\n";

static void drivers_by_priority(void)
{
	struct xfrm_seen s = { .aead = "rfc4106(gcm(aes))" };
	char d[20];

	CHECK(!kalg_driver_of(proc_crypto, &s, d, sizeof(d)));
	CHECK_STR(d, "rfc4106-gcm-aesni");
	s = (struct xfrm_seen){ .auth = "hmac(sha256)", .encr = "cbc(aes)" };
	CHECK(!kalg_driver_of(proc_crypto, &s, d, sizeof(d)));
	CHECK_STR(d, "cbc-aes-aesni");
	s = (struct xfrm_seen){ .auth = "hmac(sha1)", .encr = "cbc(aes)" };
	CHECK(kalg_driver_of(proc_crypto, &s, d, sizeof(d)));
	CHECK(strncmp(d, "authenc-hmac-sha1-", 18) == 0);
	s = (struct xfrm_seen){ .aead = "no(such)" };
	CHECK(!kalg_driver_of(proc_crypto, &s, d, sizeof(d)));
	CHECK_STR(d, "");
	CHECK(!kalg_driver_of("", &s, d, sizeof(d)));
	CHECK(!kalg_driver_of("name : \ndriver\npriority", &s, d, sizeof(d)));
}

static void counters_by_name(void)
{
	uint64_t v[COUNTERS_N];

	kstat_of("XfrmInError             \t0\nXfrmInNoStates          \t42\n"
		 "XfrmOutSomethingNew     \t7\nXfrmAcquireError \t3", v);
	CHECK_INT(v[COUNTER_IN_ERROR], 0);
	CHECK_INT(v[COUNTER_IN_NO_STATES], 42);
	CHECK_INT(v[COUNTER_ACQUIRE_ERROR], 3);
	CHECK(v[COUNTER_OUT_NO_STATES] == COUNTER_ABSENT);
}

int main(void)
{
	T_RUN(a_state_as_the_kernel_reads_it);
	T_RUN(salt_goes_with_the_key);
	T_RUN(every_cipher_has_a_name);
	T_RUN(a_state_read_back);
	T_RUN(too_long_a_key_is_refused);
	T_RUN(a_policy_there_and_back);
	T_RUN(events);
	T_RUN(ports_become_masks);
	T_RUN(ranges_become_networks);
	T_RUN(icmp_has_type_and_code);
	T_RUN(the_exact_one_wins);
	T_RUN(drivers_by_priority);
	T_RUN(counters_by_name);
	return t_done();
}
