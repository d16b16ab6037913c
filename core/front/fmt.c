/* fmt: one way to write numbers, times, states and cut text, for both faces. */
#include "core/front/fmt.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

static uint64_t div_round(uint64_t v, uint64_t d)
{
	return v / d + (v % d >= d - d / 2);
}

const char *fmt_bytes(uint64_t bytes, char *buf, size_t cap)
{
	static const char *const units[] = { "kB", "MB", "GB", "TB", "PB", "EB" };
	uint64_t unit = 1000;
	size_t u = 0;

	if (bytes < 1000) {
		snprintf(buf, cap, "%u B", (unsigned)bytes);
		return buf;
	}
	while (u < 5 && div_round(bytes, unit) >= 1000) {
		unit *= 1000;
		u++;
	}
	if (div_round(bytes, unit / 10) < 100) {
		unsigned tenths = (unsigned)div_round(bytes, unit / 10);

		snprintf(buf, cap, "%u.%u %s", tenths / 10, tenths % 10, units[u]);
	} else {
		snprintf(buf, cap, "%u %s", (unsigned)div_round(bytes, unit), units[u]);
	}
	return buf;
}

const char *fmt_rate(uint64_t bytes_per_s, char *buf, size_t cap)
{
	size_t n;

	fmt_bytes(bytes_per_s, buf, cap);
	n = strlen(buf);
	snprintf(buf + n, cap - n, "/s");
	return buf;
}

const char *fmt_span(uint64_t s, char *buf, size_t cap)
{
	unsigned long long days = s / 86400, hours = s / 3600 % 24, mins = s / 60 % 60;

	if (s < 120)
		snprintf(buf, cap, "%llu s", (unsigned long long)s);
	else if (s < 3600)
		snprintf(buf, cap, "%llu min", mins);
	else if (!days && mins)
		snprintf(buf, cap, "%llu h %llu min", hours, mins);
	else if (!days)
		snprintf(buf, cap, "%llu h", hours);
	else if (hours && days < 100)
		snprintf(buf, cap, "%llu d %llu h", days, hours);
	else
		snprintf(buf, cap, "%llu d", days);
	return buf;
}

const char *fmt_span_short(uint64_t s, char *buf, size_t cap)
{
	unsigned long long days = s / 86400, hours = s / 3600 % 24, mins = s / 60 % 60;

	if (s < 60)
		snprintf(buf, cap, "%llus", (unsigned long long)s);
	else if (s < 3600)
		snprintf(buf, cap, "%llum%02us", mins, (unsigned)(s % 60));
	else if (!days)
		snprintf(buf, cap, "%lluh%02llum", hours, mins);
	else if (days < 100)
		snprintf(buf, cap, "%llud%lluh", days, hours);
	else
		snprintf(buf, cap, "%llud", days);
	return buf;
}

const char *fmt_count(uint64_t n, char *buf, size_t cap)
{
	char digits[FMT_MAX], out[FMT_MAX];
	size_t len, at = 0;

	len = (size_t)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
	for (size_t i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			out[at++] = ' ';
		out[at++] = digits[i];
	}
	out[at] = '\0';
	snprintf(buf, cap, "%s", out);
	return buf;
}

const char *fmt_time(int64_t wall_s, char *buf, size_t cap)
{
	time_t t = (time_t)wall_s;
	struct tm tm;

	if (wall_s == 0 || !localtime_r(&t, &tm) ||
	    strftime(buf, cap, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(buf, cap, "never");
	return buf;
}

const struct fmt_state *fmt_state(const char *word)
{
	static const struct fmt_state states[] = {
		{ "up", '+', TONE_GOOD },
		{ "connecting", '~', TONE_WAIT },
		{ "down", '!', TONE_BAD },
		{ "disabled", '-', TONE_OFF },
	};
	static const struct fmt_state unknown = { "unknown", '?', TONE_WAIT };

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i].word, word) == 0)
			return &states[i];
	return &unknown;
}

/* One character: bytes taken (>= 1 unless at the end) and columns; *bad for what a
 * terminal must not get (control, invalid). */
static size_t step(const char *s, mbstate_t *mb, size_t *cols, bool *bad)
{
	wchar_t wc;
	size_t n;
	int w;

	*bad = false;
	*cols = 1;
	if ((unsigned char)*s < 0x80) {
		*bad = iscntrl((unsigned char)*s);
		return *s ? 1 : 0;
	}
	n = mbrtowc(&wc, s, strlen(s), mb);
	if (n == (size_t)-1 || n == (size_t)-2 || n == 0) {
		memset(mb, 0, sizeof(*mb));
		*bad = true;
		return 1;
	}
	w = wcwidth(wc);
	if (w < 0)
		*bad = true;
	else
		*cols = (size_t)w;
	return n;
}

size_t fmt_width(const char *text)
{
	mbstate_t mb = { 0 };
	size_t width = 0, cols, n;
	bool bad;

	for (; (n = step(text, &mb, &cols, &bad)); text += n)
		width += cols;
	return width;
}

/* The text as clean characters into buf, from where at least skip columns were passed, at
 * most width columns. Returns the bytes written. */
static size_t copy_columns(const char *text, size_t skip, size_t width, char *buf,
			   size_t cap)
{
	mbstate_t mb = { 0 };
	size_t at = 0, passed = 0, taken = 0, cols, n;
	bool bad;

	for (; (n = step(text, &mb, &cols, &bad)); text += n) {
		if (passed < skip) {
			passed += cols;
			continue;
		}
		if (taken + cols > width || at + (bad ? 1 : n) >= cap)
			break;
		if (bad)
			buf[at++] = '?';
		else
			memcpy(buf + at, text, n), at += n;
		taken += cols;
	}
	buf[at] = '\0';
	return at;
}

const char *fmt_fit(const char *text, size_t width, bool utf8, char *buf, size_t cap)
{
	const char *dots = utf8 ? "…" : "...";
	size_t have = fmt_width(text), mark = utf8 ? 1 : 3, head, tail, at;

	if (cap == 0)
		return buf;
	if (width == 0 || have <= width) {
		copy_columns(text, 0, (size_t)-1, buf, cap);
		return buf;
	}
	if (width <= mark + 1) {
		copy_columns(text, 0, width, buf, cap);
		return buf;
	}
	/* The head gets the odd column: names differ more often there. */
	tail = (width - mark) / 2;
	head = width - mark - tail;
	at = copy_columns(text, 0, head, buf, cap);
	if (at + strlen(dots) + 1 > cap)
		return buf;
	memcpy(buf + at, dots, strlen(dots) + 1);
	at += strlen(dots);
	copy_columns(text, have - tail, tail, buf + at, cap - at);
	return buf;
}

size_t fmt_wrap(const char *text, size_t width, const char **next)
{
	mbstate_t mb = { 0 };
	size_t at = 0, used = 0, blank = 0, cols, n;
	bool bad;

	for (; (n = step(text + at, &mb, &cols, &bad)); at += n) {
		if (text[at] == '\n') {
			*next = text + at + 1;
			return at;
		}
		if (text[at] == ' ')
			blank = at;
		if (used + cols > width && at > 0) {
			if (!blank) {
				*next = text + at;
				return at;
			}
			*next = text + blank;
			while (**next == ' ')
				++*next;
			return blank;
		}
		used += cols;
	}
	*next = NULL;
	return at;
}
