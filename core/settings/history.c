/* history: the committed states: which there are, what differs, back to one. */
#include "core/settings/commit.h"
#include "core/settings/draft_priv.h"
#include "core/settings/file.h"
#include "core/settings/store_priv.h"

#include "core/base/secret.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int newest_first(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return x < y ? 1 : x > y ? -1 : 0;
}

/* The numbers in history/, newest first; at most HISTORY_MAX of them. */
static int numbers(int dirfd, unsigned out[HISTORY_MAX], size_t *n, struct err *e)
{
	int fd = openat(dirfd, SNAP_HISTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	unsigned all[4 * HISTORY_MAX];
	const struct dirent *de;
	size_t k = 0;
	DIR *d;

	*n = 0;
	if (fd < 0)
		return errno == ENOENT ? 0 : err_errno(e, SNAP_HISTORY);
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return err_errno(e, SNAP_HISTORY);
	}
	while ((de = readdir(d)) && k < 4 * HISTORY_MAX) {
		char *end;
		unsigned long v = strtoul(de->d_name, &end, 10);

		if (isdigit((unsigned char)de->d_name[0]) && !*end && v < UINT32_MAX)
			all[k++] = (unsigned)v;
	}
	closedir(d);
	qsort(all, k, sizeof(all[0]), newest_first);
	*n = k < HISTORY_MAX ? k : HISTORY_MAX;
	memcpy(out, all, *n * sizeof(all[0]));
	return 0;
}

int settings_history(const char *dir, struct generation *out, size_t *n, struct err *e)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;
	unsigned all[HISTORY_MAX];
	size_t found;
	char path[SNAP_PATH_MAX];

	*n = 0;
	if (fd < 0)
		return errno == ENOENT ? 0 : err_errno(e, "%s", dir);
	r = numbers(fd, all, &found, e);
	for (size_t i = 0; r == 0 && i < found; i++)
		if (state_head(fd, commit_path(all[i], path, sizeof(path)), &out[*n],
			       e) == 0)
			(*n)++;
		else if (e && e->code == EXIT_NOT_PERMITTED)
			r = -1;
	close(fd);
	return r;
}

/* --- diff --- */

struct sides {
	const struct snap *from, *to;
	struct sbuf *out;
};

static struct draft *draft_of(enum setting_scope scope, const struct snap_file *f,
			      const char *name)
{
	struct findings fs = { 0 };
	struct draft *d = f && f->data
				  ? file_parse(scope, f->path, name, f->data, f->len, &fs)
				  : NULL;

	findings_fini(&fs);
	return d;
}

static bool same_bytes(const struct snap_file *a, const struct snap_file *b)
{
	if (!a || !b)
		return a == b;
	return a->len == b->len && a->data && b->data &&
	       secret_equal(a->data, b->data, a->len);
}

static void diff_files(struct sides *s, enum setting_scope scope,
		       const struct snap_file *a, const struct snap_file *b,
		       const char *name)
{
	struct draft *was = draft_of(scope, a, name), *is = draft_of(scope, b, name);

	if (same_bytes(a, b))
		;
	else if ((a && !was) || (b && !is))
		sbuf_add(s->out, "  the file changed; it cannot be read as settings\n");
	else if (draft_diff(was, is, "  ", s->out, NULL) == 0 && was && is)
		sbuf_add(s->out, "  comments or layout only\n");
	draft_free(was);
	draft_free(is);
}

static void diff_peer(struct sides *s, const char *name)
{
	char path[SNAP_PATH_MAX];
	const struct snap_file *a = snap_find(s->from, snap_peer_path(name, path));
	const struct snap_file *b = snap_find(s->to, path);
	const struct snap_file *x = snap_find(s->from, snap_secret_path(name, path));
	const struct snap_file *y = snap_find(s->to, path);
	const struct snap_file *p = snap_find(s->from, snap_ppk_path(name, path));
	const struct snap_file *q = snap_find(s->to, path);

	if (same_bytes(a, b) && same_bytes(x, y) && same_bytes(p, q))
		return;
	sbuf_addf(s->out, "peer %s%s\n", name, !a ? " (new)" : !b ? " (deleted)" : "");
	if (b)
		diff_files(s, SCOPE_PEER, a, b, name);
	if (!same_bytes(x, y))
		sbuf_addf(s->out, "  psk %s\n", !x ? "set" : !y ? "removed" : "changed");
	if (!same_bytes(p, q))
		sbuf_addf(s->out, "  ppk %s\n", !p ? "set" : !q ? "removed" : "changed");
}

