/* rooms: dataplane/esp dataplane/engine core/daemon core/crypto core/base */
/* ESP packets from one end to the other: every cipher, every kind of damage, every rule of
 * what may pass. */
#include "core/base/clock.h"
#include "core/daemon/mtu.h"
#include "tests/unit/esp_help.h"

static struct esp_pkt p, q;
static struct end a, b;

static const struct {
	uint16_t encr, bits, integ;
} suites[] = {
	{ ENCR_AES_GCM_16, 128, 0 },
	{ ENCR_AES_GCM_16, 192, 0 },
	{ ENCR_AES_GCM_16, 256, 0 },
	{ ENCR_CHACHA20_POLY1305, 0, 0 },
	{ ENCR_AES_CBC, 128, INTEG_HMAC_SHA2_256_128 },
	{ ENCR_AES_CBC, 192, INTEG_HMAC_SHA2_384_192 },
	{ ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_512_256 },
	{ ENCR_AES_CBC, 256, INTEG_HMAC_SHA1_96 },
	{ ENCR_3DES, 0, INTEG_HMAC_MD5_96 },
	{ ENCR_3DES, 0, INTEG_HMAC_SHA2_256_128 },
	{ ENCR_DES, 0, INTEG_HMAC_MD5_96 },
	{ ENCR_CAMELLIA_CBC, 128, INTEG_HMAC_SHA1_96 },
	{ ENCR_CAMELLIA_CBC, 256, INTEG_HMAC_SHA2_256_128 },
	/* mbedTLS 3 has it not */
	{ ENCR_BLOWFISH, 128, INTEG_HMAC_SHA1_96 },
	{ ENCR_BLOWFISH, 448, INTEG_HMAC_SHA2_512_256 },
};
#define N_SUITES (sizeof(suites) / sizeof(suites[0]) - \
		  (alg_built(alg_get(ALG_ENCR, ENCR_BLOWFISH, 128)) ? 0 : 2))

static void up(size_t suite, bool esn)
{
	end_conf(&a, &b, suites[suite].encr, suites[suite].bits, suites[suite].integ, esn);
	end_up(&a);
	end_up(&b);
}

static struct esp_sa *sa_of(struct end *d)
{
	return sad_by_id(&d->sad, d->conf.id);
}

static void down(void)
{
	end_down(&a);
	end_down(&b);
}

static void fill_v4(size_t payload)
{
	p.off = ESP_HEADROOM;
	p.len = make_v4(esp_pkt_data(&p), "10.1.0.5", "10.2.0.9", 99, 0, payload);
}

static void round_trip(void)
{
	static const size_t payloads[] = { 0, 1, 2, 3, 4, 5, 11, 12, 13, 14, 15, 16, 17, 100, 511,
					   1380, 9000, ESP_INNER_MAX - 40 };
	static uint8_t want[ESP_PKT_CAP];
	struct inner in;

	for (size_t s = 0; s < 2 * N_SUITES; s++) {
		up(s / 2, s & 1);
		for (size_t k = 0; k < sizeof(payloads) / sizeof(payloads[0]); k++) {
			bool six = k & 1;
			size_t n;

			p.off = ESP_HEADROOM;
			n = six ? make_v6(esp_pkt_data(&p), "2001:db8:1::5", "2001:db8:2::9", 99,
					  payloads[k])
				: make_v4(esp_pkt_data(&p), "10.1.0.5", "10.2.0.9", 99, 0,
					  payloads[k]);
			p.len = n;
			memcpy(want, esp_pkt_data(&p), n);
			CHECK_INT(seal_one(sa_of(&a), &p), ESP_OK);
			CHECK(p.len > n && memmem(esp_pkt_data(&p), p.len, want, n) == NULL);
			CHECK_INT(p.len, 8u + sa_of(&a)->sizes.iv_len + sa_of(&a)->sizes.icv_len +
				  (n + 2 + sa_of(&a)->sizes.block - 1) /
				  sa_of(&a)->sizes.block * sa_of(&a)->sizes.block);
			CHECK_INT(open_one(&b, &p, &in), ESP_OK);
			CHECK_INT(p.len, n);
			CHECK_MEM(esp_pkt_data(&p), want, n);
			CHECK_INT(in.version, six ? 6 : 4);
		}
		CHECK_INT(sa_of(&a)->stats.tx_packets, 18);
		CHECK_INT(sa_of(&b)->stats.rx_packets, 18);
		CHECK_INT(sa_of(&a)->stats.tx_bytes, sa_of(&b)->stats.rx_bytes);
		down();
	}
}

