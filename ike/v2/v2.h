/* v2: what the files of ike/v2 share: IKEv2 (RFC 7296) as one of the versions that
 * ike/engine knows; its struct ike_ops is in ops.c.
 *
 *	v2_sa ── (handshake | exch)	one IKE SA, and what it does
 */
#ifndef ADIT_IKE_V2_V2_H
#define ADIT_IKE_V2_V2_H

#include "ike/engine/parts.h"
#include "ike/v2/table.h"
#include "ike/wire/build.h"
#include "ike/wire/keymat.h"
#include "ike/wire/payload.h"
#include "ike/wire/sk.h"

#define INIT_CAP 7000		/* IKE_SA_INIT: fits in AUTH_OCTETS_MAX with its nonce */
#define NONCE_LEN 32		/* ours: half of the longest PRF key (RFC 7296 §2.10) */
#define ROUNDS_MAX 6		/* COOKIE and INVALID_KE_PAYLOAD answers to one attempt */

/* What IKE_AUTH brought, kept while the vault looks at it. */
struct auth_kept {
	struct blob id, id_asked; /* their ID's body; the responder's: IDr if it came */
	struct blob auth;
	uint8_t method;			/* enum ike_auth_method */
	struct blob certs;		/* cert_keep() */
	struct blob sa, tsi, tsr;
	struct blob ppk_id, no_ppk_auth;	/* RFC 8784; ppk_id: what stands in PPK_IDENTITY */
	bool ppk_answered;		/* the responder takes our PPK */
	uint32_t auth_lifetime_s;	/* RFC 4478; 0: not said */
	bool initial_contact;
	bool transport;			/* USE_TRANSPORT_MODE came */
	uint16_t cpi;			/* IPCOMP_SUPPORTED with DEFLATE came; 0: did not */
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
	uint16_t child_pair;
	uint8_t child_slot;		/* which child IKE_AUTH asks for */
	uint8_t child_protocol;
	uint16_t child_cpi;		/* ours, for IPComp; 0: not offered */
	struct ike_id my_id;
	unsigned peer_hashes;		/* 1 << SIGHASH_*; 0: it does not know RFC 7427 */
	bool childless;			/* the peer can do without a child (RFC 6023) */
	bool ppk;			/* both sides said USE_PPK (RFC 8784) */
	bool ppk_used;			/* its keys are the ones that count */
	uint8_t asked;			/* enum asked: of the vault */
	uint8_t scheme;			/* enum pk_scheme that we sign by; 0: PSK */
	struct blob auth, auth_no_ppk;	/* ours */
	struct ppk_keys *ppk_keys;	/* until it is known whether they count */
	struct timer check;		/* a signature is checked when this fires */
	char *wrong;			/* of their certificate or signature */
	bool bad_signature;		/* it is the signature */
	struct auth_kept in;
};

enum task {
	TASK_NONE, TASK_INIT, TASK_AUTH, TASK_NEW_CHILD, TASK_REKEY_CHILD, TASK_REKEY_IKE,
	TASK_DELETE_CHILD, TASK_DELETE_IKE, TASK_LIVENESS, TASK_MOBIKE,
};

/* A CREATE_CHILD_SA that we began. */
struct exch {
	uint8_t nonce[NONCE_LEN];
	struct ke *ke;
	uint16_t group;			/* KE_NONE: no PFS */
	uint8_t ke_tries;
	uint8_t slot;
	uint16_t pair;			/* of the slot's networks; PAIR_ALL */
	uint32_t spi;			/* of the child */
	uint8_t protocol;		/* PROTO_ESP, PROTO_AH */
	uint16_t cpi;			/* ours, for IPComp; 0: not offered */
	uint32_t deleted_spi;		/* the peer deleted it before its answer came */
	uint32_t old_id;		/* the child that is rekeyed; 0: a new one */
	struct ike_sa *sa;		/* the IKE SA to be */
};

