/* rooms: core/crypto core/base */
/* wycheproof: core/crypto against the public vectors in ../shared/data/wycheproof (C2SP).
 * "acceptable" cases may go either way; what we accept must still be right. */
#include "core/crypto/crypto.h"
#include "tests/unit/t.h"

#include <json-c/json.h>

#define DIR "../shared/data/wycheproof/"

static const char *str(json_object *o, const char *key)
{
	return json_object_get_string(json_object_object_get(o, key));
}

static int num(json_object *o, const char *key)
{
	return json_object_get_int(json_object_object_get(o, key));
}

#define HEX_MAX 2048

/* buf holds HEX_MAX bytes. */
static struct slice hex(json_object *o, const char *key, uint8_t *buf)
{
	const char *s = str(o, key);
	size_t n = strlen(s) / 2;

	CHECK(n <= HEX_MAX);
	for (size_t i = 0; i < n; i++)
		sscanf(s + 2 * i, "%2hhx", &buf[i]);
	return (struct slice){ buf, n };
}

typedef void each_fn(json_object *group, json_object *test);

static int n_run;

static void each(const char *file, each_fn *fn)
{
	char path[200];
	json_object *root, *groups;

	snprintf(path, sizeof(path), DIR "%s", file);
	root = json_object_from_file(path);
	if (!root)
		SKIP("../shared/data/wycheproof is missing");
	n_run = 0;
	groups = json_object_object_get(root, "testGroups");
	for (size_t g = 0; g < json_object_array_length(groups); g++) {
		json_object *group = json_object_array_get_idx(groups, g);
		json_object *tests = json_object_object_get(group, "tests");

		for (size_t t = 0; t < json_object_array_length(tests); t++)
			fn(group, json_object_array_get_idx(tests, t));
	}
	json_object_put(root);
	printf("    %d vectors of %s\n", n_run, file);
	CHECK(n_run > 40);
}

static void aead_one(uint16_t id, json_object *g, json_object *t)
{
	static uint8_t key[HEX_MAX], iv[HEX_MAX], aad[HEX_MAX], msg[HEX_MAX], ct[HEX_MAX], tag[HEX_MAX];
	uint16_t bits = (uint16_t)(id == ENCR_AES_GCM_16 ? num(g, "keySize") : 0);
	const struct alg *alg = alg_get(ALG_ENCR, id, bits);
	struct slice k = hex(t, "key", key), m = hex(t, "msg", msg), c = hex(t, "ct", ct);
	struct slice v = hex(t, "iv", iv), ad = hex(t, "aad", aad);
	bool valid = strcmp(str(t, "result"), "valid") == 0;
	struct aead_job j = { .aad = aad, .aad_len = ad.len, .iv = iv + 4, .data = ct,
			      .len = c.len, .icv = tag };
	struct aead *a;

	hex(t, "tag", tag);
	if (v.len != 12 || num(g, "tagSize") != 128)
		return;		/* RFC 4106 and RFC 7634 have 12-byte nonces and full tags here */
	CHECK(k.len + 4 <= HEX_MAX);
	memcpy(key + k.len, iv, 4);
	a = aead_new(alg, (struct slice){ key, k.len + 4 }, NULL, (struct slice){ 0 }, NULL);
	CHECK(a);
	if (aead_open(a, &j) == 0) {
		CHECK(valid);
		CHECK_MEM(ct, msg, m.len);
		CHECK(aead_seal(a, &j) == 0);
		hex(t, "ct", msg);
		CHECK_MEM(ct, msg, c.len);
	} else {
		CHECK(!valid);
	}
	aead_free(a);
	n_run++;
}

static void gcm_one(json_object *g, json_object *t)
{
	aead_one(ENCR_AES_GCM_16, g, t);
}

static void chacha_one(json_object *g, json_object *t)
{
	aead_one(ENCR_CHACHA20_POLY1305, g, t);
}

static void mac_one(uint16_t id, json_object *g, json_object *t)
{
	static uint8_t key[HEX_MAX], msg[HEX_MAX], tag[HEX_MAX];
	struct slice k = hex(t, "key", key), m = hex(t, "msg", msg), w = hex(t, "tag", tag);
	uint8_t out[PRF_MAX];

	(void)g;
	CHECK(prf(id, k, &m, 1, out) == 0);
	CHECK((memcmp(out, tag, w.len) == 0) == (strcmp(str(t, "result"), "valid") == 0));
	n_run++;
}

static void mac_sha1(json_object *g, json_object *t)
{
	mac_one(PRF_HMAC_SHA1, g, t);
}

static void mac_sha256(json_object *g, json_object *t)
{
	mac_one(PRF_HMAC_SHA2_256, g, t);
}

static void mac_sha384(json_object *g, json_object *t)
{
	mac_one(PRF_HMAC_SHA2_384, g, t);
}

static void mac_sha512(json_object *g, json_object *t)
{
	mac_one(PRF_HMAC_SHA2_512, g, t);
}

static void ke_one(uint16_t id, json_object *g, json_object *t)
{
	static uint8_t priv[HEX_MAX], pub[HEX_MAX], want[HEX_MAX];
	struct slice x = hex(t, "private", priv), y = hex(t, "public", pub);
	struct slice w = hex(t, "shared", want);
	const char *result = str(t, "result");
	uint8_t out[KE_SHARED_MAX];
	size_t len;
	struct ke *k;

	(void)g;
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

static void x25519_one(json_object *g, json_object *t)
{
	ke_one(KE_CURVE25519, g, t);
}

static void p256_one(json_object *g, json_object *t)
{
	ke_one(KE_ECP_256, g, t);
}

static void p384_one(json_object *g, json_object *t)
{
	ke_one(KE_ECP_384, g, t);
}

static void p521_one(json_object *g, json_object *t)
{
	ke_one(KE_ECP_521, g, t);
}

static void aes_gcm(void) { each("aes_gcm_test.json", gcm_one); }
static void chacha20_poly1305(void) { each("chacha20_poly1305_test.json", chacha_one); }
static void hmac_sha1(void) { each("hmac_sha1_test.json", mac_sha1); }
static void hmac_sha256(void) { each("hmac_sha256_test.json", mac_sha256); }
static void hmac_sha384(void) { each("hmac_sha384_test.json", mac_sha384); }
static void hmac_sha512(void) { each("hmac_sha512_test.json", mac_sha512); }
static void x25519(void) { each("x25519_test.json", x25519_one); }
static void ecdh_p256(void) { each("ecdh_secp256r1_ecpoint_test.json", p256_one); }
static void ecdh_p384(void) { each("ecdh_secp384r1_ecpoint_test.json", p384_one); }
static void ecdh_p521(void) { each("ecdh_secp521r1_ecpoint_test.json", p521_one); }

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
	return t_done();
}
