/* v2: what an IKEv2 responder takes, type by type. See probe.h for the trick. */
#include "ike/probe/probe.h"

#include "core/base/rng.h"
#include "core/crypto/crypto.h"
#include "ike/wire/build.h"
#include "ike/wire/keymat.h"
#include "ike/wire/proposal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_GROUP 22		/* MODP 1024 with a small subgroup (RFC 5114): never offered */
#define NO_GROUP_LEN 128
#define N_MAX 16

/* What is asked for: the words of core/crypto/alg.h, best first. */
static const char *const ask_encr[] = { "aes256gcm16", "aes128gcm16", "chacha20poly1305",
	"aes192gcm16", "aes256", "aes128", "aes192", "3des" };
static const char *const ask_integ[] = { "sha256", "sha384", "sha512", "sha1", "md5" };
static const char *const ask_ke[] = { "x25519", "ecp256", "ecp384", "ecp521", "modp2048",
	"modp3072", "modp4096", "modp6144", "modp8192", "modp1536", "modp1024", "modp768" };

struct set {
	unsigned n;
	const struct alg *a[N_MAX];
};

struct offer {
	struct set encr, integ, prf, ke;
};

static struct set set_of(enum alg_type type, const char *const *names, size_t n)
{
	struct set s = { 0 };

	for (size_t i = 0; i < n && s.n < N_MAX; i++) {
		const struct alg *a = alg_by_name(type, names[i]);

		if (a)
			s.a[s.n++] = a;
	}
	return s;
}

static void put(struct proposal *p, const struct set *s)
{
	for (unsigned i = 0; i < s->n && p->n < TRANSFORMS_MAX; i++)
		p->t[p->n++] = (struct sa_transform){ .type = (uint8_t)s->a[i]->type,
						      .id = s->a[i]->id,
						      .key_bits = s->a[i]->key_bits };
}

/* Ciphers with and without integrity of their own in proposals of their own (§3.3). */
static void to_payload(const struct offer *o, struct sa_payload *sa)
{
	struct set aead = { 0 }, cbc = { 0 };

	memset(sa, 0, sizeof(*sa));
	for (unsigned i = 0; i < o->encr.n; i++) {
		struct set *to = o->encr.a[i]->aead ? &aead : &cbc;

		to->a[to->n++] = o->encr.a[i];
	}
	for (int i = 0; i < 2; i++) {
		const struct set *encr = i ? &cbc : &aead;
		struct proposal *p = &sa->p[sa->n];

		if (!encr->n || (i && !o->integ.n))
			continue;
		p->number = ++sa->n;
		p->protocol = PROTO_IKE;
		put(p, encr);
		if (i)
			put(p, &o->integ);
		put(p, &o->prf);
		put(p, &o->ke);
	}
}

struct question {
	struct slice cookie;
	const struct ke *ke;		/* NULL: of a group that is not offered */
	uint64_t spi;
};

static size_t build_init(struct probe *p, const struct offer *o, const struct question *q,
			 bool natt, uint8_t buf[PROBE_MSG_MAX])
{
	struct ike_hdr hdr = { .spi_i = q->spi, .exchange = IKE_SA_INIT,
			       .flags = IKE_FLAG_INITIATOR };
	struct endpoint local = p->local, remote = p->remote;
	uint8_t none[NO_GROUP_LEN], nonce[32], hash[20];
	struct sa_payload *sa = malloc(sizeof(*sa));
	struct build b;
	size_t len = 0;

	if (!sa)
		return 0;
	to_payload(o, sa);
	rng_bytes(none, sizeof(none));
	rng_bytes(nonce, sizeof(nonce));
	none[0] &= 0x7f;
	build_begin(&b, buf, PROBE_MSG_MAX, &hdr);
	if (q->cookie.len)
		build_notify(&b, PROTO_NONE, 0, 0, N_COOKIE, q->cookie);
	build_sa(&b, sa);
	if (q->ke)
		build_ke(&b, ke_id(q->ke), ke_public(q->ke));
	else
		build_ke(&b, NO_GROUP, (struct slice){ none, sizeof(none) });
	build_nonce(&b, (struct slice){ nonce, sizeof(nonce) });
	if (natt)
		remote.port = IKE_NATT_PORT;
	keymat_nat_hash(q->spi, 0, &local, hash);
	build_notify(&b, PROTO_NONE, 0, 0, N_NAT_DETECTION_SOURCE_IP,
		     (struct slice){ hash, sizeof(hash) });
	keymat_nat_hash(q->spi, 0, &remote, hash);
	build_notify(&b, PROTO_NONE, 0, 0, N_NAT_DETECTION_DESTINATION_IP,
		     (struct slice){ hash, sizeof(hash) });
	build_notify_plain(&b, N_FRAGMENTATION_SUPPORTED);
	free(sa);
	return build_end(&b, &len, NULL) < 0 ? 0 : len;
}

