/* child: a child is agreed on (RFC 7296 §1.3, §2.9, §2.17). Which exchange carries the
 * negotiation does not matter here.
 *
 * Make before break (§2.8): the responder of a rekey installs the new pair but sends on
 * it only when the old one is deleted, or something was received on the new; its answer
 * leaves when the dataplane has the pair. The initiator installs, then deletes the old
 * one. Old inbound halves linger for what is still under way.
 */
#include "ike/v2/v2.h"

#include "ike/engine/negotiation.h"

#include "core/base/clock.h"
#include "core/base/secret.h"

#define RELEASE_MS 5000
#define IPCOMP_DEFLATE 2	/* §2.22 */

struct proposal_want child_want(const struct ike_sa *sa, uint8_t slot, bool pfs_round,
				uint32_t spi)
{
	return (struct proposal_want){
		.protocol = slot_conf(sa->peer, slot)->ah ? PROTO_AH : PROTO_ESP, .spi_len = 4,
		.spi = spi, .ke = pfs_round,
		.esn = WANT_ESN_NO | (sa->e->can.esn ? WANT_ESN_YES : 0),
	};
}

void child_offer_of(const struct ike_sa *sa, uint8_t slot, bool pfs_round, uint32_t spi,
		    struct sa_payload *out)
{
	struct proposal_want want = child_want(sa, slot, pfs_round, spi);
	struct suite_list room;

	proposal_offer(slot_suites(slot_conf(sa->peer, slot), &room), &want, out);
}

/* The keys, and the rest. */
static struct child *make(struct ike_sa *sa, const struct child_offer *of,
			  struct slice shared, struct child_made *m, struct err *e)
{
	uint8_t lowest[NONCE_CMP];
	struct sa_key in = { 0 }, out = { 0 };
	struct child *c = NULL;

	nonce_min(of->ni, of->nr, lowest);
	m->nonce_min = lowest;
	m->in = &in;
	m->out = &out;
	if (keymat_child(v2(sa)->keys, m->esp, of->ni, of->nr, shared, m->initiator, &in,
			 &out, e) == 0)
		c = child_make(sa, m, e);
	m->nonce_min = NULL;
	m->in = m->out = NULL;
	secret_wipe(&in, sizeof(in));
	secret_wipe(&out, sizeof(out));
	return c;
}

/* ---- the responder's part ---- */

static void no_proposal(struct ike_sa *sa, const struct child_offer *of, uint8_t slot,
			const struct sa_payload *offer)
{
	struct negotiation *n = negotiation_child(sa, slot, false, of->old != NULL,
						  NEG_PROPOSAL);

	negotiation_offer(&n->esp_theirs, offer);
	if (!of->pfs_round)
		negotiation_without_ke(n);
}

/* Algorithms and, with PFS, our half of the key exchange. -1: an->error is set. */
static int choose_esp(struct ike_sa *sa, const struct child_offer *of, uint8_t slot,
		      struct child_answer *an, uint8_t shared[KE_SHARED_MAX], size_t *len)
{
	struct proposal_want want = child_want(sa, slot, of->pfs_round, 0);
	struct suite_list room;
	struct sa_payload offer;
	struct err err = { 0 };

	*len = 0;
	want.ke_sent = of->ke.group;
	if (payload_sa(of->sa, &offer, &err) < 0) {
		an->error = N_INVALID_SYNTAX;
		return -1;
	}
	if (proposal_choose(&offer, slot_suites(slot_conf(sa->peer, slot), &room), &want, &an->esp,
			    &err) < 0) {
		an->error = N_NO_PROPOSAL_CHOSEN;
		no_proposal(sa, of, slot, &offer);
		slot_fail(sa->peer, slot, "no common %s proposal: %s",
			  ike_protocol_name(want.protocol), err.msg);
		return -1;
	}
	if (an->esp.ke == KE_NONE)
		return 0;
	if (!proposal_ke_fits(&an->esp, of->ke.group)) {
		an->error = N_INVALID_KE_PAYLOAD;
		an->ke_group = an->esp.ke;
		return -1;
	}
	an->ke = ke_new(an->esp.ke, &err);
	if (!an->ke || ke_shared(an->ke, of->ke.data, shared, len, &err) < 0) {
		an->error = N_INVALID_SYNTAX;
		log_warning(sa->peer->conf.name, "key exchange refused: %s", err.msg);
		return -1;
	}
	return 0;
}

