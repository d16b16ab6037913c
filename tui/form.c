/* form: a peer's settings, or the router's, made from the table of settings: a row there is a
 * field here, with its help, its checks and its place. */
#include "tui/form.h"

#include "core/base/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *form_page_name(const struct form *f, int page)
{
	if (!f->router)
		return setting_page_name((enum setting_page)page);
	return page ? "Defaults for new peers" : "This router";
}

bool form_is_text(const struct setting *s)
{
	return s->type != ST_BOOL && s->type != ST_CHOICE && s->type != ST_VERSION;
}

const char *form_value(const struct form *f, const struct field *fl)
{
	const char *text;

	if (fl->typed)
		return fl->typed;
	if (fl->s->type == ST_NAME && !f->named)
		return "";
	text = draft_get(f->draft, fl->key);
	return text ? text : "";
}

/* ---- the fields of a page ---- */

static bool on_page(const struct form *f, const char *key, const struct setting *s)
{
	if (f->router)
		return (strncmp(key, "defaults.", 9) == 0) == (f->page == 1);
	if (strncmp(key, "child.", 6) == 0)
		return f->page == PAGE_NETWORKS;
	return (int)s->page == f->page;
}

static struct field *add_field(struct form *f)
{
	if (f->n == FORM_FIELDS_MAX)
		return NULL;
	memset(&f->fields[f->n], 0, sizeof(f->fields[0]));
	return &f->fields[f->n++];
}

/* "voice" of "child.voice.esp"; "" for other keys. */
static void child_of(const char *key, char *buf, size_t cap)
{
	const char *dot = strrchr(key, '.');

	buf[0] = '\0';
	if (strncmp(key, "child.", 6) == 0 && dot > key + 5)
		snprintf(buf, cap, "%.*s", (int)(dot - key - 6), key + 6);
}

/* What has no effect as things stand, and is not set, would only be in the way. */
static bool left_out(const struct form *f, const char *key, const struct setting *s)
{
	return s->hides && !draft_is_set(f->draft, key) && draft_idle(f->draft, key);
}

static bool collect(void *arg, const char *key, const struct setting *s, const char *text,
		    bool set)
{
	struct form *f = arg;
	char child[CHILD_NAME_MAX + 1], before[CHILD_NAME_MAX + 1] = "";
	struct field *fl;

	(void)text;
	(void)set;
	if (!on_page(f, key, s) || left_out(f, key, s))
		return true;
	child_of(key, child, sizeof(child));
	if (f->n)
		child_of(f->fields[f->n - 1].key, before, sizeof(before));
	if (child[0] && strcmp(child, before) != 0 && (fl = add_field(f)))
		snprintf(fl->heading, sizeof(fl->heading), "Child %s (Ctrl-X takes it away)", child);
	fl = add_field(f);
	if (!fl)
		return false;
	snprintf(fl->key, sizeof(fl->key), "%s", key);
	fl->s = s;
	return true;
}

static void mark_findings(struct form *f)
{
	for (size_t i = 0; i < f->n; i++) {
		struct field *fl = &f->fields[i];
		const struct finding *fd;

		if (!fl->s || fl->typed)
			continue;
		fd = findings_for(&f->findings, draft_name(f->draft), fl->key);
		if (!fd)
			continue;
		snprintf(fl->error, sizeof(fl->error), "%s", fd->msg);
		fl->warning = fd->level == FINDING_WARNING;
	}
}

/* It may be a key. */
static void forget_typed(struct field *fl)
{
	if (fl->typed)
		secret_wipe(fl->typed, strlen(fl->typed));
	free(fl->typed);
	fl->typed = NULL;
}

static void forget_fields(struct form *f)
{
	for (size_t i = 0; i < f->n; i++)
		forget_typed(&f->fields[i]);
	f->n = 0;
}

void form_focus(struct form *f, size_t i)
{
	f->at = i;
	f->touched = false;
	if (i < f->n && f->fields[i].s)
		edit_set(&f->edit, form_value(f, &f->fields[i]));
}

