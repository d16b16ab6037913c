/* ppk: three keys in, three keys out. */
#include "ike/v2/ppk.h"

#include "core/base/secret.h"
#include "ike/v2/cert.h"
#include "ike/v2/v2.h"

#include <string.h>

#define PPK_ID_FIXED 2		/* RFC 8784 §5.1 */

struct ppk_keys {
	uint8_t d[PRF_MAX], pi[PRF_MAX], pr[PRF_MAX];
};

void ppk_ask(struct ike_sa *sa)
{
	const struct ike_keys *k = v2(sa)->keys;
	uint8_t octets[3 * PRF_MAX];
	struct wr w = wr_init(octets, sizeof(octets));

	wr_bytes(&w, k->d, k->prf_len);
	wr_bytes(&w, k->pi, k->prf_len);
	wr_bytes(&w, k->pr, k->prf_len);
	vault_sign(sa, &(struct vault_query){ .kind = VAULT_PPK, .prf = sa->ike.prf,
					      .octets = { octets, w.len } });
	secret_wipe(octets, sizeof(octets));
}

int ppk_store(struct ike_sa *sa, struct slice answer, struct err *e)
{
	struct handshake *hs = v2(sa)->hs;
	size_t len = v2(sa)->keys->prf_len;

	if (answer.len != 3 * len)
		return err_set(e, "the vault's answer does not fit");
	if (!hs->ppk_keys)
		hs->ppk_keys = secret_new(sizeof(*hs->ppk_keys));
	if (!hs->ppk_keys)
		return err_set(e, "out of memory");
	memcpy(hs->ppk_keys->d, answer.p, len);
	memcpy(hs->ppk_keys->pi, answer.p + len, len);
	memcpy(hs->ppk_keys->pr, answer.p + 2 * len, len);
	return 0;
}

struct slice ppk_sk_p(const struct ike_sa *sa, bool of_initiator)
{
	const struct ppk_keys *k = v2(sa)->hs->ppk_keys;

	return (struct slice){ of_initiator ? k->pi : k->pr, v2(sa)->keys->prf_len };
}

void ppk_apply(struct ike_sa *sa)
{
	struct ike_keys *k = v2(sa)->keys;
	struct ppk_keys *p = v2(sa)->hs->ppk_keys;

	memcpy(k->d, p->d, k->prf_len);
	memcpy(k->pi, p->pi, k->prf_len);
	memcpy(k->pr, p->pr, k->prf_len);
	v2(sa)->hs->ppk_used = true;
	ppk_forget(v2(sa)->hs);
}

void ppk_forget(struct handshake *hs)
{
	secret_free(hs->ppk_keys);
	hs->ppk_keys = NULL;
}

static void write_identity(struct build *b, const struct peer *p)
{
	uint8_t id[1 + PPK_ID_MAX];
	size_t len = strlen(p->conf.ppk_id);

	id[0] = PPK_ID_FIXED;
	memcpy(id + 1, p->conf.ppk_id, len);
	build_notify(b, PROTO_NONE, 0, 0, N_PPK_IDENTITY, (struct slice){ id, 1 + len });
}

bool ppk_is(const struct peer *p, struct slice identity)
{
	size_t len = strlen(p->conf.ppk_id);

	return len && identity.len == 1 + len && identity.p[0] == PPK_ID_FIXED &&
	       memcmp(identity.p + 1, p->conf.ppk_id, len) == 0;
}

void ppk_write(struct ike_sa *sa, struct build *b)
{
	struct handshake *hs = v2(sa)->hs;
	uint8_t data[AUTH_MAX + 256];
	size_t len;

	if (!hs->ppk_keys)
		return;
	write_identity(b, sa->peer);
	if (!hs->auth_no_ppk.p)
		return;
	len = hs->scheme ? cert_auth_data(hs->scheme, blob_slice(&hs->auth_no_ppk), data,
					  sizeof(data)) : 0;
	build_notify(b, PROTO_NONE, 0, 0, N_NO_PPK_AUTH,
		     hs->scheme ? (struct slice){ data, len }
				: blob_slice(&hs->auth_no_ppk));
}

int ppk_settle(struct ike_sa *sa)
{
	struct handshake *hs = v2(sa)->hs;

	if (!hs->ppk_keys)
		return 0;
	if (hs->in.ppk_answered) {
		ppk_apply(sa);
		return 0;
	}
	if (sa->peer->conf.ppk_required) {
		sa_why(sa, true, "the peer does not use our post-quantum key, and this side "
				 "requires it (ppk, ppk_required)");
		return -1;
	}
	log_info(sa->peer->conf.name, "the peer does not know our post-quantum key (ppk); "
		 "connected without");
	ppk_forget(hs);
	return 0;
}
