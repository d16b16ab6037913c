/* verbs: the table of everything adit does. Help, completion and the lists in adit(8) are
 * made from it, so a verb is one row here and its function. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

/* clang-format off */
const struct opt cli_opts[OPT_N] = {
	[OPT_CONFIG_DIR] = { "config-dir", 0, "DIR",
		"where the settings are (ADIT_CONFIG_DIR)" },
	[OPT_RUN_DIR] = { "run-dir", 0, "DIR",
		"where the daemon's control socket is (ADIT_RUN_DIR)" },
	[OPT_JSON] = { "json", 0, NULL, "print JSON, for programs" },
	[OPT_PLAIN] = { "plain", 0, NULL, "print tables as tab-separated lines without a heading" },
	[OPT_QUIET] = { "quiet", 'q', NULL, "print errors and what was asked for, nothing else" },
	[OPT_YES] = { "yes", 'y', NULL, "do not ask, take yes for an answer" },
	[OPT_NO_APPLY] = { "no-apply", 0, NULL, "only write the settings, do not tell the daemon" },
	[OPT_COLOR] = { "color", 0, "WHEN", "auto (on a terminal), always or never" },
	[OPT_NO_PAGER] = { "no-pager", 0, NULL, "never start $PAGER" },
	[OPT_TIMEOUT] = { "timeout", 0, "SECONDS", "how long to wait for the daemon" },
	[OPT_HELP] = { "help", 'h', NULL, "show help for the verb" },
	[OPT_VERSION] = { "version", 'V', NULL, "show the version" },
	[OPT_PSK_FILE] = { "psk-file", 0, "FILE", "read the pre-shared key from this file" },
	[OPT_PSK_STDIN] = { "psk-stdin", 0, NULL, "read the pre-shared key from standard input" },
	[OPT_GENERATE_PSK] = { "generate-psk", 0, NULL,
		"make a new random key, and print it once for the other side" },
	[OPT_ASK_PSK] = { "ask-psk", 0, NULL, "ask for the pre-shared key on the terminal" },
	[OPT_PPK_FILE] = { "ppk-file", 0, "FILE", "read the post-quantum key (ppk) from this file" },
	[OPT_PPK_STDIN] = { "ppk-stdin", 0, NULL, "read the post-quantum key from standard input" },
	[OPT_FOLLOW] = { "follow", 'f', NULL, "go on, print lines as they come" },
	[OPT_LINES] = { "lines", 'n', "N", "the last N lines only" },
	[OPT_ALL] = { "all", 'a', NULL, "also what has its default, is weak, or is 0" },
	[OPT_LIST] = { "list", 'l', NULL, "list what there is to go back to" },
	[OPT_LIST_VERBS] = { "list-verbs", 0, NULL, "print the names of all verbs, one a line" },
	[OPT_THEME] = { "theme", 0, "NAME", "colours of this theme, this time" },
	[OPT_ASCII] = { "ascii", 0, NULL, "draw with +, - and | only" },
	[OPT_NO_MOUSE] = { "no-mouse", 0, NULL, "leave the mouse to the terminal" },
	[OPT_P12] = { "p12", 0, NULL, "certificate, key and CA as PKCS#12, under a password" },
	[OPT_PEM] = { "pem", 0, NULL, "the certificate with its intermediates as PEM" },
	[OPT_KEY] = { "key", 0, NULL, "the private key alone as PEM, without a password" },
	[OPT_LEGACY] = { "legacy", 0, NULL, "with --p12: 3DES and SHA-1, for systems that know no AES" },
	[OPT_PASSWORD_FILE] = { "password-file", 0, "FILE", "read the password from this file" },
	[OPT_PASSWORD_STDIN] = { "password-stdin", 0, NULL, "read the password from standard input" },
	[OPT_QUICK] = { "quick", 0, NULL, "in five seconds, less exact" },
	[OPT_SUITE] = { "suite", 0, "SUITE", "measure this one alone" },
	[OPT_NO_SAVE] = { "no-save", 0, NULL, "show it, keep nothing" },
	[OPT_READONLY] = { "readonly", 0, NULL, "look, change nothing" },
	[OPT_PORT] = { "port", 0, "N", "another UDP port than 500" },
	[OPT_SAVE] = { "save", 0, "PEER", "set what was found in the settings of this peer" },
	[OPT_SECONDS] = { "seconds", 0, "N", "end after N seconds" },
	[OPT_COUNT] = { "count", 0, "N", "end after N messages" },
	[OPT_WITH_KEYS] = { "with-keys", 0, "PEER",
		"the keys, too; PEER is the name once more" },
};

