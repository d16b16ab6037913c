/* draft: texts by key, checked one at a time as they are set. */
#include "core/settings/draft_priv.h"

#include "core/base/secret.h"
#include "core/settings/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CHILD_PREFIX "child."
#define DEFAULTS_PREFIX "defaults."

/* --- sections --- */

int section_put(struct section *sec, const struct setting *s, const char *text)
{
	char **v = &sec->v[setting_index(s)];
	char *copy = NULL;

	if (text && *text && !(copy = strdup(text)))
		return -1;
	free(*v);
	*v = copy;
	return 0;
}

static void section_fini(struct section *sec)
{
	for (size_t i = 0; i < settings_table_n; i++)
		free(sec->v[i]);
}

static int section_copy(struct section *to, const struct section *from)
{
	memset(to, 0, sizeof(*to));
	memcpy(to->name, from->name, sizeof(to->name));
	for (size_t i = 0; i < settings_table_n; i++)
		if (from->v[i] && !(to->v[i] = strdup(from->v[i])))
			return -1;
	return 0;
}

const char *section_get(const struct draft *d, const struct section *sec,
			const struct setting *s)
{
	const struct setting *up;

	if (sec->v[setting_index(s)])
		return sec->v[setting_index(s)];
	if (s->inherits && (up = setting_find(SCOPE_PEER, s->key)))
		return section_get(d, &d->main, up);
	return s->def;
}

/* --- drafts --- */

struct draft *draft_new_named(const char *name)
{
	struct draft *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->scope = SCOPE_PEER;
	snprintf(d->name, sizeof(d->name), "%s", name);
	return d;
}

struct draft *draft_new_peer(const char *name, const struct draft *router, struct err *e)
{
	struct draft *d;

	if (value_name_check("the peer's name", name, PEER_NAME_MAX, e) < 0)
		return NULL;
	d = draft_new_named(name);
	if (!d || (router && section_copy(&d->main, &router->defaults) < 0)) {
		draft_free(d);
		err_set(e, "out of memory");
		return NULL;
	}
	return d;
}

struct draft *draft_new_router(void)
{
	struct draft *d = calloc(1, sizeof(*d));

	if (d)
		d->scope = SCOPE_ROUTER;
	return d;
}

char **draft_secret(const struct draft *d, const struct setting *s)
{
	struct draft *own = (struct draft *)d;

	return strcmp(s->key, "ppk") == 0 ? &own->ppk : &own->psk;
}

/* text may be NULL: there is none. */
static int copy_secret(char **to, const char *text)
{
	size_t n = text ? strlen(text) + 1 : 0;

	if (!text)
		return 0;
	*to = secret_new(n);
	if (!*to)
		return -1;
	memcpy(*to, text, n);
	return 0;
}

struct draft *draft_dup(const struct draft *d)
{
	struct draft *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->scope = d->scope;
	memcpy(c->name, d->name, sizeof(c->name));
	if (section_copy(&c->main, &d->main) < 0 ||
	    section_copy(&c->defaults, &d->defaults) < 0 ||
	    copy_secret(&c->psk, d->psk) < 0 || copy_secret(&c->ppk, d->ppk) < 0)
		goto fail;
	if (d->n_child && !(c->child = calloc(d->n_child, sizeof(*c->child))))
		goto fail;
	for (; c->n_child < d->n_child; c->n_child++)
		if (section_copy(&c->child[c->n_child], &d->child[c->n_child]) < 0) {
			c->n_child++;
			goto fail;
		}
	return c;
fail:
	draft_free(c);
	return NULL;
}

void draft_free(struct draft *d)
{
	if (!d)
		return;
	section_fini(&d->main);
	section_fini(&d->defaults);
	for (size_t i = 0; i < d->n_child; i++)
		section_fini(&d->child[i]);
	free(d->child);
	secret_free(d->psk);
	secret_free(d->ppk);
	free(d);
}

enum setting_scope draft_scope(const struct draft *d)
{
	return d->scope;
}

const char *draft_name(const struct draft *d)
{
	return d->name;
}

int draft_rename(struct draft *d, const char *name, struct err *e)
{
	if (value_name_check("the peer's name", name, PEER_NAME_MAX, e) < 0)
		return -1;
	memmove(d->name, name, strlen(name) + 1);
	return 0;
}

/* --- children --- */

struct section *draft_child_find(const struct draft *d, const char *name)
{
	for (size_t i = 0; i < d->n_child; i++)
		if (strcmp(d->child[i].name, name) == 0)
			return &d->child[i];
	return NULL;
}

struct section *draft_child_new(struct draft *d, const char *name)
{
	struct section *more, *sec;

	if (d->n_child + 1 >= CHILDREN_MAX)
		return NULL;
	more = realloc(d->child, (d->n_child + 1) * sizeof(*more));
	if (!more)
		return NULL;
	d->child = more;
	sec = &more[d->n_child++];
	memset(sec, 0, sizeof(*sec));
	snprintf(sec->name, sizeof(sec->name), "%s", name);
	return sec;
}

size_t draft_children(const struct draft *d)
{
	return d->n_child;
}

