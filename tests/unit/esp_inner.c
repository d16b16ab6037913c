/* rooms: dataplane/esp core/base */
/* Inner packets: reading them, matching them against selectors, cutting them up, and
 * answering their senders. */
#include "dataplane/esp/frag.h"
#include "dataplane/esp/icmp.h"
#include "dataplane/esp/ts.h"
#include "tests/unit/esp_help.h"

static uint8_t pkt[2000];
static struct inner in;

static int parse(size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);	/* of its true size, for the sanitizer */
	int r;

	memcpy(copy, pkt, n);
	r = inner_parse(copy, n, &in);
	free(copy);
	return r;
}

static void v4(void)
{
	size_t n = make_v4(pkt, "10.1.0.5", "10.2.0.9", IPPROTO_UDP, 0x4000, 30);

	put_ports(pkt + 20, 5353, 53);
	CHECK(parse(n) == 0);
	CHECK_INT(in.version, 4);
	CHECK(in.df && in.first && !in.fragment && in.ports_known && in.proto_known);
	CHECK_INT(in.port_src, 5353);
	CHECK_INT(in.port_dst, 53);
	CHECK_INT(in.total_len, n);
	CHECK_INT(in.upper_off, 20);
	CHECK_INT(in.src.b[3], 5);
	CHECK_INT(in.dst.b[3], 9);
	for (size_t i = 0; i < n; i++)
		CHECK(parse(i) < 0);
	/* more bytes than it says are somebody's padding */
	CHECK(parse(n + 9) == 0);
	CHECK_INT(in.total_len, n);
	pkt[0] = 0x44;		/* header shorter than 20 */
	CHECK(parse(n) < 0);
	pkt[0] = 0x4f;		/* options longer than the packet */
	CHECK(parse(n) < 0);
	pkt[0] = 0x46;		/* four bytes of options: the ports are further on */
	put_ports(pkt + 24, 1, 2);
	CHECK(parse(n) == 0);
	CHECK_INT(in.port_dst, 2);
	for (int v = 0; v < 16; v++) {
		pkt[0] = (uint8_t)(v << 4 | 5);
		CHECK((parse(n) == 0) == (v == 4));
	}
}

static void v4_fragments(void)
{
	size_t n = make_v4(pkt, "10.1.0.5", "10.2.0.9", IPPROTO_TCP, 0x2000, 24);

	put_ports(pkt + 20, 1000, 80);
	CHECK(parse(n) == 0);
	CHECK(in.fragment && in.first && in.ports_known);
	n = make_v4(pkt, "10.1.0.5", "10.2.0.9", IPPROTO_TCP, 0x2003, 24);
	CHECK(parse(n) == 0);
	CHECK(in.fragment && !in.first && !in.ports_known && in.proto_known);
	n = make_v4(pkt, "10.1.0.5", "10.2.0.9", IPPROTO_TCP, 0x0003, 24);
	CHECK(parse(n) == 0);
	CHECK(in.fragment && !in.first);
	/* the last byte would lie beyond 65535 */
	n = make_v4(pkt, "10.1.0.5", "10.2.0.9", IPPROTO_TCP, 0x1fff, 24);
	CHECK(parse(n) < 0);
	n = make_v4(pkt, "10.1.0.5", "10.2.0.9", IPPROTO_TCP, 0x1fff, 7);
	CHECK(parse(n) == 0);
	/* a first fragment too short for its ports */
	n = make_v4(pkt, "10.1.0.5", "10.2.0.9", IPPROTO_TCP, 0x2000, 3);
	CHECK(parse(n) == 0);
	CHECK(!in.ports_known);
}

