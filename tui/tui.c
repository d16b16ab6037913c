/* tui: the loop: draw, wait, hand out keys; and what works everywhere. */
#include "tui/tui.h"

#include "core/base/clock.h"
#include "core/settings/settings.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MESSAGE_MS 8000
#define PASTE_MS 1000

static volatile sig_atomic_t ending;

static void on_end(int signo)
{
	ending = signo;
}

/* ---- the stack ---- */

void tui_push(struct tui *t, struct view *v)
{
	if (!v)
		return;
	v->below = t->top;
	t->top = v;
	/* What was said belonged to what is now covered. */
	t->message[0] = '\0';
	t->redraw = true;
}

void tui_pop(struct tui *t)
{
	struct view *v = t->top;

	t->top = v->below;
	if (v->ops->free)
		v->ops->free(v);
	else
		free(v);
	if (!t->top)
		t->quit = true;
	t->redraw = true;
}

void tui_say(struct tui *t, enum element el, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->message, sizeof(t->message), fmt, ap);
	va_end(ap);
	t->message_el = el;
	/* Errors stay until a key: they are read at leisure. */
	t->message_until_ms = el == EL_ERROR ? 0 : clock_ms() + MESSAGE_MS;
	t->redraw = true;
}

bool tui_may_change(struct tui *t)
{
	if (t->readonly)
		tui_say(t, EL_ERROR, "%s", t->readonly_why);
	return !t->readonly;
}

/* ---- drawing ---- */

/* "3 up, 1 connecting": what there is none of is left out. */
static void count_peers(const struct tui *t, char *buf, size_t cap)
{
	unsigned n[4] = { 0 };
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < t->status->n_peers; i++)
		n[t->status->peers[i].state]++;
	for (int s = STATUS_UP; s <= STATUS_DISABLED && len < cap; s++)
		if (n[s])
			len += (size_t)snprintf(buf + len, cap - len, "%s%u %s", len ? ", " : "", n[s],
						status_state_name((enum status_state)s));
}

static void draw_bar(struct tui *t)
{
	char right[120], left[200];
	bool dirty = false, roomy;
	int w = term_cols(), room;

	for (struct view *v = t->top; v; v = v->below)
		dirty |= v->ops->dirty && v->ops->dirty(v);
	count_peers(t, left, sizeof(left));
	if (t->status->running)
		snprintf(right, sizeof(right), " %s %s ", t->status->dataplane, t->status->version);
	else
		snprintf(right, sizeof(right), " %s ", t->away ? t->away : "asking");
	term_put(0, 0, w, EL_BAR, "");
	/* That it does not run matters more than the versions, and than the count. */
	room = w - 1 - (int)fmt_width(right);
	if (t->status->running && room < (int)(fmt_width(left) + strlen(t->host)) + 10)
		room = w - 1;
	else
		term_put(0, room + 1, 0, t->status->running ? EL_BAR : EL_ERROR, right);
	roomy = (int)(fmt_width(left) + strlen(t->host)) + 9 <= room;
	term_putf(0, 1, room, EL_BAR, "adit%s %s%s%s%s%s", dirty ? "*" : "", roomy ? t->host : "",
		  roomy ? "  " : "", left,
		  t->readonly ? "  (read only)" : "", t->paused ? "  (paused)" : "");
}

static void draw_keys(const struct tui *t)
{
	const char *help = t->top->ops->typing ? "F1" : "?";
	const char *back = t->top->ops->typing ? "Esc" : "q";
	int row = term_rows() - 1, x = 0, w = term_cols();
	int end = w - (int)(strlen(help) + strlen(back)) - 11;
	const struct key_help *k;

	term_put(row, 0, w, EL_KEYS, "");
	/* A question says itself which keys it takes. */
	if (t->top->ops->popup)
		return;
	for (k = t->top->ops->keys; k->key; k++) {
		int len;

		if (!k->word)
			continue;
		len = (int)(strlen(k->key) + strlen(k->word)) + 2;
		if (x + len > end)
			break;
		term_putf(row, x, 0, EL_KEY, "%s", k->key);
		x += (int)strlen(k->key);
		term_putf(row, x, 0, EL_KEYS, " %s", k->word);
		x += (int)strlen(k->word) + 2;
	}
	term_put(row, end, 0, EL_KEY, help);
	term_put(row, end + (int)strlen(help), 0, EL_KEYS, " help ");
	term_put(row, w - 5 - (int)strlen(back), 0, EL_KEY, back);
	term_put(row, w - 5, 0, EL_KEYS, t->top->below ? " back" : " quit");
}

