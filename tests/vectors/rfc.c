/* rooms: core/crypto core/base */
/* rfc: core/crypto against the vectors of the RFCs and standards that define it. Each file in
 * tests/vectors/data says where its values come from. */
#include "core/crypto/cbc.h"
#include "core/crypto/crypto.h"
#include "tests/vectors/vec.h"

#define DATA "tests/vectors/data/"

static uint8_t key[VEC_BYTES], iv[VEC_BYTES], aad[VEC_BYTES], in[VEC_BYTES], want[VEC_BYTES],
	tag[VEC_BYTES];

static const struct alg *row(const struct vec *v, enum alg_type type, const char *name)
{
	const struct alg *a = alg_by_name(type, vec_word(v, name));

	CHECK(a);
	return a;
}

static void hmac_one(const struct vec *v)
{
	const struct alg *a = row(v, ALG_PRF, "prf");
	struct slice k = vec_hex(v, "key", key), m = vec_hex(v, "msg", in);
	struct slice w = vec_hex(v, "out", want);
	uint8_t out[PRF_MAX];

	CHECK_INT(w.len, a->out_len);
	CHECK(prf(a->id, k, &m, 1, out) == 0);
	CHECK_MEM(out, want, w.len);
	/* the same in two pieces */
	CHECK(prf(a->id, k, (struct slice[]){ { in, m.len / 3 },
					      { in + m.len / 3, m.len - m.len / 3 } }, 2, out) == 0);
	CHECK_MEM(out, want, w.len);
}

static void hash_one(const struct vec *v)
{
	const struct alg *a = row(v, ALG_PRF, "hash");
	struct slice m = vec_hex(v, "msg", in), w = vec_hex(v, "out", want);
	uint8_t out[PRF_MAX];

	CHECK_INT(w.len, a->out_len);
	CHECK(hash(a->id, &m, 1, out) == 0);
	CHECK_MEM(out, want, w.len);
	CHECK(hash(a->id, (struct slice[]){ { in, m.len / 2 }, { in, 0 },
					    { in + m.len / 2, m.len - m.len / 2 } }, 3, out) == 0);
	CHECK_MEM(out, want, w.len);
	CHECK(hash(99, &m, 1, out) == -1);
}

static void cbc_one(const struct vec *v)
{
	const struct alg *a = row(v, ALG_ENCR, "encr");
	struct slice k = vec_hex(v, "key", key), p = vec_hex(v, "pt", in);
	struct slice c = vec_hex(v, "ct", want), i = vec_hex(v, "iv", iv);
	struct err e = { 0 };
	struct cbc *x;

	if (!alg_built(a)) {
		printf("    %s: this library has no %s\n", v->name, a->label);
		return;
	}
	x = cbc_new(a, k, &e);
	CHECK(x);
	CHECK_INT(cbc_block(x), i.len);
	CHECK(cbc_encrypt(x, iv, in, p.len) == 0);
	CHECK_MEM(in, want, c.len);
	vec_hex(v, "iv", iv);
	CHECK(cbc_decrypt(x, iv, in, c.len) == 0);
	vec_hex(v, "pt", want);
	CHECK_MEM(in, want, p.len);
	cbc_free(x);
}

static void aead_one(const struct vec *v)
{
	const struct alg *a = row(v, ALG_ENCR, "encr");
	struct slice k = vec_hex(v, "key", key), p = vec_hex(v, "pt", in);
	struct slice ad = vec_hex(v, "aad", aad), t;
	uint8_t icv[AEAD_ICV_MAX];
	struct aead_job j = { .aad = aad, .aad_len = ad.len, .iv = iv, .data = in, .len = p.len,
			      .icv = icv };
	struct aead *x = aead_new(a, k, NULL, (struct slice){ 0 }, NULL);

	CHECK(x);
	vec_hex(v, "iv", iv);
	vec_hex(v, "ct", want);
	t = vec_hex(v, "tag", tag);
	CHECK(aead_seal(x, &j) == 0);
	CHECK_MEM(in, want, p.len);
	CHECK_MEM(icv, tag, t.len);
	CHECK(aead_open(x, &j) == 0);
	vec_hex(v, "pt", want);
	CHECK_MEM(in, want, p.len);
	aead_free(x);
}

static void ke_one(const struct vec *v)
{
	const struct alg *a = row(v, ALG_KE, "group");
	struct ke *i = ke_from_private(a->id, vec_hex(v, "i", key), NULL);
	struct ke *r = ke_from_private(a->id, vec_hex(v, "r", key), NULL);
	struct slice gir = vec_hex(v, "gir", want);
	uint8_t out[KE_SHARED_MAX];
	size_t len;

	CHECK(i && r);
	CHECK_INT(vec_hex(v, "gi", in).len, a->pub_len);
	CHECK_MEM(ke_public(i).p, in, a->pub_len);
	CHECK(ke_shared(r, (struct slice){ in, a->pub_len }, out, &len, NULL) == 0);
	CHECK_INT(len, gir.len);
	CHECK_MEM(out, want, len);
	CHECK_INT(vec_hex(v, "gr", in).len, a->pub_len);
	CHECK_MEM(ke_public(r).p, in, a->pub_len);
	CHECK(ke_shared(i, (struct slice){ in, a->pub_len }, out, &len, NULL) == 0);
	CHECK_MEM(out, want, len);
	ke_free(i);
	ke_free(r);
}

static void hmac_of_rfc2202_and_rfc4231(void) { CHECK_INT(vec_each(DATA "hmac.txt", hmac_one), 32); }
static void hashes(void) { CHECK_INT(vec_each(DATA "hash.txt", hash_one), 8); }
static void cbc_ciphers(void) { CHECK_INT(vec_each(DATA "cbc.txt", cbc_one), 14); }
static void chacha_of_rfc7634(void) { CHECK_INT(vec_each(DATA "aead.txt", aead_one), 2); }
static void ke_of_rfc5903_and_rfc8031(void) { CHECK_INT(vec_each(DATA "ke.txt", ke_one), 4); }

int main(void)
{
	T_RUN(hmac_of_rfc2202_and_rfc4231);
	T_RUN(hashes);
	T_RUN(cbc_ciphers);
	T_RUN(chacha_of_rfc7634);
	T_RUN(ke_of_rfc5903_and_rfc8031);
	return t_done();
}
