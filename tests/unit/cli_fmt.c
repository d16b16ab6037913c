/* rooms: core/front core/base */
/* How both faces write numbers and fit text. */
#include "core/front/fmt.h"

#include "tests/unit/t.h"

#include <locale.h>

static char buf[256];

#define BYTES(n) fmt_bytes(n, buf, sizeof(buf))
#define SPAN(n) fmt_span(n, buf, sizeof(buf))
#define SHORT(n) fmt_span_short(n, buf, sizeof(buf))
#define FIT(s, w) fmt_fit(s, w, true, buf, sizeof(buf))

static void bytes(void)
{
	CHECK_STR(BYTES(0), "0 B");
	CHECK_STR(BYTES(999), "999 B");
	CHECK_STR(BYTES(1000), "1.0 kB");
	CHECK_STR(BYTES(1049), "1.0 kB");
	CHECK_STR(BYTES(1050), "1.1 kB");
	CHECK_STR(BYTES(9949), "9.9 kB");
	CHECK_STR(BYTES(9950), "10 kB");
	CHECK_STR(BYTES(999499), "999 kB");
	CHECK_STR(BYTES(999500), "1.0 MB");
	CHECK_STR(BYTES(34567890), "35 MB");
	CHECK_STR(BYTES(5600000000ULL), "5.6 GB");
	CHECK_STR(BYTES(UINT64_MAX), "18 EB");
	CHECK_STR(fmt_rate(1234, buf, sizeof(buf)), "1.2 kB/s");
}

/* No number is wider than its column, and none goes backwards. */
static void bytes_are_narrow(void)
{
	for (uint64_t n = 1; n < UINT64_MAX / 3; n = n * 3 + 1)
		CHECK(strlen(BYTES(n)) <= 7);
}

static void spans(void)
{
	CHECK_STR(SPAN(0), "0 s");
	CHECK_STR(SPAN(119), "119 s");
	CHECK_STR(SPAN(120), "2 min");
	CHECK_STR(SPAN(3599), "59 min");
	CHECK_STR(SPAN(3600), "1 h");
	CHECK_STR(SPAN(3 * 3600 + 12 * 60), "3 h 12 min");
	CHECK_STR(SPAN(86400), "1 d");
	CHECK_STR(SPAN(2 * 86400 + 4 * 3600), "2 d 4 h");
	CHECK_STR(SPAN(400 * 86400ULL + 3600), "400 d");
	CHECK_STR(SHORT(59), "59s");
	CHECK_STR(SHORT(252), "4m12s");
	CHECK_STR(SHORT(3 * 3600 + 5 * 60), "3h05m");
	CHECK_STR(SHORT(2 * 86400 + 4 * 3600), "2d4h");
	CHECK_STR(SHORT(123 * 86400ULL), "123d");
}

static void counts(void)
{
	CHECK_STR(fmt_count(0, buf, sizeof(buf)), "0");
	CHECK_STR(fmt_count(999, buf, sizeof(buf)), "999");
	CHECK_STR(fmt_count(12345678, buf, sizeof(buf)), "12 345 678");
	CHECK_STR(fmt_count(UINT64_MAX, buf, sizeof(buf)), "18 446 744 073 709 551 615");
}

static void states(void)
{
	CHECK_INT(fmt_state("up")->symbol, '+');
	CHECK_INT(fmt_state("connecting")->symbol, '~');
	CHECK_INT(fmt_state("down")->symbol, '!');
	CHECK_INT(fmt_state("disabled")->symbol, '-');
	CHECK_STR(fmt_state("melted")->word, "unknown");
}

static void fits(void)
{
	CHECK_STR(FIT("10.1.0.0/24", 0), "10.1.0.0/24");
	CHECK_STR(FIT("10.1.0.0/24", 11), "10.1.0.0/24");
	CHECK_STR(FIT("10.1.0.0/24", 10), "10.1.…0/24");
	CHECK_STR(FIT("abcdef", 3), "a…f");
	CHECK_STR(FIT("abcdef", 2), "ab");
	CHECK_STR(fmt_fit("10.1.0.0/24", 10, false, buf, sizeof(buf)), "10.1.../24");
	CHECK_STR(FIT("", 5), "");
}

/* What came from a stranger must not move the cursor. */
static void cleans(void)
{
	CHECK_STR(FIT("a\033[2Jb\n\tc\177", 0), "a?[2Jb??c?");
	CHECK_STR(FIT("a\xff\xfe" "b", 0), "a??b");
	CHECK_STR(FIT("\xc2\x9b" "31m", 0), "?31m");	/* CSI as one C1 character */
}

static void widths(void)
{
	CHECK_INT(fmt_width("Zürich"), 6);
	CHECK_INT(fmt_width("東京"), 4);
	CHECK_STR(FIT("東京タワー", 5), "東…ー");
	CHECK(fmt_width(FIT("東京タワー", 6)) <= 6);
	CHECK_STR(FIT("ZürichHürlimann", 7), "Zür…ann");
}

/* Nothing is written past cap, whatever the text. */
static void bounds(void)
{
	char small[8];

	for (size_t cap = 1; cap <= sizeof(small); cap++) {
		for (size_t w = 0; w < 12; w++) {
			memset(small, 'x', sizeof(small));
			fmt_fit("Zürich-東京", w, true, small, cap);
			CHECK(memchr(small, '\0', cap) != NULL);
		}
	}
}

static void wraps(void)
{
	const char *next;

	CHECK_INT(fmt_wrap("one two three", 8, &next), 7);
	CHECK_STR(next, "three");
	CHECK_INT(fmt_wrap("one two", 7, &next), 7);
	CHECK(next == NULL);
	CHECK_INT(fmt_wrap("a\nb", 20, &next), 1);
	CHECK_STR(next, "b");
	CHECK_INT(fmt_wrap("abcdefghij", 4, &next), 4);
	CHECK_STR(next, "efghij");
}

/* Each line makes progress, and no letter is lost. */
static void wraps_all(void)
{
	const char *text = "It is said that Zürich and 東京 are far apart, unless one "
			   "goes by tunnel";
	size_t letters = 0;

	for (const char *p = text; *p; p++)
		letters += *p != ' ';
	for (size_t w = 2; w < 90; w++) {
		const char *next = text;
		size_t seen = 0;

		while (next) {
			const char *line = next;
			size_t n = fmt_wrap(line, w, &next);

			CHECK(n > 0);
			for (size_t i = 0; i < n; i++)
				seen += line[i] != ' ';
		}
		CHECK_INT(seen, letters);
	}
}

int main(void)
{
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		setlocale(LC_CTYPE, "en_US.UTF-8");
	T_RUN(bytes);
	T_RUN(bytes_are_narrow);
	T_RUN(spans);
	T_RUN(counts);
	T_RUN(states);
	T_RUN(fits);
	T_RUN(cleans);
	T_RUN(widths);
	T_RUN(bounds);
	T_RUN(wraps);
	T_RUN(wraps_all);
	return t_done();
}
