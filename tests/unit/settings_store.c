/* rooms: core/settings core/crypto core/base */
/* settings_store: writing: round trips, comments kept, the lock, history, rollback. */
#include "core/settings/store.h"

#include "core/settings/edit.h"
#include "tests/unit/t.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct err e;
static char dir[64];

#define PAIRS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define GOOD "remote_gateway=198.51.100.2", "local_network=10.1.0.0/24", \
	"remote_network=10.2.0.0/24"
#define LONG_PSK "psk=K3bH9sQx0PzL2mN7vRtY4wEa"

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
	strcpy(dir, "/tmp/adit-store-XXXXXX");
	CHECK(mkdtemp(dir));
}

static const char *full(const char *path)
{
	static char buf[160];

	snprintf(buf, sizeof(buf), "%s/%s", dir, path);
	return buf;
}

static const char *get(const char *path)
{
	static char buf[8192];
	FILE *f = fopen(full(path), "r");
	size_t n;

	if (!f)
		return "(none)";
	n = fread(buf, 1, sizeof(buf) - 1, f);
	fclose(f);
	buf[n] = '\0';
	return buf;
}

static void put(const char *path, const char *text)
{
	FILE *f;

	mkdir(full("peers"), 0755);
	f = fopen(full(path), "w");
	CHECK(f);
	fputs(text, f);
	fclose(f);
}

static int mode_of(const char *path)
{
	struct stat st;

	return stat(full(path), &st) < 0 ? -1 : (int)(st.st_mode & 07777);
}

static struct draft *peer(const char *name, const char *const *pairs)
{
	struct draft *d = draft_new_peer(name, NULL, &e);

	CHECK(d);
	for (; *pairs; pairs++)
		CHECK(draft_set_pair(d, *pairs, &e) == 0);
	return d;
}

static void add(const char *name, const char *const *pairs)
{
	struct draft *d = peer(name, pairs);
	int r = settings_peer_add(dir, d, NULL, NULL, &e);

	if (r < 0)
		printf("    %s\n", e.msg);
	CHECK(r == 0);
	draft_free(d);
}

static int set(const char *name, const char *pair)
{
	struct draft *d = NULL;
	int r = settings_peer_draft(dir, name, &d, NULL, &e);

	if (r == 0)
		r = draft_set_pair(d, pair, &e);
	if (r == 0)
		r = settings_peer_change(dir, d, NULL, NULL, NULL, &e);
	draft_free(d);
	return r;
}

static size_t history(struct generation g[HISTORY_MAX])
{
	size_t n;

	CHECK(settings_history(dir, g, &n, &e) == 0);
	return n;
}

static void add_and_read_back(void)
{
	struct draft *d = peer(
		"branch", PAIRS(GOOD, LONG_PSK, "description=a \"b\" \\ ${c} # d",
				"local_network=10.1.0.0/24,10.3.0.0/24", "ike_life=8h",
				"local_id=C=CH, CN=gw",
				"ike=aes256gcm16-sha384-ecp384,aes256-sha256-modp2048",
				"peer_id=a@b", "child.voice.local_network=10.1.1.0/24",
				"child.voice.remote_network=10.2.1.0/24"));
	struct draft *back;
	struct commit c = { 0 };
	struct sbuf diff = { 0 };
	uint8_t key[PSK_MAX];
	size_t n;

	fresh_dir();
	CHECK(settings_peer_add(dir, d, &c, NULL, &e) == 0);
	CHECK(c.changed);
	CHECK_STR(get("peers/branch.conf"),
		  "# A peer of adit. Every setting is explained in adit.conf(5).\n\n"
		  "description = \"a \\\"b\\\" \\\\ \\${c} # d\"\n"
		  "remote_gateway = 198.51.100.2\n"
		  "local_network = { 10.1.0.0/24, 10.3.0.0/24 }\n"
		  "remote_network = 10.2.0.0/24\n"
		  "ike = { aes256gcm16-sha384-ecp384, aes256-sha256-modp2048 }\n"
		  "local_id = \"C=CH, CN=gw\"\n"
		  "peer_id = a@b\n"
		  "ike_life = 8h\n"
		  "\nchild \"voice\" {\n"
		  "\tlocal_network = 10.1.1.0/24\n"
		  "\tremote_network = 10.2.1.0/24\n"
		  "}\n");
	CHECK_INT(mode_of("peers/branch.conf"), 0640);
	CHECK_INT(mode_of("secrets/branch"), 0600);
	CHECK_INT(mode_of("secrets"), 0700);
	CHECK_INT(mode_of("history/2"), 0600);
	CHECK_INT(mode_of("journal"), -1);
	CHECK(settings_peer_draft(dir, "branch", &back, NULL, &e) == 0);
	CHECK(draft_set(d, "psk", "", &e) == 0);
	CHECK_INT(draft_diff(d, back, "", &diff, NULL), 0);
	CHECK(settings_secret(dir, "branch", key, &n, &e) == 0);
	CHECK_INT(n, 24);
	CHECK_MEM(key, "K3bH9sQx0PzL2mN7vRtY4wEa", 24);
	/* A second one of that name. */
	CHECK(settings_peer_add(dir, d, &c, NULL, &e) < 0);
	CHECK_HAS(e.msg, "there is a peer \"branch\" already");
	draft_free(back);
	draft_free(d);
	sbuf_fini(&diff);
}

