/* engine: what all engines share: which there are, and the sizes a suite comes to. */
#include "dataplane/engine/engine.h"

#include "core/crypto/alg.h"

const struct engine *engine_get(enum engine_id id)
{
	switch (id) {
	case ENGINE_MBEDTLS:
		return &engine_mbedtls;
	case ENGINE_IPSEC_MB:
#ifdef ADIT_IPSEC_MB
		return &engine_ipsec_mb;
#else
		return NULL;
#endif
	case ENGINE_AFALG:
#ifdef __linux__
		return &engine_afalg;
#else
		return NULL;
#endif
	case ENGINE_NULL:
		return &engine_null;
	case ENGINE_IDS:
		break;
	}
	return NULL;
}

int engine_sizes(uint16_t encr, uint16_t encr_bits, uint16_t integ, struct engine_sizes *out,
		 struct err *e)
{
	const struct alg *c = alg_get(ALG_ENCR, encr, encr_bits);
	const struct alg *i = integ == INTEG_NONE ? NULL : alg_get(ALG_INTEG, integ, 0);
	char buf[48];

	if (!c)
		return err_set(e, "cipher %s is not known here",
			       alg_label(ALG_ENCR, encr, encr_bits, buf, sizeof(buf)));
	if (integ != INTEG_NONE && !i)
		return err_set(e, "integrity %s is not known here",
			       alg_label(ALG_INTEG, integ, 0, buf, sizeof(buf)));
	if (c->aead && i)
		return err_set(e, "%s takes no separate integrity algorithm", c->label);
	if (!c->aead && !i)
		return err_set(e, "%s needs an integrity algorithm beside it", c->label);
	out->iv_len = c->iv_len;
	out->icv_len = i ? i->icv_len : c->icv_len;
	out->block = c->block < 4 ? 4 : c->block;
	return 0;
}
