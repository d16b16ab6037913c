/* rooms: core/crypto core/base */
/* pkcs12: files of the openssl command in every encryption it knows, old and new, and ours
 * read by it; wrong passwords, damage, bombs. */
#include "core/base/secret.h"
#include "core/crypto/pkcs12.h"
#include "core/crypto/pbe.h"
#include "core/crypto/pem.h"
#include "core/crypto/rc2.h"
#include "tests/unit/openssl.h"
#include "tests/unit/t.h"

static void make(void)
{
	static bool made;

	if (made)
		return;
	CHECK(run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key "
		  "-out ca.crt -subj '/CN=PKCS CA' -days 100"));
	CHECK(run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout mid.key "
		  "-out x.crt -subj '/CN=Mid' && openssl req -new -key mid.key -subj /CN=Mid -out m.csr && "
		  "openssl x509 -req -in m.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out mid.crt"));
	CHECK(run("openssl req -new -newkey rsa:2048 -nodes -keyout gw.key -subj /CN=gw -out g.csr && "
		  "openssl x509 -req -in g.csr -CA mid.crt -CAkey mid.key -CAcreateserial -out gw.crt"));
	CHECK(run("cat ca.crt mid.crt > chain.crt"));
	made = true;
}

static void check_read(const char *name, const char *password, size_t certs)
{
	struct pkcs12 p;
	struct err e = { 0 };
	char text[X509_DN_TEXT_MAX];
	struct pk *k, *pub;
	bool wrong;

	if (pkcs12_read(file(name), password, &p, &wrong, &e) < 0)
		printf("    %s: %s\n", name, e.msg);
	CHECK_STR(e.msg, "");
	CHECK(p.key != NULL);
	CHECK_INT(p.n_certs, certs);
	k = pk_private((struct slice){ p.key, p.key_len }, &e);
	CHECK(k);
	/* the key's own first, then upwards */
	CHECK_STR(x509_dn_short(p.certs[0]->subject, text, sizeof(text)), "CN=gw");
	if (certs == 3) {
		CHECK_STR(x509_dn_short(p.certs[1]->subject, text, sizeof(text)), "CN=Mid");
		CHECK_STR(x509_dn_short(p.certs[2]->subject, text, sizeof(text)), "CN=PKCS CA");
	}
	pub = x509_key(p.certs[0], &e);
	CHECK(pub && pk_type(pub) == PK_RSA);
	pk_free(pub);
	pk_free(k);
	pkcs12_fini(&p);
}

static void reads(void)
{
	static const char *const how[] = {
		"",				/* OpenSSL 3: PBES2, AES-256, SHA2-256 */
		"-legacy",			/* RC2-40 and 3DES, SHA-1: Windows, OpenSSL 1 */
		"-legacy -descert",		/* 3DES for both */
		"-legacy -certpbe PBE-SHA1-RC2-128 -keypbe PBE-SHA1-2DES",
		"-keypbe AES-128-CBC -certpbe AES-192-CBC -macalg sha384",
		"-keypbe AES-256-CBC -certpbe AES-256-CBC -macalg sha512 -iter 5000",
		"-certpbe NONE -keypbe AES-256-CBC",
		"-keypbe NONE -certpbe NONE",
		"-nomac",
		"-legacy -nomaciter -noiter",
		"-keypbe DES-EDE3-CBC -certpbe DES-EDE3-CBC",
	};

	make();
	for (size_t i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
		if (!run("openssl pkcs12 -export %s -inkey gw.key -in gw.crt -certfile chain.crt -name "
			 "'my gw' -passout pass:sesame -out a.p12", how[i])) {
			printf("    openssl cannot: %s\n", how[i]);
			CHECK(i > 0);
			continue;
		}
		check_read("a.p12", "sesame", 3);
	}
	CHECK(run("openssl pkcs12 -export -inkey gw.key -in gw.crt -passout pass: -out a.p12"));
	check_read("a.p12", "", 1);
	CHECK(run("openssl pkcs12 -export -legacy -inkey gw.key -in gw.crt -passout pass: -out a.p12"));
	check_read("a.p12", "", 1);
	CHECK(run("openssl pkcs12 -export -inkey gw.key -in gw.crt -passout "
		  "'pass:Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x94\x91' -out a.p12"));
	check_read("a.p12", "Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x94\x91", 1);
	CHECK(run("openssl pkcs12 -export -inkey gw.key -in gw.crt -passout "
		  "pass:a-password-that-is-longer-than-thirty-one-characters-and-then-some-more -out a.p12"));
	check_read("a.p12", "a-password-that-is-longer-than-thirty-one-characters-and-then-some-more", 1);
}

