/* sign: see sign.h. */
#include "ike/v1/sign.h"

#include "core/base/clock.h"
#include "core/crypto/pk.h"
#include "ike/auth/trust.h"

#define CERT_X509_SIGNATURE 4	/* RFC 2408 §3.9 */
#define CERTS_LOOKED_AT 12

bool sign_wanted(const struct peer *p)
{
	return p->conf.auth == AUTH_BY_CERT;
}

int sign_ready(const struct peer *p, struct err *e)
{
	enum pk_type type;
	unsigned bits;

	if (p->conf.peer_auth != p->conf.auth)
		return err_set(e, "IKEv1 has one way for both sides: peer_auth cannot differ "
			       "from auth");
	if (p->conf.exchange == EXCHANGE_AGGRESSIVE)
		return err_set(e, "certificates are for Main mode here (exchange)");
	if (!p->e->env.trust)
		return err_set(e, "there are no certificates here");
	if (trust_own_key(p->e->env.trust, &p->conf, &type, &bits, e) < 0)
		return -1;
	if (type != PK_RSA)
		return err_set(e, "IKEv1 wants a certificate with an RSA key");
	return 0;
}

struct ike_id sign_own_id(const struct peer *p)
{
	const struct x509 *c = p->e->env.trust && sign_wanted(p) ?
			       trust_own_cert(p->e->env.trust, &p->conf) : NULL;

	return c ? x509_own_id(c) : (struct ike_id){ 0 };
}

int sign_write_chain(const struct peer *p, struct isakmp_build *b, struct err *e)
{
	struct slice chain[X509_CHAIN_MAX];
	size_t n = p->e->env.trust ? trust_own(p->e->env.trust, &p->conf, chain, e) : 0;

	for (size_t i = 0; i < n; i++) {
		isakmp_open(b, P_CERT);
		wr_u8(&b->w, CERT_X509_SIGNATURE);
		wr_bytes(&b->w, chain[i].p, chain[i].len);
		isakmp_close(b);
	}
	return n ? 0 : -1;
}

static void write_name(struct isakmp_build *b, struct slice name)
{
	isakmp_open(b, P_CR);
	wr_u8(&b->w, CERT_X509_SIGNATURE);
	wr_bytes(&b->w, name.p, name.len);
	isakmp_close(b);
}

/* Many boxes send their certificate only when they are asked for it, pinned or not. */
void sign_write_request(const struct peer *p, struct isakmp_build *b)
{
	struct slice names[TRUST_CAS_MAX];
	size_t n = p->e->env.trust ? trust_ca_names(p->e->env.trust, &p->conf, names) : 0;

	if (n > 6)		/* a payload each: it may not fit, and any will do */
		n = 0;
	for (size_t i = 0; i < n; i++)
		write_name(b, names[i]);
	if (!n)
		write_name(b, (struct slice){ 0 });
}

static size_t certs_of(const struct isakmp_msg *m, struct slice out[CERTS_LOOKED_AT])
{
	const struct isakmp_payload_at *p = NULL;
	size_t n = 0;

	while ((p = isakmp_next(m, P_CERT, p)) && n < CERTS_LOOKED_AT)
		if (p->body.len > 1 && p->body.p[0] == CERT_X509_SIGNATURE)
			out[n++] = (struct slice){ p->body.p + 1, p->body.len - 1 };
	return n;
}

static struct pk *key_of(const struct peer *p, const struct isakmp_msg *m,
			 const struct ike_id *id, struct err *e)
{
	struct slice certs[CERTS_LOOKED_AT];
	size_t n = certs_of(m, certs);
	struct pk *key = NULL;

	if (!p->e->env.trust) {
		err_set(e, "there are no certificates here to check it with");
		return NULL;
	}
	if (!n && !p->conf.peer_cert[0]) {
		err_set(e, "it sends no certificate");
		return NULL;
	}
	if (trust_verify(p->e->env.trust, &p->conf, certs, n, peer_id_to_hold(p, id),
			 clock_wall_s(), &key, e) < 0)
		return NULL;
	return key;
}

int sign_belongs(const struct peer *p, const struct isakmp_msg *m, const struct ike_id *id,
		 struct err *e)
{
	struct pk *key = key_of(p, m, id, e);

	pk_free(key);
	return key ? 0 : -1;
}

int sign_check(const struct peer *p, const struct isakmp_msg *m, const struct ike_id *id,
	       struct slice hash, struct err *e)
{
	struct pk *key = key_of(p, m, id, e);
	int how;

	if (!key)
		return -1;
	if (pk_type(key) != PK_RSA)
		how = err_set(e, "its certificate has no RSA key");
	else if (pk_verify(key, PK_RSA_RAW, hash, isakmp_get(m, P_SIG)->body, e) < 0)
		how = err_wrap(e, "its signature is refused");
	else
		how = 0;
	pk_free(key);
	return how;
}
