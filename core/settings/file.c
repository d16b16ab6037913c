/* file: libconfuse's one door. The grammar it is given comes from the schema; every value
 * is a string to it, so that what is wrong with a value is said by the schema's own
 * parsers. */
#include "core/settings/file.h"

#include "core/settings/draft_priv.h"
#include "core/settings/scan.h"
#include "core/settings/settings.h"
#include "core/settings/value.h"

#include <confuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct parse {
	enum setting_scope scope;
	const char *file, *name;
	struct scan sc;
	char *text; /* a copy, with what must not get to libconfuse blanked out */
	struct draft *d;
	struct findings *fs;
	cfg_t *cfg;
};

/* --- findings with a place --- */

/* A line that perhaps holds a key someone put in the wrong place is not shown. */
static bool may_be_secret(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((len - i >= 3 && strncasecmp(line + i, "psk", 3) == 0) ||
		    (len - i >= 6 && strncasecmp(line + i, "secret", 6) == 0))
			return true;
	return false;
}

static void put_place(struct finding *f, const char *file, const char *text, size_t len,
		      struct span at)
{
	struct span l = scan_line(text, len, at.off);

	if (!f)
		return;
	snprintf(f->file, sizeof(f->file), "%s", file);
	scan_place(text, len, at.off, &f->line, &f->column);
	f->width = (unsigned)(at.off + at.len > l.off + l.len ? l.off + l.len - at.off
							      : at.len);
	free(f->source);
	f->source = l.len < 400 && !may_be_secret(text + l.off, l.len) ?
		    strndup(text + l.off, l.len) : NULL;
}

static void wrong(struct parse *p, struct span at, const char *key, const char *msg)
{
	const char *peer = p->scope == SCOPE_PEER ? p->name : "";

	put_place(findings_add(p->fs, FINDING_ERROR, peer, key, "%s", msg), p->file,
		  p->sc.text, p->sc.len, at);
}

static void blank(struct parse *p, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (p->text[i] != '\n')
			p->text[i] = ' ';
}

static void blank_entry(struct parse *p, const struct scan_entry *en)
{
	blank(p, en->key.off, en->value.off + en->value.len);
}

/* --- the grammar --- */

#define OPTS_MAX (SETTINGS_TABLE_MAX + 2)

static cfg_opt_t router_opts[OPTS_MAX], peer_opts[OPTS_MAX], child_opts[OPTS_MAX],
	defaults_opts[OPTS_MAX];

static size_t add_opts(cfg_opt_t *opts, enum setting_scope scope, bool defaults)
{
	size_t n = 0;

	for (size_t i = 0; i < settings_table_n; i++) {
		const struct setting *s = &settings_table[i];

		if (s->scope != scope || s->type == ST_SECRET ||
		    (defaults && !s->defaultable))
			continue;
		opts[n++] = setting_is_list(s) ?
			(cfg_opt_t)CFG_STR_LIST(s->key, NULL, CFGF_NODEFAULT) :
			(cfg_opt_t)CFG_STR(s->key, NULL, CFGF_NODEFAULT);
	}
	return n;
}

