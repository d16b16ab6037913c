/* satab: an array, with three ways to find what is in it: by our number, by iked's, by peer. Ours
 * are numbered anew, for a restarted iked counts from the beginning while the SAs of its
 * predecessor still flow. */
#include "core/daemon/monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST 16	/* SAs, a power of two; it doubles */

/* ---- the ways: chains of indices plus one, 0 ends; as many heads each as there is room ---- */

static size_t head_of(const struct satab *t, enum satab_way way, uint32_t id, unsigned generation,
		      const char *peer)
{
	uint32_t h = 2166136261u;	/* FNV-1a */

	switch (way) {
	case SATAB_ID:
		h = id;
		break;
	case SATAB_IKED:
		h = id + generation * 2654435761u;
		break;
	case SATAB_PEER:
		while (*peer)
			h = (h ^ (uint8_t)*peer++) * 16777619u;
		h ^= h >> 15;
		break;
	}
	return (size_t)way * t->cap + (h & (t->cap - 1));
}

static size_t head(const struct satab *t, enum satab_way way, const struct sa *s)
{
	return head_of(t, way, way == SATAB_ID ? s->id : s->iked_id, s->generation, s->peer);
}

static void link_in(struct satab *t, size_t i)
{
	for (int w = 0; w < SATAB_WAYS; w++) {
		uint32_t *at = &t->heads[head(t, (enum satab_way)w, &t->v[i])];

		t->v[i].next[w] = *at;
		*at = (uint32_t)i + 1;
	}
}

static void link_out(struct satab *t, size_t i)
{
	for (int w = 0; w < SATAB_WAYS; w++) {
		uint32_t *at = &t->heads[head(t, (enum satab_way)w, &t->v[i])];

		while (*at != i + 1)
			at = &t->v[*at - 1].next[w];
		*at = t->v[i].next[w];
	}
}

static int grow(struct satab *t)
{
	size_t cap = t->cap ? t->cap * 2 : FIRST;
	struct sa *v = realloc(t->v, cap * sizeof(*v));
	uint32_t *heads;

	if (!v)
		return -1;
	t->v = v;
	heads = calloc(SATAB_WAYS * cap, sizeof(*heads));
	if (!heads)
		return -1;
	free(t->heads);
	t->heads = heads;
	t->cap = cap;
	for (size_t i = 0; i < t->n; i++)
		link_in(t, i);
	return 0;
}

/* ---- the table ---- */

static struct sa *add(struct satab *t, uint32_t id, const struct sa_child *c, unsigned generation)
{
	struct sa *s;

	if (t->n == t->cap && grow(t) < 0)
		return NULL;
	s = &t->v[t->n];
	*s = (struct sa){
		.id = id, .iked_id = c->id, .generation = generation,
		.held = c->hold_out, .udp_encap = c->udp_encap, .encr = c->encr,
		.encr_bits = c->encr_bits, .integ = c->integ, .remote = c->remote,
	};
	snprintf(s->peer, sizeof(s->peer), "%s", c->peer);
	snprintf(s->child, sizeof(s->child), "%s", c->child);
	link_in(t, t->n++);
	return s;
}

struct sa *satab_add(struct satab *t, const struct sa_child *c, unsigned generation)
{
	do
		t->last_id++;
	while (!t->last_id || satab_by_id(t, t->last_id));
	return add(t, t->last_id, c, generation);
}

struct sa *satab_adopt(struct satab *t, const struct sa_child *c)
{
	return add(t, c->id, c, 0);
}

struct sa *satab_by_id(struct satab *t, uint32_t id)
{
	uint32_t i = t->n ? t->heads[head_of(t, SATAB_ID, id, 0, NULL)] : 0;

	for (; i; i = t->v[i - 1].next[SATAB_ID])
		if (t->v[i - 1].id == id)
			return &t->v[i - 1];
	return NULL;
}

struct sa *satab_by_iked(struct satab *t, uint32_t iked_id, unsigned generation)
{
	uint32_t i = t->n ? t->heads[head_of(t, SATAB_IKED, iked_id, generation, NULL)] : 0;

	for (; i; i = t->v[i - 1].next[SATAB_IKED])
		if (t->v[i - 1].iked_id == iked_id && t->v[i - 1].generation == generation)
			return &t->v[i - 1];
	return NULL;
}

const struct sa *satab_of(const struct satab *t, const char *peer, const struct sa *after)
{
	uint32_t i = after ? after->next[SATAB_PEER] :
		t->n ? t->heads[head_of(t, SATAB_PEER, 0, 0, peer)] : 0;

	for (; i; i = t->v[i - 1].next[SATAB_PEER])
		if (strcmp(t->v[i - 1].peer, peer) == 0)
			return &t->v[i - 1];
	return NULL;
}

/* The last one moves into the gap. */
void satab_drop(struct satab *t, struct sa *s)
{
	size_t i = (size_t)(s - t->v), last = t->n - 1;

	link_out(t, i);
	if (i != last) {
		link_out(t, last);
		t->v[i] = t->v[last];
		link_in(t, i);
	}
	t->n = last;
}

void satab_clear(struct satab *t)
{
	t->n = 0;
	if (t->heads)
		memset(t->heads, 0, SATAB_WAYS * t->cap * sizeof(*t->heads));
}

unsigned satab_live(const struct satab *t, const char *peer)
{
	unsigned n = 0;

	for (const struct sa *s = satab_of(t, peer, NULL); s; s = satab_of(t, peer, s))
		n += s->live;
	return n;
}

unsigned satab_count(const struct satab *t, const char *peer)
{
	unsigned n = 0;

	for (const struct sa *s = satab_of(t, peer, NULL); s; s = satab_of(t, peer, s))
		n++;
	return n;
}

struct sa *satab_older(struct satab *t, const char *peer, const char *child,
		       unsigned generation, size_t *at)
{
	for (; *at < t->n; (*at)++) {
		struct sa *s = &t->v[*at];

		if (s->generation != generation && strcmp(s->peer, peer) == 0 &&
		    (!child || strcmp(s->child, child) == 0))
			return s;
	}
	return NULL;
}

void satab_fini(struct satab *t)
{
	free(t->v);
	free(t->heads);
	*t = (struct satab){ 0 };
}
