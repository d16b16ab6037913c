/* rooms: dataplane/esp dataplane/engine core/daemon core/ipc core/net core/settings core/crypto core/base */
/* espd as the monitor sees it: messages in, messages out, and UDP on the loopback in between,
 * with one worker and with two, each in a thread. */
#include "core/base/loop.h"
#include "core/ipc/ipc.h"
#include "core/ipc/msg.h"
#include "core/net/sock.h"
#include "dataplane/esp/ctl.h"
#include "dataplane/esp/worker.h"
#include "tests/unit/esp_help.h"

#include <linux/virtio_net.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/uio.h>
#include <unistd.h>

#define WORKERS 2
#define WAIT_MS 5000

/* The peer seals by itself and has three sockets, as if a NAT changed its port. */
static struct end us, peer;
static struct sad peer_sad;
static int from[3];
static struct endpoint from_ep[3];

static struct loop *loop;
static struct ipc *link_espd, *link_monitor;
static struct ctl *ctl;
static unsigned workers;
static int udp[WORKERS], raw[WORKERS];	/* our copies of espd's */
static struct endpoint udp_ep[WORKERS], raw_ep[WORKERS];
static int host[WORKERS];
static uint8_t buf[70000];

static void nothing(void *arg, uint32_t id, enum sa_event ev)
{
	(void)arg; (void)id; (void)ev;
}

static int open_udp(struct endpoint *ep)
{
	struct endpoint any = { ip("127.0.0.1"), 0 };
	struct sockaddr_storage ss;
	socklen_t len = endpoint_to_sockaddr(&any, &ss);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	CHECK(fd >= 0 && bind(fd, (void *)&ss, len) == 0);
	len = sizeof(ss);
	CHECK(getsockname(fd, (void *)&ss, &len) == 0);
	CHECK(endpoint_from_sockaddr(&ss, ep) == 0);
	CHECK(setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) == 0);
	CHECK(setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on)) == 0);
	return fd;
}

/* As if it had come over the link; the descriptors are taken. */
static void tell(uint16_t type, uint32_t id, const void *body, size_t len, const int *fds,
		 size_t n)
{
	struct ipc_msg m = { .type = type, .id = id, .body = body, .len = len, .n_fds = n };

	for (size_t i = 0; i < n; i++)
		m.fds[i] = dup(fds[i]);
	ctl_msg(ctl, &m);
	for (size_t i = 0; i < n; i++)
		CHECK(type != MSG_TUN_ADD || m.fds[i] < 0);
}

/* The next message of this type, others are skipped; false when none comes. */
static bool told(uint16_t type, struct ipc_msg *m)
{
	struct err e = { 0 };

	for (int i = 0; i < WAIT_MS / 10; i++) {
		loop_once(loop, 0);
		while (ipc_recv_wait(link_monitor, m, 0, &e) == 1)
			if (m->type == type)
				return true;
		usleep(10000);
	}
	return false;
}

static void begin_workers(void)
{
	struct msg_espd_start start = { .workers = (uint8_t)workers,
					.engine = ENGINE_CHOICE_MBEDTLS };
	struct msg_tun tun = { .name = "adit-t", .mtu = 1400 };
	int queue[WORKERS], pair[2];

	tell(MSG_ESPD_START, 0, &start, sizeof(start), NULL, 0);
	for (unsigned w = 0; w < workers; w++) {
		/* A UDP socket where a raw one of IPv6 would be: no header is before its packets. */
		struct msg_espd_sockets s = { .worker = (uint8_t)w, .udp4 = 1, .raw6 = 1 };
		int fds[2] = { udp[w] = open_udp(&udp_ep[w]), raw[w] = open_udp(&raw_ep[w]) };

		tell(MSG_ESPD_SOCKETS, 0, &s, sizeof(s), fds, 2);
		CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) == 0);
		host[w] = pair[0];
		queue[w] = pair[1];
	}
	tell(MSG_TUN_ADD, 0, &tun, sizeof(tun), queue, workers);
	for (unsigned w = 0; w < workers; w++)
		close(queue[w]);
}