/* §2.23.1: of transport mode the addresses are those of the two ends, and a NAT shows each end
 * another. Who reads a message puts in what it sees itself. */
static void see_through_nat(const struct ike_sa *sa, struct ts_list *of_peer,
			    struct ts_list *ours)
{
	for (uint8_t i = 0; sa->nat_remote && i < of_peer->n; i++)
		if (addr_equal(&of_peer->s[i].from, &of_peer->s[i].to))
			of_peer->s[i].from = of_peer->s[i].to = sa->remote.addr;
	for (uint8_t i = 0; sa->nat_local && i < ours->n; i++)
		if (addr_equal(&ours->s[i].from, &ours->s[i].to))
			ours->s[i].from = ours->s[i].to = sa->local.addr;
}

static struct slot_fit choose_slot(const struct ike_sa *sa, const struct child_offer *of,
				   const struct ts_list *tsi, const struct ts_list *tsr)
{
	struct ts_list seen_i = *tsi, seen_r = *tsr;
	struct slot_fit f;

	if (!of->transport || (!sa->nat_local && !sa->nat_remote))
		return slot_choose(sa->peer, tsi, tsr, of->old);
	see_through_nat(sa, &seen_i, &seen_r);
	f = slot_choose(sa->peer, &seen_i, &seen_r, of->old);
	if (f.fit != TS_NONE && slot_conf(sa->peer, f.slot)->mode == MODE_TRANSPORT)
		return f;
	return slot_choose(sa->peer, tsi, tsr, of->old);
}

void child_accept(struct ike_sa *sa, const struct child_offer *of,
		  struct child_answer *an)
{
	struct ts_list tsi, tsr;
	struct err err = { 0 };
	uint8_t shared[KE_SHARED_MAX];
	size_t shared_len = 0;
	const struct child_conf *cc;
	const char *why;
	uint16_t cpi;
	struct slot_fit f;
	struct child_made m;

	if (child_too_many(sa->peer)) {
		an->error = N_NO_ADDITIONAL_SAS;
		return;
	}
	if (payload_ts(of->tsi, &tsi, &err) < 0 || payload_ts(of->tsr, &tsr, &err) < 0) {
		an->error = N_INVALID_SYNTAX;
		return;
	}
	f = choose_slot(sa, of, &tsi, &tsr);
	if (f.fit == TS_NONE) {
		an->error = N_TS_UNACCEPTABLE;
		slot_no_selectors(sa->peer, of->old, &tsi, &tsr);
		return;
	}
	an->tsi = f.tsi;
	an->tsr = f.tsr;
	cc = slot_conf(sa->peer, f.slot);
	why = slot_blocked(sa, f.slot);
	if (why) {
		an->error = N_NO_PROPOSAL_CHOSEN;
		negotiation_child(sa, f.slot, false, of->old != NULL, NEG_LOCAL);
		slot_fail(sa->peer, f.slot, "%s", why);
		return;
	}
	/* §1.3.1: the responder need not want it; but tunnel mode where transport is set would
	 * be another thing. */
	if (cc->mode == MODE_TRANSPORT && !of->transport) {
		an->error = N_NO_PROPOSAL_CHOSEN;
		negotiation_child(sa, f.slot, false, of->old != NULL, NEG_MODE);
		slot_fail(sa->peer, f.slot, "the peer asks for tunnel mode, here mode is transport");
		return;
	}
	if (choose_esp(sa, of, f.slot, an, shared, &shared_len) < 0)
		return;
	/* §2.22: who offers it sends a CPI, who takes it another. */
	cpi = of->cpi ? child_cpi(sa, f.slot) : 0;
	m = (struct child_made){
		.cpi_in = cpi, .cpi_out = cpi ? of->cpi : 0, .esp = &an->esp, .local = &an->tsr, .remote = &an->tsi, .slot = f.slot,
		.pair = slot_pair_of(cc, &an->tsr, &an->tsi), .mode = cc->mode,
		.spi_in = child_new_spi(sa->peer), .old = of->old,
		.hold = of->old || slot_overlap(sa->peer, f.slot, &an->tsr, &an->tsi),
	};
	an->child = make(sa, of, (struct slice){ shared, shared_len }, &m, &err);
	secret_wipe(shared, sizeof(shared));
	/* One that comes beside another may never see that one's Delete. */
	if (an->child && m.hold && !of->old)
		an->child->release_at = clock_ms() + RELEASE_MS;
	if (!an->child) {
		an->error = N_TEMPORARY_FAILURE;
		slot_fail(sa->peer, f.slot, "%s", err.msg);
	}
}

