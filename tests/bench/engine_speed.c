/* rooms: dataplane/engine core/settings core/crypto core/base */
/* engine_speed: the engines of this build, suite by suite: Mbit/s on one core, and how many times
 * mbedtls that is.
 *
 *   engine_speed [SUITE...] [-s BYTES,...] [-b BATCH,...] [-m MS]
 *
 * Prints a line each: suite, bytes, batch, engine, Mbit/s, of it sealing, opening, ratio. */
#include "core/crypto/alg.h"
#include "dataplane/engine/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIST_MAX 16

static const char *const usual[] = {
	"aes128gcm16", "aes256gcm16", "chacha20poly1305", "aes128-sha1", "aes128-sha256",
	"aes256-sha256", "aes256-sha512", "aes128ctr-sha256", "null-sha256", "3des-sha1",
};

static size_t numbers(const char *text, size_t out[LIST_MAX])
{
	size_t n = 0;

	while (*text && n < LIST_MAX) {
		out[n++] = strtoul(text, NULL, 10);
		text += strcspn(text, ",");
		text += *text == ',';
	}
	return n;
}

static void one(const char *name, const struct engine_suite *s, size_t size, size_t batch,
		unsigned ms)
{
	double base = 0;

	for (enum engine_id id = 0; id < ENGINE_IDS; id++) {
		const struct engine *en = engine_get(id);
		struct measured m;
		struct err e = { 0 };

		if (!en || id == ENGINE_NULL || id == ENGINE_AFALG)
			continue;
		if (measure_run(en, s, size, batch, ms, &m, &e) < 0) {
			printf("%-18s %5zu %3zu %-9s %s\n", name, size, batch, en->name, e.msg);
			continue;
		}
		if (id == ENGINE_MBEDTLS)
			base = m.mbit;
		printf("%-18s %5zu %3zu %-9s %7u %7u %7u %6.1f  %s\n", name, size, batch, en->name,
		       m.mbit, m.seal_mbit, m.open_mbit, base ? m.mbit / base : 0,
		       m.info.driver);
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	size_t size[LIST_MAX] = { 64, 1400 }, batch[LIST_MAX] = { 1, 32 };
	size_t n_size = 2, n_batch = 2;
	unsigned ms = 50;
	int c;

	while ((c = getopt(argc, argv, "s:b:m:")) != -1) {
		if (c == 's')
			n_size = numbers(optarg, size);
		else if (c == 'b')
			n_batch = numbers(optarg, batch);
		else if (c == 'm')
			ms = (unsigned)atoi(optarg);
		else
			return 2;
	}
	for (size_t i = 0; i < (optind < argc ? (size_t)(argc - optind)
					      : sizeof(usual) / sizeof(usual[0])); i++) {
		const char *name = optind < argc ? argv[optind + (int)i] : usual[i];
		uint8_t keys[MEASURE_KEYS];
		struct suite_list l;
		struct engine_suite s;
		struct err e = { 0 };

		if (suite_parse(SUITE_ESP, name, &l, &e) < 0 ||
		    measure_suite(l.s[0].encr[0].id, l.s[0].encr[0].key_bits,
				  l.s[0].n_integ ? l.s[0].integ[0] : INTEG_NONE, &s, keys, &e) < 0) {
			fprintf(stderr, "engine_speed: %s\n", e.msg);
			return 1;
		}
		for (size_t k = 0; k < n_size; k++)
			for (size_t b = 0; b < n_batch; b++)
				one(name, &s, size[k], batch[b], ms);
	}
	return 0;
}
