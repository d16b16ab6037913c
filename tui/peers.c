/* peers: the list that adit opens with, and below it what is known of the selected one. */
#include "tui/pane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DETAILS_ROWS 10
#define GRAPH_CELLS 6
#define RATE_CELLS 9

enum sort { SORT_NAME, SORT_STATE, SORT_GATEWAY, SORT_TRAFFIC, SORT_N };
static const char *const sort_names[] = { "name", "state", "gateway", "traffic" };

struct peers {
	struct view v;
	char at[PEER_NAME_MAX + 1];	/* the selected one, by name: rows move */
	size_t row, first;
	int rows;			/* of the list, as last drawn */
	int list_top;
	enum sort sort;
	char filter[64], filter_was[64];
	bool no_details;
	size_t *order;			/* indexes into status->peers */
	size_t n;
};

static unsigned rate_of(const struct tui *t, const char *peer)
{
	const struct traffic *tr = data_traffic(t, peer);

	return tr ? tr->rate[GRAPH_N - 1] : 0;
}

static bool contains(const char *text, const char *part)
{
	size_t n = strlen(part);

	for (; *text; text++)
		if (strncasecmp(text, part, n) == 0)
			return true;
	return false;
}

static bool matches(const struct status_peer *p, const char *filter)
{
	if (!*filter || contains(p->name, filter) || contains(p->remote, filter) ||
	    contains(p->description, filter) || contains(status_state_name(p->state), filter))
		return true;
	for (size_t i = 0; i < p->n_children; i++)
		for (size_t k = 0; k < p->children[i].n_remote; k++)
			if (contains(p->children[i].remote_networks[k], filter))
				return true;
	return false;
}

static const struct peers *sorting;

static int compare(const void *a, const void *b)
{
	const struct tui *t = sorting->v.tui;
	const struct status_peer *x = &t->status->peers[*(const size_t *)a];
	const struct status_peer *y = &t->status->peers[*(const size_t *)b];
	int d = 0;

	switch (sorting->sort) {
	case SORT_STATE:
		/* What needs a hand first. */
		d = (x->state == STATUS_DOWN ? -1 : (int)x->state) -
		    (y->state == STATUS_DOWN ? -1 : (int)y->state);
		break;
	case SORT_GATEWAY:
		d = strverscmp(x->remote, y->remote);
		break;
	case SORT_TRAFFIC:
		d = (rate_of(t, y->name) > rate_of(t, x->name)) -
		    (rate_of(t, y->name) < rate_of(t, x->name));
		break;
	case SORT_NAME:
	case SORT_N:
		break;
	}
	return d ? d : strverscmp(x->name, y->name);
}

static void arrange(struct view *v)
{
	struct peers *p = (struct peers *)v;
	const struct status *s = v->tui->status;
	size_t *order = realloc(p->order, (s->n_peers + 1) * sizeof(*order));

	if (!order)
		return;
	p->order = order;
	p->n = 0;
	for (size_t i = 0; i < s->n_peers; i++)
		if (matches(&s->peers[i], p->filter))
			order[p->n++] = i;
	sorting = p;
	qsort(order, p->n, sizeof(*order), compare);
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(s->peers[order[i]].name, p->at) == 0)
			p->row = i;
	if (p->row >= p->n)
		p->row = p->n ? p->n - 1 : 0;
	if (p->n)
		snprintf(p->at, sizeof(p->at), "%s", s->peers[order[p->row]].name);
	else
		p->at[0] = '\0';
}

static const struct status_peer *selected(const struct peers *p)
{
	return p->n ? &p->v.tui->status->peers[p->order[p->row]] : NULL;
}

static void peers_free(struct view *v)
{
	struct peers *p = (struct peers *)v;

	free(p->order);
	free(p);
}

/* ---- drawing ---- */

/* How wide each column is; 0: not shown. */
struct columns {
	int name, state, gateway, networks, ike, esp, traffic, up, graph;
};

/* Take a column of this width and its gap, if there is room. */
static void column(int *left, int *col, int width)
{
	if (*left <= width)
		return;
	*col = width;
	*left -= width + 1;
}

/* What is left goes to the graph, the name and the networks. */
static struct columns columns_for(int width)
{
	struct columns c = { .name = 10, .state = 12, .graph = GRAPH_CELLS };
	int left = width - 2 - c.name - c.state - 1;

