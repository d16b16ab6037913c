/* worker: the loop's side of the userspace dataplane.
 *
 *	interface --read--> tx slots --seal--> sendmmsg --> ESP socket
 *	interface <--write-- inner packet <--open-- rx slots <--recvmmsg-- ESP socket
 *
 * A slot is a packet buffer and what must be known of the packet until it has left. Outer
 * packets carry DF and the kernel keeps the path MTU (RFC 4301 §8): one that does not fit any
 * more comes back as EMSGSIZE, the path's MTU is learned from the error queue, and the inner
 * packet gets a second chance: cut up, or its sender is told. What arrives from the network as ICMP is judged by the kernel
 * alone; we only believe the route.
 */
#include "dataplane/esp/worker.h"

#include "core/base/clock.h"
#include "core/base/secret.h"
#include "dataplane/esp/errq.h"
#include "dataplane/esp/esp.h"
#include "dataplane/esp/frag.h"
#include "dataplane/esp/icmp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH ENGINE_BATCH
#define ROUNDS 4		/* batches handled in one turn of the loop */
#define IPV6_MTU_MIN 1280

enum { V4, V6, FAMILIES };

struct tx {
	struct endpoint local, remote;
	struct inner in;
	uint32_t sa_id;		/* the SA itself may be deleted while this waits */
	uint8_t tos;
	bool may_frag;		/* goes out without DF: the sender cannot go lower */
	bool retried;
	struct esp_pkt pkt;
};

struct rx {
	struct sockaddr_storage from;
	_Alignas(struct cmsghdr) char ctl[128];
	struct esp_pkt pkt;
};

/* One message to send, with what its header points at. */
struct out {
	struct iovec iov;
	struct sockaddr_storage to;
	_Alignas(struct cmsghdr) char ctl[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
					  CMSG_SPACE(sizeof(int))];
};

struct worker {
	struct loop *loop;
	struct sad *sad;
	int sock[FAMILIES];
	bool blocked;		/* a socket is full: tx[sent..n_tx) waits for it */
	size_t n_tx, sealed, sent;
	struct engine_op ops[BATCH];
	struct mmsghdr msgs[BATCH];
	struct out out[BATCH];
	struct iovec in_iov[BATCH];
	struct tx tx[BATCH];
	struct rx rx[BATCH];
	struct esp_pkt whole;	/* a packet that is being fragmented */
	struct tx again;	/* a packet (or a part) that is sent a second time, smaller */
};

struct worker *worker_new(struct loop *l, struct sad *s, struct err *e)
{
	/* Fresh pages: what is never written takes no memory. */
	struct worker *w = mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (w == MAP_FAILED) {
		err_errno(e, "out of memory");
		return NULL;
	}
	madvise(w, sizeof(*w), MADV_DONTDUMP);
	w->loop = l;
	w->sad = s;
	w->sock[V4] = w->sock[V6] = -1;
	return w;
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	for (int f = 0; f < FAMILIES; f++) {
		if (w->sock[f] < 0)
			continue;
		loop_del(w->loop, w->sock[f]);
		close(w->sock[f]);
	}
	w->n_tx = 0;
	worker_wipe(w);
	munmap(w, sizeof(*w));
}

static void used(struct esp_pkt *p, size_t upto)
{
	if (upto > p->used)
		p->used = upto;
}

static void wipe(struct esp_pkt *p)
{
	secret_wipe(p->buf, p->used);
	p->used = 0;
}

void worker_wipe(struct worker *w)
{
	/* Slots that still wait to be sent hold ciphertext: left alone. */
	for (size_t i = w->n_tx; i < BATCH; i++)
		wipe(&w->tx[i].pkt);
	for (size_t i = 0; i < BATCH; i++)
		wipe(&w->rx[i].pkt);
	wipe(&w->whole);
	wipe(&w->again.pkt);
}

/* ---- errors ---- */

