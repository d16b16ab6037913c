/* trust: the certificates and CRLs of pki/ as iked has them, and what IKE asks of them: our
 * chain to send, the CAs to ask for, and whether what a peer sent makes it who it says it is.
 * No private key comes here; those are vaultd's.
 *
 * A file of pki/ is known by its name there; a set of another file by that name takes its
 * place. Borrowed slices die with the next trust_set() or trust_remove().
 */
#ifndef ADIT_IKE_AUTH_TRUST_H
#define ADIT_IKE_AUTH_TRUST_H

#include "core/crypto/x509.h"
#include "core/ipc/msg.h"

#define TRUST_FILES_MAX 1024	/* certificates and CRLs */
#define TRUST_CAS_MAX 64	/* asked for in a CERTREQ */

struct trust;

/* NULL when out of memory. */
struct trust *trust_new(void);
void trust_free(struct trust *t);

/* MSG_PKI: the bytes of NAME.crt (PEM: end entity first, then its intermediates; or a CA) or
 * NAME.crl. What cannot be parsed takes the old one away all the same, and is an error. */
int trust_set(struct trust *t, const char *name, enum pki_kind kind, struct slice file,
	      struct err *e) MUST_USE;
void trust_remove(struct trust *t, const char *name, enum pki_kind kind);
/* Some peer's peer_cert: it vouches for that peer, and is no CA for others even when it says
 * so of itself (as what `openssl req -x509` makes does), unless their `ca` names it. */
void trust_pin(struct trust *t, const char *name, bool pinned);
/* Some peer's cert, peer_cert or ca: its end is warned of. A CA's always is. */
void trust_use(struct trust *t, const char *name, bool used);
size_t trust_count(const struct trust *t);
/* What ended or ends within TRUST_WARN_DAYS, "; " between: "the certificate gw expires in 12
 * days (2026-12-03)". Nothing is appended when nothing does. */
#define TRUST_WARN_DAYS 30
struct sbuf;
void trust_warnings(const struct trust *t, int64_t now_s, struct sbuf *out);

/* Our certificate for this peer (its `cert`), end entity first, then its intermediates: the
 * CERT payloads to send, DER. Returns how many; 0 with e when there is none of that name. A
 * root that issued itself is left out (RFC 7296 §3.6). */
size_t trust_own(const struct trust *t, const struct peer_conf *c,
		 struct slice out[X509_CHAIN_MAX], struct err *e) MUST_USE;
/* Its end entity, for its ID (x509_own_id), its key's type (pk) and its issuer; NULL: none. */
const struct x509 *trust_own_cert(const struct trust *t, const struct peer_conf *c);
/* The kind and size of our key, to choose a scheme by. */
int trust_own_key(const struct trust *t, const struct peer_conf *c, enum pk_type *type,
		  unsigned *bits, struct err *e) MUST_USE;

/* The CAs that may have issued this peer's certificate: `ca`, or every CA here; with a pinned
 * peer_cert its issuer's hash is not known and nothing is asked for. Returns how many. */
size_t trust_certreq(const struct trust *t, const struct peer_conf *c,
		     uint8_t out[TRUST_CAS_MAX][X509_HASH_LEN]);
/* The same as DER names, for IKEv1 (RFC 2408 §3.10). */
size_t trust_ca_names(const struct trust *t, const struct peer_conf *c,
		      struct slice out[TRUST_CAS_MAX]);
/* Was our certificate asked for: is one of the hashes its issuer's, or one on its way up? An
 * empty request asks for any. Only for telling in the log: IKE sends what is configured. */
bool trust_asked_for(const struct trust *t, const struct peer_conf *c,
		     struct slice hashes);

/* Whether these CERT payloads (DER, the first the peer's own; n may be 0 where peer_cert is
 * pinned) make the peer this ID by its settings: a chain to one of its CAs, or the pinned one
 * itself; in date at now_s; not revoked by its crl policy; the ID in it. Without peer_id and
 * with an address as ID the caller has compared already; id NULL leaves that check out.
 * On success *key is its public key, the caller's to pk_free(). The error is a sentence for
 * status and log: "its certificate expired 3 days ago (CN=gw, 2026-11-18)". */
int trust_verify(const struct trust *t, const struct peer_conf *c,
		 const struct slice *certs, size_t n, const struct ike_id *id,
		 int64_t now_s, struct pk **key, struct err *e) MUST_USE;

#endif