	column(&left, &c.up, 6);
	column(&left, &c.gateway, 15);
	column(&left, &c.networks, 13);
	column(&left, &c.traffic, GRAPH_CELLS + RATE_CELLS);
	column(&left, &c.ike, 33);
	column(&left, &c.esp, 16);
	if (c.esp && left >= 2 * (GRAPH_N - GRAPH_CELLS)) {
		c.graph = GRAPH_N;
		c.traffic += GRAPH_N - GRAPH_CELLS;
		left -= GRAPH_N - GRAPH_CELLS;
	}
	if (c.networks) {
		c.networks += left / 2;
		left -= left / 2;
	}
	c.name += left > 0 ? left : 0;
	if (c.name > PEER_NAME_MAX)
		c.name = PEER_NAME_MAX;
	return c;
}

static void networks_of(const struct status_peer *p, char *buf, size_t cap)
{
	size_t n = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < p->n_children; i++)
		for (size_t k = 0; k < p->children[i].n_remote && n < cap; k++)
			n += (size_t)snprintf(buf + n, cap - n, "%s%s", n ? "," : "",
					      p->children[i].remote_networks[k]);
}

static void heading(const struct columns *c, int row, const struct peers *p)
{
	static const struct {
		size_t at;
		const char *title;
		enum sort sort;
	} cols[] = {
		{ offsetof(struct columns, name), "PEER", SORT_NAME },
		{ offsetof(struct columns, state), "STATE", SORT_STATE },
		{ offsetof(struct columns, gateway), "GATEWAY", SORT_GATEWAY },
		{ offsetof(struct columns, networks), "NETWORKS", SORT_N },
		{ offsetof(struct columns, ike), "IKE", SORT_N },
		{ offsetof(struct columns, esp), "ESP", SORT_N },
		{ offsetof(struct columns, traffic), "TRAFFIC", SORT_TRAFFIC },
		{ offsetof(struct columns, up), "UP", SORT_N },
	};
	int x = 1;

	term_put(row, 0, term_cols(), EL_HEAD, "");
	for (size_t i = 0; i < sizeof(cols) / sizeof(cols[0]); i++) {
		int w = *(const int *)((const char *)c + cols[i].at);

		if (!w)
			continue;
		term_putf(row, x, w, EL_HEAD, "%s%s", cols[i].title,
			  cols[i].sort == p->sort ? term_utf8() ? " ▾" : " v" : "");
		x += w + 1;
	}
}

static void traffic_cell(const struct tui *t, const char *peer, int row, int x,
			 const struct columns *c, bool sel)
{
	const struct traffic *tr = data_traffic(t, peer);
	char rate[FMT_MAX];
	int graph = c->graph, w = c->traffic;
	unsigned peak = 1;

	if (!tr)
		return;
	for (int i = 0; i < GRAPH_N; i++)
		peak = tr->rate[i] > peak ? tr->rate[i] : peak;
	term_graph(row, x, tr->rate + (GRAPH_N - graph), (size_t)graph, peak, sel);
	fmt_rate(tr->rate[GRAPH_N - 1], rate, sizeof(rate));
	term_put(row, x + graph, w - graph, sel ? EL_SELECT : EL_TEXT, "");
	term_put(row, x + w - (int)fmt_width(rate), 0, sel ? EL_SELECT : EL_TEXT, rate);
}

static void peer_row(const struct peers *v, const struct columns *c, int row,
		     const struct status_peer *p, bool sel)
{
	const struct fmt_state *st = fmt_state(status_state_name(p->state));
	enum element text = sel ? EL_SELECT : p->state == STATUS_DISABLED ? EL_OFF : EL_TEXT;
	char nets[400], span[FMT_MAX], alg[200];
	int x = 1;

	term_put(row, 0, term_cols(), sel ? EL_SELECT : EL_TEXT, "");
	term_put(row, x, c->name, text, p->name);
	x += c->name + 1;
	term_putf(row, x, c->state, sel ? EL_SELECT : (enum element)st->tone, "%c %s%s", st->symbol,
		  st->word, p->n_weak ? " weak" : "");
	x += c->state + 1;
	if (c->gateway) {
		term_put(row, x, c->gateway, text, p->remote);
		x += c->gateway + 1;
	}
	/* Why it is down is worth more than empty traffic. */
	if ((p->state == STATUS_DOWN || p->state == STATUS_CONNECTING) && p->reason[0]) {
		term_clip(row, x, term_cols() - x, sel ? EL_SELECT : (enum element)st->tone, p->reason);
		return;
	}
	if (c->networks) {
		networks_of(p, nets, sizeof(nets));
		term_put(row, x, c->networks, text, nets);
		x += c->networks + 1;
	}
	if (c->ike) {
		term_put(row, x, c->ike, text, pane_algorithms(p->ike, alg, sizeof(alg)));
		x += c->ike + 1;
	}
	if (c->esp) {
		term_put(row, x, c->esp, text,
			 p->n_children ? pane_algorithms(p->children[0].esp, alg, sizeof(alg)) : "");
		x += c->esp + 1;
	}
	if (p->state != STATUS_UP)
		return;
	if (c->traffic) {
		traffic_cell(v->v.tui, p->name, row, x, c, sel);
		x += c->traffic + 1;
	}
	if (c->up)
		term_put(row, x, c->up, text, fmt_span_short(p->uptime_s, span, sizeof(span)));
}

