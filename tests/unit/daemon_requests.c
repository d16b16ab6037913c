/* rooms: core/daemon dataplane/fake core/settings core/net core/ipc core/crypto core/base */
/* iked's requests against a dataplane that is memory: what goes in, what is refused, and what
 * becomes of SAs when iked is started anew. Runs in a network namespace of its own. */
#include "core/daemon/monitor.h"

#include "core/base/log.h"
#include "dataplane/fake/fake.h"
#include "tests/unit/t.h"

#include <sched.h>
#include <stddef.h>
#include <unistd.h>

static struct monitor mon;
static struct ipc *iked;	/* the other end */
static char state_path[] = "/tmp/adit-requests-XXXXXX";
static unsigned logged;

static void count_line(void *arg, const struct log_line *l)
{
	(void)arg;
	logged += l->level <= LL_WARNING;
}

static void on_msg(void *arg, struct ipc_msg *m)
{
	requests_handle(arg, m);
}

static void on_closed(void *arg, const struct err *why)
{
	(void)arg;
	(void)why;
}

static struct prefix net(const char *text)
{
	struct prefix p = { 0 };
	struct err e;

	CHECK_INT(prefix_parse(text, &p, &e), 0);
	return p;
}

static struct endpoint at(const char *text, uint16_t port)
{
	struct endpoint ep = { .port = port };
	struct err e;

	CHECK_INT(addr_parse(text, &ep.addr, &e), 0);
	return ep;
}

/* A new iked, of the next generation. */
static void new_iked(enum permit_phase phase)
{
	struct proc *p = &mon.procs[PROC_IKED];
	struct err e = { 0 };
	int fds[2];

	ipc_free(iked);
	ipc_free(p->link);
	CHECK_INT(ipc_pair(fds, &e), 0);
	p->link = ipc_new(fds[0], ROLE_MONITOR, ROLE_IKED, &e);
	iked = ipc_new(fds[1], ROLE_IKED, ROLE_MONITOR, &e);
	CHECK(p->link && iked);
	CHECK_INT(ipc_attach(p->link, mon.loop, on_msg, on_closed, p, &e), 0);
	p->phase = phase;
	p->starts++;
}

static void set_up(void)
{
	static struct child_conf kid;
	static struct peer_conf peers[2];
	struct err e = { 0 };

	memset(&kid, 0, sizeof(kid));
	memset(peers, 0, sizeof(peers));
	strcpy(kid.name, "branch");
	kid.n_local = kid.n_remote = 1;
	kid.local_network[0] = net("10.1.0.0/24");
	kid.remote_network[0] = net("10.2.0.0/24");
	CHECK_INT(suite_parse(SUITE_ESP, "aes256-sha256", &kid.esp, &e), 0);
	strcpy(peers[0].name, "branch");
	strcpy(peers[0].interface, "adit-branch");
	peers[0].enabled = true;
	peers[0].remote_gateway = at("198.51.100.2", 0).addr;
	peers[0].n_children = 1;
	peers[0].children = &kid;
	peers[1] = peers[0];
	strcpy(peers[1].name, "off");
	strcpy(peers[1].interface, "adit-off");
	peers[1].enabled = false;

	memset(&mon, 0, sizeof(mon));
	fake_reset();
	logged = 0;
	mon.loop = loop_new(&e);
	mon.backend = &backend_fake;
	mon.state = MONITOR_RUNNING;
	mon.refused_log = (struct log_limit)LOG_LIMIT_INIT(10, 10000);
	mon.settings = (struct settings){ .n_peers = 2, .peers = peers };
	mon.sysctl = sysctl_new(state_path, &e);
	mon.firewall = firewall_new();
	CHECK(mon.loop && mon.sysctl && mon.firewall);
	procs_init(&mon);
	CHECK_INT(dataplane_start(&mon, &e), 0);
	sync_init(&mon);
	tunnel_settings(&mon);
	new_iked(PHASE_RUNNING);
}

static void tear_down(void)
{
	ipc_free(iked);
	iked = NULL;
	ipc_free(mon.procs[PROC_IKED].link);
	mon.procs[PROC_IKED].link = NULL;
	sync_stop(&mon);
	dataplane_stop(&mon);
	sysctl_free(mon.sysctl);
	firewall_free(mon.firewall);
	satab_fini(&mon.sas);
	loop_free(mon.loop);
}

