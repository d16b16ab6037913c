/* table: the rows, and the two functions that walk them. */
#include "ike/v1/table.h"

#include "core/base/clock.h"
#include "ike/v1/v1.h"

#include <assert.h>
#include <string.h>

static const char *const state_names[V1_STATES] = {
	[V1_IDLE] = "idle", [MI_SA_SENT] = "proposals sent", [MI_KE_SENT] = "keys sent",
	[MI_KEYING] = "keying", [MI_ID_SENT] = "identity sent", [MR_SA_SENT] = "chosen",
	[MR_KEYING] = "keying", [MR_KE_SENT] = "keys answered",
	[MR_PROVING] = "proving",
	[AI_SENT] = "aggressive sent", [AI_KEYING] = "keying", [AR_KEYING] = "keying",
	[AR_SENT] = "aggressive answered", [V1_UP] = "established",
	[V1_REPLACED] = "replaced", [V1_DEAD] = "dead",
};

const char *v1_state_name(enum v1_state s)
{
	return s < V1_STATES ? state_names[s] : "?";
}

static const char *const quick_names[QUICK_STATES] = {
	[Q_IDLE] = "idle", [QI_SENT] = "sent", [QI_ADDING] = "installing",
	[QI_DONE] = "done", [QR_ADDING] = "installing", [QR_SENT] = "answered",
	[QR_DONE] = "done", [Q_DEAD] = "dead",
};

const char *quick_state_name(enum quick_state s)
{
	return s < QUICK_STATES ? quick_names[s] : "?";
}

/* ---- which payloads, and how many ---- */

#define EXTRAS { P_NOTIFY, 0, 8 }, { P_CR, 0, 8 }
#define NATD { P_NATD, 0, 8 }, { P_NATD_DRAFT, 0, 8 }

/* HDR, SA */
static const struct v1_rule sa_alone[] = { { P_SA, 1, 1 }, EXTRAS, { 0 } };
/* HDR, KE, Nonce, NAT-D... */
static const struct v1_rule ke_nonce[] = {
	{ P_KE, 1, 1 }, { P_NONCE, 1, 1 }, NATD, EXTRAS, { 0 }
};
/* HDR*, ID, HASH; or HDR*, ID [, CERT...], SIG (§5.1) */
static const struct v1_rule id_hash[] = {
	{ P_ID, 1, 1 }, { P_HASH, 0, 1 }, { P_SIG, 0, 1 }, { P_CERT, 0, 16 }, EXTRAS, { 0 }
};
/* HDR, SA, KE, Nonce, ID */
static const struct v1_rule ag_first[] = {
	{ P_SA, 1, 1 }, { P_KE, 1, 1 }, { P_NONCE, 1, 1 }, { P_ID, 1, 1 }, EXTRAS, { 0 }
};
/* HDR, SA, KE, Nonce, ID, HASH */
static const struct v1_rule ag_second[] = {
	{ P_SA, 1, 1 }, { P_KE, 1, 1 }, { P_NONCE, 1, 1 }, { P_ID, 1, 1 }, { P_HASH, 1, 1 },
	NATD, EXTRAS, { 0 }
};
/* HDR, HASH */
static const struct v1_rule ag_third[] = { { P_HASH, 1, 1 }, NATD, EXTRAS, { 0 } };
/* HDR*, HASH, SA, Nonce [, KE] [, ID, ID]; some box sends several SAs: not taken */
static const struct v1_rule quick_full[] = {
	{ P_HASH, 1, 1 }, { P_SA, 1, 1 }, { P_NONCE, 1, 1 }, { P_KE, 0, 1 }, { P_ID, 0, 2 },
	{ P_NATOA, 0, 2 }, { P_NATOA_DRAFT, 0, 2 }, { P_NOTIFY, 0, 8 }, { 0 }
};
/* HDR*, HASH */
static const struct v1_rule quick_last[] = {
	{ P_HASH, 1, 1 }, { P_NOTIFY, 0, 8 }, { 0 }
};

/* ---- the rows ---- */

#define EVENT(from, on, act, done, failed, section, story) \
	{ from, on, CLEAR, NULL, act, done, failed, section, story }
/* Whatever it is about, it can be ended, and the vault may be silent. */
#define ENDS(from) \
	EVENT(from, ON_CLOSE, p1_end, V1_DEAD, V1_DEAD, "RFC 2408 5.15", "given up"), \
	EVENT(from, ON_DROP, p1_end, V1_DEAD, V1_DEAD, "RFC 2408 5.15", "given up")
