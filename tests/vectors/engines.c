/* rooms: dataplane/engine core/settings core/ipc core/net core/crypto core/base */
/* engines: every engine that runs here against published vectors, as ESP packets: RFC 3602, 3686,
 * 4868, 7634, draft-mcgrew-gcm-test, and what of C2SP/wycheproof can be one. An engine chooses
 * its IVs itself, so a vector is opened; what each of them seals each opens in
 * tests/unit/engine.c. */
#include "core/crypto/crypto.h"
#include "tests/unit/engines.h"
#include "tests/vectors/vec.h"

#include <json-c/json.h>
#include <unistd.h>

#define DATA "tests/vectors/data/"

static uint8_t key[VEC_BYTES], ikey[VEC_BYTES], aad[VEC_BYTES], iv[VEC_BYTES], pt[VEC_BYTES],
	ct[VEC_BYTES], tag[VEC_BYTES];
static unsigned n_opened[N_ENGINES];

static void put(uint8_t **at, struct slice s)
{
	memcpy(*at, s.p, s.len);
	*at += s.len;
}

static uint64_t number(struct slice s)
{
	uint64_t v = 0;

	for (size_t i = 0; i < s.len; i++)
		v = v << 8 | s.p[i];
	return v;
}

/* spi, number (4 bytes or 8), IV, data and ICV are a packet for this suite: all engines open it,
 * to what is wanted; or, not valid, none does. Then it is changed bit by bit here and there. */
static void packet(const struct engine_suite *s, struct slice head, struct slice v, struct slice c,
		   struct slice t, struct slice want, bool valid)
{
	static uint8_t esp[VEC_BYTES + 256], work[VEC_BYTES + 256];
	uint8_t *end = esp;

	put(&end, (struct slice){ head.p, 4 });
	put(&end, (struct slice){ head.p + head.len - 4, 4 });
	put(&end, v);
	put(&end, c);
	put(&end, t);
	for (size_t i = 0; i < N_ENGINES; i++) {
		struct err e = { 0 };
		struct engine_op op = { .esp = work, .data_len = c.len,
					.seq = number((struct slice){ head.p + 4, head.len - 4 }) };

		op.key = engines_key(engines[i], s, &e);
		if (!op.key) {
			CHECK(engines[i] != &engine_mbedtls && engines[i] != &engine_auto);
			continue;
		}
		memcpy(work, esp, sizeof(work));
		engines[i]->open(&op, 1);
		CHECK_INT(op.ok, valid);
		if (valid)
			CHECK_MEM(work + 8 + v.len, want.p, want.len);
		for (size_t at = 0; valid && at < (size_t)(end - esp); at += 1 + at / 16) {
			memcpy(work, esp, sizeof(work));
			work[at] ^= (uint8_t)(1 << at % 8);
			op.ok = true;
			engines[i]->open(&op, 1);
			CHECK(!op.ok);
		}
		n_opened[i]++;
		engines[i]->key_free(op.key);
	}
}

static const struct alg *row(const struct vec *v, enum alg_type type, const char *k)
{
	const struct alg *a = alg_by_name(type, vec_word(v, k));

	CHECK(a);
	return a;
}

static void tell(const char *of)
{
	printf("    %s:", of);
	for (size_t i = 0; i < N_ENGINES; i++) {
		printf("%s %u by %s", i ? "," : "", n_opened[i], engines[i]->name);
		n_opened[i] = 0;
	}
	printf("\n");
}

static void aead_one(const struct vec *v)
{
	const struct alg *a = row(v, ALG_ENCR, "encr");
	struct engine_suite s = { .encr = a->id, .encr_bits = a->key_bits };
	struct slice head = vec_hex(v, "aad", aad);

	if (head.len != 8 && head.len != 12)
		return;		/* RFC 7634 Appendix B: IKE's */
	s.esn = head.len == 12;
	s.encr_key = vec_hex(v, "key", key);
	packet(&s, head, vec_hex(v, "iv", iv), vec_hex(v, "ct", ct), vec_hex(v, "tag", tag),
	       vec_hex(v, "pt", pt), true);
}

