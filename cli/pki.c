/* pki: the verbs that show certificates and keys; cli/pkimake.c has those that make them. */
#include "cli/cli.h"

#include "cli/out.h"
#include "core/pki/pki.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *day(int64_t wall_s, char buf[32])
{
	time_t t = (time_t)wall_s;
	struct tm tm;

	buf[0] = '\0';
	if (wall_s && gmtime_r(&t, &tm))
		strftime(buf, 32, "%Y-%m-%d", &tm);
	return buf;
}

/* --- list --- */

static const struct table_col list_cols[] = {
	{ "NAME", false, 10, 0 },
	{ "KIND", false, 0, 0 },
	{ "KEY", false, 0, 3 },
	{ "SUBJECT", false, 14, 0 },
	{ "ALSO", false, 12, 5 },
	{ "ISSUER", false, 12, 4 },
	{ "UNTIL", false, 0, 1 },
	{ "LEFT", true, 0, 0 },
	{ "USED BY", false, 8, 2 },
};

/* What is left, and how bad that is. */
static enum fmt_tone left(const struct pki_entry *p, char *buf, size_t cap)
{
	buf[0] = '\0';
	if (p->revoked) {
		snprintf(buf, cap, "revoked");
		return TONE_BAD;
	}
	if (!p->not_after)
		return TONE_PLAIN;
	if (p->days_left < 0) {
		snprintf(buf, cap, "expired");
		return TONE_BAD;
	}
	snprintf(buf, cap, "%ld d", p->days_left);
	return p->days_left <= PKI_WARN_DAYS ? TONE_WAIT : TONE_GOOD;
}

/* The common name is what one looks for; it stands without its CN=. */
static const char *plain_name(const char *short_name)
{
	return strncmp(short_name, "CN=", 3) == 0 ? short_name + 3 : short_name;
}

static void list_row(struct table *t, const struct pki_entry *p, bool plain)
{
	char text[64], kind[40];
	const char *issuer_cn = strstr(p->issuer, "CN=");
	enum fmt_tone tone;

	snprintf(kind, sizeof(kind), "%s%s", pki_role_name(p->role),
		 p->role == PKI_ROLE_CA && p->has_key ? ", ours" : "");
	table_add(t, TONE_PLAIN, p->name);
	table_add(t, TONE_PLAIN, kind);
	table_add(t, TONE_PLAIN, p->key_type);
	table_add(t, TONE_PLAIN, plain ? p->subject : plain_name(p->short_subject));
	table_add(t, TONE_PLAIN, p->sans);
	table_add(t, TONE_PLAIN, plain ? p->issuer : p->self_signed ? "itself" :
		  issuer_cn ? issuer_cn + 3 : p->issuer);
	table_add(t, TONE_PLAIN, day(p->not_after, text));
	tone = left(p, text, sizeof(text));
	if (plain)
		table_addf(t, tone, "%ld", p->not_after ? p->days_left : 0);
	else
		table_add(t, tone, text);
	table_add(t, TONE_PLAIN, p->used_by);
	if (p->problem[0])
		table_note(t, TONE_BAD, p->problem);
}

static struct json_object *entry_json(const struct pki_entry *p)
{
	struct json_object *o = json_object_new_object(), *a;
	char list[PKI_TEXT_MAX], *save = NULL;

	json_put_str(o, "name", p->name);
	json_put_str(o, "kind", pki_role_name(p->role));
	json_put_bool(o, "has_key", p->has_key);
	json_put_bool(o, "has_request", p->has_csr);
	json_put_bool(o, "has_crl", p->has_crl);
	json_put_str(o, "key_type", p->key_type);
	json_put_str(o, "subject", p->subject);
	json_put_str(o, "issuer", p->issuer);
	json_put_bool(o, "self_signed", p->self_signed);
	json_put_str(o, "serial", p->serial);
	a = json_put_array(o, "sans");
	snprintf(list, sizeof(list), "%s", p->sans);
	for (char *s = strtok_r(list, " ,", &save); s; s = strtok_r(NULL, " ,", &save))
		json_add_str(a, s);
	json_put_str(o, "eku", p->eku);
	json_put_str(o, "crl_url", p->crl_url);
	json_put_u64(o, "not_before", (uint64_t)p->not_before);
	json_put_u64(o, "not_after", (uint64_t)p->not_after);
	if (p->not_after)
		json_put(o, "days_left", json_object_new_int64(p->days_left));
	json_put_bool(o, "revoked", p->revoked);
	if (p->revoked)
		json_put_u64(o, "revoked_at", (uint64_t)p->revoked_at);
	json_put_u64(o, "intermediates", p->n_chain);
	if (p->has_crl) {
		json_put_u64(o, "crl_entries", p->n_revoked);
		json_put_u64(o, "crl_until", (uint64_t)p->crl_until);
	}
	json_put_str(o, "sha256", p->sha256);
	json_put_str(o, "used_by", p->used_by);
	json_put_str(o, "problem", p->problem);
	return o;
}

