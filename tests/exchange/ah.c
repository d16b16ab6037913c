/* rooms: ike/engine ike/v1 ike/v2 ike/auth ike/wire core/crypto core/base */
/* AH (RFC 4302) and IPComp (RFC 3173) between two engines: agreed on, rekeyed, deleted, and
 * refused where a side has no place for them, in words.
 */
#include "ike/v2/v2.h"
#include "tests/exchange/pair.h"

static struct sim s;

static void both(struct sim_conf *a, struct sim_conf *b, uint8_t version)
{
	sim_conf(&s, 0, a);
	sim_conf(&s, 1, b);
	a->peer.version = b->peer.version = version;
	if (version == IKE_V1) {
		sim_suites(SUITE_IKE, "aes128-sha256-x25519", &a->peer.ike);
		b->peer.ike = a->peer.ike;
	}
	a->children[0].ah = b->children[0].ah = INTEG_HMAC_SHA2_256_128;
}

static void set_both(struct sim_conf *a, struct sim_conf *b)
{
	sim_set(&s, 1, b);
	sim_set(&s, 0, a);
}

static struct sim_sa *first_sa(int n)
{
	struct sim_sa *best = NULL;

	for (int i = 0; i < SIM_SAS; i++) {
		struct sim_sa *x = &s.side[n].sas[i];

		if (x->used && !x->gone_ms && (!best || x->sa.id > best->sa.id))
			best = x;
	}
	CHECK(best);
	return best;
}

/* ---- AH ---- */

static void ah_comes_up(void)
{
	for (uint8_t v = IKE_V1; v <= IKE_V2; v++) {
		struct sim_conf a, b;
		const struct sa_child *sa;

		sim_init(&s, 1 + v);
		both(&a, &b, v);
		set_both(&a, &b);
		sim_run(&s, 1000);
		CHECK_UP(&s, 1);
		sa = &first_sa(0)->sa;
		CHECK_INT(sa->proto, SA_AH);
		CHECK_INT(sa->encr, 0);
		CHECK_INT(sa->integ, INTEG_HMAC_SHA2_256_128);
		CHECK_INT(sa->in.encr_len, 0);
		CHECK_INT(sa->in.integ_len, 32);
		CHECK_INT(sa->esn, v == IKE_V2);
		CHECK(memcmp(sa->in.integ, sa->out.integ, 32) != 0);
		CHECK_STR(sim_status(&s, 0)->child[0].esp, v == IKE_V2 ?
			  "AH, HMAC-SHA2-256, ESN" : "AH, HMAC-SHA2-256, Curve25519");
		CHECK(sim_logged(&s, "child up, AH, HMAC-SHA2-256"));
		sim_end(&s);
	}
}

/* A day of rekeys, children and IKE SAs, by either side: fresh keys of a group each time. */
static void ah_is_rekeyed(void)
{
	for (uint8_t v = IKE_V1; v <= IKE_V2; v++) {
		struct sim_conf a, b;

		sim_init(&s, 4 + v);
		both(&a, &b, v);
		a.peer.test_rekey = true;
		b.children[0].esp_life_s = 1800;
		set_both(&a, &b);
		sim_run(&s, 1000);
		CHECK_UP(&s, 1);
		s.watch = true;
		sim_run(&s, 24 * 3600 * 1000);
		CHECK_UP(&s, 1);
		CHECK_INT(first_sa(1)->sa.proto, SA_AH);
		CHECK(sim_status(&s, 0)->child[0].rekeys >= 20);
		CHECK_HAS(sim_status(&s, 0)->child[0].esp, "Curve25519");
		CHECK_INT(s.side[0].ups + s.side[0].downs, 1);
		sim_end(&s);
	}
}

/* One child by AH and one by ESP: each is deleted under its own protocol, and comes again. */
static void ah_beside_esp(void)
{
	for (uint8_t v = IKE_V1; v <= IKE_V2; v++) {
		struct sim_conf a, b;

		sim_init(&s, 7 + v);
		both(&a, &b, v);
		sim_child(&a, "more", "10.1.1.0/24", "10.2.1.0/24", "aes128gcm16-x25519");
		sim_child(&b, "more", "10.2.1.0/24", "10.1.1.0/24", "aes128gcm16-x25519");
		set_both(&a, &b);
		sim_run(&s, 3000);
		CHECK_UP(&s, 2);
		/* Both are deleted in one message. */
		for (int i = 0; i < SIM_SAS; i++)
			if (s.side[0].sas[i].used)
				engine_sa_event(s.side[0].e, s.side[0].sas[i].sa.id,
						SA_EVENT_HARD);
		sim_run(&s, 20000);
		CHECK_UP(&s, 2);
		/* AH becomes ESP by settings, of one side first. */
		a.children[0].ah = 0;
		sim_set(&s, 0, &a);
		sim_run(&s, 5000);
		b.children[0].ah = 0;
		sim_set(&s, 1, &b);
		sim_run(&s, 200000);
		CHECK_UP(&s, 2);
		for (int i = 0; i < SIM_SAS; i++)
			if (s.side[1].sas[i].used && !s.side[1].sas[i].gone_ms)
				CHECK_INT(s.side[1].sas[i].sa.proto, SA_ESP);
		sim_end(&s);
	}
}

