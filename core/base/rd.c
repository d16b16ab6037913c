/* rd: every read of bytes from outside goes through here; nothing casts wire memory. */
#include "core/base/rd.h"

#include <string.h>

void rd_fail(struct rd *r)
{
	r->bad = true;
	r->left = 0;
}

const uint8_t *rd_bytes(struct rd *r, size_t len)
{
	const uint8_t *p = r->p;

	if (r->bad || len > r->left) {
		rd_fail(r);
		return NULL;
	}
	r->p += len;
	r->left -= len;
	return p;
}

void rd_copy(struct rd *r, void *out, size_t len)
{
	const uint8_t *p = rd_bytes(r, len);

	if (!len)
		return;
	if (p)
		memcpy(out, p, len);
	else
		memset(out, 0, len);
}

void rd_skip(struct rd *r, size_t len)
{
	(void)rd_bytes(r, len);
}

static uint64_t be(struct rd *r, size_t len)
{
	const uint8_t *p = rd_bytes(r, len);
	uint64_t v = 0;

	for (size_t i = 0; p && i < len; i++)
		v = v << 8 | p[i];
	return v;
}

uint8_t rd_u8(struct rd *r)
{
	return (uint8_t)be(r, 1);
}

uint16_t rd_u16(struct rd *r)
{
	return (uint16_t)be(r, 2);
}

uint32_t rd_u32(struct rd *r)
{
	return (uint32_t)be(r, 4);
}

uint64_t rd_u64(struct rd *r)
{
	return be(r, 8);
}

struct rd rd_child(struct rd *r, size_t len)
{
	const uint8_t *p = rd_bytes(r, len);
	struct rd child = rd_init(p, p ? len : 0);

	child.bad = !p;
	return child;
}

struct slice rd_rest(struct rd *r)
{
	size_t len = r->left;

	return (struct slice){ .p = rd_bytes(r, len), .len = r->bad ? 0 : len };
}
