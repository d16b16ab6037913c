/* xfrm: IPsec states and policies of the kernel (NETLINK_XFRM), and what it tells about them.
 *
 * What is ours there is known by its reqid (XFRM_REQID..XFRM_REQID_LAST) and, on states, by
 * the mark they put on outer packets (ROUTE_MARK): nothing else is ever changed or removed by
 * who calls here with these. Everything needs CAP_NET_ADMIN. The kernel's errno is in errno
 * after a failure, its own sentence in *e where it gives one.
 */
#ifndef ADIT_NET_XFRM_H
#define ADIT_NET_XFRM_H

#include "core/base/addr.h"
#include "core/base/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The reqids of ours: XFRM_REQID plus 20 bits. */
#define XFRM_REQID 0x0ad00000u
#define XFRM_REQID_MASK 0x000fffffu
#define XFRM_REQID_LAST (XFRM_REQID | XFRM_REQID_MASK)
/* The priorities of our policies: XFRM_PRIORITY plus 20 bits. */
#define XFRM_PRIORITY 0x0ad00000u
#define XFRM_NAME_MAX 64	/* of an algorithm, NUL included */
#define XFRM_NO_LIMIT UINT64_MAX

static inline bool xfrm_reqid_is_ours(uint32_t reqid)
{
	return (reqid & ~XFRM_REQID_MASK) == XFRM_REQID;
}

/* A conversation with the kernel; NULL on failure. xfrm_close(NULL) is fine. */
struct xfrm;
struct xfrm *xfrm_open(struct err *e) MUST_USE;
void xfrm_close(struct xfrm *x);
/* Its netlink address, by which it knows the echo of its own changes. */
uint32_t xfrm_portid(const struct xfrm *x);

/* ---- states ---- */

/* What the kernel finds a state by. */
struct xfrm_ref {
	struct ip_addr src, dst;
	uint32_t spi;			/* host order; of IPComp the CPI */
	uint8_t proto;			/* IPPROTO_ESP, _AH, _COMP */
};

struct xfrm_alg {
	const char *name;		/* as in /proc/crypto; NULL: none */
	const uint8_t *key;
	unsigned key_len;		/* bytes */
	unsigned icv_bits;		/* AUTH: cut to; AEAD: the tag */
};

/* Limits; XFRM_NO_LIMIT: none. Seconds count from when it is made; 0: none. */
struct xfrm_limits {
	uint64_t soft_bytes, hard_bytes, soft_packets, hard_packets;
	uint64_t soft_s, hard_s;
};

enum xfrm_offload { XFRM_OFF_NONE, XFRM_OFF_CRYPTO, XFRM_OFF_WHOLE };

/* One to make. */
struct xfrm_sa {
	struct xfrm_ref id;
	bool tunnel;			/* else transport mode */
	bool inbound;
	uint32_t reqid, if_id;		/* if_id 0: of no interface */
	uint32_t pair;			/* any number, kept by the kernel: of both halves the
					 * inbound one's SPI */
	uint32_t mark;			/* bits put on outer packets; 0: none */
	struct xfrm_alg encr, auth, aead, comp;
	bool encap;			/* in UDP (RFC 3948), from port to port */
	uint16_t encap_sport, encap_dport;
	bool esn;
	uint32_t window;		/* packets; 0: no replay protection */
	struct xfrm_limits limits;
	uint8_t offload;		/* enum xfrm_offload, to this interface */
	int offload_if;
};

/* One as it is. */
struct xfrm_seen {
	struct xfrm_ref id;
	bool tunnel, larval;		/* larval: the kernel's own, waiting for keys */
	bool esn;
	uint32_t reqid, if_id, mark, pair;
	char encr[XFRM_NAME_MAX], auth[XFRM_NAME_MAX], aead[XFRM_NAME_MAX], comp[XFRM_NAME_MAX];
	unsigned encr_bits, auth_bits, aead_bits;	/* of the key */
	bool encap;
	uint16_t encap_sport, encap_dport;
	struct xfrm_limits limits;
	uint64_t bytes, packets;
	uint64_t add_s, last_s;		/* wall clock; last_s 0: never used */
	uint64_t seq;			/* the last number used, sending; received, else */
	uint64_t drop_replay, drop_auth;
	uint8_t offload;		/* enum xfrm_offload */
};

/* Fails with EEXIST when there is one of that SPI. */
int xfrm_sa_add(struct xfrm *x, const struct xfrm_sa *sa, struct err *e) MUST_USE;
/* One that is gone already is fine. */
int xfrm_sa_del(struct xfrm *x, const struct xfrm_ref *id, struct err *e) MUST_USE;
/* Fails with ESRCH when there is none. */
int xfrm_sa_get(struct xfrm *x, const struct xfrm_ref *id, struct xfrm_seen *out, struct err *e)
	MUST_USE;
/* All, foreign ones too. fn must not call here. */
int xfrm_sa_list(struct xfrm *x, void (*fn)(void *arg, const struct xfrm_seen *s), void *arg,
		 struct err *e) MUST_USE;
/* Other limits, while it lives: numbers and counters go on. A soft limit that was reached is
 * armed anew. */
