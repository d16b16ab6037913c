/* theme: how each element of the screen looks. Themes are files (themes/NAME): a line
 *
 *	ELEMENT  fg=COLOR bg=COLOR ATTR…  mono=ATTR,ATTR
 *
 * COLOR: default, one of the eight names, bright and one of them (brightred), or 0..255. ATTR:
 * bold, dim, underline, reverse. mono: what it looks like without colours. # starts a comment.
 * Elements not named keep what the built-in theme has.
 */
#ifndef ADIT_TUI_THEME_H
#define ADIT_TUI_THEME_H

#include "core/base/err.h"

/* The first ones are enum fmt_tone (core/front/fmt.h), in its order. */
enum element {
	EL_TEXT, EL_GOOD, EL_WAIT, EL_BAD, EL_OFF, EL_WEAK, EL_DIM, EL_HEAD,
	EL_BAR,		/* top line */
	EL_KEYS,	/* bottom line: what keys do */
	EL_KEY,		/* and the keys themselves */
	EL_SELECT,	/* the selected row */
	EL_FIELD,	/* an input field */
	EL_FOCUS,	/* the one being edited */
	EL_ERROR,
	EL_BORDER,
	EL_GRAPH,
	EL_N,
};

enum { AT_BOLD = 1, AT_DIM = 2, AT_UNDERLINE = 4, AT_REVERSE = 8 };

struct look {
	short fg, bg;		/* -1: the terminal's own */
	unsigned attrs, mono;	/* AT_* */
};

struct theme {
	char name[32];
	struct look look[EL_N];
};

/* "text", "good", … as files name them. */
const char *element_name(enum element el);
/* The theme that is compiled in: "default". */
void theme_builtin(struct theme *t);
/* Parse a theme's text over the built-in one. Errors name the line. */
int theme_parse(const char *name, const char *text, struct theme *t, struct err *e) MUST_USE;
/* Find NAME in ADIT_THEME_DIR (environment), the installed themes, or ./themes; "default"
 * needs no file. name must be a plain word. */
int theme_load(const char *name, struct theme *t, struct err *e) MUST_USE;

#endif
