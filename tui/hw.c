/* hw: by what, and how fast, this router does its cryptography: the table of `adit hw` with
 * bars, every way of the selected suite below it, and measuring anew while the screen goes on. */
#include "core/front/hw.h"

#include "core/base/clock.h"
#include "core/settings/settings.h"
#include "tui/tui.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hw_view {
	struct view v;
	struct hw_bench b;		/* what is shown */
	struct hw_bench fresh;		/* what comes in while run is on */
	struct hw_run run;
	struct hw_machine m;
	struct router_conf conf;
	bool have_conf, profile, loaded;
	bool weak;			/* weak suites too */
	unsigned size;			/* of profile_sizes, shown */
	size_t at, first;		/* of the suites shown */
	int rows, top;			/* as last drawn */
};

/* ---- which suites ---- */

static const struct hw_bench *shown(const struct hw_view *h)
{
	return h->b.n ? &h->b : &h->fresh;
}

/* Where the nth suite that is shown begins; b->n behind the last. */
static size_t nth(const struct hw_view *h, size_t n)
{
	const struct hw_bench *b = shown(h);
	size_t from = 0;

	for (; from < b->n; from = hw_suite_end(b, from))
		if ((h->weak || !hw_weak(&b->row[from])) && n-- == 0)
			break;
	return from;
}

static size_t count(const struct hw_view *h)
{
	const struct hw_bench *b = shown(h);
	size_t n = 0;

	for (size_t from = 0; from < b->n; from = hw_suite_end(b, from))
		n += h->weak || !hw_weak(&b->row[from]);
	return n;
}

/* Rows of the suite that has most ways. */
static int most_ways(const struct hw_view *h)
{
	const struct hw_bench *b = shown(h);
	size_t most = 0;

	for (size_t from = 0, to; from < b->n; from = to) {
		to = hw_suite_end(b, from);
		if (to - from > most)
			most = to - from;
	}
	return (int)most;
}

static uint32_t fastest(const struct hw_view *h)
{
	const struct hw_bench *b = shown(h);
	uint32_t max = 1;

	for (size_t i = 0; i < b->n; i++)
		if ((h->weak || !hw_weak(&b->row[i])) && b->row[i].mbit[h->size] > max)
			max = b->row[i].mbit[h->size];
	return max;
}

/* ---- measuring ---- */

static void start(struct hw_view *h, unsigned ms)
{
	struct err e = { 0 };

	hw_run_stop(&h->run);
	hw_bench_fini(&h->fresh);
	if (hw_run_start(&h->run, ms, ms >= HW_QUICK_MS, NULL, &e) < 0)
		tui_say(h->v.tui, EL_ERROR, "%s", e.msg);
}

static void keep(struct hw_view *h)
{
	struct err e = { 0 };

	if (h->v.tui->readonly)
		tui_say(h->v.tui, EL_TEXT, "Measured; not kept, for %s.", h->v.tui->readonly_why);
	else if (hw_bench_save(&h->b, h->v.tui->front.config_dir, &e) < 0)
		tui_say(h->v.tui, EL_ERROR, "%s", e.msg);
	else
		tui_say(h->v.tui, EL_GOOD, "Measured and saved. With engine = auto a restart (R) makes it "
			"used.");
	h->profile |= !h->v.tui->readonly && !e.msg[0];
}

/* A run that measured nothing tells what there is; one that measured is what is shown. */
static void ended(struct hw_view *h)
{
	bool bench = h->fresh.ms >= HW_QUICK_MS;

	if (!h->fresh.n) {
		memcpy(h->b.device, h->fresh.device, sizeof(h->b.device));
		memcpy(h->b.unable, h->fresh.unable, sizeof(h->b.unable));
		h->b.n_devices = h->fresh.n_devices;
		return;
	}
	hw_bench_fini(&h->b);
	h->b = h->fresh;
	h->fresh = (struct hw_bench){ 0 };
	if (bench)
		keep(h);
}

