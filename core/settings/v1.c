/* v1: what of a list of proposals IKEv1 can say. It knows no AEAD cipher for itself and
 * none of the newer curves (RFC 2409 and IANA's registry of its groups); its hash is PRF
 * and integrity in one; for ESP it has AES-GCM (RFC 4106) but not ChaCha20. */
#include "core/settings/draft_priv.h"

#include <string.h>

static bool knows_cipher(enum suite_use use, uint16_t id)
{
	if (id == ENCR_CHACHA20_POLY1305)
		return false;
	return use == SUITE_ESP || id != ENCR_AES_GCM_16;
}

static bool has_prf(const struct suite *s, uint16_t integ)
{
	static const uint16_t pairs[][2] = {
		{ INTEG_HMAC_MD5_96, PRF_HMAC_MD5 },
		{ INTEG_HMAC_SHA1_96, PRF_HMAC_SHA1 },
		{ INTEG_HMAC_SHA2_256_128, PRF_HMAC_SHA2_256 },
		{ INTEG_HMAC_SHA2_384_192, PRF_HMAC_SHA2_384 },
		{ INTEG_HMAC_SHA2_512_256, PRF_HMAC_SHA2_512 },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		for (int k = 0; pairs[i][0] == integ && k < s->n_prf; k++)
			if (s->prf[k] == pairs[i][1])
				return true;
	return false;
}

/* False: nothing of it is left. */
static bool take_suite(enum suite_use use, const struct suite *in, struct suite *out)
{
	memset(out, 0, sizeof(*out));
	for (int i = 0; i < in->n_encr; i++)
		if (knows_cipher(use, in->encr[i].id))
			out->encr[out->n_encr++] = in->encr[i];
	for (int i = 0; i < in->n_integ; i++)
		if (use == SUITE_ESP || has_prf(in, in->integ[i]))
			out->integ[out->n_integ++] = in->integ[i];
	for (int i = 0; i < in->n_ke; i++)
		if (in->ke[i] != KE_CURVE25519)
			out->ke[out->n_ke++] = in->ke[i];
	memcpy(out->prf, in->prf, sizeof(out->prf));
	out->n_prf = in->n_prf;
	if (!out->n_encr || (in->n_integ && !out->n_integ) || (in->n_ke && !out->n_ke))
		return false;
	return true;
}

bool v1_suites(enum suite_use use, const struct suite_list *in, struct suite_list *out)
{
	struct suite_list l = { 0 };
	bool all = true;

	for (int i = 0; i < in->n; i++) {
		struct suite *s = &l.s[l.n];
		bool some = take_suite(use, &in->s[i], s);

		all &= some && s->n_encr == in->s[i].n_encr &&
		       s->n_integ == in->s[i].n_integ && s->n_ke == in->s[i].n_ke;
		l.n = (uint8_t)(l.n + some);
	}
	for (int i = l.n; i < SUITE_MAX; i++)
		memset(&l.s[i], 0, sizeof(l.s[i]));
	*out = l;
	return all;
}
