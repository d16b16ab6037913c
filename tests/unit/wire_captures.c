/* rooms: ike/wire core/crypto core/base */
/* wire_captures: messages of other implementations, and captures that once crashed a decoder,
 * from ../shared/data/captures. Each datagram gets a heap block of just its size, so that the
 * sanitized build sees a read too far. */
#include "tests/unit/capture.h"
#include "tests/unit/t.h"

#include "ike/wire/sk.h"
#include "tests/unit/wire_decode.h"
#include "tests/unit/wire_help.h"

#include <dirent.h>

/* All of a capture that is complete IKEv2: every message and every payload is understood. */
static void a_whole_conversation(void)
{
	struct ike_msg m;
	struct err e;

	if (!load("ikev2four.pcap"))
		SKIP(DIR_NAME " is missing");
	CHECK_INT(n_got, 21);
	for (size_t i = 0; i < n_got; i++) {
		memset(&e, 0, sizeof(e));
		if (ike_msg_parse(got[i].p, got[i].len, &m, &e) < 0) {
			printf("    message %zu: %s\n", i, e.msg);
			CHECK(false);
		}
		CHECK_INT(decode_all(&m), m.n);
		if (m.hdr.exchange == IKE_SA_INIT)
			CHECK(m.n && !m.sk.p);
		else
			CHECK(!m.n && m.sk.p);
	}
}

static void its_first_messages(void)
{
	struct suite_list l = suites(SUITE_IKE, "aes128-sha1-modp1024");
	struct proposal_want want = { .protocol = PROTO_IKE, .ke = true };
	static struct sa_payload offer, answer;
	struct ike_msg m[4];
	struct ke_payload ke;
	struct chosen c, v;
	struct notify n, back;
	char text[200];

	if (!load("ikev2four.pcap"))
		SKIP(DIR_NAME " is missing");
	for (int i = 0; i < 4; i++)
		CHECK(ike_msg_parse(got[i].p, got[i].len, &m[i], NULL) == 0);
	CHECK_STR(ike_msg_str(&m[0], text, sizeof(text)), "IKE_SA_INIT request 0 [SA KE Nonce "
		  "N(NAT_DETECTION_SOURCE_IP) N(NAT_DETECTION_DESTINATION_IP)]");
	CHECK_STR(ike_msg_str(&m[1], text, sizeof(text)), "IKE_SA_INIT response 0 [N(COOKIE)]");
	CHECK(payload_sa(ike_msg_get(&m[2], PAYLOAD_SA)->body, &offer, NULL) == 0);
	CHECK(payload_ke(ike_msg_get(&m[2], PAYLOAD_KE)->body, &ke, NULL) == 0);
	want.ke_sent = ke.group;
	CHECK(proposal_choose(&offer, &l, &want, &c, NULL) == 0);
	CHECK_INT(c.ke, KE_MODP_1024);
	/* The other side chose the same from it. */
	CHECK(payload_sa(ike_msg_get(&m[3], PAYLOAD_SA)->body, &answer, NULL) == 0);
	CHECK(proposal_verify(&answer, &offer, &want, &v, NULL) == 0);
	CHECK(v.encr == c.encr && v.encr_bits == 128 && v.integ == INTEG_HMAC_SHA1_96 &&
	      v.prf == PRF_HMAC_SHA1 && v.ke == KE_MODP_1024);
	/* The cookie comes back as it was given. The NAT detection hashes are not of the
	 * addresses in this capture, so only their length is looked at. */
	CHECK(ike_msg_notify(&m[1], N_COOKIE, &n));
	CHECK(ike_msg_notify(&m[2], N_COOKIE, &back));
	CHECK(n.data.len == back.data.len && n.data.len == 24);
	CHECK_MEM(n.data.p, back.data.p, n.data.len);
	CHECK_INT(m[2].p[0].type, PAYLOAD_NOTIFY);
	CHECK(ike_msg_notify(&m[0], N_NAT_DETECTION_SOURCE_IP, &n));
	CHECK_INT(n.data.len, 20);
}

static size_t unhex(const char *s, uint8_t *out)
{
	size_t n = 0;
	unsigned v;

	for (s += 2; sscanf(s, "%2x", &v) == 1; s += 2)
		out[n++] = (uint8_t)v;
	return n;
}

/* A message encrypted by another implementation, with its keys beside it. The capture's ICV
 * is wrong (tshark says so too), so it must be refused; with the right one, which tshark
 * computes from the same keys, it opens. */