#define PSK_OPTS (OPT_BIT(OPT_PSK_FILE) | OPT_BIT(OPT_PSK_STDIN) | OPT_BIT(OPT_GENERATE_PSK) | \
		  OPT_BIT(OPT_ASK_PSK) | OPT_BIT(OPT_PPK_FILE) | OPT_BIT(OPT_PPK_STDIN))

#define KEYS_MORE \
	"KEY=VALUE pairs are the settings of adit.conf(5). KEY= goes back to the default. " \
	"A list takes KEY+=VALUE and KEY-=VALUE to add or take away entries. The settings of a " \
	"further child are written child.NAME.KEY=VALUE; child.NAME= removes that child."

const struct verb cli_verbs[] = {
	{ NULL, "status", "[PEER]", state_status,
	  "show every peer and its tunnels, or one in detail",
	  "Works without the daemon too: the peers are then listed as down. The exit status is 3 "
	  "when the daemon is not running, or when the PEER that was named is not up. A peer "
	  "whose file has an error is listed too, as down, with the place of the error. "
	  "\"Dropped\" counts the IKE messages of strangers since the daemon started, by what "
	  "was wrong with them; what a tunnel dropped is in the page of its peer.",
	  "adit status\nadit status branch\nadit status --json | jq -r '.peers[].state'",
	  0, 0, 1, COMPLETE_PEER, false, false },
	{ NULL, "interfaces", "", lists_interfaces,
	  "show the interfaces with their addresses, tunnels marked",
	  "What ip(8) would show. A tunnel's interface is marked with the name of its peer, the "
	  "others with wan or lan as adit sees them. Works without the daemon.",
	  "adit interfaces", 0, 0, 0, COMPLETE_NONE, false, false },
	{ NULL, "routes", "", lists_routes,
	  "show the routes, those into tunnels marked",
	  "What ip(8) would show of the routing tables that are used for forwarding. Works "
	  "without the daemon.",
	  "adit routes", 0, 0, 0, COMPLETE_NONE, false, false },
	{ NULL, "restart", "", state_restart,
	  "restart the daemon's processes; every tunnel is made anew",
	  "The monitor stays, so its descriptors and the firewall do too; key exchange, keys "
	  "and the userspace dataplane start afresh. Waits until the daemon answers again. "
	  "When aditd itself is not running, start it with your init system.",
	  "adit restart", 0, 0, 0, COMPLETE_NONE, true, false },
	{ NULL, "up", "PEER", state_up,
	  "bring a peer up now, and wait until it is",
	  "Says each step, and in words why it failed. The exit status is 3 when the peer "
	  "refused or the daemon is not running, 9 when there was no answer in time (60 s, or "
	  "--timeout).",
	  "adit up branch\nadit up branch --timeout 10 || adit log -n 20 branch",
	  0, 1, 1, COMPLETE_PEER, true, false },
	{ NULL, "down", "PEER", state_down,
	  "take a peer down until somebody brings it up again",
	  "Until `adit up`, a restart or the peer itself does. The settings stay as they are; to keep it down for good use `adit peer disable`.",
	  "adit down branch", 0, 1, 1, COMPLETE_PEER, true, false },
	{ NULL, "test", "PEER", state_test,
	  "try both sides' credentials, without a tunnel",
	  "Calls the peer, proves both identities, and ends: no network is touched, and what "
	  "stands goes on. Says in words what was proven, or why not. A peer that cannot do "
	  "without a child (RFC 6023) is offered networks that nobody has; adit says so. IKEv2 "
	  "only.",
	  "adit test branch", 0, 1, 1, COMPLETE_PEER, true, false },
	{ NULL, "reload", "", state_reload,
	  "read the settings again and apply what changed",
	  "Only needed after editing the files by hand: every verb that changes a setting does "
	  "it by itself. Peers whose settings did not change do not lose a packet.",
	  "adit reload", 0, 0, 0, COMPLETE_NONE, true, false },
	{ NULL, "log", "[PEER]", logs_log,
	  "show what happened, newest last",
	  "The lines that the daemon keeps; syslog has the same. With a PEER only its own.",
	  "adit log -n 20\nadit log -f branch",
	  OPT_BIT(OPT_FOLLOW) | OPT_BIT(OPT_LINES), 0, 1, COMPLETE_PEER, false, false },
	{ NULL, "explain", "[PEER]", explain_explain,
	  "say why a peer is not up, and what to change on which side",
	  "The last negotiation that failed, in plain words: what each side has, which side has "
	  "to change which setting, and the command that does it here. A table sets both sides "
	  "beside each other, algorithm by algorithm and network by network. When it was the "
	  "other side that called, wrong keys, wrong identities and wrong addresses are told "
	  "apart; a peer that refuses does not say why, so let it call once. Without a PEER it "
	  "is about every peer that is not up, and about callers that match no peer.",
	  "adit explain branch\nadit explain\nadit explain branch --json | jq -r '.peers[].failed.end'",
	  0, 0, 1, COMPLETE_PEER, false, false },
	{ NULL, "probe", "HOST", probe_probe,
	  "learn which IKE versions and algorithms a host takes",
	  "Asks it some forty small questions, four a second, as a peer would that does not know "
	  "what to offer; nothing is set up and nobody is logged in. Needs neither root nor the "
	  "daemon. A box that answers only peers it expects must be asked from the router it "
	  "expects. Ends with the settings that fit; --save writes them.",
	  "adit probe 198.51.100.2\nadit probe vpn.example --save branch",
	  OPT_BIT(OPT_PORT) | OPT_BIT(OPT_SAVE), 1, 1, COMPLETE_NONE, false, false },
	{ NULL, "capture", "PEER FILE", capture_capture,
	  "write a peer's IKE messages to a file that Wireshark opens",
	  "FILE is pcapng, for root's eyes alone. In it the messages are without their "
	  "encryption, so that any Wireshark or tshark shows them, and no key leaves the daemon. "
	  "Runs until Ctrl-C, --seconds or --count; a restart of the peer in another shell shows "
	  "it whole from the beginning.\n"
	  "With --with-keys PEER the encrypted messages are in it too, on a second interface, and "
	  "FILE.ikev2_decryption_table has the keys as Wireshark reads them: pcapng itself has a "
	  "place for the keys of TLS and others, but none for those of IKE. It asks first.",
	  "adit capture branch /tmp/branch.pcapng --seconds 30\n"
	  "adit capture branch /tmp/branch.pcapng --with-keys branch",
	  OPT_BIT(OPT_SECONDS) | OPT_BIT(OPT_COUNT) | OPT_BIT(OPT_WITH_KEYS), 2, 2, COMPLETE_PEER,
	  true, false },
	{ NULL, "hw", "[SUITE]", hw_hw,
	  "show by what, and how fast, this router does its cryptography",
	  "Processor, kernel, crypto hardware, network card; which dataplane and engine run, and "
	  "why. Then the speeds of every cipher with every hash, by each engine of the userspace "
	  "dataplane and by the kernel's own ESP: which driver, a device (hw) or the processor (sw), "
	  "Mbit/s of data on one core at five packet sizes, the fastest marked.\n"
	  "They are those of the last `adit bench`; without one a short look is taken, which is less "
	  "exact. An engine's figure is the mean of sealing and opening; the kernel's is the whole way "
	  "of UDP datagrams through both ends of a tunnel, so that it is the lower one of two equals. "
	  "It is measured as root alone.",
	  "adit hw\nadit hw aes256-sha256\nadit hw --json | jq '.suites[] | select(.suite == \"aes256gcm16\")'",
	  OPT_BIT(OPT_ALL), 0, 1, COMPLETE_SUITE, false, false },
	{ NULL, "bench", "", hw_bench,
	  "measure the engines, and keep which is fastest",
	  "Takes half a minute of one core. What it finds is kept beside the settings: "
	  "`engine = auto` then takes, for each algorithm and packet size, the engine and the number of "
	  "packets at a time that were fastest here, after `adit restart`. Says what that changes. "
	  "With --suite one suite is measured anew, and the others stay. Do it while the router has "
	  "little else to do.",
	  "adit bench\nadit bench --quick --no-save\nadit bench --suite aes128-sha1",
	  OPT_BIT(OPT_QUICK) | OPT_BIT(OPT_SUITE) | OPT_BIT(OPT_NO_SAVE) | OPT_BIT(OPT_ALL), 0, 0,
	  COMPLETE_NONE, true, false },
	{ NULL, "counters", "", counters_counters,
	  "show why packets were lost, and what to look at",
	  "Those of /proc/net/xfrm_stat, by the kernel's names; the userspace dataplane keeps the same. "
	  "Only those that are not 0, unless --all is given.",
	  "adit counters\nadit counters --all\nadit counters --json", OPT_BIT(OPT_ALL), 0, 0,
	  COMPLETE_NONE, false, false },
	{ NULL, "check", "", config_check,
	  "check all settings and say what is wrong, and where",
	  "Errors name file, line and column. Warnings are about settings that work but should "
	  "not stay, such as weak algorithms, and about certificates that end within 30 days. The exit status is 7 when there is an error.",
	  "adit check", 0, 0, 0, COMPLETE_NONE, false, false },
	{ NULL, "diff", "[GENERATION]", config_diff,
	  "show what changed in the settings since the last commit",
	  "Compares the files with the newest state in the history, or with the GENERATION "
	  "that `adit rollback --list` shows. Keys are never shown, only that they changed.",
	  "adit diff\nadit diff 12", 0, 0, 1, COMPLETE_GENERATION, false, false },
	{ NULL, "rollback", "[GENERATION]", config_rollback,
	  "go back to the settings before the last change",
	  "Or to the GENERATION that --list shows. Shows what will change and asks first. Going "
	  "back is a change too, so it can be undone the same way.",
	  "adit rollback --list\nadit rollback\nadit rollback 12 --yes",
	  OPT_BIT(OPT_LIST), 0, 1, COMPLETE_GENERATION, true, false },
	{ NULL, "genpsk", "", config_genpsk,
	  "print a new random pre-shared key",
	  "43 letters and digits, 256 bits. Nothing is stored.",
	  "adit genpsk > branch.key", 0, 0, 0, COMPLETE_NONE, false, false },
	{ NULL, "firewall", "", lists_firewall,
	  "show adit's firewall rules, in other tables too",
	  "The nftables table `inet adit`, and the tagged rules at the head of foreign chains "
	  "that would drop the tunnels' traffic. Needs root to read the firewall.",
	  "sudo adit firewall", 0, 0, 0, COMPLETE_NONE, true, false },

	{ "peer", "list", "", peer_list,
	  "list the peers and their settings",
	  "From the settings alone; `adit status` says how they are.",
	  "adit peer list", 0, 0, 0, COMPLETE_NONE, false, false },
	{ "peer", "show", "PEER", peer_show,
	  "show the settings of one peer",
	  "Settings that still have their default are left out unless --all is given. The "
	  "pre-shared key is never shown.",
	  "adit peer show branch\nadit peer show branch --all",
	  OPT_BIT(OPT_ALL), 1, 1, COMPLETE_PEER, false, false },
	{ "peer", "add", "PEER KEY=VALUE...", peer_add,
	  "add a peer",
	  KEYS_MORE "\n"
	  "The pre-shared key never goes on the command line, where every user of the router "
	  "could see it: give --psk-file, --psk-stdin or --generate-psk. On a terminal adit asks "
	  "for it when none of them is given. Where both sides show certificates (auth=cert) none "
	  "is needed. A post-quantum key (ppk_id) comes from --ppk-file or --ppk-stdin.",
	  "adit peer add branch local_ip=203.0.113.1 remote_gateway=198.51.100.2 \\\n"
	  "    local_network=10.1.0.0/24 remote_network=10.2.0.0/24 \\\n"
	  "    ike=aes256gcm16-sha384-ecp384 esp=aes256gcm16-ecp384 --psk-file branch.key\n"
	  "# the same with a new key, kept for the other side\n"
	  "adit peer add branch remote_gateway=198.51.100.2 local_network=10.1.0.0/24 \\\n"
	  "    remote_network=10.2.0.0/24 --generate-psk > branch.key\n"
	  "# two networks on the far side, and a second child with a network of its own\n"
	  "adit peer add hq remote_gateway=198.51.100.7 local_network=10.1.0.0/24 \\\n"
	  "    remote_network=10.2.0.0/24,10.3.0.0/24 \\\n"
	  "    child.voice.local_network=10.1.9.0/24 child.voice.remote_network=10.2.9.0/24",
	  PSK_OPTS, 1, -1, COMPLETE_PEER_KEYS, true, false },
	{ "peer", "set", "PEER KEY=VALUE...", peer_set,
	  "change settings of a peer",
	  KEYS_MORE "\n"
	  "What the change costs is said before: nothing, a rekey, or a restart of this peer's "
	  "tunnels. The keys are changed with the --psk and --ppk options alone.",
	  "adit peer set branch keying_tries=3\n"
	  "adit peer set branch remote_network+=10.4.0.0/24\n"
	  "adit peer set branch child.voice.esp=aes128gcm16-ecp256\n"
	  "adit peer set branch --psk-stdin < branch.key",
	  PSK_OPTS, 1, -1, COMPLETE_PEER_KEYS, true, false },
	{ "peer", "delete", "PEER", peer_delete,
	  "delete a peer, its key included",
	  "Asks on a terminal; elsewhere --yes is needed. `adit rollback` brings it back.",
	  "adit peer delete branch\nadit peer delete branch --yes",
	  0, 1, 1, COMPLETE_PEER, true, false },
	{ "peer", "rename", "PEER NEW", peer_rename,
	  "give a peer another name",
	  "Its key goes with it. The name is local: the other side does not see it; the "
	  "interface gets the new name, so the tunnel restarts.",
	  "adit peer rename branch berlin", 0, 2, 2, COMPLETE_PEER, true, false },
	{ "peer", "copy", "PEER NEW [KEY=VALUE]...", peer_copy,
	  "add a peer with the settings of another",
	  "The copy has the same key and starts disabled, since two peers with the same gateway "
	  "and IDs cannot both be right; the pairs and a --psk option may say otherwise.\n"
	  KEYS_MORE,
	  "adit peer copy branch berlin remote_gateway=198.51.100.9 \\\n"
	  "    remote_network=10.9.0.0/24 enabled=yes --generate-psk",
	  PSK_OPTS, 2, -1, COMPLETE_PEER_KEYS, true, false },
	{ "peer", "enable", "PEER", peer_enable,
	  "use a peer that was disabled", NULL,
	  "adit peer enable branch", 0, 1, 1, COMPLETE_PEER, true, false },
	{ "peer", "disable", "PEER", peer_disable,
	  "take a peer down and keep it down, without deleting it", NULL,
	  "adit peer disable branch", 0, 1, 1, COMPLETE_PEER, true, false },

	{ "pki", "list", "", pki_verb_list,
	  "list certificates, keys and CAs, and how long they are good",
	  "CAs first. \"Own\" are certificates whose key is here, \"peer\" those of others, "
	  "\"request\" a key whose certificate is still to come. What ends within 30 days is marked; "
	  "`adit status` warns of it too.",
	  "adit pki\nadit pki list --json | jq -r '.pki[] | select(.days_left < 60).name'",
	  0, 0, 0, COMPLETE_NONE, false, false },
	{ "pki", "show", "NAME", pki_verb_show,
	  "show one certificate, or what stands under that name",
	  "Subject, names, issuer, serial number, validity, usage, fingerprint, which peers use it. "
	  "A private key is never shown.",
	  "adit pki show gw", 0, 1, 1, COMPLETE_PKI, false, false },
	{ "pki", "key", "NAME [type=TYPE]", pki_verb_key,
	  "make a private key",
	  "TYPE is ecdsa256 (the default), ecdsa384, ecdsa521, rsa2048, rsa3072 or rsa4096. "
	  "`adit pki ca`, `issue` and `csr` make one by themselves when the NAME has none.",
	  "adit pki key gw type=rsa3072", 0, 1, -1, COMPLETE_PKI_KEYS, true, false },
	{ "pki", "ca", "NAME subject=DN [KEY=VALUE]...", pki_verb_ca,
	  "make a CA of our own",
	  "A key and a certificate that signs itself, or, with ca=, one below another CA of ours. "
	  "Keys: type (of the key), days (3650), crl_url, ca. The subject is a distinguished name, or "
	  "a common name alone. The CA's certificate goes to every router that is to trust it; its "
	  "key stays here.",
	  "adit pki ca acme-ca subject=\"C=CH, O=Acme, CN=Acme VPN CA\"\n"
	  "adit pki export acme-ca acme-ca.crt", 0, 1, -1, COMPLETE_PKI_KEYS, true, false },
	{ "pki", "issue", "NAME ca=CA [KEY=VALUE]...", pki_verb_issue,
	  "make a key and a certificate, signed by a CA of ours",
	  "For this router, or for another one, which gets it with `adit pki export --p12`. Keys: ca, "
	  "subject (CN=NAME), san (IP addresses, host names and mail addresses, comma between: what "
	  "IKE identities are compared with), eku (serverAuth,clientAuth; also ipsecIKE, "
	  "ikeIntermediate, any, none), days (1095), crl_url, type. A key that stands under NAME "
	  "already is used. With its own NAME as ca it signs itself: no CA, but a certificate that "
	  "other routers can name as peer_cert.",
	  "adit pki issue gw ca=acme-ca san=gw.example,203.0.113.1\n"
	  "adit peer set branch auth=cert cert=gw ca=acme-ca local_id=gw.example",
	  0, 2, -1, COMPLETE_PKI_KEYS, true, false },
	{ "pki", "csr", "NAME subject=DN [KEY=VALUE]...", pki_verb_csr,
	  "make a key and a request for another CA to sign",
	  "Prints the request (PKCS#10), which goes to the CA; the key stays here. What comes back is "
	  "loaded with `adit pki import`. Keys: subject (CN=NAME), san, eku, type.",
	  "adit pki csr gw subject=\"C=CH, O=Acme, CN=gw.example\" san=gw.example > gw.csr\n"
	  "adit pki import gw.crt", 0, 1, -1, COMPLETE_PKI_KEYS, true, false },
	{ "pki", "sign", "FILE NAME ca=CA [KEY=VALUE]...", pki_verb_sign,
	  "sign the request of another router",
	  "FILE is its request (PKCS#10, PEM or DER). Subject, names and usage are as requested unless "
	  "subject=, san= or eku= say otherwise; it never becomes a CA. The certificate is kept as "
	  "NAME, for revoking and as peer_cert.",
	  "adit pki sign branch.csr branch ca=acme-ca days=365\nadit pki export branch branch.crt",
	  0, 3, -1, COMPLETE_FILE, true, false },
	{ "pki", "import", "FILE [NAME]", pki_verb_import,
	  "take over a certificate, key, CRL or PKCS#12 file",
	  "PEM with any mixture of certificates, a key and a CRL; DER; PKCS#12 (.p12, .pfx) as Windows, "
	  "macOS, OpenSSL, strongSwan and RouterOS make it. A certificate whose key or request is "
	  "here goes to it. The password is asked for, or comes from --password-file or "
	  "--password-stdin. FILE - is standard input.",
	  "adit pki import branch.p12\nadit pki import provider-ca.crt provider-ca\n"
	  "adit pki import gw.crt gw", OPT_BIT(OPT_PASSWORD_FILE) | OPT_BIT(OPT_PASSWORD_STDIN),
	  1, 2, COMPLETE_FILE, true, false },
	{ "pki", "export", "NAME FILE", pki_verb_export,
	  "write a certificate, with --p12 its key too, to a file",
	  "Without an option the certificate and its intermediates as PEM, or the request that waits. "
	  "--p12 is AES-256 with SHA2-256, read by Windows 10, macOS, OpenSSL and RouterOS of today; "
	  "--legacy is for older ones. Its password is asked for twice. FILE - is standard output.",
	  "adit pki export acme-ca acme-ca.crt\nadit pki export branch branch.p12 --p12",
	  OPT_BIT(OPT_P12) | OPT_BIT(OPT_PEM) | OPT_BIT(OPT_KEY) | OPT_BIT(OPT_LEGACY) |
	  OPT_BIT(OPT_PASSWORD_FILE) | OPT_BIT(OPT_PASSWORD_STDIN), 2, 2, COMPLETE_PKI, true, false },
	{ "pki", "revoke", "NAME|SERIAL [ca=CA] [reason=REASON]", pki_verb_revoke,
	  "revoke a certificate that a CA of ours issued",
	  "By its name here, or by its serial number (hex) with ca=. The CA's CRL is made anew, and "
	  "used by this router at once where the peer's crl is not off. Other routers need it too: "
	  "`adit pki crl`. REASON: keyCompromise, superseded, cessationOfOperation, "
	  "affiliationChanged, certificateHold.",
	  "adit pki revoke branch reason=keyCompromise\nadit pki revoke 4f:03:a1 ca=acme-ca --yes",
	  0, 1, -1, COMPLETE_PKI, true, false },
	{ "pki", "crl", "CA [FILE] [days=DAYS]", pki_verb_crl,
	  "make a fresh CRL of a CA of ours, and write it to a file",
	  "Good for 30 days unless days= says otherwise. DER, or PEM when FILE ends in .pem or is -: "
	  "put it where crl_url says, or import it on the other routers. A CA whose key is elsewhere "
	  "has the CRL that was imported.",
	  "adit pki crl acme-ca /srv/www/acme.crl days=60", 0, 1, 3, COMPLETE_PKI, true, false },
	{ "pki", "delete", "NAME", pki_verb_delete,
	  "delete what stands under a name, its private key included",
	  "Refused while a peer uses it. Asks on a terminal; elsewhere --yes is needed. It is not in "
	  "the history: `adit rollback` does not bring it back.",
	  "adit pki delete old-gw", 0, 1, 1, COMPLETE_PKI, true, false },

	{ "router", "show", "", config_router_show,
	  "show the settings of this router",
	  "Interfaces, dataplane, log level, theme. --all shows defaults too.",
	  "adit router show --all", OPT_BIT(OPT_ALL), 0, 0, COMPLETE_NONE, false, false },
	{ "router", "set", "KEY=VALUE...", config_router_set,
	  "change settings of this router",
	  "The keys are those of adit.conf(5). KEY= goes back to the default; a list takes "
	  "KEY+=VALUE and KEY-=VALUE.",
	  "adit router set wan=eth0 lan=br-lan\nadit router set log_level=debug",
	  0, 1, -1, COMPLETE_ROUTER_KEYS, true, false },

	{ NULL, "tui", "[PEER]", screen_tui,
	  "open the screen",
	  "What `adit` alone does on a terminal. See adit-tui(8).",
	  "adit tui\nadit tui --theme high-contrast",
	  OPT_BIT(OPT_THEME) | OPT_BIT(OPT_ASCII) | OPT_BIT(OPT_NO_MOUSE) | OPT_BIT(OPT_READONLY),
	  0, 1, COMPLETE_PEER, false, false },
	{ NULL, "completion", "SHELL", complete_completion,
	  "print the completion script for bash, zsh or fish", NULL,
	  "adit completion bash > /etc/bash_completion.d/adit\n"
	  "adit completion zsh > /usr/share/zsh/vendor-completions/_adit\n"
	  "adit completion fish > ~/.config/fish/completions/adit.fish",
	  0, 1, 1, COMPLETE_SHELL, false, false },
	{ NULL, "help", "[VERB]", help_help,
	  "show help, or the page of one verb", NULL,
	  "adit help\nadit help peer add", OPT_BIT(OPT_LIST_VERBS), 0, 2, COMPLETE_VERB, false, false },
	{ NULL, "version", "", help_version,
	  "show the version of adit, and of the daemon that runs", NULL,
	  "adit version", 0, 0, 0, COMPLETE_NONE, false, false },

	/* For the shells' completion and for man/adit.8. */
	{ NULL, "__complete", "[WORD]...", complete_words, "", NULL, NULL, 0, 0, -1,
	  COMPLETE_NONE, false, true },
	{ NULL, "__mdoc", "PART", help_mdoc, "", NULL, NULL, 0, 1, 1,
	  COMPLETE_NONE, false, true },
};
/* clang-format on */
const size_t cli_n_verbs = sizeof(cli_verbs) / sizeof(cli_verbs[0]);

