/* engine: what all engines share: the sizes a suite comes to. */
#include "dataplane/engine/engine.h"

#include "core/crypto/alg.h"

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
