/* xfrmpol: why: policies as netlink messages and back. */
#include "core/net/xfrmmsg.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* linux/in.h and linux/in6.h, which do not go with libc's. */
#define OPT_IP_XFRM_POLICY 17
#define OPT_IPV6_XFRM_POLICY 35

void xfrmmsg_sel_put(struct xfrm_selector *to, const struct xfrm_sel *s)
{
	memset(to, 0, sizeof(*to));
	xfrmmsg_put_addr(&to->saddr, &s->src.addr);
	xfrmmsg_put_addr(&to->daddr, &s->dst.addr);
	to->prefixlen_s = s->src.len;
	to->prefixlen_d = s->dst.len;
	to->family = s->src.addr.family;
	to->proto = s->proto;
	to->sport = htons(s->sport);
	to->sport_mask = htons(s->sport_mask);
	to->dport = htons(s->dport);
	to->dport_mask = htons(s->dport_mask);
}

void xfrmmsg_sel_read(const struct xfrm_selector *from, struct xfrm_sel *out)
{
	memset(out, 0, sizeof(*out));
	out->src.addr = xfrmmsg_addr(&from->saddr, from->family);
	out->dst.addr = xfrmmsg_addr(&from->daddr, from->family);
	out->src.len = from->prefixlen_s;
	out->dst.len = from->prefixlen_d;
	out->proto = from->proto;
	out->sport = ntohs(from->sport);
	out->sport_mask = ntohs(from->sport_mask);
	out->dport = ntohs(from->dport);
	out->dport_mask = ntohs(from->dport_mask);
}

bool xfrm_sel_equal(const struct xfrm_sel *a, const struct xfrm_sel *b)
{
	return prefix_equal(&a->src, &b->src) && prefix_equal(&a->dst, &b->dst) &&
	       a->proto == b->proto && a->sport == b->sport && a->dport == b->dport &&
	       a->sport_mask == b->sport_mask && a->dport_mask == b->dport_mask;
}

static uint8_t kernel_dir(uint8_t dir)
{
	switch ((enum xfrm_dir)dir) {
	case XFRM_DIR_IN:
		return XFRM_POLICY_IN;
	case XFRM_DIR_OUT:
		return XFRM_POLICY_OUT;
	case XFRM_DIR_FWD:
		return XFRM_POLICY_FWD;
	}
	return XFRM_POLICY_IN;
}

static void no_limits(struct xfrm_lifetime_cfg *l)
{
	l->soft_byte_limit = l->hard_byte_limit = XFRM_INF;
	l->soft_packet_limit = l->hard_packet_limit = XFRM_INF;
}

struct nlmsghdr *xfrm_pol_message(void *buf, const struct xfrm_pol *p)
{
	struct xfrm_user_tmpl t[XFRM_TMPL_MAX];
	struct nlmsghdr *h = nl_start(buf, XFRM_MSG_UPDPOLICY, 0);
	struct xfrm_userpolicy_info *i = mnl_nlmsg_put_extra_header(h, sizeof(*i));

	if (p->n_tmpl > XFRM_TMPL_MAX)
		return NULL;
	xfrmmsg_sel_put(&i->sel, &p->sel);
	no_limits(&i->lft);
	i->priority = p->priority;
	i->dir = kernel_dir(p->dir);
	i->action = p->block ? XFRM_POLICY_BLOCK : XFRM_POLICY_ALLOW;
	memset(t, 0, sizeof(t));
	for (size_t k = 0; k < p->n_tmpl; k++) {
		const struct xfrm_tmpl *w = &p->tmpl[k];

		xfrmmsg_put_addr(&t[k].id.daddr, &w->dst);
		xfrmmsg_put_addr(&t[k].saddr, &w->src);
		t[k].id.spi = htonl(w->spi);
		t[k].id.proto = w->proto;
		t[k].family = w->family;
		t[k].reqid = w->reqid;
		t[k].mode = w->tunnel ? XFRM_MODE_TUNNEL : XFRM_MODE_TRANSPORT;
		t[k].optional = w->optional;
		t[k].aalgos = t[k].ealgos = t[k].calgos = ~0u;
	}
	if (p->n_tmpl)
		mnl_attr_put(h, XFRMA_TMPL, p->n_tmpl * sizeof(*t), t);
	if (p->if_id)
		mnl_attr_put_u32(h, XFRMA_IF_ID, p->if_id);
	return h;
}

int xfrm_pol_set(struct xfrm *x, const struct xfrm_pol *p, struct err *e)
{
	char buf[XFRM_BUF];
	struct nlmsghdr *h = xfrm_pol_message(buf, p);

	return h ? nl_talk(&x->nl, h, e) : err_set(e, "a policy with too many templates");
}

