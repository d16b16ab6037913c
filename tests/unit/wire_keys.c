/* rooms: ike/wire core/crypto core/base */
/* Keys, SK payloads and cookies. Expected keys were computed from RFC 7296's formulas by an
 * independent program (HMAC of another library). */
#include "tests/unit/t.h"

#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/base/secret.h"
#include "ike/wire/cookie.h"
#include "ike/wire/id.h"
#include "ike/wire/keymat.h"
#include "ike/wire/sk.h"
#include "tests/unit/wire_help.h"

#define SPI_I 0x1122334455667788u
#define SPI_R 0x99aabbccddeeff00u

static uint8_t ni[32], nr[40], shared[256];
static struct err e;

static const struct chosen cbc = {
	.encr = ENCR_AES_CBC, .encr_bits = 256, .integ = INTEG_HMAC_SHA2_256_128,
	.prf = PRF_HMAC_SHA2_256, .ke = KE_MODP_2048,
};
static const struct chosen gcm = {
	.encr = ENCR_AES_GCM_16, .encr_bits = 256, .prf = PRF_HMAC_SHA2_384, .ke = KE_MODP_2048,
};

static void hex(const void *p, size_t len, char *out)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < len; i++)
		sprintf(out + 2 * i, "%02x", b[i]);
}

#define CHECK_HEX(p, len, want) do { \
	char t_hex[256]; \
	hex(p, len, t_hex); \
	CHECK_STR(t_hex, want); \
	} while (0)

static struct ike_keys *derive(const struct chosen *c, const struct ike_keys *old)
{
	return keymat_ike(c, sl(ni, sizeof(ni)), sl(nr, sizeof(nr)), SPI_I, SPI_R,
			  sl(shared, sizeof(shared)), old, &e);
}

/* All seven in the order of §2.14, as one SHA-256. */
static void digest(const struct ike_keys *k, uint8_t out[32])
{
	struct slice parts[7] = {
		sl(k->d, k->prf_len), sl(k->ai, k->integ_len), sl(k->ar, k->integ_len),
		sl(k->ei, k->encr_len), sl(k->er, k->encr_len), sl(k->pi, k->prf_len),
		sl(k->pr, k->prf_len),
	};

	hash_sha256(parts, 7, out);
}

static void ike_keys(void)
{
	struct ike_keys *k = derive(&cbc, NULL), *g = derive(&gcm, NULL), *r;
	uint8_t h[32];

	CHECK(k && g);
	CHECK_HEX(k->d, k->prf_len,
		  "401b8e9013cf8beca606a35ee5ce7a9936dde0b2f352a80300f61da0bd9b8f56");
	digest(k, h);
	CHECK_HEX(h, 32, "7d8a152039ca7499199b73e851a6754c694605f35be539c1e654da427f671885");
	digest(g, h);
	CHECK_INT(g->integ_len, 0);
	CHECK_INT(g->encr_len, 36);
	CHECK_HEX(h, 32, "6e24a07ccbb7574c07f68e1d19eade8b642b209892a448673a55cc7804886df9");
	/* §2.18: from SHA-256 to SHA-384; SKEYSEED is still the old PRF's. */
	r = derive(&gcm, k);
	CHECK(r);
	digest(r, h);
	CHECK_HEX(h, 32, "58d6dc9a7e31906ffde8cb40be8f959e382926384ad44a59d09df24a6d3f703c");
	keymat_free(k);
	keymat_free(g);
	keymat_free(r);
	keymat_free(NULL);
}

static void unknown_algorithms(void)
{
	struct chosen c = cbc;
	struct ike_keys *k = derive(&cbc, NULL);
	struct sa_key in, out;

	c.prf = 4711;
	CHECK(!derive(&c, NULL));
	c = cbc;
	c.encr_bits = 1;
	CHECK(!derive(&c, NULL));
	CHECK(keymat_child(k, &c, sl(ni, 32), sl(nr, 40), sl(NULL, 0), true, &in, &out, &e) < 0);
	c = cbc;
	c.integ = INTEG_NONE;	/* CBC needs one, AEAD has none */
	CHECK(!derive(&c, NULL));
	c = gcm;
	c.integ = INTEG_HMAC_SHA1_96;
	CHECK(!derive(&c, NULL));
	keymat_free(k);
}

