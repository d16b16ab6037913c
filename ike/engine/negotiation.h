/* negotiation: what is kept of a failure, for `adit explain` (core/ipc/negotiation.h). Every
 * version of IKE calls these where it knows why something failed; one line each:
 *
 *	negotiation_fail(sa, NEG_NO_ANSWER)->sent = n;
 *
 * before sa_why(), slot_fail() or peer_fail() says it in words, which are taken over. What is
 * not said here is kept with its words alone. A peer keeps its last failure until what failed
 * has worked; one that is well keeps nothing. When memory is short nothing is kept.
 */
#ifndef ADIT_IKE_ENGINE_NEGOTIATION_H
#define ADIT_IKE_ENGINE_NEGOTIATION_H

#include "ike/engine/parts.h"

/* An attempt, or a call of the peer, failed. The step follows from how far the IKE SA is
 * (CALLING: INIT; PROVING, HALF_OPEN: AUTH; UP: LIVE); set ->step where that is not it. What
 * follows from the IKE SA and the settings is filled: addresses, NAT, our proposals, our and
 * the expected identity, methods. Never NULL: fill in the rest. Borrowed until the next call
 * of any of these. */
struct negotiation *negotiation_fail(struct ike_sa *sa, enum neg_end end);
/* The same where there is no IKE SA: a call that fits the peer's address was refused. */
struct negotiation *negotiation_call(struct peer *p, const struct ike_ops *ops,
				     const struct endpoint *local,
				     const struct endpoint *remote, enum neg_end end);
/* A child failed: initiator: we began the exchange; old: it was a rekey. Our ESP proposals and
 * networks are filled. slot may be SLOT_NONE: the first. */
struct negotiation *negotiation_child(struct ike_sa *sa, uint8_t slot, bool initiator, bool old,
				      enum neg_end end);

/* The peer's refusal (NEG_REFUSED, step as in negotiation_fail()). */
struct negotiation *negotiation_refused(struct ike_sa *sa, uint16_t notify);
/* The same of a child. */
void negotiation_child_refused(struct ike_sa *sa, uint8_t slot, bool old, uint16_t notify);
/* The peer is somebody else than expected, or expects somebody else than we are. wanted and
 * asked: type ID_NONE when there is none. */
void negotiation_ids(struct negotiation *n, const struct ike_id *ours,
		     const struct ike_id *theirs, const struct ike_id *wanted,
		     const struct ike_id *asked);
void negotiation_offer(struct neg_offer *to, const struct sa_payload *from);
/* Where no group is negotiated, neither side has one. */
void negotiation_without_ke(struct negotiation *n);
void negotiation_suites(struct neg_offer *to, enum suite_use use, const struct suite_list *from);
void negotiation_selectors(struct neg_selectors *to, const struct ts_list *from);
/* Somebody called whom no peer is set for. id: NULL when it did not say. */
void negotiation_stranger(struct engine *e, uint8_t version, const struct endpoint *local,
			  const struct endpoint *remote, const struct ike_id *id);

/* ---- by ike/engine ---- */

/* peer_fail() says it in words; a failure nobody told of is made up of them. */
void negotiation_words(struct peer *p, const char *why);
/* An IKE SA stands; a child of this slot stands. */
void negotiation_sa_up(struct peer *p);
void negotiation_child_up(struct peer *p, uint8_t slot);
void negotiation_free(struct peer *p);

#endif