static struct sa_child good_sa(uint32_t id)
{
	struct sa_child sa = { .id = id, .spi_in = 0x1000 + id, .spi_out = 0x2000 + id,
			       .encr = ENCR_AES_GCM_16, .encr_bits = 256, .n_local = 1,
			       .n_remote = 1, .udp_encap = 1, .proto = SA_ESP, .peer = "branch",
			       .child = "branch" };
	struct prefix l = net("10.1.0.0/24"), r = net("10.2.0.0/24");

	sa.local = at("203.0.113.1", 4500);
	sa.remote = at("198.51.100.2", 4500);
	sa.local_ts[0] = selector_of(&l);
	sa.remote_ts[0] = selector_of(&r);
	sa.in.encr_len = sa.out.encr_len = 36;
	return sa;
}

static void ask(uint16_t type, uint32_t id, const void *body, size_t len)
{
	CHECK_INT(ipc_send(iked, type, id, body, len, NULL, 0), 0);
	loop_once(mon.loop, 100);
}

/* The next message of this type; others on the way (MSG_SYSTEM …) are passed over. */
static bool hear(uint16_t type, struct ipc_msg *m)
{
	struct err e = { 0 };

	while (ipc_recv_wait(iked, m, 0, &e) == 1)
		if (m->type == type)
			return true;
	return false;
}

static void add(const struct sa_child *sa)
{
	struct ipc_msg m;

	ask(MSG_SA_ADD, sa->id, sa, sizeof(*sa));
	CHECK(hear(MSG_SA_ADDED, &m));
	CHECK_INT(m.id, sa->id);
	CHECK_STR(((const struct msg_result *)m.body)->text, "");
	CHECK_INT(((const struct msg_result *)m.body)->code, EXIT_DONE);
}

static void adds_and_takes_away(void)
{
	struct msg_sa_ref ref = { .sa_id = 7, .linger_ms = 5000 };
	struct sa_child sa = good_sa(7);
	const struct fake_state *f = fake_state();
	struct ipc_msg m;

	set_up();
	CHECK_INT(f->n_ifaces, 1);		/* not the disabled one's */
	CHECK_STR(f->ifaces[0].name, "adit-branch");
	CHECK_INT(f->ifaces[0].mtu, 1422);	/* the worst that settings allow */
	add(&sa);
	CHECK_INT(f->n_sas, 1);
	CHECK_STR(f->sas[0].iface, "adit-branch");
	CHECK_INT(f->sas[0].sa.spi_out, sa.spi_out);
	CHECK_INT(f->ifaces[0].mtu, 1438);	/* of what was negotiated */
	CHECK(tunnel_get(&mon, "branch")->up);

	ask(MSG_SA_QUERY, 0, &ref, sizeof(ref));
	CHECK(hear(MSG_SA_STATS, &m));
	CHECK_INT(((const struct sa_stats *)m.body)->id, 7);

	ask(MSG_SA_DEL, 0, &ref, sizeof(ref));
	CHECK_INT(f->n_sas, 0);
	CHECK_INT(f->last_linger_ms, 5000);
	CHECK(!tunnel_get(&mon, "branch")->up);
	/* Once more is nothing. */
	ask(MSG_SA_DEL, 0, &ref, sizeof(ref));
	CHECK_INT(f->deleted, 1);
	tear_down();
}

static void refuse_add(const struct sa_child *sa, const char *why)
{
	const struct msg_result *r;
	struct ipc_msg m;

	ask(MSG_SA_ADD, sa->id, sa, sizeof(*sa));
	CHECK(hear(MSG_SA_ADDED, &m));
	r = m.body;
	CHECK_INT(r->code, EXIT_NOT_PERMITTED);
	CHECK_HAS(r->text, why);
	CHECK_INT(fake_state()->added, 0);
}

