/* rd: a bounded cursor over received bytes, with sticky failure.
 *
 * Once a read goes past the end every later one fails too and yields zeros, so a parser
 * reads all it wants and asks rd_ok() once. A child cursor cannot see past its length, so a
 * loop over children always makes progress. The bytes are borrowed, never copied.
 */
#ifndef ADIT_BASE_RD_H
#define ADIT_BASE_RD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rd {
	const uint8_t *p;
	size_t left;
	bool bad;
};

/* A piece of a message; dies with it. */
struct slice {
	const uint8_t *p;
	size_t len;
};

static inline struct rd rd_init(const void *p, size_t len)
{
	return (struct rd){ .p = p, .left = len, .bad = false };
}

static inline struct rd rd_slice(struct slice s)
{
	return rd_init(s.p, s.len);
}

static inline bool rd_ok(const struct rd *r)
{
	return !r->bad;
}

/* True when all was read and nothing failed: leftovers are errors. */
static inline bool rd_done(const struct rd *r)
{
	return !r->bad && r->left == 0;
}

/* The next len bytes, or NULL (and failure) when fewer are left. len may be 0. */
const uint8_t *rd_bytes(struct rd *r, size_t len);
/* Copy the next len bytes to out; zeros on failure. */
void rd_copy(struct rd *r, void *out, size_t len);
void rd_skip(struct rd *r, size_t len);
/* Network byte order; 0 on failure. */
uint8_t rd_u8(struct rd *r);
uint16_t rd_u16(struct rd *r);
uint32_t rd_u32(struct rd *r);
uint64_t rd_u64(struct rd *r);
/* A child over the next len bytes, which the parent skips. A failed child when too few. */
struct rd rd_child(struct rd *r, size_t len);
/* All that is left. */
struct slice rd_rest(struct rd *r);
/* Make it fail, for a parser that found a wrong value. */
void rd_fail(struct rd *r);

#endif
