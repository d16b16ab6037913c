/* rooms: ike/engine ike/v1 ike/v2 ike/auth ike/wire core/crypto core/base */
/* IKEv1 by RSA signatures (RFC 2409 §5.1): Main mode between two engines with the certificates
 * of tests/exchange/pki, and what is refused. */
#include "tests/exchange/pair.h"
#include "tests/exchange/pki.h"

#include "core/crypto/pk.h"
#include "ike/auth/trust.h"
#include "ike/v1/v1.h"
#include "ike/wire/id.h"

static struct sim s;
static const char *key_of[2];
static struct sim_conf c[2];

static bool sign(int side, const struct vault_query *q, struct sim_packet *p)
{
	struct err e = { 0 };
	struct pk *k;
	bool ok;

	if (q->kind != VAULT_SIGNATURE || !key_of[side])
		return false;
	CHECK_INT(q->scheme, PK_RSA_RAW);
	k = pk_private(pki_load(key_of[side], ".key.pem"), &e);
	p->bytes = malloc(PK_SIGNATURE_MAX);
	ok = k && pk_sign(k, q->scheme, q->octets, p->bytes, &p->len, &e) == 0;
	pk_free(k);
	return ok;
}

static void trusts(int side, const char *name)
{
	struct err e = { 0 };

	if (trust_set(sim_trust[side], name, PKI_CERT, pki_load(name, ".pem"), &e) < 0)
		abort();
}

static void begin(const char *cert_a, const char *cert_b)
{
	const char *certs[2] = { cert_a, cert_b };

	for (int n = 0; n < 2; n++) {
		sim_trust[n] = trust_new();
		trusts(n, "root");
		trusts(n, certs[n]);
		key_of[n] = certs[n];
	}
	sim_sign = sign;
	sim_init(&s, 7);
	for (int n = 0; n < 2; n++) {
		struct peer_conf *p = &c[n].peer;

		sim_conf(&s, n, &c[n]);
		p->version = IKE_V1;
		p->auth = p->peer_auth = AUTH_BY_CERT;
		p->crl = CRL_LENIENT;
		snprintf(p->cert, sizeof(p->cert), "%s", certs[n]);
		sim_suites(SUITE_IKE, "aes128-sha256-x25519", &p->ike);
	}
}

static void go(uint64_t ms)
{
	sim_set(&s, 1, &c[1]);
	sim_set(&s, 0, &c[0]);
	sim_run(&s, ms);
}

static void finish(void)
{
	sim_end(&s);
	for (int n = 0; n < 2; n++) {
		trust_free(sim_trust[n]);
		sim_trust[n] = NULL;
	}
	sim_sign = NULL;
}

static void comes_up(void)
{
	begin("a2048", "b2048");
	go(1000);
	CHECK_UP(&s, 1);
	/* our subject is who we are, when nothing else is set */
	CHECK(strstr(sim_status(&s, 1)->st.remote_id, "="));
	sim_run(&s, 5 * 3600 * 1000);	/* phase 1 anew, too */
	CHECK_UP(&s, 1);
	CHECK(sim_status(&s, 0)->st.rekeys >= 1);
	finish();
}

static void long_keys_in_fragments_and_behind_nat(void)
{
	begin("a4096", "b4096");
	s.nat = true;
	s.nat_shift = 20000;
	c[1].peer.remote_gateway = s.nat_addr;
	c[0].peer.fragment_size = c[1].peer.fragment_size = 576;
	c[0].peer.fragmentation = c[1].peer.fragmentation = FRAGMENT_YES;
	go(2000);
	CHECK_UP(&s, 1);
	CHECK(sim_status(&s, 1)->st.udp_encap);
	finish();
}

static void bad_network(void)
{
	begin("a2048", "b2048");
	s.loss = s.dup = s.reorder = 20;
	go(100000);
	s.loss = s.dup = s.reorder = 0;
	sim_run(&s, 100000);
	CHECK_UP(&s, 1);
	finish();
}

static void pinned(void)
{
	begin("a2048", "b2048");
	for (int n = 0; n < 2; n++) {
		trusts(n, n ? "a2048" : "b2048");
		snprintf(c[n].peer.peer_cert, sizeof(c[n].peer.peer_cert), "%s",
			 n ? "a2048" : "b2048");
		trust_pin(sim_trust[n], c[n].peer.peer_cert, true);
		trust_remove(sim_trust[n], "root", PKI_CERT);
	}
	go(1000);
	CHECK_UP(&s, 1);
	finish();
}

