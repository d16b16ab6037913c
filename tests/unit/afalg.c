/* rooms: dataplane/engine core/settings core/crypto core/base */
/* The afalg engine over a kernel that is made up: whatever its requests do, every packet is
 * what engine_mbedtls makes of it, and what software did in the kernel's place is counted. */
#include "tests/unit/afalg_help.h"
#include "dataplane/engine/afalg_dev.h"
#include "dataplane/engine/afalg_health.h"
#include "dataplane/engine/afalg_proc.h"
#include "tests/unit/afalg_fake.h"

#include "core/settings/conf.h"

#include <fcntl.h>
#include <unistd.h>

static struct bunch b;

/* Sockets of a suite in the made-up kernel. */
static size_t fake_fds(const struct afalg_ids *ids, int kind, bool hash, int fds[AFALG_FDS_MAX])
{
	struct afalg_note n = {
		.magic = AFALG_MAGIC, .encr = ids->encr, .encr_bits = ids->encr_bits,
		.integ = ids->integ, .esn = ids->esn, .kind = (uint8_t)kind, .hash = hash,
		.hardware = 1, .async = 1, .driver = "fake-device",
	};
	struct err e = { 0 };

	fds[0] = afalg_note_write(&n, &e);
	CHECK(fds[0] >= 0);
	fds[1] = fake_bind(kind == AFALG_AEAD ? TYPE_AEAD : TYPE_CIPHER, ids);
	if (hash)
		fds[2] = fake_bind(TYPE_HASH, ids);
	return 2 + hash;
}

struct pair {
	struct engine_key *dev, *ref;
};

static struct pair keys(const struct afalg_ids *ids, int kind, bool hash)
{
	struct engine_suite s = keys_for(ids);
	int fds[AFALG_FDS_MAX];
	struct err e = { 0 };
	struct pair p;

	s.fds = fds;
	s.n_fds = fake_fds(ids, kind, hash, fds);
	p.dev = engine_afalg.key_new(&s, &e);
	p.ref = engine_mbedtls.key_new(&s, &e);
	if (!p.dev || !p.ref)
		printf("    %s\n", e.msg);
	CHECK(p.dev && p.ref);
	close(fds[0]);
	for (size_t i = 1; i < s.n_fds; i++)
		fake_close(fds[i]);
	return p;
}

static void keys_free(struct pair p)
{
	engine_afalg.key_free(p.dev);
	engine_mbedtls.key_free(p.ref);
}

static void begin(void)
{
	memset(&fault, 0, sizeof(fault));
	memset(sock_of, 0, sizeof(sock_of));
	memset(req_of, 0, sizeof(req_of));
	fake_calls = fake_requests = fake_reads = fake_open = fake_rings = fake_most = 0;
	clock_virtual_set(1000000);
	afalg_health_forget();
	afalg_limits = (struct afalg_limits){ .easy = 512, .more = 2048, .keys = 3072 };
	afalg_sys = &fake_kernel;
}

/* What was given up is over; nothing is left open then. */
static void end(void)
{
	struct afalg_ids ids = suites[0];

	memset(&fault, 0, sizeof(fault));
	for (int i = 0; i < FAKE_REQS; i++)
		if (req_of[i].used)
			req_of[i].at_ms = clock_ms();
	keys_free(keys(&ids, AFALG_AEAD, false));	/* looks after those that were left */
	CHECK_INT(fake_flying(), 0);
	CHECK_INT(fake_open, 0);
	CHECK_INT(fake_rings, 0);
}

static void both_ways(const struct afalg_ids *ids, struct pair p, size_t n, size_t max)
{
	bunch_make(&b, ids, p.dev, n, max);
	engine_afalg.seal(b.op, n);
	bunch_check_sealed(&b, p.ref);
	bunch_make(&b, ids, p.dev, n, max);
	bunch_seal_by(&b, p.ref, p.dev);
	engine_afalg.open(b.op, n);
	bunch_check_opened(&b);
}

static const struct afalg_ids gcm = { ENCR_AES_GCM_16, 128, INTEG_NONE, false };
static const struct afalg_ids cbc = { ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_256_128, true };

