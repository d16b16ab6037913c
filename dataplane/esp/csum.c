/* csum: 32-bit words are added into 64-bit lanes, eight at a time, where no carry can be lost
 * before 2^32 additions. The sum does not care for byte order (RFC 1071 §2 (B)): words are
 * taken as memory has them and the folded result is turned round once. */
#include "dataplane/esp/csum.h"

#include <endian.h>
#include <string.h>

#define LANES 4			/* of 64 bits: what one AVX2 register holds */
#define BLOCK (LANES * 8u)

/* One build of the loop for each processor, chosen when the program starts: needs GNU ifunc,
 * that neither musl nor the sanitizers get along with. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && \
	!defined(__SANITIZE_ADDRESS__)
#define CLONES __attribute__((target_clones("avx2", "default")))
#else
#define CLONES
#endif

/* Lowered to what the processor has, plain 64-bit additions if it must be. */
typedef uint64_t lanes __attribute__((vector_size(BLOCK)));

CLONES
static uint64_t sum_blocks(const uint8_t *p, size_t blocks)
{
	lanes lo0 = { 0 }, hi0 = { 0 }, lo1 = { 0 }, hi1 = { 0 }, a, b;
	uint64_t sum = 0;

	for (; blocks >= 2; blocks -= 2, p += 2 * BLOCK) {
		memcpy(&a, p, BLOCK);
		memcpy(&b, p + BLOCK, BLOCK);
		lo0 += a & 0xffffffff;
		hi0 += a >> 32;
		lo1 += b & 0xffffffff;
		hi1 += b >> 32;
	}
	if (blocks) {
		memcpy(&a, p, BLOCK);
		lo0 += a & 0xffffffff;
		hi0 += a >> 32;
	}
	lo0 += hi0;
	lo1 += hi1;
	lo0 += lo1;
	for (int i = 0; i < LANES; i++)
		sum += lo0[i];
	return sum;
}

uint32_t csum_add(uint32_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t s = 0;
	uint32_t w32;
	uint16_t w16;

	if (len >= BLOCK) {
		s = sum_blocks(p, len / BLOCK);
		p += len - len % BLOCK;
		len %= BLOCK;
	}
	for (; len >= 4; p += 4, len -= 4) {
		memcpy(&w32, p, 4);
		s += w32;
	}
	if (len >= 2) {
		memcpy(&w16, p, 2);
		s += w16;
		p += 2;
	}
	if (len & 1)
		s += htobe16((uint16_t)(p[0] << 8));
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return csum_fold(csum_fold(sum) + be16toh((uint16_t)s));
}

uint32_t csum_pseudo(const uint8_t *ip, uint8_t proto, uint32_t len)
{
	uint32_t sum = proto + (len & 0xffff) + (len >> 16);

	return ip[0] >> 4 == 4 ? csum_add(sum, ip + 12, 8) : csum_add(sum, ip + 8, 32);
}