static void friendly(void)
{
	struct pkcs12 p;
	struct err e = { 0 };
	bool wrong;

	make();
	CHECK(run("openssl pkcs12 -export -inkey gw.key -in gw.crt -certfile chain.crt -name 'my gw' "
		  "-caname root -passout pass:x -out a.p12"));
	CHECK(pkcs12_read(file("a.p12"), "x", &p, &wrong, &e) == 0);
	CHECK_STR(p.name, "my gw");
	pkcs12_fini(&p);
	CHECK(run("openssl pkcs12 -export -nokeys -in chain.crt -passout pass:x -out a.p12"));
	CHECK(pkcs12_read(file("a.p12"), "x", &p, &wrong, &e) == 0);
	CHECK(!p.key);
	CHECK_INT(p.n_certs, 2);
	pkcs12_fini(&p);
}

static void wrong_passwords(void)
{
	static const char *const how[] = { "", "-legacy", "-nomac", "-legacy -nomac" };
	struct pkcs12 p;
	bool wrong;

	make();
	for (size_t i = 0; i < 4; i++) {
		struct err e = { 0 };

		CHECK(run("openssl pkcs12 -export %s -inkey gw.key -in gw.crt -passout pass:right -out "
			  "w.p12", how[i]));
		CHECK(pkcs12_read(file("w.p12"), "wrong", &p, &wrong, &e) == -1);
		/* without a MAC one in 256 unpads and is damaged instead */
		CHECK(wrong || i > 1);
		if (i < 2)
			CHECK_STR(e.msg, "the password is wrong");
		CHECK(pkcs12_read(file("w.p12"), "", &p, &wrong, &e) == -1);
		CHECK(pkcs12_read(file("w.p12"), "right\n", &p, &wrong, &e) == -1);
	}
}

static void write_one(bool legacy, bool key)
{
	static uint8_t pkcs8[8192];
	struct x509 *c[4];
	struct err e = { 0 };
	struct slice s = { 0 };
	uint8_t *out;
	size_t n, len;
	bool wrong;
	struct pkcs12 p;

	CHECK(run("cat gw.crt mid.crt ca.crt > all.crt; openssl pkcs8 -topk8 -nocrypt -in gw.key -outform "
		  "DER -out gw.p8"));
	if (key) {
		s = file("gw.p8");
		memcpy(pkcs8, s.p, s.len);
		s.p = pkcs8;
	}
	CHECK(x509_parse_file(file("all.crt"), c, 4, &n, &e) == 0);
	CHECK(pkcs12_write(s, (const struct x509 *const *)c, n, "branch", "open sesame", legacy, &out,
			   &len, &e) == 0);
	put("ours.p12", (struct slice){ out, len });
	free(out);
	while (n)
		x509_free(c[--n]);
	CHECK(run("openssl pkcs12 %s -in ours.p12 -passin 'pass:open sesame' -nodes -out back.pem",
		  legacy ? "-legacy" : ""));
	CHECK(run("test $(grep -c 'BEGIN CERT' back.pem) = 3 && grep 'friendlyName: branch' back.pem"));
	if (key) {
		CHECK(run("grep localKeyID back.pem && openssl pkey -in back.pem -out k1 && openssl pkey -in "
			  "gw.key -out k2 && cmp k1 k2"));
		check_read("ours.p12", "open sesame", 3);
	}
	CHECK(!run("openssl pkcs12 -legacy -in ours.p12 -passin pass:x -nodes"));
	CHECK(pkcs12_read(file("ours.p12"), "x", &p, &wrong, &e) == -1 && wrong);
}

static void writes(void)
{
	make();
	write_one(false, true);
	write_one(true, true);
	write_one(false, false);
}

static void encrypted_keys(void)
{
	static const char *const how[] = {
		"-v2 aes-256-cbc", "-v2 aes-128-cbc -v2prf hmacWithSHA512", "-v2 des3",
		"-v1 PBE-SHA1-3DES", "-v2 aes-256-cbc -v2prf hmacWithSHA1 -iter 100000",
	};

	make();
	for (size_t i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
		struct err e = { 0 };
		uint8_t *out;
		bool wrong;
		size_t len;
		struct pk *k;

		CHECK(run("openssl pkcs8 -topk8 -in gw.key %s -passout pass:s3 -outform DER -out e.der",
			  how[i]));
		CHECK(pkcs8_decrypt(file("e.der"), "s3", &out, &len, &wrong, &e) == 0);
		k = pk_private((struct slice){ out, len }, &e);
		CHECK(k);
		pk_free(k);
		secret_free(out);
		CHECK(pkcs8_decrypt(file("e.der"), "s4", &out, &len, &wrong, &e) == -1);
		CHECK(wrong && !out);
	}
}

/* Indefinite lengths and strings in pieces: what NSS writes. The file is taken apart here and
 * put together in BER. */
