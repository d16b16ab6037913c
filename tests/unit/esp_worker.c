/* rooms: dataplane/esp dataplane/engine core/daemon core/crypto core/base */
/* The worker between real descriptors: UDP on the loopback, and instead of TUNs socket pairs
 * that keep packet boundaries just so. */
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/loop.h"
#include "core/base/be.h"
#include "dataplane/esp/worker.h"
#include "tests/unit/esp_help.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <netinet/udp.h>
#include <sys/uio.h>
#include <unistd.h>

/* One end with its worker; host is the other side of its "interface". */
struct gate {
	struct end end;
	struct worker *worker;
	int host;
	int sock;		/* its ESP socket, the worker's */
	uint16_t port;
};

static struct loop *loop;
static struct gate a, b;
static uint8_t buf[70000], pkt[70000];

static void quiet_event(void *arg, uint32_t id, enum sa_event ev)
{
	struct gate *g = arg;

	(void)id;
	g->end.events[ev]++;
}

static void gate_open(struct gate *g, const char *on)
{
	struct endpoint ep = { ip(on), 0 };
	struct sockaddr_storage ss;
	socklen_t len = endpoint_to_sockaddr(&ep, &ss);
	struct err e = { 0 };
	struct esp_iface *i;
	int pair[2], fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	int one = 1, room = 200000;

	CHECK(fd >= 0 && bind(fd, (void *)&ss, len) == 0);
	/* a burst must not be lost before it is read */
	CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)) == 0);
	len = sizeof(ss);
	CHECK(getsockname(fd, (void *)&ss, &len) == 0);
	CHECK(endpoint_from_sockaddr(&ss, &ep) == 0);
	g->port = ep.port;
	g->sock = fd;
	CHECK(setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &one, sizeof(one)) == 0 ||
	      ss.ss_family == AF_INET6);
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) == 0);
	g->host = pair[0];
	sad_init(&g->end.sad, &engine_mbedtls, loop_timers(loop), quiet_event, g);
	g->worker = worker_new(loop, &g->end.sad, &e);
	CHECK(g->worker != NULL);
	CHECK(worker_socket(g->worker, ss.ss_family == AF_INET ? WORKER_UDP4 : WORKER_UDP6, fd,
			    &e) == 0);
	i = sad_iface_add(&g->end.sad, "adit-t", pair[1], 1400, &e);
	CHECK(i && worker_iface_add(g->worker, i, &e) == 0);
}

static void gates(const char *on)
{
	struct err e = { 0 };

	loop = loop_new(&e);
	CHECK(loop != NULL);
	end_conf(&a.end, &b.end, ENCR_AES_GCM_16, 256, 0, true);
	gate_open(&a, on);
	gate_open(&b, on);
	a.end.conf.local = (struct endpoint){ ip(on), a.port };
	a.end.conf.remote = (struct endpoint){ ip(on), b.port };
	b.end.conf.local = a.end.conf.remote;
	b.end.conf.remote = a.end.conf.local;
	CHECK(sad_add(&a.end.sad, &a.end.conf, "adit-t", &e) == 0);
	CHECK(sad_add(&b.end.sad, &b.end.conf, "adit-t", &e) == 0);
}

static void gate_close(struct gate *g)
{
	worker_iface_del(g->worker, sad_iface(&g->end.sad, "adit-t"));
	sad_fini(&g->end.sad);
	worker_free(g->worker);
	close(g->host);
}

static void closed(void)
{
	gate_close(&a);
	gate_close(&b);
	loop_free(loop);
}

static struct esp_sa *sa_of(struct gate *g)
{
	return sad_by_id(&g->end.sad, g->end.conf.id);
}

static void turns(void)
{
	for (int i = 0; i < 20; i++)
		loop_once(loop, 0);
}

/* As the kernel would hand it over; what its header says of segments and checksums. */
static ssize_t hand_over(struct gate *g, const struct virtio_net_hdr *vnet, size_t n)
{
	struct iovec iov[2] = { { (void *)(uintptr_t)vnet, sizeof(*vnet) }, { pkt, n } };

	return writev(g->host, iov, 2);
}

