/* edit: KEY=VALUE words into a draft, the key from where a key may come from, and how a
 * change is told. */
#ifndef ADIT_CLI_EDIT_H
#define ADIT_CLI_EDIT_H

#include "cli/cli.h"
#include "core/settings/store.h"

/* Each word is KEY=VALUE, KEY= (the default again), KEY+=VALUE or KEY-=VALUE (a list with
 * entries added or taken away), or child.NAME= (that child removed). psk=… is refused:
 * argv is for everybody to read. EXIT_USAGE for a word that is no pair; what settings say
 * otherwise. */
int edit_pairs(struct draft *d, int n, char *const *words, struct err *e) MUST_USE;
/* One of them, for tests. */
int edit_pair(struct draft *d, const char *word, struct err *e) MUST_USE;

/* Set the draft's ppk from what the options say, where they do. */
int edit_ppk(struct cli *c, struct draft *d, struct err *e) MUST_USE;
/* Set the draft's psk from what the options say. *made (FRONT_PSK_TEXT, wiped by the
 * caller) gets a generated key, "" otherwise. ask: on a terminal ask when no option says
 * where from. *given: whether there is a key now. */
int edit_psk(struct cli *c, struct draft *d, bool ask, char *made, bool *given,
	     struct err *e) MUST_USE;
/* Print a generated key: the only thing on stdout. Nothing when made is "". */
void edit_show_psk(struct cli *c, const char *made);

/* What the settings say beyond the first error: warnings after a success, the other
 * errors after a failure (skip_first). On stderr. */
void edit_findings(struct cli *c, const struct findings *fs, bool skip_first);
/* Tell the daemon, and say how it went. */
int edit_apply(struct cli *c, struct err *e) MUST_USE;
/* Fill in lan (front_lan) and what: "peer set branch keying_tries=3". buf holds
 * COMMIT_WHAT_MAX. */
struct edit {
	struct prefix lan[FRONT_LAN_MAX];
	char what[COMMIT_WHAT_MAX];
	struct commit commit;
	struct findings fs;
};
void edit_begin(struct cli *c, struct edit *ed);
void edit_end(struct edit *ed);

/* Does the peer exist? 0, or EXIT_NO_PEER with the nearest name. */
int edit_require_peer(const struct cli *c, const char *name, struct err *e) MUST_USE;
/* The settings of a draft as JSON: yes/no as booleans, plain numbers as numbers (null:
 * not set), lists as arrays, the rest as written; children under "child". only_set:
 * defaults left out. */
struct json_object *edit_json(const struct draft *d, bool only_set);
/* And for reading, "  key  value" a line into c->out. Returns how wide the keys are. */
size_t edit_print(struct cli *c, const struct draft *d, bool only_set);

#endif
