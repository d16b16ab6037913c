/* commit: every step leaves either the old state or the new one for readers
 *(snap_read()).
 *
 *	1. journal temp file: written, fsynced        old
 *	2. renamed to `journal`, folder fsynced       new from here on: readers take the
 *journal
 *	3. each file: temp, fsync, rename; unlinks    new
 *	4. folders fsynced                            new
 *	5. journal renamed to history/N, fsynced      new: files and history agree
 */
#include "core/settings/commit.h"

#include "core/base/clock.h"
#include "core/base/secret.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODE_CONF 0640
#define MODE_SECRET 0600
#define TMP_JOURNAL "." SNAP_JOURNAL SNAP_TMP
#define TMP_HISTORY SNAP_HISTORY "/.state" SNAP_TMP

const char *commit_path(unsigned number, char *buf, size_t cap)
{
	snprintf(buf, cap, SNAP_HISTORY "/%u", number);
	return buf;
}

static void clean_word(char *s)
{
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("._-/@", *s))
			*s = '_';
}

void commit_who(char *user, size_t user_cap, char *tty, size_t tty_cap)
{
	const char *sudo = geteuid() == 0 ? getenv("SUDO_USER") : NULL;
	char buf[1024], name[64];
	struct passwd pw, *found = NULL;

	if (sudo && *sudo)
		snprintf(user, user_cap, "%.30s", sudo);
	else if (getpwuid_r(geteuid(), &pw, buf, sizeof(buf), &found) == 0 && found)
		snprintf(user, user_cap, "%.30s", found->pw_name);
	else
		snprintf(user, user_cap, "uid %u", (unsigned)geteuid());
	tty[0] = '\0';
	for (int fd = 0; fd < 3 && !tty[0]; fd++)
		if (ttyname_r(fd, name, sizeof(name)) == 0)
			snprintf(tty, tty_cap, "%.20s",
				 strncmp(name, "/dev/", 5) ? name : name + 5);
	if (strncmp(user, "uid ", 4) != 0)
		clean_word(user);
	clean_word(tty);
}

/* --- one file --- */

static int write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -1;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

/* Keep what the admin gave a conf file; a secret is root's alone. */
static void take_over_mode(int dirfd, const char *path, bool secret, int fd)
{
	struct stat st, folder;
	bool have = fstatat(dirfd, path, &st, 0) == 0 && S_ISREG(st.st_mode);
	int r = 0;

	if (secret)
		r = fchmod(fd, MODE_SECRET);
	else if (have) {
		r = fchown(fd, st.st_uid, st.st_gid);
		r |= fchmod(fd, st.st_mode & 0777);
	} else {
		if (fstat(dirfd, &folder) == 0)
			r = fchown(fd, (uid_t)-1, folder.st_gid);
		r |= fchmod(fd, MODE_CONF);
	}
	/* Then it stays 0600 and ours: stricter, never looser. */
	(void)r;
}

/* "peers/a.conf" gets "peers/.a.conf.adit-tmp". */
static void tmp_path(const char *path, char *buf, size_t cap)
{
	const char *slash = strrchr(path, '/');
	int dir = slash ? (int)(slash + 1 - path) : 0;

	snprintf(buf, cap, "%.*s.%s" SNAP_TMP, dir, path, path + dir);
}

static int write_file(int dirfd, const struct snap_file *f, struct err *e)
{
	char tmp[SNAP_PATH_MAX + 16];
	int fd;

	tmp_path(f->path, tmp, sizeof(tmp));
	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		    MODE_SECRET);
	if (fd < 0)
		return err_errno(e, "%s", tmp);
	take_over_mode(dirfd, f->path, f->secret, fd);
	if (write_all(fd, f->data, f->len) < 0 || fsync(fd) < 0) {
		err_errno(e, "%s", tmp);
		close(fd);
		unlinkat(dirfd, tmp, 0);
		return -1;
	}
	close(fd);
	if (renameat(dirfd, tmp, dirfd, f->path) < 0) {
		err_errno(e, "%s", f->path);
		unlinkat(dirfd, tmp, 0);
		return -1;
	}
	return 0;
}

static int sync_folder(int dirfd, const char *folder, struct err *e)
{
	int fd = openat(dirfd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (fd < 0)
		return err_errno(e, "%s", folder);
	r = fsync(fd);
	/* Some file systems cannot, and say so. */
	if (r < 0 && (errno == EINVAL || errno == ENOTSUP))
		r = 0;
	if (r < 0)
		err_errno(e, "%s", folder);
	close(fd);
	return r;
}

/* --- a state file --- */

static int write_state(int dirfd, const char *tmp, const char *path, const char *folder,
		       const struct snap *s, struct err *e)
{
	int fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
			MODE_SECRET);

	if (fd < 0)
		return err_errno(e, "%s", tmp);
	if (state_write(fd, s, e) < 0 || (fsync(fd) < 0 && err_errno(e, "%s", tmp) < 0)) {
		close(fd);
		unlinkat(dirfd, tmp, 0);
		return -1;
	}
	close(fd);
	if (renameat(dirfd, tmp, dirfd, path) < 0) {
		err_errno(e, "%s", path);
		unlinkat(dirfd, tmp, 0);
		return -1;
	}
	return sync_folder(dirfd, folder, e);
}

