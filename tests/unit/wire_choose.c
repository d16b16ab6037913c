/* rooms: ike/wire core/crypto core/base */
/* Proposals: offer, choose, answer, verify; and the words when nothing fits. */
#include "tests/unit/t.h"

#include "ike/wire/build.h"
#include "ike/wire/proposal.h"
#include "tests/unit/wire_help.h"

static struct sa_payload offer, answer;
static struct suite_list ours, theirs;
static struct chosen c, v;
static struct err e;

static const struct proposal_want ike_want = { .protocol = PROTO_IKE, .ke = true };

static struct proposal_want esp_want(bool ke, uint8_t esn)
{
	return (struct proposal_want){ .protocol = PROTO_ESP, .spi_len = 4, .spi = 0xc1234567,
				       .ke = ke, .esn = esn };
}

/* Over the wire and back, so that what is chosen from is what was parsed. */
static void wired(struct sa_payload *sa)
{
	static uint8_t buf[8192];
	struct build b;
	size_t len;

	build_chain_begin(&b, buf, sizeof(buf));
	build_sa(&b, sa);
	if (build_chain_end(&b, &len, NULL) < 0 ||
	    payload_sa(sl(buf + 5, len - 4), sa, &e) < 0)
		abort();
}

/* theirs offers, ours chooses and answers, theirs verifies; 0 when both agree. */
static int agree(enum suite_use use, const char *us, const char *them,
		 const struct proposal_want *want)
{
	ours = suites(use, us);
	theirs = suites(use, them);
	proposal_offer(&theirs, want, &offer);
	wired(&offer);
	memset(&e, 0, sizeof(e));
	if (proposal_choose(&offer, &ours, want, &c, &e) < 0)
		return -1;
	proposal_answer(&c, 0xcafecafe, &answer);
	wired(&answer);
	if (proposal_verify(&answer, &offer, want, &v, &e) < 0)
		abort();
	CHECK(v.encr == c.encr && v.encr_bits == c.encr_bits && v.integ == c.integ);
	CHECK(v.prf == c.prf && v.ke == c.ke && v.esn == c.esn && v.number == c.number);
	if (want->spi_len)
		CHECK(v.spi == 0xcafecafe && c.spi == want->spi);
	return 0;
}

static void ike_agrees(void)
{
	char text[128];

	CHECK(agree(SUITE_IKE, "aes256gcm16-sha384-ecp384", "aes256gcm16-sha384-ecp384",
		    &ike_want) == 0);
	CHECK_INT(c.encr, ENCR_AES_GCM_16);
	CHECK_INT(c.encr_bits, 256);
	CHECK_INT(c.prf, PRF_HMAC_SHA2_384);
	CHECK_INT(c.integ, INTEG_NONE);
	CHECK_INT(c.ke, KE_ECP_384);
	CHECK_STR(chosen_str(&c, text, sizeof(text)), "AES-256-GCM, PRF-HMAC-SHA2-384, ECP 384");
	CHECK(proposal_ke_fits(&c, KE_ECP_384) && !proposal_ke_fits(&c, KE_ECP_256));

	CHECK(agree(SUITE_IKE, "aes256-sha256-modp2048", "aes256-sha256-modp2048", &ike_want) == 0);
	CHECK_INT(c.encr, ENCR_AES_CBC);
	CHECK_INT(c.integ, INTEG_HMAC_SHA2_256_128);
	CHECK_INT(c.prf, PRF_HMAC_SHA2_256);

	CHECK(agree(SUITE_IKE, "chacha20poly1305-sha256-x25519",
		    "aes256-sha1-modp1024,chacha20poly1305-sha256-x25519", &ike_want) == 0);
	CHECK_INT(c.number, 2);
	CHECK(agree(SUITE_IKE, "3des-sha1-modp1024", "3des-sha1-modp1024", &ike_want) == 0);
	CHECK_INT(c.encr_bits, 0);
}