/* ---- all is well ---- */

static void suite_as(const struct afalg_ids *ids, int kind, bool hash)
{
	struct pair p = keys(ids, kind, hash);

	both_ways(ids, p, ENGINE_BATCH, 1500);
	both_ways(ids, p, 1, 1500);
	both_ways(ids, p, 3, 9000);
	CHECK_INT(fallbacks(p.dev), 0);
	keys_free(p);
}

static void all_suites(void)
{
	begin();
	fault.max_ms = 3;
	for (size_t i = 0; i < 2 * N_SUITES; i++) {
		struct afalg_ids ids = suites[i / 2];

		ids.esn = i & 1;
		if (!encr_of(&ids))
			continue;
		suite_as(&ids, AFALG_AEAD, false);
		if (ids.integ == INTEG_NONE)
			continue;
		suite_as(&ids, AFALG_SPLIT, true);
		suite_as(&ids, AFALG_SPLIT, false);
	}
	end();
}

static void many_in_flight(void)
{
	struct pair p;

	begin();
	fault.max_ms = 5;
	p = keys(&gcm, AFALG_AEAD, false);
	both_ways(&gcm, p, ENGINE_BATCH, 1500);
	CHECK_INT(fake_most, 16);
	CHECK_INT(fake_reads, 0);
	/* Operation sockets are kept: the bound one and 16. */
	CHECK_INT(fake_open, 17);
	both_ways(&gcm, p, ENGINE_BATCH, 1500);
	CHECK_INT(fake_open, 17);
	keys_free(p);
	end();
}

#define MANY 20

/* However many keys are busy, there are no more sockets than are allowed, and all keys work. */
static void sockets_are_limited(void)
{
	struct pair p[MANY];

	begin();
	fault.max_ms = 1;
	afalg_limits = (struct afalg_limits){ .easy = 60, .more = 80, .keys = 100 };
	for (int k = 0; k < MANY; k++)
		p[k] = keys(&gcm, AFALG_AEAD, false);
	for (int k = 0; k < 2; k++)
		both_ways(&gcm, p[k], ENGINE_BATCH, 1500);
	/* The bound ones; the first has 16 others, and the second gives back what is idle. */
	CHECK_INT(fake_open, MANY + 16 + AFALG_KEEP);
	afalg_limits.easy = 80;
	for (int k = 0; k < MANY; k++) {
		both_ways(&gcm, p[k], ENGINE_BATCH, 1500);
		CHECK(fake_open <= 80);
		CHECK_INT(fallbacks(p[k].dev), 0);
	}
	CHECK_INT(fake_open, 80);	/* the last have one each */
	CHECK(fake_most == 16);
	for (int k = 0; k < MANY; k++)
		keys_free(p[k]);
	/* All are counted back. */
	afalg_limits.more = afalg_limits.keys = 17;
	p[0] = keys(&gcm, AFALG_AEAD, false);
	both_ways(&gcm, p[0], ENGINE_BATCH, 1500);
	CHECK_INT(fake_open, 17);
	keys_free(p[0]);
	end();
}

/* A stalled device holds the only socket that there may be: that is software's, and counted. */
static void no_socket_is_no_error(void)
{
	struct pair p;

	begin();
	afalg_limits.more = 2;
	p = keys(&gcm, AFALG_AEAD, false);
	fault.stall = 100;
	both_ways(&gcm, p, 1, 1500);
	CHECK_INT(fake_flying(), 1);
	clock_virtual_set(clock_ms() + AFALG_REST_MS);
	fault.stall = 0;
	fake_calls = 0;
	both_ways(&gcm, p, ENGINE_BATCH, 1500);
	CHECK_INT(fake_calls, 0);
	CHECK_INT(fallbacks(p.dev), 2 + 2 * ENGINE_BATCH);
	CHECK_INT(fake_open, 2);
	keys_free(p);
	end();
}

