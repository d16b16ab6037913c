/* sandbox: how a child gives up everything it does not need, once and for good.
 *
 * After sandbox_enter() the process has an unprivileged uid and gid, no capability and no way
 * to get one (bounding set, no_new_privs), an empty root in which nothing can be made, cannot
 * be dumped or traced, and runs under a seccomp allow-list of its role: a system call that is
 * not on it ends the process. DESIGN.md section 1.
 */
#ifndef ADIT_DAEMON_SANDBOX_H
#define ADIT_DAEMON_SANDBOX_H

#include "core/base/err.h"
#include "core/ipc/ipc.h"

#include <stdbool.h>
#include <sys/types.h>

struct sandbox {
	enum ipc_role role;	/* whose allow-list */
	uid_t uid;		/* not 0 */
	gid_t gid;		/* not 0 */
	bool threads;		/* threads may be made later */
};

/* Close every descriptor from first on. */
void sandbox_close_from(int first);
/* Wants root. On failure the process is in between and must end. Built with a sanitizer
 * (SAN=1) the allow-list is left out, for the sanitizer needs more than any of us. */
int sandbox_enter(const struct sandbox *what, struct err *e) MUST_USE;
/* The same for a tool that a person runs, as whoever that is: its sockets are open, it only
 * talks over them and prints. Root becomes uid and gid, in an empty root; others keep their
 * user. No capability, nothing can be opened or started, own allow-list. */
int sandbox_tool(uid_t uid, gid_t gid, struct err *e) MUST_USE;
/* False in a SAN=1 build. */
bool sandbox_has_seccomp(void);

#endif