static void our_order_decides(void)
{
	CHECK(agree(SUITE_IKE, "aes256gcm16-sha384-ecp384,aes128-sha256-modp2048",
		    "aes128-sha256-modp2048,aes256gcm16-sha384-ecp384", &ike_want) == 0);
	CHECK_INT(c.encr, ENCR_AES_GCM_16);
	CHECK_INT(c.number, 2);
	CHECK(agree(SUITE_IKE, "aes256-aes128-sha512-sha256-ecp384-modp2048",
		    "aes128-aes256-sha256-sha512-modp2048-ecp384", &ike_want) == 0);
	CHECK_INT(c.encr_bits, 256);
	CHECK_INT(c.integ, INTEG_HMAC_SHA2_512_256);
	CHECK_INT(c.ke, KE_ECP_384);
}

static void their_ke_payload_saves_a_round_trip(void)
{
	struct proposal_want want = ike_want;

	want.ke_sent = KE_MODP_2048;
	CHECK(agree(SUITE_IKE, "aes256-sha256-ecp384-modp2048", "aes256-sha256-modp2048-ecp384",
		    &want) == 0);
	CHECK_INT(c.ke, KE_MODP_2048);
	/* But only a group that we allow. */
	want.ke_sent = KE_MODP_1024;
	CHECK(agree(SUITE_IKE, "aes256-sha256-ecp384", "aes256-sha256-modp1024-ecp384",
		    &want) == 0);
	CHECK_INT(c.ke, KE_ECP_384);
	CHECK(!proposal_ke_fits(&c, KE_MODP_1024));
}

static void esp_and_pfs(void)
{
	struct proposal_want want = esp_want(true, WANT_ESN_NO);

	CHECK(agree(SUITE_ESP, "aes256gcm16-ecp384", "aes256gcm16-ecp384", &want) == 0);
	CHECK_INT(c.ke, KE_ECP_384);
	CHECK(!c.esn);
	CHECK(agree(SUITE_ESP, "aes256gcm16", "aes256gcm16-ecp384", &want) < 0);
	CHECK_HAS(e.msg, "no common key exchange group (only theirs wants PFS)");
	CHECK(agree(SUITE_ESP, "aes256gcm16-ecp384", "aes256gcm16", &want) < 0);
	CHECK_HAS(e.msg, "(only ours wants PFS)");
	want.ke = false;
	CHECK(agree(SUITE_ESP, "aes256gcm16-ecp384", "aes256gcm16", &want) == 0);
	CHECK_INT(c.ke, KE_NONE);
	for (uint8_t i = 0; i < answer.p[0].n; i++)
		CHECK(answer.p[0].t[i].type != ALG_KE);
	CHECK(agree(SUITE_ESP, "aes128-sha256-modp2048", "aes128-sha256-ecp256", &want) == 0);
	CHECK_INT(c.integ, INTEG_HMAC_SHA2_256_128);
	CHECK_INT(c.prf, 0);
}

static void groups_in_ike_auth_are_ignored(void)
{
	struct proposal_want want = esp_want(true, WANT_ESN_NO);

	theirs = suites(SUITE_ESP, "aes256gcm16-ecp384");
	ours = suites(SUITE_ESP, "aes256gcm16-modp2048");
	proposal_offer(&theirs, &want, &offer);
	want.ke = false;
	CHECK(proposal_choose(&offer, &ours, &want, &c, &e) == 0);
	CHECK_INT(c.ke, KE_NONE);
	CHECK_INT(c.types & 1 << ALG_KE, 0);
}

