/* alg: the table, and the words that lead into it. */
#include "core/crypto/alg.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define CBC(bits, n) { .type = ALG_ENCR, .id = ENCR_AES_CBC, .key_bits = (bits), \
	.name = n, .label = "AES-" #bits "-CBC", .key_len = (bits) / 8, .iv_len = 16, .block = 16 }
/* RFC 5529 */
#define CAMELLIA(bits, n) { .type = ALG_ENCR, .id = ENCR_CAMELLIA_CBC, .key_bits = (bits), \
	.name = n, .label = "Camellia-" #bits "-CBC", .weak = WEAK_CAMELLIA, \
	.key_len = (bits) / 8, .iv_len = 16, .block = 16 }
/* RFC 2451 */
#define BLOWFISH(bits, n) { .type = ALG_ENCR, .id = ENCR_BLOWFISH, .key_bits = (bits), \
	.name = n, .label = "Blowfish-" #bits "-CBC", .weak = WEAK_BLOWFISH, \
	.key_len = (bits) / 8, .iv_len = 8, .block = 8 }
#define GCM(bits, n) { .type = ALG_ENCR, .id = ENCR_AES_GCM_16, .key_bits = (bits), \
	.name = n, .label = "AES-" #bits "-GCM", .aead = true, .key_len = (bits) / 8 + 4, \
	.salt_len = 4, .iv_len = 8, .block = 1, .icv_len = 16 }
/* RFC 3686: the nonce is keying material too, behind the key. */
#define CTR(bits, n) { .type = ALG_ENCR, .id = ENCR_AES_CTR, .key_bits = (bits), \
	.name = n, .label = "AES-" #bits "-CTR", .esp_only = true, .key_len = (bits) / 8 + 4, \
	.salt_len = 4, .iv_len = 8, .block = 1 }
#define PRF(i, n, l, len) { .type = ALG_PRF, .id = (i), .name = n, .label = l, .out_len = (len) }
#define INTEG(i, n, l, key, icv) { .type = ALG_INTEG, .id = (i), .name = n, .label = l, \
	.key_len = (key), .icv_len = (icv) }
#define KE(i, n, l, len) { .type = ALG_KE, .id = (i), .name = n, .label = l, .pub_len = (len) }

