/* net: recvmsg and sendmsg with packet info, so that a router with many addresses answers
 * from the one it was asked at. */
#include "ike/main/net.h"

#include "core/base/log.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define DATAGRAM_MAX 65535
#define N_SOCKETS 4

struct net_socket {
	struct net *net;
	int fd;			/* -1: none */
	int family;
	uint16_t port;
};

struct net {
	struct loop *loop;
	void (*fn)(void *arg, const struct endpoint *local, const struct endpoint *remote,
		   const uint8_t *msg, size_t len);
	void *arg;
	struct net_socket sockets[N_SOCKETS];
	void (*unreachable)(void *arg, const struct endpoint *remote, int error);
	uint16_t natt_port;
	struct net_counts counts;
	struct log_limit limit;
	uint8_t *buf;		/* DATAGRAM_MAX */
};

union control {
	struct cmsghdr align;
	char v4[CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(int))];
	char v6[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
};

struct net *net_new(struct loop *l,
		    void (*fn)(void *arg, const struct endpoint *local,
			       const struct endpoint *remote, const uint8_t *msg, size_t len),
		    void *arg, struct err *e)
{
	struct net *n = calloc(1, sizeof(*n));

	if (n)
		n->buf = malloc(DATAGRAM_MAX);
	if (!n || !n->buf) {
		free(n);
		err_set(e, "out of memory");
		return NULL;
	}
	n->loop = l;
	n->fn = fn;
	n->arg = arg;
	n->natt_port = 4500;
	n->limit = (struct log_limit)LOG_LIMIT_INIT(5, 10000);
	for (size_t i = 0; i < N_SOCKETS; i++)
		n->sockets[i] = (struct net_socket){ .net = n, .fd = -1 };
	return n;
}

void net_on_unreachable(struct net *n, void (*fn)(void *arg, const struct endpoint *remote,
						  int error))
{
	n->unreachable = fn;
}

void net_natt_port(struct net *n, uint16_t port)
{
	n->natt_port = port;
}

static void close_socket(struct net *n, struct net_socket *s)
{
	if (s->fd < 0)
		return;
	loop_del(n->loop, s->fd);
	close(s->fd);
	s->fd = -1;
}

void net_free(struct net *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < N_SOCKETS; i++)
		close_socket(n, &n->sockets[i]);
	free(n->buf);
	free(n);
}

/* Where the datagram was sent to: false when the kernel did not say. */
static bool local_addr(struct msghdr *m, struct ip_addr *a)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo pi;

			memcpy(&pi, CMSG_DATA(c), sizeof(pi));
			*a = addr_from_bytes(AF_INET, (const uint8_t *)&pi.ipi_addr);
			return true;
		}
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo pi;

			memcpy(&pi, CMSG_DATA(c), sizeof(pi));
			*a = addr_from_bytes(AF_INET6, (const uint8_t *)&pi.ipi6_addr);
			return true;
		}
	}
	return false;
}

