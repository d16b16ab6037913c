/* rooms: core/base */
/* stopwatch: the clock of `make bench`. It starts a command and prints, in milliseconds, how
 * long it took until something that a user waits for:
 *
 *   stopwatch ready adit|vici SOCKET CMD...     a daemon answers its first request; it is ended
 *   stopwatch flow ADDR PORT NETNS CMD...       a datagram went out and came back; CMD runs in NETNS
 *   stopwatch lines FILE TEXT N CMD...          FILE has N new lines with TEXT in them
 *   stopwatch wall N CMD... ::: CMD...          both ended; N times in turns, a pair a line
 *   stopwatch echo ADDR PORT                    sends datagrams back, for flow
 *
 * What a shell would add by its own forks is left out this way. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GIVE_UP_MS 60000.0
#define PROBE_MS 1
#define END_WAIT_MS 8000.0

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void nap_us(long us)
{
	struct timespec t = { .tv_nsec = us * 1000 };

	nanosleep(&t, NULL);
}

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("stopwatch: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

/* Only what goes wrong is shown of the command. netns: a path, or NULL. */
static pid_t start(char **argv, const char *netns)
{
	pid_t pid = fork();
	int fd;

	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid > 0)
		return pid;
	if (netns) {
		fd = open(netns, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || setns(fd, CLONE_NEWNET) < 0) {
			perror(netns);
			_exit(127);
		}
	}
	fd = open("/dev/null", O_RDWR);
	if (fd >= 0) {
		dup2(fd, STDIN_FILENO);
		dup2(fd, STDOUT_FILENO);
	}
	execvp(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

static int code_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int finished(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("wait: %s", strerror(errno));
	return code_of(status);
}

/* A daemon of ours: asked to end, then made to. */
static void end(pid_t pid)
{
	double limit = now_ms() + END_WAIT_MS;

	kill(pid, SIGTERM);
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (now_ms() > limit) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			return;
		}
		nap_us(2000);
	}
}

/* ---- ready ---- */

static const char adit_request[] = "{\"v\":1,\"id\":1,\"cmd\":\"status\"}\n";
/* vici: the length, CMD_REQUEST, and the command's name after its length. */
static const char vici_request[] = "\0\0\0\x09\0\x07version";

static int try_connect(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(a.sun_path))
		die("%s: too long", path);
	strcpy(a.sun_path, path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* One request and the first bytes of its answer; false: no such luck yet. */
static int answers(const char *path, const char *request, size_t len)
{
	struct pollfd p = { .fd = try_connect(path), .events = POLLIN };
	char buf[256];
	int good;

	if (p.fd < 0)
		return 0;
	good = send(p.fd, request, len, MSG_NOSIGNAL) == (ssize_t)len &&
	       poll(&p, 1, (int)GIVE_UP_MS) == 1 && recv(p.fd, buf, sizeof(buf), 0) > 0;
	close(p.fd);
	return good;
}

static int ready(char **a)
{
	int vici = strcmp(a[0], "vici") == 0, up = 0;
	const char *request = vici ? vici_request : adit_request;
	size_t len = vici ? sizeof(vici_request) - 1 : sizeof(adit_request) - 1;
	double t0, t1 = 0;
	pid_t pid;

	unlink(a[1]);
	t0 = now_ms();
	pid = start(a + 2, NULL);
	while (!up && t1 - t0 < GIVE_UP_MS) {
		up = answers(a[1], request, len);
		t1 = now_ms();
		if (!up && waitpid(pid, NULL, WNOHANG) == pid)
			die("%s ended at once", a[2]);
		if (!up)
			nap_us(200);
	}
	end(pid);
	if (!up)
		die("%s does not get ready", a[2]);
	printf("%.2f\n", t1 - t0);
	return 0;
}

/* ---- flow and echo ---- */

static int udp(const char *addr, const char *port, int server)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (inet_pton(AF_INET, addr, &to.sin_addr) != 1)
		die("%s is no address", addr);
	if (fd < 0 || (server ? bind : connect)(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("%s: %s", addr, strerror(errno));
	return fd;
}

static int echo(char **a)
{
	int fd = udp(a[0], a[1], 1);
	struct sockaddr_in from;
	socklen_t len;
	char buf[64];
	ssize_t n;

	do {
		len = sizeof(from);
		n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);
		/* One that cannot be answered: the next probe will tell. */
		if (n > 0 && sendto(fd, buf, (size_t)n, 0, (struct sockaddr *)&from, len) < 0)
			errno = 0;
	} while (n >= 0 || errno == EINTR);
	die("recv: %s", strerror(errno));
}

/* True when a probe of this run is back before the next one is due. */
static int probe(int fd, uint64_t run)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	double due = now_ms() + PROBE_MS;
	uint64_t got = 0;

	/* No way there yet: an ICMP error is reported here, or ENETUNREACH. */
	if (send(fd, &run, sizeof(run), 0) < 0)
		errno = 0;
	while (now_ms() < due) {
		struct timespec t = { .tv_nsec = (long)((due - now_ms()) * 1e6) };

		if (t.tv_nsec <= 0 || ppoll(&p, 1, &t, NULL) <= 0)
			continue;
		if (recv(fd, &got, sizeof(got), 0) == sizeof(got) && got == run)
			return 1;
	}
	return 0;
}

