/* settings: the config dir, read. adit.conf, peers/NAME.conf, secrets/NAME.
 *
 * Readers never write and need no lock. A change is several files, but a reader gets all
 * of it or nothing (core/settings/store.h says how), whatever the writer was killed at.
 */
#ifndef ADIT_SETTINGS_SETTINGS_H
#define ADIT_SETTINGS_SETTINGS_H

#include "core/settings/conf.h"
#include "core/settings/draft.h"
#include "core/settings/findings.h"

#define SETTINGS_FILE_MAX 65536		/* bytes of one file */
#define SETTINGS_PEERS_MAX 16384

/* Read all. 0: *out has the router (a bad value of adit.conf is its default there) and
 * every peer without an error, sorted by name; *fs says what is wrong with the others,
 * and the warnings. -1 only when the folder cannot be read (or memory is short). No
 * config dir, or an empty one, is a router without peers. lan, n_lan: the router's own
 * networks, to check remote networks against; may be NULL, 0. fs may hold findings
 * already. */
int settings_load(const char *dir, const struct prefix *lan, size_t n_lan,
		  struct settings *out, struct findings *fs, struct err *e) MUST_USE;
void settings_fini(struct settings *s);
/* NULL when there is none. */
const struct peer_conf *settings_peer(const struct settings *s, const char *name);

/* A peer's PSK into out (PSK_MAX bytes, from secret_new()); *len > 0. EXIT_NO_PEER when
 * none is stored, EXIT_NOT_PERMITTED when others may read it (the text says chmod). */
int settings_secret(const char *dir, const char *name, uint8_t *out, size_t *len,
		    struct err *e) MUST_USE;
/* Is one stored? 1, 0, or -1 when this user may not know. */
int settings_has_secret(const char *dir, const char *name);
/* The same for a peer's post-quantum key (ppk), secrets/NAME.ppk. */
int settings_ppk(const char *dir, const char *name, uint8_t *out, size_t *len,
		 struct err *e) MUST_USE;
int settings_has_ppk(const char *dir, const char *name);

/* Every peer's name, also of those with errors. n names at *names, each the caller's to
 * free(), and the array. */
int settings_names(const char *dir, char ***names, size_t *n, struct err *e) MUST_USE;
void settings_names_free(char **names, size_t n);
/* The names of pki/ that have a certificate (NAME.crt), sorted, likewise. No folder: none. */
int settings_cert_names(const char *dir, char ***names, size_t *n, struct err *e) MUST_USE;
/* The nearest existing peer, for "no such peer"; "" in buf when none. cap >
 * PEER_NAME_MAX. */
const char *settings_nearest_peer(const char *dir, const char *name, char *buf,
				  size_t cap);

/* One peer, or the router, as a draft to show or edit. Values that are wrong are kept as
 * they stand, with findings, so that a form can put them right. EXIT_NO_PEER with the
 * nearest name; -1 too when the file is not even readable as keys and values. fs may be
 * NULL. */
int settings_peer_draft(const char *dir, const char *name, struct draft **out,
			struct findings *fs, struct err *e) MUST_USE;
int settings_router_draft(const char *dir, struct draft **out, struct findings *fs,
			  struct err *e) MUST_USE;

/* Every peer as settings_peer_draft() would give it, sorted by name, from one look at the
 * folder: asking for each by itself reads all files each time. */
struct peer_entry {
	const char *name;
	const struct draft *draft;	/* NULL: not keys and values at all, see why */
	const struct findings *fs;	/* of this peer's file alone */
	const struct err *why;
	int secret;			/* as settings_has_secret() */
};
/* What is in an entry is borrowed for the call. fn returns false to stop. */
int settings_each_peer(const char *dir,
		       bool (*fn)(void *arg, const struct peer_entry *p), void *arg,
		       struct err *e) MUST_USE;

/* From memory, for tests and fuzzing: text is not trusted in any way. file goes into
 * findings. NULL when it is not keys and values at all (fs says where), or memory is
 * short. */
struct draft *settings_parse_peer(const char *file, const char *name, const char *text,
				  size_t len, struct findings *fs) MUST_USE;
struct draft *settings_parse_router(const char *file, const char *text, size_t len,
				    struct findings *fs) MUST_USE;

/* Checks between peers; adds findings. Returns the number of errors added. */
size_t settings_check(const struct settings *s, struct findings *fs);

#endif
