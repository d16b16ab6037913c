/* cookie: stateless proof that an initiator can receive at its address (RFC 7296 §2.6):
 *
 *	cookie = number of the secret | HMAC-SHA-256(secret, Ni | address | SPIi)
 *
 * The port is left out, for a NAT may change it. A secret serves COOKIE_ROTATE_MS; cookies of
 * the one before are good for as long again.
 */
#ifndef ADIT_WIRE_COOKIE_H
#define ADIT_WIRE_COOKIE_H

#include "core/base/addr.h"
#include "core/base/rd.h"

#include <stdbool.h>
#include <stdint.h>

#define COOKIE_LEN 36
#define COOKIE_ROTATE_MS (60 * 1000)

/* Holds secrets: wiped by cookie_fini(). Zero-initialised is ready to use. */
struct cookie_jar {
	uint32_t number;		/* of secret[0]; 0: none drawn yet */
	uint64_t drawn_ms;		/* on core/base/clock */
	bool have_old;
	uint8_t secret[2][32];		/* now, before */
};

/* The cookie for this initiator now. ni: its nonce; spi_i: its SPI. */
void cookie_make(struct cookie_jar *j, struct slice ni, const struct ip_addr *from,
		 uint64_t spi_i, uint8_t out[COOKIE_LEN]);
/* Is it ours, fresh, and for this initiator? Constant time. */
bool cookie_check(struct cookie_jar *j, struct slice cookie, struct slice ni,
		  const struct ip_addr *from, uint64_t spi_i);
void cookie_fini(struct cookie_jar *j);

#endif
