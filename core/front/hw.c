/* hw: a measurement as it comes in, as it is kept, and what follows from it. The file is ours,
 * but everybody may read it and root may edit it: every word is checked. */
#include "core/front/hw.h"

#include "core/base/clock.h"
#include "core/crypto/alg.h"
#include "core/front/fmt.h"
#include "core/settings/whole.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MBIT_MAX 100000000
#define SAME_PERCENT 97		/* as good as the best */

const char *hw_way_name(unsigned way)
{
	return way < ENGINE_IDS ? engine_names[way] : "kernel";
}

void hw_bench_fini(struct hw_bench *b)
{
	free(b->row);
	*b = (struct hw_bench){ 0 };
}

/* ---- suites ---- */

static bool same_suite(const struct hw_row *a, const struct hw_row *b)
{
	return a->encr == b->encr && a->encr_bits == b->encr_bits && a->integ == b->integ;
}

size_t hw_suite_end(const struct hw_bench *b, size_t from)
{
	size_t to = from;

	while (to < b->n && same_suite(&b->row[from], &b->row[to]))
		to++;
	return to;
}

const struct hw_row *hw_best(const struct hw_bench *b, size_t from, size_t to, unsigned size)
{
	const struct hw_row *best = NULL;

	for (size_t i = from; i < to && i < b->n && size < PROFILE_SIZES; i++)
		if (b->row[i].mbit[size] && (!best || b->row[i].mbit[size] > best->mbit[size]))
			best = &b->row[i];
	return best;
}

const struct hw_row *hw_find(const struct hw_bench *b, const struct hw_row *suite, unsigned way)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->row[i].way == way && !b->row[i].why[0] && same_suite(&b->row[i], suite))
			return &b->row[i];
	return NULL;
}

bool hw_weak(const struct hw_row *r)
{
	const struct alg *c = alg_get(ALG_ENCR, r->encr, r->encr_bits);
	const struct alg *h = r->integ ? alg_get(ALG_INTEG, r->integ, 0) : NULL;

	return (c && c->weak) || (h && h->weak);
}

const char *hw_suite_str(const struct hw_row *r, char buf[HW_SUITE_TEXT])
{
	const struct alg *c = alg_get(ALG_ENCR, r->encr, r->encr_bits);
	const struct alg *h = r->integ ? alg_get(ALG_INTEG, r->integ, 0) : NULL;

	snprintf(buf, HW_SUITE_TEXT, "%s%s%s", c ? c->name : "?", h ? "-" : "", h ? h->name : "");
	return buf;
}

int hw_suite_parse(const char *word, struct hw_row *out, struct err *e)
{
	struct suite_list l;
	const struct suite *s = &l.s[0];
	char clean[60];

	if (suite_parse(SUITE_ESP, word, &l, e) < 0) {
		if (e)
			e->code = EXIT_USAGE;
		return -1;
	}
	if (l.n != 1 || s->n_encr != 1 || s->n_integ > 1 || s->n_ke)
		return err_code(e, EXIT_USAGE, "\"%s\" is not one cipher with one hash, such as "
				"aes256gcm16 or aes256-sha256",
				fmt_fit(word, 40, false, clean, sizeof(clean)));
	out->encr = s->encr[0].id;
	out->encr_bits = s->encr[0].key_bits;
	out->integ = s->n_integ ? s->integ[0] : INTEG_NONE;
	return 0;
}

/* ---- lines in ---- */

/* The row of this suite and way; a new one behind the suite's others. */
static struct hw_row *row_get(struct hw_bench *b, const struct hw_row *like, unsigned way)
{
	size_t at = b->n;

