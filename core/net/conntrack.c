/* conntrack: why: one dump and one delete for each entry found; the kernel has no filter by
 * network. */
#include "core/net/conntrack.h"

#include "core/net/nl.h"
#include "core/net/route.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>
#include <string.h>

#define TUPLE_MAX 128

struct entry {
	uint8_t family;
	uint16_t tuple_len;
	uint8_t tuple[TUPLE_MAX];	/* payload of CTA_TUPLE_ORIG */
	uint32_t id;			/* as it came: network order */
	uint16_t zone;			/* the same */
	bool has_zone;
};

struct scan {
	const struct prefix *local, *remote;
	size_t n_local, n_remote;
	const struct view *view;
	size_t n, cap;
	struct entry *v;
};

static bool in_any(const struct prefix *v, size_t n, const struct ip_addr *a)
{
	for (size_t i = 0; i < n; i++)
		if (prefix_contains(&v[i], a))
			return true;
	return false;
}

static bool is_own(const struct view *v, const struct ip_addr *a)
{
	for (size_t i = 0; i < v->n_addrs; i++)
		if (prefix_contains(&v->addrs[i].net, a))
			return true;
	return false;
}

/* src and dst: of the first packet, before any NAT. */
static bool concerns(const struct scan *s, const struct ip_addr *src, const struct ip_addr *dst)
{
	for (size_t i = 0; i < s->n_remote; i++) {
		const struct prefix *r = &s->remote[i];

		if (route_is_exit(r)) {
			if (in_any(s->local, s->n_local, src) && prefix_contains(r, dst) &&
			    !in_any(s->local, s->n_local, dst) && !is_own(s->view, dst))
				return true;
			continue;
		}
		/* A connected network inside a remote one stays the router's own. */
		if ((prefix_contains(r, dst) && !is_own(s->view, dst)) ||
		    (prefix_contains(r, src) && !is_own(s->view, src)))
			return true;
	}
	return false;
}

static const struct nlattr *nested(const struct nlattr *in, uint16_t type)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, in)
		if (mnl_attr_get_type(a) == type)
			return a;
	return NULL;
}

static bool tuple_addr(const struct nlattr *ip, uint16_t type, int family, struct ip_addr *out)
{
	const struct nlattr *a = nested(ip, type);

	if (!a || mnl_attr_get_payload_len(a) != (family == AF_INET ? 4 : 16))
		return false;
	*out = addr_from_bytes(family, mnl_attr_get_payload(a));
	return true;
}

static int on_entry(const struct nlmsghdr *h, void *arg)
{
	const struct nfgenmsg *g = mnl_nlmsg_get_payload(h);
	const struct nlattr *tb[CTA_ZONE + 1] = { 0 }, *a, *ip;
	struct scan *s = arg;
	struct ip_addr src, dst;
	struct entry *en;
	bool v4;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*g))
		return MNL_CB_ERROR;
	v4 = g->nfgen_family == AF_INET;
	if (!v4 && g->nfgen_family != AF_INET6)
		return MNL_CB_OK;
	mnl_attr_for_each(a, h, sizeof(*g))
		if (mnl_attr_get_type(a) <= CTA_ZONE)
			tb[mnl_attr_get_type(a)] = a;
	a = tb[CTA_TUPLE_ORIG];
	if (!a || mnl_attr_get_payload_len(a) > TUPLE_MAX)
		return MNL_CB_OK;
	ip = nested(a, CTA_TUPLE_IP);
	if (!ip || !tuple_addr(ip, v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, g->nfgen_family, &src) ||
	    !tuple_addr(ip, v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, g->nfgen_family, &dst))
		return MNL_CB_OK;
	if (!concerns(s, &src, &dst))
		return MNL_CB_OK;
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 64;
		struct entry *v = realloc(s->v, cap * sizeof(*v));

		if (!v)
			return MNL_CB_ERROR;
		s->v = v;
		s->cap = cap;
	}
	en = &s->v[s->n++];
	memset(en, 0, sizeof(*en));
	en->family = g->nfgen_family;
	en->tuple_len = mnl_attr_get_payload_len(a);
	memcpy(en->tuple, mnl_attr_get_payload(a), en->tuple_len);
	if (tb[CTA_ID] && mnl_attr_get_payload_len(tb[CTA_ID]) == 4)
		memcpy(&en->id, mnl_attr_get_payload(tb[CTA_ID]), 4);
	if (tb[CTA_ZONE] && mnl_attr_get_payload_len(tb[CTA_ZONE]) == 2) {
		en->has_zone = true;
		memcpy(&en->zone, mnl_attr_get_payload(tb[CTA_ZONE]), 2);
	}
	return MNL_CB_OK;
}

static void scan_reset(void *arg)
{
	((struct scan *)arg)->n = 0;
}

static struct nlmsghdr *start(void *buf, uint16_t what, uint8_t family)
{
	struct nlmsghdr *h = nl_start(buf, NFNL_SUBSYS_CTNETLINK << 8 | what, 0);
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof(*g));

	g->nfgen_family = family;
	g->version = NFNETLINK_V0;
	return h;
}

static int delete_one(struct nl *n, const struct entry *en, struct err *e)
{
	char buf[NL_BUF];
	struct nlmsghdr *h = start(buf, IPCTNL_MSG_CT_DELETE, en->family);

	mnl_attr_put(h, CTA_TUPLE_ORIG | NLA_F_NESTED, en->tuple_len, en->tuple);
	/* The same connection, not one that took its place since. */
	if (en->id)
		mnl_attr_put(h, CTA_ID, sizeof(en->id), &en->id);
	if (en->has_zone)
		mnl_attr_put(h, CTA_ZONE, sizeof(en->zone), &en->zone);
	return nl_talk(n, h, e);
}

int conntrack_flush(const struct prefix *local, size_t n_local, const struct prefix *remote,
		    size_t n_remote, const struct view *v, unsigned *deleted, struct err *e)
{
	struct scan s = { .local = local, .remote = remote, .n_local = n_local,
			  .n_remote = n_remote, .view = v };
	unsigned count = 0;
	char buf[NL_BUF];
	struct nl n;
	int ret = -1;

	if (deleted)
		*deleted = 0;
	if (nl_open(&n, NETLINK_NETFILTER, e)) {
		if (errno != EPROTONOSUPPORT)
			return -1;
		goto none;
	}
	if (nl_dump(&n, start(buf, IPCTNL_MSG_CT_GET, AF_UNSPEC), on_entry, scan_reset, &s, e)) {
		/* No connection tracking, or no netlink for it: nothing is remembered. */
		if (errno == EINVAL || errno == EOPNOTSUPP || errno == EPROTONOSUPPORT) {
			nl_close(&n);
			goto none;
		}
		err_wrap(e, "list the connections");
		goto out;
	}
	for (size_t i = 0; i < s.n; i++) {
		if (delete_one(&n, &s.v[i], e) == 0) {
			count++;
		} else if (errno != ENOENT) {
			err_wrap(e, "forget a connection");
			goto out;
		}
	}
	ret = 0;
	if (e)
		memset(e, 0, sizeof(*e));
out:
	if (deleted)
		*deleted = count;
	free(s.v);
	nl_close(&n);
	return ret;
none:
	free(s.v);
	if (e)
		memset(e, 0, sizeof(*e));
	return 0;
}