static void without_aio(void)
{
	struct pair p;

	begin();
	fault.setup = ENOSYS;
	p = keys(&cbc, AFALG_AEAD, false);
	both_ways(&cbc, p, ENGINE_BATCH, 1500);
	CHECK_INT(fake_reads, 2 * ENGINE_BATCH);
	CHECK_INT(fallbacks(p.dev), 0);
	keys_free(p);
	end();
}

static void keys_mixed(void)
{
	static const struct afalg_ids *const of[3] = { &gcm, &cbc, &suites[3] };
	struct pair p[3];
	static struct bunch own[3];
	struct engine_op mix[60];

	begin();
	fault.max_ms = 4;
	for (int k = 0; k < 3; k++) {
		p[k] = keys(of[k], AFALG_AEAD, false);
		bunch_make(&own[k], of[k], p[k].dev, 20, 1500);
	}
	for (int i = 0; i < 60; i++)
		mix[i] = own[i % 3].op[i / 3];
	engine_afalg.seal(mix, 60);
	for (int i = 0; i < 60; i++)
		own[i % 3].op[i / 3].ok = mix[i].ok;
	for (int k = 0; k < 3; k++) {
		bunch_check_sealed(&own[k], p[k].ref);
		CHECK_INT(fallbacks(p[k].dev), 0);
		keys_free(p[k]);
	}
	end();
}

static void tampered(void)
{
	begin();
	for (int how = 0; how < 3; how++) {
		struct pair p = keys(&cbc, how ? AFALG_SPLIT : AFALG_AEAD, how == 1);

		bunch_make(&b, &cbc, p.dev, ENGINE_BATCH, 600);
		bunch_seal_by(&b, p.ref, p.dev);
		for (size_t i = 0; i < b.n; i += 2)
			b.pkt[i][rng_below((uint32_t)packet_len(&b, i))] ^= (uint8_t)(1 << rng_below(8));
		b.op[1].seq += 1ULL << 32;	/* the high half is authenticated, too */
		engine_afalg.open(b.op, b.n);
		for (size_t i = 0; i < b.n; i++)
			CHECK(b.op[i].ok == (i % 2 == 1 && i != 1));
		CHECK_INT(fallbacks(p.dev), 0);
		keys_free(p);
	}
	end();
}

/* ---- what goes wrong ---- */

static void each_error(void)
{
	static const int errs[] = { EIO, EINVAL, ENOMEM, EAGAIN, ENOKEY, EOPNOTSUPP, EBUSY };

	for (size_t i = 0; i < 6 * sizeof(errs) / sizeof(errs[0]); i++) {
		struct afalg_ids ids = i & 1 ? gcm : cbc;
		int kind = i % 4 == 2 ? AFALG_SPLIT : AFALG_AEAD;
		struct pair p;

		begin();
		fault.max_ms = 2;
		p = keys(&ids, kind, kind == AFALG_SPLIT);
		fault.err = errs[i / 6];
		fault.bad_req = i % 6 == 0 ? 30 : 0;
		fault.bad_send = i % 6 == 1 ? 30 : 0;
		fault.bad_submit = i % 6 == 2 ? 30 : 0;
		fault.bad_accept = i % 6 == 3 ? 80 : 0;
		fault.bad_hash = i % 6 == 4 ? 30 : 0;
		fault.shorter = i % 6 == 5 ? 30 : 0;
		for (int round = 0; round < 3; round++) {
			both_ways(&ids, p, ENGINE_BATCH, 1500);
			clock_virtual_set(clock_ms() + 2 * AFALG_REST_MAX_MS);	/* try again */
		}
		if (i % 6 != 4 || kind == AFALG_SPLIT)
			CHECK(fallbacks(p.dev) > 0);
		CHECK(fallbacks(p.dev) < 6 * ENGINE_BATCH);
		keys_free(p);
		end();
	}
}

static void nothing_works(void)
{
	struct pair p;

	begin();
	p = keys(&gcm, AFALG_AEAD, false);
	fault.bad_send = 100;
	fault.err = EIO;
	both_ways(&gcm, p, ENGINE_BATCH, 1500);
	CHECK_INT(fallbacks(p.dev), 2 * ENGINE_BATCH);
	keys_free(p);
	p = keys(&cbc, AFALG_SPLIT, true);
	fault.bad_accept = 100;
	both_ways(&cbc, p, ENGINE_BATCH, 1500);
	CHECK_INT(fallbacks(p.dev), 2 * ENGINE_BATCH);
	keys_free(p);
	end();
}

