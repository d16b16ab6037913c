/* rooms: ike/engine ike/v1 ike/v2 ike/auth ike/wire core/crypto core/base */
/* Authentication by certificate, post-quantum keys, and the fragments that chains of
 * certificates make necessary (RFC 7296 §2.15, RFC 7427, RFC 8784, RFC 7383). The
 * certificates are tests/exchange/pki's. */
#include "tests/exchange/pair.h"
#include "tests/exchange/pki.h"

#include "core/crypto/pk.h"
#include "ike/auth/trust.h"
#include "ike/v2/v2.h"
#include "ike/wire/id.h"
#include "ike/wire/ike.h"

static const char *key_of[2];		/* whose private key a side has */
static const char *ppk_of[2];
static unsigned schemes;		/* 1 << those that were asked for */

static bool sign(int side, const struct vault_query *q, struct sim_packet *p)
{
	struct err e = { 0 };

	if (q->kind == VAULT_SIGNATURE && key_of[side]) {
		struct pk *k = pk_private(pki_load(key_of[side], ".key.pem"), &e);
		bool ok;

		schemes |= 1u << q->scheme;
		p->bytes = malloc(PK_SIGNATURE_MAX);
		ok = k && pk_sign(k, q->scheme, q->octets, p->bytes, &p->len, &e) == 0;
		pk_free(k);
		if (!ok)
			printf("    %s\n", e.msg);
		return ok;
	}
	if (q->kind == VAULT_PPK && ppk_of[side]) {
		struct slice ppk = { (const uint8_t *)ppk_of[side], strlen(ppk_of[side]) };
		size_t n = q->octets.len / 3;

		p->bytes = malloc(q->octets.len);
		p->len = q->octets.len;
		for (size_t i = 0; i < 3; i++) {
			struct slice key = { q->octets.p + i * n, n };

			if (prf_plus(q->prf, ppk, &key, 1, p->bytes + i * n, n) < 0)
				abort();
		}
		return true;
	}
	return false;
}

static void trusts(int side, const char *name)
{
	struct err e = { 0 };

	if (trust_set(sim_trust[side], name, PKI_CERT, pki_load(name, ".pem"), &e) < 0) {
		printf("    %s: %s\n", name, e.msg);
		abort();
	}
}

static void begin(struct sim *s)
{
	for (int i = 0; i < 2; i++) {
		sim_trust[i] = trust_new();
		trusts(i, "root");
		key_of[i] = ppk_of[i] = NULL;
	}
	schemes = 0;
	sim_sign = sign;
	sim_init(s, 7);
}

static void finish(struct sim *s)
{
	for (int i = 0; i < 2; i++)
		CHECK_INT(s->side[i].e->fragment_bytes, 0);
	sim_end(s);
	for (int i = 0; i < 2; i++) {
		trust_free(sim_trust[i]);
		sim_trust[i] = NULL;
	}
	sim_sign = NULL;
}

/* The settings of a side that has this certificate, and expects the other one. */
static void conf(struct sim *s, int n, struct sim_conf *c, const char *cert)
{
	sim_conf(s, n, c);
	c->peer.auth = c->peer.peer_auth = AUTH_BY_CERT;
	c->peer.crl = CRL_LENIENT;
	snprintf(c->peer.cert, sizeof(c->peer.cert), "%s", cert);
	key_of[n] = cert;
	trusts(n, cert);
}

static struct ike_id fqdn(const char *name)
{
	struct ike_id id = { .type = ID_FQDN, .len = (uint8_t)strlen(name) };

	memcpy(id.data, name, id.len);
	return id;
}

static struct sim_conf ca, cb;

static void usual(struct sim *s, const char *cert_a, const char *cert_b)
{
	conf(s, 0, &ca, cert_a);
	conf(s, 1, &cb, cert_b);
}

static void go(struct sim *s, uint64_t ms)
{
	sim_set(s, 1, &cb);
	sim_set(s, 0, &ca);
	sim_run(s, ms);
}

