/* link: why: interfaces are asked for with two dumps (links, addresses) and joined here;
 * everything that sets something is one request. */
#include "core/net/link.h"

#include "core/base/log.h"
#include "core/net/nl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define IF_ID_ATTR 2		/* IFLA_XFRM_IF_ID, unknown to old headers */
#ifndef TUN_F_USO4		/* Linux 6.2 */
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#define ADDR_GEN_NONE 1		/* IN6_ADDR_GEN_MODE_NONE */

bool link_name_is_ours(const char *name)
{
	return strncmp(name, LINK_OURS, sizeof(LINK_OURS) - 1) == 0;
}

bool link_name_ok(const char *name)
{
	size_t n = strnlen(name, IFNAME_MAX);

	if (n == 0 || n >= IFNAME_MAX || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (size_t i = 0; i < n; i++)
		if (name[i] == '/' || name[i] == ':' || (unsigned char)name[i] <= ' ')
			return false;
	return true;
}

struct prefix link_addr_net(const struct link_addr *a)
{
	return prefix_of(addr_is_set(&a->peer) ? &a->peer : &a->addr, a->len);
}

struct gather {
	struct link_list *l;
	size_t cap;
	bool nomem;
};

static void gather_reset(void *arg)
{
	struct gather *g = arg;

	link_list_fini(g->l);
	g->cap = 0;
}

/* The attributes of a message by type; later ones of a type win, unknown ones are left out. */
static void attrs(const struct nlmsghdr *h, size_t off, const struct nlattr **tb, unsigned max)
{
	const struct nlattr *a;

	memset(tb, 0, sizeof(*tb) * (max + 1));
	mnl_attr_for_each(a, h, off)
		if (mnl_attr_get_type(a) <= max)
			tb[mnl_attr_get_type(a)] = a;
}

static void copy_text(char *to, size_t size, const struct nlattr *a)
{
	size_t n = mnl_attr_get_payload_len(a);

	if (n >= size)
		n = size - 1;
	memcpy(to, mnl_attr_get_payload(a), n);
	to[n] = '\0';
	to[strnlen(to, n)] = '\0';
}

static uint32_t attr_u32(const struct nlattr *a)
{
	uint32_t v = 0;

	if (a && mnl_attr_get_payload_len(a) >= sizeof(v))
		memcpy(&v, mnl_attr_get_payload(a), sizeof(v));
	return v;
}

static void read_stats(struct link *k, const struct nlattr *a)
{
	struct rtnl_link_stats64 st = { 0 };
	size_t n = mnl_attr_get_payload_len(a);

	memcpy(&st, mnl_attr_get_payload(a), n < sizeof(st) ? n : sizeof(st));
	k->rx_bytes = st.rx_bytes;
	k->rx_packets = st.rx_packets;
	k->rx_errors = st.rx_errors;
	k->rx_dropped = st.rx_dropped;
	k->tx_bytes = st.tx_bytes;
	k->tx_packets = st.tx_packets;
	k->tx_errors = st.tx_errors;
	k->tx_dropped = st.tx_dropped;
}

static void read_kind(struct link *k, const struct nlattr *info)
{
	const struct nlattr *a, *b;

	mnl_attr_for_each_nested(a, info)
		if (mnl_attr_get_type(a) == IFLA_INFO_KIND)
			copy_text(k->kind, sizeof(k->kind), a);
	if (strcmp(k->kind, "xfrm") != 0)
		return;
	mnl_attr_for_each_nested(a, info)
		if (mnl_attr_get_type(a) == IFLA_INFO_DATA)
			mnl_attr_for_each_nested(b, a)
				if (mnl_attr_get_type(b) == IF_ID_ATTR)
					k->if_id = attr_u32(b);
}

static int on_link(const struct nlmsghdr *h, void *arg)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);
	const struct nlattr *tb[IFLA_STATS64 + 1];
	struct gather *g = arg;
	struct link *k;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*ifi))
		return MNL_CB_ERROR;
	attrs(h, sizeof(*ifi), tb, IFLA_STATS64);
	if (!tb[IFLA_IFNAME])
		return MNL_CB_OK;
	if (g->l->n == g->cap) {
		size_t cap = g->cap ? g->cap * 2 : 16;
		struct link *v = realloc(g->l->v, cap * sizeof(*v));

		if (!v) {
			g->nomem = true;
			return MNL_CB_ERROR;
		}
		g->l->v = v;
		g->cap = cap;
	}
	k = &g->l->v[g->l->n++];
	memset(k, 0, sizeof(*k));
	k->index = ifi->ifi_index;
	copy_text(k->name, sizeof(k->name), tb[IFLA_IFNAME]);
	k->up = ifi->ifi_flags & IFF_UP;
	k->carrier = k->up && (ifi->ifi_flags & IFF_RUNNING);
	k->loopback = ifi->ifi_flags & IFF_LOOPBACK;
	k->ours = link_name_is_ours(k->name);
	k->mtu = attr_u32(tb[IFLA_MTU]);
	k->master = (int)attr_u32(tb[IFLA_MASTER]);
	if (tb[IFLA_ADDRESS] && mnl_attr_get_payload_len(tb[IFLA_ADDRESS]) == 6) {
		k->mac_len = 6;
		memcpy(k->mac, mnl_attr_get_payload(tb[IFLA_ADDRESS]), 6);
	}
	if (tb[IFLA_STATS64])
		read_stats(k, tb[IFLA_STATS64]);
	if (tb[IFLA_LINKINFO])
		read_kind(k, tb[IFLA_LINKINFO]);
	return MNL_CB_OK;
}

