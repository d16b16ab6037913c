/* rooms: core/settings core/crypto core/base */
/* settings_file: files to drafts and findings: places, carets, the checks in and between
 * peers. */
#include "core/settings/settings.h"

#include "tests/unit/t.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct err e;
static struct findings fs;
static struct sbuf shown;
static char dir[64];

/* Parse a peer's text; what was found is in fs and, printed, in shown. */
static struct draft *peer_text(const char *text)
{
	struct draft *d;

	findings_fini(&fs);
	sbuf_reset(&shown);
	d = settings_parse_peer("peers/branch.conf", "branch", text, strlen(text), &fs);
	findings_print(&shown, &fs);
	return d;
}

static const char *found(const char *text)
{
	draft_free(peer_text(text));
	return shown.len ? sbuf_str(&shown) : "";
}

static const char *found_router(const char *text)
{
	findings_fini(&fs);
	sbuf_reset(&shown);
	draft_free(settings_parse_router("adit.conf", text, strlen(text), &fs));
	findings_print(&shown, &fs);
	return shown.len ? sbuf_str(&shown) : "";
}

#define NETS "remote_gateway = 198.51.100.2\nlocal_network = 10.1.0.0/24\n" \
	"remote_network = 10.2.0.0/24\n"

static void every_way_to_write_it(void)
{
	struct draft *d =
		peer_text("# a comment\n"
			  "// another\n"
			  "/* and\n   a third = \"x\" */\n"
			  "remote_gateway=198.51.100.2 # behind\n"
			  "local_network = # here\n { 10.1.0.0/24, /* there */ "
			  "\"10.3.0.0/24\", // and\n }\n"
			  "remote_network = \"10.2.0.0/24, fd00::/64\" local_id = 'gw' \n"
			  "local_network_dummy = 1\n"
			  "description = \"a \\\"quoted\\\" # thing // here\"\n"
			  "ike_life = 3600\n\n"
			  "child \"voice\" { local_network = 10.1.1.0/24 remote_network "
			  "= 10.2.1.0/24 }\n"
			  "child 'data' {\n\tlocal_network = "
			  "10.1.2.0/24\n\tremote_network = 10.2.2.0/24\n}");

	CHECK(d);
	CHECK_STR(draft_get(d, "local_network"), "10.1.0.0/24,10.3.0.0/24");
	CHECK_STR(draft_get(d, "remote_network"), "10.2.0.0/24,fd00::/64");
	CHECK_STR(draft_get(d, "local_id"), "gw");
	CHECK_STR(draft_get(d, "description"), "a \"quoted\" # thing // here");
	CHECK_STR(draft_get(d, "ike_life"), "1h");
	CHECK_INT(draft_children(d), 2);
	CHECK_STR(draft_get(d, "child.data.remote_network"), "10.2.2.0/24");
	draft_free(d);
	/* One unknown key, and IPv6 on one side only. */
	CHECK_INT(fs.errors, 2);
}

