/* keymat: the derivations, each as the RFC writes it. */
#include "ike/wire/keymat.h"

#include "core/base/secret.h"

#include <assert.h>
#include <string.h>

static struct slice bytes(const void *p, size_t len)
{
	return (struct slice){ .p = p, .len = len };
}

static void spi_bytes(uint64_t spi, uint8_t out[8])
{
	struct wr w = wr_init(out, 8);

	wr_u64(&w, spi);
}

/* §2.14: SKEYSEED = prf(Ni | Nr, g^ir). §2.18: SKEYSEED = prf(SK_d(old), g^ir | Ni | Nr),
 * with the old SA's prf. Writes the output's length to *len. */
static int skeyseed(const struct chosen *c, struct slice ni, struct slice nr,
		    struct slice shared, const struct ike_keys *old, uint8_t *out, size_t *len)
{
	uint8_t nonces[2 * NONCE_MAX];
	struct slice rekey[3] = { shared, ni, nr };
	const struct alg *a;

	if (old) {
		*len = old->prf_len;
		return prf(old->prf, bytes(old->d, old->prf_len), rekey, 3, out);
	}
	a = alg_get(ALG_PRF, c->prf, 0);
	if (!a || ni.len > NONCE_MAX || nr.len > NONCE_MAX)
		return -1;
	*len = a->out_len;
	memcpy(nonces, ni.p, ni.len);
	memcpy(nonces + ni.len, nr.p, nr.len);
	return prf(c->prf, bytes(nonces, ni.len + nr.len), &shared, 1, out);
}

/* {SK_d | SK_ai | SK_ar | SK_ei | SK_er | SK_pi | SK_pr} = prf+(SKEYSEED, Ni | Nr | SPIi | SPIr) */
static int expand(struct ike_keys *k, struct slice seed_key, struct slice ni, struct slice nr,
		  uint64_t spi_i, uint64_t spi_r)
{
	size_t total = 3u * k->prf_len + 2u * k->integ_len + 2u * k->encr_len;
	uint8_t si[8], sr[8], *mat = secret_new(total);
	struct slice seed[4] = { ni, nr, bytes(si, 8), bytes(sr, 8) };
	struct rd r = rd_init(mat, total);
	int rc;

	if (!mat)
		return -1;
	spi_bytes(spi_i, si);
	spi_bytes(spi_r, sr);
	rc = prf_plus(k->prf, seed_key, seed, 4, mat, total);
	rd_copy(&r, k->d, k->prf_len);
	rd_copy(&r, k->ai, k->integ_len);
	rd_copy(&r, k->ar, k->integ_len);
	rd_copy(&r, k->ei, k->encr_len);
	rd_copy(&r, k->er, k->encr_len);
	rd_copy(&r, k->pi, k->prf_len);
	rd_copy(&r, k->pr, k->prf_len);
	assert(rd_done(&r));
	secret_free(mat);
	return rc;
}

struct ike_keys *keymat_ike(const struct chosen *c, struct slice ni, struct slice nr,
			    uint64_t spi_i, uint64_t spi_r, struct slice shared,
			    const struct ike_keys *old, struct err *e)
{
	const struct alg *encr = alg_get(ALG_ENCR, c->encr, c->encr_bits);
	const struct alg *prf_alg = alg_get(ALG_PRF, c->prf, 0);
	const struct alg *integ = c->integ ? alg_get(ALG_INTEG, c->integ, 0) : NULL;
	uint8_t seed[PRF_MAX];
	size_t seed_len = 0;
	struct ike_keys *k;
	int rc;

	if (!encr || !prf_alg || encr->aead != !integ) {
		err_set(e, "keys for algorithms that are not known here");
		return NULL;
	}
	k = secret_new(sizeof(*k));
	if (!k) {
		err_errno(e, "keys of the IKE SA");
		return NULL;
	}
	k->prf = c->prf;
	k->prf_len = prf_alg->out_len;
	k->encr_len = encr->key_len;
	k->integ_len = integ ? integ->key_len : 0;
	assert(k->prf_len <= sizeof(k->d) && k->encr_len <= sizeof(k->ei) &&
	       k->integ_len <= sizeof(k->ai));
	rc = skeyseed(c, ni, nr, shared, old, seed, &seed_len);
	if (!rc)
		rc = expand(k, bytes(seed, seed_len), ni, nr, spi_i, spi_r);
	secret_wipe(seed, sizeof(seed));
	if (rc) {
		keymat_free(k);
		err_set(e, "the keys of the IKE SA could not be derived");
		return NULL;
	}
	return k;
}

