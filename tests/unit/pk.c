/* rooms: core/crypto core/base */
/* pk: keys in all their files, made by the openssl command and by us; every scheme both ways;
 * AlgorithmIdentifiers; what is damaged. */
#include "core/crypto/pem.h"
#include "core/crypto/pk.h"
#include "core/crypto/pkmake.h"
#include "tests/unit/openssl.h"
#include "tests/unit/t.h"

static struct pk *load(const char *name)
{
	struct err e = { 0 };
	struct pk *k = pk_private(file(name), &e);

	if (!k)
		printf("    %s: %s\n", name, e.msg);
	CHECK(k);
	return k;
}

static struct pk *public_of(const struct pk *k)
{
	uint8_t der[PK_DER_MAX];
	struct err e = { 0 };
	struct pk *p;
	size_t n;

	CHECK(pk_write_public(k, der, &n, &e) == 0);
	p = pk_public((struct slice){ der, n }, &e);
	CHECK_STR(e.msg, "");
	return p;
}

static const struct slice octets = { (const uint8_t *)"the first message, nonce, id", 28 };

/* openssl's names for what a scheme is. */
static const char *openssl_args(enum pk_scheme s)
{
	switch (s) {
	case PK_RSA_PKCS1_SHA1: return "-sha1";
	case PK_RSA_PKCS1_SHA256:
	case PK_ECDSA_SHA256: return "-sha256";
	case PK_RSA_PKCS1_SHA384:
	case PK_ECDSA_SHA384: return "-sha384";
	case PK_RSA_PKCS1_SHA512:
	case PK_ECDSA_SHA512: return "-sha512";
	case PK_RSA_PSS_SHA256:
		return "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32";
	case PK_RSA_PSS_SHA384:
		return "-sha384 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:48";
	case PK_RSA_PSS_SHA512:
		return "-sha512 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:64";
	default: return NULL;
	}
}

static void against_openssl(struct pk *k, const char *key, enum pk_scheme s)
{
	uint8_t sig[PK_SIGNATURE_MAX];
	struct pk *pub = public_of(k);
	struct err e = { 0 };
	size_t n;

	CHECK(pk_sign(k, s, octets, sig, &n, &e) == 0);
	CHECK(pk_verify(pub, s, octets, (struct slice){ sig, n }, &e) == 0);
	if (openssl_args(s)) {
		put("sig", (struct slice){ sig, n });
		CHECK(run("openssl pkey -in %s -pubout -out pub && openssl dgst %s -verify pub "
			  "-signature sig octets", key, openssl_args(s)));
		CHECK(run("openssl dgst %s -sign %s -out sig2 octets", openssl_args(s), key));
		CHECK(pk_verify(pub, s, octets, file("sig2"), &e) == 0);
	}
	/* one bit, one byte less, one more, another message, another scheme */
	sig[n / 2] ^= 4;
	CHECK(pk_verify(pub, s, octets, (struct slice){ sig, n }, &e) == -1);
	sig[n / 2] ^= 4;
	CHECK(pk_verify(pub, s, octets, (struct slice){ sig, n - 1 }, &e) == -1);
	sig[n] = 0;
	CHECK(pk_verify(pub, s, octets, (struct slice){ sig, n + 1 }, &e) == -1);
	CHECK(pk_verify(pub, s, octets, (struct slice){ sig, 0 }, &e) == -1);
	CHECK(pk_verify(pub, s, (struct slice){ octets.p, 20 }, (struct slice){ sig, n }, &e) == -1);
	CHECK(pk_sign(pub, s, octets, sig, &n, &e) == -1);
	CHECK_HAS(e.msg, "public half");
	pk_free(pub);
}

static void all_schemes(const char *key)
{
	struct pk *k = load(key);
	int did = 0;

	put("octets", octets);
	for (enum pk_scheme s = PK_RSA_PKCS1_SHA1; s < PK_SCHEME_N; s++) {
		uint8_t sig[PK_SIGNATURE_MAX];
		struct err e = { 0 };
		size_t n;

		if (pk_scheme_fits(s, pk_type(k), pk_bits(k))) {
			against_openssl(k, key, s);
			did++;
		} else {
			CHECK(pk_sign(k, s, octets, sig, &n, &e) == -1);
			CHECK_HAS(e.msg, "does not go with");
			CHECK(pk_verify(k, s, octets, octets, &e) == -1);
		}
	}
	CHECK_INT(did, pk_type(k) == PK_RSA ? 8 : 4);
	pk_free(k);
}

