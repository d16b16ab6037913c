/* rooms: ike/v1 ike/auth ike/wire core/crypto core/base */
/* IKEv1's keys and hashes. HASH_R against two Aggressive modes of a Check Point Firewall-1 NG
 * (R54) that ike-scan's check-psk-crack-2 publishes with their key; the rest against the
 * formulas of RFC 2409 §5 and Appendix B as Python's hmac and hashlib compute them.
 */
#include "core/base/secret.h"
#include "ike/auth/psk.h"
#include "ike/v1/keys.h"
#include "tests/unit/t.h"

#include <stdio.h>
#include <stdlib.h>

struct bytes {
	uint8_t p[512];
	size_t len;
};

static struct bytes hex(const char *s)
{
	struct bytes b = { .len = strlen(s) / 2 };
	unsigned v;

	for (size_t i = 0; i < b.len; i++) {
		if (sscanf(s + 2 * i, "%2x", &v) != 1)
			abort();
		b.p[i] = (uint8_t)v;
	}
	return b;
}

static struct slice sl(const struct bytes *b)
{
	return (struct slice){ b->p, b->len };
}

static uint64_t be64(const struct bytes *b)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | b->p[i];
	return v;
}

#define CHECK_HEX(got, text) do { \
	struct bytes want_ = hex(text); \
	CHECK_MEM(got, want_.p, want_.len); \
	} while (0)

/* ---- someone else's exchanges: the PSK is "abc123" ---- */

static const struct {
	uint16_t prf;
	const char *gr, *gi, *cr, *ci, *sa, *idr, *ni, *nr, *hash_r;
} published[] = {
	{ PRF_HMAC_MD5,
	  "5c7916ddf8db4d233b3b36005bb3ccc115a73807e11a897be943fd4a2d0f9426"
	  "24cb00588d8b3a0a26502b73e639df217ef6c4cb90f96b0a3c3ef2f62ed025b4"
	  "a705df9de65e33e380c1ba5fa23bf1f9911bbf388d0844256fa0131fc5cf8acb"
	  "396936ba3295b4637b039d93f58db90a3a1cf1ef5051103bacf6e1a3334f9f89",
	  "fde8c68c5f324c7dbcbadde1d757af6962c63496c009f77cad647f2997fd4295"
	  "e50821453a6dc2f6279fd7fef68768584d9cee0da6e68a534a097ce206bf77ec"
	  "c798310206f3f82d92d02c885794e0a430ceb2d6b43c2aff45a6e14c6558382d"
	  "f0692ff65c2724eef750764ee456f31424a5ebd9e115d826bbb9722111aa4e01",
	  "b2a3c7aa4be95e85", "756e3fa11c1b102c",
	  "00000001000000010000002c0101000100000024010100008001000180020001"
	  "8003000180040002800b0001000c000400007080",
	  "01000000ac100202", "251d7ace920b17cb34f9d561bca46d037b337d19",
	  "e045819a64edbf022620bff3efdb935216584cc4",
	  "b9c594fa3fca6bb30a85c4208a8df348" },
	{ PRF_HMAC_SHA1,
	  "9bdee7aa341cf1a6c19bc0191106b5056537ce6b837cd70678ea5a3ccb606b56"
	  "dee4548feb67f24fd6f4d5f58967a9ff3c674d9d79e4195b7def5aac147c9fe9"
	  "abdc2f8ba2eca58f4c863fedc7a8c8e1ad6e1551b1e44bf9a0e258561a5db1c2"
	  "ca1e8b5dfda1b012012b6fdf24ecd07da6b10d76ab3b58d07b30b4f9da26aee4",
	  "c9b7ef0610a22b3e1c88b1a01ce4d4110edf6baa122ed1285eb2184cd75d30a1"
	  "1520a725c2d263de5a157f77f953880732f3b14521836d7f3585cb0ce3fcadf8"
	  "1c541dde2680bd81953cf88e8f8096c173470694ca7414fff9df0cdcdbb9d4f7"
	  "0ef1d6347293b507cfad965e2d2c1fa07326353e9a493d93284970040344fb11",
	  "3506592130312567", "6c362583ce7a2a26",
	  "00000001000000010000002c0101000100000024010100008001000180020002"
	  "8003000180040002800b0001000c000400007080",
	  "01000000ac100202", "84943233f42a0b5a9b33c327162fe0efee2545e4",
	  "76f451dce3fea6402b67f3fddae561ebdb4a6efe",
	  "f63f237b3c0f1fe57a5b852203cfd27cbf0c78d4" },
};