	for (size_t i = 0; i < b->n; i++) {
		if (!same_suite(&b->row[i], like))
			continue;
		if (b->row[i].way == way)
			return &b->row[i];
		at = i + 1;
	}
	if (b->n == HW_ROWS)
		return NULL;
	if (b->n == b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 64;
		struct hw_row *grown = realloc(b->row, cap * sizeof(*grown));

		if (!grown)
			return NULL;
		b->row = grown;
		b->cap = cap;
	}
	memmove(&b->row[at + 1], &b->row[at], (b->n - at) * sizeof(*b->row));
	b->n++;
	b->row[at] = (struct hw_row){ .encr = like->encr, .encr_bits = like->encr_bits,
				      .integ = like->integ, .way = (uint8_t)way };
	return &b->row[at];
}

static int size_index(uint64_t size)
{
	for (int i = 0; i < PROFILE_SIZES; i++)
		if (profile_sizes[i] == size)
			return i;
	return -1;
}

/* A number of an array; 0 where there is none. */
static uint32_t number_at(struct json_object *a, size_t n, size_t i, uint32_t max)
{
	struct json_object *v = i < n ? json_object_array_get_idx(a, i) : NULL;
	int64_t k = v && json_object_is_type(v, json_type_int) ? json_object_get_int64(v) : 0;

	return k < 0 || k > max ? 0 : (uint32_t)k;
}

static int take_speeds(struct hw_row *r, struct json_object *o, struct err *e)
{
	size_t n_mbit, n_batch;
	struct json_object *mbit = json_get_array(o, "mbit", &n_mbit);
	struct json_object *batch = json_get_array(o, "batch", &n_batch);
	int at;

	if (mbit) {
		for (size_t i = 0; i < PROFILE_SIZES; i++) {
			r->mbit[i] = number_at(mbit, n_mbit, i, MBIT_MAX);
			r->batch[i] = (uint8_t)number_at(batch, n_batch, i, UINT8_MAX);
		}
		return 0;
	}
	at = size_index(json_get_u64(o, "size", UINT16_MAX, 0));
	if (at < 0)
		return err_set(e, "no size that is measured");
	r->mbit[at] = (uint32_t)json_get_u64(o, "mbit", MBIT_MAX, 0);
	r->batch[at] = (uint8_t)json_get_u64(o, "batch", UINT8_MAX, 0);
	return 0;
}

static void take_device(struct hw_bench *b, const char *driver, const char *name)
{
	if (b->n_devices < HW_DEVICES) {
		struct hw_device *d = &b->device[b->n_devices];

		snprintf(d->driver, sizeof(d->driver), "%s", driver);
		snprintf(d->name, sizeof(d->name), "%s", name);
	}
	b->n_devices++;
}

static int take_object(struct hw_bench *b, struct json_object *o, struct err *e)
{
	const char *suite = json_get_str(o, "suite", ""), *way = json_get_str(o, "engine", "");
	const char *unable = json_get_str(o, "unable", "");
	struct hw_row like = { 0 }, *r;
	unsigned w = 0;

	b->done = (unsigned)json_get_u64(o, "done", UINT32_MAX, b->done);
	b->total = (unsigned)json_get_u64(o, "total", UINT32_MAX, b->total);
	if (json_get_u64(o, "when", INT64_MAX, 0)) {
		b->when_s = (int64_t)json_get_u64(o, "when", INT64_MAX, 0);
		b->ms = (unsigned)json_get_u64(o, "ms", UINT32_MAX, 0);
		return 0;
	}
	if (json_get_str(o, "device", "")[0]) {
		take_device(b, json_get_str(o, "device", ""), json_get_str(o, "name", ""));
		return 0;
	}
	while (w < HW_WAYS && strcmp(hw_way_name(w), way) != 0)
		w++;
	if (w == HW_WAYS)
		return err_set(e, "\"%.20s\" is no engine", way);
	if (unable[0] && !suite[0]) {
		snprintf(b->unable[w], sizeof(b->unable[w]), "%s", unable);
		return 0;
	}
	if (hw_suite_parse(suite, &like, e) < 0)
		return -1;
	r = row_get(b, &like, w);
	if (!r)
		return err_set(e, "more than %d rows", HW_ROWS);
	snprintf(r->why, sizeof(r->why), "%s", unable);
	if (unable[0]) {
		memset(r->mbit, 0, sizeof(r->mbit));
		return 0;
	}
	r->hardware = json_get_bool(o, "hardware", r->hardware);
	if (json_get_str(o, "driver", "")[0])
		snprintf(r->driver, sizeof(r->driver), "%s", json_get_str(o, "driver", ""));
	return take_speeds(r, o, e);
}

