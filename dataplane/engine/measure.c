/* measure: a pool of packets is sealed from its first to its last, then opened, again and again,
 * each pass timed alone; the pass counts that a quarter was faster than, so that who else runs
 * here disturbs little. */
#include "dataplane/engine/measure.h"

#include "core/crypto/alg.h"
#include "dataplane/engine/op.h"

#include <stdlib.h>
#include <time.h>

#define POOL_BYTES (64 * 1024)		/* passes are short: a millisecond or so */
#define TAIL 64
#define PASSES_MAX 256
#define PASSES_MIN 3

struct pool {
	uint8_t *mem;
	size_t stride, n;		/* bytes from packet to packet; packets */
	size_t len;			/* of data in each */
	size_t batch;
	struct engine_sizes sizes;
	uint64_t seq;
	uint64_t seal_ns[PASSES_MAX], open_ns[PASSES_MAX];
	size_t passes;
};

int measure_suite(uint16_t encr, uint16_t encr_bits, uint16_t integ, struct engine_suite *out,
		  uint8_t *keys, struct err *e)
{
	const struct alg *c = alg_get(ALG_ENCR, encr, encr_bits);
	const struct alg *i = integ == INTEG_NONE ? NULL : alg_get(ALG_INTEG, integ, 0);
	struct engine_sizes sizes;

	if (engine_sizes(encr, encr_bits, integ, &sizes, e) < 0)
		return -1;
	for (size_t k = 0; k < MEASURE_KEYS; k++)
		keys[k] = (uint8_t)(k * 29 + 1);
	*out = (struct engine_suite){
		.encr = encr, .encr_bits = encr_bits, .integ = integ,
		.encr_key = { keys, c->key_len },
		.integ_key = { keys + c->key_len, i ? i->key_len : 0u },
	};
	return 0;
}

static uint64_t ns(clockid_t c)
{
	struct timespec t;

	clock_gettime(c, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void fill(struct pool *p)
{
	for (size_t i = 0; i < p->n * p->stride; i++)
		p->mem[i] = (uint8_t)(i * 7 + i / 256);
}

/* One way through the pool; false when an operation failed. */
static bool pass(struct pool *p, const struct engine *en, struct engine_key *k, bool sealing)
{
	struct engine_op op[ENGINE_BATCH];
	uint64_t seq = p->seq;
	bool ok = true;

	for (size_t at = 0; at < p->n;) {
		size_t n = 0;

		for (; n < p->batch && at < p->n; n++, at++) {
			uint8_t *esp = p->mem + at * p->stride;

			be_put32(esp + 4, (uint32_t)++seq);
			op[n] = (struct engine_op){ .key = k, .esp = esp, .data_len = p->len,
						    .seq = seq };
		}
		(sealing ? en->seal : en->open)(op, n);
		for (size_t i = 0; i < n; i++)
			ok &= op[i].ok;
	}
	return ok;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t typical(uint64_t *v, size_t n)
{
	qsort(v, n, sizeof(*v), compare);
	return v[n / 4] ? v[n / 4] : 1;
}

static uint32_t mbit(const struct pool *p, double times, uint64_t took)
{
	return (uint32_t)(times * (double)(p->n * p->len) * 8000 / (double)took);
}

static int run(struct pool *p, const struct engine *en, struct engine_key *k, unsigned ms,
	       struct measured *out, struct err *e)
{
	uint64_t begun, cpu, end, seal, open, was;
	struct engine_info before;

	/* Once unmeasured: caches, a device's first request. */
	if (!pass(p, en, k, true) || !pass(p, en, k, false))
		return err_set(e, "%s: a packet could not be sealed and opened", en->name);
	en->info(k, &before);
	was = before.fallbacks;
	begun = ns(CLOCK_MONOTONIC);
	cpu = ns(CLOCK_PROCESS_CPUTIME_ID);
	end = begun + (uint64_t)ms * 1000000u;
	for (uint64_t now = begun; p->passes < PASSES_MIN || now < end; p->passes++) {
		size_t at = p->passes % PASSES_MAX;
		uint64_t t0 = ns(CLOCK_MONOTONIC), t1;

		p->seq += p->n;
		if (!pass(p, en, k, true))
			return err_set(e, "%s: a packet could not be sealed", en->name);
		t1 = ns(CLOCK_MONOTONIC);
		if (!pass(p, en, k, false))
			return err_set(e, "%s: a packet came back wrong", en->name);
		now = ns(CLOCK_MONOTONIC);
		p->seal_ns[at] = t1 - t0;
		p->open_ns[at] = now - t1;
	}
	cpu = ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	if (p->passes > PASSES_MAX)
		p->passes = PASSES_MAX;
	end = ns(CLOCK_MONOTONIC);
	seal = typical(p->seal_ns, p->passes);
	open = typical(p->open_ns, p->passes);
	out->seal_mbit = mbit(p, 1, seal);
	out->open_mbit = mbit(p, 1, open);
	out->mbit = mbit(p, 2, seal + open);
	out->cpu_percent = (uint32_t)(cpu * 100 / (end - begun));
	en->info(k, &out->info);
	out->info.fallbacks -= was;
	return 0;
}

int measure_run(const struct engine *en, const struct engine_suite *s, size_t size,
		size_t batch, unsigned ms, struct measured *out, struct err *e)
{
	struct pool *p = NULL;
	struct engine_key *k;
	size_t used;
	int rc = -1;

	*out = (struct measured){ 0 };
	if (!size || size > MEASURE_SIZE_MAX || !batch || batch > ENGINE_BATCH)
		return err_set(e, "packets of %zu bytes, %zu at a time, cannot be measured", size,
			       batch);
	if (en->probe && en->probe(e) < 0)
		return -1;
	k = en->key_new(s, e);
	if (!k)
		return -1;
	p = calloc(1, sizeof(*p));
	if (!p || engine_sizes(s->encr, s->encr_bits, s->integ, &p->sizes, e) < 0)
		goto out;
	p->batch = batch;
	p->len = (size + p->sizes.block - 1) / p->sizes.block * p->sizes.block;
	used = ENGINE_ESP_HEADER + p->sizes.iv_len + p->len + p->sizes.icv_len;
	p->stride = (used + TAIL - 1) / TAIL * TAIL;
	p->n = POOL_BYTES / p->stride / batch * batch;
	if (p->n < batch)
		p->n = batch;
	p->mem = aligned_alloc(TAIL, p->n * p->stride);
	if (!p->mem) {
		err_errno(e, "out of memory");
		goto out;
	}
	fill(p);
	rc = run(p, en, k, ms, out, e);
out:
	en->key_free(k);
	if (p)
		free(p->mem);
	free(p);
	return rc;
}
