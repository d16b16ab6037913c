/* tap: IKE messages of a peer as they are inside of their encryption, and the keys, for `adit
 * capture`. Off unless somebody asked for it; then each costs a copy. */
#ifndef ADIT_IKE_ENGINE_TAP_H
#define ADIT_IKE_ENGINE_TAP_H

#include "ike/engine/parts.h"

/* An encrypted message was opened, or is about to be sealed. h: its header; inner: the payloads
 * that were or will be encrypted, first the type of the first of them. Nothing happens when
 * nobody listens. */
void tap_inner(struct ike_sa *sa, bool out, const struct ike_hdr *h, uint8_t first,
	       struct slice inner);
/* The same of IKEv1's, whose header stands before payloads in clear, with padding behind. */
void tap_padded(struct ike_sa *sa, bool out, const uint8_t *msg, size_t len);
/* The keys of an IKE SA are there. */
void tap_keys(struct ike_sa *sa);
static inline bool tap_wanted(const struct ike_sa *sa)
{
	return sa->peer && sa->peer->tap;
}

#endif
