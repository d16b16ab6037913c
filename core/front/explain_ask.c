/* explain_ask: where the facts come from: the daemon's answer to "explain", its status, and
 * the settings; what one of them cannot say is left out. */
#include "core/front/explain.h"

#include "core/base/clock.h"
#include "core/control/negotiation_json.h"

#include <stdlib.h>
#include <string.h>

struct facts {
	const struct front *front;
	struct settings settings;
	bool has_settings, utf8, running;
	struct neg_stranger strangers[NEG_STRANGERS_MAX];
	size_t n_strangers;
	struct json_object *data;	/* NULL: the daemon is down */
};

static void facts_init(struct facts *f, const struct front *front, bool utf8,
		       struct json_object *data)
{
	struct findings fs = { 0 };
	struct err ignored;
	size_t n = 0;
	struct json_object *list;

	memset(f, 0, sizeof(*f));
	f->front = front;
	f->utf8 = utf8;
	f->running = data != NULL;
	f->data = data;
	f->has_settings = settings_load(front->config_dir, NULL, 0, &f->settings, &fs,
					&ignored) == 0;
	findings_fini(&fs);
	list = data ? json_get_array(data, "strangers", &n) : NULL;
	for (size_t i = 0; i < n && f->n_strangers < NEG_STRANGERS_MAX; i++)
		stranger_from_json(json_object_array_get_idx(list, i),
				   &f->strangers[f->n_strangers++]);
}

static void facts_fini(struct facts *f)
{
	if (f->has_settings)
		settings_fini(&f->settings);
}

/* What the daemon keeps of a peer; NULL when nothing. */
static struct json_object *entry_of(const struct facts *f, const char *peer)
{
	size_t n = 0;
	struct json_object *list = f->data ? json_get_array(f->data, "peers", &n) : NULL;

	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);

		if (strcmp(json_get_str(o, "peer", ""), peer) == 0)
			return o;
	}
	return NULL;
}

static void one(const struct facts *f, const char *peer, const struct status_peer *st,
		struct explain *out)
{
	struct json_object *o = entry_of(f, peer);
	struct json_object *failed = o ? json_get_object(o, "failed") : NULL;
	struct negotiation *n = failed ? malloc(sizeof(*n)) : NULL;
	struct explain_input in = {
		.front = f->front, .peer = peer, .status = st, .running = f->running,
		.utf8 = f->utf8, .now_s = clock_wall_s(), .strangers = f->strangers,
		.n_strangers = f->n_strangers,
	};

	if (n)
		negotiation_from_json(failed, n);
	in.neg = n;
	if (f->has_settings) {
		in.settings = &f->settings;
		in.conf = settings_peer(&f->settings, peer);
	}
	explain_peer(&in, out);
	free(n);
}

int explain_reply(const struct front *front, const char *peer, bool utf8,
		  struct json_object *data, struct explain *out, struct err *e)
{
	struct status_peer st;
	struct json_object *list;
	size_t n = 0;
	struct facts f;
	bool have = false;

	facts_init(&f, front, utf8, data);
	list = data ? json_get_array(data, "status", &n) : NULL;
	memset(&st, 0, sizeof(st));
	for (size_t i = 0; i < n && !have; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);

		if (strcmp(json_get_str(o, "name", ""), peer) == 0)
			have = status_peer_from_json(o, &st, NULL) == 0;
	}
	one(&f, peer, have ? &st : NULL, out);
	if (have)
		status_peer_fini(&st);
	facts_fini(&f);
	return out->bad ? err_set(e, "out of memory") : 0;
}

/* NULL with *e without a code when nobody listens. */
static int ask(const struct front *front, const char *peer, struct json_object **data,
	       struct err *e)
{
	struct client *c = client_open(front->run_dir, e);
	struct json_object *args = NULL;
	int rc;

	*data = NULL;
	if (!c) {
		if (e->code != EXIT_NOT_RUNNING)
			return -1;
		*e = (struct err){ 0 };
		return 0;
	}
	client_limit(c, front->timeout_ms);
	if (peer) {
		args = json_object_new_object();
		json_put_str(args, "peer", peer);
	}
	rc = client_request(c, "explain", args, 0, data, e);
	client_close(c);
	/* A peer that the daemon has not got may be in the settings. */
	if (rc && e->code == EXIT_NO_PEER) {
		*e = (struct err){ 0 };
		*data = json_object_new_object();
		return *data ? 0 : err_set(e, "out of memory");
	}
	return rc;
}

/* The lines as JSON beside what they were made of. */
static struct json_object *to_json(const struct facts *f, const struct explain *x)
{
	struct json_object *o = json_object_new_object(), *lines;

	json_put_bool(o, "running", f->running);
	if (f->data) {
		struct json_object *v;

		if (json_object_object_get_ex(f->data, "peers", &v))
			json_put(o, "peers", json_object_get(v));
		if (json_object_object_get_ex(f->data, "strangers", &v))
			json_put(o, "strangers", json_object_get(v));
	}
	lines = json_put_array(o, "lines");
	for (size_t i = 0; lines && i < x->n; i++) {
		static const char *const kinds[] = {
			[EXPLAIN_HEAD] = "head", [EXPLAIN_TEXT] = "text",
			[EXPLAIN_ROW] = "row", [EXPLAIN_COMMAND] = "command",
		};
		const struct explain_line *l = &x->line[i];
		struct json_object *line;

		if (l->kind == EXPLAIN_BLANK)
			continue;
		line = json_object_new_object();
		json_put_str(line, "kind", kinds[l->kind]);
		json_put_str(line, "text", l->text);
		if (l->kind == EXPLAIN_ROW) {
			json_put_str(line, "ours", l->ours);
			json_put_str(line, "theirs", l->theirs);
		}
		if (line)
			json_object_array_add(lines, line);
	}
	return o;
}

static bool worth_a_word(const struct facts *f, const struct status_peer *p)
{
	struct json_object *o = entry_of(f, p->name);

	return p->state == STATUS_CONNECTING || p->state == STATUS_DOWN ||
	       (o && json_get_object(o, "failed"));
}

int explain_ask(const struct front *front, const char *peer, bool utf8, struct explain *out,
		struct json_object **raw, struct err *e)
{
	struct json_object *data;
	struct status *st = NULL;
	struct facts f;

	if (ask(front, peer, &data, e) < 0)
		return -1;
	if (front_status(front, peer, &st, NULL, e) < 0) {
		json_object_put(data);
		return -1;
	}
	facts_init(&f, front, utf8, data);
	for (size_t i = 0; i < st->n_peers; i++) {
		if (!peer && !worth_a_word(&f, &st->peers[i]))
			continue;
		one(&f, st->peers[i].name, &st->peers[i], out);
	}
	if (!peer)
		explain_strangers(front, f.strangers, f.n_strangers,
				  f.has_settings ? &f.settings : NULL, clock_wall_s(), out);
	if (raw)
		*raw = to_json(&f, out);
	facts_fini(&f);
	status_free(st);
	json_object_put(data);
	return out->bad ? err_set(e, "out of memory") : 0;
}
