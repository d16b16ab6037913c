/* parts: what the rooms of IKE share: the engine's objects, and what a version of IKE brings
 * to them.
 *
 *	engine ── peer ── ike_sa			one IKE SA; of which version, its ops say
 *	            └─ slot (a configured child)
 *	            └─ child (a pair of ESP SAs that serves a slot)
 *
 * An ike_sa belongs to a peer from its first message on; a responder's may move to
 * another peer of the same address when it is known who calls. Children belong to a
 * peer and point at the IKE SA that carries them, so that a rekeyed IKE SA hands them on
 * by one assignment.
 *
 * Timers, one each: ike_sa.rtx (retransmission), ike_sa.timer (how long a state may last;
 * where it stands the next task), peer.timer (the next try), engine.stop_timer.
 */
#ifndef ADIT_IKE_ENGINE_PARTS_H
#define ADIT_IKE_ENGINE_PARTS_H

#include "core/base/log.h"
#include "core/base/rd.h"
#include "core/ipc/msg.h"
#include "ike/engine/engine.h"
#include "ike/wire/cookie.h"
#include "ike/wire/proposal.h"
#include "ike/wire/ts.h"

#define MSG_CAP 32768		/* no message of ours, and none we take, is longer: chains of
				 * certificates */
#define NONCE_CMP 16		/* of a nonce, to find the lowest of four (RFC 7296 §2.8.1) */
#define SPI_BUCKETS 1024
#define CHILD_BUCKETS 1024
#define INDEX_BUCKETS 1024
#define SLOT_NONE 0xff
#define PAIR_ALL 0xffff		/* a child of all its slot's networks, not of one pair */
#define CHILDREN_PER_PEER 64	/* SAs; more are refused */
#define LEAVING_PER_PEER 12	/* IKE SAs that are replaced and wait for their end */
#define KEEPALIVE_MS 20000	/* RFC 3948 §4 */
#define REPLACED_MS 1000	/* a duplicate lives on so long: make before break */
#define HAND_OVER_MS 20000	/* the same, when its children are made anew one by one */
#define REKEYED_MS 30000	/* so long we wait for the Delete of what was replaced */

/* Bytes that we own. */
struct blob {
	uint8_t *p;
	size_t len;
};
int blob_set(struct blob *b, struct slice from) MUST_USE;
void blob_free(struct blob *b);		/* wipes */
static inline struct slice blob_slice(const struct blob *b)
{
	return (struct slice){ b->p, b->len };
}

/* How far an IKE SA is, for those who do not care about its version. */
enum ike_stage {
	STAGE_NEW,		/* made, nothing said yet */
	STAGE_CALLING,		/* ours; the peer does not know who we are */
	STAGE_PROVING,		/* ours; each side is to prove who it is */
	STAGE_HALF_OPEN,	/* theirs, not proven yet */
	STAGE_UP,
	STAGE_REPLACED,		/* another has taken over; waits for its end */
	STAGE_ENDING,		/* our Delete is out */
	STAGE_CLOSED,		/* ended; kept to repeat its last answer */
	STAGE_DEAD,
};

struct ike_sa;
struct child;

/* What the vault said. */
struct vault_answer {
	bool ok, no_secret;
	uint8_t hint;			/* enum psk_hint */
	struct slice auth;
};

/* What a version of IKE does. Each ends with engine_reap() by whoever came in from
 * outside, so an IKE SA may be buried in any of them, and is not freed before. */
struct ike_ops {
	uint8_t version;		/* enum ike_version: one bit of peer_conf.version */
	size_t sa_size;			/* of its struct, that begins with struct ike_sa */
	void (*init)(struct ike_sa *sa);	/* just made; all zero but the head */
	void (*start)(struct ike_sa *sa);	/* call the peer */
	/* A datagram with this major version in its header. msg may be worked on in place. */
	void (*receive)(struct engine *e, const struct endpoint *local,
			const struct endpoint *remote, uint8_t *msg, size_t len);
	void (*vault_done)(struct ike_sa *sa, const struct vault_answer *a);
	void (*vault_again)(struct ike_sa *sa);	/* ask once more what was asked last */
	void (*close)(struct ike_sa *sa); /* end it: with a Delete where the peer knows it */
	void (*drop)(struct ike_sa *sa);	/* end it: without a word */
	void (*timer)(struct ike_sa *sa);	/* ike_sa.timer */
	void (*next)(struct ike_sa *sa);	/* see what is to be done, in whatever state */
	void (*over)(struct ike_sa *sa);	/* sa_over(): let go of all that is under way */
	void (*fini)(struct ike_sa *sa);	/* free its own part */
	void (*child_in)(struct child *c);	/* the dataplane has it */
	void (*child_refused)(struct child *c);	/* it has not; child_remove() follows */
	void (*child_gone)(struct child *c);	/* in child_remove() */
	/* The ways to the peer, or our own addresses, are others now. May be NULL. */
	void (*paths_changed)(struct ike_sa *sa);
	/* Its keys, for a capture; false when there are none. May be NULL. */
	bool (*keys)(const struct ike_sa *sa, struct tap_keys *out);
	/* Slot i of the peer is slot to[i] now, SLOT_NONE gone; there were n. */
	void (*slots_moved)(struct ike_sa *sa, const uint8_t *to, uint8_t n);
};
/* In their rooms. */
extern const struct ike_ops v1_ops, v2_ops;

