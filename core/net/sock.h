/* sock: the UDP sockets of IKE and ESP, opened by the monitor and handed to its children.
 *
 * Port 4500 (natt_port) of each family is a SO_REUSEPORT group: [0] is iked's, [1 + n] that of
 * espd's worker n, with a classic BPF program that looks at the first four bytes (RFC 3948
 * §2.2): zero is the non-ESP marker and goes to [0], as does a datagram shorter than that
 * (RFC 3948 §2.3: a keepalive); everything else is an SPI and goes to the worker that
 * sock_worker() says, so that one worker sees all packets of an SA. iked gives all SAs of a
 * peer the same first byte, and so the same worker: the kernel keeps datagrams of one peer
 * together whatever their SPIs (UDP_GRO), and looks at the first alone. All send from that port. The monitor keeps all of
 * them open as long as it lives: closing one would renumber the group.
 *
 * On all: IP_PKTINFO or IPV6_RECVPKTINFO, IPV6_V6ONLY, SO_MARK ROUTE_MARK, non-blocking,
 * CLOEXEC. "Don't fragment" is not set here (IP_PMTUDISC_DONT): an IKE message that is too big
 * for the path arrives in fragments, while a dropped one does not arrive. The userspace
 * dataplane turns it on for its ESP sockets, for it learns the path's MTU and passes it on to
 * the senders of inner packets (dataplane/esp/wire.c; RFC 4301 §8).
 */
#ifndef ADIT_NET_SOCK_H
#define ADIT_NET_SOCK_H

#include "core/base/err.h"

#include <stdint.h>

#define SOCK_IKE_PORT 500
#define SOCK_NATT_PORT 4500

#define SOCK_WORKERS_MAX 16

/* Which of the workers receives this SPI (host byte order). */
static inline unsigned sock_worker(uint32_t spi, unsigned workers)
{
	return (spi >> 24) % workers;
}

enum { SOCK_V4, SOCK_V6, SOCK_FAMILIES };

/* -1 where there is none. */
struct sock_set {
	int ike500[SOCK_FAMILIES];
	int ike4500[SOCK_FAMILIES];
	int esp4500[SOCK_FAMILIES][SOCK_WORKERS_MAX];
	unsigned workers;
	uint16_t ike_port, natt_port;
};

/* None is open. */
void sock_init(struct sock_set *s);
/* On these ports, 500 and 4500 where they are 0, for 1..SOCK_WORKERS_MAX workers. Needs CAP_NET_BIND_SERVICE and CAP_NET_ADMIN. A family the kernel has not is left at -1;
 * none at all, or a port somebody else holds, is an error (which names the port). On failure
 * all are -1. */
int sock_open(struct sock_set *s, uint16_t ike_port, uint16_t natt_port, unsigned workers,
	      struct err *e) MUST_USE;
void sock_close(struct sock_set *s);

/* A raw socket for IP protocol 50 (ESP without UDP), marked like the others, non-blocking and
 * CLOEXEC, that is given the packets whose SPI modulo workers is worker. family: AF_INET (packets
 * come with their IP header) or AF_INET6 (without). Needs CAP_NET_RAW. -1 when it cannot be. */
int sock_open_esp(int family, unsigned worker, unsigned workers, struct err *e) MUST_USE;

#endif
