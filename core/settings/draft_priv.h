/* draft_priv: the inside of a draft, for the files of core/settings alone. */
#ifndef ADIT_SETTINGS_DRAFT_PRIV_H
#define ADIT_SETTINGS_DRAFT_PRIV_H

#include "core/settings/draft.h"

#define PSK_TEXT_MAX (2 * PSK_MAX + 2)	/* "0x" and hex digits */

/* Texts by the index of their row in settings_table; NULL: not set. */
struct section {
	char name[CHILD_NAME_MAX + 1];	/* of a child; "" otherwise */
	char *v[SETTINGS_TABLE_MAX];
};

struct draft {
	enum setting_scope scope;
	char name[PEER_NAME_MAX + 1];
	struct section main;
	struct section defaults;	/* the router's; rows of SCOPE_PEER */
	struct section *child;
	size_t n_child;
	char *psk, *ppk;		/* from secret_new(); NULL: not set here */
};

/* Where d keeps the secret of a row of ST_SECRET. */
char **draft_secret(const struct draft *d, const struct setting *s);

/* Set without a look at the value, for what stands in a file; "" or NULL unsets. -1:
 * memory. */
int section_put(struct section *sec, const struct setting *s, const char *text) MUST_USE;
/* What counts there; sec is d's main, defaults or one of its children. Never NULL. */
const char *section_get(const struct draft *d, const struct section *sec,
			const struct setting *s);
/* NULL when memory is short or there are too many. */
struct section *draft_child_new(struct draft *d, const char *name);
struct section *draft_child_find(const struct draft *d, const char *name);
/* A peer's draft without a look at the name. */
struct draft *draft_new_named(const char *name);

/* conf.c: the draft as far as its values can be read, and findings for those that cannot
 * (key and message, no position). bad[row] is set for rows of the peer without a good
 * value; a child's bad values leave its field zero. -1 when memory is short. */
int conf_fill_peer(const struct draft *d, struct peer_conf *p,
		   bool bad[SETTINGS_TABLE_MAX], struct findings *fs) MUST_USE;
void conf_fill_router(const struct draft *d, struct router_conf *r, struct findings *fs);
/* adit-NAME in at most 15 characters; salt tells apart those that would be the same. */
void conf_ifname(const char *name, unsigned salt, char out[IFNAME_MAX]);
/* Names for all, none twice. */
void conf_ifnames(struct settings *s);

/* v1.c: what of in IKEv1 can propose; out may be in. True when that is all of it. */
bool v1_suites(enum suite_use use, const struct suite_list *in, struct suite_list *out);

/* check.c: draft_check(), and the filled conf beside it (out.children are the caller's
 * even when there are errors). Returns the number of errors, -1 when memory is short. */
long check_peer(const struct draft *d, const struct prefix *lan, size_t n_lan,
		struct peer_conf *out, struct findings *fs);
long check_router(const struct draft *d, struct router_conf *out, struct findings *fs);

#endif
