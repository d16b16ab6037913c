/* monitor: aditd from its first line to its last. It is root, so it is small, and it never
 * looks at a byte that came from the network: it opens things, hands them to its children,
 * and does the few things to the kernel that they may ask for. */
#include "core/daemon/monitor.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/secret.h"
#include "core/daemon/loghub.h"
#include "core/daemon/notify.h"
#include "core/daemon/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STOP_WAIT_MS 3000	/* for iked's Deletes to be answered */
#define LEFT_WAIT_MS 4000	/* for a killed aditd's children to be gone */
#define LEFT_PAUSE_MS 50
#define START_TRIES 5		/* a child that died so often before it was ready never will be */

/* ---- into the background ---- */

/* The caller's exit code waits until we are ready: the read end stays with it. */
static int go_background(struct monitor *m, struct err *e)
{
	uint8_t code = EXIT_FAILED;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(e, "pipe");
	pid = fork();
	if (pid < 0)
		return err_errno(e, "fork");
	if (pid > 0) {
		close(fds[1]);
		/* Nothing to read: it was killed. */
		_exit(read(fds[0], &code, 1) == 1 ? code : EXIT_FAILED);
	}
	close(fds[0]);
	m->ready_fd = fds[1];
	setsid();
	/* Once more, so that no terminal can become ours again. */
	pid = fork();
	if (pid < 0)
		return err_errno(e, "fork");
	if (pid > 0)
		_exit(EXIT_DONE);
	return 0;
}

/* How the start went; from then on nothing of the caller's is held. */
static void tell_parent(struct monitor *m, int exit_code)
{
	uint8_t code = (uint8_t)exit_code;
	int null;

	if (m->ready_fd < 0)
		return;
	loghub_detach();
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	if (null > STDERR_FILENO)
		close(null);
	if (write(m->ready_fd, &code, 1) < 0)
		log_debug(NULL, "nobody waits for the start");
	close(m->ready_fd);
	m->ready_fd = -1;
}

/* ---- states ---- */

static bool all_ready(const struct monitor *m)
{
	for (int i = 0; i < PROC_N; i++)
		if (m->procs[i].program && !procs_running(m, (enum proc_id)i))
			return false;
	return true;
}

static void start_children(struct monitor *m)
{
	procs_start(m, PROC_VAULTD);
	procs_start(m, PROC_IKED);
	procs_start(m, PROC_DATAPLANE);
}

static void end_children(struct monitor *m)
{
	procs_end(m, PROC_IKED);
	procs_end(m, PROC_VAULTD);
	procs_end(m, PROC_DATAPLANE);
}

static void status_text(const struct monitor *m, char *buf, size_t cap)
{
	snprintf(buf, cap, "%zu %s, %s dataplane", m->settings.n_peers,
		 m->settings.n_peers == 1 ? "peer" : "peers", m->backend->name);
}

static void became_ready(struct monitor *m)
{
	char status[80];

	m->state = MONITOR_RUNNING;
	status_text(m, status, sizeof(status));
	if (m->once_ready)
		log_info(NULL, "restarted: %s", status);
	else
		log_info(NULL, "ready after %llu ms: %s",
			 (unsigned long long)(clock_ms() - m->started_ms), status);
	m->once_ready = true;
	notify_ready(status);
	tell_parent(m, EXIT_DONE);
}

/* A child that cannot even start at the start is something the admin must hear about. */
static bool hopeless(const struct monitor *m)
{
	for (int i = 0; i < PROC_N; i++) {
		const struct proc *p = &m->procs[i];

		if (!m->once_ready && !p->pid && (p->missing || p->starts >= START_TRIES))
			return true;
	}
	return false;
}

static void last_part(struct monitor *m)
{
	timer_stop(loop_timers(m->loop), &m->stop_wait);
	if (m->state == MONITOR_STOP_WAIT) {
		m->state = MONITOR_STOP_END;
		sync_stop(m);
	} else {
		m->state = MONITOR_RESTART_END;
	}
	end_children(m);
	monitor_progress(m);
}

static void stop_waited(void *arg)
{
	log_warning(NULL, "not every peer answered the delete");
	last_part(arg);
}