/* Two packets of the same content differ: no IV comes twice. */
static void ivs(void)
{
	for (size_t s = 0; s < N_SUITES; s++) {
		uint8_t first[16], iv;

		up(s, false);
		iv = sa_of(&a)->sizes.iv_len;
		fill_v4(40);
		CHECK_INT(seal_one(sa_of(&a), &p), ESP_OK);
		memcpy(first, esp_pkt_data(&p) + 8, iv);
		fill_v4(40);
		CHECK_INT(seal_one(sa_of(&a), &p), ESP_OK);
		CHECK(memcmp(first, esp_pkt_data(&p) + 8, iv) != 0);
		down();
	}
}

static void every_byte_is_guarded(void)
{
	struct inner in;

	for (size_t s = 0; s < 2 * N_SUITES; s++) {
		up(s / 2, s & 1);
		fill_v4(40);
		CHECK_INT(seal_one(sa_of(&a), &p), ESP_OK);
		for (size_t i = 0; i < p.len; i++) {
			enum esp_verdict v;

			q = p;
			esp_pkt_data(&q)[i] ^= (uint8_t)(1 << (i & 7));
			v = open_one(&b, &q, &in);
			if (i < 4)
				CHECK_INT(v, ESP_DROP_NO_SA);
			else
				CHECK(v == ESP_DROP_AUTH || v == ESP_DROP_REPLAY);
		}
		CHECK(sa_of(&b)->stats.drop_auth >= p.len - 8);
		CHECK_INT(sa_of(&b)->stats.rx_packets, 0);
		/* None of it moved the window: the true one still passes. */
		CHECK_INT(open_one(&b, &p, &in), ESP_OK);
		down();
	}
}

static void every_shorter_length_fails(void)
{
	struct inner in;

	for (size_t s = 0; s < N_SUITES; s++) {
		up(s, true);
		fill_v4(40);
		CHECK_INT(seal_one(sa_of(&a), &p), ESP_OK);
		for (size_t n = 0; n < p.len; n++) {
			enum esp_verdict v;

			q = p;
			q.len = n;
			v = open_one(&b, &q, &in);
			CHECK(v == ESP_DROP_AUTH || v == ESP_DROP_MALFORMED);
		}
		down();
	}
	up(0, false);
	p.off = 0;
	p.len = 1;
	p.buf[0] = 0xff;
	CHECK_INT(open_one(&b, &p, &in), ESP_IGNORE);
	memset(p.buf, 0, 64);
	p.len = 32;	/* the marker and an IKE header */
	CHECK_INT(open_one(&b, &p, &in), ESP_IKE);
	p.len = 31;
	CHECK_INT(open_one(&b, &p, &in), ESP_DROP_MALFORMED);
	down();
}

/* The high half of an extended number is not on the wire, yet it is authenticated. */
static void esn_is_authenticated(void)
{
	struct inner in;

	for (size_t s = 0; s < N_SUITES; s++) {
		up(s, true);
		sa_of(&a)->common->seq_out = (UINT64_C(1) << 32) + 6;
		fill_v4(40);
		CHECK_INT(seal_one(sa_of(&a), &p), ESP_OK);
		q = p;
		CHECK_INT(open_one(&b, &q, &in), ESP_DROP_AUTH);	/* taken for number 7 */
		sa_of(&b)->replay.top = UINT32_MAX - 5;
		CHECK_INT(open_one(&b, &p, &in), ESP_OK);
		CHECK_INT(sa_of(&b)->replay.top, (UINT64_C(1) << 32) + 7);
		down();
	}
}

/* Known answers, made elsewhere: draft-mcgrew-gcm-test-01 §4 (one with ESN, one without),
 * RFC 7634 Appendix A, and CBC with HMAC by another implementation. */
