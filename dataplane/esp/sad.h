/* sad: the security association database (RFC 4301 §4.4.2) of the userspace dataplane, and
 * the peers' interfaces its SAs belong to. Plain memory, no I/O: packets move in esp.h, bytes
 * in worker.h.
 *
 * Each worker has one of its own, with its own keys, so that packets need no lock. The same
 * pair of SAs in several of them shares struct sa_common alone. Inbound it is whole in one of
 * them, that of worker spi_in modulo their number, to which the sockets bring its packets: the
 * replay window is there. Who calls what here has the worker's lock (worker.h).
 */
#ifndef ADIT_ESP_SAD_H
#define ADIT_ESP_SAD_H

#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/timer.h"
#include "core/crypto/alg.h"
#include "core/ipc/counters.h"
#include "core/ipc/sa.h"
#include "dataplane/engine/engine.h"
#include "dataplane/esp/inner.h"
#include "dataplane/esp/outer.h"
#include "dataplane/esp/replay.h"
#include "dataplane/esp/trap.h"
#include "dataplane/esp/ts.h"

#include <stdatomic.h>

#define SAD_BUCKETS 256
#define SAD_IKE_BURST 200	/* IKE messages that are passed on at once … */
#define SAD_IKE_EVERY_MS 5	/* … and one more each so many milliseconds, all workers together */
#define SAD_PMTU_MS (10 * 60 * 1000)	/* a learned path MTU is tried anew, RFC 1191 §6.3 */

/* What the next packet of an interface will look like, if it is like the last (segment.h). */
struct esp_guess {
	uint16_t header_len, size;	/* of the pieces; size 0: no segment */
	struct engine_sizes sizes;	/* of the SA */
	uint8_t singles;		/* packets since that were no segment */
};

struct esp_iface {
	struct esp_iface *next;
	struct esp_sa *sas;		/* newest first */
	char name[IFNAME_MAX];
	int fd;				/* the worker's queue of the TUN; owned; -1 in tests */
	uint16_t mtu;
	struct esp_guess guess;
	bool failing;			/* the last read gave an error */
	struct log_limit icmp;		/* a token bucket: how many ICMP errors it may get */
	bool trapping;			/* without an SA packets wait in trap */
	struct trap trap;
	struct timer trap_timer;	/* worker's */
	void *user;			/* worker's */
};

/* What the replicas of a pair of SAs have in common. */
struct sa_common {
	atomic_uint refs;
	_Atomic uint64_t seq_out;	/* last number given out */
	_Atomic uint64_t packets, bytes; /* inner, both ways together */
	atomic_bool out_held;		/* not used for sending yet (hold_out) */
	atomic_bool expired;		/* hard life is over: neither way */
	atomic_bool soft_told;		/* SA_EVENT_SOFT was sent */
};

/* A pair of SAs, one each way. */
struct esp_sa {
	struct esp_sa *next_iface, *next_spi;
	struct sad *sad;
	struct esp_iface *iface;
	uint32_t id, spi_in, spi_out;
	char peer[PEER_NAME_MAX + 1];
	struct endpoint local, remote;
	struct endpoint seen;		/* where the last packet came from, when not remote */
	bool udp_encap;
	bool follow;			/* remote goes where newer packets come from */
	bool out_off;			/* deleted: only receives until its linger is over */
	struct sa_common *common;
	struct outer outer;		/* local and remote as a socket wants them */
	const struct alg *encr, *integ;	/* integ is NULL with an AEAD */
	struct engine_sizes sizes;
	struct engine_key *key_in, *key_out;	/* key_in: NULL where another worker receives */
	uint64_t seq_limit;		/* last number that may be used */
	struct replay replay;
	uint16_t inner_mtu;		/* from a learned path MTU; 0: none */
	uint64_t inner_mtu_until_ms;
	uint64_t soft_bytes, hard_bytes;	/* both ways together; 0: no limit */
	uint64_t soft_packets, hard_packets;
	struct timer hard, linger;
	struct ts_frags *frags_in, *frags_out;	/* NULL until one is needed */
	struct inner passed;		/* the last whole one inbound that the selectors let pass */
	struct sa_stats stats;		/* of this worker; last_*_ms: the clock then; 0: never */
	uint8_t n_local, n_remote;
	struct selector ts[];		/* local, then remote */
};

