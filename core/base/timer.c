/* timer: a binary heap, because a daemon with many peers sets and stops far more timers
 * than ever fire. */
#include "core/base/timer.h"

#include "core/base/clock.h"

#include <limits.h>
#include <stdlib.h>

static void place(struct timers *ts, size_t slot, struct timer *t)
{
	ts->heap[slot - 1] = t;
	t->slot = slot;
}

static struct timer *at(const struct timers *ts, size_t slot)
{
	return ts->heap[slot - 1];
}

static void sift_up(struct timers *ts, struct timer *t, size_t slot)
{
	while (slot > 1 && at(ts, slot / 2)->at_ms > t->at_ms) {
		place(ts, slot, at(ts, slot / 2));
		slot /= 2;
	}
	place(ts, slot, t);
}

static void sift_down(struct timers *ts, struct timer *t, size_t slot)
{
	for (;;) {
		size_t child = slot * 2;

		if (child > ts->n)
			break;
		if (child < ts->n && at(ts, child + 1)->at_ms < at(ts, child)->at_ms)
			child++;
		if (at(ts, child)->at_ms >= t->at_ms)
			break;
		place(ts, slot, at(ts, child));
		slot = child;
	}
	place(ts, slot, t);
}

void timer_init(struct timer *t, void (*fn)(void *arg), void *arg)
{
	*t = (struct timer){ .fn = fn, .arg = arg };
}

void timer_set(struct timers *ts, struct timer *t, uint64_t in_ms)
{
	timer_stop(ts, t);
	if (ts->n == ts->cap) {
		size_t cap = ts->cap ? ts->cap * 2 : 16;
		struct timer **heap = realloc(ts->heap, cap * sizeof(*heap));

		/* A daemon that can set no timer would hang in silence: better restarted. */
		if (!heap)
			abort();
		ts->heap = heap;
		ts->cap = cap;
	}
	t->at_ms = clock_ms() + in_ms;
	ts->n++;
	sift_up(ts, t, ts->n);
}

void timer_stop(struct timers *ts, struct timer *t)
{
	size_t slot = t->slot;
	struct timer *last;

	if (!slot)
		return;
	t->slot = 0;
	last = at(ts, ts->n);
	ts->n--;
	if (last == t)
		return;
	if (slot > 1 && at(ts, slot / 2)->at_ms > last->at_ms)
		sift_up(ts, last, slot);
	else
		sift_down(ts, last, slot);
}

uint64_t timer_left(const struct timer *t)
{
	uint64_t now = clock_ms();

	if (!t->slot)
		return UINT64_MAX;
	return t->at_ms > now ? t->at_ms - now : 0;
}

int timers_wait(const struct timers *ts)
{
	uint64_t left;

	if (!ts->n)
		return -1;
	left = timer_left(at(ts, 1));
	return left > INT_MAX ? INT_MAX : (int)left;
}

unsigned timers_run(struct timers *ts)
{
	uint64_t now = clock_ms();
	unsigned fired = 0;

	while (ts->n && at(ts, 1)->at_ms <= now) {
		struct timer *t = at(ts, 1);

		timer_stop(ts, t);
		t->fn(t->arg);
		fired++;
	}
	return fired;
}

void timers_fini(struct timers *ts)
{
	for (size_t i = 0; i < ts->n; i++)
		ts->heap[i]->slot = 0;
	free(ts->heap);
	*ts = (struct timers){ 0 };
}
