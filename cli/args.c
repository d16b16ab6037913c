/* args: options may stand anywhere, before or behind the verb; `--` ends them. KEY=VALUE
 * words are left to the verbs. */
#include "cli/cli.h"

#include "core/settings/schema.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *args_nearest(const char *typed, const char *const *words)
{
	const char *found = nearest_of(typed, words);
	size_t len = strlen(typed);

	if (found || len < 2)
		return found;
	for (; *words; words++) {
		if (strncmp(*words, typed, len) != 0)
			continue;
		if (found)
			return NULL;
		found = *words;
	}
	return found;
}

const struct opt *args_opt(const char *name, size_t len)
{
	for (size_t i = 0; i < OPT_N; i++)
		if (strlen(cli_opts[i].name) == len &&
		    memcmp(cli_opts[i].name, name, len) == 0)
			return &cli_opts[i];
	return NULL;
}

static int unknown_option(const char *name, size_t len, struct err *e)
{
	const char *words[OPT_N + 1] = { 0 }, *near;
	char text[64], clean[64];

	for (size_t i = 0; i < OPT_N; i++)
		words[i] = cli_opts[i].name;
	snprintf(text, sizeof(text), "%.*s", (int)(len < 60 ? len : 60), name);
	fmt_fit(text, 40, false, clean, sizeof(clean));
	/* What people will try: the key itself as an option. */
	if (strcmp(clean, "psk") == 0 || strcmp(clean, "ppk") == 0)
		return err_code(
			e, EXIT_USAGE,
			"a key on the command line could be read by every "
			"user of this router: use --%s-file FILE%s --%s-stdin%s", clean,
			clean[1] == 's' ? "," : " or", clean,
			clean[1] == 's' ? " or --generate-psk" : "");
	near = args_nearest(clean, words);
	if (near)
		return err_code(e, EXIT_USAGE,
				"there is no option --%s; did you mean --%s?", clean,
				near);
	return err_code(e, EXIT_USAGE, "there is no option --%s; `adit help` lists them",
			clean);
}

struct parse {
	struct cli *c;
	int argc, at;
	char **argv;
};

/* Keep the option; its argument is inline_arg, or the next word. */
static int take(struct parse *p, const struct opt *o, const char *inline_arg,
		struct err *e)
{
	enum opt_id id = (enum opt_id)(o - cli_opts);

	if (!o->arg && inline_arg)
		return err_code(e, EXIT_USAGE, "--%s takes no value", o->name);
	if (o->arg && !inline_arg) {
		if (p->at + 1 >= p->argc)
			return err_code(e, EXIT_USAGE, "--%s needs a value: --%s %s",
					o->name, o->name, o->arg);
		inline_arg = p->argv[++p->at];
	}
	p->c->opt[id] = o->arg ? inline_arg : "";
	return 0;
}

static int take_long(struct parse *p, const char *word, struct err *e)
{
	size_t len = strcspn(word, "=");
	const struct opt *o = args_opt(word, len);

	if (!o)
		return unknown_option(word, len, e);
	return take(p, o, word[len] ? word + len + 1 : NULL, e);
}

/* -f, -n20, -n 20, -fn20 */
static int take_letters(struct parse *p, const char *word, struct err *e)
{
	for (; *word; word++) {
		const struct opt *o = NULL;

		for (size_t i = 0; i < OPT_N; i++)
			if (cli_opts[i].letter == *word)
				o = &cli_opts[i];
		if (!o)
			return err_code(e, EXIT_USAGE,
					"there is no option -%c; `adit help` lists "
					"them",
					*word >= ' ' && *word < 127 ? *word : '?');
		if (o->arg)
			return take(p, o, word[1] ? word + 1 : NULL, e);
		if (take(p, o, NULL, e))
			return -1;
	}
	return 0;
}

/* An option that means nothing to this verb is a mistake, not to be passed over. */
static int check_opts(const struct cli *c, struct err *e)
{
	char title[40];

	for (size_t i = OPT_GLOBAL_N; i < OPT_N; i++) {
		if (!c->opt[i] || cli_has(c, OPT_HELP))
			continue;
		if (!c->verb && i >= OPT_THEME)
			continue;	/* `adit` alone may open the screen */
		if (!c->verb)
			return err_code(e, EXIT_USAGE, "--%s needs a verb",
					cli_opts[i].name);
		if (!(c->verb->opts & OPT_BIT(i)))
			return err_code(e, EXIT_USAGE,
					"`adit %s` has no option --%s; see "
					"`adit help %s`",
					verb_title(c->verb, title, sizeof(title)),
					cli_opts[i].name, title);
	}
	return 0;
}

static int check_words(const struct cli *c, struct err *e)
{
	const struct verb *v = c->verb;
	char title[40], clean[80];

	if (!v || cli_has(c, OPT_HELP))
		return 0;
	verb_title(v, title, sizeof(title));
	if (c->argc < v->min)
		return err_code(e, EXIT_USAGE, "`adit %s` needs more: adit %s %s", title,
				title, v->args);
	if (v->max >= 0 && c->argc > v->max)
		return err_code(e, EXIT_USAGE,
				"`adit %s` does not take \"%s\": adit %s%s%s", title,
				fmt_fit(c->argv[v->max], 40, false, clean, sizeof(clean)),
				title, v->args[0] ? " " : "", v->args);
	return 0;
}

int args_number(const char *what, const char *text, unsigned long max, unsigned long *out,
		struct err *e)
{
	char clean[80], *end;
	unsigned long v;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno || *end || text[0] < '0' || text[0] > '9' || v > max)
		return err_code(e, EXIT_USAGE,
				"%s must be a number up to %lu, not \"%s\"", what, max,
				fmt_fit(text, 40, false, clean, sizeof(clean)));
	*out = v;
	return 0;
}

int args_parse(struct cli *c, int argc, char **argv, struct err *e)
{
	struct parse p = { .c = c, .argc = argc, .argv = argv };
	bool words_only = false;
	int used = 0;

	c->argv = calloc((size_t)argc + 1, sizeof(*c->argv));
	if (!c->argv)
		return err_set(e, "out of memory");
	for (p.at = 1; p.at < argc; p.at++) {
		char *w = argv[p.at];
		int rc = 0;

		/* The words to complete may look like options. */
		if (c->argc == 1 && c->argv[0] && strcmp(c->argv[0], "__complete") == 0)
			words_only = true;
		if (words_only || w[0] != '-' || !w[1])
			c->argv[c->argc++] = w;
		else if (strcmp(w, "--") == 0)
			words_only = true;
		else if (w[1] == '-')
			rc = take_long(&p, w + 2, e);
		else
			rc = take_letters(&p, w + 1, e);
		if (rc)
			return rc;
	}
	if (c->argc > 0) {
		c->verb = verb_find(c->argc, c->argv, &used, e);
		if (!c->verb)
			return -1;
		memmove(c->argv, c->argv + used,
			(size_t)(c->argc - used + 1) * sizeof(*c->argv));
		c->argc -= used;
	}
	if (check_opts(c, e))
		return -1;
	return check_words(c, e);
}