struct sad {
	const struct engine *engine;
	struct timers *timers;		/* lives end in worker 0's sad */
	unsigned worker, workers;	/* 0 of 1 after sad_init() */
	struct esp_iface *ifaces;
	struct esp_sa *by_spi[SAD_BUCKETS];
	size_t n_sas;
	uint64_t counters[COUNTERS_N];	/* those that this dataplane keeps */
	struct log_limit moved_limit, pmtu_limit;
	struct log_limit ike_limit;	/* a token bucket: how many datagrams ike() may get */
	void (*event)(void *arg, uint32_t id, enum sa_event ev);
	void *arg;
	/* What follows may be NULL. A packet waits for an SA (tell: the monitor was not told
	 * lately). */
	void (*waits)(void *arg, struct esp_iface *i, bool tell);
	/* sa->remote followed a packet: other replicas do, too. */
	void (*moved)(void *arg, const struct esp_sa *sa);
	/* The wire brought an IKE message, marker and all. */
	void (*ike)(void *arg, const struct endpoint *local, const struct endpoint *remote,
		    const uint8_t *msg, size_t len);
	/* Its linger is over. NULL: it is deleted. */
	void (*over)(void *arg, uint32_t id);
	/* It is about to be freed: what holds on to it lets go. */
	void (*gone)(void *gone_arg, struct esp_sa *sa);
	void *gone_arg;
};

void sad_init(struct sad *s, const struct engine *engine, struct timers *timers,
	      void (*event)(void *arg, uint32_t id, enum sa_event ev), void *arg);
/* Frees all SAs and interfaces, and closes their descriptors. */
void sad_fini(struct sad *s);

/* Takes fd, on failure too. A name that is there already gets the new fd and MTU. */
struct esp_iface *sad_iface_add(struct sad *s, const char *name, int fd, uint16_t mtu,
				struct err *e) MUST_USE;
/* With its SAs. */
void sad_iface_del(struct sad *s, struct esp_iface *i);
/* Its life is over: it is used neither way any more, and that is told. */
void sad_expire(struct esp_sa *sa);
struct esp_iface *sad_iface(struct sad *s, const char *name);

/* Checks everything in c; the keys are copied into the engine. */
int sad_add(struct sad *s, const struct sa_child *c, const char *iface, struct err *e)
	MUST_USE;
/* The same, one more replica of what is in another worker's sad (first; NULL: there is none
 * yet), with sockets for the engine (struct engine_suite.fds; borrowed). */
int sad_add_more(struct sad *s, const struct sa_child *c, const char *iface,
		 const struct esp_sa *first, const int *fds, size_t n_fds, struct err *e) MUST_USE;
/* Is this worker the one that gets its packets? */
bool sad_receives(const struct sad *s, uint32_t spi_in);
/* NULL when there is none. */
struct esp_sa *sad_by_id(struct sad *s, uint32_t id);
struct esp_sa *sad_by_spi(struct sad *s, uint32_t spi);
void sad_activate(struct esp_sa *sa);
void sad_update(struct esp_sa *sa, const struct endpoint *local, const struct endpoint *remote);
/* Outbound off now; all of it gone after linger_ms (0: now, sa is not valid any more). */
void sad_del(struct esp_sa *sa, uint32_t linger_ms);

/* Not held, not deleted, its life not over. */
bool sad_can_send(const struct esp_sa *sa);
/* The SA a packet of this interface goes out with: the newest usable whose selectors cover
 * it, or NULL. *any_usable: there was some SA that could send at all. *blame: the SA whose
 * counters take the drop (NULL when the interface has none). */
struct esp_sa *sad_outbound(struct esp_iface *i, const struct inner *in, bool *any_usable,
			    struct esp_sa **blame, uint64_t now_ms);

/* Path MTU towards an address (an outer packet's whole size), for all SAs that go there. */
void sad_pmtu(struct sad *s, const struct ip_addr *remote, unsigned mtu);
/* The largest inner packet for this SA now; UINT16_MAX where only the interface limits it. */
unsigned sad_inner_mtu(const struct esp_sa *sa, uint64_t now_ms);

/* Counters as they are reported: last_*_ms become ages. */
void sad_stats(const struct esp_sa *sa, struct sa_stats *out);
/* Add what another replica counted to what is reported. */
void sad_stats_add(struct sa_stats *sum, const struct esp_sa *sa);
/* The counters of this sad on top of what is in v; those that are not kept are absent. */
void sad_counters_add(uint64_t v[COUNTERS_N], const struct sad *s);

#endif
