/* der: strict on purpose. A signature is over bytes, so two ways to write one value are one
 * too many; nobody who makes certificates writes anything but DER. */
#include "core/crypto/der.h"

#include <stdio.h>
#include <string.h>

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

	if (s.len == 0 || s.p[0] & 0x80 ||
	    (s.len > 1 && s.p[0] == 0 && !(s.p[1] & 0x80))) {
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

/* Days since 1970-01-01 in the Gregorian calendar, years counted from March so that the leap
 * day is the last. Not timegm(): where time_t has 32 bits it ends in 2038, and CAs do not. */
static int64_t days_of(int year, int month, int day)
{
	int y = month <= 2 ? year - 1 : year, m = month <= 2 ? month + 9 : month - 3;

	return (int64_t)y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day -
	       1 - 719468;
}

static void date_of(int64_t days, int *year, int *month, int *day)
{
	*year = 1970 + (int)(days / 366);
	while (days_of(*year + 1, 1, 1) <= days)
		++*year;
	*month = 1;
	while (*month < 12 && days_of(*year, *month + 1, 1) <= days)
		++*month;
	*day = (int)(days - days_of(*year, *month, 1)) + 1;
}

int64_t der_time(struct rd *r)
{
	uint8_t tag;
	struct rd in = der_any(r, &tag);
	struct slice s = rd_rest(&in);
	int v[7], n = 0, year;
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
	return days_of(year, v[n], v[n + 1]) * 86400 + v[n + 2] * 3600 + v[n + 3] * 60 +
	       v[n + 4];
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
	uint8_t b[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
			 (uint8_t)v };

	der_put_uint(o, (struct slice){ b, 4 });
}

void der_put_time(struct der_out *o, int64_t wall_s)
{
	int64_t days = wall_s / 86400;
	int year, month, day, s = (int)(wall_s % 86400);
	char text[32];
	bool utc;

	if (wall_s < 0 || days > 2932896) {	/* the year 9999 */
		o->bad = true;
		return;
	}
	date_of(days, &year, &month, &day);
	utc = year < 2050;
	snprintf(text, sizeof(text), "%0*d%02d%02d%02d%02d%02dZ", utc ? 2 : 4,
		 utc ? year % 100 : year, month, day, s / 3600, s / 60 % 60, s % 60);
	der_put_tlv(o, utc ? DER_UTC_TIME : DER_GENERALIZED_TIME,
		    (struct slice){ (const uint8_t *)text, strlen(text) });
}
