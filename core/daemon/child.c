/* child: what iked, vaultd and espd have in common before they differ. */
#include "core/daemon/child.h"

#include "core/base/log.h"
#include "core/base/secret.h"
#include "core/daemon/sandbox.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define START_TIMEOUT_MS 10000

#if defined(__SANITIZE_ADDRESS__)
/* The search for leaks at the end needs /proc, which is not in an empty root; the unit tests
 * do it for the parts. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

struct running {
	struct child c;
	const struct child_ops *ops;
};

static void to_monitor(void *arg, const struct log_line *line)
{
	struct child *c = arg;

	/* Once the link is down there is nobody left to tell. */
	(void)ipc_send(c->monitor, MSG_LOG, 0, line, sizeof(*line), NULL, 0);
}

static void on_msg(void *arg, struct ipc_msg *m)
{
	struct running *r = arg;

	if (m->type == MSG_LOG_LEVEL) {
		const struct msg_number *n = m->body;

		if (n->value <= LL_DEBUG)
			log_level_set((enum log_level)n->value);
		return;
	}
	if (m->type == MSG_CHILD_START)
		return;		/* once was enough */
	r->ops->on_msg(&r->c, m);
}

static void on_cut(void *arg, const struct ipc_msg *m)
{
	struct running *r = arg;

	r->ops->on_cut(&r->c, m);
}

static void on_closed(void *arg, const struct err *why)
{
	struct running *r = arg;

	/* The monitor ended, or it wants us to. */
	(void)why;
	loop_stop(r->c.loop);
}

/* The sink is a pipe into aditd from here on; before, and without aditd, it is stderr. */
static int await_start(struct child *c, struct err *e)
{
	struct ipc_msg m;
	int got = ipc_recv_wait(c->monitor, &m, START_TIMEOUT_MS, e);

	if (got == 0)
		return err_set(e, "aditd sends nothing");
	if (got < 0)
		return -1;
	if (m.type != MSG_CHILD_START)
		return err_set(e, "aditd begins with %s", ipc_type_name(m.type));
	memcpy(&c->start, m.body, sizeof(c->start));
	if (memcmp(c->start.version, ADIT_VERSION, sizeof(ADIT_VERSION)) != 0)
		return err_set(e, "this is version " ADIT_VERSION ", aditd is another: "
			       "restart it after an upgrade");
	if (c->start.log_level <= LL_DEBUG)
		log_level_set((enum log_level)c->start.log_level);
	log_sink_set(to_monitor, c);
	return 0;
}

static int begin(struct running *r, struct err *e)
{
	struct child *c = &r->c;
	struct sandbox box = { .role = r->ops->role, .threads = r->ops->threads };

	c->monitor = ipc_new(CHILD_LINK_FD, r->ops->role, ROLE_MONITOR, e);
	if (!c->monitor || await_start(c, e) < 0)
		return -1;
	c->loop = loop_new(e);
	if (!c->loop)
		return -1;
	if (r->ops->init && r->ops->init(c, e) < 0)
		return -1;
	box.uid = c->start.uid;
	box.gid = c->start.gid;
	if (sandbox_enter(&box, e) < 0)
		return -1;
	if (r->ops->on_cut)
		ipc_on_cut(c->monitor, on_cut);
	if (ipc_attach(c->monitor, c->loop, on_msg, on_closed, r, e) < 0)
		return -1;
	if (ipc_send(c->monitor, MSG_READY, 0, NULL, 0, NULL, 0) < 0)
		return err_set(e, "aditd is gone");
	return 0;
}

static bool started_by_aditd(void)
{
	int type = 0;
	socklen_t len = sizeof(type);

	return getsockopt(CHILD_LINK_FD, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	       type == SOCK_SEQPACKET;
}

int child_main(int argc, char **argv, const struct child_ops *ops)
{
	struct running r = { .ops = ops };
	struct err e = { 0 };
	int code = EXIT_DONE;

	if (argc > 1 && strcmp(argv[1], "--version") == 0) {
		printf("%s " ADIT_VERSION "\n", ipc_role_name(ops->role));
		return EXIT_DONE;
	}
	if (!started_by_aditd()) {
		fprintf(stderr, "%s is a part of aditd(8) and is started by it\n",
			ipc_role_name(ops->role));
		return EXIT_USAGE;
	}
	/* Ctrl-C goes to the whole group; the monitor alone decides who ends when. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sandbox_close_from(CHILD_LINK_FD + 1);
	(void)fcntl(CHILD_LINK_FD, F_SETFD, FD_CLOEXEC);
	secret_harden_process();
	if (begin(&r, &e) < 0) {
		log_error(NULL, "%s: %s", ipc_role_name(ops->role), e.msg);
		code = EXIT_FAILED;
	} else {
		loop_run(r.c.loop);
		if (ops->fini)
			ops->fini(&r.c);
	}
	log_sink_set(NULL, NULL);
	ipc_free(r.c.monitor);
	loop_free(r.c.loop);
	return code;
}

void child_stop(struct child *c)
{
	loop_stop(c->loop);
}

int child_send(struct child *c, uint16_t type, uint32_t id, const void *body, size_t len)
{
	return ipc_send(c->monitor, type, id, body, len, NULL, 0);
}
