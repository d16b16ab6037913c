/* certs: what the list of certificates and what is done with them share. */
#ifndef ADIT_TUI_CERTS_H
#define ADIT_TUI_CERTS_H

#include "core/pki/pki.h"
#include "tui/tui.h"

struct certs {
	struct view v;
	struct pki_entry *list;
	size_t n, at, first;
	int rows, top;		/* as last drawn */
	bool stale;		/* something was done: read it again */
	char pick[PKI_NAME_MAX + 1];	/* what is to be selected then; "" as it was */
	char target[PKI_NAME_MAX + 1];	/* what an open form or question is about */
};

/* The name a thing is done with; NULL: none is selected. */
const struct pki_entry *certs_selected(const struct certs *c);

/* --- certs_make.c: new ones --- */

/* Ask what: a CA, a certificate, a request, a key. */
void certs_make(struct certs *c);
/* A certificate for a request of somebody else. */
void certs_sign(struct certs *c);

/* --- certs_do.c: with those that there are --- */

void certs_import(struct certs *c);
void certs_export(struct certs *c, const struct pki_entry *p);
void certs_revoke(struct certs *c, const struct pki_entry *p);
void certs_crl(struct certs *c, const struct pki_entry *p);
void certs_delete(struct certs *c, const struct pki_entry *p);
/* Everything about one. */
void certs_show(struct certs *c, const struct pki_entry *p);

/* The bytes of a file somebody named; *out is malloc'd, wiped by certs_unread(). */
int certs_read(const char *path, uint8_t **out, size_t *len, struct err *e) MUST_USE;
void certs_unread(uint8_t *p, size_t len);

#endif
