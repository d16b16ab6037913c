/* table: the rows, and the one function that walks them. */
#include "ike/v2/table.h"

#include "ike/v2/v2.h"

static const char *const state_names[SA_STATES] = {
	[SA_IDLE] = "idle", [SA_INIT_SENT] = "IKE_SA_INIT sent", [SA_SIGNING] = "signing",
	[SA_AUTH_SENT] = "IKE_AUTH sent", [SA_VERIFYING] = "verifying",
	[SA_HALF_OPEN] = "half open", [SA_R_VERIFYING] = "verifying",
	[SA_R_SIGNING] = "signing", [SA_ESTABLISHED] = "established",
	[SA_REKEYED] = "rekeyed", [SA_DELETING] = "deleting", [SA_CLOSED] = "closed",
	[SA_DEAD] = "dead",
};

const char *sa_state_name(enum sa_state s)
{
	return s < SA_STATES ? state_names[s] : "?";
}

/* ---- which payloads, and how many ---- */

#define MANY 40		/* notifies and vendor IDs: bounded by MSG_PAYLOADS_MAX anyway */
#define EXTRAS { PAYLOAD_NOTIFY, 0, MANY }, { PAYLOAD_VENDOR, 0, MANY }
#define AUTH_EXTRAS EXTRAS, { PAYLOAD_CERT, 0, MANY }, { PAYLOAD_CERTREQ, 0, MANY }, \
	{ PAYLOAD_CP, 0, 1 }

/* §1.2: HDR, SA, KE, Ni */
static const struct payload_rule init_full[] = {
	{ PAYLOAD_SA, 1, 1 }, { PAYLOAD_KE, 1, 1 }, { PAYLOAD_NONCE, 1, 1 },
	{ PAYLOAD_CERTREQ, 0, MANY }, EXTRAS, { 0 }
};
/* §2.6, §1.2: notifies alone */
static const struct payload_rule notify_only[] = {
	{ PAYLOAD_NOTIFY, 1, MANY }, { PAYLOAD_VENDOR, 0, MANY }, { 0 }
};
/* §1.2: IDi, [CERT,] [CERTREQ,] [IDr,] AUTH, SAi2, TSi, TSr; without the last three no child
 * is made (RFC 6023) */
static const struct payload_rule auth_req[] = {
	{ PAYLOAD_IDI, 1, 1 }, { PAYLOAD_IDR, 0, 1 }, { PAYLOAD_AUTH, 1, 1 },
	{ PAYLOAD_SA, 0, 1 }, { PAYLOAD_TSI, 0, 1 }, { PAYLOAD_TSR, 0, 1 }, AUTH_EXTRAS,
	{ 0 }
};
/* §2.16: as before, without AUTH */
static const struct payload_rule auth_req_eap[] = {
	{ PAYLOAD_IDI, 0, 1 }, { PAYLOAD_IDR, 0, 1 }, { PAYLOAD_EAP, 0, 1 },
	{ PAYLOAD_SA, 0, 1 }, { PAYLOAD_TSI, 0, 1 }, { PAYLOAD_TSR, 0, 1 }, AUTH_EXTRAS,
	{ 0 }
};
/* §1.2: IDr, [CERT,] AUTH, SAr2, TSi, TSr; the last three only when a child was made */
static const struct payload_rule auth_res[] = {
	{ PAYLOAD_IDR, 1, 1 }, { PAYLOAD_AUTH, 1, 1 }, { PAYLOAD_SA, 0, 1 },
	{ PAYLOAD_TSI, 0, 1 }, { PAYLOAD_TSR, 0, 1 }, AUTH_EXTRAS, { 0 }
};
static const struct payload_rule auth_res_eap[] = {
	{ PAYLOAD_IDR, 0, 1 }, { PAYLOAD_EAP, 0, 1 }, AUTH_EXTRAS, { 0 }
};
/* §1.3.1, §1.3.3: SA, Ni, [KEi,] TSi, TSr */
static const struct payload_rule child_full[] = {
	{ PAYLOAD_SA, 1, 1 }, { PAYLOAD_NONCE, 1, 1 }, { PAYLOAD_KE, 0, 1 },
	{ PAYLOAD_TSI, 1, 1 }, { PAYLOAD_TSR, 1, 1 }, { PAYLOAD_CP, 0, 1 }, EXTRAS, { 0 }
};
static const struct payload_rule rekey_child_req[] = {
	{ PAYLOAD_SA, 1, 1 }, { PAYLOAD_NONCE, 1, 1 }, { PAYLOAD_KE, 0, 1 },
	{ PAYLOAD_TSI, 1, 1 }, { PAYLOAD_TSR, 1, 1 }, { PAYLOAD_NOTIFY, 1, MANY },
	{ PAYLOAD_VENDOR, 0, MANY }, { 0 }
};
/* §1.3.2: SA, Ni, KEi */
static const struct payload_rule rekey_ike_full[] = {
	{ PAYLOAD_SA, 1, 1 }, { PAYLOAD_NONCE, 1, 1 }, { PAYLOAD_KE, 1, 1 }, EXTRAS, { 0 }
};
/* §1.4: anything of N, D, CP; empty is a liveness check */
static const struct payload_rule info_any[] = {
	{ PAYLOAD_NOTIFY, 0, MANY }, { PAYLOAD_DELETE, 0, MANY }, { PAYLOAD_CP, 0, 1 },
	{ PAYLOAD_VENDOR, 0, MANY }, { 0 }
};
/* Answered by a notify whatever is in it. */
static const struct payload_rule whatever[] = {
	{ PAYLOAD_SA, 0, 1 }, { PAYLOAD_KE, 0, 1 }, { PAYLOAD_NONCE, 0, 1 },
	{ PAYLOAD_TSI, 0, 1 }, { PAYLOAD_TSR, 0, 1 }, { PAYLOAD_IDI, 0, 1 },
	{ PAYLOAD_IDR, 0, 1 }, { PAYLOAD_AUTH, 0, 1 }, { PAYLOAD_DELETE, 0, MANY },
	{ PAYLOAD_EAP, 0, 1 }, AUTH_EXTRAS, { 0 }
};

