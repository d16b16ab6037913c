/* password: as cli/psk.c asks for keys; a password may be empty and its blanks count. */
#include "cli/password.h"

#include "cli/quiet.h"

#include "core/base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int read_line(int fd, const char *from, char *out, struct err *e)
{
	size_t n = 0;

	for (;;) {
		char ch;
		ssize_t r = read(fd, &ch, 1);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_errno(e, "reading the password from %s", from);
		if (r == 0 || ch == '\n')
			break;
		if (!ch)
			return err_code(e, EXIT_USAGE, "the password from %s is no text",
					from);
		if (n == PASSWORD_LEN - 1)
			return err_code(e, EXIT_USAGE,
					"the password from %s is longer than %d "
					"bytes",
					from, PASSWORD_LEN - 1);
		out[n++] = ch;
	}
	if (n && out[n - 1] == '\r')
		n--;
	out[n] = '\0';
	return 0;
}

static int ask(const char *prompt, char *out, struct err *e)
{
	int r;

	fputs(prompt, stderr);
	fflush(stderr);
	r = read_line(STDIN_FILENO, "the terminal", out, e);
	fputc('\n', stderr);
	return r;
}

static int from_terminal(const char *prompt, bool twice, char *out, struct err *e)
{
	char *second = secret_new(PASSWORD_LEN);
	int r;

	if (!second)
		return err_set(e, "out of memory");
	if (quiet_begin() < 0) {
		secret_free(second);
		return err_code(e, EXIT_USAGE,
				"a password is needed, and there is no terminal to ask "
				"on: use --password-file FILE or --password-stdin");
	}
	r = ask(prompt, out, e);
	if (r == 0 && twice)
		r = ask("The same again: ", second, e);
	quiet_end();
	if (r == 0 && twice && strcmp(out, second) != 0)
		r = err_set(e, "the two are not the same; nothing was changed");
	secret_free(second);
	return r;
}

bool password_given(const struct cli *c)
{
	return cli_has(c, OPT_PASSWORD_FILE) || cli_has(c, OPT_PASSWORD_STDIN);
}

int password_get(struct cli *c, const char *prompt, bool twice, char *out, struct err *e)
{
	const char *path = c->opt[OPT_PASSWORD_FILE];
	int fd, r;

	if (path && cli_has(c, OPT_PASSWORD_STDIN))
		return err_code(e, EXIT_USAGE,
				"only one of --password-file and --password-stdin");
	if (cli_has(c, OPT_PASSWORD_STDIN))
		return read_line(STDIN_FILENO, "standard input", out, e);
	if (!path)
		return from_terminal(prompt, twice, out, e);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "cannot open %s", path);
	r = read_line(fd, path, out, e);
	close(fd);
	return r;
}