static void child_keys(void)
{
	struct ike_keys *k = derive(&cbc, NULL);
	struct chosen g = { .encr = ENCR_AES_GCM_16, .encr_bits = 256 };
	struct chosen c = { .encr = ENCR_AES_CBC, .encr_bits = 128,
			    .integ = INTEG_HMAC_SHA2_256_128 };
	struct slice a = sl(ni, sizeof(ni)), b = sl(nr, sizeof(nr)), none = { 0 };
	struct sa_key in, out, pin, pout;

	CHECK(keymat_child(k, &g, a, b, none, true, &in, &out, &e) == 0);
	CHECK_HEX(out.encr, out.encr_len,
		  "74958f8311e63e378492e8516b7eae707f8031b1a3d837a129fad5b9a30aa441321c39e2");
	CHECK_HEX(in.encr, in.encr_len,
		  "7d87f67f3094039631b517646d7a48f2aa07ab309fc8f9431790040194485d90f04dd770");
	CHECK_INT(in.integ_len, 0);
	/* What one side sends with the other receives with. */
	CHECK(keymat_child(k, &g, a, b, none, false, &pin, &pout, &e) == 0);
	CHECK_MEM(&pin, &out, sizeof(out));
	CHECK_MEM(&pout, &in, sizeof(in));
	CHECK(keymat_child(k, &c, a, b, sl(shared, sizeof(shared)), true, &in, &out, &e) == 0);
	CHECK_HEX(out.encr, 16, "1bf91d4bc174bcb9562c5d18e90f54b5");
	CHECK_HEX(out.integ, out.integ_len,
		  "ece08be185f97a220742d3d6121b77e4658bd31c2bb0a93fb5fff9f19ac49f9a");
	CHECK_HEX(in.encr, 16, "05a9c10ae101a9004dc4628a3b8c639d");
	CHECK_HEX(in.integ, 32,
		  "56feecc76c29491623dc9b30540550784394156b76c2088023a9cf04acad42c7");
	keymat_free(k);
}

static void auth_octets(void)
{
	struct ike_id id = { .type = ID_FQDN, .len = 14, .data = "branch.example" };
	struct ike_keys *k = derive(&cbc, NULL);
	uint8_t body[64], out[128];
	struct wr w = wr_init(body, sizeof(body)), o = wr_init(out, sizeof(out));
	struct slice msg = str_sl("the first message"), pi = sl(k->pi, k->prf_len);

	id_write(&w, &id);
	CHECK_INT(w.len, 18);
	CHECK(keymat_auth_octets(&o, msg, sl(nr, sizeof(nr)), k->prf, pi, sl(body, w.len),
				 &e) == 0);
	CHECK_INT(o.len, 17 + 40 + 32);
	CHECK_MEM(out, "the first message", 17);
	CHECK_MEM(out + 17, nr, 40);
	CHECK_HEX(out + 57, 32,
		  "35f84c2b91b82a8bc157f99816cf75c043e5cf81b4f62c47a796389947a37538");
	o = wr_init(out, 88);
	CHECK(keymat_auth_octets(&o, msg, sl(nr, sizeof(nr)), k->prf, pi, sl(body, w.len),
				 &e) < 0);
	CHECK_HAS(e.msg, "does not fit");
	o = wr_init(out, sizeof(out));
	CHECK(keymat_auth_octets(&o, msg, sl(nr, sizeof(nr)), 999, pi, sl(body, w.len), &e) < 0);
	keymat_free(k);
}

static void nat_hash(void)
{
	struct endpoint v4 = { .addr = ip("203.0.113.1"), .port = 500 };
	struct endpoint v6 = { .addr = ip("2001:db8::1"), .port = 4500 };
	uint8_t h[20];

	keymat_nat_hash(SPI_I, SPI_R, &v4, h);
	CHECK_HEX(h, 20, "a380bf5929d4d10a7fb1604d44f00782261d2848");
	keymat_nat_hash(SPI_I, 0, &v6, h);
	CHECK_HEX(h, 20, "aeeab207ef09a9839358bb9e806ea2dbb3fbf04e");
}

static const struct alg *encr_alg(const struct chosen *c)
{
	return alg_get(ALG_ENCR, c->encr, c->encr_bits);
}

static struct sk *sk_of(const struct chosen *c, const struct ike_keys *k)
{
	return sk_new(encr_alg(c), sl(k->ei, k->encr_len),
		      c->integ ? alg_get(ALG_INTEG, c->integ, 0) : NULL,
		      sl(k->ai, k->integ_len), &e);
}

static uint8_t buf[4096];

