/* table: IKEv1 as data (RFC 2408 §4, RFC 2409 §5): two tables, one of the ISAKMP SA with
 * Main and Aggressive mode, one of Quick mode. A row says: in this state, when this comes,
 * with these payloads, do that, and be in this state afterwards. What has no row is dropped
 * and counted. v1_step() and quick_step() look up the row, check it, and alone assign the
 * state. Informational exchanges change no state of their own: note.c has their table, by
 * what is in them.
 */
#ifndef ADIT_IKE_V1_TABLE_H
#define ADIT_IKE_V1_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* MI: Main mode's initiator, MR its responder; AI, AR: Aggressive mode's. */
enum v1_state {
	V1_IDLE,
	MI_SA_SENT,	/* our proposals are out */
	MI_KE_SENT,	/* our public value and nonce are out */
	MI_KEYING,	/* the vault makes SKEYID */
	MI_ID_SENT,	/* who we are is out, encrypted */
	MR_SA_SENT,	/* the choice is out */
	MR_KEYING,	/* the vault makes SKEYID; our public value follows */
	MR_KE_SENT,	/* our public value and nonce are out */
	MR_PROVING,	/* they are who they say; the vault signs for us, where it has to */
	AI_SENT,	/* the first of three is out */
	AI_KEYING,
	AR_KEYING,
	AR_SENT,	/* the second of three is out */
	V1_UP,
	V1_REPLACED,	/* another took over; what is under way may end */
	V1_DEAD,
	V1_STATES
};
const char *v1_state_name(enum v1_state s);

enum quick_state {
	Q_IDLE,
	QI_SENT,	/* our proposals are out */
	QI_ADDING,	/* agreed; the dataplane takes the pair in */
	QI_DONE,	/* the third message is out; kept to repeat it */
	QR_ADDING,	/* chosen; the dataplane takes the pair in */
	QR_SENT,	/* our answer is out */
	QR_DONE,	/* kept so that a repetition is known as one */
	Q_DEAD,
	QUICK_STATES
};
const char *quick_state_name(enum quick_state s);

/* What a row is about: an exchange type (ike/v1/isakmp.h), or one of these. */
enum v1_on {
	ON_START = 128,	/* begin, Main mode or Quick mode */
	ON_START_AGGRESSIVE,
	ON_VAULT_OK, ON_VAULT_NO,
	ON_GARBLED,	/* what came is not what it should be once decrypted */
	ON_TIMEOUT,	/* the state lasted too long */
	ON_NO_ANSWER,	/* retransmissions are spent */
	ON_REPLACED,	/* another ISAKMP SA took over */
	ON_CHILD_IN, ON_CHILD_NO, /* the dataplane has it, or refuses it */
	ON_REFUSED,	/* the peer says so, under hash */
	ON_CLOSE,	/* end it: with a Delete where the peer knows it */
	ON_DROP,	/* end it: without a word */
	ON_END
};

enum v1_verdict { DONE, FAILED, STAY };		/* STAY: as if nothing had come */
enum v1_cover { CLEAR, SEALED, EITHER };	/* how the message must come */

struct v1_rule {
	uint8_t type;		/* enum isakmp_payload; 0 ends the list */
	uint8_t min, max;
};

struct ike_sa;
struct quick;
struct v1_in;

struct v1_row {
	uint8_t from, on;
	uint8_t cover;			/* enum v1_cover */
	const struct v1_rule *payloads;	/* NULL for events */
	enum v1_verdict (*act)(struct ike_sa *sa, struct v1_in *in);
	uint8_t done, failed;
	const char *section, *story;	/* of RFC 2409 unless it says otherwise */
};
struct quick_row {
	uint8_t from, on;
	const struct v1_rule *payloads;
	enum v1_verdict (*act)(struct quick *q, struct v1_in *in);
	uint8_t done, failed;
	const char *section, *story;
};

const struct v1_row *v1_rows(size_t *n);
const struct quick_row *quick_rows(size_t *n);
const struct v1_row *v1_row(enum v1_state from, uint8_t on);
const struct quick_row *quick_row(enum quick_state from, uint8_t on);
/* How long a state may last; 0: without end, or as long as it retransmits. */
uint32_t v1_state_ms(enum v1_state s);
uint32_t quick_state_ms(enum quick_state s);
struct isakmp_msg;
/* 0, or the type of the payload that breaks the rules. Vendor IDs and what is for private
 * use are always fine. */
uint8_t v1_broken(const struct v1_rule *rules, const struct isakmp_msg *m);

/* Do what the table says. True when a row was found, its payload rules held and it took the
 * message. V1_DEAD buries sa, Q_DEAD frees q. */
bool v1_step(struct ike_sa *sa, uint8_t on, struct v1_in *in);
bool quick_step(struct quick *q, uint8_t on, struct v1_in *in);

#define V1_ACTION(name) enum v1_verdict name(struct ike_sa *sa, struct v1_in *in)
/* phase1.c */
V1_ACTION(p1_garbled);
V1_ACTION(p1_silence);
V1_ACTION(p1_no_secret);
V1_ACTION(p1_vault_silent);
V1_ACTION(p1_end);
V1_ACTION(p1_close);
/* mainmode.c */
V1_ACTION(p1_start);
V1_ACTION(p1_choice);
V1_ACTION(p1_asked);
V1_ACTION(p1_keys_asked);
V1_ACTION(p1_keys_answer);
V1_ACTION(p1_keys_answered);
V1_ACTION(p1_prove);
V1_ACTION(p1_proof);
V1_ACTION(p1_proof_answer);
V1_ACTION(p1_proof_last);
/* aggressive.c */
V1_ACTION(ag_start);
V1_ACTION(ag_asked);
V1_ACTION(ag_answer);
V1_ACTION(ag_answered);
V1_ACTION(ag_prove);
V1_ACTION(ag_proof);

#define QUICK_ACTION(name) enum v1_verdict name(struct quick *q, struct v1_in *in)
/* quick.c */
QUICK_ACTION(quick_begin);
QUICK_ACTION(quick_answered);
QUICK_ACTION(quick_third);
QUICK_ACTION(quick_asked);
QUICK_ACTION(quick_answer);
QUICK_ACTION(quick_confirmed);
QUICK_ACTION(quick_silence);
QUICK_ACTION(quick_refused);
QUICK_ACTION(quick_not_in);
QUICK_ACTION(quick_end);

#endif