static int flow(char **a)
{
	int fd = udp(a[0], a[1], 0), back = 0, rc;
	uint64_t run = 0;
	double t0, t1;
	pid_t pid;

	if (getrandom(&run, sizeof(run), 0) != sizeof(run))
		die("no randomness");
	for (int i = 0; i < 4; i++)
		if (probe(fd, run))
			die("datagrams pass before anything was started");
	t0 = t1 = now_ms();
	pid = start(a + 3, a[2]);
	while (!back && t1 - t0 < GIVE_UP_MS) {
		back = probe(fd, run);
		t1 = now_ms();
	}
	rc = finished(pid);
	if (!back)
		die("nothing came back in %.0f s", GIVE_UP_MS / 1000);
	if (rc)
		die("%s ended with %d", a[3], rc);
	printf("%.2f\n", t1 - t0);
	return 0;
}

/* ---- lines ---- */

/* Count the lines with text between where f stands and its last newline. */
static long count(FILE *f, const char *text)
{
	static char line[4096];
	long n = 0, at = ftell(f);

	clearerr(f);
	while (fgets(line, sizeof(line), f)) {
		if (!strchr(line, '\n') && strlen(line) < sizeof(line) - 1)
			break;		/* being written */
		at = ftell(f);
		if (strstr(line, text))
			n++;
	}
	fseek(f, at, SEEK_SET);
	return n;
}

static int lines(char **a)
{
	FILE *f = fopen(a[0], "r");
	long want = atol(a[2]), have = 0;
	double t0, t1;
	pid_t pid;
	int rc;

	if (!f || fseek(f, 0, SEEK_END) < 0)
		die("%s: %s", a[0], strerror(errno));
	t0 = t1 = now_ms();
	pid = start(a + 3, NULL);
	while (have < want && t1 - t0 < GIVE_UP_MS) {
		nap_us(2000);
		have += count(f, a[1]);
		t1 = now_ms();
	}
	rc = finished(pid);
	if (have < want)
		die("only %ld of %ld lines with \"%s\"", have, want, a[1]);
	if (rc)
		die("%s ended with %d", a[3], rc);
	printf("%.1f\n", t1 - t0);
	return 0;
}

/* ---- wall ---- */

static double wall_of(char **argv)
{
	double t0 = now_ms();
	int rc = finished(start(argv, NULL));

	if (rc)
		die("%s ended with %d", argv[0], rc);
	return now_ms() - t0;
}

static int wall(char **a)
{
	int rounds = atoi(a[0]);
	char **second = a + 1;
	double x, y;

	while (*second && strcmp(*second, ":::") != 0)
		second++;
	if (!*second || !second[1])
		die("wall: two commands, with ::: between");
	*second++ = NULL;
	for (int i = 0; i < rounds; i++) {
		x = wall_of(a + 1);
		y = wall_of(second);
		printf("%.3f %.3f\n", x, y);
	}
	return 0;
}

static const struct mode {
	const char *name;
	int args;
	int (*fn)(char **args);
} modes[] = {
	{ "ready", 3, ready }, { "flow", 4, flow }, { "lines", 4, lines },
	{ "wall", 4, wall }, { "echo", 2, echo },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (argc >= 2 && strcmp(argv[1], modes[i].name) == 0 && argc - 2 >= modes[i].args)
			return modes[i].fn(argv + 2);
	die("usage: ready|flow|lines|wall|echo, see its source");
}