/* An IKE SA of IKEv2; v2(sa) is it. */
struct v2_sa {
	struct ike_sa sa;
	uint8_t task;			/* enum task: what req is */
	uint8_t req_sent;		/* how often */
	bool peer_natt;
	bool hint_gone;			/* someone said INVALID_IKE_SPI */
	bool fragments;			/* both sides take them (RFC 7383) */
	bool path_small;		/* what was not small got lost */
	uint8_t resp_again;		/* how often resp was asked for again */
	bool dpd_asked;
	struct ike_keys *keys;
	struct sk *seal;
	struct handshake *hs;
	struct fragment_in *fragment_in;	/* NULL when none is unfinished */
	struct exch *x;
	struct ike_sa *rekeyed_by;    /* the peer's, while ours is under way (§2.25.2) */
	uint8_t nonce_min[NONCE_CMP]; /* the lower one of the exchange that made it */
	uint32_t next_out, next_in;	/* message IDs (§2.2) */
	struct endpoint asked_local, asked_remote;	/* where the last request came in */
	struct mobike *mobike;		/* NULL: one of the two does not know it */
	struct blob req;		/* outstanding; empty when none; see fragment.h */
	struct blob resp;		/* the last answer, for repetitions (§2.1) */
	uint32_t orphan_spi;		/* a child that only the peer has: delete it */
	uint8_t orphan_protocol;
	uint32_t held_for; /* resp waits for the dataplane to take this child in */
	uint64_t dpd_at;
};
static inline struct v2_sa *v2(const struct ike_sa *sa)
{
	return (struct v2_sa *)sa;
}

/* A message that came, as the actions see it. */
struct input {
	const struct endpoint *local, *remote;
	struct ike_msg *m;		/* NULL for an event */
	uint8_t shape;			/* enum shape */
	const struct vault_answer *vault;	/* EV_VAULT_* */
};

/* A message of ours under construction. */
struct out {
	struct build b;
	uint8_t buf[MSG_CAP];
};

/* ---- sa.c: keys, and where the peer is ---- */
/* Keys are there: make the sealing half. */
int sa_keys_set(struct ike_sa *sa, struct ike_keys *keys, struct err *e) MUST_USE;
/* What one direction is encrypted with, by whether it is the original initiator that sends;
 * the caller frees. */
struct sk *sa_sk(const struct ike_sa *sa, bool of_initiator, struct err *e) MUST_USE;
/* Decrypt m (sk_open() says how it fails). */
int sa_open(struct ike_sa *sa, struct ike_msg *m, struct err *e) MUST_USE;
void sa_endpoints(struct ike_sa *sa, const struct input *in);	/* §2.23 */
void handshake_free(struct ike_sa *sa);		/* none is fine */
/* The lower of two nonces, shortened (§2.8.1). */
void nonce_min(struct slice a, struct slice b, uint8_t out[NONCE_CMP]);

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
	return v2(sa)->req.p != NULL;
}
void rtx_init(struct ike_sa *sa);
/* A reply to no IKE SA of ours, unencrypted. */
void out_stranger(struct engine *e, const struct input *in, uint16_t type,
		  struct slice data);

/* ---- receive.c: struct ike_ops ---- */
void receive(struct engine *e, const struct endpoint *local,
	     const struct endpoint *remote, uint8_t *buf, size_t len);

/* ---- init.c ---- */
/* An IKE_SA_INIT request: no IKE SA is there yet, or it is repeated. */
void init_request(struct engine *e, struct input *in);

/* ---- auth.c ---- */
/* Keys are there: what IKE_AUTH needs is asked of the vault. -1: it cannot be, sa_why() says
 * why. */
int auth_begin(struct ike_sa *sa) MUST_USE;
void auth_ask_again(struct ike_sa *sa);			/* after the vault came back */