#define WAITS_FOR_VAULT(from) \
	EVENT(from, ON_VAULT_NO, p1_no_secret, V1_DEAD, V1_DEAD, "5", "no secret"), \
	EVENT(from, ON_TIMEOUT, p1_vault_silent, V1_DEAD, V1_DEAD, "5", "vault silent"), \
	ENDS(from)

static const struct v1_row rows[] = {
	/* Main mode, who begins. */
	EVENT(V1_IDLE, ON_START, p1_start, MI_SA_SENT, V1_DEAD, "5.4", "begin"),
	{ MI_SA_SENT, X_MAIN, CLEAR, sa_alone, p1_choice, MI_KE_SENT, V1_DEAD, "5.4",
	  "chosen; our half of the keys goes out" },
	EVENT(MI_SA_SENT, ON_NO_ANSWER, p1_silence, V1_DEAD, V1_DEAD, "RFC 2408 5.1",
	      "no answer"),
	EVENT(MI_SA_SENT, ON_TIMEOUT, p1_silence, V1_DEAD, V1_DEAD, "RFC 2408 5.1",
	      "refused"),
	ENDS(MI_SA_SENT),
	{ MI_KE_SENT, X_MAIN, CLEAR, ke_nonce, p1_keys_answered, MI_KEYING, V1_DEAD, "5.4",
	  "both halves are there; the vault makes SKEYID" },
	EVENT(MI_KE_SENT, ON_NO_ANSWER, p1_silence, V1_DEAD, V1_DEAD, "RFC 2408 5.1",
	      "no answer"),
	EVENT(MI_KE_SENT, ON_TIMEOUT, p1_silence, V1_DEAD, V1_DEAD, "RFC 2408 5.1",
	      "refused"),
	ENDS(MI_KE_SENT),
	EVENT(MI_KEYING, ON_VAULT_OK, p1_prove, MI_ID_SENT, V1_DEAD, "5.4",
	      "who we are, and the hash, encrypted"),
	WAITS_FOR_VAULT(MI_KEYING),
	{ MI_ID_SENT, X_MAIN, SEALED, id_hash, p1_proof_last, V1_UP, V1_DEAD, "5.4",
	  "who they are, and their hash" },
	EVENT(MI_ID_SENT, ON_GARBLED, p1_garbled, MI_ID_SENT, V1_DEAD, "5.4",
	      "not readable: the PSK differs"),
	EVENT(MI_ID_SENT, ON_NO_ANSWER, p1_silence, V1_DEAD, V1_DEAD, "RFC 2408 5.1",
	      "no answer"),
	EVENT(MI_ID_SENT, ON_TIMEOUT, p1_silence, V1_DEAD, V1_DEAD, "RFC 2408 5.1",
	      "refused"),
	ENDS(MI_ID_SENT),

	/* Main mode, who answers. */
	{ V1_IDLE, X_MAIN, CLEAR, sa_alone, p1_asked, MR_SA_SENT, V1_DEAD, "5.4",
	  "chosen" },
	{ MR_SA_SENT, X_MAIN, CLEAR, ke_nonce, p1_keys_asked, MR_KEYING, V1_DEAD, "5.4",
	  "both halves are there; the vault makes SKEYID" },
	EVENT(MR_SA_SENT, ON_TIMEOUT, p1_end, V1_DEAD, V1_DEAD, "RFC 2408 5.1",
	      "nothing came"),
	ENDS(MR_SA_SENT),
	EVENT(MR_KEYING, ON_VAULT_OK, p1_keys_answer, MR_KE_SENT, V1_DEAD, "5.4",
	      "our half of the keys goes out"),
	WAITS_FOR_VAULT(MR_KEYING),
	{ MR_KE_SENT, X_MAIN, SEALED, id_hash, p1_proof, MR_PROVING, V1_DEAD, "5.4",
	  "who they are, proven; our own proof is made" },
	EVENT(MR_KE_SENT, ON_GARBLED, p1_garbled, MR_KE_SENT, V1_DEAD, "5.4",
	      "not readable: the PSK differs"),
	EVENT(MR_KE_SENT, ON_TIMEOUT, p1_silence, V1_DEAD, V1_DEAD, "RFC 2408 5.1",
	      "nothing came"),
	ENDS(MR_KE_SENT),
	EVENT(MR_PROVING, ON_VAULT_OK, p1_proof_answer, V1_UP, V1_DEAD, "5.4",
	      "who we are"),
	WAITS_FOR_VAULT(MR_PROVING),

	/* Aggressive mode, who begins. */
	EVENT(V1_IDLE, ON_START_AGGRESSIVE, ag_start, AI_SENT, V1_DEAD, "5.4", "begin"),
	{ AI_SENT, X_AGGRESSIVE, CLEAR, ag_second, ag_answered, AI_KEYING, V1_DEAD, "5.4",
	  "all is there but SKEYID, which the vault makes" },
	EVENT(AI_SENT, ON_NO_ANSWER, p1_silence, V1_DEAD, V1_DEAD, "RFC 2408 5.1",
	      "no answer"),
	EVENT(AI_SENT, ON_TIMEOUT, p1_silence, V1_DEAD, V1_DEAD, "RFC 2408 5.1", "refused"),
	ENDS(AI_SENT),
	EVENT(AI_KEYING, ON_VAULT_OK, ag_prove, V1_UP, V1_DEAD, "5.4",
	      "their hash verifies; ours goes out"),
	WAITS_FOR_VAULT(AI_KEYING),

	/* Aggressive mode, who answers. */
	{ V1_IDLE, X_AGGRESSIVE, CLEAR, ag_first, ag_asked, AR_KEYING, V1_DEAD, "5.4",
	  "chosen; the vault makes SKEYID" },
	EVENT(AR_KEYING, ON_VAULT_OK, ag_answer, AR_SENT, V1_DEAD, "5.4", "all of ours"),
	WAITS_FOR_VAULT(AR_KEYING),
	{ AR_SENT, X_AGGRESSIVE, EITHER, ag_third, ag_proof, V1_UP, V1_DEAD, "5.4",
	  "their hash verifies" },
	EVENT(AR_SENT, ON_TIMEOUT, p1_end, V1_DEAD, V1_DEAD, "RFC 2408 5.1",
	      "nothing came"),
	ENDS(AR_SENT),

	/* It stands. Quick modes and Informationals do not change it. */
	ENDS(V1_IDLE),
	EVENT(V1_UP, ON_REPLACED, p1_end, V1_REPLACED, V1_REPLACED, "5.4",
	      "another carries the children now"),
	EVENT(V1_UP, ON_NO_ANSWER, p1_end, V1_DEAD, V1_DEAD, "RFC 3706 5.4",
	      "the peer is dead"),
	EVENT(V1_UP, ON_CLOSE, p1_close, V1_DEAD, V1_DEAD, "5.7", "our Deletes"),
	EVENT(V1_UP, ON_DROP, p1_end, V1_DEAD, V1_DEAD, "5.7", "the peer ended it"),
	EVENT(V1_REPLACED, ON_TIMEOUT, p1_close, V1_DEAD, V1_DEAD, "5.7",
	      "long enough; our Delete"),
	EVENT(V1_REPLACED, ON_CLOSE, p1_close, V1_DEAD, V1_DEAD, "5.7", "our Delete"),
	EVENT(V1_REPLACED, ON_DROP, p1_end, V1_DEAD, V1_DEAD, "5.7", "the peer ended it"),
};

