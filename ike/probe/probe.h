/* probe: learn gently what an IKE responder takes: some forty small messages at most, four a
 * second, nothing that leaves more than a few half-open IKE SAs behind.
 *
 * IKEv2: a proposal is offered together with a KE payload of a group that it does not have. A
 * responder (RFC 7296 §1.2) answers NO_PROPOSAL_CHOSEN, or INVALID_KE_PAYLOAD with the group
 * it would have taken, and keeps nothing either way. So sets of algorithms are asked for, and
 * divided. IKEv1 has no such answer: what is taken stays half-open over there, so it is asked
 * three times at most, and once in Aggressive Mode.
 */
#ifndef ADIT_IKE_PROBE_PROBE_H
#define ADIT_IKE_PROBE_PROBE_H

#include "core/base/addr.h"
#include "core/base/err.h"
#include "core/base/rd.h"
#include "core/crypto/alg.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBE_PACKETS_MAX 44	/* of all, repetitions included */
#define PROBE_PACE_MS 250
#define PROBE_FIRST_MS 1000	/* how long the first try waits; the next twice as long */
#define PROBE_TRIES 3
#define PROBE_VENDORS_MAX 24
#define PROBE_MSG_MAX 4096
#define PROBE_V1_MAX 3

enum probe_unreachable { PROBE_OK, PROBE_PORT, PROBE_HOST, PROBE_FILTERED };

/* What a version showed. */
struct probe_v2 {
	bool answers;
	bool complete;			/* every algorithm was asked for */
	uint8_t n_encr, n_integ, n_prf, n_ke;
	const struct alg *encr[16], *integ[16], *prf[16], *ke[16];	/* best first */
	bool agreed;			/* a whole IKE_SA_INIT went through, with: */
	struct suite suite;
	bool has_nat, nat_here, nat_there;
	bool fragmentation, childless, cookie, signature_hashes, ppk;
	char refusal[40];		/* a notify nobody expected, or "" */
};

struct probe_v1 {
	bool answers;
	uint8_t n;			/* transforms it took, its choice first */
	struct suite suite[PROBE_V1_MAX];
	bool rsa[PROBE_V1_MAX];		/* with signatures; else by pre-shared key */
	bool aggressive;		/* it answered Aggressive Mode */
	char refusal[40];
};

struct probe {
	int fd, fd_natt;		/* connected UDP sockets, to port and to 4500; -1 */
	struct endpoint local, remote;
	unsigned sent, answered;
	uint64_t last_ms;
	uint8_t unreachable;		/* enum probe_unreachable */
	bool natt_answers;
	struct probe_v2 v2;
	struct probe_v1 v1;
	uint8_t n_vendors;
	char vendors[PROBE_VENDORS_MAX][48];
};

/* All of it; p has sockets and addresses, the rest is zero. */
void probe_run(struct probe *p);

/* ---- within ---- */

/* Send msg and wait for an answer with the same initiator SPI into buf; tries: how often. Its
 * length, or 0 when none came, or no packet may be sent any more. */
size_t probe_ask(struct probe *p, bool natt, const uint8_t *msg, size_t len, unsigned tries,
		 uint8_t buf[PROBE_MSG_MAX]);
bool probe_may(const struct probe *p);
void probe_vendor(struct probe *p, struct slice id);
void probe_v2(struct probe *p);
void probe_v1(struct probe *p);
/* On stdout, as JSON (adit-control(7) has no part of it: `adit probe --json` prints it). */
int probe_print(const struct probe *p);

/* ---- messages, exposed for tests ---- */

enum probe_says { SAYS_NOTHING, SAYS_YES, SAYS_NO, SAYS_OTHER, SAYS_COOKIE };

/* Judge IKEv2's answer of len bytes; buf is worked on in place. group: of INVALID_KE_PAYLOAD, or
 * as chosen; 0 none. */
enum probe_says probe_v2_parse(struct probe *p, uint8_t *buf, size_t len, uint16_t *group);
/* Parse IKEv1's answer of len bytes: what was chosen into *s and *rsa. */
enum probe_says probe_v1_parse(struct probe *p, const uint8_t *msg, size_t len, struct suite *s,
			       bool *rsa);

#endif