static void hw_tick(struct view *v)
{
	struct hw_view *h = (struct hw_view *)v;
	struct err e = { 0 };
	int rc;

	if (!h->run.pid)
		return;
	rc = hw_run_read(&h->run, &h->fresh, &e);
	v->tui->redraw = true;
	if (rc == 0)
		ended(h);
	else if (rc < 0)
		tui_say(v->tui, EL_ERROR, "%s", e.msg);
}

static int hw_fd(const struct view *v)
{
	const struct hw_view *h = (const struct hw_view *)v;

	return h->run.pid ? h->run.fd : -1;
}

static void answered(void *arg, int letter)
{
	if (letter == 'y')
		start(arg, HW_BENCH_MS);
}

static void ask(struct hw_view *h)
{
	if (h->run.pid && h->run.ms >= HW_QUICK_MS)
		tui_say(h->v.tui, EL_TEXT, "It is being measured.");
	else
		pop_ask(h->v.tui, "Measure", "Measure every engine now? It takes half a minute of one "
			"core; the tunnels go on.\n\nadit bench", "y", answered, h);
}

/* ---- drawing ---- */

struct columns {
	int by, hw, mbit, driver, bar;	/* where each begins; hw, driver 0: no room */
};

static struct columns columns_of(void)
{
	struct columns c = { .by = 21 };

	if (term_cols() < 60) {
		c.mbit = c.by + 9;
		c.bar = c.mbit + 9;
		return c;
	}
	c.hw = c.by + 10;
	c.mbit = c.hw + 4;
	c.bar = c.mbit + 9;
	if (term_cols() >= 110) {
		c.driver = c.bar;
		c.bar += 30;
	}
	return c;
}

/* As many cells as it is of the fastest, with eighths of one where the terminal has them. */
static void draw_bar(int row, int col, enum element el, uint32_t mbit, uint32_t max)
{
	static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	int width = term_cols() - col - 1;
	uint64_t n = width > 0 ? (uint64_t)mbit * (unsigned)width * 8 / max : 0;
	struct sbuf b = { 0 };

	if (width <= 0)
		return;
	for (uint64_t i = 0; i < n / 8; i++)
		sbuf_add(&b, term_utf8() ? "█" : "#");
	sbuf_add(&b, term_utf8() ? eighths[n % 8] : n % 8 >= 4 ? "=" : "");
	/* However slow, it is there. */
	if (!b.len && mbit)
		sbuf_add(&b, term_utf8() ? "▏" : "-");
	term_clip(row, col, width, el, sbuf_str(&b));
	sbuf_fini(&b);
}

static void draw_suite(const struct hw_view *h, const struct columns *col, int row, size_t from,
		       bool on, uint32_t max)
{
	const struct hw_bench *b = shown(h);
	const struct hw_row *best = hw_best(b, from, hw_suite_end(b, from), h->size);
	enum element el = on ? EL_SELECT : EL_TEXT;
	char text[HW_SUITE_TEXT];

	term_put(row, 0, term_cols(), el, "");
	term_put(row, 1, col->by - 2, on ? el : hw_weak(&b->row[from]) ? EL_WEAK : EL_TEXT,
		 hw_suite_str(&b->row[from], text));
	if (!best)
		return;
	term_put(row, col->by, 9, el, hw_way_name(best->way));
	if (col->hw)
		term_put(row, col->hw, 3, on || !best->hardware ? el : EL_GOOD,
			 best->hardware ? "hw" : "sw");
	term_putf(row, col->mbit, 8, el, "%7u", best->mbit[h->size]);
	if (col->driver)
		term_put(row, col->driver, col->bar - col->driver - 2, on ? el : EL_DIM, best->driver);
	draw_bar(row, col->bar, on ? EL_SELECT : EL_GRAPH, best->mbit[h->size], max);
}

