/* rooms: ike/wire core/crypto core/base */
/* Messages that lie: each length too long and too short, counts that do not match, floods. */
#include "tests/unit/t.h"

#include "ike/wire/build.h"
#include "ike/wire/proposal.h"
#include "ike/wire/ts.h"
#include "tests/unit/wire_help.h"

static uint8_t buf[IKE_MSG_MAX];
static struct ike_msg m;
static struct err e;

/* A message of these payload bytes, the first of type first. */
static size_t raw(uint8_t first, const void *body, size_t len)
{
	struct ike_hdr h = hdr_of(IKE_SA_INIT, IKE_FLAG_INITIATOR, 0);
	struct wr w = wr_init(buf, sizeof(buf));

	h.version = IKE_VERSION_2;
	h.next = first;
	h.len = (uint32_t)(IKE_HDR_LEN + len);
	ike_hdr_write(&w, &h);
	wr_bytes(&w, body, len);
	return w.len;
}

static int parse(uint8_t first, const void *body, size_t len)
{
	memset(&e, 0, sizeof(e));
	return ike_msg_parse(buf, raw(first, body, len), &m, &e);
}

static void short_datagrams(void)
{
	size_t len = raw(0, "", 0);

	for (size_t cut = 0; cut < len; cut++) {
		CHECK(ike_msg_parse(buf, cut, &m, &e) < 0);
		CHECK_INT(m.error, 0);
	}
	CHECK(ike_msg_parse(buf, len, &m, &e) == 0);
	/* The header's length against the datagram's. */
	CHECK(ike_msg_parse(buf, len + 1, &m, &e) < 0);
	buf[27]++;
	CHECK(ike_msg_parse(buf, len, &m, &e) < 0);
	CHECK_HAS(e.msg, "29 bytes, 28 came");
	memset(buf + 24, 0xff, 4);
	CHECK(ike_msg_parse(buf, len, &m, &e) < 0);
}

static void spi_and_version(void)
{
	size_t len = raw(0, "", 0);

	memset(buf, 0, 8);
	CHECK(ike_msg_parse(buf, len, &m, &e) < 0);
	CHECK_INT(m.error, 0);
	len = raw(0, "", 0);
	buf[17] = 0x10;
	CHECK(ike_msg_parse(buf, len, &m, &e) < 0);
	CHECK_INT(m.error, 0);
	buf[17] = 0x30;
	CHECK(ike_msg_parse(buf, len, &m, &e) < 0);
	CHECK_INT(m.error, N_INVALID_MAJOR_VERSION);
	buf[17] = 0x2f;	/* §2.5: the minor version is ignored */
	CHECK(ike_msg_parse(buf, len, &m, &e) == 0);
}

static void payload_lengths(void)
{
	uint8_t p[] = { 0, 0, 0, 8, 1, 2, 3, 4 };

	CHECK(parse(PAYLOAD_VENDOR, p, sizeof(p)) == 0);
	CHECK_INT(m.p[0].body.len, 4);
	for (unsigned len = 0; len < 300; len++) {
		p[2] = (uint8_t)(len >> 8);
		p[3] = (uint8_t)len;
		CHECK((parse(PAYLOAD_VENDOR, p, sizeof(p)) == 0) == (len == 8));
		if (len != 8)
			CHECK_INT(m.error, N_INVALID_SYNTAX);
	}
	p[2] = p[3] = 0xff;
	CHECK(parse(PAYLOAD_VENDOR, p, sizeof(p)) < 0);
	for (size_t cut = 0; cut < 4; cut++)
		CHECK(parse(PAYLOAD_VENDOR, p, cut) < 0);
	/* Bytes where the header says that nothing follows. */
	CHECK(parse(PAYLOAD_NONE, p, sizeof(p)) < 0);
	CHECK_HAS(e.msg, "after the last payload");
	/* Next payload set, nothing there. */
	CHECK(parse(PAYLOAD_VENDOR, p, 0) < 0);
}

