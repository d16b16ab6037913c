/* rooms: core/crypto core/base */
/* x509: certificates and CRLs that the openssl command made, read, compared with identities,
 * and followed to their CA; each way in which one is not to be trusted, in its words. */
#include "core/crypto/x509.h"
#include "tests/unit/openssl.h"
#include "tests/unit/t.h"

#define NOW 1800000000		/* 2027-01-15 */

/* issue NAME CA SUBJECT EXTENSIONS DAYS-FROM DAYS-TO: keys are P-256, but where NAME.key is
 * there already. */
static const char script[] =
	"cat > issue <<'X'\n"
	"test -f $1.key || openssl ecparam -name prime256v1 -genkey -noout -out $1.key\n"
	"printf \"[x]\\n$4\\n\" > $1.ext\n"
	"openssl req -new -key $1.key -subj \"$3\" -utf8 -out $1.csr -config /dev/null\n"
	"touch index; echo ${7:-$(openssl rand -hex 8)} > serial\n"
	"cat > $1.cnf <<Y\n"
	"[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\nnew_certs_dir=.\nunique_subject=no\n"
	"default_md=${DIGEST:-sha256}\npolicy=p\npreserve=yes\nemail_in_dn=yes\nstring_mask=default\n"
	"[p]\ncountryName=optional\norganizationName=optional\norganizationalUnitName=optional\n"
	"commonName=optional\nemailAddress=optional\n"
	"Y\n"
	"signer=\"-cert $2.crt -keyfile $2.key\"; test $1 = $2 && signer=\"-selfsign -keyfile $1.key\"\n"
	"openssl ca -batch -notext -config $1.cnf $signer -in $1.csr -out $1.crt -extfile $1.ext "
	"-extensions x $PSS -startdate ${5}000000Z -enddate ${6}000000Z\n"
	"X\n";

#define CA_EXT "basicConstraints=critical,CA:true\\nkeyUsage=critical,keyCertSign,cRLSign\\n" \
	"subjectKeyIdentifier=hash"
#define EE_EXT "basicConstraints=CA:false\\nkeyUsage=digitalSignature\\n" \
	"authorityKeyIdentifier=keyid"

static bool issue(const char *name, const char *ca, const char *subject, const char *ext,
		  const char *from, const char *to)
{
	return run("sh ./issue '%s' '%s' '%s' '%s' %s %s", name, ca, subject, ext, from, to);
}

static bool good(const char *name, const char *ca, const char *subject, const char *ext)
{
	return issue(name, ca, subject, ext, "20260101", "20360101");
}

static struct x509 *load(const char *name)
{
	struct err e = { 0 };
	struct x509 *c;
	size_t n;

	if (x509_parse_file(file(name), &c, 1, &n, &e) < 0) {
		printf("    %s: %s\n", name, e.msg);
		CHECK(false);
	}
	return c;
}

static void make_cas(void)
{
	static bool made;

	if (made)
		return;
	CHECK(run("%s", script));
	CHECK(good("root", "root", "/C=CH/O=Acme/CN=Acme Root", CA_EXT));
	CHECK(good("mid", "root", "/C=CH/O=Acme/CN=Acme Site CA", CA_EXT));
	CHECK(good("gw", "mid", "/C=CH/O=Acme/CN=gw.example",
		   EE_EXT "\\nsubjectAltName=DNS:gw.example,DNS:GW2.example,IP:192.0.2.1,"
		   "IP:2001:db8::1,email:noc@gw.example\\nextendedKeyUsage=serverAuth,1.3.6.1.5.5.7.3.17"
		   "\\ncrlDistributionPoints=URI:http://crl.example/a.crl"));
	CHECK(good("rootgw", "root", "/CN=direct", EE_EXT));
	CHECK(good("other", "other", "/C=CH/O=Acme/CN=Other Root", CA_EXT));
	made = true;
}

