/* help: the pages of `adit help`, and the same for adit(8), from the table of verbs. */
#include "cli/cli.h"

#include "cli/out.h"
#include "core/settings/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TITLE_WIDTH 16

/* The overview leads with what people do first. */
static const char overview_examples[] =
	"adit peer add branch remote_gateway=198.51.100.2 local_network=10.1.0.0/24 \\\n"
	"    remote_network=10.2.0.0/24 --psk-file branch.key\n"
	"adit up branch\n"
	"adit status\n"
	"adit log -f branch\n";

static void heading(struct cli *c, const char *text)
{
	out_tone(c, TONE_HEAD, text);
	sbuf_add(&c->out, "\n");
}

static void lines(struct cli *c, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		sbuf_addf(&c->out, "  %.*s\n", (int)n, text);
		text += n + (text[n] == '\n');
	}
}

static void list_verbs(struct cli *c, const char *noun, bool all)
{
	char title[40];

	for (size_t i = 0; i < cli_n_verbs; i++) {
		const struct verb *v = &cli_verbs[i];

		if (v->hidden ||
		    (!all && (!v->noun != !noun || (noun && strcmp(noun, v->noun)))))
			continue;
		sbuf_addf(&c->out, "  %-*s", TITLE_WIDTH,
			  verb_title(v, title, sizeof(title)));
		sbuf_addf(&c->out, "%s\n", v->help);
	}
}

static void list_options(struct cli *c, uint64_t bits)
{
	for (size_t i = 0; i < OPT_N; i++) {
		const struct opt *o = &cli_opts[i];
		char left[40];

		if (!(bits & OPT_BIT(i)))
			continue;
		snprintf(left, sizeof(left), "%c%c%c --%s%s%s", o->letter ? '-' : ' ',
			 o->letter ? o->letter : ' ', o->letter ? ',' : ' ', o->name,
			 o->arg ? " " : "", o->arg ? o->arg : "");
		sbuf_addf(&c->out, "  %-24s %s\n", left, o->help);
	}
}

static void overview(struct cli *c)
{
	sbuf_add(&c->out, "adit: IPsec tunnels of this router.\n\n");
	heading(c, "Examples");
	lines(c, overview_examples);
	sbuf_add(&c->out, "\n");
	heading(c, "Verbs");
	list_verbs(c, NULL, true);
	sbuf_add(&c->out, "\n");
	heading(c, "Options");
	list_options(c, OPT_BIT(OPT_GLOBAL_N) - 1);
	sbuf_add(
		&c->out,
		"\n`adit` alone opens the screen, or prints the status where there is no "
		"terminal.\n`adit help VERB` tells more; so do adit(8) and "
		"adit.conf(5).\n");
}

static void noun_page(struct cli *c, const char *noun)
{
	sbuf_addf(&c->out, "adit %s VERB: %s\n\n", noun,
		  strcmp(noun, "peer") == 0 ?
			  "the peers, which are the other ends of tunnels" :
		  strcmp(noun, "pki") == 0 ?
			  "certificates, keys and CAs, for peers with auth = cert" :
			  "the settings of this router");
	list_verbs(c, noun, false);
	sbuf_addf(&c->out, "\n`adit help %s VERB` tells more.\n", noun);
}

static void paragraphs(struct cli *c, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		char *one = strndup(text, n);

		sbuf_add(&c->out, "\n");
		out_wrap(c, 0, one ? one : "");
		free(one);
		text += n + (text[n] == '\n');
	}
}

static void list_keys(struct cli *c, enum setting_scope scope)
{
	sbuf_add(&c->out, "\n");
	heading(c, "Keys");
	for (size_t i = 0; i < settings_table_n; i++) {
		const struct setting *s = &settings_table[i];

		if (s->scope == scope && !s->sensitive && s->type != ST_NAME)
			sbuf_addf(&c->out, "  %-15s %s\n", s->key, s->help);
	}
}

static void verb_page(struct cli *c, const struct verb *v)
{
	char title[40];

	verb_title(v, title, sizeof(title));
	sbuf_addf(&c->out, "adit %s%s%s: %s.\n", title, v->args[0] ? " " : "", v->args,
		  v->help);
	if (v->more)
		paragraphs(c, v->more);
	if (v->examples) {
		sbuf_add(&c->out, "\n");
		heading(c, "Examples");
		lines(c, v->examples);
	}
	if (v->opts) {
		sbuf_add(&c->out, "\n");
		heading(c, "Options");
		list_options(c, v->opts);
	}
	if (v->complete == COMPLETE_PEER_KEYS || v->complete == COMPLETE_ROUTER_KEYS)
		list_keys(c,
			  v->complete == COMPLETE_PEER_KEYS ? SCOPE_PEER : SCOPE_ROUTER);
	sbuf_addf(&c->out, "\n%sThe options of every verb: `adit help`.\n",
		  v->root ? "Needs root. " : "");
}

void help_page(struct cli *c, const char *noun, const struct verb *v)
{
	if (v)
		verb_page(c, v);
	else if (noun)
		noun_page(c, noun);
	else
		overview(c);
}

static void list_titles(struct cli *c)
{
	char title[40];

	for (size_t i = 0; i < cli_n_verbs; i++)
		if (!cli_verbs[i].hidden)
			sbuf_addf(&c->out, "%s\n",
				  verb_title(&cli_verbs[i], title, sizeof(title)));
}

