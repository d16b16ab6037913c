/* commit: the writing half of core/settings/store.h: journal, files, history. All of it
 * is for the holder of the lock. */
#ifndef ADIT_SETTINGS_COMMIT_H
#define ADIT_SETTINGS_COMMIT_H

#include "core/settings/snap.h"

/* Finish what a killed writer left: a journal is applied and goes to history, temp files
 * go. */
int commit_recover(int dirfd, struct err *e) MUST_USE;
/* Save files as they are as a generation, if the latest is not the same. Its number, or
 * the latest's, goes into *number. */
int commit_baseline(int dirfd, const struct snap *cur, unsigned *number, struct err *e)
	MUST_USE;
/* Make the files what s says. s->gen is filled but for the number, which is set here. */
int commit_write(int dirfd, struct snap *s, unsigned number, struct err *e) MUST_USE;
/* "history/13" */
const char *commit_path(unsigned number, char *buf, size_t cap);
/* Who is doing this, for lock and history: "alice" or "root", and "pts/3" or "". */
void commit_who(char *user, size_t user_cap, char *tty, size_t tty_cap);

#endif
