/* rooms: dataplane/engine core/settings core/crypto core/base */
/* The afalg engine over the kernel that runs here, which must have AF_ALG; tests/kernel/afalg.sh
 * runs it in emulated ones. ADIT_NEED_AFALG=1: a kernel that lacks something fails. */
#include "tests/unit/afalg_help.h"
#include "dataplane/engine/afalg_health.h"
#include "dataplane/engine/afalg_proc.h"
#include "dataplane/engine/afalg_sys.h"

#include <errno.h>
#include <linux/if_alg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

static struct bunch b;

static bool needed(void)
{
	return getenv("ADIT_NEED_AFALG") != NULL;
}

struct pair {
	struct engine_key *dev, *ref;
};

/* The keys of a suite over these descriptors, which it closes. */
static struct pair keys(const struct afalg_ids *ids, const int *fds, size_t n)
{
	struct engine_suite s = keys_for(ids);
	struct err e = { 0 };
	struct pair p;

	s.fds = fds;
	s.n_fds = n;
	p.dev = engine_afalg.key_new(&s, &e);
	p.ref = engine_mbedtls.key_new(&s, &e);
	if (!p.dev || !p.ref)
		printf("    %s\n", e.msg);
	afalg_close(fds, n);
	CHECK(p.dev && p.ref);
	return p;
}