static void floods(void)
{
	static uint8_t p[4000 * 4];
	size_t n;

	for (n = 0; n < 4000; n++)
		memcpy(p + 4 * n, "\x2b\x00\x00\x04", 4);	/* a Vendor ID, empty, and another */
	p[4 * 999] = 0;
	CHECK(parse(PAYLOAD_VENDOR, p, 4000) < 0);
	CHECK_INT(m.error, N_INVALID_SYNTAX);
	CHECK_HAS(e.msg, "more than 64 payloads");
	p[4 * (MSG_PAYLOADS_MAX - 1)] = 0;
	CHECK(parse(PAYLOAD_VENDOR, p, 4 * MSG_PAYLOADS_MAX) == 0);
	CHECK_INT(m.n, MSG_PAYLOADS_MAX);
	/* The same with a type nobody knows. */
	for (n = 0; n < 4000; n++)
		p[4 * n] = 200;
	CHECK(parse(200, p, sizeof(p)) < 0);
	CHECK_INT(m.error, N_INVALID_SYNTAX);
	p[4 * (MSG_PAYLOADS_MAX - 1)] = 0;
	CHECK(parse(200, p, 4 * MSG_PAYLOADS_MAX) == 0);
	CHECK_INT(m.n, 0);
	CHECK_INT(m.skipped, MSG_PAYLOADS_MAX);
}

static void critical_bits(void)
{
	uint8_t p[] = { PAYLOAD_NONCE, 0x80, 0, 5, 9, 0, 0x80, 0, 4 };

	CHECK(parse(200, p, sizeof(p)) < 0);
	CHECK_INT(m.error, N_UNSUPPORTED_CRITICAL_PAYLOAD);
	CHECK_INT(m.error_len, 1);
	CHECK_INT(m.error_data[0], 200);
	p[1] = 0x7f;	/* all reserved bits are ignored */
	CHECK(parse(200, p, sizeof(p)) == 0);
	CHECK_INT(m.n, 1);
	CHECK_INT(m.skipped, 1);
	CHECK(m.p[0].type == PAYLOAD_NONCE && m.p[0].critical);
	/* IKEv1's types 1 to 32 are as unknown as any (§3.2). */
	p[1] = 0x80;
	CHECK(parse(1, p, sizeof(p)) < 0);
	CHECK_INT(m.error_data[0], 1);
	CHECK(parse(49, p, sizeof(p)) < 0);
	CHECK_INT(m.error_data[0], 49);
}

static void sk_in_the_chain(void)
{
	static const uint8_t ok[] = { PAYLOAD_IDI, 0, 0, 6, 1, 2 };
	static const uint8_t trailing[] = { PAYLOAD_IDI, 0, 0, 6, 1, 2, 0, 0, 0, 4 };
	static const uint8_t second[] = { PAYLOAD_SK, 0, 0, 4, 0, 0, 0, 5, 7 };

	CHECK(parse(PAYLOAD_SK, ok, sizeof(ok)) == 0);
	CHECK_INT(m.n, 0);
	CHECK_INT(m.sk.len, 2);
	CHECK_INT(m.sk_next, PAYLOAD_IDI);
	CHECK(parse(PAYLOAD_SK, trailing, sizeof(trailing)) < 0);
	CHECK_INT(m.error, N_INVALID_SYNTAX);
	CHECK(parse(PAYLOAD_VENDOR, second, sizeof(second)) == 0);
	CHECK_INT(m.n_outer, 1);
	CHECK_INT(m.sk.len, 1);
	CHECK(parse(PAYLOAD_SKF, ok, sizeof(ok)) < 0);
	CHECK_INT(m.error, 0);
	memset(&m, 0, sizeof(m));
	CHECK(ike_msg_inner(&m, PAYLOAD_SK, sl(ok, sizeof(ok)), &e) < 0);
	CHECK_INT(m.error, N_INVALID_SYNTAX);
}

/* A proposal of two transforms, 3 + 1 lengths and two counts to spoil. */
static const uint8_t good_sa[] = {
	0, 0, 0, 28, 1, PROTO_IKE, 0, 2,
	3, 0, 0, 12, ALG_ENCR, 0, 0, 12, 0x80, 14, 1, 0,
	0, 0, 0, 8, ALG_PRF, 0, 0, 5,
};

