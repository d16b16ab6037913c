/* link: iked between its neighbours: aditd and vaultd by message, the engine by call. */
#include "ike/main/iked.h"

#include "core/base/log.h"
#include "core/base/secret.h"
#include "core/control/json.h"
#include "core/daemon/backend.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

/* ---- what the engine wants ---- */

/* For who captures, as it is on the wire. */
static void captured(struct iked *k, bool out, const struct endpoint *local,
		     const struct endpoint *remote, const uint8_t *msg, size_t len)
{
	struct tap_packet p = { .out = out, .local = local, .remote = remote,
				.msg = { msg, len } };

	if (engine_tapped(k->engine, local, remote, &p.peer))
		ctl_on_packet(k->ctl, &p, false);
}

static void env_tap(void *arg, const struct tap_packet *p)
{
	struct iked *k = arg;

	ctl_on_packet(k->ctl, p, true);
}

static void env_tap_keys(void *arg, const struct tap_keys *keys)
{
	struct iked *k = arg;

	ctl_on_keys(k->ctl, keys);
}

static void env_send(void *arg, const struct endpoint *local, const struct endpoint *remote,
		     const uint8_t *msg, size_t len)
{
	struct iked *k = arg;

	captured(k, true, local, remote, msg, len);
	net_send(k->net, local, remote, msg, len);
}

static void env_keepalive(void *arg, const struct endpoint *local,
			  const struct endpoint *remote)
{
	struct iked *k = arg;

	net_keepalive(k->net, local, remote);
}

/* A send that fails means that aditd is gone: the loop ends this process right after. */
static void to_monitor(struct iked *k, uint16_t type, uint32_t id, const void *body, size_t len)
{
	if (child_send(k->child, type, id, body, len) < 0)
		log_debug(NULL, "%s was not sent", ipc_type_name(type));
}

static void env_sa_add(void *arg, const struct sa_child *sa)
{
	to_monitor(arg, MSG_SA_ADD, sa->id, sa, sizeof(*sa));
}

static void env_sa_activate(void *arg, uint32_t sa_id)
{
	struct msg_sa_ref m = { .sa_id = sa_id };

	to_monitor(arg, MSG_SA_ACTIVATE, 0, &m, sizeof(m));
}

static void env_sa_update(void *arg, uint32_t sa_id, const struct endpoint *local,
			  const struct endpoint *remote)
{
	struct msg_sa_update m;

	memset(&m, 0, sizeof(m));
	m.sa_id = sa_id;
	m.local = *local;
	m.remote = *remote;
	to_monitor(arg, MSG_SA_UPDATE, 0, &m, sizeof(m));
}

static void env_sa_del(void *arg, uint32_t sa_id, uint32_t linger_ms)
{
	struct msg_sa_ref m = { .sa_id = sa_id, .linger_ms = linger_ms };

	to_monitor(arg, MSG_SA_DEL, 0, &m, sizeof(m));
}

static void env_sa_query(void *arg, uint32_t sa_id)
{
	struct msg_sa_ref m = { .sa_id = sa_id };

	to_monitor(arg, MSG_SA_QUERY, 0, &m, sizeof(m));
}

/* While vaultd is away nothing is sent: the engine keeps the request and makes it again when
 * engine_vault_back() says so. */
static void ask_vault(struct iked *k, uint16_t type, uint32_t id, const struct vault_query *q)
{
	static struct msg_auth m;

	if (!k->vault)
		return;
	memset(&m, 0, sizeof(m));
	if (q->octets.len > sizeof(m.octets) || q->auth.len > sizeof(m.auth)) {
		log_error(q->peer, "the octets to sign are too long: %zu bytes",
			  q->octets.len);
		return;
	}
	strncpy(m.peer, q->peer, sizeof(m.peer) - 1);
	m.kind = q->kind;
	m.scheme = q->scheme;
	m.prf = q->prf;
	m.octets_len = (uint16_t)q->octets.len;
	memcpy(m.octets, q->octets.p, q->octets.len);
	m.auth_len = (uint16_t)q->auth.len;
	if (q->auth.len)
		memcpy(m.auth, q->auth.p, q->auth.len);
	if (ipc_send(k->vault, type, id, &m, sizeof(m), NULL, 0) < 0)
		log_debug(q->peer, "vaultd did not take a request");
	secret_wipe(&m, sizeof(m));
}

static void env_vault_sign(void *arg, uint32_t id, const struct vault_query *q)
{
	ask_vault(arg, MSG_AUTH_SIGN, id, q);
}

static void env_vault_verify(void *arg, uint32_t id, const struct vault_query *q)
{
	ask_vault(arg, MSG_AUTH_VERIFY, id, q);
}

