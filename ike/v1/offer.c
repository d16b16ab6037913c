/* offer: numbers there and back, and whether two sides meet. */
#include "ike/v1/offer.h"

#include "ike/v1/isakmp.h"

#include <stdio.h>
#include <string.h>

#define UNKNOWN(n) (uint16_t)(0x8000 | (n))	/* a number that IKEv2 has not */

struct number { uint16_t v1, v2, bits; };

/* RFC 2409 Appendix A and IANA's registry: phase 1. bits: where IKEv1 says no length. */
static const struct number p1_encr[] = {
	{ 1, ENCR_DES, 0 }, { 3, ENCR_BLOWFISH, 0 }, { 5, ENCR_3DES, 0 },
	{ 7, ENCR_AES_CBC, 0 }, { 8, ENCR_CAMELLIA_CBC, 0 },
};
static const struct number p1_hash[] = {
	{ 1, PRF_HMAC_MD5, 0 }, { 2, PRF_HMAC_SHA1, 0 }, { 4, PRF_HMAC_SHA2_256, 0 },
	{ 5, PRF_HMAC_SHA2_384, 0 }, { 6, PRF_HMAC_SHA2_512, 0 },
};
/* RFC 2407 §4.4.4, RFC 4106 §8.2 and IANA's registry: ESP. */
static const struct number esp_encr[] = {
	{ 2, ENCR_DES, 0 }, { 3, ENCR_3DES, 0 }, { 7, ENCR_BLOWFISH, 0 },
	{ 11, ENCR_NULL, 0 }, { 12, ENCR_AES_CBC, 0 }, { 13, ENCR_AES_CTR, 0 },
	{ 20, ENCR_AES_GCM_16, 0 }, { 22, ENCR_CAMELLIA_CBC, 0 },
};
static const struct number esp_auth[] = {
	{ 1, INTEG_HMAC_MD5_96, 0 }, { 2, INTEG_HMAC_SHA1_96, 0 },
	{ 5, INTEG_HMAC_SHA2_256_128, 0 }, { 6, INTEG_HMAC_SHA2_384_192, 0 },
	{ 7, INTEG_HMAC_SHA2_512_256, 0 },
};
/* RFC 2407 §4.4.3 and IANA's registry: AH. The authentication attribute says the same again. */
static const struct number ah_auth[] = {
	{ 2, INTEG_HMAC_MD5_96, 0 }, { 3, INTEG_HMAC_SHA1_96, 0 },
	{ 5, INTEG_HMAC_SHA2_256_128, 0 }, { 6, INTEG_HMAC_SHA2_384_192, 0 },
	{ 7, INTEG_HMAC_SHA2_512_256, 0 },
};
#define N(a) (sizeof(a) / sizeof((a)[0]))

static uint16_t to_v2(const struct number *t, size_t n, uint64_t v1)
{
	for (size_t i = 0; i < n; i++)
		if (t[i].v1 == v1)
			return t[i].v2;
	return UNKNOWN(v1 & 0x7fff);
}

static uint16_t to_v1(const struct number *t, size_t n, uint16_t v2)
{
	for (size_t i = 0; i < n; i++)
		if (t[i].v2 == v2)
			return t[i].v1;
	return 0;
}

/* The hash of phase 1 is PRF and, to have something to compare, integrity. */
static const struct number hash_integ[] = {
	{ PRF_HMAC_MD5, INTEG_HMAC_MD5_96, 0 }, { PRF_HMAC_SHA1, INTEG_HMAC_SHA1_96, 0 },
	{ PRF_HMAC_SHA2_256, INTEG_HMAC_SHA2_256_128, 0 },
	{ PRF_HMAC_SHA2_384, INTEG_HMAC_SHA2_384_192, 0 },
	{ PRF_HMAC_SHA2_512, INTEG_HMAC_SHA2_512_256, 0 },
};

/* ---- reading ---- */