static void sa_single_bytes(void)
{
	struct sa_payload sa;
	uint8_t p[sizeof(good_sa)];

	CHECK(payload_sa(sl(good_sa, sizeof(good_sa)), &sa, &e) == 0);
	CHECK_INT(sa.p[0].t[0].key_bits, 256);
	for (size_t cut = 0; cut < sizeof(good_sa); cut++)
		CHECK(payload_sa(sl(good_sa, cut), &sa, &e) < 0);
	/* Any other value of a length, count or mark is refused. */
	static const size_t structural[] = { 0, 2, 3, 6, 7, 8, 10, 11, 20, 22, 23 };

	for (size_t i = 0; i < sizeof(structural) / sizeof(structural[0]); i++) {
		for (int v = 0; v < 256; v++) {
			memcpy(p, good_sa, sizeof(p));
			p[structural[i]] = (uint8_t)v;
			CHECK((payload_sa(sl(p, sizeof(p)), &sa, &e) == 0) ==
			      (v == good_sa[structural[i]]));
		}
	}
	/* Reserved bytes are not looked at. */
	memcpy(p, good_sa, sizeof(p));
	p[1] = p[9] = p[13] = p[21] = p[25] = 0xff;
	CHECK(payload_sa(sl(p, sizeof(p)), &sa, &e) == 0);
}

static void sa_attributes(void)
{
	struct sa_payload sa;
	uint8_t p[sizeof(good_sa)];
	static const uint8_t two[] = {
		0, 0, 0, 24, 1, PROTO_IKE, 0, 1,
		0, 0, 0, 16, ALG_ENCR, 0, 0, 12, 0x80, 14, 1, 0, 0x80, 14, 0, 128,
	};
	static const uint8_t variable[] = {
		0, 0, 0, 25, 1, PROTO_IKE, 0, 1,
		0, 0, 0, 17, ALG_ENCR, 0, 0, 12, 0x00, 99, 0, 5, 1, 2, 3, 4, 5,
	};

	/* An attribute of a type unknown here: the transform is out, the message stays. */
	memcpy(p, good_sa, sizeof(p));
	p[17] = 15;
	CHECK(payload_sa(sl(p, sizeof(p)), &sa, &e) == 0);
	CHECK(sa.p[0].t[0].unusable && !sa.p[0].t[1].unusable);
	CHECK(payload_sa(sl(variable, sizeof(variable)), &sa, &e) == 0);
	CHECK(sa.p[0].t[0].unusable);
	CHECK(payload_sa(sl(two, sizeof(two)), &sa, &e) < 0);
	CHECK_HAS(e.msg, "two Key Length");
	memcpy(p, good_sa, sizeof(p));
	p[18] = p[19] = 0;
	CHECK(payload_sa(sl(p, sizeof(p)), &sa, &e) < 0);
	/* Key Length in the long form, and an attribute beyond its transform. */
	memcpy(p, variable, sizeof(variable));
	p[17] = 14;
	CHECK(payload_sa(sl(p, sizeof(variable)), &sa, &e) < 0);
	p[17] = 99;
	p[19] = 6;
	CHECK(payload_sa(sl(p, sizeof(variable)), &sa, &e) < 0);
	/* An unknown transform type spoils the proposal alone. */
	memcpy(p, good_sa, sizeof(p));
	p[24] = 6;
	CHECK(payload_sa(sl(p, sizeof(p)), &sa, &e) == 0);
	CHECK(sa.p[0].unknown_type);
}

