/* rooms: dataplane/esp core/base */
/* esp_csum: the fast checksum against one that anyone can read. */
#include "core/base/rng.h"
#include "dataplane/esp/csum.h"
#include "tests/unit/esp_slow.h"
#include "tests/unit/t.h"

static uint8_t buf[70000];

/* 0 and 0xffff are the same number in one's complement. */
static void same(uint32_t a, uint32_t b)
{
	CHECK_INT(a % 0xffff, b % 0xffff);
}

static void rfc_1071_example(void)
{
	static const uint8_t d[] = { 0, 1, 0xf2, 3, 0xf4, 0xf5, 0xf6, 0xf7 };

	CHECK_INT(csum_add(0, d, 8), 0xddf2);
	CHECK_INT(csum_done(csum_add(0, d, 8)), 0x220d);
	CHECK_INT(csum_add(csum_add(0, d, 4), d + 4, 4), 0xddf2);
	CHECK_INT(csum_add(0, d + 3, 1), 0x0300);
	CHECK_INT(csum_add(0, d, 0), 0);
	CHECK_INT(csum_fold(0x1fffe), 0xffff);
	CHECK_INT(csum_fold(0xffffffff), 0xffff);
}

static void any_length_at_any_place(void)
{
	rng_bytes(buf, 4096);
	for (size_t at = 0; at < 72; at++)
		for (size_t len = 0; len < 700; len++)
			same(csum_add(0, buf + at, len), slow_sum(buf + at, len, 0));
}

static void large_and_full_of_ones(void)
{
	memset(buf, 0xff, sizeof(buf));
	for (size_t len = 0; len <= sizeof(buf); len += 4999)
		same(csum_add(0xffff, buf, len), slow_sum(buf, len, 0xffff));
	memset(buf, 0, sizeof(buf));
	CHECK_INT(csum_add(0, buf, sizeof(buf)), 0);	/* nothing but zeros is zero */
	CHECK_INT(csum_done(csum_add(0, buf, sizeof(buf))), 0xffff);
}

static void in_parts(void)
{
	rng_bytes(buf, 9000);
	for (int i = 0; i < 500; i++) {
		size_t len = rng_below(9000), cut = rng_below((uint32_t)len + 1) & ~1u;

		same(csum_add(csum_add(0, buf, cut), buf + cut, len - cut), slow_sum(buf, len, 0));
	}
}

/* RFC 1624: every change of a word, those around 0 and 0xffff (its §3) above all. */
static void fixed_after_a_change(void)
{
	static const uint16_t odd[] = { 0, 1, 0xfffe, 0xffff, 0x8000, 0x7fff };
	uint8_t p[20];

	for (int i = 0; i < 20000; i++) {
		uint16_t was, is, check;

		rng_bytes(p, sizeof(p));
		is = i % 2 ? odd[rng_below(6)] : (uint16_t)rng_below(65536);
		if (i % 3 == 0)
			slow_put(p + 4, 2, odd[rng_below(6)]);
		was = (uint16_t)slow_get(p + 4, 2);
		slow_put(p + 10, 2, 0);
		check = (uint16_t)~slow_sum(p, 20, 0);
		slow_put(p + 4, 2, is);
		slow_put(p + 10, 2, csum_fix(check, was, is));
		CHECK_INT(slow_sum(p, 20, 0), 0xffff);
	}
}

static void pseudo_headers(void)
{
	uint8_t p[40];

	rng_bytes(p, sizeof(p));
	p[0] = 0x45;
	same(csum_pseudo(p, 6, 1234), slow_pseudo(p, 6, 20, 20 + 1234));
	p[0] = 0x60;
	same(csum_pseudo(p, 17, 65000), slow_pseudo(p, 17, 40, 40 + 65000));
	same(csum_pseudo(p, 17, 0x12345), csum_pseudo(p, 17, 0) + 1 + 0x2345);
}

int main(void)
{
	rng_virtual_seed(7);
	T_RUN(rfc_1071_example);
	T_RUN(any_length_at_any_place);
	T_RUN(large_and_full_of_ones);
	T_RUN(in_parts);
	T_RUN(fixed_after_a_change);
	T_RUN(pseudo_headers);
	return t_done();
}
