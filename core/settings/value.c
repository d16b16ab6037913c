/* value: one parser and one printer for each type of the schema. */
#include "core/settings/value.h"

#include "core/settings/id.h"
#include "core/settings/kinds.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DAY 86400u

const char *value_duration_str(uint32_t s, char *buf)
{
	static const struct { uint32_t s; char unit; } units[] = {
		{ DAY, 'd' }, { 3600, 'h' }, { 60, 'm' },
	};

	if (s == 0)
		return strcpy(buf, "0");
	for (size_t i = 0; i < 3; i++)
		if (s % units[i].s == 0) {
			snprintf(buf, VALUE_DURATION_TEXT, "%u%c", s / units[i].s,
				 units[i].unit);
			return buf;
		}
	snprintf(buf, VALUE_DURATION_TEXT, "%us", s);
	return buf;
}

int value_name_check(const char *what, const char *name, size_t max, struct err *e)
{
	size_t n = strlen(name);

	if (n == 0)
		return err_code(e, EXIT_SETTINGS, "%s is missing", what);
	if (n > max)
		return err_code(e, EXIT_SETTINGS,
				"%s \"%.40s…\" is longer than %zu characters", what, name,
				max);
	if (!isalnum((unsigned char)name[0]) || (unsigned char)name[0] > 127)
		return err_code(e, EXIT_SETTINGS,
				"%s \"%s\" must begin with a letter or a digit", what,
				name);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)name[i] > 127 ||
		    (!isalnum((unsigned char)name[i]) && !strchr("._-", name[i])))
			return err_code(e, EXIT_SETTINGS,
					"%s \"%s\" may hold letters, digits, "
					". _ and - only",
					what, name);
	return 0;
}

/* The length of the UTF-8 character at p, 0 when it is none (RFC 3629 §4). */
static size_t utf8_len(const unsigned char *p)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 :
		   (p[0] & 0xf0) == 0xe0 ? 3 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90))
		return 0;
	return n;
}

static int check_printable(const char *text, struct err *e)
{
	const unsigned char *p = (const unsigned char *)text;

	while (*p) {
		size_t n = utf8_len(p);

		if (!n)
			return err_set(e, "the text is not UTF-8");
		/* C0, DEL, and C1 (U+0080 to U+009F), which terminals act on too. */
		if (*p < 0x20 || *p == 0x7f || (n == 2 && p[0] == 0xc2 && p[1] < 0xa0))
			return err_set(e, "the text holds a control character");
		p += n;
	}
	return 0;
}

static int parse_bool(const char *t, struct value *v, struct err *e)
{
	static const char *const yes[] = { "yes", "true", "on", "1", NULL };
	static const char *const no[] = { "no", "false", "off", "0", NULL };

	for (size_t i = 0; yes[i]; i++) {
		if (strcasecmp(t, yes[i]) == 0 || strcasecmp(t, no[i]) == 0) {
			v->yes = strcasecmp(t, yes[i]) == 0;
			return 0;
		}
	}
	return err_set(e, "\"%.60s\" is neither yes nor no", t);
}

static int parse_choice(const struct setting *s, const char *t, struct value *v,
			struct err *e)
{
	const char *near;
	char all[128];

	for (uint32_t i = 0; s->choices[i]; i++)
		if (strcasecmp(t, s->choices[i]) == 0) {
			v->number = i;
			return 0;
		}
	near = nearest_of(t, s->choices);
	if (near)
		return err_set(e, "\"%.60s\" is not known: %s?", t, near);
	return err_set(e, "\"%.60s\" is none of: %s", t,
		       setting_range(s, all, sizeof(all)));
}

static int parse_version(const char *t, struct value *v, struct err *e)
{
	if (strcasecmp(t, "auto") == 0 || strcasecmp(t, "ike") == 0 ||
	    strcasecmp(t, "any") == 0) {
		v->number = IKE_AUTO;
		return 0;
	}
	if (strncasecmp(t, "ikev", 4) == 0)
		t += 4;
	else if (strncasecmp(t, "ike", 3) == 0)
		t += 3;
	if (strcmp(t, "1") != 0 && strcmp(t, "2") != 0)
		return err_set(e, "\"%.60s\" is no version of IKE: 2, 1 or auto", t);
	v->number = *t == '1' ? IKE_V1 : IKE_V2;
	return 0;
}

static int parse_uint(const struct setting *s, const char *t, struct value *v,
		      struct err *e)
{
	uint64_t n = 0;
	const char *p = t;

