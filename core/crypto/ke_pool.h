/* ke_pool: key pairs made ahead of time, so that a handshake waits for one multiplication
 * instead of two. ke_new() takes from here what is there. A pair is handed out once, never
 * twice.
 *
 * The pool learns which groups are in use: each ke_new() of a group asks for
 * KE_POOL_DEPTH pairs of it. A group nobody asked for within KE_POOL_FORGET_MS is dropped,
 * pairs and all: what is not needed soon should not lie about in memory. */
#ifndef ADIT_CRYPTO_KE_POOL_H
#define ADIT_CRYPTO_KE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KE_POOL_DEPTH 8
#define KE_POOL_FORGET_MS (3600 * 1000)

/* From now on. Off by default: a test that replays a seed wants each pair drawn where it is
 * used. Switching off wipes what is there. */
void ke_pool_enable(bool on);
/* Make one pair that is missing, or drop one that nobody wants; at most one slow operation, so
 * call it from idle moments, again while it returns true (there is more to do). */
bool ke_pool_work(void);
/* Does ke_pool_work() have something to do? Costs nothing. */
bool ke_pool_hungry(void);
/* Pairs of group ke_id that lie ready. */
size_t ke_pool_ready(uint16_t ke_id);

#endif
