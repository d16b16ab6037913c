/* Everything that can be asked of a received message, asked: for captures and for fuzzing.
 * Returns how many payloads were well-formed. */
#ifndef ADIT_TESTS_WIRE_DECODE_H
#define ADIT_TESTS_WIRE_DECODE_H

#include "ike/wire/build.h"
#include "ike/wire/id.h"
#include "ike/wire/payload.h"
#include "ike/wire/proposal.h"
#include "ike/wire/ts.h"

#include <stdlib.h>
#include <string.h>

#define DECODE_CHECK(cond) do { if (!(cond)) abort(); } while (0)

/* What was understood without rest must come back the same after being built again. */
static inline void decode_sa_again(const struct sa_payload *sa)
{
	static struct sa_payload again;
	static uint8_t buf[70000];
	struct build b;
	size_t len;

	for (uint8_t i = 0; i < sa->n; i++) {
		uint8_t l = sa->p[i].spi_len;

		if (l != 0 && l != 4 && l != 8)
			return;
		for (uint8_t k = 0; k < sa->p[i].n; k++)
			if (sa->p[i].t[k].unusable)
				return;
	}
	build_chain_begin(&b, buf, sizeof(buf));
	build_sa(&b, sa);
	DECODE_CHECK(build_chain_end(&b, &len, NULL) == 0);
	DECODE_CHECK(payload_sa((struct slice){ buf + 5, len - 4 }, &again, NULL) == 0);
	DECODE_CHECK(again.n == sa->n);
	for (uint8_t i = 0; i < sa->n; i++) {
		const struct proposal *p = &sa->p[i], *q = &again.p[i];

		DECODE_CHECK(p->number == q->number && p->protocol == q->protocol &&
			     p->spi == q->spi && p->n == q->n);
		for (uint8_t k = 0; k < p->n; k++)
			DECODE_CHECK(p->t[k].type == q->t[k].type && p->t[k].id == q->t[k].id &&
				     p->t[k].key_bits == q->t[k].key_bits);
	}
}

static inline void decode_choose(const struct sa_payload *sa, const struct suite_list *ours,
				 const struct proposal_want *want)
{
	static struct sa_payload offer, answer;
	struct chosen c, v;
	char text[400];

	proposal_offer(ours, want, &offer);
	/* As if it were an answer, and as an offer. */
	(void)!proposal_verify(sa, &offer, want, &v, NULL);
	proposal_compare(ours, sa, want, text, sizeof(text));
	DECODE_CHECK(strlen(text) < sizeof(text));
	if (proposal_choose(sa, ours, want, &c, NULL) < 0)
		return;
	proposal_answer(&c, 0xcafecafe, &answer);
	if (!want->ke)
		return;		/* groups in IKE_AUTH are left out of the answer */
	DECODE_CHECK(proposal_verify(&answer, sa, want, &v, NULL) == 0);
	DECODE_CHECK(v.encr == c.encr && v.integ == c.integ && v.prf == c.prf && v.ke == c.ke);
	DECODE_CHECK(alg_get(ALG_ENCR, c.encr, c.encr_bits));
	chosen_str(&c, text, sizeof(text));
}

static inline bool decode_sa(struct slice body)
{
	static struct suite_list ike, esp;
	static struct sa_payload sa;
	struct proposal_want want = { .protocol = PROTO_IKE, .ke = true };
	char text[200];

	if (payload_sa(body, &sa, NULL) < 0)
		return false;
	if (!ike.n && (suite_parse(SUITE_IKE, "aes256gcm16-sha384-ecp384,aes128-sha1-modp1024",
				   &ike, NULL) < 0 ||
		       suite_parse(SUITE_ESP, "aes256gcm16-ecp384,aes128-sha1", &esp, NULL) < 0))
		abort();
	proposal_str(&sa, text, sizeof(text));
	decode_sa_again(&sa);
	decode_choose(&sa, &ike, &want);
	want.spi_len = 8;
	decode_choose(&sa, &ike, &want);
	want = (struct proposal_want){ .protocol = PROTO_ESP, .spi_len = 4, .ke = true,
				       .esn = WANT_ESN_NO | WANT_ESN_YES };
	decode_choose(&sa, &esp, &want);
	want.ke = false;
	want.esn = WANT_ESN_NO;
	decode_choose(&sa, &esp, &want);
	(void)proposal_first_ke(&sa);
	(void)proposal_offers_ke(&sa, KE_ECP_384);
	return true;
}