static void build(struct form *f)
{
	forget_fields(f);
	draft_each(f->draft, collect, f);
	mark_findings(f);
	f->first = 0;
	form_focus(f, 0);
}

/* The same page with the fields that count now; what was typed and refused stays. */
static void settle(struct form *f)
{
	struct field *was;
	size_t n = f->n, at = f->at;
	bool touched = f->touched;

	if (!f->stale)
		return;
	f->stale = false;
	was = malloc(sizeof(f->fields));
	if (!was)
		return;
	memcpy(was, f->fields, sizeof(f->fields));
	f->n = 0;
	draft_each(f->draft, collect, f);
	mark_findings(f);
	f->at = 0;
	for (size_t i = 0; i < n; i++) {
		struct field *fl = NULL;

		for (size_t k = 0; k < f->n && !fl && was[i].s; k++)
			if (strcmp(f->fields[k].key, was[i].key) == 0)
				fl = &f->fields[k];
		if (fl && i == at)
			f->at = (size_t)(fl - f->fields);
		if (!fl) {
			forget_typed(&was[i]);
			continue;
		}
		fl->typed = was[i].typed;
		memcpy(fl->error, was[i].error, sizeof(fl->error));
		fl->warning = was[i].warning;
	}
	free(was);
	if (!touched)
		form_focus(f, f->at);
}

/* Is there a setting that counts or not by the value of this one? */
static bool decides(const struct setting *s)
{
	for (size_t i = 0; i < settings_table_n; i++) {
		const struct setting *o = &settings_table[i];

		if (o->scope == s->scope && o->hides && o->when_key &&
		    (strcmp(o->when_key, s->key) == 0))
			return true;
		if (o->like && strcmp(o->like, s->key) == 0)
			return true;
	}
	return false;
}

/* ---- taking values over ---- */

static void refuse(struct field *fl, const char *text, const char *why)
{
	char *copy = strdup(text);

	forget_typed(fl);
	fl->typed = copy;
	/* The field is named by its label already. */
	if (strncmp(why, fl->key, strlen(fl->key)) == 0 && why[strlen(fl->key)] == ':')
		why += strlen(fl->key) + 2;
	snprintf(fl->error, sizeof(fl->error), "%s", why);
	fl->warning = false;
}

static void note_weak(struct form *f, struct field *fl)
{
	unsigned bits = form_weak_in(f, fl->s, form_value(f, fl));
	char words[80];

	if (!bits)
		return;
	weak_str(bits, words, sizeof(words));
	snprintf(fl->error, sizeof(fl->error), "weak: %s; allow_weak has to name it, saving asks",
		 words);
	fl->warning = true;
}

bool form_set_value(struct form *f, struct field *fl, const char *text)
{
	struct err e = { 0 };

	if (draft_set(f->draft, fl->key, text, &e) < 0) {
		refuse(fl, text, e.msg);
		return false;
	}
	forget_typed(fl);
	f->stale |= decides(fl->s);
	fl->error[0] = '\0';
	/* What the last attempt to save found there was about the old value. */
	for (size_t i = 0; i < f->findings.n; i++)
		if (strcmp(f->findings.f[i].key, fl->key) == 0)
			f->findings.f[i].key[0] = '\0';
	note_weak(f, fl);
	if (fl->s->type == ST_NAME)
		f->named = true;
	if (fl->s->type == ST_SECRET && *text) {
		const char *weak = psk_weakness(text);

		if (weak) {
			snprintf(fl->error, sizeof(fl->error), "%s", weak);
			fl->warning = true;
		}
	}
	return true;
}

/* The focused field is left: check and take what was typed. */
bool form_take(struct form *f)
{
	struct field *fl = &f->fields[f->at];

	if (f->at >= f->n || !fl->s || !form_is_text(fl->s) || !f->touched)
		return !(f->at < f->n && fl->typed);
	f->touched = false;
	return form_set_value(f, fl, f->edit.text);
}

