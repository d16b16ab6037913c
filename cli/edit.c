/* edit: what the verbs that change settings share. */
#include "cli/edit.h"

#include "cli/out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define KEY_TEXT_MAX 80

/* --- KEY=VALUE --- */

static int no_pair(const char *word, struct err *e)
{
	char clean[80];

	return err_code(e, EXIT_USAGE, "expected KEY=VALUE, not \"%s\"",
			fmt_fit(word, 40, false, clean, sizeof(clean)));
}

/* "child.NAME" with nothing behind: the child as a whole. */
static const char *whole_child(const char *key)
{
	if (strncmp(key, "child.", 6) != 0 || !key[6] || strchr(key + 6, '.'))
		return NULL;
	return key + 6;
}

static bool next_entry(const char **at, const char **entry, size_t *len)
{
	const char *p = *at;

	while (*p == ',' || *p == ' ')
		p++;
	if (!*p)
		return false;
	*entry = p;
	*len = strcspn(p, ",");
	*at = p + *len;
	while (*len && p[*len - 1] == ' ')
		--*len;
	return true;
}

static bool list_has(const char *list, const char *entry, size_t len)
{
	const char *have;
	size_t n;

	while (next_entry(&list, &have, &n))
		if (n == len && strncasecmp(have, entry, len) == 0)
			return true;
	return false;
}

static void list_add(struct sbuf *b, const char *entry, size_t len)
{
	if (b->len)
		sbuf_add(b, ",");
	sbuf_addn(b, entry, len);
}

/* have with the entries of change put behind, or taken out. */
static int change_list(struct sbuf *b, const char *key, const char *have,
		       const char *change, bool add, struct err *e)
{
	const char *at = have, *entry;
	size_t len;

	while (next_entry(&at, &entry, &len))
		if (add || !list_has(change, entry, len))
			list_add(b, entry, len);
	at = change;
	while (next_entry(&at, &entry, &len)) {
		bool there = list_has(have, entry, len);

		if (add && !there)
			list_add(b, entry, len);
		if (!add && !there)
			return err_code(e, EXIT_SETTINGS, "%s: \"%.*s\" is not in it: %s",
					key, (int)(len < 60 ? len : 60), entry,
					*have ? have : "empty");
	}
	return 0;
}

static int set_list(struct draft *d, const char *key, const char *change, bool add,
		    struct err *e)
{
	const struct setting *s = draft_setting(d, key, e);
	struct sbuf b = { 0 };
	const char *have;
	int rc;

	if (!s)
		return -1;
	if (!setting_is_list(s))
		return err_code(e, EXIT_USAGE, "%s is not a list: write %s=%s", key, key,
				change);
	have = draft_get(d, key);
	rc = change_list(&b, key, have ? have : "", change, add, e);
	if (rc == 0 && !add && b.len == 0 && s->required)
		rc = err_code(e, EXIT_SETTINGS, "%s must keep at least one entry", key);
	if (rc == 0)
		rc = draft_set(d, key, sbuf_str(&b), e);
	sbuf_fini(&b);
	return rc;
}

int edit_pair(struct draft *d, const char *word, struct err *e)
{
	const char *eq = strchr(word, '=');
	char key[KEY_TEXT_MAX];
	char op = '=';
	size_t len;

	if (!eq || eq == word || (size_t)(eq - word) >= sizeof(key))
		return no_pair(word, e);
	len = (size_t)(eq - word);
	if (len > 1 && (word[len - 1] == '+' || word[len - 1] == '-'))
		op = word[--len];
	snprintf(key, sizeof(key), "%.*s", (int)len, word);
	/* Keys on the command line are read by every user of the router (ps). */
	if (strcmp(key, "psk") == 0 || strcmp(key, "ppk") == 0)
		return err_code(e, EXIT_USAGE,
				"%s: not on the command line, where every user of "
				"this router can read it (and the shell keeps it); use "
				"--%s-file FILE%s --%s-stdin%s",
				key, key, key[1] == 's' ? "," : " or", key,
				key[1] == 's' ? " or --generate-psk" : "");
	if (op != '=')
		return set_list(d, key, eq + 1, op == '+', e);
	if (whole_child(key)) {
		if (eq[1])
			return err_code(e, EXIT_USAGE,
					"%s.KEY=VALUE sets a child; %s= removes it", key,
					key);
		return draft_child_del(d, whole_child(key), e);
	}
	return draft_set(d, key, eq + 1, e);
}

int edit_pairs(struct draft *d, int n, char *const *words, struct err *e)
{
	for (int i = 0; i < n; i++)
		if (edit_pair(d, words[i], e))
			return -1;
	return 0;
}

/* --- around a commit --- */

void edit_begin(struct cli *c, struct edit *ed)
{
	char title[40];
	size_t n;

	memset(ed, 0, sizeof(*ed));
	ed->commit.lan = ed->lan;
	ed->commit.n_lan = front_lan(&c->front, ed->lan, FRONT_LAN_MAX);
	snprintf(ed->what, sizeof(ed->what), "%s",
		 verb_title(c->verb, title, sizeof(title)));
	for (int i = 0; i < c->argc; i++) {
		n = strlen(ed->what);
		snprintf(ed->what + n, sizeof(ed->what) - n, " %s", c->argv[i]);
	}
	ed->commit.what = ed->what;
}

void edit_end(struct edit *ed)
{
	findings_fini(&ed->fs);
}

