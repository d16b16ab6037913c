/* ppk: a pre-shared key mixed into what IKE_SA_INIT agreed on, so that whoever records now and
 * breaks the key exchange later has nothing (RFC 8784). The key is the vault's.
 */
#ifndef ADIT_IKE_V2_PPK_H
#define ADIT_IKE_V2_PPK_H

#include "core/base/err.h"
#include "core/base/rd.h"

#include <stdbool.h>

struct build;
struct handshake;
struct ike_sa;
struct peer;
struct ppk_keys;

/* SK_d, SK_pi and SK_pr go to the vault; its answer to ppk_store(). */
void ppk_ask(struct ike_sa *sa);
/* -1: it cannot be that. */
int ppk_store(struct ike_sa *sa, struct slice answer, struct err *e) MUST_USE;
/* SK_pi or SK_pr as the PPK makes it, as long as those. */
struct slice ppk_sk_p(const struct ike_sa *sa, bool of_initiator);
/* From now on they are the IKE SA's keys. */
void ppk_apply(struct ike_sa *sa);
void ppk_forget(struct handshake *hs);		/* wipes; none is fine */

/* The initiator's notifies, where a PPK is to be used: PPK_IDENTITY with the peer's ppk_id
 * (§5.1), and NO_PPK_AUTH where it may do without (§3). */
void ppk_write(struct ike_sa *sa, struct build *b);
/* The initiator has the answer: the responder took our PPK, or not; then AUTH is by the keys
 * without, or, -1 and sa_why(), this side requires it. */
int ppk_settle(struct ike_sa *sa) MUST_USE;
/* Is the identity that came (type and ID) this peer's? */
bool ppk_is(const struct peer *p, struct slice identity);

#endif
