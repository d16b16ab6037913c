/* dir: reading and writing pki/. */
#include "core/pki/dir.h"

#include "core/base/nearest.h"
#include "core/base/sbuf.h"
#include "core/base/secret.h"
#include "core/crypto/pem.h"
#include "core/settings/snap.h"
#include "core/settings/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PKI_DIR "pki"
#define PATH_LEN (PKI_NAME_MAX + 24)
#define NAMES_MAX 1024

static const struct {
	const char *ending;
	mode_t mode;
	size_t max;
} kinds[DIR_KINDS] = {
	[DIR_CRT] = { ".crt", 0644, 256 * 1024 },
	[DIR_KEY] = { ".key", 0600, SECRET_MAX - 1 },
	[DIR_CSR] = { ".csr", 0644, 64 * 1024 },
	[DIR_CRL] = { ".crl", 0644, 6 * 1024 * 1024 },
};

static const char *path_of(const char *name, enum dir_kind k, char buf[PATH_LEN])
{
	snprintf(buf, PATH_LEN, "%s%s", name, kinds[k].ending);
	return buf;
}

int dir_open(struct dir *d, const char *config_dir, struct err *e)
{
	char path[4096];

	*d = (struct dir){ .fd = -1 };
	snprintf(path, sizeof(path), "%s/" PKI_DIR, config_dir);
	d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd < 0 && errno != ENOENT)
		return err_errno(e, "%s", path);
	return 0;
}

static void sweep(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dp = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *de;

	while (dp && (de = readdir(dp))) {
		size_t n = strlen(de->d_name), t = strlen(SNAP_TMP);

		if (n > t && strcmp(de->d_name + n - t, SNAP_TMP) == 0)
			unlinkat(fd, de->d_name, 0);
	}
	if (dp)
		closedir(dp);
	else if (copy >= 0)
		close(copy);
}

int dir_change(struct dir *d, const char *config_dir, const char *what, struct err *e)
{
	char path[4096];

	*d = (struct dir){ .fd = -1 };
	d->lock = store_open(config_dir, what, e);
	if (!d->lock)
		return -1;
	snprintf(path, sizeof(path), "%s/" PKI_DIR, config_dir);
	if (mkdir(path, 0755) < 0 && errno != EEXIST) {
		err_errno(e, "%s", path);
		dir_close(d);
		return -1;
	}
	d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (d->fd < 0) {
		err_errno(e, "%s", path);
		dir_close(d);
		return -1;
	}
	sweep(d->fd);
	return 0;
}

void dir_close(struct dir *d)
{
	if (d->fd >= 0)
		close(d->fd);
	store_close(d->lock);
	*d = (struct dir){ .fd = -1 };
}

