/* findings: a growing list, and how one is shown. */
#include "core/settings/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void findings_fini(struct findings *fs)
{
	for (size_t i = 0; i < fs->n; i++)
		free(fs->f[i].source);
	free(fs->f);
	memset(fs, 0, sizeof(*fs));
}

static struct finding *grow(struct findings *fs)
{
	struct finding *more;
	size_t cap;

	if (fs->n == FINDINGS_MAX)
		return NULL;
	if (fs->n == fs->cap) {
		cap = fs->cap ? fs->cap * 2 : 8;
		more = realloc(fs->f, cap * sizeof(*more));
		if (!more)
			return NULL;
		fs->f = more;
		fs->cap = cap;
	}
	return &fs->f[fs->n++];
}

struct finding *findings_add(struct findings *fs, enum finding_level level,
			     const char *peer, const char *key, const char *fmt, ...)
{
	struct finding *f;
	va_list ap;

	if (level == FINDING_ERROR)
		fs->errors++;
	else
		fs->warnings++;
	f = grow(fs);
	if (!f)
		return NULL;
	memset(f, 0, sizeof(*f));
	f->level = level;
	snprintf(f->peer, sizeof(f->peer), "%s", peer);
	snprintf(f->key, sizeof(f->key), "%s", key);
	va_start(ap, fmt);
	vsnprintf(f->msg, sizeof(f->msg), fmt, ap);
	va_end(ap);
	return f;
}

bool findings_has_error(const struct findings *fs, const char *peer)
{
	for (size_t i = 0; i < fs->n; i++)
		if (fs->f[i].level == FINDING_ERROR && strcmp(fs->f[i].peer, peer) == 0)
			return true;
	return false;
}

const struct finding *findings_for(const struct findings *fs, const char *peer,
				   const char *key)
{
	const struct finding *warning = NULL;

	for (size_t i = 0; i < fs->n; i++) {
		const struct finding *f = &fs->f[i];

		if (strcmp(f->peer, peer) != 0 || strcmp(f->key, key) != 0)
			continue;
		if (f->level == FINDING_ERROR)
			return f;
		if (!warning)
			warning = f;
	}
	return warning;
}

/* The caret must stand below its column: tabs stay tabs, a UTF-8 character is one blank.
 * What could steer a terminal is not shown as it is. */
static void print_source(struct sbuf *b, const struct finding *f)
{
	const char *s = f->source;
	unsigned at = 1;

	sbuf_add(b, "    ");
	for (size_t i = 0; s[i]; i++) {
		unsigned char c = (unsigned char)s[i];

		sbuf_addn(b, (c < 0x20 && c != '\t') || c == 0x7f ? "?" : &s[i], 1);
	}
	if (!f->column) {
		sbuf_add(b, "\n");
		return;
	}
	sbuf_add(b, "\n    ");
	for (; *s && at < f->column; s++, at++)
		if (((unsigned char)*s & 0xc0) != 0x80)
			sbuf_add(b, *s == '\t' ? "\t" : " ");
	sbuf_add(b, "^");
	for (unsigned i = 1; i < f->width && *s && s[1]; i++, s++)
		if (((unsigned char)s[1] & 0xc0) != 0x80)
			sbuf_add(b, "~");
	sbuf_add(b, "\n");
}

void finding_print(struct sbuf *b, const struct finding *f)
{
	if (f->file[0]) {
		sbuf_add(b, f->file);
		if (f->line)
			sbuf_addf(b, ":%u", f->line);
		if (f->line && f->column)
			sbuf_addf(b, ":%u", f->column);
		sbuf_add(b, ": ");
	} else if (f->peer[0])
		sbuf_addf(b, "%s: ", f->peer);
	sbuf_add(b, f->level == FINDING_ERROR ? "error: " : "warning: ");
	if (f->key[0])
		sbuf_addf(b, "%s: ", f->key);
	sbuf_addf(b, "%s\n", f->msg);
	if (f->source)
		print_source(b, f);
}

void findings_print(struct sbuf *b, const struct findings *fs)
{
	for (size_t i = 0; i < fs->n; i++)
		finding_print(b, &fs->f[i]);
	if (fs->errors + fs->warnings > fs->n)
		sbuf_addf(b, "and %zu more\n", fs->errors + fs->warnings - fs->n);
}
