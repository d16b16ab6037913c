/* engine-bench: what `adit hw` and `adit bench` run: it measures every engine that this build
 * and this kernel have, and the kernel's own ESP, and prints a JSON object a line as it goes:
 *
 *	{"device":"mv-cbc-aes","name":"cbc(aes)"}		a driver of crypto hardware
 *	{"engine":"kernel","unable":"the kernel has no ESP"}	none of its suites
 *	{"suite":"aes256-sha256","engine":"ipsec_mb","driver":"","hardware":false,"size":1400,
 *	 "batch":32,"mbit":7900,"done":17,"total":240}
 *	{"suite":"camellia256-sha256","engine":"ipsec_mb","unable":"…"}
 *	{"error":"…"}						and it ends
 *
 *	engine-bench MS [all] [SUITE]
 *
 * within about MS milliseconds; 0: only the first two kinds. all: weak suites too. A machine that
 * is too slow for all of it in that time measures the rest at one size, and ends after twice that.
 */
#include "core/base/clock.h"
#include "core/control/json.h"
#include "core/crypto/alg.h"
#include "dataplane/bench/kpath.h"
#include "dataplane/engine/afalg_open.h"
#include "dataplane/engine/afalg_proc.h"
#include "dataplane/engine/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUITES_MAX 160
#define MS_MAX 600000
#define SAME_PERCENT 97		/* a batch that is as good as the best */
#define ONE_SUITE_MS 30000	/* one that was asked for may take so much longer */
#define SIZE_LATE 1400		/* what is measured when time is over */

enum { KERNEL = ENGINE_IDS, WAYS };

struct todo {
	uint16_t encr, encr_bits, integ;
};

struct bench {
	struct todo suite[SUITES_MAX];
	size_t n;
	const struct engine *engine[ENGINE_IDS];	/* NULL: not here */
	struct kpath *kernel;				/* likewise */
	uint64_t end_ms;				/* when it should end */
	uint64_t late_ms, last_ms;			/* one size from then on; none */
	unsigned left, total;				/* measurements */
};

/* ---- saying ---- */

/* Takes o. Who listens reads line by line. */
static void say(struct json_object *o)
{
	size_t len;
	char *line = json_line(o, &len);

	json_object_put(o);
	if (!line || fwrite(line, 1, len, stdout) != len || fflush(stdout) != 0)
		exit(EXIT_FAILED);
	free(line);
}

static int fail(enum exit_code code, const char *why)
{
	struct json_object *o = json_object_new_object();

	json_put_str(o, "error", why);
	say(o);
	return code;
}

static const char *way_name(unsigned way)
{
	return way < ENGINE_IDS ? engine_names[way] : "kernel";
}

static struct json_object *head(const struct todo *s, unsigned way)
{
	const struct alg *c = s ? alg_get(ALG_ENCR, s->encr, s->encr_bits) : NULL;
	const struct alg *h = s && s->integ ? alg_get(ALG_INTEG, s->integ, 0) : NULL;
	struct json_object *o = json_object_new_object();
	char text[64];

	snprintf(text, sizeof(text), "%s%s%s", c ? c->name : "", h ? "-" : "", h ? h->name : "");
	if (s)
		json_put_str(o, "suite", text);
	json_put_str(o, "engine", way_name(way));
	return o;
}

static void say_unable(const struct todo *s, unsigned way, const char *why)
{
	struct json_object *o = head(s, way);

	json_put_str(o, "unable", why);
	say(o);
}

static void say_devices(void)
{
	FILE *f = fopen(AFALG_PROC, "re");
	char line[256], name[128] = "", driver[128] = "";

	while (f && fgets(line, sizeof(line), f)) {
		bool async = strncmp(line, "async", 5) == 0 && strstr(line, "yes");
		struct json_object *o;

		(void)sscanf(line, "name : %127s", name);
		if (sscanf(line, "driver : %127s", driver) == 1)
			async = false;
		else if (strncmp(line, "type", 4) != 0 && !async)
			continue;
		if (!driver[0] || !afalg_is_device(driver, async))
			continue;
		o = json_object_new_object();
		json_put_str(o, "device", driver);
		json_put_str(o, "name", name);
		say(o);
		driver[0] = '\0';
	}
	if (f)
		fclose(f);
}

/* ---- what there is to do ---- */

/* Blowfish and DES are nobody's choice any more, by speed or by anything else. */
static bool worth(const struct alg *c)
{
	return c->id != ENCR_BLOWFISH && c->id != ENCR_DES;
}

