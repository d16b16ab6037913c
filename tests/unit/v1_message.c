/* rooms: ike/v1 ike/wire core/crypto core/base */
/* IKEv1's messages: captures of other implementations (../shared/data/captures: ISAKMP_sa_setup,
 * isakmp4500), captures that once crashed a decoder, what is written read back, and broken
 * ones of every kind. Each message lies in a heap block of its size, for the sanitizer. */
#include "core/base/rng.h"
#include "ike/v1/isakmp.h"
#include "ike/v1/offer.h"
#include "tests/unit/capture.h"
#include "tests/unit/t.h"
#include "tests/unit/wire_help.h"

#include <dirent.h>

/* Read all that can be read; true when it is a well-formed message in clear. */
static bool decode(const uint8_t *bytes, size_t len, struct isakmp_msg *m)
{
	static struct offer o;
	struct isakmp_delete d;
	struct isakmp_note n;
	struct selector sel;
	struct ike_id id;
	struct slice s;
	struct err e = { 0 };
	uint8_t *copy = malloc(len ? len : 1);
	bool good;

	memcpy(copy, bytes, len);
	good = isakmp_header(copy, len, m, &e) == 0 &&
	       !(m->hdr.flags & ISAKMP_ENCRYPTED) && isakmp_payloads(m, false, &e) == 0;
	for (uint8_t i = 0; good && i < m->n; i++) {
		struct slice b = m->p[i].body;
		int how = 0;

		switch (m->p[i].type) {
		case P_SA:
			how = offer_read(b, m->hdr.exchange == X_QUICK, &o, &e);
			break;
		case P_NONCE: how = isakmp_nonce(b, &s, &e); break;
		case P_NOTIFY: how = isakmp_note(b, &n, &e); break;
		case P_DELETE:
			how = isakmp_delete(b, &d, &e);
			for (uint16_t k = 0; how == 0 && k < d.n; k++)
				rd_skip(&d.spis, d.spi_len);
			break;
		case P_ID:
			how = isakmp_id(b, &id, &e);
			if (isakmp_selector(b, &sel, &e) == 0)
				how = 0;
			break;
		}
		good = how == 0;
	}
	free(copy);
	return good;
}

static void captures(void)
{
	struct isakmp_msg m;
	struct offer o;
	struct err e = { 0 };
	unsigned clear = 0, sealed = 0;

	if (!load("ISAKMP_sa_setup.pcap"))
		SKIP(DIR_NAME " is missing");
	CHECK_INT(n_got, 9);
	for (size_t i = 0; i < n_got; i++) {
		CHECK_INT(isakmp_header(got[i].p, got[i].len, &m, &e), 0);
		if (m.hdr.flags & ISAKMP_ENCRYPTED) {
			sealed++;
			CHECK(m.hdr.exchange == X_QUICK || i >= 4);
		} else {
			CHECK(decode(got[i].p, got[i].len, &m));
			clear++;
		}
	}
	/* Main mode's first four, then two and Quick mode's three encrypted. */
	CHECK_INT(clear, 4);
	CHECK_INT(sealed, 5);
	CHECK_INT(isakmp_header(got[0].p, got[0].len, &m, &e), 0);
	CHECK_INT(isakmp_payloads(&m, false, &e), 0);
	CHECK_INT(m.hdr.exchange, X_MAIN);
	CHECK_INT(isakmp_count(&m, P_SA), 1);
	CHECK_INT(offer_read(isakmp_get(&m, P_SA)->body, false, &o, &e), 0);
	CHECK(o.n >= 1 && !o.t[0].unfit);
	CHECK(alg_get(ALG_ENCR, o.t[0].encr, o.t[0].encr_bits));
	CHECK(alg_get(ALG_KE, o.t[0].ke, 0));
	drop_all();
}

/* CVE-2017-13687 to -13690, CVE-2017-12990 and others like them. */
static void crashers(void)
{
	struct dirent *f;
	DIR *d = opendir(DIR_NAME);
	struct isakmp_msg m;
	unsigned n = 0;

	if (!d)
		SKIP(DIR_NAME " is missing");
	while ((f = readdir(d))) {
		if (!strstr(f->d_name, ".pcap") || !load(f->d_name))
			continue;
		for (size_t i = 0; i < n_got; i++) {
			const uint8_t *p = got[i].p;
			size_t len = got[i].len;

			if (len > 4 && !memcmp(p, "\0\0\0\0", 4)) {
				p += 4;
				len -= 4;
			}
			decode(p, len, &m);
			n++;
		}
	}
	closedir(d);
	drop_all();
	CHECK(n > 40);
}