enum { A1_ENCR = 1, A1_HASH = 2, A1_AUTH = 3, A1_GROUP = 4, A1_LIFE_TYPE = 11, A1_LIFE = 12,
       A1_KEY_BITS = 14 };
enum { A2_LIFE_TYPE = 1, A2_LIFE = 2, A2_GROUP = 3, A2_MODE = 4, A2_AUTH = 5,
       A2_KEY_BITS = 6 };
enum { LIFE_SECONDS = 1, LIFE_KILOBYTES = 2 };

static void life(struct offer_transform *t, uint16_t type, const struct isakmp_attr *a)
{
	uint32_t v = a->big || a->value > UINT32_MAX ? UINT32_MAX : (uint32_t)a->value;

	if (type == LIFE_SECONDS)
		t->life_s = v;
	else if (type == LIFE_KILOBYTES)
		t->life_kb = v;
	else
		t->unfit = true;
}

static void p1_attr(struct offer_transform *t, const struct isakmp_attr *a,
		    uint16_t *life_type)
{
	switch (a->type) {
	case A1_ENCR: t->encr = to_v2(p1_encr, N(p1_encr), a->value); break;
	case A1_HASH:
		t->prf = to_v2(p1_hash, N(p1_hash), a->value);
		t->integ = to_v2(hash_integ, N(hash_integ), t->prf);
		break;
	case A1_AUTH: t->auth = (uint16_t)a->value; break;
	case A1_GROUP: t->ke = (uint16_t)a->value; break;
	case A1_LIFE_TYPE: *life_type = (uint16_t)a->value; break;
	case A1_LIFE: life(t, *life_type, a); break;
	case A1_KEY_BITS: t->encr_bits = (uint16_t)a->value; break;
	default: t->unfit = true;	/* a group of its own making, another PRF … */
	}
}

static void p2_attr(struct offer_transform *t, const struct isakmp_attr *a,
		    uint16_t *life_type)
{
	switch (a->type) {
	case A2_LIFE_TYPE: *life_type = (uint16_t)a->value; break;
	case A2_LIFE: life(t, *life_type, a); break;
	case A2_GROUP: t->ke = (uint16_t)a->value; break;
	case A2_MODE: t->mode = (uint16_t)a->value; break;
	case A2_AUTH: t->integ = to_v2(esp_auth, N(esp_auth), a->value); break;
	case A2_KEY_BITS: t->encr_bits = (uint16_t)a->value; break;
	default: t->unfit = true;	/* extended sequence numbers, a security label … */
	}
}

static bool has_bits(uint16_t encr)
{
	return encr && encr != ENCR_3DES && encr != ENCR_DES && encr != ENCR_NULL;
}

/* Where no length is said it is 128 bits (RFC 2451 §2.3, RFC 3602 §5); a length where there
 * can be none is not minded. */
static void settle_bits(struct offer_transform *t)
{
	if (!has_bits(t->encr))
		t->encr_bits = 0;
	else if (!t->encr_bits && !(t->encr & 0x8000))
		t->encr_bits = 128;
}

static int read_transform(struct rd *r, bool phase2, struct offer_transform *t,
			  struct err *e)
{
	uint16_t life_type = 0;
	struct isakmp_attr a;
	uint16_t of_ah = 0;
	unsigned n = 0;
	uint8_t id;

	t->raw = (struct slice){ r->p, r->left };
	t->number = rd_u8(r);
	id = rd_u8(r);
	rd_u16(r);
	if (phase2 && t->protocol != ISAKMP_PROTO_AH)
		t->encr = to_v2(esp_encr, N(esp_encr), id);
	else if (phase2)
		of_ah = to_v2(ah_auth, N(ah_auth), id);
	else if (id != 1)
		t->unfit = true;
	while (isakmp_attr(r, &a)) {
		if (++n > 32)
			return err_set(e, "more than 32 attributes");
		if (phase2)
			p2_attr(t, &a, &life_type);
		else
			p1_attr(t, &a, &life_type);
	}
	if (!rd_ok(r))
		return err_set(e, "an attribute is cut off");
	/* RFC 2407 §4.5: with AH it has to be said, and to fit. */
	if (of_ah && of_ah != t->integ)
		t->unfit = true;
	settle_bits(t);
	return 0;
}

