/* rooms: core/crypto core/base */
/* wycheproof: core/crypto against the vectors of C2SP/wycheproof, which are read from
 * ../shared/data/wycheproof where that is there. "acceptable" cases may go either way; what we
 * accept must still be right. */
#include "core/crypto/crypto.h"
#include "core/crypto/pk.h"
#include "tests/vectors/vec.h"

#include <json-c/json.h>
#include <unistd.h>

typedef void each_fn(const struct vec *v);

static int n_run;
static const char *key_der;	/* of the group that is run */

static void put(struct vec *v, json_object *o)
{
	json_object_object_foreach(o, key, val)
		if (v->n < VEC_KEYS && json_object_is_type(val, json_type_string)) {
			v->key[v->n] = key;
			v->val[v->n++] = json_object_get_string(val);
		}
}

static void each_json(const char *path, each_fn *fn)
{
	json_object *root = json_object_from_file(path);
	json_object *groups = json_object_object_get(root, "testGroups");
	static struct vec v;

	for (size_t g = 0; g < json_object_array_length(groups); g++) {
		json_object *group = json_object_array_get_idx(groups, g);
		json_object *tests = json_object_object_get(group, "tests");

		key_der = json_object_get_string(json_object_object_get(group, "publicKeyDer"));
		for (size_t t = 0; t < json_object_array_length(tests); t++) {
			v.n = 0;
			v.name = "a case of the whole file";
			put(&v, json_object_array_get_idx(tests, t));
			fn(&v);
		}
	}
	json_object_put(root);
}

static void each(const char *name, int least, each_fn *fn)
{
	char path[200];

	n_run = 0;
	snprintf(path, sizeof(path), "../shared/data/wycheproof/%s_test.json", name);
	if (access(path, R_OK) != 0)
		SKIP("../shared/data/wycheproof is missing");
	each_json(path, fn);
	CHECK(n_run >= least);
	printf("    %d vectors of %s\n", n_run, name);
}

static void aead_one(const struct vec *t, uint16_t id)
{
	static uint8_t key[VEC_BYTES], iv[VEC_BYTES], aad[VEC_BYTES], msg[VEC_BYTES],
		ct[VEC_BYTES], tag[VEC_BYTES];
	struct slice k = vec_hex(t, "key", key), m = vec_hex(t, "msg", msg);
	struct slice c = vec_hex(t, "ct", ct), v = vec_hex(t, "iv", iv);
	struct slice ad = vec_hex(t, "aad", aad), tg = vec_hex(t, "tag", tag);
	uint16_t bits = (uint16_t)(id == ENCR_AES_GCM_16 ? 8 * k.len : 0);
	bool valid = strcmp(vec_word(t, "result"), "valid") == 0;
	struct aead_job j = { .aad = aad, .aad_len = ad.len, .iv = iv + 4, .data = ct,
			      .len = c.len, .icv = tag };
	struct aead *a;

	if (v.len != 12 || tg.len != 16)
		return;		/* RFC 4106 and RFC 7634 have 12-byte nonces and full tags here */
	CHECK(k.len + 4 <= VEC_BYTES);
	memcpy(key + k.len, iv, 4);
	a = aead_new(alg_get(ALG_ENCR, id, bits), (struct slice){ key, k.len + 4 }, NULL,
		     (struct slice){ 0 }, NULL);
	CHECK(a);
	if (aead_open(a, &j) == 0) {
		CHECK(valid);
		CHECK_MEM(ct, msg, m.len);
		CHECK(aead_seal(a, &j) == 0);
		vec_hex(t, "ct", msg);
		CHECK_MEM(ct, msg, c.len);
	} else {
		CHECK(!valid);
	}
	aead_free(a);
	n_run++;
}

static void gcm_one(const struct vec *t)
{
	aead_one(t, ENCR_AES_GCM_16);
}

static void chacha_one(const struct vec *t)
{
	aead_one(t, ENCR_CHACHA20_POLY1305);
}

static void mac_one(const struct vec *t, uint16_t id)
{
	static uint8_t key[VEC_BYTES], msg[VEC_BYTES], tag[VEC_BYTES];
	struct slice k = vec_hex(t, "key", key), m = vec_hex(t, "msg", msg);
	struct slice w = vec_hex(t, "tag", tag);
	uint8_t out[PRF_MAX];

	CHECK(prf(id, k, &m, 1, out) == 0);
	CHECK((memcmp(out, tag, w.len) == 0) == (strcmp(vec_word(t, "result"), "valid") == 0));
	n_run++;
}

static void mac_sha1(const struct vec *t)
{
	mac_one(t, PRF_HMAC_SHA1);
}

static void mac_sha256(const struct vec *t)
{
	mac_one(t, PRF_HMAC_SHA2_256);
}

static void mac_sha384(const struct vec *t)
{
	mac_one(t, PRF_HMAC_SHA2_384);
}

static void mac_sha512(const struct vec *t)
{
	mac_one(t, PRF_HMAC_SHA2_512);
}

