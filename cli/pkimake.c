/* pkimake: the verbs that make, import, export and revoke. All of it is core/pki; here are the
 * words, the files and the passwords. */
#include "cli/cli.h"

#include "cli/edit.h"
#include "cli/out.h"
#include "cli/password.h"
#include "core/base/secret.h"
#include "core/pki/pki.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- KEY=VALUE --- */

enum want_key {
	WANT_TYPE,
	WANT_CA,
	WANT_SUBJECT,
	WANT_SAN,
	WANT_EKU,
	WANT_CRL_URL,
	WANT_DAYS,
	WANT_REASON,
	WANT_N
};
#define WANT(k) (1u << WANT_##k)

static const char *const want_names[WANT_N + 1] = {
	"type", "ca", "subject", "san", "eku", "crl_url", "days", "reason", NULL,
};

struct words {
	struct pki_want want;
	char reason[40];
};

static int put(char *to, size_t cap, const char *key, const char *value, struct err *e)
{
	if (strlen(value) >= cap)
		return err_code(e, EXIT_USAGE, "%s: longer than %zu bytes", key, cap - 1);
	snprintf(to, cap, "%s", value);
	return 0;
}

static int set(struct words *w, enum want_key k, const char *value, struct err *e)
{
	struct pki_want *p = &w->want;
	const char *key = want_names[k];
	unsigned long days;

	switch (k) {
	case WANT_TYPE: return put(p->type, sizeof(p->type), key, value, e);
	case WANT_CA: return put(p->ca, sizeof(p->ca), key, value, e);
	case WANT_SUBJECT: return put(p->subject, sizeof(p->subject), key, value, e);
	case WANT_SAN: return put(p->san, sizeof(p->san), key, value, e);
	case WANT_EKU: return put(p->eku, sizeof(p->eku), key, value, e);
	case WANT_CRL_URL: return put(p->crl_url, sizeof(p->crl_url), key, value, e);
	case WANT_REASON: return put(w->reason, sizeof(w->reason), key, value, e);
	case WANT_DAYS:
		if (args_number("days", value, PKI_DAYS_MAX, &days, e))
			return -1;
		p->days = (unsigned)days;
		return days ? 0 : err_code(e, EXIT_USAGE, "days: 1 to %d", PKI_DAYS_MAX);
	case WANT_N:
		break;
	}
	return 0;
}

/* The words behind the first `from` ones; allowed: WANT bits of this verb. */
static int words(struct cli *c, int from, unsigned allowed, struct words *w,
		 struct err *e)
{
	memset(w, 0, sizeof(*w));
	for (int i = from; i < c->argc; i++) {
		const char *eq = strchr(c->argv[i], '='), *near;
		char key[24];
		int k = 0;

		if (!eq)
			return err_code(e, EXIT_USAGE,
					"expected KEY=VALUE, not \"%.60s\"", c->argv[i]);
		snprintf(key, sizeof(key), "%.*s", (int)(eq - c->argv[i]), c->argv[i]);
		while (k < WANT_N && strcmp(want_names[k], key) != 0)
			k++;
		if (k < WANT_N && allowed & 1u << k) {
			if (set(w, (enum want_key)k, eq + 1, e))
				return -1;
			continue;
		}
		near = args_nearest(key, want_names);
		if (k == WANT_N && near)
			return err_code(e, EXIT_USAGE,
					"there is no \"%s\"; did you mean %s?", key,
					near);
		return err_code(e, EXIT_USAGE, "%s is nothing for `adit pki %s`", key,
				c->verb->name);
	}
	return 0;
}

static int named(struct cli *c, int at, struct words *w, struct err *e)
{
	if (pki_check_name(c->argv[at], e))
		return -1;
	snprintf(w->want.name, sizeof(w->want.name), "%s", c->argv[at]);
	return 0;
}

static const char *dir_of(const struct cli *c)
{
	return c->front.config_dir;
}

/* --- files --- */

/* All of a file, or of stdin ("-"); secret memory is too small for a PKCS#12 file, so it is
 * wiped. */
