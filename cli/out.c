/* out: everything a verb prints is gathered and leaves at the end, so that the pager
 * starts only when the text is longer than the screen, and a failure half way prints
 * nothing. */
#include "cli/out.h"

#include <errno.h>
#include <langinfo.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define WIDTH_MIN 20
#define WIDTH_TEXT 80	/* where no terminal says otherwise */
#define WIDTH_TEXT_MAX 100	/* longer lines are hard to read */

static bool env_set(const char *name)
{
	const char *v = getenv(name);

	return v && *v;
}

/* --color, then NO_COLOR, CLICOLOR_FORCE, the terminal (no-color.org, USERS.md 3c). */
static bool want_color(const struct cli *c)
{
	const char *when = c->opt[OPT_COLOR], *term = getenv("TERM");
	const char *force = getenv("CLICOLOR_FORCE");

	if (when && strcmp(when, "always") == 0)
		return true;
	if ((when && strcmp(when, "never") == 0) || env_set("NO_COLOR"))
		return false;
	if (force && strcmp(force, "0") != 0)
		return true;
	return c->tty_out && term && *term && strcmp(term, "dumb") != 0;
}

static size_t terminal(unsigned short *rows)
{
	struct winsize ws;
	const char *columns = getenv("COLUMNS");

	*rows = 24;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col) {
		*rows = ws.ws_row ? ws.ws_row : 24;
		return ws.ws_col;
	}
	if (columns && atoi(columns) > 0)
		return (size_t)atoi(columns);
	return WIDTH_TEXT;
}

void out_init(struct cli *c)
{
	/* Set by the screen, which shows what a verb prints. */
	const char *columns = getenv("ADIT_COLUMNS");
	unsigned short rows;

	c->tty_in = isatty(STDIN_FILENO);
	c->tty_out = isatty(STDOUT_FILENO);
	c->color = want_color(c) && !cli_has(c, OPT_JSON) && !cli_has(c, OPT_PLAIN);
	c->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	c->width = c->tty_out && !cli_has(c, OPT_PLAIN) ? terminal(&rows) : 0;
	if (!c->width && columns)
		c->width = (size_t)atoi(columns);
	if (c->width && c->width < WIDTH_MIN)
		c->width = WIDTH_MIN;
}

static int write_all(int fd, const char *s, size_t len, struct err *e)
{
	while (len) {
		ssize_t n = write(fd, s, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EPIPE)
			return 0;
		if (n < 0)
			return err_errno(e, "writing to standard output");
		s += n;
		len -= (size_t)n;
	}
	return 0;
}

static bool longer_than(const char *text, size_t rows)
{
	size_t lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines + 1 > rows;
}