static const struct vector {
	uint16_t encr, bits, integ;
	uint64_t seq;
	bool esn;
	const char *key, *integ_key, *packet, *plain;
} vectors[] = {
	{ ENCR_AES_GCM_16, 128, 0, UINT64_C(0x8765432100000000), true,
	  "4c80cdefbb5d10da906ac73c3613a6342e443b68", "",
	  "00004321000000004956ed7e3b244cfe"
	  "fecf537e729d5b07dc30df528dd22b768d1b98736696a6fd348509fa13ceac34"
	  "cfa2436f14a3f3cf65925bf1f4a13c5d15b21e1884f5ff6247aeabb786b93bce"
	  "61bc17d768fd9732459018148f6cbe722fd04796562dfdb4",
	  "45000048699a000080114db7c0a80102c0a801010a9bf15638d3010000010000"
	  "00000000045f736970045f756470037369700963796265726369747902646b00"
	  "0021000101020201" },
	{ ENCR_AES_GCM_16, 192, 0, 10, false,
	  "feffe9928665731c6d6a8f9467308308feffe9928665731ccafebabe", "",
	  "0000a5f80000000afacedbaddecaf888"
	  "a5b1f8066029aea40e598b8122de02420938b3ab33f828e687b8858b5bfbdbd0"
	  "315b27452144cc7795457b9652037f5318027b5b4cd7a636",
	  "45000028a4ad4000400678800a01038f0a010612802306b8cb712602dd6bb03e"
	  "501016d075680001" },
	{ ENCR_CHACHA20_POLY1305, 0, 0, 5, false,
	  "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3", "",
	  "01020304000000051011121314151617"
	  "24039428b97f417e3c13753a4f05087b67c352e6a7fab1b982d466ef407ae5c6"
	  "14ee8099d52844eb61aa95dfab4c02f72aa71e7c4c4f64c9befe2facc638e8f3"
	  "cbec163fac469b502773f6fb94e664da9165b82829f641e0"
	  "76aaa8266b7fb0f7b11b369907e1ad43",
	  "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec10"
	  "0007362708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223"
	  "2425262728292a2b2c2d2e2f303132333435363701020204" },
	{ ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_256_128, UINT64_C(0x300000007), true,
	  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
	  "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f",
	  "a1b2c3d400000007f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
	  "60da2ac08f9397fea20bcc6824e55216d542ad1902deeb157bd76d3e8f4fed21"
	  "a967c0e14812fb7a6e4164b98eae7c5ef43ccb6ba2bd3bdd7ac9d45aa5d8b2c0",
	  "4500002b0001000040110000" "0a0900010a08000113881389001700006164"
	  "697420766563746f7273203135" "0102030304" },
	{ ENCR_AES_CBC, 128, INTEG_HMAC_SHA2_512_256, 9, false,
	  "000102030405060708090a0b0c0d0e0f",
	  "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f"
	  "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f",
	  "a1b2c3d400000009e0e1e2e3e4e5e6e7e8e9eaebecedeeef"
	  "e09d184a89f9a51a573c6e5207c6821dbd53d9068481abf84966bfd4b3d1f85a"
	  "f6f66ca769777e8a1a3e95b2c79cc1185b4a946c6bc2864572a907f8816156a6"
	  "bb495654e0de486559cccaaf0e6959ef",
	  "4500002b0001000040110000" "0a0900010a08000113881389001700006164"
	  "697420766563746f7273203135" "0102030304" },
	{ ENCR_3DES, 0, INTEG_HMAC_SHA1_96, UINT64_C(0x100000001), true,
	  "0102030405060708090a0b0c0d0e0f101112131415161718",
	  "404142434445464748494a4b4c4d4e4f50515253",
	  "a1b2c3d400000001d0d1d2d3d4d5d6d7"
	  "01da1a868bb2bc35f1a0072f1f42c12ab9bf8fbda338c66e1d4522b018f57b9c"
	  "fac88f703339bc63b65e55f07dca702eab3f3735366d102e9c5e4af8",
	  "4500002b0001000040110000" "0a0900010a08000113881389001700006164"
	  "697420766563746f7273203135" "0102030304" },
};

static void known_answers(void)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const struct vector *v = &vectors[i];
		uint8_t key[64], ikey[64], pkt[256], plain[256];
		size_t n = from_hex(v->packet, pkt, sizeof(pkt));
		size_t n_plain = from_hex(v->plain, plain, sizeof(plain));
		struct engine_suite s = { .encr = v->encr, .encr_bits = v->bits,
					  .integ = v->integ, .esn = v->esn };
		struct engine_sizes sizes;
		struct engine_op op;
		struct err e = { 0 };

		s.encr_key = (struct slice){ key, from_hex(v->key, key, sizeof(key)) };
		s.integ_key = (struct slice){ ikey, from_hex(v->integ_key, ikey, sizeof(ikey)) };
		CHECK(engine_sizes(v->encr, v->bits, v->integ, &sizes, &e) == 0);
		CHECK_INT(n, 8u + sizes.iv_len + n_plain + sizes.icv_len);
		op = (struct engine_op){ .esp = pkt, .data_len = n_plain, .seq = v->seq };
		op.key = engine_mbedtls.key_new(&s, &e);
		CHECK(op.key != NULL);
		engine_mbedtls.open(&op, 1);
		CHECK(op.ok);
		CHECK_MEM(pkt + 8 + sizes.iv_len, plain, n_plain);
		engine_mbedtls.key_free(op.key);
	}
}