static void write_cpi(struct build *b, uint16_t cpi)
{
	uint8_t data[3] = { (uint8_t)(cpi >> 8), (uint8_t)cpi, IPCOMP_DEFLATE };

	if (cpi)
		build_notify(b, PROTO_NONE, 0, 0, N_IPCOMP_SUPPORTED,
			     (struct slice){ data, sizeof(data) });
}

uint16_t child_cpi_said(const struct ike_msg *m)
{
	const struct payload *p = NULL;
	struct notify n;

	while ((p = ike_msg_next(m, PAYLOAD_NOTIFY, p)))
		if (payload_notify(p->body, &n, NULL) == 0 && n.type == N_IPCOMP_SUPPORTED &&
		    n.data.len == 3 && n.data.p[2] == IPCOMP_DEFLATE)
			return (uint16_t)(n.data.p[0] << 8 | n.data.p[1]);
	return 0;
}

uint16_t child_cpi(const struct ike_sa *sa, uint8_t slot)
{
	const struct child_conf *cc = slot_conf(sa->peer, slot);

	return cc && cc->ipcomp && sa->e->can.ipcomp ? child_new_cpi(sa->e) : 0;
}

void child_write_answer(struct build *b, const struct child_offer *of,
			const struct child_answer *an)
{
	struct sa_payload sa;

	if (an->error == N_INVALID_KE_PAYLOAD) {
		build_notify_ke(b, an->ke_group);
		return;
	}
	if (an->error) {
		build_notify_plain(b, an->error);
		return;
	}
	proposal_answer(&an->esp, an->child->spi_in, &sa);
	if (an->child->mode == MODE_TRANSPORT)
		build_notify_plain(b, N_USE_TRANSPORT_MODE);
	write_cpi(b, an->child->cpi_in);
	build_sa(b, &sa);
	if (of->pfs_round)
		build_nonce(b, of->nr);
	if (an->ke)
		build_ke(b, ke_id(an->ke), ke_public(an->ke));
	build_ts(b, PAYLOAD_TSI, &an->tsi);
	build_ts(b, PAYLOAD_TSR, &an->tsr);
}

/* ---- the initiator's part ---- */

void child_write_offer(struct ike_sa *sa, struct build *b, const struct child_asked *a,
		       const struct exch *x)
{
	const struct child_conf *cc = slot_conf(sa->peer, a->slot);
	struct ts_list local, remote;
	struct sa_payload offer;

	child_offer_of(sa, a->slot, x != NULL, a->spi, &offer);
	if (cc->mode == MODE_TRANSPORT)
		build_notify_plain(b, N_USE_TRANSPORT_MODE);
	write_cpi(b, a->cpi);
	build_sa(b, &offer);
	if (x) {
		build_nonce(b, (struct slice){ x->nonce, NONCE_LEN });
		if (x->ke)
			build_ke(b, x->group, ke_public(x->ke));
	}
	slot_selectors(cc, a->pair, &local, &remote);
	build_ts(b, PAYLOAD_TSI, &local);
	build_ts(b, PAYLOAD_TSR, &remote);
}

