/* info: INFORMATIONAL (RFC 7296 §1.4): are you there, Deletes both ways, and the ends of
 * an IKE SA. */
#include "ike/v2/v2.h"

#include "ike/engine/negotiation.h"

#include "core/base/clock.h"

#include <string.h>

/* ---- begun by us ---- */

void info_delete_ike(struct ike_sa *sa, uint16_t notify)
{
	struct out o;

	if (req_out(sa)) {
		/* Whoever calls this waits no longer for that answer. */
		blob_free(&v2(sa)->req);
		v2(sa)->next_out++;
	}
	out_request(sa, &o, INFORMATIONAL);
	if (notify)
		build_notify_plain(&o.b, notify);
	build_delete_ike(&o.b);
	out_send_request(sa, &o, TASK_DELETE_IKE);
}

/* SPIs of a Delete, one payload a protocol (§3.11). */
struct spis {
	uint16_t n_esp, n_ah;
	uint32_t esp[CHILDREN_PER_PEER + 1], ah[CHILDREN_PER_PEER + 1];
};

static void spis_add(struct spis *to, uint8_t protocol, uint32_t spi)
{
	if (protocol == PROTO_AH && to->n_ah <= CHILDREN_PER_PEER)
		to->ah[to->n_ah++] = spi;
	else if (protocol != PROTO_AH && to->n_esp <= CHILDREN_PER_PEER)
		to->esp[to->n_esp++] = spi;
}

static void spis_write(struct build *b, const struct spis *from)
{
	if (from->n_esp)
		build_delete_spis(b, PROTO_ESP, from->esp, from->n_esp);
	if (from->n_ah)
		build_delete_spis(b, PROTO_AH, from->ah, from->n_ah);
}

void info_delete_children(struct ike_sa *sa)
{
	struct spis spi = { 0 };
	struct out o;

	for (struct child *c = sa->peer->children; c; c = c->next) {
		if (c->sa != sa || !c->del_want)
			continue;
		c->del_want = false;
		c->state = CH_DELETING;
		spis_add(&spi, c->esp.protocol, c->spi_in);
	}
	if (v2(sa)->orphan_spi)
		spis_add(&spi, v2(sa)->orphan_protocol, v2(sa)->orphan_spi);
	v2(sa)->orphan_spi = 0;
	out_request(sa, &o, INFORMATIONAL);
	spis_write(&o.b, &spi);
	out_send_request(sa, &o, TASK_DELETE_CHILD);
	peer_children_changed(sa->peer, "deleted");
}

void info_liveness(struct ike_sa *sa)
{
	struct out o;

	out_request(sa, &o, INFORMATIONAL);
	mobike_write_liveness(sa, &o.b);
	out_send_request(sa, &o, TASK_LIVENESS);
}

ACTION(info_answered)
{
	struct child *c, *next;

	if (!mobike_answered(sa, in)) {
		sa_close(sa);
		return V_DONE;
	}
	if (v2(sa)->task != TASK_DELETE_CHILD)
		return V_DONE;
	for (c = sa->peer->children; c; c = next) {
		next = c->next;
		if (c->sa == sa && c->state == CH_DELETING && !c->del_want)
			child_remove(c, ENGINE_LINGER_MS);
	}
	return V_DONE;
}

ACTION(info_close)
{
	(void)in;
	info_delete_ike(sa, 0);
	return V_DONE;
}

ACTION(info_silent)
{
	(void)sa;
	(void)in;
	return V_DONE;
}

/* The reason, where nobody gave one. */
ACTION(info_end)
{
	(void)in;
	if (sa->state == SA_ESTABLISHED && req_out(sa) && !sa->why) {
		negotiation_fail(sa, NEG_NO_ANSWER)->sent = v2(sa)->req_sent;
		sa_why(sa, false, "the peer does not answer any more");
		sa->dead_peer = true;
	}
	return V_DONE;
}

/* ---- begun by the peer ---- */

/* §1.4.1: the answer names our halves of the pairs; of those that we are deleting
 * ourselves at this moment it names nothing (§2.25.1). */
static void delete_children(struct ike_sa *sa, const struct delete_payload *d,
			    struct spis *ours)
{
	for (uint16_t i = 0; i < d->n; i++) {
		struct child *c = child_by_out(sa->peer, d->protocol, d->spi[i]);

		if (!c) {
			/* Perhaps its making is overtaken by its end. */
			if (v2(sa)->x)
				v2(sa)->x->deleted_spi = d->spi[i];
			continue;
		}
		if (c->state == CH_DELETING && !c->del_want) {
			/* Its own answer takes it out. */
			continue;
		}
		spis_add(ours, c->esp.protocol, c->spi_in);
		child_remove(c, ENGINE_LINGER_MS);
	}
}

/* The old ones are gone, so the peer has the new ones: send on them. */
static void activate(struct peer *p)
{
	for (struct child *c = p->children; c; c = c->next)
		if (c->state == CH_LIVE || c->state == CH_ADDING)
			child_activate(c);
}

/* RFC 4478 §3: it may be said at any time. */
static void auth_lifetime(struct ike_sa *sa, const struct ike_msg *m)
{
	struct notify n;

	if (sa->established_ms && ike_msg_notify(m, N_AUTH_LIFETIME, &n) && notify_u32(&n))
		again_sooner(sa, notify_u32(&n));
}

ACTION(info_request)
{
	struct spis ours = { 0 };
	const struct payload *p = NULL;
	struct delete_payload d;
	struct err err = { 0 };
	bool deleted = false;
	struct out o;

	/* Our Delete may be out on an IKE SA whose other end did not prove itself: children
	 * are no business of that one. */
	while (sa->established_ms && (p = ike_msg_next(in->m, PAYLOAD_DELETE, p))) {
		if (payload_delete(p->body, &d, &err) < 0) {
			out_answer_notify(sa, INFORMATIONAL, N_INVALID_SYNTAX,
					  (struct slice){ 0 });
			return V_STAY;
		}
		if (d.protocol == PROTO_IKE)
			continue;
		delete_children(sa, &d, &ours);
		deleted = true;
	}
	auth_lifetime(sa, in->m);
	out_response(sa, &o, INFORMATIONAL);
	spis_write(&o.b, &ours);
	mobike_answer(sa, in, &o.b);
	out_send_response(sa, &o, 0);
	mobike_requested(sa, in);
	if (deleted) {
		activate(sa->peer);
		peer_children_changed(sa->peer, "the peer deleted the child");
	}
	return V_DONE;
}

ACTION(info_delete)
{
	struct notify n;

	out_answer_empty(sa, INFORMATIONAL);
	if (ike_msg_notify(in->m, N_AUTHENTICATION_FAILED, &n)) {
		negotiation_refused(sa, n.type)->step = NEG_STEP_AUTH;
		sa_why(sa, true,
		       "the peer refuses us after all (AUTHENTICATION_FAILED): it does "
		       "not accept our ID, %s",
		       sa->peer->conf.auth == AUTH_BY_CERT ? "or not our certificate"
							 : "or has another PSK");
	} else if (!sa->why)
		sa_why(sa, false, "the peer ended it");
	return V_DONE;
}

ACTION(info_delete_crossed)
{
	(void)in;
	out_answer_empty(sa, INFORMATIONAL);
	return V_STAY;
}