/* ---- answers ---- */

struct answer {
	enum probe_says says;
	uint16_t group;			/* INVALID_KE_PAYLOAD */
	uint8_t cookie[COOKIE_MAX];
	size_t cookie_len;
	struct chosen chosen;		/* SA: with the trick, or without */
	bool full;
};

static void nat_facts(struct probe *p, const struct ike_msg *m)
{
	struct probe_v2 *v = &p->v2;
	const struct payload *pl = NULL;
	uint8_t hash[20];
	bool src = false, dst = false, src_ok = false, dst_ok = false;
	struct notify n;

	while ((pl = ike_msg_next(m, PAYLOAD_NOTIFY, pl))) {
		if (payload_notify(pl->body, &n, NULL) < 0 || n.data.len != sizeof(hash))
			continue;
		if (n.type == N_NAT_DETECTION_SOURCE_IP) {
			keymat_nat_hash(m->hdr.spi_i, m->hdr.spi_r, &p->remote, hash);
			src = true;
			src_ok |= memcmp(hash, n.data.p, sizeof(hash)) == 0;
		} else if (n.type == N_NAT_DETECTION_DESTINATION_IP) {
			keymat_nat_hash(m->hdr.spi_i, m->hdr.spi_r, &p->local, hash);
			dst = true;
			dst_ok |= memcmp(hash, n.data.p, sizeof(hash)) == 0;
		}
	}
	v->has_nat = src && dst;
	v->nat_there = src && !src_ok;
	v->nat_here = dst && !dst_ok;
}

static void full_answer(struct probe *p, const struct ike_msg *m, struct answer *a)
{
	struct sa_payload *sa = malloc(sizeof(*sa));
	const struct payload *pl = NULL;
	struct notify n;

	if (sa && payload_sa(ike_msg_get(m, PAYLOAD_SA)->body, sa, NULL) == 0 && sa->n >= 1) {
		a->full = true;
		for (uint8_t i = 0; i < sa->p[0].n; i++) {
			const struct sa_transform *t = &sa->p[0].t[i];

			switch (t->type) {
			case ALG_ENCR:
				a->chosen.encr = t->id;
				a->chosen.encr_bits = t->key_bits;
				break;
			case ALG_INTEG:
				a->chosen.integ = t->id;
				break;
			case ALG_PRF:
				a->chosen.prf = t->id;
				break;
			case ALG_KE:
				a->chosen.ke = t->id;
				break;
			}
		}
	}
	free(sa);
	nat_facts(p, m);
	p->v2.fragmentation |= ike_msg_notify(m, N_FRAGMENTATION_SUPPORTED, &n);
	p->v2.childless |= ike_msg_notify(m, N_CHILDLESS_IKEV2_SUPPORTED, &n);
	p->v2.signature_hashes |= ike_msg_notify(m, N_SIGNATURE_HASH_ALGORITHMS, &n);
	p->v2.ppk |= ike_msg_notify(m, N_USE_PPK, &n);
	while ((pl = ike_msg_next(m, PAYLOAD_VENDOR, pl)))
		probe_vendor(p, pl->body);
}