static void add(struct bench *b, const struct alg *c, const struct alg *h)
{
	const struct todo s = { c->id, c->key_bits, h ? h->id : INTEG_NONE };
	struct engine_sizes sizes;
	struct err ignored;

	if (b->n < SUITES_MAX && alg_built(c) &&
	    engine_sizes(s.encr, s.encr_bits, s.integ, &sizes, &ignored) == 0)
		b->suite[b->n++] = s;
}

/* Those that are good, or those that are not, in the order of the table. */
static void add_all(struct bench *b, bool weak)
{
	size_t n;
	const struct alg *t = alg_table(&n);

	for (size_t i = 0; i < n; i++) {
		const struct alg *c = &t[i];

		if (c->type != ALG_ENCR || !worth(c))
			continue;
		if (c->aead && weak == (c->weak != 0))
			add(b, c, NULL);
		for (size_t k = 0; !c->aead && k < n; k++)
			if (t[k].type == ALG_INTEG && weak == (c->weak || t[k].weak))
				add(b, c, &t[k]);
	}
}

static int add_one(struct bench *b, const char *word, struct err *e)
{
	struct suite_list l;
	const struct suite *s = &l.s[0];

	if (suite_parse(SUITE_ESP, word, &l, e) < 0)
		return -1;
	if (l.n != 1 || s->n_encr != 1 || s->n_integ > 1)
		return err_set(e, "more than one suite");
	b->suite[b->n++] = (struct todo){ s->encr[0].id, s->encr[0].key_bits,
					  s->n_integ ? s->integ[0] : INTEG_NONE };
	return 0;
}

/* One of the usual suites has to be there for it to be of use. */
static int afalg_here(struct err *e)
{
	static const struct afalg_ids usual[] = {
		{ ENCR_AES_GCM_16, 128, INTEG_NONE, false },
		{ ENCR_AES_CBC, 128, INTEG_HMAC_SHA1_96, false },
	};
	int fds[AFALG_FDS_MAX], rc = -1;
	struct err later;
	size_t n = 0;

	for (size_t i = 0; rc < 0 && i < sizeof(usual) / sizeof(usual[0]); i++) {
		rc = afalg_open(&usual[i], fds, &n, i ? &later : e);
		if (rc == 0)
			afalg_close(fds, n);
	}
	return rc;
}

static void find_ways(struct bench *b)
{
	struct err e = { 0 };

	for (unsigned w = 0; w < ENGINE_IDS; w++) {
		const struct engine *en = w == ENGINE_NULL ? NULL : engine_get((enum engine_id)w);

		if (w == ENGINE_NULL)
			continue;
		if (!en)
			say_unable(NULL, w, "this build has it not");
		else if ((en->probe && en->probe(&e) < 0) ||
			 (w == ENGINE_AFALG && afalg_here(&e) < 0))
			say_unable(NULL, w, e.msg);
		else
			b->engine[w] = en;
	}
	if (kpath_open(&b->kernel, &e) < 0)
		say_unable(NULL, KERNEL, e.msg);
}

/* ---- measuring ---- */

/* What one measurement may take, of what is left. */
static unsigned slot_ms(const struct bench *b)
{
	uint64_t now = clock_ms(), left = b->end_ms > now ? b->end_ms - now : 0;
	uint64_t ms = b->left ? left / b->left : 0;

	return ms < 1 ? 1 : (unsigned)ms;
}

/* Is this size one to leave out, for want of time? */
static bool too_late(const struct bench *b, unsigned size)
{
	uint64_t now = clock_ms();

	return now > b->last_ms || (now > b->late_ms && size != SIZE_LATE);
}

static void say_speed(struct bench *b, const struct todo *s, unsigned way, unsigned size,
		      size_t batch, uint32_t mbit, const char *driver, bool hardware)
{
	struct json_object *o = head(s, way);

	b->left--;
	json_put_str(o, "driver", driver);
	json_put_bool(o, "hardware", hardware);
	json_put_u64(o, "size", size);
	json_put_u64(o, "batch", batch);
	json_put_u64(o, "mbit", mbit);
	json_put_u64(o, "done", b->total - b->left);
	json_put_u64(o, "total", b->total);
	say(o);
}

