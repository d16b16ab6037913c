/* libexec: where the programs are that ours start: beside it in a build tree, else where they
 * are installed. */
#ifndef ADIT_BASE_LIBEXEC_H
#define ADIT_BASE_LIBEXEC_H

#include <stddef.h>

/* The folder that has the program, without a slash at its end. Returns dir. */
const char *libexec_dir(const char *program, char *dir, size_t cap);

#endif