/* A message with a nonce of n bytes inside (none: n 0). Returns its length. */
static size_t seal(struct sk *s, size_t n)
{
	struct ike_hdr h = hdr_of(INFORMATIONAL, IKE_FLAG_INITIATOR, 5);
	struct build b;
	size_t len;

	build_begin(&b, buf, sizeof(buf), &h);
	sk_begin(s, &b);
	if (n)
		build_nonce(&b, sl(shared, n));
	CHECK(sk_end(s, &b, &len, &e) == 0);
	return len;
}

static const struct chosen ciphers[] = {
	{ .encr = ENCR_AES_CBC, .encr_bits = 128, .integ = INTEG_HMAC_SHA1_96,
	  .prf = PRF_HMAC_SHA1 },
	{ .encr = ENCR_AES_CBC, .encr_bits = 192, .integ = INTEG_HMAC_SHA2_384_192,
	  .prf = PRF_HMAC_SHA2_384 },
	{ .encr = ENCR_AES_CBC, .encr_bits = 256, .integ = INTEG_HMAC_SHA2_512_256,
	  .prf = PRF_HMAC_SHA2_512 },
	{ .encr = ENCR_3DES, .integ = INTEG_HMAC_MD5_96, .prf = PRF_HMAC_MD5 },
	{ .encr = ENCR_AES_GCM_16, .encr_bits = 128, .prf = PRF_HMAC_SHA2_256 },
	{ .encr = ENCR_AES_GCM_16, .encr_bits = 192, .prf = PRF_HMAC_SHA2_256 },
	{ .encr = ENCR_AES_GCM_16, .encr_bits = 256, .prf = PRF_HMAC_SHA2_256 },
	{ .encr = ENCR_CHACHA20_POLY1305, .prf = PRF_HMAC_SHA2_256 },
};

static void sk_round_trip(void)
{
	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++) {
		struct ike_keys *k = derive(&ciphers[i], NULL);
		struct sk *s = sk_of(&ciphers[i], k), *r = sk_of(&ciphers[i], k);
		struct slice nonce;
		struct ike_msg m;
		char text[64];

		CHECK(k && s && r);
		for (size_t n = 16; n < 64; n++) {
			size_t len = seal(s, n);

			CHECK(len <= 28 + 4 + n + sk_overhead(s));
			CHECK(ike_msg_parse(buf, len, &m, &e) == 0);
			CHECK_INT(m.n, 0);
			CHECK_STR(ike_msg_str(&m, text, sizeof(text)),
				  "INFORMATIONAL request 5 [SK]");
			CHECK(sk_open(r, &m, &e) == 0);
			CHECK(m.opened);
			CHECK_INT(m.n, 1);
			CHECK_INT(m.n_outer, 0);
			CHECK(payload_nonce(m.p[0].body, &nonce, &e) == 0);
			CHECK_INT(nonce.len, n);
			CHECK_MEM(nonce.p, shared, n);
			CHECK(sk_open(r, &m, &e) < 0);	/* not twice */
		}
		/* Liveness: nothing inside. */
		CHECK(ike_msg_parse(buf, seal(s, 0), &m, &e) == 0);
		CHECK_INT(m.sk_next, PAYLOAD_NONE);
		CHECK(sk_open(r, &m, &e) == 0);
		CHECK_INT(m.n, 0);
		sk_free(s);
		sk_free(r);
		keymat_free(k);
	}
	sk_free(NULL);
}

/* Every bit of the message counts, its header's too. */
static void sk_tampered(void)
{
	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++) {
		struct ike_keys *k = derive(&ciphers[i], NULL);
		struct sk *s = sk_of(&ciphers[i], k);
		static uint8_t keep[sizeof(buf)];
		struct ike_msg m;
		size_t len = seal(s, 32);

		memcpy(keep, buf, len);
		for (size_t at = 0; at < len; at++) {
			memcpy(buf, keep, len);
			buf[at] ^= 0x40;
			if (ike_msg_parse(buf, len, &m, &e) < 0)
				continue;
			CHECK(sk_open(s, &m, &e) < 0);
			CHECK_INT(m.error, 0);
			CHECK(!m.opened);
			CHECK_INT(m.n, m.n_outer);
		}
		/* Cut short, with lengths that agree. */
		for (size_t cut = 1; cut <= len - 32; cut++) {
			memcpy(buf, keep, len);
			buf[26] = (uint8_t)((len - cut) >> 8);
			buf[27] = (uint8_t)(len - cut);
			buf[30] = (uint8_t)((len - cut - 28) >> 8);
			buf[31] = (uint8_t)(len - cut - 28);
			CHECK(ike_msg_parse(buf, len - cut, &m, &e) == 0);
			CHECK(sk_open(s, &m, &e) < 0);
			CHECK_INT(m.error, 0);
		}
		memcpy(buf, keep, len);
		CHECK(ike_msg_parse(buf, len, &m, &e) == 0);
		CHECK(sk_open(s, &m, &e) == 0);
		sk_free(s);
		keymat_free(k);
	}
}

