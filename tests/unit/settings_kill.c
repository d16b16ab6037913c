/* rooms: core/settings core/crypto core/base */
/* settings_kill: a writer killed before each of its system calls leaves the old settings
 * or the new ones, for readers at once and after the next writer has cleaned up; and who
 * reads while another writes sees no mixture. */
#include "core/settings/store.h"

#include "core/base/secret.h"
#include "tests/unit/t.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct err e;
static char base[64], dir[96];

static struct draft *peer(const char *name, int host, const char *psk)
{
	struct draft *d = draft_new_peer(name, NULL, &e);
	char text[64];

	CHECK(d);
	snprintf(text, sizeof(text), "198.51.100.%d", host);
	CHECK(draft_set(d, "remote_gateway", text, &e) == 0);
	snprintf(text, sizeof(text), "10.2.%d.0/24", host);
	CHECK(draft_set(d, "remote_network", text, &e) == 0);
	CHECK(draft_set(d, "local_network", "10.1.0.0/24", &e) == 0);
	CHECK(draft_set(d, "psk", psk, &e) == 0);
	return d;
}

#define PSK_ONE "FirstSecretOfThisLittleTest01"
#define PSK_TWO "OtherSecretOfThisLittleTest02"

/* What a reader sees, whole: every peer, every value, every key. */
static char *view(void)
{
	uint8_t *key = secret_new(PSK_MAX);
	struct sbuf out = { 0 };
	struct findings fs = { 0 };
	struct settings s;
	struct draft *d;
	size_t n;

	CHECK(key);
	CHECK(settings_load(dir, NULL, 0, &s, &fs, &e) == 0);
	CHECK_INT(fs.errors, 0);
	CHECK(settings_router_draft(dir, &d, NULL, &e) == 0);
	draft_diff(NULL, d, "", &out, NULL);
	draft_free(d);
	for (size_t i = 0; i < s.n_peers; i++) {
		sbuf_addf(&out, "%s\n", s.peers[i].name);
		CHECK(settings_peer_draft(dir, s.peers[i].name, &d, NULL, &e) == 0);
		draft_diff(NULL, d, "  ", &out, NULL);
		draft_free(d);
		CHECK(settings_secret(dir, s.peers[i].name, key, &n, &e) == 0);
		sbuf_addf(&out, "  key %.*s\n", (int)n, (const char *)key);
	}
	secret_free(key);
	settings_fini(&s);
	findings_fini(&fs);
	return sbuf_take(&out);
}

/* --- the changes --- */

static int several(void)
{
	struct store *s = store_open(dir, "test", &e);
	struct draft *c = peer("c", 3, PSK_TWO), *r = draft_new_router(), *a = NULL;
	struct commit cm = { 0 };
	int ok;

	ok = s && store_peer(s, "a", &a, NULL, &e) == 0 &&
	     draft_set(a, "keying_tries", "7", &e) == 0 &&
	     draft_set(a, "psk", PSK_TWO, &e) == 0 &&
	     draft_set(r, "wan", "eth0", &e) == 0 && store_put_peer(s, a, &e) == 0 &&
	     store_put_peer(s, c, &e) == 0 && store_put_router(s, r, &e) == 0 &&
	     store_del_peer(s, "b", &e) == 0 && store_commit(s, &cm, NULL, &e) == 0;
	draft_free(a);
	draft_free(c);
	draft_free(r);
	store_close(s);
	return ok ? 0 : -1;
}

static int renaming(void)
{
	return settings_peer_rename(dir, "a", "office", NULL, NULL, &e);
}

static int deleting(void)
{
	return settings_peer_delete(dir, "a", NULL, &e);
}

static int rolling_back(void)
{
	return settings_rollback(dir, 2, NULL, &e);
}

/* --- the killer --- */

/* Run fn in a child that dies before its k-th system call. 1: it got to its end before;
 * 0: it was killed; -1: fn failed. */
