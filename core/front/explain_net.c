/* explain_net: networks that do not meet. Each side knows best what is behind itself: so a
 * wrong local network is put right over there, a wrong remote one here. */
#include "core/front/explain_priv.h"

#include <stdio.h>
#include <string.h>

static void join(const struct neg_selectors *ts, const char *sep, struct sbuf *b)
{
	char text[SELECTOR_TEXT_MAX];

	for (size_t i = 0; i < ts->n; i++)
		sbuf_addf(b, "%s%s", i ? sep : "", selector_str(&ts->s[i], text));
	if (ts->more)
		sbuf_add(b, ", ...");
}

static bool within(const struct neg_selectors *inner, const struct neg_selectors *outer)
{
	for (size_t i = 0; i < inner->n; i++) {
		bool in = false;

		for (size_t k = 0; k < outer->n; k++)
			in |= selector_covers(&outer->s[k], &inner->s[i]);
		if (!in)
			return false;
	}
	return inner->n > 0;
}

static bool equal(const struct neg_selectors *a, const struct neg_selectors *b)
{
	return within(a, b) && within(b, a);
}

static bool overlap(const struct neg_selectors *a, const struct neg_selectors *b)
{
	struct selector out;

	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; k < b->n; k++)
			if (selector_intersect(&a->s[i], &b->s[k], &out))
				return true;
	return false;
}

void explain_net_rows(const struct explain_input *in, struct explain *x)
{
	const struct negotiation *n = in->neg;
	const struct {
		const char *name;
		const struct neg_selectors *ours, *theirs;
	} rows[] = {
		{ "Networks here", &n->ts_ours_local, &n->ts_theirs_local },
		{ "Networks there", &n->ts_ours_remote, &n->ts_theirs_remote },
	};

	for (size_t i = 0; i < 2; i++) {
		struct sbuf a = { 0 }, b = { 0 };

		if (!rows[i].ours->n && !rows[i].theirs->n)
			continue;
		join(rows[i].ours, ", ", &a);
		join(rows[i].theirs, ", ", &b);
		explain_cells(x, !rows[i].theirs->n || equal(rows[i].ours, rows[i].theirs) ?
			      TONE_PLAIN : TONE_BAD, rows[i].name, sbuf_str(&a),
			      rows[i].theirs->n ? sbuf_str(&b) : "?");
		sbuf_fini(&a);
		sbuf_fini(&b);
	}
}

static const char *how(const struct neg_selectors *ours, const struct neg_selectors *theirs)
{
	if (within(ours, theirs))
		return "which is wider";
	if (within(theirs, ours))
		return "which is narrower";
	return overlap(ours, theirs) ? "which only overlaps" : "which is another network";
}

static const char *key_of(const struct explain_input *in, const char *key, char *buf, size_t cap)
{
	bool further = in->neg->child[0] && in->conf && in->conf->children &&
		       strcmp(in->neg->child, in->conf->children[0].name) != 0;

	snprintf(buf, cap, "%s%s%s%s", further ? "child." : "", further ? in->neg->child : "",
		 further ? "." : "", key);
	return buf;
}

/* Only what can be written as networks can be set. */
static bool as_setting(const struct neg_selectors *ts, struct sbuf *b)
{
	char text[PREFIX_TEXT_MAX];
	struct prefix p;

	for (size_t i = 0; i < ts->n; i++) {
		if (selector_prefixes(&ts->s[i], &p, 1) != 1)
			return false;
		sbuf_addf(b, "%s%s", i ? "," : "", prefix_str(&p, text));
	}
	return ts->n && !ts->more;
}

static void set_to(const struct explain_input *in, const char *key, const struct neg_selectors *ts,
		   struct explain *x)
{
	struct sbuf value = { 0 };
	char name[96];

	if (as_setting(ts, &value))
		explain_set(x, in, key_of(in, key, name, sizeof(name)), sbuf_str(&value), NULL, NULL);
	sbuf_fini(&value);
}

static void differ(const struct explain_input *in, bool local, const struct neg_selectors *ours,
		   const struct neg_selectors *theirs, struct explain *x)
{
	const char *key = local ? "local_network" : "remote_network";
	struct sbuf a = { 0 }, b = { 0 };

	join(ours, ", ", &a);
	join(theirs, ", ", &b);
	explain_text(x, "The peer has %s %s, %s; here %s is %s.", sbuf_str(&b),
		     local ? "behind this router" : "behind itself", how(ours, theirs), key,
		     sbuf_str(&a));
	if (local) {
		explain_text(x, "On the other side, set its remote network to %s. Or here:",
			     sbuf_str(&a));
		set_to(in, key, theirs, x);
	} else {
		explain_text(x, "Here:");
		set_to(in, key, theirs, x);
		explain_text(x, "Or on the other side, set its local network to %s.", sbuf_str(&a));
	}
	sbuf_fini(&a);
	sbuf_fini(&b);
}

void explain_networks(const struct explain_input *in, struct explain *x)
{
	const struct negotiation *n = in->neg;
	const struct neg_selectors *ol = &n->ts_ours_local, *or = &n->ts_ours_remote;
	const struct neg_selectors *tl = &n->ts_theirs_local, *tr = &n->ts_theirs_remote;
	struct sbuf a = { 0 }, b = { 0 };

	if (!tl->n && !tr->n) {
		join(ol, ", ", &a);
		join(or, ", ", &b);
		explain_text(x, "The peer does not accept these networks, and does not say which it "
			     "has. On the other side, its local network must be %s and its remote "
			     "network %s (local and remote change places).", sbuf_str(&b),
			     sbuf_str(&a));
		if (ol->n > 1 || or->n > 1)
			explain_text(x, "Some peers take one pair of networks per tunnel only "
				     "(child_per_pair).");
	} else if (equal(tl, or) && equal(tr, ol)) {
		explain_text(x, "The two sides are swapped: what the peer calls local is what this "
			     "router calls local, too. On each router, local_network is what is "
			     "behind that very router.");
		join(tl, ",", &a);
		join(tr, ",", &b);
		explain_text(x, "If it is wrong here:");
		explain_set(x, in, "local_network", sbuf_str(&a), "remote_network", sbuf_str(&b));
	} else {
		if (!equal(ol, tl))
			differ(in, true, ol, tl, x);
		if (!equal(or, tr))
			differ(in, false, or, tr, x);
	}
	sbuf_fini(&a);
	sbuf_fini(&b);
}
