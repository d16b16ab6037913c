/* rooms: dataplane/esp core/base */
/* limits: what the parts of the userspace dataplane can do at most on this machine, with nothing
 * else in the way. One thread.
 *
 *   limits tun NETNS NETNS whole|single    a TUN "null0" in each; what one gives goes to the
 *                                          other, until ended. whole: with virtio-net headers,
 *                                          64 KB at a time; single: packet by packet
 *   limits udp BYTES SECONDS [each]        UDP_SEGMENT out, UDP_GRO in, over this network
 *                                          namespace's lo; each: datagram by datagram (sendmmsg,
 *                                          recvmmsg). Prints Gbit/s
 *   limits csum BYTES                      the Internet checksum. Prints GB/s
 */
#include "dataplane/esp/csum.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif
#define BATCH 64
#define WHOLE_MAX (65536 + 64)

static uint8_t buf[BATCH][WHOLE_MAX];

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "limits: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int open_tun(const char *netns, int whole)
{
	struct ifreq ifr = { .ifr_name = "null0" };
	unsigned offload = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	char path[256];
	int ns, fd;

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWNET) < 0)
		die(path);
	close(ns);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	ifr.ifr_flags = (short)(IFF_TUN | IFF_NO_PI | (whole ? IFF_VNET_HDR : 0));
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0)
		die("/dev/net/tun");
	if (whole && ioctl(fd, TUNSETOFFLOAD, offload | TUN_F_USO4 | TUN_F_USO6) < 0 &&
	    ioctl(fd, TUNSETOFFLOAD, offload) < 0)
		die("TUNSETOFFLOAD");
	return fd;
}

static _Noreturn void tun(const char *a, const char *b, int whole)
{
	struct pollfd p[2] = { { .events = POLLIN }, { .events = POLLIN } };

	p[0].fd = open_tun(a, whole);
	p[1].fd = open_tun(b, whole);
	puts("ready");
	fflush(stdout);
	for (;;) {
		if (poll(p, 2, -1) < 0)
			die("poll");
		for (int i = 0; i < 2; i++) {
			if (p[i].revents & (POLLERR | POLLHUP))
				exit(0);
			for (int k = 0; (p[i].revents & POLLIN) && k < BATCH; k++) {
				ssize_t n = read(p[i].fd, buf[0], WHOLE_MAX);

				if (n <= 0)
					break;
				/* What the other does not take is lost, as on a wire. */
				if (write(p[!i].fd, buf[0], (size_t)n) < 0 && errno != EAGAIN &&
				    errno != EINVAL && errno != EIO)
					die("write");
			}
		}
	}
}

static int udp_socket(struct sockaddr_in *sa)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), size = 8 << 20;
	socklen_t len = sizeof(*sa);

	*sa = (struct sockaddr_in){ .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (fd < 0 || bind(fd, (struct sockaddr *)sa, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)sa, &len) < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	return fd;
}

/* One thread sends what fits into 64 KB and takes it in again. */
static double udp(size_t bytes, double seconds, int each)
{
	struct sockaddr_in to, from;
	int out = udp_socket(&from), in = udp_socket(&to), one = 1, size = (int)bytes;
	size_t per = 65000 / bytes < BATCH ? 65000 / bytes : BATCH;
	struct iovec iov[BATCH];
	struct mmsghdr m[BATCH];
	double begin = now(), t, got = 0;

	if (connect(out, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("connect");
	if (!each && (setsockopt(out, SOL_UDP, UDP_SEGMENT, &size, sizeof(size)) < 0 ||
		      setsockopt(in, SOL_UDP, UDP_GRO, &one, sizeof(one)) < 0))
		die("UDP_SEGMENT");
	memset(m, 0, sizeof(m));
	for (size_t i = 0; i < BATCH; i++)
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	while ((t = now() - begin) < seconds) {
		for (size_t i = 0; i < BATCH; i++)
			iov[i] = (struct iovec){ buf[i], bytes };
		if (each ? sendmmsg(out, m, (unsigned)per, 0) < 0
			 : send(out, buf[0], per * bytes, 0) < 0)
			die("send");
		for (size_t i = 0; i < BATCH; i++)
			iov[i].iov_len = WHOLE_MAX;
		for (;;) {
			int n = recvmmsg(in, m, each ? BATCH : 1, 0, NULL);

			if (n <= 0)
				break;
			for (int i = 0; i < n; i++)
				got += m[i].msg_len;
		}
	}
	return got * 8 / t / 1e9;
}

static double csum(size_t bytes)
{
	volatile uint32_t keep;
	double begin = now(), t, n = 0;
	uint32_t sum = 0;

	for (; (t = now() - begin) < 1; n += 1000)
		for (int i = 0; i < 1000; i++)
			sum = csum_add(sum, buf[i % 2], bytes);
	keep = sum;
	(void)keep;
	return n * (double)bytes / t / 1e9;
}

int main(int argc, char **argv)
{
	size_t bytes = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

	if (argc == 5 && strcmp(argv[1], "tun") == 0)
		tun(argv[2], argv[3], strcmp(argv[4], "whole") == 0);
	if (argc >= 4 && strcmp(argv[1], "udp") == 0 && bytes && bytes <= 65000)
		printf("%.2f\n", udp(bytes, atof(argv[3]), argc > 4));
	else if (argc == 3 && strcmp(argv[1], "csum") == 0 && bytes <= WHOLE_MAX)
		printf("%.1f\n", csum(bytes));
	else
		return fprintf(stderr, "usage: limits tun NETNS NETNS whole|single\n"
				"       limits udp BYTES SECONDS [each]\n       limits csum BYTES\n"), 2;
	return 0;
}
