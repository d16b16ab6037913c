/* rooms: core/daemon core/settings core/net core/ipc core/crypto core/base */
/* aditd_fake: aditd with a dataplane that takes every SA and does nothing with it, for benches of
 * all the rest. */
#include "core/daemon/backend.h"

static const struct backend_env *env;

static int probe(struct err *e)
{
	(void)e;
	return 0;
}

static int start(void **ctx, const struct backend_env *with, const struct sock_set *socks,
		 const struct router_conf *conf, const struct profile *profile, struct err *e)
{
	(void)socks;
	(void)conf;
	(void)profile;
	(void)e;
	env = with;
	*ctx = &env;
	return 0;
}

static void nothing(void *ctx)
{
	(void)ctx;
}

static void msg(void *ctx, const struct ipc_msg *m)
{
	(void)ctx;
	(void)m;
}

static int iface_add(void *ctx, const struct backend_iface *i, struct err *e)
{
	(void)ctx;
	(void)i;
	(void)e;
	return 0;
}

static void iface_del(void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
}

static void sa_add(void *ctx, const struct sa_child *sa, const char *iface)
{
	(void)ctx;
	(void)iface;
	env->sa_added(env->arg, sa->id, "");
}

static void sa_one(void *ctx, uint32_t id)
{
	(void)ctx;
	(void)id;
}

static void sa_update(void *ctx, uint32_t id, const struct endpoint *local,
		      const struct endpoint *remote)
{
	(void)ctx;
	(void)id;
	(void)local;
	(void)remote;
}

static void sa_del(void *ctx, uint32_t id, uint32_t linger_ms)
{
	(void)ctx;
	(void)id;
	(void)linger_ms;
}

static void can(void *ctx, struct backend_can *out)
{
	(void)ctx;
	*out = (struct backend_can){ .encap = BACKEND_ENCAP_ANY, .esn = true };
}

static const struct backend backend = {
	.name = "fake", .can = can, .probe = probe, .start = start, .stop = nothing,
	.child_up = nothing, .child_down = nothing, .child_msg = msg, .iface_add = iface_add,
	.iface_del = iface_del, .sa_add = sa_add, .sa_activate = sa_one, .sa_update = sa_update,
	.sa_del = sa_del, .sa_query = sa_one, .counters = nothing,
};

int main(int argc, char **argv)
{
	static const struct backend *const backends[] = { &backend, NULL };

	return monitor_main(argc, argv, backends);
}
