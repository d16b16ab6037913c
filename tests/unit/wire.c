/* rooms: ike/wire core/crypto core/base */
/* IKEv2 messages: what is built is read back, payload by payload. */
#include "tests/unit/t.h"

#include "core/base/rng.h"
#include "ike/wire/build.h"
#include "ike/wire/id.h"
#include "ike/wire/proposal.h"
#include "ike/wire/ts.h"
#include "tests/unit/wire_help.h"

static uint8_t buf[IKE_MSG_MAX];
static struct ike_msg m;

static void header_round_trip(void)
{
	struct ike_hdr h = hdr_of(INFORMATIONAL, IKE_FLAG_INITIATOR | IKE_FLAG_RESPONSE, 7), got;
	struct wr w = wr_init(buf, sizeof(buf));

	h.len = IKE_HDR_LEN;
	h.version = 0x21;
	ike_hdr_write(&w, &h);
	CHECK_INT(w.len, 28);
	CHECK(ike_hdr_parse(buf, 28, &got, NULL) == 0);
	CHECK(got.spi_i == h.spi_i && got.spi_r == h.spi_r);
	CHECK_INT(got.exchange, INFORMATIONAL);
	CHECK_INT(got.version, 0x21);
	CHECK_INT(got.msg_id, 7);
	CHECK_INT(got.len, 28);
	CHECK(ike_hdr_is_response(&got) && ike_hdr_from_initiator(&got));
	/* The bytes themselves: RFC 7296 §3.1. */
	CHECK_INT(buf[0], 0x11);
	CHECK_INT(buf[15], 0x00);
	CHECK_INT(buf[14], 0xff);
	CHECK_INT(buf[17], 0x21);
	CHECK_INT(buf[18], 37);
	CHECK_INT(buf[19], 0x28);
	CHECK_INT(buf[23], 7);
	CHECK_INT(buf[27], 28);
}

static void empty_message(void)
{
	struct ike_hdr h = hdr_of(INFORMATIONAL, 0, 1);
	struct build b;
	size_t len;

	build_begin(&b, buf, sizeof(buf), &h);
	CHECK(build_end(&b, &len, NULL) == 0);
	CHECK_INT(len, 28);
	CHECK(ike_msg_parse(buf, len, &m, NULL) == 0);
	CHECK_INT(m.n, 0);
	CHECK(!m.sk.p);
}

static struct prefix nets[3];

