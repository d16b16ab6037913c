/* iked: runs every IKE state machine and owns the control socket. It parses what strangers
 * send, so it may do nothing else: no files, no privileges, no secrets; what it wants done it
 * asks of aditd and vaultd. DESIGN.md section 1. */
#include "core/daemon/child.h"
#include "ike/main/iked.h"

static struct iked iked;

static int init(struct child *c, struct err *e)
{
	c->ctx = &iked;
	return iked_init(&iked, c, e);
}

static void on_msg(struct child *c, struct ipc_msg *m)
{
	iked_on_msg(c->ctx, m);
}

static void fini(struct child *c)
{
	iked_fini(c->ctx);
}

int main(int argc, char **argv)
{
	static const struct child_ops ops = {
		.role = ROLE_IKED, .init = init, .on_msg = on_msg, .fini = fini,
	};

	return child_main(argc, argv, &ops);
}