static void peer_state(struct iked *k, uint16_t type, const char *peer,
		       const struct endpoint *remote)
{
	struct msg_peer_state m;

	memset(&m, 0, sizeof(m));
	strncpy(m.peer, peer, sizeof(m.peer) - 1);
	m.remote = *remote;
	to_monitor(k, type, 0, &m, sizeof(m));
}

static void env_peer_up(void *arg, const char *peer, const struct endpoint *remote)
{
	peer_state(arg, MSG_PEER_UP, peer, remote);
}

static void env_peer_down(void *arg, const char *peer, const struct endpoint *remote)
{
	peer_state(arg, MSG_PEER_DOWN, peer, remote);
}

static void env_addrs(void *arg, const struct msg_peer_addrs *m)
{
	to_monitor(arg, MSG_PEER_ADDRS, 0, m, sizeof(*m));
}

static void env_resolve(void *arg, const char *host)
{
	struct iked *k = arg;

	resolve_again(k->resolve, host);
}

static void env_event(void *arg, const char *peer, enum engine_event ev, const char *text)
{
	struct iked *k = arg;

	ctl_on_event(k->ctl, peer, ev, text);
}

/* ---- names ---- */

static void want_sockets(void *arg, uint32_t id, const char *name)
{
	struct msg_dns_want m;

	memset(&m, 0, sizeof(m));
	strncpy(m.name, name, sizeof(m.name) - 1);
	to_monitor(arg, MSG_DNS_WANT, id, &m, sizeof(m));
}

static void name_found(void *arg, const char *name, const struct ip_addr *v, size_t n,
		       const char *why)
{
	struct iked *k = arg;

	engine_resolved(k->engine, name, v, n, why);
}

static void take_dns_sockets(struct iked *k, struct ipc_msg *m)
{
	resolve_sockets(k->resolve, m->id, m->body, m->fds, m->n_fds);
	for (size_t i = 0; i < m->n_fds; i++)
		m->fds[i] = -1;
}

/* ---- vaultd ---- */

static void on_vault(void *arg, struct ipc_msg *m)
{
	struct iked *k = arg;
	const struct msg_auth_done *d = m->body;
	struct slice auth;

	if (m->type != MSG_AUTH_DONE)
		return;
	auth = (struct slice){ .p = d->auth,
			       .len = d->auth_len <= sizeof(d->auth) ? d->auth_len : 0 };
	engine_vault_done(k->engine, m->id, d->ok, d->no_secret, d->hint, auth);
}

static void on_vault_closed(void *arg, const struct err *why)
{
	struct iked *k = arg;

	log_debug(NULL, "iked: %s", why->msg);
	ipc_free(k->vault);
	k->vault = NULL;
}

static void take_vault(struct iked *k, struct ipc_msg *m)
{
	struct err e = { 0 };

	ipc_free(k->vault);
	k->vault = ipc_new(m->fds[0], ROLE_IKED, ROLE_VAULTD, &e);
	m->fds[0] = -1;
	if (k->vault && ipc_attach(k->vault, k->child->loop, on_vault, on_vault_closed, k,
				   &e) < 0) {
		ipc_free(k->vault);
		k->vault = NULL;
	}
	if (k->vault)
		engine_vault_back(k->engine);
	else
		log_error(NULL, "iked: no link to vaultd: %s", e.msg);
}

/* ---- aditd ---- */

static void take_sockets(struct iked *k, struct ipc_msg *m)
{
	const struct msg_iked_sockets *s = m->body;
	struct err e = { 0 };
	size_t at = 0;

	net_natt_port(k->net, s->natt_port);
	engine_ports(k->engine, s->ike_port, s->natt_port);
	for (uint32_t bit = SOCK_IKE500_V4; bit <= SOCK_CONTROL; bit <<= 1) {
		int how;

		if (!(s->present & bit) || at >= m->n_fds)
			continue;
		how = bit == SOCK_CONTROL ? ctl_listen(k->ctl, m->fds[at], &e) :
			net_add(k->net, m->fds[at], &e);
		m->fds[at++] = -1;
		if (how < 0)
			log_error(NULL, "iked: a socket cannot be used: %s", e.msg);
	}
}

static int set_peer(void *arg, const struct peer_conf *p, const struct ip_addr *local,
		    struct err *e)
{
	struct iked *k = arg;

	if (engine_peer_set(k->engine, p, local, e) < 0)
		return -1;
	return resolve_use(k->resolve, p->name, p->gateways,
			   p->enabled && p->n_gateways <= GATEWAYS_MAX ? p->n_gateways : 0, e);
}

/* The body of a message that holds a name; NULL when it is none. */
static const char *name_of(const struct ipc_msg *m)
{
	const struct msg_name *n = m->body;

	return memchr(n->name, '\0', sizeof(n->name)) ? n->name : NULL;
}

