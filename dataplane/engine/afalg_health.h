/* afalg_health: which algorithms the kernel's driver does not do well at the moment. Shared by
 * all keys of an algorithm, for a new key has the same device behind it. Any thread. */
#ifndef ADIT_ENGINE_AFALG_HEALTH_H
#define ADIT_ENGINE_AFALG_HEALTH_H

#include "dataplane/engine/afalg_open.h"

#include <stdbool.h>
#include <stdint.h>

#define AFALG_ERRORS 4			/* in a row, then it rests */
#define AFALG_REST_MS 10000		/* at first; twice as long each time that it goes on */
#define AFALG_REST_MAX_MS 320000

struct afalg_health;

/* Of this algorithm; never NULL, never freed. */
struct afalg_health *afalg_health_of(const struct afalg_note *n);
/* Software does everything for now. */
bool afalg_health_rests(struct afalg_health *h, uint64_t now_ms);
void afalg_health_good(struct afalg_health *h);
/* A request failed; stall: by not ending in time, which costs so much that it rests at once. */
void afalg_health_bad(struct afalg_health *h, bool stall, uint64_t now_ms);
/* Tests only: all is well. */
void afalg_health_forget(void);

#endif