static void make_opts(void)
{
	static bool made;
	size_t n;

	if (made)
		return;
	n = add_opts(router_opts, SCOPE_ROUTER, false);
	router_opts[n++] = (cfg_opt_t)CFG_SEC("defaults", defaults_opts, CFGF_NONE);
	router_opts[n] = (cfg_opt_t)CFG_END();
	n = add_opts(defaults_opts, SCOPE_PEER, true);
	defaults_opts[n] = (cfg_opt_t)CFG_END();
	n = add_opts(child_opts, SCOPE_CHILD, false);
	child_opts[n] = (cfg_opt_t)CFG_END();
	n = add_opts(peer_opts, SCOPE_PEER, false);
	peer_opts[n++] = (cfg_opt_t)CFG_SEC(
		"child", child_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
	peer_opts[n] = (cfg_opt_t)CFG_END();
	made = true;
}

/* --- what stands where --- */

static enum setting_scope scope_of(const struct parse *p, const struct scan_entry *en)
{
	if (en->section < 0)
		return p->scope;
	return p->scope == SCOPE_ROUTER ? SCOPE_PEER : SCOPE_CHILD;
}

/* The key as a draft knows it: "ike", "child.voice.esp", "defaults.ike". */
static void full_key(const struct parse *p, const struct scan_entry *en, char *buf,
		     size_t cap)
{
	const struct scan_section *se =
		en->section < 0 ? NULL : &p->sc.section[en->section];
	const char *t = p->sc.text;

	if (!se)
		snprintf(buf, cap, "%.*s", (int)en->key.len, t + en->key.off);
	else if (p->scope == SCOPE_ROUTER)
		snprintf(buf, cap, "defaults.%.*s", (int)en->key.len, t + en->key.off);
	else
		snprintf(buf, cap, "child.%.*s.%.*s", (int)se->title.len,
			 t + se->title.off, (int)en->key.len, t + en->key.off);
}

static const struct setting *row_of(const struct parse *p, const struct scan_entry *en,
				    struct err *e)
{
	char key[64];

	snprintf(key, sizeof(key), "%.*s", (int)en->key.len, p->sc.text + en->key.off);
	return setting_require(scope_of(p, en), key, e);
}

/* A key that may stand there, once, with one value or a list; else a finding and false.
 */
static bool entry_fits(struct parse *p, size_t i)
{
	const struct scan_entry *en = &p->sc.entry[i];
	const struct setting *s;
	char key[128], first[80];
	unsigned line, column;
	struct err e;

	full_key(p, en, key, sizeof(key));
	s = row_of(p, en, &e);
	if (!s) {
		wrong(p, en->key, "", e.msg);
		return false;
	}
	if (s->type == ST_SECRET) {
		wrong(p, en->key, key,
		      "a pre-shared key does not stand in this file, which others may "
		      "read: adit peer set NAME --psk-stdin, or put it into "
		      "secrets/NAME");
		return false;
	}
	if (p->scope == SCOPE_ROUTER && en->section >= 0 && !s->defaultable) {
		wrong(p, en->key, key, "belongs to each peer: it has no default");
		return false;
	}
	for (size_t k = 0; k < i; k++) {
		const struct scan_entry *o = &p->sc.entry[k];

		if (o->section != en->section || !span_is(&p->sc, o->key, s->key))
			continue;
		scan_place(p->sc.text, p->sc.len, o->key.off, &line, &column);
		snprintf(first, sizeof(first), "is set twice: first on line %u", line);
		wrong(p, en->key, key, first);
		return false;
	}
	if (en->list && !setting_is_list(s)) {
		wrong(p, en->value, key, "takes one value, not a list");
		return false;
	}
	return true;
}

static bool section_fits(struct parse *p, size_t i)
{
	static const char *const words[] = { "child", "defaults", NULL };
	const struct scan_section *se = &p->sc.section[i];
	const char *word = words[p->scope == SCOPE_ROUTER];
	char text[64], name[CHILD_NAME_MAX + 2];
	struct err e;

	if (!span_is(&p->sc, se->word, word)) {
		err_set(&e, "unknown section \"%.*s\": %s?",
			(int)(se->word.len > 40 ? 40 : se->word.len),
			p->sc.text + se->word.off,
			p->scope == SCOPE_ROUTER ? "defaults { … }"
						 : "child \"NAME\" { … }");
		wrong(p, se->word, "", e.msg);
		return false;
	}
	snprintf(name, sizeof(name), "%.*s", (int)se->title.len,
		 p->sc.text + se->title.off);
	if (p->scope == SCOPE_ROUTER) {
		if (se->titled)
			wrong(p, se->title_raw, "", "defaults { … } has no name");
		else if (scan_find_section(&p->sc, word, NULL) != (int)i)
			wrong(p, se->word, "",
			      "a second defaults section: put them together");
		else
			return true;
		return false;
	}
	if (!se->titled)
		wrong(p, se->word, "", "a child has a name: child \"NAME\" { … }");
	else if (value_name_check("the child's name", name, CHILD_NAME_MAX, &e) < 0)
		wrong(p, se->title_raw, "", e.msg);
	else if (scan_find_section(&p->sc, word, name) != (int)i) {
		snprintf(text, sizeof(text), "a second child \"%s\"", name);
		wrong(p, se->title_raw, "", text);
	} else if (p->d->n_child + 1 >= CHILDREN_MAX)
		wrong(p, se->word, "",
		      "too many children: a peer has at most 16, its own networks "
		      "included");
	else
		return draft_child_new(p->d, name) != NULL;
	return false;
}

/* Blank out what does not fit; *ok gets which entries are left. */
static int fit(struct parse *p, bool **ok_entries, bool **ok_sections)
{
	bool *entries = calloc(p->sc.n_entry + 1, sizeof(bool));
	bool *sections = calloc(p->sc.n_section + 1, sizeof(bool));

	*ok_entries = entries;
	*ok_sections = sections;
	if (!entries || !sections)
		return -1;
	for (size_t i = 0; i < p->sc.n_comment; i++)
		blank(p, p->sc.comment[i].off,
		      p->sc.comment[i].off + p->sc.comment[i].len);
	for (size_t i = 0; i < p->sc.n_section; i++) {
		sections[i] = section_fits(p, i);
		if (!sections[i])
			blank(p, p->sc.section[i].whole.off,
			      p->sc.section[i].whole.off + p->sc.section[i].whole.len);
	}
	for (size_t i = 0; i < p->sc.n_entry; i++) {
		const struct scan_entry *en = &p->sc.entry[i];

		if (en->section >= 0 && !sections[en->section])
			continue;
		entries[i] = entry_fits(p, i);
		if (!entries[i])
			blank_entry(p, en);
	}
	return 0;
}

/* --- libconfuse --- */

static char confuse_msg[200];

static void confuse_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	(void)cfg;
	if (!confuse_msg[0])
		vsnprintf(confuse_msg, sizeof(confuse_msg), fmt, ap);
}

