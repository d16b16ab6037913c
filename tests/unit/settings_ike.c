/* rooms: core/settings core/crypto core/base */
/* settings_ike: where a peer is, how it proves itself, which version it speaks: what is
 * taken, what is refused, and in which words. */
#include "core/settings/draft.h"
#include "core/settings/settings.h"
#include "core/settings/value.h"
#include "tests/unit/t.h"

static struct err e;

#define NETS "local_network=10.1.0.0/24", "remote_network=10.2.0.0/24"
#define GOOD "remote_gateway=198.51.100.2", NETS
#define PAIRS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static struct draft *named(const char *name, const char *const *pairs)
{
	struct draft *d = draft_new_peer(name, NULL, &e);

	CHECK(d);
	for (; *pairs; pairs++)
		if (draft_set_pair(d, *pairs, &e) < 0) {
			printf("    %s\n", e.msg);
			CHECK(!"draft_set_pair");
		}
	return d;
}

/* All findings of one peer, "error key: words\n" each. */
static const char *found(const char *const *pairs)
{
	static struct sbuf out;
	struct findings fs = { 0 };
	struct draft *d = named("branch", pairs);

	sbuf_reset(&out);
	draft_check(d, NULL, 0, &fs);
	for (size_t i = 0; i < fs.n; i++)
		sbuf_addf(&out, "%s %s: %s\n",
			  fs.f[i].level == FINDING_ERROR ? "error" : "warning",
			  fs.f[i].key, fs.f[i].msg);
	findings_fini(&fs);
	draft_free(d);
	return sbuf_str(&out);
}

static struct peer_conf conf_of(const char *const *pairs)
{
	struct draft *d = named("branch", pairs);
	struct peer_conf p;

	if (draft_to_peer(d, &p, &e) < 0) {
		printf("    %s\n", e.msg);
		CHECK(!"draft_to_peer");
	}
	draft_free(d);
	return p;
}

static void gateways_arrive(void)
{
	struct peer_conf p = conf_of(PAIRS(
		"remote_gateway=vpn.Example.net,198.51.100.2,2001:db8::/32,any", NETS));

	CHECK_INT(p.n_gateways, 4);
	CHECK_INT(p.gateways[0].kind, GATEWAY_NAME);
	CHECK_STR(p.gateways[0].name, "vpn.example.net");
	CHECK_INT(p.gateways[1].kind, GATEWAY_ADDR);
	CHECK_INT(p.gateways[1].net.len, 32);
	CHECK_INT(p.gateways[2].kind, GATEWAY_NET);
	CHECK_INT(p.gateways[2].net.len, 32);
	CHECK_INT(p.gateways[2].net.addr.family, AF_INET6);
	CHECK_INT(p.gateways[3].kind, GATEWAY_ANY);
	/* The first is no address, but can be called. */
	CHECK(!addr_is_set(&p.remote_gateway) && !p.remote_any);
	peer_conf_fini(&p);
	p = conf_of(PAIRS(GOOD));
	CHECK_INT(p.n_gateways, 1);
	CHECK(addr_is_set(&p.remote_gateway) && !p.remote_any);
	peer_conf_fini(&p);
	p = conf_of(PAIRS("remote_gateway=203.0.113.0/24", NETS, "start=responder",
			  "peer_id=a"));
	CHECK(p.remote_any && !addr_is_set(&p.remote_gateway));
	peer_conf_fini(&p);
}

