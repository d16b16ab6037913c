/* snap: reading all files so that no commit is seen in half. */
#include "core/settings/snap.h"

#include "core/base/secret.h"
#include "core/settings/value.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TRIES 200
#define TRY_PAUSE_NS 5000000L	/* with TRIES: a second */

/* --- the list of files --- */

static void file_fini(struct snap_file *f)
{
	if (f->secret)
		secret_free(f->data);
	else
		free(f->data);
}

void snap_fini(struct snap *s)
{
	for (size_t i = 0; i < s->n; i++)
		file_fini(&s->f[i]);
	free(s->f);
	memset(s, 0, sizeof(*s));
}

/* Where path is, or where it would go. */
static size_t slot(const struct snap *s, const char *path, bool *found)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int d = strcmp(s->f[mid].path, path);

		if (d == 0) {
			*found = true;
			return mid;
		}
		if (d < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*found = false;
	return lo;
}

const struct snap_file *snap_find(const struct snap *s, const char *path)
{
	bool found;
	size_t i = slot(s, path, &found);

	return found ? &s->f[i] : NULL;
}

/* The file's entry, new or with its old data dropped. */
static struct snap_file *entry(struct snap *s, const char *path)
{
	bool found;
	size_t i = slot(s, path, &found);
	struct snap_file *more;

	if (found) {
		file_fini(&s->f[i]);
		s->f[i].data = NULL;
		s->f[i].len = 0;
		s->f[i].error = 0;
		return &s->f[i];
	}
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 16;

		more = realloc(s->f, cap * sizeof(*more));
		if (!more)
			return NULL;
		s->f = more;
		s->cap = cap;
	}
	memmove(&s->f[i + 1], &s->f[i], (s->n - i) * sizeof(*s->f));
	s->n++;
	memset(&s->f[i], 0, sizeof(s->f[i]));
	snprintf(s->f[i].path, sizeof(s->f[i].path), "%s", path);
	s->f[i].secret = strncmp(path, SNAP_SECRETS "/", sizeof(SNAP_SECRETS)) == 0;
	return &s->f[i];
}

static char *room(bool secret, size_t len)
{
	return secret ? (len < SECRET_MAX ? secret_new(len + 1) : NULL) : malloc(len + 1);
}

int snap_put(struct snap *s, const char *path, const char *data, size_t len)
{
	struct snap_file *f = entry(s, path);

	if (!f || !(f->data = room(f->secret, len)))
		return -1;
	memcpy(f->data, data, len);
	f->data[len] = '\0';
	f->len = len;
	return 0;
}

void snap_del(struct snap *s, const char *path)
{
	bool found;
	size_t i = slot(s, path, &found);

	if (!found)
		return;
	file_fini(&s->f[i]);
	s->n--;
	memmove(&s->f[i], &s->f[i + 1], (s->n - i) * sizeof(*s->f));
}

int snap_copy(struct snap *to, const struct snap *from)
{
	memset(to, 0, sizeof(*to));
	to->gen = from->gen;
	to->secrets_listed = from->secrets_listed;
	for (size_t i = 0; i < from->n; i++)
		if (from->f[i].data &&
		    snap_put(to, from->f[i].path, from->f[i].data, from->f[i].len) < 0)
			return -1;
	return 0;
}

/* The next file with data from *i on: what could not be read is part of no state. */
static const struct snap_file *next_read(const struct snap *s, size_t *i)
{
	while (*i < s->n && !s->f[*i].data)
		(*i)++;
	return *i < s->n ? &s->f[(*i)++] : NULL;
}

bool snap_equal(const struct snap *a, const struct snap *b)
{
	size_t i = 0, k = 0;

	for (;;) {
		const struct snap_file *x = next_read(a, &i), *y = next_read(b, &k);

		if (!x || !y)
			return x == y;
		if (strcmp(x->path, y->path) != 0 || x->len != y->len ||
		    !secret_equal(x->data, y->data, x->len))
			return false;
	}
}

