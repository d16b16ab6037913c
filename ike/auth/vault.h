/* vault: the secrets of all peers, and the answers that can be made with them. What goes in
 * does not come out: there is no function that returns a secret. */
#ifndef ADIT_IKE_AUTH_VAULT_H
#define ADIT_IKE_AUTH_VAULT_H

#include "core/base/err.h"
#include "core/ipc/msg.h"

#include <stdbool.h>
#include <stddef.h>

struct vault;

/* NULL when out of memory. */
struct vault *vault_new(void);
/* Wipes all. NULL is fine. */
void vault_free(struct vault *v);

/* Store a copy of a peer's PSK, 1..PSK_MAX bytes, in place of the one it had. */
int vault_set(struct vault *v, const char *peer, const void *psk, size_t len, struct err *e)
	MUST_USE;
/* Unknown names are fine. */
void vault_remove(struct vault *v, const char *peer);
size_t vault_count(const struct vault *v);

/* MSG_AUTH_SIGN and MSG_AUTH_VERIFY (verify). The request may hold anything: what does not
 * make sense gets ok = 0. VERIFY never gives the value out, and compares in constant time. */
void vault_answer(const struct vault *v, const struct msg_auth *m, bool verify,
		  struct msg_auth_done *out);

#endif
