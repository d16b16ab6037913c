/* data: the picture of the router that the views draw: from the daemon once a second without
 * ever waiting for it, from the settings alone while it is down. */
#include "tui/tui.h"

#include "core/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REFRESH_MS 1000
#define RETRY_MS 1000
#define STALE_MS 5000

const char AWAY_DOWN[] = "not running: settings only";
const char AWAY_FORBIDDEN[] = "not permitted";

static struct traffic *traffic_slot(struct tui *t, const char *peer)
{
	struct traffic *grown;

	for (size_t i = 0; i < t->n_traffic; i++)
		if (strcmp(t->traffic[i].peer, peer) == 0)
			return &t->traffic[i];
	grown = realloc(t->traffic, (t->n_traffic + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	t->traffic = grown;
	grown += t->n_traffic++;
	memset(grown, 0, sizeof(*grown));
	snprintf(grown->peer, sizeof(grown->peer), "%s", peer);
	return grown;
}

const struct traffic *data_traffic(const struct tui *t, const char *peer)
{
	for (size_t i = 0; i < t->n_traffic; i++)
		if (strcmp(t->traffic[i].peer, peer) == 0)
			return &t->traffic[i];
	return NULL;
}

static void sample(struct traffic *s, const struct status_peer *p, uint64_t now)
{
	uint64_t bytes = 0, rate = 0;

	for (size_t i = 0; i < p->n_children; i++)
		bytes += p->children[i].rx_bytes + p->children[i].tx_bytes;
	/* Counters start anew with each SA: a smaller sum is no traffic, not a negative one. */
	if (s->at_ms && now > s->at_ms && bytes >= s->bytes)
		rate = (bytes - s->bytes) * 1000 / (now - s->at_ms);
	s->bytes = bytes;
	s->at_ms = now;
	s->seen = true;
	memmove(s->rate, s->rate + 1, sizeof(s->rate) - sizeof(s->rate[0]));
	s->rate[GRAPH_N - 1] = rate > UINT32_MAX ? UINT32_MAX : (unsigned)rate;
}

static void forget_gone(struct tui *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->n_traffic; i++) {
		if (!t->traffic[i].seen)
			continue;
		t->traffic[kept] = t->traffic[i];
		t->traffic[kept++].seen = false;
	}
	t->n_traffic = kept;
}

static void take(struct tui *t, struct status *s)
{
	uint64_t now = clock_ms();

	status_free(t->status);
	t->status = s;
	t->redraw = true;
	for (size_t i = 0; i < s->n_peers; i++) {
		struct traffic *slot = traffic_slot(t, s->peers[i].name);

		if (slot)
			sample(slot, &s->peers[i], now);
	}
	forget_gone(t);
	for (struct view *v = t->top; v; v = v->below)
		if (v->ops->tick)
			v->ops->tick(v);
}

/* The daemon is down: what the settings say. */
static void take_settings(struct tui *t)
{
	struct front f = t->front;
	struct status *s;
	struct err e = { 0 };

	f.timeout_ms = 300;
	if (front_status(&f, NULL, &s, NULL, &e) < 0) {
		s = status_new(0);
		if (!s)
			return;
		t->away = e.code == EXIT_NOT_PERMITTED ? AWAY_FORBIDDEN : t->away;
		if (t->away != AWAY_FORBIDDEN && !t->message[0])
			tui_say(t, EL_ERROR, "%s", e.msg);
	}
	take(t, s);
}

static void outcome(struct tui *t, const struct client_event *ev)
{
	const char *word = t->action_word;

	t->action_id = 0;
	if (ev->err->code == EXIT_DONE && strcmp(word, "up") == 0)
		tui_say(t, EL_GOOD, "%s is up", t->action_peer);
	else if (ev->err->code == EXIT_DONE && strcmp(word, "down") == 0)
		tui_say(t, EL_TEXT, "%s is down", t->action_peer);
	else if (ev->err->code == EXIT_DONE && strcmp(word, "test") == 0)
		tui_say(t, EL_GOOD, "%s: %s", t->action_peer,
			ev->raw ? json_get_str(ev->raw, "text", "") : "");
	else if (ev->err->code == EXIT_DONE)
		tui_say(t, EL_WAIT, "adit restarts; the tunnels come back by themselves");
	else if (t->action_peer[0])
		tui_say(t, EL_ERROR, "%s: %s", t->action_peer, ev->err->msg);
	else
		tui_say(t, EL_ERROR, "%s", ev->err->msg);
	data_refresh(t);
}

static void answer(struct tui *t, struct json_object *data, const struct err *why)
{
	void (*fn)(void *arg, struct json_object *d, const struct err *w) = t->ask_fn;

	t->ask_id = 0;
	t->ask_fn = NULL;
	if (fn)
		fn(t->ask_arg, why ? NULL : data, why);
}

static void on_reply(struct tui *t, const struct client_event *ev)
{
	struct status *s;
	struct err e = { 0 };

	if (ev->id == t->action_id) {
		outcome(t, ev);
		return;
	}
	if (ev->id == t->ask_id) {
		answer(t, ev->raw, ev->err->code == EXIT_DONE ? NULL : ev->err);
		return;
	}
	if (ev->id != t->status_id)
		return;
	t->status_id = 0;
	t->status_at_ms = clock_ms();
	if (ev->err->code != EXIT_DONE || !ev->raw) {
		tui_say(t, EL_ERROR, "%s", ev->err->msg);
		return;
	}
	if (t->paused)
		return;
	if (status_from_json(ev->raw, &s, &e) < 0)
		tui_say(t, EL_ERROR, "%s", e.msg);
	else
		take(t, s);
}

static void on_event(void *arg, const struct client_event *ev)
{
	struct tui *t = arg;

	switch (ev->kind) {
	case CLIENT_REPLY:
		on_reply(t, ev);
		break;
	case CLIENT_PROGRESS:
		tui_say(t, EL_WAIT, "%s: %s", ev->name, ev->text);
		break;
	case CLIENT_PEER:
	case CLIENT_PEER_GONE:
		/* Something changed: do not wait for the next second. */
		if (!t->status_id)
			t->status_at_ms = 0;
		break;
	case CLIENT_LOG:
	case CLIENT_PACKET:
	case CLIENT_GONE:
		break;
	}
}

static void hang_up(struct tui *t)
{
	static const struct err away = { .code = EXIT_NOT_RUNNING };

	client_close(t->client);
	t->client = NULL;
	t->status_id = 0;
	t->retry_at_ms = clock_ms() + RETRY_MS;
	t->away = AWAY_DOWN;
	take_settings(t);
	if (strcmp(t->action_word, "restart") == 0)
		tui_say(t, EL_WAIT, "adit restarts; the tunnels come back by themselves");
	else
		tui_say(t, EL_WAIT, "The daemon went away; waiting for it to come back");
	t->action_id = 0;
	t->action_word[0] = '\0';
	answer(t, NULL, &away);
}

static void dial(struct tui *t)
{
	struct err e = { 0 };

	t->client = client_open(t->front.run_dir, &e);
	if (!t->client) {
		t->retry_at_ms = clock_ms() + RETRY_MS;
		t->away = e.code == EXIT_NOT_PERMITTED ? AWAY_FORBIDDEN : AWAY_DOWN;
		return;
	}
	client_on_event(t->client, on_event, t);
	if (client_subscribe(t->client, &e) < 0) {
		hang_up(t);
		return;
	}
	t->status_at_ms = 0;
	t->away = NULL;
	if (t->was_here)
		tui_say(t, EL_GOOD, "The daemon is back");
	t->was_here = true;
}

static void ask(struct tui *t)
{
	struct err e = { 0 };

	t->status_at_ms = clock_ms();
	t->status_id = client_start(t->client, "status", NULL, &e);
	if (!t->status_id)
		hang_up(t);
}

void data_start(struct tui *t)
{
	take_settings(t);
	dial(t);
	if (t->client)
		ask(t);
}

void data_stop(struct tui *t)
{
	client_close(t->client);
	status_free(t->status);
	free(t->traffic);
}

int data_wait(const struct tui *t)
{
	uint64_t now = clock_ms();
	uint64_t at = t->client ? t->status_at_ms + REFRESH_MS : t->retry_at_ms;

	if (t->client && t->status_id)
		at = t->status_at_ms + STALE_MS;
	return at > now ? (int)(at - now) : 0;
}

void data_tick(struct tui *t)
{
	uint64_t now = clock_ms();

	if (!t->client) {
		if (now < t->retry_at_ms)
			return;
		dial(t);
		if (!t->client) {
			take_settings(t);
			return;
		}
	}
	/* An answer that is too late will not come. */
	if (t->status_id && now >= t->status_at_ms + STALE_MS) {
		hang_up(t);
		return;
	}
	if (!t->status_id && now >= t->status_at_ms + REFRESH_MS)
		ask(t);
}

void data_ready(struct tui *t)
{
	struct err e = { 0 };

	if (client_dispatch(t->client, &e) < 0)
		hang_up(t);
}

void data_refresh(struct tui *t)
{
	/* data_tick() does it: this may be called from within an event of the client, where the
	 * connection must not be closed. */
	t->paused = false;
	t->retry_at_ms = 0;
	if (!t->status_id)
		t->status_at_ms = 0;
}

void data_command(struct tui *t, const char *cmd, const char *peer)
{
	struct json_object *args = NULL;
	struct err e = { 0 };

	if (!t->client) {
		tui_say(t, EL_ERROR, t->away == AWAY_FORBIDDEN
			? "The daemon answers root only: sudo adit"
			: "adit is not running; start it: systemctl start adit, or /etc/init.d/adit start");
		return;
	}
	if (t->action_id) {
		tui_say(t, EL_WAIT, "%s %s is still under way", t->action_word, t->action_peer);
		return;
	}
	if (peer) {
		args = json_object_new_object();
		json_put_str(args, "peer", peer);
	}
	snprintf(t->action_peer, sizeof(t->action_peer), "%s", peer ? peer : "");
	snprintf(t->action_word, sizeof(t->action_word), "%s", cmd);
	t->action_id = client_start(t->client, cmd, args, &e);
	if (!t->action_id)
		tui_say(t, EL_ERROR, "%s", e.msg);
	else
		tui_say(t, EL_WAIT, "adit %s %s", cmd, peer ? peer : "");
}

void data_ask(struct tui *t, const char *cmd, const char *peer,
	      void (*fn)(void *arg, struct json_object *data, const struct err *why), void *arg)
{
	struct json_object *args = json_object_new_object();
	struct err e = { .code = EXIT_NOT_RUNNING };

	json_put_str(args, "peer", peer);
	t->ask_fn = fn;
	t->ask_arg = arg;
	t->ask_id = t->client ? client_start(t->client, cmd, args, &e) : 0;
	if (!t->client)
		json_object_put(args);
	if (!t->ask_id)
		answer(t, NULL, &e);
}

void data_forget(struct tui *t, const void *arg)
{
	if (t->ask_arg != arg)
		return;
	t->ask_id = 0;
	t->ask_fn = NULL;
}

void data_apply(struct tui *t, const char *what)
{
	char text[FRONT_TEXT_MAX];
	enum front_applied how;
	struct err e = { 0 };

	if (front_apply(&t->front, &how, text, &e) < 0)
		tui_say(t, EL_ERROR, "%s, but: %s", what, e.msg);
	else
		tui_say(t, EL_GOOD, "%s. %s", what, text);
	if (!t->client)
		take_settings(t);
	else
		data_refresh(t);
}
