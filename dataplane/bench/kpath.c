/* kpath: rtnetlink and XFRM by hand, for few messages that nobody else needs: the links of
 * namespaces that nobody sees. */
#include "dataplane/bench/kpath.h"

#include "core/crypto/alg.h"
#include "dataplane/engine/afalg_open.h"
#include "dataplane/engine/afalg_proc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <linux/xfrm.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORT 4511
#define MTU 9216		/* 8192 bytes and what ESP adds */
#define BURST 16
#define FLIGHT_MAX 64
#define SPI 0x1001
#define LOST_MS 1000
#define LINK_MS 4000

enum { SENDER, RECEIVER, SIDES };

static const uint32_t addresses[SIDES] = { 0xc6120001, 0xc6120002 };	/* RFC 2544's 198.18.0.0/15 */

struct kpath {
	int home;		/* the namespace we came from */
	int ns[SIDES];
	int udp[SIDES];
	struct afalg_names names;
};

/* ---- netlink ---- */

struct msg {
	struct nlmsghdr h;
	char body[2048];
};

static void *put(struct msg *m, const void *data, size_t len)
{
	char *at = (char *)m + NLMSG_ALIGN(m->h.nlmsg_len);

	memset(at, 0, NLMSG_ALIGN(len));
	if (data)
		memcpy(at, data, len);
	m->h.nlmsg_len = (uint32_t)(NLMSG_ALIGN(m->h.nlmsg_len) + len);
	return at;
}

static struct rtattr *attr(struct msg *m, unsigned short type, const void *data, size_t len)
{
	struct rtattr a = { .rta_len = (unsigned short)RTA_LENGTH(len), .rta_type = type };
	struct rtattr *at = put(m, &a, sizeof(a));

	if (len)
		put(m, data, len);
	return at;
}

static void nest_end(struct msg *m, struct rtattr *at)
{
	at->rta_len = (unsigned short)((char *)m + NLMSG_ALIGN(m->h.nlmsg_len) - (char *)at);
}

static struct msg start(uint16_t type, uint16_t flags)
{
	return (struct msg){ .h = { .nlmsg_len = NLMSG_HDRLEN, .nlmsg_type = type,
				    .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags) } };
}

/* In the namespace where we are. errno is the kernel's. */
static int talk(int bus, struct msg *m)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, bus), rc = -1;
	char answer[4096] __attribute__((aligned(8)));
	const struct nlmsghdr *h = (const struct nlmsghdr *)answer;
	ssize_t n;

	if (fd < 0)
		return -1;
	if (send(fd, m, m->h.nlmsg_len, 0) == (ssize_t)m->h.nlmsg_len) {
		n = recv(fd, answer, sizeof(answer), 0);
		if (n >= (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)) && h->nlmsg_type == NLMSG_ERROR) {
			errno = -((const struct nlmsgerr *)NLMSG_DATA(h))->error;
			rc = errno ? -1 : 0;
		}
	}
	close(fd);
	return rc;
}

static int enter(int ns, struct err *e)
{
	return setns(ns, CLONE_NEWNET) < 0 ? err_errno(e, "a network namespace") : 0;
}

/* ---- the two hosts ---- */

