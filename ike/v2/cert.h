/* cert: authentication by signature and certificate in IKEv2 (RFC 7296 §2.15, §3.6, §3.7,
 * RFC 7427). Certificates are ike/auth/trust.h's, our private key is the vault's; the peer's
 * signature is checked here.
 */
#ifndef ADIT_IKE_V2_CERT_H
#define ADIT_IKE_V2_CERT_H

#include "core/base/err.h"
#include "core/base/rd.h"
#include "core/settings/conf.h"

#include <stdbool.h>
#include <stdint.h>

struct build;
struct engine;
struct ike_msg;
struct ike_sa;
struct input;
struct peer;

/* What we say we take in method 14: SHA2-256, 384, 512. */
#define CERT_HASHES (1u << 2 | 1u << 3 | 1u << 4)

/* Who we are for this peer: local_id; else, with a certificate, its subject's DN (or its first
 * name, where that is empty); else ID_NONE. */
struct ike_id cert_own_id(const struct peer *p);
/* May we, for this peer, call ourselves so? With a certificate and without local_id: whatever
 * our certificate holds. */
bool cert_may_be(const struct peer *p, const struct ike_id *id);

/* How to sign for this peer, who takes these hashes (bits 1 << SIGHASH_*; 0: it does not know
 * RFC 7427). 0 with *e when the key is not there or nothing fits. */
uint8_t cert_scheme(const struct peer *p, unsigned peer_hashes, struct err *e);
/* The AUTH payload of a signature made by that scheme. */
void cert_write_auth(struct build *b, uint8_t scheme, struct slice signature);
/* AUTH's data alone, as NO_PPK_AUTH repeats it (RFC 8784 §3); 0 bytes: it does not fit in
 * cap. */
size_t cert_auth_data(uint8_t scheme, struct slice signature, uint8_t *buf, size_t cap);

/* Our chain, as CERT payloads. -1: there is none. */
int cert_write_chain(struct build *b, const struct peer *p, struct err *e) MUST_USE;
/* Ask this peer for a certificate by one of its CAs, where that makes sense. */
void cert_write_request(struct build *b, const struct peer *p);
/* The same in the answer to IKE_SA_INIT, when it is not known yet which of the peers there it
 * is: the CAs of all of them. */
void cert_write_requests(struct build *b, struct engine *e, const struct input *in);
/* Is anyone there who signs? Then the hash algorithms are worth saying. */
bool cert_in_use(const struct peer *p);

/* The message's certificates, to be kept: 4 bytes of length before each. 0 bytes: none. *p is
 * malloc()ed. */
int cert_keep(const struct ike_msg *m, uint8_t **p, size_t *len, struct err *e) MUST_USE;
/* Does what was kept (in the handshake) prove that the peer is who it says? octets: what it
 * signed. *e is a sentence for status and log. */
int cert_check(const struct ike_sa *sa, const struct ike_id *id, struct slice octets,
	       struct err *e) MUST_USE;
/* The certificates alone, for telling peers apart that have the same ID or none. */
bool cert_belongs(const struct ike_sa *sa, const struct peer *p, const struct ike_id *id);

static inline bool cert_method(uint8_t method)
{
	return method == 1 || (method >= 9 && method <= 11) || method == 14;
}

#endif
