/* rooms: ike/main ike/auth ike/wire core/daemon core/control core/ipc core/crypto core/base */
/* iked between its neighbours: the engine here is a stand-in that records what it is told,
 * aditd and vaultd are the other ends of real links, the client is the real one. */
#include "core/base/clock.h"
#include "core/control/client.h"
#include "core/daemon/backend.h"
#include "ike/main/iked.h"
#include "tests/unit/t.h"

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- the engine's stand-in ---- */

struct engine {
	struct engine_env env;
	struct peer_conf conf;
	struct child_conf child;
	enum peer_state state;
	const char *reason, *last_failure;
	size_t child_sas;
	bool exists, up_called, down_called, dataplane, vault_back, stopped, lost;
	uint32_t added_id, auth_id, moved_id;
	uint16_t moved_port;
	struct engine_can can;
	bool added_ok, auth_ok;
	uint8_t auth[AUTH_MAX];
	size_t auth_len, stats, received;
	uint8_t auth_hint;
	char secret_changed[40], resolved[100], wanted[40];
	struct msg_peer_paths paths;
	uint16_t ike_port, natt_port;
	bool tapped, tapped_keys;
};
static struct engine en;

struct engine *engine_new(const struct engine_env *env, struct timers *ts)
{
	(void)ts;
	memset(&en, 0, sizeof(en));
	en.env = *env;
	en.reason = en.last_failure = "";
	return &en;
}
void engine_free(struct engine *e) { (void)e; }
void engine_receive(struct engine *e, const struct endpoint *l, const struct endpoint *r,
		    const uint8_t *msg, size_t len)
{
	(void)l; (void)r; (void)msg;
	e->received += len;
}
void engine_sa_added(struct engine *e, uint32_t id, bool ok, const char *why)
{
	(void)why;
	e->added_id = id;
	e->added_ok = ok;
}
void engine_sa_event(struct engine *e, uint32_t id, enum sa_event ev)
{
	(void)e; (void)id; (void)ev;
}
void engine_sa_stats(struct engine *e, const struct sa_stats *st) { (void)st; e->stats++; }
void engine_vault_done(struct engine *e, uint32_t id, bool ok, bool none, uint8_t hint,
		       struct slice auth)
{
	(void)none;
	e->auth_hint = hint;
	e->auth_id = id;
	e->auth_ok = ok;
	e->auth_len = auth.len;
	memcpy(e->auth, auth.p, auth.len);
}
void engine_dataplane(struct engine *e, const struct engine_can *can)
{
	e->can = *can;
	e->dataplane = true;
}
void engine_sa_moved(struct engine *e, uint32_t id, const struct endpoint *remote)
{
	e->moved_id = id;
	e->moved_port = remote->port;
}
void engine_dataplane_lost(struct engine *e) { e->lost = true; }
void engine_pki_changed(struct engine *e, const char *name, enum pki_kind kind, bool gone)
{
	(void)e; (void)name; (void)kind; (void)gone;
}
void engine_vault_back(struct engine *e) { e->vault_back = true; }
int engine_peer_set(struct engine *e, const struct peer_conf *c, const struct ip_addr *a,
		    struct err *err)
{
	(void)a; (void)err;
	e->conf = *c;
	e->child = c->children[0];
	e->conf.children = &e->child;
	e->conf.n_children = 1;
	e->exists = true;
	e->state = PEER_DOWN;
	return 0;
}
void engine_peer_remove(struct engine *e, const char *name) { (void)name; e->exists = false; }
int engine_peer_up(struct engine *e, const char *name, struct err *err)
{
	if (!e->exists || strcmp(name, e->conf.name) != 0)
		return err_code(err, EXIT_NO_PEER, "there is no peer \"%s\"", name);
	e->up_called = true;
	if (e->state != PEER_UP) {
		e->state = PEER_CONNECTING;
		e->env.event(e->env.arg, name, ENGINE_TRYING, "try 1");
	}
	return 0;
}
int engine_peer_test(struct engine *e, const char *name, struct err *err)
{
	if (!e->exists || strcmp(name, e->conf.name) != 0)
		return err_code(err, EXIT_NO_PEER, "there is no peer \"%s\"", name);
	e->env.event(e->env.arg, name, ENGINE_TEST_PASSED, "each takes the other's key");
	return 0;
}
size_t engine_failures(const struct engine *e, const char *name,
		       void (*fn)(void *arg, const char *peer,
				  const struct negotiation *failed), void *arg)
{
	if (!e->exists || (name && strcmp(name, e->conf.name) != 0))
		return 0;
	fn(arg, e->conf.name, NULL);
	return 1;
}
size_t engine_strangers(const struct engine *e, struct neg_stranger out[NEG_STRANGERS_MAX])
{
	(void)e;
	(void)out;
	return 0;
}
int engine_tap(struct engine *e, const char *name, bool packets, bool keys, struct err *err)
{
	if (name && (!e->exists || strcmp(name, e->conf.name) != 0))
		return err_code(err, EXIT_NO_PEER, "there is no peer \"%s\"", name);
	e->tapped = packets;
	e->tapped_keys = keys;
	return 0;
}
bool engine_tapped(const struct engine *e, const struct endpoint *local,
		   const struct endpoint *remote, const char **name)
{
	(void)local;
	(void)remote;
	*name = e->conf.name;
	return e->tapped;
}
void engine_unreachable(struct engine *e, const struct endpoint *remote, uint8_t how)
{
	(void)e;
	(void)remote;
	(void)how;
}
int engine_peer_down(struct engine *e, const char *name, struct err *err)
{
	if (!e->exists || strcmp(name, e->conf.name) != 0)
		return err_code(err, EXIT_NO_PEER, "there is no peer \"%s\"", name);
	e->down_called = true;
	return 0;
}
void engine_local_addr(struct engine *e, const char *n, const struct ip_addr *a)
{
	(void)e; (void)n; (void)a;
}
void engine_resolved(struct engine *e, const char *host, const struct ip_addr *v, size_t n,
		     const char *why)
{
	(void)v;
	snprintf(e->resolved, sizeof(e->resolved), "%s: %zu %s", host, n, why);
}
void engine_paths(struct engine *e, const struct msg_peer_paths *m) { e->paths = *m; }
void engine_ports(struct engine *e, uint16_t ike, uint16_t natt)
{
	e->ike_port = ike;
	e->natt_port = natt;
}
void engine_peer_wanted(struct engine *e, const char *name)
{
	snprintf(e->wanted, sizeof(e->wanted), "%s", name);
}
void engine_secret_changed(struct engine *e, const char *name)
{
	snprintf(e->secret_changed, sizeof(e->secret_changed), "%s", name);
}
void engine_stop(struct engine *e, void (*done)(void *arg), void *arg)
{
	e->stopped = true;
	done(arg);
}
size_t engine_status(struct engine *e, const char *name,
		     void (*fn)(void *arg, const struct peer_status *st), void *arg)
{
	struct child_status c = { .name = "branch", .reason = "", .state = CHILD_UP, .n_local = 1,
				  .n_remote = 1, .spi_in = 0x1234, .rx_bytes = 77 };
	struct peer_status st = { .conf = &e->conf, .state = e->state, .reason = e->reason,
				  .last_failure = e->last_failure, .n_children = 1, .children = &c,
				  .weak = WEAK_SHA1, .nat_remote = true };

	if (!e->exists || (name && strcmp(name, e->conf.name) != 0))
		return 0;
	c.local[0] = c.remote[0] = selector_of(&e->child.local_network[0]);
	st.remote.port = 31000;
	CHECK_INT(addr_parse("198.51.100.2", &st.remote.addr, NULL), 0);
	fn(arg, &st);
	return 1;
}
void engine_counts(const struct engine *e, struct engine_counts *out)
{
	memset(out, 0, sizeof(*out));
	out->child_sas = e->child_sas;
}