static int make_veth(int peer_ns, struct err *e)
{
	struct ifinfomsg none = { .ifi_family = AF_UNSPEC };
	uint32_t mtu = MTU, ns = (uint32_t)peer_ns;
	struct msg m = start(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct rtattr *info, *data, *peer;

	put(&m, &none, sizeof(none));
	attr(&m, IFLA_IFNAME, "bench0", sizeof("bench0"));
	attr(&m, IFLA_MTU, &mtu, sizeof(mtu));
	info = attr(&m, IFLA_LINKINFO, NULL, 0);
	attr(&m, IFLA_INFO_KIND, "veth", 4);
	data = attr(&m, IFLA_INFO_DATA, NULL, 0);
	peer = attr(&m, VETH_INFO_PEER, NULL, 0);
	put(&m, &none, sizeof(none));
	attr(&m, IFLA_IFNAME, "bench0", sizeof("bench0"));
	attr(&m, IFLA_MTU, &mtu, sizeof(mtu));
	attr(&m, IFLA_NET_NS_FD, &ns, sizeof(ns));
	nest_end(&m, peer);
	nest_end(&m, data);
	nest_end(&m, info);
	return talk(NETLINK_ROUTE, &m) < 0 ? err_errno(e, "a veth pair") : 0;
}

static int set_up_link(unsigned side, struct err *e)
{
	unsigned index = if_nametoindex("bench0");
	struct ifaddrmsg a = { .ifa_family = AF_INET, .ifa_prefixlen = 30, .ifa_index = index };
	struct ifinfomsg l = { .ifi_family = AF_UNSPEC, .ifi_index = (int)index, .ifi_flags = IFF_UP,
			       .ifi_change = IFF_UP };
	uint32_t ip = htonl(addresses[side]);
	struct msg m = start(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);

	put(&m, &a, sizeof(a));
	attr(&m, IFA_LOCAL, &ip, sizeof(ip));
	attr(&m, IFA_ADDRESS, &ip, sizeof(ip));
	if (talk(NETLINK_ROUTE, &m) < 0)
		return err_errno(e, "an address");
	m = start(RTM_NEWLINK, 0);
	put(&m, &l, sizeof(l));
	return talk(NETLINK_ROUTE, &m) < 0 ? err_errno(e, "a link") : 0;
}

static int open_udp(unsigned side, struct err *e)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(PORT),
				  .sin_addr.s_addr = htonl(addresses[side]) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), room = 4 << 20;

	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		goto bad;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) < 0)
		goto bad;
	sa.sin_addr.s_addr = htonl(addresses[!side]);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		goto bad;
	return fd;
bad:
	err_errno(e, "a UDP socket");
	if (fd >= 0)
		close(fd);
	return -1;
}

static int build(struct kpath *k, struct err *e)
{
	for (unsigned side = 0; side < SIDES; side++) {
		if (unshare(CLONE_NEWNET) < 0)
			return err_errno(e, errno == EPERM ? "needs root" : "a network namespace");
		k->ns[side] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		if (k->ns[side] < 0)
			return err_errno(e, "/proc/self/ns/net");
	}
	if (enter(k->ns[SENDER], e) < 0 || make_veth(k->ns[RECEIVER], e) < 0)
		return -1;
	for (unsigned side = 0; side < SIDES; side++)
		if (enter(k->ns[side], e) < 0 || set_up_link(side, e) < 0)
			return -1;
	/* Connecting asks for a route, which is there once both ends are up. */
	for (unsigned side = 0; side < SIDES; side++) {
		if (enter(k->ns[side], e) < 0)
			return -1;
		k->udp[side] = open_udp(side, e);
		if (k->udp[side] < 0)
			return -1;
	}
	return 0;
}

/* ---- SAs ---- */

static void copy_key(char *to, struct slice key)
{
	if (key.p && key.len)
		memcpy(to, key.p, key.len);
}