static int slurp(const char *path, uint8_t **out, size_t *len, struct err *e)
{
	size_t cap = PKI_FILE_MAX + 1;
	int fd = strcmp(path, "-") == 0 ? STDIN_FILENO :
		 open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r = 0;

	*len = 0;
	*out = NULL;
	if (fd < 0)
		return err_errno(e, "cannot open %s", path);
	*out = malloc(cap);
	if (!*out)
		r = err_set(e, "out of memory");
	while (r == 0 && *len < cap) {
		ssize_t n = read(fd, *out + *len, cap - *len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			r = err_errno(e, "reading %s", path);
		if (n <= 0)
			break;
		*len += (size_t)n;
	}
	if (r == 0 && *len == cap)
		r = err_set(e, "%s is larger than %u KB: it cannot be that", path,
			    PKI_FILE_MAX / 1024);
	if (fd != STDIN_FILENO)
		close(fd);
	if (r) {
		pki_export_free(*out, *len);
		*out = NULL;
	}
	return r;
}

static int write_all(int fd, const uint8_t *p, size_t len)
{
	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* To FILE, which is not written over without a word; "-" is stdout. */
static int spit(struct cli *c, const char *path, const uint8_t *p, size_t len,
		bool secret, struct err *e)
{
	char temp[4096], question[4200];
	struct stat st;
	int fd;

	if (strcmp(path, "-") == 0)
		return write_all(STDOUT_FILENO, p, len) < 0 ?
			       err_errno(e, "standard output") :
			       0;
	if (stat(path, &st) == 0) {
		snprintf(question, sizeof(question),
			 "%s is there already. Write over it?", path);
		if (out_confirm(c, question, e))
			return -1;
	}
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write_all(fd, p, len) < 0) {
			err_errno(e, "%s", path);
			if (fd >= 0)
				close(fd);
			return -1;
		}
		close(fd);
		return 0;
	}
	snprintf(temp, sizeof(temp), "%s.%d.tmp", path, (int)getpid());
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, secret ? 0600 : 0644);
	if (fd < 0)
		return err_errno(e, "cannot write %s", path);
	if (write_all(fd, p, len) < 0 || fsync(fd) < 0 || rename(temp, path) < 0) {
		err_errno(e, "cannot write %s", path);
		close(fd);
		unlink(temp);
		return -1;
	}
	close(fd);
	return 0;
}

/* What was done to which name, and then the word to the daemon: one object with --json. */
PRINTF_LIKE(4, 5)
static int finish(struct cli *c, const char *name, struct err *e, const char *fmt, ...)
{
	char text[1200], applied[FRONT_TEXT_MAX] = "";
	enum front_applied how;
	struct json_object *o;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!cli_has(c, OPT_JSON)) {
		out_say(c, "%s", text);
		return edit_apply(c, e);
	}
	if (front_apply(&c->front, &how, applied, e))
		return -1;
	o = json_object_new_object();
	json_put_str(o, "name", name);
	json_put_str(o, "text", text);
	json_put_str(o, "applied", applied);
	out_json(c, o);
	return 0;
}

/* --- making --- */

int pki_verb_key(struct cli *c, struct err *e)
{
	struct words w;

	if (words(c, 1, WANT(TYPE), &w, e) || named(c, 0, &w, e))
		return -1;
	if (pki_make_key(dir_of(c), &w.want, e))
		return -1;
	out_say(c,
		"The key %s is made. adit pki csr %s subject=… makes a request for it, adit pki "
		"issue %s ca=… a certificate.",
		w.want.name, w.want.name, w.want.name);
	return 0;
}

static int hint_of(struct cli *c, const char *name, const char *what, const char *next,
		   struct err *e)
{
	struct pki_entry p;

	if (pki_get(dir_of(c), name, &p, e))
		return -1;
	return finish(c, name, e, "%s %s: %s, %s, %ld days.%s", what, name, p.subject,
		      p.key_type, p.days_left, next);
}

int pki_verb_ca(struct cli *c, struct err *e)
{
	char next[100 + PKI_NAME_MAX];
	struct words w;

	if (words(c, 1,
		  WANT(TYPE) | WANT(CA) | WANT(SUBJECT) | WANT(DAYS) | WANT(CRL_URL), &w,
		  e) ||
	    named(c, 0, &w, e) || pki_make_ca(dir_of(c), &w.want, e))
		return -1;
	snprintf(next, sizeof(next), " Keep a copy of its key: adit pki export %s FILE --p12.",
		 w.want.name);
	return hint_of(c, w.want.name, "CA", next, e);
}

int pki_verb_issue(struct cli *c, struct err *e)
{
	struct words w;

	if (words(c, 1, WANT(TYPE) | WANT(CA) | WANT(SUBJECT) | WANT(SAN) | WANT(EKU) |
		  WANT(CRL_URL) | WANT(DAYS), &w, e) ||
	    named(c, 0, &w, e))
		return -1;
	if (!w.want.san[0] && !w.want.subject[0])
		out_note(
			c,
			"adit: warning: without san= the other side can know it by its subject "
			"alone");
	if (pki_issue(dir_of(c), &w.want, e))
		return -1;
	return hint_of(c, w.want.name, "Certificate", "", e);
}