/* ---- the surroundings ---- */

static struct child child;
static struct iked iked;
static struct ipc *monitor, *vault;
static struct client *client;
static char dir[64];

static struct {
	int replies, progress, peers, gone_peers, logs, packets;
	struct err err;
	struct json_object *data;
	char text[256], state[16];
} seen;

static void on_event(void *arg, const struct client_event *ev)
{
	(void)arg;
	switch (ev->kind) {
	case CLIENT_REPLY:
		seen.replies++;
		seen.err = *ev->err;
		json_object_put(seen.data);
		seen.data = json_object_get(ev->raw);
		break;
	case CLIENT_PROGRESS:
		seen.progress++;
		snprintf(seen.text, sizeof(seen.text), "%s", ev->text);
		break;
	case CLIENT_PEER:
		seen.peers++;
		snprintf(seen.state, sizeof(seen.state), "%s",
			 status_state_name(ev->peer->state));
		break;
	case CLIENT_PEER_GONE:
		seen.gone_peers++;
		break;
	case CLIENT_LOG:
		seen.logs++;
		snprintf(seen.text, sizeof(seen.text), "%s", ev->log->text);
		break;
	case CLIENT_PACKET:
		seen.packets++;
		snprintf(seen.text, sizeof(seen.text), "%s", json_get_str(ev->raw, "data",
			 json_get_str(ev->raw, "sk_ei", "")));
		break;
	case CLIENT_GONE:
		break;
	}
}