static void put_algorithms(struct msg *m, const struct kpath *k, const struct engine_suite *s)
{
	const struct alg *c = alg_get(ALG_ENCR, s->encr, s->encr_bits);
	const struct alg *h = s->integ ? alg_get(ALG_INTEG, s->integ, 0) : NULL;
	struct {
		struct xfrm_algo_auth a;
		char key[80];
	} auth = { .a = { .alg_key_len = (unsigned)s->integ_key.len * 8 } };
	struct {
		struct xfrm_algo_aead a;
		char key[80];
	} aead = { .a = { .alg_key_len = (unsigned)s->encr_key.len * 8 } };
	struct {
		struct xfrm_algo a;
		char key[80];
	} crypt = { .a = { .alg_key_len = (unsigned)s->encr_key.len * 8 } };

	if (!c || s->encr_key.len > sizeof(aead.key) || s->integ_key.len > sizeof(auth.key))
		return;
	if (c->aead) {
		snprintf(aead.a.alg_name, sizeof(aead.a.alg_name), "%s", k->names.aead);
		aead.a.alg_icv_len = c->icv_len * 8u;
		copy_key(aead.a.alg_key, s->encr_key);
		attr(m, XFRMA_ALG_AEAD, &aead, sizeof(aead.a) + s->encr_key.len);
		return;
	}
	/* The kernel's ESP wants counter mode with its nonce. */
	snprintf(crypt.a.alg_name, sizeof(crypt.a.alg_name), "%s",
		 strcmp(k->names.cipher, "ctr(aes)") == 0 ? "rfc3686(ctr(aes))" :
		 k->names.cipher[0] ? k->names.cipher : "ecb(cipher_null)");
	copy_key(crypt.a.alg_key, s->encr_key);
	attr(m, XFRMA_ALG_CRYPT, &crypt, sizeof(crypt.a) + s->encr_key.len);
	if (!h)
		return;
	snprintf(auth.a.alg_name, sizeof(auth.a.alg_name), "%s", k->names.hash);
	auth.a.alg_trunc_len = h->icv_len * 8u;
	copy_key(auth.a.alg_key, s->integ_key);
	attr(m, XFRMA_ALG_AUTH_TRUNC, &auth, sizeof(auth.a) + s->integ_key.len);
}

static void no_limits(struct xfrm_lifetime_cfg *l)
{
	l->soft_byte_limit = l->hard_byte_limit = XFRM_INF;
	l->soft_packet_limit = l->hard_packet_limit = XFRM_INF;
}

static int add_state(const struct kpath *k, const struct engine_suite *s)
{
	struct xfrm_usersa_info sa = { .family = AF_INET, .mode = XFRM_MODE_TUNNEL,
				       .replay_window = 32 };
	struct msg m = start(XFRM_MSG_NEWSA, NLM_F_CREATE | NLM_F_EXCL);

	sa.saddr.a4 = htonl(addresses[SENDER]);
	sa.id.daddr.a4 = htonl(addresses[RECEIVER]);
	sa.id.spi = htonl(SPI);
	sa.id.proto = IPPROTO_ESP;
	sa.sel.family = AF_INET;
	no_limits(&sa.lft);
	put(&m, &sa, sizeof(sa));
	put_algorithms(&m, k, s);
	return talk(NETLINK_XFRM, &m);
}

/* What came through a tunnel is taken where a policy wants it so. */
static int add_policy(unsigned side)
{
	struct xfrm_userpolicy_info p = { .dir = side == SENDER ? XFRM_POLICY_OUT : XFRM_POLICY_IN,
					  .action = XFRM_POLICY_ALLOW };
	struct xfrm_user_tmpl t = { .family = AF_INET, .mode = XFRM_MODE_TUNNEL, .aalgos = ~0u,
				    .ealgos = ~0u, .calgos = ~0u };
	struct msg m = start(XFRM_MSG_NEWPOLICY, NLM_F_CREATE | NLM_F_EXCL);

	t.saddr.a4 = htonl(addresses[SENDER]);
	t.id.daddr.a4 = htonl(addresses[RECEIVER]);
	t.id.spi = htonl(SPI);
	t.id.proto = IPPROTO_ESP;
	p.sel = (struct xfrm_selector){ .family = AF_INET, .prefixlen_d = 32, .prefixlen_s = 32,
					.proto = IPPROTO_UDP };
	p.sel.saddr.a4 = htonl(addresses[SENDER]);
	p.sel.daddr.a4 = htonl(addresses[RECEIVER]);
	no_limits(&p.lft);
	put(&m, &p, sizeof(p));
	attr(&m, XFRMA_TMPL, &t, sizeof(t));
	return talk(NETLINK_XFRM, &m);
}

