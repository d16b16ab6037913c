/* fake: arrays in place of a kernel. */
#include "dataplane/fake/fake.h"

#include "core/base/secret.h"

#include <stdio.h>
#include <string.h>

static struct fake_state st;
static const struct backend_env *env;
static const char *refuse;

const struct fake_state *fake_state(void)
{
	return &st;
}

void fake_reset(void)
{
	secret_wipe(&st, sizeof(st));
	env = NULL;
	refuse = NULL;
}

void fake_refuse_next(const char *why)
{
	refuse = why;
}

void fake_event(uint32_t id, enum sa_event ev)
{
	env->sa_event(env->arg, id, ev);
}

void fake_ike(const struct endpoint *local, const struct endpoint *remote, const uint8_t *msg,
	      size_t len)
{
	env->ike(env->arg, local, remote, msg, len);
}

void fake_lose_all(void)
{
	st.n_sas = 0;
	env->lost(env->arg);
}

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
	st.started = true;
	*ctx = &st;
	return 0;
}

static void stop(void *ctx)
{
	(void)ctx;
	secret_wipe(st.sas, sizeof(st.sas));
	st.n_sas = st.n_ifaces = 0;
	st.started = false;
}

/* It has no child: these are never called. */
static void child_up(void *ctx)
{
	(void)ctx;
}

static void child_msg(void *ctx, const struct ipc_msg *m)
{
	(void)ctx;
	(void)m;
}

static int iface_add(void *ctx, const struct backend_iface *i, struct err *e)
{
	(void)ctx;
	for (size_t k = 0; k < st.n_ifaces; k++) {
		if (strcmp(st.ifaces[k].name, i->name) == 0) {
			st.ifaces[k] = *i;
			return 0;
		}
	}
	if (st.n_ifaces == FAKE_IFACES_MAX)
		return err_set(e, "more than %d interfaces", FAKE_IFACES_MAX);
	st.ifaces[st.n_ifaces++] = *i;
	return 0;
}

static void iface_del(void *ctx, const char *name)
{
	(void)ctx;
	for (size_t k = 0; k < st.n_ifaces; k++)
		if (strcmp(st.ifaces[k].name, name) == 0)
			st.ifaces[k--] = st.ifaces[--st.n_ifaces];
}

static size_t find(uint32_t id)
{
	size_t i = 0;

	while (i < st.n_sas && st.sas[i].sa.id != id)
		i++;
	return i;
}

static void sa_add(void *ctx, const struct sa_child *sa, const char *iface)
{
	const char *why = refuse ? refuse : "";

	(void)ctx;
	refuse = NULL;
	st.added++;
	if (!why[0] && find(sa->id) < st.n_sas)
		why = "it is there already";
	if (!why[0] && st.n_sas == FAKE_SAS_MAX)
		why = "too many";
	if (!why[0]) {
		st.sas[st.n_sas].sa = *sa;
		st.sas[st.n_sas].active = !sa->hold_out;
		snprintf(st.sas[st.n_sas].iface, IFNAME_MAX, "%s", iface);
		st.n_sas++;
	}
	env->sa_added(env->arg, sa->id, why);
}

static void sa_activate(void *ctx, uint32_t id)
{
	size_t i = find(id);

	(void)ctx;
	if (i < st.n_sas)
		st.sas[i].active = true;
}

static void sa_update(void *ctx, uint32_t id, const struct endpoint *local,
		      const struct endpoint *remote)
{
	size_t i = find(id);

	(void)ctx;
	if (i == st.n_sas)
		return;
	st.sas[i].sa.local = *local;
	st.sas[i].sa.remote = *remote;
}

static void sa_del(void *ctx, uint32_t id, uint32_t linger_ms)
{
	size_t i = find(id);

	(void)ctx;
	st.last_linger_ms = linger_ms;
	if (i == st.n_sas)
		return;
	st.deleted++;
	st.sas[i] = st.sas[--st.n_sas];
	secret_wipe(&st.sas[st.n_sas], sizeof(st.sas[0]));
}

static void sa_query(void *ctx, uint32_t id)
{
	(void)ctx;
	st.queried++;
	for (size_t i = 0; i < st.n_sas; i++) {
		struct sa_stats s = { .id = st.sas[i].sa.id, .last_rx_ms = UINT64_MAX,
				      .last_tx_ms = UINT64_MAX };

		if (!id || id == s.id)
			env->sa_stats(env->arg, &s);
	}
}

static void can(void *ctx, struct backend_can *out)
{
	(void)ctx;
	*out = (struct backend_can){ .encap = BACKEND_ENCAP_ANY, .esn = true, .transport = true };
}

static void counters(void *ctx)
{
	const uint64_t v[COUNTERS_N] = { 0 };

	(void)ctx;
	env->counters(env->arg, v);
}

const struct backend backend_fake = {
	.name = "fake",
	.probe = probe,
	.start = start,
	.can = can,
	.stop = stop,
	.child_up = child_up,
	.child_down = child_up,
	.child_msg = child_msg,
	.iface_add = iface_add,
	.iface_del = iface_del,
	.sa_add = sa_add,
	.sa_activate = sa_activate,
	.sa_update = sa_update,
	.sa_del = sa_del,
	.sa_query = sa_query,
	.counters = counters,
};