static const struct virtio_net_hdr plain;

static void from_host_as(struct gate *g, const struct virtio_net_hdr *vnet, size_t n)
{
	CHECK(hand_over(g, vnet, n) == (ssize_t)(n + sizeof(*vnet)));
	turns();
}

static void from_host(struct gate *g, size_t n)
{
	from_host_as(g, &plain, n);
}

/* The next packet the host gets, 0 when none. */
static struct virtio_net_hdr got_vnet;
static size_t to_host(struct gate *g)
{
	struct iovec iov[2] = { { &got_vnet, sizeof(got_vnet) }, { buf, sizeof(buf) } };
	ssize_t n = readv(g->host, iov, 2);

	if (n < 0)
		return 0;
	CHECK(n > (ssize_t)sizeof(got_vnet));
	return (size_t)n - sizeof(got_vnet);
}

static void there_and_back(void)
{
	size_t n;

	gates("127.0.0.1");
	n = make_v4(pkt, "10.1.0.5", "10.2.0.9", 99, 0, 1000);
	from_host(&a, n);
	CHECK_INT(to_host(&b), n);
	CHECK_MEM(buf, pkt, n);
	n = make_v6(pkt, "2001:db8:2::5", "2001:db8:1::9", 99, 77);
	from_host(&b, n);
	CHECK_INT(to_host(&a), n);
	CHECK_MEM(buf, pkt, n);
	CHECK_INT(to_host(&a), 0);
	CHECK_INT(to_host(&b), 0);
	CHECK_INT(sa_of(&a)->stats.tx_packets, 1);
	CHECK_INT(sa_of(&a)->stats.rx_packets, 1);
	CHECK(sa_of(&a)->stats.last_rx_ms > 0);
	/* as large as it gets */
	n = make_v4(pkt, "10.1.0.5", "10.2.0.9", 99, 0, 60000);
	from_host(&a, n);
	CHECK_INT(to_host(&b), n);
	closed();
}

static void over_ipv6(void)
{
	size_t n;

	gates("::1");
	n = make_v4(pkt, "10.1.0.5", "10.2.0.9", 99, 0, 500);
	from_host(&a, n);
	CHECK_INT(to_host(&b), n);
	closed();
}

/* Bursts larger than a batch keep their order and their content. */
static void many(void)
{
	size_t got = 0, sent = 0;

	gates("127.0.0.1");
	for (int round = 0; round < 20; round++) {
		size_t l;

		for (int i = 0; i < 80; i++) {
			size_t n = make_v4(pkt, "10.1.0.5", "10.2.0.9", 99, 0, 100 + sent % 900);

			if (hand_over(&a, &plain, n) < 0)
				break;
			sent++;
		}
		for (int k = 0; k < 50; k++) {
			loop_once(loop, 0);
			while ((l = to_host(&b))) {
				CHECK_INT(l, 120 + got % 900);
				got++;
			}
		}
	}
	CHECK(sent > 100);
	CHECK_INT(got, sent);
	CHECK_INT(sa_of(&b)->stats.rx_packets, got);
	closed();
}

static unsigned wanted;

static void count_wanted(void *arg, struct esp_iface *i, bool tell)
{
	(void)arg;
	CHECK_STR(i->name, "adit-t");
	wanted += tell;
}