static void flush(void)
{
	struct xfrm_usersa_flush all = { .proto = 255 };	/* IPSEC_PROTO_ANY */
	struct msg m = start(XFRM_MSG_FLUSHSA, 0);

	put(&m, &all, sizeof(all));
	(void)talk(NETLINK_XFRM, &m);
	m = start(XFRM_MSG_FLUSHPOLICY, 0);
	(void)talk(NETLINK_XFRM, &m);
}

static int set_suite(struct kpath *k, const struct engine_suite *s, struct err *e)
{
	for (unsigned side = 0; side < SIDES; side++) {
		if (enter(k->ns[side], e) < 0)
			return -1;
		flush();
		if (add_state(k, s) < 0)
			return errno == EPROTONOSUPPORT || errno == ESRCH || errno == EAFNOSUPPORT ?
			       err_set(e, "the kernel has no ESP") : errno == ENOSYS || errno == ENOENT ?
			       err_set(e, "the kernel has no ESP with this algorithm") : err_errno(e, "an SA");
		if (add_policy(side) < 0)
			return err_errno(e, "a policy");
	}
	return 0;
}

int kpath_suite(struct kpath *k, const struct engine_suite *s, struct err *e)
{
	const struct afalg_ids ids = { s->encr, s->encr_bits, s->integ, false };
	struct err ignored;
	int rc;

	if (afalg_names(&ids, &k->names, e) < 0)
		return -1;
	rc = set_suite(k, s, e);
	if (enter(k->home, rc < 0 ? &ignored : e) < 0)
		return -1;
	return rc;
}

/* ---- running ---- */

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000;
}

struct traffic {
	uint8_t out[8192], in[BURST][8192];
	struct mmsghdr tx[BURST], rx[BURST];
	struct iovec tx_iov, rx_iov[BURST];
};

static struct traffic *traffic_new(size_t payload)
{
	struct traffic *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->tx_iov = (struct iovec){ t->out, payload };
	for (int i = 0; i < BURST; i++) {
		t->tx[i].msg_hdr = (struct msghdr){ .msg_iov = &t->tx_iov, .msg_iovlen = 1 };
		t->rx_iov[i] = (struct iovec){ t->in[i], sizeof(t->in[i]) };
		t->rx[i].msg_hdr = (struct msghdr){ .msg_iov = &t->rx_iov[i], .msg_iovlen = 1 };
	}
	return t;
}

/* Packets that arrived within the time; it is what the clock says at the end. */
static int pass(const struct kpath *k, struct traffic *t, uint64_t us, uint64_t *arrived,
		uint64_t *took, struct err *e)
{
	uint64_t begin = now_us(), last = begin, now = begin;
	long flight = 0;

	*arrived = 0;
	for (; now - begin < us; now = now_us()) {
		int n = flight < FLIGHT_MAX ? sendmmsg(k->udp[SENDER], t->tx, BURST, 0) : 0;

		if (n < 0 && errno != EAGAIN && errno != ENOBUFS && errno != EINTR)
			return err_errno(e, "sending");
		flight += n > 0 ? n : 0;
		while ((n = recvmmsg(k->udp[RECEIVER], t->rx, BURST, 0, NULL)) > 0) {
			flight -= n;
			*arrived += (uint64_t)n;
			last = now;
		}
		if (flight < FLIGHT_MAX)
			continue;
		/* A driver that works beside us: wait for it. What does not come is lost. */
		if (poll(&(struct pollfd){ .fd = k->udp[RECEIVER], .events = POLLIN }, 1, 10) == 0)
			flight = 0;
		if (now - last > LOST_MS * 1000)
			return err_set(e, "packets do not arrive");
	}
	*took = now - begin;
	return *arrived ? 0 : err_set(e, "packets do not arrive");
}

static void find_driver(const struct kpath *k, struct kpath_result *out)
{
	struct afalg_driver d = { .driver = "" };
	FILE *f = fopen(AFALG_PROC, "re");

	if (f && afalg_proc_find(f, k->names.aead, "aead", &d)) {
		snprintf(out->driver, sizeof(out->driver), "%s", d.driver);
		out->hardware = d.hardware;
	}
	if (f)
		fclose(f);
}