const char *draft_child(const struct draft *d, size_t i)
{
	return i < d->n_child ? d->child[i].name : NULL;
}

int draft_child_add(struct draft *d, const char *name, struct err *e)
{
	if (d->scope != SCOPE_PEER)
		return err_code(e, EXIT_SETTINGS, "only a peer has children");
	if (value_name_check("the child's name", name, CHILD_NAME_MAX, e) < 0)
		return -1;
	if (draft_child_find(d, name))
		return err_code(e, EXIT_SETTINGS, "there is a child \"%s\" already",
				name);
	if (strcmp(name, d->name) == 0)
		return err_code(e, EXIT_SETTINGS,
				"\"%s\" is the peer's name: its own networks are "
				"that child",
				name);
	if (d->n_child + 1 >= CHILDREN_MAX)
		return err_code(e, EXIT_SETTINGS,
				"a peer has at most %d children, its own networks "
				"included",
				CHILDREN_MAX);
	return draft_child_new(d, name) ? 0 : err_set(e, "out of memory");
}

int draft_child_del(struct draft *d, const char *name, struct err *e)
{
	struct section *sec = draft_child_find(d, name);

	if (!sec)
		return err_code(e, EXIT_SETTINGS, "there is no child \"%.60s\"", name);
	section_fini(sec);
	d->n_child--;
	memmove(sec, sec + 1, (size_t)(d->child + d->n_child - sec) * sizeof(*sec));
	return 0;
}

/* --- keys --- */

/* Where a key lives. sec is NULL for a child that is not there yet; its name then. */
struct place {
	const struct setting *s;
	const struct section *sec;
	char child[CHILD_NAME_MAX + 1];
};

static int find_child_key(const struct draft *d, const char *key, struct place *p,
			  struct err *e)
{
	const char *name = key + strlen(CHILD_PREFIX), *dot = strrchr(name, '.');

	if (!dot || dot == name)
		return err_code(e, EXIT_SETTINGS,
				"\"%.60s\" is not child.NAME.KEY, as in "
				"child.voice.esp",
				key);
	if ((size_t)(dot - name) > CHILD_NAME_MAX)
		return err_code(e, EXIT_SETTINGS,
				"a child's name is at most %d characters",
				CHILD_NAME_MAX);
	snprintf(p->child, sizeof(p->child), "%.*s", (int)(dot - name), name);
	p->s = setting_require(SCOPE_CHILD, dot + 1, e);
	p->sec = draft_child_find(d, p->child);
	return p->s ? 0 : -1;
}

static int find_key(const struct draft *d, const char *key, struct place *p,
		    struct err *e)
{
	memset(p, 0, sizeof(*p));
	if (d->scope == SCOPE_PEER &&
	    strncmp(key, CHILD_PREFIX, strlen(CHILD_PREFIX)) == 0)
		return find_child_key(d, key, p, e);
	if (d->scope == SCOPE_ROUTER &&
	    strncmp(key, DEFAULTS_PREFIX, strlen(DEFAULTS_PREFIX)) == 0) {
		p->sec = &d->defaults;
		p->s = setting_require(SCOPE_PEER, key + strlen(DEFAULTS_PREFIX), e);
		if (p->s && !p->s->defaultable)
			return err_code(e, EXIT_SETTINGS,
					"%s belongs to each peer: it has no default",
					p->s->key);
		return p->s ? 0 : -1;
	}
	p->sec = &d->main;
	p->s = setting_require(d->scope, key, e);
	return p->s ? 0 : -1;
}

const struct setting *draft_setting(const struct draft *d, const char *key, struct err *e)
{
	struct place p;

	return find_key(d, key, &p, e) < 0 ? NULL : p.s;
}

const char *draft_get(const struct draft *d, const char *key)
{
	struct place p;

	if (find_key(d, key, &p, NULL) < 0 || !p.sec)
		return NULL;
	if (p.s->type == ST_SECRET)
		return *draft_secret(d, p.s) ? *draft_secret(d, p.s) : "";
	if (p.s->type == ST_NAME)
		return d->name;
	return section_get(d, p.sec, p.s);
}

bool draft_is_set(const struct draft *d, const char *key)
{
	struct place p;

	if (find_key(d, key, &p, NULL) < 0 || !p.sec)
		return false;
	if (p.s->type == ST_SECRET)
		return *draft_secret(d, p.s) != NULL;
	return p.s->type == ST_NAME || p.sec->v[setting_index(p.s)] != NULL;
}

const char *draft_idle(const struct draft *d, const char *key)
{
	const struct setting *cond;
	struct place p;

	if (find_key(d, key, &p, NULL) < 0 || !p.sec)
		return NULL;
	if (p.s->type == ST_SECRET && !p.s->when_key)
		return draft_needs_psk(d) ? NULL : "while auth or peer_auth is psk";
	if (!p.s->when_key)
		return NULL;
	cond = setting_find(p.s->scope, p.s->when_key);
	if (cond && cond->like && !*section_get(d, p.sec, cond))
		cond = setting_find(p.s->scope, cond->like);
	return cond && strcmp(section_get(d, p.sec, cond), p.s->when_not) == 0 ? p.s->when
									       : NULL;
}

