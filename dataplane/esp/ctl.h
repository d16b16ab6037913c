/* ctl: espd as a whole, driven by the monitor's messages (core/ipc/msg.h). */
#ifndef ADIT_ESP_CTL_H
#define ADIT_ESP_CTL_H

#include "core/base/err.h"
#include "core/base/loop.h"
#include "core/ipc/ipc.h"

struct ctl;

/* Borrows the loop and the link; answers go out on it. */
struct ctl *ctl_new(struct loop *l, struct ipc *link, struct err *e) MUST_USE;
void ctl_free(struct ctl *c);
/* A message from the monitor; takes the descriptors it uses. */
void ctl_msg(struct ctl *c, struct ipc_msg *m);
/* One whose descriptors did not fit (ipc_on_cut()): answered where an answer is awaited. */
void ctl_cut(struct ctl *c, const struct ipc_msg *m);

#endif
