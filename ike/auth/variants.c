/* variants: a key that does not match is most often right but for something that nobody sees:
 * a blank from a copy, a carriage return from a file, quotes, hexadecimal taken for text.
 * Whoever could ask the vault for this hint could ask it for the AUTH itself. */
#include "ike/auth/variants.h"

#include "core/base/secret.h"

#include <ctype.h>
#include <string.h>

#define VARIANT_MAX (2 * PSK_MAX + 8)

struct trial {
	struct slice psk;
	bool (*matches)(void *arg, struct slice variant);
	void *arg;
	uint8_t buf[VARIANT_MAX];
};

static bool is(struct trial *t, size_t len)
{
	return len && len <= VARIANT_MAX &&
	       t->matches(t->arg, (struct slice){ t->buf, len });
}

/* before + psk + after */
static bool wrapped(struct trial *t, const char *before, const char *after)
{
	size_t b = strlen(before), a = strlen(after);

	memcpy(t->buf, before, b);
	memcpy(t->buf + b, t->psk.p, t->psk.len);
	memcpy(t->buf + b + t->psk.len, after, a);
	return is(t, b + t->psk.len + a);
}

/* Without so many bytes at its ends. */
static bool cut(struct trial *t, size_t front, size_t end)
{
	if (front + end == 0 || front + end >= t->psk.len)
		return false;
	memcpy(t->buf, t->psk.p + front, t->psk.len - front - end);
	return is(t, t->psk.len - front - end);
}

static size_t at_end(struct slice s, const char *set)
{
	size_t n = 0;

	while (n < s.len && s.p[s.len - 1 - n] && strchr(set, s.p[s.len - 1 - n]))
		n++;
	return n;
}

static size_t at_start(struct slice s, const char *set)
{
	size_t n = 0;

	while (n < s.len && s.p[n] && strchr(set, s.p[n]))
		n++;
	return n;
}

static bool quotes(struct trial *t)
{
	const struct slice *s = &t->psk;

	if (wrapped(t, "\"", "\"") || wrapped(t, "'", "'"))
		return true;
	return s->len > 2 && (s->p[0] == '"' || s->p[0] == '\'') && s->p[s->len - 1] == s->p[0] &&
	       cut(t, 1, 1);
}

static bool hex_text(struct trial *t, const char *digits, const char *prefix)
{
	size_t n = strlen(prefix);

	memcpy(t->buf, prefix, n);
	for (size_t i = 0; i < t->psk.len; i++) {
		t->buf[n++] = (uint8_t)digits[t->psk.p[i] >> 4];
		t->buf[n++] = (uint8_t)digits[t->psk.p[i] & 15];
	}
	return is(t, n);
}

static bool as_text(struct trial *t)
{
	static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";

	return hex_text(t, lower, "0x") || hex_text(t, upper, "0x") || hex_text(t, lower, "") ||
	       hex_text(t, upper, "");
}

static int nibble(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (uint8_t)tolower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool as_bytes(struct trial *t)
{
	struct slice s = t->psk;
	size_t n = 0;

	if (s.len > 2 && s.p[0] == '0' && (s.p[1] | 0x20) == 'x')
		s = (struct slice){ s.p + 2, s.len - 2 };
	if (s.len % 2)
		return false;
	for (size_t i = 0; i + 1 < s.len; i += 2) {
		int hi = nibble(s.p[i]), lo = nibble(s.p[i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		t->buf[n++] = (uint8_t)(hi << 4 | lo);
	}
	return is(t, n);
}

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static bool from_base64(struct trial *t)
{
	struct slice s = t->psk;
	uint32_t bits = 0;
	unsigned have = 0;
	size_t n = 0;

	if (s.len > 2 && s.p[0] == '0' && s.p[1] == 's')
		s = (struct slice){ s.p + 2, s.len - 2 };
	s.len -= at_end(s, "=");
	for (size_t i = 0; i < s.len; i++) {
		const char *at = s.p[i] ? strchr(letters, s.p[i]) : NULL;

		if (!at)
			return false;
		bits = bits << 6 | (uint32_t)(at - letters);
		have += 6;
		if (have >= 8) {
			have -= 8;
			t->buf[n++] = (uint8_t)(bits >> have);
		}
	}
	return is(t, n);
}

static bool to_base64(struct trial *t, const char *prefix, bool padded)
{
	size_t n = strlen(prefix);

	memcpy(t->buf, prefix, n);
	for (size_t i = 0; i < t->psk.len; i += 3) {
		size_t left = t->psk.len - i;
		uint32_t v = (uint32_t)t->psk.p[i] << 16 |
			     (left > 1 ? (uint32_t)t->psk.p[i + 1] << 8 : 0) |
			     (left > 2 ? t->psk.p[i + 2] : 0);

		for (size_t k = 0; k < 4; k++)
			if (k <= left)
				t->buf[n++] = (uint8_t)letters[v >> (18 - 6 * k) & 63];
			else if (padded)
				t->buf[n++] = '=';
	}
	return is(t, n);
}

static bool base64(struct trial *t)
{
	return from_base64(t) || to_base64(t, "", true) || to_base64(t, "0s", true) ||
	       to_base64(t, "", false);
}

static bool other_case(struct trial *t)
{
	for (size_t i = 0; i < t->psk.len; i++) {
		uint8_t c = t->psk.p[i];

		t->buf[i] = (uint8_t)(c > 127 ? c : isupper(c) ? tolower(c) : toupper(c));
	}
	return is(t, t->psk.len);
}

enum psk_hint variants_try(struct slice psk, bool (*matches)(void *arg, struct slice variant),
			   void *arg)
{
	struct trial t = { .psk = psk, .matches = matches, .arg = arg };
	enum psk_hint hint = PSK_HINT_NONE;

	if (psk.len < 1 || psk.len > PSK_MAX)
		return PSK_HINT_NONE;
	if (wrapped(&t, "", "\r") || wrapped(&t, "", "\r\n") ||
	    (memchr(psk.p, '\r', psk.len) && cut(&t, 0, at_end(psk, "\r\n"))))
		hint = PSK_HINT_CR;
	else if (wrapped(&t, "", " ") || wrapped(&t, "", "\n") || wrapped(&t, "", "\t") ||
		 cut(&t, 0, at_end(psk, " \t\n")))
		hint = PSK_HINT_BLANK_END;
	else if (wrapped(&t, " ", "") || wrapped(&t, "\t", "") || cut(&t, at_start(psk, " \t"), 0))
		hint = PSK_HINT_BLANK_START;
	else if (quotes(&t))
		hint = PSK_HINT_QUOTES;
	else if (as_text(&t))
		hint = PSK_HINT_HEX_AS_TEXT;
	else if (as_bytes(&t))
		hint = PSK_HINT_TEXT_AS_HEX;
	else if (base64(&t))
		hint = PSK_HINT_BASE64;
	else if (other_case(&t))
		hint = PSK_HINT_CASE;
	secret_wipe(&t, sizeof(t));
	return hint;
}
