/* fragment: how messages of an IKE SA are cut to the path's size, and put together again
 * (RFC 7383; ike/wire/skf.h does the bytes).
 *
 * What is outstanding or cached (ike_sa.req, ike_sa.resp) is one message, or its fragments one
 * behind the other; fragment_send() sends all of it. Sizes are those of the IP packet: the
 * setting fragment_size, or 1280. Over IPv4 without that setting it is 576 from the third
 * sending of an unanswered message on, for whatever then goes out on this IKE SA, and with
 * fragmentation = force from the first.
 */
#ifndef ADIT_IKE_V2_FRAGMENT_H
#define ADIT_IKE_V2_FRAGMENT_H

#include "core/base/err.h"
#include "core/base/rd.h"

#include <stdbool.h>
#include <stddef.h>

struct blob;
struct endpoint;
struct fragment_in;
struct ike_msg;
struct ike_sa;
struct out;
struct skf;

#define FRAGMENT_SMALLER_AT 3	/* sendings: from this one on in smaller pieces */

/* Seal o's encrypted payloads and keep them in to, in place of what it held. */
int fragment_seal(struct ike_sa *sa, struct out *o, struct blob *to, struct err *e) MUST_USE;
/* The message in b got lost more than once: the same in smaller pieces, where that is
 * possible. */
void fragment_smaller(struct ike_sa *sa, struct blob *b);
/* Each message in b. */
void fragment_send(const struct ike_sa *sa, const struct endpoint *local,
		   const struct endpoint *remote, const struct blob *b);

/* A fragment came; m is changed as sa_open() would. NULL with *e empty: kept, others are
 * missing. NULL with *e: as when sa_open() fails. Else m is whole, and lives as long as what is
 * returned: skf_free() it. */
struct skf *fragment_open(struct ike_sa *sa, struct ike_msg *m, struct err *e);
/* Of an earlier request: is it authentic, and the one that asks for the answer again? RFC 7383
 * §2.6.1: the first fragment alone does. */
bool fragment_asks_again(struct ike_sa *sa, struct ike_msg *m);
/* Stop putting together; NULL inside is fine. The IKE SA ends. */
void fragment_forget(struct ike_sa *sa);

#endif