static void keys_free(struct pair p)
{
	engine_afalg.key_free(p.dev);
	engine_mbedtls.key_free(p.ref);
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

static void tampered(const struct afalg_ids *ids, struct pair p)
{
	bunch_make(&b, ids, p.dev, 24, 400);
	bunch_seal_by(&b, p.ref, p.dev);
	for (size_t i = 0; i < b.n; i += 2)
		b.pkt[i][rng_below((uint32_t)packet_len(&b, i))] ^= (uint8_t)(1 << rng_below(8));
	if (ids->esn)
		b.op[1].seq ^= 1ULL << 32;
	engine_afalg.open(b.op, b.n);
	for (size_t i = 0; i < b.n; i++)
		CHECK(b.op[i].ok == (i % 2 == 1 && !(i == 1 && ids->esn)));
}

/* Everything once; the kernel did all of it. What is done later by an emulated processor is
 * not let take longer than a device may. */
static void proven(const struct afalg_ids *ids, const int *fds, size_t n, bool slow)
{
	struct pair p = keys(ids, fds, n);

	both_ways(ids, p, ENGINE_BATCH, slow ? 128 : 1500);
	both_ways(ids, p, 1, 1500);
	both_ways(ids, p, 2, slow ? 4000 : 9000);
	tampered(ids, p);
	if (fallbacks(p.dev))
		printf("    %llu by software\n", (unsigned long long)fallbacks(p.dev));
	CHECK_INT(fallbacks(p.dev), 0);
	keys_free(p);
}

static void every_suite(void)
{
	unsigned n_ok = 0;

	for (size_t i = 0; i < 2 * N_SUITES; i++) {
		struct afalg_ids ids = suites[i / 2];
		struct engine_info info;
		struct err e = { 0 };
		int fds[ENGINE_FDS_MAX];
		struct engine_suite half;
		struct pair p;
		size_t n;

		ids.esn = i & 1;
		if (!encr_of(&ids))
			continue;
		if (afalg_open_pair(&ids, fds, &n, &e) < 0) {
			printf("    %s: %s\n", suite_name(&ids), e.msg);
			CHECK(!needed());
			continue;
		}
		afalg_split(fds, n, true, &half);
		p = keys(&ids, half.fds, half.n_fds);
		engine_afalg.info(p.dev, &info);
		printf("    %s: %s%s\n", suite_name(&ids), info.driver,
		       info.hardware ? ", a device" : "");
		CHECK(info.driver[0]);
		keys_free(p);
		afalg_split(fds, n, false, &half);
		proven(&ids, half.fds, half.n_fds, false);
		n_ok++;
	}
	if (!n_ok)
		SKIP("this kernel has no AF_ALG");
}

/* A socket of an algorithm by its name, or its driver's, as an admin's kernel may have it. */
static int bound(const char *type, const char *name)
{
	struct { struct sockaddr_alg sa; char more[128]; } a = { .sa.salg_family = 38 };
	int fd = socket(38, SOCK_SEQPACKET, 0);

	if (fd < 0)
		return -1;
	memcpy(a.sa.salg_type, type, strlen(type));
	memcpy((char *)&a + offsetof(struct sockaddr_alg, salg_name), name, strlen(name));
	if (bind(fd, (struct sockaddr *)&a, strlen(name) < 64 ? sizeof(a.sa) : sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* The same by way of cryptd, which ends requests later, from a work queue, as devices do from
 * an interrupt. It goes by the name of the driver that it takes along. */
static const char *later(const char *type, const char *name)
{
	static char by[160];
	struct afalg_driver d;
	FILE *f = fopen(AFALG_PROC, "r");
	int fd = bound(type, name);

	CHECK(f);
	if (fd < 0 || !afalg_proc_find(f, name, type, &d))
		snprintf(by, sizeof(by), "cryptd(%s)", name);
	else	/* it takes none that does so itself */
		snprintf(by, sizeof(by), d.async ? "%s" : "cryptd(%s)", d.driver);
	fclose(f);
	if (fd >= 0)
		close(fd);
	printf("    %s\n", by);
	return by;
}

static void named(const struct afalg_ids *ids, const char *aead, const char *cipher,
		  const char *hash)
{
	struct afalg_note note = {
		.magic = AFALG_MAGIC, .encr = ids->encr, .encr_bits = ids->encr_bits,
		.integ = ids->integ, .esn = ids->esn, .kind = aead ? AFALG_AEAD : AFALG_SPLIT,
		.hash = hash != NULL, .async = 1,
	};
	int fds[AFALG_FDS_MAX];
	struct err e = { 0 };

	fds[1] = aead ? bound("aead", aead) : bound("skcipher", cipher);
	if (fds[1] < 0) {
		printf("    no %s\n", aead ? aead : cipher);
		CHECK(!needed());
		SKIP("this kernel has it not");
	}
	if (hash) {
		fds[2] = bound("hash", hash);
		CHECK(fds[2] >= 0);
	}
	fds[0] = afalg_note_write(&note, &e);
	CHECK(fds[0] >= 0);
	proven(ids, fds, 2u + (hash != NULL), true);
}

static const struct afalg_ids gcm = { ENCR_AES_GCM_16, 128, INTEG_NONE, true };
static const struct afalg_ids cbc = { ENCR_AES_CBC, 256, INTEG_HMAC_SHA2_256_128, true };
static const struct afalg_ids ctr = { ENCR_AES_CTR, 128, INTEG_HMAC_SHA1_96, false };
static const struct afalg_ids chacha = { ENCR_CHACHA20_POLY1305, 0, INTEG_NONE, true };

static void cipher_and_hash(void) { named(&cbc, NULL, "cbc(aes)", "hmac(sha256)"); }
static void cipher_alone(void) { named(&cbc, NULL, "cbc(aes)", NULL); }
static void counter_and_hash(void) { named(&ctr, NULL, "rfc3686(ctr(aes))", "hmac(sha1)"); }
static void later_gcm(void) { named(&gcm, later("aead", "rfc4106(gcm(aes))"), NULL, NULL); }
static void later_chacha(void)
{
	named(&chacha, later("aead", "rfc7539esp(chacha20,poly1305)"), NULL, NULL);
}
static void later_authenc(void)
{
	named(&cbc, later("aead", "authencesn(hmac(sha256),cbc(aes))"), NULL, NULL);
}
static void later_cipher(void)
{
	named(&cbc, NULL, later("skcipher", "cbc(aes)"), "hmac(sha256)");
}

static int no_setup(unsigned n, aio_context_t *ctx)
{
	(void)n;
	(void)ctx;
	errno = ENOSYS;
	return -1;
}

static void without_aio(void)
{
	struct afalg_sys sys = afalg_sys_kernel;
	int how;
	jmp_buf outer;

	sys.io_setup = no_setup;
	afalg_sys = &sys;
	memcpy(outer, t_jump, sizeof(outer));
	how = setjmp(t_jump);
	if (how == 0) {
		named(&gcm, "rfc4106(gcm(aes))", NULL, NULL);
		named(&cbc, NULL, later("skcipher", "cbc(aes)"), "hmac(sha256)");
	}
	afalg_sys = &afalg_sys_kernel;
	memcpy(t_jump, outer, sizeof(outer));
	if (how)
		longjmp(t_jump, how);
}

/* Two workers' keys of one SA: the same sockets. */
static void shared_sockets(void)
{
	struct engine_suite s = keys_for(&gcm);
	struct err e = { 0 };
	struct engine_key *k[2], *ref;
	int fds[AFALG_FDS_MAX];
	size_t n;

	if (afalg_open(&gcm, fds, &n, &e) < 0) {
		CHECK(!needed());
		SKIP(e.msg);
	}
	s.fds = fds;
	s.n_fds = n;
	ref = engine_mbedtls.key_new(&s, &e);
	CHECK(ref);
	for (int i = 0; i < 2; i++) {
		k[i] = engine_afalg.key_new(&s, &e);
		CHECK(k[i]);
		both_ways(&gcm, (struct pair){ k[i], ref }, 20, 1500);
	}
	both_ways(&gcm, (struct pair){ k[0], ref }, 20, 1500);
	CHECK_INT(fallbacks(k[0]) + fallbacks(k[1]), 0);
	engine_afalg.key_free(k[0]);
	both_ways(&gcm, (struct pair){ k[1], ref }, 20, 1500);
	CHECK_INT(fallbacks(k[1]), 0);
	engine_afalg.key_free(k[1]);
	engine_mbedtls.key_free(ref);
	afalg_close(fds, n);
}

static void what_no_kernel_has(void)
{
	const struct afalg_ids null = { ENCR_NULL, 0, INTEG_HMAC_SHA1_96, false };
	int fds[AFALG_FDS_MAX];
	struct err e = { 0 };
	size_t n = 9;

	CHECK(afalg_open(&null, fds, &n, &e) < 0);
	CHECK_INT(n, 0);
	CHECK_HAS(e.msg, "NULL");
}

static void af_alg(void)
{
	int fd = bound("skcipher", "cbc(aes)");

	if (fd < 0 && !needed())
		SKIP("this kernel has no AF_ALG, or no AES-CBC in it");
	CHECK(fd >= 0);
	close(fd);
}

int main(void)
{
	T_RUN(what_no_kernel_has);
	T_RUN(af_alg);
	if (t_skipped)
		return t_done();
	T_RUN(every_suite);
	T_RUN(cipher_and_hash);
	T_RUN(cipher_alone);
	T_RUN(counter_and_hash);
	T_RUN(shared_sockets);
	/* From here on cryptd's are what the kernel likes best. */
	T_RUN(later_gcm);
	T_RUN(later_chacha);
	T_RUN(later_authenc);
	T_RUN(later_cipher);
	T_RUN(without_aio);
	return t_done();
}
