/* suite: "aes256-sha256-modp2048" to transforms and back. */
#include "core/crypto/alg.h"

#include "core/base/nearest.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX 32

static const char *use_name(enum suite_use use)
{
	return use == SUITE_IKE ? "IKE" : "ESP";
}

static const char *alg_word(const void *algs, size_t i)
{
	return ((const struct alg *)algs)[i].name;
}

static int unknown_word(const char *word, struct err *e)
{
	const struct alg *all;
	const char *near;
	size_t n;

	all = alg_table(&n);
	near = nearest(word, n, alg_word, all);
	if (near)
		return err_set(e, "unknown algorithm \"%s\": %s?", word, near);
	return err_set(e, "unknown algorithm \"%s\" (examples: aes256gcm16, aes256, sha256, ecp384, "
		       "modp2048)", word);
}

static int full(const char *word, struct err *e)
{
	return err_set(e, "too many alternatives at \"%s\": at most %d of a kind in one proposal",
		       word, SUITE_TYPE_MAX);
}

static int add_u16(uint16_t *list, uint8_t *n, const struct alg *a, struct err *e)
{
	for (int i = 0; i < *n; i++)
		if (list[i] == a->id)
			return 0;
	if (*n == SUITE_TYPE_MAX)
		return full(a->name, e);
	list[(*n)++] = a->id;
	return 0;
}

static int add_word(enum suite_use use, const char *word, struct suite *s, struct err *e)
{
	const struct alg *a;

	if ((a = alg_by_name(ALG_ENCR, word))) {
		if (!alg_built(a))
			return err_set(e, "\"%s\": the crypto library of this router has no %s", word,
				       a->label);
		if (use == SUITE_IKE && a->esp_only)
			return err_set(e, "\"%s\": %s is for ESP alone, IKE's own messages need "
				       "another (like aes256gcm16 or aes256)", word, a->label);
		if (s->n_encr == SUITE_TYPE_MAX)
			return full(word, e);
		s->encr[s->n_encr++] = (struct transform){ a->id, a->key_bits };
		return 0;
	}
	if ((a = alg_by_name(ALG_KE, word)))
		return add_u16(s->ke, &s->n_ke, a, e);
	if (strncasecmp(word, "prf", 3) == 0 && (a = alg_by_name(ALG_PRF, word + 3))) {
		if (use == SUITE_ESP)
			return err_set(e, "\"%s\": ESP has no PRF, leave it out", word);
		return add_u16(s->prf, &s->n_prf, a, e);
	}
	if ((a = alg_by_name(ALG_INTEG, word)))
		return add_u16(s->integ, &s->n_integ, a, e);
	return unknown_word(word, e);
}

static const char *encr_kind(uint16_t id)
{
	return id == ENCR_NULL ? "NULL" : id == ENCR_AES_CTR ? "CTR" : "CBC";
}

/* In IKE the hash words say the PRF too, unless a PRF was named; AEAD then drops them as
 * integrity (RFC 5282 §8). */
static int complete(enum suite_use use, const char *text, struct suite *s, struct err *e)
{
	unsigned aead = 0;

	if (!s->n_encr)
		return err_set(e, "\"%s\" names no encryption (like aes256gcm16 or aes256)", text);
	for (int i = 0; i < s->n_encr; i++)
		aead += alg_get(ALG_ENCR, s->encr[i].id, s->encr[i].key_bits)->aead;
	if (aead && aead < s->n_encr)
		return err_set(e, "\"%s\" mixes GCM or ChaCha20 with a cipher that needs a hash: "
			       "write two proposals, with a comma between", text);
	if (use == SUITE_IKE && !s->n_prf) {
		for (int i = 0; i < s->n_integ; i++) {
			const struct alg *h = alg_get(ALG_INTEG, s->integ[i], 0);
			const struct alg *p = alg_by_name(ALG_PRF, h->name);

			s->prf[s->n_prf++] = p->id;
		}
	}
	if (aead && use == SUITE_ESP && s->n_integ)
		return err_set(e, "\"%s\": GCM and ChaCha20 bring their own integrity, leave the hash "
			       "out", text);
	if (aead)
		s->n_integ = 0;
	else if (!s->n_integ)
		return err_set(e, "\"%s\" has %s encryption without a hash: add sha256", text,
			       encr_kind(s->encr[0].id));
	if (use == SUITE_IKE && !s->n_prf)
		return err_set(e, "\"%s\" has no hash for the PRF: add sha256 or sha384", text);
	if (use == SUITE_IKE && !s->n_ke)
		return err_set(e, "\"%s\" has no group: add ecp384, x25519 or modp2048", text);
	return 0;
}

