/* net: the UDP sockets of IKE: ports 500 and 4500 (or those set), IPv4 and IPv6. They are opened by aditd
 * and handed in; here datagrams go in and out, with the local address of each and the non-ESP
 * marker of port 4500 (RFC 3948 §2.2) put on and taken off. */
#ifndef ADIT_IKE_MAIN_NET_H
#define ADIT_IKE_MAIN_NET_H

#include "core/base/addr.h"
#include "core/base/err.h"
#include "core/base/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NET_ROUND 32		/* datagrams read in one turn of the loop, per socket */

struct net;

/* fn gets each IKE message, without the marker; msg is borrowed for the call. */
struct net *net_new(struct loop *l,
		    void (*fn)(void *arg, const struct endpoint *local,
			       const struct endpoint *remote, const uint8_t *msg, size_t len),
		    void *arg, struct err *e) MUST_USE;
void net_free(struct net *n);

/* An ICMP message says that a datagram did not get there: error is what it means (ECONNREFUSED,
 * EHOSTUNREACH, EACCES ...). Nobody vouches for it. arg is net_new()'s. */
void net_on_unreachable(struct net *n, void (*fn)(void *arg, const struct endpoint *remote,
						  int error));

/* The port with the marker; 4500 until this is called. Before net_add(). */
void net_natt_port(struct net *n, uint16_t port);
/* Take a bound, non-blocking UDP socket that reports the destination address of what it
 * receives (IP_PKTINFO, IPV6_RECVPKTINFO). Its family and port say which it is: of each kind
 * there is one, another replaces it. Closed on failure too. */
int net_add(struct net *n, int fd, struct err *e) MUST_USE;

/* A datagram for the socket of local's family and port that came in another way: the same as if
 * it had been read from there, counted too; where there is no such socket it is dropped. */
void net_take(struct net *n, const struct endpoint *local, const struct endpoint *remote,
	      const uint8_t *msg, size_t len);

/* To remote, from local (family 0: as the kernel likes) on the socket of local's port. What
 * cannot be sent is counted and lost: IKE sends again by itself. */
void net_send(struct net *n, const struct endpoint *local, const struct endpoint *remote,
	      const uint8_t *msg, size_t len);
/* The single byte 0xff (RFC 3948 §2.3). */
void net_keepalive(struct net *n, const struct endpoint *local, const struct endpoint *remote);

struct net_counts {
	uint64_t received, sent, send_failed;
	uint64_t keepalives;	/* received */
	uint64_t no_marker;	/* ESP, or noise, on 4500 */
	uint64_t dropped;	/* truncated, or without a usable address or socket */
};
const struct net_counts *net_counts(const struct net *n);

#endif
