/* rx: from the network to the interface. A message is a datagram, or up to 64 KB of datagrams
 * of one size that the kernel has kept together (UDP_GRO). They are opened in batches where
 * they lie, and what belongs together is written to the interface together.
 */
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/rd.h"
#include "core/ipc/msg.h"
#include "dataplane/esp/errq.h"
#include "dataplane/esp/parts.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define ROUNDS 4		/* of RX_MSGS messages in one turn of the loop */

static void count_through(struct worker *w)
{
	if (w->through_sa)
		esp_received(w->through_sa, w->through_packets, w->through_bytes);
	w->through_sa = NULL;
	w->through_packets = 0;
	w->through_bytes = 0;
}

/* What coalesce made of one or more packets of an SA. */
static void to_interface(void *arg, const struct coalesce_out *out)
{
	struct esp_sa *sa = out->to;
	struct worker *w = arg;

	if (writev(sa->iface->fd, out->iov, (int)out->n_iov) >= 0)
		return;
	count_through(w);
	esp_unreceived(sa, out->packets, out->bytes);
	esp_count(w->sad, sa, ESP_DROP_TUN, out->packets);
}

void rx_init(struct worker *w)
{
	coalesce_init(&w->coalesce, false, to_interface, w);
}

void rx_forget(struct worker *w, const struct esp_sa *sa)
{
	for (unsigned k = 0; k < RX_MSGS; k++)
		if (w->in_msg[k].known == sa)
			w->in_msg[k].known = NULL;
}

/* An authentic packet from elsewhere: a NAT gave the peer another address. Where it is known to
 * be behind one, and the packet is the newest, the way back goes to the new port, too; all else
 * is iked's to decide (RFC 7296 §2.23). It is said once per change. */
static void note_source(struct worker *w, struct esp_sa *sa, struct rx_msg *m, bool newest)
{
	char from[ENDPOINT_TEXT_MAX], want[ENDPOINT_TEXT_MAX];
	struct endpoint ep;

	/* Both encapsulations are taken in, but where one comes from says nothing of the other:
	 * IP protocol 50 has no port. */
	if (m->known == sa || m->udp != sa->udp_encap ||
	    endpoint_from_sockaddr(&m->from, &ep) < 0)
		return;
	if (!sa->udp_encap)
		ep.port = sa->remote.port;
	if (endpoint_equal(&ep, &sa->remote)) {
		m->known = sa;
		return;
	}
	/* Whoever sits on the path can give each packet another source. */
	if (!endpoint_equal(&ep, &sa->seen) && log_limit_pass(&w->sad->moved_limit, NULL))
		log_info(sa->peer, "its packets now come from %s, not %s",
			 endpoint_str(&ep, from), endpoint_str(&sa->remote, want));
	sa->seen = ep;
	if (!sa->follow || !newest || !addr_equal(&ep.addr, &sa->remote.addr))
		return;
	sad_update(sa, &sa->local, &ep);
	if (w->sad->moved)
		w->sad->moved(w->sad->arg, sa);
}

/* Open what was gathered and hand it to the interface. */
static void open_batch(struct worker *w, uint64_t now)
{
	if (w->n_rx)
		w->sad->engine->open(w->rx_ops, w->n_rx);
	for (unsigned k = 0; k < w->n_rx; k++) {
		const struct engine_op *op = &w->rx_ops[k];
		struct rx_pkt *p = &w->rx[k];
		struct inner in;
		uint8_t *at;
		enum esp_verdict v = esp_unwrap(p->sa, op, p->msg->ecn, now, &in, &at);

		if (v != ESP_DROP_AUTH && v != ESP_DROP_REPLAY)
			note_source(w, p->sa, p->msg, op->seq == p->sa->replay.top);
		if (v != ESP_OK) {
			esp_count(w->sad, p->sa, v, 1);
			continue;
		}
		if (w->through_sa != p->sa)
			count_through(w);
		w->through_sa = p->sa;
		w->through_packets++;
		w->through_bytes += in.total_len;
		coalesce_add(&w->coalesce, p->sa, at, &in);
	}
	w->n_rx = 0;
}

/* ---- messages ---- */

/* ECN, and the size of each datagram; 0 where it is one. */
static size_t read_control(struct msghdr *m, struct rx_msg *r)
{
	uint16_t size16;
	size_t size = 0;
	int v;

	r->ecn = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
			r->ecn = *(uint8_t *)CMSG_DATA(c) & 3;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
			memcpy(&v, CMSG_DATA(c), sizeof(v));
			r->ecn = (uint8_t)(v & 3);
		} else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
			/* An int since 5.x, a short before; the low half is first or all. */
			if (c->cmsg_len >= CMSG_LEN(sizeof(v))) {
				memcpy(&v, CMSG_DATA(c), sizeof(v));
				size = v > 0 ? (size_t)v : 0;
			} else {
				memcpy(&size16, CMSG_DATA(c), sizeof(size16));
				size = size16;
			}
		}
	}
	return size;
}

