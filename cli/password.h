/* password: one line from a file, from standard input, or from the terminal without echo;
 * never from argv or the environment. */
#ifndef ADIT_CLI_PASSWORD_H
#define ADIT_CLI_PASSWORD_H

#include "cli/cli.h"

#define PASSWORD_LEN 257	/* with its NUL */

/* What --password-file or --password-stdin say, else asked for on the terminal ("Password of
 * gw.p12: "), twice where it is a new one. out holds PASSWORD_LEN, the caller wipes it. */
int password_get(struct cli *c, const char *prompt, bool twice, char *out,
		 struct err *e) MUST_USE;
/* Does an option say where it comes from? */
bool password_given(const struct cli *c);

#endif