/* Authentic but broken: the answer is a notify, not silence. */
static void sk_broken_inside(void)
{
	struct ike_hdr h = hdr_of(INFORMATIONAL, 0, 5);
	struct ike_keys *k = derive(&gcm, NULL);
	struct sk *s = sk_of(&gcm, k);
	struct ike_msg m;
	struct build b;
	size_t len;

	CHECK(s);
	build_begin(&b, buf, sizeof(buf), &h);
	sk_begin(s, &b);
	build_payload(&b, 200);
	build_close(&b);
	b.w.buf[b.w.len - 3] = 0x80;
	CHECK(sk_end(s, &b, &len, &e) == 0);
	CHECK(ike_msg_parse(buf, len, &m, &e) == 0);
	CHECK(sk_open(s, &m, &e) < 0);
	CHECK(m.opened);
	CHECK_INT(m.error, N_UNSUPPORTED_CRITICAL_PAYLOAD);
	CHECK_INT(m.error_data[0], 200);

	/* Nothing inside, but bytes: the padding is not all. */
	build_begin(&b, buf, sizeof(buf), &h);
	sk_begin(s, &b);
	wr_u32(&b.w, 0);
	CHECK(sk_end(s, &b, &len, &e) == 0);
	CHECK(ike_msg_parse(buf, len, &m, &e) == 0);
	CHECK(sk_open(s, &m, &e) < 0);
	CHECK_INT(m.error, N_INVALID_SYNTAX);

	/* An SK in SK, and too small a buffer. */
	build_begin(&b, buf, sizeof(buf), &h);
	sk_begin(s, &b);
	build_payload(&b, PAYLOAD_SK);
	CHECK(sk_end(s, &b, &len, &e) == 0);
	CHECK(ike_msg_parse(buf, len, &m, &e) == 0);
	CHECK(sk_open(s, &m, &e) < 0);
	CHECK_INT(m.error, N_INVALID_SYNTAX);
	for (size_t cap = 0; cap < 28 + 4 + 8 + 1 + 16; cap++) {
		build_begin(&b, buf, cap, &h);
		sk_begin(s, &b);
		CHECK(sk_end(s, &b, &len, &e) < 0);
	}
	/* No SK at all. */
	build_begin(&b, buf, sizeof(buf), &h);
	CHECK(build_end(&b, &len, &e) == 0);
	CHECK(ike_msg_parse(buf, len, &m, &e) == 0);
	CHECK(sk_open(s, &m, &e) < 0);
	CHECK_INT(m.error, 0);
	sk_free(s);
	keymat_free(k);
}

/* A pad length that is more than there is, sealed with the key itself. */
static void sk_lying_padding(void)
{
	struct ike_keys *k = derive(&gcm, NULL);
	struct sk *s = sk_of(&gcm, k);
	struct aead *a = aead_new(encr_alg(&gcm), sl(k->ei, k->encr_len), NULL, sl(NULL, 0), &e);
	size_t len = seal(s, 0);
	struct aead_job j = { .aad = buf, .aad_len = 32, .iv = buf + 32, .data = buf + 40, .len = 1,
			      .icv = buf + 41 };
	struct ike_msg m;

	CHECK(s && a);
	CHECK_INT(len, 28 + 4 + 8 + 1 + 16);
	buf[40] = 1;
	CHECK(aead_seal(a, &j) == 0);
	CHECK(ike_msg_parse(buf, len, &m, &e) == 0);
	CHECK(sk_open(s, &m, &e) < 0);
	CHECK_INT(m.error, N_INVALID_SYNTAX);
	CHECK_HAS(e.msg, "padding");
	aead_free(a);
	sk_free(s);
	keymat_free(k);
}

