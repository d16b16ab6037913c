/* cli: one run of adit: what was typed, where output goes, and the table of verbs that
 * help, completion and the manual page are made from.
 */
#ifndef ADIT_CLI_CLI_H
#define ADIT_CLI_CLI_H

#include "core/base/err.h"
#include "core/base/front.h"
#include "core/base/sbuf.h"
#include "core/control/json.h"
#include "core/front/actions.h"
#include "core/front/fmt.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- options --- */

enum opt_id {
	/* everywhere */
	OPT_CONFIG_DIR,
	OPT_RUN_DIR,
	OPT_JSON,
	OPT_PLAIN,
	OPT_QUIET,
	OPT_YES,
	OPT_NO_APPLY,
	OPT_COLOR,
	OPT_NO_PAGER,
	OPT_TIMEOUT,
	OPT_HELP,
	OPT_VERSION,
	/* where a verb says so */
	OPT_PSK_FILE,
	OPT_PSK_STDIN,
	OPT_GENERATE_PSK,
	OPT_ASK_PSK,
	OPT_PPK_FILE,
	OPT_PPK_STDIN,
	OPT_FOLLOW,
	OPT_LINES,
	OPT_ALL,
	OPT_LIST,
	OPT_LIST_VERBS,
	OPT_THEME,
	OPT_ASCII,
	OPT_NO_MOUSE,
	OPT_READONLY,
	OPT_PORT,
	OPT_SAVE,
	OPT_SECONDS,
	OPT_COUNT,
	OPT_WITH_KEYS,
	OPT_P12,
	OPT_PEM,
	OPT_KEY,
	OPT_LEGACY,
	OPT_PASSWORD_FILE,
	OPT_PASSWORD_STDIN,
	OPT_QUICK,
	OPT_SUITE,
	OPT_NO_SAVE,
	OPT_N,
};
#define OPT_GLOBAL_N OPT_PSK_FILE
#define OPT_BIT(id) (1ULL << (id))

struct opt {
	const char *name;	/* without the dashes */
	char letter;		/* 0: none */
	const char *arg;	/* what follows ("DIR"); NULL: nothing */
	const char *help;	/* one line */
};

extern const struct opt cli_opts[OPT_N];	/* by enum opt_id */

/* --- one run --- */

struct verb;

struct cli {
	struct front front;
	const struct verb *verb;	/* NULL: nothing but options was typed */
	int argc;			/* the words behind the verb */
	char **argv;
	const char *opt[OPT_N]; /* the option's argument, "" for one without; NULL:
				 * not given */
	int (*screen)(const struct screen_args *args);
	struct sbuf out;		/* what goes to stdout at the end */
	enum exit_code exit;		/* when the verb went well, and yet ... */
	bool tty_in, tty_out;
	bool color, utf8;		/* of stdout */
	size_t width;			/* of stdout; 0: not a terminal, do not cut */
	bool say_stderr;		/* stdout holds data: sentences go elsewhere */
};

static inline bool cli_has(const struct cli *c, enum opt_id id)
{
	return c->opt[id] != NULL;
}

/* --- verbs --- */

/* What completes a word behind the verb. */
enum complete { COMPLETE_NONE, COMPLETE_PEER, COMPLETE_PEER_KEYS, COMPLETE_ROUTER_KEYS,
	COMPLETE_VERB, COMPLETE_SHELL, COMPLETE_GENERATION, COMPLETE_PKI, COMPLETE_PKI_KEYS,
	COMPLETE_FILE, COMPLETE_SUITE };

struct verb {
	const char *noun;	/* "peer", "pki", "router" or NULL */
	const char *name;
	const char *args;	/* "PEER [KEY=VALUE]..." */
	/* 0; or -1 with *e. c->exit is for a listing that says "not up". */
	int (*run)(struct cli *c, struct err *e);
	const char *help;	/* one line, no full stop */
	const char *more; /* paragraphs for `adit help VERB` and adit(8); may be NULL */
	const char *examples;	/* one a line, "# comment" lines between */
	uint64_t opts;		/* OPT_BITs beside the global ones */
	signed char min, max;	/* words behind the verb; max -1: any number */
	enum complete complete;
	bool root;		/* changes the router: say sudo when refused */
	bool hidden;		/* for scripts: not in help or completion */
};

