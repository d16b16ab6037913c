/* vaultd: holds the secrets, answers what can be answered with them, gives none out. It has
 * no network and no files: one link to aditd, which brings the secrets, and one to iked,
 * which asks. DESIGN.md section 1. */
#include "core/base/log.h"
#include "core/base/secret.h"
#include "core/daemon/child.h"
#include "core/ipc/fdfile.h"
#include "ike/auth/keys.h"
#include "ike/auth/vault.h"

#include <string.h>

struct vaultd {
	struct loop *loop;
	struct vault *vault;
	struct keys *keys;
	struct ipc *iked;	/* NULL while there is none */
};

static void on_iked(void *arg, struct ipc_msg *m)
{
	struct vaultd *d = arg;
	const struct msg_auth *asked = m->body;
	struct msg_auth_done done;

	/* The table of core/ipc lets nothing else through. */
	if (m->type != MSG_AUTH_SIGN && m->type != MSG_AUTH_VERIFY)
		return;
	if (m->type == MSG_AUTH_SIGN && keys_asked(asked))
		keys_answer(d->keys, asked, &done);
	else
		vault_answer(d->vault, asked, m->type == MSG_AUTH_VERIFY, &done);
	/* When it cannot be sent the link is down: on_iked_closed() follows. */
	if (ipc_send(d->iked, MSG_AUTH_DONE, m->id, &done, sizeof(done), NULL, 0) < 0)
		log_debug(NULL, "vaultd: an answer could not be sent");
	secret_wipe(&done, sizeof(done));
}

static void on_iked_closed(void *arg, const struct err *why)
{
	struct vaultd *d = arg;

	log_debug(NULL, "vaultd: %s", why->msg);
	ipc_free(d->iked);
	d->iked = NULL;
}

static void take_link(struct vaultd *d, struct ipc_msg *m)
{
	struct err e = { 0 };

	/* iked was started anew: the old link has nobody at its other end. */
	ipc_free(d->iked);
	d->iked = ipc_new(m->fds[0], ROLE_VAULTD, ROLE_IKED, &e);
	m->fds[0] = -1;
	if (d->iked &&
	    ipc_attach(d->iked, d->loop, on_iked, on_iked_closed, d, &e) < 0) {
		ipc_free(d->iked);
		d->iked = NULL;
	}
	if (!d->iked)
		log_error(NULL, "vaultd: no link to iked: %s", e.msg);
}

static void take_key(struct vaultd *d, const struct ipc_msg *m)
{
	const struct msg_pki *p = m->body;
	struct err e = { 0 };
	uint8_t *file;
	size_t len;

	if (p->kind != PKI_KEY || !memchr(p->name, '\0', sizeof(p->name)))
		return;
	if (p->gone || m->n_fds != 1) {
		keys_remove(d->keys, p->name);
		return;
	}
	if (fdfile_read_secret(m->fds[0], SECRET_MAX, &file, &len, &e) == 0) {
		if (keys_set(d->keys, p->name, (struct slice){ file, len }, &e) == 0) {
			secret_free(file);
			return;
		}
		secret_free(file);
	}
	log_error(p->name, "its private key cannot be used: %s", e.msg);
}

static void take_secret(struct vaultd *d, const struct msg_secret *s)
{
	struct err e = { 0 };

	if (s->len > sizeof(s->bytes) || !memchr(s->name, '\0', sizeof(s->name))) {
		log_error(NULL, "vaultd: a secret that cannot be was sent");
	} else if (s->ppk && !s->len) {
		keys_remove_ppk(d->keys, s->name);
	} else if (s->ppk) {
		if (keys_set_ppk(d->keys, s->name, (struct slice){ s->bytes, s->len }, &e) < 0)
			log_error(s->name, "the PPK could not be stored: %s", e.msg);
	} else if (vault_set(d->vault, s->name, s->bytes, s->len, &e) < 0) {
		log_error(s->name, "the secret could not be stored: %s", e.msg);
	}
}

static void on_msg(struct child *c, struct ipc_msg *m)
{
	struct vaultd *d = c->ctx;
	const struct msg_name *name = m->body;

	switch (m->type) {
	case MSG_SECRET_SET:
		take_secret(d, m->body);
		break;
	case MSG_PKI:
		take_key(d, m);
		break;
	case MSG_SECRET_REMOVE:
		if (memchr(name->name, '\0', sizeof(name->name)))
			vault_remove(d->vault, name->name);
		break;
	case MSG_IKE_LINK:
		take_link(d, m);
		break;
	}
}

static int init(struct child *c, struct err *e)
{
	static struct vaultd d;

	d.loop = c->loop;
	d.vault = vault_new();
	d.keys = keys_new();
	if (!d.vault || !d.keys)
		return err_set(e, "out of memory");
	c->ctx = &d;
	return 0;
}

static void fini(struct child *c)
{
	struct vaultd *d = c->ctx;

	if (!d)
		return;
	ipc_free(d->iked);
	vault_free(d->vault);
	keys_free(d->keys);
}

int main(int argc, char **argv)
{
	static const struct child_ops ops = {
		.role = ROLE_VAULTD, .init = init, .on_msg = on_msg, .fini = fini,
	};

	return child_main(argc, argv, &ops);
}
