/* kpath: how fast the kernel's own ESP is: two network namespaces of this process, a veth pair
 * between them, an SA from one to the other, and UDP through it on one processor. Everything
 * goes with the process.
 */
#ifndef ADIT_BENCH_KPATH_H
#define ADIT_BENCH_KPATH_H

#include "core/base/err.h"
#include "dataplane/engine/engine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kpath;

struct kpath_result {
	uint32_t mbit;		/* Mbit/s of inner packets that arrived; one processor did the
				 * sending, sealing, opening and receiving */
	char driver[64];	/* of /proc/crypto; "" not found there */
	bool hardware;
};

/* Needs root. Fails in words: "the kernel has no ESP". This process stays in its namespace. */
int kpath_open(struct kpath **out, struct err *e) MUST_USE;
/* NULL is fine. */
void kpath_close(struct kpath *k);
/* The SAs from now on. -1 when the kernel has no such algorithm. */
int kpath_suite(struct kpath *k, const struct engine_suite *s, struct err *e) MUST_USE;
/* Inner packets (IP and UDP headers included) of size bytes, 64..8192, for about ms. */
int kpath_run(struct kpath *k, size_t size, unsigned ms, struct kpath_result *out, struct err *e)
	MUST_USE;

#endif
