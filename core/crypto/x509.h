/* x509: certificates and CRLs as IKE needs them (RFC 5280, RFC 4945), and the way from a
 * peer's certificate to a CA that is trusted.
 *
 * Everything here reads bytes from strangers: every length is bounded by what came, every
 * count has a cap, nothing recurses. What is parsed lies in one copy of the DER that the
 * object owns; slices point into it and die with it. Policies, name constraints other than
 * those refused as critical, and delta CRLs are not processed (RFC 5280 §6 lets a verifier
 * refuse what it does not know when it is critical, and so it does).
 */
#ifndef ADIT_CRYPTO_X509_H
#define ADIT_CRYPTO_X509_H

#include "core/base/err.h"
#include "core/base/rd.h"
#include "core/crypto/pk.h"
#include "core/settings/conf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define X509_DER_MAX 16384	/* bytes of one certificate */
#define X509_CRL_MAX (4u << 20)	/* bytes of a CRL */
#define X509_CHAIN_MAX 8	/* certificates between a peer and its CA, both counted */
#define X509_SANS_MAX 64	/* more are an error */
#define X509_SERIAL_MAX 32	/* bytes; RFC 5280 §4.1.2.2 allows 20 */
#define X509_HASH_LEN 20	/* SHA-1 of a SubjectPublicKeyInfo, RFC 7296 §3.7 */
#define X509_DN_TEXT_MAX 560
#define X509_SAN_TEXT_MAX 300
#define X509_SERIAL_TEXT_MAX 100

/* GeneralName's context tags, RFC 5280 §4.2.1.6. */
enum x509_san_type {
	X509_SAN_EMAIL = 1, X509_SAN_DNS = 2, X509_SAN_DIRECTORY = 4, X509_SAN_URI = 6,
	X509_SAN_IP = 7,
};
struct x509_san {
	uint8_t type;		/* others are kept too, by their tag */
	struct slice value;	/* IP: 4 or 16 bytes; DIRECTORY: the Name's DER */
};

/* Key usage, bits as RFC 5280 §4.2.1.3 numbers them. */
enum {
	X509_USE_SIGNATURE = 1 << 0, X509_USE_NON_REPUDIATION = 1 << 1,
	X509_USE_KEY_ENCIPHERMENT = 1 << 2, X509_USE_CERT_SIGN = 1 << 5,
	X509_USE_CRL_SIGN = 1 << 6,
};
/* Extended key usage. */
enum {
	X509_EKU_SERVER = 1 << 0, X509_EKU_CLIENT = 1 << 1,
	X509_EKU_IKE = 1 << 2,		/* ipsecIKE, RFC 4945 §5.1.3.12 */
	X509_EKU_IKE_OLD = 1 << 3,	/* 1.3.6.1.5.5.8.2.2, Microsoft's */
	X509_EKU_ANY = 1 << 4, X509_EKU_IPSEC_OLD = 1 << 5, /* ipsecEndSystem, Tunnel, User */
	X509_EKU_OTHER = 1 << 6,
};

struct x509 {
	struct slice der, tbs;		/* whole, and what is signed */
	struct slice sig_alg, sig;	/* AlgorithmIdentifier; the signature's bytes */
	struct slice serial;		/* the INTEGER's bytes */
	struct slice issuer, subject;	/* the Names' DER; subject may be an empty one */
	struct slice spki;		/* SubjectPublicKeyInfo, DER */
	int64_t not_before, not_after;	/* seconds since 1970 */
	bool ca;			/* basic constraints say so; of a version 1 certificate
					 * that issued itself: true */
	int path_len;			/* -1: no limit */
	unsigned key_usage;		/* 0: not limited */
	unsigned eku;			/* 0: not limited */
	struct slice key_id, authority_key_id;	/* empty where absent */
	struct slice crl_url;		/* the first distribution point's; empty: none */
	size_t n_sans;
	struct x509_san *sans;
	const char *refuse;		/* why it cannot be used at all (a critical extension that
					 * is not known); NULL: it can */
	char refuse_text[80];
};

/* Exactly one certificate in DER; what lies behind it is an error. */
struct x509 *x509_parse(struct slice der, struct err *e) MUST_USE;
void x509_free(struct x509 *c);
/* The certificates of a file: PEM with any text around, or one in DER; in the order of the
 * file, at most max. *n is how many; more than max, or none, is an error. */
int x509_parse_file(struct slice file, struct x509 **out, size_t max, size_t *n,
		    struct err *e) MUST_USE;

/* Subject and issuer are the same name, and its key made the signature. */
bool x509_self_signed(const struct x509 *c);
/* Names equal as RFC 5280 §7.1 has it for what one meets: attribute by attribute, the kinds
 * of string alike, letters' case and blanks of ASCII folded. */
