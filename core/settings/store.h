/* store: changing the config dir.
 *
 * A commit first writes the whole new state into one file, `journal` (temp, fsync,
 * rename, fsync the folder): with that rename the change has happened. Only then are the
 * files themselves replaced, each by temp, fsync, rename; last the journal becomes
 * history/N. Who reads while a journal is there reads the journal instead of the files;
 * who read files while one came or went reads again. A writer that was killed leaves at
 * most a journal (or temp files), which the next writer finishes (or removes). So: old or
 * new, at any instant.
 *
 * history/ keeps the last HISTORY_MAX committed states. Files changed by hand since the
 * last commit become a state of their own before the next one, so they can be rolled back
 * to.
 */
#ifndef ADIT_SETTINGS_STORE_H
#define ADIT_SETTINGS_STORE_H

#include "core/settings/draft.h"
#include "core/settings/findings.h"
#include "core/settings/settings.h"

#include <sys/types.h>

#define HISTORY_MAX 20
#define COMMIT_WHAT_MAX 120

/* --- one commit each: lock, change, check, write, unlock --- */

/* How a change is made. Zero is fine. */
struct commit {
	const struct prefix *lan; /* the router's networks, for the checks; may be NULL */
	size_t n_lan;
	const char *what; /* for the history: "peer set branch keying_tries=3"; NULL: made
			     up */
	unsigned generation;    /* out: the state this became; the current one if nothing
				   changed */
	bool changed;		/* out */
};

/* A change that leaves the peer (or another with regard to it) with an error is refused,
 * EXIT_SETTINGS, with *fs saying why; warnings are in *fs on success too. fs may be NULL.
 * Of errors the first is in *e. Locked by someone else: EXIT_FAILED, naming who. */

/* The draft's peer must not exist yet; its PSK, where set, is stored with it. */
int settings_peer_add(const char *dir, const struct draft *d, struct commit *c,
		      struct findings *fs, struct err *e) MUST_USE;
/* base is the draft the edit began with (as loaded), or NULL: when the file says
 * something else by now, someone changed it meanwhile, and the change is refused. */
int settings_peer_change(const char *dir, const struct draft *d, const struct draft *base,
			 struct commit *c, struct findings *fs, struct err *e) MUST_USE;
int settings_peer_delete(const char *dir, const char *name, struct commit *c,
			 struct err *e) MUST_USE;
/* The PSK moves along. */
int settings_peer_rename(const char *dir, const char *from, const char *to,
			 struct commit *c, struct findings *fs, struct err *e) MUST_USE;
/* The copy is disabled (it would answer to the same gateway and IDs) and has a copy of
 * the PSK. */
int settings_peer_copy(const char *dir, const char *from, const char *to,
		       struct commit *c, struct findings *fs, struct err *e) MUST_USE;
int settings_peer_enable(const char *dir, const char *name, bool enabled,
			 struct commit *c, struct findings *fs, struct err *e) MUST_USE;
int settings_router_change(const char *dir, const struct draft *d,
			   const struct draft *base, struct commit *c,
			   struct findings *fs, struct err *e) MUST_USE;

/* --- several changes in one commit --- */

struct store;

/* Take the lock (waiting half a second for a short change by another), finish what a
 * killed writer left. The dir is made if it is missing. what goes into the lock file:
 * "adit peer set branch". NULL with the error: EXIT_FAILED "root (pid 4711, pts/3) is
 * changing the settings since 14:05:10: adit tui; try again when that is done",
 * EXIT_NOT_PERMITTED. */
struct store *store_open(const char *dir, const char *what, struct err *e) MUST_USE;
/* Give the lock back; what was staged and not committed is forgotten. */
void store_close(struct store *s);

/* The peer as it would be after the commit, the caller's to draft_free(). EXIT_NO_PEER.
 */
int store_peer(struct store *s, const char *name, struct draft **out, struct findings *fs,
	       struct err *e) MUST_USE;
bool store_has_peer(const struct store *s, const char *name);
/* Stage: add or replace (comments in the file are kept), delete, rename, copy. */
int store_put_peer(struct store *s, const struct draft *d, struct err *e) MUST_USE;
int store_del_peer(struct store *s, const char *name, struct err *e) MUST_USE;
int store_rename_peer(struct store *s, const char *from, const char *to,
		      struct err *e) MUST_USE;
int store_copy_peer(struct store *s, const char *from, const char *to,
		    struct err *e) MUST_USE;
int store_put_router(struct store *s, const struct draft *d, struct err *e) MUST_USE;
/* Check and write all that was staged. */
int store_commit(struct store *s, struct commit *c, struct findings *fs,
		 struct err *e) MUST_USE;

/* --- history --- */

struct generation {
	unsigned number;
	int64_t wall_s;
	char who[40];			/* "root pts/3" */
	char what[COMMIT_WHAT_MAX];	/* one line */
};

/* Newest first, at most HISTORY_MAX; none: 0 in *n. */
int settings_history(const char *dir, struct generation *out, size_t *n,
		     struct err *e) MUST_USE;

/* What differs from generation `from` (0: the last one committed, so with to = 0 what was
 * changed by hand since) to generation `to` (0: the files as they are now), key by key;
 *secrets only as "psk changed": peer branch keying_tries: 0 -> 3 peer hq (new) … Nothing
 *is appended when nothing differs. Needs to read history/: root. EXIT_FAILED when there
 *is no such generation. */
int settings_diff(const char *dir, unsigned from, unsigned to, struct sbuf *out,
		  struct err *e) MUST_USE;

/* Make the settings what they were in that generation, as a new commit (so it can be
 * rolled back too). 0: the last change is undone, be it a commit or edits by hand since.
 * Not checked for errors: it was good, or as good, before. */
int settings_rollback(const char *dir, unsigned generation, struct commit *c,
		      struct err *e) MUST_USE;

#endif