/* ---- the rows ---- */

#define REQ ROLE_REQUEST
#define RES ROLE_RESPONSE
#define EVENT(from, on, act, done, failed, section, story) \
	{ from, on, ROLE_EVENT, SHAPE_ANY, NULL, act, done, failed, section, story }

static const struct transition rows[] = {
	/* The initiator's way. */
	EVENT(SA_IDLE, EV_START, init_start, SA_INIT_SENT, SA_DEAD, "1.2", "begin"),
	{ SA_INIT_SENT, IKE_SA_INIT, RES, SHAPE_FULL, init_full, init_answered,
	  SA_SIGNING, SA_DEAD, "1.2", "algorithms agreed, keys made" },
	{ SA_INIT_SENT, IKE_SA_INIT, RES, SHAPE_COOKIE, notify_only, init_cookie,
	  SA_INIT_SENT, SA_DEAD, "2.6", "send it again, with the cookie" },
	{ SA_INIT_SENT, IKE_SA_INIT, RES, SHAPE_OTHER_KE, notify_only, init_other_ke,
	  SA_INIT_SENT, SA_DEAD, "1.2", "send it again, with the group wanted" },
	{ SA_INIT_SENT, IKE_SA_INIT, RES, SHAPE_ERROR, notify_only, init_refused,
	  SA_INIT_SENT, SA_DEAD, "2.21.1", "not authenticated: remember, wait a little" },
	EVENT(SA_INIT_SENT, EV_TIMEOUT, init_timeout, SA_DEAD, SA_DEAD, "2.21.1",
	      "refused"),
	EVENT(SA_INIT_SENT, EV_NO_ANSWER, init_timeout, SA_DEAD, SA_DEAD, "2.4",
	      "no answer"),
	EVENT(SA_INIT_SENT, EV_CLOSE, info_silent, SA_DEAD, SA_DEAD, "2.4", "given up"),
	EVENT(SA_INIT_SENT, EV_DROP, info_silent, SA_DEAD, SA_DEAD, "2.4", "given up"),

	EVENT(SA_SIGNING, EV_VAULT_OK, auth_send, SA_AUTH_SENT, SA_DEAD, "2.15",
	      "signed"),
	EVENT(SA_SIGNING, EV_VAULT_NO, auth_unsigned, SA_DEAD, SA_DEAD, "2.15",
	      "no secret"),
	EVENT(SA_SIGNING, EV_TIMEOUT, auth_timeout, SA_DEAD, SA_DEAD, "2.15",
	      "vault silent"),
	EVENT(SA_SIGNING, EV_CLOSE, info_silent, SA_DEAD, SA_DEAD, "2.4", "given up"),
	EVENT(SA_SIGNING, EV_DROP, info_silent, SA_DEAD, SA_DEAD, "2.4", "given up"),

	{ SA_AUTH_SENT, IKE_AUTH, RES, SHAPE_FULL, auth_res, auth_answered,
	  SA_VERIFYING, SA_DELETING, "1.2", "their AUTH goes to the vault" },
	{ SA_AUTH_SENT, IKE_AUTH, RES, SHAPE_ERROR, whatever, auth_refused,
	  SA_DEAD, SA_DEAD, "2.21.2", "the responder refuses us" },
	{ SA_AUTH_SENT, IKE_AUTH, RES, SHAPE_NO_AUTH, auth_res_eap, auth_eap_offered,
	  SA_DELETING, SA_DELETING, "2.16", "EAP is not spoken here" },
	EVENT(SA_AUTH_SENT, EV_NO_ANSWER, auth_timeout, SA_DEAD, SA_DEAD, "2.4",
	      "no answer"),
	EVENT(SA_AUTH_SENT, EV_CLOSE, info_silent, SA_DEAD, SA_DEAD, "2.4", "given up"),
	EVENT(SA_AUTH_SENT, EV_DROP, info_silent, SA_DEAD, SA_DEAD, "2.4", "given up"),

	EVENT(SA_VERIFYING, EV_VAULT_OK, auth_verified, SA_ESTABLISHED, SA_DELETING,
	      "1.2",
	      "established; the first child, if there is one"),
	EVENT(SA_VERIFYING, EV_VAULT_NO, auth_wrong, SA_DELETING, SA_DELETING, "2.21.2",
	      "it is not who it says: tell it, encrypted"),
	EVENT(SA_VERIFYING, EV_TIMEOUT, auth_timeout, SA_DEAD, SA_DEAD, "2.15",
	      "vault silent"),
	EVENT(SA_VERIFYING, EV_CLOSE, info_close, SA_DELETING, SA_DELETING, "1.4.1",
	      "given up"),
	EVENT(SA_VERIFYING, EV_DROP, info_silent, SA_DEAD, SA_DEAD, "2.4", "given up"),

	/* The responder's way. */
	/* Refused when the work is done already: it stays counted as half open for a while, or
	 * bad public values would cost a stranger nothing and us a key pair each. */
	{ SA_IDLE, IKE_SA_INIT, REQ, SHAPE_ANY, init_full, init_respond,
	  SA_HALF_OPEN, SA_CLOSED, "1.2", "algorithms chosen, keys made" },
	{ SA_HALF_OPEN, IKE_SA_INIT, REQ, SHAPE_ANY, init_full, init_again,
	  SA_HALF_OPEN, SA_DEAD, "2.1", "repeated: the same answer" },
	{ SA_HALF_OPEN, IKE_AUTH, REQ, SHAPE_FULL, auth_req, auth_request,
	  SA_R_VERIFYING, SA_CLOSED, "1.2", "who is it; its AUTH goes to the vault" },
	{ SA_HALF_OPEN, IKE_AUTH, REQ, SHAPE_NO_AUTH, auth_req_eap, auth_eap_asked,
	  SA_CLOSED, SA_CLOSED, "2.16", "EAP is not spoken here" },
	EVENT(SA_HALF_OPEN, EV_TIMEOUT, info_end, SA_DEAD, SA_DEAD, "2.4",
	      "no IKE_AUTH came"),
	EVENT(SA_HALF_OPEN, EV_CLOSE, info_silent, SA_DEAD, SA_DEAD, "2.4", "given up"),
	EVENT(SA_HALF_OPEN, EV_DROP, info_silent, SA_DEAD, SA_DEAD, "2.4", "given up"),

	{ SA_R_VERIFYING, IKE_AUTH, REQ, SHAPE_ANY, whatever, auth_pending,
	  SA_R_VERIFYING, SA_CLOSED, "2.1", "repeated: the answer is being made" },
	EVENT(SA_R_VERIFYING, EV_VAULT_OK, auth_r_verified, SA_R_SIGNING, SA_CLOSED,
	      "2.15",
	      "it is who it says; our AUTH is made"),
	EVENT(SA_R_VERIFYING, EV_VAULT_NO, auth_r_wrong, SA_CLOSED, SA_CLOSED, "2.21.2",
	      "AUTHENTICATION_FAILED, encrypted"),
	EVENT(SA_R_VERIFYING, EV_TIMEOUT, auth_timeout, SA_DEAD, SA_DEAD, "2.15",
	      "vault silent"),
	EVENT(SA_R_VERIFYING, EV_CLOSE, info_silent, SA_DEAD, SA_DEAD, "2.4", "given up"),
	EVENT(SA_R_VERIFYING, EV_DROP, info_silent, SA_DEAD, SA_DEAD, "2.4", "given up"),

	{ SA_R_SIGNING, IKE_AUTH, REQ, SHAPE_ANY, whatever, auth_pending,
	  SA_R_SIGNING, SA_CLOSED, "2.1", "repeated: the answer is being made" },
	EVENT(SA_R_SIGNING, EV_VAULT_OK, auth_r_signed, SA_ESTABLISHED, SA_CLOSED, "1.2",
	      "established; the first child, if it can be"),
	EVENT(SA_R_SIGNING, EV_VAULT_NO, auth_r_unsigned, SA_CLOSED, SA_CLOSED, "2.21.2",
	      "no secret"),
	EVENT(SA_R_SIGNING, EV_TIMEOUT, auth_timeout, SA_DEAD, SA_DEAD, "2.15",
	      "vault silent"),
	EVENT(SA_R_SIGNING, EV_CLOSE, info_silent, SA_DEAD, SA_DEAD, "2.4", "given up"),
	EVENT(SA_R_SIGNING, EV_DROP, info_silent, SA_DEAD, SA_DEAD, "2.4", "given up"),

	/* Established. */
	EVENT(SA_IDLE, EV_REKEYED, rekey_start, SA_ESTABLISHED, SA_DEAD, "2.18",
	      "made by CREATE_CHILD_SA"),
	EVENT(SA_IDLE, EV_CLOSE, info_silent, SA_DEAD, SA_DEAD, "2.18", "given up"),
	EVENT(SA_IDLE, EV_DROP, info_silent, SA_DEAD, SA_DEAD, "2.18",
	      "its rekey failed"),
	{ SA_ESTABLISHED, CREATE_CHILD_SA, REQ, SHAPE_NEW_CHILD, child_full,
	  create_request, SA_ESTABLISHED, SA_ESTABLISHED, "1.3.1", "a new child" },
	{ SA_ESTABLISHED, CREATE_CHILD_SA, REQ, SHAPE_REKEY_CHILD, rekey_child_req,
	  create_request, SA_ESTABLISHED, SA_ESTABLISHED, "1.3.3", "a child is rekeyed" },
	{ SA_ESTABLISHED, CREATE_CHILD_SA, REQ, SHAPE_REKEY_IKE, rekey_ike_full,
	  rekey_request, SA_REKEYED, SA_ESTABLISHED, "1.3.2", "the IKE SA is rekeyed" },
	{ SA_ESTABLISHED, CREATE_CHILD_SA, RES, SHAPE_NEW_CHILD, child_full,
	  create_answered, SA_ESTABLISHED, SA_ESTABLISHED, "1.3.1", "our new child" },
	{ SA_ESTABLISHED, CREATE_CHILD_SA, RES, SHAPE_REKEY_CHILD, child_full,
	  create_answered, SA_ESTABLISHED, SA_ESTABLISHED, "1.3.3",
	  "our child's successor" },
	{ SA_ESTABLISHED, CREATE_CHILD_SA, RES, SHAPE_REKEY_IKE, rekey_ike_full,
	  rekey_answered, SA_REKEYED, SA_ESTABLISHED, "1.3.2", "our IKE SA's successor" },
	{ SA_ESTABLISHED, CREATE_CHILD_SA, RES, SHAPE_ERROR, whatever, create_refused,
	  SA_ESTABLISHED, SA_REKEYED, "2.25", "refused, or not now" },
	{ SA_ESTABLISHED, INFORMATIONAL, REQ, SHAPE_DELETE_IKE, info_any, info_delete,
	  SA_CLOSED, SA_CLOSED, "1.4.1", "the peer ends it" },
	{ SA_ESTABLISHED, INFORMATIONAL, REQ, SHAPE_ANY, info_any, info_request,
	  SA_ESTABLISHED, SA_ESTABLISHED, "1.4", "are you there; children deleted" },
	{ SA_ESTABLISHED, INFORMATIONAL, RES, SHAPE_ANY, info_any, info_answered,
	  SA_ESTABLISHED, SA_ESTABLISHED, "1.4", "it is there; children are gone" },
	EVENT(SA_ESTABLISHED, EV_REPLACED, info_end, SA_REKEYED, SA_REKEYED, "2.18",
	      "another carries the children now"),
	EVENT(SA_ESTABLISHED, EV_NO_ANSWER, info_end, SA_DEAD, SA_DEAD, "2.4",
	      "the peer is dead"),
	EVENT(SA_ESTABLISHED, EV_CLOSE, info_close, SA_DELETING, SA_DELETING, "1.4.1",
	      "our Delete"),
	EVENT(SA_ESTABLISHED, EV_DROP, info_silent, SA_DEAD, SA_DEAD, "2.4",
	      "the peer knows nothing of it any more"),

	/* Replaced: nothing but its end. */
	{ SA_REKEYED, CREATE_CHILD_SA, REQ, SHAPE_ANY, whatever, create_busy,
	  SA_REKEYED, SA_REKEYED, "2.25.2", "TEMPORARY_FAILURE" },
	{ SA_REKEYED, INFORMATIONAL, REQ, SHAPE_DELETE_IKE, info_any, info_delete,
	  SA_CLOSED, SA_CLOSED, "1.4.1", "the peer ends it" },
	{ SA_REKEYED, INFORMATIONAL, REQ, SHAPE_ANY, info_any, info_request,
	  SA_REKEYED, SA_REKEYED, "1.4", "still there" },
	{ SA_REKEYED, INFORMATIONAL, RES, SHAPE_ANY, info_any, info_answered,
	  SA_REKEYED, SA_REKEYED, "1.4", "still there" },
	EVENT(SA_REKEYED, EV_TIMEOUT, info_close, SA_DELETING, SA_DELETING, "2.18",
	      "the peer forgot its Delete"),
	EVENT(SA_REKEYED, EV_NO_ANSWER, info_end, SA_DEAD, SA_DEAD, "2.4", "no answer"),
	EVENT(SA_REKEYED, EV_CLOSE, info_close, SA_DELETING, SA_DELETING, "1.4.1",
	      "our Delete"),
	EVENT(SA_REKEYED, EV_DROP, info_silent, SA_DEAD, SA_DEAD, "2.4", "dropped"),

	/* The end. */
	{ SA_DELETING, CREATE_CHILD_SA, REQ, SHAPE_ANY, whatever, create_busy,
	  SA_DELETING, SA_DELETING, "2.25.2", "TEMPORARY_FAILURE" },
	{ SA_DELETING, INFORMATIONAL, REQ, SHAPE_DELETE_IKE, info_any,
	  info_delete_crossed, SA_DELETING, SA_DELETING, "1.4.1",
	  "both ended it at once" },
	{ SA_DELETING, INFORMATIONAL, REQ, SHAPE_ANY, info_any, info_request,
	  SA_DELETING, SA_DELETING, "1.4", "still there" },
	{ SA_DELETING, INFORMATIONAL, RES, SHAPE_ANY, info_any, info_end,
	  SA_DEAD, SA_DEAD, "1.4.1", "deleted" },
	EVENT(SA_DELETING, EV_NO_ANSWER, info_end, SA_DEAD, SA_DEAD, "2.4", "no answer"),
	EVENT(SA_DELETING, EV_TIMEOUT, info_end, SA_DEAD, SA_DEAD, "2.4", "no answer"),
	EVENT(SA_DELETING, EV_DROP, info_end, SA_DEAD, SA_DEAD, "2.4", "dropped"),
	EVENT(SA_CLOSED, EV_TIMEOUT, info_end, SA_DEAD, SA_DEAD, "2.1",
	      "nobody asks again"),
	EVENT(SA_CLOSED, EV_DROP, info_end, SA_DEAD, SA_DEAD, "2.1", "dropped"),
};

