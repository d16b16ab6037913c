/* outer: what sendmsg() must be told of an outer packet: where to, from which address, its TOS,
 * and where the kernel cuts it into datagrams. Made once per SA; only TOS and size change. */
#ifndef ADIT_ESP_OUTER_H
#define ADIT_ESP_OUTER_H

#include "core/base/addr.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define OUTER_CTL (CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int)) + \
		   CMSG_SPACE(sizeof(uint16_t)))

struct outer {
	struct sockaddr_storage to;
	socklen_t to_len;
	uint8_t family;			/* AF_INET or AF_INET6 */
	uint8_t from_len;		/* bytes of from */
	_Alignas(struct cmsghdr) char from[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/* udp: false for IP protocol 50, which has no ports. Without an address in local the kernel
 * chooses. */
void outer_init(struct outer *o, const struct endpoint *local, const struct endpoint *remote,
		bool udp);
/* Fill m's address and control part; ctl has OUTER_CTL bytes and lives as long as m. gso: the
 * bytes of each datagram in it but the last; 0: it is one. */
void outer_msg(const struct outer *o, uint8_t tos, uint16_t gso, struct msghdr *m, char *ctl);

#endif