static void reads(void)
{
	char text[X509_DN_TEXT_MAX];
	uint8_t hash[X509_HASH_LEN];
	struct x509 *c, *root;

	make_cas();
	c = load("gw.crt");
	root = load("root.crt");
	CHECK_STR(x509_dn_str(c->subject, text, sizeof(text)), "C=CH, O=Acme, CN=gw.example");
	CHECK_STR(x509_dn_str(c->issuer, text, sizeof(text)), "C=CH, O=Acme, CN=Acme Site CA");
	CHECK_STR(x509_dn_short(c->issuer, text, sizeof(text)), "CN=Acme Site CA");
	CHECK_INT(c->not_before, 1767225600);
	CHECK_INT(c->not_after, 2082758400);
	CHECK(!c->ca && root->ca);
	CHECK_INT(root->path_len, -1);
	CHECK_INT(c->key_usage, X509_USE_SIGNATURE);
	CHECK_INT(root->key_usage, X509_USE_CERT_SIGN | X509_USE_CRL_SIGN);
	CHECK_INT(c->eku, X509_EKU_SERVER | X509_EKU_IKE);
	CHECK_INT(c->n_sans, 5);
	CHECK_STR(x509_san_str(&c->sans[0], text, sizeof(text)), "DNS:gw.example");
	CHECK_STR(x509_san_str(&c->sans[2], text, sizeof(text)), "IP:192.0.2.1");
	CHECK_STR(x509_san_str(&c->sans[3], text, sizeof(text)), "IP:2001:db8::1");
	CHECK_STR(x509_san_str(&c->sans[4], text, sizeof(text)), "email:noc@gw.example");
	CHECK_INT(c->crl_url.len, 24);
	CHECK_MEM(c->crl_url.p, "http://crl.example/a.crl", 24);
	CHECK(x509_self_signed(root) && !x509_self_signed(c));
	x509_spki_hash(root, hash);
	put("hash", (struct slice){ hash, sizeof(hash) });
	CHECK(run("openssl x509 -in root.crt -pubkey -noout | openssl pkey -pubin -outform DER | "
		  "openssl sha1 -binary | cmp - hash"));
	x509_serial_str(c->serial, text, sizeof(text));
	put("serial.txt", (struct slice){ (uint8_t *)text, strlen(text) });
	CHECK(run("test \"$(openssl x509 -in gw.crt -serial -noout)\" = "
		  "\"serial=$(tr -d : < serial.txt | tr a-f A-F)\""));
	x509_free(c);
	x509_free(root);
}

static struct ike_id id_of(enum id_type type, const char *bytes, size_t n)
{
	struct ike_id id = { .type = (uint8_t)type, .len = (uint8_t)n };

	memcpy(id.data, bytes, n);
	return id;
}

static bool is(const struct x509 *c, struct ike_id id)
{
	struct err e = { 0 };
	bool yes = x509_check_id(c, &id, &e) == 0;

	CHECK(yes == (e.msg[0] == '\0'));
	return yes;
}