static void batch(void)
{
	static struct esp_pkt pk[ENGINE_BATCH];
	struct engine_op ops[ENGINE_BATCH], in_ops[ENGINE_BATCH];
	struct esp_sa *sa;
	struct inner in;
	size_t taken = 0;

	up(4, true);
	for (size_t i = 0; i < ENGINE_BATCH; i++) {
		pk[i].off = ESP_HEADROOM;
		pk[i].len = make_v4(esp_pkt_data(&pk[i]), "10.1.0.5", "10.2.0.9", 99, 0, i * 7);
		CHECK(inner_parse(esp_pkt_data(&pk[i]), pk[i].len, &in) == 0);
		CHECK_INT(esp_seal_begin(sa_of(&a), &pk[i], &in, 1, &ops[i]), ESP_OK);
	}
	a.sad.engine->seal(ops, ENGINE_BATCH);
	pk[5] = pk[4];		/* the network made two of one, in the same batch */
	pk[9].buf[pk[9].off + 30] ^= 1;
	for (size_t i = 0; i < ENGINE_BATCH; i++)
		CHECK_INT(esp_open_begin(&b.sad, &pk[i], &sa, &in_ops[i]), ESP_OK);
	b.sad.engine->open(in_ops, ENGINE_BATCH);
	for (size_t i = 0; i < ENGINE_BATCH; i++) {
		enum esp_verdict v = esp_open_end(sa, &pk[i], &in_ops[i], 0, 1, &in);

		CHECK_INT(v, i == 5 ? ESP_DROP_REPLAY : i == 9 ? ESP_DROP_AUTH : ESP_OK);
		taken += v == ESP_OK;
	}
	CHECK_INT(taken, ENGINE_BATCH - 2);
	down();
}

static void replayed(void)
{
	struct inner in;

	up(0, false);
	fill_v4(10);
	CHECK_INT(seal_one(sa_of(&a), &p), ESP_OK);
	q = p;
	CHECK_INT(open_one(&b, &p, &in), ESP_OK);
	CHECK_INT(open_one(&b, &q, &in), ESP_DROP_REPLAY);
	CHECK_INT(sa_of(&b)->stats.drop_replay, 1);
	down();
}

/* Seal data with whatever trailer, as a peer that has the key but no manners would. */
static enum esp_verdict crafted(const uint8_t *data, size_t len, struct inner *in)
{
	struct esp_sa *sa = sa_of(&a);
	struct engine_op op = { .key = sa->key_out, .esp = p.buf, .data_len = len,
				.seq = ++sa->common->seq_out, };

	for (int i = 0; i < 4; i++) {
		p.buf[i] = (uint8_t)(sa->spi_out >> (24 - 8 * i));
		p.buf[4 + i] = (uint8_t)(sa->common->seq_out >> (24 - 8 * i));
	}
	memcpy(p.buf + 8 + sa->sizes.iv_len, data, len);
	engine_mbedtls.seal(&op, 1);
	p.off = 0;
	p.len = 8 + sa->sizes.iv_len + len + sa->sizes.icv_len;
	return open_one(&b, &p, in);
}

static size_t trailer(uint8_t *d, size_t n, size_t pad, uint8_t next)
{
	for (size_t i = 1; i <= pad; i++)
		d[n++] = (uint8_t)i;
	d[n++] = (uint8_t)pad;
	d[n++] = next;
	return n;
}

static void trailers(void)
{
	uint8_t d[512], good[64];
	size_t n = make_v4(good, "10.1.0.5", "10.2.0.9", 99, 0, 10);
	struct inner in;

	up(0, false);
	memcpy(d, good, n);
	CHECK_INT(crafted(d, trailer(d, n, 0, 4), &in), ESP_OK);
	CHECK_INT(crafted(d, trailer(d, n, 4, 4), &in), ESP_OK);
	CHECK_INT(crafted(d, trailer(d, n, 252, 4), &in), ESP_OK);
	CHECK_INT(p.len, n);
	/* TFC padding behind the inner packet (RFC 4303 §2.7) */
	memset(d + n, 0xee, 100);
	CHECK_INT(crafted(d, trailer(d, n + 100, 0, 4), &in), ESP_OK);
	CHECK_INT(p.len, n);
	CHECK_MEM(esp_pkt_data(&p), good, n);
	/* dummy packets */
	CHECK_INT(crafted(d, trailer(d, 50, 0, 59), &in), ESP_IGNORE);
	CHECK_INT(crafted(d, trailer(d, 0, 2, 59), &in), ESP_IGNORE);
	CHECK_INT(sa_of(&b)->stats.drop_malformed, 0);
	/* padding that does not count 1, 2, 3, … */
	memcpy(d, good, n);
	trailer(d, n, 4, 4);
	d[n + 2]++;
	CHECK_INT(crafted(d, n + 6, &in), ESP_DROP_MALFORMED);
	/* more padding than packet */
	trailer(d, n, 0, 4);
	d[n] = (uint8_t)(n + 1);
	CHECK_INT(crafted(d, n + 2, &in), ESP_DROP_MALFORMED);
	/* nothing inside */
	CHECK_INT(crafted(d, trailer(d, 0, 2, 4), &in), ESP_DROP_MALFORMED);
	/* IPv4 announced as IPv6, and as TCP (transport mode) */
	memcpy(d, good, n);
	CHECK_INT(crafted(d, trailer(d, n, 0, 41), &in), ESP_DROP_MALFORMED);
	CHECK_INT(crafted(d, trailer(d, n, 0, 6), &in), ESP_DROP_MALFORMED);
	/* the inner packet says it is longer than it is */
	d[3] += 1;
	CHECK_INT(crafted(d, trailer(d, n, 0, 4), &in), ESP_DROP_MALFORMED);
	CHECK_INT(sa_of(&b)->stats.drop_malformed, 6);
	down();
}

