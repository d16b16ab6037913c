/* menu: the quick actions, as a list and by their keys; and the page of keys. */
#include "tui/tui.h"

#include "core/settings/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An action that was asked about; the peer may be gone from the list by the answer. */
struct pending {
	struct tui *t;
	enum front_action_id id;
	char peer[PEER_NAME_MAX + 1];
};

static void show(struct tui *t, const char *verb, const char *peer)
{
	const char *args[] = { verb, peer && *peer ? peer : NULL, NULL };

	tui_push(t, text_command_view(t, args));
}

static void change(struct tui *t, enum front_action_id id, const char *peer)
{
	struct prefix lan[FRONT_LAN_MAX];
	struct commit c = { .lan = lan, .n_lan = front_lan(&t->front, lan, FRONT_LAN_MAX) };
	struct err e = { 0 };
	char what[80];
	int rc;

	if (id == ACTION_DELETE)
		rc = settings_peer_delete(t->front.config_dir, peer, &c, &e);
	else
		rc = settings_peer_enable(t->front.config_dir, peer, id == ACTION_ENABLE, &c, NULL, &e);
	if (rc < 0) {
		tui_say(t, EL_ERROR, "%s", e.msg);
		return;
	}
	snprintf(what, sizeof(what), "%s is %s", peer, id == ACTION_DELETE ? "deleted"
		 : id == ACTION_ENABLE ? "enabled" : "disabled");
	data_apply(t, what);
}

static void act(struct tui *t, enum front_action_id id, const char *peer)
{
	switch (id) {
	case ACTION_RESTART:
		data_command(t, "restart", NULL);
		break;
	case ACTION_UP:
		data_command(t, "up", peer);
		break;
	case ACTION_DOWN:
		data_command(t, "down", peer);
		break;
	case ACTION_RELOAD:
		data_apply(t, "Reloaded");
		break;
	case ACTION_STATUS:
		show(t, "status", peer);
		break;
	case ACTION_INTERFACES:
		show(t, "interfaces", NULL);
		break;
	case ACTION_ROUTES:
		show(t, "routes", NULL);
		break;
	case ACTION_FIREWALL:
		show(t, "firewall", NULL);
		break;
	case ACTION_CHECK:
		show(t, "check", NULL);
		break;
	case ACTION_LOG:
		tui_push(t, log_view(t, peer));
		break;
	case ACTION_CERTS:
		tui_push(t, certs_view(t));
		break;
	case ACTION_HW:
		tui_push(t, hw_view(t));
		break;
	case ACTION_COUNTERS:
		show(t, "counters", NULL);
		break;
	case ACTION_EXPLAIN:
		tui_push(t, explain_view(t, peer));
		break;
	case ACTION_TEST:
		data_command(t, "test", peer);
		break;
	case ACTION_ENABLE:
	case ACTION_DISABLE:
	case ACTION_DELETE:
		change(t, id, peer);
		break;
	case ACTION_N:
		break;
	}
}

static void answered(void *arg, int letter)
{
	struct pending *p = arg;

	if (letter == 'y')
		act(p->t, p->id, p->peer);
	free(p);
}

void menu_do(struct tui *t, enum front_action_id id, const char *peer)
{
	const struct front_action *a = &front_actions[id];
	struct pending *p;
	char text[300];

	if (a->changes && !tui_may_change(t))
		return;
	if (a->peer && !*peer) {
		tui_say(t, EL_ERROR, "no peer is selected");
		return;
	}
	if (!a->ask) {
		act(t, id, peer);
		return;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return;
	p->t = t;
	p->id = id;
	snprintf(p->peer, sizeof(p->peer), "%s", peer);
	snprintf(text, sizeof(text), a->ask, peer);
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "\n\nadit %s%s%s", a->command,
		 a->peer ? " " : "", a->peer ? peer : "");
	pop_ask(t, a->label, text, "y", answered, p);
}

static void chosen(void *arg, const char *value)
{
	struct pending *p = arg;

	for (int i = 0; value && i < ACTION_N; i++)
		if (strcmp(front_actions[i].label, value) == 0)
			menu_do(p->t, (enum front_action_id)i, front_actions[i].peer || i == ACTION_LOG ||
				i == ACTION_STATUS ? p->peer : "");
	free(p);
}

void menu_open(struct tui *t, const char *peer)
{
	struct pop_choice *list = calloc(ACTION_N, sizeof(*list));
	struct pending *p = calloc(1, sizeof(*p));
	char title[80];
	size_t n = 0;

	if (!list || !p) {
		free(list);
		free(p);
		return;
	}
	p->t = t;
	snprintf(p->peer, sizeof(p->peer), "%s", peer);
	for (int i = 0; i < ACTION_N; i++) {
		if (front_actions[i].peer && !*peer)
			continue;
		list[n].value = strdup(front_actions[i].label);
		list[n++].about = strdup(front_actions[i].help);
	}
	snprintf(title, sizeof(title), "Quick actions%s%s", *peer ? ": " : "", peer);
	pop_choose(t, title, list, n, 0, chosen, p);
}

static void add_keys(struct sbuf *b, const struct key_help *k)
{
	for (; k->key; k++)
		if (k->text)
			sbuf_addf(b, "  %-12s %s\n", k->key, k->text);
}

struct view *help_view(struct tui *t, const struct view *of)
{
	static const struct key_help everywhere[] = {
		{ "?, F1", "", "this page" },
		{ "Esc, q", "", "back; on the list of peers: leave" },
		{ "Ctrl-L", "", "draw the screen anew" },
		{ "Ctrl-C", "", "cancel" },
		{ "Ctrl-Z", "", "suspend" },
		{ "Esc 1..0", "", "the same as F1..F10, where function keys do not arrive" },
		{ NULL, NULL, NULL },
	};
	struct sbuf b = { 0 };

	sbuf_addf(&b, "Keys here (%s)\n\n", of->ops->title);
	add_keys(&b, of->ops->keys);
	sbuf_add(&b, "\nEverywhere\n\n");
	add_keys(&b, everywhere);
	sbuf_add(&b, "\nStates\n\n  + up           the tunnel carries traffic\n"
		 "  ~ connecting   it is being tried\n  ! down         and why, beside it\n"
		 "  - disabled     by its settings\n\n"
		 "All of this is also a command: adit help. Pages: adit-tui(8), adit(8), adit.conf(5).\n");
	return text_view(t, "Help", sbuf_take(&b));
}
