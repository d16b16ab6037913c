/* fast_ke: a key exchange that costs nothing, in place of core/crypto/ke.c: who includes
 * this header first is linked with it. The shared secret is a hash of both public values
 * in order, so two sides agree exactly when they took each other's value as it was sent;
 * everybody who sees the wire has it too, so it is for simulations alone.
 */
#ifndef ADIT_TESTS_EXCHANGE_FAST_KE_H
#define ADIT_TESTS_EXCHANGE_FAST_KE_H

#include "core/base/rng.h"
#include "core/crypto/crypto.h"

#include <stdlib.h>
#include <string.h>

struct ke {
	const struct alg *alg;
	uint8_t pub[KE_PUBLIC_MAX];
};

struct ke *ke_new(uint16_t id, struct err *e)
{
	const struct alg *a = alg_get(ALG_KE, id, 0);
	struct ke *k = a ? calloc(1, sizeof(*k)) : NULL;

	if (!k) {
		err_set(e, "group %u cannot be used", id);
		return NULL;
	}
	k->alg = a;
	rng_bytes(k->pub, 16);
	return k;
}

struct ke *ke_from_private(uint16_t id, struct slice private_value, struct err *e)
{
	(void)private_value;
	return ke_new(id, e);
}

void ke_free(struct ke *k)
{
	free(k);
}

uint16_t ke_id(const struct ke *k)
{
	return k->alg->id;
}

struct slice ke_public(const struct ke *k)
{
	return (struct slice){ k->pub, k->alg->pub_len };
}

int ke_shared(struct ke *k, struct slice peer, uint8_t *out, size_t *out_len, struct err *e)
{
	struct slice mine = ke_public(k), parts[2] = { mine, peer };

	if (peer.len != mine.len)
		return err_set(e, "a public value of %zu bytes", peer.len);
	if (memcmp(mine.p, peer.p, mine.len) > 0) {
		parts[0] = peer;
		parts[1] = mine;
	}
	hash_sha256(parts, 2, out);
	*out_len = 32;
	return 0;
}

#endif
