/* certs: the list of certificates: what there is, whom it belongs to, when it ends. */
#include "tui/certs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const struct pki_entry *certs_selected(const struct certs *c)
{
	return c->at < c->n ? &c->list[c->at] : NULL;
}

static void load(struct certs *c)
{
	char was[PKI_NAME_MAX + 1] = "";
	struct err e = { 0 };

	c->stale = false;
	if (c->pick[0])
		memcpy(was, c->pick, sizeof(was));
	else if (certs_selected(c))
		memcpy(was, certs_selected(c)->name, sizeof(was));
	c->pick[0] = '\0';
	free(c->list);
	c->list = NULL;
	c->n = 0;
	if (pki_list(c->v.tui->front.config_dir, &c->list, &c->n, &e) < 0)
		tui_say(c->v.tui, EL_ERROR, "%s", e.msg);
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->list[i].name, was) == 0)
			c->at = i;
	if (c->at >= c->n)
		c->at = c->n ? c->n - 1 : 0;
}

/* ---- drawing ---- */

/* "2029-11-20, 1094 d", and how bad that is. */
static enum element ends(const struct pki_entry *p, char *buf, size_t cap)
{
	time_t t = (time_t)p->not_after;
	char day[16] = "";
	struct tm tm;

	if (p->problem[0]) {
		snprintf(buf, cap, "! broken");
		return EL_BAD;
	}
	if (!p->not_after) {
		snprintf(buf, cap, "%s", p->role == PKI_ROLE_REQUEST ? "~ waits" : "");
		return EL_WAIT;
	}
	if (p->revoked) {
		snprintf(buf, cap, "! revoked");
		return EL_BAD;
	}
	if (gmtime_r(&t, &tm))
		strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	if (p->days_left < 0) {
		snprintf(buf, cap, "! %s ended", day);
		return EL_BAD;
	}
	snprintf(buf, cap, "%s%s %ldd", p->days_left < PKI_WARN_DAYS ? "~ " : "  ", day,
		 p->days_left);
	return p->days_left < PKI_WARN_DAYS ? EL_WAIT : EL_TEXT;
}

struct columns {
	int name, role, ends, subject, used;	/* where each begins; used 0: no room */
};

static struct columns columns_of(void)
{
	int w = term_cols();
	struct columns c = { .name = 1, .role = w < 60 ? 15 : 22 };

	c.ends = c.role + 9;
	c.subject = c.ends + 21;
	c.used = w >= 100 ? w - 24 : 0;
	return c;
}

static void draw_row(const struct certs *c, const struct columns *col, int row, size_t i)
{
	const struct pki_entry *p = &c->list[i];
	bool on = i == c->at;
	enum element el = on ? EL_SELECT : EL_TEXT, bad;
	int end = col->used ? col->used - 1 : term_cols();
	char text[40];

	bad = ends(p, text, sizeof(text));
	term_put(row, 0, term_cols(), el, "");
	term_put(row, col->name, col->role - col->name - 1, el, p->name);
	term_putf(row, col->role, 8, el, "%s%s", pki_role_name(p->role),
		  p->role == PKI_ROLE_CA && p->has_key ? " own" : "");
	term_put(row, col->ends, 20, on ? EL_SELECT : bad, text);
	if (end > col->subject)
		term_clip(row, col->subject, end - col->subject, el,
			  p->problem[0] ? p->problem : p->short_subject[0] ? p->short_subject : p->key_type);
	if (col->used)
		term_clip(row, col->used, term_cols() - col->used, el, p->used_by);
}

static void certs_draw(struct view *v, int top, int rows)
{
	struct certs *c = (struct certs *)v;
	struct columns col = columns_of();

	if (c->stale)
		load(c);
	c->top = top + 1;
	c->rows = rows - 1;
	term_put(top, 0, term_cols(), EL_HEAD, "");
	term_put(top, col.name, 0, EL_HEAD, "NAME");
	term_put(top, col.role, 0, EL_HEAD, "KIND");
	term_put(top, col.ends, 0, EL_HEAD, "  ENDS");
	term_put(top, col.subject, 0, EL_HEAD, "SUBJECT");
	if (col.used)
		term_put(top, col.used, 0, EL_HEAD, "USED BY");
	if (!c->n) {
		term_put(top + 2, 1, 0, EL_TEXT, "No certificates yet.");
		term_put(top + 4, 1, 0, EL_DIM, "a makes a CA and then certificates, i imports what "
			 "others made.");
	}
	if (c->at < c->first)
		c->first = c->at;
	if (c->rows > 0 && c->at >= c->first + (size_t)c->rows)
		c->first = c->at - (size_t)c->rows + 1;
	for (int r = 0; r < c->rows && c->first + (size_t)r < c->n; r++)
		draw_row(c, &col, top + 1 + r, c->first + (size_t)r);
}

