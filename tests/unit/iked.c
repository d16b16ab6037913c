/* rooms: ike/main core/base */
/* The parts of iked around the engine: the ring, the pieces of settings, the sockets. */
#include "ike/main/conf.h"
#include "ike/main/net.h"
#include "ike/main/ring.h"
#include "tests/unit/t.h"

#include <net/if.h>
#include <netinet/udp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* ---- ring ---- */

struct seen {
	size_t n;
	uint64_t first, last;
	char text[LOG_TEXT_MAX];
};

static void see(void *arg, const struct log_line *l)
{
	struct seen *s = arg;

	if (!s->n++)
		s->first = l->seq;
	/* always the next one of those asked for, in order */
	CHECK(l->seq > s->last);
	s->last = l->seq;
	strcpy(s->text, l->text);
}

static void ring_keeps_the_last(void)
{
	struct ring *r = ring_new();
	struct log_line l = { .level = LL_INFO, .wall_s = 7 };
	struct seen s = { 0 };

	CHECK_INT(ring_last(r, 0, NULL, see, &s), 0);
	for (int i = 1; i <= 5000; i++) {
		l.seq = i == 1 ? 1 : 0;
		snprintf(l.peer, sizeof(l.peer), "%s", i % 2 ? "odd" : "");
		snprintf(l.text, sizeof(l.text), "line %d %.*s", i, i % 400,
			 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
		ring_add(r, &l);
		CHECK_INT(l.seq, i);
	}
	CHECK(ring_last(r, 0, NULL, see, &s) > 300);
	CHECK_INT(s.last, 5000);
	CHECK_INT(s.last - s.first + 1, s.n);	/* none is missing in between */
	CHECK_HAS(s.text, "line 5000 ");
	memset(&s, 0, sizeof(s));
	CHECK_INT(ring_last(r, 10, "", see, &s), 10);
	CHECK_INT(s.first, 4991);
	memset(&s, 0, sizeof(s));
	CHECK_INT(ring_last(r, 10, "odd", see, &s), 10);
	CHECK_INT(s.first, 4981);
	CHECK_INT(s.last, 4999);
	memset(&s, 0, sizeof(s));
	CHECK_INT(ring_last(r, 10, "od", see, &s), 0);
	CHECK_INT(ring_last(r, 10, "oddly", see, &s), 0);
	ring_free(r);
}

static void ring_takes_the_longest(void)
{
	struct ring *r = ring_new();
	struct log_line l = { .level = LL_ERROR };
	struct seen s = { 0 };

	/* not even terminated */
	memset(l.peer, 'p', sizeof(l.peer));
	memset(l.text, 't', sizeof(l.text));
	for (int i = 0; i < 1000; i++) {
		l.seq = i == 900 ? 5001 : 0;	/* aditd counts */
		ring_add(r, &l);
	}
	CHECK(ring_last(r, 0, NULL, see, &s) >= 100);
	CHECK_INT(strlen(s.text), LOG_TEXT_MAX - 1);
	CHECK_INT(s.last, 5100);
	ring_free(r);
}

/* ---- settings in pieces ---- */

struct applied {
	int n;
	struct peer_conf peer;
	struct child_conf children[CHILDREN_MAX];
};

static int apply(void *arg, const struct peer_conf *p, const struct ip_addr *local,
		 struct err *e)
{
	struct applied *a = arg;

	(void)local;
	(void)e;
	a->n++;
	a->peer = *p;
	memcpy(a->children, p->children, p->n_children * sizeof(*p->children));
	return 0;
}

static void conf_puts_together(void)
{
	struct conf *c = conf_new();
	static struct msg_peer p;
	static struct msg_child ch;
	struct applied a = { 0 };
	struct err e = { 0 };

	CHECK_INT(conf_apply(c, "branch", apply, &a, &e), -1);
	CHECK_INT(conf_peer(c, &p, &e), -1);		/* no name */
	strcpy(p.peer.name, "branch");
	strcpy(ch.peer, "branch");
	CHECK_INT(conf_child(c, &ch, &e), -1);		/* not begun */
	/* a pointer from elsewhere is never followed */
	p.peer.children = (struct child_conf *)(uintptr_t)16;
	p.peer.n_children = 9;
	CHECK_INT(conf_peer(c, &p, &e), 0);
	CHECK_INT(conf_apply(c, "branch", apply, &a, &e), -1);
	CHECK_HAS(e.msg, "no networks");
	CHECK_INT(conf_peer(c, &p, &e), 0);
	for (int i = 0; i < CHILDREN_MAX; i++) {
		snprintf(ch.child.name, sizeof(ch.child.name), "c%d", i);
		CHECK_INT(conf_child(c, &ch, &e), 0);
	}
	CHECK_INT(conf_child(c, &ch, &e), -1);
	CHECK_HAS(e.msg, "more than 16");
	/* another peer's pieces may come in between */
	strcpy(p.peer.name, "other");
	CHECK_INT(conf_peer(c, &p, &e), 0);
	CHECK_INT(conf_apply(c, "branch", apply, &a, &e), 0);
	CHECK_INT(a.n, 1);
	CHECK_INT(a.peer.n_children, CHILDREN_MAX);
	CHECK_STR(a.children[15].name, "c15");
	CHECK_INT(conf_apply(c, "branch", apply, &a, &e), -1);
	/* begun again: what was sent before counts no more */
	strcpy(ch.peer, "other");
	CHECK_INT(conf_child(c, &ch, &e), 0);
	CHECK_INT(conf_peer(c, &p, &e), 0);
	strcpy(ch.child.name, "only");
	CHECK_INT(conf_child(c, &ch, &e), 0);
	ch.child.n_local = NETWORKS_MAX + 1;
	CHECK_INT(conf_child(c, &ch, &e), -1);
	CHECK_INT(conf_apply(c, "other", apply, &a, &e), 0);
	CHECK_INT(a.peer.n_children, 1);
	CHECK_STR(a.children[0].name, "only");
	conf_free(c);
}

/* ---- sockets ---- */

struct got {
	int n;
	struct endpoint local, remote;
	size_t len;
	uint8_t msg[4096];
};

static void on_msg(void *arg, const struct endpoint *local, const struct endpoint *remote,
		   const uint8_t *msg, size_t len)
{
	struct got *g = arg;

	g->n++;
	g->local = *local;
	g->remote = *remote;
	g->len = len;
	memcpy(g->msg, msg, len < sizeof(g->msg) ? len : sizeof(g->msg));
}

static struct endpoint ep(const char *addr, uint16_t port)
{
	struct endpoint e = { .port = port };

	CHECK_INT(addr_parse(addr, &e.addr, NULL), 0);
	return e;
}

static int udp(const char *addr, uint16_t port)
{
	struct endpoint e = ep(addr, port);
	struct sockaddr_storage ss;
	socklen_t len = endpoint_to_sockaddr(&e, &ss);
	int fd = socket(e.addr.family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	CHECK(fd >= 0);
	if (e.addr.family == AF_INET6) {
		CHECK_INT(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)), 0);
		CHECK_INT(setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)), 0);
	} else {
		CHECK_INT(setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)), 0);
	}
	CHECK_INT(bind(fd, (struct sockaddr *)&ss, len), 0);
	return fd;
}