static void refuses_what_is_not_configured(void)
{
	struct sa_child sa;
	struct prefix all = net("0.0.0.0/0");

	set_up();
	sa = good_sa(1);
	sa.remote_ts[0] = selector_of(&all);
	refuse_add(&sa, "outside the configured networks");
	sa = good_sa(1);
	strcpy(sa.peer, "off");
	refuse_add(&sa, "disabled");
	sa = good_sa(1);
	strcpy(sa.peer, "nobody");
	refuse_add(&sa, "not configured");
	CHECK_INT(mon.refused[PROC_IKED], 3);
	CHECK(logged >= 3);
	tear_down();
}

/* What a subverted iked may make us keep is bounded. */
static void sas_are_bounded(void)
{
	struct msg_sa_ref ref = { .sa_id = 1, .linger_ms = UINT32_MAX };
	struct sa_child sa = good_sa(1), more;

	set_up();
	add(&sa);
	ask(MSG_SA_DEL, 0, &ref, sizeof(ref));
	CHECK_INT(fake_state()->last_linger_ms, 60000);
	fake_reset();
	for (uint32_t i = 0; i < 160; i++) {
		more = good_sa(1000 + i);
		CHECK(satab_add(&mon.sas, &more, mon.procs[PROC_IKED].starts));
	}
	refuse_add(&sa, "too many");
	CHECK_INT(mon.sas.n, 160);
	tear_down();
}

static void numbers_are_not_used_twice(void)
{
	struct sa_child sa = good_sa(1);
	struct ipc_msg m;

	set_up();
	add(&sa);
	ask(MSG_SA_ADD, 1, &sa, sizeof(sa));
	CHECK(hear(MSG_SA_ADDED, &m));
	CHECK_HAS(((const struct msg_result *)m.body)->text, "in use");
	ask(MSG_SA_ADD, 2, &sa, sizeof(sa));	/* the two do not agree */
	CHECK(hear(MSG_SA_ADDED, &m));
	CHECK_INT(fake_state()->n_sas, 1);
	tear_down();
}

static void out_of_phase_is_refused(void)
{
	struct sa_child sa = good_sa(1);
	struct msg_sa_ref ref = { .sa_id = 1 };
	struct ipc_msg m;

	set_up();
	add(&sa);
	mon.procs[PROC_IKED].phase = PHASE_STOPPING;
	sa.id = 2;
	ask(MSG_SA_ADD, 2, &sa, sizeof(sa));
	CHECK(!hear(MSG_SA_ADDED, &m));
	CHECK_INT(mon.refused[PROC_IKED], 1);
	CHECK_INT(fake_state()->n_sas, 1);
	/* But it may clean up. */
	ask(MSG_SA_DEL, 0, &ref, sizeof(ref));
	CHECK_INT(fake_state()->n_sas, 0);
	mon.procs[PROC_IKED].phase = PHASE_STARTING;
	ask(MSG_RELOAD, 9, NULL, 0);
	CHECK_INT(mon.refused[PROC_IKED], 2);
	mon.procs[PROC_IKED].phase = PHASE_RUNNING;
	ask(MSG_READY, 0, NULL, 0);
	ask(MSG_STOPPED, 0, NULL, 0);
	CHECK_INT(mon.refused[PROC_IKED], 4);
	tear_down();
}

static void the_dataplane_may_refuse(void)
{
	struct sa_child sa = good_sa(1);
	const struct msg_result *r;
	struct ipc_msg m;

	set_up();
	fake_refuse_next("no room");
	ask(MSG_SA_ADD, 1, &sa, sizeof(sa));
	CHECK(hear(MSG_SA_ADDED, &m));
	r = m.body;
	CHECK_INT(r->code, EXIT_FAILED);
	CHECK_STR(r->text, "no room");
	CHECK_INT(mon.sas.n, 0);
	CHECK(!tunnel_get(&mon, "branch")->up);
	tear_down();
}