static size_t build(uint8_t *buf, size_t cap, bool phase2)
{
	struct suite_list l = phase2 ? suites(SUITE_ESP, "aes256-sha256-modp2048,3des-md5-modp2048")
				     : suites(SUITE_IKE, "aes256-sha256-modp2048-ecp256,3des-sha1-modp1024");
	struct offer_want want = { .phase2 = phase2, .auth = V1_AUTH_PSK, .mode = V1_TUNNEL,
				   .life_s = 100000, .life_kb = phase2 ? 500000 : 0 };
	struct isakmp_build b;
	struct offer o;
	size_t len = 0;

	offer_make(&l, &want, &o);
	isakmp_begin(&b, buf, cap, 7, 9, phase2 ? X_QUICK : X_MAIN, phase2 ? 11 : 0);
	isakmp_open(&b, P_SA);
	offer_write(&b.w, &o, 0x12345678);
	isakmp_close(&b);
	isakmp_add(&b, P_NONCE, str_sl("sixteen bytes ok"));
	isakmp_add_note(&b, ISAKMP_PROTO_ESP, str_sl("spi4"), V1_INITIAL_CONTACT, str_sl("data"));
	isakmp_add(&b, P_VENDOR, str_sl("somebody"));
	CHECK_INT(isakmp_end(&b, &len), 0);
	return len;
}

static void read_back(void)
{
	for (int phase2 = 0; phase2 < 2; phase2++) {
		uint8_t buf[2000];
		size_t len = build(buf, sizeof(buf), phase2);
		struct isakmp_note note;
		struct isakmp_msg m;
		struct offer o;
		struct err e = { 0 };

		CHECK(decode(buf, len, &m));
		CHECK_INT(isakmp_header(buf, len, &m, &e), 0);
		CHECK_INT(isakmp_payloads(&m, false, &e), 0);
		CHECK(m.hdr.ci == 7 && m.hdr.cr == 9 && m.hdr.msg_id == (phase2 ? 11u : 0u));
		CHECK_INT(m.n, 4);
		CHECK_INT(offer_read(isakmp_get(&m, P_SA)->body, phase2, &o, &e), 0);
		CHECK_INT(o.n, phase2 ? 2 : 3);
		CHECK_INT(o.t[0].encr, ENCR_AES_CBC);
		CHECK_INT(o.t[0].encr_bits, 256);
		CHECK_INT(o.t[0].ke, KE_MODP_2048);
		CHECK_INT(o.t[0].life_s, 100000);
		if (phase2) {
			CHECK_INT(o.t[0].integ, INTEG_HMAC_SHA2_256_128);
			CHECK_INT(o.t[0].life_kb, 500000);
			CHECK_INT(o.t[1].spi, 0x12345678);
			CHECK_INT(o.t[0].mode, V1_TUNNEL);
		} else {
			CHECK_INT(o.t[0].prf, PRF_HMAC_SHA2_256);
			CHECK_INT(o.t[1].ke, KE_ECP_256);
			CHECK_INT(o.t[2].encr, ENCR_3DES);
			CHECK_INT(o.t[2].prf, PRF_HMAC_SHA1);
		}
		CHECK_INT(isakmp_note(isakmp_get(&m, P_NOTIFY)->body, &note, &e), 0);
		CHECK_INT(note.type, V1_INITIAL_CONTACT);
		CHECK_INT(note.spi.len, 4);
		CHECK_INT(note.data.len, 4);
		CHECK_INT(isakmp_after(&m, &m.p[1]).len, m.p[2].whole.len + m.p[3].whole.len);
	}
}

/* libreswan fills up to four bytes in clear, too: zeros, and no more than that takes. */
static void filled_up(void)
{
	uint8_t buf[2000] = { 0 };
	size_t len = build(buf, sizeof(buf), 0);
	struct isakmp_msg m;

	memset(buf + len, 0, 4);
	for (unsigned more = 0; more <= 4; more++) {
		buf[27] = (uint8_t)(len + more);
		buf[26] = (uint8_t)((len + more) >> 8);
		CHECK_INT(decode(buf, len + more, &m), more < 4);
	}
	buf[27] = (uint8_t)(len + 2);
	buf[26] = (uint8_t)((len + 2) >> 8);
	buf[len + 1] = 1;
	CHECK(!decode(buf, len + 2, &m));
}

