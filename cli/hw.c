/* hw: which way of doing the cryptography is how fast here: what is known of it, and measuring
 * it. The measuring is done by libexec/engine-bench (core/front/hw.h). */
#include "core/front/hw.h"

#include "cli/cli.h"
#include "cli/out.h"
#include "core/base/clock.h"
#include "core/crypto/alg.h"
#include "core/settings/settings.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE_SHOWN 3		/* of profile_sizes, in the table of ciphers and hashes: 1400 */
#define CHANGES_SHOWN 8
#define STALL_MS 60000		/* one measurement takes far less */

struct hw {
	struct hw_bench b;
	struct hw_machine m;
	struct router_conf conf;
	bool have_conf;
	struct status *status;
	struct profile *profile;
};

/* ---- measuring ---- */

static void progress(struct cli *c, const struct hw_bench *b, bool end)
{
	static uint64_t said_ms;
	char text[HW_SUITE_TEXT] = "";

	if (cli_has(c, OPT_QUIET) || !isatty(STDERR_FILENO))
		return;
	if (end) {
		fprintf(stderr, "\r%*s\r", 70, "");
		return;
	}
	if (clock_ms() < said_ms + 100 || !b->total || !b->n)
		return;
	said_ms = clock_ms();
	fprintf(stderr, "\rmeasuring: %3u %%  %-24s by %-10s", b->done * 100 / b->total,
		hw_suite_str(&b->row[b->n - 1], text), hw_way_name(b->row[b->n - 1].way));
	fflush(stderr);
}

static int measure(struct cli *c, struct hw_bench *b, unsigned ms, bool all, const char *suite,
		   struct err *e)
{
	struct hw_run r;
	int rc = hw_run_start(&r, ms, all, suite, e);

	if (rc < 0)
		return -1;
	while ((rc = hw_run_read(&r, b, e)) > 0) {
		progress(c, b, false);
		if (poll(&(struct pollfd){ .fd = r.fd, .events = POLLIN }, 1, STALL_MS) != 0)
			continue;
		hw_run_stop(&r);
		rc = err_code(e, EXIT_TIMEOUT, "engine-bench does not go on");
		break;
	}
	progress(c, b, true);
	return rc;
}

/* ---- the tables ---- */

static bool same_cipher(const struct hw_row *a, const struct hw_row *b)
{
	return a->encr == b->encr && a->encr_bits == b->encr_bits;
}

static void cell(struct table *t, const struct hw_row *best)
{
	if (best)
		table_addf(t, best->hardware ? TONE_GOOD : TONE_PLAIN, "%u%s", best->mbit[SIZE_SHOWN],
			   best->hardware ? "*" : best->way == HW_KERNEL ? "k" : " ");
	else
		table_add(t, TONE_DIM, "");
}

/* Ciphers down, hashes across, the fastest way of each. */
static void matrix(struct cli *c, const struct hw_bench *b)
{
	static const struct table_col cols[] = {
		{ "CIPHER", false, 0, 0 }, { "alone ", true, 0, 0 }, { "SHA256 ", true, 0, 0 },
		{ "SHA384 ", true, 0, 0 }, { "SHA512 ", true, 0, 0 }, { "SHA1 ", true, 0, 0 },
		{ "MD5 ", true, 0, 0 },
	};
	static const uint16_t hashes[] = { INTEG_NONE, INTEG_HMAC_SHA2_256_128, INTEG_HMAC_SHA2_384_192,
					   INTEG_HMAC_SHA2_512_256, INTEG_HMAC_SHA1_96, INTEG_HMAC_MD5_96 };
	struct table t;

	table_init(&t, cols, sizeof(cols) / sizeof(cols[0]));
	for (size_t i = 0; i < b->n; i++) {
		const struct hw_row *first = &b->row[i];
		const struct alg *a = alg_get(ALG_ENCR, first->encr, first->encr_bits);
		bool seen = false;

		for (size_t k = 0; k < i; k++)
			seen |= same_cipher(&b->row[k], first);
		if (seen || !a)
			continue;
		table_add(&t, a->weak ? TONE_WEAK : TONE_PLAIN, a->name);
		for (size_t h = 0; h < sizeof(hashes) / sizeof(hashes[0]); h++) {
			const struct hw_row *best = NULL;

			for (size_t from = 0, to; from < b->n; from = to) {
				to = hw_suite_end(b, from);
				if (same_cipher(&b->row[from], first) && b->row[from].integ == hashes[h])
					best = hw_best(b, from, to, SIZE_SHOWN);
			}
			cell(&t, best);
		}
	}
	out_tone(c, TONE_HEAD, "Mbit/s at 1400 bytes on one core, by the fastest way");
	sbuf_add(&c->out, " (* a device, k the kernel's ESP)\n");
	table_print(c, &t);
	table_fini(&t);
}

