/* nearest: did you mean? Optimal string alignment: insert, delete, change, swap
 * neighbours. */
#include "core/base/nearest.h"

#include <ctype.h>
#include <string.h>

#define WORD_CAP 64
#define FAR 99

static int lower(char c)
{
	return tolower((unsigned char)c);
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

static unsigned distance(const char *a, const char *b)
{
	unsigned rows[3][WORD_CAP + 1];
	size_t na = strlen(a), nb = strlen(b);

	if (na > WORD_CAP || nb > WORD_CAP)
		return FAR;
	for (size_t j = 0; j <= nb; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned *row = rows[i % 3], *up = rows[(i + 2) % 3],
			 *up2 = rows[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned differ = lower(a[i - 1]) != lower(b[j - 1]);

			row[j] = min3(row[j - 1] + 1, up[j] + 1, up[j - 1] + differ);
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
			    lower(a[i - 2]) == lower(b[j - 1]) && up2[j - 2] + 1 < row[j])
				row[j] = up2[j - 2] + 1;
		}
	}
	return rows[na % 3][nb];
}

const char *nearest(const char *typed, size_t n,
		    const char *(*word_at)(const void *arg, size_t i), const void *arg)
{
	unsigned best_d = (strlen(typed) <= 3 ? 1 : 2) + 1;
	const char *best = NULL;

	for (size_t i = 0; i < n; i++) {
		const char *w = word_at(arg, i);
		unsigned d = w ? distance(typed, w) : FAR;

		if (d < best_d) {
			best_d = d;
			best = w;
		}
	}
	return best;
}

static const char *array_word(const void *arg, size_t i)
{
	return ((const char *const *)arg)[i];
}

const char *nearest_of(const char *typed, const char *const *words)
{
	size_t n = 0;

	while (words[n])
		n++;
	return nearest(typed, n, array_word, words);
}
