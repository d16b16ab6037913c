/* v2: what the files of ike/v2 share: the engine's objects, and who offers what to whom.
 *
 *	engine ── peer ── ike_sa ── (handshake | exch)	one IKE SA, and what it does
 *	            └─ slot (a configured child)
 *	            └─ child (a pair of ESP SAs that serves a slot)
 *
 * An ike_sa belongs to a peer from its first message on; a responder's may move to
 * another peer of the same address when IKE_AUTH tells who calls. Children belong to a
 * peer and point at the IKE SA that carries them, so that a rekeyed IKE SA hands them on
 * by one assignment.
 *
 * Timers, one each: ike_sa.rtx (retransmission), ike_sa.timer (how long a state may last;
 * in ESTABLISHED the next task), peer.timer (the next try), engine.stop_timer.
 */
#ifndef ADIT_IKE_V2_V2_H
#define ADIT_IKE_V2_V2_H

#include "core/base/log.h"
#include "core/base/rd.h"
#include "ike/v2/engine.h"
#include "ike/v2/table.h"
#include "ike/wire/build.h"
#include "ike/wire/cookie.h"
#include "ike/wire/keymat.h"
#include "ike/wire/payload.h"
#include "ike/wire/proposal.h"
#include "ike/wire/sk.h"
#include "ike/wire/ts.h"

#define MSG_CAP 8192		/* no message of ours, and none we take, is longer */
#define INIT_CAP 7000		/* IKE_SA_INIT: fits in AUTH_OCTETS_MAX with its nonce */
#define NONCE_LEN 32		/* ours: half of the longest PRF key (RFC 7296 §2.10) */
#define NONCE_CMP 16		/* of a nonce, to find the lowest of four (§2.8.1) */
#define SPI_BUCKETS 64
#define CHILD_BUCKETS 64
#define SLOT_NONE 0xff
#define CHILDREN_PER_PEER 64	/* SAs; more are answered NO_ADDITIONAL_SAS */
#define LEAVING_PER_PEER 12	/* IKE SAs that are replaced and wait for their end */
#define ROUNDS_MAX 6		/* COOKIE and INVALID_KE_PAYLOAD answers to one attempt */
#define KEEPALIVE_MS 20000	/* RFC 3948 §4 */
#define REPLACED_MS 1000	/* a duplicate lives on so long: make before break */
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

/* What IKE_AUTH brought, kept while the vault looks at it. */
struct auth_kept {
	struct blob id, id_asked; /* their ID's body; the responder's: IDr if it came */
	struct blob auth;
	struct blob sa, tsi, tsr;
	bool initial_contact;
	uint16_t child_error;		/* the responder made no child; 0 otherwise */
};

/* From the first message until the IKE SA stands. */
struct handshake {
	struct blob mine, theirs;	/* the IKE_SA_INIT messages, whole (§2.15) */
	struct blob cookie;
	struct ke *ke;
	uint8_t nonce[NONCE_LEN];
	struct blob peer_nonce;
	uint8_t rounds;
	uint16_t refused;		/* an unauthenticated error notify, remembered */
	char *refused_words;
	uint32_t child_spi;
	struct ike_id my_id;
	struct auth_kept in;
	uint32_t vault_id;		/* the request under way; 0 none */
};

enum task {
	TASK_NONE, TASK_INIT, TASK_AUTH, TASK_NEW_CHILD, TASK_REKEY_CHILD, TASK_REKEY_IKE,
	TASK_DELETE_CHILD, TASK_DELETE_IKE, TASK_LIVENESS,
};

/* A CREATE_CHILD_SA that we began. */
struct exch {
	uint8_t nonce[NONCE_LEN];
	struct ke *ke;
	uint16_t group;			/* KE_NONE: no PFS */
	uint8_t ke_tries;
	uint8_t slot;
	uint32_t spi;			/* of the child */
	uint32_t deleted_spi;		/* the peer deleted it before its answer came */
	uint32_t old_id;		/* the child that is rekeyed; 0: a new one */
	struct ike_sa *sa;		/* the IKE SA to be */
};

struct ike_sa {
	struct ike_sa *hash_next, *peer_next, *reap_next;
	struct engine *e;
	struct peer *peer;
	uint8_t state;			/* enum sa_state; assigned by sa_step() alone */
	uint8_t task;			/* enum task: what req is */
	bool initiator;			/* the original one */
	bool by_rekey;
	bool owner;			/* our side sees to it that the children stand */
	bool nat_local, nat_remote, encap, peer_natt;
	bool want_delete, kill_silent;
	bool over;			/* sa_over() was called */
	bool admin;			/* ended on purpose: no failure */
	bool dead_peer;			/* it stopped answering */
	bool hard;			/* why is a refusal: retry slowly */
	bool hint_gone;			/* someone said INVALID_IKE_SPI */
	uint64_t spi_i, spi_r;
	struct endpoint local, remote;
	struct chosen ike;
	struct ike_keys *keys;
	struct sk *seal;
	struct handshake *hs;
	struct exch *x;
	struct ike_sa *rekeyed_by;    /* the peer's, while ours is under way (§2.25.2) */
	uint8_t nonce_min[NONCE_CMP]; /* the lower one of the exchange that made it */
	struct ike_id peer_id;		/* as authenticated */

