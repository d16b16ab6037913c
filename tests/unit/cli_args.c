/* rooms: cli core/front core/control core/pki core/settings core/net core/ipc core/crypto core/base */
/* What is typed, and what adit makes of it. */
#include "cli/cli.h"

#include "cli/out.h"
#include "tests/unit/t.h"

static struct cli c;
static struct err e;

/* Parse a command line written with blanks; the words live until the next call. */
static int parse(const char *line)
{
	static char text[256], *argv[32];
	int argc = 0;

	free(c.argv);
	c = (struct cli){ 0 };
	e = (struct err){ 0 };
	snprintf(text, sizeof(text), "%s", line);
	for (char *w = strtok(text, " "); w; w = strtok(NULL, " "))
		argv[argc++] = w;
	argv[argc] = NULL;
	return args_parse(&c, argc, argv, &e);
}

static const char *title(void)
{
	static char buf[40];

	return c.verb ? verb_title(c.verb, buf, sizeof(buf)) : "";
}

static void verbs(void)
{
	CHECK_INT(parse("adit status"), 0);
	CHECK_STR(title(), "status");
	CHECK_INT(parse("adit peer add x a=b"), 0);
	CHECK_STR(title(), "peer add");
	CHECK_INT(c.argc, 2);
	CHECK_STR(c.argv[1], "a=b");
	CHECK_INT(parse("adit peer"), 0);
	CHECK_STR(title(), "peer list");
	CHECK_INT(parse("adit router"), 0);
	CHECK_STR(title(), "router show");
	CHECK_INT(parse("adit"), 0);
	CHECK(c.verb == NULL);
}

static void options_anywhere(void)
{
	CHECK_INT(parse("adit --json status branch --run-dir /r --config-dir=/c -q"), 0);
	CHECK(cli_has(&c, OPT_JSON) && cli_has(&c, OPT_QUIET));
	CHECK_STR(c.opt[OPT_RUN_DIR], "/r");
	CHECK_STR(c.opt[OPT_CONFIG_DIR], "/c");
	CHECK_INT(c.argc, 1);
	CHECK_INT(parse("adit log -fn20 branch"), 0);
	CHECK(cli_has(&c, OPT_FOLLOW));
	CHECK_STR(c.opt[OPT_LINES], "20");
	CHECK_INT(parse("adit log -n 5 --follow"), 0);
	CHECK_STR(c.opt[OPT_LINES], "5");
	CHECK_INT(parse("adit peer add -- --odd"), 0);
	CHECK_STR(c.argv[0], "--odd");
}