static void empty_list(const struct peers *p, int top)
{
	if (p->filter[0])
		term_putf(top + 1, 2, 0, EL_TEXT, "No peer matches \"%s\". Esc shows all.", p->filter);
	else if (p->v.tui->away == AWAY_FORBIDDEN)
		term_put(top + 1, 2, 0, EL_TEXT, "adit shows itself to root and the group adit: sudo adit");
	else
		term_put(top + 1, 2, 0, EL_TEXT, "There is no peer yet. Press a to add one.");
}

/* Of a small screen the selected peer still gets a few rows. */
static int pane_rows(const struct peers *p, int rows)
{
	if (!p->n || p->no_details)
		return 0;
	return rows >= 30 ? DETAILS_ROWS + 4 : rows >= 16 ? DETAILS_ROWS : rows >= 9 ? 4 : 0;
}

static void peers_draw(struct view *v, int top, int rows)
{
	struct peers *p = (struct peers *)v;
	struct columns c = columns_for(term_cols());
	int pane = pane_rows(p, rows);
	char where[40] = "";

	p->rows = rows - 1 - pane;
	p->list_top = top + 1;
	heading(&c, top, p);
	if (p->row < p->first)
		p->first = p->row;
	if (p->row >= p->first + (size_t)p->rows)
		p->first = p->row - (size_t)p->rows + 1;
	/* No empty rows below while there are peers above. */
	if (p->first + (size_t)p->rows > p->n)
		p->first = p->n > (size_t)p->rows ? p->n - (size_t)p->rows : 0;
	if (!p->n)
		empty_list(p, top);
	for (int r = 0; r < p->rows && p->first + (size_t)r < p->n; r++) {
		size_t i = p->first + (size_t)r;

		peer_row(p, &c, top + 1 + r, &v->tui->status->peers[p->order[i]], i == p->row);
	}
	if (p->n > (size_t)p->rows || p->filter[0])
		snprintf(where, sizeof(where), "%zu of %zu", p->row + 1, p->n);
	if (pane)
		pane_draw(v->tui, selected(p), where, top + rows - pane, pane);
	if (p->filter[0] && p->n)
		term_putf(top + rows, 0, term_cols(), EL_WAIT, "Only what matches \"%s\": %zu of %zu. "
			  "Esc shows all.", p->filter, p->n, v->tui->status->n_peers);
}

/* ---- keys ---- */

static void move_to(struct peers *p, long row)
{
	if (!p->n)
		return;
	p->row = row < 0 ? 0 : row >= (long)p->n ? p->n - 1 : (size_t)row;
	snprintf(p->at, sizeof(p->at), "%s", selected(p)->name);
}

static void filtered(void *arg, const char *text)
{
	struct peers *p = arg;

	snprintf(p->filter, sizeof(p->filter), "%s", text ? text : p->filter_was);
	arrange(&p->v);
}

static void toggle_up(struct peers *p, const struct status_peer *s)
{
	if (s->state == STATUS_DISABLED)
		tui_say(p->v.tui, EL_ERROR, "%s is disabled; n enables it", s->name);
	else
		menu_do(p->v.tui, s->state == STATUS_UP || s->state == STATUS_CONNECTING ? ACTION_DOWN
			: ACTION_UP, s->name);
}

/* The command line that shows, or does, what is on the screen. */
static void show_command(struct peers *p, const struct status_peer *s)
{
	struct sbuf b = { 0 };

	front_command(&b, &p->v.tui->front, "status", s ? s->name : NULL, NULL, 0);
	tui_say(p->v.tui, EL_TEXT, "%s", sbuf_str(&b));
	sbuf_fini(&b);
}

static enum handled key_on_peer(struct peers *p, const struct status_peer *s, int key)
{
	struct tui *t = p->v.tui;
	const char *args[] = { "status", s->name, NULL };

	switch (key) {
	case K_ENTER:
	case K_DOUBLE:
		tui_push(t, text_command_view(t, args));
		return HANDLED;
	case 'e':
	case K_F0 + 4:
		tui_push(t, form_view(t, s->name));
		return HANDLED;
	case 's':
		toggle_up(p, s);
		return HANDLED;
	case 'n':
		menu_do(t, s->state == STATUS_DISABLED ? ACTION_ENABLE : ACTION_DISABLE, s->name);
		return HANDLED;
	case 'd':
	case K_DELETE:
	case K_F0 + 8:
		menu_do(t, ACTION_DELETE, s->name);
		return HANDLED;
	case 'l':
		menu_do(t, ACTION_LOG, s->name);
		return HANDLED;
	case 'x':
		tui_push(t, explain_view(t, s->name));
		return HANDLED;
	}
	return IGNORED;
}

