/* negotiation_json: a failed negotiation (core/ipc/negotiation.h) on its way to `adit explain`:
 * the answer to the command "explain", adit-control(7). */
#ifndef ADIT_CONTROL_NEGOTIATION_JSON_H
#define ADIT_CONTROL_NEGOTIATION_JSON_H

#include "core/control/json.h"
#include "core/ipc/negotiation.h"

#include <stddef.h>

/* The caller puts it; NULL when out of memory. */
struct json_object *negotiation_to_json(const struct negotiation *n);
/* Unknown keys are ignored, missing ones empty; lists longer than the struct holds are cut and
 * marked. Never fails: what is no object gives an empty negotiation of NEG_LOCAL. */
void negotiation_from_json(struct json_object *o, struct negotiation *out);

struct json_object *stranger_to_json(const struct neg_stranger *s);
void stranger_from_json(struct json_object *o, struct neg_stranger *out);

#endif
