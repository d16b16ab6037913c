/* keys: RFC 2409's derivations, one function each. */
#include "ike/v1/keys.h"

#include "core/base/secret.h"
#include "core/base/wr.h"

#include <string.h>

static struct slice be64(uint64_t v, uint8_t out[8])
{
	struct wr w = wr_init(out, 8);

	wr_u64(&w, v);
	return (struct slice){ out, 8 };
}

static struct slice be32(uint32_t v, uint8_t out[4])
{
	struct wr w = wr_init(out, 4);

	wr_u32(&w, v);
	return (struct slice){ out, 4 };
}

int v1_skeyid_sig(uint16_t prf_id, struct slice ni, struct slice nr, struct slice shared,
		  uint8_t *out)
{
	uint8_t key[2 * 256];

	if (ni.len + nr.len > sizeof(key))
		return -1;
	memcpy(key, ni.p, ni.len);
	memcpy(key + ni.len, nr.p, nr.len);
	return prf(prf_id, (struct slice){ key, ni.len + nr.len }, &shared, 1, out);
}

/* Appendix B: where SKEYID_e is shorter than the key: Ka = K1 | K2 …, K1 = prf(SKEYID_e, 0),
 * Kn = prf(SKEYID_e, Kn-1). */
static int stretch(struct v1_keys *k, const uint8_t *e, size_t len)
{
	static const uint8_t zero;
	struct slice key = { e, k->prf_len }, from = { &zero, 1 };
	uint8_t block[PRF_MAX];
	size_t at = 0;
	int how = 0;

	if (k->prf_len >= len) {
		memcpy(k->key, e, len);
		return 0;
	}
	while (at < len && how == 0) {
		uint8_t next[PRF_MAX];
		size_t n = len - at < k->prf_len ? len - at : k->prf_len;

		how = prf(k->prf, key, &from, 1, next);
		memcpy(block, next, k->prf_len);
		memcpy(k->key + at, block, n);
		from = (struct slice){ block, k->prf_len };
		at += n;
		secret_wipe(next, sizeof(next));
	}
	secret_wipe(block, sizeof(block));
	return how;
}

static int derive(struct v1_keys *k, struct slice shared, uint64_t ci, uint64_t cr,
		  size_t key_len)
{
	struct slice skeyid = { k->skeyid, k->prf_len };
	uint8_t i[8], r[8], nr = 0, e[PRF_MAX];
	struct slice parts[5] = { { 0 }, shared, be64(ci, i), be64(cr, r), { &nr, 1 } };
	int how = prf(k->prf, skeyid, parts + 1, 4, k->d);

	nr = 1;
	parts[0] = (struct slice){ k->d, k->prf_len };
	if (how == 0)
		how = prf(k->prf, skeyid, parts, 5, k->a);
	nr = 2;
	parts[0] = (struct slice){ k->a, k->prf_len };
	if (how == 0)
		how = prf(k->prf, skeyid, parts, 5, e);
	if (how == 0)
		how = stretch(k, e, key_len);
	secret_wipe(e, sizeof(e));
	return how;
}

struct v1_keys *v1_keys_new(const struct chosen *c, struct slice skeyid, struct slice shared,
			    uint64_t ci, uint64_t cr, struct err *e)
{
	const struct alg *p = alg_get(ALG_PRF, c->prf, 0);
	const struct alg *encr = alg_get(ALG_ENCR, c->encr, c->encr_bits);
	struct v1_keys *k;

	if (!p || !encr || encr->key_len > CBC_KEY_MAX || skeyid.len != p->out_len) {
		err_set(e, "algorithms unknown here");
		return NULL;
	}
	k = secret_new(sizeof(*k));
	if (!k) {
		err_set(e, "out of memory");
		return NULL;
	}
	k->prf = c->prf;
	k->prf_len = p->out_len;
	k->encr = c->encr;
	k->encr_bits = c->encr_bits;
	k->key_len = encr->key_len;
	memcpy(k->skeyid, skeyid.p, skeyid.len);
	if (derive(k, shared, ci, cr, encr->key_len) < 0) {
		secret_free(k);
		err_set(e, "keys cannot be made");
		return NULL;
	}
	return k;
}

void v1_keys_free(struct v1_keys *k)
{
	secret_free(k);
}

