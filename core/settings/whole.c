/* whole: temp, fsync, rename, fsync the folder. */
#include "core/settings/whole.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_temp(int fd, int (*write)(const void *arg, FILE *f), const void *arg)
{
	FILE *f = fdopen(fd, "w");
	int bad;

	if (!f) {
		close(fd);
		return -1;
	}
	bad = write(arg, f) | ferror(f) | fflush(f) | fchmod(fd, 0644) | fsync(fd);
	return fclose(f) | bad ? -1 : 0;
}

int whole_write(const char *dir, const char *name, int (*write)(const void *arg, FILE *f),
		const void *arg, struct err *e)
{
	char path[PATH_MAX], temp[PATH_MAX + 8];
	int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd, r = 0;

	if (folder < 0)
		return err_errno(e, "%s", dir);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	snprintf(temp, sizeof(temp), "%s.XXXXXX", path);
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0) {
		r = err_errno(e, "%s", path);
	} else if (write_temp(fd, write, arg) < 0 || rename(temp, path) < 0) {
		r = err_errno(e, "%s", path);
		unlink(temp);
	} else if (fsync(folder) < 0) {
		r = err_errno(e, "%s", dir);
	}
	close(folder);
	return r;
}