static void ber(void)
{
	uint8_t *out;
	size_t len;
	static const uint8_t in[] = { 0x30, 0x80, 0x24, 0x80, 4, 2, 'a', 'b', 4, 1, 'c', 0, 0, 0xa0, 0x81, 3,
				      2, 1, 5, 0, 0 };
	static const uint8_t want[] = { 0x30, 10, 4, 3, 'a', 'b', 'c', 0xa0, 3, 2, 1, 5 };
	static const uint8_t open[] = { 0x30, 0x80, 2, 1, 5 };
	static uint8_t deep[4000];

	CHECK(ber_to_der((struct slice){ in, sizeof(in) }, &out, &len) == 0);
	CHECK_INT(len, sizeof(want));
	CHECK_MEM(out, want, len);
	free(out);
	CHECK(ber_to_der((struct slice){ open, sizeof(open) }, &out, &len) == -1);
	for (size_t i = 0; i < sizeof(deep); i += 2) {
		deep[i] = 0x30;
		deep[i + 1] = 0x80;
	}
	CHECK(ber_to_der((struct slice){ deep, sizeof(deep) }, &out, &len) == -1);
	for (size_t n = 0; n < sizeof(in) - 1; n++)
		CHECK(ber_to_der((struct slice){ in, n }, &out, &len) == -1);
	make();
	CHECK(run("openssl pkcs12 -export -inkey gw.key -in gw.crt -certfile chain.crt -passout pass:x -out "
		  "a.p12 && cat > ber.py <<'X'\n"
		  "def walk(b):\n"
		  "    out = b''\n"
		  "    while b:\n"
		  "        t, l, h = b[0], b[1], 2\n"
		  "        if l & 0x80:\n"
		  "            h = 2 + (l & 0x7f); l = int.from_bytes(b[2:h], 'big')\n"
		  "        c, raw, b = b[h:h+l], b[:h+l], b[h+l:]\n"
		  "        if t == 4 and l > 200:\n"
		  "            p = b''.join(b'\\4\\x81' + bytes([len(c[i:i+150])]) + c[i:i+150] for i in range(0, l, 150))\n"
		  "            out += b'\\x24\\x80' + p + b'\\0\\0'\n"
		  "        elif t == 0x80 and l > 200:\n"
		  "            p = b''.join(b'\\4\\x81' + bytes([len(c[i:i+150])]) + c[i:i+150] for i in range(0, l, 150))\n"
		  "            out += b'\\xa0\\x80' + p + b'\\0\\0'\n"
		  "        elif t & 0x20: out += bytes([t, 0x80]) + walk(c) + b'\\0\\0'\n"
		  "        else: out += raw\n"
		  "    return out\n"
		  "open('ber.p12', 'wb').write(walk(open('a.p12', 'rb').read()))\n"
		  "X\npython3 ber.py && ! cmp a.p12 ber.p12"));
	check_read("ber.p12", "x", 3);
}

/* RFC 9579: the integrity that OpenSSL 3.4 can write, put on by hand. */
static void pbmac1(void)
{
	struct err e = { 0 };
	struct pkcs12 p;
	bool wrong;

	make();
	CHECK(run("openssl pkcs12 -export -nomac -inkey gw.key -in gw.crt -certfile chain.crt -passout "
		  "pass:x -out n.p12 && cat > mac.py <<'X'\n"
		  "import hashlib, hmac\n"
		  "def tlv(t, b):\n"
		  "    n = len(b)\n"
		  "    l = bytes([n]) if n < 128 else bytes([0x81, n]) if n < 256 else bytes([0x82, n >> 8, n & 255])\n"
		  "    return bytes([t]) + l + b\n"
		  "def inside(b):\n"
		  "    h = 2 if b[1] < 128 else 2 + (b[1] & 127)\n"
		  "    return b[h:]\n"
		  "pfx = inside(open('n.p12', 'rb').read())\n"
		  "content = inside(pfx[3:])[11:]\n"		/* behind INTEGER 3 and the OID */
		  "safe = inside(inside(content))\n"
		  "hm = tlv(0x30, bytes.fromhex('06082a864886f70d0209') + b'\\5\\0')\n"
		  "salt = b'saltsalt'\n"
		  "kdf = tlv(0x30, bytes.fromhex('06092a864886f70d01050c') + tlv(0x30, tlv(4, salt) + "
		  "b'\\2\\2\\x08\\0' + b'\\2\\1\\x20' + hm))\n"
		  "alg = tlv(0x30, bytes.fromhex('06092a864886f70d01050e') + tlv(0x30, kdf + hm))\n"
		  "key = hashlib.pbkdf2_hmac('sha256', b'x', salt, 2048, 32)\n"
		  "mac = hmac.new(key, safe, 'sha256').digest()\n"
		  "data = tlv(0x30, tlv(0x30, alg + tlv(4, mac)) + tlv(4, b'NOT USED') + b'\\2\\1\\1')\n"
		  "open('m.p12', 'wb').write(tlv(0x30, pfx + data))\n"
		  "X\npython3 mac.py"));
	check_read("m.p12", "x", 3);
	CHECK(pkcs12_read(file("m.p12"), "y", &p, &wrong, &e) == -1 && wrong);
}