static void from_monitor(void *arg, struct ipc_msg *m)
{
	(void)arg;
	iked_on_msg(&iked, m);
}

static void pump(void)
{
	for (int i = 0; i < 10; i++)
		loop_once(child.loop, 0);
	CHECK_INT(client_dispatch(client, NULL), 0);
}

static void tell(uint16_t type, uint32_t id, const void *body, size_t len, int fd)
{
	CHECK_INT(ipc_send(monitor, type, id, body, len, &fd, fd >= 0), 0);
	pump();
}

/* The next message iked sent to aditd; its type, or 0. */
static uint16_t told(struct ipc_msg *m)
{
	struct err e = { 0 };
	int got = ipc_recv_wait(monitor, m, 0, &e);

	CHECK(got >= 0);
	return got ? m->type : 0;
}

static int listener(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/control.sock", dir);
	unlink(sa.sun_path);
	CHECK(bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 && listen(fd, 8) == 0);
	return fd;
}

static void send_peer(void)
{
	static struct msg_peer p;
	static struct msg_child c;
	struct msg_name n = { .name = "branch" };

	memset(&p, 0, sizeof(p));
	memset(&c, 0, sizeof(c));
	strcpy(p.peer.name, "branch");
	p.peer.enabled = true;
	p.peer.version = 2;
	strcpy(c.peer, "branch");
	strcpy(c.child.name, "branch");
	c.child.n_local = c.child.n_remote = 1;
	CHECK_INT(prefix_parse("10.1.0.0/24", &c.child.local_network[0], NULL), 0);
	tell(MSG_PEER_SET, 0, &p, sizeof(p), -1);
	tell(MSG_CHILD_SET, 0, &c, sizeof(c), -1);
	CHECK(!en.exists);
	tell(MSG_PEER_APPLY, 0, &n, sizeof(n), -1);
	CHECK(en.exists);
}

static void start(void)
{
	struct msg_iked_start st = { .version = "9.9" };
	struct msg_iked_sockets so = { .present = SOCK_CONTROL, .natt_port = 5500 };
	struct msg_dataplane dp = { .name = "userspace", .why = "so" };
	struct err e = { 0 };
	int fds[2];

	memset(&seen, 0, sizeof(seen));
	memset(&iked, 0, sizeof(iked));
	child.loop = loop_new(&e);
	CHECK_INT(ipc_pair(fds, &e), 0);
	child.monitor = ipc_new(fds[0], ROLE_IKED, ROLE_MONITOR, &e);
	monitor = ipc_new(fds[1], ROLE_MONITOR, ROLE_IKED, &e);
	CHECK_INT(iked_init(&iked, &child, &e), 0);
	CHECK_INT(ipc_attach(child.monitor, child.loop, from_monitor, NULL, NULL, &e), 0);
	fds[0] = listener();
	CHECK_INT(ipc_send(monitor, MSG_IKED_START, 0, &st, sizeof(st), NULL, 0), 0);
	CHECK_INT(ipc_send(monitor, MSG_IKED_SOCKETS, 0, &so, sizeof(so), fds, 1), 0);
	close(fds[0]);
	client = client_open(dir, &e);
	CHECK(client);
	client_on_event(client, on_event, NULL);
	tell(MSG_DATAPLANE, 0, &dp, sizeof(dp), -1);
	CHECK(en.dataplane);
	send_peer();
}

static void stop(void)
{
	client_close(client);
	iked_fini(&iked);
	ipc_free(child.monitor);
	ipc_free(monitor);
	ipc_free(vault);
	vault = NULL;
	loop_free(child.loop);
	json_object_put(seen.data);
	seen.data = NULL;
	clock_virtual_off();
}

static void ask(const char *cmd, const char *peer)
{
	struct json_object *o = json_object_new_object();

	if (peer)
		json_put_str(o, "peer", peer);
	CHECK(client_start(client, cmd, o, NULL) > 0);
	pump();
}

/* ---- cases ---- */

