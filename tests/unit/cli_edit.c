/* rooms: cli core/front core/control core/pki core/settings core/net core/ipc core/crypto core/base */
/* KEY=VALUE into a draft, and commands out of pairs. */
#include "cli/edit.h"

#include "tests/unit/t.h"

static struct draft *d;
static struct err e;

static int pair(const char *word)
{
	e = (struct err){ 0 };
	return edit_pair(d, word, &e);
}

static void fresh(void)
{
	draft_free(d);
	d = draft_new_peer("branch", NULL, &e);
	CHECK(d != NULL);
}

static void sets(void)
{
	fresh();
	CHECK_INT(pair("remote_gateway=198.51.100.2"), 0);
	CHECK_STR(draft_get(d, "remote_gateway"), "198.51.100.2");
	CHECK_INT(pair("keying_tries=3"), 0);
	CHECK_STR(draft_get(d, "keying_tries"), "3");
	CHECK_INT(pair("keying_tries="), 0);
	CHECK_STR(draft_get(d, "keying_tries"), "0");
	CHECK(!draft_is_set(d, "keying_tries"));
	CHECK_INT(pair("description=a = b"), 0);
	CHECK_STR(draft_get(d, "description"), "a = b");
}

static void lists(void)
{
	fresh();
	CHECK_INT(pair("remote_network=10.2.0.0/24"), 0);
	CHECK_INT(pair("remote_network+=10.3.0.0/24,10.4.0.0/24"), 0);
	CHECK_HAS(draft_get(d, "remote_network"), "10.2.0.0/24");
	CHECK_HAS(draft_get(d, "remote_network"), "10.4.0.0/24");
	/* One that is there already is not there twice. */
	CHECK_INT(pair("remote_network+=10.3.0.0/24"), 0);
	CHECK_INT(pair("remote_network-=10.3.0.0/24"), 0);
	CHECK(!strstr(draft_get(d, "remote_network"), "10.3.0.0/24"));
	CHECK_INT(pair("remote_network-=10.9.0.0/24"), -1);
	CHECK_HAS(e.msg, "not in it");
	CHECK_INT(pair("remote_network-=10.2.0.0/24,10.4.0.0/24"), -1);
	CHECK_HAS(e.msg, "at least one");
	CHECK_INT(pair("keying_tries+=1"), -1);
	CHECK_INT(e.code, EXIT_USAGE);
	CHECK_INT(pair("allow_weak+=sha1"), 0);
	CHECK_INT(pair("allow_weak+=modp1024"), 0);
	CHECK_HAS(draft_get(d, "allow_weak"), "sha1");
	CHECK_HAS(draft_get(d, "allow_weak"), "modp1024");
	CHECK_INT(pair("allow_weak-=SHA1"), 0);
	CHECK(!strstr(draft_get(d, "allow_weak"), "sha1"));
}

static void children(void)
{
	fresh();
	CHECK_INT(pair("child.voice.local_network=10.1.9.0/24"), 0);
	CHECK_INT(pair("child.voice.remote_network=10.2.9.0/24"), 0);
	CHECK_INT(draft_children(d), 1);
	CHECK_INT(pair("child.voice.remote_network+=10.2.8.0/24"), 0);
	CHECK_HAS(draft_get(d, "child.voice.remote_network"), "10.2.8.0/24");
	CHECK_INT(pair("child.voice=x"), -1);
	CHECK_INT(e.code, EXIT_USAGE);
	CHECK_INT(pair("child.voice="), 0);
	CHECK_INT(draft_children(d), 0);
	CHECK_INT(pair("child.voice="), -1);
}

static void refused(void)
{
	fresh();
	CHECK_INT(pair("remote_gateway"), -1);
	CHECK_INT(e.code, EXIT_USAGE);
	CHECK_HAS(e.msg, "KEY=VALUE");
	CHECK_INT(pair("=x"), -1);
	CHECK_INT(e.code, EXIT_USAGE);
	CHECK_INT(pair("remote_gatway=1.2.3.4"), -1);
	CHECK_INT(e.code, EXIT_SETTINGS);
	CHECK_HAS(e.msg, "remote_gateway");
	CHECK_INT(pair("local_network=192.168.1.10/24"), -1);
	CHECK_HAS(e.msg, "192.168.1.0/24");
}

/* A key on the command line is refused, and not repeated. */
static void no_psk(void)
{
	fresh();
	CHECK_INT(pair("psk=geheim"), -1);
	CHECK_INT(e.code, EXIT_USAGE);
	CHECK_HAS(e.msg, "--psk-file");
	CHECK(!strstr(e.msg, "geheim"));
	CHECK_STR(draft_get(d, "psk"), "");
}

static void json(void)
{
	struct json_object *o;

	fresh();
	CHECK_INT(pair("remote_network=10.2.0.0/24,10.3.0.0/24"), 0);
	CHECK_INT(pair("child.voice.local_network=10.1.9.0/24"), 0);
	CHECK_INT(pair("enabled=no"), 0);
	CHECK_INT(draft_set(d, "psk", "a secret of some length", &e), 0);
	o = edit_json(d, false);
	CHECK(!json_get_bool(o, "enabled", true));
	CHECK_INT(json_get_u64(o, "keying_tries", 99, 77), 0);
	CHECK(strstr(json_object_to_json_string(o), "a secret") == NULL);
	CHECK(json_get_object(json_get_object(o, "child"), "voice") != NULL);
	size_t n;
	CHECK(json_get_array(o, "remote_network", &n) != NULL);
	CHECK_INT(n, 2);
	json_object_put(o);
}

static void commands(void)
{
	static const struct front f = { .config_dir = ADIT_CONFIG_DIR,
					.run_dir = "/tmp/r un" };
	static const struct front_pair pairs[] = {
		{ "remote_network", "10.2.0.0/24,10.3.0.0/24" },
		{ "description", "Tom's office" },
		{ "mtu", NULL },
	};
	struct sbuf b = { 0 };

	front_command(&b, &f, "peer set", "branch", pairs, 3);
	CHECK_STR(sbuf_str(&b), "adit --run-dir '/tmp/r un' peer set branch "
				"remote_network=10.2.0.0/24,10.3.0.0/24 "
				"'description=Tom'\\''s office' mtu=");
	sbuf_reset(&b);
	front_quote(&b, "");
	CHECK_STR(sbuf_str(&b), "''");
	sbuf_fini(&b);
}

static void keys(void)
{
	char a[FRONT_PSK_TEXT], b[FRONT_PSK_TEXT], text[32];
	uint8_t bytes[PSK_MAX];
	size_t len;

	front_psk_generate(a);
	front_psk_generate(b);
	CHECK(strcmp(a, b) != 0);
	CHECK_INT(strlen(a), 43);
	CHECK_INT(psk_parse(a, bytes, &len, &e), 0);
	CHECK_INT(len, 43);
	CHECK(psk_weakness(a) == NULL);
	memcpy(text, "geheim\r\n", 9);
	CHECK_INT(front_psk_trim(text, 8), 6);
	CHECK_STR(text, "geheim");
	memcpy(text, " blank ", 8);
	CHECK_INT(front_psk_trim(text, 7), 7);
}

int main(void)
{
	T_RUN(sets);
	T_RUN(lists);
	T_RUN(children);
	T_RUN(refused);
	T_RUN(no_psk);
	T_RUN(json);
	T_RUN(commands);
	T_RUN(keys);
	draft_free(d);
	return t_done();
}
