/* satab: a plain array; a router has tens of SAs, not thousands. Ours are numbered anew, for
 * a restarted iked counts from the beginning while the SAs of its predecessor still flow. */
#include "core/daemon/monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sa *satab_add(struct satab *t, const struct sa_child *c, unsigned generation)
{
	struct sa *s;

	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 16;
		struct sa *v = realloc(t->v, cap * sizeof(*v));

		if (!v)
			return NULL;
		t->v = v;
		t->cap = cap;
	}
	do
		t->last_id++;
	while (!t->last_id || satab_by_id(t, t->last_id));
	s = &t->v[t->n++];
	*s = (struct sa){
		.id = t->last_id, .iked_id = c->id, .generation = generation,
		.held = c->hold_out, .udp_encap = c->udp_encap, .encr = c->encr,
		.encr_bits = c->encr_bits, .integ = c->integ, .remote = c->remote,
	};
	snprintf(s->peer, sizeof(s->peer), "%s", c->peer);
	snprintf(s->child, sizeof(s->child), "%s", c->child);
	return s;
}

struct sa *satab_by_id(struct satab *t, uint32_t id)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].id == id)
			return &t->v[i];
	return NULL;
}

struct sa *satab_by_iked(struct satab *t, uint32_t iked_id, unsigned generation)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].iked_id == iked_id && t->v[i].generation == generation)
			return &t->v[i];
	return NULL;
}

void satab_drop(struct satab *t, struct sa *s)
{
	*s = t->v[--t->n];
}

unsigned satab_live(const struct satab *t, const char *peer)
{
	unsigned n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += t->v[i].live && strcmp(t->v[i].peer, peer) == 0;
	return n;
}

unsigned satab_count(const struct satab *t, const char *peer)
{
	unsigned n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += strcmp(t->v[i].peer, peer) == 0;
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
	*t = (struct satab){ 0 };
}