/* Each is refused with exit 2, and the message says what would be right. */
static void refused(void)
{
	static const struct {
		const char *line, *says;
	} cases[] = {
		{ "adit stauts", "`adit status`?" },
		{ "adit rout", "`adit routes`?" },
		{ "adit interfcaes", "`adit interfaces`?" },
		{ "adit peer delte", "`adit peer delete`?" },
		{ "adit peer rm x", "`adit peer delete`?" },
		{ "adit add x", "`adit peer add`?" },
		{ "adit peer up x", "`adit up`?" },
		{ "adit flurb", "`adit help` lists" },
		{ "adit peer flurb", "`adit help peer` lists" },
		{ "adit status --jsn", "--json?" },
		{ "adit status --psk=geheim", "--psk-file" },
		{ "adit peer add x --psk geheim", "every user" },
		{ "adit status -x", "no option -x" },
		{ "adit status --config-dir", "--config-dir DIR" },
		{ "adit status --json=yes", "takes no value" },
		{ "adit status -f", "no option --follow" },
		{ "adit --follow", "needs a verb" },
		{ "adit up", "adit up PEER" },
		{ "adit status a b", "does not take \"b\"" },
		{ "adit routes x", "does not take \"x\"" },
		{ "adit peer rename x", "PEER NEW" },
		{ "adit st", "`adit status`?" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CHECK_INT(parse(cases[i].line), -1);
		CHECK_INT(e.code, EXIT_USAGE);
		CHECK_HAS(e.msg, cases[i].says);
		/* A secret that was typed is not repeated. */
		CHECK(!strstr(e.msg, "geheim"));
	}
}

/* Help is given however much of the rest is wrong for the verb. */
static void help_wins(void)
{
	CHECK_INT(parse("adit up --help"), 0);
	CHECK(cli_has(&c, OPT_HELP));
	CHECK_INT(parse("adit up -h a b c"), 0);
	CHECK_INT(parse("adit -h"), 0);
}

static void numbers(void)
{
	unsigned long n = 0;

	CHECK_INT(args_number("n", "20", 100, &n, &e), 0);
	CHECK_INT(n, 20);
	CHECK_INT(args_number("n", "101", 100, &n, &e), -1);
	CHECK_INT(args_number("n", "-1", 100, &n, &e), -1);
	CHECK_INT(args_number("n", "", 100, &n, &e), -1);
	CHECK_INT(args_number("n", "1x", 100, &n, &e), -1);
	CHECK_INT(args_number("n", "99999999999999999999999", ~0UL, &n, &e), -1);
	CHECK_INT(e.code, EXIT_USAGE);
}

/* The table itself: what help, completion and adit(8) rely on. */
static void table(void)
{
	for (size_t i = 0; i < cli_n_verbs; i++) {
		const struct verb *v = &cli_verbs[i];

		CHECK(v->run != NULL && v->args != NULL);
		CHECK(v->max < 0 || v->min <= v->max);
		if (v->hidden)
			continue;
		CHECK(v->help[0] && v->help[strlen(v->help) - 1] != '.');
		CHECK(strlen(v->help) <= 61);
		CHECK_HAS(v->examples, "adit ");
		CHECK_INT(v->opts & (OPT_BIT(OPT_GLOBAL_N) - 1), 0);
	}
	for (size_t i = 0; i < OPT_N; i++) {
		CHECK(cli_opts[i].name && cli_opts[i].help);
		for (size_t j = 0; j < i; j++) {
			CHECK(strcmp(cli_opts[i].name, cli_opts[j].name) != 0);
			CHECK(!cli_opts[i].letter ||
			      cli_opts[i].letter != cli_opts[j].letter);
		}
	}
}

/* --- tables --- */

static const struct table_col cols[] = {
	{ "NAME", false, 6, 0 },
	{ "GONE", false, 0, 2 },
	{ "LONG", false, 8, 0 },
	{ "N", true, 0, 0 },
};

static const char *draw(size_t width)
{
	static struct table t;

	sbuf_reset(&c.out);
	c.width = width;
	table_init(&t, cols, 4);
	table_add(&t, TONE_PLAIN, "branch");
	table_add(&t, TONE_PLAIN, "dropped");
	table_add(&t, TONE_PLAIN, "a long text in a cell");
	table_add(&t, TONE_PLAIN, "7");
	table_note(&t, TONE_PLAIN, "why it is so");
	table_add(&t, TONE_PLAIN, "b");
	table_add(&t, TONE_PLAIN, "");
	table_add(&t, TONE_PLAIN, "x");
	table_add(&t, TONE_PLAIN, "1234");
	table_print(&c, &t);
	table_fini(&t);
	return sbuf_str(&c.out);
}

static size_t longest(const char *text)
{
	size_t best = 0;

	while (*text) {
		size_t n = strcspn(text, "\n");

		best = n > best ? n : best;
		text += n + (text[n] == '\n');
	}
	return best;
}

static void tables_fit(void)
{
	free(c.argv);
	c = (struct cli){ 0 };
	CHECK_STR(draw(0),
		  "NAME    GONE     LONG                      N\n"
		  "branch  dropped  a long text in a cell     7\n"
		  "    why it is so\n"
		  "b                x                      1234\n");
	CHECK_STR(draw(36),
		  "NAME    GONE     LONG              N\n"
		  "branch  dropped  a lon... cell     7\n"
		  "    why it is so\n"
		  "b                x              1234\n");
	/* Narrower still: the column that may go goes. */
	CHECK_STR(draw(24),
		  "NAME    LONG           N\n"
		  "branch  a lo...ell     7\n"
		  "    why it is so\n"
		  "b       x           1234\n");
	for (size_t w = 22; w < 60; w++)
		CHECK(longest(draw(w)) <= w);
	c.opt[OPT_PLAIN] = "";
	CHECK_STR(draw(0), "branch\tdropped\ta long text in a cell\t7\nb\t\tx\t1234\n");
	sbuf_fini(&c.out);
}

int main(void)
{
	T_RUN(verbs);
	T_RUN(options_anywhere);
	T_RUN(refused);
	T_RUN(help_wins);
	T_RUN(numbers);
	T_RUN(table);
	T_RUN(tables_fit);
	free(c.argv);
	return t_done();
}