static int confuse(struct parse *p)
{
	make_opts();
	confuse_msg[0] = '\0';
	p->cfg = cfg_init(p->scope == SCOPE_ROUTER ? router_opts : peer_opts, CFGF_NONE);
	if (!p->cfg)
		return -1;
	cfg_set_error_function(p->cfg, confuse_error);
	/* fmemopen() in there takes no empty text. */
	if (p->text[0] && cfg_parse_buf(p->cfg, p->text) != CFG_SUCCESS) {
		char msg[240];

		snprintf(msg, sizeof(msg), "cannot be read: %s", confuse_msg);
		wrong(p, (struct span){ 0, 0 }, "", msg);
		return -1;
	}
	return 0;
}

/* All values of a list with commas between. False: libconfuse saw something else than we.
 */
static bool joined(cfg_t *sec, const struct setting *s, size_t n_items, struct sbuf *b)
{
	cfg_opt_t *opt = cfg_getopt(sec, s->key);

	if (!opt || cfg_opt_size(opt) != n_items)
		return false;
	for (unsigned i = 0; i < n_items; i++) {
		const char *text = cfg_opt_getnstr(opt, i);

		sbuf_addf(b, "%s%s", i ? "," : "", text ? text : "");
	}
	return true;
}

static int take_value(struct parse *p, struct section *to, cfg_t *sec,
		      const struct scan_entry *en, const struct setting *s)
{
	char key[128], canonical[VALUE_TEXT_MAX];
	struct sbuf b = { 0 };
	const char *text;
	struct value v;
	int r = 0;

	full_key(p, en, key, sizeof(key));
	if (!joined(sec, s, en->n_items, &b) || !sbuf_ok(&b)) {
		wrong(p, en->key, key, "cannot be read");
		sbuf_fini(&b);
		return 0;
	}
	text = sbuf_str(&b);
	if (s->type == ST_NAME) {
		if (strcmp(text, p->name) != 0)
			wrong(p, en->value, key,
			      "differs from the name of the file, which counts: adit "
			      "peer rename moves everything along");
	} else {
		if (value_parse(s, text, &v, NULL) == 0)
			text = value_str(s, &v, canonical, sizeof(canonical));
		r = section_put(to, s, text);
	}
	sbuf_fini(&b);
	return r;
}

static int take_values(struct parse *p, const bool *ok_entries, const bool *ok_sections)
{
	for (size_t i = 0; i < p->sc.n_entry; i++) {
		const struct scan_entry *en = &p->sc.entry[i];
		struct section *to = &p->d->main;
		cfg_t *sec = p->cfg;
		unsigned nth = 0;

		if (!ok_entries[i])
			continue;
		for (int k = 0; k < en->section; k++)
			nth += ok_sections[k];
		if (en->section >= 0 && p->scope == SCOPE_ROUTER) {
			to = &p->d->defaults;
			sec = cfg_getsec(p->cfg, "defaults");
		} else if (en->section >= 0) {
			to = &p->d->child[nth];
			sec = cfg_getnsec(p->cfg, "child", nth);
		}
		if (!sec || take_value(p, to, sec, en, row_of(p, en, NULL)) < 0)
			return -1;
	}
	return 0;
}