/* Ask iked to say goodbye to all peers, then go on with last_part(). */
static void begin_end(struct monitor *m, enum monitor_state wait)
{
	m->state = wait;
	if (!procs_running(m, PROC_IKED) ||
	    procs_send(m, PROC_IKED, MSG_STOP, 0, NULL, 0) < 0) {
		last_part(m);
		return;
	}
	m->procs[PROC_IKED].phase = PHASE_STOPPING;
	timer_set(loop_timers(m->loop), &m->stop_wait, STOP_WAIT_MS);
}

void monitor_iked_stopped(struct monitor *m)
{
	if (m->state == MONITOR_STOP_WAIT || m->state == MONITOR_RESTART_WAIT)
		last_part(m);
}

void monitor_restart(struct monitor *m)
{
	if (m->state != MONITOR_RUNNING && m->state != MONITOR_STARTING)
		return;
	log_info(NULL, "restart: all tunnels are taken down and come back");
	begin_end(m, MONITOR_RESTART_WAIT);
}

void monitor_progress(struct monitor *m)
{
	char text[ERR_MSG_MAX];

	switch (m->state) {
	case MONITOR_STARTING:
		if (all_ready(m)) {
			became_ready(m);
		} else if (hopeless(m)) {
			log_error(NULL, "giving up: the children do not start");
			m->exit_code = EXIT_FAILED;
			begin_end(m, MONITOR_STOP_WAIT);
		}
		break;
	case MONITOR_RESTART_END:
		if (!procs_all_gone(m))
			break;
		m->state = MONITOR_STARTING;
		(void)reload_again(m, text);
		start_children(m);
		break;
	case MONITOR_STOP_END:
		if (procs_all_gone(m))
			loop_stop(m->loop);
		break;
	case MONITOR_RUNNING: case MONITOR_RESTART_WAIT: case MONITOR_STOP_WAIT:
		break;
	}
}

/* ---- signals ---- */

static void on_stop(void *arg, int signo)
{
	struct monitor *m = arg;

	if (m->state == MONITOR_STOP_END)
		return;
	if (m->state == MONITOR_STOP_WAIT) {
		last_part(m);	/* asked twice: in a hurry */
		return;
	}
	log_info(NULL, "stopping (%s)", signo == SIGINT ? "interrupted" : "told to end");
	notify_stopping();
	begin_end(m, MONITOR_STOP_WAIT);
}

static void on_hup(void *arg, int signo)
{
	struct monitor *m = arg;
	char text[ERR_MSG_MAX], status[80];

	(void)signo;
	if (m->state != MONITOR_RUNNING && m->state != MONITOR_STARTING)
		return;
	notify_reloading();
	(void)reload_again(m, text);
	status_text(m, status, sizeof(status));
	if (m->state == MONITOR_RUNNING)
		notify_ready(status);
}

static void on_child(void *arg, int signo)
{
	(void)signo;
	procs_reap(arg);
}

static int take_signals(struct monitor *m, struct err *e)
{
	signal(SIGPIPE, SIG_IGN);
	if (loop_signal(m->loop, SIGTERM, on_stop, m, e) < 0 ||
	    loop_signal(m->loop, SIGINT, on_stop, m, e) < 0 ||
	    loop_signal(m->loop, SIGHUP, on_hup, m, e) < 0 ||
	    loop_signal(m->loop, SIGCHLD, on_child, m, e) < 0)
		return -1;
	return 0;
}

/* ---- start and end ---- */

/* The children of an aditd that was killed end with it, but with a hundred interfaces the
 * kernel takes a second or two to close what they had. */
static int open_sockets(struct monitor *m, struct err *e)
{
	const struct timespec pause = { .tv_nsec = LEFT_PAUSE_MS * 1000000L };
	struct router_conf conf;

	reload_router(m, &conf);

	for (int i = 0; ; i++) {
		if (sock_open(&m->sockets, conf.ike_port, conf.natt_port, conf.workers, e) == 0)
			return 0;
		if (!m->run.killed || i * LEFT_PAUSE_MS >= LEFT_WAIT_MS)
			return -1;
		nanosleep(&pause, NULL);
	}
}