static void padding_counts_up(void)
{
	struct engine_op op;
	struct inner in;

	up(4, false);
	fill_v4(21);		/* 41 + 2 -> 48: five bytes */
	CHECK(inner_parse(esp_pkt_data(&p), p.len, &in) == 0);
	CHECK_INT(esp_seal_begin(sa_of(&a), &p, &in, 1, &op), ESP_OK);
	CHECK_INT(op.data_len, 48);
	CHECK_MEM(op.esp + 8 + 16 + 41, "\1\2\3\4\5\5\4", 7);
	down();
}

static void selectors_in(void)
{
	uint8_t d[128];
	struct inner in;
	size_t n;

	up(0, false);
	n = make_v4(d, "10.1.0.5", "10.2.1.9", 99, 0, 10);	/* to another network */
	CHECK_INT(crafted(d, trailer(d, n, 0, 4), &in), ESP_DROP_SELECTOR_IN);
	n = make_v4(d, "10.9.0.5", "10.2.0.9", 99, 0, 10);	/* from another */
	CHECK_INT(crafted(d, trailer(d, n, 0, 4), &in), ESP_DROP_SELECTOR_IN);
	n = make_v4(d, "10.2.0.9", "10.1.0.5", 99, 0, 10);	/* the wrong way round */
	CHECK_INT(crafted(d, trailer(d, n, 0, 4), &in), ESP_DROP_SELECTOR_IN);
	n = make_v6(d, "2001:db8:1::1", "2001:db8:3::1", 99, 10);
	CHECK_INT(crafted(d, trailer(d, n, 0, 41), &in), ESP_DROP_SELECTOR_IN);
	n = make_v6(d, "2001:db8:1::1", "2001:db8:2::1", 99, 10);
	CHECK_INT(crafted(d, trailer(d, n, 0, 41), &in), ESP_OK);
	CHECK_INT(sa_of(&b)->stats.drop_selector_in, 4);
	CHECK_INT(sa_of(&b)->stats.rx_packets, 1);
	down();
}

static struct esp_sa *choose(const char *src, const char *dst, bool *any, struct esp_sa **blame)
{
	struct inner in;
	uint8_t d[64];
	size_t n = make_v4(d, src, dst, 99, 0, 8);

	CHECK(inner_parse(d, n, &in) == 0);
	return sad_outbound(sad_iface(&a.sad, "adit-t"), &in, any, blame, clock_ms());
}

static void newest_usable(void)
{
	struct esp_sa *blame, *first;
	struct sa_child c;
	struct err e = { 0 };
	bool any;

	up(0, false);
	first = sa_of(&a);
	CHECK(choose("10.1.0.1", "10.2.0.1", &any, &blame) == first);
	CHECK(choose("10.1.0.1", "10.3.0.1", &any, &blame) == NULL);
	CHECK(any && blame == first);
	c = a.conf;
	c.id = 7;
	c.spi_in = 0xd0000001;
	c.hold_out = 1;
	CHECK(sad_add(&a.sad, &c, "adit-t", &e) == 0);
	CHECK(choose("10.1.0.1", "10.2.0.1", &any, &blame) == first);	/* the new one is held */
	sad_activate(sad_by_id(&a.sad, 7));
	CHECK_INT(choose("10.1.0.1", "10.2.0.1", &any, &blame)->id, 7);
	/* a child of other networks beside it */
	c.id = 8;
	c.spi_in = 0xd0000002;
	c.hold_out = 0;
	c.remote_ts[0] = net("10.7.0.0/16");
	CHECK(sad_add(&a.sad, &c, "adit-t", &e) == 0);
	CHECK_INT(choose("10.1.0.1", "10.7.0.1", &any, &blame)->id, 8);
	CHECK_INT(choose("10.1.0.1", "10.2.0.1", &any, &blame)->id, 7);
	sad_del(sad_by_id(&a.sad, 7), 5000);
	CHECK(choose("10.1.0.1", "10.2.0.1", &any, &blame) == first);
	sad_del(first, 0);
	CHECK(choose("10.1.0.1", "10.2.0.1", &any, &blame) == NULL);
	CHECK(any);
	sad_del(sad_by_id(&a.sad, 8), 0);
	CHECK(choose("10.1.0.1", "10.2.0.1", &any, &blame) == NULL);
	CHECK(!any && blame && blame->id == 7);		/* it lingers, inbound */
	down();
}