/* On demand: what comes before the SA is kept, in order, and sent once it can be. */
static void packets_wait_for_a_tunnel_on_demand(void)
{
	struct err e = { 0 };
	struct esp_iface *i;
	size_t n;

	gates("127.0.0.1");
	a.end.sad.waits = count_wanted;
	i = sad_iface(&a.end.sad, "adit-t");
	i->trapping = true;
	sad_del(sa_of(&a), 0);
	wanted = 0;
	for (size_t k = 0; k < TRAP_PACKETS + 4; k++)
		from_host(&a, make_v4(pkt, "10.1.0.5", "10.2.0.9", 99, 0, 100 + k));
	CHECK_INT(wanted, 1);		/* told once, not for each */
	CHECK_INT(i->trap.n, TRAP_PACKETS);
	CHECK_INT(to_host(&a), 0);	/* nobody hears of it */
	/* Not while it may not be used for sending. */
	a.end.conf.hold_out = true;
	CHECK(sad_add(&a.end.sad, &a.end.conf, "adit-t", &e) == 0);
	worker_release(a.worker, i);
	turns();
	CHECK_INT(i->trap.n, TRAP_PACKETS);
	sad_activate(sa_of(&a));
	worker_release(a.worker, i);
	turns();
	CHECK_INT(i->trap.n, 0);
	CHECK_INT(i->trap.bytes, 0);
	for (size_t k = 4; k < TRAP_PACKETS + 4; k++)
		CHECK_INT(to_host(&b), 120 + k);
	CHECK_INT(to_host(&b), 0);
	/* And no others than those that wait are remembered. */
	n = make_v4(pkt, "10.1.0.5", "10.2.0.9", 99, 0, 50);
	from_host(&a, n);
	CHECK_INT(to_host(&b), n);
	closed();
}

/* A NAT gave the peer another port: the way back follows, where the peer is known to be behind
 * one, and not where it is not. */
static void a_new_port_is_followed(void)
{
	struct err e = { 0 };
	uint16_t old;
	size_t n = make_v4(pkt, "10.1.0.5", "10.2.0.9", 99, 0, 100);

	for (int follow = 0; follow < 2; follow++) {
		struct sockaddr_storage ss;
		struct endpoint ep = { ip("127.0.0.1"), 0 };
		socklen_t len = endpoint_to_sockaddr(&ep, &ss);
		int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

		gates("127.0.0.1");
		old = sa_of(&b)->remote.port;
		sa_of(&b)->follow = follow;
		CHECK(bind(fd, (void *)&ss, len) == 0);
		len = sizeof(ss);
		CHECK(getsockname(fd, (void *)&ss, &len) == 0);
		CHECK(endpoint_from_sockaddr(&ss, &ep) == 0);
		CHECK(worker_socket(a.worker, WORKER_UDP4, fd, &e) == 0);
		from_host(&a, n);
		CHECK_INT(to_host(&b), n);
		CHECK_INT(sa_of(&b)->remote.port, follow ? ep.port : old);
		closed();
	}
}

/* What waited in vain is answered, and a packet too large to keep at once. */
static void waiting_ends(void)
{
	struct trap t = { 0 };
	struct trapped *p;
	bool tell;

	CHECK(trap_keep(&t, pkt, 10000, 1000, &tell) && tell);
	CHECK(trap_keep(&t, pkt, 10000, 1500, &tell) && !tell);
	CHECK(trap_keep(&t, pkt, 10000, 2100, &tell) && tell);
	CHECK_INT(t.n, 2);		/* the first gave way */
	CHECK(!trap_keep(&t, pkt, TRAP_BYTES + 1, 2200, &tell));
	CHECK(!trap_expired(&t, 1500 + TRAP_WAIT_MS - 1));
	p = trap_expired(&t, 1500 + TRAP_WAIT_MS);
	CHECK(p && p->len == 10000);
	trapped_free(p);
	CHECK_INT(t.n, 1);
	CHECK_INT(t.bytes, 10000);
	trap_fini(&t);
	CHECK_INT(t.n, 0);
	CHECK(!trap_take(&t));
}

