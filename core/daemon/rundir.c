/* rundir: one instance per run dir, and the socket by which it is reached. */
#include "core/daemon/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int name_in(const struct rundir *r, const char *file, char *out)
{
	return (size_t)snprintf(out, PATH_MAX, "%s/%s", r->path, file) < PATH_MAX ? 0 : -1;
}

/* Like mkdir -p; what is made is 0755. */
static int make_dir(const char *path, struct err *e)
{
	char part[PATH_MAX];

	snprintf(part, sizeof(part), "%s", path);
	for (char *p = part + 1; ; p++) {
		char was = *p;

		if (was != '/' && was != '\0')
			continue;
		*p = '\0';
		if (mkdir(part, 0755) == 0)
			(void)chmod(part, 0755);	/* whatever the umask is */
		else if (errno != EEXIST)
			return err_errno(e, "%s cannot be made", part);
		*p = was;
		if (!was)
			return 0;
	}
}

static int running_pid(int fd)
{
	char text[16] = "";

	return pread(fd, text, sizeof(text) - 1, 0) > 0 ? atoi(text) : 0;
}

static int refuse(struct rundir *r, struct err *e)
{
	int pid = running_pid(r->lock);

	close(r->lock);
	r->lock = -1;
	if (pid > 0)
		return err_set(e, "aditd runs already with %s, as process %d", r->path, pid);
	return err_set(e, "another aditd is starting with %s", r->path);
}

/* An instance that ends removes its file while it holds the lock: one that waited with the
 * old file open must look again. */
static bool still_there(int fd, const char *file)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(file, &b) == 0 && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

int rundir_open(struct rundir *r, const char *path, struct err *e)
{
	char file[PATH_MAX];

	*r = (struct rundir){ .lock = -1, .control = -1 };
	snprintf(r->path, sizeof(r->path), "%s", path);
	if (make_dir(path, e) < 0)
		return -1;
	if (name_in(r, "aditd.pid", file) < 0)
		return err_set(e, "%s: the path is too long", path);
	for (;;) {
		r->lock = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
		if (r->lock < 0)
			return err_errno(e, "%s", file);
		if (flock(r->lock, LOCK_EX | LOCK_NB) < 0)
			return refuse(r, e);
		if (still_there(r->lock, file)) {
			/* Who ends takes the file away. */
			r->killed = running_pid(r->lock) > 0;
			return 0;
		}
		close(r->lock);
	}
}

int rundir_pid(struct rundir *r, struct err *e)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	if (ftruncate(r->lock, 0) < 0 || pwrite(r->lock, text, (size_t)n, 0) != n)
		return err_errno(e, "%s/aditd.pid", r->path);
	return 0;
}

int rundir_control(struct rundir *r, gid_t group, struct err *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char file[PATH_MAX];

	if (name_in(r, "control.sock", file) < 0 || strlen(file) >= sizeof(a.sun_path))
		return err_set(e, "%s: too long a path for a socket, at most %zu bytes",
			       r->path, sizeof(a.sun_path) - sizeof("/control.sock"));
	memcpy(a.sun_path, file, strlen(file) + 1);
	/* We hold the lock, so this one has nobody behind it. */
	(void)unlink(file);
	r->control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (r->control < 0)
		return err_errno(e, "socket");
	/* Nobody can connect before the mode is right: it does not listen yet. */
	if (bind(r->control, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    chown(file, 0, group) < 0 || chmod(file, 0660) < 0 || listen(r->control, 32) < 0) {
		err_errno(e, "%s", file);
		close(r->control);
		r->control = -1;
		return -1;
	}
	return 0;
}

void rundir_close(struct rundir *r)
{
	char file[PATH_MAX];

	if (r->control >= 0) {
		if (name_in(r, "control.sock", file) == 0)
			(void)unlink(file);
		close(r->control);
	}
	if (r->lock >= 0) {
		/* While it is locked, so that nobody's new one is removed. */
		if (name_in(r, "aditd.pid", file) == 0)
			(void)unlink(file);
		close(r->lock);
	}
	r->lock = r->control = -1;
}
