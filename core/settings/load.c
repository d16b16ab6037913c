/* load: every file to a draft, every draft checked, then all peers together. A file with
 * an error costs its own peer, no other. */
#include "core/settings/load.h"

#include "core/settings/draft_priv.h"
#include "core/settings/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct load {
	const char *dir;
	const struct snap *snap;
	const struct prefix *lan;
	size_t n_lan;
	struct settings *out;
	struct findings *fs;
};

static struct finding *about_file(struct findings *fs, const char *peer, const char *path,
				  int error)
{
	struct finding *f;

	if (error == EFBIG)
		f = findings_add(fs, FINDING_ERROR, peer, "",
				 "the file is larger than %d KB",
				 SETTINGS_FILE_MAX / 1024);
	else
		f = findings_add(fs, FINDING_ERROR, peer, "", "cannot be read: %s",
				 strerror(error));
	if (f) {
		snprintf(f->file, sizeof(f->file), "%s", path);
		f->error = error;
	}
	return f;
}

/* NULL: fs says why. */
static struct draft *parse(enum setting_scope scope, const struct snap_file *f,
			   const char *name, struct findings *fs)
{
	if (f->error) {
		about_file(fs, name, f->path, f->error);
		return NULL;
	}
	return file_parse(scope, f->path, name, f->data, f->len, fs);
}

static void load_router(struct load *l)
{
	const struct snap_file *f = snap_find(l->snap, SNAP_ROUTER);
	size_t first = l->fs->n;
	struct draft *d = f ? parse(SCOPE_ROUTER, f, "", l->fs) : NULL;

	if (!d)
		d = draft_new_router();
	if (!d)
		return;
	check_router(d, &l->out->router, l->fs);
	if (f && f->data)
		file_place(f->path, "", f->data, f->len, l->fs, first);
	draft_free(d);
}

/* Only what the folder shows: the key itself is read where it is needed. words: "the
 * pre-shared key". NULL: there is none. */
static const struct snap_file *check_file(struct load *l, const struct peer_conf *p,
					  const char *path, const char *key,
					  const char *words)
{
	const struct snap_file *f = snap_find(l->snap, path);
	struct finding *fi = NULL;

	if (!f)
		return NULL;
	if (f->error)
		fi = findings_add(l->fs, FINDING_ERROR, p->name, key,
				  "cannot be read: %s", strerror(f->error));
	else if (f->mode & (S_IRWXG | S_IRWXO))
		fi = findings_add(l->fs, FINDING_ERROR, p->name, key,
				  "others may read %s: chmod 600 %s/%s", words, l->dir,
				  path);
	else if (f->uid != 0 && f->uid != geteuid())
		fi = findings_add(l->fs, FINDING_ERROR, p->name, key,
				  "%s's file belongs to someone else: chown root %s/%s",
				  words, l->dir, path);
	else if (f->len < PSK_SHORT)
		fi = findings_add(l->fs, FINDING_WARNING, p->name, key,
				  "%s is under %d characters and can be guessed; adit "
				  "genpsk makes a good one",
				  words, PSK_SHORT);
	if (fi)
		snprintf(fi->file, sizeof(fi->file), "%s", path);
	return f;
}

static void check_secrets(struct load *l, const struct peer_conf *p)
{
	bool psk = p->auth == AUTH_BY_PSK || p->peer_auth == AUTH_BY_PSK;
	char path[SNAP_PATH_MAX];

	if (!l->snap->secrets_listed)
		return;
	if (psk && !check_file(l, p, snap_secret_path(p->name, path), "psk",
			       "the pre-shared key") && p->enabled)
		findings_add(l->fs, FINDING_WARNING, p->name, "psk",
			     "no pre-shared key is stored: adit peer set %s "
			     "--generate-psk (or --psk-file, --psk-stdin)",
			     p->name);
	if (p->ppk_id[0] && !check_file(l, p, snap_ppk_path(p->name, path), "ppk",
					"the post-quantum key") && p->enabled)
		findings_add(l->fs, p->ppk_required ? FINDING_ERROR : FINDING_WARNING,
			     p->name, "ppk",
			     "no post-quantum key is stored: adit peer set %s "
			     "--ppk-file FILE",
			     p->name);
}