int pki_verb_csr(struct cli *c, struct err *e)
{
	struct words w;
	char *pem = NULL;

	if (words(c, 1, WANT(TYPE) | WANT(SUBJECT) | WANT(SAN) | WANT(EKU), &w, e) ||
	    named(c, 0, &w, e) || pki_make_csr(dir_of(c), &w.want, &pem, e))
		return -1;
	if (cli_has(c, OPT_JSON)) {
		struct json_object *o = json_object_new_object();

		json_put_str(o, "name", w.want.name);
		json_put_str(o, "request", pem ? pem : "");
		out_json(c, o);
	} else {
		sbuf_add(&c->out, pem ? pem : "");
		out_note(
			c,
			"The other side signs this request; then: adit pki import FILE %s",
			w.want.name);
	}
	free(pem);
	return 0;
}

int pki_verb_sign(struct cli *c, struct err *e)
{
	char next[120 + 2 * PKI_NAME_MAX];
	struct words w;
	uint8_t *file;
	char *pem = NULL;
	size_t len;
	int r;

	if (words(c, 2,
		  WANT(CA) | WANT(SUBJECT) | WANT(SAN) | WANT(EKU) | WANT(CRL_URL) |
			  WANT(DAYS),
		  &w, e) ||
	    named(c, 1, &w, e) || slurp(c->argv[0], &file, &len, e))
		return -1;
	r = pki_sign(dir_of(c), (struct slice){ file, len }, &w.want, &pem, e);
	pki_export_free(file, len);
	if (r)
		return err_wrap(e, "%s", c->argv[0]);
	free(pem);
	snprintf(next, sizeof(next),
		 " To send it back: adit pki export %s FILE; the other router needs the CA, "
		 "too: adit pki export %s FILE.",
		 w.want.name, w.want.ca);
	return hint_of(c, w.want.name, "Certificate", next, e);
}

/* --- import, export --- */

static int import_once(struct cli *c, struct slice file, const char *password,
		       struct pki_imported *got, struct err *e)
{
	const char *name = c->argc > 1 ? c->argv[1] : "";

	return pki_import(dir_of(c), file, c->argv[0], name, password, got, e);
}

static int import_with_password(struct cli *c, struct slice file,
				struct pki_imported *got, struct err *e)
{
	char *password = secret_new(PASSWORD_LEN), prompt[200];
	int r = -1;

	if (!password)
		return err_set(e, "out of memory");
	snprintf(prompt, sizeof(prompt), "Password of %.150s: ", c->argv[0]);
	for (int tries = 0; tries < 3; tries++) {
		*e = (struct err){ 0 };
		if (password_get(c, prompt, false, password, e))
			break;
		r = import_once(c, file, password, got, e);
		if (r == 0 || !got->wrong_password || password_given(c))
			break;
		out_note(c, "%s", e->msg);
	}
	secret_free(password);
	return r;
}

static int say_imported(struct cli *c, const struct pki_imported *got, struct err *e)
{
	const char *also = got->also[0] ? "; its CA is " : "";

	switch (got->role) {
	case PKI_ROLE_CRL:
		return finish(c, got->name, e, "The CRL of %s is stored.", got->name);
	case PKI_ROLE_CA:
		return finish(c, got->name, e,
			      "The CA %s is stored%s%s. Peers whose ca is empty trust "
			      "every CA here.",
			      got->name, also, got->also);
	case PKI_ROLE_OWN:
		return finish(c, got->name, e, "The certificate %s%s%s%s%s.", got->name,
			      got->key	   ? " and its key are stored" :
			      got->renewed ? " is stored with the key that was here" :
					     " is stored",
			      also, got->also,
			      got->renewed && got->key ? " (renewed)" : "");
	case PKI_ROLE_PEER:
		return finish(c, got->name, e,
			      "The certificate %s is stored%s%s; there is no key with "
			      "it, so it is somebody's (peer_cert).",
			      got->name, also, got->also);
	case PKI_ROLE_KEY:
	case PKI_ROLE_REQUEST:
		return finish(c, got->name, e,
			      "The key %s is stored; its certificate is to come.",
			      got->name);
	}
	return 0;
}

int pki_verb_import(struct cli *c, struct err *e)
{
	struct pki_imported got;
	struct slice s;
	uint8_t *file;
	size_t len;
	int r;

	if (strcmp(c->argv[0], "-") == 0 && cli_has(c, OPT_PASSWORD_STDIN))
		return err_code(e, EXIT_USAGE,
				"standard input holds one of the two: the file or the "
				"password (--password-file)");
	if (slurp(c->argv[0], &file, &len, e))
		return -1;
	s = (struct slice){ file, len };
	if (password_given(c)) {
		r = import_with_password(c, s, &got, e);
	} else {
		r = import_once(c, s, NULL, &got, e);
		if (r && got.need_password)
			r = import_with_password(c, s, &got, e);
	}
	pki_export_free(file, len);
	if (r)
		return err_wrap(e, "%s", c->argv[0]);
	return say_imported(c, &got, e);
}

