/* psk: what a pre-shared key may look like. */
#include "core/settings/draft_priv.h"

#include "core/base/secret.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static int nibble(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

int psk_parse(const char *text, uint8_t *out, size_t *len, struct err *e)
{
	size_t n = strlen(text);

	if (!n)
		return err_code(e, EXIT_SETTINGS, "the pre-shared key is empty");
	if (strncasecmp(text, "0x", 2) == 0) {
		if (n == 2 || n % 2 ||
		    strspn(text + 2, "0123456789abcdefABCDEF") != n - 2)
			return err_code(e, EXIT_SETTINGS,
					"behind 0x belong pairs of hex digits");
		if ((n - 2) / 2 > PSK_MAX)
			return err_code(e, EXIT_SETTINGS, "longer than %d bytes",
					PSK_MAX);
		for (size_t i = 2; i < n; i += 2)
			out[i / 2 - 1] =
				(uint8_t)(nibble(text[i]) << 4 | nibble(text[i + 1]));
		*len = (n - 2) / 2;
		return 0;
	}
	if (n > PSK_MAX)
		return err_code(e, EXIT_SETTINGS, "longer than %d bytes", PSK_MAX);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return err_code(
				e, EXIT_SETTINGS,
				"the pre-shared key holds a control character "
				"(a line break?); bytes of any kind are written as 0x…");
	memcpy(out, text, n);
	*len = n;
	return 0;
}

const char *psk_weakness(const char *text)
{
	size_t n = strlen(text), kinds = 0, bytes = n;
	bool seen[256] = { false };

	for (size_t i = 0; i < n; i++) {
		kinds += !seen[(unsigned char)text[i]];
		seen[(unsigned char)text[i]] = true;
	}
	secret_wipe(seen, sizeof(seen));
	if (n && (text[0] == ' ' || text[n - 1] == ' '))
		return "begins or ends with a blank: is it part of the key?";
	if (n > 2 && strncasecmp(text, "0x", 2) == 0)
		bytes = n - 2; /* hex digits carry half, but nobody makes them up */
	if (bytes < PSK_SHORT)
		return "is under 20 characters and can be guessed; adit genpsk makes a "
		       "good one";
	if (kinds < 6)
		return "repeats the same few characters and can be guessed; adit genpsk "
		       "makes a good "
		       "one";
	return NULL;
}
