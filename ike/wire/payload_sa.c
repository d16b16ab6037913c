/* payload_sa: the SA payload (RFC 7296 §3.3): proposals of transforms of attributes, each level with a
 * cursor of its own. Declared in payload.h. */
#include "ike/wire/payload.h"

#include <string.h>

#define ATTR_KEY_LENGTH 14
#define ATTR_TV 0x8000		/* type and value, no length */
#define MORE_PROPOSALS 2
#define MORE_TRANSFORMS 3

/* §3.3.5. An attribute that is not known makes the transform unusable, not the message bad. */
static int attribute(struct rd *r, struct sa_transform *t, struct err *e)
{
	uint16_t type = rd_u16(r), v = rd_u16(r);

	if (!(type & ATTR_TV)) {
		rd_skip(r, v);
		t->unusable = true;
		if (!rd_ok(r))
			return err_set(e, "a transform attribute is longer than its transform");
		if (type == ATTR_KEY_LENGTH)
			return err_set(e, "a Key Length attribute of variable length");
		return 0;
	}
	if (!rd_ok(r))
		return err_set(e, "a transform attribute is cut off");
	if ((type & ~ATTR_TV) != ATTR_KEY_LENGTH) {
		t->unusable = true;
		return 0;
	}
	if (t->key_bits)
		return err_set(e, "a transform with two Key Length attributes");
	if (!v)
		return err_set(e, "a Key Length of zero");
	t->key_bits = v;
	return 0;
}

static int transform(struct rd *r, struct sa_transform *t, bool last, struct err *e)
{
	uint8_t more = rd_u8(r);
	uint16_t len;
	struct rd c;

	rd_skip(r, 1);
	len = rd_u16(r);
	if (len < 8 || !rd_ok(r))
		return err_set(e, "a transform is too short");
	c = rd_child(r, len - 4u);
	if (!rd_ok(r))
		return err_set(e, "a transform is longer than its proposal");
	if (more != (last ? 0 : MORE_TRANSFORMS))
		return err_set(e, "the number of transforms does not match their marks");
	memset(t, 0, sizeof(*t));
	t->type = rd_u8(&c);
	rd_skip(&c, 1);
	t->id = rd_u16(&c);
	while (c.left)
		if (attribute(&c, t, e) < 0)
			return -1;
	return 0;
}

static int proposal_body(struct rd *r, struct proposal *p, struct err *e)
{
	uint8_t n;

	p->number = rd_u8(r);
	p->protocol = rd_u8(r);
	p->spi_len = rd_u8(r);
	n = rd_u8(r);
	p->spi = 0;
	if (p->spi_len == 4)
		p->spi = rd_u32(r);
	else if (p->spi_len == 8)
		p->spi = rd_u64(r);
	else
		rd_skip(r, p->spi_len);
	if (!rd_ok(r))
		return err_set(e, "a proposal is too short for its SPI");
	if (!n || n > TRANSFORMS_MAX)
		return err_set(e, "a proposal with %u transforms; 1 to %d are taken", n,
			       TRANSFORMS_MAX);
	p->unknown_type = false;
	for (p->n = 0; p->n < n; p->n++) {
		struct sa_transform *t = &p->t[p->n];

		if (transform(r, t, p->n + 1 == n, e) < 0)
			return -1;
		if (t->type < ALG_ENCR || t->type > ALG_ESN)
			p->unknown_type = true;
	}
	if (!rd_done(r))
		return err_set(e, "%zu bytes after the last transform", r->left);
	return 0;
}

int payload_sa(struct slice body, struct sa_payload *out, struct err *e)
{
	struct rd r = rd_slice(body);
	uint8_t more = MORE_PROPOSALS;

	for (out->n = 0; more == MORE_PROPOSALS; out->n++) {
		struct proposal *p = &out->p[out->n];
		uint16_t len;
		struct rd c;

		if (out->n == PROPOSALS_MAX)
			return err_set(e, "more than %d proposals", PROPOSALS_MAX);
		more = rd_u8(&r);
		rd_skip(&r, 1);
		len = rd_u16(&r);
		if (len < 8 || !rd_ok(&r))
			return err_set(e, "a proposal is too short");
		c = rd_child(&r, len - 4u);
		if (!rd_ok(&r))
			return err_set(e, "a proposal is longer than its payload");
		if (proposal_body(&c, p, e) < 0)
			return -1;
		if (p->number <= (out->n ? p[-1].number : 0))
			return err_set(e, "proposal numbers that do not grow");
	}
	if (more)
		return err_set(e, "a proposal with a wrong mark for \"more\"");
	if (!rd_done(&r))
		return err_set(e, "%zu bytes after the last proposal", r.left);
	return 0;
}
