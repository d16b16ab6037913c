/* report: what the engine says of a peer, as core/control/status has it. */
#ifndef ADIT_IKE_MAIN_REPORT_H
#define ADIT_IKE_MAIN_REPORT_H

#include "core/base/err.h"
#include "core/control/status.h"
#include "ike/engine/engine.h"

/* Fill p, zeroed or empty; status_peer_fini() afterwards, also on failure (-1: memory). */
int report_peer(struct status_peer *p, const struct peer_status *st) MUST_USE;
/* What the engine dropped of nobody it knows. */
void report_strangers(struct status_strangers *s, const struct drop_counts *d);

/* What is wrong with the router, and what certificates end soon. */
struct trust;
void report_warning(struct status *s, const char *system, const struct trust *t);

#endif
