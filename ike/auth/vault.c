/* vault: a list of peers, their keys in the secret arena. A router has tens of peers, at most
 * some hundreds, and asks twice a tunnel: a plain list it is. */
#include "ike/auth/vault.h"

#include "core/base/secret.h"
#include "ike/auth/psk.h"
#include "ike/auth/variants.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	struct entry *next;
	char peer[PEER_NAME_MAX + 1];
	uint16_t len;
	uint8_t *psk;		/* of the arena */
};

struct vault {
	struct entry *entries;
	size_t n;
};

struct vault *vault_new(void)
{
	return calloc(1, sizeof(struct vault));
}

static void entry_free(struct entry *en)
{
	secret_free(en->psk);
	free(en);
}

void vault_free(struct vault *v)
{
	if (!v)
		return;
	while (v->entries) {
		struct entry *en = v->entries;

		v->entries = en->next;
		entry_free(en);
	}
	free(v);
}

static struct entry *find(const struct vault *v, const char *peer)
{
	for (struct entry *en = v->entries; en; en = en->next)
		if (strcmp(en->peer, peer) == 0)
			return en;
	return NULL;
}

int vault_set(struct vault *v, const char *peer, const void *psk, size_t len, struct err *e)
{
	struct entry *en;
	uint8_t *copy;

	if (!peer[0] || strlen(peer) > PEER_NAME_MAX)
		return err_set(e, "a secret for a peer whose name cannot be");
	if (len < 1 || len > PSK_MAX)
		return err_set(e, "the PSK has %zu bytes: 1 to %d can be", len, PSK_MAX);
	copy = secret_new(len);
	if (!copy)
		return err_set(e, "out of memory");
	memcpy(copy, psk, len);
	en = find(v, peer);
	if (!en) {
		en = calloc(1, sizeof(*en));
		if (!en) {
			secret_free(copy);
			return err_set(e, "out of memory");
		}
		snprintf(en->peer, sizeof(en->peer), "%s", peer);
		en->next = v->entries;
		v->entries = en;
		v->n++;
	}
	secret_free(en->psk);
	en->psk = copy;
	en->len = (uint16_t)len;
	return 0;
}

void vault_remove(struct vault *v, const char *peer)
{
	for (struct entry **at = &v->entries; *at; at = &(*at)->next) {
		struct entry *en = *at;

		if (strcmp(en->peer, peer) != 0)
			continue;
		*at = en->next;
		entry_free(en);
		v->n--;
		return;
	}
}

size_t vault_count(const struct vault *v)
{
	return v->n;
}

/* Would the peer's AUTH be right with this key? */
static bool would_match(void *arg, struct slice variant)
{
	const struct msg_auth *m = arg;
	uint8_t auth[PRF_MAX];
	size_t len;
	bool is = psk_auth(m->prf, variant, (struct slice){ m->octets, m->octets_len }, auth,
			   &len) == 0 &&
		  m->auth_len == len && secret_equal(auth, m->auth, len);

	secret_wipe(auth, sizeof(auth));
	return is;
}

static void answer_psk(const struct msg_auth *m, struct slice psk, struct slice octets,
		       bool verify, struct msg_auth_done *out)
{
	uint8_t auth[PRF_MAX];
	size_t len;

	if (psk_auth(m->prf, psk, octets, auth, &len) == 0) {
		if (verify) {
			out->ok = m->auth_len == len && secret_equal(auth, m->auth, len);
			if (!out->ok)
				out->hint = variants_try(psk, would_match, (void *)m);
		} else {
			out->ok = 1;
			out->auth_len = (uint16_t)len;
			memcpy(out->auth, auth, len);
		}
	}
	secret_wipe(auth, sizeof(auth));
}

static void answer_skeyid(const struct msg_auth *m, struct slice psk, struct slice octets,
			  struct msg_auth_done *out)
{
	size_t len;

	if (psk_skeyid(m->prf, psk, octets, out->auth, &len) < 0)
		return;
	out->ok = 1;
	out->auth_len = (uint16_t)len;
}

void vault_answer(const struct vault *v, const struct msg_auth *m, bool verify,
		  struct msg_auth_done *out)
{
	const struct entry *en;
	struct slice psk, octets;

	memset(out, 0, sizeof(*out));
	/* iked is the process that strangers talk to: believe nothing of what it says. */
	if (!memchr(m->peer, '\0', sizeof(m->peer)) || m->octets_len > sizeof(m->octets) ||
	    m->auth_len > sizeof(m->auth) || (verify && m->kind != VAULT_PSK))
		return;
	en = find(v, m->peer);
	if (!en) {
		out->no_secret = 1;
		return;
	}
	psk = (struct slice){ .p = en->psk, .len = en->len };
	octets = (struct slice){ .p = m->octets, .len = m->octets_len };
	switch (m->kind) {
	case VAULT_PSK:
		answer_psk(m, psk, octets, verify, out);
		break;
	case VAULT_SKEYID:
		answer_skeyid(m, psk, octets, out);
		break;
	}
}