/* Below the list: every way of the selected suite at every size. */
static void draw_ways(const struct hw_view *h, int top, int end)
{
	const struct hw_bench *b = shown(h);
	size_t from = nth(h, h->at), to = hw_suite_end(b, from);
	int x = term_cols() >= 110 ? 42 : 22, gap = term_cols() >= 72 ? 10 : 7, row = top;
	char text[HW_SUITE_TEXT];

	if (from >= b->n)
		return;
	term_rule(row, 0, term_cols(), hw_suite_str(&b->row[from], text));
	x -= gap < 10 ? 8 : 0;
	for (unsigned k = 0; k < PROFILE_SIZES; k++)
		term_putf(row, x + (int)k * gap, 0, k == h->size ? EL_HEAD : EL_DIM,
			  gap < 10 ? " %5u" : " %6u B ", profile_sizes[k]);
	for (size_t i = from; i < to && ++row < end; i++) {
		const struct hw_row *r = &b->row[i];

		term_put(row, 1, 9, EL_TEXT, hw_way_name(r->way));
		if (r->why[0]) {
			term_clip(row, 11, term_cols() - 12, EL_DIM, r->why);
			continue;
		}
		term_put(row, 11, 2, r->hardware ? EL_GOOD : EL_DIM, r->hardware ? "hw" : "sw");
		if (x > 22)
			term_put(row, 14, x - 15, EL_DIM, r->driver);
		for (unsigned k = 0; k < PROFILE_SIZES; k++)
			if (r->mbit[k])
				term_putf(row, x + (int)k * gap, gap < 10 ? 7 : 8, r == hw_best(b, from, to, k) ?
					  EL_GOOD : EL_TEXT, gap < 10 ? "%6u%s" : " %6u%s", r->mbit[k],
					  r == hw_best(b, from, to, k) ? "*" : "");
	}
}

static void draw_title(const struct hw_view *h, int top)
{
	char title[200], when[120];

	if (h->run.pid && h->run.ms)
		snprintf(title, sizeof(title), "hardware, being measured: %u %%",
			 h->fresh.total ? h->fresh.done * 100 / h->fresh.total : 0);
	else if (h->b.ms > HW_SHORT_MS)
		snprintf(title, sizeof(title), "hardware, %s", hw_when(&h->b, clock_wall_s(), when,
									sizeof(when)));
	else
		snprintf(title, sizeof(title), "hardware, a short look; b measures");
	term_rule(top, 0, term_cols(), title);
	if (h->run.pid && h->run.ms && h->fresh.total && term_cols() > 70)
		draw_bar(top, term_cols() - 24, EL_GOOD, h->fresh.done, h->fresh.total);
}

/* The two facts that matter most; i has them all. */
static int draw_facts(const struct hw_view *h, int row)
{
	const struct tui *t = h->v.tui;
	struct hw_fact f[HW_FACTS];
	size_t n = hw_facts(&h->m, shown(h), t->status, h->have_conf ? &h->conf : NULL, h->profile,
			    clock_wall_s(), f);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(f[i].label, "Processor") != 0 && strcmp(f[i].label, "Dataplane") != 0 &&
		    strcmp(f[i].label, "Engine") != 0 && strcmp(f[i].label, "In use") != 0)
			continue;
		term_put(row, 1, 11, EL_DIM, f[i].label);
		term_clip(row++, 12, term_cols() - 13, (enum element)f[i].tone, f[i].text);
	}
	return row;
}

/* At the first drawing: what goes wrong is said on this page. */
static void load(struct hw_view *h)
{
	struct err e = { 0 };
	int have = hw_bench_load(&h->b, h->v.tui->front.config_dir, &e);

	h->loaded = true;
	if (have < 0)
		tui_say(h->v.tui, EL_ERROR, "%s", e.msg);
	start(h, have > 0 ? 0 : HW_SHORT_MS);
}