/* Errors that belong to some earlier packet: the kernel reports them with the next call. */
static bool stale_error(int error)
{
	return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH ||
	       error == EHOSTDOWN || error == ENETDOWN || error == ENOPROTOOPT ||
	       error == EPROTO || error == EACCES;
}

/* ---- towards the network ---- */

static void icmp_back(struct esp_iface *i, enum icmp_why why, uint32_t mtu,
		      const struct inner *in, const uint8_t *pkt, size_t len)
{
	uint8_t out[ICMP_MAX];
	size_t n = icmp_build(why, mtu, in, pkt, len, out);

	if (!n || !log_limit_pass(&i->icmp, NULL))
		return;
	/* Should the interface be down there is nobody to tell. */
	if (write(i->fd, out, n) < 0)
		return;
}

enum fit {
	FITS,
	CUT,		/* the inner packet is fragmented */
	UNCUT,		/* the outer one is: the sender may not be asked for less */
	TOO_BIG,
};

static enum fit fit(const struct inner *in, unsigned mtu)
{
	if (in->total_len <= mtu)
		return FITS;
	if (!in->df)
		return CUT;
	return in->version == 6 && in->total_len <= IPV6_MTU_MIN ? UNCUT : TOO_BIG;
}

static void too_big(struct esp_iface *i, struct esp_sa *sa, unsigned mtu, const struct inner *in,
		    const uint8_t *pkt)
{
	/* An IPv6 host may not be told less than 1280 (RFC 8200 §5). */
	if (in->version == 6 && mtu < IPV6_MTU_MIN)
		mtu = IPV6_MTU_MIN;
	esp_count(sa, ESP_DROP_MTU);
	icmp_back(i, ICMP_TOO_BIG, mtu, in, pkt, in->total_len);
}

/* t->pkt holds the inner packet t->in: make it an ESP packet (but for the engine's part). */
static bool encapsulate(struct tx *t, struct esp_sa *sa, bool may_frag, uint64_t now,
			struct engine_op *op)
{
	enum esp_verdict v;

	t->sa_id = sa->id;
	t->local = sa->local;
	t->remote = sa->remote;
	t->tos = t->in.tos;	/* RFC 4301 §5.1.2.1: DSCP and ECN are copied */
	t->may_frag = may_frag;
	t->retried = false;
	v = esp_seal_begin(sa, &t->pkt, &t->in, now, op);
	esp_count(sa, v);
	if (v != ESP_OK)
		return false;
	used(&t->pkt, t->pkt.off + t->pkt.len);
	return true;
}

/* The packet was counted as sent, and was not. */
static void unsend(struct worker *w, const struct tx *t, enum esp_verdict v)
{
	struct esp_sa *sa = sad_by_id(w->sad, t->sa_id);

	if (!sa)
		return;
	sa->stats.tx_packets--;
	sa->stats.tx_bytes -= t->in.total_len;
	esp_count(sa, v);
}

static void put_cmsg(struct msghdr *m, int level, int type, const void *data, size_t len)
{
	struct cmsghdr *c = (struct cmsghdr *)((char *)m->msg_control + m->msg_controllen);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	m->msg_controllen += CMSG_SPACE(len);
}

