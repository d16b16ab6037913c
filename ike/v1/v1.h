/* v1: what the files of ike/v1 share: IKEv1 (RFC 2407, 2408, 2409; RFC 3706, 3947) as one of
 * the versions that ike/engine knows; its struct ike_ops is in ops.c.
 *
 *	v1_sa ── phase1		an ISAKMP SA, and its Main or Aggressive mode
 *	     └── quick ...	Quick modes under way, or just over
 *
 * There is no window here: each Quick mode and each Informational has a message ID and an IV
 * of its own. A Quick mode is about one pair of networks.
 */
#ifndef ADIT_IKE_V1_V1_H
#define ADIT_IKE_V1_V1_H

#include "ike/engine/negotiation.h"
#include "ike/engine/parts.h"
#include "ike/v1/isakmp.h"
#include "ike/v1/keys.h"
#include "ike/v1/offer.h"
#include "ike/v1/table.h"

#define V1_NONCE_LEN 32
#define QUICKS_MAX 16		/* of one ISAKMP SA at once; more of the peer's are dropped */
#define QUICKS_OURS 4		/* begun by us at once */
#define SEEN_MAX 16		/* message IDs of Informationals that are remembered */
#define IDS_MAX 1024		/* Quick modes that one ISAKMP SA sees begin */
#define REPEATS_MAX 12		/* how often one message is sent again because the peer's
				 * came again */
#define V1_FRAGMENTS_MAX 32

enum natt { NATT_NONE, NATT_RFC, NATT_DRAFT };	/* which numbers its payloads have */

/* Until the ISAKMP SA stands. */
struct phase1 {
	struct ke *ke;
	uint8_t nonce[V1_NONCE_LEN];
	struct blob peer_nonce, peer_public;
	struct blob sa_body;		/* the initiator's SA payload: SAi_b */
	struct blob my_id, peer_id;	/* bodies of the ID payloads */
	struct blob peer_hash;		/* Aggressive mode: looked at when there are keys */
	struct blob shared;		/* g^xy; wiped when freed */
	char *refused;			/* an unauthenticated refusal, in words */
	bool garbled;
	bool initial_contact;		/* the peer said so */
	bool begins_anew;		/* p1_begins_anew() */
	struct timer later;		/* what needs no vault */
};

struct fragments {
	uint16_t id;
	uint8_t n, last;		/* how many came; the last one's number, 0 not yet */
	size_t bytes;
	struct blob part[V1_FRAGMENTS_MAX];
};

struct quick {
	struct quick *next;
	struct ike_sa *sa;
	uint8_t state;			/* enum quick_state; assigned by quick_step() alone */
	bool initiator;
	bool tell_life;			/* RESPONDER_LIFETIME is due */
	uint8_t slot, sent, repeats;
	uint16_t pair;
	uint32_t msg_id, spi;		/* spi: ours */
	uint32_t old_id, child_id;	/* the child that is rekeyed; the one that is made */
	uint64_t begun_ms;
	uint8_t iv[CBC_BLOCK_MAX];
	uint8_t seen[16];		/* of the last message taken */
	uint8_t nonce[V1_NONCE_LEN];
	struct blob peer_nonce;
	struct ke *ke;
	struct blob out;		/* our last message */
	struct selector local, remote;
	struct blob answer;		/* responder: the bodies of SA, IDci, IDcr (answer.c) */
	struct timer timer;		/* retransmission, or how long a state may last */
};

struct v1_sa {
	struct ike_sa sa;
	uint8_t natt;			/* enum natt */
	bool dpd, unity, fragments;	/* the peer can */
	bool unheard;			/* Aggressive mode's third may not have come there */
	uint8_t sent, repeats;
	struct v1_keys *keys;
	uint8_t iv[CBC_BLOCK_MAX];	/* runs through phase 1; its last is every other's seed */
	uint8_t seen[16];		/* of the last phase 1 message taken */
	struct phase1 *p1;
	struct blob out;		/* our last phase 1 message */
	struct quick *quicks;
	uint32_t dpd_seq, dpd_peer_seq;
	uint8_t dpd_sent;
	bool dpd_asked;
	uint64_t dpd_at;
	uint8_t info_at;
	uint16_t fragment_id;
	uint32_t info_seen[SEEN_MAX];
	bool contact_seen;		/* INITIAL_CONTACT counts once */
	uint16_t n_ids;
	uint32_t *ids;			/* of the peer's Quick modes: each once (RFC 2408 §3.1) */
	struct fragments *in;
};
static inline struct v1_sa *v1(const struct ike_sa *sa)
{
	return (struct v1_sa *)sa;
}