static void judge(struct probe *p, uint8_t *buf, size_t len, struct answer *a)
{
	struct ike_msg m;
	struct notify n;

	*a = (struct answer){ .says = SAYS_OTHER };
	if (len >= 18 && buf[17] >> 4 == 1) {
		/* IKEv1's header: it does not speak this version. */
		snprintf(p->v2.refusal, sizeof(p->v2.refusal), "answers with IKEv1");
		return;
	}
	if (ike_msg_parse(buf, len, &m, NULL) < 0 || !ike_hdr_is_response(&m.hdr))
		return;
	p->v2.answers = true;
	if (ike_msg_notify(&m, N_COOKIE, &n) && n.data.len >= 1 && n.data.len <= COOKIE_MAX) {
		a->says = SAYS_COOKIE;
		p->v2.cookie = true;
		a->cookie_len = n.data.len;
		memcpy(a->cookie, n.data.p, n.data.len);
	} else if (ike_msg_get(&m, PAYLOAD_SA)) {
		a->says = SAYS_YES;
		full_answer(p, &m, a);
	} else if (ike_msg_notify(&m, N_INVALID_KE_PAYLOAD, &n)) {
		a->says = SAYS_YES;
		a->group = notify_ke_group(&n);
	} else if (ike_msg_notify(&m, N_NO_PROPOSAL_CHOSEN, &n)) {
		a->says = SAYS_NO;
	} else if (ike_msg_error(&m, &n)) {
		if (n.type == N_INVALID_MAJOR_VERSION)
			p->v2.answers = false;
		snprintf(p->v2.refusal, sizeof(p->v2.refusal), "%s", ike_notify_name(n.type));
	}
}

enum probe_says probe_v2_parse(struct probe *p, uint8_t *buf, size_t len, uint16_t *group)
{
	struct answer a;

	judge(p, buf, len, &a);
	*group = a.full ? a.chosen.ke : a.group;
	return a.says;
}

static enum probe_says ask(struct probe *p, const struct offer *o, const struct ke *ke, bool natt,
			   unsigned tries, struct answer *a)
{
	struct question q = { .ke = ke, .spi = rng_u64() | 1 };
	uint8_t msg[PROBE_MSG_MAX], buf[PROBE_MSG_MAX];
	struct answer cookie;

	a->says = SAYS_NOTHING;
	for (int round = 0; round < 2; round++) {
		size_t len = build_init(p, o, &q, natt, msg), n;

		n = len ? probe_ask(p, natt, msg, len, tries, buf) : 0;
		if (!n)
			return SAYS_NOTHING;
		judge(p, buf, n, a);
		if (a->says != SAYS_COOKIE)
			return a->says;
		cookie = *a;
		q.cookie = (struct slice){ cookie.cookie, cookie.cookie_len };
	}
	return a->says;
}

/* ---- the search ---- */

static bool takes(struct probe *p, const struct offer *o)
{
	struct answer a;
	enum probe_says says = ask(p, o, NULL, false, 2, &a);

	if (says == SAYS_NOTHING)
		p->v2.complete = false;
	return says == SAYS_YES;
}

/* Which of all, put in the place *slot of o, are taken. Two halves, then one by one; of a pair
 * of which one is taken and the first is not, it is the second. */
static void search(struct probe *p, struct offer *o, struct set *slot, const struct set *all,
		   const struct alg **found, uint8_t *n_found)
{
	const struct set keep = *slot;
	unsigned half = (all->n + 1) / 2;

	for (unsigned from = 0; from < all->n; from += half) {
		unsigned n = all->n - from < half ? all->n - from : half, seen = 0;

		*slot = (struct set){ .n = n };
		memcpy(slot->a, all->a + from, n * sizeof(slot->a[0]));
		if (n > 1 && !takes(p, o))
			continue;
		for (unsigned i = 0; i < n; i++) {
			*slot = (struct set){ .n = 1, .a = { all->a[from + i] } };
			if (n > 1 && i + 1 == n && !seen && p->v2.complete) {
				found[(*n_found)++] = all->a[from + i];
			} else if (takes(p, o)) {
				found[(*n_found)++] = all->a[from + i];
				seen++;
			}
		}
	}
	*slot = keep;
}