/* What ICMP said of a datagram of ours: a hint, for anybody can send that. */
static void read_errors(struct net *n, const struct net_socket *s)
{
	for (int i = 0; i < NET_ROUND; i++) {
		struct sockaddr_storage to = { 0 };
		char data[64], ctl[512];
		struct iovec iov = { .iov_base = data, .iov_len = sizeof(data) };
		struct msghdr m = { .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &iov,
				    .msg_iovlen = 1, .msg_control = ctl,
				    .msg_controllen = sizeof(ctl) };
		struct endpoint remote;
		struct sock_extended_err ee;

		if (recvmsg(s->fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			return;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
			if (!(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) &&
			    !(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
				continue;
			memcpy(&ee, CMSG_DATA(c), sizeof(ee));
			if (n->unreachable && endpoint_from_sockaddr(&to, &remote) == 0 &&
			    ee.ee_origin != SO_EE_ORIGIN_LOCAL)
				n->unreachable(n->arg, &remote, (int)ee.ee_errno);
		}
	}
}

/* The size of each datagram but the last, where the kernel kept several together (UDP_GRO is on
 * for the whole 4500 group, for the userspace dataplane's sake); else the whole. */
static size_t datagram_size(struct msghdr *m, size_t whole)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		int size = 0;

		if (c->cmsg_level != IPPROTO_UDP || c->cmsg_type != UDP_GRO)
			continue;
		if (c->cmsg_len >= CMSG_LEN(sizeof(size)))
			memcpy(&size, CMSG_DATA(c), sizeof(size));
		if (size > 0 && (size_t)size < whole)
			return (size_t)size;
	}
	return whole;
}

static void datagram(struct net *n, const struct endpoint *local,
		     const struct endpoint *remote, const uint8_t *msg, size_t len)
{
	n->counts.received++;
	if (local->port == n->natt_port) {
		if (len == 1 && msg[0] == 0xff) {
			n->counts.keepalives++;
			return;
		}
		if (len < 4 || memcmp(msg, "\0\0\0\0", 4) != 0) {
			n->counts.no_marker++;
			return;
		}
		msg += 4;
		len -= 4;
	}
	n->fn(n->arg, local, remote, msg, len);
}

/* One datagram, or a few of one size; false when none was there. */
static bool receive(struct net *n, struct net_socket *s)
{
	struct endpoint local = { .port = s->port }, remote;
	struct sockaddr_storage from = { 0 };
	struct iovec iov = { .iov_base = n->buf, .iov_len = DATAGRAM_MAX };
	union control ctl;
	struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov,
			    .msg_iovlen = 1, .msg_control = &ctl,
			    .msg_controllen = sizeof(ctl) };
	size_t size, at = 0, len;
	ssize_t got = recvmsg(s->fd, &m, MSG_DONTWAIT);

	if (got < 0)
		/* An ICMP error of an earlier datagram is read away like a datagram. */
		return errno != EAGAIN && errno != EWOULDBLOCK;
	len = (size_t)got;
	if ((m.msg_flags & MSG_TRUNC) || endpoint_from_sockaddr(&from, &remote) < 0 ||
	    !local_addr(&m, &local.addr) || remote.port == 0) {
		n->counts.received++;
		n->counts.dropped++;
		return true;
	}
	size = datagram_size(&m, len);
	/* The socket may be closed by what one of them brings. */
	do {
		datagram(n, &local, &remote, n->buf + at, size < len - at ? size : len - at);
		at += size;
	} while (at < len && s->fd >= 0);
	return true;
}

static void on_socket(void *arg, uint32_t events)
{
	struct net_socket *s = arg;

	if (events & EPOLLERR)
		read_errors(s->net, s);
	for (int i = 0; i < NET_ROUND && s->fd >= 0; i++)
		if (!receive(s->net, s))
			break;
}

int net_add(struct net *n, int fd, struct err *e)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	struct net_socket *s = NULL;
	struct endpoint ep;

	if (getsockname(fd, (struct sockaddr *)&ss, &len) < 0) {
		err_errno(e, "getsockname");
		goto fail;
	}
	if (endpoint_from_sockaddr(&ss, &ep) < 0) {
		err_set(e, "a socket that is neither IPv4 nor IPv6");
		goto fail;
	}
	for (size_t i = 0; i < N_SOCKETS; i++) {
		struct net_socket *at = &n->sockets[i];

		if (at->fd >= 0 && (at->family != ss.ss_family || at->port != ep.port))
			continue;
		if (!s || at->fd >= 0)
			s = at;
	}
	if (!s) {
		err_set(e, "more than %d sockets", N_SOCKETS);
		goto fail;
	}
	close_socket(n, s);
	if (loop_add(n->loop, fd, EPOLLIN, on_socket, s, e) < 0)
		goto fail;
	s->fd = fd;
	s->family = ss.ss_family;
	s->port = ep.port;
	return 0;
fail:
	close(fd);
	return -1;
}

static const struct net_socket *socket_for(const struct net *n, int family, uint16_t port)
{
	for (size_t i = 0; i < N_SOCKETS; i++)
		if (n->sockets[i].fd >= 0 && n->sockets[i].family == family &&
		    n->sockets[i].port == port)
			return &n->sockets[i];
	return NULL;
}

