/* hw_run: libexec/engine-bench at work: its lines come through a pipe, so that the screen can
 * go on meanwhile. */
#include "core/front/hw.h"

#include "core/base/clock.h"
#include "core/base/libexec.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAYS_MS 5000

static void exec_bench(const char *path, unsigned ms, bool all, const char *suite, int out)
{
	char *const env[] = { NULL };
	const char *argv[8] = { "engine-bench" };
	int n = 1, null = open("/dev/null", O_RDWR);
	char number[16];

	snprintf(number, sizeof(number), "%u", ms);
	argv[n++] = number;
	if (all)
		argv[n++] = "all";
	if (suite)
		argv[n++] = suite;
	/* On the screen nobody else may write. */
	dup2(null, STDIN_FILENO);
	dup2(null, STDERR_FILENO);
	dup2(out, STDOUT_FILENO);
	execve(path, (char *const *)argv, env);
	_exit(127);
}

int hw_run_start(struct hw_run *r, unsigned ms, bool all, const char *suite, struct err *e)
{
	char dir[PATH_MAX - 16], path[PATH_MAX];
	int fds[2];

	*r = (struct hw_run){ .fd = -1, .ms = ms };
	snprintf(path, sizeof(path), "%s/engine-bench",
		 libexec_dir("engine-bench", dir, sizeof(dir)));
	if (access(path, X_OK) < 0)
		return err_errno(e, "cannot run %s", path);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(e, "pipe");
	r->pid = fork();
	if (r->pid < 0) {
		r->pid = 0;
		err_errno(e, "fork");
		close(fds[0]);
		close(fds[1]);
		return -1;
	}
	if (r->pid == 0)
		exec_bench(path, ms, all, suite, fds[1]);
	close(fds[1]);
	r->fd = fds[0];
	fcntl(r->fd, F_SETFL, O_NONBLOCK);
	/* All of it fits, should nobody read for a while: who waits for a reader measures less. */
	fcntl(r->fd, F_SETPIPE_SZ, 1 << 20);
	return 0;
}

static int reap(struct hw_run *r)
{
	int status = 0;

	close(r->fd);
	while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
		;
	r->pid = 0;
	r->fd = -1;
	return status;
}

void hw_run_stop(struct hw_run *r)
{
	if (r->pid <= 0)
		return;
	kill(r->pid, SIGKILL);
	(void)reap(r);
}

static int take_line(struct hw_run *r, struct hw_bench *b, size_t len, struct err *e)
{
	struct json_object *o;
	const char *why;
	int rc = 0;

	if (json_parse_line(r->line, len, &o, e) < 0)
		return -1;
	why = json_get_str(o, "error", "");
	if (why[0])
		snprintf(r->error, sizeof(r->error), "%s", why);
	else
		rc = hw_bench_line(b, r->line, len, e);
	json_object_put(o);
	return rc;
}

static int take_lines(struct hw_run *r, struct hw_bench *b, struct err *e)
{
	char *nl;

	while ((nl = memchr(r->line, '\n', r->len))) {
		size_t len = (size_t)(nl - r->line);

		if (take_line(r, b, len, e) < 0)
			return err_wrap(e, "engine-bench");
		r->len -= len + 1;
		memmove(r->line, nl + 1, r->len);
	}
	if (r->len == sizeof(r->line))
		return err_set(e, "engine-bench: a line too long");
	return 0;
}

static bool any_speed(const struct hw_bench *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (!b->row[i].why[0])
			return true;
	return false;
}

static int ended(struct hw_run *r, struct hw_bench *b, struct err *e)
{
	int status = reap(r);

	if (r->error[0])
		return err_set(e, "%s", r->error);
	if (WIFSIGNALED(status))
		return err_set(e, "the measurement ended by signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status))
		return err_set(e, "the measurement ended without a result (%d)", WEXITSTATUS(status));
	if (r->ms && !any_speed(b))
		return err_set(e, "nothing could be measured");
	if (r->ms) {
		b->when_s = clock_wall_s();
		b->ms = r->ms;
	}
	return 0;
}

int hw_run_read(struct hw_run *r, struct hw_bench *b, struct err *e)
{
	for (;;) {
		ssize_t n = read(r->fd, r->line + r->len, sizeof(r->line) - r->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 1;
		if (n < 0) {
			err_errno(e, "reading from engine-bench");
			break;
		}
		if (n == 0)
			return ended(r, b, e);
		r->len += (size_t)n;
		if (take_lines(r, b, e) < 0)
			break;
	}
	hw_run_stop(r);
	return -1;
}

int hw_run_ways(struct hw_bench *b, struct err *e)
{
	struct hw_run r;
	int rc = hw_run_start(&r, 0, false, NULL, e);

	if (rc < 0)
		return -1;
	b->n_devices = 0;
	memset(b->unable, 0, sizeof(b->unable));
	while ((rc = hw_run_read(&r, b, e)) > 0) {
		if (poll(&(struct pollfd){ .fd = r.fd, .events = POLLIN }, 1, WAYS_MS) != 0)
			continue;
		hw_run_stop(&r);
		return err_code(e, EXIT_TIMEOUT, "engine-bench does not end");
	}
	return rc;
}