struct draft *file_parse(enum setting_scope scope, const char *file, const char *name,
			 const char *text, size_t len, struct findings *fs)
{
	struct parse p = { .scope = scope, .file = file, .name = name, .fs = fs };
	bool *entries = NULL, *sections = NULL;
	const char *peer = scope == SCOPE_PEER ? name : "";
	struct finding *f;

	if (len > SETTINGS_FILE_MAX) {
		f = findings_add(fs, FINDING_ERROR, peer, "",
				 "the file is larger than %d KB",
				 SETTINGS_FILE_MAX / 1024);
		if (f)
			snprintf(f->file, sizeof(f->file), "%s", file);
		return NULL;
	}
	if (scan_text(&p.sc, text, len) < 0) {
		wrong(&p, p.sc.bad, "", p.sc.why ? p.sc.why : "out of memory");
		scan_fini(&p.sc);
		return NULL;
	}
	p.text = strndup(text, len);
	p.d = scope == SCOPE_PEER ? draft_new_named(name) : draft_new_router();
	if (!p.text || !p.d || fit(&p, &entries, &sections) < 0 || confuse(&p) < 0 ||
	    take_values(&p, entries, sections) < 0) {
		if (!findings_has_error(fs, peer))
			findings_add(fs, FINDING_ERROR, peer, "", "out of memory");
		draft_free(p.d);
		p.d = NULL;
	}
	if (p.cfg)
		cfg_free(p.cfg);
	free(entries);
	free(sections);
	free(p.text);
	scan_fini(&p.sc);
	return p.d;
}

/* --- places for what was found later --- */

static const struct scan_entry *entry_of(const struct scan *sc, const char *key,
					 int *section)
{
	const char *last = strrchr(key, '.');
	char title[CHILD_NAME_MAX + 1];

	*section = -1;
	if (strncmp(key, "defaults.", 9) == 0)
		*section = scan_find_section(sc, "defaults", NULL);
	else if (strncmp(key, "child.", 6) == 0 && last > key + 6 &&
		 (size_t)(last - key - 6) < sizeof(title)) {
		snprintf(title, sizeof(title), "%.*s", (int)(last - key - 6), key + 6);
		*section = scan_find_section(sc, "child", title);
	} else
		return scan_find(sc, -1, key);
	return *section < 0 ? NULL : scan_find(sc, *section, last + 1);
}

/* Of a list the value that is wrong, where one alone is. */
static struct span value_span(const struct scan *sc, const struct scan_entry *en,
			      const struct setting *s, const char *msg)
{
	for (size_t i = 0; s && en->n_items > 1 && i < en->n_items; i++) {
		struct span raw = sc->item[en->item + i].raw;
		bool q = sc->text[raw.off] == '"' || sc->text[raw.off] == '\'';
		char one[256];
		struct value v;
		struct err e;

		snprintf(one, sizeof(one), "%.*s", (int)(raw.len - 2u * q),
			 sc->text + raw.off + q);
		if (value_parse(s, one, &v, &e) < 0 && strcmp(e.msg, msg) == 0)
			return raw;
	}
	return en->value;
}

void file_place(const char *file, const char *peer, const char *text, size_t len,
		struct findings *fs, size_t first)
{
	bool scanned = false;
	struct scan sc;

	for (size_t i = first; i < fs->n; i++) {
		struct finding *f = &fs->f[i];
		const struct scan_entry *en;
		const char *last;
		int section;

		if (f->line || strcmp(f->peer, peer) != 0 || f->file[0])
			continue;
		snprintf(f->file, sizeof(f->file), "%s", file);
		if (!scanned && scan_text(&sc, text, len) < 0) {
			scan_fini(&sc);
			return;
		}
		scanned = true;
		en = entry_of(&sc, f->key, &section);
		last = strrchr(f->key, '.');
		if (en)
			put_place(
				f, file, text, len,
				value_span(&sc, en,
					   setting_find(section < 0
								? (peer[0] ? SCOPE_PEER
									   : SCOPE_ROUTER)
							: peer[0] ? SCOPE_CHILD
								  : SCOPE_PEER,
							section < 0 || !last ? f->key
									     : last + 1),
					   f->msg));
		else if (section >= 0)
			put_place(f, file, text, len, sc.section[section].word);
	}
	if (scanned)
		scan_fini(&sc);
}