int hw_bench_line(struct hw_bench *b, const char *text, size_t len, struct err *e)
{
	struct json_object *o;
	int rc;

	if (json_parse_line(text, len, &o, e) < 0)
		return -1;
	rc = take_object(b, o, e);
	json_object_put(o);
	return rc;
}

int hw_bench_load(struct hw_bench *b, const char *config_dir, struct err *e)
{
	char path[PATH_MAX], line[1024];
	struct err why = { 0 };
	FILE *f;
	int rc = 1;

	*b = (struct hw_bench){ 0 };
	snprintf(path, sizeof(path), "%s/" HW_FILE, config_dir);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? 0 : err_errno(e, "%s", path);
	for (unsigned n = 1; rc > 0 && fgets(line, sizeof(line), f); n++) {
		size_t len = strcspn(line, "\n");

		if (!line[len] && !feof(f))
			rc = err_set(e, "%s:%u: a line too long", path, n);
		else if (hw_bench_line(b, line, len, &why) < 0)
			rc = err_set(e, "%s:%u: %s", path, n, why.msg);
	}
	if (rc > 0 && ferror(f))
		rc = err_errno(e, "%s", path);
	fclose(f);
	b->done = b->total = 0;
	if (rc > 0 && !b->n)
		rc = err_set(e, "%s: nothing is in it", path);
	if (rc < 0)
		hw_bench_fini(b);
	return rc;
}

/* ---- and out ---- */

static struct json_object *row_json(const struct hw_row *r)
{
	struct json_object *o = json_object_new_object(), *mbit, *batch;

	json_put_str(o, "engine", hw_way_name(r->way));
	if (r->why[0]) {
		json_put_str(o, "unable", r->why);
		return o;
	}
	json_put_str(o, "driver", r->driver);
	json_put_bool(o, "hardware", r->hardware);
	mbit = json_put_array(o, "mbit");
	batch = json_put_array(o, "batch");
	for (int i = 0; mbit && batch && i < PROFILE_SIZES; i++) {
		json_object_array_add(mbit, json_object_new_int64(r->mbit[i]));
		json_object_array_add(batch, json_object_new_int(r->batch[i]));
	}
	return o;
}

void hw_bench_json(const struct hw_bench *b, struct json_object *o)
{
	struct json_object *sizes = json_put_array(o, "sizes"), *suites, *ways, *unable, *devices;
	char text[HW_SUITE_TEXT];

	devices = json_put_array(o, "crypto_devices");
	for (size_t i = 0; devices && i < b->n_devices && i < HW_DEVICES; i++) {
		struct json_object *d = json_object_new_object();

		json_put_str(d, "name", b->device[i].name);
		json_put_str(d, "driver", b->device[i].driver);
		json_object_array_add(devices, d);
	}

	for (int i = 0; sizes && i < PROFILE_SIZES; i++)
		json_object_array_add(sizes, json_object_new_int(profile_sizes[i]));
	unable = json_object_new_object();
	for (unsigned w = 0; w < HW_WAYS; w++)
		if (b->unable[w][0])
			json_put_str(unable, hw_way_name(w), b->unable[w]);
	json_put(o, "unable", unable);
	suites = json_put_array(o, "suites");
	for (size_t from = 0, to; suites && from < b->n; from = to) {
		struct json_object *s = json_object_new_object();

		to = hw_suite_end(b, from);
		json_put_str(s, "suite", hw_suite_str(&b->row[from], text));
		json_put_bool(s, "weak", hw_weak(&b->row[from]));
		ways = json_put_array(s, "ways");
		for (size_t i = from; ways && i < to; i++)
			json_object_array_add(ways, row_json(&b->row[i]));
		json_object_array_add(suites, s);
	}
}

