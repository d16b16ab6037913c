/* complete: the shells' scripts are thin; each asks `adit __complete WORD...` what the
 * last word may become, so that verbs, options, keys, values and peers come from the
 * tables and files. */
#include "cli/cli.h"

#include "cli/out.h"
#include "core/crypto/alg.h"
#include "core/net/link.h"
#include "core/pki/pki.h"
#include "core/settings/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the scripts --- */

/* clang-format off */
/* Bash splits words at = and :, so the line is split again here, at blanks alone, and what bash
 * has already taken is cut off the answers. */
static const char script_bash[] =
"# bash completion of adit(8); made by `adit completion bash`\n"
"_adit()\n"
"{\n"
"	local line=\"${COMP_LINE:0:COMP_POINT}\" words=() cur frag prefix cand\n"
"	COMPREPLY=()\n"
"	read -ra words <<<\"$line\"\n"
"	[[ $line == *[[:space:]] ]] && words+=(\"\")\n"
"	cur=${words[${#words[@]}-1]}\n"
"	frag=${COMP_WORDS[COMP_CWORD]}\n"
"	[[ $frag == [=:] ]] && frag=\n"
"	prefix=${cur%\"$frag\"}\n"
"	while IFS=$'\\t' read -r cand _; do\n"
"		case $cand in\n"
"		'') ;;\n"
"		:files) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$frag\") ;;\n"
"		:dirs) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$frag\") ;;\n"
"		*)\n"
"			case $cand in *=|*.|*[-,]) compopt -o nospace ;; esac\n"
"			COMPREPLY+=(\"${cand#\"$prefix\"}\") ;;\n"
"		esac\n"
"	done < <(\"$1\" __complete \"${words[@]:1}\" 2>/dev/null)\n"
"}\n"
"complete -F _adit adit\n";

static const char script_zsh[] =
"#compdef adit\n"
"# zsh completion of adit(8); made by `adit completion zsh`\n"
"_adit()\n"
"{\n"
"	local line cand about\n"
"	local -a open open_about closed closed_about\n"
"	for line in \"${(@f)$(\"$words[1]\" __complete \"${(@Q)words[2,CURRENT-1]}\" \"$PREFIX\" 2>/dev/null)}\"; do\n"
"		cand=${line%%$'\\t'*}\n"
"		about=${line#*$'\\t'}\n"
"		case $cand in\n"
"		'') ;;\n"
"		:files) _files ;;\n"
"		:dirs) _files -/ ;;\n"
"		*=|*.|*,|*-) open+=(\"$cand\"); open_about+=(\"$cand${about:+  $about}\") ;;\n"
"		*) closed+=(\"$cand\"); closed_about+=(\"$cand${about:+  $about}\") ;;\n"
"		esac\n"
"	done\n"
"	(( $#closed )) && compadd -Q -l -d closed_about -a closed\n"
"	(( $#open )) && compadd -Q -S '' -l -d open_about -a open\n"
"	return 0\n"
"}\n"
"if [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n"
"	_adit \"$@\"\n"
"else\n"
"	compdef _adit adit\n"
"fi\n";

static const char script_fish[] =
"# fish completion of adit(8); made by `adit completion fish`\n"
"function __adit_complete\n"
"	set -l words (commandline -opc) (commandline -ct)\n"
"	for line in ($words[1] __complete $words[2..-1] 2>/dev/null)\n"
"		switch $line\n"
"			case ''\n"
"			case ':files*'\n"
"				__fish_complete_path (commandline -ct)\n"
"			case ':dirs*'\n"
"				__fish_complete_directories (commandline -ct)\n"
"			case '*'\n"
"				echo $line\n"
"		end\n"
"	end\n"
"end\n"
"complete -c adit -f -a '(__adit_complete)'\n";

/* clang-format on */
static const char *const shells[] = { "bash", "zsh", "fish", NULL };

