/* sock: why: the order of binding and the program below decide which process sees which
 * datagram, so all of it is in one place. */
#include "core/net/sock.h"

#include "core/net/route.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A burst of one ESP window (64 KB segments come in one go) must not be lost while the
 * worker is busy; IKE is small. */
#define ESP_BUF (4 << 20)
#define IKE_BUF (1 << 20)

static int set(int fd, int level, int opt, int value)
{
	return setsockopt(fd, level, opt, &value, sizeof(value));
}

static void set_buffers(int fd, int size)
{
	/* FORCE passes net.core.rmem_max, which is 208 KB on most systems. */
	if (set(fd, SOL_SOCKET, SO_RCVBUFFORCE, size))
		set(fd, SOL_SOCKET, SO_RCVBUF, size);
	if (set(fd, SOL_SOCKET, SO_SNDBUFFORCE, size))
		set(fd, SOL_SOCKET, SO_SNDBUF, size);
}

static int set_family_options(int fd, int family, struct err *e)
{
	if (family == AF_INET) {
		if (set(fd, IPPROTO_IP, IP_PKTINFO, 1) ||
		    set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT))
			return err_errno(e, "set up an IPv4 socket");
		return 0;
	}
	if (set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) ||
	    set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) ||
	    set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT))
		return err_errno(e, "set up an IPv6 socket");
	return 0;
}

static int open_one(int family, uint16_t port, bool group, int buffer, int *out, struct err *e)
{
	struct endpoint any = { .addr = { .family = (uint8_t)family }, .port = port };
	struct sockaddr_storage ss;
	socklen_t len = endpoint_to_sockaddr(&any, &ss);
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);

	if (fd < 0)
		return err_errno(e, "open a UDP socket");
	if (set_family_options(fd, family, e))
		goto fail;
	if (set(fd, SOL_SOCKET, SO_MARK, (int)ROUTE_MARK)) {
		err_errno(e, "mark a UDP socket");
		goto fail;
	}
	if (group && set(fd, SOL_SOCKET, SO_REUSEPORT, 1)) {
		err_errno(e, "share UDP port %u", port);
		goto fail;
	}
	/* What ICMP says of a peer that does not answer is worth a word (ike/main/net.c reads
	 * it). Not where the socket is one of a group: it would go to any of them. */
	if (!group)
		set(fd, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
		    family == AF_INET ? IP_RECVERR : IPV6_RECVERR, 1);
	set_buffers(fd, buffer);
	if (bind(fd, (struct sockaddr *)&ss, len)) {
		if (errno == EADDRINUSE)
			err_set(e, "UDP port %u (%s) is in use by another program: is another "
				"IPsec daemon running?", port, family == AF_INET ? "IPv4" : "IPv6");
		else
			err_errno(e, "bind UDP port %u", port);
		goto fail;
	}
	*out = fd;
	return 0;
fail:
	close(fd);
	return -1;
}

/* Joining a group succeeds also when another program of ours began it (same user, also with
 * SO_REUSEPORT), and then our numbers would be wrong: so look first. */
static int port_is_free(int family, uint16_t port, struct err *e)
{
	int fd;

	if (open_one(family, port, false, IKE_BUF, &fd, e))
		return -1;
	close(fd);
	return 0;
}

static int steer(int fd, unsigned workers, struct err *e)
{
	/* The data begins at the UDP payload. A load past its end ends the program with 0. */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 24),
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, workers),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	struct sock_fprog prog = { .len = sizeof(code) / sizeof(*code), .filter = code };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &prog, sizeof(prog)))
		return err_errno(e, "attach the program that tells IKE from ESP");
	return 0;
}

static int open_family(struct sock_set *s, int i, int family, struct err *e)
{
	if (port_is_free(family, s->natt_port, e) ||
	    open_one(family, s->ike_port, false, IKE_BUF, &s->ike500[i], e) ||
	    open_one(family, s->natt_port, true, IKE_BUF, &s->ike4500[i], e) ||
	    steer(s->ike4500[i], s->workers, e))
		return -1;
	for (unsigned w = 0; w < s->workers; w++)
		if (open_one(family, s->natt_port, true, ESP_BUF, &s->esp4500[i][w], e))
			return -1;
	return 0;
}

static bool kernel_has(int family)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

void sock_init(struct sock_set *s)
{
	for (int i = 0; i < SOCK_FAMILIES; i++) {
		s->ike500[i] = s->ike4500[i] = -1;
		for (unsigned w = 0; w < SOCK_WORKERS_MAX; w++)
			s->esp4500[i][w] = -1;
	}
}

int sock_open(struct sock_set *s, uint16_t ike_port, uint16_t natt_port, unsigned workers,
	      struct err *e)
{
	static const int families[SOCK_FAMILIES] = { [SOCK_V4] = AF_INET, [SOCK_V6] = AF_INET6 };
	int opened = 0;

	s->ike_port = ike_port ? ike_port : SOCK_IKE_PORT;
	s->natt_port = natt_port ? natt_port : SOCK_NATT_PORT;
	s->workers = workers < 1 ? 1 : workers > SOCK_WORKERS_MAX ? SOCK_WORKERS_MAX : workers;
	sock_init(s);
	for (int i = 0; i < SOCK_FAMILIES; i++) {
		if (!kernel_has(families[i]))
			continue;
		if (open_family(s, i, families[i], e)) {
			sock_close(s);
			return -1;
		}
		opened++;
	}
	if (!opened)
		return err_set(e, "this kernel has neither IPv4 nor IPv6");
	return 0;
}

void sock_close(struct sock_set *s)
{
	for (int i = 0; i < SOCK_FAMILIES; i++) {
		if (s->ike500[i] >= 0)
			close(s->ike500[i]);
		if (s->ike4500[i] >= 0)
			close(s->ike4500[i]);
		for (unsigned w = 0; w < SOCK_WORKERS_MAX; w++)
			if (s->esp4500[i][w] >= 0)
				close(s->esp4500[i][w]);
	}
	sock_init(s);
}

static int accept_spis(int fd, int family, unsigned worker, unsigned workers)
{
	/* IPv4 data begins at the IP header, IPv6 data behind it. */
	struct sock_filter code[] = {
		family == AF_INET ? (struct sock_filter)BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0)
				  : (struct sock_filter)BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0),
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, workers),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, worker, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { .len = sizeof(code) / sizeof(*code), .filter = code };

	/* Locked: espd, which gets it, may not take the program off. */
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) ||
	       set(fd, SOL_SOCKET, SO_LOCK_FILTER, 1);
}

int sock_open_esp(int family, unsigned worker, unsigned workers, struct err *e)
{
	int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ESP);

	if (fd < 0)
		return err_errno(e, "open a raw socket for ESP");
	if (accept_spis(fd, family, worker, workers) ||
	    set(fd, SOL_SOCKET, SO_MARK, (int)ROUTE_MARK)) {
		err_errno(e, "set up a raw socket for ESP");
		close(fd);
		return -1;
	}
	set_buffers(fd, ESP_BUF);
	return fd;
}