static void who_cannot_be_called_calls(void)
{
	CHECK_HAS(found(PAIRS("remote_gateway=203.0.113.0/24", NETS)),
		  "error start: this router cannot connect to a peer whose address it does "
		  "not know (remote_gateway is a network): set start = responder");
	CHECK_HAS(found(PAIRS("remote_gateway=any", NETS, "start=on_demand")),
		  "error start: ");
	/* One of them can be called. */
	CHECK(!strstr(found(PAIRS("remote_gateway=vpn.example,any", NETS)),
		      "error start"));
	CHECK_HAS(found(PAIRS("remote_gateway=any,vpn.example", NETS)),
		  "error remote_gateway: any stands last");
	CHECK_HAS(found(PAIRS("remote_gateway=any", NETS, "start=responder")),
		  "warning peer_id: is not set and remote_gateway is any: whoever knows the "
		  "pre-shared key");
	CHECK_HAS(found(PAIRS("remote_gateway=any", NETS, "start=responder", "auth=cert",
			      "cert=gw")),
		  "whoever has a certificate of a trusted CA");
	CHECK_HAS(found(PAIRS("remote_gateway=vpn.example,2001:db8::1", NETS,
			      "local_ip=192.0.2.1")),
		  "error local_ip: is IPv4 and the remote gateway IPv6");
}

static void certificates(void)
{
	struct peer_conf p;

	CHECK_HAS(found(PAIRS(GOOD, "auth=cert")), "error cert: is missing");
	CHECK_STR(found(PAIRS(GOOD, "auth=cert", "cert=gw")), "");
	CHECK_HAS(found(PAIRS(GOOD, "auth=cert", "cert=gw", "peer_cert=gw")),
		  "error peer_cert: is this router's own");
	CHECK_HAS(found(PAIRS(GOOD, "auth=cert", "cert=gw", "peer_cert=b", "ca=c")),
		  "warning ca: is not asked");
	CHECK_HAS(found(PAIRS(GOOD, "auth=cert", "cert=gw", "peer_auth=psk", "version=1")),
		  "error peer_auth: IKEv1 has one way for both sides");
	CHECK_HAS(found(PAIRS(GOOD, "auth=cert", "cert=gw", "peer_auth=psk",
			      "version=auto")), "warning peer_auth: ");
	p = conf_of(PAIRS(GOOD, "auth=cert", "cert=gw", "ca=office,other", "crl=strict"));
	CHECK_INT(p.auth, AUTH_BY_CERT);
	CHECK_INT(p.peer_auth, AUTH_BY_CERT);
	CHECK_STR(p.cert, "gw");
	CHECK_INT(p.n_ca, 2);
	CHECK_STR(p.ca[1], "other");
	CHECK_INT(p.crl, CRL_STRICT);
	peer_conf_fini(&p);
	p = conf_of(PAIRS(GOOD, "auth=cert", "cert=gw", "peer_auth=psk"));
	CHECK_INT(p.auth, AUTH_BY_CERT);
	CHECK_INT(p.peer_auth, AUTH_BY_PSK);
	peer_conf_fini(&p);
	p = conf_of(PAIRS(GOOD));
	CHECK_INT(p.auth, AUTH_BY_PSK);
	CHECK_INT(p.peer_auth, AUTH_BY_PSK);
	CHECK_INT(p.crl, CRL_LENIENT);
	peer_conf_fini(&p);
}

static void who_needs_a_psk(void)
{
	struct draft *d = named("branch", PAIRS(GOOD));

	CHECK(draft_needs_psk(d));
	CHECK(draft_set(d, "auth", "cert", &e) == 0);
	CHECK(!draft_needs_psk(d));
	CHECK(draft_idle(d, "psk"));
	CHECK(draft_set(d, "peer_auth", "psk", &e) == 0);
	CHECK(draft_needs_psk(d) && !draft_idle(d, "psk"));
	CHECK(draft_set(d, "auth", "psk", &e) == 0);
	CHECK(draft_set(d, "peer_auth", "cert", &e) == 0);
	CHECK(draft_needs_psk(d));
	draft_free(d);
}

static void aggressive_mode(void)
{
	CHECK_HAS(found(PAIRS(GOOD, "exchange=aggressive", "allow_weak=aggressive")),
		  "error exchange: aggressive is of IKEv1, and version is 2");
	CHECK_HAS(found(PAIRS(GOOD, "exchange=aggressive", "version=1",
			      "allow_weak=sha1")),
		  "set allow_weak = sha1,aggressive");
	CHECK_STR(found(PAIRS(GOOD, "exchange=aggressive", "version=1",
			      "allow_weak=aggressive")), "");
	CHECK_STR(found(PAIRS(GOOD, "exchange=aggressive", "version=auto",
			      "allow_weak=aggressive")), "");
}

