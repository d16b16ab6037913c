/* psk: the AUTH value of a shared key, RFC 7296 §2.15. */
#ifndef ADIT_IKE_AUTH_PSK_H
#define ADIT_IKE_AUTH_PSK_H

#include "core/base/rd.h"
#include "core/crypto/crypto.h"

#include <stddef.h>
#include <stdint.h>

/* AUTH = prf(prf(psk, "Key Pad for IKEv2"), octets). prf_id: a PRF_* transform; out holds
 * PRF_MAX, *len gets the PRF's output length. -1 for an unknown prf_id or when memory for the
 * inner key is short. */
int psk_auth(uint16_t prf_id, struct slice psk, struct slice octets, uint8_t *out, size_t *len)
	MUST_USE;

#endif