static void prepare(struct tx *t, struct out *o, struct msghdr *m)
{
	int tos = t->tos;

	memset(o->ctl, 0, sizeof(o->ctl));
	o->iov = (struct iovec){ esp_pkt_data(&t->pkt), t->pkt.len };
	*m = (struct msghdr){ .msg_name = &o->to, .msg_iov = &o->iov, .msg_iovlen = 1,
			      .msg_control = o->ctl };
	m->msg_namelen = endpoint_to_sockaddr(&t->remote, &o->to);
	if (t->remote.addr.family == AF_INET) {
		struct in_pktinfo pi = { 0 };

		memcpy(&pi.ipi_spec_dst, t->local.addr.b, 4);
		if (addr_is_set(&t->local.addr))
			put_cmsg(m, IPPROTO_IP, IP_PKTINFO, &pi, sizeof(pi));
		if (tos)
			put_cmsg(m, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	} else {
		struct in6_pktinfo pi = { 0 };

		memcpy(&pi.ipi6_addr, t->local.addr.b, 16);
		if (addr_is_set(&t->local.addr))
			put_cmsg(m, IPPROTO_IPV6, IPV6_PKTINFO, &pi, sizeof(pi));
		if (tos)
			put_cmsg(m, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
	}
}

static int family_of(const struct tx *t)
{
	return t->remote.addr.family == AF_INET ? V4 : V6;
}

static void set_df(int fd, int family, bool on)
{
	int v4 = on ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT;
	int v6 = on ? IPV6_PMTUDISC_DO : IPV6_PMTUDISC_DONT;

	if (family == V4)
		setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &v4, sizeof(v4));
	else
		setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &v6, sizeof(v6));
}

