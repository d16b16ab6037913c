/* afalg_open: the monitor's half of the afalg engine. espd may not make sockets, so aditd, as
 * root, opens and binds those of the kernel's crypto API (AF_ALG) that a suite needs, and hands
 * them over with MSG_ESPD_SA_ADD. It sees no key: those are set in espd (afalg.c).
 *
 * The keys that several workers have of one SA and direction may be made of the same
 * descriptors.
 *
 * What an SA's pair gets is 2 * k descriptors, k of each direction: the first half is for the
 * key that opens (SPI in), the second half for the key that seals (SPI out); afalg_split()
 * takes them apart. Within one half:
 *
 *	[0]	the note: a sealed memory file with one struct afalg_note, which says what the
 *		others are
 *	[1]	AFALG_AEAD: a bound socket of type "aead"; AFALG_SPLIT: of type "skcipher"
 *	[2]	AFALG_SPLIT where the note says hash: of type "hash"; without it the HMAC is
 *		computed by core/crypto
 */
#ifndef ADIT_ENGINE_AFALG_OPEN_H
#define ADIT_ENGINE_AFALG_OPEN_H

#include "core/base/err.h"
#include "core/settings/profile.h"
#include "dataplane/engine/engine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AFALG_FDS_MAX 3		/* of one direction */
#define AFALG_NAME_MAX 64	/* the kernel's CRYPTO_MAX_ALG_NAME, since 4.12 twice that */
#define AFALG_DRIVER_MAX 128
#define AFALG_MAGIC 0x61644131u

struct afalg_ids {
	uint16_t encr, encr_bits;	/* ENCR_* */
	uint16_t integ;			/* INTEG_* */
	bool esn;
};

enum afalg_kind {
	AFALG_AEAD = 1,			/* one algorithm does both */
	AFALG_SPLIT,			/* a cipher, and a hash beside it */
};

struct afalg_note {
	uint32_t magic;			/* AFALG_MAGIC */
	uint16_t encr, encr_bits, integ;
	uint8_t esn;
	uint8_t kind;			/* enum afalg_kind */
	uint8_t hash;			/* AFALG_SPLIT: there is a hash socket */
	uint8_t hardware;		/* a device does the work, or a part of it */
	uint8_t async;			/* requests may end after the call that began them */
	char driver[AFALG_DRIVER_MAX];	/* of [1], from /proc/crypto; "" not found there */
};

/* The kernel's names for a suite, cap AFALG_DRIVER_MAX each; "" where there is none:
 *	aead	"rfc4106(gcm(aes))", "rfc7539esp(chacha20,poly1305)",
 *		"authenc(hmac(sha256),cbc(aes))", with ESN "authencesn(...)",
 *		"authenc(hmac(sha1),rfc3686(ctr(aes)))"
 *	cipher	"cbc(aes)"; "" for an AEAD
 *	hash	"hmac(sha256)"; "" for an AEAD
 * -1 for a suite that the kernel's crypto API has no name for. */
struct afalg_names {
	char aead[AFALG_DRIVER_MAX], cipher[AFALG_NAME_MAX], hash[AFALG_NAME_MAX];
};
int afalg_names(const struct afalg_ids *ids, struct afalg_names *out, struct err *e) MUST_USE;

/* Open one direction. *n gets how many of fds (AFALG_FDS_MAX) are open: 2 or 3, close-on-exec,
 * the caller's. Fails with what to do about it: no AF_ALG, no such algorithm. */
int afalg_open(const struct afalg_ids *ids, int fds[AFALG_FDS_MAX], size_t *n, struct err *e)
	MUST_USE;
/* Both directions, laid out as above; fds has ENGINE_FDS_MAX. */
int afalg_open_pair(const struct afalg_ids *ids, int fds[ENGINE_FDS_MAX], size_t *n,
		    struct err *e) MUST_USE;
void afalg_close(const int *fds, size_t n);

/* Does the admin's choice of an engine (enum engine_choice), or for "auto" any row of the
 * profile for this suite, ask for afalg? */
bool afalg_wanted(uint8_t choice, const struct profile *p, uint16_t encr, uint16_t encr_bits,
		  uint16_t integ);

/* The descriptors of a message, for one direction's key; fds may be NULL with n 0. */
static inline void afalg_split(const int *fds, size_t n, bool in, struct engine_suite *s)
{
	s->fds = in || !n ? fds : fds + n / 2;
	s->n_fds = n / 2;
}

/* A sealed memory file with the note; -1 with e. */
int afalg_note_write(const struct afalg_note *note, struct err *e) MUST_USE;
/* Reads it; -1 when it is none. Does not move the file's offset. */
int afalg_note_read(int fd, struct afalg_note *note, struct err *e) MUST_USE;

#endif