bool snap_peer_name(const char *path, char name[PEER_NAME_MAX + 1])
{
	size_t n = strlen(path), head = sizeof(SNAP_PEERS), tail = sizeof(".conf") - 1;

	if (strncmp(path, SNAP_PEERS "/", head) != 0 || n <= head + tail ||
	    strcmp(path + n - tail, ".conf") != 0 || n - head - tail > PEER_NAME_MAX)
		return false;
	snprintf(name, PEER_NAME_MAX + 1, "%.*s", (int)(n - head - tail), path + head);
	return value_name_check("name", name, PEER_NAME_MAX, NULL) == 0;
}

const char *snap_peer_path(const char *name, char *buf)
{
	snprintf(buf, SNAP_PATH_MAX, SNAP_PEERS "/%.*s.conf", PEER_NAME_MAX, name);
	return buf;
}

const char *snap_secret_path(const char *name, char *buf)
{
	snprintf(buf, SNAP_PATH_MAX, SNAP_SECRETS "/%.*s",
		 PEER_NAME_MAX + (int)sizeof(SNAP_PPK) - 1, name);
	return buf;
}

const char *snap_ppk_path(const char *name, char *buf)
{
	snprintf(buf, SNAP_PATH_MAX, SNAP_SECRETS "/%.*s" SNAP_PPK, PEER_NAME_MAX, name);
	return buf;
}

/* --- reading --- */

static int read_all(int fd, char *buf, size_t cap, size_t *len)
{
	*len = 0;
	while (*len < cap) {
		ssize_t r = read(fd, buf + *len, cap - *len);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		*len += (size_t)r;
	}
	return 0;
}

int snap_slurp(int dirfd, const char *path, size_t max, bool secret, char **data,
	       size_t *len, mode_t *mode, uid_t *uid)
{
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), saved;
	struct stat st;
	char *buf = NULL;
	size_t cap;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		goto fail;
	errno = S_ISREG(st.st_mode) ? EFBIG : EINVAL;
	if (!S_ISREG(st.st_mode) || (uintmax_t)st.st_size > max)
		goto fail;
	/* One byte more tells that it has grown meanwhile. */
	cap = (size_t)st.st_size + 1;
	errno = ENOMEM;
	if (!(buf = room(secret, cap)) || read_all(fd, buf, cap, len) < 0)
		goto fail;
	errno = EAGAIN;
	if (*len == cap)
		goto fail;
	buf[*len] = '\0';
	close(fd);
	*data = buf;
	*mode = st.st_mode;
	*uid = st.st_uid;
	return 0;
fail:
	saved = errno;
	close(fd);
	if (secret)
		secret_free(buf);
	else
		free(buf);
	errno = saved;
	return -1;
}

static int add_file(int dirfd, const char *path, bool secrets, struct snap *s,
		    struct err *e)
{
	struct snap_file *f = entry(s, path);
	struct stat st;
	int r;

	if (!f)
		return err_set(e, "out of memory");
	if (f->secret && !secrets) {
		r = fstatat(dirfd, path, &st, 0);
		f->mode = st.st_mode;
		f->uid = st.st_uid;
		f->len = r < 0 ? 0 : (size_t)st.st_size;
	} else
		r = snap_slurp(dirfd, path,
			       f->secret ? SNAP_SECRET_MAX : SETTINGS_FILE_MAX, f->secret,
			       &f->data, &f->len, &f->mode, &f->uid);
	if (r == 0)
		return 0;
	/* Gone since the folder was listed: a commit, the caller sees. */
	if (errno == ENOENT) {
		snap_del(s, path);
		return 0;
	}
	f->error = errno;
	return 0;
}

static bool wanted(const char *folder, const char *name, char path[SNAP_PATH_MAX],
		   struct snap *s)
{
	char peer[PEER_NAME_MAX + 1];
	size_t n = strlen(name);

