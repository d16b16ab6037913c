/* rng: the kernel's generator, or a seeded one for replayable tests. */
#include "core/base/rng.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static uint64_t virtual_state;

/* splitmix64 (Steele, Lea, Flood 2014): enough for tests, never for keys. */
static uint64_t virtual_next(void)
{
	uint64_t z = (virtual_state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void virtual_bytes(uint8_t *p, size_t len)
{
	while (len) {
		uint64_t v = virtual_next();
		size_t n = len < sizeof(v) ? len : sizeof(v);

		memcpy(p, &v, n);
		p += n;
		len -= n;
	}
}

void rng_bytes(void *buf, size_t len)
{
	uint8_t *p = buf;

	if (virtual_state) {
		virtual_bytes(p, len);
		return;
	}
	while (len) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			abort();
		p += n;
		len -= (size_t)n;
	}
}

uint32_t rng_u32(void)
{
	uint32_t v;

	rng_bytes(&v, sizeof(v));
	return v;
}

uint64_t rng_u64(void)
{
	uint64_t v;

	rng_bytes(&v, sizeof(v));
	return v;
}

uint32_t rng_below(uint32_t below)
{
	uint32_t limit = UINT32_MAX - UINT32_MAX % below;
	uint32_t v;

	do
		v = rng_u32();
	while (v >= limit);
	return v % below;
}

uint64_t rng_jitter(uint64_t base, unsigned percent)
{
	uint64_t span = base * percent / 100;

	if (!span || span > UINT32_MAX / 2)
		return base;
	return base - span + rng_below((uint32_t)(2 * span + 1));
}

void rng_virtual_seed(uint64_t seed)
{
	virtual_state = seed;
}
