/* wire: towards the network.
 *
 * Packets of one SA and size that follow each other go as one message with UDP_SEGMENT: the
 * kernel passes its own network stack once with all of them. Where it refuses that (a device
 * without checksums, an old kernel, a path too narrow) they go one by one.
 *
 * Outer packets carry DF and the kernel keeps the path MTU (RFC 4301 §8): one that does not fit
 * any more comes back as EMSGSIZE, the path's MTU is learned from the error queue, and the inner
 * packet gets a second chance: cut up, or its sender is told. What arrives from the network as
 * ICMP is judged by the kernel alone; we only believe the route.
 */
#include "core/base/clock.h"
#include "core/base/log.h"
#include "dataplane/esp/errq.h"
#include "dataplane/esp/frag.h"
#include "dataplane/esp/parts.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define MESSAGE_MOST 65000	/* bytes in one UDP_SEGMENT message: IPv4's limit, with its headers */

/* Errors that belong to some earlier packet: the kernel reports them with the next call. */
static bool stale_error(int error)
{
	return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH ||
	       error == EHOSTDOWN || error == ENETDOWN || error == ENOPROTOOPT ||
	       error == EPROTO || error == EACCES;
}

enum worker_socket wire_of(const struct esp_sa *sa)
{
	bool v4 = sa->outer.family == AF_INET;

	if (sa->udp_encap)
		return v4 ? WORKER_UDP4 : WORKER_UDP6;
	return v4 ? WORKER_RAW4 : WORKER_RAW6;
}

static bool is_v4(enum worker_socket kind)
{
	return kind == WORKER_UDP4 || kind == WORKER_RAW4;
}

/* The packet was counted as sent, and was not. */
static void unsend(struct worker *w, const struct tx_pkt *t, enum esp_verdict v)
{
	if (!t->sa)
		return;
	esp_unsent(t->sa, 1, t->inner_len);
	esp_count(w->sad, t->sa, v, 1);
}

static void set_df(int fd, enum worker_socket kind, bool on)
{
	int v4 = on ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT;
	int v6 = on ? IPV6_PMTUDISC_DO : IPV6_PMTUDISC_DONT;

	if (is_v4(kind))
		setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &v4, sizeof(v4));
	else
		setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &v6, sizeof(v6));
}

/* ---- a second chance ---- */