static void v6(void)
{
	size_t n = make_v6(pkt, "2001:db8:1::5", "2001:db8:2::9", IPPROTO_TCP, 20);

	put_ports(pkt + 40, 7, 8);
	CHECK(parse(n) == 0);
	CHECK(in.ports_known && in.first && in.df);
	CHECK_INT(in.port_src, 7);
	CHECK_INT(in.upper_off, 40);
	for (size_t i = 0; i < n; i++)
		CHECK(parse(i) < 0);
	/* hop-by-hop, routing, destination options, then UDP */
	n = make_v6(pkt, "2001:db8:1::5", "2001:db8:2::9", 0, 8 + 16 + 8 + 8);
	memset(pkt + 40, 0, 40);
	pkt[40] = IPPROTO_ROUTING;
	pkt[48] = IPPROTO_DSTOPTS;
	pkt[49] = 1;
	pkt[64] = IPPROTO_UDP;
	put_ports(pkt + 72, 11, 12);
	CHECK(parse(n) == 0);
	CHECK_INT(in.proto, IPPROTO_UDP);
	CHECK_INT(in.port_dst, 12);
	CHECK_INT(in.upper_off, 72);
	pkt[65] = 2;		/* an extension header past the end */
	CHECK(parse(n) < 0);
	/* no next header */
	n = make_v6(pkt, "2001:db8:1::5", "2001:db8:2::9", 59, 0);
	CHECK(parse(n) == 0);
	CHECK_INT(in.proto, 59);
	CHECK(!in.ports_known);
	/* headers without end: nobody knows the protocol, and it ends */
	n = make_v6(pkt, "2001:db8:1::5", "2001:db8:2::9", 60, 800);
	memset(pkt + 40, 0, 800);
	for (size_t i = 40; i < 840; i += 8)
		pkt[i] = IPPROTO_DSTOPTS;
	CHECK(parse(n) == 0);
	CHECK(!in.proto_known && !in.ports_known);
}

static void v6_fragments(void)
{
	size_t n = make_v6(pkt, "2001:db8:1::5", "2001:db8:2::9", IPPROTO_FRAGMENT, 8 + 16);

	memset(pkt + 40, 0, 8);
	pkt[40] = IPPROTO_UDP;
	put_ports(pkt + 48, 21, 22);
	CHECK(parse(n) == 0);			/* atomic */
	CHECK(!in.fragment && in.first && in.ports_known);
	pkt[43] = 1;				/* first of several */
	CHECK(parse(n) == 0);
	CHECK(in.fragment && in.first && in.ports_known);
	pkt[43] = 8 | 1;			/* a later one */
	CHECK(parse(n) == 0);
	CHECK(in.fragment && !in.first && !in.ports_known && in.proto_known);
	CHECK_INT(in.proto, IPPROTO_UDP);
	pkt[40] = IPPROTO_DSTOPTS;		/* what follows is not the upper layer */
	CHECK(parse(n) == 0);
	CHECK(!in.proto_known);
}

static bool match(const struct selector *s, const char *addr, uint16_t port)
{
	struct ip_addr a = ip(addr);

	return ts_match(s, 1, &in, &a, port);
}

static void selectors(void)
{
	struct selector s = net("10.1.0.0/24"), list[2];
	struct ip_addr a;

	put_ports(pkt + 20, 5353, 53);
	CHECK(parse(make_v4(pkt, "10.1.0.5", "10.2.0.9", IPPROTO_UDP, 0, 30)) == 0);
	CHECK(match(&s, "10.1.0.0", 9));
	CHECK(match(&s, "10.1.0.255", 9));
	CHECK(!match(&s, "10.1.1.0", 9));
	CHECK(!match(&s, "10.0.255.255", 9));
	CHECK(!match(&s, "2001:db8::1", 9));
	/* a range that is no network, a protocol, ports */
	s.from = ip("10.1.0.10");
	s.to = ip("10.1.0.19");
	s.proto = IPPROTO_UDP;
	s.port_from = 50;
	s.port_to = 60;
	CHECK(match(&s, "10.1.0.10", 50));
	CHECK(match(&s, "10.1.0.19", 60));
	CHECK(!match(&s, "10.1.0.20", 55));
	CHECK(!match(&s, "10.1.0.9", 55));
	CHECK(!match(&s, "10.1.0.10", 49));
	CHECK(!match(&s, "10.1.0.10", 61));
	s.proto = IPPROTO_TCP;
	CHECK(!match(&s, "10.1.0.10", 50));
	/* any of a list */
	list[0] = net("192.0.2.0/24");
	list[1] = net("10.1.0.0/16");
	a = ip("10.1.9.9");
	CHECK(ts_match(list, 2, &in, &a, 1));
	CHECK(!ts_match(list, 1, &in, &a, 1));
	CHECK(!ts_match(list, 0, &in, &a, 1));
}

