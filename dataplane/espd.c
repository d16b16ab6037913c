/* espd: the userspace dataplane's process. Descriptors and the keys of live SAs are handed
 * in by aditd; everything else is dataplane/esp. */
#include "core/daemon/child.h"
#include "dataplane/esp/ctl.h"

static int init(struct child *c, struct err *e)
{
	c->ctx = ctl_new(c->loop, c->monitor, e);
	return c->ctx ? 0 : -1;
}

static void on_msg(struct child *c, struct ipc_msg *m)
{
	ctl_msg(c->ctx, m);
}

static void on_cut(struct child *c, const struct ipc_msg *m)
{
	ctl_cut(c->ctx, m);
}

static void fini(struct child *c)
{
	ctl_free(c->ctx);
}

int main(int argc, char **argv)
{
	static const struct child_ops ops = {
		.role = ROLE_ESPD, .threads = true, .init = init, .on_msg = on_msg,
		.on_cut = on_cut, .fini = fini,
	};

	return child_main(argc, argv, &ops);
}
