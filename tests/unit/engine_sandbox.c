/* rooms: dataplane/engine core/daemon core/settings core/ipc core/net core/crypto core/base */
/* engine_sandbox: the engines do their work inside espd's sandbox, begun there and nowhere
 * before: no file, no /proc, the system calls of that role alone. */
#include "core/base/secret.h"
#include "core/daemon/sandbox.h"
#include "core/settings/conf.h"
#include "dataplane/engine/measure.h"
#include "tests/unit/t.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#define UID 65534
#define GID 65534

static const char *const suites[] = {
	"aes256gcm16", "aes128gcm16", "chacha20poly1305", "aes256-sha256", "aes128ctr-sha1",
	"null-sha512", "3des-md5",
};

static const struct engine *en;

/* 0, or the number of the suite that failed, from 1. */
static int work(void)
{
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		uint8_t keys[MEASURE_KEYS];
		struct engine_suite s;
		struct suite_list l;
		struct measured m;
		struct err e = { 0 };

		if (suite_parse(SUITE_ESP, suites[i], &l, &e) < 0 ||
		    measure_suite(l.s[0].encr[0].id, l.s[0].encr[0].key_bits,
				  l.s[0].n_integ ? l.s[0].integ[0] : INTEG_NONE, &s, keys, &e) < 0 ||
		    measure_run(en, &s, 1400, 32, 1, &m, &e) < 0) {
			dprintf(2, "    %s: %s\n", suites[i], e.msg);
			return (int)i + 1;
		}
	}
	return 0;
}

static void *thread(void *arg)
{
	*(int *)arg = work();
	return NULL;
}

static int both(void)
{
	pthread_t t;
	int rc = -1;

	if (work())
		return 1;
	if (pthread_create(&t, NULL, thread, &rc) || pthread_join(t, NULL))
		return 2;
	return rc ? 3 : 0;
}

static void inside(const struct engine *what)
{
	struct sandbox box = { .role = ROLE_ESPD, .uid = UID, .gid = GID, .threads = true };
	int status = 0;
	pid_t pid;

	if (geteuid() != 0)
		SKIP("wants root");
	en = what;
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		struct err e = { 0 };

		secret_harden_process();
		if (sandbox_enter(&box, &e) < 0 || engine_auto_setup(0, NULL, &e) < 0) {
			dprintf(2, "    %s\n", e.msg);
			_exit(99);
		}
		_exit(both());
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	CHECK_INT(WEXITSTATUS(status), 0);
}

static void mbedtls(void)
{
	inside(&engine_mbedtls);
}

static void ipsec_mb(void)
{
	const struct engine *e = engine_get(ENGINE_IPSEC_MB);
	struct err why;

	if (!e)
		SKIP("built without ipsec_mb");
	/* The probe is the child's, too: here it is only to know whether there is one. */
	if (!__builtin_cpu_supports("aes") && e->probe(&why) < 0)
		SKIP("this processor is none for ipsec_mb");
	inside(e);
}

static void automatic(void)
{
	inside(&engine_auto);
}

int main(void)
{
	T_RUN(mbedtls);
	T_RUN(ipsec_mb);
	T_RUN(automatic);
	return t_done();
}
