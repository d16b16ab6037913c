/* suites: a list of proposals in a box, and three questions that make one: which encryption,
 * which hash (where the encryption needs one), which group. Esc in one of them goes a step
 * back. */
#include "tui/suites.h"

#include "core/settings/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READY "ready-made"
#define NO_GROUP "none"

enum step { STEP_ENCR, STEP_HASH, STEP_GROUP, STEP_N };

struct suites {
	struct view v;
	struct suites_how how;
	struct suite_list list;
	size_t at;			/* list.n: the line that adds one */
	size_t editing;			/* the one being put together */
	const struct alg *part[STEP_N];
	unsigned weak;			/* what the one under way would need */
	char made[128];
};

static void store(struct suites *s, unsigned weak)
{
	char text[1024];

	s->how.set(s->how.arg, s->list.n ? suite_list_str(s->how.use, &s->list, text, sizeof(text))
					 : "", weak);
	if (!s->how.get(s->how.arg, &s->list))
		s->list.n = 0;
	if (s->at > s->list.n)
		s->at = s->list.n;
}

/* ---- one proposal ---- */

static void ask_step(struct suites *s, enum step step);

/* The text that the parts make; a suite of one choice of each type. */
static void assemble(struct suites *s)
{
	const struct alg *const *p = s->part;

	snprintf(s->made, sizeof(s->made), "%s%s%s%s%s", p[STEP_ENCR]->name,
		 p[STEP_HASH] ? "-" : "", p[STEP_HASH] ? p[STEP_HASH]->name : "",
		 p[STEP_GROUP] ? "-" : "", p[STEP_GROUP] ? p[STEP_GROUP]->name : "");
}

static void put(struct suites *s, unsigned weak)
{
	struct suite_list one;
	struct err e = { 0 };

	if (suite_parse(s->how.use, s->made, &one, &e) < 0) {
		tui_say(s->v.tui, EL_ERROR, "%s", e.msg);
		return;
	}
	if (s->editing == s->list.n)
		s->list.n++;
	s->list.s[s->editing] = one.s[0];
	s->at = s->editing;
	store(s, weak);
}

static void weak_answer(void *arg, int letter)
{
	struct suites *s = arg;

	if (letter == 'y')
		put(s, s->weak);
	else
		ask_step(s, STEP_GROUP);
}

static void finish(struct suites *s)
{
	char words[80], text[400];
	struct suite_list one;
	struct err e = { 0 };

	if (suite_parse(s->how.use, s->made, &one, &e) < 0) {
		tui_say(s->v.tui, EL_ERROR, "%s", e.msg);
		return;
	}
	s->weak = suite_weak(&one) & ~s->how.allowed(s->how.arg);
	if (!s->weak) {
		put(s, 0);
		return;
	}
	weak_str(s->weak, words, sizeof(words));
	snprintf(text, sizeof(text), "%s has %s, which is weak: take it only where the other side "
		 "can do nothing better. It counts only if allow_weak names it, and every status "
		 "marks this peer then.\n\nAdd %s to allow_weak?", s->made, words, words);
	pop_ask(s->v.tui, "A weak algorithm", text, "y", weak_answer, s);
}

static bool step_applies(const struct suites *s, enum step step)
{
	/* An AEAD cipher brings its own integrity; IKE still needs the hash to make keys. */
	return step != STEP_HASH || s->how.use == SUITE_IKE || !s->part[STEP_ENCR] ||
	       !s->part[STEP_ENCR]->aead;
}

static void next_step(struct suites *s, enum step done)
{
	int step = done + 1;

	while (step < STEP_N && !step_applies(s, (enum step)step))
		s->part[step++] = NULL;
	if (step < STEP_N) {
		ask_step(s, (enum step)step);
		return;
	}
	assemble(s);
	finish(s);
}

static const enum alg_type step_type[] = { ALG_ENCR, ALG_INTEG, ALG_KE };

