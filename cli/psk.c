/* psk: a pre-shared key from a file, from stdin, from the terminal without echo, or drawn
 * anew; never from argv or the environment. It lives in the secret arena until the draft
 * has it. */
#include "cli/edit.h"

#include "cli/out.h"
#include "cli/quiet.h"
#include "core/base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX (2 * PSK_MAX + 64)	/* 0x... and blanks around */

/* All of fd up to its end; one byte more than fits is too much. */
static int read_key(int fd, const char *from, char *text, size_t *len, struct err *e)
{
	*len = 0;
	for (;;) {
		ssize_t n = read(fd, text + *len, TEXT_MAX - 1 - *len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "reading the key from %s", from);
		if (n == 0)
			break;
		*len += (size_t)n;
		if (*len >= TEXT_MAX - 1)
			return err_code(e, EXIT_USAGE,
					"%s is too long for a key (at most %d bytes, "
					"or 0x and twice as many digits)",
					from, PSK_MAX);
	}
	if (memchr(text, '\0', *len))
		return err_code(e, EXIT_USAGE,
				"%s is no text; write a binary key as 0x...", from);
	*len = front_psk_trim(text, *len);
	if (memchr(text, '\n', *len))
		return err_code(e, EXIT_USAGE, "%s has several lines; a key is one",
				from);
	if (*len == 0)
		return err_code(e, EXIT_USAGE, "%s is empty", from);
	return 0;
}

static int from_file(struct cli *c, const char *path, char *text, size_t *len,
		     struct err *e)
{
	struct stat st;
	int fd, rc;

	if (strcmp(path, "-") == 0)
		return read_key(STDIN_FILENO, "standard input", text, len, e);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "cannot open %s", path);
	rc = read_key(fd, path, text, len, e);
	if (rc == 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077))
		out_note(c,
			 "adit: warning: others may read %s: chmod 600 it, or delete it "
			 "now",
			 path);
	close(fd);
	return rc;
}

/* --- the terminal --- */

static int ask_once(const char *prompt, char *text, size_t *len, struct err *e)
{
	size_t at = 0;

	fputs(prompt, stderr);
	fflush(stderr);
	for (;;) {
		char ch;
		ssize_t n = read(STDIN_FILENO, &ch, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "reading from the terminal");
		if (n == 0 || ch == '\n')
			break;
		if (at >= TEXT_MAX - 1)
			return err_code(e, EXIT_USAGE, "that is too long for a key");
		text[at++] = ch;
	}
	fputc('\n', stderr);
	text[at] = '\0';
	*len = front_psk_trim(text, at);
	if (*len == 0)
		return err_set(e, "no key was given; nothing was changed");
	return 0;
}

static int from_terminal(const char *peer, char *text, size_t *len, struct err *e)
{
	char *second = secret_new(TEXT_MAX);
	char prompt[96];
	size_t len2 = 0;
	int rc = -1;

	if (!second)
		return err_set(e, "out of memory");
	if (quiet_begin() < 0) {
		rc = err_code(e, EXIT_USAGE,
			      "there is no terminal to ask on: use --psk-file FILE "
			      "or --psk-stdin");
		goto out;
	}
	snprintf(prompt, sizeof(prompt), "Pre-shared key of %s: ", peer);
	rc = ask_once(prompt, text, len, e);
	if (rc == 0)
		rc = ask_once("The same again: ", second, &len2, e);
	quiet_end();
	if (rc == 0 && (len2 != *len || !secret_equal(text, second, *len)))
		rc = err_set(e, "the two are not the same; nothing was changed");
out:
	secret_free(second);
	return rc;
}

/* --- */

static int one_source(const struct cli *c, struct err *e)
{
	int n = cli_has(c, OPT_PSK_FILE) + cli_has(c, OPT_PSK_STDIN) +
		cli_has(c, OPT_GENERATE_PSK) + cli_has(c, OPT_ASK_PSK);

	if (n > 1)
		return err_code(e, EXIT_USAGE, "only one of --psk-file, --psk-stdin, "
				"--generate-psk and --ask-psk");
	if (cli_has(c, OPT_PSK_STDIN) && cli_has(c, OPT_PPK_STDIN))
		return err_code(e, EXIT_USAGE,
				"standard input holds one key: --psk-stdin or --ppk-stdin");
	if (cli_has(c, OPT_PPK_FILE) && cli_has(c, OPT_PPK_STDIN))
		return err_code(e, EXIT_USAGE, "only one of --ppk-file and --ppk-stdin");
	return n;
}

int edit_ppk(struct cli *c, struct draft *d, struct err *e)
{
	bool file = cli_has(c, OPT_PPK_FILE);
	size_t len = 0;
	char *text;
	int rc;

	if (one_source(c, e) < 0)
		return -1;
	if (!file && !cli_has(c, OPT_PPK_STDIN))
		return 0;
	text = secret_new(TEXT_MAX);
	if (!text)
		return err_set(e, "out of memory");
	rc = file ? from_file(c, c->opt[OPT_PPK_FILE], text, &len, e)
		  : read_key(STDIN_FILENO, "standard input", text, &len, e);
	if (rc == 0)
		rc = draft_set(d, "ppk", text, e);
	secret_free(text);
	return rc;
}

int edit_psk(struct cli *c, struct draft *d, bool ask, char *made, bool *given,
	     struct err *e)
{
	int n = one_source(c, e), rc = -1;
	const char *weakness;
	size_t len = 0;
	char *text;

	made[0] = '\0';
	*given = false;
	if (n < 0)
		return -1;
	if (n == 0 && !(ask && c->tty_in))
		return 0;
	text = secret_new(TEXT_MAX);
	if (!text)
		return err_set(e, "out of memory");
	if (cli_has(c, OPT_PSK_FILE)) {
		rc = from_file(c, c->opt[OPT_PSK_FILE], text, &len, e);
	} else if (cli_has(c, OPT_PSK_STDIN)) {
		rc = read_key(STDIN_FILENO, "standard input", text, &len, e);
	} else if (cli_has(c, OPT_GENERATE_PSK)) {
		front_psk_generate(made);
		memcpy(text, made, FRONT_PSK_TEXT);
		rc = 0;
	} else {
		rc = from_terminal(draft_name(d), text, &len, e);
	}
	if (rc == 0)
		rc = draft_set(d, "psk", text, e);
	weakness = rc == 0 ? psk_weakness(text) : NULL;
	if (weakness)
		out_note(c,
			 "adit: warning: this key is weak: %s; --generate-psk makes a "
			 "good one",
			 weakness);
	*given = rc == 0;
	secret_free(text);
	return rc;
}

void edit_show_psk(struct cli *c, const char *made)
{
	struct json_object *o;

	if (!*made)
		return;
	if (!cli_has(c, OPT_JSON)) {
		sbuf_addf(&c->out, "%s\n", made);
		return;
	}
	o = json_object_new_object();
	json_put_str(o, "psk", made);
	out_json(c, o);
}