static void no_tunnel_says_so(void)
{
	size_t n;

	gates("127.0.0.1");
	n = make_v4(pkt, "10.1.0.5", "10.99.0.9", IPPROTO_TCP, 0, 40);
	from_host(&a, n);
	CHECK_INT(to_host(&a), 28 + n);
	CHECK(buf[20] == 3 && buf[21] == 13);		/* no selector has it */
	CHECK_INT(sa_of(&a)->stats.drop_selector_out, 1);
	sad_del(sa_of(&a), 0);
	n = make_v4(pkt, "10.1.0.5", "10.2.0.9", IPPROTO_TCP, 0, 40);
	from_host(&a, n);
	CHECK_INT(to_host(&a), 28 + n);
	CHECK(buf[20] == 3 && buf[21] == 0);
	n = make_v6(pkt, "2001:db8:1::5", "2001:db8:2::9", IPPROTO_TCP, 40);
	from_host(&a, n);
	CHECK_INT(to_host(&a), 48 + n);
	CHECK(buf[40] == 1 && buf[41] == 0);
	/* the kernel's own chatter is no traffic */
	n = make_v6(pkt, "fe80::1", "ff02::2", IPPROTO_ICMPV6, 8);
	from_host(&a, n);
	CHECK_INT(to_host(&a), 0);
	CHECK_INT(to_host(&b), 0);
	closed();
}

static void icmp_is_limited(void)
{
	size_t got = 0;

	gates("127.0.0.1");
	sad_del(sa_of(&a), 0);
	for (int i = 0; i < 200; i++) {
		from_host(&a, make_v4(pkt, "10.1.0.5", "10.2.0.9", IPPROTO_TCP, 0, 40));
		while (to_host(&a))
			got++;
	}
	CHECK(got >= 20 && got < 60);
	closed();
}

static void narrow_path(void)
{
	struct ip_addr lo = ip("127.0.0.1");
	size_t n, l, parts = 0, sum = 0;
	unsigned mtu;

	gates("127.0.0.1");
	log_level_set(LL_ERROR);
	sad_pmtu(&a.end.sad, &lo, 1000);
	log_level_set(LL_INFO);
	mtu = sad_inner_mtu(sa_of(&a), clock_ms());
	CHECK_INT(mtu, 938);
	/* just fits */
	n = make_v4(pkt, "10.1.0.5", "10.2.0.9", 99, 0x4000, mtu - 20);
	from_host(&a, n);
	CHECK_INT(to_host(&b), n);
	/* may not be cut: its sender is told */
	n = make_v4(pkt, "10.1.0.5", "10.2.0.9", 99, 0x4000, mtu - 19);
	from_host(&a, n);
	CHECK_INT(to_host(&b), 0);
	CHECK_INT(to_host(&a), 576);
	CHECK(buf[20] == 3 && buf[21] == 4);
	CHECK_INT(buf[26] << 8 | buf[27], mtu);
	CHECK_INT(sa_of(&a)->stats.drop_mtu, 1);
	/* may be cut: comes in parts that fit */
	n = make_v4(pkt, "10.1.0.5", "10.2.0.9", 99, 0, 3000);
	from_host(&a, n);
	while ((l = to_host(&b))) {
		CHECK(l <= mtu);
		CHECK_MEM(buf + 20, pkt + 20 + sum, l - 20);
		sum += l - 20;
		parts++;
	}
	CHECK_INT(sum, 3000);
	CHECK_INT(parts, 4);
	/* so large that its parts fill several batches */
	n = make_v4(pkt, "10.1.0.5", "10.2.0.9", 99, 0, 60000);
	from_host(&a, n);
	for (sum = 0; (l = to_host(&b)); sum += l - 20)
		turns();
	CHECK_INT(sum + sa_of(&b)->stats.drop_socket * 912, 60000);
	/* IPv6: told 1280 at least; what is not larger goes without DF */
	n = make_v6(pkt, "2001:db8:1::5", "2001:db8:2::9", 99, 1241);
	from_host(&a, n);
	CHECK_INT(to_host(&a), 1280);
	CHECK_INT(buf[40], 2);
	CHECK_INT(buf[46] << 8 | buf[47], 1280);
	n = make_v6(pkt, "2001:db8:1::5", "2001:db8:2::9", 99, 1240);
	from_host(&a, n);
	CHECK_INT(to_host(&b), n);
	closed();
}

/* ---- segments ---- */

/* A TCP segment as the kernel hands it over whole: the checksum is the pseudo-header's. Returns
 * its length. */