static void hash_r_of_another_implementation(void)
{
	for (size_t i = 0; i < sizeof(published) / sizeof(published[0]); i++) {
		struct bytes gr = hex(published[i].gr), gi = hex(published[i].gi);
		struct bytes cr = hex(published[i].cr), ci = hex(published[i].ci);
		struct bytes sa = hex(published[i].sa), id = hex(published[i].idr);
		struct bytes ni = hex(published[i].ni), nr = hex(published[i].nr);
		struct bytes nonces = ni;
		struct slice psk = { (const uint8_t *)"abc123", 6 };
		struct v1_keys k = { .prf = published[i].prf };
		uint8_t out[PRF_MAX];
		size_t len;

		memcpy(nonces.p + nonces.len, nr.p, nr.len);
		nonces.len += nr.len;
		CHECK_INT(psk_skeyid(published[i].prf, psk, sl(&nonces), k.skeyid, &len), 0);
		k.prf_len = (uint8_t)len;
		CHECK_INT(v1_hash(&k, sl(&gr), sl(&gi), be64(&cr), be64(&ci), sl(&sa), sl(&id),
				  out), 0);
		CHECK_HEX(out, published[i].hash_r);
		/* another key, another hash */
		psk.len = 5;
		CHECK_INT(psk_skeyid(published[i].prf, psk, sl(&nonces), k.skeyid, &len), 0);
		CHECK_INT(v1_hash(&k, sl(&gr), sl(&gi), be64(&cr), be64(&ci), sl(&sa), sl(&id),
				  out), 0);
		nonces = hex(published[i].hash_r);
		CHECK(memcmp(out, nonces.p, nonces.len) != 0);
	}
}

/* ---- the formulas ---- */

static const struct {
	uint16_t prf;
	const char *d, *a, *key32, *keymat96, *h1, *h3, *iv, *natd;
} computed[] = {
	{ PRF_HMAC_MD5, "60e0bc076752f5841ca9c3b236d2aa74",
	  "b2416f153ef4176a871c86841f038fed",
	  "5c0f37f363d7aa1f466d58e501eff766440f3476c0e1c14ba031e20d16e66980",
	  "80784ed05c1b3bd40a897cd21bd6ef350b71d11e370b5091b6cc5c8a9cc27802ce6f27d8884504f93477"
	  "41ca4af5f443014ee3788701ecc72f3917c10572ab63a1dcd1f83d09bb14b5f192f1d48b1d862ca97143"
	  "7fe3964c583991b92b6e8757",
	  "9e9f3dc4c5456302c05f9f9d0b19dd4c", "89a1d1d24efcb0a79616c64e7b29c900",
	  "2c98f056c0aa7794a47aba7aa23230a0", "1ed3e40f945b108936efc46a91d17bae" },
	{ PRF_HMAC_SHA1, "c5749b58b0016d3e2deb345af2aefbea058a58c2",
	  "2c9e758e7263b5b91641bff7e6b033547575d2f4",
	  "a0330488e8ebb5ced7c57e9fe1e395c2faa3f6d6386561b1a73d97641640f18d",
	  "a4af1215539bc8e0f49c1de3ee1aa6a4be7fa67ada98969b9113fd53cb10b144be177f1b99dd683a93d1"
	  "afd33169b7c05490337fa2698b3beadfeaea0379990343450885ed135f502b56b416c0f6755872086be5"
	  "206a6667a3d44418e59dbe9e",
	  "6767f71c58ec684ed6ec763ebec0053f48fb1c6d",
	  "87b3b679655d246e64753eca64c1efc61616c90c", "4ffb4ac63510a5322af9e48acc1677bf",
	  "031a250388e3daac743ef6bbb4d0d39515b1a928" },
	{ PRF_HMAC_SHA2_256,
	  "31193b2b26ba0c8b3490b4a67d11084de87def58d8e7876f0f9a3101078915dc",
	  "c2e7374d79e503b2f3489e818adfe951667ced40c9da88614ba640fe96d1f2c5",
	  "947b1271a31f407da4493e2d31f56a233b12cbf74860b946353bee1cc12895e4",
	  "596dfc5d11966cb954d5e751f880815acf149edb8bfcb0a462ffd39f2dffc0570a1b153e4e8b9bb607d6"
	  "d32a64bc76f2ca21b4f4b75699445186d1a8d650825578d460c5dd58dc12231ac939669d1818584705c6"
	  "a79ca733e7cdd4aaf2445d4c",
	  "564b71cf6f532f5828e5c9d27f8378ef45a7c2fff98f0ef1678371ededacba7c",
	  "8447d5c82a314727b7c130f904738037aa04b08f5706aa1ba38fc239507a823d",
	  "273d334a6b1fa4afa33262c6d6fcae7f",
	  "c641c976bf0032855339cf6e0263c62077500e26428a105764ada110fa8ffb27" },
};

