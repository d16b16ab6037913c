/* engine: who does the cryptography of ESP packets. A batch goes in, a batch comes out, so
 * that an engine may keep hardware busy or share one set-up over many packets.
 *
 * A packet is worked on in place and lies as RFC 4303 §2 draws it:
 *
 *	esp: | SPI 4 | sequence number 4 | IV iv_len | data data_len | ICV icv_len |
 *
 * The caller has written SPI, the low half of the sequence number, and for seal the data
 * with its padding and trailer; the engine writes IV and ICV. Engines are called from one
 * thread.
 */
#ifndef ADIT_ENGINE_ENGINE_H
#define ADIT_ENGINE_ENGINE_H

#include "core/base/err.h"
#include "core/base/rd.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENGINE_BATCH 32		/* most operations in one call */
#define ENGINE_ESP_HEADER 8	/* SPI and sequence number */

/* The bytes a suite adds to a packet. */
struct engine_sizes {
	uint8_t iv_len;
	uint8_t icv_len;
	uint8_t block;		/* data_len is a multiple of it; at least 4 (RFC 4303 §2.4) */
};

/* One direction of one SA. The keys are borrowed for the call alone. */
struct engine_suite {
	uint16_t encr, encr_bits;	/* ENCR_* */
	uint16_t integ;			/* INTEG_*; INTEG_NONE with an AEAD */
	bool esn;			/* 64-bit sequence numbers, RFC 4303 §2.2.1 */
	struct slice encr_key;		/* AEAD: with the salt at its end */
	struct slice integ_key;
};

struct engine_key;

struct engine_op {
	struct engine_key *key;
	uint8_t *esp;
	size_t data_len;	/* block * n, n > 0 */
	uint64_t seq;		/* whole number; its low half is also in the header */
	bool ok;		/* set by the engine: sealed, or authentic and decrypted */
};

struct engine {
	const char *name;
	/* NULL when the suite is unknown or a key has the wrong length. */
	struct engine_key *(*key_new)(const struct engine_suite *s, struct err *e);
	/* Wipes the key; NULL is fine. */
	void (*key_free)(struct engine_key *k);
	/* n <= ENGINE_BATCH. Keys may differ from one operation to the next. seal never uses
	 * an IV twice as long as the caller never uses a sequence number twice. */
	void (*seal)(struct engine_op *op, size_t n);
	/* Where !ok the data is garbage and must not be looked at. */
	void (*open)(struct engine_op *op, size_t n);
};

extern const struct engine engine_mbedtls;	/* by core/crypto: everywhere */

/* What a suite adds, from core/crypto/alg.h; checks that encr and integ fit together
 * (RFC 8221: a cipher without its own integrity needs one). */
int engine_sizes(uint16_t encr, uint16_t encr_bits, uint16_t integ, struct engine_sizes *out,
		 struct err *e) MUST_USE;

#endif
