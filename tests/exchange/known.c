/* rooms: ike/engine ike/v1 ike/v2 ike/auth ike/wire core/crypto core/base */
/* known: what once brought down, fooled or stopped an IKE daemon, by kind, each with where it
 * was published. Said to a whole engine by somebody who has the keys, or none. After each the
 * daemon is as it was: the tunnel stands, nobody got in, and nothing grew. */
#include "tests/exchange/fast_ke.h"

#include "tests/exchange/harm.h"

static struct sim s;

static const struct slice none;

/* Big-endian words into a chain. */
struct chain {
	uint8_t buf[60000];
	struct wr w;
};
static struct chain c;

static struct wr *fresh(void)
{
	c.w = wr_init(c.buf, sizeof(c.buf));
	return &c.w;
}

static struct slice made(void)
{
	return (struct slice){ c.buf, c.w.len };
}

/* A payload's header; its body follows. */
static void head(uint8_t next, size_t body)
{
	wr_u8(&c.w, next);
	wr_u8(&c.w, 0);
	wr_u16(&c.w, (uint16_t)(body + 4));
}

static void stands(void)
{
	s.filter = NULL;
	sim_run(&s, 400000);
	CHECK_UP(&s, 2);
	CHECK_INT(s.side[0].e->peers->drops.malformed + s.side[0].e->drops.malformed <= 64, 1);
	sim_end(&s);
}

static void say(uint8_t exchange, uint8_t first)
{
	harm_sealed(&s, false, exchange, first, made());
	sim_run(&s, 5);
}

/* ---- before anybody proved who he is ---- */

/* CVE-2014-2338 (strongSwan): an IKE SA that is not authenticated was rekeyed, and counted as
 * one that is. Children and Deletes on it likewise. */
static void nothing_before_auth(void)
{
	static const uint8_t exchanges[] = { CREATE_CHILD_SA, INFORMATIONAL };
	static const enum harm_stand how[] = { HARM_AWAITS_AUTH, HARM_AWAITS_ANSWER };

	for (size_t h = 0; h < 2; h++)
		for (size_t x = 0; x < 2; x++) {
			harm_begin(&s, how[h]);
			fresh();
			head(PAYLOAD_NONE, 4);
			wr_u32(&c.w, 0x01000000);	/* Delete the IKE SA */
			say(exchanges[x], PAYLOAD_DELETE);
			fresh();
			head(PAYLOAD_NONE, 32);
			wr_zero(&c.w, 32);
			say(exchanges[x], PAYLOAD_NONCE);
			CHECK_INT(sim_counts(&s, 0).child_sas, 0);
			CHECK_INT(s.side[0].events[ENGINE_ESTABLISHED], 0);
			s.filter = NULL;
			s.side[0].s->filter = NULL;
			sim_run(&s, 200000);
			CHECK_UP(&s, 2);
			sim_end(&s);
		}
}

/* CVE-2018-15836, CVE-2018-16151 (libreswan, Openswan, strongSwan): signatures whose inside was
 * not looked at in full; CVE-2017-9022: a key of nothing. An AUTH payload of no length, of too
 * little, of zeros, with a method that nobody agreed on. */
static void truncated_auth(void)
{
	static const uint8_t methods[] = { 0, AUTH_RSA, AUTH_PSK, AUTH_DSS, 5, AUTH_ECDSA_256,
					   AUTH_NULL, AUTH_DIGITAL, 201, 255 };
	static const size_t lens[] = { 0, 1, 4, 5, 8, 31, 32, 64, 256, 1024, 2000 };

	for (int answer = 0; answer < 2; answer++)
		for (size_t m = 0; m < sizeof(methods); m++)
			for (size_t l = 0; l < sizeof(lens) / sizeof(lens[0]); l++) {
				harm_begin(&s, answer ? HARM_AWAITS_ANSWER : HARM_AWAITS_AUTH);
				fresh();
				head(PAYLOAD_AUTH, 8);
				wr_u32(&c.w, 0x01000000);
				wr_u32(&c.w, 0xc6336402);
				head(PAYLOAD_NONE, 4 + lens[l]);
				wr_u32(&c.w, (uint32_t)methods[m] << 24);
				wr_zero(&c.w, lens[l]);
				harm_sealed(&s, answer, IKE_AUTH,
					    answer ? PAYLOAD_IDR : PAYLOAD_IDI, made());
				sim_run(&s, 50);
				CHECK_INT(s.side[0].events[ENGINE_ESTABLISHED], 0);
				CHECK_INT(sim_counts(&s, 0).child_sas, 0);
				s.filter = NULL;
				s.trouble[0] = 0;
				sim_end(&s);
			}
}

