/* x509verify: the way from a certificate to a CA that is trusted (RFC 5280 §6, cut to what an
 * office has). One step at a time upwards; at each the best of those that could have issued
 * it, one that is in order if there is one. Nothing is tried twice, so a heap of crossing
 * certificates costs as many signatures as it has certificates times steps, and no more. */
#include "core/crypto/x509priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define POOL_MAX 64
#define SIGNATURES_MAX 24	/* checked for one chain: RSA 8192 takes long */

struct way {
	const struct x509_trust *t;
	const struct x509 *path[X509_CHAIN_MAX + 1];	/* from the peer up; the anchor last */
	size_t len;
	const struct x509 *pool[POOL_MAX];
	bool used[POOL_MAX];
	size_t n_pool;
	unsigned signatures;
	struct err near;	/* why the best candidate would not do */
};

/* ---- words ---- */

static void day(int64_t wall_s, char buf[32])
{
	time_t t = (time_t)wall_s;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(buf, 32, "%Y-%m-%d", &tm))
		strcpy(buf, "?");
}

static void span(int64_t s, char buf[40])
{
	static const struct {
		int64_t s;
		const char *name;
	} units[] = {
		{ 86400, "day" }, { 3600, "hour" }, { 60, "minute" }, { 1, "second" }
	};
	size_t u = 0;

	while (u < 3 && s < units[u].s)
		u++;
	snprintf(buf, 40, "%" PRId64 " %s%s", s / units[u].s, units[u].name,
		 s / units[u].s == 1 ? "" : "s");
}

static int in_time(const struct x509 *c, const struct x509_trust *t, const char *who,
		   struct err *e)
{
	char name[X509_DN_TEXT_MAX], when[32], ago[40];

	if (t->now_s > c->not_after) {
		day(c->not_after, when);
		span(t->now_s - c->not_after, ago);
		return err_set(e, "%s expired %s ago (%.200s, %s)", who, ago,
			       x509_dn_short(c->subject, name, sizeof(name)), when);
	}
	if (t->now_s < c->not_before) {
		day(c->not_before, when);
		span(c->not_before - t->now_s, ago);
		return err_set(
			e,
			"%s is not valid yet: from %s on, in %s (%.200s; is this clock "
			"right?)",
			who, when, ago, x509_dn_short(c->subject, name, sizeof(name)));
	}
	return 0;
}

/* ---- each certificate ---- */

static int strong_key(const struct x509 *c, const char *who, struct err *e)
{
	char name[X509_DN_TEXT_MAX];
	struct err why = { 0 };
	struct pk *k = pk_public(c->spki, &why);
	bool weak = k && pk_type(k) == PK_RSA && pk_bits(k) < 2048;
	unsigned bits = k ? pk_bits(k) : 0;

	x509_dn_short(c->subject, name, sizeof(name));
	if (!k)
		return err_set(e, "%s (%.200s) has %.200s", who, name, why.msg);
	pk_free(k);
	if (weak)
		return err_set(e,
			       "%s (%.200s) has an RSA key of %u bits: 2048 is the least",
			       who, name, bits);
	return 0;
}

static int usable(const struct x509 *c, const struct x509_trust *t, const char *who,
		  struct err *e)
{
	char name[X509_DN_TEXT_MAX];

	if (in_time(c, t, who, e) < 0)
		return -1;
	if (c->refuse)
		return err_set(e, "%s (%.200s) %s", who,
			       x509_dn_short(c->subject, name, sizeof(name)), c->refuse);
	return strong_key(c, who, e);
}

/* RFC 4945 §5.1.3: it signs, and its extended usage, where there is one, is one that IPsec
 * hosts have: serverAuth and clientAuth are what most CAs give out. */
static int end_entity(const struct x509 *c, struct err *e)
{
	if (c->key_usage &&
	    !(c->key_usage & (X509_USE_SIGNATURE | X509_USE_NON_REPUDIATION)))
		return err_set(
			e, "its certificate may not be used for signatures (key usage)");
	if (c->eku && !(c->eku & ~(unsigned)X509_EKU_OTHER))
		return err_set(
			e, "its certificate is for something else than IKE (extended key "
			   "usage: serverAuth, clientAuth or ipsecIKE would do)");
	return 0;
}