static void rsa(void)
{
	CHECK(run("openssl genrsa -out rsa 2048"));
	all_schemes("rsa");
	/* A modulus whose bits are 1 above a multiple of 8: PSS' first byte is no part of it. */
	CHECK(run("openssl genrsa -out rsaodd 2049"));
	all_schemes("rsaodd");
}

static void ecdsa(void)
{
	CHECK(run("openssl ecparam -name prime256v1 -genkey -out p256"));
	CHECK(run("openssl ecparam -name secp384r1 -genkey -noout -out p384"));
	CHECK(run("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out p521"));
	all_schemes("p256");
	all_schemes("p384");
	all_schemes("p521");
}

/* RFC 2409 §5.1: openssl's pkeyutl without a digest pads the same way. */
static void rsa_raw(void)
{
	struct slice hash = { (const uint8_t *)"0123456789abcdef0123", 20 };
	uint8_t sig[PK_SIGNATURE_MAX];
	struct err e = { 0 };
	struct pk *k;
	size_t n;

	CHECK(run("test -f rsa || openssl genrsa -out rsa 2048"));
	k = load("rsa");
	put("hash", hash);
	CHECK(pk_sign(k, PK_RSA_RAW, hash, sig, &n, &e) == 0);
	CHECK_INT(n, 256);
	put("sig", (struct slice){ sig, n });
	CHECK(run("openssl pkeyutl -verifyrecover -inkey rsa -in sig | cmp - hash"));
	CHECK(run("openssl pkeyutl -sign -inkey rsa -in hash -out sig2"));
	CHECK(pk_verify(k, PK_RSA_RAW, hash, file("sig2"), &e) == 0);
	/* a hash that is as long as no hash */
	CHECK(pk_sign(k, PK_RSA_RAW, (struct slice){ sig, 200 }, sig, &n, &e) == -1);
	CHECK(pk_sign(k, PK_RSA_RAW, (struct slice){ sig, 0 }, sig, &n, &e) == -1);
	/* IKEv1 refuses a signature that has a DigestInfo, and the other way round */
	CHECK(pk_sign(k, PK_RSA_PKCS1_SHA1, hash, sig, &n, &e) == 0);
	CHECK(pk_verify(k, PK_RSA_RAW, hash, (struct slice){ sig, n }, &e) == -1);
	pk_free(k);
}

static void formats(void)
{
	static const char *const made[] = {
		"openssl genrsa -traditional -out k 2048",
		"openssl genrsa -out k 2048",
		"openssl genrsa 2048 | openssl rsa -outform DER -out k",
		"openssl genrsa 2048 | openssl pkcs8 -topk8 -nocrypt -outform DER -out k",
		"openssl ecparam -name prime256v1 -genkey -out k",
		"openssl ecparam -name secp384r1 -genkey -noout | openssl ec -outform DER -out k",
		"openssl ecparam -name secp521r1 -genkey | openssl pkcs8 -topk8 -nocrypt "
		"-outform DER -out k",
	};
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		uint8_t der[PK_DER_MAX];
		struct pk *k, *again;
		size_t n;

		CHECK(run("%s", made[i]));
		k = load("k");
		CHECK(pk_write_private(k, der, &n, &e) == 0);
		again = pk_private((struct slice){ der, n }, &e);
		CHECK(again && pk_same(k, again) && pk_has_private(again));
		put("ours", (struct slice){ der, n });
		CHECK(run("openssl pkey -inform DER -in ours -check -noout"));
		pk_free(k);
		pk_free(again);
	}
}

static void made_here(void)
{
	static const char *const words[] = { "rsa2048", "ecdsa256", "ecp384", "P521" };
	struct err e = { 0 };
	enum pk_type t;
	unsigned bits;
	char buf[32];

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		uint8_t der[PK_DER_MAX];
		struct sbuf b = { 0 };
		struct pk *k, *again;
		size_t n;

		CHECK(pk_kind_parse(words[i], &t, &bits, &e) == 0);
		k = pk_generate(t, bits, &e);
		CHECK(k);
		CHECK_INT(pk_bits(k), bits);
		CHECK(pk_write_private(k, der, &n, &e) == 0);
		pem_write(&b, "PRIVATE KEY", (struct slice){ der, n });
		put("ours", (struct slice){ (const uint8_t *)sbuf_str(&b), b.len });
		again = load("ours");
		CHECK(pk_same(k, again));
		CHECK(run("openssl pkey -in ours -check -noout"));
		against_openssl(again, "ours", t == PK_RSA ? PK_RSA_PSS_SHA256 : PK_ECDSA_SHA384);
		CHECK(pk_write_public(k, der, &n, &e) == 0);
		put("pub", (struct slice){ der, n });
		CHECK(run("openssl pkey -in ours -pubout -outform DER | cmp - pub"));
		sbuf_fini(&b);
		pk_free(k);
		pk_free(again);
	}
	CHECK_STR(pk_kind_str(PK_ECDSA, 521, buf, sizeof(buf)), "ecdsa521");
	CHECK(pk_kind_parse("dsa1024", &t, &bits, &e) == -1);
	CHECK_HAS(e.msg, "rsa3072");
	CHECK(pk_generate(PK_RSA, 1024, &e) == NULL);
	CHECK(pk_generate(PK_ECDSA, 255, &e) == NULL);
}