/* The head of an IKE SA of any version. */
struct ike_sa {
	struct ike_sa *hash_next, *peer_next, *reap_next;
	struct ike_sa *caller_next, *half_next, **half_at;	/* index.c */
	struct ike_sa *call_next, *call_prev;
	bool call_counts;
	const struct ike_ops *ops;
	struct engine *e;
	struct peer *peer;
	uint8_t state;			/* its version's; assigned by its table's walker alone */
	uint8_t stage;			/* enum ike_stage; assigned with it */
	bool initiator;			/* the original one */
	bool by_rekey;
	bool owner;			/* our side sees to it that the children stand */
	bool nat_local, nat_remote, encap;
	bool want_delete, kill_silent;
	bool over;			/* sa_over() was called */
	bool admin;			/* ended on purpose: no failure */
	bool dead_peer;			/* it stopped answering */
	uint8_t unreachable;		/* enum neg_unreachable: what ICMP said */
	bool hard;			/* why is a refusal: retry slowly */
	bool hurry;			/* another address waits to be tried */
	bool roams;			/* its ends may move (RFC 4555) */
	bool childless;			/* no child was asked for with it (RFC 6023) */
	bool test, passed;		/* to try the credentials: carries nothing, ends at once */
	bool again;			/* called while another stood: reauthentication */
	bool handing;			/* goes when its children have successors */
	uint32_t vault_id;		/* the request under way; 0 none */
	uint32_t life_s;		/* as agreed; 0: as in the settings */
	uint64_t spi_i, spi_r;		/* IKEv1: the cookies */
	struct endpoint local, remote;
	struct chosen ike;
	struct ike_id peer_id;		/* as authenticated */
	struct timer rtx, timer, alive;
	uint64_t created_ms, established_ms, last_rx_ms;
	uint64_t rekey_at, expire_at, kill_at;
	uint64_t reauth_at, auth_end_at; /* when to prove anew; when it is too late. 0 never */
	char *why;			/* what it failed of */
};

enum ch_state { CH_ADDING, CH_LIVE, CH_REKEYED, CH_DELETING };

/* A pair of ESP SAs. */
struct child {
	struct child *next, *hash_next, *in_next;
	struct peer *peer;
	struct ike_sa *sa;
	uint8_t state;			/* enum ch_state */
	uint8_t slot;			/* SLOT_NONE: its settings are gone */
	bool initiator;			/* we began the exchange that made it */
	bool del_want;			/* tell the peer that it is deleted */
	bool stale; /* its settings changed: goes when its successor stands */
	bool rekeying;			/* our rekey of it is under way */
	bool held;			/* installed with hold_out, not activated yet */
	bool udp_encap;
	uint8_t mode;			/* enum mode */
	bool repairs;			/* installed because the dataplane was lost */
	bool test;			/* rekeyed early, to see whether that works */
	uint8_t n_local, n_remote;
	uint16_t pair;			/* local * n_remote + remote; PAIR_ALL */
	uint32_t id, spi_in, spi_out;
	uint16_t cpi_in, cpi_out;	/* IPComp; 0: none */
	uint32_t life_s;		/* as agreed; 0: as in the settings */
	uint64_t life_bytes;		/* likewise */
	uint32_t replaced_by, replaces;	/* ids; 0 none */
	uint8_t nonce_min[NONCE_CMP];
	struct chosen esp;
	struct selector *ts;		/* n_local, then n_remote */
	uint64_t created_ms, rekey_at, expire_at, give_up_at, release_at;
	struct sa_stats *stats;		/* NULL before the first */
};