/* Another CRL: the peer proves anew who it is, and the children stay; a CA that is gone: it
 * cannot, and is cut within a minute. */
static void proven_anew(void)
{
	uint64_t spi;

	begin("a2048", "b2048");
	go(3000);
	CHECK_UP(&s, 1);
	spi = sim_status(&s, 0)->st.spi_i;
	engine_pki_changed(s.side[0].e, "root", PKI_CRL, false);
	sim_run(&s, 20000);
	CHECK_UP(&s, 1);
	CHECK(sim_status(&s, 0)->st.spi_i != spi);
	CHECK_INT(s.side[0].ups + s.side[1].ups, 2);
	CHECK_INT(s.side[0].adds, 1);
	for (int n = 0; n < 2; n++) {	/* whoever called */
		trust_remove(sim_trust[n], "root", PKI_CERT);
		engine_pki_changed(s.side[n].e, "root", PKI_CERT, true);
		sim_run(&s, 70000);
		CHECK_INT(sim_count(&s.side[n]), 0);
		CHECK_HAS(sim_status(&s, 0)->failure, "certificate");
		trusts(n, "root");
		sim_run(&s, 100000);
		CHECK_UP(&s, 1);
	}
	finish();
}

static void refused(void)
{
	/* nobody vouches for it */
	begin("a2048", "self");
	go(3500);
	CHECK_HAS(sim_status(&s, 0)->reason, "certificate is refused");
	finish();

	/* the right certificate, another key */
	begin("a2048", "b2048");
	key_of[0] = "b2048";
	go(3500);
	CHECK_HAS(sim_status(&s, 1)->failure, "its signature is refused");
	CHECK_HAS(sim_status(&s, 0)->reason, "AUTHENTICATION_FAILED");
	finish();

	/* a CA that this side does not have */
	begin("a2048", "b2048");
	trust_remove(sim_trust[1], "root", PKI_CERT);
	go(3500);
	CHECK_HAS(sim_status(&s, 1)->failure, "certificate is refused");
	finish();

	/* not who is expected */
	begin("a2048", "b2048");
	c[0].peer.peer_id = (struct ike_id){ .type = ID_FQDN, .len = 14,
					     .data = "someone.sample" };
	go(3500);
	CHECK_HAS(sim_status(&s, 0)->reason, "expected someone.sample (peer_id)");
	finish();

	/* a name that its certificate does not hold */
	begin("a2048", "b2048");
	c[0].peer.local_id = (struct ike_id){ .type = ID_FQDN, .len = 9, .data = "elsewhere" };
	go(3500);
	CHECK_HAS(sim_status(&s, 1)->failure, "certificate is refused");
	finish();
}

static void not_by_these(void)
{
	/* ECDSA is IKEv2's */
	begin("a256", "b2048");
	go(3500);
	CHECK_HAS(sim_status(&s, 0)->reason, "RSA");
	finish();
	begin("a2048", "b256");
	go(3500);
	CHECK_HAS(sim_status(&s, 1)->failure, "RSA");
	finish();

	/* one side by PSK */
	begin("a2048", "b2048");
	c[1].peer.auth = c[1].peer.peer_auth = AUTH_BY_PSK;
	go(3500);
	CHECK_HAS(sim_status(&s, 0)->reason, "NO_PROPOSAL_CHOSEN");
	CHECK_HAS(sim_status(&s, 1)->failure,
		  "wants to authenticate by RSA signature, this side by pre-shared key");
	finish();

	/* no private key */
	begin("a2048", "b2048");
	key_of[0] = NULL;
	go(3500);
	CHECK_HAS(sim_status(&s, 0)->reason, "no private key");
	finish();
}

int main(void)
{
	T_RUN(comes_up);
	T_RUN(long_keys_in_fragments_and_behind_nat);
	T_RUN(bad_network);
	T_RUN(pinned);
	T_RUN(proven_anew);
	T_RUN(refused);
	T_RUN(not_by_these);
	return t_done();
}