bool form_set(struct form *f, size_t i, const char *text)
{
	bool taken = form_set_value(f, &f->fields[i], text);

	form_focus(f, i);
	settle(f);
	return taken;
}

static bool form_dirty(const struct view *v)
{
	const struct form *f = (const struct form *)v;
	struct sbuf diff = { 0 };
	bool dirty = f->touched;

	for (size_t i = 0; i < f->n; i++)
		dirty |= f->fields[i].typed != NULL;
	if (!dirty) {
		if (!f->base && !f->router)
			dirty = f->named;
		else
			dirty = draft_diff(f->base, f->draft, "", &diff, NULL) > 0;
	}
	sbuf_fini(&diff);
	return dirty;
}

/* ---- moving ---- */

void form_go(struct form *f, int by)
{
	size_t i;

	form_take(f);
	settle(f);
	i = f->at;
	do {
		if ((by < 0 && i == 0) || (by > 0 && i + 1 >= f->n)) {
			i = f->at;
			break;
		}
		i = by < 0 ? i - 1 : i + 1;
	} while (!f->fields[i].s);
	form_focus(f, i);
}

static bool at_end(const struct form *f)
{
	return f->at + 1 >= f->n;
}

/* A refused value stays with its field, so its page is not left behind unseen. */
bool form_page_clean(struct form *f)
{
	form_take(f);
	for (size_t i = 0; i < f->n; i++) {
		if (f->fields[i].typed) {
			form_focus(f, i);
			tui_say(f->v.tui, EL_ERROR, "%s: %s", f->fields[i].s->label, f->fields[i].error);
			return false;
		}
	}
	return true;
}

static void turn(struct form *f, int by)
{
	if (!form_page_clean(f))
		return;
	f->page = (f->page + f->n_pages + by) % f->n_pages;
	build(f);
}

void form_show_field(struct form *f, const char *key)
{
	const struct setting *s = draft_setting(f->draft, key, NULL);

	if (!f->router && s)
		f->page = strncmp(key, "child.", 6) == 0 ? PAGE_NETWORKS : (int)s->page;
	build(f);
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->fields[i].key, key) == 0)
			form_focus(f, i);
}

/* ---- saving ---- */

static void show_findings(struct form *f, const struct err *e)
{
	struct finding first = { 0 };
	const struct setting *s;

	for (size_t i = f->findings.n; i-- > 0;)
		if (f->findings.f[i].level == FINDING_ERROR)
			first = f->findings.f[i];
	if (first.key[0])
		form_show_field(f, first.key);
	else
		build(f);
	s = first.key[0] ? draft_setting(f->draft, first.key, NULL) : NULL;
	tui_say(f->v.tui, EL_ERROR, "Not saved: %s%s%s", s ? s->label : "", s ? ": " : "",
		first.msg[0] ? first.msg : e->msg);
}

static void write_out(struct form *f)
{
	struct prefix lan[FRONT_LAN_MAX];
	struct commit c = { .lan = lan,
			    .n_lan = front_lan(&f->v.tui->front, lan, FRONT_LAN_MAX) };
	const char *dir = f->v.tui->front.config_dir;
	struct tui *t = f->v.tui;
	struct err e = { 0 };
	char what[80];
	int rc;

	findings_fini(&f->findings);
	if (f->router)
		rc = settings_router_change(dir, f->draft, f->base, &c, &f->findings, &e);
	else if (!f->base)
		rc = settings_peer_add(dir, f->draft, &c, &f->findings, &e);
	else
		rc = settings_peer_change(dir, f->draft, f->base, &c, &f->findings, &e);
	if (rc < 0) {
		show_findings(f, &e);
		return;
	}
	snprintf(what, sizeof(what), "%s saved", f->router ? "Router settings" : draft_name(f->draft));
	tui_pop(t);
	data_apply(t, what);
}