static size_t make_tcp(uint8_t *out, uint32_t seq, size_t payload, unsigned size,
		       struct virtio_net_hdr *vnet)
{
	uint8_t *tcp = out + 20;
	size_t n = make_v4(out, "10.1.0.5", "10.2.0.9", IPPROTO_TCP, 0x4000, 20 + payload);
	uint16_t sum;

	memset(tcp, 0, 20);
	put_ports(tcp, 40000, 5001);
	tcp[4] = (uint8_t)(seq >> 24);
	tcp[5] = (uint8_t)(seq >> 16);
	tcp[6] = (uint8_t)(seq >> 8);
	tcp[7] = (uint8_t)seq;
	tcp[12] = 5 << 4;
	tcp[13] = 0x10;
	tcp[14] = 0x20;
	for (size_t i = 0; i < payload; i++)
		tcp[20 + i] = (uint8_t)((seq + i) * 31 >> 3);
	sum = csum_fold(csum_pseudo(out, IPPROTO_TCP, (uint32_t)(20 + payload)));
	tcp[16] = (uint8_t)(sum >> 8);
	tcp[17] = (uint8_t)sum;
	*vnet = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 20, .csum_offset = 16,
		.gso_type = payload > size ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_NONE,
		.gso_size = (uint16_t)(payload > size ? size : 0), .hdr_len = 40,
	};
	return n;
}

/* What came is this stream from *at on; *writes counts how it came. */
static void take_stream(uint32_t *at, unsigned *writes)
{
	size_t n;

	while ((n = to_host(&b))) {
		CHECK(n > 40 && buf[9] == IPPROTO_TCP);
		CHECK_INT(be_get32(buf + 24), *at);
		for (size_t i = 0; i < n - 40; i++)
			if (buf[40 + i] != (uint8_t)((*at + i) * 31 >> 3))
				CHECK(0);
		if (!got_vnet.gso_size)
			CHECK_INT(csum_done(csum_add(csum_pseudo(buf, IPPROTO_TCP,
					    (uint32_t)n - 20), buf + 20, n - 20)), 0);
		*at += (uint32_t)(n - 40);
		(*writes)++;
	}
}

static void want_gro(struct gate *g)
{
	int one = 1;

	CHECK(setsockopt(g->sock, IPPROTO_UDP, UDP_GRO, &one, sizeof(one)) == 0);
}

/* Every size of segment and piece, after each other, so that the guess of where the next one
 * goes is wrong most of the time; with and without datagrams kept together. */
static void segments(void)
{
	static const unsigned sizes[] = { 1386, 1386, 1386, 700, 100, 33, 1386, 8000 };
	static const size_t payloads[] = { 1, 1386, 1387, 13860, 40000, 62000, 65000 };
	struct virtio_net_hdr vnet;

	for (int gro = 0; gro < 2; gro++) {
		uint32_t seq = UINT32_MAX - 70000, at = seq;	/* wraps on its way */
		unsigned writes = 0, sent = 0;

		gates("127.0.0.1");
		if (gro)
			want_gro(&b);
		for (size_t k = 0; k < 8; k++) {
			for (size_t p = 0; p < 7; p++) {
				size_t n = make_tcp(pkt, seq, payloads[p], sizes[k], &vnet);

				if (payloads[p] / sizes[k] > 400)
					continue;	/* more than a socket holds */
				CHECK(hand_over(&a, &vnet, n) > 0);
				for (int i = 0; i < 40; i++) {
					loop_once(loop, 0);
					take_stream(&at, &writes);
				}
				seq += (uint32_t)payloads[p];
				sent++;
				CHECK_INT(at, seq);
			}
		}
		CHECK_INT(sa_of(&a)->stats.tx_packets, sa_of(&b)->stats.rx_packets);
		CHECK_INT(sa_of(&a)->stats.tx_bytes, sa_of(&b)->stats.rx_bytes);
		CHECK(sa_of(&a)->stats.tx_packets > 10 * sent);
		if (gro)	/* what was one stays few */
			CHECK(writes < sent * 40);
		closed();
	}
}