/* 1 there, 0 not; -1 when this user may not know. */
static int in_pki(const struct load *l, const char *name, const char *end)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/" SNAP_PKI "/%s%s", l->dir, name, end);
	return access(path, F_OK) == 0 ? 1 : errno == ENOENT || errno == ENOTDIR ? 0 : -1;
}

static void need_cert(struct load *l, const struct peer_conf *p, const char *key,
		      const char *name)
{
	if (name[0] && in_pki(l, name, SNAP_CRT) == 0)
		findings_add(l->fs, FINDING_ERROR, p->name, key,
			     "there is no certificate \"%s\": adit pki list shows those "
			     "that there are, adit pki import brings one",
			     name);
}

static void check_certs(struct load *l, const struct peer_conf *p)
{
	if (p->auth == AUTH_BY_CERT) {
		need_cert(l, p, "cert", p->cert);
		if (in_pki(l, p->cert, SNAP_CRT) == 1 && in_pki(l, p->cert, SNAP_KEY) == 0)
			findings_add(l->fs, FINDING_ERROR, p->name, "cert",
				     "%s is a certificate without its private key: it "
				     "cannot prove who this router is",
				     p->cert);
	}
	if (p->peer_auth != AUTH_BY_CERT)
		return;
	need_cert(l, p, "peer_cert", p->peer_cert);
	for (int i = 0; i < p->n_ca; i++)
		need_cert(l, p, "ca", p->ca[i]);
}

static int load_peer(struct load *l, const struct snap_file *f, const char *name,
		     struct err *e)
{
	size_t first = l->fs->n, before = l->fs->errors;
	struct settings *s = l->out;
	struct peer_conf p;
	struct draft *d = parse(SCOPE_PEER, f, name, l->fs);
	long errors;

	if (!d)
		return 0;
	errors = check_peer(d, l->lan, l->n_lan, &p, l->fs);
	draft_free(d);
	if (errors < 0)
		return err_set(e, "out of memory");
	check_secrets(l, &p);
	check_certs(l, &p);
	file_place(f->path, name, f->data, f->len, l->fs, first);
	if (l->fs->errors > before)
		peer_conf_fini(&p);
	else
		s->peers[s->n_peers++] = p;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct peer_conf *)a)->name,
		      ((const struct peer_conf *)b)->name);
}

static const struct snap_file *peer_file(const struct snap *snap, const char *name)
{
	char path[SNAP_PATH_MAX];

	return snap_find(snap, snap_peer_path(name, path));
}

/* Findings between peers get their places, peers with errors go. */
static void settle(struct load *l, size_t first)
{
	struct settings *s = l->out;
	size_t keep = 0;

	for (size_t i = first; i < l->fs->n; i++) {
		const struct snap_file *f = l->fs->f[i].peer[0] ?
			peer_file(l->snap, l->fs->f[i].peer) : NULL;

		if (f && f->data && !l->fs->f[i].file[0])
			file_place(f->path, l->fs->f[i].peer, f->data, f->len, l->fs, i);
	}
	for (size_t i = 0; i < s->n_peers; i++) {
		bool bad = false;

		for (size_t k = first; k < l->fs->n; k++)
			bad |= l->fs->f[k].level == FINDING_ERROR &&
			       strcmp(l->fs->f[k].peer, s->peers[i].name) == 0;
		if (bad)
			peer_conf_fini(&s->peers[i]);
		else
			s->peers[keep++] = s->peers[i];
	}
	s->n_peers = keep;
}

static void check_snap(struct load *l)
{
	struct finding *f;

	if (l->snap->strange[0]) {
		f = findings_add(
			l->fs, FINDING_WARNING, "", "",
			"is not read: a peer's name has up to "
			"%d letters, digits, . _ - and begins with a letter or digit",
			PEER_NAME_MAX);
		if (f)
			snprintf(f->file, sizeof(f->file), "%s", l->snap->strange);
	}
	if (l->snap->pending)
		findings_add(l->fs, FINDING_WARNING, "", "",
			     "a change was cut short (%s) but is in "
			     "force; the next adit command that writes finishes it",
			     l->snap->gen.what);
}

