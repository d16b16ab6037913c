/* rooms: core/front core/control core/net core/settings core/ipc core/crypto core/base */
/* front_hw: a measurement line by line, kept and read again, the profile and the words that follow
 * from it, and what a machine's files say about it. */
#include "core/crypto/alg.h"
#include "core/front/hw.h"

#include "tests/unit/t.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

static char dir[64];
static struct profile before, now;

static int line(struct hw_bench *b, const char *text)
{
	struct err e = { 0 };

	return hw_bench_line(b, text, strlen(text), &e);
}

/* One suite of one engine at all sizes. */
static void speeds(struct hw_bench *b, const char *suite, const char *engine, const unsigned mbit[5])
{
	char text[300];

	for (int i = 0; i < PROFILE_SIZES; i++) {
		snprintf(text, sizeof(text), "{\"suite\":\"%s\",\"engine\":\"%s\",\"driver\":\"d\","
			 "\"hardware\":false,\"size\":%u,\"batch\":%d,\"mbit\":%u,\"done\":%d,\"total\":9}",
			 suite, engine, profile_sizes[i], strcmp(engine, "kernel") == 0 ? 0 : 8, mbit[i], i);
		CHECK_INT(line(b, text), 0);
	}
}

static const unsigned slow[5] = { 10, 20, 30, 40, 50 }, fast[5] = { 20, 40, 60, 80, 100 },
	late[5] = { 5, 10, 31, 60, 90 };

static void lines_become_rows(void)
{
	struct hw_bench b = { 0 };
	struct hw_row like = { 0 };
	struct err e = { 0 };

	speeds(&b, "aes256-sha256", "mbedtls", slow);
	speeds(&b, "aes256gcm16", "mbedtls", slow);
	speeds(&b, "aes256-sha256", "ipsec_mb", fast);
	CHECK_INT(b.n, 3);
	CHECK_INT(b.done, 4);
	CHECK_INT(b.total, 9);
	/* A suite's rows lie together, whenever they came. */
	CHECK_INT(hw_suite_end(&b, 0), 2);
	CHECK_INT(hw_suite_end(&b, 2), 3);
	CHECK_INT(hw_best(&b, 0, 2, 3)->way, ENGINE_IPSEC_MB);
	CHECK(!hw_best(&b, 0, 2, PROFILE_SIZES));
	CHECK_INT(hw_suite_parse("aes256-sha256", &like, &e), 0);
	CHECK_INT(hw_find(&b, &like, ENGINE_IPSEC_MB)->mbit[4], 100);
	CHECK(!hw_find(&b, &like, ENGINE_AFALG));
	/* Another look at the same is the newer one. */
	speeds(&b, "aes256-sha256", "ipsec_mb", late);
	CHECK_INT(b.n, 3);
	CHECK_INT(hw_find(&b, &like, ENGINE_IPSEC_MB)->mbit[4], 90);
	hw_bench_fini(&b);
}

static void what_is_no_line_is_refused(void)
{
	static const char *const bad[] = {
		"", "x", "[]", "{}", "{\"suite\":\"aes256gcm16\"}",
		"{\"suite\":\"aes256gcm16\",\"engine\":\"openssl\",\"size\":64,\"mbit\":1}",
		"{\"suite\":\"aes256gcm61\",\"engine\":\"mbedtls\",\"size\":64,\"mbit\":1}",
		"{\"suite\":\"aes256\",\"engine\":\"mbedtls\",\"size\":64,\"mbit\":1}",
		"{\"suite\":\"aes256gcm16,aes128gcm16\",\"engine\":\"mbedtls\",\"size\":64,\"mbit\":1}",
		"{\"suite\":\"aes256gcm16\",\"engine\":\"mbedtls\",\"size\":65,\"mbit\":1}",
		"{\"suite\":\"aes256gcm16\",\"engine\":\"mbedtls\",\"mbit\":1}",
		"{\"suite\":\"aes256gcm16\",\"engine\":\"mbedtls\",\"size\":-64,\"mbit\":1}",
	};
	struct hw_bench b = { 0 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (line(&b, bad[i]) == 0)
			printf("    taken: %s\n", bad[i]);
		CHECK_INT(line(&b, bad[i]), -1);
	}
	/* Numbers beyond sense count as none. */
	CHECK_INT(line(&b, "{\"suite\":\"aes256gcm16\",\"engine\":\"mbedtls\",\"mbit\":[-1,1e99,2,3],"
			   "\"batch\":[900,\"x\"]}"), 0);
	CHECK_INT(b.row[b.n - 1].mbit[0], 0);
	CHECK_INT(b.row[b.n - 1].mbit[2], 2);
	CHECK_INT(b.row[b.n - 1].mbit[4], 0);
	CHECK_INT(b.row[b.n - 1].batch[0], 0);
	hw_bench_fini(&b);
}