void edit_findings(struct cli *c, const struct findings *fs, bool skip_first)
{
	bool skipped = !skip_first;

	for (size_t i = 0; i < fs->n; i++) {
		const struct finding *f = &fs->f[i];
		bool error = f->level == FINDING_ERROR;
		char clean[ERR_MSG_MAX];

		if (error && !skipped) {
			skipped = true;
			continue;
		}
		if (!error && cli_has(c, OPT_QUIET))
			continue;
		fprintf(stderr, "adit: %s%s%s%s%s%s\n", error ? "" : "warning: ", f->peer,
			f->peer[0] ? ": " : "", f->key, f->key[0] ? ": " : "",
			fmt_fit(f->msg, 0, c->utf8, clean, sizeof(clean)));
	}
}

int edit_apply(struct cli *c, struct err *e)
{
	enum front_applied how;
	char text[FRONT_TEXT_MAX];

	if (front_apply(&c->front, &how, text, e))
		return -1;
	out_say(c, "%s", text);
	return 0;
}

int edit_require_peer(const struct cli *c, const char *name, struct err *e)
{
	struct draft *d = NULL;
	char near[PEER_NAME_MAX + 2], clean[80];
	int rc = settings_peer_draft(c->front.config_dir, name, &d, NULL, e);

	draft_free(d);
	/* A file that is damaged is still a peer: it can be deleted. */
	if (rc == 0 || e->code != EXIT_NO_PEER)
		return rc && e->code == EXIT_SETTINGS ? 0 : rc;
	settings_nearest_peer(c->front.config_dir, name, near, sizeof(near));
	fmt_fit(name, 40, false, clean, sizeof(clean));
	if (near[0])
		return err_code(e, EXIT_NO_PEER,
				"there is no peer \"%s\"; did you mean %s?", clean, near);
	return err_code(e, EXIT_NO_PEER,
			"there is no peer \"%s\"; `adit peer list` shows them", clean);
}

/* --- showing a draft --- */

static struct json_object *json_value(const struct setting *s, const char *text)
{
	struct json_object *a;
	const char *entry;
	size_t len;

	if (s->type == ST_BOOL)
		return json_object_new_boolean(strcmp(text, "yes") == 0);
	if (s->type == ST_UINT || s->type == ST_VERSION)
		return *text ? json_object_new_int64(strtoll(text, NULL, 10)) : NULL;
	if (!setting_is_list(s))
		return json_object_new_string(text);
	a = json_object_new_array();
	while (a && next_entry(&text, &entry, &len))
		json_object_array_add(a, json_object_new_string_len(entry, (int)len));
	return a;
}

struct to_json {
	struct json_object *root;
	bool only_set;
};

/* The object called name in o, made when it is not there. */
static struct json_object *sub_object(struct json_object *o, const char *name)
{
	struct json_object *sub = json_get_object(o, name);

	if (!sub) {
		sub = json_object_new_object();
		json_put(o, name, sub);
	}
	return sub;
}

static bool add_json(void *arg, const char *key, const struct setting *s,
		     const char *text, bool set)
{
	struct to_json *j = arg;
	struct json_object *o = j->root;
	char part[KEY_TEXT_MAX];

	if (s->sensitive || (j->only_set && !set))
		return true;
	/* "child.voice.esp" becomes .child.voice.esp */
	while (strchr(key, '.')) {
		size_t n = strcspn(key, ".");
		const char *last = strrchr(key, '.');

		/* A child's name may hold dots: it ends at the last one. */
		if (o != j->root)
			n = (size_t)(last - key);
		snprintf(part, sizeof(part), "%.*s", (int)n, key);
		o = sub_object(o, part);
		key += n + 1;
	}
	json_put(o, key, json_value(s, text));
	return true;
}

struct json_object *edit_json(const struct draft *d, bool only_set)
{
	struct to_json j = { json_object_new_object(), only_set };

	draft_each(d, add_json, &j);
	return j.root;
}

struct to_text {
	struct cli *c;
	const struct draft *d;
	bool only_set;
	size_t width;
};

static bool is_shown(const struct to_text *t, const struct setting *s, const char *text,
		     bool set)
{
	if (s->sensitive || s->type == ST_NAME)
		return false;
	return set || (!t->only_set && (*text || *s->empty));
}

static bool measure_key(void *arg, const char *key, const struct setting *s,
			const char *text, bool set)
{
	struct to_text *t = arg;

	if (is_shown(t, s, text, set) && strlen(key) > t->width)
		t->width = strlen(key);
	return true;
}

static bool add_text(void *arg, const char *key, const struct setting *s,
		     const char *text, bool set)
{
	struct to_text *t = arg;
	const char *idle = draft_idle(t->d, key);
	struct sbuf b = { 0 };

	if (!is_shown(t, s, text, set))
		return true;
	if (cli_has(t->c, OPT_PLAIN)) {
		sbuf_addf(&t->c->out, "%s\t", key);
		out_tone(t->c, TONE_PLAIN, text);
		sbuf_addf(&t->c->out, "\t%s\n", set ? "set" : "default");
		return true;
	}
	if (setting_is_list(s))
		out_spread(&b, *text ? text : s->empty);
	else
		sbuf_add(&b, *text ? text : s->empty);
	if (!set)
		sbuf_add(&b, " (default)");
	else if (idle)
		sbuf_addf(&b, " (no effect: %s)", idle);
	out_labelled(t->c, t->width + 2, key, set ? TONE_PLAIN : TONE_DIM, sbuf_str(&b));
	sbuf_fini(&b);
	return true;
}

size_t edit_print(struct cli *c, const struct draft *d, bool only_set)
{
	struct to_text t = { .c = c, .d = d, .only_set = only_set };

	draft_each(d, measure_key, &t);
	draft_each(d, add_text, &t);
	return t.width + 2;
}
