/* replay: which sequence numbers were seen (RFC 4303 §3.4.3), and what the high half of an
 * extended one must be (RFC 4303 Appendix A2). A ring of words, as in RFC 6479. */
#ifndef ADIT_ESP_REPLAY_H
#define ADIT_ESP_REPLAY_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define REPLAY_WINDOW_MIN 32	/* RFC 4303 §3.4.3 */
#define REPLAY_WINDOW_MAX 4096

struct replay {
	uint64_t top;		/* highest authentic number so far */
	uint32_t window;	/* packets; 0: every number is taken */
	uint32_t words;		/* power of two */
	bool esn;
	uint64_t *bits;
};

/* window: 0 is off, else it is brought into REPLAY_WINDOW_MIN..MAX. */
int replay_init(struct replay *r, uint32_t window, bool esn, struct err *e) MUST_USE;
void replay_fini(struct replay *r);

/* The whole number of a packet whose header says low. False when there can be none (it
 * would lie before 0). */
bool replay_whole(const struct replay *r, uint32_t low, uint64_t *seq);
/* Not seen, and not left of the window. Asked before and again after authentication. */
bool replay_fresh(const struct replay *r, uint64_t seq);
/* An authentic, fresh packet came. */
void replay_mark(struct replay *r, uint64_t seq);

#endif