static const struct alg algs[] = {
	GCM(256, "aes256gcm16"), GCM(192, "aes192gcm16"), GCM(128, "aes128gcm16"),
	{ .type = ALG_ENCR, .id = ENCR_CHACHA20_POLY1305, .name = "chacha20poly1305",
	  .label = "ChaCha20-Poly1305", .aead = true, .key_len = 36, .salt_len = 4, .iv_len = 8,
	  .block = 1, .icv_len = 16 },
	CBC(256, "aes256"), CBC(192, "aes192"), CBC(128, "aes128"),
	CTR(256, "aes256ctr"), CTR(192, "aes192ctr"), CTR(128, "aes128ctr"),
	CAMELLIA(256, "camellia256"), CAMELLIA(192, "camellia192"), CAMELLIA(128, "camellia128"),
	{ .type = ALG_ENCR, .id = ENCR_3DES, .name = "3des", .label = "3DES-CBC",
	  .weak = WEAK_3DES, .key_len = 24, .iv_len = 8, .block = 8 },
	BLOWFISH(448, "blowfish448"), BLOWFISH(256, "blowfish256"), BLOWFISH(192, "blowfish192"),
	BLOWFISH(128, "blowfish128"),
	{ .type = ALG_ENCR, .id = ENCR_DES, .name = "des", .label = "DES-CBC",
	  .weak = WEAK_DES, .key_len = 8, .iv_len = 8, .block = 8 },
	{ .type = ALG_ENCR, .id = ENCR_NULL, .name = "null", .label = "NULL", .weak = WEAK_NULL,
	  .esp_only = true, .block = 1 },

	PRF(PRF_HMAC_SHA2_256, "sha256", "PRF-HMAC-SHA2-256", 32),
	PRF(PRF_HMAC_SHA2_384, "sha384", "PRF-HMAC-SHA2-384", 48),
	PRF(PRF_HMAC_SHA2_512, "sha512", "PRF-HMAC-SHA2-512", 64),
	{ .type = ALG_PRF, .id = PRF_HMAC_SHA1, .name = "sha1", .label = "PRF-HMAC-SHA1",
	  .weak = WEAK_SHA1, .out_len = 20 },
	{ .type = ALG_PRF, .id = PRF_HMAC_MD5, .name = "md5", .label = "PRF-HMAC-MD5",
	  .weak = WEAK_MD5, .out_len = 16 },

	INTEG(INTEG_HMAC_SHA2_256_128, "sha256", "HMAC-SHA2-256", 32, 16),
	INTEG(INTEG_HMAC_SHA2_384_192, "sha384", "HMAC-SHA2-384", 48, 24),
	INTEG(INTEG_HMAC_SHA2_512_256, "sha512", "HMAC-SHA2-512", 64, 32),
	{ .type = ALG_INTEG, .id = INTEG_HMAC_SHA1_96, .name = "sha1", .label = "HMAC-SHA1",
	  .weak = WEAK_SHA1, .key_len = 20, .icv_len = 12 },
	{ .type = ALG_INTEG, .id = INTEG_HMAC_MD5_96, .name = "md5", .label = "HMAC-MD5",
	  .weak = WEAK_MD5, .key_len = 16, .icv_len = 12 },

	KE(KE_CURVE25519, "x25519", "Curve25519", 32),
	KE(KE_ECP_256, "ecp256", "ECP 256", 64),
	KE(KE_ECP_384, "ecp384", "ECP 384", 96),
	KE(KE_ECP_521, "ecp521", "ECP 521", 132),
	KE(KE_MODP_2048, "modp2048", "MODP 2048", 256),
	KE(KE_MODP_3072, "modp3072", "MODP 3072", 384),
	KE(KE_MODP_4096, "modp4096", "MODP 4096", 512),
	KE(KE_MODP_6144, "modp6144", "MODP 6144", 768),
	KE(KE_MODP_8192, "modp8192", "MODP 8192", 1024),
	{ .type = ALG_KE, .id = KE_MODP_1536, .name = "modp1536", .label = "MODP 1536",
	  .weak = WEAK_MODP1536, .pub_len = 192 },
	{ .type = ALG_KE, .id = KE_MODP_1024, .name = "modp1024", .label = "MODP 1024",
	  .weak = WEAK_MODP1024, .pub_len = 128 },
	{ .type = ALG_KE, .id = KE_MODP_768, .name = "modp768", .label = "MODP 768",
	  .weak = WEAK_MODP768, .pub_len = 96 },
};

#define N_ALGS (sizeof(algs) / sizeof(algs[0]))

/* Spellings of other products. */
static const struct {
	enum alg_type type;
	const char *alias, *name;
} aliases[] = {
	{ ALG_ENCR, "aes256gcm", "aes256gcm16" },	{ ALG_ENCR, "aes256gcm128", "aes256gcm16" },
	{ ALG_ENCR, "aes-256-gcm", "aes256gcm16" },	{ ALG_ENCR, "aes_gcm_256", "aes256gcm16" },
	{ ALG_ENCR, "aes192gcm", "aes192gcm16" },	{ ALG_ENCR, "aes192gcm128", "aes192gcm16" },
	{ ALG_ENCR, "aes128gcm", "aes128gcm16" },	{ ALG_ENCR, "aes128gcm128", "aes128gcm16" },
	{ ALG_ENCR, "aes_gcm_128", "aes128gcm16" },
	{ ALG_ENCR, "chacha20", "chacha20poly1305" },
	{ ALG_ENCR, "chacha20_poly1305", "chacha20poly1305" },
	{ ALG_ENCR, "aes256cbc", "aes256" },		{ ALG_ENCR, "aes_cbc_256", "aes256" },
	{ ALG_ENCR, "aes192cbc", "aes192" },
	{ ALG_ENCR, "aes128cbc", "aes128" },		{ ALG_ENCR, "aes", "aes128" },
	{ ALG_ENCR, "aes_cbc_128", "aes128" },
	{ ALG_ENCR, "aes_ctr_128", "aes128ctr" },	{ ALG_ENCR, "aes_ctr_192", "aes192ctr" },
	{ ALG_ENCR, "aes_ctr_256", "aes256ctr" },	{ ALG_ENCR, "aesctr", "aes128ctr" },
	{ ALG_ENCR, "camellia", "camellia128" },	{ ALG_ENCR, "blowfish", "blowfish128" },
	{ ALG_ENCR, "camellia_cbc_128", "camellia128" },
	{ ALG_ENCR, "camellia_cbc_256", "camellia256" },
	{ ALG_ENCR, "3des_cbc", "3des" },		{ ALG_ENCR, "des_cbc", "des" },
	{ ALG_ENCR, "tripledes", "3des" },
	{ ALG_INTEG, "sha", "sha1" },			{ ALG_PRF, "sha", "sha1" },
	{ ALG_INTEG, "sha2_256", "sha256" },		{ ALG_PRF, "sha2_256", "sha256" },
	{ ALG_INTEG, "sha2_384", "sha384" },		{ ALG_PRF, "sha2_384", "sha384" },
	{ ALG_INTEG, "sha2_512", "sha512" },		{ ALG_PRF, "sha2_512", "sha512" },
	{ ALG_KE, "curve25519", "x25519" },		{ ALG_KE, "dh31", "x25519" },
	{ ALG_KE, "dh19", "ecp256" },			{ ALG_KE, "dh20", "ecp384" },
	{ ALG_KE, "dh21", "ecp521" },			{ ALG_KE, "dh14", "modp2048" },
	{ ALG_KE, "dh15", "modp3072" },			{ ALG_KE, "dh16", "modp4096" },
	{ ALG_KE, "dh17", "modp6144" },			{ ALG_KE, "dh18", "modp8192" },
	{ ALG_KE, "dh5", "modp1536" },			{ ALG_KE, "dh2", "modp1024" },
	{ ALG_KE, "dh1", "modp768" },
};

