/* rooms: core/base */
/* secret: the arena keeps its blocks apart, wipes what is freed, uses room again, and does not
 * slow down when it is large. */
#include "core/base/secret.h"
#include "core/base/rng.h"
#include "tests/unit/t.h"

#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define N 20000

static uint8_t *block[N];
static size_t len[N];

static void fill(int i)
{
	len[i] = 1 + rng_below(i % 100 == 0 ? SECRET_MAX : 300);
	block[i] = secret_new(len[i]);
	CHECK(block[i]);
	CHECK((uintptr_t)block[i] % 16 == 0);
	for (size_t k = 0; k < len[i]; k++)
		CHECK(block[i][k] == 0);
	memset(block[i], 1 + i % 255, len[i]);
}

static void check(int i)
{
	for (size_t k = 0; k < len[i]; k++)
		CHECK_INT(block[i][k], 1 + i % 255);
}

static void blocks_stay_apart(void)
{
	rng_virtual_seed(7);
	for (int i = 0; i < 2000; i++)
		fill(i);
	for (int round = 0; round < 20000; round++) {
		int i = (int)rng_below(2000);

		check(i);
		secret_free(block[i]);
		fill(i);
	}
	for (int i = 0; i < 2000; i++) {
		check(i);
		secret_free(block[i]);
	}
	rng_virtual_seed(0);
}

/* What was freed is zeros at once, and is given out again. */
static void freed_is_wiped(void)
{
	uint8_t *a = secret_new(64), *b;

	CHECK(a);
	memset(a, 0xaa, 64);
	secret_free(a);
	for (int i = 0; i < 64; i++)
		CHECK_INT(a[i], 0);
	b = secret_new(64);
	CHECK(b == a);
	secret_free(b);
	secret_free(NULL);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Twenty thousand keys in place: the next one does not walk past all of them. */
static void large_is_quick(void)
{
	double t;

	for (int i = 0; i < N; i++)
		CHECK((block[i] = secret_new(400)));
	t = seconds();
	for (int i = 0; i < 20000; i++) {
		int k = (i * 7919) % N;

		secret_free(block[k]);
		CHECK((block[k] = secret_new(400)));
	}
	t = seconds() - t;
	printf("    %.2f us for a free and a new\n", t * 1e6 / 20000);
	CHECK(t < 1.0);
	for (int i = 0; i < N; i++)
		secret_free(block[i]);
}

/* The pages are wiped in a child; it can have secrets of its own. */
static void a_child_starts_empty(void)
{
	uint8_t *a = secret_new(100);
	int st;
	pid_t pid;

	CHECK(a);
	memset(a, 0x55, 100);
	pid = fork();
	if (pid == 0) {
		uint8_t *b = secret_new(200), *c = secret_new(300);

		if (!b || !c || b == c)
			_exit(1);
		memset(b, 1, 200);
		memset(c, 2, 300);
		secret_free(b);
		_exit(c[0] == 2 && c[299] == 2 ? 0 : 2);
	}
	CHECK(pid > 0 && waitpid(pid, &st, 0) == pid);
	CHECK_INT(st, 0);
	CHECK_INT(a[99], 0x55);
	secret_free(a);
}

int main(void)
{
	T_RUN(blocks_stay_apart);
	T_RUN(freed_is_wiped);
	T_RUN(large_is_quick);
	T_RUN(a_child_starts_empty);
	return t_done();
}