static void sa_floods(void)
{
	struct wr w = wr_init(buf, sizeof(buf));
	struct sa_payload sa;

	for (int n = PROPOSALS_MAX; n <= PROPOSALS_MAX + 1; n++) {
		w = wr_init(buf, sizeof(buf));
		for (int i = 1; i <= n; i++) {
			wr_bytes(&w, good_sa, sizeof(good_sa));
			wr_patch_u8(&w, w.len - sizeof(good_sa), i == n ? 0 : 2);
			wr_patch_u8(&w, w.len - sizeof(good_sa) + 4, (uint8_t)i);
		}
		CHECK((payload_sa(sl(buf, w.len), &sa, &e) == 0) == (n == PROPOSALS_MAX));
	}
	/* The same number twice, and going down. */
	for (int second = 0; second < 3; second++) {
		w = wr_init(buf, sizeof(buf));
		wr_bytes(&w, good_sa, sizeof(good_sa));
		wr_bytes(&w, good_sa, sizeof(good_sa));
		wr_patch_u8(&w, 0, 2);
		wr_patch_u8(&w, sizeof(good_sa) + 4, (uint8_t)second);
		CHECK((payload_sa(sl(buf, w.len), &sa, &e) == 0) == (second == 2));
	}
	for (int n = TRANSFORMS_MAX; n <= TRANSFORMS_MAX + 1; n++) {
		w = wr_init(buf, sizeof(buf));
		wr_bytes(&w, "\0\0\0\0\1\1\0", 7);
		wr_u8(&w, (uint8_t)n);
		for (int i = 1; i <= n; i++)
			wr_bytes(&w, i == n ? "\0\0\0\10\2\0\0\5" : "\3\0\0\10\2\0\0\5", 8);
		wr_patch_u16(&w, 2, (uint16_t)w.len);
		CHECK((payload_sa(sl(buf, w.len), &sa, &e) == 0) == (n == TRANSFORMS_MAX));
	}
}

static void selectors(void)
{
	static const uint8_t good[] = {
		2, 0, 0, 0,
		7, 17, 0, 16, 0, 0, 0xff, 0xff, 10, 1, 0, 0, 10, 1, 0, 255,
		9, 0, 0, 8, 1, 2, 3, 4,
	};
	uint8_t p[sizeof(good)], many[4 + 255 * 16];
	struct ts_list ts;

	CHECK(payload_ts(sl(good, sizeof(good)), &ts, &e) == 0);
	CHECK_INT(ts.n, 1);
	CHECK(ts.unknown);
	for (size_t cut = 0; cut < sizeof(good); cut++)
		CHECK(payload_ts(sl(good, cut), &ts, &e) < 0);
	for (int v = 0; v < 256; v++) {
		memcpy(p, good, sizeof(p));
		p[7] = (uint8_t)v;
		CHECK((payload_ts(sl(p, sizeof(p)), &ts, &e) == 0) == (v == 16));
		memcpy(p, good, sizeof(p));
		p[23] = (uint8_t)v;
		CHECK((payload_ts(sl(p, sizeof(p)), &ts, &e) == 0) == (v == 8));
		memcpy(p, good, sizeof(p));
		p[0] = (uint8_t)v;
		CHECK((payload_ts(sl(p, sizeof(p)), &ts, &e) == 0) == (v == 2));
	}
	memcpy(p, good, sizeof(p));
	p[15] = 1;	/* 10.1.0.1 … */
	p[19] = 0;	/* … to 10.1.0.0 */
	CHECK(payload_ts(sl(p, sizeof(p)), &ts, &e) < 0);
	CHECK_HAS(e.msg, "ends before it begins");
	memcpy(p, good, sizeof(p));
	p[8] = 1;
	p[10] = p[11] = 0;
	CHECK(payload_ts(sl(p, sizeof(p)), &ts, &e) < 0);
	p[8] = p[9] = 0xff;	/* OPAQUE */
	CHECK(payload_ts(sl(p, sizeof(p)), &ts, &e) == 0);
	CHECK_INT(ts.n, 0);
	CHECK(ts.unknown);
	/* More than are kept. */
	memcpy(many, "\xff\0\0\0", 4);
	for (int i = 0; i < 255; i++)
		memcpy(many + 4 + 16 * i, good + 4, 16);
	CHECK(payload_ts(sl(many, sizeof(many)), &ts, &e) == 0);
	CHECK_INT(ts.n, TS_MAX);
	CHECK(ts.more && !ts.unknown);
}

