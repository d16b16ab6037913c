/* config: the verbs about the settings as a whole: check, diff, rollback, genpsk, router.
 */
#include "cli/cli.h"

#include "cli/edit.h"
#include "cli/out.h"
#include "core/base/secret.h"
#include "core/pki/pki.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- check --- */

static struct json_object *finding_json(const struct finding *f)
{
	struct json_object *o = json_object_new_object();

	json_put_str(o, "level", f->level == FINDING_ERROR ? "error" : "warning");
	json_put_str(o, "file", f->file);
	json_put_u64(o, "line", f->line);
	json_put_u64(o, "column", f->column);
	json_put_str(o, "peer", f->peer);
	json_put_str(o, "key", f->key);
	json_put_str(o, "text", f->msg);
	return o;
}

static void check_json(struct cli *c, const struct settings *s, const struct findings *fs)
{
	struct json_object *o = json_object_new_object();
	struct json_object *a;

	json_put_u64(o, "peers", s->n_peers);
	json_put_u64(o, "errors", fs->errors);
	json_put_u64(o, "warnings", fs->warnings);
	a = json_put_array(o, "findings");
	for (size_t i = 0; a && i < fs->n; i++)
		json_object_array_add(a, finding_json(&fs->f[i]));
	out_json(c, o);
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void check_text(struct cli *c, const struct settings *s, const struct findings *fs)
{
	struct sbuf b = { 0 };

	findings_print(&b, fs);
	sbuf_add(&c->out, sbuf_str(&b));
	sbuf_fini(&b);
	if (cli_has(c, OPT_QUIET))
		return;
	if (fs->n)
		sbuf_add(&c->out, "\n");
	if (fs->errors)
		sbuf_addf(&c->out,
			  "%zu error%s, %zu warning%s. What is wrong is not used.\n",
			  fs->errors, plural(fs->errors), fs->warnings,
			  plural(fs->warnings));
	else
		sbuf_addf(&c->out, "The settings are valid: %zu peer%s, %zu warning%s.\n",
			  s->n_peers, plural(s->n_peers), fs->warnings,
			  plural(fs->warnings));
}

/* Certificates that end soon stop tunnels as wrong settings do. */
static void check_pki(struct cli *c, struct findings *fs)
{
	struct sbuf lines = { 0 };

	pki_warnings(c->front.config_dir, &lines);
	for (const char *p = sbuf_str(&lines); *p;) {
		int n = (int)strcspn(p, "\n");

		findings_add(fs, FINDING_WARNING, "", "", "%.*s", n, p);
		p += n + (p[n] == '\n');
	}
	sbuf_fini(&lines);
}

int config_check(struct cli *c, struct err *e)
{
	struct prefix lan[FRONT_LAN_MAX];
	size_t n_lan = front_lan(&c->front, lan, FRONT_LAN_MAX);
	struct findings fs = { 0 };
	struct settings s;

	if (settings_load(c->front.config_dir, lan, n_lan, &s, &fs, e))
		return -1;
	check_pki(c, &fs);
	if (cli_has(c, OPT_JSON))
		check_json(c, &s, &fs);
	else
		check_text(c, &s, &fs);
	if (fs.errors)
		c->exit = EXIT_SETTINGS;
	settings_fini(&s);
	findings_fini(&fs);
	return 0;
}

/* --- history --- */

/* The generation that was named, or fallback places behind the newest; 0 in *out when
 * there is none that old. */
static int pick(struct cli *c, size_t fallback, struct generation *out, struct err *e)
{
	struct generation have[HISTORY_MAX];
	unsigned long want = 0;
	size_t n = 0;

	memset(out, 0, sizeof(*out));
	if (settings_history(c->front.config_dir, have, &n, e))
		return -1;
	if (!c->argc) {
		if (fallback < n)
			*out = have[fallback];
		return 0;
	}
	if (args_number("the generation", c->argv[0], 4294967295UL, &want, e))
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (have[i].number == want) {
			*out = have[i];
			return 0;
		}
	}
	return err_code(e, EXIT_FAILED,
			"there is no generation %lu; `adit rollback --list` shows "
			"them",
			want);
}

static void diff_json(struct cli *c, unsigned from, const char *text)
{
	struct json_object *o = json_object_new_object();
	struct json_object *a;

	json_put_u64(o, "from", from);
	a = json_put_array(o, "changes");
	while (*text) {
		size_t n = strcspn(text, "\n");

		if (a && n)
			json_object_array_add(a,
					      json_object_new_string_len(text, (int)n));
		text += n + (text[n] == '\n');
	}
	out_json(c, o);
}

int config_diff(struct cli *c, struct err *e)
{
	char when[FMT_MAX];
	struct generation g;
	struct sbuf b = { 0 };
	int rc;

	if (pick(c, 0, &g, e))
		return -1;
	if (!g.number) {
		out_say(c, "Nothing was committed yet, so there is nothing to compare "
			   "with.");
		return 0;
	}
	rc = settings_diff(c->front.config_dir, g.number, 0, &b, e);
	if (rc == 0 && cli_has(c, OPT_JSON))
		diff_json(c, g.number, sbuf_str(&b));
	else if (rc == 0 && b.len)
		sbuf_add(&c->out, sbuf_str(&b));
	else if (rc == 0)
		out_say(c, "No difference from generation %u (%s: %s).", g.number,
			fmt_time(g.wall_s, when, sizeof(when)), g.what);
	sbuf_fini(&b);
	return rc;
}

