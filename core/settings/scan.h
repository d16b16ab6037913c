/* scan: where things stand in a settings file: every key, value and section with its
 * bytes. libconfuse says what a file means; this says where, for error messages with a
 * column and for changing one value without touching the rest. It takes a little less
 * than libconfuse does: what it refuses never gets there. */
#ifndef ADIT_SETTINGS_SCAN_H
#define ADIT_SETTINGS_SCAN_H

#include <stdbool.h>
#include <stddef.h>

struct span {
	size_t off, len;
};

struct scan_item {
	struct span raw;	/* with its quotes */
};

struct scan_entry {
	int section;		/* index, -1: at the top */
	struct span key, value;	/* value: with quotes, or with the braces of a list */
	bool list;		/* written with braces */
	size_t item, n_items;	/* in items[] */
};

struct scan_section {
	struct span word;	/* "child", "defaults" */
	struct span title;	/* without quotes; len 0: none */
	struct span title_raw;
	bool titled;
	struct span whole;	/* from the word to the closing brace */
	size_t open, close;	/* the braces */
};

struct scan {
	const char *text;	/* borrowed */
	size_t len;
	struct scan_entry *entry;
	size_t n_entry, cap_entry;
	struct scan_section *section;
	size_t n_section, cap_section;
	struct scan_item *item;
	size_t n_item, cap_item;
	struct span *comment;	/* libconfuse does not take them everywhere, we do */
	size_t n_comment, cap_comment;
	/* when scan_text() failed: where and why; why NULL: out of memory */
	struct span bad;
	const char *why;
};

/* text needs no NUL at its end. -1: sc->bad and sc->why. In both cases scan_fini(). */
int scan_text(struct scan *sc, const char *text, size_t len);
void scan_fini(struct scan *sc);

bool span_is(const struct scan *sc, struct span s, const char *word);
/* The first entry with that key at that place; NULL when there is none. */
const struct scan_entry *scan_find(const struct scan *sc, int section, const char *key);
/* The first section with that word and title (NULL: any); -1 when there is none. */
int scan_find_section(const struct scan *sc, const char *word, const char *title);
/* Line and column, from 1, of a byte. */
void scan_place(const char *text, size_t len, size_t off, unsigned *line,
		unsigned *column);
/* The bytes of the line around off, without its newline. */
struct span scan_line(const char *text, size_t len, size_t off);

#endif
