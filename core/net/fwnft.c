/* fwnft: why: the plan's matches and actions in the kernel's registers and expressions, the
 * same that nft itself would write, so that `nft list ruleset` reads as one expects. */
#include "core/net/fwnft.h"

#include "core/net/route.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <stdlib.h>
#include <string.h>

#define ROOM 65536		/* the largest single message */
#define ELEMS_MAX 256		/* set elements a message: an attribute holds 64 KB */
#define TCPOPT_MAXSEG 2
#define TCP_FLAGS_AT 13
#define TCP_FLAG_SYN 0x02
#define TCP_FLAG_RST 0x04
/* nft's numbers for the types of set keys; only its listing reads them. */
#define TYPE_IPADDR 7
#define TYPE_IP6ADDR 8
#define TYPE_IFNAME 41
#define ORDER_HOST 1
#define ORDER_NETWORK 2

static bool room(struct fwnft *b)
{
	if (b->bad)
		return false;
	if (b->cap - b->len < ROOM) {
		size_t cap = b->cap ? b->cap * 2 : 4 * ROOM;
		char *p = realloc(b->buf, cap);

		if (!p) {
			b->bad = true;
			return false;
		}
		b->buf = p;
		b->cap = cap;
	}
	return true;
}

static void done(struct fwnft *b, const struct nlmsghdr *h)
{
	b->last = b->len;
	b->len += MNL_ALIGN(h->nlmsg_len);
	b->n++;
}

/* The next message, to be filled and then done(); NULL when out of memory. */
static struct nlmsghdr *message(struct fwnft *b, uint16_t type, uint8_t family, uint16_t flags)
{
	if (!room(b))
		return NULL;
	return nftnl_nlmsg_build_hdr(b->buf + b->len, type, family, flags, ++b->seq);
}

void fwnft_begin(struct fwnft *b)
{
	memset(b, 0, sizeof(*b));
	b->seq = 1;
	if (room(b)) {
		nftnl_batch_begin(b->buf, b->seq);
		b->len = MNL_ALIGN(((struct nlmsghdr *)b->buf)->nlmsg_len);
	}
}

int fwnft_commit(struct fwnft *b, struct nl *n, struct err *e)
{
	int ret = 0;

	if (b->bad || !room(b)) {
		errno = ENOMEM;
		ret = err_set(e, "out of memory");
	} else if (b->n) {
		struct nlmsghdr *end;

		((struct nlmsghdr *)(b->buf + b->last))->nlmsg_flags |= NLM_F_ACK;
		end = nftnl_batch_end(b->buf + b->len, ++b->seq);
		b->len += MNL_ALIGN(end->nlmsg_len);
		ret = nl_batch(n, b->buf, b->len, NULL, e);
	}
	free(b->buf);
	memset(b, 0, sizeof(*b));
	return ret;
}

/* ---- expressions; a NULL one (out of memory) marks the transaction bad ---- */

struct put {
	struct fwnft *b;
	struct nftnl_rule *r;
	uint8_t family;
};

static struct nftnl_expr *expr(struct put *p, const char *name)
{
	struct nftnl_expr *x = nftnl_expr_alloc(name);

	if (!x)
		p->b->bad = true;
	else
		nftnl_rule_add_expr(p->r, x);
	return x;
}