/* A 64 KB segment arrives as one write. */
static void a_segment_stays_whole(void)
{
	struct virtio_net_hdr vnet;
	uint32_t at = 5;
	unsigned writes = 0;
	size_t n;

	gates("127.0.0.1");
	want_gro(&b);
	n = make_tcp(pkt, 5, 44 * 1386, 1386, &vnet);
	for (int i = 0; i < 2; i++) {	/* once copied into place, once read into it */
		from_host_as(&a, &vnet, n);
		take_stream(&at, &writes);
		CHECK_INT(writes, i + 1u);
		CHECK_INT(got_vnet.gso_size, 1386);
		CHECK_INT(at, 5 + 44 * 1386);
		at = 5;
	}
	CHECK_INT(sa_of(&a)->stats.tx_packets, 88);
	closed();
}

/* Where UDP_SEGMENT is refused (here: because checksums are off) all goes one by one. */
static void without_udp_segment(void)
{
	struct virtio_net_hdr vnet;
	uint32_t at = 9;
	unsigned writes = 0;
	int one = 1;
	size_t n;

	gates("127.0.0.1");
	CHECK(setsockopt(a.sock, SOL_SOCKET, SO_NO_CHECK, &one, sizeof(one)) == 0);
	for (uint32_t seq = 9; seq < 9 + 3 * 40000; seq += 40000) {
		n = make_tcp(pkt, seq, 40000, 1386, &vnet);
		from_host_as(&a, &vnet, n);
		take_stream(&at, &writes);
		CHECK_INT(at, seq + 40000);
	}
	CHECK_INT(sa_of(&a)->stats.drop_socket, 0);
	CHECK_INT(sa_of(&a)->stats.tx_packets, 3 * 29);
	closed();
}

/* A segment whose pieces do not fit the path: TCP with DF is told once for each few, and what
 * may be cut is cut. A lie of the interface is dropped. */
static void segments_and_the_path(void)
{
	struct ip_addr lo = ip("127.0.0.1");
	struct virtio_net_hdr vnet;
	uint32_t at = 1;
	unsigned writes = 0;
	size_t n;

	gates("127.0.0.1");
	log_level_set(LL_ERROR);
	sad_pmtu(&a.end.sad, &lo, 1000);
	log_level_set(LL_INFO);
	n = make_tcp(pkt, 1, 13860, 1386, &vnet);
	from_host_as(&a, &vnet, n);
	CHECK_INT(to_host(&b), 0);
	CHECK_INT(to_host(&a), 576);
	CHECK(buf[20] == 3 && buf[21] == 4);
	CHECK_INT(buf[26] << 8 | buf[27], 938);
	CHECK_INT(to_host(&a), 0);
	CHECK_INT(sa_of(&a)->stats.drop_mtu, 10);
	n = make_tcp(pkt, 1, 13860, 898, &vnet);
	from_host_as(&a, &vnet, n);
	take_stream(&at, &writes);
	CHECK_INT(at, 13861);
	/* without DF each piece is cut in two */
	n = make_tcp(pkt, 1, 13860, 1386, &vnet);
	pkt[6] = 0;
	from_host_as(&a, &vnet, n);
	for (n = 0; to_host(&b); n++)
		CHECK(buf[6] & 0x20 || buf[7]);
	CHECK_INT(n, 20);
	vnet.gso_size = 0;
	n = make_tcp(pkt, 1, 13860, 1386, &vnet);
	vnet.gso_type = 77;
	from_host_as(&a, &vnet, n);
	CHECK_INT(to_host(&b), 0);
	CHECK_INT(a.end.sad.counters[COUNTER_FWD_HDR_ERROR], 1);
	closed();
}