static void old_sas_flow_until_replaced(void)
{
	const struct fake_state *f = fake_state();
	struct sa_child sa = good_sa(1);
	struct msg_sa_ref ref = { .sa_id = 1 };
	struct ipc_msg m;

	set_up();
	add(&sa);
	new_iked(PHASE_RUNNING);
	CHECK_INT(f->n_sas, 1);
	CHECK(tunnel_get(&mon, "branch")->up);
	/* The new one may not touch it, nor does it hear of it. */
	ask(MSG_SA_DEL, 0, &ref, sizeof(ref));
	CHECK_INT(f->n_sas, 1);
	ref.sa_id = 0;
	ask(MSG_SA_QUERY, 0, &ref, sizeof(ref));
	CHECK(!hear(MSG_SA_STATS, &m));
	fake_event(f->sas[0].sa.id, SA_EVENT_SOFT);
	CHECK(!hear(MSG_SA_EVENT, &m));
	/* The same number as the old one's: another SA. */
	sa.spi_in = 0x9999;
	add(&sa);
	CHECK_INT(f->n_sas, 1);
	CHECK_INT(f->sas[0].sa.spi_in, 0x9999);
	CHECK_INT(f->last_linger_ms, 5000);
	CHECK(tunnel_get(&mon, "branch")->up);
	tear_down();
}

static void held_sas_replace_when_used(void)
{
	const struct fake_state *f = fake_state();
	struct sa_child sa = good_sa(1);
	struct msg_sa_ref ref = { .sa_id = 1 };

	set_up();
	add(&sa);
	new_iked(PHASE_RUNNING);
	sa.hold_out = 1;
	add(&sa);
	CHECK_INT(f->n_sas, 2);		/* the old one still sends */
	ask(MSG_SA_ACTIVATE, 0, &ref, sizeof(ref));
	CHECK_INT(f->n_sas, 1);
	CHECK(f->sas[0].active);

	new_iked(PHASE_RUNNING);
	add(&sa);
	CHECK_INT(f->n_sas, 2);
	fake_event(f->sas[1].sa.id, SA_EVENT_ACTIVE);	/* a packet came on it */
	CHECK_INT(f->n_sas, 1);
	tear_down();
}

static void old_sas_end_with_their_life(void)
{
	const struct fake_state *f = fake_state();
	struct sa_child sa = good_sa(1);
	struct ipc_msg m;

	set_up();
	add(&sa);
	fake_event(f->sas[0].sa.id, SA_EVENT_HARD);	/* iked's own: it decides */
	CHECK(hear(MSG_SA_EVENT, &m));
	CHECK_INT(((const struct msg_sa_event *)m.body)->sa_id, 1);
	CHECK_INT(f->n_sas, 1);
	new_iked(PHASE_RUNNING);
	fake_event(f->sas[0].sa.id, SA_EVENT_HARD);
	CHECK_INT(f->n_sas, 0);
	CHECK(!tunnel_get(&mon, "branch")->up);
	tear_down();
}

static void ike_in_the_dataplane_goes_to_iked(void)
{
	const struct endpoint local = at("203.0.113.1", 4500), remote = at("198.51.100.2", 31000);
	static uint8_t msg[IKE_DATAGRAM_MAX + 1];
	const struct msg_ike_datagram *d;
	struct ipc_msg m;

	set_up();
	memset(msg + 4, 0x77, sizeof(msg) - 4);
	for (size_t len = 32; len <= IKE_DATAGRAM_MAX; len += IKE_DATAGRAM_MAX - 32) {
		fake_ike(&local, &remote, msg, len);
		CHECK(hear(MSG_IKE_DATAGRAM, &m));
		d = m.body;
		CHECK_INT(m.len, offsetof(struct msg_ike_datagram, bytes) + len);
		CHECK_INT(d->len, len);
		CHECK_MEM(d->bytes, msg, len);
		CHECK(endpoint_equal(&d->local, &local) && endpoint_equal(&d->remote, &remote));
	}
	fake_ike(&local, &remote, msg, sizeof(msg));
	CHECK(!hear(MSG_IKE_DATAGRAM, &m));
	new_iked(PHASE_STARTING);	/* it has no socket yet, and no peers */
	fake_ike(&local, &remote, msg, 32);
	CHECK(!hear(MSG_IKE_DATAGRAM, &m));
	tear_down();
}

static void lost_sas_are_told(void)
{
	struct sa_child sa = good_sa(1);
	struct ipc_msg m;

	set_up();
	add(&sa);
	fake_lose_all();
	CHECK(hear(MSG_DATAPLANE_LOST, &m));
	CHECK_INT(mon.sas.n, 0);
	CHECK(!tunnel_get(&mon, "branch")->up);
	/* And only once. */
	dataplane_tell(&mon);
	CHECK(!hear(MSG_DATAPLANE_LOST, &m));
	tear_down();
}