static void status_waits_for_counters(void)
{
	struct sa_stats st = { .id = 1 };
	struct json_object *p;
	struct ipc_msg m;
	size_t n;

	start();
	/* nothing is up: at once, and nobody is asked */
	ask("status", NULL);
	CHECK_INT(seen.replies, 1);
	CHECK_INT(told(&m), 0);
	en.child_sas = 2;
	en.state = PEER_UP;
	ask("status", "branch");
	ask("status", NULL);
	CHECK_INT(seen.replies, 1);
	CHECK_INT(told(&m), MSG_SA_QUERY);
	CHECK_INT(told(&m), 0);		/* one question serves both */
	tell(MSG_SA_STATS, 0, &st, sizeof(st), -1);
	CHECK_INT(seen.replies, 1);
	tell(MSG_SA_STATS, 0, &st, sizeof(st), -1);
	CHECK_INT(seen.replies, 3);
	CHECK_INT(en.stats, 2);
	CHECK_STR(json_get_str(seen.data, "version", ""), "9.9");
	p = json_object_array_get_idx(json_get_array(seen.data, "peers", &n), 0);
	CHECK_INT(n, 1);
	CHECK_STR(json_get_str(p, "state", ""), "up");
	CHECK_STR(json_get_str(p, "nat", ""), "remote");
	CHECK_STR(json_get_str(p, "remote", ""), "198.51.100.2:31000");
	CHECK_STR(json_object_to_json_string(json_get_array(p, "weak", &n)), "[ \"sha1\" ]");
	p = json_object_array_get_idx(json_get_array(p, "children", &n), 0);
	CHECK_STR(json_get_str(p, "spi_in", ""), "0x00001234");
	CHECK_INT(json_get_u64(p, "rx_bytes", 1000, 0), 77);
	CHECK_HAS(json_object_to_json_string(p), "10.1.0.0\\/24");
	stop();
}

static void status_without_peers(void)
{
	start();
	en.exists = false;
	ask("status", NULL);
	pump();
	CHECK_INT(seen.replies, 1);
	CHECK_INT(seen.err.code, 0);
	stop();
}

static void status_waits_no_longer(void)
{
	struct ipc_msg m;

	start();
	clock_virtual_set(1000);
	en.child_sas = 1;
	ask("status", NULL);
	CHECK_INT(told(&m), MSG_SA_QUERY);
	clock_virtual_set(1000 + CTL_STATS_WAIT_MS - 1);
	pump();
	CHECK_INT(seen.replies, 0);
	clock_virtual_set(1000 + CTL_STATS_WAIT_MS);
	pump();
	CHECK_INT(seen.replies, 1);
	CHECK_INT(seen.err.code, 0);
	ask("status", "nobody");
	clock_virtual_set(1000 + 3 * CTL_STATS_WAIT_MS);
	pump();
	CHECK_INT(seen.replies, 2);
	CHECK_INT(seen.err.code, EXIT_NO_PEER);
	stop();
}

static void up_ends_well(void)
{
	start();
	ask("up", "branch");
	CHECK(en.up_called);
	CHECK_INT(seen.replies, 0);
	CHECK_INT(seen.progress, 1);
	CHECK_STR(seen.text, "try 1");
	en.env.event(en.env.arg, "other", ENGINE_UP, "");
	pump();
	CHECK_INT(seen.replies, 0);
	en.env.event(en.env.arg, "branch", ENGINE_ESTABLISHED, "established");
	en.env.event(en.env.arg, "branch", ENGINE_UP, "");
	pump();
	CHECK_INT(seen.progress, 2);
	CHECK_INT(seen.replies, 1);
	CHECK_INT(seen.err.code, 0);
	/* once up the answer is there at once */
	en.state = PEER_UP;
	ask("up", "branch");
	CHECK_INT(seen.replies, 2);
	ask("up", "nobody");
	CHECK_INT(seen.err.code, EXIT_NO_PEER);
	ask("down", "branch");
	CHECK(en.down_called && seen.err.code == 0);
	ask("down", NULL);
	CHECK_INT(seen.err.code, EXIT_USAGE);
	stop();
}

static void up_ends_badly(void)
{
	start();
	clock_virtual_set(1000);
	ask("up", "branch");
	en.env.event(en.env.arg, "branch", ENGINE_FAILED, "the peer says NO_PROPOSAL_CHOSEN");
	pump();
	CHECK_INT(seen.replies, 1);
	CHECK_INT(seen.err.code, EXIT_FAILED);
	CHECK_HAS(seen.err.msg, "branch: the peer says NO_PROPOSAL_CHOSEN");
	ask("up", "branch");
	en.env.event(en.env.arg, "branch", ENGINE_GAVE_UP, "3 tries failed");
	pump();
	CHECK_INT(seen.replies, 2);
	CHECK_STR(seen.err.msg, "branch: 3 tries failed");
	ask("up", "branch");
	en.reason = "no answer from 198.51.100.2";
	clock_virtual_set(1000 + CTL_UP_WAIT_S * 1000);
	pump();
	CHECK_INT(seen.replies, 3);
	CHECK_INT(seen.err.code, EXIT_TIMEOUT);
	CHECK_HAS(seen.err.msg, "no answer from 198.51.100.2");
	/* a failure of before this request is not what it waits for */
	en.last_failure = en.reason = "wrong PSK";
	CHECK_INT(addr_parse("198.51.100.2", &en.conf.remote_gateway, NULL), 0);
	ask("up", "branch");
	clock_virtual_set(1000 + 2 * CTL_UP_WAIT_S * 1000);
	pump();
	CHECK_HAS(seen.err.msg, "198.51.100.2 does not answer yet");
	stop();
}