/* A configured child. */
struct slot {
	uint64_t up_since;		/* 0: down */
	uint64_t next_ms;		/* not tried before */
	uint32_t rekeys;
	uint8_t fails;
	bool failed;
	bool by_pair;			/* the peer takes a pair of networks at a time only */
	uint16_t turn;			/* the pair that is tried first */
	uint64_t rx_bytes, rx_packets, tx_bytes, tx_packets;	/* of SAs that went */
	char *reason;
};

/* One address of a peer, and what leads there. */
#define NAME_ADDRS_MAX 8
struct where_name {
	uint8_t n;
	bool looked;			/* an answer came, good or bad */
	struct ip_addr addr[NAME_ADDRS_MAX];
	char *why;			/* the last answer was none; NULL: it was one */
};

/* Where a peer may be, beyond one configured address; made when it is needed. */
struct where {
	struct where_name name[GATEWAYS_MAX];	/* of the gateways that are names */
	uint8_t n_announced;		/* by the peer, RFC 4555 §3.6 */
	struct ip_addr announced[PEER_ADDRS_MAX];
	struct msg_peer_addrs told;
	struct msg_peer_paths paths;
};

struct peer {
	struct peer *next;
	struct peer *name_next, *at_next, **at;	/* index.c */
	struct engine *e;
	struct peer_conf conf;		/* children are its own */
	struct ip_addr local_addr;
	struct where *where;		/* NULL: remote_gateway is all there is */
	uint8_t turn;			/* which of its targets is called next */
	uint8_t spi_byte;		/* the first of our SPIs for it */
	bool moving;			/* its address is not its any more: call beside it */
	bool gone;			/* removed; lives on until its Deletes are out */
	bool admin_down, asked_up, gave_up;
	bool tested;			/* a rekey was tried with these settings */
	bool on_hold;			/* dpd_action hold: until a packet comes */
	bool told_up;			/* env.peer_up was called */
	struct endpoint told_remote;
	struct slot *slots;
	struct ike_sa *sas, *main;
	struct child *children;
	struct timer timer;
	uint32_t tries, fails;
	uint32_t rekeys, retransmits;
	uint16_t ke_hint;		/* the group it took last time */
	uint64_t up_since;
	char *failure;
	int64_t failure_wall_s;
	struct negotiation *neg;	/* the last failure; NULL: none (negotiation.h) */
	bool neg_fresh;			/* its words are still to come */
	bool tap, tap_keys;		/* somebody captures (tap.h) */
	struct drop_counts drops;
};

struct engine {
	struct engine_env env;
	struct timers *ts;
	bool dataplane, stopping;
	struct engine_can can;
	uint16_t ike_port, natt_port;
	struct peer *peers, **peers_end, *zombies;
	size_t n_peers;
	struct ike_sa *by_spi[SPI_BUCKETS];	/* by our SPI */
	struct child *by_id[CHILD_BUCKETS];
	/* index.c */
	struct peer *by_name[INDEX_BUCKETS], *by_addr[INDEX_BUCKETS], *elsewhere;
	struct ike_sa *by_caller[INDEX_BUCKETS], *half_open[INDEX_BUCKETS];
	struct child *by_in[INDEX_BUCKETS];
	size_t n_half_open;
	struct ike_sa *calls, *calls_end;	/* the oldest first */
	size_t n_calls;
	struct ike_sa *reap;
	uint32_t last_child_id, last_vault_id;
	size_t fragment_bytes;		/* of unfinished messages */
	struct cookie_jar cookies;
	struct drop_counts drops;
	uint32_t cookies_sent;
	unsigned taps;			/* peers that are captured */
	struct log_limit stranger_log, stranger_reply;
	struct neg_stranger strangers[NEG_STRANGERS_MAX];
	struct timer stop_timer;
	void (*stopped)(void *arg);
	void *stopped_arg;
};

#define DROP(e_, sa_, why_) do { \
	struct ike_sa *d_sa = (sa_); \
	if (d_sa && d_sa->peer) \
		d_sa->peer->drops.why_++; \
	else \
		(e_)->drops.why_++; \
	} while (0)

/* ---- index.c: found without a walk over all ---- */
struct peer *engine_peer(const struct engine *e, const char *name);
/* The peers that may be met at that address, and perhaps others: peer_match_addr() decides.
 * after NULL: the first; NULL: no more. */
