/* state: one file that holds all files. Its name comes only when it is whole and on disk.
 */
#include "core/settings/snap.h"

#include "core/base/secret.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "adit-state 1"
#define HEAD_MAX 512
#define FNV_START 14695981039346656037u

static uint64_t fnv1a(uint64_t h, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * 1099511628211u;
	return h;
}

/* --- writing --- */

struct out {
	int fd;
	uint64_t sum;
	bool bad;
};

static void put(struct out *o, const char *p, size_t n)
{
	o->sum = fnv1a(o->sum, p, n);
	while (n && !o->bad) {
		ssize_t w = write(o->fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0) {
			o->bad = true;
			break;
		}
		p += w;
		n -= (size_t)w;
	}
}

int state_write(int fd, const struct snap *s, struct err *e)
{
	struct out o = { .fd = fd, .sum = FNV_START };
	char line[HEAD_MAX];
	int n;

	n = snprintf(line, sizeof(line),
		     MAGIC "\ngeneration %u\ntime %" PRId64 "\nwho %s\nwhat %s\n",
		     s->gen.number, s->gen.wall_s, s->gen.who, s->gen.what);
	put(&o, line, (size_t)n);
	for (size_t i = 0; i < s->n && !o.bad; i++) {
		n = snprintf(line, sizeof(line), "file %s %zu\n", s->f[i].path,
			     s->f[i].len);
		put(&o, line, (size_t)n);
		put(&o, s->f[i].data, s->f[i].len);
		put(&o, "\n", 1);
	}
	n = snprintf(line, sizeof(line), "end %zu %016" PRIx64 "\n", s->n, o.sum);
	put(&o, line, (size_t)n);
	return o.bad ? err_errno(e, "cannot write the settings") : 0;
}

/* --- reading --- */

struct in {
	const char *p, *end;
};

static int damaged(struct err *e, const char *what)
{
	err_set(e, "%s is damaged", what);
	errno = EBADMSG;
	return -1;
}

/* The next line, copied without its newline; false at the end or when it is too long. */
static bool line_of(struct in *in, char *buf, size_t cap)
{
	const char *nl = memchr(in->p, '\n', (size_t)(in->end - in->p));
	size_t n = nl ? (size_t)(nl - in->p) : 0;

	if (!nl || n >= cap)
		return false;
	memcpy(buf, in->p, n);
	buf[n] = '\0';
	in->p = nl + 1;
	return true;
}

static bool field(struct in *in, const char *name, char *buf, size_t cap)
{
	char line[HEAD_MAX];
	size_t n = strlen(name);

	if (!line_of(in, line, sizeof(line)) || strncmp(line, name, n) != 0 ||
	    line[n] != ' ')
		return false;
	snprintf(buf, cap, "%s", line + n + 1);
	return true;
}

static bool read_head(struct in *in, struct generation *g)
{
	char text[HEAD_MAX], *end;
	unsigned long number;

	if (!line_of(in, text, sizeof(text)) || strcmp(text, MAGIC) != 0 ||
	    !field(in, "generation", text, sizeof(text)))
		return false;
	number = strtoul(text, &end, 10);
	if (*end || !number || number > UINT32_MAX ||
	    !field(in, "time", text, sizeof(text)))
		return false;
	g->number = (unsigned)number;
	g->wall_s = strtoll(text, &end, 10);
	return !*end && field(in, "who", g->who, sizeof(g->who)) &&
	       field(in, "what", g->what, sizeof(g->what));
}

static bool good_path(const char *path)
{
	char name[PEER_NAME_MAX + 1], again[SNAP_PATH_MAX];

	if (strcmp(path, SNAP_ROUTER) == 0 || snap_peer_name(path, name))
		return true;
	if (strncmp(path, SNAP_SECRETS "/", sizeof(SNAP_SECRETS)) != 0)
		return false;
	snap_secret_path(path + sizeof(SNAP_SECRETS), again);
	return strcmp(again, path) == 0 && !strchr(path + sizeof(SNAP_SECRETS), '/') &&
	       path[sizeof(SNAP_SECRETS)] != '.' && path[sizeof(SNAP_SECRETS)];
}

static bool read_files(struct in *in, const char *start, bool secrets, struct snap *s)
{
	for (;;) {
		const char *line_at = in->p;
		char line[HEAD_MAX], path[SNAP_PATH_MAX];
		uint64_t sum;
		size_t len;
		int used = 0;

		if (!line_of(in, line, sizeof(line)))
			return false;
		if (sscanf(line, "end %zu %" SCNx64 "%n", &len, &sum, &used) == 2 &&
		    !line[used])
			return len == s->n && in->p == in->end &&
			       sum == fnv1a(FNV_START, start, (size_t)(line_at - start));
		if (sscanf(line, "file %63s %zu%n", path, &len, &used) != 2 ||
		    line[used] || len >= (size_t)(in->end - in->p) ||
		    in->p[len] != '\n' || !good_path(path) || snap_find(s, path) ||
		    s->n > 3 * SETTINGS_PEERS_MAX || len > SETTINGS_FILE_MAX ||
		    (strncmp(path, SNAP_SECRETS "/", 8) == 0 && len > SNAP_SECRET_MAX))
			return false;
		if (snap_put(s, path, in->p, len) < 0)
			return false;
		in->p += len + 1;
		if (!secrets) {
			struct snap_file *f = (struct snap_file *)snap_find(s, path);

			if (f->secret) {
				secret_free(f->data);
				f->data = NULL;
				f->mode = S_IFREG | 0600;
				f->uid = geteuid();
			}
		}
	}
}

int state_read(int dirfd, const char *path, bool secrets, struct snap *s, struct err *e)
{
	struct in in;
	char *data;
	size_t len;
	mode_t mode;
	uid_t uid;
	bool ok;

	memset(s, 0, sizeof(*s));
	if (snap_slurp(dirfd, path, SNAP_STATE_MAX, false, &data, &len, &mode, &uid) <
	    0) {
		int saved = errno;

		err_errno(e, "%s", path);
		errno = saved;
		return -1;
	}
	in = (struct in){ data, data + len };
	s->secrets_listed = true;
	ok = read_head(&in, &s->gen) && read_files(&in, data, secrets, s);
	secret_wipe(data, len);
	free(data);
	if (ok)
		return 0;
	snap_fini(s);
	return damaged(e, path);
}

int state_head(int dirfd, const char *path, struct generation *g, struct err *e)
{
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char buf[2 * HEAD_MAX];
	struct in in;
	ssize_t n;

	if (fd < 0)
		return err_errno(e, "%s", path);
	n = read(fd, buf, sizeof(buf));
	close(fd);
	in = (struct in){ buf, buf + (n > 0 ? n : 0) };
	n = read_head(&in, g) ? 0 : -1;
	/* A small file's secrets are in there too. */
	secret_wipe(buf, sizeof(buf));
	return n < 0 ? damaged(e, path) : 0;
}

unsigned state_latest(int dirfd)
{
	int fd = openat(dirfd, SNAP_HISTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *de;
	unsigned best = 0;
	DIR *d;

	if (fd < 0)
		return 0;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return 0;
	}
	while ((de = readdir(d))) {
		char *end;
		unsigned long n = strtoul(de->d_name, &end, 10);

		if (isdigit((unsigned char)de->d_name[0]) && !*end && n < UINT32_MAX &&
		    n > best)
			best = (unsigned)n;
	}
	closedir(d);
	return best;
}