/* Upwards from the keys, over the view: a message that matters is read whole. */
static void draw_lines(enum element el, const char *text)
{
	size_t width = (size_t)term_cols(), len;
	const char *next = text, *p;
	int n = 0;

	for (p = text; p && *p; p = next) {
		fmt_wrap(p, width, &next);
		n++;
	}
	n = n > 4 ? 4 : n;
	for (p = text; n > 0 && p && *p; p = next) {
		len = fmt_wrap(p, width, &next);
		term_putf(term_rows() - 1 - n--, 0, (int)width, el, "%.*s", (int)len, p);
	}
}

static void draw_message(struct tui *t)
{
	if (t->message[0] && t->message_until_ms && clock_ms() > t->message_until_ms)
		t->message[0] = '\0';
	if (t->message[0])
		draw_lines(t->message_el, t->message);
	else if (t->status->warning[0] && !t->top->below)
		term_clip(term_rows() - 2, 0, term_cols(), EL_WAIT, t->status->warning);
}

/* From the topmost whole view upwards. */
static void draw_views(struct view *v, int top, int rows)
{
	if (v->ops->popup && v->below)
		draw_views(v->below, top, rows);
	v->ops->draw(v, top, rows);
}

static void draw(struct tui *t)
{
	t->redraw = false;
	term_clear();
	if (term_cols() < TERM_MIN_COLS || term_rows() < TERM_MIN_ROWS) {
		term_putf(0, 0, 0, EL_TEXT, "terminal too small (needs %dx%d)", TERM_MIN_COLS,
			  TERM_MIN_ROWS);
		term_show();
		return;
	}
	draw_bar(t);
	draw_keys(t);
	draw_views(t->top, 1, term_rows() - 3);
	draw_message(t);
	term_show();
}

/* ---- keys ---- */

static void quick_key(struct tui *t, int key)
{
	static const struct {
		char key;
		enum front_action_id id;
	} quick[] = {
		{ 'R', ACTION_RESTART }, { 'S', ACTION_STATUS }, { 'I', ACTION_INTERFACES },
		{ 'T', ACTION_ROUTES }, { 'F', ACTION_FIREWALL }, { 'L', ACTION_LOG },
	};

	for (size_t i = 0; i < sizeof(quick) / sizeof(quick[0]); i++)
		if (quick[i].key == key)
			menu_do(t, quick[i].id, "");
}

static void leave(struct tui *t)
{
	if (!t->top->ops->leave || t->top->ops->leave(t->top))
		tui_pop(t);
}

static void key_everywhere(struct tui *t, int key)
{
	switch (key) {
	case '?':
	case 'h':
	case K_F0 + 1:
		tui_push(t, help_view(t, t->top));
		break;
	case K_ESC:
		/* Esc leaves a view, never the program: q does that. */
		if (t->top->below)
			leave(t);
		break;
	case 'q':
	case 'Q':
	case K_F0 + 10:
	case K_CTRL('c'):
		leave(t);
		break;
	case 'r':
	case K_F0 + 5:
		data_refresh(t);
		break;
	case K_CTRL('l'):
		term_redraw();
		break;
	default:
		quick_key(t, key);
	}
}

static void handle(struct tui *t, int key)
{
	t->redraw = true;
	if (key == K_RESIZE || key == K_OTHER)
		return;
	if (key == K_CTRL('z')) {
		term_suspend();
		return;
	}
	if (key == K_PASTE || key == K_PASTE_END) {
		t->pasting_ms = key == K_PASTE ? clock_ms() : 0;
		return;
	}
	/* Its end may have got lost on the way. */
	if (t->pasting_ms && (key == K_ESC || clock_ms() > t->pasting_ms + PASTE_MS))
		t->pasting_ms = 0;
	/* Pasted letters are text or nothing, and a newline or tab is part of no value. */
	if (t->pasting_ms) {
		t->pasting_ms = clock_ms();
		if (!t->top->ops->typing || key == K_ENTER || key == K_TAB)
			return;
	}
	if (!t->message_until_ms)
		t->message[0] = '\0';
	if (t->top->ops->key(t->top, key) == IGNORED && !t->quit)
		key_everywhere(t, key);
}