static void no_word_of_results(void)
{
	struct pair p;

	begin();
	p = keys(&gcm, AFALG_AEAD, false);
	fault.events = EINTR;
	both_ways(&gcm, p, 20, 1500);
	CHECK_INT(fallbacks(p.dev), 40);
	keys_free(p);
	end();
}

/* What a failed request left in its socket is no part of the next. */
static void broken_sockets_are_replaced(void)
{
	for (int how = 0; how < 20; how++) {
		struct pair p;

		begin();
		p = keys(&gcm, AFALG_AEAD, false);
		fault.bad_req = 100;
		fault.err = EINVAL;
		bunch_make(&b, &gcm, p.dev, AFALG_ERRORS - 1, 1500);
		engine_afalg.seal(b.op, b.n);
		bunch_check_sealed(&b, p.ref);
		fault.bad_req = 0;
		both_ways(&gcm, p, ENGINE_BATCH, 1500);
		CHECK_INT(fallbacks(p.dev), AFALG_ERRORS - 1);
		keys_free(p);
		end();
	}
}

/* It is given up in time, rests, is tried again, and rests for longer. */
static void stalls(void)
{
	struct pair p;
	uint64_t t;

	begin();
	p = keys(&gcm, AFALG_AEAD, false);
	fault.stall = 100;
	bunch_make(&b, &gcm, p.dev, ENGINE_BATCH, 1500);
	t = clock_ms();
	engine_afalg.seal(b.op, b.n);
	CHECK_INT(clock_ms() - t, ENGINE_STALL_MS);
	bunch_check_sealed(&b, p.ref);
	CHECK_INT(fallbacks(p.dev), ENGINE_BATCH);
	CHECK_INT(fake_flying(), 16);
	/* Nothing is asked of it now. */
	t = clock_ms();
	fake_calls = 0;
	both_ways(&gcm, p, ENGINE_BATCH, 1500);
	CHECK_INT(fake_calls, 0);
	CHECK_INT(clock_ms(), t);
	/* All that it can have is held by requests that never end. */
	clock_virtual_set(t + AFALG_REST_MS);
	both_ways(&gcm, p, ENGINE_BATCH, 1500);
	CHECK_INT(fake_calls, 0);
	CHECK_INT(fallbacks(p.dev), 5 * ENGINE_BATCH);
	/* They end after all. */
	fault.stall = 0;
	for (int i = 0; i < FAKE_REQS; i++)
		req_of[i].at_ms = clock_ms();
	both_ways(&gcm, p, ENGINE_BATCH, 1500);
	CHECK_INT(fallbacks(p.dev), 5 * ENGINE_BATCH);
	CHECK_INT(fake_flying(), 0);
	keys_free(p);
	end();
}

static void rests_longer_each_time(void)
{
	struct pair p;

	begin();
	p = keys(&gcm, AFALG_AEAD, false);
	fault.bad_req = 100;
	fault.err = EIO;
	for (uint64_t rest = AFALG_REST_MS; rest < AFALG_REST_MAX_MS; rest *= 2) {
		both_ways(&gcm, p, 5, 100);
		fake_calls = 0;
		clock_virtual_set(clock_ms() + rest - 1);
		both_ways(&gcm, p, 5, 100);
		CHECK_INT(fake_calls, 0);
		clock_virtual_set(clock_ms() + 1);
	}
	/* A key made anew has the same device behind it. */
	both_ways(&gcm, p, 5, 100);
	keys_free(p);
	p = keys(&gcm, AFALG_AEAD, false);
	fake_calls = 0;
	both_ways(&gcm, p, 5, 100);
	CHECK_INT(fake_calls, 0);
	keys_free(p);
	/* Another algorithm's does what it does. */
	p = keys(&cbc, AFALG_AEAD, false);
	both_ways(&cbc, p, 1, 100);
	CHECK(fake_calls > 0);
	keys_free(p);
	end();
}

