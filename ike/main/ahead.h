/* ahead: key pairs are made ahead (core/crypto/ke_pool.h) in moments when nothing else comes, one
 * at a time, so that none of them delays a message by more than it takes. */
#ifndef ADIT_IKE_MAIN_AHEAD_H
#define ADIT_IKE_MAIN_AHEAD_H

#include "core/base/timer.h"

#define AHEAD_QUIET_MS 20	/* without a message: that is called idle */

struct ahead {
	struct timers *ts;
	struct timer timer;
};

/* From now on. Also lets the crypto library look at the processor, while that may open files. */
void ahead_init(struct ahead *a, struct timers *ts);
void ahead_fini(struct ahead *a);
/* A message was handled: not idle, and pairs may have been taken. */
void ahead_busy(struct ahead *a);

#endif
