/* afalg_health: plain 32-bit atomics, which every router's processor has. */
#include "dataplane/engine/afalg_health.h"

#include <pthread.h>
#include <string.h>

#define SUITES 64		/* every cipher with every hash, ESN or not, is fewer in practice */

struct afalg_health {
	uint16_t encr, encr_bits, integ;
	uint8_t esn, used;
	uint32_t errors;	/* in a row */
	uint32_t rest_ms;	/* of the last rest; 0: it has not rested since it did well */
	uint32_t until;		/* low half of the clock */
	uint32_t resting;
};

static struct afalg_health all[SUITES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool same(const struct afalg_health *h, const struct afalg_note *n)
{
	return h->encr == n->encr && h->encr_bits == n->encr_bits && h->integ == n->integ &&
	       h->esn == n->esn;
}

struct afalg_health *afalg_health_of(const struct afalg_note *n)
{
	struct afalg_health *h = all;

	pthread_mutex_lock(&lock);
	while (h < all + SUITES - 1 && h->used && !same(h, n))
		h++;
	if (!h->used) {
		h->encr = n->encr;
		h->encr_bits = n->encr_bits;
		h->integ = n->integ;
		h->esn = n->esn;
		h->used = 1;
	}
	pthread_mutex_unlock(&lock);
	return h;
}

static uint32_t get(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static void set(uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

bool afalg_health_rests(struct afalg_health *h, uint64_t now_ms)
{
	if (!get(&h->resting))
		return false;
	if ((int32_t)((uint32_t)now_ms - get(&h->until)) < 0)
		return true;
	set(&h->resting, 0);
	return false;
}

void afalg_health_good(struct afalg_health *h)
{
	if (!get(&h->errors) && !get(&h->rest_ms))
		return;
	set(&h->errors, 0);
	set(&h->rest_ms, 0);
	set(&h->resting, 0);
}

void afalg_health_bad(struct afalg_health *h, bool stall, uint64_t now_ms)
{
	uint32_t errors = __atomic_add_fetch(&h->errors, 1, __ATOMIC_RELAXED);
	uint32_t rest = get(&h->rest_ms);

	/* After a rest it is on trial: the next error sends it back. */
	if ((!stall && !rest && errors < AFALG_ERRORS) || afalg_health_rests(h, now_ms))
		return;
	rest = !rest ? AFALG_REST_MS : rest >= AFALG_REST_MAX_MS / 2 ? AFALG_REST_MAX_MS : 2 * rest;
	set(&h->rest_ms, rest);
	set(&h->until, (uint32_t)now_ms + rest);
	set(&h->resting, 1);
}

void afalg_health_forget(void)
{
	pthread_mutex_lock(&lock);
	memset(all, 0, sizeof(all));
	pthread_mutex_unlock(&lock);
}
