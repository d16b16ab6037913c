/* mtu: how large an inner packet may be so that its ESP packet fits the link outside
 * (RFC 4303 §2; RFC 3948 §2.1; USERS.md pain 11). */
#ifndef ADIT_DAEMON_MTU_H
#define ADIT_DAEMON_MTU_H

#include "core/crypto/alg.h"

#include <stdbool.h>
#include <stdint.h>

/* Never below what every IPv4 host takes (RFC 791), nor, where IPv6 goes inside, what every
 * IPv6 link carries (RFC 8200 §5): the outer packet is fragmented then. */
#define MTU_MIN_V4 576
#define MTU_MIN_V6 1280

/* The largest inner packet for one pair of algorithms. encr from alg_get(); integ NULL for
 * AEAD. encr NULL: of AH by integ. family: of the outer addresses, AF_INET or AF_INET6. 0 when nothing fits. */
unsigned mtu_inner(unsigned outer_mtu, int family, bool udp_encap, const struct alg *encr,
		   const struct alg *integ);
/* The least over all that a list of suites allows: for before one was negotiated. */
unsigned mtu_of_suites(unsigned outer_mtu, int family, bool udp_encap,
		       const struct suite_list *esp);
/* Not below the minimum (inner6: IPv6 networks inside), not above 65535. */
uint16_t mtu_clamp(unsigned mtu, bool inner6);

#endif
