/* proposal: one loop over types serves IKE and ESP; what differs is in type_wanted(). */
#include "ike/wire/proposal.h"

#include <string.h>

#define TYPE_BIT(t) (1u << (t))

/* Is there anything to negotiate of this type? Types not wanted must not be in an offer. */
static bool type_wanted(const struct proposal_want *want, uint8_t type)
{
	switch (type) {
	case ALG_ENCR:
		return want->protocol != PROTO_AH;
	case ALG_INTEG:
		return true;
	case ALG_PRF:
		return want->protocol == PROTO_IKE;
	case ALG_KE:
		return want->protocol == PROTO_IKE || want->ke;
	case ALG_ESN:
		return want->protocol != PROTO_IKE;
	}
	return false;
}

static void add(struct proposal *p, uint8_t type, uint16_t id, uint16_t key_bits)
{
	if (p->n < TRANSFORMS_MAX)
		p->t[p->n++] = (struct sa_transform){ .type = type, .id = id,
						      .key_bits = key_bits };
}

static void add_group(struct suite *s, uint16_t ke)
{
	for (uint8_t i = 0; i < s->n_ke; i++)
		if (s->ke[i] == ke)
			return;
	if (s->n_ke < SUITE_TYPE_MAX)
		s->ke[s->n_ke++] = ke;
}

void proposal_ah(const struct suite_list *esp, uint16_t integ, struct suite_list *out)
{
	struct suite *s = &out->s[0];
	bool without = esp->n == 0;

	memset(out, 0, sizeof(*out));
	for (uint8_t i = 0; i < esp->n; i++) {
		without |= esp->s[i].n_ke == 0;
		for (uint8_t k = 0; k < esp->s[i].n_ke; k++)
			add_group(s, esp->s[i].ke[k]);
	}
	out->n = s->n_ke ? 1 : 0;
	if (without)
		out->n++;
	for (uint8_t i = 0; i < out->n; i++) {
		out->s[i].n_integ = 1;
		out->s[i].integ[0] = integ;
	}
}

void proposal_offer(const struct suite_list *ours, const struct proposal_want *want,
		    struct sa_payload *out)
{
	out->n = 0;
	for (uint8_t i = 0; i < ours->n; i++) {
		const struct suite *s = &ours->s[i];
		struct proposal *p = &out->p[out->n++];

		*p = (struct proposal){ .number = (uint8_t)(i + 1), .protocol = want->protocol,
					.spi_len = want->spi_len, .spi = want->spi };
		for (uint8_t k = 0; k < s->n_encr && type_wanted(want, ALG_ENCR); k++)
			add(p, ALG_ENCR, s->encr[k].id, s->encr[k].key_bits);
		for (uint8_t k = 0; k < s->n_prf && type_wanted(want, ALG_PRF); k++)
			add(p, ALG_PRF, s->prf[k], 0);
		for (uint8_t k = 0; k < s->n_integ; k++)
			add(p, ALG_INTEG, s->integ[k], 0);
		for (uint8_t k = 0; k < s->n_ke && type_wanted(want, ALG_KE); k++)
			add(p, ALG_KE, s->ke[k], 0);
		if (type_wanted(want, ALG_ESN)) {
			if (want->esn & WANT_ESN_YES)
				add(p, ALG_ESN, ESN_YES, 0);
			if (want->esn & WANT_ESN_NO)
				add(p, ALG_ESN, ESN_NO, 0);
		}
	}
}

static bool has_type(const struct proposal *p, uint8_t type)
{
	for (uint8_t i = 0; i < p->n; i++)
		if (p->t[i].type == type)
			return true;
	return false;
}

static bool has(const struct proposal *p, uint8_t type, uint16_t id, uint16_t key_bits)
{
	for (uint8_t i = 0; i < p->n; i++) {
		const struct sa_transform *t = &p->t[i];

		if (t->type == type && t->id == id && t->key_bits == key_bits && !t->unusable)
			return true;
	}
	return false;
}

