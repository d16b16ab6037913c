/* pkcs12: the parts of RFC 7292 that are used: password integrity, password privacy. */
#include "core/crypto/pkcs12.h"

#include "core/base/rng.h"
#include "core/base/secret.h"
#include "core/base/wr.h"
#include "core/crypto/der.h"
#include "core/crypto/pbe.h"
#include "core/crypto/pkmake.h"
#include "core/crypto/x509priv.h"

#include <stdlib.h>
#include <string.h>

#define CONTENTS_MAX 8		/* parts of the safe */
#define BAGS_MAX 64
#define MAC_ROUNDS 10000
#define MAC_ROUNDS_LEGACY 2048

static const struct slice oid_data = SLICE_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01");
static const struct slice oid_encrypted = SLICE_LIT(
	"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06");
/* 1.2.840.113549.1.12.10.1.N */
static const struct slice oid_bag = SLICE_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01");
static const struct slice oid_x509 = SLICE_LIT(
	"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x16\x01");
static const struct slice oid_friendly = SLICE_LIT(
	"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x14");
static const struct slice oid_local_key = SLICE_LIT(
	"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x15");
static const struct slice oid_pbmac1 = SLICE_LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0e");

enum { BAG_KEY = 1, BAG_SHROUDED = 2, BAG_CERT = 3, BAG_SAFE = 6 };

struct reader {
	struct pkcs12 *out;
	struct slice password;
	bool empty_nul;
	bool key_named;		/* out->name is the key's */
	size_t bags;
	bool wrong;
	struct err *e;
};

static int damaged(struct reader *r)
{
	return err_set(r->e, "the PKCS#12 file is damaged");
}

bool pkcs12_is(struct slice file)
{
	static const uint8_t version[] = { DER_INTEGER, 1, 3 };
	struct rd r = rd_slice(file);
	const uint8_t *p;
	uint8_t len;

	/* SEQUENCE, of whatever length, of INTEGER 3 */
	if (rd_u8(&r) != DER_SEQUENCE)
		return false;
	len = rd_u8(&r);
	if (len & 0x7f && len & 0x80)
		rd_skip(&r, len & 0x7f);
	p = rd_bytes(&r, sizeof(version));
	return p && memcmp(p, version, sizeof(version)) == 0;
}

/* ---- bags ---- */

static void take_name(struct reader *r, struct slice bmp, bool of_key)
{
	struct x509_attr a = { .tag = DER_BMP_STRING, .value = bmp };
	size_t n;

	if (r->key_named || (r->out->name[0] && !of_key))
		return;
	n = x509_attr_utf8(&a, r->out->name, PKCS12_NAME_MAX);
	r->out->name[n] = '\0';
	r->key_named = of_key;
}

static int attributes(struct reader *r, struct rd *bag, bool of_key)
{
	struct rd set = der_take(bag, DER_SET);

	while (set.left) {
		struct rd attr = der_take(&set, DER_SEQUENCE);
		struct slice oid = der_bytes(&attr, DER_OID);
		struct rd values = der_take(&attr, DER_SET);

		if (!rd_done(&attr))
			return damaged(r);
		if (slice_is(oid, oid_friendly) && der_next_is(&values, DER_BMP_STRING))
			take_name(r, der_bytes(&values, DER_BMP_STRING), of_key);
	}
	return rd_done(&set) ? 0 : damaged(r);
}

static int take_key(struct reader *r, struct slice pkcs8)
{
	if (r->out->key)
		return err_set(r->e, "there is more than one private key in it");
	r->out->key = pkcs8.len <= SECRET_MAX && pkcs8.len ? secret_new(pkcs8.len) : NULL;
	if (!r->out->key)
		return err_set(r->e, "its private key is larger than any can be");
	memcpy(r->out->key, pkcs8.p, pkcs8.len);
	r->out->key_len = pkcs8.len;
	return 0;
}