/* Of a packet in parts the first alone shows ports: the others go with it, and only they. */
static void fragments_follow_their_first(void)
{
	struct selector src = { 0 }, dst = { 0 };
	struct ts_frags *frags = NULL;

	in = (struct inner){ .version = 4, .proto = 17, .proto_known = true, .fragment = true };

	src.from = in.src = addr_v4(0x0a010005);
	src.to = src.from;
	dst.from = in.dst = addr_v4(0x0a020009);
	dst.to = dst.from;
	src.proto = dst.proto = 17;
	src.port_to = 65535;
	dst.port_from = dst.port_to = 5000;
	in.frag_id = 7;
	CHECK(!ts_pass(&src, 1, &dst, 1, &in, &frags, 1000));	/* before its first */
	in.first = in.ports_known = true;
	in.port_dst = 5001;
	CHECK(!ts_pass(&src, 1, &dst, 1, &in, &frags, 1000));
	CHECK(!frags);
	in.port_dst = 5000;
	CHECK(ts_pass(&src, 1, &dst, 1, &in, &frags, 1000));
	in.first = in.ports_known = false;
	CHECK(ts_pass(&src, 1, &dst, 1, &in, &frags, 1001));
	CHECK(!ts_pass(&src, 1, &dst, 1, &in, &frags, 1000 + TS_FRAG_MS));
	in.frag_id = 8;
	CHECK(!ts_pass(&src, 1, &dst, 1, &in, &frags, 1001));
	in.frag_id = 7;
	in.src = addr_v4(0x0a010006);
	CHECK(!ts_pass(&src, 1, &dst, 1, &in, &frags, 1001));
	free(frags);
}

/* RFC 4301 §4.4.1.1, §7: what shows no port belongs to ANY and to OPAQUE alone. */
static void selectors_and_fragments(void)
{
	struct selector s = net("10.0.0.0/8"), one = s, opaque = s;

	one.proto = IPPROTO_TCP;
	one.port_from = one.port_to = 80;
	opaque.port_from = UINT16_MAX;
	opaque.port_to = 0;
	CHECK(parse(make_v4(pkt, "10.1.0.5", "10.2.0.9", IPPROTO_TCP, 0x0009, 30)) == 0);
	CHECK(match(&s, "10.1.0.5", 0));
	CHECK(!match(&one, "10.1.0.5", 0));
	CHECK(match(&opaque, "10.1.0.5", 0));
	make_v4(pkt, "10.1.0.5", "10.2.0.9", IPPROTO_TCP, 0, 30);
	CHECK(parse(50) == 0);
	CHECK(!match(&opaque, "10.1.0.5", in.port_src));
	/* protocol known in a later fragment, port any: may pass */
	one.port_from = 0;
	one.port_to = UINT16_MAX;
	CHECK(parse(make_v4(pkt, "10.1.0.5", "10.2.0.9", IPPROTO_TCP, 0x0009, 30)) == 0);
	CHECK(match(&one, "10.1.0.5", 0));
}

static void selectors_icmp(void)
{
	struct selector s = net("10.0.0.0/8");

	s.proto = IPPROTO_ICMP;
	s.port_from = 8 << 8;		/* echo request, any code */
	s.port_to = 8 << 8 | 255;
	make_v4(pkt, "10.1.0.5", "10.2.0.9", IPPROTO_ICMP, 0, 30);
	pkt[20] = 8;
	pkt[21] = 0;
	CHECK(parse(50) == 0);
	CHECK(match(&s, "10.1.0.5", in.port_src));
	pkt[20] = 0;
	CHECK(parse(50) == 0);
	CHECK(!match(&s, "10.1.0.5", in.port_src));
}