/* ---- keys ---- */

static void move_to(struct certs *c, long at)
{
	if (c->n)
		c->at = at < 0 ? 0 : at >= (long)c->n ? c->n - 1 : (size_t)at;
}

static enum handled key_move(struct certs *c, int key)
{
	long page = c->rows > 1 ? c->rows - 1 : 1;
	int row, column;

	switch (key) {
	case K_UP:
	case 'k':
	case K_WHEEL_UP:
		move_to(c, (long)c->at - 1);
		return HANDLED;
	case K_DOWN:
	case 'j':
	case K_WHEEL_DOWN:
		move_to(c, (long)c->at + 1);
		return HANDLED;
	case K_PGUP:
		move_to(c, (long)c->at - page);
		return HANDLED;
	case K_PGDN:
		move_to(c, (long)c->at + page);
		return HANDLED;
	case K_HOME:
	case 'g':
		move_to(c, 0);
		return HANDLED;
	case K_END:
	case 'G':
		move_to(c, (long)c->n - 1);
		return HANDLED;
	case K_CLICK:
		term_mouse(&row, &column);
		if (row >= c->top && row < c->top + c->rows)
			move_to(c, (long)c->first + row - c->top);
		return HANDLED;
	}
	return IGNORED;
}

static enum handled key_on(struct certs *c, const struct pki_entry *p, int key)
{
	switch (key) {
	case K_ENTER:
	case K_DOUBLE:
		certs_show(c, p);
		return HANDLED;
	case 'w':
		certs_export(c, p);
		return HANDLED;
	case 'v':
		certs_revoke(c, p);
		return HANDLED;
	case 'u':
		certs_crl(c, p);
		return HANDLED;
	case 'd':
	case K_DELETE:
	case K_F0 + 8:
		certs_delete(c, p);
		return HANDLED;
	}
	return IGNORED;
}

static enum handled certs_key(struct view *v, int key)
{
	struct certs *c = (struct certs *)v;
	const struct pki_entry *p = certs_selected(c);

	if (key_move(c, key) == HANDLED || (p && key_on(c, p, key) == HANDLED))
		return HANDLED;
	switch (key) {
	case 'a':
	case K_F0 + 7:
		certs_make(c);
		return HANDLED;
	case 'i':
		certs_import(c);
		return HANDLED;
	case 's':
		certs_sign(c);
		return HANDLED;
	case 'r':
	case K_F0 + 5:
		load(c);
		return HANDLED;
	}
	return IGNORED;
}

static void certs_free(struct view *v)
{
	struct certs *c = (struct certs *)v;

	free(c->list);
	free(c);
}

static const struct key_help certs_keys[] = {
	{ "a", "make", "make a CA, a certificate, a request, a key" },
	{ "i", "import", "import a file: PEM, DER, PKCS#12, a CRL" },
	{ "w", "export", "write the selected one to a file" },
	{ "s", "sign", "sign a request of somebody else" },
	{ "Enter", "details", "everything about it" },
	{ "v", "revoke", "revoke it" },
	{ "u", "list", "a fresh revocation list of the selected CA" },
	{ "d", "delete", "delete its files" },
	{ "r", NULL, "read them again" },
	{ NULL, NULL, NULL },
};

static const struct view_ops certs_ops = {
	.title = "the certificates", .keys = certs_keys, .draw = certs_draw, .key = certs_key,
	.free = certs_free,
};

struct view *certs_view(struct tui *t)
{
	struct certs *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->v = (struct view){ .ops = &certs_ops, .tui = t };
	/* At the first drawing: what goes wrong is said on this page. */
	c->stale = true;
	return &c->v;
}
