/* engines: the engines that can run here, for tests: a list, and keys for each. */
#ifndef ADIT_TESTS_ENGINES_H
#define ADIT_TESTS_ENGINES_H

#include "core/crypto/alg.h"
#include "dataplane/engine/afalg_open.h"
#include "dataplane/engine/engine.h"
#include "tests/unit/t.h"

static const struct engine *const engines[] = {
	&engine_mbedtls,
#ifdef ADIT_IPSEC_MB
	&engine_ipsec_mb,
#endif
	&engine_afalg,
	&engine_auto,
};
#define N_ENGINES (sizeof(engines) / sizeof(engines[0]))

/* NULL with e: this engine cannot do that, or here. */
static inline struct engine_key *engines_key(const struct engine *en, const struct engine_suite *s,
					     struct err *e)
{
	struct afalg_ids ids = { s->encr, s->encr_bits, s->integ, s->esn };
	struct engine_suite with = *s;
	struct engine_key *k;
	int fds[AFALG_FDS_MAX];
	size_t n = 0;

	if (en->probe && en->probe(e) < 0)
		return NULL;
	if (en == &engine_afalg) {
		if (afalg_open(&ids, fds, &n, e) < 0)
			return NULL;
		with.fds = fds;
		with.n_fds = n;
	}
	k = en->key_new(&with, e);
	afalg_close(fds, n);
	return k;
}

#endif