static void held_until_used(void)
{
	struct inner in;

	end_conf(&a, &b, ENCR_AES_GCM_16, 256, 0, true);
	b.conf.hold_out = 1;
	end_up(&a);
	end_up(&b);
	CHECK(sa_of(&b)->common->out_held);
	fill_v4(10);
	CHECK_INT(seal_one(sa_of(&a), &p), ESP_OK);
	q = p;
	esp_pkt_data(&q)[40] ^= 1;
	CHECK_INT(open_one(&b, &q, &in), ESP_DROP_AUTH);
	CHECK(sa_of(&b)->common->out_held);		/* a forged packet does not count */
	CHECK_INT(open_one(&b, &p, &in), ESP_OK);
	CHECK(!sa_of(&b)->common->out_held);
	CHECK_INT(b.events[SA_EVENT_ACTIVE], 1);
	fill_v4(10);
	CHECK_INT(seal_one(sa_of(&a), &p), ESP_OK);
	CHECK_INT(open_one(&b, &p, &in), ESP_OK);
	CHECK_INT(b.events[SA_EVENT_ACTIVE], 1);
	down();
}

static void bytes_are_a_lifetime(void)
{
	unsigned sealed = 0;
	struct inner in;

	up(0, 0);
	sa_of(&a)->soft_bytes = 300;
	sa_of(&a)->hard_bytes = 1000;
	while (!sa_of(&a)->common->expired && sealed < 200) {
		uint64_t before = sa_of(&a)->stats.tx_bytes;

		CHECK(before < 1000);
		fill_v4(10);
		CHECK_INT(seal_one(sa_of(&a), &p), ESP_OK);
		sealed++;
		CHECK_INT(a.events[SA_EVENT_SOFT], sa_of(&a)->stats.tx_bytes >= 300);
		CHECK_INT(a.events[SA_EVENT_HARD], sa_of(&a)->stats.tx_bytes >= 1000);
	}
	CHECK(sealed > 2 && sealed < 200);
	/* What comes counts as well. */
	sa_of(&b)->soft_bytes = 20;
	fill_v4(10);
	sa_of(&a)->common->expired = false;
	sa_of(&a)->hard_bytes = 0;
	CHECK_INT(seal_one(sa_of(&a), &p), ESP_OK);
	CHECK_INT(b.events[SA_EVENT_SOFT], 0);
	CHECK_INT(open_one(&b, &p, &in), ESP_OK);
	CHECK_INT(b.events[SA_EVENT_SOFT], 1);
	down();
}

static void numbers_never_wrap(void)
{
	for (int esn = 0; esn <= 1; esn++) {
		uint64_t limit = esn ? UINT64_MAX : UINT32_MAX;

		up(0, esn);
		sa_of(&a)->common->seq_out = limit / 4 * 3 - 2;
		for (unsigned i = 0; i < 4; i++) {
			fill_v4(10);
			CHECK_INT(seal_one(sa_of(&a), &p), ESP_OK);
			CHECK_INT(a.events[SA_EVENT_SOFT], i >= 1);
		}
		sa_of(&a)->common->seq_out = limit - 1;
		fill_v4(10);
		CHECK_INT(seal_one(sa_of(&a), &p), ESP_OK);
		CHECK_MEM(esp_pkt_data(&p) + 4, "\xff\xff\xff\xff", 4);
		for (int i = 0; i < 3; i++) {
			fill_v4(10);
			CHECK_INT(seal_one(sa_of(&a), &p), ESP_DROP_NUMBERS);
			CHECK_INT(sa_of(&a)->common->seq_out, limit);
		}
		down();
	}
}

