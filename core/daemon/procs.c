/* procs: the children. Each is forked and executed anew, so that the linker and the kernel
 * both see to it that nothing of the monitor's memory is in them. One that ends is started
 * again, later each time. */
#include "core/daemon/monitor.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/secret.h"
#include "core/daemon/child.h"
#include "core/daemon/loghub.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 10000
#define STABLE_MS 20000		/* who lived so long is not crashing in a loop */
#define END_MS 1000		/* to end after its link was closed */
#define READY_MS 10000		/* to say MSG_READY */

static void restart_due(void *arg)
{
	struct proc *p = arg;

	procs_start(p->m, (enum proc_id)(p - p->m->procs));
	monitor_progress(p->m);
}

static void kill_due(void *arg)
{
	struct proc *p = arg;

	if (!p->pid)
		return;
	log_warning(NULL, "%s does not %s, it is killed", p->program,
		    p->phase == PHASE_STARTING && p->link ? "get ready" : "end");
	kill(p->pid, SIGKILL);
}

void procs_init(struct monitor *m)
{
	static const enum ipc_role roles[] = {
		[PROC_VAULTD] = ROLE_VAULTD, [PROC_IKED] = ROLE_IKED,
		[PROC_DATAPLANE] = ROLE_ESPD,
	};

	for (size_t i = 0; i < PROC_N; i++) {
		struct proc *p = &m->procs[i];

		p->m = m;
		p->role = roles[i];
		timer_init(&p->restart, restart_due, p);
		timer_init(&p->kill, kill_due, p);
	}
	m->procs[PROC_VAULTD].program = "vaultd";
	m->procs[PROC_IKED].program = "iked";
}

static void on_msg(void *arg, struct ipc_msg *msg)
{
	requests_handle(arg, msg);
}

static void drop_link(struct proc *p)
{
	ipc_free(p->link);
	p->link = NULL;
}

static void on_closed(void *arg, const struct err *why)
{
	struct proc *p = arg;

	/* Most often it has just died, and SIGCHLD says how; else it broke the rules. */
	if (ipc_refused(p->link))
		log_error(NULL, "%s is ended: %s", p->program, why->msg);
	drop_link(p);
	if (p->pid && !timer_running(&p->kill))
		timer_set(loop_timers(p->m->loop), &p->kill, 100);
}

/* The environment of a child: nothing, but what steers a sanitizer. */
static char **child_environment(void)
{
	static const char *const pass[] = { "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS" };
	static char text[3][256];
	static char *env[4];
	size_t n = 0;

	for (size_t i = 0; i < 3; i++) {
		const char *v = getenv(pass[i]);

		if (v && (size_t)snprintf(text[n], sizeof(text[n]), "%s=%s", pass[i], v) <
		    sizeof(text[n])) {
			env[n] = text[n];
			n++;
		}
	}
	env[n] = NULL;
	return env;
}

/* In the child, between fork and exec. */
static void run(const struct proc *p, const char *path, int link, pid_t parent)
{
	char *argv[] = { (char *)(uintptr_t)p->program, NULL };
	sigset_t none;
	int null;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILED);
	null = open("/dev/null", O_RDWR);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		/* An assertion's last words; a terminal is not held for them. */
		if (!p->m->opt.foreground)
			dup2(null, STDERR_FILENO);
	}
	if (link == CHILD_LINK_FD) {
		(void)fcntl(link, F_SETFD, 0);
	} else if (dup2(link, CHILD_LINK_FD) < 0) {
		_exit(EXIT_FAILED);
	}
	execve(path, argv, child_environment());
	_exit(127);
}

static int spawn(struct proc *p, int *link, struct err *e)
{
	char path[PATH_MAX + 32];
	pid_t self = getpid();
	int fds[2];

	snprintf(path, sizeof(path), "%s/%s", p->m->opt.libexec_dir, p->program);
	if (access(path, X_OK) < 0)
		return err_errno(e, "%s", path);
	if (ipc_pair(fds, e) < 0)
		return -1;
	p->pid = fork();
	if (p->pid == 0)
		run(p, path, fds[1], self);
	close(fds[1]);
	if (p->pid < 0) {
		p->pid = 0;
		close(fds[0]);
		return err_errno(e, "fork");
	}
	*link = fds[0];
	return 0;
}

static int greet(struct proc *p)
{
	struct msg_child_start s = { 0 };

	s.uid = p->m->uid;
	s.gid = p->m->gid;
	s.log_level = log_level_get();
	snprintf(s.version, sizeof(s.version), "%s", ADIT_VERSION);
	return ipc_send(p->link, MSG_CHILD_START, 0, &s, sizeof(s), NULL, 0);
}