static void ivs_differ(void)
{
	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++) {
		struct ike_keys *k = derive(&ciphers[i], NULL);
		struct sk *s = sk_of(&ciphers[i], k);
		uint8_t iv[64][8];

		CHECK(s);
		for (int n = 0; n < 64; n++) {
			seal(s, 16);
			memcpy(iv[n], buf + 32, 8);
			for (int was = 0; was < n; was++)
				CHECK(memcmp(iv[was], iv[n], 8) != 0);
			/* AEAD counts. */
			if (n && encr_alg(&ciphers[i])->aead)
				CHECK_INT((uint8_t)(iv[n][7] - iv[n - 1][7]), 1);
		}
		sk_free(s);
		keymat_free(k);
	}
}

static void cookies(void)
{
	struct cookie_jar j = { 0 }, other = { 0 };
	struct ip_addr a = ip("198.51.100.2"), b = ip("198.51.100.3"), v6 = ip("2001:db8::1");
	uint8_t c[COOKIE_LEN], d[COOKIE_LEN];
	struct slice n = sl(ni, sizeof(ni)), cs = sl(c, sizeof(c));

	clock_virtual_set(1000000);
	CHECK(!cookie_check(&j, cs, n, &a, SPI_I));
	cookie_make(&j, n, &a, SPI_I, c);
	cookie_make(&j, n, &a, SPI_I, d);
	CHECK_MEM(c, d, COOKIE_LEN);
	CHECK(cookie_check(&j, cs, n, &a, SPI_I));
	CHECK(!cookie_check(&j, cs, n, &b, SPI_I));
	CHECK(!cookie_check(&j, cs, n, &v6, SPI_I));
	CHECK(!cookie_check(&j, cs, n, &a, SPI_I + 1));
	CHECK(!cookie_check(&j, cs, sl(ni, sizeof(ni) - 1), &a, SPI_I));
	CHECK(!cookie_check(&other, cs, n, &a, SPI_I));
	for (size_t cut = 0; cut < COOKIE_LEN; cut++)
		CHECK(!cookie_check(&j, sl(c, cut), n, &a, SPI_I));
	for (size_t i = 0; i < COOKIE_LEN; i++) {
		c[i] ^= 1;
		CHECK(!cookie_check(&j, cs, n, &a, SPI_I));
		c[i] ^= 1;
	}
	CHECK(cookie_check(&j, cs, n, &a, SPI_I));
	clock_virtual_off();
}

static void cookies_age(void)
{
	struct cookie_jar j = { 0 };
	struct ip_addr a = ip("198.51.100.2");
	uint8_t c[COOKIE_LEN];
	struct slice n = sl(ni, sizeof(ni)), cs = sl(c, sizeof(c));

	clock_virtual_set(1000000);
	cookie_make(&j, n, &a, SPI_I, c);
	clock_virtual_set(1000000 + COOKIE_ROTATE_MS - 1);
	CHECK(cookie_check(&j, cs, n, &a, SPI_I));
	clock_virtual_set(1000000 + COOKIE_ROTATE_MS);
	CHECK(cookie_check(&j, cs, n, &a, SPI_I));	/* the secret before */
	clock_virtual_set(1000000 + 2 * COOKIE_ROTATE_MS - 1);
	CHECK(cookie_check(&j, cs, n, &a, SPI_I));
	clock_virtual_set(1000000 + 2 * COOKIE_ROTATE_MS);
	CHECK(!cookie_check(&j, cs, n, &a, SPI_I));
	/* After quiet hours nothing old is left. */
	cookie_make(&j, n, &a, SPI_I, c);
	clock_virtual_set(1000000 + 100 * COOKIE_ROTATE_MS);
	CHECK(!cookie_check(&j, cs, n, &a, SPI_I));
	cookie_fini(&j);
	CHECK_INT(j.number, 0);
	clock_virtual_off();
}

int main(void)
{
	for (size_t i = 0; i < sizeof(shared); i++)
		shared[i] = (uint8_t)(7 * i);
	for (size_t i = 0; i < sizeof(ni); i++)
		ni[i] = (uint8_t)(i + 1);
	for (size_t i = 0; i < sizeof(nr); i++)
		nr[i] = (uint8_t)(i + 101);
	T_RUN(ike_keys);
	T_RUN(unknown_algorithms);
	T_RUN(child_keys);
	T_RUN(auth_octets);
	T_RUN(nat_hash);
	T_RUN(sk_round_trip);
	T_RUN(sk_tampered);
	T_RUN(sk_broken_inside);
	T_RUN(sk_lying_padding);
	T_RUN(ivs_differ);
	T_RUN(cookies);
	T_RUN(cookies_age);
	return t_done();
}