const char *verb_title(const struct verb *v, char *buf, size_t cap)
{
	snprintf(buf, cap, "%s%s%s", v->noun ? v->noun : "", v->noun ? " " : "", v->name);
	return buf;
}

static bool is_noun(const char *word)
{
	return strcmp(word, "peer") == 0 || strcmp(word, "router") == 0 ||
	       strcmp(word, "pki") == 0;
}

static const struct verb *by_name(const char *noun, const char *name)
{
	for (size_t i = 0; i < cli_n_verbs; i++) {
		const struct verb *v = &cli_verbs[i];

		if (strcmp(v->name, name) == 0 && !v->noun == !noun &&
		    (!noun || strcmp(v->noun, noun) == 0))
			return v;
	}
	return NULL;
}

/* Words that other tools taught people; suggested, never run. */
static const char *other_word(const char *noun, const char *word)
{
	static const struct {
		const char *noun, *word, *verb;
	} known[] = {
		{ NULL, "add", "peer add" },
		{ NULL, "set", "peer set" },
		{ NULL, "list", "peer list" },
		{ NULL, "ls", "peer list" },
		{ NULL, "show", "peer show" },
		{ NULL, "delete", "peer delete" },
		{ NULL, "remove", "peer delete" },
		{ NULL, "enable", "peer enable" },
		{ NULL, "disable", "peer disable" },
		{ NULL, "peers", "peer list" },
		{ NULL, "start", "up" },
		{ NULL, "stop", "down" },
		{ NULL, "connect", "up" },
		{ NULL, "logs", "log" },
		{ NULL, "genkey", "genpsk" },
		{ NULL, "apply", "reload" },
		{ NULL, "statusall", "status" },
		{ NULL, "config", "router show" },
		{ "peer", "remove", "peer delete" },
		{ "peer", "del", "peer delete" },
		{ "peer", "rm", "peer delete" },
		{ "peer", "ls", "peer list" },
		{ "peer", "new", "peer add" },
		{ "peer", "create", "peer add" },
		{ "peer", "edit", "peer set" },
		{ "peer", "mv", "peer rename" },
		{ "peer", "cp", "peer copy" },
		{ "peer", "up", "up" },
		{ "peer", "down", "down" },
		{ "peer", "status", "status" },
		{ "router", "list", "router show" },
		{ NULL, "cert", "pki list" },
		{ NULL, "certs", "pki list" },
		{ NULL, "certificates", "pki list" },
		{ "pki", "gen", "pki key" },
		{ "pki", "self", "pki ca" },
		{ "pki", "req", "pki csr" },
		{ "pki", "signcrl", "pki crl" },
		{ "pki", "ls", "pki list" },
		{ "pki", "rm", "pki delete" },
		{ "pki", "remove", "pki delete" },
		{ "pki", "renew", "pki issue" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].word, word) == 0 && !known[i].noun == !noun &&
		    (!noun || strcmp(known[i].noun, noun) == 0))
			return known[i].verb;
	return NULL;
}

