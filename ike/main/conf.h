/* conf: a peer's settings come as one message for the peer and one for each child, then the
 * word to act. Until then the pieces wait here. */
#ifndef ADIT_IKE_MAIN_CONF_H
#define ADIT_IKE_MAIN_CONF_H

#include "core/base/err.h"
#include "core/ipc/msg.h"

struct conf;

struct conf *conf_new(void);
void conf_free(struct conf *c);
/* Begin a peer; what waited under its name is dropped. -1: memory, or no name. */
int conf_peer(struct conf *c, const struct msg_peer *m, struct err *e) MUST_USE;
/* One more child of it. */
int conf_child(struct conf *c, const struct msg_child *m, struct err *e) MUST_USE;
/* The peer is complete: fn gets it, borrowed, then it is forgotten here. -1 when it was never
 * begun or has no child; else what fn returned. */
int conf_apply(struct conf *c, const char *name,
	       int (*fn)(void *arg, const struct peer_conf *p, const struct ip_addr *local,
			 struct err *e),
	       void *arg, struct err *e) MUST_USE;

#endif