static int write_bench(const void *arg, FILE *f)
{
	const struct hw_bench *b = arg;
	char text[HW_SUITE_TEXT], *line;
	size_t len;

	fprintf(f, "{\"v\":1,\"when\":%lld,\"ms\":%u}\n", (long long)b->when_s, b->ms);
	for (unsigned w = 0; w < HW_WAYS; w++) {
		struct json_object *o = json_object_new_object();

		json_put_str(o, "engine", hw_way_name(w));
		json_put_str(o, "unable", b->unable[w]);
		line = b->unable[w][0] ? json_line(o, &len) : NULL;
		if (line)
			fputs(line, f);
		free(line);
		json_object_put(o);
	}
	for (size_t i = 0; i < b->n; i++) {
		struct json_object *o = row_json(&b->row[i]);

		json_put_str(o, "suite", hw_suite_str(&b->row[i], text));
		line = json_line(o, &len);
		json_object_put(o);
		if (!line)
			return -1;
		fputs(line, f);
		free(line);
	}
	return ferror(f) ? -1 : 0;
}

/* Rows of other suites and ways are added; none is replaced. */
static void add_old(struct hw_bench *b, const struct hw_bench *old)
{
	for (size_t i = 0; i < old->n; i++) {
		const struct hw_row *r = &old->row[i];
		struct hw_row *fresh;
		bool known = false;

		for (size_t k = 0; k < b->n; k++)
			known |= same_suite(&b->row[k], r) && b->row[k].way == r->way;
		/* A way that this machine has no more is not taken over. */
		if (known || b->unable[r->way][0])
			continue;
		fresh = row_get(b, r, r->way);
		if (fresh)
			*fresh = *r;
	}
}

int hw_bench_save(struct hw_bench *b, const char *config_dir, struct err *e)
{
	struct hw_bench old = { 0 };
	struct profile *p;
	struct err why;
	int rc;

	/* One that cannot be read is written anew. */
	if (hw_bench_load(&old, config_dir, &why) > 0)
		add_old(b, &old);
	hw_bench_fini(&old);
	p = calloc(1, sizeof(*p));
	if (!p)
		return err_set(e, "out of memory");
	hw_profile(b, p);
	rc = whole_write(config_dir, HW_FILE, write_bench, b, e);
	if (rc == 0)
		rc = profile_save(p, config_dir, e);
	free(p);
	return rc;
}

/* ---- the profile ---- */

/* The fastest engine that espd may take at this size, the kernel left out; null is for tests. */
static const struct hw_row *best_engine(const struct hw_bench *b, size_t from, size_t to,
					unsigned size)
{
	const struct hw_row *best = NULL;

	for (size_t i = from; i < to; i++) {
		const struct hw_row *r = &b->row[i];

		if (r->way >= ENGINE_IDS || r->way == ENGINE_NULL || !r->mbit[size] || !r->batch[size])
			continue;
		if (!best || r->mbit[size] > best->mbit[size])
			best = r;
	}
	/* Of two that are as good the one that needs nobody else. */
	for (size_t i = from; best && i < to; i++) {
		const struct hw_row *r = &b->row[i];

		if (r->way == ENGINE_MBEDTLS && r->mbit[size] && r->batch[size] &&
		    (uint64_t)r->mbit[size] * 100 >= (uint64_t)best->mbit[size] * SAME_PERCENT)
			best = r;
	}
	return best;
}

static void add_row(struct profile *p, const struct hw_row *r, unsigned size)
{
	if (p->n < PROFILE_ROWS)
		p->row[p->n++] = (struct profile_row){
			.encr = r->encr, .encr_bits = r->encr_bits, .integ = r->integ,
			.size = profile_sizes[size], .engine = r->way, .batch = r->batch[size],
			.mbit = r->mbit[size],
		};
}