int complete_completion(struct cli *c, struct err *e)
{
	static const char *const scripts[] = { script_bash, script_zsh, script_fish };
	const char *near;

	for (size_t i = 0; shells[i]; i++) {
		if (strcmp(c->argv[0], shells[i]) == 0) {
			sbuf_add(&c->out, scripts[i]);
			return 0;
		}
	}
	near = args_nearest(c->argv[0], shells);
	return err_code(e, EXIT_USAGE, "the shell is bash, zsh or fish%s%s%s",
			near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

/* --- the answers --- */

struct complete_run {
	struct cli *c;
	const char *cur;		/* what stands there so far */
	const char *head;		/* put before each candidate: "ike=" */
	const char *words[64];		/* the words before, without options */
	int n;
	const struct opt *pending; /* the word before is an option that wants a value */
	const struct verb *verb;
	int at;				/* which word behind the verb cur is, from 0 */
};

static void offer(struct complete_run *r, const char *text, const char *about)
{
	struct sbuf whole = { 0 };

	/* A tab and the newline before make it a whole candidate, so that each comes
	 * once. */
	sbuf_addf(&whole, "\n%s%s\t", r->head ? r->head : "", text);
	if (sbuf_ok(&whole) && strncmp(whole.s + 1, r->cur, strlen(r->cur)) == 0 &&
	    !strstr(sbuf_str(&r->c->out), whole.s)) {
		sbuf_add(&r->c->out, whole.s);
		out_tone(r->c, TONE_PLAIN, about);
	}
	sbuf_fini(&whole);
}

static void offer_peers(struct complete_run *r)
{
	char **names = NULL;
	struct err ignored;
	size_t n = 0;

	if (settings_names(r->c->front.config_dir, &names, &n, &ignored))
		return;
	for (size_t i = 0; i < n; i++)
		offer(r, names[i], "peer");
	settings_names_free(names, n);
}

/* noun NULL: the verbs without one, and the nouns. */
static void offer_verbs(struct complete_run *r, const char *noun)
{
	for (size_t i = 0; i < cli_n_verbs; i++) {
		const struct verb *v = &cli_verbs[i];

		if (!v->hidden && !v->noun == !noun &&
		    (!noun || strcmp(v->noun, noun) == 0))
			offer(r, v->name, v->help);
	}
	if (!noun) {
		offer(r, "peer", "the peers: list, show, add, set, delete ...");
		offer(r, "router", "the settings of this router: show, set");
		offer(r, "pki", "certificates and keys: list, ca, issue, import ...");
	}
}

static void offer_options(struct complete_run *r)
{
	uint64_t bits = OPT_BIT(OPT_GLOBAL_N) - 1;
	char text[40];

	if (r->verb)
		bits |= r->verb->opts;
	for (size_t i = 0; i < OPT_N; i++) {
		snprintf(text, sizeof(text), "--%s", cli_opts[i].name);
		if (bits & OPT_BIT(i))
			offer(r, text, cli_opts[i].help);
	}
}

/* One cipher, with one hash where it needs one. */
static void offer_suites(struct complete_run *r)
{
	size_t n;
	const struct alg *t = alg_table(&n);
	char text[64], about[96];

	for (size_t i = 0; i < n; i++) {
		if (t[i].type == ALG_ENCR && t[i].aead)
			offer(r, t[i].name, t[i].label);
		for (size_t k = 0; t[i].type == ALG_ENCR && !t[i].aead && k < n; k++) {
			if (t[k].type != ALG_INTEG)
				continue;
			snprintf(text, sizeof(text), "%s-%s", t[i].name, t[k].name);
			snprintf(about, sizeof(about), "%s, %s", t[i].label, t[k].label);
			offer(r, text, about);
		}
	}
}

static void offer_option_value(struct complete_run *r, const struct opt *o)
{
	switch ((enum opt_id)(o - cli_opts)) {
	case OPT_CONFIG_DIR:
	case OPT_RUN_DIR:
		sbuf_add(&r->c->out, "\n:dirs\t");
		return;
	case OPT_PSK_FILE:
	case OPT_PPK_FILE:
	case OPT_PASSWORD_FILE:
		sbuf_add(&r->c->out, "\n:files\t");
		return;
	case OPT_SUITE:
		offer_suites(r);
		return;
	case OPT_COLOR:
		offer(r, "auto", "on a terminal");
		offer(r, "always", "");
		offer(r, "never", "");
		return;
	default:	/* numbers and names of which there is no list */
		return;
	}
}

/* --- keys and values --- */

static void on_value(void *arg, const char *value, const char *about, bool weak)
{
	char text[160];

	snprintf(text, sizeof(text), "%s%s", weak ? "weak; " : "", about);
	offer(arg, value, text);
}

static void offer_interfaces(struct complete_run *r, const char *typed)
{
	const char *comma = strrchr(typed, ',');
	int keep = comma ? (int)(comma + 1 - typed) : 0;
	struct link_list links;
	struct err ignored;
	char text[256];

	if (link_list(&links, &ignored) == 0) {
		for (size_t i = 0; i < links.n; i++) {
			if (links.v[i].loopback || links.v[i].ours)
				continue;
			snprintf(text, sizeof(text), "%.*s%s", keep, typed,
				 links.v[i].name);
			offer(r, text, links.v[i].kind);
		}
	}
	link_list_fini(&links);
}

/* Of a list behind its last comma. */
static void offer_certs(struct complete_run *r, const char *typed, bool list)
{
	const char *comma = list ? strrchr(typed, ',') : NULL;
	int keep = comma ? (int)(comma + 1 - typed) : 0;
	char **names = NULL, text[256];
	struct err ignored;
	size_t n = 0;

	if (settings_cert_names(r->c->front.config_dir, &names, &n, &ignored))
		return;
	for (size_t i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "%.*s%s", keep, typed, names[i]);
		offer(r, text, "certificate");
	}
	settings_names_free(names, n);
}

static const struct setting *row_of(bool router, const char *key)
{
	const char *dot = strrchr(key, '.');

	if (router && strncmp(key, "defaults.", 9) == 0)
		return setting_find(SCOPE_PEER, key + 9);
	if (!router && strncmp(key, "child.", 6) == 0 && dot > key + 6)
		return setting_find(SCOPE_CHILD, dot + 1);
	return setting_find(router ? SCOPE_ROUTER : SCOPE_PEER, key);
}

static void offer_values(struct complete_run *r, bool router)
{
	const char *eq = strchr(r->cur, '=');
	const struct setting *s;
	char key[80], head[84];
	size_t len = (size_t)(eq - r->cur);

	if (len >= sizeof(key) || !len)
		return;
	snprintf(head, sizeof(head), "%.*s=", (int)len, r->cur);
	if (len > 1 && (r->cur[len - 1] == '+' || r->cur[len - 1] == '-'))
		len--;
	snprintf(key, sizeof(key), "%.*s", (int)len, r->cur);
	s = row_of(router, key);
	if (!s || s->sensitive)
		return;
	r->head = head;
	if (s->type == ST_IFACE || s->type == ST_IFACES)
		offer_interfaces(r, eq + 1);
	else if (s->type == ST_CERT || s->type == ST_CERTS)
		offer_certs(r, eq + 1, s->type == ST_CERTS);
	else
		setting_suggest(s, eq + 1, on_value, r);
	r->head = NULL;
}

/* Was the key given in an earlier word? */
static bool used(const struct complete_run *r, const char *key)
{
	size_t len = strlen(key);

	for (int i = 0; i < r->n; i++)
		if (strncmp(r->words[i], key, len) == 0 && r->words[i][len] == '=')
			return true;
	return false;
}

static void offer_rows(struct complete_run *r, enum setting_scope scope, const char *head)
{
	char text[128];

	for (size_t i = 0; i < settings_table_n; i++) {
		const struct setting *s = &settings_table[i];

		if (s->scope != scope || s->sensitive || s->type == ST_NAME)
			continue;
		if (*head && scope == SCOPE_PEER && !s->defaultable)
			continue;
		snprintf(text, sizeof(text), "%s%s", head, s->key);
		if (used(r, text))
			continue;
		snprintf(text, sizeof(text), "%s%s=", head, s->key);
		offer(r, text, s->help);
	}
}

/* child.NAME. and its keys; the names of the peer's children, where there are. */
static void offer_children(struct complete_run *r)
{
	const char *dot = strrchr(r->cur, '.');
	struct draft *d = NULL;
	struct err ignored;
	char head[80];

	if (dot > r->cur + 5 && (size_t)(dot - r->cur) + 2 < sizeof(head)) {
		snprintf(head, sizeof(head), "%.*s.", (int)(dot - r->cur), r->cur);
		offer_rows(r, SCOPE_CHILD, head);
	}
	if (!r->n || settings_peer_draft(r->c->front.config_dir, r->words[r->n - r->at],
					 &d, NULL, &ignored))
		return;
	for (size_t i = 0; i < draft_children(d); i++) {
		snprintf(head, sizeof(head), "child.%s.", draft_child(d, i));
		offer(r, head, "a child of this peer");
	}
	draft_free(d);
}

static void offer_keys(struct complete_run *r, bool router)
{
	if (strchr(r->cur, '=')) {
		offer_values(r, router);
		return;
	}
	if (!router && strncmp(r->cur, "child.", 6) == 0) {
		offer_children(r);
		return;
	}
	offer_rows(r, router ? SCOPE_ROUTER : SCOPE_PEER, "");
	if (!router)
		offer(r, "child.", "another pair of networks");
	else if (strncmp(r->cur, "defaults.", 9) == 0)
		offer_rows(r, SCOPE_PEER, "defaults.");
	else
		offer(r, "defaults.", "what new peers start with");
}

static void offer_generations(struct complete_run *r)
{
	struct generation have[HISTORY_MAX];
	struct err ignored;
	char text[16];
	size_t n = 0;

	if (settings_history(r->c->front.config_dir, have, &n, &ignored))
		return;
	for (size_t i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "%u", have[i].number);
		offer(r, text, have[i].what);
	}
}