static void errors_are_not_written(void)
{
	struct draft *d = peer(
		"bad", PAIRS("remote_gateway=198.51.100.2", "local_network=10.1.0.0/24"));
	struct findings fs = { 0 };
	struct commit c = { 0 };
	struct prefix lan;

	fresh_dir();
	CHECK(settings_peer_add(dir, d, &c, &fs, &e) < 0);
	CHECK_INT(e.code, EXIT_SETTINGS);
	CHECK_HAS(e.msg, "bad: remote_network: is missing");
	CHECK_INT(fs.errors, 1);
	CHECK_STR(get("peers/bad.conf"), "(none)");
	findings_fini(&fs);
	CHECK(draft_set(d, "remote_network", "192.168.7.0/24", &e) == 0);
	CHECK(prefix_parse("192.168.0.0/16", &lan, &e) == 0);
	c = (struct commit){ .lan = &lan, .n_lan = 1 };
	CHECK(settings_peer_add(dir, d, &c, &fs, &e) < 0);
	CHECK_HAS(e.msg, "is part of this router's LAN");
	findings_fini(&fs);
	/* A warning is no hindrance, and is told. */
	c.n_lan = 0;
	CHECK(settings_peer_add(dir, d, &c, &fs, &e) == 0);
	CHECK_INT(fs.errors, 0);
	CHECK_HAS(findings_for(&fs, "bad", "psk")->msg, "no pre-shared key is stored");
	findings_fini(&fs);
	/* Against another peer: who makes the trouble is refused, whatever the order of
	 * names. */
	draft_free(d);
	d = peer("aaa", PAIRS("remote_gateway=198.51.100.2", "local_network=10.1.0.0/24",
			      "remote_network=10.9.0.0/24"));
	CHECK(settings_peer_add(dir, d, NULL, NULL, &e) < 0);
	CHECK_HAS(e.msg, "are the same as those of aaa");
	/* Another's error is none of ours. */
	put("peers/zzz.conf", "oops {{{");
	CHECK(draft_set(d, "remote_gateway", "198.51.100.3", &e) == 0);
	CHECK(settings_peer_add(dir, d, NULL, NULL, &e) == 0);
	CHECK_STR(get("peers/zzz.conf"), "oops {{{");
	draft_free(d);
}

static const char commented[] =
	"# Branch office, ask Joe.\n"
	"# Second line.\n"
	"\n"
	"remote_gateway = 198.51.100.2   # the new line\n"
	"\n"
	"   # what they have\n"
	"remote_network = { 10.2.0.0/24,\n"
	"\t10.4.0.0/24 }\n"
	"local_network=10.1.0.0/24\n"
	"/* until\n"
	"   spring */\n"
	"dpd_delay = 10\n"
	"keying_tries = 3 # thrice\n"
	"child \"voice\" {\n"
	"    # phones\n"
	"    local_network = 10.1.1.0/24\n"
	"    remote_network = 10.2.1.0/24\n"
	"}\n"
	"# the end";