static void what_is_unable_says_why(void)
{
	struct hw_bench b = { 0 };
	struct hw_row like = { 0 };
	struct err e = { 0 };

	CHECK_INT(line(&b, "{\"engine\":\"kernel\",\"unable\":\"the kernel has no ESP\"}"), 0);
	CHECK_STR(b.unable[HW_KERNEL], "the kernel has no ESP");
	CHECK_INT(line(&b, "{\"suite\":\"3des-md5\",\"engine\":\"ipsec_mb\",\"unable\":\"no 3DES\"}"), 0);
	CHECK_INT(b.n, 1);
	CHECK_STR(b.row[0].why, "no 3DES");
	CHECK_INT(hw_suite_parse("3des-md5", &like, &e), 0);
	CHECK(!hw_find(&b, &like, ENGINE_IPSEC_MB));
	CHECK(!hw_best(&b, 0, 1, 0));
	CHECK_INT(line(&b, "{\"device\":\"mv-cbc-aes\",\"name\":\"cbc(aes)\"}"), 0);
	CHECK_INT(b.n_devices, 1);
	CHECK_STR(b.device[0].driver, "mv-cbc-aes");
	for (int i = 0; i < 2 * HW_DEVICES; i++)
		CHECK_INT(line(&b, "{\"device\":\"mv-cbc-aes\",\"name\":\"cbc(aes)\"}"), 0);
	CHECK_INT(b.n_devices, 2 * HW_DEVICES + 1);
	hw_bench_fini(&b);
}

static void the_profile_is_the_fastest_engine(void)
{
	struct hw_bench b = { 0 };
	struct hw_row like = { 0 };
	struct err e = { 0 };

	speeds(&b, "aes256-sha256", "mbedtls", slow);
	speeds(&b, "aes256-sha256", "afalg", late);
	/* The kernel is fastest, and none that espd could take. */
	speeds(&b, "aes256-sha256", "kernel", fast);
	speeds(&b, "aes256-sha256", "null", fast);
	hw_profile(&b, &now);
	CHECK_INT(now.n, 5);
	CHECK_INT(hw_suite_parse("aes256-sha256", &like, &e), 0);
	CHECK_INT(profile_find(&now, like.encr, like.encr_bits, like.integ, 64)->engine, ENGINE_MBEDTLS);
	/* 31 beats 30 by 3 %: the one that needs nobody else is as good... */
	CHECK_INT(profile_find(&now, like.encr, like.encr_bits, like.integ, 576)->engine, ENGINE_AFALG);
	CHECK_INT(profile_find(&now, like.encr, like.encr_bits, like.integ, 1400)->engine, ENGINE_AFALG);
	CHECK_INT(profile_find(&now, like.encr, like.encr_bits, like.integ, 1400)->mbit, 60);
	/* ... where it is no more than that. */
	b.row[1].mbit[2] = 30;
	hw_profile(&b, &now);
	CHECK_INT(profile_find(&now, like.encr, like.encr_bits, like.integ, 576)->engine, ENGINE_MBEDTLS);
	hw_bench_fini(&b);
	/* A weak suite that is the same at all sizes is one line. */
	speeds(&b, "3des-md5", "mbedtls", slow);
	speeds(&b, "aes256-md5", "mbedtls", slow);
	speeds(&b, "aes256-md5", "ipsec_mb", late);
	hw_profile(&b, &now);
	CHECK_INT(now.n, 6);
	CHECK_INT(now.row[0].size, 1400);
	hw_bench_fini(&b);
	hw_profile(&b, &now);
	CHECK_INT(now.n, 0);
}

