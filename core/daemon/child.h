/* child: the common start of iked, vaultd and espd. aditd runs them with one end of a
 * core/ipc link on descriptor 3; everything else they need comes over it.
 *
 *	static const struct child_ops ops = {
 *		.role = ROLE_VAULTD, .init = init, .on_msg = on_msg, .fini = fini,
 *	};
 *	int main(int argc, char **argv) { return child_main(argc, argv, &ops); }
 *
 * The order: every descriptor above 3 is closed; the process is made undumpable; the first
 * message, MSG_CHILD_START, is awaited (uid, gid, log level); lines of core/base/log become
 * MSG_LOG; init() runs, still as root but with nothing received that came from the network;
 * the sandbox is entered; MSG_READY is sent; the loop runs until the link closes or
 * child_stop() is called; fini() runs; the process ends.
 */
#ifndef ADIT_DAEMON_CHILD_H
#define ADIT_DAEMON_CHILD_H

#include "core/base/err.h"
#include "core/base/loop.h"
#include "core/ipc/ipc.h"
#include "core/ipc/msg.h"

#include <stdbool.h>

#define CHILD_LINK_FD 3

struct child {
	struct loop *loop;
	struct ipc *monitor;	/* owned by child_main; attached to the loop */
	void *ctx;		/* the program's own, NULL at first */
	struct msg_child_start start;
};

struct child_ops {
	enum ipc_role role;	/* ROLE_IKED, ROLE_VAULTD or ROLE_ESPD */
	/* Threads are made after the sandbox (espd's workers). They may only be threads:
	 * fork and exec stay forbidden. */
	bool threads;
	/* May be NULL. Allocate here what should not be needed later; set c->ctx. */
	int (*init)(struct child *c, struct err *e);
	/* Every message of the monitor but MSG_CHILD_START and MSG_LOG_LEVEL, which are
	 * handled before. Descriptors as in ipc_attach(): take one by setting it to -1. */
	void (*on_msg)(struct child *c, struct ipc_msg *m);
	/* May be NULL. A message of the monitor whose descriptors did not fit: ipc_on_cut(). */
	void (*on_cut)(struct child *c, const struct ipc_msg *m);
	/* May be NULL. The monitor may be gone already. */
	void (*fini)(struct child *c);
};

/* The program's main(). Returns its exit code: EXIT_USAGE when not started by aditd. */
int child_main(int argc, char **argv, const struct child_ops *ops);
/* End the loop; child_main() then returns. */
void child_stop(struct child *c);
/* Send to the monitor; as ipc_send(). */
int child_send(struct child *c, uint16_t type, uint32_t id, const void *body, size_t len);

#endif
