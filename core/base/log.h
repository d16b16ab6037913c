/* log: one event, one line, with the peer's name in it.
 *
 * Every program formats a line once and hands it to its sink: aditd's writes to syslog and
 * the ring, the children's send it to aditd, the tests' keep it. Bytes that came from a
 * stranger are escaped here, so no caller can forget to.
 */
#ifndef ADIT_BASE_LOG_H
#define ADIT_BASE_LOG_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum log_level { LL_ERROR, LL_WARNING, LL_INFO, LL_DEBUG };

#define LOG_TEXT_MAX 480
#define LOG_PEER_MAX 33		/* a peer's name and its NUL */

struct log_line {
	int64_t wall_s;		/* seconds since 1970 */
	uint64_t seq;		/* set by the ring; 0 before */
	enum log_level level;
	char peer[LOG_PEER_MAX];	/* "" when about no peer */
	char text[LOG_TEXT_MAX];	/* printable, no newline */
};

typedef void log_sink(void *arg, const struct log_line *line);

/* Where lines go; the default writes "peer: text" to stderr. */
void log_sink_set(log_sink *sink, void *arg);
/* Lines above this level are not even formatted; the default is LL_INFO. */
void log_level_set(enum log_level level);
enum log_level log_level_get(void);
/* "error", "warning", "info", "debug". */
const char *log_level_name(enum log_level level);
/* -1 when the name is none of them. */
int log_level_parse(const char *name, enum log_level *out);

/* peer may be NULL. */
void log_at(enum log_level level, const char *peer, const char *fmt, ...) PRINTF_LIKE(3, 4);
#define log_error(peer, ...) log_at(LL_ERROR, peer, __VA_ARGS__)
#define log_warning(peer, ...) log_at(LL_WARNING, peer, __VA_ARGS__)
#define log_info(peer, ...) log_at(LL_INFO, peer, __VA_ARGS__)
#define log_debug(peer, ...) log_at(LL_DEBUG, peer, __VA_ARGS__)

/* For what a stranger's packet can cause: a bucket of burst lines, one more each interval_ms.
 * log_limit_pass() says whether this line may go; *suppressed gets how many were held back
 * since the last that went. */
struct log_limit {
	unsigned burst;
	unsigned interval_ms;
	unsigned tokens;
	unsigned held;
	uint64_t last_ms;
};
#define LOG_LIMIT_INIT(n, ms) { .burst = (n), .interval_ms = (ms), .tokens = (n) }
bool log_limit_pass(struct log_limit *l, unsigned *suppressed);

#endif