static void errors_show_line_and_caret(void)
{
	CHECK_STR(found("# x\nremote_gateway = 198.51.100.2\n\tlocal_network = "
			"192.168.1.10/24\n"
			"remote_network = 10.2.0.0/24\n"),
		  "peers/branch.conf:3:18: error: local_network: 192.168.1.10/24 has "
		  "host bits set: "
		  "192.168.1.0/24?\n"
		  "    \tlocal_network = 192.168.1.10/24\n"
		  "    \t                ^~~~~~~~~~~~~~~\n");
	/* In a list the one that is wrong. */
	CHECK_HAS(found(NETS "esp = { aes256gcm16-ecp384, aes256 }\n"),
		  "peers/branch.conf:4:29: error: esp: \"aes256\" has CBC encryption "
		  "without a hash");
	CHECK_STR(found(NETS "remote_gatway = 1.2.3.4\n"),
		  "peers/branch.conf:4:1: error: unknown setting \"remote_gatway\": "
		  "remote_gateway?\n"
		  "    remote_gatway = 1.2.3.4\n"
		  "    ^~~~~~~~~~~~~\n");
	CHECK_HAS(found(NETS "description = \"é\" start = maybe\n"),
		  "    description = \"é\" start = maybe\n"
		  "                              ^~~~~\n");
	CHECK_HAS(found(NETS "child \"v\" {\n\tremote_network = 10.7.0.0/24\n}\n"),
		  "peers/branch.conf:4:1: error: child.v.local_network: is missing");
	CHECK_HAS(found("local_network = 10.1.0.0/24\nremote_network = 10.2.0.0/24"),
		  "peers/branch.conf: error: remote_gateway: is missing: Where the "
		  "peer is: addresses, host names, networks, or any (like "
		  "198.51.100.2)\n");
	CHECK_HAS(found(NETS "version = 3\n"),
		  ":4:11: error: version: \"3\" is no version of IKE: 2, 1 or auto\n");
	CHECK_HAS(found(NETS "remote_gateway = 1.2.3.4\n"),
		  "remote_gateway: is set twice: first on "
		  "line 1");
	CHECK_HAS(found(NETS "psk = secret\n"), "does not stand in this file");
	CHECK(!strstr(sbuf_str(&shown), "psk = secret"));
	CHECK_HAS(found(NETS "name = other\n"), "differs from the name of the file");
	CHECK_STR(found(NETS "name = branch\n"), "");
	CHECK_HAS(found(NETS "start = { start }\n"), "takes one value");
	CHECK_HAS(found(NETS "child {\n}\n"), "a child has a name");
	CHECK_HAS(found(NETS "child \"a b\" {\n}\n"), "letters, digits");
	CHECK_HAS(found(NETS "child v { }\nchild \"v\" { }\n"), "a second child \"v\"");
	CHECK_HAS(found(NETS "kid v { }\n"), "unknown section \"kid\"");
}

