/* keymat: every key and hash that IKEv2 derives (RFC 7296 §2.13 to §2.18, §2.23). */
#ifndef ADIT_WIRE_KEYMAT_H
#define ADIT_WIRE_KEYMAT_H

#include "core/base/addr.h"
#include "core/base/err.h"
#include "core/base/rd.h"
#include "core/base/wr.h"
#include "core/crypto/crypto.h"
#include "core/ipc/sa.h"
#include "ike/wire/proposal.h"

#include <stdbool.h>
#include <stdint.h>

/* The seven keys of an IKE SA, in core/base/secret memory. */
struct ike_keys {
	uint16_t prf;			/* PRF_* */
	uint8_t prf_len;		/* bytes of d, pi, pr */
	uint8_t encr_len;		/* of ei, er, salt included */
	uint8_t integ_len;		/* of ai, ar; 0 with AEAD */
	uint8_t d[PRF_MAX], pi[PRF_MAX], pr[PRF_MAX];
	uint8_t ai[SA_INTEG_KEY_MAX], ar[SA_INTEG_KEY_MAX];
	uint8_t ei[SA_KEY_MAX], er[SA_KEY_MAX];
};

/* SKEYSEED and from it the keys. c: the agreed IKE algorithms. ni, nr: nonces of the exchange
 * that made this SA. spi_i, spi_r: of the new SA. shared: g^ir, from ke_shared().
 * old: NULL for a new SA (§2.14); the old SA's keys when it is rekeyed (§2.18), whose PRF and
 * SK_d then make SKEYSEED. NULL with *e when an algorithm is unknown or memory is short. */
struct ike_keys *keymat_ike(const struct chosen *c, struct slice ni, struct slice nr,
			    uint64_t spi_i, uint64_t spi_r, struct slice shared,
			    const struct ike_keys *old, struct err *e) MUST_USE;
/* Wipes; NULL is fine. */
void keymat_free(struct ike_keys *k);

/* Keys of a child SA (§2.17). c: the agreed ESP algorithms; ni, nr: nonces of the exchange
 * (IKE_SA_INIT's for the child of IKE_AUTH); shared: the new g^ir with PFS, else empty.
 * initiator: whether we began this exchange. The caller wipes *in and *out. */
int keymat_child(const struct ike_keys *ike, const struct chosen *c, struct slice ni,
		 struct slice nr, struct slice shared, bool initiator, struct sa_key *in,
		 struct sa_key *out, struct err *e) MUST_USE;

/* The octets that AUTH signs (§2.15): message | nonce | prf(sk_p, id_body). For what the
 * initiator signs: its whole IKE_SA_INIT request (the last one sent, cookie included; no
 * non-ESP marker), Nr, SK_pi, and the body of its IDi payload; for the responder its response,
 * Ni, SK_pr, IDr. Appended to w; -1 when it does not fit. */
int keymat_auth_octets(struct wr *w, struct slice message, struct slice nonce, uint16_t prf_id,
		       struct slice sk_p, struct slice id_body, struct err *e) MUST_USE;

/* NAT_DETECTION_*_IP (§2.23): SHA-1(SPIi | SPIr | address | port). The first message has
 * spi_r 0. Unset addresses are hashed as no bytes. */
void keymat_nat_hash(uint64_t spi_i, uint64_t spi_r, const struct endpoint *ep, uint8_t out[20]);

#endif
