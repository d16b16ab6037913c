/* pkscheme: the signature schemes by name and by AlgorithmIdentifier (RFC 7427 appendix A). */
#include "core/crypto/der.h"
#include "core/crypto/pk.h"

#include <string.h>

#define OID_PKCS1 "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01"
#define OID_SHA2 "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02"
#define OID_ECDSA_SHA2 "\x06\x08\x2a\x86\x48\xce\x3d\x04\x03"
#define NUL "\x05\x00"
#define HASH(h) "\x30\x0d" OID_SHA2 h NUL
/* hashAlgorithm, MGF1 with the same hash, saltLength */
#define PSS(h, salt) "\x30\x41" OID_PKCS1 "\x0a\x30\x34\xa0\x0f" HASH(h) \
	"\xa1\x1c\x30\x1a" OID_PKCS1 "\x08" HASH(h) "\xa2\x03\x02\x01" salt

static const struct {
	const char *name;
	const char *der;
	size_t len;
} schemes[PK_SCHEME_N] = {
#define DER(s) s, sizeof(s) - 1
	[PK_RSA_PKCS1_SHA1] = { "RSA with SHA-1", DER("\x30\x0d" OID_PKCS1 "\x05" NUL) },
	[PK_RSA_PKCS1_SHA256] = { "RSA with SHA2-256", DER("\x30\x0d" OID_PKCS1 "\x0b" NUL) },
	[PK_RSA_PKCS1_SHA384] = { "RSA with SHA2-384", DER("\x30\x0d" OID_PKCS1 "\x0c" NUL) },
	[PK_RSA_PKCS1_SHA512] = { "RSA with SHA2-512", DER("\x30\x0d" OID_PKCS1 "\x0d" NUL) },
	[PK_RSA_PSS_SHA256] = { "RSA-PSS with SHA2-256", DER(PSS("\x01", "\x20")) },
	[PK_RSA_PSS_SHA384] = { "RSA-PSS with SHA2-384", DER(PSS("\x02", "\x30")) },
	[PK_RSA_PSS_SHA512] = { "RSA-PSS with SHA2-512", DER(PSS("\x03", "\x40")) },
	[PK_ECDSA_SHA256] = { "ECDSA with SHA2-256", DER("\x30\x0a" OID_ECDSA_SHA2 "\x02") },
	[PK_ECDSA_SHA384] = { "ECDSA with SHA2-384", DER("\x30\x0a" OID_ECDSA_SHA2 "\x03") },
	[PK_ECDSA_SHA512] = { "ECDSA with SHA2-512", DER("\x30\x0a" OID_ECDSA_SHA2 "\x04") },
	[PK_ECDSA_P256] = { "ECDSA P-256 with SHA2-256", DER("") },
	[PK_ECDSA_P384] = { "ECDSA P-384 with SHA2-384", DER("") },
	[PK_ECDSA_P521] = { "ECDSA P-521 with SHA2-512", DER("") },
	[PK_RSA_RAW] = { "RSA", DER("") },
};

const char *pk_scheme_name(enum pk_scheme s)
{
	return s >= PK_RSA_PKCS1_SHA1 && s < PK_SCHEME_N ? schemes[s].name : "unknown";
}

struct slice pk_scheme_der(enum pk_scheme s)
{
	if (s < PK_RSA_PKCS1_SHA1 || s >= PK_SCHEME_N)
		return (struct slice){ 0 };
	return (struct slice){ (const uint8_t *)schemes[s].der, schemes[s].len };
}

/* An AlgorithmIdentifier of a hash, NULL parameters there or not: 1 to 3 for SHA2-256, 384,
 * 512; 0 for another. */
static int sha2_of(struct rd *r)
{
	struct rd alg = der_take(r, DER_SEQUENCE);
	struct slice oid = der_bytes(&alg, DER_OID);

	if (rd_ok(&alg) && alg.left && (der_bytes(&alg, DER_NULL).len || !rd_done(&alg)))
		return 0;
	if (!rd_ok(r) || oid.len != 9 || memcmp(oid.p, &OID_SHA2[2], 8) != 0 ||
	    oid.p[8] < 1 || oid.p[8] > 3)
		return 0;
	return oid.p[8];
}

