/* lane: a worker with its sad, and the thread that it runs in. With one worker there is no
 * thread: it runs in the main loop.
 *
 * A thread holds its lane's lock while it handles packets and gives it back while it waits. The
 * main thread, which alone talks to the monitor, takes it to change or read a lane's sad: so an
 * answer is whole, and packets need neither a lock nor a copy each. What a thread has to tell
 * (an SA is in use, a packet waits, a line for the log) goes to the main loop as a note.
 */
#ifndef ADIT_ESP_LANE_H
#define ADIT_ESP_LANE_H

#include "core/base/loop.h"
#include "dataplane/esp/sad.h"
#include "dataplane/esp/worker.h"

#include <pthread.h>

enum note_kind {
	NOTE_EVENT,		/* id, event */
	NOTE_OVER,		/* id: its linger is over */
	NOTE_WAITS,		/* iface, tell */
	NOTE_MOVED,		/* id: its remote followed a packet */
	NOTE_IKE,		/* local, remote, bytes, len: of an IKE message */
	NOTE_LOG,		/* line */
};

struct note {
	struct note *next;
	enum note_kind kind;
	unsigned lane;
	uint32_t id;
	enum sa_event event;
	bool tell;
	char iface[IFNAME_MAX];
	struct endpoint local, remote;
	const uint8_t *bytes;		/* for the call alone */
	size_t len;
	struct log_line line;
};

struct lanes;

struct lane {
	struct lanes *all;
	unsigned n;
	struct sad sad;
	struct worker *worker;
	struct loop *loop;
	bool threaded, running;
	pthread_t thread;
	pthread_mutex_t gate;		/* whoever waits for the lock, and is next */
	pthread_mutex_t lock;
	int stop;			/* an eventfd of the thread's loop */
};

struct lanes {
	struct loop *main;
	unsigned n;			/* 0: not begun */
	struct lane v[WORKERS_MAX];
	void (*on_note)(void *arg, const struct note *n);
	void *arg;
	pthread_mutex_t lock;		/* of the notes */
	struct note *first, **end;
	int wake;			/* an eventfd of the main loop; -1 without threads */
};

/* n lanes of this engine, 1..WORKERS_MAX. on_note() is called in the main thread, with no lane
 * locked but where the note came up there. *l stays where it is until lanes_fini(), which is
 * fine with a zeroed one. */
int lanes_init(struct lanes *l, struct loop *main, unsigned n, const struct engine *engine,
	       void (*on_note)(void *arg, const struct note *n), void *arg, struct err *e)
	MUST_USE;
void lanes_fini(struct lanes *l);

/* Nothing without threads. Never two lanes at once. */
void lane_lock(struct lane *l);
void lane_unlock(struct lane *l);

#endif