static int unknown(const char *noun, const char *word, struct err *e)
{
	const char *words[64] = { 0 }, *near = other_word(noun, word);
	char clean[80];
	size_t n = 0;

	for (size_t i = 0; i < cli_n_verbs && n < 60; i++)
		if (!cli_verbs[i].hidden && !cli_verbs[i].noun == !noun &&
		    (!noun || strcmp(noun, cli_verbs[i].noun) == 0))
			words[n++] = cli_verbs[i].name;
	if (!noun) {
		words[n++] = "peer";
		words[n++] = "router";
		words[n++] = "pki";
	}
	fmt_fit(word, 40, false, clean, sizeof(clean));
	if (near || !(near = args_nearest(word, words)))
		noun = near ? NULL : noun;
	if (!near)
		return err_code(e, EXIT_USAGE,
				"there is no verb \"%s\"; `adit help%s%s` lists "
				"them",
				clean, noun ? " " : "", noun ? noun : "");
	return err_code(e, EXIT_USAGE,
			"there is no verb \"%s\"; did you mean `adit %s%s%s`?", clean,
			noun ? noun : "", noun ? " " : "", near);
}

const struct verb *verb_find(int n, char *const *words, int *used, struct err *e)
{
	const struct verb *v;

	if (is_noun(words[0])) {
		*used = n > 1 ? 2 : 1;
		v = by_name(words[0], n > 1 ? words[1] :
			    strcmp(words[0], "router") == 0 ? "show" : "list");
	} else {
		*used = 1;
		v = by_name(NULL, words[0]);
	}
	if (!v)
		(void)unknown(*used == 2 ? words[0] : NULL, words[*used - 1], e);
	return v;
}