/* ---- child.c: which exchange carries it does not matter ---- */
struct child_offer {		/* a child asked of us, or given to us */
	struct slice sa, tsi, tsr;
	struct slice ni, nr;
	struct ke_payload ke;	/* group 0: none */
	bool pfs_round;		/* CREATE_CHILD_SA, where KE is negotiated (§1.3) */
	bool transport;		/* USE_TRANSPORT_MODE came (§1.3.1) */
	uint16_t cpi;		/* theirs, of IPCOMP_SUPPORTED with DEFLATE (§2.22); 0: none */
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
/* What we asked for. */
struct child_asked {
	uint8_t slot;
	uint16_t pair;
	uint32_t spi;		/* ours */
	uint16_t cpi;		/* ours; 0: no compression offered */
	struct ke *ke;		/* CREATE_CHILD_SA with PFS; borrowed */
};
/* Responder: choose, narrow, install. */
void child_accept(struct ike_sa *sa, const struct child_offer *of,
		  struct child_answer *an);
/* Write SA, (Nr, KE,) TSi, TSr, or the error notify. */
void child_write_answer(struct build *b, const struct child_offer *of,
			const struct child_answer *an);
/* Initiator: check the answer and install. NULL with *e. */
struct child *child_complete(struct ike_sa *sa, const struct child_offer *of,
			     const struct child_asked *a, struct err *e);
/* Write the offer: SA, (Ni, KE,) TSi, TSr. x NULL: of IKE_AUTH, without KE. */
void child_write_offer(struct ike_sa *sa, struct build *b, const struct child_asked *a,
		       const struct exch *x);
/* The CPI to offer for a child: 0 where it is not to be compressed. */
uint16_t child_cpi(const struct ike_sa *sa, uint8_t slot);
/* The peer's CPI, where it says that it takes DEFLATE; 0: it does not. */
uint16_t child_cpi_said(const struct ike_msg *m);
/* The same with networks that are nobody's (RFC 5737), for a test with a peer that cannot do
 * without a child. */
void child_write_nothing(struct ike_sa *sa, struct build *b, uint32_t spi);
/* The proposals' want for a child. */
struct proposal_want child_want(const struct ike_sa *sa, uint8_t slot, bool pfs_round,
				uint32_t spi);
/* … and the first group to be offered in CREATE_CHILD_SA, with the offer. */
void child_offer_of(const struct ike_sa *sa, uint8_t slot, bool pfs_round, uint32_t spi,
		    struct sa_payload *out);

/* ---- first.c: the child of IKE_AUTH ---- */
void first_child_ask(struct ike_sa *sa, struct build *b);	/* write the offer */
void first_child_answered(struct ike_sa *sa);			/* what came with the answer */
/* What IKE_AUTH brought about it, asked of us or answered. */
struct child_offer first_child_offer(const struct ike_sa *sa);

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

/* ---- mobike.c: RFC 4555 ---- */
struct mobike;
/* We would; the peer knows NAT traversal, without which it cannot (§3.3). */
bool mobike_wanted(const struct ike_sa *sa);
void mobike_offer(struct ike_sa *sa, struct build *b);	/* in IKE_AUTH; the responder if asked */
void mobike_note(struct ike_sa *sa, const struct ike_msg *m);	/* what IKE_AUTH says of it */
void mobike_begin(struct ike_sa *sa);			/* the peer is who it says */
void mobike_inherit(const struct ike_sa *from, struct ike_sa *to);	/* rekeyed */
void mobike_free(struct ike_sa *sa);
bool mobike_due(const struct ike_sa *sa);	/* something is owed to the peer: */
void mobike_send(struct ike_sa *sa);
void mobike_write_liveness(struct ike_sa *sa, struct build *b);
/* An answer to an INFORMATIONAL of ours. False: the IKE SA must end, its why says so. */
bool mobike_answered(struct ike_sa *sa, const struct input *in);
void mobike_paths(struct ike_sa *sa);		/* our addresses or routes changed */
void mobike_probe(struct ike_sa *sa);		/* a request is sent once more: elsewhere, too */
void mobike_path_answers(struct ike_sa *sa, const struct input *in); /* and this one came */
/* A request of the peer: what the answer has of it, and, that sent, what follows. */
void mobike_answer(struct ike_sa *sa, const struct input *in, struct build *b);
void mobike_requested(struct ike_sa *sa, const struct input *in);

/* ---- task.c: what an established IKE SA does next ---- */
void task_next(struct ike_sa *sa);

#endif