static void hw_draw(struct view *v, int top, int rows)
{
	struct hw_view *h = (struct hw_view *)v;
	struct columns col = columns_of();
	int end = top + rows, row = top + 1, pane;
	uint32_t max;
	size_t n;

	if (!h->loaded)
		load(h);
	max = fastest(h);
	n = count(h);
	draw_title(h, top);
	if (rows >= 16)
		row = draw_facts(h, row);
	pane = rows >= 14 ? end - 1 - most_ways(h) : end;
	term_put(row, 0, term_cols(), EL_HEAD, "");
	term_put(row, 1, 0, EL_HEAD, "SUITE");
	term_put(row, col.by, 0, EL_HEAD, "BY");
	term_put(row, col.mbit, 0, EL_HEAD, " MBIT/S");
	if (col.driver)
		term_put(row, col.driver, 0, EL_HEAD, "DRIVER");
	if (col.bar + 14 <= term_cols())
		term_putf(row, col.bar, 0, EL_HEAD, "AT %u BYTES",
			  profile_sizes[h->size]);
	h->top = ++row;
	h->rows = pane - row;
	if (h->at >= n)
		h->at = n ? n - 1 : 0;
	if (h->at < h->first)
		h->first = h->at;
	if (h->rows > 0 && h->at >= h->first + (size_t)h->rows)
		h->first = h->at - (size_t)h->rows + 1;
	for (int r = 0; r < h->rows && h->first + (size_t)r < n; r++)
		draw_suite(h, &col, row + r, nth(h, h->first + (size_t)r),
			   h->first + (size_t)r == h->at, max);
	if (!n && !h->run.pid)
		term_put(row + 1, 1, 0, EL_TEXT, "Nothing was measured yet; b measures.");
	if (n && pane < end)
		draw_ways(h, pane, end);
}

/* ---- what else there is to say ---- */

static void show_facts(struct hw_view *h)
{
	struct hw_fact f[HW_FACTS];
	size_t width = (size_t)(term_cols() > 40 ? term_cols() - 19 : 21);
	size_t n = hw_facts(&h->m, shown(h), h->v.tui->status, h->have_conf ? &h->conf : NULL,
			    h->profile, clock_wall_s(), f);
	struct sbuf b = { 0 };

	for (size_t i = 0; i < n; i++) {
		const char *label = f[i].label, *next = f[i].text;

		while (next && *next) {
			const char *line = next;
			size_t len = fmt_wrap(line, width, &next);

			sbuf_addf(&b, "%-17s%.*s\n", label, (int)len, line);
			label = "";
		}
	}
	tui_push(h->v.tui, text_view(h->v.tui, "This router", sbuf_take(&b)));
}

/* Everything about one suite, the batches too. */
static void show_suite(struct hw_view *h)
{
	const struct hw_bench *b = shown(h);
	size_t from = nth(h, h->at), to = hw_suite_end(b, from);
	char text[HW_SUITE_TEXT];
	struct sbuf s = { 0 };

	if (from >= b->n)
		return;
	sbuf_addf(&s, "%s%s\n\nMbit/s of data on one core, and how many packets at a time were best.\n",
		  hw_suite_str(&b->row[from], text), hw_weak(&b->row[from]) ? " (weak)" : "");
	for (size_t i = from; i < to; i++) {
		const struct hw_row *r = &b->row[i];

		if (r->why[0]) {
			sbuf_addf(&s, "\n%s: cannot: %s\n", hw_way_name(r->way), r->why);
			continue;
		}
		sbuf_addf(&s, "\n%s%s%s, %s\n", hw_way_name(r->way), r->driver[0] ? ": " : "", r->driver,
			  r->hardware ? "a device" : "the processor");
		for (unsigned k = 0; k < PROFILE_SIZES; k++) {
			if (!r->mbit[k])
				continue;
			sbuf_addf(&s, "  %5u bytes %8u Mbit/s", profile_sizes[k], r->mbit[k]);
			if (r->batch[k])
				sbuf_addf(&s, ", %u at a time", r->batch[k]);
			sbuf_addf(&s, "%s\n", r == hw_best(b, from, to, k) ? "  (the fastest)" : "");
		}
		if (r->way == HW_KERNEL)
			sbuf_add(&s, "  UDP through both ends of a tunnel: sealed, sent, opened, received\n");
	}
	tui_push(h->v.tui, text_view(h->v.tui, hw_suite_str(&b->row[from], text), sbuf_take(&s)));
}

/* ---- keys ---- */

