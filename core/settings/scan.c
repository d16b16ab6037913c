/* scan: the lexical side of libconfuse's language (its lexer.l), with positions. */
#include "core/settings/scan.h"

#include <stdlib.h>
#include <string.h>

struct lex {
	struct scan *sc;
	size_t at;
	struct span tok;
	enum { T_END, T_WORD, T_OPEN, T_CLOSE, T_EQUAL, T_COMMA, T_BAD } kind;
};

static int fail(struct scan *sc, struct span where, const char *why)
{
	sc->bad = where;
	sc->why = why;
	return -1;
}

static int lex_fail(struct lex *l, size_t off, size_t len, const char *why)
{
	l->kind = T_BAD;
	return fail(l->sc, (struct span){ off, len }, why);
}

static char at(const struct lex *l, size_t i)
{
	return i < l->sc->len ? l->sc->text[i] : '\0';
}

static void *room(void *p, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return p;
	*cap = *cap ? *cap * 2 : 16;
	return realloc(p, *cap * size);
}

#define GROW(sc, what) \
	__extension__({ \
		void *g_p = room((sc)->what, (sc)->n_##what, &(sc)->cap_##what, \
				 sizeof(*(sc)->what)); \
		if (g_p) \
			(sc)->what = g_p; \
		g_p != NULL; \
	})

static int no_memory(struct scan *sc)
{
	return fail(sc, (struct span){ 0, 0 }, NULL);
}

static int add_comment(struct lex *l, size_t off)
{
	struct scan *sc = l->sc;

	if (!GROW(sc, comment)) {
		l->kind = T_BAD;
		return no_memory(sc);
	}
	sc->comment[sc->n_comment++] = (struct span){ off, l->at - off };
	return 0;
}

static int skip_blank(struct lex *l)
{
	const struct scan *sc = l->sc;

	for (;;) {
		char c = at(l, l->at), d = at(l, l->at + 1);

		if (l->at >= sc->len)
			return 0;
		if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
			l->at++;
		} else if (c == '#' || (c == '/' && d == '/')) {
			size_t from = l->at;

			while (l->at < sc->len && sc->text[l->at] != '\n')
				l->at++;
			if (add_comment(l, from) < 0)
				return -1;
		} else if (c == '/' && d == '*') {
			const char *end = memmem(sc->text + l->at + 2,
						 sc->len - l->at - 2, "*/", 2);

			if (!end)
				return lex_fail(l, l->at, 2,
						"this comment has no end (*/)");
			if (add_comment(l, l->at) < 0)
				return -1;
			sc->comment[sc->n_comment - 1].len =
				(size_t)(end - sc->text) + 2 - l->at;
			l->at = (size_t)(end - sc->text) + 2;
		} else
			return 0;
	}
}

static bool is_word_byte(char c)
{
	return (unsigned char)c > 0x20 && c != 0x7f && !strchr("#\"'={}()+,*", c);
}

static int take_quoted(struct lex *l, char quote)
{
	const struct scan *sc = l->sc;
	size_t from = l->at++;

	for (; l->at < sc->len; l->at++) {
		char c = sc->text[l->at];

		if (c == quote) {
			l->at++;
			l->tok = (struct span){ from, l->at - from };
			l->kind = T_WORD;
			return 0;
		}
		if (c == '\n')
			break;
		if (c == '\\') {
			if (l->at + 1 >= sc->len || sc->text[l->at + 1] == '\n')
				break;
			l->at++;
			/* \1 to \777, or a run of digits libconfuse chokes on. */
			if (quote == '"' && sc->text[l->at] >= '0' &&
			    sc->text[l->at] <= '9')
				return lex_fail(l, l->at - 1, 2,
						"a backslash before a digit does not "
						"work here: write the character itself");
		}
		if (quote == '"' && c == '$' && at(l, l->at + 1) == '{')
			return lex_fail(l, l->at, 2,
					"${…} would be replaced from the environment: "
					"write \\${ for the characters themselves");
	}
	return lex_fail(l, from, 1, "this quote is not closed on its line");
}