extern const struct verb cli_verbs[];
extern const size_t cli_n_verbs;

/* "peer add" or "status"; returns buf. */
const char *verb_title(const struct verb *v, char *buf, size_t cap);
/* The verb that words[0] and, behind a noun, words[1] name; *used gets how many words
 * that were. A noun alone is its listing. EXIT_USAGE with the nearest name when there is
 * none. */
const struct verb *verb_find(int n, char *const *words, int *used, struct err *e);

/* Split argv into options and words; c->argv (malloc'd) gets the words with the verb's
 * taken off. EXIT_USAGE with what would be right. */
int args_parse(struct cli *c, int argc, char **argv, struct err *e) MUST_USE;
/* The word that was perhaps meant, of a NULL-terminated list: the nearest, or the only
 * one that typed is the beginning of. NULL when there is none. */
const char *args_nearest(const char *typed, const char *const *words);
/* NULL when no option is called that; len bytes of name. */
const struct opt *args_opt(const char *name, size_t len);
/* A number of an option or word within bounds, or EXIT_USAGE. */
int args_number(const char *what, const char *text, unsigned long max, unsigned long *out,
		struct err *e) MUST_USE;

/* --- what the verbs do, by file --- */

int state_status(struct cli *c, struct err *e);
int state_up(struct cli *c, struct err *e);
int state_test(struct cli *c, struct err *e);
int state_down(struct cli *c, struct err *e);
int state_restart(struct cli *c, struct err *e);
int state_reload(struct cli *c, struct err *e);

int lists_interfaces(struct cli *c, struct err *e);
int lists_routes(struct cli *c, struct err *e);
int lists_firewall(struct cli *c, struct err *e);

int logs_log(struct cli *c, struct err *e);

int explain_explain(struct cli *c, struct err *e);
int hw_hw(struct cli *c, struct err *e);
int hw_bench(struct cli *c, struct err *e);
int counters_counters(struct cli *c, struct err *e);
int probe_probe(struct cli *c, struct err *e);
int capture_capture(struct cli *c, struct err *e);

int pki_verb_list(struct cli *c, struct err *e);
int pki_verb_show(struct cli *c, struct err *e);
int pki_verb_key(struct cli *c, struct err *e);
int pki_verb_ca(struct cli *c, struct err *e);
int pki_verb_issue(struct cli *c, struct err *e);
int pki_verb_csr(struct cli *c, struct err *e);
int pki_verb_sign(struct cli *c, struct err *e);
int pki_verb_import(struct cli *c, struct err *e);
int pki_verb_export(struct cli *c, struct err *e);
int pki_verb_revoke(struct cli *c, struct err *e);
int pki_verb_crl(struct cli *c, struct err *e);
int pki_verb_delete(struct cli *c, struct err *e);

int config_check(struct cli *c, struct err *e);
int config_diff(struct cli *c, struct err *e);
int config_rollback(struct cli *c, struct err *e);
int config_genpsk(struct cli *c, struct err *e);
int config_router_show(struct cli *c, struct err *e);
int config_router_set(struct cli *c, struct err *e);

int peer_list(struct cli *c, struct err *e);
int peer_show(struct cli *c, struct err *e);
int peer_add(struct cli *c, struct err *e);
int peer_set(struct cli *c, struct err *e);
int peer_delete(struct cli *c, struct err *e);
int peer_rename(struct cli *c, struct err *e);
int peer_copy(struct cli *c, struct err *e);
int peer_enable(struct cli *c, struct err *e);
int peer_disable(struct cli *c, struct err *e);

int help_help(struct cli *c, struct err *e);
int help_version(struct cli *c, struct err *e);
int help_mdoc(struct cli *c, struct err *e);
/* The page of one verb, or of a noun, or (NULL, NULL) of adit itself, to c->out. */
void help_page(struct cli *c, const char *noun, const struct verb *v);

int complete_completion(struct cli *c, struct err *e);
int complete_words(struct cli *c, struct err *e);

int screen_tui(struct cli *c, struct err *e);

#endif