static void identities(void)
{
	struct x509 *c, *direct, *mail, *styles;
	struct ike_id id;
	struct err e = { 0 };

	make_cas();
	c = load("gw.crt");
	CHECK(is(c, id_of(ID_FQDN, "gw.example", 10)));
	CHECK(is(c, id_of(ID_FQDN, "GW.Example", 10)));
	CHECK(is(c, id_of(ID_FQDN, "gw2.example", 11)));
	CHECK(!is(c, id_of(ID_FQDN, "gw.exampl", 9)));
	CHECK(!is(c, id_of(ID_FQDN, "gw.example\0", 11)));
	CHECK(!is(c, id_of(ID_FQDN, "", 0)));
	CHECK(is(c, id_of(ID_RFC822_ADDR, "noc@gw.example", 14)));
	CHECK(!is(c, id_of(ID_FQDN, "noc@gw.example", 14)));
	CHECK(is(c, id_of(ID_IPV4_ADDR, "\xc0\0\2\1", 4)));
	CHECK(!is(c, id_of(ID_IPV4_ADDR, "\xc0\0\2\2", 4)));
	CHECK(!is(c, id_of(ID_IPV4_ADDR, "\xc0\0\2", 3)));
	CHECK(is(c, id_of(ID_IPV6_ADDR, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16)));
	CHECK(is(c, id_of(ID_DER_ASN1_DN, (const char *)c->subject.p, c->subject.len)));
	CHECK(!is(c, id_of(ID_DER_ASN1_DN, (const char *)c->issuer.p, c->issuer.len)));
	CHECK(!is(c, id_of(ID_KEY_ID, "gw.example", 10)));
	id = id_of(ID_FQDN, "elsewhere.example", 17);
	CHECK(x509_check_id(c, &id, &e) == -1);
	CHECK_HAS(e.msg, "made out to C=CH, O=Acme, CN=gw.example, DNS:gw.example");
	id = x509_own_id(c);
	CHECK_INT(id.type, ID_DER_ASN1_DN);
	/* Without any dNSName the common name stands in. */
	direct = load("rootgw.crt");
	CHECK(is(direct, id_of(ID_FQDN, "direct", 6)));
	CHECK(!is(direct, id_of(ID_RFC822_ADDR, "direct", 6)));
	/* An empty subject, and a mail address in the subject. */
	CHECK(good("nosubject", "root", "/", EE_EXT "\\nsubjectAltName=critical,IP:192.0.2.7"));
	CHECK(good("mail", "root", "/CN=Joe/emailAddress=joe@a.example", EE_EXT));
	mail = load("mail.crt");
	CHECK(is(mail, id_of(ID_RFC822_ADDR, "Joe@a.example", 13)));
	styles = load("nosubject.crt");
	id = x509_own_id(styles);
	CHECK_INT(id.type, ID_IPV4_ADDR);
	CHECK_MEM(id.data, "\xc0\0\2\7", 4);
	CHECK(is(styles, id));
	x509_free(c);
	x509_free(direct);
	x509_free(mail);
	x509_free(styles);
}

/* The same name in other strings, in another case, with other blanks. */
static void names(void)
{
	static const char printable[] = "\x30\x1a\x31\x0b\x30\x09\x06\x03\x55\x04\x06\x13\x02" "CH"
		"\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x13\x02" "gw";
	static const char utf8[] = "\x30\x1a\x31\x0b\x30\x09\x06\x03\x55\x04\x06\x13\x02" "ch"
		"\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02" "GW";
	static const char bmp[] = "\x30\x1c\x31\x0b\x30\x09\x06\x03\x55\x04\x06\x13\x02" "CH"
		"\x31\x0d\x30\x0b\x06\x03\x55\x04\x03\x1e\x04" "\0g\0w";
	static const char one_set[] = "\x30\x18\x31\x16\x30\x09\x06\x03\x55\x04\x06\x13\x02" "CH"
		"\x30\x09\x06\x03\x55\x04\x03\x13\x02" "gw";
	static const char shorter[] = "\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x06\x13\x02" "CH";
	static const char evil[] = "\x30\x13\x31\x11\x30\x0f\x06\x03\x55\x04\x03\x0c\x08" "a\x1b[2J,\xff\xc3";
	static const char good8[] = "\x30\x10\x31\x0e\x30\x0c\x06\x03\x55\x04\x03\x0c\x05" "Z\xc3\xbcri";
	static const char latin[] = "\x30\x0f\x31\x0d\x30\x0b\x06\x03\x55\x04\x03\x14\x04" "Z\xfcri";
	static const char oid[] = "\x30\x10\x31\x0e\x30\x0c\x06\x06\x2b\x06\x01\x04\x01\x05\x0c\x02" "xy";
#define LIT(s) ((struct slice){ (const uint8_t *)(s), sizeof(s) - 1 })
	char text[X509_DN_TEXT_MAX];

	CHECK(x509_dn_equal(LIT(printable), LIT(utf8)));
	CHECK(x509_dn_equal(LIT(bmp), LIT(utf8)));
	CHECK(!x509_dn_equal(LIT(printable), LIT(one_set)));
	CHECK(!x509_dn_equal(LIT(printable), LIT(shorter)));
	CHECK(!x509_dn_equal(LIT(shorter), LIT(printable)));
	CHECK(!x509_dn_equal(LIT(printable), LIT("")));
	CHECK_STR(x509_dn_str(LIT(evil), text, sizeof(text)), "CN=a\\x1b[2J\\,\\xff\\xc3");
	CHECK_STR(x509_dn_str(LIT(good8), text, sizeof(text)), "CN=Z\xc3\xbcri");
	CHECK_STR(x509_dn_str(LIT(latin), text, sizeof(text)), "CN=Z\xc3\xbcri");
	CHECK(x509_dn_equal(LIT(latin), LIT(good8)));
	CHECK_STR(x509_dn_str(LIT(oid), text, sizeof(text)), "1.3.6.1.4.1.5=xy");
	CHECK_STR(x509_dn_str(LIT("\x30\x00"), text, sizeof(text)), "(no name)");
	CHECK_STR(x509_dn_str(LIT("\x30\x05\x31"), text, sizeof(text)), "");
	CHECK_STR(x509_dn_str(LIT(printable), text, 6), "C=CH,");
}