static void esn(void)
{
	static const struct {
		uint8_t us, them;
		int agree, esn;
	} t[] = {
		{ WANT_ESN_NO, WANT_ESN_NO, 0, 0 },
		{ WANT_ESN_YES, WANT_ESN_YES, 0, 1 },
		{ WANT_ESN_YES | WANT_ESN_NO, WANT_ESN_YES | WANT_ESN_NO, 0, 1 },
		{ WANT_ESN_NO, WANT_ESN_YES | WANT_ESN_NO, 0, 0 },
		{ WANT_ESN_YES | WANT_ESN_NO, WANT_ESN_NO, 0, 0 },
		{ WANT_ESN_NO, WANT_ESN_YES, -1, 0 },
		{ WANT_ESN_YES, WANT_ESN_NO, -1, 0 },
	};

	ours = suites(SUITE_ESP, "aes256gcm16");
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct proposal_want us = esp_want(false, t[i].us), them = esp_want(false, t[i].them);

		proposal_offer(&ours, &them, &offer);
		CHECK_INT(proposal_choose(&offer, &ours, &us, &c, &e), t[i].agree);
		if (!t[i].agree)
			CHECK_INT(c.esn, t[i].esn);
		else
			CHECK_HAS(e.msg, "no common sequence numbers");
	}
	/* An offer without the type means the old numbers; the answer is then without, too. */
	struct proposal_want us = esp_want(false, WANT_ESN_NO);

	proposal_offer(&ours, &us, &offer);
	offer.p[0].n--;
	CHECK(proposal_choose(&offer, &ours, &us, &c, &e) == 0);
	proposal_answer(&c, 0x1000, &answer);
	CHECK_INT(answer.p[0].n, 1);
	CHECK(proposal_verify(&answer, &offer, &us, &v, &e) == 0);
}

static void none_is_echoed(void)
{
	struct proposal_want want = esp_want(true, WANT_ESN_NO);
	struct proposal *p = &offer.p[0];

	ours = suites(SUITE_ESP, "aes256gcm16");
	proposal_offer(&ours, &want, &offer);
	p->t[p->n++] = (struct sa_transform){ .type = ALG_INTEG, .id = INTEG_NONE };
	p->t[p->n++] = (struct sa_transform){ .type = ALG_KE, .id = KE_ECP_256 };
	p->t[p->n++] = (struct sa_transform){ .type = ALG_KE, .id = KE_NONE };
	CHECK(proposal_choose(&offer, &ours, &want, &c, &e) == 0);
	CHECK(c.integ == INTEG_NONE && c.ke == KE_NONE);
	proposal_answer(&c, 0x1000, &answer);
	CHECK_INT(answer.p[0].n, 4);
	CHECK(proposal_verify(&answer, &offer, &want, &v, &e) == 0);
	/* And the other way: their NONE for what we did not offer is let pass. */
	proposal_offer(&ours, &want, &offer);
	CHECK(proposal_verify(&answer, &offer, &want, &v, &e) == 0);
}

static void unfit_proposals(void)
{
	struct proposal_want want = esp_want(false, WANT_ESN_NO);
	struct proposal *p = &offer.p[0];

	ours = suites(SUITE_ESP, "aes256gcm16");
	proposal_offer(&ours, &want, &offer);
	CHECK(proposal_choose(&offer, &ours, &want, &c, &e) == 0);
	p->unknown_type = true;
	CHECK(proposal_choose(&offer, &ours, &want, &c, &e) < 0);
	p->unknown_type = false;
	p->t[0].unusable = true;
	CHECK(proposal_choose(&offer, &ours, &want, &c, &e) < 0);
	p->t[0].unusable = false;
	p->spi = 255;
	CHECK(proposal_choose(&offer, &ours, &want, &c, &e) < 0);
	CHECK_HAS(e.msg, "no one proposal agrees in all");
	p->spi = 256;
	CHECK(proposal_choose(&offer, &ours, &want, &c, &e) == 0);
	p->spi_len = 8;
	CHECK(proposal_choose(&offer, &ours, &want, &c, &e) < 0);
	p->spi_len = 4;
	p->protocol = PROTO_AH;
	CHECK(proposal_choose(&offer, &ours, &want, &c, &e) < 0);
	CHECK_HAS(e.msg, "theirs: AH: ");
	CHECK_HAS(e.msg, "nothing offered for ESP");
	p->protocol = PROTO_ESP;
	p->t[p->n++] = (struct sa_transform){ .type = ALG_PRF, .id = PRF_HMAC_SHA2_256 };
	CHECK(proposal_choose(&offer, &ours, &want, &c, &e) < 0);
	p->t[p->n - 1] = (struct sa_transform){ .type = ALG_INTEG, .id = INTEG_HMAC_SHA1_96 };
	CHECK(proposal_choose(&offer, &ours, &want, &c, &e) < 0);
}