static void took(struct suites *s, enum step step, const char *value)
{
	int back = step - 1;

	if (!value) {
		while (back >= 0 && !step_applies(s, (enum step)back))
			back--;
		if (back >= 0)
			ask_step(s, (enum step)back);
		return;
	}
	s->part[step] = alg_by_name(step_type[step], value);
	next_step(s, step);
}

static void took_ready(void *arg, const char *value)
{
	struct suites *s = arg;

	if (!value) {
		ask_step(s, STEP_ENCR);
		return;
	}
	snprintf(s->made, sizeof(s->made), "%s", value);
	finish(s);
}

struct offers {
	struct pop_choice *list;
	size_t n;
};

static void offer(void *arg, const char *value, const char *about, bool weak)
{
	struct offers *o = arg;
	struct pop_choice *grown = realloc(o->list, (o->n + 1) * sizeof(*grown));

	if (!grown)
		return;
	o->list = grown;
	grown[o->n++] = (struct pop_choice){ strdup(value), strdup(about), weak };
}

static void ask_ready(struct suites *s)
{
	const struct setting *row = setting_find(SCOPE_PEER, s->how.use == SUITE_IKE ? "ike" : "esp");
	struct offers o = { 0 };

	setting_suggest(row, "", offer, &o);
	pop_choose(s->v.tui, "A proposal, ready-made", o.list, o.n, 0, took_ready, s);
}

static void took_encr(void *arg, const char *value)
{
	struct suites *s = arg;

	if (value && strcmp(value, READY) == 0)
		ask_ready(s);
	else
		took(s, STEP_ENCR, value);
}

static void took_hash(void *arg, const char *value)
{
	took(arg, STEP_HASH, value);
}

static void took_group(void *arg, const char *value)
{
	took(arg, STEP_GROUP, value);
}

static const char *remark(const struct suites *s, const struct alg *a)
{
	static const struct {
		const char *name, *text;
	} remarks[] = {
		{ "aes256gcm16", "strong, fast with AES hardware" },
		{ "aes128gcm16", "fast on small routers" },
		{ "chacha20poly1305", "fast without AES hardware" },
		{ "aes256", "understood by nearly everyone" },
		{ "aes128", "understood by nearly everyone" },
		{ "sha256", "what most use" },
		{ "x25519", "fast" }, { "ecp256", "fast" }, { "ecp384", "strong" },
		{ "modp2048", "understood by nearly everyone" },
		{ "modp6144", "slow to start" }, { "modp8192", "slow to start" },
	};

	if (a->weak)
		return a->weak & ~s->how.allowed(s->how.arg) ? "weak: allow_weak must name it"
							     : "weak, and allowed";
	for (size_t i = 0; i < sizeof(remarks) / sizeof(remarks[0]); i++)
		if (strcmp(remarks[i].name, a->name) == 0)
			return remarks[i].text;
	return "";
}

/* Good ones first, as the table has them; then the weak. Returns the line of `now`. */
static size_t offer_parts(const struct suites *s, enum step step, struct offers *o)
{
	size_t n, sel = o->n;
	const struct alg *all = alg_table(&n);

	for (int weak = 0; weak <= (s->how.weak ? 1 : 0); weak++) {
		for (size_t i = 0; i < n; i++) {
			char about[100];

			if (all[i].type != step_type[step] || (all[i].weak != 0) != weak ||
			    (all[i].esp_only && s->how.use == SUITE_IKE))
				continue;
			if (s->part[step] && strcmp(s->part[step]->name, all[i].name) == 0)
				sel = o->n;
			snprintf(about, sizeof(about), "%-18s %s", all[i].label, remark(s, &all[i]));
			offer(o, all[i].name, about, weak);
		}
	}
	return sel;
}