static void ah_on_one_side_alone(void)
{
	for (uint8_t v = IKE_V1; v <= IKE_V2; v++)
		for (int who = 0; who < 2; who++) {
			struct sim_conf a, b;

			sim_init(&s, 10 + (uint64_t)v * 2 + (uint64_t)who);
			both(&a, &b, v);
			(who ? &a : &b)->children[0].ah = 0;
			set_both(&a, &b);
			sim_run(&s, 3000);
			CHECK_INT(sim_count(&s.side[0]) + sim_count(&s.side[1]), 0);
			CHECK_HAS(sim_status(&s, 1)->child_reason[0], who ?
				  "no common AH proposal" : "no common ESP proposal");
			CHECK_HAS(sim_status(&s, 1)->child_reason[0], who ?
				  "nothing offered for AH" : "nothing offered for ESP");
			CHECK_HAS(sim_status(&s, 0)->child_reason[0], "NO_PROPOSAL_CHOSEN");
			sim_end(&s);
		}
}

static void ah_hashes_differ(void)
{
	for (uint8_t v = IKE_V1; v <= IKE_V2; v++) {
		struct sim_conf a, b;

		sim_init(&s, 16 + v);
		both(&a, &b, v);
		b.children[0].ah = INTEG_HMAC_SHA2_512_256;
		set_both(&a, &b);
		sim_run(&s, 3000);
		CHECK_HAS(sim_status(&s, 1)->child_reason[0],
			  "AH: HMAC-SHA2-512");
		CHECK_HAS(sim_status(&s, 1)->child_reason[0], "no common integrity");
		sim_end(&s);
	}
}

/* The groups are esp's, with and without. */
static void ah_groups(void)
{
	struct sim_conf a, b;

	for (uint8_t v = IKE_V1; v <= IKE_V2; v++) {
		sim_init(&s, 19 + v);
		both(&a, &b, v);
		sim_suites(SUITE_ESP, "aes128gcm16-ecp256,aes128-sha256-x25519,aes256gcm16",
			   &a.children[0].esp);
		sim_suites(SUITE_ESP, "aes256gcm16-modp2048,aes256gcm16-ecp256",
			   &b.children[0].esp);
		a.peer.test_rekey = true;
		set_both(&a, &b);
		sim_run(&s, 20000);
		CHECK_UP(&s, 1);
		CHECK_HAS(sim_status(&s, 0)->child[0].esp, "ECP 256");
		sim_end(&s);
	}
}

static void no_ah_here(void)
{
	for (uint8_t v = IKE_V1; v <= IKE_V2; v++) {
		struct sim_conf a, b;
		struct err e = { 0 };

		sim_init(&s, 22 + v);
		engine_dataplane(s.side[0].e, &raw_can);
		both(&a, &b, v);
		set_both(&a, &b);
		sim_run(&s, 3000);
		CHECK_INT(s.side[0].sent, 0);
		CHECK_HAS(sim_status(&s, 0)->reason, "has no AH: ah = no, or dataplane = kernel");
		CHECK_INT(engine_peer_up(s.side[0].e, "b", &e), -1);
		CHECK_HAS(e.msg, "has no AH");
		sim_end(&s);
		/* Asked for it. */
		sim_init(&s, 24 + v);
		engine_dataplane(s.side[1].e, &raw_can);
		both(&a, &b, v);
		sim_child(&b, "more", "10.2.1.0/24", "10.1.1.0/24", "aes128gcm16-x25519");
		set_both(&a, &b);
		sim_run(&s, 3000);
		CHECK_INT(sim_count(&s.side[0]) + sim_count(&s.side[1]), 0);
		CHECK_HAS(sim_status(&s, 1)->child_reason[0], "has no AH");
		sim_end(&s);
	}
}

/* A real NAT, or one made up by a peer that wants UDP. */
static void ah_and_a_nat(void)
{
	for (uint8_t v = IKE_V1; v <= IKE_V2; v++)
		for (int forced = 0; forced < 2; forced++) {
			struct sim_conf a, b;

			sim_init(&s, 30 + (uint64_t)v * 2 + (uint64_t)forced);
			s.nat = !forced;
			s.nat_shift = 20000;
			both(&a, &b, v);
			if (forced)
				b.peer.encap = ENCAP_FORCE;
			set_both(&a, &b);
			sim_run(&s, 3000);
			CHECK_INT(sim_count(&s.side[0]) + sim_count(&s.side[1]), 0);
			CHECK_HAS(sim_status(&s, 0)->failure, "AH cannot pass a NAT");
			sim_end(&s);
		}
}

