/* edit: the smallest set of replacements that makes a file say what a draft says. */
#include "core/settings/edit.h"

#include "core/settings/draft_priv.h"
#include "core/settings/file.h"
#include "core/settings/scan.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEER_HEAD "# A peer of adit. Every setting is explained in adit.conf(5).\n\n"
#define ROUTER_HEAD \
	"# adit on this router. Every setting is explained in adit.conf(5).\n\n"

/* --- values --- */

static bool plain_word(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!(isalnum((unsigned char)p[i]) || strchr("._:@-", p[i]) ||
		      (p[i] == '/' && i + 1 < n && p[i + 1] != '/')))
			return false;
		if ((unsigned char)p[i] > 127)
			return false;
	}
	return n > 0;
}

static void one_value(struct sbuf *out, const char *p, size_t n)
{
	if (plain_word(p, n)) {
		sbuf_addn(out, p, n);
		return;
	}
	sbuf_add(out, "\"");
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '"' || p[i] == '\\' ||
		    (p[i] == '$' && i + 1 < n && p[i + 1] == '{'))
			sbuf_add(out, "\\");
		sbuf_addn(out, p + i, 1);
	}
	sbuf_add(out, "\"");
}

void edit_value(struct sbuf *out, const struct setting *s, const char *text)
{
	bool several = setting_is_list(s) && strchr(text, ',');

	if (!setting_is_list(s)) {
		one_value(out, text, strlen(text));
		return;
	}
	sbuf_add(out, several ? "{ " : "");
	while (*text) {
		size_t n = strcspn(text, ",");

		one_value(out, text, n);
		text += n;
		if (*text == ',') {
			sbuf_add(out, ", ");
			text++;
		}
	}
	sbuf_add(out, several ? " }" : "");
}

/* --- replacements --- */

struct change {
	size_t off, len;
	size_t seq;
	char *text;
};

struct edit {
	const struct draft *d, *old;
	struct scan sc;
	struct change *c;
	size_t n, cap;
	bool bad;
};

static void change(struct edit *ed, size_t off, size_t len, struct sbuf *text)
{
	struct change *more;

	if (ed->n == ed->cap) {
		size_t cap = ed->cap ? ed->cap * 2 : 16;

		more = realloc(ed->c, cap * sizeof(*more));
		if (!more) {
			ed->bad = true;
			sbuf_fini(text);
			return;
		}
		ed->c = more;
		ed->cap = cap;
	}
	ed->bad |= !sbuf_ok(text);
	ed->c[ed->n] = (struct change){off, len, ed->n, text->s ? sbuf_take(text) : NULL};
	ed->n++;
}

static bool blank_between(const char *t, size_t from, size_t to)
{
	for (; from < to; from++)
		if (t[from] != ' ' && t[from] != '\t' && t[from] != '\r')
			return false;
	return true;
}

/* From off on only blanks and a comment to the end of the line? *end: behind its newline.
 */
static bool rest_is_comment(const struct scan *sc, size_t off, size_t *end)
{
	size_t nl = off, p = off;

	while (nl < sc->len && sc->text[nl] != '\n')
		nl++;
	*end = nl < sc->len ? nl + 1 : nl;
	while (p < nl &&
	       (sc->text[p] == ' ' || sc->text[p] == '\t' || sc->text[p] == '\r'))
		p++;
	return p == nl || sc->text[p] == '#' || (p + 1 < nl && sc->text[p] == '/' &&
						 sc->text[p + 1] == '/');
}

/* Take out what reaches from off to end, with its lines where nothing else is on them. */
static void cut(struct edit *ed, size_t off, size_t end)
{
	struct sbuf none = { 0 };
	size_t from = off, line_end;

	while (from > 0 && ed->sc.text[from - 1] != '\n')
		from--;
	if (blank_between(ed->sc.text, from, off) &&
	    rest_is_comment(&ed->sc, end, &line_end))
		change(ed, from, line_end - from, &none);
	else
		change(ed, off, end - off, &none);
}

static void add_line(struct sbuf *b, const char *indent, const struct setting *s,
		     const char *text)
{
	sbuf_addf(b, "%s%s = ", indent, s->key);
	edit_value(b, s, text);
	sbuf_add(b, "\n");
}

/* A line behind the thing that ends at `end`. */
static void insert_behind(struct edit *ed, size_t end, const char *indent,
			  const struct setting *s, const char *text)
{
	struct sbuf b = { 0 };
	size_t line_end;

	if (rest_is_comment(&ed->sc, end, &line_end)) {
		if (line_end > 0 && ed->sc.text[line_end - 1] != '\n')
			sbuf_add(&b, "\n");
		add_line(&b, indent, s, text);
		change(ed, line_end, 0, &b);
		return;
	}
	sbuf_add(&b, "\n");
	add_line(&b, indent, s, text);
	change(ed, end, 0, &b);
}

