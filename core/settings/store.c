/* store: one writer at a time: the lock, staging, the check, the commit. */
#include "core/settings/store.h"

#include "core/base/clock.h"
#include "core/base/secret.h"
#include "core/settings/commit.h"
#include "core/settings/draft_priv.h"
#include "core/settings/edit.h"
#include "core/settings/load.h"
#include "core/settings/store_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_TRIES 10
#define LOCK_PAUSE_NS 50000000L	/* with LOCK_TRIES: half a second */

/* --- the lock ---
 * flock(2) is the lock; the kernel gives it back when its holder dies, so what a dead one
 * left in the file means nothing. The text only says who. */

static int locked(int fd, struct err *e)
{
	char buf[512], user[40] = "someone", tty[40] = "", what[160] = "", when[16] = "";
	long long since = 0;
	struct tm tm;
	time_t t;
	long pid = 0;
	ssize_t n = pread(fd, buf, sizeof(buf) - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	if (sscanf(buf,
		   "pid %ld\nuser %39[^\n]\ntty %39[^\n]\nsince %lld\nwhat %159[^\n]",
		   &pid, user, tty, &since, what) < 4)
		return err_set(
			e,
			"someone else is changing the settings; try again in a moment");
	t = (time_t)since;
	if (localtime_r(&t, &tm))
		strftime(when, sizeof(when), "%H:%M:%S", &tm);
	return err_set(
		e,
		"%s (pid %ld, %s) is changing the settings since %s: %s; try again when "
		"that is done",
		user, pid, tty, when, what);
}

static int take_lock(int dirfd, const char *what, int *lockfd, struct err *e)
{
	struct timespec pause = { 0, LOCK_PAUSE_NS };
	char text[512], user[40], tty[24];
	int fd = openat(dirfd, SNAP_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
			0644),
	    n;

	if (fd < 0)
		return err_errno(e, "cannot lock the settings");
	for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			err_errno(e, "cannot lock the settings");
			close(fd);
			return -1;
		}
		if (i == LOCK_TRIES) {
			locked(fd, e);
			close(fd);
			return -1;
		}
		nanosleep(&pause, NULL);
	}
	commit_who(user, sizeof(user), tty, sizeof(tty));
	n = snprintf(text, sizeof(text),
		     "pid %ld\nuser %s\ntty %s\nsince %" PRId64 "\nwhat %.150s\n",
		     (long)getpid(), user, tty[0] ? tty : "no terminal", clock_wall_s(),
		     what);
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n) {
		err_errno(e, "cannot write the lock");
		close(fd);
		return -1;
	}
	*lockfd = fd;
	return 0;
}

struct store *store_open(const char *dir, const char *what, struct err *e)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s) {
		err_set(e, "out of memory");
		return NULL;
	}
	s->lockfd = -1;
	snprintf(s->what, sizeof(s->what), "%s", what);
	if (mkdir(dir, 0755) < 0 && errno != EEXIST) {
		err_errno(e, "%s", dir);
		s->dirfd = -1;
		goto fail;
	}
	s->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s->dir = strdup(dir);
	if (s->dirfd < 0 || !s->dir) {
		err_errno(e, "%s", dir);
		goto fail;
	}
	if (take_lock(s->dirfd, what, &s->lockfd, e) < 0 ||
	    commit_recover(s->dirfd, e) < 0 ||
	    snap_read_files(s->dirfd, true, &s->cur, e) < 0)
		goto fail;
	if (snap_copy(&s->next, &s->cur) < 0) {
		err_set(e, "out of memory");
		goto fail;
	}
	s->next.secrets_listed = true;
	return s;
fail:
	store_close(s);
	return NULL;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	/* The lock goes first of all with its descriptor; an empty file says nobody has
	 * it. */
	if (s->lockfd >= 0) {
		int r = ftruncate(s->lockfd, 0);

		(void)r;
		close(s->lockfd);
	}
	if (s->dirfd >= 0)
		close(s->dirfd);
	snap_fini(&s->cur);
	snap_fini(&s->next);
	free(s->dir);
	free(s);
}

/* --- staging --- */

static int touch(struct store *s, const char *name, struct err *e)
{
	if (s->n_touched == STORE_TOUCHED_MAX)
		return err_set(e, "more than %d peers changed at once",
			       STORE_TOUCHED_MAX);
	snprintf(s->touched[s->n_touched++], PEER_NAME_MAX + 1, "%s", name);
	return 0;
}

