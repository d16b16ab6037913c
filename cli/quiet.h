/* quiet: the terminal without echo, while a secret is typed. A signal that ends us puts it back. */
#ifndef ADIT_CLI_QUIET_H
#define ADIT_CLI_QUIET_H

/* -1: standard input is no terminal, nothing was done. */
int quiet_begin(void);
void quiet_end(void);

#endif