/* Names in pki/; cas: those that can sign. */
static void offer_pki(struct complete_run *r, bool cas)
{
	struct pki_entry *all;
	struct err ignored;
	size_t n;

	if (pki_list(r->c->front.config_dir, &all, &n, &ignored))
		return;
	for (size_t i = 0; i < n; i++)
		if (!cas || (all[i].role == PKI_ROLE_CA && all[i].has_key))
			offer(r, all[i].name, pki_role_name(all[i].role));
	free(all);
}

/* The KEY=VALUE words of the verbs of pki. */
static void offer_pki_keys(struct complete_run *r)
{
	static const char *const keys[][2] = {
		{ "ca=", "which CA of ours signs" }, { "subject=", "\"C=CH, O=Acme, CN=gw\"" },
		{ "san=", "host names, IP and mail addresses" }, { "eku=", "extended key usage" },
		{ "days=", "how long it is good" }, { "crl_url=", "where its CRL is" },
		{ "type=", "of the key" },
	};
	static const char *const types[] = { "ecdsa256", "ecdsa384", "ecdsa521", "rsa2048",
					     "rsa3072", "rsa4096" };

	if (strncmp(r->cur, "ca=", 3) == 0) {
		r->head = "ca=";
		offer_pki(r, true);
	} else if (strncmp(r->cur, "type=", 5) == 0) {
		r->head = "type=";
		for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
			offer(r, types[i], "");
	} else {
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			offer(r, keys[i][0], keys[i][1]);
	}
	r->head = NULL;
}

