/* certs_make: forms that make keys, CAs, certificates and requests. */
#include "tui/certs.h"
#include "tui/sheet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAS_MAX 32

static const char *const key_types[] = {
	"ecdsa256", "ecdsa384", "ecdsa521", "rsa2048", "rsa3072", "rsa4096", NULL,
};
static const char *const usages[] = { "both ends of IKE", "server", "client", "none", NULL };
static const char itself[] = "itself";

#define NAME_FIELD(words) { .label = "Name", .help = words }
#define TYPE_FIELD { .label = "Key", .choices = key_types, .help = "ECDSA is small and quick and " \
	"what current products take; old boxes want RSA." }
#define SUBJECT_FIELD { .label = "Subject", .help = "Who it says it is: \"C=CH, O=Acme, CN=gw\", " \
	"or a common name alone. Left out: CN and the name above." }
#define SAN_FIELD(who) { .label = "Other names", .help = "By which the other side knows " who ", with " \
	"commas between: gw.example.org,192.0.2.1,noc@example.org. What local_id says must be " \
	"among them." }
#define DAYS_FIELD(words) { .label = "Days", .help = words }
#define CRL_FIELD { .label = "Revocation list at", .help = "A URL that goes into what it signs, for " \
	"those who fetch such lists; adit does not." }

static bool set_days(struct pki_want *w, const char *text, struct err *e)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (*text && (*end || text[0] == '-' || v == 0 || v > PKI_DAYS_MAX)) {
		err_set(e, "\"%.40s\" is not a number of days from 1 to %d", text, PKI_DAYS_MAX);
		return false;
	}
	w->days = (unsigned)v;
	return true;
}

#define PUT(field, text) snprintf(field, sizeof(field), "%s", text)

/* A name that is none, and what is longer than fits: it would be cut to something else. */
static bool put_name(struct pki_want *w, const char *text, size_t *at, struct err *e)
{
	*at = 0;
	if (pki_check_name(text, e) < 0)
		return false;
	PUT(w->name, text);
	return true;
}

static bool put_text(char *field, size_t cap, const char *text, struct err *e)
{
	if (strlen(text) >= cap) {
		err_set(e, "longer than %zu letters", cap - 1);
		return false;
	}
	snprintf(field, cap, "%s", text);
	return true;
}
#define PUT_TEXT(field, text) put_text(field, sizeof(field), text, e)

static void put_eku(struct pki_want *w, const char *choice)
{
	PUT(w->eku, strcmp(choice, "server") == 0 ? "serverAuth" :
	    strcmp(choice, "client") == 0 ? "clientAuth" :
	    strcmp(choice, "none") == 0 ? "none" : "");
}

static void done(struct certs *c, struct sheet_done *out, const char *name, const char *what)
{
	c->stale = true;
	snprintf(c->pick, sizeof(c->pick), "%s", name);
	snprintf(out->say, sizeof(out->say), "%s: %s", name, what);
}

/* ---- one of each ---- */

static int make_ca(void *arg, struct tui *t, const char *const *v, struct sheet_done *out,
		   size_t *at, struct err *e)
{
	struct pki_want w = { .days = 0 };

	if (!put_name(&w, v[0], at, e))
		return -1;
	*at = 1;
	if (!PUT_TEXT(w.subject, v[1]))
		return -1;
	PUT(w.type, v[2]);
	*at = 3;
	if (!set_days(&w, v[3], e))
		return -1;
	PUT(w.ca, strcmp(v[4], itself) == 0 ? "" : v[4]);
	*at = 5;
	if (!PUT_TEXT(w.crl_url, v[5]))
		return -1;
	*at = 0;
	if (pki_make_ca(t->front.config_dir, &w, e) < 0)
		return -1;
	done(arg, out, w.name, "the CA is made");
	return 0;
}

