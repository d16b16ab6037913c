/* rooms: core/base */
/* udp_rate: how many UDP datagrams a second arrive when less than one in a thousand is lost.
 *
 *   udp_rate serve ADDR PORT
 *   udp_rate find ADDR PORT BYTES [SECONDS]     IP packets of so many bytes; seconds a try (0.5)
 *   udp_rate load ADDR PORT BYTES KPPS SECONDS  so many; prints what arrived
 *
 * find prints thousands a second: doubled until too many are lost, then by bisection. A rate
 * counts when one of two tries keeps to it, as a hiccup of the machine says nothing of the
 * path; what only fills a queue on the way, to arrive later, does not. What this sender cannot
 * send is not found. Both ends are on one machine, with one clock.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 32
#define HEADERS 28		/* IPv4 and UDP */
#define STEP 0.06		/* the bisection ends at 6 % */

enum kind { DATA = 'd', END = 'e' };

struct msg {
	uint32_t kind, run;
	uint64_t count;
	double last;		/* when the last of them arrived */
};

static char bufs[BATCH][2048];
static struct iovec iovs[BATCH];
static struct mmsghdr msgs[BATCH];

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "udp_rate: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int open_socket(const char *addr, const char *port, struct sockaddr_in *sa)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 8 << 20;

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	memset(sa, 0, sizeof(*sa));
	sa->sin_family = AF_INET;
	sa->sin_port = htons((uint16_t)atoi(port));
	if (inet_pton(AF_INET, addr, &sa->sin_addr) != 1)
		die(addr);
	for (int i = 0; i < BATCH; i++) {
		iovs[i] = (struct iovec){ bufs[i], sizeof(bufs[i]) };
		msgs[i].msg_hdr = (struct msghdr){ .msg_iov = &iovs[i], .msg_iovlen = 1 };
	}
	return fd;
}

static _Noreturn void serve(const char *addr, const char *port)
{
	struct sockaddr_in sa, from[BATCH];
	int fd = open_socket(addr, port, &sa), n;
	uint32_t run = 0;
	uint64_t count = 0;
	double last = 0, when;
	struct msg m;

	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		die("bind");
	for (;;) {
		for (int i = 0; i < BATCH; i++) {
			msgs[i].msg_hdr.msg_name = &from[i];
			msgs[i].msg_hdr.msg_namelen = sizeof(from[i]);
		}
		n = recvmmsg(fd, msgs, BATCH, MSG_WAITFORONE, NULL);
		if (n < 0 && errno != EINTR)
			die("recvmmsg");
		when = now();
		for (int i = 0; i < n; i++) {
			if (msgs[i].msg_len < sizeof(m))
				continue;
			memcpy(&m, bufs[i], sizeof(m));
			if (m.run != run) {
				run = m.run;
				count = 0;
			}
			if (m.kind == DATA) {
				last = when;
				count++;
				continue;
			}
			m.count = count;
			m.last = last;
			sendto(fd, &m, sizeof(m), 0, (struct sockaddr *)&from[i], sizeof(from[i]));
		}
	}
}

/* How many of this run arrived, and when the last did. The end is said again until there is an answer. */
static struct msg ask(int fd, uint32_t run)
{
	struct timeval wait = { .tv_usec = 100000 };
	struct msg m;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	usleep(50000);		/* queues on the way run empty */
	for (int i = 0; i < 50; i++) {
		m = (struct msg){ .kind = END, .run = run };
		if (send(fd, &m, sizeof(m), 0) < 0)
			continue;
		while (recv(fd, &m, sizeof(m), 0) == sizeof(m))
			if (m.run == run)
				return m;
	}
	errno = ETIMEDOUT;
	die("no answer");
}

struct outcome {
	double sent, got;	/* a second */
	double lost;		/* the part of all */
};

static struct outcome try(int fd, size_t bytes, double rate, double seconds)
{
	static uint32_t run;
	struct msg answer, m = { .kind = DATA, .run = ++run + (uint32_t)getpid() * 1000u };
	struct outcome o;
	uint64_t sent = 0;
	double begin, t;

	for (int i = 0; i < BATCH; i++) {
		memcpy(bufs[i], &m, sizeof(m));
		iovs[i].iov_len = bytes - HEADERS;
	}
	begin = now();
	while ((t = now() - begin) < seconds) {
		double due = rate * t - (double)sent;
		int n = due > BATCH ? BATCH : (int)due;

		if (n < 1) {
			struct timespec nap = { .tv_nsec = 50000 };

			nanosleep(&nap, NULL);
			continue;
		}
		n = sendmmsg(fd, msgs, (unsigned)n, 0);
		if (n < 0 && errno != ENOBUFS && errno != EAGAIN && errno != ECONNREFUSED)
			die("sendmmsg");
		if (n > 0)
			sent += (uint64_t)n;
	}
	t = now() - begin;
	answer = ask(fd, m.run);
	o.sent = (double)sent / t;
	if (answer.last - begin > t)
		t = answer.last - begin;
	o.got = (double)answer.count / t;
	o.lost = 1 - (double)answer.count / (double)sent;
	return o;
}

/* What one of two tries delivers at this rate; 0 when both lose too many or are late. */
static double holds(int fd, size_t bytes, double rate, double seconds)
{
	for (int i = 0; i < 2; i++) {
		struct outcome o = try(fd, bytes, rate, seconds);

		if (o.lost < 0.001 && o.got > o.sent * 0.95)
			return o.got;
	}
	return 0;
}

static double find(int fd, size_t bytes, double seconds)
{
	double low = 0, high = 8000, best = 0, got;

	for (;; high *= 2) {
		got = holds(fd, bytes, high, seconds);
		if (got > best)
			best = got;
		if (got < high * 0.9)	/* lost, or more than we can send */
			break;
		low = high;
	}
	while (high - low > STEP * high) {
		double rate = (low + high) / 2;

		got = holds(fd, bytes, rate, seconds);
		if (got > best)
			best = got;
		if (got >= rate * 0.9)
			low = rate;
		else
			high = rate;
	}
	return best;
}

int main(int argc, char **argv)
{
	struct sockaddr_in sa;
	size_t bytes;
	int fd;

	if (argc == 4 && strcmp(argv[1], "serve") == 0)
		serve(argv[2], argv[3]);
	if (argc < 5 || (bytes = strtoul(argv[4], NULL, 10)) < HEADERS + sizeof(struct msg) ||
	    bytes > sizeof(bufs[0])) {
		fprintf(stderr, "usage: udp_rate serve ADDR PORT\n"
				"       udp_rate find ADDR PORT BYTES [SECONDS]\n"
				"       udp_rate load ADDR PORT BYTES KPPS SECONDS\n");
		return 2;
	}
	fd = open_socket(argv[2], argv[3], &sa);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		die("connect");
	if (strcmp(argv[1], "find") == 0) {
		printf("%.2f\n", find(fd, bytes, argc > 5 ? atof(argv[5]) : 0.5) / 1e3);
		return 0;
	}
	if (strcmp(argv[1], "load") == 0 && argc == 7) {
		struct outcome o = try(fd, bytes, atof(argv[5]) * 1e3, atof(argv[6]));

		printf("%.2f of %.2f, %.2f %% lost\n", o.got / 1e3, o.sent / 1e3, o.lost * 100);
		return 0;
	}
	return 2;
}
