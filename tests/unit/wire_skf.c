/* rooms: ike/wire core/crypto core/base */
/* Fragments (RFC 7383): split, lost, doubled, out of order, forged, split anew. */
#include "tests/unit/t.h"

#include "core/base/rng.h"
#include "ike/wire/skf.h"
#include "tests/unit/wire_help.h"

#include <stdlib.h>
#include <string.h>

static struct err e;
static uint8_t key[64], text[6000];

static struct sk *sk_of(uint16_t encr)
{
	const struct alg *a = alg_get(ALG_ENCR, encr, 256);
	bool cbc = encr == ENCR_AES_CBC;

	return sk_new(a, sl(key, cbc ? 32 : 36),
		      cbc ? alg_get(ALG_INTEG, INTEG_HMAC_SHA2_256_128, 0) : NULL,
		      sl(key, cbc ? 32 : 0), &e);
}

struct split {
	uint8_t *p;
	size_t len;
	struct slice f[SKF_FRAGMENTS_MAX];
	unsigned n;
};

/* A vendor ID of n bytes and a nonce, as fragments of at most max. */
static int split(struct sk *s, size_t n, size_t max, struct split *out)
{
	static uint8_t buf[8192];
	struct ike_hdr h = hdr_of(IKE_AUTH, IKE_FLAG_INITIATOR, 1);
	struct slice left, one;
	struct build b;
	int rc;

	memset(out, 0, sizeof(*out));
	build_begin(&b, buf, sizeof(buf), &h);
	sk_begin(s, &b);
	build_vendor(&b, sl(text, n));
	build_nonce(&b, sl(key, 32));
	rc = skf_end(s, &b, max, &out->p, &out->len, &e);
	left = sl(out->p, out->len);
	while ((one = skf_next(&left)).len)
		out->f[out->n++] = one;
	CHECK_INT(left.len, 0);
	return rc;
}

static uint8_t work[8192];
static struct ike_msg m;

/* -1, or enum skf_got. */
static int add(struct skf *f, struct sk *s, struct slice one)
{
	enum skf_got got;

	memcpy(work, one.p, one.len);
	if (ike_msg_parse(work, one.len, &m, &e) < 0)
		return -2;
	return skf_add(f, s, &m, &got, &e) < 0 ? -1 : (int)got;
}

static void whole(size_t n)
{
	CHECK_INT(m.n, 2);
	CHECK(m.opened);
	CHECK_INT(m.p[0].type, PAYLOAD_VENDOR);
	CHECK_INT(m.p[0].body.len, n);
	CHECK(memcmp(m.p[0].body.p, text, n) == 0);
	CHECK_INT(m.p[1].type, PAYLOAD_NONCE);
	CHECK(memcmp(m.p[1].body.p, key, 32) == 0);
}

static void every_size_and_order(void)
{
	static const uint16_t encr[] = { ENCR_AES_GCM_16, ENCR_AES_CBC };

	for (size_t c = 0; c < 2; c++) {
		struct sk *s = sk_of(encr[c]), *r = sk_of(encr[c]);

		for (size_t max = 120; max < 1300; max += 59) {
			size_t n = rng_below(5000);
			struct skf *f;
			struct split t;
			unsigned at, got = 0;

			if (n / (max - 100) > 120)
				continue;
			f = skf_new(1, 8000);
			CHECK(split(s, n, max, &t) == 0);
			at = rng_below(t.n);
			for (unsigned i = 0; i < t.n; i++) {
				/* From the middle on, wrapping, and each twice. */
				struct slice one = t.f[(at + i) % t.n];

				CHECK(one.len <= max);
				CHECK_INT(one.p[16], PAYLOAD_SKF);
				got += add(f, r, one) == (i + 1 < t.n ? SKF_MORE : SKF_WHOLE);
				if (i + 1 < t.n)
					CHECK_INT(add(f, r, one), SKF_AGAIN);
			}
			CHECK_INT(got, t.n);
			skf_free(f);
			free(t.p);
		}
		sk_free(s);
		sk_free(r);
	}
}