static int list_history(struct cli *c, struct err *e)
{
	static const struct table_col cols[] = {
		{ "GENERATION", true, 0, 0 },
		{ "WHEN", false, 0, 0 },
		{ "WHO", false, 10, 2 },
		{ "WHAT", false, 20, 0 },
	};
	struct generation have[HISTORY_MAX];
	struct json_object *o, *a;
	char when[FMT_MAX];
	struct table t;
	size_t n = 0;

	if (settings_history(c->front.config_dir, have, &n, e))
		return -1;
	o = json_object_new_object();
	a = json_put_array(o, "generations");
	table_init(&t, cols, sizeof(cols) / sizeof(cols[0]));
	for (size_t i = 0; i < n; i++) {
		struct json_object *g = json_object_new_object();

		json_put_u64(g, "generation", have[i].number);
		json_put(g, "time", json_object_new_int64(have[i].wall_s));
		json_put_str(g, "who", have[i].who);
		json_put_str(g, "what", have[i].what);
		json_object_array_add(a, g);
		table_addf(&t, TONE_PLAIN, "%u", have[i].number);
		table_add(&t, TONE_PLAIN, fmt_time(have[i].wall_s, when, sizeof(when)));
		table_add(&t, TONE_PLAIN, have[i].who);
		table_addf(&t, TONE_PLAIN, "%s", have[i].what);
	}
	if (cli_has(c, OPT_JSON))
		out_json(c, json_object_get(o));
	else if (!n && !cli_has(c, OPT_PLAIN))
		out_say(c, "Nothing was committed yet.");
	else
		table_print(c, &t);
	json_object_put(o);
	table_fini(&t);
	return 0;
}

/* Where an undo goes without a number: to the last commit when the files were changed by
 * hand since, else to the one before it. */
static int pick_undo(struct cli *c, struct generation *out, struct err *e)
{
	struct sbuf b = { 0 };
	int rc = pick(c, 0, out, e);

	if (rc || c->argc || !out->number)
		return rc;
	rc = settings_diff(c->front.config_dir, out->number, 0, &b, e);
	if (rc == 0 && !b.len)
		rc = pick(c, 1, out, e);
	sbuf_fini(&b);
	return rc;
}

int config_rollback(struct cli *c, struct err *e)
{
	struct commit commit = { 0 };
	struct generation g;
	char question[120], when[FMT_MAX];
	struct sbuf b = { 0 };

	if (cli_has(c, OPT_LIST))
		return list_history(c, e);
	if (pick_undo(c, &g, e))
		return -1;
	if (!g.number)
		return err_set(e, "there is no older state to go back to");
	if (settings_diff(c->front.config_dir, g.number, 0, &b, e))
		return -1;
	if (!b.len) {
		out_say(c, "The settings are as they were in generation %u already.",
			g.number);
		return 0;
	}
	if (!cli_has(c, OPT_JSON) && !cli_has(c, OPT_QUIET))
		sbuf_addf(&c->out, "Back to generation %u of %s undoes:\n%s", g.number,
			  fmt_time(g.wall_s, when, sizeof(when)), sbuf_str(&b));
	sbuf_fini(&b);
	snprintf(question, sizeof(question), "Go back to generation %u?", g.number);
	if (out_confirm(c, question, e))
		return -1;
	if (settings_rollback(c->front.config_dir, g.number, &commit, e))
		return -1;
	return edit_apply(c, e);
}

/* --- genpsk --- */

int config_genpsk(struct cli *c, struct err *e)
{
	char made[FRONT_PSK_TEXT];

	(void)e;
	front_psk_generate(made);
	edit_show_psk(c, made);
	secret_wipe(made, sizeof(made));
	return 0;
}

/* --- router --- */

int config_router_show(struct cli *c, struct err *e)
{
	struct findings fs = { 0 };
	struct draft *d = NULL;

	if (settings_router_draft(c->front.config_dir, &d, &fs, e))
		return -1;
	if (cli_has(c, OPT_JSON)) {
		struct json_object *o = json_object_new_object();

		json_put(o, "router", edit_json(d, false));
		out_json(c, o);
	} else {
		edit_print(c, d, !cli_has(c, OPT_ALL));
		if (!c->out.len && !cli_has(c, OPT_PLAIN))
			out_say(c, "Every setting has its default; --all shows them.");
	}
	edit_findings(c, &fs, false);
	findings_fini(&fs);
	draft_free(d);
	return 0;
}

static int router_commit(struct cli *c, const struct draft *base, const struct draft *d,
			 struct err *e)
{
	struct sbuf b = { 0 };
	struct edit ed;
	size_t n;
	int rc;

	n = draft_diff(base, d, "  ", &b, NULL);
	if (!n) {
		out_say(c, "Nothing to change: it is like that already.");
		return 0;
	}
	edit_begin(c, &ed);
	rc = settings_router_change(c->front.config_dir, d, base, &ed.commit, &ed.fs, e);
	edit_findings(c, &ed.fs, rc != 0);
	edit_end(&ed);
	if (rc == 0 && !cli_has(c, OPT_JSON) && !cli_has(c, OPT_QUIET))
		sbuf_add(&c->out, sbuf_str(&b));
	sbuf_fini(&b);
	return rc ? -1 : edit_apply(c, e);
}

int config_router_set(struct cli *c, struct err *e)
{
	struct draft *base = NULL, *d = NULL;
	int rc = -1;

	if (settings_router_draft(c->front.config_dir, &base, NULL, e))
		return -1;
	d = draft_dup(base);
	if (!d)
		err_set(e, "out of memory");
	else
		rc = edit_pairs(d, c->argc, c->argv, e);
	if (rc == 0)
		rc = router_commit(c, base, d, e);
	draft_free(d);
	draft_free(base);
	return rc;
}
