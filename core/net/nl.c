/* nl: why: libmnl gives the parts; here is the order they go in, with every way a netlink
 * conversation can go wrong (interrupted dumps, lost answers, errors with the kernel's own
 * sentence) handled once. */
#include "core/net/nl.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define RECV_BUF 65536
#define DUMP_TRIES 10
#define ANSWER_S 5	/* the kernel answers at once; this only keeps a bug from hanging us */

int nl_open(struct nl *n, int bus, struct err *e)
{
	struct timeval tv = { .tv_sec = ANSWER_S };
	int on = 1, big = 4 << 20;

	memset(n, 0, sizeof(*n));
	n->bus = bus;
	n->s = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!n->s)
		return err_errno(e, "open a netlink socket");
	if (mnl_socket_bind(n->s, 0, MNL_SOCKET_AUTOPID) < 0) {
		err_errno(e, "bind a netlink socket");
		nl_close(n);
		return -1;
	}
	n->portid = mnl_socket_get_portid(n->s);
	/* Only words are lost where these are refused. */
	mnl_socket_setsockopt(n->s, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(n->s, NETLINK_CAP_ACK, &on, sizeof(on));
	setsockopt(mnl_socket_get_fd(n->s), SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	/* A transaction is one datagram, however large. */
	if (bus == NETLINK_NETFILTER) {
		setsockopt(mnl_socket_get_fd(n->s), SOL_SOCKET, SO_SNDBUFFORCE, &big,
			   sizeof(big));
		setsockopt(mnl_socket_get_fd(n->s), SOL_SOCKET, SO_RCVBUFFORCE, &big,
			   sizeof(big));
	}
	return 0;
}

void nl_close(struct nl *n)
{
	if (n->s)
		mnl_socket_close(n->s);
	n->s = NULL;
}

struct nlmsghdr *nl_start(void *buf, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	return h;
}

static ssize_t receive(struct nl *n, void *buf, int flags)
{
	struct iovec iov = { .iov_base = buf, .iov_len = RECV_BUF };
	struct sockaddr_nl from;
	ssize_t got;

	for (;;) {
		struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof(from),
				    .msg_iov = &iov, .msg_iovlen = 1 };

		got = recvmsg(mnl_socket_get_fd(n->s), &m, flags);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (m.msg_namelen != sizeof(from) || from.nl_pid != 0)
			continue;	/* not from the kernel */
		if (m.msg_flags & MSG_TRUNC) {
			errno = ENOSPC;
			return -1;
		}
		return got;
	}
}

static int no_answer(struct err *e)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return err_set(e, "the kernel did not answer within %d s", ANSWER_S);
	return err_errno(e, "receive from netlink");
}

static int text_attr(const struct nlattr *a, void *arg)
{
	if (mnl_attr_get_type(a) == NLMSGERR_ATTR_MSG &&
	    mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0)
		*(const char **)arg = mnl_attr_get_str(a);
	return MNL_CB_OK;
}

/* An NLMSG_ERROR: 0 when it is an ack; else -1 with errno and words. */
static int answer(const struct nlmsghdr *h, struct err *e)
{
	const struct nlmsgerr *m = mnl_nlmsg_get_payload(h);
	const char *text = NULL;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*m))
		return err_set(e, "a short answer from netlink");
	if (m->error == 0)
		return 0;
	if (h->nlmsg_flags & NLM_F_ACK_TLVS) {
		size_t off = sizeof(*m);

		if (!(h->nlmsg_flags & NLM_F_CAPPED) && m->msg.nlmsg_len >= sizeof(m->msg))
			off += MNL_ALIGN(m->msg.nlmsg_len) - sizeof(m->msg);
		if (off <= mnl_nlmsg_get_payload_len(h))
			mnl_attr_parse(h, (unsigned)off, text_attr, &text);
	}
	errno = -m->error;
	if (text) {
		int keep = errno;

		err_errno(e, "%s", text);
		errno = keep;
		return -1;
	}
	if (e) {
		int keep = errno;

		err_code(e, keep == EPERM || keep == EACCES ? EXIT_NOT_PERMITTED : EXIT_FAILED,
			 "%s", strerror(keep));
		errno = keep;
	}
	return -1;
}

static int send_one(struct nl *n, struct nlmsghdr *h, struct err *e)
{
	h->nlmsg_seq = ++n->seq;
	h->nlmsg_pid = n->portid;
	if (mnl_socket_sendto(n->s, h, h->nlmsg_len) < 0)
		return err_errno(e, "send to netlink");
	return 0;
}