/* Send len bytes of an inner packet in w->again, past the batch. */
static void send_again(struct worker *w, struct esp_sa *sa, size_t len, bool may_frag)
{
	enum worker_socket kind = wire_of(sa);
	uint8_t *inner = w->again.b + ESP_HEADROOM;
	_Alignas(struct cmsghdr) char ctl[OUTER_CTL];
	struct engine_op op;
	struct msghdr m = { 0 };
	struct iovec iov;
	struct inner in;
	uint64_t seq;
	int error;

	if (inner_parse(inner, len, &in) < 0) {
		esp_count(w->sad, sa, ESP_DROP_MALFORMED_OUT, 1);
		return;
	}
	seq = esp_numbers(sa, 1);
	if (!seq) {
		esp_count(w->sad, sa, ESP_DROP_NUMBERS, 1);
		return;
	}
	esp_wrap(sa, inner, len, in.version, seq, &op);
	w->sad->engine->seal(&op, 1);
	outer_msg(&sa->outer, in.tos, 0, &m, ctl);
	iov = (struct iovec){ op.esp, esp_wire_len(&sa->sizes, len) };
	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	if (may_frag)
		set_df(w->wire[kind].fd, kind, false);
	error = !op.ok ? EIO :
		sendmsg(w->wire[kind].fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno : 0;
	if (may_frag)
		set_df(w->wire[kind].fd, kind, true);
	if (error)
		esp_count(w->sad, sa, error == EMSGSIZE ? ESP_DROP_MTU : ESP_DROP_SOCKET, 1);
	else
		esp_sent(sa, 1, len, clock_ms());
}

/* Packet at did not fit the path. Its ciphertext is turned back into what it was, which now
 * meets the MTU just learned. */
static void second_chance(struct worker *w, unsigned at)
{
	struct tx_pkt *t = &w->tx[at];
	struct engine_op *op = &w->ops[at];
	uint8_t *again = w->again.b + ESP_HEADROOM, *pkt;
	struct esp_sa *sa = t->sa;
	struct inner in;
	struct frag f;
	unsigned mtu;
	size_t n;

	errq_drain(w->sad, w->wire[wire_of(sa)].fd);
	mtu = sad_inner_mtu(sa, clock_ms());
	/* Without a lower MTU it would come back for ever. */
	if (t->inner_len <= mtu) {
		unsend(w, t, ESP_DROP_MTU);
		return;
	}
	unsend(w, t, ESP_OK);
	w->sad->engine->open(op, 1);
	pkt = op->esp + esp_lead(&sa->sizes);
	if (!op->ok || inner_parse(pkt, t->inner_len, &in) < 0) {
		esp_count(w->sad, sa, ESP_DROP_MTU, 1);
		return;
	}
	w->again.used = sizeof(w->again.b);
	switch (tx_fit(&in, mtu)) {
	case TX_FITS:
		break;
	case TX_CUT:
		if (frag_init(&f, pkt, &in, mtu) < 0) {
			esp_count(w->sad, sa, ESP_DROP_MTU, 1);
			break;
		}
		while ((n = frag_next(&f, again)))
			send_again(w, sa, n, false);
		break;
	case TX_UNCUT:
		memcpy(again, pkt, t->inner_len);
		send_again(w, sa, t->inner_len, true);
		break;
	case TX_TOO_BIG:
		tx_too_big(sa->iface, sa, mtu, &in, pkt);
		break;
	}
}

/* ---- messages ---- */

/* How many packets from `from` on may be one message: of one SA, TOS and size, but for the last,
 * which may be shorter. */
static unsigned run_length(const struct worker *w, unsigned from, bool gso)
{
	const struct tx_pkt *first = &w->tx[from];
	unsigned n = 1, parts;

	if (!gso || first->alone || first->may_frag)
		return 1;
	for (; from + n < w->n_tx; n++) {
		const struct tx_pkt *t = first + n;

		if (t->sa != first->sa || t->tos != first->tos || !t->len || t->len > first->len ||
		    t->alone || t->may_frag)
			break;
		if (t->len < first->len) {
			n++;
			break;
		}
	}
	/* Two halves instead of a whole and a rest. */
	parts = (unsigned)((n * (size_t)first->len + MESSAGE_MOST - 1) / MESSAGE_MOST);
	return (n + parts - 1) / parts;
}

/* Messages for packets from w->sent on that go by this socket; how many. */
static unsigned prepare(struct worker *w, enum worker_socket kind)
{
	unsigned at = w->sent, n_msgs = 0, n_iov = 0;

	while (at < w->n_tx) {
		struct msghdr *m = &w->out[n_msgs].msg_hdr;
		const struct tx_pkt *t = &w->tx[at];
		struct iovec *iov = &w->out_iov[n_iov];
		unsigned n;

		if (!t->sa || !t->len || wire_of(t->sa) != kind || (t->may_frag && n_msgs))
			break;
		n = run_length(w, at, w->wire[kind].gso);
		*m = (struct msghdr){ .msg_iov = iov };
		outer_msg(&t->sa->outer, t->tos, n > 1 ? (uint16_t)t->len : 0, m,
			  w->out_ctl[n_msgs]);
		for (unsigned k = 0; k < n; k++) {
			uint8_t *esp = w->ops[at + k].esp;
			size_t len = w->tx[at + k].len;

			if (m->msg_iovlen && (uint8_t *)iov->iov_base + iov->iov_len == esp) {
				iov->iov_len += len;
				continue;
			}
			iov = &w->out_iov[n_iov++];
			*iov = (struct iovec){ esp, len };
			m->msg_iovlen++;
		}
		at += n;
		w->end[n_msgs++] = at;
		if (t->may_frag)
			break;
	}
	return n_msgs;
}

static int send_messages(struct worker *w, enum worker_socket kind, unsigned n)
{
	int fd = w->wire[kind].fd, r, error;
	bool may_frag = w->tx[w->sent].may_frag;

	if (may_frag)
		set_df(fd, kind, false);
	if (n == 1) {
		r = sendmsg(fd, &w->out[0].msg_hdr, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : 1;
	} else {
		r = sendmmsg(fd, w->out, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	error = errno;
	if (may_frag)
		set_df(fd, kind, true);
	errno = error;
	return r;
}

/* No run of a socket goes, its packets do: it is not asked again. Then nobody else fills in
 * checksums, and what has an ICV needs none in IPv4 (RFC 3948 §2.1). */
static void without_gso(struct wire *s, enum worker_socket kind)
{
	int one = 1;

	log_debug(NULL, "espd: UDP_SEGMENT: %s: packets are sent one by one", strerror(s->doubt));
	s->gso = false;
	if (kind == WORKER_UDP4)
		setsockopt(s->fd, SOL_SOCKET, SO_NO_CHECK, &one, sizeof(one));
}

/* The first unsent message failed: done with, or to be tried again in another way. */
static void failed(struct worker *w, enum worker_socket kind, int error)
{
	struct tx_pkt *t = &w->tx[w->sent];
	struct wire *s = &w->wire[kind];
	unsigned n = w->end[0] - w->sent;

	if (error == EINTR)
		return;
	if (n > 1 && (error == EMSGSIZE || error == EINVAL || error == EIO ||
		      error == EOPNOTSUPP)) {
		for (unsigned k = 0; k < n; k++)
			t[k].alone = true;
		s->doubt = error;
		return;
	}
	if (error == EMSGSIZE) {
		s->doubt = 0;	/* it was the size, not the way */
		second_chance(w, w->sent++);
		return;
	}
	if (stale_error(error) && !t->retried) {
		t->retried = true;
		errq_drain(w->sad, s->fd);
		return;
	}
	for (; n; n--)
		unsend(w, &w->tx[w->sent++], ESP_DROP_SOCKET);
}

uint32_t wire_events(const struct worker *w, enum worker_socket kind)
{
	return EPOLLIN | (w->blocked && w->full == kind ? (uint32_t)EPOLLOUT : 0);
}

/* Only the full socket is waited for: the others can always be written to. */
static void set_blocked(struct worker *w, bool on, enum worker_socket full)
{
	bool was = w->blocked;
	enum worker_socket before = w->full;

	if (was == on && (!on || before == full))
		return;
	w->blocked = on;
	w->full = full;
	if (was)
		loop_mod(w->loop, w->wire[before].fd, wire_events(w, before));
	if (on)
		loop_mod(w->loop, w->wire[full].fd, wire_events(w, full));
	if (was == on)
		return;
	for (struct esp_iface *i = w->sad->ifaces; i; i = i->next)
		loop_mod(w->loop, i->fd, tx_events(i));
}

static void seal(struct worker *w)
{
	if (w->n_tx == w->sealed)
		return;
	w->sad->engine->seal(w->ops + w->sealed, w->n_tx - w->sealed);
	for (; w->sealed < w->n_tx; w->sealed++)
		if (!w->ops[w->sealed].ok)	/* not possible with sound keys: send nothing */
			w->tx[w->sealed].len = 0;
}

void wire_flush(struct worker *w)
{
	enum worker_socket kind = w->full;

	seal(w);
	while (w->sent < w->n_tx) {
		struct tx_pkt *t = &w->tx[w->sent];
		int r;

		if (!t->sa || !t->len || w->wire[wire_of(t->sa)].fd < 0) {
			unsend(w, t, ESP_DROP_SOCKET);
			w->sent++;
			continue;
		}
		kind = wire_of(t->sa);
		r = send_messages(w, kind, prepare(w, kind));
		if (r > 0) {
			if (t->alone && w->wire[kind].doubt && w->wire[kind].doubt != EMSGSIZE)
				without_gso(&w->wire[kind], kind);
			w->wire[kind].doubt = 0;
			w->sent = w->end[r - 1];
		} else if (errno == EAGAIN) {
			break;
		} else {
			failed(w, kind, errno);
		}
	}
	if (w->sent == w->n_tx) {
		w->n_tx = w->sealed = w->sent = 0;
		w->pos = 0;
	}
	set_blocked(w, w->n_tx > 0, kind);
}

void wire_forget(struct worker *w, const struct esp_sa *sa)
{
	for (unsigned k = w->sent; k < w->n_tx; k++)
		if (w->tx[k].sa == sa)
			w->tx[k].sa = NULL;
}