	uint32_t next_out, next_in;	/* message IDs (§2.2) */
	struct blob req;		/* outstanding; empty when none */
	uint8_t req_sent;		/* how often */
	struct blob resp;		/* the last answer, for repetitions (§2.1) */
	uint32_t orphan_spi;		/* a child that only the peer has: delete it */
	uint32_t held_for; /* resp waits for the dataplane to take this child in */

	struct timer rtx, timer, alive;
	uint64_t created_ms, established_ms, last_rx_ms;
	uint64_t rekey_at, expire_at, kill_at, dpd_at, child_del_at;
	bool dpd_asked;
	char *why;			/* what it failed of */
};

enum ch_state { CH_ADDING, CH_LIVE, CH_REKEYED, CH_DELETING };

/* A pair of ESP SAs. */
struct child {
	struct child *next, *hash_next;
	struct peer *peer;
	struct ike_sa *sa;
	uint8_t state;			/* enum ch_state */
	uint8_t slot;			/* SLOT_NONE: its settings are gone */
	bool initiator;			/* we began the exchange that made it */
	bool del_want;			/* delete it by INFORMATIONAL */
	bool stale; /* its settings changed: goes when its successor stands */
	bool rekeying;			/* our rekey of it is under way */
	bool held;			/* installed with hold_out, not activated yet */
	bool udp_encap;
	bool repairs;			/* installed because the dataplane was lost */
	uint8_t n_local, n_remote;
	uint32_t id, spi_in, spi_out;
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
	uint64_t rx_bytes, rx_packets, tx_bytes, tx_packets;	/* of SAs that went */
	char *reason;
};

struct peer {
	struct peer *next;
	struct engine *e;
	struct peer_conf conf;		/* children are its own */
	struct ip_addr local_addr;
	bool gone;			/* removed; lives on until its Deletes are out */
	bool admin_down, asked_up, gave_up;
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
	struct drop_counts drops;
};

struct engine {
	struct engine_env env;
	struct timers *ts;
	bool dataplane, udp_encap_only, esn, stopping;
	struct peer *peers, *zombies;
	struct ike_sa *by_spi[SPI_BUCKETS];	/* by our SPI */
	struct child *by_id[CHILD_BUCKETS];
	struct ike_sa *reap;
	uint32_t last_child_id, last_vault_id;
	struct cookie_jar cookies;
	struct drop_counts drops;
	uint32_t cookies_sent;
	struct log_limit stranger_log, stranger_reply;
	struct timer stop_timer;
	void (*stopped)(void *arg);
	void *stopped_arg;
};

/* A message that came, as the actions see it. */
struct input {
	const struct endpoint *local, *remote;
	struct ike_msg *m;		/* NULL for an event */
	uint8_t shape;			/* enum shape */
	/* EV_VAULT_* */
	struct slice auth;
	bool no_secret;
};

/* A message of ours under construction. */
struct out {
	struct build b;
	uint8_t buf[MSG_CAP];
};

#define DROP(e_, sa_, why_) do { \
	struct ike_sa *d_sa = (sa_); \
	if (d_sa && d_sa->peer) \
		d_sa->peer->drops.why_++; \
	else \
		(e_)->drops.why_++; \
	} while (0)

/* ---- engine.c ---- */
struct peer *engine_peer(const struct engine *e, const char *name);
struct ike_sa *engine_sa(const struct engine *e, uint64_t local_spi);
struct child *engine_child(const struct engine *e, uint32_t id);
/* Free what died; at the end of every entry from outside. */
void engine_reap(struct engine *e);