/* A driver that stumbles over forged packets is not given up for it. */
static void forged_cost_nothing(void)
{
	struct pair p;

	begin();
	p = keys(&gcm, AFALG_AEAD, false);
	bunch_make(&b, &gcm, p.dev, ENGINE_BATCH, 600);
	fault.bad_req = 100;
	fault.err = EIO;
	for (int round = 0; round < 4; round++) {
		engine_afalg.open(b.op, b.n);
		for (size_t i = 0; i < b.n; i++)
			CHECK(!b.op[i].ok);
	}
	fault.bad_req = 0;
	fake_calls = 0;
	both_ways(&gcm, p, 8, 600);
	CHECK_INT(fake_calls, 16);
	keys_free(p);
	end();
}

/* What was given up ends when its packet's memory is another packet's. */
static void late_writes_hurt_nobody(void)
{
	struct pair p;
	static uint8_t before[ENGINE_BATCH][PKT_MAX];
	uint64_t late;

	begin();
	p = keys(&gcm, AFALG_AEAD, false);
	fault.late = 40;
	fault.late_ms = ENGINE_STALL_MS + 50;
	bunch_make(&b, &gcm, p.dev, ENGINE_BATCH, 1500);
	bunch_seal_by(&b, p.ref, p.dev);
	engine_afalg.open(b.op, b.n);
	bunch_check_opened(&b);
	late = fake_flying();
	CHECK(late > 0);
	memcpy(before, b.pkt, sizeof(before));
	clock_virtual_set(clock_ms() + AFALG_REST_MS);
	fault.late = 0;
	CHECK(b.n == ENGINE_BATCH);
	{
		static struct bunch other;

		bunch_make(&other, &gcm, p.dev, 8, 1500);
		engine_afalg.seal(other.op, other.n);
		bunch_check_sealed(&other, p.ref);
	}
	CHECK_INT(fake_flying(), 0);
	CHECK_MEM(before, b.pkt, sizeof(before));
	keys_free(p);
	end();
}

/* A key is freed with requests under way: its pages stay until they are over. */
static void freed_while_stalled(void)
{
	struct pair p;

	begin();
	for (int i = 0; i < 3; i++) {
		struct afalg_ids ids = gcm;

		ids.encr_bits = (uint16_t)(128 + 64 * i);	/* each has its own rest */
		p = keys(&ids, AFALG_AEAD, false);
		fault.stall = 50;
		bunch_make(&b, &ids, p.dev, 16, 1500);
		engine_afalg.seal(b.op, b.n);
		bunch_check_sealed(&b, p.ref);
		keys_free(p);
		fault.stall = 0;
	}
	CHECK(fake_flying() > 0);
	CHECK_INT(fake_rings, 3);
	end();
}

/* Everything at once, by chance. */
static void storms(void)
{
	uint64_t done = 0, soft = 0;

	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct afalg_ids ids;
		struct pair p;

		rng_virtual_seed(seed);
		begin();
		ids = suites[rng_below(N_SUITES)];
		ids.esn = rng_below(2);
		if (!encr_of(&ids))
			continue;
		fault.max_ms = rng_below(30);
		p = keys(&ids, ids.integ && rng_below(2) ? AFALG_SPLIT : AFALG_AEAD, false);
		fault.err = rng_below(2) ? EIO : ENOMEM;
		fault.bad_req = rng_below(8);
		fault.bad_send = rng_below(8);
		fault.bad_submit = rng_below(8);
		fault.bad_accept = rng_below(30);
		fault.shorter = rng_below(8);
		fault.stall = rng_below(4);
		fault.late = rng_below(8);
		fault.late_ms = rng_below(2 * ENGINE_STALL_MS);
		for (int round = 0; round < 8; round++) {
			size_t n = 1 + rng_below(ENGINE_BATCH);
			uint64_t t = clock_ms();

			both_ways(&ids, p, n, 2000);
			CHECK(clock_ms() - t <= 2 * ENGINE_STALL_MS);
			done += 2 * n;
			clock_virtual_set(clock_ms() + rng_below(2 * AFALG_REST_MS));
		}
		soft += fallbacks(p.dev);
		keys_free(p);
		end();
	}
	rng_virtual_seed(0);
	CHECK(soft > done / 20 && soft < done);
}