static void updates_are_checked(void)
{
	struct sa_child sa = good_sa(1);
	struct msg_sa_update u = { .sa_id = 1 };

	set_up();
	add(&sa);
	u.local = at("203.0.113.1", 4500);
	u.remote = at("198.51.100.77", 31000);
	ask(MSG_SA_UPDATE, 0, &u, sizeof(u));
	CHECK_INT(fake_state()->sas[0].sa.remote.port, 31000);
	CHECK(endpoint_equal(&tunnel_get(&mon, "branch")->remote, &u.remote));
	u.remote = at("224.0.0.5", 4500);
	ask(MSG_SA_UPDATE, 0, &u, sizeof(u));
	CHECK_INT(fake_state()->sas[0].sa.remote.port, 31000);
	CHECK_INT(mon.refused[PROC_IKED], 1);
	tear_down();
}

/* Where a peer may be: firewall, routes and iked follow; nonsense does not pass. */
static void addresses_of_a_peer(void)
{
	struct msg_peer_addrs a = { .peer = "branch", .n = 2, .roams = 1 };
	const struct msg_peer_paths *paths;
	struct prefix nets[PATHS_NETS_MAX];
	struct ip_addr hosts[PATHS_NETS_MAX];
	const struct tunnel *t;
	bool anywhere;
	struct ipc_msg m;

	set_up();
	a.addr[0] = at("198.51.100.3", 0).addr;
	a.addr[1] = at("2001:db8::3", 0).addr;
	ask(MSG_PEER_ADDRS, 0, &a, sizeof(a));
	CHECK(hear(MSG_PEER_PATHS, &m));
	paths = m.body;
	CHECK_STR(paths->peer, "branch");
	CHECK_INT(paths->n, 2);
	CHECK(addr_equal(&paths->path[1].remote, &a.addr[1]));
	t = tunnel_get(&mon, "branch");
	CHECK(t->roams);
	/* These two and where it is now. */
	CHECK_INT(paths_hosts(&mon.settings.peers[0], t, hosts), 3);
	CHECK_INT(paths_nets(&mon.settings.peers[0], t, nets, &anywhere), 3);
	CHECK(!anywhere);
	a.addr[1] = at("127.0.0.1", 0).addr;
	ask(MSG_PEER_ADDRS, 0, &a, sizeof(a));
	CHECK_INT(mon.refused[PROC_IKED], 1);
	a.n = PEER_ADDRS_MAX + 1;
	ask(MSG_PEER_ADDRS, 0, &a, sizeof(a));
	CHECK_INT(mon.refused[PROC_IKED], 2);
	CHECK_INT(tunnel_get(&mon, "branch")->n_addrs, 2);
	/* One of no peer, or of a disabled one, is late: nothing. */
	a.n = 1;
	strcpy(a.peer, "off");
	ask(MSG_PEER_ADDRS, 0, &a, sizeof(a));
	CHECK(!hear(MSG_PEER_PATHS, &m));
	tear_down();
}

/* By settings alone. */
static void networks_a_peer_may_come_from(void)
{
	struct peer_conf p = { .n_gateways = 3 };
	struct prefix nets[PATHS_NETS_MAX];
	struct tunnel t = { 0 };
	bool anywhere;

	p.gateways[0].kind = GATEWAY_ADDR;
	p.gateways[0].net = net("198.51.100.2/32");
	p.gateways[1].kind = GATEWAY_NET;
	p.gateways[1].net = net("203.0.113.0/24");
	p.gateways[2].kind = GATEWAY_NAME;
	/* A name that was never found locks nobody out. */
	CHECK_INT(paths_nets(&p, &t, nets, &anywhere), 2);
	CHECK(anywhere);
	t.n_addrs = 1;
	t.addrs[0] = at("192.0.2.9", 0).addr;
	CHECK_INT(paths_nets(&p, &t, nets, &anywhere), 3);
	CHECK(!anywhere);
	p.gateways[2].kind = GATEWAY_ANY;
	(void)paths_nets(&p, &t, nets, &anywhere);
	CHECK(anywhere);
}

