/* kalg: why: IKE's transforms in the names of the kernel's crypto API, and which of its
 * drivers it takes for them. */
#include "dataplane/xfrm/kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct name {
	uint16_t id;
	const char *name;
	bool aead;
};

static const struct name ciphers[] = {
	{ ENCR_DES, "cbc(des)", false },
	{ ENCR_3DES, "cbc(des3_ede)", false },
	{ ENCR_BLOWFISH, "cbc(blowfish)", false },
	{ ENCR_NULL, "ecb(cipher_null)", false },
	{ ENCR_AES_CBC, "cbc(aes)", false },
	{ ENCR_AES_CTR, "rfc3686(ctr(aes))", false },
	{ ENCR_CAMELLIA_CBC, "cbc(camellia)", false },
	{ ENCR_AES_GCM_16, "rfc4106(gcm(aes))", true },
	{ ENCR_CHACHA20_POLY1305, "rfc7539esp(chacha20,poly1305)", true },
};

static const struct name hashes[] = {
	{ INTEG_HMAC_MD5_96, "hmac(md5)", false },
	{ INTEG_HMAC_SHA1_96, "hmac(sha1)", false },
	{ INTEG_HMAC_SHA2_256_128, "hmac(sha256)", false },
	{ INTEG_HMAC_SHA2_384_192, "hmac(sha384)", false },
	{ INTEG_HMAC_SHA2_512_256, "hmac(sha512)", false },
};

static const struct name *find(const struct name *v, size_t n, uint16_t id)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].id == id)
			return &v[i];
	return NULL;
}

static int fill_hash(struct xfrm_sa *sa, const struct sa_child *c, const struct sa_key *key,
		     struct err *e)
{
	const struct name *n = find(hashes, sizeof(hashes) / sizeof(*hashes), c->integ);
	const struct alg *a = alg_get(ALG_INTEG, c->integ, 0);

	if (!n || !a)
		return err_set(e, "the kernel dataplane does not know the integrity algorithm %u",
			       c->integ);
	/* Cut as the RFC says: left to itself the kernel takes 96 bits of SHA-256. */
	sa->auth = (struct xfrm_alg){ .name = n->name, .key = key->integ,
				      .key_len = key->integ_len, .icv_bits = a->icv_len * 8u };
	return 0;
}

/* The order of the key material is the kernel's own: cipher key, then salt or nonce
 * (RFC 4106 §8.1, RFC 3686 §5.1, RFC 7634 §2). */
int kalg_fill(struct xfrm_sa *sa, const struct sa_child *c, const struct sa_key *key,
	      struct err *e)
{
	const struct alg *a = alg_get(ALG_ENCR, c->encr, c->encr_bits);
	const struct name *n;
	struct xfrm_alg alg;

	if (c->proto == SA_AH)
		return fill_hash(sa, c, key, e);
	n = find(ciphers, sizeof(ciphers) / sizeof(*ciphers), c->encr);
	if (!n || !a)
		return err_set(e, "the kernel dataplane does not know the cipher %u with %u bits",
			       c->encr, c->encr_bits);
	alg = (struct xfrm_alg){ .name = n->name, .key = key->encr, .key_len = key->encr_len };
	if (n->aead) {
		alg.icv_bits = a->icv_len * 8u;
		sa->aead = alg;
		return 0;
	}
	sa->encr = alg;
	return fill_hash(sa, c, key, e);
}

void kalg_read(const struct xfrm_seen *s, struct sa_child *c)
{
	const char *cipher = s->aead[0] ? s->aead : s->encr;
	unsigned bits = s->aead[0] ? s->aead_bits : s->encr_bits;
	const struct alg *a;

	for (size_t i = 0; i < sizeof(hashes) / sizeof(*hashes); i++)
		if (strcmp(hashes[i].name, s->auth) == 0)
			c->integ = hashes[i].id;
	for (size_t i = 0; i < sizeof(ciphers) / sizeof(*ciphers); i++)
		if (cipher[0] && strcmp(ciphers[i].name, cipher) == 0)
			c->encr = ciphers[i].id;
	if (!c->encr || alg_get(ALG_ENCR, c->encr, 0))
		return;
	/* The salt is no part of the name's number. */
	for (unsigned salt = 0; salt <= 32; salt += 8) {
		a = bits > salt ? alg_get(ALG_ENCR, c->encr, (uint16_t)(bits - salt)) : NULL;
		if (a && a->salt_len * 8u == salt)
			c->encr_bits = a->key_bits;
	}
}

