/* rooms: ike/auth core/crypto core/base */
/* The vault: AUTH against values computed elsewhere, and what it does with odd requests. */
#include "core/base/rng.h"
#include "core/base/secret.h"
#include "ike/auth/psk.h"
#include "ike/auth/vault.h"
#include "tests/unit/t.h"

/* prf(prf(psk, "Key Pad for IKEv2"), octets) by Python's hmac, octets = bytes(range(200)). */
static const struct { uint16_t prf; const char *psk; uint8_t len; uint8_t auth[64]; } known[] = {
	{ PRF_HMAC_MD5, "secret", 16,
	  {
		  0x52, 0xe0, 0xc2, 0x0e, 0x27, 0xfc, 0x95, 0x12, 0xc5, 0xe6, 0xf2, 0xfe,
		  0xc8, 0xe6, 0x8d, 0xcf,
	  } },
	{ PRF_HMAC_MD5, "a pre-shared key that is a good deal longer than the block o"
	  "f the hash that it feeds, which HMAC hashes first, so that i"
	  "t is another path", 16,
	  {
		  0x8d, 0x26, 0x8d, 0x40, 0x84, 0xcf, 0xbf, 0xf8, 0xf1, 0xe6, 0x36, 0x80,
		  0x11, 0xe7, 0xeb, 0x55,
	  } },
	{ PRF_HMAC_SHA1, "secret", 20,
	  {
		  0x44, 0xb9, 0xbb, 0x87, 0x20, 0xcf, 0x9e, 0x25, 0xb2, 0x6f, 0x7f, 0xa6,
		  0x3f, 0xd0, 0x76, 0xc2, 0x8e, 0xb9, 0x26, 0x03,
	  } },
	{ PRF_HMAC_SHA1, "a pre-shared key that is a good deal longer than the block o"
	  "f the hash that it feeds, which HMAC hashes first, so that i"
	  "t is another path", 20,
	  {
		  0x95, 0x66, 0xf2, 0x42, 0x66, 0x5f, 0x9e, 0xc3, 0x15, 0xdf, 0xb2, 0x56,
		  0x5b, 0x6c, 0x09, 0x9d, 0xb8, 0x57, 0xc9, 0xb0,
	  } },
	{ PRF_HMAC_SHA2_256, "secret", 32,
	  {
		  0x3c, 0xe9, 0x1b, 0x72, 0x4f, 0x53, 0x32, 0x5e, 0x8b, 0x91, 0x8f, 0x5c,
		  0xcf, 0xea, 0x57, 0xd7, 0xa7, 0x95, 0x08, 0x00, 0xb8, 0x82, 0x3a, 0x98,
		  0x6d, 0x8b, 0xfa, 0xce, 0xa0, 0xde, 0xae, 0xe8,
	  } },
	{ PRF_HMAC_SHA2_256, "a pre-shared key that is a good deal longer than the block o"
	  "f the hash that it feeds, which HMAC hashes first, so that i"
	  "t is another path", 32,
	  {
		  0x94, 0xa6, 0x19, 0x46, 0x17, 0x3c, 0x01, 0xc9, 0x02, 0x90, 0xb2, 0xdf,
		  0x21, 0xc3, 0x81, 0xc1, 0x98, 0x34, 0x3c, 0xbe, 0xed, 0xd0, 0x76, 0xe3,
		  0x2c, 0x99, 0x42, 0x31, 0x86, 0xa0, 0x0d, 0x1a,
	  } },
	{ PRF_HMAC_SHA2_384, "secret", 48,
	  {
		  0xf5, 0x95, 0xa5, 0x56, 0x3b, 0xb8, 0xea, 0x7f, 0xf7, 0xf4, 0xeb, 0xae,
		  0x76, 0xf5, 0xa1, 0x53, 0x08, 0xe2, 0xf2, 0xeb, 0xb8, 0x24, 0xe8, 0x09,
		  0xfc, 0xe5, 0x34, 0xcd, 0xa5, 0x04, 0xbc, 0xf9, 0xff, 0x5b, 0x9c, 0x7f,
		  0x44, 0x57, 0x92, 0x2b, 0xf9, 0xf9, 0xe5, 0xd2, 0x73, 0x6e, 0x9c, 0x4f,
	  } },
	{ PRF_HMAC_SHA2_384, "a pre-shared key that is a good deal longer than the block o"
	  "f the hash that it feeds, which HMAC hashes first, so that i"
	  "t is another path", 48,
	  {
		  0xf3, 0xee, 0xa3, 0x0f, 0xf6, 0x32, 0xa5, 0x74, 0x3f, 0x5e, 0xbc, 0x70,
		  0x1c, 0x34, 0x25, 0x16, 0x50, 0x19, 0xf4, 0x66, 0x89, 0x47, 0x12, 0x75,
		  0x09, 0xa7, 0xb0, 0x80, 0x0f, 0x5c, 0x07, 0x37, 0xa3, 0x63, 0x10, 0x3e,
		  0xfa, 0x14, 0xfc, 0x7b, 0xe4, 0x04, 0x07, 0x34, 0x5b, 0x4b, 0xe1, 0x38,
	  } },
	{ PRF_HMAC_SHA2_512, "secret", 64,
	  {
		  0xd6, 0x06, 0xcf, 0xa2, 0x8f, 0x2f, 0xc3, 0x04, 0xec, 0xd7, 0x4d, 0x54,
		  0xce, 0x89, 0x5a, 0x3b, 0x9c, 0x8d, 0xf3, 0xbc, 0xfe, 0x68, 0x09, 0xdd,
		  0x26, 0xcf, 0x7b, 0xc6, 0xab, 0xae, 0xee, 0x0d, 0x96, 0xe1, 0xe5, 0xcf,
		  0x8d, 0xec, 0xb1, 0x15, 0x36, 0xce, 0xff, 0x94, 0x8d, 0x79, 0xf8, 0xf6,
		  0x89, 0x89, 0x33, 0x3d, 0xc5, 0xd9, 0x54, 0xc3, 0xd3, 0x51, 0xdf, 0x02,
		  0x9c, 0x9a, 0x5d, 0x26,
	  } },
	{ PRF_HMAC_SHA2_512, "a pre-shared key that is a good deal longer than the block o"
	  "f the hash that it feeds, which HMAC hashes first, so that i"
	  "t is another path", 64,
	  {
		  0xbb, 0x61, 0x3e, 0x73, 0x64, 0xb3, 0x93, 0xc6, 0x64, 0x35, 0xe1, 0x48,
		  0x83, 0xbe, 0xd6, 0x66, 0xf7, 0x83, 0x15, 0xc4, 0x7a, 0x36, 0x1e, 0xa0,
		  0xd5, 0x6a, 0xe4, 0x63, 0xce, 0x13, 0x71, 0x47, 0x18, 0x0c, 0x03, 0xc2,
		  0x02, 0x63, 0xbc, 0x54, 0x15, 0xbf, 0x1d, 0x26, 0x80, 0xcd, 0x36, 0x93,
		  0xb4, 0x7e, 0x68, 0xde, 0x14, 0x4e, 0x3e, 0x93, 0x22, 0xf0, 0x10, 0x5d,
		  0xb6, 0xf4, 0x03, 0x98,
	  } },
};