static void the_formulas(void)
{
	struct bytes gxy = { .len = 96 }, skeyid = { 0 }, rest = { .p = "rest", .len = 4 };
	struct bytes ni = { .len = 16 }, nr = { .len = 32 }, shared = { .len = 32 };
	struct bytes last = { .len = 16 };
	struct endpoint ep = { addr_v4(0xc0000209), 4500 };

	for (int i = 0; i < 96; i++)
		gxy.p[i] = (uint8_t)(i * 7);
	for (int i = 0; i < 64; i++)
		skeyid.p[i] = (uint8_t)i;
	for (int i = 0; i < 32; i++) {
		ni.p[i] = (uint8_t)(0x40 + i);
		nr.p[i] = (uint8_t)(0x60 + i);
		shared.p[i] = (uint8_t)(0x80 + i);
		last.p[i] = (uint8_t)i;
	}
	for (size_t i = 0; i < sizeof(computed) / sizeof(computed[0]); i++) {
		struct chosen ike = { .encr = ENCR_AES_CBC, .encr_bits = 256,
				      .prf = computed[i].prf };
		struct chosen esp = { .encr = ENCR_AES_CBC, .encr_bits = 256,
				      .integ = INTEG_HMAC_SHA2_512_256 };
		struct sa_key mat = { 0 };
		struct err e = { 0 };
		uint8_t out[PRF_MAX], all[96];
		struct v1_keys *k;
		size_t len;

		skeyid.len = strlen(computed[i].d) / 2;
		k = v1_keys_new(&ike, sl(&skeyid), sl(&gxy), 0x0102030405060708ull,
				0x1112131415161718ull, &e);
		CHECK(k);
		CHECK_HEX(k->d, computed[i].d);
		CHECK_HEX(k->a, computed[i].a);
		CHECK_INT(k->key_len, 32);
		CHECK_HEX(k->key, computed[i].key32);	/* Appendix B where it is longer */
		CHECK_INT(v1_keymat(k, &esp, sl(&shared), 0xdeadbeef, sl(&ni), sl(&nr), &mat,
				    &e), 0);
		memcpy(all, mat.encr, 32);
		memcpy(all + 32, mat.integ, 64);
		CHECK_HEX(all, computed[i].keymat96);
		CHECK_INT(mat.encr_len, 32);
		CHECK_INT(mat.integ_len, 64);
		CHECK_INT(v1_hash_rest(k, 0x0a0b0c0d, (struct slice){ 0 }, sl(&rest), out), 0);
		CHECK_HEX(out, computed[i].h1);
		CHECK_INT(v1_hash_3(k, 0x0a0b0c0d, sl(&ni), sl(&nr), out), 0);
		CHECK_HEX(out, computed[i].h3);
		CHECK_INT(v1_iv_next(k, last.p, 16, 0x0a0b0c0d, out), 0);
		CHECK_HEX(out, computed[i].iv);
		CHECK_INT(v1_nat_hash(computed[i].prf, 0x0102030405060708ull,
				      0x1112131415161718ull, &ep, out, &len), 0);
		CHECK_INT(len, strlen(computed[i].natd) / 2);
		CHECK_HEX(out, computed[i].natd);
		v1_keys_free(k);
	}
}

/* Vendor IDs are MD5 of what they stand for (RFC 3947 §3.1, and the drafts' names). */
static void vendor_ids(void)
{
	static const struct { const char *text, *id; } ids[] = {
		{ "RFC 3947", "4a131c81070358455c5728f20e95452f" },
		{ "draft-ietf-ipsec-nat-t-ike-03", "7d9419a65310ca6f2c179d9215529d56" },
		{ "draft-ietf-ipsec-nat-t-ike-02\n", "90cb80913ebb696e086381b5ec427b1f" },
		{ "draft-ietf-ipsec-nat-t-ike-02", "cd60464335df21f87cfdb2fc68b6a448" },
		{ "FRAGMENTATION", "4048b7d56ebce88525e7de7f00d6c2d3" },
	};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct slice text = { (const uint8_t *)ids[i].text, strlen(ids[i].text) };
		uint8_t out[PRF_MAX];

		CHECK_INT(hash(PRF_HMAC_MD5, &text, 1, out), 0);
		CHECK_HEX(out, ids[i].id);
	}
}

int main(void)
{
	T_RUN(hash_r_of_another_implementation);
	T_RUN(the_formulas);
	T_RUN(vendor_ids);
	return t_done();
}
