/* rooms: core/daemon core/ipc core/base */
/* A process goes in, and everything it should not have is tried. */
#include "core/daemon/sandbox.h"

#include "core/base/secret.h"
#include "tests/unit/t.h"

#include <netinet/in.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define UID 65534
#define GID 65534

/* Run fn in a child that entered first; what waitpid says. fn returns the exit code. */
static int in_sandbox(enum ipc_role role, int (*fn)(void))
{
	struct sandbox box = { .role = role, .uid = UID, .gid = GID };
	struct err e = { 0 };
	int status = 0;
	pid_t pid;

	if (geteuid() != 0)
		SKIP("wants root");
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		secret_harden_process();
		if (sandbox_enter(&box, &e) < 0) {
			dprintf(2, "    %s\n", e.msg);
			_exit(99);
		}
		_exit(fn());
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	return status;
}

#define CHECK_EXIT(status, code) do { \
	CHECK(WIFEXITED(status)); \
	CHECK_INT(WEXITSTATUS(status), code); } while (0)

/* Killed by the filter; where a sanitizer takes its place, refused by the rest. */
#define CHECK_KILLED(status, otherwise) do { \
	if (sandbox_has_seccomp()) { \
		CHECK(WIFSIGNALED(status)); \
		CHECK_INT(WTERMSIG(status), SIGSYS); \
	} else { \
		CHECK_EXIT(status, otherwise); \
	} } while (0)

static int work(void)
{
	void *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *m = malloc(300000), *s = secret_new(100);
	struct timespec ts;

	if (p == MAP_FAILED || !m || !s || !secret_locked())
		return 1;
	memset(m, 1, 300000);
	free(m);
	munmap(p, 65536);
	secret_free(s);
	return clock_gettime(CLOCK_BOOTTIME, &ts) == 0 ? 0 : 2;
}

static void all_roles_can_work(void)
{
	CHECK_EXIT(in_sandbox(ROLE_IKED, work), 0);
	CHECK_EXIT(in_sandbox(ROLE_VAULTD, work), 0);
	CHECK_EXIT(in_sandbox(ROLE_ESPD, work), 0);
}

static int pipe_out;

static int report(void)
{
	/* write() and getpid() are allowed; the parent reads /proc. */
	char c;

	if (write(pipe_out, "r", 1) != 1)
		return 1;
	return read(STDIN_FILENO, &c, 1) < 0;
}

static void status_field(pid_t pid, const char *key, char *out, size_t cap)
{
	char path[64], line[256];
	FILE *f;

	out[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0)
			snprintf(out, cap, "%s", line + strlen(key));
	fclose(f);
	out[strcspn(out, "\n")] = '\0';
}

/* Seen from outside, by root. */
static void has_nothing_left(void)
{
	struct sandbox box = { .role = ROLE_IKED, .uid = UID, .gid = GID };
	struct err e = { 0 };
	char text[256], path[64], root[256] = "";
	int ready[2], hold[2], files = 0;
	struct dirent *de;
	struct stat st;
	DIR *d;
	pid_t pid;
	char c;

	if (geteuid() != 0)
		SKIP("wants root");
	CHECK_INT(pipe(ready), 0);
	CHECK_INT(pipe(hold), 0);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		pipe_out = ready[1];
		dup2(hold[0], STDIN_FILENO);
		close(hold[1]);
		if (sandbox_enter(&box, &e) < 0)
			_exit(99);
		_exit(report());
	}
	CHECK_INT(read(ready[0], &c, 1), 1);
	status_field(pid, "Uid:", text, sizeof(text));
	CHECK_STR(text, "\t65534\t65534\t65534\t65534");
	status_field(pid, "Gid:", text, sizeof(text));
	CHECK_STR(text, "\t65534\t65534\t65534\t65534");
	status_field(pid, "Groups:", text, sizeof(text));
	CHECK_STR(text, "\t ");
	for (int i = 0; i < 5; i++) {
		static const char *const caps[] = { "CapInh:", "CapPrm:", "CapEff:", "CapBnd:",
						    "CapAmb:" };

		status_field(pid, caps[i], text, sizeof(text));
		CHECK_STR(text, "\t0000000000000000");
	}
	status_field(pid, "NoNewPrivs:", text, sizeof(text));
	CHECK_STR(text, "\t1");
	if (sandbox_has_seccomp()) {
		status_field(pid, "Seccomp:", text, sizeof(text));
		CHECK_STR(text, "\t2");
	}
	/* The root: empty, and nowhere in the tree any more. */
	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	CHECK(readlink(path, root, sizeof(root) - 1) > 0);
	CHECK_HAS(root, "adit-empty-");
	CHECK_HAS(root, "(deleted)");
	d = opendir(path);
	while (d && (de = readdir(d)))
		files += strcmp(de->d_name, ".") && strcmp(de->d_name, "..");
	if (d)
		closedir(d);
	CHECK_INT(files, 0);
	/* Undumpable: /proc/PID belongs to root, not to its user. */
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	CHECK_INT(stat(path, &st), 0);
	CHECK_INT(st.st_uid, 0);
	close(hold[1]);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	close(ready[0]);
	close(ready[1]);
	close(hold[0]);
}

