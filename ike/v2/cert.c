/* cert: schemes chosen and found, chains sent and asked for, signatures checked. */
#include "ike/v2/cert.h"

#include "core/base/clock.h"
#include "core/crypto/pk.h"
#include "core/crypto/x509.h"
#include "ike/auth/trust.h"
#include "ike/v2/v2.h"
#include "ike/wire/id.h"

#include <stdlib.h>
#include <string.h>

#define CERTS_KEPT 12		/* of a message; more are of no use */

/* ---- who we are ---- */

static const struct x509 *own_cert(const struct peer *p)
{
	const struct trust *t = p->e->env.trust;

	return t && p->conf.auth == AUTH_BY_CERT ? trust_own_cert(t, &p->conf) : NULL;
}

struct ike_id cert_own_id(const struct peer *p)
{
	const struct x509 *c;

	if (p->conf.local_id.type)
		return p->conf.local_id;
	c = own_cert(p);
	return c ? x509_own_id(c) : (struct ike_id){ 0 };
}

bool cert_may_be(const struct peer *p, const struct ike_id *id)
{
	struct ike_id own = cert_own_id(p);
	const struct x509 *c;
	struct err err = { 0 };

	if (id_equal(&own, id))
		return true;
	c = p->conf.local_id.type ? NULL : own_cert(p);
	return c && x509_check_id(c, id, &err) == 0;
}

bool cert_in_use(const struct peer *p)
{
	return p->conf.auth == AUTH_BY_CERT || p->conf.peer_auth == AUTH_BY_CERT;
}

/* ---- signing ---- */

/* As strong as the key, then stronger, then weaker: row 0 is for SHA2-256, … */
static const enum pk_scheme pss[] = { PK_RSA_PSS_SHA256, PK_RSA_PSS_SHA384,
				      PK_RSA_PSS_SHA512 };
static const enum pk_scheme ecdsa[] = { PK_ECDSA_SHA256, PK_ECDSA_SHA384,
					PK_ECDSA_SHA512 };

static int pick(unsigned hashes, int wanted)
{
	for (int i = wanted; i < 3; i++)
		if (hashes & 1u << (SIGHASH_SHA256 + i))
			return i;
	for (int i = wanted - 1; i >= 0; i--)
		if (hashes & 1u << (SIGHASH_SHA256 + i))
			return i;
	return -1;
}

/* RFC 7427 §5: a hash about as strong as the key. */
static int hash_for(enum pk_type type, unsigned bits)
{
	if (type == PK_RSA)
		return bits <= 3072 ? 0 : bits <= 7680 ? 1 : 2;
	return bits <= 256 ? 0 : bits <= 384 ? 1 : 2;
}

static enum pk_scheme old_scheme(enum pk_type type, unsigned bits)
{
	if (type == PK_RSA)
		return PK_RSA_PKCS1_SHA1;
	return bits <= 256 ? PK_ECDSA_P256 : bits <= 384 ? PK_ECDSA_P384 : PK_ECDSA_P521;
}

uint8_t cert_scheme(const struct peer *p, unsigned peer_hashes, struct err *e)
{
	const struct trust *t = p->e->env.trust;
	enum pk_type type;
	unsigned bits;
	int i;

	if (!t) {
		err_set(e, "there are no certificates here");
		return 0;
	}
	if (trust_own_key(t, &p->conf, &type, &bits, e) < 0)
		return 0;
	if (!peer_hashes)
		return old_scheme(type, bits);
	i = pick(peer_hashes, hash_for(type, bits));
	if (i < 0) {
		err_set(e, "the peer takes no hash algorithm that this side signs with "
			   "(SHA2-256, 384, 512)");
		return 0;
	}
	/* RFC 8247 §3.2: PSS, not PKCS#1 version 1.5, where method 14 is spoken. */
	return type == PK_RSA ? pss[i] : ecdsa[i];
}

static uint8_t method_of(uint8_t scheme)
{
	switch ((enum pk_scheme)scheme) {
	case PK_RSA_PKCS1_SHA1:
		return AUTH_RSA;
	case PK_ECDSA_P256:
		return AUTH_ECDSA_256;
	case PK_ECDSA_P384:
		return AUTH_ECDSA_384;
	case PK_ECDSA_P521:
		return AUTH_ECDSA_521;
	case PK_RSA_PKCS1_SHA256: case PK_RSA_PKCS1_SHA384: case PK_RSA_PKCS1_SHA512:
	case PK_RSA_PSS_SHA256: case PK_RSA_PSS_SHA384: case PK_RSA_PSS_SHA512:
	case PK_ECDSA_SHA256: case PK_ECDSA_SHA384: case PK_ECDSA_SHA512:
	case PK_RSA_RAW: case PK_SCHEME_N:
		break;
	}
	return AUTH_DIGITAL;
}