static int take_word(struct lex *l)
{
	const struct scan *sc = l->sc;
	size_t from = l->at;

	while (l->at < sc->len) {
		char c = sc->text[l->at], d = at(l, l->at + 1);

		if (!is_word_byte(c))
			break;
		if (c == '/' && (d == '/' || d == '*'))
			break;
		if (c == '/' && !is_word_byte(d))
			return lex_fail(l, l->at, 1,
					"a / ends this word: put the value in quotes");
		if (c == '$' && d == '{')
			return lex_fail(l, l->at, 2,
					"${…} would be replaced from the environment: "
					"put the value in single quotes");
		l->at++;
	}
	if (l->at == from)
		return lex_fail(l, from, 1,
				"this character does not belong here: put the value in "
				"quotes");
	l->tok = (struct span){ from, l->at - from };
	l->kind = T_WORD;
	return 0;
}

static int next(struct lex *l)
{
	char c;

	if (skip_blank(l) < 0)
		return -1;
	/* At the end tok stays the last one: that is where something is missing. */
	if (l->at >= l->sc->len) {
		l->kind = T_END;
		return 0;
	}
	l->tok = (struct span){ l->at, 1 };
	c = l->sc->text[l->at];
	switch (c) {
	case '{': l->kind = T_OPEN; l->at++; return 0;
	case '}': l->kind = T_CLOSE; l->at++; return 0;
	case '=': l->kind = T_EQUAL; l->at++; return 0;
	case ',': l->kind = T_COMMA; l->at++; return 0;
	case '"': case '\'': return take_quoted(l, c);
	}
	if (c == '+' && at(l, l->at + 1) == '=')
		return lex_fail(l, l->at, 2,
				"+= does not work here: write one list, { a, b }");
	return take_word(l);
}

static int add_item(struct scan *sc, struct scan_entry *en, struct span raw)
{
	if (!GROW(sc, item))
		return no_memory(sc);
	sc->item[sc->n_item++].raw = raw;
	en->n_items++;
	return 0;
}

static int take_list(struct lex *l, struct scan_entry *en)
{
	struct scan *sc = l->sc;
	size_t from = l->tok.off;

	en->list = true;
	for (;;) {
		if (next(l) < 0)
			return -1;
		if (l->kind == T_CLOSE)
			break;
		if (l->kind != T_WORD)
			return fail(sc, l->tok,
				    "here a value of the list, or } is missing");
		if (add_item(sc, en, l->tok) < 0 || next(l) < 0)
			return -1;
		if (l->kind == T_CLOSE)
			break;
		if (l->kind != T_COMMA)
			return fail(sc, l->tok,
				    "between the values of a list belongs a comma");
	}
	en->value = (struct span){ from, l->at - from };
	return 0;
}

static int take_entry(struct lex *l, struct span key, int section)
{
	struct scan *sc = l->sc;
	struct scan_entry en = { .section = section, .key = key, .item = sc->n_item };

	if (next(l) < 0)
		return -1;
	if (l->kind == T_OPEN) {
		if (take_list(l, &en) < 0)
			return -1;
	} else if (l->kind == T_WORD) {
		en.value = l->tok;
		if (add_item(sc, &en, l->tok) < 0)
			return -1;
	} else
		return fail(sc, l->tok, "the value is missing");
	if (!GROW(sc, entry))
		return no_memory(sc);
	sc->entry[sc->n_entry++] = en;
	return 0;
}

static bool quoted(const struct scan *sc, struct span s)
{
	return sc->text[s.off] == '"' || sc->text[s.off] == '\'';
}

/* Does this stand on the line on which the value before it ended? */
static bool after_value(const struct scan *sc, struct span s)
{
	const struct scan_entry *last = sc->n_entry ? &sc->entry[sc->n_entry - 1] : NULL;

	return last && !memchr(sc->text + last->value.off, '\n', s.off - last->value.off);
}

/* What goes wrong behind a key most often: no =, or several words where quotes are
 * missing. */
static int no_equal(struct scan *sc, struct span key)
{
	if (after_value(sc, key))
		return fail(sc, key, "more than one word: put the value in quotes");
	return fail(sc, key, "behind the key belongs = and a value");
}

static int no_key(const struct lex *l)
{
	if (l->kind == T_CLOSE)
		return fail(l->sc, l->tok, "this } closes nothing");
	if (l->kind == T_COMMA && after_value(l->sc, l->tok))
		return fail(l->sc, l->tok,
			    "several values are written { a, b } or \"a, b\"");
	return fail(l->sc, l->tok, "here a key is missing");
}

