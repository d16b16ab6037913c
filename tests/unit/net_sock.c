/* rooms: core/net core/base */
/* The sockets of IKE and ESP, and TUN, in a network namespace of the test's own. */
#include "core/net/link.h"
#include "core/net/route.h"
#include "core/net/sock.h"
#include "core/net/sysctl.h"
#include "tests/unit/t.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

static bool own_namespace;
static struct sock_set s;
static struct err e;

static void start(void)
{
	if (!own_namespace)
		SKIP("needs root, to make a network namespace");
	memset(&e, 0, sizeof(e));
	if (sock_open(&s, 0, 0, 1, &e)) {
		printf("    %s\n", e.msg);
		CHECK(!"sock_open");
	}
}

static struct sockaddr_storage to_port(int family, uint16_t port, socklen_t *len)
{
	struct endpoint ep = { .port = port };
	struct sockaddr_storage ss;

	CHECK(addr_parse(family == AF_INET ? "127.0.0.1" : "::1", &ep.addr, NULL) == 0);
	*len = endpoint_to_sockaddr(&ep, &ss);
	return ss;
}

/* Where a datagram sent to port 4500 arrives: 0 iked's, 1 espd's, -1 nowhere. */
static int arrives(int family, const void *data, size_t n)
{
	int i = family == AF_INET ? SOCK_V4 : SOCK_V6, got = -1;
	struct pollfd p[2] = { { .fd = s.ike4500[i], .events = POLLIN },
			       { .fd = s.esp4500[i][0], .events = POLLIN } };
	int from = socket(family, SOCK_DGRAM, 0);
	socklen_t len;
	struct sockaddr_storage ss = to_port(family, 4500, &len);
	char buf[64];

	CHECK(sendto(from, data, n, 0, (struct sockaddr *)&ss, len) == (ssize_t)n);
	CHECK(poll(p, 2, 2000) == 1);
	for (int k = 0; k < 2; k++)
		if (p[k].revents && recv(p[k].fd, buf, sizeof(buf), 0) == (ssize_t)n)
			got = k;
	close(from);
	return got;
}

static void check_steering(int family)
{
	static const uint8_t marker[8] = { 0, 0, 0, 0, 1, 2, 3, 4 };
	static const uint8_t esp[8] = { 0x12, 0x34, 0x56, 0x78, 0, 0, 0, 1 };
	static const uint8_t low[8] = { 0, 0, 1, 0, 0, 0, 0, 1 };
	static const uint8_t keepalive[1] = { 0xff };
	static const uint8_t three[3] = { 1, 2, 3 };

	/* Many times: a hash would get half of them right. */
	for (int i = 0; i < 20; i++) {
		CHECK_INT(arrives(family, marker, 8), 0);
		CHECK_INT(arrives(family, esp, 8), 1);
		CHECK_INT(arrives(family, low, 8), 1);
		CHECK_INT(arrives(family, keepalive, 1), 0);
		CHECK_INT(arrives(family, three, 3), 0);
		CHECK_INT(arrives(family, marker, 4), 0);
		CHECK_INT(arrives(family, esp, 4), 1);
		CHECK_INT(arrives(family, "", 0), 0);
	}
}

static void marker_to_iked_esp_to_espd(void)
{
	start();
	check_steering(AF_INET);
	if (s.ike4500[SOCK_V6] >= 0)
		check_steering(AF_INET6);
	sock_close(&s);
	CHECK_INT(s.ike500[SOCK_V4], -1);
}

static uint16_t source_port(int fd)
{
	int to = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	char buf[8];

	CHECK(bind(to, (struct sockaddr *)&sin, len) == 0);
	CHECK(getsockname(to, (struct sockaddr *)&sin, &len) == 0);
	CHECK(sendto(fd, "x", 1, 0, (struct sockaddr *)&sin, len) == 1);
	len = sizeof(sin);
	CHECK(recvfrom(to, buf, sizeof(buf), 0, (struct sockaddr *)&sin, &len) == 1);
	close(to);
	return ntohs(sin.sin_port);
}

static void both_send_from_4500(void)
{
	start();
	CHECK_INT(source_port(s.ike4500[SOCK_V4]), 4500);
	CHECK_INT(source_port(s.esp4500[SOCK_V4][0]), 4500);
	CHECK_INT(source_port(s.ike500[SOCK_V4]), 500);
	sock_close(&s);
}

static int option(int fd, int level, int opt)
{
	int v = -1;
	socklen_t len = sizeof(v);

	CHECK(getsockopt(fd, level, opt, &v, &len) == 0);
	return v;
}

static void options_are_set(void)
{
	int esp[SOCK_FAMILIES];
	int *all[] = { s.ike500, s.ike4500, esp };

	start();
	for (int f = 0; f < SOCK_FAMILIES; f++)
		esp[f] = s.esp4500[f][0];
	for (int k = 0; k < 3; k++) {
		CHECK_INT(option(all[k][SOCK_V4], SOL_SOCKET, SO_MARK), ROUTE_MARK);
		CHECK_INT(option(all[k][SOCK_V4], IPPROTO_IP, IP_PKTINFO), 1);
		CHECK_INT(option(all[k][SOCK_V4], IPPROTO_IP, IP_MTU_DISCOVER),
			  IP_PMTUDISC_DONT);
		if (all[k][SOCK_V6] < 0)
			continue;
		CHECK_INT(option(all[k][SOCK_V6], IPPROTO_IPV6, IPV6_RECVPKTINFO), 1);
		CHECK_INT(option(all[k][SOCK_V6], IPPROTO_IPV6, IPV6_V6ONLY), 1);
	}
	CHECK(option(s.esp4500[SOCK_V4][0], SOL_SOCKET, SO_RCVBUF) >= 4 << 20);
	sock_close(&s);
}