/* ---- keys ---- */

static struct engine_key *key_of(const struct engine_suite *s, const int *fds, size_t n,
				 struct err *e)
{
	struct engine_suite mine = *s;

	mine.fds = fds;
	mine.n_fds = n;
	memset(e, 0, sizeof(*e));
	return engine_afalg.key_new(&mine, e);
}

/* Each failure gives back what it was counted with. */
static void keys_are_limited(void)
{
	struct engine_suite s = keys_for(&cbc);
	int fds[AFALG_FDS_MAX];
	struct engine_key *k;
	struct err e;
	size_t n;

	begin();
	n = fake_fds(&cbc, AFALG_SPLIT, true, fds);
	afalg_limits.keys = 3;		/* it has two, and two for its hash */
	CHECK(!key_of(&s, fds, n, &e));
	CHECK_HAS(e.msg, "too many AF_ALG sockets are in use");
	afalg_limits.keys = 7;
	for (int i = 0; i < 4; i++) {
		fault.setkey = i & 1 ? 0 : EINVAL;
		k = key_of(&s, fds, n, &e);
		CHECK(!k == !(i & 1));
		engine_afalg.key_free(k);
	}
	k = key_of(&s, fds, n, &e);
	CHECK(k && !key_of(&s, fds, n, &e));
	engine_afalg.key_free(k);
	close(fds[0]);
	fake_close(fds[1]);
	fake_close(fds[2]);
	end();
}

static void refused_keys(void)
{
	struct engine_suite s = keys_for(&gcm);
	int fds[AFALG_FDS_MAX];
	struct err e;
	size_t n;

	begin();
	n = fake_fds(&gcm, AFALG_AEAD, false, fds);
	fault.setkey = EINVAL;
	CHECK(!key_of(&s, fds, n, &e));
	CHECK_HAS(e.msg, "refuses a key of this size");
	fault.setkey = 0;
	CHECK(!key_of(&s, NULL, 0, &e));
	CHECK_HAS(e.msg, "no AF_ALG sockets");
	CHECK(!key_of(&s, fds + 1, 2, &e));
	s.esn = true;
	CHECK(!key_of(&s, fds, n, &e));
	CHECK_HAS(e.msg, "for another suite");
	close(fds[0]);
	fake_close(fds[1]);
	CHECK_INT(fake_open, 0);
	/* A chip that leaves the hash to software. */
	s = keys_for(&cbc);
	n = fake_fds(&cbc, AFALG_SPLIT, true, fds);
	fault.hash_setkey = EINVAL;
	s.fds = fds;
	s.n_fds = n;
	{
		struct pair p = { key_of(&s, fds, n, &e), engine_mbedtls.key_new(&s, &e) };

		CHECK(p.dev && p.ref);
		both_ways(&cbc, p, 20, 1000);
		CHECK_INT(fallbacks(p.dev), 0);
		keys_free(p);
	}
	close(fds[0]);
	fake_close(fds[1]);
	fake_close(fds[2]);
	end();
}

static void keys_of_several_workers(void)
{
	struct pair p;

	begin();
	fault.setkey = fault.hash_setkey = EBUSY;
	p = keys(&gcm, AFALG_AEAD, false);
	both_ways(&gcm, p, 20, 1000);
	CHECK_INT(fallbacks(p.dev), 0);
	keys_free(p);
	p = keys(&cbc, AFALG_SPLIT, true);
	both_ways(&cbc, p, 20, 1000);
	CHECK_INT(fallbacks(p.dev), 0);
	keys_free(p);
	end();
}