static void algorithms_of_ikev1(void)
{
	struct peer_conf p = conf_of(PAIRS(GOOD, "version=1"));

	/* Of the defaults what it can say. */
	CHECK_INT(p.ike.n, 3);
	for (int i = 0; i < p.ike.n; i++) {
		CHECK_INT(p.ike.s[i].n_integ, 1);
		CHECK_INT(p.ike.s[i].encr[0].id, ENCR_AES_CBC);
	}
	CHECK_INT(p.children[0].esp.s[0].encr[0].id, ENCR_AES_GCM_16);
	for (int i = 0; i < p.children[0].esp.n; i++)
		CHECK(p.children[0].esp.s[i].ke[0] != KE_CURVE25519);
	peer_conf_fini(&p);
	p = conf_of(PAIRS(GOOD, "version=auto"));
	CHECK_INT(p.version, IKE_AUTO);
	CHECK_INT(p.ike.n, 5);
	peer_conf_fini(&p);
	CHECK_HAS(found(PAIRS(GOOD, "version=1", "ike=aes256gcm16-sha384-ecp384")),
		  "error ike: IKEv1 knows no AES-GCM or ChaCha20 of its own");
	CHECK_HAS(found(PAIRS(GOOD, "version=1", "ike=aes256-sha256-x25519")),
		  "error ike: ");
	CHECK_HAS(found(PAIRS(GOOD, "version=1",
			      "ike=aes256-sha256-modp2048,aes256-sha256-x25519")),
		  "error ike: ");
	CHECK_HAS(found(PAIRS(GOOD, "version=auto", "ike=aes256gcm16-sha384-ecp384")),
		  "error ike: ");
	CHECK_STR(found(PAIRS(GOOD, "version=auto",
			      "ike=aes256gcm16-sha384-ecp384,aes128-sha256-modp2048")),
		  "");
	CHECK_HAS(found(PAIRS(GOOD, "version=1", "esp=chacha20poly1305-modp2048")),
		  "error esp: IKEv1 knows no ChaCha20");
	CHECK_STR(found(PAIRS(GOOD, "version=1", "esp=aes256gcm16-modp2048")), "");
	CHECK_HAS(found(PAIRS(GOOD, "version=1", "child.v.local_network=10.3.0.0/24",
			      "child.v.remote_network=10.4.0.0/24",
			      "child.v.esp=chacha20poly1305")),
		  "error child.v.esp: IKEv1 knows no ChaCha20");
	/* One hash is all it has. */
	CHECK_HAS(found(PAIRS(GOOD, "version=1", "ike=aes256-sha256-prfsha384-modp2048")),
		  "error ike: ");
	CHECK_STR(found(PAIRS(GOOD, "ike=aes256-sha256-prfsha384-modp2048")), "");
}

static void settings_of_one_version(void)
{
	CHECK_HAS(found(PAIRS(GOOD, "version=1", "mobike=yes")),
		  "warning mobike: has no effect");
	CHECK_STR(found(PAIRS(GOOD, "version=1", "mobike=no")), "");
	CHECK_HAS(found(PAIRS(GOOD, "version=1", "reauth=1d")), "warning reauth: ");
	CHECK_HAS(found(PAIRS(GOOD, "version=1", "local_network=10.1.0.0/24,10.3.0.0/24",
			      "child_per_pair=no")), "error child_per_pair: ");
	CHECK_STR(found(PAIRS(GOOD, "local_network=10.1.0.0/24,10.3.0.0/24",
			      "child_per_pair=no")), "");
}

