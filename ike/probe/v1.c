/* v1: what an IKEv1 responder takes: Main Mode with the usual transforms, its choice taken away
 * and asked again; then one message of Aggressive Mode (RFC 2408, RFC 2409). */
#include "ike/probe/probe.h"

#include "core/base/rng.h"
#include "core/base/wr.h"
#include "core/crypto/crypto.h"
#include "ike/wire/ike.h"

#include <stdio.h>
#include <string.h>

enum { V1_SA = 1, V1_KE = 4, V1_ID = 5, V1_NONCE = 10, V1_NOTIFY = 11, V1_VENDOR = 13 };
enum { V1_MAIN = 2, V1_AGGRESSIVE = 4, V1_INFORMATIONAL = 5 };
/* RFC 2409 Appendix A. */
enum { ATTR_ENCR = 1, ATTR_HASH = 2, ATTR_AUTH = 3, ATTR_GROUP = 4, ATTR_LIFE_TYPE = 11,
	ATTR_LIFE = 12, ATTR_KEY_BITS = 14 };
enum { AUTH_V1_PSK = 1, AUTH_V1_RSA = 3 };
#define V1_TRANSFORMS_MAX 48

struct v1_transform {
	uint8_t encr, hash, auth, group;
	uint16_t bits;
};

struct v1_offer {
	unsigned n;
	struct v1_transform t[V1_TRANSFORMS_MAX];
};

static const struct {
	uint8_t v1;
	uint16_t encr, bits;
} ciphers[] = {
	{ 7, ENCR_AES_CBC, 256 }, { 7, ENCR_AES_CBC, 128 }, { 7, ENCR_AES_CBC, 192 },
	{ 5, ENCR_3DES, 0 }, { 1, ENCR_DES, 0 },
};
static const struct {
	uint8_t v1;
	uint16_t integ, prf;
} hashes[] = {
	{ 4, INTEG_HMAC_SHA2_256_128, PRF_HMAC_SHA2_256 }, { 2, INTEG_HMAC_SHA1_96, PRF_HMAC_SHA1 },
	{ 5, INTEG_HMAC_SHA2_384_192, PRF_HMAC_SHA2_384 },
	{ 6, INTEG_HMAC_SHA2_512_256, PRF_HMAC_SHA2_512 }, { 1, INTEG_HMAC_MD5_96, PRF_HMAC_MD5 },
};

/* ---- out ---- */

static void attribute(struct wr *w, uint16_t type, uint16_t value)
{
	wr_u16(w, 0x8000 | type);
	wr_u16(w, value);
}

static void transform(struct wr *w, const struct v1_transform *t, unsigned number, bool last)
{
	size_t at = wr_mark(w);

	wr_u8(w, last ? 0 : 3);
	wr_u8(w, 0);
	wr_u16(w, 0);
	wr_u8(w, (uint8_t)number);
	wr_u8(w, 1);			/* KEY_IKE */
	wr_u16(w, 0);
	attribute(w, ATTR_ENCR, t->encr);
	if (t->bits)
		attribute(w, ATTR_KEY_BITS, t->bits);
	attribute(w, ATTR_HASH, t->hash);
	attribute(w, ATTR_AUTH, t->auth);
	attribute(w, ATTR_GROUP, t->group);
	attribute(w, ATTR_LIFE_TYPE, 1);
	attribute(w, ATTR_LIFE, 28800);
	wr_patch_u16(w, at + 2, (uint16_t)(wr_mark(w) - at));
}

static void payload(struct wr *w, uint8_t next, const void *body, size_t len)
{
	wr_u8(w, next);
	wr_u8(w, 0);
	wr_u16(w, (uint16_t)(len + 4));
	wr_bytes(w, body, len);
}

static void offer(struct wr *w, uint8_t next, const struct v1_offer *o)
{
	size_t sa = wr_mark(w), proposal;

	wr_u8(w, next);
	wr_u8(w, 0);
	wr_u16(w, 0);
	wr_u32(w, 1);			/* DOI: IPsec */
	wr_u32(w, 1);			/* SIT_IDENTITY_ONLY */
	proposal = wr_mark(w);
	wr_u8(w, 0);
	wr_u8(w, 0);
	wr_u16(w, 0);
	wr_u8(w, 1);
	wr_u8(w, PROTO_IKE);
	wr_u8(w, 0);
	wr_u8(w, (uint8_t)o->n);
	for (unsigned i = 0; i < o->n; i++)
		transform(w, &o->t[i], i + 1, i + 1 == o->n);
	wr_patch_u16(w, proposal + 2, (uint16_t)(wr_mark(w) - proposal));
	wr_patch_u16(w, sa + 2, (uint16_t)(wr_mark(w) - sa));
}

/* What we could do, so that the responder says what it can. */
static const uint8_t vid_natt[] = { 0x4a, 0x13, 0x1c, 0x81, 0x07, 0x03, 0x58, 0x45,
	0x5c, 0x57, 0x28, 0xf2, 0x0e, 0x95, 0x45, 0x2f };
