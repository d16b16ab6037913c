/* suites: the proposals of a peer, put together by choosing: encryption, hash, group. */
#ifndef ADIT_TUI_SUITES_H
#define ADIT_TUI_SUITES_H

#include "core/crypto/alg.h"
#include "tui/tui.h"

struct suites_how {
	enum suite_use use;
	const char *title;	/* "IKE algorithms"; outlives the box */
	bool weak;		/* offer weak algorithms too */
	/* What is set now, parsed; false when it is no list of proposals (an empty field too). */
	bool (*get)(void *arg, struct suite_list *out);
	/* Take a list, "" for the default; weak: bits that allow_weak has to name for it, which
	 * the admin agreed to. */
	void (*set)(void *arg, const char *text, unsigned weak);
	unsigned (*allowed)(void *arg);		/* what allow_weak names now */
	void *arg;
};

/* A box with the proposals: change, add, remove, order. What is chosen is set at once. */
void suites_edit(struct tui *t, const struct suites_how *how);

#endif
