/* rooms: ike/auth core/crypto core/base */
/* trust: which files of pki/ count for which peer, and what a peer's certificates make it. */
#include "ike/auth/trust.h"
#include "core/base/sbuf.h"
#include "tests/unit/openssl.h"
#include "tests/unit/t.h"

#include <time.h>

static struct trust *t;
static struct peer_conf peer;

/* mk NAME CA SUBJECT EXT */
static bool mk(const char *name, const char *ca, const char *subject, const char *ext)
{
	if (strcmp(name, ca) == 0)
		return run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "
			   "%s.key -out %s.crt -subj '%s' -days 300 -addext keyUsage=keyCertSign,"
			   "cRLSign,digitalSignature -utf8", name, name, subject);
	return run("openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s.key "
		   "-out %s.csr -subj '%s' -utf8; printf '%s' > ext; openssl x509 -req -in %s.csr -CA "
		   "%s.crt -CAkey %s.key -CAcreateserial -days 200 -extfile ext -out %s.crt",
		   name, name, subject, ext, name, ca, ca, name);
}

static void set(const char *name, const char *from)
{
	struct err e = { 0 };

	CHECK(trust_set(t, name, PKI_CERT, file(from), &e) == 0);
	CHECK_STR(e.msg, "");
}

static uint8_t der[4][4096];

static struct slice sent(unsigned slot, const char *name)
{
	struct slice s;

	CHECK(run("openssl x509 -in %s.crt -outform DER -out der", name));
	s = file("der");
	CHECK(s.len <= sizeof(der[0]));
	memcpy(der[slot], s.p, s.len);
	return (struct slice){ der[slot], s.len };
}

static const char *judge(const char *names, const struct ike_id *id)
{
	static struct err e;
	struct slice certs[4];
	struct pk *key = NULL;
	char list[100], *save = NULL;
	unsigned n = 0;
	int r;

	e = (struct err){ 0 };
	snprintf(list, sizeof(list), "%s", names);
	for (char *w = strtok_r(list, " ", &save); w; w = strtok_r(NULL, " ", &save), n++)
		certs[n] = sent(n, w);
	r = trust_verify(t, &peer, certs, n, id, (int64_t)time(NULL), &key, &e);
	CHECK((r == 0) == (key != NULL));
	CHECK((r == 0) == (e.msg[0] == '\0'));
	pk_free(key);
	return e.msg;
}

static struct ike_id fqdn(const char *name)
{
	struct ike_id id = { .type = ID_FQDN, .len = (uint8_t)strlen(name) };

	memcpy(id.data, name, id.len);
	return id;
}

static void fresh(void)
{
	static bool made;

	trust_free(t);
	t = trust_new();
	peer = (struct peer_conf){ .name = "branch" };
	if (made)
		return;
	CHECK(mk("root", "root", "/CN=Root", ""));
	CHECK(mk("mid", "root", "/CN=Mid", "basicConstraints=critical,CA:true"));
	CHECK(mk("gw", "mid", "/CN=gw", "subjectAltName=DNS:gw.example"));
	CHECK(mk("pinned", "pinned", "/CN=pinned", ""));
	CHECK(mk("evil", "pinned", "/CN=evil", "subjectAltName=DNS:gw.example"));
	CHECK(run("cat gw.crt mid.crt root.crt > chain.crt"));
	made = true;
}

static void by_ca(void)
{
	struct ike_id id = fqdn("gw.example"), other = fqdn("other.example");

	fresh();
	CHECK_HAS(judge("gw mid", &id), "no CA to check");
	set("acme", "root.crt");
	CHECK_STR(judge("gw mid", &id), "");
	CHECK_STR(judge("gw mid", NULL), "");
	CHECK_HAS(judge("gw mid", &other), "made out to CN=gw, DNS:gw.example");
	CHECK_HAS(judge("gw", &id), "unknown issuer \"CN=Mid\"");
	CHECK_HAS(judge("", &id), "sent no certificate");
	/* an intermediate that is here need not be sent; no `ca`: it is trusted as one */
	set("site", "mid.crt");
	CHECK_STR(judge("gw", &id), "");
	/* `ca` names the root alone: the way still leads over the other */
	strcpy(peer.ca[0], "acme");
	peer.n_ca = 1;
	CHECK_STR(judge("gw", &id), "");
	strcpy(peer.ca[0], "nothere");
	CHECK_HAS(judge("gw mid", &id), "no certificate \"nothere\" (ca)");
	set("pin", "pinned.crt");
	strcpy(peer.ca[0], "pin");
	CHECK_HAS(judge("gw mid", &id), "unknown issuer");
	trust_remove(t, "acme", PKI_CERT);
	trust_remove(t, "site", PKI_CERT);
	trust_remove(t, "site", PKI_CERT);
	CHECK_INT(trust_count(t), 1);
}

