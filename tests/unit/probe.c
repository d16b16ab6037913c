/* rooms: ike/probe ike/wire core/control core/ipc core/crypto core/base */
/* probe: what answers are taken for, whole, cut and broken; and whose vendor IDs are whose. */
#include "core/base/rng.h"
#include "ike/probe/probe.h"
#include "ike/probe/vendor.h"
#include "ike/wire/build.h"
#include "tests/unit/t.h"

static struct probe p;
static uint8_t buf[PROBE_MSG_MAX];
static size_t len;

static const char *name(const char *bytes, size_t n)
{
	static char text[48];

	return vendor_name((struct slice){ (const uint8_t *)bytes, n }, text, sizeof(text));
}

static void vendors(void)
{
	CHECK_STR(name("\x88\x2f\xe5\x6d\x6f\xd2\x0d\xbc\x22\x51\x61\x3b\x2e\xbe\x5b\xeb", 16),
		  "strongSwan");
	CHECK_STR(name("\xaf\xca\xd7\x13\x68\xa1\xf1\xc9\x6b\x86\x96\xfc\x77\x57\x01\x00", 16),
		  "DPD (RFC 3706)");
	CHECK_STR(name("OE-Libreswan-4.10", 17), "Libreswan");
	CHECK_STR(name("\x1e\x2b\x51\x69\x05\x99\x1c\x7d\x7c\x96\xfc\xbf\xb5\x87\xe4\x61\0\0\0\x09",
		       20), "Windows");
	CHECK_STR(name("Some Box 1.2", 12), "Some Box 1.2");
	CHECK_STR(name("\x01\x02\x03", 3), "0x010203");
	CHECK_STR(name("", 0), "0x");
	/* Not printable, and longer than what is shown. */
	CHECK_STR(name("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16),
		  "0xffffffffffffffffffffffff");
}

static void begin_v2(struct build *b)
{
	struct ike_hdr h = { .spi_i = 1, .spi_r = 2, .exchange = IKE_SA_INIT,
			     .flags = IKE_FLAG_RESPONSE };

	memset(&p, 0, sizeof(p));
	build_begin(b, buf, sizeof(buf), &h);
}

static enum probe_says v2_says(struct build *b, uint16_t *group)
{
	CHECK_INT(build_end(b, &len, NULL), 0);
	return probe_v2_parse(&p, buf, len, group);
}

static void v2_answers(void)
{
	struct sa_payload sa = { .n = 1 };
	struct build b;
	uint16_t group;

	begin_v2(&b);
	build_notify_ke(&b, KE_ECP_256);
	CHECK_INT(v2_says(&b, &group), SAYS_YES);
	CHECK_INT(group, KE_ECP_256);
	begin_v2(&b);
	build_notify_plain(&b, N_NO_PROPOSAL_CHOSEN);
	CHECK_INT(v2_says(&b, &group), SAYS_NO);
	CHECK(p.v2.answers);
	begin_v2(&b);
	build_notify(&b, PROTO_NONE, 0, 0, N_COOKIE, (struct slice){ (const uint8_t *)"abcd", 4 });
	CHECK_INT(v2_says(&b, &group), SAYS_COOKIE);
	CHECK(p.v2.cookie);
	begin_v2(&b);
	build_notify_plain(&b, N_INVALID_MAJOR_VERSION);
	CHECK_INT(v2_says(&b, &group), SAYS_OTHER);
	CHECK(!p.v2.answers);
	CHECK_STR(p.v2.refusal, "INVALID_MAJOR_VERSION");
	begin_v2(&b);
	sa.p[0] = (struct proposal){ .number = 1, .protocol = PROTO_IKE, .n = 3,
				     .t = { { ALG_ENCR, ENCR_AES_GCM_16, 256, false },
					    { ALG_PRF, PRF_HMAC_SHA2_384, 0, false },
					    { ALG_KE, KE_CURVE25519, 0, false } } };
	build_sa(&b, &sa);
	build_notify_plain(&b, N_FRAGMENTATION_SUPPORTED);
	CHECK_INT(v2_says(&b, &group), SAYS_YES);
	CHECK_INT(group, KE_CURVE25519);
	CHECK(p.v2.fragmentation);
	/* IKEv1's header in answer to IKEv2. */
	buf[17] = 0x10;
	CHECK_INT(probe_v2_parse(&p, buf, len, &group), SAYS_OTHER);
	CHECK_STR(p.v2.refusal, "answers with IKEv1");
}

/* A Main Mode answer: one transform, and a vendor ID behind it. */
static const uint8_t v1_answer[] = {
	0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0x10, 2, 0, 0, 0, 0, 0, 0, 0, 0, 108,
	13, 0, 0, 60, 0, 0, 0, 1, 0, 0, 0, 1,			/* SA */
	0, 0, 0, 48, 1, 1, 0, 1,				/* proposal */
	0, 0, 0, 40, 1, 1, 0, 0,				/* transform */
	0x80, 1, 0, 7, 0x80, 14, 0, 128, 0x80, 2, 0, 2, 0x80, 3, 0, 1, 0x80, 4, 0, 14,
	0x80, 11, 0, 1, 0, 12, 0, 4, 0, 0, 0x70, 0x80,
	0, 0, 0, 20, 0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1, 0xf1, 0xc9, 0x6b, 0x86, 0x96, 0xfc, 0x77,
	0x57, 0x01, 0x00,
};

static void v1_answers(void)
{
	struct suite s;
	char text[64];
	bool rsa;

	memset(&p, 0, sizeof(p));
	CHECK_INT(sizeof(v1_answer), 108);
	CHECK_INT(probe_v1_parse(&p, v1_answer, sizeof(v1_answer), &s, &rsa), SAYS_YES);
	CHECK_STR(suite_str(SUITE_IKE, &s, text, sizeof(text)), "aes128-sha1-modp2048");
	CHECK(!rsa);
	CHECK_INT(p.n_vendors, 1);
	CHECK_STR(p.vendors[0], "DPD (RFC 3706)");
}

/* Cut anywhere, and with any byte changed: nothing is read that is not there. */
static void broken(void)
{
	struct suite s;
	bool rsa;
	uint16_t group;

	for (size_t n = 0; n <= sizeof(v1_answer); n++) {
		uint8_t *cut = malloc(n ? n : 1);

		memcpy(cut, v1_answer, n);
		if (n >= 28) {
			cut[26] = 0;
			cut[27] = (uint8_t)n;
		}
		memset(&p, 0, sizeof(p));
		(void)probe_v1_parse(&p, cut, n, &s, &rsa);
		(void)probe_v2_parse(&p, cut, n, &group);
		free(cut);
	}
	rng_virtual_seed(1);
	for (int i = 0; i < 20000; i++) {
		uint8_t *bad = malloc(sizeof(v1_answer));

		memcpy(bad, v1_answer, sizeof(v1_answer));
		for (unsigned k = 1 + rng_below(4); k; k--)
			bad[rng_below(sizeof(v1_answer))] = (uint8_t)rng_u32();
		memset(&p, 0, sizeof(p));
		(void)probe_v1_parse(&p, bad, sizeof(v1_answer), &s, &rsa);
		(void)probe_v2_parse(&p, bad, sizeof(v1_answer), &group);
		free(bad);
	}
	rng_virtual_seed(0);
}

int main(void)
{
	T_RUN(vendors);
	T_RUN(v2_answers);
	T_RUN(v1_answers);
	T_RUN(broken);
	return t_done();
}