static bool attr_addr(const struct nlattr *a, int family, struct ip_addr *out)
{
	size_t want = family == AF_INET ? 4 : 16;

	if (!a || mnl_attr_get_payload_len(a) != want)
		return false;
	*out = addr_from_bytes(family, mnl_attr_get_payload(a));
	return true;
}

static int on_addr(const struct nlmsghdr *h, void *arg)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(h);
	const struct nlattr *tb[IFA_FLAGS + 1];
	struct gather *g = arg;
	struct link_addr one = { 0 }, *v;
	struct link *k;
	uint32_t flags;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*ifa))
		return MNL_CB_ERROR;
	if (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6)
		return MNL_CB_OK;
	k = (struct link *)link_find_index(g->l, (int)ifa->ifa_index);
	if (!k)
		return MNL_CB_OK;	/* came between the two dumps */
	attrs(h, sizeof(*ifa), tb, IFA_FLAGS);
	/* IFA_LOCAL is ours and IFA_ADDRESS the other end, where there are both. */
	if (attr_addr(tb[IFA_LOCAL], ifa->ifa_family, &one.addr)) {
		if (attr_addr(tb[IFA_ADDRESS], ifa->ifa_family, &one.peer) &&
		    addr_equal(&one.peer, &one.addr))
			memset(&one.peer, 0, sizeof(one.peer));
	} else if (!attr_addr(tb[IFA_ADDRESS], ifa->ifa_family, &one.addr)) {
		return MNL_CB_OK;
	}
	flags = tb[IFA_FLAGS] ? attr_u32(tb[IFA_FLAGS]) : ifa->ifa_flags;
	one.len = ifa->ifa_prefixlen;
	if (one.len > addr_bits(&one.addr))
		return MNL_CB_ERROR;
	one.link_local = ifa->ifa_scope == RT_SCOPE_LINK || addr_is_link_local(&one.addr);
	one.usable = !(flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED));
	v = realloc(k->addrs, (k->n_addrs + 1) * sizeof(*v));
	if (!v) {
		g->nomem = true;
		return MNL_CB_ERROR;
	}
	k->addrs = v;
	k->addrs[k->n_addrs++] = one;
	return MNL_CB_OK;
}

static void addr_reset(void *arg)
{
	struct gather *g = arg;

	for (size_t i = 0; i < g->l->n; i++) {
		free(g->l->v[i].addrs);
		g->l->v[i].addrs = NULL;
		g->l->v[i].n_addrs = 0;
	}
}

static int by_index(const void *a, const void *b)
{
	return ((const struct link *)a)->index - ((const struct link *)b)->index;
}

int link_list(struct link_list *out, struct err *e)
{
	struct gather g = { .l = out };
	char buf[NL_BUF];
	struct nlmsghdr *h;
	struct nl n;
	int ret = -1;

	memset(out, 0, sizeof(*out));
	if (nl_open(&n, NETLINK_ROUTE, e))
		return -1;
	h = nl_start(buf, RTM_GETLINK, 0);
	mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
	if (nl_dump(&n, h, on_link, gather_reset, &g, e)) {
		err_wrap(e, "list the interfaces");
		goto out;
	}
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_index);
	h = nl_start(buf, RTM_GETADDR, 0);
	mnl_nlmsg_put_extra_header(h, sizeof(struct ifaddrmsg));
	if (nl_dump(&n, h, on_addr, addr_reset, &g, e)) {
		err_wrap(e, "list the addresses");
		goto out;
	}
	ret = 0;
out:
	nl_close(&n);
	if (ret) {
		if (g.nomem)
			err_set(e, "out of memory");
		link_list_fini(out);
	}
	return ret;
}

