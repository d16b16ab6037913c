/* rooms: core/settings core/crypto core/base */
/* settings: the table, values, IDs, drafts: what is taken, and what errors say. */
#include "core/settings/docs.h"
#include "core/settings/draft.h"
#include "core/settings/id.h"
#include "core/settings/value.h"
#include "tests/unit/t.h"

static struct err e;

static struct draft *peer(const char *const *pairs)
{
	struct draft *d = draft_new_peer("branch", NULL, &e);

	CHECK(d);
	for (; *pairs; pairs++)
		if (draft_set_pair(d, *pairs, &e) < 0) {
			printf("    %s\n", e.msg);
			CHECK(!"draft_set_pair");
		}
	return d;
}

#define PAIRS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define GOOD "remote_gateway=198.51.100.2", "local_network=10.1.0.0/24", \
	"remote_network=10.2.0.0/24"

/* key=text is refused, and the error holds both parts. */
static void refused(const char *key, const char *text, const char *part)
{
	struct draft *d = draft_new_peer("branch", NULL, &e);
	int r = draft_set(d, key, text, &e);

	if (r == 0 || !strstr(e.msg, part) || strncmp(e.msg, key, strlen(key)) != 0)
		printf("    %s=%s: \"%s\", not \"…%s…\"\n", key, text,
		       r ? e.msg : "taken", part);
	CHECK(r < 0);
	CHECK_HAS(e.msg, part);
	CHECK_INT(e.code, EXIT_SETTINGS);
	CHECK(strncmp(e.msg, key, strlen(key)) == 0);
	CHECK(draft_try(d, key, text, NULL) < 0);
	CHECK(!draft_is_set(d, key) || strcmp(key, "name") == 0);
	draft_free(d);
}

static void taken(const char *key, const char *text, const char *canonical)
{
	struct draft *d = draft_new_peer("branch", NULL, &e);

	if (draft_set(d, key, text, &e) < 0)
		printf("    %s=%s: %s\n", key, text, e.msg);
	CHECK(draft_try(d, key, text, &e) == 0);
	CHECK_STR(draft_get(d, key), canonical);
	/* What we print we take, and print the same. */
	CHECK(draft_set(d, key, draft_get(d, key), &e) == 0);
	CHECK_STR(draft_get(d, key), canonical);
	draft_free(d);
}

static void table_is_sound(void)
{
	for (size_t i = 0; i < settings_table_n; i++) {
		const struct setting *s = &settings_table[i];
		char buf[VALUE_TEXT_MAX], canonical[VALUE_TEXT_MAX];
		struct value v;

		CHECK_INT(setting_index(s), i);
		CHECK(setting_find(s->scope, s->key) == s);
		CHECK(s->label && s->help && s->more && s->def && s->empty && s->unit &&
		      s->aka && s->example && s->when);
		CHECK(*s->label && *s->help);
		CHECK(!!*s->when == !!s->when_key && !!s->when_key == !!s->when_not);
		CHECK(!s->when_key || setting_find(s->scope, s->when_key));
		CHECK((s->type == ST_CHOICE || s->type == ST_VERSION) ==
		      (s->choices != NULL));
		CHECK((s->home == HOME_NONE) == (s->type == ST_SECRET));
		CHECK(*setting_range(s, buf, sizeof(buf)));
		if (s->type == ST_SECRET)
			continue;
		/* Defaults and examples are values, and defaults stand in canonical form.
		 */
		CHECK(value_parse(s, s->def, &v, &e) == 0);
		CHECK_STR(value_str(s, &v, canonical, sizeof(canonical)), s->def);
		if (*s->example)
			CHECK(value_parse(s, s->example, &v, &e) == 0);
	}
}

static void defaults_are_good_practice(void)
{
	struct draft *d = peer(PAIRS(GOOD));
	struct peer_conf p;

	CHECK(draft_to_peer(d, &p, &e) == 0);
	CHECK_INT(suite_weak(&p.ike), 0);
	CHECK_INT(suite_weak(&p.children[0].esp), 0);
	for (int i = 0; i < p.children[0].esp.n; i++)
		CHECK(p.children[0].esp.s[i].n_ke > 0);		/* PFS */
	CHECK_INT(p.ike_life_s, 4 * 3600);
	CHECK_INT(p.children[0].esp_life_s, 3600);
	CHECK_INT(p.rekey_margin_s, 360);
	CHECK_INT(p.version, 2);
	CHECK_INT(p.start, START_START);
	CHECK_INT(p.keying_tries, 0);
	CHECK_INT(p.dpd_delay_s, 30);
	CHECK_INT(p.dpd_action, DPD_RESTART);
	CHECK_INT(p.encap, ENCAP_AUTO);
	CHECK_INT(p.mtu, 0);
	CHECK(p.enabled && p.forward_lan && p.forward_wan && !p.remote_any);
	CHECK_INT(p.allow_weak, 0);
	CHECK_INT(p.local_id.type, ID_NONE);
	CHECK_STR(p.children[0].name, "branch");
	CHECK_STR(p.interface, "adit-branch");
	peer_conf_fini(&p);
	draft_free(d);
}