/* ---- loops and counts ---- */

/* CVE-2009-1957, CVE-2004-0184 (strongSwan, tcpdump), CVE-2017-13689 (tcpdump's IKEv1): a length
 * of nothing that is never stepped over, lengths that reach beyond, counts that lie: in
 * payloads, proposals, transforms, attributes, selectors, SPIs. */
static void lying_lengths(void)
{
	static const uint16_t lies[] = { 0, 1, 3, 4, 7, 8, 0x7fff, 0x8000, 0xfffe, 0xffff };
	static const uint8_t types[] = {
		PAYLOAD_SA, PAYLOAD_KE, PAYLOAD_IDI, PAYLOAD_CERT, PAYLOAD_CERTREQ, PAYLOAD_AUTH,
		PAYLOAD_NONCE, PAYLOAD_NOTIFY, PAYLOAD_DELETE, PAYLOAD_VENDOR, PAYLOAD_TSI,
		PAYLOAD_TSR, PAYLOAD_SK, PAYLOAD_CP, PAYLOAD_EAP, PAYLOAD_SKF, 49, 127, 255 };
	static const uint8_t exchanges[] = { CREATE_CHILD_SA, INFORMATIONAL, IKE_AUTH, IKE_SA_INIT,
					     43, 255 };

	for (size_t x = 0; x < sizeof(exchanges); x++) {
		harm_begin(&s, HARM_ESTABLISHED);
		for (size_t t = 0; t < sizeof(types); t++)
			for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
				/* The payload's own length. */
				fresh();
				wr_u16(&c.w, types[t] << 8);
				wr_u16(&c.w, lies[i]);
				for (int k = 0; k < 16; k++)
					wr_u16(&c.w, lies[i]);
				say(exchanges[x], types[t]);
				/* The lengths and counts inside of it. */
				fresh();
				head(PAYLOAD_NONE, 64);
				for (int k = 0; k < 16; k++) {
					wr_u16(&c.w, k % 3 ? lies[i] : 0x0203);
					wr_u16(&c.w, lies[(i + (size_t)k) % 10]);
				}
				say(exchanges[x], types[t]);
			}
		s.side[0].e->drops.malformed = s.side[0].e->peers->drops.malformed = 0;
		stands();
	}
}

/* CVE-2023-38712, CVE-2023-38711 (libreswan): one more Delete or Notify than was thought of. */
static void thousands_of_payloads(void)
{
	static const struct { uint8_t type, exchange; uint32_t body; } kinds[] = {
		{ PAYLOAD_NOTIFY, INFORMATIONAL, 0x00004000 },
		{ PAYLOAD_DELETE, INFORMATIONAL, 0x03040000 },
		{ PAYLOAD_VENDOR, INFORMATIONAL, 0x61626364 },
		{ PAYLOAD_NONCE, CREATE_CHILD_SA, 0x61626364 },
		{ PAYLOAD_TSI, CREATE_CHILD_SA, 0x00000000 },
		{ 200, CREATE_CHILD_SA, 0 },
	};

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		harm_begin(&s, HARM_ESTABLISHED);
		for (int round = 0; round < 20; round++) {
			fresh();
			for (int i = 0; i < 7000; i++) {
				head(i < 6999 ? kinds[k].type : PAYLOAD_NONE, 4);
				wr_u32(&c.w, kinds[k].body);
			}
			say(kinds[k].exchange, kinds[k].type);
		}
		stands();
	}
}

/* The same child deleted again and again, others that were never there, and more SPIs in one
 * Delete than a message could have. */
static void deletes_of_nothing(void)
{
	harm_begin(&s, HARM_ESTABLISHED);
	for (uint32_t i = 0; i < 500; i++) {
		fresh();
		head(PAYLOAD_NONE, 4 + 4 * 16);
		wr_u32(&c.w, 0x03040010);
		for (uint32_t k = 0; k < 16; k++)
			wr_u32(&c.w, 0x1000000 + i * 16 + k);
		say(INFORMATIONAL, PAYLOAD_DELETE);
	}
	fresh();
	head(PAYLOAD_NONE, 8);
	wr_u32(&c.w, 0x0304ffff);
	wr_u32(&c.w, 0x12345678);
	say(INFORMATIONAL, PAYLOAD_DELETE);
	CHECK_INT(sim_count(&s.side[0]), 2);
	stands();
}

