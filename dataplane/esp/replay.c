/* replay: the window is a ring of 64-bit words, at least one word larger than it has to be,
 * so that moving on means clearing whole words instead of shifting (RFC 6479). */
#include "dataplane/esp/replay.h"

#include <stdlib.h>
#include <string.h>

int replay_init(struct replay *r, uint32_t window, bool esn, struct err *e)
{
	memset(r, 0, sizeof(*r));
	r->esn = esn;
	if (!window)
		return 0;
	if (window < REPLAY_WINDOW_MIN)
		window = REPLAY_WINDOW_MIN;
	if (window > REPLAY_WINDOW_MAX)
		window = REPLAY_WINDOW_MAX;
	for (r->words = 2; r->words * 64 < window + 64; r->words *= 2)
		;
	r->bits = calloc(r->words, sizeof(*r->bits));
	if (!r->bits)
		return err_errno(e, "out of memory");
	r->window = window;
	return 0;
}

void replay_fini(struct replay *r)
{
	free(r->bits);
	memset(r, 0, sizeof(*r));
}

bool replay_whole(const struct replay *r, uint32_t low, uint64_t *seq)
{
	/* Without a window the nearest number is meant: half the space to either side. */
	uint32_t w = r->window ? r->window : UINT32_C(1) << 31;
	uint32_t tl = (uint32_t)r->top, th = (uint32_t)(r->top >> 32);
	uint32_t bottom = tl - w + 1;	/* of the window, modulo 2^32 */

	*seq = low;
	if (!r->esn)
		return true;
	if (tl >= w - 1) {
		/* Case A: the window lies within one subspace. */
		if (low < bottom)
			th++;
	} else if (low >= bottom) {
		/* Case B: it spans two, and this one is in the earlier. */
		if (!th)
			return false;
		th--;
	}
	*seq = (uint64_t)th << 32 | low;
	return true;
}

bool replay_fresh(const struct replay *r, uint64_t seq)
{
	if (!r->window)
		return true;
	if (!seq)		/* the first number is 1, RFC 4303 §3.3.3 */
		return false;
	if (seq > r->top)
		return true;
	if (r->top - seq >= r->window)
		return false;
	return !(r->bits[seq / 64 & (r->words - 1)] >> (seq & 63) & 1);
}

void replay_mark(struct replay *r, uint64_t seq)
{
	if (r->window && seq > r->top) {
		uint64_t from = r->top / 64, steps = seq / 64 - from;

		if (steps > r->words)
			steps = r->words;
		for (uint64_t i = 1; i <= steps; i++)
			r->bits[(from + i) & (r->words - 1)] = 0;
	}
	if (seq > r->top)
		r->top = seq;
	if (r->window)
		r->bits[seq / 64 & (r->words - 1)] |= UINT64_C(1) << (seq & 63);
}