/* The PSS parameters, RFC 8017 §A.2.3: each may be missing and is SHA-1 or 20 then, which
 * nobody wants any more. */
static enum pk_scheme pss_of(struct rd *r)
{
	static const uint8_t salt[] = { 0, 32, 48, 64 };
	struct rd p = der_take(r, DER_SEQUENCE), f;
	int hash, mgf_hash;
	struct rd mgf;
	struct slice oid;

	f = der_take(&p, DER_CONTEXT_CONS | 0);
	hash = sha2_of(&f);
	if (!hash || !rd_done(&f))
		return 0;
	f = der_take(&p, DER_CONTEXT_CONS | 1);
	mgf = der_take(&f, DER_SEQUENCE);
	oid = der_bytes(&mgf, DER_OID);
	mgf_hash = sha2_of(&mgf);
	if (oid.len != 9 || memcmp(oid.p, &OID_PKCS1[2], 8) != 0 || oid.p[8] != 8 ||
	    mgf_hash != hash || !rd_done(&mgf) || !rd_done(&f))
		return 0;
	f = der_take(&p, DER_CONTEXT_CONS | 2);
	if (der_small(&f) != salt[hash] || !rd_done(&f))
		return 0;
	if (der_next_is(&p, DER_CONTEXT_CONS | 3)) {
		f = der_take(&p, DER_CONTEXT_CONS | 3);
		if (der_small(&f) != 1 || !rd_done(&f))
			return 0;
	}
	if (!rd_done(&p) || !rd_done(r))
		return 0;
	return (enum pk_scheme)(PK_RSA_PSS_SHA256 + hash - 1);
}

enum pk_scheme pk_scheme_of_der(struct slice id)
{
	struct rd r = rd_slice(id), alg = der_take(&r, DER_SEQUENCE);
	struct slice oid = der_bytes(&alg, DER_OID);
	bool none;

	if (!rd_done(&r) || !rd_ok(&alg))
		return 0;
	if (oid.len == 9 && memcmp(oid.p, &OID_PKCS1[2], 8) == 0 && oid.p[8] == 0x0a)
		return pss_of(&alg);
	/* PKCS#1 wants NULL parameters, and some leave them out. */
	none = alg.left == 0;
	if (!none && (der_bytes(&alg, DER_NULL).len || !rd_done(&alg)))
		return 0;
	for (enum pk_scheme s = PK_RSA_PKCS1_SHA1; s < PK_SCHEME_N; s++) {
		struct rd d = rd_slice(pk_scheme_der(s)), a = der_take(&d, DER_SEQUENCE);
		struct slice o = der_bytes(&a, DER_OID);

		if (rd_ok(&a) && slice_is(o, oid) && (a.left || none))
			return s;
	}
	return 0;
}

bool pk_scheme_fits(enum pk_scheme s, enum pk_type t, unsigned bits)
{
	switch (s) {
	case PK_RSA_PKCS1_SHA1:
	case PK_RSA_PKCS1_SHA256:
	case PK_RSA_PKCS1_SHA384:
	case PK_RSA_PKCS1_SHA512:
	case PK_RSA_RAW:
		return t == PK_RSA && bits >= 1024;
	case PK_RSA_PSS_SHA256:
	case PK_RSA_PSS_SHA384:
		return t == PK_RSA && bits >= 1024;
	case PK_RSA_PSS_SHA512:
		return t == PK_RSA && bits >= 1048;	/* two hashes and two bytes */
	case PK_ECDSA_SHA256:
	case PK_ECDSA_SHA384:
	case PK_ECDSA_SHA512:
		return t == PK_ECDSA;
	case PK_ECDSA_P256:
		return t == PK_ECDSA && bits == 256;
	case PK_ECDSA_P384:
		return t == PK_ECDSA && bits == 384;
	case PK_ECDSA_P521:
		return t == PK_ECDSA && bits == 521;
	case PK_SCHEME_N:
		break;
	}
	return false;
}