void link_list_fini(struct link_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].addrs);
	free(l->v);
	memset(l, 0, sizeof(*l));
}

const struct link *link_find(const struct link_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i].name, name))
			return &l->v[i];
	return NULL;
}

const struct link *link_find_index(const struct link_list *l, int index)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].index == index)
			return &l->v[i];
	return NULL;
}

static int index_of(const char *name, struct err *e)
{
	unsigned i = link_name_ok(name) ? if_nametoindex(name) : 0;

	if (!i)
		return err_set(e, "there is no interface %s", name);
	return (int)i;
}

/* One request that changes an interface; fill adds attributes. */
static int change(const char *name, uint16_t type, unsigned flags, unsigned mask,
		  void (*fill)(struct nlmsghdr *h, uint32_t v), uint32_t value, struct err *e)
{
	int index = index_of(name, e);
	char buf[NL_BUF];
	struct nlmsghdr *h = nl_start(buf, type, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(h, sizeof(*ifi));
	struct nl n;
	int ret;

	if (index < 0)
		return -1;
	ifi->ifi_index = index;
	ifi->ifi_flags = flags;
	ifi->ifi_change = mask;
	if (fill)
		fill(h, value);
	if (nl_open(&n, NETLINK_ROUTE, e))
		return -1;
	ret = nl_talk(&n, h, e);
	nl_close(&n);
	return ret;
}

int link_set_up(const char *name, bool up, struct err *e)
{
	if (change(name, RTM_NEWLINK, up ? IFF_UP : 0, IFF_UP, NULL, 0, e))
		return err_wrap(e, "set %s %s", name, up ? "up" : "down");
	return 0;
}

static void fill_mtu(struct nlmsghdr *h, uint32_t mtu)
{
	mnl_attr_put_u32(h, IFLA_MTU, mtu);
}

int link_set_mtu(const char *name, uint32_t mtu, struct err *e)
{
	if (mtu < 68 || mtu > 65535)
		return err_set(e, "an MTU of %u is not between 68 and 65535", mtu);
	if (change(name, RTM_NEWLINK, 0, 0, fill_mtu, mtu, e))
		return err_wrap(e, "set the MTU of %s to %u", name, mtu);
	return 0;
}

static void fill_queue(struct nlmsghdr *h, uint32_t packets)
{
	mnl_attr_put_u32(h, IFLA_TXQLEN, packets);
}

int link_set_queue(const char *name, uint32_t packets, struct err *e)
{
	if (packets < 1 || packets > 65535)
		return err_set(e, "a queue of %u packets is not between 1 and 65535", packets);
	if (change(name, RTM_NEWLINK, 0, 0, fill_queue, packets, e))
		return err_wrap(e, "let %u packets wait for %s", packets, name);
	return 0;
}

int link_del(const char *name, struct err *e)
{
	if (!link_name_ok(name) || !if_nametoindex(name))
		return 0;
	if (change(name, RTM_DELLINK, 0, 0, NULL, 0, e)) {
		if (errno == ENODEV || !if_nametoindex(name))
			return 0;
		return err_wrap(e, "delete %s", name);
	}
	return 0;
}

static void fill_group(struct nlmsghdr *h, uint32_t v)
{
	mnl_attr_put_u32(h, IFLA_GROUP, v);
}

/* The kernel takes away a whole device group at once; ours is a group of nobody's. */
#define GROUP 0x0ad00000u
int link_del_all(const char *const *names, size_t n, struct err *e)
{
	uint32_t group = GROUP | ((uint32_t)getpid() & 0xfffff);
	struct nlmsghdr *h;
	char buf[NL_BUF];
	size_t in = 0;
	struct nl nl;
	int ret;

	for (size_t i = 0; i < n; i++)
		if (link_name_ok(names[i]) && if_nametoindex(names[i]) &&
		    change(names[i], RTM_NEWLINK, 0, 0, fill_group, group, NULL) == 0)
			in++;
	if (!in)
		return 0;
	h = nl_start(buf, RTM_DELLINK, 0);
	mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
	fill_group(h, group);
	if (nl_open(&nl, NETLINK_ROUTE, e))
		return -1;
	ret = nl_talk(&nl, h, e);
	nl_close(&nl);
	return ret ? err_wrap(e, "delete %zu interfaces", in) : 0;
}

int link_addr_add(const char *name, const struct ip_addr *addr, unsigned len, struct err *e)
{
	int index = index_of(name, e), ret;
	char buf[NL_BUF], text[ADDR_TEXT_MAX];
	struct nlmsghdr *h = nl_start(buf, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(h, sizeof(*ifa));
	struct nl n;

	if (index < 0)
		return -1;
	if (!addr_is_set(addr) || len > addr_bits(addr))
		return err_set(e, "no address to put on %s", name);
	ifa->ifa_family = addr->family;
	ifa->ifa_prefixlen = (uint8_t)len;
	ifa->ifa_index = (unsigned)index;
	if (addr->family == AF_INET6)
		ifa->ifa_flags = IFA_F_NODAD;
	mnl_attr_put(h, IFA_LOCAL, addr_len(addr), addr->b);
	mnl_attr_put(h, IFA_ADDRESS, addr_len(addr), addr->b);
	if (nl_open(&n, NETLINK_ROUTE, e))
		return -1;
	ret = nl_talk(&n, h, e);
	nl_close(&n);
	if (ret && errno != EEXIST)
		return err_wrap(e, "put %s/%u on %s", addr_str(addr, text), len, name);
	return 0;
}

static void fill_addr_gen(struct nlmsghdr *h, uint32_t mode)
{
	struct nlattr *spec = mnl_attr_nest_start(h, IFLA_AF_SPEC);
	struct nlattr *v6 = mnl_attr_nest_start(h, AF_INET6);

	mnl_attr_put_u8(h, IFLA_INET6_ADDR_GEN_MODE, (uint8_t)mode);
	mnl_attr_nest_end(h, v6);
	mnl_attr_nest_end(h, spec);
}

/* A kernel without IPv6 has nothing to turn off. */
static int addr_gen_off(const char *name, struct err *e)
{
	if (change(name, RTM_NEWLINK, 0, 0, fill_addr_gen, ADDR_GEN_NONE, e) &&
	    errno != EAFNOSUPPORT && errno != EOPNOTSUPP && errno != EINVAL)
		return err_wrap(e, "turn IPv6 address generation off on %s", name);
	if (e)
		memset(e, 0, sizeof(*e));
	return 0;
}

static int make(const char *name, const char *kind, uint32_t if_id, struct err *e)
{
	struct nlattr *info, *data;
	struct nlmsghdr *h;
	char buf[NL_BUF];
	struct nl n;
	int ret, code;

	if (!link_name_ok(name))
		return err_set(e, "\"%s\" is not an interface name", name);
	h = nl_start(buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_str(h, IFLA_INFO_KIND, kind);
	if (if_id) {
		data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
		mnl_attr_put_u32(h, IF_ID_ATTR, if_id);
		mnl_attr_nest_end(h, data);
	}
	mnl_attr_nest_end(h, info);
	if (nl_open(&n, NETLINK_ROUTE, e))
		return -1;
	ret = nl_talk(&n, h, e);
	code = errno;
	nl_close(&n);
	if (ret) {
		err_wrap(e, "make the interface %s (%s)", name, kind);
		errno = code;
		return -1;
	}
	return addr_gen_off(name, e);
}

int link_xfrm_add(const char *name, uint32_t if_id, struct err *e)
{
	return make(name, "xfrm", if_id, e);
}

int link_dummy_add(const char *name, struct err *e)
{
	return make(name, "dummy", 0, e);
}

int link_tun_open(const char *name, unsigned flags, int *fd, struct err *e)
{
	struct ifreq r = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int t;

	if (!link_name_ok(name))
		return err_set(e, "\"%s\" is not an interface name", name);
	if (flags & LINK_TUN_VNET_HDR)
		r.ifr_flags |= IFF_VNET_HDR;
	if (flags & LINK_TUN_MULTI_QUEUE)
		r.ifr_flags |= IFF_MULTI_QUEUE;
	memcpy(r.ifr_name, name, strlen(name));
	t = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (t < 0) {
		if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
			return err_set(e, "this kernel has no TUN device (/dev/net/tun; "
				       "modprobe tun, or package kmod-tun)");
		return err_errno(e, "open /dev/net/tun");
	}
	if (ioctl(t, TUNSETIFF, &r) < 0) {
		if (errno == EBUSY)
			err_set(e, "%s is in use by another program", name);
		else if (errno == EINVAL)
			err_set(e, "there is an interface %s already, of another kind", name);
		else
			err_errno(e, "make the interface %s", name);
		close(t);
		return -1;
	}
	if (addr_gen_off(name, e)) {
		close(t);
		return -1;
	}
	*fd = t;
	return 0;
}

void link_tun_offload(int fd, bool *uso)
{
	const unsigned long tso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;

	*uso = ioctl(fd, TUNSETOFFLOAD, tso | TUN_F_USO4 | TUN_F_USO6) == 0;
	if (!*uso && ioctl(fd, TUNSETOFFLOAD, tso) < 0)
		log_debug(NULL, "a TUN device without offloads: %s", strerror(errno));
}