/* RFC 4302: integrity, and the groups of the suites of ESP. */
static void ah_agrees(void)
{
	struct proposal_want want = esp_want(true, WANT_ESN_NO | WANT_ESN_YES);
	struct suite_list esp = suites(SUITE_ESP, "aes128gcm16-ecp256,aes256-sha256-x25519-ecp256,"
				       "aes256gcm16"), l;
	char text[128];

	want.protocol = PROTO_AH;
	proposal_ah(&esp, INTEG_HMAC_SHA2_256_128, &theirs);
	CHECK_INT(theirs.n, 2);
	CHECK_INT(theirs.s[0].n_ke, 2);
	CHECK_INT(theirs.s[1].n_ke, 0);
	CHECK_INT(theirs.s[0].n_encr, 0);
	proposal_offer(&theirs, &want, &offer);
	wired(&offer);
	CHECK_STR(proposal_str(&offer, text, sizeof(text)), "AH: HMAC-SHA2-256 | ECP 256/Curve25519 "
		  "| ESN/no ESN or AH: HMAC-SHA2-256 | ESN/no ESN");
	esp = suites(SUITE_ESP, "chacha20poly1305-x25519");
	proposal_ah(&esp, INTEG_HMAC_SHA2_256_128, &ours);
	CHECK_INT(proposal_choose(&offer, &ours, &want, &c, &e), 0);
	CHECK(c.protocol == PROTO_AH && !c.encr && c.integ == INTEG_HMAC_SHA2_256_128 &&
	      c.ke == KE_CURVE25519 && c.esn);
	proposal_answer(&c, 0xcafecafe, &answer);
	wired(&answer);
	CHECK_INT(proposal_verify(&answer, &offer, &want, &v, &e), 0);
	CHECK(v.integ == c.integ && v.ke == c.ke && v.spi == 0xcafecafe);
	/* What encrypts is no AH, and without integrity it is nothing. */
	answer.p[0].t[0] = (struct sa_transform){ .type = ALG_ENCR, .id = ENCR_AES_GCM_16,
						  .key_bits = 128 };
	CHECK(proposal_verify(&answer, &offer, &want, &v, &e) < 0);
	l = ours;
	l.s[0].integ[0] = INTEG_HMAC_SHA2_512_256;
	CHECK(proposal_choose(&offer, &l, &want, &c, &e) < 0);
	CHECK_HAS(e.msg, "no common integrity");
	CHECK(!strstr(e.msg, "encryption"));
	for (uint8_t i = 0; i < offer.n; i++)
		offer.p[i].t[0] = (struct sa_transform){ .type = ALG_ENCR, .id = ENCR_NULL };
	CHECK(proposal_choose(&offer, &ours, &want, &c, &e) < 0);
	proposal_offer(&theirs, &want, &offer);
	offer.p[0].spi = offer.p[1].spi = 255;
	CHECK(proposal_choose(&offer, &ours, &want, &c, &e) < 0);
}

static void rekeyed_ike_sa_has_spis(void)
{
	struct proposal_want want = ike_want;

	want.spi_len = 8;
	want.spi = 0x0102030405060708u;
	CHECK(agree(SUITE_IKE, "aes256gcm16-sha384-ecp384", "aes256gcm16-sha384-ecp384",
		    &want) == 0);
	CHECK_INT(answer.p[0].spi_len, 8);
	want.spi = 0;
	CHECK(agree(SUITE_IKE, "aes256gcm16-sha384-ecp384", "aes256gcm16-sha384-ecp384",
		    &want) < 0);
}