/* Put fragments together as a receiver would; each byte must come once. */
static void fragments_make_the_whole(uint16_t word, size_t options, size_t payload, size_t mtu)
{
	static uint8_t whole[70000], got[70000], out[70000];
	size_t header = 20 + options, n = header + payload, sum = 0, count = 0, len;
	size_t base = (word & 0x1fff) * 8u;
	uint16_t check;
	struct frag f;

	make_v4(whole, "10.1.0.5", "10.2.0.9", IPPROTO_UDP, word, 0);
	whole[0] = (uint8_t)(0x40 | header / 4);
	/* record route (not copied), then security (copied), no-ops */
	memset(whole + 20, 1, options);
	if (options >= 8) {
		memcpy(whole + 20, "\x07\x03\x04", 3);
		memcpy(whole + 23, "\x82\x04\xaa\xbb", 4);
	}
	for (size_t i = 0; i < payload; i++)
		whole[header + i] = (uint8_t)(i * 7 + i / 256);
	whole[2] = (uint8_t)(n >> 8);
	whole[3] = (uint8_t)n;
	whole[10] = whole[11] = 0;
	check = csum_done(csum_add(0, whole, header));
	whole[10] = (uint8_t)(check >> 8);
	whole[11] = (uint8_t)check;
	CHECK(inner_parse(whole, n, &in) == 0);
	CHECK(frag_init(&f, whole, &in, mtu) == 0);
	while ((len = frag_next(&f, out))) {
		struct inner fi;
		size_t off, l, h = (out[0] & 15) * 4u;
		bool more = out[6] & 0x20;

		CHECK(len <= mtu);
		CHECK(inner_parse(out, len, &fi) == 0);
		CHECK_INT(fi.total_len, len);
		CHECK_INT(csum_done(csum_add(0, out, h)), 0);
		off = ((out[6] & 0x1f) << 8 | out[7]) * 8u - base;
		l = len - h;
		CHECK_INT(off, sum);		/* in order, without holes */
		CHECK(off + l <= payload);
		memcpy(got + off, out + h, l);
		sum += l;
		if (more)
			CHECK_INT(l % 8, 0);
		/* only the last may lack "more", and only if the original did */
		CHECK_INT(more, sum < payload || (word & 0x2000));
		CHECK_MEM(out + 4, whole + 4, 2);	/* identification */
		CHECK_MEM(out + 8, whole + 8, 2);	/* TTL, protocol */
		CHECK_MEM(out + 12, whole + 12, 8);
		if (options >= 8 && count) {
			CHECK_INT(h, 24);
			CHECK_MEM(out + 20, "\x82\x04\xaa\xbb", 4);
		}
		count++;
	}
	CHECK_INT(sum, payload);
	CHECK_MEM(got, whole + header, payload);
	CHECK_INT(frag_next(&f, out), 0);
	if (n > mtu)
		CHECK(count > 1);
}

static void fragmenting(void)
{
	static const size_t mtus[] = { 68, 69, 75, 76, 100, 576, 1238, 1280, 1400 };

	for (size_t i = 0; i < sizeof(mtus) / sizeof(mtus[0]); i++) {
		fragments_make_the_whole(0, 0, 1400, mtus[i]);
		fragments_make_the_whole(0, 0, 1, mtus[i]);
		fragments_make_the_whole(0, 0, 8000, mtus[i]);
		fragments_make_the_whole(0, 12, 1400, mtus[i]);
		fragments_make_the_whole(0, 40, 1400, mtus[i]);
		fragments_make_the_whole(0x2000, 0, 1400, mtus[i]);	/* a first fragment */
		fragments_make_the_whole(0x20b9, 8, 1400, mtus[i]);	/* a middle one */
		fragments_make_the_whole(0x00b9, 0, 777, mtus[i]);	/* the last one */
	}
	fragments_make_the_whole(0, 0, 65000, 1238);
}

static void fragmenting_refuses(void)
{
	struct frag f;

	CHECK(parse(make_v4(pkt, "10.1.0.5", "10.2.0.9", IPPROTO_UDP, 0, 1000)) == 0);
	CHECK(frag_init(&f, pkt, &in, 27) < 0);
	CHECK(frag_init(&f, pkt, &in, 28) == 0);
	CHECK(parse(make_v6(pkt, "2001:db8:1::5", "2001:db8:2::9", 17, 1000)) == 0);
	CHECK(frag_init(&f, pkt, &in, 1280) < 0);
}

/* Options that lie about their length end where they stop making sense. */
static void bad_options(void)
{
	uint8_t out[200];
	struct frag f;

	for (int len = 0; len < 256; len++) {
		size_t n = make_v4(pkt, "10.1.0.5", "10.2.0.9", IPPROTO_UDP, 0, 300), l;

		pkt[0] = 0x47;			/* 8 bytes of options */
		pkt[20] = 0x89;
		pkt[21] = (uint8_t)len;
		memset(pkt + 22, 0xff, 6);
		CHECK(inner_parse(pkt, n, &in) == 0);
		CHECK(frag_init(&f, pkt, &in, 120) == 0);
		while ((l = frag_next(&f, out))) {
			CHECK(l <= 120);
			CHECK(inner_parse(out, l, &in) == 0);
		}
	}
}

