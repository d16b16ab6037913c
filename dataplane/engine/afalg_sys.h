/* afalg_sys: the system calls of the afalg engine, as a table, so that a test can be the
 * kernel: one whose requests fail, stall, or end late, short and out of order. Each behaves as
 * the call of its name: -1 with errno. */
#ifndef ADIT_ENGINE_AFALG_SYS_H
#define ADIT_ENGINE_AFALG_SYS_H

#include <linux/aio_abi.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

struct afalg_sys {
	int (*dup)(int fd);			/* close-on-exec */
	int (*close)(int fd);
	int (*setsockopt)(int fd, int opt, const void *val, socklen_t len);	/* SOL_ALG */
	int (*accept)(int fd);			/* close-on-exec, non-blocking */
	ssize_t (*sendmsg)(int fd, const struct msghdr *m);
	ssize_t (*read)(int fd, void *buf, size_t len);
	int (*io_setup)(unsigned n, aio_context_t *ctx);
	int (*io_submit)(aio_context_t ctx, long n, struct iocb **cbs);
	/* timeout_ms 0: what is there already */
	int (*io_getevents)(aio_context_t ctx, long min, long n, struct io_event *ev,
			    uint64_t timeout_ms);
	int (*io_destroy)(aio_context_t ctx);
};

/* The kernel's, unless a test has put its own here. */
extern const struct afalg_sys *afalg_sys;
extern const struct afalg_sys afalg_sys_kernel;

#endif
