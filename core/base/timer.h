/* timer: a heap of deadlines on core/base/clock. A timer is a field of the thing it times:
 * setting and stopping never allocate beyond the heap's growth, and stop needs no search. */
#ifndef ADIT_BASE_TIMER_H
#define ADIT_BASE_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer {
	uint64_t at_ms;
	size_t slot;		/* 1-based place in the heap; 0 when not set */
	void (*fn)(void *arg);
	void *arg;
};

struct timers {
	struct timer **heap;
	size_t n, cap;
};

/* Bind a timer to its function; it is not running yet. */
void timer_init(struct timer *t, void (*fn)(void *arg), void *arg);
/* Fire once, in_ms from now; sets it anew when it runs already. */
void timer_set(struct timers *ts, struct timer *t, uint64_t in_ms);
void timer_stop(struct timers *ts, struct timer *t);
static inline bool timer_running(const struct timer *t)
{
	return t->slot != 0;
}
/* Milliseconds until it fires (0 when due); UINT64_MAX when not running. */
uint64_t timer_left(const struct timer *t);
/* Milliseconds until the first fires; -1 when none runs (what epoll_wait wants). */
int timers_wait(const struct timers *ts);
/* Fire all that are due; a function may set and stop any timer. Returns how many fired. */
unsigned timers_run(struct timers *ts);
/* Give back the heap; timers still in it are simply forgotten. */
void timers_fini(struct timers *ts);

#endif