static void ask_step(struct suites *s, enum step step)
{
	static void (*const took_by[])(void *arg, const char *value) = {
		took_encr, took_hash, took_group,
	};
	bool aead = s->part[STEP_ENCR] && s->part[STEP_ENCR]->aead, ike = s->how.use == SUITE_IKE;
	const char *what = step == STEP_ENCR ? "encryption"
			 : step == STEP_GROUP ? ike ? "group of the key exchange"
						    : "group for fresh keys at each rekey"
			 : aead ? "hash, which makes keys" : "hash";
	struct offers o = { 0 };
	char title[100];
	size_t sel;

	snprintf(title, sizeof(title), "Proposal %zu: %s", s->editing + 1, what);
	sel = offer_parts(s, step, &o);
	if (step == STEP_ENCR)
		offer(&o, READY, "whole proposals of good practice", false);
	if (step == STEP_GROUP && !ike) {
		offer(&o, NO_GROUP, "no perfect forward secrecy", false);
		if (!s->part[STEP_GROUP] && s->editing < s->list.n)
			sel = o.n - 1;
	}
	pop_choose(s->v.tui, title, o.list, o.n, sel, took_by[step], s);
}

/* Begin with the parts of the one that is changed. */
static void begin(struct suites *s, size_t which)
{
	struct tui *t = s->v.tui;

	if (which >= SUITE_MAX) {
		tui_say(t, EL_ERROR, "There is room for %d proposals", SUITE_MAX);
		return;
	}
	s->editing = which;
	memset(s->part, 0, sizeof(s->part));
	if (which < s->list.n) {
		const struct suite *one = &s->list.s[which];
		uint16_t hash = 0;

		s->part[STEP_ENCR] = alg_get(ALG_ENCR, one->encr[0].id, one->encr[0].key_bits);
		if (one->n_integ)
			s->part[STEP_HASH] = alg_get(ALG_INTEG, one->integ[0], 0);
		else if (one->n_prf && (hash = one->prf[0]))
			s->part[STEP_HASH] = alg_get(ALG_PRF, hash, 0);
		if (one->n_ke)
			s->part[STEP_GROUP] = alg_get(ALG_KE, one->ke[0], 0);
	}
	ask_step(s, STEP_ENCR);
}

/* ---- the box ---- */

static void move(struct suites *s, int by)
{
	size_t to = s->at + (size_t)by;
	struct suite keep;

	if (s->at >= s->list.n || to >= s->list.n)
		return;
	keep = s->list.s[s->at];
	s->list.s[s->at] = s->list.s[to];
	s->list.s[to] = keep;
	s->at = to;
	store(s, 0);
}

static void take_away(struct suites *s)
{
	if (s->at >= s->list.n)
		return;
	if (s->list.n == 1) {
		tui_say(s->v.tui, EL_ERROR, "This is the only one; x takes the default again");
		return;
	}
	memmove(&s->list.s[s->at], &s->list.s[s->at + 1],
		(s->list.n - s->at - 1) * sizeof(s->list.s[0]));
	s->list.n--;
	store(s, 0);
}

static void only(struct suites *s)
{
	if (s->at >= s->list.n)
		return;
	s->list.s[0] = s->list.s[s->at];
	s->list.n = 1;
	s->at = 0;
	store(s, 0);
}

static enum handled suites_key(struct view *v, int key)
{
	struct suites *s = (struct suites *)v;

	switch (key) {
	case K_UP:
	case K_WHEEL_UP:
	case 'k':
		s->at -= s->at > 0;
		break;
	case K_DOWN:
	case K_WHEEL_DOWN:
	case 'j':
		s->at += s->at < s->list.n;
		break;
	case K_HOME:
		s->at = 0;
		break;
	case K_END:
		s->at = s->list.n;
		break;
	case K_ENTER:
	case ' ':
		begin(s, s->at);
		break;
	case 'a':
	case K_INSERT:
		begin(s, s->list.n);
		break;
	case 'd':
	case K_DELETE:
		take_away(s);
		break;
	case 'o':
		only(s);
		break;
	case '+':
		move(s, -1);
		break;
	case '-':
		move(s, 1);
		break;
	case 'x':
		s->list.n = 0;
		store(s, 0);
		break;
	case K_ESC:
	case 'q':
	case K_CTRL('c'):
		tui_pop(v->tui);
		break;
	default:
		break;
	}
	return HANDLED;
}