static void sa_init_round_trip(void)
{
	struct suite_list l = suites(SUITE_IKE, "aes256gcm16-sha384-ecp384,aes256-sha256-modp2048");
	struct proposal_want want = { .protocol = PROTO_IKE, .ke = true };
	struct ike_hdr h = hdr_of(IKE_SA_INIT, IKE_FLAG_INITIATOR, 0);
	uint8_t pub[96], nonce[32], hash[20];
	struct sa_payload sa, got;
	struct ke_payload ke;
	struct notify n;
	struct slice s;
	struct build b;
	char text[256];
	size_t len;

	rng_bytes(pub, sizeof(pub));
	rng_bytes(nonce, sizeof(nonce));
	rng_bytes(hash, sizeof(hash));
	proposal_offer(&l, &want, &sa);
	build_begin(&b, buf, sizeof(buf), &h);
	build_sa(&b, &sa);
	build_ke(&b, KE_ECP_384, sl(pub, 96));
	build_nonce(&b, sl(nonce, 32));
	build_notify(&b, PROTO_NONE, 0, 0, N_NAT_DETECTION_SOURCE_IP, sl(hash, 20));
	build_notify_plain(&b, N_MOBIKE_SUPPORTED);
	build_vendor(&b, str_sl("adit"));
	CHECK(build_end(&b, &len, NULL) == 0);

	CHECK(ike_msg_parse(buf, len, &m, NULL) == 0);
	CHECK_INT(m.n, 6);
	CHECK_INT(m.n_outer, 6);
	CHECK_STR(ike_msg_str(&m, text, sizeof(text)),
		  "IKE_SA_INIT request 0 [SA KE Nonce N(NAT_DETECTION_SOURCE_IP) "
		  "N(MOBIKE_SUPPORTED) V]");
	CHECK(payload_sa(ike_msg_get(&m, PAYLOAD_SA)->body, &got, NULL) == 0);
	CHECK_INT(got.n, 2);
	CHECK_INT(got.p[0].n, 3);
	CHECK_INT(got.p[1].n, 4);
	CHECK_INT(got.p[0].t[0].key_bits, 256);
	CHECK_INT(got.p[0].t[0].id, ENCR_AES_GCM_16);
	CHECK(!got.p[0].unknown_type && !got.p[0].t[0].unusable);
	CHECK_INT(proposal_first_ke(&got), KE_ECP_384);
	CHECK(proposal_offers_ke(&got, KE_MODP_2048));
	CHECK(!proposal_offers_ke(&got, KE_MODP_1024));
	CHECK(!proposal_offers_ke(&got, KE_NONE));
	CHECK(payload_ke(ike_msg_get(&m, PAYLOAD_KE)->body, &ke, NULL) == 0);
	CHECK_INT(ke.group, KE_ECP_384);
	CHECK_INT(ke.data.len, 96);
	CHECK_MEM(ke.data.p, pub, 96);
	CHECK(payload_nonce(ike_msg_get(&m, PAYLOAD_NONCE)->body, &s, NULL) == 0);
	CHECK_INT(s.len, 32);
	CHECK_MEM(s.p, nonce, 32);
	CHECK(ike_msg_notify(&m, N_NAT_DETECTION_SOURCE_IP, &n));
	CHECK_MEM(n.data.p, hash, 20);
	CHECK_INT(n.data.len, 20);
	CHECK(ike_msg_notify(&m, N_MOBIKE_SUPPORTED, &n));
	CHECK(!ike_msg_notify(&m, N_COOKIE, &n));
	CHECK(!ike_msg_error(&m, &n));
	CHECK_INT(ike_msg_count(&m, PAYLOAD_NOTIFY), 2);
	CHECK(!ike_msg_get(&m, PAYLOAD_AUTH));
	CHECK_INT(ike_msg_get(&m, PAYLOAD_VENDOR)->body.len, 4);
}

static void inner_round_trip(void)
{
	struct ike_id id = { .type = ID_FQDN, .len = 14, .data = "branch.example" }, got_id;
	struct ts_list ts, got_ts;
	struct auth_payload au;
	struct build b;
	size_t len;

	nets[0] = net("10.1.0.0/24");
	nets[1] = net("2001:db8:1::/48");
	ts_from_prefixes(nets, 2, &ts);
	ts.s[0].proto = 17;
	ts.s[0].port_from = ts.s[0].port_to = 53;
	build_chain_begin(&b, buf, sizeof(buf));
	build_id(&b, PAYLOAD_IDI, &id);
	build_auth(&b, AUTH_PSK, str_sl("0123456789abcdef"));
	build_ts(&b, PAYLOAD_TSI, &ts);
	build_ts(&b, PAYLOAD_TSR, &ts);
	CHECK(build_chain_end(&b, &len, NULL) == 0);

	memset(&m, 0, sizeof(m));
	CHECK(ike_msg_inner(&m, buf[0], sl(buf + 1, len), NULL) == 0);
	CHECK_INT(m.n, 4);
	CHECK(payload_id(ike_msg_get(&m, PAYLOAD_IDI)->body, &got_id, NULL) == 0);
	CHECK(id_equal(&id, &got_id));
	CHECK_INT(ike_msg_get(&m, PAYLOAD_IDI)->body.p[0], ID_FQDN);
	CHECK(payload_auth(ike_msg_get(&m, PAYLOAD_AUTH)->body, &au, NULL) == 0);
	CHECK_INT(au.method, AUTH_PSK);
	CHECK_INT(au.data.len, 16);
	CHECK(payload_ts(ike_msg_get(&m, PAYLOAD_TSR)->body, &got_ts, NULL) == 0);
	CHECK_INT(got_ts.n, 2);
	CHECK(!got_ts.unknown && !got_ts.more);
	CHECK(selector_equal(&got_ts.s[0], &ts.s[0]) && selector_equal(&got_ts.s[1], &ts.s[1]));
}

