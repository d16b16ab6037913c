/* pki: the files of pki/ on their way to the children, opened here and read there: what is in
 * them may come from strangers. Which one is another than before is told by its inode and its
 * times; whoever changes pki/ does so by rename. Keys go to vaultd, by the peers that use
 * them; PPKs, which are kept with the PSKs, too. */
#include "core/daemon/monitor.h"

#include "core/base/log.h"
#include "core/base/rng.h"
#include "core/base/secret.h"
#include "core/daemon/siphash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define PKI_FILES_MAX 1024
#define CERT_FILE_MAX (256 * 1024)
#define CRL_FILE_MAX (6 * 1024 * 1024)	/* as PEM */
#define KEY_FILE_MAX (32 * 1024)
#define DESCRIPTORS 16384

struct stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed, written;
};

struct pki_file {
	char name[PKI_NAME_MAX + 1];	/* of the file; PKI_KEY: of the peer */
	char file[PKI_NAME_MAX + 1];	/* PKI_KEY: of the certificate */
	uint8_t kind;			/* enum pki_kind */
	bool pinned, used, seen;
	struct stamp stamp;
};

struct ppk_mark {
	char peer[PEER_NAME_MAX + 1];
	uint64_t mark;
	bool seen;
};

void pki_init(struct pki *k)
{
	struct rlimit r;

	*k = (struct pki){ 0 };
	rng_bytes(k->key, sizeof(k->key));
	/* A descriptor each, while a child that has just begun does not read yet. */
	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < DESCRIPTORS) {
		r.rlim_cur = r.rlim_max < DESCRIPTORS ? r.rlim_max : DESCRIPTORS;
		(void)setrlimit(RLIMIT_NOFILE, &r);
	}
}

void pki_fini(struct pki *k)
{
	free(k->v);
	free(k->ppks);
	secret_wipe(k, sizeof(*k));
}

/* ---- files ---- */

static const char *ending(enum pki_kind kind)
{
	switch (kind) {
	case PKI_CERT: return "crt";
	case PKI_CRL: return "crl";
	case PKI_KEY: return "key";
	}
	return "";
}

static off_t most(enum pki_kind kind)
{
	switch (kind) {
	case PKI_CERT: return CERT_FILE_MAX;
	case PKI_CRL: return CRL_FILE_MAX;
	case PKI_KEY: return KEY_FILE_MAX;
	}
	return 0;
}

/* Somebody else could have written it, or, a key, read it. */
static int check_mode(const struct stat *st, enum pki_kind kind, struct err *e)
{
	mode_t no = kind == PKI_KEY ? S_IRWXG | S_IRWXO : S_IWGRP | S_IWOTH;

	if (!S_ISREG(st->st_mode))
		return err_set(e, "it is not a file");
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return err_set(e,
			       "it belongs to someone else; it is used after chown root");
	if (st->st_mode & no)
		return err_set(e, kind == PKI_KEY ?
			       "others may read it; it is used after chmod 600" :
			       "others may write it; it is used after chmod 644");
	if (st->st_size > most(kind))
		return err_set(e, "it is larger than %lld KB",
			       (long long)most(kind) / 1024);
	return 0;
}

/* A descriptor, -1 with errno ENOENT when there is none, else -1 and logged. */
static int open_file(int dirfd, const char *name, enum pki_kind kind, struct stamp *stamp)
{
	char path[PKI_NAME_MAX + 8];
	struct err e = { 0 };
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s.%s", name, ending(kind));
	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0) {
		if (errno != ENOENT) {
			err_errno(&e, "pki/%s", path);
			log_error(NULL, "%s", e.msg);
		}
		return -1;
	}
	if (fstat(fd, &st) < 0)
		err_errno(&e, "it cannot be looked at");
	else if (check_mode(&st, kind, &e) == 0) {
		*stamp = (struct stamp){ .dev = st.st_dev,
					 .ino = st.st_ino,
					 .size = st.st_size,
					 .changed = st.st_ctim,
					 .written = st.st_mtim };
		return fd;
	}
	log_error(NULL, "pki/%s: %s", path, e.msg);
	close(fd);
	errno = EPERM;
	return -1;
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       same_time(a->changed, b->changed) && same_time(a->written, b->written);
}

/* ---- what the children have ---- */

static struct pki_file *find(struct pki *k, const char *name, enum pki_kind kind)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->v[i].kind == kind && strcmp(k->v[i].name, name) == 0)
			return &k->v[i];
	return NULL;
}

static struct pki_file *add(struct pki *k, const char *name, enum pki_kind kind)
{
	struct pki_file *grown = realloc(k->v, (k->n + 1) * sizeof(*grown));

	if (!grown) {
		log_error(NULL, "no memory for pki/%s", name);
		return NULL;
	}
	k->v = grown;
	grown = &k->v[k->n++];
	*grown = (struct pki_file){ .kind = (uint8_t)kind };
	snprintf(grown->name, sizeof(grown->name), "%s", name);
	return grown;
}