static int read_transforms(struct rd *r, uint8_t count, bool phase2,
			   const struct offer_transform *like, struct offer *out,
			   struct err *e)
{
	for (uint8_t i = 0; i < count; i++) {
		struct offer_transform t = *like;
		uint8_t next = rd_u8(r);
		struct rd body;
		uint16_t len;

		rd_u8(r);
		len = rd_u16(r);
		if (!rd_ok(r) || len < 8 || next != (i + 1 < count ? P_TRANSFORM : P_NONE))
			return err_set(e, "a transform is cut off");
		body = rd_child(r, len - 4u);
		if (read_transform(&body, phase2, &t, e) < 0)
			return -1;
		if (out->n < OFFER_MAX)
			out->t[out->n++] = t;
		else
			out->more = true;
	}
	return rd_done(r) ? 0 : err_set(e, "bytes after the last transform");
}

/* Proposals of one number belong together, ESP with AH or with compression: we speak none of
 * that. */
static void mark_bundles(struct offer *o, uint8_t number, uint8_t from)
{
	for (uint8_t i = 0; i < from; i++)
		if (o->t[i].proposal == number)
			for (uint8_t k = 0; k < o->n; k++)
				if (o->t[k].proposal == number)
					o->t[k].unfit = true;
}

int offer_read(struct slice body, bool phase2, struct offer *out, struct err *e)
{
	struct rd r = rd_slice(body);
	uint32_t doi = rd_u32(&r), situation = rd_u32(&r);
	uint8_t next = P_PROPOSAL;

	out->n = 0;
	out->more = false;
	if (!rd_ok(&r) || doi != ISAKMP_DOI_IPSEC || situation != 1)
		return err_set(e, "an SA payload of another DOI or situation");
	while (next == P_PROPOSAL) {
		struct offer_transform t = { 0 };
		uint8_t count, from = out->n;
		struct rd p, spi;
		uint16_t len;

		next = rd_u8(&r);
		rd_u8(&r);
		len = rd_u16(&r);
		if (!rd_ok(&r) || len < 8 || (next != P_PROPOSAL && next != P_NONE))
			return err_set(e, "a proposal is cut off");
		p = rd_child(&r, len - 4u);
		t.proposal = rd_u8(&p);
		t.protocol = rd_u8(&p);
		t.spi_len = rd_u8(&p);
		count = rd_u8(&p);
		spi = rd_child(&p, t.spi_len);
		if (t.spi_len == 4)
			t.spi = rd_u32(&spi);
		t.unfit = phase2 ? t.protocol != ISAKMP_PROTO_ESP && t.protocol != ISAKMP_PROTO_AH :
			  t.protocol != ISAKMP_PROTO_ISAKMP;
		if (!rd_ok(&p) || !count)
			return err_set(e, "a proposal without transforms");
		if (read_transforms(&p, count, phase2, &t, out, e) < 0)
			return -1;
		mark_bundles(out, t.proposal, from);
	}
	return rd_done(&r) ? 0 : err_set(e, "bytes after the last proposal");
}

/* ---- ours ---- */

static uint8_t protocol_of(const struct offer_want *want)
{
	return !want->phase2 ? ISAKMP_PROTO_ISAKMP : want->ah ? ISAKMP_PROTO_AH :
	       ISAKMP_PROTO_ESP;
}