const struct transition *transition_table(size_t *n)
{
	*n = sizeof(rows) / sizeof(rows[0]);
	return rows;
}

const struct transition *transition_find(enum sa_state from, uint8_t on, enum role role,
					 enum shape shape)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].from == from && rows[i].on == on && rows[i].role == role &&
		    (rows[i].shape == SHAPE_ANY || rows[i].shape == shape))
			return &rows[i];
	return NULL;
}

uint32_t sa_state_ms(enum sa_state s)
{
	switch (s) {
	case SA_SIGNING: case SA_VERIFYING: case SA_R_VERIFYING: case SA_R_SIGNING:
		return 15000;
	case SA_HALF_OPEN:
		return 30000;
	case SA_REKEYED:
		return REKEYED_MS;
	case SA_DELETING:
		return 8000;
	case SA_CLOSED:
		return 10000;
	case SA_IDLE: case SA_INIT_SENT: case SA_AUTH_SENT: case SA_ESTABLISHED:
	case SA_DEAD: case SA_STATES:
		break;
	}
	return 0;
}

/* ---- shapes ---- */

/* The protocol of the first proposal, without reading it all: that comes later. */
static uint8_t first_protocol(const struct ike_msg *m)
{
	const struct payload *p = ike_msg_get(m, PAYLOAD_SA);

	return p && p->body.len >= 8 ? p->body.p[5] : 0;
}