static void notifies_and_deletes(void)
{
	struct ike_hdr h = hdr_of(INFORMATIONAL, 0, 3);
	uint32_t spis[3] = { 0xc0000001, 0xc0000002, 0xffffffff };
	const struct payload *p;
	struct delete_payload d;
	struct notify n;
	struct build b;
	size_t len;

	build_begin(&b, buf, sizeof(buf), &h);
	build_delete_ike(&b);
	build_delete_spis(&b, PROTO_ESP, spis, 3);
	build_notify(&b, PROTO_ESP, 4, 0xc0000007, N_REKEY_SA, (struct slice){ 0 });
	build_notify_ke(&b, KE_CURVE25519);
	build_notify(&b, PROTO_IKE, 8, 0x0102030405060708u, N_INVALID_IKE_SPI, str_sl("x"));
	CHECK(build_end(&b, &len, NULL) == 0);
	CHECK(ike_msg_parse(buf, len, &m, NULL) == 0);
	p = ike_msg_get(&m, PAYLOAD_DELETE);
	CHECK(payload_delete(p->body, &d, NULL) == 0);
	CHECK_INT(d.protocol, PROTO_IKE);
	CHECK_INT(d.n, 0);
	p = ike_msg_next(&m, PAYLOAD_DELETE, p);
	CHECK(payload_delete(p->body, &d, NULL) == 0);
	CHECK_INT(d.protocol, PROTO_ESP);
	CHECK_INT(d.n, 3);
	CHECK(d.spi[0] == spis[0] && d.spi[2] == spis[2]);
	CHECK(!ike_msg_next(&m, PAYLOAD_DELETE, p));
	CHECK(ike_msg_notify(&m, N_REKEY_SA, &n));
	CHECK_INT(n.protocol, PROTO_ESP);
	CHECK_INT(n.spi_len, 4);
	CHECK(n.spi == 0xc0000007);
	CHECK(ike_msg_error(&m, &n));
	CHECK_INT(n.type, N_INVALID_KE_PAYLOAD);
	CHECK_INT(notify_ke_group(&n), KE_CURVE25519);
	CHECK(ike_msg_notify(&m, N_INVALID_IKE_SPI, &n));
	CHECK(n.spi == 0x0102030405060708u && n.spi_len == 8 && n.data.len == 1);
	CHECK_INT(notify_ke_group(&n), 0);
}

static void buffer_too_small(void)
{
	struct ike_hdr h = hdr_of(IKE_SA_INIT, 0, 0);
	uint8_t nonce[256] = { 0 };
	struct err e = { 0 };
	struct build b;
	size_t len;

	for (size_t cap = 0; cap < 28 + 260; cap++) {
		build_begin(&b, buf, cap, &h);
		build_nonce(&b, sl(nonce, sizeof(nonce)));
		CHECK(build_end(&b, &len, &e) < 0);
		CHECK_HAS(e.msg, "does not fit");
	}
	build_begin(&b, buf, 28 + 260, &h);
	build_nonce(&b, sl(nonce, sizeof(nonce)));
	CHECK(build_end(&b, &len, &e) == 0);
}

static struct ike_id id_of(uint8_t type, const void *data, size_t len)
{
	struct ike_id id = { .type = type, .len = (uint8_t)len };

	memcpy(id.data, data, len);
	return id;
}

static void ids(void)
{
	struct ike_id a = id_of(ID_FQDN, "Branch.Example", 14), b = a, none = { 0 };
	struct ip_addr v4 = ip("203.0.113.1"), v6 = ip("2001:db8::1"), unset = { 0 };
	char text[ID_TEXT_MAX];

	memcpy(b.data, "branch.example", 14);
	CHECK(id_equal(&a, &b));
	b.data[13] = 'x';
	CHECK(!id_equal(&a, &b));
	b = a;
	b.type = ID_KEY_ID;
	CHECK(!id_equal(&a, &b));
	a.type = ID_KEY_ID;
	CHECK(id_equal(&a, &b));
	b.data[0] = 'b';
	CHECK(!id_equal(&a, &b));
	CHECK(!id_equal(&none, &none));
	a = id_from_addr(&v4);
	CHECK_STR(id_str(&a, text, sizeof(text)), "203.0.113.1");
	b = id_from_addr(&v6);
	CHECK_STR(id_str(&b, text, sizeof(text)), "2001:db8::1");
	CHECK(!id_equal(&a, &b));
	a = id_from_addr(&unset);
	CHECK_INT(a.type, ID_NONE);
	CHECK_STR(id_str(&a, text, sizeof(text)), "");
	a = id_of(ID_FQDN, "a\n\x1b[2J\\b", 8);
	CHECK_STR(id_str(&a, text, sizeof(text)), "a\\x0a\\x1b[2J\\x5cb");
	CHECK_STR(id_str(&a, text, 6), "a\\x0a");
	a = id_of(ID_KEY_ID, "printer", 7);
	CHECK_STR(id_str(&a, text, sizeof(text)), "keyid:printer");
	a = id_of(ID_KEY_ID, "\x00\xff", 2);
	CHECK_STR(id_str(&a, text, sizeof(text)), "keyid:0x00ff");
	a = id_of(200, "\x01", 1);
	CHECK_STR(id_str(&a, text, sizeof(text)), "type 200:01");
	a = id_of(ID_IPV4_ADDR, "\x01\x02\x03", 3);
	CHECK_STR(id_str(&a, text, sizeof(text)), "type 1:010203");
}

