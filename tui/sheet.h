/* sheet: a small form that is no settings: a few fields, one thing to do with them. */
#ifndef ADIT_TUI_SHEET_H
#define ADIT_TUI_SHEET_H

#include "tui/tui.h"

#define SHEET_FIELDS_MAX 8
#define SHEET_TEXT_MAX 2048

struct sheet_field {
	const char *label;
	const char *help;	/* a sentence or two */
	const char *const *choices;	/* NULL-terminated, copied; NULL: text is typed */
	const char *initial;	/* NULL: "", or the first choice */
	bool secret;
};

/* What came of it: both are done once the sheet is closed. */
struct sheet_done {
	char say[200];		/* "gw is made"; the daemon is told to look again */
	char title[80];		/* and a page of text, where text is not NULL */
	char *text;		/* malloc'd */
};

/* Do it with the values, one for each field, "" where nothing was given. -1: the error is
 * shown, and the sheet stays; *at, the field to go to, may be set then. */
typedef int sheet_fn(void *arg, struct tui *t, const char *const *values,
		     struct sheet_done *out, size_t *at, struct err *e);

/* about: a line above the fields, may be "". arg must outlive the sheet. */
struct view *sheet_view(struct tui *t, const char *title, const char *about,
			const struct sheet_field *fields, size_t n, sheet_fn *fn, void *arg)
	MUST_USE;

#endif
