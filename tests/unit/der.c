/* rooms: core/crypto core/base */
/* der: times against the C library's, lengths and integers in the one way they may be. */
#include "core/crypto/der.h"
#include "tests/unit/t.h"

#include <time.h>

static void times(void)
{
	static const int64_t edges[] = { 0, 59, 86399, 86400, 951782399, 951782400, 951868800,
					 2524607999, 2524608000, 4102444799, 4107542400, 32503679999,
					 253402300799 };

	for (int64_t i = 0; i < 60000; i++) {
		int64_t t = i < 13 ? edges[i] : i * 4223377 + i % 86400;
		time_t lib = (time_t)t;
		uint8_t buf[32];
		struct der_out o = der_out(buf, sizeof(buf));
		struct slice s;
		char want[32];
		struct rd r;
		struct tm tm;

		if (t > 253402300799)
			break;
		CHECK(gmtime_r(&lib, &tm));
		strftime(want, sizeof(want), tm.tm_year < 150 ? "%y%m%d%H%M%SZ" : "%Y%m%d%H%M%SZ", &tm);
		der_put_time(&o, t);
		s = der_done(&o);
		CHECK_INT(s.len, strlen(want) + 2);
		CHECK_INT(s.p[0], tm.tm_year < 150 ? DER_UTC_TIME : DER_GENERALIZED_TIME);
		CHECK_MEM(s.p + 2, want, strlen(want));
		r = rd_slice(s);
		CHECK_INT(der_time(&r), t);
		CHECK(rd_done(&r));
	}
}

static int64_t read_time(const char *text)
{
	uint8_t buf[40] = { strlen(text) == 13 ? DER_UTC_TIME : DER_GENERALIZED_TIME,
			    (uint8_t)strlen(text) };
	struct rd r;
	int64_t t;

	memcpy(buf + 2, text, strlen(text));
	r = rd_init(buf, 2 + strlen(text));
	t = der_time(&r);
	return rd_ok(&r) ? t : -1;
}

static void bad_times(void)
{
	CHECK_INT(read_time("700101000000Z"), 0);
	CHECK_INT(read_time("19700101000000Z"), 0);
	CHECK_INT(read_time("20380119031408Z"), 2147483648);
	CHECK_INT(read_time("701301000000Z"), -1);
	CHECK_INT(read_time("700001000000Z"), -1);
	CHECK_INT(read_time("700132000000Z"), -1);
	CHECK_INT(read_time("700101240000Z"), -1);
	CHECK_INT(read_time("700101000000"), -1);
	CHECK_INT(read_time("70010100000xZ"), -1);
	CHECK_INT(read_time("7001010000Z"), -1);
	CHECK_INT(read_time("700101000000+"), -1);
}

/* One element; true when the reader takes it. */
static bool takes(const char *bytes, size_t n)
{
	struct rd r = rd_init(bytes, n);
	uint8_t tag;

	der_any(&r, &tag);
	return rd_done(&r);
}
#define TAKES(s) takes(s, sizeof(s) - 1)

static void lengths(void)
{
	static char long_one[4 + 200] = "\x04\x81\xc8";

	CHECK(TAKES("\x04\x00"));
	CHECK(TAKES("\x04\x02" "ab"));
	CHECK(takes(long_one, 3 + 200));
	CHECK(!TAKES("\x04\x80"));		/* indefinite */
	CHECK(!TAKES("\x04\x81\x02" "ab"));	/* longer than needed */
	CHECK(!TAKES("\x04\x82\x00\x02" "ab"));
	CHECK(!TAKES("\x04\x03" "ab"));
	CHECK(!TAKES("\x04\x85\x00\x00\x00\x00\x01" "a"));
	CHECK(!TAKES("\x04\xff"));
	CHECK(!TAKES("\x1f\x81\x01\x00"));	/* a tag of two bytes */
	CHECK(!TAKES("\x04"));
	CHECK(!TAKES(""));
}

static long small(const char *bytes, size_t n)
{
	struct rd r = rd_init(bytes, n);
	uint32_t v = der_small(&r);

	return rd_done(&r) ? (long)v : -1;
}
#define SMALL(s) small(s, sizeof(s) - 1)

static void integers(void)
{
	CHECK_INT(SMALL("\x02\x01\x00"), 0);
	CHECK_INT(SMALL("\x02\x01\x7f"), 127);
	CHECK_INT(SMALL("\x02\x02\x00\x80"), 128);
	CHECK_INT(SMALL("\x02\x04\x7f\xff\xff\xff"), 2147483647);
	CHECK_INT(SMALL("\x02\x01\x80"), -1);		/* negative */
	CHECK_INT(SMALL("\x02\x02\x00\x7f"), -1);	/* padded */
	CHECK_INT(SMALL("\x02\x00"), -1);
	CHECK_INT(SMALL("\x02\x05\x00\x80\x00\x00\x00"), -1);
	for (uint32_t v = 0; v < 70000; v += 127) {
		uint8_t buf[16];
		struct der_out o = der_out(buf, sizeof(buf));
		struct slice s;

		der_put_small(&o, v);
		s = der_done(&o);
		CHECK_INT(small((const char *)s.p, s.len), v);
	}
}

/* A buffer that is too small yields nothing rather than a piece. */
static void full(void)
{
	uint8_t buf[10];

	for (size_t cap = 0; cap < 9; cap++) {
		struct der_out o = der_out(buf, cap);

		der_put_tlv(&o, DER_OCTET_STRING, (struct slice){ (const uint8_t *)"1234567", 7 });
		CHECK_INT(der_done(&o).len, 0);
	}
}

int main(void)
{
	T_RUN(times);
	T_RUN(bad_times);
	T_RUN(lengths);
	T_RUN(integers);
	T_RUN(full);
	return t_done();
}