static void diff_snaps(struct sides *s)
{
	const struct snap_file *a = snap_find(s->from, SNAP_ROUTER);
	const struct snap_file *b = snap_find(s->to, SNAP_ROUTER);
	char x[PEER_NAME_MAX + 1], y[PEER_NAME_MAX + 1];
	size_t i = 0, k = 0;

	if (!same_bytes(a, b)) {
		sbuf_add(s->out, "router\n");
		diff_files(s, SCOPE_ROUTER, a, b, "");
	}
	/* Both are sorted by path: a merge. */
	while (i < s->from->n || k < s->to->n) {
		int d = i >= s->from->n ? 1 : k >= s->to->n ? -1 :
			strcmp(s->from->f[i].path, s->to->f[k].path);
		bool px = d <= 0 && snap_peer_name(s->from->f[i].path, x);
		bool py = d > 0 && snap_peer_name(s->to->f[k].path, y);

		if (px)
			diff_peer(s, x);
		else if (py)
			diff_peer(s, y);
		i += d <= 0;
		k += d >= 0;
	}
}

static int read_generation(int dirfd, unsigned number, struct snap *s, struct err *e)
{
	char path[SNAP_PATH_MAX];

	if (state_read(dirfd, commit_path(number, path, sizeof(path)), true, s, e) == 0)
		return 0;
	return errno == ENOENT ? err_set(e, "there is no state %u in the history", number)
			       : -1;
}

int settings_diff(const char *dir, unsigned from, unsigned to, struct sbuf *out,
		  struct err *e)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = -1;
	struct snap a = { 0 }, b = { 0 };
	struct sides s = { &a, &b, out };

	if (fd < 0)
		return err_errno(e, "%s", dir);
	if (!from)
		from = state_latest(fd);
	if (!from) {
		err_set(e, "there is no history yet: it begins with the first change "
			   "made by adit");
		goto out;
	}
	if (read_generation(fd, from, &a, e) < 0 ||
	    (to ? read_generation(fd, to, &b, e) : snap_read(dir, true, &b, e)) < 0)
		goto out;
	diff_snaps(&s);
	r = sbuf_ok(out) ? 0 : err_set(e, "out of memory");
out:
	snap_fini(&a);
	snap_fini(&b);
	close(fd);
	return r;
}

/* --- rollback --- */

/* The state an undo goes to: the last committed one when the files differ from it by now,
 * else the one before that. */
static int before_last(struct store *s, unsigned *number, struct err *e)
{
	unsigned all[HISTORY_MAX];
	struct snap head;
	bool same;
	size_t n;

	if (numbers(s->dirfd, all, &n, e) < 0)
		return -1;
	if (!n)
		return err_set(e, "there is nothing to go back to: the history is empty");
	if (read_generation(s->dirfd, all[0], &head, e) < 0)
		return -1;
	same = snap_equal(&head, &s->cur);
	snap_fini(&head);
	if (same && n < 2)
		return err_set(e,
			       "there is nothing to go back to: this is the first state");
	*number = same ? all[1] : all[0];
	return 0;
}

int settings_rollback(const char *dir, unsigned generation, struct commit *c,
		      struct err *e)
{
	struct commit own = { 0 };
	char what[COMMIT_WHAT_MAX];
	struct store *s;
	int r;

	if (!c)
		c = &own;
	s = store_open(dir, "rollback", e);
	if (!s)
		return -1;
	r = generation ? 0 : before_last(s, &generation, e);
	if (r == 0) {
		snap_fini(&s->next);
		r = read_generation(s->dirfd, generation, &s->next, e);
	}
	if (r == 0) {
		snprintf(what, sizeof(what), "rollback to %u", generation);
		if (!c->what)
			snprintf(s->what, sizeof(s->what), "%s", what);
		r = store_commit_unchecked(s, c, e);
	}
	store_close(s);
	return r;
}