static enum shape shape_of_init_answer(const struct ike_msg *m)
{
	struct notify n;

	if (ike_msg_get(m, PAYLOAD_SA))
		return SHAPE_FULL;
	if (ike_msg_notify(m, N_COOKIE, &n))
		return SHAPE_COOKIE;
	if (ike_msg_notify(m, N_INVALID_KE_PAYLOAD, &n))
		return SHAPE_OTHER_KE;
	return SHAPE_ERROR;
}

static enum shape shape_of_create(const struct ike_sa *sa, const struct ike_msg *m,
				  enum role role)
{
	struct notify n;

	if (role == ROLE_REQUEST) {
		if (first_protocol(m) == PROTO_IKE)
			return SHAPE_REKEY_IKE;
		return ike_msg_notify(m, N_REKEY_SA, &n) ? SHAPE_REKEY_CHILD
							 : SHAPE_NEW_CHILD;
	}
	if (!ike_msg_get(m, PAYLOAD_SA))
		return SHAPE_ERROR;
	switch ((enum task)v2(sa)->task) {
	case TASK_REKEY_IKE:
		return SHAPE_REKEY_IKE;
	case TASK_REKEY_CHILD:
		return SHAPE_REKEY_CHILD;
	case TASK_NEW_CHILD: case TASK_NONE: case TASK_INIT: case TASK_AUTH:
	case TASK_DELETE_CHILD: case TASK_DELETE_IKE: case TASK_LIVENESS:
	case TASK_MOBIKE:
		break;
	}
	return SHAPE_NEW_CHILD;
}

