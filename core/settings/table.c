/* table: the rows of the settings. Nothing but data: what a key is, in words a person reads
 * in the form, in adit.conf(5) and in `adit help`. */
#include "core/settings/schema.h"

#include <stddef.h>

#define WIDTH(st, f) sizeof(((struct st *)0)->f)
#define AT(h, st, f) .home = h, .offset = offsetof(struct st, f), .width = WIDTH(st, f)
#define IN_ROUTER(f) AT(HOME_ROUTER, router_conf, f)
#define IN_PEER(f) AT(HOME_PEER, peer_conf, f)
#define IN_CHILD(f) AT(HOME_CHILD, child_conf, f)
#define COUNT(st, f) .count_offset = offsetof(struct st, f)

#define LIFE_MIN 10
#define LIFE_MAX (30 * 86400)

static const char *const start_words[] = { "start", "responder", "on_demand", NULL };
static const char *const version_words[] = { "2", "1", "auto", NULL };
static const char *const exchange_words[] = { "main", "aggressive", NULL };
static const char *const auth_words[] = { "psk", "cert", NULL };
static const char *const crl_words[] = { "off", "lenient", "strict", NULL };
static const char *const unique_words[] = { "replace", "keep", "never", NULL };
static const char *const fragment_words[] = { "yes", "no", "force", NULL };
static const char *const per_pair_words[] = { "auto", "yes", "no", NULL };
static const char *const check_words[] = { "obey", "strict", "claim", "exact", NULL };
static const char *const mode_words[] = { "tunnel", "transport", NULL };
static const char *const child_mode_words[] = { "tunnel", "transport", "bypass", "discard",
						NULL };
static const char *const dpd_words[] = { "restart", "clear", "hold", NULL };
static const char *const encap_words[] = { "auto", "force", "never", NULL };
static const char *const engine_words[] = { "auto", "mbedtls", "ipsec_mb", "afalg", NULL };
static const char *const offload_words[] = { "auto", "no", "crypto", "packet", NULL };
static const char *const dataplane_words[] = { "auto", "kernel", "userspace", NULL };
static const char *const level_words[] = { "error", "warning", "info", "debug", NULL };

#define IKE_DEFAULT "aes256gcm16-sha256-x25519,aes256gcm16-sha384-ecp384," \
	"aes256-sha256-ecp256,aes256-sha384-modp3072,aes256-sha256-modp2048"
#define ESP_DEFAULT "aes256gcm16-x25519,aes256gcm16-ecp384,aes256gcm16-modp2048," \
	"aes256-sha256-ecp256,aes256-sha256-modp3072,aes256-sha256-modp2048"

#define NO_WHEN .when = "", .when_key = NULL, .when_not = NULL
#define IKEV1_ONLY .when = "with IKEv1 (version is 1 or auto)", .when_key = "version", \
	.when_not = "2", .hides = true
#define IKEV2_ONLY .when = "with IKEv2 (version is 2 or auto)", .when_key = "version", \
	.when_not = "1", .hides = true
#define OUR_CERT .when = "while auth is cert", .when_key = "auth", .when_not = "psk", \
	.hides = true
#define PEER_CERT .when = "while the peer shows a certificate (peer_auth is cert)", \
	.when_key = "peer_auth", .when_not = "psk", .hides = true

