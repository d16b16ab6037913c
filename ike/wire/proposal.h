/* proposal: offering, choosing and checking algorithms (RFC 7296 §2.7, §3.3).
 *
 * Who decides: the responder goes by its own settings. Its suites in their order, for each the
 * initiator's proposals in theirs; the first pair that agrees in every type is taken, and
 * within a type our first alternative that they offer. One exception: when the initiator's KE
 * payload is of a group that this pair allows, that group is taken, for it saves a round trip
 * and any allowed group is good enough.
 */
#ifndef ADIT_WIRE_PROPOSAL_H
#define ADIT_WIRE_PROPOSAL_H

#include "core/base/err.h"
#include "core/crypto/alg.h"
#include "ike/wire/payload.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WANT_ESN_NO = 1 << 0, WANT_ESN_YES = 1 << 1 };

/* What a negotiation is for. */
struct proposal_want {
	uint8_t protocol;	/* PROTO_IKE, PROTO_ESP or PROTO_AH */
	uint8_t spi_len;	/* IKE_SA_INIT: 0; rekeying the IKE SA: 8; ESP, AH: 4 */
	uint64_t spi;		/* ours, when we offer: what the peer is to use */
	bool ke;		/* ESP, AH: false in IKE_AUTH, where no KE is negotiated (§1.2): none
				 * is offered, theirs are ignored; true in CREATE_CHILD_SA, where
				 * the suite says whether there is PFS. IKE: always true. */
	uint8_t esn;		/* ESP, AH: WANT_ESN_* that the dataplane can do; at least one */
	uint16_t ke_sent;	/* choosing: the group of the KE payload that came, or 0 */
};

/* What was agreed on. Algorithms are in alg's table, so alg_get() finds them. */
struct chosen {
	uint8_t number;		/* of the proposal, for the answer */
	uint8_t protocol;
	uint8_t spi_len;
	uint64_t spi;		/* the peer's */
	uint16_t encr, encr_bits;	/* 0 with AH */
	uint16_t integ;		/* INTEG_NONE with AEAD */
	uint16_t prf;		/* IKE only, else 0 */
	uint16_t ke;		/* KE_NONE: no PFS */
	bool esn;
	uint8_t types;		/* 1 << enum alg_type for each type that the offer had, hence
				 * the answer has (§3.3.6: exactly one of each) */
};

/* What is offered for AH (RFC 4302) by this integrity algorithm: with the groups of these suites
 * of ESP, their ciphers and hashes left out. */
void proposal_ah(const struct suite_list *esp, uint16_t integ, struct suite_list *out);

/* Our suites as an offer: suite i is proposal i + 1. Key exchange groups as want->ke says.
 * ESN transforms: "yes" first when both. */
void proposal_offer(const struct suite_list *ours, const struct proposal_want *want,
		    struct sa_payload *out);

/* Responder: choose from an offer. 0 with *out; -1 when nothing fits: NO_PROPOSAL_CHOSEN, and
 * *e holds what proposal_compare() says. SPIs of the wrong length, 0, or up to 255 for ESP
 * and AH (RFC 4303 §2.1, RFC 4302 §2.4) make a proposal unfit. */
int proposal_choose(const struct sa_payload *theirs, const struct suite_list *ours,
		    const struct proposal_want *want, struct chosen *out, struct err *e) MUST_USE;
/* The answer to what was chosen, with our SPI (spi_len from c). */
void proposal_answer(const struct chosen *c, uint64_t our_spi, struct sa_payload *out);

/* Initiator: the answer must be one proposal of ours, with one transform of each type that we
 * offered, from those we offered. A peer's "NONE" for a type that we did not offer is let
 * pass. want is the one we offered with. -1: the peer is wrong, *e says how. */
int proposal_verify(const struct sa_payload *answer, const struct sa_payload *offered,
		    const struct proposal_want *want, struct chosen *out, struct err *e) MUST_USE;

/* Does the peer's KE payload fit what was chosen? false: answer INVALID_KE_PAYLOAD with
 * c->ke (§1.2, §1.3). group 0: there was no KE payload, which fits KE_NONE alone. */
static inline bool proposal_ke_fits(const struct chosen *c, uint16_t group)
{
	return c->ke == group;
}
/* Initiator got INVALID_KE_PAYLOAD: is this group among what we offered? If not, the answer
 * is forged or the peer is broken; do not follow it (§1.2). */
bool proposal_offers_ke(const struct sa_payload *offered, uint16_t group);
/* The group to send a KE payload for: the first group of the first proposal, or KE_NONE. */
uint16_t proposal_first_ke(const struct sa_payload *offered);

/* Both sides next to each other, one line of plain words, cut to cap (>= 64; 400 holds usual
 * ones): "ours: AES-256-GCM | HMAC-SHA2-384 | ECP 384; theirs: AES-128-CBC | HMAC-SHA1 | MODP
 * 1024; no common encryption, PRF, key exchange group". Suites and proposals are joined with
 * " or ". Returns buf. */
const char *proposal_compare(const struct suite_list *ours, const struct sa_payload *theirs,
			     const struct proposal_want *want, char *buf, size_t cap);
/* 1 << enum alg_type for each type where both sides share nothing, all proposals taken
 * together; 0 when every type has something but no single proposal has all. */
unsigned proposal_missing(const struct suite_list *ours, const struct sa_payload *theirs,
			  const struct proposal_want *want);
/* "encryption", "PRF", "integrity", "key exchange group", "sequence numbers". */
const char *proposal_type_words(uint8_t type);
/* An offer as text: "AES-256-GCM | HMAC-SHA2-384 | ECP 384 or …". */
const char *proposal_str(const struct sa_payload *sa, char *buf, size_t cap);
/* "AES-256-GCM, HMAC-SHA2-384, ECP 384", "AH, HMAC-SHA2-256, ECP 384" for "established" lines; cap >= 96. */
const char *chosen_str(const struct chosen *c, char *buf, size_t cap);

#endif