/* ---- sa.c: the IKE SA as an object ---- */
struct ike_sa *sa_new(struct peer *p, bool initiator) MUST_USE;
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
/* Keys are there: make the sealing half. */
int sa_keys_set(struct ike_sa *sa, struct ike_keys *keys, struct err *e) MUST_USE;
/* Decrypt m (sk_open() says how it fails). */
int sa_open(struct ike_sa *sa, struct ike_msg *m, struct err *e) MUST_USE;
/* Why it ends; hard: a refusal that only a change of settings cures. */
void sa_why(struct ike_sa *sa, bool hard, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Begin to end it with a Delete, as soon as the window allows; children go at once. */
void sa_close(struct ike_sa *sa);
/* End it without a word. */
void sa_drop(struct ike_sa *sa);
bool sa_is_up(const struct ike_sa *sa);		/* ESTABLISHED and to stay */
bool sa_is_attempt(const struct ike_sa *sa);	/* ours, not yet established */
bool sa_is_half_open(const struct ike_sa *sa);	/* theirs, not yet established */
void sa_lifetimes(struct ike_sa *sa); /* rekey_at, expire_at from the settings */
void sa_endpoints(struct ike_sa *sa, const struct input *in);	/* §2.23 */
void sa_keepalive_start(struct ike_sa *sa);
void handshake_free(struct handshake *hs);
/* The lower of two nonces, shortened (§2.8.1). */
void nonce_min(struct slice a, struct slice b, uint8_t out[NONCE_CMP]);
const char *sa_pair_str(const struct ike_sa *sa, char *buf, size_t cap); /* "a ↔ b" */

/* ---- retransmit.c: messages out, windows, repetition (§2.1 to §2.3) ---- */
void out_request(struct ike_sa *sa, struct out *o, uint8_t exchange);	/* SK opened */
void out_response(struct ike_sa *sa, struct out *o, uint8_t exchange);
/* Seal, remember and send. The window must be free. */
void out_send_request(struct ike_sa *sa, struct out *o, enum task task);
/* The same for a message that is complete already (IKE_SA_INIT). */
void out_send_plain(struct ike_sa *sa, const uint8_t *msg, size_t len, enum task task);
/* Seal, cache, send; the request is answered. hold: not before this child is in. */
void out_send_response(struct ike_sa *sa, struct out *o, uint32_t hold);
void out_release(struct ike_sa *sa);		/* the held answer may go */
void out_repeat(struct ike_sa *sa, const struct input *in); /* the cached answer again */
void out_answer_empty(struct ike_sa *sa, uint8_t exchange);
void out_answer_notify(struct ike_sa *sa, uint8_t exchange, uint16_t type,
		       struct slice data);
/* The response came. */
void req_done(struct ike_sa *sa);
static inline bool req_out(const struct ike_sa *sa)
{
	return sa->req.p != NULL;
}
void rtx_init(struct ike_sa *sa);
/* A reply to no IKE SA of ours, unencrypted. */
void out_stranger(struct engine *e, const struct input *in, uint16_t type,
		  struct slice data);

/* ---- init.c ---- */
/* An IKE_SA_INIT request: no IKE SA is there yet, or it is repeated. */
void init_request(struct engine *e, struct input *in);

/* ---- auth.c ---- */
void auth_ask_sign(struct ike_sa *sa);
void auth_ask_again(struct ike_sa *sa);			/* after the vault came back */

/* ---- child.c ---- */
struct child_offer {		/* a child asked of us, or given to us */
	struct slice sa, tsi, tsr;
	struct slice ni, nr;
	struct ke_payload ke;	/* group 0: none */
	bool pfs_round;		/* CREATE_CHILD_SA, where KE is negotiated (§1.3) */
	struct child *old;	/* rekeyed, or NULL */
};
struct child_answer {
	struct chosen esp;
	struct ts_list tsi, tsr;
	struct ke *ke;		/* ours, with PFS; the caller frees */
	struct child *child;
	uint16_t error;		/* notify type when there is no child */
	uint16_t ke_group;	/* for INVALID_KE_PAYLOAD */
};
/* Responder: choose, narrow, install. */
void child_accept(struct ike_sa *sa, const struct child_offer *of,
		  struct child_answer *an);
/* Write SA, (Nr, KE,) TSi, TSr, or the error notify. */
void child_write_answer(struct build *b, const struct child_offer *of,
			const struct child_answer *an);
/* Initiator: check the answer and install. spi: ours. NULL with *e. */
struct child *child_complete(struct ike_sa *sa, const struct child_offer *of,
			     uint8_t slot, uint32_t spi, struct ke *ke, struct err *e);
/* Write the offer: SA, (Ni, KE,) TSi, TSr. group KE_NONE: no KE. */
void child_write_offer(struct ike_sa *sa, struct build *b, uint8_t slot, uint32_t spi,
		       const struct exch *x);
uint32_t child_new_spi(const struct engine *e);
void child_remove(struct child *c, uint32_t linger_ms);
void child_activate(struct child *c);	/* send on it, if it was held */
struct child *child_by_out(const struct peer *p, uint32_t spi_out);
void child_lifetimes(struct child *c);
/* The SA that serves a slot now; NULL when none. */
struct child *slot_child(const struct peer *p, uint8_t slot);
void slot_fail(struct peer *p, uint8_t slot, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The proposals' want for a child. */
struct proposal_want child_want(const struct engine *e, bool pfs_round, uint32_t spi);

/* ---- create.c, rekey.c: CREATE_CHILD_SA that we begin ---- */
void create_child(struct ike_sa *sa, uint8_t slot, struct child *old);
void rekey_ike(struct ike_sa *sa);
void exch_free(struct ike_sa *sa);
/* The children go on under another IKE SA (§2.18). */
void rekey_adopt(struct ike_sa *from, struct ike_sa *to);

/* ---- info.c ---- */
void info_delete_ike(struct ike_sa *sa, uint16_t notify);	/* notify 0: none */
void info_delete_children(struct ike_sa *sa);
void info_liveness(struct ike_sa *sa);

/* ---- task.c: what an established IKE SA does next ---- */
void task_next(struct ike_sa *sa);

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
bool peer_wants(const struct peer *p);
bool peer_answers(const struct peer *p);
/* Is that peer to be met at this pair of addresses? 0 no, 1 as "any", 2 by address. */
int peer_match_addr(const struct peer *p, const struct endpoint *local,
		    const struct endpoint *remote);

#endif