	/* For mtu 0 and auto mean "computed"; for keying_tries "forever" is 0. */
	if (s->min == 0 &&
	    (strcasecmp(t, "forever") == 0 || strcasecmp(t, "%forever") == 0))
		t = p = "0";
	else if (s->min > 0 && (strcmp(t, "0") == 0 || strcasecmp(t, "auto") == 0)) {
		v->empty = true;
		return 0;
	}
	for (; isdigit((unsigned char)*p); p++)
		n = n > UINT32_MAX ? n : n * 10 + (uint64_t)(*p - '0');
	if (*p || p == t)
		return err_set(e, "\"%.60s\" is not a number from %u to %u", t, s->min,
			       s->max);
	if (n < s->min || n > s->max)
		return err_set(e, "%.60s is out of range: %u to %u", t, s->min, s->max);
	v->number = (uint32_t)n;
	return 0;
}

static int not_a_time(const char *t, struct err *e)
{
	return err_set(e, "\"%.60s\" is not a time: write 90s, 30m, 4h or 1d", t);
}

static int parse_duration(const struct setting *s, const char *t, struct value *v,
			  struct err *e)
{
	static const struct { char unit; uint32_t s; } units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', DAY }, { 'w', 7 * DAY },
	};
	char lo[VALUE_DURATION_TEXT], hi[VALUE_DURATION_TEXT];
	uint64_t sum = 0;
	const char *p = t;

	if (s->min == 0 && (strcasecmp(t, "off") == 0 || strcasecmp(t, "never") == 0))
		p = t = "0";
	while (*p) {
		uint64_t n = 0;
		uint32_t per = 0;

		if (!isdigit((unsigned char)*p))
			return not_a_time(t, e);
		for (; isdigit((unsigned char)*p); p++)
			n = n > UINT32_MAX ? n : n * 10 + (uint64_t)(*p - '0');
		while (*p == ' ')
			p++;
		for (size_t i = 0; *p && i < 5; i++)
			if (tolower((unsigned char)*p) == units[i].unit)
				per = units[i].s;
		if (*p && !per)
			return not_a_time(t, e);
		if (*p)
			p++;
		while (*p == ' ')
			p++;
		sum += n * (per ? per : 1);
		if (sum > UINT32_MAX)
			break;
	}
	if (sum < s->min || sum > s->max)
		return err_set(e, "%.60s is too %s: %s to %s", t,
			       sum < s->min ? "short" : "long",
			       value_duration_str(s->min, lo),
			       value_duration_str(s->max, hi));
	v->number = (uint32_t)sum;
	return 0;
}

static bool looks_like_host_name(const char *t)
{
	bool letter = false;

	for (; *t; t++) {
		if (!isalnum((unsigned char)*t) && !strchr(".-_", *t))
			return false;
		letter |= isalpha((unsigned char)*t) != 0;
	}
	return letter;
}

static int parse_addr(const char *t, struct value *v, struct err *e)
{
	if (strcasecmp(t, "auto") == 0 || strcasecmp(t, "any") == 0 ||
	    strcasecmp(t, "%defaultroute") == 0) {
		v->empty = true;
		return 0;
	}
	if (looks_like_host_name(t))
		return err_set(e,
			       "\"%.60s\" is a host name; this takes an IP address "
			       "(like 198.51.100.2)",
			       t);
	if (addr_parse(t, &v->addr, e) < 0)
		return -1;
	if (addr_is_any(&v->addr) || addr_is_multicast(&v->addr) ||
	    addr_is_loopback(&v->addr))
		return err_set(e, "%.60s is not the address of a router", t);
	return 0;
}

/* Calls fn for each part between commas and blanks. */
static int each_part(const char *t,
		     int (*fn)(struct value *v, const char *part, struct err *e),
		     struct value *v, struct err *e)
{
	char part[300];

	while (*(t += strspn(t, ", \t"))) {
		size_t n = strcspn(t, ", \t");

		if (n >= sizeof(part))
			return err_set(e, "\"%.60s…\" is too long", t);
		memcpy(part, t, n);
		part[n] = '\0';
		if (fn(v, part, e) < 0)
			return -1;
		t += n;
	}
	return 0;
}

static int add_network(struct value *v, const char *part, struct err *e)
{
	struct prefix p;

	if (prefix_parse(part, &p, e) < 0)
		return -1;
	if (v->n == NETWORKS_MAX)
		return err_set(e, "more than %d networks", NETWORKS_MAX);
	for (int i = 0; i < v->n; i++)
		if (prefix_equal(&v->net[i], &p))
			return err_set(e, "%s is there twice", part);
	v->net[v->n++] = p;
	return 0;
}