static void reload_and_restart(void)
{
	struct msg_result res = { .code = EXIT_SETTINGS, .text = "adit.conf:3:1: unknown key" };
	struct ipc_msg m;
	uint32_t id;

	start();
	ask("reload", NULL);
	CHECK_INT(told(&m), MSG_RELOAD);
	id = m.id;
	CHECK(id != 0);
	tell(MSG_SETTINGS_DONE, 0, &res, sizeof(res), -1);	/* somebody's SIGHUP */
	CHECK_INT(seen.replies, 0);
	tell(MSG_SETTINGS_DONE, id, &res, sizeof(res), -1);
	CHECK_INT(seen.replies, 1);
	CHECK_INT(seen.err.code, EXIT_SETTINGS);
	CHECK_STR(seen.err.msg, "adit.conf:3:1: unknown key");
	ask("reload", NULL);
	CHECK_INT(told(&m), MSG_RELOAD);
	CHECK(m.id != id);
	res = (struct msg_result){ .text = "1 peer changed" };
	tell(MSG_SETTINGS_DONE, m.id, &res, sizeof(res), -1);
	CHECK_INT(seen.err.code, 0);
	CHECK_STR(json_get_str(seen.data, "text", ""), "1 peer changed");
	ask("restart", NULL);
	CHECK_INT(seen.replies, 3);
	CHECK_INT(told(&m), MSG_RESTART);
	ask("log_level", NULL);
	CHECK_INT(seen.err.code, EXIT_USAGE);
	tell(MSG_STOP, 0, NULL, 0, -1);
	CHECK_INT(told(&m), MSG_STOPPED);
	stop();
}

static void log_and_events(void)
{
	struct log_line l = { .level = LL_INFO, .peer = "branch", .text = "one" };
	struct msg_name n = { .name = "branch" };
	struct json_object *o = json_object_new_object();
	size_t lines;

	start();
	tell(MSG_LOG_LINE, 0, &l, sizeof(l), -1);
	json_put_bool(o, "follow", true);
	CHECK(client_start(client, "log", o, NULL) > 0);
	pump();
	CHECK(json_get_array(seen.data, "lines", &lines) && lines == 1);
	strcpy(l.text, "two");
	tell(MSG_LOG_LINE, 0, &l, sizeof(l), -1);
	CHECK_INT(seen.logs, 1);
	CHECK_STR(seen.text, "two");
	ask("subscribe", NULL);
	en.state = PEER_UP;
	en.env.event(en.env.arg, "branch", ENGINE_UP, "");
	en.env.event(en.env.arg, "branch", ENGINE_CHILD_UP, "");
	pump();
	CHECK_INT(seen.peers, 1);	/* two at once are one */
	CHECK_STR(seen.state, "up");
	tell(MSG_PEER_REMOVE, 0, &n, sizeof(n), -1);
	CHECK_INT(seen.gone_peers, 1);
	send_peer();
	CHECK_INT(seen.peers, 2);
	tell(MSG_SECRET_CHANGED, 0, &n, sizeof(n), -1);
	CHECK_STR(en.secret_changed, "branch");
	stop();
}

/* What failed, beside the status; a peer that there is not. */
static void explains(void)
{
	struct json_object *a = json_object_new_object(), *list;
	size_t n;

	start();
	json_put_str(a, "peer", "branch");
	CHECK(client_start(client, "explain", a, NULL));
	pump();
	CHECK_INT(seen.err.code, EXIT_DONE);
	list = json_get_array(seen.data, "peers", &n);
	CHECK_INT(n, 1);
	CHECK_STR(json_get_str(json_object_array_get_idx(list, 0), "peer", ""), "branch");
	CHECK(!json_get_object(json_object_array_get_idx(list, 0), "failed"));
	CHECK(json_get_array(seen.data, "status", &n) && n == 1);
	CHECK(json_get_array(seen.data, "strangers", &n) && n == 0);
	a = json_object_new_object();
	json_put_str(a, "peer", "nobody");
	CHECK(client_start(client, "explain", a, NULL));
	pump();
	CHECK_INT(seen.err.code, EXIT_NO_PEER);
	stop();
}