bool draft_needs_psk(const struct draft *d)
{
	const char *theirs = draft_get(d, "peer_auth");

	return strcmp(draft_get(d, "auth"), "cert") != 0 ||
	       (*theirs && strcmp(theirs, "cert") != 0);
}

static int set_secret(char **secret, const char *text, struct err *e)
{
	uint8_t bytes[PSK_MAX];
	size_t len;
	int r;

	if (!*text) {
		secret_free(*secret);
		*secret = NULL;
		return 0;
	}
	r = psk_parse(text, bytes, &len, e);
	secret_wipe(bytes, sizeof(bytes));
	if (r < 0)
		return -1;
	secret_free(*secret);
	*secret = NULL;
	return copy_secret(secret, text) < 0 ? err_set(e, "out of memory") : 0;
}

static int check_value(const struct place *p, const char *text, char *out, size_t cap,
		       struct err *e)
{
	struct value v;

	if (value_parse(p->s, text, &v, e) < 0)
		return -1;
	value_str(p->s, &v, out, cap);
	return 0;
}

static int wrap(struct err *e, const char *key)
{
	if (e)
		e->code = EXIT_SETTINGS;
	return err_wrap(e, "%.80s", key);
}

int draft_try(const struct draft *d, const char *key, const char *text, struct err *e)
{
	uint8_t bytes[PSK_MAX];
	char out[VALUE_TEXT_MAX];
	struct place p;
	size_t len;
	int r;

	if (find_key(d, key, &p, e) < 0)
		return -1;
	if (p.s->type == ST_SECRET) {
		r = *text ? psk_parse(text, bytes, &len, e) : 0;
		secret_wipe(bytes, sizeof(bytes));
	} else if (p.s->type == ST_NAME)
		r = value_name_check("the peer's name", text, PEER_NAME_MAX, e);
	else
		r = check_value(&p, text, out, sizeof(out), e);
	return r < 0 ? wrap(e, key) : 0;
}

int draft_set(struct draft *d, const char *key, const char *text, struct err *e)
{
	char out[VALUE_TEXT_MAX];
	struct section *sec;
	struct place p;
	int r;

	if (find_key(d, key, &p, e) < 0)
		return -1;
	if (p.s->type == ST_SECRET)
		return set_secret(draft_secret(d, p.s), text, e) < 0 ? wrap(e, key) : 0;
	if (p.s->type == ST_NAME)
		return draft_rename(d, text, e) < 0 ? wrap(e, key) : 0;
	if (check_value(&p, text, out, sizeof(out), e) < 0)
		return wrap(e, key);
	if (!p.sec) {
		if (draft_child_add(d, p.child, e) < 0)
			return wrap(e, key);
		p.sec = draft_child_find(d, p.child);
	}
	sec = p.sec == &d->main ? &d->main : p.sec == &d->defaults ? &d->defaults :
	      draft_child_find(d, p.child);
	r = section_put(sec, p.s, out);
	return r < 0 ? err_set(e, "out of memory") : 0;
}

int draft_set_pair(struct draft *d, const char *pair, struct err *e)
{
	const char *eq = strchr(pair, '=');
	char key[80];

	if (!eq)
		return err_code(e, EXIT_USAGE, "\"%.60s\" is not KEY=VALUE", pair);
	if ((size_t)(eq - pair) >= sizeof(key))
		return err_code(e, EXIT_SETTINGS, "unknown setting \"%.60s…\"", pair);
	snprintf(key, sizeof(key), "%.*s", (int)(eq - pair), pair);
	return draft_set(d, key, eq + 1, e);
}

/* --- all keys --- */

struct walk {
	const struct draft *d;
	bool (*fn)(void *arg, const char *key, const struct setting *s, const char *text,
		   bool set);
	void *arg;
};

static bool walk_rows(const struct walk *w, const char *prefix, enum setting_scope scope,
		      bool defaults)
{
	char key[80];

	for (size_t i = 0; i < settings_table_n; i++) {
		const struct setting *s = &settings_table[i];
		const char *text;
		bool set;

		if (s->scope != scope || (defaults && !s->defaultable))
			continue;
		snprintf(key, sizeof(key), "%s%s", prefix, s->key);
		text = draft_get(w->d, key);
		set = draft_is_set(w->d, key);
		if (!w->fn(w->arg, key, s, text ? text : "", set))
			return false;
	}
	return true;
}

void draft_each(const struct draft *d,
		bool (*fn)(void *arg, const char *key, const struct setting *s,
			   const char *text, bool set), void *arg)
{
	struct walk w = { d, fn, arg };
	char prefix[48];

	if (!walk_rows(&w, "", d->scope, false))
		return;
	if (d->scope == SCOPE_ROUTER)
		walk_rows(&w, DEFAULTS_PREFIX, SCOPE_PEER, true);
	for (size_t i = 0; i < d->n_child; i++) {
		snprintf(prefix, sizeof(prefix), CHILD_PREFIX "%s.", d->child[i].name);
		if (!walk_rows(&w, prefix, SCOPE_CHILD, false))
			return;
	}
}