static void no_profile_is_longer_than_it_may(void)
{
	struct hw_bench b = { 0 };
	static struct profile back;
	struct err e = { 0 };
	size_t n;
	const struct alg *t = alg_table(&n);
	char suite[80];

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; t[i].type == ALG_ENCR && !t[i].aead && k < n; k++) {
			if (t[k].type != ALG_INTEG)
				continue;
			snprintf(suite, sizeof(suite), "%s-%s", t[i].name, t[k].name);
			speeds(&b, suite, "mbedtls", slow);
			speeds(&b, suite, "afalg", late);
		}
	CHECK(b.n > 2 * PROFILE_ROWS / PROFILE_SIZES);
	CHECK_INT(hw_bench_save(&b, dir, &e), 0);
	CHECK_INT(profile_load(&back, dir, &e), 0);
	CHECK_INT(back.n, PROFILE_ROWS);
	hw_bench_fini(&b);
}

static void what_is_kept_is_read_again(void)
{
	struct hw_bench b = { .when_s = 1700000000, .ms = 25000 }, back;
	struct hw_row gcm = { 0 };
	char path[128], text[120];
	struct err e = { 0 };
	FILE *f;

	snprintf(path, sizeof(path), "%s/" HW_FILE, dir);
	unlink(path);
	CHECK_INT(hw_bench_load(&back, dir, &e), 0);
	speeds(&b, "aes256-sha256", "mbedtls", slow);
	b.row[0].hardware = true;
	CHECK_INT(line(&b, "{\"suite\":\"aes256gcm16\",\"engine\":\"afalg\",\"unable\":\"no \\\"GCM\\\"\"}"), 0);
	snprintf(b.unable[HW_KERNEL], sizeof(b.unable[0]), "no ESP");
	CHECK_INT(hw_bench_save(&b, dir, &e), 0);
	CHECK_INT(hw_bench_load(&back, dir, &e), 1);
	CHECK_INT(back.n, 2);
	CHECK_INT(back.when_s, 1700000000);
	CHECK_INT(back.ms, 25000);
	CHECK(memcmp(&back.row[0], &b.row[0], sizeof(b.row[0])) == 0);
	CHECK_STR(back.row[1].why, "no \"GCM\"");
	CHECK_STR(back.unable[HW_KERNEL], "no ESP");
	CHECK_HAS(hw_when(&back, 1700000000 + 7200, text, sizeof(text)), "2 h");
	hw_bench_fini(&back);
	hw_bench_fini(&b);
	/* Another suite alone is added to it. */
	b.when_s = 1700000001;
	speeds(&b, "aes256gcm16", "mbedtls", fast);
	CHECK_INT(hw_bench_save(&b, dir, &e), 0);
	CHECK_INT(hw_bench_load(&back, dir, &e), 1);
	CHECK_INT(back.n, 3);
	CHECK_INT(hw_suite_parse("aes256gcm16", &gcm, &e), 0);
	CHECK(hw_find(&back, &gcm, ENGINE_MBEDTLS));
	CHECK_INT(profile_load(&now, dir, &e), 0);
	CHECK_INT(now.n, 10);
	hw_bench_fini(&back);
	hw_bench_fini(&b);
	/* An engine that is gone from this machine takes its rows along. */
	b.when_s = 1700000002;
	speeds(&b, "aes256gcm16", "mbedtls", fast);
	snprintf(b.unable[ENGINE_AFALG], sizeof(b.unable[0]), "no AF_ALG");
	CHECK_INT(hw_bench_save(&b, dir, &e), 0);
	CHECK_INT(hw_bench_load(&back, dir, &e), 1);
	CHECK_INT(back.n, 2);
	hw_bench_fini(&back);
	hw_bench_fini(&b);
	/* One that somebody broke is an error with its place, and is written anew. */
	f = fopen(path, "a");
	CHECK(f);
	fputs("{\"suite\":\n", f);
	fclose(f);
	CHECK_INT(hw_bench_load(&back, dir, &e), -1);
	CHECK_HAS(e.msg, HW_FILE ":");
	CHECK_INT(back.n, 0);
	b.when_s = 5;
	speeds(&b, "aes256gcm16", "mbedtls", fast);
	CHECK_INT(hw_bench_save(&b, dir, &e), 0);
	CHECK_INT(hw_bench_load(&back, dir, &e), 1);
	hw_bench_fini(&back);
	hw_bench_fini(&b);
}

