/* diff: two drafts side by side, key by key. */
#include "core/settings/draft_priv.h"

#include <stdio.h>
#include <string.h>

struct diff {
	const struct draft *from, *to;
	const char *indent;
	struct sbuf *out;
	enum setting_cost cost;
	size_t n;
};

static void line(struct diff *df, const char *key, const struct setting *s,
		 const char *was, const char *is)
{
	sbuf_addf(df->out, "%s%s: %s -> %s\n", df->indent, key, *was ? was : "none",
		  *is ? is : "none");
	df->n++;
	if (s->cost > df->cost)
		df->cost = s->cost;
}

/* One side may be missing; then only what is set on the other counts. */
static void diff_sections(struct diff *df, const struct section *a,
			  const struct section *b, const char *prefix,
			  enum setting_scope scope)
{
	for (size_t i = 0; i < settings_table_n; i++) {
		const struct setting *s = &settings_table[i];
		const char *was, *is;
		char key[80];

		if (s->scope != scope || s->type == ST_NAME || s->type == ST_SECRET)
			continue;
		if ((!a && !b->v[i]) || (!b && !a->v[i]))
			continue;
		was = a ? section_get(df->from, a, s) : "";
		is = b ? section_get(df->to, b, s) : "";
		/* Inherited by a child, and changed at the peer: said there. */
		if (a && b && !a->v[i] && !b->v[i])
			continue;
		snprintf(key, sizeof(key), "%s%s", prefix, s->key);
		if (strcmp(was, is) != 0)
			line(df, key, s, was, is);
	}
}

static void diff_children(struct diff *df)
{
	char prefix[48];

	for (size_t i = 0; df->from && i < df->from->n_child; i++) {
		const struct section *a = &df->from->child[i];

		snprintf(prefix, sizeof(prefix), "child.%s.", a->name);
		diff_sections(df, a, df->to ? draft_child_find(df->to, a->name) : NULL,
			      prefix, SCOPE_CHILD);
	}
	for (size_t i = 0; df->to && i < df->to->n_child; i++) {
		const struct section *b = &df->to->child[i];

		snprintf(prefix, sizeof(prefix), "child.%s.", b->name);
		if (!df->from || !draft_child_find(df->from, b->name))
			diff_sections(df, NULL, b, prefix, SCOPE_CHILD);
	}
}

/* A stored one is not read into a draft, so one that is there now may be a new one. */
static void diff_secret(struct diff *df, const char *key, const char *was, const char *is)
{
	if (!is || (was && strcmp(was, is) == 0))
		return;
	sbuf_addf(df->out, "%s%s %s\n", df->indent, key, df->from ? "changed" : "set");
	df->n++;
	df->cost = COST_RESTART;
}

size_t draft_diff(const struct draft *from, const struct draft *to, const char *indent,
		  struct sbuf *out, enum setting_cost *cost)
{
	struct diff df = { .from = from, .to = to, .indent = indent, .out = out };
	enum setting_scope scope = from ? from->scope : to->scope;

	if (from && to && strcmp(from->name, to->name) != 0)
		line(&df, "name", setting_find(SCOPE_PEER, "name"), from->name, to->name);
	diff_sections(&df, from ? &from->main : NULL, to ? &to->main : NULL, "", scope);
	if (scope == SCOPE_ROUTER)
		diff_sections(&df, from ? &from->defaults : NULL,
			      to ? &to->defaults : NULL, "defaults.", SCOPE_PEER);
	else
		diff_children(&df);
	if (to) {
		diff_secret(&df, "psk", from ? from->psk : NULL, to->psk);
		diff_secret(&df, "ppk", from ? from->ppk : NULL, to->ppk);
	}
	if (cost)
		*cost = df.cost;
	return df.n;
}
