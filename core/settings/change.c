/* change: the changes of store.h that are one commit each. */
#include "core/settings/store.h"

#include "core/settings/draft_priv.h"
#include "core/settings/load.h"
#include "core/settings/store_priv.h"

#include <stdio.h>
#include <stdarg.h>
#include <string.h>


struct job {
	struct store *s;
	struct commit own, *c;
	char what[COMMIT_WHAT_MAX];
};

static int begin(struct job *j, const char *dir, struct commit *c, struct err *e,
		 const char *fmt, ...) PRINTF_LIKE(5, 6);

static int begin(struct job *j, const char *dir, struct commit *c, struct err *e,
		 const char *fmt, ...)
{
	va_list ap;

	memset(j, 0, sizeof(*j));
	j->c = c ? c : &j->own;
	va_start(ap, fmt);
	vsnprintf(j->what, sizeof(j->what), fmt, ap);
	va_end(ap);
	if (j->c->what)
		snprintf(j->what, sizeof(j->what), "%s", j->c->what);
	j->s = store_open(dir, j->what, e);
	return j->s ? 0 : -1;
}

/* r: how staging went. */
static int end(struct job *j, int r, struct findings *fs, struct err *e)
{
	if (r == 0)
		r = store_commit(j->s, j->c, fs, e);
	store_close(j->s);
	return r;
}

/* Someone else's change since the edit began would be lost. */
static int check_base(const struct draft *base, const struct draft *now, struct err *e)
{
	struct sbuf diff = { 0 };
	size_t n = draft_diff(base, now, "", &diff, NULL);
	const char *s = sbuf_str(&diff);
	int first = (int)strcspn(s, "\n");

	if (n)
		err_set(e,
			"%s was changed by someone else meanwhile (%.*s%s); nothing is "
			"saved: open "
			"it again",
			base->name[0] ? base->name : "adit.conf",
			first > 200 ? 200 : first, s, n > 1 ? ", …" : "");
	sbuf_fini(&diff);
	return n ? -1 : 0;
}

int settings_peer_add(const char *dir, const struct draft *d, struct commit *c,
		      struct findings *fs, struct err *e)
{
	struct job j;
	int r = 0;

	if (begin(&j, dir, c, e, "peer add %s", d->name) < 0)
		return -1;
	if (store_has_peer(j.s, d->name))
		r = err_set(e, "there is a peer \"%s\" already", d->name);
	else
		r = store_put_peer(j.s, d, e);
	return end(&j, r, fs, e);
}

int settings_peer_change(const char *dir, const struct draft *d, const struct draft *base,
			 struct commit *c, struct findings *fs, struct err *e)
{
	const char *was = base ? base->name : d->name;
	struct draft *now = NULL;
	struct job j;
	int r;

	if (begin(&j, dir, c, e, "peer set %s", was) < 0)
		return -1;
	r = load_peer_draft(&j.s->next, was, &now, NULL, e);
	if (r == 0 && base)
		r = check_base(base, now, e);
	if (r == 0 && strcmp(was, d->name) != 0)
		r = store_rename_peer(j.s, was, d->name, e);
	if (r == 0)
		r = store_put_peer(j.s, d, e);
	draft_free(now);
	return end(&j, r, fs, e);
}

int settings_peer_delete(const char *dir, const char *name, struct commit *c,
			 struct err *e)
{
	struct job j;

	if (begin(&j, dir, c, e, "peer delete %s", name) < 0)
		return -1;
	return end(&j, store_del_peer(j.s, name, e), NULL, e);
}

int settings_peer_rename(const char *dir, const char *from, const char *to,
			 struct commit *c, struct findings *fs, struct err *e)
{
	struct job j;

	if (begin(&j, dir, c, e, "peer rename %s %s", from, to) < 0)
		return -1;
	return end(&j, store_rename_peer(j.s, from, to, e), fs, e);
}

static int set_enabled(struct store *s, const char *name, bool enabled, struct err *e)
{
	struct draft *d;
	int r;

	if (store_peer(s, name, &d, NULL, e) < 0)
		return -1;
	/* "yes" is the default: no need to write it where nothing was written. */
	if (enabled && !draft_is_set(d, "enabled"))
		r = 0;
	else
		r = draft_set(d, "enabled", enabled ? "yes" : "no", e);
	if (r == 0)
		r = store_put_peer(s, d, e);
	draft_free(d);
	return r;
}

int settings_peer_copy(const char *dir, const char *from, const char *to,
		       struct commit *c, struct findings *fs, struct err *e)
{
	struct job j;
	int r;

	if (begin(&j, dir, c, e, "peer copy %s %s", from, to) < 0)
		return -1;
	r = store_copy_peer(j.s, from, to, e);
	if (r == 0)
		r = set_enabled(j.s, to, false, e);
	return end(&j, r, fs, e);
}

int settings_peer_enable(const char *dir, const char *name, bool enabled,
			 struct commit *c, struct findings *fs, struct err *e)
{
	struct job j;

	if (begin(&j, dir, c, e, "peer %s %s", enabled ? "enable" : "disable", name) < 0)
		return -1;
	return end(&j, set_enabled(j.s, name, enabled, e), fs, e);
}

int settings_router_change(const char *dir, const struct draft *d,
			   const struct draft *base, struct commit *c,
			   struct findings *fs, struct err *e)
{
	struct draft *now = NULL;
	struct job j;
	int r;

	if (begin(&j, dir, c, e, "router settings") < 0)
		return -1;
	r = load_router_draft(&j.s->next, &now, NULL, e);
	if (r == 0 && base)
		r = check_base(base, now, e);
	if (r == 0)
		r = store_put_router(j.s, d, e);
	draft_free(now);
	return end(&j, r, fs, e);
}
