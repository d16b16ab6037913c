/* edit: a draft into the text of its file, line by line, so that what the admin wrote
 * there (comments, order, layout, values that did not change) stays. */
#ifndef ADIT_SETTINGS_EDIT_H
#define ADIT_SETTINGS_EDIT_H

#include "core/base/sbuf.h"
#include "core/settings/draft.h"

/* old NULL: a new file. EXIT_SETTINGS when old is not keys and values. */
int edit_text(const struct draft *d, const char *file, const char *old, size_t old_len,
	      struct sbuf *out, struct err *e) MUST_USE;
/* The value as a file has it: quoted where it must be, several in braces. */
void edit_value(struct sbuf *out, const struct setting *s, const char *text);

#endif
