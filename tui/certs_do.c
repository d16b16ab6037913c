/* certs_do: what is done with a certificate that is there: shown, brought, written, revoked,
 * deleted. */
#include "core/base/secret.h"
#include "core/front/fmt.h"
#include "tui/certs.h"
#include "tui/sheet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- files ---- */

int certs_read(const char *path, uint8_t **out, size_t *len, struct err *e)
{
	uint8_t *p = NULL;
	struct stat st;
	ssize_t got;
	int fd;

	*len = 0;
	if (!*path)
		return err_set(e, "which file?");
	/* A FIFO would keep the screen waiting. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_errno(e, "%.200s", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		err_set(e, "%.200s is no file", path);
	else if (st.st_size > (off_t)PKI_FILE_MAX)
		err_set(e, "%.200s is larger than %u KB", path, PKI_FILE_MAX / 1024);
	else if (!(p = malloc(PKI_FILE_MAX + 1)))
		err_set(e, "out of memory");
	while (p && *len < PKI_FILE_MAX && (got = read(fd, p + *len, PKI_FILE_MAX - *len)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			err_errno(e, "%.200s", path);
			certs_unread(p, *len);
			p = NULL;
			break;
		}
		*len += (size_t)got;
	}
	close(fd);
	*out = p;
	return p ? 0 : -1;
}

void certs_unread(uint8_t *p, size_t len)
{
	if (p && len)
		secret_wipe(p, len);
	free(p);
}

/* A new file for its owner alone; nothing is written over. */
static int write_new(const char *path, const uint8_t *p, size_t len, struct err *e)
{
	size_t at = 0;
	int fd;

	if (!*path)
		return err_set(e, "into which file?");
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_errno(e, "%.200s", path);
	while (at < len) {
		ssize_t n = write(fd, p + at, len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err_errno(e, "%.200s", path);
			close(fd);
			unlink(path);
			return -1;
		}
		at += (size_t)n;
	}
	if (fsync(fd) < 0 && errno != EINVAL) {
		err_errno(e, "%.200s", path);
		close(fd);
		unlink(path);
		return -1;
	}
	return close(fd) < 0 ? err_errno(e, "%.200s", path) : 0;
}

/* ---- show ---- */

/* What is long goes on below itself. */
static void row(struct sbuf *b, const char *label, const char *text)
{
	size_t width = term_cols() > 44 ? (size_t)term_cols() - 20 : 24;

	while (text && *text) {
		const char *next;
		size_t len = fmt_wrap(text, width, &next);

		sbuf_addf(b, "  %-16s ", label);
		sbuf_addn(b, text, len);
		sbuf_add(b, "\n");
		label = "";
		text = next;
	}
}

static void when(struct sbuf *b, const char *label, int64_t at)
{
	char text[FMT_MAX];

	if (at)
		row(b, label, fmt_time(at, text, sizeof(text)));
}

void certs_show(struct certs *c, const struct pki_entry *p)
{
	struct sbuf b = { 0 };
	char text[80];

	sbuf_addf(&b, "%s: %s%s\n\n", p->name, pki_role_name(p->role),
		  p->role == PKI_ROLE_CA && p->has_key ? " of this router" : "");
	row(&b, "Problem", p->problem);
	row(&b, "Subject", p->subject);
	row(&b, "Other names", p->sans);
	row(&b, "Issuer", p->self_signed ? "itself" : p->issuer);
	row(&b, "Serial", p->serial);
	row(&b, "Key", p->key_type);
	row(&b, "Private key", p->has_key ? "stored here (never shown)" : "");
	row(&b, "Request", p->has_csr ? "waits for its certificate" : "");
	row(&b, "Good for", p->eku);
	when(&b, "From", p->not_before);
	when(&b, "Until", p->not_after);
	if (p->not_after && p->days_left >= 0)
		snprintf(text, sizeof(text), "%ld days left", p->days_left);
	else
		snprintf(text, sizeof(text), "%s", p->not_after ? "it has ended" : "");
	row(&b, "", text);
	if (p->revoked)
		when(&b, "Revoked", p->revoked_at);
	if (p->n_chain) {
		snprintf(text, sizeof(text), "%u", p->n_chain);
		row(&b, "Intermediates", text);
	}
	if (p->has_crl) {
		snprintf(text, sizeof(text), "%u revoked", p->n_revoked);
		row(&b, "Revocation list", text);
		when(&b, "  the next due", p->crl_until);
	}
	row(&b, "List at", p->crl_url);
	row(&b, "SHA-256", p->sha256);
	row(&b, "Used by", p->used_by);
	tui_push(c->v.tui, text_view(c->v.tui, p->name, sbuf_ok(&b) ? sbuf_take(&b) : NULL));
	sbuf_fini(&b);
}

/* ---- import ---- */

static int do_import(void *arg, struct tui *t, const char *const *v, struct sheet_done *out,
		  size_t *at, struct err *e)
{
	struct certs *c = arg;
	struct pki_imported got = { .n_certs = 0 };
	const char *slash = strrchr(v[0], '/');
	uint8_t *bytes;
	size_t len;
	int rc;

	*at = 0;
	if (certs_read(v[0], &bytes, &len, e) < 0)
		return -1;
	rc = pki_import(t->front.config_dir, (struct slice){ bytes, len }, slash ? slash + 1 : v[0],
			v[1], *v[2] ? v[2] : NULL, &got, e);
	certs_unread(bytes, len);
	if (rc < 0) {
		*at = got.need_password || got.wrong_password ? 2 : *v[1] ? 1 : 0;
		return -1;
	}
	c->stale = true;
	memcpy(c->pick, got.name, sizeof(c->pick));
	snprintf(out->say, sizeof(out->say), "%s: imported as %s%s%s%.80s", got.name,
		 pki_role_name(got.role), got.key ? ", with its key" : "",
		 got.also[0] ? "; also " : "", got.also);
	return 0;
}

void certs_import(struct certs *c)
{
	static const struct sheet_field f[] = {
		{ .label = "File", .help = "A file on this router: certificates, a key, a revocation "
					   "list, in PEM or DER, or all together as PKCS#12 (.p12, .pfx)." },
		{ .label = "Name", .help = "What it is called here. Left out: the request that it "
					   "answers, or what the file says." },
		{ .label = "Password", .secret = true, .help = "Of a PKCS#12 file or an encrypted key; "
							       "left out where there is none." },
	};

	if (tui_may_change(c->v.tui))
		tui_push(c->v.tui, sheet_view(c->v.tui, "Import", "", f, 3, do_import, c));
}

/* ---- export ---- */

static const char *const formats[] = {
	"certificate (PEM)", "private key (PEM)", "both, PKCS#12",
	"both, PKCS#12 for old products", NULL,
};


static int do_export(void *arg, struct tui *t, const char *const *v, struct sheet_done *out,
		  size_t *at, struct err *e)
{
	enum pki_format f = PKI_PEM;
	struct certs *c = arg;
	uint8_t *bytes;
	size_t len;
	int rc;

	while (formats[f] && strcmp(formats[f], v[0]) != 0)
		f++;
	*at = 2;
	if ((f == PKI_P12 || f == PKI_P12_LEGACY) && !*v[2])
		return err_set(e, "a PKCS#12 file holds the private key: it needs a password");
	*at = 3;
	if (strcmp(v[2], v[3]) != 0)
		return err_set(e, "the two passwords are not the same");
	*at = 0;
	if (pki_export(t->front.config_dir, c->target, f, *v[2] ? v[2] : NULL, &bytes, &len, e) < 0)
		return -1;
	*at = 1;
	rc = write_new(v[1], bytes, len, e);
	pki_export_free(bytes, len);
	if (rc == 0)
		snprintf(out->say, sizeof(out->say), "%s: written to %.120s", c->target, v[1]);
	return rc;
}

void certs_export(struct certs *c, const struct pki_entry *p)
{
	const struct sheet_field f[] = {
		{ .label = "What", .choices = formats,
		  .help = "The certificate is for everybody; the private key, and PKCS#12 with it, for "
			  "the router that it belongs to alone." },
		{ .label = "File", .help = "A new file, which only root may read." },
		{ .label = "Password", .secret = true, .help = "For PKCS#12; for the key alone it may be "
							       "left out." },
		{ .label = "The same again", .secret = true, .help = "" },
	};

	if (!tui_may_change(c->v.tui))
		return;
	snprintf(c->target, sizeof(c->target), "%s", p->name);
	tui_push(c->v.tui, sheet_view(c->v.tui, "Export", p->subject, f, 4, do_export, c));
}

/* ---- revoke, lists, delete ---- */

static const char *const reasons[] = {
	"unspecified", "keyCompromise", "superseded", "affiliationChanged", "cessationOfOperation", NULL,
};

static int do_revoke(void *arg, struct tui *t, const char *const *v, struct sheet_done *out,
		  size_t *at, struct err *e)
{
	struct certs *c = arg;

	(void)at;
	if (pki_revoke(t->front.config_dir, c->target, "",
		       strcmp(v[0], reasons[0]) == 0 ? "" : v[0], e) < 0)
		return -1;
	c->stale = true;
	snprintf(out->say, sizeof(out->say), "%s is revoked; u on its CA writes the list for others",
		 c->target);
	return 0;
}

void certs_revoke(struct certs *c, const struct pki_entry *p)
{
	const struct sheet_field f[] = {
		{ .label = "Why", .choices = reasons,
		  .help = "keyCompromise when somebody else may have the key. It cannot be taken back." },
	};
	char about[PKI_TEXT_MAX + 80];

	if (!tui_may_change(c->v.tui))
		return;
	snprintf(c->target, sizeof(c->target), "%s", p->name);
	snprintf(about, sizeof(about), "%s (%s) is refused from then on.", p->name, p->short_subject);
	tui_push(c->v.tui, sheet_view(c->v.tui, "Revoke", about, f, 1, do_revoke, c));
}

static int do_crl(void *arg, struct tui *t, const char *const *v, struct sheet_done *out, size_t *at,
	       struct err *e)
{
	struct certs *c = arg;
	unsigned long days;
	uint8_t *der;
	char *end;
	size_t len;
	int rc = 0;

	days = strtoul(v[0], &end, 10);
	if (*end || v[0][0] == '-' || days > PKI_DAYS_MAX)
		return err_set(e, "\"%.40s\" is not a number of days", v[0]);
	if (pki_crl(t->front.config_dir, c->target, (unsigned)days, &der, &len, e) < 0)
		return -1;
	c->stale = true;
	*at = 1;
	if (*v[1])
		rc = write_new(v[1], der, len, e);
	free(der);
	if (rc == 0)
		snprintf(out->say, sizeof(out->say), "%s: a fresh list%s%.120s", c->target,
			 *v[1] ? ", written to " : "", v[1]);
	return rc;
}

void certs_crl(struct certs *c, const struct pki_entry *p)
{
	const struct sheet_field f[] = {
		{ .label = "Days", .help = "How long the list is good for; left out: 30. Who checks "
					   "strictly takes no older one." },
		{ .label = "File", .help = "Where to write it too, for others, as DER; left out: nowhere." },
	};

	if (!tui_may_change(c->v.tui))
		return;
	if (p->role != PKI_ROLE_CA) {
		tui_say(c->v.tui, EL_ERROR, "%s is no CA: revocation lists are of those", p->name);
		return;
	}
	snprintf(c->target, sizeof(c->target), "%s", p->name);
	tui_push(c->v.tui, sheet_view(c->v.tui, "A fresh revocation list", p->subject, f, 2, do_crl, c));
}

static void delete_answer(void *arg, int letter)
{
	struct certs *c = arg;
	struct err e = { 0 };
	char what[PKI_NAME_MAX + 16];

	if (letter != 'y')
		return;
	if (pki_delete(c->v.tui->front.config_dir, c->target, &e) < 0) {
		tui_say(c->v.tui, EL_ERROR, "%s", e.msg);
		return;
	}
	c->stale = true;
	snprintf(what, sizeof(what), "%s is deleted", c->target);
	data_apply(c->v.tui, what);
}

void certs_delete(struct certs *c, const struct pki_entry *p)
{
	char text[PKI_TEXT_MAX + 200];

	if (!tui_may_change(c->v.tui))
		return;
	snprintf(c->target, sizeof(c->target), "%s", p->name);
	snprintf(text, sizeof(text), "%s (%s)%s\n\nThere is no way back: rollback does not cover "
		 "certificates and keys.", p->name, p->short_subject[0] ? p->short_subject : p->key_type,
		 p->has_key ? ", and its private key" : "");
	pop_ask(c->v.tui, "Delete", text, "y", delete_answer, c);
}