static void run(struct tui *t)
{
	while (!t->quit && !ending) {
		struct pollfd fds[3] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .fd = -1 },
					 { .fd = -1 } };
		int key, wait = data_wait(t);

		if (t->redraw)
			draw(t);
		if (t->client)
			fds[1] = (struct pollfd){ .fd = client_fd(t->client), .events = POLLIN };
		if (t->top->ops->fd)
			fds[2] = (struct pollfd){ .fd = t->top->ops->fd(t->top), .events = POLLIN };
		if (t->message[0] && t->message_until_ms && wait > 1000)
			wait = 1000;
		if (poll(fds, 3, wait) < 0) {
			/* A resize or a stop interrupts: nothing is known of the descriptors. */
			if (errno != EINTR)
				break;
			fds[0].revents = fds[1].revents = fds[2].revents = 0;
		}
		if (fds[0].revents & (POLLHUP | POLLERR))
			break;
		if (fds[1].revents && t->client)
			data_ready(t);
		if (fds[2].revents)
			t->top->ops->tick(t->top);
		data_tick(t);
		if (t->message[0] && t->message_until_ms && clock_ms() > t->message_until_ms)
			t->redraw = true;
		while (!t->quit && (key = term_key()) != K_NONE)
			handle(t, key);
	}
}

/* ---- start ---- */

static void pick_theme(struct tui *t, char *why, size_t cap)
{
	struct settings s;
	struct findings fs = { 0 };
	struct err e = { 0 };
	const char *name = t->args->theme;
	char configured[32] = "";

	if (!name && settings_load(t->front.config_dir, NULL, 0, &s, &fs, &e) == 0) {
		snprintf(configured, sizeof(configured), "%s", s.router.theme);
		settings_fini(&s);
	}
	findings_fini(&fs);
	if (theme_load(name ? name : configured, &t->theme, &e) < 0) {
		snprintf(why, cap, "%s", e.msg);
		theme_builtin(&t->theme);
	}
}

static void rights(struct tui *t)
{
	t->readonly = t->args->readonly || access(t->front.config_dir, W_OK) < 0;
	if (access(t->front.config_dir, F_OK) < 0 && geteuid() == 0)
		t->readonly = t->args->readonly;
	t->readonly_why = t->args->readonly && geteuid() == 0 ? "this is --readonly: nothing is changed here"
		: "changing anything needs root: sudo adit";
}

static void signals(void)
{
	struct sigaction sa = { .sa_handler = on_end };

	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int tui_main(const struct screen_args *args)
{
	struct tui t = { .args = args };
	struct term_options o = { .color = args->color, .ascii = args->ascii,
				  .no_mouse = args->no_mouse, .theme = &t.theme };
	char theme_why[300] = "";
	struct err e = { 0 };

	t.front = (struct front){ .config_dir = args->config_dir, .run_dir = args->run_dir,
				  .timeout_ms = args->timeout_ms };
	if (gethostname(t.host, sizeof(t.host) - 1) < 0)
		t.host[0] = '\0';
	rights(&t);
	pick_theme(&t, theme_why, sizeof(theme_why));
	signals();
	if (term_start(&o, &e) < 0) {
		fprintf(stderr, "adit: %s\n", e.msg);
		return e.code;
	}
	data_start(&t);
	tui_push(&t, peers_view(&t));
	if (theme_why[0])
		tui_say(&t, EL_ERROR, "%s", theme_why);
	if (t.top)
		run(&t);
	while (t.top)
		tui_pop(&t);
	data_stop(&t);
	term_end();
	return ending && ending != SIGINT ? EXIT_FAILED : EXIT_DONE;
}