static void broken_text(void)
{
	static const struct { const char *text, *part;
	} cases[] = {
		{"description = Branch office\n", ":1:22: error: more than one word"},
		{"local_network = 10.1.0.0/24, 10.3.0.0/24\n",
		 "several values are written"},
		{"start start\n", "belongs = and a value"},
		{"start =\n", "the value is missing"},
		{"start = \"x\n", "not closed on its line"},
		{"/* x\n", "no end"},
		{"child v {\n", "no closing }"},
		{"}\n", "closes nothing"},
		{"ike = { a b }\n", "belongs a comma"},
		{"ike = { a,\n", "} is missing"},
		{"ike += a\n", "+= does not work"},
		{"\"ike\" = a\n", "without quotes"},
		{"description = \"${HOME}\"\n", "environment"},
		{"description = ${HOME}\n", "environment"},
		{"description = a*b\n", "does not belong here"},
		{"description = a\001b\n", "control character"},
		{"child a { child b { } }\n", "inside another"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct draft *d = peer_text(cases[i].text);

		CHECK(!d);
		CHECK_INT(fs.errors, 1);
		CHECK(fs.f[0].line == 1);
		CHECK_HAS(sbuf_str(&shown), cases[i].part);
	}
	CHECK_STR(found("description = '${HOME}'\n" NETS), "");
	findings_fini(&fs);
	CHECK(!settings_parse_peer("x", "branch", "a = \0b", 6, &fs));
	CHECK_HAS(fs.f[0].msg, "NUL");
}

static void too_large(void)
{
	char *big = malloc(SETTINGS_FILE_MAX + 2);

	memset(big, '\n', SETTINGS_FILE_MAX + 1);
	findings_fini(&fs);
	CHECK(!settings_parse_peer("x", "branch", big, SETTINGS_FILE_MAX + 1, &fs));
	CHECK_HAS(fs.f[0].msg, "larger than 64 KB");
	findings_fini(&fs);
	draft_free(settings_parse_peer("x", "branch", big, SETTINGS_FILE_MAX, &fs));
	CHECK_INT(fs.errors, 3);	/* three keys are missing, no more */
	free(big);
}

static void router_file(void)
{
	struct draft *d;

	CHECK_STR(found_router("wan = eth0\nlan = { lan0, lan1 }\ndataplane = kernel\n"
			       "defaults {\n\tike_life = 8h\n}\n"), "");
	CHECK_HAS(found_router("wam = eth0\n"), "unknown setting \"wam\": wan?");
	CHECK_HAS(found_router("defaults {\n\tremote_gateway = 1.2.3.4\n}\n"),
		  ":2:2: error: "
		  "defaults.remote_gateway: belongs to each peer");
	CHECK_HAS(found_router("defaults {\n\tike = aes\n}\n"),
		  ":2:8: error: defaults.ike: ");
	CHECK_HAS(found_router("defaults { }\ndefaults { }\n"),
		  "a second defaults section");
	CHECK_HAS(found_router("log_level = verbose\n"),
		  "none of: error, warning, info, debug");
	CHECK_HAS(found_router("ike = x\n"), "is a setting of a peer");
	findings_fini(&fs);
	d = settings_parse_router("adit.conf", "", 0, &fs);
	CHECK(d && fs.n == 0);
	CHECK_STR(draft_get(d, "dataplane"), "auto");
	draft_free(d);
}

/* --- checks across fields --- */

static void overlapping_networks(void)
{
#define GW "remote_gateway = 198.51.100.2\n"
	CHECK_HAS(found(GW "local_network = 10.1.0.0/24\nremote_network = 10.1.0.0/24\n"),
		  "peers/branch.conf:3:18: error: remote_network: 10.1.0.0/24 is the local "
		  "network too");
	/* A spoke, and the hub. */
	CHECK_HAS(found(GW "local_network = 10.1.0.0/24\nremote_network = 10.0.0.0/8\n"),
		  "3:18: warning: remote_network: 10.0.0.0/8 contains the local network "
		  "10.1.0.0/24");
	CHECK_HAS(found(GW "local_network = 10.0.0.0/8\nremote_network = 10.1.0.0/24\n"),
		  "3:18: warning: remote_network: 10.1.0.0/24 lies within the local network "
		  "10.0.0.0/8");
	/* The worst is told. */
	CHECK_HAS(found(GW "local_network = { 10.1.0.0/24, 10.2.0.0/24 }\n"
			   "remote_network = { 10.0.0.0/8, 10.2.0.0/24 }\n"),
		  "error: remote_network: 10.2.0.0/24 is the local network too");
	/* What core/net keeps out of the tunnel by itself. */
	CHECK_HAS(found(GW "local_network = 10.1.0.0/24\n"
			   "remote_network = 198.51.100.0/24\n"),
		  "warning: remote_network: 198.51.100.0/24 contains the remote gateway "
		  "198.51.100.2");
	CHECK_HAS(found(GW "local_network = 10.1.0.0/24\n"
			   "remote_network = 198.51.100.2/32\n"),
		  "error: remote_network: 198.51.100.2 is the remote gateway");
	CHECK_HAS(found(NETS "local_ip = 10.2.0.1\n"),
		  "warning: remote_network: 10.2.0.0/24 contains this router's own address");
	CHECK_HAS(found("remote_gateway = 198.51.100.2\nlocal_network = 10.1.0.0/24\n"
			"remote_network = 127.0.0.0/8\n"), "loopback");
	/* Everything may go through the tunnel. */
	CHECK_STR(found("remote_gateway = 198.51.100.2\nlocal_network = 10.1.0.0/24\n"
			"remote_network = 0.0.0.0/0\n"), "");
	CHECK_STR(found("remote_gateway = 2001:db8::2\nlocal_network = fd01::/64\n"
			"remote_network = ::/0\n"), "");
	CHECK_STR(found("remote_gateway = 198.51.100.2\nlocal_network = 0.0.0.0/0\n"
			"remote_network = 10.1.0.0/24\n"), "");
	CHECK_HAS(found("remote_gateway = 198.51.100.2\nlocal_network = 10.1.0.0/24\n"
			"remote_network = fd00::/64\n"), "IPv4 network on this side");
	CHECK_HAS(found(NETS "child v {\n\tlocal_network = 10.1.0.0/24\n"
			     "\tremote_network = 10.2.0.0/24\n}\n"),
		  "child.v.remote_network: the networks are the same as those of the "
		  "peer itself");
}

static const char *against_lan(struct draft *d, const char *remote, const char *lan)
{
	struct prefix l;

	CHECK(prefix_parse(lan, &l, &e) == 0);
	CHECK(draft_set(d, "remote_network", remote, &e) == 0);
	findings_fini(&fs);
	draft_check(d, &l, 1, &fs);
	return fs.n ? fs.f[0].msg : "";
}

static void lan_is_known(void)
{
	struct draft *d =
		peer_text("remote_gateway = 198.51.100.2\nlocal_network = 10.1.0.0/24\n"
			  "remote_network = 192.168.0.0/16\n");

	CHECK_INT(fs.n, 0);
	CHECK_HAS(against_lan(d, "192.168.1.0/24", "192.168.1.0/24"),
		  "192.168.1.0/24 is this router's LAN 192.168.1.0/24: both");
	CHECK_INT(fs.errors, 1);
	CHECK_HAS(against_lan(d, "192.168.1.0/25", "192.168.1.0/24"),
		  "is part of this router's LAN");
	CHECK_INT(fs.errors, 1);
	CHECK_HAS(against_lan(d, "192.168.0.0/16", "192.168.1.0/24"),
		  "192.168.0.0/16 contains this router's LAN 192.168.1.0/24: what");
	CHECK_INT(fs.errors, 0);
	CHECK_INT(fs.warnings, 1);
	CHECK_STR(against_lan(d, "0.0.0.0/0", "192.168.1.0/24"), "");
	/* The spoke hears of its own network once. */
	CHECK_HAS(against_lan(d, "10.0.0.0/8", "10.1.0.0/24"), "the local network");
	CHECK_INT(fs.n, 1);
	draft_free(d);
}

static void other_contradictions(void)
{
	CHECK_HAS(found(NETS "ike = aes256-sha1-modp1024\n"),
		  "error: ike: sha1,modp1024 are weak");
	CHECK_HAS(sbuf_str(&shown), "allow_weak = sha1,modp1024");
	CHECK_HAS(found(NETS "ike = aes256-sha1-modp1024\nallow_weak = sha1\n"),
		  "modp1024 is weak");
	CHECK_HAS(sbuf_str(&shown), "allow_weak = sha1,modp1024");
	CHECK_STR(found(NETS
			"ike = aes256-sha1-modp1024\nallow_weak = { sha1, modp1024 }\n"),
		  "");
	CHECK_HAS(found(NETS "esp = 3des-sha256\n"), "error: esp: 3des is weak");
	CHECK_HAS(found(NETS "esp = aes128-modp2048\n"), "without a hash");
	CHECK_HAS(found("remote_gateway = any\nlocal_network = 10.1.0.0/24\n"
			"remote_network = 10.2.0.0/24\npeer_id = b\n"),
		  "set start = responder");
	CHECK_HAS(found("remote_gateway = any\nlocal_network = 10.1.0.0/24\n"
			"remote_network = 10.2.0.0/24\nstart = responder\n"),
		  "warning: peer_id: is not set");
	CHECK_INT(fs.errors, 0);
	CHECK_HAS(found(NETS "local_ip = 2001:db8::1\n"),
		  "is IPv6 and the remote gateway IPv4");
	CHECK_HAS(found(NETS "local_ip = 198.51.100.2\n"),
		  "is the address of the remote gateway");
	CHECK_HAS(found(NETS "rekey_margin = 40m\n"), "more than half of esp_life (1h)");
	CHECK_HAS(found(NETS "ike_life = 1h\nesp_life = 4h\nrekey_margin = 31m\n"),
		  "ike_life (1h)");
	CHECK_HAS(found(NETS "local_id = gw\npeer_id = gw\n"),
		  "warning: peer_id: is the same");
	CHECK_HAS(found("remote_gateway = 198.51.100.2\nlocal_network = fd01::/64\n"
			"remote_network = fd02::/64\nmtu = 1000\n"), "mtu of 1280");
}

/* --- folders --- */

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void fresh_dir(void)
{
	if (dir[0])
		nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	strcpy(dir, "/tmp/adit-settings-XXXXXX");
	CHECK(mkdtemp(dir));
}

static void put(const char *path, const char *text, mode_t mode)
{
	char full[160], *slash;
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", dir, path);
	slash = strrchr(full, '/');
	*slash = '\0';
	mkdir(full, 0755);
	*slash = '/';
	f = fopen(full, "w");
	CHECK(f);
	fputs(text, f);
	fclose(f);
	CHECK(chmod(full, mode) == 0);
}

static const char *load(struct settings *s)
{
	findings_fini(&fs);
	sbuf_reset(&shown);
	CHECK(settings_load(dir, NULL, 0, s, &fs, &e) == 0);
	findings_print(&shown, &fs);
	return shown.len ? sbuf_str(&shown) : "";
}

static void no_dir_is_no_peers(void)
{
	struct settings s;

	strcpy(dir, "/nonexistent/adit");
	CHECK_STR(load(&s), "");
	CHECK_INT(s.n_peers, 0);
	CHECK_INT(s.router.log_level, LL_INFO);
	CHECK_STR(s.router.theme, "default");
	settings_fini(&s);
	dir[0] = '\0';
}

static void one_bad_peer_stops_no_other(void)
{
	struct settings s;

	fresh_dir();
	put("adit.conf", "log_level = debug\ntheme = !\nwan = eth7\n", 0644);
	put("peers/good.conf", NETS, 0644);
	put("peers/bad.conf", "remote_gateway = 198.51.100.9\nlocal_network = oops\n"
	    "remote_network = 10.3.0.0/24\n", 0644);
	put("peers/broken.conf", "remote_gateway = {\n", 0644);
	put("peers/a-b.conf",
	    "remote_gateway = 198.51.100.4\nlocal_network = 10.1.0.0/24\n"
	    "remote_network = 10.4.0.0/24\n",
	    0644);
	put("peers/a.conf", "remote_gateway = 198.51.100.5\nlocal_network = 10.1.0.0/24\n"
	    "remote_network = 10.5.0.0/24\n", 0644);
	put("peers/good.conf~", "garbage {{{", 0644);
	put("peers/.hidden.conf", "garbage {{{", 0644);
	put("peers/no name.conf", NETS, 0644);
	for (const char *const *n = (const char *const[]){"good", "a-b", "a", NULL}; *n;
	     n++) {
		char path[40];

		snprintf(path, sizeof(path), "secrets/%s", *n);
		put(path, "a long and winding secret\n", 0600);
	}
	CHECK_HAS(load(&s), "adit.conf:2:9: error: theme: ");
	CHECK_INT(s.n_peers, 3);
	CHECK_STR(s.peers[0].name, "a");	/* by name, not by file name */
	CHECK_STR(s.peers[1].name, "a-b");
	CHECK_STR(s.peers[2].name, "good");
	CHECK_INT(s.router.log_level, LL_DEBUG);
	CHECK_STR(s.router.wan, "eth7");
	CHECK_STR(s.router.theme, "default");
	CHECK_HAS(sbuf_str(&shown),
		  "peers/bad.conf:2:17: error: local_network: \"oops\"");
	CHECK_HAS(sbuf_str(&shown), "peers/broken.conf:1:18: error: ");
	CHECK_HAS(sbuf_str(&shown), "warning: is not read: a peer's name");
	CHECK_INT(fs.errors, 3);
	CHECK(findings_has_error(&fs, "bad") && findings_has_error(&fs, "broken"));
	CHECK(!findings_has_error(&fs, "good"));
	CHECK(settings_peer(&s, "good") && !settings_peer(&s, "bad"));
	settings_fini(&s);
}

static void peers_against_each_other(void)
{
	struct settings s;

	fresh_dir();
	put("peers/a.conf", NETS, 0644);
	put("peers/b.conf", NETS, 0644);
	CHECK_HAS(load(&s), "peers/b.conf:1:18: error: remote_gateway: the gateway and "
			    "the IDs are the "
			    "same as those of a");
	CHECK_INT(s.n_peers, 1);
	settings_fini(&s);
	/* Another ID tells them apart; the network is still there twice. */
	put("peers/b.conf", NETS "peer_id = other\n", 0644);
	CHECK_HAS(load(&s), "peers/b.conf:3:18: warning: remote_network: 10.2.0.0/24 is "
			    "a remote network "
			    "of a too");
	CHECK_INT(fs.errors, 0);
	CHECK_INT(s.n_peers, 2);
	settings_fini(&s);
	/* An ID that only repeats the address does not. */
	put("peers/b.conf", NETS "peer_id = 198.51.100.2\n", 0644);
	load(&s);
	CHECK_INT(fs.errors, 1);
	settings_fini(&s);
	put("peers/b.conf", NETS "enabled = no\n", 0644);
	load(&s);
	CHECK_INT(fs.errors, 0);
	CHECK_INT(s.n_peers, 2);
	settings_fini(&s);
}

static void secrets(void)
{
	uint8_t key[PSK_MAX];
	struct settings s;
	char mode[160];
	size_t n;

	fresh_dir();
	put("peers/a.conf", NETS, 0644);
	CHECK_HAS(load(&s), "peers/a.conf: warning: psk: no pre-shared key is stored: "
			    "adit peer set a "
			    "--generate-psk");
	settings_fini(&s);
	CHECK_INT(settings_has_secret(dir, "a"), 0);
	CHECK(settings_secret(dir, "a", key, &n, &e) < 0);
	CHECK_INT(e.code, EXIT_NO_PEER);

	put("secrets/a", "a long and winding secret\n", 0644);
	CHECK_HAS(
		load(&s),
		"secrets/a: error: psk: others may read the pre-shared key: chmod 600 ");
	CHECK_INT(s.n_peers, 0);
	settings_fini(&s);
	CHECK(settings_secret(dir, "a", key, &n, &e) < 0);
	CHECK_INT(e.code, EXIT_NOT_PERMITTED);
	snprintf(mode, sizeof(mode), "chmod 600 %s/secrets/a", dir);
	CHECK_HAS(e.msg, mode);

	put("secrets/a", "a long and winding secret\r\n", 0600);
	CHECK_STR(load(&s), "");
	CHECK_INT(s.n_peers, 1);
	settings_fini(&s);
	CHECK_INT(settings_has_secret(dir, "a"), 1);
	CHECK(settings_secret(dir, "a", key, &n, &e) == 0);
	CHECK_INT(n, 25);
	CHECK_MEM(key, "a long and winding secret", 25);

	put("secrets/a", "0x00112233445566778899aabbccddeeff", 0600);
	CHECK(settings_secret(dir, "a", key, &n, &e) == 0);
	CHECK_INT(n, 16);
	CHECK_INT(key[15], 0xff);
	put("secrets/a", "short\n", 0600);
	CHECK_HAS(load(&s), "warning: psk: the pre-shared key is under 20 characters");
	settings_fini(&s);
	put("secrets/a", "\n", 0600);
	CHECK(settings_secret(dir, "a", key, &n, &e) < 0);
	CHECK_HAS(e.msg, "secrets/a: the pre-shared key is empty");
	put("secrets/a", "two\nlines\n", 0600);
	CHECK(settings_secret(dir, "a", key, &n, &e) < 0);
}

static void interface_names(void)
{
	static const struct { const char *name, *ifname;
	} cases[] = {
		{"branch", "adit-branch"},
		{"0123456789", "adit-0123456789"},
		{"headquarters", NULL},
		{"headquarters2", NULL},
		{"a.b", NULL},
		{"a-b", "adit-a-b"},
		{"abcdefghijklmnopqrstuvwxyz012345", NULL},
	};
	char path[80], text[200];
	struct settings s;

	fresh_dir();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(path, sizeof(path), "peers/%s.conf", cases[i].name);
		snprintf(text, sizeof(text),
			 "remote_gateway = 198.51.100.%zu\nlocal_network = 10.1.0.0/24\n"
			 "remote_network = 10.2.%zu.0/24\n",
			 i + 1, i);
		put(path, text, 0644);
	}
	load(&s);
	CHECK_INT(s.n_peers, sizeof(cases) / sizeof(cases[0]));
	for (size_t i = 0; i < s.n_peers; i++) {
		const struct peer_conf *p = settings_peer(&s, cases[i].name);

		CHECK(p && strlen(p->interface) <= 15);
		CHECK(strncmp(p->interface, "adit-", 5) == 0 &&
		      !strchr(p->interface, '.'));
		if (cases[i].ifname)
			CHECK_STR(p->interface, cases[i].ifname);
		for (size_t k = 0; k < s.n_peers; k++)
			CHECK(&s.peers[k] == p ||
			      strcmp(s.peers[k].interface, p->interface) != 0);
	}
	CHECK(strncmp(settings_peer(&s, "headquarters")->interface, "adit-headq-", 11) ==
	      0);
	settings_fini(&s);
}