/* Sends n slots that go the same way; how many went, or -1. */
static int send_run(struct worker *w, struct tx *t, size_t n)
{
	int family = family_of(t), fd = w->sock[family], r, error;
	bool may_frag = t->may_frag;

	for (size_t i = 0; i < n; i++)
		prepare(&t[i], &w->out[i], &w->msgs[i].msg_hdr);
	if (may_frag)
		set_df(fd, family, false);
	r = sendmmsg(fd, w->msgs, (unsigned)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	error = errno;
	if (may_frag)
		set_df(fd, family, true);
	errno = error;
	return r;
}

/* Send len bytes of an inner packet past the queue. */
static void send_again(struct worker *w, struct esp_sa *sa, size_t len, bool may_frag)
{
	struct tx *t = &w->again;
	struct engine_op op;

	t->pkt.off = ESP_HEADROOM;
	t->pkt.len = len;
	if (inner_parse(esp_pkt_data(&t->pkt), len, &t->in) < 0) {
		esp_count(sa, ESP_DROP_MALFORMED);
		return;
	}
	if (!encapsulate(t, sa, may_frag, clock_ms(), &op))
		return;
	w->sad->engine->seal(&op, 1);
	if (!op.ok || send_run(w, t, 1) != 1)
		unsend(w, t, op.ok && errno == EMSGSIZE ? ESP_DROP_MTU : ESP_DROP_SOCKET);
}

/* Slot at did not fit the path. Its ciphertext is turned back into what it was, which now
 * meets the MTU just learned. */
static void second_chance(struct worker *w, size_t at)
{
	struct tx *t = &w->tx[at];
	struct engine_op *op = &w->ops[at];
	struct esp_sa *sa;
	struct frag f;
	uint8_t *inner, *again = w->again.pkt.buf + ESP_HEADROOM;
	unsigned mtu;
	size_t n;

	errq_drain(w->sad, w->sock[family_of(t)]);
	sa = sad_by_id(w->sad, t->sa_id);
	mtu = sa ? sad_inner_mtu(sa, clock_ms()) : 0;
	/* Without a lower MTU it would come back for ever. */
	if (!sa || sa->key_out != op->key || t->in.total_len <= mtu) {
		unsend(w, t, ESP_DROP_MTU);
		return;
	}
	unsend(w, t, ESP_OK);
	w->sad->engine->open(op, 1);
	if (!op->ok) {
		esp_count(sa, ESP_DROP_MTU);
		return;
	}
	inner = op->esp + ENGINE_ESP_HEADER + sa->sizes.iv_len;
	switch (fit(&t->in, mtu)) {
	case FITS:
		break;
	case CUT:
		if (frag_init(&f, inner, &t->in, mtu) < 0) {
			esp_count(sa, ESP_DROP_MTU);
			break;
		}
		while ((n = frag_next(&f, again)))
			send_again(w, sa, n, false);
		break;
	case UNCUT:
		memcpy(again, inner, t->in.total_len);
		send_again(w, sa, t->in.total_len, true);
		break;
	case TOO_BIG:
		too_big(sa->iface, sa, mtu, &t->in, inner);
		break;
	}
}

static size_t run_length(const struct worker *w, size_t from)
{
	size_t n = 1;

	if (w->tx[from].may_frag)
		return 1;
	while (from + n < w->n_tx && !w->tx[from + n].may_frag && w->tx[from + n].pkt.len &&
	       family_of(&w->tx[from + n]) == family_of(&w->tx[from]))
		n++;
	return n;
}

/* The first unsent slot failed. True when it is done with, false to try it again. */
static bool send_failed(struct worker *w, int error)
{
	struct tx *t = &w->tx[w->sent];

	if (error == EINTR)
		return false;
	if (error == EMSGSIZE) {
		second_chance(w, w->sent);
		return true;
	}
	if (stale_error(error) && !t->retried) {
		t->retried = true;
		errq_drain(w->sad, w->sock[family_of(t)]);
		return false;
	}
	unsend(w, t, ESP_DROP_SOCKET);
	return true;
}

static void set_blocked(struct worker *w, bool on)
{
	if (w->blocked == on)
		return;
	w->blocked = on;
	for (int f = 0; f < FAMILIES; f++)
		if (w->sock[f] >= 0)
			loop_mod(w->loop, w->sock[f],
				 EPOLLIN | (on ? (uint32_t)EPOLLOUT : 0));
	for (struct esp_iface *i = w->sad->ifaces; i; i = i->next)
		if (i->fd >= 0)
			loop_mod(w->loop, i->fd, on ? 0 : (uint32_t)EPOLLIN);
}

/* Seal and send all slots; what the socket does not take stays, and we are blocked. */
static void flush(struct worker *w)
{
	if (w->n_tx > w->sealed)
		w->sad->engine->seal(w->ops + w->sealed, w->n_tx - w->sealed);
	for (; w->sealed < w->n_tx; w->sealed++) {
		struct tx *t = &w->tx[w->sealed];

		if (!w->ops[w->sealed].ok)	/* not possible with sound keys: send nothing */
			t->pkt.len = 0;
	}
	while (w->sent < w->n_tx) {
		struct tx *t = &w->tx[w->sent];
		int r;

		if (w->sock[family_of(t)] < 0 || !t->pkt.len) {
			unsend(w, t, ESP_DROP_SOCKET);
			w->sent++;
			continue;
		}
		r = send_run(w, t, run_length(w, w->sent));
		if (r > 0)
			w->sent += (size_t)r;
		else if (errno == EAGAIN)
			break;
		else if (send_failed(w, errno))
			w->sent++;
	}
	if (w->sent == w->n_tx)
		w->n_tx = w->sealed = w->sent = 0;
	set_blocked(w, w->n_tx > 0);
}

/* The next free slot; NULL when the socket takes no more and all are in use. */
static struct tx *next_slot(struct worker *w)
{
	if (w->n_tx == BATCH)
		flush(w);
	return w->n_tx < BATCH ? &w->tx[w->n_tx] : NULL;
}

/* The slot w->tx[w->n_tx] holds the inner packet t->in: make it an ESP packet and keep it. */
static void enqueue(struct worker *w, struct tx *t, struct esp_sa *sa, bool may_frag,
		    uint64_t now)
{
	if (encapsulate(t, sa, may_frag, now, &w->ops[w->n_tx]))
		w->n_tx++;
}

static void fragment(struct worker *w, struct tx *t, struct esp_sa *sa, unsigned mtu,
		     uint64_t now)
{
	struct inner in = t->in;
	struct frag f;
	size_t n;

	if (frag_init(&f, w->whole.buf, &in, mtu) < 0) {
		esp_count(sa, ESP_DROP_MTU);
		return;
	}
	memcpy(w->whole.buf, esp_pkt_data(&t->pkt), in.total_len);
	used(&w->whole, in.total_len);
	while ((t = next_slot(w))) {
		t->pkt.off = ESP_HEADROOM;
		n = frag_next(&f, esp_pkt_data(&t->pkt));
		if (!n)
			return;
		t->pkt.len = n;
		if (inner_parse(esp_pkt_data(&t->pkt), n, &t->in) < 0)
			break;
		enqueue(w, t, sa, false, now);
	}
	esp_count(sa, t ? ESP_DROP_MALFORMED : ESP_DROP_SOCKET);
}

/* Link-scope chatter of the kernel (multicast listeners and the like) is not traffic. */
static bool link_noise(const struct inner *in)
{
	if (in->version == 6)
		return addr_is_multicast(&in->dst) && (in->dst.b[1] & 15) <= 2;
	return in->dst.b[0] == 224 && in->dst.b[1] == 0 && in->dst.b[2] == 0;
}

/* On demand: the packet waits for the tunnel that it is the reason for. */
static bool wait_for_sa(struct worker *w, struct esp_iface *i, const struct tx *t, uint64_t now)
{
	bool kept, tell;

	if (!i->trapping)
		return false;
	kept = trap_keep(&i->trap, t->pkt.buf + t->pkt.off, t->pkt.len, now, &tell);
	if (tell && w->sad->wanted)
		w->sad->wanted(w->sad->arg, i);
	if (kept && !timer_running(&i->trap_timer))
		timer_set(w->sad->timers, &i->trap_timer, TRAP_WAIT_MS);
	return kept;
}

static void no_sa(struct worker *w, struct esp_iface *i, struct tx *t, bool any_usable,
		  struct esp_sa *blame, uint64_t now)
{
	if (link_noise(&t->in) || (!any_usable && wait_for_sa(w, i, t, now)))
		return;
	esp_count(blame, any_usable || !blame || !blame->expired ? ESP_DROP_SELECTOR_OUT
								 : ESP_DROP_EXPIRED);
	icmp_back(i, any_usable ? ICMP_PROHIBITED : ICMP_NO_TUNNEL, 0, &t->in,
		  esp_pkt_data(&t->pkt), t->pkt.len);
}

/* t holds a packet that a host sent into the tunnel. */
static void outbound(struct worker *w, struct esp_iface *i, struct tx *t, uint64_t now)
{
	struct esp_sa *sa, *blame;
	bool any;
	unsigned mtu;

	/* The kernel made it, so that this cannot fail but for packets injected raw. */
	if (inner_parse(esp_pkt_data(&t->pkt), t->pkt.len, &t->in) < 0)
		return;
	sa = sad_outbound(i, &t->in, &any, &blame, now);
	if (!sa) {
		no_sa(w, i, t, any, blame, now);
		return;
	}
	mtu = sad_inner_mtu(sa, now);
	switch (fit(&t->in, mtu)) {
	case FITS:
		enqueue(w, t, sa, false, now);
		break;
	case CUT:
		fragment(w, t, sa, mtu, now);
		break;
	case UNCUT:
		enqueue(w, t, sa, true, now);
		break;
	case TOO_BIG:
		too_big(i, sa, mtu, &t->in, esp_pkt_data(&t->pkt));
		break;
	}
}

static void tun_gone(struct worker *w, struct esp_iface *i)
{
	log_warning(NULL, "%s: the interface went away: %s", i->name, strerror(errno));
	loop_del(w->loop, i->fd);
}

static void tun_ready(void *arg, uint32_t events)
{
	struct esp_iface *i = arg;
	struct worker *w = i->user;
	uint64_t now = clock_ms();
	struct tx *t;

	(void)events;
	for (int k = 0; k < ROUNDS * BATCH && !w->blocked && (t = next_slot(w)); k++) {
		ssize_t n;

		t->pkt.off = ESP_HEADROOM;
		n = read(i->fd, esp_pkt_data(&t->pkt), ESP_INNER_MAX);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (n < 0 && errno != EAGAIN)
				tun_gone(w, i);
			break;
		}
		t->pkt.len = (size_t)n;
		used(&t->pkt, t->pkt.off + t->pkt.len);
		outbound(w, i, t, now);
	}
	flush(w);
}