static void comments_stay(void)
{
	fresh_dir();
	put("peers/branch.conf", commented);
	CHECK(chmod(full("peers/branch.conf"), 0644) == 0);
	/* The same value, said otherwise: nothing to do. */
	CHECK(set("branch", "dpd_delay=10s") == 0);
	CHECK_STR(get("peers/branch.conf"), commented);
	CHECK(set("branch", "remote_gateway=198.51.100.7") == 0);
	CHECK(set("branch", "ike_life=8h") == 0);
	CHECK(set("branch", "keying_tries=") == 0);
	CHECK(set("branch", "local_ip=203.0.113.1") == 0);
	CHECK(set("branch", "child.voice.esp=aes128gcm16-ecp256,aes256gcm16") == 0);
	CHECK(set("branch", "child.data.local_network=10.1.9.0/24") < 0); /* incomplete */
	CHECK_STR(get("peers/branch.conf"),
		"# Branch office, ask Joe.\n"
		"# Second line.\n"
		"\n"
		"remote_gateway = 198.51.100.7   # the new line\n"
		"\n"
		"   # what they have\n"
		"remote_network = { 10.2.0.0/24,\n"
		"\t10.4.0.0/24 }\n"
		"ike_life = 8h\n"
		"local_network=10.1.0.0/24\n"
		"/* until\n"
		"   spring */\n"
		"dpd_delay = 10\n"
		"local_ip = 203.0.113.1\n"
		"child \"voice\" {\n"
		"    # phones\n"
		"    local_network = 10.1.1.0/24\n"
		"    remote_network = 10.2.1.0/24\n"
		"\tesp = { aes128gcm16-ecp256, aes256gcm16 }\n"
		"}\n"
		"# the end");
	CHECK_INT(mode_of("peers/branch.conf"), 0644);
}

static void children_in_files(void)
{
	struct draft *d;

	fresh_dir();
	put("peers/branch.conf", commented);
	CHECK(settings_peer_draft(dir, "branch", &d, NULL, &e) == 0);
	CHECK(draft_child_del(d, "voice", &e) == 0);
	CHECK(draft_set(d, "child.data.local_network", "10.1.9.0/24", &e) == 0);
	CHECK(draft_set(d, "child.data.remote_network", "10.2.9.0/24", &e) == 0);
	CHECK(settings_peer_change(dir, d, NULL, NULL, NULL, &e) == 0);
	draft_free(d);
	CHECK(!strstr(get("peers/branch.conf"), "voice"));
	CHECK(!strstr(get("peers/branch.conf"), "phones"));
	CHECK_HAS(get("peers/branch.conf"),
		  "keying_tries = 3 # thrice\n# the end\n\nchild \"data\" {\n"
		  "\tlocal_network = 10.1.9.0/24\n\tremote_network = 10.2.9.0/24\n}\n");
}

/* Any draft, from any file, is what is read back. */
static void odd_layouts(void)
{
	static const char *const texts[] = {
		"",
		"# only a comment",
		"remote_gateway=1.2.3.4 local_network=10.1.0.0/24 "
		"remote_network=10.2.0.0/24",
		"child v { local_network = 10.5.0.0/24 } dpd_delay = 5",
		"child v { }",
		"child v {\n}\nremote_gateway = 1.2.3.4\n",
		"start\n=\nresponder\n",
		"name = branch\r\nstart = responder\r\n",
		"allow_weak = {}\nremote_network = { 10.2.0.0/24 }",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct draft *d = peer("branch",
				       PAIRS(GOOD, "mtu=1400", "start=responder",
					     "child.v.local_network=10.5.0.0/24",
					     "child.v.remote_network=10.6.0.0/24",
					     "allow_weak=md5")),
			     *back;
		struct findings fs = { 0 };
		struct sbuf out = { 0 }, diff = { 0 };

		CHECK(edit_text(d, "x", texts[i], strlen(texts[i]), &out, &e) == 0);
		back = settings_parse_peer("x", "branch", sbuf_str(&out), out.len, &fs);
		if (!back || fs.errors)
			printf("    %zu: %s\n", i, sbuf_str(&out));
		CHECK(back && fs.errors == 0);
		CHECK_INT(draft_diff(d, back, "", &diff, NULL), 0);
		/* Edited in place, not written anew. */
		CHECK(!strstr(sbuf_str(&out), "A peer of adit"));
		draft_free(back);
		draft_free(d);
		sbuf_fini(&out);
		sbuf_fini(&diff);
		findings_fini(&fs);
	}
}