/* A segment comes before the tunnel: its pieces wait, as far as there is room. */
static void a_segment_waits(void)
{
	struct virtio_net_hdr vnet;
	struct err e = { 0 };
	struct esp_iface *i;
	uint32_t at = 1;
	unsigned writes = 0;
	size_t n;

	gates("127.0.0.1");
	i = sad_iface(&a.end.sad, "adit-t");
	i->trapping = true;
	sad_del(sa_of(&a), 0);
	n = make_tcp(pkt, 1, 5000, 1000, &vnet);
	from_host_as(&a, &vnet, n);
	CHECK_INT(i->trap.n, 5);
	CHECK(sad_add(&a.end.sad, &a.end.conf, "adit-t", &e) == 0);
	worker_release(a.worker, i);
	turns();
	take_stream(&at, &writes);
	CHECK_INT(at, 5001);
	closed();
}

/* The number passes 2^32 in the middle of a segment (RFC 4303 §2.2.1): nothing of it is on the
 * wire, and nothing is lost. Without extended numbers nothing goes any more. */
static void numbers_pass_2_to_32(void)
{
	struct virtio_net_hdr vnet;
	uint32_t at = 1, seq = 1;
	unsigned writes = 0;
	size_t n;

	gates("127.0.0.1");
	want_gro(&b);
	sa_of(&a)->common->seq_out = UINT32_MAX - 60;
	sa_of(&b)->replay.top = UINT32_MAX - 60;
	for (int k = 0; k < 6; k++, seq += 30000) {
		n = make_tcp(pkt, seq, 30000, 1386, &vnet);
		from_host_as(&a, &vnet, n);
		take_stream(&at, &writes);
		CHECK_INT(at, seq + 30000);
	}
	CHECK_INT(sa_of(&a)->common->seq_out, (uint64_t)UINT32_MAX - 60 + 6 * 22);
	CHECK_INT(sa_of(&b)->replay.top, sa_of(&a)->common->seq_out);
	CHECK_INT(sa_of(&b)->stats.drop_auth + sa_of(&b)->stats.drop_replay, 0);
	sa_of(&a)->seq_limit = sa_of(&a)->common->seq_out + 21;
	n = make_tcp(pkt, seq, 30000, 1386, &vnet);
	from_host_as(&a, &vnet, n);
	CHECK_INT(to_host(&b), 0);
	CHECK_INT(a.end.sad.counters[COUNTER_OUT_STATE_SEQ_ERROR], 22);
	closed();
}

/* Small datagrams of one size go together, and arrive each for itself, or where the interface
 * takes that as one. */
static void small_datagrams(void)
{
	size_t n, got;

	for (int uso = 0; uso < 2; uso++) {
		gates("127.0.0.1");
		want_gro(&b);
		worker_uso(b.worker, uso);
		for (int k = 0; k < 40; k++) {
			uint16_t sum;

			n = make_v4(pkt, "10.1.0.5", "10.2.0.9", IPPROTO_UDP, 0x4000, 72);
			put_ports(pkt + 20, 7000, 7001);
			pkt[24] = 0;
			pkt[25] = 72;
			pkt[26] = pkt[27] = 0;
			pkt[28] = (uint8_t)k;
			sum = csum_done(csum_add(csum_pseudo(pkt, IPPROTO_UDP, 72), pkt + 20, 72));
			pkt[26] = (uint8_t)(sum >> 8);
			pkt[27] = (uint8_t)sum;
			CHECK(hand_over(&a, &plain, n) > 0);
		}
		turns();
		if (uso) {
			CHECK_INT(to_host(&b), 28 + 40 * 64);
			CHECK_INT(got_vnet.gso_size, 64);
			CHECK_INT(got_vnet.gso_type, 5);
		} else {
			for (got = 0; to_host(&b); got++)
				CHECK_INT(buf[28], got);
			CHECK_INT(got, 40);
		}
		CHECK_INT(to_host(&b), 0);
		CHECK_INT(sa_of(&b)->stats.rx_packets, 40);
		closed();
	}
}