static bool can_send(const struct esp_iface *i)
{
	for (const struct esp_sa *sa = i->sas; sa; sa = sa->next_iface)
		if (!sa->out_held && !sa->out_off && !sa->expired)
			return true;
	return false;
}

/* What waited goes, or is told that it waited in vain. */
static void trap_due(void *arg)
{
	struct esp_iface *i = arg;
	struct worker *w = i->user;
	uint64_t now = clock_ms();
	bool send = can_send(i);
	struct trapped *p;
	struct tx *t;

	while ((t = next_slot(w)) &&
	       (p = send ? trap_take(&i->trap) : trap_expired(&i->trap, now))) {
		t->pkt.off = ESP_HEADROOM;
		t->pkt.len = p->len;
		memcpy(esp_pkt_data(&t->pkt), p->b, p->len);
		used(&t->pkt, t->pkt.off + t->pkt.len);
		if (send)
			outbound(w, i, t, now);
		else if (inner_parse(p->b, p->len, &t->in) == 0)
			icmp_back(i, ICMP_NO_TUNNEL, 0, &t->in, p->b, p->len);
		trapped_free(p);
	}
	flush(w);
	if (i->trap.first)
		timer_set(w->sad->timers, &i->trap_timer, send ? 20 : 1000);
}

void worker_release(struct worker *w, struct esp_iface *i)
{
	/* From the loop: packets from the network may be half way through. */
	if (i->trap.first)
		timer_set(w->sad->timers, &i->trap_timer, 0);
}