static const uint8_t vid_dpd[] = { 0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1, 0xf1, 0xc9,
	0x6b, 0x86, 0x96, 0xfc, 0x77, 0x57, 0x01, 0x00 };

static struct wr begin(uint8_t buf[PROBE_MSG_MAX], uint8_t exchange)
{
	struct wr w = wr_init(buf, PROBE_MSG_MAX);
	struct ike_hdr h = { .spi_i = rng_u64() | 1, .next = V1_SA, .version = 0x10,
			     .exchange = exchange };

	ike_hdr_write(&w, &h);
	return w;
}

static size_t finish(struct wr *w)
{
	wr_patch_u32(w, 24, (uint32_t)w->len);
	return wr_ok(w) ? w->len : 0;
}

static size_t main_mode(const struct v1_offer *o, uint8_t buf[PROBE_MSG_MAX])
{
	struct wr w = begin(buf, V1_MAIN);

	offer(&w, V1_VENDOR, o);
	payload(&w, V1_VENDOR, vid_natt, sizeof(vid_natt));
	payload(&w, 0, vid_dpd, sizeof(vid_dpd));
	return finish(&w);
}

static size_t aggressive_mode(struct probe *p, const struct v1_offer *o, struct slice pub,
			      uint8_t buf[PROBE_MSG_MAX])
{
	struct wr w = begin(buf, V1_AGGRESSIVE);
	uint8_t nonce[32], id[4 + 16] = { p->local.addr.family == AF_INET ? 1 : 5, 17, 500 >> 8,
					  500 & 0xff };
	size_t n = addr_len(&p->local.addr);

	rng_bytes(nonce, sizeof(nonce));
	memcpy(id + 4, p->local.addr.b, n);
	offer(&w, V1_KE, o);
	payload(&w, V1_NONCE, pub.p, pub.len);
	payload(&w, V1_ID, nonce, sizeof(nonce));
	payload(&w, 0, id, 4 + n);
	return finish(&w);
}

/* ---- in ---- */

static bool to_suite(const struct v1_transform *t, struct suite *s)
{
	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++)
		if (ciphers[i].v1 == t->encr && ciphers[i].bits == t->bits)
			s->encr[s->n_encr++] = (struct transform){ ciphers[i].encr, ciphers[i].bits };
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
		if (hashes[i].v1 == t->hash) {
			s->integ[s->n_integ++] = hashes[i].integ;
			s->prf[s->n_prf++] = hashes[i].prf;
		}
	if (alg_get(ALG_KE, t->group, 0))
		s->ke[s->n_ke++] = t->group;
	return s->n_encr && s->n_integ && s->n_ke;
}

static bool chosen(struct rd r, struct v1_transform *t)
{
	struct rd body;
	uint16_t len;

	rd_skip(&r, 8);			/* DOI, situation */
	rd_skip(&r, 6);			/* the proposal's head, up to its SPI size */
	rd_skip(&r, rd_u8(&r));
	/* Its number of transforms stands before the SPI. */
	rd_skip(&r, 1);
	if (!rd_ok(&r))
		return false;
	rd_skip(&r, 2);
	len = rd_u16(&r);
	if (len < 8)
		return false;
	body = rd_child(&r, len - 4u);
	rd_skip(&body, 4);
	*t = (struct v1_transform){ 0 };
	while (rd_ok(&body) && body.left >= 4) {
		uint16_t type = rd_u16(&body), value = rd_u16(&body);

		if (!(type & 0x8000)) {
			rd_skip(&body, value);
			continue;
		}
		switch (type & 0x7fff) {
		case ATTR_ENCR: t->encr = (uint8_t)value; break;
		case ATTR_HASH: t->hash = (uint8_t)value; break;
		case ATTR_AUTH: t->auth = (uint8_t)value; break;
		case ATTR_GROUP: t->group = (uint8_t)value; break;
		case ATTR_KEY_BITS: t->bits = value; break;
		}
	}
	return rd_ok(&body);
}

static enum probe_says notified(struct probe *p, struct rd r)
{
	uint16_t type;

	rd_skip(&r, 6);			/* DOI, protocol, SPI size */
	type = rd_u16(&r);
	if (!rd_ok(&r))
		return SAYS_OTHER;
	if (type == N_NO_PROPOSAL_CHOSEN)
		return SAYS_NO;
	snprintf(p->v1.refusal, sizeof(p->v1.refusal), "%s", ike_notify_name(type));
	return SAYS_OTHER;
}

enum probe_says probe_v1_parse(struct probe *p, const uint8_t *msg, size_t len, struct suite *s,
			       bool *rsa)
{
	enum probe_says says = SAYS_OTHER;
	struct v1_transform t;
	struct ike_hdr h;
	struct rd r;
	uint8_t next;

	if (ike_hdr_parse(msg, len, &h, NULL) < 0 || ike_hdr_major(&h) != 1 || (h.flags & 1))
		return SAYS_OTHER;
	r = rd_init(msg + IKE_HDR_LEN, len - IKE_HDR_LEN);
	for (next = h.next; next && rd_ok(&r); ) {
		uint8_t type = next;
		struct rd body;
		uint16_t n;

		next = rd_u8(&r);
		rd_skip(&r, 1);
		n = rd_u16(&r);
		if (n < 4)
			return says;
		body = rd_child(&r, n - 4u);
		if (!rd_ok(&body))
			return says;
		if (type == V1_SA && chosen(body, &t) && to_suite(&t, s)) {
			*rsa = t.auth == AUTH_V1_RSA;
			says = SAYS_YES;
		} else if (type == V1_NOTIFY && h.exchange == V1_INFORMATIONAL) {
			says = notified(p, body);
		} else if (type == V1_VENDOR) {
			probe_vendor(p, rd_rest(&body));
		}
	}
	return says;
}