static bool spi_fits(const struct proposal *p, const struct proposal_want *want)
{
	if (p->spi_len != want->spi_len)
		return false;
	if (want->protocol != PROTO_IKE)
		return p->spi > 255;	/* the others are reserved, RFC 4303 §2.1 */
	return !p->spi_len || p->spi;
}

/* Our first of n that they offer; with none of ours, their NONE or their silence will do. */
static bool pick(const struct proposal *p, uint8_t type, const uint16_t *ours, uint8_t n,
		 uint16_t first, uint16_t *out)
{
	*out = 0;
	if (!n)
		return !has_type(p, type) || has(p, type, 0, 0);
	for (uint8_t i = 0; i < n; i++) {
		if (ours[i] == first && has(p, type, first, 0)) {
			*out = first;
			return true;
		}
	}
	for (uint8_t i = 0; i < n; i++) {
		if (has(p, type, ours[i], 0)) {
			*out = ours[i];
			return true;
		}
	}
	return false;
}

static bool pick_encr(const struct proposal *p, const struct suite *s, struct chosen *c)
{
	for (uint8_t i = 0; i < s->n_encr; i++) {
		if (has(p, ALG_ENCR, s->encr[i].id, s->encr[i].key_bits)) {
			c->encr = s->encr[i].id;
			c->encr_bits = s->encr[i].key_bits;
			return true;
		}
	}
	return false;
}

static bool pick_esn(const struct proposal *p, const struct proposal_want *want,
		     struct chosen *c)
{
	c->esn = want->esn & WANT_ESN_YES && has(p, ALG_ESN, ESN_YES, 0);
	if (c->esn)
		return true;
	return want->esn & WANT_ESN_NO &&
	       (!has_type(p, ALG_ESN) || has(p, ALG_ESN, ESN_NO, 0));
}

static bool fits(const struct proposal *p, const struct suite *s,
		 const struct proposal_want *want, struct chosen *c)
{
	bool ike = want->protocol == PROTO_IKE;

	memset(c, 0, sizeof(*c));
	if (p->protocol != want->protocol || p->unknown_type || !spi_fits(p, want))
		return false;
	if (type_wanted(want, ALG_ENCR) ? !pick_encr(p, s, c) : has_type(p, ALG_ENCR))
		return false;
	if (!pick(p, ALG_INTEG, s->integ, s->n_integ, 0, &c->integ))
		return false;
	if (ike ? !pick(p, ALG_PRF, s->prf, s->n_prf, 0, &c->prf) : has_type(p, ALG_PRF))
		return false;
	if (type_wanted(want, ALG_KE) &&
	    !pick(p, ALG_KE, s->ke, s->n_ke, want->ke_sent, &c->ke))
		return false;
	if (ike ? has_type(p, ALG_ESN) : !pick_esn(p, want, c))
		return false;
	c->number = p->number;
	c->protocol = p->protocol;
	c->spi_len = p->spi_len;
	c->spi = p->spi;
	for (uint8_t type = ALG_ENCR; type <= ALG_ESN; type++)
		if (has_type(p, type) && type_wanted(want, type))
			c->types |= (uint8_t)TYPE_BIT(type);
	return true;
}

int proposal_choose(const struct sa_payload *theirs, const struct suite_list *ours,
		    const struct proposal_want *want, struct chosen *out, struct err *e)
{
	char text[400];

	for (uint8_t i = 0; i < ours->n; i++)
		for (uint8_t k = 0; k < theirs->n; k++)
			if (fits(&theirs->p[k], &ours->s[i], want, out))
				return 0;
	return err_set(e, "%s", proposal_compare(ours, theirs, want, text, sizeof(text)));
}

void proposal_answer(const struct chosen *c, uint64_t our_spi, struct sa_payload *out)
{
	struct proposal *p = &out->p[0];

	out->n = 1;
	*p = (struct proposal){ .number = c->number, .protocol = c->protocol,
				.spi_len = c->spi_len, .spi = c->spi_len ? our_spi : 0 };
	if (c->types & TYPE_BIT(ALG_ENCR))
		add(p, ALG_ENCR, c->encr, c->encr_bits);
	if (c->types & TYPE_BIT(ALG_PRF))
		add(p, ALG_PRF, c->prf, 0);
	if (c->types & TYPE_BIT(ALG_INTEG))
		add(p, ALG_INTEG, c->integ, 0);
	if (c->types & TYPE_BIT(ALG_KE))
		add(p, ALG_KE, c->ke, 0);
	if (c->types & TYPE_BIT(ALG_ESN))
		add(p, ALG_ESN, c->esn ? ESN_YES : ESN_NO, 0);
}

