/* lane: a mutex is not fair, and a busy thread would take its lock again before the main thread
 * has woken up. So whoever wants the lock queues at a gate first, the thread itself, too. */
#include "dataplane/esp/lane.h"

#include "core/ipc/msg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* NULL in the main thread. */
static __thread struct lane *here;

void lane_lock(struct lane *l)
{
	if (!l->threaded)
		return;
	pthread_mutex_lock(&l->gate);
	pthread_mutex_lock(&l->lock);
	pthread_mutex_unlock(&l->gate);
}

void lane_unlock(struct lane *l)
{
	if (l->threaded)
		pthread_mutex_unlock(&l->lock);
}

static void enter(void *arg)
{
	lane_lock(arg);
}

static void leave(void *arg)
{
	lane_unlock(arg);
}

/* ---- notes ---- */

static void ring(int fd)
{
	const uint64_t one = 1;

	/* It can only be full when it was rung already. */
	if (write(fd, &one, sizeof(one)) < 0)
		return;
}

static void deliver(struct lane *l, const struct note *n)
{
	struct lanes *all = l->all;
	struct note *copy;

	if (!here) {
		all->on_note(all->arg, n);
		return;
	}
	copy = malloc(sizeof(*copy) + n->len);
	if (!copy)
		return;
	*copy = *n;
	if (n->len) {
		memcpy(copy + 1, n->bytes, n->len);
		copy->bytes = (const uint8_t *)(copy + 1);
	}
	copy->next = NULL;
	pthread_mutex_lock(&all->lock);
	*all->end = copy;
	all->end = &copy->next;
	pthread_mutex_unlock(&all->lock);
	ring(all->wake);
}

static void on_notes(void *arg, uint32_t events)
{
	struct lanes *l = arg;
	struct note *n, *next;
	uint64_t count;

	(void)events;
	if (read(l->wake, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	pthread_mutex_lock(&l->lock);
	n = l->first;
	l->first = NULL;
	l->end = &l->first;
	pthread_mutex_unlock(&l->lock);
	for (; n; n = next) {
		next = n->next;
		l->on_note(l->arg, n);
		free(n);
	}
}

static void on_event(void *arg, uint32_t id, enum sa_event ev)
{
	struct lane *l = arg;

	deliver(l, &(struct note){ .kind = NOTE_EVENT, .lane = l->n, .id = id, .event = ev });
}

static void on_waits(void *arg, struct esp_iface *i, bool tell)
{
	struct note n = { .kind = NOTE_WAITS, .tell = tell };
	struct lane *l = arg;

	n.lane = l->n;
	memcpy(n.iface, i->name, sizeof(n.iface));
	deliver(l, &n);
}

static void on_moved(void *arg, const struct esp_sa *sa)
{
	struct lane *l = arg;

	deliver(l, &(struct note){ .kind = NOTE_MOVED, .lane = l->n, .id = sa->id });
}

static void on_ike(void *arg, const struct endpoint *local, const struct endpoint *remote,
		   const uint8_t *msg, size_t len)
{
	struct lane *l = arg;

	deliver(l, &(struct note){ .kind = NOTE_IKE, .lane = l->n, .local = *local,
				   .remote = *remote, .bytes = msg, .len = len });
}

/* Its timer is in the main loop. */
static void on_over(void *arg, uint32_t id)
{
	struct lane *l = arg;

	deliver(l, &(struct note){ .kind = NOTE_OVER, .lane = l->n, .id = id });
}

static void on_log(void *arg, const struct log_line *line)
{
	struct lanes *l = arg;
	struct note n = { .kind = NOTE_LOG, .line = *line };

	deliver(here ? here : &l->v[0], &n);
}

/* ---- threads ---- */

static void on_stop(void *arg, uint32_t events)
{
	struct lane *l = arg;

	(void)events;
	loop_stop(l->loop);
}

static void *run(void *arg)
{
	struct lane *l = arg;

	here = l;
	loop_run(l->loop);
	return NULL;
}

static int begin_thread(struct lane *l, struct err *e)
{
	int r;

	l->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->stop < 0)
		return err_errno(e, "eventfd");
	if (loop_add(l->loop, l->stop, EPOLLIN, on_stop, l, e) < 0)
		return -1;
	loop_guard(l->loop, enter, leave, l);
	worker_guard(l->worker, enter, leave, l);
	r = pthread_create(&l->thread, NULL, run, l);
	if (r) {
		errno = r;
		return err_errno(e, "make a thread");
	}
	l->running = true;
	return 0;
}

static int lane_init(struct lanes *all, unsigned n, const struct engine *engine, struct err *e)
{
	struct lane *l = &all->v[n];

	*l = (struct lane){ .all = all, .n = n, .threaded = all->n > 1, .stop = -1 };
	pthread_mutex_init(&l->gate, NULL);
	pthread_mutex_init(&l->lock, NULL);
	sad_init(&l->sad, engine, loop_timers(all->main), on_event, l);
	l->sad.worker = n;
	l->sad.workers = all->n;
	l->sad.waits = on_waits;
	l->sad.moved = on_moved;
	l->sad.ike = on_ike;
	l->sad.ike_limit = (struct log_limit)LOG_LIMIT_INIT(SAD_IKE_BURST / all->n,
							    SAD_IKE_EVERY_MS * all->n);
	l->sad.over = on_over;
	l->loop = l->threaded ? loop_new(e) : all->main;
	if (!l->loop)
		return -1;
	l->worker = worker_new(l->loop, &l->sad, e);
	if (!l->worker)
		return -1;
	return l->threaded ? begin_thread(l, e) : 0;
}

int lanes_init(struct lanes *l, struct loop *main, unsigned n, const struct engine *engine,
	       void (*on_note)(void *arg, const struct note *n), void *arg, struct err *e)
{
	memset(l, 0, sizeof(*l));
	l->main = main;
	l->n = n;
	l->on_note = on_note;
	l->arg = arg;
	l->end = &l->first;
	l->wake = -1;
	pthread_mutex_init(&l->lock, NULL);
	if (n > 1) {
		l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (l->wake < 0)
			return err_errno(e, "eventfd");
		if (loop_add(main, l->wake, EPOLLIN, on_notes, l, e) < 0)
			return -1;
		log_sink_set(on_log, l);
	}
	for (unsigned k = 0; k < n; k++)
		if (lane_init(l, k, engine, e) < 0)
			return -1;
	return 0;
}

static void end_thread(struct lane *l)
{
	if (!l->running)
		return;
	ring(l->stop);
	pthread_join(l->thread, NULL);
	l->running = false;
}

static void lane_fini(struct lane *l)
{
	for (struct esp_iface *i = l->sad.ifaces; l->worker && i; i = i->next)
		worker_iface_del(l->worker, i);
	sad_fini(&l->sad);
	worker_free(l->worker);
	if (l->threaded)
		loop_free(l->loop);
	if (l->stop >= 0)
		close(l->stop);
}

void lanes_fini(struct lanes *l)
{
	struct note *next;

	for (unsigned k = 0; k < l->n; k++)
		end_thread(&l->v[k]);
	for (unsigned k = 0; k < l->n; k++)
		if (l->v[k].all)	/* it was begun */
			lane_fini(&l->v[k]);
	for (struct note *n = l->first; n; n = next) {
		next = n->next;
		free(n);
	}
	if (l->n > 1) {
		loop_del(l->main, l->wake);
		if (l->wake >= 0)
			close(l->wake);
		log_sink_set(NULL, NULL);
	}
	l->n = 0;
}