/* A pinned certificate that calls itself a CA is none for other peers. */
static void pinned(void)
{
	struct ike_id id = fqdn("gw.example");

	fresh();
	set("acme", "root.crt");
	set("them", "pinned.crt");
	CHECK_STR(judge("evil", &id), "");	/* as any CA of pki/ */
	trust_pin(t, "them", true);
	CHECK_HAS(judge("evil", &id), "unknown issuer \"CN=pinned\"");
	strcpy(peer.ca[0], "them");
	peer.n_ca = 1;
	CHECK_STR(judge("evil", &id), "");
	peer.n_ca = 0;
	strcpy(peer.peer_cert, "them");
	CHECK_STR(judge("pinned", NULL), "");
	CHECK_STR(judge("", NULL), "");
	CHECK_HAS(judge("evil", NULL), "another certificate (CN=evil)");
	CHECK_HAS(judge("gw mid", NULL), "another certificate");
	CHECK_HAS(judge("pinned", &id), "made out to CN=pinned");
	strcpy(peer.peer_cert, "gone");
	CHECK_HAS(judge("pinned", NULL), "no certificate \"gone\" (peer_cert)");
}

static void ours(void)
{
	struct slice out[X509_CHAIN_MAX];
	uint8_t hashes[TRUST_CAS_MAX][X509_HASH_LEN], root[X509_HASH_LEN];
	struct slice names[TRUST_CAS_MAX];
	struct err e = { 0 };
	enum pk_type type;
	unsigned bits;

	fresh();
	CHECK_INT(trust_own(t, &peer, out, &e), 0);
	CHECK_HAS(e.msg, "(cert)");
	strcpy(peer.cert, "me");
	CHECK_INT(trust_own(t, &peer, out, &e), 0);
	CHECK_HAS(e.msg, "no certificate \"me\"");
	CHECK(trust_own_key(t, &peer, &type, &bits, &e) == -1);
	set("me", "chain.crt");
	CHECK_INT(trust_own(t, &peer, out, &e), 2);
	CHECK(trust_own_key(t, &peer, &type, &bits, &e) == 0);
	CHECK(type == PK_ECDSA && bits == 256);
	/* the CAs behind ours are not trusted for that: it begins with no CA */
	CHECK_INT(trust_certreq(t, &peer, hashes), 0);
	CHECK(trust_own_cert(t, &peer) != NULL);
	set("acme", "root.crt");
	CHECK_INT(trust_certreq(t, &peer, hashes), 1);
	CHECK_INT(trust_ca_names(t, &peer, names), 1);
	memcpy(root, hashes[0], sizeof(root));
	CHECK(trust_asked_for(t, &peer, (struct slice){ root, sizeof(root) }));
	root[0] ^= 1;
	CHECK(!trust_asked_for(t, &peer, (struct slice){ root, sizeof(root) }));
	CHECK(trust_asked_for(t, &peer, (struct slice){ 0 }));
	strcpy(peer.peer_cert, "acme");
	CHECK_INT(trust_certreq(t, &peer, hashes), 0);
}

static const char *warnings(int64_t now)
{
	static struct sbuf b;

	sbuf_reset(&b);
	trust_warnings(t, now, &b);
	return sbuf_str(&b);
}

/* Certificates of 200 days, a root of 300. */
static void expiry(void)
{
	int64_t now = (int64_t)time(NULL);

	fresh();
	set("me", "gw.crt");
	set("acme", "root.crt");
	CHECK_STR(warnings(now), "");
	CHECK_STR(warnings(now + 180 * 86400), "");	/* nobody uses it */
	trust_use(t, "me", true);
	CHECK_STR(warnings(now + 169 * 86400), "");
	CHECK_HAS(warnings(now + 180 * 86400), "the certificate me expires in 20 days (20");
	CHECK_HAS(warnings(now + 201 * 86400), "the certificate me expired on 20");
	CHECK_HAS(warnings(now + 280 * 86400), "; ");
	CHECK_HAS(warnings(now + 280 * 86400), "the CA acme expires in 20 days");
	trust_use(t, "me", false);
	CHECK_HAS(warnings(now + 299 * 86400), "the CA acme expires in 1 day (");
	for (int i = 0; i < 6; i++) {
		char name[8];

		snprintf(name, sizeof(name), "ca%d", i);
		set(name, "root.crt");
	}
	CHECK_HAS(warnings(now + 280 * 86400), "; and 3 more (adit pki)");
}

static void bad_files(void)
{
	struct err e = { 0 };

	fresh();
	set("a", "root.crt");
	CHECK(trust_set(t, "a", PKI_CERT, (struct slice){ (const uint8_t *)"x", 1 }, &e) == -1);
	CHECK_HAS(e.msg, "pki/a.crt: the certificate is malformed");
	CHECK_INT(trust_count(t), 0);
	CHECK(trust_set(t, "a", PKI_CRL, file("root.crt"), &e) == -1);
	CHECK_HAS(e.msg, "pki/a.crl: there is no CRL");
	CHECK(trust_set(t, "a", PKI_KEY, file("root.key"), &e) == -1);
}

int main(void)
{
	if (!scratch_new())
		return 0;
	T_RUN(by_ca);
	T_RUN(pinned);
	T_RUN(ours);
	T_RUN(expiry);
	T_RUN(bad_files);
	trust_free(t);
	if (!t_failed)
		scratch_end();
	return t_done();
}