static const struct table_col way_cols[] = {
	{ "SUITE", false, 0, 0 },
	{ "BY", false, 0, 0 },
	{ "DRIVER", false, 12, 9 },
	{ "", false, 0, 0 },
	{ "64", true, 0, 0 },
	{ "256", true, 0, 1 },
	{ "576", true, 0, 2 },
	{ "1400", true, 0, 0 },
	{ "8192", true, 0, 1 },
};

/* Every way of every suite; the fastest of each size is marked. */
static void ways(struct cli *c, const struct hw_bench *b, const struct hw_row *only, bool all)
{
	bool plain = cli_has(c, OPT_PLAIN);
	char text[HW_SUITE_TEXT];
	struct sbuf unable = { 0 };
	struct table t;

	table_init(&t, way_cols, sizeof(way_cols) / sizeof(way_cols[0]));
	for (size_t from = 0, to; from < b->n; from = to) {
		unsigned told = 0;

		to = hw_suite_end(b, from);
		if (only ? !same_cipher(only, &b->row[from]) || only->integ != b->row[from].integ :
		    !all && hw_weak(&b->row[from]))
			continue;
		for (size_t i = from; i < to; i++) {
			const struct hw_row *r = &b->row[i];

			/* What cannot be done is of interest where it was asked for. */
			if (r->why[0]) {
				if (only && !plain)
					sbuf_addf(&unable, "%s: %s\n", hw_way_name(r->way), r->why);
				continue;
			}
			table_add(&t, hw_weak(r) ? TONE_WEAK : TONE_PLAIN,
				  !told++ || plain ? hw_suite_str(r, text) : "");
			table_add(&t, TONE_PLAIN, hw_way_name(r->way));
			table_add(&t, TONE_DIM, r->driver);
			table_add(&t, r->hardware ? TONE_GOOD : TONE_DIM, r->hardware ? "hw" : "sw");
			for (unsigned k = 0; k < PROFILE_SIZES; k++)
				if (r->mbit[k])
					table_addf(&t, r == hw_best(b, from, to, k) ? TONE_GOOD :
						   TONE_PLAIN, "%u", r->mbit[k]);
				else
					table_add(&t, TONE_DIM, "");
		}
	}
	if (!plain) {
		out_tone(c, TONE_HEAD, "Every way");
		sbuf_addf(&c->out, ", Mbit/s by bytes in a packet%s\n",
			  only || all ? "" : "; --all: weak algorithms too");
	}
	table_print(c, &t);
	table_fini(&t);
	sbuf_add(&c->out, sbuf_str(&unable));
	sbuf_fini(&unable);
}

static void tables(struct cli *c, const struct hw_bench *b, const struct hw_row *only)
{
	if (!only && !cli_has(c, OPT_PLAIN)) {
		matrix(c, b);
		sbuf_add(&c->out, "\n");
	}
	ways(c, b, only, cli_has(c, OPT_ALL) || cli_has(c, OPT_PLAIN));
}

/* ---- adit hw ---- */

static int gather(struct cli *c, struct hw *h, struct err *e)
{
	struct err ignored = { 0 };
	struct draft *d = NULL;

	h->have_conf = settings_router_draft(c->front.config_dir, &d, NULL, &ignored) == 0 &&
		       draft_to_router(d, &h->conf, &ignored) == 0;
	draft_free(d);
	hw_machine_read(&h->m, "", h->have_conf ? h->conf.wan : "");
	/* What is shown is about this router, whatever its daemon and settings are up to. */
	if (front_status(&c->front, NULL, &h->status, NULL, &ignored) < 0)
		h->status = NULL;
	h->profile = calloc(1, sizeof(*h->profile));
	if (!h->profile)
		return err_set(e, "out of memory");
	if (profile_load(h->profile, c->front.config_dir, &ignored) < 0) {
		out_note(c, "adit: %s; `adit bench` writes it anew", ignored.msg);
		h->profile->n = 0;
	}
	return 0;
}

/* What was measured before, where it has that; else a short look now. */
static int speeds(struct cli *c, struct hw *h, const struct hw_row *only, struct err *e)
{
	struct err why = { 0 };
	int rc = hw_bench_load(&h->b, c->front.config_dir, &why);
	bool have = rc > 0;

	if (rc < 0)
		out_note(c, "adit: %s; `adit bench` writes it anew", why.msg);
	for (size_t i = 0; have && only; i++) {
		have = i < h->b.n;
		if (have && same_cipher(&h->b.row[i], only) && h->b.row[i].integ == only->integ)
			break;
	}
	if (have)
		return hw_run_ways(&h->b, e);
	hw_bench_fini(&h->b);
	return measure(c, &h->b, only ? HW_LOOK_MS : HW_SHORT_MS, cli_has(c, OPT_ALL),
		       only ? c->argv[0] : NULL, e);
}