static void move_to(struct hw_view *h, long at)
{
	size_t n = count(h);

	if (n)
		h->at = at < 0 ? 0 : at >= (long)n ? n - 1 : (size_t)at;
}

static enum handled key_move(struct hw_view *h, int key)
{
	long page = h->rows > 1 ? h->rows - 1 : 1;
	int row, column;

	switch (key) {
	case K_UP:
	case 'k':
	case K_WHEEL_UP:
		move_to(h, (long)h->at - 1);
		return HANDLED;
	case K_DOWN:
	case 'j':
	case K_WHEEL_DOWN:
		move_to(h, (long)h->at + 1);
		return HANDLED;
	case K_PGUP:
		move_to(h, (long)h->at - page);
		return HANDLED;
	case K_PGDN:
	case ' ':
		move_to(h, (long)h->at + page);
		return HANDLED;
	case K_HOME:
	case 'g':
		move_to(h, 0);
		return HANDLED;
	case K_END:
	case 'G':
		move_to(h, (long)count(h) - 1);
		return HANDLED;
	case K_LEFT:
		h->size -= h->size > 0;
		return HANDLED;
	case K_RIGHT:
		h->size += h->size + 1 < PROFILE_SIZES;
		return HANDLED;
	case K_CLICK:
		term_mouse(&row, &column);
		if (row >= h->top && row < h->top + h->rows)
			move_to(h, (long)h->first + row - h->top);
		return HANDLED;
	}
	return IGNORED;
}

static enum handled hw_key(struct view *v, int key)
{
	struct hw_view *h = (struct hw_view *)v;
	static const char *const counters[] = { "counters", NULL };

	if (key_move(h, key) == HANDLED)
		return HANDLED;
	switch (key) {
	case K_ENTER:
	case K_DOUBLE:
		show_suite(h);
		return HANDLED;
	case 'b':
		ask(h);
		return HANDLED;
	case 'w':
		h->weak = !h->weak;
		tui_say(v->tui, EL_TEXT, h->weak ? "weak algorithms too" : "without weak algorithms");
		return HANDLED;
	case 'i':
		show_facts(h);
		return HANDLED;
	case 'x':
		tui_push(v->tui, text_command_view(v->tui, counters));
		return HANDLED;
	}
	return IGNORED;
}

static void hw_free(struct view *v)
{
	struct hw_view *h = (struct hw_view *)v;

	hw_run_stop(&h->run);
	hw_bench_fini(&h->b);
	hw_bench_fini(&h->fresh);
	free(h);
}

static const struct key_help hw_keys[] = {
	{ "b", "measure", "measure every engine now, and keep what is fastest" },
	{ "Left/Right", "size", "another packet size" },
	{ "w", "weak", "weak algorithms too, or not" },
	{ "Enter", "details", "everything about the suite" },
	{ "i", "router", "processor, kernel, crypto hardware, network card" },
	{ "x", "counters", "why packets were lost" },
	{ NULL, NULL, NULL },
};

static const struct view_ops hw_ops = {
	.title = "the hardware", .keys = hw_keys, .draw = hw_draw, .key = hw_key, .tick = hw_tick,
	.fd = hw_fd, .free = hw_free,
};

struct view *hw_view(struct tui *t)
{
	struct hw_view *h = calloc(1, sizeof(*h));
	struct profile *p = calloc(1, sizeof(*p));
	struct draft *d = NULL;
	struct err ignored = { 0 };

	if (!h || !p) {
		free(h);
		free(p);
		return NULL;
	}
	h->v = (struct view){ .ops = &hw_ops, .tui = t };
	h->run.fd = -1;
	h->size = 3;	/* 1400 */
	h->have_conf = settings_router_draft(t->front.config_dir, &d, NULL, &ignored) == 0 &&
		       draft_to_router(d, &h->conf, &ignored) == 0;
	draft_free(d);
	h->profile = profile_load(p, t->front.config_dir, &ignored) == 0 && p->n;
	free(p);
	hw_machine_read(&h->m, "", h->have_conf ? h->conf.wan : "");
	return &h->v;
}
