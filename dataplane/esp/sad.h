/* sad: the security association database (RFC 4301 §4.4.2) of the userspace dataplane, and
 * the peers' interfaces its SAs belong to. Plain memory, no I/O: packets move in esp.h, bytes
 * in worker.h. */
#ifndef ADIT_ESP_SAD_H
#define ADIT_ESP_SAD_H

#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/timer.h"
#include "core/crypto/alg.h"
#include "core/ipc/sa.h"
#include "dataplane/engine/engine.h"
#include "dataplane/esp/inner.h"
#include "dataplane/esp/replay.h"
#include "dataplane/esp/trap.h"
#include "dataplane/esp/ts.h"

#define SAD_BUCKETS 256
#define SAD_PMTU_MS (10 * 60 * 1000)	/* a learned path MTU is tried anew, RFC 1191 §6.3 */

struct esp_iface {
	struct esp_iface *next;
	struct esp_sa *sas;		/* newest first */
	char name[IFNAME_MAX];
	int fd;				/* the TUN; owned; -1 in tests */
	uint16_t mtu;
	struct log_limit icmp;		/* a token bucket: how many ICMP errors it may get */
	bool trapping;			/* without an SA packets wait in trap */
	struct trap trap;
	struct timer trap_timer;	/* worker's */
	void *user;			/* worker's */
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
	bool out_held;			/* not used for sending yet (hold_out) */
	bool out_off;			/* deleted: only receives until its linger is over */
	bool expired;			/* hard life is over: neither way */
	bool soft_told;			/* SA_EVENT_SOFT was sent */
	const struct alg *encr, *integ;	/* integ is NULL with an AEAD */
	struct engine_sizes sizes;
	struct engine_key *key_in, *key_out;
	uint64_t seq_out;		/* last number used */
	uint64_t seq_limit;		/* last number that may be used */
	struct replay replay;
	uint16_t inner_mtu;		/* from a learned path MTU; 0: none */
	uint64_t inner_mtu_until_ms;
	uint64_t soft_bytes, hard_bytes;	/* both ways together; 0: no limit */
	struct timer hard, linger;
	struct ts_frags *frags_in, *frags_out;	/* NULL until one is needed */
	struct sa_stats stats;		/* last_*_ms: the clock then; 0: never */
	uint8_t n_local, n_remote;
	struct selector ts[];		/* local, then remote */
};

struct sad {
	const struct engine *engine;
	struct timers *timers;
	struct esp_iface *ifaces;
	struct esp_sa *by_spi[SAD_BUCKETS];
	size_t n_sas;
	uint64_t drop_no_sa;		/* packets with an SPI that is not ours */
	void (*event)(void *arg, uint32_t id, enum sa_event ev);
	/* A packet waits; NULL: nobody is told. */
	void (*wanted)(void *arg, const struct esp_iface *i);
	void *arg;
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
/* NULL when there is none. */
struct esp_sa *sad_by_id(struct sad *s, uint32_t id);
struct esp_sa *sad_by_spi(struct sad *s, uint32_t spi);
void sad_activate(struct esp_sa *sa);
void sad_update(struct esp_sa *sa, const struct endpoint *local, const struct endpoint *remote);
/* Outbound off now; all of it gone after linger_ms (0: now, sa is not valid any more). */
void sad_del(struct esp_sa *sa, uint32_t linger_ms);

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

#endif
