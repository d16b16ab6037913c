/* iked: what the parts of ike/main share: the process as one struct.
 *
 *	link.c	messages of aditd and vaultd in, the engine's wishes out
 *	conf.c	peers as they arrive in pieces
 *	ctl.c	the commands of the control socket
 *	net.c	UDP sockets		ring.c	the log		report.c	status
 *	resolve.c	gateways' names		pki.c	certificates
 *	ahead.c	key pairs made in idle moments
 */
#ifndef ADIT_IKE_MAIN_IKED_H
#define ADIT_IKE_MAIN_IKED_H

#include "core/daemon/child.h"
#include "ike/main/ahead.h"
#include "ike/main/conf.h"
#include "ike/main/ctl.h"
#include "ike/main/net.h"
#include "ike/main/pki.h"
#include "ike/main/resolve.h"
#include "ike/main/ring.h"
#include "ike/engine/engine.h"

struct iked {
	struct child *child;
	struct engine *engine;
	struct trust *trust;
	struct net *net;
	struct resolve *resolve;
	struct ring *ring;
	struct conf *conf;
	struct ctl *ctl;
	struct ahead ahead;
	struct ipc *vault;		/* NULL while vaultd is away */
	struct msg_iked_start start;
	struct msg_dataplane dataplane;	/* name "" until it is known */
	struct msg_system system;
};

/* Everything but what comes by message. iked_fini() afterwards, also on failure. */
int iked_init(struct iked *k, struct child *c, struct err *e) MUST_USE;
void iked_fini(struct iked *k);
/* A message of the monitor. */
void iked_on_msg(struct iked *k, struct ipc_msg *m);

#endif