static void all_values_arrive(void)
{
	struct draft *d = peer(PAIRS(
		"description=Branch, Main Street", "enabled=no", "start=responder",
		"version=ikev2", "local_id=gw@example.org", "peer_id=keyid:0x0102ff",
		"local_ip=203.0.113.1", "remote_gateway=198.51.100.2",
		"local_network=10.1.0.0/24, 10.3.0.0/16",
		"remote_network=10.2.0.0/24 fd00::/64",
		"ike=aes256gcm16-sha384-ecp384,aes128-sha256-modp2048",
		"esp=aes256gcm16-ecp384", "keying_tries=3", "forward_wan=off",
		"forward_lan=0", "ike_life=8h", "esp_life=90m", "rekey_margin=300",
		"dpd_delay=2m", "dpd_action=clear", "encap=force", "mtu=1400",
		"allow_weak=sha1,modp1024", "local_network=10.1.0.0/24,fd01::/64",
		"child.voice.local_network=10.1.1.0/24",
		"child.voice.remote_network=10.2.1.0/24", "child.voice.esp=aes128gcm16",
		"child.v2.local_network=10.1.2.0/24",
		"child.v2.remote_network=10.2.2.0/24"));
	struct peer_conf p;

	CHECK(draft_to_peer(d, &p, &e) == 0);
	CHECK_STR(p.description, "Branch, Main Street");
	CHECK(!p.enabled && !p.forward_wan && !p.forward_lan);
	CHECK_INT(p.start, START_RESPONDER);
	CHECK_INT(p.local_id.type, ID_RFC822_ADDR);
	CHECK_INT(p.local_id.len, 14);
	CHECK_INT(p.peer_id.type, ID_KEY_ID);
	CHECK_INT(p.peer_id.len, 3);
	CHECK_MEM(p.peer_id.data, "\1\2\xff", 3);
	CHECK_INT(p.remote_gateway.family, AF_INET);
	CHECK_INT(p.local_ip.b[3], 1);
	CHECK_INT(p.ike.n, 2);
	CHECK_INT(p.keying_tries, 3);
	CHECK_INT(p.ike_life_s, 28800);
	CHECK_INT(p.rekey_margin_s, 300);
	CHECK_INT(p.dpd_delay_s, 120);
	CHECK_INT(p.dpd_action, DPD_CLEAR);
	CHECK_INT(p.encap, ENCAP_FORCE);
	CHECK_INT(p.mtu, 1400);
	CHECK_INT(p.allow_weak, WEAK_SHA1 | WEAK_MODP1024);
	CHECK_INT(p.n_children, 3);
	CHECK_INT(p.children[0].n_local, 2);
	CHECK_INT(p.children[0].n_remote, 2);
	CHECK_INT(p.children[0].remote_network[1].len, 64);
	CHECK_INT(p.children[0].esp_life_s, 5400);
	CHECK_STR(p.children[1].name, "voice");
	CHECK_INT(p.children[1].esp.n, 1);
	CHECK_INT(p.children[1].esp.s[0].encr[0].key_bits, 128);
	/* What a child does not say it has from its peer. */
	CHECK_INT(p.children[1].esp_life_s, 5400);
	CHECK_INT(p.children[2].esp.s[0].encr[0].key_bits, 256);
	CHECK_STR(draft_get(d, "child.v2.esp"), "aes256gcm16-ecp384");
	CHECK(!draft_is_set(d, "child.v2.esp"));
	peer_conf_fini(&p);
	draft_free(d);
}

