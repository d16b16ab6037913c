/* pki: the certificates, keys, requests and CRLs of this router, in the folder pki/ of the
 * config dir; for the verbs of `adit pki` and for the screen. Nothing prints here.
 *
 *	NAME.crt	PEM: the certificate, then the intermediates above it; or a CA
 *	NAME.key	0600, PEM, PKCS#8: its private key
 *	NAME.csr	a request whose certificate has not come back yet
 *	NAME.crl	the revocation list of the CA of that name
 *
 * One name is one thing: a key, its request, its certificate. Changes are made under the lock
 * of the settings, each file whole (temp, fsync, rename, fsync of the folder), a key before
 * what belongs to it. They are no part of the history: keys do not lie about in old copies,
 * and a revocation is not rolled back. The daemon takes changes over at a reload.
 */
#ifndef ADIT_PKI_PKI_H
#define ADIT_PKI_PKI_H

#include "core/base/err.h"
#include "core/base/rd.h"
#include "core/settings/conf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PKI_TEXT_MAX 560
#define PKI_WARN_DAYS 30	/* before the end a certificate is warned of */
#define PKI_FILE_MAX (512u * 1024)	/* of what is imported */
#define PKI_PASSWORD_MAX 256

enum pki_role {
	PKI_ROLE_CA,		/* a CA's certificate; with has_key one of ours */
	PKI_ROLE_OWN,		/* a certificate and its key */
	PKI_ROLE_PEER,		/* somebody's certificate, without a key */
	PKI_ROLE_REQUEST,	/* a key and its request: the certificate is to be imported */
	PKI_ROLE_KEY,		/* a key alone */
	PKI_ROLE_CRL,		/* a CRL without its CA */
};
const char *pki_role_name(enum pki_role r);	/* "CA", "own", "peer", "request", "key", "CRL" */

/* One name of pki/, as text for table and form. Times are seconds since 1970. */
struct pki_entry {
	char name[PKI_NAME_MAX + 1];
	enum pki_role role;
	bool has_key, has_csr, has_crl;
	char problem[200];		/* what is wrong with a file; "": nothing */
	char subject[PKI_TEXT_MAX];	/* "C=CH, O=Acme, CN=gw" */
	char short_subject[PKI_TEXT_MAX];	/* "CN=gw" */
	char sans[PKI_TEXT_MAX];	/* "DNS:gw.example, IP:192.0.2.1" */
	char issuer[PKI_TEXT_MAX];
	bool self_signed;
	char serial[100], key_type[24], eku[120], crl_url[256];
	char sha256[100];		/* the certificate's fingerprint, "ab:cd:…" */
	int64_t not_before, not_after;	/* 0: no certificate */
	long days_left;			/* negative: expired so many days ago */
	bool revoked;
	int64_t revoked_at;
	unsigned n_chain;		/* intermediates in the file */
	unsigned n_revoked;		/* entries of its CRL */
	int64_t crl_until;		/* when the next one is due; 0: not said */
	char used_by[200];		/* peers, "branch, hq" */
};

/* All of pki/, sorted: CAs first, then by name. No folder: none. *out is the caller's to
 * free(). A file that cannot be read is an entry with a problem. */
int pki_list(const char *dir, struct pki_entry **out, size_t *n, struct err *e) MUST_USE;
/* One. EXIT_FAILED with the nearest name when there is none. */
int pki_get(const char *dir, const char *name, struct pki_entry *out,
	    struct err *e) MUST_USE;
/* May it be a name: letters, digits, . _ -, at most PKI_NAME_MAX. */
int pki_check_name(const char *name, struct err *e) MUST_USE;