static void router_settings(void)
{
	struct draft *r, *base;

	fresh_dir();
	put("adit.conf", "# our router\nwan = eth0\n");
	CHECK(settings_router_draft(dir, &r, NULL, &e) == 0);
	base = draft_dup(r);
	CHECK(draft_set(r, "lan", "lan0,lan1", &e) == 0);
	CHECK(draft_set(r, "defaults.dpd_delay", "5m", &e) == 0);
	CHECK(settings_router_change(dir, r, base, NULL, NULL, &e) == 0);
	CHECK_STR(get("adit.conf"),
		  "# our router\nwan = eth0\nlan = { lan0, lan1 }\n\ndefaults {\n"
		  "\tdpd_delay = 5m\n}\n");
	/* The base is old by now. */
	CHECK(draft_set(r, "wan", "eth1", &e) == 0);
	CHECK(settings_router_change(dir, r, base, NULL, NULL, &e) < 0);
	CHECK_HAS(e.msg, "adit.conf was changed by someone else meanwhile (lan: none -> "
			 "lan0,lan1");
	CHECK(draft_set(r, "lan", "eth1", &e) == 0);
	CHECK(settings_router_change(dir, r, NULL, NULL, NULL, &e) < 0);
	CHECK_HAS(e.msg, "lan: eth1 is the WAN interface");
	draft_free(r);
	draft_free(base);
}

static void delete_rename_copy_enable(void)
{
	struct settings s;
	struct findings fs = { 0 };
	uint8_t key[PSK_MAX];
	size_t n;

	fresh_dir();
	add("branch", PAIRS(GOOD, LONG_PSK));
	CHECK(settings_peer_delete(dir, "brnch", NULL, &e) < 0);
	CHECK_INT(e.code, EXIT_NO_PEER);
	CHECK_HAS(e.msg, "branch?");
	CHECK(settings_peer_rename(dir, "branch", "office", NULL, NULL, &e) == 0);
	CHECK_STR(get("peers/branch.conf"), "(none)");
	CHECK_STR(get("secrets/branch"), "(none)");
	CHECK(settings_secret(dir, "office", key, &n, &e) == 0);
	CHECK_INT(n, 24);
	CHECK(settings_peer_rename(dir, "office", "a b", NULL, NULL, &e) < 0);
	CHECK(settings_peer_copy(dir, "office", "spare", NULL, NULL, &e) == 0);
	CHECK_HAS(get("peers/spare.conf"), "enabled = no\n");
	CHECK_INT(settings_has_secret(dir, "spare"), 1);
	CHECK(settings_peer_copy(dir, "office", "spare", NULL, NULL, &e) < 0);
	CHECK(settings_peer_rename(dir, "office", "spare", NULL, NULL, &e) < 0);
	/* Enabled, it would be the same peer again. */
	CHECK(settings_peer_enable(dir, "spare", true, NULL, NULL, &e) < 0);
	CHECK_INT(e.code, EXIT_SETTINGS);
	CHECK(settings_peer_enable(dir, "office", false, NULL, NULL, &e) == 0);
	CHECK(settings_peer_enable(dir, "spare", true, NULL, NULL, &e) == 0);
	CHECK(settings_load(dir, NULL, 0, &s, &fs, &e) == 0);
	CHECK_INT(fs.errors, 0);
	CHECK_INT(s.n_peers, 2);
	CHECK(!settings_peer(&s, "office")->enabled &&
	      settings_peer(&s, "spare")->enabled);
	settings_fini(&s);
	findings_fini(&fs);
	CHECK(settings_peer_delete(dir, "office", NULL, &e) == 0);
	CHECK_STR(get("peers/office.conf"), "(none)");
	CHECK_STR(get("secrets/office"), "(none)");
}

