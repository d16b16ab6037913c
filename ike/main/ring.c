/* ring: records end to end in one buffer. When it is full the oldest eighth is dropped at
 * once, so that the rest moves rarely. */
#include "ike/main/ring.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAKE_ROOM (RING_BYTES / 8)

struct record {
	int64_t wall_s;
	uint64_t seq;
	uint16_t text_len;
	uint8_t peer_len;
	uint8_t level;
	/* peer, then text, neither with a NUL */
};

struct ring {
	size_t len;
	uint64_t seq;
	char buf[RING_BYTES];
};

_Static_assert(LOG_PEER_MAX <= 256, "peer_len holds it");

struct ring *ring_new(void)
{
	return calloc(1, sizeof(struct ring));
}

void ring_free(struct ring *r)
{
	free(r);
}

static size_t record_at(const struct ring *r, size_t at, struct record *out)
{
	memcpy(out, r->buf + at, sizeof(*out));
	return sizeof(*out) + out->peer_len + out->text_len;
}

static void make_room(struct ring *r, size_t need)
{
	size_t want = need > MAKE_ROOM ? need : MAKE_ROOM, at = 0;
	struct record rec;

	while (at < r->len && RING_BYTES - (r->len - at) < want)
		at += record_at(r, at, &rec);
	memmove(r->buf, r->buf + at, r->len - at);
	r->len -= at;
}

void ring_add(struct ring *r, struct log_line *line)
{
	struct record rec = { .wall_s = line->wall_s, .level = (uint8_t)line->level };
	size_t need;

	r->seq = line->seq ? line->seq : r->seq + 1;
	line->seq = rec.seq = r->seq;
	rec.peer_len = (uint8_t)strnlen(line->peer, sizeof(line->peer) - 1);
	rec.text_len = (uint16_t)strnlen(line->text, sizeof(line->text) - 1);
	need = sizeof(rec) + rec.peer_len + rec.text_len;
	if (RING_BYTES - r->len < need)
		make_room(r, need);
	memcpy(r->buf + r->len, &rec, sizeof(rec));
	memcpy(r->buf + r->len + sizeof(rec), line->peer, rec.peer_len);
	memcpy(r->buf + r->len + sizeof(rec) + rec.peer_len, line->text, rec.text_len);
	r->len += need;
}

static bool about(const struct ring *r, size_t at, const struct record *rec, const char *peer)
{
	return !peer || !*peer ||
	       (strlen(peer) == rec->peer_len &&
		memcmp(r->buf + at + sizeof(*rec), peer, rec->peer_len) == 0);
}

size_t ring_last(const struct ring *r, size_t n, const char *peer,
		 void (*fn)(void *arg, const struct log_line *line), void *arg)
{
	size_t matching = 0, given = 0, at, skip;
	struct record rec;

	for (at = 0; at < r->len;) {
		size_t step = record_at(r, at, &rec);

		matching += about(r, at, &rec, peer);
		at += step;
	}
	skip = n && matching > n ? matching - n : 0;
	for (at = 0; at < r->len;) {
		size_t step = record_at(r, at, &rec);
		struct log_line line = { .wall_s = rec.wall_s, .seq = rec.seq,
					 .level = (enum log_level)rec.level };

		if (about(r, at, &rec, peer)) {
			if (skip) {
				skip--;
			} else {
				const char *p = r->buf + at + sizeof(rec);

				memcpy(line.peer, p, rec.peer_len);
				memcpy(line.text, p + rec.peer_len, rec.text_len);
				fn(arg, &line);
				given++;
			}
		}
		at += step;
	}
	return given;
}
