/* rng: the only source of randomness. Tests put a seeded stream in its place. */
#ifndef ADIT_BASE_RNG_H
#define ADIT_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* Fill buf with len random bytes from getrandom(2). Cannot fail: a kernel without it ends
 * the process (a daemon that cannot draw keys must not go on). */
void rng_bytes(void *buf, size_t len);
uint32_t rng_u32(void);
uint64_t rng_u64(void);
/* Uniform in [0, below); below must be > 0. */
uint32_t rng_below(uint32_t below);
/* base with a random part of at most percent (0..100) taken off or put on, uniformly. */
uint64_t rng_jitter(uint64_t base, unsigned percent);

/* Tests only: a deterministic stream (not for keys); seed 0 goes back to the kernel's. */
void rng_virtual_seed(uint64_t seed);

#endif
