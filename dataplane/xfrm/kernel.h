/* kernel: what the files of dataplane/xfrm share.
 *
 *	backend_xfrm.c	the table of functions; interfaces; events
 *	ksa.c		pairs of states: in, used, out
 *	kpol.c		policies, by who uses them
 *	kalg.c		the kernel's names of algorithms, and its drivers
 *	kstat.c		counters
 *	kadopt.c	what an earlier instance left
 */
#ifndef ADIT_XFRM_KERNEL_H
#define ADIT_XFRM_KERNEL_H

#include "core/daemon/backend.h"
#include "core/net/xfrm.h"

#include <stdbool.h>

struct kernel;

/* ---- kpol.c ---- */

/* Of several who want a policy of the same selector, direction and if_id the kernel holds
 * that of the highest rank, among those the newest. */
enum kpol_rank { KPOL_TRAP, KPOL_SA, KPOL_SHUNT };

#define KPOL_HEADS 256

struct kpol_table {
	struct xfrm *x;
	struct kpol *heads[KPOL_HEADS];
};

/* owner: who uses it, by any number but 0. One owner's second wish for the same policy takes
 * the place of its first. */
int kpol_use(struct kpol_table *t, uint32_t owner, enum kpol_rank rank,
	     const struct xfrm_pol *p, struct err *e) MUST_USE;
/* Give up all of the owner's, or those of one direction. */
void kpol_drop(struct kpol_table *t, uint32_t owner);
void kpol_drop_dir(struct kpol_table *t, uint32_t owner, enum xfrm_dir dir);
/* Put all in again: somebody flushed them. */
void kpol_again(struct kpol_table *t);
/* Does anybody use one of this selector? */
bool kpol_has(const struct kpol_table *t, const struct xfrm_pol *p);
/* All of them go, from the kernel as well. */
void kpol_fini(struct kpol_table *t);

/* One pair of selectors as the kernel's: calls fn for each, packets from src to dst. Ranges
 * become networks and masks. False when fn said so. */
bool kpol_selectors(const struct selector *src, const struct selector *dst,
		    bool (*fn)(void *arg, const struct xfrm_sel *s), void *arg);
/* The more exact one wins; those that need no SA (shunt) before all others. */
uint32_t kpol_priority(const struct xfrm_sel *s, bool shunt);

/* ---- kalg.c ---- */

/* Fill in sa's algorithms from the child's, key in place (borrowed). */
int kalg_fill(struct xfrm_sa *sa, const struct sa_child *c, const struct sa_key *key,
	      struct err *e) MUST_USE;
/* The transforms of a state as it is; 0 what is not known. */
void kalg_read(const struct xfrm_seen *s, struct sa_child *c);
/* Who computes for such a state: the kernel's driver of the highest priority. True when that
 * is a device: it answers later ("async") and is none of the drivers that only use the
 * processor's own instructions. */
bool kalg_driver(const struct xfrm_seen *s, char *driver, size_t cap);
/* The same from the text of /proc/crypto. */
bool kalg_driver_of(const char *proc_crypto, const struct xfrm_seen *s, char *driver, size_t cap);

/* ---- ksa.c ---- */

/* The ends of one half. */
struct khalf {
	struct xfrm_ref id;
	bool in;		/* the kernel has it */
	uint64_t bytes, packets;	/* as last seen */
};

struct ksa {
	struct ksa *next;
	struct kernel *k;
	uint32_t id;
	char iface[IFNAME_MAX];
	uint32_t reqid, if_id;
	struct sa_child *conf;	/* without keys once it is in */
	struct khalf rx, tx;
	bool held;		/* not yet used for sending */
	bool soft_told;
	bool adopted;		/* its limits are what an earlier instance set */
	bool going;		/* sa_del came: only lingers */
	struct timer linger;
	char engine[20];
	bool hardware;
};

void ksa_add(struct kernel *k, const struct sa_child *c, const char *iface);
void ksa_activate(struct ksa *s);
void ksa_update(struct ksa *s, const struct endpoint *local, const struct endpoint *remote);
void ksa_del(struct ksa *s, uint32_t linger_ms);
void ksa_query(struct ksa *s);
/* By number, without those that linger. */
struct ksa *ksa_find(struct kernel *k, uint32_t id);
/* By one of its halves; *inbound says which. Those that linger too. */
struct ksa *ksa_by_ref(struct kernel *k, const struct xfrm_ref *id, bool *inbound);
void ksa_expired(struct ksa *s, bool inbound, bool hard);
void ksa_moved(struct ksa *s, const struct endpoint *remote);
/* States may be gone: look, and tell. */
void ksa_check_all(struct kernel *k);
/* All of them, from the kernel as well. */
void ksa_fini(struct kernel *k);
/* A pair that is in the kernel already; conf is taken (secret_new). *from has what is seen of
 * its halves. NULL and conf freed when out of memory. */
struct ksa *ksa_take(struct kernel *k, struct sa_child *conf, const char *iface,
		     const struct xfrm_seen *rx, const struct xfrm_seen *tx);
/* Put its policies in, as far as it is used. */
int ksa_policies(struct ksa *s, struct err *e) MUST_USE;

/* ---- backend_xfrm.c ---- */

struct kiface {
	struct kernel *k;
	struct kiface *next;
	char name[IFNAME_MAX];
	char peer[PEER_NAME_MAX + 1];
	uint16_t mtu;
	uint32_t if_id;		/* 0: a plain one */
	uint32_t owner;		/* of its traps and shunts */
	bool trap;
	uint32_t trap_reqid;
	struct timer again;	/* after an acquire nothing came of it */
	struct backend_iface want;
	struct child_conf *children;
	size_t n_children;
};

/* A child's number, for as long as it is known. */
struct kchild {
	struct kchild *next;
	uint32_t reqid;
	char peer[PEER_NAME_MAX + 1], child[CHILD_NAME_MAX + 1];
};

struct kernel {
	const struct backend_env *env;
	const struct sock_set *socks;
	struct xfrm *x;
	struct xfrm_watch *watch;
	bool plain;		/* no xfrm interfaces here */
	bool ah, ipcomp, esp6;
	uint8_t offload;	/* enum offload */
	struct kpol_table pols;
	struct ksa *sas;
	struct kiface *ifaces;
	struct kchild *children;
	uint32_t last_owner, last_adopted;
	struct timer check;
};

/* 0 when out of memory. */
uint32_t kernel_reqid(struct kernel *k, const char *peer, const char *child);
const struct kchild *kernel_child(const struct kernel *k, uint32_t reqid);
struct kiface *kernel_iface(struct kernel *k, const char *name);
/* Never one of an SA's numbers, which count from 1. */
uint32_t kernel_owner(struct kernel *k);

/* ---- kstat.c ---- */

/* /proc/net/xfrm_stat. */
void kstat_read(uint64_t v[COUNTERS_N]);
void kstat_of(const char *text, uint64_t v[COUNTERS_N]);

/* ---- kadopt.c ---- */

void kadopt(struct kernel *k,
	    void (*found)(void *arg, const struct sa_child *sa, const char *iface), void *arg);

#endif