bool store_has_peer(const struct store *s, const char *name)
{
	char path[SNAP_PATH_MAX];

	return snap_find(&s->next, snap_peer_path(name, path)) != NULL ||
	       snap_find(&s->cur, path) != NULL;
}

int store_peer(struct store *s, const char *name, struct draft **out, struct findings *fs,
	       struct err *e)
{
	*out = NULL;
	return load_peer_draft(&s->next, name, out, fs, e);
}

/* text NULL: it stays as it is. */
static int put_secret(struct store *s, const char *path, const char *text, struct err *e)
{
	size_t n = text ? strlen(text) : 0;
	char *line = text ? secret_new(n + 2) : NULL;
	int r;

	if (!text)
		return 0;
	if (!line)
		return err_set(e, "out of memory");
	memcpy(line, text, n);
	line[n] = '\n';
	r = snap_put(&s->next, path, line, n + 1);
	secret_free(line);
	return r < 0 ? err_set(e, "out of memory") : 0;
}

static int put_text(struct store *s, const struct draft *d, const char *path,
		    struct err *e)
{
	const struct snap_file *old = snap_find(&s->next, path);
	const struct snap_file *unread = snap_find(&s->cur, path);
	struct sbuf text = { 0 };
	int r;

	if (!old && unread && unread->error)
		return err_code(e, EXIT_SETTINGS, "%s cannot be read: %s", path,
				strerror(unread->error));
	r = edit_text(d, path, old ? old->data : NULL, old ? old->len : 0, &text, e);
	if (r == 0 && text.len > SETTINGS_FILE_MAX)
		r = err_code(e, EXIT_SETTINGS, "%s would be larger than %d KB", path,
			     SETTINGS_FILE_MAX / 1024);
	if (r == 0 && snap_put(&s->next, path, sbuf_str(&text), text.len) < 0)
		r = err_set(e, "out of memory");
	sbuf_fini(&text);
	return r;
}

int store_put_peer(struct store *s, const struct draft *d, struct err *e)
{
	char path[SNAP_PATH_MAX];

	if (put_text(s, d, snap_peer_path(d->name, path), e) < 0 ||
	    touch(s, d->name, e) < 0)
		return -1;
	if (put_secret(s, snap_secret_path(d->name, path), d->psk, e) < 0)
		return -1;
	return put_secret(s, snap_ppk_path(d->name, path), d->ppk, e);
}

int store_put_router(struct store *s, const struct draft *d, struct err *e)
{
	s->touched_router = true;
	return put_text(s, d, SNAP_ROUTER, e);
}

static int need_peer(struct store *s, const char *name, struct err *e)
{
	char near[PEER_NAME_MAX + 1];

	if (store_has_peer(s, name))
		return 0;
	if (load_nearest_peer(&s->next, name, near))
		return err_code(e, EXIT_NO_PEER, "no peer \"%.60s\": %s?", name, near);
	return err_code(e, EXIT_NO_PEER, "no peer \"%.60s\"", name);
}

int store_del_peer(struct store *s, const char *name, struct err *e)
{
	char path[SNAP_PATH_MAX];
	const struct snap_file *f;

	if (need_peer(s, name, e) < 0)
		return -1;
	f = snap_find(&s->cur, snap_peer_path(name, path));
	if (f && f->error)
		return err_set(e, "%s cannot be read (%s): delete it by hand", path,
			       strerror(f->error));
	snap_del(&s->next, path);
	snap_del(&s->next, snap_secret_path(name, path));
	snap_del(&s->next, snap_ppk_path(name, path));
	return 0;
}

static int copy_file(struct store *s, const char *from, const char *to, struct err *e)
{
	const struct snap_file *f = snap_find(&s->next, from);

	return f && snap_put(&s->next, to, f->data, f->len) < 0 ?
		err_set(e, "out of memory") : 0;
}

