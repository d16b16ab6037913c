/* sa: what an IKE SA of IKEv2 has of its own: nonces, keys, and where it follows its peer. */
#include "ike/v2/v2.h"

#include "ike/engine/tap.h"
#include "ike/v2/ppk.h"

#include <stdlib.h>
#include <string.h>

void nonce_min(struct slice a, struct slice b, uint8_t out[NONCE_CMP])
{
	/* Nonces have at least NONCE_MIN = NONCE_CMP bytes (ike/wire). */
	memcpy(out, memcmp(a.p, b.p, NONCE_CMP) < 0 ? a.p : b.p, NONCE_CMP);
}

static void blobs_free(struct handshake *hs)
{
	struct blob *blobs[] = { &hs->mine, &hs->theirs, &hs->cookie, &hs->peer_nonce,
				 &hs->in.id, &hs->in.id_asked, &hs->in.auth, &hs->in.sa,
				 &hs->in.tsi, &hs->in.tsr, &hs->in.certs,
				 &hs->in.ppk_id, &hs->in.no_ppk_auth, &hs->auth,
				 &hs->auth_no_ppk };

	for (size_t i = 0; i < sizeof(blobs) / sizeof(blobs[0]); i++)
		blob_free(blobs[i]);
}

void handshake_free(struct ike_sa *sa)
{
	struct handshake *hs = v2(sa)->hs;

	if (!hs)
		return;
	timer_stop(sa->e->ts, &hs->check);
	blobs_free(hs);
	ppk_forget(hs);
	free(hs->wrong);
	ke_free(hs->ke);
	free(hs->refused_words);
	free(hs);
	v2(sa)->hs = NULL;
}

/* ---- keys ---- */

static const struct alg *sa_encr(const struct ike_sa *sa)
{
	return alg_get(ALG_ENCR, sa->ike.encr, sa->ike.encr_bits);
}

static const struct alg *sa_integ(const struct ike_sa *sa)
{
	return sa->ike.integ ? alg_get(ALG_INTEG, sa->ike.integ, 0) : NULL;
}

/* One direction: what the initiator seals, or what the responder does. */
static struct sk *sk_make(const struct ike_sa *sa, const struct ike_keys *k,
			  bool of_initiator, struct err *e)
{
	struct slice encr = { of_initiator ? k->ei : k->er, k->encr_len };
	struct slice integ = { of_initiator ? k->ai : k->ar, k->integ_len };

	return sk_new(sa_encr(sa), encr, sa_integ(sa), integ, e);
}

struct sk *sa_sk(const struct ike_sa *sa, bool of_initiator, struct err *e)
{
	return sk_make(sa, v2(sa)->keys, of_initiator, e);
}

int sa_keys_set(struct ike_sa *sa, struct ike_keys *keys, struct err *e)
{
	struct sk *seal = sk_make(sa, keys, sa->initiator, e);

	/* Both or none: with keys there is a half that seals. */
	if (!seal) {
		keymat_free(keys);
		return -1;
	}
	v2(sa)->keys = keys;
	v2(sa)->seal = seal;
	tap_keys(sa);
	return 0;
}

/* The opening half is made for each message: an idle tunnel is kept small, and IKE
 * messages are rare. The sealing half must last, for its IVs count (RFC 5282 §3.1). */
int sa_open(struct ike_sa *sa, struct ike_msg *m, struct err *e)
{
	struct sk *s = sk_make(sa, v2(sa)->keys, !sa->initiator, e);
	int rc;

	if (!s) {
		m->error = 0;
		return -1;
	}
	rc = sk_open(s, m, e);
	sk_free(s);
	return rc;
}

/* ---- where the peer is ---- */

/* §2.23: a host that is not behind a NAT itself follows its peer to wherever its last
 * authentic, new packet came from. Before IKE_AUTH is done the float to 4500 is followed.
 */
void sa_endpoints(struct ike_sa *sa, const struct input *in)
{
	char was[ENDPOINT_TEXT_MAX], is[ENDPOINT_TEXT_MAX];

	if (endpoint_equal(&sa->remote, in->remote) &&
	    endpoint_equal(&sa->local, in->local))
		return;
	if (sa->state == SA_HALF_OPEN) {
		sa->local = *in->local;
		sa->remote = *in->remote;
		return;
	}
	/* RFC 4555 §3.8: with MOBIKE the peer says when it moves. */
	if (sa->state != SA_ESTABLISHED || sa->roams || !sa->nat_remote || sa->nat_local ||
	    !sa->encap || in->local->port != sa->local.port ||
	    endpoint_equal(&sa->remote, in->remote))
		return;
	log_info(sa->peer->conf.name, "the peer moved from %s to %s",
		 endpoint_str(&sa->remote, was), endpoint_str(in->remote, is));
	sa->remote = *in->remote;
	sa_moved(sa);
}