static void names_and_drafts(void)
{
	char **names, buf[64];
	struct draft *d;
	size_t n;

	fresh_dir();
	put("peers/branch.conf", NETS "ike_life = 9x\n", 0644);
	put("peers/hq.conf", "x {", 0644);
	CHECK(settings_names(dir, &names, &n, &e) == 0);
	CHECK_INT(n, 2);
	CHECK_STR(names[0], "branch");
	CHECK_STR(names[1], "hq");
	settings_names_free(names, n);
	CHECK(settings_peer_draft(dir, "brunch", &d, NULL, &e) < 0);
	CHECK_INT(e.code, EXIT_NO_PEER);
	CHECK_STR(e.msg, "no peer \"brunch\": branch?");
	CHECK_STR(settings_nearest_peer(dir, "brnch", buf, sizeof(buf)), "branch");
	CHECK_STR(settings_nearest_peer(dir, "zzz", buf, sizeof(buf)), "");
	/* A wrong value can be shown and put right. */
	findings_fini(&fs);
	CHECK(settings_peer_draft(dir, "branch", &d, &fs, &e) == 0);
	CHECK_INT(fs.errors, 1);
	CHECK_STR(draft_get(d, "ike_life"), "9x");
	CHECK(draft_set(d, "ike_life", "9h", &e) == 0);
	findings_fini(&fs);
	CHECK_INT(draft_check(d, NULL, 0, &fs), 0);
	draft_free(d);
	CHECK(settings_peer_draft(dir, "hq", &d, NULL, &e) < 0);
	CHECK_INT(e.code, EXIT_SETTINGS);
	CHECK_HAS(e.msg, "peers/hq.conf:1:1: ");
}