/* The responder names a group each time: it is taken away, until none is left. */
static void search_groups(struct probe *p, struct offer *o)
{
	struct probe_v2 *v = &p->v2;
	struct set all = o->ke;

	for (unsigned i = 0; i < all.n && o->ke.n && v->n_ke < N_MAX; i++) {
		struct answer a;
		enum probe_says says = ask(p, o, NULL, false, 2, &a);
		uint16_t group = a.full ? a.chosen.ke : a.group;
		unsigned at;

		if (says == SAYS_NOTHING)
			v->complete = false;
		if (says != SAYS_YES)
			break;
		for (at = 0; at < o->ke.n && o->ke.a[at]->id != group; at++)
			;
		if (at == o->ke.n)
			break;
		v->ke[v->n_ke++] = o->ke.a[at];
		memmove(&o->ke.a[at], &o->ke.a[at + 1], (--o->ke.n - at) * sizeof(o->ke.a[0]));
	}
	/* Best first, as they were asked for. */
	o->ke = (struct set){ 0 };
	for (unsigned i = 0; i < all.n; i++)
		for (unsigned k = 0; k < v->n_ke; k++)
			if (v->ke[k] == all.a[i])
				o->ke.a[o->ke.n++] = all.a[i];
	memcpy(v->ke, o->ke.a, o->ke.n * sizeof(v->ke[0]));
}

static void take_suite(struct probe_v2 *v, const struct chosen *c)
{
	struct suite *s = &v->suite;

	memset(s, 0, sizeof(*s));
	v->agreed = alg_get(ALG_ENCR, c->encr, c->encr_bits) && alg_get(ALG_PRF, c->prf, 0) &&
		    alg_get(ALG_KE, c->ke, 0);
	s->n_encr = s->n_prf = s->n_ke = 1;
	s->encr[0] = (struct transform){ c->encr, c->encr_bits };
	s->prf[0] = c->prf;
	s->ke[0] = c->ke;
	if (c->integ != INTEG_NONE) {
		s->n_integ = 1;
		s->integ[0] = c->integ;
	}
}

/* A whole exchange of the best there is, for what a responder says only then. */
static void whole(struct probe *p, struct offer *o)
{
	struct probe_v2 *v = &p->v2;
	struct ke *ke = v->n_ke ? ke_new(v->ke[0]->id, NULL) : NULL;
	struct answer a;

	if (!ke)
		return;
	if (v->n_encr) {
		o->encr = (struct set){ .n = 1, .a = { v->encr[0] } };
		o->ke = (struct set){ .n = 1, .a = { v->ke[0] } };
	}
	if (ask(p, o, ke, false, 2, &a) == SAYS_YES && a.full)
		take_suite(v, &a.chosen);
	/* Is the other port open, too? The trick leaves nothing behind. */
	p->natt_answers = ask(p, o, NULL, true, 2, &a) != SAYS_NOTHING;
	ke_free(ke);
}

static bool any_cbc(const struct probe_v2 *v)
{
	for (unsigned i = 0; i < v->n_encr; i++)
		if (!v->encr[i]->aead)
			return true;
	return false;
}

void probe_v2(struct probe *p)
{
	struct probe_v2 *v = &p->v2;
	struct offer o = {
		.encr = set_of(ALG_ENCR, ask_encr, sizeof(ask_encr) / sizeof(*ask_encr)),
		.integ = set_of(ALG_INTEG, ask_integ, sizeof(ask_integ) / sizeof(*ask_integ)),
		.prf = set_of(ALG_PRF, ask_integ, sizeof(ask_integ) / sizeof(*ask_integ)),
		.ke = set_of(ALG_KE, ask_ke, sizeof(ask_ke) / sizeof(*ask_ke)),
	};
	struct offer all = o;
	struct answer a;

	v->complete = true;
	if (ask(p, &o, NULL, false, PROBE_TRIES, &a) != SAYS_YES)
		return;
	search_groups(p, &o);
	if (!v->n_ke) {
		v->complete = false;
		return;
	}
	search(p, &o, &o.encr, &all.encr, v->encr, &v->n_encr);
	search(p, &o, &o.prf, &all.prf, v->prf, &v->n_prf);
	if (any_cbc(v)) {
		struct set cbc = { 0 };

		for (unsigned i = 0; i < v->n_encr; i++)
			if (!v->encr[i]->aead)
				cbc.a[cbc.n++] = v->encr[i];
		o.encr = cbc;
		search(p, &o, &o.integ, &all.integ, v->integ, &v->n_integ);
	}
	whole(p, &o);
}
