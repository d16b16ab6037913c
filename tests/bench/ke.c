/* rooms: core/crypto core/base */
/* ke: what a key exchange costs here, group by group: microseconds of processor for a key pair
 * and for the shared secret, medians of a run of each.
 *
 *   ke [ROUNDS]      default 60 */
#include "core/crypto/crypto.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS_MAX 10000

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int cmp(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double make[ROUNDS_MAX], share[ROUNDS_MAX];

int main(int argc, char **argv)
{
	size_t n, rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 60;
	const struct alg *all = alg_table(&n);

	if (!rounds || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: ke [ROUNDS]\n");
		return 2;
	}
	printf("%-12s %12s %12s   us of processor, median of %zu\n", "group", "key pair", "secret",
	       rounds);
	for (size_t i = 0; i < n; i++) {
		uint8_t out[KE_SHARED_MAX];
		struct err e = { 0 };
		struct ke *peer;
		size_t len;

		if (all[i].type != ALG_KE)
			continue;
		peer = ke_new(all[i].id, &e);
		for (size_t r = 0; peer && r < rounds; r++) {
			double t0 = now_us(), t1;
			struct ke *k = ke_new(all[i].id, &e);

			t1 = now_us();
			if (!k || ke_shared(k, ke_public(peer), out, &len, &e) < 0) {
				fprintf(stderr, "ke: %s: %s\n", all[i].name, e.msg);
				return 1;
			}
			make[r] = t1 - t0;
			share[r] = now_us() - t1;
			ke_free(k);
		}
		ke_free(peer);
		qsort(make, rounds, sizeof(double), cmp);
		qsort(share, rounds, sizeof(double), cmp);
		printf("%-12s %12.0f %12.0f\n", all[i].name, make[rounds / 2], share[rounds / 2]);
	}
	return 0;
}