static void add(struct offer *o, const struct offer_want *want, const struct transform *encr,
		uint16_t integ, uint16_t prf, uint16_t ke)
{
	struct offer_transform t = {
		.proposal = 1, .number = (uint8_t)(o->n + 1),
		.protocol = protocol_of(want),
		.encr = encr->id, .encr_bits = encr->key_bits, .integ = integ, .prf = prf,
		.ke = ke, .auth = want->auth, .mode = want->mode, .life_s = want->life_s,
		.life_kb = want->life_kb,
	};

	for (uint8_t i = 0; i < o->n; i++)
		if (o->t[i].encr == t.encr && o->t[i].encr_bits == t.encr_bits &&
		    o->t[i].integ == integ && o->t[i].prf == prf && o->t[i].ke == ke)
			return;
	if (o->n < OFFER_MAX)
		o->t[o->n++] = t;
	else
		o->more = true;
}

static bool is_built(uint16_t encr, uint16_t bits)
{
	const struct alg *a = alg_get(ALG_ENCR, encr, bits);

	return a && alg_built(a);
}

static void add_p1(struct offer *o, const struct offer_want *want, const struct suite *s)
{
	for (uint8_t i = 0; i < s->n_encr; i++)
		for (uint8_t k = 0; k < s->n_prf; k++)
			for (uint8_t g = 0; g < s->n_ke; g++)
				if (to_v1(p1_encr, N(p1_encr), s->encr[i].id) &&
				    is_built(s->encr[i].id, s->encr[i].key_bits) &&
				    to_v1(p1_hash, N(p1_hash), s->prf[k]))
					add(o, want, &s->encr[i],
					    to_v2(hash_integ, N(hash_integ), s->prf[k]),
					    s->prf[k], s->ke[g]);
}

static void add_p2(struct offer *o, const struct offer_want *want, const struct suite *s,
		   uint16_t ke)
{
	static const struct transform none;

	for (uint8_t k = 0; want->ah && k < s->n_integ; k++)
		if (to_v1(ah_auth, N(ah_auth), s->integ[k]))
			add(o, want, &none, s->integ[k], 0, ke);
	for (uint8_t i = 0; i < s->n_encr; i++) {
		const struct alg *a = alg_get(ALG_ENCR, s->encr[i].id, s->encr[i].key_bits);

		if (!a || !alg_built(a) || !to_v1(esp_encr, N(esp_encr), a->id))
			continue;
		if (a->aead)
			add(o, want, &s->encr[i], INTEG_NONE, 0, ke);
		for (uint8_t k = 0; k < s->n_integ && !a->aead; k++)
			if (to_v1(esp_auth, N(esp_auth), s->integ[k]))
				add(o, want, &s->encr[i], s->integ[k], 0, ke);
	}
}

static bool suite_has_group(const struct suite *s, uint16_t ke)
{
	if (ke == KE_NONE)
		return s->n_ke == 0;
	for (uint8_t i = 0; i < s->n_ke; i++)
		if (s->ke[i] == ke)
			return true;
	return false;
}

void offer_make(const struct suite_list *ours, const struct offer_want *want,
		struct offer *out)
{
	uint16_t group = KE_NONE;
	bool found = false;

	out->n = 0;
	out->more = false;
	for (uint8_t i = 0; i < ours->n; i++) {
		const struct suite *s = &ours->s[i];

		if (!want->phase2) {
			add_p1(out, want, s);
			continue;
		}
		if (!found)
			group = s->n_ke ? s->ke[0] : KE_NONE;
		if (suite_has_group(s, group))
			add_p2(out, want, s, group);
		found = out->n > 0;
	}
}

uint16_t offer_group(const struct offer *ours)
{
	return ours->n ? ours->t[0].ke : KE_NONE;
}

static void write_p1(struct wr *w, const struct offer_transform *t)
{
	wr_u8(w, 1);		/* KEY_IKE */
	wr_u16(w, 0);
	isakmp_attr_write(w, A1_ENCR, to_v1(p1_encr, N(p1_encr), t->encr));
	if (has_bits(t->encr))
		isakmp_attr_write(w, A1_KEY_BITS, t->encr_bits);
	isakmp_attr_write(w, A1_HASH, to_v1(p1_hash, N(p1_hash), t->prf));
	isakmp_attr_write(w, A1_GROUP, t->ke);
	isakmp_attr_write(w, A1_AUTH, t->auth);
	isakmp_attr_write(w, A1_LIFE_TYPE, LIFE_SECONDS);
	isakmp_attr_write(w, A1_LIFE, t->life_s);
}