/* ---- groups and values ---- */

/* CVE-2014-9221 (strongSwan: group 1025), CVE-2023-38710 (libreswan: a KE of a group that the
 * rekey did not offer), CVE-2023-41913 (strongSwan: a public value longer than its group's). */
static void odd_groups(void)
{
	static const uint16_t groups[] = { 0, 1, 3, 19, 31, 32, 1024, 1025, 1040, 0xffff };
	static const size_t lens[] = { 0, 1, 31, 32, 33, 64, 256, 8000 };

	harm_begin(&s, HARM_ESTABLISHED);
	for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++)
		for (size_t l = 0; l < sizeof(lens) / sizeof(lens[0]); l++)
			for (int ike = 0; ike < 2; ike++) {
				uint8_t spi_len = ike ? 8 : 4;

				fresh();
				if (!ike) {
					head(PAYLOAD_SA, 8);
					wr_u32(&c.w, 0x03040000 | N_REKEY_SA);
					wr_u32(&c.w, s.side[1].e->peers->children->spi_in);
				}
				/* Curve25519 and AES-GCM are offered; the KE is another's. */
				head(PAYLOAD_NONCE, 8u + spi_len + 12 + 8 + (ike ? 8 : 8));
				wr_u32(&c.w, 8u + spi_len + 28);
				wr_u8(&c.w, 1);
				wr_u8(&c.w, ike ? PROTO_IKE : PROTO_ESP);
				wr_u8(&c.w, spi_len);
				wr_u8(&c.w, 3);
				for (int k = 0; k < spi_len; k++)
					wr_u8(&c.w, (uint8_t)(0x11 + k));
				wr_u32(&c.w, 0x0300000c);
				wr_u32(&c.w, 0x01000014);
				wr_u32(&c.w, 0x800e0080);
				wr_u32(&c.w, 0x03000008);
				wr_u32(&c.w, ike ? 0x02000005 : 0x05000001);
				wr_u32(&c.w, 0x00000008);
				wr_u32(&c.w, 0x0400001f);
				head(PAYLOAD_KE, 32);
				for (int k = 0; k < 32; k++)
					wr_u8(&c.w, (uint8_t)k);
				head(ike ? PAYLOAD_NONE : PAYLOAD_TSI, 4 + lens[l]);
				wr_u16(&c.w, groups[g]);
				wr_u16(&c.w, 0);
				wr_zero(&c.w, lens[l]);
				for (int side = 1; !ike && side >= 0; side--) {
					head(side ? PAYLOAD_TSR : PAYLOAD_NONE, 20);
					wr_u32(&c.w, 0x01000000);
					wr_u32(&c.w, 0x07000010);
					wr_u32(&c.w, 0x0000ffff);
					wr_u32(&c.w, side ? 0x0a020000 : 0x0a010000);
					wr_u32(&c.w, side ? 0x0a0200ff : 0x0a0100ff);
				}
				if (groups[g] == 31 && lens[l] == 32)
					continue;
				say(CREATE_CHILD_SA, ike ? PAYLOAD_SA : PAYLOAD_NOTIFY);
				CHECK_INT(sim_counts(&s, 0).ike_sas, 1);
				CHECK_INT(sim_counts(&s, 0).child_sas, 2);
			}
	stands();
}

/* ---- selectors ---- */

/* CVE-2023-38710's kin: none, as many as can be counted, upside down, of types that are not
 * there, wide open: nothing is let in that the settings do not allow. */