static const struct quick_row q_rows[] = {
	{ Q_IDLE, ON_START, NULL, quick_begin, QI_SENT, Q_DEAD, "5.5", "begin" },
	{ Q_IDLE, ON_DROP, NULL, quick_end, Q_DEAD, Q_DEAD, "5.5", "given up" },
	{ QI_SENT, X_QUICK, quick_full, quick_answered, QI_ADDING, Q_DEAD, "5.5",
	  "agreed; the dataplane takes it in" },
	{ QI_SENT, ON_NO_ANSWER, NULL, quick_silence, Q_DEAD, Q_DEAD, "RFC 2408 5.1",
	  "no answer" },
	{ QI_SENT, ON_REFUSED, NULL, quick_refused, Q_DEAD, Q_DEAD, "5.7",
	  "the peer refuses" },
	{ QI_SENT, ON_DROP, NULL, quick_end, Q_DEAD, Q_DEAD, "5.5", "given up" },
	{ QI_ADDING, ON_CHILD_IN, NULL, quick_third, QI_DONE, Q_DEAD, "5.5",
	  "the third message" },
	{ QI_ADDING, ON_CHILD_NO, NULL, quick_not_in, Q_DEAD, Q_DEAD, "5.5",
	  "the dataplane refuses" },
	{ QI_ADDING, ON_TIMEOUT, NULL, quick_end, Q_DEAD, Q_DEAD, "5.5",
	  "the dataplane is silent" },
	{ QI_ADDING, ON_DROP, NULL, quick_end, Q_DEAD, Q_DEAD, "5.5", "given up" },
	{ QI_DONE, ON_TIMEOUT, NULL, quick_end, Q_DEAD, Q_DEAD, "5.5",
	  "nobody asks again" },
	{ QI_DONE, ON_DROP, NULL, quick_end, Q_DEAD, Q_DEAD, "5.5", "over" },

	{ Q_IDLE, X_QUICK, quick_full, quick_asked, QR_ADDING, Q_DEAD, "5.5",
	  "chosen; the dataplane takes it in" },
	{ QR_ADDING, ON_CHILD_IN, NULL, quick_answer, QR_SENT, Q_DEAD, "5.5",
	  "our answer" },
	{ QR_ADDING, ON_CHILD_NO, NULL, quick_not_in, Q_DEAD, Q_DEAD, "5.5",
	  "the dataplane refuses" },
	{ QR_ADDING, ON_TIMEOUT, NULL, quick_end, Q_DEAD, Q_DEAD, "5.5",
	  "the dataplane is silent" },
	{ QR_ADDING, ON_DROP, NULL, quick_end, Q_DEAD, Q_DEAD, "5.5", "given up" },
	{ QR_SENT, X_QUICK, quick_last, quick_confirmed, QR_DONE, Q_DEAD, "5.5",
	  "the peer has it: send on it" },
	{ QR_SENT, ON_NO_ANSWER, NULL, quick_silence, Q_DEAD, Q_DEAD, "RFC 2408 5.1",
	  "it never came" },
	{ QR_SENT, ON_REFUSED, NULL, quick_refused, Q_DEAD, Q_DEAD, "5.7",
	  "the peer does not like our answer" },
	{ QR_SENT, ON_DROP, NULL, quick_end, Q_DEAD, Q_DEAD, "5.5", "given up" },
	{ QR_DONE, ON_TIMEOUT, NULL, quick_end, Q_DEAD, Q_DEAD, "5.5",
	  "nobody repeats it" },
	{ QR_DONE, ON_DROP, NULL, quick_end, Q_DEAD, Q_DEAD, "5.5", "over" },
};

