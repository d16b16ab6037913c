/* watch: why: two sockets that only listen, and two timers, so that a burst (a firewall that
 * is reloaded rule by rule) is one call, soon after its end. */
#include "core/net/watch.h"

#include "core/net/link.h"
#include "core/net/nl.h"
#include "core/net/route.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define QUIET_MS 100
#define LATEST_MS 400
#define BUF 65536
/* Datagrams read in one go: whoever floods us must not keep the loop from the rest. */
#define ROUND_MAX 64

struct watch {
	struct loop *loop;
	void (*fn)(void *arg, unsigned what);
	void *arg;
	struct mnl_socket *route, *nft;
	struct timer quiet, latest;
	unsigned what;
	char buf[BUF];
};

static void tell(void *arg)
{
	struct watch *w = arg;
	unsigned what = w->what;

	w->what = 0;
	timer_stop(loop_timers(w->loop), &w->quiet);
	timer_stop(loop_timers(w->loop), &w->latest);
	if (what)
		w->fn(w->arg, what);
}

static void note(struct watch *w, unsigned what)
{
	if (!what)
		return;
	w->what |= what;
	timer_set(loop_timers(w->loop), &w->quiet, QUIET_MS);
	if (!timer_running(&w->latest))
		timer_set(loop_timers(w->loop), &w->latest, LATEST_MS);
}

static unsigned route_change(const struct nlmsghdr *h)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(h);

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*m))
		return 0;
	if ((m->rtm_flags & RTM_F_CLONED) ||
	    (m->rtm_family != AF_INET && m->rtm_family != AF_INET6))
		return 0;
	/* Our own additions are no news; that one was taken away is. */
	if (m->rtm_protocol == ROUTE_PROTO && h->nlmsg_type == RTM_NEWROUTE)
		return 0;
	/* The kernel's own of the local table go with an address, which is told anyway. */
	if (m->rtm_table == RT_TABLE_LOCAL)
		return 0;
	return WATCH_ROUTE;
}

static unsigned rule_change(const struct nlmsghdr *h)
{
	const struct nlattr *a;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(struct fib_rule_hdr))
		return 0;
	if (h->nlmsg_type == RTM_NEWRULE)
		mnl_attr_for_each(a, h, sizeof(struct fib_rule_hdr))
			if (mnl_attr_get_type(a) == FRA_PROTOCOL &&
			    mnl_attr_get_payload_len(a) >= 1 && mnl_attr_get_u8(a) == ROUTE_PROTO)
				return 0;
	return WATCH_ROUTE;
}

static unsigned change_of(const struct nlmsghdr *h)
{
	switch (h->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return WATCH_LINK;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return WATCH_ADDR;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return route_change(h);
	case RTM_NEWRULE:
	case RTM_DELRULE:
		return rule_change(h);
	}
	if (h->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
		return 0;
	switch (h->nlmsg_type & 0xff) {
	case NFT_MSG_NEWTABLE:
	case NFT_MSG_DELTABLE:
	case NFT_MSG_NEWCHAIN:
	case NFT_MSG_DELCHAIN:
	case NFT_MSG_NEWRULE:
	case NFT_MSG_DELRULE:
		return WATCH_FIREWALL;
	}
	/* Set elements come and go by the thousand and drop nothing. */
	return 0;
}

static void hear(struct watch *w, struct mnl_socket *s, unsigned all)
{
	for (int round = 0; round < ROUND_MAX; round++) {
		ssize_t got = recv(mnl_socket_get_fd(s), w->buf, sizeof(w->buf), MSG_DONTWAIT);
		const struct nlmsghdr *h = (const void *)w->buf;
		int left = (int)got;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (got < 0) {
			/* ENOBUFS: something was lost, so it may be anything. */
			note(w, all);
			if (errno == ENOBUFS)
				continue;
			return;
		}
		for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left))
			note(w, change_of(h));
	}
}

static void on_route(void *arg, uint32_t events)
{
	struct watch *w = arg;

	(void)events;
	hear(w, w->route, WATCH_LINK | WATCH_ADDR | WATCH_ROUTE);
}

static void on_nft(void *arg, uint32_t events)
{
	struct watch *w = arg;

	(void)events;
	hear(w, w->nft, WATCH_FIREWALL);
}

static struct mnl_socket *listen_to(int bus, const int *groups, size_t n, struct err *e)
{
	struct mnl_socket *s = mnl_socket_open2(bus, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int big = 1 << 20;

	if (!s) {
		err_errno(e, "open a netlink socket");
		return NULL;
	}
	setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big));
	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0) {
		err_errno(e, "bind a netlink socket");
		mnl_socket_close(s);
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		int group = groups[i];

		if (mnl_socket_setsockopt(s, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0) {
			err_errno(e, "listen to netlink group %d", group);
			mnl_socket_close(s);
			return NULL;
		}
	}
	return s;
}

struct watch *watch_new(struct loop *l, void (*fn)(void *arg, unsigned what), void *arg,
			struct err *e)
{
	static const int route_groups[] = {
		RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
		RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE,
	};
	static const int nft_groups[] = { NFNLGRP_NFTABLES };
	struct watch *w = calloc(1, sizeof(*w));

	if (!w) {
		err_set(e, "out of memory");
		return NULL;
	}
	w->loop = l;
	w->fn = fn;
	w->arg = arg;
	timer_init(&w->quiet, tell, w);
	timer_init(&w->latest, tell, w);
	w->route = listen_to(NETLINK_ROUTE, route_groups,
			     sizeof(route_groups) / sizeof(*route_groups), e);
	if (!w->route ||
	    loop_add(l, mnl_socket_get_fd(w->route), EPOLLIN, on_route, w, e)) {
		watch_free(w);
		return NULL;
	}
	/* No nftables: nothing to watch there. */
	w->nft = listen_to(NETLINK_NETFILTER, nft_groups, 1, NULL);
	if (w->nft && loop_add(l, mnl_socket_get_fd(w->nft), EPOLLIN, on_nft, w, e)) {
		watch_free(w);
		return NULL;
	}
	return w;
}

static void drop(struct watch *w, struct mnl_socket *s)
{
	if (!s)
		return;
	loop_del(w->loop, mnl_socket_get_fd(s));
	mnl_socket_close(s);
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	timer_stop(loop_timers(w->loop), &w->quiet);
	timer_stop(loop_timers(w->loop), &w->latest);
	drop(w, w->route);
	drop(w, w->nft);
	free(w);
}