static void save_answer(void *arg, int letter)
{
	if (letter == 's')
		write_out(arg);
}

static void add_warnings(const struct form *f, struct sbuf *b)
{
	for (size_t i = 0; i < f->findings.n; i++)
		if (f->findings.f[i].level == FINDING_WARNING)
			sbuf_addf(b, "\nNote: %s%s%s", f->findings.f[i].key,
				  f->findings.f[i].key[0] ? ": " : "", f->findings.f[i].msg);
}

static void save(struct form *f);

static void allow_answer(void *arg, int letter)
{
	struct form *f = arg;

	if (letter == 'y' && form_allow(f, f->weak))
		save(f);
}

/* True when the admin has to agree to weak algorithms first. */
static bool asks_for_weak(struct form *f)
{
	char words[80], text[300];

	f->weak = form_weak(f);
	if (!f->weak)
		return false;
	weak_str(f->weak, words, sizeof(words));
	snprintf(text, sizeof(text), "These settings use what is weak: %s. It is refused unless "
		 "allow_weak names it too, and every status marks this peer then.\n\n"
		 "Add %s to allow_weak?", words, words);
	pop_ask(f->v.tui, "Weak algorithms", text, "y", allow_answer, f);
	return true;
}

static void save(struct form *f)
{
	static const char *const costs[] = {
		[COST_NOTHING] = "Nothing is interrupted.",
		[COST_REKEY] = "Its tunnels get new keys; nothing is interrupted.",
		[COST_RESTART] = "The peer restarts: its traffic stops for a moment.",
	};
	enum setting_cost cost = COST_NOTHING;
	struct prefix lan[FRONT_LAN_MAX];
	struct sbuf b = { 0 };

	if (!tui_may_change(f->v.tui) || !form_page_clean(f))
		return;
	if (!f->router && !f->named) {
		form_show_field(f, "name");
		tui_say(f->v.tui, EL_ERROR, "The peer needs a name");
		return;
	}
	if (asks_for_weak(f))
		return;
	findings_fini(&f->findings);
	if (draft_check(f->draft, lan, front_lan(&f->v.tui->front, lan, FRONT_LAN_MAX),
			&f->findings)) {
		struct err none = { 0 };

		show_findings(f, &none);
		return;
	}
	if (!draft_diff(f->base, f->draft, "", &b, &cost)) {
		tui_say(f->v.tui, EL_TEXT, "Nothing was changed");
		sbuf_fini(&b);
		return;
	}
	if (f->base)
		sbuf_addf(&b, "\n%s", f->router ? "" : costs[cost]);
	add_warnings(f, &b);
	pop_ask(f->v.tui, f->base ? "What will change" : "A new peer", sbuf_str(&b), "s", save_answer,
		f);
	sbuf_fini(&b);
}

static void leave_answer(void *arg, int letter)
{
	struct form *f = arg;

	if (letter == 's')
		save(f);
	else if (letter == 'd')
		tui_pop(f->v.tui);
}

static bool form_leave(struct view *v)
{
	struct form *f = (struct form *)v;

	form_take(f);
	if (!form_dirty(v))
		return true;
	pop_ask(v->tui, "Unsaved changes", "What was changed here is not saved yet.", "sd",
		leave_answer, f);
	return false;
}

static void cycle(struct form *f, int by)
{
	struct field *fl = &f->fields[f->at];
	const char *now = form_value(f, fl);
	size_t n = 0, at = 0;

	if (fl->s->type == ST_BOOL) {
		form_set_value(f, fl, strcmp(now, "yes") == 0 ? "no" : "yes");
		return;
	}
	for (; fl->s->choices && fl->s->choices[n]; n++)
		if (strcmp(fl->s->choices[n], now) == 0)
			at = n;
	/* Where nothing is a choice too, it is the last one. */
	if (!*fl->s->def && n++ && !*now)
		at = n - 1;
	if (n)
		at = (at + n + (size_t)(by + (int)n)) % n;
	form_set_value(f, fl, n && fl->s->choices && fl->s->choices[at] ? fl->s->choices[at] : "");
}