/* A Delete of the IKE SA, or the initiator's late "you are not who you say" (§2.21.2). */
static enum shape shape_of_info(const struct ike_msg *m)
{
	const struct payload *p = NULL;
	struct notify n;

	while ((p = ike_msg_next(m, PAYLOAD_DELETE, p)))
		if (p->body.len >= 1 && p->body.p[0] == PROTO_IKE)
			return SHAPE_DELETE_IKE;
	return ike_msg_notify(m, N_AUTHENTICATION_FAILED, &n) ? SHAPE_DELETE_IKE
							      : SHAPE_ANY;
}

enum shape shape_of(const struct ike_sa *sa, const struct input *in, enum role role)
{
	const struct ike_msg *m = in->m;
	struct notify n;

	switch (m->hdr.exchange) {
	case IKE_SA_INIT:
		return role == ROLE_RESPONSE ? shape_of_init_answer(m) : SHAPE_FULL;
	case IKE_AUTH:
		if (ike_msg_get(m, PAYLOAD_AUTH))
			return SHAPE_FULL;
		if (role == ROLE_RESPONSE && ike_msg_error(m, &n))
			return SHAPE_ERROR;
		return SHAPE_NO_AUTH;
	case CREATE_CHILD_SA:
		return shape_of_create(sa, m, role);
	case INFORMATIONAL:
		return role == ROLE_REQUEST ? shape_of_info(m) : SHAPE_ANY;
	}
	return SHAPE_ANY;
}

