/* ke_priv: between ke.c and ke_pool.c. */
#ifndef ADIT_CRYPTO_KE_PRIV_H
#define ADIT_CRYPTO_KE_PRIV_H

#include "core/crypto/crypto.h"

/* A pair made now, whatever the pool has. */
struct ke *ke_make(uint16_t ke_id, struct err *e) MUST_USE;
/* A pair from the pool, the caller's from now on; NULL when none is there. */
struct ke *ke_pool_take(uint16_t ke_id);

#endif