static void show_json(struct cli *c, const struct hw *h)
{
	struct json_object *o = json_object_new_object(), *d = json_object_new_object();

	json_put_u64(o, "v", 1);
	hw_machine_json(&h->m, o);
	json_put_str(d, "name", h->status && h->status->running ? h->status->dataplane : "");
	json_put_str(d, "why", h->status && h->status->running ? h->status->dataplane_why : "");
	json_put_str(d, "engine", h->have_conf && h->conf.engine != ENGINE_CHOICE_AUTO ?
		     hw_way_name(h->conf.engine - ENGINE_CHOICE_MBEDTLS) : "auto");
	json_put_bool(d, "measured", h->profile->n > 0);
	json_put(o, "dataplane", d);
	json_put_u64(o, "when", (uint64_t)h->b.when_s);
	json_put_bool(o, "short", h->b.ms <= HW_SHORT_MS);
	hw_bench_json(&h->b, o);
	out_json(c, o);
}

static void show(struct cli *c, const struct hw *h, const struct hw_row *only)
{
	struct hw_fact fact[HW_FACTS];
	size_t n = hw_facts(&h->m, &h->b, h->status, h->have_conf ? &h->conf : NULL,
			    h->profile->n > 0, clock_wall_s(), fact);

	for (size_t i = 0; i < n && !cli_has(c, OPT_PLAIN); i++)
		out_field(c, fact[i].label, fact[i].tone, fact[i].text);
	if (!cli_has(c, OPT_PLAIN))
		sbuf_add(&c->out, "\n");
	tables(c, &h->b, only);
}

int hw_hw(struct cli *c, struct err *e)
{
	struct hw h = { 0 };
	struct hw_row only = { 0 };
	int rc;

	if (c->argc && hw_suite_parse(c->argv[0], &only, e) < 0)
		return -1;
	rc = gather(c, &h, e);
	if (rc == 0)
		rc = speeds(c, &h, c->argc ? &only : NULL, e);
	if (rc == 0 && cli_has(c, OPT_JSON))
		show_json(c, &h);
	else if (rc == 0)
		show(c, &h, c->argc ? &only : NULL);
	status_free(h.status);
	free(h.profile);
	hw_bench_fini(&h.b);
	return rc;
}

/* ---- adit bench ---- */

static void say_changes(struct cli *c, const struct hw_bench *bench,
			const struct profile *before, const struct profile *now)
{
	struct sbuf b = { 0 };
	size_t n = hw_changes(bench, before, now, CHANGES_SHOWN, &b);

	if (n)
		out_say(c, "With engine = auto the userspace dataplane takes now:");
	for (const char *s = sbuf_str(&b); *s;) {
		size_t len = strcspn(s, "\n");

		out_say(c, "  %.*s", (int)len, s);
		s += len + (s[len] == '\n');
	}
	if (n > CHANGES_SHOWN)
		out_say(c, "  and %zu more.", n - CHANGES_SHOWN);
	out_say(c, n ? "Saved. `adit restart` makes it used." :
		"Saved. For engine = auto it changes nothing.");
	sbuf_fini(&b);
}

static int save(struct cli *c, struct hw_bench *b, struct err *e)
{
	struct profile *before = calloc(1, sizeof(*before)), *now = calloc(1, sizeof(*now));
	struct err ignored = { 0 };
	int rc = -1;

	if (!before || !now) {
		err_set(e, "out of memory");
	} else {
		if (profile_load(before, c->front.config_dir, &ignored) < 0)
			before->n = 0;
		rc = hw_bench_save(b, c->front.config_dir, e);
		hw_profile(b, now);
		if (rc == 0 && !cli_has(c, OPT_JSON))
			say_changes(c, b, before, now);
	}
	free(before);
	free(now);
	return rc;
}

int hw_bench(struct cli *c, struct err *e)
{
	unsigned ms = cli_has(c, OPT_SUITE) ? HW_SUITE_MS : cli_has(c, OPT_QUICK) ? HW_QUICK_MS :
		      HW_BENCH_MS;
	bool keep = !cli_has(c, OPT_NO_SAVE);
	const char *suite = c->opt[OPT_SUITE];
	struct hw_row only = { 0 };
	struct hw_bench b = { 0 };
	int rc;

	if (suite && hw_suite_parse(suite, &only, e) < 0)
		return err_wrap(e, "--suite");
	/* Not after half a minute. */
	if (keep && access(c->front.config_dir, W_OK) < 0) {
		err_errno(e, "the measurement cannot be kept: %s", c->front.config_dir);
		return err_wrap(e, "--no-save only shows it");
	}
	out_note(c, "measuring for about %u s%s ...", ms / 1000,
		 geteuid() == 0 ? "" : "; as root the kernel's ESP is measured too");
	rc = measure(c, &b, ms, true, suite, e);
	if (rc == 0 && cli_has(c, OPT_JSON)) {
		struct json_object *o = json_object_new_object();

		json_put_u64(o, "when", (uint64_t)b.when_s);
		json_put_bool(o, "saved", keep);
		hw_bench_json(&b, o);
		out_json(c, o);
	} else if (rc == 0) {
		tables(c, &b, suite ? &only : NULL);
		if (!cli_has(c, OPT_PLAIN))
			sbuf_add(&c->out, "\n");
	}
	if (rc == 0 && keep)
		rc = save(c, &b, e);
	hw_bench_fini(&b);
	return rc;
}