static void write_p2(struct wr *w, const struct offer_transform *t)
{
	wr_u8(w, (uint8_t)(t->protocol == ISAKMP_PROTO_AH ? to_v1(ah_auth, N(ah_auth), t->integ) :
			   to_v1(esp_encr, N(esp_encr), t->encr)));
	wr_u16(w, 0);
	if (has_bits(t->encr))
		isakmp_attr_write(w, A2_KEY_BITS, t->encr_bits);
	if (t->integ)
		isakmp_attr_write(w, A2_AUTH, to_v1(esp_auth, N(esp_auth), t->integ));
	isakmp_attr_write(w, A2_MODE, t->mode);
	if (t->ke)
		isakmp_attr_write(w, A2_GROUP, t->ke);
	isakmp_attr_write(w, A2_LIFE_TYPE, LIFE_SECONDS);
	isakmp_attr_write(w, A2_LIFE, t->life_s);
	if (t->life_kb) {
		isakmp_attr_write(w, A2_LIFE_TYPE, LIFE_KILOBYTES);
		isakmp_attr_write(w, A2_LIFE, t->life_kb);
	}
}

/* DOI, situation, and the head of the one proposal; returns where its length stands. */
static size_t write_head(struct wr *w, const struct offer_transform *t, uint8_t n,
			 uint32_t spi)
{
	size_t at;

	wr_u32(w, ISAKMP_DOI_IPSEC);
	wr_u32(w, 1);
	wr_u16(w, P_NONE);
	at = wr_mark(w);
	wr_u16(w, 0);
	wr_u8(w, t->proposal);
	wr_u8(w, t->protocol);
	wr_u8(w, t->protocol != ISAKMP_PROTO_ISAKMP ? 4 : 0);
	wr_u8(w, n);
	if (t->protocol != ISAKMP_PROTO_ISAKMP)
		wr_u32(w, spi);
	return at;
}

void offer_write(struct wr *w, const struct offer *o, uint32_t spi)
{
	size_t head = write_head(w, &o->t[0], o->n, spi);

	for (uint8_t i = 0; i < o->n; i++) {
		size_t at;

		wr_u16(w, i + 1 < o->n ? P_TRANSFORM << 8 : P_NONE);
		at = wr_mark(w);
		wr_u16(w, 0);
		wr_u8(w, o->t[i].number);
		if (o->t[i].protocol != ISAKMP_PROTO_ISAKMP)
			write_p2(w, &o->t[i]);
		else
			write_p1(w, &o->t[i]);
		wr_patch_u16(w, at, (uint16_t)(w->len - at + 2));
	}
	wr_patch_u16(w, head, (uint16_t)(w->len - head + 2));
}

void offer_answer(struct wr *w, const struct offer_transform *t, uint32_t spi)
{
	size_t head = write_head(w, t, 1, spi);

	wr_u16(w, P_NONE);
	wr_u16(w, (uint16_t)(t->raw.len + 4));
	wr_bytes(w, t->raw.p, t->raw.len);
	wr_patch_u16(w, head, (uint16_t)(w->len - head + 2));
}

/* ---- both ---- */

static void as_proposal(const struct offer_transform *t, bool phase2, uint8_t number,
			struct proposal *p)
{
	*p = (struct proposal){ .number = number, .protocol = !phase2 ? PROTO_IKE :
				t->protocol == ISAKMP_PROTO_AH ? PROTO_AH : PROTO_ESP };
	if (t->encr)
		p->t[p->n++] = (struct sa_transform){ .type = ALG_ENCR, .id = t->encr,
						      .key_bits = t->encr_bits };
	if (t->integ)
		p->t[p->n++] = (struct sa_transform){ .type = ALG_INTEG, .id = t->integ };
	if (t->prf)
		p->t[p->n++] = (struct sa_transform){ .type = ALG_PRF, .id = t->prf };
	if (t->ke)
		p->t[p->n++] = (struct sa_transform){ .type = ALG_KE, .id = t->ke };
}

