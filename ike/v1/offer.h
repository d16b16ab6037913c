/* offer: IKEv1's proposals (RFC 2408 §3.5, §3.6; RFC 2409 Appendix A; RFC 2407 §4.4, §4.5).
 *
 * A transform here is one whole combination, where IKEv2 has one of each kind. It is read into
 * IKEv2's numbers, so that settings, choice and words are those of ike/wire; what has no such
 * number keeps its own and is never chosen.
 */
#ifndef ADIT_IKE_V1_OFFER_H
#define ADIT_IKE_V1_OFFER_H

#include "core/base/rd.h"
#include "core/base/wr.h"
#include "core/settings/conf.h"
#include "ike/wire/proposal.h"

#define OFFER_MAX 64		/* transforms in one SA payload, both ways */

/* Authentication methods, RFC 2409 Appendix A. */
enum v1_auth { V1_AUTH_PSK = 1, V1_AUTH_RSA = 3 };
/* Encapsulation modes, RFC 2407 §4.5, RFC 3947 §5.1, and its drafts. */
enum v1_mode {
	V1_TUNNEL = 1, V1_TRANSPORT = 2, V1_UDP_TUNNEL = 3, V1_UDP_TRANSPORT = 4,
	V1_UDP_TUNNEL_DRAFT = 61443, V1_UDP_TRANSPORT_DRAFT = 61444,
};

struct offer_transform {
	uint8_t proposal, number;	/* as the sender counts them */
	uint8_t protocol;		/* ISAKMP_PROTO_* */
	uint8_t spi_len;
	bool unfit;			/* has what we do not speak; or is one of a bundle */
	uint16_t encr, encr_bits, integ, prf, ke;	/* IKEv2's numbers; ke: PFS's */
	uint16_t auth, mode;
	uint32_t spi;
	uint32_t life_s, life_kb;	/* 0: not said */
	struct slice raw;		/* from its number on: an answer repeats it */
};

struct offer {
	uint8_t n;
	bool more;			/* some beyond OFFER_MAX were left out */
	struct offer_transform t[OFFER_MAX];
};

/* What both sides of a negotiation are about. */
struct offer_want {
	bool phase2;
	bool ah;			/* phase 2: AH, not ESP */
	uint16_t auth;			/* phase 1: enum v1_auth */
	uint16_t mode;			/* phase 2: enum v1_mode */
	uint16_t ke;			/* phase 2, responder: the group of the KE payload */
	uint32_t life_s, life_kb;	/* ours; life_kb 0: none */
	uint8_t check;			/* enum proposal_check */
};

/* Of an SA payload's body. Fails on what does not parse; on a DOI or situation other than
 * RFC 2407 §4.2's identity-only. */
int offer_read(struct slice body, bool phase2, struct offer *out, struct err *e) MUST_USE;

/* Our suites as transforms, best first, those that IKEv1 has no numbers for left out (AEAD in
 * phase 1, ChaCha20 in phase 2). Phase 2: all of the group of the first, as RFC 2409 §5.5
 * wants it. out->n is 0 when nothing is left. */
void offer_make(const struct suite_list *ours, const struct offer_want *want,
		struct offer *out);
/* The group that phase 2 is offered with; KE_NONE without PFS. */
uint16_t offer_group(const struct offer *ours);
/* The body of an SA payload. spi is written in phase 2 alone. */
void offer_write(struct wr *w, const struct offer *o, uint32_t spi);

/* Responder: the first of our suites that some transform of theirs fits. 0 with *out and the
 * transform in *t; its lifetimes are those to live by. tell: RESPONDER_LIFETIME is due
 * (claim). -1 with both sides in the words: NO_PROPOSAL_CHOSEN. */
int offer_choose(const struct offer *theirs, const struct suite_list *ours,
		 const struct offer_want *want, struct chosen *out,
		 struct offer_transform *t, bool *tell, struct err *e) MUST_USE;
/* The answer: t as it came, with our SPI. */
void offer_answer(struct wr *w, const struct offer_transform *t, uint32_t spi);

/* Initiator: the answer must be one transform, and one of ours. */
int offer_verify(const struct offer *answer, const struct offer *ours,
		 const struct offer_want *want, struct chosen *out,
		 struct offer_transform *t, struct err *e) MUST_USE;

/* As IKEv2 would have it, at most PROPOSALS_MAX of them, for words and for remembering. */
void offer_as_proposals(const struct offer *o, bool phase2, struct sa_payload *out);

#endif
