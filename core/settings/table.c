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

static const char *const start_words[] = { "start", "responder", NULL };
static const char *const version_words[] = { "2", "1", NULL };
static const char *const dpd_words[] = { "restart", "clear", NULL };
static const char *const encap_words[] = { "auto", "force", NULL };
static const char *const dataplane_words[] = { "auto", "kernel", "userspace", NULL };
static const char *const level_words[] = { "error", "warning", "info", "debug", NULL };

#define IKE_DEFAULT "aes256gcm16-sha256-x25519,aes256gcm16-sha384-ecp384," \
	"aes256-sha256-ecp256,aes256-sha384-modp3072,aes256-sha256-modp2048"
#define ESP_DEFAULT "aes256gcm16-x25519,aes256gcm16-ecp384,aes256gcm16-modp2048," \
	"aes256-sha256-ecp256,aes256-sha256-modp3072,aes256-sha256-modp2048"

#define NO_WHEN .when = "", .when_key = NULL, .when_not = NULL

const struct setting settings_table[] = {
	/* --- adit.conf --- */
	{
		.key = "wan", .scope = SCOPE_ROUTER, .type = ST_IFACE,
		.page = PAGE_ROUTER,
		.max = IFNAME_MAX - 1, .def = "",
		.empty = "the interface of the default route",
		.unit = "", .label = "WAN interface", IN_ROUTER(wan), NO_WHEN,
		.help = "The interface that leads to the Internet",
		.more = "Left out, adit takes the interface of the default route and "
			"follows it when it changes.",
		.example = "eth0",
		.aka = "VergeOS: Interface network; strongSwan: left=%defaultroute",
	},
	{
		.key = "lan", .scope = SCOPE_ROUTER, .type = ST_IFACES,
		.page = PAGE_ROUTER,
		.max = LAN_MAX, .def = "",
		.empty = "every other interface that has an address",
		.unit = "", .label = "LAN interfaces", IN_ROUTER(lan), NO_WHEN,
		COUNT(router_conf, n_lan),
		.help = "The interfaces of the inside, with commas between",
		.more = "Left out, every interface that has an address and is neither "
			"the WAN nor a tunnel counts as LAN.",
		.example = "lan0,lan1", .aka = "Ideco: local interfaces",
	},
	{
		.key = "dataplane", .scope = SCOPE_ROUTER, .type = ST_CHOICE,
		.page = PAGE_ROUTER,
		.cost = COST_RESTART, .def = "auto", .empty = "", .unit = "",
		.choices = dataplane_words, .label = "Dataplane", IN_ROUTER(dataplane),
		NO_WHEN,
		.help = "Who encrypts packets: the kernel or a program of adit's",
		.more = "auto takes the kernel when it can do ESP and adit can use it, "
			"else the userspace dataplane. What was taken and why stands in "
			"adit status.",
		.example = "auto", .aka = "strongSwan: kernel-netlink, kernel-libipsec",
	},
	{
		.key = "log_level", .scope = SCOPE_ROUTER, .type = ST_CHOICE,
		.page = PAGE_ROUTER,
		.def = "info", .empty = "", .unit = "", .choices = level_words,
		.label = "Log level", IN_ROUTER(log_level), NO_WHEN,
		.help = "How much is logged",
		.more = "info is a line for what an admin wants to know of; debug tells "
			"every message of every negotiation.",
		.example = "debug",
		.aka = "strongSwan: charondebug; RouterOS: /system logging topics=ipsec",
	},
	{
		.key = "theme", .scope = SCOPE_ROUTER, .type = ST_WORD,
		.page = PAGE_ROUTER,
		.max = 31, .def = "default", .empty = "", .unit = "",
		.label = "Colour theme",
		IN_ROUTER(theme), NO_WHEN,
		.help = "The colours of the screen: a file of the themes folder",
		.more = "Those that come with adit: default, light, mono, high-contrast.",
		.example = "high-contrast", .aka = "",
	},

	/* --- a peer: General --- */
	{
		.key = "name", .scope = SCOPE_PEER, .type = ST_NAME, .page = PAGE_GENERAL,
		.cost = COST_RESTART, .required = true, .min = 1, .max = PEER_NAME_MAX,
		.def = "", .empty = "", .unit = "", .label = "Peer name", IN_PEER(name),
		NO_WHEN,
		.help = "What the peer is called everywhere: letters, digits, . _ -",
		.more = "It is also the name of the peer's file and, shortened, of its "
			"interface. In the file itself it may be left out.",
		.example = "branch",
		.aka = "Difuse: Peer Name; VergeOS: phase 1 name; strongSwan: conn NAME; "
			"RouterOS: peer name",
	},
	{
		.key = "description", .scope = SCOPE_PEER, .type = ST_TEXT,
		.page = PAGE_GENERAL,
		.max = DESCRIPTION_MAX, .def = "", .empty = "", .unit = "",
		.label = "Description", IN_PEER(description), NO_WHEN,
		.help = "A note for people", .more = "",
		.example = "Branch office, Main Street",
		.aka = "VergeOS: Description; RouterOS: comment",
	},
	{
		.key = "enabled", .scope = SCOPE_PEER, .type = ST_BOOL,
		.page = PAGE_GENERAL,
		.cost = COST_RESTART, .defaultable = true, .def = "yes", .empty = "",
		.unit = "",
		.label = "Enabled", IN_PEER(enabled), NO_WHEN,
		.help = "Whether the peer is used at all",
		.more = "A disabled peer keeps its settings; it has no interface, no "
			"routes and nobody gets an answer.",
		.example = "no", .aka = "RouterOS: disabled; strongSwan: auto=ignore",
	},
	{
		.key = "start", .scope = SCOPE_PEER, .type = ST_CHOICE,
		.page = PAGE_GENERAL,
		.cost = COST_RESTART, .defaultable = true, .def = "start", .empty = "",
		.unit = "",
		.choices = start_words, .label = "Who begins", IN_PEER(start), NO_WHEN,
		.help = "start: this router connects; responder: it waits for the peer",
		.more = "A router that starts answers too. Use responder when the peer's "
			"address changes, or when it sits behind NAT.",
		.example = "responder",
		.aka = "strongSwan: auto=start, auto=add; VergeOS: Connection Behavior; "
			"RouterOS: passive; Ideco: outgoing, incoming",
	},
	{
		.key = "version", .scope = SCOPE_PEER, .type = ST_VERSION,
		.page = PAGE_GENERAL,
		.cost = COST_RESTART, .defaultable = true, .min = 1, .max = 2, .def = "2",
		.empty = "", .unit = "", .choices = version_words, .label = "IKE version",
		IN_PEER(version), NO_WHEN,
		.help = "The key exchange: 2 for IKEv2",
		.more = "IKEv1 (1) is known as a value, but adit does not speak it yet.",
		.example = "2",
		.aka = "Difuse: Key Exchange Version; strongSwan: keyexchange; RouterOS: "
			"exchange-mode=ike2",
	},

	/* --- Networks --- */
	{
		.key = "local_ip", .scope = SCOPE_PEER, .type = ST_ADDR,
		.page = PAGE_NETWORKS,
		.cost = COST_RESTART, .defaultable = true, .def = "",
		.empty = "the address this router reaches the gateway from", .unit = "",
		.label = "Local IP", IN_PEER(local_ip), NO_WHEN,
		.help = "This router's own address towards the peer",
		.more = "Only needed where the router has several addresses on the "
			"outside.",
		.example = "203.0.113.1",
		.aka = "Difuse: Local IP; strongSwan: left, local_addrs; RouterOS: "
			"local-address",
	},
	{
		.key = "remote_gateway", .scope = SCOPE_PEER, .type = ST_GATEWAY,
		.page = PAGE_NETWORKS, .cost = COST_RESTART, .required = true, .def = "",
		.empty = "", .unit = "", .label = "Remote gateway",
		IN_PEER(remote_gateway), NO_WHEN,
		.help = "The peer's public address, or any",
		.more = "With any, this router answers whoever has the right ID and "
			"pre-shared key; start must be responder then. Host names are "
			"not possible yet.",
		.example = "198.51.100.2",
		.aka = "Difuse: Remote Gateway; strongSwan: right, remote_addrs; "
			"RouterOS: peer address",
	},
	{
		.key = "local_network", .scope = SCOPE_PEER, .type = ST_NETWORKS,
		.page = PAGE_NETWORKS, .cost = COST_REKEY, .required = true,
		.defaultable = true,
		.def = "", .empty = "", .unit = "", .label = "Local network",
		IN_CHILD(local_network), COUNT(child_conf, n_local), NO_WHEN,
		.help = "The networks on this side, with commas between",
		.more = "What the peer may reach through the tunnel. The peer's remote "
			"network must be the same, or overlap.",
		.example = "10.1.0.0/24",
		.aka = "Difuse: Local Network; strongSwan: leftsubnet, local_ts; "
			"RouterOS: src-address",
	},
	{
		.key = "remote_network", .scope = SCOPE_PEER, .type = ST_NETWORKS,
		.page = PAGE_NETWORKS, .cost = COST_REKEY, .required = true,
		.def = "", .empty = "", .unit = "", .label = "Remote network",
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

	/* --- Algorithms --- */
	{
		.key = "ike", .scope = SCOPE_PEER, .type = ST_IKE,
		.page = PAGE_ALGORITHMS,
		.cost = COST_RESTART, .defaultable = true, .def = IKE_DEFAULT,
		.empty = "",
		.unit = "", .label = "IKE algorithms", IN_PEER(ike), NO_WHEN,
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
		.page = PAGE_ALGORITHMS,
		.cost = COST_REKEY, .defaultable = true, .def = ESP_DEFAULT, .empty = "",
		.unit = "", .label = "ESP algorithms", IN_CHILD(esp), NO_WHEN,
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
		.key = "allow_weak", .scope = SCOPE_PEER, .type = ST_WEAK,
		.page = PAGE_ALGORITHMS,
		.cost = COST_RESTART, .def = "", .empty = "none", .unit = "",
		.label = "Allow weak", IN_PEER(allow_weak), NO_WHEN,
		.help = "Weak algorithms this peer may use, with commas between",
		.more = "For old peers only: 3des, md5, sha1, modp768, modp1024, "
			"modp1536, des, blowfish, camellia, and aggressive for IKEv1's "
			"Aggressive mode. An algorithm that is not named here is refused in "
			"ike and esp. Every status marks a tunnel that uses one.",
		.example = "sha1,modp1024", .aka = "",
	},

	/* --- Authentication --- */
	{
		.key = "local_id", .scope = SCOPE_PEER, .type = ST_ID, .page = PAGE_AUTH,
		.cost = COST_RESTART, .defaultable = true, .max = ID_MAX, .def = "",
		.empty = "the local address", .unit = "", .label = "Local ID",
		IN_PEER(local_id),
		NO_WHEN,
		.help = "Who this router says it is",
		.more = "An IP address, a host name, user@host, keyid:text (or "
			"keyid:0x…), or a distinguished name such as \"C=CH, O=Acme, "
			"CN=gw\". Behind NAT give a name: the address the peer sees is "
			"not the one this router has.",
		.example = "gw.example.org",
		.aka = "Difuse: Local ID; strongSwan: leftid, local id; RouterOS: my-id; "
			"VergeOS: Identifier",
	},
	{
		.key = "peer_id", .scope = SCOPE_PEER, .type = ST_ID, .page = PAGE_AUTH,
		.cost = COST_RESTART, .max = ID_MAX, .def = "",
		.empty = "the peer's address",
		.unit = "", .label = "Peer ID", IN_PEER(peer_id), NO_WHEN,
		.help = "Who the peer must say it is",
		.more = "The same forms as local_id, compared octet for octet. Left out "
			"with remote_gateway = any, every ID is taken.",
		.example = "branch.example.org",
		.aka = "Difuse: Peer ID; strongSwan: rightid, remote id; RouterOS: "
			"remote-id; VergeOS: Peer Identifier",
	},
	{
		.key = "psk", .scope = SCOPE_PEER, .type = ST_SECRET, .page = PAGE_AUTH,
		.cost = COST_RESTART, .sensitive = true, .min = 1, .max = PSK_MAX,
		.def = "",
		.empty = "", .unit = "", .label = "Pre-shared key", NO_WHEN,
		.help = "The secret both sides know: text, or 0x and hex digits",
		.more = "Kept in a file of its own that only root reads (secrets/NAME), "
			"never in the peer's file. On the command line it comes from "
			"--psk-file, --psk-stdin or a prompt; adit genpsk makes a good "
			"one. Under 20 characters it can be guessed.",
		.example = "",
		.aka = "Difuse: Pre-Shared Key; strongSwan: ipsec.secrets, secret; "
			"RouterOS: identity secret",
	},

	/* --- Lifetimes & liveness --- */
	{
		.key = "ike_life", .scope = SCOPE_PEER, .type = ST_DURATION,
		.page = PAGE_LIFE,
		.defaultable = true, .min = LIFE_MIN, .max = LIFE_MAX, .def = "4h",
		.empty = "",
		.unit = "seconds", .label = "IKE lifetime", IN_PEER(ike_life_s), NO_WHEN,
		.help = "How long the IKE SA lives before it is replaced",
		.more = "IKEv2 does not negotiate lifetimes: each side keeps its own.",
		.example = "8h",
		.aka = "strongSwan: ikelifetime, rekey_time; RouterOS: profile lifetime; "
			"VergeOS: Lifetime",
	},
	{
		.key = "esp_life", .scope = SCOPE_PEER, .type = ST_DURATION,
		.page = PAGE_LIFE,
		.defaultable = true, .min = LIFE_MIN, .max = LIFE_MAX, .def = "1h",
		.empty = "",
		.unit = "seconds", .label = "ESP lifetime", IN_CHILD(esp_life_s), NO_WHEN,
		.help = "How long the keys of the traffic live before they are replaced",
		.more = "", .example = "30m",
		.aka = "strongSwan: lifetime, rekey_time; RouterOS: proposal lifetime; "
			"VergeOS: phase 2 Lifetime",
	},
	{
		.key = "rekey_margin", .scope = SCOPE_PEER, .type = ST_DURATION,
		.page = PAGE_LIFE,
		.defaultable = true, .min = 1, .max = 86400, .def = "",
		.empty = "a tenth of the shortest lifetime, at most 9m",
		.unit = "seconds",
		.label = "Rekey margin", IN_PEER(rekey_margin_s), NO_WHEN,
		.help = "How long before the end of a lifetime new keys are made",
		.more = "The moment varies a little, so that both sides do not begin at "
			"once.",
		.example = "5m", .aka = "strongSwan: margintime; VergeOS: Margintime",
	},
	{
		.key = "keying_tries", .scope = SCOPE_PEER, .type = ST_UINT,
		.page = PAGE_LIFE,
		.defaultable = true, .min = 0, .max = 10000, .def = "0", .empty = "",
		.unit = "",
		.label = "Keying tries", IN_PEER(keying_tries),
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
		.page = PAGE_LIFE,
		.defaultable = true, .min = 0, .max = 86400, .def = "30s", .empty = "",
		.unit = "seconds", .label = "Liveness check", IN_PEER(dpd_delay_s),
		NO_WHEN,
		.help = "Ask a silent peer whether it lives after this long; 0: never",
		.more = "A peer that does not answer is asked again with growing pauses "
			"and given up after two to three minutes.",
		.example = "10s",
		.aka = "strongSwan: dpddelay, dpd_delay; RouterOS: dpd-interval; "
			"VergeOS: DPD interval",
	},
	{
		.key = "dpd_action", .scope = SCOPE_PEER, .type = ST_CHOICE,
		.page = PAGE_LIFE,
		.defaultable = true, .def = "restart", .empty = "", .unit = "",
		.choices = dpd_words, .label = "When the peer is gone",
		IN_PEER(dpd_action),
		.when = "while dpd_delay is not 0", .when_key = "dpd_delay",
		.when_not = "0",
		.help = "restart: connect again; clear: wait for the peer or for adit up",
		.more = "", .example = "clear",
		.aka = "strongSwan: dpdaction, dpd_action; VergeOS: DPD action",
	},

	/* --- Firewall --- */
	{
		.key = "forward_lan", .scope = SCOPE_PEER, .type = ST_BOOL,
		.page = PAGE_FIREWALL,
		.defaultable = true, .def = "yes", .empty = "", .unit = "",
		.label = "Forward to LAN", IN_PEER(forward_lan), NO_WHEN,
		.help = "Let traffic of the tunnel to and from the LAN through the "
			"firewall",
		.more = "", .example = "yes",
		.aka = "Difuse: Firewall Rules, Allow forwarding to LAN; strongSwan: "
			"leftfirewall",
	},
	{
		.key = "forward_wan", .scope = SCOPE_PEER, .type = ST_BOOL,
		.page = PAGE_FIREWALL,
		.defaultable = true, .def = "yes", .empty = "", .unit = "",
		.label = "Forward to WAN", IN_PEER(forward_wan), NO_WHEN,
		.help = "Let traffic of the tunnel out to the WAN through the firewall",
		.more = "It only matters when the local network reaches beyond the LAN, "
			"such as 0.0.0.0/0: what is outside the networks of the tunnel "
			"is dropped anyway.",
		.example = "no", .aka = "Difuse: Firewall Rules, Allow forwarding to WAN",
	},

	/* --- Advanced --- */
	{
		.key = "encap", .scope = SCOPE_PEER, .type = ST_CHOICE,
		.page = PAGE_ADVANCED,
		.cost = COST_RESTART, .defaultable = true, .def = "auto", .empty = "",
		.unit = "",
		.choices = encap_words, .label = "UDP encapsulation", IN_PEER(encap),
		NO_WHEN,
		.help = "auto: UDP where there is NAT; force: always",
		.more = "Force it where a firewall on the way drops ESP.",
		.example = "force",
		.aka = "strongSwan: forceencaps, encap; VergeOS: Force UDP "
			"encapsulation; RouterOS: nat-traversal",
	},
	{
		.key = "mtu", .scope = SCOPE_PEER, .type = ST_UINT, .page = PAGE_ADVANCED,
		.defaultable = true, .min = 576, .max = 9200, .def = "",
		.empty = "computed from cipher and path", .unit = "bytes",
		.label = "Tunnel MTU",
		IN_PEER(mtu), NO_WHEN,
		.help = "The largest packet inside the tunnel",
		.more = "Set it only where computing it goes wrong. IPv6 inside needs at "
			"least 1280.",
		.example = "1400", .aka = "VergeOS: MSS clamp; RouterOS: change-mss",
	},

	/* --- child "NAME" { … } --- */
	{
		.key = "local_network", .scope = SCOPE_CHILD, .type = ST_NETWORKS,
		.page = PAGE_NETWORKS, .cost = COST_REKEY, .required = true, .def = "",
		.empty = "", .unit = "", .label = "Local network",
		IN_CHILD(local_network),
		COUNT(child_conf, n_local), NO_WHEN,
		.help = "The networks on this side, with commas between", .more = "",
		.example = "10.1.1.0/24", .aka = "VergeOS: phase 2 Local Network",
	},
	{
		.key = "remote_network", .scope = SCOPE_CHILD, .type = ST_NETWORKS,
		.page = PAGE_NETWORKS, .cost = COST_REKEY, .required = true, .def = "",
		.empty = "", .unit = "", .label = "Remote network",
		IN_CHILD(remote_network),
		COUNT(child_conf, n_remote), NO_WHEN,
		.help = "The networks behind the peer, with commas between", .more = "",
		.example = "10.2.1.0/24", .aka = "VergeOS: phase 2 Remote Network",
	},
	{
		.key = "esp", .scope = SCOPE_CHILD, .type = ST_ESP,
		.page = PAGE_ALGORITHMS,
		.cost = COST_REKEY, .def = "", .empty = "the peer's esp", .unit = "",
		.label = "ESP algorithms", IN_CHILD(esp), NO_WHEN,
		.help = "Proposals for this child's traffic, best first", .more = "",
		.example = "aes256gcm16-ecp384", .aka = "",
	},
	{
		.key = "esp_life", .scope = SCOPE_CHILD, .type = ST_DURATION,
		.page = PAGE_LIFE,
		.min = LIFE_MIN, .max = LIFE_MAX, .def = "",
		.empty = "the peer's esp_life",
		.unit = "seconds", .label = "ESP lifetime", IN_CHILD(esp_life_s), NO_WHEN,
		.help = "How long the keys of this child's traffic live", .more = "",
		.example = "30m", .aka = "",
	},
};

const size_t settings_table_n = sizeof(settings_table) / sizeof(settings_table[0]);
_Static_assert(sizeof(settings_table) / sizeof(settings_table[0]) <= SETTINGS_TABLE_MAX,
	       "SETTINGS_TABLE_MAX is too small");