void offer_as_proposals(const struct offer *o, bool phase2, struct sa_payload *out)
{
	out->n = 0;
	for (uint8_t i = 0; i < o->n && out->n < PROPOSALS_MAX; i++) {
		as_proposal(&o->t[i], phase2, out->n + 1, &out->p[out->n]);
		out->n++;
	}
}

static bool same_algs(const struct offer_transform *a, const struct offer_transform *b)
{
	return a->encr == b->encr && a->encr_bits == b->encr_bits && a->integ == b->integ &&
	       a->prf == b->prf && a->ke == b->ke;
}

/* Tunnel is tunnel, in UDP or not: old boxes mix them up, and NAT detection has decided. */
static bool mode_fits(uint16_t theirs, uint16_t ours)
{
	bool a = theirs == V1_TRANSPORT || theirs == V1_UDP_TRANSPORT ||
		 theirs == V1_UDP_TRANSPORT_DRAFT;
	bool b = ours == V1_TRANSPORT || ours == V1_UDP_TRANSPORT ||
		 ours == V1_UDP_TRANSPORT_DRAFT;

	return a == b;
}

/* What proposal_check says; false: not this one. Seconds and kilobytes alike; 0 is for ever
 * when it is kilobytes, and "as you like" (RFC 2407 §4.5: 28800) when it is seconds. */
static bool check_life(uint32_t *theirs, uint32_t ours, uint8_t check, bool *tell)
{
	uint32_t t = *theirs ? *theirs : UINT32_MAX, o = ours ? ours : UINT32_MAX;

	switch ((enum proposal_check)check) {
	case CHECK_OBEY:
		return true;
	case CHECK_STRICT:
		return t <= o;
	case CHECK_EXACT:
		return t == o;
	case CHECK_CLAIM:
		if (t > o) {
			*theirs = ours;
			*tell = true;
		}
		return true;
	}
	return false;
}

/* 0 fits; 1 another lifetime than we take; -1 not at all. */
static int fits(const struct offer_transform *theirs, const struct offer_transform *ours,
		const struct offer_want *want, struct offer_transform *out, bool *tell)
{
	*out = *theirs;
	*tell = false;
	if (theirs->unfit || theirs->protocol != ours->protocol || !same_algs(theirs, ours))
		return -1;
	if (want->phase2 ? !mode_fits(theirs->mode, want->mode) || theirs->spi_len != 4 ||
			   theirs->spi < 256 || theirs->ke != want->ke
			 : theirs->auth != want->auth)
		return -1;
	return check_life(&out->life_s, want->life_s, want->check, tell) &&
	       (!want->phase2 ||
		check_life(&out->life_kb, want->life_kb, want->check, tell)) ? 0 : 1;
}

static void taken(const struct offer_transform *t, bool phase2, struct chosen *c)
{
	*c = (struct chosen){ .number = t->proposal, .protocol = !phase2 ? PROTO_IKE :
			      t->protocol == ISAKMP_PROTO_AH ? PROTO_AH : PROTO_ESP,
			      .spi_len = t->spi_len, .spi = t->spi, .encr = t->encr,
			      .encr_bits = t->encr_bits,
			      .integ = phase2 ? t->integ : INTEG_NONE, .prf = t->prf,
			      .ke = t->ke };
}

/* All the combinations of one suite, whatever its group: a responder takes any it has. */
static void of_suite(const struct suite *s, const struct offer_want *want, struct offer *out)
{
	out->n = 0;
	if (!want->phase2) {
		add_p1(out, want, s);
		return;
	}
	if (!s->n_ke)
		add_p2(out, want, s, KE_NONE);
	for (uint8_t g = 0; g < s->n_ke; g++)
		add_p2(out, want, s, s->ke[g]);
}