const struct v1_row *v1_rows(size_t *n)
{
	*n = sizeof(rows) / sizeof(rows[0]);
	return rows;
}

const struct quick_row *quick_rows(size_t *n)
{
	*n = sizeof(q_rows) / sizeof(q_rows[0]);
	return q_rows;
}

const struct v1_row *v1_row(enum v1_state from, uint8_t on)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].from == from && rows[i].on == on)
			return &rows[i];
	return NULL;
}

const struct quick_row *quick_row(enum quick_state from, uint8_t on)
{
	for (size_t i = 0; i < sizeof(q_rows) / sizeof(q_rows[0]); i++)
		if (q_rows[i].from == from && q_rows[i].on == on)
			return &q_rows[i];
	return NULL;
}

uint32_t v1_state_ms(enum v1_state s)
{
	switch (s) {
	case MI_KEYING: case MR_KEYING: case MR_PROVING: case AI_KEYING: case AR_KEYING:
		return 15000;
	case MR_SA_SENT: case MR_KE_SENT: case AR_SENT:
		return 30000;
	case V1_REPLACED:
		return 10000;
	case V1_IDLE: case MI_SA_SENT: case MI_KE_SENT: case MI_ID_SENT: case AI_SENT:
	case V1_UP: case V1_DEAD: case V1_STATES:
		break;
	}
	return 0;
}

uint32_t quick_state_ms(enum quick_state s)
{
	switch (s) {
	case QI_ADDING: case QR_ADDING:
		return 15000;
	case QI_DONE: case QR_DONE:
		return 30000;
	case Q_IDLE: case QI_SENT: case QR_SENT: case Q_DEAD: case QUICK_STATES:
		break;
	}
	return 0;
}

/* ---- the walkers ---- */

uint8_t v1_broken(const struct v1_rule *rules, const struct isakmp_msg *m)
{
	const struct v1_rule *r;

	for (r = rules; r->type; r++) {
		unsigned n = isakmp_count(m, r->type);

		if (n < r->min || n > r->max)
			return r->type;
	}
	for (unsigned i = 0; i < m->n; i++) {
		uint8_t type = m->p[i].type;

		for (r = rules; r->type && r->type != type; r++)
			;
		if (!r->type && type != P_VENDOR && !isakmp_is_extra(type))
			return type;
	}
	return 0;
}

static const uint8_t stage_of[V1_STATES] = {
	[V1_IDLE] = STAGE_NEW, [MI_SA_SENT] = STAGE_CALLING, [MI_KE_SENT] = STAGE_CALLING,
	[MI_KEYING] = STAGE_CALLING, [MI_ID_SENT] = STAGE_PROVING,
	[MR_SA_SENT] = STAGE_HALF_OPEN, [MR_KEYING] = STAGE_HALF_OPEN,
	[MR_KE_SENT] = STAGE_HALF_OPEN, [MR_PROVING] = STAGE_HALF_OPEN, [AI_SENT] = STAGE_CALLING,
	[AI_KEYING] = STAGE_PROVING, [AR_KEYING] = STAGE_HALF_OPEN,
	[AR_SENT] = STAGE_HALF_OPEN, [V1_UP] = STAGE_UP, [V1_REPLACED] = STAGE_REPLACED,
	[V1_DEAD] = STAGE_DEAD,
};

