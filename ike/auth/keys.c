/* keys: two lists. One key often serves all peers, so it is parsed and held once. */
#include "ike/auth/keys.h"

#include "core/base/secret.h"
#include "core/crypto/crypto.h"
#include "core/crypto/pk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_LEN 32

struct key {
	struct key *next;
	unsigned refs;
	uint8_t hash[HASH_LEN];	/* of the file it came from */
	struct pk *pk;
};

struct holder {
	struct holder *next;
	char peer[PEER_NAME_MAX + 1];
	struct key *key;	/* NULL: none */
	uint8_t *ppk;		/* of the arena; NULL: none */
	uint16_t ppk_len;
};

struct keys {
	struct key *keys;
	struct holder *holders;
	size_t n;
};

struct keys *keys_new(void)
{
	return calloc(1, sizeof(struct keys));
}

static void key_drop(struct keys *k, struct key *key)
{
	if (!key || --key->refs)
		return;
	for (struct key **at = &k->keys; *at; at = &(*at)->next)
		if (*at == key) {
			*at = key->next;
			break;
		}
	k->n--;
	pk_free(key->pk);
	secret_wipe(key, sizeof(*key));
	free(key);
}

void keys_free(struct keys *k)
{
	if (!k)
		return;
	while (k->holders) {
		struct holder *h = k->holders;

		k->holders = h->next;
		key_drop(k, h->key);
		secret_free(h->ppk);
		free(h);
	}
	free(k);
}

static struct holder *find(const struct keys *k, const char *peer)
{
	for (struct holder *h = k->holders; h; h = h->next)
		if (strcmp(h->peer, peer) == 0)
			return h;
	return NULL;
}

static struct holder *find_or_make(struct keys *k, const char *peer, struct err *e)
{
	struct holder *h = find(k, peer);

	if (h)
		return h;
	if (!peer[0] || strlen(peer) > PEER_NAME_MAX) {
		err_set(e, "a key for a peer whose name cannot be");
		return NULL;
	}
	h = calloc(1, sizeof(*h));
	if (!h) {
		err_set(e, "out of memory");
		return NULL;
	}
	snprintf(h->peer, sizeof(h->peer), "%s", peer);
	h->next = k->holders;
	k->holders = h;
	return h;
}

static void drop_empty(struct keys *k, const struct holder *h)
{
	if (h->key || h->ppk)
		return;
	for (struct holder **at = &k->holders; *at; at = &(*at)->next)
		if (*at == h) {
			struct holder *gone = *at;

			*at = gone->next;
			free(gone);
			return;
		}
}

/* The key of that file, with one reference more. */
static struct key *key_get(struct keys *k, struct slice file, struct err *e)
{
	uint8_t hash[HASH_LEN];
	struct key *key;

	hash_sha256(&file, 1, hash);
	for (key = k->keys; key; key = key->next)
		if (memcmp(key->hash, hash, HASH_LEN) == 0) {
			key->refs++;
			return key;
		}
	key = calloc(1, sizeof(*key));
	if (!key) {
		err_set(e, "out of memory");
		return NULL;
	}
	key->pk = pk_private(file, e);
	if (!key->pk) {
		free(key);
		return NULL;
	}
	memcpy(key->hash, hash, HASH_LEN);
	key->refs = 1;
	key->next = k->keys;
	k->keys = key;
	k->n++;
	return key;
}

int keys_set(struct keys *k, const char *peer, struct slice file, struct err *e)
{
	struct holder *h = find_or_make(k, peer, e);
	struct key *key;

	if (!h)
		return -1;
	key = key_get(k, file, e);
	key_drop(k, h->key);
	h->key = key;
	drop_empty(k, h);
	return key ? 0 : -1;
}

int keys_set_ppk(struct keys *k, const char *peer, struct slice ppk, struct err *e)
{
	struct holder *h;
	uint8_t *copy;

	if (ppk.len < 1 || ppk.len > PSK_MAX)
		return err_set(e, "the PPK has %zu bytes: 1 to %d can be", ppk.len,
			       PSK_MAX);
	copy = secret_new(ppk.len);
	h = copy ? find_or_make(k, peer, e) : NULL;
	if (!h) {
		secret_free(copy);
		return copy ? -1 : err_set(e, "out of memory");
	}
	memcpy(copy, ppk.p, ppk.len);
	secret_free(h->ppk);
	h->ppk = copy;
	h->ppk_len = (uint16_t)ppk.len;
	return 0;
}

void keys_remove(struct keys *k, const char *peer)
{
	struct holder *h = find(k, peer);

	if (!h)
		return;
	key_drop(k, h->key);
	h->key = NULL;
	drop_empty(k, h);
}

void keys_remove_ppk(struct keys *k, const char *peer)
{
	struct holder *h = find(k, peer);

	if (!h)
		return;
	secret_free(h->ppk);
	h->ppk = NULL;
	drop_empty(k, h);
}

size_t keys_count(const struct keys *k)
{
	return k->n;
}

/* ---- answers ---- */

bool keys_asked(const struct msg_auth *m)
{
	return m->kind == VAULT_SIGNATURE || m->kind == VAULT_PPK;
}

static void sign(const struct holder *h, const struct msg_auth *m, struct slice octets,
		 struct msg_auth_done *out)
{
	uint8_t sig[PK_SIGNATURE_MAX];
	size_t len;

	if (m->scheme < PK_RSA_PKCS1_SHA1 || m->scheme >= PK_SCHEME_N ||
	    pk_sign(h->key->pk, (enum pk_scheme)m->scheme, octets, sig, &len, NULL) < 0 ||
	    len > sizeof(out->auth))
		return;
	memcpy(out->auth, sig, len);
	out->auth_len = (uint16_t)len;
	out->ok = 1;
}

/* RFC 8784 §3: SK_d = prf+(PPK, SK_d'), and so for SK_pi and SK_pr. */
static void mix(const struct holder *h, const struct msg_auth *m, struct slice octets,
		struct msg_auth_done *out)
{
	const struct alg *alg = alg_get(ALG_PRF, m->prf, 0);
	struct slice ppk = { h->ppk, h->ppk_len };

	if (!alg || octets.len != 3u * alg->out_len || octets.len > sizeof(out->auth))
		return;
	for (size_t i = 0; i < 3; i++) {
		struct slice old = { octets.p + i * alg->out_len, alg->out_len };

		if (prf_plus(m->prf, ppk, &old, 1, out->auth + i * alg->out_len,
			     alg->out_len) < 0) {
			secret_wipe(out->auth, sizeof(out->auth));
			return;
		}
	}
	out->auth_len = (uint16_t)octets.len;
	out->ok = 1;
}

void keys_answer(const struct keys *k, const struct msg_auth *m,
		 struct msg_auth_done *out)
{
	struct slice octets = { m->octets, m->octets_len };
	const struct holder *h;

	memset(out, 0, sizeof(*out));
	/* iked is the process that strangers talk to: believe nothing of what it says. */
	if (!memchr(m->peer, '\0', sizeof(m->peer)) || m->octets_len > sizeof(m->octets))
		return;
	h = find(k, m->peer);
	if (m->kind == VAULT_SIGNATURE) {
		if (h && h->key)
			sign(h, m, octets, out);
		else
			out->no_secret = 1;
	} else if (m->kind == VAULT_PPK) {
		if (h && h->ppk)
			mix(h, m, octets, out);
		else
			out->no_secret = 1;
	}
}