/* ---- the one engine ---- */

/* 0, or the type of the payload that breaks the rules. Known payloads that no rule names
 * do not belong there. */
static uint8_t rules_broken(const struct payload_rule *rules, const struct ike_msg *m)
{
	const struct payload_rule *r;

	for (r = rules; r->type; r++) {
		unsigned n = ike_msg_count(m, r->type);

		if (n < r->min || n > r->max)
			return r->type;
	}
	for (unsigned i = 0; i < m->n; i++) {
		for (r = rules; r->type && r->type != m->p[i].type; r++)
			;
		if (!r->type)
			return m->p[i].type;
	}
	return 0;
}

/* §2.21.3: an authentic request is told INVALID_SYNTAX; an authentic response that makes
 * no sense ends the IKE SA, for the two sides would no longer agree on what there is. */
static void rules_refused(struct ike_sa *sa, enum role role, struct input *in,
			  uint8_t type)
{
	const char *name = sa->peer ? sa->peer->conf.name : NULL;
	unsigned held;

	DROP(sa->e, sa, malformed);
	if (log_limit_pass(&sa->e->stranger_log, &held))
		log_warning(name, "%s from the peer refused: wrong number of %s payloads",
			    ike_exchange_name(in->m->hdr.exchange),
			    ike_payload_name(type));
	if (!in->m->opened)
		return;
	if (role == ROLE_REQUEST) {
		out_answer_notify(sa, in->m->hdr.exchange, N_INVALID_SYNTAX,
				  (struct slice){ 0 });
		return;
	}
	sa_why(sa, true, "the peer sent a malformed %s answer",
	       ike_exchange_name(in->m->hdr.exchange));
	req_done(sa);
	if (sa->state == SA_ESTABLISHED)
		sa_close(sa);
	else
		sa_drop(sa);
}