static void icmp4(void)
{
	static const struct {
		enum icmp_why why;
		uint8_t code;
		uint32_t mtu;
	} t[] = { { ICMP_TOO_BIG, 4, 1238 }, { ICMP_NO_TUNNEL, 0, 0 }, { ICMP_PROHIBITED, 13, 0 } };
	uint8_t out[ICMP_MAX];

	for (size_t i = 0; i < 3; i++) {
		size_t n = make_v4(pkt, "10.1.0.5", "10.2.0.9", IPPROTO_TCP, 0x4000, 1400), l;
		struct inner e;

		CHECK(parse(n) == 0);
		l = icmp_build(t[i].why, t[i].mtu, &in, pkt, n, out);
		CHECK_INT(l, 576);
		CHECK(inner_parse(out, l, &e) == 0);
		CHECK_INT(e.total_len, l);
		CHECK_INT(e.proto, IPPROTO_ICMP);
		CHECK(addr_equal(&e.src, &in.dst) && addr_equal(&e.dst, &in.src));
		CHECK_INT(csum_done(csum_add(0, out, 20)), 0);
		CHECK_INT(csum_done(csum_add(0, out + 20, l - 20)), 0);
		CHECK_INT(out[20], 3);
		CHECK_INT(out[21], t[i].code);
		CHECK_INT(out[26] << 8 | out[27], t[i].mtu);
		CHECK_MEM(out + 28, pkt, l - 28);
	}
	/* a short packet is quoted whole, a kept head as far as it was kept */
	CHECK(parse(make_v4(pkt, "10.1.0.5", "10.2.0.9", IPPROTO_TCP, 0x4000, 13)) == 0);
	CHECK_INT(icmp_build(ICMP_TOO_BIG, 600, &in, pkt, 33, out), 28 + 33);
	CHECK_INT(csum_done(csum_add(0, out + 20, 41)), 0);
	CHECK_INT(icmp_build(ICMP_TOO_BIG, 600, &in, pkt, 28, out), 28 + 28);
}

static void icmp6(void)
{
	static const struct {
		enum icmp_why why;
		uint8_t type, code;
		uint32_t mtu;
	} t[] = { { ICMP_TOO_BIG, 2, 0, 1280 }, { ICMP_NO_TUNNEL, 1, 0, 0 },
		  { ICMP_PROHIBITED, 1, 1, 0 } };
	uint8_t out[ICMP_MAX];

	for (size_t i = 0; i < 3; i++) {
		size_t n = make_v6(pkt, "2001:db8:1::5", "2001:db8:2::9", IPPROTO_TCP, 1400), l;
		uint8_t pseudo[8] = { 0 };
		struct inner e;

		CHECK(parse(n) == 0);
		l = icmp_build(t[i].why, t[i].mtu, &in, pkt, n, out);
		CHECK_INT(l, 1280);
		CHECK(inner_parse(out, l, &e) == 0);
		CHECK_INT(e.total_len, l);
		CHECK_INT(e.proto, IPPROTO_ICMPV6);
		CHECK(addr_equal(&e.src, &in.dst) && addr_equal(&e.dst, &in.src));
		pseudo[2] = (uint8_t)((l - 40) >> 8);
		pseudo[3] = (uint8_t)(l - 40);
		pseudo[7] = 58;
		CHECK_INT(csum_done(csum_add(csum_add(csum_add(0, out + 8, 32), pseudo, 8),
						   out + 40, l - 40)), 0);
		CHECK_INT(out[40], t[i].type);
		CHECK_INT(out[41], t[i].code);
		CHECK_INT((unsigned)out[46] << 8 | out[47], t[i].mtu);
		CHECK_MEM(out + 48, pkt, l - 48);
	}
}

static size_t answer4(const char *src, const char *dst, uint8_t proto, uint16_t frag, int type)
{
	uint8_t out[ICMP_MAX];
	size_t n = make_v4(pkt, src, dst, proto, frag, 40);

	if (type >= 0)
		pkt[20] = (uint8_t)type;
	CHECK(inner_parse(pkt, n, &in) == 0);
	return icmp_build(ICMP_NO_TUNNEL, 0, &in, pkt, n, out);
}

static size_t answer6(const char *src, const char *dst, uint8_t proto, int type)
{
	uint8_t out[ICMP_MAX];
	size_t n = make_v6(pkt, src, dst, proto, 40);

	if (type >= 0)
		pkt[40] = (uint8_t)type;
	CHECK(inner_parse(pkt, n, &in) == 0);
	return icmp_build(ICMP_NO_TUNNEL, 0, &in, pkt, n, out);
}