/* Wait for the answer to the last request: an ack, or a message for fn. */
static int wait_one(struct nl *n, mnl_cb_t fn, void *arg, struct err *e)
{
	char *buf = malloc(RECV_BUF);
	int ret = -1;

	if (!buf)
		return err_set(e, "out of memory");
	for (;;) {
		ssize_t got = receive(n, buf, 0);
		int left = (int)got;
		const struct nlmsghdr *h = (const void *)buf;

		if (got < 0) {
			no_answer(e);
			goto out;
		}
		for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
			if (h->nlmsg_seq != n->seq || h->nlmsg_pid != n->portid)
				continue;	/* of a conversation given up */
			if (h->nlmsg_type == NLMSG_ERROR) {
				ret = answer(h, e);
				goto out;
			}
			if (!fn)
				continue;
			ret = fn(h, arg) == MNL_CB_ERROR ?
				err_set(e, "an answer of the kernel is not understood") : 0;
			goto out;
		}
	}
out:
	free(buf);
	return ret;
}

int nl_talk(struct nl *n, struct nlmsghdr *h, struct err *e)
{
	h->nlmsg_flags |= NLM_F_ACK;
	if (send_one(n, h, e))
		return -1;
	return wait_one(n, NULL, NULL, e);
}

int nl_ask(struct nl *n, struct nlmsghdr *h, mnl_cb_t fn, void *arg, struct err *e)
{
	if (send_one(n, h, e))
		return -1;
	return wait_one(n, fn, arg, e);
}

/* One try of a dump: 0 done, -1 failed, 1 interrupted by a change. */
static int dump_once(struct nl *n, mnl_cb_t fn, void *arg, char *buf, struct err *e)
{
	bool torn = false;

	for (;;) {
		ssize_t got = receive(n, buf, 0);
		int left = (int)got;
		const struct nlmsghdr *h = (const void *)buf;

		if (got < 0)
			return errno == ENOBUFS ? 1 : no_answer(e);
		for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
			if (h->nlmsg_seq != n->seq || h->nlmsg_pid != n->portid)
				continue;
			if (h->nlmsg_flags & NLM_F_DUMP_INTR)
				torn = true;
			if (h->nlmsg_type == NLMSG_ERROR)
				return answer(h, e);
			if (h->nlmsg_type == NLMSG_DONE) {
				int code = 0;

				if (mnl_nlmsg_get_payload_len(h) >= sizeof(code))
					memcpy(&code, mnl_nlmsg_get_payload(h), sizeof(code));
				if (code < 0) {
					errno = -code;
					return err_errno(e, "read from the kernel");
				}
				return torn ? 1 : 0;
			}
			if (fn(h, arg) == MNL_CB_ERROR)
				return err_set(e, "an answer of the kernel is not understood");
		}
	}
}

int nl_dump(struct nl *n, struct nlmsghdr *h, mnl_cb_t fn, void (*reset)(void *arg), void *arg,
	    struct err *e)
{
	char *buf = malloc(RECV_BUF);
	int ret = -1;

	if (!buf)
		return err_set(e, "out of memory");
	h->nlmsg_flags |= NLM_F_DUMP;
	for (int try = 0; try < DUMP_TRIES; try++) {
		if (reset)
			reset(arg);
		if (send_one(n, h, e)) {
			ret = -1;
			break;
		}
		ret = dump_once(n, fn, arg, buf, e);
		if (ret <= 0)
			break;
		/* What is still under way belongs to the old socket. */
		nl_close(n);
		if (nl_open(n, n->bus, e)) {
			ret = -1;
			break;
		}
	}
	if (ret > 0) {
		errno = EINTR;
		ret = err_set(e, "the kernel's tables change too fast to read them");
	}
	free(buf);	/* keeps errno (POSIX 2024; glibc 2.33, musl) */
	return ret;
}

int nl_batch(struct nl *n, const void *buf, size_t len, uint32_t *failed, struct err *e)
{
	char *in;
	int ret = 1, code = 0;

	if (failed)
		*failed = 0;
	if (mnl_socket_sendto(n->s, buf, len) < 0)
		return err_errno(e, "send a transaction of %zu bytes", len);
	in = malloc(RECV_BUF);
	if (!in)
		return err_set(e, "out of memory");
	/* The kernel worked it through before send returned: all answers are there already,
	 * and reading them all leaves a clean socket for the next. */
	for (;;) {
		ssize_t got = receive(n, in, MSG_DONTWAIT);
		int left = (int)got;
		const struct nlmsghdr *h = (const void *)in;

		if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (got < 0) {
			if (ret >= 0) {
				code = errno;
				ret = err_errno(e, "receive from netlink");
			}
			if (errno == ENOBUFS)
				continue;
			break;
		}
		for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
			if (h->nlmsg_type != NLMSG_ERROR || h->nlmsg_pid != n->portid)
				continue;
			if (ret < 0)
				continue;	/* the first error is the cause */
			ret = answer(h, e);
			code = errno;
			if (ret < 0 && failed)
				*failed = h->nlmsg_seq;
		}
	}
	free(in);
	if (ret > 0)
		return err_set(e, "the kernel did not answer a transaction");
	errno = code;
	return ret;
}
