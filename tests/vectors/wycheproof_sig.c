/* rooms: core/crypto core/base */
/* wycheproof_sig: core/crypto/pk against the signatures in ../shared/data/wycheproof (C2SP).
 * "acceptable" ones are those that leave DER; we take none of them. */
#include "core/crypto/pk.h"
#include "tests/unit/t.h"

#include <json-c/json.h>

#define DIR "../shared/data/wycheproof/"
#define BYTES_MAX 131072

static const char *str(json_object *o, const char *key)
{
	return json_object_get_string(json_object_object_get(o, key));
}

static struct slice hex(json_object *o, const char *key, uint8_t *buf)
{
	const char *s = str(o, key);
	size_t n = strlen(s) / 2;

	CHECK(n <= BYTES_MAX);
	for (size_t i = 0; i < n; i++)
		sscanf(s + 2 * i, "%2hhx", &buf[i]);
	return (struct slice){ buf, n };
}

static void all(const char *file, enum pk_scheme scheme, size_t least)
{
	static uint8_t der[BYTES_MAX], msg[BYTES_MAX], sig[BYTES_MAX];
	char path[200];
	json_object *root, *groups;
	size_t n = 0;

	snprintf(path, sizeof(path), DIR "%s", file);
	root = json_object_from_file(path);
	if (!root)
		SKIP("../shared/data/wycheproof is missing");
	groups = json_object_object_get(root, "testGroups");
	for (size_t g = 0; g < json_object_array_length(groups); g++) {
		json_object *group = json_object_array_get_idx(groups, g);
		json_object *tests = json_object_object_get(group, "tests");
		struct err e = { 0 };
		struct pk *k = pk_public(hex(group, "publicKeyDer", der), &e);

		CHECK_STR(e.msg, "");
		for (size_t t = 0; t < json_object_array_length(tests); t++, n++) {
			json_object *one = json_object_array_get_idx(tests, t);
			bool valid = strcmp(str(one, "result"), "valid") == 0;
			int r = pk_verify(k, scheme, hex(one, "msg", msg), hex(one, "sig", sig),
					  &e);

			if ((r == 0) != valid)
				printf("    tcId %s: %s\n", str(one, "tcId"), str(one, "comment"));
			CHECK((r == 0) == valid);
		}
		pk_free(k);
	}
	json_object_put(root);
	printf("    %zu vectors of %s\n", n, file);
	CHECK(n >= least);
}

static void rsa_pkcs1(void)
{
	all("rsa_signature_2048_sha256_test.json", PK_RSA_PKCS1_SHA256, 250);
}

static void rsa_pss(void)
{
	all("rsa_pss_2048_sha256_mgf1_32_test.json", PK_RSA_PSS_SHA256, 100);
}

static void ecdsa_p256(void)
{
	all("ecdsa_secp256r1_sha256_test.json", PK_ECDSA_SHA256, 480);
}

int main(void)
{
	T_RUN(rsa_pkcs1);
	T_RUN(rsa_pss);
	T_RUN(ecdsa_p256);
	return t_done();
}
