/* edit: one line of text under a cursor: UTF-8, the usual keys, a view that scrolls. */
#ifndef ADIT_TUI_EDIT_H
#define ADIT_TUI_EDIT_H

#include "tui/tui.h"

#define EDIT_MAX 2048

struct edit {
	char text[EDIT_MAX];	/* wiped by edit_fini() */
	size_t len, at;		/* bytes */
	size_t first;		/* leftmost byte shown */
};

void edit_set(struct edit *e, const char *text);
void edit_fini(struct edit *e);
/* HANDLED when the key moved or changed something; *changed (may be NULL) when the text did. */
enum handled edit_key(struct edit *e, int key, bool *changed);
/* mask: show a dot for each character. cursor: put the terminal's cursor into it. */
void edit_draw(struct edit *e, int row, int col, int width, enum element el, bool mask,
	       bool cursor);

#endif