static void says(const char *name, const char *words)
{
	struct err e = { 0 };

	CHECK(pk_private(file(name), &e) == NULL);
	CHECK_HAS(e.msg, words);
}

static void refused(void)
{
	CHECK(run("openssl genrsa -out weak 1024"));
	says("weak", "too weak");
	CHECK(run("openssl genrsa -traditional -aes128 -passout pass:x -out enc 2048"));
	says("enc", "encrypted");
	CHECK(run("openssl genrsa -aes128 -passout pass:x -out enc 2048"));
	says("enc", "encrypted");
	CHECK(run("openssl pkcs8 -topk8 -in rsa -passout pass:x -outform DER -out enc"));
	says("enc", "encrypted");
	CHECK(run("openssl genpkey -algorithm ed25519 -out ed"));
	says("ed", "neither RSA nor ECDSA");
	CHECK(run("openssl ecparam -name secp256k1 -genkey -noout -out k1"));
	says("k1", "other than P-256");
	CHECK(run("openssl ecparam -name prime256v1 -genkey -param_enc explicit -noout -out x"));
	says("x", "malformed");
	put("junk", (struct slice){ (const uint8_t *)"hello", 5 });
	says("junk", "not a private key");
	put("none", (struct slice){ (const uint8_t *)"", 0 });
	says("none", "not a private key");
	CHECK(run("openssl pkey -in rsa -pubout -out pub"));
	says("pub", "no private key in it");
	CHECK(run("sed 's/^MII/M!I/' rsa > bad"));
	says("bad", "base64");
	CHECK(run("(echo -----BEGIN PRIVATE KEY-----; head -c 20000 /dev/zero | base64; "
		  "echo -----END PRIVATE KEY-----) > big"));
	says("big", "larger");
	CHECK(run("sed '/END/d' rsa > bad"));
	says("bad", "no private key in it");
}

/* Cut and bent in every byte of the head, a key is refused, or is another valid one. */
static void damaged(void)
{
	static const char *const keys[] = { "rsa", "p256" };
	static uint8_t good[8192], bad[8192];

	for (size_t i = 0; i < 2; i++) {
		struct err e = { 0 };
		struct slice s;

		CHECK(run("openssl pkcs8 -topk8 -nocrypt -in %s -outform DER -out der", keys[i]));
		s = file("der");
		memcpy(good, s.p, s.len);
		for (size_t n = 0; n < s.len; n += n < 64 ? 1 : 13)
			CHECK(pk_private((struct slice){ good, n }, &e) == NULL);
		for (size_t at = 0; at < 40; at++) {
			struct pk *k;

			memcpy(bad, good, s.len);
			bad[at] ^= 0x81;
			k = pk_private((struct slice){ bad, s.len }, &e);
			if (k)
				CHECK_INT(pk_bits(k), i == 0 ? 2048 : 256);
			pk_free(k);
		}
	}
}

