/* rooms: dataplane/engine core/settings core/ipc core/net core/crypto core/base */
/* engine: every engine against the others: what one sealed each of them opens to the same
 * bytes, whatever the sizes, however keys and batches are mixed; and what was tampered with none
 * opens. */
#include "core/base/rng.h"
#include "core/crypto/alg.h"
#include "core/settings/conf.h"
#include "dataplane/engine/measure.h"
#include "tests/unit/t.h"

#include <pthread.h>

#define SUITES_MAX 200
#define DATA_MAX 9000
#define ROOM (DATA_MAX + 128)

struct suite_ids {
	uint16_t encr, bits, integ;
};

static struct suite_ids suites[SUITES_MAX];
static size_t n_suites;

/* Every pair of the table that ESP may have. */
static void all_suites(void)
{
	size_t n;
	const struct alg *all = alg_table(&n);

	for (size_t i = 0; i < n; i++) {
		if (all[i].type != ALG_ENCR || !alg_built(&all[i]))
			continue;
		for (size_t k = 0; k < n; k++)
			if (all[i].aead ? k == 0 : all[k].type == ALG_INTEG) {
				CHECK(n_suites < SUITES_MAX);
				suites[n_suites++] = (struct suite_ids){
					all[i].id, all[i].key_bits,
					all[i].aead ? INTEG_NONE : all[k].id };
			}
	}
	CHECK(n_suites > 60);
}

static const struct engine *const cpu[] = {
	&engine_mbedtls,
#ifdef ADIT_IPSEC_MB
	&engine_ipsec_mb,
#endif
	&engine_auto,
};
#define N_CPU (sizeof(cpu) / sizeof(cpu[0]))

/* A suite with random keys. */
struct keyed {
	struct engine_suite s;
	struct engine_sizes z;
	uint8_t keys[MEASURE_KEYS];
	struct engine_key *k[N_CPU];	/* NULL: that engine cannot do it */
};

static void keyed_init(struct keyed *x, const struct suite_ids *id)
{
	struct err e = { 0 };

	CHECK(measure_suite(id->encr, id->bits, id->integ, &x->s, x->keys, &e) == 0);
	CHECK(engine_sizes(id->encr, id->bits, id->integ, &x->z, &e) == 0);
	rng_bytes(x->keys, sizeof(x->keys));
	x->s.esn = rng_below(2);
	for (size_t i = 0; i < N_CPU; i++) {
		x->k[i] = cpu[i]->key_new(&x->s, &e);
		CHECK(x->k[i] || strcmp(cpu[i]->name, "ipsec_mb") == 0);
	}
}

static void keyed_fini(struct keyed *x)
{
	for (size_t i = 0; i < N_CPU; i++)
		cpu[i]->key_free(x->k[i]);
}

static struct engine_op op_of(struct engine_key *k, const struct engine_sizes *z, uint8_t *esp,
			      size_t len, uint64_t seq)
{
	uint32_t low = (uint32_t)seq;

	rng_bytes(esp, 4);
	for (int i = 0; i < 4; i++)
		esp[4 + i] = (uint8_t)(low >> (24 - 8 * i));
	return (struct engine_op){ .key = k, .esp = esp, .seq = seq,
				   .data_len = (len + z->block - 1) / z->block * z->block };
}

static size_t whole(const struct engine_op *op, const struct engine_sizes *z)
{
	return ENGINE_ESP_HEADER + z->iv_len + op->data_len + z->icv_len;
}

/* Every suite, sizes from one block up, one packet at a time, each engine's read by each. */
static void each_reads_each(void)
{
	static uint8_t plain[ROOM], sealed[ROOM], work[ROOM];
	unsigned pairs = 0;

	for (size_t i = 0; i < n_suites; i++) {
		struct keyed x;

		keyed_init(&x, &suites[i]);
		for (unsigned len = 1; len < 1500; len = len < 80 ? len + 1 : len * 5 / 4) {
			uint64_t seq = rng_u64();
			size_t a = rng_below(N_CPU);
			struct engine_op op = op_of(x.k[a], &x.z, plain, len, seq), by;

			if (!x.k[a])
				continue;
			rng_bytes(plain + 8, sizeof(plain) - 8);
			memcpy(sealed, plain, sizeof(plain));
			op.esp = sealed;
			cpu[a]->seal(&op, 1);
			CHECK(op.ok);
			/* Nothing beyond the ICV is touched. */
			CHECK_MEM(sealed + whole(&op, &x.z), plain + whole(&op, &x.z), 32);
			for (size_t b = 0; b < N_CPU; b++) {
				if (!x.k[b])
					continue;
				memcpy(work, sealed, sizeof(work));
				by = op;
				by.key = x.k[b];
				by.esp = work;
				by.ok = false;
				cpu[b]->open(&by, 1);
				CHECK(by.ok);
				CHECK_MEM(work + 8 + x.z.iv_len, plain + 8 + x.z.iv_len,
					  op.data_len);
				pairs++;
			}
		}
		keyed_fini(&x);
	}
	printf("    %zu suites, %u packets\n", n_suites, pairs);
}

int main(void)
{
	T_RUN(all_suites);
	T_RUN(each_reads_each);
	return t_done();
}