static void post_quantum_keys(void)
{
	CHECK_STR(found(PAIRS(GOOD, "ppk_id=a", "ppk=0123456789abcdef0123456789abcdef")),
		  "");
	CHECK_HAS(found(PAIRS(GOOD, "ppk_id=a", "ppk=short")), "warning ppk: ");
	CHECK_HAS(found(PAIRS(GOOD, "ppk=0123456789abcdef0123456789abcdef")),
		  "warning ppk_id: is not set");
	CHECK_HAS(found(PAIRS(GOOD, "ppk_required=yes")), "error ppk_id: is missing");
	CHECK_HAS(found(PAIRS(GOOD, "ppk_id=a", "version=1")), "error ppk_id: IKEv1");
	CHECK_STR(found(PAIRS(GOOD, "ppk_id=a", "version=auto")), "");
	CHECK_HAS(found(PAIRS(GOOD, "ppk_id=a", "version=auto", "ppk_required=yes")),
		  "error ppk_required: ");
}

static void selectors_by_port(void)
{
	struct peer_conf p = conf_of(PAIRS(GOOD, "protocol=tcp", "local_ports=443",
					   "remote_ports=1000-2000",
					   "child.v.local_network=10.1.0.0/24",
					   "child.v.remote_network=10.2.0.0/24"));

	CHECK_INT(p.children[0].protocol, 6);
	CHECK_INT(p.children[0].local_port_lo, 443);
	CHECK_INT(p.children[0].local_port_hi, 443);
	CHECK_INT(p.children[0].remote_port_lo, 1000);
	CHECK_INT(p.children[0].remote_port_hi, 2000);
	/* A child has its own. */
	CHECK_INT(p.children[1].protocol, 0);
	CHECK_INT(p.children[1].local_port_lo, 0);
	CHECK_INT(p.children[1].local_port_hi, 65535);
	CHECK_INT(p.children[1].remote_port_hi, 65535);
	peer_conf_fini(&p);
	CHECK_HAS(found(PAIRS(GOOD, "local_ports=443")),
		  "error local_ports: ports are of a protocol");
	CHECK_HAS(found(PAIRS(GOOD, "protocol=gre", "remote_ports=1")),
		  "error remote_ports: gre has no ports");
	CHECK_STR(found(PAIRS(GOOD, "protocol=sctp", "remote_ports=1")), "");
	CHECK_HAS(found(PAIRS(GOOD, "child.v.local_network=10.1.0.0/24",
			      "child.v.remote_network=10.2.0.0/24")),
		  "the networks are the same");
}

static void transport_mode(void)
{
#define ENDS "remote_gateway=198.51.100.2", "local_ip=203.0.113.1", "mode=transport"
	struct peer_conf p = conf_of(PAIRS(ENDS));

	CHECK_INT(p.children[0].mode, MODE_TRANSPORT);
	CHECK_INT(p.children[0].n_local, 1);
	CHECK_INT(p.children[0].local_network[0].len, 32);
	CHECK(addr_equal(&p.children[0].remote_network[0].addr, &p.remote_gateway));
	peer_conf_fini(&p);
	CHECK_STR(found(PAIRS(ENDS, "local_network=203.0.113.1",
			      "remote_network=198.51.100.2")), "");
	CHECK_HAS(found(PAIRS(ENDS, "local_network=10.1.0.0/24")),
		  "error local_network: transport mode is between the two routers");
	CHECK_HAS(found(PAIRS(ENDS, "local_network=203.0.113.9")),
		  "must be local_ip, 203.0.113.1");
	CHECK_HAS(found(PAIRS(ENDS, "remote_network=10.2.0.0/24")),
		  "error remote_network: transport mode");
	CHECK_HAS(found(PAIRS(ENDS, "remote_network=198.51.100.3")),
		  "must be the remote gateway, 198.51.100.2");
	CHECK_HAS(found(PAIRS("remote_gateway=198.51.100.2", "mode=transport")),
		  "error local_network: is missing");
	/* In tunnel mode the gateway itself is no network behind it. */
	CHECK_HAS(found(PAIRS(GOOD, "remote_network=198.51.100.2")),
		  "would lead through its own tunnel");
}

