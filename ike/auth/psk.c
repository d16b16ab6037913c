/* psk: two calls of the PRF; the key between them never leaves locked memory. */
#include "ike/auth/psk.h"

#include "core/base/secret.h"

#include <string.h>

/* Without its NUL: RFC 7296 §2.15 says 17 ASCII characters. */
static const char key_pad[17] = { 'K', 'e', 'y', ' ', 'P', 'a', 'd', ' ', 'f', 'o', 'r', ' ',
				  'I', 'K', 'E', 'v', '2' };

int psk_auth(uint16_t prf_id, struct slice psk, struct slice octets, uint8_t *out, size_t *len)
{
	const struct alg *alg = alg_get(ALG_PRF, prf_id, 0);
	struct slice pad = { .p = (const uint8_t *)key_pad, .len = sizeof(key_pad) };
	struct slice inner;
	uint8_t *key;
	int how;

	if (!alg)
		return -1;
	key = secret_new(PRF_MAX);
	if (!key)
		return -1;
	inner = (struct slice){ .p = key, .len = alg->out_len };
	how = prf(prf_id, psk, &pad, 1, key);
	if (how == 0)
		how = prf(prf_id, inner, &octets, 1, out);
	*len = alg->out_len;
	secret_free(key);
	return how;
}

int psk_skeyid(uint16_t prf_id, struct slice psk, struct slice nonces, uint8_t *out,
	       size_t *len)
{
	const struct alg *alg = alg_get(ALG_PRF, prf_id, 0);

	if (!alg || nonces.len < 2 * 8 || nonces.len > 2 * 256 ||
	    (nonces.len == sizeof(key_pad) &&
	     memcmp(nonces.p, key_pad, sizeof(key_pad)) == 0))
		return -1;
	*len = alg->out_len;
	return prf(prf_id, psk, &nonces, 1, out);
}