int store_copy_peer(struct store *s, const char *from, const char *to, struct err *e)
{
	char was[SNAP_PATH_MAX], is[SNAP_PATH_MAX];
	struct draft *d;
	int r;

	if (need_peer(s, from, e) < 0)
		return -1;
	if (store_has_peer(s, to))
		return err_set(e, "there is a peer \"%s\" already", to);
	if (load_peer_draft(&s->next, from, &d, NULL, e) < 0)
		return -1;
	r = draft_rename(d, to, e);
	/* Its text goes along, so that comments do. */
	if (r == 0)
		r = copy_file(s, snap_peer_path(from, was), snap_peer_path(to, is), e);
	if (r == 0)
		r = copy_file(s, snap_secret_path(from, was), snap_secret_path(to, is), e);
	if (r == 0)
		r = copy_file(s, snap_ppk_path(from, was), snap_ppk_path(to, is), e);
	if (r == 0)
		r = store_put_peer(s, d, e);
	draft_free(d);
	return r;
}

int store_rename_peer(struct store *s, const char *from, const char *to, struct err *e)
{
	if (strcmp(from, to) == 0)
		return need_peer(s, from, e);
	if (store_copy_peer(s, from, to, e) < 0)
		return -1;
	return store_del_peer(s, from, e);
}

/* --- commit --- */

static bool concerns(const struct store *s, const struct finding *f)
{
	if (s->touched_router && strcmp(f->file, SNAP_ROUTER) == 0)
		return true;
	for (size_t i = 0; i < s->n_touched; i++)
		if (strcmp(f->peer, s->touched[i]) == 0 ||
		    strcmp(f->other, s->touched[i]) == 0)
			return true;
	return false;
}

static void hand_over(struct findings *to, struct finding *f)
{
	struct finding *copy = findings_add(to, f->level, f->peer, f->key, "%s", f->msg);

	if (!copy)
		return;
	free(copy->source);
	*copy = *f;
	f->source = NULL;
}

static void first_error(const struct finding *f, struct err *e)
{
	if (f->key[0])
		err_code(e, EXIT_SETTINGS, "%s: %.420s", f->key, f->msg);
	else if (f->line)
		err_code(e, EXIT_SETTINGS, "%s:%u:%u: %.380s", f->file, f->line,
			 f->column, f->msg);
	else
		err_code(e, EXIT_SETTINGS, "%.500s", f->msg);
	if (f->peer[0])
		err_wrap(e, "%s", f->peer);
}

/* Errors that the change makes or leaves, in the peers it touches; others' are theirs. */
static int check(struct store *s, const struct commit *c, struct findings *fs,
		 struct err *e)
{
	struct findings all = { 0 };
	struct settings conf = { 0 };
	int r = 0;

	if (load_snap(s->dir, &s->next, c->lan, c->n_lan, &conf, &all, e) < 0) {
		findings_fini(&all);
		return -1;
	}
	settings_fini(&conf);
	for (size_t i = 0; i < all.n; i++) {
		struct finding *f = &all.f[i];

		if (!concerns(s, f))
			continue;
		if (f->level == FINDING_ERROR && r == 0) {
			first_error(f, e);
			r = -1;
		}
		if (fs)
			hand_over(fs, f);
	}
	findings_fini(&all);
	return r;
}

int store_commit_unchecked(struct store *s, struct commit *c, struct err *e)
{
	char user[40], tty[24];
	unsigned number;

	c->changed = false;
	c->generation = state_latest(s->dirfd);
	if (snap_equal(&s->cur, &s->next))
		return 0;
	if (commit_baseline(s->dirfd, &s->cur, &number, e) < 0)
		return -1;
	commit_who(user, sizeof(user), tty, sizeof(tty));
	s->next.gen = (struct generation){ .wall_s = clock_wall_s() };
	snprintf(s->next.gen.who, sizeof(s->next.gen.who), "%.24s%s%.14s", user,
		 tty[0] ? " " : "", tty);
	snprintf(s->next.gen.what, sizeof(s->next.gen.what), "%s",
		 c->what ? c->what : s->what);
	for (char *p = s->next.gen.what; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	if (commit_write(s->dirfd, &s->next, number + 1, e) < 0)
		return -1;
	c->generation = number + 1;
	c->changed = true;
	snap_fini(&s->cur);
	return snap_copy(&s->cur, &s->next) < 0 ? err_set(e, "out of memory") : 0;
}

int store_commit(struct store *s, struct commit *c, struct findings *fs, struct err *e)
{
	if (check(s, c, fs, e) < 0)
		return -1;
	if (store_commit_unchecked(s, c, e) < 0)
		return -1;
	s->n_touched = 0;
	s->touched_router = false;
	return 0;
}