static void lifetimes(void)
{
	struct inner in;
	struct esp_sa *blame;
	bool any;

	clock_virtual_set(1000000);
	end_conf(&a, &b, ENCR_AES_GCM_16, 256, 0, true);
	a.conf.hard_life_s = 60;
	end_up(&a);
	end_up(&b);
	CHECK_INT(timers_wait(&b.timers), -1);		/* nothing to wake up for */
	clock_virtual_set(1000000 + 59999);
	CHECK_INT(timers_run(&a.timers), 0);
	CHECK(choose("10.1.0.1", "10.2.0.1", &any, &blame) != NULL);
	clock_virtual_set(1000000 + 60000);
	CHECK_INT(timers_run(&a.timers), 1);
	CHECK_INT(a.events[SA_EVENT_HARD], 1);
	CHECK(choose("10.1.0.1", "10.2.0.1", &any, &blame) == NULL);
	CHECK(!any);
	p.off = ESP_HEADROOM;
	p.len = make_v4(esp_pkt_data(&p), "10.2.0.9", "10.1.0.5", 99, 0, 10);
	CHECK_INT(seal_one(sa_of(&b), &p), ESP_OK);
	CHECK_INT(open_one(&a, &p, &in), ESP_DROP_EXPIRED);
	CHECK_INT(sa_of(&a)->stats.drop_expired, 1);
	/* deleted, it receives for its linger and is gone then */
	sad_del(sa_of(&b), 3000);
	CHECK(sad_by_spi(&b.sad, b.conf.spi_in) != NULL);
	clock_virtual_set(1000000 + 63000);
	CHECK_INT(timers_run(&b.timers), 1);
	CHECK(sad_by_spi(&b.sad, b.conf.spi_in) == NULL);
	CHECK_INT(b.sad.n_sas, 0);
	clock_virtual_off();
	down();
}

static void stats(void)
{
	struct sa_stats st;
	struct inner in;

	up(0, false);
	clock_virtual_set(5000);
	sad_stats(sa_of(&a), &st);
	CHECK(st.last_rx_ms == UINT64_MAX && st.last_tx_ms == UINT64_MAX);
	CHECK_INT(st.id, 1);
	fill_v4(10);
	CHECK_INT(seal_one(sa_of(&a), &p), ESP_OK);		/* at 1000 */
	CHECK_INT(open_one(&b, &p, &in), ESP_OK);
	sad_stats(sa_of(&a), &st);
	CHECK_INT(st.last_tx_ms, 4000);
	CHECK_INT(st.tx_bytes, 30);
	sad_stats(sa_of(&b), &st);
	CHECK_INT(st.last_rx_ms, 4000);
	CHECK_INT(st.rx_packets, 1);
	clock_virtual_off();
	down();
}

static void refused(void)
{
	struct sa_child c;
	struct err e = { 0 };

	up(0, false);
#define REFUSED(change, text) do { \
		c = a.conf; \
		c.id = 50; \
		c.spi_in = 0xd0000050; \
		change; \
		CHECK(sad_add(&a.sad, &c, "adit-t", &e) < 0); \
		CHECK_HAS(e.msg, text); \
		CHECK_INT(a.sad.n_sas, 1); \
	} while (0)
	REFUSED(c.spi_in = 255, "reserved");
	REFUSED(c.spi_out = 0, "reserved");
	REFUSED(c.spi_in = a.conf.spi_in, "in use");
	REFUSED(c.id = a.conf.id, "there already");
	REFUSED(c.proto = SA_AH, "neither AH nor IPComp");
	REFUSED(c.cpi_in = 3, "neither AH nor IPComp");
	REFUSED(c.remote.port = 0, "no remote endpoint");
	REFUSED(c.remote.addr = ip("2001:db8::1"), "two IP families");
	REFUSED(c.n_local = 0, "traffic selectors");
	REFUSED(c.n_remote = SA_SELECTORS_MAX + 1, "traffic selectors");
	REFUSED(c.encr = 99, "not known");
	REFUSED(c.integ = INTEG_HMAC_SHA2_256_128, "no separate integrity");
	REFUSED((c.encr = ENCR_AES_CBC, c.integ = 0), "needs an integrity");
	REFUSED(c.in.encr_len--, "key length");
	REFUSED(c.in.encr_len = 200, "longer");
#undef REFUSED
	c = a.conf;
	c.id = 50;
	CHECK(sad_add(&a.sad, &c, "adit-x", &e) < 0);
	CHECK_HAS(e.msg, "no interface adit-x");
	down();
}