static void decrypt_with_known_keys(void)
{
	static const uint8_t icv[12] = { 0x57, 0x9a, 0xe7, 0x4a, 0xd2, 0x94, 0xa1, 0x05, 0xb0,
					 0xb6, 0xf1, 0xc4 };
	const struct alg *encr = alg_get(ALG_ENCR, ENCR_AES_CBC, 128);
	const struct alg *integ = alg_get(ALG_INTEG, INTEG_HMAC_SHA1_96, 0);
	char mac_hex[128], key_hex[128];
	uint8_t mac[64], key[64];
	uint8_t *copy;
	struct auth_payload au;
	struct ike_id id;
	struct ike_msg m;
	struct sk *s;
	struct err e = { 0 };
	FILE *f = fopen(DIR_NAME "ikev2pI2-secrets.txt", "r");

	if (!f || !load("ikev2pI2.pcap"))
		SKIP(DIR_NAME " is missing");
	CHECK_INT(fscanf(f, "ikev2 I %*s %*s sha1:%127s aes128:%127s", mac_hex, key_hex), 2);
	fclose(f);
	CHECK_INT(n_got, 2);
	CHECK_INT(unhex(mac_hex, mac), 20);
	CHECK_INT(unhex(key_hex, key), 16);
	s = sk_new(encr, sl(key, 16), integ, sl(mac, 20), &e);
	CHECK(s);
	copy = malloc(got[1].len);
	memcpy(copy, got[1].p, got[1].len);
	CHECK(ike_msg_parse(copy, got[1].len, &m, &e) == 0);
	CHECK(m.sk.p && m.n == 0);
	CHECK(sk_open(s, &m, &e) < 0);
	CHECK_INT(m.error, 0);
	memcpy(copy, got[1].p, got[1].len);
	memcpy(copy + got[1].len - 12, icv, 12);
	CHECK(ike_msg_parse(copy, got[1].len, &m, &e) == 0);
	CHECK(sk_open(s, &m, &e) == 0);
	CHECK_INT(m.n, 2);
	CHECK_INT(decode_all(&m), 2);
	CHECK(payload_id(ike_msg_get(&m, PAYLOAD_IDI)->body, &id, &e) == 0);
	CHECK(id.type == ID_FQDN && id.len == 4 && !memcmp(id.data, "west", 4));
	CHECK(payload_auth(ike_msg_get(&m, PAYLOAD_AUTH)->body, &au, &e) == 0);
	CHECK_INT(au.method, AUTH_RSA);
	CHECK_INT(au.data.len, 192);
	free(copy);
	sk_free(s);
}

static void crashers(void)
{
	DIR *d = opendir(DIR_NAME);
	unsigned files = 0, datagrams = 0, parsed = 0;
	struct dirent *entry;

	if (!d)
		SKIP(DIR_NAME " is missing");
	while ((entry = readdir(d))) {
		if (!strstr(entry->d_name, ".pcap") || !load(entry->d_name))
			continue;
		files++;
		for (size_t i = 0; i < n_got; i++) {
			struct ike_msg m;
			bool marker = got[i].len >= 4 && le(got[i].p, 4) == 0;
			size_t skip = marker && (got[i].sport == 4500 || got[i].dport == 4500) ? 4 : 0;

			datagrams++;
			if (ike_msg_parse(got[i].p + skip, got[i].len - skip, &m, NULL) < 0)
				continue;
			parsed++;
			decode_all(&m);
		}
	}
	closedir(d);
	printf("    %u files, %u datagrams, %u of them IKEv2\n", files, datagrams, parsed);
	CHECK(files >= 18);
	CHECK(datagrams >= 60);
	CHECK(parsed >= 23);
}

/* The same messages with every byte changed, and every length of them. */
static void mutations(void)
{
	struct ike_msg m;
	struct err e;

	if (!load("ikev2four.pcap"))
		SKIP(DIR_NAME " is missing");
	for (size_t i = 0; i < 4; i++) {
		for (size_t at = 0; at < got[i].len; at++) {
			uint8_t was = got[i].p[at];

			for (int v = 0; v < 256; v += 5) {
				got[i].p[at] = (uint8_t)v;
				if (ike_msg_parse(got[i].p, got[i].len, &m, &e) == 0)
					decode_all(&m);
			}
			got[i].p[at] = was;
		}
		for (size_t len = IKE_HDR_LEN; len < got[i].len; len++) {
			uint8_t *p = malloc(len);

			memcpy(p, got[i].p, len);
			p[26] = (uint8_t)(len >> 8);
			p[27] = (uint8_t)len;
			/* Inside a payload, or before one that is announced. */
			CHECK(ike_msg_parse(p, len, &m, &e) < 0);
			CHECK_INT(m.error, N_INVALID_SYNTAX);
			free(p);
		}
	}
}

int main(void)
{
	T_RUN(a_whole_conversation);
	T_RUN(its_first_messages);
	T_RUN(decrypt_with_known_keys);
	T_RUN(crashers);
	T_RUN(mutations);
	drop_all();
	return t_done();
}
