/* out: how adit's verbs speak: text gathered in c->out and shown at once (through a pager
 * when it is longer than the screen), tables that fit the terminal, sentences, questions.
 */
#ifndef ADIT_CLI_OUT_H
#define ADIT_CLI_OUT_H

#include "cli/cli.h"

/* Look at the terminal, the locale and the options. */
void out_init(struct cli *c);
/* Show what was gathered. -1 when stdout failed (a closed pipe is no failure). */
int out_flush(struct cli *c, struct err *e) MUST_USE;

/* Append text, made clean, in the tone's colour (none when there is none). */
void out_tone(struct cli *c, enum fmt_tone tone, const char *text);
/* One sentence about what was done: nothing with --quiet, an object with --json; on
 * stderr when stdout is for data. */
void out_say(struct cli *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* On stderr at once, for steps and warnings; nothing with --quiet. */
void out_note(struct cli *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Print and put the object; "v" is put in front when it is not there. */
void out_json(struct cli *c, struct json_object *obj);
/* Paragraphs wrapped to the terminal (80 where it is none), each line behind indent
 * blanks. */
void out_wrap(struct cli *c, size_t indent, const char *text);
/* "a,b,c" as "a, b, c", so that it can be wrapped. */
void out_spread(struct sbuf *b, const char *list);
/* "a,b,c" as "a (+2)", for a table. */
void out_first(struct sbuf *b, const char *list);
/* "  Label        value" lines of a detail page; an empty value is left out. */
void out_field(struct cli *c, const char *label, enum fmt_tone tone, const char *value);

/* The same with a label column of that width, wrapped to the terminal; empty too. */
void out_labelled(struct cli *c, size_t label_width, const char *label,
		  enum fmt_tone tone, const char *value);

/* Ask before something that is hard to undo: 0 yes; -1 with EXIT_FAILED (no) or
 * EXIT_USAGE (nobody to ask: no terminal and no --yes). */
int out_confirm(struct cli *c, const char *question, struct err *e) MUST_USE;

/* --- tables --- */

#define TABLE_COLS_MAX 16

struct table_col {
	const char *title;
	bool right;		/* numbers */
	size_t min;		/* columns it may be cut to; 0: never cut */
	unsigned char drop; /* on a narrow terminal the highest goes first; 0: never */
};

struct table_cell {
	char *text;
	enum fmt_tone tone;
};

/* Text below a row, across all columns: why a peer is down. */
struct table_note {
	size_t row;
	struct table_cell cell;
};

/* Rows are added cell by cell; a row is full when every column has its cell. */
struct table {
	const struct table_col *cols;
	size_t n_cols;
	struct table_cell *cells;
	size_t n_cells, cap;
	struct table_note *notes;
	size_t n_notes, notes_cap;
	bool bad;
};

void table_init(struct table *t, const struct table_col *cols, size_t n_cols);
/* text is copied; NULL is "". */
void table_add(struct table *t, enum fmt_tone tone, const char *text);
void table_addf(struct table *t, enum fmt_tone tone, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
/* Below the last row; not part of --plain. */
void table_note(struct table *t, enum fmt_tone tone, const char *text);
/* Append it to c->out: fitted and coloured, or tab-separated without a heading (--plain).
 */
void table_print(struct cli *c, const struct table *t);
void table_fini(struct table *t);

#endif