static void again_later(struct proc *p)
{
	if (p->held)
		return;
	p->backoff_ms = p->backoff_ms ? p->backoff_ms * 2 : BACKOFF_MIN_MS;
	if (p->backoff_ms > BACKOFF_MAX_MS)
		p->backoff_ms = BACKOFF_MAX_MS;
	timer_set(loop_timers(p->m->loop), &p->restart, p->backoff_ms);
}

void procs_start(struct monitor *m, enum proc_id id)
{
	struct proc *p = &m->procs[id];
	struct err e = { 0 };
	int link = -1;

	p->held = false;
	if (!p->program || p->pid)
		return;
	timer_stop(loop_timers(m->loop), &p->restart);
	p->starts++;
	p->missing = spawn(p, &link, &e) < 0;
	if (p->missing) {
		log_error(NULL, "%s cannot be started: %s", p->program, e.msg);
		again_later(p);
		return;
	}
	p->started_ms = clock_ms();
	p->phase = PHASE_STARTING;
	p->link = ipc_new(link, ROLE_MONITOR, p->role, &e);
	if (!p->link || ipc_attach(p->link, m->loop, on_msg, on_closed, p, &e) < 0 ||
	    greet(p) < 0) {
		log_error(NULL, "%s: no link: %s", p->program, e.msg);
		drop_link(p);
		kill(p->pid, SIGKILL);	/* SIGCHLD goes on from here */
		return;
	}
	timer_set(loop_timers(m->loop), &p->kill, READY_MS);
}

bool procs_running(const struct monitor *m, enum proc_id id)
{
	const struct proc *p = &m->procs[id];

	return p->link && p->phase != PHASE_STARTING;
}

int procs_send_fds(struct monitor *m, enum proc_id id, uint16_t type, uint32_t msg_id,
		   const void *body, size_t len, const int *fds, size_t n_fds)
{
	if (!procs_running(m, id))
		return -1;
	return ipc_send(m->procs[id].link, type, msg_id, body, len, fds, n_fds);
}

int procs_send(struct monitor *m, enum proc_id id, uint16_t type, uint32_t msg_id,
	       const void *body, size_t len)
{
	return procs_send_fds(m, id, type, msg_id, body, len, NULL, 0);
}

void procs_end(struct monitor *m, enum proc_id id)
{
	struct proc *p = &m->procs[id];

	p->held = true;
	timer_stop(loop_timers(m->loop), &p->restart);
	if (!p->pid)
		return;
	drop_link(p);
	timer_set(loop_timers(m->loop), &p->kill, END_MS);
}

static void describe(const struct proc *p, int status)
{
	int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (p->held)
		return;
	if (sig == SIGSYS)
		log_error(NULL, "%s asked the kernel for something it may not and was killed",
			  p->program);
	else if (sig)
		log_error(NULL, "%s died by signal %d (%s)", p->program, sig, strsignal(sig));
	else
		log_error(NULL, "%s ended with code %d", p->program, WEXITSTATUS(status));
}

/* What it said before it died, above all why. */
static void last_words(struct proc *p)
{
	struct ipc_msg msg;

	while (p->link && ipc_recv_wait(p->link, &msg, 0, NULL) > 0)
		if (msg.type != MSG_READY)
			requests_handle(p, &msg);
}

static void ended(struct proc *p, int status)
{
	bool stable = p->phase != PHASE_STARTING && clock_ms() - p->started_ms > STABLE_MS;

	timer_stop(loop_timers(p->m->loop), &p->kill);
	last_words(p);
	describe(p, status);
	p->pid = 0;
	drop_link(p);
	if (stable)
		p->backoff_ms = 0;
	requests_gone(p);
	again_later(p);
}

void procs_reap(struct monitor *m)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < PROC_N; i++)
			if (m->procs[i].pid == pid)
				ended(&m->procs[i], status);
}

bool procs_all_gone(const struct monitor *m)
{
	for (size_t i = 0; i < PROC_N; i++)
		if (m->procs[i].pid)
			return false;
	return true;
}

void procs_kill_all(struct monitor *m)
{
	for (size_t i = 0; i < PROC_N; i++) {
		struct proc *p = &m->procs[i];

		p->held = true;
		timer_stop(loop_timers(m->loop), &p->restart);
		timer_stop(loop_timers(m->loop), &p->kill);
		drop_link(p);
		if (!p->pid)
			continue;
		kill(p->pid, SIGKILL);
		while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
			;
		p->pid = 0;
	}
}