static void a_hundred_peers_are_quick(void)
{
	char path[80], text[400];
	struct timespec a, b;
	struct settings s;
	double ms;

	fresh_dir();
	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "peers/p%d.conf", i);
		snprintf(
			text, sizeof(text),
			"remote_gateway = 198.51.100.%d\nlocal_network = 10.1.0.0/24\n"
			"remote_network = 10.2.%d.0/24\nike = aes256gcm16-sha384-ecp384\n"
			"esp = aes256gcm16-ecp384\npeer_id = p%d\n",
			i + 1, i, i);
		put(path, text, 0644);
		snprintf(path, sizeof(path), "secrets/p%d", i);
		put(path, "a long and winding secret\n", 0600);
	}
	clock_gettime(CLOCK_MONOTONIC, &a);
	CHECK_STR(load(&s), "");
	clock_gettime(CLOCK_MONOTONIC, &b);
	CHECK_INT(s.n_peers, 100);
	settings_fini(&s);
	ms = (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6;
	printf("    100 peers in %.1f ms\n", ms);
	/* Generous: other tests run beside, perhaps with sanitizers. */
	CHECK(ms < 500);
}

int main(void)
{
	T_RUN(every_way_to_write_it);
	T_RUN(errors_show_line_and_caret);
	T_RUN(broken_text);
	T_RUN(too_large);
	T_RUN(router_file);
	T_RUN(overlapping_networks);
	T_RUN(lan_is_known);
	T_RUN(other_contradictions);
	T_RUN(no_dir_is_no_peers);
	T_RUN(one_bad_peer_stops_no_other);
	T_RUN(peers_against_each_other);
	T_RUN(secrets);
	T_RUN(interface_names);
	T_RUN(names_and_drafts);
	T_RUN(a_hundred_peers_are_quick);
	if (dir[0])
		nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	findings_fini(&fs);
	sbuf_fini(&shown);
	return t_done();
}