static void ke_one(const struct vec *t, uint16_t id)
{
	static uint8_t priv[VEC_BYTES], pub[VEC_BYTES], want[VEC_BYTES];
	struct slice x = vec_hex(t, "private", priv), y = vec_hex(t, "public", pub);
	struct slice w = vec_hex(t, "shared", want);
	const char *result = vec_word(t, "result");
	uint8_t out[KE_SHARED_MAX];
	size_t len;
	struct ke *k;

	if (id != KE_CURVE25519) {
		if (!y.len || y.p[0] != 4)
			return;		/* IKE knows uncompressed points only */
		y.p++;
		y.len--;
	}
	k = ke_from_private(id, x, NULL);
	CHECK(k);
	if (ke_shared(k, y, out, &len, NULL) == 0) {
		CHECK(strcmp(result, "invalid") != 0);
		CHECK_INT(len, w.len);
		CHECK_MEM(out, want, len);
	} else {
		CHECK(strcmp(result, "valid") != 0);
	}
	ke_free(k);
	n_run++;
}

static void x25519_one(const struct vec *t)
{
	ke_one(t, KE_CURVE25519);
}

static void p256_one(const struct vec *t)
{
	ke_one(t, KE_ECP_256);
}

static void p384_one(const struct vec *t)
{
	ke_one(t, KE_ECP_384);
}

static void p521_one(const struct vec *t)
{
	ke_one(t, KE_ECP_521);
}

static void sig_one(const struct vec *t, enum pk_scheme scheme)
{
	static uint8_t der[VEC_BYTES], msg[VEC_BYTES], sig[VEC_BYTES];
	struct slice m, s;
	const char *result;
	struct vec key = { .n = 1, .key = { "der" } };
	struct err e = { 0 };
	struct pk *k;
	int rc;

	m = vec_hex(t, "msg", msg);
	s = vec_hex(t, "sig", sig);
	result = vec_word(t, "result");
	key.val[0] = key_der;
	k = pk_public(vec_hex(&key, "der", der), &e);
	CHECK(k);
	rc = pk_verify(k, scheme, m, s, &e);
	if (rc == 0 && strcmp(result, "invalid") == 0)
		printf("    accepted: %s\n", t->name);
	CHECK(rc != 0 || strcmp(result, "invalid") != 0);
	CHECK(rc == 0 || strcmp(result, "valid") != 0);
	pk_free(k);
	n_run++;
}

static void ecdsa_one(const struct vec *t)
{
	sig_one(t, PK_ECDSA_SHA256);
}

static void pss_one(const struct vec *t)
{
	sig_one(t, PK_RSA_PSS_SHA256);
}

/* One of the groups has SHA-256; the file's name says which. */
static void rsa_one(const struct vec *t)
{
	sig_one(t, PK_RSA_PKCS1_SHA256);
}

/* By each provider of them that there is. */
static void from_all(const char *name, int least, each_fn *fn)
{
	for (enum aead_from f = AEAD_FROM_BEST; f <= AEAD_FROM_MBEDTLS; f++) {
		aead_take(f);
		each(name, least, fn);
	}
	aead_take(AEAD_FROM_BEST);
}

static void aes_gcm(void) { from_all("aes_gcm", 100, gcm_one); }
static void chacha20_poly1305(void) { from_all("chacha20_poly1305", 80, chacha_one); }
static void hmac_sha1(void) { each("hmac_sha1", 40, mac_sha1); }
static void hmac_sha256(void) { each("hmac_sha256", 40, mac_sha256); }
static void hmac_sha384(void) { each("hmac_sha384", 40, mac_sha384); }
static void hmac_sha512(void) { each("hmac_sha512", 40, mac_sha512); }
static void x25519(void) { each("x25519", 100, x25519_one); }
static void ecdh_p256(void) { each("ecdh_secp256r1_ecpoint", 18, p256_one); }
static void ecdh_p384(void) { each("ecdh_secp384r1_ecpoint", 18, p384_one); }
static void ecdh_p521(void) { each("ecdh_secp521r1_ecpoint", 18, p521_one); }
static void ecdsa_p256(void) { each("ecdsa_secp256r1_sha256", 40, ecdsa_one); }
static void rsa_pss(void) { each("rsa_pss_2048_sha256_mgf1_32", 15, pss_one); }
static void rsa_pkcs1(void) { each("rsa_signature_2048_sha256", 40, rsa_one); }

int main(void)
{
	T_RUN(aes_gcm);
	T_RUN(chacha20_poly1305);
	T_RUN(hmac_sha1);
	T_RUN(hmac_sha256);
	T_RUN(hmac_sha384);
	T_RUN(hmac_sha512);
	T_RUN(x25519);
	T_RUN(ecdh_p256);
	T_RUN(ecdh_p384);
	T_RUN(ecdh_p521);
	T_RUN(ecdsa_p256);
	T_RUN(rsa_pss);
	T_RUN(rsa_pkcs1);
	return t_done();
}
