/* settings: what readers call. Each takes one snapshot of the config dir and looks at
 * that. */
#include "core/settings/settings.h"

#include "core/base/secret.h"
#include "core/settings/draft_priv.h"
#include "core/settings/file.h"
#include "core/settings/load.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int settings_load(const char *dir, const struct prefix *lan, size_t n_lan,
		  struct settings *out, struct findings *fs, struct err *e)
{
	struct snap snap;
	int r;

	memset(out, 0, sizeof(*out));
	if (snap_read(dir, false, &snap, e) < 0)
		return -1;
	r = load_snap(dir, &snap, lan, n_lan, out, fs, e);
	snap_fini(&snap);
	return r;
}

void settings_fini(struct settings *s)
{
	for (size_t i = 0; i < s->n_peers; i++)
		peer_conf_fini(&s->peers[i]);
	free(s->peers);
	memset(s, 0, sizeof(*s));
}

static int is_named(const void *name, const void *peer)
{
	return strcmp(name, ((const struct peer_conf *)peer)->name);
}

const struct peer_conf *settings_peer(const struct settings *s, const char *name)
{
	return s->n_peers ? bsearch(name, s->peers, s->n_peers, sizeof(*s->peers), is_named) : NULL;
}

/* --- secrets --- */

static int secret_bytes(const char *path, char *text, size_t len, uint8_t *out, size_t *n,
			struct err *e)
{
	/* The line end an editor leaves is not part of the key. */
	if (len && text[len - 1] == '\n')
		text[--len] = '\0';
	if (len && text[len - 1] == '\r')
		text[--len] = '\0';
	if (memchr(text, '\0', len))
		return err_code(e, EXIT_SETTINGS,
				"%s: a NUL byte in the pre-shared key: write bytes "
				"as 0x…",
				path);
	return psk_parse(text, out, n, e) < 0 ? err_wrap(e, "%s", path) : 0;
}

static int not_stored(const char *name, bool ppk, struct err *e)
{
	return err_code(e, EXIT_NO_PEER, "no %s key is stored for \"%.40s\"",
			ppk ? "post-quantum" : "pre-shared", name);
}

static int secret_from_file(int dirfd, const char *dir, const char *path, uint8_t *out,
			    size_t *len, struct err *e)
{
	char *text;
	mode_t mode;
	uid_t uid;
	size_t n;
	int r;

	if (snap_slurp(dirfd, path, SNAP_SECRET_MAX, true, &text, &n, &mode, &uid) < 0)
		return errno == ENOENT ? 1 : err_errno(e, "%s/%s", dir, path);
	if (mode & (S_IRWXG | S_IRWXO))
		r = err_code(e, EXIT_NOT_PERMITTED,
			     "%s/%s: others may read it; it is used after "
			     "chmod 600 %s/%s",
			     dir, path, dir, path);
	else if (uid != 0 && uid != geteuid())
		r = err_code(e, EXIT_NOT_PERMITTED,
			     "%s/%s belongs to someone else; it is used after "
			     "chown root %s/%s",
			     dir, path, dir, path);
	else
		r = secret_bytes(path, text, n, out, len, e);
	secret_free(text);
	return r;
}

static int secret_from_journal(const struct snap *snap, const char *path, uint8_t *out,
			       size_t *len, struct err *e)
{
	const struct snap_file *f = snap_find(snap, path);

	return f ? secret_bytes(path, f->data, f->len, out, len, e) : 1;
}

/* 1: there is none. */
static int read_secret(const char *dir, const char *path, uint8_t *out, size_t *len,
		       struct err *e)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;
	struct snap snap;

	if (fd < 0)
		return err_errno(e, "%s", dir);
	if (state_read(fd, SNAP_JOURNAL, true, &snap, e) == 0) {
		r = secret_from_journal(&snap, path, out, len, e);
		snap_fini(&snap);
	} else
		r = secret_from_file(fd, dir, path, out, len, e);
	close(fd);
	return r;
}

int settings_secret(const char *dir, const char *name, uint8_t *out, size_t *len,
		    struct err *e)
{
	char path[SNAP_PATH_MAX];
	int r = read_secret(dir, snap_secret_path(name, path), out, len, e);

	return r == 1 ? not_stored(name, false, e) : r;
}

int settings_ppk(const char *dir, const char *name, uint8_t *out, size_t *len,
		 struct err *e)
{
	char path[SNAP_PATH_MAX];
	int r = read_secret(dir, snap_ppk_path(name, path), out, len, e);

	return r == 1 ? not_stored(name, true, e) : r;
}

static int is_stored(const char *dir, const char *path)
{
	struct snap snap;
	struct stat st;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	if (state_read(fd, SNAP_JOURNAL, false, &snap, NULL) == 0) {
		r = snap_find(&snap, path) != NULL;
		snap_fini(&snap);
	} else
		r = fstatat(fd, path, &st, 0) == 0 ? 1 : errno == ENOENT ? 0 : -1;
	close(fd);
	return r;
}

int settings_has_secret(const char *dir, const char *name)
{
	char path[SNAP_PATH_MAX];

	return is_stored(dir, snap_secret_path(name, path));
}

int settings_has_ppk(const char *dir, const char *name)
{
	char path[SNAP_PATH_MAX];

	return is_stored(dir, snap_ppk_path(name, path));
}

