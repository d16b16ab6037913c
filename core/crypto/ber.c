/* ber: indefinite lengths and strings in pieces, as NSS and old Java write them, made DER. The
 * output is never longer than the input but for lengths that were left out; depth and size
 * are bounded. */
#include "core/crypto/der.h"
#include "core/crypto/pkcs12.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 24

struct ber {
	const uint8_t *p, *end;
	uint8_t *out;
	size_t n, cap;
	unsigned depth;
};

static int emit(struct ber *b, const uint8_t *p, size_t n)
{
	if (n > b->cap - b->n)
		return -1;
	if (n)
		memcpy(b->out + b->n, p, n);
	b->n += n;
	return 0;
}

/* Put a head before what was written since `from`. */
static int head(struct ber *b, uint8_t tag, size_t from)
{
	uint8_t buf[8];
	struct der_out o = der_out(buf, sizeof(buf));
	size_t len = b->n - from;
	struct slice h;

	/* der_head() counts what was written: the length is made by hand */
	if (len < 0x80) {
		der_put_byte(&o, (uint8_t)len);
	} else {
		uint8_t bytes = 0;

		for (size_t v = len; v; v >>= 8, bytes++)
			der_put_byte(&o, (uint8_t)v);
		der_put_byte(&o, 0x80 | bytes);
	}
	der_put_byte(&o, tag);
	h = der_done(&o);
	if (h.len == 0 || h.len > b->cap - b->n)
		return -1;
	memmove(b->out + from + h.len, b->out + from, len);
	memcpy(b->out + from, h.p, h.len);
	b->n += h.len;
	return 0;
}

static int length(struct ber *b, size_t *len, bool *indefinite)
{
	uint8_t c;

	if (b->p == b->end)
		return -1;
	c = *b->p++;
	*indefinite = c == 0x80;
	*len = c;
	if (c <= 0x80)
		return 0;
	*len = 0;
	for (c &= 0x7f; c; c--) {
		if (b->p == b->end || *len >> 24)
			return -1;
		*len = *len << 8 | *b->p++;
	}
	return 0;
}

static int element(struct ber *b, bool naked);

/* The contents of a constructed element; naked: its pieces without their heads. */
static int contents(struct ber *b, size_t len, bool indefinite, bool naked)
{
	const uint8_t *end = b->end;

	if (!indefinite && len > (size_t)(b->end - b->p))
		return -1;
	if (!indefinite)
		b->end = b->p + len;
	if (++b->depth > DEPTH_MAX)
		return -1;
	for (;;) {
		if (!indefinite && b->p == b->end)
			break;
		if (indefinite && b->end - b->p >= 2 && b->p[0] == 0 && b->p[1] == 0) {
			b->p += 2;
			break;
		}
		if (element(b, naked) < 0)
			return -1;
	}
	b->depth--;
	b->end = end;
	return 0;
}

static int element(struct ber *b, bool naked)
{
	size_t len, from = b->n;
	bool indefinite, string;
	uint8_t tag;

	if (b->p == b->end)
		return -1;
	tag = *b->p++;
	if ((tag & 0x1f) == 0x1f || length(b, &len, &indefinite) < 0)
		return -1;
	if (!(tag & 0x20)) {
		if (indefinite || len > (size_t)(b->end - b->p) || emit(b, b->p, len) < 0)
			return -1;
		b->p += len;
		return naked ? 0 : head(b, tag, from);
	}
	/* An OCTET STRING in pieces is one whole. */
	string = tag == (0x20 | DER_OCTET_STRING);
	if (contents(b, len, indefinite, string || naked) < 0)
		return -1;
	return naked ? 0 : head(b, string ? DER_OCTET_STRING : tag, from);
}

int ber_to_der(struct slice in, uint8_t **out, size_t *len)
{
	struct ber b = { .p = in.p, .end = in.p + in.len };

	*out = NULL;
	if (in.len == 0 || in.len > PKCS12_MAX)
		return -1;
	/* A definite length takes at most three bytes more than an indefinite one. */
	b.cap = in.len * 2 + 16;
	b.out = malloc(b.cap);
	if (!b.out)
		return -1;
	if (element(&b, false) < 0 || b.p != b.end) {
		free(b.out);
		return -1;
	}
	*out = b.out;
	*len = b.n;
	return 0;
}