static int parse_one(enum suite_use use, const char *text, struct suite *s, struct err *e)
{
	const char *p = text;

	memset(s, 0, sizeof(*s));
	while (*p) {
		size_t n = strcspn(p, "-");
		char word[WORD_MAX];

		/* "aes-256-gcm" style names are not taken apart: the dash parts words. */
		if (n == 0 || n >= sizeof(word))
			return err_set(e, "\"%.80s\" is not an %s proposal (like %s)", text,
				       use_name(use), use == SUITE_IKE ? "aes256gcm16-sha384-ecp384"
								      : "aes256gcm16-ecp384");
		memcpy(word, p, n);
		word[n] = '\0';
		if (add_word(use, word, s, e) < 0)
			return -1;
		p += n;
		if (*p == '-' && !*++p)
			return err_set(e, "\"%.80s\" ends with a dash", text);
	}
	return complete(use, text, s, e);
}

int suite_parse(enum suite_use use, const char *text, struct suite_list *out, struct err *e)
{
	struct suite_list l = { 0 };
	const char *p = text;

	while (*p) {
		size_t n;
		char one[128];

		p += strspn(p, ", \t");
		n = strcspn(p, ", \t");
		if (!n)
			break;
		if (n >= sizeof(one))
			return err_set(e, "an %s proposal is longer than %zu letters", use_name(use),
				       sizeof(one) - 1);
		if (l.n == SUITE_MAX)
			return err_set(e, "more than %d %s proposals", SUITE_MAX, use_name(use));
		memcpy(one, p, n);
		one[n] = '\0';
		if (parse_one(use, one, &l.s[l.n], e) < 0)
			return -1;
		l.n++;
		p += n;
	}
	if (!l.n)
		return err_set(e, "an %s proposal is missing (like %s)", use_name(use),
			       use == SUITE_IKE ? "aes256gcm16-sha384-ecp384" : "aes256gcm16-ecp384");
	*out = l;
	return 0;
}

struct text {
	char *buf;
	size_t cap, len;
};

static void word(struct text *t, const char *sep, const char *pre, const char *w)
{
	if (t->len < t->cap)
		t->len += (size_t)snprintf(t->buf + t->len, t->cap - t->len, "%s%s%s",
					   t->len ? sep : "", pre, w);
}

/* The PRFs are implied when they are the hashes, in order. */
static bool prf_implied(const struct suite *s)
{
	if (!s->n_integ || s->n_prf != s->n_integ)
		return s->n_integ == 0;
	for (int i = 0; i < s->n_prf; i++)
		if (strcmp(alg_get(ALG_PRF, s->prf[i], 0)->name,
			   alg_get(ALG_INTEG, s->integ[i], 0)->name) != 0)
			return false;
	return true;
}

const char *suite_str(enum suite_use use, const struct suite *s, char *buf, size_t cap)
{
	struct text t = { buf, cap, 0 };

	buf[0] = '\0';
	for (int i = 0; i < s->n_encr; i++)
		word(&t, "-", "", alg_get(ALG_ENCR, s->encr[i].id, s->encr[i].key_bits)->name);
	for (int i = 0; i < s->n_integ; i++)
		word(&t, "-", "", alg_get(ALG_INTEG, s->integ[i], 0)->name);
	if (use == SUITE_IKE && (!s->n_integ || !prf_implied(s)))
		for (int i = 0; i < s->n_prf; i++)
			word(&t, "-", s->n_integ ? "prf" : "", alg_get(ALG_PRF, s->prf[i], 0)->name);
	for (int i = 0; i < s->n_ke; i++)
		word(&t, "-", "", alg_get(ALG_KE, s->ke[i], 0)->name);
	return buf;
}

const char *suite_list_str(enum suite_use use, const struct suite_list *l, char *buf, size_t cap)
{
	size_t n = 0;

	buf[0] = '\0';
	for (int i = 0; i < l->n && n + 2 < cap; i++) {
		if (i)
			buf[n++] = ',';
		suite_str(use, &l->s[i], buf + n, cap - n);
		n += strlen(buf + n);
	}
	return buf;
}

static unsigned weak_of(enum alg_type type, uint16_t id, uint16_t bits)
{
	const struct alg *a = alg_get(type, id, bits);

	return a ? a->weak : 0;
}

unsigned suite_weak(const struct suite_list *l)
{
	unsigned w = 0;

	for (int i = 0; i < l->n; i++) {
		const struct suite *s = &l->s[i];

		for (int k = 0; k < s->n_encr; k++)
			w |= weak_of(ALG_ENCR, s->encr[k].id, s->encr[k].key_bits);
		for (int k = 0; k < s->n_integ; k++)
			w |= weak_of(ALG_INTEG, s->integ[k], 0);
		for (int k = 0; k < s->n_prf; k++)
			w |= weak_of(ALG_PRF, s->prf[k], 0);
		for (int k = 0; k < s->n_ke; k++)
			w |= weak_of(ALG_KE, s->ke[k], 0);
	}
	return w;
}
