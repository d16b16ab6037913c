/* load: from all files' bytes to settings and findings, for readers and for a commit's
 * check. */
#ifndef ADIT_SETTINGS_LOAD_H
#define ADIT_SETTINGS_LOAD_H

#include "core/settings/snap.h"

/* As settings_load(); dir is for the words of findings. */
int load_snap(const char *dir, const struct snap *snap, const struct prefix *lan,
	      size_t n_lan, struct settings *out, struct findings *fs,
	      struct err *e) MUST_USE;
/* One file's draft and, in *fs, what is wrong with it. EXIT_NO_PEER. */
int load_peer_draft(const struct snap *snap, const char *name, struct draft **out,
		    struct findings *fs, struct err *e) MUST_USE;
int load_router_draft(const struct snap *snap, struct draft **out, struct findings *fs,
		      struct err *e) MUST_USE;
/* The nearest peer's name; NULL when none is near. Borrowed from snap's paths into buf.
 */
const char *load_nearest_peer(const struct snap *snap, const char *name,
			      char buf[PEER_NAME_MAX + 1]);

#endif