static int run_killed(int (*fn)(void), long k)
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
			_exit(99);
		raise(SIGSTOP);
		_exit(fn() == 0 ? 0 : 98);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 99)
		SKIP("ptrace is not permitted here");
	CHECK(ptrace(PTRACE_SETOPTIONS, pid, 0,
		     PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) == 0);
	for (long stops = 0;;) {
		CHECK(ptrace(PTRACE_SYSCALL, pid, 0, 0) == 0);
		CHECK(waitpid(pid, &status, 0) == pid);
		if (WIFEXITED(status))
			return WEXITSTATUS(status) == 0 ? 1 : -1;
		CHECK(WIFSTOPPED(status));
		/* Entry, exit, entry, … */
		if (WSTOPSIG(status) == (SIGTRAP | 0x80) && stops++ == 2 * k)
			break;
	}
	kill(pid, SIGKILL);
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
	return 0;
}

/* The work folder as a copy of another. */
static void restore(const char *from)
{
	char cmd[320];

	snprintf(cmd, sizeof(cmd), "rm -rf %s && cp -a %s %s", dir, from, dir);
	CHECK(system(cmd) == 0);
}

/* Kills fn everywhere, starting from a copy of the folder `from`. */
static void kill_everywhere(int (*fn)(void), const char *from)
{
	char *was, *is, *now, *after, cmd[200];
	bool seen_new = false;
	long k, switched = -1;
	struct store *s;
	int r = 0;

	restore(from);
	was = view();
	CHECK(fn() == 0);
	is = view();
	CHECK(strcmp(was, is) != 0);
	for (k = 0; r == 0; k++) {
		restore(from);
		r = run_killed(fn, k);
		CHECK(r >= 0);
		now = view();
		if (strcmp(now, was) != 0 && strcmp(now, is) != 0)
			printf("    killed before call %ld:\n%s", k, now);
		CHECK(strcmp(now, was) == 0 || strcmp(now, is) == 0);
		if (strcmp(now, is) == 0 && !seen_new)
			switched = k;
		seen_new |= strcmp(now, is) == 0;
#ifndef __SANITIZE_ADDRESS__
		/* Once it has happened, it stays so (give or take the few calls by which
		 * one run differs from the next; ASan gives memory back by the clock, in
		 * many calls). */
		CHECK(!seen_new || k < switched + 10 || strcmp(now, is) == 0);
#endif
		/* The next writer cleans up and changes nothing by that. */
		s = store_open(dir, "test", &e);
		CHECK(s);
		store_close(s);
		after = view();
		CHECK_STR(after, now);
		snprintf(cmd, sizeof(cmd),
			 "test -z \"$(find %s -name '*adit-tmp' -o -name journal)\"",
			 dir);
		CHECK(system(cmd) == 0);
		free(after);
		free(now);
	}
	CHECK(seen_new);
	printf("    %ld system calls, new from number %ld on\n", k - 1, switched);
	free(was);
	free(is);
}

static char template[96];

static void make_template(void)
{
	struct draft *a = peer("a", 1, PSK_ONE), *b = peer("b", 2, PSK_ONE);

	strcpy(base, access("/dev/shm", W_OK) == 0 ? "/dev/shm/adit-kill-XXXXXX" :
	       "/tmp/adit-kill-XXXXXX");
	CHECK(mkdtemp(base));
	snprintf(dir, sizeof(dir), "%s/template", base);
	CHECK(settings_peer_add(dir, a, NULL, NULL, &e) == 0);
	CHECK(settings_peer_add(dir, b, NULL, NULL, &e) == 0);
	CHECK(draft_set(a, "psk", "", &e) == 0 && draft_set(a, "mtu", "1400", &e) == 0);
	CHECK(settings_peer_change(dir, a, NULL, NULL, NULL, &e) == 0);
	snprintf(template, sizeof(template), "%s", dir);
	snprintf(dir, sizeof(dir), "%s/work", base);
	draft_free(a);
	draft_free(b);
}

static void several_files(void)
{
	kill_everywhere(several, template);
}

static void a_rename(void)
{
	kill_everywhere(renaming, template);
}

static void a_deletion(void)
{
	kill_everywhere(deleting, template);
}

static void a_rollback(void)
{
	kill_everywhere(rolling_back, template);
}

/* The first change ever, with settings made by hand before. */
static void the_first_commit(void)
{
	char first[128], cmd[320];

	snprintf(first, sizeof(first), "%s/first", base);
	snprintf(cmd, sizeof(cmd), "cp -a %s %s && rm -rf %s/history %s/lock", template,
		 first, first, first);
	CHECK(system(cmd) == 0);
	kill_everywhere(several, first);
}

