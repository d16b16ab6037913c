/* trap: packets that came to an interface while no SA could send (struct esp_iface.trap): a
 * few wait for the tunnel that they are the reason for. What does not fit pushes the oldest
 * out; none waits longer than TRAP_WAIT_MS. Plain memory, no I/O. */
#ifndef ADIT_ESP_TRAP_H
#define ADIT_ESP_TRAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRAP_PACKETS 16		/* an interface keeps so many … */
#define TRAP_BYTES 24000	/* … and so many bytes */
#define TRAP_WAIT_MS 20000
#define TRAP_TELL_MS 1000	/* the monitor is told of a waiting packet so often */

struct trapped {
	struct trapped *next;
	uint64_t until_ms;
	size_t len;
	uint8_t b[];
};

/* Zeroed is empty. */
struct trap {
	struct trapped *first, **end;
	unsigned n;
	size_t bytes;
	uint64_t tell_ms;		/* not told again before */
};

/* Keep a copy. False when it is too large, or without memory. *tell: say that one waits. */
bool trap_keep(struct trap *t, const uint8_t *pkt, size_t len, uint64_t now_ms, bool *tell);
/* The oldest, taken out, for the caller to free with trapped_free(); NULL when none. */
struct trapped *trap_take(struct trap *t);
/* The same, if its time is over. */
struct trapped *trap_expired(struct trap *t, uint64_t now_ms);
/* Wipes it. NULL is fine. */
void trapped_free(struct trapped *p);
void trap_fini(struct trap *t);

#endif