static int issue(void *arg, struct tui *t, const char *const *v, struct sheet_done *out,
		 size_t *at, struct err *e)
{
	struct pki_want w = { .days = 0 };

	if (!put_name(&w, v[0], at, e))
		return -1;
	PUT(w.ca, v[1]);
	*at = 2;
	if (!PUT_TEXT(w.subject, v[2]))
		return -1;
	*at = 3;
	if (!PUT_TEXT(w.san, v[3]))
		return -1;
	PUT(w.type, v[4]);
	put_eku(&w, v[5]);
	*at = 6;
	if (!set_days(&w, v[6], e))
		return -1;
	*at = 0;
	if (pki_issue(t->front.config_dir, &w, e) < 0)
		return -1;
	done(arg, out, w.name, "the certificate is made");
	return 0;
}

static int request(void *arg, struct tui *t, const char *const *v, struct sheet_done *out,
		   size_t *at, struct err *e)
{
	struct pki_want w = { .days = 0 };

	if (!put_name(&w, v[0], at, e))
		return -1;
	*at = 1;
	if (!PUT_TEXT(w.subject, v[1]))
		return -1;
	*at = 2;
	if (!PUT_TEXT(w.san, v[2]))
		return -1;
	PUT(w.type, v[3]);
	*at = 0;
	if (pki_make_csr(t->front.config_dir, &w, &out->text, e) < 0)
		return -1;
	done(arg, out, w.name, "the request is made; the other side signs it");
	snprintf(out->title, sizeof(out->title), "request: pki/%s.csr", w.name);
	return 0;
}

static int make_key(void *arg, struct tui *t, const char *const *v, struct sheet_done *out,
		    size_t *at, struct err *e)
{
	struct pki_want w = { .days = 0 };

	if (!put_name(&w, v[0], at, e))
		return -1;
	PUT(w.type, v[1]);
	if (pki_make_key(t->front.config_dir, &w, e) < 0)
		return -1;
	done(arg, out, w.name, "the key is made");
	return 0;
}

static int sign(void *arg, struct tui *t, const char *const *v, struct sheet_done *out,
		size_t *at, struct err *e)
{
	struct pki_want w = { .days = 0 };
	uint8_t *csr;
	size_t len;
	int rc;

	if (certs_read(v[0], &csr, &len, e) < 0)
		return -1;
	*at = 1;
	rc = pki_check_name(v[1], e);
	PUT(w.name, rc == 0 ? v[1] : "");
	PUT(w.ca, v[2]);
	if (rc == 0 && !PUT_TEXT(w.san, v[3])) {
		*at = 3;
		rc = -1;
	}
	if (rc == 0 && !set_days(&w, v[4], e)) {
		*at = 4;
		rc = -1;
	}
	if (rc == 0)
		rc = pki_sign(t->front.config_dir, (struct slice){ csr, len }, &w, &out->text, e);
	certs_unread(csr, len);
	if (rc < 0)
		return -1;
	done(arg, out, w.name, "the certificate is made; it goes back to who asked");
	snprintf(out->title, sizeof(out->title), "certificate: pki/%s.crt", w.name);
	return 0;
}

/* ---- their forms ---- */

/* Names of CAs that can sign, behind first (may be NULL). */
static size_t own_cas(const struct certs *c, const char *first, const char **out)
{
	size_t n = 0;

	if (first)
		out[n++] = first;
	for (size_t i = 0; i < c->n && n < CAS_MAX; i++)
		if (c->list[i].role == PKI_ROLE_CA && c->list[i].has_key && !c->list[i].problem[0])
			out[n++] = c->list[i].name;
	out[n] = NULL;
	return n;
}

static void open_ca(struct certs *c)
{
	const char *cas[CAS_MAX + 1];
	const struct sheet_field f[] = {
		NAME_FIELD("What it is called here, such as office-ca: letters, digits, . _ -"),
		SUBJECT_FIELD, TYPE_FIELD,
		DAYS_FIELD("How long it is good for; left out: 3650, ten years."),
		{ .label = "Signed by", .choices = cas,
		  .help = "itself: a root, which the other side has to be given. Or another CA of "
			  "this router: an intermediate." },
		CRL_FIELD,
	};

	own_cas(c, itself, cas);
	tui_push(c->v.tui, sheet_view(c->v.tui, "A new CA", "Its key stays on this router and signs "
				      "certificates for this one and for others.", f,
				      sizeof(f) / sizeof(f[0]), make_ca, c));
}

