/* ahead: a timer that every message puts off. */
#include "ike/main/ahead.h"

#include "core/crypto/crypto.h"
#include "core/crypto/ke_pool.h"

static void on_quiet(void *arg)
{
	struct ahead *a = arg;

	/* The loop looks at its sockets between two pairs. */
	if (ke_pool_work())
		timer_set(a->ts, &a->timer, 1);
}

void ahead_init(struct ahead *a, struct timers *ts)
{
	a->ts = ts;
	timer_init(&a->timer, on_quiet, a);
	ke_free(ke_new(KE_CURVE25519, NULL));
	ke_pool_enable(true);
}

void ahead_fini(struct ahead *a)
{
	if (a->ts)
		timer_stop(a->ts, &a->timer);
	ke_pool_enable(false);
}

void ahead_busy(struct ahead *a)
{
	if (timer_running(&a->timer) || ke_pool_hungry())
		timer_set(a->ts, &a->timer, AHEAD_QUIET_MS);
}
