/* psk: what is made of a shared key: IKEv2's AUTH (RFC 7296 §2.15), IKEv1's SKEYID. */
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

/* IKEv1: SKEYID = prf(psk, nonces), nonces = Ni_b | Nr_b (RFC 2409 §5). -1 for an unknown
 * prf_id, for what cannot be two nonces (8 to 256 bytes each, §5), and for IKEv2's key pad:
 * whoever asks here must not get the inner key of psk_auth(). */
int psk_skeyid(uint16_t prf_id, struct slice psk, struct slice nonces, uint8_t *out,
	       size_t *len) MUST_USE;

#endif