static void wrong_answers(void)
{
	struct proposal_want want = esp_want(true, WANT_ESN_NO);
	struct sa_payload good;

	ours = suites(SUITE_ESP, "aes256gcm16-aes128gcm16-ecp384-ecp256,aes256-sha256-modp2048");
	proposal_offer(&ours, &want, &offer);
	CHECK(proposal_choose(&offer, &ours, &want, &c, &e) == 0);
	proposal_answer(&c, 0xcafecafe, &good);
	CHECK(proposal_verify(&good, &offer, &want, &v, &e) == 0);
	CHECK(v.spi == 0xcafecafe);

	answer = good;
	answer.n = 2;
	answer.p[1] = answer.p[0];
	CHECK(proposal_verify(&answer, &offer, &want, &v, &e) < 0);
	CHECK_HAS(e.msg, "2 proposals instead of one");
	answer = good;
	answer.p[0].number = 9;
	CHECK(proposal_verify(&answer, &offer, &want, &v, &e) < 0);
	CHECK_HAS(e.msg, "proposal 9, which was not offered");
	answer.p[0].number = 2;	/* one of ours, but not with these algorithms */
	CHECK(proposal_verify(&answer, &offer, &want, &v, &e) < 0);
	CHECK_HAS(e.msg, "AES-256-GCM, which was not offered");
	answer = good;
	answer.p[0].protocol = PROTO_IKE;
	CHECK(proposal_verify(&answer, &offer, &want, &v, &e) < 0);
	answer = good;
	answer.p[0].spi = 0;
	CHECK(proposal_verify(&answer, &offer, &want, &v, &e) < 0);
	answer.p[0].spi = 0x1000;
	answer.p[0].spi_len = 0;
	CHECK(proposal_verify(&answer, &offer, &want, &v, &e) < 0);
	answer = good;
	answer.p[0].t[answer.p[0].n++] =
		(struct sa_transform){ .type = ALG_ENCR, .id = ENCR_AES_GCM_16, .key_bits = 128 };
	CHECK(proposal_verify(&answer, &offer, &want, &v, &e) < 0);
	CHECK_HAS(e.msg, "two algorithms for encryption");
	answer = good;
	answer.p[0].t[0].key_bits = 0;
	CHECK(proposal_verify(&answer, &offer, &want, &v, &e) < 0);
	answer = good;
	answer.p[0].t[0].unusable = true;
	CHECK(proposal_verify(&answer, &offer, &want, &v, &e) < 0);
	answer = good;
	answer.p[0].t[0].type = 77;
	CHECK(proposal_verify(&answer, &offer, &want, &v, &e) < 0);
	for (uint8_t i = 0; i < good.p[0].n; i++) {
		answer = good;
		memmove(&answer.p[0].t[i], &answer.p[0].t[i + 1],
			(size_t)(good.p[0].n - i - 1) * sizeof(answer.p[0].t[0]));
		answer.p[0].n--;
		CHECK(proposal_verify(&answer, &offer, &want, &v, &e) < 0);
		CHECK_HAS(e.msg, "lacks");
	}
}

static void compare_in_words(void)
{
	char text[400];

	CHECK(agree(SUITE_IKE, "aes256gcm16-sha384-ecp384", "aes128-sha1-modp1024",
		    &ike_want) < 0);
	CHECK_STR(e.msg, "ours: AES-256-GCM | PRF-HMAC-SHA2-384 | ECP 384; theirs: AES-128-CBC | "
		  "HMAC-SHA1 | PRF-HMAC-SHA1 | MODP 1024; no common encryption, PRF, key exchange "
		  "group");
	CHECK_INT(proposal_missing(&ours, &offer, &ike_want),
		  1 << ALG_ENCR | 1 << ALG_PRF | 1 << ALG_KE);
	CHECK(agree(SUITE_IKE, "aes256-sha256-modp2048,aes128-sha384-ecp256",
		    "aes256-sha384-modp2048,aes128-sha256-ecp256", &ike_want) < 0);
	CHECK_STR(e.msg, "ours: AES-256-CBC | HMAC-SHA2-256 | PRF-HMAC-SHA2-256 | MODP 2048 or "
		  "AES-128-CBC | HMAC-SHA2-384 | PRF-HMAC-SHA2-384 | ECP 256; theirs: AES-256-CBC | "
		  "HMAC-SHA2-384 | PRF-HMAC-SHA2-384 | MODP 2048 or AES-128-CBC | HMAC-SHA2-256 | "
		  "PRF-HMAC-SHA2-256 | ECP 256; each is known to both sides, but no one proposal "
		  "agrees in all");
	CHECK_INT(proposal_missing(&ours, &offer, &ike_want), 0);
	CHECK(agree(SUITE_IKE, "aes256-sha256-modp2048", "aes256-sha1-modp2048", &ike_want) < 0);
	CHECK_HAS(e.msg, "no common integrity, PRF");
	/* What a stranger offers gets numbers, not silence. */
	offer.p[0].t[0] = (struct sa_transform){ .type = ALG_ENCR, .id = 99, .key_bits = 256 };
	CHECK_HAS(proposal_compare(&ours, &offer, &ike_want, text, sizeof(text)),
		  "theirs: encryption 99 with 256 bit | ");
	offer.n = 0;
	CHECK_HAS(proposal_compare(&ours, &offer, &ike_want, text, sizeof(text)),
		  "theirs: nothing; nothing offered for IKE");
}

