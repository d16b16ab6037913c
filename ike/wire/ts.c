/* ts: narrowing is intersection; the rest is keeping the answer short and in good order. */
#include "ike/wire/ts.h"

#include "core/base/sbuf.h"

#include <stdio.h>
#include <string.h>

void ts_from_prefixes(const struct prefix *nets, size_t n, struct ts_list *out)
{
	out->n = 0;
	out->unknown = out->more = false;
	for (size_t i = 0; i < n && out->n < TS_MAX; i++)
		out->s[out->n++] = selector_of(&nets[i]);
}

static bool covered(const struct ts_list *l, const struct selector *s)
{
	for (uint8_t i = 0; i < l->n; i++)
		if (selector_covers(&l->s[i], s))
			return true;
	return false;
}

/* Add s unless it is there already; what s makes needless goes. False when full. */
static bool add(struct ts_list *l, const struct selector *s)
{
	uint8_t kept = 0;
	bool first = true;

	if (covered(l, s))
		return true;
	for (uint8_t i = 0; i < l->n; i++) {
		if (!selector_covers(s, &l->s[i])) {
			l->s[kept++] = l->s[i];
		} else if (first) {
			/* It takes the place of the first it replaces, so that what holds the
			 * packet which began it all stays in front. */
			l->s[kept++] = *s;
			first = false;
		}
	}
	l->n = kept;
	if (!first)
		return true;
	if (l->n == SA_SELECTORS_MAX)
		return false;
	l->s[l->n++] = *s;
	return true;
}

/* Our part of what was asked for. False when some of that was lost. */
static bool narrow(const struct ts_list *asked, const struct ts_list *ours, struct ts_list *out)
{
	bool all = true;

	out->n = 0;
	out->unknown = out->more = false;
	for (uint8_t i = 0; i < asked->n; i++) {
		bool whole = false;

		for (uint8_t k = 0; k < ours->n; k++) {
			struct selector both;

			if (!selector_intersect(&asked->s[i], &ours->s[k], &both))
				continue;
			if (!add(out, &both))
				all = false;
			whole = whole || selector_equal(&both, &asked->s[i]);
		}
		/* Asked for 0.0.0.0/1 and 128.0.0.0/1 having 0.0.0.0/0 is whole, too; the
		 * other way round it is called narrowed, which costs nothing. */
		all = all && whole;
	}
	return all && !asked->unknown && !asked->more;
}

bool ts_same(const struct ts_list *a, const struct ts_list *b)
{
	for (uint8_t i = 0; i < a->n; i++)
		if (!covered(b, &a->s[i]))
			return false;
	for (uint8_t i = 0; i < b->n; i++)
		if (!covered(a, &b->s[i]))
			return false;
	return true;
}

enum ts_fit ts_narrow(const struct ts_list *tsi, const struct ts_list *tsr,
		      const struct prefix *local, size_t n_local,
		      const struct prefix *remote, size_t n_remote,
		      struct ts_list *out_tsi, struct ts_list *out_tsr)
{
	struct ts_list have_local, have_remote;

	ts_from_prefixes(local, n_local, &have_local);
	ts_from_prefixes(remote, n_remote, &have_remote);
	return ts_narrow_to(tsi, tsr, &have_local, &have_remote, out_tsi, out_tsr);
}

enum ts_fit ts_narrow_to(const struct ts_list *tsi, const struct ts_list *tsr,
			 const struct ts_list *local, const struct ts_list *remote,
			 struct ts_list *out_tsi, struct ts_list *out_tsr)
{
	bool whole_i = narrow(tsi, remote, out_tsi);
	bool whole_r = narrow(tsr, local, out_tsr);

	if (!out_tsi->n || !out_tsr->n)
		return TS_NONE;
	if (!whole_i || !whole_r)
		return TS_PART;
	if (ts_same(tsi, remote) && ts_same(tsr, local))
		return TS_EXACT;
	return TS_WITHIN;
}

int ts_check(const struct ts_list *asked, const struct ts_list *answer, struct err *e)
{
	char text[SELECTOR_TEXT_MAX];

	if (answer->unknown)
		return err_set(e, "the peer answered with a traffic selector of a type "
			       "not asked for");
	if (!answer->n)
		return err_set(e, "the peer answered with no traffic selector");
	if (answer->more || answer->n > SA_SELECTORS_MAX)
		return err_set(e, "the peer answered with more than %d traffic selectors",
			       SA_SELECTORS_MAX);
	for (uint8_t i = 0; i < answer->n; i++)
		if (!covered(asked, &answer->s[i]))
			return err_set(e, "the peer answered with %s, "
				       "which is more than was asked for",
				       selector_str(&answer->s[i], text));
	return 0;
}

static void add_list(struct sbuf *b, const struct ts_list *ts)
{
	char text[SELECTOR_TEXT_MAX];

	for (uint8_t i = 0; i < ts->n; i++)
		sbuf_addf(b, "%s%s", i ? ", " : "", selector_str(&ts->s[i], text));
	if (ts->more)
		sbuf_add(b, ", ...");
	if (!ts->n)
		sbuf_add(b, ts->unknown ? "nothing known here" : "nothing");
}

const char *ts_str(const struct ts_list *ts, char *buf, size_t cap)
{
	struct sbuf b = { 0 };

	add_list(&b, ts);
	snprintf(buf, cap, "%s", sbuf_str(&b));
	sbuf_fini(&b);
	return buf;
}

static bool meet(const struct ts_list *a, const struct ts_list *b)
{
	struct selector both;

	for (uint8_t i = 0; i < a->n; i++)
		for (uint8_t k = 0; k < b->n; k++)
			if (selector_intersect(&a->s[i], &b->s[k], &both))
				return true;
	return false;
}

static const char *why(const struct ts_list *local, const struct ts_list *remote,
		       const struct ts_list *their_local, const struct ts_list *their_remote)
{
	bool l = meet(local, their_local), r = meet(remote, their_remote);

	if (!l && !r && meet(local, their_remote) && meet(remote, their_local))
		return "local and remote networks are the wrong way round on one side";
	if (!l && !r)
		return "neither the networks here nor those over there agree";
	if (!l)
		return "the peer's remote network is not our local_network";
	if (!r)
		return "the peer's local network is not our remote_network";
	if (ts_same(local, their_local) && ts_same(remote, their_remote))
		return "they agree";
	return "they agree in part";
}

const char *ts_compare(const struct ts_list *local, const struct ts_list *remote,
		       const struct ts_list *their_local, const struct ts_list *their_remote,
		       char *buf, size_t cap)
{
	const struct ts_list *lists[4] = { local, remote, their_local, their_remote };
	const char *const before[4] = { "ours ", " === ", "; theirs ", " === " };
	const char *reason = why(local, remote, their_local, their_remote);
	size_t room = cap > strlen(reason) + 40 ? (cap - strlen(reason) - 40) / 4 : 0;
	struct sbuf all = { 0 };

	for (int i = 0; i < 4; i++) {
		struct sbuf b = { 0 };

		add_list(&b, lists[i]);
		sbuf_add(&all, before[i]);
		if (b.len <= room) {
			sbuf_add(&all, sbuf_str(&b));
		} else {
			sbuf_addn(&all, sbuf_str(&b), room);
			sbuf_add(&all, "...");
		}
		sbuf_fini(&b);
	}
	snprintf(buf, cap, "%s: %s", sbuf_str(&all), reason);
	sbuf_fini(&all);
	return buf;
}