void child_write_nothing(struct ike_sa *sa, struct build *b, uint32_t spi)
{
	struct sa_payload offer;
	struct ts_list ts;

	child_offer_of(sa, 0, false, spi, &offer);
	build_sa(b, &offer);
	for (int i = 0; i < 2; i++) {
		uint8_t a[4] = { 192, 0, 2, (uint8_t)(1 + i) };
		struct prefix host = { addr_from_bytes(AF_INET, a), 32 };

		ts_from_prefixes(&host, 1, &ts);
		build_ts(b, i ? PAYLOAD_TSR : PAYLOAD_TSI, &ts);
	}
}

static int check_answer(struct ike_sa *sa, const struct child_offer *of,
			const struct child_asked *a, struct chosen *c, struct ts_list *tsi,
			struct ts_list *tsr, struct err *e)
{
	struct proposal_want want = child_want(sa, a->slot, of->pfs_round, a->spi);
	struct ts_list local, remote;
	struct sa_payload answer, offer;

	if (payload_sa(of->sa, &answer, e) < 0 || payload_ts(of->tsi, tsi, e) < 0 ||
	    payload_ts(of->tsr, tsr, e) < 0)
		return err_wrap(e, "the answer is malformed");
	child_offer_of(sa, a->slot, of->pfs_round, a->spi, &offer);
	if (proposal_verify(&answer, &offer, &want, c, e) < 0)
		return err_wrap(e, "the answer is wrong");
	if (of->transport)
		see_through_nat(sa, tsr, tsi);
	slot_selectors(slot_conf(sa->peer, a->slot), a->pair, &local, &remote);
	if (ts_check(&local, tsi, e) < 0 || ts_check(&remote, tsr, e) < 0)
		return err_wrap(e, "the peer's traffic selectors are wrong");
	return 0;
}

struct child *child_complete(struct ike_sa *sa, const struct child_offer *of,
			     const struct child_asked *a, struct err *e)
{
	const struct child_conf *cc = slot_conf(sa->peer, a->slot);
	uint8_t shared[KE_SHARED_MAX];
	size_t shared_len = 0;
	struct ts_list tsi, tsr;
	struct chosen c;
	struct child *child;
	struct child_made m;

	if (!cc) {
		err_set(e, "its settings are gone");
		return NULL;
	}
	if (check_answer(sa, of, a, &c, &tsi, &tsr, e) < 0)
		return NULL;
	/* §1.3.1: declined; then what the peer made is deleted. */
	if (cc->mode == MODE_TRANSPORT && !of->transport) {
		negotiation_child(sa, a->slot, true, of->old != NULL, NEG_MODE);
		err_set(e, "the peer wants tunnel mode, here mode is transport");
		return NULL;
	}
	if (cc->mode == MODE_TUNNEL && of->transport) {
		err_set(e, "the peer answers with transport mode, which nobody asked for");
		return NULL;
	}
	if (of->cpi && !a->cpi) {
		err_set(e, "the peer answers with compression, which nobody asked for");
		return NULL;
	}
	if (c.ke != KE_NONE) {
		if (!a->ke || ke_id(a->ke) != c.ke || of->ke.group != c.ke) {
			err_set(e, "the peer's key exchange does not fit what it chose");
			return NULL;
		}
		if (ke_shared(a->ke, of->ke.data, shared, &shared_len, e) < 0)
			return NULL;
	}
	m = (struct child_made){
		.esp = &c,
		.local = &tsi,
		.remote = &tsr,
		.slot = a->slot,
		.pair = a->pair,
		.mode = cc->mode,
		.spi_in = a->spi,
		.cpi_in = of->cpi ? a->cpi : 0,
		.cpi_out = of->cpi,
		.initiator = true,
		.old = of->old,
	};
	child = make(sa, of, (struct slice){ shared, shared_len }, &m, e);
	secret_wipe(shared, sizeof(shared));
	return child;
}
