/* log: format, escape, hand to the sink. */
#include "core/base/log.h"

#include "core/base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void to_stderr(void *arg, const struct log_line *line)
{
	(void)arg;
	fprintf(stderr, "%s%s%s\n", line->peer, line->peer[0] ? ": " : "", line->text);
}

static log_sink *sink = to_stderr;
static void *sink_arg;
static enum log_level max_level = LL_INFO;

static const char *const level_names[] = {
	[LL_ERROR] = "error", [LL_WARNING] = "warning", [LL_INFO] = "info", [LL_DEBUG] = "debug",
};

void log_sink_set(log_sink *fn, void *arg)
{
	sink = fn ? fn : to_stderr;
	sink_arg = arg;
}

void log_level_set(enum log_level level)
{
	max_level = level;
}

enum log_level log_level_get(void)
{
	return max_level;
}

const char *log_level_name(enum log_level level)
{
	return level_names[level];
}

int log_level_parse(const char *name, enum log_level *out)
{
	for (int i = LL_ERROR; i <= LL_DEBUG; i++) {
		if (strcmp(name, level_names[i]) == 0) {
			*out = (enum log_level)i;
			return 0;
		}
	}
	return -1;
}

/* UTF-8 above ASCII passes; control characters become \xNN so that no peer's ID can write
 * to an admin's terminal. */
static void escape(char *out, size_t cap, const char *in)
{
	size_t n = 0;

	for (; *in && n + 5 < cap; in++) {
		unsigned char c = (unsigned char)*in;

		if (c >= 0x20 && c != 0x7f)
			out[n++] = (char)c;
		else
			n += (size_t)snprintf(out + n, cap - n, "\\x%02x", c);
	}
	out[n] = '\0';
}

void log_at(enum log_level level, const char *peer, const char *fmt, ...)
{
	struct log_line line = { .level = level };
	char raw[LOG_TEXT_MAX];
	va_list ap;

	if (level > max_level)
		return;
	line.wall_s = clock_wall_s();
	if (peer)
		snprintf(line.peer, sizeof(line.peer), "%s", peer);
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	escape(line.text, sizeof(line.text), raw);
	sink(sink_arg, &line);
}

bool log_limit_pass(struct log_limit *l, unsigned *suppressed)
{
	uint64_t now = clock_ms();
	uint64_t gained = l->last_ms ? (now - l->last_ms) / l->interval_ms : 0;

	if (!l->last_ms)
		l->last_ms = now;
	if (gained) {
		l->last_ms += gained * l->interval_ms;
		l->tokens = gained >= l->burst - l->tokens ? l->burst : l->tokens + (unsigned)gained;
	}
	if (!l->tokens) {
		l->held++;
		return false;
	}
	l->tokens--;
	if (suppressed)
		*suppressed = l->held;
	l->held = 0;
	return true;
}
