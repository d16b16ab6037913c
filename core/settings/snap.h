/* snap: all files of the config dir at one instant, as bytes; and the state file, one
 *file that holds them all: the journal of a commit, and each generation of history/.
 *
 *	adit-state 1
 *	generation 13
 *	time 1700000000
 *	who root pts/3
 *	what peer set branch keying_tries=3
 *	file peers/branch.conf 412
 *	(412 bytes, a newline)
 *	end 1 (number of files) 9c3b… (FNV-1a of all before this line)
 */
#ifndef ADIT_SETTINGS_SNAP_H
#define ADIT_SETTINGS_SNAP_H

#include "core/base/err.h"
#include "core/settings/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define SNAP_PATH_MAX 64
#define SNAP_SECRET_MAX 4096		/* bytes of a file in secrets/ */
#define SNAP_STATE_MAX (64u << 20)	/* bytes of a state file */

#define SNAP_ROUTER "adit.conf"
#define SNAP_PEERS "peers"
#define SNAP_SECRETS "secrets"
#define SNAP_HISTORY "history"
#define SNAP_PKI "pki"			/* core/pki's; only names are looked at here */
#define SNAP_CRT ".crt"
#define SNAP_KEY ".key"
#define SNAP_JOURNAL "journal"
#define SNAP_LOCK "lock"
#define SNAP_PPK ".ppk"		/* how a post-quantum key ends in secrets/ */
#define SNAP_TMP ".adit-tmp"	/* how temp files end */

struct snap_file {
	char path[SNAP_PATH_MAX];	/* "adit.conf", "peers/a.conf", "secrets/a" */
	bool secret;
	char *data; /* NUL behind it; NULL: not read (secrets unless asked for) */
	size_t len;
	mode_t mode;
	uid_t uid;
	int error;		/* errno of reading it; EFBIG: too large; 0 */
};

struct snap {
	struct snap_file *f;	/* sorted by path */
	size_t n, cap;
	struct generation gen; /* number 0: none yet; of a journal: that of the journal */
	bool secrets_listed;	/* this user could look which secrets there are */
	bool pending;		/* came from a journal that is not finished */
	char strange[SNAP_PATH_MAX];	/* a *.conf in peers/ whose name is none; "" */
};

void snap_fini(struct snap *s);		/* wipes secrets */

/* What a reader sees now: all old or all new (see store.h). Waits a moment while a commit
 * is under way that this user may not look at. No such dir: empty, 0. */
int snap_read(const char *dir, bool secrets, struct snap *s, struct err *e) MUST_USE;
/* For the holder of the lock: the files as they are, no journal looked at. */
int snap_read_files(int dirfd, bool secrets, struct snap *s, struct err *e) MUST_USE;

const struct snap_file *snap_find(const struct snap *s, const char *path);
/* Copies data. -1: out of memory. */
int snap_put(struct snap *s, const char *path, const char *data, size_t len) MUST_USE;
void snap_del(struct snap *s, const char *path);
int snap_copy(struct snap *to, const struct snap *from) MUST_USE;
/* The same files with the same bytes (both with secrets read)? */
bool snap_equal(const struct snap *a, const struct snap *b);
/* The name in "peers/NAME.conf"; false when the path is none. */
bool snap_peer_name(const char *path, char name[PEER_NAME_MAX + 1]);
/* buf >= SNAP_PATH_MAX; return it. */
const char *snap_peer_path(const char *name, char *buf);
const char *snap_secret_path(const char *name, char *buf);
const char *snap_ppk_path(const char *name, char *buf);	/* "secrets/NAME.ppk" */

/* A state file. -1 with errno ENOENT, EACCES …, or EBADMSG when it is damaged. */
int state_read(int dirfd, const char *path, bool secrets, struct snap *s, struct err *e)
	MUST_USE;
/* Only its head: number, time, who, what. */
int state_head(int dirfd, const char *path, struct generation *g, struct err *e) MUST_USE;
/* Write s (secrets read) to fd. */
int state_write(int fd, const struct snap *s, struct err *e) MUST_USE;
/* The highest number in history/; 0 when there is none. */
unsigned state_latest(int dirfd);

/* The whole of a file. *data is malloc()ed (secret: from secret_new()), a NUL behind it.
 * -1 with errno; EFBIG past max. */
int snap_slurp(int dirfd, const char *path, size_t max, bool secret, char **data,
	       size_t *len, mode_t *mode, uid_t *uid);

#endif