/* ---- IPComp ---- */

static void compressed(struct sim_conf *a, struct sim_conf *b)
{
	both(a, b, IKE_V2);
	a->children[0].ah = b->children[0].ah = 0;
	a->children[0].ipcomp = b->children[0].ipcomp = true;
}

static void ipcomp_comes_up(void)
{
	struct sim_conf a, b;
	uint16_t first;

	sim_init(&s, 50);
	compressed(&a, &b);
	set_both(&a, &b);
	sim_run(&s, 1000);
	CHECK_UP(&s, 1);
	first = first_sa(0)->sa.cpi_in;
	CHECK(first >= 256 && first <= 61439 && first_sa(0)->sa.cpi_out >= 256);
	CHECK(sim_status(&s, 0)->child[0].ipcomp && sim_status(&s, 1)->child[0].ipcomp);
	CHECK(sim_logged(&s, "AES-128-GCM, ESN, IPComp, 10."));
	s.watch = true;
	sim_run(&s, 6 * 3600 * 1000);
	CHECK_UP(&s, 1);
	CHECK(first_sa(0)->sa.cpi_in && first_sa(0)->sa.cpi_in != first);
	sim_end(&s);
}

/* Both must want it, and be able to: else there is none, and the child stands all the same. */
static void ipcomp_of_one_side(void)
{
	for (int who = 0; who < 4; who++) {
		struct sim_conf a, b;

		sim_init(&s, 51 + (uint64_t)who);
		compressed(&a, &b);
		if (who < 2)
			(who ? &a : &b)->children[0].ipcomp = false;
		else
			engine_dataplane(s.side[who - 2].e, &raw_can);
		set_both(&a, &b);
		sim_run(&s, 1000);
		CHECK_UP(&s, 1);
		CHECK_INT(first_sa(0)->sa.cpi_in, 0);
		CHECK_INT(first_sa(1)->sa.cpi_out, 0);
		CHECK(!sim_status(&s, 0)->child[0].ipcomp);
		/* Turned on at both, it is negotiated anew. */
		if (who < 2) {
			a.children[0].ipcomp = b.children[0].ipcomp = true;
			set_both(&a, &b);
			sim_run(&s, 20000);
			CHECK_UP(&s, 1);
			CHECK(first_sa(1)->sa.cpi_in);
		}
		sim_end(&s);
	}
}

static void ipcomp_with_ah_and_more(void)
{
	struct sim_conf a, b;

	sim_init(&s, 56);
	compressed(&a, &b);
	a.children[0].ah = b.children[0].ah = INTEG_HMAC_SHA2_256_128;
	sim_child(&a, "more", "10.1.1.0/24", "10.2.1.0/24", "aes128gcm16-x25519");
	sim_child(&b, "more", "10.2.1.0/24", "10.1.1.0/24", "aes128gcm16-x25519");
	a.children[1].ipcomp = b.children[1].ipcomp = true;
	set_both(&a, &b);
	sim_run(&s, 1000);
	CHECK_UP(&s, 2);
	CHECK(s.side[0].sas[0].sa.cpi_in != s.side[0].sas[1].sa.cpi_in);
	CHECK_INT(s.side[0].sas[0].sa.proto, SA_AH);
	CHECK(s.side[0].sas[0].sa.cpi_in && s.side[0].sas[1].sa.cpi_in);
	sim_end(&s);
}

/* ---- a bad line ---- */

static void ah_on_a_bad_network(void)
{
	for (uint8_t v = IKE_V1; v <= IKE_V2; v++) {
		struct sim_conf a, b;

		sim_init(&s, 40 + v);
		s.loss = 20;
		s.dup = 10;
		s.reorder = 20;
		both(&a, &b, v);
		a.children[0].esp_life_s = b.children[0].esp_life_s = 120;
		a.peer.rekey_margin_s = b.peer.rekey_margin_s = 30;
		set_both(&a, &b);
		sim_run(&s, 4 * 3600 * 1000);
		CHECK_SIM(&s);
		s.loss = s.dup = s.reorder = 0;
		sim_run(&s, 400000);
		CHECK_UP(&s, 1);
		CHECK_INT(first_sa(0)->sa.proto, SA_AH);
		sim_end(&s);
	}
}

int main(void)
{
	T_RUN(ah_comes_up);
	T_RUN(ah_is_rekeyed);
	T_RUN(ah_beside_esp);
	T_RUN(ah_on_one_side_alone);
	T_RUN(ah_hashes_differ);
	T_RUN(ah_groups);
	T_RUN(no_ah_here);
	T_RUN(ah_and_a_nat);
	T_RUN(ipcomp_comes_up);
	T_RUN(ipcomp_of_one_side);
	T_RUN(ipcomp_with_ah_and_more);
	T_RUN(ah_on_a_bad_network);
	return t_done();
}
