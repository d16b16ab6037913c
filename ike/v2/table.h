/* table: the life of an IKE SA as data (RFC 7296 §1.2 to §1.4). A row says: in this
 * state, when this comes, with these payloads, do that, and be in this state afterwards.
 * What has no row is dropped and counted. sa_step() looks up the row, checks it, and
 * alone assigns the state.
 */
#ifndef ADIT_IKE_V2_TABLE_H
#define ADIT_IKE_V2_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sa_state {
	SA_IDLE,	/* made, nothing said yet */
	SA_INIT_SENT,	/* initiator: IKE_SA_INIT is out */
	SA_SIGNING,	/* initiator: the vault makes our AUTH */
	SA_AUTH_SENT,	/* initiator: IKE_AUTH is out */
	SA_VERIFYING,	/* initiator: the vault checks their AUTH */
	SA_HALF_OPEN,	/* responder: answered IKE_SA_INIT */
	SA_R_VERIFYING,	/* responder: the vault checks their AUTH */
	SA_R_SIGNING,	/* responder: the vault makes our AUTH */
	SA_ESTABLISHED,
	SA_REKEYED,	/* replaced; waits for its Delete */
	SA_DELETING,	/* our Delete is out */
	SA_CLOSED,	/* ended; kept to repeat its last answer */
	SA_DEAD,
	SA_STATES
};
const char *sa_state_name(enum sa_state s);

/* What a row is about: an exchange type (34 …), or one of these. */
enum sa_event_in {
	EV_START = 1,	/* begin as initiator */
	EV_VAULT_OK,	/* signed, or verified */
	EV_VAULT_NO,	/* does not verify, or there is no secret */
	EV_TIMEOUT,	/* the state lasted too long */
	EV_NO_ANSWER,	/* retransmissions are spent */
	EV_REKEYED,	/* an IKE SA made by CREATE_CHILD_SA (§2.18) */
	EV_REPLACED,	/* another IKE SA took over */
	EV_CLOSE,	/* end it: with a Delete where the peer knows it */
	EV_DROP,	/* end it: without a word */
	EV_END
};

/* In an exchange: a request makes us its responder, a response its initiator. */
enum role { ROLE_EVENT, ROLE_REQUEST, ROLE_RESPONSE };

/* Messages of one exchange that go different ways. */
enum shape {
	SHAPE_ANY,
	SHAPE_FULL,		/* what the exchange is for */
	SHAPE_COOKIE,		/* IKE_SA_INIT answered with COOKIE (§2.6) */
	SHAPE_OTHER_KE,		/* … with INVALID_KE_PAYLOAD (§1.2) */
	SHAPE_ERROR,		/* an error notify and nothing to go on with */
	SHAPE_NO_AUTH,		/* IKE_AUTH without AUTH: EAP is asked for (§2.16) */
	SHAPE_NEW_CHILD,	/* §1.3.1 */
	SHAPE_REKEY_IKE,	/* §1.3.2 */
	SHAPE_REKEY_CHILD,	/* §1.3.3 */
	SHAPE_DELETE_IKE,	/* INFORMATIONAL that ends the IKE SA */
};

enum verdict {
	V_DONE,		/* go to .done */
	V_FAILED,	/* go to .failed */
	V_STAY,		/* as if nothing had come */
};

struct payload_rule {
	uint8_t type;		/* enum ike_payload; 0 ends the list */
	uint8_t min, max;
};

struct ike_sa;
struct input;

struct transition {
	uint8_t from;		/* enum sa_state */
	uint8_t on;		/* exchange type or enum sa_event_in */
	uint8_t role, shape;
	const struct payload_rule *payloads;	/* NULL for events */
	enum verdict (*act)(struct ike_sa *sa, struct input *in);
	uint8_t done, failed;	/* enum sa_state */
	const char *section;	/* of RFC 7296 */
	const char *story;
};

/* The row, or NULL. SHAPE_ANY rows match every shape. */
const struct transition *transition_find(enum sa_state from, uint8_t on, enum role role,
					 enum shape shape);
/* All rows; *n gets their number. */
const struct transition *transition_table(size_t *n);
/* How long a state may last; 0: without end. */
uint32_t sa_state_ms(enum sa_state s);

/* Do what the table says. in is NULL or without a message for events. True when a row was
 * found, its payload rules held and its action ran. May end in SA_DEAD: then sa is
 * buried, and is freed at the end of the entry. */
bool sa_step(struct ike_sa *sa, uint8_t on, enum role role, struct input *in);

/* Which of its shapes a message has; sa gives the task that a response answers. */
enum shape shape_of(const struct ike_sa *sa, const struct input *in, enum role role);

/* The actions, by file. */
#define ACTION(name) enum verdict name(struct ike_sa *sa, struct input *in)
/* init.c */
ACTION(init_start);
ACTION(init_respond);
ACTION(init_answered);
ACTION(init_cookie);
ACTION(init_other_ke);
ACTION(init_refused);
ACTION(init_timeout);
ACTION(init_again);
/* auth.c */
ACTION(auth_send);
ACTION(auth_unsigned);
ACTION(auth_answered);
ACTION(auth_refused);
ACTION(auth_eap_offered);
ACTION(auth_verified);
ACTION(auth_wrong);
ACTION(auth_timeout);
ACTION(auth_request);
ACTION(auth_eap_asked);
ACTION(auth_r_verified);
ACTION(auth_r_wrong);
ACTION(auth_r_signed);
ACTION(auth_r_unsigned);
ACTION(auth_pending);
/* create.c */
ACTION(create_request);
ACTION(create_answered);
ACTION(create_refused);
ACTION(create_busy);
/* rekey.c */
ACTION(rekey_request);
ACTION(rekey_answered);
ACTION(rekey_start);
/* info.c */
ACTION(info_request);
ACTION(info_delete);
ACTION(info_delete_crossed);
ACTION(info_answered);
ACTION(info_close);
ACTION(info_silent);
ACTION(info_end);

#endif
