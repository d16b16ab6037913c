/* loop: watches live in a table indexed by fd, so that events for an fd closed in the same
 * round find nothing instead of a stale pointer. */
#include "core/base/loop.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define ROUND 32
#define SIGNALS 65

struct watch {
	loop_fn *fn;
	void *arg;
	uint32_t gen;	/* tells a reused fd from the one an event was for */
};

struct loop {
	int epfd;
	int sigfd;
	bool stop;
	uint32_t gen;
	struct watch *watches;
	int n_watches;
	struct timers timers;
	void (*enter)(void *arg);
	void (*leave)(void *arg);
	void *guard_arg;
	sigset_t signals;
	struct {
		void (*fn)(void *arg, int signo);
		void *arg;
	} on_signal[SIGNALS];
};

struct loop *loop_new(struct err *e)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (!l) {
		err_errno(e, "out of memory");
		return NULL;
	}
	l->sigfd = -1;
	sigemptyset(&l->signals);
	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epfd < 0) {
		err_errno(e, "epoll_create1");
		free(l);
		return NULL;
	}
	return l;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	if (l->sigfd >= 0)
		close(l->sigfd);
	close(l->epfd);
	timers_fini(&l->timers);
	free(l->watches);
	free(l);
}

struct timers *loop_timers(struct loop *l)
{
	return &l->timers;
}

static int grow(struct loop *l, int fd, struct err *e)
{
	int n = l->n_watches ? l->n_watches : 16;
	struct watch *w;

	if (fd < l->n_watches)
		return 0;
	while (n <= fd)
		n *= 2;
	w = realloc(l->watches, (size_t)n * sizeof(*w));
	if (!w)
		return err_errno(e, "out of memory");
	memset(w + l->n_watches, 0, (size_t)(n - l->n_watches) * sizeof(*w));
	l->watches = w;
	l->n_watches = n;
	return 0;
}

static struct epoll_event event_for(const struct loop *l, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events };

	ev.data.u64 = (uint64_t)l->watches[fd].gen << 32 | (uint32_t)fd;
	return ev;
}

int loop_add(struct loop *l, int fd, uint32_t events, loop_fn *fn, void *arg, struct err *e)
{
	struct epoll_event ev;

	if (grow(l, fd, e) < 0)
		return -1;
	l->watches[fd] = (struct watch){ .fn = fn, .arg = arg, .gen = ++l->gen };
	ev = event_for(l, fd, events);
	if (epoll_ctl(l->epfd, EPOLL_CTL_ADD, fd, &ev) < 0) {
		l->watches[fd].fn = NULL;
		return err_errno(e, "epoll_ctl");
	}
	return 0;
}

void loop_mod(struct loop *l, int fd, uint32_t events)
{
	struct epoll_event ev;

	if (fd < 0 || fd >= l->n_watches || !l->watches[fd].fn)
		return;
	ev = event_for(l, fd, events);
	epoll_ctl(l->epfd, EPOLL_CTL_MOD, fd, &ev);
}

void loop_del(struct loop *l, int fd)
{
	if (fd < 0 || fd >= l->n_watches || !l->watches[fd].fn)
		return;
	l->watches[fd].fn = NULL;
	epoll_ctl(l->epfd, EPOLL_CTL_DEL, fd, NULL);
}

static void signal_ready(void *arg, uint32_t events)
{
	struct signalfd_siginfo si;
	struct loop *l = arg;

	(void)events;
	while (read(l->sigfd, &si, sizeof(si)) == (ssize_t)sizeof(si))
		if (si.ssi_signo < SIGNALS && l->on_signal[si.ssi_signo].fn)
			l->on_signal[si.ssi_signo].fn(l->on_signal[si.ssi_signo].arg,
						      (int)si.ssi_signo);
}

int loop_signal(struct loop *l, int signo, void (*fn)(void *arg, int signo), void *arg,
		struct err *e)
{
	bool first = l->sigfd < 0;
	int fd;

	sigaddset(&l->signals, signo);
	if (sigprocmask(SIG_BLOCK, &l->signals, NULL) < 0)
		return err_errno(e, "sigprocmask");
	fd = signalfd(l->sigfd, &l->signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_errno(e, "signalfd");
	l->sigfd = fd;
	l->on_signal[signo].fn = fn;
	l->on_signal[signo].arg = arg;
	return first ? loop_add(l, fd, EPOLLIN, signal_ready, l, e) : 0;
}

void loop_once(struct loop *l, int max_ms)
{
	struct epoll_event evs[ROUND];
	int wait = timers_wait(&l->timers);
	int n;

	if (max_ms >= 0 && (wait < 0 || wait > max_ms))
		wait = max_ms;
	n = epoll_wait(l->epfd, evs, ROUND, wait);
	if (l->enter)
		l->enter(l->guard_arg);
	timers_run(&l->timers);
	for (int i = 0; i < n && !l->stop; i++) {
		int fd = (int)(uint32_t)evs[i].data.u64;
		struct watch *w = &l->watches[fd];

		if (w->fn && w->gen == (uint32_t)(evs[i].data.u64 >> 32))
			w->fn(w->arg, evs[i].events);
	}
	if (l->leave)
		l->leave(l->guard_arg);
}

void loop_guard(struct loop *l, void (*enter)(void *arg), void (*leave)(void *arg), void *arg)
{
	l->enter = enter;
	l->leave = leave;
	l->guard_arg = arg;
}

void loop_run(struct loop *l)
{
	l->stop = false;
	while (!l->stop)
		loop_once(l, -1);
}

void loop_stop(struct loop *l)
{
	l->stop = true;
}