static size_t entry_end(const struct scan_entry *en)
{
	return en->value.off + en->value.len;
}

/* Behind the entry of the row before it in the table, else behind the last of the
 * section, else where the section begins. */
static void insert(struct edit *ed, int section, enum setting_scope scope,
		   const struct setting *s, const char *text)
{
	const char *indent = section >= 0 ? "\t" : "";
	const struct scan_entry *after = NULL;
	struct sbuf b = { 0 };
	size_t at = ed->sc.len;

	for (size_t i = setting_index(s);
	     i-- > 0 && settings_table[i].scope == scope && !after;)
		after = scan_find(&ed->sc, section, settings_table[i].key);
	for (size_t i = 0; i < ed->sc.n_entry && !after; i++) {
		const struct scan_entry *en = &ed->sc.entry[i];

		if (en->section == section &&
		    (i + 1 == ed->sc.n_entry || en[1].section != section))
			after = en;
	}
	if (after) {
		insert_behind(ed, entry_end(after), indent, s, text);
		return;
	}
	if (section >= 0) {
		insert_behind(ed, ed->sc.section[section].open + 1, indent, s, text);
		return;
	}
	if (ed->sc.n_section) {
		at = ed->sc.section[0].whole.off;
		while (at > 0 && ed->sc.text[at - 1] != '\n')
			at--;
	}
	if (at > 0 && ed->sc.text[at - 1] != '\n')
		sbuf_add(&b, "\n");
	add_line(&b, indent, s, text);
	change(ed, at, 0, &b);
}

static void edit_section(struct edit *ed, int section, enum setting_scope scope,
			 const struct section *want, const struct section *have)
{
	for (size_t i = 0; i < settings_table_n; i++) {
		const struct setting *s = &settings_table[i];
		const struct scan_entry *en;
		struct sbuf b = { 0 };
		const char *text = want->v[i];

		if (s->scope != scope || s->type == ST_SECRET)
			continue;
		en = scan_find(&ed->sc, section, s->key);
		if (s->type == ST_NAME) {
			/* Not needed there; kept right where it is. */
			if (!en || section >= 0 ||
			    span_is(&ed->sc, en->value, ed->d->name))
				continue;
			text = ed->d->name;
		} else if (!text && !en)
			continue;
		else if (text && en && have->v[i] && strcmp(text, have->v[i]) == 0)
			continue;
		if (!text)
			cut(ed, en->key.off, entry_end(en));
		else if (!en)
			insert(ed, section, scope, s, text);
		else {
			edit_value(&b, s, text);
			change(ed, en->value.off, en->value.len, &b);
		}
	}
}

static void new_section(struct sbuf *b, const struct section *sec,
			enum setting_scope scope)
{
	bool any = false;

	for (size_t i = 0; i < settings_table_n; i++)
		any |= settings_table[i].scope == scope && sec->v[i];
	if (!any && !sec->name[0])
		return;
	if (sec->name[0])
		sbuf_addf(b, "\nchild \"%s\" {\n", sec->name);
	else
		sbuf_add(b, "\ndefaults {\n");
	for (size_t i = 0; i < settings_table_n; i++)
		if (settings_table[i].scope == scope && sec->v[i])
			add_line(b, "\t", &settings_table[i], sec->v[i]);
	sbuf_add(b, "}\n");
}

static void append_section(struct edit *ed, const struct section *sec,
			   enum setting_scope scope)
{
	struct sbuf b = { 0 };

	if (ed->sc.len && ed->sc.text[ed->sc.len - 1] != '\n')
		sbuf_add(&b, "\n");
	new_section(&b, sec, scope);
	if (b.len)
		change(ed, ed->sc.len, 0, &b);
	else
		sbuf_fini(&b);
}

static void edit_children(struct edit *ed)
{
	for (size_t i = 0; i < ed->sc.n_section; i++) {
		const struct scan_section *se = &ed->sc.section[i];
		char title[CHILD_NAME_MAX + 1];

		snprintf(title, sizeof(title), "%.*s", (int)se->title.len,
			 ed->sc.text + se->title.off);
		/* Sections we do not know were complained about; they stay. */
		if (draft_child_find(ed->old, title) && !draft_child_find(ed->d, title))
			cut(ed, se->whole.off, se->whole.off + se->whole.len);
	}
	for (size_t i = 0; i < ed->d->n_child; i++) {
		const struct section *want = &ed->d->child[i];
		const struct section *have = draft_child_find(ed->old, want->name);

		if (have)
			edit_section(ed, scan_find_section(&ed->sc, "child", want->name),
				     SCOPE_CHILD, want, have);
		else
			append_section(ed, want, SCOPE_CHILD);
	}
}