/* ---- the search ---- */

static void add(struct v1_offer *o, size_t cipher, size_t hash_at, uint8_t auth, uint8_t group)
{
	if (o->n < V1_TRANSFORMS_MAX)
		o->t[o->n++] = (struct v1_transform){ ciphers[cipher].v1, hashes[hash_at].v1, auth,
						      group, ciphers[cipher].bits };
}

/* The usual ones first; then the newer and the oldest; then with signatures. */
static void fill(struct v1_offer *o, int round)
{
	static const uint8_t usual[] = { KE_MODP_2048, KE_MODP_1024, KE_MODP_1536 };
	static const uint8_t newer[] = { KE_ECP_256, KE_ECP_384, KE_MODP_3072, KE_MODP_4096 };

	o->n = 0;
	if (round == 0 || round == 2)
		for (size_t c = 0; c < 4; c++)
			for (size_t h = 0; h < 2; h++)
				for (size_t g = 0; g < sizeof(usual); g++)
					add(o, c, h, round ? AUTH_V1_RSA : AUTH_V1_PSK, usual[g]);
	if (round != 1)
		return;
	for (size_t c = 0; c < 2; c++)
		for (size_t h = 0; h < 4; h++)
			for (size_t g = 0; g < sizeof(newer); g++)
				add(o, c, h, AUTH_V1_PSK, newer[g]);
	for (size_t g = 0; g < sizeof(usual); g++) {
		add(o, 0, 4, AUTH_V1_PSK, usual[g]);
		add(o, 3, 4, AUTH_V1_PSK, usual[g]);
		add(o, 4, 4, AUTH_V1_PSK, usual[g]);
	}
}

static bool is(const struct v1_transform *t, const struct suite *s, bool rsa)
{
	struct suite other;

	return to_suite(t, &other) && memcmp(&other, s, sizeof(other)) == 0 &&
	       (t->auth == AUTH_V1_RSA) == rsa;
}

static enum probe_says ask_main(struct probe *p, const struct v1_offer *o, unsigned tries,
				struct suite *s, bool *rsa)
{
	uint8_t msg[PROBE_MSG_MAX], buf[PROBE_MSG_MAX];
	size_t n, len = main_mode(o, msg);

	n = len ? probe_ask(p, false, msg, len, tries, buf) : 0;
	if (!n)
		return SAYS_NOTHING;
	if (buf[17] >> 4 == 1)
		p->v1.answers = true;
	return probe_v1_parse(p, buf, n, s, rsa);
}

/* False when it does not answer at all. */
static bool search(struct probe *p, int round)
{
	struct probe_v1 *v = &p->v1;
	struct v1_offer o;

	fill(&o, round);
	while (v->n < PROBE_V1_MAX && o.n) {
		struct suite s;
		bool rsa;
		unsigned left = 0;
		enum probe_says says = ask_main(p, &o, v->answers ? 1 : PROBE_TRIES, &s, &rsa);

		if (says != SAYS_YES)
			return says != SAYS_NOTHING;
		v->suite[v->n] = s;
		v->rsa[v->n++] = rsa;
		for (unsigned i = 0; i < o.n; i++)
			if (!is(&o.t[i], &s, rsa))
				o.t[left++] = o.t[i];
		o.n = left;
	}
	return true;
}

/* One message, with what it takes, or with what most old boxes do. */
static void aggressive(struct probe *p)
{
	struct probe_v1 *v = &p->v1;
	uint16_t group = v->n ? v->suite[0].ke[0] : KE_MODP_1024;
	struct ke *ke = ke_new(group, NULL);
	uint8_t msg[PROBE_MSG_MAX], buf[PROBE_MSG_MAX];
	struct v1_offer o = { 0 };
	struct suite s;
	bool rsa;
	size_t n, len;

	if (!ke)
		return;
	for (size_t c = 0; c < 4; c++)
		for (size_t h = 0; h < 5; h++)
			add(&o, c, h, AUTH_V1_PSK, (uint8_t)group);
	len = aggressive_mode(p, &o, ke_public(ke), msg);
	n = len ? probe_ask(p, false, msg, len, 1, buf) : 0;
	v->aggressive = n && buf[18] == V1_AGGRESSIVE &&
			probe_v1_parse(p, buf, n, &s, &rsa) == SAYS_YES;
	ke_free(ke);
}

void probe_v1(struct probe *p)
{
	if (!search(p, 0))
		return;
	for (int round = 1; round < 3 && !p->v1.n; round++)
		search(p, round);
	aggressive(p);
}