/* RFC 4301 §4.4.1: exceptions from what the others carry; nothing of a tunnel's checks. */
static void exceptions(void)
{
#define LAN "child.lan.local_network=10.1.0.0/24", "child.lan.remote_network=10.1.0.0/24"
	struct peer_conf p = conf_of(PAIRS(GOOD, LAN, "child.lan.mode=bypass",
					   "child.lan.esp_life=20s", "rekey_margin=30s"));

	CHECK_INT(p.children[1].mode, MODE_BYPASS);
	CHECK(child_is_plain(&p.children[1]) && !child_is_plain(&p.children[0]));
	peer_conf_fini(&p);
	CHECK_STR(found(PAIRS(GOOD, LAN, "child.lan.mode=discard", "child.lan.esp=3des-sha1")), "");
	CHECK_HAS(found(PAIRS(GOOD, LAN)), "error child.lan.remote_network: 10.1.0.0/24 is the "
		  "local network too");
	CHECK_HAS(found(PAIRS(GOOD, "child.x.local_network=10.1.0.0/24",
			      "child.x.remote_network=10.2.0.0/24", "child.x.mode=bypass")),
		  "the networks are the same as those of the peer itself");
	CHECK_HAS(found(PAIRS(GOOD, "child.x.local_network=10.1.0.0/24",
			      "child.x.remote_network=2001:db8::/64", "child.x.mode=discard")),
		  "on this side of the tunnel only");
	CHECK_HAS(found(PAIRS(GOOD, "child.x.local_network=10.1.0.0/24",
			      "child.x.mode=bypass")), "error child.x.remote_network: is missing");
}

static void ah_and_compression(void)
{
	struct peer_conf p = conf_of(PAIRS(GOOD, "ah=sha384", "ipcomp=yes",
					   "esp_life_packets=2M",
					   "child.v.local_network=10.3.0.0/24",
					   "child.v.remote_network=10.4.0.0/24",
					   "child.w.local_network=10.5.0.0/24",
					   "child.w.remote_network=10.6.0.0/24",
					   "child.w.ah=no", "child.w.ipcomp=no",
					   "child.w.esp_life_packets=0"));

	CHECK_INT(p.children[0].ah, INTEG_HMAC_SHA2_384_192);
	CHECK_INT(p.children[1].ah, INTEG_HMAC_SHA2_384_192);
	CHECK_INT(p.children[2].ah, 0);
	CHECK(p.children[0].ipcomp && p.children[1].ipcomp && !p.children[2].ipcomp);
	CHECK_INT(p.children[1].esp_life_packets, 2000000);
	CHECK_INT(p.children[2].esp_life_packets, 0);
	peer_conf_fini(&p);
	CHECK_HAS(found(PAIRS(GOOD, "ah=sha1")), "error ah: sha1 is weak");
	CHECK_STR(found(PAIRS(GOOD, "ah=sha1", "allow_weak=sha1")), "");
	/* Its groups are those of esp; esp's ciphers do not count. */
	CHECK_HAS(found(PAIRS(GOOD, "ah=sha256", "esp=3des-sha1-modp1024")),
		  "error ah: modp1024 is weak");
	CHECK_STR(found(PAIRS(GOOD, "ah=sha256", "esp=3des-sha1-modp2048")), "");
	CHECK_HAS(found(PAIRS(GOOD, "ah=sha256", "encap=force")), "error ah: AH cannot travel");
	CHECK_STR(found(PAIRS(GOOD, "ah=sha256", "encap=never")), "");
	CHECK_HAS(found(PAIRS(GOOD, "ipcomp=yes", "version=1")), "warning ipcomp: has no effect");
}