/* RFC 2268 §5. */
static void rc2(void)
{
	static const uint8_t key[16] = { 0x88, 0xbc, 0xa9, 0x0e, 0x90, 0x87, 0x5a, 0x7f, 0x0f, 0x79, 0xc3,
					 0x84, 0x62, 0x7b, 0xaf, 0xb2 };
	static const uint8_t ct[8] = { 0x22, 0x69, 0x55, 0x2a, 0xb0, 0xf8, 0x5c, 0xa6 };
	static const uint8_t zero[8];
	uint8_t out[8];

	rc2_cbc_decrypt(key, 16, zero, ct, out, 8);
	CHECK_MEM(out, zero, 8);
}

/* RFC 6070 (PBKDF2 with SHA-1), RFC 7914 §11 (with SHA2-256). */
static void pbkdf2(void)
{
	static const uint8_t sha1[20] = { 0x4b, 0x00, 0x79, 0x01, 0xb7, 0x65, 0x48, 0x9a, 0xbe, 0xad,
					  0x49, 0xd9, 0x26, 0xf7, 0x21, 0xd0, 0x65, 0xa4, 0x29, 0xc1 };
	static const uint8_t sha256[16] = { 0x55, 0xac, 0x04, 0x6e, 0x56, 0xe3, 0x08, 0x9f, 0xec, 0x16,
					    0x91, 0xc2, 0x25, 0x44, 0xb6, 0x05 };
	struct slice pw = { (const uint8_t *)"password", 8 }, salt = { (const uint8_t *)"salt", 4 };
	uint8_t out[64];

	CHECK(pbe_pbkdf2(MBEDTLS_MD_SHA1, pw, salt, 4096, out, 20) == 0);
	CHECK_MEM(out, sha1, 20);
	pw = (struct slice){ (const uint8_t *)"passwd", 6 };
	CHECK(pbe_pbkdf2(MBEDTLS_MD_SHA256, pw, salt, 1, out, 64) == 0);
	CHECK_MEM(out, sha256, 16);
}

static void damaged(void)
{
	static uint8_t good[16384], bad[16384];
	struct err e = { 0 };
	struct pkcs12 p;
	static const uint8_t rounds[] = {
		0x30, 22, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 0x0c, 0x30, 9, 4, 1, 's',
		2, 4, 0x7f, 0xff, 0xff, 0xff };
	struct slice s;
	bool wrong;

	make();
	CHECK(run("openssl pkcs12 -export -legacy -noiter -nomaciter -inkey gw.key -in gw.crt -passout "
		  "pass:x -out d.p12; openssl pkcs12 -export -nomac -iter 1 -inkey gw.key -in gw.crt "
		  "-passout pass:x -out e.p12"));
	for (int which = 0; which < 2; which++) {
		s = file(which ? "e.p12" : "d.p12");
		CHECK(s.len < sizeof(good));
		memcpy(good, s.p, s.len);
		for (size_t n = 0; n < s.len; n += 7)
			CHECK(pkcs12_read((struct slice){ good, n }, "x", &p, &wrong, &e) == -1);
		for (size_t i = 0; i < s.len; i++) {
			memcpy(bad, good, s.len);
			bad[i] ^= 0x11;
			if (pkcs12_read((struct slice){ bad, s.len }, "x", &p, &wrong, &e) == 0)
				pkcs12_fini(&p);
		}
	}
	/* a file that wants two thousand million rounds ends at once */
	CHECK(pbe_pbkdf2_by((struct slice){ rounds, sizeof(rounds) }, (struct slice){ 0 }, good, 32,
			    &e) == -1);
	CHECK_HAS(e.msg, "2147483647 rounds");
	/* ten megabytes of nothing */
	{
		static uint8_t big[10 << 20];

		big[0] = 0x30;
		CHECK(pkcs12_read((struct slice){ big, sizeof(big) }, "x", &p, &wrong, &e) == -1);
		CHECK_HAS(e.msg, "are the most");
	}
	CHECK(pkcs12_read(file("gw.crt"), "x", &p, &wrong, &e) == -1);
	CHECK_HAS(e.msg, "not a PKCS#12 file");
}

int main(void)
{
	if (!scratch_new())
		return 0;
	T_RUN(rc2);
	T_RUN(pbkdf2);
	T_RUN(reads);
	T_RUN(friendly);
	T_RUN(wrong_passwords);
	T_RUN(writes);
	T_RUN(encrypted_keys);
	T_RUN(pbmac1);
	T_RUN(ber);
	T_RUN(damaged);
	if (!t_failed)
		scratch_end();
	return t_done();
}
