/* check_priv: what check.c and check_ike.c share. */
#ifndef ADIT_SETTINGS_CHECK_PRIV_H
#define ADIT_SETTINGS_CHECK_PRIV_H

#include "core/settings/draft_priv.h"

struct check {
	const struct draft *d;
	const struct peer_conf *p;
	const struct prefix *lan;
	size_t n_lan;
	struct findings *fs;
	char prefix[48];	/* "" or "child.NAME." */
};

/* A finding about a key of the section that is looked at. */
struct finding *check_say(const struct check *c, enum finding_level level,
			  const char *key, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* check_ike.c: where the peer is, how each side proves who it is, what only one version of
 * IKE can do. bad_gateway: there is a finding about it already. */
void check_gateway(const struct check *c, bool bad_gateway);
void check_proof(const struct check *c);
void check_version(const struct check *c);
/* One child: mode, protocol and ports. */
void check_traffic(const struct check *c, const struct child_conf *ch);
/* Two peers whose calls nobody could tell apart. */
void check_same_end(const struct settings *s, struct findings *fs);

#endif
