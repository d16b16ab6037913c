/* rooms: core/settings core/crypto core/base */
/* settings_profile: the file of what adit bench found: written, read back, and every way in which
 * it can be wrong. */
#include "core/crypto/alg.h"
#include "core/settings/profile.h"

#include "tests/unit/t.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64], path[96];

static void put(const char *text)
{
	FILE *f = fopen(path, "w");

	CHECK(f);
	fputs(text, f);
	fclose(f);
}

static struct profile p;

static void what_is_saved_is_what_is_loaded(void)
{
	static struct profile back;
	struct err e = { 0 };
	struct stat st;

	p = (struct profile){ .n = 3 };
	p.row[0] = (struct profile_row){ ENCR_AES_GCM_16, 256, INTEG_NONE, 1400, ENGINE_IPSEC_MB, 32, 21300 };
	p.row[1] = (struct profile_row){ ENCR_AES_CBC, 128, INTEG_HMAC_SHA1_96, 64, ENGINE_AFALG, 64, 7 };
	p.row[2] = (struct profile_row){ ENCR_3DES, 0, INTEG_HMAC_MD5_96, 8192, ENGINE_MBEDTLS, 1, 0 };
	CHECK_INT(profile_save(&p, dir, &e), 0);
	CHECK(stat(path, &st) == 0);
	CHECK_INT(st.st_mode & 07777, 0644);
	CHECK_INT(profile_load(&back, dir, &e), 0);
	CHECK_INT(back.n, 3);
	CHECK(memcmp(back.row, p.row, 3 * sizeof(p.row[0])) == 0);
	/* Whole-file: the second save leaves no temporary behind. */
	p.n = 1;
	CHECK_INT(profile_save(&p, dir, &e), 0);
	CHECK_INT(profile_load(&back, dir, &e), 0);
	CHECK_INT(back.n, 1);
}

static void every_suite_of_the_table_survives(void)
{
	static struct profile back;
	struct err e = { 0 };
	size_t n;
	const struct alg *t = alg_table(&n);

	p.n = 0;
	for (size_t i = 0; i < n; i++) {
		if (t[i].type != ALG_ENCR)
			continue;
		for (size_t k = 0; k < n; k++)
			if ((t[k].type == ALG_INTEG && !t[i].aead) || (t[i].aead && k == i))
				p.row[p.n++] = (struct profile_row){
					t[i].id, t[i].key_bits, t[i].aead ? INTEG_NONE : t[k].id,
					576, ENGINE_MBEDTLS, 8, 100 + p.n };
	}
	CHECK(p.n > 40);
	CHECK_INT(profile_save(&p, dir, &e), 0);
	if (profile_load(&back, dir, &e) < 0)
		CHECK_STR(e.msg, "");
	CHECK_INT(back.n, p.n);
	for (size_t i = 0; i < p.n; i++) {
		const struct profile_row *r = profile_find(&back, p.row[i].encr, p.row[i].encr_bits,
							   p.row[i].integ, 600);

		CHECK(r);
		CHECK_INT(r->mbit, p.row[i].mbit);
	}
}

static void none_is_empty(void)
{
	struct err e = { 0 };

	unlink(path);
	p.n = 9;
	CHECK_INT(profile_load(&p, dir, &e), 0);
	CHECK_INT(p.n, 0);
	CHECK(!profile_find(&p, ENCR_AES_GCM_16, 256, INTEG_NONE, 1400));
}

static void comments_and_blanks_are_nothing(void)
{
	struct err e = { 0 };

	put("# x\n\n  \t\naes256gcm16 1400 ipsec_mb 32 21300\n#aes256gcm16 1 2 3\n"
	    "chacha20poly1305 64 mbedtls 1 5");
	CHECK_INT(profile_load(&p, dir, &e), 0);
	CHECK_INT(p.n, 2);
	CHECK_INT(p.row[1].encr, ENCR_CHACHA20_POLY1305);
}