/* "AES-256-GCM, SHA2-256, Curve25519" */
static void in_words(enum suite_use use, const struct suite *one, char *buf, size_t cap)
{
	const struct alg *e = alg_get(ALG_ENCR, one->encr[0].id, one->encr[0].key_bits);
	const struct alg *h = one->n_integ ? alg_get(ALG_INTEG, one->integ[0], 0)
			    : one->n_prf ? alg_get(ALG_PRF, one->prf[0], 0) : NULL;
	const struct alg *g = one->n_ke ? alg_get(ALG_KE, one->ke[0], 0) : NULL;
	struct suite_list list = { .n = 1, .s = { *one } };
	unsigned weak = suite_weak(&list);
	char words[80];

	snprintf(buf, cap, "%s%s%s, %s%s%s", e ? e->label : "", h ? ", " : "",
		 h ? strstr(h->label, "SHA") ? strstr(h->label, "SHA") : h->label : "",
		 g ? g->label : use == SUITE_ESP ? "no PFS" : "", weak ? "  weak: " : "",
		 weak ? weak_str(weak, words, sizeof(words)) : "");
}

static void draw_line(const struct suites *s, size_t i, int row, int col, int width)
{
	enum element el = i == s->at ? EL_SELECT : EL_TEXT;
	char text[256], words[200];
	int half = width * 45 / 100;

	if (i == s->list.n) {
		term_put(row, col, width, el, s->list.n ? "   + another one" : "   + a proposal");
		return;
	}
	suite_str(s->how.use, &s->list.s[i], text, sizeof(text));
	if (width < 60) {
		term_putf(row, col, width, el, "%zu  %s", i + 1, text);
		return;
	}
	in_words(s->how.use, &s->list.s[i], words, sizeof(words));
	term_putf(row, col, half, el, "%zu  %s", i + 1, text);
	term_put(row, col + half, width - half,
		 i == s->at ? EL_SELECT : strstr(words, "weak") ? EL_WEAK : EL_DIM, words);
}

static void suites_draw(struct view *v, int top, int rows)
{
	static const char *const keys[] = {
		"[Enter] change  [a] add  [d] remove  [o] only this one",
		"[+] earlier  [-] later  [x] the default  [Esc] done",
	};
	static const char *const narrow[] = {
		"[Enter] change [a] add [d] remove", "[o] only [+] [-] order [Esc] done",
	};
	struct suites *s = (struct suites *)v;
	int width = term_cols() - 2 < 84 ? term_cols() - 2 : 84, height = (int)s->list.n + 7;
	int row, col, shown;
	size_t first = 0;

	if (height > rows)
		height = rows;
	row = top + (rows - height) / 2;
	col = (term_cols() - width) / 2;
	shown = height - 6 > 1 ? height - 6 : 1;
	if (s->at >= (size_t)shown)
		first = s->at - (size_t)shown + 1;
	term_box(row, col, height, width, s->how.title);
	term_put(row + 1, col + 2, width - 4, EL_DIM, "Offered and accepted, best first:");
	for (int r = 0; r < shown && first + (size_t)r <= s->list.n; r++)
		draw_line(s, first + (size_t)r, row + 2 + r, col + 2, width - 4);
	for (int k = 0; k < 2; k++)
		term_put(row + height - 3 + k, col + 2, width - 4, EL_KEY,
			 width < 60 ? narrow[k] : keys[k]);
}

static const struct key_help no_keys[] = { { NULL, NULL, NULL } };

static const struct view_ops suites_ops = {
	.title = "proposals", .keys = no_keys, .draw = suites_draw, .key = suites_key, .popup = true,
};

void suites_edit(struct tui *t, const struct suites_how *how)
{
	struct suites *s = calloc(1, sizeof(*s));

	if (!s)
		return;
	s->v = (struct view){ .ops = &suites_ops, .tui = t };
	s->how = *how;
	if (!how->get(how->arg, &s->list))
		s->list.n = 0;
	tui_push(t, &s->v);
	if (!s->list.n)
		begin(s, 0);
}