static int decrypt_key(struct slice der, struct slice password, bool empty_nul,
		       uint8_t **out, size_t *len, bool *wrong, struct err *e)
{
	struct rd in = rd_slice(der), seq = der_take(&in, DER_SEQUENCE);
	struct slice alg = der_whole(&seq, DER_SEQUENCE);
	struct slice data = der_bytes(&seq, DER_OCTET_STRING);

	*out = NULL;
	if (!rd_done(&seq) || !rd_done(&in))
		return err_set(e, "the encrypted key is damaged");
	*out = data.len && data.len <= SECRET_MAX ? secret_new(data.len) : NULL;
	if (!*out)
		return err_set(e, "its private key is larger than any can be");
	if (pbe_decrypt(alg, password, empty_nul, data, *out, len, wrong, e) == 0)
		return 0;
	secret_free(*out);
	*out = NULL;
	return -1;
}

static int take_shrouded(struct reader *r, struct slice der)
{
	uint8_t *key;
	size_t len;
	int how;

	if (decrypt_key(der, r->password, r->empty_nul, &key, &len, &r->wrong, r->e) < 0)
		return -1;
	how = take_key(r, (struct slice){ key, len });
	secret_free(key);
	return how;
}

static int take_cert(struct reader *r, struct slice der)
{
	struct rd in = rd_slice(der), seq = der_take(&in, DER_SEQUENCE);
	struct slice oid = der_bytes(&seq, DER_OID), cert;
	struct rd value = der_take(&seq, DER_CONTEXT_CONS | 0);

	cert = der_bytes(&value, DER_OCTET_STRING);
	if (!rd_done(&seq) || !rd_done(&in))
		return damaged(r);
	if (!slice_is(oid, oid_x509))
		return 0;	/* SDSI: nobody has one */
	if (r->out->n_certs == PKCS12_CERTS_MAX)
		return err_set(r->e, "more than %d certificates in one file",
			       PKCS12_CERTS_MAX);
	r->out->certs[r->out->n_certs] = x509_parse(cert, r->e);
	if (!r->out->certs[r->out->n_certs])
		return -1;
	r->out->n_certs++;
	return 0;
}

static int take_bag(struct reader *r, struct rd *list)
{
	struct rd bag = der_take(list, DER_SEQUENCE);
	struct slice oid = der_bytes(&bag, DER_OID), value;
	struct rd in = der_take(&bag, DER_CONTEXT_CONS | 0);
	uint8_t kind = 0;
	int how = 0;

	value = rd_rest(&in);
	if (!rd_ok(&bag) || !rd_ok(list))
		return damaged(r);
	if (++r->bags > BAGS_MAX)
		return err_set(r->e, "more than %d things in one file", BAGS_MAX);
	if (oid.len == oid_bag.len + 1 && memcmp(oid.p, oid_bag.p, oid_bag.len) == 0)
		kind = oid.p[oid_bag.len];
	if (kind == BAG_KEY)
		how = take_key(r, value);
	else if (kind == BAG_SHROUDED)
		how = take_shrouded(r, value);
	else if (kind == BAG_CERT)
		how = take_cert(r, value);
	if (how == 0 && bag.left)
		how = attributes(r, &bag, kind == BAG_KEY || kind == BAG_SHROUDED);
	return how;
}

static int take_bags(struct reader *r, struct slice contents)
{
	uint8_t *der;
	struct rd in, list;
	size_t len;
	int how = 0;

	if (ber_to_der(contents, &der, &len) < 0)
		return damaged(r);
	in = rd_init(der, len);
	list = der_take(&in, DER_SEQUENCE);
	while (how == 0 && list.left)
		how = take_bag(r, &list);
	if (how == 0 && (!rd_done(&list) || !rd_done(&in)))
		how = damaged(r);
	secret_wipe(der, len);
	free(der);
	return how;
}

/* ---- the safe ---- */

/* encryptedContent is [0] IMPLICIT OCTET STRING; a constructed one holds it in pieces. The
 * copy is the caller's to free(). */
