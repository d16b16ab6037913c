/* der: strict on purpose. A signature is over bytes, so two ways to write one value are one
 * too many; nobody who makes certificates writes anything but DER. */
#include "core/crypto/der.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static size_t der_len(struct rd *r)
{
	size_t n = rd_u8(r), len = 0;

	if (n < 0x80)
		return n;
	n &= 0x7f;
	if (n == 0 || n > 4) {
		rd_fail(r);
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		len = len << 8 | rd_u8(r);
		if (i == 0 && len == 0)
			rd_fail(r);
	}
	if (len < 0x80)
		rd_fail(r);
	return len;
}

struct rd der_any(struct rd *r, uint8_t *tag)
{
	*tag = rd_u8(r);
	if ((*tag & 0x1f) == 0x1f)
		rd_fail(r);
	return rd_child(r, der_len(r));
}

struct rd der_take(struct rd *r, uint8_t tag)
{
	uint8_t got;
	struct rd in = der_any(r, &got);

	if (got != tag) {
		rd_fail(r);
		rd_fail(&in);
	}
	return in;
}

struct slice der_whole(struct rd *r, uint8_t tag)
{
	const uint8_t *from = r->p;
	uint8_t got;
	struct rd in = der_any(r, &got);

	if (!rd_ok(&in) || (tag && got != tag)) {
		rd_fail(r);
		return (struct slice){ 0 };
	}
	return (struct slice){ from, (size_t)(in.p + in.left - from) };
}

bool der_next_is(const struct rd *r, uint8_t tag)
{
	return rd_ok(r) && r->left > 0 && r->p[0] == tag;
}

struct slice der_bytes(struct rd *r, uint8_t tag)
{
	struct rd in = der_take(r, tag);

	return rd_rest(&in);
}

struct slice der_uint(struct rd *r)
{
	struct slice s = der_bytes(r, DER_INTEGER);

	if (s.len == 0 || s.p[0] & 0x80 || (s.len > 1 && s.p[0] == 0 && !(s.p[1] & 0x80))) {
		rd_fail(r);
		return (struct slice){ 0 };
	}
	if (s.len > 1 && s.p[0] == 0) {
		s.p++;
		s.len--;
	}
	return s;
}

uint32_t der_small(struct rd *r)
{
	struct slice s = der_uint(r);
	uint32_t v = 0;

	if (s.len > 4 || (s.len == 4 && s.p[0] & 0x80)) {
		rd_fail(r);
		return 0;
	}
	for (size_t i = 0; i < s.len; i++)
		v = v << 8 | s.p[i];
	return v;
}

bool der_bool(struct rd *r)
{
	struct slice s = der_bytes(r, DER_BOOLEAN);

	if (s.len != 1) {
		rd_fail(r);
		return false;
	}
	return s.p[0] != 0;
}

struct slice der_bits(struct rd *r)
{
	struct rd in = der_take(r, DER_BIT_STRING);

	if (rd_u8(&in) != 0 || !rd_ok(&in)) {
		rd_fail(r);
		return (struct slice){ 0 };
	}
	return rd_rest(&in);
}

static int two(const uint8_t *p)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return -1;
	return (p[0] - '0') * 10 + p[1] - '0';
}

int64_t der_time(struct rd *r)
{
	uint8_t tag;
	struct rd in = der_any(r, &tag);
	struct slice s = rd_rest(&in);
	int v[7], n = 0, year;
	struct tm tm = { 0 };
	bool utc = tag == DER_UTC_TIME;

	if ((!utc && tag != DER_GENERALIZED_TIME) || s.len != (utc ? 13u : 15u) ||
	    s.p[s.len - 1] != 'Z')
		goto bad;
	for (size_t i = 0; i + 1 < s.len; i += 2)
		if ((v[n++] = two(s.p + i)) < 0)
			goto bad;
	year = utc ? (v[0] < 50 ? 2000 : 1900) + v[0] : v[0] * 100 + v[1];
	n = utc ? 1 : 2;
	if (v[n] < 1 || v[n] > 12 || v[n + 1] < 1 || v[n + 1] > 31 || v[n + 2] > 23 ||
	    v[n + 3] > 59 || v[n + 4] > 60)
		goto bad;
	tm = (struct tm){ .tm_year = year - 1900, .tm_mon = v[n] - 1, .tm_mday = v[n + 1],
			  .tm_hour = v[n + 2], .tm_min = v[n + 3], .tm_sec = v[n + 4] };
	return (int64_t)timegm(&tm);
bad:
	rd_fail(r);
	return 0;
}

bool slice_is(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* ---- writing ---- */

struct slice der_done(const struct der_out *o)
{
	if (o->bad)
		return (struct slice){ 0 };
	return (struct slice){ o->buf + o->at, o->cap - o->at };
}

void der_put(struct der_out *o, const void *p, size_t len)
{
	if (o->bad || len > o->at) {
		o->bad = true;
		return;
	}
	o->at -= len;
	if (len)
		memcpy(o->buf + o->at, p, len);
}

void der_put_byte(struct der_out *o, uint8_t b)
{
	der_put(o, &b, 1);
}

void der_head(struct der_out *o, uint8_t tag, size_t mark)
{
	size_t len = mark - o->at;

	if (len < 0x80) {
		der_put_byte(o, (uint8_t)len);
	} else {
		uint8_t n = 0;

		for (; len; len >>= 8, n++)
			der_put_byte(o, (uint8_t)len);
		der_put_byte(o, 0x80 | n);
	}
	der_put_byte(o, tag);
}

void der_put_tlv(struct der_out *o, uint8_t tag, struct slice contents)
{
	size_t mark = der_mark(o);

	der_put(o, contents.p, contents.len);
	der_head(o, tag, mark);
}

void der_put_uint(struct der_out *o, struct slice v)
{
	size_t mark = der_mark(o);

	while (v.len > 1 && v.p[0] == 0) {
		v.p++;
		v.len--;
	}
	der_put(o, v.p, v.len);
	if (v.len == 0 || v.p[0] & 0x80)
		der_put_byte(o, 0);
	der_head(o, DER_INTEGER, mark);
}

void der_put_small(struct der_out *o, uint32_t v)
{
	uint8_t b[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };

	der_put_uint(o, (struct slice){ b, 4 });
}

void der_put_time(struct der_out *o, int64_t wall_s)
{
	time_t t = (time_t)wall_s;
	char text[32] = "";
	struct tm tm;
	bool utc;

	if (!gmtime_r(&t, &tm)) {
		o->bad = true;
		return;
	}
	utc = tm.tm_year < 150;
	strftime(text, sizeof(text), utc ? "%y%m%d%H%M%SZ" : "%Y%m%d%H%M%SZ", &tm);
	der_put_tlv(o, utc ? DER_UTC_TIME : DER_GENERALIZED_TIME,
		    (struct slice){ (const uint8_t *)text, strlen(text) });
}
