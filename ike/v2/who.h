/* who: whom an IKE_AUTH is from, and whom it asks for (RFC 7296 §2.15, §3.5). The rules are at
 * the top of auth.c.
 */
#ifndef ADIT_IKE_V2_WHO_H
#define ADIT_IKE_V2_WHO_H

#include "core/settings/conf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ike_sa;
struct peer;

/* local_id; or what our certificate is made out to; or our address. */
struct ike_id who_we_are(const struct ike_sa *sa);
/* How well the ID that came fits a peer; 0: not. */
int who_fits(const struct peer *p, const struct ike_sa *sa, const struct ike_id *id);
/* How well the IDr that the initiator asked for fits what we are for this peer; 0: not. Behind
 * a NAT we do not know what address we have outside; the initiator does. */
int who_asked(const struct peer *p, const struct ike_sa *sa, const struct ike_id *asked);
/* In words, who that peer would have to be. */
void who_expected(const struct peer *p, char *buf, size_t cap);

/* Is this AUTH method the way that this peer is to prove itself by? */
bool who_proves_by(const struct peer *p, uint8_t method);
const char *who_method(uint8_t method);		/* "pre-shared key", "certificate", … */

/* Which of the peers at that address is it? Whether it proves itself the way that one is to
 * weighs most, then its ID, then the address. Where its ID says nothing, because no peer_id
 * is set, it is the first that its certificate would do for. NULL: none. */
struct peer *who_is_it(struct ike_sa *sa, const struct ike_id *id, const struct ike_id *asked);

#endif