/* The children load while we read: they are started as soon as it is known that this
 * instance may run here. */
static int start(struct monitor *m, struct err *e)
{
	char path[PATH_MAX + 16];

	m->loop = loop_new(e);
	if (!m->loop || take_signals(m, e) < 0 ||
	    options_user(&m->opt, &m->uid, &m->gid, &m->control_gid, e) < 0 ||
	    rundir_pid(&m->run, e) < 0 || open_sockets(m, e) < 0)
		return -1;
	procs_init(m);
	procs_start(m, PROC_VAULTD);
	procs_start(m, PROC_IKED);
	if (reload_first(m, e) < 0 || dataplane_choose(m, e) < 0)
		return -1;
	m->procs[PROC_DATAPLANE].program = m->backend->child;
	procs_start(m, PROC_DATAPLANE);
	snprintf(path, sizeof(path), "%s/sysctl", m->opt.run_dir);
	m->sysctl = sysctl_new(path, e);
	m->firewall = firewall_new();
	if (!m->sysctl)
		return -1;
	if (!m->firewall)
		return err_set(e, "out of memory");
	if (dataplane_start(m, e) < 0)
		return err_wrap(e, "the %s dataplane does not start", m->backend->name);
	sync_init(m);
	sync_clean(m);
	if (rundir_control(&m->run, m->control_gid, e) < 0)
		return -1;
	tunnel_settings(m);
	m->watch = watch_new(m->loop, tunnel_outside, m, e);
	return m->watch ? 0 : -1;
}

static void finish(struct monitor *m)
{
	loghub_forward(NULL, NULL);
	watch_free(m->watch);
	if (m->loop)
		procs_kill_all(m);
	dataplane_stop(m);
	sysctl_free(m->sysctl);
	firewall_free(m->firewall);
	satab_fini(&m->sas);
	secrets_fini(&m->secrets);
	pki_fini(&m->pki);
	settings_fini(&m->settings);
	sock_close(&m->sockets);
	rundir_close(&m->run);
	loop_free(m->loop);
}

static void prepare(struct monitor *m, const struct backend *const *backends)
{
	m->backends = backends;
	m->ready_fd = -1;
	m->run.lock = m->run.control = -1;
	sock_init(&m->sockets);
	m->started_ms = clock_ms();
	m->started_wall_s = clock_wall_s();
	m->refused_log = (struct log_limit)LOG_LIMIT_INIT(10, 10000);
	timer_init(&m->stop_wait, stop_waited, m);
	secrets_init(&m->secrets);
	pki_init(&m->pki);
}

int monitor_main(int argc, char **argv, const struct backend *const *backends)
{
	static struct monitor mon;
	struct monitor *m = &mon;
	struct err e = { 0 };
	int r;

	prepare(m, backends);
	r = options_parse(&m->opt, argc, argv, &e);
	if (r > 0)
		return EXIT_DONE;
	if (r < 0) {
		fprintf(stderr, "aditd: %s\n", e.msg);
		return e.code;
	}
	if (m->opt.check)
		return reload_check(&m->opt);
	if (geteuid() != 0) {
		fprintf(stderr, "aditd: must be started as root (or try --check)\n");
		return EXIT_NOT_PERMITTED;
	}
	umask(022);
	sandbox_close_from(STDERR_FILENO + 1);
	if (rundir_open(&m->run, m->opt.run_dir, &e) < 0 ||
	    (!m->opt.foreground && go_background(m, &e) < 0)) {
		fprintf(stderr, "aditd: %s\n", e.msg);
		return e.code;
	}
	if (chdir("/") < 0)
		return EXIT_FAILED;
	loghub_start(m->opt.foreground);
	secret_harden_process();
	if (start(m, &e) == 0) {
		loop_run(m->loop);
	} else {
		log_error(NULL, "%s", e.msg);
		m->exit_code = e.code ? (int)e.code : EXIT_FAILED;
		if (m->backend_ctx)
			sync_stop(m);
	}
	finish(m);
	tell_parent(m, m->exit_code);
	return m->exit_code;
}