static void post_quantum_keys_go_along(void)
{
	struct sbuf diff = { 0 };
	struct findings fs = { 0 };
	struct settings s;
	uint8_t key[PSK_MAX];
	struct draft *d;
	size_t n;

	fresh_dir();
	add("branch", PAIRS(GOOD, LONG_PSK, "ppk_id=a",
			    "ppk=0x000102030405060708090a0b0c0d0e0f"));
	CHECK_INT(mode_of("secrets/branch.ppk"), 0600);
	CHECK(settings_ppk(dir, "branch", key, &n, &e) == 0);
	CHECK_INT(n, 16);
	CHECK_INT(key[15], 15);
	CHECK(settings_secret(dir, "branch", key, &n, &e) == 0);
	CHECK_INT(n, 24);
	CHECK(settings_peer_draft(dir, "branch", &d, NULL, &e) == 0);
	CHECK(draft_set(d, "ppk", "another key of thirty-two letters", &e) == 0);
	CHECK(settings_peer_change(dir, d, NULL, NULL, NULL, &e) == 0);
	draft_free(d);
	CHECK(settings_diff(dir, 2, 0, &diff, &e) == 0);
	CHECK_HAS(sbuf_str(&diff), "ppk changed");
	CHECK(!strstr(sbuf_str(&diff), "psk"));
	sbuf_fini(&diff);
	CHECK(settings_peer_rename(dir, "branch", "a-name-with-32-letters-in-it-123",
				   NULL, NULL, &e) == 0);
	CHECK_INT(settings_has_ppk(dir, "branch"), 0);
	CHECK_INT(settings_has_ppk(dir, "a-name-with-32-letters-in-it-123"), 1);
	CHECK(settings_load(dir, NULL, 0, &s, &fs, &e) == 0);
	CHECK_INT(fs.errors + fs.warnings, 0);
	settings_fini(&s);
	CHECK(settings_peer_copy(dir, "a-name-with-32-letters-in-it-123", "spare", NULL,
				 NULL, &e) == 0);
	CHECK_INT(settings_has_ppk(dir, "spare"), 1);
	CHECK(settings_peer_delete(dir, "spare", NULL, &e) == 0);
	CHECK_INT(settings_has_ppk(dir, "spare"), 0);
	CHECK(settings_ppk(dir, "spare", key, &n, &e) < 0);
	CHECK_STR(e.msg, "no post-quantum key is stored for \"spare\"");
	/* Named and not there. */
	add("other", PAIRS("remote_gateway=198.51.100.9", "local_network=10.1.0.0/24",
			   "remote_network=10.9.0.0/24", LONG_PSK, "ppk_id=b"));
	CHECK(settings_load(dir, NULL, 0, &s, &fs, &e) == 0);
	CHECK_INT(fs.warnings, 1);
	CHECK_STR(fs.f[0].key, "ppk");
	CHECK_HAS(fs.f[0].msg, "--ppk-file");
	settings_fini(&s);
	findings_fini(&fs);
}

static void a_form_that_renames(void)
{
	struct draft *base, *d;

	fresh_dir();
	add("branch", PAIRS(GOOD, LONG_PSK));
	CHECK(settings_peer_draft(dir, "branch", &base, NULL, &e) == 0);
	d = draft_dup(base);
	CHECK(draft_set(d, "name", "office", &e) == 0);
	CHECK(draft_set(d, "mtu", "1400", &e) == 0);
	CHECK(settings_peer_change(dir, d, base, NULL, NULL, &e) == 0);
	CHECK_STR(get("peers/branch.conf"), "(none)");
	CHECK_HAS(get("peers/office.conf"), "mtu = 1400\n");
	CHECK_INT(settings_has_secret(dir, "office"), 1);
	draft_free(d);
	draft_free(base);
}