static int may_issue(const struct x509 *ca, const struct way *w, struct err *e)
{
	char name[X509_DN_TEXT_MAX];
	int below = 0;

	x509_dn_short(ca->subject, name, sizeof(name));
	if (!ca->ca)
		return err_set(e, "%.200s issued it but is not a CA (basic constraints)",
			       name);
	if (ca->key_usage && !(ca->key_usage & X509_USE_CERT_SIGN))
		return err_set(e, "the CA %.200s may not sign certificates (key usage)",
			       name);
	for (size_t i = 1; i < w->len; i++)
		below += !x509_dn_equal(w->path[i]->issuer, w->path[i]->subject);
	if (ca->path_len >= 0 && below > ca->path_len)
		return err_set(e, "the CA %.200s allows %d CA%s below it, there are %d",
			       name, ca->path_len, ca->path_len == 1 ? "" : "s", below);
	return usable(ca, w->t, "the CA's certificate", e);
}

static bool is_sha1(const struct x509 *c)
{
	return pk_scheme_of_der(c->sig_alg) == PK_RSA_PKCS1_SHA1;
}

/* Did ca issue c? 1: yes, and all is well; 0: no, or another name; -1: yes, but: w->near. */
static int issued(struct way *w, const struct x509 *c, const struct x509 *ca)
{
	char name[X509_DN_TEXT_MAX];
	struct err e = { 0 };

	if (!x509_dn_equal(c->issuer, ca->subject))
		return 0;
	/* Keys of one CA's name differ after a renewal: the identifiers tell without work. */
	if (c->authority_key_id.len && ca->key_id.len &&
	    !slice_is(c->authority_key_id, ca->key_id))
		return 0;
	if (may_issue(ca, w, &e) < 0) {
		w->near = e;
		return -1;
	}
	if (++w->signatures > SIGNATURES_MAX) {
		err_set(&w->near, "too many certificates that could be its issuer's");
		return -1;
	}
	if (x509_check_signature(c->tbs, c->sig_alg, c->sig, ca, &e) < 0) {
		err_set(&w->near, "the certificate of %.150s is not signed by %s: %.180s",
			x509_dn_short(c->subject, name, sizeof(name)), "its issuer",
			e.msg);
		return -1;
	}
	if (is_sha1(c) && !w->t->sha1) {
		err_set(&w->near,
			"the certificate of %.200s is signed with SHA-1 (allow_weak = "
			"sha1 takes it)",
			x509_dn_short(c->subject, name, sizeof(name)));
		return -1;
	}
	return 1;
}

/* ---- revocation ---- */

static int by_crl(const struct x509_crl *l, const struct x509 *c, struct err *e)
{
	static const char *const reasons[] = {
		"",
		": key compromised",
		": CA compromised",
		": affiliation changed",
		": superseded",
		": no longer in use",
		": on hold",
		"",
		"",
		": privilege withdrawn",
		": CA compromised",
	};
	struct x509_revoked r;
	char name[X509_DN_TEXT_MAX], when[32];

	if (!x509_crl_find(l, c->serial, &r))
		return 0;
	day(r.when, when);
	return err_set(e, "the certificate of %.200s was revoked on %s%s",
		       x509_dn_short(c->subject, name, sizeof(name)), when,
		       r.reason >= 0 && r.reason <= 10 ? reasons[r.reason] : "");
}

static int revocation(const struct way *w, const struct x509 *c, const struct x509 *ca,
		      struct err *e)
{
	const struct x509_trust *t = w->t;
	char name[X509_DN_TEXT_MAX], when[32];
	struct x509_crl *newest = NULL;
	struct err why = { 0 };