static void capture(bool keys)
{
	struct json_object *a = json_object_new_object();

	json_put_str(a, "peer", "branch");
	json_put_bool(a, "keys", keys);
	CHECK(client_start(client, "capture", a, NULL));
	pump();
	CHECK_INT(seen.err.code, EXIT_DONE);
	CHECK(en.tapped && en.tapped_keys == keys);
}

/* An encrypted one as it is on the wire, the same from inside, and keys. */
static void three(void)
{
	static const uint8_t sealed[28] = { [17] = 0x20, [18] = 35 };
	struct endpoint ep = { .addr = addr_v4(0x0a000001), .port = 500 };
	struct tap_packet p = { .peer = "branch", .local = &ep, .remote = &ep,
				.msg = { sealed, sizeof(sealed) } };
	struct tap_keys k = { .peer = "branch", .ei = { (const uint8_t *)"\xab\xcd", 2 } };

	ctl_on_packet(iked.ctl, &p, false);
	en.env.tap(en.env.arg, &p);
	en.env.tap_keys(en.env.arg, &k);
	pump();
}

static void captures(void)
{
	start();
	three();
	CHECK_INT(seen.packets, 0);
	capture(false);
	three();
	CHECK_INT(seen.packets, 1);	/* the one from inside, and no key */
	CHECK_HAS(seen.text, "0000000000000000000000000000000000202300");
	stop();
}

static void captures_with_keys(void)
{
	start();
	capture(true);
	three();
	CHECK_INT(seen.packets, 3);
	CHECK_STR(seen.text, "abcd");
	stop();
	en.tapped = en.tapped_keys = false;
}

static void dataplane_requests(void)
{
	struct sa_child sa = { .id = 5, .spi_in = 256 };
	struct msg_result res = { 0 };
	struct endpoint ep = { .port = 500 };
	struct msg_sa_update moved = { .sa_id = 5 };
	struct msg_dataplane dp = { .name = "kernel", .encap = BACKEND_ENCAP_RATHER, .ah = true,
				    .ipcomp = true };
	struct ipc_msg m;

	start();
	en.env.sa_add(en.env.arg, &sa);
	CHECK_INT(told(&m), MSG_SA_ADD);
	CHECK_INT(m.id, 5);
	tell(MSG_SA_ADDED, 5, &res, sizeof(res), -1);
	CHECK_INT(en.added_id, 5);
	CHECK(en.added_ok);
	res.code = EXIT_FAILED;
	tell(MSG_SA_ADDED, 6, &res, sizeof(res), -1);
	CHECK(!en.added_ok);
	en.env.sa_activate(en.env.arg, 5);
	CHECK_INT(told(&m), MSG_SA_ACTIVATE);
	en.env.sa_update(en.env.arg, 5, &ep, &ep);
	CHECK_INT(told(&m), MSG_SA_UPDATE);
	en.env.sa_del(en.env.arg, 5, 700);
	CHECK_INT(told(&m), MSG_SA_DEL);
	CHECK_INT(((const struct msg_sa_ref *)m.body)->linger_ms, 700);
	en.env.sa_query(en.env.arg, 5);
	CHECK_INT(told(&m), MSG_SA_QUERY);
	en.env.peer_up(en.env.arg, "branch", &ep);
	CHECK_INT(told(&m), MSG_PEER_UP);
	CHECK_STR(((const struct msg_peer_state *)m.body)->peer, "branch");
	en.env.peer_down(en.env.arg, "branch", &ep);
	CHECK_INT(told(&m), MSG_PEER_DOWN);
	tell(MSG_DATAPLANE_LOST, 0, NULL, 0, -1);
	CHECK(en.lost);
	moved.remote.port = 31001;
	tell(MSG_SA_MOVED, 0, &moved, sizeof(moved), -1);
	CHECK_INT(en.moved_id, 5);
	CHECK_INT(en.moved_port, 31001);
	tell(MSG_DATAPLANE, 0, &dp, sizeof(dp), -1);
	CHECK(en.can.encap == CAN_ENCAP_RATHER && en.can.ah && en.can.ipcomp && !en.can.esn &&
	      !en.can.transport);
	stop();
}