/* A stranger with a socket of his own: replays, garbage, keepalives. */
static void stranger(void)
{
	struct sockaddr_storage to;
	struct endpoint ep = { ip("127.0.0.1"), 0 };
	struct engine_op op;
	struct inner in;
	static struct esp_pkt p;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len;
	size_t n;

	CHECK(fd >= 0);
	gates("127.0.0.1");
	log_level_set(LL_ERROR);
	ep.port = b.port;
	len = endpoint_to_sockaddr(&ep, &to);
#define SHOOT(bytes, size) do { \
		CHECK(sendto(fd, bytes, size, 0, (void *)&to, len) == (ssize_t)(size)); \
		turns(); } while (0)
	SHOOT("\xff", 1);
	SHOOT("", 0);
	SHOOT("\0\0\0\0IKE", 7);
	rng_bytes(buf, 1000);
	SHOOT(buf, 1000);
	CHECK_INT(b.end.sad.counters[COUNTER_IN_NO_STATES], 1);
	/* a true packet, three times, and damaged */
	p.off = ESP_HEADROOM;
	p.len = n = make_v4(esp_pkt_data(&p), "10.1.0.5", "10.2.0.9", 99, 0, 100);
	CHECK(inner_parse(esp_pkt_data(&p), p.len, &in) == 0);
	CHECK_INT(esp_seal_begin(sa_of(&a), &p, &in, 1, &op), ESP_OK);
	engine_mbedtls.seal(&op, 1);
	SHOOT(esp_pkt_data(&p), p.len);
	SHOOT(esp_pkt_data(&p), p.len);
	SHOOT(esp_pkt_data(&p), p.len);
	CHECK_INT(to_host(&b), n);
	CHECK_INT(to_host(&b), 0);
	CHECK_INT(sa_of(&b)->stats.drop_replay, 2);
	esp_pkt_data(&p)[7]++;
	SHOOT(esp_pkt_data(&p), p.len);
	CHECK_INT(sa_of(&b)->stats.drop_auth, 1);
	/* It was seen that it came from elsewhere; where we send has not changed. */
	CHECK(addr_is_set(&sa_of(&b)->seen.addr));
	CHECK(sa_of(&b)->seen.port != a.port);
	CHECK_INT(sa_of(&b)->remote.port, a.port);
	log_level_set(LL_INFO);
	close(fd);
	closed();
}

/* A closed port answers with an ICMP error; what is sent next must still go. */
static void dead_remote_does_not_block(void)
{
	struct endpoint nobody = { ip("127.0.0.1"), 9 }, there = { ip("127.0.0.1"), 0 };
	int one = 1;
	size_t n;

	gates("127.0.0.1");
	CHECK(setsockopt(a.sock, IPPROTO_IP, IP_RECVERR, &one, sizeof(one)) == 0);
	there.port = b.port;
	for (int i = 0; i < 5; i++) {
		sad_update(sa_of(&a), &a.end.conf.local, &nobody);
		from_host(&a, make_v4(pkt, "10.1.0.5", "10.2.0.9", 99, 0, 10));
		sad_update(sa_of(&a), &a.end.conf.local, &there);
		n = make_v4(pkt, "10.1.0.5", "10.2.0.9", 99, 0, 500);
		from_host(&a, n);
		CHECK_INT(to_host(&b), n);
	}
	closed();
}

/* Nothing to do: nothing wakes up. */
static void idle(void)
{
	gates("127.0.0.1");
	turns();
	CHECK_INT(timers_wait(loop_timers(loop)), -1);
	closed();
}

int main(void)
{
	T_RUN(there_and_back);
	T_RUN(over_ipv6);
	T_RUN(many);
	T_RUN(packets_wait_for_a_tunnel_on_demand);
	T_RUN(a_new_port_is_followed);
	T_RUN(waiting_ends);
	T_RUN(no_tunnel_says_so);
	T_RUN(icmp_is_limited);
	T_RUN(narrow_path);
	T_RUN(segments);
	T_RUN(a_segment_stays_whole);
	T_RUN(without_udp_segment);
	T_RUN(segments_and_the_path);
	T_RUN(a_segment_waits);
	T_RUN(numbers_pass_2_to_32);
	T_RUN(small_datagrams);
	T_RUN(stranger);
	T_RUN(dead_remote_does_not_block);
	T_RUN(idle);
	return t_done();
}