static uint8_t *encrypted_bytes(struct rd *info, size_t *len)
{
	bool pieces = der_next_is(info, DER_CONTEXT_CONS | 0);
	struct rd in = der_take(info, pieces ? DER_CONTEXT_CONS | 0 : DER_CONTEXT | 0);
	uint8_t *out = malloc(in.left + 1);
	struct wr w = wr_init(out, in.left + 1);

	if (!out)
		return NULL;
	if (!pieces) {
		struct slice all = rd_rest(&in);

		wr_bytes(&w, all.p, all.len);
	}
	while (pieces && in.left) {
		struct slice one = der_bytes(&in, DER_OCTET_STRING);

		if (one.len)
			wr_bytes(&w, one.p, one.len);
	}
	if (!rd_done(&in) || !wr_ok(&w)) {
		free(out);
		return NULL;
	}
	*len = w.len;
	return out;
}

static int take_encrypted(struct reader *r, struct rd *value)
{
	struct rd seq = der_take(value, DER_SEQUENCE), info;
	struct slice oid, alg;
	uint8_t *data, *plain = NULL;
	size_t data_len = 0, len;
	int how = -1;

	der_small(&seq);
	info = der_take(&seq, DER_SEQUENCE);
	oid = der_bytes(&info, DER_OID);
	alg = der_whole(&info, DER_SEQUENCE);
	data = encrypted_bytes(&info, &data_len);
	if (!data || !rd_done(&info) || !rd_ok(&seq) || !slice_is(oid, oid_data)) {
		free(data);
		return damaged(r);
	}
	plain = malloc(data_len + 1);
	if (plain)
		how = pbe_decrypt(alg, r->password, r->empty_nul,
				  (struct slice){ data, data_len }, plain, &len,
				  &r->wrong, r->e);
	else
		err_set(r->e, "out of memory");
	if (how == 0)
		how = take_bags(r, (struct slice){ plain, len });
	if (plain)
		secret_wipe(plain, data_len);
	free(plain);
	free(data);
	return how;
}

static int take_content(struct reader *r, struct rd *list)
{
	struct rd info = der_take(list, DER_SEQUENCE);
	struct slice oid = der_bytes(&info, DER_OID);
	struct rd value = der_take(&info, DER_CONTEXT_CONS | 0);

	if (!rd_ok(&info))
		return damaged(r);
	if (slice_is(oid, oid_data)) {
		struct slice bags = der_bytes(&value, DER_OCTET_STRING);

		return rd_ok(&value) ? take_bags(r, bags) : damaged(r);
	}
	if (slice_is(oid, oid_encrypted))
		return take_encrypted(r, &value);
	return err_set(r->e,
		       "a part of it is encrypted for somebody's certificate, not by a "
		       "password");
}

static int take_safe(struct reader *r, struct slice safe)
{
	struct rd in, list;
	uint8_t *der;
	size_t len, n = 0;
	int how = 0;

	if (ber_to_der(safe, &der, &len) < 0)
		return damaged(r);
	in = rd_init(der, len);
	list = der_take(&in, DER_SEQUENCE);
	while (how == 0 && list.left)
		how = n++ == CONTENTS_MAX ? damaged(r) : take_content(r, &list);
	if (how == 0 && (!rd_done(&list) || !rd_done(&in)))
		how = damaged(r);
	secret_wipe(der, len);
	free(der);
	return how;
}

/* ---- the MAC ---- */

static int hmac(mbedtls_md_type_t md, const uint8_t *key, size_t len, struct slice data,
		uint8_t *out)
{
	return mbedtls_md_hmac(mbedtls_md_info_from_type(md), key, len, data.p, data.len,
			       out);
}

/* RFC 9579: PBMAC1, OpenSSL 3.4's. */
static int pbmac1(struct reader *r, struct rd *params, struct slice safe, uint8_t *out,
		  size_t *len)
{
	struct rd seq = der_take(params, DER_SEQUENCE), alg;
	struct slice kdf = der_whole(&seq, DER_SEQUENCE);
	mbedtls_md_type_t md;
	uint8_t key[64];

	alg = der_take(&seq, DER_SEQUENCE);
	md = pbe_hmac_of(der_bytes(&alg, DER_OID));
	if (!rd_done(&seq) || md == MBEDTLS_MD_NONE)
		return err_set(r->e, "its integrity is kept in a way that is not known");
	*len = mbedtls_md_get_size(mbedtls_md_info_from_type(md));
	/* keyLength is what the hash gives, with all who write this */
	if (pbe_pbkdf2_by(kdf, r->password, key, *len, r->e) < 0)
		return -1;
	return hmac(md, key, *len, safe, out) ? damaged(r) : 0;
}