static int dumpable(void)
{
	struct rlimit core = { 1, 1 };

	getrlimit(RLIMIT_CORE, &core);
	return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 && core.rlim_max == 0 ? 7 : 1;
}

static void is_not_dumpable(void)
{
	int status = in_sandbox(ROLE_VAULTD, dumpable);

	/* prctl itself is not allowed any more. */
	CHECK_KILLED(status, 7);
}

static int makes_socket(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	return fd < 0 ? 7 : 8;
}

static void sockets_are_killed(void)
{
	CHECK_KILLED(in_sandbox(ROLE_IKED, makes_socket), 8);
	CHECK_KILLED(in_sandbox(ROLE_VAULTD, makes_socket), 8);
	CHECK_KILLED(in_sandbox(ROLE_ESPD, makes_socket), 8);
}

static int opens_file(void)
{
	static const char *const some[] = { "/etc/passwd", "/proc/self/maps", "etc/passwd", ".." ,
					    "/new" };

	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		if (open(some[i], O_RDONLY) >= 0 && strcmp(some[i], "..") != 0)
			return 1;
	return open("/new", O_CREAT | O_RDWR, 0600) < 0 ? 7 : 2;
}

static void files_are_out_of_reach(void)
{
	CHECK_KILLED(in_sandbox(ROLE_IKED, opens_file), 7);
	CHECK_KILLED(in_sandbox(ROLE_VAULTD, opens_file), 7);
	CHECK_KILLED(in_sandbox(ROLE_ESPD, opens_file), 7);
}

static int forks(void)
{
	return fork() < 0 ? 7 : 0;
}

static int execs(void)
{
	char *argv[] = { (char *)(uintptr_t)"/bin/true", NULL };

	execve(argv[0], argv, NULL);
	return 7;
}

static int runs_made_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? 1 : 7;
}

static int kills_another(void)
{
	return syscall(SYS_tgkill, getppid(), getppid(), 0) == 0 ? 1 : 7;
}

static int becomes_root(void)
{
	return setuid(0) == 0 ? 1 : 7;
}

static void no_way_out(void)
{
	CHECK_KILLED(in_sandbox(ROLE_ESPD, execs), 7);
	CHECK_KILLED(in_sandbox(ROLE_IKED, runs_made_code), 7);
	CHECK_KILLED(in_sandbox(ROLE_IKED, becomes_root), 7);
	if (sandbox_has_seccomp()) {
		CHECK_KILLED(in_sandbox(ROLE_VAULTD, forks), 7);
		CHECK_KILLED(in_sandbox(ROLE_IKED, kills_another), 7);
	}
}

static int accepts(void)
{
	return accept4(STDIN_FILENO, NULL, NULL, 0) < 0 ? 7 : 1;
}

/* espd's are AF_ALG's operation sockets. */
static void vaultd_does_not_accept(void)
{
	CHECK_EXIT(in_sandbox(ROLE_IKED, accepts), 7);
	CHECK_EXIT(in_sandbox(ROLE_ESPD, accepts), 7);
	CHECK_KILLED(in_sandbox(ROLE_VAULTD, accepts), 7);
}

static int sends_what_it_likes(void)
{
	int one = 1;

	return setsockopt(STDIN_FILENO, IPPROTO_IP, IP_HDRINCL, &one, sizeof(one)) < 0 ? 7 : 1;
}

static int may_be_cut(void)
{
	int dont = IP_PMTUDISC_DONT;

	return setsockopt(STDIN_FILENO, IPPROTO_IP, IP_MTU_DISCOVER, &dont, sizeof(dont)) < 0 ? 7 : 1;
}