/* RFC 1812 §4.3.2.7, RFC 4443 §2.4 (e) */
static void icmp_keeps_silent(void)
{
	const char *s = "10.1.0.5", *d = "10.2.0.9", *s6 = "2001:db8::1", *d6 = "2001:db8::2";

	CHECK(answer4(s, d, 6, 0, -1) > 0);
	CHECK(answer4(s, d, 6, 0x2000, -1) > 0);
	CHECK_INT(answer4(s, d, 6, 0x2001, -1), 0);
	CHECK_INT(answer4(s, d, 6, 0x0001, -1), 0);
	CHECK(answer4(s, d, IPPROTO_ICMP, 0, 8) > 0);
	CHECK(answer4(s, d, IPPROTO_ICMP, 0, 0) > 0);
	for (int type = 3; type <= 12; type++)
		if (type != 8 && type != 9 && type != 10)
			CHECK_INT(answer4(s, d, IPPROTO_ICMP, 0, type), 0);
	CHECK_INT(answer4(s, d, IPPROTO_ICMP, 0, 200), 0);
	CHECK_INT(answer4(s, "224.0.0.5", 6, 0, -1), 0);
	CHECK_INT(answer4(s, "255.255.255.255", 6, 0, -1), 0);
	CHECK_INT(answer4("0.0.0.0", d, 6, 0, -1), 0);
	CHECK_INT(answer4("127.0.0.1", d, 6, 0, -1), 0);
	CHECK_INT(answer4("239.1.1.1", d, 6, 0, -1), 0);
	CHECK_INT(answer4("255.255.255.255", d, 6, 0, -1), 0);
	CHECK(answer6(s6, d6, 6, -1) > 0);
	CHECK(answer6(s6, d6, IPPROTO_ICMPV6, 128) > 0);
	CHECK_INT(answer6(s6, d6, IPPROTO_ICMPV6, 1), 0);
	CHECK_INT(answer6(s6, d6, IPPROTO_ICMPV6, 127), 0);
	CHECK_INT(answer6(s6, d6, IPPROTO_ICMPV6, 137), 0);
	CHECK_INT(answer6(s6, "ff02::1", 6, -1), 0);
	CHECK_INT(answer6("::", d6, 6, -1), 0);
	CHECK_INT(answer6("ff02::1", d6, 6, -1), 0);
}

/* inner_again() says yes or no, never anything else than inner_parse(): of every packet that
 * differs in one bit, at every length. */
static void again_is_the_same(void)
{
	for (int k = 0; k < 4; k++) {
		uint8_t was[120], d[120], proto = k & 1 ? IPPROTO_TCP : IPPROTO_UDP;
		struct inner first, out, want;
		unsigned yes = 0;
		size_t n = k & 2 ? make_v6(was, "2001:db8:1::5", "2001:db8:2::9", proto, 60)
				 : make_v4(was, "10.1.0.5", "10.2.0.9", proto, 0x4000, 80);

		put_ports(was + (k & 2 ? 40 : 20), 1234, 443);
		CHECK(inner_parse(was, n, &first) == 0);
		CHECK(inner_again(was, n, &first, &out) && memcmp(&out, &first, sizeof(out)) == 0);
		for (size_t bit = 0; bit < n * 8; bit++) {
			memcpy(d, was, n);
			d[bit / 8] ^= (uint8_t)(1 << (bit & 7));
			for (size_t len = n; len > 10; len -= 7) {
				if (!inner_again(d, len, &first, &out))
					continue;
				CHECK(inner_parse(d, len, &want) == 0);
				CHECK(memcmp(&out, &want, sizeof(out)) == 0);
				yes++;
			}
		}
		CHECK(yes > n);		/* the payload, TTL and the like */
		memset(&first, 0, sizeof(first));
		CHECK(!inner_again(was, n, &first, &out));
	}
}

int main(void)
{
	T_RUN(v4);
	T_RUN(v4_fragments);
	T_RUN(v6);
	T_RUN(v6_fragments);
	T_RUN(selectors);
	T_RUN(selectors_and_fragments);
	T_RUN(selectors_icmp);
	T_RUN(fragmenting);
	T_RUN(fragmenting_refuses);
	T_RUN(bad_options);
	T_RUN(icmp4);
	T_RUN(icmp6);
	T_RUN(icmp_keeps_silent);
	T_RUN(fragments_follow_their_first);
	T_RUN(again_is_the_same);
	return t_done();
}