/* The dataplane's socket had it: it is an IKE message like any other. */
static void datagrams_of_the_dataplane(void)
{
	struct msg_iked_sockets so = { .present = SOCK_IKE4500_V4 };
	static struct msg_ike_datagram d;
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr = { htonl(0x7f000001) } };
	socklen_t sin_len = sizeof(sin);
	size_t head = offsetof(struct msg_ike_datagram, bytes);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	start();
	CHECK(bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)&sin, &sin_len) == 0);
	so.natt_port = ntohs(sin.sin_port);
	d.local = (struct endpoint){ addr_v4(0x7f000001), so.natt_port };
	d.remote = (struct endpoint){ addr_v4(0xc0000207), 31000 };
	d.len = 40;
	d.bytes[4 + 17] = 0x20;
	d.bytes[4 + 18] = 34;	/* IKE_SA_INIT: not encrypted */
	tell(MSG_IKE_DATAGRAM, 0, &d, head + 40, -1);	/* no socket, so it cannot have come */
	CHECK_INT(en.received, 0);
	tell(MSG_IKED_SOCKETS, 0, &so, sizeof(so), fd);
	tell(MSG_IKE_DATAGRAM, 0, &d, head + 40, -1);
	CHECK_INT(en.received, 36);
	tell(MSG_IKE_DATAGRAM, 0, &d, head + 39, -1);
	CHECK_INT(en.received, 36);
	capture(false);
	tell(MSG_IKE_DATAGRAM, 0, &d, head + 40, -1);
	CHECK_INT(en.received, 72);
	CHECK_INT(seen.packets, 1);
	close(fd);
	stop();
	en.tapped = false;
}

/* Two who ask, one question to aditd, an answer for each. */
static void counters(void)
{
	struct msg_counters c;
	struct ipc_msg m;
	const char *text;

	start();
	CHECK(client_start(client, "counters", NULL, NULL));
	CHECK(client_start(client, "counters", NULL, NULL));
	pump();
	CHECK_INT(told(&m), MSG_COUNTERS_QUERY);
	CHECK_INT(told(&m), 0);
	for (int i = 0; i < COUNTERS_N; i++)
		c.v[i] = COUNTER_ABSENT;
	c.v[COUNTER_IN_NO_STATES] = 7;
	c.v[COUNTER_OUT_STATE_MODE_ERROR] = 0;
	seen.replies = 0;
	tell(MSG_COUNTERS, 0, &c, sizeof(c), -1);
	CHECK_INT(seen.replies, 2);
	text = json_object_to_json_string_ext(seen.data, JSON_C_TO_STRING_PLAIN);
	CHECK_HAS(text, "{\"name\":\"XfrmInNoStates\",\"value\":7,\"meaning\":\"");
	CHECK_HAS(text, "\"XfrmOutStateModeError\",\"value\":0,");
	CHECK(!strstr(text, "XfrmInError"));
	/* Nobody waits any more. */
	tell(MSG_COUNTERS, 0, &c, sizeof(c), -1);
	CHECK_INT(seen.replies, 2);
	stop();
}

/* A gateway with a name: aditd's sockets are asked for, and what comes of it is told. */
static void names_and_ways(void)
{
	struct msg_dns_sockets none = { .why = "no name server is known" };
	struct msg_peer_addrs a = { .peer = "branch", .n = 1 };
	struct msg_peer_paths p = { .peer = "branch", .n = 1 };
	struct msg_name n = { .name = "branch" };
	static struct msg_peer set;
	static struct msg_child c;
	struct ipc_msg m;

	start();
	CHECK_INT(en.natt_port, 5500);
	memset(&set, 0, sizeof(set));
	memset(&c, 0, sizeof(c));
	strcpy(set.peer.name, "branch");
	set.peer.enabled = true;
	set.peer.n_gateways = 1;
	set.peer.gateways[0].kind = GATEWAY_NAME;
	strcpy(set.peer.gateways[0].name, "vpn.example.net");
	strcpy(c.peer, "branch");
	strcpy(c.child.name, "branch");
	tell(MSG_PEER_SET, 0, &set, sizeof(set), -1);
	tell(MSG_CHILD_SET, 0, &c, sizeof(c), -1);
	tell(MSG_PEER_APPLY, 0, &n, sizeof(n), -1);
	CHECK_INT(told(&m), MSG_DNS_WANT);
	CHECK_STR(((const struct msg_dns_want *)m.body)->name, "vpn.example.net");
	tell(MSG_DNS_SOCKETS, m.id, &none, sizeof(none), -1);
	CHECK_STR(en.resolved, "vpn.example.net: 0 no name server is known");
	en.env.addrs(en.env.arg, &a);
	CHECK_INT(told(&m), MSG_PEER_ADDRS);
	tell(MSG_PEER_PATHS, 0, &p, sizeof(p), -1);
	CHECK_STR(en.paths.peer, "branch");
	tell(MSG_PEER_WANTED, 0, &n, sizeof(n), -1);
	CHECK_STR(en.wanted, "branch");
	/* A name nobody needs any more is not asked for again. */
	tell(MSG_PEER_REMOVE, 0, &n, sizeof(n), -1);
	en.env.resolve(en.env.arg, "vpn.example.net");
	pump();
	CHECK_INT(told(&m), 0);
	stop();
}