static int add_gateway(struct value *v, const char *part, struct err *e)
{
	struct gateway g;

	if (kind_gateway_parse(part, &g, e) < 0)
		return -1;
	if (v->n_gateway == GATEWAYS_MAX)
		return err_set(e, "more than %d gateways", GATEWAYS_MAX);
	for (int i = 0; i < v->n_gateway; i++)
		if (kind_gateway_equal(&v->gateway[i], &g))
			return err_set(e, "%s is there twice", part);
	v->gateway[v->n_gateway++] = g;
	return 0;
}

/* Names of pki/ are file names without their ends. */
static int check_cert(const char *t, struct err *e)
{
	if (strchr(t, '/') || strcmp(t, "..") == 0)
		return err_set(e,
			       "\"%.60s\" is a path: adit pki import takes a file in, and "
			       "its name there belongs here",
			       t);
	return value_name_check("the certificate's name", t, PKI_NAME_MAX, e);
}

static int add_cert(struct value *v, const char *part, struct err *e)
{
	if (check_cert(part, e) < 0)
		return -1;
	if (v->n_cert == CA_MAX)
		return err_set(e, "more than %d certificates", CA_MAX);
	for (int i = 0; i < v->n_cert; i++)
		if (strcmp(v->cert[i], part) == 0)
			return err_set(e, "%s is there twice", part);
	snprintf(v->cert[v->n_cert++], PKI_NAME_MAX + 1, "%.32s", part);
	return 0;
}

static int check_iface(const char *t, struct err *e)
{
	if (strlen(t) >= IFNAME_MAX)
		return err_set(e,
			       "\"%.60s\" is longer than an interface's name can be (%d)",
			       t, IFNAME_MAX - 1);
	if (strpbrk(t, "/: \t") || strcmp(t, ".") == 0 || strcmp(t, "..") == 0)
		return err_set(e, "\"%s\" cannot be an interface's name (like eth0)", t);
	return check_printable(t, e);
}

static int add_iface(struct value *v, const char *part, struct err *e)
{
	if (check_iface(part, e) < 0)
		return -1;
	if (v->n_iface == LAN_MAX)
		return err_set(e, "more than %d interfaces", LAN_MAX);
	for (int i = 0; i < v->n_iface; i++)
		if (strcmp(v->iface[i], part) == 0)
			return err_set(e, "%s is there twice", part);
	snprintf(v->iface[v->n_iface++], IFNAME_MAX, "%.15s", part);
	return 0;
}

/* Our own text must be taken back: some aliases are shorter than what they stand for. */
static int parse_suites(const struct setting *s, const char *t, struct value *v,
			struct err *e)
{
	enum suite_use use = s->type == ST_IKE ? SUITE_IKE : SUITE_ESP;
	char text[VALUE_TEXT_MAX], again[VALUE_TEXT_MAX];
	struct suite_list l;
	size_t n = 0;

	if (strlen(t) >= sizeof(text))
		return err_set(e, "the proposals are longer than %zu letters",
			       sizeof(text) - 1);
	/* strongSwan's "only mine" mark: that is always so here. */
	for (; *t; t++)
		if (*t != '!')
			text[n++] = *t;
	text[n] = '\0';
	if (suite_parse(use, text, &v->suites, e) < 0)
		return -1;
	suite_list_str(use, &v->suites, again, sizeof(again));
	return strlen(again) > n ? suite_parse(use, again, &l, e) : 0;
}

static int parse_text(const struct setting *s, const char *t, struct value *v,
		      struct err *e)
{
	if (check_printable(t, e) < 0)
		return -1;
	if (strlen(t) > s->max)
		return err_set(e, "longer than %u bytes", s->max);
	if (s->type == ST_NAME && value_name_check("the name", t, s->max, e) < 0)
		return -1;
	if (s->type == ST_WORD && value_name_check("the word", t, s->max, e) < 0)
		return -1;
	if (s->type == ST_IFACE && check_iface(t, e) < 0)
		return -1;
	if (s->type == ST_CERT && check_cert(t, e) < 0)
		return -1;
	snprintf(v->text, sizeof(v->text), "%s", t);
	return 0;
}

static int parse_integ(const char *t, struct value *v, struct err *e)
{
	const struct alg *a;

	if (strcasecmp(t, "no") == 0 || strcasecmp(t, "off") == 0 || strcasecmp(t, "esp") == 0)
		return 0;
	a = alg_by_name(ALG_INTEG, t);
	if (!a || a->id == INTEG_NONE)
		return err_set(e, "\"%.60s\" is no integrity algorithm: sha256, sha384, "
			       "sha512, or no", t);
	v->number = a->id;
	return 0;
}

