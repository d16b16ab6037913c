/* gcm_x86: counter mode and GHASH (NIST SP 800-38D) in registers. Nothing here branches on
 * or looks up by what is secret.
 *
 * GHASH's bits run backwards (§6.3): a block is taken as a number with its bytes turned round, and
 * a product of two such is the right one shifted by one bit. Eight blocks are multiplied by
 * H^8 … H, summed, and reduced once. */
#include "core/crypto/gcm_x86.h"

#include "core/base/secret.h"

#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>

#define WIDE GCM_X86_WIDE
#define HERE __attribute__((target("aes,pclmul,ssse3,sse4.1")))

/* Always inlined, so that eight blocks stay in registers. */
#define INSIDE HERE static inline __attribute__((always_inline))

bool gcm_x86_has(void)
{
	return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") &&
	       __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.1");
}

INSIDE __m128i load(const uint8_t *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

INSIDE void store(uint8_t *p, __m128i v)
{
	_mm_storeu_si128((__m128i *)(void *)p, v);
}

INSIDE __m128i turn(__m128i v)
{
	return _mm_shuffle_epi8(v, _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

/* ---- GHASH ---- */

struct product {
	__m128i lo, mid, hi;
};

INSIDE void multiply(struct product *p, __m128i a, __m128i b)
{
	p->lo = _mm_xor_si128(p->lo, _mm_clmulepi64_si128(a, b, 0x00));
	p->hi = _mm_xor_si128(p->hi, _mm_clmulepi64_si128(a, b, 0x11));
	p->mid = _mm_xor_si128(p->mid, _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x01),
						     _mm_clmulepi64_si128(a, b, 0x10)));
}

/* One bit to the left over 256 bits, then modulo x^128 + x^7 + x^2 + x + 1. */
INSIDE __m128i reduce(const struct product *p)
{
	__m128i lo = _mm_xor_si128(p->lo, _mm_slli_si128(p->mid, 8));
	__m128i hi = _mm_xor_si128(p->hi, _mm_srli_si128(p->mid, 8));
	__m128i out_lo = _mm_srli_epi32(lo, 31), out_hi = _mm_srli_epi32(hi, 31), fold, rest;

	lo = _mm_or_si128(_mm_slli_epi32(lo, 1), _mm_slli_si128(out_lo, 4));
	hi = _mm_or_si128(_mm_slli_epi32(hi, 1), _mm_slli_si128(out_hi, 4));
	hi = _mm_or_si128(hi, _mm_srli_si128(out_lo, 12));

	fold = _mm_xor_si128(_mm_slli_epi32(lo, 31),
			     _mm_xor_si128(_mm_slli_epi32(lo, 30), _mm_slli_epi32(lo, 25)));
	rest = _mm_srli_si128(fold, 4);
	lo = _mm_xor_si128(lo, _mm_slli_si128(fold, 12));
	fold = _mm_xor_si128(_mm_srli_epi32(lo, 1),
			     _mm_xor_si128(_mm_srli_epi32(lo, 2), _mm_srli_epi32(lo, 7)));
	return _mm_xor_si128(hi, _mm_xor_si128(lo, _mm_xor_si128(fold, rest)));
}

INSIDE __m128i times(__m128i a, __m128i b)
{
	struct product p = { _mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128() };

	multiply(&p, a, b);
	return reduce(&p);
}

INSIDE __m128i power(const struct gcm_x86 *g, int n)
{
	return _mm_load_si128((const __m128i *)(const void *)g->power[WIDE - n]);
}

/* Eight blocks as they are on the wire. */
INSIDE __m128i hash_wide(const struct gcm_x86 *g, __m128i sum, const __m128i block[WIDE])
{
	struct product p = { _mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128() };

	multiply(&p, _mm_xor_si128(sum, turn(block[0])), power(g, WIDE));
#pragma GCC unroll 8
	for (int i = 1; i < WIDE; i++)
		multiply(&p, turn(block[i]), power(g, WIDE - i));
	return reduce(&p);
}

INSIDE __m128i hash_one(const struct gcm_x86 *g, __m128i sum, __m128i block)
{
	return times(_mm_xor_si128(sum, turn(block)), power(g, 1));
}

/* len < 16: filled with zeros. */
INSIDE __m128i partial(const uint8_t *p, size_t len)
{
	uint8_t block[16] = { 0 };

	memcpy(block, p, len);
	return load(block);
}

INSIDE __m128i hash_bytes(const struct gcm_x86 *g, __m128i sum, const uint8_t *p, size_t len)
{
	for (; len >= 16; p += 16, len -= 16)
		sum = hash_one(g, sum, load(p));
	return len ? hash_one(g, sum, partial(p, len)) : sum;
}

/* ---- AES ---- */

INSIDE __m128i key_of(const struct gcm_x86 *g, unsigned round)
{
	return _mm_load_si128((const __m128i *)(const void *)g->round[round]);
}

INSIDE void encrypt_wide(const struct gcm_x86 *g, __m128i b[WIDE])
{
	__m128i k = key_of(g, 0);

#pragma GCC unroll 8
	for (int i = 0; i < WIDE; i++)
		b[i] = _mm_xor_si128(b[i], k);
	for (unsigned r = 1; r < g->rounds; r++) {
		k = key_of(g, r);
#pragma GCC unroll 8
		for (int i = 0; i < WIDE; i++)
			b[i] = _mm_aesenc_si128(b[i], k);
	}
	k = key_of(g, g->rounds);
#pragma GCC unroll 8
	for (int i = 0; i < WIDE; i++)
		b[i] = _mm_aesenclast_si128(b[i], k);
}

INSIDE __m128i encrypt_one(const struct gcm_x86 *g, __m128i b)
{
	b = _mm_xor_si128(b, key_of(g, 0));
	for (unsigned r = 1; r < g->rounds; r++)
		b = _mm_aesenc_si128(b, key_of(g, r));
	return _mm_aesenclast_si128(b, key_of(g, g->rounds));
}

/* FIPS 197's SubWord, by the processor. */
INSIDE uint32_t sub_word(uint32_t w)
{
	__m128i v = _mm_aeskeygenassist_si128(_mm_set_epi32(0, 0, (int)w, 0), 0);

	return (uint32_t)_mm_cvtsi128_si32(v);
}

HERE void gcm_x86_key(struct gcm_x86 *g, const uint8_t *key, size_t key_len)
{
	unsigned nk = (unsigned)key_len / 4, total;
	uint32_t w[15 * 4], rcon = 1;
	__m128i h, p;

	g->rounds = nk + 6;
	total = 4 * (g->rounds + 1);
	memcpy(w, key, key_len);
	for (unsigned i = nk; i < total; i++) {
		uint32_t t = w[i - 1];

		/* Words are little-endian here: RotWord turns the other way. */
		if (i % nk == 0) {
			t = sub_word(t);
			t = (t >> 8 | t << 24) ^ rcon;
			rcon = rcon << 1 ^ (rcon & 0x80 ? 0x11b : 0);
		} else if (nk > 6 && i % nk == 4) {
			t = sub_word(t);
		}
		w[i] = w[i - nk] ^ t;
	}
	memcpy(g->round, w, total * 4);
	secret_wipe(w, sizeof(w));
	h = turn(encrypt_one(g, _mm_setzero_si128()));
	p = h;
	for (int i = WIDE - 1; i >= 0; i--) {
		store(g->power[i], p);
		p = times(p, h);
	}
}

/* ---- both ---- */

/* The next counter block; the count is the last four bytes, its bytes turned round in v. */
INSIDE __m128i count(__m128i *v)
{
	*v = _mm_add_epi32(*v, _mm_set_epi32(0, 0, 0, 1));
	return turn(*v);
}

INSIDE void crypt_wide(const struct gcm_x86 *g, __m128i *at, uint8_t *p, __m128i in[WIDE],
		       __m128i out[WIDE])
{
	__m128i key[WIDE];

#pragma GCC unroll 8
	for (int i = 0; i < WIDE; i++)
		key[i] = count(at);
	encrypt_wide(g, key);
#pragma GCC unroll 8
	for (int i = 0; i < WIDE; i++) {
		in[i] = load(p + 16 * i);
		out[i] = _mm_xor_si128(in[i], key[i]);
		store(p + 16 * i, out[i]);
	}
}

/* All of the data there and back; returns the tag. */
INSIDE __m128i crypt_all(const struct gcm_x86 *g, const struct aead_job *j, const uint8_t nonce[12],
			 bool sealing)
{
	uint8_t first[16] = { [15] = 1 }, *p = j->data;
	__m128i at, mask, sum, in[WIDE], out[WIDE];
	size_t left = j->len;

	memcpy(first, nonce, 12);
	at = turn(load(first));
	mask = encrypt_one(g, load(first));
	sum = hash_bytes(g, _mm_setzero_si128(), j->aad, j->aad_len);
	for (; left >= 16 * WIDE; p += 16 * WIDE, left -= 16 * WIDE) {
		crypt_wide(g, &at, p, in, out);
		sum = hash_wide(g, sum, sealing ? out : in);
	}
	for (; left; p += 16) {
		size_t n = left < 16 ? left : 16;
		__m128i key = encrypt_one(g, count(&at)), was = n < 16 ? partial(p, n) : load(p);
		uint8_t block[16];

		store(block, _mm_xor_si128(was, key));
		memcpy(p, block, n);
		sum = hash_one(g, sum, !sealing ? was : n < 16 ? partial(block, n) : load(block));
		left -= n;
	}
	/* The lengths in bits: of what is authenticated alone, and of the data. */
	sum = _mm_xor_si128(sum, _mm_slli_epi64(_mm_set_epi64x((long long)j->aad_len,
							       (long long)j->len), 3));
	return _mm_xor_si128(turn(times(sum, power(g, 1))), mask);
}

HERE void gcm_x86_seal(const struct gcm_x86 *g, const struct aead_job *j, const uint8_t nonce[12])
{
	store(j->icv, crypt_all(g, j, nonce, true));
}

HERE int gcm_x86_open(const struct gcm_x86 *g, const struct aead_job *j, const uint8_t nonce[12])
{
	uint8_t tag[16];

	store(tag, crypt_all(g, j, nonce, false));
	return secret_equal(tag, j->icv, sizeof(tag)) ? 0 : -1;
}

#else

bool gcm_x86_has(void)
{
	return false;
}

void gcm_x86_key(struct gcm_x86 *g, const uint8_t *key, size_t key_len)
{
	(void)g;
	(void)key;
	(void)key_len;
}

void gcm_x86_seal(const struct gcm_x86 *g, const struct aead_job *j, const uint8_t nonce[12])
{
	(void)g;
	(void)j;
	(void)nonce;
}

int gcm_x86_open(const struct gcm_x86 *g, const struct aead_job *j, const uint8_t nonce[12])
{
	(void)g;
	(void)j;
	(void)nonce;
	return -1;
}
#endif
