/* skf: one encrypted message as several datagrams (RFC 7383): the Encrypted Fragment payload,
 * split and put together again.
 *
 *	header | next, flags, length, number, total | IV | a piece, padding, pad length | ICV
 *	------------- authenticated --------------->      --------- encrypted ----------
 *
 * Each fragment is a message of its own with the same message ID. Fragments of one message
 * that lie one behind the other in memory need no list beside them: each header has its length.
 */
#ifndef ADIT_WIRE_SKF_H
#define ADIT_WIRE_SKF_H

#include "core/base/err.h"
#include "core/base/rd.h"
#include "ike/wire/build.h"
#include "ike/wire/payload.h"
#include "ike/wire/sk.h"

#include <stddef.h>
#include <stdint.h>

#define SKF_FRAGMENTS_MAX 128	/* per message, both ways */

/* In place of sk_end(): seal the payloads of b, which sk_begin() opened, as fragments of at
 * most max bytes each (IKE header included). *out gets them one behind the other, malloc()ed;
 * *len: all together. -1: they would be more than SKF_FRAGMENTS_MAX, max leaves no room for a
 * piece, memory, or the cipher failed. */
int skf_end(struct sk *s, struct build *b, size_t max, uint8_t **out, size_t *len,
	    struct err *e) MUST_USE;
/* The first of several messages that lie one behind the other; left shrinks by it. Empty at
 * the end, or where a length does not fit. */
struct slice skf_next(struct slice *left);

/* A message that is being put together. It takes what comes for one message ID; whoever owns it
 * frees it when another begins. */
struct skf;

/* max: most bytes of inner payloads. NULL when out of memory. */
struct skf *skf_new(uint32_t msg_id, size_t max) MUST_USE;
void skf_free(struct skf *f);		/* wipes; NULL is fine */
uint32_t skf_msg_id(const struct skf *f);
size_t skf_bytes(const struct skf *f);	/* held now */

enum skf_got {
	SKF_MORE,	/* authentic, others are missing */
	SKF_AGAIN,	/* that one is there already, or is of an earlier, coarser split: nothing
			 * was looked at */
	SKF_WHOLE,	/* m is the message now, as after sk_open(); its slices live as long as f */
};
/* Take the fragment m in (m->frags > 0). A larger total than before begins anew, after it
 * proved authentic (RFC 7383 §2.6.1). -1 with
 *	m->error 0	not authentic, too many or too much: dropped
 *	m->error != 0	the whole is authentic but broken, as with sk_open(). */
int skf_add(struct skf *f, struct sk *s, struct ike_msg *m, enum skf_got *got,
	    struct err *e) MUST_USE;
/* After SKF_WHOLE: the inner payloads, and the type of the first. */
struct slice skf_inner(const struct skf *f, uint8_t *first);

#endif
