/* conf: the pieces of peers that are being sent. */
#include "ike/main/conf.h"

#include <stdlib.h>
#include <string.h>

struct pending {
	struct pending *next;
	struct msg_peer m;
	struct child_conf children[CHILDREN_MAX];
};

struct conf {
	struct pending *pending;
};

struct conf *conf_new(void)
{
	return calloc(1, sizeof(struct conf));
}

static void drop(struct conf *c, const char *name)
{
	for (struct pending **at = &c->pending; *at; at = &(*at)->next) {
		struct pending *p = *at;

		if (name && strcmp(p->m.peer.name, name) != 0)
			continue;
		*at = p->next;
		free(p);
		return;
	}
}

void conf_free(struct conf *c)
{
	if (!c)
		return;
	while (c->pending)
		drop(c, NULL);
	free(c);
}

static struct pending *find(struct conf *c, const char *name)
{
	for (struct pending *p = c->pending; p; p = p->next)
		if (strcmp(p->m.peer.name, name) == 0)
			return p;
	return NULL;
}

int conf_peer(struct conf *c, const struct msg_peer *m, struct err *e)
{
	struct pending *p;

	if (!m->peer.name[0] || !memchr(m->peer.name, '\0', sizeof(m->peer.name)))
		return err_set(e, "a peer without a name");
	drop(c, m->peer.name);
	p = calloc(1, sizeof(*p));
	if (!p)
		return err_set(e, "out of memory");
	p->m = *m;
	/* A pointer of another process says nothing here. */
	p->m.peer.children = NULL;
	p->m.peer.n_children = 0;
	p->next = c->pending;
	c->pending = p;
	return 0;
}

int conf_child(struct conf *c, const struct msg_child *m, struct err *e)
{
	struct pending *p;

	if (!memchr(m->peer, '\0', sizeof(m->peer)))
		return err_set(e, "a child without a peer");
	p = find(c, m->peer);
	if (!p)
		return err_set(e, "a child of a peer that was not sent");
	if (p->m.peer.n_children >= CHILDREN_MAX)
		return err_set(e, "more than %d children", CHILDREN_MAX);
	if (m->child.n_local > NETWORKS_MAX || m->child.n_remote > NETWORKS_MAX)
		return err_set(e, "more than %d networks", NETWORKS_MAX);
	p->children[p->m.peer.n_children++] = m->child;
	return 0;
}

int conf_apply(struct conf *c, const char *name,
	       int (*fn)(void *arg, const struct peer_conf *p, const struct ip_addr *local,
			 struct err *e),
	       void *arg, struct err *e)
{
	struct pending *p = find(c, name);
	int how;

	if (!p)
		return err_set(e, "nothing was sent for it");
	p->m.peer.children = p->children;
	how = p->m.peer.n_children ? fn(arg, &p->m.peer, &p->m.local_addr, e) :
		err_set(e, "it has no networks");
	drop(c, name);
	return how;
}