/* ---- verifying ---- */

struct pile {
	struct x509 *c[12];
	size_t n;
};

static void pile_add(struct pile *p, const char *names)
{
	char list[300], *save = NULL;

	snprintf(list, sizeof(list), "%s", names);
	for (char *w = strtok_r(list, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		char name[80];

		snprintf(name, sizeof(name), "%s.crt", w);
		p->c[p->n++] = load(name);
	}
}

static void pile_free(struct pile *p)
{
	while (p->n)
		x509_free(p->c[--p->n]);
}

static struct x509_crl *crls[4];
static size_t n_crls;
static enum crl_policy policy;
static bool sha1;

/* "" or the error. */
static const char *verify_at(const char *sent, const char *anchors, int64_t now)
{
	static struct err e;
	struct pile chain = { 0 }, roots = { 0 };
	const struct x509 *at = NULL;
	struct x509_trust t;
	int r;

	e = (struct err){ 0 };
	pile_add(&chain, sent);
	pile_add(&roots, anchors);
	t = (struct x509_trust){ .anchors = (const struct x509 *const *)roots.c,
				 .n_anchors = roots.n, .crls = crls, .n_crls = n_crls,
				 .crl = policy, .sha1 = sha1, .now_s = now };
	r = x509_verify((const struct x509 *const *)chain.c, chain.n, &t, &at, &e);
	CHECK((r == 0) == (e.msg[0] == '\0'));
	CHECK((r == 0) == (at != NULL));
	pile_free(&chain);
	pile_free(&roots);
	return e.msg;
}

static const char *verify(const char *sent, const char *anchors)
{
	return verify_at(sent, anchors, NOW);
}

static void chains(void)
{
	make_cas();
	CHECK_STR(verify("gw mid", "root"), "");
	CHECK_STR(verify("gw mid root", "root"), "");
	CHECK_STR(verify("gw root other mid", "other root"), "");
	CHECK_STR(verify("gw", "mid"), "");
	CHECK_STR(verify("rootgw", "root"), "");
	CHECK_STR(verify("gw", "gw"), "");
	CHECK_HAS(verify("gw", "root"), "unknown issuer \"C=CH, O=Acme, CN=Acme Site CA\"");
	CHECK_HAS(verify("gw mid", "other"), "unknown issuer \"C=CH, O=Acme, CN=Acme Root\" of "
					     "\"CN=Acme Site CA\"");
	CHECK_HAS(verify("gw mid root", "other"), "unknown issuer");
	CHECK_HAS(verify("gw mid", ""), "unknown issuer");
	CHECK_HAS(verify("", "root"), "no certificate");
	/* the peer's certificate does not vouch for itself */
	CHECK_HAS(verify("root", "other"), "may not be used for signatures");
}

static void times(void)
{
	make_cas();
	CHECK(issue("old", "root", "/CN=old", EE_EXT, "20250101", "20270112"));
	CHECK(issue("new", "root", "/CN=new", EE_EXT, "20270117", "20280101"));
	CHECK(issue("oldca", "root", "/CN=old CA", CA_EXT, "20250101", "20270112"));
	CHECK(good("below", "oldca", "/CN=below", EE_EXT));
	CHECK_HAS(verify("old", "root"), "its certificate expired 3 days ago (CN=old, 2027-01-12)");
	CHECK_HAS(verify("new", "root"), "not valid yet: from 2027-01-17 on");
	CHECK_STR(verify_at("new", "root", NOW + 5 * 86400), "");
	CHECK_HAS(verify("below oldca", "root"), "the CA's certificate expired 3 days ago (CN=old CA");
	CHECK_HAS(verify("below", "oldca"), "the CA's certificate expired");
	/* the same CA renewed, same key, beside the old one: the good one is found */
	CHECK(run("cp oldca.key newca.key"));
	CHECK(good("newca", "root", "/CN=old CA", CA_EXT));
	CHECK_STR(verify("below oldca newca", "root"), "");
	CHECK_STR(verify("below", "oldca newca"), "");
	CHECK_HAS(verify_at("gw mid", "root", 4102444800), "expired");
}

static void not_a_ca(void)
{
	make_cas();
	CHECK(good("user", "root", "/CN=user", "basicConstraints=CA:false"));
	CHECK(good("forged", "user", "/CN=forged", EE_EXT));
	CHECK_HAS(verify("forged user", "root"), "CN=user issued it but is not a CA");
	CHECK(good("nosign", "root", "/CN=No Sign CA",
		   "basicConstraints=CA:true\\nkeyUsage=cRLSign\\nsubjectKeyIdentifier=hash"));
	CHECK(good("forged2", "nosign", "/CN=forged2", EE_EXT));
	CHECK_HAS(verify("forged2 nosign", "root"), "may not sign certificates");
	CHECK(good("leafca", "root", "/CN=Leaf CA",
		   "basicConstraints=CA:true,pathlen:0\\nkeyUsage=keyCertSign"));
	CHECK(good("deeper", "leafca", "/CN=Deeper CA", CA_EXT));
	CHECK(good("under", "deeper", "/CN=under", EE_EXT));
	CHECK(good("leaf", "leafca", "/CN=leaf", EE_EXT));
	CHECK_STR(verify("leaf leafca", "root"), "");
	CHECK_HAS(verify("under deeper leafca", "root"), "allows 0 CAs below it, there are 1");
	/* another CA of the same name did not sign it */
	CHECK(good("fake", "fake", "/C=CH/O=Acme/CN=Acme Root",
		   "basicConstraints=critical,CA:true"));
	CHECK_HAS(verify("rootgw", "fake"), "unknown issuer");	/* by the key identifiers */
	CHECK(good("noaki", "root", "/CN=noaki", "authorityKeyIdentifier=none"));
	CHECK_HAS(verify("noaki", "fake"), "is not signed by its issuer");
	CHECK_STR(verify("noaki", "fake root"), "");
}

static void usages(void)
{
	make_cas();
	CHECK(good("encr", "root", "/CN=encr", "keyUsage=keyEncipherment"));
	CHECK_HAS(verify("encr", "root"), "key usage");
	CHECK(good("code", "root", "/CN=code", "extendedKeyUsage=codeSigning"));
	CHECK_HAS(verify("code", "root"), "extended key usage");
	CHECK(good("any", "root", "/CN=any", "extendedKeyUsage=codeSigning,anyExtendedKeyUsage"));
	CHECK_STR(verify("any", "root"), "");
	CHECK(good("client", "root", "/CN=client", "extendedKeyUsage=clientAuth"));
	CHECK_STR(verify("client", "root"), "");
	CHECK(good("micro", "root", "/CN=micro", "extendedKeyUsage=1.3.6.1.5.5.8.2.2"));
	CHECK_STR(verify("micro", "root"), "");
	CHECK(good("plain", "root", "/CN=plain", "basicConstraints=CA:false"));
	CHECK_STR(verify("plain", "root"), "");
	CHECK(good("crit", "root", "/CN=crit", "1.2.3.4.5=critical,DER:0500"));
	CHECK_HAS(verify("crit", "root"), "critical extension");
	CHECK(good("uncrit", "root", "/CN=crit", "1.2.3.4.5=DER:0500"));
	CHECK_STR(verify("uncrit", "root"), "");
	CHECK(good("nc", "root", "/CN=NC CA", CA_EXT "\\nnameConstraints=permitted;DNS:.acme.example"));
	CHECK(good("undernc", "nc", "/CN=undernc", EE_EXT));
	CHECK_HAS(verify("undernc nc", "root"), "name constraints");
}

static void algorithms(void)
{
	make_cas();
	CHECK(run("openssl genrsa -out weak.key 1024; openssl genrsa -out strong.key 2048; "
		  "openssl genrsa -out rsaca.key 3072; openssl genpkey -algorithm ed25519 -out ed.key"));
	CHECK(good("weak", "root", "/CN=weak", EE_EXT));
	CHECK_HAS(verify("weak", "root"), "RSA key of 1024 bits");
	CHECK(good("strong", "root", "/CN=strong", EE_EXT));
	CHECK_STR(verify("strong", "root"), "");
	CHECK(good("ed", "root", "/CN=ed", EE_EXT));
	CHECK_HAS(verify("ed", "root"), "neither RSA nor ECDSA");
	CHECK(good("rsaca", "rsaca", "/CN=RSA CA", CA_EXT));
	CHECK(run("DIGEST=sha1 sh ./issue s1 rsaca /CN=s1 basicConstraints=CA:false 20260101 20360101"));
	CHECK_HAS(verify("s1", "rsaca"), "signed with SHA-1");
	sha1 = true;
	CHECK_STR(verify("s1", "rsaca"), "");
	sha1 = false;
	CHECK(run("DIGEST=md5 sh ./issue m5 rsaca /CN=m5 basicConstraints=CA:false 20260101 20360101"));
	CHECK_HAS(verify("m5", "rsaca"), "not known or too weak");
	CHECK(run("PSS='-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32' sh ./issue pss rsaca "
		  "/CN=pss basicConstraints=CA:false 20260101 20360101"));
	CHECK_STR(verify("pss", "rsaca"), "");
}

static void crl_load(const char *name)
{
	struct err e = { 0 };

	crls[n_crls] = x509_crl_parse(file(name), &e);
	if (!crls[n_crls])
		printf("    %s: %s\n", name, e.msg);
	CHECK(crls[n_crls]);
	n_crls++;
}

static void crls_drop(void)
{
	while (n_crls)
		x509_crl_free(crls[--n_crls]);
	policy = CRL_OFF;
}

/* revoked: a shell list of certificates. */
static bool crl(const char *ca, const char *out, const char *revoked, const char *args)
{
	return run("rm -f ri; touch ri; echo 01 > rn; printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=ri\\n"
		   "crlnumber=rn\\ndefault_md=sha256\\n' > r.cnf; for c in %s; do openssl ca -config "
		   "r.cnf -cert %s.crt -keyfile %s.key -revoke $c.crt -crl_reason keyCompromise || exit 1;"
		   "done; openssl ca -config r.cnf -gencrl -cert %s.crt -keyfile %s.key -out %s %s",
		   revoked, ca, ca, ca, ca, out, args);
}

static void revocation(void)
{
	const char *dates = "-crl_lastupdate 20270101000000Z -crl_nextupdate 20270201000000Z";
	const char *stale = "-crl_lastupdate 20260101000000Z -crl_nextupdate 20260201000000Z";
	struct x509 *c;
	struct x509_revoked r;

	make_cas();
	CHECK(crl("root", "root.crl", "rootgw", dates));
	CHECK(crl("mid", "mid.crl", "", dates));
	CHECK(crl("mid", "midold.crl", "gw", stale));
	CHECK(crl("other", "other.crl", "", dates));
	CHECK_STR(verify("rootgw", "root"), "");	/* off */
	crl_load("root.crl");
	CHECK_STR(verify("rootgw", "root"), "");
	policy = CRL_LENIENT;
	CHECK_HAS(verify("rootgw", "root"), "CN=direct was revoked on ");
	CHECK_HAS(verify("rootgw", "root"), "key compromised");
	CHECK_STR(verify("gw mid", "root"), "");
	policy = CRL_STRICT;
	CHECK_HAS(verify("gw mid", "root"), "no CRL of CN=Acme Site CA");
	crl_load("other.crl");
	CHECK_HAS(verify("gw mid", "root"), "no CRL of CN=Acme Site CA");
	crl_load("mid.crl");
	CHECK_STR(verify("gw mid", "root"), "");
	CHECK_HAS(verify_at("gw mid", "root", NOW + 30 * 86400), "too old: a new one was due on 2027-02-01");
	policy = CRL_LENIENT;
	CHECK_STR(verify_at("gw mid", "root", NOW + 30 * 86400), "");
	/* an old list is not followed when a newer one is there; alone it is */
	crl_load("midold.crl");
	CHECK_STR(verify("gw mid", "root"), "");
	x509_crl_free(crls[2]);
	crls[2] = crls[3];
	n_crls = 3;
	CHECK_HAS(verify("gw mid", "root"), "gw.example was revoked");
	CHECK_INT(x509_crl_count(crls[0]), 1);
	CHECK_INT(x509_crl_count(crls[1]), 0);
	CHECK_INT(x509_crl_next_update(crls[0]), 1801440000);
	c = load("rootgw.crt");
	CHECK(x509_crl_find(crls[0], c->serial, &r) && r.reason == 1);
	CHECK(!x509_crl_find(crls[1], c->serial, NULL));
	x509_free(c);
	crls_drop();
	/* signed by another key of the same name */
	CHECK(good("fake", "fake", "/C=CH/O=Acme/CN=Acme Root",
		   "basicConstraints=critical,CA:true"));
	CHECK(crl("fake", "fake.crl", "rootgw", dates));
	crl_load("fake.crl");
	policy = CRL_LENIENT;
	CHECK_STR(verify("rootgw", "root"), "");
	policy = CRL_STRICT;
	CHECK_HAS(verify("rootgw", "root"), "no good CRL of CN=Acme Root");
	crls_drop();
}

static void crl_bad(const char *name, const char *words)
{
	struct err e = { 0 };

	CHECK(x509_crl_parse(file(name), &e) == NULL);
	CHECK_HAS(e.msg, words);
}

static void bad_crls(void)
{
	static uint8_t der[4096];
	struct err e = { 0 };
	struct slice s;

	make_cas();
	CHECK(crl("root", "a.crl", "rootgw gw", "-crldays 10"));
	CHECK(run("openssl crl -in a.crl -outform DER -out a.der"));
	s = file("a.der");
	memcpy(der, s.p, s.len);
	for (size_t n = 0; n < s.len; n++)
		CHECK(x509_crl_parse((struct slice){ der, n }, &e) == NULL);
	for (size_t i = 0; i < s.len; i++) {
		der[i] ^= 0x5a;
		x509_crl_free(x509_crl_parse((struct slice){ der, s.len }, &e));
		der[i] ^= 0x5a;
	}
	put("junk", (struct slice){ (const uint8_t *)"hello", 5 });
	crl_bad("junk", "malformed");
	crl_bad("root.crt", "no CRL in it");
	CHECK(run("printf '[e]\\ndeltaCRL=critical,DER:020101\\n2.5.29.27=critical,DER:020101\\n' > e; "
		  "sed -i /deltaCRL/d e; printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=ri\\n"
		  "default_md=sha256\\ncrl_extensions=e\\n' > r.cnf; cat e >> r.cnf; openssl ca -config "
		  "r.cnf -gencrl -cert root.crt -keyfile root.key -crldays 9 -out delta.crl"));
	crl_bad("delta.crl", "delta CRL");
	CHECK(run("sed -i 's/^2.5.29.27=.*/2.5.29.28=critical,DER:30038401ff/' r.cnf; openssl ca -config "
		  "r.cnf -gencrl -cert root.crt -keyfile root.key -crldays 9 -out idp.crl"));
	crl_bad("idp.crl", "indirect");
	CHECK(run("sed -i 's/^2.5.29.28=.*/1.2.3.4=critical,DER:0500/' r.cnf; openssl ca -config "
		  "r.cnf -gencrl -cert root.crt -keyfile root.key -crldays 9 -out crit.crl"));
	crl_bad("crit.crl", "critical extension");
}

/* Cut anywhere, and with any byte bent, it is refused or read, never more. */
static void damaged(void)
{
	static uint8_t der[4096];
	struct err e = { 0 };
	struct slice s;

	make_cas();
	CHECK(run("openssl x509 -in gw.crt -outform DER -out gw.der"));
	s = file("gw.der");
	memcpy(der, s.p, s.len);
	for (size_t n = 0; n < s.len; n++)
		CHECK(x509_parse((struct slice){ der, n }, &e) == NULL);
	der[s.len] = 0;
	CHECK(x509_parse((struct slice){ der, s.len + 1 }, &e) == NULL);
	for (size_t i = 0; i < s.len; i++)
		for (unsigned how = 0; how < 3; how++) {
			static const uint8_t bend[] = { 0x01, 0x80, 0xff };
			char text[X509_DN_TEXT_MAX];
			struct x509 *c;

			der[i] ^= bend[how];
			c = x509_parse((struct slice){ der, s.len }, &e);
			if (c) {
				CHECK(!x509_self_signed(c));
				for (size_t k = 0; k < c->n_sans; k++)
					x509_san_str(&c->sans[k], text, sizeof(text));
				x509_dn_str(c->subject, text, sizeof(text));
				pk_free(x509_key(c, &e));
			}
			x509_free(c);
			der[i] ^= bend[how];
		}
}

static void files(void)
{
	struct x509 *c[4];
	struct err e = { 0 };
	static uint8_t big[X509_DER_MAX + 10];
	size_t n;

	make_cas();
	CHECK(run("(echo hello; cat gw.crt; openssl x509 -in mid.crt -text; cat root.key root.crt) > all"));
	CHECK(x509_parse_file(file("all"), c, 4, &n, &e) == 0);
	CHECK_INT(n, 3);
	while (n)
		x509_free(c[--n]);
	CHECK(x509_parse_file(file("all"), c, 2, &n, &e) == -1);
	CHECK_HAS(e.msg, "more than 2");
	CHECK(run("(cat gw.crt; sed 's/^MII/M@I/' mid.crt) > bad; (cat gw.crt; sed 's/^MII/AII/' mid.crt) > bad2"));
	CHECK(x509_parse_file(file("bad"), c, 4, &n, &e) == -1);
	CHECK_HAS(e.msg, "certificate 2 of the file");
	CHECK(x509_parse_file(file("bad2"), c, 4, &n, &e) == -1);
	CHECK(x509_parse_file(file("root.key"), c, 4, &n, &e) == -1);
	CHECK_HAS(e.msg, "no certificate in it");
	memset(big, 0x30, sizeof(big));
	CHECK(x509_parse((struct slice){ big, sizeof(big) }, &e) == NULL);
	CHECK_HAS(e.msg, "16394 bytes");
	CHECK(x509_parse((struct slice){ big, sizeof(big) - 100 }, &e) == NULL);
	/* more names than any certificate needs */
	CHECK(run("n=DNS:a0.example; for i in $(seq 100); do n=$n,DNS:a$i.example; done; "
		  "sh ./issue many root /CN=many subjectAltName=$n 20260101 20360101"));
	CHECK(x509_parse_file(file("many.crt"), c, 4, &n, &e) == -1);
	CHECK_HAS(e.msg, "malformed");
}

int main(void)
{
	if (!scratch_new())
		return 0;
	T_RUN(reads);
	T_RUN(identities);
	T_RUN(names);
	T_RUN(chains);
	T_RUN(times);
	T_RUN(not_a_ca);
	T_RUN(usages);
	T_RUN(algorithms);
	T_RUN(revocation);
	T_RUN(bad_crls);
	T_RUN(damaged);
	T_RUN(files);
	if (!t_failed)
		scratch_end();
	return t_done();
}
