/* fwnft: nftables transactions by libnftnl, for core/net only. */
#ifndef ADIT_NET_FWNFT_H
#define ADIT_NET_FWNFT_H

#include "core/net/fwplan.h"
#include "core/net/nl.h"

#include <stddef.h>
#include <stdint.h>

/* A transaction that grows; all or nothing. Out of memory is kept until commit. */
struct fwnft {
	char *buf;
	size_t len, cap;
	size_t last;		/* where the last message begins */
	unsigned n;		/* messages in it */
	uint32_t seq;
	bool bad;
};

void fwnft_begin(struct fwnft *b);
/* Our table anew, whatever was in it. */
void fwnft_put_table(struct fwnft *b, const struct fw_plan *p);
/* There must be one. */
void fwnft_delete_table(struct fwnft *b);
/* An accept rule at the head of somebody's chain. xt: write UDP ports as iptables does, so
 * that every version of it can list and save the chain. */
void fwnft_insert_rule(struct fwnft *b, uint8_t family, const char *table, const char *chain,
		       const struct fw_match *m, size_t n, bool xt, const char *comment);
void fwnft_delete_rule(struct fwnft *b, uint8_t family, const char *table, const char *chain,
		       uint64_t handle);
/* Send it and forget it; an empty one is done at once. errno is the kernel's on failure. */
int fwnft_commit(struct fwnft *b, struct nl *n, struct err *e) MUST_USE;

#endif