static void state_set(struct ike_sa *sa, enum v1_state to)
{
	enum v1_state from = sa->state;
	uint32_t ms = v1_state_ms(to);

	assert(to < V1_STATES);
	if (to == from)
		return;
	log_debug(sa->peer->conf.name, "ISAKMP SA %016llx: %s → %s",
		  (unsigned long long)sa_local_spi(sa), v1_state_name(from),
		  v1_state_name(to));
	sa->state = to;
	sa->stage = stage_of[to];
	index_settled(sa);
	timer_stop(sa->e->ts, &sa->timer);
	if (to == V1_DEAD)
		sa_bury(sa);
	else if (ms)
		timer_set(sa->e->ts, &sa->timer, ms);
	if (to == V1_UP)
		v1_next(sa);
}

/* What a message must be before its row may have it. iv: where decryption ended. */
static bool opened(struct ike_sa *sa, const struct v1_row *t, struct v1_in *in,
		   uint8_t *iv)
{
	bool sealed = in->m->hdr.flags & ISAKMP_ENCRYPTED;
	struct err err = { 0 };

	if (t->cover != EITHER && (t->cover == SEALED) != sealed) {
		DROPPED(sa, unexpected);
		return false;
	}
	if ((sealed && v1_decrypt(sa, in->m, iv) < 0) ||
	    isakmp_payloads(in->m, sealed, &err) < 0 ||
	    v1_broken(t->payloads, in->m)) {
		if (sealed) {
			DROPPED(sa, bad_icv);
			v1_step(sa, ON_GARBLED, in);
		} else {
			DROPPED(sa, malformed);
		}
		return false;
	}
	return true;
}

bool v1_step(struct ike_sa *sa, uint8_t on, struct v1_in *in)
{
	struct v1_sa *v = v1(sa);
	const struct v1_row *t = v1_row(sa->state, on);
	struct v1_in none = { 0 };
	enum v1_state from = sa->state;
	uint8_t iv[CBC_BLOCK_MAX], was[CBC_BLOCK_MAX], digest[16];
	enum v1_verdict how;

	if (on < ON_START) {
		v1_digest(in->m->buf, in->m->len, digest);
		if (memcmp(digest, v->seen, sizeof(digest)) == 0) {
			p1_repeat(sa, in);
			return true;
		}
	}
	if (!t) {
		if (on < ON_START)
			DROPPED(sa, unexpected);
		return false;
	}
	memcpy(was, v->iv, sizeof(was));
	if (t->payloads) {
		memcpy(iv, v->iv, sizeof(iv));
		if (!opened(sa, t, in, iv))
			return false;
		memcpy(v->iv, iv, sizeof(iv));
		sa->last_rx_ms = clock_ms();
	}
	how = t->act(sa, in ? in : &none);
	if (how == STAY && t->payloads)
		memcpy(v->iv, was, sizeof(was));
	else if (how != STAY && on < ON_START)
		memcpy(v->seen, digest, sizeof(digest));
	/* An action may have ended its own SA; then that stands. */
	if (sa->state == from && how != STAY)
		state_set(sa, how == DONE ? t->done : t->failed);
	return true;
}

bool quick_step(struct quick *q, uint8_t on, struct v1_in *in)
{
	const struct quick_row *t = quick_row(q->state, on);
	struct v1_in none = { 0 };
	struct engine *e = q->sa->e;
	enum v1_verdict how;
	uint8_t to, from = q->state;

	if (!t) {
		if (on < ON_START)
			DROPPED(q->sa, unexpected);
		return false;
	}
	if (t->payloads && v1_broken(t->payloads, in->m)) {
		DROPPED(q->sa, malformed);
		return false;
	}
	how = t->act(q, in ? in : &none);
	if (how == STAY)
		return true;
	to = how == DONE ? t->done : t->failed;
	if (to != from) {
		log_debug(q->sa->peer->conf.name, "Quick mode %08x: %s → %s", q->msg_id,
			  quick_state_name(from), quick_state_name(to));
		q->state = to;
		if (quick_state_ms(to))
			timer_set(e->ts, &q->timer, quick_state_ms(to));
	}
	if (to == Q_DEAD)
		quick_free(q);
	return true;
}