/* Returns the pipe to the pager's stdin, or -1: then there is none. */
static int pager_start(const char *command, pid_t *pid)
{
	int fds[2];

	if (pipe(fds) < 0)
		return -1;
	*pid = fork();
	if (*pid < 0) {
		close(fds[0]);
		close(fds[1]);
		return -1;
	}
	if (*pid == 0) {
		dup2(fds[0], STDIN_FILENO);
		close(fds[0]);
		close(fds[1]);
		signal(SIGPIPE, SIG_DFL);
		if (!getenv("LESS"))
			setenv("LESS", "FIRX", 1);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(fds[0]);
	return fds[1];
}

static bool page(const char *text, size_t len)
{
	const char *command = getenv("PAGER");
	int fd, status = 0;
	struct err e;
	pid_t pid;

	if (!command)
		command = "less -FIRX";
	if (!*command || strcmp(command, "cat") == 0)
		return false;
	fd = pager_start(command, &pid);
	if (fd < 0)
		return false;
	/* Ctrl-C is the pager's while it runs. */
	signal(SIGINT, SIG_IGN);
	(void)!write_all(fd, text, len, &e);
	close(fd);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	signal(SIGINT, SIG_DFL);
	/* 127: it is not installed, so nothing was shown. */
	return !(WIFEXITED(status) && WEXITSTATUS(status) == 127);
}

int out_flush(struct cli *c, struct err *e)
{
	const char *text = sbuf_str(&c->out);
	unsigned short rows;

	if (!sbuf_ok(&c->out))
		return err_set(e, "out of memory");
	if (c->out.len == 0)
		return 0;
	if (c->tty_out && c->tty_in && !cli_has(c, OPT_NO_PAGER)) {
		terminal(&rows);
		if (longer_than(text, rows) && page(text, c->out.len))
			return 0;
	}
	return write_all(STDOUT_FILENO, text, c->out.len, e);
}

static const char *tone_on(enum fmt_tone tone)
{
	switch (tone) {
	case TONE_PLAIN:
		return "";
	case TONE_GOOD:
		return "\033[32m";
	case TONE_WAIT:
		return "\033[33m";
	case TONE_BAD:
		return "\033[1;31m";
	case TONE_OFF:
	case TONE_DIM:
		return "\033[2m";
	case TONE_WEAK:
		return "\033[35m";
	case TONE_HEAD:
		return "\033[1m";
	}
	return "";
}

void out_tone(struct cli *c, enum fmt_tone tone, const char *text)
{
	const char *on = c->color ? tone_on(tone) : "";
	char clean[1024];

	if (!*text)
		return;
	sbuf_add(&c->out, on);
	if (strlen(text) < sizeof(clean) / 4)
		sbuf_add(&c->out, fmt_fit(text, 0, c->utf8, clean, sizeof(clean)));
	else
		for (; *text; text++)
			sbuf_addn(&c->out,
				  (unsigned char)*text < ' ' || *text == 127 ? "?" : text,
				  1);
	if (*on)
		sbuf_add(&c->out, "\033[0m");
}

void out_say(struct cli *c, const char *fmt, ...)
{
	struct sbuf text = { 0 };
	va_list ap;

	if (cli_has(c, OPT_QUIET))
		return;
	va_start(ap, fmt);
	sbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	if (cli_has(c, OPT_JSON) && !c->say_stderr) {
		struct json_object *o = json_object_new_object();

		json_put_str(o, "text", sbuf_str(&text));
		out_json(c, o);
	} else if (c->say_stderr) {
		fprintf(stderr, "%s\n", sbuf_str(&text));
	} else {
		sbuf_addf(&c->out, "%s\n", sbuf_str(&text));
	}
	sbuf_fini(&text);
}

void out_note(struct cli *c, const char *fmt, ...)
{
	va_list ap;

	if (cli_has(c, OPT_QUIET))
		return;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void out_json(struct cli *c, struct json_object *obj)
{
	struct json_object *whole = json_object_new_object();
	size_t len = 0;
	char *line;

	/* "v" first, whoever built the object. */
	json_put_u64(whole, "v", json_get_u64(obj, "v", UINT32_MAX, STATUS_JSON_V));
	json_object_object_foreach(obj, key, val)
		if (strcmp(key, "v") != 0)
			json_object_object_add(whole, key, json_object_get(val));
	json_object_put(obj);
	if (c->tty_out) {
		sbuf_addf(&c->out, "%s\n", json_object_to_json_string_ext(whole,
			JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
			JSON_C_TO_STRING_NOSLASHESCAPE));
	} else {
		line = json_line(whole, &len);
		if (line)
			sbuf_addn(&c->out, line, len);
		else
			c->out.bad = true;
		free(line);
	}
	json_object_put(whole);
}

void out_wrap(struct cli *c, size_t indent, const char *text)
{
	size_t width = c->width ? c->width : WIDTH_TEXT;

	if (width > WIDTH_TEXT_MAX)
		width = WIDTH_TEXT_MAX;
	width = width > indent + WIDTH_MIN ? width - indent - 1 : WIDTH_MIN;
	while (text) {
		const char *next;
		size_t n = fmt_wrap(text, width, &next);

		sbuf_addf(&c->out, "%*s%.*s\n", (int)indent, "", (int)n, text);
		text = next;
	}
}

void out_spread(struct sbuf *b, const char *list)
{
	for (; *list; list++) {
		sbuf_addn(b, list, 1);
		if (*list == ',' && list[1] != ' ')
			sbuf_add(b, " ");
	}
}

void out_first(struct sbuf *b, const char *list)
{
	size_t n = 0;

	for (const char *p = list; *p; p++)
		n += *p == ',';
	sbuf_addn(b, list, strcspn(list, ","));
	if (n)
		sbuf_addf(b, " (+%zu)", n);
}

#define LABEL_WIDTH 16

void out_field(struct cli *c, const char *label, enum fmt_tone tone, const char *value)
{
	if (*value)
		out_labelled(c, LABEL_WIDTH, label, tone, value);
}

void out_labelled(struct cli *c, size_t label_width, const char *label,
		  enum fmt_tone tone, const char *value)
{
	size_t left = label_width + 2;
	size_t width = c->width > left + WIDTH_MIN ? c->width - left - 1 : 0;
	const char *next = value;
	bool first = true;

	while (next) {
		const char *line = next;
		size_t n = strlen(line);
		char *part;

		next = NULL;
		if (width)
			n = fmt_wrap(line, width, &next);
		part = strndup(line, n);
		sbuf_addf(&c->out, "  %-*s", (int)label_width, first ? label : "");
		out_tone(c, tone, part ? part : "");
		sbuf_add(&c->out, "\n");
		free(part);
		first = false;
	}
}

int out_confirm(struct cli *c, const char *question, struct err *e)
{
	char line[16] = "";

	if (cli_has(c, OPT_YES))
		return 0;
	if (!c->tty_in)
		return err_code(e, EXIT_USAGE,
				"%s There is no terminal to ask on: add --yes if "
				"so",
				question);
	/* What leads to the question comes before it, not after. */
	if (out_flush(c, e))
		return -1;
	sbuf_reset(&c->out);
	fprintf(stderr, "%s [y/N] ", question);
	fflush(stderr);
	if (!fgets(line, sizeof(line), stdin))
		fputc('\n', stderr);
	if (line[0] != 'y' && line[0] != 'Y')
		return err_set(e, "nothing was changed");
	return 0;
}
