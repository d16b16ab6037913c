/* explain_priv: what the files of explain share. */
#ifndef ADIT_FRONT_EXPLAIN_PRIV_H
#define ADIT_FRONT_EXPLAIN_PRIV_H

#include "core/front/explain.h"

/* Append a line; text is formatted. */
void explain_say(struct explain *x, enum explain_kind kind, enum fmt_tone tone,
		 const char *fmt, ...) PRINTF_LIKE(4, 5);
#define explain_text(x, ...) explain_say(x, EXPLAIN_TEXT, TONE_PLAIN, __VA_ARGS__)
void explain_cells(struct explain *x, enum fmt_tone tone, const char *name, const char *ours,
		   const char *theirs);
/* "adit peer set PEER KEY=VALUE [KEY2=VALUE2]"; key2 may be NULL. */
void explain_set(struct explain *x, const struct explain_input *in, const char *key,
		 const char *value, const char *key2, const char *value2);
/* The peer's address, or "the peer". Returns buf. */
const char *explain_where(const struct explain_input *in, char *buf, size_t cap);

/* The usual places, where in->front is NULL. */
extern const struct front explain_front;

/* ---- explain_auth.c ---- */

void explain_psk(const struct explain_input *in, struct explain *x);
void explain_no_secret(const struct explain_input *in, struct explain *x);
/* They said AUTHENTICATION_FAILED. */
void explain_auth_refused(const struct explain_input *in, struct explain *x);
void explain_peer_id(const struct explain_input *in, struct explain *x);
void explain_own_id(const struct explain_input *in, struct explain *x);
void explain_method(const struct explain_input *in, struct explain *x);

/* ---- explain_alg.c ---- */

/* Proposals of IKE or of a child that have nothing in common, or were refused. */
void explain_algorithms(const struct explain_input *in, enum suite_use use, struct explain *x);
/* Rows of both sides' transforms, by type. */
void explain_alg_rows(const struct explain_input *in, enum suite_use use, struct explain *x);

/* ---- explain_net.c ---- */

/* Networks that have nothing in common, or were refused. */
void explain_networks(const struct explain_input *in, struct explain *x);
void explain_net_rows(const struct explain_input *in, struct explain *x);

#endif
