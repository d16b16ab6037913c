/* rooms: dataplane/engine core/settings core/ipc core/net core/crypto core/base */
/* engine: every engine against the others: what one sealed each of them opens to the same
 * bytes, whatever the sizes, however keys and batches are mixed; and what was tampered with none
 * opens. Published vectors are in tests/vectors/engines.c. */
#include "core/base/rng.h"
#include "core/settings/conf.h"
#include "dataplane/engine/measure.h"
#include "tests/unit/engines.h"

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
static void find_suites(void)
{
	size_t n;
	const struct alg *all = alg_table(&n);

	for (size_t i = 0; i < n; i++) {
		if (all[i].type != ALG_ENCR || !alg_built(&all[i]))
			continue;
		for (size_t k = 0; k < n; k++)
			if (all[i].aead ? k == 0 : all[k].type == ALG_INTEG)
				suites[n_suites++] = (struct suite_ids){
					all[i].id, all[i].key_bits,
					all[i].aead ? INTEG_NONE : all[k].id };
	}
}

/* A suite with random keys. */
struct keyed {
	struct engine_suite s;
	struct engine_sizes z;
	uint8_t keys[MEASURE_KEYS];
	struct engine_key *k[N_ENGINES];	/* NULL: that engine cannot do it */
};

static void keyed_init(struct keyed *x, const struct suite_ids *id)
{
	struct err e = { 0 };

	CHECK(measure_suite(id->encr, id->bits, id->integ, &x->s, x->keys, &e) == 0);
	CHECK(engine_sizes(id->encr, id->bits, id->integ, &x->z, &e) == 0);
	rng_bytes(x->keys, sizeof(x->keys));
	x->s.esn = rng_below(2);
	for (size_t i = 0; i < N_ENGINES; i++) {
		x->k[i] = engines_key(engines[i], &x->s, &e);
		CHECK(x->k[i] || (engines[i] != &engine_mbedtls && engines[i] != &engine_auto));
	}
}

static void keyed_fini(struct keyed *x)
{
	for (size_t i = 0; i < N_ENGINES; i++)
		engines[i]->key_free(x->k[i]);
}

/* An engine that has a key for it. */
static size_t any_engine(const struct keyed *x)
{
	size_t i;

	do
		i = rng_below(N_ENGINES);
	while (!x->k[i]);
	return i;
}

static struct engine_op op_of(const struct engine_sizes *z, uint8_t *esp, size_t len, uint64_t seq)
{
	uint32_t low = (uint32_t)seq;