/* Figure 4 of RFC 6040. */
static void ecn(void)
{
	static const struct {
		uint8_t inner, outer;
		int want;	/* -1: dropped */
	} t[] = {
		{ 0, 0, 0 }, { 0, 2, 0 }, { 0, 1, 0 }, { 0, 3, -1 },
		{ 2, 0, 2 }, { 2, 2, 2 }, { 2, 1, 1 }, { 2, 3, 3 },
		{ 1, 0, 1 }, { 1, 2, 1 }, { 1, 1, 1 }, { 1, 3, 3 },
		{ 3, 0, 3 }, { 3, 2, 3 }, { 3, 1, 3 }, { 3, 3, 3 },
	};

	up(0, false);
	for (size_t i = 0; i < 2 * sizeof(t) / sizeof(t[0]); i++) {
		bool six = i & 1;
		struct engine_op op;
		struct esp_sa *sa;
		struct inner in = { .version = six ? 6 : 4 };
		enum esp_verdict v;
		uint8_t *d;

		p.off = ESP_HEADROOM;
		d = esp_pkt_data(&p);
		p.len = six ? make_v6(d, "2001:db8:1::5", "2001:db8:2::9", 99, 9)
			    : make_v4(d, "10.1.0.5", "10.2.0.9", 99, 0, 9);
		inner_set_ecn(d, &in, t[i / 2].inner);
		CHECK_INT(seal_one(sa_of(&a), &p), ESP_OK);
		CHECK_INT(esp_open_begin(&b.sad, &p, &sa, &op), ESP_OK);
		b.sad.engine->open(&op, 1);
		v = esp_open_end(sa, &p, &op, t[i / 2].outer, 1, &in);
		if (t[i / 2].want < 0) {
			CHECK_INT(v, ESP_DROP_MALFORMED);
			continue;
		}
		CHECK_INT(v, ESP_OK);
		CHECK(inner_parse(esp_pkt_data(&p), p.len, &in) == 0);
		CHECK_INT(in.tos, t[i / 2].want);
		if (!six)
			CHECK_INT(csum_done(csum_add(0, esp_pkt_data(&p), 20)), 0);
	}
	down();
}

static void path_mtu(void)
{
	struct ip_addr other = ip("192.0.2.77");
	const struct alg *gcm = alg_get(ALG_ENCR, ENCR_AES_GCM_16, 256);
	unsigned want = mtu_inner(1300, AF_INET, true, gcm, NULL);
	struct esp_sa *sa;

	up(2, false);
	sa = sa_of(&a);
	CHECK_INT(sad_inner_mtu(sa, 1), UINT16_MAX);
	clock_virtual_set(10000);
	log_level_set(LL_ERROR);
	sad_pmtu(&a.sad, &other, 1200);
	CHECK_INT(sad_inner_mtu(sa, 10000), UINT16_MAX);
	sad_pmtu(&a.sad, &a.conf.remote.addr, 1300);
	CHECK_INT(sad_inner_mtu(sa, 10000), want);
	CHECK_INT(want, 1238);
	/* it fits exactly: one byte more would not */
	fill_v4(want - 20);
	CHECK_INT(seal_one(sa, &p), ESP_OK);
	CHECK(p.len + 28 <= 1300);
	fill_v4(want - 19);
	CHECK_INT(seal_one(sa, &p), ESP_OK);
	CHECK(p.len + 28 > 1300);
	/* nonsense from the path is bounded */
	sad_pmtu(&a.sad, &a.conf.remote.addr, 68);
	CHECK_INT(sad_inner_mtu(sa, 10000), mtu_inner(552, AF_INET, true, gcm, NULL));
	/* tried anew after ten minutes, and on another path */
	CHECK_INT(sad_inner_mtu(sa, 10000 + SAD_PMTU_MS), UINT16_MAX);
	sad_update(sa, &a.conf.local, &(struct endpoint){ other, 4500 });
	CHECK_INT(sad_inner_mtu(sa, 10000), UINT16_MAX);
	clock_virtual_off();
	log_level_set(LL_INFO);
	down();
}

/* The monitor's arithmetic (core/daemon/mtu.h) and what a packet really comes to. */
static void mtu_fits_every_suite(void)
{
	for (size_t s = 0; s < N_SUITES; s++) {
		up(s, false);
		for (unsigned outer = 600; outer < 640; outer++) {
			unsigned m = mtu_inner(outer, AF_INET, true, sa_of(&a)->encr,
					       sa_of(&a)->integ);

			fill_v4(m - 20);
			CHECK_INT(seal_one(sa_of(&a), &p), ESP_OK);
			CHECK(p.len + 28 <= outer);
			fill_v4(m - 19);
			CHECK_INT(seal_one(sa_of(&a), &p), ESP_OK);
			CHECK(p.len + 28 > outer);
		}
		down();
	}
}

int main(void)
{
	T_RUN(round_trip);
	T_RUN(ivs);
	T_RUN(every_byte_is_guarded);
	T_RUN(every_shorter_length_fails);
	T_RUN(esn_is_authenticated);
	T_RUN(known_answers);
	T_RUN(batch);
	T_RUN(replayed);
	T_RUN(trailers);
	T_RUN(padding_counts_up);
	T_RUN(selectors_in);
	T_RUN(newest_usable);
	T_RUN(held_until_used);
	T_RUN(numbers_never_wrap);
	T_RUN(bytes_are_a_lifetime);
	T_RUN(lifetimes);
	T_RUN(stats);
	T_RUN(refused);
	T_RUN(ecn);
	T_RUN(path_mtu);
	T_RUN(mtu_fits_every_suite);
	return t_done();
}