/* Where the datagrams of a message were sent to: -1 where the kernel did not say. */
static int sent_to(const struct worker *w, enum worker_socket kind, struct msghdr *m,
		   struct endpoint *to)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	struct in6_pktinfo v6;
	struct in_pktinfo v4;

	if (getsockname(w->wire[kind].fd, (struct sockaddr *)&ss, &len) < 0 ||
	    endpoint_from_sockaddr(&ss, to) < 0)
		return -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&v4, CMSG_DATA(c), sizeof(v4));
			to->addr = addr_from_bytes(AF_INET, (const uint8_t *)&v4.ipi_addr);
			return 0;
		}
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&v6, CMSG_DATA(c), sizeof(v6));
			to->addr = addr_from_bytes(AF_INET6, (const uint8_t *)&v6.ipi6_addr);
			return 0;
		}
	}
	return -1;
}

/* IKE goes to iked's socket by itself, but for what the kernel put behind the ESP datagrams of
 * the same peer: it is passed on, as far as that is not a flood. */
static enum esp_verdict pass_ike(struct worker *w, enum worker_socket kind, unsigned k,
				 const uint8_t *msg, size_t len)
{
	struct sad *s = w->sad;
	struct endpoint local, remote;

	if (!w->in_msg[k].udp)
		return ESP_DROP_MALFORMED;
	if (!s->ike || len > IKE_DATAGRAM_MAX || !log_limit_pass(&s->ike_limit, NULL) ||
	    sent_to(w, kind, &w->in[k].msg_hdr, &local) < 0 ||
	    endpoint_from_sockaddr(&w->in_msg[k].from, &remote) < 0)
		return ESP_DROP_IKE;
	s->ike(s->arg, &local, &remote, msg, len);
	return ESP_IKE;
}

/* A raw IPv4 socket gives the IP header, too. -1 where there is none. */
static int skip_ip_header(uint8_t **at, size_t *len, struct rx_msg *r)
{
	struct rd d = rd_init(*at, *len);
	size_t header = (rd_u8(&d) & 15u) * 4;

	r->ecn = rd_u8(&d) & 3;
	if (!rd_ok(&d) || header < 20 || header > *len)
		return -1;
	*at += header;
	*len -= header;
	return 0;
}

static void message(struct worker *w, enum worker_socket kind, unsigned k, uint64_t now)
{
	struct msghdr *m = &w->in[k].msg_hdr;
	struct rx_msg *r = &w->in_msg[k];
	uint8_t *at = w->rx_buf[k];
	size_t len = w->in[k].msg_len, size = read_control(m, r);
	struct esp_sa *sa = NULL;

	r->known = NULL;
	r->udp = kind == WORKER_UDP4 || kind == WORKER_UDP6;
	if (len > r->used)
		r->used = len;
	if ((m->msg_flags & MSG_TRUNC) ||
	    (kind == WORKER_RAW4 && skip_ip_header(&at, &len, r) < 0)) {
		esp_count(w->sad, NULL, ESP_DROP_MALFORMED, 1);
		return;
	}
	if (!size || size > len)
		size = len;
	do {
		size_t n = size < len ? size : len;
		enum esp_verdict v = esp_take(w->sad, at, n, &sa, &w->rx_ops[w->n_rx]);

		if (v == ESP_IKE)
			v = pass_ike(w, kind, k, at, n);
		at += n;
		len -= n;
		if (v != ESP_OK) {
			esp_count(w->sad, sa, v, 1);
			continue;
		}
		w->rx[w->n_rx++] = (struct rx_pkt){ sa, r };
		if (w->n_rx == BATCH)
			open_batch(w, now);
	} while (len);
}

static int receive(struct worker *w, int fd)
{
	for (unsigned k = 0; k < RX_MSGS; k++) {
		struct rx_msg *r = &w->in_msg[k];

		w->in_iov[k] = (struct iovec){ w->rx_buf[k], sizeof(w->rx_buf[k]) };
		w->in[k].msg_hdr = (struct msghdr){
			.msg_name = &r->from, .msg_namelen = sizeof(r->from),
			.msg_iov = &w->in_iov[k], .msg_iovlen = 1,
			.msg_control = r->ctl, .msg_controllen = sizeof(r->ctl),
		};
	}
	return recvmmsg(fd, w->in, RX_MSGS, MSG_DONTWAIT, NULL);
}

void rx_ready(struct worker *w, enum worker_socket kind)
{
	for (int i = 0; i < ROUNDS; i++) {
		int n = receive(w, w->wire[kind].fd);
		uint64_t now;

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			errq_drain(w->sad, w->wire[kind].fd); /* an old packet's: look again */
		if (n <= 0)
			return;
		now = clock_ms();
		for (int k = 0; k < n; k++)
			message(w, kind, (unsigned)k, now);
		open_batch(w, now);
		/* All of it lies in the buffers that are about to be used again. */
		coalesce_flush(&w->coalesce);
		count_through(w);
		if (n < RX_MSGS)
			return;
	}
}
