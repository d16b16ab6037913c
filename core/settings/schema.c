/* schema: looking things up in the table, and what to offer for a value. */
#include "core/settings/schema.h"

#include "core/settings/value.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

const struct setting *setting_find(enum setting_scope scope, const char *key)
{
	for (size_t i = 0; i < settings_table_n; i++)
		if (settings_table[i].scope == scope &&
		    strcmp(settings_table[i].key, key) == 0)
			return &settings_table[i];
	return NULL;
}

/* What people type who come from elsewhere, and the key it is here. */
static const struct { const char *word, *key;
} elsewhere[] = {
	{"left", "local_ip"},
	{"right", "remote_gateway"},
	{"leftid", "local_id"},
	{"rightid", "peer_id"},
	{"leftsubnet", "local_network"},
	{"rightsubnet", "remote_network"},
	{"gateway", "remote_gateway"},
	{"remote_id", "peer_id"},
	{"remote_ip", "remote_gateway"},
	{"keyingtries", "keying_tries"},
	{"keyexchange", "version"},
	{"ikelifetime", "ike_life"},
	{"lifetime", "esp_life"},
	{"keylife", "esp_life"},
	{"margintime", "rekey_margin"},
	{"dpddelay", "dpd_delay"},
	{"dpdaction", "dpd_action"},
	{"forceencaps", "encap"},
	{"auto", "start"},
	{"comment", "description"},
	{"local_ts", "local_network"},
	{"remote_ts", "remote_network"},
	{"local_addrs", "local_ip"},
	{"remote_addrs", "remote_gateway"},
	{"proposals", "ike"},
	{"esp_proposals", "esp"},
	{"secret", "psk"},
	{"disabled", "enabled"},
	{"local_networks", "local_network"},
	{"remote_networks", "remote_network"},
	{"src-address", "local_network"},
	{"dst-address", "remote_network"},
	{"leftcert", "cert"},
	{"rightcert", "peer_cert"},
	{"certificate", "cert"},
	{"remote_cert", "peer_cert"},
	{"rightca", "ca"},
	{"cacert", "ca"},
	{"cacerts", "ca"},
	{"authby", "auth"},
	{"leftauth", "auth"},
	{"rightauth", "peer_auth"},
	{"auth-method", "auth"},
	{"strictcrlpolicy", "crl"},
	{"revocation", "crl"},
	{"aggressive", "exchange"},
	{"aggrmode", "exchange"},
	{"exchange-mode", "exchange"},
	{"type", "mode"},
	{"lifebytes", "esp_life_bytes"},
	{"life_bytes", "esp_life_bytes"},
	{"lifebyte", "esp_life_bytes"},
	{"salifetime", "esp_life"},
	{"reauth_time", "reauth"},
	{"uniqueids", "unique"},
	{"ike-frag", "fragmentation"},
	{"proposal-check", "proposal_check"},
	{"rekey_check", "test_rekey"},
	{"postquantumpsk", "ppk"},
	{"port", "remote_port"},
	{"rightikeport", "remote_port"},
	{"remoteport", "remote_port"},
	{"leftprotoport", "local_ports"},
	{"rightprotoport", "remote_ports"},
	{"local_port", "local_ports"},
	{"src-port", "local_ports"},
	{"dst-port", "remote_ports"},
	{"proto", "protocol"},
};

static const char *key_at(const void *arg, size_t i)
{
	const enum setting_scope *scope = arg;

	return settings_table[i].scope == *scope ? settings_table[i].key : NULL;
}

const struct setting *setting_require(enum setting_scope scope, const char *key,
				      struct err *e)
{
	const struct setting *s = setting_find(scope, key);
	const char *near = NULL;

	if (s)
		return s;
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
		if (strcasecmp(elsewhere[i].word, key) == 0 &&
		    setting_find(scope, elsewhere[i].key))
			near = elsewhere[i].key;
	if (!near)
		near = nearest(key, settings_table_n, key_at, &scope);
	if (near) {
		err_code(e, EXIT_SETTINGS, "unknown setting \"%.60s\": %s?", key, near);
		return NULL;
	}
	if (scope != SCOPE_ROUTER && setting_find(SCOPE_ROUTER, key))
		err_code(e, EXIT_SETTINGS,
			 "\"%.60s\" is a setting of the router, not of a %s: it "
			 "belongs into adit.conf",
			 key, setting_scope_name(scope));
	else if (scope != SCOPE_PEER && setting_find(SCOPE_PEER, key))
		err_code(e, EXIT_SETTINGS, "\"%.60s\" is a setting of a peer, not of %s",
			 key, scope == SCOPE_ROUTER ? "the router" : "a child");
	else
		err_code(e, EXIT_SETTINGS, "unknown setting \"%.60s\"", key);
	return NULL;
}

size_t setting_index(const struct setting *s)
{
	return (size_t)(s - settings_table);
}

bool setting_is_list(const struct setting *s)
{
	switch (s->type) {
	case ST_NETWORKS: case ST_IKE: case ST_ESP: case ST_WEAK: case ST_IFACES:
	case ST_GATEWAYS: case ST_CERTS:
		return true;
	case ST_TEXT:
	case ST_NAME:
	case ST_WORD:
	case ST_BOOL:
	case ST_CHOICE:
	case ST_VERSION:
	case ST_UINT:
	case ST_DURATION:
	case ST_BYTES:
	case ST_PACKETS:
	case ST_INTEG:
	case ST_ADDR:
	case ST_PROTO:
	case ST_PORTS:
	case ST_CERT:
	case ST_ID:
	case ST_IFACE:
	case ST_SECRET:
		return false;
	}
	return false;
}

