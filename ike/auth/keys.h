/* keys: the private keys and the PPKs of all peers, as vaultd holds them, and the answers that
 * can be made with them. Nothing gives a key out. */
#ifndef ADIT_IKE_AUTH_KEYS_H
#define ADIT_IKE_AUTH_KEYS_H

#include "core/base/err.h"
#include "core/base/rd.h"
#include "core/ipc/msg.h"

#include <stdbool.h>
#include <stddef.h>

struct keys;

/* NULL when out of memory. */
struct keys *keys_new(void);
/* Wipes all. NULL is fine. */
void keys_free(struct keys *k);

/* A peer's private key (the bytes of its file: PEM or DER) in place of the one it had. The
 * same file for many peers is kept once. What cannot be parsed takes the old one away. */
int keys_set(struct keys *k, const char *peer, struct slice file, struct err *e) MUST_USE;
/* Its PPK, 1..PSK_MAX bytes (RFC 8784). */
int keys_set_ppk(struct keys *k, const char *peer, struct slice ppk,
		 struct err *e) MUST_USE;
/* Unknown names are fine. */
void keys_remove(struct keys *k, const char *peer);
void keys_remove_ppk(struct keys *k, const char *peer);
size_t keys_count(const struct keys *k);	/* private keys, shared ones once */

/* Is it a question for here, VAULT_SIGNATURE or VAULT_PPK? */
bool keys_asked(const struct msg_auth *m);
/* MSG_AUTH_SIGN of those kinds; what does not make sense gets ok = 0. */
void keys_answer(const struct keys *k, const struct msg_auth *m,
		 struct msg_auth_done *out);

#endif
