/* pki: certificates are parsed here, in the process that parses what strangers send anyway. */
#include "ike/main/pki.h"

#include "core/base/log.h"
#include "core/ipc/fdfile.h"

#include <stdlib.h>
#include <string.h>

#define CERT_FILE_MAX (256 * 1024)
#define CRL_FILE_MAX (6 * 1024 * 1024)

static void settle(struct trust *t, const struct msg_pki *p)
{
	trust_pin(t, p->name, p->pinned);
	trust_use(t, p->name, p->used);
}

void pki_take(struct trust *t, struct ipc_msg *m)
{
	const struct msg_pki *p = m->body;
	enum pki_kind kind = (enum pki_kind)p->kind;
	struct err e = { 0 };
	uint8_t *file;
	size_t len;

	if ((kind != PKI_CERT && kind != PKI_CRL) ||
	    !memchr(p->name, '\0', sizeof(p->name)))
		return;
	if (p->gone || m->n_fds != 1) {
		trust_remove(t, p->name, kind);
		return;
	}
	if (fdfile_read(m->fds[0], kind == PKI_CERT ? CERT_FILE_MAX : CRL_FILE_MAX, &file,
			&len, &e) < 0) {
		trust_remove(t, p->name, kind);
		log_error(NULL, "pki/%s.%s: %s", p->name,
			  kind == PKI_CERT ? "crt" : "crl", e.msg);
		return;
	}
	if (trust_set(t, p->name, kind, (struct slice){ file, len }, &e) < 0)
		log_error(NULL, "%s", e.msg);
	else
		settle(t, p);
	free(file);
}