static void send_to(int fd, const char *addr, uint16_t port, const void *p, size_t len)
{
	struct endpoint e = ep(addr, port);
	struct sockaddr_storage ss;
	socklen_t sl = endpoint_to_sockaddr(&e, &ss);

	CHECK_INT(sendto(fd, p, len, 0, (struct sockaddr *)&ss, sl), len);
}

/* A namespace of its own with lo up, so that ports 500 and 4500 are free. */
static bool own_net(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;
	bool ok;

	if (unshare(CLONE_NEWNET) < 0)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ok = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &ifr) == 0;
	close(fd);
	return ok;
}

static void sockets(void)
{
	struct loop *l = loop_new(NULL);
	struct got g = { 0 };
	struct net *n = net_new(l, on_msg, &g, NULL);
	struct endpoint from500 = ep("127.0.0.2", 500), from4500 = ep("127.0.0.2", 4500);
	struct endpoint to, from6 = ep("::1", 4500);
	struct err e = { 0 };
	uint8_t buf[64];
	int fd, fd6, at4500, on = 1, nine = 9;

	if (!own_net()) {
		net_free(n);
		loop_free(l);
		SKIP("wants root");
	}
	CHECK(l && n);
	CHECK_INT(net_add(n, udp("0.0.0.0", 500), &e), 0);
	at4500 = udp("0.0.0.0", 4500);
	CHECK_INT(net_add(n, at4500, &e), 0);
	CHECK_INT(net_add(n, udp("::", 500), &e), 0);
	CHECK_INT(net_add(n, udp("::", 4500), &e), 0);
	CHECK_INT(net_add(n, udp("127.0.0.9", 77), &e), -1);
	fd = udp("127.0.0.1", 1024);
	fd6 = udp("::1", 1024);

	/* the address it was sent to, not just the port */
	send_to(fd, "127.0.0.2", 500, "hello", 5);
	loop_once(l, 100);
	CHECK_INT(g.n, 1);
	CHECK_INT(g.len, 5);
	CHECK_MEM(g.msg, "hello", 5);
	CHECK(endpoint_equal(&g.local, &from500));
	to = ep("127.0.0.1", 1024);
	CHECK(endpoint_equal(&g.remote, &to));

	/* 4500: marker off; keepalives, ESP and runts are no business of IKE */
	send_to(fd, "127.0.0.2", 4500, "\0\0\0\0hello", 9);
	loop_once(l, 100);
	CHECK_INT(g.n, 2);
	CHECK_INT(g.len, 5);
	CHECK_INT(g.local.port, 4500);
	send_to(fd, "127.0.0.2", 4500, "\xff", 1);
	send_to(fd, "127.0.0.2", 4500, "\x01\x02\x03\x04rest", 8);
	send_to(fd, "127.0.0.2", 4500, "\0\0\0", 3);
	send_to(fd, "127.0.0.2", 4500, "", 0);
	loop_once(l, 100);
	CHECK_INT(g.n, 2);
	CHECK_INT(net_counts(n)->keepalives, 1);
	CHECK_INT(net_counts(n)->no_marker, 3);
	/* several that the kernel kept together, the last one shorter */
	CHECK_INT(setsockopt(at4500, IPPROTO_UDP, UDP_GRO, &on, sizeof(on)), 0);
	CHECK_INT(setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &nine, sizeof(nine)), 0);
	send_to(fd, "127.0.0.2", 4500, "\0\0\0\0one..\0\0\0\0two..\1\2\3\4esp..\0\0\0\0end", 34);
	nine = 0;
	CHECK_INT(setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &nine, sizeof(nine)), 0);
	loop_once(l, 100);
	CHECK_INT(g.n, 5);
	CHECK_INT(g.len, 3);
	CHECK_MEM(g.msg, "end", 3);
	CHECK_INT(net_counts(n)->no_marker, 4);
	g.n = 2;
	send_to(fd6, "::1", 4500, "\0\0\0\0six", 7);
	loop_once(l, 100);
	CHECK_INT(g.n, 3);
	CHECK(endpoint_equal(&g.local, &from6));

	/* what the dataplane's socket got is taken as if it had come here, where there is one */
	to = ep("192.0.2.7", 31000);
	net_take(n, &from4500, &to, (const uint8_t *)"\0\0\0\0gro", 7);
	CHECK_INT(g.n, 4);
	CHECK_INT(g.len, 3);
	CHECK_MEM(g.msg, "gro", 3);
	CHECK(endpoint_equal(&g.local, &from4500) && endpoint_equal(&g.remote, &to));
	net_take(n, &from4500, &to, (const uint8_t *)"\1\2\3\4gro", 7);
	CHECK_INT(net_counts(n)->no_marker, 5);
	to.port = 0;
	net_take(n, &from4500, &to, (const uint8_t *)"\0\0\0\0gro", 7);
	to = ep("2001:db8::7", 31000);
	net_take(n, &from4500, &to, (const uint8_t *)"\0\0\0\0gro", 7);
	from4500.port = 4501;
	to = ep("192.0.2.7", 31000);
	net_take(n, &from4500, &to, (const uint8_t *)"\0\0\0\0gro", 7);
	from4500.port = 4500;
	memset(&to, 0, sizeof(to));
	net_take(n, &from4500, &to, (const uint8_t *)"\0\0\0\0gro", 7);
	CHECK_INT(net_counts(n)->dropped, 4);
	CHECK_INT(g.n, 4);
	to = ep("127.0.0.1", 1024);

	/* out: from the address that was asked, marker on 4500 alone */
	net_send(n, &from500, &to, (const uint8_t *)"ike", 3);
	CHECK_INT(recv(fd, buf, sizeof(buf), 0), 3);
	net_send(n, &from4500, &to, (const uint8_t *)"ike", 3);
	CHECK_INT(recv(fd, buf, sizeof(buf), 0), 7);
	CHECK_MEM(buf, "\0\0\0\0ike", 7);
	net_keepalive(n, &from4500, &to);
	CHECK_INT(recv(fd, buf, sizeof(buf), 0), 1);
	CHECK_INT(buf[0], 0xff);
	to = ep("::1", 1024);
	net_send(n, &from6, &to, (const uint8_t *)"six", 3);
	CHECK_INT(recv(fd6, buf, sizeof(buf), 0), 7);
	/* what cannot go is counted: no route, and no such socket */
	to = ep("192.0.2.1", 500);
	net_send(n, &from500, &to, (const uint8_t *)"x", 1);
	from500.port = 77;
	net_send(n, &from500, &to, (const uint8_t *)"x", 1);
	CHECK_INT(net_counts(n)->send_failed, 2);
	CHECK_INT(net_counts(n)->sent, 4);

	/* a flood is read in rounds, and all of it */
	g.n = 0;
	for (int i = 0; i < 2 * NET_ROUND; i++)
		send_to(fd, "127.0.0.2", 500, "x", 1);
	loop_once(l, 100);
	CHECK_INT(g.n, NET_ROUND);
	loop_once(l, 100);
	CHECK_INT(g.n, 2 * NET_ROUND);
	close(fd);
	close(fd6);
	net_free(n);
	loop_free(l);
}

int main(void)
{
	T_RUN(ring_keeps_the_last);
	T_RUN(ring_takes_the_longest);
	T_RUN(conf_puts_together);
	T_RUN(sockets);
	return t_done();
}