static void canonical_forms(void)
{
	taken("ike_life", "3600", "1h");
	taken("ike_life", "90m", "90m");
	taken("ike_life", "1d", "1d");
	taken("ike_life", "1h 30m", "90m");
	taken("ike_life", "100", "100s");
	taken("dpd_delay", "off", "0");
	taken("keying_tries", "forever", "0");
	taken("keying_tries", "%forever", "0");
	taken("enabled", "TRUE", "yes");
	taken("start", "Responder", "responder");
	taken("version", "IKEv2", "2");
	taken("local_network", " 10.1.0.0/24 ,, 10.2.0.1", "10.1.0.0/24,10.2.0.1/32");
	taken("remote_network", "0.0.0.0/0", "0.0.0.0/0");
	taken("remote_network", "::/0", "::/0");
	taken("remote_gateway", "2001:DB8:0::1", "2001:db8::1");
	taken("remote_gateway", "%any", "any");
	taken("remote_gateway", "0.0.0.0", "any");
	taken("remote_gateway", "198.51.100.2/32", "198.51.100.2");
	taken("remote_gateway", "VPN.Example.net., 198.51.100.2 203.0.113.0/24 ANY",
	      "vpn.example.net,198.51.100.2,203.0.113.0/24,any");
	taken("remote_gateway", "xn--bro-hoa.example", "xn--bro-hoa.example");
	taken("version", "1", "1");
	taken("version", "ikev1", "1");
	taken("version", "AUTO", "auto");
	taken("start", "on_demand", "on_demand");
	taken("dpd_action", "hold", "hold");
	taken("esp_life_bytes", "10G", "10G");
	taken("esp_life_bytes", "10240 MiB", "10G");
	taken("esp_life_bytes", "1536M", "1536M");
	taken("esp_life_bytes", "5000000", "5000000");
	taken("esp_life_bytes", "never", "0");
	taken("esp_life_packets", "2G", "2G");
	taken("esp_life_packets", "1500k", "1500K");
	taken("esp_life_packets", "4294967296", "4294967296");
	taken("esp_life_packets", "none", "0");
	taken("ah", "SHA256", "sha256");
	taken("ah", "sha2_512", "sha512");
	taken("ah", "esp", "no");
	taken("ipcomp", "on", "yes");
	taken("encap", "never", "never");
	taken("child.a.b.mode", "discard", "discard");
	taken("child.a.b.ah", "no", "no");
	taken("protocol", "TCP", "tcp");
	taken("protocol", "47", "gre");
	taken("protocol", "200", "200");
	taken("protocol", "*", "any");
	taken("local_ports", "443", "443");
	taken("local_ports", "1000-2000", "1000-2000");
	taken("local_ports", "0-65535", "any");
	taken("local_ports", "443-443", "443");
	taken("ca", "office, other-ca", "office,other-ca");
	taken("remote_port", "0", "");
	taken("reauth", "never", "0");
	taken("allow_weak", "aggressive des", "des,aggressive");
	taken("local_ip", "auto", "");
	taken("mtu", "0", "");
	taken("mtu", "auto", "");
	taken("ike", "AES256-SHA2_256-dh14!", "aes256-sha256-modp2048");
	taken("ike", "aes256gcm-prfsha384-ecp384", "aes256gcm16-sha384-ecp384");
	taken("esp", "aes256gcm128-dh19, aes256-sha256",
	      "aes256gcm16-ecp256,aes256-sha256");
	taken("allow_weak", "MD5 3des", "3des,md5");
	taken("local_id", "@gw.example.org", "gw.example.org");
	taken("peer_id", "%any", "");
	taken("description", "  Zürich \"Süd\" # 1 ", "Zürich \"Süd\" # 1");
	taken("child.a.b.local_network", "10.0.0.1", "10.0.0.1/32");
}

static void errors_say_what_is_right(void)
{
	refused("local_network", "192.168.1.10/24",
		"192.168.1.10/24 has host bits set: 192.168.1.0/24?");
	refused("local_network", "10.1.0.0/33", "at most 32");
	refused("local_network", "10.1.0.0/24,10.1.0.0/24", "10.1.0.0/24 is there twice");
	refused("remote_network", "office", "not a network");
	refused("remote_gateway", "b\303\274ro.example", "beginning with xn--");
	refused("remote_gateway", "vpn..example.org", "two dots");
	refused("remote_gateway", "-vpn.example.org", "hyphen");
	refused("remote_gateway", "vpn.example.org:500", "remote_port");
	refused("remote_gateway", "198.51.100.300", "not a complete IP address");
	refused("remote_gateway", "198.51.100.0/23,10.1.2.3/8", "host bits");
	refused("remote_gateway", "a.example,b.example,c.example,d.example,e.example",
		"more than 4 gateways");
	refused("remote_gateway", "a.example,A.example.", "A.example. is there twice");
	refused("remote_gateway", "localhost", "this router itself");
	refused("remote_gateway", "224.0.0.1", "not the address of a router");
	refused("local_ip", "gw", "is a host name");
	refused("local_ip", "1.2.3", "is not an IP address");
	refused("version", "3", "no version of IKE: 2, 1 or auto");
	refused("protocol", "tpc", "is no protocol");
	refused("protocol", "256", "is no protocol");
	refused("local_ports", "443,80", "not a list");
	refused("local_ports", "70000", "neither a port nor a range");
	refused("remote_ports", "2000-1000", "ends before it begins");
	refused("remote_ports", "1000-", "neither a port nor a range");
	refused("esp_life_bytes", "10", "too little");
	refused("esp_life_bytes", "lots", "no amount");
	refused("esp_life_bytes", "10X", "no amount");
	refused("esp_life_bytes", "99999999999P", "more than can be counted");
	refused("esp_life_bytes", "99999999999999999999999", "no amount");
	refused("esp_life_packets", "999", "too little");
	refused("esp_life_packets", "1GB", "no number of packets");
	refused("esp_life_packets", "9223372036854775808", "no number of packets");
	refused("esp_life_packets", "9300000P", "more than can be counted");
	refused("ah", "aes256", "no integrity algorithm");
	refused("ah", "sha257", "no integrity algorithm");
	refused("mode", "bypass", "tunnel, transport");
	refused("cert", "/etc/ssl/gw.pem", "is a path");
	refused("cert", "a-name-that-is-much-longer-than-32-letters", "longer than 32");
	refused("ca", "a,b,c,d,e", "more than 4 certificates");
	refused("ppk", "0xabc", "pairs of hex digits");
	refused("exchange", "agressive", "aggressive?");
	refused("ike_life", "4x", "write 90s, 30m, 4h or 1d");
	refused("ike_life", "h", "write 90s");
	refused("ike_life", "5", "too short: 10s to 30d");
	refused("ike_life", "99999999999999999999d", "too long");
	refused("keying_tries", "three", "not a number from 0 to 10000");
	refused("keying_tries", "-1", "not a number");
	refused("keying_tries", "10001", "out of range");
	refused("keying_tries", "99999999999999999999", "out of range");
	refused("mtu", "100", "576 to 9200");
	refused("enabled", "maybe", "neither yes nor no");
	refused("start", "strat", "start?");
	refused("start", "onstart-x", "none of: start, responder, on_demand");
	refused("dpd_action", "never", "none of: restart, clear, hold");
	refused("ike", "aes256-modp2048", "without a hash");
	refused("esp", "aes256", "add sha256");
	refused("ike", "aes256-sha256", "no group");
	refused("ike", "aes265-sha256-modp2048", "aes256?");
	refused("allow_weak", "rc4", "none of the weak algorithms");
	refused("description", "a\nb", "control character");
	refused("description", "\xff\xfe", "not UTF-8");
	refused("description", "\xc2\x9b" "31m", "control character");
	refused("local_id", "10.0.0.0/8", "is a network");
	refused("local_id", "10.0.0", "not a complete IP address");
	refused("local_id", "a@b@c", "not user@host");
	refused("local_id", "keyid:0x123", "pairs of hex digits");
	refused("local_id", "CN=", "has no value");
	refused("local_id", "XX=a", "no part of a distinguished name");
	refused("local_id", "gw example", "neither an IP address");
	refused("name", "-x", "must begin with a letter or a digit");
	refused("name", "../etc", "must begin");
	refused("name", "a b", "letters, digits");
	refused("psk", "0xabc", "pairs of hex digits");
	refused("psk", "a\nb", "control character");
}