/* adit.conf may leave no place for them. */
static void what_the_userspace_dataplane_lacks(void)
{
	struct peer_conf p = conf_of(PAIRS(GOOD, "child.v.local_network=10.3.0.0/24",
					   "child.v.remote_network=10.4.0.0/24",
					   "child.v.ah=sha256", "ipcomp=yes"));
	struct settings s = { .n_peers = 1, .peers = &p };
	struct findings fs = { 0 };

	CHECK_INT(settings_check(&s, &fs), 0);
	CHECK_INT(fs.n, 0);
	s.router.dataplane = DATAPLANE_USERSPACE;
	CHECK_INT(settings_check(&s, &fs), 0);
	CHECK_INT(fs.n, 2);
	CHECK_STR(fs.f[0].key, "ipcomp");
	CHECK_HAS(fs.f[0].msg, "does not compress");
	CHECK_STR(fs.f[1].key, "child.v.ah");
	CHECK_HAS(fs.f[1].msg, "has no AH");
	findings_fini(&fs);
	peer_conf_fini(&p);
}

static void limits_inherit(void)
{
	struct peer_conf p = conf_of(PAIRS(GOOD, "esp_life_bytes=10G",
					   "child.v.local_network=10.3.0.0/24",
					   "child.v.remote_network=10.4.0.0/24",
					   "child.w.local_network=10.5.0.0/24",
					   "child.w.remote_network=10.6.0.0/24",
					   "child.w.esp_life_bytes=0"));

	CHECK(p.children[0].esp_life_bytes == 10ull << 30);
	CHECK(p.children[1].esp_life_bytes == 10ull << 30);
	CHECK(p.children[2].esp_life_bytes == 0);
	peer_conf_fini(&p);
}

static void the_rest_arrives(void)
{
	struct peer_conf p = conf_of(PAIRS(
		GOOD, "start=on_demand", "dpd_action=hold", "reauth=1d", "unique=keep",
		"fragmentation=force", "fragment_size=1000", "mobike=no",
		"child_per_pair=yes", "proposal_check=claim", "test_rekey=no",
		"remote_port=4501", "ppk_id=x", "ppk_required=yes"));

	CHECK_INT(p.start, START_ON_DEMAND);
	CHECK_INT(p.dpd_action, DPD_HOLD);
	CHECK_INT(p.reauth_s, 86400);
	CHECK_INT(p.unique, UNIQUE_KEEP);
	CHECK_INT(p.fragmentation, FRAGMENT_FORCE);
	CHECK_INT(p.fragment_size, 1000);
	CHECK(!p.mobike && !p.test_rekey && p.ppk_required);
	CHECK_INT(p.child_per_pair, PER_PAIR_YES);
	CHECK_INT(p.proposal_check, CHECK_CLAIM);
	CHECK_INT(p.remote_port, 4501);
	CHECK_STR(p.ppk_id, "x");
	peer_conf_fini(&p);
	p = conf_of(PAIRS(GOOD));
	CHECK(p.mobike && p.test_rekey && !p.ppk_required);
	CHECK_INT(p.version, IKE_V2);
	CHECK_INT(p.exchange, EXCHANGE_MAIN);
	CHECK_INT(p.unique, UNIQUE_REPLACE);
	CHECK_INT(p.fragmentation, FRAGMENT_YES);
	CHECK_INT(p.fragment_size, 0);
	CHECK_INT(p.child_per_pair, PER_PAIR_AUTO);
	CHECK_INT(p.proposal_check, CHECK_OBEY);
	CHECK_INT(p.remote_port, 0);
	CHECK_INT(p.reauth_s, 0);
	CHECK_INT(p.children[0].mode, MODE_TUNNEL);
	CHECK_INT(p.children[0].local_port_hi, 65535);
	peer_conf_fini(&p);
}

static void ports_of_the_router(void)
{
	struct draft *r = draft_new_router();
	struct router_conf c;

	CHECK(draft_to_router(r, &c, &e) == 0);
	CHECK_INT(c.ike_port, 500);
	CHECK_INT(c.natt_port, 4500);
	CHECK(draft_set(r, "ike_port", "4500", &e) == 0);
	CHECK(draft_to_router(r, &c, &e) < 0);
	CHECK_HAS(e.msg, "natt_port: is the same as ike_port");
	draft_free(r);
}

