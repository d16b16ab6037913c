/* link: the router's network interfaces and their addresses, over rtnetlink.
 *
 * Everything here asks the kernel anew; nothing is cached. Setting needs CAP_NET_ADMIN.
 */
#ifndef ADIT_NET_LINK_H
#define ADIT_NET_LINK_H

#include "core/base/addr.h"
#include "core/settings/conf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The names of all our interfaces begin so. */
#define LINK_OURS "adit-"

/* An address of an interface, host bits kept: 10.1.0.1 with len 24. */
struct link_addr {
	struct ip_addr addr;
	struct ip_addr peer;	/* the other end of a point-to-point address, or none */
	uint8_t len;
	bool link_local;	/* scope link, or fe80::/10 */
	bool usable;		/* not tentative, not a duplicate, not deprecated */
};

struct link {
	int index;
	char name[IFNAME_MAX];
	char kind[16];		/* "bridge", "vlan", "tun", "veth", …; "" is a real device */
	int master;		/* index of the bridge or bond it is a port of; 0 none */
	uint32_t mtu;
	bool up;		/* set up by the admin */
	bool carrier;		/* and able to pass packets (operstate up or unknown) */
	bool loopback;
	bool ours;		/* adit-NAME */
	uint32_t if_id;		/* of an xfrm interface; else 0 */
	uint8_t mac_len;	/* 6, or 0 where there is none */
	uint8_t mac[8];
	uint64_t rx_bytes, rx_packets, rx_errors, rx_dropped;
	uint64_t tx_bytes, tx_packets, tx_errors, tx_dropped;
	size_t n_addrs;
	struct link_addr *addrs;
};

struct link_list {
	size_t n;
	struct link *v;		/* by index, ascending */
};

/* All interfaces with all their addresses. On failure *out is empty. Give it to
 * link_list_fini() in any case. */
int link_list(struct link_list *out, struct err *e) MUST_USE;
void link_list_fini(struct link_list *l);
/* Borrowed from l; NULL when there is none. */
const struct link *link_find(const struct link_list *l, const char *name);
const struct link *link_find_index(const struct link_list *l, int index);
/* True for "adit-…". */
bool link_name_is_ours(const char *name);
/* True for a name the kernel would take: 1..15 bytes, no '/', no space, not "." or "..". */
bool link_name_ok(const char *name);
/* The network of an address: host bits cleared; of a point-to-point one the other end's. */
struct prefix link_addr_net(const struct link_addr *a);

int link_set_up(const char *name, bool up, struct err *e) MUST_USE;
/* mtu in bytes, 68..65535. */
int link_set_mtu(const char *name, uint32_t mtu, struct err *e) MUST_USE;
/* Put an address on an interface (len as in addr/len); one that is there already is fine. */
int link_addr_add(const char *name, const struct ip_addr *addr, unsigned len,
		  struct err *e) MUST_USE;
/* So many packets may wait in front of it (IFLA_TXQLEN), 1..65535. */
int link_set_queue(const char *name, uint32_t packets, struct err *e) MUST_USE;
/* An interface that is gone already is fine. */
int link_del(const char *name, struct err *e) MUST_USE;
/* All of them in one step: one by one the kernel waits some 15 ms for each. Those that are
 * gone already are fine. */
int link_del_all(const char *const *names, size_t n, struct err *e) MUST_USE;

/* An xfrm interface: packets go through policies and states of this if_id (not 0). Fails with
 * EOPNOTSUPP in errno where the kernel has none, EEXIST when name or if_id is taken. It is
 * down; IPv6 address generation is off. */
int link_xfrm_add(const char *name, uint32_t if_id, struct err *e) MUST_USE;
/* A device that drops all it is given; the same otherwise. */
int link_dummy_add(const char *name, struct err *e) MUST_USE;

/* A TUN device (no packet information header) that lives as long as a descriptor of it is
 * open. Fails when an interface of that name exists that is no TUN, or that another process
 * holds. With LINK_TUN_MULTI_QUEUE every further call of the same name is one more queue.
 * IPv6 address generation is off, so that no router solicitation leaves by the tunnel. The
 * device is down with MTU 1500; *fd is CLOEXEC, non-blocking, the caller's to close. */
enum { LINK_TUN_VNET_HDR = 1 << 0, LINK_TUN_MULTI_QUEUE = 1 << 1 };
int link_tun_open(const char *name, unsigned flags, int *fd, struct err *e) MUST_USE;
/* Of a device with LINK_TUN_VNET_HDR (10 bytes, this machine's byte order): packets are handed
 * over with unfinished checksums and as segments of up to 64 KB (TSO), and taken so. *uso: UDP
 * segments, too. A kernel that cannot leaves them whole. */
void link_tun_offload(int fd, bool *uso);

#endif