static int mac_of(struct reader *r, struct rd *mac, struct slice safe, struct slice *want,
		  uint8_t *out, size_t *len)
{
	struct rd info = der_take(mac, DER_SEQUENCE), alg = der_take(&info, DER_SEQUENCE);
	struct slice oid = der_bytes(&alg, DER_OID), salt;
	uint32_t rounds = 1;
	mbedtls_md_type_t md;
	uint8_t key[64];

	*want = der_bytes(&info, DER_OCTET_STRING);
	salt = der_bytes(mac, DER_OCTET_STRING);
	if (der_next_is(mac, DER_INTEGER))
		rounds = der_small(mac);
	if (!rd_done(mac) || !rd_done(&info))
		return damaged(r);
	if (slice_is(oid, oid_pbmac1))
		return pbmac1(r, &alg, safe, out, len);
	md = pbe_hash_of(oid);
	if (md == MBEDTLS_MD_NONE)
		return err_set(r->e, "its integrity is kept in a way that is not known");
	if (rounds < 1 || rounds > PBE_ROUNDS_MAX)
		return err_set(r->e, "%u rounds for the password are more than %d",
			       rounds, PBE_ROUNDS_MAX);
	*len = mbedtls_md_get_size(mbedtls_md_info_from_type(md));
	if (pbe_pkcs12_kdf(md, 3, r->password, r->empty_nul, salt, rounds, key, *len,
			   r->e) < 0)
		return -1;
	return hmac(md, key, *len, safe, out) ? damaged(r) : 0;
}

/* An empty password has two forms; the MAC tells which. */
static int check_mac(struct reader *r, struct rd mac, struct slice safe)
{
	for (int form = 0; form < 2; form++) {
		uint8_t got[64];
		struct slice want;
		struct rd again = mac;
		size_t len = 0;

		r->empty_nul = form == 0;
		if (mac_of(r, &again, safe, &want, got, &len) < 0)
			return -1;
		if (want.len == len && secret_equal(want.p, got, len))
			return 0;
		if (r->password.len)
			break;
	}
	r->wrong = true;
	return err_set(r->e, "the password is wrong");
}

/* ---- reading ---- */

/* The certificate of the key first, then each one's issuer; what belongs nowhere last. */
static void order(struct pkcs12 *p)
{
	struct pk *key = p->key ? pk_private((struct slice){ p->key, p->key_len }, NULL) :
				  NULL;

	for (size_t i = 0; key && i < p->n_certs; i++) {
		struct pk *pub = x509_key(p->certs[i], NULL);
		bool mine = pub && pk_same(key, pub);
		struct x509 *c = p->certs[i];

		pk_free(pub);
		if (!mine)
			continue;
		p->certs[i] = p->certs[0];
		p->certs[0] = c;
		break;
	}
	pk_free(key);
	for (size_t i = 1; i < p->n_certs; i++)
		for (size_t k = i; k < p->n_certs; k++) {
			struct x509 *c = p->certs[k];

			if (!x509_dn_equal(p->certs[i - 1]->issuer, c->subject))
				continue;
			p->certs[k] = p->certs[i];
			p->certs[i] = c;
			break;
		}
}