/* ---- children ---- */

static void child_named(void *arg, const char *name)
{
	struct form *f = arg;
	char key[FORM_KEY_MAX];
	struct err e = { 0 };

	if (!name || !*name)
		return;
	if (draft_child_add(f->draft, name, &e) < 0) {
		tui_say(f->v.tui, EL_ERROR, "%s", e.msg);
		return;
	}
	snprintf(key, sizeof(key), "child.%s.local_network", name);
	form_show_field(f, key);
}

static void child_away(struct form *f)
{
	char child[CHILD_NAME_MAX + 1];
	struct err e = { 0 };

	child_of(f->fields[f->at].key, child, sizeof(child));
	if (!child[0])
		tui_say(f->v.tui, EL_ERROR, "this field belongs to no child section");
	else if (draft_child_del(f->draft, child, &e) < 0)
		tui_say(f->v.tui, EL_ERROR, "%s", e.msg);
	else
		build(f);
}

/* ---- keys ---- */

static enum handled form_command(struct form *f, int key)
{
	switch (key) {
	case K_CTRL('s'):
	case K_F0 + 2:
		save(f);
		return HANDLED;
	case K_F0 + 3:
	case K_CTRL('r'):
		form_reveal(f);
		return HANDLED;
	case K_F0 + 4:
	case K_CTRL('g'):
		form_generate(f);
		return HANDLED;
	case K_F0 + 6:
	case K_CTRL('y'):
		form_show_command(f);
		return HANDLED;
	case K_F0 + 7:
	case K_CTRL('n'):
		if (!f->router && form_page_clean(f))
			pop_input(f->v.tui, "One more pair of networks", "Its name:",
				  "", false, child_named, f);
		return HANDLED;
	case K_CTRL('x'):
		child_away(f);
		return HANDLED;
	case K_PGDN:
		turn(f, 1);
		return HANDLED;
	case K_PGUP:
		turn(f, -1);
		return HANDLED;
	}
	return IGNORED;
}

/* A tab, or a field; a second click on it is Enter. */
static void click(struct form *f)
{
	int row, col;

	term_mouse(&row, &col);
	if (row == f->tab_row) {
		for (int p = 0; p < f->n_pages; p++) {
			if (col < f->tab_end[p]) {
				turn(f, p - f->page);
				return;
			}
		}
		return;
	}
	for (size_t i = 0; i < f->n; i++) {
		if (!f->fields[i].s || row < f->fields[i].row ||
		    row >= f->fields[i].row + f->fields[i].rows)
			continue;
		if (i == f->at) {
			form_choose(f);
			return;
		}
		form_take(f);
		form_focus(f, i);
	}
}

static enum handled form_move(struct form *f, int key)
{
	switch (key) {
	case K_TAB:
		if (at_end(f) && f->page + 1 < f->n_pages)
			turn(f, 1);
		else
			form_go(f, 1);
		return HANDLED;
	case K_DOWN:
	case K_WHEEL_DOWN:
		form_go(f, 1);
		return HANDLED;
	case K_UP:
	case K_WHEEL_UP:
	case K_BACKTAB:
		form_go(f, -1);
		return HANDLED;
	case K_ENTER:
		form_choose(f);
		return HANDLED;
	case K_CLICK:
	case K_DOUBLE:
		click(f);
		return HANDLED;
	}
	return IGNORED;
}

static enum handled form_key_in(struct form *f, int key)
{
	const struct field *fl = &f->fields[f->at];

	if (form_command(f, key) == HANDLED)
		return HANDLED;
	if (f->at >= f->n || !fl->s)
		return IGNORED;
	if (form_move(f, key) == HANDLED)
		return HANDLED;
	if (form_is_text(fl->s))
		return edit_key(&f->edit, key, &f->touched);
	if (key == ' ' || key == K_RIGHT || key == K_LEFT) {
		cycle(f, key == K_LEFT ? -1 : 1);
		return HANDLED;
	}
	return IGNORED;
}