const char *const weak_names[WEAK_N] = {
	"3des", "md5", "sha1", "modp768", "modp1024", "modp1536",
	"des", "blowfish", "camellia", "aggressive", "null",
};

const struct alg *alg_get(enum alg_type type, uint16_t id, uint16_t key_bits)
{
	for (size_t i = 0; i < N_ALGS; i++)
		if (algs[i].type == type && algs[i].id == id && algs[i].key_bits == key_bits)
			return &algs[i];
	return NULL;
}

const struct alg *alg_by_name(enum alg_type type, const char *name)
{
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (aliases[i].type == type && strcasecmp(aliases[i].alias, name) == 0)
			name = aliases[i].name;
	for (size_t i = 0; i < N_ALGS; i++)
		if (algs[i].type == type && strcasecmp(algs[i].name, name) == 0)
			return &algs[i];
	return NULL;
}

const struct alg *alg_table(size_t *n)
{
	*n = N_ALGS;
	return algs;
}

const char *alg_label(enum alg_type type, uint16_t id, uint16_t key_bits, char *buf, size_t cap)
{
	static const char *const types[] = {
		[ALG_ENCR] = "encryption", [ALG_PRF] = "PRF", [ALG_INTEG] = "integrity",
		[ALG_KE] = "group", [ALG_ESN] = "ESN",
	};
	const struct alg *a = alg_get(type, id, key_bits);

	if (a)
		return a->label;
	if (type == ALG_ESN && id <= ESN_YES)
		return id == ESN_YES ? "ESN" : "no ESN";
	if ((type == ALG_KE || type == ALG_INTEG) && id == 0)
		return "none";
	if (key_bits)
		snprintf(buf, cap, "%s %u with %u bit", types[type], id, key_bits);
	else
		snprintf(buf, cap, "%s %u", types[type], id);
	return buf;
}

int weak_parse(const char *text, unsigned *out, struct err *e)
{
	unsigned bits = 0;

	while (*text) {
		size_t n = strcspn(text, ", ");
		int found = -1;

		for (int i = 0; i < WEAK_N; i++)
			if (strlen(weak_names[i]) == n && strncasecmp(text, weak_names[i], n) == 0)
				found = i;
		if (n && found < 0)
			return err_set(e, "\"%.*s\" is none of the weak algorithms: 3des, md5, sha1, "
				       "modp768, modp1024, modp1536, des, blowfish, camellia, "
				       "aggressive, null", (int)(n > 40 ? 40 : n), text);
		if (n)
			bits |= 1u << found;
		text += n;
		text += strspn(text, ", ");
	}
	*out = bits;
	return 0;
}

const char *weak_str(unsigned bits, char *buf, size_t cap)
{
	size_t n = 0;

	buf[0] = '\0';
	for (int i = 0; i < WEAK_N && n < cap; i++)
		if (bits & 1u << i)
			n += (size_t)snprintf(buf + n, cap - n, "%s%s", n ? "," : "", weak_names[i]);
	return buf;
}