static void unknown_keys_find_the_nearest(void)
{
	struct draft *d = draft_new_peer("branch", NULL, &e);

	CHECK(draft_set(d, "remote_gatway", "1.2.3.4", &e) < 0);
	CHECK_STR(e.msg, "unknown setting \"remote_gatway\": remote_gateway?");
	CHECK_INT(e.code, EXIT_SETTINGS);
	CHECK(draft_set(d, "child.a.epsilon", "x", &e) < 0);
	CHECK(draft_set(d, "rightsubnet", "x", &e) < 0);
	CHECK_HAS(e.msg, "remote_network?");
	CHECK(draft_set(d, "keyingtries", "x", &e) < 0);
	CHECK_HAS(e.msg, "keying_tries?");
	CHECK(draft_set(d, "dataplane", "x", &e) < 0);
	CHECK_HAS(e.msg, "setting of the router");
	CHECK(draft_set(d, "child.a", "x", &e) < 0);
	CHECK_HAS(e.msg, "child.NAME.KEY");
	CHECK(draft_set(d, "child.a.start", "x", &e) < 0);
	CHECK(draft_set(d, "xyzzy", "x", &e) < 0);
	CHECK_STR(e.msg, "unknown setting \"xyzzy\"");
	CHECK(draft_set_pair(d, "ike", &e) < 0);
	CHECK_INT(e.code, EXIT_USAGE);
	CHECK(draft_get(d, "nope") == NULL);
	CHECK_INT(draft_children(d), 0);
	draft_free(d);
}

static void nearest_words(void)
{
	static const char *const verbs[] = {"restart", "status", "interfaces", "up",
					    NULL};

	CHECK_STR(nearest_of("statsu", verbs), "status");
	CHECK_STR(nearest_of("STATUS", verbs), "status");
	CHECK_STR(nearest_of("restrat", verbs), "restart");
	CHECK_STR(nearest_of("interface", verbs), "interfaces");
	CHECK(nearest_of("route", verbs) == NULL);
	CHECK_STR(nearest_of("pu", verbs), "up");
	CHECK(nearest_of("xyz", verbs) == NULL);
	CHECK(nearest_of("ab", verbs) == NULL);
	CHECK(nearest_of("", verbs) == NULL);
	CHECK(nearest_of("a word that is far longer than the sixty-four letters anything "
			 "here has",
			 verbs) == NULL);
}

static void id_text(const char *text, int type, const char *again)
{
	struct ike_id id, id2;
	char buf[ID_TEXT_MAX];

	if (ike_id_parse(text, &id, &e) < 0)
		printf("    %s: %s\n", text, e.msg);
	CHECK(ike_id_parse(text, &id, &e) == 0);
	CHECK_INT(id.type, type);
	CHECK_STR(ike_id_str(&id, buf, sizeof(buf)), again);
	CHECK(ike_id_parse(buf, &id2, &e) == 0);
	CHECK(ike_id_equal(&id, &id2));
}