int help_help(struct cli *c, struct err *e)
{
	const struct verb *v;
	int used;

	if (cli_has(c, OPT_LIST_VERBS)) {
		list_titles(c);
		return 0;
	}
	if (c->argc == 0) {
		help_page(c, NULL, NULL);
		return 0;
	}
	if (c->argc == 1 &&
	    (strcmp(c->argv[0], "peer") == 0 || strcmp(c->argv[0], "router") == 0 ||
	     strcmp(c->argv[0], "pki") == 0)) {
		help_page(c, c->argv[0], NULL);
		return 0;
	}
	v = verb_find(c->argc, c->argv, &used, e);
	if (!v)
		return -1;
	if (used < c->argc)
		return err_code(e, EXIT_USAGE, "`adit help` takes one verb: adit help %s",
				c->argv[0]);
	help_page(c, NULL, v);
	return 0;
}

int help_version(struct cli *c, struct err *e)
{
	char daemon[32] = "";
	struct client *cl = client_open(c->front.run_dir, e);

	if (cl && client_ping(cl, daemon, e))
		daemon[0] = '\0';
	client_close(cl);
	*e = (struct err){ 0 };
	if (cli_has(c, OPT_JSON)) {
		struct json_object *o = json_object_new_object();

		json_put_str(o, "version", ADIT_VERSION);
		json_put_str(o, "daemon_version", daemon);
		out_json(c, o);
		return 0;
	}
	sbuf_add(&c->out, "adit " ADIT_VERSION "\n");
	if (daemon[0] && strcmp(daemon, ADIT_VERSION) != 0)
		sbuf_addf(&c->out,
			  "The daemon that runs is %s: `adit restart` is not enough, "
			  "restart "
			  "aditd.\n",
			  daemon);
	return 0;
}

/* --- for man/adit.8 --- */

/* mdoc: a backslash is \e, a line must not begin with a dot or an apostrophe. */
static void mdoc_text(struct sbuf *b, const char *text, size_t len)
{
	bool line_start = true;

	for (size_t i = 0; i < len; i++) {
		if (line_start && (text[i] == '.' || text[i] == '\''))
			sbuf_add(b, "\\&");
		line_start = text[i] == '\n';
		if (text[i] == '\\')
			sbuf_add(b, "\\e");
		else
			sbuf_addn(b, text + i, 1);
	}
}

/* Running text: one sentence a line, `commands` set as such. */
static void mdoc_prose(struct sbuf *b, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "`\n");
		const char *stop = strstr(text, ". ");

		if (stop && (size_t)(stop - text) < n) {
			mdoc_text(b, text, (size_t)(stop - text) + 1);
			sbuf_add(b, "\n");
			text = stop + 2;
			continue;
		}
		mdoc_text(b, text, n);
		text += n;
		if (*text == '\n') {
			sbuf_add(b, "\n.Pp\n");
			text++;
		} else if (*text == '`') {
			n = strcspn(text + 1, "`");
			sbuf_add(b, "\\(lq");
			mdoc_text(b, text + 1, n);
			sbuf_add(b, "\\(rq");
			text += n + 1 + (text[n + 1] == '`');
		}
	}
	sbuf_add(b, "\n");
}

/* A line of help as a sentence. */
static void mdoc_sentence(struct sbuf *b, const char *text)
{
	bool lower = text[0] >= 'a' && text[0] <= 'z';

	sbuf_addf(b, "%c", lower ? text[0] - 32 : text[0]);
	mdoc_text(b, text + 1, strlen(text + 1));
	sbuf_add(b, ".\n");
}

static void mdoc_option(struct sbuf *b, const struct opt *o)
{
	sbuf_add(b, ".It ");
	if (o->letter)
		sbuf_addf(b, "Fl %c%s%s , ", o->letter, o->arg ? " Ar " : "",
			  o->arg ? o->arg : "");
	sbuf_addf(b, "Fl Fl %s%s%s\n", o->name, o->arg ? " Ar " : "",
		  o->arg ? o->arg : "");
	mdoc_sentence(b, o->help);
}

/* "PEER [KEY=VALUE]..." to " Ar PEER Op Ar KEY=VALUE ...". */
static void mdoc_args(struct sbuf *b, const char *args)
{
	while (*args) {
		size_t n = strcspn(args, " "), word = strcspn(args, "]. "),
		       skip = args[0] == '[';

		sbuf_add(b, skip ? " Op Ar " : " Ar ");
		mdoc_text(b, args + skip, word - skip);
		if (n >= 3 && strncmp(args + n - 3, "...", 3) == 0)
			sbuf_add(b, " ...");
		args += n + (args[n] == ' ');
	}
}

static void mdoc_verb(struct sbuf *b, const struct verb *v)
{
	char title[40];

	sbuf_addf(b, ".It Cm %s", verb_title(v, title, sizeof(title)));
	mdoc_args(b, v->args);
	sbuf_add(b, "\n");
	mdoc_sentence(b, v->help);
	if (v->more)
		mdoc_prose(b, v->more);
	if (!v->opts)
		return;
	sbuf_add(b, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < OPT_N; i++)
		if (v->opts & OPT_BIT(i))
			mdoc_option(b, &cli_opts[i]);
	sbuf_add(b, ".El\n");
}

int help_mdoc(struct cli *c, struct err *e)
{
	if (strcmp(c->argv[0], "options") == 0) {
		for (size_t i = 0; i < OPT_GLOBAL_N; i++)
			mdoc_option(&c->out, &cli_opts[i]);
		return 0;
	}
	if (strcmp(c->argv[0], "verbs") == 0) {
		for (size_t i = 0; i < cli_n_verbs; i++)
			if (!cli_verbs[i].hidden)
				mdoc_verb(&c->out, &cli_verbs[i]);
		return 0;
	}
	return err_code(e, EXIT_USAGE, "__mdoc is options or verbs");
}
