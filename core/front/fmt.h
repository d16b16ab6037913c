/* fmt: how the command line and the screen write the same things: bytes, rates, times,
 * states, and text that must fit a width. Nothing here allocates, and nothing knows a
 * terminal.
 *
 * All that return a char pointer return their buf, NUL-terminated within cap.
 */
#ifndef ADIT_FRONT_FMT_H
#define ADIT_FRONT_FMT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FMT_MAX 32	/* enough for each number below */

/* "0 B", "999 B", "1.2 kB", "34 MB", "5.6 GB": decimal units, at most 3 digits, 7
 * columns. */
const char *fmt_bytes(uint64_t bytes, char *buf, size_t cap);
/* The same per second: "1.2 kB/s". */
const char *fmt_rate(uint64_t bytes_per_s, char *buf, size_t cap);
/* "0 s", "59 s", "4 min", "3 h 12 min", "2 d 4 h": the two largest units, seconds only
 * below two minutes. */
const char *fmt_span(uint64_t seconds, char *buf, size_t cap);
/* As in a column, at most 6: "59s", "4m12s", "3h12m", "2d4h", "123d". */
const char *fmt_span_short(uint64_t seconds, char *buf, size_t cap);
/* "12 345 678": groups of three. */
const char *fmt_count(uint64_t n, char *buf, size_t cap);
/* Local time, "2026-03-01 12:34:56"; 0 is "never". */
const char *fmt_time(int64_t wall_s, char *buf, size_t cap);

/* What a word or cell is about; the faces map it to a colour or to none. */
enum fmt_tone {
	TONE_PLAIN,
	TONE_GOOD,
	TONE_WAIT,
	TONE_BAD,
	TONE_OFF,
	TONE_WEAK,
	TONE_DIM,
	TONE_HEAD,
};

/* A peer's or a child's state, as the control protocol spells it. */
struct fmt_state {
	const char *word;	/* "up", "connecting", "down", "disabled" */
	char symbol;		/* + ~ ! - */
	enum fmt_tone tone;
};
/* Never NULL: a word not known is shown as itself would be confusing, so it is "unknown".
 */
const struct fmt_state *fmt_state(const char *word);

/* Columns that text takes: UTF-8 by the locale (setlocale(LC_CTYPE) by the program),
 * bytes that are no text count one. */
size_t fmt_width(const char *text);
/* text in at most width columns, cut in the middle ("10.1.0…0/24"; "..." unless utf8),
 * with control and invalid bytes as '?'. width 0: as wide as it is. cap should be >= 4 *
 * width + 4; what does not fit cap is cut too. Returns buf. */
const char *fmt_fit(const char *text, size_t width, bool utf8, char *buf, size_t cap);

/* Where text may be broken for lines of at most width columns: the length in bytes of the
 * first line, without the blank it ends at; *next gets where the following line starts,
 * NULL at the end. A word longer than width is broken hard. width >= 1. */
size_t fmt_wrap(const char *text, size_t width, const char **next);

#endif
