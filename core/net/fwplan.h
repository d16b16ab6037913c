/* fwplan: the table `inet adit` as data, built from what is wanted without a system call;
 * fwtext and fwnft turn it into nft's language and into netlink. For core/net and its tests.
 */
#ifndef ADIT_NET_FWPLAN_H
#define ADIT_NET_FWPLAN_H

#include "core/net/firewall.h"

#include <linux/netfilter.h>

enum fw_set_kind { FW_IFNAMES, FW_V4, FW_V6 };

struct fw_range {
	struct ip_addr from, to;	/* inclusive */
};

struct fw_set {
	char name[32];
	uint8_t kind;			/* enum fw_set_kind */
	bool used;			/* by a rule; others are left out */
	size_t n;
	char (*names)[IFNAME_MAX];	/* FW_IFNAMES */
	struct fw_range *ranges;	/* else: ascending, apart */
};

enum fw_match_kind {
	FW_IIF_OURS,		/* iifname "adit-*" */
	FW_OIF_OURS,
	FW_IIF,			/* name */
	FW_OIF,
	FW_IIF_SET,		/* set */
	FW_OIF_SET,
	FW_SADDR_SET,		/* set, its kind says the family */
	FW_DADDR_SET,
	FW_NFPROTO,		/* v: NFPROTO_IPV4 or _IPV6 */
	FW_L4PROTO,		/* v: IPPROTO_* */
	FW_UDP_SPORT,		/* v: port, host order */
	FW_UDP_DPORT,
	FW_TCP_SYN,		/* tcp flags & (syn|rst) == syn */
	FW_ECHO_V4,		/* an ICMP echo request */
	FW_ECHO_V6,
	FW_CT_STATE,		/* v: any of these FW_CT_* */
	FW_CT_DNAT,		/* its destination was translated */
	FW_MARKED,		/* the packet carries ROUTE_MARK */
	FW_CT_MARKED,		/* its connection does */
	FW_SPORT_RANGE,		/* v: from << 16 | to; after an L4PROTO */
	FW_DPORT_RANGE,
	FW_IN_ESP,		/* came in by IPsec; may be negated */
	FW_OUT_ESP,		/* is to go out by IPsec */
};

/* NF_CT_STATE_BIT of the kernel. */
enum { FW_CT_ESTABLISHED = 1 << 1, FW_CT_RELATED = 1 << 2, FW_CT_NEW = 1 << 3 };

struct fw_match {
	uint8_t kind;			/* enum fw_match_kind */
	bool not;			/* interfaces, L4PROTO and TCP_SYN only */
	uint32_t v;
	struct fw_set *set;		/* of the same plan */
	char name[IFNAME_MAX];
};

enum fw_action {
	FW_ACCEPT, FW_DROP,
	FW_MASQUERADE,
	FW_KEEP_SOURCE_V4, FW_KEEP_SOURCE_V6,	/* snat to its own source */
	FW_MSS,			/* v: the largest */
	FW_SET_MARK,		/* put ROUTE_MARK on the packet */
	FW_SET_CT_MARK,		/* on the connection */
};

#define FW_MATCH_MAX 5

struct fw_rule {
	size_t chain;			/* index in the plan */
	uint8_t n;
	struct fw_match m[FW_MATCH_MAX];
	uint8_t action;			/* enum fw_action */
	uint32_t v;
};

struct fw_chain {
	const char *name;
	const char *type;		/* "filter", "nat", "route" */
	uint8_t hook;			/* NF_INET_* */
	int prio;
};

#define FW_SETS_MAX 512
#define FW_CHAINS_MAX 16
#define FW_RULES_MAX 640

struct fw_plan {
	size_t n_sets, n_chains, n_rules;
	struct fw_set sets[FW_SETS_MAX];
	struct fw_chain chains[FW_CHAINS_MAX];
	struct fw_rule rules[FW_RULES_MAX];
	bool bad;			/* out of memory or of room */
};

/* keep_source: bind tunnel traffic to its own source (nat_keep). Chains without rules are
 * left out. NULL when out of memory. */
struct fw_plan *fwplan_new(const struct firewall_want *w, bool keep_source) MUST_USE;
void fwplan_free(struct fw_plan *p);

/* The ports, also where w has the usual ones as 0. */
uint16_t fwplan_ike_port(const struct firewall_want *w);
uint16_t fwplan_natt_port(const struct firewall_want *w);

/* As nft reads it. */
void fwtext_plan(const struct fw_plan *p, struct sbuf *out);
const char *fwtext_hook(uint8_t hook);

#endif
