/* sign: phase 1 proven by RSA signatures (RFC 2409 §5.1). Certificates are ike/auth/trust.h's,
 * our private key is the vault's; the peer's signature is checked here.
 */
#ifndef ADIT_IKE_V1_SIGN_H
#define ADIT_IKE_V1_SIGN_H

#include "ike/v1/v1.h"

/* Is this how the two prove themselves? IKEv1 has one method for both sides. */
bool sign_wanted(const struct peer *p);
/* Can it be: are there a certificate and an RSA key, and does the exchange allow it? */
int sign_ready(const struct peer *p, struct err *e) MUST_USE;
/* Who we are when local_id does not say: our certificate's subject. ID_NONE: nobody. */
struct ike_id sign_own_id(const struct peer *p);
/* CERT payloads: our chain. */
int sign_write_chain(const struct peer *p, struct isakmp_build *b, struct err *e) MUST_USE;
/* CR payloads: the CAs that may have issued the peer's; one without a name asks for any. */
void sign_write_request(const struct peer *p, struct isakmp_build *b);
/* Do the certificates in m make the peer this ID, and is its SIG one over hash? */
int sign_check(const struct peer *p, const struct isakmp_msg *m, const struct ike_id *id,
	       struct slice hash, struct err *e) MUST_USE;
/* The certificates alone. */
int sign_belongs(const struct peer *p, const struct isakmp_msg *m, const struct ike_id *id,
		 struct err *e) MUST_USE;

#endif