static void what_is_inside(void)
{
	struct sk *s = sk_of(ENCR_AES_GCM_16);
	struct skf *f = skf_new(1, 8000);
	struct split t;
	uint8_t first;

	CHECK(split(s, 3000, 576, &t) == 0);
	CHECK_INT(t.n, 6);
	/* §2.5: next payload in the first alone; number and total. */
	CHECK_INT(t.f[0].p[28], PAYLOAD_VENDOR);
	CHECK_INT(t.f[1].p[28], PAYLOAD_NONE);
	CHECK_INT(t.f[1].p[33], 2);
	CHECK_INT(t.f[1].p[35], 6);
	for (unsigned i = 0; i < t.n; i++)
		CHECK_INT(add(f, s, t.f[i]), i + 1 < t.n ? SKF_MORE : SKF_WHOLE);
	whole(3000);
	CHECK_INT(skf_inner(f, &first).len, 3000 + 4 + 32 + 4);
	CHECK_INT(first, PAYLOAD_VENDOR);
	CHECK_INT(skf_msg_id(f), 1);
	skf_free(f);
	free(t.p);
	sk_free(s);
}

static void forged(void)
{
	struct sk *s = sk_of(ENCR_AES_GCM_16);
	struct skf *f = skf_new(1, 8000);
	static uint8_t bad[2000];
	struct split t;

	CHECK(split(s, 1500, 600, &t) == 0);
	CHECK_INT(t.n, 3);
	/* Every byte of it is protected, the two numbers too. */
	for (size_t i = 0; i < t.f[0].len; i++) {
		int got;

		if (i >= 24 && i < 28)
			continue;	/* the length: another datagram */
		memcpy(bad, t.f[0].p, t.f[0].len);
		bad[i] ^= 1;
		got = add(f, s, sl(bad, t.f[0].len));
		CHECK(got == -1 || got == -2);
		CHECK_INT(m.error, got == -1 ? 0 : m.error);
		CHECK_INT(skf_bytes(f), 0);
	}
	/* A forged larger total throws nothing away. */
	CHECK_INT(add(f, s, t.f[0]), SKF_MORE);
	memcpy(bad, t.f[1].p, t.f[1].len);
	bad[35] = 100;
	CHECK_INT(add(f, s, sl(bad, t.f[1].len)), -1);
	CHECK_INT(add(f, s, t.f[1]), SKF_MORE);
	CHECK_INT(add(f, s, t.f[2]), SKF_WHOLE);
	whole(1500);
	skf_free(f);
	free(t.p);
	sk_free(s);
}

static void split_anew(void)
{
	struct sk *s = sk_of(ENCR_AES_CBC);
	struct skf *f = skf_new(1, 8000);
	struct split big, small;

	CHECK(split(s, 2500, 1252, &big) == 0);
	CHECK(split(s, 2500, 548, &small) == 0);
	CHECK(small.n > big.n);
	CHECK_INT(add(f, s, big.f[0]), SKF_MORE);
	for (unsigned i = 0; i < small.n; i++) {
		CHECK_INT(add(f, s, small.f[i]), i + 1 < small.n ? SKF_MORE : SKF_WHOLE);
		if (i + 1 < small.n)
			CHECK_INT(add(f, s, big.f[1]), SKF_AGAIN);
	}
	whole(2500);
	CHECK_INT(add(f, s, small.f[0]), SKF_AGAIN);
	skf_free(f);
	free(big.p);
	free(small.p);
	sk_free(s);
}

static void limits(void)
{
	struct sk *s = sk_of(ENCR_AES_GCM_16);
	struct skf *f = skf_new(1, 1000);
	struct split t;

	CHECK(split(s, 1500, 600, &t) == 0);
	CHECK_INT(add(f, s, t.f[0]), SKF_MORE);
	CHECK_INT(add(f, s, t.f[1]), -1);
	CHECK_STR(e.msg, "the fragments hold more than 1000 bytes");
	skf_free(f);
	free(t.p);
	/* Too many, and too small. */
	CHECK(split(s, 5900, 80, &t) < 0);
	CHECK(t.p == NULL);
	CHECK(split(s, 100, 60, &t) < 0);
	/* Numbers that cannot be. */
	f = skf_new(1, 8000);
	CHECK(split(s, 900, 600, &t) == 0);
	for (int i = 0; i < 3; i++) {
		static const uint8_t numbers[3][4] = { { 0, 0, 0, 2 }, { 0, 3, 0, 2 },
						       { 0, 1, 0, 0 } };

		memcpy(work, t.f[0].p, t.f[0].len);
		memcpy(work + 32, numbers[i], 4);
		CHECK(ike_msg_parse(work, t.f[0].len, &m, &e) < 0);
		CHECK_INT(m.error, 0);
	}
	memcpy(work, t.f[0].p, t.f[0].len);
	work[34] = 1;
	CHECK(ike_msg_parse(work, t.f[0].len, &m, &e) == 0);
	{
		enum skf_got got;

		CHECK(skf_add(f, s, &m, &got, &e) < 0);
		CHECK_INT(skf_bytes(f), 0);
		/* And a fragment is never taken for a message. */
		memcpy(work, t.f[0].p, t.f[0].len);
		CHECK(ike_msg_parse(work, t.f[0].len, &m, &e) == 0);
		CHECK(sk_open(s, &m, &e) < 0);
		CHECK_INT(m.error, 0);
	}
	skf_free(f);
	free(t.p);
	sk_free(s);
}

