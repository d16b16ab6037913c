/* trap: a short list. */
#include "dataplane/esp/trap.h"

#include "core/base/secret.h"

#include <stdlib.h>
#include <string.h>

void trapped_free(struct trapped *p)
{
	if (p)
		secret_wipe(p->b, p->len);
	free(p);
}

struct trapped *trap_take(struct trap *t)
{
	struct trapped *p = t->first;

	if (!p)
		return NULL;
	t->first = p->next;
	if (!t->first)
		t->end = NULL;
	t->n--;
	t->bytes -= p->len;
	return p;
}

struct trapped *trap_expired(struct trap *t, uint64_t now_ms)
{
	return t->first && now_ms >= t->first->until_ms ? trap_take(t) : NULL;
}

bool trap_keep(struct trap *t, const uint8_t *pkt, size_t len, uint64_t now_ms, bool *tell)
{
	struct trapped *p;

	*tell = now_ms >= t->tell_ms;
	if (*tell)
		t->tell_ms = now_ms + TRAP_TELL_MS;
	if (len > TRAP_BYTES)
		return false;
	p = malloc(sizeof(*p) + len);
	if (!p)
		return false;
	while (t->n >= TRAP_PACKETS || t->bytes + len > TRAP_BYTES)
		trapped_free(trap_take(t));
	p->next = NULL;
	p->until_ms = now_ms + TRAP_WAIT_MS;
	p->len = len;
	memcpy(p->b, pkt, len);
	if (t->end)
		*t->end = p;
	else
		t->first = p;
	t->end = &p->next;
	t->n++;
	t->bytes += len;
	return true;
}

void trap_fini(struct trap *t)
{
	while (t->first)
		trapped_free(trap_take(t));
}