static void small_ones(void)
{
	static const uint8_t zero[300];
	struct delete_payload d;
	struct auth_payload a;
	struct cert_payload c;
	struct ke_payload k;
	struct ike_id id;
	struct notify n;
	struct slice s;
	uint8_t p[8 + 4 * 300] = { PROTO_ESP, 4, 0, 2 };

	CHECK(payload_nonce(sl(zero, 15), &s, &e) < 0);
	CHECK(payload_nonce(sl(zero, 16), &s, &e) == 0);
	CHECK(payload_nonce(sl(zero, 256), &s, &e) == 0);
	CHECK(payload_nonce(sl(zero, 257), &s, &e) < 0);
	for (size_t len = 0; len < 5; len++) {
		CHECK(payload_ke(sl(zero, len), &k, &e) < 0);
		CHECK(payload_auth(sl(zero, len), &a, &e) < 0);
	}
	CHECK(payload_ke(sl(zero, 5), &k, &e) == 0);
	CHECK(payload_auth(sl(zero, 5), &a, &e) == 0);
	CHECK(payload_cert(sl(zero, 0), &c, &e) < 0);
	CHECK(payload_cert(sl(zero, 1), &c, &e) == 0);
	for (size_t len = 0; len < 4; len++)
		CHECK(payload_notify(sl(zero, len), &n, &e) < 0);
	CHECK(payload_notify(sl(zero, 4), &n, &e) == 0);
	CHECK(payload_notify(sl("\3\4\0\1\0\0\0", 7), &n, &e) < 0);
	CHECK(payload_notify(sl("\3\3\0\1\0\0\0", 7), &n, &e) == 0);
	CHECK(n.spi == 0 && n.data.len == 0);

	CHECK(payload_delete(sl(p, 12), &d, &e) == 0);
	CHECK_INT(d.n, 2);
	CHECK(payload_delete(sl(p, 11), &d, &e) < 0);
	CHECK(payload_delete(sl(p, 13), &d, &e) < 0);
	p[3] = 3;
	CHECK(payload_delete(sl(p, 12), &d, &e) < 0);
	p[2] = 0xff;
	CHECK(payload_delete(sl(p, 12), &d, &e) < 0);
	p[2] = 1;
	p[3] = 0;
	CHECK(payload_delete(sl(p, 4 + 4 * 256), &d, &e) == 0);
	CHECK_INT(d.n, 256);
	p[3] = 1;
	CHECK(payload_delete(sl(p, 4 + 4 * 257), &d, &e) < 0);
	CHECK(payload_delete(sl("\3\10\0\1\0\0\0\0\0\0\0\0", 12), &d, &e) < 0);
	CHECK(payload_delete(sl("\1\0\0\0", 4), &d, &e) == 0);
	CHECK(payload_delete(sl("\1\0\0\1", 4), &d, &e) < 0);
	CHECK(payload_delete(sl("\1\10\0\0", 4), &d, &e) < 0);
	CHECK(payload_delete(sl("\7\4\0\0", 4), &d, &e) < 0);

	memcpy(p, zero, sizeof(zero));
	for (unsigned type = 0; type < 256; type++) {
		p[0] = (uint8_t)type;
		CHECK(payload_id(sl(p, 3), &id, &e) < 0);
		CHECK(payload_id(sl(p, 4), &id, &e) < 0);
		CHECK((payload_id(sl(p, 8), &id, &e) == 0) ==
		      (type != ID_NONE && type != ID_IPV6_ADDR));
		CHECK((payload_id(sl(p, 20), &id, &e) == 0) ==
		      (type != ID_NONE && type != ID_IPV4_ADDR));
		CHECK(payload_id(sl(p, 5 + ID_MAX), &id, &e) < 0);
	}
	p[0] = ID_KEY_ID;
	CHECK(payload_id(sl(p, 4 + ID_MAX), &id, &e) == 0);
	CHECK_INT(id.len, ID_MAX);
}

int main(void)
{
	T_RUN(short_datagrams);
	T_RUN(spi_and_version);
	T_RUN(payload_lengths);
	T_RUN(floods);
	T_RUN(critical_bits);
	T_RUN(sk_in_the_chain);
	T_RUN(sa_single_bytes);
	T_RUN(sa_attributes);
	T_RUN(sa_floods);
	T_RUN(selectors);
	T_RUN(small_ones);
	return t_done();
}
