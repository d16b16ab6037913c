/* xfrmmsg: what the files of core/net/xfrm*.c share. */
#ifndef ADIT_NET_XFRMMSG_H
#define ADIT_NET_XFRMMSG_H

#include "core/net/nl.h"
#include "core/net/xfrm.h"

#include <linux/xfrm.h>

struct xfrm {
	struct nl nl;
};

/* The address as the kernel has it; none is all zeros. */
void xfrmmsg_put_addr(xfrm_address_t *to, const struct ip_addr *a);
struct ip_addr xfrmmsg_addr(const xfrm_address_t *a, uint16_t family);
/* The same, but all zeros are none. */
struct ip_addr xfrmmsg_addr_or_none(const xfrm_address_t *a, uint16_t family);
/* Attributes of a message by type, from this offset on. False when it is cut off. */
bool xfrmmsg_attrs(const struct nlmsghdr *h, size_t off, const struct nlattr *tb[XFRMA_MAX + 1]);
uint32_t xfrmmsg_u32(const struct nlattr *a);
/* The payload when it has at least this size, else NULL. */
const void *xfrmmsg_payload(const struct nlattr *a, size_t least);
void xfrmmsg_sel_put(struct xfrm_selector *to, const struct xfrm_sel *s);
void xfrmmsg_sel_read(const struct xfrm_selector *from, struct xfrm_sel *out);

#endif
