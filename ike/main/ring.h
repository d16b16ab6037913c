/* ring: the last lines of the log, in 64 KB, for `adit log`. Lines from every process come
 * here by way of aditd. */
#ifndef ADIT_IKE_MAIN_RING_H
#define ADIT_IKE_MAIN_RING_H

#include "core/base/err.h"
#include "core/base/log.h"

#include <stdbool.h>
#include <stddef.h>

#define RING_BYTES (64 * 1024)

struct ring;

struct ring *ring_new(void);
void ring_free(struct ring *r);
/* Store a copy, the oldest lines give way. A line without a seq gets the next one. Text that
 * is not NUL-terminated is cut. */
void ring_add(struct ring *r, struct log_line *line);
/* The last n lines (0: all) about peer ("" or NULL: all), oldest first; fn's line is borrowed.
 * Returns how many. */
size_t ring_last(const struct ring *r, size_t n, const char *peer,
		 void (*fn)(void *arg, const struct log_line *line), void *arg);

#endif
