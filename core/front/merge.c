/* merge: what the daemon says beside what the settings say. The daemon knows no peer whose
 * file it could not use; nobody would look for a peer that is in no list. */
#include "core/front/merge.h"

#include "core/front/actions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first error about the peer, where the finding is the first of its peer. */
static const struct finding *first_error(const struct findings *fs, size_t i)
{
	const struct finding *f = &fs->f[i];

	if (f->level != FINDING_ERROR || !f->peer[0])
		return NULL;
	for (size_t k = 0; k < i; k++)
		if (fs->f[k].level == FINDING_ERROR &&
		    strcmp(fs->f[k].peer, f->peer) == 0)
			return NULL;
	return f;
}

/* "peers/branch.conf:4:18: local_network: …" */
static void where(struct sbuf *b, const struct finding *f)
{
	if (f->file[0])
		sbuf_add(b, f->file);
	if (f->file[0] && f->line)
		sbuf_addf(b, ":%u:%u", f->line, f->column);
	sbuf_addf(b, "%s%s%s%s", f->file[0] ? ": " : "", f->key, f->key[0] ? ": " : "",
		  f->msg);
}

static struct status_peer *append(struct status *s, const struct peer_conf *c)
{
	struct status_peer *more = realloc(s->peers, (s->n_peers + 1) * sizeof(*more));

	if (!more)
		return NULL;
	s->peers = more;
	if (status_peer_from_conf(&more[s->n_peers], c) < 0) {
		status_peer_fini(&more[s->n_peers]);
		return NULL;
	}
	return &more[s->n_peers++];
}

/* What can be read of a file that has an error. */
static bool fill_one(void *arg, const struct peer_entry *p)
{
	struct status_peer *sp = status_find(arg, p->name);

	if (!sp || !front_reason_is_error(sp->reason) || !p->draft)
		return true;
	status_set(&sp->description, draft_get(p->draft, "description"));
	status_set(&sp->remote, draft_get(p->draft, "remote_gateway"));
	sp->version = strcmp(draft_get(p->draft, "version"), "1") == 0 ? 1 : 2;
	if (strcmp(draft_get(p->draft, "enabled"), "no") == 0)
		sp->state = STATUS_DISABLED;
	return true;
}

static bool fill_bad(struct status *s, const char *config_dir)
{
	struct err ignored;

	return settings_each_peer(config_dir, fill_one, s, &ignored) == 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct status_peer *)a)->name,
		      ((const struct status_peer *)b)->name);
}

static bool add_bad(struct status *s, const struct finding *f)
{
	static const struct peer_conf none = { .enabled = true, .version = 2 };
	struct status_peer *p = append(s, &none);
	struct sbuf b = { 0 };

	if (!p)
		return false;
	snprintf(p->name, sizeof(p->name), "%s", f->peer);
	sbuf_add(&b, FRONT_REASON_ERROR);
	where(&b, f);
	status_set(&p->reason, sbuf_str(&b));
	sbuf_fini(&b);
	return true;
}

/* One that the daemon goes on with as it was is not down for it. */
static void warn_kept(struct status *s, const struct finding *f, size_t n)
{
	struct sbuf b = { 0 };

	sbuf_addf(&b, "%s%s", s->warning, s->warning[0] ? "; " : "");
	where(&b, f);
	sbuf_addf(&b, " (%s stays as it was before", f->peer);
	if (n > 1)
		sbuf_addf(&b, ", and so %s %zu more: adit check",
			  n == 2 ? "does" : "do", n - 1);
	sbuf_add(&b, ")");
	status_set(&s->warning, sbuf_str(&b));
	sbuf_fini(&b);
}

bool front_merge_settings(struct status *s, const char *config_dir,
			  const struct settings *settings, const struct findings *fs)
{
	const struct finding *kept = NULL;
	size_t n_kept = 0, bad = 0, had = s->n_peers;

	for (size_t i = 0; i < settings->n_peers; i++) {
		struct status_peer *p = status_find(s, settings->peers[i].name);

		if (!p && (p = append(s, &settings->peers[i])) &&
		    p->state != STATUS_DISABLED)
			status_set(&p->reason, s->running ? FRONT_REASON_UNREAD :
							     FRONT_REASON_OFF);
	}
	for (size_t i = 0; i < fs->n; i++) {
		const struct finding *f = first_error(fs, i);

		if (!f)
			continue;
		if (!status_find(s, f->peer)) {
			bad += add_bad(s, f);
		} else if (!f->error) {
			/* One that this user may not read is none of those. */
			kept = kept ? kept : f;
			n_kept++;
		}
	}
	if (kept)
		warn_kept(s, kept, n_kept);
	/* Where that fails, they have their names and the reasons. */
	if (bad)
		(void)fill_bad(s, config_dir);
	if (s->n_peers > had)
		qsort(s->peers, s->n_peers, sizeof(*s->peers), by_name);
	return kept || s->n_peers > had;
}

bool front_merge(struct status *s, const char *config_dir)
{
	struct front f = { .config_dir = config_dir, .run_dir = "" };
	struct prefix lan[FRONT_LAN_MAX];
	size_t n_lan = front_lan(&f, lan, FRONT_LAN_MAX);
	struct findings fs = { 0 };
	struct settings settings;
	struct err ignored;
	bool changed = false;

	if (settings_load(config_dir, lan, n_lan, &settings, &fs, &ignored) == 0) {
		changed = front_merge_settings(s, config_dir, &settings, &fs);
		settings_fini(&settings);
	}
	findings_fini(&fs);
	return changed;
}

bool front_reason_is_error(const char *reason)
{
	return strncmp(reason, FRONT_REASON_ERROR, strlen(FRONT_REASON_ERROR)) == 0;
}