static void open_issue(struct certs *c)
{
	const struct pki_entry *p = certs_selected(c);
	const char *cas[CAS_MAX + 1];
	const struct sheet_field f[] = {
		NAME_FIELD("What it is called here, such as gw. A key of that name without a "
			   "certificate is taken."),
		{ .label = "Signed by", .choices = cas, .initial = p ? p->name : NULL,
		  .help = "A CA of this router." },
		SUBJECT_FIELD, SAN_FIELD("it"), TYPE_FIELD,
		{ .label = "Good for", .choices = usages,
		  .help = "Some products look for server or client use; both is right between "
			  "routers." },
		DAYS_FIELD("How long it is good for; left out: 1095, three years."),
	};

	if (!own_cas(c, NULL, cas)) {
		tui_say(c->v.tui, EL_ERROR, "There is no CA here that could sign: make one first");
		return;
	}
	tui_push(c->v.tui, sheet_view(c->v.tui, "A new certificate", "", f, sizeof(f) / sizeof(f[0]),
				      issue, c));
}

static void open_request(struct certs *c)
{
	const struct sheet_field f[] = {
		NAME_FIELD("What it is called here, such as gw. A name that has a key already keeps "
			   "that key."),
		SUBJECT_FIELD, SAN_FIELD("this router"), TYPE_FIELD,
	};

	tui_push(c->v.tui, sheet_view(c->v.tui, "A request for a certificate", "The key stays here; "
				      "the request goes to a CA elsewhere, and i imports what comes "
				      "back.", f, sizeof(f) / sizeof(f[0]), request, c));
}

static void open_key(struct certs *c)
{
	const struct sheet_field f[] = {
		NAME_FIELD("What it is called here: letters, digits, . _ -"), TYPE_FIELD,
	};

	tui_push(c->v.tui, sheet_view(c->v.tui, "A new key", "", f, 2, make_key, c));
}

void certs_sign(struct certs *c)
{
	const struct pki_entry *p = certs_selected(c);
	const char *cas[CAS_MAX + 1];
	const struct sheet_field f[] = {
		{ .label = "File", .help = "The request that the other side sent: PEM or DER, as a file "
					   "on this router." },
		NAME_FIELD("What the certificate is called here, such as branch."),
		{ .label = "Signed by", .choices = cas, .initial = p ? p->name : NULL,
		  .help = "A CA of this router." },
		{ .label = "Other names", .help = "Left out: those that the request asks for." },
		DAYS_FIELD("How long it is good for; left out: 1095, three years."),
	};

	if (!tui_may_change(c->v.tui))
		return;
	if (!own_cas(c, NULL, cas)) {
		tui_say(c->v.tui, EL_ERROR, "There is no CA here that could sign: make one first");
		return;
	}
	tui_push(c->v.tui, sheet_view(c->v.tui, "Sign a request", "", f, sizeof(f) / sizeof(f[0]),
				      sign, c));
}

static const struct {
	const char *word, *about;
	void (*open)(struct certs *c);
} kinds[] = {
	{ "CA", "signs certificates for both sides", open_ca },
	{ "certificate", "of this router, or for another, by a CA here", open_issue },
	{ "request", "for a CA elsewhere to sign", open_request },
	{ "key", "alone, for later", open_key },
};
#define KINDS_N (sizeof(kinds) / sizeof(kinds[0]))

static void kind_chosen(void *arg, const char *value)
{
	for (size_t i = 0; value && i < KINDS_N; i++)
		if (strcmp(kinds[i].word, value) == 0)
			kinds[i].open(arg);
}

void certs_make(struct certs *c)
{
	struct pop_choice *list;
	bool ca = false;

	if (!tui_may_change(c->v.tui))
		return;
	list = calloc(KINDS_N, sizeof(*list));
	if (!list)
		return;
	for (size_t i = 0; i < KINDS_N; i++)
		list[i] = (struct pop_choice){ strdup(kinds[i].word), strdup(kinds[i].about), false };
	for (size_t i = 0; i < c->n; i++)
		ca |= c->list[i].role == PKI_ROLE_CA && c->list[i].has_key;
	pop_choose(c->v.tui, "Make", list, KINDS_N, ca ? 1 : 0, kind_chosen, c);
}
