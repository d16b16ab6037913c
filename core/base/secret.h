/* secret: memory for keys. Locked, left out of core dumps, wiped when freed, and compared
 * in constant time. There is no function that formats a secret. */
#ifndef ADIT_BASE_SECRET_H
#define ADIT_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* len (1..SECRET_MAX) zeroed bytes of the arena, or NULL when memory is short. Where locking
 * is refused (RLIMIT_MEMLOCK) the memory is still left out of dumps; secret_locked() says. */
#define SECRET_MAX 8192
void *secret_new(size_t len);
/* Wipe and give back; NULL is fine. */
void secret_free(void *p);
/* Wipe memory so that no compiler leaves it out. */
void secret_wipe(void *p, size_t len);
/* Equal, in time that depends on len alone. */
bool secret_equal(const void *a, const void *b, size_t len);
/* False once some page of the arena could not be locked. */
bool secret_locked(void);
/* No core dumps, no ptrace by the same user: PR_SET_DUMPABLE 0 and RLIMIT_CORE 0. */
void secret_harden_process(void);

#endif