static bool is_address(const struct ip_addr *a)
{
	return (a->family == AF_INET || a->family == AF_INET6) && !addr_is_any(a);
}

void net_take(struct net *n, const struct endpoint *local, const struct endpoint *remote,
	      const uint8_t *msg, size_t len)
{
	if (is_address(&local->addr) && is_address(&remote->addr) && remote->port &&
	    local->addr.family == remote->addr.family &&
	    socket_for(n, local->addr.family, local->port)) {
		datagram(n, local, remote, msg, len);
		return;
	}
	n->counts.received++;
	n->counts.dropped++;
}

static void set_source(struct msghdr *m, union control *ctl, const struct ip_addr *a)
{
	struct cmsghdr *c = &ctl->align;

	memset(ctl, 0, sizeof(*ctl));
	m->msg_control = ctl;
	if (a->family == AF_INET) {
		struct in_pktinfo pi = { 0 };

		memcpy(&pi.ipi_spec_dst, a->b, 4);
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(pi));
		memcpy(CMSG_DATA(c), &pi, sizeof(pi));
		m->msg_controllen = CMSG_SPACE(sizeof(pi));
	} else {
		struct in6_pktinfo pi = { 0 };

		memcpy(&pi.ipi6_addr, a->b, 16);
		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(pi));
		memcpy(CMSG_DATA(c), &pi, sizeof(pi));
		m->msg_controllen = CMSG_SPACE(sizeof(pi));
	}
}

static void failed(struct net *n, const struct endpoint *local, const struct endpoint *remote,
		   const char *why)
{
	char to[ENDPOINT_TEXT_MAX], from[ENDPOINT_TEXT_MAX];

	n->counts.send_failed++;
	if (log_limit_pass(&n->limit, NULL))
		log_debug(NULL, "cannot send from %s to %s: %s", endpoint_str(local, from),
			  endpoint_str(remote, to), why);
}

static void transmit(struct net *n, const struct endpoint *local, const struct endpoint *remote,
		     struct iovec *iov, size_t n_iov)
{
	const struct net_socket *s = socket_for(n, remote->addr.family, local->port);
	struct sockaddr_storage to;
	union control ctl;
	struct msghdr m = { .msg_name = &to, .msg_iov = iov, .msg_iovlen = n_iov };
	ssize_t sent;

	if (!s) {
		failed(n, local, remote, "no socket for this port and family");
		return;
	}
	m.msg_namelen = endpoint_to_sockaddr(remote, &to);
	if (local->addr.family == remote->addr.family && !addr_is_any(&local->addr))
		set_source(&m, &ctl, &local->addr);
	/* What an ICMP message said of an earlier datagram is told now, in the place of sending. */
	for (int i = 0; i < 3; i++) {
		sent = sendmsg(s->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent >= 0 || (errno != EINTR && errno != ECONNREFUSED &&
				  errno != EHOSTUNREACH && errno != ENETUNREACH &&
				  errno != EACCES))
			break;
	}
	if (sent < 0)
		failed(n, local, remote, strerror(errno));
	else
		n->counts.sent++;
}

void net_send(struct net *n, const struct endpoint *local, const struct endpoint *remote,
	      const uint8_t *msg, size_t len)
{
	static const uint8_t marker[4];
	struct iovec iov[2] = {
		{ .iov_base = (void *)(uintptr_t)marker, .iov_len = sizeof(marker) },
		{ .iov_base = (void *)(uintptr_t)msg, .iov_len = len },
	};

	if (local->port == n->natt_port)
		transmit(n, local, remote, iov, 2);
	else
		transmit(n, local, remote, iov + 1, 1);
}

void net_keepalive(struct net *n, const struct endpoint *local, const struct endpoint *remote)
{
	static const uint8_t byte = 0xff;
	struct iovec iov = { .iov_base = (void *)(uintptr_t)&byte, .iov_len = 1 };

	transmit(n, local, remote, &iov, 1);
}

const struct net_counts *net_counts(const struct net *n)
{
	return &n->counts;
}
