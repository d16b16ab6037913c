/* alg: one table of every algorithm IKE and ESP know here: its transform type and ID (IANA
 * "IKEv2 Parameters"), the word admins write, the label people read, its sizes, and whether
 * it is weak (RFC 8221, RFC 8247). And suites: one parsed "aes256-sha256-modp2048".
 */
#ifndef ADIT_CRYPTO_ALG_H
#define ADIT_CRYPTO_ALG_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Transform types, RFC 7296 §3.3.2. */
enum alg_type { ALG_ENCR = 1, ALG_PRF = 2, ALG_INTEG = 3, ALG_KE = 4, ALG_ESN = 5 };

/* Transform IDs, as on the wire. */
enum {
	ENCR_DES = 2, ENCR_3DES = 3, ENCR_BLOWFISH = 7, ENCR_NULL = 11, ENCR_AES_CBC = 12,
	ENCR_AES_CTR = 13, ENCR_AES_GCM_16 = 20, ENCR_CAMELLIA_CBC = 23,
	ENCR_CHACHA20_POLY1305 = 28,
	PRF_HMAC_MD5 = 1, PRF_HMAC_SHA1 = 2, PRF_HMAC_SHA2_256 = 5, PRF_HMAC_SHA2_384 = 6,
	PRF_HMAC_SHA2_512 = 7,
	INTEG_NONE = 0, INTEG_HMAC_MD5_96 = 1, INTEG_HMAC_SHA1_96 = 2,
	INTEG_HMAC_SHA2_256_128 = 12, INTEG_HMAC_SHA2_384_192 = 13, INTEG_HMAC_SHA2_512_256 = 14,
	KE_NONE = 0, KE_MODP_768 = 1, KE_MODP_1024 = 2, KE_MODP_1536 = 5, KE_MODP_2048 = 14,
	KE_MODP_3072 = 15, KE_MODP_4096 = 16, KE_MODP_6144 = 17, KE_MODP_8192 = 18,
	KE_ECP_256 = 19, KE_ECP_384 = 20, KE_ECP_521 = 21, KE_CURVE25519 = 31,
	ESN_NO = 0, ESN_YES = 1,
};

/* What allow_weak may name; a bit each. weak_names[] below holds the words. */
enum weak {
	WEAK_3DES = 1 << 0,
	WEAK_MD5 = 1 << 1,
	WEAK_SHA1 = 1 << 2,
	WEAK_MODP768 = 1 << 3,
	WEAK_MODP1024 = 1 << 4,
	WEAK_MODP1536 = 1 << 5,
	WEAK_DES = 1 << 6,
	WEAK_BLOWFISH = 1 << 7,
	WEAK_CAMELLIA = 1 << 8,
	WEAK_AGGRESSIVE = 1 << 9,	/* IKEv1 Aggressive mode: no algorithm, but as weak */
	WEAK_NULL = 1 << 10,	/* no encryption at all, RFC 2410 */
};
#define WEAK_N 11
extern const char *const weak_names[WEAK_N];	/* "3des", "md5", … by bit number */

struct alg {
	enum alg_type type;
	uint16_t id;
	uint16_t key_bits;	/* the Key Length attribute; 0 when the transform has none */
	const char *name;	/* as written in settings: "aes256gcm16", "sha256", "modp2048" */
	const char *label;	/* as read: "AES-256-GCM", "HMAC-SHA2-256", "MODP 2048" */
	unsigned weak;		/* enum weak, 0 when good */
	bool aead;		/* ENCR: brings its own integrity */
	bool esp_only;		/* ENCR: not for IKE's own messages here */
	uint8_t key_len;	/* bytes of keying material, salt included (RFC 5282 §7.1,
				 * RFC 3686 §5.1) */
	uint8_t salt_len;	/* the part of it that is salt */
	uint8_t iv_len;		/* explicit IV in every packet */
	uint8_t block;		/* padding unit; 1 for stream-like */
	uint8_t icv_len;	/* AEAD tag, or truncated INTEG length */
	uint8_t out_len;	/* PRF: output = preferred key length */
	uint16_t pub_len;	/* KE: bytes of the public value on the wire */
};

/* NULL when unknown. key_bits 0 finds only transforms without the attribute. */
const struct alg *alg_get(enum alg_type type, uint16_t id, uint16_t key_bits);
/* By the word in settings, other products' spellings included ("aes256gcm", "sha2_256",
 * "dh14", "curve25519"); case does not matter. NULL when unknown. */
const struct alg *alg_by_name(enum alg_type type, const char *name);
/* False for a cipher that this build's library lacks (Blowfish with mbedTLS 3). The row is
 * there all the same: peers offer it, and it has a label. */
bool alg_built(const struct alg *a);
/* The whole table, for forms, completion and man pages; *n gets its length. */
const struct alg *alg_table(size_t *n);
/* A label for what a peer offered, known or not: "ENCR 23, 256 bit". buf >= 48; returns it
 * or a constant. */
const char *alg_label(enum alg_type type, uint16_t id, uint16_t key_bits, char *buf, size_t cap);

/* A transform as offered. */
struct transform {
	uint16_t id;
	uint16_t key_bits;
};

#define SUITE_TYPE_MAX 4	/* alternatives of one type in one suite */
#define SUITE_MAX 8		/* suites in one setting */

/* One proposal: for each type the alternatives, best first. For AEAD integ is empty; for ESP
 * prf is empty, and ke empty means no PFS. An IKE suite always has prf and ke. */
struct suite {
	uint8_t n_encr, n_integ, n_prf, n_ke;
	struct transform encr[SUITE_TYPE_MAX];
	uint16_t integ[SUITE_TYPE_MAX];
	uint16_t prf[SUITE_TYPE_MAX];
	uint16_t ke[SUITE_TYPE_MAX];
};

struct suite_list {
	uint8_t n;
	struct suite s[SUITE_MAX];
};

enum suite_use { SUITE_IKE, SUITE_ESP };

/* Parse "aes256-sha256-modp2048,aes256gcm16-sha384-ecp384". In IKE the hash word of a CBC
 * suite gives integrity and PRF, with AEAD the PRF alone; "prfsha384" says a PRF outright;
 * "noesn"/"esn" are not taken (adit decides). Errors name the word, the nearest known one,
 * what is missing (CBC without a hash; IKE without a group), and what is for ESP alone. */
int suite_parse(enum suite_use use, const char *text, struct suite_list *out, struct err *e)
	MUST_USE;
/* The canonical text of one suite or of all; cap >= 256 for a list. Returns buf. */
const char *suite_str(enum suite_use use, const struct suite *s, char *buf, size_t cap);
const char *suite_list_str(enum suite_use use, const struct suite_list *l, char *buf, size_t cap);
/* Bits of enum weak that any algorithm in the list needs. */
unsigned suite_weak(const struct suite_list *l);
/* "3des,sha1" <-> bits. "" is 0. */
int weak_parse(const char *text, unsigned *out, struct err *e) MUST_USE;
const char *weak_str(unsigned bits, char *buf, size_t cap);

#endif