static int parse_trimmed(const struct setting *s, const char *t, struct value *v,
			 struct err *e)
{
	uint8_t protocol;

	switch (s->type) {
	case ST_TEXT: case ST_NAME: case ST_WORD: case ST_IFACE: case ST_CERT:
		return parse_text(s, t, v, e);
	case ST_BOOL:
		return parse_bool(t, v, e);
	case ST_CHOICE:
		return parse_choice(s, t, v, e);
	case ST_VERSION:
		return parse_version(t, v, e);
	case ST_UINT:
		return parse_uint(s, t, v, e);
	case ST_DURATION:
		return parse_duration(s, t, v, e);
	case ST_BYTES:
		return kind_bytes_parse(t, &v->bytes, e);
	case ST_PACKETS:
		return kind_packets_parse(t, &v->bytes, e);
	case ST_INTEG:
		return parse_integ(t, v, e);
	case ST_ADDR:
		return parse_addr(t, v, e);
	case ST_GATEWAYS:
		return each_part(t, add_gateway, v, e);
	case ST_PROTO:
		if (kind_proto_parse(t, &protocol, e) < 0)
			return -1;
		v->number = protocol;
		return 0;
	case ST_PORTS:
		return kind_ports_parse(t, &v->lo, &v->hi, e);
	case ST_CERTS:
		return each_part(t, add_cert, v, e);
	case ST_NETWORKS:
		return each_part(t, add_network, v, e);
	case ST_IFACES:
		return each_part(t, add_iface, v, e);
	case ST_ID:
		if (ike_id_parse(t, &v->id, e) < 0)
			return -1;
		v->empty = v->id.type == ID_NONE;
		return 0;
	case ST_IKE: case ST_ESP:
		return parse_suites(s, t, v, e);
	case ST_WEAK:
		return weak_parse(t, &v->weak, e);
	case ST_SECRET:
		break;
	}
	return err_set(e, "not a value that is written in a file");
}