static int read_pfx(struct reader *r, struct slice file)
{
	struct rd in = rd_slice(file), pfx = der_take(&in, DER_SEQUENCE), info, value,
		  mac;
	uint32_t version = der_small(&pfx);
	struct slice oid, safe;

	info = der_take(&pfx, DER_SEQUENCE);
	oid = der_bytes(&info, DER_OID);
	value = der_take(&info, DER_CONTEXT_CONS | 0);
	if (!rd_ok(&pfx) || !rd_ok(&info) || !rd_done(&in) || version != 3)
		return damaged(r);
	if (!slice_is(oid, oid_data))
		return err_set(r->e,
			       "its integrity is kept by a signature, not by a password");
	safe = der_bytes(&value, DER_OCTET_STRING);
	if (!rd_ok(&value))
		return damaged(r);
	if (pfx.left) {
		mac = der_take(&pfx, DER_SEQUENCE);
		if (!rd_done(&pfx))
			return damaged(r);
		if (check_mac(r, mac, safe) < 0)
			return -1;
	}
	return take_safe(r, safe);
}

int pkcs12_read(struct slice file, const char *password, struct pkcs12 *out,
		bool *wrong_password, struct err *e)
{
	struct reader r = { .out = out, .e = e, .empty_nul = true,
			    .password = { (const uint8_t *)password, strlen(password) } };
	uint8_t *der = NULL;
	size_t len;
	int how;

	memset(out, 0, sizeof(*out));
	*wrong_password = false;
	if (file.len > PKCS12_MAX)
		return err_set(e, "a PKCS#12 file of %zu bytes: %u are the most",
			       file.len, PKCS12_MAX);
	if (r.password.len > PBE_PASSWORD_MAX)
		return err_set(e, "the password is longer than %d bytes",
			       PBE_PASSWORD_MAX);
	if (!pkcs12_is(file) || ber_to_der(file, &der, &len) < 0)
		return err_set(e, "it is not a PKCS#12 file, or a damaged one");
	how = read_pfx(&r, (struct slice){ der, len });
	free(der);
	*wrong_password = how < 0 && r.wrong;
	if (how == 0 && !out->key && !out->n_certs)
		how = err_set(e, "there is nothing in it");
	if (how == 0)
		order(out);
	else
		pkcs12_fini(out);
	return how;
}

void pkcs12_fini(struct pkcs12 *p)
{
	for (size_t i = 0; i < p->n_certs; i++)
		x509_free(p->certs[i]);
	secret_free(p->key);
	memset(p, 0, sizeof(*p));
}

int pkcs8_decrypt(struct slice der, const char *password, uint8_t **out, size_t *len,
		  bool *wrong_password, struct err *e)
{
	struct slice pw = { (const uint8_t *)password, strlen(password) };

	*wrong_password = false;
	*out = NULL;
	if (pw.len > PBE_PASSWORD_MAX)
		return err_set(e, "the password is longer than %d bytes",
			       PBE_PASSWORD_MAX);
	if (decrypt_key(der, pw, true, out, len, wrong_password, e) < 0)
		return -1;
	/* One wrong password in 256 unpads. */
	if (*len > 2 && (*out)[0] == DER_SEQUENCE)
		return 0;
	secret_free(*out);
	*out = NULL;
	*wrong_password = true;
	return err_set(e, "the password is wrong");
}

/* ---- writing ---- */

struct writer {
	struct slice password;
	const char *name;
	bool legacy;
	uint8_t local_id[X509_HASH_LEN];
	bool has_id;
	struct err *e;
};

static void put_attributes(struct der_out *o, const struct writer *w, bool named)
{
	size_t all = der_mark(o), mark;
	uint8_t bmp[2 * PKCS12_NAME_MAX];
	size_t n = 0;

	if (!w->has_id && !named)
		return;
	if (w->has_id) {
		der_put_tlv(o, DER_OCTET_STRING,
			    (struct slice){ w->local_id, X509_HASH_LEN });
		der_head(o, DER_SET, all);
		der_put_tlv(o, DER_OID, oid_local_key);
		der_head(o, DER_SEQUENCE, all);
	}
	if (named && w->name[0]) {
		/* names of pki/ are ASCII */
		for (const char *c = w->name; *c && n < sizeof(bmp); c++) {
			bmp[n++] = 0;
			bmp[n++] = (uint8_t)*c;
		}
		mark = der_mark(o);
		der_put_tlv(o, DER_BMP_STRING, (struct slice){ bmp, n });
		der_head(o, DER_SET, mark);
		der_put_tlv(o, DER_OID, oid_friendly);
		der_head(o, DER_SEQUENCE, mark);
	}
	der_head(o, DER_SET, all);
}

