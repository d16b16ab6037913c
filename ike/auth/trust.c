/* trust: files by name, parsed once. Which of them count for a peer is decided at each
 * question: settings and files change apart from each other, and a question is rare. */
#include "ike/auth/trust.h"

#include "core/base/sbuf.h"
#include "core/crypto/der.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CERTS_PER_FILE 16
#define WARNINGS_SHOWN 4
#define CERTS_MAX 4096		/* of all files together */

struct file {
	struct file *next;
	char name[PKI_NAME_MAX + 1];
	uint8_t kind;			/* PKI_CERT or PKI_CRL */
	bool pinned, used;
	size_t n;
	struct x509 *certs[CERTS_PER_FILE];
	struct x509_crl *crl;
};

struct trust {
	struct file *files;
	size_t n_files, n_certs;
};

struct trust *trust_new(void)
{
	return calloc(1, sizeof(struct trust));
}

static void file_free(struct file *f)
{
	for (size_t i = 0; i < f->n; i++)
		x509_free(f->certs[i]);
	x509_crl_free(f->crl);
	free(f);
}

void trust_free(struct trust *t)
{
	if (!t)
		return;
	while (t->files) {
		struct file *f = t->files;

		t->files = f->next;
		file_free(f);
	}
	free(t);
}

static struct file *find(const struct trust *t, const char *name, enum pki_kind kind)
{
	for (struct file *f = t->files; f; f = f->next)
		if (f->kind == kind && strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

void trust_remove(struct trust *t, const char *name, enum pki_kind kind)
{
	for (struct file **at = &t->files; *at; at = &(*at)->next) {
		struct file *f = *at;

		if (f->kind != kind || strcmp(f->name, name) != 0)
			continue;
		*at = f->next;
		t->n_files--;
		t->n_certs -= f->n;
		file_free(f);
		return;
	}
}

int trust_set(struct trust *t, const char *name, enum pki_kind kind, struct slice bytes,
	      struct err *e)
{
	struct file *f;
	int how;

	trust_remove(t, name, kind);
	if (kind != PKI_CERT && kind != PKI_CRL)
		return err_set(e, "%s: only certificates and CRLs belong here", name);
	if (t->n_files >= TRUST_FILES_MAX)
		return err_set(e, "more than %d files in pki/", TRUST_FILES_MAX);
	f = calloc(1, sizeof(*f));
	if (!f)
		return err_set(e, "out of memory");
	snprintf(f->name, sizeof(f->name), "%s", name);
	f->kind = (uint8_t)kind;
	if (kind == PKI_CERT)
		how = x509_parse_file(bytes, f->certs, CERTS_PER_FILE, &f->n, e);
	else
		how = (f->crl = x509_crl_parse(bytes, e)) ? 0 : -1;
	if (how == 0 && t->n_certs + f->n > CERTS_MAX)
		how = err_set(e, "more than %d certificates in pki/", CERTS_MAX);
	if (how < 0) {
		file_free(f);
		return err_wrap(e, "pki/%s.%s", name, kind == PKI_CERT ? "crt" : "crl");
	}
	f->next = t->files;
	t->files = f;
	t->n_files++;
	t->n_certs += f->n;
	return 0;
}

void trust_pin(struct trust *t, const char *name, bool pinned)
{
	struct file *f = find(t, name, PKI_CERT);

	if (f)
		f->pinned = pinned;
}

void trust_use(struct trust *t, const char *name, bool used)
{
	struct file *f = find(t, name, PKI_CERT);

	if (f)
		f->used = used;
}

static void warn(const struct file *f, int64_t now_s, struct sbuf *out)
{
	const struct x509 *c = f->certs[0];
	int64_t days = (c->not_after - now_s + 86399) / 86400;	/* begun ones count */
	time_t t = (time_t)c->not_after;
	char when[32] = "";
	struct tm tm;

	if (gmtime_r(&t, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d", &tm);
	sbuf_addf(out, "%sthe %s %s ", out->len ? "; " : "", c->ca ? "CA" : "certificate",
		  f->name);
	if (now_s > c->not_after)
		sbuf_addf(out, "expired on %s", when);
	else
		sbuf_addf(out, "expires in %lld day%s (%s)", (long long)days,
			  days == 1 ? "" : "s", when);
}

void trust_warnings(const struct trust *t, int64_t now_s, struct sbuf *out)
{
	unsigned n = 0;

	for (const struct file *f = t->files; f; f = f->next) {
		if (f->kind != PKI_CERT || (!f->used && !f->certs[0]->ca) ||
		    f->certs[0]->not_after - now_s > TRUST_WARN_DAYS * 86400LL)
			continue;
		if (++n <= WARNINGS_SHOWN)
			warn(f, now_s, out);
	}
	if (n > WARNINGS_SHOWN)
		sbuf_addf(out, "; and %u more (adit pki)", n - WARNINGS_SHOWN);
}

size_t trust_count(const struct trust *t)
{
	return t->n_files;
}

/* ---- ours ---- */

static const struct file *own(const struct trust *t, const struct peer_conf *c)
{
	return c->cert[0] ? find(t, c->cert, PKI_CERT) : NULL;
}

static const struct file *own_or_why(const struct trust *t, const struct peer_conf *c,
				     struct err *e)
{
	const struct file *f = own(t, c);

	if (f)
		return f;
	if (!c->cert[0])
		err_set(e, "no certificate is set for this side (cert)");
	else
		err_set(e,
			"there is no certificate \"%s\" (cert); adit pki list shows which "
			"there are",
			c->cert);
	return NULL;
}

static bool is_root(const struct x509 *c)
{
	return slice_is(c->issuer, c->subject);
}

size_t trust_own(const struct trust *t, const struct peer_conf *c,
		 struct slice out[X509_CHAIN_MAX], struct err *e)
{
	const struct file *f = own_or_why(t, c, e);
	size_t n = 0;

	for (size_t i = 0; f && i < f->n && n < X509_CHAIN_MAX; i++)
		if (i == 0 || !is_root(f->certs[i]))
			out[n++] = f->certs[i]->der;
	return n;
}

const struct x509 *trust_own_cert(const struct trust *t, const struct peer_conf *c)
{
	const struct file *f = own(t, c);

	return f ? f->certs[0] : NULL;
}

int trust_own_key(const struct trust *t, const struct peer_conf *c, enum pk_type *type,
		  unsigned *bits, struct err *e)
{
	const struct file *f = own_or_why(t, c, e);
	struct pk *k;

	if (!f)
		return -1;
	k = x509_key(f->certs[0], e);
	if (!k)
		return err_wrap(e, "our certificate \"%s\"", c->cert);
	*type = pk_type(k);
	*bits = pk_bits(k);
	pk_free(k);
	return 0;
}

/* ---- the CAs of a peer ---- */

static bool named(const struct peer_conf *c, const struct file *f)
{
	if (c->n_ca == 0)
		return !f->pinned;
	for (size_t i = 0; i < c->n_ca; i++)
		if (strcmp(c->ca[i], f->name) == 0)
			return true;
	return false;
}

/* A file of CAs begins with one; the CAs behind our own certificate only help to find the
 * way. With `ca` naming the file, what it says is meant. */
static bool is_anchor(const struct peer_conf *c, const struct file *f, size_t i)
{
	return named(c, f) && f->certs[0]->ca && f->certs[i]->ca;
}

/* Every CA of this peer in turn; state starts with *f the first file and *i 0. */
static const struct x509 *next_ca(const struct peer_conf *c, const struct file **f,
				  size_t *i)
{
	for (; *f; *f = (*f)->next, *i = 0)
		while (*i < (*f)->n) {
			size_t at = (*i)++;

			if (is_anchor(c, *f, at))
				return (*f)->certs[at];
		}
	return NULL;
}

size_t trust_certreq(const struct trust *t, const struct peer_conf *c,
		     uint8_t out[TRUST_CAS_MAX][X509_HASH_LEN])
{
	const struct file *f = t->files;
	const struct x509 *ca;
	size_t n = 0, i = 0;

	if (c->peer_cert[0])
		return 0;
	while (n < TRUST_CAS_MAX && (ca = next_ca(c, &f, &i)))
		x509_spki_hash(ca, out[n++]);
	return n;
}

size_t trust_ca_names(const struct trust *t, const struct peer_conf *c,
		      struct slice out[TRUST_CAS_MAX])
{
	const struct file *f = t->files;
	const struct x509 *ca;
	size_t n = 0, i = 0;

	if (c->peer_cert[0])
		return 0;
	while (n < TRUST_CAS_MAX && (ca = next_ca(c, &f, &i)))
		out[n++] = ca->subject;
	return n;
}

static const struct x509 *issuer_of(const struct trust *t, const struct x509 *c)
{
	for (const struct file *f = t->files; f; f = f->next)
		for (size_t i = 0; i < f->n; i++)
			if (f->certs[i]->ca &&
			    x509_dn_equal(f->certs[i]->subject, c->issuer))
				return f->certs[i];
	return NULL;
}

bool trust_asked_for(const struct trust *t, const struct peer_conf *c,
		     struct slice hashes)
{
	const struct x509 *at = trust_own_cert(t, c);
	uint8_t hash[X509_HASH_LEN];

	if (hashes.len < X509_HASH_LEN)
		return true;
	for (size_t up = 0; at && up < X509_CHAIN_MAX; up++) {
		const struct x509 *ca = issuer_of(t, at);

		if (!ca)
			break;
		x509_spki_hash(ca, hash);
		for (size_t i = 0; i + X509_HASH_LEN <= hashes.len; i += X509_HASH_LEN)
			if (memcmp(hashes.p + i, hash, X509_HASH_LEN) == 0)
				return true;
		if (is_root(ca))
			break;
		at = ca;
	}
	return false;
}

/* ---- the peer ---- */

/* What is in pki/, sorted for one peer. The arrays are the caller's to free(). */
struct sorted {
	const struct x509 **anchors, **more;
	struct x509_crl **crls;
	struct x509_trust trust;
};

static void sorted_fini(struct sorted *s)
{
	free(s->anchors);
	free(s->more);
	free(s->crls);
}

static int sort(const struct trust *t, const struct peer_conf *c, struct sorted *s,
		struct err *e)
{
	size_t certs = t->n_certs + 1, files = t->n_files + 1;

	s->anchors = calloc(certs, sizeof(const struct x509 *));
	s->more = calloc(certs, sizeof(const struct x509 *));
	s->crls = calloc(files, sizeof(struct x509_crl *));
	if (!s->anchors || !s->more || !s->crls)
		return err_set(e, "out of memory");
	s->trust = (struct x509_trust){ .anchors = s->anchors,
					.more = s->more,
					.crls = s->crls,
					.crl = c->crl,
					.sha1 = c->allow_weak & WEAK_SHA1 };
	for (const struct file *f = t->files; f; f = f->next) {
		if (f->crl)
			s->crls[s->trust.n_crls++] = f->crl;
		for (size_t i = 0; i < f->n; i++) {
			bool pinned = c->peer_cert[0] && i == 0 &&
				      strcmp(f->name, c->peer_cert) == 0;

			if (c->peer_cert[0] ? pinned : is_anchor(c, f, i))
				s->anchors[s->trust.n_anchors++] = f->certs[i];
			else if (f->certs[i]->ca)
				s->more[s->trust.n_more++] = f->certs[i];
		}
	}
	return 0;
}

static int no_anchor(const struct trust *t, const struct peer_conf *c, struct err *e)
{
	if (c->peer_cert[0])
		return err_set(
			e,
			"there is no certificate \"%s\" (peer_cert); import it with adit "
			"pki import",
			c->peer_cert);
	for (size_t i = 0; i < c->n_ca; i++)
		if (!find(t, c->ca[i], PKI_CERT))
			return err_set(
				e,
				"there is no certificate \"%s\" (ca); import it with "
				"adit pki import",
				c->ca[i]);
	if (c->n_ca)
		return err_set(e, "\"%s\" is not a CA's certificate (ca)", c->ca[0]);
	return err_set(
		e,
		"there is no CA to check the peer's certificate against; import one with "
		"adit pki import");
}

/* What the peer sent, parsed; certificates behind the first that cannot be read are left
 * out, for they may not be needed. */
static size_t parse_sent(const struct slice *certs, size_t n,
			 struct x509 *out[X509_CHAIN_MAX], struct err *e)
{
	size_t got = 0;

	for (size_t i = 0; i < n && got < X509_CHAIN_MAX; i++) {
		out[got] = x509_parse(certs[i], i == 0 ? e : NULL);
		if (!out[got] && i == 0) {
			err_wrap(e, "its certificate cannot be read");
			return 0;
		}
		got += out[got] != NULL;
	}
	return got;
}

static int judge(const struct sorted *s, const struct peer_conf *c,
		 const struct x509 *const *chain, size_t n, const struct ike_id *id,
		 struct pk **key, struct err *e)
{
	char name[X509_DN_TEXT_MAX];

	if (c->peer_cert[0] && !slice_is(chain[0]->der, s->trust.anchors[0]->der))
		return err_set(
			e,
			"it sent another certificate (%.200s) than the one it is known by "
			"(peer_cert = %s)",
			x509_dn_short(chain[0]->subject, name, sizeof(name)),
			c->peer_cert);
	if (x509_verify(chain, n, &s->trust, NULL, e) < 0 ||
	    (id && x509_check_id(chain[0], id, e) < 0))
		return -1;
	*key = x509_key(chain[0], e);
	return *key ? 0 : -1;
}

int trust_verify(const struct trust *t, const struct peer_conf *c,
		 const struct slice *certs, size_t n, const struct ike_id *id,
		 int64_t now_s, struct pk **key, struct err *e)
{
	struct x509 *sent[X509_CHAIN_MAX];
	struct sorted s = { 0 };
	size_t got = 0;
	int how = -1;

	*key = NULL;
	if (sort(t, c, &s, e) < 0)
		goto out;
	s.trust.now_s = now_s;
	if (s.trust.n_anchors == 0) {
		no_anchor(t, c, e);
		goto out;
	}
	if (n == 0 && c->peer_cert[0]) {
		how = judge(&s, c, s.trust.anchors, 1, id, key, e);
		goto out;
	}
	if (n == 0) {
		err_set(e, "the peer sent no certificate");
		goto out;
	}
	got = parse_sent(certs, n, sent, e);
	if (got)
		how = judge(&s, c, (const struct x509 *const *)sent, got, id, key, e);
out:
	while (got)
		x509_free(sent[--got]);
	sorted_fini(&s);
	return how;
}