static void ids(void)
{
	static const uint8_t dn[] = {
		/* openssl's encoding of C=CH, O=Acme, CN=gw */
		0x30, 0x29, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x06,
		0x13, 0x02, 'C',  'H',  0x31, 0x0d, 0x30, 0x0b, 0x06, 0x03, 0x55,
		0x04, 0x0a, 0x13, 0x04, 'A',  'c',  'm',  'e',  0x31, 0x0b, 0x30,
		0x09, 0x06, 0x03, 0x55, 0x04, 0x03, 0x13, 0x02, 'g',  'w',
	};
	struct ike_id id;

	id_text("", ID_NONE, "");
	id_text("192.0.2.1", ID_IPV4_ADDR, "192.0.2.1");
	id_text("2001:db8:0::1", ID_IPV6_ADDR, "2001:db8::1");
	id_text("gw.example.org", ID_FQDN, "gw.example.org");
	id_text("branch", ID_FQDN, "branch");
	id_text("joe@example.org", ID_RFC822_ADDR, "joe@example.org");
	id_text("keyid:my key", ID_KEY_ID, "keyid:0x6d79206b6579");
	id_text("keyid:mykey", ID_KEY_ID, "keyid:mykey");
	id_text("keyid:0xdeadbeef", ID_KEY_ID, "keyid:0xdeadbeef");
	id_text("keyid:0x3078", ID_KEY_ID, "keyid:0x3078");
	id_text("C=CH, O=Acme, CN=gw", ID_DER_ASN1_DN, "C=CH, O=Acme, CN=gw");
	id_text("cn=gw,o=A\\, B & Co", ID_DER_ASN1_DN, "CN=gw, O=A\\, B & Co");
	id_text("CN=\\ x\\ ", ID_DER_ASN1_DN, "CN=\\ x\\ ");
	id_text("O=Zürich, E=a@b.ch, DC=ch", ID_DER_ASN1_DN, "O=Zürich, E=a@b.ch, DC=ch");
	CHECK(ike_id_parse("C=CH, O=Acme, CN=gw", &id, &e) == 0);
	CHECK_INT(id.len, sizeof(dn));
	CHECK_MEM(id.data, dn, sizeof(dn));
}

static void ids_from_the_wire_are_safe(void)
{
	static const struct { uint8_t type, len; const char *data, *text;
	} cases[] = {
		{ID_FQDN, 5, "a\x1b[m\n", "a\\x1b[m\\x0a"},
		{ID_DER_ASN1_DN, 2, "\x30\x05", "DN:0x3005"},
		{ID_DER_ASN1_DN, 2, "\x30\x00", "DN:0x3000"},
		{ID_DER_ASN1_DN, 0, "", "DN:0x"},
		{ID_DER_ASN1_DN, 15,
		 "\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02\xc2\x9b",
		 "DN:0x300d310b300906035504030c02c29b"},
		{ID_IPV4_ADDR, 3, "abc", "type 1:0x616263"},
		{77, 1, "x", "type 77:0x78"},
		{ID_KEY_ID, 0, "", "keyid:0x"},
	};
	char buf[ID_TEXT_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ike_id id = { .type = cases[i].type, .len = cases[i].len };

		memcpy(id.data, cases[i].data, cases[i].len);
		CHECK_STR(ike_id_str(&id, buf, sizeof(buf)), cases[i].text);
	}
}

static void dn_too_long(void)
{
	char text[300], buf[ID_TEXT_MAX];
	struct ike_id id;

	/* One part above 127 bytes has the long form of lengths at three levels. */
	snprintf(text, sizeof(text), "O=%0150d", 0);
	CHECK(ike_id_parse(text, &id, &e) == 0);
	CHECK_INT(id.len, 3 + 3 + 3 + 5 + 3 + 150);
	CHECK_MEM(id.data, "\x30\x81\xa4\x31\x81\xa1\x30\x81\x9e\x06\x03\x55\x04\x0a\x13\x81\x96"
		  "0", 18);
	CHECK_STR(ike_id_str(&id, buf, sizeof(buf)), text);
	snprintf(text, sizeof(text), "O=%0110d, CN=%0120d", 0, 0);
	CHECK(ike_id_parse(text, &id, &e) < 0);
	CHECK_HAS(e.msg, "more than 240 bytes");
	snprintf(text, sizeof(text), "O=%0239d", 0);
	CHECK(ike_id_parse(text, &id, &e) < 0);
}

static void psks(void)
{
	uint8_t out[PSK_MAX];
	char hex[2 * PSK_MAX + 8] = "0x";
	size_t n;

	CHECK(psk_parse("secret word", out, &n, &e) == 0);
	CHECK_INT(n, 11);
	CHECK(psk_parse("0X00ffA5", out, &n, &e) == 0);
	CHECK_INT(n, 3);
	CHECK_MEM(out, "\x00\xff\xa5", 3);
	CHECK(psk_parse("", out, &n, &e) < 0);
	CHECK(psk_parse("0x", out, &n, &e) < 0);
	memset(hex + 2, 'a', 2 * PSK_MAX);
	CHECK(psk_parse(hex, out, &n, &e) == 0);
	CHECK_INT(n, PSK_MAX);
	strcat(hex, "aa");
	CHECK(psk_parse(hex, out, &n, &e) < 0);
	CHECK_HAS(psk_weakness("short"), "under 20 characters");
	CHECK_HAS(psk_weakness("aaaaaaaaaaaaaaaaaaaaaaaaaaaa"), "same few characters");
	CHECK_HAS(psk_weakness("K3bH9sQx0PzL2mN7vRtY4wEa "), "blank");
	CHECK(psk_weakness("K3bH9sQx0PzL2mN7vRtY4wEa") == NULL);
}