bool dir_has(const struct dir *d, const char *name, enum dir_kind k)
{
	char path[PATH_LEN];
	struct stat st;

	return d->fd >= 0 &&
	       fstatat(d->fd, path_of(name, k, path), &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Keys that others may read are used no more than PSKs would be. */
static int check_key_mode(const char *path, mode_t mode, uid_t uid, struct err *e)
{
	if (mode & (S_IRWXG | S_IRWXO))
		return err_code(e, EXIT_NOT_PERMITTED,
				"pki/%s: others may read it; it is used "
				"after chmod 600",
				path);
	if (uid != 0 && uid != geteuid())
		return err_code(e, EXIT_NOT_PERMITTED,
				"pki/%s belongs to someone else; it is used "
				"after chown root",
				path);
	return 0;
}

int dir_read(const struct dir *d, const char *name, enum dir_kind k, uint8_t **out,
	     size_t *len, struct err *e)
{
	char path[PATH_LEN], *data;
	mode_t mode;
	uid_t uid;

	*out = NULL;
	path_of(name, k, path);
	if (d->fd < 0)
		return err_set(e, "there is no pki/%s", path);
	if (snap_slurp(d->fd, path, kinds[k].max, k == DIR_KEY, &data, len, &mode, &uid) <
	    0)
		return errno == ENOENT ? err_set(e, "there is no pki/%s", path) :
			errno == EFBIG ? err_set(e, "pki/%s is too large", path) :
					 err_errno(e, "pki/%s", path);
	*out = (uint8_t *)data;
	if (k == DIR_KEY && check_key_mode(path, mode, uid, e) < 0) {
		dir_free(*out, k);
		*out = NULL;
		return -1;
	}
	return 0;
}

void dir_free(uint8_t *p, enum dir_kind k)
{
	if (k == DIR_KEY)
		secret_free(p);
	else
		free(p);
}

int dir_write(const struct dir *d, const char *name, enum dir_kind k, const void *p,
	      size_t len, struct err *e)
{
	char path[PATH_LEN], temp[PATH_LEN + 16];
	const char *at = p;
	int fd;

	path_of(name, k, path);
	snprintf(temp, sizeof(temp), "%s" SNAP_TMP, path);
	fd = openat(d->fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		    kinds[k].mode);
	if (fd < 0)
		return err_errno(e, "pki/%s cannot be written", path);
	/* whatever the umask */
	if (fchmod(fd, kinds[k].mode) < 0)
		goto fail;
	while (len) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			goto fail;
		at += n;
		len -= (size_t)n;
	}
	if (fsync(fd) < 0 || renameat(d->fd, temp, d->fd, path) < 0)
		goto fail;
	close(fd);
	if (fsync(d->fd) < 0)
		return err_errno(e, "pki/%s", path);
	return 0;
fail:
	err_errno(e, "pki/%s cannot be written", path);
	close(fd);
	unlinkat(d->fd, temp, 0);
	return -1;
}

int dir_remove(const struct dir *d, const char *name, enum dir_kind k, struct err *e)
{
	char path[PATH_LEN];

	if (unlinkat(d->fd, path_of(name, k, path), 0) < 0 && errno != ENOENT)
		return err_errno(e, "pki/%s cannot be removed", path);
	return fsync(d->fd) < 0 ? err_errno(e, "pki/%s", path) : 0;
}

/* ---- parsed ---- */

int dir_certs(const struct dir *d, const char *name, struct x509 **certs, size_t *n,
	      struct err *e)
{
	uint8_t *file;
	size_t len;
	int r;

	*n = 0;
	if (dir_read(d, name, DIR_CRT, &file, &len, e) < 0)
		return -1;
	r = x509_parse_file((struct slice){ file, len }, certs, DIR_CERTS_MAX, n, e);
	free(file);
	return r < 0 ? err_wrap(e, "pki/%s.crt", name) : 0;
}

void dir_certs_free(struct x509 **certs, size_t n)
{
	while (n)
		x509_free(certs[--n]);
}

struct pk *dir_key(const struct dir *d, const char *name, struct err *e)
{
	uint8_t *file;
	struct pk *k;
	size_t len;

	if (dir_read(d, name, DIR_KEY, &file, &len, e) < 0)
		return NULL;
	k = pk_private((struct slice){ file, len }, e);
	dir_free(file, DIR_KEY);
	if (!k)
		err_wrap(e, "pki/%s.key", name);
	return k;
}

struct x509_crl *dir_crl(const struct dir *d, const char *name, struct err *e)
{
	struct x509_crl *l;
	uint8_t *file;
	size_t len;

	if (dir_read(d, name, DIR_CRL, &file, &len, e) < 0)
		return NULL;
	l = x509_crl_parse((struct slice){ file, len }, e);
	free(file);
	if (!l)
		err_wrap(e, "pki/%s.crl", name);
	return l;
}

int dir_write_certs(const struct dir *d, const char *name, const struct slice *der,
		    size_t n, struct err *e)
{
	struct sbuf b = { 0 };
	int r;

	for (size_t i = 0; i < n; i++)
		pem_write(&b, "CERTIFICATE", der[i]);
	r = sbuf_ok(&b) ? dir_write(d, name, DIR_CRT, sbuf_str(&b), b.len, e) :
			  err_set(e, "out of memory");
	sbuf_fini(&b);
	return r;
}

int dir_write_key(const struct dir *d, const char *name, struct slice pkcs8,
		  struct err *e)
{
	struct sbuf b = { 0 };
	int r;

	pem_write(&b, "PRIVATE KEY", pkcs8);
	r = sbuf_ok(&b) ? dir_write(d, name, DIR_KEY, sbuf_str(&b), b.len, e) :
			  err_set(e, "out of memory");
	if (b.s)
		secret_wipe(b.s, b.cap);
	sbuf_fini(&b);
	return r;
}

/* ---- names ---- */

int pki_check_name(const char *name, struct err *e)
{
	size_t n = strlen(name);

	if (n == 0 || n > PKI_NAME_MAX || name[0] == '.' || name[0] == '-' ||
	    strspn(name,
		   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") !=
		    n)
		return err_code(e, EXIT_USAGE,
				"\"%.60s\" cannot be a name: letters, digits, "
				". _ -, at most %d",
				name, PKI_NAME_MAX);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool name_of(const char *file, char out[PKI_NAME_MAX + 1])
{
	size_t n = strlen(file);

	if (n < 5 || n - 4 > PKI_NAME_MAX)
		return false;
	snprintf(out, PKI_NAME_MAX + 1, "%.*s", (int)(n - 4), file);
	if (pki_check_name(out, NULL) < 0)
		return false;
	for (size_t k = 0; k < DIR_KINDS; k++)
		if (strcmp(file + n - 4, kinds[k].ending) == 0)
			return true;
	return false;
}

int dir_names(const struct dir *d, char (**out)[PKI_NAME_MAX + 1], size_t *n,
	      struct err *e)
{
	int copy = d->fd < 0 ? -1 :
			       openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dp = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *de;
	size_t all = 0;

	*n = 0;
	*out = calloc(NAMES_MAX * DIR_KINDS + 1, sizeof(**out));
	if (!*out) {
		if (dp)
			closedir(dp);
		return err_set(e, "out of memory");
	}
	while (dp && all < NAMES_MAX * DIR_KINDS && (de = readdir(dp)))
		all += name_of(de->d_name, (*out)[all]);
	if (dp)
		closedir(dp);
	qsort(*out, all, sizeof(**out), by_name);
	for (size_t i = 0; i < all; i++)
		if (i == 0 || strcmp((*out)[i], (*out)[*n - 1]) != 0)
			memmove((*out)[(*n)++], (*out)[i], sizeof(**out));
	return 0;
}

static const char *name_at(const void *arg, size_t i)
{
	const char (*names)[PKI_NAME_MAX + 1] = arg;

	return names[i];
}

int dir_no_such(const struct dir *d, const char *name, struct err *e)
{
	char (*names)[PKI_NAME_MAX + 1] = NULL;
	const char *near = NULL;
	size_t n;

	if (dir_names(d, &names, &n, NULL) == 0)
		near = nearest(name, n, name_at, names);
	if (near)
		err_set(e, "nothing is called \"%.60s\" in pki/: %s?", name, near);
	else
		err_set(e,
			"nothing is called \"%.60s\" in pki/; adit pki list shows what is "
			"there",
			name);
	free(names);
	return -1;
}