struct peer *engine_caller(const struct engine *e, const struct ip_addr *remote,
			   const struct peer *after);
/* Its settings are new, or others now. */
void index_peer(struct peer *p);
void index_peer_drop(struct peer *p);
/* An IKE SA that the peer began: spi_i, local and remote stand in it now. */
void index_called(struct ike_sa *sa);
/* Whenever the stage of an IKE SA is another: it may not be half open any more. */
void index_settled(struct ike_sa *sa);
void index_sa_drop(struct ike_sa *sa);
/* The one that began with this SPI from that address. */
struct ike_sa *engine_called(const struct engine *e, const struct ike_ops *ops, uint64_t spi_i,
			     const struct ip_addr *remote);
/* How many are half open between these two; e->n_half_open are in all. */
size_t engine_half_open(struct engine *e, const struct ip_addr *local,
			const struct ip_addr *remote);
/* We call: it counts until it is answered or given up, or is CALL_FRESH_MS old. */
void index_call(struct ike_sa *sa);
/* So many of ours are under way that one more only delays them all: call a little later. */
bool engine_calls_enough(struct engine *e);
void index_child(struct child *c);
void index_child_drop(struct child *c);
bool index_spi_taken(const struct engine *e, uint32_t spi_in);

/* ---- engine.c ---- */
struct ike_sa *engine_sa(const struct engine *e, uint64_t local_spi);
struct child *engine_child(const struct engine *e, uint32_t id);
/* Free what died; at the end of every entry from outside. */
void engine_reap(struct engine *e);
/* What a peer is called with. */
const struct ike_ops *engine_ops(const struct peer *p);
/* A question to the vault for this IKE SA; its answer comes as ops->vault_done(). One at a
 * time. q->peer is filled here. */
void vault_sign(struct ike_sa *sa, struct vault_query *q);
void vault_verify(struct ike_sa *sa, struct vault_query *q);