/* What is wanted; zero or "" for what is not said. */
struct pki_want {
	char name[PKI_NAME_MAX + 1];
	char type[16];		/* of the key: "rsa3072" …; "": ecdsa256 */
	char ca[PKI_NAME_MAX + 1];	/* which CA of ours signs */
	char subject[PKI_TEXT_MAX];	/* "C=CH, O=Acme, CN=gw", "/C=CH/O=Acme/CN=gw", or a
					 * common name alone; "": CN=NAME */
	char san[PKI_TEXT_MAX];	/* "gw.example,192.0.2.1,noc@gw.example", "DNS:" "IP:" "email:"
				 * before each allowed */
	char eku[120];		/* "": serverAuth,clientAuth; "none" */
	char crl_url[256];
	unsigned days;		/* 0: 3650 for a CA, 1095 otherwise */
};
#define PKI_DAYS_MAX 36500

/* A new key alone. */
int pki_make_key(const char *dir, const struct pki_want *w, struct err *e) MUST_USE;
/* A key and a certificate of a new CA, signed by itself; with w->ca by that one. */
int pki_make_ca(const char *dir, const struct pki_want *w, struct err *e) MUST_USE;
/* A certificate by our CA: with a new key, or for the key that the name has already. With its
 * own name as ca it signs itself, for peers that pin it. */
int pki_issue(const char *dir, const struct pki_want *w, struct err *e) MUST_USE;
/* A request, with a new key or the one that the name has; *pem (to be free()d; may be NULL)
 * is what goes to the other side. */
int pki_make_csr(const char *dir, const struct pki_want *w, char **pem,
		 struct err *e) MUST_USE;
/* A certificate for somebody's request: what w does not say is as the request has it. The
 * certificate is kept as NAME.crt; *pem (may be NULL) is what goes back. */
int pki_sign(const char *dir, struct slice csr, const struct pki_want *w, char **pem,
	     struct err *e) MUST_USE;

/* What an import brought. */
struct pki_imported {
	char name[PKI_NAME_MAX + 1];
	enum pki_role role;
	bool key;			/* a private key was among it */
	unsigned n_certs;		/* stored under that name */
	char also[300];			/* other names it became: "acme-ca" */
	bool need_password, wrong_password;	/* -1: ask, and call again */
	bool renewed;			/* a certificate for a key or name that was there */
};
/* A file's bytes: PEM (certificates, key, CRL, in any mixture), DER, PKCS#12. name "": the
 * request it answers, the CA a CRL is of, or what file_name, a subject or the file says. A
 * name that is taken is an error unless the key is the same. A root that comes along with
 * somebody's certificate becomes an entry of its own. password NULL: none yet. */
int pki_import(const char *dir, struct slice file, const char *file_name,
	       const char *name, const char *password, struct pki_imported *out,
	       struct err *e) MUST_USE;

enum pki_format { PKI_PEM, PKI_PEM_KEY, PKI_P12, PKI_P12_LEGACY };
/* As bytes, the caller's to pki_export_free(): certificate and intermediates (PEM), the key
 * (PEM), or all, with the CA where it is here, as PKCS#12 under a password. */
int pki_export(const char *dir, const char *name, enum pki_format f, const char *password,
	       uint8_t **out, size_t *len, struct err *e) MUST_USE;
void pki_export_free(uint8_t *bytes, size_t len);	/* wipes */

/* Put a certificate on its CA's list: by name here, or by serial number "4f:03:a1". ca may be
 * "" with a name. reason: "", "keyCompromise", "superseded" …. */
int pki_revoke(const char *dir, const char *name_or_serial, const char *ca,
	       const char *reason, struct err *e) MUST_USE;
/* A fresh list of this CA, good for so many days (0: 30), stored and as DER (to be free()d;
 * may be NULL). A CA without its key: the list that was imported. */
int pki_crl(const char *dir, const char *ca, unsigned days, uint8_t **der, size_t *len,
	    struct err *e) MUST_USE;
/* A CRL as PEM. */
struct sbuf;
void pki_crl_pem(struct sbuf *out, const uint8_t *der, size_t len);
/* All its files. Refused while a peer uses it. */
int pki_delete(const char *dir, const char *name, struct err *e) MUST_USE;

/* Own certificates and CAs that ended or end within PKI_WARN_DAYS, a sentence each:
 * "certificate gw: 12 days left (2026-12-03)". Returns how many lines were appended. */
size_t pki_warnings(const char *dir, struct sbuf *out);

#endif
