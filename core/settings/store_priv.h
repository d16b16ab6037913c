/* store_priv: the inside of a store, for the files of core/settings alone. */
#ifndef ADIT_SETTINGS_STORE_PRIV_H
#define ADIT_SETTINGS_STORE_PRIV_H

#include "core/settings/snap.h"
#include "core/settings/store.h"

#define STORE_TOUCHED_MAX 256

struct store {
	int dirfd, lockfd;
	char *dir;
	char what[COMMIT_WHAT_MAX];
	struct snap cur, next;		/* as found, and as it is to be */
	char touched[STORE_TOUCHED_MAX][PEER_NAME_MAX + 1];
	size_t n_touched;
	bool touched_router;
};

/* Write what is staged without a look at it. */
int store_commit_unchecked(struct store *s, struct commit *c, struct err *e) MUST_USE;

#endif