/* Findings between two peers. */
static const char *between(const char *const *a, const char *const *b)
{
	static struct sbuf out;
	struct peer_conf two[2];
	struct settings s = { .n_peers = 2, .peers = two };
	struct draft *da = named("a", a), *db = named("b", b);
	struct findings fs = { 0 };

	CHECK(draft_to_peer(da, &two[0], &e) == 0);
	CHECK(draft_to_peer(db, &two[1], &e) == 0);
	sbuf_reset(&out);
	settings_check(&s, &fs);
	for (size_t i = 0; i < fs.n; i++)
		if (!strstr(fs.f[i].key, "network"))
			sbuf_addf(&out, "%s %s %s: %s\n",
				  fs.f[i].level == FINDING_ERROR ? "error" : "warning",
				  fs.f[i].peer, fs.f[i].key, fs.f[i].msg);
	findings_fini(&fs);
	peer_conf_fini(&two[0]);
	peer_conf_fini(&two[1]);
	draft_free(da);
	draft_free(db);
	return sbuf_str(&out);
}

static void peers_at_one_address(void)
{
	const char *same = "error b remote_gateway: the gateway and the IDs are the same";

	CHECK_HAS(between(PAIRS(GOOD), PAIRS(GOOD)), same);
	/* One shared address of several is enough. */
	CHECK_HAS(between(PAIRS(GOOD, "peer_id=x"),
			  PAIRS("remote_gateway=vpn.example,198.51.100.2", NETS,
				"peer_id=x")), same);
	CHECK_STR(between(PAIRS(GOOD, "peer_id=x"), PAIRS(GOOD, "peer_id=y")), "");
	CHECK_STR(between(PAIRS(GOOD, "version=1"), PAIRS(GOOD, "version=2")), "");
	CHECK_HAS(between(PAIRS(GOOD, "version=auto"), PAIRS(GOOD)), same);
	/* The narrower one wins, so they are two. */
	CHECK_STR(between(PAIRS("remote_gateway=any", NETS, "start=responder", "peer_id=x"),
			  PAIRS("remote_gateway=203.0.113.0/24", NETS, "start=responder",
				"peer_id=x")), "");
	CHECK_HAS(between(PAIRS("remote_gateway=any", NETS, "start=responder", "peer_id=x",
				"version=1"),
			  PAIRS("remote_gateway=any", NETS, "start=responder", "peer_id=y",
				"version=auto")),
		  "warning b psk: a calls from the same place");
	CHECK_STR(between(PAIRS("remote_gateway=any", NETS, "start=responder", "peer_id=x",
				"version=1", "exchange=aggressive",
				"allow_weak=aggressive"),
			  PAIRS("remote_gateway=any", NETS, "start=responder", "peer_id=y",
				"version=1", "exchange=aggressive",
				"allow_weak=aggressive")), "");
}

static void a_name_is_no_key_file(void)
{
	struct findings fs = { 0 };
	struct draft *d = named("branch.ppk", PAIRS(GOOD));

	CHECK(draft_check(d, NULL, 0, &fs) == 1);
	CHECK_HAS(fs.f[0].msg, "cannot end in .ppk");
	findings_fini(&fs);
	draft_free(d);
}

int main(void)
{
	T_RUN(gateways_arrive);
	T_RUN(who_cannot_be_called_calls);
	T_RUN(certificates);
	T_RUN(who_needs_a_psk);
	T_RUN(aggressive_mode);
	T_RUN(algorithms_of_ikev1);
	T_RUN(settings_of_one_version);
	T_RUN(post_quantum_keys);
	T_RUN(selectors_by_port);
	T_RUN(transport_mode);
	T_RUN(exceptions);
	T_RUN(ah_and_compression);
	T_RUN(what_the_userspace_dataplane_lacks);
	T_RUN(limits_inherit);
	T_RUN(the_rest_arrives);
	T_RUN(ports_of_the_router);
	T_RUN(peers_at_one_address);
	T_RUN(a_name_is_no_key_file);
	return t_done();
}
