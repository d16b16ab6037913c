/* suggest: values worth offering for a setting, for completion and for the forms'
 * choices. */
#include "core/settings/schema.h"

#include "core/settings/kinds.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HEAD_MAX 1024
#define WORD_BUF 1200

struct offer {
	setting_suggest_fn *fn;
	void *arg;
	char head[HEAD_MAX];	/* what stays before the part being completed */
	const char *part;	/* what was typed of it */
};

static void offer(const struct offer *o, const char *word, const char *about, bool weak)
{
	char whole[WORD_BUF];

	if (strncasecmp(word, o->part, strlen(o->part)) != 0)
		return;
	snprintf(whole, sizeof(whole), "%s%s", o->head, word);
	o->fn(o->arg, whole, about, weak);
}

static const struct { const char *text, *about; } ike_suites[] = {
	{ "aes256gcm16-sha384-ecp384", "strong, fast with AES hardware" },
	{ "aes256gcm16-sha256-x25519", "strong, fast" },
	{ "aes128gcm16-sha256-ecp256", "fast on small routers" },
	{ "chacha20poly1305-sha256-x25519", "fast without AES hardware" },
	{ "aes256-sha256-modp2048", "understood by nearly everyone" },
	{ "aes256-sha384-modp3072", "for peers without elliptic curves" },
	{ "aes256-sha512-modp4096", "slow to start on small routers" },
	{ "aes128-sha256-modp2048", "understood by nearly everyone" },
}, esp_suites[] = {
	{ "aes256gcm16-ecp384", "strong, fast with AES hardware" },
	{ "aes256gcm16-x25519", "strong, fast" },
	{ "aes128gcm16-ecp256", "fast on small routers" },
	{ "chacha20poly1305-x25519", "fast without AES hardware" },
	{ "aes256-sha256-modp2048", "understood by nearly everyone" },
	{ "aes256-sha256-ecp256", "for peers without GCM" },
	{ "aes128-sha256-modp2048", "understood by nearly everyone" },
	{ "aes256gcm16", "no perfect forward secrecy" },
};

static void suggest_whole_suites(const struct setting *s, struct offer *o)
{
	if (s->type == ST_IKE)
		for (size_t i = 0; i < sizeof(ike_suites) / sizeof(ike_suites[0]); i++)
			offer(o, ike_suites[i].text, ike_suites[i].about, false);
	else
		for (size_t i = 0; i < sizeof(esp_suites) / sizeof(esp_suites[0]); i++)
			offer(o, esp_suites[i].text, esp_suites[i].about, false);
}

/* Which words already stand in this suite: a bit for each transform type; 1 is AEAD. */
static unsigned seen_types(const char *element, const char *end)
{
	unsigned seen = 0;

	while (element < end) {
		size_t n = strcspn(element, "-");
		char word[40];

		snprintf(word, sizeof(word), "%.*s", (int)(n < sizeof(word) ? n : 0),
			 element);
		for (int t = ALG_ENCR; t <= ALG_KE; t++) {
			const struct alg *a = alg_by_name((enum alg_type)t, word);

			if (a)
				seen |= 1u << t | (a->type == ALG_ENCR && a->aead);
		}
		element += n + 1;
	}
	return seen;
}

static void suggest_suites(const struct setting *s, struct offer *o)
{
	const char *dash = strrchr(o->part, '-');
	const struct alg *all;
	unsigned seen;
	size_t n;

	suggest_whole_suites(s, o);
	if (!dash && !*o->part)
		return;
	seen = seen_types(o->part, dash ? dash : o->part);
	if (dash) {
		size_t h = strlen(o->head);

		snprintf(o->head + h, sizeof(o->head) - h, "%.*s",
			 (int)(dash + 1 - o->part), o->part);
		o->part = dash + 1;
	}
	all = alg_table(&n);
	for (size_t i = 0; i < n; i++) {
		const struct alg *a = &all[i];

		/* The hash words are those of INTEG; PRF has the same. */
		if (!alg_built(a) || a->type == ALG_PRF || a->type == ALG_ESN ||
		    (a->esp_only && s->type == ST_IKE) ||
		    seen & 1u << a->type ||
		    (a->type == ALG_ENCR) == (dash != NULL) || seen & 1u << ALG_KE)
			continue;
		if (a->type == ALG_INTEG && s->type == ST_ESP && seen & 1)
			continue;
		offer(o, a->name, a->label, a->weak != 0);
	}
}

