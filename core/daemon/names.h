/* names: what this router says of a host's name: /etc/hosts, and the name servers of
 * /etc/resolv.conf. Local files of root's, parsed here; the DNS itself is spoken by iked
 * (ike/main/resolve.h) over sockets that are opened here. Read anew each time: DHCP and the
 * admin change them. */
#ifndef ADIT_DAEMON_NAMES_H
#define ADIT_DAEMON_NAMES_H

#include "core/base/addr.h"
#include "core/ipc/msg.h"

#include <stddef.h>

/* The addresses /etc/hosts has for a name, in its order; letter case means nothing. Returns
 * how many, at most max. A file that is not there has none. */
size_t names_hosts(const char *path, const char *name, struct ip_addr *out, size_t max);

struct name_server {
	struct ip_addr addr;
	unsigned scope;		/* interface index of a link-local one; else 0 */
};
/* The first max "nameserver" lines; 127.0.0.1 when there are none (resolv.conf(5)). */
size_t names_servers(const char *path, struct name_server *out, size_t max);

/* Fill the answer to MSG_DNS_WANT. fds gets a connected, non-blocking UDP socket for each
 * server of out, the caller's to close; each carries ROUTE_MARK, so that a tunnel that takes
 * everything does not take the question for its own gateway. */
void names_look(const char *name, struct msg_dns_sockets *out, int fds[DNS_SERVERS_MAX]);

#endif