static void on_settings(struct iked *k, struct ipc_msg *m)
{
	const struct msg_local_addr *la = m->body;
	const struct msg_peer_paths *paths = m->body;
	const char *name = NULL;
	struct err e = { 0 };
	int how = 0;

	switch (m->type) {
	case MSG_PEER_SET:
		how = conf_peer(k->conf, m->body, &e);
		break;
	case MSG_CHILD_SET:
		how = conf_child(k->conf, m->body, &e);
		break;
	case MSG_PEER_APPLY:
		name = name_of(m);
		if (name)
			how = conf_apply(k->conf, name, set_peer, k, &e);
		break;
	case MSG_PEER_REMOVE:
		name = name_of(m);
		if (name) {
			engine_peer_remove(k->engine, name);
			how = resolve_use(k->resolve, name, NULL, 0, &e);
		}
		break;
	case MSG_PEER_WANTED:
		name = name_of(m);
		if (name)
			engine_peer_wanted(k->engine, name);
		return;
	case MSG_PEER_PATHS:
		if (memchr(paths->peer, '\0', sizeof(paths->peer)))
			engine_paths(k->engine, paths);
		break;
	case MSG_SECRET_CHANGED:
		name = name_of(m);
		if (name)
			engine_secret_changed(k->engine, name);
		break;
	case MSG_LOCAL_ADDR:
		if (memchr(la->peer, '\0', sizeof(la->peer)))
			engine_local_addr(k->engine, la->peer, &la->addr);
		break;
	}
	if (how < 0)
		log_error(name, "settings from aditd cannot be used: %s", e.msg);
	if (name)
		ctl_on_peer(k->ctl, name);
}

static void on_dataplane(struct iked *k, struct ipc_msg *m)
{
	const struct msg_sa_event *ev = m->body;
	const struct msg_sa_update *moved = m->body;
	const struct msg_ike_datagram *ike = m->body;
	const struct msg_result *res = m->body;

	switch (m->type) {
	case MSG_DATAPLANE:
		memcpy(&k->dataplane, m->body, sizeof(k->dataplane));
		k->dataplane.name[sizeof(k->dataplane.name) - 1] = '\0';
		k->dataplane.why[sizeof(k->dataplane.why) - 1] = '\0';
		k->dataplane.note[sizeof(k->dataplane.note) - 1] = '\0';
		engine_dataplane(k->engine, &(struct engine_can){
			.encap = k->dataplane.encap <= CAN_ENCAP_ONLY ? k->dataplane.encap :
				 CAN_ENCAP_ONLY,
			.esn = k->dataplane.esn, .transport = k->dataplane.transport,
			.ah = k->dataplane.ah, .ipcomp = k->dataplane.ipcomp });
		break;
	case MSG_DATAPLANE_LOST:
		engine_dataplane_lost(k->engine);
		break;
	case MSG_SA_ADDED:
		engine_sa_added(k->engine, m->id, res->code == EXIT_DONE, res->text);
		break;
	case MSG_SA_STATS:
		engine_sa_stats(k->engine, m->body);
		ctl_on_stats(k->ctl);
		break;
	case MSG_SA_MOVED:
		engine_sa_moved(k->engine, moved->sa_id, &moved->remote);
		break;
	case MSG_IKE_DATAGRAM:
		if (m->len == offsetof(struct msg_ike_datagram, bytes) + ike->len)
			net_take(k->net, &ike->local, &ike->remote, ike->bytes, ike->len);
		break;
	case MSG_COUNTERS:
		ctl_on_counters(k->ctl, m->body);
		break;
	case MSG_SA_EVENT:
		if (ev->event <= SA_EVENT_GONE)
			engine_sa_event(k->engine, ev->sa_id, (enum sa_event)ev->event);
		break;
	}
}

static void stopped(void *arg)
{
	to_monitor(arg, MSG_STOPPED, 0, NULL, 0);
}

static void on_log_line(struct iked *k, const struct log_line *from)
{
	struct log_line line = *from;

	if (line.level > LL_DEBUG)
		return;
	ring_add(k->ring, &line);
	ctl_on_log(k->ctl, &line);
}

/* All peers may come up at once, faster than aditd takes their SAs. */
static void make_room(struct iked *k)
{
	struct engine_counts n;

	engine_counts(k->engine, &n);
	ipc_expect(k->child->monitor, n.peers * 2 * sizeof(struct sa_child));
}

static void on_pki(struct iked *k, struct ipc_msg *m)
{
	const struct msg_pki *p = m->body;

	pki_take(k->trust, m);
	if (memchr(p->name, '\0', sizeof(p->name)) && p->kind <= PKI_CRL)
		engine_pki_changed(k->engine, p->name, (enum pki_kind)p->kind, p->gone);
}