static void a_taken_port_is_named(void)
{
	static const uint16_t ports[] = { 500, 4500 };

	start();
	sock_close(&s);
	for (int i = 0; i < 2; i++) {
		int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1;
		struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(ports[i]) };
		char want[32];

		/* Even where the other one shares it. */
		CHECK(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0);
		CHECK(bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0);
		memset(&e, 0, sizeof(e));
		CHECK_INT(sock_open(&s, 0, 0, 1, &e), -1);
		snprintf(want, sizeof(want), "UDP port %u", ports[i]);
		CHECK_HAS(e.msg, want);
		CHECK_INT(s.ike500[SOCK_V4], -1);
		CHECK_INT(s.esp4500[SOCK_V4][0], -1);
		close(fd);
	}
}

static void tun_lives_with_its_descriptor(void)
{
	struct link_list l;
	const struct link *k;
	int fd, second;

	if (!own_namespace)
		SKIP("needs root, to make a network namespace");
	if (link_tun_open("adit-test", LINK_TUN_VNET_HDR, &fd, &e)) {
		if (strstr(e.msg, "no TUN"))
			SKIP("no /dev/net/tun");
		printf("    %s\n", e.msg);
		CHECK(!"link_tun_open");
	}
	CHECK(link_set_mtu("adit-test", 1380, &e) == 0);
	CHECK(link_set_up("adit-test", true, &e) == 0);
	CHECK(sysctl_interface("adit-test", &e) == 0);
	CHECK(link_list(&l, &e) == 0);
	k = link_find(&l, "adit-test");
	CHECK(k != NULL);
	CHECK_STR(k->kind, "tun");
	CHECK_INT(k->mtu, 1380);
	CHECK(k->up && k->ours && k->carrier);
	/* No link-local address, so nothing of IPv6's chatter leaves by the tunnel. */
	CHECK_INT(k->n_addrs, 0);
	link_list_fini(&l);
	CHECK_INT(link_tun_open("adit-test", LINK_TUN_VNET_HDR, &second, &e), -1);
	CHECK_HAS(e.msg, "adit-test is in use");
	memset(&e, 0, sizeof(e));
	close(fd);
	CHECK(link_list(&l, &e) == 0);
	CHECK(link_find(&l, "adit-test") == NULL);
	link_list_fini(&l);
	CHECK_INT(link_tun_open("lo", 0, &fd, &e), -1);
	CHECK_HAS(e.msg, "another kind");
	CHECK_INT(link_set_mtu("adit-test", 1380, &e), -1);
	CHECK_HAS(e.msg, "no interface adit-test");
	CHECK_INT(link_del("adit-test", &e), 0);
}

static void tun_queues(void)
{
	int a, b;

	if (!own_namespace)
		SKIP("needs root, to make a network namespace");
	memset(&e, 0, sizeof(e));
	if (link_tun_open("adit-q", LINK_TUN_MULTI_QUEUE, &a, &e))
		SKIP(e.msg);
	CHECK(link_tun_open("adit-q", LINK_TUN_MULTI_QUEUE, &b, &e) == 0);
	CHECK(link_del("adit-q", &e) == 0);
	close(a);
	close(b);
}

static void routes_come_and_go(void)
{
	struct route_want w = { .interface = "adit-r", .up = true, .only_encrypted = true };
	struct prefix local, remote[2];
	struct route_answer a;
	struct view view = { 0 };
	struct ip_addr dst;
	unsigned changed;
	int fd;

	if (!own_namespace)
		SKIP("needs root, to make a network namespace");
	memset(&e, 0, sizeof(e));
	if (link_tun_open("adit-r", 0, &fd, &e))
		SKIP(e.msg);
	CHECK(link_set_up("adit-r", true, &e) == 0 && link_set_up("lo", true, &e) == 0);
	CHECK(prefix_parse("10.1.0.0/24", &local, &e) == 0);
	CHECK(prefix_parse("10.2.0.0/24", &remote[0], &e) == 0);
	CHECK(prefix_parse("0.0.0.0/0", &remote[1], &e) == 0);
	CHECK(addr_parse("10.2.0.9", &dst, &e) == 0);
	CHECK_INT(route_lookup(&dst, NULL, 0, NULL, &a, &e), -1);
	CHECK_HAS(e.msg, "no route to 10.2.0.9");
	w.local = &local;
	w.n_local = 1;
	w.remote = remote;
	w.n_remote = 2;
	CHECK(route_sync(&w, 1, &view, &changed, &e) == 0);
	CHECK(changed > 5);
	CHECK(route_sync(&w, 1, &view, &changed, &e) == 0);
	CHECK_INT(changed, 0);
	CHECK(route_lookup(&dst, NULL, 0, NULL, &a, &e) == 0);
	CHECK_STR(a.interface, "adit-r");
	/* Down: the same place, unreachable; the exit is gone with its rules. */
	w.up = false;
	CHECK(route_sync(&w, 1, &view, &changed, &e) == 0);
	CHECK_INT(route_lookup(&dst, NULL, 0, NULL, &a, &e), -1);
	CHECK(route_sync(NULL, 0, &view, &changed, &e) == 0);
	CHECK_INT(changed, 1);
	close(fd);
}

int main(void)
{
	own_namespace = unshare(CLONE_NEWNET) == 0;
	if (own_namespace && link_set_up("lo", true, &e))
		printf("    %s\n", e.msg);
	T_RUN(marker_to_iked_esp_to_espd);
	T_RUN(both_send_from_4500);
	T_RUN(options_are_set);
	T_RUN(a_taken_port_is_named);
	T_RUN(tun_lives_with_its_descriptor);
	T_RUN(tun_queues);
	T_RUN(routes_come_and_go);
	return t_done();
}
