/* diff: the serialised messages are what is compared: what iked would not hear of did not
 * change. */
#include "core/daemon/diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void diff_peer_msg(const struct peer_conf *p, struct msg_peer *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(&out->peer, p, sizeof(out->peer));
	out->peer.children = NULL;
	out->n_networks = p->n_children;
}

void diff_child_msg(const struct peer_conf *p, size_t child, struct msg_child *out)
{
	memset(out, 0, sizeof(*out));
	snprintf(out->peer, sizeof(out->peer), "%s", p->name);
	memcpy(&out->child, &p->children[child], sizeof(out->child));
}

bool diff_same(const struct peer_conf *a, const struct peer_conf *b)
{
	struct msg_peer ma, mb;

	diff_peer_msg(a, &ma);
	diff_peer_msg(b, &mb);
	if (memcmp(&ma, &mb, sizeof(ma)) != 0)
		return false;
	for (size_t i = 0; i < a->n_children; i++) {
		struct msg_child ca, cb;

		diff_child_msg(a, i, &ca);
		diff_child_msg(b, i, &cb);
		if (memcmp(&ca, &cb, sizeof(ca)) != 0)
			return false;
	}
	return true;
}

struct diff_count diff_walk(const struct settings *before, const struct settings *after,
			    void (*fn)(void *arg, const struct peer_conf *before,
				       const struct peer_conf *after), void *arg)
{
	struct diff_count c = { 0 };
	size_t i = 0, k = 0;

	while (i < before->n_peers || k < after->n_peers) {
		const struct peer_conf *a = i < before->n_peers ? &before->peers[i] : NULL;
		const struct peer_conf *b = k < after->n_peers ? &after->peers[k] : NULL;
		int order = !a ? 1 : !b ? -1 : strcmp(a->name, b->name);

		if (order < 0) {
			c.removed++;
			i++;
			fn(arg, a, NULL);
		} else if (order > 0) {
			c.added++;
			k++;
			fn(arg, NULL, b);
		} else {
			i++;
			k++;
			if (diff_same(a, b)) {
				c.same++;
			} else {
				c.changed++;
				fn(arg, a, b);
			}
		}
	}
	return c;
}

static void part(char *buf, size_t cap, unsigned n, const char *what)
{
	size_t len = strlen(buf);

	if (!n)
		return;
	if (len)
		snprintf(buf + len, cap - len, ", %u %s", n, what);
	else
		snprintf(buf, cap, "%u %s %s", n, n == 1 ? "peer" : "peers", what);
}

const char *diff_text(const struct diff_count *c, char *buf, size_t cap)
{
	buf[0] = '\0';
	part(buf, cap, c->changed, "changed");
	part(buf, cap, c->added, "added");
	part(buf, cap, c->removed, "removed");
	if (!buf[0])
		snprintf(buf, cap, "no change");
	return buf;
}

static bool interface_taken(const struct settings *s, const char *interface)
{
	for (size_t i = 0; i < s->n_peers; i++)
		if (strcmp(s->peers[i].interface, interface) == 0)
			return true;
	return false;
}

static bool has(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->n_peers; i++)
		if (strcmp(s->peers[i].name, name) == 0)
			return true;
	return false;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct peer_conf *)a)->name, ((const struct peer_conf *)b)->name);
}

int diff_keep_bad(struct settings *old, struct settings *fresh,
		  bool (*is_bad)(void *arg, const char *name), void *arg)
{
	int kept = 0;

	for (size_t i = 0; i < old->n_peers; i++) {
		struct peer_conf *p = &old->peers[i], *grown;

		if (has(fresh, p->name) || !is_bad(arg, p->name) ||
		    interface_taken(fresh, p->interface))
			continue;
		grown = realloc(fresh->peers, (fresh->n_peers + 1) * sizeof(*grown));
		if (!grown)
			return -1;
		fresh->peers = grown;
		memcpy(&fresh->peers[fresh->n_peers], p, sizeof(*p));
		/* The children are copied, so that both can be compared and freed. */
		grown = &fresh->peers[fresh->n_peers];
		grown->children = malloc(p->n_children * sizeof(*p->children));
		if (!grown->children)
			return -1;
		memcpy(grown->children, p->children, p->n_children * sizeof(*p->children));
		fresh->n_peers++;
		kept++;
	}
	if (kept)
		qsort(fresh->peers, fresh->n_peers, sizeof(*fresh->peers), by_name);
	return kept;
}
