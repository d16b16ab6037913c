/* xfrmwatch: why: what the kernel tells by itself, read through the loop, without waiting. */
#include "core/net/xfrmmsg.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define BUF 65536
#define ROUND_MAX 64
#define SOCKET_BUFFER (1 << 20)

struct xfrm_watch {
	struct loop *loop;
	struct mnl_socket *s;
	uint32_t own;
	void (*fn)(void *arg, const struct xfrm_event *ev);
	void *arg;
	bool *freed;		/* by fn, while we are in it */
	char buf[BUF];
};

static int read_expire(const struct nlmsghdr *h, struct xfrm_event *ev)
{
	const struct xfrm_user_expire *x = mnl_nlmsg_get_payload(h);

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*x))
		return -1;
	ev->kind = XFRM_EV_EXPIRED;
	ev->id.dst = xfrmmsg_addr(&x->state.id.daddr, x->state.family);
	ev->id.src = xfrmmsg_addr(&x->state.saddr, x->state.family);
	ev->id.spi = ntohl(x->state.id.spi);
	ev->id.proto = x->state.id.proto;
	ev->reqid = x->state.reqid;
	ev->hard = x->hard;
	return 1;
}

static int read_mapping(const struct nlmsghdr *h, struct xfrm_event *ev)
{
	const struct xfrm_user_mapping *m = mnl_nlmsg_get_payload(h);

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*m))
		return -1;
	ev->kind = XFRM_EV_MAPPING;
	ev->id.dst = xfrmmsg_addr(&m->id.daddr, m->id.family);
	ev->id.spi = ntohl(m->id.spi);
	ev->id.proto = m->id.proto;
	ev->reqid = m->reqid;
	ev->moved_to.addr = xfrmmsg_addr(&m->new_saddr, m->id.family);
	ev->moved_to.port = ntohs(m->new_sport);
	return 1;
}

static int read_acquire(const struct nlmsghdr *h, struct xfrm_event *ev)
{
	const struct xfrm_user_acquire *a = mnl_nlmsg_get_payload(h);
	const struct nlattr *tb[XFRMA_MAX + 1];
	const struct xfrm_user_tmpl *t;

	if (!xfrmmsg_attrs(h, sizeof(*a), tb))
		return -1;
	ev->kind = XFRM_EV_ACQUIRE;
	xfrmmsg_sel_read(&a->sel, &ev->sel);
	ev->if_id = xfrmmsg_u32(tb[XFRMA_IF_ID]);
	t = xfrmmsg_payload(tb[XFRMA_TMPL], sizeof(*t));
	if (t)
		ev->reqid = t->reqid;
	return 1;
}

static int read_deleted(const struct nlmsghdr *h, struct xfrm_event *ev)
{
	const struct xfrm_usersa_id *id = mnl_nlmsg_get_payload(h);

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*id))
		return -1;
	ev->kind = XFRM_EV_DELETED;
	ev->id.dst = xfrmmsg_addr(&id->daddr, id->family);
	ev->id.spi = ntohl(id->spi);
	ev->id.proto = id->proto;
	return 1;
}

int xfrm_event_read(const struct nlmsghdr *h, uint32_t own, struct xfrm_event *ev)
{
	memset(ev, 0, sizeof(*ev));
	switch (h->nlmsg_type) {
	case XFRM_MSG_EXPIRE:
		return read_expire(h, ev);
	case XFRM_MSG_MAPPING:
		return read_mapping(h, ev);
	case XFRM_MSG_ACQUIRE:
		return read_acquire(h, ev);
	}
	if (own && h->nlmsg_pid == own)
		return 0;
	switch (h->nlmsg_type) {
	case XFRM_MSG_DELSA:
		return read_deleted(h, ev);
	case XFRM_MSG_FLUSHSA: case XFRM_MSG_FLUSHPOLICY: case XFRM_MSG_DELPOLICY:
		ev->kind = XFRM_EV_CHANGED;
		return 1;
	}
	return 0;
}

/* False once the watch is gone. */
static bool tell(struct xfrm_watch *w, const struct xfrm_event *ev, const bool *gone)
{
	w->fn(w->arg, ev);
	return !*gone;
}

static void on_readable(void *arg, uint32_t events)
{
	struct xfrm_watch *w = arg;
	bool gone = false;
	struct xfrm_event ev;

	(void)events;
	w->freed = &gone;
	for (int round = 0; round < ROUND_MAX; round++) {
		struct sockaddr_nl from = { 0 };
		socklen_t from_len = sizeof(from);
		ssize_t got = recvfrom(mnl_socket_get_fd(w->s), w->buf, sizeof(w->buf),
				       MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&from,
				       &from_len);
		const struct nlmsghdr *h = (const void *)w->buf;
		int left = (int)got;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (got >= 0 && from.nl_pid != 0)
			continue;	/* not from the kernel */
		if (got < 0 || (size_t)got > sizeof(w->buf)) {
			bool full = got < 0 && errno != ENOBUFS;

			ev = (struct xfrm_event){ .kind = XFRM_EV_LOST };
			if (!tell(w, &ev, &gone))
				return;
			if (full)
				break;
			continue;
		}
		for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left))
			if (xfrm_event_read(h, w->own, &ev) > 0 && !tell(w, &ev, &gone))
				return;
	}
	w->freed = NULL;
}

struct xfrm_watch *xfrm_watch_new(struct loop *l, const struct xfrm *own,
				  void (*fn)(void *arg, const struct xfrm_event *ev), void *arg,
				  struct err *e)
{
	static const int groups[] = { XFRMNLGRP_ACQUIRE, XFRMNLGRP_EXPIRE, XFRMNLGRP_SA,
				      XFRMNLGRP_POLICY, XFRMNLGRP_MAPPING };
	struct xfrm_watch *w = calloc(1, sizeof(*w));
	int big = SOCKET_BUFFER;

	if (!w) {
		err_set(e, "out of memory");
		return NULL;
	}
	w->loop = l;
	w->own = xfrm_portid(own);
	w->fn = fn;
	w->arg = arg;
	w->s = mnl_socket_open2(NETLINK_XFRM, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!w->s || mnl_socket_bind(w->s, 0, MNL_SOCKET_AUTOPID) < 0) {
		err_errno(e, "open a netlink socket");
		goto fail;
	}
	setsockopt(mnl_socket_get_fd(w->s), SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big));
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
		int group = groups[i];

		if (mnl_socket_setsockopt(w->s, NETLINK_ADD_MEMBERSHIP, &group,
					  sizeof(group)) < 0) {
			err_errno(e, "listen to netlink group %d", group);
			goto fail;
		}
	}
	if (loop_add(l, mnl_socket_get_fd(w->s), EPOLLIN, on_readable, w, e) == 0)
		return w;
fail:
	if (w->s)
		mnl_socket_close(w->s);
	free(w);
	return NULL;
}

void xfrm_watch_free(struct xfrm_watch *w)
{
	if (!w)
		return;
	if (w->freed)
		*w->freed = true;
	loop_del(w->loop, mnl_socket_get_fd(w->s));
	mnl_socket_close(w->s);
	free(w);
}
