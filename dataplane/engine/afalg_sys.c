/* afalg_sys: the real calls. The C library has no names for kernel AIO. */
#include "dataplane/engine/afalg_sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SOL_ALG
#define SOL_ALG 279
#endif

static int sys_dup(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static int sys_setsockopt(int fd, int opt, const void *val, socklen_t len)
{
	return setsockopt(fd, SOL_ALG, opt, val, len);
}

/* Non-blocking: a read from a socket that has nothing to work on fails at once, and a full one
 * does not wait for room. A request itself is not cut short by it. */
static int sys_accept(int fd)
{
	return accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

static ssize_t sys_sendmsg(int fd, const struct msghdr *m)
{
	return sendmsg(fd, m, MSG_NOSIGNAL);
}

#if defined(SYS_io_getevents)
static int sys_io_setup(unsigned n, aio_context_t *ctx)
{
	return (int)syscall(SYS_io_setup, n, ctx);
}

static int sys_io_submit(aio_context_t ctx, long n, struct iocb **cbs)
{
	return (int)syscall(SYS_io_submit, ctx, n, cbs);
}

static int sys_io_getevents(aio_context_t ctx, long min, long n, struct io_event *ev,
			    uint64_t timeout_ms)
{
	/* The kernel's own timespec of this call, whatever the C library's is. */
	struct { long sec, nsec; } t = {
		(long)(timeout_ms / 1000), (long)(timeout_ms % 1000) * 1000000,
	};

	return (int)syscall(SYS_io_getevents, ctx, min, n, ev, &t);
}

static int sys_io_destroy(aio_context_t ctx)
{
	return (int)syscall(SYS_io_destroy, ctx);
}
#else	/* an architecture without the old call: requests one at a time */
static int sys_io_setup(unsigned n, aio_context_t *ctx)
{
	(void)n;
	(void)ctx;
	errno = ENOSYS;
	return -1;
}

static int sys_io_submit(aio_context_t ctx, long n, struct iocb **cbs)
{
	(void)ctx;
	(void)n;
	(void)cbs;
	errno = ENOSYS;
	return -1;
}

static int sys_io_getevents(aio_context_t ctx, long min, long n, struct io_event *ev,
			    uint64_t timeout_ms)
{
	(void)ctx;
	(void)min;
	(void)n;
	(void)ev;
	(void)timeout_ms;
	errno = ENOSYS;
	return -1;
}

static int sys_io_destroy(aio_context_t ctx)
{
	(void)ctx;
	errno = ENOSYS;
	return -1;
}
#endif

const struct afalg_sys afalg_sys_kernel = {
	.dup = sys_dup,
	.close = close,
	.setsockopt = sys_setsockopt,
	.accept = sys_accept,
	.sendmsg = sys_sendmsg,
	.read = read,
	.io_setup = sys_io_setup,
	.io_submit = sys_io_submit,
	.io_getevents = sys_io_getevents,
	.io_destroy = sys_io_destroy,
};

const struct afalg_sys *afalg_sys = &afalg_sys_kernel;
