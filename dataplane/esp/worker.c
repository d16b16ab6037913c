/* worker: its descriptors, its memory, and what the loop calls. The work is done in tx.c, wire.c
 * and rx.c. */
#include "dataplane/esp/worker.h"

#include "core/base/secret.h"
#include "dataplane/esp/errq.h"
#include "dataplane/esp/parts.h"

#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

static void sa_gone(void *arg, struct esp_sa *sa)
{
	struct worker *w = arg;

	wire_forget(w, sa);
	rx_forget(w, sa);
}

struct worker *worker_new(struct loop *l, struct sad *s, struct err *e)
{
	/* Fresh pages: what is never written takes no memory. */
	struct worker *w = mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (w == MAP_FAILED) {
		err_errno(e, "out of memory");
		return NULL;
	}
	madvise(w, sizeof(*w), MADV_DONTDUMP);
	w->loop = l;
	w->sad = s;
	for (int k = 0; k < WORKER_SOCKETS; k++)
		w->wire[k] = (struct wire){ .fd = -1, .worker = w };
	rx_init(w);
	s->gone = sa_gone;
	s->gone_arg = w;
	return w;
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	for (int k = 0; k < WORKER_SOCKETS; k++) {
		if (w->wire[k].fd < 0)
			continue;
		loop_del(w->loop, w->wire[k].fd);
		close(w->wire[k].fd);
	}
	w->n_tx = 0;
	worker_wipe(w);
	munmap(w, sizeof(*w));
}

static void wipe(struct scratch *s)
{
	secret_wipe(s->b, s->used);
	s->used = 0;
}

void worker_wipe(struct worker *w)
{
	/* What waits to be sent is ciphertext, and left alone. */
	size_t from = w->n_tx ? w->pos : 0;

	if (w->used > from)
		secret_wipe(w->arena + from, w->used - from);
	w->used = from;
	wipe(&w->spill);
	wipe(&w->whole);
	wipe(&w->cut);
	wipe(&w->again);
	for (unsigned k = 0; k < RX_MSGS; k++) {
		secret_wipe(w->rx_buf[k], w->in_msg[k].used);
		w->in_msg[k].used = 0;
	}
}

static void socket_ready(void *arg, uint32_t events)
{
	struct wire *s = arg;
	struct worker *w = s->worker;

	if (events & EPOLLERR)
		errq_drain(w->sad, s->fd);
	if ((events & EPOLLOUT) && w->blocked)
		wire_flush(w);
	if (events & EPOLLIN)
		rx_ready(w, (enum worker_socket)(s - w->wire));
}

int worker_socket(struct worker *w, enum worker_socket kind, int fd, struct err *e)
{
	struct wire *s = &w->wire[kind];

	if (s->fd >= 0) {
		loop_del(w->loop, s->fd);
		close(s->fd);
	}
	s->fd = fd;
	s->gso = kind == WORKER_UDP4 || kind == WORKER_UDP6;
	s->doubt = 0;
	if (loop_add(w->loop, fd, wire_events(w, kind), socket_ready, s, e) < 0) {
		s->fd = -1;
		close(fd);
		if (w->blocked)	/* what waited for it waits in vain */
			wire_flush(w);
		return -1;
	}
	return 0;
}

void worker_uso(struct worker *w, bool uso)
{
	w->coalesce.uso = uso;
}

void worker_guard(struct worker *w, void (*enter)(void *arg), void (*leave)(void *arg), void *arg)
{
	w->enter = enter;
	w->leave = leave;
	w->guard_arg = arg;
}

static void trap_due(void *arg)
{
	struct esp_iface *i = arg;
	struct worker *w = i->user;

	if (w->enter)
		w->enter(w->guard_arg);
	tx_trap_due(i);
	if (w->leave)
		w->leave(w->guard_arg);
}

int worker_iface_add(struct worker *w, struct esp_iface *i, struct err *e)
{
	i->user = w;
	i->failing = false;
	if (!timer_running(&i->trap_timer))
		timer_init(&i->trap_timer, trap_due, i);
	return loop_add(w->loop, i->fd, tx_events(i), tx_ready, i, e);
}

void worker_iface_del(struct worker *w, struct esp_iface *i)
{
	loop_del(w->loop, i->fd);
}

void worker_release(struct worker *w, struct esp_iface *i)
{
	/* From the loop: packets from the network may be half way through. */
	if (i->trap.first)
		timer_set(w->sad->timers, &i->trap_timer, 0);
}