/* Authentic pieces that make no message: to be told, not to be believed. */
static void broken_whole(void)
{
	static uint8_t buf[4096];
	struct sk *s = sk_of(ENCR_AES_GCM_16);
	struct ike_hdr h = hdr_of(IKE_AUTH, IKE_FLAG_INITIATOR, 1);
	struct skf *f = skf_new(1, 8000);
	struct slice left, one;
	struct build b;
	uint8_t *out;
	size_t len;
	int got = 0;

	build_begin(&b, buf, sizeof(buf), &h);
	sk_begin(s, &b);
	build_vendor(&b, sl(text, 700));
	build_close(&b);
	wr_u8(&b.w, 7);
	CHECK(skf_end(s, &b, 400, &out, &len, &e) == 0);
	left = sl(out, len);
	while ((one = skf_next(&left)).len)
		got = add(f, s, one);
	CHECK_INT(got, -1);
	CHECK_INT(m.error, N_INVALID_SYNTAX);
	CHECK(m.opened);
	skf_free(f);
	free(out);
	/* Lengths that lie end the walk. */
	left = sl("short", 5);
	CHECK_INT(skf_next(&left).len, 0);
	sk_free(s);
}

static void certificates_and_hashes(void)
{
	static uint8_t buf[2048];
	struct ike_hdr h = hdr_of(IKE_AUTH, 0, 1);
	struct cert_payload c;
	struct auth_payload a;
	struct slice alg, sig;
	struct notify n;
	struct build b;
	size_t len;

	build_begin(&b, buf, sizeof(buf), &h);
	build_cert(&b, sl(text, 300));
	build_certreq(&b, sl(key, 40));
	build_notify_hashes(&b, 1u << SIGHASH_SHA256 | 1u << SIGHASH_SHA512);
	build_auth_digital(&b, sl("alg", 3), sl("signature", 9));
	CHECK(build_end(&b, &len, &e) == 0);
	CHECK(ike_msg_parse(buf, len, &m, &e) == 0);
	CHECK(payload_cert(ike_msg_get(&m, PAYLOAD_CERT)->body, &c, &e) == 0);
	CHECK_INT(c.encoding, CERT_X509);
	CHECK_INT(c.data.len, 300);
	CHECK(payload_cert(ike_msg_get(&m, PAYLOAD_CERTREQ)->body, &c, &e) == 0);
	CHECK_INT(c.data.len, 40);
	CHECK(ike_msg_notify(&m, N_SIGNATURE_HASH_ALGORITHMS, &n));
	CHECK_INT(n.data.len, 4);
	CHECK_INT(notify_hashes(&n), 1u << 2 | 1u << 4);
	n.data.len = 3;
	CHECK_INT(notify_hashes(&n), 0);
	CHECK(payload_auth(ike_msg_get(&m, PAYLOAD_AUTH)->body, &a, &e) == 0);
	CHECK_INT(a.method, AUTH_DIGITAL);
	CHECK(payload_auth_digital(a.data, &alg, &sig, &e) == 0);
	CHECK_INT(alg.len, 3);
	CHECK_INT(sig.len, 9);
	CHECK(memcmp(sig.p, "signature", 9) == 0);
	/* CVE-2018-5389's relatives: lengths that leave no signature, or go past the end. */
	CHECK(payload_auth_digital(sl("\x03" "alg", 4), &alg, &sig, &e) < 0);
	CHECK(payload_auth_digital(sl("\xff" "alg", 4), &alg, &sig, &e) < 0);
	CHECK(payload_auth_digital(sl("\x00" "alg", 4), &alg, &sig, &e) < 0);
	CHECK(payload_auth_digital(sl("", 0), &alg, &sig, &e) < 0);
}

int main(void)
{
	rng_bytes(key, sizeof(key));
	rng_bytes(text, sizeof(text));
	T_RUN(what_is_inside);
	T_RUN(every_size_and_order);
	T_RUN(forged);
	T_RUN(split_anew);
	T_RUN(limits);
	T_RUN(broken_whole);
	T_RUN(certificates_and_hashes);
	return t_done();
}
