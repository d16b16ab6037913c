/* fwscan: what other tables hold that concerns us: their base chains, whether a drop can be
 * reached from each, whether a rule names our interfaces, and which rules of ours are there.
 * One look at the whole ruleset; for core/net only.
 */
#ifndef ADIT_NET_FWSCAN_H
#define ADIT_NET_FWSCAN_H

#include "core/net/firewall.h"
#include "core/net/nl.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The accept rules we put in other tables; the word behind FIREWALL_TAG in the comment. */
enum fw_help {
	HELP_IKE, HELP_NATT, HELP_ESP,			/* to the router */
	HELP_IKE_OUT, HELP_NATT_OUT, HELP_ESP_OUT,	/* from it */
	HELP_FROM_TUNNEL, HELP_TO_TUNNEL,
	HELP_KINDS,
	HELP_STALE = HELP_KINDS,	/* carries our tag, but is of no kind we know */
};

/* Which of them are of use, by what the peers are. */
struct fw_need {
	bool outer_v4, outer_v6;
	bool inner_v4, inner_v6;
	bool forward;
};

struct fwscan_ours {
	uint64_t handle;
	enum fw_help kind;
};

struct fwscan_chain {
	uint8_t family;			/* NFPROTO_* */
	char *table, *name;
	bool base;
	char type[16];			/* base only: "filter", "nat", "route" */
	uint8_t hook;
	int prio;
	bool policy_drop;
	bool drops;			/* a rule here drops, or may */
	bool names_us;			/* a rule of somebody's decides about adit-… */
	bool nats_us;			/* … translates addresses for adit-… */
	size_t n_jumps, n_ours;
	char **jumps;			/* chains of the same table */
	struct fwscan_ours *ours;
};

struct fwscan {
	size_t n;
	struct fwscan_chain *v;
	size_t own_chains, own_rules;	/* of `inet adit` */
};

/* On failure *out is empty; errno EOPNOTSUPP: no nftables in this kernel. */
int fwscan_take(struct nl *n, struct fwscan *out, struct err *e) MUST_USE;
void fwscan_fini(struct fwscan *s);

/* Bits 1 << enum fw_help that this chain should have. */
unsigned fwscan_wanted(const struct fwscan *s, const struct fwscan_chain *c,
		       const struct fw_need *need);
/* Somebody translates sources of tunnel traffic on purpose. */
bool fwscan_nat_is_theirs(const struct fwscan *s);
/* Made by iptables-nft: to be written in its manner. */
bool fwscan_is_iptables(const struct fwscan_chain *c);

const char *fwscan_help_name(enum fw_help k);
const char *fwscan_family(uint8_t family);

#endif