	for (int i = 0; i < 4; i++)
		esp[4 + i] = (uint8_t)(low >> (24 - 8 * i));
	return (struct engine_op){ .esp = esp, .seq = seq,
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

	CHECK(n_suites > 60 && n_suites < SUITES_MAX);
	for (size_t i = 0; i < n_suites; i++) {
		struct keyed x;

		keyed_init(&x, &suites[i]);
		for (unsigned len = 1; len < 1500; len = len < 80 ? len + 1 : len * 5 / 4) {
			size_t a = any_engine(&x);
			struct engine_op op, by;

			rng_bytes(plain, sizeof(plain));
			op = op_of(&x.z, plain, len, rng_u64());
			memcpy(sealed, plain, sizeof(plain));
			op.esp = sealed;
			op.key = x.k[a];
			engines[a]->seal(&op, 1);
			CHECK(op.ok);
			/* Neither the header nor what lies beyond the ICV is touched. */
			CHECK_MEM(sealed, plain, ENGINE_ESP_HEADER);
			CHECK_MEM(sealed + whole(&op, &x.z), plain + whole(&op, &x.z), 32);
			for (size_t b = 0; b < N_ENGINES; b++) {
				if (!x.k[b])
					continue;
				memcpy(work, sealed, sizeof(work));
				by = op;
				by.key = x.k[b];
				by.esp = work;
				by.ok = false;
				engines[b]->open(&by, 1);
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

/* Batches of any length with the keys of many suites and all sizes in them, sealed by one engine
 * and opened by another; some are changed on the way, and only these are refused. */
#define MIX 24

struct packet {
	uint8_t plain[ROOM], esp[ROOM];
	struct keyed *x;
	bool bad;
};

static struct packet pk[ENGINE_BATCH];
static struct keyed mixed[MIX];

static void change(struct packet *p, const struct engine_op *op)
{
	size_t at = rng_below((uint32_t)whole(op, &p->x->z));

	p->bad = true;
	p->esp[at] ^= (uint8_t)(1u << rng_below(8));
}

static void mix_once(size_t a, size_t b)
{
	struct engine_op op[ENGINE_BATCH];
	size_t n = 1 + rng_below(ENGINE_BATCH);

	for (size_t i = 0; i < n; i++) {
		struct packet *p = &pk[i];
		unsigned most = rng_below(4) ? 1500 : DATA_MAX - 16;

		do
			p->x = &mixed[rng_below(MIX)];
		while (!p->x->k[a] || !p->x->k[b]);
		rng_bytes(p->plain, 64);
		for (size_t k = 64; k < sizeof(p->plain); k++)
			p->plain[k] = (uint8_t)(p->plain[k - 64] + k);
		op[i] = op_of(&p->x->z, p->plain, 1 + rng_below(most), rng_u64());
		memcpy(p->esp, p->plain, sizeof(p->esp));
		op[i].esp = p->esp;
		op[i].key = p->x->k[a];
	}
	engines[a]->seal(op, n);
	for (size_t i = 0; i < n; i++) {
		CHECK(op[i].ok);
		CHECK_MEM(pk[i].esp, pk[i].plain, ENGINE_ESP_HEADER);
		CHECK_MEM(pk[i].esp + whole(&op[i], &pk[i].x->z),
			  pk[i].plain + whole(&op[i], &pk[i].x->z), 32);
		op[i].key = pk[i].x->k[b];
		op[i].ok = rng_below(2);
		pk[i].bad = false;
		if (rng_below(8) == 0)
			change(&pk[i], &op[i]);
	}
	engines[b]->open(op, n);
	for (size_t i = 0; i < n; i++) {
		size_t at = ENGINE_ESP_HEADER + pk[i].x->z.iv_len;

		CHECK_INT(op[i].ok, !pk[i].bad);
		if (op[i].ok)
			CHECK_MEM(pk[i].esp + at, pk[i].plain + at, op[i].data_len);
	}
}

static bool share_any(size_t a, size_t b)
{
	for (size_t i = 0; i < MIX; i++)
		if (mixed[i].k[a] && mixed[i].k[b])
			return true;
	return false;
}

static void any_batch(void)
{
	unsigned done = 0;

	for (size_t i = 0; i < MIX; i++)
		keyed_init(&mixed[i], &suites[i < 8 ? i : rng_below((uint32_t)n_suites)]);
	for (unsigned turn = 0; turn < 40; turn++)
		for (size_t a = 0; a < N_ENGINES; a++)
			for (size_t b = 0; b < N_ENGINES; b++)
				if (share_any(a, b)) {
					mix_once(a, b);
					done++;
				}
	for (size_t i = 0; i < MIX; i++)
		keyed_fini(&mixed[i]);
	CHECK(done >= 40);
	printf("    %u batches\n", done);
}

/* CBC's IVs: none comes twice, not even with the same key and number, and about half of their bits
 * are set; those that count are the number (RFC 4106 §3.1, RFC 3686 §4). */
static void ivs(void)
{
	static const struct suite_ids cbc = { ENCR_AES_CBC, 128, INTEG_HMAC_SHA1_96 };
	static const struct suite_ids ctr = { ENCR_AES_CTR, 128, INTEG_HMAC_SHA1_96 };
	static uint8_t seen[2048][16], esp[128];
	struct keyed x, c;

	keyed_init(&x, &cbc);
	keyed_init(&c, &ctr);
	for (size_t en = 0; en < N_ENGINES; en++) {
		struct engine_key *again;
		unsigned ones = 0;
		struct err e = { 0 };

		if (!x.k[en] || !c.k[en])
			continue;
		again = engines_key(engines[en], &x.s, &e);
		CHECK(again);
		for (unsigned i = 0; i < 2048; i++) {
			struct engine_op op = op_of(&x.z, esp, 32, 7);

			op.key = i % 2 ? again : x.k[en];
			engines[en]->seal(&op, 1);
			CHECK(op.ok);
			memcpy(seen[i], esp + 8, 16);
			for (unsigned k = 0; k < i; k++)
				CHECK(memcmp(seen[k], seen[i], 16) != 0);
			for (unsigned k = 0; k < 128; k++)
				ones += seen[i][k / 8] >> k % 8 & 1;
		}
		CHECK(ones > 2048 * 62 && ones < 2048 * 66);
		engines[en]->key_free(again);
		struct engine_op op = op_of(&c.z, esp, 32, UINT64_C(0x0102030405060708));

		op.key = c.k[en];
		engines[en]->seal(&op, 1);
		CHECK_MEM(esp + 8, "\1\2\3\4\5\6\7\10", 8);
	}
	keyed_fini(&x);
	keyed_fini(&c);
}

static void wrong_keys(void)
{
	for (size_t i = 0; i < n_suites; i++) {
		struct engine_suite s;
		uint8_t keys[MEASURE_KEYS];
		struct err e = { 0 };

		CHECK(measure_suite(suites[i].encr, suites[i].bits, suites[i].integ, &s, keys,
				    &e) == 0);
		for (size_t en = 0; en < N_ENGINES; en++) {
			s.encr_key.len++;
			CHECK(!engines_key(engines[en], &s, &e) && e.msg[0]);
			s.encr_key.len--;
			s.integ_key.len++;
			CHECK(s.integ == INTEG_NONE || !engines_key(engines[en], &s, &e));
			s.integ_key.len--;
			s.integ = s.integ ? INTEG_NONE : INTEG_HMAC_SHA1_96;
			CHECK(!engines_key(engines[en], &s, &e));
			s.integ = suites[i].integ;
		}
	}
}

/* ---- auto ---- */

static void one_packet(struct engine_key *k, const struct engine_sizes *z, size_t len)
{
	static uint8_t esp[ROOM];
	struct engine_op op = op_of(z, esp, len, 1);

	op.key = k;
	engine_auto.seal(&op, 1);
	CHECK(op.ok);
	engine_auto.open(&op, 1);
	CHECK(op.ok);
}

static struct profile_row prow(const struct suite_ids *id, uint16_t size, enum engine_id en)
{
	return (struct profile_row){ id->encr, id->bits, id->integ, size, (uint8_t)en, 4, 1000 };
}

/* By size, as the profile says; what cannot be had mbedtls does, and it is counted. */
static void auto_by_profile(void)
{
	static const struct suite_ids id = { ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_256_128 };
	struct profile p = { .n = 3 };
	struct engine_suite s;
	struct engine_sizes z;
	struct engine_info info;
	uint8_t keys[MEASURE_KEYS];
	struct engine_key *k;
	struct err e = { 0 };
	const char *mb = engine_get(ENGINE_IPSEC_MB) && !engine_get(ENGINE_IPSEC_MB)->probe(&e)
		? "ipsec_mb" : "mbedtls";

	CHECK(measure_suite(id.encr, id.bits, id.integ, &s, keys, &e) == 0);
	CHECK(engine_sizes(id.encr, id.bits, id.integ, &z, &e) == 0);
	p.row[0] = prow(&id, 64, ENGINE_MBEDTLS);
	p.row[1] = prow(&id, 576, ENGINE_IPSEC_MB);
	p.row[2] = prow(&id, 8192, ENGINE_AFALG);	/* there are no sockets for it */
	CHECK(engine_auto_setup(ENGINE_CHOICE_AUTO, &p, &e) == 0);
	k = engine_auto.key_new(&s, &e);
	CHECK(k);
	one_packet(k, &z, 100);
	engine_auto.info(k, &info);
	CHECK_STR(info.name, "mbedtls");
	CHECK_INT(info.fallbacks, 0);
	one_packet(k, &z, 700);
	engine_auto.info(k, &info);
	CHECK_STR(info.name, mb);
	CHECK_INT(info.fallbacks, *mb == 'i' ? 0 : 2);
	one_packet(k, &z, 8000);
	engine_auto.info(k, &info);
	CHECK_STR(info.name, "mbedtls");
	CHECK_INT(info.fallbacks, *mb == 'i' ? 2 : 4);
	engine_auto.key_free(k);
}

static void auto_by_choice(void)
{
	static const struct suite_ids id = { ENCR_AES_GCM_16, 128, INTEG_NONE };
	struct engine_suite s;
	struct engine_sizes z;
	struct engine_info info;
	uint8_t keys[MEASURE_KEYS];
	struct profile p = { .n = 1 };
	struct engine_key *k;
	struct err e = { 0 };

	CHECK(measure_suite(id.encr, id.bits, id.integ, &s, keys, &e) == 0);
	CHECK(engine_sizes(id.encr, id.bits, id.integ, &z, &e) == 0);
	p.row[0] = prow(&id, 1400, ENGINE_IPSEC_MB);
	CHECK(engine_auto_setup(ENGINE_CHOICE_MBEDTLS, &p, &e) == 0);
	k = engine_auto.key_new(&s, &e);
	CHECK(k);
	one_packet(k, &z, 1400);
	engine_auto.info(k, &info);
	CHECK_STR(info.name, "mbedtls");
	CHECK_INT(info.fallbacks, 0);
	engine_auto.key_free(k);
	/* Without sockets afalg has no key: mbedtls behind it. */
	CHECK(engine_auto_setup(ENGINE_CHOICE_AFALG, NULL, &e) == 0 || e.msg[0]);
	k = engine_auto.key_new(&s, &e);
	CHECK(k);
	one_packet(k, &z, 1400);
	engine_auto.info(k, &info);
	CHECK_STR(info.name, "mbedtls");
	CHECK_INT(info.fallbacks, 2);
	engine_auto.key_free(k);
	CHECK(engine_auto_setup(ENGINE_CHOICE_AUTO, NULL, &e) == 0);
}

/* A batch whose sizes go to two engines in turns comes back right, in place and in order. */
static void auto_parts_a_batch(void)
{
	static const struct suite_ids id = { ENCR_AES_CBC, 128, INTEG_HMAC_SHA1_96 };
	static uint8_t esp[ENGINE_BATCH][1600];
	struct engine_op op[ENGINE_BATCH];
	struct profile p = { .n = 2 };
	struct err e = { 0 };
	struct keyed x;

	p.row[0] = prow(&id, 64, ENGINE_MBEDTLS);
	p.row[1] = prow(&id, 1400, ENGINE_IPSEC_MB);
	CHECK(engine_auto_setup(ENGINE_CHOICE_AUTO, &p, &e) == 0);
	keyed_init(&x, &id);
	for (size_t i = 0; i < ENGINE_BATCH; i++) {
		memset(esp[i], (int)i, sizeof(esp[i]));
		op[i] = op_of(&x.z, esp[i], i % 3 ? 1400 : 64, i);
		op[i].key = x.k[N_ENGINES - 1];
	}
	engine_auto.seal(op, ENGINE_BATCH);
	esp[5][100] ^= 1;
	esp[6][30] ^= 1;
	engine_auto.open(op, ENGINE_BATCH);
	for (size_t i = 0; i < ENGINE_BATCH; i++) {
		CHECK_INT(op[i].ok, i != 5 && i != 6);
		CHECK(op[i].key == x.k[N_ENGINES - 1] && op[i].esp == esp[i]);
		for (size_t k = 24; op[i].ok && k < 24 + op[i].data_len; k++)
			CHECK_INT(esp[i][k], i);
	}
	keyed_fini(&x);
	CHECK(engine_auto_setup(ENGINE_CHOICE_AUTO, NULL, &e) == 0);
}

/* ---- threads ---- */

struct at_work {
	struct engine_key *k;
	const struct engine *en;
	const struct engine_sizes *z;
	bool ok;
};

static void *worker(void *arg)
{
	static __thread uint8_t esp[ENGINE_BATCH][1600];
	struct engine_op op[ENGINE_BATCH];
	struct at_work *w = arg;

	w->ok = true;
	for (unsigned turn = 0; turn < 60; turn++) {
		for (size_t i = 0; i < ENGINE_BATCH; i++) {
			memset(esp[i], (int)(i + turn), sizeof(esp[i]));
			op[i] = op_of(w->z, esp[i], 1 + i * 20, turn);
			op[i].key = w->k;
		}
		w->en->seal(op, ENGINE_BATCH);
		w->en->open(op, ENGINE_BATCH);
		for (size_t i = 0; i < ENGINE_BATCH; i++)
			w->ok &= op[i].ok && esp[i][8 + w->z->iv_len] == (uint8_t)(i + turn);
	}
	return NULL;
}

/* A thread that made no key itself, and two at once, each with a key of its own. */
static void threads(void)
{
	static const struct suite_ids ids[] = {
		{ ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_256_128 }, { ENCR_AES_GCM_16, 256, INTEG_NONE },
		{ ENCR_CHACHA20_POLY1305, 0, INTEG_NONE },
	};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct keyed x, y;

		keyed_init(&x, &ids[i]);
		keyed_init(&y, &ids[i]);
		for (size_t en = 0; en < N_ENGINES; en++) {
			struct at_work w[2] = { { x.k[en], engines[en], &x.z, false },
						{ y.k[en], engines[en], &y.z, false } };
			pthread_t t[2];

			if (!x.k[en] || !y.k[en])
				continue;
			for (int n = 0; n < 2; n++)
				CHECK(pthread_create(&t[n], NULL, worker, &w[n]) == 0);
			for (int n = 0; n < 2; n++)
				CHECK(pthread_join(t[n], NULL) == 0);
			CHECK(w[0].ok && w[1].ok);
		}
		keyed_fini(&x);
		keyed_fini(&y);
	}
}

/* ---- the rest ---- */

static void null_engine(void)
{
	uint8_t esp[128], keys[MEASURE_KEYS];
	struct engine_suite s;
	struct engine_sizes z;
	struct engine_op op;
	struct err e = { 0 };

	CHECK(measure_suite(ENCR_AES_GCM_16, 256, INTEG_NONE, &s, keys, &e) == 0);
	CHECK(engine_sizes(s.encr, s.encr_bits, s.integ, &z, &e) == 0);
	memset(esp, 0x5a, sizeof(esp));
	op = op_of(&z, esp, 64, 1);
	op.key = engine_null.key_new(&s, &e);
	CHECK(op.key);
	engine_null.seal(&op, 1);
	CHECK(op.ok && esp[15] == 0 && esp[16] == 0x5a && esp[79] == 0x5a && esp[80] == 0 &&
	      esp[95] == 0 && esp[96] == 0x5a);
	op.ok = false;
	engine_null.open(&op, 1);
	CHECK(op.ok);
	engine_null.key_free(op.key);
	CHECK(engine_get(ENGINE_NULL) == &engine_null && engine_get(ENGINE_MBEDTLS) == &engine_mbedtls);
	CHECK(!engine_get(ENGINE_IDS));
}

static void measuring(void)
{
	uint8_t keys[MEASURE_KEYS];
	struct engine_suite s;
	struct measured m;
	struct err e = { 0 };

	CHECK(measure_suite(ENCR_AES_CBC, 128, INTEG_NONE, &s, keys, &e) == -1);
	CHECK_HAS(e.msg, "integrity");
	CHECK(measure_suite(ENCR_AES_CBC, 128, INTEG_HMAC_SHA1_96, &s, keys, &e) == 0);
	CHECK(measure_run(&engine_mbedtls, &s, 1400, 8, 5, &m, &e) == 0);
	CHECK(m.mbit > 0 && m.seal_mbit > 0 && m.open_mbit > 0);
	CHECK(m.mbit >= (m.seal_mbit < m.open_mbit ? m.seal_mbit : m.open_mbit) &&
	      m.mbit <= (m.seal_mbit > m.open_mbit ? m.seal_mbit : m.open_mbit));
	CHECK_STR(m.info.name, "mbedtls");
	CHECK(measure_run(&engine_mbedtls, &s, MEASURE_SIZE_MAX, ENGINE_BATCH, 1, &m, &e) == 0);
	CHECK(measure_run(&engine_mbedtls, &s, 0, 1, 1, &m, &e) == -1);
	CHECK(measure_run(&engine_mbedtls, &s, 64, ENGINE_BATCH + 1, 1, &m, &e) == -1);
	CHECK_HAS(e.msg, "cannot be measured");
	s.encr_key.len--;
	CHECK(measure_run(&engine_mbedtls, &s, 64, 1, 1, &m, &e) == -1);
	CHECK_HAS(e.msg, "key length");
}

int main(void)
{
	struct err e = { 0 };

	if (engine_auto_setup(ENGINE_CHOICE_AUTO, NULL, &e) < 0) {
		printf("%s\n", e.msg);
		return 1;
	}
	find_suites();
	T_RUN(each_reads_each);
	T_RUN(any_batch);
	T_RUN(ivs);
	T_RUN(wrong_keys);
	T_RUN(auto_by_profile);
	T_RUN(auto_by_choice);
	T_RUN(auto_parts_a_batch);
	T_RUN(threads);
	T_RUN(null_engine);
	T_RUN(measuring);
	return t_done();
}
