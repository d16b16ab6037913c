/* wr: the one way to build what goes on the wire. */
#include "core/base/wr.h"

#include <assert.h>
#include <string.h>

uint8_t *wr_space(struct wr *w, size_t len)
{
	uint8_t *p = w->buf + w->len;

	if (w->bad || len > w->cap - w->len) {
		w->bad = true;
		return NULL;
	}
	w->len += len;
	return p;
}

static void put(uint8_t *p, uint64_t v, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(v >> (8 * (len - 1 - i)));
}

static void be(struct wr *w, uint64_t v, size_t len)
{
	uint8_t *p = wr_space(w, len);

	if (p)
		put(p, v, len);
}

void wr_u8(struct wr *w, uint8_t v)
{
	be(w, v, 1);
}

void wr_u16(struct wr *w, uint16_t v)
{
	be(w, v, 2);
}

void wr_u32(struct wr *w, uint32_t v)
{
	be(w, v, 4);
}

void wr_u64(struct wr *w, uint64_t v)
{
	be(w, v, 8);
}

void wr_bytes(struct wr *w, const void *src, size_t len)
{
	uint8_t *p = wr_space(w, len);

	if (p && len)
		memcpy(p, src, len);
}

void wr_zero(struct wr *w, size_t len)
{
	uint8_t *p = wr_space(w, len);

	if (p && len)
		memset(p, 0, len);
}

static void patch(struct wr *w, size_t at, uint64_t v, size_t len)
{
	if (w->bad)
		return;
	assert(at + len <= w->len);
	put(w->buf + at, v, len);
}

void wr_patch_u8(struct wr *w, size_t at, uint8_t v)
{
	patch(w, at, v, 1);
}

void wr_patch_u16(struct wr *w, size_t at, uint16_t v)
{
	patch(w, at, v, 2);
}

void wr_patch_u32(struct wr *w, size_t at, uint32_t v)
{
	patch(w, at, v, 4);
}
