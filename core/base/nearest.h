/* nearest: did you mean? */
#ifndef ADIT_BASE_NEAREST_H
#define ADIT_BASE_NEAREST_H

#include <stddef.h>

/* The nearest of n words (Levenshtein, a swap of neighbours is one step, case ignored),
 * or NULL when none is within 2 steps (1 for words of up to 3 letters). word_at gives the
 * i-th word; NULL ones are skipped. */
const char *nearest(const char *typed, size_t n,
		    const char *(*word_at)(const void *arg, size_t i), const void *arg);
/* The same over a NULL-terminated array. */
const char *nearest_of(const char *typed, const char *const *words);

#endif