/* An engine at one size: the batch that is best, or the smallest that is as good. */
static int measure_size(struct bench *b, const struct todo *s, const struct engine_suite *suite,
			unsigned way, unsigned size, struct err *e)
{
	static const uint8_t few[] = { 32 }, all[] = { 1, 8, 32, 64 }, one[] = { 1 };
	unsigned ms = slot_ms(b);
	const uint8_t *batch = way == ENGINE_MBEDTLS ? one : ms < 8 ? few : all;
	size_t n = batch == all ? 4 : 1, best = 0;
	struct measured m[4] = { 0 };

	for (size_t i = 0; i < n; i++)
		if (measure_run(b->engine[way], suite, size, batch[i], (ms + (unsigned)n - 1) /
				(unsigned)n, &m[i], e) < 0)
			return -1;
	for (size_t i = 1; i < n; i++)
		if (m[i].mbit > m[best].mbit)
			best = i;
	for (size_t i = best; i-- > 0;)
		if ((uint64_t)m[i].mbit * 100 >= (uint64_t)m[best].mbit * SAME_PERCENT)
			best = i;
	say_speed(b, s, way, size, batch[best], m[best].mbit ? m[best].mbit : 1, m[best].info.driver,
		  m[best].info.hardware);
	return 0;
}

static int measure_engine(struct bench *b, const struct todo *s, unsigned way, unsigned *done,
			  struct err *e)
{
	const struct afalg_ids ids = { s->encr, s->encr_bits, s->integ, false };
	uint8_t keys[MEASURE_KEYS];
	struct engine_suite suite;
	int fds[AFALG_FDS_MAX], rc = 0;
	size_t n = 0;

	if (measure_suite(s->encr, s->encr_bits, s->integ, &suite, keys, e) < 0 ||
	    (way == ENGINE_AFALG && afalg_open(&ids, fds, &n, e) < 0))
		return -1;
	suite.fds = fds;
	suite.n_fds = n;
	for (int i = 0; rc == 0 && i < PROFILE_SIZES; i++) {
		if (too_late(b, profile_sizes[i]))
			continue;
		rc = measure_size(b, s, &suite, way, profile_sizes[i], e);
		*done += rc == 0;
	}
	afalg_close(fds, n);
	return rc;
}

static int measure_kernel(struct bench *b, const struct todo *s, unsigned *done, struct err *e)
{
	uint8_t keys[MEASURE_KEYS];
	struct engine_suite suite;
	struct kpath_result r;

	if (measure_suite(s->encr, s->encr_bits, s->integ, &suite, keys, e) < 0 ||
	    kpath_suite(b->kernel, &suite, e) < 0)
		return -1;
	for (int i = 0; i < PROFILE_SIZES; i++) {
		if (too_late(b, profile_sizes[i]))
			continue;
		if (kpath_run(b->kernel, profile_sizes[i], slot_ms(b), &r, e) < 0)
			return -1;
		say_speed(b, s, KERNEL, profile_sizes[i], 0, r.mbit ? r.mbit : 1, r.driver, r.hardware);
		(*done)++;
	}
	return 0;
}

static void measure(struct bench *b)
{
	struct err e = { 0 };

	for (unsigned w = 0; w < WAYS; w++)
		if (w == KERNEL ? b->kernel != NULL : b->engine[w] != NULL)
			b->total += (unsigned)b->n * PROFILE_SIZES;
	b->left = b->total;
	for (size_t i = 0; i < b->n; i++) {
		for (unsigned w = 0; w < WAYS; w++) {
			unsigned done = 0;

			if (w == KERNEL ? !b->kernel : !b->engine[w])
				continue;
			if (clock_ms() > b->last_ms)
				return;
			if ((w == KERNEL ? measure_kernel(b, &b->suite[i], &done, &e) :
			     measure_engine(b, &b->suite[i], w, &done, &e)) < 0)
				say_unable(&b->suite[i], w, e.msg);
			b->left -= PROFILE_SIZES - done;
		}
	}
}

int main(int argc, char **argv)
{
	static struct bench b;
	struct err e = { 0 };
	bool all = argc > 2 && strcmp(argv[2], "all") == 0;
	const char *suite = argc > 2 + all ? argv[2 + all] : NULL;
	char *end = "x";
	unsigned long ms = argc > 1 ? strtoul(argv[1], &end, 10) : 0;

	if (*end || ms > MS_MAX || argc > 3 + all) {
		fprintf(stderr, "usage: engine-bench MS [all] [SUITE]\n");
		return EXIT_USAGE;
	}
	if (suite && add_one(&b, suite, &e) < 0)
		return fail(EXIT_USAGE, e.msg);
	say_devices();
	find_ways(&b);
	if (ms) {
		if (!suite)
			add_all(&b, false);
		if (!suite && all)
			add_all(&b, true);
		b.end_ms = clock_ms() + ms;
		/* Who asks for one suite wants all of it. */
		b.late_ms = b.end_ms + (suite ? ONE_SUITE_MS : 0);
		b.last_ms = b.late_ms + ms;
		measure(&b);
	}
	kpath_close(b.kernel);
	return EXIT_DONE;
}
