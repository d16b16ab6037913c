/* profile: what `adit bench` measured on this router: which engine is fastest for an algorithm
 * at a packet size, and how many packets at a time. A file beside adit.conf, "engine.profile",
 * a line each:
 *
 *	aes256gcm16 1400 ipsec_mb 32 21300
 *	aes256-sha256 64 mbedtls 1 410
 *
 * suite, bytes of an ESP packet's data, engine, packets in one batch, Mbit/s. Lines that begin
 * with # are comments. Without it a safe guess is taken.
 */
#ifndef ADIT_SETTINGS_PROFILE_H
#define ADIT_SETTINGS_PROFILE_H

#include "core/base/err.h"

#include <stddef.h>
#include <stdint.h>

#define PROFILE_ROWS 256
#define PROFILE_FILE "engine.profile"

/* The engines that espd may be built with, in no order. */
enum engine_id { ENGINE_MBEDTLS, ENGINE_IPSEC_MB, ENGINE_AFALG, ENGINE_NULL, ENGINE_IDS };
extern const char *const engine_names[ENGINE_IDS];	/* "mbedtls", "ipsec_mb", "afalg", "null" */

/* The sizes that are measured, bytes. */
#define PROFILE_SIZES 5
extern const uint16_t profile_sizes[PROFILE_SIZES];	/* 64, 256, 576, 1400, 8192 */

struct profile_row {
	uint16_t encr, encr_bits, integ;	/* transform IDs */
	uint16_t size;				/* one of profile_sizes */
	uint8_t engine;				/* enum engine_id */
	uint8_t batch;				/* 1..ENGINE_BATCH */
	uint32_t mbit;				/* Mbit/s of data, one core */
};

struct profile {
	uint16_t n;				/* 0: none was measured */
	struct profile_row row[PROFILE_ROWS];
};

/* Reads PROFILE_FILE of this folder. No such file is an empty profile and no error; a line that
 * is none, or more than PROFILE_ROWS, is an error that says which (FILE:LINE). */
int profile_load(struct profile *p, const char *config_dir, struct err *e) MUST_USE;
/* Whole-file: temp, fsync, rename, fsync the folder. */
int profile_save(const struct profile *p, const char *config_dir, struct err *e) MUST_USE;
/* The row for this suite whose size is nearest; NULL when it was not measured. */
const struct profile_row *profile_find(const struct profile *p, uint16_t encr,
				       uint16_t encr_bits, uint16_t integ, size_t size);

#endif
