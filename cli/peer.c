/* peer: the verbs about peers. All of them go through one commit of core/settings and
 * then one word to the daemon. */
#include "cli/cli.h"

#include "cli/edit.h"
#include "cli/out.h"
#include "core/base/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- list --- */

static const struct table_col list_cols[] = {
	{ "PEER", false, 10, 0 },
	{ "USED", false, 0, 0 },
	{ "IKE", true, 0, 6 },
	{ "GATEWAY", false, 11, 0 },
	{ "LOCAL NETWORK", false, 13, 2 },
	{ "REMOTE NETWORK", false, 11, 0 },
	{ "IKE SUITES", false, 12, 3 },
	{ "ESP SUITES", false, 12, 3 },
	{ "DESCRIPTION", false, 10, 5 },
};

static const char *get(const struct draft *d, const char *key)
{
	const char *v = draft_get(d, key);

	return v ? v : "";
}

/* Programs get lists as they are written. */
static void list_cell(struct table *t, const char *list, const char *more, bool plain,
		      void (*shorten)(struct sbuf *b, const char *list))
{
	struct sbuf b = { 0 };

	if (plain)
		sbuf_add(&b, list);
	else
		shorten(&b, list);
	table_addf(t, TONE_PLAIN, "%s%s", sbuf_str(&b), plain ? "" : more);
	sbuf_fini(&b);
}

static void list_row(struct table *t, const struct draft *d, bool wrong, bool plain)
{
	bool enabled = strcmp(get(d, "enabled"), "no") != 0;
	char more[24] = "";

	if (draft_children(d))
		snprintf(more, sizeof(more), " (+%zu)", draft_children(d));
	table_add(t, TONE_PLAIN, draft_name(d));
	table_add(t, wrong ? TONE_BAD : enabled ? TONE_GOOD : TONE_OFF,
		  wrong ? "! wrong" : enabled ? "yes" : "no");
	table_addf(t, TONE_PLAIN, "%s%s", strcmp(get(d, "version"), "auto") ? "v" : "",
		   get(d, "version"));
	table_add(t, TONE_PLAIN, get(d, "remote_gateway"));
	list_cell(t, get(d, "local_network"), "", plain, out_spread);
	list_cell(t, get(d, "remote_network"), more, plain, out_spread);
	list_cell(t, get(d, "ike"), "", plain, out_first);
	list_cell(t, get(d, "esp"), "", plain, out_first);
	table_add(t, TONE_PLAIN, get(d, "description"));
}

/* A file that cannot be read at all is a peer too, or nobody would look for it. */
static void list_broken(struct table *t, const char *name, const struct err *e)
{
	table_add(t, TONE_PLAIN, name);
	table_add(t, TONE_BAD, "! wrong");
	for (size_t i = 2; i < t->n_cols; i++)
		table_add(t, TONE_PLAIN, "");
	table_note(t, TONE_BAD, e->msg);
}

/* stored: as settings_has_secret(); not known to users who may not look. */
static struct json_object *peer_json(const struct cli *c, const struct draft *d, int stored)
{
	struct json_object *o = edit_json(d, false);

	json_put_str(o, "name", draft_name(d));
	if (stored >= 0)
		json_put_bool(o, "psk_stored", stored > 0);
	if (stored >= 0 && *get(d, "ppk_id"))
		json_put_bool(o, "ppk_stored",
			      settings_has_ppk(c->front.config_dir, draft_name(d)) > 0);
	return o;
}

struct list_run {
	struct cli *c;
	struct table t;
	struct json_object *peers;	/* NULL: the table */
	size_t n;
};

static bool list_one(void *arg, const struct peer_entry *p)
{
	struct list_run *r = arg;

	r->n++;
	if (p->draft && r->peers) {
		json_object_array_add(r->peers, peer_json(r->c, p->draft, p->secret));
	} else if (p->draft) {
		list_row(&r->t, p->draft, p->fs->errors > 0, cli_has(r->c, OPT_PLAIN));
	} else if (r->peers) {
		struct json_object *o = json_object_new_object();

		json_put_str(o, "name", p->name);
		json_put_str(o, "error", p->why->msg);
		json_object_array_add(r->peers, o);
	} else {
		list_broken(&r->t, p->name, p->why);
	}
	return true;
}

