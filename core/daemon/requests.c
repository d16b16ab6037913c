/* requests: what children ask for, done or refused. iked may know keys and SPIs; everything
 * it asks the kernel for passes here, against the settings that root wrote. */
#include "core/daemon/monitor.h"

#include "core/base/log.h"
#include "core/daemon/loghub.h"
#include "core/daemon/names.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* iked keeps 64 pairs a peer at most (ike/v2), an earlier one's may still flow beside them.
 * More is no peer's doing but iked's own, and would fill our memory. */
#define SAS_PER_PEER 160
#define LINGER_MAX_MS 60000

static enum proc_id id_of(const struct proc *p)
{
	return (enum proc_id)(p - p->m->procs);
}

static void refuse(struct proc *p, uint16_t type, const char *why)
{
	struct monitor *m = p->m;
	unsigned held = 0;

	m->refused[id_of(p)]++;
	if (!log_limit_pass(&m->refused_log, &held))
		return;
	log_error(NULL, "%s: %s refused: %s", p->program, ipc_type_name(type), why);
	if (held)
		log_error(NULL, "%u more refusals were not logged", held);
}

/* ---- SAs ---- */

static struct sa *own_sa(struct proc *p, uint32_t iked_id)
{
	return satab_by_iked(&p->m->sas, iked_id, p->starts);
}

static void answer_add(struct proc *p, uint32_t id, const char *why)
{
	struct msg_result r = { .code = EXIT_NOT_PERMITTED };

	snprintf(r.text, sizeof(r.text), "%s", why);
	(void)procs_send(p->m, PROC_IKED, MSG_SA_ADDED, id, &r, sizeof(r));
}

static void sa_add(struct proc *p, const struct ipc_msg *msg)
{
	struct monitor *m = p->m;
	const struct tunnel *t;
	struct err e = { 0 };
	struct sa_child sa;
	struct sa *s;

	memcpy(&sa, msg->body, sizeof(sa));
	if (sa.id != msg->id || own_sa(p, sa.id)) {
		refuse(p, msg->type, "its number is in use");
		answer_add(p, msg->id, "the number is in use");
		goto out;
	}
	if (permit_sa(&m->settings, &sa, NULL, &e) < 0) {
		refuse(p, msg->type, e.msg);
		answer_add(p, msg->id, e.msg);
		goto out;
	}
	if (satab_count(&m->sas, sa.peer) >= SAS_PER_PEER) {
		refuse(p, msg->type, "the peer has too many SAs");
		answer_add(p, msg->id, "the peer has too many SAs");
		goto out;
	}
	t = tunnel_get(m, sa.peer);
	if (!t || !t->made) {
		answer_add(p, msg->id, "the peer has no interface");
		goto out;
	}
	s = satab_add(&m->sas, &sa, p->starts);
	if (!s) {
		answer_add(p, msg->id, "out of memory");
		goto out;
	}
	sa.id = s->id;
	m->backend->sa_add(m->backend_ctx, &sa, t->interface);
out:
	explicit_bzero(&sa, sizeof(sa));
}

static void sa_del(struct proc *p, const struct msg_sa_ref *ref)
{
	struct monitor *m = p->m;
	struct sa *s = own_sa(p, ref->sa_id);
	uint32_t linger_ms = ref->linger_ms < LINGER_MAX_MS ? ref->linger_ms : LINGER_MAX_MS;
	char peer[PEER_NAME_MAX + 1];

	/* Perhaps it went with its peer a moment ago. */
	if (!s)
		return;
	memcpy(peer, s->peer, sizeof(peer));
	m->backend->sa_del(m->backend_ctx, s->id, linger_ms);
	satab_drop(&m->sas, s);
	tunnel_sa(m, peer, NULL);
}

static void sa_update(struct proc *p, const struct msg_sa_update *u)
{
	struct monitor *m = p->m;
	struct sa *s = own_sa(p, u->sa_id);
	struct err e = { 0 };

	if (!s)
		return;
	if (permit_endpoints(&u->local, &u->remote, s->udp_encap, &e) < 0) {
		refuse(p, MSG_SA_UPDATE, e.msg);
		return;
	}
	s->remote = u->remote;
	m->backend->sa_update(m->backend_ctx, s->id, &u->local, &u->remote);
	tunnel_remote(m, s->peer, &u->remote);
}

static void sa_query(struct proc *p, const struct msg_sa_ref *ref)
{
	const struct sa *s = own_sa(p, ref->sa_id);

	if (!ref->sa_id)
		p->m->backend->sa_query(p->m->backend_ctx, 0);
	else if (s)
		p->m->backend->sa_query(p->m->backend_ctx, s->id);
}