static void bad_public(void)
{
	static uint8_t der[8192];
	struct err e = { 0 };
	struct slice s;

	CHECK(run("openssl pkey -in p256 -pubout -outform DER -out pub"));
	s = file("pub");
	memcpy(der, s.p, s.len);
	for (size_t n = 0; n < s.len; n++)
		CHECK(pk_public((struct slice){ der, n }, &e) == NULL);
	der[s.len - 1] ^= 1;
	CHECK(pk_public((struct slice){ der, s.len }, &e) == NULL);
	CHECK_HAS(e.msg, "not a point");
	der[s.len - 65] = 2;
	CHECK(pk_public((struct slice){ der, s.len }, &e) == NULL);
	/* a huge exponent would cost a stranger nothing and us a second */
	CHECK(run("openssl genrsa 2048 | openssl rsa -pubout -outform DER -out pub"));
	s = file("pub");
	CHECK(run("python3 - <<'X'\n"
		  "d = open('pub','rb').read()\n"
		  "n = d[32:32+257]\n"
		  "def tlv(t, b): return bytes([t, 0x82, len(b) >> 8, len(b) & 255]) + b\n"
		  "rsa = tlv(0x30, tlv(2, n) + tlv(2, b'\\x41' + b'\\x11' * 299))\n"
		  "open('pub','wb').write(tlv(0x30, d[4:19] + tlv(3, b'\\0' + rsa)))\nX\n"));
	CHECK(pk_public(file("pub"), &e) == NULL);
	CHECK_HAS(e.msg, "numbers cannot be");
	CHECK(run("openssl genrsa 512 | openssl rsa -pubout -outform DER -out pub"));
	CHECK(pk_public(file("pub"), &e) == NULL);
	CHECK_HAS(e.msg, "512 bits");
}

/* RFC 7427 appendix A, and what other implementations write instead. */
static void algorithm_identifiers(void)
{
	static const char pss_trailer[] =
		"\x30\x46\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a\x30\x39\xa0\x0f\x30\x0d\x06"
		"\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\xa1\x1c\x30\x1a\x06\x09\x2a\x86"
		"\x48\x86\xf7\x0d\x01\x01\x08\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01"
		"\x05\x00\xa2\x03\x02\x01\x20\xa3\x03\x02\x01\x01";
	static const char pss_sha1[] = "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a\x30\x00";
	static const char no_null[] = "\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b";
	static const char md5[] = "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04\x05\x00";
	/* RFC 7427 §A.4.3 */
	static const char rfc[] =
		"\x30\x41\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a\x30\x34\xa0\x0f\x30\x0d\x06"
		"\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\xa1\x1c\x30\x1a\x06\x09\x2a\x86"
		"\x48\x86\xf7\x0d\x01\x01\x08\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01"
		"\x05\x00\xa2\x03\x02\x01\x20";
#define LIT(s) ((struct slice){ (const uint8_t *)(s), sizeof(s) - 1 })
	uint8_t bent[80];
	int with = 0;

	for (enum pk_scheme s = PK_RSA_PKCS1_SHA1; s < PK_SCHEME_N; s++)
		if (pk_scheme_der(s).len) {
			CHECK_INT(pk_scheme_of_der(pk_scheme_der(s)), s);
			with++;
		}
	CHECK_INT(with, 10);
	CHECK_INT(pk_scheme_der(PK_RSA_PSS_SHA256).len, sizeof(rfc) - 1);
	CHECK_MEM(pk_scheme_der(PK_RSA_PSS_SHA256).p, rfc, sizeof(rfc) - 1);
	CHECK_INT(pk_scheme_of_der(LIT(pss_trailer)), PK_RSA_PSS_SHA256);
	CHECK_INT(pk_scheme_of_der(LIT(no_null)), PK_RSA_PKCS1_SHA256);
	CHECK_INT(pk_scheme_of_der(LIT(pss_sha1)), 0);
	CHECK_INT(pk_scheme_of_der(LIT(md5)), 0);
	memcpy(bent, rfc, sizeof(rfc));
	bent[66] = 0x14;	/* another salt length */
	CHECK_INT(pk_scheme_of_der((struct slice){ bent, 67 }), 0);
	for (size_t n = 0; n < 67; n++)
		CHECK_INT(pk_scheme_of_der((struct slice){ (const uint8_t *)rfc, n }), 0);
	CHECK_INT(pk_scheme_of_der((struct slice){ (const uint8_t *)rfc, 68 }), 0);
	CHECK_STR(pk_scheme_name(PK_RSA_PSS_SHA256), "RSA-PSS with SHA2-256");
	CHECK_STR(pk_scheme_name(99), "unknown");
	CHECK(!pk_scheme_fits(99, PK_RSA, 2048));
}

int main(void)
{
	if (!scratch_new())
		return 0;
	T_RUN(rsa);
	T_RUN(ecdsa);
	T_RUN(rsa_raw);
	T_RUN(formats);
	T_RUN(made_here);
	T_RUN(refused);
	T_RUN(damaged);
	T_RUN(bad_public);
	T_RUN(algorithm_identifiers);
	scratch_end();
	return t_done();
}