	if (name[0] == '.')
		return false;
	if (strcmp(folder, SNAP_SECRETS) == 0) {
		if (value_name_check("name", name, PEER_NAME_MAX + sizeof(SNAP_PPK) - 1,
				     NULL) < 0)
			return false;
		snap_secret_path(name, path);
		return true;
	}
	if (n < 5 || strcmp(name + n - 5, ".conf") != 0)
		return false;
	snprintf(path, SNAP_PATH_MAX, "%.8s/%.50s", folder, name);
	if (n <= 50 && snap_peer_name(path, peer))
		return true;
	memcpy(s->strange, path, sizeof(s->strange));
	return false;
}

static int add_folder(int dirfd, const char *folder, bool secrets, struct snap *s,
		      struct err *e)
{
	int fd = openat(dirfd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char path[SNAP_PATH_MAX];
	const struct dirent *de;
	int r = 0;
	DIR *d;

	if (fd < 0)
		return errno == ENOENT ? 0 : err_errno(e, "%s", folder);
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return err_errno(e, "%s", folder);
	}
	while (r == 0 && (de = readdir(d)))
		if (wanted(folder, de->d_name, path, s))
			r = s->n > 3 * SETTINGS_PEERS_MAX ?
				err_set(e, "more than %d peers", SETTINGS_PEERS_MAX) :
				add_file(dirfd, path, secrets, s, e);
	closedir(d);
	return r;
}

int snap_read_files(int dirfd, bool secrets, struct snap *s, struct err *e)
{
	struct err ignored;

	memset(s, 0, sizeof(*s));
	if (add_file(dirfd, SNAP_ROUTER, false, s, e) < 0 ||
	    add_folder(dirfd, SNAP_PEERS, false, s, e) < 0)
		goto fail;
	/* Who may not look into secrets/ reads settings all the same. */
	s->secrets_listed =
		add_folder(dirfd, SNAP_SECRETS, secrets, s, secrets ? e : &ignored) == 0;
	if (!s->secrets_listed && secrets)
		goto fail;
	return 0;
fail:
	snap_fini(s);
	return -1;
}

/* Did no commit touch the files since state_latest() said `before` and no journal was
 * there? The journal is looked at first: it becomes history/N only after all files are
 * replaced, so a commit that had begun by now shows in the one or the other. */
static bool undisturbed(int dirfd, unsigned before)
{
	if (faccessat(dirfd, SNAP_JOURNAL, F_OK, 0) == 0)
		return false;
	return state_latest(dirfd) == before;
}

int snap_read(const char *dir, bool secrets, struct snap *s, struct err *e)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct timespec pause = { 0, TRY_PAUSE_NS };
	bool damaged = false;
	int r = -1;

	memset(s, 0, sizeof(*s));
	if (fd < 0)
		return errno == ENOENT ? 0 : err_errno(e, "%s", dir);
	err_set(e, "%s: the settings are changing all the time", dir);
	for (int i = 0; i < TRIES && r < 0; i++) {
		unsigned before;

		if (i)
			nanosleep(&pause, NULL);
		if (!damaged && state_read(fd, SNAP_JOURNAL, secrets, s, e) == 0) {
			s->pending = true;
			r = 0;
			break;
		}
		if (!damaged && errno == EACCES) {
			err_code(e, EXIT_NOT_PERMITTED,
				 "%s: a change is under way or was cut short; "
				 "any adit command of root's that writes finishes it",
				 dir);
			continue;
		}
		/* Not readable as one: the writer never left it so (it is whole before it
		 * gets its name); the disk did. The files are all there is. */
		damaged |= !damaged && errno != ENOENT;
		before = state_latest(fd);
		if (snap_read_files(fd, secrets, s, e) < 0)
			break;
		s->gen.number = before;
		if (damaged || undisturbed(fd, before))
			r = 0;
		else
			snap_fini(s);
	}
	close(fd);
	return r;
}