static void why_not(const struct offer *theirs, const struct suite_list *ours,
		    const struct offer_want *want, bool life_alone, struct err *e)
{
	struct proposal_want pw = { .protocol = !want->phase2 ? PROTO_IKE :
				    want->ah ? PROTO_AH : PROTO_ESP,
				    .ke = true, .esn = WANT_ESN_NO };
	struct sa_payload as;
	char words[400];
	bool auth = false, mode = false, algs = false;

	if (life_alone) {
		err_set(e, "lifetimes differ: ours %u s and %u kB, theirs %u s and %u kB "
			"(proposal_check)", want->life_s, want->life_kb, theirs->t[0].life_s,
			theirs->t[0].life_kb);
		return;
	}
	offer_as_proposals(theirs, want->phase2, &as);
	proposal_compare(ours, &as, &pw, words, sizeof(words));
	for (uint8_t i = 0; i < theirs->n; i++) {
		auth |= theirs->t[i].auth == want->auth;
		mode |= mode_fits(theirs->t[i].mode, want->mode);
		algs |= !theirs->t[i].unfit;
	}
	if (!want->phase2 && !auth)
		err_set(e, "the peer wants to authenticate by %s, this side by %s; %s",
			theirs->n && theirs->t[0].auth == V1_AUTH_PSK ? "pre-shared key" :
			theirs->n && theirs->t[0].auth == V1_AUTH_RSA ? "RSA signature" :
			"another method (XAUTH perhaps)",
			want->auth == V1_AUTH_PSK ? "pre-shared key" : "RSA signature", words);
	else if (want->phase2 && !mode)
		err_set(e, "the peer wants %s mode, this side the other; %s",
			want->mode == V1_TUNNEL || want->mode == V1_UDP_TUNNEL ||
			want->mode == V1_UDP_TUNNEL_DRAFT ? "transport" : "tunnel", words);
	else if (!algs)
		err_set(e, "the peer offers only bundles, compression or extensions beside what "
			"this side takes; %s", words);
	else
		err_set(e, "%s", words);
}

int offer_choose(const struct offer *theirs, const struct suite_list *ours,
		 const struct offer_want *want, struct chosen *out,
		 struct offer_transform *t, bool *tell, struct err *e)
{
	struct offer mine;
	bool life_alone = false;

	for (uint8_t i = 0; i < ours->n; i++) {
		of_suite(&ours->s[i], want, &mine);
		for (uint8_t m = 0; m < mine.n; m++)
			for (uint8_t k = 0; k < theirs->n; k++) {
				int how = fits(&theirs->t[k], &mine.t[m], want, t, tell);

				if (how == 0) {
					taken(t, want->phase2, out);
					return 0;
				}
				life_alone |= how > 0;
			}
	}
	why_not(theirs, ours, want, life_alone, e);
	return -1;
}

int offer_verify(const struct offer *answer, const struct offer *ours,
		 const struct offer_want *want, struct chosen *out,
		 struct offer_transform *t, struct err *e)
{
	const struct offer_transform *a = &answer->t[0];
	bool tell;

	if (answer->n != 1)
		return err_set(e, "the peer answered with %u transforms instead of one",
			       answer->n);
	for (uint8_t i = 0; i < ours->n; i++) {
		struct offer_want loose = *want;

		loose.ke = ours->t[i].ke;
		loose.check = CHECK_OBEY;
		if (fits(a, &ours->t[i], &loose, t, &tell))
			continue;
		taken(t, want->phase2, out);
		/* An answer may say a shorter life, not a longer one. */
		if (!t->life_s || t->life_s > want->life_s)
			t->life_s = want->life_s;
		if (want->life_kb && (!t->life_kb || t->life_kb > want->life_kb))
			t->life_kb = want->life_kb;
		return 0;
	}
	return err_set(e, "the peer chose what was not offered");
}
