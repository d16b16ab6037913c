/* pkpriv: the inside of a key, for the files of core/crypto alone. */
#ifndef ADIT_CRYPTO_PKPRIV_H
#define ADIT_CRYPTO_PKPRIV_H

#include "core/crypto/der.h"
#include "core/crypto/pk.h"

#include <mbedtls/ecp.h>
#include <mbedtls/md.h>
#include <mbedtls/rsa.h>

#define PK_RSA_MIN 1024		/* bits of a public key: an old root is named, not garbled */
#define PK_RSA_MAX 8192
#define PK_HASH_MAX 64

struct pk {
	enum pk_type type;
	unsigned bits;
	bool is_private;
	mbedtls_rsa_context rsa;	/* PK_RSA */
	mbedtls_ecp_group grp;		/* PK_ECDSA */
	mbedtls_ecp_point q;
	mbedtls_mpi d;
};

/* A curve by its OID (contents) or its bits. */
struct pk_curve {
	mbedtls_ecp_group_id id;
	unsigned bits;
	const char *name;
	uint8_t oid_len;
	uint8_t oid[8];
};
const struct pk_curve *pk_curve_by_oid(struct slice oid);
const struct pk_curve *pk_curve_by_bits(unsigned bits);
extern const struct slice pk_oid_rsa, pk_oid_ec;	/* rsaEncryption, id-ecPublicKey */

/* An empty one; NULL when out of memory. */
struct pk *pk_empty(enum pk_type t);

/* RSA paddings, RFC 8017: the encoded message of em_len bytes, the modulus' length. md NONE:
 * the hash alone, without a DigestInfo (RFC 2409 §5.1). -1 when it does not fit. */
int pk_pad_pkcs1(mbedtls_md_type_t md, struct slice hash, uint8_t *em, size_t em_len);
int pk_pad_pss(mbedtls_md_type_t md, struct slice hash, unsigned mod_bits, uint8_t *em,
	       size_t em_len);
int pk_check_pss(mbedtls_md_type_t md, struct slice hash, unsigned mod_bits,
		 const uint8_t *em, size_t em_len);

#endif
