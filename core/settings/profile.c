/* profile: a small file of our own, read by aditd as root: every word of it is checked. */
#include "core/settings/profile.h"

#include "core/crypto/alg.h"
#include "core/settings/whole.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

const char *const engine_names[ENGINE_IDS] = { "mbedtls", "ipsec_mb", "afalg", "null" };
const uint16_t profile_sizes[PROFILE_SIZES] = { 64, 256, 576, 1400, 8192 };

/* ---- reading ---- */

/* "aes256gcm16", "aes256-sha256": one cipher, and one hash where it needs one. */
static int suite_of(const char *word, struct profile_row *r, struct err *e)
{
	struct suite_list l;

	if (suite_parse(SUITE_ESP, word, &l, e) < 0)
		return -1;
	if (l.n != 1 || l.s[0].n_encr != 1 || l.s[0].n_integ > 1)
		return err_set(e, "\"%.40s\" is more than one suite", word);
	r->encr = l.s[0].encr[0].id;
	r->encr_bits = l.s[0].encr[0].key_bits;
	r->integ = l.s[0].n_integ ? l.s[0].integ[0] : INTEG_NONE;
	return 0;
}

static int size_of(unsigned size, struct profile_row *r, struct err *e)
{
	for (int i = 0; i < PROFILE_SIZES; i++)
		if (profile_sizes[i] == size) {
			r->size = (uint16_t)size;
			return 0;
		}
	return err_set(e, "%u is no size that is measured", size);
}

static int engine_of(const char *word, struct profile_row *r, struct err *e)
{
	for (int i = 0; i < ENGINE_IDS; i++)
		if (strcmp(engine_names[i], word) == 0) {
			r->engine = (uint8_t)i;
			return 0;
		}
	return err_set(e, "\"%.20s\" is no engine", word);
}

static int row_of(const char *line, struct profile_row *r, struct err *e)
{
	char suite[64], engine[16];
	unsigned size, batch, mbit;
	int end = 0;

	if (sscanf(line, "%63s %u %15s %u %u %n", suite, &size, engine, &batch, &mbit, &end) != 5 ||
	    line[end])
		return err_set(e, "not of the form SUITE SIZE ENGINE BATCH MBIT");
	if (batch < 1 || batch > UINT8_MAX)
		return err_set(e, "%u is no number of packets for a batch", batch);
	r->batch = (uint8_t)batch;
	r->mbit = mbit;
	if (suite_of(suite, r, e) < 0 || size_of(size, r, e) < 0)
		return -1;
	return engine_of(engine, r, e);
}

static int read_rows(struct profile *p, FILE *f, const char *path, struct err *e)
{
	struct err why = { 0 };
	char line[160];

	for (unsigned n = 1; fgets(line, sizeof(line), f); n++) {
		if (!strchr(line, '\n') && !feof(f))
			return err_set(e, "%s:%u: a line too long", path, n);
		if (line[0] == '#' || line[strspn(line, " \t\r\n")] == '\0')
			continue;
		if (p->n == PROFILE_ROWS)
			return err_set(e, "%s:%u: more than %d lines", path, n, PROFILE_ROWS);
		if (row_of(line, &p->row[p->n], &why) < 0)
			return err_set(e, "%s:%u: %s", path, n, why.msg);
		p->n++;
	}
	return ferror(f) ? err_errno(e, "%s", path) : 0;
}

int profile_load(struct profile *p, const char *config_dir, struct err *e)
{
	char path[PATH_MAX];
	FILE *f;
	int r;

	memset(p, 0, sizeof(*p));
	snprintf(path, sizeof(path), "%s/" PROFILE_FILE, config_dir);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? 0 : err_errno(e, "%s", path);
	r = read_rows(p, f, path, e);
	fclose(f);
	return r;
}

const struct profile_row *profile_find(const struct profile *p, uint16_t encr,
				       uint16_t encr_bits, uint16_t integ, size_t size)
{
	const struct profile_row *best = NULL;
	size_t best_off = 0;

	for (size_t i = 0; i < p->n && i < PROFILE_ROWS; i++) {
		const struct profile_row *r = &p->row[i];
		size_t off = r->size > size ? r->size - size : size - r->size;

		if (r->encr != encr || r->encr_bits != encr_bits || r->integ != integ)
			continue;
		if (!best || off < best_off) {
			best = r;
			best_off = off;
		}
	}
	return best;
}

/* ---- writing ---- */

static int write_rows(const void *arg, FILE *f)
{
	const struct profile *p = arg;

	fprintf(f, "# What adit bench measured on this router: suite, bytes of a packet's data, "
		   "engine,\n# packets in one batch, Mbit/s on one core.\n");
	for (size_t i = 0; i < p->n && i < PROFILE_ROWS; i++) {
		const struct profile_row *r = &p->row[i];
		const struct alg *c = alg_get(ALG_ENCR, r->encr, r->encr_bits);
		const struct alg *h = r->integ ? alg_get(ALG_INTEG, r->integ, 0) : NULL;

		if (c && r->engine < ENGINE_IDS)
			fprintf(f, "%s%s%s %u %s %u %u\n", c->name, h ? "-" : "", h ? h->name : "",
				r->size, engine_names[r->engine], r->batch, r->mbit);
	}
	return 0;
}

int profile_save(const struct profile *p, const char *config_dir, struct err *e)
{
	return whole_write(config_dir, PROFILE_FILE, write_rows, p, e);
}