static const struct { const char *key, *text, *about;
} usual[] = {
	{"ike_life", "1h", ""},
	{"ike_life", "4h", ""},
	{"ike_life", "8h", ""},
	{"ike_life", "1d", ""},
	{"esp_life", "30m", ""},
	{"esp_life", "1h", ""},
	{"esp_life", "8h", ""},
	{"dpd_delay", "10s", ""},
	{"dpd_delay", "30s", ""},
	{"dpd_delay", "2m", ""},
	{"dpd_delay", "0", "never"},
	{"rekey_margin", "3m", ""},
	{"rekey_margin", "9m", ""},
	{"esp_life_bytes", "0", "no limit"},
	{"esp_life_bytes", "10G", ""},
	{"esp_life_bytes", "100G", ""},
	{"esp_life_packets", "0", "no limit"},
	{"esp_life_packets", "1G", ""},
	{"reauth", "0", "never"},
	{"reauth", "8h", ""},
	{"reauth", "1d", ""},
	{"local_ports", "any", ""},
	{"local_ports", "443", "https"},
	{"remote_ports", "any", ""},
	{"remote_ports", "443", "https"},
	{"remote_port", "500", "as usual"},
	{"remote_port", "4500", "as with NAT, from the start"},
	{"fragment_size", "1280", ""},
	{"fragment_size", "576", "over the worst of paths"},
	{"ike_port", "500", ""},
	{"natt_port", "4500", ""},
	{"keying_tries", "0", "for ever"},
	{"keying_tries", "3", ""},
	{"mtu", "1400", ""},
	{"mtu", "1280", ""},
	{"remote_gateway", "any", "whoever asks"},
	{"theme", "default", ""},
	{"theme", "light", ""},
	{"theme", "mono", ""},
	{"theme", "high-contrast", ""},
	{"local_id", "keyid:", ""},
	{"peer_id", "keyid:", ""},
	{"remote_network", "0.0.0.0/0", "everything"},
};

static void suggest_usual(const struct setting *s, struct offer *o)
{
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (strcmp(usual[i].key, s->key) == 0)
			offer(o, usual[i].text, usual[i].about, false);
}

static void suggest_integ(const struct offer *o)
{
	const struct alg *all;
	size_t n;

	offer(o, "no", "ESP", false);
	all = alg_table(&n);
	for (size_t i = 0; i < n; i++)
		if (all[i].type == ALG_INTEG && all[i].id != INTEG_NONE)
			offer(o, all[i].name, all[i].label, all[i].weak != 0);
}

void setting_suggest(const struct setting *s, const char *typed, setting_suggest_fn *fn,
		     void *arg)
{
	const char *comma = setting_is_list(s) ? strrchr(typed, ',') : NULL;
	struct offer o = { .fn = fn, .arg = arg, .part = typed };

	if (strlen(typed) >= HEAD_MAX)
		return;
	if (comma) {
		o.part = comma + 1 + strspn(comma + 1, " \t");
		snprintf(o.head, sizeof(o.head), "%.*s", (int)(o.part - typed), typed);
	}
	switch (s->type) {
	case ST_BOOL:
		offer(&o, "yes", "", false);
		offer(&o, "no", "", false);
		break;
	case ST_CHOICE:
		for (size_t i = 0; s->choices[i]; i++)
			offer(&o, s->choices[i], "", false);
		break;
	case ST_VERSION:
		offer(&o, "2", "IKEv2", false);
		offer(&o, "1", "IKEv1, for old peers", false);
		offer(&o, "auto", "answers either, begins with IKEv2", false);
		break;
	case ST_PROTO:
		for (size_t i = 0; kind_proto_name(i); i++)
			offer(&o, kind_proto_name(i), "", false);
		break;
	case ST_WEAK:
		for (size_t i = 0; i < WEAK_N; i++)
			offer(&o, weak_names[i], "", true);
		break;
	case ST_IKE: case ST_ESP:
		suggest_suites(s, &o);
		break;
	case ST_INTEG:
		suggest_integ(&o);
		break;
	case ST_UINT: case ST_DURATION: case ST_GATEWAYS: case ST_ID: case ST_WORD:
	case ST_NETWORKS: case ST_BYTES: case ST_PACKETS: case ST_PORTS:
		suggest_usual(s, &o);
		break;
	case ST_TEXT:
	case ST_NAME:
	case ST_ADDR:
	case ST_IFACE:
	case ST_IFACES:
	case ST_CERT:
	case ST_CERTS:
	case ST_SECRET:
		break;
	}
}
