/* diff: what a reload changed, peer by peer, so that the others do not notice. */
#ifndef ADIT_DAEMON_DIFF_H
#define ADIT_DAEMON_DIFF_H

#include "core/ipc/msg.h"

#include <stdbool.h>

/* The messages by which iked hears of a peer; also the form in which two are compared. */
void diff_peer_msg(const struct peer_conf *p, struct msg_peer *out);
void diff_child_msg(const struct peer_conf *p, size_t child, struct msg_child *out);
/* The same in every setting, children included. */
bool diff_same(const struct peer_conf *a, const struct peer_conf *b);

struct diff_count {
	unsigned added, changed, removed, same;
};

/* Both sorted by name. fn gets before NULL for a new peer, after NULL for one that is gone,
 * and both for one that changed; it is not called for the others. */
struct diff_count diff_walk(const struct settings *before, const struct settings *after,
			    void (*fn)(void *arg, const struct peer_conf *before,
				       const struct peer_conf *after), void *arg);
/* "1 peer changed, 2 added, 1 removed", or "no change". Returns buf. */
const char *diff_text(const struct diff_count *c, char *buf, size_t cap);

/* Peers that are in use but that `fresh` lacks because their file went bad go over from `old`
 * to `fresh`, which stays sorted: is_bad() says which. A peer whose interface somebody else
 * has by now cannot stay. Returns how many were kept, -1 when out of memory. */
int diff_keep_bad(struct settings *old, struct settings *fresh,
		  bool (*is_bad)(void *arg, const char *name), void *arg);

#endif