/* A message that led to nothing is counted with its peer, where there is one. */
#define DROPPED(sa_, why_) do { \
	struct drop_counts *d_ = (sa_)->peer ? &(sa_)->peer->drops : &(sa_)->e->drops; \
	d_->why_++; \
	} while (0)

struct v1_in {
	const struct endpoint *local, *remote;
	struct isakmp_msg *m;		/* NULL for an event */
	const struct vault_answer *vault;	/* ON_VAULT_* */
	uint16_t notify;		/* ON_REFUSED */
};

struct v1_out {
	struct isakmp_build b;
	uint8_t buf[MSG_CAP];
};

/* ---- ops.c ---- */
/* It stands: the peer's other ISAKMP SAs make room. */
void v1_established(struct ike_sa *sa, bool initial_contact);

/* ---- out.c: encryption, sending, repeating, fragments ---- */
/* In place, from behind the header to the end. iv moves on. -1: it cannot be. */
int v1_decrypt(struct ike_sa *sa, struct isakmp_msg *m, uint8_t *iv) MUST_USE;
/* A message of phase 1 is finished: sealed, kept, sent; wait: repeated until answered. */
void p1_send(struct ike_sa *sa, struct v1_out *o, bool seal, bool wait);
void p1_repeat(struct ike_sa *sa, const struct v1_in *in);	/* the peer's came again */
void p1_answered(struct ike_sa *sa);	/* stop repeating */
/* Under hash: HASH goes in front. begin opens it, seal fills it, pads and encrypts it. */
void sealed_begin(struct ike_sa *sa, struct v1_out *o, uint8_t exchange, uint32_t msg_id);
/* before: what the hash covers in front (HASH(2): Ni_b). iv moves on. -1: logged. */
int sealed_end(struct ike_sa *sa, struct v1_out *o, struct slice before, uint8_t *iv,
	       size_t *len) MUST_USE;
/* A message of one hash alone. */
int v1_seal_hash(struct ike_sa *sa, struct v1_out *o, uint32_t msg_id, struct slice h,
		 uint8_t *iv, size_t *len) MUST_USE;
void v1_send(struct ike_sa *sa, const uint8_t *msg, size_t len);
void v1_out_init(struct ike_sa *sa);
void quick_send(struct quick *q, const uint8_t *msg, size_t len, bool wait);
void quick_repeat(struct quick *q);
/* A fragment came: true with the whole message in buf. */
bool fragment_take(struct ike_sa *sa, struct slice payload, uint8_t *buf, size_t *len);
void fragments_free(struct fragments *f);
/* 16 bytes of SHA-256, to know a message again. */
void v1_digest(const uint8_t *msg, size_t len, uint8_t out[16]);
/* An authentic message came: the peer may be at another port now (RFC 3948 §4). */
void v1_follow(struct ike_sa *sa, const struct v1_in *in);
void v1_stranger(struct engine *e, const struct v1_in *in, uint16_t type);

/* ---- receive.c ---- */
void v1_receive(struct engine *e, const struct endpoint *local,
		const struct endpoint *remote, uint8_t *buf, size_t len);

/* ---- phase1.c ---- */
/* The first message of a phase 1, with no SA of ours yet. */
void p1_request(struct engine *e, struct v1_in *in);
void p1_free(struct phase1 *p);
void p1_ask_again(struct ike_sa *sa);
/* A notify in clear, during phase 1: believed a little. */
void p1_told(struct ike_sa *sa, uint16_t type);
/* What came in clear will not do: remembered, and the attempt ends a little later unless
 * something better comes. */
