/* mbedtls: the engine that is always there: core/crypto's aead, one packet after the other. */
#include "core/crypto/crypto.h"
#include "core/crypto/iv.h"
#include "dataplane/engine/op.h"

#include <stdlib.h>

struct engine_key {
	struct aead *aead;
	struct iv *iv;			/* NULL where the IV counts, or there is none */
	struct engine_sizes sizes;
	bool is_aead;
	bool esn;
};

static void key_free(struct engine_key *k)
{
	if (!k)
		return;
	aead_free(k->aead);
	iv_free(k->iv);
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
	if (k->sizes.iv_len && !op_counts(encr) && !(k->iv = iv_new(e)))
		goto out;
	return k;
out:
	key_free(k);
	return NULL;
}

/* With an HMAC the header is covered as it is, and the high half of an extended number follows
 * the data (RFC 4303 §2.2.1, §2.8). */
static struct aead_job job(const struct engine_op *op, uint8_t aad[OP_AAD_MAX], uint8_t tail[4])
{
	const struct engine_key *k = op->key;
	uint8_t *data = op_data(op, k->sizes.iv_len);
	struct aead_job j = {
		.aad = op->esp,
		.aad_len = ENGINE_ESP_HEADER,
		.iv = op_iv(op),
		.data = data,
		.len = op->data_len,
		.icv = data + op->data_len,
	};

	if (k->is_aead) {
		j.aad_len = op_aad(op, k->esn, aad);
		j.aad = aad;
	} else if (k->esn) {
		be_put32(tail, (uint32_t)(op->seq >> 32));
		j.tail = tail;
		j.tail_len = 4;
	}
	return j;
}

static void seal(struct engine_op *op, size_t n)
{
	uint8_t aad[OP_AAD_MAX], tail[4];

	for (size_t i = 0; i < n; i++) {
		struct aead_job j = job(&op[i], aad, tail);

		op_put_iv(&op[i], op[i].key->iv, op[i].key->sizes.iv_len);
		op[i].ok = aead_seal(op[i].key->aead, &j) == 0;
	}
}

static void open_batch(struct engine_op *op, size_t n)
{
	uint8_t aad[OP_AAD_MAX], tail[4];

	for (size_t i = 0; i < n; i++) {
		struct aead_job j = job(&op[i], aad, tail);

		op[i].ok = aead_open(op[i].key->aead, &j) == 0;
	}
}

static void info(const struct engine_key *k, struct engine_info *out)
{
	*out = (struct engine_info){ .name = "mbedtls", .driver = aead_by(k->aead) };
}

const struct engine engine_mbedtls = {
	.name = "mbedtls",
	.key_new = key_new,
	.key_free = key_free,
	.seal = seal,
	.open = open_batch,
	.info = info,
};