/* iked gets sockets for names that the settings have, and for no others. */
static void names_of_the_settings_alone(void)
{
	struct msg_dns_want w = { .name = "localhost" };
	const struct msg_dns_sockets *d;
	struct ipc_msg m;

	set_up();
	ask(MSG_DNS_WANT, 7, &w, sizeof(w));
	CHECK(hear(MSG_DNS_SOCKETS, &m));
	CHECK_INT(m.id, 7);
	d = m.body;
	CHECK_INT(d->n_servers + d->n_hosts, 0);
	CHECK_INT(m.n_fds, 0);
	CHECK_STR(d->why, "it is not in the settings any more");
	mon.settings.peers[0].n_gateways = 1;
	mon.settings.peers[0].gateways[0].kind = GATEWAY_NAME;
	strcpy(mon.settings.peers[0].gateways[0].name, "localhost");
	ask(MSG_DNS_WANT, 8, &w, sizeof(w));
	CHECK(hear(MSG_DNS_SOCKETS, &m));
	d = m.body;
	CHECK(d->n_hosts > 0 || d->n_servers > 0 || d->why[0]);
	CHECK_INT(m.n_fds, d->n_servers);
	for (size_t i = 0; i < m.n_fds; i++)
		close(m.fds[i]);
	memset(w.name, 'x', sizeof(w.name));
	ask(MSG_DNS_WANT, 9, &w, sizeof(w));
	CHECK_INT(mon.refused[PROC_IKED], 1);
	tear_down();
}

static void a_packet_that_waits_is_told(void)
{
	struct ipc_msg m;

	set_up();
	tunnel_wanted(&mon, "adit-branch");
	CHECK(hear(MSG_PEER_WANTED, &m));
	CHECK_STR(((const struct msg_name *)m.body)->name, "branch");
	tunnel_wanted(&mon, "adit-nobody");
	CHECK(!hear(MSG_PEER_WANTED, &m));
	tear_down();
}

static void a_disabled_peer_loses_its_interface(void)
{
	const struct fake_state *f = fake_state();
	struct sa_child sa = good_sa(1);

	set_up();
	add(&sa);
	mon.settings.peers[0].enabled = false;
	tunnel_settings(&mon);
	CHECK_INT(f->n_ifaces, 0);
	CHECK_INT(f->n_sas, 0);
	CHECK(!tunnel_get(&mon, "branch"));
	mon.settings.peers[0].enabled = true;
	tunnel_settings(&mon);
	CHECK_INT(f->n_ifaces, 1);
	/* Another name: the old goes before the new comes. */
	strcpy(mon.settings.peers[0].interface, "adit-other");
	tunnel_settings(&mon);
	CHECK_INT(f->n_ifaces, 1);
	CHECK_STR(f->ifaces[0].name, "adit-other");
	tear_down();
}

int main(void)
{
	int fd;

	if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0) {
		printf("skipped: wants root, for a network namespace\n0 passed, 0 failed, 1 skipped\n");
		return 0;
	}
	fd = mkstemp(state_path);
	close(fd);
	unlink(state_path);
	log_sink_set(count_line, NULL);
	T_RUN(adds_and_takes_away);
	T_RUN(refuses_what_is_not_configured);
	T_RUN(sas_are_bounded);
	T_RUN(numbers_are_not_used_twice);
	T_RUN(out_of_phase_is_refused);
	T_RUN(the_dataplane_may_refuse);
	T_RUN(old_sas_flow_until_replaced);
	T_RUN(held_sas_replace_when_used);
	T_RUN(old_sas_end_with_their_life);
	T_RUN(ike_in_the_dataplane_goes_to_iked);
	T_RUN(lost_sas_are_told);
	T_RUN(updates_are_checked);
	T_RUN(addresses_of_a_peer);
	T_RUN(networks_a_peer_may_come_from);
	T_RUN(names_of_the_settings_alone);
	T_RUN(a_packet_that_waits_is_told);
	T_RUN(a_disabled_peer_loses_its_interface);
	unlink(state_path);
	return t_done();
}
