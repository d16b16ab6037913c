/* sbuf: text that grows, for tables, JSON and file images. Out of memory is sticky: appends
 * become no-ops and sbuf_ok() says no. */
#ifndef ADIT_BASE_SBUF_H
#define ADIT_BASE_SBUF_H

#include "core/base/err.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct sbuf {
	char *s;	/* NUL-terminated once something was added; NULL before */
	size_t len, cap;
	bool bad;
};

void sbuf_add(struct sbuf *b, const char *s);
void sbuf_addn(struct sbuf *b, const char *s, size_t n);
void sbuf_addf(struct sbuf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void sbuf_vaddf(struct sbuf *b, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
/* The text, "" when empty; borrowed until the next append. */
const char *sbuf_str(const struct sbuf *b);
static inline bool sbuf_ok(const struct sbuf *b)
{
	return !b->bad;
}
/* Drop the text, keep the memory. */
void sbuf_reset(struct sbuf *b);
/* The text becomes the caller's to free(); the sbuf is empty again. NULL when out of memory. */
char *sbuf_take(struct sbuf *b);
void sbuf_fini(struct sbuf *b);

#endif
