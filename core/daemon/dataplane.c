/* dataplane: the backend that was chosen, and its answers on their way to iked. SAs of an
 * earlier iked flow on until the new one has replaced them, or their lives end. */
#include "core/daemon/monitor.h"

#include "core/base/log.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define LINGER_MS 5000	/* a replaced inbound SA still receives, RFC 7296 §2.8 */

static unsigned generation(const struct monitor *m)
{
	return m->procs[PROC_IKED].starts;
}

/* ---- answers ---- */

static void tell_added(struct monitor *m, const struct sa *s, const char *error)
{
	struct msg_result r = { 0 };

	if (s->generation != generation(m))
		return;
	r.code = error[0] ? EXIT_FAILED : EXIT_DONE;
	snprintf(r.text, sizeof(r.text), "%s", error);
	(void)procs_send(m, PROC_IKED, MSG_SA_ADDED, s->iked_id, &r, sizeof(r));
}

/* A new SA carries the traffic: what an earlier iked left for the same child goes. */
static void replace_older(struct monitor *m, uint32_t id)
{
	struct sa s = *satab_by_id(&m->sas, id);	/* the table moves under it */
	struct sa *old;
	size_t at = 0;

	while ((old = satab_older(&m->sas, s.peer, s.child, s.generation, &at))) {
		m->backend->sa_del(m->backend_ctx, old->id, LINGER_MS);
		satab_drop(&m->sas, old);
	}
}

void dataplane_in_use(struct monitor *m, uint32_t id)
{
	struct sa *s = satab_by_id(&m->sas, id);

	if (!s || !s->held)
		return;
	s->held = false;
	if (s->live)
		replace_older(m, id);
}

static void on_added(void *arg, uint32_t id, const char *error)
{
	struct monitor *m = arg;
	struct sa *s = satab_by_id(&m->sas, id), copy;

	if (!s)
		return;
	if (error[0]) {
		tell_added(m, s, error);
		satab_drop(&m->sas, s);
		return;
	}
	s->live = true;
	copy = *s;
	if (!copy.held)
		replace_older(m, id);
	/* The way must be there before iked says that the tunnel is up. */
	tunnel_sa(m, copy.peer, &copy);
	tell_added(m, &copy, "");
}

static void on_stats(void *arg, const struct sa_stats *st)
{
	struct monitor *m = arg;
	const struct sa *s = satab_by_id(&m->sas, st->id);
	struct sa_stats out = *st;

	if (!s || s->generation != generation(m))
		return;
	out.id = s->iked_id;
	(void)procs_send(m, PROC_IKED, MSG_SA_STATS, 0, &out, sizeof(out));
}

static void on_event(void *arg, uint32_t id, enum sa_event ev)
{
	struct monitor *m = arg;
	struct sa *s = satab_by_id(&m->sas, id), copy;
	struct msg_sa_event out = { 0 };

	if (!s)
		return;
	if (ev == SA_EVENT_ACTIVE) {
		dataplane_in_use(m, id);
		s = satab_by_id(&m->sas, id);
	}
	if (s->generation == generation(m)) {
		out.sa_id = s->iked_id;
		out.event = ev;
		(void)procs_send(m, PROC_IKED, MSG_SA_EVENT, 0, &out, sizeof(out));
	} else if (ev == SA_EVENT_HARD) {
		/* Nobody else would take it away. */
		copy = *s;
		log_info(copy.peer, "an SA from before iked's restart has ended");
		m->backend->sa_del(m->backend_ctx, id, 0);
		satab_drop(&m->sas, s);
		tunnel_sa(m, copy.peer, NULL);
	}
}

static void on_counters(void *arg, const uint64_t v[COUNTERS_N])
{
	struct monitor *m = arg;
	struct msg_counters out;

	memcpy(out.v, v, sizeof(out.v));
	(void)procs_send(m, PROC_IKED, MSG_COUNTERS, 0, &out, sizeof(out));
}

static void on_moved(void *arg, uint32_t id, const struct endpoint *remote)
{
	struct monitor *m = arg;
	const struct sa *s = satab_by_id(&m->sas, id);
	struct msg_sa_update out;

	if (!s || s->generation != generation(m))
		return;
	memset(&out, 0, sizeof(out));
	out.sa_id = s->iked_id;
	out.remote = *remote;
	(void)procs_send(m, PROC_IKED, MSG_SA_MOVED, 0, &out, sizeof(out));
}

static void on_ike(void *arg, const struct endpoint *local, const struct endpoint *remote,
		   const uint8_t *msg, size_t len)
{
	struct monitor *m = arg;
	struct msg_ike_datagram out;

	if (len > sizeof(out.bytes))
		return;
	memset(&out, 0, offsetof(struct msg_ike_datagram, bytes));
	out.local = *local;
	out.remote = *remote;
	out.len = (uint16_t)len;
	memcpy(out.bytes, msg, len);
	(void)procs_send(m, PROC_IKED, MSG_IKE_DATAGRAM, 0, &out,
			 offsetof(struct msg_ike_datagram, bytes) + len);
}

static void on_lost(void *arg)
{
	struct monitor *m = arg;

	dataplane_forget_all(m);
	m->lost = true;
	dataplane_tell(m);
}

static void on_wanted(void *arg, const char *iface)
{
	tunnel_wanted(arg, iface);
}

static int to_child(void *arg, uint16_t type, uint32_t id, const void *body, size_t len,
		    const int *fds, size_t n_fds)
{
	return procs_send_fds(arg, PROC_DATAPLANE, type, id, body, len, fds, n_fds);
}

