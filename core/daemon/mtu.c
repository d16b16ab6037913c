/* mtu: the arithmetic of ESP's overhead. */
#include "core/daemon/mtu.h"

#include <sys/socket.h>

#define UDP_HEADER 8
#define ESP_HEADER 8	/* SPI, sequence number */
#define AH_HEADER 12
#define ESP_TRAILER 2	/* pad length, next header */

/* RFC 4302 §3.3.3.2.1: its header is a multiple of 4 bytes, over IPv6 of 8. */
static unsigned mtu_ah(unsigned outer_mtu, int family, const struct alg *integ)
{
	unsigned align = family == AF_INET6 ? 8 : 4;
	unsigned header = AH_HEADER + (integ ? integ->icv_len : 0);
	unsigned over = (family == AF_INET6 ? 40u : 20u) + (header + align - 1) / align * align;

	return outer_mtu > over ? outer_mtu - over : 0;
}

unsigned mtu_inner(unsigned outer_mtu, int family, bool udp_encap, const struct alg *encr,
		   const struct alg *integ)
{
	unsigned icv, over, align, room;

	if (!encr)
		return mtu_ah(outer_mtu, family, integ);
	icv = encr->aead ? encr->icv_len : integ ? integ->icv_len : 0;
	over = (family == AF_INET6 ? 40u : 20u) + (udp_encap ? UDP_HEADER : 0u) +
		ESP_HEADER + encr->iv_len + icv;
	/* RFC 4303 §2.4: the ICV is aligned to 4 bytes even where the cipher needs no pad. */
	align = encr->block > 4 ? encr->block : 4;
	if (outer_mtu <= over)
		return 0;
	room = (outer_mtu - over) / align * align;
	return room > ESP_TRAILER ? room - ESP_TRAILER : 0;
}

static unsigned least(unsigned a, unsigned b)
{
	return b < a ? b : a;
}

unsigned mtu_of_suites(unsigned outer_mtu, int family, bool udp_encap,
		       const struct suite_list *esp)
{
	unsigned mtu = outer_mtu;

	for (size_t i = 0; i < esp->n; i++) {
		const struct suite *s = &esp->s[i];

		for (size_t k = 0; k < s->n_encr; k++) {
			const struct alg *encr = alg_get(ALG_ENCR, s->encr[k].id,
							 s->encr[k].key_bits);

			if (!encr)
				continue;
			if (encr->aead || !s->n_integ)
				mtu = least(mtu, mtu_inner(outer_mtu, family, udp_encap, encr,
							   NULL));
			for (size_t j = 0; !encr->aead && j < s->n_integ; j++)
				mtu = least(mtu, mtu_inner(outer_mtu, family, udp_encap, encr,
							   alg_get(ALG_INTEG, s->integ[j], 0)));
		}
	}
	return mtu;
}

uint16_t mtu_clamp(unsigned mtu, bool inner6)
{
	unsigned min = inner6 ? MTU_MIN_V6 : MTU_MIN_V4;

	return (uint16_t)(mtu < min ? min : mtu > 65535 ? 65535 : mtu);
}