static void every_key(void)
{
	static const struct {
		const char *a, *b;
		unsigned schemes;
	} t[] = {
		{ "a2048", "b2048", 1u << PK_RSA_PSS_SHA256 },
		{ "a4096", "b4096", 1u << PK_RSA_PSS_SHA384 },
		{ "a256", "b256", 1u << PK_ECDSA_SHA256 },
		{ "a384", "b521", 1u << PK_ECDSA_SHA384 | 1u << PK_ECDSA_SHA512 },
		{ "a256", "b2048", 1u << PK_ECDSA_SHA256 | 1u << PK_RSA_PSS_SHA256 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct sim s;

		begin(&s);
		usual(&s, t[i].a, t[i].b);
		go(&s, 5000);
		CHECK_UP(&s, 1);
		CHECK_INT(schemes, t[i].schemes);
		/* Without local_id a side is its certificate's subject. */
		CHECK(strstr(sim_status(&s, 0)->st.remote_id, "CN=b"));
		CHECK(strstr(sim_status(&s, 1)->st.remote_id, "CN=a"));
		finish(&s);
	}
}

/* The notify's type is turned into one that nobody knows, in what is sent and in what the
 * sender remembers of it for AUTH. */
static bool no_hashes(struct sim *s, int from, const uint8_t *msg, size_t len)
{
	uint8_t *m = (uint8_t *)(uintptr_t)msg;

	for (size_t i = 30; msg[18] == IKE_SA_INIT && i + 1 < len; i++)
		if (m[i] == N_SIGNATURE_HASH_ALGORITHMS >> 8 && m[i - 1] == 0 &&
		    m[i + 1] == (N_SIGNATURE_HASH_ALGORITHMS & 0xff) && m[i - 2] == 0) {
			m[i + 1] ^= 0x80;
			s->counter++;
		}
	if (msg[18] == IKE_SA_INIT && from == 0)
		memcpy(v2(s->side[0].e->peers->sas)->hs->mine.p, msg, len);
	return true;
}

/* Peers that do not know RFC 7427: methods 1 and 9 to 11. */
static void old_methods(void)
{
	static const struct {
		const char *a, *b;
		unsigned schemes;
	} t[] = {
		{ "a2048", "b2048", 1u << PK_RSA_PKCS1_SHA1 },
		{ "a256", "b521", 1u << PK_ECDSA_P256 | 1u << PK_ECDSA_P521 },
		{ "a384", "b256", 1u << PK_ECDSA_P384 | 1u << PK_ECDSA_P256 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct sim s;

		begin(&s);
		usual(&s, t[i].a, t[i].b);
		s.filter = no_hashes;
		go(&s, 5000);
		CHECK_UP(&s, 1);
		CHECK_INT(s.counter, 1);	/* so the responder said nothing of it */
		CHECK_INT(schemes, t[i].schemes);
		finish(&s);
	}
}

static void ids_and_names(void)
{
	struct sim s;

	begin(&s);
	usual(&s, "a2048", "b2048");
	ca.peer.local_id = cb.peer.peer_id = fqdn("a.example");
	ca.peer.peer_id = fqdn("B.example");	/* letters' case says nothing */
	go(&s, 5000);
	/* b has no local_id, and is asked to be a name that its certificate holds. */
	CHECK_UP(&s, 1);
	CHECK_STR(sim_status(&s, 0)->st.remote_id, "B.example");
	finish(&s);
}

static void wrong(const char *cert_a, void (*change)(struct sim *s), const char *by_b,
		  const char *by_a)
{
	struct sim s;

	begin(&s);
	usual(&s, cert_a, "b2048");
	if (change)
		change(&s);
	go(&s, 6000);
	CHECK_SIM(&s);
	CHECK_INT(sim_count(&s.side[0]) + sim_count(&s.side[1]), 0);
	CHECK_INT(sim_counts(&s, 1).child_sas, 0);
	if (!strstr(sim_status(&s, 1)->failure, by_b))
		printf("    b: %s\n", sim_status(&s, 1)->failure);
	CHECK(strstr(sim_status(&s, 1)->failure, by_b));
	if (!strstr(sim_status(&s, 0)->failure, by_a))
		printf("    a: %s\n", sim_status(&s, 0)->failure);
	CHECK(strstr(sim_status(&s, 0)->failure, by_a));
	finish(&s);
}

static void strict_crl(struct sim *s)
{
	struct err e = { 0 };

	(void)s;
	cb.peer.crl = CRL_STRICT;
	CHECK(trust_set(sim_trust[1], "root", PKI_CRL, pki_load("root", ".crl"), &e) == 0);
}

static void strict_without(struct sim *s)
{
	(void)s;
	cb.peer.crl = CRL_STRICT;
}

static void another_key(struct sim *s)
{
	(void)s;
	key_of[0] = "b2048";
}

static void another_name(struct sim *s)
{
	(void)s;
	ca.peer.local_id = fqdn("c.example");
}

static void another_peer_id(struct sim *s)
{
	(void)s;
	cb.peer.peer_id = fqdn("c.example");
}

static void no_key(struct sim *s)
{
	(void)s;
	key_of[0] = NULL;
}

static void pinned_other(struct sim *s)
{
	(void)s;
	trusts(1, "self");
	strcpy(cb.peer.peer_cert, "self");
}

static void wants_psk(struct sim *s)
{
	(void)s;
	cb.peer.peer_auth = AUTH_BY_PSK;
}

static void refusals(void)
{
	const char *refused = "does not accept our certificate";

	wrong("stranger", NULL, "CN=other", refused);
	wrong("expired", NULL, "expired", refused);
	wrong("revoked", strict_crl, "revoked", refused);
	wrong("a2048", strict_without, "CRL", refused);
	wrong("a2048", another_key, "signature", refused);
	wrong("a2048", another_name, "c.example", refused);
	wrong("a2048", another_peer_id, "expected c.example", refused);
	wrong("a2048", pinned_other, "peer_cert = self", refused);
	wrong("a2048", wants_psk, "authenticates by certificate", refused);
	wrong("a2048", no_key, "", "private key of our certificate is not here");
}

static void pinned(void)
{
	struct sim s;

	begin(&s);
	usual(&s, "self", "b2048");
	trusts(1, "self");
	strcpy(cb.peer.peer_cert, "self");
	cb.peer.peer_id = fqdn("whoever");
	ca.peer.local_id = fqdn("whoever");
	trusts(0, "b2048");
	strcpy(ca.peer.peer_cert, "b2048");
	go(&s, 5000);
	CHECK_UP(&s, 1);
	finish(&s);
}

/* One side by certificate, the other by PSK. */
static void asymmetric(void)
{
	for (int who = 0; who < 2; who++) {
		struct sim s;

		begin(&s);
		usual(&s, "a256", "b256");
		(who ? &ca : &cb)->peer.auth = AUTH_BY_PSK;
		(who ? &cb : &ca)->peer.peer_auth = AUTH_BY_PSK;
		go(&s, 5000);
		CHECK_UP(&s, 1);
		finish(&s);
	}
}

static void count_up(void *arg, const struct peer_status *st)
{
	if (st->state == PEER_UP)
		strcat(arg, st->conf->name);
}

/* Peers at one address, none with a peer_id, told apart by whose certificate it is: p1 is for
 * the address, but pinned; p2 and p3 are for anyone, by one CA and by the other. */
static void told_apart(void)
{
	static const struct {
		const char *cert, *is;
	} t[] = { { "a2048", "p3" }, { "stranger", "p2" }, { "self", "p1" } };

	for (size_t i = 0; i < 3; i++) {
		char up[64] = "";
		struct sim s;

		begin(&s);
		usual(&s, t[i].cert, "b2048");
		trusts(1, "self");
		trust_pin(sim_trust[1], "self", true);
		trusts(1, "other");
		for (int k = 1; k <= 3; k++) {
			cb.peer.remote_any = k > 1;
			cb.peer.n_gateways = 1;
			cb.peer.gateways[0].kind = k > 1 ? GATEWAY_ANY : GATEWAY_ADDR;
			cb.peer.gateways[0].net = (struct prefix){ s.side[0].addr, 32 };
			snprintf(cb.peer.name, sizeof(cb.peer.name), "p%d", k);
			strcpy(cb.children[0].name, cb.peer.name);
			strcpy(cb.peer.peer_cert, k == 1 ? "self" : "");
			cb.peer.n_ca = k > 1;
			strcpy(cb.peer.ca[0], k == 2 ? "other" : "root");
			sim_set(&s, 1, &cb);
		}
		sim_set(&s, 0, &ca);
		sim_run(&s, 5000);
		CHECK_SIM(&s);
		engine_status(s.side[1].e, NULL, count_up, up);
		CHECK_STR(up, t[i].is);
		finish(&s);
	}
}

/* Certificates change while the tunnel stands: who may stay stays, without losing a packet, and
 * who is revoked goes; whether its address
 * is in the settings or not. */
static void revoked_later(void)
{
	static const struct {
		const char *cert;
		bool open, stays;
	} t[] = { { "revoked", false, false }, { "revoked", true, false },
		  { "a256", false, true }, { "a256", true, true } };

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct err e = { 0 };
		struct sim s;

		begin(&s);
		usual(&s, t[i].cert, "b256");
		if (t[i].open) {
			cb.peer.remote_any = true;
			cb.peer.n_gateways = 1;
			cb.peer.gateways[0].kind = GATEWAY_ANY;
			memset(&cb.peer.remote_gateway, 0, sizeof(cb.peer.remote_gateway));
		}
		s.watch = true;
		go(&s, 5000);
		CHECK_UP(&s, 1);
		CHECK(trust_set(sim_trust[1], "root", PKI_CRL, pki_load("root", ".crl"), &e) == 0);
		engine_pki_changed(s.side[1].e, "root", PKI_CRL, false);
		if (!t[i].stays)
			s.watch = false;
		sim_run(&s, 75000);
		CHECK_SIM(&s);
		CHECK_INT(sim_count(&s.side[1]), t[i].stays);
		CHECK_INT(s.side[1].downs, !t[i].stays);
		CHECK(s.side[1].events[ENGINE_ESTABLISHED] == 1u + t[i].stays);
		if (!t[i].stays)
			CHECK(sim_logged(&s, "revoked"));
		/* What does not concern a peer touches nothing. */
		engine_pki_changed(s.side[0].e, "another", PKI_CERT, false);
		sim_run(&s, 75000);
		CHECK(s.side[0].events[ENGINE_ESTABLISHED] <= 2);
		finish(&s);
	}
}

/* ---- fragments ---- */

static size_t longest[2];
static unsigned pieces[2], seen[2];

static bool measure(struct sim *s, int from, const uint8_t *msg, size_t len)
{
	(void)s;
	if (len > longest[from])
		longest[from] = len;
	pieces[from] += len > 28 && msg[16] == PAYLOAD_SKF;
	seen[from]++;
	return true;
}

static void measured(struct sim *s)
{
	memset(longest, 0, sizeof(longest));
	memset(pieces, 0, sizeof(pieces));
	memset(seen, 0, sizeof(seen));
	s->filter = measure;
}

static void fragment_sizes(void)
{
	static const struct {
		uint16_t size;
		uint8_t how;
		size_t most;
		bool cut;
	} t[] = {
		{ 0, FRAGMENT_YES, 1280 - 28, true },
		{ 0, FRAGMENT_FORCE, 576 - 28, true },
		{ 900, FRAGMENT_YES, 900 - 28, true },
		{ 0, FRAGMENT_NO, 8000, false },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct sim s;

		begin(&s);
		usual(&s, "a4096", "b4096");
		ca.peer.fragmentation = cb.peer.fragmentation = t[i].how;
		ca.peer.fragment_size = cb.peer.fragment_size = t[i].size;
		measured(&s);
		go(&s, 5000);
		CHECK_UP(&s, 1);
		for (int n = 0; n < 2; n++) {
			CHECK(longest[n] <= t[i].most);
			CHECK(longest[n] > t[i].most - 60 || !t[i].cut);
			CHECK(pieces[n] > 2 || !t[i].cut);
			CHECK(!pieces[n] || t[i].cut);
		}
		finish(&s);
	}
}

/* One side that does not want them: nobody cuts. */
static void not_negotiated(void)
{
	for (int who = 0; who < 2; who++) {
		struct sim s;

		begin(&s);
		usual(&s, "a4096", "b4096");
		(who ? &cb : &ca)->peer.fragmentation = FRAGMENT_NO;
		measured(&s);
		go(&s, 5000);
		CHECK_UP(&s, 1);
		CHECK_INT(pieces[0] + pieces[1], 0);
		finish(&s);
	}
}

static void bad_network(void)
{
	for (unsigned seed = 1; seed <= 25; seed++) {
		struct sim s;

		begin(&s);
		rng_virtual_seed(seed);
		s.loss = 12;
		s.dup = 20;
		s.reorder = 40;
		usual(&s, "a4096", "b4096");
		ca.peer.fragmentation = FRAGMENT_FORCE;
		go(&s, 120000);
		s.loss = s.dup = s.reorder = 0;
		sim_run(&s, 120000);
		CHECK_SIM(&s);
		CHECK_STR(peer_state_name(sim_state(&s, 0)), "up");
		CHECK(sim_matched(&s));
		finish(&s);
	}
}

/* Of each message that a sends only the first piece comes. */
static bool first_only(struct sim *s, int from, const uint8_t *msg, size_t len)
{
	(void)s;
	return len < 36 || from == 1 || msg[16] != PAYLOAD_SKF || msg[33] == 1;
}

/* What is never finished takes little memory, and gives it back. */
static void unfinished(void)
{
	struct sim s;

	begin(&s);
	usual(&s, "a4096", "b4096");
	s.filter = first_only;
	go(&s, 3000);
	CHECK(s.side[1].e->fragment_bytes > 400);
	CHECK(s.side[1].e->fragment_bytes < 1280);
	sim_run(&s, 60000);
	CHECK(s.side[1].e->fragment_bytes < 1280);
	CHECK_INT(s.side[1].events[ENGINE_ESTABLISHED], 0);
	s.filter = NULL;
	sim_run(&s, 90000);
	CHECK_UP(&s, 1);
	CHECK_INT(s.side[1].e->fragment_bytes, 0);
	finish(&s);
}

/* A path that carries no more than 576 bytes in one packet. */
static bool narrow(struct sim *s, int from, const uint8_t *msg, size_t len)
{
	measure(s, from, msg, len);
	return len <= 576 - 28;
}

static void narrow_path(void)
{
	struct sim s;

	begin(&s);
	usual(&s, "a4096", "b4096");
	measured(&s);
	s.filter = narrow;
	go(&s, 15000);
	/* The first two sendings of each side got lost, the third got through. */
	CHECK_UP(&s, 1);
	CHECK(sim_status(&s, 0)->st.tries <= 1);
	finish(&s);
	/* Told a size, it is kept, whatever is lost. */
	begin(&s);
	usual(&s, "a4096", "b4096");
	ca.peer.fragment_size = cb.peer.fragment_size = 1000;
	s.filter = narrow;
	go(&s, 15000);
	CHECK_INT(sim_count(&s.side[0]), 0);
	finish(&s);
}

/* ---- post-quantum keys ---- */

static void ppk(const char *id_a, const char *key_a, bool must_a, const char *id_b,
		const char *key_b, bool must_b, bool up, const char *by_a, const char *by_b)
{
	struct sim s;

	begin(&s);
	usual(&s, "a256", "b256");
	for (int psk = 0; psk < 2; psk++) {
		if (psk) {
			ca.peer.auth = ca.peer.peer_auth = AUTH_BY_PSK;
			cb.peer.auth = cb.peer.peer_auth = AUTH_BY_PSK;
		}
		strcpy(ca.peer.ppk_id, id_a);
		strcpy(cb.peer.ppk_id, id_b);
		ppk_of[0] = key_a;
		ppk_of[1] = key_b;
		ca.peer.ppk_required = must_a;
		cb.peer.ppk_required = must_b;
		go(&s, 8000);
		if (up)
			CHECK_UP(&s, 1);
		else
			CHECK_INT(sim_count(&s.side[0]) + sim_count(&s.side[1]), 0);
		if (!strstr(sim_status(&s, 0)->failure, by_a) ||
		    !strstr(sim_status(&s, 1)->failure, by_b))
			printf("    a: %s\n    b: %s\n", sim_status(&s, 0)->failure,
			       sim_status(&s, 1)->failure);
		CHECK(strstr(sim_status(&s, 0)->failure, by_a));
		CHECK(strstr(sim_status(&s, 1)->failure, by_b));
	}
	finish(&s);
}

static void post_quantum(void)
{
	ppk("k1", "one key", true, "k1", "one key", true, true, "", "");
	ppk("k1", "one key", false, "k1", "one key", false, true, "", "");
	/* The other side has none: without, where both may. */
	ppk("k1", "one key", false, "", NULL, false, true, "", "");
	ppk("", NULL, false, "k1", "one key", false, true, "", "");
	ppk("k1", "one key", false, "k2", "one key", false, true, "", "");
	ppk("k1", "one key", false, "k1", NULL, false, true, "", "");
	/* … and not where one must. */
	ppk("k1", "one key", true, "", NULL, false, false, "does not use a post-quantum key", "");
	ppk("", NULL, false, "k1", "one key", true, false, "", "requires it");
	ppk("k1", "one key", true, "k2", "one key", false, false, "", "ppk_id");
	ppk("k1", "one key", false, "k2", "one key", true, false, "", "requires it");
	/* Another key by the same name. */
	ppk("k1", "one key", true, "k1", "another", true, false, "", "post-quantum key");
	ppk("k1", NULL, true, "k1", "one key", true, false, "no post-quantum key is stored", "");
}

int main(void)
{
	T_RUN(every_key);
	T_RUN(old_methods);
	T_RUN(ids_and_names);
	T_RUN(refusals);
	T_RUN(pinned);
	T_RUN(asymmetric);
	T_RUN(told_apart);
	T_RUN(revoked_later);
	T_RUN(fragment_sizes);
	T_RUN(not_negotiated);
	T_RUN(bad_network);
	T_RUN(unfinished);
	T_RUN(narrow_path);
	T_RUN(post_quantum);
	return t_done();
}