static void changes_are_told_by_suite(void)
{
	struct hw_bench b = { 0 };
	struct sbuf s = { 0 };

	before.n = 0;
	speeds(&b, "aes256gcm16", "mbedtls", slow);
	speeds(&b, "aes256gcm16", "ipsec_mb", fast);
	speeds(&b, "aes256-sha256", "mbedtls", slow);
	speeds(&b, "aes256-sha256", "afalg", late);
	hw_profile(&b, &now);
	/* GCM is what the guess would have been. */
	CHECK_INT(hw_changes(&b, &before, &now, 9, &s), 1);
	CHECK_STR(sbuf_str(&s), "aes256-sha256: afalg in the place of mbedtls, at 576, 1400, 8192 bytes\n");
	sbuf_reset(&s);
	CHECK_INT(hw_changes(&b, &now, &now, 9, &s), 0);
	CHECK_STR(sbuf_str(&s), "");
	CHECK_INT(hw_changes(&b, &before, &now, 0, &s), 1);
	CHECK_STR(sbuf_str(&s), "");
	sbuf_fini(&s);
	hw_bench_fini(&b);
}

/* ---- the machine ---- */

static void file(const char *name, const char *text)
{
	char path[300], *slash = path;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	while ((slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	f = fopen(path, "w");
	CHECK(f);
	fputs(text, f);
	fclose(f);
}

static void a_machine_is_what_its_files_say(void)
{
	static struct hw_machine m;
	struct utsname u;
	char name[200];

	CHECK(uname(&u) == 0);
	file("proc/cpuinfo", "system type\t\t: MediaTek MT7621 ver:1 eco:3\nprocessor\t\t: 0\n"
	     "cpu model\t\t: MIPS 1004Kc V2.15\nASEs implemented\t: mips16 dsp mt\n\n"
	     "processor\t\t: 1\ncpu model\t\t: MIPS 1004Kc V2.15\n");
	file("proc/modules", "xfrm_interface 20480 0 - Live 0x0\nesp6 1 0 - Live 0x0\nesp4_offload 1 0 -\n");
	snprintf(name, sizeof(name), "lib/modules/%s/modules.dep", u.release);
	file(name, "kernel/net/ipv4/esp4.ko.xz: kernel/crypto/authenc.ko.xz\n"
	     "kernel/net/x.ko: kernel/crypto/algif_aead.ko\nkernel/net/ipv6/esp6.ko:\n");
	snprintf(name, sizeof(name), "lib/modules/%s/modules.builtin", u.release);
	file(name, "kernel/net/other.ko\n");
	hw_machine_read(&m, dir, "");
	CHECK_STR(m.cpu, "MediaTek MT7621 ver:1 eco:3");
	CHECK_INT(m.cores, 2);
	CHECK_STR(m.features, "dsp");
	CHECK_INT(m.esp4, HW_MODULE);
	CHECK_INT(m.esp6, HW_YES);
	CHECK_INT(m.xfrm_interface, HW_YES);
	/* Something else needs it, but it is not there itself. */
	CHECK_INT(m.af_alg, HW_NO);
	file(name, "kernel/net/ipv4/esp4.ko\n");
	hw_machine_read(&m, dir, "no-such-card");
	CHECK_INT(m.esp4, HW_YES);
	CHECK_STR(m.nic, "no-such-card");
	CHECK_STR(m.nic_offload, "");
	/* Without the kernel's lists its names are looked at. */
	snprintf(name, sizeof(name), "%s/lib/modules/%s/modules.builtin", dir, u.release);
	unlink(name);
	file("proc/kallsyms", "0 t xfrmi_xmit_no\n0 t aead_recvmsg\n");
	hw_machine_read(&m, dir, "");
	CHECK_INT(m.esp4, HW_MODULE);
	CHECK_INT(m.af_alg, HW_YES);
	file("proc/cpuinfo", "processor : 0\nmodel name : X\nflags : fpu aes2 aes avx2\n");
	hw_machine_read(&m, dir, "");
	CHECK_STR(m.cpu, "X");
	CHECK_STR(m.features, "aes, avx2");
	hw_machine_read(&m, "/nowhere", "");
	CHECK_STR(m.cpu, "");
	CHECK(m.cores > 0);
}

static void facts_are_sentences(void)
{
	static struct hw_machine m = { .cpu = "X", .cores = 1, .release = "6.1", .nic = "eth0" };
	static struct hw_fact f[HW_FACTS];
	struct router_conf conf = { .engine = ENGINE_CHOICE_AFALG };
	struct status *s = status_new(1);
	struct hw_bench b = { .when_s = 100, .ms = HW_SHORT_MS };
	size_t n;

	CHECK(s);
	CHECK_INT(status_peer_children(&s->peers[0], 2), 0);
	s->running = true;
	strcpy(s->dataplane, "userspace");
	status_set(&s->dataplane_why, "the kernel has no ESP");
	status_set(&s->dataplane_note, "no AH");
	for (int i = 0; i < 2; i++) {
		strcpy(s->peers[0].children[i].engine, "mv-cbc-aes");
		s->peers[0].children[i].hardware = true;
	}
	for (unsigned w = 0; w < HW_WAYS; w++)
		strcpy(b.unable[w], "no");
	n = hw_facts(&m, &b, s, &conf, true, 200, f);
	CHECK(n <= HW_FACTS);
	CHECK_HAS(f[0].text, "X, 1 core;");
	CHECK_HAS(f[3].text, "eth0");
	CHECK_STR(f[4].text, "userspace (the kernel has no ESP); no AH");
	CHECK_HAS(f[5].text, "afalg, by the settings");
	CHECK_STR(f[6].label, "In use");
	CHECK_STR(f[6].text, "mv-cbc-aes (a device)");
	CHECK_STR(f[n - 1].label, "Speeds");
	s->running = false;
	n = hw_facts(&m, &b, s, NULL, false, 200, f);
	CHECK_HAS(f[4].text, "adit is not running");
	CHECK_HAS(f[5].text, "adit bench");
	status_free(s);
}

static void a_child_says_who_does_it(void)
{
	struct status_child c = { .engine = "ipsec_mb" };
	char text[200];

	CHECK_STR(hw_child_str(&c, text, sizeof(text)), "ipsec_mb");
	c.hardware = true;
	c.fallbacks = 1;
	CHECK_STR(hw_child_str(&c, text, sizeof(text)),
		  "ipsec_mb, a device; 1 packet by software in its place");
	c = (struct status_child){ .offload = "packet" };
	CHECK_STR(hw_child_str(&c, text, sizeof(text)), "the network card does all of ESP");
	c = (struct status_child){ .offload = "crypto", .engine = "rfc4106-gcm-aesni" };
	CHECK_STR(hw_child_str(&c, text, sizeof(text)),
		  "rfc4106-gcm-aesni; the network card does the cryptography");
	c = (struct status_child){ .offload = "" };
	CHECK_STR(hw_child_str(&c, text, sizeof(text)), "");
}

int main(void)
{
	char command[96];

	snprintf(dir, sizeof(dir), "/tmp/adit-hw.XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	T_RUN(lines_become_rows);
	T_RUN(what_is_no_line_is_refused);
	T_RUN(what_is_unable_says_why);
	T_RUN(the_profile_is_the_fastest_engine);
	T_RUN(no_profile_is_longer_than_it_may);
	T_RUN(what_is_kept_is_read_again);
	T_RUN(changes_are_told_by_suite);
	T_RUN(a_machine_is_what_its_files_say);
	T_RUN(facts_are_sentences);
	T_RUN(a_child_says_who_does_it);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	if (system(command) != 0)
		t_failed++;
	return t_done();
}