static enum handled form_key(struct view *v, int key)
{
	struct tui *t = v->tui;
	enum handled h = form_key_in((struct form *)v, key);

	/* The form may be gone by now, or below a question. */
	if (t->top == v)
		settle((struct form *)v);
	return h;
}

static void form_free(struct view *v)
{
	struct form *f = (struct form *)v;

	forget_fields(f);
	findings_fini(&f->findings);
	draft_free(f->draft);
	draft_free(f->base);
	edit_fini(&f->edit);
	free(f);
}

static const struct key_help form_keys[] = {
	{ "F2", "save", "save; shows first what will change (also Ctrl-S)" },
	{ "PgDn", "page", "the next page; PgUp the one before" },
	{ "Tab", "next", "the next field; Up and Down, Shift-Tab" },
	{ "Enter", "choose", "offer values; put proposals together part by part" },
	{ "F3", "show key", "show the pre-shared key (also Ctrl-R)" },
	{ "F4", "make key", "make a random pre-shared key (also Ctrl-G)" },
	{ "F6", "command", "the command that does the same (also Ctrl-Y)" },
	{ "F7", "child", "one more pair of network lists (also Ctrl-N); Ctrl-X takes it away" },
	{ "Space", NULL, "switch a choice; Left and Right too" },
	{ "Ctrl-U", NULL, "empty a field up to the cursor, so that its default counts again" },
	{ "F1", NULL, "this page, from within a field too" },
	{ NULL, NULL, NULL },
};

static const struct view_ops form_ops = {
	.title = "the form", .keys = form_keys, .draw = form_draw, .key = form_key,
	.dirty = form_dirty, .leave = form_leave, .free = form_free, .typing = true,
};

static struct form *form_new(struct tui *t)
{
	struct form *f = calloc(1, sizeof(*f));

	if (f)
		f->v = (struct view){ .ops = &form_ops, .tui = t };
	return f;
}

/* A name that no peer has, until the admin gives one. */
static struct draft *fresh(struct tui *t, struct err *e)
{
	struct draft *router = NULL, *d;
	char name[PEER_NAME_MAX + 1];
	unsigned n = 1;

	do
		snprintf(name, sizeof(name), "peer%u", n++);
	while (status_find(t->status, name));
	if (settings_router_draft(t->front.config_dir, &router, NULL, NULL) < 0)
		router = NULL;
	d = draft_new_peer(name, router, e);
	draft_free(router);
	return d;
}

struct view *form_view(struct tui *t, const char *name)
{
	struct form *f = form_new(t);
	struct err e = { 0 };

	if (!f)
		return NULL;
	f->n_pages = PAGE_ROUTER;
	f->named = name != NULL;
	if (!name)
		f->draft = fresh(t, &e);
	else if (settings_peer_draft(t->front.config_dir, name, &f->base, &f->findings, &e) == 0)
		f->draft = draft_dup(f->base);
	if (!f->draft) {
		tui_say(t, EL_ERROR, "%s", e.msg);
		form_free(&f->v);
		return NULL;
	}
	f->stored = name ? settings_has_secret(t->front.config_dir, name) : 0;
	f->stored_ppk = name ? settings_has_ppk(t->front.config_dir, name) : 0;
	build(f);
	return &f->v;
}

struct view *form_router_view(struct tui *t)
{
	struct form *f = form_new(t);
	struct err e = { 0 };

	if (!f)
		return NULL;
	f->router = f->named = true;
	f->n_pages = 2;
	if (settings_router_draft(t->front.config_dir, &f->base, &f->findings, &e) == 0)
		f->draft = draft_dup(f->base);
	if (!f->draft) {
		tui_say(t, EL_ERROR, "%s", e.msg);
		form_free(&f->v);
		return NULL;
	}
	build(f);
	return &f->v;
}