int pki_verb_list(struct cli *c, struct err *e)
{
	struct json_object *o = NULL, *a = NULL;
	struct pki_entry *all;
	struct table t;
	size_t n;

	if (pki_list(c->front.config_dir, &all, &n, e))
		return -1;
	if (cli_has(c, OPT_JSON)) {
		o = json_object_new_object();
		a = json_put_array(o, "pki");
	}
	table_init(&t, list_cols, sizeof(list_cols) / sizeof(list_cols[0]));
	for (size_t i = 0; i < n; i++) {
		if (a)
			json_object_array_add(a, entry_json(&all[i]));
		else
			list_row(&t, &all[i], cli_has(c, OPT_PLAIN));
	}
	if (o)
		out_json(c, o);
	else if (!n && !cli_has(c, OPT_PLAIN))
		sbuf_add(
			&c->out,
			"There are no certificates yet. `adit help pki` shows how to make or "
			"import one.\n");
	else
		table_print(c, &t);
	table_fini(&t);
	free(all);
	return 0;
}

/* --- show --- */

static void field(struct cli *c, const char *label, const char *value)
{
	if (value[0])
		out_labelled(c, 14, label, TONE_PLAIN, value);
}

static void show_validity(struct cli *c, const struct pki_entry *p)
{
	char from[32], to[32], word[40], text[160];
	enum fmt_tone tone;

	if (!p->not_after)
		return;
	tone = left(p, word, sizeof(word));
	snprintf(text, sizeof(text), "%s to %s%s%s%s", day(p->not_before, from),
		 day(p->not_after, to), p->revoked ? "" : " (", p->revoked ? "" : word,
		 p->revoked ? "" : p->days_left < 0 ? ")" : " left)");
	out_labelled(c, 14, "valid", p->revoked ? TONE_PLAIN : tone, text);
	if (p->revoked) {
		snprintf(text, sizeof(text), "on %s", day(p->revoked_at, from));
		out_labelled(c, 14, "revoked", TONE_BAD, text);
	}
}

static void show_more(struct cli *c, const struct pki_entry *p)
{
	char text[120], when[32];

	if (p->n_chain) {
		snprintf(text, sizeof(text), "%u in the file", p->n_chain);
		field(c, "intermediates", text);
	}
	field(c, "private key", !p->has_key ? "" : "stored (never shown)");
	field(c, "request",
	      !p->has_csr ? "" : "waits for its certificate: adit pki import FILE");
	if (p->has_crl) {
		snprintf(text, sizeof(text), "%u revoked%s%s", p->n_revoked,
			 p->crl_until ? "; the next list is due on " : "",
			 day(p->crl_until, when));
		field(c, "CRL", text);
	}
	field(c, "used by", p->used_by);
	if (p->problem[0])
		out_labelled(c, 14, "problem", TONE_BAD, p->problem);
}

int pki_verb_show(struct cli *c, struct err *e)
{
	struct pki_entry p;
	char kind[80];

	if (pki_get(c->front.config_dir, c->argv[0], &p, e))
		return -1;
	if (cli_has(c, OPT_JSON)) {
		struct json_object *o = json_object_new_object();

		json_put(o, "entry", entry_json(&p));
		out_json(c, o);
		return 0;
	}
	out_tone(c, TONE_HEAD, p.name);
	sbuf_add(&c->out, "\n");
	snprintf(kind, sizeof(kind), "%s",
		 p.role == PKI_ROLE_CA && p.has_key ? "CA of ours: it can sign" :
		 p.role == PKI_ROLE_CA		    ? "CA" :
		 p.role == PKI_ROLE_OWN		    ? "own certificate" :
		 p.role == PKI_ROLE_PEER	    ? "a peer's certificate" :
						      pki_role_name(p.role));
	field(c, "kind", kind);
	field(c, "subject", p.subject);
	field(c, "names", p.sans);
	field(c, "issuer", p.self_signed ? "itself" : p.issuer);
	field(c, "serial", p.serial);
	field(c, "key", p.key_type);
	field(c, "usage", p.eku);
	field(c, "CRL at", p.crl_url);
	show_validity(c, &p);
	field(c, "SHA2-256", p.sha256);
	show_more(c, &p);
	return 0;
}