static struct msg_auth request(const char *peer, uint16_t prf)
{
	struct msg_auth m;

	memset(&m, 0, sizeof(m));
	strcpy(m.peer, peer);
	m.prf = prf;
	m.octets_len = 200;
	for (int i = 0; i < 200; i++)
		m.octets[i] = (uint8_t)i;
	return m;
}

static void known_values(void)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct msg_auth m = request("p", known[i].prf);
		struct vault *v = vault_new();
		struct msg_auth_done d;

		CHECK(v);
		CHECK_INT(vault_set(v, "p", known[i].psk, strlen(known[i].psk), NULL), 0);
		vault_answer(v, &m, false, &d);
		CHECK_INT(d.ok, 1);
		CHECK_INT(d.no_secret, 0);
		CHECK_INT(d.auth_len, known[i].len);
		CHECK_MEM(d.auth, known[i].auth, known[i].len);
		m.auth_len = d.auth_len;
		memcpy(m.auth, d.auth, d.auth_len);
		vault_answer(v, &m, true, &d);
		CHECK_INT(d.ok, 1);
		/* VERIFY says yes or no, never the value */
		CHECK_INT(d.auth_len, 0);
		for (size_t b = 0; b < sizeof(d.auth); b++)
			CHECK_INT(d.auth[b], 0);
		vault_free(v);
	}
}

