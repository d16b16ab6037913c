/* mbedtls: the engine that is always there: core/crypto's aead, one packet after the other. */
#include "dataplane/engine/engine.h"

#include "core/base/rng.h"
#include "core/crypto/alg.h"
#include "core/crypto/crypto.h"

#include <stdlib.h>
#include <string.h>

struct engine_key {
	struct aead *aead;
	struct engine_sizes sizes;
	bool is_aead;
	bool esn;
};

static void key_free(struct engine_key *k)
{
	if (!k)
		return;
	aead_free(k->aead);
	free(k);
}

static struct engine_key *key_new(const struct engine_suite *s, struct err *e)
{
	const struct alg *encr = alg_get(ALG_ENCR, s->encr, s->encr_bits);
	const struct alg *integ =
		s->integ == INTEG_NONE ? NULL : alg_get(ALG_INTEG, s->integ, 0);
	struct engine_key *k = calloc(1, sizeof(*k));

	if (!k) {
		err_errno(e, "out of memory");
		return NULL;
	}
	if (engine_sizes(s->encr, s->encr_bits, s->integ, &k->sizes, e) < 0)
		goto out;
	k->is_aead = encr->aead;
	k->esn = s->esn;
	k->aead = aead_new(encr, s->encr_key, integ, s->integ_key, e);
	if (!k->aead)
		goto out;
	return k;
out:
	key_free(k);
	return NULL;
}

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* What is authenticated beside the data. An AEAD's AAD is SPI and sequence number, with its
 * high half in the middle when extended (RFC 4106 §5, RFC 7634 §2.1); with CBC the header is
 * covered as it is and the high half follows the data (RFC 4303 §2.2.1, §2.8). */
static struct aead_job job(const struct engine_op *op, uint8_t aad[12], uint8_t tail[4])
{
	const struct engine_key *k = op->key;
	uint8_t *iv = op->esp + ENGINE_ESP_HEADER;
	struct aead_job j = {
		.aad = aad,
		.aad_len = ENGINE_ESP_HEADER,
		.iv = iv,
		.data = iv + k->sizes.iv_len,
		.len = op->data_len,
		.icv = iv + k->sizes.iv_len + op->data_len,
	};

	memcpy(aad, op->esp, ENGINE_ESP_HEADER);
	if (!k->esn)
		return j;
	if (k->is_aead) {
		memcpy(aad + 8, op->esp + 4, 4);
		put32(aad + 4, (uint32_t)(op->seq >> 32));
		j.aad_len = 12;
	} else {
		put32(tail, (uint32_t)(op->seq >> 32));
		j.tail = tail;
		j.tail_len = 4;
	}
	return j;
}

static void seal(struct engine_op *op, size_t n)
{
	uint8_t random[ENGINE_BATCH * AEAD_IV_MAX], aad[12], tail[4];
	size_t need = 0, used = 0;

	/* A CBC IV must be unpredictable (RFC 3602 §3): one draw for all of the batch. */
	for (size_t i = 0; i < n; i++)
		if (!op[i].key->is_aead)
			need += op[i].key->sizes.iv_len;
	if (need)
		rng_bytes(random, need);
	for (size_t i = 0; i < n; i++) {
		struct aead_job j = job(&op[i], aad, tail);

		if (op[i].key->is_aead) {
			/* Unique because the number is (RFC 4106 §3.1, RFC 7634 §2). */
			put32(j.iv, (uint32_t)(op[i].seq >> 32));
			put32(j.iv + 4, (uint32_t)op[i].seq);
		} else {
			memcpy(j.iv, random + used, op[i].key->sizes.iv_len);
			used += op[i].key->sizes.iv_len;
		}
		op[i].ok = aead_seal(op[i].key->aead, &j) == 0;
	}
}

static void open_batch(struct engine_op *op, size_t n)
{
	uint8_t aad[12], tail[4];

	for (size_t i = 0; i < n; i++) {
		struct aead_job j = job(&op[i], aad, tail);

		op[i].ok = aead_open(op[i].key->aead, &j) == 0;
	}
}

const struct engine engine_mbedtls = {
	.name = "mbedtls",
	.key_new = key_new,
	.key_free = key_free,
	.seal = seal,
	.open = open_batch,
};
