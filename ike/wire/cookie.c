/* cookie: no state per stranger, two secrets for all of them. */
#include "ike/wire/cookie.h"

#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/base/secret.h"
#include "core/base/wr.h"
#include "core/crypto/crypto.h"

#include <string.h>

static void rotate(struct cookie_jar *j)
{
	uint64_t age = clock_ms() - j->drawn_ms;

	if (j->number && age < COOKIE_ROTATE_MS)
		return;
	/* After a long quiet time the secret before is as stale as this one. */
	j->have_old = j->number && age < 2 * COOKIE_ROTATE_MS;
	memcpy(j->secret[1], j->secret[0], sizeof(j->secret[1]));
	if (!j->have_old)
		secret_wipe(j->secret[1], sizeof(j->secret[1]));
	rng_bytes(j->secret[0], sizeof(j->secret[0]));
	/* Numbers begin anywhere, so that cookies from before a restart are seldom looked at. */
	j->number = j->number ? j->number + 1 : rng_u32();
	if (!j->number)
		j->number = 1;
	j->drawn_ms = clock_ms();
}

static void make(uint32_t number, const uint8_t secret[32], struct slice ni,
		 const struct ip_addr *from, uint64_t spi_i, uint8_t out[COOKIE_LEN])
{
	struct wr w = wr_init(out, COOKIE_LEN);
	uint8_t spi[8], len[2] = { (uint8_t)(ni.len >> 8), (uint8_t)ni.len };
	struct wr s = wr_init(spi, sizeof(spi));
	struct slice parts[4] = {
		{ .p = len, .len = sizeof(len) }, ni,
		{ .p = from->b, .len = addr_len(from) }, { .p = spi, .len = sizeof(spi) },
	};

	wr_u64(&s, spi_i);
	wr_u32(&w, number);
	/* Fails only for an unknown PRF, and this one is not. */
	if (prf(PRF_HMAC_SHA2_256, (struct slice){ .p = secret, .len = 32 }, parts, 4, out + 4) < 0)
		memset(out, 0, COOKIE_LEN);
}

void cookie_make(struct cookie_jar *j, struct slice ni, const struct ip_addr *from,
		 uint64_t spi_i, uint8_t out[COOKIE_LEN])
{
	rotate(j);
	make(j->number, j->secret[0], ni, from, spi_i, out);
}

bool cookie_check(struct cookie_jar *j, struct slice cookie, struct slice ni,
		  const struct ip_addr *from, uint64_t spi_i)
{
	struct rd r = rd_slice(cookie);
	uint32_t number = rd_u32(&r);
	uint8_t want[COOKIE_LEN];
	int which;

	rotate(j);
	if (cookie.len != COOKIE_LEN)
		return false;
	if (number == j->number)
		which = 0;
	else if (j->have_old && number == (j->number == 1 ? UINT32_MAX : j->number - 1))
		which = 1;
	else
		return false;
	make(number, j->secret[which], ni, from, spi_i, want);
	return secret_equal(want, cookie.p, COOKIE_LEN);
}

void cookie_fini(struct cookie_jar *j)
{
	secret_wipe(j, sizeof(*j));
}