static void sa_activate(struct proc *p, const struct msg_sa_ref *ref)
{
	const struct sa *s = own_sa(p, ref->sa_id);

	if (!s)
		return;
	p->m->backend->sa_activate(p->m->backend_ctx, s->id);
	dataplane_in_use(p->m, s->id);
}

/* ---- peers and the rest ---- */

static void peer_state(struct proc *p, uint16_t type, const struct msg_peer_state *st)
{
	const struct peer_conf *conf;

	if (!permit_name(st->peer, sizeof(st->peer))) {
		refuse(p, type, "no peer is named");
		return;
	}
	conf = settings_peer(&p->m->settings, st->peer);
	if (!conf || !conf->enabled)
		return;		/* removed while the message was on its way */
	/* Up or down follows from its SAs; where it is cannot be known otherwise. */
	if (type == MSG_PEER_UP && addr_is_set(&st->remote.addr))
		tunnel_remote(p->m, st->peer, &st->remote);
}

/* Only names that the settings have: iked cannot make us ask for others. */
static bool is_gateway(const struct monitor *m, const char *name)
{
	for (size_t i = 0; i < m->settings.n_peers; i++) {
		const struct peer_conf *p = &m->settings.peers[i];

		for (size_t k = 0; p->enabled && k < p->n_gateways; k++)
			if (p->gateways[k].kind == GATEWAY_NAME &&
			    strcmp(p->gateways[k].name, name) == 0)
				return true;
	}
	return false;
}

static void dns_want(struct proc *p, uint32_t id, const struct msg_dns_want *w)
{
	struct msg_dns_sockets out = { 0 };
	int fds[DNS_SERVERS_MAX];

	if (!permit_name(w->name, sizeof(w->name))) {
		refuse(p, MSG_DNS_WANT, "no host is named");
		return;
	}
	if (is_gateway(p->m, w->name))
		names_look(w->name, &out, fds);
	else
		snprintf(out.why, sizeof(out.why), "it is not in the settings any more");
	(void)procs_send_fds(p->m, PROC_IKED, MSG_DNS_SOCKETS, id, &out, sizeof(out), fds,
			     out.n_servers);
	for (size_t i = 0; i < out.n_servers; i++)
		close(fds[i]);
}

static void peer_addrs(struct proc *p, const struct msg_peer_addrs *a)
{
	if (!permit_name(a->peer, sizeof(a->peer)) || a->n > PEER_ADDRS_MAX) {
		refuse(p, MSG_PEER_ADDRS, "it makes no sense");
		return;
	}
	for (size_t i = 0; i < a->n; i++)
		if (permit_address(&a->addr[i]) < 0) {
			refuse(p, MSG_PEER_ADDRS, "no peer can be there");
			return;
		}
	tunnel_addrs(p->m, a);
}

static void reload(struct proc *p, uint32_t id)
{
	struct msg_result r = { 0 };

	r.code = reload_again(p->m, r.text);
	(void)procs_send(p->m, PROC_IKED, MSG_SETTINGS_DONE, id, &r, sizeof(r));
}

static void log_level(struct proc *p, const struct msg_number *n)
{
	if (n->value > LL_DEBUG) {
		refuse(p, MSG_LOG_LEVEL, "there is no such level");
		return;
	}
	log_level_set((enum log_level)n->value);
	for (int i = 0; i < PROC_N; i++)
		(void)procs_send(p->m, (enum proc_id)i, MSG_LOG_LEVEL, 0, n, sizeof(*n));
}

static void from_iked(struct proc *p, const struct ipc_msg *msg)
{
	switch (msg->type) {
	case MSG_SA_ADD:
		sa_add(p, msg);
		break;
	case MSG_SA_ACTIVATE:
		sa_activate(p, msg->body);
		break;
	case MSG_SA_UPDATE:
		sa_update(p, msg->body);
		break;
	case MSG_SA_DEL:
		sa_del(p, msg->body);
		break;
	case MSG_SA_QUERY:
		sa_query(p, msg->body);
		break;
	case MSG_PEER_UP: case MSG_PEER_DOWN:
		peer_state(p, msg->type, msg->body);
		break;
	case MSG_RELOAD:
		reload(p, msg->id);
		break;
	case MSG_RESTART:
		monitor_restart(p->m);
		break;
	case MSG_LOG_LEVEL:
		log_level(p, msg->body);
		break;
	case MSG_STOPPED:
		monitor_iked_stopped(p->m);
		break;
	case MSG_COUNTERS_QUERY:
		p->m->backend->counters(p->m->backend_ctx);
		break;
	case MSG_PEER_ADDRS:
		peer_addrs(p, msg->body);
		break;
	case MSG_DNS_WANT:
		dns_want(p, msg->id, msg->body);
		break;
	}
}