static void wrong_values(void)
{
	struct vault *v = vault_new();
	struct msg_auth m = request("p", PRF_HMAC_SHA2_256), good;
	struct msg_auth_done d;

	CHECK_INT(vault_set(v, "p", "secret", 6, NULL), 0);
	CHECK_INT(vault_set(v, "q", "another", 7, NULL), 0);
	vault_answer(v, &m, false, &d);
	m.auth_len = d.auth_len;
	memcpy(m.auth, d.auth, d.auth_len);
	good = m;
	vault_answer(v, &m, true, &d);
	CHECK_INT(d.ok, 1);
	for (int bit = 0; bit < 32 * 8; bit++) {
		m = good;
		m.auth[bit / 8] ^= (uint8_t)(1 << bit % 8);
		vault_answer(v, &m, true, &d);
		CHECK_INT(d.ok, 0);
	}
	for (m = good; m.auth_len-- > 0;) {	/* a shorter one is not a prefix match */
		vault_answer(v, &m, true, &d);
		CHECK_INT(d.ok, 0);
	}
	m = good;
	m.octets[0] ^= 1;
	vault_answer(v, &m, true, &d);
	CHECK_INT(d.ok, 0);
	m = good;
	m.octets_len--;
	vault_answer(v, &m, true, &d);
	CHECK_INT(d.ok, 0);
	m = good;
	strcpy(m.peer, "q");		/* the key of another peer */
	vault_answer(v, &m, true, &d);
	CHECK_INT(d.ok, 0);
	CHECK_INT(d.no_secret, 0);
	vault_free(v);
}

static void odd_requests(void)
{
	struct vault *v = vault_new();
	struct msg_auth m;
	struct msg_auth_done d;

	CHECK_INT(vault_set(v, "p", "secret", 6, NULL), 0);
	m = request("nobody", PRF_HMAC_SHA2_256);
	vault_answer(v, &m, false, &d);
	CHECK_INT(d.ok, 0);
	CHECK_INT(d.no_secret, 1);
	m = request("p", 999);
	vault_answer(v, &m, false, &d);
	CHECK_INT(d.ok, 0);
	CHECK_INT(d.no_secret, 0);
	m = request("p", PRF_HMAC_SHA2_256);
	m.octets_len = AUTH_OCTETS_MAX + 1;
	vault_answer(v, &m, false, &d);
	CHECK_INT(d.ok, 0);
	m = request("p", PRF_HMAC_SHA2_256);
	m.auth_len = sizeof(m.auth) + 1;
	vault_answer(v, &m, true, &d);
	CHECK_INT(d.ok, 0);
	m = request("p", PRF_HMAC_SHA2_256);
	memset(m.peer, 'p', sizeof(m.peer));	/* no NUL */
	vault_answer(v, &m, false, &d);
	CHECK_INT(d.ok, 0);
	m = request("p", PRF_HMAC_SHA2_256);
	m.octets_len = 0;
	vault_answer(v, &m, false, &d);
	CHECK_INT(d.ok, 1);
	m.octets_len = AUTH_OCTETS_MAX;
	vault_answer(v, &m, false, &d);
	CHECK_INT(d.ok, 1);
	vault_free(v);
}

static void set_and_remove(void)
{
	struct vault *v = vault_new();
	struct msg_auth m = request("p", PRF_HMAC_SHA2_256);
	struct msg_auth_done one, two;
	uint8_t longest[PSK_MAX + 1];
	struct err e = { 0 };

	rng_bytes(longest, sizeof(longest));
	CHECK_INT(vault_set(v, "p", "one", 3, NULL), 0);
	vault_answer(v, &m, false, &one);
	CHECK_INT(vault_set(v, "p", "two", 3, NULL), 0);
	CHECK_INT(vault_count(v), 1);
	vault_answer(v, &m, false, &two);
	CHECK(memcmp(one.auth, two.auth, 32) != 0);
	/* bytes are bytes: a NUL within counts */
	CHECK_INT(vault_set(v, "p", "one\0", 4, NULL), 0);
	vault_answer(v, &m, false, &two);
	CHECK_INT(vault_set(v, "p", longest, PSK_MAX, NULL), 0);
	CHECK_INT(vault_set(v, "p", longest, PSK_MAX + 1, &e), -1);
	CHECK_HAS(e.msg, "1 to 256");
	CHECK_INT(vault_set(v, "p", longest, 0, &e), -1);
	CHECK_INT(vault_set(v, "", "x", 1, &e), -1);
	CHECK_INT(vault_set(v, "abcdefghijklmnopqrstuvwxyz01234567890", "x", 1, &e), -1);
	vault_remove(v, "other");
	CHECK_INT(vault_count(v), 1);
	vault_remove(v, "p");
	CHECK_INT(vault_count(v), 0);
	vault_answer(v, &m, false, &two);
	CHECK_INT(two.no_secret, 1);
	vault_free(v);
	vault_free(NULL);
}

