/* words: subjects and names parsed. A subject is at most as long as an ID can be, for it
 * becomes one. */
#include "core/pki/words.h"

#include "core/base/addr.h"
#include "core/base/clock.h"
#include "core/settings/id.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DAYS_CA 3650
#define DAYS 1095
#define DAY_S 86400

/* "/C=CH/CN=gw" as openssl writes it: slashes become commas, commas are escaped. */
static void from_slashes(const char *s, char *out, size_t cap)
{
	size_t n = 0;

	for (s++; *s && n + 3 < cap; s++) {
		if (*s == '/' && strchr(s, '=')) {
			out[n++] = ',';
			continue;
		}
		if (*s == ',')
			out[n++] = '\\';
		if (*s == '\\' && s[1])
			out[n++] = *s++;
		out[n++] = *s;
	}
	out[n] = '\0';
}

static void escape(const char *s, char *out, size_t cap)
{
	size_t n = (size_t)snprintf(out, cap, "CN=");

	for (; *s && n + 3 < cap; s++) {
		if (*s == ',' || *s == '\\')
			out[n++] = '\\';
		out[n++] = *s;
	}
	out[n] = '\0';
}

static int subject(const char *text, struct ike_id *out, struct err *e)
{
	char dn[2 * PKI_TEXT_MAX];

	if (text[0] == '/' && strchr(text, '='))
		from_slashes(text, dn, sizeof(dn));
	else if (!strchr(text, '='))
		escape(text, dn, sizeof(dn));
	else
		snprintf(dn, sizeof(dn), "%s", text);
	if (ike_id_parse(dn, out, e) < 0)
		return err_wrap(e, "subject");
	if (out->type != ID_DER_ASN1_DN)
		return err_code(e, EXIT_USAGE,
				"subject: \"%.60s\" is no distinguished name "
				"(\"C=CH, O=Acme, CN=gw.example\")",
				text);
	return 0;
}

/* ---- names ---- */

static int add_san(struct words *w, uint8_t type, const void *p, size_t len,
		   struct err *e)
{
	if (w->n_sans == X509_SANS_MAX || len > sizeof(w->bytes) - w->used)
		return err_code(e, EXIT_USAGE, "san: more than %d names", X509_SANS_MAX);
	memcpy(w->bytes + w->used, p, len);
	w->sans[w->n_sans++] = (struct x509_san){ type, { w->bytes + w->used, len } };
	w->used += len;
	return 0;
}

static bool ascii(const char *s)
{
	for (; *s; s++)
		if (*s <= 0x20 || *s > 0x7e)
			return false;
	return true;
}

static bool is_host(const char *s)
{
	const char *dot = strrchr(s, '.');

	/* A last label of digits alone is that of a mistyped address (RFC 1123 2.1). */
	if (!*s || *s == '.' || (dot && dot[1] && !dot[1 + strspn(dot + 1, "0123456789")]))
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr(".-_*", *s))
			return false;
	return true;
}

static const char *behind(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncasecmp(s, prefix, n) == 0 ? s + n : NULL;
}

static int one_san(struct words *w, const char *s, struct err *e)
{
	const char *ip = behind(s, "IP:"), *dns = behind(s, "DNS:"),
		   *mail = behind(s, "email:");
	const char *uri = behind(s, "URI:");
	struct ip_addr a;

	if (uri)
		return *uri && ascii(uri) ?
			       add_san(w, X509_SAN_URI, uri, strlen(uri), e) :
			       err_code(e, EXIT_USAGE, "san: \"%.60s\" is no URI", s);
	if (ip || (!dns && !mail && addr_parse(s, &a, NULL) == 0)) {
		if (addr_parse(ip ? ip : s, &a, NULL) < 0)
			return err_code(e, EXIT_USAGE, "san: \"%.60s\" is no IP address",
					s);
		return add_san(w, X509_SAN_IP, a.b, addr_len(&a), e);
	}
	if (mail || (!dns && strchr(s, '@') && s[0] != '@')) {
		const char *m = mail ? mail : s, *at = strchr(m, '@');

		if (!at || at == m || !at[1] || strchr(at + 1, '@') || !ascii(m))
			return err_code(e, EXIT_USAGE, "san: \"%.60s\" is not user@host",
					s);
		return add_san(w, X509_SAN_EMAIL, m, strlen(m), e);
	}
	dns = dns ? dns : s[0] == '@' ? s + 1 : s;
	if (!is_host(dns))
		return err_code(e, EXIT_USAGE,
				"san: \"%.60s\" is neither an IP address, a host name "
				"nor user@host",
				s);
	return add_san(w, X509_SAN_DNS, dns, strlen(dns), e);
}

static int sans(struct words *w, const char *text, struct err *e)
{
	char list[PKI_TEXT_MAX], *save = NULL;

	snprintf(list, sizeof(list), "%s", text);
	for (char *s = strtok_r(list, ", ", &save); s; s = strtok_r(NULL, ", ", &save))
		if (one_san(w, s, e) < 0)
			return -1;
	return 0;
}

static int check_url(const char *url, struct err *e)
{
	if ((strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0 ||
	     strncmp(url, "ldap://", 7) == 0) && ascii(url))
		return 0;
	return err_code(e, EXIT_USAGE, "crl_url: \"%.60s\" is no http:// address", url);
}

int words_parse(const struct pki_want *w, bool ca, bool subject_needed, struct words *out,
		struct err *e)
{
	unsigned days = w->days ? w->days : ca ? DAYS_CA : DAYS;

	memset(out, 0, sizeof(*out));
	if (w->days > PKI_DAYS_MAX)
		return err_code(e, EXIT_USAGE, "days: 1 to %d", PKI_DAYS_MAX);
	if ((w->subject[0] || subject_needed) &&
	    subject(w->subject[0] ? w->subject : w->name, &out->subject, e) < 0)
		return -1;
	if (sans(out, w->san, e) < 0 || (w->crl_url[0] && check_url(w->crl_url, e) < 0))
		return -1;
	out->want = (struct x509_want){
		.subject = { out->subject.data, out->subject.len },
		.sans = out->sans, .n_sans = out->n_sans, .ca = ca, .path_len = -1,
		.crl_url = w->crl_url[0] ? w->crl_url : NULL,
		/* Clocks of routers differ. */
		.not_before = clock_wall_s() - 3600,
		.not_after = clock_wall_s() + (int64_t)days * DAY_S,
	};
	if (!ca)
		out->want.eku = X509_EKU_SERVER | X509_EKU_CLIENT;
	return w->eku[0] ? x509_eku_parse(w->eku, &out->want.eku, e) : 0;
}
