/* pem: base64 between two lines. Lenient about blanks and line ends, for these files have
 * been through mail. */
#include "core/crypto/pem.h"

#include <string.h>

static const char begin[] = "-----BEGIN ", end[] = "-----END ", dashes[] = "-----";

static const uint8_t *find(struct slice in, const char *what)
{
	return in.len ? memmem(in.p, in.len, what, strlen(what)) : NULL;
}

static struct slice from(struct slice s, const uint8_t *p)
{
	return (struct slice){ p, s.len - (size_t)(p - s.p) };
}

bool pem_is(struct slice file)
{
	return find(file, begin) != NULL;
}

/* Old OpenSSL keys have headers, "Name: value", and an empty line before the base64. */
static void skip_headers(struct pem *p)
{
	static const char proc[] = "Proc-Type:";
	const uint8_t *gap;
	size_t skip = 0;

	while (skip < p->body.len && memchr("\r\n \t", p->body.p[skip], 4))
		skip++;
	p->body.p += skip;
	p->body.len -= skip;
	if (p->body.len < sizeof(proc) || memcmp(p->body.p, proc, sizeof(proc) - 1) != 0)
		return;
	p->encrypted = find(p->body, "ENCRYPTED") != NULL;
	gap = find(p->body, "\n\n");
	if (!gap)
		gap = find(p->body, "\n\r\n");
	if (gap)
		p->body = from(p->body, gap);
}

bool pem_next(struct slice *text, struct pem *out)
{
	const uint8_t *b = find(*text, begin), *stop;
	char last[sizeof(end) + PEM_LABEL_MAX + sizeof(dashes)];
	struct slice rest;
	size_t n;

	memset(out, 0, sizeof(*out));
	if (!b)
		return false;
	rest = from(*text, b + strlen(begin));
	stop = find(rest, dashes);
	if (!stop || (n = (size_t)(stop - rest.p)) > PEM_LABEL_MAX ||
	    memchr(rest.p, '\n', n) || memchr(rest.p, '\0', n))
		return false;
	memcpy(out->label, rest.p, n);
	rest = from(rest, stop + strlen(dashes));
	strcpy(last, end);
	strcat(last, out->label);
	strcat(last, dashes);
	stop = find(rest, last);
	if (!stop)
		return false;
	out->body = (struct slice){ rest.p, (size_t)(stop - rest.p) };
	*text = from(rest, stop + strlen(last));
	skip_headers(out);
	return true;
}

static int value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int pem_decode(const struct pem *p, uint8_t *out, size_t *len)
{
	uint32_t bits = 0;
	unsigned have = 0, pad = 0;

	*len = 0;
	for (size_t i = 0; i < p->body.len; i++) {
		uint8_t c = p->body.p[i];

		if (c == '\n' || c == '\r' || c == ' ' || c == '\t')
			continue;
		if (c == '=') {
			pad++;
			continue;
		}
		if (value(c) < 0 || pad)
			return -1;
		bits = bits << 6 | (uint32_t)value(c);
		if (++have == 4) {
			out[(*len)++] = (uint8_t)(bits >> 16);
			out[(*len)++] = (uint8_t)(bits >> 8);
			out[(*len)++] = (uint8_t)bits;
			have = 0;
		}
	}
	if (have == 1 || pad > 2 || (pad && have + pad != 4))
		return -1;
	if (have > 1)
		out[(*len)++] = (uint8_t)(bits >> (have == 2 ? 4 : 10));
	if (have > 2)
		out[(*len)++] = (uint8_t)(bits >> 2);
	return 0;
}

void pem_write(struct sbuf *b, const char *label, struct slice der)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char line[66];
	size_t n = 0;

	sbuf_addf(b, "%s%s%s\n", begin, label, dashes);
	for (size_t i = 0; i < der.len; i += 3) {
		size_t left = der.len - i;
		uint32_t v = (uint32_t)der.p[i] << 16 |
			     (left > 1 ? (uint32_t)der.p[i + 1] << 8 : 0) |
			     (left > 2 ? der.p[i + 2] : 0);

		line[n++] = digits[v >> 18];
		line[n++] = digits[v >> 12 & 63];
		line[n++] = left > 1 ? digits[v >> 6 & 63] : '=';
		line[n++] = left > 2 ? digits[v & 63] : '=';
		if (n == 64 || left <= 3) {
			line[n] = '\n';
			sbuf_addn(b, line, n + 1);
			n = 0;
		}
	}
	sbuf_addf(b, "%s%s%s\n", end, label, dashes);
}