static void offer_words(struct complete_run *r)
{
	const struct verb *v = r->verb;

	if (v->max >= 0 && r->at >= v->max)
		return;
	switch (v->complete) {
	case COMPLETE_NONE:
		return;
	case COMPLETE_SUITE:
		offer_suites(r);
		return;
	case COMPLETE_PEER:
		if (r->at == 0)
			offer_peers(r);
		return;
	case COMPLETE_PEER_KEYS:
		/* `peer add` begins with a new name, `peer copy` has one second. */
		if (r->at == 0 && strcmp(v->name, "add") != 0)
			offer_peers(r);
		else if (r->at >= v->min)
			offer_keys(r, false);
		return;
	case COMPLETE_ROUTER_KEYS:
		offer_keys(r, true);
		return;
	case COMPLETE_VERB:
		if (r->at == 0)
			offer_verbs(r, NULL);
		else
			offer_verbs(r, r->words[r->n - 1]);
		return;
	case COMPLETE_SHELL:
		for (size_t i = 0; shells[i]; i++)
			offer(r, shells[i], "");
		return;
	case COMPLETE_GENERATION:
		offer_generations(r);
		return;
	case COMPLETE_PKI:
		/* `pki revoke NAME` has pairs behind it, `pki export NAME` and `pki crl CA` a file. */
		if (r->at == 0)
			offer_pki(r, false);
		else if (strcmp(v->name, "revoke") == 0)
			offer_pki_keys(r);
		else
			sbuf_add(&r->c->out, "\n:files\t");
		return;
	case COMPLETE_PKI_KEYS:
		if (r->at == 0)
			offer_pki(r, false);
		else
			offer_pki_keys(r);
		return;
	case COMPLETE_FILE:
		if (r->at == 0)
			sbuf_add(&r->c->out, "\n:files\t");
		else if (r->at == 1)
			offer_pki(r, false);
		else
			offer_pki_keys(r);
		return;
	}
}