/* A cipher's vector, with header and ICV around it: once for each hash, with and without an
 * extended number. The HMACs of core/crypto have vectors of their own (RFC 4231). */
static void cipher_one(const struct vec *v)
{
	static const struct { uint16_t integ, prf; } hash[] = {
		{ INTEG_HMAC_MD5_96, PRF_HMAC_MD5 }, { INTEG_HMAC_SHA1_96, PRF_HMAC_SHA1 },
		{ INTEG_HMAC_SHA2_256_128, PRF_HMAC_SHA2_256 },
		{ INTEG_HMAC_SHA2_384_192, PRF_HMAC_SHA2_384 },
		{ INTEG_HMAC_SHA2_512_256, PRF_HMAC_SHA2_512 },
	};
	static const uint8_t head[12] = { 0xa1, 0xb2, 0xc3, 0xd4, 0, 0, 0, 7, 0, 0, 0, 9 };
	const struct alg *a = row(v, ALG_ENCR, "encr");
	struct slice c = vec_hex(v, "ct", ct), iv_ = vec_hex(v, "iv", iv);
	struct engine_suite s = { .encr = a->id, .encr_bits = a->key_bits };

	s.encr_key = vec_hex(v, "key", key);
	for (size_t i = 0; i < 2 * sizeof(hash) / sizeof(hash[0]); i++) {
		const struct alg *h = alg_get(ALG_INTEG, hash[i / 2].integ, 0);
		struct slice parts[] = { { head, 4 }, { head + 8, 4 }, iv_, c, { head + 4, 4 } };

		s.integ = h->id;
		s.esn = i % 2;
		for (size_t n = 0; n < h->key_len; n++)
			ikey[n] = (uint8_t)(n + i);
		s.integ_key = (struct slice){ ikey, h->key_len };
		CHECK(prf(hash[i / 2].prf, s.integ_key, parts, s.esn ? 5 : 4, tag) == 0);
		packet(&s, (struct slice){ head, 12 }, iv_, c, (struct slice){ tag, h->icv_len },
		       vec_hex(v, "pt", pt), true);
	}
}

static void auth_packet(const struct alg *h, struct slice k, struct slice data, struct slice icv,
			bool valid)
{
	struct engine_suite s = { .encr = ENCR_NULL, .integ = h->id, .integ_key = k,
				  .encr_key = { key, 0 } };
	struct slice d = { data.p + 8, data.len - 8 };

	packet(&s, (struct slice){ data.p, 8 }, (struct slice){ iv, 0 }, d, icv, d, valid);
}

static void auth_one(const struct vec *v)
{
	auth_packet(row(v, ALG_INTEG, "integ"), vec_hex(v, "key", ikey), vec_hex(v, "data", ct),
		    vec_hex(v, "icv", tag), true);
}

static void gcm_of_rfc4106(void)
{
	CHECK_INT(vec_each(DATA "esp_aead.txt", aead_one), 14);
	tell("packets");
}

static void chacha_of_rfc7634(void)
{
	CHECK_INT(vec_each(DATA "aead.txt", aead_one), 2);
	CHECK_INT(n_opened[0], 1);
	tell("packets");
}

static void cbc_of_rfc3602_and_ctr_of_rfc3686(void)
{
	CHECK_INT(vec_each(DATA "esp_cipher.txt", cipher_one), 17);
	tell("packets");
}

static void hmac_of_rfc4868(void)
{
	CHECK_INT(vec_each(DATA "esp_auth.txt", auth_one), 9);
	tell("packets");
}

/* ---- wycheproof ---- */

static struct slice hex(json_object *o, const char *name, uint8_t *buf)
{
	const char *s = json_object_get_string(json_object_object_get(o, name));
	struct vec v = { .name = name, .n = 1, .key = { name }, .val = { s ? s : "" } };

