/* conf: from texts to the plain structs the programs use. */
#include "core/settings/draft_priv.h"

#include "core/settings/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IF_PREFIX "adit-"
#define IF_ROOM (IFNAME_MAX - 1 - sizeof(IF_PREFIX) + 1)
#define MARGIN_MAX_S 540
#define MARGIN_SHARE 10

/* --- interface names --- */

static uint32_t fnv1a(const char *s, unsigned salt)
{
	uint32_t h = 2166136261u ^ salt;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h;
}

void conf_ifname(const char *name, unsigned salt, char out[IFNAME_MAX])
{
	static const char digits[] = "abcdefghijkmnpqrstuvwxyz23456789";
	char head[6] = "", tail[5] = "";
	uint32_t h;

	/* A dot in an interface's name is a level in sysctl's. */
	if (strlen(name) <= IF_ROOM && !strchr(name, '.') && salt == 0) {
		snprintf(out, IFNAME_MAX, IF_PREFIX "%.10s", name);
		return;
	}
	h = fnv1a(name, salt);
	for (int i = 0; i < 5 && name[i]; i++)
		head[i] = name[i] == '.' ? '-' : name[i];
	for (int i = 0; i < 4; i++, h >>= 5)
		tail[i] = digits[h & 31];
	snprintf(out, IFNAME_MAX, IF_PREFIX "%s-%s", head, tail);
}

static bool ifname_taken(const struct settings *s, size_t but, const char *ifname)
{
	for (size_t i = 0; i < s->n_peers; i++)
		if (i != but && strcmp(s->peers[i].interface, ifname) == 0)
			return true;
	return false;
}

void conf_ifnames(struct settings *s)
{
	/* Every peer's first choice depends on its name alone, so that one peer more does
	 * not rename another's interface; short names keep theirs. */
	for (size_t i = 0; i < s->n_peers; i++)
		conf_ifname(s->peers[i].name, 0, s->peers[i].interface);
	for (size_t i = 0; i < s->n_peers; i++) {
		unsigned salt = 0;

		if (strlen(s->peers[i].name) <= IF_ROOM && !strchr(s->peers[i].name, '.'))
			continue;
		while (ifname_taken(s, i, s->peers[i].interface))
			conf_ifname(s->peers[i].name, ++salt, s->peers[i].interface);
	}
}

/* --- filling --- */

static bool fill_one(const struct draft *d, const struct section *sec,
		     const struct setting *s, void *home, const char *prefix,
		     struct findings *fs)
{
	const char *text = section_get(d, sec, s);
	char key[80];
	struct value v;
	struct err e;

	if (value_parse(s, text, &v, &e) < 0) {
		snprintf(key, sizeof(key), "%s%s", prefix, s->key);
		findings_add(fs, FINDING_ERROR, d->name, key, "%s", e.msg);
		return false;
	}
	value_store(s, &v, home);
	return !v.empty;
}

static uint32_t margin_of(const struct peer_conf *p)
{
	uint32_t life = p->ike_life_s, margin;

	for (int i = 0; i < p->n_children; i++)
		if (!child_is_plain(&p->children[i]) && p->children[i].esp_life_s &&
		    p->children[i].esp_life_s < life)
			life = p->children[i].esp_life_s;
	margin = life / MARGIN_SHARE;
	return margin > MARGIN_MAX_S ? MARGIN_MAX_S : margin ? margin : 1;
}

static void fill_child(const struct draft *d, const struct section *sec,
		       struct child_conf *c, const struct child_conf *own,
		       struct findings *fs)
{
	char prefix[48];

	memcpy(c->name, sec->name, sizeof(c->name));
	snprintf(prefix, sizeof(prefix), "child.%s.", sec->name);
	for (size_t i = 0; i < settings_table_n; i++) {
		const struct setting *s = &settings_table[i];

		if (s->scope != SCOPE_CHILD)
			continue;
		/* The peer's own value was looked at already. */
		if (sec->v[i] || !s->inherits)
			fill_one(d, sec, s, c, prefix, fs);
		else
			memcpy((uint8_t *)c + s->offset, (const uint8_t *)own + s->offset,
			       s->width);
	}
}

/* Transport mode is between the two routers: their addresses go without saying. */
static void fill_hosts(struct peer_conf *p)
{
	for (int i = 0; i < p->n_children; i++) {
		struct child_conf *c = &p->children[i];

		if (c->mode != MODE_TRANSPORT)
			continue;
		if (!c->n_local && addr_is_set(&p->local_ip)) {
			c->local_network[0].addr = p->local_ip;
			c->local_network[0].len = addr_bits(&p->local_ip);
			c->n_local = 1;
		}
		if (!c->n_remote && addr_is_set(&p->remote_gateway)) {
			c->remote_network[0].addr = p->remote_gateway;
			c->remote_network[0].len = addr_bits(&p->remote_gateway);
			c->n_remote = 1;
		}
	}
}

/* Proposals that IKEv1 cannot say are left out; where nothing is left check_version()
 * complains of what was written. */
