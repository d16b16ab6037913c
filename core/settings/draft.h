/* draft: the settings of one peer (and its child sections) or of the router as texts, one
 * for each key. Files are read into drafts and written from them, `key=value` sets into
 * them, a form edits one; what a draft says becomes a plain struct of conf.h.
 *
 * A key is "ike"; for a further child "child.NAME.esp"; in the router's draft also
 * "defaults.ike" (what new peers start with).
 */
#ifndef ADIT_SETTINGS_DRAFT_H
#define ADIT_SETTINGS_DRAFT_H

#include "core/settings/conf.h"
#include "core/settings/findings.h"
#include "core/settings/schema.h"

struct draft;

/* A new peer: nothing set but what the router's draft (may be NULL) has in its defaults
 * section. NULL on a bad name, with the error, and when memory is short. */
struct draft *draft_new_peer(const char *name, const struct draft *router, struct err *e)
	MUST_USE;
struct draft *draft_new_router(void) MUST_USE;
struct draft *draft_dup(
	const struct draft *d) MUST_USE; /* the keys too; NULL: no memory */
void draft_free(struct draft *d);				/* wipes the keys */

enum setting_scope draft_scope(const struct draft *d);	/* SCOPE_ROUTER or SCOPE_PEER */
const char *draft_name(const struct draft *d); /* the peer's; "" for the router */
/* For a copy or a rename before it is saved. */
int draft_rename(struct draft *d, const char *name, struct err *e) MUST_USE;

/* The row behind a key, "child.NAME." and "defaults." understood. EXIT_SETTINGS with the
 * nearest key otherwise. */
const struct setting *draft_setting(const struct draft *d, const char *key,
				    struct err *e);

/* What is in effect: the text set, else the table's default (for a child's esp and
 * esp_life: the peer's). "" when there is none. Borrowed until the next change of d.
 * NULL: no such key. For psk and ppk what was set in this draft with draft_set, "" when
 * nothing was: a stored one is not read into a draft. */
const char *draft_get(const struct draft *d, const char *key);
/* Set here, not by default? */
bool draft_is_set(const struct draft *d, const char *key);
/* Check one value and set it in its canonical form ("3600" is kept as "1h"). "" takes it
 * away, so that the default counts again. The error starts with the key; d is unchanged
 * then. An unknown "child.NAME" is made by setting one of its keys. "name" renames. */
int draft_set(struct draft *d, const char *key, const char *text, struct err *e) MUST_USE;
/* The same from "key=value". */
int draft_set_pair(struct draft *d, const char *pair, struct err *e) MUST_USE;
/* Would it be taken? For a form's field as it is left; d is not changed. */
int draft_try(const struct draft *d, const char *key, const char *text,
	      struct err *e) MUST_USE;
/* NULL when the key has an effect in this draft as it is now, else when it would have one
 * ("while dpd_delay is not 0"): a form shows the field as idle and says that. */
const char *draft_idle(const struct draft *d, const char *key);

/* Does one of the two sides prove itself by the pre-shared key? */
bool draft_needs_psk(const struct draft *d);

/* The child sections beyond the peer's own networks. */
size_t draft_children(const struct draft *d);
const char *draft_child(const struct draft *d, size_t i);	/* the i-th's name */
int draft_child_add(struct draft *d, const char *name, struct err *e) MUST_USE;
int draft_child_del(struct draft *d, const char *name, struct err *e) MUST_USE;

/* All keys of d in the table's order, children and defaults included (psk and name too).
 * fn returns false to stop. */
void draft_each(const struct draft *d,
		bool (*fn)(void *arg, const char *key, const struct setting *s,
			   const char *text, bool set), void *arg);

/* Beyond single fields: what is missing, what contradicts. Findings carry the keys. lan:
 * the router's own networks, if known (n_lan 0 otherwise). Returns the number of errors
 * added. */
size_t draft_check(const struct draft *d, const struct prefix *lan, size_t n_lan,
		   struct findings *fs);

/* Fill *out from a draft without errors; -1 with the first error otherwise. The children
 * are out's: peer_conf_fini(). interface is set as if the peer were alone. */
int draft_to_peer(const struct draft *d, struct peer_conf *out, struct err *e) MUST_USE;
void peer_conf_fini(struct peer_conf *p);
int draft_to_router(const struct draft *d, struct router_conf *out,
		    struct err *e) MUST_USE;

/* "remote_network: 10.2.0.0/24 -> 10.3.0.0/24" a line for each key that differs in
 * effect; either may be NULL (a peer added or deleted). A PSK set in `to` is "psk
 * changed". Returns how many lines. cost, where not NULL, gets the dearest of them.
 * indent goes before each. */
size_t draft_diff(const struct draft *from, const struct draft *to, const char *indent,
		  struct sbuf *out, enum setting_cost *cost);

/* The PSK as draft_set("psk") took it, to bytes. -1: not text or 0x… hex, or too long.
 * out holds PSK_MAX. */
int psk_parse(const char *text, uint8_t *out, size_t *len, struct err *e) MUST_USE;
/* What a person should hear about a PSK that is allowed: short, guessable. NULL: fine. */
#define PSK_SHORT 20
const char *psk_weakness(const char *text);

/* The dearest change from a to b, what the daemon has to do for it. */
enum setting_cost peer_conf_cost(const struct peer_conf *a, const struct peer_conf *b);

#endif