int peer_list(struct cli *c, struct err *e)
{
	struct list_run r = { .c = c };
	struct json_object *o = NULL;
	int rc;

	if (cli_has(c, OPT_JSON)) {
		o = json_object_new_object();
		r.peers = json_put_array(o, "peers");
	}
	table_init(&r.t, list_cols, sizeof(list_cols) / sizeof(list_cols[0]));
	rc = settings_each_peer(c->front.config_dir, list_one, &r, e);
	if (rc)
		json_object_put(o);
	else if (o)
		out_json(c, o);
	else if (!r.n && !cli_has(c, OPT_PLAIN))
		sbuf_add(&c->out,
			 "There are no peers yet. `adit help peer add` shows how to add "
			 "one.\n");
	else
		table_print(c, &r.t);
	table_fini(&r.t);
	return rc;
}

/* --- show --- */

static void show_key(struct cli *c, size_t width, const char *key, int stored)
{
	char missing[64];

	snprintf(missing, sizeof(missing), "not stored: adit peer set it with --%s-file", key);
	out_labelled(c, width, key, TONE_PLAIN,
		     stored > 0    ? "stored (never shown)"
		     : stored == 0 ? missing
				   : "only root can see whether one is stored");
}

static void show_keys(struct cli *c, const struct draft *d, size_t width, int stored)
{
	if (draft_needs_psk(d))
		show_key(c, width, "psk", stored);
	if (*get(d, "ppk_id"))
		show_key(c, width, "ppk",
			 settings_has_ppk(c->front.config_dir, draft_name(d)));
}

int peer_show(struct cli *c, struct err *e)
{
	struct findings fs = { 0 };
	struct draft *d = NULL;
	size_t width;
	int stored;

	if (edit_require_peer(c, c->argv[0], e) ||
	    settings_peer_draft(c->front.config_dir, c->argv[0], &d, &fs, e))
		return -1;
	stored = settings_has_secret(c->front.config_dir, draft_name(d));
	if (cli_has(c, OPT_JSON)) {
		struct json_object *o = json_object_new_object();

		json_put(o, "peer", peer_json(c, d, stored));
		out_json(c, o);
	} else {
		if (!cli_has(c, OPT_PLAIN)) {
			out_tone(c, TONE_HEAD, draft_name(d));
			sbuf_add(&c->out, "\n");
		}
		width = edit_print(c, d, !cli_has(c, OPT_ALL));
		if (!cli_has(c, OPT_PLAIN))
			show_keys(c, d, width, stored);
	}
	edit_findings(c, &fs, false);
	findings_fini(&fs);
	draft_free(d);
	return 0;
}

/* --- add --- */

static int no_key(const struct draft *d, struct err *e)
{
	/* Without a key the settings are not complete; better said here than as a
	 * finding. */
	return err_code(e, EXIT_USAGE,
			"%s needs a pre-shared key: add --psk-file FILE, --psk-stdin "
			"or --generate-psk",
			draft_name(d));
}

/* Nobody types a key twice to hear then that a network is missing. */
static int check_first(struct cli *c, const struct draft *d, struct edit *ed, struct err *e)
{
	struct findings fs = { 0 };
	int rc = 0;

	if (draft_check(d, ed->commit.lan, ed->commit.n_lan, &fs)) {
		for (size_t i = 0; i < fs.n && rc == 0; i++)
			if (fs.f[i].level == FINDING_ERROR)
				rc = err_code(e, EXIT_SETTINGS, "%s: %s: %s", draft_name(d),
					      fs.f[i].key, fs.f[i].msg);
		edit_findings(c, &fs, true);
	}
	findings_fini(&fs);
	return rc;
}

static int add_draft(struct cli *c, struct draft *d, struct err *e)
{
	char made[FRONT_PSK_TEXT];
	bool given = false;
	struct edit ed;
	int rc;

	edit_begin(c, &ed);
	made[0] = '\0';
	rc = check_first(c, d, &ed, e);
	if (rc == 0)
		rc = edit_ppk(c, d, e);
	if (rc == 0)
		rc = edit_psk(c, d, draft_needs_psk(d), made, &given, e);
	if (rc == 0 && !given && draft_needs_psk(d))
		rc = no_key(d, e);
	if (rc == 0) {
		rc = settings_peer_add(c->front.config_dir, d, &ed.commit, &ed.fs, e);
		edit_findings(c, &ed.fs, rc != 0);
	}
	if (rc == 0) {
		c->say_stderr = made[0] != '\0';
		edit_show_psk(c, made);
		if (!cli_has(c, OPT_JSON))
			out_say(c, "%s is added.", draft_name(d));
		rc = edit_apply(c, e);
	}
	secret_wipe(made, sizeof(made));
	edit_end(&ed);
	return rc;
}

