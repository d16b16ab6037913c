/* ts: traffic selectors: what to offer, how a responder narrows, what an initiator may accept
 * (RFC 7296 §2.9).
 *
 * TSi are the addresses behind the initiator of the exchange, TSr those behind its responder,
 * so for us as initiator TSi is local. Answers are at most SA_SELECTORS_MAX selectors a side.
 */
#ifndef ADIT_WIRE_TS_H
#define ADIT_WIRE_TS_H

#include "core/base/addr.h"
#include "core/base/err.h"
#include "core/ipc/sa.h"
#include "ike/wire/payload.h"

#include <stdbool.h>
#include <stddef.h>

/* How well an offer fits a child's networks; more is better. */
enum ts_fit {
	TS_NONE = 0,	/* one side has nothing in common: TS_UNACCEPTABLE */
	TS_PART,	/* narrowed: less than was asked for */
	TS_WITHIN,	/* all that was asked for, which is less than the networks */
	TS_EXACT,	/* asked for exactly the networks */
};

/* Whole networks as selectors. n <= TS_MAX. */
void ts_from_prefixes(const struct prefix *nets, size_t n, struct ts_list *out);

/* Responder: what of the initiator's TSi and TSr our networks allow. When its lists begin with
 * the packet that woke it (a single address with a protocol, as §2.9 suggests), that one is
 * not repeated in the answer but what holds it comes first. Duplicates and selectors inside
 * others are dropped; what does not fit in SA_SELECTORS_MAX is narrowed away. Try each child
 * of a peer and take the best; equal ones in their order. */
enum ts_fit ts_narrow(const struct ts_list *tsi, const struct ts_list *tsr,
		      const struct prefix *local, size_t n_local,
		      const struct prefix *remote, size_t n_remote,
		      struct ts_list *out_tsi, struct ts_list *out_tsr);

/* The same with selectors of ours that are narrower than networks: protocols, ports. */
enum ts_fit ts_narrow_to(const struct ts_list *tsi, const struct ts_list *tsr,
			 const struct ts_list *local, const struct ts_list *remote,
			 struct ts_list *out_tsi, struct ts_list *out_tsr);

/* Initiator: the answer must lie within what we asked for, and not be empty or above
 * SA_SELECTORS_MAX. -1 with the words. Less than asked is fine: see ts_same(). */
int ts_check(const struct ts_list *asked, const struct ts_list *answer, struct err *e) MUST_USE;
/* The same selectors, in whatever order. */
bool ts_same(const struct ts_list *a, const struct ts_list *b);

/* "10.1.0.0/24, 10.3.0.0/24"; cut to cap. Returns buf. */
const char *ts_str(const struct ts_list *ts, char *buf, size_t cap);
/* "ours 10.1.0.0/24 === 10.2.0.0/24; theirs 10.1.0.0/24 === 10.3.0.0/24: the peer's local
 * network is not our remote_network"; seen from us, local side first. local/remote are what we
 * have, their_* what the peer offered or answered, both in our view of the sides. Long lists are
 * cut, the reason never (cap >= 200). */
const char *ts_compare(const struct ts_list *local, const struct ts_list *remote,
		       const struct ts_list *their_local, const struct ts_list *their_remote,
		       char *buf, size_t cap);

#endif
