/* loop: epoll and timers; every program of adit is one of these. */
#ifndef ADIT_BASE_LOOP_H
#define ADIT_BASE_LOOP_H

#include "core/base/err.h"
#include "core/base/timer.h"

#include <signal.h>
#include <stdint.h>

struct loop;

/* Called with the epoll events that came (EPOLLIN, EPOLLOUT, EPOLLHUP, …). */
typedef void loop_fn(void *arg, uint32_t events);

struct loop *loop_new(struct err *e) MUST_USE;
void loop_free(struct loop *l);

/* The loop's timers, for timer_set() and timer_stop(). */
struct timers *loop_timers(struct loop *l);

/* Watch fd (borrowed: the caller closes it after loop_del). One watch per fd. */
int loop_add(struct loop *l, int fd, uint32_t events, loop_fn *fn, void *arg,
	     struct err *e) MUST_USE;
/* Other events for a watched fd. */
void loop_mod(struct loop *l, int fd, uint32_t events);
/* Forget fd; safe from within a handler, its own too. Unknown fds are fine. */
void loop_del(struct loop *l, int fd);
/* Deliver a signal through the loop (blocked for the process by this call). fn is called
 * with arg, in the loop, never in signal context. */
int loop_signal(struct loop *l, int signo, void (*fn)(void *arg, int signo), void *arg,
		struct err *e) MUST_USE;
/* For a loop in a thread of its own, whose handlers touch what other threads touch, too: enter()
 * is called when it has waited, before the handlers, and leave() behind them. Between the two
 * nobody else may call a function of this loop; while it waits, whoever holds what enter() takes
 * may (not those of timers: such a loop has none). */
void loop_guard(struct loop *l, void (*enter)(void *arg), void (*leave)(void *arg), void *arg);
/* Until loop_stop(). */
void loop_run(struct loop *l);
/* One round: wait at most max_ms (-1: as long as the timers allow), handle what came. */
void loop_once(struct loop *l, int max_ms);
void loop_stop(struct loop *l);

#endif