static void status(void)
{
	struct engine_info i;
	struct pair p;

	begin();
	p = keys(&gcm, AFALG_AEAD, false);
	engine_afalg.info(p.dev, &i);
	CHECK_STR(i.name, "afalg");
	CHECK_STR(i.driver, "fake-device");
	CHECK(i.hardware);
	keys_free(p);
	end();
}

static void halves(void)
{
	const int fds[6] = { 10, 11, 12, 20, 21, 22 };
	struct engine_suite s;

	afalg_split(fds, 6, true, &s);
	CHECK_INT(s.n_fds, 3);
	CHECK_INT(s.fds[0], 10);
	afalg_split(fds, 6, false, &s);
	CHECK_INT(s.n_fds, 3);
	CHECK_INT(s.fds[0], 20);
	afalg_split(fds, 0, false, &s);
	CHECK_INT(s.n_fds, 0);
}

/* ---- names and drivers ---- */

static void kernel_names(void)
{
	static const struct { struct afalg_ids ids; const char *aead, *cipher, *hash; } want[] = {
		{ { ENCR_AES_GCM_16, 256, 0, true }, "rfc4106(gcm(aes))", "", "" },
		{ { ENCR_CHACHA20_POLY1305, 0, 0, false }, "rfc7539esp(chacha20,poly1305)", "", "" },
		{ { ENCR_AES_CBC, 128, INTEG_HMAC_SHA1_96, false },
		  "authenc(hmac(sha1),cbc(aes))", "cbc(aes)", "hmac(sha1)" },
		{ { ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_512_256, true },
		  "authencesn(hmac(sha512),cbc(aes))", "cbc(aes)", "hmac(sha512)" },
		{ { ENCR_AES_CTR, 256, INTEG_HMAC_SHA2_256_128, false },
		  "authenc(hmac(sha256),rfc3686(ctr(aes)))", "rfc3686(ctr(aes))", "hmac(sha256)" },
		{ { ENCR_3DES, 0, INTEG_HMAC_MD5_96, false },
		  "authenc(hmac(md5),cbc(des3_ede))", "cbc(des3_ede)", "hmac(md5)" },
	};
	const struct afalg_ids null = { ENCR_NULL, 0, INTEG_HMAC_SHA1_96, false };
	struct afalg_names n;
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		CHECK(afalg_names(&want[i].ids, &n, &e) == 0);
		CHECK_STR(n.aead, want[i].aead);
		CHECK_STR(n.cipher, want[i].cipher);
		CHECK_STR(n.hash, want[i].hash);
	}
	CHECK(afalg_names(&null, &n, &e) < 0);
	CHECK_HAS(e.msg, "NULL");
}

static const char crypto_list[] =
	"name         : authenc(hmac(sha1),cbc(aes))\n"
	"driver       : authenc(hmac(sha1-generic),mv-cbc-aes)\n"
	"module       : authenc\npriority     : 3000\nrefcnt       : 2\nselftest     : passed\n"
	"internal     : no\ntype         : aead\nasync        : yes\n\n"
	"name         : authenc(hmac(sha1),cbc(aes))\n"
	"driver       : authenc(hmac(sha1-generic),cbc(aes-generic))\n"
	"priority     : 100\ntype         : aead\nasync        : no\n\n"
	"name         : cbc(aes)\ndriver       : mv-cbc-aes\npriority     : 300\n"
	"type         : skcipher\nasync        : yes\n\n"
	"name         : cbc(des)\ndriver       : cryptd(cbc-des-generic)\npriority     : 300\n"
	"type         : skcipher\nasync        : yes\n\n"
	"name         : rfc4106(gcm(aes))\ndriver       : rfc4106-gcm-aesni\n"
	"priority     : 400\ntype         : aead\nasync        : yes\n\n"
	"name         : hmac(sha256)\ndriver       : safexcel-hmac-sha256\npriority     : 300\n"
	"type         : ahash\nasync        : yes\n";

