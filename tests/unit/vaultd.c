/* rooms: core/ipc core/base */
/* vaultd as a process, behind its walls: started as aditd starts it, asked as iked asks it.
 * It lies beside this program in the build: libexec/vaultd. */
#include "core/ipc/ipc.h"
#include "core/ipc/msg.h"
#include "tests/unit/t.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

static char program[PATH_MAX];
static struct ipc *monitor, *iked;
static pid_t pid;

static void find_program(void)
{
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 64);
	char *cut;

	program[n > 0 ? n : 0] = '\0';
	cut = strstr(program, "/tests/unit/");
	if (cut)
		strcpy(cut, "/libexec/vaultd");
}

static void start(void)
{
	struct msg_child_start s = { .uid = NOBODY, .gid = NOBODY, .log_level = LL_DEBUG };
	struct err e = { 0 };
	struct ipc_msg m;
	int fds[2];

	if (getuid() != 0)
		SKIP("wants root");
	if (access(program, X_OK) != 0)
		SKIP("libexec/vaultd is not built");
	CHECK_INT(ipc_pair(fds, &e), 0);
	pid = fork();
	if (pid == 0) {
		char *argv[] = { "vaultd", NULL };

		alarm(60);
		/* the leak check wants /proc, of which there is none inside */
		setenv("ASAN_OPTIONS", "detect_leaks=0", 0);
		if (fds[1] != 3) {
			dup2(fds[1], 3);
		} else {
			fcntl(3, F_SETFD, 0);
		}
		execv(program, argv);
		_exit(127);
	}
	close(fds[1]);
	monitor = ipc_new(fds[0], ROLE_MONITOR, ROLE_VAULTD, &e);
	snprintf(s.version, sizeof(s.version), "%s", ADIT_VERSION);
	CHECK_INT(ipc_send(monitor, MSG_CHILD_START, 0, &s, sizeof(s), NULL, 0), 0);
	do
		CHECK_INT(ipc_recv_wait(monitor, &m, 10000, &e), 1);
	while (m.type == MSG_LOG);
	CHECK_INT(m.type, MSG_READY);
}

/* Send what is queued, hear what it logs. */
static void pump(void)
{
	struct err e = { 0 };
	struct ipc_msg m;

	while (ipc_recv_wait(monitor, &m, 20, &e) > 0)
		CHECK_INT(m.type, MSG_LOG);
}

static void link_iked(void)
{
	struct err e = { 0 };
	int fds[2];

	ipc_free(iked);
	CHECK_INT(ipc_pair(fds, &e), 0);
	iked = ipc_new(fds[0], ROLE_IKED, ROLE_VAULTD, &e);
	CHECK_INT(ipc_send(monitor, MSG_IKE_LINK, 0, NULL, 0, &fds[1], 1), 0);
	close(fds[1]);
	pump();
}

/* It ends by itself once its link to aditd is gone; the exit code says how. */
static int stop(void)
{
	int status = -1;

	ipc_free(iked);
	iked = NULL;
	ipc_free(monitor);
	CHECK_INT(waitpid(pid, &status, 0), pid);
	return status;
}

static void secret(const char *peer, const char *psk)
{
	struct msg_secret s = { 0 };

	strcpy(s.name, peer);
	s.len = (uint16_t)strlen(psk);
	memcpy(s.bytes, psk, s.len);
	CHECK_INT(ipc_send(monitor, MSG_SECRET_SET, 0, &s, sizeof(s), NULL, 0), 0);
}

static struct msg_auth_done ask(uint16_t type, uint32_t id, const char *peer,
				const struct msg_auth_done *auth)
{
	static struct msg_auth a;
	struct err e = { 0 };
	struct ipc_msg m;

	memset(&a, 0, sizeof(a));
	strcpy(a.peer, peer);
	a.prf = PRF_HMAC_SHA2_256;
	a.octets_len = 100;
	if (auth) {
		a.auth_len = auth->auth_len;
		memcpy(a.auth, auth->auth, sizeof(a.auth));
	}
	CHECK_INT(ipc_send(iked, type, id, &a, sizeof(a), NULL, 0), 0);
	CHECK_INT(ipc_recv_wait(iked, &m, 10000, &e), 1);
	CHECK_INT(m.type, MSG_AUTH_DONE);
	CHECK_INT(m.id, id);
	return *(const struct msg_auth_done *)m.body;
}

static void answers(void)
{
	struct msg_auth_done d, wrong;
	char name[16];

	start();
	/* more than the first pages of its arena hold, so that it takes new ones inside */
	for (int i = 0; i < 600; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		secret(name, "a secret of some length, that of the peer before it as well");
	}
	secret("branch", "another");
	link_iked();
	d = ask(MSG_AUTH_SIGN, 7, "branch", NULL);
	CHECK(d.ok && d.auth_len == 32);
	wrong = d;
	wrong.auth[31] ^= 1;
	CHECK_INT(ask(MSG_AUTH_VERIFY, 8, "branch", &d).ok, 1);
	CHECK_INT(ask(MSG_AUTH_VERIFY, 9, "branch", &wrong).ok, 0);
	CHECK_INT(ask(MSG_AUTH_VERIFY, 10, "p599", &d).ok, 0);
	CHECK_INT(ask(MSG_AUTH_SIGN, 11, "nobody", NULL).no_secret, 1);
	/* iked was started anew */
	link_iked();
	CHECK_INT(ask(MSG_AUTH_VERIFY, 1, "branch", &d).ok, 1);
	/* and one that died before it asked */
	ipc_free(iked);
	iked = NULL;
	link_iked();
	CHECK_INT(ask(MSG_AUTH_VERIFY, 2, "branch", &d).ok, 1);
	CHECK_INT(stop(), 0);
}

static void status_has(const char *text, const char *key, const char *want)
{
	const char *at = strstr(text, key);

	CHECK(at);
	CHECK_HAS(at, want);
	CHECK(strstr(at, want) < at + 64);
}

static void walls(void)
{
	char path[64], text[8192];
	struct stat st;
	ssize_t n;
	int fd;

	start();
	link_iked();
	CHECK(ask(MSG_AUTH_SIGN, 1, "x", NULL).no_secret);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	fd = open(path, O_RDONLY);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	status_has(text, "\nUid:", "65534\t65534\t65534\t65534");
	status_has(text, "\nGid:", "65534\t65534\t65534\t65534");
	status_has(text, "\nCapEff:", "0000000000000000");
	status_has(text, "\nCapBnd:", "0000000000000000");
	status_has(text, "\nNoNewPrivs:", "1");
#ifndef __SANITIZE_ADDRESS__
	status_has(text, "\nSeccomp:", "2");
#endif
	/* its root is empty, and gone from the disk */
	snprintf(path, sizeof(path), "/proc/%d/root/etc", (int)pid);
	CHECK(stat(path, &st) < 0);
	CHECK_INT(stop(), 0);
}

/* What is not in the table ends the link, and with it the process. */
static void nonsense_ends_it(void)
{
	uint8_t junk[64] = { 1 };
	int status;

	start();
	CHECK(write(ipc_fd(monitor), junk, sizeof(junk)) == sizeof(junk));
	status = stop();
	CHECK(WIFEXITED(status));
}

int main(void)
{
	find_program();
	signal(SIGPIPE, SIG_IGN);
	T_RUN(answers);
	T_RUN(walls);
	T_RUN(nonsense_ends_it);
	return t_done();
}