static void selectors(void)
{
	static const char *const nets[] = { "10.1.0.0/24", "192.0.2.1/32", "0.0.0.0/0",
					    "fd01::/64", "::/0", "2001:db8::1/128" };

	for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++) {
		struct prefix n = net(nets[i]);
		struct selector s = selector_of(&n), back;
		uint8_t buf[64];
		struct wr w = wr_init(buf, sizeof(buf));
		struct err e = { 0 };

		s.proto = 17;
		s.port_from = s.port_to = 1701;
		CHECK_INT(isakmp_selector_write(&w, &s), 0);
		CHECK_INT(isakmp_selector(sl(buf, w.len), &back, &e), 0);
		CHECK(selector_equal(&s, &back));
		CHECK_INT(isakmp_selector(sl(buf, w.len - 1), &back, &e), -1);
		s.port_to = 1702;	/* IKEv1 has no ranges of ports */
		CHECK_INT(isakmp_selector_write(&w, &s), -1);
	}
	{
		static const uint8_t holes[] = { 4, 0, 0, 0, 10, 0, 0, 0, 255, 0, 255, 0 };
		static const uint8_t back[] = { 7, 0, 0, 0, 10, 0, 0, 9, 10, 0, 0, 1 };
		static const uint8_t range[] = { 7, 0, 0, 0, 10, 0, 0, 1, 10, 0, 0, 9 };
		struct selector s;
		struct err e = { 0 };
		uint8_t buf[64];
		struct wr w = wr_init(buf, sizeof(buf));

		CHECK_INT(isakmp_selector(sl(holes, 12), &s, &e), -1);
		CHECK_INT(isakmp_selector(sl(back, 12), &s, &e), -1);
		CHECK_INT(isakmp_selector(sl(range, 12), &s, &e), 0);
		CHECK_INT(isakmp_selector_write(&w, &s), 0);
		CHECK_MEM(buf, range, 12);
	}
}

/* Every way to cut it, and lengths, counts and attributes that lie. */
static void broken(void)
{
	uint8_t buf[2000], copy[2000];
	size_t len = build(buf, sizeof(buf), false);
	struct isakmp_msg m;
	struct err e = { 0 };

	for (size_t cut = 0; cut < len; cut++) {
		CHECK(!decode(buf, cut, &m));
		memcpy(copy, buf, cut);
		if (cut >= ISAKMP_HDR_LEN) {	/* the header agrees, the rest is missing */
			copy[24] = copy[25] = 0;
			copy[26] = (uint8_t)(cut >> 8);
			copy[27] = (uint8_t)cut;
			CHECK(!decode(copy, cut, &m));
		}
	}
	memcpy(copy, buf, len);
	copy[17] = 0x20;
	CHECK_INT(isakmp_header(copy, len, &m, &e), -1);
	memcpy(copy, buf, len);
	copy[19] = 0x80;	/* a reserved flag */
	CHECK_INT(isakmp_header(copy, len, &m, &e), -1);
	memset(copy, 0, 8);	/* no cookie */
	CHECK_INT(isakmp_header(copy, len, &m, &e), -1);
	memcpy(copy, buf, len);
	copy[16] = 99;		/* a payload that nobody knows */
	CHECK(!decode(copy, len, &m));
	memcpy(copy, buf, len);
	copy[29] = 1;		/* a reserved byte */
	CHECK(!decode(copy, len, &m));
}