	return vec_hex(&v, name, buf);
}

static void wyche_aead(json_object *o, uint16_t id, bool valid)
{
	struct slice k = hex(o, "key", key), n = hex(o, "iv", iv), head = hex(o, "aad", aad);
	struct slice t = hex(o, "tag", tag), c = hex(o, "ct", ct);
	struct engine_suite s = { .encr = id, .esn = head.len == 12 };

	/* As long as they are in ESP, and something in it. */
	if (n.len != 12 || (head.len != 8 && head.len != 12) || !c.len || t.len != 16)
		return;
	memcpy(key + k.len, iv, 4);
	s.encr_bits = (uint16_t)(id == ENCR_AES_GCM_16 ? 8 * k.len : 0);
	s.encr_key = (struct slice){ key, k.len + 4 };
	packet(&s, head, (struct slice){ iv + 4, 8 }, c, t, hex(o, "msg", pt), valid);
}

static void wyche_mac(json_object *o, uint16_t integ, bool valid)
{
	const struct alg *h = alg_get(ALG_INTEG, integ, 0);
	struct slice k = hex(o, "key", ikey), m = hex(o, "msg", ct), t = hex(o, "tag", tag);

	if (k.len == h->key_len && t.len == h->icv_len && m.len > 8)
		auth_packet(h, k, m, t, valid);
}

static void each(const char *name, unsigned least, uint16_t id,
		 void (*fn)(json_object *o, uint16_t id, bool valid))
{
	json_object *root, *groups;
	char path[200];

	snprintf(path, sizeof(path), "../shared/data/wycheproof/%s_test.json", name);
	if (access(path, R_OK) != 0)
		SKIP("../shared/data/wycheproof is missing");
	root = json_object_from_file(path);
	groups = json_object_object_get(root, "testGroups");
	for (size_t g = 0; g < json_object_array_length(groups); g++) {
		json_object *tests =
			json_object_object_get(json_object_array_get_idx(groups, g), "tests");

		for (size_t t = 0; t < json_object_array_length(tests); t++) {
			json_object *o = json_object_array_get_idx(tests, t);
			const char *result =
				json_object_get_string(json_object_object_get(o, "result"));

			fn(o, id, strcmp(result, "valid") == 0);
		}
	}
	json_object_put(root);
	CHECK(n_opened[0] >= least);
	tell(name);
}

static void wycheproof_gcm(void) { each("aes_gcm", 5, ENCR_AES_GCM_16, wyche_aead); }
static void wycheproof_chacha(void)
{
	each("chacha20_poly1305", 46, ENCR_CHACHA20_POLY1305, wyche_aead);
}
/* Its short tags are those of SHA-2 in ESP; of SHA-1 they are 10 bytes, not 12. */
static void wycheproof_sha256(void)
{
	each("hmac_sha256", 40, INTEG_HMAC_SHA2_256_128, wyche_mac);
}
static void wycheproof_sha384(void)
{
	each("hmac_sha384", 40, INTEG_HMAC_SHA2_384_192, wyche_mac);
}
static void wycheproof_sha512(void)
{
	each("hmac_sha512", 40, INTEG_HMAC_SHA2_512_256, wyche_mac);
}

int main(void)
{
	struct err e = { 0 };

	if (engine_auto_setup(0, NULL, &e) < 0) {
		printf("%s\n", e.msg);
		return 1;
	}
	T_RUN(gcm_of_rfc4106);
	T_RUN(chacha_of_rfc7634);
	T_RUN(cbc_of_rfc3602_and_ctr_of_rfc3686);
	T_RUN(hmac_of_rfc4868);
	T_RUN(wycheproof_gcm);
	T_RUN(wycheproof_chacha);
	T_RUN(wycheproof_sha256);
	T_RUN(wycheproof_sha384);
	T_RUN(wycheproof_sha512);
	return t_done();
}
