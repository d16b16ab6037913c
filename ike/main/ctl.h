/* ctl: the commands of the control socket, adit-control(7), and who waits for what. */
#ifndef ADIT_IKE_MAIN_CTL_H
#define ADIT_IKE_MAIN_CTL_H

#include "core/base/err.h"
#include "core/base/log.h"
#include "core/ipc/msg.h"
#include "ike/engine/engine.h"

struct iked;
struct ctl;

#define CTL_STATS_WAIT_MS 200	/* for the dataplane's counters, before status is answered */
#define CTL_RELOAD_WAIT_MS 25000
#define CTL_COUNTERS_WAIT_MS 3000
#define CTL_UP_WAIT_S 60	/* where the request does not say */

struct ctl *ctl_new(struct iked *k);
/* Whoever waits is told that the daemon stops. */
void ctl_free(struct ctl *c);
/* Take the listening socket and serve it. */
int ctl_listen(struct ctl *c, int fd, struct err *e) MUST_USE;

/* What happened, for those who wait and those who listen. Never calls the engine. */
void ctl_on_event(struct ctl *c, const char *peer, enum engine_event ev, const char *text);
/* Settings of this peer came or went. */
void ctl_on_peer(struct ctl *c, const char *peer);
void ctl_on_stats(struct ctl *c);
/* What the dataplane counted, for who asked. */
void ctl_on_counters(struct ctl *c, const struct msg_counters *m);
void ctl_on_settings_done(struct ctl *c, uint32_t id, const struct msg_result *r);
/* A datagram as it went or came, or (plain) what was inside of it, and keys: for who captures. */
void ctl_on_packet(struct ctl *c, const struct tap_packet *p, bool plain);
void ctl_on_keys(struct ctl *c, const struct tap_keys *k);
void ctl_on_log(struct ctl *c, const struct log_line *line);

#endif