/* ---- from the network ---- */

static uint8_t ecn_of(struct msghdr *m)
{
	int v;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS)
			return *(uint8_t *)CMSG_DATA(c) & 3;
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
			memcpy(&v, CMSG_DATA(c), sizeof(v));
			return (uint8_t)(v & 3);
		}
	}
	return 0;
}

/* An authentic packet from elsewhere: a NAT gave the peer another address. Where it is known to
 * be behind one, and the packet is the newest, the way back goes to the new port, too; all else
 * is iked's to decide (RFC 7296 §2.23). It is said once per change. */
static void note_source(struct esp_sa *sa, const struct sockaddr_storage *ss, bool newest)
{
	/* Whoever sits on the path can give each packet another source. */
	static struct log_limit limit = LOG_LIMIT_INIT(10, 10000);
	char from[ENDPOINT_TEXT_MAX], want[ENDPOINT_TEXT_MAX];
	struct endpoint ep;

	if (endpoint_from_sockaddr(ss, &ep) < 0)
		return;
	if (endpoint_equal(&ep, &sa->remote))
		return;
	if (!endpoint_equal(&ep, &sa->seen) && log_limit_pass(&limit, NULL))
		log_info(sa->peer, "its packets now come from %s, not %s",
			 endpoint_str(&ep, from), endpoint_str(&sa->remote, want));
	sa->seen = ep;
	if (sa->follow && newest && addr_equal(&ep.addr, &sa->remote.addr))
		sa->remote = ep;
}

static void deliver(struct esp_sa *sa, const struct esp_pkt *p, const struct inner *in)
{
	if (write(sa->iface->fd, p->buf + p->off, p->len) == (ssize_t)p->len)
		return;
	sa->stats.rx_packets--;
	sa->stats.rx_bytes -= in->total_len;
	esp_count(sa, ESP_DROP_SOCKET);
}