static void odd_selectors(void)
{
	static const uint8_t ns[] = { 0, 1, 2, 17, 255 };
	static const uint32_t types[] = { 0x07000010, 0x08000028, 0x09000010, 0x07000000,
					  0x0700ffff };

	harm_begin(&s, HARM_ESTABLISHED);
	for (size_t n = 0; n < sizeof(ns); n++)
		for (size_t t = 0; t < 5; t++)
			for (int wide = 0; wide < 3; wide++) {
				fresh();
				head(PAYLOAD_NONCE, 8u + 4 + 12 + 8);
				wr_u32(&c.w, 8u + 4 + 20);
				wr_u32(&c.w, 0x01030402);
				wr_u32(&c.w, 0x22222222 + (uint32_t)wide);
				wr_u32(&c.w, 0x0300000c);
				wr_u32(&c.w, 0x01000014);
				wr_u32(&c.w, 0x800e0080);
				wr_u32(&c.w, 0x00000008);
				wr_u32(&c.w, 0x05000001);
				head(PAYLOAD_TSI, 32);
				wr_zero(&c.w, 32);
				for (int side = 1; side >= 0; side--) {
					head(side ? PAYLOAD_TSR : PAYLOAD_NONE, 4 + 16u * ns[n]);
					wr_u32(&c.w, (uint32_t)ns[n] << 24);
					for (unsigned i = 0; i < ns[n]; i++) {
						wr_u32(&c.w, types[t]);
						wr_u32(&c.w, wide ? 0x0000ffff : 0xffff0000);
						wr_u32(&c.w, wide ? 0 : 0xffffffff);
						wr_u32(&c.w, wide == 1 ? 0xffffffff : 0);
					}
				}
				say(CREATE_CHILD_SA, PAYLOAD_SA);
				for (int i = 0; i < SIM_SAS; i++) {
					const struct sim_sa *x = &s.side[0].sas[i];

					for (int k = 0; x->used && k < x->sa.n_remote; k++)
						CHECK(x->sa.remote_ts[k].from.b[0] == 10);
				}
			}
	s.filter = NULL;
	s.trouble[0] = 0;	/* the other end knows nothing of what was narrowed */
	sim_run(&s, 400000);
	CHECK(sim_counts(&s, 0).child_sas <= 64);
	s.trouble[0] = 0;
	for (int i = 0; i < 2; i++)
		engine_stop(s.side[i].e, sim_stopped, &s.side[i]);
	sim_run(&s, 10000);
	s.trouble[0] = 0;
	sim_free(&s);
}

/* ---- a handshake with a piece missing ---- */

/* CVE-2024-2357 (libreswan): a peer without a PSK was called by one that has none. */
static void no_secret_at_all(void)
{
	sim_init(&s, 9);
	s.side[0].psk[0] = s.side[1].psk[0] = '\0';
	sim_usual(&s);
	sim_run(&s, 30000);
	CHECK_INT(s.side[0].events[ENGINE_ESTABLISHED], 0);
	CHECK_INT(s.side[1].events[ENGINE_ESTABLISHED], 0);
	CHECK(s.side[0].events[ENGINE_FAILED] > 0);
	sim_end(&s);
}

/* CVE-2022-23094 and many before it: each required payload left out, in turn. */
static void a_piece_is_missing(void)
{
	static const uint8_t all[] = { PAYLOAD_IDI, PAYLOAD_AUTH, PAYLOAD_SA, PAYLOAD_TSI,
				       PAYLOAD_TSR };

	for (unsigned set = 0; set < 1u << sizeof(all); set++) {
		uint8_t order[sizeof(all)];
		unsigned n = 0;

		for (unsigned i = 0; i < sizeof(all); i++)
			if (set & 1u << i)
				order[n++] = all[i];
		harm_begin(&s, HARM_AWAITS_AUTH);
		fresh();
		for (unsigned i = 0; i < n; i++) {
			head(i + 1 < n ? order[i + 1] : PAYLOAD_NONE, 8);
			wr_u32(&c.w, 0x02000000);
			wr_u32(&c.w, 0);
		}
		harm_sealed(&s, false, IKE_AUTH, n ? order[0] : PAYLOAD_NONE, n ? made() : none);
		sim_run(&s, 100);
		CHECK_INT(s.side[0].events[ENGINE_ESTABLISHED], 0);
		CHECK_INT(sim_counts(&s, 0).child_sas, 0);
		s.filter = NULL;
		s.trouble[0] = 0;
		sim_end(&s);
	}
}

int main(void)
{
	T_RUN(nothing_before_auth);
	T_RUN(truncated_auth);
	T_RUN(lying_lengths);
	T_RUN(thousands_of_payloads);
	T_RUN(deletes_of_nothing);
	T_RUN(odd_groups);
	T_RUN(odd_selectors);
	T_RUN(no_secret_at_all);
	T_RUN(a_piece_is_missing);
	return t_done();
}