static enum handled key_move(struct peers *p, int key)
{
	long page = p->rows > 1 ? p->rows - 1 : 1;
	int row, col;

	switch (key) {
	case K_UP:
	case 'k':
	case K_WHEEL_UP:
		move_to(p, (long)p->row - 1);
		return HANDLED;
	case K_DOWN:
	case 'j':
	case K_WHEEL_DOWN:
		move_to(p, (long)p->row + 1);
		return HANDLED;
	case K_PGUP:
		move_to(p, (long)p->row - page);
		return HANDLED;
	case K_PGDN:
		move_to(p, (long)p->row + page);
		return HANDLED;
	case K_HOME:
	case 'g':
		move_to(p, 0);
		return HANDLED;
	case K_END:
	case 'G':
		move_to(p, (long)p->n - 1);
		return HANDLED;
	case K_CLICK:
		term_mouse(&row, &col);
		if (row >= p->list_top && row < p->list_top + p->rows)
			move_to(p, (long)p->first + row - p->list_top);
		return HANDLED;
	}
	return IGNORED;
}

static enum handled peers_key(struct view *v, int key)
{
	struct peers *p = (struct peers *)v;
	const struct status_peer *s = selected(p);
	struct tui *t = v->tui;

	if (key_move(p, key) == HANDLED || (s && key_on_peer(p, s, key) == HANDLED))
		return HANDLED;
	switch (key) {
	case 'a':
	case K_F0 + 7:
		if (tui_may_change(t))
			tui_push(t, form_view(t, NULL));
		return HANDLED;
	case '/':
	case K_F0 + 3:
		snprintf(p->filter_was, sizeof(p->filter_was), "%s", p->filter);
		pop_input(t, "Filter", "Name, address, network or state:", p->filter, true, filtered, p);
		return HANDLED;
	case K_ESC:
		if (!p->filter[0])
			return IGNORED;
		filtered(p, "");
		return HANDLED;
	case 'o':
	case K_F0 + 6:
		p->sort = (enum sort)((p->sort + 1) % SORT_N);
		arrange(v);
		move_to(p, 0);
		tui_say(t, EL_TEXT, "sorted by %s", sort_names[p->sort]);
		return HANDLED;
	case 'i':
		p->no_details = !p->no_details;
		return HANDLED;
	case 'p':
		t->paused = !t->paused;
		return HANDLED;
	case 'C':
		tui_push(t, certs_view(t));
		return HANDLED;
	case 'H':
		tui_push(t, hw_view(t));
		return HANDLED;
	case 'y':
		show_command(p, s);
		return HANDLED;
	case 'c':
		tui_push(t, form_router_view(t));
		return HANDLED;
	case ':':
	case 'm':
	case K_F0 + 2:
		menu_open(t, s ? s->name : "");
		return HANDLED;
	}
	return IGNORED;
}

static const struct key_help peers_keys[] = {
	{ "a", "add", "add a peer" },
	{ "e", "edit", "edit the selected peer" },
	{ "s", "up/down", "bring the peer up or down" },
	{ "n", "on/off", "enable or disable it" },
	{ "d", "delete", "delete it" },
	{ "m", "actions", "quick actions: restart, status, interfaces, routes and more (also : and F2)" },
	{ "x", "why", "explain why it is not up, and which side has to change what" },
	{ "l", "log", "its log; L: the whole log" },
	{ "/", "filter", "show only peers that match" },
	{ "Enter", "details", "everything about it" },
	{ "o", "sort", "sort by name, state, gateway, traffic" },
	{ "c", "router", "the router's own settings" },
	{ "C", "certs", "certificates, keys, requests and revocation lists" },
	{ "H", "speed", "the hardware: by what, and how fast, the cryptography is done" },
	{ "y", "command", "the command that shows the same" },
	{ "i", NULL, "hide or show the pane of details" },
	{ "p", NULL, "pause; r: refresh at once" },
	{ "R", NULL, "restart; S status, I interfaces, T routes, F firewall, L log" },
	{ NULL, NULL, NULL },
};

static const struct view_ops peers_ops = {
	.title = "the list of peers", .keys = peers_keys, .draw = peers_draw, .key = peers_key,
	.tick = arrange, .free = peers_free,
};

struct view *peers_view(struct tui *t)
{
	struct peers *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->v = (struct view){ .ops = &peers_ops, .tui = t };
	if (t->args->peer)
		snprintf(p->at, sizeof(p->at), "%s", t->args->peer);
	arrange(&p->v);
	return &p->v;
}
