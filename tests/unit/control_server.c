/* rooms: core/control core/crypto core/base */
/* Both ends of the control socket: what a client may, how many, how slow, and the calls that
 * the command line uses. The raw cases run the server's loop in this process, on a virtual
 * clock; the client cases talk to one in a process of its own. */
#include "core/base/clock.h"
#include "core/control/client.h"
#include "core/control/server.h"
#include "tests/unit/t.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

static char dir[64];
static struct loop *loop;
static struct server *server;
static struct server_req *held[64];
static size_t n_held;
static size_t big_len;

/* ---- commands ---- */

static void cmd_ping(void *arg, struct server_req *r)
{
	struct json_object *d = json_object_new_object();

	(void)arg;
	json_put_str(d, "version", "1.2.3");
	server_done(r, d);
}

static void cmd_hold(void *arg, struct server_req *r)
{
	(void)arg;
	held[n_held++] = r;
}

static void cmd_change(void *arg, struct server_req *r)
{
	(void)arg;
	server_done(r, NULL);
}

static void cmd_big(void *arg, struct server_req *r)
{
	struct json_object *d = json_object_new_object();
	char *text = malloc(big_len + 1);

	(void)arg;
	memset(text, 'x', big_len);
	text[big_len] = '\0';
	json_put_str(d, "text", text);
	free(text);
	server_done(r, d);
}

static void cmd_subscribe(void *arg, struct server_req *r)
{
	(void)arg;
	server_subscribe(r, SERVER_TOPIC_PEER, "");
	server_done(r, NULL);
}

static void cmd_log(void *arg, struct server_req *r)
{
	struct log_line l = { .level = LL_INFO, .seq = 1, .wall_s = 5 };
	struct json_object *d = json_object_new_object(), *a = json_put_array(d, "lines");

	(void)arg;
	strcpy(l.text, "started");
	json_object_array_add(a, proto_log_to_json(&l));
	if (json_get_bool(server_request(r)->args, "follow", false))
		server_subscribe(r, SERVER_TOPIC_LOG, server_request(r)->peer);
	server_done(r, d);
	/* and two lines that come later, of which only one may be wanted */
	for (int i = 0; i < 2; i++) {
		struct json_object *ev = proto_event("log");

		strcpy(l.peer, i ? "branch" : "other");
		strcpy(l.text, "later");
		json_put(ev, "line", proto_log_to_json(&l));
		server_event(server, SERVER_TOPIC_LOG, l.peer, ev);
	}
}

static void cmd_up(void *arg, struct server_req *r)
{
	const char *peer = server_request(r)->peer;

	(void)arg;
	server_progress(r, peer, "try 1");
	if (strcmp(peer, "good") == 0)
		server_done(r, NULL);
	else
		server_fail(r, EXIT_FAILED, "%s: the peer refuses", peer);
}

static void cmd_status(void *arg, struct server_req *r)
{
	struct status *s = status_new(1);

	(void)arg;
	s->running = true;
	strcpy(s->peers[0].name, "branch");
	server_done(r, status_to_json(s));
	status_free(s);
}

static void cmd_counters(void *arg, struct server_req *r)
{
	static const char text[] = "{\"dataplane\":\"kernel\",\"counters\":[{\"name\":\"XfrmX\","
		"\"value\":18446744073709551614,\"meaning\":\"m\",\"look\":\"l\"},7,{}]}";
	struct json_object *o = NULL;

	(void)arg;
	CHECK_INT(json_parse_line(text, sizeof(text) - 1, &o, NULL), 0);
	server_done(r, o);
}

static const struct server_cmd cmds[] = {
	{ .name = "ping", .fn = cmd_ping },
	{ .name = "hold", .fn = cmd_hold },
	{ .name = "change", .changes = true, .fn = cmd_change },
	{ .name = "big", .fn = cmd_big },
	{ .name = "subscribe", .fn = cmd_subscribe },
	{ .name = "log", .fn = cmd_log },
	{ .name = "up", .wants_peer = true, .fn = cmd_up },
	{ .name = "status", .fn = cmd_status },
	{ .name = "counters", .fn = cmd_counters },
	{ 0 },
};

/* ---- the raw side ---- */

static const char *socket_path(void)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/control.sock", dir);
	return path;
}