/* Words before the last: options away, but for the one that tells where the settings are.
 */
static void take_words(struct complete_run *r)
{
	struct cli *c = r->c;

	for (int i = 0; i + 1 < c->argc; i++) {
		const char *w = c->argv[i];
		size_t len = strcspn(w, "=");
		const struct opt *o = strncmp(w, "--", 2) == 0 && len > 2 ?
			args_opt(w + 2, len - 2) : NULL;
		const char *value = o && w[len] ? w + len + 1 : NULL;

		if (o && o->arg && !value) {
			if (i + 2 == c->argc) {
				r->pending = o;
				return;
			}
			value = c->argv[++i];
		}
		if (o == &cli_opts[OPT_CONFIG_DIR])
			c->front.config_dir = value;
		if (w[0] != '-' && r->n < (int)(sizeof(r->words) / sizeof(r->words[0])))
			r->words[r->n++] = w;
	}
}

int complete_words(struct cli *c, struct err *e)
{
	struct complete_run r = { .c = c };
	struct err ignored;
	int taken = 0;

	(void)e;
	r.cur = c->argc ? c->argv[c->argc - 1] : "";
	take_words(&r);
	if (r.n)
		r.verb = verb_find(r.n, (char *const *)r.words, &taken, &ignored);
	/* A noun with nothing behind it waits for its verb. */
	if (r.n == 1 && r.verb && r.verb->noun)
		r.verb = NULL;
	r.at = r.n - taken;
	if (r.pending)
		offer_option_value(&r, r.pending);
	else if (r.cur[0] == '-')
		offer_options(&r);
	else if (!r.n)
		offer_verbs(&r, NULL);
	else if (r.verb)
		offer_words(&r);
	else if (r.n == 1)
		offer_verbs(&r, r.words[0]);
	sbuf_add(&c->out, "\n");
	return 0;
}
