/* proposal_text: both sides' algorithms in words, and what they lack in common. */
#include "ike/wire/proposal.h"

#include "core/base/sbuf.h"

#include <stdio.h>
#include <string.h>

#define TYPE_BIT(t) (1u << (t))

/* The order in which people write them. */
static const uint8_t types[] = { ALG_ENCR, ALG_INTEG, ALG_PRF, ALG_KE, ALG_ESN };
#define N_TYPES (sizeof(types) / sizeof(types[0]))

const char *proposal_type_words(uint8_t type)
{
	switch (type) {
	case ALG_ENCR: return "encryption";
	case ALG_PRF: return "PRF";
	case ALG_INTEG: return "integrity";
	case ALG_KE: return "key exchange group";
	case ALG_ESN: return "sequence numbers";
	}
	return "something unknown";
}

static const char *label(const struct sa_transform *t, char *buf, size_t cap)
{
	if (t->type == ALG_ESN && t->id <= ESN_YES)
		return t->id == ESN_YES ? "ESN" : "no ESN";
	if (t->type == ALG_KE && t->id == KE_NONE)
		return "no PFS";
	if (t->type < ALG_ENCR || t->type > ALG_ESN) {
		snprintf(buf, cap, "type %u", t->type);
		return buf;
	}
	return alg_label((enum alg_type)t->type, t->id, t->key_bits, buf, cap);
}

/* "no ESN" alone is what everybody has; it is shown only where it matters. */
static bool dull(const struct proposal *p, uint8_t type)
{
	for (uint8_t i = 0; i < p->n; i++)
		if (p->t[i].type == type && (type != ALG_INTEG || p->t[i].id) &&
		    (type != ALG_ESN || p->t[i].id != ESN_NO))
			return false;
	return true;
}

static void add_proposal(struct sbuf *b, const struct proposal *p, bool esn)
{
	const char *bar = "";
	char buf[48];

	for (size_t k = 0; k < N_TYPES; k++) {
		const char *slash = "";

		if (dull(p, types[k]) && !(esn && types[k] == ALG_ESN))
			continue;
		for (uint8_t i = 0; i < p->n; i++) {
			if (p->t[i].type != types[k])
				continue;
			sbuf_addf(b, "%s%s", *slash ? slash : bar,
				  label(&p->t[i], buf, sizeof(buf)));
			slash = "/";
			bar = " | ";
		}
	}
	if (p->unknown_type)
		sbuf_addf(b, "%sa type that is unknown here", bar);
}

static void add_all(struct sbuf *b, const struct sa_payload *sa, bool esn)
{
	for (uint8_t i = 0; i < sa->n; i++) {
		if (i)
			sbuf_add(b, " or ");
		if (sa->p[i].protocol != PROTO_IKE && sa->p[i].protocol != PROTO_ESP)
			sbuf_addf(b, "%s: ", ike_protocol_name(sa->p[i].protocol));
		add_proposal(b, &sa->p[i], esn);
	}
	if (!sa->n)
		sbuf_add(b, "nothing");
}

const char *proposal_str(const struct sa_payload *sa, char *buf, size_t cap)
{
	struct sbuf b = { 0 };

	add_all(&b, sa, false);
	snprintf(buf, cap, "%s", sbuf_str(&b));
	sbuf_fini(&b);
	return buf;
}

static void add_alg(struct sbuf *b, enum alg_type type, uint16_t id, uint16_t key_bits)
{
	char buf[48];

	if (id)
		sbuf_addf(b, "%s%s", b->len ? ", " : "",
			  alg_label(type, id, key_bits, buf, sizeof(buf)));
}

const char *chosen_str(const struct chosen *c, char *buf, size_t cap)
{
	struct sbuf b = { 0 };

	if (c->protocol == PROTO_AH)
		sbuf_add(&b, "AH");
	add_alg(&b, ALG_ENCR, c->encr, c->encr_bits);
	add_alg(&b, ALG_INTEG, c->integ, 0);
	add_alg(&b, ALG_PRF, c->prf, 0);
	add_alg(&b, ALG_KE, c->ke, 0);
	if (c->esn)
		sbuf_add(&b, ", ESN");
	snprintf(buf, cap, "%s", sbuf_str(&b));
	sbuf_fini(&b);
	return buf;
}

static bool lacks_type(const struct proposal *p, uint8_t type)
{
	for (uint8_t i = 0; i < p->n; i++)
		if (p->t[i].type == type)
			return false;
	return true;
}

/* Is it offered in any proposal of the protocol? Leaving out KE or ESN means their 0. */
static bool offers(const struct sa_payload *sa, uint8_t protocol, uint8_t type, uint16_t id,
		   uint16_t key_bits)
{
	for (uint8_t i = 0; i < sa->n; i++) {
		const struct proposal *p = &sa->p[i];

		if (p->protocol != protocol)
			continue;
		if (!id && type != ALG_ENCR && type != ALG_PRF && lacks_type(p, type))
			return true;
		for (uint8_t k = 0; k < p->n; k++)
			if (p->t[k].type == type && p->t[k].id == id &&
			    p->t[k].key_bits == key_bits && !p->t[k].unusable)
				return true;
	}
	return false;
}