int value_parse(const struct setting *s, const char *text, struct value *v, struct err *e)
{
	char t[VALUE_TEXT_MAX] = "";
	size_t n;

	memset(v, 0, sizeof(*v));
	text += strspn(text, " \t");
	n = strlen(text);
	while (n && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		n--;
	if (n >= sizeof(t))
		return err_set(e, "the value is longer than %zu bytes", sizeof(t) - 1);
	memcpy(t, text, n);
	t[n] = '\0';
	if (check_printable(t, e) < 0)
		return -1;
	/* A list of nothing but commas is empty too. */
	if (!t[setting_is_list(s) ? strspn(t, ", \t") : 0]) {
		v->empty = true;
		return 0;
	}
	return parse_trimmed(s, t, v, e);
}

static void list_str(const struct setting *s, const struct value *v, char *buf,
		     size_t cap)
{
	char one[PREFIX_TEXT_MAX];
	size_t n = 0;

	if (s->type == ST_NETWORKS)
		for (int i = 0; i < v->n && n < cap; i++)
			n += (size_t)snprintf(buf + n, cap - n, "%s%s", i ? "," : "",
					      prefix_str(&v->net[i], one));
	else if (s->type == ST_CERTS)
		for (int i = 0; i < v->n_cert && n < cap; i++)
			n += (size_t)snprintf(buf + n, cap - n, "%s%s", i ? "," : "",
					      v->cert[i]);
	else
		for (int i = 0; i < v->n_iface && n < cap; i++)
			n += (size_t)snprintf(buf + n, cap - n, "%s%s", i ? "," : "",
					      v->iface[i]);
}

const char *value_str(const struct setting *s, const struct value *v, char *buf,
		      size_t cap)
{
	char proto[KIND_PROTO_TEXT];
	const struct alg *integ;

	buf[0] = '\0';
	if (v->empty)
		return buf;
	switch (s->type) {
	case ST_TEXT: case ST_NAME: case ST_WORD: case ST_IFACE: case ST_CERT:
		snprintf(buf, cap, "%s", v->text);
		break;
	case ST_BOOL:
		snprintf(buf, cap, "%s", v->yes ? "yes" : "no");
		break;
	case ST_CHOICE:
		snprintf(buf, cap, "%s", s->choices[v->number]);
		break;
	case ST_VERSION:
		if (v->number == IKE_AUTO)
			snprintf(buf, cap, "auto");
		else
			snprintf(buf, cap, "%u", v->number);
		break;
	case ST_UINT:
		snprintf(buf, cap, "%u", v->number);
		break;
	case ST_DURATION:
		value_duration_str(v->number, buf);
		break;
	case ST_BYTES:
		kind_bytes_str(v->bytes, buf);
		break;
	case ST_PACKETS:
		kind_packets_str(v->bytes, buf);
		break;
	case ST_INTEG:
		integ = v->number ? alg_get(ALG_INTEG, (uint16_t)v->number, 0) : NULL;
		snprintf(buf, cap, "%s", integ ? integ->name : "no");
		break;
	case ST_ADDR:
		addr_str(&v->addr, buf);
		break;
	case ST_GATEWAYS:
		kind_gateways_str(v->gateway, v->n_gateway, buf, cap);
		break;
	case ST_PROTO:
		snprintf(buf, cap, "%s", kind_proto_str((uint8_t)v->number, proto));
		break;
	case ST_PORTS:
		kind_ports_str(v->lo, v->hi, buf);
		break;
	case ST_NETWORKS: case ST_IFACES: case ST_CERTS:
		list_str(s, v, buf, cap);
		break;
	case ST_ID:
		ike_id_str(&v->id, buf, cap);
		break;
	case ST_IKE:
		suite_list_str(SUITE_IKE, &v->suites, buf, cap);
		break;
	case ST_ESP:
		suite_list_str(SUITE_ESP, &v->suites, buf, cap);
		break;
	case ST_WEAK:
		weak_str(v->weak, buf, cap);
		break;
	case ST_SECRET:
		break;
	}
	return buf;
}

static void store_number(void *at, size_t width, uint32_t n)
{
	uint8_t n8 = (uint8_t)n;
	uint16_t n16 = (uint16_t)n;

	if (width == sizeof(n8))
		memcpy(at, &n8, sizeof(n8));
	else if (width == sizeof(n16))
		memcpy(at, &n16, sizeof(n16));
	else
		memcpy(at, &n, sizeof(n));
}

/* The first also stands by itself, for whoever wants no more. */
static void store_gateways(const struct value *v, struct peer_conf *p)
{
	const struct gateway *first = &v->gateway[0];

	memcpy(p->gateways, v->gateway, sizeof(p->gateways));
	p->n_gateways = v->n_gateway;
	p->remote_any = v->n_gateway && kind_gateway_waits(first);
	memset(&p->remote_gateway, 0, sizeof(p->remote_gateway));
	if (v->n_gateway && first->kind == GATEWAY_ADDR)
		p->remote_gateway = first->net.addr;
}

static void store_ports(const struct value *v, uint8_t *at)
{
	memcpy(at, &v->lo, sizeof(v->lo));
	memcpy(at + sizeof(v->lo), &v->hi, sizeof(v->hi));
}

void value_store(const struct setting *s, const struct value *v, void *home)
{
	uint8_t *at = (uint8_t *)home + s->offset;

	if (v->empty || s->home == HOME_NONE)
		return;
	switch (s->type) {
	case ST_TEXT: case ST_NAME: case ST_WORD: case ST_IFACE: case ST_CERT:
		snprintf((char *)at, s->width, "%s", v->text);
		break;
	case ST_BOOL:
		*(bool *)at = v->yes;
		break;
	case ST_CHOICE: case ST_VERSION: case ST_UINT: case ST_DURATION: case ST_PROTO:
	case ST_INTEG:
		store_number(at, s->width, v->number);
		break;
	case ST_BYTES: case ST_PACKETS:
		memcpy(at, &v->bytes, sizeof(v->bytes));
		break;
	case ST_GATEWAYS:
		store_gateways(v, home);
		break;
	case ST_PORTS:
		store_ports(v, at);
		break;
	case ST_CERTS:
		memcpy(at, v->cert, sizeof(v->cert));
		((uint8_t *)home)[s->count_offset] = v->n_cert;
		break;
	case ST_ADDR:
		memcpy(at, &v->addr, sizeof(v->addr));
		break;
	case ST_NETWORKS:
		memcpy(at, v->net, sizeof(v->net));
		((uint8_t *)home)[s->count_offset] = v->n;
		break;
	case ST_IFACES:
		memcpy(at, v->iface, sizeof(v->iface));
		((uint8_t *)home)[s->count_offset] = v->n_iface;
		break;
	case ST_ID:
		memcpy(at, &v->id, sizeof(v->id));
		break;
	case ST_IKE: case ST_ESP:
		memcpy(at, &v->suites, sizeof(v->suites));
		break;
	case ST_WEAK:
		memcpy(at, &v->weak, sizeof(v->weak));
		break;
	case ST_SECRET:
		break;
	}
}