static void link_vault(void)
{
	struct err e = { 0 };
	int fds[2];

	CHECK_INT(ipc_pair(fds, &e), 0);
	ipc_free(vault);
	vault = ipc_new(fds[0], ROLE_VAULTD, ROLE_IKED, &e);
	en.vault_back = false;
	tell(MSG_VAULT_LINK, 0, NULL, 0, fds[1]);
	close(fds[1]);
	CHECK(en.vault_back);
}

static void vault_requests(void)
{
	static const uint8_t octets[3] = { 1, 2, 3 };
	struct vault_query q = { .peer = "branch", .kind = VAULT_SKEYID, .scheme = 7, .prf = 5,
				 .octets = { octets, 3 } };
	struct msg_auth_done done = { .ok = 1, .hint = PSK_HINT_CR, .auth_len = 2, .auth = { 7, 8 } };
	const struct msg_auth *a;
	struct ipc_msg m;
	struct err e = { 0 };

	start();
	/* no vault yet: nothing happens, the engine asks again later */
	en.env.vault_sign(en.env.arg, 1, &q);
	link_vault();
	en.env.vault_sign(en.env.arg, 2, &q);
	q.auth = q.octets;
	q.kind = VAULT_PSK;
	en.env.vault_verify(en.env.arg, 3, &q);
	CHECK_INT(ipc_recv_wait(vault, &m, 0, &e), 1);
	CHECK_INT(m.type, MSG_AUTH_SIGN);
	CHECK_INT(m.id, 2);
	a = m.body;
	CHECK_INT(a->octets_len, 3);
	CHECK_MEM(a->octets, octets, 3);
	CHECK_STR(a->peer, "branch");
	CHECK_INT(a->kind, VAULT_SKEYID);
	CHECK_INT(a->scheme, 7);
	CHECK_INT(a->prf, 5);
	CHECK_INT(ipc_recv_wait(vault, &m, 0, &e), 1);
	CHECK_INT(m.type, MSG_AUTH_VERIFY);
	CHECK_INT(((const struct msg_auth *)m.body)->auth_len, 3);
	CHECK_INT(ipc_send(vault, MSG_AUTH_DONE, 2, &done, sizeof(done), NULL, 0), 0);
	pump();
	CHECK_INT(en.auth_id, 2);
	CHECK_INT(en.auth_len, 2);
	CHECK_INT(en.auth_hint, PSK_HINT_CR);
	done.auth_len = AUTH_MAX + 1;	/* a vault out of its mind */
	CHECK_INT(ipc_send(vault, MSG_AUTH_DONE, 3, &done, sizeof(done), NULL, 0), 0);
	pump();
	CHECK_INT(en.auth_id, 3);
	CHECK_INT(en.auth_len, 0);
	/* it dies, comes back, and the engine hears of it */
	ipc_free(vault);
	vault = NULL;
	pump();
	CHECK(!iked.vault);
	en.env.vault_sign(en.env.arg, 4, &q);
	link_vault();
	en.env.vault_sign(en.env.arg, 4, &q);
	CHECK_INT(ipc_recv_wait(vault, &m, 0, &e), 1);
	CHECK_INT(m.id, 4);
	CHECK_INT(ipc_recv_wait(vault, &m, 0, &e), 0);
	stop();
}

int main(void)
{
	if (getuid() != 0) {
		/* the commands that change something are for root alone */
		printf("skip all: wants root\n0 passed, 0 failed, 8 skipped\n");
		return 0;
	}
	strcpy(dir, "/tmp/adit-iked-XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	T_RUN(status_waits_for_counters);
	T_RUN(status_without_peers);
	T_RUN(status_waits_no_longer);
	T_RUN(up_ends_well);
	T_RUN(up_ends_badly);
	T_RUN(reload_and_restart);
	T_RUN(log_and_events);
	T_RUN(explains);
	T_RUN(captures);
	T_RUN(captures_with_keys);
	T_RUN(dataplane_requests);
	T_RUN(datagrams_of_the_dataplane);
	T_RUN(counters);
	T_RUN(names_and_ways);
	T_RUN(vault_requests);
	snprintf(seen.text, sizeof(seen.text), "%s/control.sock", dir);
	unlink(seen.text);
	rmdir(dir);
	return t_done();
}