int peer_add(struct cli *c, struct err *e)
{
	struct draft *router = NULL, *d = NULL;
	int rc = -1;

	if (settings_router_draft(c->front.config_dir, &router, NULL, e))
		return -1;
	d = draft_new_peer(c->argv[0], router, e);
	if (d)
		rc = edit_pairs(d, c->argc - 1, c->argv + 1, e);
	if (rc == 0)
		rc = add_draft(c, d, e);
	draft_free(d);
	draft_free(router);
	return rc;
}

/* --- set --- */

/* What changes and what that costs, before it happens. */
static bool say_change(struct cli *c, const struct draft *from, const struct draft *to)
{
	enum setting_cost cost = COST_NOTHING;
	struct sbuf b = { 0 };
	size_t n = draft_diff(from, to, "  ", &b, &cost);

	if (n && !cli_has(c, OPT_JSON) && !cli_has(c, OPT_QUIET) && !c->say_stderr) {
		sbuf_addf(&c->out, "%s:\n%s", draft_name(to), sbuf_str(&b));
		if (cost == COST_RESTART)
			sbuf_add(&c->out, "  This restarts its tunnels.\n");
		else if (cost == COST_REKEY)
			sbuf_add(&c->out, "  This makes new keys for the traffic.\n");
	}
	sbuf_fini(&b);
	return n > 0;
}

static int set_draft(struct cli *c, const struct draft *base, struct draft *d,
		     struct err *e)
{
	char made[FRONT_PSK_TEXT];
	bool given = false;
	struct edit ed;
	int rc;

	edit_begin(c, &ed);
	made[0] = '\0';
	rc = edit_ppk(c, d, e);
	if (rc == 0)
		rc = edit_psk(c, d, c->argc == 1 && !*get(d, "ppk"), made, &given, e);
	if (rc == 0 && c->argc == 1 && !given && !*get(d, "ppk"))
		rc = err_code(e, EXIT_USAGE,
			      "what is to be set? adit peer set %s KEY=VALUE ...",
			      draft_name(d));
	c->say_stderr = made[0] != '\0';
	if (rc == 0 && !say_change(c, base, d)) {
		out_say(c, "Nothing to change: %s is like that already.", draft_name(d));
		goto out;
	}
	if (rc == 0) {
		rc = settings_peer_change(c->front.config_dir, d, base, &ed.commit,
					  &ed.fs, e);
		edit_findings(c, &ed.fs, rc != 0);
	}
	if (rc == 0) {
		edit_show_psk(c, made);
		rc = edit_apply(c, e);
	} else {
		sbuf_reset(&c->out);
	}
out:
	secret_wipe(made, sizeof(made));
	edit_end(&ed);
	return rc;
}

int peer_set(struct cli *c, struct err *e)
{
	struct draft *base = NULL, *d = NULL;
	int rc = -1;

	if (edit_require_peer(c, c->argv[0], e) ||
	    settings_peer_draft(c->front.config_dir, c->argv[0], &base, NULL, e))
		return -1;
	d = draft_dup(base);
	if (!d)
		err_set(e, "out of memory");
	else
		rc = edit_pairs(d, c->argc - 1, c->argv + 1, e);
	if (rc == 0 && strcmp(draft_name(d), draft_name(base)) != 0)
		rc = err_code(e, EXIT_USAGE,
			      "the name is changed by: adit peer rename %s %s",
			      draft_name(base), draft_name(d));
	if (rc == 0)
		rc = set_draft(c, base, d, e);
	draft_free(d);
	draft_free(base);
	return rc;
}

/* --- delete, rename, copy, enable, disable --- */