static void a_draft_keeps_its_psk_apart(void)
{
	struct draft *d = peer(PAIRS(GOOD)), *dup;
	struct findings fs = { 0 };
	struct sbuf out = { 0 };
	enum setting_cost cost;

	CHECK_STR(draft_get(d, "psk"), "");
	CHECK(!draft_is_set(d, "psk"));
	dup = draft_dup(d);
	CHECK(draft_set(dup, "psk", "hunter2", &e) == 0);
	CHECK_STR(draft_get(dup, "psk"), "hunter2");
	CHECK_INT(draft_diff(d, dup, "", &out, &cost), 1);
	CHECK_STR(sbuf_str(&out), "psk changed\n");
	CHECK_INT(cost, COST_RESTART);
	CHECK_INT(draft_check(dup, NULL, 0, &fs), 0);
	CHECK_INT(fs.warnings, 1);
	CHECK_HAS(findings_for(&fs, "branch", "psk")->msg, "under 20 characters");
	CHECK(!strstr(fs.f[0].msg, "hunter2"));
	CHECK(draft_set(dup, "psk", "", &e) == 0);
	CHECK(!draft_is_set(dup, "psk"));
	sbuf_fini(&out);
	findings_fini(&fs);
	draft_free(d);
	draft_free(dup);
}

static void children_come_and_go(void)
{
	struct draft *d = peer(PAIRS(GOOD));

	CHECK(draft_child_add(d, "voice", &e) == 0);
	CHECK(draft_child_add(d, "voice", &e) < 0);
	CHECK_HAS(e.msg, "already");
	CHECK(draft_child_add(d, "branch", &e) < 0);
	CHECK_HAS(e.msg, "peer's name");
	CHECK(draft_child_add(d, "../x", &e) < 0);
	CHECK(draft_set(d, "child.data.local_network", "10.9.0.0/24", &e) == 0);
	CHECK_INT(draft_children(d), 2);
	CHECK_STR(draft_child(d, 1), "data");
	CHECK(draft_child_del(d, "voice", &e) == 0);
	CHECK(draft_child_del(d, "voice", &e) < 0);
	CHECK_STR(draft_child(d, 0), "data");
	CHECK(draft_child(d, 1) == NULL);
	for (int i = 0; i < CHILDREN_MAX - 2; i++) {
		char name[8];

		snprintf(name, sizeof(name), "c%d", i);
		CHECK(draft_child_add(d, name, &e) == 0);
	}
	CHECK(draft_child_add(d, "more", &e) < 0);
	CHECK_HAS(e.msg, "at most 16");
	draft_free(d);
}

static void router_and_its_defaults(void)
{
	struct draft *r = draft_new_router(), *d;
	struct router_conf c;

	CHECK(draft_set(r, "wan", "eth0", &e) == 0);
	CHECK(draft_set(r, "lan", "lan0, lan1", &e) == 0);
	CHECK(draft_set(r, "log_level", "debug", &e) == 0);
	CHECK(draft_set(r, "dataplane", "userspace", &e) == 0);
	CHECK(draft_set(r, "theme", "light", &e) == 0);
	CHECK(draft_set(r, "defaults.dpd_delay", "10", &e) == 0);
	CHECK(draft_set(r, "defaults.remote_network", "10.0.0.0/8", &e) < 0);
	CHECK_HAS(e.msg, "belongs to each peer");
	CHECK(draft_set(r, "ike", "x", &e) < 0);
	CHECK_HAS(e.msg, "setting of a peer");
	CHECK(draft_set(r, "wan", "an-interface-too-long", &e) < 0);
	CHECK(draft_to_router(r, &c, &e) == 0);
	CHECK_STR(c.wan, "eth0");
	CHECK_INT(c.n_lan, 2);
	CHECK_STR(c.lan[1], "lan1");
	CHECK_INT(c.log_level, LL_DEBUG);
	CHECK_INT(c.dataplane, DATAPLANE_USERSPACE);
	CHECK_STR(c.theme, "light");
	/* A new peer starts with the defaults as its own. */
	d = draft_new_peer("branch", r, &e);
	CHECK_STR(draft_get(d, "dpd_delay"), "10s");
	CHECK(draft_is_set(d, "dpd_delay"));
	CHECK_STR(draft_get(d, "ike_life"), "4h");
	CHECK(!draft_is_set(d, "ike_life"));
	draft_free(d);
	CHECK(draft_set(r, "lan", "eth0", &e) == 0);
	CHECK(draft_to_router(r, &c, &e) < 0);
	CHECK_HAS(e.msg, "eth0 is the WAN interface");
	draft_free(r);
}