/* ---- */

static bool wanted(const struct monitor *m, const struct backend *b)
{
	switch ((enum dataplane)m->settings.router.dataplane) {
	case DATAPLANE_AUTO:
		return true;
	case DATAPLANE_KERNEL:
		return strcmp(b->name, "kernel") == 0;
	case DATAPLANE_USERSPACE:
		return strcmp(b->name, "userspace") == 0;
	}
	return false;
}

int dataplane_choose(struct monitor *m, struct err *e)
{
	char skipped[160] = "";
	struct err why = { 0 };

	for (const struct backend *const *b = m->backends; *b; b++) {
		size_t n = strlen(skipped);

		if (!wanted(m, *b))
			continue;
		if ((*b)->probe(&why) < 0) {
			snprintf(skipped + n, sizeof(skipped) - n, "%s%s: %.100s",
				 n ? "; " : "", (*b)->name, why.msg);
			continue;
		}
		m->backend = *b;
		if (m->settings.router.dataplane != DATAPLANE_AUTO)
			snprintf(m->backend_why, sizeof(m->backend_why), "set in adit.conf");
		else if (skipped[0])
			snprintf(m->backend_why, sizeof(m->backend_why), "%s", skipped);
		else
			snprintf(m->backend_why, sizeof(m->backend_why), "the first that works here");
		return 0;
	}
	if (!skipped[0])
		return err_code(e, EXIT_SETTINGS, "adit.conf: dataplane: this build has none of "
				"that kind; userspace works everywhere");
	return err_set(e, "no dataplane works here: %s", skipped);
}

static void read_profile(const struct monitor *m, struct profile *out)
{
	struct err why = { 0 };

	if (profile_load(out, m->opt.config_dir, &why) < 0) {
		log_warning(NULL, "%s; measure anew with adit bench", why.msg);
		out->n = 0;
	}
}

int dataplane_start(struct monitor *m, struct err *e)
{
	static struct backend_env env;
	static struct profile profile;
	struct backend_can can = { 0 };

	env = (struct backend_env){
		.loop = m->loop, .arg = m, .sa_added = on_added, .sa_stats = on_stats,
		.sa_event = on_event, .counters = on_counters, .moved = on_moved,
		.ike = on_ike, .wanted = on_wanted, .lost = on_lost, .child_send = to_child,
	};
	read_profile(m, &profile);
	if (m->backend->start(&m->backend_ctx, &env, &m->sockets, &m->settings.router, &profile,
			      e) < 0)
		return -1;
	m->backend->can(m->backend_ctx, &can);
	m->esp = strcmp(m->backend->name, "kernel") != 0 ? FIREWALL_USERSPACE :
		 can.plain ? FIREWALL_PLAIN : FIREWALL_KERNEL;
	return 0;
}

static void on_found(void *arg, const struct sa_child *c, const char *iface)
{
	struct monitor *m = arg;
	struct sa *s = satab_adopt(&m->sas, c), copy;

	(void)iface;
	if (!s) {
		log_error(NULL, "no memory for an SA from before");
		return;
	}
	s->live = true;
	copy = *s;
	log_info(copy.peer, "child %s flows on from before", copy.child);
	tunnel_sa(m, copy.peer, &copy);
}

void dataplane_adopt(struct monitor *m)
{
	if (m->adopted)
		return;
	m->adopted = true;
	if (m->backend->adopt)
		m->backend->adopt(m->backend_ctx, on_found, m);
}

void dataplane_again(struct monitor *m)
{
	static struct profile profile;

	if (!m->backend_ctx || !m->backend->again)
		return;
	read_profile(m, &profile);
	m->backend->again(m->backend_ctx, &m->settings.router, &profile);
}

void dataplane_stop(struct monitor *m)
{
	if (m->backend_ctx)
		m->backend->stop(m->backend_ctx);
	m->backend_ctx = NULL;
}

void dataplane_tell(struct monitor *m)
{
	struct msg_dataplane d = { 0 };
	struct backend_can can = { 0 };

	if (m->backend->child && !procs_running(m, PROC_DATAPLANE))
		return;
	snprintf(d.name, sizeof(d.name), "%s", m->backend->name);
	snprintf(d.why, sizeof(d.why), "%s", m->backend_why);
	m->backend->can(m->backend_ctx, &can);
	d.encap = can.encap;
	d.esn = can.esn;
	d.transport = can.transport;
	d.ah = can.ah;
	d.ipcomp = can.ipcomp;
	memcpy(d.note, can.note, sizeof(d.note));
	(void)procs_send(m, PROC_IKED, MSG_DATAPLANE, 0, &d, sizeof(d));
	/* Not before it is back: new SAs would find no place. */
	if (m->lost)
		(void)procs_send(m, PROC_IKED, MSG_DATAPLANE_LOST, 0, NULL, 0);
	m->lost = false;
}

void dataplane_drop_peer(struct monitor *m, const char *peer)
{
	for (size_t i = 0; i < m->sas.n; ) {
		struct sa *s = &m->sas.v[i];

		if (strcmp(s->peer, peer) != 0) {
			i++;
			continue;
		}
		m->backend->sa_del(m->backend_ctx, s->id, 0);
		satab_drop(&m->sas, s);
	}
}

void dataplane_forget_all(struct monitor *m)
{
	satab_clear(&m->sas);
	for (size_t i = 0; i < m->n_tunnels; i++)
		tunnel_sa(m, m->tunnels[i].peer, NULL);
}