/* The reason survives any length. */
static void long_lists_are_cut(void)
{
	char text[400];

	ours = suites(SUITE_IKE, "aes256gcm16-sha384-ecp384");
	proposal_offer(&ours, &ike_want, &offer);
	offer.n = PROPOSALS_MAX;
	for (uint8_t i = 0; i < PROPOSALS_MAX; i++) {
		struct proposal *p = &offer.p[i];

		memset(p, 0, sizeof(*p));
		p->number = (uint8_t)(i + 1);
		p->protocol = PROTO_IKE;
		p->n = TRANSFORMS_MAX;
		for (uint8_t k = 0; k < TRANSFORMS_MAX; k++)
			p->t[k] = (struct sa_transform){ .type = (uint8_t)(k % 4 + 1), .id = 60000 };
	}
	for (size_t cap = 200; cap <= sizeof(text); cap++) {
		proposal_compare(&ours, &offer, &ike_want, text, cap);
		CHECK_HAS(text, "ours: AES-256-GCM | PRF-HMAC-SHA2-384 | ECP 384; theirs: encr");
		CHECK_HAS(text, "...; no common encryption, PRF, key exchange group");
		CHECK(strlen(text) < cap);
	}
	for (size_t cap = 1; cap < 200; cap++) {
		memset(text, 'x', sizeof(text));
		proposal_compare(&ours, &offer, &ike_want, text, cap);
		CHECK(strlen(text) < cap);
	}
}

static void suites_cross_the_wire(void)
{
	static const char *const all[] = {
		"aes256gcm16-sha384-ecp384", "aes192gcm16-sha256-ecp256", "aes128gcm16-sha512-ecp521",
		"chacha20poly1305-sha256-x25519", "aes256-sha512-modp8192", "aes192-sha384-modp6144",
		"aes128-sha256-modp4096", "aes128-sha1-modp3072", "3des-md5-modp768",
		"3des-sha1-modp1536",
	};

	static const char *const esp[] = {
		"aes128ctr-sha256", "aes256ctr-sha256", "null-sha256", "aes256-sha256", "3des-sha256",
	};
	struct proposal_want want = esp_want(true, WANT_ESN_NO);

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++)
			CHECK_INT(agree(SUITE_IKE, all[i], all[k], &ike_want), i == k ? 0 : -1);
	}
	for (size_t i = 0; i < sizeof(esp) / sizeof(esp[0]); i++) {
		for (size_t k = 0; k < sizeof(esp) / sizeof(esp[0]); k++)
			CHECK_INT(agree(SUITE_ESP, esp[i], esp[k], &want), i == k ? 0 : -1);
	}
}

int main(void)
{
	T_RUN(ike_agrees);
	T_RUN(our_order_decides);
	T_RUN(their_ke_payload_saves_a_round_trip);
	T_RUN(esp_and_pfs);
	T_RUN(groups_in_ike_auth_are_ignored);
	T_RUN(esn);
	T_RUN(none_is_echoed);
	T_RUN(unfit_proposals);
	T_RUN(rekeyed_ike_sa_has_spis);
	T_RUN(wrong_answers);
	T_RUN(compare_in_words);
	T_RUN(ah_agrees);
	T_RUN(long_lists_are_cut);
	T_RUN(suites_cross_the_wire);
	return t_done();
}
