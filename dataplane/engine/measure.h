/* measure: how fast an engine is on this processor, for one suite, packet size and batch. What
 * `adit bench` writes the profile from (core/settings/profile.h), and what tests compare
 * engines with.
 */
#ifndef ADIT_ENGINE_MEASURE_H
#define ADIT_ENGINE_MEASURE_H

#include "dataplane/engine/engine.h"

#define MEASURE_KEYS 160		/* bytes that the keys of a suite need at most */
#define MEASURE_SIZE_MAX 16384		/* bytes of data in one packet */

struct measured {
	uint32_t mbit;			/* Mbit/s of data on one core, as much sealed as opened */
	uint32_t seal_mbit, open_mbit;	/* either alone */
	uint32_t cpu_percent;		/* of a core, of ours: low where a device works */
	struct engine_info info;	/* who did it; its fallbacks are those of this run */
};

/* A suite with keys of the right length, fixed and known, in keys (MEASURE_KEYS bytes, to live
 * as long as out is used); no descriptors. -1 where the transforms do not fit together or
 * are unknown. */
int measure_suite(uint16_t encr, uint16_t encr_bits, uint16_t integ, struct engine_suite *out,
		  uint8_t *keys, struct err *e) MUST_USE;

/* Seals and opens packets of size bytes of data (rounded up to the suite's block), batch at a
 * time (1..ENGINE_BATCH), for about ms milliseconds of wall time. s as
 * for key_new(): afalg needs its sockets in it. -1 with why when the engine cannot do the
 * suite or here (its probe says no), or when a packet came back wrong. */
int measure_run(const struct engine *en, const struct engine_suite *s, size_t size,
		size_t batch, unsigned ms, struct measured *out, struct err *e) MUST_USE;

#endif