int v1_hash(const struct v1_keys *k, struct slice own_public, struct slice other_public,
	    uint64_t own_cookie, uint64_t other_cookie, struct slice sa_body,
	    struct slice id_body, uint8_t *out)
{
	uint8_t own[8], other[8];
	struct slice parts[] = { own_public, other_public, be64(own_cookie, own),
				 be64(other_cookie, other), sa_body, id_body };

	return prf(k->prf, (struct slice){ k->skeyid, k->prf_len }, parts, 6, out);
}

int v1_hash_rest(const struct v1_keys *k, uint32_t msg_id, struct slice before,
		 struct slice rest, uint8_t *out)
{
	uint8_t id[4];
	struct slice parts[] = { be32(msg_id, id), before, rest };

	return prf(k->prf, (struct slice){ k->a, k->prf_len }, parts, 3, out);
}

int v1_hash_3(const struct v1_keys *k, uint32_t msg_id, struct slice ni, struct slice nr,
	      uint8_t *out)
{
	static const uint8_t zero;
	uint8_t id[4];
	struct slice parts[] = { { &zero, 1 }, be32(msg_id, id), ni, nr };

	return prf(k->prf, (struct slice){ k->a, k->prf_len }, parts, 4, out);
}

int v1_iv_first(uint16_t prf_id, struct slice gi, struct slice gr, uint8_t *iv)
{
	struct slice parts[] = { gi, gr };
	uint8_t out[PRF_MAX];

	if (hash(prf_id, parts, 2, out) < 0)
		return -1;
	memcpy(iv, out, CBC_BLOCK_MAX);
	return 0;
}

int v1_iv_next(const struct v1_keys *k, const uint8_t *last, size_t block, uint32_t msg_id,
	       uint8_t *iv)
{
	uint8_t id[4], out[PRF_MAX];
	struct slice parts[] = { { last, block }, be32(msg_id, id) };

	if (hash(k->prf, parts, 2, out) < 0)
		return -1;
	memcpy(iv, out, CBC_BLOCK_MAX);
	return 0;
}

int v1_keymat(const struct v1_keys *k, const struct chosen *c, struct slice shared,
	      uint32_t spi, struct slice ni, struct slice nr, struct sa_key *out,
	      struct err *e)
{
	bool ah = c->protocol == PROTO_AH;
	const struct alg *encr = ah ? NULL : alg_get(ALG_ENCR, c->encr, c->encr_bits);
	const struct alg *integ = c->integ ? alg_get(ALG_INTEG, c->integ, 0) : NULL;
	const uint8_t protocol = ah ? 2 : 3;	/* RFC 2407 §4.4.1 */
	uint8_t spi_be[4], mat[SA_KEY_MAX + SA_INTEG_KEY_MAX + PRF_MAX];
	struct slice parts[6] = { { 0 }, shared, { &protocol, 1 }, be32(spi, spi_be), ni, nr };
	struct slice key = { k->d, k->prf_len };
	size_t want, at;
	int how = 0;

	if (ah ? !integ : !encr || (c->integ && !integ))
		return err_set(e, "algorithms unknown here");
	out->encr_len = encr ? encr->key_len : 0;
	out->integ_len = integ ? integ->key_len : 0;
	want = (size_t)out->encr_len + out->integ_len;
	if (out->encr_len > SA_KEY_MAX || out->integ_len > SA_INTEG_KEY_MAX)
		return err_set(e, "keys too long");
	for (at = 0; at < want && how == 0; at += k->prf_len) {
		if (at)
			parts[0] = (struct slice){ mat + at - k->prf_len, k->prf_len };
		how = prf(k->prf, key, parts, 6, mat + at);
	}
	if (how == 0) {
		memcpy(out->encr, mat, out->encr_len);
		memcpy(out->integ, mat + out->encr_len, out->integ_len);
	}
	secret_wipe(mat, sizeof(mat));
	return how == 0 ? 0 : err_set(e, "keys cannot be made");
}

int v1_nat_hash(uint16_t prf_id, uint64_t ci, uint64_t cr, const struct endpoint *ep,
		uint8_t *out, size_t *len)
{
	const struct alg *p = alg_get(ALG_PRF, prf_id, 0);
	uint8_t i[8], r[8], port[2] = { (uint8_t)(ep->port >> 8), (uint8_t)ep->port };
	struct slice parts[] = { be64(ci, i), be64(cr, r),
				 { ep->addr.b, addr_len(&ep->addr) }, { port, 2 } };

	if (!p)
		return -1;
	*len = p->out_len;
	return hash(prf_id, parts, 4, out);
}