static void a_lost_edit_is_refused(void)
{
	struct draft *base, *d;

	fresh_dir();
	add("branch", PAIRS(GOOD));
	CHECK(settings_peer_draft(dir, "branch", &base, NULL, &e) == 0);
	d = draft_dup(base);
	CHECK(set("branch", "mtu=1300") == 0);
	CHECK(draft_set(d, "mtu", "1400", &e) == 0);
	CHECK(settings_peer_change(dir, d, base, NULL, NULL, &e) < 0);
	CHECK_HAS(e.msg,
		  "branch was changed by someone else meanwhile (mtu: none -> 1300)");
	CHECK_HAS(get("peers/branch.conf"), "mtu = 1300\n");
	draft_free(d);
	draft_free(base);
}

static void the_lock_names_its_owner(void)
{
	char part[64];
	int to[2], from[2], status;
	pid_t pid;
	char c;

	fresh_dir();
	CHECK(pipe(to) == 0 && pipe(from) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		struct store *s = store_open(dir, "adit tui", &e);

		c = s ? 'y' : 'n';
		if (write(from[1], &c, 1) != 1 || read(to[0], &c, 1) != 1)
			_exit(1);
		raise(SIGKILL);		/* without giving it back */
	}
	CHECK(read(from[0], &c, 1) == 1 && c == 'y');
	CHECK(!store_open(dir, "adit peer set", &e));
	CHECK_INT(e.code, EXIT_FAILED);
	snprintf(part, sizeof(part), "(pid %d, ", (int)pid);
	CHECK_HAS(e.msg, part);
	CHECK_HAS(e.msg, "is changing the settings since ");
	CHECK_HAS(e.msg, ": adit tui; try again when that is done");
	CHECK_HAS(get("lock"), "user ");
	/* A dead owner is no owner. */
	CHECK(write(to[1], &c, 1) == 1);
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
	add("branch", PAIRS(GOOD));
	CHECK_STR(get("lock"), "");
	close(to[0]);
	close(to[1]);
	close(from[0]);
	close(from[1]);
}

static void several_changes_are_one_commit(void)
{
	struct draft *a = peer("a", PAIRS(GOOD)),
		     *b = peer("b", PAIRS("remote_gateway=198.51.100.9",
					  "local_network=10.1.0.0/24",
					  "remote_network=10.9.0.0/24")),
		     *r = draft_new_router();
	struct commit c = { .what = "import of two" };
	struct generation g[HISTORY_MAX];
	struct store *s;

	fresh_dir();
	CHECK(draft_set(r, "wan", "eth0", &e) == 0);
	s = store_open(dir, "import", &e);
	CHECK(s);
	CHECK(store_put_peer(s, a, &e) == 0 && store_put_peer(s, b, &e) == 0);
	CHECK(store_put_router(s, r, &e) == 0);
	CHECK(store_has_peer(s, "a"));
	CHECK_STR(get("peers/a.conf"), "(none)");
	CHECK(store_commit(s, &c, NULL, &e) == 0);
	CHECK(c.changed);
	CHECK_INT(c.generation, 2);
	/* Nothing more to do. */
	CHECK(store_commit(s, &c, NULL, &e) == 0);
	CHECK(!c.changed);
	store_close(s);
	CHECK_INT(history(g), 2);
	CHECK_INT(g[0].number, 2);
	CHECK_STR(g[0].what, "import of two");
	CHECK_STR(g[1].what, "nothing yet");
	CHECK(strcmp(get("peers/b.conf"), "(none)") != 0);
	draft_free(a);
	draft_free(b);
	draft_free(r);
}

