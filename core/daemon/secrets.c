/* secrets: PSKs on their way from secrets/NAME to vaultd. They stay here no longer than that;
 * what is kept is a keyed hash, to see at the next reload which one is another. */
#include "core/daemon/monitor.h"

#include "core/base/log.h"
#include "core/base/rng.h"
#include "core/base/secret.h"
#include "core/daemon/siphash.h"

#include <stdlib.h>
#include <string.h>

struct secret_mark {
	char peer[PEER_NAME_MAX + 1];
	uint64_t mark;
};

void secrets_init(struct secrets *s)
{
	*s = (struct secrets){ 0 };
	rng_bytes(s->key, sizeof(s->key));
}

void secrets_fini(struct secrets *s)
{
	free(s->v);
	secret_wipe(s, sizeof(*s));
}

static struct secret_mark *find(struct secrets *s, const char *peer)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i].peer, peer) == 0)
			return &s->v[i];
	return NULL;
}

void secrets_forget(struct monitor *m, const char *peer)
{
	struct secret_mark *k = find(&m->secrets, peer);
	struct msg_name name = { 0 };

	if (!k)
		return;
	*k = m->secrets.v[--m->secrets.n];
	strncpy(name.name, peer, sizeof(name.name) - 1);
	(void)procs_send(m, PROC_VAULTD, MSG_SECRET_REMOVE, 0, &name, sizeof(name));
}

/* True when it is another than before. */
static bool remember(struct secrets *s, const char *peer, uint64_t mark)
{
	struct secret_mark *k = find(s, peer), *grown;

	if (k && k->mark == mark)
		return false;
	if (!k) {
		grown = realloc(s->v, (s->n + 1) * sizeof(*grown));
		if (!grown)
			return true;
		s->v = grown;
		k = &s->v[s->n++];
		memset(k, 0, sizeof(*k));
		strncpy(k->peer, peer, sizeof(k->peer) - 1);
	}
	k->mark = mark;
	return true;
}

static void deliver(struct monitor *m, const char *peer, const uint8_t *psk, size_t len)
{
	struct msg_secret *msg = secret_new(sizeof(*msg));

	if (!msg) {
		log_error(peer, "no memory for its secret");
		return;
	}
	strncpy(msg->name, peer, sizeof(msg->name) - 1);
	msg->len = (uint16_t)len;
	memcpy(msg->bytes, psk, len);
	(void)procs_send(m, PROC_VAULTD, MSG_SECRET_SET, 0, msg, sizeof(*msg));
	secret_free(msg);
}

/* Does either side prove itself by one? */
static bool needs_psk(const struct monitor *m, const char *peer)
{
	for (size_t i = 0; i < m->settings.n_peers; i++) {
		const struct peer_conf *p = &m->settings.peers[i];

		if (strcmp(p->name, peer) == 0)
			return p->auth == AUTH_BY_PSK || p->peer_auth == AUTH_BY_PSK;
	}
	return true;
}

int secrets_send(struct monitor *m, const char *peer, bool always)
{
	uint8_t *psk = secret_new(PSK_MAX);
	struct err e = { 0 };
	size_t len = 0;
	bool other;

	if (!psk) {
		log_error(peer, "no memory for its secret");
		return 0;
	}
	if (settings_secret(m->opt.config_dir, peer, psk, &len, &e) < 0) {
		secret_free(psk);
		if (e.code != EXIT_NO_PEER) {
			/* What vaultd has stays: a wrong mode is no change of the PSK. */
			log_error(peer, "its secret cannot be read: %s", e.msg);
			return 0;
		}
		if (always && needs_psk(m, peer))
			log_warning(peer, "no PSK is stored for it");
		other = find(&m->secrets, peer) != NULL;
		secrets_forget(m, peer);
		return other;
	}
	other = remember(&m->secrets, peer, siphash(m->secrets.key, psk, len));
	if (always || other)
		deliver(m, peer, psk, len);
	secret_free(psk);
	return other;
}