/* ---- sa.c: the IKE SA as an object ---- */
struct ike_sa *sa_new(struct peer *p, const struct ike_ops *ops, bool initiator) MUST_USE;
/* It carries nothing any more: its children are taken out, its peer told, once. */
void sa_over(struct ike_sa *sa);
/* The same, and unlinked; freed by engine_reap(). */
void sa_bury(struct ike_sa *sa);
void sa_free(struct ike_sa *sa);
/* To another peer of the same address. */
void sa_move(struct ike_sa *sa, struct peer *to);
static inline uint64_t sa_local_spi(const struct ike_sa *sa)
{
	return sa->initiator ? sa->spi_i : sa->spi_r;
}
/* Why it ends; hard: a refusal that only a change of settings cures. */
void sa_why(struct ike_sa *sa, bool hard, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Begin to end it with a Delete, as soon as it can be; children go at once. */
void sa_close(struct ike_sa *sa);
/* End it without a word. */
static inline void sa_drop(struct ike_sa *sa)
{
	sa->ops->drop(sa);
}
static inline void sa_next(struct ike_sa *sa)
{
	sa->ops->next(sa);
}
bool sa_is_up(const struct ike_sa *sa);		/* stands, and to stay */
bool sa_is_attempt(const struct ike_sa *sa);	/* ours, not yet established */
bool sa_is_half_open(const struct ike_sa *sa);	/* theirs, not yet established */
void sa_lifetimes(struct ike_sa *sa); /* rekey_at, expire_at: as agreed, or as set */
/* local or remote is another now: children and routes follow. */
void sa_moved(struct ike_sa *sa);
void sa_keepalive_start(struct ike_sa *sa);
/* Both sides called at once, each while the other's call was under way. */
bool sa_crossed(const struct ike_sa *a, const struct ike_sa *b);
/* The children go on under another IKE SA. */
void sa_adopt(struct ike_sa *from, struct ike_sa *to);
const char *sa_pair_str(const struct ike_sa *sa, char *buf, size_t cap); /* "a ↔ b" */

/* ---- child.c: pairs of ESP SAs, however they were agreed on ---- */
struct child_made {
	const struct chosen *esp;
	const struct ts_list *local, *remote;
	const struct sa_key *in, *out;
	const uint8_t *nonce_min;	/* NONCE_CMP bytes, or NULL */
	struct child *old;		/* rekeyed, or NULL */
	uint32_t spi_in;
	uint16_t cpi_in, cpi_out;	/* IPComp (RFC 3173); 0: none */
	uint32_t life_s;		/* as agreed; 0: as in the settings */
	uint64_t life_bytes;		/* likewise */
	uint16_t pair;
	uint8_t slot;
	uint8_t mode;			/* enum mode */
	bool initiator, hold;
};
/* Link it and hand it to the dataplane. NULL with *e. */
struct child *child_make(struct ike_sa *sa, const struct child_made *m, struct err *e)
	MUST_USE;
uint32_t child_new_spi(const struct peer *p);
/* A CPI of the range that is negotiated (RFC 3173 §3.3), of no other child. */
uint16_t child_new_cpi(const struct engine *e);
void child_remove(struct child *c, uint32_t linger_ms);
void child_activate(struct child *c);	/* send on it, if it was held */
/* protocol: PROTO_ESP, PROTO_AH. */
struct child *child_by_out(const struct peer *p, uint8_t protocol, uint32_t spi_out);
void child_lifetimes(struct child *c);
bool child_too_many(const struct peer *p);
/* Everything that old carries, c carries too. */
bool child_supersedes(const struct child *c, const struct child *old);
void child_wait_for_delete(struct child *c); /* the peer is to; if it forgets, we do */
/* The peer refused its successor: why in words, for log and status; tried again later. */
void child_not_rekeyed(struct child *c, const char *why);
void child_delete(struct child *c);	/* replaced: by our Delete, when its turn comes */
/* The SA that serves a slot now; NULL when none. */
struct child *slot_child(const struct peer *p, uint8_t slot);
void slot_fail(struct peer *p, uint8_t slot, const char *fmt, ...) PRINTF_LIKE(3, 4);
static inline const struct child_conf *slot_conf(const struct peer *p, uint8_t slot)
{
	return slot < p->conf.n_children ? &p->conf.children[slot] : NULL;
}
/* ---- slots.c: what a configured child covers ---- */
/* Its networks, with protocol and ports, as selectors; pair: of one pair alone. */
void slot_selectors(const struct child_conf *cc, uint16_t pair, struct ts_list *local,
		    struct ts_list *remote);
/* One child for each pair of networks, by the settings or by what the peer refused before
 * (child_per_pair). A version that cannot do otherwise asks nobody. */
bool slot_by_pair(const struct peer *p, uint8_t slot);
/* Is something of it not served by a child? *pair gets what is to be made: a pair when
 * by_pair, else PAIR_ALL. */
bool slot_missing(const struct peer *p, uint8_t slot, bool by_pair, uint16_t *pair);
/* The pair that these selectors lie in; PAIR_ALL: more than one, or there is but one. */
uint16_t slot_pair_of(const struct child_conf *cc, const struct ts_list *local,
		      const struct ts_list *remote);
/* A child for this pair was refused for its selectors. True: pairs are tried from now on,
 * at once; else the next pair has its turn. */
bool slot_try_pairs(struct peer *p, uint8_t slot, uint16_t pair);
/* A child of the slot that carries some of this already, or NULL. */
struct child *slot_overlap(const struct peer *p, uint8_t slot, const struct ts_list *local,
			   const struct ts_list *remote);
bool child_overlaps(const struct child *a, const struct child *b);

/* The configured child that the peer's selectors mean: the best fit, of equal ones the
 * first that is not up; fit TS_NONE: none. A rekey means the one that is rekeyed, as long
 * as that fits at all. */
struct slot_fit {
	enum ts_fit fit;
	uint8_t slot;
	struct ts_list tsi, tsr;
};
struct slot_fit slot_choose(const struct peer *p, const struct ts_list *tsi,
			    const struct ts_list *tsr, const struct child *old);
/* Remember that the networks do not match, with both sides' in the words. */
void slot_no_selectors(struct peer *p, const struct child *old,
		       const struct ts_list *tsi, const struct ts_list *tsr);

/* ---- peer.c ---- */
void peer_fail(struct peer *p, const char *why);	/* remember, for status */
void peer_kick(struct peer *p); /* start what should run and does not */
void peer_sa_up(struct peer *p, struct ike_sa *sa, bool initial_contact);
void peer_sa_gone(struct peer *p, struct ike_sa *sa);
/* Drop the oldest of those that are replaced or ending, when they are too many. */
void peer_trim(struct peer *p);
void peer_children_changed(struct peer *p, const char *why);
void peer_event(struct peer *p, enum engine_event ev, const char *text);
void peer_free(struct peer *p);
/* The ID that a certificate has to hold, or NULL: not with a pinned one, which is the identity
 * itself, and with peer_id set the ID was compared with that; not the address that the peer
 * is met at anyway, which says nothing but what the packet says. */
const struct ike_id *peer_id_to_hold(const struct peer *p, const struct ike_id *id);
bool peer_wants(const struct peer *p);
bool peer_answers(const struct peer *p);
/* The same, in this version (a bit of enum ike_version). */
bool peer_speaks(const struct peer *p, uint8_t version);
/* Is that peer to be met at this pair of addresses? 0 no, 1 as "any", more the more specific
 * its settings are: 2 and a network's length, MATCH_HOST by address. */
#define MATCH_HOST 200
int peer_match_addr(const struct peer *p, const struct endpoint *local,
		    const struct endpoint *remote);

/* May it be connected from there, beside what it is connected by (the setting unique)? */
bool peer_may_join(const struct peer *p, const struct ike_sa *sa);

/* ---- can.c: what the dataplane can, and the settings ask of it ---- */
/* Of UDP encapsulation, for this peer. RATHER and ONLY: a NAT is made up in NAT detection. */
enum can_encap peer_encap(const struct peer *p);
/* What is offered and taken for a child: its esp, or what is left of that for AH, in *room. */
const struct suite_list *slot_suites(const struct child_conf *cc, struct suite_list *room);
/* Why this dataplane cannot serve the peer at all, in words; NULL: it can. */
const char *peer_hindrance(const struct peer *p);
/* The same, or that the peer lacks NAT traversal where it must be. */
const char *sa_encap_refused(const struct ike_sa *sa, bool natt);
/* An SA is to be made for it: no exception, and nothing that this dataplane has not. */
bool slot_served(const struct peer *p, uint8_t slot);
/* Why the dataplane has no place for it, in words; NULL: it has. */
const char *slot_hindrance(const struct peer *p, uint8_t slot);
/* The same, on this IKE SA: AH cannot pass a NAT. */
const char *slot_blocked(const struct ike_sa *sa, uint8_t slot);
/* The first that can be asked for; SLOT_NONE: none. */
uint8_t slot_first(const struct ike_sa *sa);

/* ---- again.c: calls beside what stands ---- */
/* It stands: when is it to be proven anew? lifetime_s: the peer's AUTH_LIFETIME, or 0. */
void again_plan(struct ike_sa *sa, uint32_t lifetime_s);
/* The peer says, later, that its proof of us counts for so long from now on. */
void again_sooner(struct ike_sa *sa, uint32_t lifetime_s);
/* Call, or end it, if it is time. True when it ends. */
bool again_next(struct ike_sa *sa, uint64_t now);
void again_failed(struct peer *p, const struct ike_sa *sa);
/* sa takes over from old, child by child. */
void again_hand_over(struct ike_sa *old, struct ike_sa *sa);
bool again_handed_over(const struct ike_sa *sa);
void again_tested(struct peer *p, const struct ike_sa *sa);

/* ---- where.c: the addresses of a peer ---- */
#define TARGETS_MAX (GATEWAYS_MAX * NAME_ADDRS_MAX)
/* The addresses to call it at, in the order of its gateways; how many. */
size_t where_targets(const struct peer *p, struct ip_addr out[TARGETS_MAX]);
/* One of these. */
bool where_is_target(const struct peer *p, const struct ip_addr *a);
/* The own address to reach it from; family 0: none is known. */
struct ip_addr where_local(const struct peer *p, const struct ip_addr *remote);
/* The one to call now: the one whose turn it is, of those that can be reached. False: none. */
bool where_next(const struct peer *p, struct endpoint *local, struct endpoint *remote);
/* It may come from anywhere, or from a network. */
bool where_is_open(const struct peer *p);
/* The next address has its turn. True when all have had it. */
bool where_turn(struct peer *p);
/* Nobody answers there: names are looked up anew. */
void where_doubt(struct peer *p);
/* Tell env->addrs, when something changed. */
void where_tell(struct peer *p);
struct where *where_get(struct peer *p);	/* made if needed; NULL: no memory */
/* Why there is no address to call, in words; "" when there is one. */
const char *where_why(const struct peer *p, char *buf, size_t cap);
/* The settings are other ones: what was known under the same name is kept. */
void where_settings(struct peer *p, const struct peer_conf *old);
void where_free(struct where *w);

#endif