/* SafeBag around what was written since mark, behind which its attributes stand. */
static void bag(struct der_out *o, uint8_t kind, size_t all, size_t mark)
{
	uint8_t oid[16];

	memcpy(oid, oid_bag.p, oid_bag.len);
	oid[oid_bag.len] = kind;
	der_head(o, DER_CONTEXT_CONS | 0, mark);
	der_put_tlv(o, DER_OID, (struct slice){ oid, oid_bag.len + 1 });
	der_head(o, DER_SEQUENCE, all);
}

static int put_key_bag(struct der_out *o, const struct writer *w, struct slice key)
{
	uint8_t alg[160];
	uint8_t *data = malloc(key.len + PBE_BLOCK_MAX);
	size_t alg_len, len, all = der_mark(o), mark;

	if (!data)
		return err_set(w->e, "out of memory");
	if (pbe_encrypt(w->legacy, w->password, key, data, &len, alg, &alg_len, w->e) <
	    0) {
		free(data);
		return -1;
	}
	put_attributes(o, w, true);
	mark = der_mark(o);
	der_put_tlv(o, DER_OCTET_STRING, (struct slice){ data, len });
	der_put(o, alg, alg_len);
	der_head(o, DER_SEQUENCE, mark);
	bag(o, BAG_SHROUDED, all, mark);
	der_head(o, DER_SEQUENCE, all);		/* SafeContents of one */
	free(data);
	return 0;
}

/* ContentInfo of type data around what was written since mark. */
static void content_data(struct der_out *o, size_t mark)
{
	der_head(o, DER_OCTET_STRING, mark);
	der_head(o, DER_CONTEXT_CONS | 0, mark);
	der_put_tlv(o, DER_OID, oid_data);
	der_head(o, DER_SEQUENCE, mark);
}

static int put_certs(struct der_out *o, const struct writer *w,
		     const struct x509 *const *certs, size_t n)
{
	uint8_t *buf = malloc(o->cap), alg[160], *data = malloc(o->cap);
	struct der_out bags = der_out(buf, o->cap);
	size_t all = der_mark(&bags), alg_len, len, mark = der_mark(o);
	struct slice plain;
	int how = -1;

	for (size_t i = n; buf && data && i-- > 0;) {
		size_t from = der_mark(&bags), at;
		struct writer one = *w;

		one.has_id = w->has_id && i == 0;
		put_attributes(&bags, &one, i == 0);
		at = der_mark(&bags);
		der_put_tlv(&bags, DER_OCTET_STRING, certs[i]->der);
		der_head(&bags, DER_CONTEXT_CONS | 0, at);
		der_put_tlv(&bags, DER_OID, oid_x509);
		der_head(&bags, DER_SEQUENCE, at);
		bag(&bags, BAG_CERT, from, at);
	}
	if (buf && data) {
		der_head(&bags, DER_SEQUENCE, all);
		plain = der_done(&bags);
		how = plain.len == 0 || plain.len + PBE_BLOCK_MAX > o->cap ?
			      -1 :
			      pbe_encrypt(w->legacy, w->password, plain, data, &len, alg,
					  &alg_len, w->e);
	}
	if (how == 0) {
		der_put_tlv(o, DER_CONTEXT | 0, (struct slice){ data, len });
		der_put(o, alg, alg_len);
		der_put_tlv(o, DER_OID, oid_data);
		der_head(o, DER_SEQUENCE, mark);
		der_put_small(o, 0);
		der_head(o, DER_SEQUENCE, mark);
		der_head(o, DER_CONTEXT_CONS | 0, mark);
		der_put_tlv(o, DER_OID, oid_encrypted);
		der_head(o, DER_SEQUENCE, mark);
	}
	free(buf);
	free(data);
	return how == 0 ? 0 : err_set(w->e, "the certificates could not be written");
}

