/* rooms: core/crypto core/base */
/* esp_captures: ESP packets of another implementation, with their keys, from
 * ../shared/data/captures: tcpdump's tests esp1 and esp2, where one SA is inside another. The
 * integrity keys are not given, so the cipher alone is tried. */
#include "core/crypto/cbc.h"
#include "tests/vectors/vec.h"

#define DIR_NAME "../shared/data/captures/"
#define ICV_LEN 12	/* HMAC-*-96 */

struct sa {
	uint32_t spi;
	const char *key;
};

static const struct sa *sas;
static int n_packets, n_inner;

static uint32_t le32(const uint8_t *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static const struct sa *sa_of(uint32_t spi)
{
	for (const struct sa *s = sas; s->key; s++)
		if (s->spi == spi)
			return s;
	printf("    no key for SPI %08x\n", spi);
	CHECK(!"a key");
	return NULL;
}

/* What comes out is padded as RFC 4303 §2.4 says, and is an IPv4 packet whose header tells the
 * length that is left: a ping, or ESP again. */
static void packet(const uint8_t *ip, size_t len)
{
	static uint8_t key[VEC_BYTES];
	const struct alg *a = alg_by_name(ALG_ENCR, "3des");
	struct vec v = { .n = 1, .key = { "key" } };
	size_t hl = (ip[0] & 15) * 4u, n, pad;
	uint8_t buf[2048], iv[16];
	struct cbc *c;

	CHECK(len >= 20 && ip[0] >> 4 == 4 && (size_t)(ip[2] << 8 | ip[3]) == len);
	if (ip[9] == 1) {
		CHECK(ip[hl] == 8 || ip[hl] == 0);	/* echo request or reply */
		n_inner++;
		return;
	}
	CHECK_INT(ip[9], 50);
	CHECK(len >= hl + 8 + a->iv_len + a->block + ICV_LEN && len <= sizeof(buf));
	v.val[0] = sa_of(be32(ip + hl))->key;
	c = cbc_new(a, vec_hex(&v, "key", key), NULL);
	CHECK(c);
	memcpy(iv, ip + hl + 8, a->iv_len);
	n = len - hl - 8 - a->iv_len - ICV_LEN;
	memcpy(buf, ip + hl + 8 + a->iv_len, n);
	CHECK(cbc_decrypt(c, iv, buf, n) == 0);
	cbc_free(c);
	pad = buf[n - 2];
	CHECK(pad + 2 < n);
	for (size_t i = 0; i < pad; i++)
		CHECK_INT(buf[n - 2 - pad + i], i + 1);
	CHECK_INT(buf[n - 1], 4);		/* tunnel mode */
	n_packets++;
	packet(buf, n - 2 - pad);
}

static void file(const char *name, const struct sa *keys)
{
	static uint8_t b[65536];
	char path[200];
	size_t n, at = 24;
	FILE *f;

	snprintf(path, sizeof(path), DIR_NAME "%s", name);
	f = fopen(path, "r");
	if (!f)
		SKIP("../shared/data/captures is missing");
	n = fread(b, 1, sizeof(b), f);
	fclose(f);
	CHECK(n > 24 && le32(b) == 0xa1b2c3d4 && le32(b + 20) == 1);
	n_packets = n_inner = 0;
	sas = keys;
	for (; at + 16 < n; at += 16 + le32(b + at + 8)) {
		CHECK(at + 16 + le32(b + at + 8) <= n);
		packet(b + at + 16 + 14, le32(b + at + 8) - 14);
	}
}

static void a_tunnel(void)
{
	static const struct sa keys[] = {
		{ 0x12345678, "4043434545464649494a4a4c4c4f4f515152525454575758" },
		{ 0, NULL },
	};

	file("02-sunrise-sunset-esp.pcap", keys);
	CHECK_INT(n_packets, 8);
	CHECK_INT(n_inner, 8);
}

static void a_tunnel_in_a_tunnel(void)
{
	static const struct sa keys[] = {
		{ 0x12345678, "43434545464649494a4a4c4c4f4f51515252545457575840" },
		{ 0xabcdabcd, "434545464649494a4a4c4c4f4f5151525254545757584043" },
		{ 0, NULL },
	};

	file("08-sunrise-sunset-esp2.pcap", keys);
	CHECK_INT(n_packets, 16);
	CHECK_INT(n_inner, 8);
}

int main(void)
{
	T_RUN(a_tunnel);
	T_RUN(a_tunnel_in_a_tunnel);
	return t_done();
}