static void drivers(void)
{
	static const struct { const char *driver; bool async, device; } known[] = {
		{ "cbc-aes-eip93", true, true }, { "authenc-hmac-sha1-cbc-aes-caam", true, true },
		{ "rfc4106-gcm-aes-caam-qi", true, true }, { "cbc-aes-ccp", true, true },
		{ "qat_aes_cbc", true, true }, { "virtio_crypto_aes_cbc", true, true },
		{ "geode-aes", false, true }, { "safexcel-gcm-aes", true, true },
		{ "cbc-aes-aesni", true, false }, { "cbc-aes-neonbs", true, false },
		{ "cbc-aes-ce", true, false }, { "rfc4106-gcm-vaes-avx10_512", true, false },
		{ "sha256-generic", false, false }, { "cryptd(cbc-aes-mv)", true, false },
		{ "seqiv(rfc4106-gcm-aesni)", true, false }, { "chacha20-simd", false, false },
	};
	FILE *f = fmemopen((char *)crypto_list, sizeof(crypto_list) - 1, "r");
	struct afalg_driver d;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (afalg_is_device(known[i].driver, known[i].async) != known[i].device)
			printf("    %s\n", known[i].driver);
		CHECK(afalg_is_device(known[i].driver, known[i].async) == known[i].device);
	}
	CHECK(f);
	CHECK(afalg_proc_find(f, "authenc(hmac(sha1),cbc(aes))", "aead", &d));
	CHECK_STR(d.driver, "authenc(hmac(sha1-generic),mv-cbc-aes)");
	CHECK(d.hardware && d.async && d.priority == 3000);
	CHECK(afalg_proc_find(f, "rfc4106(gcm(aes))", "aead", &d));
	CHECK(!d.hardware && d.async);
	CHECK(afalg_proc_find(f, "cbc(des)", "skcipher", &d));
	CHECK(!d.hardware);
	CHECK(afalg_proc_find(f, "hmac(sha256)", "hash", &d));
	CHECK(d.hardware);
	CHECK(!afalg_proc_find(f, "hmac(sha256)", "aead", &d));
	CHECK(!afalg_proc_find(f, "cbc(cast5)", "skcipher", &d));
	fclose(f);
}

static void wanted(void)
{
	struct profile p = { .n = 2, .row = {
		{ ENCR_AES_GCM_16, 128, 0, 1400, ENGINE_MBEDTLS, 1, 100 },
		{ ENCR_AES_CBC, 256, INTEG_HMAC_SHA1_96, 1400, ENGINE_AFALG, 16, 100 },
	} };

	CHECK(afalg_wanted(ENGINE_CHOICE_AFALG, &p, ENCR_DES, 0, INTEG_HMAC_MD5_96));
	CHECK(!afalg_wanted(ENGINE_CHOICE_MBEDTLS, &p, ENCR_AES_CBC, 256, INTEG_HMAC_SHA1_96));
	CHECK(afalg_wanted(ENGINE_CHOICE_AUTO, &p, ENCR_AES_CBC, 256, INTEG_HMAC_SHA1_96));
	CHECK(!afalg_wanted(ENGINE_CHOICE_AUTO, &p, ENCR_AES_CBC, 128, INTEG_HMAC_SHA1_96));
	CHECK(!afalg_wanted(ENGINE_CHOICE_AUTO, &p, ENCR_AES_GCM_16, 128, 0));
}

int main(void)
{
	T_RUN(all_suites);
	T_RUN(many_in_flight);
	T_RUN(sockets_are_limited);
	T_RUN(no_socket_is_no_error);
	T_RUN(without_aio);
	T_RUN(keys_mixed);
	T_RUN(tampered);
	T_RUN(each_error);
	T_RUN(nothing_works);
	T_RUN(no_word_of_results);
	T_RUN(broken_sockets_are_replaced);
	T_RUN(stalls);
	T_RUN(rests_longer_each_time);
	T_RUN(forged_cost_nothing);
	T_RUN(late_writes_hurt_nobody);
	T_RUN(freed_while_stalled);
	T_RUN(storms);
	T_RUN(keys_are_limited);
	T_RUN(refused_keys);
	T_RUN(keys_of_several_workers);
	T_RUN(status);
	T_RUN(halves);
	T_RUN(kernel_names);
	T_RUN(drivers);
	T_RUN(wanted);
	return t_done();
}