static inline bool decode_ts(struct slice body)
{
	static struct ts_list ts, oi, or_;
	struct prefix nets[3];
	char text[400];
	enum ts_fit fit;

	if (payload_ts(body, &ts, NULL) < 0)
		return false;
	nets[0] = (struct prefix){ .addr = addr_v4(0x0a000000), .len = 8 };
	nets[1] = (struct prefix){ .addr = addr_v4(0xc0a80000), .len = 16 };
	nets[2] = (struct prefix){ .addr = { .family = AF_INET6 }, .len = 0 };
	ts_str(&ts, text, sizeof(text));
	fit = ts_narrow(&ts, &ts, nets, 3, nets, 3, &oi, &or_);
	if (fit != TS_NONE) {
		DECODE_CHECK(oi.n && oi.n <= SA_SELECTORS_MAX && or_.n <= SA_SELECTORS_MAX);
		/* What is narrowed lies within what was asked for. */
		DECODE_CHECK(ts_check(&ts, &oi, NULL) == 0 && ts_check(&ts, &or_, NULL) == 0);
	}
	if (fit == TS_EXACT)
		DECODE_CHECK(ts_same(&ts, &oi));
	ts_compare(&oi, &or_, &ts, &ts, text, sizeof(text));
	return true;
}

static inline bool decode_id(struct slice body)
{
	struct ike_id id;
	char text[ID_TEXT_MAX];

	if (payload_id(body, &id, NULL) < 0)
		return false;
	DECODE_CHECK(id.type != ID_NONE && id.len <= ID_MAX && id_equal(&id, &id));
	for (const char *c = id_str(&id, text, sizeof(text)); *c; c++)
		DECODE_CHECK(*c >= 0x20 && *c < 0x7f);
	return true;
}

static inline bool decode_payload(const struct payload *p)
{
	struct ke_payload ke;
	struct auth_payload au;
	struct cert_payload ce;
	struct delete_payload d;
	struct notify n;
	struct slice s;

	switch ((enum ike_payload)p->type) {
	case PAYLOAD_SA: return decode_sa(p->body);
	case PAYLOAD_KE: return payload_ke(p->body, &ke, NULL) == 0;
	case PAYLOAD_IDI:
	case PAYLOAD_IDR: return decode_id(p->body);
	case PAYLOAD_CERT:
	case PAYLOAD_CERTREQ: return payload_cert(p->body, &ce, NULL) == 0;
	case PAYLOAD_AUTH: return payload_auth(p->body, &au, NULL) == 0;
	case PAYLOAD_NONCE: return payload_nonce(p->body, &s, NULL) == 0;
	case PAYLOAD_NOTIFY:
		if (payload_notify(p->body, &n, NULL) < 0)
			return false;
		(void)notify_ke_group(&n);
		return *ike_notify_name(n.type) && *ike_notify_words(n.type);
	case PAYLOAD_DELETE: return payload_delete(p->body, &d, NULL) == 0;
	case PAYLOAD_TSI:
	case PAYLOAD_TSR: return decode_ts(p->body);
	case PAYLOAD_VENDOR:
	case PAYLOAD_CP:
	case PAYLOAD_EAP: return true;
	case PAYLOAD_NONE:
	case PAYLOAD_SK:
	case PAYLOAD_SKF: break;
	}
	abort();	/* ike_msg_parse() lets none of these into the list */
}

static inline unsigned decode_all(const struct ike_msg *m)
{
	struct notify n;
	char text[300];
	unsigned good = 0;

	ike_msg_str(m, text, sizeof(text));
	for (uint8_t i = 0; i < m->n; i++)
		good += decode_payload(&m->p[i]);
	(void)ike_msg_error(m, &n);
	(void)ike_msg_notify(m, N_COOKIE, &n);
	return good;
}

#endif