static void tell(struct monitor *m, const struct pki_file *f, int fd)
{
	struct msg_pki msg = { .kind = f->kind, .gone = fd < 0, .pinned = f->pinned,
			       .used = f->used };

	snprintf(msg.name, sizeof(msg.name), "%s", f->name);
	(void)procs_send_fds(m, f->kind == PKI_KEY ? PROC_VAULTD : PROC_IKED, MSG_PKI, 0,
			     &msg, sizeof(msg), &fd, fd < 0 ? 0 : 1);
}

/* How peers use a certificate: as peer_cert, and nobody calls it a CA; or in any way. */
struct use {
	bool pinned, used;
};

/* One that is there: sent, when always, or another, or used otherwise now. True when it was
 * another. */
static bool offer(struct monitor *m, int dirfd, const char *name, const char *file,
		  enum pki_kind kind, struct use use, bool always)
{
	struct pki *k = &m->pki;
	struct pki_file *f = find(k, name, kind);
	struct stamp stamp;
	bool other;
	int fd = open_file(dirfd, file, kind, &stamp);

	if (fd < 0) {
		/* What they have stays: a wrong mode is no change of what is in it. */
		if (f && errno != ENOENT)
			f->seen = true;
		else if (kind == PKI_KEY && errno == ENOENT && (!f || always))
			log_warning(name, "there is no private key pki/%s.key", file);
		return false;
	}
	other = !f || !same_stamp(&f->stamp, &stamp) || strcmp(f->file, file) != 0;
	if (!f)
		f = add(k, name, kind);
	if (f) {
		bool send = other || always || f->pinned != use.pinned ||
			    f->used != use.used;

		snprintf(f->file, sizeof(f->file), "%s", file);
		f->stamp = stamp;
		f->pinned = use.pinned;
		f->used = use.used;
		f->seen = true;
		if (send)
			tell(m, f, fd);
	}
	close(fd);
	return other;
}

/* Those that are not there any more. */
static unsigned sweep(struct monitor *m, bool keys)
{
	struct pki *k = &m->pki;
	unsigned n = 0;

	for (size_t i = 0; i < k->n;) {
		if ((k->v[i].kind == PKI_KEY) != keys || k->v[i].seen) {
			i++;
			continue;
		}
		tell(m, &k->v[i], -1);
		k->v[i] = k->v[--k->n];
		n++;
	}
	return n;
}

static void unsee(struct pki *k, bool keys)
{
	for (size_t i = 0; i < k->n; i++)
		if ((k->v[i].kind == PKI_KEY) == keys)
			k->v[i].seen = false;
}

