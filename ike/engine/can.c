/* can: what the dataplane can, held against what a peer's settings ask of it: whether ESP goes
 * in UDP, and which children have no place here.
 */
#include "ike/engine/parts.h"

/* AH cannot go in UDP (RFC 3947 §1), and transport mode in UDP is about a NAT (RFC 7296
 * §2.23.1): for them none is made up. */
static bool has_plain_needs(const struct peer *p)
{
	for (uint8_t i = 0; i < p->conf.n_children; i++) {
		const struct child_conf *cc = &p->conf.children[i];

		if (!child_is_plain(cc) && (cc->ah || cc->mode == MODE_TRANSPORT))
			return true;
	}
	return false;
}

enum can_encap peer_encap(const struct peer *p)
{
	if (p->conf.encap == ENCAP_FORCE || p->e->can.encap == CAN_ENCAP_ONLY)
		return CAN_ENCAP_ONLY;
	if (p->conf.encap == ENCAP_NEVER || has_plain_needs(p))
		return CAN_ENCAP_ANY;
	return (enum can_encap)p->e->can.encap;
}

const char *sa_encap_refused(const struct ike_sa *sa, bool natt)
{
	const char *why = peer_hindrance(sa->peer);

	if (why)
		return why;
	return natt || peer_encap(sa->peer) != CAN_ENCAP_ONLY ? NULL :
	       "the peer does not know NAT traversal, and this side must wrap ESP in UDP";
}

static const char *child_hindrance(const struct peer *p, const struct child_conf *cc)
{
	const struct engine_can *can = &p->e->can;

	if (cc->ah && (!can->ah || can->encap == CAN_ENCAP_ONLY))
		return "the dataplane of this router has no AH: ah = no, or dataplane = kernel in "
		       "adit.conf";
	if (cc->mode == MODE_TRANSPORT && !can->transport)
		return "the dataplane of this router has no transport mode: mode = tunnel, or "
		       "dataplane = kernel in adit.conf";
	return NULL;
}

const char *peer_hindrance(const struct peer *p)
{
	const char *why = NULL;

	if (!p->e->dataplane)
		return NULL;
	if (p->conf.encap == ENCAP_NEVER && p->e->can.encap == CAN_ENCAP_ONLY)
		return "encap is never, and the dataplane of this router can only send ESP in UDP";
	for (uint8_t i = 0; i < p->conf.n_children; i++) {
		const struct child_conf *cc = &p->conf.children[i];
		const char *of_child = child_hindrance(p, cc);

		if (child_is_plain(cc))
			continue;
		if (!of_child)
			return NULL;
		why = why ? why : of_child;
	}
	return why;
}

const char *slot_hindrance(const struct peer *p, uint8_t slot)
{
	const struct child_conf *cc = slot_conf(p, slot);

	return cc && !child_is_plain(cc) && p->e->dataplane ? child_hindrance(p, cc) : NULL;
}

bool slot_served(const struct peer *p, uint8_t slot)
{
	const struct child_conf *cc = slot_conf(p, slot);

	return cc && !child_is_plain(cc) && !slot_hindrance(p, slot);
}

const char *slot_blocked(const struct ike_sa *sa, uint8_t slot)
{
	const struct child_conf *cc = slot_conf(sa->peer, slot);
	const char *why = slot_hindrance(sa->peer, slot);

	if (why || !cc || !cc->ah || !sa->encap)
		return why;
	return sa->nat_local || sa->nat_remote ?
	       "AH cannot pass a NAT, and there is one between the two routers: take ESP" :
	       "AH cannot go in UDP, which encap = force demands";
}

uint8_t slot_first(const struct ike_sa *sa)
{
	for (uint8_t i = 0; i < sa->peer->conf.n_children; i++)
		if (slot_served(sa->peer, i) && !slot_blocked(sa, i))
			return i;
	return SLOT_NONE;
}

const struct suite_list *slot_suites(const struct child_conf *cc, struct suite_list *room)
{
	if (!cc->ah)
		return &cc->esp;
	proposal_ah(&cc->esp, cc->ah, room);
	return room;
}