static void prune(int dirfd, unsigned latest)
{
	int fd = openat(dirfd, SNAP_HISTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *de;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((de = readdir(d))) {
		char *end;
		unsigned long n = strtoul(de->d_name, &end, 10);

		if (isdigit((unsigned char)de->d_name[0]) && !*end &&
		    n + HISTORY_MAX <= latest)
			unlinkat(fd, de->d_name, 0);
	}
	closedir(d);
}

/* --- the files --- */

static int make_folders(int dirfd, struct err *e)
{
	static const struct { const char *name; mode_t mode; } folders[] = {
		{ SNAP_PEERS, 0755 }, { SNAP_SECRETS, 0700 }, { SNAP_HISTORY, 0755 },
	};

	for (size_t i = 0; i < 3; i++)
		if (mkdirat(dirfd, folders[i].name, folders[i].mode) < 0 &&
		    errno != EEXIST)
			return err_errno(e, "%s", folders[i].name);
	return 0;
}

static int apply_files(int dirfd, const struct snap *s, struct err *e)
{
	struct snap cur;
	int r = 0;

	if (snap_read_files(dirfd, true, &cur, e) < 0)
		return -1;
	for (size_t i = 0; i < s->n && r == 0; i++) {
		const struct snap_file *f = &s->f[i], *was = snap_find(&cur, f->path);

		if (!was || !was->data || was->len != f->len ||
		    !secret_equal(was->data, f->data, f->len) ||
		    (f->secret && was->mode & (S_IRWXG | S_IRWXO)))
			r = write_file(dirfd, f, e);
	}
	/* What could not be read was not part of any state: it is not ours to delete. */
	for (size_t i = 0; i < cur.n && r == 0; i++)
		if (cur.f[i].data && !snap_find(s, cur.f[i].path) &&
		    unlinkat(dirfd, cur.f[i].path, 0) < 0 && errno != ENOENT)
			r = err_errno(e, "%s", cur.f[i].path);
	snap_fini(&cur);
	if (r == 0 &&
	    (sync_folder(dirfd, SNAP_PEERS, e) < 0 ||
	     sync_folder(dirfd, SNAP_SECRETS, e) < 0 || sync_folder(dirfd, ".", e) < 0))
		r = -1;
	return r;
}

/* The journal stands: make it so. */
static int finish(int dirfd, const struct snap *s, struct err *e)
{
	char path[SNAP_PATH_MAX];

	if (apply_files(dirfd, s, e) < 0)
		return -1;
	if (renameat(dirfd, SNAP_JOURNAL, dirfd,
		     commit_path(s->gen.number, path, sizeof(path))) < 0)
		return err_errno(e, "%s", path);
	if (sync_folder(dirfd, SNAP_HISTORY, e) < 0 || sync_folder(dirfd, ".", e) < 0)
		return -1;
	prune(dirfd, s->gen.number);
	return 0;
}

int commit_write(int dirfd, struct snap *s, unsigned number, struct err *e)
{
	s->gen.number = number;
	if (make_folders(dirfd, e) < 0 ||
	    write_state(dirfd, TMP_JOURNAL, SNAP_JOURNAL, ".", s, e) < 0)
		return -1;
	if (finish(dirfd, s, e) < 0)
		return err_wrap(
			e,
			"the change is in force, but not all files are written (the next "
			"change does that)");
	return 0;
}

int commit_baseline(int dirfd, const struct snap *cur, unsigned *number, struct err *e)
{
	char path[SNAP_PATH_MAX], tty[24];
	struct snap latest, copy;
	bool same = false;
	int r;

	*number = state_latest(dirfd);
	if (*number && state_read(dirfd, commit_path(*number, path, sizeof(path)), true,
				  &latest, NULL) == 0) {
		same = snap_equal(cur, &latest);
		snap_fini(&latest);
	}
	if (same)
		return 0;
	if (make_folders(dirfd, e) < 0 || snap_copy(&copy, cur) < 0)
		return -1;
	copy.gen = (struct generation){ .number = *number + 1, .wall_s = clock_wall_s() };
	commit_who(copy.gen.who, sizeof(copy.gen.who), tty, sizeof(tty));
	snprintf(copy.gen.what, sizeof(copy.gen.what), "%s", *number ? "changed by hand" :
		 cur->n ? "as found" : "nothing yet");
	r = write_state(dirfd, TMP_HISTORY,
			commit_path(copy.gen.number, path, sizeof(path)), SNAP_HISTORY,
			&copy, e);
	if (r == 0)
		*number = copy.gen.number;
	snap_fini(&copy);
	return r;
}

/* --- after a kill --- */

static void sweep(int dirfd, const char *folder)
{
	int fd = openat(dirfd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *de;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((de = readdir(d))) {
		size_t n = strlen(de->d_name), tail = sizeof(SNAP_TMP) - 1;

		if (de->d_name[0] == '.' && n > tail &&
		    strcmp(de->d_name + n - tail, SNAP_TMP) == 0)
			unlinkat(fd, de->d_name, 0);
	}
	closedir(d);
}

int commit_recover(int dirfd, struct err *e)
{
	struct snap s;
	int r;

	sweep(dirfd, ".");
	sweep(dirfd, SNAP_PEERS);
	sweep(dirfd, SNAP_SECRETS);
	sweep(dirfd, SNAP_HISTORY);
	if (state_read(dirfd, SNAP_JOURNAL, true, &s, e) < 0) {
		if (errno == ENOENT)
			return 0;
		if (errno != EBADMSG)
			return -1;
		/* Not whole: no writer of ours left it so. The files count; it is kept to
		 * look at. */
		if (renameat(dirfd, SNAP_JOURNAL, dirfd, SNAP_JOURNAL ".bad") < 0)
			return err_errno(e, SNAP_JOURNAL);
		return 0;
	}
	r = make_folders(dirfd, e) < 0 ? -1 : finish(dirfd, &s, e);
	snap_fini(&s);
	return r;
}