int pki_verb_export(struct cli *c, struct err *e)
{
	bool p12 = cli_has(c, OPT_P12), key = cli_has(c, OPT_KEY),
	     legacy = cli_has(c, OPT_LEGACY);
	enum pki_format f = legacy ? PKI_P12_LEGACY :
			    p12	   ? PKI_P12 :
			    key	   ? PKI_PEM_KEY :
				     PKI_PEM;
	char *password = NULL, prompt[200];
	uint8_t *bytes = NULL;
	size_t len = 0;
	int r = 0;

	if (p12 + key + cli_has(c, OPT_PEM) > 1)
		return err_code(e, EXIT_USAGE, "only one of --p12, --pem and --key");
	if (legacy && !p12)
		return err_code(e, EXIT_USAGE, "--legacy goes with --p12");
	if (!p12 && password_given(c))
		return err_code(e, EXIT_USAGE, "a password goes with --p12");
	if (p12) {
		password = secret_new(PASSWORD_LEN);
		snprintf(prompt, sizeof(prompt), "Password for %.150s: ", c->argv[1]);
		r = password ? password_get(c, prompt, true, password, e) :
			       err_set(e, "out of memory");
		if (r == 0 && !password[0])
			r = err_code(e, EXIT_USAGE,
				     "the password is empty: anybody who finds the file "
				     "could use the key");
	}
	if (r == 0)
		r = pki_export(dir_of(c), c->argv[0], f, password, &bytes, &len, e);
	if (r == 0)
		r = spit(c, c->argv[1], bytes, len, f != PKI_PEM, e);
	if (r == 0 && strcmp(c->argv[1], "-") != 0)
		out_say(c, "%s is written%s.", c->argv[1], f == PKI_PEM_KEY ?
			": a private key without a password, delete it after use" : "");
	pki_export_free(bytes, len);
	secret_free(password);
	return r;
}

/* --- revoking, deleting --- */

int pki_verb_revoke(struct cli *c, struct err *e)
{
	char question[200];
	struct words w;

	if (words(c, 1, WANT(CA) | WANT(REASON), &w, e))
		return -1;
	snprintf(question, sizeof(question), "Revoke %.100s for good?", c->argv[0]);
	if (out_confirm(c, question, e) ||
	    pki_revoke(dir_of(c), c->argv[0], w.want.ca, w.reason, e))
		return -1;
	return finish(c, c->argv[0], e,
		      "%s is revoked. Other routers learn it from the CRL: adit pki "
		      "crl CA FILE.",
		      c->argv[0]);
}

static bool wants_pem(const char *path)
{
	size_t n = strlen(path);

	return strcmp(path, "-") == 0 || (n > 4 && strcmp(path + n - 4, ".pem") == 0);
}

int pki_verb_crl(struct cli *c, struct err *e)
{
	const char *path = c->argc > 1 && !strchr(c->argv[1], '=') ? c->argv[1] : NULL;
	struct words w;
	struct sbuf pem = { 0 };
	uint8_t *der = NULL;
	size_t len = 0;
	int r;

	if (words(c, path ? 2 : 1, WANT(DAYS), &w, e) ||
	    pki_crl(dir_of(c), c->argv[0], w.want.days, &der, &len, e))
		return -1;
	if (!path) {
		r = 0;
	} else if (wants_pem(path)) {
		pki_crl_pem(&pem, der, len);
		r = spit(c, path, (const uint8_t *)sbuf_str(&pem), pem.len, false, e);
	} else {
		r = spit(c, path, der, len, false, e);
	}
	sbuf_fini(&pem);
	free(der);
	if (r)
		return -1;
	if (path && strcmp(path, "-") == 0)
		c->say_stderr = true;
	return finish(c, c->argv[0], e, "The CRL of %s is made%s%s.", c->argv[0],
		      path ? ", and written to " : "", path ? path : "");
}

int pki_verb_delete(struct cli *c, struct err *e)
{
	struct pki_entry p;
	char question[300];

	if (pki_get(dir_of(c), c->argv[0], &p, e))
		return -1;
	snprintf(question, sizeof(question), "Delete %s%s? It cannot be brought back.",
		 p.name, p.has_key ? " with its private key" : "");
	if (!p.used_by[0] && out_confirm(c, question, e))
		return -1;
	if (pki_delete(dir_of(c), p.name, e))
		return -1;
	return finish(c, p.name, e, "%s is deleted.", p.name);
}
