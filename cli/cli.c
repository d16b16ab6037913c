/* cli: from argv to one verb and its exit code. */
#include "cli/cli.h"

#include "cli/out.h"
#include "core/base/secret.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TIMEOUT_MAX_S 86400

static const char *dir_of(const struct cli *c, enum opt_id id, const char *env,
			  const char *built_in)
{
	const char *v = c->opt[id];

	if (v && *v)
		return v;
	v = getenv(env);
	return v && *v ? v : built_in;
}

static int set_up(struct cli *c, struct err *e)
{
	const char *when = c->opt[OPT_COLOR];
	unsigned long seconds = 0;

	if (when && strcmp(when, "auto") != 0 && strcmp(when, "always") != 0 &&
	    strcmp(when, "never") != 0)
		return err_code(e, EXIT_USAGE, "--color is auto, always or never");
	if (cli_has(c, OPT_TIMEOUT) &&
	    args_number("--timeout", c->opt[OPT_TIMEOUT], TIMEOUT_MAX_S, &seconds, e))
		return -1;
	if (cli_has(c, OPT_TIMEOUT) && seconds == 0)
		return err_code(e, EXIT_USAGE, "--timeout must be at least 1 second");
	if (cli_has(c, OPT_JSON) && cli_has(c, OPT_PLAIN))
		return err_code(e, EXIT_USAGE, "--json and --plain: only one of them");
	c->front.config_dir =
		dir_of(c, OPT_CONFIG_DIR, "ADIT_CONFIG_DIR", ADIT_CONFIG_DIR);
	c->front.run_dir = dir_of(c, OPT_RUN_DIR, "ADIT_RUN_DIR", ADIT_RUN_DIR);
	c->front.timeout_ms = (int)(seconds * 1000);
	c->front.no_apply = cli_has(c, OPT_NO_APPLY);
	return 0;
}

/* Help stands in for every verb, and `adit` alone is the screen or the status. */
static int run(struct cli *c, struct err *e)
{
	if (cli_has(c, OPT_HELP)) {
		help_page(c, NULL, c->verb);
		return 0;
	}
	if (cli_has(c, OPT_VERSION))
		return help_version(c, e);
	if (c->verb)
		return c->verb->run(c, e);
	if (c->tty_in && c->tty_out && !cli_has(c, OPT_JSON) && !cli_has(c, OPT_PLAIN) &&
	    !cli_has(c, OPT_QUIET))
		return screen_tui(c, e);
	return state_status(c, e);
}

static void complain(const struct cli *c, const struct err *e)
{
	fprintf(stderr, "adit: %s\n", e->msg);
	if (e->code == EXIT_NOT_PERMITTED && geteuid() != 0)
		fprintf(stderr, "adit: try it with sudo\n");
	(void)c;
}

int cli_main(int argc, char **argv, int (*screen)(const struct screen_args *args))
{
	struct cli c = { .screen = screen };
	struct err e = { 0 };
	int rc;

	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN);
	secret_harden_process();
	rc = args_parse(&c, argc, argv, &e);
	if (rc == 0)
		rc = set_up(&c, &e);
	out_init(&c);
	if (rc == 0)
		rc = run(&c, &e);
	/* What a verb gathered before it failed is still true, and explains the failure.
	 */
	if (out_flush(&c, rc ? NULL : &e) && rc == 0)
		rc = -1;
	if (rc)
		complain(&c, &e);
	sbuf_fini(&c.out);
	free(c.argv);
	if (rc)
		return e.code ? (int)e.code : EXIT_FAILED;
	return c.exit;
}

int screen_tui(struct cli *c, struct err *e)
{
	struct screen_args args = {
		.config_dir = c->front.config_dir,
		.run_dir = c->front.run_dir,
		.theme = c->opt[OPT_THEME],
		.peer = c->argc ? c->argv[0] : NULL,
		.ascii = cli_has(c, OPT_ASCII),
		.no_mouse = cli_has(c, OPT_NO_MOUSE),
		.readonly = cli_has(c, OPT_READONLY) || geteuid() != 0,
		.timeout_ms = c->front.timeout_ms,
	};

	if (!c->tty_in || !c->tty_out)
		return err_code(e, EXIT_USAGE,
				"the screen needs a terminal; `adit status` and the "
				"other verbs do not");
	if (cli_has(c, OPT_COLOR))
		args.color = strcmp(c->opt[OPT_COLOR], "always") == 0 ? COLOR_ALWAYS :
			     strcmp(c->opt[OPT_COLOR], "never") == 0  ? COLOR_NEVER :
									COLOR_AUTO;
	c->exit = (enum exit_code)c->screen(&args);
	return 0;
}