bool x509_dn_equal(struct slice a, struct slice b);
/* "C=CH, O=Acme, CN=gw": in the order of the DER, as core/settings/id.h writes it. Safe for
 * any bytes. Returns buf, X509_DN_TEXT_MAX or more. */
const char *x509_dn_str(struct slice dn, char *buf, size_t cap);
/* "CN=gw", or the whole when it has no common name. */
const char *x509_dn_short(struct slice dn, char *buf, size_t cap);
/* "DNS:gw.example", "IP:192.0.2.1", "email:a@b.example". */
const char *x509_san_str(const struct x509_san *s, char *buf, size_t cap);
/* "4f:03:a1" */
const char *x509_serial_str(struct slice serial, char *buf, size_t cap);
/* SHA-1 of the SubjectPublicKeyInfo: what CERTREQ names a CA by (RFC 7296 §3.7). */
void x509_spki_hash(const struct x509 *c, uint8_t out[X509_HASH_LEN]);

/* May somebody who shows this certificate be this ID (RFC 4945 §3.1)? An address, a host
 * name or a mail address must be among the subject alternative names (a host name without
 * any dNSName there may be the common name); a DN must be the subject, as DER or as
 * x509_dn_equal(), or a directoryName. Wildcards in certificates match nothing. KEY_ID is
 * never in a certificate. e tells what it is made out to. */
int x509_check_id(const struct x509 *c, const struct ike_id *id, struct err *e) MUST_USE;
/* What a certificate's owner calls itself when nothing is configured: its subject, or, where
 * that is empty or too long, its first DNS, IP or mail name. ID_NONE when there is none. */
struct ike_id x509_own_id(const struct x509 *c);

/* A revocation list. */
struct x509_crl;
struct x509_crl *x509_crl_parse(struct slice der_or_pem, struct err *e) MUST_USE;
void x509_crl_free(struct x509_crl *l);
struct slice x509_crl_der(const struct x509_crl *l);
struct slice x509_crl_issuer(const struct x509_crl *l);
int64_t x509_crl_this_update(const struct x509_crl *l);
int64_t x509_crl_next_update(const struct x509_crl *l);	/* 0: not said */
/* Its entries: a cursor for x509_crl_next(), which says false behind the last. */
struct x509_revoked {
	struct slice serial;
	int64_t when;
	int reason;		/* RFC 5280 §5.3.1; -1: not said */
};
struct rd x509_crl_entries(const struct x509_crl *l);
bool x509_crl_next(struct rd *entries, struct x509_revoked *out);
uint32_t x509_crl_number(const struct x509_crl *l);		/* 0: not said */
size_t x509_crl_count(const struct x509_crl *l);
/* False: not on it. out may be NULL. */
bool x509_crl_find(const struct x509_crl *l, struct slice serial, struct x509_revoked *out);
/* Is it that CA's: same name, may sign CRLs, signature right. Remembers a yes. */
int x509_crl_verify(struct x509_crl *l, const struct x509 *ca, struct err *e) MUST_USE;

/* What to verify against. All borrowed. */
struct x509_trust {
	const struct x509 *const *anchors;	/* trusted by being here: CAs, or a pinned peer */
	size_t n_anchors;
	const struct x509 *const *more;		/* intermediates known without being sent */
	size_t n_more;
	struct x509_crl *const *crls;
	size_t n_crls;
	bool sha1;		/* take SHA-1 signatures in the chain (allow_weak) */
	enum crl_policy crl;	/* LENIENT: revoked where a CRL says so, else fine. STRICT: every
				 * CA on the way must have a CRL, valid, not past nextUpdate */
	int64_t now_s;
};

/* Is chain[0] somebody these anchors vouch for now? chain: as the peer sent them, its own
 * first, the rest in any order, some of no use; X509_CHAIN_MAX certificates of each are looked
 * at. The way is at most X509_CHAIN_MAX long. Checked for each: validity, CA flag, path
 * length, key usage, signature (an anchor's own is not looked at), RSA of 2048 bits or more,
 * revocation; for chain[0] that it may sign and that its
 * extended key usage, if any, allows IKE (RFC 4945 §5.1.3.12; serverAuth and clientAuth are
 * taken, as everybody does). On success *anchor (may be NULL) is the one it ended at. The
 * error says which certificate, what, and since when. */
int x509_verify(const struct x509 *const *chain, size_t n, const struct x509_trust *t,
		const struct x509 **anchor, struct err *e) MUST_USE;
/* The public key, the caller's to pk_free(). */
struct pk *x509_key(const struct x509 *c, struct err *e) MUST_USE;
/* Did ca's key make the signature of signed octets with this AlgorithmIdentifier? */
int x509_check_signature(struct slice signed_octets, struct slice sig_alg, struct slice sig,
			 const struct x509 *ca, struct err *e) MUST_USE;

#endif