static bool common(const struct sa_payload *ours, const struct sa_payload *theirs,
		   uint8_t protocol, uint8_t type)
{
	if (offers(ours, protocol, type, 0, 0) && offers(theirs, protocol, type, 0, 0))
		return true;
	for (uint8_t i = 0; i < ours->n; i++) {
		const struct proposal *p = &ours->p[i];

		for (uint8_t k = 0; k < p->n; k++)
			if (p->t[k].type == type &&
			    offers(theirs, protocol, type, p->t[k].id, p->t[k].key_bits))
				return true;
	}
	return false;
}

static unsigned missing(const struct sa_payload *ours, const struct sa_payload *theirs,
			const struct proposal_want *want)
{
	bool ike = want->protocol == PROTO_IKE;
	unsigned bits = 0;

	for (size_t k = 0; k < N_TYPES; k++) {
		uint8_t type = types[k];

		if ((type == ALG_PRF && !ike) || (type == ALG_ESN && ike) ||
		    (type == ALG_KE && !ike && !want->ke) ||
		    (type == ALG_ENCR && want->protocol == PROTO_AH))
			continue;
		/* AEAD on one side and CBC on the other: encryption says it. */
		if (type == ALG_INTEG && bits & TYPE_BIT(ALG_ENCR) &&
		    (offers(ours, want->protocol, type, 0, 0) ||
		     offers(theirs, want->protocol, type, 0, 0)))
			continue;
		if (!common(ours, theirs, want->protocol, type))
			bits |= TYPE_BIT(type);
	}
	return bits;
}

unsigned proposal_missing(const struct suite_list *ours, const struct sa_payload *theirs,
			  const struct proposal_want *want)
{
	struct sa_payload offer;

	proposal_offer(ours, want, &offer);
	return missing(&offer, theirs, want);
}

static bool any_of(const struct sa_payload *sa, uint8_t protocol)
{
	for (uint8_t i = 0; i < sa->n; i++)
		if (sa->p[i].protocol == protocol)
			return true;
	return false;
}

static void add_why(struct sbuf *b, const struct sa_payload *ours,
		    const struct sa_payload *theirs, const struct proposal_want *want,
		    unsigned bits)
{
	const char *sep = "no common ";

	if (!any_of(theirs, want->protocol)) {
		sbuf_addf(b, "nothing offered for %s", ike_protocol_name(want->protocol));
		return;
	}
	if (!bits) {
		sbuf_add(b, "each is known to both sides, but no one proposal agrees in all");
		return;
	}
	for (size_t k = 0; k < N_TYPES; k++) {
		if (!(bits & TYPE_BIT(types[k])))
			continue;
		sbuf_addf(b, "%s%s", sep, proposal_type_words(types[k]));
		sep = ", ";
	}
	if (want->protocol != PROTO_IKE && bits & TYPE_BIT(ALG_KE)) {
		if (offers(theirs, want->protocol, ALG_KE, KE_NONE, 0))
			sbuf_add(b, " (only ours wants PFS)");
		else if (offers(ours, want->protocol, ALG_KE, KE_NONE, 0))
			sbuf_add(b, " (only theirs wants PFS)");
	}
}

/* At most room bytes of s, "..." at the end of what was cut. */
static int fit(char *buf, size_t cap, const char *s, size_t room)
{
	size_t len = strlen(s);

	if (len <= room)
		return snprintf(buf, cap, "%s", s);
	return snprintf(buf, cap, "%.*s...", (int)(room > 3 ? room - 3 : 0), s);
}

const char *proposal_compare(const struct suite_list *ours, const struct sa_payload *theirs,
			     const struct proposal_want *want, char *buf, size_t cap)
{
	struct sbuf a = { 0 }, b = { 0 }, why = { 0 };
	struct sa_payload offer;
	size_t room, la, lb, n;
	unsigned bits;

	proposal_offer(ours, want, &offer);
	bits = missing(&offer, theirs, want);
	add_all(&a, &offer, bits & TYPE_BIT(ALG_ESN));
	add_all(&b, theirs, bits & TYPE_BIT(ALG_ESN));
	add_why(&why, &offer, theirs, want, bits);
	/* The reason is what counts: the lists share what it leaves. */
	n = strlen("ours: ; theirs: ; ") + why.len + 1;
	room = cap > n ? cap - n : 0;
	la = a.len;
	lb = b.len;
	if (la + lb > room) {
		if (la <= room / 2)
			lb = room - la;
		else if (lb <= room / 2)
			la = room - lb;
		else
			la = lb = room / 2;
	}
	n = (size_t)snprintf(buf, cap, "ours: ");
	n += (size_t)fit(buf + n, cap - n, sbuf_str(&a), la);
	if (n < cap)
		n += (size_t)snprintf(buf + n, cap - n, "; theirs: ");
	if (n < cap)
		n += (size_t)fit(buf + n, cap - n, sbuf_str(&b), lb);
	if (n < cap)
		snprintf(buf + n, cap - n, "; %s", sbuf_str(&why));
	sbuf_fini(&a);
	sbuf_fini(&b);
	sbuf_fini(&why);
	return buf;
}