void hw_profile(const struct hw_bench *b, struct profile *out)
{
	out->n = 0;
	for (size_t from = 0, to; from < b->n; from = to) {
		const struct hw_row *best[PROFILE_SIZES], *first = NULL;
		bool agree = hw_weak(&b->row[from]);
		unsigned one = 0;

		to = hw_suite_end(b, from);
		for (unsigned i = 0; i < PROFILE_SIZES; i++) {
			best[i] = best_engine(b, from, to, i);
			if (!best[i])
				continue;
			if (!first)
				first = best[i];
			one = profile_sizes[i] <= 1400 ? i : one;
			agree = agree && best[i] == first;
		}
		for (unsigned i = 0; i < PROFILE_SIZES; i++)
			if (best[i] && (!agree || i == one))
				add_row(out, best[i], i);
	}
}

/* The engine for a suite and size; without a profile what engine_auto guesses. */
static unsigned engine_at(const struct hw_bench *b, const struct profile *p,
			  const struct hw_row *suite, unsigned size)
{
	const struct profile_row *r = profile_find(p, suite->encr, suite->encr_bits, suite->integ,
						   profile_sizes[size]);

	if (r && r->engine < ENGINE_IDS)
		return r->engine;
	return hw_find(b, suite, ENGINE_IPSEC_MB) ? ENGINE_IPSEC_MB : ENGINE_MBEDTLS;
}

/* One suite: all its sizes that go from one engine to the same other one. False: none does. */
static bool change(const struct hw_bench *b, const struct profile *before,
		   const struct profile *now, const struct hw_row *suite, struct sbuf *out)
{
	unsigned was[PROFILE_SIZES], is[PROFILE_SIZES];
	bool told[PROFILE_SIZES] = { false }, any = false;

	for (unsigned i = 0; i < PROFILE_SIZES; i++) {
		was[i] = engine_at(b, before, suite, i);
		is[i] = engine_at(b, now, suite, i);
	}
	for (unsigned i = 0; i < PROFILE_SIZES; i++) {
		unsigned n = 0;

		if (told[i] || was[i] == is[i])
			continue;
		sbuf_addf(out, "%s%s in the place of %s, at", any ? "; " : "", hw_way_name(is[i]),
			  hw_way_name(was[i]));
		any = true;
		for (unsigned k = i; k < PROFILE_SIZES; k++) {
			if (was[k] != was[i] || is[k] != is[i])
				continue;
			told[k] = true;
			sbuf_addf(out, "%s %u", n++ ? "," : "", profile_sizes[k]);
		}
		sbuf_add(out, " bytes");
	}
	if (any)
		sbuf_add(out, "\n");
	return any;
}

size_t hw_changes(const struct hw_bench *b, const struct profile *before,
		  const struct profile *now, size_t max, struct sbuf *out)
{
	size_t n = 0;

	for (size_t from = 0; from < b->n; from = hw_suite_end(b, from)) {
		struct sbuf line = { 0 };
		char text[HW_SUITE_TEXT];

		if (change(b, before, now, &b->row[from], &line) && n++ < max)
			sbuf_addf(out, "%s: %s", hw_suite_str(&b->row[from], text), sbuf_str(&line));
		sbuf_fini(&line);
	}
	return n;
}

const char *hw_when(const struct hw_bench *b, int64_t now_s, char *buf, size_t cap)
{
	char span[FMT_MAX];

	if (!b->when_s)
		snprintf(buf, cap, "being measured");
	else if (b->ms <= HW_SHORT_MS)
		snprintf(buf, cap, "a short look just now; adit bench measures, and keeps it");
	else if (now_s - b->when_s < 60)
		snprintf(buf, cap, "measured just now");
	else
		snprintf(buf, cap, "measured by adit bench %s ago",
			 fmt_span((uint64_t)(now_s - b->when_s), span, sizeof(span)));
	return buf;
}