void keymat_free(struct ike_keys *k)
{
	secret_free(k);
}

/* KEYMAT = prf+(SK_d, [g^ir (new) |] Ni | Nr): for the SA from the initiator first, and in
 * each the encryption key before the integrity key (§2.17). */
int keymat_child(const struct ike_keys *ike, const struct chosen *c, struct slice ni,
		 struct slice nr, struct slice shared, bool initiator, struct sa_key *in,
		 struct sa_key *out, struct err *e)
{
	bool ah = c->protocol == PROTO_AH;
	const struct alg *encr = ah ? NULL : alg_get(ALG_ENCR, c->encr, c->encr_bits);
	const struct alg *integ = c->integ ? alg_get(ALG_INTEG, c->integ, 0) : NULL;
	struct sa_key *first = initiator ? out : in, *second = initiator ? in : out;
	struct slice seed[3] = { shared, ni, nr };
	uint8_t mat[2 * (SA_KEY_MAX + SA_INTEG_KEY_MAX)];
	struct rd r;
	size_t total;
	int rc;

	memset(in, 0, sizeof(*in));
	memset(out, 0, sizeof(*out));
	if (ah ? !integ : !encr || encr->aead != !integ)
		return err_set(e, "keys for algorithms that are not known here");
	first->encr_len = second->encr_len = encr ? encr->key_len : 0;
	first->integ_len = second->integ_len = integ ? integ->key_len : 0;
	assert(first->encr_len <= SA_KEY_MAX && first->integ_len <= SA_INTEG_KEY_MAX);
	total = 2u * (first->encr_len + first->integ_len);
	rc = prf_plus(ike->prf, bytes(ike->d, ike->prf_len), shared.len ? seed : seed + 1,
		      shared.len ? 3 : 2, mat, total);
	r = rd_init(mat, total);
	if (!rc) {
		rd_copy(&r, first->encr, first->encr_len);
		rd_copy(&r, first->integ, first->integ_len);
		rd_copy(&r, second->encr, second->encr_len);
		rd_copy(&r, second->integ, second->integ_len);
	}
	secret_wipe(mat, sizeof(mat));
	return rc ? err_set(e, "the keys of the child SA could not be derived") : 0;
}

int keymat_auth_octets(struct wr *w, struct slice message, struct slice nonce, uint16_t prf_id,
		       struct slice sk_p, struct slice id_body, struct err *e)
{
	const struct alg *a = alg_get(ALG_PRF, prf_id, 0);
	uint8_t maced[PRF_MAX];

	if (!a || prf(prf_id, sk_p, &id_body, 1, maced) < 0)
		return err_set(e, "PRF %u is not known here", prf_id);
	wr_bytes(w, message.p, message.len);
	wr_bytes(w, nonce.p, nonce.len);
	wr_bytes(w, maced, a->out_len);
	secret_wipe(maced, sizeof(maced));
	if (!wr_ok(w))
		return err_set(e, "what AUTH signs does not fit in %zu bytes: "
			       "the first message has %zu", w->cap, message.len);
	return 0;
}

void keymat_nat_hash(uint64_t spi_i, uint64_t spi_r, const struct endpoint *ep, uint8_t out[20])
{
	uint8_t si[8], sr[8], port[2] = { (uint8_t)(ep->port >> 8), (uint8_t)ep->port };
	struct slice parts[4] = {
		bytes(si, 8), bytes(sr, 8), bytes(ep->addr.b, addr_len(&ep->addr)), bytes(port, 2),
	};

	spi_bytes(spi_i, si);
	spi_bytes(spi_r, sr);
	hash_sha1(parts, 4, out);
}