/* Payloads and attributes without end (the class of CVE-2018-5389's neighbours): bounded. */
static void floods(void)
{
	static uint8_t buf[8192];
	struct isakmp_build b;
	struct isakmp_msg m;
	struct err e = { 0 };
	struct offer o;
	size_t len;

	isakmp_begin(&b, buf, sizeof(buf), 7, 0, X_MAIN, 0);
	for (int i = 0; i < 500; i++)
		isakmp_add(&b, P_VENDOR, str_sl("x"));
	CHECK_INT(isakmp_end(&b, &len), 0);
	CHECK_INT(isakmp_header(buf, len, &m, &e), 0);
	CHECK_INT(isakmp_payloads(&m, false, &e), -1);

	/* one transform of 200 attributes */
	isakmp_begin(&b, buf, sizeof(buf), 7, 0, X_MAIN, 0);
	isakmp_open(&b, P_SA);
	wr_u32(&b.w, 1);
	wr_u32(&b.w, 1);
	wr_u16(&b.w, 0);
	wr_u16(&b.w, 8 + 8 + 200 * 4);
	wr_u32(&b.w, 0x01010001);
	wr_u16(&b.w, 0);
	wr_u16(&b.w, 8 + 200 * 4);
	wr_u32(&b.w, 0x01010000);
	for (int i = 0; i < 200; i++)
		wr_u32(&b.w, 0x80010007);
	isakmp_close(&b);
	CHECK_INT(isakmp_end(&b, &len), 0);
	CHECK_INT(isakmp_header(buf, len, &m, &e), 0);
	CHECK_INT(isakmp_payloads(&m, false, &e), 0);
	CHECK_INT(offer_read(isakmp_get(&m, P_SA)->body, false, &o, &e), -1);
	CHECK_HAS(e.msg, "attributes");

	/* 200 transforms: as many as fit are looked at */
	isakmp_begin(&b, buf, sizeof(buf), 7, 0, X_MAIN, 0);
	isakmp_open(&b, P_SA);
	wr_u32(&b.w, 1);
	wr_u32(&b.w, 1);
	wr_u16(&b.w, 0);
	wr_u16(&b.w, 8 + 200 * 8);
	wr_u32(&b.w, 0x010100c8);
	for (int i = 0; i < 200; i++) {
		wr_u16(&b.w, i < 199 ? P_TRANSFORM << 8 : 0);
		wr_u16(&b.w, 8);
		wr_u32(&b.w, 0x01010000);
	}
	isakmp_close(&b);
	CHECK_INT(isakmp_end(&b, &len), 0);
	CHECK_INT(isakmp_header(buf, len, &m, &e), 0);
	CHECK_INT(isakmp_payloads(&m, false, &e), 0);
	CHECK_INT(offer_read(isakmp_get(&m, P_SA)->body, false, &o, &e), 0);
	CHECK_INT(o.n, OFFER_MAX);
	CHECK(o.more);
}

/* ESP beside AH or compression under one number is a bundle: none of it is taken. */
static void bundles(void)
{
	static const uint8_t sa[] = {
		0, 0, 0, 1, 0, 0, 0, 1,
		2, 0, 0, 28, 1, 3, 4, 1, 1, 2, 3, 4,	/* proposal 1, ESP */
		0, 0, 0, 16, 1, 3, 0, 0, 0x80, 4, 0, 1, 0x80, 5, 0, 2,
		0, 0, 0, 24, 1, 4, 4, 1, 0, 0, 3, 4,	/* proposal 1 again, IPCOMP */
		0, 0, 0, 12, 1, 2, 0, 0, 0x80, 4, 0, 1,
	};
	struct suite_list l = suites(SUITE_ESP, "3des-sha1");
	struct offer_want want = { .phase2 = true, .mode = V1_TUNNEL, .life_s = 3600 };
	struct offer_transform t;
	struct chosen c;
	struct err e = { 0 };
	struct offer o;
	bool tell;

	CHECK_INT(offer_read(sl(sa, sizeof(sa)), true, &o, &e), 0);
	CHECK_INT(o.n, 2);
	CHECK(o.t[0].unfit && o.t[1].unfit);
	CHECK_INT(offer_choose(&o, &l, &want, &c, &t, &tell, &e), -1);
	CHECK_HAS(e.msg, "compression");
	o.t[0].unfit = false;
	CHECK_INT(offer_choose(&o, &l, &want, &c, &t, &tell, &e), 0);
	CHECK_INT(c.encr, ENCR_3DES);
	CHECK_INT((long long)c.spi, 0x01020304);
}

static void mutations(void)
{
	uint8_t buf[2000], copy[2000];
	struct isakmp_msg m;

	rng_virtual_seed(5);
	for (int phase2 = 0; phase2 < 2; phase2++) {
		size_t len = build(buf, sizeof(buf), phase2);

		for (int i = 0; i < 60000; i++) {
			memcpy(copy, buf, len);
			for (unsigned k = 1 + rng_below(4); k; k--)
				copy[rng_below((uint32_t)len)] = (uint8_t)rng_u32();
			decode(copy, len, &m);
		}
	}
	CHECK(decode(buf, build(buf, sizeof(buf), true), &m));
}

int main(void)
{
	T_RUN(captures);
	T_RUN(crashers);
	T_RUN(read_back);
	T_RUN(filled_up);
	T_RUN(selectors);
	T_RUN(broken);
	T_RUN(floods);
	T_RUN(bundles);
	T_RUN(mutations);
	return t_done();
}