static void history_and_rollback(void)
{
	struct generation g[HISTORY_MAX];
	struct sbuf out = { 0 };
	struct commit c = { 0 };

	fresh_dir();
	add("branch", PAIRS(GOOD, LONG_PSK));			/* 1: nothing yet, 2 */
	CHECK(set("branch", "keying_tries=3") == 0);		/* 3 */
	CHECK(set("branch", "psk=ThisIsQuiteAnotherSecretKey42") == 0);	/* 4 */
	add("hq", PAIRS("remote_gateway=198.51.100.9", "local_network=10.1.0.0/24",
			"remote_network=10.9.0.0/24"));		/* 5 */
	CHECK_INT(history(g), 5);
	CHECK_STR(g[2].what, "peer set branch");
	CHECK(g[0].wall_s > 1600000000 && g[0].who[0]);
	CHECK(settings_diff(dir, 2, 0, &out, &e) == 0);
	CHECK_STR(sbuf_str(&out),
		  "peer branch\n"
		  "  keying_tries: 0 -> 3\n"
		  "  psk changed\n"
		  "peer hq (new)\n"
		  "  remote_gateway: none -> 198.51.100.9\n"
		  "  local_network: none -> 10.1.0.0/24\n"
		  "  remote_network: none -> 10.9.0.0/24\n");
	sbuf_reset(&out);
	CHECK(settings_diff(dir, 0, 0, &out, &e) == 0);
	CHECK_INT(out.len, 0);
	CHECK(settings_diff(dir, 77, 0, &out, &e) < 0);
	CHECK_HAS(e.msg, "no state 77");

	CHECK(settings_rollback(dir, 0, &c, &e) == 0);		/* 6: without hq */
	CHECK_STR(get("peers/hq.conf"), "(none)");
	CHECK(c.changed);
	CHECK_INT(c.generation, 6);
	CHECK(settings_rollback(dir, 2, &c, &e) == 0);		/* 7 */
	CHECK(!strstr(get("peers/branch.conf"), "keying_tries"));
	CHECK_HAS(get("secrets/branch"), "K3bH9sQx0PzL2mN7vRtY4wEa");
	CHECK(settings_rollback(dir, 5, &c, &e) == 0);		/* 8: hq is back */
	CHECK_HAS(get("peers/hq.conf"), "10.9.0.0/24");
	CHECK_HAS(get("secrets/branch"), "ThisIsQuiteAnotherSecretKey42");
	CHECK_INT(mode_of("secrets/branch"), 0600);
	CHECK(settings_rollback(dir, 1, &c, &e) == 0);		/* 9: nothing at all */
	CHECK_STR(get("peers/branch.conf"), "(none)");
	CHECK(settings_rollback(dir, 99, &c, &e) < 0);
	CHECK_HAS(e.msg, "no state 99");
	CHECK_INT(history(g), 9);
	CHECK_STR(g[0].what, "rollback to 1");
	sbuf_fini(&out);
}

static void edits_by_hand_are_kept_in_history(void)
{
	struct generation g[HISTORY_MAX];
	struct sbuf out = { 0 };

	fresh_dir();
	put("peers/branch.conf", commented);
	CHECK(set("branch", "mtu=1400") == 0);			/* 1: as found, 2 */
	put("peers/branch.conf", commented);
	CHECK(settings_diff(dir, 0, 0, &out, &e) == 0);
	CHECK_STR(sbuf_str(&out), "peer branch\n  mtu: 1400 -> none\n");
	CHECK(set("branch", "mtu=1300") == 0); /* 3: changed by hand, 4 */
	CHECK_INT(history(g), 4);
	CHECK_STR(g[3].what, "as found");
	CHECK_STR(g[1].what, "changed by hand");
	CHECK(settings_rollback(dir, 3, NULL, &e) == 0);
	CHECK_STR(get("peers/branch.conf"), commented);
	/* Undo of an edit by hand. */
	put("peers/branch.conf", "remote_gateway = 1.2.3.4\n");
	CHECK(settings_rollback(dir, 0, NULL, &e) == 0);
	CHECK_STR(get("peers/branch.conf"), commented);
	put("peers/branch.conf", "# x\n");
	sbuf_reset(&out);
	CHECK(settings_diff(dir, 2, 4, &out, &e) == 0);
	CHECK_STR(sbuf_str(&out), "peer branch\n  mtu: 1400 -> 1300\n");
	sbuf_fini(&out);
}

static void history_is_short(void)
{
	struct generation g[HISTORY_MAX];

	fresh_dir();
	add("branch", PAIRS(GOOD));
	for (int i = 0; i < 30; i++) {
		char pair[32];

		snprintf(pair, sizeof(pair), "mtu=%d", 1300 + i);
		CHECK(set("branch", pair) == 0);
	}
	CHECK_INT(history(g), HISTORY_MAX);
	CHECK_INT(g[0].number, 32);
	CHECK_INT(g[HISTORY_MAX - 1].number, 13);
	CHECK_INT(mode_of("history/12"), -1);
}

