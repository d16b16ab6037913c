/* ctl_priv: what the files of the control socket's commands share. */
#ifndef ADIT_IKE_MAIN_CTL_PRIV_H
#define ADIT_IKE_MAIN_CTL_PRIV_H

#include "ike/main/ctl.h"

#include "core/control/server.h"
#include "ike/main/iked.h"

enum wait_for { WAIT_STATS, WAIT_UP, WAIT_TEST, WAIT_RELOAD, WAIT_COUNTERS };

struct wait {
	struct wait *next;
	struct ctl *ctl;
	enum wait_for what;
	struct server_req *req;
	uint32_t id;			/* RELOAD: of the message */
	unsigned seconds;		/* UP: how long it waits */
	struct timer timer;
};

/* A peer whose subscribers are owed an event. */
struct dirty {
	struct dirty *next;
	char peer[PEER_NAME_MAX + 1];
};

struct ctl {
	struct iked *k;
	struct server *server;
	struct wait *waits;
	struct dirty *dirty;
	struct timer tell;		/* dirty peers */
	struct timer untap;		/* does anybody capture still? */
	size_t stats_owed;		/* answers to MSG_SA_QUERY still to come */
	uint32_t last_id;
};

static inline struct timers *ctl_timers(struct ctl *c)
{
	return loop_timers(c->k->child->loop);
}

/* ---- ctl_capture.c ---- */
void ctl_cmd_capture(void *arg, struct server_req *r);
void ctl_untap(void *arg);

#endif