	if (t->crl == CRL_OFF)
		return 0;
	x509_dn_short(ca->subject, name, sizeof(name));
	for (size_t i = 0; i < t->n_crls; i++) {
		if (!x509_dn_equal(x509_crl_issuer(t->crls[i]), ca->subject) ||
		    x509_crl_verify(t->crls[i], ca, &why) < 0)
			continue;
		/* Whichever says so, and however old: revoked is for ever. But "on hold" may
		 * end, so the newest decides. */
		if (!newest ||
		    x509_crl_this_update(t->crls[i]) > x509_crl_this_update(newest))
			newest = t->crls[i];
	}
	if (newest && by_crl(newest, c, e) < 0)
		return -1;
	if (t->crl != CRL_STRICT)
		return 0;
	if (!newest)
		return err_set(e,
			       "there is no%s CRL of %.200s and this peer requires one "
			       "(crl = strict)%s%.150s",
			       why.msg[0] ? " good" : "", name, why.msg[0] ? ": " : "",
			       why.msg);
	if (x509_crl_next_update(newest) && t->now_s > x509_crl_next_update(newest)) {
		day(x509_crl_next_update(newest), when);
		return err_set(
			e,
			"the CRL of %.200s is too old: a new one was due on %s (crl = "
			"strict)",
			name, when);
	}
	return 0;
}

/* ---- the way ---- */

static void pool_add(struct way *w, const struct x509 *const *certs, size_t n)
{
	for (size_t i = 0; i < n && w->n_pool < POOL_MAX; i++)
		w->pool[w->n_pool++] = certs[i];
}

/* The next step up from the path's top: 1 an anchor, 0 one of the pool, -1 none. */
static int step(struct way *w)
{
	const struct x509 *top = w->path[w->len - 1];

	for (size_t i = 0; i < w->t->n_anchors; i++)
		if (issued(w, top, w->t->anchors[i]) == 1) {
			w->path[w->len++] = w->t->anchors[i];
			return 1;
		}
	for (size_t i = 0; i < w->n_pool; i++) {
		/* A root that was sent along leads nowhere. */
		if (w->used[i] || slice_is(w->pool[i]->issuer, w->pool[i]->subject) ||
		    issued(w, top, w->pool[i]) != 1)
			continue;
		w->used[i] = true;
		w->path[w->len++] = w->pool[i];
		return 0;
	}
	return -1;
}

static int climb(struct way *w, struct err *e)
{
	char name[X509_DN_TEXT_MAX], top[X509_DN_TEXT_MAX];

	while (w->len < X509_CHAIN_MAX) {
		const struct x509 *c = w->path[w->len - 1];
		int how;

		w->near = (struct err){ 0 };
		how = step(w);
		if (how == 1)
			return 0;
		if (how == 0)
			continue;
		if (w->near.msg[0])
			return err_set(e, "%s", w->near.msg);
		x509_dn_str(c->issuer, name, sizeof(name));
		if (w->len > 1)
			return err_set(
				e,
				"unknown issuer \"%.200s\" of \"%.150s\": its certificate "
				"is not among the trusted CAs",
				name, x509_dn_short(c->subject, top, sizeof(top)));
		return err_set(
			e,
			"unknown issuer \"%.300s\": its certificate is not among the "
			"trusted CAs",
			name);
	}
	return err_set(e, "the chain has more than %d certificates", X509_CHAIN_MAX);
}

int x509_verify(const struct x509 *const *chain, size_t n, const struct x509_trust *t,
		const struct x509 **anchor, struct err *e)
{
	struct way w = { .t = t };

	if (n == 0)
		return err_set(e, "no certificate was sent");
	if (usable(chain[0], t, "its certificate", e) < 0 || end_entity(chain[0], e) < 0)
		return -1;
	w.path[w.len++] = chain[0];
	/* Trusted itself, by its very bytes: the pinned peer. */
	for (size_t i = 0; i < t->n_anchors; i++)
		if (slice_is(t->anchors[i]->der, chain[0]->der)) {
			if (anchor)
				*anchor = t->anchors[i];
			return 0;
		}
	pool_add(&w, chain + 1, n < X509_CHAIN_MAX ? n - 1 : X509_CHAIN_MAX - 1);
	pool_add(&w, t->more, t->n_more);
	if (climb(&w, e) < 0)
		return -1;
	for (size_t i = 0; i + 1 < w.len; i++)
		if (revocation(&w, w.path[i], w.path[i + 1], e) < 0)
			return -1;
	if (anchor)
		*anchor = w.path[w.len - 1];
	return 0;
}