static void inbound(struct worker *w, size_t n, uint64_t now)
{
	struct engine_op ops[BATCH];
	struct esp_sa *sas[BATCH];
	size_t slot[BATCH], n_ops = 0;

	for (size_t i = 0; i < n; i++) {
		struct esp_pkt *p = &w->rx[i].pkt;
		enum esp_verdict v = ESP_DROP_MALFORMED;
		struct esp_sa *sa = NULL;

		p->off = 0;
		p->len = w->msgs[i].msg_len;
		used(p, p->len);
		if (!(w->msgs[i].msg_hdr.msg_flags & MSG_TRUNC))
			v = esp_open_begin(w->sad, p, &sa, &ops[n_ops]);
		if (v != ESP_OK) {
			esp_count(sa, v);
			continue;
		}
		sas[n_ops] = sa;
		slot[n_ops++] = i;
	}
	if (n_ops)
		w->sad->engine->open(ops, n_ops);
	for (size_t k = 0; k < n_ops; k++) {
		struct rx *r = &w->rx[slot[k]];
		struct inner in;
		enum esp_verdict v = esp_open_end(sas[k], &r->pkt, &ops[k],
						  ecn_of(&w->msgs[slot[k]].msg_hdr), now, &in);

		if (v != ESP_DROP_AUTH && v != ESP_DROP_REPLAY)
			note_source(sas[k], &r->from, ops[k].seq == sas[k]->replay.top);
		if (v == ESP_OK)
			deliver(sas[k], &r->pkt, &in);
		else
			esp_count(sas[k], v);
	}
}

static int receive(struct worker *w, int fd)
{
	for (size_t i = 0; i < BATCH; i++) {
		struct rx *r = &w->rx[i];

		w->in_iov[i] = (struct iovec){ r->pkt.buf, sizeof(r->pkt.buf) };
		w->msgs[i].msg_hdr = (struct msghdr){
			.msg_name = &r->from, .msg_namelen = sizeof(r->from),
			.msg_iov = &w->in_iov[i], .msg_iovlen = 1,
			.msg_control = r->ctl, .msg_controllen = sizeof(r->ctl),
		};
	}
	return recvmmsg(fd, w->msgs, BATCH, MSG_DONTWAIT, NULL);
}

static void sock_ready(struct worker *w, int family, uint32_t events)
{
	int fd = w->sock[family];

	if (events & EPOLLERR)
		errq_drain(w->sad, fd);
	if ((events & EPOLLOUT) && w->blocked)
		flush(w);
	if (!(events & EPOLLIN))
		return;
	for (int i = 0; i < ROUNDS; i++) {
		int n = receive(w, fd);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			errq_drain(w->sad, fd);	/* the error was an old packet's: look again */
		if (n <= 0)
			return;
		inbound(w, (size_t)n, clock_ms());
		if (n < BATCH)
			return;
	}
}

static void sock4_ready(void *arg, uint32_t events)
{
	sock_ready(arg, V4, events);
}

static void sock6_ready(void *arg, uint32_t events)
{
	sock_ready(arg, V6, events);
}

/* ---- descriptors ---- */

int worker_socket(struct worker *w, int family, int fd, struct err *e)
{
	int f = family == AF_INET ? V4 : V6;

	if (w->sock[f] >= 0) {
		loop_del(w->loop, w->sock[f]);
		close(w->sock[f]);
	}
	w->sock[f] = fd;
	if (loop_add(w->loop, fd, EPOLLIN, f == V4 ? sock4_ready : sock6_ready, w, e) < 0) {
		w->sock[f] = -1;
		close(fd);
		return -1;
	}
	return 0;
}

int worker_iface_add(struct worker *w, struct esp_iface *i, struct err *e)
{
	i->user = w;
	if (!timer_running(&i->trap_timer))
		timer_init(&i->trap_timer, trap_due, i);
	return loop_add(w->loop, i->fd, w->blocked ? 0 : (uint32_t)EPOLLIN, tun_ready, i, e);
}

void worker_iface_del(struct worker *w, struct esp_iface *i)
{
	loop_del(w->loop, i->fd);
}