void requests_handle(struct proc *p, struct ipc_msg *msg)
{
	if (!permit_message(p->role, p->phase, msg->type)) {
		refuse(p, msg->type, "it may not say that now");
		return;
	}
	if (msg->type == MSG_LOG)
		loghub_line(msg->body);
	else if (msg->type == MSG_READY)
		requests_ready(p);
	else if (p->role == ROLE_IKED)
		from_iked(p, msg);
	else if (p->role == ROLE_ESPD)
		p->m->backend->child_msg(p->m->backend_ctx, msg);
}

/* ---- children come and go ---- */

static void forward_line(void *arg, const struct log_line *line)
{
	(void)procs_send(arg, PROC_IKED, MSG_LOG_LINE, 0, line, sizeof(*line));
}

/* A pair between iked and vaultd, made anew whenever either is. */
static void join(struct monitor *m)
{
	struct err e = { 0 };
	int fds[2];

	if (!procs_running(m, PROC_IKED) || !procs_running(m, PROC_VAULTD))
		return;
	if (ipc_pair(fds, &e) < 0) {
		log_error(NULL, "iked and vaultd cannot be joined: %s", e.msg);
		return;
	}
	(void)procs_send_fds(m, PROC_VAULTD, MSG_IKE_LINK, 0, NULL, 0, &fds[0], 1);
	(void)procs_send_fds(m, PROC_IKED, MSG_VAULT_LINK, 0, NULL, 0, &fds[1], 1);
	close(fds[0]);
	close(fds[1]);
}

static void give_sockets(struct monitor *m)
{
	const int have[] = {
		m->sockets.ike500[SOCK_V4], m->sockets.ike4500[SOCK_V4],
		m->sockets.ike500[SOCK_V6], m->sockets.ike4500[SOCK_V6], m->run.control,
	};
	struct msg_iked_sockets s = { .ike_port = m->sockets.ike_port,
				      .natt_port = m->sockets.natt_port };
	int fds[5];
	size_t n = 0;

	/* In the order of the bits, SOCK_IKE500_V4 to SOCK_CONTROL. */
	for (size_t i = 0; i < 5; i++) {
		if (have[i] < 0)
			continue;
		s.present |= 1u << i;
		fds[n++] = have[i];
	}
	(void)procs_send_fds(m, PROC_IKED, MSG_IKED_SOCKETS, 0, &s, sizeof(s), fds, n);
}

static void iked_ready(struct monitor *m)
{
	struct msg_iked_start s = { 0 };

	s.generation = m->procs[PROC_IKED].starts;
	s.log_level = log_level_get();
	s.started_wall_s = (uint64_t)m->started_wall_s;
	s.control_group = m->control_gid;
	snprintf(s.version, sizeof(s.version), "%s", ADIT_VERSION);
	(void)procs_send(m, PROC_IKED, MSG_IKED_START, 0, &s, sizeof(s));
	loghub_replay(forward_line, m);
	loghub_forward(forward_line, m);
	sync_tell(m, true);
	join(m);
	/* Peers before sockets: whoever knocks or asks for status finds them. */
	reload_tell_iked(m);
	give_sockets(m);
	dataplane_tell(m);
}

void requests_ready(struct proc *p)
{
	struct monitor *m = p->m;

	struct msg_number level = { .value = log_level_get() };

	p->phase = PHASE_RUNNING;
	/* It may have been started before the settings were read. */
	(void)procs_send(m, id_of(p), MSG_LOG_LEVEL, 0, &level, sizeof(level));
	timer_stop(loop_timers(m->loop), &p->kill);
	log_debug(NULL, "%s is ready, process %d", p->program, (int)p->pid);
	switch (id_of(p)) {
	case PROC_VAULTD:
		reload_tell_vaultd(m);
		join(m);
		break;
	case PROC_IKED:
		iked_ready(m);
		break;
	case PROC_DATAPLANE:
		m->backend->child_up(m->backend_ctx);
		dataplane_tell(m);
		break;
	case PROC_N:
		break;
	}
	monitor_progress(m);
}

void requests_gone(struct proc *p)
{
	struct monitor *m = p->m;

	if (id_of(p) == PROC_IKED) {
		loghub_forward(NULL, NULL);
		monitor_iked_stopped(m);
	}
	if (id_of(p) == PROC_DATAPLANE && m->backend_ctx)
		m->backend->child_down(m->backend_ctx);
	monitor_progress(m);
}
