/* sandbox: in the order that works: what needs root first, the system call filter last. */
#include "core/daemon/sandbox.h"

#include "core/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef SOL_ALG
#define SOL_ALG 279
#endif

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* Keys are locked in memory: core/base/secret takes 16 kB at a time. */
#define MEMLOCK_BYTES (64u * 1024 * 1024)

/* By name, because which of them exist differs between architectures and C libraries; a name
 * that is unknown here is passed over. */
static const char *const everyone[] = {
	/* hot ones first: the filter tries them in this order */
	"epoll_wait", "epoll_pwait", "epoll_pwait2", "recvmsg", "sendmsg", "read", "write",
	"clock_gettime", "clock_gettime64", "epoll_ctl", "readv", "writev",
	"gettimeofday", "time", "getrandom", "munmap", "mremap", "brk", "madvise", "mlock",
	"mlock2", "munlock", "close", "fcntl", "fcntl64", "futex", "futex_time64", "shutdown",
	"poll", "ppoll", "ppoll_time64", "rt_sigprocmask", "rt_sigreturn", "sigreturn",
	"rt_sigaction", "restart_syscall", "getpid", "gettid", "exit", "exit_group", "fstat",
	"fstat64",
	/* what glibc calls for fstat(); there is no file to name in an empty root */
	"newfstatat", "fstatat64",
	/* glibc's qsort asks once how much memory there is, when it sorts more than 1 kB */
	"sysinfo", NULL,
};

static const char *const iked_calls[] = {
	"recvfrom", "sendto", "recv", "send", "recvmmsg", "recvmmsg_time64", "sendmmsg",
	"accept4", "accept", "getsockopt", "getsockname", "getpeername", "getuid", "getgid",
	"geteuid", "getegid", NULL,
};

static const char *const vaultd_calls[] = { NULL };

static const char *const espd_calls[] = {
	"recvmmsg", "recvmmsg_time64", "sendmmsg", "recvfrom", "sendto", "recv", "send",
	"getsockopt", "getsockname",
	/* requests to AF_ALG sockets, which aditd opened */
	"accept4", "pread64", "io_setup", "io_submit", "io_getevents", "io_destroy", NULL,
};

static const char *const tool_calls[] = {
	"recvfrom", "sendto", "recv", "send", NULL,
};

/* What starting and running a thread takes; clone itself is looked at below. */
static const char *const thread_calls[] = {
	"set_robust_list", "rseq", "sched_yield", "sched_setaffinity", "sched_getaffinity",
	"set_tid_address", "eventfd2", "epoll_create1", "nanosleep", "clock_nanosleep",
	"clock_nanosleep_time64", NULL,
};

bool sandbox_has_seccomp(void)
{
	return !SANITIZED;
}

static int limit(int what, rlim_t most, struct err *e)
{
	struct rlimit r = { most, most };

	if (setrlimit(what, &r) < 0)
		return err_errno(e, "setrlimit");
	return 0;
}

static int set_limits(const struct sandbox *what, struct err *e)
{
	/* iked: control clients. espd: a descriptor for every peer's interface. */
	static const rlim_t files[] = {
		[ROLE_IKED] = 256, [ROLE_VAULTD] = 32, [ROLE_ESPD] = 4096,
	};
	struct rlimit now;

	/* A container may not let us raise it; secret_locked() then tells. */
	if (limit(RLIMIT_MEMLOCK, MEMLOCK_BYTES, NULL) < 0 &&
	    getrlimit(RLIMIT_MEMLOCK, &now) == 0)
		(void)limit(RLIMIT_MEMLOCK, now.rlim_max, NULL);
	if (getrlimit(RLIMIT_NOFILE, &now) < 0)
		return err_errno(e, "getrlimit");
	if (limit(RLIMIT_NOFILE, now.rlim_max < files[what->role] ? now.rlim_max :
		  files[what->role], e) < 0 || limit(RLIMIT_CORE, 0, e) < 0)
		return -1;
	/* Threads count as processes here; for them the filter alone forbids fork. The
	 * sanitizer makes one when it looks for leaks. */
	if (!what->threads && !SANITIZED)
		return limit(RLIMIT_NPROC, 0, e);
	return 0;
}

/* A folder that was removed while it is open: it is empty, nothing can be made in it by
 * anyone, and it needs no mount and nothing installed. */
static int empty_root(struct err *e)
{
	static const char *const places[] = { "/run", "/tmp", "/dev/shm", "/var/tmp" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char path[64];
		int fd, r;

		snprintf(path, sizeof(path), "%s/adit-empty-XXXXXX", places[i]);
		if (!mkdtemp(path))
			continue;
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		rmdir(path);
		if (fd < 0)
			continue;
		r = fchdir(fd) < 0 || chroot(".") < 0 || chdir("/") < 0;
		close(fd);
		if (r)
			return err_errno(e, "cannot enter an empty root");
		return 0;
	}
	return err_set(e, "no place for an empty root: /run, /tmp, /dev/shm and /var/tmp are "
		       "all read-only");
}