/* The worker that receives is the last. */
static void begin(unsigned n)
{
	struct msg_espd_sa sa = { .interface = "adit-t" };
	struct err e = { 0 };
	struct ipc_msg m;
	int fds[2];

	workers = n;
	loop = loop_new(&e);
	CHECK(loop && ipc_pair(fds, &e) == 0);
	link_espd = ipc_new(fds[0], ROLE_ESPD, ROLE_MONITOR, &e);
	link_monitor = ipc_new(fds[1], ROLE_MONITOR, ROLE_ESPD, &e);
	ctl = ctl_new(loop, link_espd, &e);
	CHECK(link_espd && link_monitor && ctl);
	for (int i = 0; i < 3; i++)
		from[i] = open_udp(&from_ep[i]);
	end_conf(&us, &peer, ENCR_AES_GCM_16, 256, 0, true);
	while (sock_worker(us.conf.spi_in, n) != n - 1)
		us.conf.spi_in += 1u << 24;
	peer.conf.spi_out = us.conf.spi_in;
	begin_workers();
	us.conf.local = udp_ep[n - 1];
	us.conf.remote = from_ep[0];
	us.conf.follow = true;
	sad_init(&peer_sad, &engine_mbedtls, loop_timers(loop), nothing, NULL);
	CHECK(sad_iface_add(&peer_sad, "adit-t", -1, 1400, &e) != NULL);
	CHECK_INT(sad_add(&peer_sad, &peer.conf, "adit-t", &e), 0);
	sa.sa = us.conf;
	tell(MSG_ESPD_SA_ADD, 1, &sa, sizeof(sa), NULL, 0);
	CHECK(told(MSG_ESPD_SA_ADDED, &m));
	CHECK_STR(((const struct msg_result *)m.body)->text, "");
}

static void end(void)
{
	ctl_free(ctl);
	ipc_free(link_espd);
	ipc_free(link_monitor);
	sad_fini(&peer_sad);
	loop_free(loop);
	for (int i = 0; i < 3; i++)
		close(from[i]);
	for (unsigned w = 0; w < workers; w++) {
		close(host[w]);
		close(udp[w]);
		close(raw[w]);
	}
}

/* A packet of the peer's, sealed: its length. */
static size_t sealed(uint8_t *out, size_t payload)
{
	struct esp_sa *sa = sad_by_id(&peer_sad, peer.conf.id);
	static struct esp_pkt p;
	struct engine_op op;
	struct inner in;

	p.off = ESP_HEADROOM;
	p.len = make_v4(esp_pkt_data(&p), "10.2.0.9", "10.1.0.5", 99, 0, payload);
	CHECK(inner_parse(esp_pkt_data(&p), p.len, &in) == 0);
	CHECK_INT(esp_seal_begin(sa, &p, &in, 1, &op), ESP_OK);
	engine_mbedtls.seal(&op, 1);
	memcpy(out, esp_pkt_data(&p), p.len);
	return p.len;
}

static void shoot(int fd, const struct endpoint *to, const void *bytes, size_t n)
{
	struct sockaddr_storage ss;
	socklen_t len = endpoint_to_sockaddr(to, &ss);

	CHECK(sendto(fd, bytes, n, 0, (void *)&ss, len) == (ssize_t)n);
}

static bool readable(int fd, int wait_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (workers == 1)	/* it runs here */
		for (int i = 0; i < 20; i++)
			loop_once(loop, 0);
	return poll(&p, 1, wait_ms) == 1;
}

/* What the host gets of the worker that receives: its length, 0 when nothing comes. */
static size_t to_host(void)
{
	struct virtio_net_hdr vnet;
	struct iovec iov[2] = { { &vnet, sizeof(vnet) }, { buf, sizeof(buf) } };
	ssize_t n;

	if (!readable(host[workers - 1], WAIT_MS))
		return 0;
	n = readv(host[workers - 1], iov, 2);
	return n > (ssize_t)sizeof(vnet) ? (size_t)n - sizeof(vnet) : 0;
}

/* Which of the peer's sockets a packet of the host reaches through this worker; -1: none. */
static int reaches(unsigned w)
{
	static const struct virtio_net_hdr plain;
	struct iovec iov[2] = { { (void *)(uintptr_t)&plain, sizeof(plain) }, { buf, 0 } };
	struct pollfd p[3];

	iov[1].iov_len = make_v4(buf, "10.1.0.5", "10.2.0.9", 99, 0, 100);
	CHECK(writev(host[w], iov, 2) > 0);
	for (int i = 0; i < 3; i++)
		p[i] = (struct pollfd){ .fd = from[i], .events = POLLIN };
	(void)readable(host[w], 0);
	CHECK(poll(p, 3, WAIT_MS) == 1);
	for (int i = 0; i < 3; i++)
		if (p[i].revents && recv(from[i], buf, sizeof(buf), 0) > 0)
			return i;
	return -1;
}

/* ---- */