static int put_mac(struct der_out *o, const struct writer *w, struct slice safe)
{
	static const struct slice sha1 = SLICE_LIT("\x2b\x0e\x03\x02\x1a");
	static const struct slice sha256 = SLICE_LIT(
		"\x60\x86\x48\x01\x65\x03\x04\x02\x01");
	mbedtls_md_type_t md = w->legacy ? MBEDTLS_MD_SHA1 : MBEDTLS_MD_SHA256;
	uint32_t rounds = w->legacy ? MAC_ROUNDS_LEGACY : MAC_ROUNDS;
	size_t n = w->legacy ? 20 : 32, all = der_mark(o), mark;
	uint8_t salt[16], key[32], mac[32];

	rng_bytes(salt, sizeof(salt));
	if (pbe_pkcs12_kdf(md, 3, w->password, true, (struct slice){ salt, sizeof(salt) },
			   rounds, key, n, w->e) < 0)
		return -1;
	if (hmac(md, key, n, safe, mac))
		return err_set(w->e, "the MAC could not be made");
	der_put_small(o, rounds);
	der_put_tlv(o, DER_OCTET_STRING, (struct slice){ salt, sizeof(salt) });
	mark = der_mark(o);
	der_put_tlv(o, DER_OCTET_STRING, (struct slice){ mac, n });
	{
		size_t at = der_mark(o);

		der_put_tlv(o, DER_NULL, (struct slice){ 0 });
		der_put_tlv(o, DER_OID, w->legacy ? sha1 : sha256);
		der_head(o, DER_SEQUENCE, at);
	}
	der_head(o, DER_SEQUENCE, mark);
	der_head(o, DER_SEQUENCE, all);
	secret_wipe(key, sizeof(key));
	return 0;
}

/* The AuthenticatedSafe, with *o around it. */
static int put_safe(struct der_out *o, const struct writer *w, struct slice key,
		    const struct x509 *const *certs, size_t n)
{
	size_t all = der_mark(o);

	if (key.len) {
		if (put_key_bag(o, w, key) < 0)
			return -1;
		content_data(o, all);
	}
	if (n && put_certs(o, w, certs, n) < 0)
		return -1;
	der_head(o, DER_SEQUENCE, all);
	return o->bad ? err_set(w->e, "it would be larger than %u bytes", PKCS12_MAX) : 0;
}

int pkcs12_write(struct slice key, const struct x509 *const *certs, size_t n,
		 const char *name, const char *password, bool legacy, uint8_t **out,
		 size_t *len, struct err *e)
{
	struct writer w = { .password = { (const uint8_t *)password, strlen(password) },
			    .name = name, .legacy = legacy, .e = e };
	size_t cap = 64 * 1024 + n * (X509_DER_MAX + 256), all, mark;
	uint8_t *safe_buf = malloc(cap), *buf = malloc(cap + 1024);
	struct der_out so = der_out(safe_buf, cap), o = der_out(buf, cap + 1024);
	struct slice safe;
	int how = -1;

	*out = NULL;
	if (!safe_buf || !buf) {
		err_set(e, "out of memory");
		goto done;
	}
	if (w.password.len > PBE_PASSWORD_MAX) {
		err_set(e, "the password is longer than %d bytes", PBE_PASSWORD_MAX);
		goto done;
	}
	if (key.len && n) {
		x509_spki_hash(certs[0], w.local_id);
		w.has_id = true;
	}
	if (put_safe(&so, &w, key, certs, n) < 0)
		goto done;
	safe = der_done(&so);
	all = der_mark(&o);
	if (put_mac(&o, &w, safe) < 0)
		goto done;
	mark = der_mark(&o);
	der_put(&o, safe.p, safe.len);
	content_data(&o, mark);
	der_put_small(&o, 3);
	der_head(&o, DER_SEQUENCE, all);
	safe = der_done(&o);
	*out = safe.len ? malloc(safe.len) : NULL;
	if (*out) {
		memcpy(*out, safe.p, safe.len);
		*len = safe.len;
		how = 0;
	} else {
		err_set(e, "it would be larger than can be");
	}
done:
	free(safe_buf);
	free(buf);
	return how;
}
