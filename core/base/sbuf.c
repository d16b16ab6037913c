/* sbuf: grow by doubling; callers check once at the end. */
#include "core/base/sbuf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool room(struct sbuf *b, size_t more)
{
	size_t cap = b->cap ? b->cap : 128;
	char *s;

	if (b->bad)
		return false;
	if (b->len + more + 1 <= b->cap)
		return true;
	while (cap < b->len + more + 1)
		cap *= 2;
	s = realloc(b->s, cap);
	if (!s) {
		b->bad = true;
		return false;
	}
	b->s = s;
	b->cap = cap;
	return true;
}

void sbuf_addn(struct sbuf *b, const char *s, size_t n)
{
	if (!room(b, n))
		return;
	memcpy(b->s + b->len, s, n);
	b->len += n;
	b->s[b->len] = '\0';
}

void sbuf_add(struct sbuf *b, const char *s)
{
	sbuf_addn(b, s, strlen(s));
}

void sbuf_vaddf(struct sbuf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0 || !room(b, (size_t)n))
		return;
	vsnprintf(b->s + b->len, (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
}

void sbuf_addf(struct sbuf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sbuf_vaddf(b, fmt, ap);
	va_end(ap);
}

const char *sbuf_str(const struct sbuf *b)
{
	return b->s && b->len ? b->s : "";
}

void sbuf_reset(struct sbuf *b)
{
	b->len = 0;
	b->bad = false;
	if (b->s)
		b->s[0] = '\0';
}

char *sbuf_take(struct sbuf *b)
{
	char *s;

	if (!room(b, 0))
		return NULL;
	s = b->s;
	s[b->len] = '\0';
	*b = (struct sbuf){ 0 };
	return s;
}

void sbuf_fini(struct sbuf *b)
{
	free(b->s);
	*b = (struct sbuf){ 0 };
}
