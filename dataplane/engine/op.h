/* op: where things lie in an operation's packet, and what of it is authenticated. For engines. */
#ifndef ADIT_ENGINE_OP_H
#define ADIT_ENGINE_OP_H

#include "core/base/be.h"
#include "core/crypto/alg.h"
#include "core/crypto/iv.h"
#include "dataplane/engine/engine.h"

#include <string.h>

#define OP_AAD_MAX 12

static inline uint8_t *op_iv(const struct engine_op *op)
{
	return op->esp + ENGINE_ESP_HEADER;
}

static inline uint8_t *op_data(const struct engine_op *op, size_t iv_len)
{
	return op->esp + ENGINE_ESP_HEADER + iv_len;
}

/* Does the cipher count with its IV, so that it must be unique but may be known (RFC 4106 §3.1,
 * RFC 7634 §2, RFC 3686 §3.1)? CBC's must be unpredictable (RFC 3602 §3). */
static inline bool op_counts(const struct alg *encr)
{
	return encr->aead || encr->id == ENCR_AES_CTR;
}

/* The IV to seal with: the next of src, or of a cipher that counts (src NULL) the sequence number,
 * which never comes twice. NULL encryption has none. */
static inline void op_put_iv(const struct engine_op *op, struct iv *src, size_t iv_len)
{
	uint8_t iv[IV_LEN];

	if (src) {
		iv_next(src, iv);
		memcpy(op_iv(op), iv, iv_len);
	} else if (iv_len) {
		be_put32(op_iv(op), (uint32_t)(op->seq >> 32));
		be_put32(op_iv(op) + 4, (uint32_t)op->seq);
	}
}

/* An AEAD's AAD: SPI and sequence number, with its high half in the middle when extended
 * (RFC 4106 §5, RFC 7634 §2.1). Returns its length. */
static inline size_t op_aad(const struct engine_op *op, bool esn, uint8_t aad[OP_AAD_MAX])
{
	if (!esn) {
		memcpy(aad, op->esp, ENGINE_ESP_HEADER);
		return ENGINE_ESP_HEADER;
	}
	memcpy(aad, op->esp, 4);
	be_put32(aad + 4, (uint32_t)(op->seq >> 32));
	memcpy(aad + 8, op->esp + 4, 4);
	return 12;
}

#endif