int xfrm_pol_del(struct xfrm *x, const struct xfrm_pol *p, struct err *e)
{
	char buf[NL_BUF];
	struct nlmsghdr *h = nl_start(buf, XFRM_MSG_DELPOLICY, 0);
	struct xfrm_userpolicy_id *id = mnl_nlmsg_put_extra_header(h, sizeof(*id));

	xfrmmsg_sel_put(&id->sel, &p->sel);
	id->dir = kernel_dir(p->dir);
	if (p->if_id)
		mnl_attr_put_u32(h, XFRMA_IF_ID, p->if_id);
	if (nl_talk(&x->nl, h, e) < 0 && errno != ENOENT)
		return -1;
	return 0;
}

static void read_tmpl(const struct xfrm_user_tmpl *t, struct xfrm_tmpl *out)
{
	memset(out, 0, sizeof(*out));
	out->family = (uint8_t)t->family;
	out->dst = xfrmmsg_addr_or_none(&t->id.daddr, t->family);
	out->src = xfrmmsg_addr_or_none(&t->saddr, t->family);
	out->spi = ntohl(t->id.spi);
	out->proto = t->id.proto;
	out->tunnel = t->mode == XFRM_MODE_TUNNEL;
	out->optional = t->optional;
	out->reqid = t->reqid;
}

int xfrm_pol_read(const struct nlmsghdr *h, struct xfrm_pol *out)
{
	const struct nlattr *tb[XFRMA_MAX + 1];
	const struct xfrm_userpolicy_info *i;
	struct xfrm_user_tmpl t;

	memset(out, 0, sizeof(*out));
	if (!xfrmmsg_attrs(h, sizeof(*i), tb))
		return -1;
	i = mnl_nlmsg_get_payload(h);
	xfrmmsg_sel_read(&i->sel, &out->sel);
	out->dir = i->dir == XFRM_POLICY_OUT ? XFRM_DIR_OUT :
		   i->dir == XFRM_POLICY_FWD ? XFRM_DIR_FWD : XFRM_DIR_IN;
	out->block = i->action == XFRM_POLICY_BLOCK;
	out->priority = i->priority;
	out->index = i->index;
	out->if_id = xfrmmsg_u32(tb[XFRMA_IF_ID]);
	for (size_t k = 0; k < XFRM_TMPL_MAX &&
	     xfrmmsg_payload(tb[XFRMA_TMPL], (k + 1) * sizeof(t)); k++) {
		memcpy(&t, (const char *)mnl_attr_get_payload(tb[XFRMA_TMPL]) + k * sizeof(t),
		       sizeof(t));
		read_tmpl(&t, &out->tmpl[out->n_tmpl++]);
	}
	return 0;
}

struct list {
	struct xfrm_pol *v;
	size_t n, cap;
};

static void list_reset(void *arg)
{
	((struct list *)arg)->n = 0;
}

static int on_list(const struct nlmsghdr *h, void *arg)
{
	struct list *l = arg;
	struct xfrm_pol p;

	if (xfrm_pol_read(h, &p) < 0)
		return MNL_CB_ERROR;
	/* Those of sockets have directions of their own. */
	if ((p.index & 7) > XFRM_POLICY_FWD)
		return MNL_CB_OK;
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 16;
		struct xfrm_pol *v = realloc(l->v, cap * sizeof(*v));

		if (!v)
			return MNL_CB_ERROR;
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = p;
	return MNL_CB_OK;
}

int xfrm_pol_list(struct xfrm *x, void (*fn)(void *arg, const struct xfrm_pol *p), void *arg,
		  struct err *e)
{
	struct list l = { 0 };
	char buf[NL_BUF];
	struct nlmsghdr *h = nl_start(buf, XFRM_MSG_GETPOLICY, 0);
	int ret;

	mnl_nlmsg_put_extra_header(h, sizeof(struct xfrm_userpolicy_id));
	ret = nl_dump(&x->nl, h, on_list, list_reset, &l, e);
	for (size_t i = 0; ret == 0 && i < l.n; i++)
		fn(arg, &l.v[i]);
	free(l.v);
	return ret;
}

int xfrm_socket_bypass(int fd, int family, struct err *e)
{
	struct xfrm_userpolicy_info p = { .action = XFRM_POLICY_ALLOW };
	bool v4 = family == AF_INET;

	p.sel.family = (uint16_t)family;
	no_limits(&p.lft);
	for (uint8_t dir = XFRM_POLICY_IN; dir <= XFRM_POLICY_OUT; dir++) {
		p.dir = dir;
		if (setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6,
			       v4 ? OPT_IP_XFRM_POLICY : OPT_IPV6_XFRM_POLICY, &p, sizeof(p)) < 0)
			return err_errno(e, "take a socket out of the kernel's policies");
	}
	return 0;
}

int xfrm_socket_encap(int fd, struct err *e)
{
	int type = UDP_ENCAP_ESPINUDP;

	if (setsockopt(fd, IPPROTO_UDP, UDP_ENCAP, &type, sizeof(type)) < 0)
		return err_errno(e, "let the kernel take ESP in UDP");
	return 0;
}
