/* loghub: where the lines of all four processes meet: stderr or syslog, a ring of the last
 * 64 kB for `adit log`, and iked, which hands them out. One per process. */
#ifndef ADIT_DAEMON_LOGHUB_H
#define ADIT_DAEMON_LOGHUB_H

#include "core/base/log.h"

#include <stdbool.h>

#define LOGHUB_BYTES (64 * 1024)

typedef void loghub_fn(void *arg, const struct log_line *line);

/* From now on core/base/log goes here. foreground: to stderr, with "<N>" before each line
 * where that is the journal; else to syslog as "adit", and errors and warnings to stderr too
 * until loghub_detach(), for whoever waits for the start. */
void loghub_start(bool foreground);
void loghub_detach(void);
/* A line that a child sent. Nothing in it is trusted. */
void loghub_line(const struct log_line *from_child);
/* Every line in the ring, the oldest first, with its seq. */
void loghub_replay(loghub_fn *fn, void *arg);
/* Every new line, after it was numbered; NULL: to nobody. fn must not log. */
void loghub_forward(loghub_fn *fn, void *arg);

#endif