/* --- names --- */

void settings_names_free(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

static int name_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int names_of(const struct snap *snap, char ***names, size_t *n, struct err *e)
{
	char **list = calloc(snap->n + 1, sizeof(*list));
	char name[PEER_NAME_MAX + 1];
	size_t have = 0;

	for (size_t i = 0; list && i < snap->n; i++) {
		if (!snap_peer_name(snap->f[i].path, name))
			continue;
		if (!(list[have] = strdup(name))) {
			settings_names_free(list, have);
			list = NULL;
			break;
		}
		have++;
	}
	if (!list)
		return err_set(e, "out of memory");
	/* By path "a-b.conf" comes before "a.conf". */
	qsort(list, have, sizeof(*list), name_cmp);
	*names = list;
	*n = have;
	return 0;
}

int settings_names(const char *dir, char ***names, size_t *n, struct err *e)
{
	struct snap snap;
	int r;

	*n = 0;
	*names = NULL;
	if (snap_read(dir, false, &snap, e) < 0)
		return -1;
	r = names_of(&snap, names, n, e);
	snap_fini(&snap);
	return r;
}

int settings_cert_names(const char *dir, char ***names, size_t *n, struct err *e)
{
	const struct dirent *de;
	char **list = NULL, path[4096];
	DIR *d;

	*n = 0;
	*names = NULL;
	snprintf(path, sizeof(path), "%s/" SNAP_PKI, dir);
	d = opendir(path);
	if (!d)
		return errno == ENOENT ? 0 : err_errno(e, "%s", path);
	while ((de = readdir(d))) {
		size_t len = strlen(de->d_name), tail = sizeof(SNAP_CRT) - 1;
		char **more;

		if (de->d_name[0] == '.' || len <= tail || len - tail > PKI_NAME_MAX ||
		    strcmp(de->d_name + len - tail, SNAP_CRT) != 0)
			continue;
		more = realloc(list, (*n + 1) * sizeof(*list));
		if (!more)
			break;
		list = more;
		list[*n] = strndup(de->d_name, len - tail);
		if (!list[*n])
			break;
		(*n)++;
	}
	closedir(d);
	if (*n)
		qsort(list, *n, sizeof(*list), name_cmp);
	*names = list;
	return 0;
}

const char *settings_nearest_peer(const char *dir, const char *name, char *buf,
				  size_t cap)
{
	char near[PEER_NAME_MAX + 1];
	struct snap snap;

	buf[0] = '\0';
	if (snap_read(dir, false, &snap, NULL) < 0)
		return buf;
	if (load_nearest_peer(&snap, name, near))
		snprintf(buf, cap, "%s", near);
	snap_fini(&snap);
	return buf;
}

/* --- drafts --- */

int settings_peer_draft(const char *dir, const char *name, struct draft **out,
			struct findings *fs, struct err *e)
{
	struct snap snap;
	int r;

	*out = NULL;
	if (snap_read(dir, false, &snap, e) < 0)
		return -1;
	r = load_peer_draft(&snap, name, out, fs, e);
	snap_fini(&snap);
	return r;
}

int settings_router_draft(const char *dir, struct draft **out, struct findings *fs,
			  struct err *e)
{
	struct snap snap;
	int r;

	*out = NULL;
	if (snap_read(dir, false, &snap, e) < 0)
		return -1;
	r = load_router_draft(&snap, out, fs, e);
	snap_fini(&snap);
	return r;
}

static int has_secret(const struct snap *snap, const char *name)
{
	char path[SNAP_PATH_MAX];

	if (!snap->secrets_listed)
		return -1;
	return snap_find(snap, snap_secret_path(name, path)) != NULL;
}

int settings_each_peer(const char *dir,
		       bool (*fn)(void *arg, const struct peer_entry *p), void *arg,
		       struct err *e)
{
	char **names = NULL;
	struct snap snap;
	bool more = true;
	size_t n = 0;
	int r;

	if (snap_read(dir, false, &snap, e) < 0)
		return -1;
	r = names_of(&snap, &names, &n, e);
	for (size_t i = 0; i < n && more; i++) {
		struct findings fs = { 0 };
		struct err why = { 0 };
		struct draft *d = NULL;
		struct peer_entry p = { names[i], NULL, &fs, &why,
					has_secret(&snap, names[i]) };

		if (load_peer_draft(&snap, names[i], &d, &fs, &why) == 0)
			p.draft = d;
		more = fn(arg, &p);
		draft_free(d);
		findings_fini(&fs);
	}
	settings_names_free(names, n);
	snap_fini(&snap);
	return r;
}

struct draft *settings_parse_peer(const char *file, const char *name, const char *text,
				  size_t len, struct findings *fs)
{
	size_t first = fs->n;
	struct draft *d = file_parse(SCOPE_PEER, file, name, text, len, fs);

	if (d) {
		draft_check(d, NULL, 0, fs);
		file_place(file, name, text, len, fs, first);
	}
	return d;
}

struct draft *settings_parse_router(const char *file, const char *text, size_t len,
				    struct findings *fs)
{
	size_t first = fs->n;
	struct draft *d = file_parse(SCOPE_ROUTER, file, "", text, len, fs);

	if (d) {
		draft_check(d, NULL, 0, fs);
		file_place(file, "", text, len, fs, first);
	}
	return d;
}