/* Of sockets that it was handed, espd sets what it needs. */
static void espd_sets_few_options(void)
{
	CHECK_EXIT(in_sandbox(ROLE_ESPD, may_be_cut), 7);
	CHECK_KILLED(in_sandbox(ROLE_ESPD, sends_what_it_likes), 7);
	CHECK_KILLED(in_sandbox(ROLE_IKED, may_be_cut), 7);
}

static int aborts(void)
{
	abort();
}

/* An assertion that fails must say so, not look like an attack. */
static void abort_still_works(void)
{
	int status = in_sandbox(ROLE_IKED, aborts);

	CHECK(WIFSIGNALED(status));
	CHECK_INT(WTERMSIG(status), SIGABRT);
}

static void *thread(void *arg)
{
	*(int *)arg = 7;
	return NULL;
}

static void threads_where_asked_for(void)
{
	struct sandbox box = { .role = ROLE_ESPD, .uid = UID, .gid = GID, .threads = true };
	struct err e = { 0 };
	int status;
	pid_t pid;

	if (geteuid() != 0)
		SKIP("wants root");
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		pthread_t t;
		int got = 0;

		if (sandbox_enter(&box, &e) < 0)
			_exit(99);
		if (pthread_create(&t, NULL, thread, &got) != 0)
			_exit(1);
		pthread_join(t, NULL);
		if (got != 7)
			_exit(2);
		if (!sandbox_has_seccomp())
			_exit(7);
		_exit(fork() < 0 ? 3 : 4);
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_KILLED(status, 7);
}

static int sees_network(void)
{
	/* vaultd's own: made before the filter, so it is asked of the parent's view. */
	char c = 0;

	return write(pipe_out, &c, 1) == 1 && read(STDIN_FILENO, &c, 1) >= 0 ? 0 : 1;
}

static void vault_has_no_network(void)
{
	struct sandbox box = { .role = ROLE_VAULTD, .uid = UID, .gid = GID };
	char mine[64] = "", its[64] = "", path[64], c;
	int ready[2], hold[2];
	struct err e = { 0 };
	pid_t pid;

	if (geteuid() != 0)
		SKIP("wants root");
	CHECK_INT(pipe(ready), 0);
	CHECK_INT(pipe(hold), 0);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		pipe_out = ready[1];
		dup2(hold[0], STDIN_FILENO);
		close(hold[1]);
		if (sandbox_enter(&box, &e) < 0)
			_exit(99);
		_exit(sees_network());
	}
	CHECK_INT(read(ready[0], &c, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	CHECK(readlink("/proc/self/ns/net", mine, sizeof(mine) - 1) > 0);
	CHECK(readlink(path, its, sizeof(its) - 1) > 0);
	close(hold[1]);
	waitpid(pid, NULL, 0);
	CHECK(strcmp(mine, its) != 0);
	close(ready[0]);
	close(ready[1]);
	close(hold[0]);
}

static void root_is_refused(void)
{
	struct sandbox box = { .role = ROLE_IKED, .uid = 0, .gid = GID };
	struct err e = { 0 };

	CHECK_INT(sandbox_enter(&box, &e), -1);
	box.uid = UID;
	box.gid = 0;
	CHECK_INT(sandbox_enter(&box, &e), -1);
	box.gid = GID;
	box.role = ROLE_MONITOR;
	CHECK_INT(sandbox_enter(&box, &e), -1);
}

static void descriptors_are_closed(void)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		int a = dup(0), b = fcntl(0, F_DUPFD, 200);

		sandbox_close_from(3);
		_exit(fcntl(a, F_GETFD) < 0 && fcntl(b, F_GETFD) < 0 &&
		      fcntl(2, F_GETFD) >= 0 ? 0 : 1);
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_EXIT(status, 0);
}

int main(void)
{
	T_RUN(all_roles_can_work);
	T_RUN(has_nothing_left);
	T_RUN(is_not_dumpable);
	T_RUN(sockets_are_killed);
	T_RUN(files_are_out_of_reach);
	T_RUN(no_way_out);
	T_RUN(vaultd_does_not_accept);
	T_RUN(espd_sets_few_options);
	T_RUN(abort_still_works);
	T_RUN(threads_where_asked_for);
	T_RUN(vault_has_no_network);
	T_RUN(root_is_refused);
	T_RUN(descriptors_are_closed);
	return t_done();
}