/* NAME.crt or NAME.crl; false for what else lies there. */
static bool take_name(const char *file, char name[PKI_NAME_MAX + 1], enum pki_kind *kind)
{
	size_t n = strlen(file);

	if (n < 5 || n - 4 > PKI_NAME_MAX || file[0] == '.')
		return false;
	if (strcmp(file + n - 4, ".crt") == 0)
		*kind = PKI_CERT;
	else if (strcmp(file + n - 4, ".crl") == 0)
		*kind = PKI_CRL;
	else
		return false;
	snprintf(name, PKI_NAME_MAX + 1, "%.*s", (int)(n - 4), file);
	return strspn(name,
		      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
	       n - 4;
}

static struct use use_of(const struct settings *s, const char *name)
{
	struct use use = { false, false };
	bool ca = false;

	for (size_t i = 0; i < s->n_peers; i++) {
		const struct peer_conf *p = &s->peers[i];

		if (strcmp(p->peer_cert, name) == 0)
			use.pinned = use.used = true;
		use.used = use.used || strcmp(p->cert, name) == 0;
		for (size_t c = 0; c < p->n_ca; c++)
			ca = ca || strcmp(p->ca[c], name) == 0;
	}
	if (ca)
		use = (struct use){ .used = true };
	return use;
}

static int open_dir(const struct monitor *m)
{
	char path[PATH_MAX + 8];

	snprintf(path, sizeof(path), "%s/pki", m->opt.config_dir);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

/* Certificates and CRLs, to iked. Returns how many are others than before. */
static unsigned files_send(struct monitor *m, int dirfd, bool always)
{
	int dup = dirfd < 0 ? -1 : openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = dup < 0 ? NULL : fdopendir(dup);
	const struct dirent *de;
	unsigned changed = 0, n = 0;

	unsee(&m->pki, false);
	while (d && (de = readdir(d))) {
		char name[PKI_NAME_MAX + 1];
		enum pki_kind kind;

		if (!take_name(de->d_name, name, &kind))
			continue;
		if (n++ == PKI_FILES_MAX) {
			log_error(NULL,
				  "more than %d files in pki/: the rest is left out",
				  PKI_FILES_MAX);
			break;
		}
		changed += offer(m, dirfd, name, name, kind,
				 kind == PKI_CERT ? use_of(&m->settings, name) :
						    (struct use){ false, false },
				 always);
	}
	if (d)
		closedir(d);
	else if (dup >= 0)
		close(dup);
	return changed + sweep(m, false);
}

/* ---- keys and PPKs ---- */

static void secret_changed(struct monitor *m, const char *peer, bool tell_iked)
{
	struct msg_name name = { 0 };

	if (!tell_iked)
		return;
	snprintf(name.name, sizeof(name.name), "%s", peer);
	(void)procs_send(m, PROC_IKED, MSG_SECRET_CHANGED, 0, &name, sizeof(name));
}

static unsigned keys_send(struct monitor *m, int dirfd, bool always)
{
	unsigned changed = 0;

	unsee(&m->pki, true);
	for (size_t i = 0; dirfd >= 0 && i < m->settings.n_peers; i++) {
		const struct peer_conf *p = &m->settings.peers[i];

		if (!p->enabled || p->auth != AUTH_BY_CERT || !p->cert[0] ||
		    !offer(m, dirfd, p->name, p->cert, PKI_KEY,
			   (struct use){ false, false }, always))
			continue;
		secret_changed(m, p->name, !always);
		changed++;
	}
	return changed + sweep(m, true);
}

static struct ppk_mark *ppk_find(struct pki *k, const char *peer)
{
	struct ppk_mark *grown;

	for (size_t i = 0; i < k->n_ppks; i++)
		if (strcmp(k->ppks[i].peer, peer) == 0)
			return &k->ppks[i];
	grown = realloc(k->ppks, (k->n_ppks + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	k->ppks = grown;
	grown = &k->ppks[k->n_ppks++];
	*grown = (struct ppk_mark){ 0 };
	snprintf(grown->peer, sizeof(grown->peer), "%s", peer);
	return grown;
}

/* len 0: it has none any more. */
static void ppk_tell(struct monitor *m, const char *peer, const uint8_t *ppk, size_t len)
{
	struct msg_secret *msg = secret_new(sizeof(*msg));

	if (!msg) {
		log_error(peer, "no memory for its PPK");
		return;
	}
	snprintf(msg->name, sizeof(msg->name), "%s", peer);
	msg->ppk = 1;
	msg->len = (uint16_t)len;
	if (len)
		memcpy(msg->bytes, ppk, len);
	(void)procs_send(m, PROC_VAULTD, MSG_SECRET_SET, 0, msg, sizeof(*msg));
	secret_free(msg);
}

static unsigned ppk_send(struct monitor *m, const char *peer, bool always)
{
	uint8_t *ppk = secret_new(PSK_MAX);
	struct err e = { 0 };
	struct ppk_mark *k = NULL;
	bool other = false;
	size_t len = 0;

	if (ppk && settings_ppk(m->opt.config_dir, peer, ppk, &len, &e) < 0) {
		if (e.code == EXIT_NO_PEER)
			log_warning(peer, "no PPK is stored for it");
		else
			log_error(peer, "its PPK cannot be read: %s", e.msg);
		/* What vaultd has stays after a wrong mode. */
		if (e.code != EXIT_NO_PEER && (k = ppk_find(&m->pki, peer)))
			k->seen = true;
	} else if (ppk && (k = ppk_find(&m->pki, peer))) {
		uint64_t mark = siphash(m->pki.key, ppk, len) | 1;

		other = k->mark != mark;
		k->mark = mark;
		k->seen = true;
		if (other || always)
			ppk_tell(m, peer, ppk, len);
	}
	secret_free(ppk);
	return other;
}

static unsigned ppks_send(struct monitor *m, bool always)
{
	struct pki *k = &m->pki;
	unsigned changed = 0;

	for (size_t i = 0; i < k->n_ppks; i++)
		k->ppks[i].seen = false;
	for (size_t i = 0; i < m->settings.n_peers; i++) {
		const struct peer_conf *p = &m->settings.peers[i];

		if (!p->enabled || !p->ppk_id[0] || !ppk_send(m, p->name, always))
			continue;
		secret_changed(m, p->name, !always);
		changed++;
	}
	for (size_t i = 0; i < k->n_ppks;) {
		if (k->ppks[i].seen) {
			i++;
			continue;
		}
		ppk_tell(m, k->ppks[i].peer, NULL, 0);
		k->ppks[i] = k->ppks[--k->n_ppks];
		changed++;
	}
	return changed;
}

/* ---- */

void pki_tell_iked(struct monitor *m)
{
	int fd = open_dir(m);

	(void)files_send(m, fd, true);
	if (fd >= 0)
		close(fd);
}

void pki_tell_vaultd(struct monitor *m)
{
	int fd = open_dir(m);

	(void)keys_send(m, fd, true);
	(void)ppks_send(m, true);
	if (fd >= 0)
		close(fd);
}

unsigned pki_again(struct monitor *m)
{
	int fd = open_dir(m);
	unsigned n = files_send(m, fd, false);

	n += keys_send(m, fd, false);
	n += ppks_send(m, false);
	if (fd >= 0)
		close(fd);
	return n;
}