static int take_items(struct lex *l, int section);

static int take_section(struct lex *l, struct span word, struct span title, bool titled,
			int section)
{
	struct scan *sc = l->sc;
	struct scan_section se = { .word = word, .titled = titled, .title_raw = title,
				   .open = l->tok.off };
	size_t i = sc->n_section;

	if (section >= 0)
		return fail(sc, word, "a section cannot stand inside another");
	if (titled) {
		bool q = quoted(sc, title);

		se.title = (struct span){ title.off + q, title.len - 2u * q };
	}
	if (!GROW(sc, section))
		return no_memory(sc);
	sc->section[sc->n_section++] = se;
	if (take_items(l, (int)i) < 0)
		return -1;
	if (l->kind != T_CLOSE)
		return fail(sc, word, "this section has no closing }");
	sc->section[i].close = l->tok.off;
	sc->section[i].whole = (struct span){ word.off, l->at - word.off };
	return 0;
}

static int take_items(struct lex *l, int section)
{
	struct scan *sc = l->sc;

	for (;;) {
		struct span word, title = { 0, 0 };
		bool titled = false;

		if (next(l) < 0)
			return -1;
		if (l->kind == T_END || (l->kind == T_CLOSE && section >= 0))
			return 0;
		if (l->kind != T_WORD)
			return no_key(l);
		word = l->tok;
		if (quoted(sc, word))
			return fail(sc, word, "a key stands without quotes");
		if (next(l) < 0)
			return -1;
		if (l->kind == T_EQUAL) {
			if (take_entry(l, word, section) < 0)
				return -1;
			continue;
		}
		if (l->kind == T_WORD) {
			title = l->tok;
			titled = true;
			if (next(l) < 0)
				return -1;
			if (l->kind != T_OPEN)
				return no_equal(sc, word);
		}
		if (l->kind != T_OPEN)
			return no_equal(sc, word);
		if (take_section(l, word, title, titled, section) < 0)
			return -1;
	}
}

static int check_bytes(struct scan *sc)
{
	for (size_t i = 0; i < sc->len; i++) {
		unsigned char c = (unsigned char)sc->text[i];

		if ((c < 0x20 && c != '\n' && c != '\t' && c != '\r') || c == 0x7f)
			return fail(sc, (struct span){ i, 1 }, c ? "a control character" :
				    "a NUL byte: this is not a text file");
	}
	return 0;
}

int scan_text(struct scan *sc, const char *text, size_t len)
{
	struct lex l = { .sc = sc };

	memset(sc, 0, sizeof(*sc));
	sc->text = text;
	sc->len = len;
	if (check_bytes(sc) < 0)
		return -1;
	return take_items(&l, -1);
}

void scan_fini(struct scan *sc)
{
	free(sc->entry);
	free(sc->section);
	free(sc->item);
	free(sc->comment);
	memset(sc, 0, sizeof(*sc));
}

bool span_is(const struct scan *sc, struct span s, const char *word)
{
	return strlen(word) == s.len && memcmp(sc->text + s.off, word, s.len) == 0;
}

const struct scan_entry *scan_find(const struct scan *sc, int section, const char *key)
{
	for (size_t i = 0; i < sc->n_entry; i++)
		if (sc->entry[i].section == section && span_is(sc, sc->entry[i].key, key))
			return &sc->entry[i];
	return NULL;
}

int scan_find_section(const struct scan *sc, const char *word, const char *title)
{
	for (size_t i = 0; i < sc->n_section; i++)
		if (span_is(sc, sc->section[i].word, word) &&
		    (!title || span_is(sc, sc->section[i].title, title)))
			return (int)i;
	return -1;
}

void scan_place(const char *text, size_t len, size_t off, unsigned *line,
		unsigned *column)
{
	*line = *column = 1;
	for (size_t i = 0; i < off && i < len; i++) {
		(*column)++;
		if (text[i] == '\n') {
			(*line)++;
			*column = 1;
		}
	}
}

struct span scan_line(const char *text, size_t len, size_t off)
{
	size_t from = off > len ? len : off, to = from;

	while (from > 0 && text[from - 1] != '\n')
		from--;
	while (to < len && text[to] != '\n' && text[to] != '\r')
		to++;
	return (struct span){ from, to - from };
}
