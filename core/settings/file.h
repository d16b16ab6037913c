/* file: one settings file, text to draft. The only file of adit that knows libconfuse is
 * file.c. */
#ifndef ADIT_SETTINGS_FILE_H
#define ADIT_SETTINGS_FILE_H

#include "core/settings/draft.h"
#include "core/settings/findings.h"

/* A draft of what stands there; wrong values stay in it as they are (check_peer() says
 * what is wrong with them). Unknown keys, keys given twice and the like are findings.
 * NULL when it is not keys and values at all. */
struct draft *file_parse(enum setting_scope scope, const char *file, const char *name,
			 const char *text, size_t len, struct findings *fs);

/* Give the findings from index first on, as far as they are about this peer and have no
 * place yet, their file, line and column. */
void file_place(const char *file, const char *peer, const char *text, size_t len,
		struct findings *fs, size_t first);

#endif