void cert_write_auth(struct build *b, uint8_t scheme, struct slice signature)
{
	uint8_t method = method_of(scheme);

	if (method == AUTH_DIGITAL)
		build_auth_digital(b, pk_scheme_der((enum pk_scheme)scheme), signature);
	else
		build_auth(b, method, signature);
}

size_t cert_auth_data(uint8_t scheme, struct slice signature, uint8_t *buf, size_t cap)
{
	struct wr w = wr_init(buf, cap);

	if (method_of(scheme) == AUTH_DIGITAL) {
		struct slice der = pk_scheme_der((enum pk_scheme)scheme);

		wr_u8(&w, (uint8_t)der.len);
		wr_bytes(&w, der.p, der.len);
	}
	wr_bytes(&w, signature.p, signature.len);
	return wr_ok(&w) ? w.len : 0;
}

int cert_write_chain(struct build *b, const struct peer *p, struct err *e)
{
	struct slice chain[X509_CHAIN_MAX];
	size_t n;

	if (!p->e->env.trust)
		return err_set(e, "there are no certificates here");
	n = trust_own(p->e->env.trust, &p->conf, chain, e);
	if (!n)
		return -1;
	for (size_t i = 0; i < n; i++)
		build_cert(b, chain[i]);
	return 0;
}

void cert_write_request(struct build *b, const struct peer *p)
{
	uint8_t cas[TRUST_CAS_MAX][X509_HASH_LEN];
	size_t n;

	if (p->conf.peer_auth != AUTH_BY_CERT || !p->e->env.trust)
		return;
	n = trust_certreq(p->e->env.trust, &p->conf, cas);
	/* Empty it asks for any (§3.7): of a pinned peer its certificate is here already. */
	if (n)
		build_certreq(b, (struct slice){ cas[0], n * X509_HASH_LEN });
}

static bool has(uint8_t (*all)[X509_HASH_LEN], size_t n, const uint8_t *one)
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(all[i], one, X509_HASH_LEN) == 0)
			return true;
	return false;
}

void cert_write_requests(struct build *b, struct engine *e, const struct input *in)
{
	uint8_t all[TRUST_CAS_MAX][X509_HASH_LEN], cas[TRUST_CAS_MAX][X509_HASH_LEN];
	size_t n = 0;

	if (!e->env.trust)
		return;
	for (const struct peer *p = engine_caller(e, &in->remote->addr, NULL);
	     p && n < TRUST_CAS_MAX; p = engine_caller(e, &in->remote->addr, p)) {
		size_t k;

		if (p->conf.peer_auth != AUTH_BY_CERT || !peer_speaks(p, IKE_V2) ||
		    !peer_match_addr(p, in->local, in->remote))
			continue;
		k = trust_certreq(e->env.trust, &p->conf, cas);
		for (size_t i = 0; i < k && n < TRUST_CAS_MAX; i++)
			if (!has(all, n, cas[i]))
				memcpy(all[n++], cas[i], X509_HASH_LEN);
	}
	if (n)
		build_certreq(b, (struct slice){ all[0], n * X509_HASH_LEN });
}

/* ---- checking ---- */

int cert_keep(const struct ike_msg *m, uint8_t **p, size_t *len, struct err *e)
{
	const struct payload *pl = NULL;
	struct cert_payload c;
	struct wr w;
	unsigned n = 0;

	*len = 0;
	*p = malloc(MSG_CAP + CERTS_KEPT * 4);
	if (!*p)
		return err_set(e, "out of memory");
	w = wr_init(*p, MSG_CAP + CERTS_KEPT * 4);
	while ((pl = ike_msg_next(m, PAYLOAD_CERT, pl)) && n < CERTS_KEPT) {
		if (payload_cert(pl->body, &c, e) < 0) {
			free(*p);
			*p = NULL;
			return -1;
		}
		/* Hashes and addresses of certificates, and CRLs, are nothing we asked for. */
		if (c.encoding != CERT_X509 || c.data.len > X509_DER_MAX)
			continue;
		wr_u32(&w, (uint32_t)c.data.len);
		wr_bytes(&w, c.data.p, c.data.len);
		n++;
	}
	*len = wr_ok(&w) ? w.len : 0;
	if (*len) {
		uint8_t *less = realloc(*p, *len);

		*p = less ? less : *p;
	} else {
		free(*p);
		*p = NULL;
	}
	return 0;
}

