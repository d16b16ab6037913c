/* vec: test vectors from a text file. A record is a line of words: its name, then key=value
 * pairs. It goes on in lines that begin with a tab; a backslash at the end of a line joins a
 * value that was cut. "#" begins a comment line. Values are hex or words. */
#ifndef ADIT_TESTS_VEC_H
#define ADIT_TESTS_VEC_H

#include "core/base/rd.h"
#include "tests/unit/t.h"

#include <stdint.h>

#define VEC_KEYS 16
#define VEC_TEXT 32768		/* letters of one record */
#define VEC_BYTES 8192		/* bytes of one value */

struct vec {
	const char *name;
	size_t n;
	const char *key[VEC_KEYS], *val[VEC_KEYS];
	char text[VEC_TEXT];
};

/* NULL when the record has no such key. */
static inline const char *vec_get(const struct vec *v, const char *key)
{
	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->key[i], key) == 0)
			return v->val[i];
	return NULL;
}

static inline const char *vec_word(const struct vec *v, const char *key)
{
	const char *s = vec_get(v, key);

	if (!s)
		printf("    %s has no \"%s\"\n", v->name, key);
	CHECK(s);
	return s;
}

/* buf holds VEC_BYTES. */
static inline struct slice vec_hex(const struct vec *v, const char *key, uint8_t *buf)
{
	const char *s = vec_word(v, key);
	size_t n = strlen(s) / 2;

	CHECK(strlen(s) % 2 == 0 && n <= VEC_BYTES);
	for (size_t i = 0; i < n; i++)
		CHECK(sscanf(s + 2 * i, "%2hhx", &buf[i]) == 1);
	return (struct slice){ buf, n };
}

static inline void vec_split(struct vec *v)
{
	char *save = NULL;

	v->name = strtok_r(v->text, " \t\n", &save);
	v->n = 0;
	CHECK(v->name);
	for (char *w; (w = strtok_r(NULL, " \t\n", &save)); v->n++) {
		char *eq = strchr(w, '=');

		CHECK(eq && v->n < VEC_KEYS);
		*eq = '\0';
		v->key[v->n] = w;
		v->val[v->n] = eq + 1;
	}
}

/* Call fn for each record; its name is shown when a check in it fails. Returns how many. */
static inline int vec_each(const char *path, void (*fn)(const struct vec *v))
{
	static struct vec v;
	static char line[VEC_TEXT];
	FILE *f = fopen(path, "r");
	jmp_buf outer;
	size_t len = 0;
	int n = 0, how;

	if (!f)
		printf("    %s is missing\n", path);
	CHECK(f);
	memcpy(outer, t_jump, sizeof(outer));
	v.name = "(no record)";
	how = setjmp(t_jump);
	if (how) {
		printf("    in %s, %s\n", path, v.name);
		fclose(f);
		memcpy(t_jump, outer, sizeof(outer));
		longjmp(t_jump, how);
	}
	for (bool more = true; more;) {
		bool joins = len && v.text[len - 1] == '\\';

		more = fgets(line, sizeof(line), f);
		if (more && line[0] == '#')
			continue;
		if (len && (!more || (line[0] != '\t' && !joins))) {
			vec_split(&v);
			fn(&v);
			n++;
			len = 0;
		}
		if (!more)
			break;
		line[strcspn(line, "\n")] = '\0';
		if (joins)
			len--;
		CHECK(len + strlen(line) < sizeof(v.text));
		strcpy(v.text + len, joins ? line + 1 : line);
		len += strlen(v.text + len);
	}
	fclose(f);
	memcpy(t_jump, outer, sizeof(outer));
	return n;
}

#endif
