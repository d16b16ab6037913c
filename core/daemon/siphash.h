/* siphash: SipHash-2-4 (Aumasson, Bernstein 2012), a keyed 64-bit hash: to compare what
 * should not be kept. */
#ifndef ADIT_DAEMON_SIPHASH_H
#define ADIT_DAEMON_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t siphash(const uint64_t key[2], const void *data, size_t len);

#endif
