/* whole: a small file of the config dir that is written whole or not at all: temp, fsync,
 * rename, fsync the folder. The settings themselves, several files at a time, are store.h's. */
#ifndef ADIT_SETTINGS_WHOLE_H
#define ADIT_SETTINGS_WHOLE_H

#include "core/base/err.h"

#include <stdio.h>

/* What write() puts into f becomes DIR/NAME, readable by all; on failure (write() says -1, or
 * f has an error) the file stays as it was. */
int whole_write(const char *dir, const char *name, int (*write)(const void *arg, FILE *f),
		const void *arg, struct err *e) MUST_USE;

#endif