int load_snap(const char *dir, const struct snap *snap, const struct prefix *lan,
	      size_t n_lan, struct settings *out, struct findings *fs, struct err *e)
{
	struct load l = { dir, snap, lan, n_lan, out, fs };
	struct peer_conf *fit;
	size_t first;

	memset(out, 0, sizeof(*out));
	out->peers = calloc(snap->n + 1, sizeof(*out->peers));
	if (!out->peers)
		return err_set(e, "out of memory");
	check_snap(&l);
	load_router(&l);
	for (size_t i = 0; i < snap->n; i++) {
		char name[PEER_NAME_MAX + 1];

		if (snap_peer_name(snap->f[i].path, name) &&
		    load_peer(&l, &snap->f[i], name, e) < 0) {
			settings_fini(out);
			return -1;
		}
	}
	if (out->n_peers)
		qsort(out->peers, out->n_peers, sizeof(*out->peers), by_name);
	first = fs->n;
	settings_check(out, fs);
	settle(&l, first);
	conf_ifnames(out);
	/* The snapshot has the secrets' files too: half of the room was never used. */
	fit = realloc(out->peers, (out->n_peers + 1) * sizeof(*fit));
	if (fit)
		out->peers = fit;
	return 0;
}

const char *load_nearest_peer(const struct snap *snap, const char *name,
			      char buf[PEER_NAME_MAX + 1])
{
	char best[PEER_NAME_MAX + 1] = "";

	for (size_t i = 0; i < snap->n; i++) {
		const char *two[3] = { best, buf, NULL }, *near;

		if (!snap_peer_name(snap->f[i].path, buf))
			continue;
		near = nearest_of(name, best[0] ? two : two + 1);
		if (near == buf)
			memcpy(best, buf, sizeof(best));
	}
	memcpy(buf, best, sizeof(best));
	return best[0] ? buf : NULL;
}

static int no_draft(const struct findings *fs, size_t first, struct err *e)
{
	const struct finding *f = first < fs->n ? &fs->f[first] : NULL;

	if (!f)
		return err_set(e, "out of memory");
	/* Nothing is known to be wrong with it: another user may read it. */
	if (f->error == EACCES || f->error == EPERM)
		return err_code(e, EXIT_NOT_PERMITTED, "%s: %.420s", f->file, f->msg);
	if (f->line)
		return err_code(e, EXIT_SETTINGS, "%s:%u:%u: %.380s", f->file, f->line,
				f->column, f->msg);
	return err_code(e, EXIT_SETTINGS, "%s: %.420s", f->file, f->msg);
}

int load_peer_draft(const struct snap *snap, const char *name, struct draft **out,
		    struct findings *fs, struct err *e)
{
	const struct snap_file *f = peer_file(snap, name);
	char near[PEER_NAME_MAX + 1];
	struct findings own = { 0 };
	size_t first;
	int r = 0;

	if (!f) {
		if (load_nearest_peer(snap, name, near))
			return err_code(e, EXIT_NO_PEER, "no peer \"%.60s\": %s?", name,
					near);
		return err_code(e, EXIT_NO_PEER, "no peer \"%.60s\"", name);
	}
	if (!fs)
		fs = &own;
	first = fs->n;
	*out = parse(SCOPE_PEER, f, name, fs);
	if (!*out)
		r = no_draft(fs, first, e);
	else if (fs != &own) {
		draft_check(*out, NULL, 0, fs);
		file_place(f->path, name, f->data, f->len, fs, first);
	}
	findings_fini(&own);
	return r;
}

int load_router_draft(const struct snap *snap, struct draft **out, struct findings *fs,
		      struct err *e)
{
	const struct snap_file *f = snap_find(snap, SNAP_ROUTER);
	struct findings own = { 0 };
	size_t first;
	int r = 0;

	if (!fs)
		fs = &own;
	first = fs->n;
	*out = f ? parse(SCOPE_ROUTER, f, "", fs) : draft_new_router();
	if (!*out)
		r = no_draft(fs, first, e);
	else if (fs != &own && f) {
		draft_check(*out, NULL, 0, fs);
		file_place(f->path, "", f->data, f->len, fs, first);
	}
	findings_fini(&own);
	return r;
}