void iked_on_msg(struct iked *k, struct ipc_msg *m)
{
	switch (m->type) {
	case MSG_IKED_START:
		memcpy(&k->start, m->body, sizeof(k->start));
		k->start.version[sizeof(k->start.version) - 1] = '\0';
		break;
	case MSG_IKED_SOCKETS:
		take_sockets(k, m);
		break;
	case MSG_VAULT_LINK:
		take_vault(k, m);
		break;
	case MSG_DNS_SOCKETS:
		take_dns_sockets(k, m);
		break;
	case MSG_PKI:
		on_pki(k, m);
		break;
	case MSG_SETTINGS_DONE:
		make_room(k);
		ctl_on_settings_done(k->ctl, m->id, m->body);
		break;
	case MSG_LOG_LINE:
		on_log_line(k, m->body);
		break;
	case MSG_SYSTEM:
		memcpy(&k->system, m->body, sizeof(k->system));
		k->system.firewall[sizeof(k->system.firewall) - 1] = '\0';
		k->system.warning[sizeof(k->system.warning) - 1] = '\0';
		break;
	case MSG_STOP:
		engine_stop(k->engine, stopped, k);
		break;
	case MSG_DATAPLANE: case MSG_DATAPLANE_LOST: case MSG_SA_ADDED: case MSG_SA_STATS:
	case MSG_SA_EVENT: case MSG_SA_MOVED: case MSG_COUNTERS: case MSG_IKE_DATAGRAM:
		on_dataplane(k, m);
		break;
	case MSG_PEER_SET: case MSG_CHILD_SET: case MSG_PEER_APPLY: case MSG_PEER_REMOVE:
	case MSG_SECRET_CHANGED: case MSG_LOCAL_ADDR: case MSG_PEER_WANTED:
	case MSG_PEER_PATHS:
		on_settings(k, m);
		break;
	}
}

/* ---- */

static void on_unreachable(void *arg, const struct endpoint *remote, int error)
{
	struct iked *k = arg;

	engine_unreachable(k->engine, remote, error == ECONNREFUSED ? NEG_UNREACH_PORT :
			   error == EACCES ? NEG_UNREACH_FILTER : NEG_UNREACH_HOST);
}

static void on_datagram(void *arg, const struct endpoint *local, const struct endpoint *remote,
			const uint8_t *msg, size_t len)
{
	struct iked *k = arg;

	captured(k, false, local, remote, msg, len);
	engine_receive(k->engine, local, remote, msg, len);
	ahead_busy(&k->ahead);
}

int iked_init(struct iked *k, struct child *c, struct err *e)
{
	struct trust *trust = trust_new();
	const struct engine_env env = {
		.arg = k, .trust = trust, .send = env_send,
		.keepalive = env_keepalive, .sa_add = env_sa_add,
		.sa_activate = env_sa_activate, .sa_update = env_sa_update,
		.sa_del = env_sa_del, .sa_query = env_sa_query, .vault_sign = env_vault_sign,
		.vault_verify = env_vault_verify, .peer_up = env_peer_up,
		.peer_down = env_peer_down, .addrs = env_addrs, .resolve = env_resolve,
		.event = env_event, .tap = env_tap, .tap_keys = env_tap_keys,
	};
	const struct resolve_env names = { .arg = k, .want = want_sockets, .found = name_found };
	struct json_object *warm;

	k->child = c;
	k->trust = trust;
	k->ring = ring_new();
	k->conf = conf_new();
	k->ctl = ctl_new(k);
	k->net = net_new(c->loop, on_datagram, k, e);
	if (k->net)
		net_on_unreachable(k->net, on_unreachable);
	k->engine = engine_new(&env, loop_timers(c->loop));
	k->resolve = resolve_new(c->loop, &names);
	if (!k->trust || !k->ring || !k->conf || !k->ctl || !k->net || !k->engine || !k->resolve)
		return err_set(e, "out of memory");
	ahead_init(&k->ahead, loop_timers(c->loop));
	/* json-c seeds its hash on first use, by whatever means it finds: let it be now,
	 * while it may open files. */
	if (json_parse_line("{\"v\":1}", 7, &warm, e) < 0)
		return -1;
	json_object_put(warm);
	return 0;
}

void iked_fini(struct iked *k)
{
	ahead_fini(&k->ahead);
	if (k->ctl)
		ctl_free(k->ctl);
	resolve_free(k->resolve);
	engine_free(k->engine);
	trust_free(k->trust);
	ipc_free(k->vault);
	net_free(k->net);
	conf_free(k->conf);
	ring_free(k->ring);
}