static void own_network(void)
{
	/* In a container that forbids it the filter still keeps vaultd from any socket. */
	if (unshare(CLONE_NEWNET) < 0)
		log_debug(NULL, "vaultd: no network namespace of its own");
}

static int drop_bounding(struct err *e)
{
	const unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
		SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
		SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

	for (unsigned long cap = 0; cap < 64; cap++) {
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) < 0)
			break;	/* past the kernel's last */
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return err_errno(e, "cannot drop a capability");
	}
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) < 0)
		return err_errno(e, "cannot lock the secure bits");
	return 0;
}

static int become(const struct sandbox *what, struct err *e)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };

	if (setgroups(0, NULL) < 0 || setresgid(what->gid, what->gid, what->gid) < 0 ||
	    setresuid(what->uid, what->uid, what->uid) < 0)
		return err_errno(e, "cannot become user %u", (unsigned)what->uid);
	if (syscall(SYS_capset, &h, none) < 0)
		return err_errno(e, "cannot drop capabilities");
	if (setuid(0) == 0 || getuid() != what->uid || geteuid() != what->uid ||
	    getgid() != what->gid || getegid() != what->gid)
		return err_set(e, "still root after giving it up");
	/* Both are reset by the change of user. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(e, "prctl");
	return 0;
}

static int allow(scmp_filter_ctx f, const char *const *names)
{
	for (; *names; names++) {
		int nr = seccomp_syscall_resolve_name(*names);

		if (nr == __NR_SCMP_ERROR)
			continue;
		if (seccomp_rule_add(f, SCMP_ACT_ALLOW, nr, 0) < 0)
			return -1;
	}
	return 0;
}

/* Memory yes, but never executable. */
static int allow_memory(scmp_filter_ctx f)
{
	static const int calls[] = { SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(mprotect) };

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (seccomp_rule_add(f, SCMP_ACT_ALLOW, calls[i], 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) < 0)
			return -1;
	/* abort() and assert() signal the own process, and nobody else. */
	if (seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
			     SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid())) < 0)
		return -1;
	return 0;
}

static int allow_threads(scmp_filter_ctx f)
{
	/* clone3 hides its flags in memory; without it the C library takes clone. */
	if (allow(f, thread_calls) < 0 ||
	    seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) < 0)
		return -1;
	return seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
}

/* espd's sockets: don't fragment, UDP checksums, AF_ALG's keys. With IP_HDRINCL, say, its raw
 * sockets would send any packet. */
static int allow_options(scmp_filter_ctx f)
{
	static const struct { int level, option; } options[] = {
		{ IPPROTO_IP, IP_MTU_DISCOVER }, { IPPROTO_IPV6, IPV6_MTU_DISCOVER },
		{ SOL_SOCKET, SO_NO_CHECK },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 2,
				     SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)options[i].level),
				     SCMP_A2(SCMP_CMP_EQ, (scmp_datum_t)options[i].option)) < 0)
			return -1;
	return seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 1,
				SCMP_A1(SCMP_CMP_EQ, SOL_ALG));
}

static int filter(const struct sandbox *what, const char *const *own, struct err *e)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = -1;

	if (!f)
		return err_set(e, "cannot make a system call filter");
	seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (what->threads)
		seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
	if (allow(f, everyone) == 0 && allow(f, own) == 0 && allow_memory(f) == 0 &&
	    (own != espd_calls || allow_options(f) == 0) &&
	    (!what->threads || allow_threads(f) == 0))
		r = seccomp_load(f);
	seccomp_release(f);
	if (r < 0) {
		errno = -r;
		return err_errno(e, "cannot load the system call filter");
	}
	return 0;
}

/* The C library looks for /etc/localtime at the first date it takes apart, UTC or not. */
static void utc_alone(void)
{
	setenv("TZ", "UTC0", 1);
	tzset();
}

int sandbox_enter(const struct sandbox *what, struct err *e)
{
	utc_alone();
	if (!what->uid || !what->gid || what->role == ROLE_MONITOR)
		return err_set(e, "no unprivileged user to become");
	if (what->role == ROLE_VAULTD)
		own_network();
	if (set_limits(what, e) < 0 || empty_root(e) < 0 || drop_bounding(e) < 0 ||
	    become(what, e) < 0)
		return -1;
	return sandbox_has_seccomp() ? filter(what, what->role == ROLE_IKED ? iked_calls :
					      what->role == ROLE_VAULTD ? vaultd_calls :
					      espd_calls, e) : 0;
}

int sandbox_tool(uid_t uid, gid_t gid, struct err *e)
{
	struct sandbox what = { .role = ROLE_IKED, .uid = uid, .gid = gid };

	utc_alone();
	if (getuid() == 0 && (empty_root(e) < 0 || drop_bounding(e) < 0 || become(&what, e) < 0))
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || limit(RLIMIT_CORE, 0, e) < 0)
		return err_errno(e, "cannot give up privileges");
	return sandbox_has_seccomp() ? filter(&what, tool_calls, e) : 0;
}