const struct setting settings_table[] = {
	/* --- adit.conf --- */
	{
		.key = "wan", .scope = SCOPE_ROUTER, .type = ST_IFACE,
		.page = PAGE_ROUTER, .max = IFNAME_MAX - 1, .def = "",
		.empty = "the interface of the default route", .unit = "",
		.label = "WAN interface", IN_ROUTER(wan), NO_WHEN,
		.help = "The interface that leads to the Internet",
		.more = "Left out, adit takes the interface of the default route and "
			"follows it when it changes.",
		.example = "eth0",
		.aka = "VergeOS: Interface network; strongSwan: left=%defaultroute",
	},
	{
		.key = "lan", .scope = SCOPE_ROUTER, .type = ST_IFACES,
		.page = PAGE_ROUTER, .max = LAN_MAX, .def = "",
		.empty = "every other interface that has an address", .unit = "",
		.label = "LAN interfaces", IN_ROUTER(lan), NO_WHEN,
		COUNT(router_conf, n_lan),
		.help = "The interfaces of the inside, with commas between",
		.more = "Left out, every interface that has an address and is neither "
			"the WAN nor a tunnel counts as LAN.",
		.example = "lan0,lan1", .aka = "Ideco: local interfaces",
	},
	{
		.key = "ike_port", .scope = SCOPE_ROUTER, .type = ST_UINT,
		.page = PAGE_ROUTER, .cost = COST_RESTART, .min = 1, .max = 65535,
		.def = "500", .empty = "", .unit = "", .label = "IKE port",
		IN_ROUTER(ike_port), NO_WHEN,
		.help = "The UDP port on which this router waits for IKE",
		.more = "Peers call 500 unless they are told otherwise "
			"(remote_port there).",
		.example = "1500", .aka = "strongSwan: charon.port; RouterOS: peer port",
	},
	{
		.key = "natt_port", .scope = SCOPE_ROUTER, .type = ST_UINT,
		.page = PAGE_ROUTER, .cost = COST_RESTART, .min = 1, .max = 65535,
		.def = "4500", .empty = "", .unit = "", .label = "NAT-T port",
		IN_ROUTER(natt_port), NO_WHEN,
		.help = "The UDP port for IKE and ESP where there is NAT",
		.more = "It must be another than ike_port.",
		.example = "4501", .aka = "strongSwan: charon.port_nat_t",
	},
	{
		.key = "dataplane", .scope = SCOPE_ROUTER, .type = ST_CHOICE,
		.page = PAGE_ROUTER, .cost = COST_RESTART, .def = "auto", .empty = "",
		.unit = "", .choices = dataplane_words, .label = "Dataplane",
		IN_ROUTER(dataplane), NO_WHEN,
		.help = "Who encrypts packets: the kernel or a program of adit's",
		.more = "auto takes the kernel when it can do ESP and adit can use it, "
			"else the userspace dataplane. What was taken and why stands in "
			"adit status.",
		.example = "auto", .aka = "strongSwan: kernel-netlink, kernel-libipsec",
	},
	{
		.key = "engine", .scope = SCOPE_ROUTER, .type = ST_CHOICE,
		.page = PAGE_ROUTER, .cost = COST_RESTART, .def = "auto", .empty = "",
		.unit = "", .choices = engine_words, .label = "Engine",
		IN_ROUTER(engine), NO_WHEN,
		.help = "Who does the cryptography of the userspace dataplane",
		.more = "auto takes what adit bench measured to be fastest on this router, "
			"for each algorithm and packet size, and without a measurement a "
			"safe guess. afalg hands packets to the kernel's crypto API, and so "
			"to crypto hardware. Whatever an engine cannot do, mbedtls does.",
		.example = "auto", .aka = "RouterOS: hardware acceleration",
	},
	{
		.key = "workers", .scope = SCOPE_ROUTER, .type = ST_UINT,
		.page = PAGE_ROUTER, .cost = COST_RESTART, .min = 0, .max = WORKERS_MAX,
		.def = "0", .empty = "", .unit = "", .label = "Workers",
		IN_ROUTER(workers), NO_WHEN,
		.help = "Threads of the userspace dataplane; 0: for half of the cores",
		.more = "Each has a queue of every tunnel's interface and a socket of its "
			"own. One that has nothing to do costs nothing. A tunnel stays "
			"with one of them, and the network's own work needs cores, too: on "
			"two cores a second thread gained nothing.",
		.example = "2", .aka = "strongSwan: charon.threads",
	},
	{
		.key = "offload", .scope = SCOPE_ROUTER, .type = ST_CHOICE,
		.page = PAGE_ROUTER, .cost = COST_RESTART, .def = "auto", .empty = "",
		.unit = "", .choices = offload_words, .label = "NIC offload",
		IN_ROUTER(offload), NO_WHEN,
		.help = "Whether the network card does ESP for the kernel dataplane",
		.more = "auto asks the card for all of it (packet), else for the "
			"cryptography alone (crypto), else goes without; crypto and packet "
			"ask for that alone, and go without where the card refuses.",
		.example = "no", .aka = "strongSwan: hw_offload; libreswan: nic-offload",
	},
	{
		.key = "log_level", .scope = SCOPE_ROUTER, .type = ST_CHOICE,
		.page = PAGE_ROUTER, .def = "info", .empty = "", .unit = "",
		.choices = level_words, .label = "Log level", IN_ROUTER(log_level),
		NO_WHEN,
		.help = "How much is logged",
		.more = "info is a line for what an admin wants to know of; debug tells "
			"every message of every negotiation.",
		.example = "debug",
		.aka = "strongSwan: charondebug; RouterOS: /system logging topics=ipsec",
	},
	{
		.key = "theme", .scope = SCOPE_ROUTER, .type = ST_WORD,
		.page = PAGE_ROUTER, .max = 31, .def = "default", .empty = "",
		.unit = "", .label = "Colour theme", IN_ROUTER(theme), NO_WHEN,
		.help = "The colours of the screen: a file of the themes folder",
		.more = "Those that come with adit: default, light, mono, high-contrast.",
		.example = "high-contrast", .aka = "",
	},

	/* --- a peer: General --- */
	{
		.key = "name", .scope = SCOPE_PEER, .type = ST_NAME,
		.page = PAGE_GENERAL, .cost = COST_RESTART, .required = true, .min = 1,
		.max = PEER_NAME_MAX, .def = "", .empty = "", .unit = "",
		.label = "Peer name", IN_PEER(name), NO_WHEN,
		.help = "What the peer is called everywhere: letters, digits, . _ -",
		.more = "It is also the name of the peer's file and, shortened, of its "
			"interface. In the file itself it may be left out.",
		.example = "branch",
		.aka = "Difuse: Peer Name; VergeOS: phase 1 name; strongSwan: conn NAME; "
			"RouterOS: peer name",
	},
	{
		.key = "description", .scope = SCOPE_PEER, .type = ST_TEXT,
		.page = PAGE_GENERAL, .max = DESCRIPTION_MAX, .def = "", .empty = "",
		.unit = "", .label = "Description", IN_PEER(description), NO_WHEN,
		.help = "A note for people", .more = "",
		.example = "Branch office, Main Street",
		.aka = "VergeOS: Description; RouterOS: comment",
	},
	{
		.key = "enabled", .scope = SCOPE_PEER, .type = ST_BOOL,
		.page = PAGE_GENERAL, .cost = COST_RESTART, .defaultable = true,
		.def = "yes", .empty = "", .unit = "", .label = "Enabled",
		IN_PEER(enabled), NO_WHEN,
		.help = "Whether the peer is used at all",
		.more = "A disabled peer keeps its settings; it has no interface, no "
			"routes and nobody gets an answer.",
		.example = "no", .aka = "RouterOS: disabled; strongSwan: auto=ignore",
	},
	{
		.key = "start", .scope = SCOPE_PEER, .type = ST_CHOICE,
		.page = PAGE_GENERAL, .cost = COST_RESTART, .defaultable = true,
		.def = "start", .empty = "", .unit = "", .choices = start_words,
		.label = "Who begins", IN_PEER(start), NO_WHEN,
		.help = "start: this router; responder: the peer; on_demand: the first "
			"packet",
		.more = "A router that starts answers too. Use responder when the peer's "
			"address changes, or when it sits behind NAT. With on_demand the "
			"tunnel comes up when there is traffic for it, and that first "
			"packet is not lost.",
		.example = "responder",
		.aka = "strongSwan: auto=start, auto=add, auto=route, start_action=trap; "
			"VergeOS: Connection Behavior; RouterOS: passive; Ideco: "
			"outgoing, incoming",
	},
	{
		.key = "version", .scope = SCOPE_PEER, .type = ST_VERSION,
		.page = PAGE_GENERAL, .cost = COST_RESTART, .defaultable = true,
		.min = 1, .max = 3, .def = "2", .empty = "", .unit = "",
		.choices = version_words, .label = "IKE version", IN_PEER(version),
		NO_WHEN,
		.help = "The key exchange: 2 for IKEv2, 1 for IKEv1, auto for either",
		.more = "IKEv2 wherever the peer can: it is simpler, quicker and safer. "
			"With auto this router answers in whichever version it is "
			"called, and begins with IKEv2 itself.",
		.example = "1",
		.aka = "Difuse: Key Exchange Version; strongSwan: keyexchange, version; "
			"RouterOS: exchange-mode=ike2; VergeOS: IKE version",
	},
	{
		.key = "exchange", .scope = SCOPE_PEER, .type = ST_CHOICE,
		.page = PAGE_GENERAL, .cost = COST_RESTART, .defaultable = true,
		.def = "main", .empty = "", .unit = "", .choices = exchange_words,
		.label = "IKEv1 exchange", IN_PEER(exchange), IKEV1_ONLY,
		.help = "main; or aggressive for old peers that know nothing else",
		.more = "Aggressive mode sends names in clear and lets whoever calls try "
			"to guess the pre-shared key at leisure: allow_weak has to name "
			"it.",
		.example = "aggressive",
		.aka = "strongSwan: aggressive; RouterOS: exchange-mode; VergeOS: "
			"Negotiation mode",
	},

	/* --- Networks --- */
	{
		.key = "local_ip", .scope = SCOPE_PEER, .type = ST_ADDR,
		.page = PAGE_NETWORKS, .cost = COST_RESTART, .defaultable = true,
		.def = "", .empty = "the address this router reaches the gateway from",
		.unit = "", .label = "Local IP", IN_PEER(local_ip), NO_WHEN,
		.help = "This router's own address towards the peer",
		.more = "Only needed where the router has several addresses on the "
			"outside.",
		.example = "203.0.113.1",
		.aka = "Difuse: Local IP; strongSwan: left, local_addrs; RouterOS: "
			"local-address",
	},
	{
		.key = "remote_gateway", .scope = SCOPE_PEER, .type = ST_GATEWAYS,
		.page = PAGE_NETWORKS, .cost = COST_RESTART, .required = true,
		.def = "", .empty = "", .unit = "", .label = "Remote gateway",
		IN_PEER(gateways), COUNT(peer_conf, n_gateways), NO_WHEN,
		.help = "Where the peer is: addresses, host names, networks, or any",
		.more = "Several are tried in this order. A host name is looked up again "
			"when its time is over. Behind a network (203.0.113.0/24) or any "
			"nobody can be called: this router answers whoever comes from "
			"there with the right ID and key, and start must be responder "
			"where nothing else is named. A caller that fits several peers "
			"belongs to the one that names its address best.",
		.example = "198.51.100.2",
		.aka = "Difuse: Remote Gateway; strongSwan: right, remote_addrs; "
			"RouterOS: peer address",
	},
	{
		.key = "local_network", .scope = SCOPE_PEER, .type = ST_NETWORKS,
		.page = PAGE_NETWORKS, .cost = COST_REKEY, .required = true,
		.defaultable = true, .def = "", .empty = "", .unit = "",
		.label = "Local network", IN_CHILD(local_network),
		COUNT(child_conf, n_local), NO_WHEN,
		.help = "The networks on this side, with commas between",
		.more = "What the peer may reach through the tunnel. The peer's remote "
			"network must be the same, or overlap.",
		.example = "10.1.0.0/24",
		.aka = "Difuse: Local Network; strongSwan: leftsubnet, local_ts; "
			"RouterOS: src-address",
	},
	{
		.key = "remote_network", .scope = SCOPE_PEER, .type = ST_NETWORKS,
		.page = PAGE_NETWORKS, .cost = COST_REKEY, .required = true, .def = "",
		.empty = "", .unit = "", .label = "Remote network",
		IN_CHILD(remote_network), COUNT(child_conf, n_remote), NO_WHEN,
		.help = "The networks behind the peer, with commas between",
		.more = "They are routed into the tunnel. 0.0.0.0/0 sends everything "
			"through it, except what must not go there: this router's own "
			"networks, the way to the peer itself, link-local traffic. A "
			"branch that reaches others through its head office names one "
			"network that contains them all, 10.0.0.0/8, its own LAN within "
			"it; the head office has that as local network.",
		.example = "10.2.0.0/24",
		.aka = "Difuse: Remote Network; strongSwan: rightsubnet, remote_ts; "
			"RouterOS: dst-address",
	},

	{
		.key = "protocol", .scope = SCOPE_PEER, .type = ST_PROTO,
		.page = PAGE_NETWORKS, .cost = COST_REKEY, .max = 255, .def = "any",
		.empty = "", .unit = "", .label = "Protocol", IN_CHILD(protocol),
		NO_WHEN,
		.help = "Only packets of this protocol go through the tunnel",
		.more = "Both sides must name the same. The routes still lead all traffic "
			"between the networks to the tunnel: what is of another protocol is "
			"dropped, not sent in clear.",
		.example = "tcp", .aka = "strongSwan: leftprotoport, local_ts = 10.1.0.0/24[tcp]; "
			"RouterOS: policy protocol",
	},
	{
		.key = "local_ports", .scope = SCOPE_PEER, .type = ST_PORTS,
		.page = PAGE_NETWORKS, .cost = COST_REKEY, .def = "any", .empty = "",
		.unit = "", .label = "Local ports", .home = HOME_CHILD,
		.offset = offsetof(struct child_conf, local_port_lo), .width = 4,
		.when = "while protocol is not any", .when_key = "protocol",
		.when_not = "any", .hides = true,
		.help = "Only these ports of hosts on this side", .more = "",
		.example = "443", .aka = "RouterOS: src-port; strongSwan: leftprotoport=tcp/443",
	},
	{
		.key = "remote_ports", .scope = SCOPE_PEER, .type = ST_PORTS,
		.page = PAGE_NETWORKS, .cost = COST_REKEY, .def = "any", .empty = "",
		.unit = "", .label = "Remote ports", .home = HOME_CHILD,
		.offset = offsetof(struct child_conf, remote_port_lo), .width = 4,
		.when = "while protocol is not any", .when_key = "protocol",
		.when_not = "any", .hides = true,
		.help = "Only these ports of hosts behind the peer", .more = "",
		.example = "1000-2000", .aka = "RouterOS: dst-port; strongSwan: rightprotoport",
	},
	{
		.key = "mode", .scope = SCOPE_PEER, .type = ST_CHOICE,
		.page = PAGE_NETWORKS, .cost = COST_REKEY, .def = "tunnel", .empty = "",
		.unit = "", .choices = mode_words, .label = "Mode", IN_CHILD(mode),
		NO_WHEN,
		.help = "tunnel: between networks; transport: between the two routers",
		.more = "Transport mode protects what the routers themselves send each other, "
			"such as GRE or L2TP. The networks are the two routers' own "
			"addresses then: of a peer behind a NAT the one that this router "
			"sees.",
		.example = "transport", .aka = "strongSwan: type=transport, mode; RouterOS: policy tunnel=no",
	},

	/* --- Algorithms --- */
	{
		.key = "ike", .scope = SCOPE_PEER, .type = ST_IKE,
		.page = PAGE_ALGORITHMS, .cost = COST_RESTART, .defaultable = true,
		.def = IKE_DEFAULT, .empty = "", .unit = "", .label = "IKE algorithms",
		IN_PEER(ike), NO_WHEN,
		.help = "Proposals for the key exchange, best first, with commas between",
		.more = "Each is encryption-hash-group: aes256-sha256-modp2048, or with "
			"an AEAD cipher aes256gcm16-sha384-ecp384, where the hash makes "
			"keys only. Nothing else is accepted from the peer.",
		.example = "aes256gcm16-sha384-ecp384",
		.aka = "Difuse: IKE Algorithms; strongSwan: ike, proposals; RouterOS: "
			"profile enc-algorithm, hash-algorithm, dh-group; phase 1",
	},
	{
		.key = "esp", .scope = SCOPE_PEER, .type = ST_ESP,
		.page = PAGE_ALGORITHMS, .cost = COST_REKEY, .defaultable = true,
		.def = ESP_DEFAULT, .empty = "", .unit = "", .label = "ESP algorithms",
		IN_CHILD(esp), NO_WHEN,
		.help = "Proposals for the traffic, best first, with commas between",
		.more = "Each is encryption-hash-group, or encryption-group with an AEAD "
			"cipher: aes256gcm16-ecp384. The group makes fresh keys at every "
			"rekey (perfect forward secrecy); without one there is none.",
		.example = "aes256gcm16-ecp384",
		.aka = "Difuse: ESP Algorithms; strongSwan: esp, esp_proposals; "
			"RouterOS: proposal enc-algorithms, auth-algorithms, pfs-group; "
			"phase 2",
	},
	{
		.key = "ah", .scope = SCOPE_PEER, .type = ST_INTEG,
		.page = PAGE_ALGORITHMS, .cost = COST_REKEY, .def = "no", .empty = "",
		.unit = "", .label = "AH", IN_CHILD(ah), NO_WHEN,
		.help = "AH by this hash instead of ESP: packets are signed, not encrypted",
		.more = "Only where the peer knows nothing else: whoever is on the way can "
			"read what AH (RFC 4302) carries. It cannot pass a NAT, and the "
			"userspace dataplane has none. Groups for fresh keys are those of "
			"esp.",
		.example = "sha256", .aka = "strongSwan: ah, ah_proposals; RouterOS: policy ipsec-protocols=ah",
	},
	{
		.key = "ipcomp", .scope = SCOPE_PEER, .type = ST_BOOL,
		.page = PAGE_ALGORITHMS, .cost = COST_REKEY, .def = "no", .empty = "",
		.unit = "", .label = "Compression", IN_CHILD(ipcomp), NO_WHEN,
		.help = "Compress packets before they are encrypted (IPComp), where both can",
		.more = "With IKEv2 and the kernel dataplane only. Worth it on slow lines "
			"alone: most traffic is compressed already, and how well a packet "
			"compresses tells something about what is in it.",
		.example = "yes", .aka = "strongSwan: compress, ipcomp",
	},
	{
		.key = "allow_weak", .scope = SCOPE_PEER, .type = ST_WEAK,
		.page = PAGE_ALGORITHMS, .cost = COST_RESTART, .def = "",
		.empty = "none", .unit = "", .label = "Allow weak", IN_PEER(allow_weak),
		NO_WHEN,
		.help = "Weak algorithms this peer may use, with commas between",
		.more = "For old peers only: 3des, md5, sha1, modp768, modp1024, "
			"modp1536, des, blowfish, camellia, aggressive for IKEv1's "
			"Aggressive mode, and null for ESP without encryption. An algorithm "
			"that is not named here is refused in ike and esp. Every status marks "
			"a tunnel that uses one.",
		.example = "sha1,modp1024", .aka = "",
	},

	/* --- Authentication --- */
	{
		.key = "auth", .scope = SCOPE_PEER, .type = ST_CHOICE,
		.page = PAGE_AUTH, .cost = COST_RESTART, .defaultable = true,
		.def = "psk", .empty = "", .unit = "", .choices = auth_words,
		.label = "Authentication", IN_PEER(auth), NO_WHEN,
		.help = "How this router proves who it is: psk or cert",
		.more = "psk: a secret that both sides know. cert: a certificate, made "
			"with adit pki or brought from elsewhere.",
		.example = "cert",
		.aka = "strongSwan: leftauth, local auth; RouterOS: auth-method; VergeOS: "
			"Authentication method",
	},
	{
		.key = "peer_auth", .scope = SCOPE_PEER, .type = ST_CHOICE,
		.page = PAGE_AUTH, .like = "auth", .cost = COST_RESTART,
		.defaultable = true, .def = "", .empty = "the same as auth", .unit = "",
		.choices = auth_words, .label = "Peer proves by", IN_PEER(peer_auth),
		NO_WHEN,
		.help = "How the peer proves who it is, where that differs",
		.more = "IKEv1 knows only the same way for both.",
		.example = "psk", .aka = "strongSwan: rightauth, remote auth",
	},
	{
		.key = "local_id", .scope = SCOPE_PEER, .type = ST_ID,
		.page = PAGE_AUTH, .cost = COST_RESTART, .defaultable = true,
		.max = ID_MAX, .def = "", .empty = "the local address", .unit = "",
		.label = "Local ID", IN_PEER(local_id), NO_WHEN,
		.help = "Who this router says it is",
		.more = "An IP address, a host name, user@host, keyid:text (or "
			"keyid:0x…), or a distinguished name such as \"C=CH, O=Acme, "
			"CN=gw\". Behind NAT give a name: the address the peer sees is "
			"not the one this router has. Left out, it is the subject of cert "
			"where auth is cert.",
		.example = "gw.example.org",
		.aka = "Difuse: Local ID; strongSwan: leftid, local id; RouterOS: my-id; "
			"VergeOS: Identifier",
	},
	{
		.key = "peer_id", .scope = SCOPE_PEER, .type = ST_ID, .page = PAGE_AUTH,
		.cost = COST_RESTART, .max = ID_MAX, .def = "",
		.empty = "the peer's address", .unit = "", .label = "Peer ID",
		IN_PEER(peer_id), NO_WHEN,
		.help = "Who the peer must say it is",
		.more = "The same forms as local_id, compared octet for octet. Left out "
			"with remote_gateway = any, every ID is taken.",
		.example = "branch.example.org",
		.aka = "Difuse: Peer ID; strongSwan: rightid, remote id; RouterOS: "
			"remote-id; VergeOS: Peer Identifier",
	},
	{
		.key = "psk", .scope = SCOPE_PEER, .type = ST_SECRET, .page = PAGE_AUTH,
		.cost = COST_RESTART, .sensitive = true, .hides = true, .min = 1,
		.max = PSK_MAX, .def = "", .empty = "", .unit = "",
		.label = "Pre-shared key", NO_WHEN,
		.help = "The secret both sides know: text, or 0x and hex digits",
		.more = "Kept in a file of its own that only root reads (secrets/NAME), "
			"never in the peer's file. On the command line it comes from "
			"--psk-file, --psk-stdin or a prompt; adit genpsk makes a good "
			"one. Under 20 characters it can be guessed.",
		.example = "",
		.aka = "Difuse: Pre-Shared Key; strongSwan: ipsec.secrets, secret; "
			"RouterOS: identity secret",
	},

	{
		.key = "cert", .scope = SCOPE_PEER, .type = ST_CERT, .page = PAGE_AUTH,
		.cost = COST_RESTART, .defaultable = true, .max = PKI_NAME_MAX,
		.def = "", .empty = "", .unit = "", .label = "Certificate",
		IN_PEER(cert), OUR_CERT,
		.help = "This router's certificate, by its name in adit pki list",
		.more = "Its private key must be stored beside it. local_id has to stand "
			"in the certificate, as its subject or an alternative name; left "
			"out, it is taken from there.",
		.example = "gw",
		.aka = "strongSwan: leftcert, certs; RouterOS: identity certificate",
	},
	{
		.key = "peer_cert", .scope = SCOPE_PEER, .type = ST_CERT,
		.page = PAGE_AUTH, .cost = COST_RESTART, .max = PKI_NAME_MAX, .def = "",
		.empty = "any that a trusted CA signed", .unit = "",
		.label = "Peer's certificate", IN_PEER(peer_cert), PEER_CERT,
		.help = "The one certificate that is taken from the peer",
		.more = "Named here, it is compared whole and no CA is asked: right for "
			"certificates that sign themselves.",
		.example = "branch-cert",
		.aka = "strongSwan: rightcert; RouterOS: remote-certificate",
	},
	{
		.key = "ca", .scope = SCOPE_PEER, .type = ST_CERTS, .page = PAGE_AUTH,
		.cost = COST_RESTART, .defaultable = true, .max = CA_MAX, .def = "",
		.empty = "every CA in adit pki list", .unit = "",
		.label = "Trusted CAs", IN_PEER(ca), COUNT(peer_conf, n_ca), PEER_CERT,
		.help = "The CAs that may have signed the peer's certificate",
		.more = "Name one where several are stored: else whoever any of them "
			"signed can be this peer, if the ID fits.",
		.example = "office-ca",
		.aka = "strongSwan: rightca, cacerts; RouterOS: certificate chain",
	},
	{
		.key = "crl", .scope = SCOPE_PEER, .type = ST_CHOICE, .page = PAGE_AUTH,
		.cost = COST_RESTART, .defaultable = true, .def = "lenient",
		.empty = "", .unit = "", .choices = crl_words,
		.label = "Revocation lists", IN_PEER(crl), PEER_CERT,
		.help = "lenient: a stored CRL counts; strict: there must be one; off",
		.more = "strict refuses the peer too when the list is older than it says "
			"it may be. Lists come with adit pki import.",
		.example = "strict",
		.aka = "strongSwan: strictcrlpolicy, revocation; RouterOS: crl-use",
	},
	{
		.key = "ppk_id", .scope = SCOPE_PEER, .type = ST_TEXT,
		.page = PAGE_AUTH, .cost = COST_RESTART, .max = PPK_ID_MAX, .def = "",
		.empty = "no post-quantum key", .unit = "", .label = "PPK's name",
		IN_PEER(ppk_id), IKEV2_ONLY,
		.help = "The name of a post-quantum pre-shared key, the same on both sides",
		.more = "It is mixed into the keys of the tunnel (RFC 8784), so that who "
			"records traffic today cannot read it with a quantum computer "
			"later.",
		.example = "branch-2026", .aka = "strongSwan: ppk_id; libreswan: ppk-ids",
	},
	{
		.key = "ppk", .scope = SCOPE_PEER, .type = ST_SECRET, .page = PAGE_AUTH,
		.cost = COST_RESTART, .sensitive = true, .min = 1, .max = PSK_MAX,
		.def = "", .empty = "", .unit = "", .label = "Post-quantum key",
		.when = "while ppk_id is set", .when_key = "ppk_id", .when_not = "",
		.hides = true,
		.help = "The secret behind ppk_id: text, or 0x and hex digits",
		.more = "32 random bytes at least (adit genpsk). Kept in secrets/NAME.ppk; "
			"on the command line it comes from --ppk-file or --ppk-stdin.",
		.example = "", .aka = "strongSwan: secrets ppk; libreswan: PPKS",
	},
	{
		.key = "ppk_required", .scope = SCOPE_PEER, .type = ST_BOOL,
		.page = PAGE_AUTH, .cost = COST_RESTART, .def = "no", .empty = "",
		.unit = "", .label = "PPK required", IN_PEER(ppk_required),
		.when = "while ppk_id is set", .when_key = "ppk_id", .when_not = "",
		.hides = true,
		.help = "Refuse the peer when it does not know the post-quantum key",
		.more = "Leave it off until both sides have it.", .example = "yes",
		.aka = "strongSwan: ppk_required; libreswan: ppk=insist",
	},

	/* --- Lifetimes & liveness --- */
	{
		.key = "ike_life", .scope = SCOPE_PEER, .type = ST_DURATION,
		.page = PAGE_LIFE, .defaultable = true, .min = LIFE_MIN,
		.max = LIFE_MAX, .def = "4h", .empty = "", .unit = "seconds",
		.label = "IKE lifetime", IN_PEER(ike_life_s), NO_WHEN,
		.help = "How long the IKE SA lives before it is replaced",
		.more = "IKEv2 does not negotiate lifetimes: each side keeps its own. "
			"IKEv1 does, as proposal_check says.",
		.example = "8h",
		.aka = "strongSwan: ikelifetime, rekey_time; RouterOS: profile lifetime; "
			"VergeOS: Lifetime",
	},
	{
		.key = "esp_life", .scope = SCOPE_PEER, .type = ST_DURATION,
		.page = PAGE_LIFE, .defaultable = true, .min = LIFE_MIN,
		.max = LIFE_MAX, .def = "1h", .empty = "", .unit = "seconds",
		.label = "ESP lifetime", IN_CHILD(esp_life_s), NO_WHEN,
		.help = "How long the keys of the traffic live before they are replaced",
		.more = "", .example = "30m",
		.aka = "strongSwan: lifetime, rekey_time; RouterOS: proposal lifetime; "
			"VergeOS: phase 2 Lifetime",
	},
	{
		.key = "esp_life_bytes", .scope = SCOPE_PEER, .type = ST_BYTES,
		.page = PAGE_LIFE, .defaultable = true, .def = "0", .empty = "",
		.unit = "bytes", .label = "ESP data limit", IN_CHILD(esp_life_bytes),
		NO_WHEN,
		.help = "How much the keys of the traffic encrypt before they are replaced",
		.more = "Both ways together; 0 for no limit but the cipher's own, which "
			"adit keeps anyway.",
		.example = "100G",
		.aka = "strongSwan: lifebytes, life_bytes; RouterOS: lifebytes",
	},
	{
		.key = "esp_life_packets", .scope = SCOPE_PEER, .type = ST_PACKETS,
		.page = PAGE_LIFE, .defaultable = true, .def = "0", .empty = "",
		.unit = "packets", .label = "ESP packet limit",
		IN_CHILD(esp_life_packets), NO_WHEN,
		.help = "How many packets the keys of the traffic encrypt before they are replaced",
		.more = "Both ways together; 0 for no limit but that of the sequence "
			"numbers, which adit keeps anyway.",
		.example = "1G", .aka = "strongSwan: lifepackets, life_packets",
	},
	{
		.key = "reauth", .scope = SCOPE_PEER, .type = ST_DURATION,
		.page = PAGE_LIFE, .defaultable = true, .min = 0, .max = LIFE_MAX,
		.def = "0", .empty = "", .unit = "seconds", .label = "Reauthenticate",
		IN_PEER(reauth_s), NO_WHEN,
		.help = "Prove anew who is there after this long; 0: never",
		.more = "The new connection is made before the old one goes, so that "
			"nothing is lost. A peer may ask for it too (RFC 4478).",
		.example = "1d", .aka = "strongSwan: reauth, reauth_time",
	},
	{
		.key = "rekey_margin", .scope = SCOPE_PEER, .type = ST_DURATION,
		.page = PAGE_LIFE, .defaultable = true, .min = 1, .max = 86400,
		.def = "", .empty = "a tenth of the shortest lifetime, at most 9m",
		.unit = "seconds", .label = "Rekey margin", IN_PEER(rekey_margin_s),
		NO_WHEN,
		.help = "How long before the end of a lifetime new keys are made",
		.more = "The moment varies a little, so that both sides do not begin at "
			"once.",
		.example = "5m", .aka = "strongSwan: margintime; VergeOS: Margintime",
	},
	{
		.key = "keying_tries", .scope = SCOPE_PEER, .type = ST_UINT,
		.page = PAGE_LIFE, .defaultable = true, .min = 0, .max = 10000,
		.def = "0", .empty = "", .unit = "", .label = "Keying tries",
		IN_PEER(keying_tries),
		.when = "while this router starts the connection", .when_key = "start",
		.when_not = "responder",
		.help = "How often to try before giving up; 0 tries for ever",
		.more = "Between tries the pause grows, to some minutes at most.",
		.example = "3",
		.aka = "Difuse: Keying Tries; VergeOS: Keying Tries; strongSwan: "
			"keyingtries",
	},
	{
		.key = "dpd_delay", .scope = SCOPE_PEER, .type = ST_DURATION,
		.page = PAGE_LIFE, .defaultable = true, .min = 0, .max = 86400,
		.def = "30s", .empty = "", .unit = "seconds", .label = "Liveness check",
		IN_PEER(dpd_delay_s), NO_WHEN,
		.help = "Ask a silent peer whether it lives after this long; 0: never",
		.more = "A peer that does not answer is asked again with growing pauses "
			"and given up after two to three minutes.",
		.example = "10s",
		.aka = "strongSwan: dpddelay, dpd_delay; RouterOS: dpd-interval; "
			"VergeOS: DPD interval",
	},
	{
		.key = "dpd_action", .scope = SCOPE_PEER, .type = ST_CHOICE,
		.page = PAGE_LIFE, .defaultable = true, .def = "restart", .empty = "",
		.unit = "", .choices = dpd_words, .label = "When the peer is gone",
		IN_PEER(dpd_action), .when = "while dpd_delay is not 0",
		.when_key = "dpd_delay", .when_not = "0",
		.help = "restart: connect again; clear: wait; hold: until there is traffic",
		.more = "clear waits for the peer or for adit up; hold connects again with "
			"the next packet for the tunnel.",
		.example = "clear",
		.aka = "strongSwan: dpdaction, dpd_action; VergeOS: DPD action",
	},

	{
		.key = "test_rekey", .scope = SCOPE_PEER, .type = ST_BOOL,
		.page = PAGE_LIFE, .defaultable = true, .def = "yes", .empty = "",
		.unit = "", .label = "Test rekey", IN_PEER(test_rekey), NO_WHEN,
		.help = "Make new keys once, soon after a new peer's first tunnel is up",
		.more = "Two sides that differ in the group of esp (perfect forward "
			"secrecy) connect all the same and part at the first rekey, an "
			"hour later. This finds it at once.",
		.example = "no", .aka = "",
	},
	{
		.key = "proposal_check", .scope = SCOPE_PEER, .type = ST_CHOICE,
		.page = PAGE_LIFE, .cost = COST_RESTART, .defaultable = true,
		.def = "obey", .empty = "", .unit = "", .choices = check_words,
		.label = "IKEv1 lifetimes", IN_PEER(proposal_check), IKEV1_ONLY,
		.help = "What to do when the peer proposes other lifetimes",
		.more = "obey takes the peer's; strict takes one that is shorter and "
			"refuses a longer one; claim takes the shorter of the two and "
			"tells the peer; exact takes nothing but the same.",
		.example = "claim", .aka = "RouterOS: proposal-check; racoon: "
			"proposal_check",
	},

	/* --- Firewall --- */
	{
		.key = "forward_lan", .scope = SCOPE_PEER, .type = ST_BOOL,
		.page = PAGE_FIREWALL, .defaultable = true, .def = "yes", .empty = "",
		.unit = "", .label = "Forward to LAN", IN_PEER(forward_lan), NO_WHEN,
		.help = "Let traffic of the tunnel to and from the LAN through the "
			"firewall",
		.more = "", .example = "yes",
		.aka = "Difuse: Firewall Rules, Allow forwarding to LAN; strongSwan: "
			"leftfirewall",
	},
	{
		.key = "forward_wan", .scope = SCOPE_PEER, .type = ST_BOOL,
		.page = PAGE_FIREWALL, .defaultable = true, .def = "yes", .empty = "",
		.unit = "", .label = "Forward to WAN", IN_PEER(forward_wan), NO_WHEN,
		.help = "Let traffic of the tunnel out to the WAN through the firewall",
		.more = "It only matters when the local network reaches beyond the LAN, "
			"such as 0.0.0.0/0: what is outside the networks of the tunnel "
			"is dropped anyway.",
		.example = "no", .aka = "Difuse: Firewall Rules, Allow forwarding to WAN",
	},

	/* --- Advanced --- */
	{
		.key = "encap", .scope = SCOPE_PEER, .type = ST_CHOICE,
		.page = PAGE_ADVANCED, .cost = COST_RESTART, .defaultable = true,
		.def = "auto", .empty = "", .unit = "", .choices = encap_words,
		.label = "UDP encapsulation", IN_PEER(encap), NO_WHEN,
		.help = "auto: UDP where NAT is, or is faster; force: always; never: by NAT alone",
		.more = "Force it where a firewall on the way drops ESP. The userspace "
			"dataplane is faster with it, so auto uses it wherever the peer "
			"can; never takes plain ESP (IP protocol 50) unless there is a NAT. "
			"AH and transport mode go without it wherever there is no NAT.",
		.example = "force",
		.aka = "strongSwan: forceencaps, encap; VergeOS: Force UDP "
			"encapsulation; RouterOS: nat-traversal",
	},
	{
		.key = "mtu", .scope = SCOPE_PEER, .type = ST_UINT,
		.page = PAGE_ADVANCED, .defaultable = true, .min = 576, .max = 9200,
		.def = "", .empty = "computed from cipher and path", .unit = "bytes",
		.label = "Tunnel MTU", IN_PEER(mtu), NO_WHEN,
		.help = "The largest packet inside the tunnel",
		.more = "Set it only where computing it goes wrong. IPv6 inside needs at "
			"least 1280.",
		.example = "1400", .aka = "VergeOS: MSS clamp; RouterOS: change-mss",
	},

	{
		.key = "remote_port", .scope = SCOPE_PEER, .type = ST_UINT,
		.page = PAGE_ADVANCED, .cost = COST_RESTART, .min = 1, .max = 65535,
		.def = "", .empty = "500, and 4500 where there is NAT", .unit = "",
		.label = "Peer's IKE port", IN_PEER(remote_port), NO_WHEN,
		.help = "The UDP port the peer listens on, where it is another",
		.more = "All IKE and ESP goes there then, as it otherwise goes to 4500. "
			"Not the ports of the traffic: those are remote_ports.",
		.example = "4501",
		.aka = "strongSwan: rightikeport, remote_port; RouterOS: peer port",
	},
	{
		.key = "mobike", .scope = SCOPE_PEER, .type = ST_BOOL,
		.page = PAGE_ADVANCED, .cost = COST_RESTART, .defaultable = true,
		.def = "yes", .empty = "", .unit = "", .label = "MOBIKE",
		IN_PEER(mobike), IKEV2_ONLY,
		.help = "Keep the tunnel when an address of either side changes",
		.more = "RFC 4555: used where the peer knows it too.", .example = "no",
		.aka = "strongSwan: mobike",
	},
	{
		.key = "fragmentation", .scope = SCOPE_PEER, .type = ST_CHOICE,
		.page = PAGE_ADVANCED, .cost = COST_RESTART, .defaultable = true,
		.def = "yes", .empty = "", .unit = "", .choices = fragment_words,
		.label = "IKE fragmentation", IN_PEER(fragmentation), NO_WHEN,
		.help = "Send large IKE messages in pieces where the peer knows that",
		.more = "Certificates need it on paths that drop IP fragments. force "
			"sends every message in pieces that can be (RFC 7383; in IKEv1 "
			"as Cisco boxes do it).",
		.example = "force", .aka = "strongSwan: fragmentation; libreswan: "
			"fragmentation",
	},
	{
		.key = "fragment_size", .scope = SCOPE_PEER, .type = ST_UINT,
		.page = PAGE_ADVANCED, .cost = COST_RESTART, .defaultable = true,
		.min = 576, .max = 1500, .def = "",
		.empty = "1280, less where that gets lost", .unit = "bytes",
		.label = "Fragment size", IN_PEER(fragment_size),
		.when = "while fragmentation is not no", .when_key = "fragmentation",
		.when_not = "no", .hides = true,
		.help = "The largest IP packet an IKE message is sent in", .more = "",
		.example = "1200", .aka = "strongSwan: charon.fragment_size",
	},

	{
		.key = "child_per_pair", .scope = SCOPE_PEER, .type = ST_CHOICE,
		.page = PAGE_ADVANCED, .cost = COST_REKEY, .defaultable = true,
		.def = "auto", .empty = "", .unit = "", .choices = per_pair_words,
		.label = "A tunnel per pair", IN_PEER(child_per_pair), NO_WHEN,
		.help = "Negotiate each pair of networks by itself",
		.more = "Some boxes (ASA, FortiGate, Azure) take one network of each side "
			"at a time. auto tries all in one first and pairs when that is "
			"refused. IKEv1 can only do pairs.",
		.example = "yes", .aka = "",
	},
	{
		.key = "unique", .scope = SCOPE_PEER, .type = ST_CHOICE,
		.page = PAGE_ADVANCED, .cost = COST_RESTART, .defaultable = true,
		.def = "replace", .empty = "", .unit = "", .choices = unique_words,
		.label = "Second connection", IN_PEER(unique), NO_WHEN,
		.help = "When the peer connects again: replace the old, keep it, or both",
		.more = "replace: the new connection takes the old one's place. keep: the "
			"old one stays and one from another address is refused. never: both live, and "
			"the peer is not even asked to forget old ones.",
		.example = "keep", .aka = "strongSwan: uniqueids, unique",
	},

	/* --- child "NAME" { … } --- */
#include "core/settings/table_child.h"
};

const size_t settings_table_n = sizeof(settings_table) / sizeof(settings_table[0]);
_Static_assert(sizeof(settings_table) / sizeof(settings_table[0]) <= SETTINGS_TABLE_MAX,
	       "SETTINGS_TABLE_MAX is too small");