static int recover(void)
{
	struct store *s = store_open(dir, "test", &e);

	store_close(s);
	return s ? 0 : -1;
}

/* Killed with a journal behind it, then killed again and again while the rest is done. */
static void the_recovery_itself(void)
{
	char pending[128], cmd[400];
	char *is, *now;
	long k, n = 0;
	int r = 0;

	snprintf(pending, sizeof(pending), "%s/pending", base);
	/* The earliest kill that leaves a journal. */
	for (k = 0; r == 0; k++) {
		char journal[160];

		restore(template);
		r = run_killed(several, k);
		snprintf(journal, sizeof(journal), "%s/journal", dir);
		if (access(journal, F_OK) == 0)
			break;
	}
	CHECK(r == 0);
	is = view();
	CHECK_HAS(is, "eth0");
	snprintf(cmd, sizeof(cmd), "cp -a %s %s", dir, pending);
	CHECK(system(cmd) == 0);
	for (r = 0; r == 0; n++) {
		restore(pending);
		r = run_killed(recover, n);
		CHECK(r >= 0);
		now = view();
		CHECK_STR(now, is);
		free(now);
		/* Half a recovery, then a whole one. */
		CHECK(recover() == 0);
		now = view();
		CHECK_STR(now, is);
		free(now);
	}
	CHECK(n > 20);
	free(is);
}

/* Two states with several files each, to and fro; every load is the one or the other. */
static int flip(bool b)
{
	struct store *s = store_open(dir, "flip", &e);
	struct commit c = { 0 };
	struct draft *x = NULL, *y = NULL, *z = peer("z", 9, PSK_ONE);
	int ok;

	ok = s && store_peer(s, "a", &x, NULL, &e) == 0 &&
	     store_peer(s, "b", &y, NULL, &e) == 0 &&
	     draft_set(x, "mtu", b ? "1300" : "1400", &e) == 0 &&
	     draft_set(y, "mtu", b ? "1300" : "1400", &e) == 0 &&
	     store_put_peer(s, x, &e) == 0 && store_put_peer(s, y, &e) == 0 &&
	     (b                        ? store_put_peer(s, z, &e)
	      : store_has_peer(s, "z") ? store_del_peer(s, "z", &e)
				       : 0) == 0 &&
	     store_commit(s, &c, NULL, &e) == 0;
	draft_free(x);
	draft_free(y);
	draft_free(z);
	store_close(s);
	return ok ? 0 : -1;
}

static void readers_see_no_mixture(void)
{
	unsigned loads = 0, states[2] = { 0, 0 };
	time_t end = time(NULL) + 2;
	pid_t pid;
	int status;

	restore(template);
	CHECK(flip(false) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		for (int i = 1; time(NULL) <= end; i++)
			if (flip(i & 1) < 0)
				_exit(1);
		_exit(0);
	}
	while (time(NULL) < end) {
		struct findings fs = { 0 };
		const struct peer_conf *a, *b;
		struct settings s;

		CHECK(settings_load(dir, NULL, 0, &s, &fs, &e) == 0);
		a = settings_peer(&s, "a");
		b = settings_peer(&s, "b");
		CHECK(a && b);
		CHECK_INT(a->mtu, b->mtu);
		CHECK_INT(settings_peer(&s, "z") != NULL, a->mtu == 1300);
		states[a->mtu == 1300]++;
		loads++;
		settings_fini(&s);
		findings_fini(&fs);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	printf("    %u loads, %u and %u of each state\n", loads, states[0], states[1]);
	CHECK(states[0] && states[1]);
}

int main(void)
{
	T_RUN(make_template);
	T_RUN(several_files);
	T_RUN(a_rename);
	T_RUN(a_deletion);
	T_RUN(a_rollback);
	T_RUN(the_first_commit);
	T_RUN(the_recovery_itself);
	T_RUN(readers_see_no_mixture);
	if (base[0]) {
		char cmd[80];

		snprintf(cmd, sizeof(cmd), "rm -rf %s", base);
		if (system(cmd) != 0)
			return 1;
	}
	return t_done();
}