static void damage_is_survived(void)
{
	struct generation g[HISTORY_MAX];
	struct settings s;
	struct findings fs = { 0 };

	fresh_dir();
	add("branch", PAIRS(GOOD, LONG_PSK));
	put("history/2", "adit-state 1\ngeneration 2\n");
	put("journal", "garbage");
	CHECK(settings_load(dir, NULL, 0, &s, &fs, &e) == 0);
	CHECK_INT(s.n_peers, 1);
	settings_fini(&s);
	findings_fini(&fs);
	CHECK(settings_rollback(dir, 2, NULL, &e) < 0);
	CHECK_HAS(e.msg, "damaged");
	CHECK_STR(get("journal.bad"), "garbage");
	CHECK(set("branch", "mtu=1400") == 0);
	CHECK(history(g) >= 2);
	/* Files that are none of ours stay. */
	put("peers/branch.conf~", "x");
	CHECK(set("branch", "mtu=1410") == 0);
	CHECK_STR(get("peers/branch.conf~"), "x");
}

static void a_big_file_is_left_alone(void)
{
	char *big = malloc(SETTINGS_FILE_MAX + 2);

	fresh_dir();
	memset(big, '#', SETTINGS_FILE_MAX + 1);
	big[SETTINGS_FILE_MAX + 1] = '\0';
	add("branch", PAIRS(GOOD));
	put("peers/big.conf", big);
	free(big);
	CHECK(set("branch", "mtu=1400") == 0);
	CHECK_INT(mode_of("peers/big.conf") > 0, 1);
	CHECK(set("big", "mtu=1400") < 0);
	CHECK(settings_peer_delete(dir, "big", NULL, &e) < 0);
	CHECK_HAS(e.msg, "delete it by hand");
}

struct seen {
	char text[256];
	int stop_after;
};

static bool see(void *arg, const struct peer_entry *p)
{
	struct seen *s = arg;
	size_t n = strlen(s->text);

	snprintf(s->text + n, sizeof(s->text) - n, "%s:%s:%zu:%d ", p->name,
		 p->draft ? draft_get(p->draft, "remote_gateway") : p->why->msg,
		 p->fs->errors, p->secret);
	return --s->stop_after != 0;
}

static void all_peers_in_one_look(void)
{
	struct seen s = { 0 }, one = { .stop_after = 1 };

	fresh_dir();
	CHECK(settings_each_peer(dir, see, &s, &e) == 0);
	CHECK_STR(s.text, "");
	add("shop", PAIRS(GOOD, LONG_PSK));
	/* Of two names the shorter comes first, though '-' < '.'. */
	put("peers/shop-2.conf", "remote_gateway = 198.51.100.9\nmtu = 3\n");
	put("peers/bad.conf", "no settings");
	CHECK(settings_each_peer(dir, see, &s, &e) == 0);
	CHECK_HAS(s.text, "bad:peers/bad.conf:1:");
	CHECK_HAS(s.text, "shop:198.51.100.2:0:1 shop-2:198.51.100.9:3:0 ");
	CHECK(settings_each_peer(dir, see, &one, &e) == 0);
	CHECK(!strstr(one.text, "shop"));
}

int main(void)
{
	T_RUN(all_peers_in_one_look);
	T_RUN(add_and_read_back);
	T_RUN(errors_are_not_written);
	T_RUN(comments_stay);
	T_RUN(children_in_files);
	T_RUN(odd_layouts);
	T_RUN(router_settings);
	T_RUN(delete_rename_copy_enable);
	T_RUN(post_quantum_keys_go_along);
	T_RUN(a_form_that_renames);
	T_RUN(a_lost_edit_is_refused);
	T_RUN(the_lock_names_its_owner);
	T_RUN(several_changes_are_one_commit);
	T_RUN(history_and_rollback);
	T_RUN(edits_by_hand_are_kept_in_history);
	T_RUN(history_is_short);
	T_RUN(damage_is_survived);
	T_RUN(a_big_file_is_left_alone);
	if (dir[0])
		nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return t_done();
}
