/* wr: a bounded cursor to write a message with, with sticky failure.
 *
 * The buffer is the caller's. When it is too small nothing more is written and wr_ok() says
 * no; lengths that come before what they count are patched with wr_mark/wr_patch.
 */
#ifndef ADIT_BASE_WR_H
#define ADIT_BASE_WR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wr {
	uint8_t *buf;
	size_t cap;
	size_t len;	/* bytes written so far */
	bool bad;
};

static inline struct wr wr_init(void *buf, size_t cap)
{
	return (struct wr){ .buf = buf, .cap = cap };
}

static inline bool wr_ok(const struct wr *w)
{
	return !w->bad;
}

/* Network byte order. */
void wr_u8(struct wr *w, uint8_t v);
void wr_u16(struct wr *w, uint16_t v);
void wr_u32(struct wr *w, uint32_t v);
void wr_u64(struct wr *w, uint64_t v);
void wr_bytes(struct wr *w, const void *p, size_t len);
void wr_zero(struct wr *w, size_t len);
/* len bytes for the caller to fill; NULL when they do not fit. */
uint8_t *wr_space(struct wr *w, size_t len);
/* Where the next byte goes, for a later wr_patch_*. */
static inline size_t wr_mark(const struct wr *w)
{
	return w->len;
}
/* Overwrite at a mark; the place must have been written already. */
void wr_patch_u8(struct wr *w, size_t at, uint8_t v);
void wr_patch_u16(struct wr *w, size_t at, uint16_t v);
void wr_patch_u32(struct wr *w, size_t at, uint32_t v);

#endif