static void fill_v1(struct peer_conf *p)
{
	struct suite_list l;

	v1_suites(SUITE_IKE, &p->ike, &l);
	if (l.n)
		p->ike = l;
	for (int i = 0; i < p->n_children; i++) {
		v1_suites(SUITE_ESP, &p->children[i].esp, &l);
		if (l.n)
			p->children[i].esp = l;
	}
}

int conf_fill_peer(const struct draft *d, struct peer_conf *p,
		   bool bad[SETTINGS_TABLE_MAX], struct findings *fs)
{
	memset(p, 0, sizeof(*p));
	p->children = calloc(1 + d->n_child, sizeof(*p->children));
	if (!p->children)
		return -1;
	p->n_children = (uint8_t)(1 + d->n_child);
	memcpy(p->name, d->name, sizeof(p->name));
	memcpy(p->children[0].name, d->name, sizeof(p->children[0].name));
	conf_ifname(d->name, 0, p->interface);
	for (size_t i = 0; i < settings_table_n; i++) {
		const struct setting *s = &settings_table[i];

		bad[i] = false;
		if (s->scope != SCOPE_PEER || s->type == ST_NAME || s->type == ST_SECRET)
			continue;
		bad[i] = !fill_one(d, &d->main, s,
				   s->home == HOME_CHILD ? (void *)&p->children[0]
							 : (void *)p,
				   "", fs);
	}
	for (size_t i = 0; i < d->n_child; i++)
		fill_child(d, &d->child[i], &p->children[1 + i], &p->children[0], fs);
	if (!p->rekey_margin_s)
		p->rekey_margin_s = margin_of(p);
	if (!draft_is_set(d, "peer_auth"))
		p->peer_auth = p->auth;
	fill_hosts(p);
	if (p->version == IKE_V1)
		fill_v1(p);
	return 0;
}

void conf_fill_router(const struct draft *d, struct router_conf *r, struct findings *fs)
{
	struct value v;

	memset(r, 0, sizeof(*r));
	for (size_t i = 0; i < settings_table_n; i++) {
		const struct setting *s = &settings_table[i];

		if (s->scope != SCOPE_ROUTER)
			continue;
		/* A bad value counts as its default, so that the rest goes on. */
		if (!fill_one(d, &d->main, s, r, "", fs) && d->main.v[i] &&
		    value_parse(s, s->def, &v, NULL) == 0)
			value_store(s, &v, r);
	}
}

void peer_conf_fini(struct peer_conf *p)
{
	free(p->children);
	p->children = NULL;
	p->n_children = 0;
}

static int first_error(struct findings *fs, struct err *e)
{
	for (size_t i = 0; i < fs->n; i++) {
		const struct finding *f = &fs->f[i];

		if (f->level != FINDING_ERROR)
			continue;
		if (f->key[0])
			return err_code(e, EXIT_SETTINGS, "%s: %.400s", f->key, f->msg);
		return err_code(e, EXIT_SETTINGS, "%s", f->msg);
	}
	return err_set(e, "out of memory");
}

int draft_to_peer(const struct draft *d, struct peer_conf *out, struct err *e)
{
	struct findings fs = { 0 };
	int r = 0;

	if (check_peer(d, NULL, 0, out, &fs) != 0) {
		r = first_error(&fs, e);
		peer_conf_fini(out);
	}
	findings_fini(&fs);
	return r;
}

int draft_to_router(const struct draft *d, struct router_conf *out, struct err *e)
{
	struct findings fs = { 0 };
	int r = 0;

	if (check_router(d, out, &fs) != 0)
		r = first_error(&fs, e);
	findings_fini(&fs);
	return r;
}

/* --- what a change costs --- */

static void dearest(enum setting_cost *cost, enum setting_cost c)
{
	if (c > *cost)
		*cost = c;
}

static void compare_rows(enum setting_scope scope, enum setting_home home, const void *a,
			 const void *b, enum setting_cost *cost)
{
	for (size_t i = 0; i < settings_table_n; i++) {
		const struct setting *s = &settings_table[i];
		const uint8_t *x = (const uint8_t *)a + s->offset,
			      *y = (const uint8_t *)b + s->offset;

		if (s->scope == scope && s->home == home && memcmp(x, y, s->width) != 0)
			dearest(cost, s->cost);
	}
}

enum setting_cost peer_conf_cost(const struct peer_conf *a, const struct peer_conf *b)
{
	enum setting_cost cost = COST_NOTHING;

	if (a->remote_any != b->remote_any || strcmp(a->interface, b->interface) != 0)
		return COST_RESTART;
	compare_rows(SCOPE_PEER, HOME_PEER, a, b, &cost);
	if (a->n_children != b->n_children)
		dearest(&cost, COST_REKEY);
	for (int i = 0; i < a->n_children && i < b->n_children; i++) {
		const struct child_conf *x = &a->children[i], *y = &b->children[i];

		if (strcmp(x->name, y->name) != 0)
			dearest(&cost, COST_REKEY);
		compare_rows(SCOPE_CHILD, HOME_CHILD, x, y, &cost);
	}
	return cost;
}