int kpath_run(struct kpath *k, size_t size, unsigned ms, struct kpath_result *out, struct err *e)
{
	struct traffic *t = traffic_new(size - 28);
	uint64_t arrived, took = 1;
	cpu_set_t before, one;
	int rc;

	*out = (struct kpath_result){ 0 };
	if (!t)
		return err_set(e, "out of memory");
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	if (sched_getaffinity(0, sizeof(before), &before) == 0)
		(void)sched_setaffinity(0, sizeof(one), &one);
	else
		CPU_ZERO(&before);
	/* The first packets find routes and neighbours. */
	rc = pass(k, t, (uint64_t)ms * 100 + 500, &arrived, &took, e);
	if (rc == 0)
		rc = pass(k, t, (uint64_t)ms * 900 + 500, &arrived, &took, e);
	if (CPU_COUNT(&before))
		(void)sched_setaffinity(0, sizeof(before), &before);
	free(t);
	if (rc < 0)
		return -1;
	out->mbit = (uint32_t)(arrived * size * 8 / took);
	find_driver(k, out);
	return 0;
}

/* ---- begin and end ---- */

/* A link that just came up needs its time. */
static int wait_link(const struct kpath *k, struct err *e)
{
	char packet[64] = { 0 };

	for (int i = 0; i < LINK_MS / 50; i++) {
		struct pollfd p = { .fd = k->udp[RECEIVER], .events = POLLIN };

		(void)!send(k->udp[SENDER], packet, sizeof(packet), 0);
		if (poll(&p, 1, 50) > 0 && recv(p.fd, packet, sizeof(packet), 0) > 0)
			return 0;
	}
	return err_set(e, "packets do not arrive");
}

/* Which algorithms there are is asked before whether there is ESP: one has to be. */
static int any_suite(struct kpath *k, struct err *e)
{
	static const uint8_t key[20];
	const struct engine_suite usual[] = {
		{ .encr = ENCR_AES_GCM_16, .encr_bits = 128, .encr_key = { key, 20 } },
		{ .encr = ENCR_AES_CBC, .encr_bits = 128, .integ = INTEG_HMAC_SHA1_96,
		  .encr_key = { key, 16 }, .integ_key = { key, 20 } },
		{ .encr = ENCR_NULL, .integ = INTEG_HMAC_SHA1_96, .integ_key = { key, 20 } },
	};
	struct err later;
	int rc = kpath_suite(k, &usual[0], e);

	/* What is said is about the first. */
	for (size_t i = 1; rc < 0 && i < sizeof(usual) / sizeof(usual[0]); i++)
		rc = kpath_suite(k, &usual[i], &later);
	return rc;
}

int kpath_open(struct kpath **out, struct err *e)
{
	struct kpath *k = malloc(sizeof(*k));
	int rc = -1;

	*out = NULL;
	if (!k)
		return err_set(e, "out of memory");
	*k = (struct kpath){ .ns = { -1, -1 }, .udp = { -1, -1 } };
	k->home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (k->home < 0) {
		err_errno(e, "/proc/self/ns/net");
	} else {
		rc = build(k, e);
		if (setns(k->home, CLONE_NEWNET) < 0 && rc == 0)
			rc = err_errno(e, "the way back from a network namespace");
	}
	if (rc == 0)
		rc = any_suite(k, e);
	if (rc == 0)
		rc = wait_link(k, e);
	if (rc < 0) {
		kpath_close(k);
		return -1;
	}
	*out = k;
	return 0;
}

void kpath_close(struct kpath *k)
{
	if (!k)
		return;
	for (unsigned side = 0; side < SIDES; side++) {
		if (k->udp[side] >= 0)
			close(k->udp[side]);
		if (k->ns[side] >= 0)
			close(k->ns[side]);
	}
	if (k->home >= 0)
		close(k->home);
	free(k);
}
