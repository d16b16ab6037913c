/* edit: a line is short, so every key walks it; what matters is that no byte is ever split. */
#include "tui/edit.h"

#include "core/base/secret.h"

#include <stdio.h>
#include <string.h>

static size_t char_len(const char *s)
{
	size_t n = 1;

	while (((unsigned char)s[n] & 0xc0) == 0x80)
		n++;
	return n;
}

static size_t prev(const struct edit *e, size_t at)
{
	if (at)
		at--;
	while (at && ((unsigned char)e->text[at] & 0xc0) == 0x80)
		at--;
	return at;
}

void edit_set(struct edit *e, const char *text)
{
	secret_wipe(e->text, sizeof(e->text));
	snprintf(e->text, sizeof(e->text), "%s", text);
	e->len = e->at = strlen(e->text);
	e->first = 0;
}

void edit_fini(struct edit *e)
{
	secret_wipe(e, sizeof(*e));
}

static void cut(struct edit *e, size_t from, size_t to)
{
	memmove(e->text + from, e->text + to, e->len - to + 1);
	e->len -= to - from;
	e->at = from;
}

static bool insert(struct edit *e, int key)
{
	char c[4];
	size_t n = 0;

	if (key < 0x80) {
		c[n++] = (char)key;
	} else if (key < 0x800) {
		c[n++] = (char)(0xc0 | key >> 6);
		c[n++] = (char)(0x80 | (key & 0x3f));
	} else {
		if (key >= 0x10000)
			c[n++] = (char)(0xf0 | key >> 18);
		c[n++] = (char)(key >= 0x10000 ? 0x80 | (key >> 12 & 0x3f) : 0xe0 | key >> 12);
		c[n++] = (char)(0x80 | (key >> 6 & 0x3f));
		c[n++] = (char)(0x80 | (key & 0x3f));
	}
	if (e->len + n >= sizeof(e->text))
		return false;
	memmove(e->text + e->at + n, e->text + e->at, e->len - e->at + 1);
	memcpy(e->text + e->at, c, n);
	e->len += n;
	e->at += n;
	return true;
}

static size_t word_start(const struct edit *e)
{
	size_t at = e->at;

	while (at && strchr(" ,-", e->text[at - 1]))
		at--;
	while (at && !strchr(" ,-", e->text[at - 1]))
		at--;
	return at;
}

enum handled edit_key(struct edit *e, int key, bool *changed)
{
	size_t len = e->len;
	bool typed = false;

	switch (key) {
	case K_LEFT:
		e->at = prev(e, e->at);
		break;
	case K_RIGHT:
		if (e->at < e->len)
			e->at += char_len(e->text + e->at);
		break;
	case K_HOME:
	case K_CTRL('a'):
		e->at = 0;
		break;
	case K_END:
	case K_CTRL('e'):
		e->at = e->len;
		break;
	case K_BACKSPACE:
		cut(e, prev(e, e->at), e->at);
		break;
	case K_DELETE:
	case K_CTRL('d'):
		if (e->at < e->len)
			cut(e, e->at, e->at + char_len(e->text + e->at));
		break;
	case K_CTRL('u'):
		cut(e, 0, e->at);
		break;
	case K_CTRL('k'):
		cut(e, e->at, e->len);
		break;
	case K_CTRL('w'):
		cut(e, word_start(e), e->at);
		break;
	default:
		if (key < ' ' || key == K_BACKSPACE || key >= K_UP)
			return IGNORED;
		typed = insert(e, key);
	}
	if (changed && (typed || e->len != len))
		*changed = true;
	return HANDLED;
}

void edit_draw(struct edit *e, int row, int col, int width, enum element el, bool mask,
	       bool cursor)
{
	const char *dot = term_utf8() ? "•" : "*";
	char shown[EDIT_MAX * 3];
	size_t n = 0, at_col = 0, skip = 0, col_n = 0;

	/* One cell a character: what settings hold is narrow. */
	for (size_t i = 0; i < e->len; i += char_len(e->text + i), col_n++)
		if (i < e->at)
			at_col++;
	if ((int)at_col >= width)
		skip = at_col - (size_t)width + 1;
	col_n = 0;
	for (size_t i = 0; i < e->len; i += char_len(e->text + i), col_n++) {
		size_t len = char_len(e->text + i);
		const char *src = mask ? dot : e->text + i;

		if (col_n < skip || col_n >= skip + (size_t)width)
			continue;
		len = mask ? strlen(dot) : len;
		memcpy(shown + n, src, len);
		n += len;
	}
	shown[n] = '\0';
	term_put(row, col, width, el, shown);
	if (cursor)
		term_cursor(row, col + (int)(at_col - skip));
	secret_wipe(shown, n);
}