int xfrm_sa_limit(struct xfrm *x, const struct xfrm_ref *id, const struct xfrm_limits *l,
		  struct err *e) MUST_USE;
/* Other ends. With other ports alone it lives on; with another address it is taken out and put
 * in again with the numbers, window and counters that it ended with, so that no number is used
 * twice. to has the addresses (its SPI and protocol are ignored). Fails, and then the state is
 * gone, also where the kernel keeps keys to itself (lockdown): it could not be put in again. */
int xfrm_sa_move(struct xfrm *x, const struct xfrm_ref *id, const struct xfrm_ref *to,
		 uint16_t encap_sport, uint16_t encap_dport, struct err *e) MUST_USE;

/* ---- policies ---- */

enum xfrm_dir { XFRM_DIR_IN, XFRM_DIR_OUT, XFRM_DIR_FWD };

/* Which packets: networks of one family, and where proto is set, ports: a packet's port
 * matches where (port & mask) is the same. For ICMP sport is the type, dport the code. */
struct xfrm_sel {
	struct prefix src, dst;
	uint8_t proto;
	uint16_t sport, sport_mask, dport, dport_mask;
};

/* What a packet must have been or is to be wrapped in. */
struct xfrm_tmpl {
	struct ip_addr src, dst;	/* of tunnel mode; inbound none: any */
	uint8_t family;			/* of them, also where they are none */
	uint8_t proto;
	bool tunnel;
	bool optional;			/* inbound: packets without it pass (IPComp) */
	uint32_t reqid;
	uint32_t spi;			/* host order; 0: the newest of that reqid */
};

#define XFRM_TMPL_MAX 2

struct xfrm_pol {
	struct xfrm_sel sel;
	uint8_t dir;			/* enum xfrm_dir */
	bool block;			/* drop; else pass, wrapped as tmpl says */
	uint32_t if_id;
	uint32_t priority;		/* the least wins; XFRM_PRIORITY.. are ours */
	uint8_t n_tmpl;
	struct xfrm_tmpl tmpl[XFRM_TMPL_MAX];	/* the innermost first */
	uint32_t index;			/* given by the kernel; ignored otherwise */
};

/* Put it there, in place of one of the same selector, direction and if_id. */
int xfrm_pol_set(struct xfrm *x, const struct xfrm_pol *p, struct err *e) MUST_USE;
/* One that is gone already is fine. */
int xfrm_pol_del(struct xfrm *x, const struct xfrm_pol *p, struct err *e) MUST_USE;
int xfrm_pol_list(struct xfrm *x, void (*fn)(void *arg, const struct xfrm_pol *p), void *arg,
		  struct err *e) MUST_USE;
/* What this socket sends and receives is no policy's concern: IKE must get through where its
 * peer's address is itself to be reached by ESP. */
int xfrm_socket_bypass(int fd, int family, struct err *e) MUST_USE;
/* ESP in UDP that comes to this socket is the kernel's (RFC 3948). */
int xfrm_socket_encap(int fd, struct err *e) MUST_USE;
bool xfrm_sel_equal(const struct xfrm_sel *a, const struct xfrm_sel *b);

/* ---- what the kernel tells ---- */

enum xfrm_event_kind {
	XFRM_EV_EXPIRED,	/* id; hard */
	XFRM_EV_MAPPING,	/* id; moved_to: the peer's packets come from there now */
	XFRM_EV_ACQUIRE,	/* sel, reqid, if_id: a packet waits for a state */
	XFRM_EV_DELETED,	/* id: by somebody else */
	XFRM_EV_CHANGED,	/* states or policies, by somebody else: look again */
	XFRM_EV_LOST,		/* events were lost: look again */
};

struct xfrm_event {
	enum xfrm_event_kind kind;
	struct xfrm_ref id;		/* src is none in DELETED and MAPPING */
	bool hard;
	uint32_t reqid, if_id;
	struct endpoint moved_to;
	struct xfrm_sel sel;
};

struct xfrm_watch;
/* Events through the loop; own: of the handle whose changes are no news. */
struct xfrm_watch *xfrm_watch_new(struct loop *l, const struct xfrm *own,
				  void (*fn)(void *arg, const struct xfrm_event *ev), void *arg,
				  struct err *e) MUST_USE;
void xfrm_watch_free(struct xfrm_watch *w);

/* ---- messages, for core/net and its tests ---- */

struct nlmsghdr;
/* Into buf (of XFRM_BUF bytes), sequence number 0. NULL when it does not fit. */
#define XFRM_BUF 8192
struct nlmsghdr *xfrm_sa_message(void *buf, const struct xfrm_sa *sa);
struct nlmsghdr *xfrm_pol_message(void *buf, const struct xfrm_pol *p);
/* A message of the kernel's; -1 when it is none, or cut off. */
int xfrm_sa_read(const struct nlmsghdr *h, struct xfrm_seen *out) MUST_USE;
int xfrm_pol_read(const struct nlmsghdr *h, struct xfrm_pol *out) MUST_USE;
/* 1: an event is in *ev; 0: nothing that concerns us; -1: not understood. */
int xfrm_event_read(const struct nlmsghdr *h, uint32_t own, struct xfrm_event *ev) MUST_USE;

#endif
