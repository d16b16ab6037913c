/* afalg_note: espd's end of what afalg_open.c writes. */
#include "dataplane/engine/afalg_open.h"

#include <string.h>
#include <unistd.h>

int afalg_note_read(int fd, struct afalg_note *note, struct err *e)
{
	if (pread(fd, note, sizeof(*note), 0) != sizeof(*note) || note->magic != AFALG_MAGIC ||
	    (note->kind != AFALG_AEAD && note->kind != AFALG_SPLIT))
		return err_set(e, "the first descriptor is no note about AF_ALG sockets");
	note->driver[sizeof(note->driver) - 1] = '\0';
	return 0;
}