static void distinguished_names(void)
{
	/* C=CH, O="a\x01", CN=moon as DER. */
	static const uint8_t dn[] = {
		0x30, 0x29,
		0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x06, 0x13, 0x02, 'C', 'H',
		0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x0a, 0x0c, 0x02, 'a', 0x01,
		0x31, 0x0d, 0x30, 0x0b, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x04, 'm', 'o', 'o', 'n',
	};
	struct ike_id id = id_of(ID_DER_ASN1_DN, dn, sizeof(dn));
	char text[ID_TEXT_MAX];

	CHECK_STR(id_str(&id, text, sizeof(text)), "C=CH, O=a\\x01, CN=moon");
	for (uint8_t cut = 0; cut < sizeof(dn); cut++) {
		id.len = cut;
		CHECK(strncmp(id_str(&id, text, sizeof(text)), "DN:", 3) == 0);
	}
	id.len = sizeof(dn);
	for (size_t i = 0; i < sizeof(dn); i++) {
		id = id_of(ID_DER_ASN1_DN, dn, sizeof(dn));
		id.data[i] ^= 0x80;
		id_str(&id, text, sizeof(text));
		for (const char *c = text; *c; c++)
			CHECK(*c >= 0x20 && *c < 0x7f);
	}
	memset(id.data, 0xff, ID_MAX);
	id.len = ID_MAX;
	CHECK_INT(strlen(id_str(&id, text, sizeof(text))), 3 + 2 * ID_MAX);
}

static void longest_id_text(void)
{
	struct ike_id id = { .type = ID_FQDN, .len = ID_MAX };
	char text[ID_TEXT_MAX];

	CHECK_INT(strlen(id_str(&id, text, sizeof(text))), 4 * ID_MAX);
}

static void names(void)
{
	CHECK_STR(ike_exchange_name(CREATE_CHILD_SA), "CREATE_CHILD_SA");
	CHECK_STR(ike_exchange_name(99), "exchange 99");
	CHECK_STR(ike_payload_name(PAYLOAD_TSI), "TSi");
	CHECK_STR(ike_payload_name(200), "payload 200");
	CHECK_STR(ike_notify_name(N_NO_PROPOSAL_CHOSEN), "NO_PROPOSAL_CHOSEN");
	CHECK_STR(ike_notify_name(40960), "notify 40960");
	CHECK_STR(ike_notify_words(N_NO_PROPOSAL_CHOSEN), "the peer accepts none of our algorithms");
	CHECK_STR(ike_notify_words(8191), "the peer reports error 8191");
	CHECK_STR(ike_notify_words(N_COOKIE), "COOKIE");
	CHECK_STR(ike_protocol_name(PROTO_ESP), "ESP");
	CHECK(ike_notify_is_error(N_TS_UNACCEPTABLE) && !ike_notify_is_error(N_COOKIE));
}

int main(void)
{
	T_RUN(header_round_trip);
	T_RUN(empty_message);
	T_RUN(sa_init_round_trip);
	T_RUN(inner_round_trip);
	T_RUN(notifies_and_deletes);
	T_RUN(buffer_too_small);
	T_RUN(ids);
	T_RUN(distinguished_names);
	T_RUN(longest_id_text);
	T_RUN(names);
	return t_done();
}