static const uint8_t stage_of[SA_STATES] = {
	[SA_IDLE] = STAGE_NEW, [SA_INIT_SENT] = STAGE_CALLING,
	[SA_SIGNING] = STAGE_CALLING, [SA_AUTH_SENT] = STAGE_PROVING,
	[SA_VERIFYING] = STAGE_PROVING, [SA_HALF_OPEN] = STAGE_HALF_OPEN,
	[SA_R_VERIFYING] = STAGE_HALF_OPEN, [SA_R_SIGNING] = STAGE_HALF_OPEN,
	[SA_ESTABLISHED] = STAGE_UP, [SA_REKEYED] = STAGE_REPLACED,
	[SA_DELETING] = STAGE_ENDING, [SA_CLOSED] = STAGE_CLOSED, [SA_DEAD] = STAGE_DEAD,
};

static void state_set(struct ike_sa *sa, enum sa_state to)
{
	enum sa_state from = sa->state;
	uint32_t ms = sa_state_ms(to);

	if (to != from)
		log_debug(sa->peer->conf.name, "IKE SA %016llx: %s → %s",
			  (unsigned long long)sa_local_spi(sa),
			  sa_state_name(from), sa_state_name(to));
	else
		ms = 0;		/* a state's time runs from when it was entered */
	sa->state = to;
	sa->stage = stage_of[to];
	index_settled(sa);
	if (to == SA_DEAD)
		sa_bury(sa);
	else if (ms)
		timer_set(sa->e->ts, &sa->timer, ms);
	else if (to != from)
		timer_stop(sa->e->ts, &sa->timer);
	if (to == SA_DELETING || to == SA_CLOSED)
		sa_over(sa);
	if (to == SA_ESTABLISHED || to == SA_REKEYED)
		task_next(sa);
}

bool sa_step(struct ike_sa *sa, uint8_t on, enum role role, struct input *in)
{
	enum shape shape = role == ROLE_EVENT ? SHAPE_ANY : shape_of(sa, in, role);
	const struct transition *t = transition_find(sa->state, on, role, shape);
	struct input none = { 0 };
	enum sa_state from = sa->state;
	uint8_t broken;
	enum verdict v;

	if (!t) {
		if (role != ROLE_EVENT)
			DROP(sa->e, sa, unexpected);
		return false;
	}
	if (!in)
		in = &none;
	in->shape = shape;
	if (t->payloads && (broken = rules_broken(t->payloads, in->m))) {
		rules_refused(sa, role, in, broken);
		return false;
	}
	if (role == ROLE_RESPONSE && on != IKE_SA_INIT)
		req_done(sa);
	v = t->act(sa, in);
	/* An action may have ended its own IKE SA; then that stands. */
	if (sa->state != from)
		return true;
	if (v != V_STAY)
		state_set(sa, v == V_DONE ? t->done : t->failed);
	else if (sa->state == SA_ESTABLISHED)
		task_next(sa);
	return true;
}