/* The kernel put it behind ESP of the same ports: a shorter datagram ends a run. */
static void ike_behind_esp_is_passed_on(void)
{
	static uint8_t run[4000];
	const struct msg_ike_datagram *ike;
	struct ipc_msg m;
	uint64_t v;

	for (unsigned n = 1; n <= WORKERS; n++) {
		int size, tries = 0;
		size_t len;

		begin(n);
		size = (int)(len = sealed(run, 1000));
		len += sealed(run + len, 1000);
		memset(run + len, 0, 200);
		for (size_t i = 4; i < 200; i++)
			run[len + i] = (uint8_t)i;
		CHECK(setsockopt(from[0], IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)) == 0);
		shoot(from[0], &udp_ep[n - 1], run, len + 200);
		size = 0;
		CHECK(setsockopt(from[0], IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)) == 0);
		CHECK_INT(to_host(), 1020);
		CHECK_INT(to_host(), 1020);
		CHECK(told(MSG_ESPD_IKE, &m));
		ike = m.body;
		CHECK_INT(m.len, offsetof(struct msg_ike_datagram, bytes) + 200);
		CHECK_INT(ike->len, 200);
		CHECK_MEM(ike->bytes, run + len, 200);
		CHECK(endpoint_equal(&ike->local, &udp_ep[n - 1]));
		CHECK(endpoint_equal(&ike->remote, &from_ep[0]));
		/* too short for IKE; and no IKE goes by IP protocol 50 */
		shoot(from[0], &udp_ep[n - 1], run + len, 31);
		shoot(from[0], &raw_ep[n - 1], run + len, 200);
		shoot(from[0], &udp_ep[n - 1], run, sealed(run, 10));
		CHECK_INT(to_host(), 30);
		do {	/* a thread reads the other socket when it does */
			tell(MSG_ESPD_COUNTERS_QUERY, 0, NULL, 0, NULL, 0);
			CHECK(told(MSG_ESPD_COUNTERS, &m));
			v = ((const struct msg_counters *)m.body)->v[COUNTER_IN_HDR_ERROR];
		} while (v < 2 && ++tries < 100);
		CHECK_INT(v, 2);
		end();
	}
}

/* Strangers can send as much of it as they like: the monitor and iked do not get it all. */
static void a_flood_of_ike_is_not(void)
{
	enum { SHOTS = 1000, TURN = 50 };
	uint8_t ike[60] = { 0 };
	struct err e = { 0 };
	struct ipc_msg m;
	uint64_t passed = 0;

	begin(1);
	for (int i = 0; i < SHOTS; i += TURN) {
		for (int k = 0; k < TURN; k++)
			shoot(from[2], &udp_ep[0], ike, sizeof(ike));
		(void)readable(host[0], 0);
		while (ipc_recv_wait(link_monitor, &m, 0, &e) == 1)
			passed += m.type == MSG_ESPD_IKE;
	}
	CHECK(passed >= SAD_IKE_BURST && passed < SHOTS);
	tell(MSG_ESPD_COUNTERS_QUERY, 0, NULL, 0, NULL, 0);
	CHECK(told(MSG_ESPD_COUNTERS, &m));
	CHECK_INT(((const struct msg_counters *)m.body)->v[COUNTER_IN_ERROR], SHOTS - passed);
	end();
}

/* A packet of a UDP SA that came by IP protocol 50 is taken in; where to send does not follow. */
static void the_other_encapsulation_moves_nothing(void)
{
	uint8_t pkt[400];

	for (unsigned n = 1; n <= WORKERS; n++) {
		begin(n);
		shoot(from[1], &raw_ep[n - 1], pkt, sealed(pkt, 100));
		CHECK_INT(to_host(), 120);
		CHECK_INT(reaches(n - 1), 0);
		shoot(from[1], &udp_ep[n - 1], pkt, sealed(pkt, 100));
		CHECK_INT(to_host(), 120);
		CHECK_INT(reaches(n - 1), 1);
		end();
	}
}

/* Where a worker followed its peer the others do, too, unless the monitor has said since where
 * it is: all go there then. */
static void a_move_does_not_undo_an_update(void)
{
	struct msg_sa_update u = { 0 };
	uint8_t pkt[400];

	begin(WORKERS);
	shoot(from[1], &udp_ep[WORKERS - 1], pkt, sealed(pkt, 100));
	CHECK_INT(to_host(), 120);
	loop_once(loop, WAIT_MS);
	for (unsigned w = 0; w < WORKERS; w++)
		CHECK_INT(reaches(w), 1);
	shoot(from[0], &udp_ep[WORKERS - 1], pkt, sealed(pkt, 100));
	CHECK_INT(to_host(), 120);
	/* the note of that waits in the main loop */
	u.sa_id = us.conf.id;
	u.local = us.conf.local;
	u.remote = from_ep[2];
	tell(MSG_ESPD_SA_UPDATE, 0, &u, sizeof(u), NULL, 0);
	loop_once(loop, WAIT_MS);
	for (unsigned w = 0; w < WORKERS; w++)
		CHECK_INT(reaches(w), 2);
	end();
}

int main(void)
{
	log_level_set(LL_ERROR);
	T_RUN(ike_behind_esp_is_passed_on);
	T_RUN(a_flood_of_ike_is_not);
	T_RUN(the_other_encapsulation_moves_nothing);
	T_RUN(a_move_does_not_undo_an_update);
	return t_done();
}