static int change_cmp(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	if (x->off != y->off)
		return x->off < y->off ? -1 : 1;
	return x->seq < y->seq ? -1 : 1;
}

static void apply(struct edit *ed, struct sbuf *out)
{
	size_t at = 0;

	if (ed->n)
		qsort(ed->c, ed->n, sizeof(*ed->c), change_cmp);
	for (size_t i = 0; i < ed->n; i++) {
		const struct change *c = &ed->c[i];

		if (c->off > at)
			sbuf_addn(out, ed->sc.text + at, c->off - at);
		if (c->text)
			sbuf_add(out, c->text);
		if (c->off + c->len > at)
			at = c->off + c->len;
	}
	sbuf_addn(out, ed->sc.text + at, ed->sc.len - at);
}

static void whole(const struct draft *d, struct sbuf *out)
{
	sbuf_add(out, d->scope == SCOPE_PEER ? PEER_HEAD : ROUTER_HEAD);
	for (size_t i = 0; i < settings_table_n; i++)
		if (settings_table[i].scope == d->scope && d->main.v[i])
			add_line(out, "", &settings_table[i], d->main.v[i]);
	if (d->scope == SCOPE_ROUTER)
		new_section(out, &d->defaults, SCOPE_PEER);
	for (size_t i = 0; i < d->n_child; i++)
		new_section(out, &d->child[i], SCOPE_CHILD);
}

static bool same_section(const struct section *a, const struct section *b)
{
	for (size_t i = 0; i < settings_table_n; i++)
		if (strcmp(a->v[i] ? a->v[i] : "", b->v[i] ? b->v[i] : "") != 0)
			return false;
	return true;
}

/* Does the text say what the draft says? Whatever the edit did, this is what counts. */
static bool says(const struct draft *d, const char *file, const struct sbuf *text)
{
	struct findings fs = { 0 };
	struct draft *again =
		file_parse(d->scope, file, d->name, sbuf_str(text), text->len, &fs);
	bool same = again && same_section(&d->main, &again->main) &&
		    same_section(&d->defaults, &again->defaults) &&
		    d->n_child == again->n_child;

	for (size_t i = 0; same && i < d->n_child; i++) {
		const struct section *o = draft_child_find(again, d->child[i].name);

		same = o && same_section(&d->child[i], o);
	}
	draft_free(again);
	findings_fini(&fs);
	return same;
}

static int edit_old(const struct draft *d, const char *file, const char *old,
		    size_t old_len, struct sbuf *out, struct err *e)
{
	struct edit ed = { .d = d };
	struct findings fs = { 0 };
	struct draft *was = file_parse(d->scope, file, d->name, old, old_len, &fs);
	int r = 0;

	if (!was || scan_text(&ed.sc, old, old_len) < 0) {
		r = err_code(e, EXIT_SETTINGS, "%s cannot be changed as it is: %.400s",
			     file, fs.n ? fs.f[0].msg : "out of memory");
		goto out;
	}
	ed.old = was;
	edit_section(&ed, -1, d->scope, &d->main, &was->main);
	if (d->scope == SCOPE_ROUTER) {
		int sec = scan_find_section(&ed.sc, "defaults", NULL);

		if (sec >= 0)
			edit_section(&ed, sec, SCOPE_PEER, &d->defaults, &was->defaults);
		else
			append_section(&ed, &d->defaults, SCOPE_PEER);
	} else
		edit_children(&ed);
	apply(&ed, out);
	if (ed.bad || !sbuf_ok(out))
		r = err_set(e, "out of memory");
out:
	for (size_t i = 0; i < ed.n; i++)
		free(ed.c[i].text);
	free(ed.c);
	if (was)
		scan_fini(&ed.sc);
	draft_free(was);
	findings_fini(&fs);
	return r;
}

int edit_text(const struct draft *d, const char *file, const char *old, size_t old_len,
	      struct sbuf *out, struct err *e)
{
	if (old && edit_old(d, file, old, old_len, out, e) < 0)
		return -1;
	if (!old || !says(d, file, out)) {
		sbuf_reset(out);
		whole(d, out);
	}
	if (!sbuf_ok(out))
		return err_set(e, "out of memory");
	if (!says(d, file, out))
		return err_set(e, "%s: the settings cannot be written as a file", file);
	return 0;
}