static void take(struct chosen *c, const struct sa_transform *t)
{
	switch (t->type) {
	case ALG_ENCR:
		c->encr = t->id;
		c->encr_bits = t->key_bits;
		break;
	case ALG_PRF:
		c->prf = t->id;
		break;
	case ALG_INTEG:
		c->integ = t->id;
		break;
	case ALG_KE:
		c->ke = t->id;
		break;
	case ALG_ESN:
		c->esn = t->id == ESN_YES;
		break;
	}
}

static int verify_transforms(const struct proposal *a, const struct proposal *o,
			     struct chosen *c, struct err *e)
{
	char label[48];

	for (uint8_t i = 0; i < a->n; i++) {
		const struct sa_transform *t = &a->t[i];
		bool none = t->id == 0 && (t->type == ALG_INTEG || t->type == ALG_KE);

		if (t->type > ALG_ESN || t->type < ALG_ENCR)
			return err_set(e, "the peer answered with transform type %u", t->type);
		if (c->types & TYPE_BIT(t->type))
			return err_set(e, "the peer chose two algorithms for %s",
				       proposal_type_words(t->type));
		if (none && !has_type(o, t->type))
			continue;
		if (t->unusable || !has(o, t->type, t->id, t->key_bits))
			return err_set(e, "the peer chose %s, which was not offered",
				       alg_label((enum alg_type)t->type, t->id, t->key_bits,
						 label, sizeof(label)));
		c->types |= (uint8_t)TYPE_BIT(t->type);
		take(c, t);
	}
	for (uint8_t type = ALG_ENCR; type <= ALG_ESN; type++)
		if (has_type(o, type) && !(c->types & TYPE_BIT(type)))
			return err_set(e, "the peer's choice lacks %s", proposal_type_words(type));
	return 0;
}

int proposal_verify(const struct sa_payload *answer, const struct sa_payload *offered,
		    const struct proposal_want *want, struct chosen *out, struct err *e)
{
	const struct proposal *a = &answer->p[0], *o = NULL;

	memset(out, 0, sizeof(*out));
	if (answer->n != 1)
		return err_set(e, "the peer answered with %u proposals instead of one", answer->n);
	for (uint8_t i = 0; i < offered->n; i++)
		if (offered->p[i].number == a->number)
			o = &offered->p[i];
	if (!o)
		return err_set(e, "the peer chose proposal %u, which was not offered", a->number);
	if (a->protocol != o->protocol)
		return err_set(e, "the peer answered for %s, not for %s",
			       a->protocol == PROTO_IKE ? "IKE" :
			       a->protocol == PROTO_ESP ? "ESP" :
			       a->protocol == PROTO_AH ? "AH" : "another protocol",
			       ike_protocol_name(o->protocol));
	if (!spi_fits(a, want))
		return err_set(e, "the peer answered with a wrong SPI (%u bytes)", a->spi_len);
	out->number = a->number;
	out->protocol = a->protocol;
	out->spi_len = a->spi_len;
	out->spi = a->spi;
	return verify_transforms(a, o, out, e);
}

bool proposal_offers_ke(const struct sa_payload *offered, uint16_t group)
{
	for (uint8_t i = 0; i < offered->n; i++)
		if (group != KE_NONE && has(&offered->p[i], ALG_KE, group, 0))
			return true;
	return false;
}

uint16_t proposal_first_ke(const struct sa_payload *offered)
{
	for (uint8_t i = 0; offered->n && i < offered->p[0].n; i++)
		if (offered->p[0].t[i].type == ALG_KE)
			return offered->p[0].t[i].id;
	return KE_NONE;
}