static void put_meta(struct put *p, uint32_t key)
{
	struct nftnl_expr *x = expr(p, "meta");

	if (!x)
		return;
	nftnl_expr_set_u32(x, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(x, NFTNL_EXPR_META_DREG, NFT_REG_1);
}

static void put_ct(struct put *p, uint32_t key)
{
	struct nftnl_expr *x = expr(p, "ct");

	if (!x)
		return;
	nftnl_expr_set_u32(x, NFTNL_EXPR_CT_KEY, key);
	nftnl_expr_set_u32(x, NFTNL_EXPR_CT_DREG, NFT_REG_1);
}

static void put_payload(struct put *p, uint32_t base, uint32_t offset, uint32_t len)
{
	struct nftnl_expr *x = expr(p, "payload");

	if (!x)
		return;
	nftnl_expr_set_u32(x, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(x, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(x, NFTNL_EXPR_PAYLOAD_LEN, len);
	nftnl_expr_set_u32(x, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
}

static void put_cmp(struct put *p, bool not, const void *data, uint32_t len)
{
	struct nftnl_expr *x = expr(p, "cmp");

	if (!x)
		return;
	nftnl_expr_set_u32(x, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(x, NFTNL_EXPR_CMP_OP, not ? NFT_CMP_NEQ : NFT_CMP_EQ);
	nftnl_expr_set_data(x, NFTNL_EXPR_CMP_DATA, data, len);
}

static void put_cmp_u8(struct put *p, bool not, uint8_t v)
{
	put_cmp(p, not, &v, 1);
}

/* reg = (reg & mask) ^ xor */
static void put_bitwise(struct put *p, const void *mask, const void *xor, uint32_t len)
{
	struct nftnl_expr *x = expr(p, "bitwise");

	if (!x)
		return;
	nftnl_expr_set_u32(x, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(x, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(x, NFTNL_EXPR_BITWISE_LEN, len);
	nftnl_expr_set_data(x, NFTNL_EXPR_BITWISE_MASK, mask, len);
	nftnl_expr_set_data(x, NFTNL_EXPR_BITWISE_XOR, xor, len);
}

/* True when any of these bits (host order) is set. */
static void put_any_bit(struct put *p, uint32_t bits)
{
	uint32_t zero = 0;

	put_bitwise(p, &bits, &zero, 4);
	put_cmp(p, true, &zero, 4);
}

static void put_all_bits(struct put *p, uint32_t bits)
{
	uint32_t zero = 0;

	put_bitwise(p, &bits, &zero, 4);
	put_cmp(p, false, &bits, 4);
}

static void put_lookup(struct put *p, const struct fw_set *s, bool not)
{
	struct nftnl_expr *x = expr(p, "lookup");

	if (!x)
		return;
	nftnl_expr_set_u32(x, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_str(x, NFTNL_EXPR_LOOKUP_SET, s->name);
	if (not)
		nftnl_expr_set_u32(x, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
}

static void put_name(struct put *p, uint32_t key, const char *name, bool not)
{
	char full[IFNAME_MAX] = "";

	memcpy(full, name, strnlen(name, IFNAME_MAX - 1));
	put_meta(p, key);
	put_cmp(p, not, full, IFNAME_MAX);
}

static void put_ours(struct put *p, uint32_t key, bool not)
{
	put_meta(p, key);
	put_cmp(p, not, LINK_OURS, sizeof(LINK_OURS) - 1);
}

/* In an inet table a rule about one family says so first. */
static void put_family(struct put *p, uint8_t family)
{
	if (p->family != NFPROTO_INET)
		return;
	put_meta(p, NFT_META_NFPROTO);
	put_cmp_u8(p, false, family);
}

static void put_l4proto(struct put *p, uint8_t proto, bool not)
{
	put_meta(p, NFT_META_L4PROTO);
	put_cmp_u8(p, not, proto);
}

static void put_addr(struct put *p, const struct fw_match *m, bool dst)
{
	bool v6 = m->set->kind == FW_V6;

	put_family(p, v6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
	put_payload(p, NFT_PAYLOAD_NETWORK_HEADER, v6 ? (dst ? 24 : 8) : (dst ? 16 : 12),
		    v6 ? 16 : 4);
	put_lookup(p, m->set, m->not);
}

static void put_port(struct put *p, uint16_t port, bool dst)
{
	uint16_t net = htons(port);

	put_l4proto(p, IPPROTO_UDP, false);
	put_payload(p, NFT_PAYLOAD_TRANSPORT_HEADER, dst ? 2 : 0, 2);
	put_cmp(p, false, &net, 2);
}

/* The same as iptables -p udp --dport PORT: its match keeps host order. */
static void put_port_xt(struct put *p, uint16_t port, bool dst)
{
	struct xt_udp u = { .spts = { 0, 65535 }, .dpts = { 0, 65535 } };
	char *info = calloc(1, XT_ALIGN(sizeof(u)));
	struct nftnl_expr *x;

	if (!info) {
		p->b->bad = true;
		return;
	}
	if (dst)
		u.dpts[0] = u.dpts[1] = port;
	else
		u.spts[0] = u.spts[1] = port;
	memcpy(info, &u, sizeof(u));
	put_l4proto(p, IPPROTO_UDP, false);
	x = expr(p, "match");
	if (!x) {
		free(info);
		return;
	}
	nftnl_expr_set_str(x, NFTNL_EXPR_MT_NAME, "udp");
	nftnl_expr_set_u32(x, NFTNL_EXPR_MT_REV, 0);
	nftnl_expr_set(x, NFTNL_EXPR_MT_INFO, info, XT_ALIGN(sizeof(u)));	/* takes info */
	nftnl_rule_set_u32(p->r, NFTNL_RULE_COMPAT_PROTO, IPPROTO_UDP);
	nftnl_rule_set_u32(p->r, NFTNL_RULE_COMPAT_FLAGS, 0);
}

static void put_syn(struct put *p, bool not)
{
	uint8_t mask = TCP_FLAG_SYN | TCP_FLAG_RST, zero = 0;

	put_l4proto(p, IPPROTO_TCP, false);
	put_payload(p, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS_AT, 1);
	put_bitwise(p, &mask, &zero, 1);
	put_cmp_u8(p, not, TCP_FLAG_SYN);
}

static void put_echo(struct put *p, bool v6)
{
	put_family(p, v6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
	put_l4proto(p, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, false);
	put_payload(p, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1);
	put_cmp_u8(p, false, v6 ? 128 : 8);
}

static void put_port_range(struct put *p, uint32_t range, bool dst)
{
	uint16_t ends[2] = { htons((uint16_t)(range >> 16)), htons((uint16_t)range) };
	static const uint32_t ops[2] = { NFT_CMP_GTE, NFT_CMP_LTE };

	put_payload(p, NFT_PAYLOAD_TRANSPORT_HEADER, dst ? 2 : 0, 2);
	for (size_t i = 0; i < 2; i++) {
		struct nftnl_expr *x = expr(p, "cmp");

		if (!x)
			return;
		nftnl_expr_set_u32(x, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
		nftnl_expr_set_u32(x, NFTNL_EXPR_CMP_OP, ops[i]);
		nftnl_expr_set_data(x, NFTNL_EXPR_CMP_DATA, &ends[i], 2);
	}
}

/* A flag of one byte. */
static void put_out_esp(struct put *p, bool not)
{
	struct nftnl_expr *x = expr(p, "rt");

	if (!x)
		return;
	nftnl_expr_set_u32(x, NFTNL_EXPR_RT_KEY, NFT_RT_XFRM);
	nftnl_expr_set_u32(x, NFTNL_EXPR_RT_DREG, NFT_REG_1);
	put_cmp_u8(p, not, 1);
}

static void put_match(struct put *p, const struct fw_match *m, bool xt)
{
	switch ((enum fw_match_kind)m->kind) {
	case FW_IIF_OURS:
		put_ours(p, NFT_META_IIFNAME, m->not);
		break;
	case FW_OIF_OURS:
		put_ours(p, NFT_META_OIFNAME, m->not);
		break;
	case FW_IIF:
		put_name(p, NFT_META_IIFNAME, m->name, m->not);
		break;
	case FW_OIF:
		put_name(p, NFT_META_OIFNAME, m->name, m->not);
		break;
	case FW_IIF_SET:
		put_meta(p, NFT_META_IIFNAME);
		put_lookup(p, m->set, m->not);
		break;
	case FW_OIF_SET:
		put_meta(p, NFT_META_OIFNAME);
		put_lookup(p, m->set, m->not);
		break;
	case FW_SADDR_SET:
		put_addr(p, m, false);
		break;
	case FW_DADDR_SET:
		put_addr(p, m, true);
		break;
	case FW_NFPROTO:
		put_family(p, (uint8_t)m->v);
		break;
	case FW_L4PROTO:
		put_l4proto(p, (uint8_t)m->v, m->not);
		break;
	case FW_UDP_SPORT:
	case FW_UDP_DPORT:
		(xt ? put_port_xt : put_port)(p, (uint16_t)m->v, m->kind == FW_UDP_DPORT);
		break;
	case FW_TCP_SYN:
		put_syn(p, m->not);
		break;
	case FW_ECHO_V4:
		put_echo(p, false);
		break;
	case FW_ECHO_V6:
		put_echo(p, true);
		break;
	case FW_CT_STATE:
		put_ct(p, NFT_CT_STATE);
		put_any_bit(p, m->v);
		break;
	case FW_CT_DNAT:
		put_ct(p, NFT_CT_STATUS);
		put_any_bit(p, IPS_DST_NAT);
		break;
	case FW_MARKED:
		put_meta(p, NFT_META_MARK);
		put_all_bits(p, ROUTE_MARK);
		break;
	case FW_SPORT_RANGE:
	case FW_DPORT_RANGE:
		put_port_range(p, m->v, m->kind == FW_DPORT_RANGE);
		break;
	case FW_IN_ESP:
		put_meta(p, NFT_META_SECPATH);
		put_cmp_u8(p, m->not, 1);
		break;
	case FW_OUT_ESP:
		put_out_esp(p, m->not);
		break;
	case FW_CT_MARKED:
		put_ct(p, NFT_CT_MARK);
		put_all_bits(p, ROUTE_MARK);
		break;
	}
}

static void put_verdict(struct put *p, uint32_t verdict)
{
	struct nftnl_expr *x = expr(p, "immediate");

	if (!x)
		return;
	nftnl_expr_set_u32(x, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(x, NFTNL_EXPR_IMM_VERDICT, verdict);
}

static void put_keep_source(struct put *p, bool v6)
{
	struct nftnl_expr *x;

	put_payload(p, NFT_PAYLOAD_NETWORK_HEADER, v6 ? 8 : 12, v6 ? 16 : 4);
	x = expr(p, "nat");
	if (!x)
		return;
	nftnl_expr_set_u32(x, NFTNL_EXPR_NAT_TYPE, NFT_NAT_SNAT);
	nftnl_expr_set_u32(x, NFTNL_EXPR_NAT_FAMILY, v6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
	nftnl_expr_set_u32(x, NFTNL_EXPR_NAT_REG_ADDR_MIN, NFT_REG_1);
}

static void put_mss(struct put *p, uint16_t mss)
{
	uint16_t net = htons(mss);
	struct nftnl_expr *x = expr(p, "immediate");

	if (!x)
		return;
	nftnl_expr_set_u32(x, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	nftnl_expr_set_data(x, NFTNL_EXPR_IMM_DATA, &net, 2);
	x = expr(p, "exthdr");
	if (!x)
		return;
	nftnl_expr_set_u8(x, NFTNL_EXPR_EXTHDR_TYPE, TCPOPT_MAXSEG);
	nftnl_expr_set_u32(x, NFTNL_EXPR_EXTHDR_OFFSET, 2);
	nftnl_expr_set_u32(x, NFTNL_EXPR_EXTHDR_LEN, 2);
	nftnl_expr_set_u32(x, NFTNL_EXPR_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT);
	nftnl_expr_set_u32(x, NFTNL_EXPR_EXTHDR_SREG, NFT_REG_1);
}

/* mark | ROUTE_MARK, on the packet or the connection. */
static void put_set_mark(struct put *p, bool connection)
{
	uint32_t mask = ~ROUTE_MARK, bit = ROUTE_MARK;
	struct nftnl_expr *x;

	if (connection)
		put_ct(p, NFT_CT_MARK);
	else
		put_meta(p, NFT_META_MARK);
	put_bitwise(p, &mask, &bit, 4);
	x = expr(p, connection ? "ct" : "meta");
	if (!x)
		return;
	if (connection) {
		nftnl_expr_set_u32(x, NFTNL_EXPR_CT_KEY, NFT_CT_MARK);
		nftnl_expr_set_u32(x, NFTNL_EXPR_CT_SREG, NFT_REG_1);
	} else {
		nftnl_expr_set_u32(x, NFTNL_EXPR_META_KEY, NFT_META_MARK);
		nftnl_expr_set_u32(x, NFTNL_EXPR_META_SREG, NFT_REG_1);
	}
}

static void put_action(struct put *p, enum fw_action action, uint32_t v)
{
	switch (action) {
	case FW_ACCEPT:
		put_verdict(p, NF_ACCEPT);
		break;
	case FW_DROP:
		expr(p, "counter");
		put_verdict(p, NF_DROP);
		break;
	case FW_MASQUERADE:
		expr(p, "masq");
		break;
	case FW_KEEP_SOURCE_V4:
		put_keep_source(p, false);
		break;
	case FW_KEEP_SOURCE_V6:
		put_keep_source(p, true);
		break;
	case FW_MSS:
		put_mss(p, (uint16_t)v);
		break;
	case FW_SET_MARK:
		put_set_mark(p, false);
		break;
	case FW_SET_CT_MARK:
		put_set_mark(p, true);
		break;
	}
}

static void put_comment(struct put *p, const char *comment)
{
	struct nftnl_udata_buf *u = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);

	if (!u || !nftnl_udata_put_strz(u, NFTNL_UDATA_RULE_COMMENT, comment))
		p->b->bad = true;
	else
		nftnl_rule_set_data(p->r, NFTNL_RULE_USERDATA, nftnl_udata_buf_data(u),
				    nftnl_udata_buf_len(u));
	if (u)
		nftnl_udata_buf_free(u);
}

/* A rule in a table; at the head or the end of the chain. */
static bool rule_begin(struct put *p, struct fwnft *b, uint8_t family, const char *table,
		       const char *chain)
{
	p->b = b;
	p->family = family;
	p->r = nftnl_rule_alloc();
	if (!p->r) {
		b->bad = true;
		return false;
	}
	nftnl_rule_set_u32(p->r, NFTNL_RULE_FAMILY, family);
	nftnl_rule_set_str(p->r, NFTNL_RULE_TABLE, table);
	nftnl_rule_set_str(p->r, NFTNL_RULE_CHAIN, chain);
	return true;
}

static void rule_end(struct put *p, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *h = message(p->b, type, p->family, flags);

	if (h) {
		nftnl_rule_nlmsg_build_payload(h, p->r);
		done(p->b, h);
	}
	nftnl_rule_free(p->r);
}

void fwnft_insert_rule(struct fwnft *b, uint8_t family, const char *table, const char *chain,
		       const struct fw_match *m, size_t n, bool xt, const char *comment)
{
	struct put p;

	if (!rule_begin(&p, b, family, table, chain))
		return;
	for (size_t i = 0; i < n; i++)
		put_match(&p, &m[i], xt);
	expr(&p, "counter");	/* as iptables writes them; shows the admin that it works */
	put_verdict(&p, NF_ACCEPT);
	put_comment(&p, comment);
	rule_end(&p, NFT_MSG_NEWRULE, NLM_F_CREATE);
}

void fwnft_delete_rule(struct fwnft *b, uint8_t family, const char *table, const char *chain,
		       uint64_t handle)
{
	struct put p;

	if (!rule_begin(&p, b, family, table, chain))
		return;
	nftnl_rule_set_u64(p.r, NFTNL_RULE_HANDLE, handle);
	rule_end(&p, NFT_MSG_DELRULE, 0);
}

/* ---- the table ---- */

static void put_table(struct fwnft *b, uint16_t type, uint16_t flags)
{
	struct nftnl_table *t = nftnl_table_alloc();
	struct nlmsghdr *h = message(b, type, NFPROTO_INET, flags);

	if (t && h) {
		nftnl_table_set_str(t, NFTNL_TABLE_NAME, FIREWALL_TABLE);
		nftnl_table_nlmsg_build_payload(h, t);
		done(b, h);
	} else {
		b->bad = true;
	}
	if (t)
		nftnl_table_free(t);
}

void fwnft_delete_table(struct fwnft *b)
{
	put_table(b, NFT_MSG_DELTABLE, 0);
}

static void put_chain(struct fwnft *b, const struct fw_chain *k)
{
	struct nftnl_chain *c = nftnl_chain_alloc();
	struct nlmsghdr *h = message(b, NFT_MSG_NEWCHAIN, NFPROTO_INET, NLM_F_CREATE);

	if (c && h) {
		nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, FIREWALL_TABLE);
		nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, k->name);
		nftnl_chain_set_str(c, NFTNL_CHAIN_TYPE, k->type);
		nftnl_chain_set_u32(c, NFTNL_CHAIN_HOOKNUM, k->hook);
		nftnl_chain_set_s32(c, NFTNL_CHAIN_PRIO, k->prio);
		nftnl_chain_set_u32(c, NFTNL_CHAIN_POLICY, NF_ACCEPT);
		nftnl_chain_nlmsg_build_payload(h, c);
		done(b, h);
	} else {
		b->bad = true;
	}
	if (c)
		nftnl_chain_free(c);
}

/* For nft's listing: without it names are shown empty. */
static void set_byteorder(struct nftnl_set *n, uint32_t order)
{
	struct nftnl_udata_buf *u = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);

	if (!u)
		return;
	if (nftnl_udata_put_u32(u, NFTNL_UDATA_SET_KEYBYTEORDER, order))
		nftnl_set_set_data(n, NFTNL_SET_USERDATA, nftnl_udata_buf_data(u),
				   nftnl_udata_buf_len(u));
	nftnl_udata_buf_free(u);
}

static struct nftnl_set *set_of(const struct fw_set *s, uint32_t id)
{
	static const uint32_t types[] = { TYPE_IFNAME, TYPE_IPADDR, TYPE_IP6ADDR };
	static const uint32_t lens[] = { IFNAME_MAX, 4, 16 };
	struct nftnl_set *n = nftnl_set_alloc();

	if (!n)
		return NULL;
	nftnl_set_set_str(n, NFTNL_SET_TABLE, FIREWALL_TABLE);
	nftnl_set_set_str(n, NFTNL_SET_NAME, s->name);
	nftnl_set_set_u32(n, NFTNL_SET_FAMILY, NFPROTO_INET);
	nftnl_set_set_u32(n, NFTNL_SET_ID, id);
	nftnl_set_set_u32(n, NFTNL_SET_KEY_TYPE, types[s->kind]);
	nftnl_set_set_u32(n, NFTNL_SET_KEY_LEN, lens[s->kind]);
	nftnl_set_set_u32(n, NFTNL_SET_FLAGS, s->kind == FW_IFNAMES ? 0 : NFT_SET_INTERVAL);
	set_byteorder(n, s->kind == FW_IFNAMES ? ORDER_HOST : ORDER_NETWORK);
	return n;
}

static bool add_elem(struct nftnl_set *n, const void *key, uint32_t len, bool end)
{
	struct nftnl_set_elem *x = nftnl_set_elem_alloc();

	if (!x)
		return false;
	nftnl_set_elem_set(x, NFTNL_SET_ELEM_KEY, key, len);
	if (end)
		nftnl_set_elem_set_u32(x, NFTNL_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
	nftnl_set_elem_add(n, x);
	return true;
}

/* The kernel's ranges end before their end; one to the last address has none. */
static bool add_range(struct nftnl_set *n, const struct fw_range *r)
{
	size_t len = addr_len(&r->from);
	struct ip_addr end = r->to;

	if (!add_elem(n, r->from.b, (uint32_t)len, false))
		return false;
	for (size_t i = len; i-- > 0;)
		if (++end.b[i])
			return add_elem(n, end.b, (uint32_t)len, true);
	return true;
}

static void put_elems(struct fwnft *b, const struct fw_set *s, uint32_t id, size_t from,
		      size_t to)
{
	struct nftnl_set *n = set_of(s, id);
	struct nlmsghdr *h = message(b, NFT_MSG_NEWSETELEM, NFPROTO_INET, NLM_F_CREATE);
	bool ok = n && h;

	for (size_t i = from; ok && i < to; i++)
		ok = s->kind == FW_IFNAMES ? add_elem(n, s->names[i], IFNAME_MAX, false) :
					     add_range(n, &s->ranges[i]);
	if (ok) {
		nftnl_set_elems_nlmsg_build_payload(h, n);
		done(b, h);
	} else {
		b->bad = true;
	}
	if (n)
		nftnl_set_free(n);
}

static void put_set(struct fwnft *b, const struct fw_set *s, uint32_t id)
{
	struct nftnl_set *n = set_of(s, id);
	struct nlmsghdr *h = message(b, NFT_MSG_NEWSET, NFPROTO_INET, NLM_F_CREATE);

	if (n && h) {
		nftnl_set_nlmsg_build_payload(h, n);
		done(b, h);
	} else {
		b->bad = true;
	}
	if (n)
		nftnl_set_free(n);
	for (size_t i = 0; i < s->n; i += ELEMS_MAX)
		put_elems(b, s, id, i, s->n - i > ELEMS_MAX ? i + ELEMS_MAX : s->n);
}

void fwnft_put_table(struct fwnft *b, const struct fw_plan *p)
{
	/* Make it, so that deleting it cannot fail; then it is empty. */
	put_table(b, NFT_MSG_NEWTABLE, NLM_F_CREATE);
	put_table(b, NFT_MSG_DELTABLE, 0);
	put_table(b, NFT_MSG_NEWTABLE, NLM_F_CREATE);
	for (size_t i = 0; i < p->n_sets; i++)
		if (p->sets[i].used)
			put_set(b, &p->sets[i], (uint32_t)i + 1);
	for (size_t i = 0; i < p->n_chains; i++)
		put_chain(b, &p->chains[i]);
	for (size_t i = 0; i < p->n_rules; i++) {
		const struct fw_rule *r = &p->rules[i];
		struct put w;

		if (!rule_begin(&w, b, NFPROTO_INET, FIREWALL_TABLE, p->chains[r->chain].name))
			return;
		for (size_t j = 0; j < r->n; j++)
			put_match(&w, &r->m[j], false);
		put_action(&w, (enum fw_action)r->action, r->v);
		rule_end(&w, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	}
}