static int listener(mode_t mode)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	unlink(socket_path());
	strcpy(sa.sun_path, socket_path());
	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0);
	CHECK(chmod(sa.sun_path, mode) == 0 && listen(fd, 128) == 0);
	return fd;
}

static void start(void)
{
	struct err e = { 0 };

	n_held = 0;
	loop = loop_new(&e);
	CHECK(loop);
	server = server_new(loop, listener(0666), cmds, NULL, &e);
	CHECK(server);
}

static void stop(void)
{
	server_free(server);
	for (size_t i = 0; i < n_held; i++)
		server_done(held[i], NULL);
	loop_free(loop);
	clock_virtual_off();
}

static int dial(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	strcpy(sa.sun_path, socket_path());
	CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0);
	return fd;
}

static void turn(int times)
{
	while (times--)
		loop_once(loop, 0);
}

static void say(int fd, const char *text)
{
	CHECK_INT(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	turn(8);
}

/* What is there to read; "" nothing, "(closed)" at the end. */
static const char *hear(int fd)
{
	static char buf[65536];
	ssize_t n = recv(fd, buf, sizeof(buf) - 1, 0);

	if (n < 0 && errno == EAGAIN)
		return "";
	if (n <= 0)
		return "(closed)";
	buf[n] = '\0';
	return buf;
}

static size_t count(const char *s, const char *part)
{
	size_t n = 0;

	for (; (s = strstr(s, part)); s += strlen(part))
		n++;
	return n;
}

static void many_on_one_connection(void)
{
	int fd;

	start();
	fd = dial();
	say(fd, "{\"v\":1,\"id\":1,\"cmd\":\"ping\"}\n");
	CHECK_STR(hear(fd), "{\"v\":1,\"id\":1,\"ok\":true,\"data\":{\"version\":\"1.2.3\"}}\n");
	/* in pieces, and several at once, with empty lines between */
	say(fd, "{\"v\":1,\"id\":2,");
	CHECK_STR(hear(fd), "");
	say(fd, "\"cmd\":\"ping\"}\n\n\n{\"v\":1,\"id\":3,\"cmd\":\"ping\"}\n{\"v\":1,");
	CHECK_INT(count(hear(fd), "\"ok\":true"), 2);
	say(fd, "\"id\":4,\"cmd\":\"nonsense\"}\nrubbish\n{\"v\":1,\"id\":5,\"cmd\":\"up\"}\n");
	CHECK_STR(hear(fd),
		  "{\"v\":1,\"id\":4,\"ok\":false,\"code\":2,\"error\":\"unknown command \\\"nonsense\\\"\"}\n"
		  "{\"v\":1,\"id\":0,\"ok\":false,\"code\":2,\"error\":\"not JSON: unexpected character at byte 1\"}\n"
		  "{\"v\":1,\"id\":5,\"ok\":false,\"code\":2,\"error\":\"\\\"up\\\" wants a \\\"peer\\\"\"}\n");
	CHECK_INT(server_counts(server)->bad_lines, 1);
	/* its writing half closed, it still gets its answers, then the end */
	CHECK_INT(send(fd, "{\"v\":1,\"id\":6,\"cmd\":\"ping\"}\n", 28, 0), 28);
	shutdown(fd, SHUT_WR);
	turn(8);
	CHECK_HAS(hear(fd), "\"id\":6,\"ok\":true");
	CHECK_STR(hear(fd), "(closed)");
	CHECK_INT(server_counts(server)->clients, 0);
	close(fd);
	stop();
}

static void under_way_is_capped(void)
{
	char line[64];
	int fd;

	start();
	fd = dial();
	for (int i = 1; i <= 20; i++) {
		snprintf(line, sizeof(line), "{\"v\":1,\"id\":%d,\"cmd\":\"hold\"}\n", i);
		say(fd, line);
	}
	CHECK_INT(n_held, SERVER_REQUESTS_MAX);
	/* as each ends the next is taken up, in order, until all are answered */
	for (size_t i = 0; i < 20; i++) {
		CHECK(n_held > i);
		CHECK_INT(server_request(held[i])->id, i + 1);
		CHECK(server_alive(held[i]));
		server_done(held[i], NULL);
		held[i] = NULL;
		turn(4);
	}
	CHECK_INT(n_held, 20);
	CHECK_INT(count(hear(fd), "\"ok\":true"), 20);
	n_held = 0;
	close(fd);
	stop();
}

static void gone_while_waiting(void)
{
	int fd;

	start();
	fd = dial();
	say(fd, "{\"v\":1,\"id\":1,\"cmd\":\"hold\"}\n{\"v\":1,\"id\":2,\"cmd\":\"hold\"}\n");
	CHECK_INT(n_held, 2);
	close(fd);
	turn(8);
	CHECK_INT(server_counts(server)->clients, 0);
	CHECK(!server_alive(held[0]));
	server_progress(held[0], "p", "still");
	server_subscribe(held[0], SERVER_TOPIC_PEER, "");
	server_done(held[0], json_object_new_object());
	server_fail(held[1], EXIT_FAILED, "too late");
	n_held = 0;
	/* and the other way: the server goes first */
	fd = dial();
	say(fd, "{\"v\":1,\"id\":1,\"cmd\":\"hold\"}\n");
	CHECK_INT(n_held, 1);
	stop();
	CHECK_STR(hear(fd), "(closed)");
	close(fd);
}

static void long_lines_end_it(void)
{
	char junk[PROTO_REQUEST_MAX + 1];
	int fd;

	start();
	fd = dial();
	memset(junk, ' ', sizeof(junk));
	junk[sizeof(junk) - 1] = '\0';
	/* one byte less than too long is fine */
	strcpy(junk + PROTO_REQUEST_MAX - 29, "{\"v\":1,\"id\":1,\"cmd\":\"ping\"}\n");
	say(fd, junk);
	CHECK_HAS(hear(fd), "\"ok\":true");
	close(fd);
	turn(4);
	fd = dial();
	memset(junk, 'x', sizeof(junk) - 1);
	say(fd, junk);
	CHECK_HAS(hear(fd), "at most 4096 bytes");
	CHECK_STR(hear(fd), "(closed)");
	close(fd);
	stop();
}

static void clients_are_capped(void)
{
	int fds[40], refused = 0;

	if (getuid() != 0)
		SKIP("wants root");
	start();
	for (int i = 0; i < 40; i++) {
		fds[i] = dial();
		turn(4);
	}
	for (int i = 0; i < 40; i++)
		refused += strstr(hear(fds[i]), "too many") != NULL;
	CHECK_INT(refused, 40 - SERVER_CLIENTS_MAX);
	CHECK_INT(server_counts(server)->clients, SERVER_CLIENTS_MAX);
	for (int i = 0; i < 40; i++)
		close(fds[i]);
	turn(8);
	CHECK_INT(server_counts(server)->clients, 0);
	stop();
}

/* Connections made by another user: the credentials are those of connect(). */
static void dial_as_nobody(int *fds, size_t n)
{
	CHECK(seteuid(NOBODY) == 0);
	for (size_t i = 0; i < n; i++)
		fds[i] = dial();
	CHECK(seteuid(0) == 0);
}

static void only_root_changes(void)
{
	int fds[1], fd;

	if (getuid() != 0)
		SKIP("wants root");
	start();
	dial_as_nobody(fds, 1);
	say(fds[0], "{\"v\":1,\"id\":1,\"cmd\":\"ping\"}\n");
	CHECK_HAS(hear(fds[0]), "\"ok\":true");
	say(fds[0], "{\"v\":1,\"id\":2,\"cmd\":\"change\"}\n");
	CHECK_HAS(hear(fds[0]), "\"id\":2,\"ok\":false,\"code\":6");
	CHECK_INT(server_counts(server)->refused_cmds, 1);
	fd = dial();
	say(fd, "{\"v\":1,\"id\":3,\"cmd\":\"change\"}\n");
	CHECK_HAS(hear(fd), "\"id\":3,\"ok\":true");
	close(fd);
	close(fds[0]);
	stop();
}

static void root_has_a_place_left(void)
{
	int fds[SERVER_CLIENTS_MAX], refused = 0, fd;

	if (getuid() != 0)
		SKIP("wants root");
	start();
	dial_as_nobody(fds, SERVER_CLIENTS_MAX);
	turn(16);
	for (int i = 0; i < SERVER_CLIENTS_MAX; i++)
		refused += strstr(hear(fds[i]), "too many") != NULL;
	CHECK_INT(refused, SERVER_CLIENTS_ROOT);
	fd = dial();
	say(fd, "{\"v\":1,\"id\":3,\"cmd\":\"change\"}\n");
	CHECK_HAS(hear(fd), "\"id\":3,\"ok\":true");
	close(fd);
	for (int i = 0; i < SERVER_CLIENTS_MAX; i++)
		close(fds[i]);
	stop();
}

static void slow_readers_are_dropped(void)
{
	int fd, ok;
	uint64_t events = 0;

	start();
	clock_virtual_set(1000);
	fd = dial();
	ok = dial();
	say(fd, "{\"v\":1,\"id\":1,\"cmd\":\"subscribe\"}\n");
	say(ok, "{\"v\":1,\"id\":1,\"cmd\":\"subscribe\"}\n");
	hear(ok);
	CHECK(server_wanted(server, SERVER_TOPIC_PEER));
	CHECK(!server_wanted(server, SERVER_TOPIC_LOG));
	while (server_counts(server)->dropped_slow == 0 && events < 100000) {
		struct json_object *ev = proto_event("peer");

		json_put_str(ev, "text", "some words that make the event longer");
		server_event(server, SERVER_TOPIC_PEER, "", ev);
		turn(1);
		CHECK_HAS(hear(ok), "some words");
		events++;
	}
	CHECK_INT(server_counts(server)->dropped_slow, 1);
	CHECK_INT(server_counts(server)->clients, 1);
	/* it was dropped at the bound: what it holds unread is the bound and a socket's buffer */
	CHECK(events * 80 < 4u * SERVER_EVENT_QUEUE_MAX + (1u << 20));
	close(fd);
	close(ok);
	stop();
}

static void stalled_answers_time_out(void)
{
	int fd;

	start();
	clock_virtual_set(1000);
	big_len = 4u << 20;
	fd = dial();
	say(fd, "{\"v\":1,\"id\":1,\"cmd\":\"big\"}\n{\"v\":1,\"id\":2,\"cmd\":\"big\"}\n");
	CHECK_INT(server_counts(server)->clients, 1);
	clock_virtual_set(1000 + SERVER_STALL_MS - 1);
	turn(4);
	CHECK_INT(server_counts(server)->clients, 1);
	for (int i = 0; i < 8; i++)
		hear(fd);	/* it reads a little: that counts */
	turn(4);
	clock_virtual_set(1000 + SERVER_STALL_MS + 1);
	turn(4);
	CHECK_INT(server_counts(server)->clients, 1);
	clock_virtual_set(1000 + 3 * SERVER_STALL_MS);
	turn(4);
	CHECK_INT(server_counts(server)->clients, 0);
	CHECK_INT(server_counts(server)->dropped_slow, 1);
	close(fd);
	stop();
}

static void idle_clients_are_dropped(void)
{
	int idle, sub, busy;

	start();
	clock_virtual_set(1000);
	idle = dial();
	sub = dial();
	busy = dial();
	turn(4);
	say(sub, "{\"v\":1,\"id\":1,\"cmd\":\"subscribe\"}\n");
	say(busy, "{\"v\":1,\"id\":1,\"cmd\":\"hold\"}\n");
	say(idle, "{\"v\":1,\"id\":1,\"cmd\":\"ping\"}\n");
	CHECK_INT(server_counts(server)->clients, 3);
	clock_virtual_set(1000 + SERVER_IDLE_MS + 1);
	turn(4);
	CHECK_INT(server_counts(server)->clients, 2);
	CHECK_INT(server_counts(server)->dropped_idle, 1);
	hear(idle);
	CHECK_STR(hear(idle), "(closed)");
	/* once its request ended it has as long again */
	server_done(held[0], NULL);
	n_held = 0;
	clock_virtual_set(1000 + 2 * SERVER_IDLE_MS);
	turn(4);
	CHECK_INT(server_counts(server)->clients, 2);
	clock_virtual_set(1000 + 2 * SERVER_IDLE_MS + 2);
	turn(4);
	CHECK_INT(server_counts(server)->clients, 1);
	close(idle);
	close(sub);
	close(busy);
	stop();
}

/* ---- the client's side ---- */

static pid_t serve(mode_t mode)
{
	struct err e = { 0 };
	int fd = listener(mode);
	pid_t pid = fork();

	if (pid == 0) {
		alarm(60);
		loop = loop_new(&e);
		server = loop ? server_new(loop, fd, cmds, NULL, &e) : NULL;
		if (!server)
			_exit(1);
		loop_run(loop);
		_exit(0);
	}
	close(fd);
	CHECK(pid > 0);
	return pid;
}

static void unserve(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

struct seen {
	int progress, logs, gone, replies;
	uint32_t reply_id;
	struct err reply;
	char text[256];
};

static void on_event(void *arg, const struct client_event *ev)
{
	struct seen *s = arg;

	switch (ev->kind) {
	case CLIENT_PROGRESS:
		s->progress++;
		snprintf(s->text, sizeof(s->text), "%s: %s", ev->name, ev->text);
		break;
	case CLIENT_LOG:
		s->logs++;
		snprintf(s->text, sizeof(s->text), "%s: %s", ev->log->peer, ev->log->text);
		break;
	case CLIENT_REPLY:
		s->replies++;
		s->reply_id = ev->id;
		s->reply = *ev->err;
		break;
	case CLIENT_GONE:
		s->gone++;
		break;
	case CLIENT_PEER:
	case CLIENT_PEER_GONE:
	case CLIENT_PACKET:
		break;
	}
}

static void nobody_listens(void)
{
	struct err e = { 0 };

	unlink(socket_path());
	CHECK(!client_open(dir, &e));
	CHECK_INT(e.code, EXIT_NOT_RUNNING);
	CHECK_HAS(e.msg, "adit is not running");
	close(listener(0666));		/* a socket left behind */
	CHECK(!client_open(dir, &e));
	CHECK_INT(e.code, EXIT_NOT_RUNNING);
	CHECK(!client_open("/nonexistent/run", &e));
	CHECK_INT(e.code, EXIT_NOT_RUNNING);
	CHECK_INT(client_wait_running(dir, 100, &e), -1);
	CHECK_INT(e.code, EXIT_NOT_RUNNING);
	memset(&e, 0, sizeof(e));
	CHECK(!client_open("/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", &e));
	CHECK_INT(e.code, EXIT_USAGE);
}

static void not_permitted(void)
{
	struct err e = { 0 };
	struct client *c;
	pid_t pid;

	if (getuid() != 0)
		SKIP("wants root");
	pid = serve(0600);
	CHECK(seteuid(NOBODY) == 0);
	c = client_open(dir, &e);
	CHECK(seteuid(0) == 0);
	unserve(pid);
	CHECK(!c);
	CHECK_INT(e.code, EXIT_NOT_PERMITTED);
	CHECK_HAS(e.msg, "root");
}

static void calls(void)
{
	pid_t pid = serve(0666);
	struct seen s = { 0 };
	struct err e = { 0 };
	struct log_line *lines;
	struct status *st;
	struct json_object *raw;
	struct client_counter *counters;
	char version[32], dataplane[16];
	size_t n;
	struct client *c;

	CHECK_INT(client_wait_running(dir, 5000, &e), 0);
	c = client_open(dir, &e);
	CHECK(c);
	client_on_event(c, on_event, &s);
	CHECK_INT(client_ping(c, version, &e), 0);
	CHECK_STR(version, "1.2.3");
	CHECK_INT(client_status(c, NULL, &st, &raw, &e), 0);
	CHECK(st->running && status_find(st, "branch"));
	CHECK(raw && json_get_u64(raw, "v", 9, 0) == 1);
	json_object_put(raw);
	status_free(st);
	CHECK_INT(client_up(c, "good", 5, &e), 0);
	CHECK_INT(s.progress, 1);
	CHECK_STR(s.text, "good: try 1");
	CHECK_INT(client_up(c, "bad", 5, &e), -1);
	CHECK_INT(e.code, EXIT_FAILED);
	CHECK_STR(e.msg, "bad: the peer refuses");
	CHECK_INT(client_counters(c, dataplane, &counters, &n, NULL, &e), 0);
	CHECK_STR(dataplane, "kernel");
	CHECK_INT(n, 1);
	CHECK_STR(counters[0].name, "XfrmX");
	CHECK(counters[0].value == UINT64_MAX - 1);
	CHECK_STR(counters[0].meaning, "m");
	CHECK_STR(counters[0].look, "l");
	free(counters);
	CHECK_INT(client_log(c, 0, "branch", true, &lines, &n, &e), 0);
	CHECK_INT(n, 1);
	CHECK_STR(lines[0].text, "started");
	free(lines);
	/* the event may still be on its way */
	for (int i = 0; i < 100 && !s.logs; i++) {
		CHECK_INT(client_dispatch(c, &e), 0);
		usleep(10000);
	}
	CHECK_INT(s.logs, 1);
	CHECK_STR(s.text, "branch: later");
	/* an answer of many buffers; then without waiting, then one that never comes */
	CHECK_INT(client_request(c, "nothing", NULL, 0, NULL, &e), -1);
	CHECK_INT(e.code, EXIT_USAGE);
	s.reply_id = client_start(c, "ping", NULL, &e);
	CHECK(s.reply_id > 0);
	n = s.reply_id;
	CHECK_INT(client_request(c, "hold", NULL, 200, NULL, &e), -1);
	CHECK_INT(e.code, EXIT_TIMEOUT);
	CHECK_INT(s.replies, 1);
	CHECK_INT(s.reply_id, n);
	CHECK_INT(s.reply.code, 0);
	CHECK_INT(client_ping(c, NULL, &e), 0);
	CHECK_INT(s.gone, 0);
	unserve(pid);
	CHECK_INT(client_ping(c, NULL, &e), -1);
	CHECK_INT(e.code, EXIT_NOT_RUNNING);
	CHECK_INT(s.gone, 1);
	CHECK_INT(client_fd(c), -1);
	CHECK_INT(client_dispatch(c, &e), -1);
	CHECK_INT(client_start(c, "ping", NULL, &e), 0);
	CHECK_INT(s.gone, 1);
	client_close(c);
}

static void long_answers(void)
{
	struct err e = { 0 };
	struct json_object *data;
	struct client *c;
	pid_t pid;

	big_len = 3u << 20;
	pid = serve(0666);
	c = client_open(dir, &e);
	CHECK(c);
	CHECK_INT(client_request(c, "big", NULL, 0, &data, &e), 0);
	CHECK_INT(strlen(json_get_str(data, "text", "")), big_len);
	json_object_put(data);
	CHECK_INT(client_ping(c, NULL, &e), 0);
	client_close(c);
	unserve(pid);
}

static void refused_for_number(void)
{
	struct client *c[SERVER_CLIENTS_MAX + 1] = { 0 };
	struct err e = { 0 };
	pid_t pid = serve(0666);
	int last = getuid() == 0 ? SERVER_CLIENTS_MAX : SERVER_CLIENTS_MAX - SERVER_CLIENTS_ROOT;

	for (int i = 0; i <= last; i++) {
		c[i] = client_open(dir, &e);
		CHECK(c[i]);
		if (i < last)
			CHECK_INT(client_ping(c[i], NULL, &e), 0);
	}
	CHECK_INT(client_ping(c[last], NULL, &e), -1);
	CHECK_HAS(e.msg, "too many are connected");
	for (int i = 0; i <= last; i++)
		client_close(c[i]);
	unserve(pid);
}

int main(void)
{
	strcpy(dir, "/tmp/adit-control-XXXXXX");
	if (!mkdtemp(dir) || chmod(dir, 0755) < 0)
		return 1;
	T_RUN(many_on_one_connection);
	T_RUN(under_way_is_capped);
	T_RUN(gone_while_waiting);
	T_RUN(long_lines_end_it);
	T_RUN(clients_are_capped);
	T_RUN(only_root_changes);
	T_RUN(root_has_a_place_left);
	T_RUN(slow_readers_are_dropped);
	T_RUN(stalled_answers_time_out);
	T_RUN(idle_clients_are_dropped);
	T_RUN(nobody_listens);
	T_RUN(not_permitted);
	T_RUN(calls);
	T_RUN(long_answers);
	T_RUN(refused_for_number);
	unlink(socket_path());
	rmdir(dir);
	return t_done();
}
