/* form: what the two halves of a form share: form.c (fields, keys, saving) and form_draw.c. */
#ifndef ADIT_TUI_FORM_H
#define ADIT_TUI_FORM_H

#include "core/settings/draft.h"
#include "core/settings/store.h"
#include "tui/edit.h"
#include "tui/tui.h"

#define FORM_KEY_MAX 96
#define FORM_FIELDS_MAX 160
#define FORM_PAGES_MAX 8

struct field {
	char key[FORM_KEY_MAX];
	const struct setting *s;	/* NULL: a heading */
	char heading[80];
	char *typed;			/* a value that was refused, as it was typed */
	char error[ERR_MSG_MAX];	/* "" fine */
	bool warning;			/* error holds a warning only */
	int row, rows;			/* where it was drawn last; rows 0: not in sight */
};

struct form {
	struct view v;
	struct draft *draft, *base;	/* base: as it was loaded; NULL for a new peer */
	bool router;
	bool named;			/* a new peer has been given its name */
	int stored, stored_ppk;		/* a PSK, a PPK is stored: 1, 0, -1 not known */
	bool stale;			/* other fields may have an effect now */
	int page, n_pages;
	int tab_end[FORM_PAGES_MAX];	/* column behind each tab as last drawn; 0 not shown */
	int tab_row;
	struct field fields[FORM_FIELDS_MAX];
	size_t n, at, first;
	struct edit edit;		/* the focused field's */
	bool touched;			/* and whether it was changed there */
	bool reveal;
	unsigned weak;			/* what saving asked to allow */
	struct findings findings;	/* of the last attempt to save */
};

/* The page's name for the line of tabs. */
const char *form_page_name(const struct form *f, int page);
/* True for values that are typed; false for those that are toggled or cycled. */
bool form_is_text(const struct setting *s);
/* Values that are put together from lists of algorithms. */
bool form_is_suites(const struct setting *s);
/* What stands in a field: what was typed and refused, or the draft's value; "" when a new peer
 * has no name yet. */
const char *form_value(const struct form *f, const struct field *fl);

/* --- form.c --- */

/* The focused field is left: check and take what was typed. False when it was refused. */
bool form_take(struct form *f);
/* Set field i; a refused text stays in it with the error. The field keeps its focus. */
bool form_set(struct form *f, size_t i, const char *text);
/* The same for a field of the page as it is now; its focus is the caller's. */
bool form_set_value(struct form *f, struct field *fl, const char *text);
/* The cursor into field i of the page. */
void form_focus(struct form *f, size_t i);
/* The page that has this key, and the field. */
void form_show_field(struct form *f, const char *key);
/* No refused value on this page; says which it is otherwise, and goes there. */
bool form_page_clean(struct form *f);
/* To the next field, or the one before. */
void form_go(struct form *f, int by);

/* --- form_choose.c --- */

/* Offer values for the focused field. */
void form_choose(struct form *f);
/* Bits of enum weak that a text of proposals, or all in the draft, need and allow_weak does not
 * name. */
unsigned form_weak_in(const struct form *f, const struct setting *s, const char *text);
unsigned form_weak(const struct form *f);
/* Let allow_weak name them too. */
bool form_allow(struct form *f, unsigned bits);

/* --- form_secret.c --- */

/* Show the focused key, else the pre-shared key; make a random one. */
void form_reveal(struct form *f);
void form_generate(struct form *f);

/* --- form_command.c --- */

/* Show the command that does the same. */
void form_show_command(struct form *f);

/* --- form_draw.c --- */

void form_draw(struct view *v, int top, int rows);

#endif