int peer_delete(struct cli *c, struct err *e)
{
	char question[128];
	struct edit ed;
	int rc;

	if (edit_require_peer(c, c->argv[0], e))
		return -1;
	snprintf(question, sizeof(question), front_actions[ACTION_DELETE].ask,
		 c->argv[0]);
	if (out_confirm(c, question, e))
		return -1;
	edit_begin(c, &ed);
	rc = settings_peer_delete(c->front.config_dir, c->argv[0], &ed.commit, e);
	edit_end(&ed);
	if (rc)
		return -1;
	if (!cli_has(c, OPT_JSON))
		out_say(c, "%s is deleted; `adit rollback` brings it back.", c->argv[0]);
	return edit_apply(c, e);
}

int peer_rename(struct cli *c, struct err *e)
{
	struct edit ed;
	int rc;

	if (edit_require_peer(c, c->argv[0], e))
		return -1;
	edit_begin(c, &ed);
	rc = settings_peer_rename(c->front.config_dir, c->argv[0], c->argv[1], &ed.commit,
				  &ed.fs, e);
	edit_findings(c, &ed.fs, rc != 0);
	edit_end(&ed);
	if (rc)
		return -1;
	if (!cli_has(c, OPT_JSON))
		out_say(c, "%s is now %s.", c->argv[0], c->argv[1]);
	return edit_apply(c, e);
}

/* The copy with its pairs in one commit, so that it never stands half made. */
static int copy_into(struct cli *c, struct store *st, struct edit *ed, char *made,
		     struct err *e)
{
	struct draft *d = NULL;
	bool given;
	int rc;

	rc = store_copy_peer(st, c->argv[0], c->argv[1], e);
	if (rc == 0)
		rc = store_peer(st, c->argv[1], &d, NULL, e);
	/* Two with the same gateway and IDs cannot both be used. */
	if (rc == 0)
		rc = draft_set(d, "enabled", "no", e);
	if (rc == 0)
		rc = edit_pairs(d, c->argc - 2, c->argv + 2, e);
	if (rc == 0)
		rc = edit_ppk(c, d, e);
	if (rc == 0)
		rc = edit_psk(c, d, false, made, &given, e);
	if (rc == 0)
		rc = store_put_peer(st, d, e);
	if (rc == 0) {
		rc = store_commit(st, &ed->commit, &ed->fs, e);
		edit_findings(c, &ed->fs, rc != 0);
	}
	if (rc == 0) {
		c->say_stderr = made[0] != '\0';
		edit_show_psk(c, made);
		if (!cli_has(c, OPT_JSON))
			out_say(c, "%s is added, like %s%s.", c->argv[1], c->argv[0],
				strcmp(get(d, "enabled"), "no") ?
					"" :
					", and disabled: `adit peer "
					"enable` starts it");
	}
	draft_free(d);
	return rc;
}

int peer_copy(struct cli *c, struct err *e)
{
	char made[FRONT_PSK_TEXT] = "";
	struct store *st;
	struct edit ed;
	int rc;

	if (edit_require_peer(c, c->argv[0], e))
		return -1;
	edit_begin(c, &ed);
	st = store_open(c->front.config_dir, ed.what, e);
	rc = st ? copy_into(c, st, &ed, made, e) : -1;
	store_close(st);
	edit_end(&ed);
	secret_wipe(made, sizeof(made));
	return rc ? -1 : edit_apply(c, e);
}

static int enable(struct cli *c, bool on, struct err *e)
{
	struct edit ed;
	bool changed;
	int rc;

	if (edit_require_peer(c, c->argv[0], e))
		return -1;
	edit_begin(c, &ed);
	rc = settings_peer_enable(c->front.config_dir, c->argv[0], on, &ed.commit, &ed.fs,
				  e);
	edit_findings(c, &ed.fs, rc != 0);
	changed = ed.commit.changed;
	edit_end(&ed);
	if (rc)
		return -1;
	if (!changed) {
		out_say(c, "%s is %s already.", c->argv[0], on ? "enabled" : "disabled");
		return 0;
	}
	if (!cli_has(c, OPT_JSON))
		out_say(c, "%s is %s.", c->argv[0], on ? "enabled" : "disabled");
	return edit_apply(c, e);
}

int peer_enable(struct cli *c, struct err *e)
{
	return enable(c, true, e);
}

int peer_disable(struct cli *c, struct err *e)
{
	return enable(c, false, e);
}