static void idle_fields_say_why(void)
{
	struct draft *d = peer(PAIRS(GOOD));

	CHECK(draft_idle(d, "dpd_action") == NULL);
	CHECK(draft_set(d, "dpd_delay", "0", &e) == 0);
	CHECK_STR(draft_idle(d, "dpd_action"), "while dpd_delay is not 0");
	CHECK(draft_idle(d, "ike") == NULL);
	CHECK(draft_idle(d, "exchange") && draft_idle(d, "cert") && draft_idle(d, "ca"));
	CHECK(draft_idle(d, "local_ports") && draft_idle(d, "ppk"));
	CHECK(draft_set(d, "auth", "cert", &e) == 0);
	/* peer_auth is like auth until it says otherwise. */
	CHECK(!draft_idle(d, "cert") && !draft_idle(d, "ca"));
	CHECK(draft_set(d, "peer_auth", "psk", &e) == 0);
	CHECK(!draft_idle(d, "cert") && draft_idle(d, "ca"));
	CHECK(draft_set(d, "version", "1", &e) == 0);
	CHECK(!draft_idle(d, "exchange") && draft_idle(d, "mobike"));
	CHECK(draft_set(d, "version", "auto", &e) == 0);
	CHECK(!draft_idle(d, "exchange") && !draft_idle(d, "mobike"));
	CHECK(draft_set(d, "child.v.protocol", "tcp", &e) == 0);
	CHECK(!draft_idle(d, "child.v.local_ports") && draft_idle(d, "local_ports"));
	draft_free(d);
}

static void diffs(void)
{
	struct draft *a = peer(PAIRS(GOOD)), *b = draft_dup(a);
	struct sbuf out = { 0 };
	enum setting_cost cost;

	CHECK_INT(draft_diff(a, b, "", &out, &cost), 0);
	/* The default, written out, is no difference. */
	CHECK(draft_set(b, "ike_life", "4h", &e) == 0);
	CHECK_INT(draft_diff(a, b, "", &out, &cost), 0);
	CHECK(draft_set(b, "keying_tries", "3", &e) == 0);
	CHECK_INT(draft_diff(a, b, "  ", &out, &cost), 1);
	CHECK_STR(sbuf_str(&out), "  keying_tries: 0 -> 3\n");
	CHECK_INT(cost, COST_NOTHING);
	CHECK(draft_set(b, "child.v.local_network", "10.7.0.0/24", &e) == 0);
	CHECK(draft_set(b, "description", "x", &e) == 0);
	sbuf_reset(&out);
	CHECK_INT(draft_diff(a, b, "", &out, &cost), 3);
	CHECK_HAS(sbuf_str(&out), "child.v.local_network: none -> 10.7.0.0/24\n");
	CHECK_INT(cost, COST_REKEY);
	sbuf_reset(&out);
	CHECK_INT(draft_diff(NULL, a, "", &out, &cost), 3);
	CHECK_INT(cost, COST_RESTART);
	CHECK_HAS(sbuf_str(&out), "remote_gateway: none -> 198.51.100.2\n");
	sbuf_fini(&out);
	draft_free(a);
	draft_free(b);
}

static void costs(void)
{
	static const struct { const char *pair; enum setting_cost cost;
	} cases[] = {
		{"description=x", COST_NOTHING},
		{"dpd_delay=10s", COST_NOTHING},
		{"ike_life=2h", COST_NOTHING},
		{"forward_wan=no", COST_NOTHING},
		{"esp=aes256gcm16", COST_REKEY},
		{"remote_network=10.8.0.0/24", COST_REKEY},
		{"child.v.local_network=10.1.1.0/24", COST_REKEY},
		{"ike=aes256-sha256-modp2048", COST_RESTART},
		{"local_id=gw", COST_RESTART},
		{"remote_gateway=198.51.100.3", COST_RESTART},
	};
	struct peer_conf p, q;
	struct draft *d = peer(PAIRS(GOOD));

	CHECK(draft_to_peer(d, &p, &e) == 0);
	CHECK(draft_to_peer(d, &q, &e) == 0);
	CHECK_INT(peer_conf_cost(&p, &q), COST_NOTHING);
	peer_conf_fini(&q);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct draft *c = draft_dup(d);

		CHECK(draft_set_pair(c, cases[i].pair, &e) == 0);
		if (draft_children(c))
			CHECK(draft_set(c, "child.v.remote_network", "10.2.1.0/24", &e) ==
			      0);
		CHECK(draft_to_peer(c, &q, &e) == 0);
		if (peer_conf_cost(&p, &q) != cases[i].cost)
			printf("    %s\n", cases[i].pair);
		CHECK_INT(peer_conf_cost(&p, &q), cases[i].cost);
		peer_conf_fini(&q);
		draft_free(c);
	}
	peer_conf_fini(&p);
	draft_free(d);
}

static struct sbuf offered;
static int weak_offered;

static void take(void *arg, const char *value, const char *about, bool weak)
{
	(void)arg;
	CHECK(about);
	sbuf_addf(&offered, "[%s]", value);
	weak_offered += weak;
}

static const char *offers(enum setting_scope scope, const char *key, const char *typed)
{
	sbuf_reset(&offered);
	weak_offered = 0;
	setting_suggest(setting_find(scope, key), typed, take, NULL);
	return offered.len ? sbuf_str(&offered) : "";
}

