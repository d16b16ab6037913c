/* engine: who does the cryptography of ESP packets. A batch goes in, a batch comes out, so
 * that an engine may keep hardware busy or share one set-up over many packets.
 *
 * A packet is worked on in place and lies as RFC 4303 §2 draws it:
 *
 *	esp: | SPI 4 | sequence number 4 | IV iv_len | data data_len | ICV icv_len |
 *
 * The caller has written SPI, the low half of the sequence number, and for seal the data
 * with its padding and trailer; the engine writes IV and ICV.
 *
 * A key is used by one thread at a time; different keys may be used by different threads at
 * once. seal() and open() do not allocate, do not sleep but for a device (and then for no
 * longer than ENGINE_STALL_MS in all), and need no system call where the processor does the
 * work.
 */
#ifndef ADIT_ENGINE_ENGINE_H
#define ADIT_ENGINE_ENGINE_H

#include "core/base/err.h"
#include "core/base/rd.h"
#include "core/settings/profile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENGINE_BATCH 64		/* most operations in one call */
#define ENGINE_ESP_HEADER 8	/* SPI and sequence number */
#define ENGINE_FDS_MAX 8	/* AF_ALG sockets of one pair of SAs, in and out */
#define ENGINE_STALL_MS 200	/* a device that took longer is given up */

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
	/* Sockets that afalg_open() made for this suite and one direction (dataplane/engine/
	 * afalg_open.h), each for one key_new() of one engine: taken (duplicated) by the
	 * engine that needs them, closed by the caller. n_fds 0: none, such an engine cannot
	 * be used here. */
	const int *fds;
	size_t n_fds;
};

struct engine_key;

struct engine_op {
	struct engine_key *key;
	uint8_t *esp;
	size_t data_len;	/* block * n, n > 0 */
	uint64_t seq;		/* whole number; its low half is also in the header */
	bool ok;		/* set by the engine: sealed, or authentic and decrypted */
};

/* For status: who did the work of a key lately. */
struct engine_info {
	const char *name;	/* of the engine: "ipsec_mb" */
	const char *driver;	/* "", or the kernel's: "authenc-hmac-sha256-cbc-aes-mv-cesa" */
	bool hardware;		/* a device, not the processor's own instructions */
	uint64_t fallbacks;	/* operations that software did in a device's place */
};

struct engine {
	const char *name;
	/* Can it run here, on this processor and kernel? 0, or -1 with why not. Called before
	 * anything else; may set up what all keys share. NULL: always. */
	int (*probe)(struct err *e);
	/* NULL when the suite is unknown to it or a key has the wrong length. */
	struct engine_key *(*key_new)(const struct engine_suite *s, struct err *e);
	/* Wipes the key; NULL is fine. */
	void (*key_free)(struct engine_key *k);
	/* n <= ENGINE_BATCH. Keys may differ from one operation to the next (all of this
	 * engine). seal never uses an IV twice as long as the caller never uses a sequence
	 * number twice. */
	void (*seal)(struct engine_op *op, size_t n);
	/* Where !ok the data is garbage and must not be looked at. */
	void (*open)(struct engine_op *op, size_t n);
	void (*info)(const struct engine_key *k, struct engine_info *out);
};

extern const struct engine engine_mbedtls;	/* by core/crypto: everywhere */
extern const struct engine engine_null;		/* tests and benches alone: no secrecy */
#ifdef ADIT_IPSEC_MB
extern const struct engine engine_ipsec_mb;	/* x86-64, libipsec-mb */
#endif
#ifdef __linux__
extern const struct engine engine_afalg;	/* the kernel's crypto API */
#endif

/* By id; NULL where this build has it not. */
const struct engine *engine_get(enum engine_id id);

/* All of them behind one: for each SA and packet size what the profile says is fastest here, or
 * without a profile a safe guess (the processor by ipsec_mb, else mbedtls; a device only where
 * it was measured); what an engine cannot do or gives up, mbedtls does, and it is counted.
 * engine_auto_setup() once, before the first key; with a choice other than auto that engine
 * alone, and mbedtls behind it. choice: enum engine_choice; p is copied, NULL is an empty one.
 * -1 with why where the engine that was chosen cannot run here: mbedtls is set up all the same. */
extern const struct engine engine_auto;
int engine_auto_setup(uint8_t choice, const struct profile *p, struct err *e) MUST_USE;

/* What a suite adds, from core/crypto/alg.h; checks that encr and integ fit together
 * (RFC 8221: a cipher without its own integrity needs one). */
int engine_sizes(uint16_t encr, uint16_t encr_bits, uint16_t integ, struct engine_sizes *out,
		 struct err *e) MUST_USE;

#endif