void p1_refuse_later(struct ike_sa *sa, const char *words);
/* What mainmode.c and aggressive.c share. */
struct slice p1_nonce(const struct phase1 *p);	/* ours */
/* HASH_I or HASH_R: ours, or the one that theirs must be. */
int p1_hash(struct ike_sa *sa, bool ours, uint8_t *out) MUST_USE;
/* The vault's answer, where nothing has to be asked of it: comes by a timer. */
void p1_later(struct ike_sa *sa);
void p1_ask_signature(struct ike_sa *sa);
int p1_new(struct ike_sa *sa) MUST_USE;
struct offer_want p1_want(const struct ike_sa *sa);
void p1_write_vendors(struct ike_sa *sa, struct isakmp_build *b);
void p1_read_vendors(struct ike_sa *sa, const struct isakmp_msg *m);
void p1_write_nat(struct ike_sa *sa, struct isakmp_build *b);
void p1_read_nat(struct ike_sa *sa, const struct v1_in *in);
void p1_write_id(struct ike_sa *sa, struct isakmp_build *b);
void p1_write_hash(struct ike_sa *sa, struct isakmp_build *b);
/* Is that what they must be able to say? Else false. */
bool p1_hash_fits(struct ike_sa *sa, struct slice theirs);
void p1_ask_skeyid(struct ike_sa *sa);
int p1_make_keys(struct ike_sa *sa, struct slice skeyid);
int p1_shared(struct ike_sa *sa, const struct isakmp_msg *m, struct err *e) MUST_USE;
int p1_make_ke(struct ike_sa *sa, uint16_t group);
int p1_take_answer(struct ike_sa *sa, const struct isakmp_msg *m, struct err *e) MUST_USE;
/* Is it who it should be? -1 with sa_why(). */
int p1_check_id(struct ike_sa *sa, struct slice body) MUST_USE;
int p1_id_fit(const struct peer *p, const struct ike_sa *sa, const struct ike_id *id);
void p1_float(struct ike_sa *sa);
/* Why the dataplane and this peer do not meet, NAT traversal above all; NULL: they do. */
const char *p1_refused(const struct ike_sa *sa);
/* Responder: true when that cannot be with this peer, which then was told so, and sa_why(). */
bool p1_refuse_without_natt(struct ike_sa *sa, const struct v1_in *in);
/* Responder: unique = keep lets nobody in beside who is there; then sa_why(). */
bool p1_may_join(struct ike_sa *sa);
bool p1_others_up(const struct ike_sa *sa);
bool p1_initial_contact(const struct isakmp_msg *m);
/* Responder: the peer calls as if we had children with it, and we have none: after a restart
 * of ours its call may be but a rekey, and it has to be told (RFC 2407 §4.6.3.3). */
bool p1_begins_anew(const struct ike_sa *sa, const struct isakmp_msg *m);

/* The peer has it, and so have we: what it takes the place of goes. */
void v1_child_stands(struct child *c);

/* ---- quick.c, answer.c, select.c ---- */
/* Begin: a child for a pair of a slot; old: it is a rekey. */
void quick_start(struct ike_sa *sa, uint8_t slot, uint16_t pair, struct child *old);
void quick_message(struct ike_sa *sa, struct v1_in *in);
struct quick *quick_of_child(const struct peer *p, uint32_t child_id);
struct quick *quick_by_id(const struct ike_sa *sa, uint32_t msg_id);
void quick_free(struct quick *q);
/* The peer refuses, under hash. spi: ours, where it said so. */
void quick_told(struct ike_sa *sa, uint32_t spi, uint16_t type);
unsigned quick_count(const struct ike_sa *sa, bool ours_alone);
/* What both sides of it do. */
struct offer_want quick_want(const struct ike_sa *sa, const struct child_conf *cc);
uint8_t quick_protocol(const struct quick *q);	/* ISAKMP_PROTO_ESP or _AH */
/* g(qm)^xy, where there is PFS; shared holds KE_SHARED_MAX. */
int quick_exchange(struct quick *q, const struct isakmp_msg *m, uint8_t *shared, size_t *len,
		   struct err *e) MUST_USE;
/* The identities, or what their absence means (RFC 2409 §5.5). */
int quick_selectors(const struct ike_sa *sa, const struct isakmp_msg *m,
		    struct selector *of_initiator, struct selector *of_responder,
		    bool we_began, struct err *e) MUST_USE;
/* The keys, and into the dataplane. NULL with *e. */
struct child *quick_install(struct quick *q, const struct chosen *c, struct slice shared,
			    const struct offer_transform *t, struct err *e);
/* Tell the peer that its offer is refused. */
enum v1_verdict quick_refuse(struct quick *q, uint32_t their_spi, uint16_t type);
/* The selectors of a pair; false: of two families, which is none. */
bool pair_selectors(const struct child_conf *cc, uint16_t pair, struct selector *local,
		    struct selector *remote);
unsigned pair_count(const struct child_conf *cc);
uint16_t pair_id(const struct child_conf *cc, unsigned k);	/* of the k-th */
/* The slot and pair that the peer's selectors lie in; false: none. exact: preferred. */
bool pair_find(const struct peer *p, const struct selector *local,
	       const struct selector *remote, uint8_t *slot, uint16_t *pair);
/* The child that serves a pair now; NULL when none. */
struct child *pair_child(const struct peer *p, uint8_t slot, uint16_t pair);

/* ---- note.c: Informational exchanges ---- */
void note_message(struct ike_sa *sa, struct v1_in *in);
void note_send(struct ike_sa *sa, uint8_t protocol, struct slice spi, uint16_t type,
	       struct slice data);
/* Deletes of all children of this SA that are to go; they are taken out. */
void note_delete_children(struct ike_sa *sa, bool all);
void note_delete_ike(struct ike_sa *sa);
void note_initial_contact(struct ike_sa *sa);
void note_are_you_there(struct ike_sa *sa);

/* ---- task.c ---- */
void v1_next(struct ike_sa *sa);

#endif