/* ---- drivers ---- */

struct driver {
	char name[XFRM_NAME_MAX * 2], driver[XFRM_NAME_MAX * 2];
	int priority;
	bool async;
};

/* The best of this name in /proc/crypto: blocks of "key : value", an empty line between. */
static bool best_of(const char *text, const char *name, struct driver *best)
{
	struct driver d = { .priority = -1 };
	bool found = false;

	for (const char *line = text; *line; ) {
		const char *end = strchrnul(line, '\n'), *colon = memchr(line, ':',
									 (size_t)(end - line));
		char value[XFRM_NAME_MAX * 2] = "";

		if (colon && end - colon > 2)
			snprintf(value, sizeof(value), "%.*s", (int)(end - colon - 2), colon + 2);
		if (strncmp(line, "name ", 5) == 0) {
			d = (struct driver){ .priority = -1 };
			memcpy(d.name, value, sizeof(d.name));
		} else if (strncmp(line, "driver ", 7) == 0) {
			memcpy(d.driver, value, sizeof(d.driver));
		} else if (strncmp(line, "priority ", 9) == 0) {
			d.priority = atoi(value);
		} else if (strncmp(line, "async ", 6) == 0) {
			d.async = strncmp(value, "yes", 3) == 0;
		}
		line = *end ? end + 1 : end;
		/* The block is over. */
		if ((*line == '\n' || !*line) && d.priority >= 0) {
			if (strcmp(d.name, name) == 0 && (!found || d.priority > best->priority)) {
				*best = d;
				found = true;
			}
			d.priority = -1;
		}
	}
	return found;
}

/* What only means the processor's own instructions, or a wrapper around them. */
static bool is_software(const char *driver)
{
	static const char *const signs[] = {
		"generic", "-aesni", "-avx", "-vaes", "-sse", "-simd", "-ce", "-neon", "-ni",
		"-asm", "-arm", "-mips", "-ppc", "-p8", "-vsx", "-riscv", "-x86", "-i586", "-lib",
		"cryptd(", "__", "-fixed-time", "cipher_null", "-s390",
	};

	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
		if (strstr(driver, signs[i]))
			return true;
	return false;
}

bool kalg_driver_of(const char *text, const struct xfrm_seen *s, char *driver, size_t cap)
{
	char both[XFRM_NAME_MAX * 3];
	struct driver d = { 0 };
	bool found;

	driver[0] = '\0';
	if (s->aead[0]) {
		found = best_of(text, s->aead, &d);
	} else if (s->encr[0]) {
		snprintf(both, sizeof(both), "%s(%s,%s)", s->esn ? "authencesn" : "authenc",
			 s->auth, s->encr);
		found = best_of(text, both, &d);
		/* One that only joins two says less than the cipher's own. */
		if (!found || strncmp(d.driver, "authenc(", 8) == 0 ||
		    strncmp(d.driver, "authencesn(", 11) == 0)
			found = best_of(text, s->encr, &d) || found;
	} else {
		found = best_of(text, s->auth, &d);
	}
	if (!found)
		return false;
	snprintf(driver, cap, "%s", d.driver);
	return d.async && !is_software(d.driver);
}

#define PROC_MAX (256 * 1024)

bool kalg_driver(const struct xfrm_seen *s, char *driver, size_t cap)
{
	FILE *f = fopen("/proc/crypto", "re");
	char *text = malloc(PROC_MAX);
	bool hw = false;

	driver[0] = '\0';
	if (f && text) {
		text[fread(text, 1, PROC_MAX - 1, f)] = '\0';
		hw = kalg_driver_of(text, s, driver, cap);
	}
	free(text);
	if (f)
		fclose(f);
	return hw;
}
