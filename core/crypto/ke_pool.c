/* ke_pool: a few lists of pairs, one for each group in use. */
#include "core/crypto/ke_pool.h"

#include "core/base/clock.h"
#include "core/crypto/ke_priv.h"

#define GROUPS_MAX 8	/* more groups at a time: the others are made when needed */

static struct pool {
	uint16_t id;		/* 0: free */
	uint64_t used_ms;	/* when one was asked for last */
	uint8_t n;
	struct ke *ready[KE_POOL_DEPTH];
} pools[GROUPS_MAX];
static bool enabled;

static void drop(struct pool *p)
{
	while (p->n)
		ke_free(p->ready[--p->n]);
	p->id = 0;
}

void ke_pool_enable(bool on)
{
	enabled = on;
	if (!on)
		for (int i = 0; i < GROUPS_MAX; i++)
			drop(&pools[i]);
}

static struct pool *pool_of(uint16_t id)
{
	for (int i = 0; i < GROUPS_MAX; i++)
		if (pools[i].id == id)
			return &pools[i];
	return NULL;
}

struct ke *ke_pool_take(uint16_t id)
{
	struct pool *p;

	if (!enabled)
		return NULL;
	p = pool_of(id);
	if (!p) {
		p = pool_of(0);
		if (!p)
			return NULL;
		p->id = id;
	}
	p->used_ms = clock_ms();
	return p->n ? p->ready[--p->n] : NULL;
}

static bool stale(const struct pool *p)
{
	return clock_ms() - p->used_ms > KE_POOL_FORGET_MS;
}

static bool wants_work(const struct pool *p)
{
	return p->id && (p->n < KE_POOL_DEPTH || stale(p));
}

bool ke_pool_hungry(void)
{
	for (int i = 0; i < GROUPS_MAX; i++)
		if (wants_work(&pools[i]))
			return true;
	return false;
}

bool ke_pool_work(void)
{
	struct pool *least = NULL;

	for (int i = 0; i < GROUPS_MAX; i++) {
		struct pool *p = &pools[i];

		if (p->id && stale(p))
			drop(p);
		else if (wants_work(p) && (!least || p->n < least->n))
			least = p;
	}
	if (least) {
		struct ke *k = ke_make(least->id, NULL);

		if (!k) {
			drop(least);	/* no memory: try again when one is asked for */
			return ke_pool_hungry();
		}
		least->ready[least->n++] = k;
	}
	return ke_pool_hungry();
}

size_t ke_pool_ready(uint16_t id)
{
	const struct pool *p = id ? pool_of(id) : NULL;

	return p ? p->n : 0;
}