static size_t kept(const struct ike_sa *sa, struct slice out[CERTS_KEPT])
{
	struct rd r = rd_slice(blob_slice(&v2(sa)->hs->in.certs));
	size_t n = 0;

	while (r.left && n < CERTS_KEPT) {
		struct rd one = rd_child(&r, rd_u32(&r));

		out[n++] = rd_rest(&one);
	}
	return n;
}

bool cert_belongs(const struct ike_sa *sa, const struct peer *p, const struct ike_id *id)
{
	struct slice certs[CERTS_KEPT];
	struct err err = { 0 };
	struct pk *key;

	if (!p->e->env.trust ||
	    trust_verify(p->e->env.trust, &p->conf, certs, kept(sa, certs),
			 peer_id_to_hold(p, id), clock_wall_s(), &key, &err) < 0)
		return false;
	pk_free(key);
	return true;
}

/* Method 1 says RSA and SHA-1; who means another hash says so inside the signature, where
 * PKCS#1 has it. */
static int check_rsa(struct pk *key, struct slice octets, struct slice sig, struct err *e)
{
	static const enum pk_scheme tries[] = { PK_RSA_PKCS1_SHA1, PK_RSA_PKCS1_SHA256,
						PK_RSA_PKCS1_SHA384, PK_RSA_PKCS1_SHA512 };

	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++)
		if (pk_verify(key, tries[i], octets, sig, e) == 0)
			return 0;
	return -1;
}

static int check_digital(struct pk *key, struct slice octets, struct slice data, struct err *e)
{
	struct slice alg, sig;
	enum pk_scheme s;

	if (payload_auth_digital(data, &alg, &sig, e) < 0)
		return -1;
	s = pk_scheme_of_der(alg);
	if (!s)
		return err_set(e, "it signs by an algorithm that is not known here");
	if (s == PK_RSA_PKCS1_SHA1)
		return err_set(e, "it signs with SHA-1, which this side did not offer");
	if (!pk_scheme_fits(s, pk_type(key), pk_bits(key)))
		return err_set(e, "it signs by %s, which its key cannot", pk_scheme_name(s));
	return pk_verify(key, s, octets, sig, e);
}

static int check_signature(struct pk *key, uint8_t method, struct slice octets,
			   struct slice data, struct err *e)
{
	static const enum pk_scheme by_curve[] = { PK_ECDSA_P256, PK_ECDSA_P384,
						   PK_ECDSA_P521 };

	if (method == AUTH_DIGITAL)
		return check_digital(key, octets, data, e);
	if (method == AUTH_RSA && pk_type(key) == PK_RSA)
		return check_rsa(key, octets, data, e);
	if (method >= AUTH_ECDSA_256 && method <= AUTH_ECDSA_521 &&
	    pk_scheme_fits(by_curve[method - AUTH_ECDSA_256], pk_type(key), pk_bits(key)))
		return pk_verify(key, by_curve[method - AUTH_ECDSA_256], octets, data, e);
	return err_set(e, "it authenticates by method %u, which its certificate's key cannot",
		       method);
}

int cert_check(const struct ike_sa *sa, const struct ike_id *id, struct slice octets,
	       struct err *e)
{
	struct handshake *hs = v2(sa)->hs;
	const struct auth_kept *in = &hs->in;
	const struct peer *p = sa->peer;
	struct slice certs[CERTS_KEPT];
	struct pk *key;
	int rc;

	if (!p->e->env.trust)
		return err_set(e, "there are no certificates here to check it with");
	if (trust_verify(p->e->env.trust, &p->conf, certs, kept(sa, certs), peer_id_to_hold(p, id),
			 clock_wall_s(), &key, e) < 0)
		return -1;
	rc = check_signature(key, in->method, octets, blob_slice(&in->auth), e);
	pk_free(key);
	hs->bad_signature = rc < 0;
	if (rc < 0 && hs->ppk_used)
		return err_set(e, "its signature does not fit: its post-quantum key is another "
				  "(ppk), or its private key is");
	if (rc < 0 && p->conf.peer_cert[0] && !in->certs.len)
		return err_set(e, "its signature is not by the certificate it is known by "
				  "(peer_cert = %s)", p->conf.peer_cert);
	if (rc < 0)
		return err_wrap(e, "its signature is refused");
	return 0;
}