static void suggestions(void)
{
	CHECK_STR(offers(SCOPE_PEER, "enabled", ""), "[yes][no]");
	CHECK_STR(offers(SCOPE_PEER, "start", "re"), "[responder]");
	CHECK_STR(offers(SCOPE_PEER, "version", ""), "[2][1][auto]");
	CHECK_HAS(offers(SCOPE_CHILD, "protocol", "t"), "[tcp]");
	CHECK_HAS(offers(SCOPE_PEER, "remote_gateway", "198.51.100.2,"),
		  "[198.51.100.2,any]");
	CHECK_HAS(offers(SCOPE_PEER, "ike", ""), "[aes256gcm16-sha384-ecp384]");
	CHECK_INT(weak_offered, 0);
	CHECK_HAS(offers(SCOPE_PEER, "ike", "aes256-"), "[aes256-sha256]");
	CHECK_HAS(offers(SCOPE_PEER, "ike", "aes256-sha256-mod"),
		  "[aes256-sha256-modp4096]");
	CHECK(weak_offered > 0);
	CHECK_HAS(offers(SCOPE_PEER, "ike", "aes256-sha256-modp2048, chacha"),
		  "[aes256-sha256-modp2048, chacha20poly1305-sha256-x25519]");
	/* AEAD in ESP takes no hash. */
	CHECK(!strstr(offers(SCOPE_PEER, "esp", "aes256gcm16-"), "sha256"));
	CHECK_HAS(offers(SCOPE_PEER, "esp", "aes256gcm16-e"), "[aes256gcm16-ecp384]");
	CHECK_HAS(offers(SCOPE_PEER, "allow_weak", "sha1,m"), "[sha1,md5]");
	CHECK_STR(offers(SCOPE_PEER, "description", ""), "");
	sbuf_fini(&offered);
}

/* Every whole suite on offer is a good value without weak parts. */
static void check_suite(void *arg, const char *value, const char *about, bool weak)
{
	const struct setting *s = arg;
	struct value v;

	(void)about;
	CHECK(!weak);
	CHECK(value_parse(s, value, &v, &e) == 0);
	CHECK_INT(suite_weak(&v.suites), 0);
}

static void suggested_suites_are_good(void)
{
	setting_suggest(setting_find(SCOPE_PEER, "ike"), "", check_suite,
			(void *)setting_find(SCOPE_PEER, "ike"));
	setting_suggest(setting_find(SCOPE_PEER, "esp"), "", check_suite,
			(void *)setting_find(SCOPE_PEER, "esp"));
}

struct seen {
	int n, set;
	bool psk, child, def;
};

static bool see(void *arg, const char *key, const struct setting *s, const char *text,
		bool set)
{
	struct seen *seen = arg;

	CHECK(s && text);
	seen->n++;
	seen->set += set;
	seen->psk |= strcmp(key, "psk") == 0;
	seen->child |= strcmp(key, "child.v.esp_life") == 0;
	seen->def |= strcmp(key, "defaults.ike") == 0;
	return true;
}

static void each_key(void)
{
	struct draft *d = peer(PAIRS(GOOD, "child.v.local_network=10.7.0.0/24"));
	struct draft *r = draft_new_router();
	struct seen s = { 0 };

	draft_each(d, see, &s);
	CHECK(s.psk && s.child && !s.def);
	CHECK_INT(s.set, 5);		/* the name too */
	memset(&s, 0, sizeof(s));
	draft_each(r, see, &s);
	CHECK(s.def && !s.psk);
	draft_free(d);
	draft_free(r);
}

static void documents(void)
{
	struct sbuf out = { 0 };

	settings_mdoc(&out, SCOPE_PEER);
	CHECK_HAS(sbuf_str(&out), ".It Ic remote_gateway\n");
	CHECK_HAS(sbuf_str(&out), "Default:\n.Ql 4h .\n");
	CHECK(!strstr(sbuf_str(&out), "\n\n"));
	sbuf_reset(&out);
	settings_schema_json(&out);
	CHECK_HAS(sbuf_str(&out), "{\"version\":1,\"settings\":[{\"key\":\"wan\"");
	CHECK_HAS(sbuf_str(&out),
		  "\"key\":\"psk\",\"scope\":\"peer\",\"type\":\"secret\"");
	sbuf_fini(&out);
}

int main(void)
{
	T_RUN(table_is_sound);
	T_RUN(defaults_are_good_practice);
	T_RUN(all_values_arrive);
	T_RUN(canonical_forms);
	T_RUN(errors_say_what_is_right);
	T_RUN(unknown_keys_find_the_nearest);
	T_RUN(nearest_words);
	T_RUN(ids);
	T_RUN(ids_from_the_wire_are_safe);
	T_RUN(dn_too_long);
	T_RUN(psks);
	T_RUN(a_draft_keeps_its_psk_apart);
	T_RUN(children_come_and_go);
	T_RUN(router_and_its_defaults);
	T_RUN(idle_fields_say_why);
	T_RUN(diffs);
	T_RUN(costs);
	T_RUN(suggestions);
	T_RUN(suggested_suites_are_good);
	T_RUN(each_key);
	T_RUN(documents);
	return t_done();
}
