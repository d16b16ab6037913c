/* rooms: ike/wire core/crypto core/base */
/* ikev2: SKEYSEED, prf+ and the seven keys of an IKE SA, and those of a rekeyed one, against
 * NIST's vectors (tests/vectors/data/ikev2.txt). */
#include "ike/wire/keymat.h"
#include "tests/vectors/vec.h"

static uint8_t ni[VEC_BYTES], nr[VEC_BYTES], gir[VEC_BYTES], want[VEC_BYTES], spi[VEC_BYTES],
	seed_want[VEC_BYTES];

static uint64_t spi_of(const struct vec *v, const char *key)
{
	struct slice s = vec_hex(v, key, spi);
	uint64_t n = 0;

	CHECK_INT(s.len, 8);
	for (int i = 0; i < 8; i++)
		n = n << 8 | spi[i];
	return n;
}

/* d | ai | ar | ei | er | pi | pr, RFC 7296 §2.14. */
static size_t join(const struct ike_keys *k, uint8_t *out)
{
	const struct {
		const uint8_t *p;
		size_t len;
	} part[] = {
		{ k->d, k->prf_len }, { k->ai, k->integ_len }, { k->ar, k->integ_len },
		{ k->ei, k->encr_len }, { k->er, k->encr_len }, { k->pi, k->prf_len },
		{ k->pr, k->prf_len },
	};
	size_t n = 0;

	for (int i = 0; i < 7; n += part[i++].len)
		memcpy(out + n, part[i].p, part[i].len);
	return n;
}

static void one(const struct vec *v)
{
	const struct alg *p = alg_by_name(ALG_PRF, vec_word(v, "prf"));
	const struct alg *enc = alg_by_name(ALG_ENCR, vec_word(v, "encr"));
	const struct alg *in = alg_by_name(ALG_INTEG, vec_word(v, "integ"));
	struct chosen c = { .encr = enc->id, .encr_bits = enc->key_bits, .integ = in->id,
			    .prf = p->id, .ke = KE_MODP_2048 };
	struct slice i = vec_hex(v, "ni", ni), r = vec_hex(v, "nr", nr);
	struct slice g = vec_hex(v, "gir", gir), w, sw = vec_hex(v, "skeyseed", seed_want);
	uint8_t got[512], seed[PRF_MAX], nonces[64];
	uint64_t si = spi_of(v, "spi_i"), sr = spi_of(v, "spi_r");
	struct ike_keys *k, *k2;
	struct err e = { 0 };

	memcpy(nonces, ni, i.len);
	memcpy(nonces + i.len, nr, r.len);
	CHECK(prf(p->id, (struct slice){ nonces, i.len + r.len }, &g, 1, seed) == 0);
	CHECK_MEM(seed, seed_want, sw.len);
	k = keymat_ike(&c, i, r, si, sr, g, NULL, &e);
	CHECK(k);
	w = vec_hex(v, "dkm", want);
	CHECK_INT(join(k, got), w.len);
	CHECK_MEM(got, want, w.len);

	/* Rekeyed (§2.18): the keys are prf+ of the SKEYSEED that NIST gives. */
	g = vec_hex(v, "gir_new", gir);
	k2 = keymat_ike(&c, i, r, si, sr, g, k, &e);
	CHECK(k2);
	sw = vec_hex(v, "skeyseed_rekey", seed_want);
	vec_hex(v, "spi_i", spi);
	vec_hex(v, "spi_r", spi + 8);
	CHECK(prf_plus(p->id, sw, (struct slice[]){ i, r, { spi, 16 } }, 3, want, w.len) == 0);
	CHECK_INT(join(k2, got), w.len);
	CHECK_MEM(got, want, w.len);
	keymat_free(k);
	keymat_free(k2);
}

static void skeyseed_and_keys(void)
{
	CHECK_INT(vec_each("tests/vectors/data/ikev2.txt", one), 1);
}

int main(void)
{
	T_RUN(skeyseed_and_keys);
	return t_done();
}
