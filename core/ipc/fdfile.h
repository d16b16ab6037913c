/* fdfile: a file that came as a descriptor, read whole. */
#ifndef ADIT_IPC_FDFILE_H
#define ADIT_IPC_FDFILE_H

#include "core/base/err.h"

#include <stddef.h>
#include <stdint.h>

/* All of it, from where the descriptor stands, which stays the caller's. More than max bytes
 * are an error, as is nothing at all. *out is the caller's to free(). */
int fdfile_read(int fd, size_t max, uint8_t **out, size_t *len, struct err *e) MUST_USE;
/* The same into secret memory of max bytes (SECRET_MAX at most), the caller's to
 * secret_free(). */
int fdfile_read_secret(int fd, size_t max, uint8_t **out, size_t *len, struct err *e) MUST_USE;

#endif