const char *setting_scope_name(enum setting_scope scope)
{
	static const char *const names[] = { "router", "peer", "child" };

	return names[scope];
}

const char *setting_type_name(enum setting_type type)
{
	static const char *const names[] = {
		[ST_TEXT] = "text",         [ST_NAME] = "name",
		[ST_WORD] = "word",         [ST_BOOL] = "bool",
		[ST_CHOICE] = "choice",     [ST_VERSION] = "version",
		[ST_UINT] = "number",       [ST_DURATION] = "duration",
		[ST_BYTES] = "bytes",       [ST_PROTO] = "protocol",
		[ST_PORTS] = "ports",       [ST_CERT] = "certificate",
		[ST_CERTS] = "certificates", [ST_PACKETS] = "packets",
		[ST_INTEG] = "integrity",
		[ST_ADDR] = "address",      [ST_GATEWAYS] = "gateways",
		[ST_NETWORKS] = "networks", [ST_ID] = "id",
		[ST_IKE] = "ike_suites",    [ST_ESP] = "esp_suites",
		[ST_WEAK] = "weak_list",    [ST_IFACE] = "interface",
		[ST_IFACES] = "interfaces", [ST_SECRET] = "secret",
	};

	return names[type];
}

const char *setting_page_name(enum setting_page page)
{
	static const char *const names[] = {
		[PAGE_GENERAL] = "General", [PAGE_NETWORKS] = "Networks",
		[PAGE_ALGORITHMS] = "Algorithms", [PAGE_AUTH] = "Authentication",
		[PAGE_LIFE] = "Lifetimes", [PAGE_FIREWALL] = "Firewall",
		[PAGE_ADVANCED] = "Advanced", [PAGE_ROUTER] = "Router",
	};

	return page < PAGE_N ? names[page] : "";
}

const char *setting_cost_name(enum setting_cost cost)
{
	static const char *const names[] = { "nothing", "rekey", "restart" };

	return names[cost];
}

const char *setting_range(const struct setting *s, char *buf, size_t cap)
{
	char lo[VALUE_DURATION_TEXT], hi[VALUE_DURATION_TEXT];
	size_t n = 0;

	switch (s->type) {
	case ST_TEXT: case ST_NAME: case ST_WORD: case ST_SECRET:
		snprintf(buf, cap, "up to %u characters", s->max);
		break;
	case ST_BOOL:
		snprintf(buf, cap, "yes or no");
		break;
	case ST_CHOICE: case ST_VERSION:
		buf[0] = '\0';
		for (size_t i = 0; s->choices[i] && n < cap; i++)
			n += (size_t)snprintf(buf + n, cap - n, "%s%s", i ? ", " : "",
					      s->choices[i]);
		break;
	case ST_UINT:
		snprintf(buf, cap, "%u to %u", s->min, s->max);
		break;
	case ST_DURATION:
		snprintf(buf, cap, "%s to %s", value_duration_str(s->min, lo),
			 value_duration_str(s->max, hi));
		break;
	case ST_ADDR:
		snprintf(buf, cap, "an IP address");
		break;
	case ST_BYTES:
		snprintf(buf, cap, "0, or 1M and more: 500M, 10G, 2T");
		break;
	case ST_PACKETS:
		snprintf(buf, cap, "0, or 1K and more: 500K, 10M, 2G");
		break;
	case ST_INTEG:
		snprintf(buf, cap, "no, sha256, sha384, sha512, …");
		break;
	case ST_GATEWAYS:
		snprintf(buf, cap,
			 "1 to %d of: IP address, host name, network, any",
			 GATEWAYS_MAX);
		break;
	case ST_PROTO:
		snprintf(buf, cap, "any, tcp, udp, icmp, gre, … or a number to 255");
		break;
	case ST_PORTS:
		snprintf(buf, cap, "any, a port, or a range like 1000-2000");
		break;
	case ST_CERT:
		snprintf(buf, cap, "the name of a certificate (adit pki list)");
		break;
	case ST_CERTS:
		snprintf(buf, cap, "1 to %d names of certificates (adit pki list)",
			 CA_MAX);
		break;
	case ST_NETWORKS:
		snprintf(buf, cap, "1 to %d networks", NETWORKS_MAX);
		break;
	case ST_ID:
		snprintf(buf, cap,
			 "an address, name, user@name, keyid:… or distinguished name");
		break;
	case ST_IKE: case ST_ESP:
		snprintf(buf, cap, "1 to %d proposals", SUITE_MAX);
		break;
	case ST_WEAK:
		buf[0] = '\0';
		for (size_t i = 0; i < WEAK_N && n < cap; i++)
			n += (size_t)snprintf(buf + n, cap - n, "%s%s", i ? ", " : "",
					      weak_names[i]);
		break;
	case ST_IFACE:
		snprintf(buf, cap, "an interface");
		break;
	case ST_IFACES:
		snprintf(buf, cap, "1 to %d interfaces", LAN_MAX);
		break;
	}
	return buf;
}