static void the_nearest_size_is_found(void)
{
	struct err e = { 0 };

	put("aes128gcm16 64 mbedtls 1 100\naes128gcm16 1400 ipsec_mb 8 900\n"
	    "aes128-sha256 576 afalg 16 50\n");
	CHECK_INT(profile_load(&p, dir, &e), 0);
	CHECK_INT(profile_find(&p, ENCR_AES_GCM_16, 128, INTEG_NONE, 1)->size, 64);
	CHECK_INT(profile_find(&p, ENCR_AES_GCM_16, 128, INTEG_NONE, 731)->size, 64);
	CHECK_INT(profile_find(&p, ENCR_AES_GCM_16, 128, INTEG_NONE, 733)->size, 1400);
	CHECK_INT(profile_find(&p, ENCR_AES_GCM_16, 128, INTEG_NONE, 65535)->size, 1400);
	CHECK_INT(profile_find(&p, ENCR_AES_CBC, 128, INTEG_HMAC_SHA2_256_128, 9000)->engine, ENGINE_AFALG);
	CHECK(!profile_find(&p, ENCR_AES_CBC, 128, INTEG_HMAC_SHA1_96, 576));
	CHECK(!profile_find(&p, ENCR_AES_GCM_16, 256, INTEG_NONE, 64));
}

static void bad_lines_are_told_with_their_place(void)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "aes256gcm16 1400 ipsec_mb 32\n", ":1: not of the form" },
		{ "# c\naes256gcm16 1400 ipsec_mb 32 21300 x\n", ":2: not of the form" },
		{ "aes256gcm16 1401 ipsec_mb 32 21300\n", ":1: 1401 is no size" },
		{ "aes256gcm16 1400 openssl 32 21300\n", "\"openssl\" is no engine" },
		{ "aes256gcm16 1400 ipsec_mb 0 21300\n", "0 is no number of packets" },
		{ "aes256gcm16 1400 ipsec_mb 300 21300\n", "300 is no number of packets" },
		{ "aes256gcm61 1400 ipsec_mb 32 21300\n", ":1: " },
		{ "aes256 1400 ipsec_mb 32 21300\n", ":1: " },
		{ "aes256gcm16,aes128gcm16 1400 ipsec_mb 32 21300\n", "more than one suite" },
		{ "aes256-sha256-sha1 1400 ipsec_mb 32 21300\n", "more than one suite" },
		{ "aes256gcm16 1400 ipsec_mb 32 21300\n\x01\xff\n", ":2: not of the form" },
	};
	char longline[400];
	struct err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put(bad[i].text);
		e = (struct err){ 0 };
		CHECK_INT(profile_load(&p, dir, &e), -1);
		CHECK_HAS(e.msg, bad[i].says);
		CHECK_HAS(e.msg, PROFILE_FILE);
	}
	memset(longline, 'a', sizeof(longline) - 1);
	longline[sizeof(longline) - 1] = '\0';
	put(longline);
	CHECK_INT(profile_load(&p, dir, &e), -1);
	CHECK_HAS(e.msg, ":1: ");
}

static void there_is_a_most(void)
{
	FILE *f = fopen(path, "w");
	struct err e = { 0 };

	CHECK(f);
	for (int i = 0; i <= PROFILE_ROWS; i++)
		fputs("aes256gcm16 1400 ipsec_mb 32 21300\n", f);
	fclose(f);
	CHECK_INT(profile_load(&p, dir, &e), -1);
	CHECK_HAS(e.msg, "more than 256 lines");
}

static void no_folder_no_file(void)
{
	struct err e = { 0 };

	p.n = 0;
	CHECK_INT(profile_save(&p, "/nowhere/at/all", &e), -1);
	CHECK_HAS(e.msg, "/nowhere/at/all");
}

int main(void)
{
	char command[96];

	snprintf(dir, sizeof(dir), "/tmp/adit-profile.XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/" PROFILE_FILE, dir);
	T_RUN(what_is_saved_is_what_is_loaded);
	T_RUN(every_suite_of_the_table_survives);
	T_RUN(none_is_empty);
	T_RUN(comments_and_blanks_are_nothing);
	T_RUN(the_nearest_size_is_found);
	T_RUN(bad_lines_are_told_with_their_place);
	T_RUN(there_is_a_most);
	T_RUN(no_folder_no_file);
	unlink(path);
	/* Fails, and so does the test, when anything else was left in it. */
	snprintf(command, sizeof(command), "rmdir %s", dir);
	if (system(command) != 0)
		t_failed++;
	return t_done();
}