static void many_peers(void)
{
	struct vault *v = vault_new();
	char name[PEER_NAME_MAX + 1], psk[32];
	struct msg_auth m;
	struct msg_auth_done d;
	uint8_t want[PRF_MAX];
	size_t len;

	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "peer%d", i);
		snprintf(psk, sizeof(psk), "secret of %d", i);
		CHECK_INT(vault_set(v, name, psk, strlen(psk), NULL), 0);
	}
	for (int i = 0; i < 300; i += 2) {
		snprintf(name, sizeof(name), "peer%d", i);
		vault_remove(v, name);
	}
	CHECK_INT(vault_count(v), 150);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "peer%d", i);
		snprintf(psk, sizeof(psk), "secret of %d", i);
		m = request(name, PRF_HMAC_SHA2_384);
		vault_answer(v, &m, false, &d);
		CHECK_INT(d.no_secret, i % 2 == 0);
		if (i % 2 == 0)
			continue;
		CHECK_INT(psk_auth(PRF_HMAC_SHA2_384,
				   (struct slice){ (const uint8_t *)psk, strlen(psk) },
				   (struct slice){ m.octets, m.octets_len }, want, &len), 0);
		CHECK_INT(d.auth_len, len);
		CHECK_MEM(d.auth, want, len);
	}
	vault_free(v);
}

/* SKEYID = prf(psk, Ni_b | Nr_b), RFC 2409 §5: HMAC-MD5, case 2 of RFC 2202 with the data
 * as the nonces, and what is refused. */
static void skeyid(void)
{
	static const uint8_t want[16] = {
		0x75, 0x0c, 0x78, 0x3e, 0x6a, 0xb0, 0xb5, 0x03, 0xea, 0xa8, 0x6e, 0x31,
		0x0a, 0x5d, 0xb7, 0x38,
	};
	struct vault *v = vault_new();
	struct msg_auth m = request("p", PRF_HMAC_MD5);
	struct msg_auth_done d;

	CHECK_INT(vault_set(v, "p", "Jefe", 4, NULL), 0);
	m.kind = VAULT_SKEYID;
	m.octets_len = 28;
	memcpy(m.octets, "what do ya want for nothing?", 28);
	vault_answer(v, &m, false, &d);
	CHECK_INT(d.ok, 1);
	CHECK_INT(d.auth_len, 16);
	CHECK_MEM(d.auth, want, 16);
	m.auth_len = 16;
	memcpy(m.auth, want, 16);
	vault_answer(v, &m, true, &d);	/* there is nothing to verify by it */
	CHECK_INT(d.ok, 0);
	m.octets_len = 15;		/* no two nonces */
	vault_answer(v, &m, false, &d);
	CHECK_INT(d.ok, 0);
	CHECK_INT(d.auth_len, 0);
	m.octets_len = 513;
	vault_answer(v, &m, false, &d);
	CHECK_INT(d.ok, 0);
	m.octets_len = 17;		/* the key under IKEv2's AUTH stays inside */
	memcpy(m.octets, "Key Pad for IKEv2", 17);
	vault_answer(v, &m, false, &d);
	CHECK_INT(d.ok, 0);
	CHECK_INT(d.auth_len, 0);
	m.kind = 77;
	m.octets_len = 28;
	vault_answer(v, &m, false, &d);
	CHECK_INT(d.ok, 0);
	strcpy(m.peer, "q");
	m.kind = VAULT_SKEYID;
	vault_answer(v, &m, false, &d);
	CHECK_INT(d.no_secret, 1);
	vault_free(v);
}

int main(void)
{
	T_RUN(known_values);
	T_RUN(wrong_values);
	T_RUN(odd_requests);
	T_RUN(set_and_remove);
	T_RUN(many_peers);
	T_RUN(skeyid);
	return t_done();
}
